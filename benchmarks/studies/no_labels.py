"""Which rows to learn from where no true label is known.

``python -m benchmarks no-labels --data DIR`` trains a student on the rows that each
selector keeps, on every set with votes, labelled by the label model and by majority
vote, and prints the difference in test accuracy from a student of all rows with a weak
label, and from one of as many random rows. A share is that of the covered rows, with
quotas in proportion to the weak classes. *Leave one set out* chooses the selector with
the best mean over all other sets: what somebody who has read this table could expect on
a set that is not in it.
"""

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from benchmarks import common
from benchmarks.job.data import Unusable, available, load_task
from benchmarks.job.experiment import strong_model, two_views
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.model_selection import weak_to_strong_report
from overlapkit.representation import HiddenLayerRepresentation
from overlapkit.scorers import (
    ConfidenceScorer,
    CutStatisticScorer,
    SelfConfidenceScorer,
)

SUMMARY = "which rows to learn from where no true label is known"
TEACHERS = ("label-model", "majority")
LARGEST = 4000  # rows of a student's pool, so that big sets take no longer than others
BASE = "covered rows"


def selectors(seed):
    """Selectors that need no true label, and the share of rows that each keeps."""
    hidden = HiddenLayerRepresentation(random_state=seed)
    scorers = {
        "cut": CutStatisticScorer(),
        "self": SelfConfidenceScorer(),
        "confidence": ConfidenceScorer(),
    }
    shares = {
        f"{name} {share:.0%}": (scorer, share)
        for name, scorer in scorers.items()
        for share in (0.75, 0.5)
    }
    return {
        **shares,
        "overlap": (OverlapDetector(representation=StandardScaler()), None),
        "overlap, paper": (
            OverlapDetector(representation=hidden, aggregation="max"),
            None,
        ),
    }


def one_task(name, seed, teacher, strong, data_dir=None):
    """A row of the result for each selector; none where a data set cannot be used."""
    try:
        task = load_task(name, seed, data_dir)
    except Unusable:
        return []
    rows = np.random.RandomState(seed).permutation(task.student)[:LARGEST]
    X, views = two_views(task, teacher, seed)
    students = {
        student: WeakToStrongClassifier(
            strong_model(strong, seed), selector=selector, budget=budget, **views
        )
        for student, (selector, budget) in selectors(seed).items()
    }
    report = weak_to_strong_report(
        students,
        X[rows],
        X_test=X[task.test],
        y_test=task.y[task.test],
        y_true=task.y[rows],
        n_repeats=1,
        random_state=seed,
    )
    runs = report.runs.set_index("model")
    covered = runs.loc[BASE]
    at = {"data": name, "teacher": teacher, "seed": seed}
    result = [
        {
            **at,
            "rows": student,
            "accuracy": runs.loc[student, "accuracy"],
            "gain": runs.loc[student, "accuracy"] - covered["accuracy"],
            "over random": runs.loc[student, "accuracy"]
            - runs.loc[f"{student}, random", "accuracy"],
            "share": runs.loc[student, "n_train"] / covered["n_train"],
            "purity": runs.loc[student, "label_purity"] - covered["label_purity"],
        }
        for student in students
    ]
    drop = runs.loc["non-hard rows"]
    result.append(
        {
            **at,
            "rows": "non-hard",
            "accuracy": drop["accuracy"],
            "gain": drop["accuracy"] - covered["accuracy"],
            "share": drop["n_train"] / covered["n_train"],
            "purity": drop["label_purity"] - covered["label_purity"],
        }
    )
    return result


def verdicts(runs, column):
    """Mean over sets, and sets won and lost by more than two standard errors."""
    by_set = runs.groupby(["teacher", "rows", "data"])[column].agg(["mean", "sem"])
    clear = by_set["mean"].abs() > 2 * by_set["sem"]
    groups = ["teacher", "rows"]
    return pd.DataFrame(
        {
            column: 100 * by_set["mean"].groupby(groups).mean(),
            "s.e.": 100 * by_set["mean"].groupby(groups).sem(),
            "won": (clear & (by_set["mean"] > 0)).groupby(groups).sum(),
            "lost": (clear & (by_set["mean"] < 0)).groupby(groups).sum(),
            "worst": 100 * by_set["mean"].groupby(groups).min(),
        }
    )


def leave_one_out(runs):
    """For each set, the selector that is best on all other sets, and its gain."""
    means = runs.groupby(["data", "rows"])["gain"].mean().unstack()
    sems = runs.groupby(["data", "rows"])["gain"].sem().unstack()
    chosen = {name: means.drop(index=name).mean().idxmax() for name in means.index}
    return pd.DataFrame(
        {
            "chosen": chosen,
            "gain": {
                name: 100 * means.loc[name, rows] for name, rows in chosen.items()
            },
            "s.e.": {data: 100 * sems.loc[data, best] for data, best in chosen.items()},
        }
    )


def main(argv=None):
    """Run the study; write no_labels.csv; returns 0."""
    options = common.parse(
        "no-labels",
        __doc__,
        argv,
        seeds=10,
        out="studies",
        data="environment",
        strong={
            "choices": ("lightgbm", "mlp", "logistic"),
            "default": "logistic",
            "help": "strong model; default: logistic",
        },
    )
    settings = [
        {
            "name": name,
            "seed": seed,
            "teacher": teacher,
            "strong": options.strong,
            "data_dir": options.data,
        }
        for name in available(options.data)
        for teacher in TEACHERS
        for seed in range(options.seeds)
    ]
    runs = common.run_rows(one_task, settings, options.n_jobs)
    common.write(runs, options, f"no_labels_{options.strong}")
    groups = ["teacher", "rows"]
    shares = runs.groupby(groups)[["share", "purity"]].mean()
    table = verdicts(runs, "gain").join(100 * shares)
    common.show("points over all rows with a weak label", table, 1)
    common.show("points over as many random rows", verdicts(runs, "over random"), 1)
    by_set = runs.groupby(["teacher", "data", "rows"])["gain"].mean().unstack()
    common.show("by set, points over all rows with a weak label", 100 * by_set, 1)
    for teacher, part in runs.groupby("teacher"):
        common.show(f"leave one set out, {teacher}", leave_one_out(part), 1)
    return 0
