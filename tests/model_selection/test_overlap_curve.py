import itertools
from typing import ClassVar

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge

from benchmarks.golden import detection as golden_detection
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification
from overlapkit.label_models import MajorityVote
from overlapkit.model_selection import (
    DetectedRows,
    gain_interval,
    overlap_curve,
    weak_to_strong_report,
)
from overlapkit.model_selection._detected_rows import draw_rows, make_pools
from overlapkit.students._controls import control_rows
from overlapkit.weak import WeakLabeler, WeakRows

STUDENT = LogisticRegression(C=0.01)
POOLS = ["overlap", "random non-hard", "most confident", "overlap vs easy"]
BANDS = "high vs low scores"
TRUTH = ["true overlap", "true overlap vs easy"]


@pytest.fixture(scope="module")
def world():
    """Teacher's rows, rows to learn from and test rows of one pattern."""
    counts = {"n_easy": 200, "n_hard": 200, "n_overlap": 200}
    first = make_overlap_classification(**counts, random_state=0)
    others = [
        make_overlap_classification(**counts, theta=first.theta, random_state=seed)
        for seed in (1, 2)
    ]
    weak = LogisticRegression(fit_intercept=False)
    weak.fit(first.X[:, first.easy_columns], first.y)
    return weak, *others


@pytest.fixture(scope="module")
def detector(world):
    return OverlapDetector(FrozenEstimator(world[0]), weak_columns=slice(0, 20))


def oracle(pool, **params):
    """The experiment with true regions, weak labels and confidence given."""
    weak, rows, test = pool
    proba = params.pop("proba", weak.predict_proba(rows.X[:, :20]))
    found = DetectedRows(
        WeakRows.from_proba(rows.X, proba),
        params.pop("detected", rows.region),
        params.pop("scores", None),
    )
    given = {"X_test": test.X, "y_test": test.y, "random_state": 0}
    X = params.pop("X", rows.X)
    return overlap_curve(STUDENT, found, X, **{**given, **params})


def test_controls_are_always_there_and_sizes_are_equal(world, detector):
    _, rows, test = world
    curve = overlap_curve(
        STUDENT,
        detector,
        rows.X,
        y_true=rows.y,
        X_test=test.X,
        y_test=test.y,
        regions=rows.region,
        regions_test=test.region,
        n_repeats=1,
        random_state=0,
    )
    assert curve["pool"].unique().tolist() == [*POOLS, BANDS, *TRUTH]
    assert curve["share"].unique().tolist() == [k / 10 for k in range(11)]
    assert curve["n_train"].nunique() == 1
    assert len(curve) == 7 * 11
    assert not curve.isna().any(axis=None)
    # what the rows are trained on is what the shares say, to a whole row
    n = curve["n_train"].iloc[0]
    truth = curve[curve["pool"] == "true overlap vs easy"]
    rounded = [round(share * n) / n for share in truth["share"]]
    np.testing.assert_allclose(truth["true_overlap_share"], rounded)
    assert (curve[curve["pool"] == BANDS]["hard_share"] == 0).all()
    shares = curve[["class_share_0", "class_share_1"]].sum(axis=1)
    np.testing.assert_allclose(shares, 1)
    assert (curve.filter(like="accuracy").stack().between(0, 1)).all()


def test_every_curve_that_sheds_hard_rows_rises_only_overlap_teaches(world):
    """The recorded finding: the rise of the first curves is that of their controls."""
    _, rows, test = world
    curve = oracle(
        world,
        y_true=rows.y,
        regions_test=test.region,
        shares=[0, 1],
        n_repeats=5,
    )
    means = curve.groupby(["pool", "share"]).mean(numeric_only=True)
    rise = means.xs(1, level="share") - means.xs(0, level="share")
    for pool in POOLS[:3]:
        assert rise.loc[pool, "accuracy"] > 0.08
        assert rise.loc[pool, "label_purity"] > 0.1
    # without hard rows in either part, purity stays and hard rows are learnt all the
    # same: from overlap, never from easy rows
    assert abs(rise.loc["overlap vs easy", "label_purity"]) < 0.05
    hard = means["accuracy_hard"]
    assert abs(hard["overlap vs easy", 0] - 0.5) < 0.07
    assert hard["overlap vs easy", 1] > 0.65


