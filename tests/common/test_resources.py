"""Memory, threads and open files after many fits, after errors and after Ctrl-C."""

import os
import signal
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_info, threadpool_limits

from overlapkit import OverlapDetector, UCBSourceSelector, WeakToStrongClassifier
from overlapkit.label_models import DawidSkene, LabelModel
from overlapkit.scorers import CutStatisticScorer, SelfConfidenceScorer

pytestmark = pytest.mark.filterwarnings("ignore")
linux = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")


def table(n, d=6, seed=0):
    rng = np.random.RandomState(seed)
    y = np.arange(n) % 2
    return rng.normal(size=(n, d)) + 0.8 * (2 * y[:, None] - 1), y


def votes(n, m=6):
    rng = np.random.RandomState(0)
    y = np.arange(n) % 2
    found = np.where(rng.uniform(size=(n, m)) < 0.75, y[:, None], 1 - y[:, None])
    found[rng.uniform(size=found.shape) < 0.2] = -1
    return found, y


def resident():
    """Bytes in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files():
    return len(os.listdir("/proc/self/fd"))


FITTED = {
    "detector": lambda: OverlapDetector(weak_columns=[0, 1]).fit(*table(120)),
    "student": lambda: WeakToStrongClassifier(
        LogisticRegression(), weak_columns=[0, 1]
    ).fit(*table(120)),
    "cut": lambda: CutStatisticScorer(weak_columns=[0, 1]).fit(*table(120)),
    "LabelModel": lambda: LabelModel(classes=[0, 1]).fit(votes(120)[0]),
    "DawidSkene": lambda: DawidSkene(classes=[0, 1]).fit(votes(120)[0]),
}


@linux
@pytest.mark.slow
@pytest.mark.parametrize("name", FITTED)
def test_a_thousand_fits_take_no_more_memory_than_a_hundred(name):
    fit = FITTED[name]
    for _ in range(100):
        fit()
    before = resident(), threading.active_count(), open_files()
    for _ in range(1000):
        fit()
    # an array of the size of X kept per fit would be 6 MB
    assert resident() - before[0] < 4 << 20
    assert threading.active_count() <= before[1]
    assert open_files() <= before[2]


class Fails(ClassifierMixin, BaseEstimator):
    """Learns nothing."""

    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("no learning today")

    def predict_proba(self, X):
        raise AssertionError

    predict = predict_proba


def threads():
    import lightgbm  # noqa: F401  (its pool has to be there before)
    import numba

    pools = sorted((p["filepath"], p["num_threads"]) for p in threadpool_info())
    return pools, numba.get_num_threads()


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize(
    "model",
    [
        WeakToStrongClassifier(Fails(), weak_columns=[0, 1]),
        WeakToStrongClassifier(Fails(), weak_columns=[0, 1], n_jobs=2),
        OverlapDetector(Fails()),
        SelfConfidenceScorer(estimator=Fails(), weak_columns=[0, 1], n_jobs=2),
    ],
    ids=["student", "student, 2 jobs", "teacher", "probe"],
)
def test_threads_are_as_before_after_an_error(model, limit):
    X, y = table(300)
    threads()
    with threadpool_limits(limit):
        before = threads()
        with pytest.raises(RuntimeError, match="no learning today"):
            clone(model).fit(X, y)
        assert threads() == before
        with pytest.raises(ValueError, match="infinity"):
            OverlapDetector(weak_columns=[0, 1]).fit(np.where(X > 2, np.inf, X), y)
        assert threads() == before


def endless():
    """A model whose training ends only when it is stopped, between two steps."""
    return MLPClassifier((4,), tol=0, n_iter_no_change=10**6, max_iter=10**6)


# name -> a fit that takes many seconds
LONG = {
    "detector": lambda: (OverlapDetector(weak_columns=[0, 1]), table(120_000, 96)),
    "nearest": lambda: (CutStatisticScorer(weak_columns=[0, 1]), table(80_000, 64)),
    "probe": lambda: (
        SelfConfidenceScorer(
            weak_columns=[0, 1],
            estimator=endless(),
        ),
        table(3000),
    ),
    "DawidSkene": lambda: (
        DawidSkene(classes=[0, 1], tol=0, max_iter=10**6),
        (votes(100_000, 40)[0],),
    ),
    "LabelModel": lambda: (LabelModel(classes=[0, 1]), (votes(400_000, 60)[0],)),
    "sources": lambda: (
        UCBSourceSelector(
            LogisticRegression(),
            n_rounds=2000,
            batch_size=10,
            n_reference_rounds=3,
            detector=OverlapDetector(weak_columns=[0, 1]),
        ),
        table(30_000),
    ),
}
AFTER = 1.0


def arguments_of(name, data):
    if name == "sources":
        return {"sources": np.arange(len(data[0])) % 5}
    return {}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("name", LONG)
def test_ctrl_c_ends_a_fit_within_two_seconds(name):
    model, data = LONG[name]()
    more = arguments_of(name, data)
    pressed = []

    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(AFTER, press)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(*data, **more)  # were it over before, nothing would be raised
        waited = time.monotonic() - pressed[0]
    finally:
        timer.cancel()
    assert waited < 2
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("name", ["detector", "nearest", "DawidSkene", "sources"])
def test_a_second_fit_that_is_interrupted_leaves_the_first_or_none(name):
    model, data = LONG[name]()
    more = arguments_of(name, data)
    small = [part[:400] for part in data]
    few = {k: v[:400] for k, v in more.items()}
    rounds = {"n_rounds": 6} if name == "sources" else {}
    if name == "DawidSkene":
        model.set_params(tol=1e-3, max_iter=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.set_params(**rounds).fit(*small, **few)
    answer = "score_samples" if hasattr(model, "score_samples") else "predict_proba"
    before = getattr(model, answer)(small[0])
    model.set_params(
        **{
            k: v
            for k, v in LONG[name]()[0].get_params().items()
            if k in ("n_rounds", "tol", "max_iter")
        }
    )
    timer = threading.Timer(AFTER, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(*data, **more)
    finally:
        timer.cancel()
    try:
        after = getattr(model, answer)(small[0])
    except (NotFittedError, AttributeError):
        return
    np.testing.assert_array_equal(after, before)
