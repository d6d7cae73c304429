"""Correct, cut, train: what it makes, what it costs, and what it says of itself."""

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from overlapkit.label_models import MajorityVote
from overlapkit.scorers._neighbor_graph import nearest_neighbors
from overlapkit.students._recipe import (
    N_NEIGHBORS,
    accuracy_interval,
    cut_rows,
    train_with_known,
)
from overlapkit.weak import KnownLabels, WeakRows


def make_task(*, seed=0, n=600, n_known=60, n_classes=2, n_functions=6, noise=3.0):
    rng = np.random.RandomState(seed)
    truth = rng.randint(0, n_classes, size=n)
    centre = 1.5 * rng.normal(size=(n_classes, 8))
    X = centre[truth] + noise * rng.normal(size=(n, 8))
    quality = np.linspace(0.6, 0.9, n_functions)
    right = rng.uniform(size=(n, n_functions)) < quality
    other = (truth[:, None] + rng.randint(1, n_classes, (n, n_functions))) % n_classes
    votes = np.where(right, truth[:, None], other)
    votes[rng.uniform(size=votes.shape) < 0.5] = -1
    known = np.zeros(n, dtype=bool)
    known[:n_known] = True
    return X, known, truth, votes


def train(X, known, codes, votes=None, estimator=None, *, seed=0, **params):
    """The recipe with the majority of the votes as weak labels."""
    n_classes = codes.max() + 1
    weak, covered = np.zeros(len(known), dtype=int), np.zeros(len(known), dtype=bool)
    if votes is not None:
        model = MajorityVote(classes=np.arange(n_classes), random_state=0).fit(votes)
        weak, covered = model.predict(votes), model.covered(votes)
    rows = WeakRows.from_proba(
        X, np.eye(n_classes)[weak], covered=covered, votes=votes, seed=seed
    )
    return train_with_known(
        LogisticRegression() if estimator is None else estimator,
        rows,
        KnownLabels(known, codes[known]),
        **params,
    )


class Counted(LogisticRegression):
    """Notes the rows of every fit; the first column of X is a row number."""

    fits: list = []

    def fit(self, X, y):
        Counted.fits.append((X[:, 0].astype(int), np.asarray(y)))
        return super().fit(X[:, 1:], y)

    def predict_proba(self, X):
        return super().predict_proba(X[:, 1:])


@pytest.fixture
def fits():
    Counted.fits = []
    return Counted.fits


def numbered(X):
    return np.column_stack([np.arange(len(X)), X])


@pytest.mark.parametrize("n_classes", [2, 4])
def test_it_beats_both_of_its_ingredients(n_classes):
    gain = {"known": [], "weak": []}
    for seed in range(4):
        X, known, truth, votes = make_task(
            seed=seed, n=2500, n_known=80, n_classes=n_classes, n_functions=3
        )
        test = np.arange(2500) >= 1500
        made = train(
            X[~test], known[~test], truth[~test], votes[~test], judge=False, seed=seed
        )
        right = np.mean(made.estimator.predict(X[test]) == truth[test])
        for name in gain:
            other = getattr(made, f"{name}_estimator").predict(X[test])
            gain[name].append(right - np.mean(other == truth[test]))
    assert np.mean(gain["known"]) > 0.015
    assert np.mean(gain["weak"]) > -0.005
    assert made.estimator.classes_.tolist() == list(range(n_classes))
    proba = made.estimator.predict_proba(X[test])
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(made.estimator.predict(X[test]), proba.argmax(axis=1))


def test_the_student_is_fitted_twelve_times(fits):
    X, known, truth, votes = make_task()
    train(numbered(X), known, truth, votes, Counted())
    assert len(fits) == 12
    fits.clear()
    train(numbered(X), known, truth, votes, Counted(), judge=False)
    assert len(fits) == 6