def test_results_do_not_depend_on_n_jobs_and_repeat_with_the_seed(world, detector):
    _, rows, test = world
    args = (STUDENT, detector, rows.X)
    params = {"X_test": test.X, "y_test": test.y, "shares": [0, 1], "n_repeats": 3}
    one = overlap_curve(*args, **params, random_state=3)
    with joblib.parallel_config("threading"):  # processes take seconds to start
        two = overlap_curve(*args, **params, random_state=3, n_jobs=2)
    pd.testing.assert_frame_equal(one, two)
    other = overlap_curve(*args, **params, random_state=4)
    assert not one["accuracy"].equals(other["accuracy"])
    # repeats are different draws
    assert one.groupby(["pool", "share"])["accuracy"].nunique().max() > 1


def test_inputs_are_not_changed_and_estimators_not_fitted(world):
    _, rows, _ = world
    X, y = rows.X.copy(), rows.y.copy()
    student, detector = LogisticRegression(), OverlapDetector(weak_columns=[0, 1, 2])
    overlap_curve(student, detector, X, y, shares=[0.5], n_repeats=1, random_state=0)
    np.testing.assert_array_equal(X, rows.X)
    np.testing.assert_array_equal(y, rows.y)
    assert not hasattr(student, "coef_")
    assert not hasattr(detector, "labels_")


def test_without_test_set_rows_are_held_out(world):
    _, rows, _ = world
    detector = OverlapDetector(weak_columns=slice(0, 20))
    curve = overlap_curve(
        DummyClassifier(strategy="prior"),
        detector,
        rows.X,
        rows.y,
        regions=rows.region,
        shares=[0, 1],
        n_repeats=2,
        test_size=0.2,
        random_state=0,
    )
    # a constant student: accuracy is a class share of the 120 held-out rows, which
    # are stratified
    counts = curve["accuracy"] * 120
    np.testing.assert_allclose(counts, counts.round(), atol=1e-9)
    majority = np.bincount(rows.y).max() / len(rows.y)
    expected = np.maximum(curve["accuracy"], 1 - curve["accuracy"])
    np.testing.assert_allclose(expected, majority, atol=0.01)
    np.testing.assert_allclose(curve["balanced_accuracy"], 0.5)
    assert "accuracy_neither" not in curve


def test_true_labels_never_reach_a_student(world, detector):
    """With the teacher frozen, other true labels change the scores but no student."""
    _, rows, test = world
    params = {"X_test": test.X, "shares": [1], "n_repeats": 1, "random_state": 0}
    curve = overlap_curve(
        STUDENT, detector, rows.X, y_true=rows.y, y_test=test.y, **params
    )
    flipped = overlap_curve(
        STUDENT, detector, rows.X, y_true=1 - rows.y, y_test=1 - test.y, **params
    )
    np.testing.assert_allclose(curve["accuracy"], 1 - flipped["accuracy"])
    np.testing.assert_allclose(curve["label_purity"], 1 - flipped["label_purity"])


def test_purity_counts_known_labels_only(world, detector):
    _, rows, test = world
    some = np.where(np.arange(len(rows.y)) % 2, -1, rows.y)
    params = {"X_test": test.X, "y_test": test.y, "shares": [1], "n_repeats": 1}
    none = overlap_curve(STUDENT, detector, rows.X, **params)
    assert none["label_purity"].isna().all()
    detector = OverlapDetector(weak_columns=slice(0, 20), missing_label=-1)
    half = overlap_curve(STUDENT, detector, rows.X, some, **params)
    full = overlap_curve(STUDENT, detector, rows.X, some, y_true=rows.y, **params)
    assert half["label_purity"].between(0.5, 1).all()
    assert full["label_purity"].between(0.5, 1).all()


