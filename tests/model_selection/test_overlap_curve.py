import itertools

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from benchmarks import golden_detection
from overlapkit import OverlapDetector
from overlapkit.datasets import make_noisy_labels, make_overlap_classification
from overlapkit.label_models import MajorityVote
from overlapkit.model_selection import overlap_curve
from overlapkit.model_selection._mixing import draw_rows, make_pools

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
    proba = weak.predict_proba(rows.X[:, :20])
    given = {
        "weak_labels": proba.argmax(axis=1),
        "weak_confidence": abs(2 * proba[:, 1] - 1),
        "detected_regions": rows.region,
        "X_test": test.X,
        "y_test": test.y,
        "random_state": 0,
    }
    return overlap_curve(STUDENT, None, rows.X, **{**given, **params})


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
    rates = [0.1, 0.1, 2 / 3]
    votes = [
        make_noisy_labels(data.y, noise=rates, groups=data.region, random_state=s)
        for s in range(5)
    ]
    votes = np.column_stack([v.labels for v in votes])
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
    curve = oracle(
        world, weak_labels=np.ones(len(rows.y), int), shares=[0.5], n_repeats=1
    )
    np.testing.assert_allclose(curve["accuracy"], test.y.mean())
    assert (curve["class_share_1"] == 1).all()


def test_ties_of_confidence_are_broken_by_lot_in_every_repeat():
    """A label model gives few distinct confidences: order must not decide."""
    detected = np.repeat([0, 1, 2], 50)
    pools = [
        make_pools(detected, np.ones(150), None, None, np.random.RandomState(seed))[
            "most confident"
        ][0]
        for seed in (0, 1)
    ]
    assert set(pools[0]) != set(pools[1])


@pytest.mark.parametrize("seed", range(5))
def test_pools_hold_what_they_are_named_after(seed):
    rng = np.random.RandomState(seed)
    detected = rng.choice(3, size=200, p=[0.4, 0.35, 0.25])
    confidence, scores = rng.uniform(size=(2, 200))
    regions = rng.choice(4, size=200)
    pools = make_pools(detected, confidence, scores, regions, rng)
    assert list(pools) == [*POOLS, BANDS, *TRUTH]
    n_overlap = (detected == 1).sum()
    for name, (added, replaced) in pools.items():
        assert not set(added) & set(replaced), name
        if name in ("overlap", "random non-hard", "most confident"):
            assert len(added) == n_overlap
            assert len(added) + len(replaced) == 200
    assert (detected[pools["random non-hard"][0]] != 2).all()
    added, replaced = pools["most confident"]
    assert confidence[added].min() > confidence[replaced].max()
    high, low = pools[BANDS]
    assert scores[high].min() > scores[low].max()
    assert (detected[np.append(high, low)] != 2).all()
    assert len(high) == len(low) == (detected != 2).sum() // 2
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
        ({"weak_labels": None}, "Without a detector, weak_labels must be given"),
        ({"weak_confidence": np.ones(3)}, "weak_confidence has 3 entries, but X has"),
        ({"detected_regions": np.full(600, 7)}, r"neither\); found \[7\]"),
        ({"shares": [0, 1.5]}, "shares must lie between 0 and 1"),
        ({"n_train": 500}, r"no training set of 500 rows at every share: .* 200 rows"),
        ({"n_repeats": 0}, "The 'n_repeats' parameter"),
        ({"y_test": None}, "Give both X_test and y_test"),
        ({"X_test": None, "y_test": None}, "needs the true label of every row"),
        ({"regions_test": np.zeros(4)}, "regions_test has 4 entries, but there are"),
        ({"detected_regions": np.zeros(600, int)}, "any number of rows .* 0 overlap"),
        ({"weak_confidence": np.full(600, np.nan)}, "weak_confidence contains NaN"),
    ],
)
def test_bad_input_is_refused(world, params, message):
    with pytest.raises(ValueError, match=message):
        oracle(world, n_repeats=params.pop("n_repeats", 1), **params)


def test_a_detector_excludes_what_it_would_find(world, detector):
    _, rows, _ = world
    with pytest.raises(ValueError, match="The detector finds weak_labels itself"):
        overlap_curve(STUDENT, detector, rows.X, rows.y, weak_labels=rows.y)


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
