"""Tables as users have them: read, choose columns, write."""

import json
import zipfile
from collections.abc import Iterable
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from overlapkit._cli._console import DataError, UsageError
from overlapkit.datasets import open_rows
from overlapkit.datasets._checked_files import kind_of

__all__ = [
    "PROBA",
    "check_out",
    "classes_of_columns",
    "codes_of",
    "column_named",
    "columns_like",
    "columns_of_labels",
    "is_row_number",
    "known_labels_in",
    "known_labels_of",
    "label_model",
    "names_in",
    "read_table",
    "votes_of",
    "votes_with_classes",
    "write_table",
]

PROBA = "proba_"  # and a class: its probabilities
_LONGEST_HEADER = 100_000_000  # of a safetensors file, as its own reader has it
_FEW_CLASSES = 100  # that a table of any length may have
_WRITTEN = (".csv", ".parquet")


def check_out(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse a file to write that is of an unknown kind, or that is read.

    Raises
    ------
    UsageError
        If so.
    """
    if path.suffix not in _WRITTEN:
        raise UsageError(
            f"--out {path}: the name must end with one of {', '.join(_WRITTEN)}"
        )
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise UsageError(
            f"--out {path}: Parquet needs pyarrow: pip install pyarrow, or write .csv"
        )
    for read in inputs:
        if path.resolve() == read.resolve():
            raise UsageError(f"--out {path} is a file that is read: choose another one")


def read_table(path: Path, ids: str | None = None) -> tuple[pd.DataFrame, pd.Index]:
    """Read a table and the ids of its rows.

    Parameters
    ----------
    path : Path
        A file, or a folder of files one below another.
    ids : str, default=None
        Column of the ids; None: rows are numbered from 0.

    Returns
    -------
    table : DataFrame
        The other columns that have a name.
    ids : Index
        The ids.

    Raises
    ------
    DataError
        If there is no table in the file, or no column of that name.
    """
    rows = open_rows(path, ids=ids)
    table = rows.values
    if not isinstance(table, pd.DataFrame):
        raise DataError(
            f"{path} holds a matrix without names of columns: a table is needed, as "
            ".csv or .parquet"
        )
    # neither a vote nor a feature
    table = table.drop(columns=[name for name in table if is_row_number(name)])
    if ids is None:
        return table, pd.RangeIndex(len(table), name="id")
    return table, pd.Index(rows.ids, name="id")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table in the format of the suffix, without its index."""
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False, lineterminator="\n")


def names_in(path: Path) -> list[str] | None:
    """Names of the columns or arrays of a file; None for one that has no names.

    Of a folder, those of its first file.
    """
    if path.is_dir():
        path = next((p for p in sorted(path.iterdir()) if p.is_file()), path)
    suffix = kind_of(path)
    if suffix.startswith((".csv", ".tsv")):
        separator = "\t" if suffix.startswith(".tsv") else ","
        try:
            # as a row: pandas would rename a column without a name
            head = pd.read_csv(
                path,
                sep=separator,
                nrows=1,
                header=None,
                dtype=str,
                keep_default_na=False,
                encoding="utf-8-sig",
            )
        except (ValueError, OSError, EOFError):
            return []  # its reader will say what is wrong with it
        return head.iloc[0].tolist()
    if suffix in (".parquet", ".pq"):
        try:
            from pyarrow import parquet

            return parquet.read_schema(path).names
        except (ImportError, ValueError):
            return []
    if suffix == ".npz":
        try:
            with zipfile.ZipFile(path) as archive:
                return [name.removesuffix(".npy") for name in archive.namelist()]
        except zipfile.BadZipFile:
            return []
    if suffix == ".safetensors":
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > _LONGEST_HEADER:
                return []
            try:
                head = json.loads(file.read(size))
            except ValueError:
                return []
        return [name for name in head if name != "__metadata__"]
    return None


def is_row_number(name) -> bool:
    """Whether a column has the row numbers that pandas writes of an index."""
    return not str(name).strip() or str(name).startswith("__index_level_")


def columns_of_labels(names: Iterable[str], label: str) -> list[str]:
    """Columns that hold known labels or what `overlapkit label` writes.

    A model that is to be judged must not see them among its features.

    Parameters
    ----------
    names : iterable of str
        Names of columns.
    label : str
        Column of the known labels.
    """
    names = list(names)
    written = {"weak_label", "confidence"} if "weak_label" in names else set()
    return [
        name
        for name in names
        if name == label or name in written or str(name).startswith(PROBA)
    ]