def test_string_labels_dataframes_label_models_and_more_classes():
    rng = np.random.RandomState(0)
    data = make_overlap_classification(
        n_easy=150, n_hard=150, n_overlap=150, n_classes=3, separation=3, random_state=0
    )
    wrong = np.array([0.1, 0.1, 2 / 3])[data.region, None]
    votes = data.y[:, None] + np.where(
        rng.uniform(size=(len(data.y), 5)) < wrong,
        rng.randint(1, 3, (len(data.y), 5)),
        0,
    )
    votes %= 3
    votes[rng.uniform(size=votes.shape) < 0.2] = -1
    X = pd.DataFrame(np.hstack([votes, data.X]))
    X.columns = [f"vote{k}" for k in range(5)] + [f"x{k}" for k in range(40)]
    detector = OverlapDetector(
        MajorityVote(classes=["a", "b", "c"]),
        weak_columns=list(X.columns[:5]),
        strong_columns=list(X.columns[5:]),
    )
    curve = overlap_curve(
        STUDENT,
        detector,
        X,
        y_true=np.array(["a", "b", "c"])[data.y],
        shares=[0, 1],
        n_repeats=1,
        random_state=0,
    )
    classes = ["class_share_a", "class_share_b", "class_share_c"]
    np.testing.assert_allclose(curve[classes].sum(axis=1), 1)
    assert curve["accuracy"].max() > 0.6


def test_one_class_of_weak_labels_is_predicted_and_shown(world):
    _, rows, test = world
    proba = np.tile([0.1, 0.9], (len(rows.y), 1))
    curve = oracle(world, proba=proba, shares=[0.5], n_repeats=1)
    np.testing.assert_allclose(curve["accuracy"], test.y.mean())
    assert (curve["class_share_1"] == 1).all()


@pytest.mark.parametrize("seed", range(5))
def test_pools_hold_what_they_are_named_after(seed):
    rng = np.random.RandomState(seed)
    detected = rng.choice(3, size=200, p=[0.4, 0.35, 0.25])
    scores, regions = rng.uniform(size=200), rng.choice(4, size=200)
    one = rng.uniform(size=200)
    covered = rng.uniform(size=200) < 0.9
    detected[~covered] = 3
    rows = WeakRows.from_proba(
        rng.normal(size=(200, 2)), np.column_stack([one, 1 - one]), covered=covered
    )
    n_overlap = int((detected == 1).sum())
    controls = control_rows(rows, n_overlap, seed=seed)
    pools = make_pools(detected, controls, scores, regions, rng)
    assert list(pools) == [*POOLS, BANDS, *TRUTH]
    for name, (added, replaced) in pools.items():
        assert not set(added) & set(replaced), name
        assert covered[np.append(added, replaced)].all(), name
        if name in ("overlap", "random non-hard", "most confident"):
            assert len(added) == n_overlap
            assert len(added) + len(replaced) == covered.sum()
    for name in ("random non-hard", "most confident"):
        assert set(pools[name][0]) == set(np.flatnonzero(controls[name]))
    high, low = pools[BANDS]
    assert scores[high].min() > scores[low].max()
    assert (detected[np.append(high, low)] < 2).all()
    assert len(high) == len(low) == (detected < 2).sum() // 2
    assert (regions[pools[TRUTH[1]][1]] == 0).all()


@pytest.mark.parametrize("n_train", [1, 7, 99, 100])
def test_draws_have_exact_sizes_and_are_nested(n_train):
    """n = 100 at 0.9 is 90 + 10 rows, not 90 + 9 as float truncation has it."""
    pool = np.arange(120), np.arange(120, 300)
    shares = np.linspace(0, 1, 11)
    drawn = draw_rows(pool, shares, n_train, np.random.RandomState(0))
    for share, rows in zip(shares, drawn):
        assert len(rows) == len(set(rows)) == n_train
        assert (rows < 120).sum() == round(share * n_train)
    for smaller, larger in itertools.pairwise(drawn):
        assert set(smaller[smaller < 120]) <= set(larger[larger < 120])
        assert set(larger[larger >= 120]) <= set(smaller[smaller >= 120])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"detected": np.full(600, 7)}, r"neither\); found \[7\]"),
        ({"detected": np.zeros(599)}, "regions has 599 entries, but there are 600"),
        ({"scores": np.zeros(599)}, r"scores has shape \(599,\), but there are 600"),
        ({"scores": np.full(600, np.nan)}, "scores contains NaN"),
        ({"X": np.zeros((599, 40))}, "detector holds 600 rows, but X has 599"),
        ({"shares": [0, 1.5]}, "shares must lie between 0 and 1"),
        ({"n_train": 500}, r"no training set of 500 rows at every share: .* 200 rows"),
        ({"n_repeats": 0}, "The 'n_repeats' parameter"),
        ({"y_test": None}, "Give both X_test and y_test"),
        ({"X_test": None, "y_test": None}, "but no label is known: give y, y_true"),
        ({"regions_test": np.zeros(4)}, "regions_test has 4 entries, but there are"),
        ({"detected": np.zeros(600, int)}, "any number of rows .* 0 overlap"),
    ],
)
def test_bad_input_is_refused(world, params, message):
    params = dict(params)
    with pytest.raises(ValueError, match=message):
        oracle(world, n_repeats=params.pop("n_repeats", 1), **params)


