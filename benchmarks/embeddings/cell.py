"""The language-model protocol on one data set under one seed, on embeddings.

A weak probe on the weak view learns the true labels of one half. Its probabilities are
the soft labels of the other half, from which strong probes learn. All probes are the
paper's: the mean loss plus .001 times the squared norm of the weights.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from benchmarks.job.data import Unusable
from benchmarks.sources.problems import Problem, by_shares, region_of
from benchmarks.sources.runs import DEFAULT, ORACLE, RANDOM, play
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import stack_views
from overlapkit.model_selection import overlap_curve, weak_to_strong_report

__all__ = ["DIGITS", "Probe", "read", "run", "sets_in"]

DIGITS = "digits"
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
SOURCE_SHARES = (0.1, 0.9)  # of the overlap rows, as in the paper
LEAST_BATCH = 4
SOURCE_RUNS = (ORACLE, DEFAULT, "UCB, authors' bonus", RANDOM)


class Probe(ClassifierMixin, BaseEstimator):
    """Logistic regression with a penalty on the mean loss, whatever the rows' number.

    Minimises mean loss + `penalty` * squared norm of the weights, so that training
    sets of different sizes are regularised alike.
    """

    def __init__(self, penalty=1e-3, max_iter=1000):
        self.penalty = penalty
        self.max_iter = max_iter

    def fit(self, X, y, sample_weight=None):
        """Fit; rows that stand for a class of a soft label weigh its probability."""
        total = len(y) if sample_weight is None else np.sum(sample_weight)
        C = 1 / (2 * total * self.penalty)
        model = LogisticRegression(C=C, max_iter=self.max_iter)
        self.model_ = model.fit(X, y, sample_weight)
        self.classes_ = model.classes_
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)

    def predict(self, X):
        return self.model_.predict(X)


@dataclass(frozen=True)
class Embedded:
    """Both views of all rows, labels, and the rows of each part."""

    strong: np.ndarray
    weak: np.ndarray
    y: np.ndarray
    train: np.ndarray
    test: np.ndarray


def sets_in(folder):
    """Names of the npz files of a folder, and digits, which needs none."""
    if folder is None:
        return [DIGITS]
    names = sorted(p.name for p in Path(folder).iterdir() if p.is_dir())
    return [DIGITS, *(n for n in names if (Path(folder) / n / f"{n}.npz").is_file())]


@lru_cache(maxsize=2)
def read(name, folder):
    """Views, labels and parts of a set; votes are neither needed nor read.

    Both views are standardised on the training rows, as the penalty of a probe means
    something only for columns of about one scale. digits has the 64 pixels as the
    strong view, and as the weak one the mean of each quarter of the picture.
    """
    if name == DIGITS:
        X, y = load_digits(return_X_y=True)
        pixels = X.reshape(-1, 2, 4, 2, 4) / 16
        coarse = pixels.mean(axis=(2, 4)).reshape(len(X), -1)
        rows = np.random.RandomState(0).permutation(len(y))
        test, train = np.split(rows, [len(y) // 4])
        strong, weak = (X / 16).astype(np.float32), coarse.astype(np.float32)
        return Embedded(_scaled(strong, train), _scaled(weak, train), y, train, test)
    with np.load(Path(folder) / name / f"{name}.npz", allow_pickle=False) as file:
        missing = {"X_strong", "X_weak", "y", "train_idx", "test_idx"} - set(file.files)
        if missing:
            raise Unusable(f"it has no {', '.join(sorted(missing))}")
        strong, weak = (file[f"X_{v}"].astype(np.float32) for v in ("strong", "weak"))
        y = file["y"].astype(np.intp)
        parts = [file[f"{part}_idx"] for part in ("train", "test")]
    train, test = (part[y[part] >= 0] for part in parts)
    if len(train) < 100 or len(test) < 50:
        raise Unusable("it has too few rows with a label")
    return Embedded(_scaled(strong, train), _scaled(weak, train), y, train, test)


def _scaled(X, train):
    deviation = X[train].std(axis=0)
    return (X - X[train].mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def run(name, seed, folder=None):
    """All results of one set and seed: students, curves, sources."""
    data = read(name, folder)
    teacher, pool = train_test_split(data.train, test_size=0.5, random_state=seed)
    X, strong_columns, weak_columns = stack_views(strong=data.strong, weak=data.weak)
    y, test = data.y, data.test
    weak = Probe().fit(data.weak[teacher], y[teacher])
    views = {
        "weak_estimator": FrozenEstimator(weak),
        "strong_columns": strong_columns,
        "weak_columns": weak_columns,
        "random_state": seed,
    }
    detectors = {
        "overlap": OverlapDetector(),
        "paper": OverlapDetector(aggregation="max", hard_threshold="binseg"),
    }
    students = {
        kind: WeakToStrongClassifier(
            Probe(), selector=detector, label_use="soft", **views
        )
        for kind, detector in detectors.items()
    }
    shared = {"X_test": X[test], "y_test": y[test], "y_true": y[pool], "n_repeats": 1}
    report = weak_to_strong_report(students, X[pool], random_state=seed, **shared)
    rows = report.runs.assign(
        data=name, seed=seed, test_train_ratio=len(test) / len(pool)
    )
    curves = []
    for kind, detector in detectors.items():
        detector = OverlapDetector(**{**detector.get_params(deep=False), **views})
        try:
            curve = overlap_curve(
                Probe(),
                detector,
                X[pool],
                shares=SHARES,
                random_state=seed,
                **shared,
            )
        except ValueError:  # a pool has no row: there is no curve then
            continue
        kept = ["pool", "share", "n_train", "accuracy", "label_purity"]
        curve = curve[kept].assign(data=name, seed=seed, detector=kind)
        curves += curve.to_dict("records")
    return {
        "rows": rows.to_dict("records"),
        "curves": curves,
        "sources": _choose_sources(data, teacher, pool, seed),
    }


def _choose_sources(data, teacher, pool, seed):
    """Two sources: .1 and .9 of the overlap rows, and half of the others each."""
    X = np.hstack([data.strong, data.weak, np.zeros((len(data.y), 1), np.float32)])
    problem = Problem(
        X[pool],
        data.y[pool],
        np.zeros(len(pool), dtype=int),
        (X[teacher], data.y[teacher]),
        (X[data.test], data.y[data.test]),
        data.strong.shape[1],
    )
    problem.X[:, -1] = region_of(problem)
    rows, sources = by_shares(problem, SOURCE_SHARES, np.random.RandomState(seed))
    if len(np.unique(sources)) < 2:
        return []
    problem = problem.part(rows, sources)
    if problem.batch_size < LEAST_BATCH:
        return []
    densities = problem.densities
    return [
        {key: value for key, value in line.items() if key != "seconds"}
        | {"low": densities.min(), "high": densities.max(), "batch": problem.batch_size}
        for line in play(problem, seed, SOURCE_RUNS)
    ]
