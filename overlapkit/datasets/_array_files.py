"""Readers of files that hold arrays: npy, npz, safetensors and raw values."""

import json
import math
import os
import tokenize
import zipfile

import numpy as np

from overlapkit._utils.memory_map import is_bfloat16, join_rows
from overlapkit.datasets._checked_files import DAMAGED, file_size, open_member

__all__ = [
    "check_npz",
    "check_text",
    "read_npy",
    "read_npz",
    "read_raw",
    "read_safetensors",
]

_TENSORS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "bfloat16",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
# What NumPy raises at headers of npy files. TokenError: one ends within brackets;
# SyntaxError: a type is no literal; MemoryError, RecursionError: too many brackets.
_NOT_READABLE = (
    *(ValueError, OverflowError, SyntaxError, MemoryError, RecursionError),
    tokenize.TokenError,
)
_MOST_HEADER = 100 << 20  # of a safetensors file, as its own reader has it


def read_npy(path, dtype=None):
    """Map the array of an npy file.

    Returns
    -------
    values : memmap or RowMatrix
    """
    size = file_size(path)
    with open(path, "rb") as file:
        shape, order, stored = _npy_header(file, path)
        offset = file.tell()
    stored = _check_dtype(stored, dtype, path)
    return _mapped(path, offset, shape, stored, order, size)


def read_npz(path, columns, ids):
    """Read one array, and the ids, of an npz file.

    Returns
    -------
    values : ndarray
    ids : ndarray or None
    """
    file_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {
                info.filename.removesuffix(".npy"): info for info in archive.infolist()
            }
            key = _one_key(members, columns, ids, path)
            return [
                None if name is None else _npz_array(archive, members[name], path)
                for name in (key, ids)
            ]
    except DAMAGED as error:
        raise ValueError(
            f"{path} is no complete npz file ({error}). Write it again by numpy.savez."
        ) from error


def read_safetensors(path, columns, ids):
    """Map one tensor, and the ids, of a safetensors file.

    Returns
    -------
    values : memmap or RowMatrix
    ids : ndarray or None
    """
    size = file_size(path)
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _MOST_HEADER):
            raise ValueError(
                f"{path} has {size} bytes and announces a header of {length}: it is "
                "truncated or no safetensors file. Write it again."
            )
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"{path} has no readable header ({error}): it is no safetensors file."
            ) from error
    if not isinstance(header, dict):
        raise ValueError(f"{path} has no table of tensors: it is no safetensors file.")
    header.pop("__metadata__", None)
    key = _one_key(header, columns, ids, path)
    start = 8 + length
    return [
        None if name is None else _tensor(path, name, header[name], start, size)
        for name in (key, ids)
    ]


def read_raw(path, dtype, shape):
    """Map a file of bare values.

    Returns
    -------
    values : memmap or RowMatrix
    """
    size = file_size(path)
    stored = _named_dtype(dtype)
    shape = tuple(shape)
    if any(not isinstance(n, int | np.integer) for n in shape) or len(shape) != 2:
        raise ValueError(
            f"shape={shape!r}, expected two integers, rows and columns; (-1, columns) "
            "takes as many rows as there are."
        )
    n_rows, width = map(int, shape)
    row_bytes = width * _itemsize(stored)
    if width < 1 or n_rows < -1 or n_rows == 0:
        raise ValueError(f"shape={shape!r}, expected a row and a column at least.")
    if n_rows == -1:
        if size % row_bytes:
            raise ValueError(
                f"{path} has {size} bytes, which is no whole number of rows of "
                f"{width} {dtype} values ({row_bytes} bytes each): it is truncated, or "
                "has another shape or dtype."
            )
        n_rows = size // row_bytes
    if size != n_rows * row_bytes:
        raise ValueError(
            f"{path} has {size} bytes, but {n_rows} x {width} {dtype} values are "
            f"{n_rows * row_bytes}: it is truncated, or has another shape or dtype."
        )
    return _mapped(path, 0, (n_rows, width), stored, "C", size)


