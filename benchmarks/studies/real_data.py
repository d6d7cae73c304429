"""Purified hard rows and p-values on real weak labels.

``python -m benchmarks real-data`` takes the tables of the main job, labelled
by a label model and by majority vote, and compares students (logistic regression) of
all rows, of the non-hard ones, of the overlap rows that the default and the purifying
detector find, and of as many random non-hard rows as the default finds. Beside them
stand the p-values of the detector: does evidence of two groups foretell a gain?
``--data DIR`` or OVERLAPKIT_DATA adds data sets in the WRENCH format.
"""

import numpy as np
from sklearn.preprocessing import StandardScaler

from benchmarks import common
from benchmarks.job.data import Unusable, available, load_task
from benchmarks.job.experiment import strong_model, two_views
from benchmarks.studies import worlds
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.model_selection import weak_to_strong_report

SUMMARY = "variants of the detector on real data"
TEACHERS = ("label-model", "majority")
DETECTORS = {
    "default": {"representation": StandardScaler()},
    "purify": {"representation": StandardScaler(), "refine_hard": 0.05},
}
CONTROL = "default, random non-hard"
ACCURACIES = ["covered rows", "non-hard rows", CONTROL, "default", "purify"]
LARGEST = 4000  # rows of a student's pool, so that big sets take no longer than others


def one_task(name, seed, teacher, data_dir=None):
    """A row of the result; none where a data set cannot be used."""
    try:
        task = load_task(name, seed, data_dir)
    except Unusable:
        return []
    rows = np.random.RandomState(seed).permutation(task.student)[:LARGEST]
    X, views = two_views(task, teacher, seed)
    students = {
        name: WeakToStrongClassifier(
            strong_model("logistic", seed), selector=OverlapDetector(**params), **views
        )
        for name, params in DETECTORS.items()
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
    accuracy = report.runs.set_index("model")["accuracy"]
    detector, pure = (
        OverlapDetector(**params, **views).fit(X[rows]) for params in DETECTORS.values()
    )
    right = detector.weak_estimator_.predict(task.votes[rows]) == task.y[rows]
    regions = detector.labels_
    return [
        {
            "data": name,
            "teacher": teacher,
            "seed": seed,
            **accuracy[ACCURACIES],
            "gain over random": accuracy["default"] - accuracy[CONTROL],
            "purification acts": np.isfinite(pure.refinement_threshold_),
            "p confidence": detector.confidence_pvalue_,
            "p overlap": detector.overlap_pvalue_,
            "purity of hard rows": common.share(right[regions == worlds.HARD]),
            "purity of others": common.share(right[regions < worlds.HARD]),
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
    common.show("accuracy", means[ACCURACIES])
    common.show("mean over data sets and teachers", means[ACCURACIES].mean().to_frame())
    common.show("diagnostics", means.drop(columns=["seed", *ACCURACIES]))
    evidence = (runs["p overlap"] <= 0.05).rename("evidence of two groups")
    table = runs.groupby(evidence)["gain over random"].agg(["mean", "sem", "size"])
    common.show("gain of overlap rows over random non-hard ones", table)
    return 0
