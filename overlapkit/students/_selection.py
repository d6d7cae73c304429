"""Which weakly labelled rows a strong model is trained on (pure functions)."""

from typing import Any

import numpy as np

from overlapkit._utils.shares import round_to_sum
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import ClassCollapseWarning, NoOverlapWarning
from overlapkit.scorers._protocol import fit_selector

__all__ = ["choose_rows", "guard_classes", "select_rows"]


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
        Decides between equal scores, which label models often give. A number
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
        quotas = round_to_sum(counts * size / len(codes), size)
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
    tiebreak : ndarray of shape (n_samples,) or callable, default=None
        As in :func:`select_rows`, or what gives it, called only if it is needed.
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
        warn(
            "The selector keeps no row; the strong model learns from all covered rows.",
            NoOverlapWarning,
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
    warn(
        f"Weak class {name!r} makes up {share[worst]:.1%} of the rows but "
        f"{kept_share[worst]:.1%} of those selected; {keep.sum()} rows are selected "
        "with quotas in proportion to the classes instead.",
        ClassCollapseWarning,
    )
    ties = tiebreak() if callable(tiebreak) else tiebreak
    return select_rows(scores, codes, keep.sum() / len(keep), "proportional", ties)


def choose_rows(
    selector, rows, *, budget=None, balance="proportional", labeler=None, n_jobs=None
) -> tuple[Any, np.ndarray]:
    """Fit a selector on weakly labelled rows and apply its threshold or a budget.

    Rows that are not covered have no weak label: they are never chosen, and no share
    or quota counts them.

    Parameters
    ----------
    selector : estimator
        As :func:`~overlapkit.scorers._base.fit_selector` takes it.
    rows : WeakRows
        The rows.
    budget, balance
        As in :func:`select_rows`; no budget: the selector's own threshold.
    labeler : WeakLabeler, default=None
        Labels new rows for the fitted selector.
    n_jobs : int, default=None
        For a selector that leaves its own open.

    Returns
    -------
    selector : estimator
        The fitted selector.
    keep : ndarray of shape (n_samples,) of bool
        The rows it keeps.

    Raises
    ------
    ValueError
        If there is neither a budget nor a threshold.
    """
    selector, scores, support = fit_selector(
        selector, rows, labeler=labeler, n_jobs=n_jobs
    )
    covered = np.flatnonzero(rows.covered)
    scores, codes = scores[covered], rows.codes[covered]

    def tiebreak():  # a walk of all rows, which most selections do not need
        return rows.hash_of(covered)

    if budget is not None:
        chosen = select_rows(scores, codes, budget, balance, tiebreak())
    elif support is not None:
        chosen = support[covered]
    else:
        raise ValueError(
            f"{type(selector).__name__} has no threshold of its own: give a budget, "
            "the share of rows to keep."
        )
    if budget is None or balance != "equal":
        chosen = guard_classes(chosen, scores, codes, tiebreak, rows.classes)
    keep = np.zeros(len(rows), dtype=bool)
    keep[covered[chosen]] = True
    return selector, keep
