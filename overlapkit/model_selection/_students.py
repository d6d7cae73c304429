"""What the experiments of this package share: students, repeats and their scores."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_consistent_length

from overlapkit._utils.labels import flat_labels, is_missing
from overlapkit._utils.sklearn_compat import _num_samples
from overlapkit._utils.threads import single_threaded_blas
from overlapkit.scorers._regions import TRUE_REGION_NAMES

__all__ = [
    "TRUE_REGIONS",
    "balanced_accuracy",
    "check_regions",
    "draw_seeds",
    "fit_predict",
    "known_truth",
    "repeats",
    "run_repeats",
    "seeded",
]

TRUE_REGIONS = TRUE_REGION_NAMES


def seeded(estimator, seed) -> Any:
    """A clone in which every random state left at None is `seed`."""
    estimator = clone(estimator)
    states = {
        name: seed
        for name, value in estimator.get_params().items()
        if name.split("__")[-1] == "random_state" and value is None
    }
    return estimator.set_params(**states)


def fit_predict(estimator, X, labels, X_test) -> np.ndarray:
    """Predictions of a student; the only class where it has seen a single one."""
    present = np.unique(labels)
    if len(present) == 1:
        return np.full(_num_samples(X_test), present[0])
    return estimator.fit(X, labels).predict(X_test)


def balanced_accuracy(y_true, right) -> float:
    """Mean over the classes of y_true of the share of their rows that are right."""
    classes, codes = np.unique(y_true, return_inverse=True)
    counts = np.bincount(codes, minlength=len(classes))
    return float(np.mean(np.bincount(codes, weights=right) / counts))


def check_regions(regions, X, name) -> np.ndarray | None:
    """Regions as an array of codes, as long as X; None stays None."""
    if regions is None:
        return None
    regions = column_or_1d(regions)
    if len(regions) != _num_samples(X):
        raise ValueError(
            f"{name} has {len(regions)} entries, but there are {_num_samples(X)} rows."
        )
    unknown = sorted(set(np.unique(regions).tolist()) - set(range(4)))
    if unknown:
        raise ValueError(
            f"{name} must be 0 (easy), 1 (overlap), 2 (hard) or 3 (neither); found "
            f"{unknown}."
        )
    return regions.astype(np.int64)


def known_truth(y_true, X, missing_label) -> np.ndarray | None:
    """True labels as an array of objects; None where unknown, as None and NaN are."""
    if y_true is None:
        return None
    y_true = flat_labels(y_true)
    check_consistent_length(X, y_true)
    truth = y_true.astype(object)
    truth[is_missing(y_true, missing_label) | pd.isna(truth)] = None
    return truth


def draw_seeds(random_state, n) -> tuple[int, list[int]]:
    """One seed for the shared part and one for each of n repeats."""
    seeds = check_random_state(random_state).randint(2**31 - 1, size=n + 1)
    return int(seeds[0]), [int(seed) for seed in seeds[1:]]


def repeats(X, y_true, X_test, y_test, test_size, seeds) -> list[tuple]:
    """For every seed the rows to learn from, and those to test on (None: X_test).

    Raises
    ------
    ValueError
        If only one of X_test and y_test is given, they differ in length, or labels
        to test on are unknown.
    """
    if (X_test is None) != (y_test is None):
        raise ValueError("Give both X_test and y_test, or neither.")
    everything = np.arange(_num_samples(X))
    if X_test is not None:
        check_consistent_length(X_test, y_test)
        return [(everything, None)] * len(seeds)
    if y_true is None or any(value is None for value in y_true):
        raise ValueError(
            "Without X_test and y_test a part of X is held out to test on, which "
            "needs the true label of every row: give y_true, or a test set."
        )
    splits = []
    for seed in seeds:
        splitter = StratifiedShuffleSplit(1, test_size=test_size, random_state=seed)
        splits.append(next(splitter.split(everything[:, None], list(y_true))))
    return splits


def run_repeats(one_repeat, n_repeats, n_jobs) -> list:
    """Results of every repeat, in order; the same ones whatever `n_jobs` is.

    Many small models are fitted: on a busy machine threads of BLAS make each slower by
    far, and their number would show in the last digits.
    """

    def run(number):
        with single_threaded_blas():
            return one_repeat(number)

    return Parallel(n_jobs=n_jobs)(delayed(run)(k) for k in range(n_repeats))
