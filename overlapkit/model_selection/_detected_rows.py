"""Weakly labelled rows with their regions, and pools of them that are mixed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from overlapkit._utils.checks import as_numbers, check_array, check_kind
from overlapkit.model_selection._students import check_regions
from overlapkit.scorers._regions import EASY, HARD, OVERLAP
from overlapkit.weak import WeakLabeler, WeakRows
from overlapkit.weak._labeler import LABELER_CONSTRAINTS

__all__ = ["DetectedRows", "detect", "draw_rows", "make_pools", "smallest_part"]


@dataclass(frozen=True, eq=False)
class DetectedRows:
    """Weakly labelled rows with the region and the overlap score of each.

    Give it to :func:`overlap_curve` in place of a detector, to run the experiment with
    regions from elsewhere, such as the true ones or those of a method of your own.

    Parameters
    ----------
    rows : WeakRows
        The rows, see :meth:`WeakRows.from_proba`.
    regions : array-like of shape (n_samples,)
        Region of each row: 0 easy, 1 overlap, 2 hard, 3 none of them.
    scores : array-like of shape (n_samples,), default=None
        Overlap scores. None: pools by scores are left out.

    Raises
    ------
    ValueError
        If lengths differ, a value is not a region, or a score of a row with a region is
        no number.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.model_selection import DetectedRows
    >>> from overlapkit.weak import WeakRows
    >>> rows = WeakRows.from_proba(np.eye(2), [[0.9, 0.1], [0.5, 0.5]])
    >>> len(DetectedRows(rows, regions=[0, 2]))
    2
    """

    rows: WeakRows
    regions: Any  # given array-like, kept as an array of codes
    scores: Any = None

    def __post_init__(self) -> None:
        check_kind(self.rows, "rows", WeakRows, "a WeakRows, see WeakRows.from_proba")
        regions = check_regions(self.regions, self.rows.proba, "regions")
        object.__setattr__(self, "regions", regions)
        if self.scores is None:
            return
        scores = as_numbers(self.scores, "scores", finite=False)
        if scores.shape != (len(self.rows),):
            raise ValueError(
                f"scores has shape {scores.shape}, but there are {len(self.rows)} "
                "rows: give one for each."
            )
        check_array(scores[self.rows.covered], ensure_2d=False, input_name="scores")
        object.__setattr__(self, "scores", scores)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, positions: ArrayLike) -> "DetectedRows":
        """Return some of the rows.

        Parameters
        ----------
        positions : array-like of int
            Positions of the rows.

        Returns
        -------
        part : DetectedRows
            These rows, in this order.
        """
        scores = None if self.scores is None else self.scores[positions]
        return DetectedRows(self.rows.take(positions), self.regions[positions], scores)


def detect(detector, X, y) -> tuple[DetectedRows, Any]:
    """Rows as a clone of a detector finds them, and what takes the strong view of X."""
    params = detector.get_params(deep=False)
    labeler = WeakLabeler(**{name: params[name] for name in LABELER_CONSTRAINTS})
    rows, _ = labeler.fit_label(X, y)
    # rows are labelled already: what says how is left at its default
    default = type(detector)().get_params(deep=False)
    kept = {"n_jobs", "random_state"}
    unset = {name: default[name] for name in LABELER_CONSTRAINTS if name not in kept}
    detector = clone(detector).set_params(**unset).fit_rows(rows, labeler=labeler)
    scores = detector.overlap_scores_
    return DetectedRows(rows, detector.labels_, scores), labeler.strong


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
