"""Bound and actual error of coverage expansion, side by side.

``python -m benchmarks expansion`` fits teacher, detector and students on the Gaussian
setting of the source paper and on the main job's spambase and mushroom, takes rows that
are not hard as covered, and prints `overlap_expansion_report`: per class, the bound of
Lang et al. (2024), whether its assumptions hold on these rows, and the error it bounds.
A bound of 1 or more, or "inf", says nothing.
"""

import warnings

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import common
from benchmarks.job.data import load_task
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification, stack_views
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.label_models import LabelModel
from overlapkit.theory import neighborhood_graph, overlap_expansion_report

SUMMARY = "bound of coverage expansion and actual error, side by side"
COLUMNS = ["n_covered", "n_uncovered", "alpha", "c", "err_weak", "p_non_robust"]
COLUMNS += ["bound", "actual_error", "assumptions_hold", "vacuous"]


def gaussian(seed):
    """The paper's setting: both views, true labels, and the views' parameters."""
    world = make_overlap_classification(
        n_easy=500, n_hard=500, n_overlap=500, random_state=seed
    )
    return world.X, world.X, world.y, {"weak_columns": slice(0, 20)}, world.y


def shipped(name, seed):
    """Unlabelled rows of a table of the main job, with its label model."""
    task = load_task(name, seed)
    teacher = LabelModel(classes=np.arange(task.n_classes), random_state=seed)
    teacher.fit(task.votes[task.teacher])
    X, strong, weak = stack_views(strong=task.X, weak=task.votes.astype(np.float32))
    views = {
        "weak_estimator": FrozenEstimator(teacher),
        "strong_columns": strong,
        "weak_columns": weak,
    }
    rows = task.student
    return X[rows], task.X[rows], task.y[rows], views, None


def report(X, strong, y_true, views, y, seed, n_family, n_neighbors):
    """The table of one data set."""
    detector = OverlapDetector(representation=StandardScaler(), **views)
    detector.set_params(random_state=seed).fit(X, y)
    covered = detector.labels_ != 2
    graph = neighborhood_graph(
        StandardScaler().fit_transform(strong), n_neighbors=n_neighbors
    )
    students = []
    for C in np.geomspace(1e-3, 1, n_family):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))
        student = WeakToStrongClassifier(
            model, selector=detector_like(detector), random_state=seed, **views
        ).fit(X, y)
        students.append(student.predict(X))
    return overlap_expansion_report(
        graph,
        y_true,
        student.weak_labels_,
        students[0],
        covered=covered,
        family=students[1:],
    )[COLUMNS]


def detector_like(detector):
    """An unfitted selector with the detector's settings and nobody's views."""
    params = detector.get_params(deep=False)
    for name in ("weak_estimator", "strong_columns", "weak_columns"):
        params[name] = None
    return OverlapDetector(**params)


def main(argv=None):
    """Print a table per data set."""
    number = {"type": int, "default": 5}
    options = common.parse(
        "expansion",
        __doc__,
        argv,
        jobs=False,
        seed={"type": int, "default": 0},
        family={**number, "help": "number of students"},
        neighbors=number,
    )
    warnings.simplefilter("ignore", OverlapkitWarning)
    worlds = {"generator, d = 20 + 20": gaussian(options.seed)}
    for name in ("spambase", "mushroom"):
        worlds[name] = shipped(name, options.seed)
    for name, world in worlds.items():
        table = report(*world, options.seed, options.family, options.neighbors)
        title = f"{name}, {options.family} students, {options.neighbors} neighbours"
        common.show(title, table)
    return 0
