"""Rows of several files, matched: a strong view, weak labels, known labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from overlapkit._cli._console import DataError, UsageError
from overlapkit._cli._tables import (
    columns_like,
    known_labels_in,
    known_labels_of,
    names_in,
)
from overlapkit._utils.memory_map import row_blocks
from overlapkit.datasets import FileRows, open_rows

__all__ = [
    "aligned",
    "check_finite_rows",
    "labels_in",
    "matched",
    "open_strong",
    "probabilities_in",
    "shared_id",
]

_PROBA = "proba_"
_ID = "id"


def shared_id(name: str | None, files: list[Path]) -> str:
    """Column by which rows of several files are matched, where a file has it.

    Parameters
    ----------
    name : str or None
        What --id says.
    files : list of Path
        The files.

    Raises
    ------
    DataError
        If --id names a column that no file has.
    """
    column = _ID if name is None else name
    if name is not None and not any(
        name in (names_in(path) or []) for path in files if path.exists()
    ):
        raise DataError(
            f"no file has a column {name!r} (--id): correct the name, or leave --id "
            "out to match rows by their number"
        )
    return column


def open_strong(args) -> FileRows:
    """Strong view of the option --strong as a matrix, with ids where there are some.

    Raises
    ------
    DataError, UsageError
        If columns or ids are not there, or ids are there twice.
    """
    names = names_in(args.strong)
    columns: Any = None
    if args.strong_columns is not None:
        if names is None:
            raise UsageError(f"--strong-columns: {args.strong} has no names of columns")
        columns = columns_like(
            names, args.strong_columns, args.strong, "--strong-columns"
        )
        if args.strong.suffix in (".npz", ".safetensors"):
            columns = columns[0]
    named = args.id if names is not None and args.id in names else None
    if args.ids is not None:
        if named is not None:
            raise UsageError(
                f"{args.strong} has ids of its own, in {args.id!r}: leave out --ids"
            )
        named = _ids_in(args.ids, args.id)
    rows = open_rows(args.strong, columns=columns, ids=named)
    return FileRows(rows.numbers(), rows.ids, rows.source)


def _ids_in(path: Path, name: str) -> np.ndarray:
    """Ids of a file that holds nothing else, or has a column of that name."""
    names = names_in(path)
    if names is None:
        return np.ravel(open_rows(path).values)
    if name not in names and len(names) > 1:
        raise DataError(
            f"{path} has no column {name!r}: name the column of the ids by --id; its "
            f"columns are {', '.join(names[:10])}"
        )
    column = name if name in names else names[0]
    return np.asarray(open_rows(path, ids=column, columns=[column]).ids)


def aligned(path: Path, args, base: FileRows, columns=None) -> FileRows:
    """Rows of another file, in the order of the first one.

    Parameters
    ----------
    path : Path
        The file.
    args : Namespace
        The arguments, of which `id` names the column of the ids.
    base : FileRows
        Rows that it is matched with, by ids or by their number.
    columns : list of str, default=None
        Columns to read.
    """
    names = names_in(path)
    named = args.id if names is not None and args.id in names else None
    rows = open_rows(path, columns=columns, ids=named)
    return matched(rows, base, named)


def matched(rows: FileRows, base: FileRows, named: str | None) -> FileRows:
    """Rows in the order of others, by ids or by their number.

    Parameters
    ----------
    rows, base : FileRows
        Rows of the same things.
    named : str or None
        Column of the ids of `rows`.

    Raises
    ------
    DataError
        If only the other rows have no ids.
    """
    if rows.ids is not None and base.ids is None:
        of_table = isinstance(base.values, pd.DataFrame)
        remedy = "name their column by --id" if of_table else "give its ids by --ids"
        raise DataError(
            f"{rows.source} has ids (column {named!r}) and {base.source} has none: "
            f"{remedy}"
        )
    return rows.align(base)


def check_finite_rows(rows: FileRows) -> None:
    """Refuse a matrix with missing values or infinity; it is read in blocks.

    Raises
    ------
    DataError
        If there is one; the first row is named.
    """
    for start, stop in row_blocks(rows.values):
        finite = np.isfinite(np.asarray(rows.values[start:stop])).all(axis=1)
        if not finite.all():
            raise DataError(
                f"{rows.source}: row {start + int(np.argmin(finite))} (from 0) holds "
                "NaN or infinity: fill it, or leave the row out of all files"
            )


def probabilities_in(args, base: FileRows) -> tuple[np.ndarray, list[str] | None]:
    """Class probabilities of the option --weak-proba.

    Returns
    -------
    proba : ndarray of shape (n_rows, n_classes)
        NaN where there is no weak label.
    classes : list of str or None
        Names of the classes, where the columns have such names.

    Raises
    ------
    DataError
        If there is one column only.
    """
    path, columns = args.weak_proba, None
    names = names_in(path)
    if names is not None:
        columns = [name for name in names if name.startswith(_PROBA)] or None
    weak = aligned(path, args, base, columns)
    classes = None
    if columns is not None and isinstance(weak.values, pd.DataFrame):
        classes = [name.removeprefix(_PROBA) for name in columns]
        proba = weak.values.to_numpy(dtype=np.float64)
    elif isinstance(weak.values, pd.DataFrame):
        proba = weak.values.apply(pd.to_numeric).to_numpy(dtype=np.float64)
    else:
        proba = np.asarray(weak.numbers())
    if proba.shape[1] < 2:
        raise DataError(
            f"{path} has one column of probabilities: one for each class is needed, "
            "two for two classes"
        )
    if np.isnan(proba).all():
        raise DataError(f"{path}: all probabilities are empty")
    return proba, classes


def labels_in(args, base: FileRows) -> tuple[np.ndarray, Any]:
    """Known labels of the option --labels, and what stands for unknown in them."""
    path = args.labels
    names = names_in(path)
    if names is None:
        values = np.ravel(aligned(path, args, base).values)
        return known_labels_in(pd.Series(values), str(path))
    column = columns_like(names, [args.label], path, "--label")
    rows = aligned(path, args, base, column)
    return known_labels_of(rows.values, args.label, path)
