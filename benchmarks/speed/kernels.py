"""Rows of the speed benchmark: change points and similarities in memory."""

import json
import os
import subprocess
import sys
import tempfile
import tracemalloc

import numpy as np

from benchmarks.common import ROOT
from benchmarks.speed.harness import Result, paired, register, seconds
from overlapkit.scorers import reference_similarity
from overlapkit.thresholds import change_point

# imported on first use, so that importing the package alone would time nothing
ESTIMATORS = "OverlapDetector, UCBSourceSelector, WeakToStrongClassifier"


def _squared_error(s, k):
    return s[:k].var() * k + s[k:].var() * (s.size - k)


@register("change-point")
def change_points(settings):
    """Exact split against the search of the reference implementation."""
    for n in (5_000,) if settings.quick else (5_000, 50_000):
        work = f"change point, n = {n:,}"
        baseline = "ruptures Binseg"
        try:
            import ruptures
        except ImportError:
            note = "ruptures is not installed"
            yield Result(
                work, baseline, None, None, None, "at least", 200, True, "x", note
            )
            continue
        values = np.random.default_rng(0).beta(0.6, 0.6, n)
        s = np.sort(values)

        def theirs(values=values):
            s = np.sort(values)
            return ruptures.Binseg(model="l2").fit(s).predict(n_bkps=1)[0]

        repeats = settings.repeats if n < 10_000 else min(settings.repeats, 3)
        (ours_s, theirs_s), (ratio,) = paired(
            lambda values=values: change_point(values), theirs, repeats=repeats
        )
        best = _squared_error(s, change_point(values).index)
        agrees = best <= _squared_error(s, theirs()) * (1 + 1e-12)
        yield Result(
            work, baseline, ours_s, theirs_s, 1 / ratio, "at least", 200, agrees
        )


