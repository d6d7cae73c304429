"""Tables, figures and the page of the weak-supervision sets."""

import numpy as np
import pandas as pd

from benchmarks import common
from benchmarks.gains import clear_gains, counts, win_matrix
from benchmarks.page import write_page
from benchmarks.weak_supervision import reference
from benchmarks.weak_supervision.authors import SHARES

__all__ = ["authors_table", "models_table", "rises_table", "write_all"]

MODELS = {
    "weak model": "weak model",
    "known labels alone": "100 labels alone",
    "covered rows": "covered rows",
    "non-hard rows": "non-hard",
    "overlap": "overlap",
    "overlap, random non-hard": "random non-hard",
    "overlap, most confident": "most confident",
    "paper": "overlap, paper",
    "cut": "cut statistic",
    "auto, without weak labels": "self-cut",
    "auto": "recipe",
    "ceiling": "ceiling",
}
PAIRS = [
    ("overlap", "covered rows"),
    ("overlap", "overlap, random"),
    ("overlap", "overlap, random non-hard"),
    ("overlap", "overlap, most confident"),
    ("paper", "covered rows"),
    ("paper", "paper, random non-hard"),
    ("cut", "covered rows"),
    ("cut", "cut, random"),
    ("auto", "covered rows"),
    ("auto", "known labels alone"),
    ("auto", "auto, without weak labels"),
]
# what the page answers first
QUESTIONS = [
    ("auto", "known labels alone"),
    ("auto", "auto, without weak labels"),
    ("cut", "covered rows"),
    ("overlap", "covered rows"),
    ("overlap", "overlap, random non-hard"),
]
DEFAULTS = {"protocol": "both", "strong": "mlp", "label_model": "label-model"}
SAME_ROWS = ("youtube", "sms")  # sets whose rows and votes are the authors'
TOLERANCE = 0.7  # points, on the label-model column of these sets


def authors_table(results):
    """Every figure beside the published one, in per cent: a row a set and figure."""
    rows = [
        {"data": cell[0], "seed": cell[-1], "figure": figure, "value": 100 * value}
        for cell, result in results.items()
        for figure, value in result["figures"].items()
    ]
    frame = pd.DataFrame(rows)
    order = list(dict.fromkeys(frame["figure"]))
    ours = frame.groupby(["data", "figure"], sort=False)["value"]
    table = ours.agg(["mean", "std", "count"]).reset_index()
    table.columns = ["data", "figure", "ours", "ours_sd", "ours_seeds"]
    theirs = reference.load().rename(
        columns={"mean": "authors", "sd": "authors_sd", "seeds": "authors_seeds"}
    )
    table = table.merge(theirs, "left", ["data", "figure"])
    table["difference"] = table["ours"] - table["authors"]
    table["figure"] = pd.Categorical(table["figure"], order)
    table["data"] = pd.Categorical(table["data"], list(dict.fromkeys(frame["data"])))
    table = table.sort_values(["data", "figure"], ignore_index=True)
    return table.astype({"data": str})


def rises_table(results):
    """Per set: the rise from share 0 to 1 and what it goes with, beside the paper's."""
    rows = []
    theirs = reference.load().query("figure == 'rise'").set_index("data")
    by_set = {}
    for cell, result in results.items():
        by_set.setdefault(cell[0], []).append(result)
    for data, parts in by_set.items():
        figures = pd.DataFrame([part["figures"] for part in parts]) * 100
        more = pd.DataFrame(parts).drop(columns="figures") * 100
        rise = figures[f"{SHARES[-1]:.1f}"] - figures[f"{SHARES[0]:.1f}"]
        published = theirs["mean"].get(data, np.nan)
        purity = (figures["overlap labels"] - figures["other labels"]).mean()
        line = {
            "data": data,
            "rise": rise.mean(),
            "sd": rise.std(),
            "authors": published,
            "authors_sd": theirs["sd"].get(data, np.nan),
            "seeds up": f"{(rise > 0).sum()} of {len(rise)}",
            "purer by": purity,
            "rise, true labels": more["rise, true labels"].mean(),
            "largest class, all": more["largest class, all"].mean(),
            "largest class, overlap": more["largest class, overlap"].mean(),
            "overlap rows": more["overlap"].mean(),
        }
        rows.append(line | {"sign": _sign(line)})
    return pd.DataFrame(rows)


