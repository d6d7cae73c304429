"""Rows whose easy and hard patterns name different classes, and what foretells them.

``python -m benchmarks conflicting-patterns`` draws the Gaussian setting of the source
paper (500 easy, 500 hard, 500 overlap rows; 20 features each). In a share of the
overlap rows the easy pattern is that of the other class; the class is that of the hard
pattern. The weak model learns from the labels of other, conflict-free rows, as a weak
model does that was trained elsewhere, or from those of the rows themselves.

First, per share: how many weak labels are right, how well the detector ranks, and
accuracy on easy, hard and conflicting test rows of a student of the overlap rows found,
of one of as many random non-hard rows, of one of the true overlap rows with their weak
labels, and of the weak model.

Second: whether a number that a fit has foretells the failure, which is a student of
overlap rows that is right on hard test rows less than .02 more often than the weak
model. A line is drawn for each number on one half of the seeds, where it is right most
often, and judged on the other half, with its AUC there:

confidence        mean weak confidence of overlap rows less that of easy rows
strong agrees     share of overlap rows where an out-of-fold strong model agrees with
                  the weak label, less that of easy rows
hard agrees       the same for a strong model learnt on overlap rows, of hard rows
density, p overlap, alignment   as the detector has them
labels            share of right weak labels among easy rows less that among overlap
                  rows, all labels known; "100 labels": of 100 known rows
"""

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from benchmarks import common
from benchmarks.job.experiment import N_LABELLED
from benchmarks.studies import worlds
from overlapkit import OverlapDetector
from overlapkit.datasets import make_overlap_classification

SUMMARY = "easy and hard patterns of one row that name different classes"
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
TEACHERS = ("elsewhere", "same rows")
LEAST_GAIN = 0.02
SIZE = {"n_easy": 500, "n_hard": 500, "n_overlap": 500}
NUMBERS = ["confidence", "strong agrees", "hard agrees", "density", "p overlap"]
NUMBERS += ["alignment", "labels", "100 labels"]


def one_world(share, teacher, seed):
    """A row of the result."""
    train, test = worlds.world(seed, conflict=share, **SIZE)
    easy_columns = train.easy_columns
    easy = train.X[:, easy_columns]
    weak_model = LogisticRegression(max_iter=500)
    if teacher == "elsewhere":
        other = make_overlap_classification(
            theta=train.theta, random_state=seed + 20_000, **SIZE
        )
        weak_model.fit(other.X[:, easy_columns], other.y)
        weak = weak_model.predict(easy)
        weak_model = FrozenEstimator(weak_model)
        shown = weak_model
    else:
        weak = cross_val_predict(weak_model, easy, train.y, cv=5)
        shown = LogisticRegression(max_iter=500).fit(easy, train.y)
    detector = OverlapDetector(
        weak_model, weak_columns=easy_columns, random_state=seed
    ).fit(train.X, train.y)
    region, confidence = detector.labels_, detector.weak_confidence_
    overlap, others = region == worlds.OVERLAP, region == worlds.EASY
    found_hard = region == worlds.HARD
    rng = np.random.RandomState(seed)
    drawn = rng.permutation(np.flatnonzero(~found_hard))[: overlap.sum()]
    known = rng.permutation(len(region))[:N_LABELLED]
    is_known = np.isin(np.arange(len(region)), known)
    right = weak == train.y
    voted = cross_val_predict(LogisticRegression(max_iter=500), train.X, weak, cv=3)
    agrees = voted == weak

    def students(rows):
        return worlds.student_accuracy(train.X[rows], weak[rows], test)

    student, random = students(overlap), students(drawn)
    true = students(train.region == worlds.OVERLAP)
    clash = make_overlap_classification(
        theta=train.theta, random_state=seed + 30_000, conflict=1.0, **SIZE
    )
    clash_rows = clash.conflicting
    learnt = LogisticRegression(C=0.1, max_iter=500).fit(
        train.X[overlap], weak[overlap]
    )
    on_clash = learnt.predict(clash.X[clash_rows]) == clash.y[clash_rows]
    hard_test = test.region == worlds.HARD
    taught = shown.predict(test.X[:, easy_columns])[hard_test] == test.y[hard_test]
    true_hard = train.region == worlds.HARD
    on_hard = learnt.predict(train.X[true_hard]) == weak[true_hard]
    found = worlds.detection(detector, train.region)
    return [
        {
            "share": share,
            "teacher": teacher,
            "seed": seed,
            "weak right, overlap": common.share(right[train.region == worlds.OVERLAP]),
            "auc": found["auc"],
            "hard precision": found["hard precision"],
            "student, easy": student["easy"],
            "student, hard": student["hard"],
            "student, conflicting": float(np.mean(on_clash)),
            "random non-hard, hard": random["hard"],
            "true overlap, hard": true["hard"],
            "weak model, hard": float(np.mean(taught)),
            "fails": bool(student["hard"] - np.mean(taught) < LEAST_GAIN),
            "confidence": confidence[overlap].mean() - confidence[others].mean(),
            "strong agrees": common.share(agrees[overlap])
            - common.share(agrees[others]),
            "hard agrees": float(np.mean(on_hard)),
            "density": detector.overlap_density_,
            "p overlap": detector.overlap_pvalue_,
            "alignment": detector.view_alignment_,
            "labels": common.share(right[others]) - common.share(right[overlap]),
            "100 labels": common.share(right[others & is_known])
            - common.share(right[overlap & is_known]),
        }
    ]


