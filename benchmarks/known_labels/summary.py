"""Tables and counts of the cells, paired by seed."""

import numpy as np
import pandas as pd

from benchmarks.known_labels.cell import DAMAGED
from benchmarks.known_labels.data import RULE_SETS
from overlapkit.students._recipe import USED

__all__ = ["as_frame", "compare", "print_all"]

CELL = ["set", "student", "labels"]
SHOWN = {
    "labels alone": "labels",
    "all covered weak labels": "weak",
    "SelfTrainingClassifier": "s-train",
    "SelfTrainingClassifier, defaults": "default",
    "LabelSpreading": "spread",
    "with component": "comp.",
    "self-cut": "cut",
    "self-cut average": "cut av.",
    "recipe": "recipe",
    "average": "average",
}
LEAST = 0.3  # points; less than this below the better of the two is no loss


def as_frame(results):
    """A row per cell, seed and method; accuracy in percent."""
    rows = [
        dict(zip([*CELL, "seed"], cell)) | {"method": method, "accuracy": 100 * value}
        for cell, result in results.items()
        for method, value in result["accuracy"].items()
    ]
    rows += [
        dict(zip([*CELL, "seed"], cell))
        | {"method": f"judged: {method}{part}", "accuracy": 100 * judged[key]}
        for cell, result in results.items()
        for method, judged in result["judged"].items()
        for key, part in (("accuracy", ""), ("low", ", low"), ("high", ", high"))
    ]
    return pd.DataFrame(rows)


def compare(wide, method, other):
    """Mean difference of two methods per cell and its standard error, by seed."""
    difference = (wide[method] - wide[other]).groupby(level=CELL)
    error = difference.std() / np.sqrt(difference.count())
    return pd.DataFrame({"mean": difference.mean(), "error": error})


def better_of_both(wide):
    """The baseline with the larger mean in each cell."""
    means = wide.groupby(level=CELL)[["labels alone", "all covered weak labels"]].mean()
    return means.idxmax(axis=1)


def against_better(wide, method):
    """Difference of a method and the better baseline of each cell."""
    parts = {
        other: compare(wide, method, other)
        for other in ("labels alone", "all covered weak labels")
    }
    better = better_of_both(wide)
    rows = [parts[other].loc[cell] for cell, other in better.items()]
    return pd.DataFrame(rows, index=better.index)


def print_all(frame):
    """Tables per student and number of labels, then the counts."""
    wide = frame.pivot(index=[*CELL, "seed"], columns="method", values="accuracy")
    order = list(dict.fromkeys(frame["set"]))
    shown = [method for method in SHOWN if method in wide]
    for (student, labels), part in wide.groupby(level=["student", "labels"]):
        n_seeds = part.index.get_level_values("seed").nunique()
        print(f"\n{student}, {labels} known labels, {n_seeds} seeds: accuracy")
        table = part.groupby(level="set")[shown].mean().loc[_in(order, part)]
        print(table.rename(columns=SHOWN).round(1).to_string())
        others = ["labels alone", "all covered weak labels", "self-cut"]
        others += ["self-cut average", "SelfTrainingClassifier", "with component"]
        for method, against in (
            (USED, others),
            ("recipe", ["labels alone", "self-cut"]),
        ):
            print(f"\n{student}, {labels} known labels: {method} minus ... (s.e.)")
            columns = {SHOWN[o]: _written(compare(part, method, o)) for o in against}
            table = pd.DataFrame(columns).droplevel(["student", "labels"])
            print(table.loc[_in(order, part)].to_string())
    for method in ("recipe", "average", "average, weight 1"):
        _print_counts(wide, method)
    _print_damage(wide)
    _print_judged(wide)


def _in(order, part):
    present = set(part.index.get_level_values("set"))
    return [name for name in order if name in present]


def _written(difference):
    return difference.apply(lambda r: f"{r['mean']:+.1f} ({r['error']:.1f})", axis=1)


def _cell(index):
    return " ".join(map(str, index))


def _print_counts(wide, method):
    """The counts that a claim would rest on."""
    better = against_better(wide, method)
    sure = [
        compare(wide, method, other).eval("mean > 2 * error")
        for other in ("labels alone", "all covered weak labels")
    ]
    both = sure[0] & sure[1]
    below = (better["mean"] < -better["error"]) & (better["mean"] < -LEAST)
    control = "self-cut" if method == "recipe" else "self-cut average"
    own = compare(wide, method, control)
    unseen = ~both.index.get_level_values("set").isin(RULE_SETS)
    print(f"\n{method}{' (used)' if method == USED else ''}")
    for title, rows in (("rule sets", ~unseen), ("unseen sets", unseen)):
        if not rows.any():
            continue
        print(
            f"  {title}, {rows.sum()} cells: beats both by 2 s.e. {both[rows].sum()}, "
            f"below the better by 1 s.e. and {LEAST} points {below[rows].sum()};\n"
            f"    against the better {better['mean'][rows].mean():+.2f}, "
            f"worst {better['mean'][rows].min():+.2f}; above {control} by 2 s.e. "
            f"{own.eval('mean > 2 * error')[rows].sum()}, "
            f"below {own.eval('mean < -2 * error')[rows].sum()}"
        )
    for cell in below.index[below]:
        print(f"  below: {_cell(cell)}: {_written(better.loc[[cell]]).iloc[0]}")


def _print_damage(wide):
    print("\nvotes that are damaged, minus labels alone")
    for how in DAMAGED:
        for method in ("recipe", "average"):
            gap = compare(wide, f"{how}: {method}", "labels alone")
            below = gap.eval("mean < -error") & (gap["mean"] < -LEAST)
            worst = gap["mean"].idxmin()
            print(
                f"  {how}, {method}: mean {gap['mean'].mean():+.2f}, worst "
                f"{gap['mean'].min():+.2f} ({gap['error'][worst]:.2f}) "
                f"at {_cell(worst)};\n"
                f"    below by 1 s.e. and {LEAST} points in {below.sum()} of "
                f"{len(below)}"
            )


def _print_judged(wide):
    names = [n for n in wide.columns if n.startswith("judged: ") and "," not in n]
    if not names:
        return
    print(
        "\nout-of-fold accuracy minus test accuracy, and how often the interval holds"
    )
    for name in names:
        method = name.removeprefix("judged: ")
        gap = (wide[name] - wide[method]).dropna()
        inside = wide[method].between(wide[f"{name}, low"], wide[f"{name}, high"])
        print(
            f"  {method}: {gap.mean():+.2f} ({gap.std() / np.sqrt(len(gap)):.2f}), "
            f"interval holds the test accuracy in {inside[gap.index].mean():.1%}"
        )
