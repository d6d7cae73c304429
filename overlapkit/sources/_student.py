"""The student of a run: what is asked of the classifier."""

import numpy as np
from sklearn.base import clone

from overlapkit._utils.labels import same_marker
from overlapkit.sources._batches import all_known, label_as
from overlapkit.students._selection import guard_classes
from overlapkit.students._weak_to_strong import WeakToStrongClassifier
from overlapkit.weak._labeler import LABELER_CONSTRAINTS

__all__ = ["check_student", "train_student", "unknown_label"]


def _is_weak_to_strong(estimator) -> bool:
    """Whether an estimator is fitted on both views, as WeakToStrongClassifier is."""
    if isinstance(estimator, type) or not hasattr(estimator, "fit_rows"):
        return False
    return set(estimator.get_params(deep=False)) >= {*LABELER_CONSTRAINTS, "selector"}


def check_student(estimator, train_on) -> None:
    """Raise if the student would be trained on other rows than its parameters say."""
    if estimator is None or not hasattr(estimator, "get_params"):
        return
    if _is_weak_to_strong(estimator):
        own = [n for n in ("selector", "budget") if getattr(estimator, n) is not None]
        if train_on == "overlap" and own:
            raise ValueError(
                f"train_on='overlap' chooses the rows of the student, and so does "
                f"{' and '.join(own)} of {type(estimator).__name__}. Use "
                f"train_on='collected', or leave {' and '.join(own)} unset."
            )
        return
    for name, nested in estimator.get_params(deep=True).items():
        if _is_weak_to_strong(nested):
            raise ValueError(
                f"estimator is a {type(estimator).__name__} around a "
                f"{type(nested).__name__} ({name}), which would be trained on weak "
                f"labels of weak labels. Give the {type(nested).__name__} itself, with "
                f"the other steps in its own estimator: {type(nested).__name__}("
                f"estimator={type(estimator).__name__}(...))."
            )


def train_student(estimator, settings, X, y, keep=None) -> WeakToStrongClassifier:
    """Fit the student on weakly labelled rows.

    Parameters
    ----------
    estimator : estimator or None
        A classifier, or a WeakToStrongClassifier with settings of its own.
    settings : dict
        Parameters of the detector, for those that the student leaves unset; `cv` for a
        student without settings of its own.
    X : array or dataframe of shape (n_samples, n_features)
        The rows.
    y : ndarray of shape (n_samples,) or None
        Labels that the weak model learns from.
    keep : ndarray of shape (n_samples,) of bool, default=None
        Rows to train on; None: as the student chooses.

    Returns
    -------
    WeakToStrongClassifier
        The fitted student.
    """
    settings = dict(settings)
    cv = settings.pop("cv")
    if _is_weak_to_strong(estimator):
        student = clone(estimator)
    else:
        student = WeakToStrongClassifier(estimator, cv=cv)
    unset = {k: v for k, v in settings.items() if getattr(student, k) is None}
    student = clone(student.set_params(**unset))
    if keep is None and not all_known(y, student.missing_label):
        return student.fit(X, y)
    rows, known, labeler = label_as(student, X, y)
    keep = None if keep is None else _guarded(keep, rows)
    return student.fit_rows(rows, known=known, keep=keep, labeler=labeler)


def _guarded(keep, rows) -> np.ndarray:
    """A mask of covered rows in which no class loses most of its share."""
    covered = np.flatnonzero(rows.covered)
    keep = keep[covered]
    chosen = guard_classes(
        keep,
        keep.astype(np.float64),
        rows.codes[covered],
        rows.hash_of(covered),
        rows.classes,
    )
    mask = np.zeros(len(rows), dtype=bool)
    mask[covered[chosen]] = True
    return mask


def unknown_label(missing_label, detector, student):
    """The one value for an unknown label, from several places; None if none has one.

    Parameters
    ----------
    missing_label : scalar or None
        That of the selector.
    detector, student : estimator or None
        Estimators that may have one.

    Returns
    -------
    scalar or None
        The value.
    """
    own = _is_weak_to_strong(student)
    given = {
        "missing_label": missing_label,
        "detector.missing_label": getattr(detector, "missing_label", None),
        "estimator.missing_label": student.missing_label if own else None,
    }
    given = {name: value for name, value in given.items() if value is not None}
    values = list(given.values())
    if not all(same_marker(values[0], other) for other in values[1:]):
        raise ValueError(f"missing_label differs, and one value is needed: {given}.")
    return values[0] if values else None
