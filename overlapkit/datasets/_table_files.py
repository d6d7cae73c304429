"""Readers of tables: CSV, Parquet, Arrow files and tables in memory."""

import csv
import gzip
import warnings
from typing import Any

import numpy as np
import pandas as pd

from overlapkit.datasets._checked_files import (
    check_memory,
    file_size,
    inflated,
    kind_of,
)

__all__ = ["read_arrow", "read_csv", "read_parquet", "read_table"]

_MISSING = (
    "",
    "NA",
    "N/A",
    "n/a",
    "<NA>",
    "NaN",
    "nan",
    "null",
    "NULL",
    "None",
    "#N/A",
)
_BATCH = 2048  # rows of a table at a time
_BUFFER_BYTES = 1 << 20  # without it, Arrow reads whole columns ahead
_TAIL_BYTES = 1 << 16


def read_csv(path, columns, ids):
    """Read columns of a CSV or TSV file.

    Returns
    -------
    values : DataFrame
    ids : ndarray of str or None
    """
    kind = kind_of(path)
    if kind.endswith(".gz"):
        size, tail = inflated(path, _TAIL_BYTES)
    else:
        size, tail = file_size(path), _last_bytes(path)
    check_memory(size, f"{path}")
    separator = "\t" if kind.startswith(".tsv") else ","
    try:
        return _read_csv(path, columns, ids, separator, size, tail)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text ({error}). Save it as UTF-8."
        ) from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as error:
        raise ValueError(
            f"{path}: a row has another number of fields than the header, or a quote "
            f"is not closed ({str(error).strip()}). Quote fields that hold separators."
        ) from error


def _last_bytes(path) -> bytes:
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        return file.read()


