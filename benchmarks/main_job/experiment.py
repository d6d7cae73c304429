"""One data set, one seed: a teacher, its students and their controls."""

import warnings

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.main_job.data import load_task
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import stack_views
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote
from overlapkit.metrics import performance_gap_recovered_score
from overlapkit.representation import HiddenLayerRepresentation
from overlapkit.scorers import ConfidenceScorer

N_LABELLED = 100

LABEL_MODELS = {
    "label-model": LabelModel,
    "dawid-skene": DawidSkene,
    "majority": MajorityVote,
}

# name -> what the strong model is trained on
STUDENTS = {
    "all weak labels": "every row with its weak label",
    "overlap": "rows OverlapDetector finds (mean similarity, standardised columns)",
    "overlap, paper": "the same by the paper (maximum, hidden layer of a network)",
    "non-hard": "every row the label model is not unsure about",
    "random non-hard": "non-hard rows at random, as many as overlap",
    "most confident": "the most confident rows, class by class, as many as overlap",
    "100 labels": f"{N_LABELLED} rows with their true labels",
    "auto, 100 labels": 'selector="auto", the rule chosen by the same 100 labels',
    "ceiling": "every row with its true label",
}


def strong_model(kind, seed):
    """The strong model of ``--strong``."""
    if kind == "lightgbm":
        return LGBMClassifier(
            verbosity=-1, n_jobs=1, random_state=seed, deterministic=True
        )
    if kind == "mlp":
        network = MLPClassifier(
            (32, 32, 32), max_iter=10, batch_size=32, random_state=seed
        )
        return make_pipeline(StandardScaler(), network)
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))


def run(name, seed, *, strong="lightgbm", label_model="label-model", data_dir=None):
    """Rows of the result table for one data set and seed, and a picture's data."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("always", OverlapkitWarning)
        rows, picture = _run(
            load_task(name, seed, data_dir), seed, strong, LABEL_MODELS[label_model]
        )
    notes = sorted(
        {
            f"{w.category.__name__}: {w.message}"
            for w in caught
            if issubclass(w.category, OverlapkitWarning)
        }
    )
    return {"rows": rows, "picture": picture, "warnings": notes}


def _run(task, seed, strong, label_model):
    pool, test = task.student, task.test
    y_pool, y_test = task.y[pool], task.y[test]
    teacher = label_model(classes=np.arange(task.n_classes), random_state=seed)
    teacher.fit(task.votes[task.teacher])
    rng = np.random.RandomState(seed)
    labelled = rng.choice(len(pool), min(N_LABELLED, len(pool)), replace=False)
    students, detector = _students(
        task, strong_model(strong, seed), teacher, labelled, rng, seed
    )
    weak_accuracy = undecided_as_share(teacher.predict_proba(task.votes[test]), y_test)
    rows = []
    for name in STUDENTS:
        labels, keep, predicted = students[name]
        rows.append(
            {
                "data": task.name,
                "seed": seed,
                "student": name,
                "n_train": int(keep.sum()),
                "accuracy": accuracy_score(y_test, predicted),
                "balanced_accuracy": balanced_accuracy_score(y_test, predicted),
                "purity": float(np.mean((labels == y_pool)[keep])),
                "weak_accuracy": weak_accuracy,
                "overlap_density": detector.overlap_density_,
            }
        )
    ceiling = rows[-1]["accuracy"]
    for row in rows:
        row["pgr"] = performance_gap_recovered_score(
            row["accuracy"],
            anchor=weak_accuracy,
            ceiling=ceiling,
            on_degenerate="nan",
        )
    weak_is_right = students["all weak labels"][0] == y_pool
    return rows, _picture(detector, weak_is_right, rng)


def _students(task, model, teacher, labelled, rng, seed):
    """Name -> (labels, rows trained on, predictions on test), and the detector."""
    pool, y_pool = task.student, task.y[task.student]
    # both views in one X, as any user of the package has them
    X, strong_columns, weak_columns = stack_views(
        strong=task.X, weak=task.votes.astype(np.float32)
    )
    X_pool, X_test = X[pool], X[task.test]

    def learn(selector=None, y=None, **params):
        student = WeakToStrongClassifier(
            model,
            weak_estimator=FrozenEstimator(teacher),
            strong_columns=strong_columns,
            weak_columns=weak_columns,
            selector=selector,
            random_state=seed,
            **params,
        ).fit(X_pool, y)
        outcome = student.weak_labels_, student.selected_, student.predict(X_test)
        return student.selector_, outcome

    students = {}
    _, students["all weak labels"] = learn()
    detector, students["overlap"] = learn(
        OverlapDetector(representation=StandardScaler())
    )
    hidden = HiddenLayerRepresentation(random_state=seed)
    _, students["overlap, paper"] = learn(
        OverlapDetector(representation=hidden, aggregation="max")
    )
    _, students["non-hard"] = learn(ConfidenceScorer())
    size = int(students["overlap"][1].sum())
    covered = (task.votes[pool] >= 0).any(axis=1)
    _, students["most confident"] = learn(
        ConfidenceScorer(), budget=size / covered.sum()
    )
    y_some = np.full(len(pool), -1)
    y_some[labelled] = y_pool[labelled]
    _, students["auto, 100 labels"] = learn("auto", y_some, missing_label=-1)

    weak, not_hard, _ = students["non-hard"]
    candidates = np.flatnonzero(not_hard)
    n_random = min(size, len(candidates))
    at_random = _mask(rng.choice(candidates, n_random, replace=False), len(pool))
    everything = np.ones(len(pool), dtype=bool)
    for name, labels, keep in (
        ("random non-hard", weak, at_random),
        ("100 labels", y_pool, _mask(labelled, len(pool))),
        ("ceiling", y_pool, everything),
    ):
        predicted = _fit_predict(model, X_pool, labels, keep, X_test, strong_columns)
        students[name] = labels, keep, predicted
    return students, detector


def _mask(rows, n):
    return np.isin(np.arange(n), rows)


def _fit_predict(model, X, labels, keep, X_test, columns):
    """Predictions of the strong model trained on some rows; one class predicts it."""
    present = np.unique(labels[keep])
    if len(present) == 1:
        return np.full(len(X_test), present[0])
    fitted = clone(model).fit(X[keep, columns], labels[keep])
    return fitted.predict(X_test[:, columns])


def undecided_as_share(proba, y):
    """Accuracy of a teacher; among k tied classes it is right once in k."""
    top = proba >= proba.max(axis=1, keepdims=True) * (1 - 1e-9)
    return float(np.mean(top[np.arange(len(y)), y] / top.sum(axis=1)))


def _picture(detector, right, rng, n_points=1500):
    """Confidence, score, region and label quality of some rows, for one figure."""
    n = len(right)
    rows = np.sort(rng.choice(n, min(n, n_points), replace=False))
    return {
        "confidence": np.round(detector.weak_confidence_[rows], 4).tolist(),
        "score": np.round(detector.overlap_scores_[rows], 4).tolist(),
        "region": detector.labels_[rows].tolist(),
        "right": right[rows].astype(int).tolist(),
        "confidence_threshold": float(detector.confidence_threshold_),
        "overlap_threshold": float(min(detector.overlap_threshold_, 1e9)),
    }