def _sign(line):
    """Whether the sign is the authors', and what may explain it where it is not."""
    if np.isnan(line["authors"]):
        return "not published"
    if (line["rise"] > 0) == (line["authors"] > 0):
        return "the same"
    if abs(line["rise"]) < 2 * line["sd"] / np.sqrt(int(line["seeds up"].split()[-1])):
        return "no clear rise"
    if line["rise"] > 0:
        return "other: here the overlap labels are purer"
    reasons = []
    if line["purer by"] < 0:
        reasons.append("the overlap labels are less pure")
    if line["rise, true labels"] < -1:
        reasons.append("overlap rows teach less even with true labels")
    if line["largest class, overlap"] > line["largest class, all"] + 5:
        reasons.append("overlap rows are more of one class")
    return "other: " + (", ".join(reasons) or "unexplained")


def models_table(runs, value):
    """Mean of a column of the runs in per cent: a row a set, a column a model."""
    table = runs.pivot_table(value, "data", "model", sort=False) * 100
    table = table[[model for model in MODELS if model in table]]
    return table.rename(columns=MODELS).rename_axis(columns=None)


def gains_shown(gains):
    """Gains with their intervals as texts: a row a set, a column a comparison."""
    texts = gains.assign(
        text=[_text(line) for line in gains.to_dict("records")],
        pair=gains["model"] + " - " + gains["against"],
    )
    pairs, sets = (list(dict.fromkeys(texts[name])) for name in ("pair", "data"))
    table = texts.pivot(index="data", columns="pair", values="text")
    return table.loc[sets, pairs].fillna("-")


def _text(line):
    gain, low, high = (100 * line[name] for name in ("gain", "low", "high"))
    if np.isnan(low):
        return f"{gain:+.1f}"
    mark = " ▲" if low > 0 else " ▼" if high < 0 else ""
    return f"{gain:+.1f} [{low:.1f}, {high:.1f}]{mark}"


def write_all(paper, honest, skipped, options):
    """Print and write both protocols."""
    sections, answer = [], ""
    if paper:
        sections += _paper_sections(paper, options)
    if honest:
        answer, more = _honest_sections(honest, options)
        sections += more
    if skipped:
        text = " ".join(f"{name}: {reason}." for name, reason in skipped.items())
        sections.append(("Left out", text, []))
    command = f"python -m benchmarks weak-supervision --seeds {options.seeds}"
    command += " --data DIR" if options.data else ""
    if options.chosen:
        command += f" --datasets {' '.join(options.datasets)}"
    for name, default in DEFAULTS.items():
        if getattr(options, name) != default:
            command += f" --{name.replace('_', '-')} {getattr(options, name)}"
    title = "Weak supervision: which rows and labels should a student learn from?"
    write_page(options.out / "report.html", title, answer, command, sections)


