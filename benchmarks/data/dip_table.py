"""Simulate the null distribution of the dip, as stored in overlapkit.diagnostics.

``python -m benchmarks dip-table`` draws uniform samples of each size and
prints the upper quantiles of sqrt(n) times the dip.
"""

import numpy as np

from benchmarks import common
from overlapkit.diagnostics import NULL_SIZES, NULL_TAILS, dip_test

SUMMARY = "simulate the stored table of the test for two groups again"


def _statistics(n, n_samples, seed):
    rng = np.random.default_rng(seed)
    return [np.sqrt(n) * dip_test(rng.random(n)).statistic for _ in range(n_samples)]


def simulate(n, n_samples, seed=0, n_jobs=None):
    """Quantiles of sqrt(n) times the dip with the tail probabilities NULL_TAILS."""
    settings = [
        {"n": n, "n_samples": n_samples // 20, "seed": (seed, n, block)}
        for block in range(20)
    ]
    blocks = common.run(_statistics, settings, n_jobs)
    return np.quantile(np.concatenate(blocks), 1 - np.array(NULL_TAILS))


def main(argv=None):
    """Print the table; returns 0."""
    samples = {"type": int, "default": 100_000}
    options = common.parse("dip-table", __doc__, argv, samples=samples)
    for n in NULL_SIZES:
        quantiles = simulate(n, options.samples, n_jobs=options.n_jobs)
        print(f"    ({', '.join(f'{q:.4f}' for q in quantiles)}),  # n = {n}")
    return 0
