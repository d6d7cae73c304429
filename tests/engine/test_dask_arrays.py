"""Rows that are dask's: answers by chunk, and a fit that gathers landmarks only."""

import resource
import subprocess
import sys

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification
from overlapkit.label_models import MajorityVote
from overlapkit.scorers import ConfidenceScorer, CutStatisticScorer

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
Callback = pytest.importorskip("dask.callbacks").Callback

WEAK = slice(0, 20)
N_STRONG = 40
PROBA = slice(N_STRONG, N_STRONG + 2)


@pytest.fixture(scope="module")
def data():
    return make_overlap_classification(
        n_easy=200, n_hard=200, n_overlap=200, random_state=0
    )


@pytest.fixture(scope="module")
def labelled(data):
    """The strong columns with the probabilities of a weak model beside them."""
    weak = LogisticRegression().fit(data.X[::5, WEAK], data.y[::5])
    return np.hstack([data.X[:, :N_STRONG], weak.predict_proba(data.X[:, WEAK])])


def precomputed(**params):
    return OverlapDetector(
        weak_estimator="precomputed",
        strong_columns=slice(0, N_STRONG),
        weak_columns=PROBA,
        random_state=0,
        **params,
    )


def chunked(X):
    return da.from_array(X, chunks=(170, 25))


def framed(X):
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    return dd.from_pandas(frame, npartitions=3)


def fitted(cls, data):
    if cls is WeakToStrongClassifier:
        model = cls(LogisticRegression(), weak_columns=WEAK, random_state=0)
    else:
        model = cls(weak_columns=WEAK, random_state=0)
    return model.fit(data.X, data.y)


@pytest.mark.parametrize(
    ("cls", "method"),
    [
        (OverlapDetector, "score_samples"),
        (OverlapDetector, "transform"),
        (OverlapDetector, "predict"),
        (OverlapDetector, "decision_function"),
        (ConfidenceScorer, "score_samples"),
        (CutStatisticScorer, "score_samples"),
        (WeakToStrongClassifier, "predict"),
        (WeakToStrongClassifier, "predict_proba"),
        (WeakToStrongClassifier, "decision_function"),
    ],
)
def test_answers_are_lazy_and_those_of_arrays(data, cls, method):
    call = getattr(fitted(cls, data), method)
    expected = call(data.X)
    answer = call(chunked(data.X))
    assert isinstance(answer, da.Array)
    assert answer.shape == expected.shape
    assert answer.chunks[0] == (170, 170, 170, 90)
    computed = answer.compute()
    assert computed.dtype == answer.dtype == expected.dtype
    np.testing.assert_allclose(computed, expected, rtol=1e-9)


def test_nothing_is_computed_before_it_is_asked_for(data):
    def fail(block):
        raise AssertionError("computed")

    X = chunked(data.X).map_blocks(fail, dtype=float, meta=np.empty((0, 0)))
    assert fitted(OverlapDetector, data).predict(X).shape == (600,)


def test_frames_are_answered_by_partition(data):
    frame = pd.DataFrame(data.X, columns=[f"x{j}" for j in range(data.X.shape[1])])
    names = [f"x{j}" for j in range(20)]
    model = WeakToStrongClassifier(
        LogisticRegression(), weak_columns=names, random_state=0
    ).fit(frame, data.y)
    lazy = model.predict_proba(dd.from_pandas(frame, npartitions=3))
    assert isinstance(lazy, da.Array)
    np.testing.assert_allclose(lazy.compute(), model.predict_proba(frame))
    few = dd.from_pandas(frame, npartitions=3)
    few = few[few["x0"] > 1e9]  # partitions without rows
    assert model.predict_proba(few).compute().shape == (0, 2)


def test_label_models_give_probabilities_by_chunk():
    votes = np.random.RandomState(0).randint(-1, 3, size=(600, 5))
    model = MajorityVote(random_state=0).fit(votes)
    lazy = model.predict_proba(da.from_array(votes, chunks=(170, 5)))
    np.testing.assert_array_equal(lazy.compute(), model.predict_proba(votes))


@pytest.mark.parametrize("wrap", [chunked, framed])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_fit_by_chunk_is_that_of_the_array(labelled, wrap, dtype):
    X = labelled.astype(dtype)
    local = precomputed(max_landmarks=50).fit(X)
    lazy = precomputed(max_landmarks=50).fit(wrap(X))
    np.testing.assert_array_equal(lazy.hard_indices_, local.hard_indices_)
    np.testing.assert_array_equal(lazy.reference_, local.reference_)
    np.testing.assert_allclose(lazy.overlap_scores_, local.overlap_scores_, rtol=1e-5)
    np.testing.assert_array_equal(lazy.labels_, local.labels_)
    assert lazy.view_alignment_ == pytest.approx(local.view_alignment_, nan_ok=True)
    assert lazy.reference_.dtype == dtype
    np.testing.assert_array_equal(
        lazy.predict(wrap(X)).compute(), local.predict(wrap(X)).compute()
    )


