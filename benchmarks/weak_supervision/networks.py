"""The paper's small network, with the steps of scikit-learn's MLPClassifier, compiled.

At 32 units a layer, a step of Adam is a few products of small matrices: nearly all of
the time of MLPClassifier goes into the calls between them. Draws and formulas here are
its own, so that the weights are the same up to rounding; a test compares them.
"""

from itertools import pairwise

import numpy as np
from numba import njit

__all__ = ["Network"]

LAYERS, EPOCHS, BATCH = (32, 32, 32), 10, 32
RATE, PENALTY = np.float32(1e-3), np.float32(1e-4)
FIRST, SECOND, EPSILON = np.float32(0.9), np.float32(0.999), np.float32(1e-8)


class Network:
    """ReLU layers, trained by Adam for ten passes over batches of 32 rows.

    Parameters
    ----------
    seed : int
        Initial weights and order of rows.
    """

    def __init__(self, seed):
        self.seed = seed

    def fit(self, X, y):
        """Train on float32 rows and labels."""
        self.classes, codes = np.unique(y, return_inverse=True)
        n = len(X)
        targets = np.eye(max(2, len(self.classes)), dtype=np.float32)[codes]
        if targets.shape[1] == 2:
            targets = targets[:, 1:].copy()
        rng = np.random.RandomState(self.seed)
        sizes = (X.shape[1], *LAYERS, targets.shape[1])
        weights, offsets = [], []
        for a, b in pairwise(sizes):
            bound = np.sqrt(6 / (a + b))
            weights.append(rng.uniform(-bound, bound, (a, b)).astype(np.float32))
            offsets.append(rng.uniform(-bound, bound, b).astype(np.float32))
        order, orders = np.arange(n), []
        for _ in range(EPOCHS):
            shuffled = np.arange(n)
            rng.shuffle(shuffled)
            order = order[shuffled]
            orders.append(order)
        self.weights, self.offsets = tuple(weights), tuple(offsets)
        X = np.ascontiguousarray(X, dtype=np.float32)
        _train(X, targets, np.array(orders), min(BATCH, n), self.weights, self.offsets)
        return self

    def hidden(self, X):
        """Activations of the last hidden layer."""
        for weights, offsets in zip(self.weights[:-1], self.offsets):
            X = np.maximum(X @ weights + offsets, 0)
        return X

    def predict(self, X):
        """The most probable class of each row; one class where it saw one."""
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(X))
        scores = self.hidden(X) @ self.weights[-1] + self.offsets[-1]
        if scores.shape[1] == 1:
            return self.classes[(scores[:, 0] > 0).astype(int)]
        return self.classes[scores.argmax(axis=1)]


@njit(cache=True, nogil=True)
def _train(X, targets, orders, batch, weights, offsets):
    """Change the weights and offsets by steps of Adam over the rows in these orders."""
    n, last = len(X), len(weights) - 1
    inputs = np.empty((batch, X.shape[1]), dtype=X.dtype)
    values = [np.empty((batch, w.shape[1]), dtype=X.dtype) for w in weights]
    errors = [np.empty_like(v) for v in values]
    slopes = [np.empty_like(w) for w in weights]
    means = [np.zeros_like(w) for w in weights]
    squares = [np.zeros_like(w) for w in weights]
    means_b = [np.zeros_like(b) for b in offsets]
    squares_b = [np.zeros_like(b) for b in offsets]
    step = 0
    for order in orders:
        for start in range(0, n, batch):
            rows = order[start : start + batch]
            m = len(rows)
            for i in range(m):
                inputs[i] = X[rows[i]]
            for k in range(last + 1):
                below = inputs[:m] if k == 0 else values[k - 1][:m]
                out = values[k][:m]
                np.dot(below, weights[k], out)
                _activate(out, offsets[k], k == last)
            for i in range(m):
                errors[last][i] = values[last][i] - targets[rows[i]]
            step += 1
            rate = RATE * np.float32(
                np.sqrt(1 - np.float64(SECOND) ** step)
                / (1 - np.float64(FIRST) ** step)
            )
            for k in range(last, -1, -1):
                error = errors[k][:m]
                below = inputs[:m] if k == 0 else values[k - 1][:m]
                np.dot(below.T, error, slopes[k])
                if k > 0:
                    np.dot(error, weights[k].T, errors[k - 1][:m])
                    _mask(errors[k - 1][:m], values[k - 1][:m])
                # the deltas of the layer below were read from these weights before
                _adam(weights[k], slopes[k], means[k], squares[k], rate, m)
                _adam_offsets(offsets[k], error, means_b[k], squares_b[k], rate)


@njit(cache=True, nogil=True)
def _activate(out, offsets, is_last):
    """Add the offsets; ReLU, in the last layer a logistic function or softmax."""
    n, width = out.shape
    for i in range(n):
        for j in range(width):
            value = out[i, j] + offsets[j]
            out[i, j] = value if is_last else max(value, np.float32(0))
        if is_last and width == 1:
            out[i, 0] = 1 / (1 + np.exp(-out[i, 0]))
        elif is_last:
            top = out[i].max()
            total = np.float32(0)
            for j in range(width):
                out[i, j] = np.exp(out[i, j] - top)
                total += out[i, j]
            for j in range(width):
                out[i, j] /= total


@njit(cache=True, nogil=True)
def _mask(error, values):
    """No error passes a unit that is at zero."""
    for i in range(error.shape[0]):
        for j in range(error.shape[1]):
            if values[i, j] == 0:
                error[i, j] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def _adam(weights, slopes, means, squares, rate, m):
    """One step; the penalty is part of the slope and, like it, divided by the rows."""
    w, g = weights.reshape(-1), slopes.reshape(-1)
    a, s = means.reshape(-1), squares.reshape(-1)
    one = np.float32(1)
    share = one / np.float32(m)
    for i in range(len(w)):
        slope = (g[i] + PENALTY * w[i]) * share
        a[i] = FIRST * a[i] + (one - FIRST) * slope
        s[i] = SECOND * s[i] + (one - SECOND) * slope * slope
        w[i] -= rate * a[i] / (np.sqrt(s[i]) + EPSILON)


@njit(cache=True, nogil=True, error_model="numpy")
def _adam_offsets(offsets, error, means, squares, rate):
    one = np.float32(1)
    for j in range(len(offsets)):
        slope = np.float32(0)
        for i in range(error.shape[0]):
            slope += error[i, j]
        slope /= np.float32(error.shape[0])
        means[j] = FIRST * means[j] + (one - FIRST) * slope
        squares[j] = SECOND * squares[j] + (one - SECOND) * slope * slope
        offsets[j] -= rate * means[j] / (np.sqrt(squares[j]) + EPSILON)
