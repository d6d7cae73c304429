"""Every public name against bad input: ``python -m tests.support.bad_input``.

A cell is one public callable, one of its arguments, one bad value. The callables are
found by looking at every ``__all__``; their arguments get valid values by name
(`tests.support.valid_input`), so a new public name is in the table at once. A cell
ends in one of five ways:

right    the value is one that can be read, and the result is that of a reference, such
         as the same numbers in a plain array
refused  ValueError or TypeError that names the argument and says what is expected, or
         ImportError that names it and the package to install
bare     any other error, or one that names neither
silent   a result that no reference confirms
hang     no answer within `SECONDS` of processor time
"""

import argparse
import collections
import re
import signal
import sys
import time
import traceback
import warnings

import joblib

from tests.support import valid_input
from tests.support.bad_values import changes_for

SECONDS = 20
# what a message may call an argument instead of its name
ALIASES = {
    "X": (
        "votes?",
        "strong view",
        "Found array with",
        "Expected 2D array",
        "Complex data",
        "convert your data",
        "feature",
        "rows?",
        "columns?",
    ),
    "X_test": ("X", "Found array with", "features?"),
    "y": ("labels?", "Complex data", "class(es)?"),
    "strong": ("strong view",),
    "L": ("votes?", "X"),
    "reference": ("X",),
    "values": ("The values",),
    "sources": ("source",),
    "missing_label": ("labelled rows", "labels are"),
    "weak_columns": ("weak view",),
    "gains": ("Differences",),
    "sample_weight": ("sample weights?", "weights?"),
}
# words of a message that say what was expected or what to do
REMEDY = re.compile(
    r"must|expect|need|requir|should|give|use |pass|convert|drop|fill|impute|reshape|"
    r"replace|cast|raise|select|leave|minimum|inconsistent|rescale|did you|only|"
    r"instead|choose|say so|at least|at most|one of|name|does not accept|"
    r"not supported|check",
    re.I,
)


class Hang(BaseException):
    """A cell took too long; no `except Exception` may hold it up."""


def _alarm(*_):
    raise Hang


def names_argument(message, argument) -> bool:
    """Whether a message names the argument, or what it is called in messages."""
    if re.search(rf"(?<![A-Za-z0-9]){re.escape(argument)}(?![A-Za-z0-9])", message):
        return True
    words = "|".join(ALIASES.get(argument, ()))
    return bool(words and re.search(rf"\b(?:{words})", message, re.IGNORECASE))


class Cell:
    """One call with one bad value."""

    def __init__(self, case, argument, change):
        self.case, self.argument, self.change = case, argument, change

    def __str__(self):
        return f"{self.case.name}({self.argument}={self.change.name})"

    def run(self):
        """Return the outcome and, for all but "right", what was seen."""
        # of processor time, as other processes take the rest; ten times that for a wait
        clocks = (
            (signal.SIGPROF, signal.ITIMER_PROF, SECONDS),
            (signal.SIGALRM, signal.ITIMER_REAL, 10 * SECONDS),
        )
        for kind, timer, seconds in clocks:
            signal.signal(kind, _alarm)
            signal.setitimer(timer, seconds)
        try:
            with warnings.catch_warnings(), joblib.parallel_config("threading"):
                warnings.simplefilter("ignore")
                return self._run()
        except Hang:
            return "hang", f"more than {SECONDS} s"
        finally:
            for _, timer, _ in clocks:
                signal.setitimer(timer, 0)

    def _run(self):
        values = dict(self.case.arguments())
        try:
            changed = self.change.apply(values[self.argument])
        except valid_input.DoesNotApply:
            return "skip", ""
        values[self.argument] = changed
        try:
            result = self.case.call(**values)
        except (ValueError, TypeError, ImportError) as error:
            text = str(error)
            kind = type(error).__name__
            if not names_argument(text, self.argument):
                return "bare", f"{kind}, argument not named: {text[:300]}"
            if not REMEDY.search(text):
                return "bare", f"{kind}, no remedy: {text[:300]}"
            if re.search(r"\bnp\.(str_|bytes_|bool_?|u?int\d+|float\d+)\(", text):
                return "bare", f"{kind}, prints NumPy's names: {text[:300]}"
            return "refused", text
        except Hang:
            raise
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            return "bare", (
                f"{type(error).__name__}: {str(error)[:200]} "
                f"({where.filename.split('/')[-1]}:{where.lineno})"
            )
        try:
            problem = self.change.judge(self.case, self.argument, values, result)
        except Exception as error:  # of the reference
            problem = f"no reference: {type(error).__name__}: {str(error)[:200]}"
        return ("right", "") if problem is None else ("silent", problem)


def cells(share=1.0):
    """All cells, or the same part of them every time, spread over the names."""
    everything = [
        Cell(case, argument, change)
        for case in valid_input.cases()
        for argument in case.arguments()
        for change in changes_for(case, argument)
    ]
    step = max(1, round(1 / share))
    return everything[::step]


def run(chosen, verbose=False):
    """Outcome -> list of (cell, what was seen)."""
    outcomes = collections.defaultdict(list)
    for cell in chosen:
        start = time.perf_counter()
        outcome, seen = cell.run()
        seconds = time.perf_counter() - start
        outcomes[outcome].append((str(cell), seen))
        if verbose and outcome in ("bare", "silent", "hang"):
            print(f"{outcome:8}{cell}: {seen}", flush=True)
        if verbose and seconds > 3:
            print(f"slow    {cell}: {seconds:.1f} s", flush=True)
    return outcomes


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="cells whose text matches this")
    parser.add_argument("--share", type=float, default=1.0)
    options = parser.parse_args(argv)
    chosen = [c for c in cells(options.share) if re.search(options.only, str(c))]
    outcomes = run(chosen, verbose=True)
    outcomes.pop("skip", None)
    names = {str(c).partition("(")[0].split(".")[0] for c in chosen}
    print(f"\n{sum(map(len, outcomes.values()))} cells of {len(names)} public names")
    for outcome in ("right", "refused", "bare", "silent", "hang"):
        print(f"{outcome:8}{len(outcomes[outcome]):6}")
    return any(outcomes[o] for o in ("bare", "silent", "hang"))


if __name__ == "__main__":
    sys.exit(main())
