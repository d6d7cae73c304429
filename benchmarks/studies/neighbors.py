"""Time and agreement of approximate neighbours, against comparing with all hard rows.

``python -m benchmarks neighbors`` fits a detector with ``aggregation="max"`` on rows
that look like embeddings (16 dimensions mapped to 128, with a little noise, in 50
clumps), a fifth of them hard: exactly, with scikit-learn's KNeighborsTransformer, and
with ``pynndescent.PyNNDescentTransformer``, its graph of 15 or 60 neighbours, where it
is installed.

- seconds: of the whole fit, index included, after a warm-up for compiled code, whose
  seconds are printed first (pynndescent compiles anew in every process);
- found: share of the rows that are not hard whose nearest hard row was found;
- agreement: share of rows that get the region of exact scoring.
"""

import time
import warnings

import numpy as np
import pandas as pd
from sklearn.neighbors import KNeighborsTransformer

from benchmarks import common
from benchmarks.studies import worlds
from overlapkit import OverlapDetector
from overlapkit.exceptions import OverlapkitWarning

SUMMARY = "approximate neighbours: time and agreement up to 200,000 rows"
ROWS = (20_000, 100_000, 200_000)
DIM, LATENT, CLUMPS = 128, 16, 50
SHARES = (0.5, 0.3, 0.2)  # easy, overlap, hard
METHODS = ("compare with all", "KNeighbors", "PyNNDescent, 15", "PyNNDescent, 60")


def embeddings(n, seed=0):
    """Rows and, in two last columns, probabilities of a weak model."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(CLUMPS, LATENT))
    region = rng.choice(3, n, p=SHARES)
    # easy rows have clumps of their own, overlap rows share those of hard rows
    own = rng.integers(CLUMPS // 2, size=n)
    clump = np.where(region == worlds.EASY, own, own + CLUMPS // 2)
    latent = centres[clump] + 0.4 * rng.normal(size=(n, LATENT))
    X = np.empty((n, DIM + 2), dtype=np.float32)
    X[:, :DIM] = latent @ rng.normal(size=(LATENT, DIM))
    X[:, :DIM] += rng.standard_normal((n, DIM), dtype=np.float32) * np.float32(0.2)
    hard = region == worlds.HARD
    margin = np.where(hard, rng.uniform(0, 0.3, n), rng.uniform(0.7, 1, n))
    X[:, DIM], X[:, DIM + 1] = (1 + margin) / 2, (1 - margin) / 2
    return X


def transformer(method):
    """The `neighbors` of a method, None for none; ImportError if not installed."""
    if method == "KNeighbors":
        return KNeighborsTransformer(n_neighbors=1, algorithm="brute")
    if method.startswith("PyNNDescent"):
        from pynndescent import PyNNDescentTransformer

        n_neighbors = int(method.split()[-1])
        return PyNNDescentTransformer(n_neighbors=n_neighbors, random_state=0)
    return None


def fitted(X, method):
    """The fitted detector and seconds."""
    detector = OverlapDetector(
        weak_estimator="precomputed",
        strong_columns=slice(0, DIM),
        weak_columns=slice(DIM, DIM + 2),
        aggregation="max",
        neighbors=transformer(method),
    )
    start = time.perf_counter()
    detector.fit(X)
    return detector, time.perf_counter() - start


def compare(n, methods):
    """Rows of the table for n rows."""
    X = embeddings(n)
    exact, seconds = fitted(X, METHODS[0])
    compared = exact.labels_ != worlds.HARD
    rows = []
    for method in methods:
        found = exact
        if method != METHODS[0]:
            found, seconds = fitted(X, method)
        gap = (exact.overlap_scores_ - found.overlap_scores_)[compared]
        rows.append(
            {
                "rows": n,
                "hard rows": len(exact.hard_indices_),
                "method": method,
                "seconds": seconds,
                "found": np.mean(gap <= 1e-5),
                "largest error": gap.max(),
                "agreement": np.mean(found.labels_ == exact.labels_),
            }
        )
    return rows


def main(argv=None) -> int:
    """Print the table, write neighbors.csv and neighbors.png."""
    sizes = {"type": int, "nargs": "+", "help": f"default: {ROWS}"}
    quick = f"{ROWS[0]:,} rows"
    options = common.parse(
        "neighbors", __doc__, argv, quick=quick, jobs=False, out="studies", rows=sizes
    )
    methods = list(METHODS)
    try:
        transformer(METHODS[2])
    except ImportError:
        print("pynndescent is not installed (pip install pynndescent): left out.")
        methods = methods[:2]
    settings = [
        {"n": n, "methods": methods}
        for n in options.rows or (ROWS[:1] if options.quick else ROWS)
    ]
    warnings.simplefilter("ignore", OverlapkitWarning)  # some splits cut one group
    # not so small that pynndescent would compare all with all instead
    small = embeddings(15_000)
    for method in methods:
        print(f"warm-up, {method}: {fitted(small, method)[1]:.1f} s")
    runs = pd.DataFrame([row for setting in settings for row in compare(**setting)])
    common.write(runs, options, "neighbors")
    title = "maximum similarity to the hard rows"
    common.show(title, runs.set_index(["rows", "hard rows", "method"]))

    def draw(ax, column):
        for method, part in runs.groupby("method", sort=False):
            ax.plot(part["rows"], part[column], marker="o", label=method)
        sizes = sorted(set(runs["rows"]))
        ax.set_xticks(sizes, [f"{n:,}" for n in sizes])
        ax.set_xlabel("rows")

    common.panels(options, "neighbors", ["seconds", "agreement"], draw, columns=2)
    return 0
