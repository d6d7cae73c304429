"""Whether rows to test on are rows to learn from, by their content."""

import numpy as np
import pandas as pd

from overlapkit._kernels.ties import hash_rows
from overlapkit._utils.frames import is_dataframe
from overlapkit._utils.sklearn_compat import _num_samples
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import SharedRowsWarning

__all__ = ["check_test_rows", "hash_content"]

# share of the rows to test on that is taken with a warning: right answers on these
# alone raise an accuracy by less than a tenth of its distance to 1
_FEW = 0.1
# So many rows at a time are copied as float64.
_BLOCK = 4096


def hash_content(X) -> np.ndarray:
    """A number for each row, equal for equal content, whatever the numeric dtype.

    Floats are compared in single precision, to which one of two tables that hold the
    same rows may have been rounded.
    """
    if is_dataframe(X):
        return _hash_frame(X)
    if hasattr(X, "tocsr"):
        X = X.tocsr()
    else:
        X = np.asarray(X)
    parts = []
    for start in range(0, X.shape[0], _BLOCK):
        block = X[start : start + _BLOCK]
        block = block.toarray() if hasattr(block, "toarray") else block
        block = block.reshape(len(block), -1)
        numeric = block.dtype.kind in "biuf"
        parts.append(hash_rows(_single(block), 0) if numeric else _hash_objects(block))
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint64)


def check_test_rows(X, X_test) -> None:
    """Refuse a test set that holds rows of X, beyond what chance duplicates are.

    Rows of few distinct values, such as answers to yes-or-no questions, repeat within
    X, and new ones repeat those of X as often. So the share of rows to test on that
    occur in X is compared with the share of rows of X that occur in X elsewhere. A
    test set with a few rows more than that is taken, with a warning: collections of
    texts often hold a few twice.

    Parameters
    ----------
    X, X_test : array-like or dataframe
        Rows to learn from and to test on.

    Raises
    ------
    ValueError
        If over a tenth of the rows to test on are rows of X beyond what duplicates
        within X explain.

    Warns
    -----
    SharedRowsWarning
        If it is fewer.
    """
    if _num_samples(X) == 0 or _num_samples(X_test) == 0:
        return
    known, counts = np.unique(hash_content(X), return_counts=True)
    hashes = hash_content(X_test)
    n_test, n_rows = len(hashes), counts.sum()
    shared = int(np.isin(hashes, known).sum())
    repeated = counts[counts > 1].sum() / n_rows
    # half a row more, so that a rate of 0 by few rows is not taken for certain
    rate = (repeated * n_rows + 0.5) / (n_rows + 1)
    error = np.sqrt(rate * (1 - rate) * (1 / n_test + 1 / n_rows))
    if shared > 1 and shared / n_test > rate + 4 * error:
        message = (
            f"{shared} of the {n_test} rows in X_test are also rows of X "
            f"({repeated:.1%} of the rows of X occur more than once). The accuracy on "
            "rows that a model was trained on is no estimate for new rows: leave them "
            "out of X or of X_test."
        )
        if shared / n_test > rate + _FEW:
            raise ValueError(message)
        warn(message, SharedRowsWarning)


def _hash_frame(X) -> np.ndarray:
    names = list(X.columns)
    columns = [np.asarray(X[name]) for name in names]
    numeric = [_single(column) for column in columns if column.dtype.kind in "biuf"]
    others = [column for column in columns if column.dtype.kind not in "biuf"]
    hashes = np.zeros(_num_samples(X), dtype=np.uint64)
    if numeric:
        hashes = hash_rows(np.column_stack(numeric), 0)
    if others:
        text = np.column_stack([column.astype(object) for column in others])
        hashes = hash_rows(np.column_stack([hashes, _hash_objects(text)]), 0)
    return hashes


def _single(values) -> np.ndarray:
    with np.errstate(over="ignore"):
        return values.astype(np.float32) if values.dtype.kind == "f" else values


def _hash_objects(block) -> np.ndarray:
    text = block.astype(str).astype(object)
    columns = [pd.util.hash_array(text[:, j]) for j in range(text.shape[1])]
    return hash_rows(np.column_stack(columns), 0)
