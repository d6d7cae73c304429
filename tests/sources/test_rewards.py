import warnings

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
    LabelPurity,
    MeanScore,
    OverlapDensity,
    Reward,
    StudentGain,
)
from overlapkit.sources._reading import fit_detector, read

DATA = make_overlap_classification(random_state=0)
MORE = make_overlap_classification(theta=DATA.theta, random_state=1)
DETECTOR = OverlapDetector(weak_columns=DATA.easy_columns, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", OverlapkitWarning)
    REFERENCE, LABELER = fit_detector(DETECTOR, DATA.X, DATA.y)


def batch(rows=slice(None), y=MORE.y, missing_label=None):
    return read(
        LABELER,
        DETECTOR.rule_,
        MORE.X[rows],
        None if y is None else y[rows],
        missing_label,
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
    y = MORE.y.copy()
    y[:100] = -1
    rows = batch(y=y, missing_label=-1)
    rewards, _ = LabelPurity().score(rows, None)
    assert np.isnan(rewards[:100]).all()
    np.testing.assert_array_equal(rewards[100:], rows.rows.labels[100:] == y[100:])
    nothing, _ = LabelPurity().score(batch(y=None), None)
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
    unlabelled = read(LABELER, DETECTOR.rule_, DATA.X, None, None)
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
    with pytest.raises(ValueError, match="Odd (must give one real number|gives NaN)"):
        MeanScore(Odd(value)).start(REFERENCE)
