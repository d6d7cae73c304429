"""Matrices that stay in their files, and how they are read block by block."""

import mmap
import os
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np

from overlapkit._utils.sklearn_compat import _safe_indexing

__all__ = [
    "RowMatrix",
    "in_memory",
    "is_bfloat16",
    "is_mapped",
    "join_columns",
    "join_rows",
    "map_of",
    "place_in_file",
    "read_narrow",
    "read_rows",
    "release_rows",
    "row_blocks",
    "take_rows",
]

_BLOCK_BYTES = 8 << 20
_WINDOW_BYTES = 32 << 20  # of a file, in which scattered rows are read
# A narrow view of a map is copied if it is at most this large.
_NARROW_BYTES = 64 << 20


def map_of(array) -> np.memmap | None:
    """The map that an array is a view of; None for other arrays."""
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return array if isinstance(array, np.memmap) else None


def place_in_file(array):
    """Where the values of a map that is only read lie.

    Parameters
    ----------
    array : ndarray
        Any array.

    Returns
    -------
    place : tuple or None
        Path, offset in the file, shape, strides and dtype. None for arrays in memory,
        and where the file may hold other values than the map.
    """
    owner = map_of(array)
    if (
        owner is None
        or owner.mode != "r"
        or owner.filename is None
        or array.size == 0
        or min(array.strides, default=0) < 0
    ):
        return None
    start = owner.offset - owner.offset % mmap.ALLOCATIONGRANULARITY
    offset = start + array.ctypes.data - _first_address(_pages_of(owner))
    return os.fspath(owner.filename), offset, array.shape, array.strides, array.dtype


def _pages_of(owner) -> Any:
    """The pages that a map shows, and all views of it."""
    while isinstance(owner, np.ndarray):
        owner = owner.base
    return owner