def test_rows_of_X_unknown_labels_and_regressors_are_refused(world, detector):
    _, rows, test = world
    with pytest.raises(ValueError, match="600 of the 600 rows in X_test are also rows"):
        overlap_curve(STUDENT, detector, rows.X, X_test=rows.X, y_test=rows.y)
    unknown = np.where(np.arange(len(test.y)) < 7, np.nan, test.y)
    with pytest.raises(ValueError, match="7 labels in y_test are unknown"):
        overlap_curve(STUDENT, detector, rows.X, X_test=test.X, y_test=unknown)
    with pytest.raises(ValueError, match="must be a classifier, got the regressor Rid"):
        overlap_curve(Ridge(), detector, rows.X, X_test=test.X, y_test=test.y)


def test_some_known_labels_are_held_out_in_folds(world):
    _, rows, _ = world
    known = np.random.RandomState(0).permutation(600) < 90
    detector = OverlapDetector(weak_columns=slice(0, 20), missing_label=-1)
    curve = overlap_curve(
        STUDENT,
        detector,
        rows.X,
        np.where(known, rows.y, -1),
        shares=[0, 1],
        n_repeats=2,
        random_state=0,
    )
    assert len(curve) == 5 * 2 * 2  # pools, shares, repeats
    assert curve["accuracy"].between(0.3, 0.95).all()
    # each of the 90 labelled rows is tested once a repeat
    middle = curve.groupby(["pool", "share"])["accuracy"].mean()
    low, high = (
        curve.groupby(["pool", "share"])[f"accuracy_{end}"].first()
        for end in ("low", "high")
    )
    assert ((low < middle) & (middle < high)).all()
    assert ((high - low) / 2).between(0.04, 0.2).all()


def test_shares_of_classes_add_up_when_a_fold_lacks_a_weak_class(world):
    _, rows, _ = world
    known = np.random.RandomState(0).permutation(600) < 90
    proba = np.zeros((600, 3))
    proba[np.arange(600), rows.y] = np.random.RandomState(1).uniform(0.5, 1, 600)
    proba[np.arange(600), 1 - rows.y] = 1 - proba.max(axis=1)
    first = np.flatnonzero(known)[0]
    proba[first] = 0, 0, 1  # the only row of class 2, held out in one fold of four
    detector = OverlapDetector(
        weak_estimator="precomputed",
        weak_columns=slice(-3, None),
        strong_columns=slice(0, -3),
        classes=[0, 1, 2],
        missing_label=-1,
    )
    curve = overlap_curve(
        STUDENT,
        detector,
        np.column_stack([rows.X, proba]),
        np.where(known, rows.y, -1),
        shares=[0, 1],
        n_repeats=2,
        random_state=0,
    )
    shares = curve.filter(regex="^class_share_")
    assert shares.shape[1] == 3
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_bounds_are_those_of_the_one_rule(world):
    """A student that always says 1 is right on the rows of class 1, in every repeat."""
    _, rows, test = world
    proba = np.tile([0.1, 0.9], (len(rows.y), 1))
    curve = oracle(world, proba=proba, shares=[0.5], n_repeats=3)
    expected = gain_interval((test.y == 1)[None] * 1.0)
    found = curve[["accuracy", "accuracy_low", "accuracy_high"]].drop_duplicates()
    np.testing.assert_allclose(found, [expected])


class Shown(LogisticRegression):
    """Keeps what it was trained on, in the order of the trainings."""

    trainings: ClassVar[list] = []

    def fit(self, X, y, sample_weight=None):
        self.trainings.append(X)
        return super().fit(X, y, sample_weight)