def foretelling(runs):
    """Each number's line, drawn on half of the seeds, on the other half."""
    even = runs["seed"] % 2 == 0
    rows = []
    for name in NUMBERS:
        values = runs[name].fillna(runs[name][even].median())
        happened = runs["fails"]
        if not 0 < happened[even].mean() < 1 or not 0 < happened[~even].mean() < 1:
            continue
        sign = 1 if roc_auc_score(happened[even], values[even]) >= 0.5 else -1
        signed = sign * values
        lines = np.unique(signed[even])
        balanced = [_balanced(happened[even], signed[even] >= line) for line in lines]
        line = lines[int(np.argmax(balanced))]
        said = signed[~even] >= line
        rows.append(
            {
                "number": name,
                "fails if": "above" if sign > 0 else "below",
                "line": sign * line,
                "AUC": roc_auc_score(happened[~even], signed[~even]),
                "found": common.share(said[happened[~even]]),
                "false alarms": common.share(said[~happened[~even]]),
            }
        )
    return pd.DataFrame(
        rows, columns=["number", "fails if", "line", "AUC", "found", "false alarms"]
    ).set_index("number")


def _balanced(truth, said):
    return (np.mean(said[truth]) + np.mean(~said[~truth])) / 2


def main(argv=None):
    """Run the study; write conflicting_patterns.csv and .png; returns 0."""
    options = common.parse(
        "conflicting-patterns", __doc__, argv, seeds=10, out="studies"
    )
    settings = [
        {"share": share, "teacher": teacher, "seed": seed}
        for share in SHARES
        for teacher in TEACHERS
        for seed in range(options.seeds)
    ]
    runs = common.run_rows(one_world, settings, options.n_jobs)
    common.write(runs, options, "conflicting_patterns")
    for teacher in TEACHERS:
        part = runs[runs["teacher"] == teacher]
        means = part.groupby("share").mean(numeric_only=True).drop(columns="seed")
        common.show(f"weak model from {teacher}: means over seeds", means.T)
    common.show(
        "what foretells the failure, on the other half of the seeds", foretelling(runs)
    )

    def draw(ax, teacher):
        means = (
            runs[runs["teacher"] == teacher].groupby("share").mean(numeric_only=True)
        )
        for name in ("student, hard", "random non-hard, hard", "student, conflicting"):
            ax.plot(means.index, means[name], "o-", markersize=4, label=name)
        ax.plot(means.index, means["weak model, hard"], "k:", label="weak model, hard")
        ax.set_xlabel("share of overlap rows in conflict")

    common.panels(
        options, "conflicting_patterns", list(TEACHERS), draw, ylabel="accuracy"
    )
    return 0
