"""Rows of several files, matched: a strong view, weak labels, known labels."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from overlapkit._cli._console import DataError, UsageError
from overlapkit._cli._tables import (
    PROBA,
    columns_like,
    columns_of_labels,
    is_row_number,
    known_labels_in,
    known_labels_of,
    names_in,
)
from overlapkit._utils.memory_map import row_blocks
from overlapkit.datasets import FileRows, open_rows

__all__ = [
    "check_finite_rows",
    "labels_in",
    "matched",
    "open_strong",
    "open_weak",
    "probabilities_in",
    "shared_id",
]

_ID = "id"
_ARRAYS = (".npz", ".safetensors")  # their names are those of arrays


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


def open_strong(args, console) -> FileRows:
    """Strong view of the option --strong as a matrix, with ids where there are some.

    Columns of labels are left out, with a note.

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
        if args.strong.suffix in _ARRAYS:
            columns = columns[0]
    columns = _without_labels(args.strong, args, console, names, columns)
    named = args.id if names is not None and args.id in names else None
    if args.ids is not None:
        if named is not None:
            raise UsageError(
                f"{args.strong} has ids of its own, in {args.id!r}: leave out --ids"
            )
        named = _ids_in(args.ids, args.id)
    rows = open_rows(args.strong, columns=columns, ids=named)
    return FileRows(rows.numbers(), rows.ids, rows.source)


def open_weak(args, console, base: FileRows) -> FileRows:
    """Weak view of the option --weak as a matrix, in the order of other rows.

    Columns of labels are left out, with a note.
    """
    columns = _without_labels(args.weak, args, console, names_in(args.weak), None)
    rows = _aligned(args.weak, args, base, columns)
    return replace(rows, values=rows.numbers())


def _without_labels(path, args, console, names, columns) -> Any:
    """Columns of a view to read; None: all."""
    if not names or path.suffix in _ARRAYS:
        return columns
    wanted = names if columns is None else columns
    labels = columns_of_labels(wanted, args.label)
    left = [
        name
        for name in wanted
        if name not in labels and name != args.id and not is_row_number(name)
    ]
    if not left:
        raise DataError(
            f"{path}: no column is left beside ids and labels; a model learns from "
            "other columns"
        )
    if labels:
        console.say(
            "note", f"{path}: left out, as they hold labels: {', '.join(labels)}"
        )
    return columns if left == list(wanted) else left


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


def _aligned(path: Path, args, base: FileRows, columns=None) -> FileRows:
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
    path = args.weak_proba
    names = names_in(path)
    columns = [name for name in names or () if name.startswith(PROBA)]
    weak = _aligned(path, args, base, columns or None)
    classes = None
    if columns and isinstance(weak.values, pd.DataFrame):
        classes = [name.removeprefix(PROBA) for name in columns]
        proba = weak.values.to_numpy(dtype=np.float64)
    elif isinstance(weak.values, pd.DataFrame):
        others = [
            name for name in weak.values if name == args.label or is_row_number(name)
        ]
        table = weak.values.drop(columns=others)
        proba = table.apply(pd.to_numeric).to_numpy(dtype=np.float64)
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
        values = np.ravel(_aligned(path, args, base).values)
        return known_labels_in(pd.Series(values), str(path))
    column = columns_like(names, [args.label], path, "--label")
    named = args.id if args.id in names else None
    rows = _with_unknown(open_rows(path, columns=column, ids=named), base)
    return known_labels_of(matched(rows, base, named).values, args.label, path)


def _with_unknown(rows: FileRows, base: FileRows) -> FileRows:
    """Known labels, and empty ones of the rows that a file of labels does not name."""
    if rows.ids is None or base.ids is None or not np.isin(rows.ids, base.ids).all():
        return rows
    ids = np.concatenate([rows.ids, np.setdiff1d(base.ids, rows.ids)])
    return FileRows(rows.values.reindex(range(len(ids))), ids, rows.source)
