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
from overlapkit.students._selection import choose_rows

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
    rows, known, train, *, balance="proportional", labeler=None, n_jobs=None
) -> tuple[np.ndarray, Any, pd.DataFrame]:
    """The best rule on known labels, all covered rows when none is clearly better.

    Students are judged on labelled rows they were not trained on: all labelled rows
    are held out at once when most rows are unlabelled, in three folds otherwise.

    Parameters
    ----------
    rows : WeakRows
        The rows.
    known : KnownLabels
        The labels that are known.
    train : callable
        Mask of rows -> fitted student.
    balance, labeler, n_jobs
        As in :func:`~overlapkit.students._selection.choose_rows`.

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
    candidates = {"all rows": (None, rows.covered.copy())}
    with warnings.catch_warnings():
        # warnings about candidates that are not chosen would mislead
        warnings.simplefilter("ignore", OverlapkitWarning)
        for name, (selector, budget) in selection_rules().items():
            candidates[name] = choose_rows(
                selector,
                rows,
                budget=budget,
                balance=balance,
                labeler=labeler,
                n_jobs=n_jobs,
            )
    right = {}
    folds = _held_out(known.known, rows.seed)
    for name, (_, keep) in candidates.items():
        right[name] = _judge(keep, rows, known, folds, train)
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


def _judge(keep, rows, known, folds, train) -> np.ndarray:
    """1 where the student of a rule is right on a held-out labelled row."""
    right = []
    for held_out in folds:
        rest = keep.copy()
        rest[held_out] = False
        if len(np.unique(rows.codes[rest])) < 2:
            right.append(np.zeros(len(held_out)))
            continue
        prediction = train(rest).predict(_safe_indexing(rows.strong, held_out))
        right.append(prediction == rows.classes[known.codes(rows.classes)[held_out]])
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
