"""Tables, CSV files, figures and the page of the main job."""

import base64
import io
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, select_autoescape
from rich.table import Table
from scipy.stats import t

from benchmarks.main_job import figures
from benchmarks.main_job.experiment import STUDENTS
from benchmarks.main_job.store import write_atomically

CONTROLS = ["all weak labels", "non-hard", "random non-hard", "most confident"]
LIBRARIES = ["scikit-learn", "numpy", "scipy", "lightgbm", "numba"]


def summarize(table):
    """Mean and standard error over seeds, per data set and student."""
    columns = ["accuracy", "balanced_accuracy", "pgr", "purity", "n_train"]
    columns += ["weak_accuracy", "overlap_density"]
    groups = table.groupby(["data", "student"], sort=False)[columns]
    mean, error = groups.mean(), groups.sem(ddof=1)
    return mean.join(error.add_suffix("_se")).reset_index()


def compare(table):
    """Overlap against its controls, seed by seed."""
    rows = []
    for data, part in table.groupby("data", sort=False):
        wide = part.pivot(index="seed", columns="student", values="accuracy")
        for student in ("overlap", "overlap, paper"):
            for control in CONTROLS:
                gain = (wide[student] - wide[control]).to_numpy()
                error = (
                    gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.nan
                )
                rows.append(
                    {
                        "data": data,
                        "student": student,
                        "control": control,
                        "gain": gain.mean(),
                        "gain_se": error,
                        "better": int((gain > 0).sum()),
                        "worse": int((gain < 0).sum()),
                        "verdict": verdict(gain.mean(), error, len(gain)),
                    }
                )
    return pd.DataFrame(rows)


def verdict(gain, error, n_seeds):
    """What a paired difference says, by its 95 % confidence interval."""
    if np.isnan(error):
        return "one seed tells nothing"
    if abs(gain) <= t.ppf(0.975, n_seeds - 1) * error:
        return "no clear difference"
    return "helps" if gain > 0 else "hurts"


def write_outputs(runs, skipped, settings, out):
    """Write every file; returns the tables."""
    out = Path(out)
    table = pd.DataFrame([row for run in runs.values() for row in run["rows"]])
    tables = {"runs": table, "summary": summarize(table), "comparison": compare(table)}
    for name, frame in tables.items():
        write_atomically(out / f"{name}.csv", frame.to_csv(index=False))
    pictures = {}
    for (name, seed), run in runs.items():
        if name not in pictures:
            pictures[name] = (seed, run["picture"])
    images = {
        "students.png": figures.students(tables["summary"]),
        "comparison.png": figures.comparison(tables["comparison"]),
        "regions.png": figures.regions(pictures),
    }
    encoded = {}
    for name, figure in images.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=130)
        (out / name).write_bytes(buffer.getvalue())
        encoded[name] = base64.b64encode(buffer.getvalue()).decode()
    notes = {
        f"{name}, seed {seed}": run["warnings"]
        for (name, seed), run in runs.items()
        if run["warnings"]
    }
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape()
    )
    page = environment.get_template("report.html.jinja").render(
        settings=settings,
        machine=_machine(),
        summary=_cells(tables["summary"]),
        comparison=tables["comparison"].to_dict("records"),
        students=STUDENTS,
        images=encoded,
        skipped=skipped,
        notes=notes,
    )
    write_atomically(out / "report.html", page)
    return tables


def _machine():
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"Python {platform.python_version()}, {libraries}"


def _cells(summary):
    """Rows of text per data set."""
    return {
        data: [_row(line) for _, line in part.iterrows()]
        for data, part in summary.groupby("data", sort=False)
    }


def _row(line):
    return {
        "student": line["student"],
        "n_train": f"{line['n_train']:.0f}",
        "accuracy": _with_error(line, "accuracy"),
        "balanced": _with_error(line, "balanced_accuracy"),
        "pgr": _with_error(line, "pgr", 1, 2),
        "purity": _with_error(line, "purity"),
        "weak": _with_error(line, "weak_accuracy"),
        "density": _with_error(line, "overlap_density"),
    }


def _with_error(line, column, factor=100, digits=1):
    mean, error = line[column] * factor, line[f"{column}_se"] * factor
    if np.isnan(mean):
        return "undefined"
    text = f"{mean:.{digits}f}"
    return text if np.isnan(error) else f"{text} ± {error:.{digits}f}"


def print_tables(tables, console):
    """The tables on the terminal."""
    for data, rows in _cells(tables["summary"]).items():
        title = (
            f"{data}: weak accuracy {rows[0]['weak']} %, "
            f"detected overlap density {rows[0]['density']} %"
        )
        table = Table(title=title, title_justify="left")
        table.add_column("student trained on")
        headers = ("rows", "accuracy %", "balanced %", "PGR", "label purity %")
        for header in headers:
            table.add_column(header, justify="right")
        for row in rows:
            keys = ("student", "n_train", "accuracy", "balanced", "pgr", "purity")
            table.add_row(*(row[key] for key in keys))
        console.print(table)
    marks = {"helps": " [green]▲[/]", "hurts": " [red]▼[/]"}
    title = "gain in accuracy over a control, points, paired by seed"
    table = Table(title=title, title_justify="left")
    for header in ("data", "student", *CONTROLS):
        table.add_column(header, justify="right" if header in CONTROLS else "left")
    for (data, student), part in tables["comparison"].groupby(
        ["data", "student"], sort=False
    ):
        cells = [
            f"{100 * row['gain']:+.1f} ± {100 * row['gain_se']:.1f}"
            + marks.get(row["verdict"], "")
            for row in part.to_dict("records")
        ]
        table.add_row(data, student, *cells)
    console.print(table)
    console.print(
        "Mean ± standard error over seeds; ▲ helps, ▼ hurts: 0 is outside the 95 % "
        "confidence interval of the paired difference. PGR: gap between the weak model "
        "(0) and the ceiling (1) on test rows."
    )
