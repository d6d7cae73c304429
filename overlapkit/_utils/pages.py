"""Give back the pages of read-only memory maps."""

import mmap

import numpy as np

__all__ = ["map_of", "release_rows"]


def map_of(array) -> np.memmap | None:
    """The map that an array is a view of; None for other arrays."""
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return array if isinstance(array, np.memmap) else None


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
    owner = map_of(array)
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
