"""Data, models and designs of the coverage simulation."""

import itertools

import numpy as np

from overlapkit.model_selection import gain_interval

LEVEL = 0.95
_N_COLUMNS = 10
_N_NEW = 20_000  # rows that stand for endlessly many

DESIGNS = [
    {
        "design": design,
        "metric": metric,
        "n_repeats": n_repeats,
        "n_rows": n_rows,
        "models": models,
    }
    for design, sizes in {
        "fixed test set": [(1, 100), (5, 100), (10, 400)],
        "random splits": [(10, 200), (10, 600), (20, 400)],
        "cross-fitting": [(1, 200), (5, 200)],
        "independent draws": [(10, 200), (30, 200)],
    }.items()
    for (n_repeats, n_rows), metric, models in itertools.product(
        sizes, ("accuracy", "balanced_accuracy"), ("stable", "unstable", "student")
    )
]


def draw(n, rng, share):
    """Two classes, `share` of the rows in the second, with two groups of columns."""
    y = (rng.random(n) < share).astype(int)
    X = rng.normal(size=(n, _N_COLUMNS))
    half = _N_COLUMNS // 2
    X[:, :half] += (2 * y - 1)[:, None] * 0.3
    X[:, half:] += (2 * y - 1)[:, None] * 0.2
    return X, y


def _linear(X, target, penalty=1.0):
    A = np.column_stack([X, np.ones(len(X))])
    return np.linalg.solve(A.T @ A + penalty * np.eye(A.shape[1]), A.T @ target)


def _above(weights, X):
    return X @ weights[:-1] + weights[-1] > 0


def fit(X, y, kind):
    """Difference of results (student minus weak model) as a function of new rows."""
    half, target = _N_COLUMNS // 2, 2.0 * y - 1
    if kind == "unstable":  # the best of all columns, which one draw or another changes
        agreement = X.T @ target
        best = np.abs(agreement).argmax()
        sign = np.sign(agreement[best])

        def weak(X):
            return X[:, best] * sign > 0

    else:
        weights = _linear(X[:, :half], target)

        def weak(X):
            return _above(weights, X[:, :half])

    labels = 2.0 * weak(X) - 1 if kind == "student" else target
    student = _linear(X, labels, 10.0 if kind == "student" else 1.0)

    def gain(X, y):
        return (_above(student, X) == y) * 1.0 - (weak(X) == y)

    return gain


def _score(values, y, metric):
    if metric == "accuracy":
        return values.mean()
    return np.mean([values[y == label].mean() for label in (0, 1)])


def _fixed_test(setting, rng, share, new):
    X, y = draw(300, rng, share)
    test = draw(setting["n_rows"], rng, share)

    def model():
        half = rng.choice(len(y), len(y) // 2, replace=False)
        return fit(X[half], y[half], setting["models"])

    if setting["n_repeats"] == 1:
        models = [model()]
        target = models  # one seed says nothing of others
    else:
        models = [model() for _ in range(setting["n_repeats"])]
        target = [model() for _ in range(100)]
    truth = np.mean([_score(m(*new), new[1], setting["metric"]) for m in target])
    return np.stack([m(*test) for m in models]), test[1], truth


def _splits(setting, rng, share, new):
    X, y = draw(setting["n_rows"], rng, share)
    results = np.full((setting["n_repeats"], len(y)), np.nan)
    truths = []
    for line in results:
        order = [rng.permutation(np.flatnonzero(y == label)) for label in (0, 1)]
        test = np.concatenate([rows[: max(1, round(len(rows) / 4))] for rows in order])
        rest = np.setdiff1d(np.arange(len(y)), test)
        gain = fit(X[rest], y[rest], setting["models"])
        line[test] = gain(X[test], y[test])
        truths.append(_score(gain(*new), new[1], setting["metric"]))
    return results, y, np.mean(truths)


def _folds(setting, rng, share, new):
    X, y = draw(setting["n_rows"], rng, share)
    results = np.full((5 * setting["n_repeats"], len(y)), np.nan)
    truths = []
    for first in range(0, len(results), 5):
        fold = np.empty(len(y), dtype=int)
        for label in (0, 1):
            rows = rng.permutation(np.flatnonzero(y == label))
            fold[rows] = np.arange(len(rows)) % 5
        for k in range(5):
            gain = fit(X[fold != k], y[fold != k], setting["models"])
            results[first + k, fold == k] = gain(X[fold == k], y[fold == k])
            truths.append(_score(gain(*new), new[1], setting["metric"]))
    return results, y, np.mean(truths)


def _independent(setting, rng, share):
    scores = []
    for _ in range(setting["n_repeats"]):
        gain = fit(*draw(setting["n_rows"], rng, share), setting["models"])
        test = draw(setting["n_rows"], rng, share)
        scores.append(_score(gain(*test), test[1], setting["metric"]))
    return np.array(scores)


def covered(setting, n_draws, rng):
    """Whether each interval holds the truth, and its half width."""
    share = 0.5 if setting["metric"] == "accuracy" else 0.25
    if setting["design"] == "independent draws":
        many = {**setting, "n_repeats": 3000}
        truth = _independent(many, rng, share).mean()
    run = {
        "fixed test set": _fixed_test,
        "random splits": _splits,
        "cross-fitting": _folds,
    }.get(setting["design"])
    inside, widths = [], []
    for _ in range(n_draws):
        if run is None:
            interval = gain_interval(_independent(setting, rng, share))
        else:
            results, y, truth = run(setting, rng, share, draw(_N_NEW, rng, share))
            interval = gain_interval(results, y_test=y, metric=setting["metric"])
        inside.append(interval[1] <= truth <= interval[2])
        widths.append((interval[2] - interval[1]) / 2)
    return inside, widths
