"""The main job: whether overlap selection helps on weakly labelled tables.

For each data set and seed, a label model turns the votes of labelling functions into
weak labels, OverlapDetector finds easy, overlap and hard rows, and the strong model
is trained on different choices of rows, each beside its controls.

Writes into --out: runs.csv (a line per data set, seed and student), summary.csv,
comparison.csv, PNG figures and report.html. Finished (data set, seed) pairs are kept
in --out/runs and not computed again.
"""

import argparse
import time

from joblib import Parallel, cpu_count, delayed
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from benchmarks.main_job import store
from benchmarks.main_job.data import SHIPPED, Unusable, available
from benchmarks.main_job.experiment import LABEL_MODELS, run
from benchmarks.main_job.report import print_tables, write_outputs
from overlapkit import __version__

DEFAULT_SEEDS, QUICK_SEEDS = 20, 2


def parse(argv):
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help=f"{QUICK_SEEDS} seeds (under a minute)")
    add("--datasets", nargs="+", metavar="NAME", help=f"default: {' '.join(SHIPPED)}")
    add("--seeds", type=int, metavar="N", help=f"default: {DEFAULT_SEEDS}")
    add("--strong", choices=["lightgbm", "mlp", "logistic"], default="lightgbm")
    add("--label-model", choices=list(LABEL_MODELS), default="label-model")
    add("--data", metavar="DIR", help="folder of data sets: WRENCH JSON, or npz")
    add("--out", metavar="DIR", default="results")
    add("--n-jobs", type=int, default=min(2, cpu_count()), metavar="N")
    options = parser.parse_args(argv)
    if options.seeds is None:
        options.seeds = QUICK_SEEDS if options.quick else DEFAULT_SEEDS
    if options.datasets is None:
        options.datasets = (
            list(SHIPPED) if not options.data else available(options.data)
        )
    unknown = set(options.datasets) - set(available(options.data))
    if unknown:
        known = ", ".join(available(options.data))
        parser.error(f"no data set {', '.join(sorted(unknown))}; there are: {known}")
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    return options


def main(argv=None):
    """Run what is not there yet, then print and write everything."""
    options = parse(argv)
    console = Console()
    start = time.perf_counter()
    pairs = [(name, seed) for name in options.datasets for seed in range(options.seeds)]
    runs, skipped = _run_all(pairs, options, console)
    if not runs:
        console.print("Nothing to report.")
        return 1
    settings = {
        "overlapkit": __version__,
        "strong model": options.strong,
        "label model": options.label_model,
        "seeds": options.seeds,
        "command": _command(options),
    }
    tables = write_outputs(runs, skipped, settings, options.out)
    print_tables(tables, console)
    for name, reason in skipped.items():
        console.print(f"{name}: skipped, {reason}")
    seconds = time.perf_counter() - start
    console.print(f"\n{len(runs)} runs, {seconds:.0f} s; see {options.out}/report.html")
    return 0


def _command(options):
    parts = ["python -m benchmarks"]
    if options.quick:
        parts.append("--quick")
    if options.datasets != list(SHIPPED):
        parts.append("--datasets " + " ".join(options.datasets))
    if options.data:
        parts.append("--data DIR")
    for name, default in (("strong", "lightgbm"), ("label_model", "label-model")):
        if getattr(options, name) != default:
            parts.append(f"--{name.replace('_', '-')} {getattr(options, name)}")
    if options.seeds != (QUICK_SEEDS if options.quick else DEFAULT_SEEDS):
        parts.append(f"--seeds {options.seeds}")
    return " ".join(parts)


def _run_all(pairs, options, console):
    """Results by (data set, seed), and the data sets that could not be used."""
    runs, waiting = {}, []
    for name, seed in pairs:
        stored = store.load(_path(name, seed, options))
        if stored is None:
            waiting.append((name, seed))
        else:
            runs[name, seed] = stored
    if runs:
        console.print(f"{len(runs)} finished runs found in {options.out}/runs")
    skipped = {}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    workers = Parallel(n_jobs=options.n_jobs, return_as="generator_unordered")
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(
            "data set x seed", total=len(pairs), completed=len(runs)
        )
        done = workers(delayed(_one)(name, seed, options) for name, seed in waiting)
        for name, seed, result in done:
            if isinstance(result, str):
                skipped[name] = result
            else:
                runs[name, seed] = result
            progress.update(bar, advance=1, description=f"{name}, seed {seed}")
    return {pair: runs[pair] for pair in pairs if pair in runs}, skipped


def _path(name, seed, options):
    where = "given" if options.data else "shipped"
    settings = (options.strong, options.label_model, where)
    return store.path_of(options.out, name, seed, settings)


def _one(name, seed, options):
    """Compute and store one run; a text says why it cannot be."""
    try:
        result = run(
            name,
            seed,
            strong=options.strong,
            label_model=options.label_model,
            data_dir=options.data,
        )
    except Unusable as reason:
        return name, seed, str(reason)
    store.save(_path(name, seed, options), result)
    return name, seed, result
