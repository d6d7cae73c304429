"""Weak labels, confidence and regions of the rows to learn from: found or given."""

from sklearn.base import clone
from sklearn.utils import check_array, column_or_1d

from overlapkit._utils.sklearn_compat import _num_samples
from overlapkit.model_selection._students import check_regions
from overlapkit.weak._labeler import LABELER_CONSTRAINTS, WeakLabeler

__all__ = ["GIVEN", "WeaklyLabeled", "check_given", "detect"]

GIVEN = ("weak_labels", "weak_confidence", "detected_regions", "overlap_scores")


class WeaklyLabeled:
    """What is known of the rows to learn from: strong view, weak labels, regions."""

    def __init__(self, strong, labels, confidence, detected, scores, new_view) -> None:
        self.strong, self.labels = strong, labels
        self.confidence, self.detected, self.scores = confidence, detected, scores
        self.new_view = new_view


def detect(detector, X, y) -> WeaklyLabeled:
    """Weak labels and regions by a detector that is fitted here."""
    params = detector.get_params(deep=False)
    labeler = WeakLabeler(**{name: params[name] for name in LABELER_CONSTRAINTS})
    weak, _ = labeler.fit_label(X, y)
    kept = ("n_jobs", "random_state", "cv")
    unset = {name: None for name in LABELER_CONSTRAINTS if name not in kept}
    detector = clone(detector).set_params(**unset, cv=5).fit_rows(weak)
    new_view = labeler.strong
    return WeaklyLabeled(
        weak.strong,
        weak.labels,
        detector.weak_confidence_,
        detector.labels_,
        detector.overlap_scores_,
        new_view,
    )


def check_given(given, detector, X):
    """Weak labels, confidence, regions and scores as arrays; None with a detector."""
    here = [name for name, values in given.items() if values is not None]
    if detector is not None:
        if here:
            raise ValueError(
                f"The detector finds {', '.join(here)} itself: leave them out, or "
                "give detector=None."
            )
        return None
    missing = [name for name in GIVEN[:3] if given[name] is None]
    if missing:
        raise ValueError(
            f"Without a detector, {', '.join(missing)} must be given: the weak label, "
            "the weak confidence and the region of every row."
        )
    n_samples = _num_samples(X)
    for name in here:
        given[name] = column_or_1d(given[name])
        if len(given[name]) != n_samples:
            raise ValueError(
                f"{name} has {len(given[name])} entries, but X has {n_samples} rows."
            )
    given["detected_regions"] = check_regions(
        given["detected_regions"], X, "detected_regions"
    )
    for name in ("weak_confidence", "overlap_scores"):
        if given[name] is not None:
            check_array(given[name], ensure_2d=False, input_name=name)
    return given
