"""Purified hard rows and p-values on real weak labels.

``python -m benchmarks real-data`` takes the tables of the main job, labelled
by a label model and by majority vote, and compares students (logistic regression) of
all rows, of the non-hard ones, of the overlap rows that the default and the purifying
detector find, and of as many random non-hard rows as the default finds. Beside them
stand the p-values of the detector: does evidence of two groups foretell a gain?
``--data DIR`` or OVERLAPKIT_DATA adds data sets in the WRENCH format.
"""

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import StandardScaler

from benchmarks import common
from benchmarks.job.data import Unusable, available, load_task
from benchmarks.job.experiment import LABEL_MODELS, strong_model
from benchmarks.studies import worlds
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import stack_views
from overlapkit.scorers import ConfidenceScorer

SUMMARY = "variants of the detector on real data"
TEACHERS = ("label-model", "majority")
LARGEST = 4000  # rows of a student's pool, so that big sets take no longer than others


def one_task(name, seed, teacher, data_dir=None):
    """A row of the result; none where a data set cannot be used."""
    try:
        task = load_task(name, seed, data_dir)
    except Unusable:
        return []
    rows = np.random.RandomState(seed).permutation(task.student)[:LARGEST]
    model = LABEL_MODELS[teacher](classes=np.arange(task.n_classes), random_state=seed)
    model.fit(task.votes[task.teacher])
    X, strong, weak = stack_views(strong=task.X, weak=task.votes.astype(np.float32))

    def learn(selector, **params):
        student = WeakToStrongClassifier(
            strong_model("logistic", seed),
            weak_estimator=FrozenEstimator(model),
            strong_columns=strong,
            weak_columns=weak,
            selector=selector,
            random_state=seed,
            **params,
        ).fit(X[rows])
        return student, student.score(X[task.test], task.y[task.test])

    result = {"data": name, "teacher": teacher, "seed": seed}
    _, result["all rows"] = learn(None)
    non_hard, result["non-hard"] = learn(ConfidenceScorer())
    scaler = StandardScaler()
    student, result["default"] = learn(OverlapDetector(representation=scaler))
    detector, weak_labels = student.selector_, student.weak_labels_
    pure, result["purify"] = learn(
        OverlapDetector(representation=scaler, refine_hard=0.05)
    )
    candidates = np.flatnonzero(non_hard.selected_)
    size = min(int(student.selected_.sum()), len(candidates))
    chosen = np.random.RandomState(seed).choice(candidates, size, replace=False)
    control = strong_model("logistic", seed).fit(
        X[rows[chosen], strong], weak_labels[chosen]
    )
    result["random non-hard"] = control.score(X[task.test, strong], task.y[task.test])
    right = weak_labels == task.y[rows]
    return [
        result
        | {
            "gain over random": result["default"] - result["random non-hard"],
            "purification acts": np.isfinite(pure.selector_.refinement_threshold_),
            "p confidence": detector.confidence_pvalue_,
            "p overlap": detector.overlap_pvalue_,
            "purity of hard rows": common.share(right[detector.labels_ == worlds.HARD]),
            "purity of others": common.share(right[detector.labels_ != worlds.HARD]),
        }
    ]


def main(argv=None):
    """Run the study; write real_data.csv; returns 0."""
    options = common.parse(
        "real-data", __doc__, argv, seeds=10, out="studies", data="environment"
    )
    settings = [
        {"name": name, "seed": seed, "teacher": teacher, "data_dir": options.data}
        for name in available(options.data)
        for teacher in TEACHERS
        for seed in range(options.seeds)
    ]
    runs = common.run_rows(one_task, settings, options.n_jobs)
    common.write(runs, options, "real_data")
    means = runs.groupby(["data", "teacher"]).mean(numeric_only=True)
    accuracies = ["all rows", "non-hard", "random non-hard", "default", "purify"]
    common.show("accuracy", means[accuracies])
    common.show("mean over data sets and teachers", means[accuracies].mean().to_frame())
    common.show("diagnostics", means.drop(columns=["seed", *accuracies]))
    evidence = (runs["p overlap"] <= 0.05).rename("evidence of two groups")
    table = runs.groupby(evidence)["gain over random"].agg(["mean", "sem", "size"])
    common.show("gain of overlap rows over random non-hard ones", table)
    return 0
