"""How often the intervals of gains hold the true gain: a simulation.

``python -m benchmarks coverage`` draws many data sets for each design of the package,
computes the 95 % interval of the gain of a linear student (all columns) over a linear
weak model (half of the columns), and counts how often it holds the true gain, which is
measured on rows that are as good as endless.

- ``fixed test set``: one test set, several seeds of the models (each sees a random half
  of the training rows); the target is the gain on new rows over new seeds, given the
  training rows.
- ``random splits``: a quarter of the rows is held out in each repeat; the target is the
  mean gain of the fitted models on new rows.
- ``cross-fitting``: repeated folds over the rows; the same target.
- ``independent draws``: new training and test rows in each repeat; the target is the
  mean gain over such draws.
"""

import numpy as np
import pandas as pd

from benchmarks import common
from benchmarks.coverage.designs import DESIGNS, LEVEL, covered

__all__ = ["coverage_table", "main"]


def coverage_table(n_draws=500, n_jobs=None, seed=0, designs=None):
    """Measured coverage of every design, metric and size.

    Parameters
    ----------
    n_draws : int, default=500
        Data sets of each setting.
    n_jobs : int, default=None
        Settings simulated at once.
    seed : int, default=0
        Of all draws.
    designs : list of str, default=None
        Some of the designs; None: all.

    Returns
    -------
    table : DataFrame
        A row for each setting: ``design``, ``metric``, ``n_repeats``, ``n_rows``,
        ``models``, ``coverage``, ``error`` (standard error of the coverage) and
        ``half_width``.
    """
    settings = [
        setting
        for setting in DESIGNS
        if designs is None or setting["design"] in designs
    ]

    def one(setting, number):
        inside, widths = covered(setting, n_draws, np.random.default_rng(number))
        rate = float(np.mean(inside))
        error = np.sqrt(LEVEL * (1 - LEVEL) / n_draws)
        return {
            **setting,
            "coverage": rate,
            "error": error,
            "half_width": float(np.mean(widths)),
        }

    numbers = np.random.SeedSequence(seed).spawn(len(settings))
    pairs = [{"setting": s, "number": n} for s, n in zip(settings, numbers)]
    return pd.DataFrame(common.run(one, pairs, n_jobs))


def main(argv=None):
    """Print the table; exit code 1 where a design is not within 93 to 97 %."""
    draws = {"type": int, "default": 2000, "metavar": "N", "help": "default: 2000"}
    options = common.parse("coverage", __doc__, argv, draws=draws)
    table = coverage_table(options.draws, options.n_jobs)
    print(table.round(4).to_string(index=False))
    outside = table[(table["coverage"] - LEVEL).abs() > 0.02 + 2 * table["error"]]
    for line in outside.itertuples():
        print(
            f"setting not within 93 to 97 %: {line.design}, {line.metric}, "
            f"{line.n_repeats} repeats, {line.n_rows} rows, {line.models}"
        )
    means = table.groupby("design", sort=False)["coverage"].mean()
    print(means.round(4).to_string())
    return int(((means - LEVEL).abs() > 0.02).any())
