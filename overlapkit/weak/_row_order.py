"""An order of rows by what they hold: folds drawn from it do not depend on theirs."""

import numpy as np
import pandas as pd

from overlapkit._kernels.ties import hash_rows
from overlapkit._utils.frames import is_dataframe, row_content

__all__ = ["content_order"]


def content_order(view, y, others=None) -> np.ndarray:
    """Positions of rows in an order that depends on what the rows hold alone.

    Rows are ordered by a fixed projection of their content, each column taken in units
    of its largest value: float32 and float64 versions of the same rows come in nearly
    the same order, which a hash alone would not give. Equal places are told apart by
    class, by a hash and by `others`; rows that are equal in everything keep their
    order.

    Parameters
    ----------
    view : array or dataframe of shape (n_samples, n_columns)
        The rows; missing values count as 0.
    y : ndarray of shape (n_samples,)
        Their labels.
    others : callable, default=None
        Positions of rows -> list of arrays or dataframes with what else these rows
        hold, such as their votes. Only asked for rows that are equal so far.

    Returns
    -------
    order : ndarray of shape (n_samples,) of intp
    """
    numbers = _numbers(view)
    content = numbers
    if content.dtype.kind == "f" and not np.isfinite(content).all():
        content = np.nan_to_num(content, posinf=1, neginf=-1)
    dtype = np.result_type(content, np.float32)
    ends = [
        end.astype(np.float64) for end in (content.min(axis=0), content.max(axis=0))
    ]
    largest = np.abs(ends).max(axis=0)
    largest[largest < 16 * np.finfo(dtype).tiny] = np.inf
    weights = np.random.RandomState(0).normal(size=content.shape[1]) / largest
    # rounded, since the last digits of a product may depend on the block of rows
    places = np.round(content @ weights.astype(dtype), 6)
    codes = np.unique(y, return_inverse=True)[1]
    keys = [hash_rows(numbers, 0), codes, places]
    order = np.lexsort(keys)
    as_next = np.all([key[order][1:] == key[order][:-1] for key in keys], axis=0)
    if others is None or not as_next.any():
        return order
    alike = np.sort(order[np.append(as_next, False) | np.append(False, as_next)])
    for other in others(alike):
        hashes = np.zeros(len(codes), dtype=np.uint64)
        hashes[alike] = hash_rows(_numbers(other), 0)
        keys.insert(0, hashes)
    return np.lexsort(keys)


def _numbers(view) -> np.ndarray:
    content = row_content(view) if is_dataframe(view) else np.asarray(view)
    content = content.reshape(len(content), -1)
    if content.dtype.kind not in "biuf":  # of text, in an array of objects
        content = row_content(pd.DataFrame(content))
    if content.dtype.kind == "b":
        return content.astype(np.float32)
    return content
