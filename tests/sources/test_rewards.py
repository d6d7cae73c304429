import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from overlapkit import OverlapDetector
from overlapkit.datasets import make_overlap_classification
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.scorers import (
    ConfidenceScorer,
    CutStatisticScorer,
    SelfConfidenceScorer,
)
from overlapkit.sources import (
    Batch,
    LabelPurity,
    MeanScore,
    OverlapDensity,
    Reward,
    StudentGain,
)
from overlapkit.weak import KnownLabels, WeakLabeler

DATA = make_overlap_classification(random_state=0)
MORE = make_overlap_classification(theta=DATA.theta, random_state=1)
LABELER = WeakLabeler(weak_columns=DATA.easy_columns, random_state=0)
ROWS, KNOWN = LABELER.fit_label(DATA.X, DATA.y)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", OverlapkitWarning)
    DETECTOR = OverlapDetector(random_state=0).fit_rows(ROWS, labeler=LABELER)
REFERENCE = Batch(
    DATA.X, ROWS, DETECTOR.labels_, KNOWN, DETECTOR.rule_, np.arange(len(ROWS))
)


def batch(rows=slice(None), known=True):
    """New rows, labelled and read as the reference was; the label is known or not."""
    X, y = MORE.X[rows], MORE.y[rows]
    known = np.broadcast_to(known, len(X))
    rows = LABELER.label(X)
    return Batch(
        X,
        rows,
        DETECTOR.rule_.read(rows).regions,
        KnownLabels(known, y[known]),
        DETECTOR.rule_,
    )


@pytest.mark.parametrize(
    "reward",
    [
        OverlapDensity(),
        LabelPurity(),
        MeanScore(ConfidenceScorer()),
        StudentGain(),
    ],
)
def test_every_reward_keeps_the_protocol(reward):
    assert isinstance(reward, Reward)
    state = reward.start(REFERENCE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapkitWarning)
        first, _ = reward.score(batch(), state)
        again, _ = reward.score(batch(), state)
    assert first.shape == (300,)
    assert ((first >= 0) & (first <= 1)).all()
    # scoring must not change the state: a refused batch leaves no trace
    np.testing.assert_array_equal(first, again)


def test_overlap_density_is_the_prediction_of_the_detector():
    rewards, _ = OverlapDensity().score(batch(), None)
    np.testing.assert_array_equal(rewards, DETECTOR.predict(MORE.X) == 1)


def test_label_purity_is_nan_where_the_label_is_unknown():
    rows = batch(known=np.arange(300) >= 100)
    rewards, _ = LabelPurity().score(rows, None)
    assert np.isnan(rewards[:100]).all()
    np.testing.assert_array_equal(rewards[100:], rows.rows.labels[100:] == MORE.y[100:])
    nothing, _ = LabelPurity().score(batch(known=False), None)
    assert np.isnan(nothing).all()


def test_mean_score_is_a_rank_among_the_reference():
    reward = MeanScore(ConfidenceScorer())
    state = reward.start(REFERENCE)
    rewards, _ = reward.score(batch(), state)
    known = REFERENCE.rows.confidence()
    new = batch().rows.confidence()
    expected = [(known < c).mean() + (known == c).mean() / 2 for c in new]
    np.testing.assert_allclose(rewards, expected)
    # the reference is half way up its own ranking
    assert reward.score(REFERENCE, state)[0].mean() == pytest.approx(0.5)


@pytest.mark.parametrize(
    "scorer",
    [
        CutStatisticScorer(n_neighbors=5),
        SelfConfidenceScorer(estimator=KNeighborsClassifier(3)),
    ],
)
def test_mean_score_does_not_favour_rows_that_the_scorer_has_seen(scorer):
    # rows drawn alike: the reference must not rank above a batch that it equals in
    # distribution; scored as new rows, its own neighbours would be among its neighbours
    reward = MeanScore(scorer)
    state = reward.start(REFERENCE)
    own = REFERENCE.part(0, 150)
    assert own.positions.tolist() == list(range(150))
    seen = reward.score(own, state)[0].mean()
    new = reward.score(batch(), state)[0].mean()
    assert seen == pytest.approx(0.5, abs=0.05)
    assert new == pytest.approx(0.5, abs=0.06)


