"""Paired timings, results and the table of the speed benchmark."""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from benchmarks.common import ROOT, markdown
from overlapkit.exceptions import OverlapkitWarning

ROWS: dict[str, Callable] = {}
# Threads of BLAS spin for some time after a product, on the cores that the next
# call of another library needs: a pause lets them fall asleep.
_PAUSE = 0.1


@dataclass(frozen=True)
class Settings:
    quick: bool = False
    repeats: int = 5
    folder: str | None = None  # where large temporary files go


@dataclass(frozen=True)
class Result:
    """One line of the table.

    ``ratio`` is what the target speaks about; ``sense`` says from which side.
    ``agrees`` is False when the numbers differ from those of the baseline.
    """

    work: str
    baseline: str
    ours_s: float | None
    baseline_s: float | None
    ratio: float | None
    sense: str  # "at most" or "at least"
    target: float
    agrees: bool = True
    unit: str = "x"
    note: str = ""

    @property
    def reached(self):
        if self.ratio is None:
            return None
        if self.sense == "at most":
            good = self.ratio <= self.target
        else:
            good = self.ratio >= self.target
        return good and self.agrees


def register(name):
    """Add a function ``settings -> iterable of Result`` to the table under a name."""

    def add(function):
        if name in ROWS:
            raise ValueError(f"There is a row named {name!r} already.")
        ROWS[name] = function
        return function

    return add


def seconds(function):
    start = time.perf_counter()
    value = function()
    return time.perf_counter() - start, value


@contextmanager
def quiet():
    """Drawn rows have no groups, and votes are as they are: warnings say so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapkitWarning)
        yield


def timed_inside(cls, method):
    """A class whose method takes down its seconds, and the list of these."""
    spent: list[float] = []

    def timed(self, *args, **kwargs):
        start = time.perf_counter()
        try:
            return getattr(cls, method)(self, *args, **kwargs)
        finally:
            spent.append(time.perf_counter() - start)

    # what estimators are made from is read off the signature of the class
    return type(cls.__name__, (cls,), {method: timed}), spent


def paired(ours, *baselines, repeats, shortest=0.01):
    """Time ours and its baselines in turn, so that noise falls on all alike.

    Returns the median seconds of each and, per baseline, the median over the
    repeats of ours / baseline. One round warms up; calls that a second finds shorter
    than ``shortest`` seconds are timed in loops of about that length. Long calls that
    need neither are timed as they are by ``shortest=0``.
    """
    functions = (ours, *baselines)
    loops = [1] * len(functions)
    if shortest > 0:
        for function in functions:
            function()
        loops = [max(1, int(shortest / seconds(f)[0])) for f in functions]

    def once(function, loop):
        time.sleep(_PAUSE)
        return seconds(lambda: [function() for _ in range(loop)])[0] / loop

    rounds = [[once(f, n) for f, n in zip(functions, loops)] for _ in range(repeats)]
    medians = [statistics.median(column) for column in zip(*rounds)]
    ratios = [
        statistics.median(times[0] / times[i] for times in rounds)
        for i in range(1, len(functions))
    ]
    return medians, ratios


def in_child(module, *arguments):
    """What a module prints as JSON when a process of its own runs it.

    A peak of resident memory belongs to a process.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def peak_resident_mib():
    """Peak of resident memory of this process, file pages included."""
    try:
        with open("/proc/self/status") as lines:
            peak = next(line for line in lines if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 2**10
    except (OSError, StopIteration):
        pass
    # Elsewhere; on Linux this figure would be inherited from the parent process.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def machine():
    names = ("numpy", "scipy", "scikit-learn", "numba", "threadpoolctl")
    names += ("ruptures", "snorkel", "crowd-kit", "faiss-cpu", "torch")
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"{name} not installed")
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            cpu = next(x.split(":", 1)[1].strip() for x in lines if "model name" in x)
    except (OSError, StopIteration):
        pass
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()}; "
        f"Python {platform.python_version()}, " + ", ".join(versions)
    )


def _number(value, unit=""):
    if value is None:
        return "-"
    return f"{value:.3g}{unit}" if value < 1000 else f"{value:.0f}{unit}"


def table(results):
    """Return the results as a Markdown table."""
    head = ("work", "ours", "baseline", "", "ratio", "target", "reached")
    lines = [head]
    for r in results:
        reached = {None: "not run", True: "yes", False: "NO"}[r.reached]
        if not r.agrees:
            reached += ", results differ"
        lines.append(
            (
                r.work,
                _number(r.ours_s, " s"),
                r.baseline,
                _number(r.baseline_s, " s"),
                _number(r.ratio, f" {r.unit}"),
                f"{r.sense} {_number(r.target, f' {r.unit}')}",
                reached,
            )
        )
    return markdown(lines)


def shortfalls(results):
    """Return a sentence for each result that fell short, differs or did not run."""
    sentences = []
    for r in results:
        note = f" ({r.note})" if r.note else ""
        if r.ratio is None:
            sentences.append(f"{r.work}: not run{note}.")
        elif not r.agrees:
            sentences.append(f"{r.work}: results differ from the baseline's{note}.")
        elif not r.reached:
            sentences.append(
                f"{r.work}: {_number(r.ratio, f' {r.unit}')} where {r.sense} "
                f"{_number(r.target, f' {r.unit}')} was wanted{note}."
            )
    return sentences
