"""When the views share features: does detection break, and does a diagnostic say so.

``python -m benchmarks shared-features`` walks from disjoint to identical
views of the Gaussian setting (500 easy, 500 hard, 500 overlap rows; 20 easy and 20
hard features) in two legs:

1. the weak model sees the easy features, the strong view the hard features and more
   and more of the easy ones (overlap step 0 to 1; at 1 it sees all);
2. the strong view is all features, the weak model sees the easy features and more
   and more of the hard ones (step 1 to 2; at 2 the views are the same).

Diagnostics that need no truth stand beside what they should foretell: whether
detected hard rows are hard (precision below 1/2 is broken), whether scores tell
overlap from easy rows (AUC below 0.9 is broken), and whether the student beats its
teacher on hard rows.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks import common
from benchmarks.studies import worlds
from overlapkit import OverlapDetector

SUMMARY = "study 2: from disjoint to identical views"
N_FEATURES = 20
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2.0)
DIAGNOSTICS = ("alignment", "p confidence", "p overlap", "gain", "non-hard share")


def views(step):
    """Columns of the strong and of the weak view at a step of the walk."""
    easy, hard = np.arange(N_FEATURES), np.arange(N_FEATURES, 2 * N_FEATURES)
    in_strong = easy[: round(min(step, 1.0) * N_FEATURES)]
    in_weak = hard[: round(max(step - 1.0, 0.0) * N_FEATURES)]
    return np.append(in_strong, hard), np.append(easy, in_weak)


def one_world(step, seed):
    """A row of the result."""
    train, test = worlds.world(seed, n_easy=500, n_hard=500, n_overlap=500)
    strong, weak = views(step)
    detector = OverlapDetector(
        strong_columns=strong, weak_columns=weak, random_state=seed
    ).fit(train.X, train.y)
    teacher = detector.weak_estimator_
    labels = teacher.predict(train.X[:, weak])
    test.X, weak_view = test.X[:, strong], test.X[:, weak]
    student = worlds.student_accuracy(
        train.X[detector.support_][:, strong], labels[detector.support_], test
    )
    on_hard = test.region == worlds.HARD
    taught = float(np.mean(teacher.predict(weak_view)[on_hard] == test.y[on_hard]))
    return [
        {
            "step": step,
            "seed": seed,
            "alignment": detector.view_alignment_,
            **worlds.detection(detector, train.region),
            "teacher on hard": taught,
            "student on hard": student["hard"],
            "gain on hard": student["hard"] - taught,
        }
    ]


def foretelling(runs):
    """AUC of each diagnostic for each failure; 1 and 0 are perfect, 0.5 is nothing."""
    failures = {
        "hard rows are not hard": runs["hard precision"] < 0.5,
        "scores do not separate": runs["auc"] < 0.9,
        "student no better on hard": runs["gain on hard"] < 0.02,
    }
    table = {}
    for failure, happened in failures.items():
        table[failure] = {
            name: roc_auc_score(happened, runs[name].fillna(-1.0))
            for name in DIAGNOSTICS
            if 0 < happened.mean() < 1
        } | {"share of runs": happened.mean()}
    return table


def main(argv=None):
    """Run the study; write shared_features.csv and .png; returns 0."""
    options = common.parse("shared-features", __doc__, argv, seeds=20, out="studies")
    steps = STEPS[::2] + STEPS[-1:] if options.quick else STEPS
    settings = [
        {"step": step, "seed": seed} for step in steps for seed in range(options.seeds)
    ]
    runs = common.run_rows(one_world, settings, options.n_jobs)
    common.write(runs, options, "shared_features")
    means = runs.groupby("step").mean(numeric_only=True).drop(columns="seed")
    common.show("means over seeds", means.T)
    table = foretelling(runs)
    columns = list(table)
    common.show(
        "AUC of each diagnostic for each failure (0 or 1 perfect, .5 blind)",
        pd.DataFrame(table, columns=columns),
    )
    curves = {
        "against the truth": ("auc", "hard precision", "overlap precision"),
        "without the truth": ("alignment", "p confidence", "p overlap"),
        "on hard test rows": ("teacher on hard", "student on hard"),
    }

    def draw(ax, title):
        for name in curves[title]:
            label = "AUC" if name == "auc" else name
            ax.plot(means.index, means[name], marker="o", label=label)
        ax.axvline(1.0, color="grey", linewidth=0.8)
        ax.set_xlabel("0 disjoint, 1 strong sees all, 2 identical")
        ax.set_ylim(-0.03, 1.05)
        # the one corner that no line of the panel comes near
        corner = "upper left" if title == "without the truth" else "lower left"
        ax.legend(fontsize="small", loc=corner)

    common.panels(options, "shared_features", list(curves), draw, ylabel="mean")
    return 0
