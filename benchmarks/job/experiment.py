"""One data set, one seed: a label model, students, and what they are compared with."""

import warnings
from functools import partial

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.job.data import load_task
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import stack_views
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote
from overlapkit.model_selection import weak_to_strong_report
from overlapkit.representation import HiddenLayerRepresentation
from overlapkit.scorers import CutStatisticScorer

N_LABELLED = 100
CUT_SHARE = 0.75

LABEL_MODELS = {
    "label-model": LabelModel,
    "metal": partial(LabelModel, variant="metal"),  # the source paper's
    "dawid-skene": DawidSkene,
    "majority": MajorityVote,
}
# name -> how its rows are chosen
STUDENTS = {
    "overlap": "rows OverlapDetector finds (mean similarity, standardised columns)",
    "paper": "the same by the paper (maximum, hidden layer of a network)",
    "cut": "the 75 % of rows whose neighbours agree best with their weak label",
    "auto": f'selector="auto": labels corrected with {N_LABELLED} known labels',
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
        task = load_task(name, seed, data_dir)
        rows, picture = run_task(task, seed, strong, label_model)
    notes = {}
    for w in caught:
        if issubclass(w.category, OverlapkitWarning):
            notes.setdefault(w.category.__name__, str(w.message))
    return {"rows": rows, "picture": picture, "warnings": notes}


def two_views(task, label_model, seed):
    """Both views in one X, as any user has them, and the parameters that say so."""
    teacher = LABEL_MODELS[label_model](
        classes=np.arange(task.n_classes), random_state=seed
    )
    teacher.fit(task.votes[task.teacher])
    X, strong_columns, weak_columns = stack_views(
        strong=task.X, weak=task.votes.astype(np.float32)
    )
    return X, {
        "weak_estimator": FrozenEstimator(teacher),
        "strong_columns": strong_columns,
        "weak_columns": weak_columns,
        "random_state": seed,
    }


def run_task(task, seed, strong, label_model):
    """Rows of the result table of a task, and a picture's data."""
    pool, test = task.student, task.test
    X, views = two_views(task, label_model, seed)
    rng = np.random.RandomState(seed)
    y_some = np.full(len(pool), -1)
    labelled = rng.choice(len(pool), min(N_LABELLED, len(pool)), replace=False)
    y_some[labelled] = task.y[pool][labelled]
    detector = OverlapDetector(representation=StandardScaler())
    hidden = HiddenLayerRepresentation(random_state=seed)
    selectors = {
        "overlap": detector,
        "paper": OverlapDetector(representation=hidden, aggregation="max"),
        "cut": CutStatisticScorer(),
        "auto": "auto",
    }
    students = {
        name: WeakToStrongClassifier(
            strong_model(strong, seed),
            selector=selector,
            budget=CUT_SHARE if name == "cut" else None,
            missing_label=-1,
            **views,
        )
        for name, selector in selectors.items()
    }
    report = weak_to_strong_report(
        students,
        X[pool],
        y_some,
        X_test=X[test],
        y_test=task.y[test],
        y_true=task.y[pool],
        n_repeats=1,
        random_state=seed,
    )
    detector.set_params(**views).fit(X[pool])
    rows = report.runs.assign(
        data=task.name,
        seed=seed,
        overlap_density=detector.overlap_density_,
        test_train_ratio=len(test) / len(pool),
    ).to_dict("records")
    teacher = detector.weak_estimator_
    weak = teacher.predict_proba(task.votes[pool]).argmax(axis=1)
    return rows, _picture(detector, weak == task.y[pool], rng)


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
