"""The dip as a linear programme: the nearest distribution with one mode, by search."""

import numpy as np
from scipy.optimize import linprog


def dip(values):
    """Smallest sup distance to a distribution function with its mode at a value.

    For each candidate mode m the unknowns are the heights of a convex function at the
    values up to m (its limit from the left at m), those of a concave function at the
    values from m on, and the distance h. Both functions increase; the second may
    start above the end of the first (an atom at the mode). At each value both sides
    of the step of the empirical distribution function are within h.
    """
    x, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    upto = np.cumsum(counts) / counts.sum()
    below = np.append(0.0, upto[:-1])
    if len(x) == 1:
        return 0.0
    return min(_with_mode(m, x, below, upto) for m in range(len(x)))


def _with_mode(m, x, below, upto):
    n_convex, n_concave = m + 1, len(x) - m
    size = n_convex + n_concave + 1
    rows, bounds = [], []

    def within(k, low, high):
        row = np.zeros(size)
        row[k], row[-1] = 1.0, -1.0
        rows.append(row)
        bounds.append(high)
        row = np.zeros(size)
        row[k], row[-1] = -1.0, -1.0
        rows.append(row)
        bounds.append(-low)

    def increasing(k):
        row = np.zeros(size)
        row[k], row[k + 1] = 1.0, -1.0
        rows.append(row)
        bounds.append(0.0)

    def bent(k, i, sign):
        left, right = 1 / (x[i] - x[i - 1]), 1 / (x[i + 1] - x[i])
        row = np.zeros(size)
        row[k - 1 : k + 2] = sign * np.array([-left, left + right, -right])
        rows.append(row)
        bounds.append(0.0)

    for i in range(n_convex):
        # a continuous function meets a step at its foot and at its top; at the mode
        # the convex part has to meet the foot only
        within(i, below[i] if i == m else upto[i], below[i])
        if 0 < i < m:
            bent(i, i, 1)
    for j in range(n_concave):
        i, k = m + j, n_convex + j
        within(k, upto[i], upto[i] if i == m else below[i])
        if 0 < j < n_concave - 1:
            bent(k, i, -1)
    for k in range(n_convex + n_concave - 1):
        increasing(k)
    cost = np.zeros(size)
    cost[-1] = 1.0
    solution = linprog(cost, A_ub=np.array(rows), b_ub=bounds, bounds=(0, 1))
    return solution.fun


def alignment(strong, weak):
    """Debiased linear centred kernel alignment, summed term by term."""

    def gram(view):
        view = (view - view.mean(axis=0)) / view.std(axis=0)
        return np.array(
            [
                [0.0 if i == j else a @ b for j, b in enumerate(view)]
                for i, a in enumerate(view)
            ]
        )

    def product(K, L):
        n, one = len(K), np.ones(len(K))
        return (
            np.trace(K @ L)
            + (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
            - 2 / (n - 2) * (one @ K @ L @ one)
        )

    K, L = gram(strong), gram(weak)
    return product(K, L) / np.sqrt(product(K, K) * product(L, L))
