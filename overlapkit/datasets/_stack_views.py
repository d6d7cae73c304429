"""Two views side by side in one X."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse

from overlapkit._utils.checks import naming, refuse_masked
from overlapkit._utils.memory_map import RowMatrix, is_bfloat16, is_mapped, join_columns
from overlapkit.datasets._open_rows import FileRows

__all__ = ["stack_views"]


def stack_views(
    *, strong: ArrayLike | FileRows, weak: ArrayLike | FileRows
) -> tuple[Any, slice, slice]:
    r"""Put a strong and a weak view of the same rows side by side.

    Estimators of overlapkit take one X and are told which columns belong to which
    view. This makes that X, and the two slices to pass as ``strong_columns`` and
    ``weak_columns``:

    .. math:: X = [\, X_\mathrm{strong} \;|\; X_\mathrm{weak} \,]

    Views of files, memory maps and those of :func:`open_rows`, stay where they are: X
    is then read in blocks when it is used, and nothing is copied. The two may have
    different dtypes.

    Other views are copied, and no dtype is changed. Joining float32 embeddings with
    float64 probabilities would silently turn the embeddings into float64, at twice the
    memory; this is refused, with the cast to write.

    Parameters
    ----------
    strong : {array-like, DataFrame, FileRows} of shape (n_samples, n_strong)
        The strong view, such as embeddings.
    weak : {array-like, DataFrame, FileRows} of shape (n_samples, n_weak)
        The weak view: features, class probabilities or votes, in the rows' order.
        A DataFrame if `strong` is one. If both are :class:`FileRows`, it is aligned
        with the strong one.

    Returns
    -------
    X : {ndarray, DataFrame, view of files} of shape (n_samples, n_strong + n_weak)
        Both views. Arrays keep their common dtype, data frames the dtype of each
        column and the index. A view of files can be sliced by rows and columns, which
        copies nothing; ``numpy.asarray`` reads it as a whole.
    strong_columns : slice
        ``slice(0, n_strong)``.
    weak_columns : slice
        ``slice(n_strong, n_strong + n_weak)``.

    Raises
    ------
    TypeError
        If one view is a DataFrame and the other is not, or a view is sparse.
    ValueError
        If a view is not two-dimensional, the numbers of rows, the dtypes (in memory) or
        (of data frames) the indices differ, or a column name occurs twice. Data frames
        may mix dtypes, as long as the floating point columns have one.

    See Also
    --------
    open_rows : Opens files.
    load_wrench : Reads sets that have both views.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.datasets import stack_views
    >>> embeddings = np.ones((5, 3), dtype=np.float32)
    >>> votes = np.zeros((5, 2), dtype=np.int8)
    >>> X, strong, weak = stack_views(
    ...     strong=embeddings, weak=votes.astype(embeddings.dtype)
    ... )
    >>> X.dtype, strong, weak
    (dtype('float32'), slice(0, 3, None), slice(3, 5, None))
    """
    opened = isinstance(strong, FileRows) or isinstance(weak, FileRows)
    if isinstance(strong, FileRows) and isinstance(weak, FileRows):
        weak = weak.align(strong)
    views: dict[str, Any] = {
        name: view.values if isinstance(view, FileRows) else view
        for name, view in (("strong", strong), ("weak", weak))
    }
    frames = [name for name, view in views.items() if isinstance(view, pd.DataFrame)]
    if len(frames) == 1:
        other = "weak" if frames == ["strong"] else "strong"
        raise TypeError(
            f"{frames[0]} is a DataFrame and {other} is a {type(views[other]).__name__}"
            f": pass two data frames, or {frames[0]}.to_numpy() (of rows that were "
            f"opened, {frames[0]}.numbers())"
        )
    for name, view in views.items():
        if sparse.issparse(view):
            raise TypeError(
                f"{name} is sparse: stack_views joins dense views; use "
                "scipy.sparse.hstack and write the two slices by hand"
            )
        if not frames and not isinstance(view, RowMatrix):
            refuse_masked(view, name)
            with naming(name):
                views[name] = view = np.asanyarray(view)
        if view.ndim == 2 and view.shape[1] == 0:
            raise ValueError(f"{name} has no columns: at least one is needed.")
        if view.ndim != 2:
            raise ValueError(
                f"{name} has shape {view.shape}, expected two dimensions; one column "
                f"is {name}.reshape(-1, 1)"
            )
    strong, weak = views["strong"], views["weak"]
    if len(strong) != len(weak):
        raise ValueError(
            f"strong has {len(strong)} rows and weak has {len(weak)}: both views must "
            "describe the same rows in the same order"
        )
    n_strong, n_columns = strong.shape[1], strong.shape[1] + weak.shape[1]
    if frames:
        X = _join_frames(strong, weak)
    else:
        X = _join_arrays(strong, weak, opened)
    return X, slice(0, n_strong), slice(n_strong, n_columns)


def _refuse_mixed(strong, weak) -> None:
    """Say which dtypes differ and how to cast."""
    raise ValueError(
        f"strong is {strong} and weak is {weak}: joining them would change a dtype. "
        f"Cast one first: weak.astype('{strong}') or strong.astype('{weak}')"
    )


def _join_arrays(strong, weak, opened) -> Any:
    """Concatenate arrays of one dtype; those of files are left where they are."""
    views = strong, weak
    if opened or any(is_mapped(view) or is_bfloat16(view.dtype) for view in views):
        for name, view in (("strong", strong), ("weak", weak)):
            if view.dtype.kind not in "biuf" and not is_bfloat16(view.dtype):
                raise ValueError(f"{name} has dtype {view.dtype}, expected numbers.")
        return join_columns([strong, weak])
    if strong.dtype != weak.dtype:
        _refuse_mixed(strong.dtype, weak.dtype)
    return np.concatenate([strong, weak], axis=1)


def _join_frames(strong, weak) -> pd.DataFrame:
    """Concatenate data frames of one index, with unique names."""
    if not strong.index.equals(weak.index):
        raise ValueError(
            "strong and weak have different indices, so their rows may not match; if "
            "they do, pass weak.set_axis(strong.index)"
        )
    names = strong.columns.append(weak.columns)
    if not names.is_unique:
        raise ValueError(
            f"column names occur twice: {sorted(set(names[names.duplicated()]))}; "
            "rename one view, as with weak.add_prefix('weak__')"
        )
    # columns of a frame keep their own dtype, but an estimator that reads all of
    # them as one array would upcast the narrower floats
    kinds = [
        {dtype for dtype in view.dtypes if pd.api.types.is_float_dtype(dtype)}
        for view in (strong, weak)
    ]
    if len(kinds[0] | kinds[1]) > 1:
        _refuse_mixed(*(", ".join(sorted(map(str, kind))) for kind in kinds))
    return pd.concat([strong, weak], axis=1)
