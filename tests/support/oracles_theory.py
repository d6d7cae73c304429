"""Slow versions of robustness and expansion, and data on which they are known."""

import numpy as np


def make_groups(
    *, n_groups=20, n_classes=2, alpha=0.1, wrong=0.1, noise=0.0, links=0.7, seed=0
):
    """Groups of alike rows, partly covered, that a student answers as a whole.

    Rows of a group are linked with probability `links`, which ties uncovered rows to
    covered ones. `wrong` is the share of groups the student gets wrong, `noise` the
    share of rows on which it strays from its group, `alpha` that of wrong weak labels.
    """
    rng = np.random.RandomState(seed)
    group = np.repeat(np.arange(n_groups), 20)
    n = len(group)
    y_true = group % n_classes
    covered = rng.uniform(size=n) < 0.5
    other = (y_true + rng.randint(1, n_classes, size=n)) % n_classes
    y_weak = np.where(rng.uniform(size=n) < alpha, other, y_true)
    group_is_wrong = rng.uniform(size=n_groups) < wrong
    strays = rng.uniform(size=n) < noise
    y_pred = np.where(group_is_wrong[group] ^ strays, (y_true + 1) % n_classes, y_true)
    graph = (group[:, None] == group) & (rng.uniform(size=(n, n)) < links)
    return graph | graph.T, y_true, y_weak, y_pred, covered


def slow_robust(graph, prediction):
    return np.array(
        [
            all(prediction[j] == prediction[i] for j in np.flatnonzero(graph[i]))
            for i in range(len(prediction))
        ]
    )


def slow_ratio(graph, A, B, U):
    """P(N(U)|A) / P(U|B), set by set and row by row."""
    U = [x for x in np.flatnonzero(B) if U[x]]
    reached = {a for x in U for a in np.flatnonzero(graph[x]) if A[a]}
    return (len(reached) / A.sum()) / (len(U) / B.sum())
