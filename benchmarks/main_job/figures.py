"""Figures of the main job."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

matplotlib.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})

# readable in grey and by people who tell red from green badly (Okabe and Ito, 2008)
COLORS = {
    "all weak labels": "#666666",
    "overlap": "#D55E00",
    "overlap, paper": "#E69F00",
    "non-hard": "#56B4E9",
    "random non-hard": "#56B4E9",
    "most confident": "#56B4E9",
    "100 labels": "#009E73",
    "auto, 100 labels": "#CC79A7",
    "ceiling": "#000000",
}
REGION_COLORS = ("#56B4E9", "#D55E00", "#999999")
REGIONS = ("easy", "overlap", "hard")


def students(summary):
    """Accuracy of each student, a panel per data set."""
    parts = list(summary.groupby("data", sort=False))
    n_rows = -(-len(parts) // 2)
    width = 10 if len(parts) > 1 else 6
    figure = Figure(figsize=(width, 3.6 * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, min(2, len(parts)), squeeze=False, sharey=True)
    for ax, (data, part) in zip(axes.flat, parts):
        y = np.arange(len(part))
        for position, line in zip(y, part.to_dict("records")):
            ax.errorbar(
                100 * line["accuracy"],
                position,
                xerr=np.nan_to_num(100 * line["accuracy_se"]),
                fmt="o",
                color=COLORS[line["student"]],
                capsize=3,
            )
        weak = 100 * part["weak_accuracy"].iloc[0]
        ax.axvline(weak, color="0.5", linestyle="--", linewidth=1)
        ax.annotate("weak model", (weak, -0.75), ha="center", fontsize=8, color="0.4")
        ax.set_yticks(y, part["student"])
        ax.set_ylim(len(part) - 0.5, -1.0)
        ax.grid(axis="x", color="0.92")
        ax.set_title(data, loc="left", fontweight="bold")
        ax.set_xlabel("test accuracy (%), mean and s.e. over seeds")
    for ax in list(axes.flat)[len(parts) :]:
        ax.set_visible(False)
    return figure


def comparison(table):
    """Paired gain of the overlap students over each control."""
    lines = table.to_dict("records")
    figure = Figure(figsize=(8, 1.2 + 0.28 * len(lines)), layout="constrained")
    ax = figure.subplots()
    for position, line in enumerate(lines):
        error = np.nan_to_num(200 * line["gain_se"])
        color = COLORS[line["student"]]
        ax.errorbar(
            100 * line["gain"], position, xerr=error, fmt="o", color=color, capsize=3
        )
    names = [f"{row['data']}: {row['student']} vs {row['control']}" for row in lines]
    ax.set_yticks(np.arange(len(lines)), names, fontsize=8)
    ax.set_ylim(len(lines) - 0.5, -0.5)
    ax.axvline(0, color="0.3", linewidth=1)
    ax.grid(axis="x", color="0.92")
    ax.set_xlabel("points of test accuracy, paired by seed; bars: two standard errors")
    ax.set_title("Does overlap beat its controls?", loc="left", fontweight="bold")
    return figure


def regions(pictures):
    """Where the rows lie: weak confidence against similarity to the hard rows."""
    n_rows = -(-len(pictures) // 2)
    width = 10 if len(pictures) > 1 else 6
    figure = Figure(figsize=(width, 4 * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, min(2, len(pictures)), squeeze=False)
    for ax, (name, (seed, picture)) in zip(axes.flat, pictures.items()):
        confidence, score = np.array(picture["confidence"]), np.array(picture["score"])
        region, right = np.array(picture["region"]), np.array(picture["right"], bool)
        for code, color in enumerate(REGION_COLORS):
            rows = region == code
            quality = f"{right[rows].mean():.0%} right" if rows.any() else "none"
            label = f"{REGIONS[code]}: {rows.mean():.0%} of rows, weak labels {quality}"
            ax.scatter(
                confidence[rows], score[rows], s=6, alpha=0.5, color=color, label=label
            )
        ax.axvline(picture["confidence_threshold"], color="0.3", linewidth=1)
        if picture["overlap_threshold"] < 1e9:
            ax.axhline(
                picture["overlap_threshold"], color="0.3", linewidth=1, linestyle=":"
            )
        ax.set_xlabel("weak confidence")
        ax.set_ylabel("similarity to the hard rows")
        ax.set_title(f"{name}, seed {seed}", loc="left", fontweight="bold")
        ax.legend(
            fontsize=8, markerscale=2, loc="upper center", bbox_to_anchor=(0.5, -0.15)
        )
    for ax in list(axes.flat)[len(pictures) :]:
        ax.set_visible(False)
    return figure
