"""Tables, CSV files, figures and the page of the main job."""

import base64
import io
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader
from rich.table import Table

from benchmarks.common import write_atomically
from benchmarks.gains import win_matrix
from benchmarks.job import figures, markdown
from benchmarks.job.experiment import STUDENTS
from benchmarks.job.store import LIBRARIES
from overlapkit.model_selection import gain_interval, weak_to_strong_summary

BASELINE, NON_HARD = "covered rows", "overlap, random non-hard"
# what is counted against each other over data sets
COUNTED = (
    "weak model",
    "known labels alone",
    BASELINE,
    "non-hard rows",
    "overlap",
    NON_HARD,
    "overlap, most confident",
    "paper",
    "cut",
    "auto, without weak labels",
    "auto",
)
CLEAR, UNCLEAR = {True: "helps", False: "hurts"}, "no clear difference"
HEADERS = ("model", "rows", "accuracy %", "balanced %", "gap recovered", "purity %")


def make_tables(runs):
    """Name -> frame of each CSV file."""
    table = pd.DataFrame([row for run in runs.values() for row in run["rows"]])
    return {
        "runs": table,
        "summary": pd.concat([*_each(table, _summarize)], ignore_index=True),
        "comparison": pd.concat([*_each(table, _compare)], ignore_index=True),
    }


def _each(table, function):
    """What a function of the scores of a data set gives, and the name of the set."""
    for data, part in table.groupby("data", sort=False):
        scores = part.pivot(index="seed", columns="model", values="accuracy")
        scores = scores[part["model"].unique()]
        result = function(scores, part["test_train_ratio"].mean(), part)
        result.insert(0, "data", data)
        yield result


def _summarize(scores, ratio, part):
    """Gains over the weak model and gaps recovered, and means over seeds."""
    models = dict(scores.items())
    weak, ceiling = models.pop("weak model"), models.pop("ceiling", None)
    summary = weak_to_strong_summary(weak, models, ceiling, test_train_ratio=ratio)
    columns = ["n_train", "label_purity", "balanced_accuracy", "overlap_density"]
    means = part.groupby("model", sort=False)[columns].mean()
    return means.join(summary).rename_axis("model").reset_index()


def _compare(scores, ratio, part):
    """Gains of each student over what it is compared with, paired by seed."""
    rows = []
    for student in STUDENTS:
        of_others = [f"{name}, " for name in STUDENTS if name != student]
        for other in scores.columns.drop([*STUDENTS, "ceiling"], errors="ignore"):
            if other.startswith(tuple(of_others)):
                continue
            gains = (scores[student] - scores[other]).to_numpy()
            mean, low, high = gain_interval(gains, test_train_ratio=ratio)
            rows.append(
                {
                    "student": student,
                    "against": other,
                    "gain": mean,
                    "gain_low": low,
                    "gain_high": high,
                    "better": int((gains > 0).sum()),
                    "worse": int((gains < 0).sum()),
                    "verdict": verdict(low, high),
                }
            )
    return pd.DataFrame(rows)


def verdict(low, high):
    """What the interval of a gain says."""
    if low > 0 or high < 0:
        return CLEAR[bool(low > 0)]
    return "no interval" if np.isnan(low) else UNCLEAR


def answers(tables):
    """Name of a data set -> whether overlap selection helps there, in sentences."""
    result = {}
    for data, lines in tables["comparison"].groupby("data", sort=False):
        lines = lines[lines["student"] == "overlap"].set_index("against")
        of_all, of_others = lines.loc[BASELINE], lines.loc[NON_HARD]
        if of_all["verdict"] == "hurts":
            answer = "No, it hurts."
        elif of_all["verdict"] == of_others["verdict"] == "helps":
            answer = "Yes."
        elif of_all["verdict"] == "helps":
            answer = "No more than random rows that are not hard."
        else:
            answer = "Not shown."
        part = tables["summary"].query("data == @data").set_index("model")["mean"]
        best = part.drop(["weak model", "ceiling"], errors="ignore").idxmax()
        result[data] = (
            f"{answer} Students of overlap rows against those of all covered rows: "
            f"{_gain(of_all)} points of accuracy; against as many random rows that are "
            f"not hard: {_gain(of_others)}. Best of all: {best}, {part[best]:.1%}."
        )
    return result


