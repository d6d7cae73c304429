"""Whatever backend joblib is set to, the results are the same."""

import os
import signal
import threading
import time

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from benchmarks import common
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit._utils.threads import n_threads
from overlapkit.datasets import make_overlap_classification
from overlapkit.model_selection import (
    label_value_curve,
    overlap_curve,
    weak_to_strong_report,
)
from overlapkit.scorers import SelfConfidenceScorer
from overlapkit.weak import WeakRows

LOCAL = ["loky", "threading", "multiprocessing"]
WEAK = slice(0, 20)


@pytest.fixture(scope="module")
def data():
    return make_overlap_classification(
        n_easy=60, n_hard=60, n_overlap=60, random_state=0
    )


@pytest.fixture(params=[*LOCAL, "dask", "ray"])
def backend(request):
    """A context in which joblib runs jobs by that backend."""
    if request.param == "dask":
        request.getfixturevalue("client")
        return lambda: joblib.parallel_config("dask")
    if request.param == "ray":
        request.getfixturevalue("ray_workers")
        return lambda: joblib.parallel_config("ray")
    return lambda: joblib.parallel_config(request.param, n_jobs=2)


def student(**params):
    return WeakToStrongClassifier(
        LogisticRegression(), weak_columns=WEAK, random_state=0, **params
    )


def half_known(y):
    y = np.asarray(y).copy()
    y[::2] = -1
    return y


def detected(data):
    detector = OverlapDetector(GaussianNB(), weak_columns=WEAK, random_state=0)
    return detector.fit(data.X, data.y).overlap_scores_


def believed(data):
    return (
        SelfConfidenceScorer(weak_columns=WEAK, random_state=0)
        .fit(data.X, data.y)
        .scores_
    )


def recipe(data):
    model = student(selector="auto", missing_label=-1)
    model.fit(data.X, half_known(data.y))
    return np.column_stack([model.predict_proba(data.X)[:, 0], model.corrected_labels_])


def report(data):
    return weak_to_strong_report(
        student(selector=OverlapDetector()),
        data.X,
        data.y,
        n_repeats=2,
        random_state=0,
    ).summary.select_dtypes("number")


def mixing(data):
    detector = OverlapDetector(weak_columns=WEAK)
    return overlap_curve(
        LogisticRegression(),
        detector,
        data.X,
        data.y,
        shares=(0, 1),
        n_repeats=2,
        random_state=0,
    ).select_dtypes("number")


def worth_of_labels(data):
    teacher = GaussianNB().fit(data.X[:, WEAK], data.y)
    return label_value_curve(
        student(weak_estimator=FrozenEstimator(teacher), selector="auto"),
        data.X,
        data.y,
        n_labels=(10, 20),
        n_repeats=2,
        random_state=0,
    ).curve.select_dtypes("number")


_local = {}


@pytest.mark.parametrize(
    "compute", [detected, believed, recipe, report, mixing, worth_of_labels]
)
def test_results_do_not_depend_on_the_backend(compute, data, backend):
    if compute not in _local:
        _local[compute] = compute(data)
    with backend():
        again = compute(data)
    np.testing.assert_allclose(again, _local[compute], rtol=1e-6, atol=1e-9)


def test_benchmarks_run_on_every_backend(backend):
    settings = [{"number": k} for k in range(4)]
    with backend():
        assert common.run(_square, settings, n_jobs=2) == [0, 1, 4, 9]


def _square(number):
    return number**2


class SlowModel(ClassifierMixin, BaseEstimator):
    """Takes as long as it is told, and writes down who fitted it."""

    def __init__(self, folder=None, seconds=0.0):
        self.folder = folder
        self.seconds = seconds

    def fit(self, X, y):
        name = f"{os.getpid()}-{time.monotonic_ns()}"
        with open(os.path.join(self.folder, name), "w"):
            time.sleep(self.seconds)
        self.model_ = GaussianNB().fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


def test_every_worker_fits_folds(client, data, tmp_path):
    model = SlowModel(str(tmp_path), 0.2)
    with joblib.parallel_config("dask"):
        OverlapDetector(model, weak_columns=WEAK, cv=4).fit(data.X, data.y)
    pids = {name.split("-")[0] for name in os.listdir(tmp_path)}
    assert pids == {str(os.getpid()), *map(str, client.run(os.getpid).values())}


