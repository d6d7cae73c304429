"""From confidences and similarities to easy, overlap and hard rows (pure functions)."""

from numbers import Real

import numpy as np

from overlapkit._utils.warnings import warn
from overlapkit.exceptions import (
    NoEvidenceOfGroupsWarning,
    NoOverlapWarning,
)
from overlapkit.thresholds import ChangePoint, binseg_change_point, change_point

__all__ = [
    "EASY",
    "HARD",
    "OVERLAP",
    "REGION_NAMES",
    "TRUE_REGION_NAMES",
    "UNCOVERED",
    "confidence_threshold",
    "overlap_threshold",
    "region_codes",
]

EASY, OVERLAP, HARD, UNCOVERED = 0, 1, 2, 3
# rows the authors' search needs at least
_BINSEG_MINIMUM = 7
# of rows whose true patterns are known: a row can carry neither
TRUE_REGION_NAMES = ("easy", "overlap", "hard", "neither")
REGION_NAMES = np.array(["easy", "overlap", "hard", "uncovered"])


def confidence_threshold(
    confidence, rule="changepoint"
) -> tuple[float, ChangePoint | None]:
    """Confidence below which a row is hard.

    Parameters
    ----------
    confidence : ndarray of shape (n_samples,)
        Weak confidence of each row, in [0, 1].
    rule : {"changepoint", "binseg"}, float or ("quantile", float)
        A change point of the sorted confidences, a value, or a quantile of them.

    Returns
    -------
    threshold : float
        Hard rows are those strictly below; rows that tie with it are not hard, so
        that a saturated weak model does not turn every row into a hard one.
    split : ChangePoint or None
        The change point, where one was used.

    Warns
    -----
    NoOverlapWarning
        When no row is below the threshold.
    NoEvidenceOfGroupsWarning
        When there are too few rows for a change point; the median is used.

    Raises
    ------
    ValueError
        If a tuple is not ``("quantile", q)`` with q in [0, 1].
    """
    threshold, split = _cut(confidence, rule, "confidence", tied=np.min)
    if split is not None:
        threshold = split.threshold
    if not (confidence < threshold).any():
        low, high = confidence.min(), confidence.max()
        why = (
            f"the weak model is equally sure of every row (confidence {low:.4g})"
            if _all_tied(confidence)
            else f"no confidence is below {threshold:.4g} (they range from {low:.4g} "
            f"to {high:.4g})"
        )
        warn(
            f"No hard rows: {why}. Every row is taken for easy and the overlap "
            "density is 0.",
            NoOverlapWarning,
        )
    return threshold, split


def overlap_threshold(scores, rule="changepoint") -> tuple[float, ChangePoint | None]:
    """Similarity to the hard rows above which a non-hard row is overlap.

    Parameters
    ----------
    scores : ndarray of shape (n_non_hard,)
        Similarity of each non-hard row to the hard rows.
    rule : {"changepoint", "binseg"}, float or ("quantile", float)
        As in :func:`confidence_threshold`. A change point puts the threshold half
        way between the two segments, so that rounding cannot move a row across.

    Returns
    -------
    threshold : float
        Overlap rows are those strictly above.
    split : ChangePoint or None
        The change point, where one was used.

    Warns
    -----
    NoOverlapWarning
        When no row is above the threshold.
    NoEvidenceOfGroupsWarning
        When there are too few rows for a change point; the median is used.

    Raises
    ------
    ValueError
        If a tuple is not ``("quantile", q)`` with q in [0, 1].
    """
    threshold, split = _cut(scores, rule, "overlap score", tied=np.max)
    if split is not None:
        threshold = split.midpoint
    if not (scores > threshold).any():
        warn(
            f"No overlap rows: no overlap score is above {threshold:.4g} "
            f"(they range from {scores.min():.4g} to {scores.max():.4g}).",
            NoOverlapWarning,
        )
    return threshold, split


def _cut(values, rule, what, tied) -> tuple[float, ChangePoint | None]:
    """A threshold, and the change point it came from if it did."""
    if isinstance(rule, Real):
        return float(rule), None
    if isinstance(rule, tuple):
        fits = len(rule) == 2 and rule[0] == "quantile" and isinstance(rule[1], Real)
        if not fits or not 0 <= rule[1] <= 1:
            raise ValueError(
                f"The threshold of the {what} is {rule!r}; a tuple must be "
                "('quantile', q) with q between 0 and 1."
            )
        return float(np.quantile(values, rule[1])), None
    if _all_tied(values):
        # the extreme beyond which there is nothing, so that rounding is no group
        return float(tied(values)), None
    split = None
    if rule == "changepoint":
        split = change_point(values)
    elif len(values) >= _BINSEG_MINIMUM:
        split = binseg_change_point(values)
    if split is None or not split.found:
        median = float(np.median(values))
        warn(
            f"The {what} of {len(values)} rows has no change point (too few rows or "
            f"distinct values); the median {median:.4g} is the threshold instead.",
            NoEvidenceOfGroupsWarning,
        )
        return median, None
    return split.threshold, split


def _all_tied(values) -> bool:
    """Whether the values differ by no more than rounding does."""
    tolerance = max(1e-9, 8 * float(np.finfo(values.dtype).eps))
    return bool(np.ptp(values) <= tolerance * np.abs(values).max())


def region_codes(
    confidence, scores, confidence_threshold, overlap_threshold, covered
) -> np.ndarray:
    """Region of each row: 0 easy, 1 overlap, 2 hard, 3 uncovered.

    Parameters
    ----------
    confidence, scores : ndarray of shape (n_samples,)
        Weak confidence, and similarity to the hard rows.
    confidence_threshold, overlap_threshold : float
        Hard is strictly below the first; of the rest, overlap is strictly above the
        second.
    covered : ndarray of shape (n_samples,) of bool
        Rows with a weak label.

    Returns
    -------
    regions : ndarray of shape (n_samples,) of int8
    """
    regions = np.where(scores > overlap_threshold, OVERLAP, EASY).astype(np.int8)
    regions[confidence < confidence_threshold] = HARD
    regions[~covered] = UNCOVERED
    return regions
