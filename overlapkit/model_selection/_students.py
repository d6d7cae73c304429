"""What the experiments of this package share: students, repeats and their scores."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils import check_random_state

from overlapkit._utils.checks import check_consistent_length, column_or_1d
from overlapkit._utils.jobs import run_jobs
from overlapkit._utils.labels import flat_labels, is_missing
from overlapkit._utils.sklearn_compat import _num_samples
from overlapkit._utils.threads import single_threaded_blas
from overlapkit.model_selection._known_label_split import KnownLabelSplit
from overlapkit.model_selection._shared_rows import check_test_rows
from overlapkit.scorers._regions import TRUE_REGION_NAMES
from overlapkit.weak._views import naming_columns

__all__ = [
    "TRUE_REGIONS",
    "Split",
    "Tested",
    "balanced_accuracy",
    "check_regions",
    "check_test_labels",
    "draw_seeds",
    "fit_predict",
    "known_truth",
    "make_splits",
    "run_repeats",
    "seeded",
    "tested_rows",
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
    with naming_columns(X, "strong view"):
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
    regions = column_or_1d(regions, name=name)
    if len(regions) != _num_samples(X):
        raise ValueError(
            f"{name} has {len(regions)} entries, but there are {_num_samples(X)} "
            "rows: give one for each."
        )
    unknown = [r for r in pd.unique(regions).tolist() if r not in (0, 1, 2, 3)][:10]
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
    y_true = flat_labels(y_true, "y_true")
    check_consistent_length(X=X, y_true=y_true)
    truth = y_true.astype(object)
    truth[is_missing(y_true, missing_label) | pd.isna(truth)] = None
    return truth


def draw_seeds(random_state, n) -> tuple[int, list[int]]:
    """One seed for the shared part and one for each of n repeats."""
    seeds = check_random_state(random_state).randint(2**31 - 1, size=n + 1)
    return int(seeds[0]), [int(seed) for seed in seeds[1:]]


def check_test_labels(y_test, missing_label=None) -> np.ndarray:
    """Labels to test on as a flat array.

    Raises
    ------
    ValueError
        If one is unknown.
    """
    y_test = flat_labels(y_test, "y_test")
    unknown = is_missing(y_test, missing_label) | pd.isna(y_test)
    if unknown.any():
        raise ValueError(
            f"{unknown.sum()} labels in y_test are unknown: leave out those rows."
        )
    # labels as objects, once a marker is gone, have the type of the labels
    return np.asarray(y_test.tolist())


class Split(NamedTuple):
    """Rows to learn from and to test on, of one repeat."""

    repeat: int
    rows: np.ndarray
    held_out: np.ndarray | None  # None: X_test


def make_splits(X, truth, X_test, y_test, test_size, seeds) -> list[Split]:
    """All splits of an experiment: a test set, random splits, or folds.

    Where all labels are known and there is no test set, every repeat holds a part of
    the rows out. Where some are, the rows with a known label are held out in folds,
    all other rows are in every training part.

    Raises
    ------
    ValueError
        If only one of X_test and y_test is given, they differ in length, rows to test
        on are rows of X, or too few labels are known to test on.
    """
    if (X_test is None) != (y_test is None):
        raise ValueError("Give both X_test and y_test, or neither.")
    everything = np.arange(_num_samples(X))
    if X_test is not None:
        check_consistent_length(X_test=X_test, y_test=y_test)
        check_test_rows(X, X_test)
        return [Split(k, everything, None) for k in range(len(seeds))]
    if truth is None or all(value is None for value in truth):
        raise ValueError(
            "Without X_test and y_test, rows of X with a known label are held out to "
            "test on, but no label is known: give y, y_true, or a test set."
        )
    known = np.array([value is not None for value in truth], dtype=bool)
    codes = np.full(len(truth), -1)
    _, codes[known] = np.unique(truth[known].tolist(), return_inverse=True)
    if known.all():
        splits = []
        for k, seed in enumerate(seeds):
            splitter = StratifiedShuffleSplit(1, test_size=test_size, random_state=seed)
            splits.append(Split(k, *next(splitter.split(everything[:, None], codes))))
        return splits
    fewest = int(np.bincount(codes[known]).min())
    if fewest < 2:
        raise ValueError(
            f"Labelled rows are tested on in folds, but a class has {fewest} labelled "
            "row: label two or more of every class, or give a test set."
        )
    n_splits = min(max(2, round(1 / test_size)), fewest)
    splits = []
    for k, seed in enumerate(seeds):
        folds = KnownLabelSplit(
            n_splits, missing_label=-1, shuffle=True, random_state=seed
        )
        splits.extend(Split(k, *fold) for fold in folds.split(everything, codes))
    return splits


class Tested(NamedTuple):
    """All rows that some split tests on."""

    rows: np.ndarray | None  # positions in X; None: X_test
    labels: np.ndarray
    places: list[np.ndarray]  # of the rows of each split, among all of them


def tested_rows(splits, truth, y_test) -> Tested:
    """Rows that the splits of `make_splits` test on, each row once.

    Parameters
    ----------
    splits : list of Split
        The splits.
    truth : ndarray of shape (n_samples,) of object
        True labels of X; used where rows are held out.
    y_test : ndarray of shape (n_test,) or None
        Labels to test on; None: rows are held out.

    Returns
    -------
    tested : Tested
        Their labels, and the places of the rows of each split.
    """
    if y_test is not None:
        return Tested(None, y_test, [np.arange(len(y_test))] * len(splits))
    held_out = [split.held_out for split in splits]
    rows = np.unique(np.concatenate(held_out))
    places = [np.searchsorted(rows, part) for part in held_out]
    return Tested(rows, np.asarray(truth[rows].tolist()), places)


def run_repeats(one_repeat, shared, n_repeats, n_jobs) -> list:
    """Results of ``one_repeat(*shared, k)`` for every repeat k, in order.

    BLAS runs on one thread: many small models are fitted, which its threads would slow
    down, and the last digits would depend on their number.
    """
    return run_jobs(
        _run_repeat,
        [(k,) for k in range(n_repeats)],
        shared=(one_repeat, *shared),
        n_jobs=n_jobs,
    )


def _run_repeat(one_repeat, *args):
    with single_threaded_blas():
        return one_repeat(*args)