def test_a_killed_worker_loses_nothing(client, data, tmp_path):
    quick = SlowModel(str(tmp_path))
    detector = OverlapDetector(quick, weak_columns=WEAK, cv=8, random_state=0)
    expected = detector.fit(data.X, data.y).overlap_scores_
    for path in tmp_path.iterdir():
        path.unlink()
    pids = set(client.run(os.getpid).values())

    def kill_the_first_that_fits():
        while True:
            fitting = {int(path.name.split("-")[0]) for path in tmp_path.iterdir()}
            if fitting & pids:
                os.kill(min(fitting & pids), signal.SIGKILL)
                return
            time.sleep(0.01)

    detector.set_params(weak_estimator=SlowModel(str(tmp_path), 0.3))
    killer = threading.Thread(target=kill_the_first_that_fits)
    killer.start()
    with joblib.parallel_config("dask"):
        scores = detector.fit(data.X, data.y).overlap_scores_
    killer.join()
    # the whole, eight folds, and at least the fold that was begun and lost
    assert len(list(tmp_path.iterdir())) > 9
    np.testing.assert_array_equal(scores, expected)
    client.wait_for_workers(2)


class CountedModel(SlowModel):
    """Writes down every time it is sent; it goes with the rows that it is fitted on."""

    def __getstate__(self):
        with open(os.path.join(self.folder, f"sent-{time.monotonic_ns()}"), "w"):
            return super().__getstate__()


def test_what_all_folds_read_is_sent_once(client, data, tmp_path):
    model = CountedModel(str(tmp_path))
    with joblib.parallel_config("dask"):
        OverlapDetector(model, weak_columns=WEAK, cv=16).fit(data.X, data.y)
    sent = list(tmp_path.glob("sent-*"))
    # to one worker, and from there to the other; not to each of 16 folds
    assert 1 <= len(sent) <= 4


def test_a_cluster_of_one_core_is_sent_nothing(data, tmp_path, monkeypatch):
    # joblib runs its jobs in this process, where each would fetch what was sent
    distributed = pytest.importorskip("distributed")
    sent = []
    monkeypatch.setattr(distributed.Client, "scatter", lambda *a, **kw: sent.append(a))
    detector = OverlapDetector(SlowModel(str(tmp_path)), weak_columns=WEAK, cv=4)
    detector.set_params(random_state=0)
    expected = detector.fit(data.X, data.y).overlap_scores_
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as alone,
        joblib.parallel_config("dask", client=alone),
    ):
        scores = detector.fit(data.X, data.y).overlap_scores_
    assert not sent
    np.testing.assert_array_equal(scores, expected)


def test_blocks_of_similarity_go_to_the_cluster_where_that_pays(client):
    rng = np.random.RandomState(0)
    rows = WeakRows.from_proba(
        rng.normal(size=(16_000, 256)).astype(np.float32), _half_confident(16_000)
    )
    local = OverlapDetector(hard_threshold=0.5).fit_rows(rows)
    assert len(local.reference_) > 2000
    before = _tasks_done(client)
    with joblib.parallel_config("dask"):
        there = OverlapDetector(hard_threshold=0.5).fit_rows(rows)
        done = _tasks_done(client)
        OverlapDetector(hard_threshold=0.5, max_landmarks=100).fit_rows(rows)
    assert done > before
    assert _tasks_done(client) == done  # with few landmarks, sending is the longer way
    np.testing.assert_array_equal(there.labels_, local.labels_)
    np.testing.assert_allclose(there.overlap_scores_, local.overlap_scores_, rtol=1e-5)


def _half_confident(n):
    high = np.where(np.arange(n) % 2 == 0, 0.95, 0.6)
    return np.column_stack([high, 1 - high])


def _tasks_done(client):
    return sum(
        client.run(lambda dask_worker: dask_worker.state.executed_count).values()
    )


def test_threads_are_of_this_machine_not_of_the_cluster(client):
    """A cluster of 1,000 cores must not start 1,000 threads here."""
    with joblib.parallel_config("dask"):
        assert n_threads(-1) == n_threads(500) == n_threads(None)
    assert n_threads(3) == 3