def _npy_header(file, path):
    """Shape, order and dtype, without reading a value."""
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ValueError(f"version {version} of the format")
        shape, fortran, dtype = read(file)
        if any(n < 0 for n in shape):
            raise ValueError(f"the shape {shape}")
    except _NOT_READABLE as error:
        raise ValueError(
            f"{path} is no npy file that can be read ({error}). Write it by numpy.save."
        ) from error
    return shape, "F" if fortran else "C", dtype


def _check_dtype(stored, dtype, path):
    """The dtype to read values in: the stored one, unless that says nothing."""
    if stored.hasobject:
        raise ValueError(
            f"{path} holds Python objects, which only pickle could read, and "
            "unpickling runs code of the file. Save numbers, or strings by "
            "numpy.array(list_of_str)."
        )
    if stored.kind == "V" and stored.names is None and stored.itemsize == 2:
        if dtype is None or not is_bfloat16_name(dtype):
            raise ValueError(
                f"{path} holds values of 2 bytes of a type that npy files cannot "
                "name: if they are bfloat16, pass dtype='bfloat16'."
            )
        return "bfloat16"
    if dtype is not None:
        raise ValueError(
            f"dtype={dtype!r} is given, but {path} says itself that it holds {stored}: "
            "leave dtype unset."
        )
    if stored.kind not in "biufSUmM":
        raise ValueError(
            f"{path} holds values of dtype {stored}, expected numbers or strings. Save "
            "one array per field, by numpy.savez or as Parquet."
        )
    return stored


def is_bfloat16_name(dtype) -> bool:
    """Whether a dtype given by a user is bfloat16."""
    if isinstance(dtype, str):
        return dtype == "bfloat16"
    return is_bfloat16(dtype)


def _named_dtype(dtype):
    if is_bfloat16_name(dtype):
        return "bfloat16"
    try:
        found = np.dtype(dtype)
    except TypeError as error:
        raise ValueError(f"dtype={dtype!r} is no dtype of NumPy: {error}.") from error
    if found.kind not in "biuf":
        raise ValueError(f"dtype={dtype!r}, expected numbers or 'bfloat16'.")
    return found


def _itemsize(stored) -> int:
    return 2 if isinstance(stored, str) else stored.itemsize


def _mapped(path, offset, shape, stored, order, size):
    """A read-only map of values, or an error if the file does not hold them all."""
    needed = math.prod(shape) * _itemsize(stored)
    if needed > size - offset:
        what = "x".join(map(str, shape))
        raise ValueError(
            f"{path} has {size - offset} bytes of values, but an array of shape {what} "
            f"and dtype {stored} takes {needed}: the file is truncated. Write it again."
        )
    if len(shape) not in (1, 2) or 0 in shape:
        raise ValueError(
            f"{path} has an array of shape {shape}, expected rows, or rows and "
            "columns, and one of each at least."
        )
    narrow = isinstance(stored, str)
    values = np.memmap(
        os.fspath(path), np.uint16 if narrow else stored, "r", offset, shape, order
    )
    if not narrow:
        check_text(values, path)
    return _native(values, narrow)


def _native(values, bfloat16):
    """Values in the byte order of this machine, converted when they are read."""
    if values.ndim == 2:
        return join_rows([values], bfloat16=bfloat16)
    if bfloat16:
        return np.asarray(join_rows([values[:, None]], bfloat16=True))[:, 0]
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _one_key(arrays, columns, ids, path) -> str:
    """Name of the array to read."""
    present = sorted(arrays)
    wanted = [columns] if isinstance(columns, str) else columns
    if ids is not None and ids not in arrays:
        raise ValueError(f"{path} has no array {ids!r} for ids; it has {present[:20]}.")
    if wanted is None:
        wanted = [name for name in present if name != ids]
        if len(wanted) != 1:
            raise ValueError(
                f"{path} holds the arrays {wanted[:20]}: name the one to read, "
                f"columns={(wanted or ['name'])[0]!r}."
            )
    if len(wanted) != 1 or wanted[0] not in arrays:
        raise ValueError(
            f"columns={columns!r} must name one array of {path}, which has "
            f"{present[:20]}. Open each array for itself, and join views by "
            "stack_views."
        )
    return wanted[0]