def test_rows_that_are_judged_are_never_learned_from(fits):
    X, known, truth, votes = make_task(n_known=60)
    made = train(numbered(X), known, truth, votes, Counted(), cv=3)
    folds, alone, weak, final, *judged = fits[:3], *fits[3:]
    assert (
        sorted(np.concatenate([60 - len(rows) for rows, _ in folds], None)) == [20] * 3
    )
    assert set(alone[0]) == set(range(60))
    assert set(weak[0]) == set(np.flatnonzero((votes >= 0).any(axis=1)))
    np.testing.assert_array_equal(np.sort(final[0]), np.flatnonzero(made.selected))
    held_out = [np.setdiff1d(np.arange(60), rows) for rows, _ in folds]
    # two students per fold, without weak labels and with them
    for i, (rows, labels) in enumerate(judged):
        assert not set(rows) & set(held_out[i // 2])
        mine = rows < 60
        assert set(rows[mine]) == set(folds[i // 2][0])
        np.testing.assert_array_equal(labels[mine], truth[rows[mine]])


def test_nested_true_labels_of_judged_rows_change_nothing(fits):
    # not even the coefficients: the same students, fitted on the same labels
    X, known, truth, votes = make_task(n_known=60)
    other = truth.copy()
    other[:20] = 1 - other[:20]  # the rows that are held out first
    for labels in (truth, other):
        train(numbered(X), known, labels, votes, Counted(), cv=_folds(60), nested=True)
    assert len(fits) == 2 * 15
    one, two = fits[:15], fits[15:]
    # three folds, all, weak, recipe, three pairs of folds, then two students per fold
    for i in (0, 9, 10):
        np.testing.assert_array_equal(one[i][0], two[i][0])
        np.testing.assert_array_equal(one[i][1], two[i][1])
    assert not np.array_equal(one[11][1], two[11][1])


def _folds(n):
    parts = np.array_split(np.arange(n), 3)
    return [(np.setdiff1d(np.arange(n), part), part) for part in parts]


@pytest.mark.parametrize("nested", [False, True])
def test_labels_without_meaning_are_judged_as_chance(nested):
    # rows and votes say nothing of known labels: who finds more has seen the answers
    right = dict.fromkeys(("self-cut", "recipe", "average"), 0)
    for seed in range(30):
        X, known, truth, votes = make_task(seed=seed, n=300, n_known=60)
        truth[:60] = np.random.RandomState(seed).permutation(np.arange(60) % 2)
        report = train(X, known, truth, votes, seed=seed, nested=nested).report
        accuracy = report.set_index("candidate")["accuracy"]
        for name in right:
            right[name] += round(60 * accuracy[name])
    for name, count in right.items():
        # the coefficients of the self-cut let a little through unless nested
        most = 0.5 if nested or name != "self-cut" else 0.55
        greater = binomtest(count, 30 * 60, most, alternative="greater")
        assert greater.pvalue > 0.001, name


def test_report():
    X, known, truth, votes = make_task(n=1500, n_known=120)
    made = train(X, known, truth, votes)
    report = made.report.set_index("candidate")
    assert report.index.tolist() == [
        "labels alone",
        "all covered weak labels",
        "self-cut",
        "recipe",
        "average",
    ]
    assert report["used"].sum() == 1
    assert report.index[report["used"]][0] == made.used
    assert (report["low"] < report["accuracy"]).all()
    assert (report["accuracy"] < report["high"]).all()
    assert report.loc["labels alone", "gain"] == 0
    gain = report["accuracy"] - report.loc["labels alone", "accuracy"]
    np.testing.assert_allclose(report["gain"], gain, atol=1e-12)
    assert "Shares of the evidence" in made.summary
    quick = train(X, known, truth, votes, judge=False)
    assert quick.report["accuracy"].notna().sum() == 2
    np.testing.assert_array_equal(quick.selected, made.selected)


def test_intervals_hold_what_they_promise():
    # new rows from the same source: the accuracy that is estimated is known
    inside = []
    for seed in range(25):
        X, known, truth, votes = make_task(seed=seed, n=1500, n_known=60)
        test = np.arange(1500) >= 500
        made = train(X[~test], known[~test], truth[~test], votes[~test], seed=seed)
        actual = np.mean(made.estimator.predict(X[test]) == truth[test])
        row = made.report.set_index("candidate").loc[made.used]
        inside.append(row["low"] <= actual <= row["high"])
    assert np.mean(inside) >= 0.92


def test_accuracy_interval_is_wilsons():
    right = np.r_[np.ones(81), np.zeros(19)]
    expected = binomtest(81, 100).proportion_ci(method="wilson")
    accuracy, low, high = accuracy_interval(right)
    assert accuracy == pytest.approx(0.81)
    assert (low, high) == pytest.approx((expected.low, expected.high))
    # copies of a row are one row, whether as weights or as groups
    tenfold = accuracy_interval(right, np.full(100, 10.0))
    assert tenfold == pytest.approx((accuracy, low, high))
    grouped = accuracy_interval(
        np.repeat(right, 10), groups=np.repeat(np.arange(100), 10)
    )
    np.testing.assert_allclose(grouped[1:], (low, high), atol=2e-3)
    assert accuracy_interval(np.ones(20))[1] < 0.9
    wider = accuracy_interval(np.repeat(right, 3), inflation=3.0)
    assert wider == pytest.approx((accuracy, low, high))


def test_cut_keeps_known_rows_and_a_share_of_each_class():
    rng = np.random.RandomState(0)
    codes = np.r_[np.zeros(101, int), np.ones(55, int)]
    neighbors = rng.randint(0, 156, size=(156, 5))
    distances = rng.uniform(size=(156, 5))
    known = np.array([0, 1, 2, 101])
    keep = cut_rows(codes, known, neighbors, distances, 2)
    assert keep[known].all()
    assert keep[(codes == 0)].sum() == 3 + np.ceil(0.8 * 98)
    assert keep[(codes == 1)].sum() == 1 + np.ceil(0.8 * 54)


def test_cut_drops_rows_among_rows_of_another_class():
    # two clusters, and some labels of the wrong one in each
    rng = np.random.RandomState(0)
    truth = np.repeat([0, 1], 200)
    X = 6.0 * truth[:, None] + rng.normal(size=(400, 3))
    wrong = rng.permutation(400)[:60]
    codes = truth.copy()
    codes[wrong] = 1 - codes[wrong]
    graph = nearest_neighbors(X, N_NEIGHBORS)
    keep = cut_rows(codes, np.array([], dtype=int), *graph, 2)
    assert not keep[wrong].any()


def test_weak_labels_of_uncovered_rows_do_not_matter():
    X, known, truth, votes = make_task()
    votes[::2] = -1
    covered = (votes >= 0).any(axis=1)
    weak = MajorityVote(random_state=0).fit(votes).predict(votes)
    results = []
    for nonsense in (0, 1):
        codes = np.where(covered, weak, nonsense)
        rows = WeakRows.from_proba(X, np.eye(2)[codes], covered=covered, votes=votes)
        labels = KnownLabels(known, truth[known])
        results.append(train_with_known(LogisticRegression(), rows, labels))
    one, two = results
    np.testing.assert_array_equal(one.correction.proba, two.correction.proba)
    np.testing.assert_array_equal(one.selected, two.selected)


def test_permuted_votes_come_out_like_no_votes():
    shares, gains = [], []
    for seed in range(1, 5):
        X, known, truth, votes = make_task(seed=seed, n=3000, n_known=150)
        test = np.arange(3000) >= 1500
        order = np.random.RandomState(0).permutation(1500)
        spoilt = train(
            X[~test], known[~test], truth[~test], votes[~test][order], judge=False
        )
        share = dict(zip(spoilt.correction.sources, spoilt.correction.shares))
        shares.append(share["weak labels"] + share["votes"])
        without = train(X[~test], known[~test], truth[~test], judge=False)
        one, two = (
            np.mean(made.estimator.predict(X[test]) == truth[test])
            for made in (spoilt, without)
        )
        gains.append(one - two)
    assert np.mean(shares) < 0.1
    assert abs(np.mean(gains)) < 0.005
    assert np.abs(gains).max() < 0.02


@pytest.mark.usefixtures("threads")
def test_n_jobs_does_not_matter():
    X, known, truth, votes = make_task(n_classes=3)
    one, two = (train(X, known, truth, votes, n_jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(one.correction.proba, two.correction.proba)
    np.testing.assert_array_equal(one.selected, two.selected)
    assert one.report.equals(two.report)


def test_order_of_the_rows_does_not_matter():
    X, known, truth, votes = make_task(n_known=60)
    cv = _folds(60)
    made = train(X, known, truth, votes, cv=cv)
    order = np.r_[np.arange(60), 60 + np.random.RandomState(0).permutation(540)]
    again = train(X[order], known[order], truth[order], votes[order], cv=cv)
    np.testing.assert_allclose(
        again.correction.proba, made.correction.proba[order], atol=1e-6
    )
    assert np.mean(again.selected == made.selected[order]) > 0.995


def test_without_weak_labels_it_is_the_self_cut():
    X, known, truth, _ = make_task()
    made = train(X, known, truth)
    report = made.report.set_index("candidate")["accuracy"]
    assert np.isnan(report["all covered weak labels"])
    assert report["recipe"] == report["self-cut"]
    assert made.weak_estimator is None
    assert made.correction.sources == ("known labels",)


def test_every_label_known():
    X, _, truth, votes = make_task(n=200)
    made = train(X, np.ones(200, bool), truth, votes)
    assert made.selected.all()
    np.testing.assert_array_equal(made.correction.codes, truth)


class Blind(ClassifierMixin, BaseEstimator):
    """Has predict only."""

    def fit(self, X, y):
        self.model_ = KNeighborsClassifier(9).fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)


def test_a_student_without_probabilities():
    X, known, truth, votes = make_task(n=1000, n_known=100, n_classes=3)
    made = train(X, known, truth, votes, Blind())
    unknown = ~known
    corrected = made.correction.codes[unknown]
    assert np.mean(corrected == truth[unknown]) > 0.8
    assert made.report["accuracy"].notna().all()


def test_a_class_with_one_known_row_and_a_fold_that_lacks_a_class():
    X, known, truth, votes = make_task(n_classes=3, n_known=60)
    known &= (truth != 2) | (np.cumsum(truth == 2) == 1)
    made = train(X, known, truth, votes)
    assert np.isfinite(made.correction.proba).all()
    assert (made.correction.codes == 2).sum() > 20
    assert made.estimator.classes_.tolist() == [0, 1, 2]


def test_weak_labels_of_one_class():
    X, known, truth, votes = make_task()
    votes = np.where(votes == 1, 1, -1)
    made = train(X, known, truth, votes)
    assert made.report["accuracy"].notna().all()
    assert set(made.correction.codes) == {0, 1}


def test_weights():
    X, known, truth, votes = make_task()
    weight = np.random.RandomState(0).uniform(0.5, 2, size=600)
    made = train(X, known, truth, votes, sample_weight=weight)
    plain = train(X, known, truth, votes)
    same = train(X, known, truth, votes, sample_weight=np.ones(600))
    assert not np.allclose(made.correction.stack.coef, plain.correction.stack.coef)
    np.testing.assert_allclose(same.correction.proba, plain.correction.proba)
    with pytest.raises(ValueError, match="Blind takes none"):
        train(X, known, truth, votes, Blind(), sample_weight=weight)


def test_missing_values_are_for_the_student():
    X, known, truth, votes = make_task()
    X[::7, 2] = np.nan
    student = HistGradientBoostingClassifier(max_iter=10)
    made = train(X, known, truth, votes, student, judge=False)
    assert made.selected.sum() < 600
    assert np.mean(made.estimator.predict(X) == truth) > 0.7


def test_text_columns_are_encoded_and_dates_refused():
    X, known, truth, votes = make_task()
    frame = pd.DataFrame(X).add_prefix("x").assign(word="a")
    student = make_pipeline(FunctionTransformer(_numbers_only), LogisticRegression())
    dates = frame.assign(when=pd.Timestamp("2020"))
    with pytest.raises(ValueError, match=r"\['when'\] hold dates.*leave the columns"):
        train(dates, known, truth, votes, student)
    plain = train(X, known, truth, votes)
    made = train(frame.drop(columns="word"), known, truth, votes)
    np.testing.assert_array_equal(made.selected, plain.selected)
    # a column that says nothing changes the scale of distances only
    made = train(frame, known, truth, votes, student)
    assert np.mean(made.selected == plain.selected) > 0.8


def _numbers_only(frame):
    return frame.drop(columns="word").to_numpy()


def test_half_precision_memory_map(tmp_path):
    X, known, truth, votes = make_task(n=900)
    np.save(tmp_path / "X.npy", X.astype(np.float16))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    made = train(mapped, known, truth, votes, judge=False)
    plain = train(np.asarray(mapped, np.float32), known, truth, votes, judge=False)
    np.testing.assert_allclose(made.correction.proba, plain.correction.proba, atol=1e-4)
    assert np.mean(made.selected == plain.selected) > 0.99


def test_steps_are_announced():
    steps = []

    @contextmanager
    def task(name):
        steps.append(name)
        yield

    X, known, truth, votes = make_task()
    train(X, known, truth, votes, task=task)
    assert steps == [
        "learn from known labels",
        "learn from weak labels",
        "correct the labels",
        "search neighbours",
        "train",
        "judge",
    ]


@pytest.mark.parametrize("mapped", [False, True])
def test_the_unit_of_one_column_does_not_decide_who_is_a_neighbour(tmp_path, mapped):
    # amounts of money beside shares: unscaled, only the amount would count
    X = np.random.RandomState(0).normal(size=(400, 6))
    rng = np.random.RandomState(1)
    y = rng.randint(0, 2, 400)
    X[:, :5] += 1.2 * y[:, None]
    votes = np.where(rng.rand(400, 3) < 0.7, y[:, None], 1 - y[:, None])
    known = KnownLabels(np.arange(400) < 40, y[:40])

    def selected(X):
        if mapped:
            np.save(tmp_path / "X.npy", X)
            X = np.load(tmp_path / "X.npy", mmap_mode="r")
        proba = np.eye(2)[(votes.mean(axis=1) > 0.5).astype(int)]
        rows = WeakRows.from_proba(X, proba, votes=votes)
        student = make_pipeline(StandardScaler(), LogisticRegression())
        return train_with_known(student, rows, known, judge=False).selected

    scale = np.array([1, 1, 1, 1, 1, 1e4])
    one_unit = X / X.std(axis=0)  # not centred: folds would be drawn otherwise
    assert np.mean(selected(X * scale) == selected(one_unit)) > 0.99