def rows_shown(run):
    Shown.trainings.clear()
    run()
    return [set(map(bytes, np.ascontiguousarray(X))) for X in Shown.trainings]


@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.UncoveredRowsWarning")
def test_curve_report_and_controls_train_on_the_same_rows():
    """Three ways to the same controls, row by row; some rows have no vote."""
    data, test = (
        make_overlap_classification(
            n_easy=350, n_hard=250, n_overlap=150, random_state=seed
        )
        for seed in (0, 0)
    )
    rng = np.random.RandomState(0)
    test.X = test.X + rng.normal(size=test.X.shape) / 100
    region_noise = {0: 0.05, 1: 0.05, 2: 0.5}
    wrong = np.vectorize(region_noise.get)(data.region)[:, None]
    votes = np.where(
        rng.uniform(size=(750, 5)) < wrong, 1 - data.y[:, None], data.y[:, None]
    )
    votes[rng.uniform(size=votes.shape) < 0.35] = -1
    X, X_test = (np.hstack([v, x.X]) for v, x in ((votes, data), (votes, test)))
    views = {"strong_columns": slice(5, 45), "weak_columns": slice(0, 5)}
    params = {"X_test": X_test, "y_test": test.y, "n_repeats": 2, "random_state": 0}
    model = MajorityVote(classes=[0, 1])
    detector = OverlapDetector(model, **views, hard_threshold=0.5, random_state=0)

    def curve():
        found = overlap_curve(Shown(C=0.01), detector, X, shares=[1], **params)
        shapes.append((found["n_train"].iloc[0], found["pool"].unique().tolist()))

    student = WeakToStrongClassifier(
        Shown(C=0.01),
        weak_estimator=model,
        selector=OverlapDetector(hard_threshold=0.5),
        random_state=0,
        **views,
    )
    shapes = []
    by_curve = rows_shown(curve)
    by_report = rows_shown(lambda: weak_to_strong_report(student, X, **params))
    rows, _ = WeakLabeler(model, **views, random_state=0).fit_label(X)
    regions = OverlapDetector(hard_threshold=0.5).fit_rows(rows).labels_
    n_train, pools = shapes[0]
    assert 0 < n_train == np.sum(regions == 1)  # every pool is trained on whole
    assert not rows.covered.all()
    seeds = np.random.RandomState(0).randint(2**31 - 1, size=3)[1:]
    strong = np.ascontiguousarray(rows.strong)
    for repeat, seed in enumerate(seeds):
        masks = control_rows(rows, n_train, seed=seed)
        masks["overlap"] = regions == 1
        for name in ("overlap", "random non-hard", "most confident"):
            expected = set(map(bytes, strong[masks[name]]))
            assert by_curve[repeat * len(pools) + pools.index(name)] == expected, name
            assert expected in by_report, name


@pytest.mark.parametrize("table", ["detection", "sources", "mixing"])
def test_golden_detection_in_few_runs(table):
    n_seeds = 3
    result = golden_detection.TABLES[table](n_seeds, None, seed=1)
    recorded = result.dropna(subset=["recorded"])
    recorded = recorded[recorded["quantity"] != "hard rows, truth, overlap only"]
    assert len(recorded) > 15
    # three worlds and thirty recorded ones, with the standard errors of both
    error = recorded["sd"].fillna(0) * np.sqrt(1 / n_seeds + 1 / 30)
    off = (recorded["measured"] - recorded["recorded"]).abs()
    assert (off < 0.025 + 3.5 * error).all()


def test_golden_detection_says_what_is_off(capsys, monkeypatch):
    monkeypatch.setitem(
        golden_detection.AGGREGATIONS,
        "mean |cos|",
        ({"aggregation": "mean"}, (0.5, 0.5, 0.5)),
    )
    options = ["--tables", "detection", "--seeds", "2", "--n-jobs", "1"]
    assert golden_detection.main(options) == 1
    lines = capsys.readouterr().out.splitlines()
    changed = [line for line in lines if " mean |cos| " in line]
    assert len(changed) == 3
    assert all(line.endswith("NOT REACHED") for line in changed)
    assert lines[-1].endswith("not reached")


@pytest.mark.slow
def test_golden_detection_in_full():
    assert golden_detection.main(["--n-jobs", "2"]) == 0
