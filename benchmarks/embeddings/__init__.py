"""The language-model protocol of the source paper on embeddings, on CPU.

A weak probe on the weak view learns the true labels of one half of the training rows;
its probabilities are the soft labels of the other half; strong probes on the strong
view learn from all of them, from overlap rows, and from as many rows of each control.
The ceiling learns the true labels of that half. Sets where the ceiling is not clearly
above the weak probe have no gap to close, and are named. Also: the overlap curve with
its controls (hard labels), and the choice between two sources that hold .1 and .9 of
the overlap rows.

Data sets are npz files with X_strong, X_weak, y, train_idx and test_idx (votes are not
needed); scikit-learn's digits, coarse against fine, needs no file. --list prints the
data sets of the field by name, and which of them the folder holds.

Writes into --out: runs.csv, models.csv, gaps.csv, curves.csv, sources.csv and
report.html. Finished cells are kept in --out/cells.
"""

import numpy as np
import pandas as pd

from benchmarks import cells, common
from benchmarks.embeddings.cell import DIGITS, read, run, sets_in
from benchmarks.embeddings.registry import as_table
from benchmarks.gains import clear_gains, counts, win_matrix
from benchmarks.job.data import Unusable
from benchmarks.page import write_page
from benchmarks.weak_supervision.summary import gains_shown
from overlapkit.model_selection import weak_to_strong_summary

SUMMARY = "the language-model protocol: probes on weak and strong embeddings"
SEEDS, FULL_SEEDS = 3, 10
MODELS = {
    "weak model": "weak probe",
    "covered rows": "all rows",
    "non-hard rows": "non-hard",
    "overlap": "overlap",
    "overlap, random": "random",
    "overlap, random non-hard": "random non-hard",
    "overlap, most confident": "most confident",
    "paper": "overlap, paper",
    "paper, random non-hard": "paper, random non-hard",
    "ceiling": "ceiling",
}
PAIRS = [
    ("ceiling", "weak model"),
    ("covered rows", "weak model"),
    ("overlap", "covered rows"),
    ("overlap", "overlap, random non-hard"),
    ("overlap", "overlap, most confident"),
    ("paper", "covered rows"),
    ("paper", "paper, random non-hard"),
]
# what the page answers first
QUESTIONS = [PAIRS[1], PAIRS[2], PAIRS[3]]
PGR = ("covered rows", "non-hard rows", "overlap", "overlap, random non-hard", "paper")


def parse(argv):
    """Options of the command line."""
    options = common.parse(
        "embeddings",
        __doc__,
        argv,
        seeds=SEEDS,
        full_seeds=FULL_SEEDS,
        full="as in the paper",
        data="environment",
        out="embeddings",
        datasets={"nargs": "+", "metavar": "NAME", "help": "default: all there are"},
        list={"action": "store_true", "help": "the data sets of the field, then stop"},
    )
    known = sets_in(options.data)
    unknown = sorted(set(options.datasets or ()) - set(known))
    if unknown:
        options.error(
            f"no data set {', '.join(unknown)}; there are: {', '.join(known)}"
        )
    options.chosen = options.datasets is not None
    options.datasets = options.datasets or known
    return options


def main(argv=None):
    """Compute the cells that are missing, then print and write everything."""
    options = parse(argv)
    registry = as_table(options.data)
    if options.list:
        common.show("Data sets of the field", registry.set_index(["list", "name"]))
        return 0
    for title, part in registry.groupby("list", sort=False):
        here = part.loc[part["here"] != "", "name"]
        print(
            f"{title} list: {len(here)} of {len(part)} here: {', '.join(here) or '-'}"
        )
    keys = {
        name: cells.key_of(
            _digest(name, options.data), {}, "embeddings/cell.py", "sources"
        )
        for name in options.datasets
    }
    settings = {
        (name, seed): {"name": name, "seed": seed, "folder": options.data}
        for seed in range(options.seeds)
        for name in options.datasets
    }
    results, skipped = cells.compute(run, settings, keys, options.out, options.n_jobs)
    cells.say_skipped(skipped, results)
    if not results:
        print("Nothing to report.")
        return 1
    report(results, skipped, registry, options)
    return 0


def _digest(name, folder):
    try:
        data = read(name, folder)
    except Unusable:  # is said when the cell fails
        return ""
    return cells.digest(data.strong, data.weak, data.y, data.train, data.test)


def gaps(runs):
    """Per set: the gap with its interval, and the share of it that students close."""
    lines = []
    for data, part in runs.groupby("data", sort=False):
        scores = part.pivot(index="seed", columns="model", values="accuracy")
        ratio = part["test_train_ratio"].mean()
        ((_, line),) = clear_gains(part, [("ceiling", "weak model")]).iterrows()
        row = {"data": data, "gap": 100 * line["gain"]}
        row |= {"low": 100 * line["low"], "high": 100 * line["high"]}
        row["verdict"] = "a gap" if line["low"] > 0 else "NO GAP"
        if np.isnan(line["low"]):
            row["verdict"] = "no interval"
        summary = weak_to_strong_summary(
            scores["weak model"],
            {name: scores[name] for name in PGR},
            scores["ceiling"],
            test_train_ratio=ratio,
        )
        for name in PGR:
            value = (
                summary.loc[name, "pgr_weak"] if row["verdict"] == "a gap" else np.nan
            )
            text = "-" if np.isnan(value) else f"{value:.2f}"
            row[f"PGR, {MODELS[name]}"] = text
        lines.append(row)
    return pd.DataFrame(lines)