def test_student_gain_of_one_class_is_nothing():
    state = StudentGain().start(REFERENCE)
    labels = batch().rows.labels
    one = np.flatnonzero(labels == 1)
    assert (StudentGain().score(batch(one), state)[0] == 0).all()
    both, _ = StudentGain().score(batch(), state)
    assert len(np.unique(both)) == 1
    assert both[0] > 0.2


def test_student_gain_needs_labels_to_judge_by():
    unlabelled = batch(known=False)
    with pytest.raises(ValueError, match="0 labelled rows of 0 class"):
        StudentGain().start(unlabelled)


class Odd:
    """A scorer that gives what it was made with."""

    def __init__(self, value=None):
        self.value = value

    def get_params(self, deep=True):
        return {"value": self.value}

    def fit(self, X, y):
        return self

    def score_samples(self, X):
        return self.value(len(X))


@pytest.mark.parametrize(
    "value",
    [
        lambda n: np.full(n, np.nan),
        lambda n: np.full(n, 1j),
        lambda n: np.ones((n, 1)),
        lambda n: np.ones(3),
        lambda n: np.full(n, "high"),
    ],
    ids=["nan", "complex", "two dimensions", "three rows", "strings"],
)
def test_scores_that_are_no_numbers_are_refused(value):
    with pytest.raises(ValueError, match=r"Odd (must give one real number|gives NaN)"):
        MeanScore(Odd(value)).start(REFERENCE)


def test_rows_without_a_weak_label_count_for_nothing():
    whole = batch()
    covered = np.arange(300) % 3 > 0
    rows = replace(whole.rows, covered=covered)
    part = replace(whole, rows=rows, regions=DETECTOR.rule_.read(rows).regions)
    assert (OverlapDensity().score(part, None)[0][~covered] == 0).all()
    assert np.isnan(LabelPurity().score(part, None)[0][~covered]).all()
    state = MeanScore(ConfidenceScorer()).start(REFERENCE)
    ranks = MeanScore(ConfidenceScorer()).score(part, state)[0]
    assert (ranks[~covered] == 0).all()
    np.testing.assert_array_equal(
        ranks[covered], MeanScore(ConfidenceScorer()).score(whole, state)[0][covered]
    )
    state = StudentGain().start(REFERENCE)
    fewer = batch(np.flatnonzero(covered))
    expected = StudentGain().score(fewer, state)[0][0]
    assert StudentGain().score(part, state)[0][0] == pytest.approx(expected)


def test_copies_of_an_overlap_row_count_once():
    overlap = np.flatnonzero(DETECTOR.predict(MORE.X) == 1)[:3]
    rng = np.random.default_rng(0)
    copies = batch(np.repeat(overlap, [20, 1, 1]))
    noise = 1e-5 * rng.normal(size=copies.rows.strong.shape)
    near = replace(copies, rows=replace(copies.rows, strong=copies.rows.strong + noise))
    for exact, copied in ((0, copies), (0.01, copies), (0.01, near)):
        reward = OverlapDensity(copies=exact)
        rewards, _ = reward.score(copied, reward.start(REFERENCE))
        assert rewards.sum() == pytest.approx(3)
    counted, only_equal = OverlapDensity(copies=None), OverlapDensity(copies=0)
    assert counted.score(near, counted.start(REFERENCE))[0].sum() == 22
    assert only_equal.score(near, only_equal.start(REFERENCE))[0].sum() == 22


@pytest.mark.parametrize("copies", [-1, np.nan, np.inf])
def test_bad_distance_of_copies_is_named(copies):
    with pytest.raises(ValueError, match="copies must be None or a finite number"):
        OverlapDensity(copies=copies)
