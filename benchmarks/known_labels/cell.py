"""One cell of the table: a data set, a student, a number of known labels, a seed."""

import time
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from benchmarks.known_labels.data import draw, majority
from benchmarks.known_labels.students import students, tuned_on_known, tuned_on_weak
from overlapkit.scorers._neighbor_graph import nearest_neighbors
from overlapkit.students._learner import PooledClassifier
from overlapkit.students._recipe import N_NEIGHBORS, train_with_known
from overlapkit.weak import KnownLabels, WeakRows

__all__ = ["DAMAGED", "damage", "run_cell"]

DAMAGED = ("permuted", "flipped", "half flipped")


def run_cell(folder, name, student, n_labels, seed, *, judge=False):
    """Test accuracy of every method, and what the recipe says of itself."""
    data = draw(folder, name, n_labels, seed)
    estimator, grid = students(seed)[student]
    known, X_known, y_known = data.known, data.X[data.known], data.y[data.known]
    weak, covered = majority(data.votes, data.n_classes, seed)
    graph = nearest_neighbors(data.X, N_NEIGHBORS, n_jobs=1)
    accuracy, seconds = {}, {}

    def note(method, model, start):
        seconds[method] = round(time.perf_counter() - start, 3)
        accuracy[method] = float(np.mean(model.predict(data.X_test) == data.y_test))

    labels = KnownLabels(known, y_known)

    def recipe(votes=None, judge=False):
        weak = np.zeros(len(known), dtype=int)
        covered = np.zeros(len(known), dtype=bool)
        if votes is not None:
            weak, covered = majority(votes, data.n_classes, seed)
        proba = np.eye(data.n_classes)[weak]
        rows = WeakRows.from_proba(
            data.X, proba, covered=covered, votes=votes, seed=seed
        )
        return train_with_known(chosen, rows, labels, judge=judge, graph=graph)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # of LabelSpreading, for rows that no known label reaches
        warnings.filterwarnings("ignore", "invalid value encountered in divide")
        start = time.perf_counter()
        alone = tuned_on_known(estimator, grid, X_known, y_known, seed)
        chosen = clone(alone)
        note("labels alone", alone, start)
        start = time.perf_counter()
        by_weak = tuned_on_weak(
            estimator, grid, data.X[covered], weak[covered], X_known, y_known
        )
        note("all covered weak labels", by_weak, start)
        start = time.perf_counter()
        ours = recipe(data.votes, judge)
        note("recipe", ours.recipe_estimator, start)
        note("average", ours.estimator, start)
        parts = ours.recipe_estimator, ours.known_estimator
        plain = PooledClassifier(*parts, ours.estimator.classes)
        note("average, weight 1", plain, start)
        start = time.perf_counter()
        without = recipe()
        note("self-cut", without.recipe_estimator, start)
        note("self-cut average", without.estimator, start)
        for how in DAMAGED:
            start = time.perf_counter()
            spoilt = recipe(damage(data.votes, how, data.n_classes, seed))
            note(f"{how}: recipe", spoilt.recipe_estimator, start)
            note(f"{how}: average", spoilt.estimator, start)
        hidden = np.where(known, data.y, -1)
        start = time.perf_counter()
        note(
            "SelfTrainingClassifier",
            SelfTrainingClassifier(clone(chosen)).fit(data.X, hidden),
            start,
        )
        start = time.perf_counter()
        # the parameters that suit few labels need not suit many: the defaults as well
        note(
            "SelfTrainingClassifier, defaults",
            SelfTrainingClassifier(clone(estimator)).fit(data.X, hidden),
            start,
        )
        start = time.perf_counter()
        note("LabelSpreading", _spread(data.X, hidden), start)
        start = time.perf_counter()
        note("with component", _WithComponent(estimator, grid).fit(data, seed), start)
    report = ours.report.set_index("candidate")
    return {
        "accuracy": accuracy,
        "seconds": seconds,
        "coef": dict(zip(ours.correction.sources, ours.correction.stack.coef.tolist())),
        "shares": dict(zip(ours.correction.sources, ours.correction.shares.tolist())),
        "params": {k: chosen.get_params()[k] for k in grid},
        "corrected": float(np.mean(ours.correction.codes[~known] == data.y[~known])),
        "judged": report[["accuracy", "low", "high"]].T.to_dict() if judge else {},
    }


def _spread(X, y):
    """LabelSpreading; rows that no known label reaches get the shares of the labels."""
    model = LabelSpreading(kernel="knn", n_neighbors=20, max_iter=100).fit(X, y)
    shares = np.bincount(y[y >= 0], minlength=len(model.classes_)) / np.sum(y >= 0)
    unreached = ~np.isfinite(model.label_distributions_)
    model.label_distributions_[unreached] = np.broadcast_to(shares, unreached.shape)[
        unreached
    ]
    return model


def damage(votes, how, n_classes, seed):
    """Votes that say less than the true ones, or something else."""
    rng = np.random.RandomState(seed)
    if how == "permuted":
        return votes[rng.permutation(len(votes))]
    functions = np.arange(votes.shape[1])
    if how == "half flipped":
        functions = rng.permutation(functions)[: len(functions) // 2]
    spoilt = votes.copy()
    part = spoilt[:, functions]
    spoilt[:, functions] = np.where(part >= 0, (part + 1) % n_classes, part)
    return spoilt


class _WithComponent:
    """The student of the known labels, with the first principal component added."""

    def __init__(self, estimator, grid):
        self.estimator, self.grid = estimator, grid

    def fit(self, data, seed):
        self.component = PCA(1, random_state=seed).fit(data.X)
        self.model = tuned_on_known(
            self.estimator,
            self.grid,
            self._columns(data.X[data.known]),
            data.y[data.known],
            seed,
        )
        return self

    def _columns(self, X):
        return np.column_stack([X, self.component.transform(X)])

    def predict(self, X):
        return self.model.predict(self._columns(X))
