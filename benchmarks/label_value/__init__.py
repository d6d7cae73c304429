"""How many true labels the weak labels of real sets are worth.

``python -m benchmarks label-value`` computes `label_value_curve` for logistic
regression and a majority vote. Every seed draws the labels that are known and holds
out a quarter of the rows for testing. The strength of the regularisation decides much
of the answer: without --C every fit chooses it by cross-validation on the labels it
learns from, true or weak. Writes curve.csv, worth.csv and needed.csv, and for each set
a figure, to --out.
"""

import time
import warnings

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from benchmarks import common
from overlapkit import WeakToStrongClassifier
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.inspection import LabelValueDisplay
from overlapkit.label_models import MajorityVote
from overlapkit.model_selection import label_value_curve

SUMMARY = "how many true labels the weak labels of real sets are worth"
SETS = ("youtube", "agnews", "imdb")
GRID = [0.001, 0.01, 0.1, 1.0]


def load(folder, name):
    """Strong columns and votes side by side, labels, and the number of strong ones."""
    with np.load(folder / name / f"{name}.npz", allow_pickle=False) as file:
        y = file["y"].astype(np.intp)
        known = y >= 0
        strong = file["X_strong"][known].astype(np.float32)
        votes = file["L"][known].astype(np.float32)
    return np.hstack([strong, votes]), y[known], strong.shape[1]


def strong_model(C):
    """Logistic regression, which chooses C by cross-validation where it is None."""
    if C is not None:
        return LogisticRegression(C=C, max_iter=300)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    return GridSearchCV(LogisticRegression(max_iter=300), {"C": GRID}, cv=folds)


def compute(folder, name, n_seeds, C, n_jobs):
    """The curve of one set."""
    X, y, n_strong = load(folder, name)
    student = WeakToStrongClassifier(
        strong_model(C),
        weak_estimator=MajorityVote(),
        strong_columns=slice(0, n_strong),
        weak_columns=slice(n_strong, X.shape[1]),
        selector="auto",
    )
    with warnings.catch_warnings():
        # rows without a vote are expected here
        warnings.simplefilter("ignore", OverlapkitWarning)
        # and so are classes of fewer labels than folds
        warnings.filterwarnings("ignore", "The least populated class")
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FitFailedWarning)
        warnings.filterwarnings("ignore", "One or more of the test scores")
        return label_value_curve(
            student, X, y, n_repeats=n_seeds, n_jobs=n_jobs, random_state=0
        )


def draw(result, name, path):
    """Save the figure of one set."""
    figure = Figure((8.0, 4.2), layout="constrained")
    ax = figure.subplots()
    LabelValueDisplay.from_curve(result, ax=ax)
    ax.set_title(name)
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")


def main(argv=None):
    """Compute the curves, print what they say, write tables and figures; returns 0."""
    options = common.parse(
        "label-value",
        __doc__,
        argv,
        seeds=5,
        quick_seeds=2,
        data="environment",
        out="label_value",
        sets={"nargs": "+", "default": list(SETS), "metavar": "NAME"},
        C={"type": float, "metavar": "C", "help": "default: by cross-validation"},
    )
    if options.data is None:
        options.error("there is no data: give --data DIR or set OVERLAPKIT_DATA")
    tables = {"curve": [], "worth": [], "needed": []}
    for name in options.sets:
        start = time.perf_counter()
        result = compute(options.data, name, options.seeds, options.C, options.n_jobs)
        seconds = time.perf_counter() - start
        print(f"\n{name} ({seconds:.0f} s): {result.verdict}")
        means = result.curve.pivot_table(
            index="n_labels", columns="method", values="accuracy"
        )
        common.show(name, 100 * means, digits=1)
        needed = result.needed.assign(accuracy=100 * result.needed["accuracy"])
        common.show(f"{name}: labels needed to reach both", needed, digits=1)
        worth = pd.DataFrame([result.worth._asdict()])
        for table, frame in (
            ("curve", result.curve),
            ("worth", worth),
            ("needed", result.needed),
        ):
            tables[table].append(frame.assign(data=name))
        options.out.mkdir(parents=True, exist_ok=True)
        draw(result, name, options.out / f"{name}.png")
    for table, frames in tables.items():
        common.write(pd.concat(frames, ignore_index=True), options, table)
    return 0