def columns_like(
    table: Iterable[str], patterns: Iterable[str], path: Path, option: str
) -> list[str]:
    """Names of the columns that patterns match, in the order of the table.

    Parameters
    ----------
    table : DataFrame or list of str
        The table, or the names of its columns.
    patterns : iterable of str
        Patterns with ``*`` and ``?``.
    path : Path
        Of the table.
    option : str
        The option that gives the patterns.

    Returns
    -------
    names : list of str
        Names of columns.

    Raises
    ------
    DataError
        If a pattern matches none.
    """
    found: set[str] = set()
    for pattern in patterns:
        names = [name for name in table if fnmatchcase(str(name), pattern)]
        if not names:
            raise DataError(
                f"{path}: no column is like {option} {pattern!r}; {_there_are(table)}"
            )
        found.update(names)
    return [name for name in table if name in found]


def column_named(table: pd.DataFrame, name: str, path: Path, option: str) -> pd.Series:
    """Return a column.

    Raises
    ------
    DataError
        If there is none of that name.
    """
    if name not in table:
        raise DataError(
            f"{path} has no column {name!r} ({option}); {_there_are(table)}"
        )
    return table[name]


def _there_are(table) -> str:
    names = list(table)
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"its columns are {', '.join(names[:10])}{more}"


def known_labels_of(table, name, path) -> tuple[np.ndarray, Any]:
    """Labels of the rows and the value that stands for an unknown one.

    Returns
    -------
    labels : ndarray of shape (n_rows,)
        Integers, or strings as objects.
    marker : int or str
        What stands for unknown in it: no class is that.

    Raises
    ------
    DataError
        If no label is known, or labels are no class names.
    """
    column = column_named(table, name, path, "--label")
    return known_labels_in(column, f"{path}, column {name!r}")


def known_labels_in(column: pd.Series, where: str) -> tuple[np.ndarray, Any]:
    """Labels of a column and the value that stands for an unknown one.

    As `known_labels_of`; `where` says in messages where the column is.
    """
    known = column.notna().to_numpy()
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        labels = np.full(len(column), "", dtype=object)
        labels[known] = [str(value).strip() for value in column[known]]
        known = labels != ""
        marker: Any = ""
    else:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        odd = np.flatnonzero(known & (values != np.rint(values)))
        if len(odd):
            raise DataError(
                f"{where}: {values[odd[0]]:g} in data row {odd[0] + 1} is no class: "
                "labels are integers or names"
            )
        marker = int(values[known].min()) - 1 if known.any() else -1
        labels = np.where(known, values, marker).astype(np.int64)
    if not known.any():
        raise DataError(
            f"{where}: no label is known, all {len(column)} cells are empty: label "
            "some rows of each class"
        )
    return labels, marker


