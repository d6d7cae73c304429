"""Run: one command on given inputs, resumable, with outputs that are whole or absent.

A run is identified by the content of its inputs, its parameters and the versions of
what computes it. Finished parts of a long step are kept in a hidden folder beside the
output until the run has ended. A record beside the output says what it was made from.
"""

import errno
import glob
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # not every platform has it
    fcntl = None  # type: ignore[assignment]

from overlapkit import __version__
from overlapkit._cli._console import Console, DataError, one_line

__all__ = ["Run", "digest_of", "replacing", "write_text"]

# what the digits of a result may depend on
_LIBRARIES = (
    "numpy", "scipy", "pandas", "scikit-learn", "numba", "lightgbm", "pyarrow",
)  # fmt: skip
_LOCK = "lock"  # in the folder of parts, while a run is working
_ABANDONED = 3600  # seconds since a temporary file was last written to


def digest_of(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of the files of a folder."""
    if path.is_dir():
        whole = hashlib.sha256()
        for part in sorted(p for p in path.rglob("*") if p.is_file()):
            name = part.relative_to(path).as_posix()
            whole.update(f"{name} {digest_of(part)}\n".encode())
        return whole.hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path, folder: Path | None = None) -> Iterator[Path]:
    """Name of a temporary file that takes the place of `path` once it is written.

    Parameters
    ----------
    path : Path
        The file to write.
    folder : Path, default=None
        Where the temporary file lies, on the same disk; None: beside `path`.

    Yields
    ------
    temporary : Path
        The file to write to, with the suffix of `path`.
    """
    prefix, folder = f".{path.stem}.", folder or path.parent
    for old in folder.glob(f"{glob.escape(prefix)}????????{glob.escape(path.suffix)}"):
        _remove_abandoned(old)
    number, name = tempfile.mkstemp(prefix=prefix, suffix=path.suffix, dir=folder)
    os.close(number)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # as any new file, not private as mkstemp's
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    """Remove a temporary file of a run that was killed while it wrote."""
    try:
        if time.time() - path.stat().st_mtime > _ABANDONED:
            path.unlink()
    except OSError:
        pass  # of another user, or put in its place by a run that goes on


def write_text(path: Path, text: str, folder: Path | None = None) -> None:
    """Write a text file that is whole or absent; `folder` as in :func:`replacing`."""
    with replacing(path, folder) as temporary:
        temporary.write_text(text, encoding="utf-8")


class Run:
    """One command on given inputs.

    Parameters
    ----------
    console : Console
        Where progress is shown.
    command : str
        Name of the command.
    inputs : dict of str to list of Path
        Files read, by the option that names them.
    params : dict
        All that the result depends on besides, as JSON has it.
    outputs : list of Path
        Files that are written.
    record : Path
        File that says what the outputs were made from.
    work : Path
        Folder of the parts.
    force : bool
        Whether outputs of another run are overwritten.
    """

    def __init__(
        self,
        console: Console,
        command: str,
        inputs: dict[str, list[Path]],
        params: dict[str, Any],
        outputs: list[Path],
        record: Path,
        work: Path,
        force: bool,
    ) -> None:
        console.progress("reading the inputs")
        self._console = console
        self._outputs, self._record, self._work = outputs, record, work
        self.about = {
            "command": command,
            "parameters": params,
            "inputs": {
                option: [
                    {"path": str(path), "sha256": _digest_of_input(path)}
                    for path in paths
                ]
                for option, paths in inputs.items()
            },
            "versions": {"overlapkit": __version__} | _versions(),
        }
        self.key = _key_of(self.about)
        self._parts = work / self.key
        self._force = force

    def is_finished(self) -> bool:
        """Whether an earlier run has made these outputs; its results are printed.

        Raises
        ------
        DataError
            If an output exists that this run has not made.
        """
        there = [path for path in self._outputs if path.exists()]
        record = self._read_record()
        if record is not None and record["key"] == self.key and not self._force:
            made = record["outputs"]
            if all(
                path.exists() and digest_of(path) == made.get(path.name)
                for path in self._outputs
            ):
                shutil.rmtree(self._work, ignore_errors=True)
                for text in record["warnings"]:
                    self._console.say("warning", text)
                self._console.result(record["results"])
                self._console.say(
                    "note", "unchanged: an earlier run has made this from these inputs"
                )
                return True
        # a run that was stopped between two outputs may replace the first
        if there and not self._force and not self._parts.is_dir():
            raise DataError(
                f"{there[0]} exists, and is not the result of these inputs and "
                "parameters: choose another --out, or overwrite it with --force"
            )
        return False

    def _read_record(self) -> dict | None:
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) and "key" in record else None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep parts while the body runs; remove them once it has ended."""
        is_new = not self._work.parent.exists()
        try:
            self._work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"cannot write to {self._work.parent}: {one_line(error)}; choose "
                "another --out"
            ) from error
        with self._alone():
            yield from self._with_parts(is_new)

    def _with_parts(self, is_new) -> Iterator[None]:
        for path in _children(self._work):
            if path not in (self._parts, self._work / _LOCK):
                shutil.rmtree(path, ignore_errors=True)
        self._parts.mkdir(exist_ok=True)
        for path in self._parts.glob(".*"):  # of a run that was killed while writing
            path.unlink(missing_ok=True)
        try:
            yield
        except BaseException:
            if not _children(self._parts):
                shutil.rmtree(self._work, ignore_errors=True)
                if is_new and not _children(self._work.parent):
                    self._work.parent.rmdir()
            raise
        shutil.rmtree(self._work, ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuse to work beside another run; the system ends the lock of a killed one.

        Raises
        ------
        DataError
            If another run is writing these outputs.
        """
        if fcntl is None:
            yield
            return
        with (self._work / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                # any other number: a file system without locks
                if error.errno in (errno.EAGAIN, errno.EACCES):
                    raise DataError(
                        f"another run is writing {self._outputs[0]}: wait until it "
                        "has ended, or choose another --out"
                    ) from error
            yield

    def part(
        self,
        name: str,
        compute: Callable[[], Any],
        save: Callable[[Path, Any], None],
        load: Callable[[Path], Any],
    ) -> Any:
        """Result of a part, computed or as an earlier run has kept it."""
        path = self._parts / name
        kept = self.kept(name, load)
        if kept is not None:
            return kept
        value = compute()
        with replacing(path) as temporary:
            save(temporary, value)
        return value

    def kept(self, name: str, load: Callable[[Path], Any]) -> Any:
        """Return a part of an earlier run, or None."""
        path = self._parts / name
        if not path.exists():
            return None
        try:
            return load(path)
        except (OSError, ValueError, KeyError, EOFError):
            return None  # not whole, after a power cut: computed again

    def keep(self, name: str, value: Any, save: Callable[[Path, Any], None]) -> None:
        """Keep a part for a later run."""
        with replacing(self._parts / name) as temporary:
            save(temporary, value)

    def write(self, path: Path, save: Callable[[Path], None]) -> None:
        """Write an output in a temporary file and put it in its place."""
        with replacing(path, self._parts) as temporary:
            save(temporary)

    def finish(self, results: str) -> None:
        """Write the record; the results are printed."""
        outputs = {path.name: digest_of(path) for path in self._outputs}
        record = self.about | {
            "key": self.key,
            "outputs": outputs,
            "warnings": self._console.warned,
            "results": results,
        }
        write_text(self._record, json.dumps(record, indent=1) + "\n", self._parts)
        self._console.result(results)


def _digest_of_input(path: Path) -> str:
    try:
        return digest_of(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _key_of(about: dict) -> str:
    """Identify a run, wherever its files lie."""
    content = {
        option: [entry["sha256"] for entry in entries]
        for option, entries in about["inputs"].items()
    }
    text = json.dumps(about | {"inputs": content}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _children(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
