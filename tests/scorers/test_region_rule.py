"""RegionRule by itself: what is read, what waits, and how rows go to workers."""

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from overlapkit.scorers import _region_rule
from overlapkit.scorers._region_rule import (
    RegionRule,
    lift_confident,
    represented,
    similarity_to,
)
from overlapkit.weak import WeakRows

SCALE = {"aggregation": "mean", "absolute": False}


def make_rule(reference, **params):
    defaults = {
        "confidence": "margin",
        "confidence_threshold": 0.5,
        "overlap_threshold": 0.1,
        "metric": "dot",
        "aggregation": SCALE,
        "representation": None,
        "neighbors": None,
        "confident_reference": reference[:0],
        "refinement_threshold": np.inf,
        "score_floor": -1.0,
        "n_jobs": 1,
    }
    return RegionRule(reference=reference, **(defaults | params))


@pytest.fixture
def rows():
    rng = np.random.RandomState(0)
    margin = np.array([0.0, 0.2, 0.5, 0.5, 0.8, 1.0, 0.3, 0.9])
    proba = np.column_stack([1 + margin, 1 - margin]) / 2
    covered = np.arange(8) != 7
    strong = rng.normal(size=(8, 3))
    return WeakRows.from_proba(strong, proba, covered=covered)


def test_read_is_the_definition(rows):
    reference = np.random.RandomState(1).normal(size=(4, 3))
    rule = make_rule(reference)
    reading = rule.read(rows)
    scores = (rows.strong @ reference.T).mean(axis=1)
    hard = reading.confidence < 0.5
    # a confidence at the threshold is not hard; the last row has no vote
    assert hard.tolist() == [True, True, False, False, False, False, True, True]
    regions = np.where(hard, 2, np.where(scores > 0.1, 1, 0))
    regions[7] = 3
    np.testing.assert_array_equal(reading.regions, regions)
    below = reading.confidence - 0.5
    ranks = np.where(hard, -1.0 + below, np.maximum(scores, -1.0))
    np.testing.assert_allclose(reading.ranks, ranks)
    decision = np.where(hard, np.minimum(scores - 0.1, below), scores - 0.1)
    decision[7] = -np.inf
    np.testing.assert_allclose(rule.decide(reading), decision)
    np.testing.assert_allclose(reading.scores, scores)


def test_scores_of_hard_rows_are_computed_when_they_are_asked_for(rows):
    asked = []

    class Counting(RegionRule):
        def similarity(self, strong, positions=None):
            asked.append(len(strong) if positions is None else len(positions))
            return super().similarity(strong, positions)

    rule = Counting(**vars(make_rule(np.ones((2, 3)))))
    reading = rule.read(rows)
    assert asked == [4]
    first = reading.scores.copy()
    assert asked == [4, 4]
    np.testing.assert_array_equal(reading.scores, first)
    assert asked == [4, 4]
    again = rule.read(rows, rule.represent(rows.strong))
    np.testing.assert_array_equal(again.scores, first)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scores_keep_the_precision_of_the_rows(dtype):
    reference = np.full((3, 2), 1 / 3)
    strong = np.array([[1 / 3, 1e-9], [0.1, 0.2]], dtype=dtype)
    rule = make_rule(reference)
    for positions in (None, np.array([0, 1]), np.array([1])):
        scores = rule.similarity(strong, positions)
        assert scores.dtype == dtype
        some = strong if positions is None else strong[positions]
        expected = (some.astype(float) @ reference.T).mean(axis=1)
        np.testing.assert_allclose(scores, expected, rtol=8 * np.finfo(dtype).eps)


def test_without_hard_rows_every_score_is_zero():
    strong = np.ones((5, 2), dtype=np.float32)
    rule = make_rule(np.empty((0, 2)))
    assert rule.similarity(strong).tolist() == [0] * 5
    assert rule.similarity(strong, np.array([1, 3])).tolist() == [0, 0]
    assert rule.similarity(strong).dtype == np.float32


def test_a_rule_is_stored_without_what_can_be_made_again(rows):
    rule = make_rule(np.random.RandomState(1).normal(size=(200, 3)))
    size = len(pickle.dumps(rule))
    scores = rule.read(rows).scores
    rule.read(rows, rows.strong.astype(np.float32))
    assert len(pickle.dumps(rule)) == size
    kept = pickle.loads(pickle.dumps(rule))
    np.testing.assert_array_equal(kept.read(rows).scores, scores)


