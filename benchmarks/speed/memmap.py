"""Rows of the speed benchmark: a memory map larger than one wants in memory.

The scoring runs in a process of its own, because a peak of resident memory belongs
to a process.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from benchmarks.speed.harness import (
    Result,
    in_child,
    peak_resident_mib,
    register,
    seconds,
)
from overlapkit import OverlapDetector
from overlapkit.datasets import stack_views
from overlapkit.scorers import reference_similarity

MODULE = "benchmarks.speed.memmap"
DIM, WEAK_DIM, LANDMARKS, BLOCK = 384, 64, 4096, 8192
LABELS = 2000  # known, of two files
MAX_HARD = 512  # of the detector


def _write(path, n):
    """Rows of noise, followed by two columns of probabilities."""
    rng = np.random.default_rng(0)
    shape = (n, DIM + 2)
    X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    for start in range(0, n, BLOCK):
        block = rng.standard_normal((min(BLOCK, n - start), DIM), dtype=np.float32)
        X[start : start + BLOCK, :DIM] = block
        p = rng.beta(0.5, 0.5, len(block))
        X[start : start + BLOCK, DIM:] = np.column_stack([p, 1 - p])
    X.flush()


def _write_weak(path, n):
    """A weak view and labels that the weak model can learn, where they are known."""
    rng = np.random.default_rng(1)
    shape = (n, WEAK_DIM)
    W = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for start in range(0, n, BLOCK):
        stop = min(n, start + BLOCK)
        W[start:stop] = rng.standard_normal((stop - start, WEAK_DIM), dtype=np.float32)
    W.flush()


@register("memmap")
def memory_map(settings):
    """A float16 memory map against the bare sgemms of its float32 blocks."""
    n = 125_000 if settings.quick else 1_000_000
    with tempfile.TemporaryDirectory(dir=settings.folder) as folder:
        path = Path(folder) / "X.npy"
        _write(path, n)
        found = in_child(MODULE, "score", path)
        detected = in_child(MODULE, "detect", path)
        fitted = {}
        for rows in (n // 8, n):
            strong = Path(folder) / f"{rows}.npy"
            _write(strong, rows)
            _write_weak(strong.with_suffix(".weak.npy"), rows)
            fitted[rows] = in_child(MODULE, "two_files", strong)
    shape = f"{n:,} x {DIM} float16 map, {LANDMARKS:,} landmarks"
    yield Result(
        f"max abs cosine, {shape}",
        "bare sgemms",
        found["ours_s"][-1],
        found["bare_s"][-1],
        found["ours_s"][-1] / found["bare_s"][-1],
        "at most",
        1.6,
        found["agrees"],
    )
    yield Result(
        f"peak resident memory, {shape}",
        "-",
        None,
        None,
        found["peak_mib"],
        "at most",
        1024,
        unit="MiB",
    )
    # Each size against its own sgemms, so that a busy machine does not look like
    # growth.
    per_row = [a / b for a, b in zip(found["ours_s"], found["bare_s"])]
    yield Result(
        f"growth of the cost per row from n = {found['n'][0]:,} to {n:,}",
        "-",
        None,
        None,
        per_row[-1] / per_row[0],
        "at most",
        1.15,
    )
    yield Result(
        f"peak resident memory, OverlapDetector.fit and transform, {n:,} x {DIM + 2} "
        f"float16 map, max_landmarks={MAX_HARD}",
        "-",
        detected["ours_s"],
        None,
        detected["peak_mib"],
        "at most",
        1024,
        unit="MiB",
    )
    for rows, found in fitted.items():
        yield Result(
            "peak resident memory, OverlapDetector.fit, score_samples and predict, two "
            f"files of {rows:,} x {DIM + 2} float16 and {WEAK_DIM} float32, "
            f"max_landmarks={MAX_HARD}",
            "-",
            found["ours_s"],
            None,
            found["peak_mib"],
            "at most",
            1024,
            unit="MiB",
        )


def _two_files(path):
    warnings.simplefilter("ignore")
    strong = np.load(path, mmap_mode="r")
    weak = np.load(Path(path).with_suffix(".weak.npy"), mmap_mode="r")
    y = np.full(len(weak), -1)
    y[:LABELS] = weak[:LABELS, :2].sum(axis=1) > 0
    X, strong_columns, weak_columns = stack_views(strong=strong, weak=weak)
    detector = OverlapDetector(
        strong_columns=strong_columns,
        weak_columns=weak_columns,
        missing_label=-1,
        aggregation="max",
        max_landmarks=MAX_HARD,
        random_state=0,
    )

    def work():
        detector.fit(X, y).score_samples(X)
        detector.predict(X)

    ours_s, _ = seconds(work)
    print(json.dumps({"ours_s": ours_s, "peak_mib": peak_resident_mib()}))


def _detect(path):
    warnings.simplefilter("ignore")  # noise has no groups, and says so
    detector = OverlapDetector(
        weak_estimator="precomputed",
        strong_columns=slice(0, DIM),
        weak_columns=slice(DIM, DIM + 2),
        aggregation="max",
        max_landmarks=MAX_HARD,
        random_state=0,
    )
    X = np.load(path, mmap_mode="r")
    ours_s, _ = seconds(lambda: detector.fit(X).transform(X))
    print(json.dumps({"ours_s": ours_s, "peak_mib": peak_resident_mib()}))


def _score(path):
    X = np.load(path, mmap_mode="r")[:, :DIM]
    rng = np.random.default_rng(1)
    R = rng.standard_normal((LANDMARKS, DIM), dtype=np.float32)
    sizes = [X.shape[0] // 100, X.shape[0] // 10, X.shape[0] // 2, X.shape[0]]

    reference_similarity(X[:BLOCK], R, aggregation="max")
    A = X[:BLOCK].astype(np.float32)
    out = np.zeros((BLOCK, LANDMARKS), dtype=np.float32)

    def bare(n):
        for start in range(0, n, BLOCK):
            stop = min(BLOCK, n - start)
            np.dot(A[:stop], R.T, out=out[:stop])

    bare(BLOCK)
    ours_s, bare_s = [], []
    for n in sizes:
        before = seconds(lambda n=n: bare(n // 2))[0]
        ours, scores = seconds(
            lambda n=n: reference_similarity(X[:n], R, aggregation="max")
        )
        after = seconds(lambda n=n: bare(n - n // 2))[0]
        ours_s.append(ours)
        bare_s.append(before + after)
    # the check below reads scattered rows of the map, whose pages then stay resident
    peak_mib = peak_resident_mib()
    rows = np.linspace(0, X.shape[0] - 1, 500).astype(int)
    S = X[rows].astype(np.float64) @ R.T.astype(np.float64)
    S /= np.linalg.norm(X[rows].astype(np.float64), axis=1, keepdims=True)
    S /= np.linalg.norm(R.astype(np.float64), axis=1)
    agrees = np.allclose(scores[rows], np.abs(S).max(axis=1), atol=1e-5)
    print(
        json.dumps(
            {
                "n": sizes,
                "ours_s": ours_s,
                "bare_s": bare_s,
                "peak_mib": peak_mib,
                "agrees": bool(agrees),
            }
        )
    )


if __name__ == "__main__":
    {"score": _score, "detect": _detect, "two_files": _two_files}[sys.argv[1]](
        sys.argv[2]
    )