def _unit_rows(rng, n, d):
    rows = rng.standard_normal((n, d), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@register("similarity")
def similarities(settings):
    """Max and mean |cosine| against one bare product and against plain NumPy.

    The bare product writes ``A @ B.T`` of normalised rows into an array that was
    allocated and touched before; plain NumPy is ``abs(A @ B.T).max(1)``, of rows
    normalised beforehand. Ours gets rows that are not normalised.
    """
    shapes = ((20_000, 32, 1.05, 1.8), (20_000, 384, 1.10, 1.5), (6_000, 4096, 1.15, 0))
    for n, d, at_most, at_least in shapes:
        if settings.quick:
            n = n // 4
        shortest = 0.01 if settings.quick else 1.0
        rng = np.random.default_rng(d)
        A, B = _unit_rows(rng, n, d), _unit_rows(rng, n, d)
        X = A * rng.uniform(0.5, 2.0, (n, 1)).astype(np.float32)
        out = np.zeros((n, n), dtype=np.float32)
        for name in ("max", "mean"):

            def ours(X=X, B=B, name=name):
                return reference_similarity(X, B, aggregation=name)

            def bare(A=A, B=B, out=out):
                np.dot(A, B.T, out=out)

            def plain(A=A, B=B, name=name):
                return getattr(np.abs(A @ B.T), name)(axis=1)

            baselines = (bare, plain) if at_least else (bare,)
            # a second or more each: a fifth of one is at the mercy of the neighbours
            medians, ratios = paired(
                ours, *baselines, repeats=settings.repeats, shortest=shortest
            )
            agrees = np.allclose(ours(), plain(), rtol=1e-5, atol=1e-6)
            work = f"{name} abs cosine, {n:,} x {n:,}, d = {d}"
            yield Result(
                work,
                "bare sgemm",
                medians[0],
                medians[1],
                ratios[0],
                "at most",
                at_most,
                agrees,
            )
            if at_least:
                yield Result(
                    work,
                    "NumPy",
                    medians[0],
                    medians[2],
                    1 / ratios[1],
                    "at least",
                    at_least,
                    agrees,
                )


@register("signed-mean")
def signed_mean(settings):
    """The mean of cosines with their signs needs the mean reference row only."""
    n, d = (5_000 if settings.quick else 20_000), 384
    rng = np.random.default_rng(d)
    A, B = _unit_rows(rng, n, d), _unit_rows(rng, n, d)
    out = np.zeros((n, n), dtype=np.float32)

    def ours():
        return reference_similarity(A, B, absolute=False)

    def bare():
        np.dot(A, B.T, out=out)
        return out

    (ours_s, bare_s), (ratio,) = paired(ours, bare, repeats=settings.repeats)
    agrees = np.allclose(ours(), bare().mean(axis=1), atol=1e-6)
    yield Result(
        f"mean cosine with its sign, {n:,} x {n:,}, d = {d}",
        "bare sgemm",
        ours_s,
        bare_s,
        ratio,
        "at most",
        0.1,
        agrees,
    )


@register("memory")
def extra_memory(settings):
    """Peak of what scoring allocates beside its inputs and its result."""
    shapes = ((20_000, 20_000, 64), (200, 400_000, 32), (400_000, 200, 32))
    shapes += ((6_000, 6_000, 4096),)
    for n, m, d in shapes:
        if settings.quick:
            n, m = max(200, n // 8), max(200, m // 8)
        rng = np.random.default_rng(0)
        X = rng.standard_normal((n, d), dtype=np.float32)
        R = rng.standard_normal((m, d), dtype=np.float32)
        for name in ("max", "quantile", "topk"):
            tracemalloc.start()
            try:
                ours_s, scores = seconds(
                    lambda X=X, R=R, name=name: reference_similarity(
                        X, R, aggregation=name
                    )
                )
                extra = tracemalloc.get_traced_memory()[1] - scores.nbytes
            finally:
                tracemalloc.stop()
            yield Result(
                f"extra memory, {name}, {n:,} x {m:,}, d = {d}",
                "-",
                ours_s,
                None,
                extra / 2**20,
                "at most",
                64,
                unit="MiB",
            )


_FIRST_CALLS = """
import json, time
import numpy as np
from overlapkit.scorers import reference_similarity
from overlapkit.thresholds import change_point
X = np.random.default_rng(0).standard_normal((64, 8), dtype=np.float32)
times = {}
for name, call in {
    "change point": lambda: change_point(X[:, 0]),
    "max similarity": lambda: reference_similarity(X, X, aggregation="max"),
    "mean similarity": lambda: reference_similarity(X, X, aggregation="mean"),
}.items():
    start = time.perf_counter()
    call()
    times[name] = time.perf_counter() - start
print(json.dumps(times))
"""


_FIRST_FITS = """
import json, os, time, warnings
import numpy as np
from sklearn.linear_model import LogisticRegression
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.label_models import DawidSkene
from overlapkit.scorers import CutStatisticScorer
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X = rng.standard_normal((1000, 20), dtype=np.float32)
y, votes = (X[:, 0] > 0).astype(int), rng.integers(-1, 2, (1000, 10))
some = np.where(np.arange(1000) < 100, y, -1)
auto = WeakToStrongClassifier(
    LogisticRegression(), selector="auto", missing_label=-1, weak_columns=slice(0, 5)
)
fit = {
    "OverlapDetector": lambda: OverlapDetector(weak_columns=slice(0, 5)).fit(X, y),
    "CutStatisticScorer": lambda: CutStatisticScorer().fit(X, y),
    "DawidSkene": lambda: DawidSkene().fit(votes),
    "auto": lambda: auto.fit(X, some),
}[os.environ["FIT"]]
times = []
for _ in range(2):
    start = time.perf_counter()
    fit()
    times.append(time.perf_counter() - start)
print(json.dumps(times))
"""


def _python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@register("start")
def start(settings):
    """First calls with an empty cache of compiled code, and the time to import."""
    with tempfile.TemporaryDirectory(dir=settings.folder) as cache:
        first = json.loads(_python(_FIRST_CALLS, NUMBA_CACHE_DIR=cache))
        again = json.loads(_python(_FIRST_CALLS, NUMBA_CACHE_DIR=cache))
    for name, first_s in first.items():
        yield Result(
            f"first call, {name}",
            "from the cache",
            first_s,
            again[name],
            first_s,
            "at most",
            2,
            unit="s",
        )
    medians, ratios = paired(
        lambda: _python(f"from overlapkit import {ESTIMATORS}"),
        lambda: _python("import sklearn.base, numba"),
        repeats=max(settings.repeats, 11),
        shortest=0,
    )
    yield Result(
        "import of the three estimators",
        "scikit-learn, numba",
        *medians,
        *ratios,
        "at most",
        1.2,
    )
    for name in ("OverlapDetector", "CutStatisticScorer", "DawidSkene", "auto"):
        gaps = [json.loads(_python(_FIRST_FITS, FIT=name)) for _ in range(5)]
        first, second = np.median(gaps, axis=0)
        yield Result(
            f"first fit in a process less the second, {name}, compiled code stored",
            "the second fit",
            first,
            second,
            first - second,
            "at most",
            0.3,
            unit="s",
        )
