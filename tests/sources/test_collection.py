"""What a selector has collected, by itself: arrays and names in, decisions out."""

import numpy as np
import pytest

from overlapkit import OverlapDetector
from overlapkit.datasets import make_overlap_classification, make_overlap_sources
from overlapkit.policies import UCB
from overlapkit.sources import OverlapDensity
from overlapkit.sources._collection import Collection
from overlapkit.sources._reading import Fitting, Reader
from overlapkit.sources._run import Rules, SourceRun
from overlapkit.weak._rows import KnownLabels

POOL = make_overlap_sources([0.1, 0.9], n_rows=100, random_state=0)
_REFERENCE = make_overlap_classification(theta=POOL.theta, random_state=1)
REFERENCE = (_REFERENCE.X, _REFERENCE.y)
FITTING = Fitting(OverlapDetector(weak_columns=POOL.easy_columns), first_rounds=2)


def start(params=None):
    run = SourceRun(["low", "high"], Rules(UCB(), n_rounds=10), 0)
    return Collection(run, Reader(OverlapDensity()), 0, params or {"reward": 1})


def send(collection, n_rounds, fitting=FITTING):
    for _ in range(n_rounds):
        name, t = collection.run.next, collection.run.t
        rows = np.flatnonzero(POOL.sources == (name == "high"))[10 * t :][:10]
        known = KnownLabels(np.ones(10, dtype=bool), POOL.y[rows])
        collection = collection.with_batch(
            POOL.X[rows], POOL.y[rows], known, name, fitting
        )
    return collection


def test_the_detector_is_fitted_when_it_is_due():
    fitting = Fitting(FITTING.detector, first_rounds=3, refit_rounds=frozenset({5}))
    seen = []
    collection = start().begun(fitting)
    for _ in range(6):
        collection = send(collection, 1, fitting)
        seen.append(collection.reader.detector and collection.reader.n_batches)
    assert seen == [None, None, 3, 3, 5, 5]
    assert collection.run.history["reward"].notna().all()


def test_a_batch_that_is_refused_leaves_the_collection_as_it_was():
    before = send(start().begun(FITTING), 4)
    history, n_rows = before.run.history, len(before.batches.X)
    known = KnownLabels(np.ones(3, dtype=bool), POOL.y[:3])
    bad = np.full((3, POOL.X.shape[1]), np.nan)
    for y, X, message in ((None, POOL.X[:3], "labels"), (POOL.y[:3], bad, "NaN")):
        with pytest.raises(ValueError, match=message):
            before.with_batch(X, y, known, "low", FITTING)
    assert before.run.history.equals(history)
    assert len(before.batches.X) == len(before.table().y) == n_rows == 40


@pytest.mark.parametrize("reference", [None, REFERENCE])
def test_a_collection_read_again_decides_alike(reference):
    saved = send(start().begun(FITTING, reference), 5)
    state = saved.to_dict(classes=np.array([0, 1]))
    read, extra = Collection.from_dict(
        state,
        rules=saved.run.rules,
        reader=Reader(OverlapDensity()),
        params={"reward": 1},
    )
    assert extra["classes"].tolist() == [0, 1]
    read = read.read_again(FITTING, reference, extra["fitted_batches"])
    one, other = send(saved, 5), send(read, 5)
    assert one.run.history.equals(other.run.history)
    np.testing.assert_array_equal(one.table().overlap, other.table().overlap)


def test_other_parameters_or_versions_are_refused():
    state = send(start().begun(FITTING), 2).to_dict()
    params = {"rules": Rules(UCB(), n_rounds=10), "reader": Reader(OverlapDensity())}
    with pytest.raises(ValueError, match="reward differ from the parameters"):
        Collection.from_dict(state, params={"reward": 2}, **params)
    with pytest.raises(ValueError, match="has version 9"):
        Collection.from_dict({**state, "version": 9}, params={"reward": 1}, **params)
