"""Memory maps are read block by block, and not kept in memory."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from overlapkit import OverlapDetector
from overlapkit._utils import memory_map as _memory_map
from overlapkit._utils.memory_map import read_narrow, read_rows, release_rows
from tests.support.data import with_probabilities

pytestmark = pytest.mark.filterwarnings("ignore:.*show no separate groups")
D = 254
linux = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="reads Linux's page counts"
)


def mapped(tmp_path, X, mode="r"):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode=mode)


def detector(d, **kwargs):
    return OverlapDetector(
        weak_estimator="precomputed",
        strong_columns=slice(0, d),
        weak_columns=slice(d, d + 2),
        random_state=0,
        **kwargs,
    )


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
@pytest.mark.parametrize("refine_hard", [False, 0.05])
def test_a_detector_reads_maps_like_arrays(tmp_path, monkeypatch, mode, refine_hard):
    monkeypatch.setattr(_memory_map, "_BLOCK_BYTES", 4096)
    X = with_probabilities(n=400)[2].astype(np.float16)
    options = {"max_landmarks": 20, "refine_hard": refine_hard}
    expected = detector(6, **options).fit(X)
    found = detector(6, **options).fit(mapped(tmp_path, X, mode))
    np.testing.assert_array_equal(found.reference_, expected.reference_)
    np.testing.assert_array_equal(found.overlap_scores_, expected.overlap_scores_)
    np.testing.assert_array_equal(found.labels_, expected.labels_)
    new = mapped(tmp_path, X[:50], mode)
    np.testing.assert_array_equal(found.transform(new), expected.transform(X[:50]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_that_is_not_finite_is_named(tmp_path, value):
    X = with_probabilities(n=200)[2].astype(np.float16)
    X[123, 2] = value
    with pytest.raises(ValueError, match=r"strong view.*NaN or infinity in row 123"):
        detector(6).fit(mapped(tmp_path, X))


@linux
def test_fit_and_transform_leave_no_map_in_memory(tmp_path):
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

    n = 100_000  # 51 MB in all
    X = np.lib.format.open_memmap(
        tmp_path / "X.npy", mode="w+", dtype="f2", shape=(n, D + 2)
    )
    rng = np.random.default_rng(0)
    X[:, :D] = rng.integers(-9, 9, D)
    X[:, 0] = rng.integers(-99, 99, n)
    hard = rng.random(n) < 0.1
    p = np.where(hard, rng.uniform(0.4, 0.6, n), rng.choice([0.05, 0.95], n))
    X[:, D:] = np.column_stack([p, 1 - p])
    del X
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    fitted = detector(D, max_landmarks=50).fit(X[:2000])
    before = resident()
    fitted = detector(D, max_landmarks=50).fit(X)
    fitted.transform(X)
    assert resident() - before < 40e6
    assert len(fitted.hard_indices_) > n / 20


def test_rows_and_narrow_views_are_those_of_the_map(tmp_path, monkeypatch):
    monkeypatch.setattr(_memory_map, "_BLOCK_BYTES", 4096)
    X = np.random.default_rng(0).normal(size=(1000, 20)).astype("f4")
    view = mapped(tmp_path, X)
    for rows in ([], [0], [3, 500, 999], range(1000)):
        rows = np.asarray(rows, dtype=int)
        np.testing.assert_array_equal(read_rows(view, rows), X[rows])
    few = read_narrow(view[:, 17:19])
    np.testing.assert_array_equal(few, X[:, 17:19])
    assert not _memory_map.is_mapped(few)
    assert read_narrow(view) is view  # wide: not copied


def test_any_view_may_be_released(tmp_path):
    X = np.random.default_rng(0).normal(size=(7, 9000)).astype("f4")
    whole = mapped(tmp_path, X)
    views = (whole, whole[:, 8990:], whole[::2], whole[:, ::-1], whole.T, whole[3:])
    for view in views:
        release_rows(view, 0, len(view))
        release_rows(view, len(view) - 1, len(view))
    np.testing.assert_array_equal(whole, X)
