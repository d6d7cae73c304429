"""What the columns of a dataframe hold: numbers, text, categories, gaps."""

from numbers import Real

import numpy as np
import pandas as pd

__all__ = [
    "columns_without_numbers",
    "is_dataframe",
    "needs_encoding",
    "numeric_content",
    "row_content",
    "sparse_columns",
    "with_plain_numbers",
]


def is_dataframe(X) -> bool:
    """Whether X carries named columns of its own types (pandas, polars)."""
    return hasattr(X, "columns")


def sparse_columns(frame) -> list[str]:
    """Names of the columns of a dataframe that pandas stores sparsely."""
    return [
        str(name)
        for name, dtype in zip(frame.columns, frame.dtypes)
        if isinstance(dtype, pd.SparseDtype)
    ]


def columns_without_numbers(frame) -> list[str]:
    """Names of the columns of a dataframe that cannot be read as numbers."""
    return [
        str(name)
        for name, column in zip(frame.columns, _columns_of(frame))
        if np.asarray(column).dtype.kind not in "biuf" and not _holds_numbers(column)
    ]


def needs_encoding(strong) -> bool:
    """Whether a dataframe holds text, categories or missing values."""
    if not is_dataframe(strong):
        return False
    if columns_without_numbers(strong):
        return True
    return any(pd.isna(np.asarray(strong[name])).any() for name in strong.columns)


def with_plain_numbers(X):
    """Numbers of pandas' own types, and those in columns of objects, as NumPy's.

    Models take the former for text or refuse them; a missing one becomes NaN.
    """
    if not isinstance(X, pd.DataFrame):
        return X
    plain = {}
    for j, dtype in enumerate(X.dtypes):
        column = X.iloc[:, j]
        if isinstance(dtype, np.dtype) and dtype.kind != "O":
            continue
        if isinstance(dtype, pd.CategoricalDtype):
            continue
        if isinstance(dtype, np.dtype):
            if _are_numbers(column):
                plain[j] = pd.to_numeric(column).astype(np.float64)
        elif pd.api.types.is_numeric_dtype(dtype):
            kind = np.float32 if "32" in str(dtype).lower() else np.float64
            plain[j] = column.to_numpy(dtype=kind, na_value=np.nan)
    if not plain:
        return X
    columns = [plain.get(j, X.iloc[:, j]) for j in range(X.shape[1])]
    frame = pd.concat([pd.Series(c, index=X.index) for c in columns], axis=1)
    frame.columns = X.columns
    return frame


def numeric_content(strong) -> np.ndarray | None:
    """Columns that hold numbers; None if a dataframe has none."""
    if not is_dataframe(strong):
        return strong
    columns = [np.asarray(c) for c in _columns_of(strong)]
    numbers = [c for c in columns if c.ndim == 1 and c.dtype.kind in "biuf"]
    return np.column_stack(numbers) if numbers else None


def row_content(strong) -> np.ndarray:
    """Numbers that tell rows apart: those of the columns, or hashes of other values.

    Rows of text, too, must be told apart: else all that tie would be of one class.
    """
    if not is_dataframe(strong):
        return strong
    return np.column_stack([_numbers_of(c) for c in _columns_of(strong)])


def _are_numbers(column) -> bool:
    """Whether a column of objects holds real numbers and missing values only."""
    values = column[~pd.isna(column)]
    return len(values) > 0 and all(isinstance(v, Real) for v in values)


def _numbers_of(column) -> np.ndarray:
    values = np.asarray(column)
    if values.dtype.kind in "biuf":
        return values
    if _holds_numbers(column):
        return np.asarray(column, dtype=np.float64)
    words = np.array([str(value) for value in column], dtype=object)
    return pd.util.hash_array(words) >> np.uint64(11)  # what a float64 can hold


def _columns_of(frame) -> list:
    """The columns by position: names may occur twice."""
    if hasattr(frame, "iloc"):
        return [frame.iloc[:, j] for j in range(frame.shape[1])]
    return [frame[name] for name in frame.columns]


def _holds_numbers(column) -> bool:
    if np.asarray(column).dtype.kind in "mM":  # NumPy would count nanoseconds
        return False
    try:
        np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return True