def report(results, skipped, registry, options):
    """Print and write tables, curves, sources and the page."""
    runs, curves, sources = (
        pd.DataFrame([row for result in results.values() for row in result[part]])
        for part in ("rows", "curves", "sources")
    )
    if not sources.empty:
        names = [cell[0] for cell, r in results.items() for _ in r["sources"]]
        sources.insert(0, "data", names)
    for name, frame in (("runs", runs), ("curves", curves), ("sources", sources)):
        common.write(frame, options, name)
    table = runs.pivot_table("accuracy", "data", "model", sort=False) * 100
    table = table[[m for m in MODELS if m in table]].rename(columns=MODELS)
    common.write(table.reset_index(), options, "models")
    gap = gaps(runs)
    common.write(gap, options, "gaps")
    gains = clear_gains(runs, PAIRS)
    matrix = win_matrix(runs, list(MODELS)[:-1]).rename(index=MODELS, columns=MODELS)
    shown = gains_shown(gains)
    common.show("Accuracy, per cent (soft labels)", table, 1)
    common.show(
        "Gap in points, and performance gap recovered", gap.set_index("data"), 1
    )
    common.show("Gains in points, 95 % intervals", shown)
    common.show("Clear wins, data sets", matrix)
    without = gap.loc[gap["verdict"] == "NO GAP", "data"]
    print(f"\nNo gap to close: {', '.join(without) or 'none'}")
    sections = [
        (
            "Probes",
            f"Accuracy in per cent, {options.seeds} halvings, soft labels.",
            [table],
        ),
        (
            "Gaps",
            "Ceiling less weak probe, in points, and the share of the gap that each "
            f"student closes (PGR). No gap to close: {', '.join(without) or 'none'}.",
            [gap],
        ),
        (
            "Gains",
            "In points, with 95 % intervals that allow for the rows that the halvings "
            "share. ▲ and ▼ mark intervals on one side of 0.",
            [shown],
        ),
        ("Wins and losses", "On how many sets row beats column clearly.", [matrix]),
    ]
    if not curves.empty:
        rise = rises(curves)
        common.show("Overlap curve: accuracy at share 1 less share 0, points", rise, 1)
        text = (
            "Hard labels, training sets of one size within a set; bands are one s.d. "
            "Random non-hard rows and the most confident ones are the controls of "
            "overlap. The table: accuracy at share 1 less that at share 0, in points."
        )
        sections.append(("Overlap curves", text, [rise, draw(curves)]))
    if not sources.empty:
        columns = ["start", "low", "high", "overlap", "accuracy", "regret"]
        part = sources.groupby(["data", "run"], sort=False)[columns].mean()
        part[columns[:-1]] *= 100
        common.show("Choosing between two sources", part, 1)
        text = (
            "Sources with .1 and .9 of the detected overlap rows and half of the others"
            " each, 25 rounds: overlap share at the start, of both sources and of what "
            "was collected, accuracy (all in per cent), and regret. Sets with under "
            "four rows a round are left out."
        )
        sections.append(("Sources", text, [part.reset_index()]))
    sections.append(
        ("Data sets of the field", "What is here, and where to get others.", [registry])
    )
    if skipped:
        text = " ".join(f"{name}: {reason}." for name, reason in skipped.items())
        sections.append(("Left out", text, []))
    command = f"python -m benchmarks embeddings --seeds {options.seeds}"
    command += " --data DIR" if options.data else ""
    if options.chosen:
        command += f" --datasets {' '.join(options.datasets)}"
    title = "Embeddings: what does a strong probe learn from a weak one?"
    answer = counts(clear_gains(runs, QUESTIONS), MODELS)
    write_page(options.out / "report.html", title, answer, command, sections)


def rises(curves):
    """Accuracy at share 1 less share 0: a row a set and detector, a column a pool."""
    ends = curves[curves["share"].isin([0, 1])]
    keys = ["data", "detector", "pool", "seed"]
    wide = ends.pivot(index=keys, columns="share", values="accuracy")
    rise = (100 * (wide[1.0] - wide[0.0])).groupby(["data", "detector", "pool"]).mean()
    order = list(dict.fromkeys(curves["pool"]))
    return rise.unstack("pool")[order].rename_axis(columns=None)


def draw(curves):
    """A figure a set: the curve of each pool, detector of the package."""
    curves = curves[curves["detector"] == "overlap"]
    colors = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#999999")
    figures = []
    for data, part in curves.groupby("data", sort=False):
        figure, (ax,) = common.grid(1, size=(3.6, 3.4))
        for (pool, lines), color in zip(part.groupby("pool", sort=False), colors):
            stats = lines.groupby("share")["accuracy"].agg(["mean", "std"]) * 100
            low, high = stats["mean"] - stats["std"], stats["mean"] + stats["std"]
            ax.plot(stats.index, stats["mean"], "o-", ms=3, color=color, label=pool)
            ax.fill_between(stats.index, low, high, color=color, alpha=0.12)
        ax.set_title(data)
        ax.set_xlabel("share of the first part")
        ax.set_ylabel("accuracy, %")
        handles, labels = ax.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8)
        figures.append(figure)
    return figures


__all__ = ["DIGITS", "gaps", "main", "parse", "report", "rises"]
