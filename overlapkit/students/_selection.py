"""Which weakly labelled rows a strong model is trained on (pure functions)."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone

from overlapkit.exceptions import ClassCollapseWarning, NoOverlapWarning
from overlapkit.scorers._base import BaseWeakScorer

__all__ = ["guard_classes", "select_by", "select_rows"]


def select_rows(
    scores, codes, budget, balance="proportional", tiebreak=None
) -> np.ndarray:
    """The best-scoring share of the rows, with quotas per class.

    A score that means different things in different classes, as most do, would keep
    one class only; quotas prevent that.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Higher is kept first.
    codes : ndarray of shape (n_samples,) of int
        Class of each row.
    budget : float
        Share of rows to keep, in (0, 1].
    balance : {"proportional", "equal"} or None, default="proportional"
        Quota of a class: in proportion to its rows; the same for all classes, as far
        as rows are there; none.
    tiebreak : ndarray of shape (n_samples,), default=None
        Decides between equal scores, which a label model gives in plenty. A number
        that depends on the row alone makes the selection independent of the order of
        the rows. None: the order decides.

    Returns
    -------
    keep : ndarray of shape (n_samples,) of bool
        ``round(budget * n_samples)`` rows (at least one), up to rounding per class.
    """
    size = max(1, round(budget * len(scores)))
    if tiebreak is None:
        tiebreak = np.zeros(len(scores))
    best_first = np.lexsort((tiebreak, -scores))
    keep = np.zeros(len(scores), dtype=bool)
    if balance is None:
        keep[best_first[:size]] = True
        return keep
    classes, counts = np.unique(codes, return_counts=True)
    if balance == "proportional":
        quotas = _round_to_sum(counts * size / len(codes), size)
        quotas = np.maximum(quotas, 1)
    else:
        quotas = np.minimum(max(1, size // len(classes)), counts)
    ordered = codes[best_first]
    for code, quota in zip(classes, quotas):
        keep[best_first[ordered == code][:quota]] = True
    return keep


def guard_classes(keep, scores, codes, tiebreak=None, names=None) -> np.ndarray:
    """Undo a selection in which a class loses more than half of its share.

    Parameters
    ----------
    keep : ndarray of shape (n_samples,) of bool
        A selection.
    scores, codes : ndarray of shape (n_samples,)
        What it was made by, and the class of each row.
    tiebreak : ndarray of shape (n_samples,), default=None
        As in :func:`select_rows`.
    names : ndarray of shape (n_classes,), default=None
        Names of the classes for the warning; None: their codes.

    Returns
    -------
    keep : ndarray of shape (n_samples,) of bool
        The selection itself, or one of the same size with proportional quotas; every
        row, if nothing was selected.

    Warns
    -----
    ClassCollapseWarning
        When quotas replace the selection.
    NoOverlapWarning
        When nothing was selected.
    """
    if not keep.any():
        warnings.warn(
            "The selector keeps no row; the strong model is trained on all of them.",
            NoOverlapWarning,
            stacklevel=3,
        )
        return np.ones_like(keep)
    pool = np.bincount(codes)
    share = pool / len(codes)
    kept_share = np.bincount(codes[keep], minlength=len(pool)) / keep.sum()
    lost = (pool > 0) & (kept_share < share / 2)
    if not lost.any():
        return keep
    worst = int(np.argmin(np.where(lost, kept_share / np.maximum(share, 1e-12), 2)))
    name = worst if names is None else names.tolist()[worst]
    warnings.warn(
        f"Weak class {name!r} makes up {share[worst]:.1%} of the rows but "
        f"{kept_share[worst]:.1%} of those selected; {keep.sum()} rows are selected "
        "with quotas in proportion to the classes instead.",
        ClassCollapseWarning,
        stacklevel=3,
    )
    return select_rows(scores, codes, keep.sum() / len(keep), "proportional", tiebreak)


def _round_to_sum(shares, total) -> np.ndarray:
    """Largest remainders: integers next to `shares` that sum to `total`."""
    whole = np.floor(shares).astype(int)
    missing = total - whole.sum()
    whole[np.argsort(-(shares - whole), kind="stable")[:missing]] += 1
    return whole


def select_by(selector, owner, strong, weak, budget, balance) -> tuple[Any, np.ndarray]:
    """Fit a selector on weakly labelled rows and apply its threshold or a budget.

    Parameters
    ----------
    selector : estimator
        A scorer of overlapkit, or anything with ``fit`` and ``score_samples``.
    owner : estimator
        Whose views and weak model the selector shares.
    strong : array or dataframe of shape (n_samples, n_strong_features)
        The strong view.
    weak : WeakLabels
        Weak labels of the rows.
    budget, balance
        As in :func:`select_rows`; no budget: the selector's own threshold.

    Returns
    -------
    selector : estimator
        The fitted selector.
    keep : ndarray of shape (n_samples,) of bool
        The rows it keeps.

    Raises
    ------
    ValueError
        If there is neither a budget nor a threshold, or the selector has views or a
        weak model of its own.
    """
    selector = clone(selector)
    if isinstance(selector, BaseWeakScorer):
        selector._fit_shared(owner, strong, weak)
        scores, keep = selector.scores_, selector.keep_
    else:
        selector.fit(strong, weak.labels)
        scores, keep = np.asarray(selector.score_samples(strong)), None
    if budget is not None:
        keep = select_rows(scores, weak.codes, budget, balance, weak.row_hash)
        if balance == "equal":
            return selector, keep
    elif keep is None:
        raise ValueError(
            f"{type(selector).__name__} has no threshold of its own: give a budget, "
            "the share of rows to keep."
        )
    return selector, guard_classes(
        keep, scores, weak.codes, weak.row_hash, weak.classes
    )
