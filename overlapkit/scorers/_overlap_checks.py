"""What OverlapDetector does beside its two thresholds: acquit hard rows, and warn."""

import warnings

import numpy as np

from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.diagnostics import dip_test, view_alignment
from overlapkit.exceptions import (
    ClassCollapseWarning,
    NoEvidenceOfGroupsWarning,
    SaturatedWeakModelWarning,
    SimilarViewsWarning,
    UnbalancedClassesWarning,
)
from overlapkit.scorers._similarity import reference_similarity
from overlapkit.thresholds import change_point
from overlapkit.weak._confidence import weak_confidence
from overlapkit.weak._views import select_columns

__all__ = [
    "likeness",
    "purification_threshold",
    "sample_rows",
    "warn_about_groups",
    "warn_about_kept_classes",
    "warn_about_prior",
    "warn_about_saturation",
    "warn_about_views",
]

# so many rows tell what confident rows look like; more would cost time only
MAX_CONFIDENT = 1000
# with fewer values the test finds two groups so rarely that its silence says nothing
MIN_VALUES_TO_WARN = 100
# a confidence this close to 1 is one that the weak model does not grade any more
SATURATED = 0.999
SATURATED_SHARE = 0.9
ALIGNED = 0.9
# rows to compare the views on
ALIGNMENT_ROWS = 1000


def sample_rows(rows, size, weak) -> np.ndarray:
    """At most `size` of the rows, the same ones in whatever order they come."""
    if size is None or len(rows) <= size:
        return rows
    # a seeded hash of what the row holds decides, not its position
    drawn = np.argsort(weak.hash_of(rows), kind="stable")[:size]
    return rows[np.sort(drawn)]


def likeness(strong, confident, metric, n_jobs) -> np.ndarray:
    """Mean similarity of rows to rows the weak model is sure about."""
    return reference_similarity(
        strong, confident, metric=metric, aggregation="mean", n_jobs=n_jobs
    )


def purification_threshold(likenesses, level) -> float:
    """Likeness to confident rows above which a row of low confidence is not hard.

    Parameters
    ----------
    likenesses : ndarray of shape (n_candidates,)
        Of the rows below the confidence threshold.
    level : float
        Largest p-value that counts as evidence of two groups.

    Returns
    -------
    threshold : float
        Half way between the groups; infinite if there is no evidence of two.
    """
    if dip_test(likenesses).pvalue > level:
        return np.inf
    return change_point(likenesses).midpoint


def warn_about_groups(detector, hard) -> None:
    """Say which of the two splits cut through what looks like one group."""
    for what, sides, values, pvalue, split in (
        (
            "weak confidences",
            "hard and other",
            detector.weak_confidence_,
            detector.confidence_pvalue_,
            detector.confidence_split_,
        ),
        (
            "overlap scores",
            "easy and overlap",
            detector.overlap_scores_[~hard],
            detector.overlap_pvalue_,
            detector.overlap_split_,
        ),
    ):
        # a threshold the user chose claims no groups
        if split is None or pvalue <= detector.evidence_level:
            continue
        if len(np.unique(values)) < MIN_VALUES_TO_WARN:
            continue
        warnings.warn(
            f"The {what} of {len(values)} rows look like one group (dip test p = "
            f"{pvalue:.2g}): the line between {sides} rows is drawn through a "
            "continuum. Compare with controls such as random rows before relying on "
            "it, or set the threshold yourself.",
            NoEvidenceOfGroupsWarning,
            stacklevel=2,
        )


def warn_about_saturation(confidence) -> None:
    """Say so if the weak model is certain of nearly all rows."""
    share = float(np.mean(confidence >= SATURATED))
    if share > SATURATED_SHARE:
        warnings.warn(
            f"The weak model is certain (confidence {SATURATED} or more) of "
            f"{share:.0%} of the rows: it grades few of them, and rows it is wrong "
            "about pass for easy ones. Calibrate it (CalibratedClassifierCV) or "
            "regularise it more.",
            SaturatedWeakModelWarning,
            stacklevel=2,
        )


def warn_about_prior(weak, kind, threshold) -> None:
    """Say so if a row without any pattern would be too confident to count as hard."""
    prior = weak.proba.mean(axis=0)
    confidence = float(weak_confidence(prior[None, :], kind)[0])
    if not confidence >= threshold:
        return
    largest = int(np.argmax(prior))
    warnings.warn(
        f"The weak model gives class {weak.classes.tolist()[largest]!r} a share of "
        f"{prior[largest]:.0%}. A row of which it knows nothing else has confidence "
        f"{confidence:.2g}, at or above the threshold of {threshold:.2g}: hard rows "
        'pass for easy ones. Weight the classes (class_weight="balanced"), or set '
        "hard_threshold.",
        UnbalancedClassesWarning,
        stacklevel=2,
    )


def warn_about_kept_classes(keep, weak) -> None:
    """Say so if all rows kept have the same weak label although the pool does not."""
    kept = np.unique(weak.codes[keep])
    if len(kept) == 1 and len(np.unique(weak.codes)) > 1:
        name = weak.classes[kept].tolist()[0]
        warnings.warn(
            f"All {keep.sum()} overlap rows have the weak label {name!r}: a strong "
            "model can learn nothing from them alone.",
            ClassCollapseWarning,
            stacklevel=2,
        )


def warn_about_views(strong, X, weak_indices, weak) -> float:
    """Alignment of the views, NaN for columns that are not numbers; warn near 1."""
    rows = sample_rows(np.arange(len(X)), ALIGNMENT_ROWS, weak)
    other = select_columns(_safe_indexing(X, rows), weak_indices)
    try:
        alignment = view_alignment(_safe_indexing(strong, rows), other)
    except (TypeError, ValueError):  # categories or missing values: no inner products
        return np.nan
    if alignment > ALIGNED:
        warnings.warn(
            f"The weak and the strong view are nearly the same (alignment "
            f"{alignment:.3f}, 1 is identical): what is hard for the weak model is "
            "then hard for the strong one too, and overlap rows teach it nothing new.",
            SimilarViewsWarning,
            stacklevel=2,
        )
    return alignment