def check_npz(path) -> None:
    """Check the sizes of all arrays of an npz file before any value is read.

    Raises
    ------
    ValueError
        If it is a pipe, a device, a folder or empty, or an array is encrypted, inflates
        to much more than is stored, or is not as large as its header says.
    zipfile.BadZipFile, zlib.error, EOFError
        If it is no complete zip file.
    """
    file_size(path)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            where = f"{path}: {info.filename}"
            with open_member(archive, info, path) as file:
                shape, _, stored = _npy_header(file, where)
                if not stored.hasobject:
                    _check_values(file, info, shape, stored, where)


def _check_values(file, info, shape, stored, where) -> int:
    """Bytes of the values behind a header, which must be those that the file has."""
    needed = math.prod(shape) * stored.itemsize
    if needed != info.file_size - file.tell():
        raise ValueError(
            f"{where} has {info.file_size - file.tell()} bytes of values, but an "
            f"array of shape {shape} and dtype {stored} takes {needed}: the file "
            "is damaged. Write it again by numpy.savez."
        )
    return needed


def _npz_array(archive, info, path):
    where = f"{path}: {info.filename}"
    with open_member(archive, info, path) as file:
        shape, order, stored = _npy_header(file, where)
        stored = _check_dtype(stored, None, where)
        needed = _check_values(file, info, shape, stored, where)
        if len(shape) not in (1, 2) or 0 in shape:
            raise ValueError(
                f"{where} has shape {shape}, expected rows, or rows and columns, and "
                "one of each at least."
            )
        values = np.empty(math.prod(shape), dtype=stored)
        view = memoryview(values.view(np.uint8))
        done = 0
        while done < len(view):
            n = file.readinto(view[done : done + (1 << 20)])
            if not n:
                raise ValueError(f"{where} ends after {done} of {needed} bytes.")
            done += n
    values = values.reshape(shape, order=order)
    values = values.astype(stored.newbyteorder("="), copy=False)
    check_text(values, where)
    return values


def check_text(values, where) -> None:
    """Refuse text that holds numbers which are no characters.

    Raises
    ------
    ValueError
        If there are any; Python and Arrow would raise errors of their own.
    """
    if values.dtype.kind == "U" and values.dtype.itemsize:
        codes = np.ascontiguousarray(values).view(np.uint32)
        if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any():
            raise ValueError(
                f"{where} holds text with numbers that are no characters: it is "
                "damaged. Write it again."
            )
    elif values.dtype.kind == "S":
        try:
            np.char.decode(values, "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{where} holds bytes that are no UTF-8 text ({error}): write text by "
                "numpy.array(list_of_str)."
            ) from error


def _tensor(path, name, entry, start, size):
    """Map a tensor that the header of a safetensors file describes."""
    where = f"{path}: {name}"
    try:
        kind, shape = entry["dtype"], tuple(entry["shape"])
        first, last = entry["data_offsets"]
        if not all(type(n) is int and n >= 0 for n in (*shape, first, last)):
            raise ValueError(f"shape {shape} and offsets {first}, {last}")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{where} has no readable header ({error!r}).") from error
    if kind not in _TENSORS:
        raise ValueError(
            f"{where} has dtype {kind}, expected one of {', '.join(_TENSORS)}. Convert "
            "it to float16."
        )
    stored = _named_dtype(_TENSORS[kind])
    needed = math.prod(shape) * _itemsize(stored)
    if last - first != needed or start + last > size:
        raise ValueError(
            f"{where} has shape {shape} and dtype {kind}, {needed} bytes, and the file "
            f"has {size - start} bytes for all tensors, {last - first} of them for "
            "this one: it is truncated or damaged. Write it again."
        )
    return _mapped(path, start + first, shape, stored, "C", start + last)
