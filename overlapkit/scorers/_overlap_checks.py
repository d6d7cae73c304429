"""What OverlapDetector warns about."""

import numpy as np

from overlapkit._utils.warnings import warn
from overlapkit.exceptions import (
    ClassCollapseWarning,
    NoEvidenceOfGroupsWarning,
    SimilarViewsWarning,
    WeakConfidenceWarning,
)
from overlapkit.weak._confidence import confidence_of

__all__ = [
    "SIGNIFICANCE_LEVEL",
    "far_apart",
    "warn_about_groups",
    "warn_about_kept_classes",
    "warn_about_prior",
    "warn_about_saturation",
    "warn_about_views",
]

# p-value above which the dip test gives no evidence of two groups
SIGNIFICANCE_LEVEL = 0.05
# with fewer values the test finds two groups so rarely that its result means nothing
MIN_VALUES_TO_WARN = 100
# the dip test misses small groups; means of the two sides that are so many standard
# deviations apart, with so many rows on the smaller side, are evidence as well: single
# groups reach 3.7 (exponential, uniform), and heavy tails leave fewer rows alone
FAR_APART = 5.0
LEAST_SHARE, LEAST_ROWS = 0.01, 10
# a confidence this close to 1 is one that the weak model does not grade any more
SATURATED = 0.999
SATURATED_SHARE = 0.9
ALIGNED = 0.9


def warn_about_groups(what, sides, values, pvalue, split) -> None:
    """Say that a threshold splits values that show no separate groups.

    Parameters
    ----------
    what, sides : str
        What was split, and into which rows.
    values : ndarray
        The values.
    pvalue : float
        Of their dip test.
    split : ChangePoint or None
        Where they were split; None: the user chose the threshold, which claims no
        groups.
    """
    if split is None or pvalue <= SIGNIFICANCE_LEVEL:
        return
    if len(np.unique(values)) < MIN_VALUES_TO_WARN or far_apart(values, split):
        return
    warn(
        f"The {what} of {len(values)} rows show no separate groups (dip test p = "
        f"{pvalue:.2g}), so the position of the threshold between {sides} rows may be "
        "arbitrary. Compare with controls such as random rows before relying on the "
        "threshold, or set it yourself.",
        NoEvidenceOfGroupsWarning,
    )


def far_apart(values, split) -> bool:
    """Whether a change point separates two groups by far, one of them perhaps small."""
    smaller = min(split.index, len(values) - split.index)
    if smaller < max(LEAST_ROWS, LEAST_SHARE * len(values)):
        return False
    within = np.sqrt(max(0.0, 1 - split.gain) * np.var(values))
    return bool(split.mean_above - split.mean_below >= FAR_APART * within)


def warn_about_saturation(confidence) -> None:
    """Say so if the weak model is certain of nearly all rows."""
    share = float(np.mean(confidence >= SATURATED))
    if share > SATURATED_SHARE:
        warn(
            f"The weak model is certain (confidence {SATURATED} or more) of "
            f"{share:.0%} of the rows: its confidence hardly ranks the rows, and "
            "wrongly labelled rows are classified as easy. Calibrate it "
            "(CalibratedClassifierCV) or regularise it more.",
            WeakConfidenceWarning,
        )


def warn_about_prior(prior, classes, kind, threshold) -> None:
    """Say so if a row without any pattern would be too confident to count as hard.

    Parameters
    ----------
    prior : ndarray of shape (n_classes,)
        Mean weak probabilities of the covered rows.
    classes : ndarray of shape (n_classes,)
        Names of the classes.
    kind : str
        Of the confidence.
    threshold : float
        Confidence below which a row is hard.
    """
    confidence = float(confidence_of(prior[None, :], kind)[0])
    if not confidence >= threshold:
        return
    largest = int(np.argmax(prior))
    warn(
        f"The weak model gives class {classes.tolist()[largest]!r} a share of "
        f"{prior[largest]:.0%}. A row predicted only by the class shares has "
        f"confidence {confidence:.2g}, at or above the threshold of {threshold:.2g}, "
        "so it would not be counted as hard. Weight the classes "
        '(class_weight="balanced"), or set hard_threshold.',
        WeakConfidenceWarning,
    )


def warn_about_kept_classes(keep, rows) -> None:
    """Say so if all rows kept have the same weak label although the pool does not."""
    kept = np.unique(rows.codes[keep])
    if len(kept) == 1 and len(np.unique(rows.codes[rows.covered])) > 1:
        name = rows.classes[kept].tolist()[0]
        warn(
            f"All {keep.sum()} overlap rows have the weak label {name!r}: a strong "
            "model can learn nothing from them alone.",
            ClassCollapseWarning,
        )


def warn_about_views(alignment) -> None:
    """Say so if the two views hold nearly the same information."""
    if alignment > ALIGNED:
        warn(
            f"The weak and the strong view are nearly the same (alignment "
            f"{alignment:.3f}, 1 is identical): what is hard for the weak model is "
            "then hard for the strong one too, and overlap rows teach it nothing new.",
            SimilarViewsWarning,
        )
