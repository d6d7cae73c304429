"""Scores per row: the higher, the more worth keeping."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier

from overlapkit import OverlapDetector
from overlapkit.label_models import MajorityVote
from overlapkit.scorers import (
    BaseScorer,
    ConfidenceScorer,
    CutStatisticScorer,
    SelfConfidenceScorer,
)
from overlapkit.scorers._neighbor_graph import cut_statistic
from overlapkit.weak import WeakRows
from tests.support.data import WEAK, two_views, with_probabilities
from tests.support.oracles_core import cut_statistic as cut_oracle
from tests.support.oracles_core import split

SCORERS = [ConfidenceScorer, CutStatisticScorer, SelfConfidenceScorer]


def precomputed(cls, n_classes=2, d=6, **kwargs):
    return cls(
        weak_estimator="precomputed",
        strong_columns=slice(0, d),
        weak_columns=slice(d, d + n_classes),
        random_state=0,
        **kwargs,
    )


def noisy(seed=0, n=300, flipped=0.2):
    """Two clusters, and weak probabilities that are wrong on some rows."""
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 2, size=n)
    strong = rng.normal(size=(n, 5)) + 1.5 * (2 * y[:, None] - 1)
    wrong = rng.uniform(size=n) < flipped
    p = np.where(y != wrong, 0.9, 0.1)
    return np.column_stack([strong, 1 - p, p]), y, wrong


# ------------------------------------------------------------------ confidence


def test_confidence_scorer_is_the_confidence_and_keeps_what_is_not_hard():
    _, proba, X = with_probabilities()
    scorer = precomputed(ConfidenceScorer).fit(X)
    c = np.abs(proba[:, 0] - proba[:, 1])
    np.testing.assert_allclose(scorer.scores_, c)
    s, k = split(c)
    assert scorer.threshold_ == pytest.approx(s[k])
    assert scorer.support_.sum() == len(c) - k
    np.testing.assert_array_equal(scorer.support_, scorer.scores_ >= scorer.threshold_)
    np.testing.assert_allclose(scorer.score_samples(X), c)


@pytest.mark.parametrize(
    ("threshold", "share"), [(0.0, 1.0), (("quantile", 0.25), 0.75)]
)
@pytest.mark.filterwarnings("ignore:No hard rows")
def test_confidence_scorer_other_thresholds(threshold, share):
    X = with_probabilities(n=100)[2]
    scorer = precomputed(ConfidenceScorer, threshold=threshold).fit(X)
    assert scorer.support_.mean() == pytest.approx(share)


# --------------------------------------------------------------- cut statistic


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_cut_statistic_row_by_row(metric, n_classes):
    strong, proba, X = with_probabilities(n_classes=n_classes)
    scorer = precomputed(
        CutStatisticScorer, n_classes=n_classes, n_neighbors=7, metric=metric
    ).fit(X)
    expected = cut_oracle(strong, proba.argmax(axis=1), 7, metric)
    np.testing.assert_allclose(scorer.scores_, expected, atol=1e-10)
    assert scorer.support_ is None
    # the nearest row of a training row is the row itself, which fit does not count
    assert not np.allclose(scorer.score_samples(X), scorer.scores_)


def test_cut_statistic_of_new_rows_uses_the_labels_of_fit():
    labels = np.array([0, 1, 1])
    reference = np.array([0, 0, 1, 1])
    z = cut_statistic(
        labels,
        np.array([[0, 1], [0, 1], [2, 3]]),
        np.zeros((3, 2)),
        reference,
        n_classes=2,
    )
    # half of the votes are expected to differ, with a standard deviation of sqrt(1/2)
    np.testing.assert_allclose(z, np.array([1, -1, 1]) * np.sqrt(2))


def test_cut_statistic_of_one_class_is_zero():
    neighbors, labels = np.array([[1], [2], [0]]), np.zeros(3, int)
    z = cut_statistic(labels, neighbors, np.ones((3, 1)), labels, n_classes=2)
    assert z.tolist() == [0, 0, 0]


def test_cut_statistic_never_keeps_rows_without_a_vote():
    rng = np.random.RandomState(0)
    votes = rng.randint(-1, 2, size=(100, 2))
    X = np.hstack([rng.normal(size=(100, 3)), votes])
    scorer = CutStatisticScorer(
        MajorityVote(),
        strong_columns=slice(0, 3),
        weak_columns=slice(3, 5),
        random_state=0,
    ).fit(X)
    covered = (votes >= 0).any(axis=1)
    assert 0 < covered.sum() < 100
    assert np.isfinite(scorer.scores_[covered]).all()
    assert (scorer.scores_[~covered] == -np.inf).all()
    # their neighbours are rows with a vote alone
    alone = clone(scorer).fit(X[covered])
    np.testing.assert_allclose(alone.scores_, scorer.scores_[covered])


def test_cut_statistic_takes_as_many_neighbours_as_there_are():
    _, _, X = with_probabilities(n=8)
    scorer = precomputed(CutStatisticScorer, n_neighbors=20).fit(X)
    assert scorer.neighbors_.n_neighbors == 7
    with pytest.raises(ValueError, match="n_samples = 1: a cut statistic needs a neig"):
        precomputed(CutStatisticScorer).fit(X[:1])


# ------------------------------------------------------------- self-confidence


def test_self_confidence_is_the_centred_out_of_fold_probability():
    strong, proba, X = with_probabilities(n=120)
    codes = proba.argmax(axis=1)
    folds = list(StratifiedKFold(3).split(strong, codes))
    scorer = precomputed(
        SelfConfidenceScorer, estimator=LogisticRegression(), cv=folds
    ).fit(X)
    own = np.empty(120)
    for train, test in folds:
        probe = LogisticRegression().fit(strong[train], codes[train])
        own[test] = probe.predict_proba(strong[test])[np.arange(len(test)), codes[test]]
    means = np.array([own[codes == k].mean() for k in (0, 1)])
    np.testing.assert_allclose(scorer.class_means_, means)
    np.testing.assert_allclose(scorer.scores_, own - means[codes])
    for k in (0, 1):
        assert scorer.scores_[codes == k].mean() == pytest.approx(0, abs=1e-12)
    assert scorer.support_ is None
    # new rows: the probe of all rows, the class means of fit
    probe = LogisticRegression().fit(strong, codes)
    p = probe.predict_proba(strong)[np.arange(120), codes]
    np.testing.assert_allclose(scorer.score_samples(X), p - means[codes])


def test_self_confidence_of_a_label_the_probe_never_saw_is_the_lowest():
    rng = np.random.RandomState(0)
    proba = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])[np.arange(60) % 2]
    X = np.hstack([rng.normal(size=(60, 3)), proba])
    scorer = precomputed(SelfConfidenceScorer, n_classes=3, d=3).fit(X)
    new = np.hstack([X[:1, :3], [[0.1, 0.1, 0.8]]])
    assert scorer.score_samples(new)[0] == 0
    assert scorer.class_means_[2] == 0


def test_self_confidence_needs_two_weak_classes():
    X = np.hstack([np.random.RandomState(0).normal(size=(20, 3)), [[0.9, 0.1]] * 20])
    with pytest.raises(ValueError, match="weak labels hold one class only"):
        precomputed(SelfConfidenceScorer, d=3).fit(X)


# -------------------------------------------------------------------- together


@pytest.mark.parametrize("cls", [CutStatisticScorer, SelfConfidenceScorer])
@pytest.mark.parametrize("seed", range(3))
def test_scores_find_weak_labels_that_are_wrong(cls, seed):
    X, _, wrong = noisy(seed)
    scorer = precomputed(cls, d=5).fit(X)
    # the confidence is the same in all rows: only the strong view tells
    assert roc_auc_score(~wrong, scorer.scores_) > 0.95


@pytest.mark.parametrize("cls", SCORERS)
def test_row_permutation(cls):
    # folds are drawn by what the rows hold, not by where they stand
    X, _, _ = noisy()
    X[:, 6] = np.random.RandomState(1).uniform(size=300)
    X[:, 5] = 1 - X[:, 6]
    order = np.random.RandomState(0).permutation(300)
    one = precomputed(cls, d=5).fit(X).scores_[order]
    two = precomputed(cls, d=5).fit(X[order]).scores_
    # the probe stops where its gradient is small enough
    atol = 1e-4 if cls is SelfConfidenceScorer else 1e-12
    np.testing.assert_allclose(one, two, atol=atol)


def test_weak_labels_of_labelled_rows_are_not_in_sample():
    # a nearest neighbour that had seen its own row would be right about all this noise
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(150, 4)), rng.randint(0, 2, size=150)
    scorer = CutStatisticScorer(KNeighborsClassifier(1), random_state=0).fit(X, y)
    assert 0.3 < np.mean(scorer.weak_codes_ == y) < 0.7


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("cls", SCORERS)
def test_n_jobs_repetition_and_seed(cls):
    data = two_views()
    forest = RandomForestClassifier(3, max_depth=3, random_state=0)

    def scores(n_jobs, seed):
        scorer = cls(forest, weak_columns=WEAK, n_jobs=n_jobs, random_state=seed)
        return scorer.fit(data.X, data.y).scores_

    np.testing.assert_array_equal(scores(1, 0), scores(2, 0))
    assert not np.array_equal(scores(1, 0), scores(1, 1))


@pytest.mark.parametrize("cls", SCORERS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_lower_precision_ranks_alike(cls, dtype):
    X, _, _ = noisy()
    rng = np.random.RandomState(1)
    X[:, 6] = rng.uniform(size=300)
    X[:, 5] = 1 - X[:, 6]
    wide = precomputed(cls, d=5).fit(X).scores_
    narrow = precomputed(cls, d=5).fit(X.astype(dtype)).scores_
    assert spearmanr(wide, narrow).statistic > 0.99


@pytest.mark.parametrize("cls", SCORERS)
@pytest.mark.parametrize(
    ("args", "message"),
    [
        (lambda d: (d.X, d.y[:-1]), r"inconsistent numbers.*\[240, 239\]"),
        (lambda d: (d.X, np.zeros(240)), "one class only"),
        (lambda d: (d.X, None), "requires y to be passed"),
        (lambda d: (np.where(d.X == d.X[3, 2], np.nan, d.X), d.y), "contains NaN"),
        (lambda d: (np.where(d.X == d.X[3, 2], np.inf, d.X), d.y), "contains infinity"),
    ],
)
def test_bad_input(cls, args, message):
    with pytest.raises(ValueError, match=message):
        cls().fit(*args(two_views()))


@pytest.mark.parametrize("names", [[0, 1], [1, 2], ["a", "b"]])
def test_a_class_named_in_the_probe_is_that_class(names):
    data = two_views()
    names = np.array(names)
    probe = LogisticRegression(class_weight={names[0].item(): 20.0})
    scorer = SelfConfidenceScorer(weak_columns=WEAK, estimator=probe, random_state=0)
    scorer.fit(data.X, names[data.y])
    assert scorer.estimator_.classes_.tolist() == names.tolist()
    assert scorer.estimator_.predict_proba(data.X)[:, 0].mean() > 0.6


class Given(BaseScorer):
    """Scores and support as they are passed."""

    def __init__(self, scores=None, support=None, weak_estimator=None):
        self.scores = scores
        self.support = support
        self.weak_estimator = weak_estimator

    def _fit_rows(self, rows):
        self.scores_, self.support_ = self.scores, self.support

    def _score_rows(self, rows):
        return self.scores


def labelled_rows(n=4, **kwargs):
    proba = np.tile([[0.9, 0.1], [0.2, 0.8]], (n // 2, 1))
    return WeakRows.from_proba(np.arange(n)[:, None], proba, **kwargs)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_scores_of_any_real_type_can_be_ranked_from_the_highest(dtype):
    # The negative of uint8(1) is 255, and truth values have none.
    scores = (
        Given(np.array([1, 0, 0, 1], dtype=dtype)).fit_rows(labelled_rows()).scores_
    )
    assert np.argsort(-scores, kind="stable").tolist() == [0, 3, 1, 2]


@pytest.mark.parametrize(
    "support", [True, [True], np.arange(4), np.ones((4, 1), bool), np.ones(3, bool)]
)
def test_a_support_that_is_no_mask_of_the_rows_is_refused(support):
    scorer = Given(np.arange(4.0), support)
    with pytest.raises(ValueError, match="True or False for each of 4 rows"):
        scorer.fit_rows(labelled_rows())


def test_a_scorer_never_supports_rows_without_a_vote():
    covered = np.array([True, False, True, True])
    scorer = Given(np.arange(4.0), np.ones(4, bool))
    scorer.fit_rows(labelled_rows(covered=covered))
    assert scorer.support_.tolist() == covered.tolist()


def test_a_scorer_that_sets_no_support_has_none():
    class Plain(Given):
        def _fit_rows(self, rows):
            self.scores_ = self.scores

    assert Plain(np.arange(4.0)).fit_rows(labelled_rows()).support_ is None


@pytest.mark.parametrize("cls", [OverlapDetector, *SCORERS])
@pytest.mark.parametrize("classes", [["x", "y"], ["ham", "spam", "x"]])
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_rows_of_other_classes_are_refused(cls, classes):
    data = two_views(60)
    X, y = data.X, data.y
    proba = np.column_stack([y == 0, y == 1]) * 0.8 + 0.1
    scorer = cls().fit_rows(WeakRows.from_proba(X, proba, ["ham", "spam"]))
    if len(classes) == 3:
        proba = np.column_stack([proba * 0.9, np.full(len(y), 0.1)])
    with pytest.raises(ValueError, match="fitted on rows of the classes"):
        scorer.score_rows(WeakRows.from_proba(X, proba, classes))


@pytest.mark.parametrize("cls", [OverlapDetector, *SCORERS])
def test_rows_of_which_none_is_covered_are_refused(cls):
    rows = labelled_rows(covered=np.zeros(4, bool))
    with pytest.raises(ValueError, match="None of the 4 rows is covered"):
        cls().fit_rows(rows)


def test_a_probe_may_give_its_classes_in_any_order():
    X, y, _ = noisy()
    names = np.array(["neg", "pos"])[y]
    probe = LogisticRegression().fit(X[:, 2:5], names)
    other = clone(probe).fit(X[:, 2:5], names)
    other.classes_, other.coef_ = other.classes_[::-1].copy(), -other.coef_
    other.intercept_ = -other.intercept_
    one, two = (
        SelfConfidenceScorer(
            weak_columns=slice(0, 2),
            strong_columns=slice(2, 5),
            estimator=FrozenEstimator(model),
            random_state=0,
        ).fit(X, names)
        for model in (probe, other)
    )
    np.testing.assert_allclose(one.scores_, two.scores_, atol=1e-12)
    np.testing.assert_allclose(one.score_samples(X), two.score_samples(X), atol=1e-12)


@pytest.mark.parametrize("cls", [OverlapDetector, *SCORERS])
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_given_probabilities_have_the_names_they_are_given(cls):
    data = two_views(60)
    X, y = data.X, data.y
    proba = np.column_stack([y == 1, y == 0]) * 0.8 + 0.1
    scorer = cls(
        "precomputed",
        strong_columns=slice(2, None),
        weak_columns=[0, 1],
        classes=["spam", "ham"],
    ).fit(np.column_stack([proba, X]))
    assert scorer.classes_.tolist() == ["ham", "spam"]


# On tables of categories most distances tie, and many rows hold the same.
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "manhattan"])
def test_ties_of_distances_do_not_depend_on_positions(metric):
    rng = np.random.default_rng(0)
    strong = rng.integers(0, 2, (300, 6)).astype(float)
    codes = rng.integers(0, 2, 300)
    proba = np.where(codes[:, None] == [0, 1], 0.9, 0.1)
    rows = WeakRows.from_proba(strong, proba)
    order = rng.permutation(300)
    one = CutStatisticScorer(metric=metric).fit_rows(rows)
    two = CutStatisticScorer(metric=metric).fit_rows(rows.take(order))
    np.testing.assert_allclose(one.scores_[order], two.scores_, atol=1e-12)
    np.testing.assert_allclose(one.score_rows(rows), two.score_rows(rows), atol=1e-12)
