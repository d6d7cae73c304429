"""Memory maps are read block by block, and not kept in memory."""

import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from overlapkit import OverlapDetector
from tests.support.data import with_probabilities

pytestmark = pytest.mark.filterwarnings("ignore:.*show no separate groups")
D = 254
linux = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="reads Linux's page counts"
)


def detector(d, **kwargs):
    return OverlapDetector(
        weak_estimator="precomputed",
        strong_columns=slice(0, d),
        weak_columns=slice(d, d + 2),
        random_state=0,
        **kwargs,
    )


def large(d):
    """Rows of d columns and probabilities, in float16: more than one block of 8 MiB."""
    strong, proba = np.split(
        with_probabilities(n=24_000_000 // (2 * d))[2], [6], axis=1
    )
    rng = np.random.default_rng(0)
    strong = strong @ rng.normal(size=(6, d))
    return np.column_stack([strong, proba]).astype(np.float16)


def assert_same_fit(found, expected):
    np.testing.assert_array_equal(found.reference_, expected.reference_)
    np.testing.assert_array_equal(found.overlap_scores_, expected.overlap_scores_)
    np.testing.assert_array_equal(found.labels_, expected.labels_)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Rows, the file that holds them, and what is fitted to the rows in memory."""
    X = large(D)
    path = tmp_path_factory.mktemp("maps") / "X.npy"
    np.save(path, X)
    return (
        X,
        path,
        {p: detector(D, max_landmarks=20, refine_hard=p).fit(X) for p in (False, 0.05)},
    )


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
@pytest.mark.parametrize("refine_hard", [False, 0.05])
def test_a_detector_reads_maps_like_arrays(wide, mode, refine_hard):
    X, path, fitted = wide
    X_map = np.load(path, mmap_mode=mode)
    found = detector(D, max_landmarks=20, refine_hard=refine_hard).fit(X_map)
    assert_same_fit(found, fitted[refine_hard])
    np.testing.assert_array_equal(
        found.transform(X_map[:50]), fitted[refine_hard].transform(X[:50])
    )


@pytest.mark.parametrize(
    "view",
    [
        lambda X: X[::2],
        lambda X: X[5000:],
        lambda X: X[::-1],
        lambda X: X[:, ::-1][:, ::-1],
        lambda X: X[100:, 3:][:, ::-1],
    ],
)
def test_any_view_of_a_map_is_read_like_a_copy_and_the_file_stays(wide, view):
    """Pages are given back where rows follow each other in the file, and only there."""
    X, path, _ = wide
    X_map = np.load(path, mmap_mode="r")
    part = view(X)
    last = part.shape[1] - 2
    columns = {"strong_columns": slice(0, last), "weak_columns": slice(last, None)}
    if part.strides[1] < 0:  # the probabilities come first then
        columns = {"strong_columns": slice(2, None), "weak_columns": slice(0, 2)}
    model = detector(D, max_landmarks=20).set_params(**columns)
    expected = clone(model).fit(part.copy())
    assert_same_fit(model.fit(view(X_map)), expected)
    np.testing.assert_array_equal(X_map, X)


def test_a_file_that_holds_columns_is_read_like_one_that_holds_rows(wide, tmp_path):
    X, _, fitted = wide
    np.save(tmp_path / "X.npy", np.asfortranarray(X))
    X_map = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert X_map.flags.f_contiguous
    assert_same_fit(detector(D, max_landmarks=20).fit(X_map), fitted[False])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_that_is_not_finite_is_named(tmp_path, value):
    X = with_probabilities(n=200)[2].astype(np.float16)
    X[123, 2] = value
    np.save(tmp_path / "X.npy", X)
    with pytest.raises(ValueError, match=r"strong view.*(NaN|infinity) in row 123"):
        detector(6).fit(np.load(tmp_path / "X.npy", mmap_mode="r"))


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


# each row of a permutation brings the pages around it into memory, unless they are
# given back
RESIDENT = """
import sys, warnings
import numpy as np
from sklearn.model_selection import train_test_split
from overlapkit import OverlapDetector
from overlapkit.datasets import open_rows, stack_views

warnings.simplefilter("ignore")
folder, n, d = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
strong = open_rows(f"{folder}/strong.raw", dtype=sys.argv[4], shape=(n, d)).values
y = np.where(np.arange(n) < 500, np.arange(n) % 2, -1)
X, strong_columns, weak_columns = stack_views(
    strong=strong, weak=open_rows(f"{folder}/weak.npy").values
)
detector = OverlapDetector(
    strong_columns=strong_columns, weak_columns=weak_columns, missing_label=-1,
    max_landmarks=50, random_state=0,
)
def peak():
    # ru_maxrss would begin with the memory of the process that started this one
    with open("/proc/self/status") as file:
        return next(int(s.split()[1]) for s in file if s.startswith("VmHWM")) / 1024
detector.fit(X[:2000], y[:2000]).predict(X[:2000])
before = peak()
known = np.arange(1000)
train, test = train_test_split(np.arange(1000, n), random_state=0)
train = np.concatenate([known, train])
detector.fit(X[train], y[train]).score_samples(X[test])
detector.fit(X, y).predict(X)
print(peak() - before)
"""


@linux
@pytest.mark.parametrize(
    "dtype", ["float16", pytest.param("bfloat16", marks=pytest.mark.slow)]
)
def test_two_files_are_fitted_split_and_scored_without_being_in_memory(tmp_path, dtype):
    n, d = 160_000, 500  # 160 MB
    rng = np.random.default_rng(0)
    block = rng.normal(size=(1000, d)).astype(np.float32)
    if dtype == "float16":
        raw = block.astype(np.float16)
    else:
        raw = (block.view(np.uint32) >> 16).astype(np.uint16)
    with open(tmp_path / "strong.raw", "wb") as file:
        for _ in range(n // 1000):
            raw.tofile(file)
    weak = rng.normal(size=(n, 20)).astype(np.float32)
    weak[:, 0] += np.arange(n) % 2
    np.save(tmp_path / "weak.npy", weak)
    done = subprocess.run(
        [sys.executable, "-c", RESIDENT, str(tmp_path), str(n), str(d), dtype],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    # 47 to 74 are seen with this file and with half of it: what the system reads ahead
    assert float(done.stdout) < 100
