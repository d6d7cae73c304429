"""Rows in files are opened by the workers: names of files are sent, not values."""

import os
import pickle

import joblib
import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from overlapkit import OverlapDetector
from overlapkit._utils.jobs import run_jobs
from overlapkit._utils.memory_map import map_of
from overlapkit._utils.packing import packed, unpacked
from overlapkit.datasets import open_rows, stack_views
from overlapkit.weak import WeakRows

DIMENSIONS = 256


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(0)
    found = []
    for part in range(2):
        found.append(folder / f"{part}.npy")
        np.save(found[-1], rng.normal(size=(8000, DIMENSIONS)).astype(np.float16))
    return found


def mapped(paths):
    return open_rows(paths).values


@pytest.mark.parametrize(
    "part",
    [
        np.s_[:],
        np.s_[10:20],
        np.s_[:, 3:7],
        np.s_[5:900:7, ::2],
        np.s_[3],
        np.s_[:0],
        np.s_[::-1],
    ],
)
def test_views_of_a_map_are_packed_as_places(paths, part):
    view = np.load(paths[0], mmap_mode="r")[part]
    # in something else, as a strong view is in rows
    data = pickle.dumps(packed({"rows": view}), protocol=5)
    again = unpacked(pickle.loads(data))["rows"]
    np.testing.assert_array_equal(again, view)
    if view.size and min(view.strides) >= 0:  # others are sent as values
        assert len(data) < 1000
        assert map_of(again) is not None
        assert not again.flags.writeable


def test_rows_of_several_files_are_packed_as_places(paths):
    X = mapped(paths)
    data = pickle.dumps(packed((X, X[100:9000])), protocol=5)
    assert len(data) < 5000
    whole, part = unpacked(pickle.loads(data))
    np.testing.assert_array_equal(whole, X)
    np.testing.assert_array_equal(part, X[100:9000])


def test_what_may_differ_from_its_file_is_sent(paths):
    changed = np.load(paths[0], mmap_mode="c")
    changed[0, 0] = 5
    assert packed(changed) is changed
    memory = np.zeros((3, 2))
    assert packed(memory) is memory


def test_a_file_that_a_worker_does_not_see_is_named(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros((50, 4)))
    data = pickle.dumps(packed(np.load(tmp_path / "rows.npy", mmap_mode="r")))
    os.remove(tmp_path / "rows.npy")
    with pytest.raises(ValueError, match=r"rows\.npy cannot be read by the worker"):
        pickle.loads(data)


def opened_files(shared, own):
    return os.getpid(), str(map_of(shared).filename), str(map_of(own).filename)


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "dask", "ray"])
def test_workers_open_the_file(request, backend, paths):
    clusters = {"dask": "client", "ray": "ray_workers"}
    if backend in clusters:
        request.getfixturevalue(clusters[backend])
    rows = np.load(paths[0], mmap_mode="r")
    # a cluster takes all its workers
    options = {} if backend in clusters else {"n_jobs": 2}
    with joblib.parallel_config(backend, **options):
        found = run_jobs(opened_files, [(rows[3:9],), (rows[:7],)], shared=(rows,))
    for pid, *files in found:
        assert pid != os.getpid()
        assert files == [str(paths[0])] * 2


def test_similarities_of_rows_in_files(client, paths):
    X = mapped(paths)
    high = np.where(np.arange(len(X)) % 2 == 0, 0.95, 0.6)
    rows = WeakRows.from_proba(X, np.column_stack([high, 1 - high]))
    local = OverlapDetector(hard_threshold=0.5).fit_rows(rows)
    with joblib.parallel_config("dask"):
        there = OverlapDetector(hard_threshold=0.5).fit_rows(rows)
    assert len(local.reference_) > 2000  # so many that blocks go to the cluster
    np.testing.assert_array_equal(there.labels_, local.labels_)
    np.testing.assert_allclose(there.overlap_scores_, local.overlap_scores_, rtol=1e-5)


def test_folds_of_rows_in_files(client, paths, tmp_path):
    y = np.arange(16_000) % 2
    weak = np.random.default_rng(1).normal(size=(16_000, 4)) + y[:, None]
    np.save(tmp_path / "weak.npy", weak.astype(np.float16))
    X, strong, columns = stack_views(
        strong=open_rows(paths), weak=open_rows(tmp_path / "weak.npy")
    )
    detector = OverlapDetector(
        GaussianNB(),
        strong_columns=strong,
        weak_columns=columns,
        max_landmarks=50,
        random_state=0,
    )
    expected = detector.fit(X, y).weak_confidence_
    with joblib.parallel_config("dask"):
        np.testing.assert_array_equal(detector.fit(X, y).weak_confidence_, expected)
