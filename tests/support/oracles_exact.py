"""Slow NumPy versions of the change points and of the similarities."""

from fractions import Fraction

import numpy as np


def change_point_split(values, min_size=2):
    """Try every split in exact arithmetic; return (k, gain), k = 0 for none.

    k minimises the summed squared deviations of the sorted values from the means of
    the two segments, over splits that leave min_size values on both sides and do
    not separate equal values; the smallest such k.
    """
    s = sorted(Fraction(float(v)) for v in values)

    def squares(part):
        mean = sum(part) / len(part)
        return sum((v - mean) ** 2 for v in part)

    best = None
    for k in range(min_size, len(s) - min_size + 1):
        if s[k - 1] < s[k]:
            cost = squares(s[:k]) + squares(s[k:])
            if best is None or cost < best[0]:
                best = (cost, k)
    if best is None:
        return 0, 0.0
    return best[1], float(1 - best[0] / squares(s))


def binseg_split(s):
    """Break of sorted s by one step of binary segmentation, jump 5, segments >= 2."""
    n = len(s)
    column = np.asarray(s)[:, None]

    def cost(a, b):
        return column[a:b].var(axis=0).sum() * (b - a)

    gains = [
        (cost(0, n) - cost(0, k) - cost(k, n), k)
        for k in range(0, n, 5)
        if k >= 2 and n - k >= 2
    ]
    return max(gains)[1]


def similarity_matrix(X, reference, metric="cosine", absolute=True):
    """All similarities, one pair at a time, in float64."""
    X = np.asarray(X, dtype=np.float64)
    reference = np.asarray(reference, dtype=np.float64)
    S = np.zeros((len(X), len(reference)))
    for i, x in enumerate(X):
        for j, r in enumerate(reference):
            if metric == "euclidean":
                S[i, j] = 1 / (1 + np.sqrt(((x - r) ** 2).sum()))
                continue
            product = (x * r).sum()
            if metric == "cosine":
                norms = np.sqrt((x**2).sum()) * np.sqrt((r**2).sum())
                product = product / norms if norms > 0 else 0.0
            S[i, j] = abs(product) if absolute else product
    return S


def aggregated(S, aggregation, quantile=0.9, top_k=10):
    """Aggregate the rows of a matrix of similarities."""
    if aggregation == "max":
        return S.max(axis=1)
    if aggregation == "mean":
        return S.mean(axis=1)
    if aggregation == "quantile":
        return np.quantile(S, quantile, axis=1)
    return np.sort(S, axis=1)[:, -top_k:].mean(axis=1)