def test_a_rule_is_fixed_and_compared_by_identity():
    reference = np.ones((2, 3))
    rule = make_rule(reference)
    assert rule != make_rule(reference)
    assert rule in {rule}
    with pytest.raises(FrozenInstanceError):
        rule.score_floor = 0.0


def test_rows_as_near_as_the_threshold_stay_hard():
    strong = np.array([[1.0], [2.0], [3.0], [9.0]])
    confidence = np.array([0.1, 0.1, 0.1, 0.9])

    def lifted(
        threshold=0.5,
        least=2.0,
    ):
        return lift_confident(
            strong, confidence, threshold, np.ones((2, 1)), least, "dot", 1
        ).tolist()

    assert lifted() == [0.1, 0.1, 0.5, 0.9]
    assert lifted(least=np.inf) == confidence.tolist()
    assert lifted(threshold=0.1) == confidence.tolist()
    assert confidence.tolist() == [0.1, 0.1, 0.1, 0.9]


class Gives:
    """A representation that gives something of its own making."""

    def __init__(self, made):
        self.made = made

    def transform(self, X):
        return self.made(X)


def test_a_representation_gives_one_dense_row_for_each():
    from scipy.sparse import csr_array

    strong = np.arange(6.0).reshape(3, 2)
    assert represented(Gives(lambda X: X[:, :1]), strong).tolist() == [[0], [2], [4]]
    with pytest.raises(ValueError, match="Gives gives 2 rows for 3"):
        represented(Gives(lambda X: X[:2]), strong)
    with pytest.raises(TypeError, match="gives a sparse matrix"):
        represented(Gives(csr_array), strong)


@pytest.fixture
def sent(monkeypatch):
    """What goes to the two workers of a cluster that runs everything here."""
    calls = []

    def run(job, work, *, shared):
        work = list(work)
        calls.append([len(rows) for *_, rows in work])
        return [job(*shared, *rows) for rows in work]

    monkeypatch.setattr(_region_rule, "cluster", lambda: "dask")
    monkeypatch.setattr(_region_rule, "effective_n_jobs", {-1: 2}.__getitem__)
    monkeypatch.setattr(_region_rule, "run_jobs", run)
    monkeypatch.setattr(_region_rule, "_WORTH_SENDING", 5)
    monkeypatch.setattr(_region_rule, "_WORTH_STARTING", 5 * 3 * 41)
    return calls


@pytest.mark.parametrize("in_files", [True, False])
@pytest.mark.parametrize("positions", [None, np.arange(1, 83, 2)])
def test_workers_get_a_few_blocks_each(monkeypatch, sent, in_files, positions):
    monkeypatch.setattr(_region_rule, "goes_as_files", lambda strong: in_files)
    rng = np.random.RandomState(0)
    strong = rng.normal(size=(83, 3))
    if positions is None:
        strong = strong[:41]
    reference = rng.normal(size=(5, 3))
    scores = make_rule(reference).similarity(strong, positions)
    some = strong if positions is None else strong[positions]
    np.testing.assert_allclose(scores, (some @ reference.T).mean(axis=1))
    # four blocks for each of two workers, of at most ceil(41 / 8) rows
    assert sent == [[6] * 6 + [5]]


def test_a_block_that_is_sent_is_small(monkeypatch, sent):
    monkeypatch.setattr(_region_rule, "goes_as_files", lambda strong: False)
    monkeypatch.setattr(_region_rule, "_SENT_BYTES", 4 * 3 * 8)
    strong = np.random.RandomState(0).normal(size=(41, 3))
    rule = make_rule(np.ones((5, 3)))
    np.testing.assert_allclose(rule.similarity(strong), strong.sum(axis=1))
    assert sent == [[4] * 10 + [1]]
    monkeypatch.setattr(_region_rule, "_SENT_BYTES", 1)  # less than a row
    rule.similarity(strong)
    assert sent[1] == [1] * 41


@pytest.mark.parametrize(("n_reference", "n_rows"), [(4, 100), (5, 40)])
def test_little_work_stays_here(sent, n_reference, n_rows):
    rule = make_rule(np.ones((n_reference, 3)))
    rule.similarity(np.ones((n_rows, 3)))
    assert sent == []


def test_without_a_cluster_nothing_is_sent(monkeypatch, sent):
    monkeypatch.setattr(_region_rule, "cluster", lambda: None)
    make_rule(np.ones((5, 3))).similarity(np.ones((41, 3)))
    assert sent == []
    reference, strong = np.eye(3), np.arange(6.0).reshape(2, 3)
    scores = similarity_to(reference, strong, "dot", SCALE, None, 1)
    np.testing.assert_allclose(scores, strong.mean(axis=1))
