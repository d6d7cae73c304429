"""The source paper's protocol for weak supervision, step by step as its code has it.

It differs from what the package recommends: rows without a vote get a random label and
are trained on, a row at the threshold is hard, and non-overlap rows include hard ones.
"""

import numpy as np
from sklearn.preprocessing import StandardScaler

from benchmarks.job.data import Unusable, load_task
from benchmarks.weak_supervision.networks import Network
from overlapkit.label_models import LabelModel
from overlapkit.scorers import reference_similarity, weak_confidence
from overlapkit.thresholds import binseg_change_point

__all__ = ["SHARES", "regions", "run", "weak_labels"]

SHARES = tuple(k / 10 for k in range(11))
LEAST = 7  # values that the paper's search for a break needs


def run(name, seed, data_dir=None, network=Network):
    """Every figure of the paper's table for one data set and one seed.

    Parameters
    ----------
    name : str
        The data set.
    seed : int
        Of the split, the label model, the draws and the networks.
    data_dir : path, optional
        Folder of data sets.
    network : callable, default=Network
        What gives an untrained network for a seed.
    """
    task = load_task(name, seed, data_dir)
    pool, test = task.student, task.test
    weak, proba = weak_labels(task, seed)
    right = weak == task.y[pool]
    scaler = StandardScaler().fit(task.X[np.concatenate([task.teacher, pool])])
    X, X_test = scaler.transform(task.X[pool]), scaler.transform(task.X[test])
    y_test = task.y[test]
    first = network(seed).fit(X, weak)
    figures = {
        "label model": float(np.mean(right)),
        "all weak labels": float(np.mean(first.predict(X_test) == y_test)),
    }
    confidence = weak_confidence(proba)
    overlap = regions(confidence, first.hidden(X))
    n = int(min(overlap.sum(), (~overlap).sum()))
    if n < 2:
        raise Unusable(f"seed {seed} detects {overlap.sum()} of {len(pool)} as overlap")
    figures["overlap labels"] = float(right[overlap].mean())
    figures["other labels"] = float(right[~overlap].mean())
    rng = np.random.RandomState(seed)

    def trained(rows, labels):
        return float(
            np.mean(network(seed).fit(X[rows], labels).predict(X_test) == y_test)
        )

    some = rng.choice(len(pool), n, replace=False)
    figures["true labels"] = trained(some, task.y[pool][some])
    for share in SHARES:
        k = round(share * n)
        rows = np.concatenate(
            [
                rng.choice(np.flatnonzero(overlap), k, replace=False),
                rng.choice(np.flatnonzero(~overlap), n - k, replace=False),
            ]
        )
        figures[f"{share:.1f}"] = trained(rows, weak[rows])
    # what the rise would be if every label were right: the rows' own part in it
    ends = [
        rng.choice(np.flatnonzero(m), n, replace=False) for m in (overlap, ~overlap)
    ]
    low, high = (trained(rows, task.y[pool][rows]) for rows in ends[::-1])
    return {
        "figures": figures,
        "n_train": n,
        "overlap": float(overlap.mean()),
        "rise, true labels": high - low,
        "largest class, overlap": _largest(weak[overlap]),
        "largest class, all": _largest(weak),
    }


def _largest(labels):
    """Share of the most frequent label."""
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))


def weak_labels(task, seed):
    """Labels and probabilities of the student's half, rows without a vote included.

    They are drawn once: a tied row has one label in every training set.
    """
    model = LabelModel(
        variant="metal",
        classes=np.arange(task.n_classes),
        tie_policy="random",
        random_state=seed,
    ).fit(task.votes[task.teacher])
    votes = task.votes[task.student]
    return model.predict(votes), model.predict_proba(votes)


def regions(confidence, representation):
    """Which rows are overlap, by the rules of the paper's code.

    Thresholds are the values at the break of a binary segmentation of the sorted
    values. A row is hard at or below the first and overlap at or above the second.
    """
    hard = confidence <= binseg_change_point(confidence).threshold
    if hard.all():
        raise Unusable("every row is hard by the rule of the paper's code")
    if (~hard).sum() < LEAST:
        raise Unusable(f"only {(~hard).sum()} rows are not hard, too few for a break")
    scores = reference_similarity(
        representation[~hard],
        representation[hard],
        metric="cosine",
        aggregation="max",
    )
    overlap = np.zeros(len(hard), dtype=bool)
    overlap[~hard] = scores >= binseg_change_point(scores).threshold
    return overlap
