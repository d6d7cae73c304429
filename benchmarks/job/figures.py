"""Figures of the main job: one column, to be readable on a narrow page."""

import numpy as np

from benchmarks.common import grid

# readable in grey and by people who tell red from green badly (Okabe and Ito, 2008)
OVERLAP, OTHER = "#D55E00", "#0072B2"
REGION_COLORS = ("#56B4E9", "#D55E00", "#999999")
REGIONS = ("easy", "overlap", "hard", "uncovered")
WIDTH = 5.2


def _stack(n, height):
    return grid(n, columns=1, size=(WIDTH, height))


def _bars(ax, lines, names, column):
    """Points with their intervals, one line each, the first one on top."""
    for place, line in enumerate(lines):
        value = 100 * line[column]
        bounds = [100 * line.get(f"{column}{end}", np.nan) for end in ("_low", "_high")]
        color = OVERLAP if names[place].startswith("overlap") else OTHER
        ax.plot(value, place, "o", color=color)
        if np.isfinite(bounds).all():
            ax.hlines(place, *bounds, color=color)
    ax.set_yticks(range(len(lines)), names)
    ax.set_ylim(len(lines) - 0.5, -0.5)


def comparison(table):
    """Gain of the overlap student over all it is compared with, a panel a data set."""
    parts = list(table.query("student == 'overlap'").groupby("data", sort=False))
    figure, axes = _stack(len(parts), 0.8 + 0.3 * len(parts[0][1]))
    for ax, (data, part) in zip(axes, parts):
        _bars(ax, part.to_dict("records"), part["against"].tolist(), "gain")
        ax.axvline(0, color="0.3", linewidth=1)
        ax.set_title(f"{data}: overlap against ...", loc="left", fontweight="bold")
        ax.set_xlabel("gain in accuracy, points, 95 % interval")
    return figure


def students(summary):
    """Accuracy of each model, a panel per data set."""
    parts = list(summary.groupby("data", sort=False))
    figure, axes = _stack(len(parts), 0.8 + 0.26 * len(parts[0][1]))
    for ax, (data, part) in zip(axes, parts):
        _bars(ax, part.to_dict("records"), part["model"].tolist(), "mean")
        ax.set_title(data, loc="left", fontweight="bold")
        ax.set_xlabel("test accuracy, %, mean over seeds")
    return figure


def regions(pictures):
    """Where the rows lie: weak confidence against similarity to the hard rows."""
    figure, axes = _stack(len(pictures), 4.2)
    for ax, (name, (seed, picture)) in zip(axes, pictures.items()):
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
        ax.legend(markerscale=2, loc="upper center", bbox_to_anchor=(0.5, -0.15))
    return figure
