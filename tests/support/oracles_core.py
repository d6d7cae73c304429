"""Slow NumPy versions of the core formulas, written from the definitions."""

import numpy as np


def confidence(proba, kind):
    """Confidence of each row, one row and one class at a time."""
    out = []
    for row in np.asarray(proba, dtype=float):
        ordered = sorted(row, reverse=True)
        n_classes = len(ordered)
        if kind == "margin":
            out.append(ordered[0] - ordered[1])
        elif kind == "max":
            out.append((n_classes * ordered[0] - 1) / (n_classes - 1))
        else:
            entropy = -sum(p * np.log(p) for p in ordered if p > 0)
            out.append(1 - entropy / np.log(n_classes))
    return np.array(out)


def split(values):
    """Size of the lower of two segments of least squared error, by trying all."""
    s = np.sort(np.asarray(values, dtype=float))
    best, best_k = np.inf, 0
    for k in range(2, len(s) - 1):
        if s[k - 1] == s[k]:
            continue
        error = np.sum((s[:k] - s[:k].mean()) ** 2)
        error += np.sum((s[k:] - s[k:].mean()) ** 2)
        if error < best - 1e-12:
            best, best_k = error, k
    return s, best_k


def similarity(x, h, metric):
    if metric == "euclidean":
        return 1 / (1 + np.sqrt(np.sum((x - h) ** 2)))
    product = abs(float(np.sum(x * h)))
    if metric == "dot":
        return product
    norms = np.sqrt(np.sum(x * x)) * np.sqrt(np.sum(h * h))
    return product / norms if norms > 0 else 0.0


def overlap_scores(strong, hard, aggregation, metric="cosine"):
    """Similarity of every row to all hard rows, aggregated."""
    out = []
    for x in strong:
        values = np.array([similarity(x, strong[h], metric) for h in hard])
        if aggregation[0] == "quantile":
            out.append(np.quantile(values, aggregation[1]))
        elif aggregation[0] == "topk":
            out.append(np.sort(values)[-aggregation[1] :].mean())
        else:
            out.append(getattr(np, aggregation)(values))
    return np.array(out)


def regions(strong, proba, aggregation="max", metric="cosine"):
    """The paper's setting: 0 easy, 1 overlap, 2 hard, and the scores.

    Hard rows are those below the first confidence of the upper segment; of the
    rest, overlap are those of the upper segment of the scores.
    """
    c = confidence(proba, "margin")
    s, k = split(c)
    hard = c < s[k]
    scores = overlap_scores(strong, np.flatnonzero(hard), aggregation, metric)
    s, k = split(scores[~hard])
    labels = np.where(scores >= s[k], 1, 0)
    labels[hard] = 2
    return labels, scores


def cut_statistic(strong, labels, n_neighbors, metric="cosine"):
    """Negative of (J - mu) / sigma of every row over its nearest other rows."""
    n = len(labels)
    out = np.zeros(n)
    for u in range(n):
        if metric == "cosine":
            d = 1 - strong @ strong[u] / (
                np.linalg.norm(strong, axis=1) * np.linalg.norm(strong[u])
            )
        else:
            d = np.linalg.norm(strong - strong[u], axis=1)
        d[u] = np.inf
        nearest = np.argsort(d)[:n_neighbors]
        w = 1 / (1 + d[nearest])
        share = np.mean(labels == labels[u])
        cut = np.sum(w * (labels[nearest] != labels[u]))
        mu = (1 - share) * np.sum(w)
        sigma = np.sqrt(share * (1 - share) * np.sum(w**2))
        out[u] = -(cut - mu) / sigma
    return out


def best_of_each_class(scores, codes, quotas):
    """Mask of the `quotas[c]` best rows of each class, where scores are distinct."""
    keep = np.zeros(len(scores), dtype=bool)
    for code, quota in quotas.items():
        rows = sorted(np.flatnonzero(codes == code), key=lambda i: -scores[i])
        keep[rows[:quota]] = True
    return keep
