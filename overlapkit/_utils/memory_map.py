"""Read memory maps block by block, and give back the pages of read-only ones."""

import mmap
from collections.abc import Iterator

import numpy as np

__all__ = ["is_mapped", "read_narrow", "read_rows", "release_rows", "row_blocks"]

_BLOCK_BYTES = 8 << 20
# A narrow view of a map is copied if it is at most this large.
_NARROW_BYTES = 64 << 20


def _owner(array) -> np.memmap | None:
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return array if isinstance(array, np.memmap) else None


def is_mapped(array) -> bool:
    """Whether the values of an array are those of a file map."""
    return _owner(array) is not None


def row_blocks(array, first=0, last=None) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of blocks of rows, giving back each after its use."""
    last = array.shape[0] if last is None else last
    step = max(1, _BLOCK_BYTES // max(1, abs(array.strides[0])))
    for start in range(first, last, step):
        stop = min(last, start + step)
        yield start, stop
        release_rows(array, start, stop)


def read_rows(array, rows) -> np.ndarray:
    """``array[rows]`` for ascending row numbers, leaving no page of a map resident."""
    if not is_mapped(array) or len(rows) == 0:
        return array[rows]
    out = np.empty((len(rows), array.shape[1]), dtype=array.dtype)
    for start, stop in row_blocks(array, rows[0], rows[-1] + 1):
        first, last = np.searchsorted(rows, (start, stop))
        out[first:last] = array[rows[first:last]]
    return out


def read_narrow(view) -> np.ndarray:
    """Copy of a view of a map with few of its columns; any other array as it is.

    Whoever reads a column of a map reads the file, so it is better done once.
    """
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


def release_rows(array, start, stop):
    """Drop rows of a read-only file map from resident memory.

    Without it, a map that is read once ends up resident as a whole as long as the
    system sees no shortage. The pages stay in the cache of the file system, so a
    second reader gets them back without reading the file. Does nothing for arrays
    whose rows do not follow each other in a map opened with mode "r", or where the
    platform has no such advice.

    Parameters
    ----------
    array : ndarray of shape (n_rows, n_columns)
        Any array.
    start, stop : int
        Range of rows.
    """
    owner = _owner(array)
    if (
        owner is None
        or owner.mode != "r"  # private changes of other modes would be lost
        or array.ndim != 2
        or array.strides[1] < 0
        or array.strides[0] < array.shape[1] * array.strides[1]
        or not hasattr(mmap, "MADV_DONTNEED")
    ):
        return
    pages = owner._mmap
    begin = np.frombuffer(pages, dtype=np.uint8, count=1).ctypes.data
    offset = array.ctypes.data - begin
    # Whole pages only: the rest belongs to neighbours that may not have been read.
    first = -(-(offset + start * array.strides[0]) // mmap.PAGESIZE)
    last = min(offset + stop * array.strides[0], len(pages)) // mmap.PAGESIZE
    if last > first:
        pages.madvise(
            mmap.MADV_DONTNEED, first * mmap.PAGESIZE, (last - first) * mmap.PAGESIZE
        )
