"""Pools that are mixed, and the rows drawn from them (pure functions)."""

import numpy as np

from overlapkit.scorers._regions import EASY, HARD, OVERLAP

__all__ = ["draw_rows", "make_pools", "smallest_part"]


def make_pools(
    detected, controls, scores, regions, rng
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The pools of the mixing experiment: rows that are added, and rows they replace.

    Parameters
    ----------
    detected : ndarray of shape (n_samples,) of int
        Region of each row by a detector.
    controls : dict of str to ndarray of shape (n_samples,) of bool
        Rows of the controls of the overlap rows.
    scores : ndarray of shape (n_samples,) or None
        Overlap scores; None: no bands.
    regions : ndarray of shape (n_samples,) of int or None
        True regions; None: unknown.
    rng : RandomState
        Breaks ties of the scores.

    Returns
    -------
    pools : dict of str to (ndarray of int, ndarray of int)
        Positions of the rows whose share grows, and of those they replace.
    """
    covered = controls["covered rows"]
    everything = np.flatnonzero(covered)
    overlap = np.flatnonzero(covered & (detected == OVERLAP))
    pools = {"overlap": (overlap, np.setdiff1d(everything, overlap))}
    for name in ("random non-hard", "most confident"):
        rows = np.flatnonzero(controls[name])
        pools[name] = rows, np.setdiff1d(everything, rows)
    pools["overlap vs easy"] = overlap, np.flatnonzero(covered & (detected == EASY))
    if scores is not None:
        not_hard = np.flatnonzero(covered & (detected != HARD))
        order = rng.permutation(len(not_hard))
        best_first = not_hard[np.lexsort((order, -scores[not_hard]))]
        half = len(best_first) // 2
        pools["high vs low scores"] = (
            best_first[:half],
            best_first[len(best_first) - half :],
        )
    if regions is not None:
        truth = np.flatnonzero(covered & (regions == OVERLAP))
        pools["true overlap"] = truth, np.setdiff1d(everything, truth)
        pools["true overlap vs easy"] = (
            truth,
            np.flatnonzero(covered & (regions == EASY)),
        )
    return pools


def smallest_part(pools) -> int:
    """Largest number of rows that every pool can give at every share."""
    return min(len(part) for pool in pools.values() for part in pool)


def draw_rows(pool, shares, n_train, rng) -> list[np.ndarray]:
    """Rows for every share: round(share * n_train) of one part, the rest of the other.

    Parameters
    ----------
    pool : (ndarray of int, ndarray of int)
        As `make_pools` gives it.
    shares : ndarray of shape (n_shares,)
        Shares of the first part.
    n_train : int
        Number of rows at every share.
    rng : RandomState
        Draws the order in which rows of each part enter: those of a smaller share
        are among those of a larger one.

    Returns
    -------
    rows : list of ndarray of shape (n_train,)
        Positions, one array a share.
    """
    added, replaced = (rng.permutation(part)[:n_train] for part in pool)
    counts = [round(share * n_train) for share in shares]
    return [np.append(added[:k], replaced[: n_train - k]) for k in counts]
