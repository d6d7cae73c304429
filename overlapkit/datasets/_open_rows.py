"""Rows of files, with their ids."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from overlapkit._utils.checks import plain
from overlapkit._utils.memory_map import RowMatrix, join_rows
from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.datasets._array_files import (
    read_npy,
    read_npz,
    read_raw,
    read_safetensors,
)
from overlapkit.datasets._checked_files import kind_of, shards_in
from overlapkit.datasets._table_files import (
    read_arrow,
    read_csv,
    read_parquet,
    read_table,
)

__all__ = ["FileRows", "open_rows"]

_NAMED = {  # readers of files whose columns or arrays have names
    ".csv": read_csv,
    ".tsv": read_csv,
    ".csv.gz": read_csv,
    ".tsv.gz": read_csv,
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".arrow": read_arrow,
    ".feather": read_arrow,
    ".ipc": read_arrow,
    ".npz": read_npz,
    ".safetensors": read_safetensors,
}
_PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".bin"}
_SHOWN = 5  # ids in a message


@dataclass(frozen=True, eq=False)
class FileRows:
    """Rows read from files by :func:`open_rows`.

    Parameters
    ----------
    values : ndarray, memmap, DataFrame or view of files
        One entry per row: of shape (n_rows, n_columns), or (n_rows,) for a file with a
        single row of values. A view of files is read in blocks; ``numpy.asarray``
        reads it as a whole.
    ids : ndarray of shape (n_rows,) or None, default=None
        Integers or text, each once.
    source : str, default="rows"
        Where they come from, for messages.

    Attributes
    ----------
    columns : list of str or None
        Names of the columns; None: they have none.

    See Also
    --------
    stack_views : Joins two views of the same rows.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.datasets import FileRows
    >>> strong = FileRows(np.eye(3), np.array(["a", "b", "c"]))
    >>> weak = FileRows(np.array([[3], [1]]), np.array(["c", "a"]))
    >>> strong.take([2, 0]).ids.tolist()
    ['c', 'a']
    >>> weak.align(strong.take([0, 2])).values.tolist()
    [[1], [3]]
    """

    values: Any
    ids: np.ndarray | None = None
    source: str = "rows"

    def __post_init__(self) -> None:
        """Check that there is an id for each row."""
        if not isinstance(self.source, str):
            raise TypeError(
                f"source must be text that says where the rows come from, got "
                f"{plain(self.source)}."
            )
        if not isinstance(self.values, np.ndarray | RowMatrix | pd.DataFrame):
            raise TypeError(
                "values must be an array, a memory map, a pandas dataframe or a view "
                f"of files, got {type(self.values).__name__}; convert by "
                "numpy.asarray, or read a file by open_rows."
            )
        if isinstance(self.values, np.ma.MaskedArray):
            raise TypeError(
                "values must not be a masked array, whose mask would be lost: fill it "
                "by its method filled."
            )
        if len(self.values.shape) not in (1, 2):
            raise ValueError(
                f"values must have one entry per row, hence one or two dimensions; got "
                f"shape {self.values.shape}."
            )
        kind = getattr(getattr(self.values, "dtype", None), "kind", "O")
        if kind not in "biufOSUM":
            raise TypeError(
                f"values must be numbers or text, got {self.values.dtype}: convert "
                "them."
            )
        if self.ids is not None:
            ids = np.asarray(self.ids)
            if ids.shape != (len(self),):
                raise ValueError(
                    f"values has {len(self)} rows and ids has shape {ids.shape}: give "
                    "one id for each row."
                )
            ids = _typed_ids(ids, len(self), self.source)
            object.__setattr__(self, "ids", ids)

    @property
    def columns(self) -> list[str] | None:
        """Names of the columns; None: they have none."""
        if isinstance(self.values, pd.DataFrame):
            return [str(name) for name in self.values.columns]
        return None

    def __len__(self) -> int:
        return self.values.shape[0]

    def take(self, positions: ArrayLike) -> "FileRows":
        """Return some of the rows; those of files stay there.

        Parameters
        ----------
        positions : array-like of int or of bool
            Positions of the rows, or a mask.

        Returns
        -------
        rows : FileRows
            These rows, in this order.
        """
        positions = np.asarray(positions)
        if positions.dtype == bool:
            positions = np.flatnonzero(positions)
        if np.array_equal(positions, np.arange(len(self))):
            return self
        values = self.values
        if isinstance(values, np.memmap) and values.ndim == 2:
            values = RowMatrix.of(values)
        return replace(
            self,
            values=_safe_indexing(values, positions),
            ids=None if self.ids is None else self.ids[positions],
        )

    def numbers(self) -> Any:
        """Return the values as a matrix of numbers.

        Returns
        -------
        values : ndarray, memmap or view of files of shape (n_rows, n_columns)
            What is a matrix already, as it is.

        Raises
        ------
        ValueError
            If a value is no number or is missing; the first one is named.
        """
        values = self.values
        if not isinstance(values, pd.DataFrame):
            if values.dtype.kind not in "biuf":
                raise ValueError(
                    f"{self.source} holds {values.dtype}, expected numbers."
                )
            return values if values.ndim == 2 else values[:, None]
        for name in values.columns:
            column = values[name]
            bad = pd.to_numeric(column, errors="coerce").isna().to_numpy()
            if bad.any():
                row = int(np.argmax(bad))
                raise ValueError(
                    f"{self.source}, row {row}, column {name!r}: found "
                    f"{column.iloc[row]!r}, expected a number ({bad.sum()} of "
                    f"{len(bad)} rows are like it). Leave the column out by columns=, "
                    "or fill it."
                )
        return np.column_stack([pd.to_numeric(values[name]) for name in values.columns])

    def align(self, other: "FileRows") -> "FileRows":
        """Return these rows in the order of others.

        Rows are matched by their ids where both have ids, else by their number.

        Parameters
        ----------
        other : FileRows
            Rows of the same things.

        Returns
        -------
        rows : FileRows
            Row i is of the same thing as row i of `other`.

        Raises
        ------
        ValueError
            If there are rows that the other source lacks, or ids are numbers in one and
            text in the other; without ids, if the numbers of rows differ.
        """
        if self.ids is None or other.ids is None:
            if len(self) != len(other):
                raise ValueError(
                    f"{self.source} has {len(self)} rows and {other.source} has "
                    f"{len(other)}, and rows are matched by their number, as not both "
                    "have ids. Give both the same rows, or ids to both."
                )
            return self
        if (self.ids.dtype.kind in "iu") != (other.ids.dtype.kind in "iu"):
            raise ValueError(
                f"The ids of {self.source} are {_kind(self.ids)}, such as "
                f"{self.ids[0].item()!r}, and those of {other.source} "
                f"{_kind(other.ids)}, such as {other.ids[0].item()!r}. Write "
                "them alike in both (in Python, "
                "dataclasses.replace(rows, ids=rows.ids.astype(str)) does)."
            )
        for rows in (self, other):  # rows taken twice have one id
            _check_ids(rows.ids, len(rows), rows.source)
        index = pd.Index(self.ids)
        positions = index.get_indexer(pd.Index(other.ids))
        lacking = other.ids[positions < 0]
        spare = np.delete(self.ids, positions[positions >= 0])
        if len(lacking) or len(spare):
            parts = [
                f"{len(rows)} of the {n} rows of {has} are not in {lacks} (ids "
                f"{', '.join(map(str, rows[:_SHOWN].tolist()))}"
                f"{', ...' if len(rows) > _SHOWN else ''})"
                for rows, n, has, lacks in (
                    (lacking, len(other), other.source, self.source),
                    (spare, len(self), self.source, other.source),
                )
                if len(rows)
            ]
            raise ValueError(
                f"{' and '.join(parts)}. Both must have the same rows: leave out the "
                "others (in Python, FileRows.take does)."
            )
        return self.take(positions)


def open_rows(
    source: Any,
    *,
    columns: str | Sequence[str] | None = None,
    ids: str | ArrayLike | None = None,
    dtype: Any = None,
    shape: tuple[int, int] | None = None,
) -> FileRows:
    r"""Open rows of a file, of several files or of a table.

    Arrays stay in their files, which are read in blocks when they are used; tables are
    read into memory. Nothing is ever unpickled.

    Parameters
    ----------
    source : str, path, sequence of paths, or table
        What to read, by the ending of its name (see Notes); several files, or those of
        a folder in natural order of their names, are one below another. Or a table in
        memory: Arrow, pandas, polars.
    columns : str or sequence of str, default=None
        The columns of a table to read, in this order; the array of an npz or
        safetensors file. None: all columns but `ids`; the only array. A column of
        lists becomes a matrix and is read alone.
    ids : str or array-like of shape (n_rows,), default=None
        Column or array that identifies the rows, or the ids themselves. Integers or
        text, each once. None: rows are identified by their number.
    dtype : dtype, default=None
        Of raw values, such as ``"float16"`` or ``"bfloat16"``; ``"bfloat16"`` also for
        npy files, which cannot name it. Refused for files that say it themselves.
    shape : tuple of int, default=None
        Rows and columns of raw values; -1 rows: as many as there are. Refused for files
        that say it themselves.

    Returns
    -------
    rows : FileRows
        The rows, with `values` and `ids`.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If a file is empty, truncated, no regular file or of another kind than its name
        says; a value needs pickle; values would not fit into memory; a column does not
        exist; lists of a column differ in length or hold nulls; an id is missing or
        occurs twice; or files to be joined differ in their columns.
    ImportError
        If a file needs pyarrow, which is not installed.

    See Also
    --------
    FileRows.align : Matches the rows of two sources.
    stack_views : Joins two views of the same rows.
    load_wrench : Reads weakly labelled sets with splits.

    Notes
    -----
    ================================ ==============================================
    name ends in                     values
    ================================ ==============================================
    ``.csv``, ``.tsv``,              DataFrame, types as pandas finds them
    ``.csv.gz``, ``.tsv.gz``
    ``.parquet``, ``.pq``            DataFrame, or a matrix from a column of lists
    ``.arrow``, ``.feather``,        DataFrame, or a matrix from a column of lists
    ``.ipc``
    ``.npy``                         memory map
    ``.npz``                         array, in memory
    ``.safetensors``                 memory map
    others, with `shape` and `dtype` memory map
    ================================ ==============================================

    Parquet and Arrow files need pyarrow (``pip install pyarrow``).
    bfloat16 is widened to float32, block by block, when rows
    are read; several mapped files, too, are joined when they are read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from overlapkit.datasets import open_rows, stack_views
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     folder = pathlib.Path(folder)
    ...     np.save(folder / "strong.npy", np.ones((3, 4), dtype=np.float16))
    ...     rows = "id,p0,p1\n7,.2,.8\n8,.9,.1\n9,.5,.5"
    ...     _ = (folder / "weak.csv").write_text(rows)
    ...     strong = open_rows(folder / "strong.npy", ids=[9, 8, 7])
    ...     weak = open_rows(folder / "weak.csv", ids="id").align(strong)
    >>> weak.values["p0"].tolist(), weak.ids.tolist(), weak.columns
    ([0.5, 0.9, 0.2], [9, 8, 7], ['p0', 'p1'])
    """
    if columns is not None and not isinstance(columns, str):
        if not isinstance(columns, Sequence | np.ndarray | pd.Index):
            raise TypeError(
                f"columns must be a name or a list of names, got {plain(columns)}."
            )
        columns = [str(name) for name in columns]
        if not columns:
            raise ValueError("columns is empty: name one column at least, or leave it.")
    if not _is_path(source) and not _is_paths(source):
        named, given = _split_ids(ids)
        _refuse_raw(dtype, shape, type(source).__name__)
        values, found = read_table(source, columns, named)
        rows = _checked(
            values, found if given is None else given, type(source).__name__
        )
        return rows
    paths = _paths(source)
    named, given = _split_ids(ids)
    opened = [_open(path, columns, named, dtype, shape) for path in paths]
    name = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    values = _joined([values for values, _ in opened], paths)
    if named is not None:
        given = _joined_ids([found for _, found in opened])
    return _checked(values, given, name)


def _is_path(source) -> bool:
    return isinstance(source, str | os.PathLike)


def _is_paths(source) -> bool:
    return isinstance(source, list | tuple) and all(map(_is_path, source))


def _paths(source) -> list[Path]:
    if _is_path(source):
        path = Path(source)
        return shards_in(path, {".npy", *_NAMED}) if path.is_dir() else [path]
    if not source:
        raise ValueError("source is an empty list of files: pass one path at least.")
    return [Path(path) for path in source]


def _split_ids(ids):
    """Ids that are named, and ids that are given."""
    if ids is None or isinstance(ids, str):
        return ids, None
    return None, np.asarray(ids)


def _refuse_raw(dtype, shape, name) -> None:
    if dtype is not None or shape is not None:
        raise ValueError(
            f"dtype={plain(dtype)} and shape={plain(shape)} are for raw values; {name} "
            "says itself what it holds: leave them unset."
        )


def _open(path, columns, ids, dtype, shape):
    """Values and ids of one file."""
    suffix = kind_of(path)
    if suffix in _NAMED:
        _refuse_raw(dtype, shape, path)
        return _NAMED[suffix](path, columns, ids)
    if columns is not None or ids is not None:
        given = f"columns={columns!r}" if ids is None else f"ids={ids!r}"
        raise ValueError(
            f"{given} is a name, but {path} has none: pass "
            "the ids themselves, such as numpy.load('ids.npy'), and select columns by "
            "strong_columns or weak_columns."
        )
    if suffix == ".npy":
        if shape is not None:
            raise ValueError(
                f"shape={shape!r} is given, but {path} says itself what shape it has: "
                "leave shape unset."
            )
        return read_npy(path, dtype), None
    if dtype is not None and shape is not None:
        return read_raw(path, dtype, shape), None
    if suffix in _PICKLES and suffix != ".bin":
        raise ValueError(
            f"{path} is a pickle by its name, and unpickling runs code of the file: it "
            "is not read. Save the array by numpy.save or safetensors."
        )
    raise ValueError(
        f"The source {path} ends in {suffix or 'nothing'}, expected one of "
        f"{', '.join(('.npy', *_NAMED))}. For raw values pass dtype= and shape=; "
        "decompress or convert other files first."
    )


def _joined(values, paths):
    """Values of several files, one below another."""
    first = values[0]
    for value, path in zip(values, paths):
        if type(value) is not type(first) and (
            isinstance(value, pd.DataFrame) or isinstance(first, pd.DataFrame)
        ):
            raise ValueError(f"{path} is a table or matrix, unlike {paths[0]}.")
        if isinstance(value, pd.DataFrame):
            _check_same_columns(value, first, path, paths[0])
        elif value.ndim != first.ndim or value.shape[1:] != first.shape[1:]:
            raise ValueError(
                f"{path} has shape {value.shape} and {paths[0]} has {first.shape}: all "
                "files must have as many columns."
            )
        elif value.dtype != first.dtype and value.dtype.kind not in "SU":
            raise ValueError(
                f"{path} holds {value.dtype} and {paths[0]} {first.dtype}: all files "
                "must have one dtype."
            )
    values = [value for value in values if len(value)]
    if len(values) <= 1:
        return values[0] if values else first
    if isinstance(first, pd.DataFrame):
        return pd.concat(values, ignore_index=True)
    if first.ndim == 1:
        return np.concatenate(values)
    return join_rows(values)


def _check_same_columns(frame, first, path, name) -> None:
    if list(frame.columns) != list(first.columns):
        other = set(frame.columns).symmetric_difference(first.columns)
        what = f"differ in {sorted(other)[:10]}" if other else "differ in their order"
        raise ValueError(f"The columns of {path} and {name} {what}.")
    for column in frame.columns:
        kinds = [
            pd.api.types.is_numeric_dtype(part[column]) or part[column].isna().all()
            for part in (frame, first)
        ]
        if kinds[0] != kinds[1] and not (frame[column].isna().all()):
            text, numbers = (path, name) if kinds[1] else (name, path)
            raise ValueError(
                f"The column {column!r} holds numbers in {numbers} and something else "
                f"in {text}: write it alike in all files."
            )


def _joined_ids(ids):
    kinds = {part.dtype.kind in "iu" for part in ids if len(part)}
    if len(kinds) > 1:  # all were written in one way, so one is text
        ids = [part.astype(str).astype(object) for part in ids]
    return np.concatenate([part for part in ids if len(part)] or ids)


def _checked(values, ids, source) -> FileRows:
    if len(values) == 0:
        raise ValueError(f"{source} has no rows.")
    if ids is not None:
        ids = _check_ids(ids, len(values), source)
    return FileRows(values, ids, source)


def _check_ids(ids, n_rows, source) -> np.ndarray:
    """Ids as integers or text, each once."""
    ids = _typed_ids(ids, n_rows, source)
    twice = pd.Index(ids).duplicated(keep=False)
    if twice.any():
        first = ids[twice][0]
        rows = np.flatnonzero(ids == first)
        raise ValueError(
            f"{twice.sum()} of the {n_rows} rows of {source} share their id with "
            f"another: {first.item()!r} is that of the rows {rows[:_SHOWN].tolist()}. "
            "Give every row its own id."
        )
    return ids


def _typed_ids(ids, n_rows, source) -> np.ndarray:
    """Ids as integers or text."""
    if ids.shape != (n_rows,):
        raise ValueError(
            f"There are ids of shape {ids.shape} for the {n_rows} rows of {source}: "
            "give one for each row."
        )
    missing = np.flatnonzero(pd.isna(ids))
    if len(missing):
        raise ValueError(
            f"{len(missing)} of the {n_rows} ids of {source} are missing, the first in "
            f"row {missing[0]}: give every row its id."
        )
    if ids.dtype.kind == "f" and (ids == np.floor(ids)).all():
        ids = ids.astype(np.int64)
    elif ids.dtype.kind == "S":
        ids = np.char.decode(ids, "utf-8")
    elif ids.dtype.kind == "O":
        ids = _uniform(ids, source)
    if ids.dtype.kind not in "iuUM":
        raise ValueError(
            f"The ids of {source} have dtype {ids.dtype}, expected integers or text."
        )
    return ids


def _uniform(ids, source) -> np.ndarray:
    kinds = {type(value).__name__ for value in ids.tolist()}
    if kinds == {"int"}:
        return ids.astype(np.int64)
    if kinds == {"str"}:
        return ids.astype(str)
    if kinds == {"bytes"}:
        return np.char.decode(ids.astype(bytes), "utf-8")
    raise ValueError(
        f"The ids of {source} are of the types {sorted(kinds)}, expected integers or "
        "text alone."
    )


def _kind(ids) -> str:
    return "integers" if ids.dtype.kind in "iu" else "text"