def _gain(line):
    return f"{100 * line['gain']:+.1f} {_bounds(line, 'gain')}".rstrip()


def _bounds(line, name, factor=100, digits=1):
    low, high = factor * line[f"{name}_low"], factor * line[f"{name}_high"]
    return "" if np.isnan(low) else f"[{low:.{digits}f}, {high:.{digits}f}]"


def _cells(line):
    """A line of the summary as texts, in the order of HEADERS."""
    gap, purity = line.get("pgr_weak", np.nan), line["label_purity"]
    return (
        line["model"],
        f"{line['n_train']:.0f}",
        f"{100 * line['mean']:.1f}",
        f"{100 * line['balanced_accuracy']:.1f}",
        "" if np.isnan(gap) else f"{gap:.2f} {_bounds(line, 'pgr_weak', 1, 2)}",
        "" if np.isnan(purity) else f"{100 * purity:.1f}",
    )


def print_tables(tables, console):
    """The tables on the terminal, and the answers last, where the eye is."""
    for data, part in tables["summary"].groupby("data", sort=False):
        density = part["overlap_density"].iloc[0]
        title = f"{data}, detected overlap density {density:.1%}"
        table = Table(*HEADERS, title=title, title_justify="left")
        for line in part.to_dict("records"):
            table.add_row(*_cells(line))
        console.print(table)
        table = Table("student", "against", "gain, points", "verdict")
        for line in tables["comparison"].query("data == @data").to_dict("records"):
            names = line["student"], line["against"]
            table.add_row(*names, _gain(line), line["verdict"])
        console.print(table)
    console.print(
        "Brackets are 95 % confidence intervals, of paired differences for gains. They "
        "allow for the rows that the seeds share. The gap recovered is 0 for the weak "
        "model and 1 for the ceiling; purity is the share of right labels."
    )
    console.print("\nDoes overlap selection help here?")
    for data, answer in answers(tables).items():
        console.print(f"{data}: {answer}")


def _wins(table):
    """Lines of the matrix of clear wins; none for a single data set."""
    if table["data"].nunique() < 2:
        return []
    matrix = win_matrix(table, [m for m in COUNTED if (table["model"] == m).any()])
    return [["wins of", *matrix.columns], *matrix.reset_index().to_numpy().tolist()]


def _by_data(table):
    return {d: p.to_dict("records") for d, p in table.groupby("data", sort=False)}


def write_outputs(tables, runs, skipped, settings, out):
    """Write every file."""
    for name, frame in tables.items():
        write_atomically(out / f"{name}.csv", frame.to_csv(index=False))
    written = markdown.tables(tables["summary"], tables["comparison"])
    write_atomically(out / "tables.md", written)
    pictures, notes = {}, {}
    for (name, seed), run in runs.items():
        pictures.setdefault(name, (seed, run["picture"]))
        for category, message in run["warnings"].items():
            note = notes.setdefault(category, {"example": message, "runs": 0})
            note["runs"] += 1
    encoded = {}
    for name, figure in {
        "comparison.png": figures.comparison(tables["comparison"]),
        "students.png": figures.students(tables["summary"]),
        "regions.png": figures.regions(pictures),
    }.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=130)
        write_atomically(out / name, buffer.getvalue())
        encoded[name] = base64.b64encode(buffer.getvalue()).decode()
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    # the template's name ends in .jinja, so its kind cannot be told from that
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True
    )
    environment.filters |= {"gain": _gain, "cells": _cells}
    page = environment.get_template("report.html.jinja").render(
        settings=settings,
        machine=f"Python {platform.python_version()}, {libraries}",
        answers=answers(tables),
        headers=HEADERS,
        summary=_by_data(tables["summary"]),
        comparison=_by_data(tables["comparison"]),
        wins=_wins(tables["runs"]),
        students=STUDENTS,
        images=encoded,
        skipped=skipped,
        notes=notes,
        n_runs=len(runs),
    )
    write_atomically(out / "report.html", page)