def votes_of(table, names, path) -> tuple[pd.DataFrame, list[str] | None]:
    """Votes as numbers, and the classes that their codes stand for.

    Returns
    -------
    votes : DataFrame
        Codes, NaN where there is no vote.
    classes : list of str or None
        Names of the classes, sorted, where votes are names; else None, and votes are
        the numbers of the table.

    Raises
    ------
    DataError
        If names and numbers are mixed, or names are no classes.
    """
    columns: dict[str, Any] = {}
    kinds: dict[str, str | None] = {}
    for name in names:
        column = table[name]
        if column.isna().all():
            columns[name], kinds[name] = column, None
        elif pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(
            column
        ):
            columns[name] = column.astype(np.float64)
            kinds[name] = "numbers"
        else:
            text = column.map(lambda v: str(v).strip() or None, na_action="ignore")
            columns[name], kinds[name] = text, "names"
    by_kind = {kind: name for name, kind in kinds.items() if kind is not None}
    if len(by_kind) == 2:
        raise DataError(
            f"{path}: votes in column {by_kind['names']!r} are names "
            f"({columns[by_kind['names']].dropna().iloc[0]!r}), those in "
            f"{by_kind['numbers']!r} numbers: use one of them, or give the vote "
            "columns by --votes"
        )
    if "names" not in by_kind:
        empty = np.full(len(table), np.nan)
        return pd.DataFrame(
            {n: empty if kinds[n] is None else c for n, c in columns.items()}
        ), None
    found = {v for c in columns.values() for v in c.dropna().unique()}
    if len(found) > max(_FEW_CLASSES, len(table) // 2):
        raise DataError(
            f"{path}: the vote columns hold {len(found)} different names, which are no "
            f"classes ({', '.join(sorted(found)[:3])}): give the vote columns by "
            "--votes"
        )
    return pd.DataFrame(columns), sorted(found)


def votes_with_classes(votes, found, given, y, marker, path) -> tuple[Any, Any]:
    """Votes as numbers, and all classes.

    Parameters
    ----------
    votes : DataFrame
        As `votes_of` returns them.
    found : list of str or None
        Classes that votes name, as `votes_of` returns them.
    given : list of str or None
        Classes of the option --classes.
    y : ndarray of shape (n_rows,) or None
        Known labels.
    marker : int or str
        What stands for unknown in it.
    path : Path
        Of the table.

    Returns
    -------
    votes : DataFrame
        Codes of the classes; where they are not known, the numbers of the table.
    classes : list or None
        The classes, sorted; None: votes and labels say so.

    Raises
    ------
    DataError
        If votes and labels have different kinds of names, or --classes lacks one.
    """
    known = [] if y is None else np.unique(y[y != marker]).tolist()
    text = y is not None and isinstance(marker, str)
    if found is None:
        if given is None:
            if text:
                raise DataError(
                    f"{path}: labels are names ({known[:5]}) and votes are numbers: "
                    "say which classes the votes 0, 1, ... stand for, by --classes"
                )
            return votes, None
        classes = given if text or y is None else _integers(given)
        _check_classes(classes, known, path)
        return votes, classes
    if y is not None and not text:
        raise DataError(
            f"{path}: votes are names ({found[:5]}) and labels are numbers "
            f"({known[:5]}): write them alike"
        )
    if given is not None:
        _check_classes(given, known, path)
    classes = sorted({*found, *known}) if given is None else given
    return codes_of(votes, classes, path), classes


def classes_of_columns(n_columns, named, given, y, marker, path) -> list:
    """Classes that columns of probabilities stand for, in their order.

    Parameters
    ----------
    n_columns : int
        Number of the columns.
    named : list of str or None
        Classes that the names of the columns say.
    given : list of str or None
        Classes of the option --classes.
    y : ndarray of shape (n_rows,)
        Known labels.
    marker : int or str
        What stands for unknown in it.
    path : Path
        Of the probabilities.

    Raises
    ------
    DataError, UsageError
        If nothing says so, or what does lacks a known label.
    """
    known = np.unique(y[y != marker]).tolist()
    if named is not None and given is not None:
        raise UsageError(f"--classes: the columns of {path} have names: leave it out")
    names = given if named is None else named
    if names is None:
        if len(known) == n_columns:
            return known
        raise DataError(
            f"{path} has {n_columns} columns of probabilities, and the known labels "
            f"are {known[:10]}: say what the columns stand for, by --classes"
        )
    if len(names) != n_columns:
        raise UsageError(
            f"--classes has {len(names)} names, and {path} {n_columns} columns"
        )
    if not isinstance(marker, str):
        names = _integers(names) if named is None else _integers_of(names, path)
    lacking = [name for name in known if name not in names]
    # a weak model may know fewer classes; a name of --classes may be a slip
    if lacking and (named is None or len(lacking) == len(known)):
        raise DataError(
            f"the known labels {lacking[:5]} are none of the classes {names[:10]} that "
            f"the columns of {path} stand for: write them alike"
        )
    return names


def _integers_of(names, path) -> list[int]:
    try:
        return [int(name) for name in names]
    except ValueError:
        raise DataError(
            f"{path}: the columns stand for {names[:5]}, and known labels are integers:"
            " write them alike"
        ) from None


def _integers(names) -> list[int]:
    try:
        return [int(name) for name in names]
    except ValueError:
        raise UsageError(
            f"--classes {' '.join(names)}: labels are integers, so classes must be"
        ) from None


def _check_classes(classes, known, path) -> None:
    if list(classes) != sorted(set(classes)):
        right = " ".join(map(str, sorted(set(classes))))
        raise UsageError(f"--classes must be sorted, each once: {right}")
    lacking = [name for name in known if name not in classes]
    if lacking:
        raise DataError(
            f"{path}: the labels {lacking[:5]} are none of the --classes {classes[:10]}"
        )


def codes_of(votes: pd.DataFrame, classes: list, path: Path) -> pd.DataFrame:
    """Names of classes as codes.

    Raises
    ------
    DataError
        If a vote names no class.
    """
    place = {name: float(code) for code, name in enumerate(classes)}
    for name, column in votes.items():
        strange = column.dropna()[~column.dropna().isin(list(place))]
        if len(strange):
            row = votes.index.get_loc(strange.index[0]) + 1
            raise DataError(
                f"{path}, column {name!r}: {strange.iloc[0]!r} in data row {row} is "
                f"none of the classes {classes[:10]} of --classes"
            )
    return votes.apply(lambda column: column.map(place)).astype(np.float64)


def label_model(kind: str, **params) -> Any:
    """Label model of the option --label-model."""
    from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote

    models = {
        "label-model": LabelModel,
        "dawid-skene": DawidSkene,
        "majority": MajorityVote,
    }
    return models[kind](**params)