def _first_address(pages):
    return np.frombuffer(pages, dtype=np.uint8, count=1).ctypes.data


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
    pages = _pages_of(owner)
    offset = array.ctypes.data - _first_address(pages)
    # Whole pages only: the rest belongs to neighbours that may not have been read.
    first = -(-(offset + start * array.strides[0]) // mmap.PAGESIZE)
    last = min(offset + stop * array.strides[0], len(pages)) // mmap.PAGESIZE
    if last > first:
        pages.madvise(
            mmap.MADV_DONTNEED, first * mmap.PAGESIZE, (last - first) * mmap.PAGESIZE
        )


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


def is_bfloat16(dtype) -> bool:
    """Whether a dtype is the bfloat16 of ml_dtypes, which is not imported here."""
    return np.dtype(dtype).name == "bfloat16"


class _Stored:
    """Arrays of one width, one below another, given out in a native dtype."""

    def __init__(self, chunks, bfloat16) -> None:
        if is_bfloat16(chunks[0].dtype):
            chunks, bfloat16 = [chunk.view(np.uint16) for chunk in chunks], True
        self.chunks, self.bfloat16 = list(chunks), bfloat16
        self.ends = np.cumsum([chunk.shape[0] for chunk in chunks])
        stored = np.result_type(*(chunk.dtype for chunk in chunks)).newbyteorder("=")
        self.dtype = np.dtype(np.float32) if bfloat16 else stored
        self.shape = int(self.ends[-1]), chunks[0].shape[1]

    def plain(self):
        """The array itself, if it can be given out as it is; else None."""
        one = len(self.chunks) == 1 and not self.bfloat16
        return self.chunks[0] if one and self.chunks[0].dtype.isnative else None

    def fill(self, out, rows, columns) -> None:
        """Write values of rows, a range or an array of positions, to `out`."""
        start = 0
        for chunk, end in zip(self.chunks, self.ends):
            if isinstance(rows, range) and rows.step == 1:
                first, last = max(rows.start, start), min(rows.stop, end)
                if first < last:
                    block = chunk[first - start : last - start]
                    where: Any = slice(first - rows.start, last - rows.start)
                    self._write(out, where, block[:, columns])
                    release_rows(chunk, first - start, last - start)
            else:
                rows = np.asarray(rows)
                where = np.flatnonzero((rows >= start) & (rows < end))
                if len(where):
                    self._gather(out, where, rows[where] - start, chunk, columns)
            start = end

    def _gather(self, out, where, inside, chunk, columns) -> None:
        """Write scattered rows, window after window of a map.

        A single row brings the pages around it into memory, so that a few of them can
        make a whole file resident.
        """
        if map_of(chunk) is None:
            self._write(out, where, chunk[inside][:, columns])
            return
        order = np.argsort(inside, kind="stable")
        inside, where = inside[order], where[order]
        step = max(1, _WINDOW_BYTES // max(1, abs(chunk.strides[0])))
        for first in range(0, len(chunk), step):
            low, high = np.searchsorted(inside, (first, first + step))
            if low < high:
                block = chunk[inside[low:high]][:, columns]
                self._write(out, where[low:high], block)
                release_rows(chunk, first, min(len(chunk), first + step))

    def _write(self, out, where, values):
        if self.bfloat16:  # the upper half of the bits of a float32
            bits = np.asarray(values).astype(np.uint32)
            out[where] = (bits << 16).view(np.float32)
        else:
            out[where] = values


class RowMatrix:
    """A matrix whose values are read from several arrays when they are needed.

    Slices, and selections of rows and columns, are such matrices again and copy
    nothing; a selection that is a plain slice of one of the arrays is that slice.
    ``numpy.asarray`` reads the values.

    Parameters
    ----------
    parts : sequence of (stored, columns)
        Arrays side by side, and the columns of each, a slice or positions.
    rows : range or ndarray of int
        Row numbers, the same in all parts.
    """

    ndim = 2

    def __init__(self, parts, rows) -> None:
        self._parts, self._rows = list(parts), rows
        widths = [_width(stored, columns) for stored, columns in self._parts]
        self._ends = np.cumsum(widths)
        self.shape = len(rows), int(self._ends[-1])
        self.dtype = np.result_type(*(stored.dtype for stored, _ in self._parts))

    @classmethod
    def of(cls, array) -> "RowMatrix":
        """All of an array, whose selections then copy nothing."""
        stored = _Stored([array], False)
        return cls([(stored, slice(0, stored.shape[1]))], range(stored.shape[0]))

    @property
    def size(self) -> int:
        """Number of values."""
        return self.shape[0] * self.shape[1]

    @property
    def nbytes(self) -> int:
        """Bytes that all values take in memory."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return (
            f"<{self.shape[0]} x {self.shape[1]} rows of {self.dtype}, read in blocks>"
        )

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("These rows are in files: reading them makes a copy.")
        out = np.empty(self.shape, self.dtype if dtype is None else dtype)
        step = max(1, _BLOCK_BYTES // max(1, self.shape[1] * self.dtype.itemsize))
        for start in range(0, len(self), step):
            rows, begin = self._rows[start : start + step], 0
            block = out[start : start + step]
            for (stored, columns), end in zip(self._parts, self._ends):
                stored.fill(block[:, begin:end], rows, columns)
                begin = end
        return out

    def astype(self, dtype, copy=True) -> np.ndarray:
        """Values as an array of a dtype.

        Parameters
        ----------
        dtype : dtype
            Of the result.
        copy : bool, default=True
            Of no effect: reading makes a copy.

        Returns
        -------
        values : ndarray of shape (n_rows, n_columns)
        """
        return self.__array__(dtype)

    def __getitem__(self, key):
        rows, columns = _both(key)
        if _is_number(rows):
            row = np.asarray(self.take(np.array([_index(rows, self.shape[0])])))[0]
            return row if columns is None else row[columns]
        taken = self if rows is None else self.take(rows)
        if columns is None:
            return taken.plain()
        if _is_number(columns):
            columns = [_index(columns, self.shape[1])]
            return np.asarray(taken.select(np.array(columns)))[:, 0]
        return taken.select(columns).plain()

    def take(self, rows) -> "RowMatrix":
        """Rows by a slice, positions or a mask."""
        if not isinstance(rows, slice):
            rows = _positions(rows, self.shape[0])
            if isinstance(self._rows, range):
                rows = self._rows.start + self._rows.step * rows
                return RowMatrix(self._parts, rows)
        return RowMatrix(self._parts, self._rows[rows])

    def select(self, columns) -> "RowMatrix":
        """Columns, as those of the parts they lie in."""
        if isinstance(columns, slice):
            positions = np.arange(self.shape[1])[columns]
        else:
            positions = _positions(columns, self.shape[1])
        owner = np.searchsorted(self._ends, positions, side="right")
        cuts = np.flatnonzero(np.diff(owner)) + 1
        parts = []
        for run in np.split(np.arange(len(positions)), cuts):
            if len(run) == 0:
                raise IndexError("no column is selected")
            stored, own = self._parts[owner[run[0]]]
            first = self._ends[owner[run[0]]] - _width(stored, own)
            inside = positions[run] - first
            inside = np.arange(stored.shape[1])[own][inside]
            parts.append((stored, _as_slice(inside)))
        return RowMatrix(parts, self._rows)

    def plain(self):
        """The slice of one array that this is, if it is one; else this."""
        (stored, columns), *others = self._parts
        array = None if others else stored.plain()
        if array is None or not isinstance(columns, slice):
            return self
        if not isinstance(self._rows, range):
            return self
        return array[_as_slice(self._rows), columns]


def join_rows(matrices, *, bfloat16: bool = False) -> Any:
    """Matrices of one width, one below another.

    Parameters
    ----------
    matrices : sequence of ndarray or RowMatrix of shape (n_rows, n_columns)
        At least one.
    bfloat16 : bool, default=False
        Whether integers of 16 bits are bfloat16.

    Returns
    -------
    matrix : ndarray or RowMatrix
        A single array that needs no conversion as it is.
    """
    stored = _Stored(matrices, bfloat16)
    whole = slice(0, stored.shape[1])
    return RowMatrix([(stored, whole)], range(stored.shape[0]))[:]


def join_columns(matrices) -> RowMatrix:
    """Matrices of the same rows side by side."""
    stored = [_Stored([matrix], False) for matrix in matrices]
    parts = [(one, slice(0, one.shape[1])) for one in stored]
    return RowMatrix(parts, range(stored[0].shape[0]))


def _width(stored, columns) -> int:
    if isinstance(columns, slice):
        return len(range(stored.shape[1])[columns])
    return len(columns)


def _both(key) -> tuple:
    """Rows and columns of a key; None for all of them."""
    key = key if isinstance(key, tuple) else (key,)
    if sum(part is Ellipsis for part in key) > 1 or any(part is None for part in key):
        raise IndexError("rows in files are selected by rows, or by rows and columns")
    if len(key) > 1 and any(part is Ellipsis for part in key):
        at = next(i for i, part in enumerate(key) if part is Ellipsis)
        fill = (slice(None),) * (3 - len(key))
        key = key[:at] + fill + key[at + 1 :]
    if len(key) > 2:
        raise IndexError(f"too many indices: rows in files have 2 axes, not {len(key)}")
    rows, columns = key if len(key) == 2 else (key[0], None)
    every = (Ellipsis, slice(None))
    rows = None if isinstance(rows, type(Ellipsis) | slice) and rows in every else rows
    if isinstance(columns, type(Ellipsis) | slice) and columns in every:
        columns = None
    return rows, columns


def _is_number(key) -> bool:
    return isinstance(key, Integral) and not isinstance(key, bool | np.bool_)


def _index(key, length) -> int:
    if not -length <= key < length:
        raise IndexError(f"index {key} is out of bounds for an axis of {length}")
    return int(key) % length


def _positions(key, length) -> np.ndarray:
    """Non-negative positions from positions or a mask."""
    key = np.asarray(key)
    if key.size == 0 and key.dtype.kind != "b":
        return np.empty(0, dtype=np.intp)
    if key.ndim != 1 or key.dtype.kind not in "biu":
        raise IndexError(
            "rows in files are selected by a slice, a row of positions or a mask; got "
            f"an array of shape {key.shape} and dtype {key.dtype}"
        )
    if key.dtype.kind == "b":
        if len(key) != length:
            raise IndexError(f"a mask of {len(key)} for an axis of {length}")
        return np.flatnonzero(key)
    key = key.astype(np.intp)
    if key.min() < -length or key.max() >= length:
        bad = key[(key < -length) | (key >= length)][0]
        raise IndexError(f"index {bad} is out of bounds for an axis of {length}")
    return np.where(key < 0, key + length, key)


def _as_slice(positions):
    """A slice for ascending neighbours, which copies nothing; else the positions."""
    if isinstance(positions, range):
        stop = positions.stop if positions.step > 0 or positions.stop >= 0 else None
        return slice(positions.start, stop, positions.step)
    if np.all(np.diff(positions) == 1):
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions
