"""Choosing a selection rule by the rows whose label is known."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.scorers import (
    ConfidenceScorer,
    CutStatisticScorer,
    SelfConfidenceScorer,
)
from overlapkit.scorers._overlap_detector import OverlapDetector
from overlapkit.students._selection import select_by

__all__ = ["choose_rule", "selection_rules"]


def selection_rules() -> dict[str, tuple]:
    """The rules that ``selector="auto"`` compares: name -> (selector, budget)."""
    return {
        "drop hard": (ConfidenceScorer(), None),
        "overlap, mean": (OverlapDetector(), None),
        "overlap, max": (OverlapDetector(aggregation="max"), None),
        "confidence 50 %": (ConfidenceScorer(), 0.5),
        "cut statistic 50 %": (CutStatisticScorer(), 0.5),
        "cut statistic 75 %": (CutStatisticScorer(), 0.75),
        "self-confidence 50 %": (SelfConfidenceScorer(), 0.5),
    }


def choose_rule(
    owner, strong, weak, y, known, train
) -> tuple[np.ndarray, Any, pd.DataFrame]:
    """The best rule on known labels, all rows when none is clearly better.

    Students are judged on labelled rows they were not trained on: all labelled rows
    are held out at once when most rows are unlabelled, in three folds otherwise.

    Parameters
    ----------
    owner : WeakToStrongClassifier
        Whose parameters count.
    strong : array or dataframe of shape (n_samples, n_strong_features)
        The strong view.
    weak : WeakLabels
        Weak labels of all rows.
    y : ndarray of shape (n_samples,) or None
        True labels where `known`.
    known : ndarray of shape (n_samples,) of bool
        Which labels are known.
    train : callable
        Mask of rows -> fitted student.

    Returns
    -------
    selected : ndarray of shape (n_samples,) of bool
        Rows of the chosen rule.
    selector : estimator or None
        Its selector.
    report : DataFrame
        One row per rule: ``rule``, ``n_selected``, ``accuracy``, ``gain`` over all
        rows, ``gain_se`` and ``chosen``.
    """
    everything = np.ones(len(known), dtype=bool)
    candidates = {"all rows": (None, everything)}
    with warnings.catch_warnings():
        # what is said of a candidate does not concern who will not get it
        warnings.simplefilter("ignore", OverlapkitWarning)
        for name, (selector, budget) in selection_rules().items():
            candidates[name] = select_by(
                selector, owner, strong, weak, budget, owner.balance
            )
    right = {}
    folds = _held_out(known, owner._seed) if y is not None else []
    for name, (_, keep) in candidates.items():
        right[name] = _judge(keep, strong, weak, y, folds, train)
    report = _report(candidates, right)
    chosen = report.index[report["chosen"]][0]
    selector, keep = candidates[report.loc[chosen, "rule"]]
    return keep, selector, report


def _held_out(known, seed) -> list[np.ndarray]:
    rows = np.flatnonzero(known)
    if len(rows) < 10:
        return []  # ten labels cannot tell seven rules apart
    if len(rows) <= len(known) / 2:
        return [rows]
    return np.array_split(np.random.RandomState(seed).permutation(rows), 3)


def _judge(keep, strong, weak, y, folds, train) -> np.ndarray:
    """1 where the student of a rule is right on a held-out labelled row."""
    right = []
    for rows in folds:
        rest = keep.copy()
        rest[rows] = False
        if len(np.unique(weak.codes[rest])) < 2:
            right.append(np.zeros(len(rows)))
            continue
        prediction = train(rest).predict(_safe_indexing(strong, rows))
        right.append(prediction == y[rows])
    return np.concatenate(right).astype(float) if right else np.empty(0)


def _report(candidates, right) -> pd.DataFrame:
    baseline = right["all rows"]
    rows = []
    for name, (_, keep) in candidates.items():
        gain = right[name] - baseline
        judged = len(gain) > 1
        rows.append(
            {
                "rule": name,
                "n_selected": int(keep.sum()),
                "accuracy": right[name].mean() if judged else np.nan,
                "gain": gain.mean() if judged else np.nan,
                "gain_se": gain.std(ddof=1) / np.sqrt(len(gain)) if judged else np.nan,
            }
        )
    report = pd.DataFrame(rows)
    clear = report["gain"] > report["gain_se"]
    best = report["gain"].where(clear, -np.inf).idxmax() if clear.any() else 0
    report["chosen"] = report.index == best
    return report
