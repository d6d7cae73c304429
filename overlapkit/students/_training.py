"""Fitting the strong model on weakly labelled rows (pure functions)."""

from typing import Any

import numpy as np

from overlapkit._utils.checks import as_numbers, refuse_unreadable
from overlapkit._utils.estimators import rows_of_params, takes_weights, weight_params
from overlapkit._utils.memory_map import in_memory, take_rows
from overlapkit._utils.sklearn_compat import _num_samples, _routing_enabled
from overlapkit._utils.threads import n_threads
from overlapkit.weak._views import naming_columns

__all__ = ["check_two_classes", "check_weight", "default_strong_estimator", "train"]


def default_strong_estimator(n_jobs=None, random_state=None) -> Any:
    """LightGBM, silent and deterministic."""
    # imported late: LightGBM brings in half of scikit-learn
    from overlapkit.students._default_student import TableLGBMClassifier

    model = TableLGBMClassifier(
        verbosity=-1,
        # it takes every core unless it is given a number; None means one, as elsewhere
        n_jobs=1 if n_jobs is None else n_threads(n_jobs),
        random_state=random_state,
        deterministic=True,
    )
    # a user cannot request weights for a model that was made here
    return model.set_fit_request(sample_weight=True) if _routing_enabled() else model


def label_weights(rows, label_use, known=None) -> np.ndarray:
    """Weight of each row's label; a known label has weight 1."""
    if label_use != "weighted":
        return np.ones(len(rows))
    confidence = rows.confidence()
    return confidence if known is None else np.where(known.known, 1.0, confidence)


def check_weight(sample_weight, X) -> np.ndarray | None:
    """Weights as an array, one per row and not negative; None stays None."""
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight)
    if weight.dtype.kind not in "biuf":
        weight = as_numbers(sample_weight, "sample_weight")
    refuse_unreadable(sample_weight, "sample_weight")
    if weight.ndim == 0:
        weight = np.full(_num_samples(X), weight)
    if weight.shape != (_num_samples(X),):
        entries = f"{len(weight)} entries"
        if weight.ndim > 1:
            entries = f"shape {weight.shape}"
        raise ValueError(
            f"sample_weight has {entries}, but X has {_num_samples(X)} "
            "rows: give one weight per row to it."
        )
    weight = weight.astype(np.result_type(weight, np.float32), copy=False)
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any():
        raise ValueError(
            f"sample_weight must be finite and not negative; {bad.sum()} of "
            f"{len(weight)} weights are not, the first is {weight[bad][0]}."
        )
    return weight


def check_two_classes(rows, label_use="hard", known=None, sample_weight=None) -> None:
    """Raise unless weak labels of covered rows with a weight are of two classes.

    Parameters
    ----------
    rows : WeakRows
        The rows.
    label_use : {"hard", "soft", "weighted"}, default="hard"
        As :class:`~overlapkit.WeakToStrongClassifier` has it.
    known : KnownLabels, default=None
        Labels that are learnt from in place of weak ones.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Raises
    ------
    ValueError
        If there is a single class.
    """
    weight = label_weights(rows, label_use, known) * rows.covered
    if sample_weight is not None:
        weight = weight * np.asarray(sample_weight)
    labels = [rows.codes[weight > 0]]
    if known is not None:
        labels.append(known.codes(rows.classes)[known.known])
    present = np.unique(np.concatenate(labels))
    if len(present) < 2:
        names = rows.classes[present].tolist()
        some = " with a weak label and a weight above 0 (sample_weight, confidence)"
        raise ValueError(
            "The strong model cannot learn: the weak labels hold one class only "
            f"({names}) in all rows{'' if weight.all() else some}."
        )


def train(
    estimator, rows, keep, *, label_use="hard", known=None, fit_params=None
) -> Any:
    """Fit a strong model on some rows and their weak labels.

    Parameters
    ----------
    estimator : classifier
        Fitted in place.
    rows : WeakRows
        The rows.
    keep : ndarray of shape (n_samples,) of bool
        Those to learn from.
    label_use : {"hard", "soft", "weighted"}, default="hard"
        Learn from the most probable class; from every class, weighted by its
        probability; or from the most probable class, weighted by the confidence.
    known : KnownLabels, default=None
        Labels to learn from in place of the weak ones.
    fit_params : dict, default=None
        Passed to ``fit``; of arrays with an entry per row, those of the rows kept.

    Returns
    -------
    estimator : classifier
        Fitted on the strong view.

    Raises
    ------
    ValueError
        If weights are needed and the estimator takes none.
    """
    positions = np.flatnonzero(keep)
    proba, codes = rows.proba[positions], rows.codes[positions]
    weight = label_weights(rows, label_use, known)[positions]
    if known is not None:
        true = known.known[positions]
        codes = np.where(true, known.codes(rows.classes)[positions], codes)
        proba = np.where(true[:, None], np.eye(len(rows.classes))[codes], proba)
    if label_use == "soft":
        place, codes = np.nonzero(proba > 0)
        weight, positions = proba[place, codes], positions[place]
    params = rows_of_params(fit_params or {}, positions, len(rows))
    given = params.pop("sample_weight", None)
    if label_use != "hard":
        if not takes_weights(estimator):
            raise ValueError(
                f"label_use={label_use!r} needs a strong estimator whose fit takes "
                f"sample_weight; {type(estimator).__name__} does not."
            )
        given = weight if given is None else weight * given
    if given is not None:
        params.update(weight_params(estimator, given))
    view = in_memory(take_rows(rows.strong, positions))
    with naming_columns(view, "strong view"):
        return estimator.fit(view, rows.classes[codes], **params)
