"""What is asked of a file before memory is taken for it."""

import gzip
import os
import re
import stat
import zipfile
import zlib
from pathlib import Path

__all__ = [
    "DAMAGED",
    "check_memory",
    "file_size",
    "inflated",
    "kind_of",
    "open_member",
    "readable",
    "shards_in",
]

# What zipfile raises at archives that are cut off or changed. NotImplementedError: a
# version or method that it does not know. UnicodeDecodeError: the name of a member.
DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    UnicodeDecodeError,
)
# What is compressed is refused if it is this much larger than stored, and this large.
_RATIO, _INFLATED = 100, 256 << 20
_STEP = 1 << 20


def readable(size) -> str:
    """Bytes in words."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def file_size(path) -> int:
    """Bytes of a regular file that is not empty.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If it is a pipe, a device or a folder, or is empty.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist.") from None
    if not stat.S_ISREG(status.st_mode):
        names = {
            stat.S_IFIFO: "a pipe",
            stat.S_IFCHR: "a device",
            stat.S_IFBLK: "a device",
            stat.S_IFSOCK: "a socket",
            stat.S_IFDIR: "a folder",
        }
        kind = names.get(stat.S_IFMT(status.st_mode), "no regular file")
        raise ValueError(f"{path} is {kind}: write the rows to a regular file first.")
    if status.st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes): write it again.")
    return status.st_size


def check_memory(size, what) -> None:
    """Refuse values that are larger than the memory of the machine.

    Raises
    ------
    ValueError
        If they are.
    """
    try:
        most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not every platform tells
        return
    if size > most:
        raise ValueError(
            f"{what} would take {readable(size)} of memory, and this machine has "
            f"{readable(most)}. If that is not the size you expect, the file is "
            "damaged; else write the rows as .npy, which is read in blocks."
        )


def kind_of(path) -> str:
    """The ending that says what a file holds, in small letters: .csv, or .csv.gz."""
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".gz":
        return Path(path.stem).suffix.lower() + ending
    return ending


def inflated(path, n_last) -> tuple[int, bytes]:
    """Bytes that a gzip file holds, and the last of them.

    It is read once to the end, a part at a time, so that what is too large, or
    damaged, is refused before memory is taken for it.

    Parameters
    ----------
    path : path-like
        The file.
    n_last : int
        How many of the last bytes to return.

    Returns
    -------
    size : int
        Number of bytes.
    last : bytes
        At most `n_last` of them.

    Raises
    ------
    ValueError
        If it is no whole gzip file, or holds more than this machine has memory for, or
        much more than it is stored as.
    """
    stored, size, last = file_size(path), 0, b""
    try:
        with gzip.open(path) as file:
            while part := file.read(_STEP):
                size += len(part)
                last = (last + part)[-n_last:]
                if size > _INFLATED:
                    check_memory(size, f"{path}")
                    _check_ratio(stored, size, path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is no whole gzip file ({error}): it is damaged or truncated. "
            "Write it again."
        ) from error
    if size == 0:
        raise ValueError(f"{path} holds 0 bytes: write it again.")
    return size, last


def _check_ratio(stored, size, name) -> None:
    """Refuse what was made to exhaust memory."""
    ratio = size / max(1, stored)
    if size > _INFLATED and ratio > _RATIO:
        raise ValueError(
            f"{name} is {readable(stored)} in the file and {readable(size)} or more in "
            f"memory, {ratio:.0f} times as much, as made to exhaust memory. If you "
            "made it yourself, save it without compression."
        )


def open_member(archive, info, path):
    """A member of a zip file, opened once its size is known to be plausible.

    Raises
    ------
    ValueError
        If it is encrypted, or inflates to much more than it is stored as.
    """
    check_memory(info.file_size, f"{path}: {info.filename}")
    ratio = info.file_size / max(1, info.compress_size)
    if info.file_size > _INFLATED and ratio > _RATIO:
        raise ValueError(
            f"{path}: {info.filename} is {readable(info.compress_size)} in the file "
            f"and {readable(info.file_size)} in memory, {ratio:.0f} times as much, as "
            "made to exhaust memory. If you made it yourself, save it by "
            "numpy.save or numpy.savez, which do not compress."
        )
    try:
        return archive.open(info)
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path}: {info.filename} cannot be read ({error}). Save it by numpy.savez."
        ) from error


def shards_in(folder, suffixes) -> list[Path]:
    """Files of a folder that hold rows, in natural order of their names.

    Parameters
    ----------
    folder : Path
        The folder. Names that begin with a dot or an underscore are left out, as
        other programs put marks beside their shards.
    suffixes : collection of str
        Endings that can be read.

    Returns
    -------
    files : list of Path
        At least one.

    Raises
    ------
    ValueError
        If there is none, there are several kinds, or there is a folder within.
    """
    inside = [p for p in folder.iterdir() if not p.name.startswith((".", "_"))]
    nested = sorted(p.name for p in inside if p.is_dir())
    if nested:
        raise ValueError(
            f"{folder} holds the folder {nested[0]!r}: shards within folders are not "
            "read, as their order is not known. Pass a list of the files."
        )
    kinds = sorted({kind_of(p) for p in inside} & set(suffixes))
    if len(kinds) != 1:
        found = (
            f"files of {len(kinds)} kinds ({', '.join(kinds)})"
            if kinds
            else (f"no file that ends in {', '.join(sorted(suffixes))}")
        )
        raise ValueError(
            f"{folder} holds {found}: a folder must hold shards of one kind. Pass a "
            "list of the files."
        )
    files = [p for p in inside if kind_of(p) == kinds[0]]
    return sorted(files, key=_natural)


def _natural(path):
    """Part 2 before part 10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in parts], path.name