def _read_csv(path, columns, ids, separator, size, tail):
    compressed = kind_of(path).endswith(".gz")
    opened = gzip.open if compressed else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file, delimiter=separator), [])
    others = [c for c in (";", "\t", ",", "|") if len(names) == 1 and c in names[0]]
    if others:
        raise ValueError(
            f"{path} has a single column, {names[0][:80]!r}: its fields seem to be "
            f"separated by {others[0]!r}. Separate them by commas in .csv files and by "
            "tabs in .tsv files."
        )
    _check_unique(names, path)
    _check_last_row(path, names, separator, size, tail)
    wanted = _wanted(names, columns, ids, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # all columns: with some of them, rows that are too long would pass. An id is
        # read as it is written: 007 and NA are ids, too
        frame = pd.read_csv(
            path,
            sep=separator,
            compression="gzip" if compressed else None,
            encoding="utf-8-sig",
            dtype=None if ids is None else {ids: str},
            na_values={name: _MISSING for name in names if name != ids},
            keep_default_na=False,
            index_col=False,
            header=0,
            names=names,  # pandas would rename a column without a name
            low_memory=False,
            skip_blank_lines=len(names) > 1,
        )
    return frame[wanted], None if ids is None else _csv_ids(frame[ids])


def _csv_ids(column) -> np.ndarray:
    """Integers if all are written as such; else text, None where it is empty."""
    words = column.to_numpy(dtype=object)
    try:
        numbers = np.array([int(word) for word in words], dtype=np.int64)
    except (ValueError, OverflowError):
        return np.array([word or None for word in words], dtype=object)
    if all(str(number) == word for number, word in zip(numbers.tolist(), words)):
        return numbers
    return words


def _check_last_row(path, names, separator, size, tail) -> None:
    """A file that was cut off ends within a row, which pandas would fill up."""
    if tail.endswith((b"\n", b"\r")) or b'"' in tail:
        return
    line = tail.splitlines()[-1].decode("utf-8", errors="replace")
    fields = line.split(separator)
    if size > len(line) and len(fields) < len(names):
        raise ValueError(
            f"{path} ends within a row: the last has {len(fields)} fields, the header "
            f"{len(names)}. The file is truncated: write it again."
        )


def read_parquet(path, columns, ids):
    """Read columns of a Parquet file, batch by batch.

    Returns
    -------
    values : DataFrame, or ndarray of a list column
    ids : ndarray or None
    """
    pa = _pyarrow()
    from pyarrow import parquet

    file_size(path)
    try:
        with parquet.ParquetFile(
            path, pre_buffer=False, buffer_size=_BUFFER_BYTES
        ) as file:
            schema, n_rows = file.schema_arrow, file.metadata.num_rows
            reading, wanted = _reading(schema.names, columns, ids, path)
            batches = file.iter_batches(_BATCH, columns=reading)
            return _collected(batches, schema, n_rows, wanted, ids, path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is no Parquet file that can be read ({error}). Write it again."
        ) from error


def read_arrow(path, columns, ids):
    """Read columns of an Arrow or Feather file, batch by batch.

    Returns
    -------
    values : DataFrame, or ndarray of a list column
    ids : ndarray or None
    """
    pa = _pyarrow()
    file_size(path)
    try:
        # twice, as the number of rows stands nowhere
        n_rows = sum(batch.num_rows for batch in _arrow_batches(pa, path))
        schema = next(_arrow_batches(pa, path, schema=True))
        reading, wanted = _reading(schema.names, columns, ids, path)
        batches = (_whole(b.select(reading)) for b in _arrow_batches(pa, path))
        return _collected(batches, schema, n_rows, wanted, ids, path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is no Arrow file that can be read ({error}). Write it again."
        ) from error


def _whole(batch):
    """A batch whose lengths and offsets fit; Arrow ends the process at others."""
    batch.validate(full=True)
    return batch


def _arrow_batches(pa, path, schema=False):
    """Batches of an Arrow file or stream, one after the other."""
    with pa.memory_map(str(path)) as source:
        try:
            file = pa.ipc.open_file(source)
            numbers = range(file.num_record_batches)
            batches = (file.get_batch(k) for k in numbers)
        except pa.ArrowInvalid:
            source.seek(0)
            file = batches = pa.ipc.open_stream(source)
        if schema:
            yield file.schema
        else:
            yield from batches


def read_table(table, columns, ids):
    """Columns of a table in memory: Arrow, pandas, polars or what Arrow can read.

    Returns
    -------
    values : DataFrame, or ndarray of a list column
    ids : ndarray or None
    """
    name = type(table).__name__
    if isinstance(table, pd.DataFrame):
        names = [str(c) for c in table.columns]
        _check_unique(names, name)
        if all(isinstance(c, str) for c in table.columns):
            reading, wanted = _reading(names, columns, ids, name)
            if not any(_holds_lists(table[c]) for c in wanted):
                found = None if ids is None else table[ids].to_numpy()
                return table[wanted], found
    pa = _pyarrow()
    try:
        if isinstance(table, pd.DataFrame):
            table = pa.Table.from_pandas(table, preserve_index=False)
        table = pa.table(table)
    except (pa.ArrowException, TypeError) as error:
        raise ValueError(
            f"source is of type {name}, expected a path, paths, or a table in memory "
            f"(pandas, polars, Arrow): {error}."
        ) from error
    reading, wanted = _reading(table.schema.names, columns, ids, name)
    batches = table.select(reading).to_batches(_BATCH)
    return _collected(batches, table.schema, table.num_rows, wanted, ids, name)


def _holds_lists(column) -> bool:
    if column.dtype != object:
        return "list" in str(column.dtype)
    first = column.dropna().head(1)
    return len(first) > 0 and isinstance(first.iloc[0], list | tuple | np.ndarray)


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(
            "Parquet and Arrow need pyarrow: pip install pyarrow."
        ) from error
    return pyarrow


def _check_unique(names, path) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"{path} has several columns named {twice[:10]}: give each its own name."
        )


def _wanted(names, columns, ids, path) -> list[str]:
    """Names of the columns to read, in the order asked for."""
    if ids is not None and ids not in names:
        raise ValueError(
            f"{path} has no column {ids!r} for ids: give one of {names[:20]}."
        )
    if columns is None:
        # what pandas calls an index without a name
        wanted = [n for n in names if n != ids and not n.startswith("__index_level_")]
    else:
        wanted = [columns] if isinstance(columns, str) else list(columns)
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(
            f"{path} has no columns {missing[:10]}: give some of {names[:20]}"
            f"{f' and {len(names) - 20} more' if len(names) > 20 else ''}."
        )
    if not wanted:
        raise ValueError(
            f"{path} has no column beside the ids, so nothing to read: a source needs "
            "one at least."
        )
    return wanted


