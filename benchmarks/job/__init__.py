"""The main job: whether overlap selection helps on weakly labelled tables.

For each data set and seed, a label model turns the votes of labelling functions into
weak labels, OverlapDetector finds easy, overlap and hard rows, and the strong model
is trained on different choices of rows, each beside its controls.

Writes into --out: runs.csv (a line per data set, seed and student), summary.csv,
comparison.csv, tables.md, PNG figures and report.html. Finished (data set, seed) pairs
are kept in --out/runs and not computed again, as long as data, parameters and versions
are the same.
"""

import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from benchmarks import common
from benchmarks.job import store
from benchmarks.job.data import SHIPPED, Unusable, available
from benchmarks.job.experiment import LABEL_MODELS, run
from benchmarks.job.report import make_tables, print_tables, write_outputs
from overlapkit import __version__

COMMAND = "main"
SUMMARY = "does overlap selection help here? (default)"
DEFAULTS = {"strong": "lightgbm", "label_model": "label-model"}
SEEDS = 20


def parse(argv):
    """Options of the command line."""
    options = common.parse(
        "",
        __doc__,
        argv,
        seeds=SEEDS,
        quick="under a minute",
        data="given",
        out="",
        datasets={
            "nargs": "+",
            "metavar": "NAME",
            "help": f"default: {' '.join(SHIPPED)}, or all with --data",
        },
        strong={
            "choices": ["lightgbm", "mlp", "logistic"],
            "default": DEFAULTS["strong"],
        },
        label_model={
            "choices": list(LABEL_MODELS),
            "default": DEFAULTS["label_model"],
        },
    )
    known = available(options.data)
    if options.datasets is None:
        options.datasets = known if options.data else list(SHIPPED)
    unknown = set(options.datasets) - set(known)
    if unknown:
        options.error(
            f"no data set {', '.join(sorted(unknown))}; there are: {', '.join(known)}"
        )
    return options


def main(argv=None):
    """Run what is not there yet, then print and write everything."""
    options = parse(argv)
    console = Console()
    start = time.perf_counter()
    runs, skipped = _run_all(options, console)
    for name, reason in skipped.items():
        console.print(f"{name}: skipped, {reason}")
    if not runs:
        console.print("Nothing to report.")
        return 1
    tables = make_tables(runs)
    print_tables(tables, console)
    settings = {
        "overlapkit": __version__,
        "strong model": options.strong,
        "label model": options.label_model,
        "seeds": options.seeds,
        "command": _command(options),
    }
    try:
        write_outputs(tables, runs, skipped, settings, options.out)
    except OSError as error:
        console.print(f"The tables above are complete; not written: {error}")
        return 1
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
    for name, default in DEFAULTS.items():
        if getattr(options, name) != default:
            parts.append(f"--{name.replace('_', '-')} {getattr(options, name)}")
    if options.seeds != (2 if options.quick else SEEDS):
        parts.append(f"--seeds {options.seeds}")
    return " ".join(parts)


def _run_all(options, console):
    """Results by (data set, seed), and the data sets that could not be used."""
    pairs = [(name, seed) for name in options.datasets for seed in range(options.seeds)]
    runs, waiting, stale = {}, [], set()
    keys = {
        name: store.key(name, options.data, options.strong, options.label_model)
        for name in options.datasets
    }
    for pair in pairs:
        stored, differs = store.load(_path(*pair, options), keys[pair[0]])
        if stored is None:
            waiting.append(pair)
            stale |= differs
        else:
            runs[pair] = stored
    if runs:
        console.print(f"{len(runs)} finished runs found in {options.out}/runs")
    if stale:
        console.print(
            f"Stored runs with other {', '.join(sorted(stale))} are computed again."
        )
    skipped, unstored = {}, []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("data set x seed", total=len(pairs))
        progress.update(bar, completed=len(runs))

        def done(setting, result):
            name, seed = setting["name"], setting["seed"]
            if isinstance(result, str):
                skipped[name] = result
            else:
                runs[name, seed] = result
                try:
                    path = _path(name, seed, options)
                    store.save(path, {"key": keys[name], **result})
                except OSError as error:
                    unstored.append(error)
            progress.update(bar, advance=1, description=f"{name}, seed {seed}")

        settings = [
            {
                "name": name,
                "seed": seed,
                "strong": options.strong,
                "label_model": options.label_model,
                "data_dir": options.data,
            }
            for name, seed in waiting
        ]
        common.run(_one, settings, options.n_jobs, done)
    if unstored:
        console.print(
            f"{len(unstored)} finished runs could not be stored, and will be computed "
            f"again by the next call: {unstored[0]}"
        )
    return {pair: runs[pair] for pair in pairs if pair in runs}, skipped


def _path(name, seed, options):
    return store.path_of(options.out, name, seed, (options.strong, options.label_model))


def _one(**setting):
    """One run; a text says why it cannot be."""
    try:
        return run(**setting)
    except Unusable as reason:
        return str(reason)
