"""Rows of dask arrays and dataframes: answers by chunk, and fits that gather few rows.

Nothing here imports dask unless a user's rows are dask's.
"""

import functools
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
        chunks of rows. The estimator is one value of the graph, not one per chunk.
    """

    def decorate(method):
        @functools.wraps(method)
        def answer(self, X):
            if not is_dask(X):
                return method(self, X)
            kind = dtype if isinstance(dtype, type) else dtype(self, X)
            width = None if columns is None else columns(self)
            return _lazy_answer(self, method.__name__, X, np.dtype(kind), width)

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
    answer = functools.partial(_answer, method=method, dtype=dtype, width=width)
    model = dask.delayed(estimator, pure=False, traverse=False)
    if not hasattr(X, "columns"):
        X = X.rechunk({1: -1})
    parts = X.to_delayed().ravel() if hasattr(X, "chunks") else X.to_delayed()
    lengths = X.chunks[0] if hasattr(X, "chunks") else [np.nan] * len(parts)
    tail = () if width is None else (width,)
    lazy = dask.delayed(answer, pure=False, traverse=False)
    return da.concatenate(
        [
            da.from_delayed(lazy(model, part), (length, *tail), dtype=dtype)
            for part, length in zip(parts, lengths)
        ],
        allow_unknown_chunksizes=True,
    )


def _answer(estimator, rows, method, dtype, width) -> np.ndarray:
    """What a method says of one chunk, in the form that was announced."""
    tail = () if width is None else (width,)
    if len(rows) == 0:  # a partition that was filtered to nothing
        return np.empty((0, *tail), dtype=dtype)
    result = np.asarray(getattr(estimator, method)(rows))
    if result.shape != (len(rows), *tail):
        raise ValueError(
            f"{method} of {type(estimator).__name__} gives shape {result.shape} for a "
            f"chunk of {len(rows)} rows, but {(len(rows), *tail)} was expected: "
            "compute X first, and call it on the array."
        )
    return result.astype(dtype, copy=False)


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
    function : callable, default=None
        Applied to the rows that are read.
    shape, dtype : default=None
        Of what it gives; None: those of `array`.
    """

    def __init__(self, array, header=None, function=None, shape=None, dtype=None):
        self.array, self.header, self.function = array, header, function
        self.shape = array.shape if shape is None else shape
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
        if isinstance(key, tuple):  # columns of all rows
            return ChunkedRows(self.array[key])
        return self.at(key).gather()

    def __array__(self, *args, **kwargs):
        raise TypeError(
            f"This step would gather {self.shape[0]} x {self.shape[1]} values of a "
            "dask array in this process. OverlapDetector and ConfidenceScorer fit by "
            "chunk; for others, choose rows first, or compute X."
        )

    def at(self, rows) -> "ChunkedRows":
        """Some of the rows, ascending, which stay where they lie."""
        array = self.array[np.asarray(rows)]
        shape = len(rows), self.shape[1]
        return ChunkedRows(array, None, self.function, shape, self.dtype)

    def gather(self) -> np.ndarray:
        """All rows, in memory: for few columns."""
        rows = self.array.compute()
        return rows if self.function is None else self.function(rows)

    def map(self, function) -> "ChunkedRows":
        """Rows as a function gives them, which is called where they are read."""
        first = function(self[np.arange(1)])
        shape = len(self), first.shape[1]
        return ChunkedRows(self.array, None, function, shape, first.dtype)

    def apply(self, function, *args) -> np.ndarray:
        """Values of ``function(rows, *args)``, a few for each row, of all rows."""
        import dask

        call = functools.partial(_call, self.function)
        # one value of the graph each: a function may hold many reference rows
        call = dask.delayed(call, pure=False, traverse=False)
        function = dask.delayed(function, pure=False, traverse=False)
        parts = [call(function, part, args) for part in self.array.to_delayed().ravel()]
        return np.concatenate(dask.compute(*parts))


def _call(first, function, rows, args) -> np.ndarray:
    if first is not None:
        rows = first(rows)
    return function(rows, *args)


def is_chunked(X) -> bool:
    """Whether X are rows that a fit reads chunk by chunk."""
    return isinstance(X, ChunkedRows)
