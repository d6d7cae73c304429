"""Simulate the null distribution of the dip, as stored in overlapkit.diagnostics.

``python -m benchmarks.studies.dip_table`` draws uniform samples of each size and
prints the upper quantiles of sqrt(n) times the dip.
"""

import argparse
import sys

import numpy as np
from joblib import Parallel, delayed

from overlapkit.diagnostics import NULL_SIZES, NULL_TAILS, dip_statistic


def _statistics(n, n_samples, seed):
    rng = np.random.default_rng(seed)
    return [np.sqrt(n) * dip_statistic(rng.random(n)) for _ in range(n_samples)]


def simulate(n, n_samples, seed=0, n_jobs=None):
    """Quantiles of sqrt(n) times the dip with the tail probabilities NULL_TAILS."""
    blocks = Parallel(n_jobs=n_jobs)(
        delayed(_statistics)(n, n_samples // 20, (seed, n, block))
        for block in range(20)
    )
    return np.quantile(np.concatenate(blocks), 1 - np.array(NULL_TAILS))


def main(argv=None):
    """Print the table; returns 0."""
    parser = argparse.ArgumentParser("dip_table", description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--n-jobs", type=int, default=-1)
    options = parser.parse_args(argv)
    for n in NULL_SIZES:
        quantiles = simulate(n, options.samples, n_jobs=options.n_jobs)
        print(f"    ({', '.join(f'{q:.4f}' for q in quantiles)}),  # n = {n}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
