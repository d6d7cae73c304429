"""Rows of dask arrays and dataframes: answers by chunk, and fits that gather few rows.

Nothing here imports dask unless a user's rows are dask's.
"""

import copy
import functools
import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["ChunkedRows", "by_chunk", "chunk_precision", "is_chunked", "is_dask"]


def is_dask(X) -> bool:
    """Whether X is a collection of dask, told by the module of its type."""
    return type(X).__module__.partition(".")[0] in ("dask", "dask_expr")


def chunk_precision(estimator, X) -> np.dtype:
    """Precision of results for rows of X: single for single and half precision."""
    kinds = X.dtypes if hasattr(X, "columns") else [X.dtype]
    single = all(kind in (np.float16, np.float32) for kind in kinds)
    return np.dtype(np.float32 if single else np.float64)


def by_chunk(dtype, columns=None):
    """Let a method of one argument, the rows, answer dask's rows lazily.

    Parameters
    ----------
    dtype : type or callable
        Of the result; a function is given the estimator and X.
    columns : callable, default=None
        Number of columns of the result, given the estimator; None there, or None
        itself: the result has one dimension.

    Returns
    -------
    decorator : callable
        The method then gives a dask array for a dask array or dataframe, of the same
        chunks of rows. The estimator is one value of the graph, not one per chunk, and
        goes there without the attributes that its `_per_row` names: a number for each
        row of ``fit`` is of no use for others.
    """

    def decorate(method):
        @functools.wraps(method)
        def answer(self, X):
            if not is_dask(X):
                return method(self, X)
            kind = dtype if isinstance(dtype, type) else dtype(self, X)
            width = None if columns is None else columns(self)
            light = copy.copy(self)
            for name in getattr(self, "_per_row", ()):
                vars(light).pop(name, None)
            return _lazy_answer(light, method.__name__, X, np.dtype(kind), width)

        return answer

    return decorate


def _lazy_answer(estimator, method, X, dtype, width) -> Any:
    import dask
    import dask.array as da

    expected = getattr(estimator, "n_features_in_", None)
    if not hasattr(X, "columns") and (
        X.ndim != 2 or expected not in (None, X.shape[1])
    ):
        raise ValueError(
            f"X has shape {X.shape}, but {type(estimator).__name__} is expecting 2 "
            f"dimensions and {expected} features as input."
        )
    if hasattr(X, "columns"):
        parts = [
            da.from_delayed(part, (np.nan, X.shape[1]), dtype=dtype)
            for part in X.to_delayed()
        ]
        X = da.concatenate(parts, allow_unknown_chunksizes=True)
    X = X.rechunk({1: -1})
    # blocks, which dask joins with those that read the chunk: no chunk waits in the
    # memory of a worker, and tasks are few
    lazy = da.map_blocks(
        _answer,
        X,
        estimator=dask.delayed(estimator, pure=False, traverse=False),
        method=method,
        kind=dtype,
        width=width,
        name=f"{method}-{uuid.uuid4().hex}",  # tells the scheduler how long it takes
        chunks=(X.chunks[0], (width or 1,)),
        dtype=dtype,
        meta=np.empty((0, 0), dtype=dtype),
    )
    if width is not None:
        return lazy
    return lazy.map_blocks(np.ravel, drop_axis=1, meta=np.empty(0, dtype=dtype))


def _answer(chunk, estimator, method, kind, width) -> np.ndarray:
    """What a method says of one chunk, in the form that was announced."""
    tail = () if width is None else (width,)
    if len(chunk) == 0:  # a partition that was filtered to nothing
        return np.empty((0, width or 1), dtype=kind)
    result = np.asarray(getattr(estimator, method)(chunk))
    if result.shape != (len(chunk), *tail):
        raise ValueError(
            f"{method} of {type(estimator).__name__} gives shape {result.shape} for a "
            f"chunk of {len(chunk)} rows, but {(len(chunk), *tail)} was expected: "
            "compute X first, and call it on the array."
        )
    return result.astype(kind, copy=False).reshape(len(chunk), -1)