def _reading(names, columns, ids, path):
    names = list(names)
    _check_unique(names, path)
    wanted = _wanted(names, columns, ids, path)
    return wanted + ([ids] if ids is not None and ids not in wanted else []), wanted


def _collected(batches, schema, n_rows, wanted, ids, path):
    """Batches as one matrix, if a column of lists is wanted, or as a frame."""
    pa = _pyarrow()
    lists = [name for name in wanted if _list_type(schema.field(name).type) is not None]
    if lists and len(wanted) > 1:
        raise ValueError(
            f"{path}: the column {lists[0]!r} holds lists, and other columns are "
            f"read with it, such as {next(n for n in wanted if n != lists[0])!r}. Read "
            "it alone, "
            f"columns={lists[0]!r}, and join views by stack_views."
        )
    nested = [
        n for n in wanted if not lists and pa.types.is_nested(schema.field(n).type)
    ]
    if nested:
        raise ValueError(
            f"{path}: the columns {nested[:10]} hold nested values of type "
            f"{schema.field(nested[0]).type}, expected numbers, text or lists of "
            "numbers. Name other columns= or flatten them."
        )
    if n_rows == 0:
        return pd.DataFrame(columns=wanted), None if ids is None else np.empty(0)
    if not lists:
        table = pa.Table.from_batches(batches)
        check_memory(table.nbytes, f"{path}")
        frame = table.to_pandas(ignore_metadata=True)
        return frame[wanted], None if ids is None else frame[ids].to_numpy()
    matrix, found, start = None, [], 0
    for batch in batches:
        if batch.num_rows == 0:
            continue
        block = _matrix_of(batch.column(lists[0]), lists[0], start, matrix, path)
        if matrix is None:
            check_memory(n_rows * block.shape[1] * block.itemsize, f"{path}")
            matrix = np.empty((n_rows, block.shape[1]), dtype=block.dtype)
        matrix[start : start + len(block)] = block
        start += len(block)
        if ids is not None:
            # the column alone: lists would become objects
            found.append(batch.column(ids).to_pandas().to_numpy())
    return matrix, np.concatenate(found) if found else None


def _list_type(arrow_type):
    """Type of the elements of a list type; None for other types."""
    pa = _pyarrow()
    storage = getattr(arrow_type, "storage_type", arrow_type)
    is_list = (
        pa.types.is_list(storage)
        or pa.types.is_large_list(storage)
        or pa.types.is_fixed_size_list(storage)
    )
    return storage.value_type if is_list else None


def _matrix_of(column, name, start, matrix, path) -> np.ndarray:
    """A list column of some rows as a matrix; rows of the file begin at `start`."""
    pa = _pyarrow()
    import pyarrow.compute as pc

    column = getattr(column, "storage", column)
    kind = column.type.value_type
    number = pa.types.is_floating(kind) or pa.types.is_integer(kind)
    if not number and not pa.types.is_boolean(kind):
        raise ValueError(
            f"{path}: the column {name!r} holds lists of {kind}, expected lists of "
            "numbers."
        )
    if column.null_count:
        row = start + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise ValueError(
            f"{path}, row {row}: {name!r} is null, expected a list of numbers. Drop "
            "the row, or fill it."
        )
    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    width = lengths[0] if matrix is None else matrix.shape[1]
    if (lengths != width).any():
        row = int(np.argmax(lengths != width))
        raise ValueError(
            f"{path}, row {start + row}: {name!r} has {lengths[row]} values, and "
            f"{width} in the rows before. All rows must have as many."
        )
    if width == 0:
        raise ValueError(f"{path}, row {start}: {name!r} is an empty list.")
    flat = column.flatten()
    if flat.null_count:
        at = int(np.argmax(flat.is_null().to_numpy(zero_copy_only=False)))
        raise ValueError(
            f"{path}, row {start + at // width}: value {at % width} of {name!r} is "
            "null, expected a number. Drop the row, or fill it."
        )
    return flat.to_numpy(zero_copy_only=False).reshape(-1, width)
