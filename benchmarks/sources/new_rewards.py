"""Rewards that were tried and are not in the package, on every construction.

``python -m benchmarks.sources.new_rewards SEEDS DIR``, DIR with the real sets.
For each source, rows as in ``sources``: up to 200 of each. The rank correlation, over
sources, with the accuracy of a student of that source alone, and in brackets the points
of accuracy that the best source by this reward has over the mean source.

recipe     balanced accuracy of ``selector="auto"`` on the source's rows with 100 known
           rows of the reference, on the other rows of the reference
curve      a model shared over rounds: gain = limit of the source - c / sqrt(rows), with
           the same c for all sources, fitted on students of 20, 40 and 80 rows
batches    mean gain of students of 20 rows each
added      gain of 40 rows of every source with the rows of this one, less without
density x  overlap density times student gain
"""

import sys
import warnings

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from benchmarks.sources.problems import PROBLEMS
from benchmarks.sources.runs import selector, student
from overlapkit import WeakToStrongClassifier
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.sources._rewards import default_student


def _gain(view, labels, test_view, y):
    if len(np.unique(labels)) < 2:
        return 1 / len(np.unique(y))
    model = default_student().fit(view, labels)
    return balanced_accuracy_score(y, model.predict(test_view))


def _recipe(problem, rows, known, seed):
    X, y = problem.reference
    both = np.vstack([X[known], problem.X[rows]])
    labels = np.concatenate([y[known].astype(int), np.full(len(rows), -1)])
    model = WeakToStrongClassifier(
        student(),
        selector="auto",
        missing_label=-1,
        random_state=seed,
        **problem.views,
    ).fit(both, labels)
    others = np.setdiff1d(np.arange(len(y)), known)
    return balanced_accuracy_score(y[others], model.predict(X[others]))


def _limits(gains):
    """Limit of every source, by least squares with one slope for all."""
    table, values = [], []
    for k, pairs in enumerate(gains):
        for n, gain in pairs:
            table.append([*np.eye(len(gains))[k], -(n**-0.5)])
            values.append(gain)
    return np.linalg.lstsq(np.array(table), np.array(values), rcond=None)[0][:-1]


def _one(name, folder, seed):
    problem = PROBLEMS[name](folder, seed)
    sources, strong = np.unique(problem.sources), problem.views["strong_columns"]
    size = int(min(200, np.bincount(problem.sources).min()))
    rng = np.random.RandomState(seed)
    picks = [
        rng.permutation(np.flatnonzero(problem.sources == k))[:size] for k in sources
    ]
    rows = np.concatenate(picks)
    params = {"n_rounds": len(sources), "batch_size": size, "shuffle": False}
    run = selector(problem, seed, **params)
    run.fit(problem.X[rows], problem.y[rows], sources=problem.sources[rows])
    detector = run.detector_
    weak = detector.weak_estimator_.predict(problem.X[:, problem.views["weak_columns"]])
    X_known, y_known = problem.reference
    judge, view = (X_known[:, strong], y_known), problem.X[:, strong]
    known = np.random.RandomState(seed).permutation(len(y_known))[:100]
    base = np.concatenate([pick[:40] for pick in picks])
    before = _gain(view[base], weak[base], *judge)
    accuracy, found = [], {n: [] for n in ("gain", "recipe", "added", "density x")}
    gains = []
    for pick in picks:
        if len(np.unique(weak[pick])) < 2:
            predicted = np.full(len(problem.test[1]), weak[pick][0])
        else:
            model = student().fit(view[pick], weak[pick])
            predicted = model.predict(problem.test[0][:, strong])
        accuracy.append(accuracy_score(problem.test[1], predicted))
        found["gain"].append(_gain(view[pick], weak[pick], *judge))
        try:
            found["recipe"].append(_recipe(problem, pick, known, seed))
        except ValueError:  # the recipe refuses these rows
            found["recipe"].append(-1.0)
        more = np.concatenate([base, pick])
        found["added"].append(_gain(view[more], weak[more], *judge) - before)
        density = (detector.predict(problem.X[pick]) == 1).mean()
        found["density x"].append(density * found["gain"][-1])
        parts = [pick[:n] for n in (20, 40, 80) if n <= size]
        parts += [pick[a : a + 20] for a in range(20, size - 19, 20)]
        gains.append([(len(p), _gain(view[p], weak[p], *judge)) for p in parts])
    found["curve"] = _limits(gains)
    found["batches"] = [np.mean([g for n, g in pairs if n == 20]) for pairs in gains]
    accuracy = np.array(accuracy)
    line = {"best": 100 * (accuracy.max() - accuracy.mean())}
    for name, values in found.items():
        values = np.asarray(values)
        told = len(set(values)) > 1 and len(set(accuracy)) > 1
        line[name] = spearmanr(values, accuracy)[0] if told else np.nan
        line[f"{name}: points"] = 100 * (accuracy[values.argmax()] - accuracy.mean())
    return line


def main(n_seeds, folder):
    """Print the table."""
    warnings.simplefilter("ignore", OverlapkitWarning)
    table = {}
    for name in PROBLEMS:
        table[name] = pd.DataFrame(
            [_one(name, folder, seed) for seed in range(n_seeds)]
        ).mean()
    table = pd.DataFrame(table).T.round(2)
    print(table.to_string())
    print("mean", table.mean().round(2).to_dict())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