class ChunkedRows:
    """Rows of a dask array that a fit reads chunk by chunk.

    It stands where an array of shape (n_samples, n_features) does, for code that takes
    columns, reads some rows, or applies a function to all. Anything else raises, so
    that no row is gathered by accident.

    Parameters
    ----------
    array : dask.array.Array of shape (n_samples, n_features)
        With known lengths of its chunks, each of all columns.
    header : DataFrame or None
        Names and types of the columns, without rows.
    view : slice or ndarray of int, default=slice(None)
        Columns of `array` that are read.
    rows : ndarray of int, default=None
        Ascending positions of the rows that are read; None: all.
    function : callable, default=None
        Applied to the rows that are read.
    width, dtype : default=None
        Of what it gives; None: those of the columns.
    """

    def __init__(
        self,
        array,
        header=None,
        view=slice(None),
        rows=None,
        function=None,
        width=None,
        dtype=None,
    ):
        self.array, self.header, self.function = array, header, function
        self.view, self.rows = view, rows
        if width is None:
            width = np.arange(array.shape[1])[view].size
        self.shape = array.shape[0] if rows is None else len(rows), width
        self.dtype = array.dtype if dtype is None else dtype
        self.ndim = 2

    @classmethod
    def of(cls, X) -> "ChunkedRows":
        """Rows of a dask array or of a dask dataframe of numbers."""
        header = None
        if hasattr(X, "columns"):
            types = dict(X.dtypes)
            others = [str(n) for n, t in types.items() if t.kind not in "biuf"]
            if others:
                raise ValueError(
                    f"The columns {others[:10]} of X hold no numbers, which a fit by "
                    "chunk needs. Encode or drop them, or compute X first."
                )
            header = pd.DataFrame({n: pd.Series(dtype=t) for n, t in types.items()})
            X = X.to_dask_array(lengths=True)
        if getattr(X, "ndim", 0) != 2:
            raise ValueError(f"X must have two dimensions, got shape {X.shape}.")
        if np.isnan(X.shape[0]):
            X = X.copy()
            X.compute_chunk_sizes()
        return cls(X.rechunk({1: -1}), header)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key) -> Any:
        if not isinstance(key, tuple):
            return self.at(key).gather()
        columns = np.arange(self.array.shape[1])[self.view][key[1]]
        if len(columns) and np.all(np.diff(columns) == 1):  # without a copy
            columns = slice(int(columns[0]), int(columns[-1]) + 1)
        return ChunkedRows(self.array, None, columns, self.rows)

    def __array__(self, *args, **kwargs):
        raise TypeError(
            f"This step would gather {self.shape[0]} x {self.shape[1]} values of a "
            "dask array in this process. OverlapDetector and ConfidenceScorer fit by "
            "chunk; for others, choose rows first, or compute X."
        )

    def at(self, rows) -> "ChunkedRows":
        """Some of the rows, ascending, which stay where they lie."""
        rows = np.asarray(rows)
        if self.rows is not None:
            rows = self.rows[rows]
        made = self.function, self.shape[1], self.dtype
        return ChunkedRows(self.array, None, self.view, rows, *made)

    def gather(self) -> np.ndarray:
        """All rows, in memory: for few columns."""
        rows = self._compute("gather", None, ())
        return rows if self.function is None else self.function(rows)

    def map(self, function) -> "ChunkedRows":
        """Rows as a function gives them, which is called where they are read."""
        first = function(self[np.arange(1)])
        made = function, first.shape[1], first.dtype
        return ChunkedRows(self.array, None, self.view, self.rows, *made)

    def apply(self, function, *args) -> np.ndarray:
        """Values of ``function(rows, *args)``, a few for each row, of all rows."""
        functions = [each for each in (self.function, function) if each is not None]
        name = getattr(getattr(function, "func", function), "__name__", "apply")
        return self._compute(name, functions, args)

    def _compute(self, name, functions, args) -> np.ndarray:
        """Values of the rows, from those chunks alone that hold some of them."""
        import dask
        import dask.array as da

        ends = np.cumsum([0, *self.array.chunks[0]], dtype=np.intp)
        rows, holding = None, np.arange(len(ends) - 1)
        if self.rows is not None:
            rows = _compact(self.rows, ends[-1])
            inside = np.diff(np.searchsorted(self.rows, ends))
            holding = holding[inside > 0] if inside.any() else holding[:1]
        # no tuple: dask before 2025 takes one in a graph for a task
        shared = _Asked(self.view, ends, rows, functions, args)
        lazy = da.map_blocks(
            _call,
            self.array,
            shared=dask.delayed(shared, pure=False, traverse=False),
            name=f"{name}-{uuid.uuid4().hex}",
            dtype=self.dtype,
            meta=np.empty((0, 0), dtype=self.dtype),
        )
        # chunks that are not asked for are not read
        return np.concatenate(dask.compute(*lazy.to_delayed()[holding, 0]))


def _compact(rows, length) -> np.ndarray:
    """Ascending positions, or a bit for each row if that takes fewer bytes."""
    if 64 * len(rows) < length:
        return rows
    held = np.zeros(length, dtype=bool)
    held[rows] = True
    return np.packbits(held)


def _inside(rows, start, stop) -> np.ndarray:
    """Positions in a chunk from what `_compact` gives."""
    if rows.dtype == np.uint8:
        bits = np.unpackbits(rows[start // 8 : -(-stop // 8)])
        return np.flatnonzero(bits[start % 8 :][: stop - start])
    first, last = np.searchsorted(rows, (start, stop))
    return rows[first:last] - start


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is asked of every chunk."""

    columns: Any
    ends: np.ndarray
    rows: np.ndarray | None
    functions: list | None
    args: tuple


def _call(chunk, shared, block_id) -> np.ndarray:
    values, functions = chunk[:, shared.columns], shared.functions
    if shared.rows is not None:
        ends = shared.ends[block_id[0] : block_id[0] + 2].tolist()
        inside = _inside(shared.rows, *ends)
        if len(inside) < len(values):
            values = values[inside]
    if functions is None:  # no view, which would keep the chunk in memory
        return np.array(values)
    for before in functions[:-1]:
        values = before(values)
    return functions[-1](values, *shared.args)


def is_chunked(X) -> bool:
    """Whether X are rows that a fit reads chunk by chunk."""
    return isinstance(X, ChunkedRows)