def _paper_sections(paper, options):
    table, rises = authors_table(paper), rises_table(paper)
    common.write(table, options, "authors")
    common.write(rises, options, "rises")
    lines = []
    for data, part in table.groupby("data", sort=False):
        values = part.set_index("figure")
        for who, column in (
            ("ours", "ours"),
            ("s.d.", "ours_sd"),
            ("authors", "authors"),
            ("their s.d.", "authors_sd"),
            ("difference", "difference"),
        ):
            if values[column].notna().any():
                lines.append({"data": data, "": who} | values[column].to_dict())
    wide = pd.DataFrame(lines)
    common.show("The paper's protocol, per cent", wide.set_index(["data", ""]), 1)
    common.show("Rise from share 0 to share 1, points", rises.set_index("data"), 1)
    near = table[(table["figure"] == "label model") & table["authors"].notna()]
    print("\nLabel model beside the authors'")
    for line in near.to_dict("records"):
        verdict = "rows or votes are not the authors'"
        if line["data"] in SAME_ROWS:
            yes = abs(line["difference"]) <= TOLERANCE
            verdict = f"within {TOLERANCE}: {'yes' if yes else 'NO'}"
        print(
            f"  {line['data']}: {line['ours']:.2f}, authors {line['authors']:.2f}, "
            f"difference {line['difference']:+.2f}, {verdict}"
        )
    return [
        (
            "The paper's protocol",
            f"Accuracy in per cent, {options.seeds} seeds; columns 0.0 to 1.0 are the "
            "shares of overlap rows in training sets of equal size. The features are "
            "not the authors' on any set; rows and votes are theirs on youtube and sms "
            "only.",
            [wide, curves(table)],
        ),
        (
            "Rise from share 0 to share 1",
            "In points. 'Purer by' is how many more weak labels are right among the "
            "overlap rows; 'rise, true labels' is the rise when every label is right, "
            "so what the rows themselves do.",
            [rises],
        ),
    ]


def _honest_sections(honest, options):
    runs = pd.DataFrame([row for rows in honest.values() for row in rows])
    common.write(runs, options, "runs")
    gains = clear_gains(runs, PAIRS)
    common.write(gains, options, "gains")
    tables = {
        value: models_table(runs, column)
        for value, column in (
            ("Accuracy", "accuracy"),
            ("Balanced accuracy", "balanced_accuracy"),
            ("Share of right labels", "label_purity"),
        )
    }
    everything = pd.concat(tables, names=["value"]).reset_index()
    common.write(everything, options, "models")
    for title, table in tables.items():
        common.show(f"{title}, per cent", table, 1)
    shown, matrix = gains_shown(gains), win_matrix(runs, list(MODELS)[:-1])
    common.show("Gains in points, 95 % intervals", shown)
    matrix = matrix.rename(index=MODELS, columns=MODELS)
    common.show("Clear wins, data sets", matrix)
    return counts(clear_gains(runs, QUESTIONS), MODELS), [
        (
            "Every student beside its controls",
            f"Accuracy in per cent, strong model {options.strong}, "
            f"{options.label_model}, {options.seeds} seeds.",
            [tables["Accuracy"]],
        ),
        (
            "Gains",
            "In points, with 95 % intervals that allow for the rows that the seeds "
            "share. ▲ and ▼ mark intervals on one side of 0.",
            [shown],
        ),
        (
            "Wins and losses",
            "On how many sets the model of the row beats that of the column clearly; "
            "the loss of a model is the win of the other.",
            [matrix],
        ),
        (
            "Balanced accuracy, and purity of the labels learnt from",
            "In per cent.",
            [tables["Balanced accuracy"], tables["Share of right labels"]],
        ),
    ]


def curves(table):
    """Accuracy against the share of overlap rows, with bands of one s.d., by set."""
    names = [f"{share:.1f}" for share in SHARES]
    figures = []
    for data, part in table.groupby("data", sort=False):
        figure, (ax,) = common.grid(1, size=(3.6, 2.8))
        part = part.set_index("figure").loc[names]
        for who, color in (("ours", "#D55E00"), ("authors", "#0072B2")):
            mean, sd = part[who].to_numpy(float), part[f"{who}_sd"].to_numpy(float)
            if np.isnan(mean).all():
                continue
            ax.plot(SHARES, mean, "o-", color=color, label=who, markersize=3)
            ax.fill_between(SHARES, mean - sd, mean + sd, color=color, alpha=0.15)
        ax.set_title(data)
        ax.set_xlabel("share of overlap rows")
        ax.set_ylabel("accuracy, %")
        ax.legend(fontsize=8)
        figures.append(figure)
    return figures
