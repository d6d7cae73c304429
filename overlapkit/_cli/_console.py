"""Console: results to stdout; progress, notes and warnings to stderr."""

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Console", "DataError", "UsageError", "one_line"]

_EVERY = 1.0  # seconds between two lines of progress that is not on a terminal


class DataError(Exception):
    """The data or a file is at fault: which one, where, and what to do."""


class UsageError(Exception):
    """The arguments are at fault, in a way that argparse does not see."""


def one_line(error: BaseException) -> str:
    """Message of an error in one line."""
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    else:
        text = str(error) or type(error).__name__
    # the parameter of the API that a user of the command gives by an option
    return " ".join(text.replace("`classes`", "--classes").split())


class Console:
    """Where a command says something.

    Parameters
    ----------
    name : str
        Name of the command, at the start of its messages.
    progress : bool or None
        Whether to show progress; None: on a terminal only.
    """

    def __init__(self, name: str, progress: bool | None) -> None:
        self._name = name
        self._terminal = sys.stderr.isatty()
        self._shows = self._terminal if progress is None else progress
        self._drawn = 0
        self._last = 0.0
        self.warned: list[str] = []

    def result(self, text: str) -> None:
        """Print a result."""
        self._clear()
        print(text, flush=True)

    def say(self, kind: str, text: str) -> None:
        """Print a message to stderr: an error, a warning or a note."""
        self._clear()
        print(f"{self._name}: {kind}: {text}", file=sys.stderr, flush=True)

    def progress(self, step: str, done: int = 0, total: int = 0) -> None:
        """Show which step is running, and how far it is.

        Parameters
        ----------
        step : str
            What is being done.
        done, total : int
            Parts that are done, and all; 0 and 0: the step has no parts.
        """
        if not self._shows:
            return
        now = time.monotonic()
        begins, ends = done == 0, done == total
        if not (begins or ends) and now - self._last < (0.1 if self._terminal else 1):
            return
        self._last = now
        text = step if not total else f"{step}: {done} of {total} ({done / total:.0%})"
        if self._terminal:
            padded = text.ljust(self._drawn)
            print(f"\r{padded}", end="", file=sys.stderr, flush=True)
            self._drawn = len(text)
        else:
            print(f"{self._name}: {text}", file=sys.stderr, flush=True)

    def _clear(self) -> None:
        """Remove a line of progress from the terminal."""
        if self._drawn:
            print("\r" + " " * self._drawn + "\r", end="", file=sys.stderr)
            self._drawn = 0

    @contextmanager
    def plain_warnings(self) -> Iterator[None]:
        """Print warnings of overlapkit as sentences, each once; hide others."""

        def show(message, category, filename, lineno, file=None, line=None):
            text = one_line(message)
            if text not in self.warned:
                self.warned.append(text)
                self.say("warning", text)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # by the name of its class: the class itself is not imported for --help
            from overlapkit.exceptions import OverlapkitWarning

            warnings.simplefilter("always", OverlapkitWarning)
            warnings.showwarning = show
            yield