def test_a_weak_model_learns_from_weak_columns_of_chunks(data):
    params = {
        "weak_columns": [*range(20)],
        "strong_columns": [0, 2, 5, 30],
        "max_landmarks": 50,
        "random_state": 0,
    }
    local = OverlapDetector(**params).fit(data.X, data.y)
    y = da.from_array(data.y, chunks=100)
    lazy = OverlapDetector(**params).fit(chunked(data.X), y)
    np.testing.assert_array_equal(lazy.labels_, local.labels_)


def test_a_chunk_is_one_task(labelled):
    """With what reads it; a fit reads rows five times, and the first row alone."""
    X = da.from_array(labelled, chunks=(170, -1)).map_blocks(np.copy, dtype=float)
    detector = precomputed(max_landmarks=50).fit(labelled)
    for method in ("predict", "transform"):
        (lazy,) = dask.optimize(getattr(detector, method)(X))
        # a graph holds the values of X and other names of tasks, too
        assert len(dict(lazy.dask)) <= 3 * len(X.chunks[0]) + 1
    done = []
    with Callback(posttask=lambda key, *_: done.append(key)):
        precomputed(max_landmarks=50).fit(X)
    assert len(done) <= 6 * (2 * len(X.chunks[0]) + 1)


def test_what_is_sent_does_not_grow_with_the_rows_of_fit(labelled):
    many = np.tile(labelled, (20, 1))
    sizes = []
    for rows in (labelled, many):
        detector = precomputed(max_landmarks=50).fit(rows)
        lazy = detector.predict(da.zeros((100, 42), chunks=50))
        sizes.append(len(cloudpickle.dumps(lazy)))
    assert sizes[1] < 1.1 * sizes[0]
    assert len(detector.scores_) == len(many)  # of which the detector itself lost none


def test_fits_that_would_gather_all_rows_are_refused(data, labelled):
    X = chunked(labelled)
    with pytest.raises(ValueError, match="set max_landmarks"):
        precomputed().fit(X)
    with pytest.raises(ValueError, match="weak_columns=None"):
        OverlapDetector(max_landmarks=10).fit(X, data.y)
    with pytest.raises(TypeError, match="would gather 600 x 40 values"):
        CutStatisticScorer(
            weak_estimator="precomputed",
            strong_columns=slice(0, N_STRONG),
            weak_columns=PROBA,
        ).fit(X)
    with pytest.raises(TypeError, match="trained on rows in memory"):
        WeakToStrongClassifier(weak_columns=WEAK).fit(X, data.y)
    with pytest.raises(ValueError, match="42 features"):
        precomputed(max_landmarks=10).fit(labelled).predict(X[:, :-1])


def test_missing_values_in_a_chunk_are_refused(labelled):
    broken = labelled.copy()
    broken[400, 3] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        precomputed(max_landmarks=50).fit(chunked(broken))


@pytest.mark.slow
def test_workers_hold_a_few_chunks_only(client):
    """1.3 GB of rows, two workers of 600 MB each: fit and answers by chunk."""
    n = 400_000

    def block(block_info=None):
        (start, stop), _ = block_info[None]["array-location"]
        rng = np.random.default_rng(start)
        rows = rng.random((stop - start, 402))
        rows[:, 400] = rng.choice([0.6, 0.95], stop - start)
        rows[:, 401] = 1 - rows[:, 400]
        return rows

    X = da.map_blocks(block, chunks=((5_000,) * (n // 5_000), (402,)), dtype=float)
    detector = OverlapDetector(
        weak_estimator="precomputed",
        strong_columns=slice(0, 400),
        weak_columns=slice(400, 402),
        hard_threshold=0.5,
        overlap_threshold=0.5,
        max_landmarks=20,
    ).fit(X)
    assert detector.predict(X).mean().compute() >= 0
    peaks = client.run(
        lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    assert max(peaks.values()) < 600e6
    assert X.nbytes > 1.2e9


def test_rows_in_memory_bring_in_no_dask():
    code = (
        "import sys, numpy as np, overlapkit\n"
        "X = np.random.rand(50, 4)\n"
        "overlapkit.OverlapDetector(weak_columns=[0]).fit(X, np.arange(50) % 2)"
        ".predict(X)\n"
        "print([m for m in ('dask', 'distributed') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
