"""What all commands share: options, data folder, parallel runs, tables, figures.

A command is a module with a function ``main(argv)`` that returns the exit code. A text
SUMMARY stands in the list of commands, in place of the first line of the module's
docstring; a text COMMAND is its name where the name of the file is not.
"""

import argparse
import contextlib
import glob
import os
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from overlapkit.exceptions import OverlapkitWarning

ROOT = Path(__file__).resolve().parents[1]
DATA = "OVERLAPKIT_DATA"
ABANDONED = 3600  # seconds since a temporary file was last written to


def parse(
    command,
    doc,
    argv,
    *,
    seeds=None,
    quick_seeds=2,
    full_seeds=None,
    full=None,
    quick=None,
    jobs=True,
    data=False,
    out=None,
    **more,
):
    """Options of a command; each shared option is there only where it is used.

    Parameters
    ----------
    command : str
        What follows ``python -m benchmarks``.
    doc : str
        Text of ``--help``.
    argv : list of str or None
        The arguments; None reads those of the process.
    seeds, quick_seeds : int, optional
        Seeds by default and with ``--quick``; no seeds, no ``--seeds``, and no quick
        seeds where a verdict needs all of them.
    full_seeds : int, optional
        Seeds with ``--full``; none, no ``--full``.
    full : str, optional
        What else ``--full`` does.
    quick : str, optional
        What else ``--quick`` does.
    jobs : bool, default=True
        Whether there is ``--n-jobs``.
    data : {False, "environment", "given"}, default=False
        Whether there is ``--data``, and whether the environment gives its default.
    out : str, optional
        Default of ``--out``, a folder in ``results``.
    **more : dict
        Options of this command: name with underscores, and what `add_argument` takes.
    """
    parser = argparse.ArgumentParser(
        f"python -m benchmarks {command}".strip(),
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    if seeds is not None:
        add("--seeds", type=int, metavar="N", help=f"default: {seeds}")
        if quick_seeds is not None:
            quick = f"{quick_seeds} seeds" + (f", {quick}" if quick else "")
    if quick is not None:
        add("--quick", action="store_true", help=quick)
    if full_seeds is not None:
        text = f"{full_seeds} seeds" + (f", {full}" if full else "")
        add("--full", action="store_true", help=text)
    if jobs:
        add("--n-jobs", type=int, default=-1, metavar="N", help="default: all cores")
    if data:
        default = os.environ.get(DATA) if data == "environment" else None
        where = f"the variable {DATA}" if data == "environment" else "shipped sets only"
        text = f"folder of data sets; default: {where}"
        add("--data", type=Path, metavar="DIR", default=default, help=text)
    if out is not None:
        out = Path("results", out)
        add("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    for name, settings in more.items():
        add(f"--{name.replace('_', '-')}", **settings)
    options = parser.parse_args(argv)
    if seeds is not None:
        whole = full_seeds is not None and options.full
        if whole and quick and options.quick:
            parser.error("--quick and --full contradict each other: give one")
        if options.seeds is None:
            default = full_seeds if whole else seeds
            options.seeds = quick_seeds if quick and options.quick else default
        if options.seeds < 1:
            parser.error(f"--seeds must be at least 1, got {options.seeds}")
    if data and options.data is not None and not options.data.is_dir():
        parser.error(f"{options.data} is not a folder (--data or {DATA})")
    options.error = parser.error
    return options


def run(function, settings, n_jobs, done=None):
    """Results of ``function(**setting)``, in the order of the settings.

    BLAS has one thread in each, since the matrices are small; the warnings of the
    package are hidden, since they are the subject of some commands and noise in all
    others. ``done(setting, result)`` is called as soon as a result is there.
    """
    settings = list(settings)

    results = [None] * len(settings)
    jobs = ((function, *setting) for setting in enumerate(settings))
    for position, result in as_completed(_run_one, jobs, n_jobs):
        results[position] = result
        if done is not None:
            done(settings[position], result)
    return results


def _run_one(function, position, setting):
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapkitWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        return position, function(**setting)


def as_completed(function, jobs, n_jobs):
    """Results of ``function(*job)`` as they come, or all at the end."""
    backend, _ = get_active_backend()
    unordered = backend.supports_return_generator
    workers = Parallel(n_jobs, return_as="generator_unordered" if unordered else "list")
    return workers(delayed(function)(*job) for job in jobs)


def run_rows(function, settings, n_jobs):
    """A frame of the rows, one dict each, that all calls give."""
    parts = run(function, settings, n_jobs)
    return pd.DataFrame([row for part in parts for row in part])


def share(mask):
    """Mean of a mask, NaN when there is nothing."""
    return float(np.mean(mask)) if len(mask) else np.nan


def show(title, table, digits=3):
    """Print a table."""
    with pd.option_context("display.width", 200):
        print(f"\n{title}\n{table.round(digits).to_string(na_rep='')}")


def write(frame, options, name):
    """Save a CSV file in the folder of results."""
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{name}.csv"
    frame.to_csv(path, index=False, float_format="%.6g")
    print(f"wrote {path}")


def write_atomically(path, content):
    """Write a file that is never seen half written; nothing is left on failure."""
    path = Path(path)
    content = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        # of a run that was killed while it wrote, unless another writes it now
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > ABANDONED:
                old.unlink()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def markdown(lines):
    """A Markdown table; the first line is its head."""
    lines = [lines[0], ("---",) * len(lines[0]), *lines[1:]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths)) + " |"
        for line in lines
    )


def targets(lines):
    """Print (what, value, "at least" or "at most", limit); 0 when all are reached."""
    failures = 0
    for what, value, sense, limit in lines:
        good = bool(value >= limit if sense == "at least" else value <= limit)
        failures += not good
        verdict = "yes" if good else "NO"
        print(f"  {what:45} {value:8.3f} {sense:>9} {limit:.3f}  {verdict}")
    return int(failures > 0)


def grid(n, *, columns=2, size=(5.0, 3.6), **options):
    """A figure of n panels, and its axes; cells that are left over stay empty."""
    from matplotlib.figure import Figure

    columns = min(columns, n)
    rows = -(-n // columns)
    figure = Figure((size[0] * columns, size[1] * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes.flat[n:]:
        ax.set_visible(False)
    return figure, axes.ravel()[:n]


def panels(options, name, titles, draw, *, ylabel=None, columns=3):
    """A PNG file of one panel per title, drawn by `draw(ax, title)`.

    With a `ylabel` the panels share their vertical axis. Where `draw` makes no legends,
    that of the first panel stands below all of them, where it covers no line.
    """
    figure, axes = grid(
        len(titles), columns=columns, size=(4.2, 3.2), sharey=ylabel is not None
    )
    for ax, title in zip(axes, titles):
        draw(ax, title)
        ax.set_title(title)
        if ylabel is not None and ax.get_subplotspec().is_first_col():
            ax.set_ylabel(ylabel)
    if all(ax.get_legend() is None for ax in axes):
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{name}.png"
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")
