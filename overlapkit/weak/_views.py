"""Two views in one X: which columns the strong and the weak model see.

A view is an array of column positions, or ``None`` for "every column". Selectors
are whatever :class:`~sklearn.compose.ColumnTransformer` takes: positions, names,
slices, masks or callables.
"""

import os
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse

from overlapkit._utils.checks import check_array, check_finite, validate_data
from overlapkit._utils.dask_arrays import ChunkedRows, is_chunked, is_dask
from overlapkit._utils.frames import (
    columns_without_numbers,
    is_dataframe,
    numeric_content,
    sparse_columns,
    with_plain_numbers,
)
from overlapkit._utils.memory_map import RowMatrix, is_mapped, row_blocks
from overlapkit._utils.sklearn_compat import (
    _get_column_indices,
    _num_features,
    _num_samples,
    _safe_indexing,
)

__all__ = [
    "check_features",
    "check_rows",
    "check_strong",
    "naming_columns",
    "refuse_sources",
    "refuse_text",
    "resolve_columns",
    "select_columns",
    "view_alignment",
]

_FLOATS = (np.float64, np.float32, np.float16)


def check_features(estimator, X, *, reset):
    """Check names and number of columns; turn anything but a frame into an array.

    Values are left to whoever uses the view: a weak model may accept what a
    similarity cannot, such as missing values or categories.
    """
    if _is_plain(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        return X
    if is_dask(X):
        X = ChunkedRows.of(X)
        header = X if X.header is None else X.header
        validate_data(estimator, header, reset=reset, skip_check_array=True)
        return X
    refuse_sources(X)
    if isinstance(X, RowMatrix):
        if X.shape[0] == 0:
            raise ValueError(f"Found array with 0 sample(s) (shape={X.shape}).")
    elif not is_dataframe(X):
        X = check_array(
            X,
            dtype="numeric",
            ensure_all_finite=False,
            input_name="X",
            estimator=estimator,
        )
        if X.dtype.itemsize > 8 or not X.dtype.isnative:  # compiled code takes neither
            X = X.astype(
                np.float64 if X.dtype.kind == "f" else X.dtype.newbyteorder("=")
            )
    elif _num_samples(X) == 0 or _num_features(X) == 0:
        raise ValueError(
            f"Found array with {_num_samples(X)} sample(s) and {_num_features(X)} "
            f"feature(s) (shape={X.shape}) while a minimum of 1 is required by "
            f"{type(estimator).__name__}."
        )
    elif stored := sparse_columns(X):
        raise TypeError(
            f"The columns {stored[:10]} of X are sparse, but dense data is "
            "required. Convert them, for instance by X.sparse.to_dense()."
        )
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    return with_plain_numbers(X)


def _is_plain(X) -> bool:
    """Whether X is a matrix of numbers that no check could refuse or change."""
    plain = type(X) is np.ndarray and X.ndim == 2 and X.size > 0
    return (
        plain and X.dtype.kind in "iuf" and X.dtype.itemsize <= 8 and X.dtype.isnative
    )


@contextmanager
def naming_columns(view, name):
    """Errors of a model name the columns that hold no numbers, and what to do.

    Parameters
    ----------
    view : array or dataframe
        What the model reads.
    name : str
        Name of the view, for messages.

    Raises
    ------
    ValueError
        In place of a ValueError or TypeError that names none of these columns, or of
        one about infinity.
    """
    try:
        yield
    except (ValueError, TypeError) as error:
        if "infinity" in str(error) and not is_mapped(view):
            check_rows(view)
        others = columns_without_numbers(view) if is_dataframe(view) else []
        if not others or any(other in str(error) for other in others):
            raise
        raise ValueError(
            f"The columns {others[:10]} of the {name} of X hold no numbers, and the "
            f"model could not read them ({error}). Give them the types that they had "
            "in fit, encode them in a pipeline (as with overlapkit.representation."
            "TabularRepresentation as its first step), or leave them out."
        ) from error


def refuse_text(view, name, remedy) -> None:
    """Raise for columns of a dataframe that cannot be read as numbers.

    Raises
    ------
    ValueError
        With the names of these columns, and the remedy.
    """
    others = columns_without_numbers(view) if is_dataframe(view) else []
    if others:
        raise ValueError(
            f"The columns {others[:10]} of the {name} hold no numbers. {remedy}"
        )


def check_rows(X) -> None:
    """Refuse infinity, which is never data, before a model meets it in some split.

    Raises
    ------
    ValueError
        If a number in X is infinite.
    """
    if is_dataframe(X) or hasattr(X, "dtype"):
        numbers = None if sparse.issparse(X) else numeric_content(X)
        if numbers is not None and numbers.dtype.kind in "fc":
            check_finite(numbers, "X", allow_nan=True)


def refuse_sources(X) -> None:
    """Refuse what rows can be read from but are not, with the way to read them."""
    paths = isinstance(X, str | os.PathLike) or (
        isinstance(X, list | tuple)
        and len(X) > 0
        and all(isinstance(x, str | os.PathLike) for x in X)
    )
    kind = type(X)
    if paths:
        what, how = "the name of a file", "overlapkit.datasets.open_rows(X).values"
    elif kind.__module__.split(".")[0] == "pyarrow":
        what, how = "an Arrow table", "overlapkit.datasets.open_rows(X).values"
    elif all(hasattr(X, name) for name in ("values", "ids", "align")):
        what, how = f"a {kind.__name__}", "its values"
    else:
        return
    raise TypeError(
        f"X is {what}, expected an array or a dataframe: pass {how}, or join two views "
        "by overlapkit.datasets.stack_views."
    )


def resolve_columns(X, columns, *, name) -> np.ndarray | None:
    """Positions of the selected columns, ``None`` when all are.

    Parameters
    ----------
    X : array or dataframe of shape (n_samples, n_features)
    columns : selector
        ``None``, or what ColumnTransformer takes.
    name : str
        Name of the parameter, for messages.

    Returns
    -------
    ndarray of int or None

    Raises
    ------
    ValueError
        If a column does not exist, none is selected, or names are used on an array.
    """
    if is_chunked(X) and X.header is not None:
        X = X.header
    # slice(None) has no type that a selector's kind could be read from
    if columns is None or (isinstance(columns, slice) and columns == slice(None)):
        return None
    if isinstance(columns, type):
        raise TypeError(
            f"{name}={columns.__name__} is a class; expected positions, names, a "
            "slice, a mask, or a function of X that returns one of these."
        )
    if callable(columns):
        columns = columns(X)
    if not is_dataframe(X) and _names_columns(columns):
        raise ValueError(
            f"{name}={columns!r} selects columns by name, but X is an array without "
            "column names. Inside meta-estimators that turn X into an array (such as "
            "BaggingClassifier or SelfTrainingClassifier), select by position: an "
            "integer, a list of integers or a slice."
        )
    n_features = _num_features(X)
    _check_extent(columns, n_features, name)
    if isinstance(columns, slice) and not _names_columns(columns):
        columns = np.arange(n_features)[columns]  # a bare step has no type either
    try:
        indices = np.asarray(_get_column_indices(X, columns), dtype=np.intp)
    except (ValueError, IndexError, KeyError) as error:
        raise ValueError(
            f"{name}={columns!r} does not fit X with {n_features} columns: {error}"
        ) from error
    if len(indices) == 0:
        raise ValueError(f"{name}={columns!r} selects no column of X.")
    if indices.min() < -n_features or indices.max() >= n_features:
        raise ValueError(
            f"{name}={columns!r} selects a column that does not exist: X has "
            f"{n_features} columns."
        )
    return indices % n_features


def _check_extent(columns, n_features, name) -> None:
    """Refuse what NumPy would cut to size or read as numbers without a word."""
    if isinstance(columns, slice):
        ends = [e for e in (columns.start, columns.stop) if isinstance(e, Integral)]
        beyond = [e for e in ends if e > n_features or e < -n_features]
        if beyond:
            raise ValueError(
                f"{name}={columns!r} selects columns that do not exist: X has "
                f"{n_features} columns, and {beyond[0]} is beyond them. Leave an end "
                "open for 'as far as there are columns': slice(start, None)."
            )
        return
    mask = np.asarray(columns)
    if mask.dtype == bool and mask.ndim == 1 and len(mask) != n_features:
        raise ValueError(
            f"{name} is a mask of {len(mask)} columns, but X has {n_features}."
        )


def _names_columns(columns) -> bool:
    if isinstance(columns, slice):
        return isinstance(columns.start, str) or isinstance(columns.stop, str)
    if isinstance(columns, str):
        return True
    return any(isinstance(c, str) for c in np.atleast_1d(np.asarray(columns, object)))


def select_columns(X, indices):
    """The view itself; neighbouring columns of an array are not copied."""
    if indices is None:
        return X
    if not is_dataframe(X) and np.all(np.diff(indices) == 1):
        return X[:, indices[0] : indices[-1] + 1]
    if isinstance(X, RowMatrix) or is_chunked(X):
        return X[:, indices]
    return _safe_indexing(X, indices, axis=1)


def check_strong(strong) -> Any:
    """Strong view as a finite float matrix of its own precision, in memory or in files.

    Raises
    ------
    ValueError
        If a column holds anything but numbers, or a value is missing or infinite.
    """
    name = "X (strong view)"
    refuse_text(
        strong,
        "strong view",
        "Similarities need numbers: encode them by representation= (such as a "
        "ColumnTransformer with OneHotEncoder), or leave them out of strong_columns.",
    )
    if not isinstance(strong, RowMatrix):
        strong = check_array(
            strong, dtype=_FLOATS, ensure_all_finite=False, input_name=name
        )
    elif strong.dtype.kind != "f":
        strong = strong.astype(np.float64)
    # block by block: otherwise a mask of its size, and of a map all, is in memory
    for start, stop in row_blocks(strong):
        finite = np.isfinite(strong[start:stop]).all(axis=1)
        if not finite.all():
            row = start + int(np.argmin(finite))
            values = np.asarray(strong[row])
            what = "NaN" if np.isnan(values).any() else "infinity"
            raise ValueError(
                f"Input {name} contains {what} in row {row}, which similarities "
                "cannot take: impute or drop it first, or impute it by "
                "representation=."
            )
    return strong


def view_alignment(strong, weak) -> float:
    r"""How much two views see the same: 0 nothing, 1 all the same.

    Debiased linear centred kernel alignment of the standardised columns. With
    :math:`K = S S^\top` and :math:`L = W W^\top`, diagonals set to zero,

    .. math::

        A = \frac{h(K, L)}{\sqrt{h(K, K)\, h(L, L)}}, \qquad
        h(K, L) = \operatorname{tr}(KL)
            + \frac{1^\top K 1\; 1^\top L 1}{(n - 1)(n - 2)}
            - \frac{2}{n - 2} 1^\top K L 1,

    clipped to [0, 1]. Without the correction for bias, independent views with many
    columns and few rows would look aligned.

    Parameters
    ----------
    strong, weak : array or dataframe of shape (n_samples, n_columns)
        The views, row by row.

    Returns
    -------
    alignment : float
        In [0, 1]; NaN when there are fewer than 4 rows, or a view is constant or not
        of finite numbers.

    References
    ----------
    .. [1] S. Kornblith, M. Norouzi, H. Lee, G. Hinton, "Similarity of Neural Network
       Representations Revisited", ICML 2019.
    .. [2] L. Song, A. Smola, A. Gretton, J. Bedo, K. Borgwardt, "Feature Selection
       via Dependence Maximization", JMLR 13, 2012.
    """
    try:
        views = [np.array(view, dtype=np.float64) for view in (strong, weak)]
    except (TypeError, ValueError):  # categories: no products
        return float("nan")
    if len(views[0]) < 4 or not all(np.isfinite(view).all() for view in views):
        return float("nan")
    A, B = map(_standardised, views)
    if not (A.any() and B.any()):
        return float("nan")
    scale = _unbiased_product(A, A) * _unbiased_product(B, B)
    if scale <= 0:
        return float("nan")
    return float(np.clip(_unbiased_product(A, B) / np.sqrt(scale), 0.0, 1.0))


def _standardised(view) -> np.ndarray:
    """Columns of mean 0 and deviation 1; constant ones are 0."""
    # columns of any size: neither their sums nor their squares may overflow or vanish
    largest = np.abs(view).max(axis=0)
    view /= np.where(largest > 0, largest, 1.0)
    view -= view.mean(axis=0)
    deviation = view.std(axis=0)
    view /= np.where(deviation > 0, deviation, 1.0)
    return view


def _unbiased_product(A, B) -> float:
    """Product of the matrices of inner products, whose diagonals are taken as 0.

    As columns have mean 0, the sums of their rows are those of the diagonals, negative.
    """
    n, width = len(A), A.shape[1] * B.shape[1]
    k, m = np.square(A).sum(axis=1), np.square(B).sum(axis=1)
    if width < n * (A.shape[1] + B.shape[1]):  # operations of the two ways
        product = np.square(A.T @ B).sum()
    else:
        K = A @ A.T
        product = np.vdot(K, K if B is A else B @ B.T)
    return product - k @ m * n / (n - 2) + k.sum() * m.sum() / ((n - 1) * (n - 2))
