"""Read memory maps, and rows of several files, block by block."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from overlapkit._utils.pages import map_of, release_rows
from overlapkit._utils.row_matrix import RowMatrix
from overlapkit._utils.sklearn_compat import _safe_indexing

__all__ = [
    "in_memory",
    "is_mapped",
    "read_narrow",
    "read_rows",
    "release_rows",
    "row_blocks",
    "take_rows",
]

_BLOCK_BYTES = 8 << 20
# A narrow view of a map is copied if it is at most this large.
_NARROW_BYTES = 64 << 20


def is_mapped(array) -> bool:
    """Whether an array is to be read in blocks, as its values are in files."""
    return isinstance(array, RowMatrix) or map_of(array) is not None


def in_memory(rows) -> Any:
    """Rows for estimators, few of which take half precision or read blocks.

    Rows of several files become an array, half precision becomes single; whatever else
    stays as it is.
    """
    if isinstance(rows, RowMatrix):
        rows = np.asarray(rows)
    if getattr(rows, "dtype", None) != np.float16:
        return rows
    out = np.empty(rows.shape, dtype=np.float32)
    for start, stop in row_blocks(rows):
        out[start:stop] = rows[start:stop]
    return out


def row_blocks(array, first=0, last=None) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of blocks of rows, giving back each after its use."""
    last = array.shape[0] if last is None else last
    if isinstance(array, RowMatrix):
        row_bytes = array.shape[1] * array.dtype.itemsize
    else:
        row_bytes = abs(array.strides[0])
    step = max(1, _BLOCK_BYTES // max(1, row_bytes))
    for start in range(first, last, step):
        stop = min(last, start + step)
        yield start, stop
        release_rows(array, start, stop)


def read_rows(array, rows) -> np.ndarray:
    """``array[rows]`` for ascending row numbers, leaving no page of a map resident."""
    if isinstance(array, RowMatrix):
        return np.asarray(array[rows])
    if not is_mapped(array) or len(rows) == 0:
        return array[rows]
    out = np.empty((len(rows), array.shape[1]), dtype=array.dtype)
    for start, stop in row_blocks(array, rows[0], rows[-1] + 1):
        first, last = np.searchsorted(rows, (start, stop))
        out[first:last] = array[rows[first:last]]
    return out


def take_rows(array, positions) -> Any:
    """Rows at any positions, in memory, leaving no page of a map resident."""
    if isinstance(array, RowMatrix):
        return np.asarray(array[positions])
    if not is_mapped(array):
        return _safe_indexing(array, positions)
    positions = np.asarray(positions)
    order = np.argsort(positions, kind="stable")
    taken = np.empty((len(positions), *array.shape[1:]), array.dtype)
    taken[order] = read_rows(array, positions[order])
    return taken


def read_narrow(view) -> np.ndarray:
    """Copy of a view of a map with few of its columns; any other array as it is.

    Whoever reads a column of a map reads the file, so it is better done once.
    """
    if isinstance(view, RowMatrix):
        return np.asarray(view)
    if (
        not is_mapped(view)
        or view.nbytes > _NARROW_BYTES
        or 2 * view.shape[1] * view.itemsize > view.strides[0]
    ):
        return view
    out = np.empty(view.shape, dtype=view.dtype)
    for start, stop in row_blocks(view):
        out[start:stop] = view[start:stop]
    return out
