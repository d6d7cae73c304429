"""Readings of batches, and the student: what is asked of detector and classifier."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.exceptions import UninformativeBatchWarning
from overlapkit.scorers._base import BaseWeakScorer, check_strong
from overlapkit.scorers._regions import OVERLAP
from overlapkit.sources._rewards import Batch
from overlapkit.sources._run import Reading
from overlapkit.students._weak_to_strong import WeakToStrongClassifier
from overlapkit.weak._labels import is_missing
from overlapkit.weak._model import weak_model_kind
from overlapkit.weak._views import resolve_columns, select_columns

__all__ = [
    "can_learn",
    "check_readable",
    "check_student",
    "fit_detector",
    "frozen_weak_model",
    "is_weak_to_strong",
    "part",
    "read",
    "reading_of",
    "train_student",
]

# what tells a classifier that labels and chooses rows itself from any other
_TWO_VIEWS = {"weak_estimator", "strong_columns", "weak_columns", "missing_label"}


# -- the detector --------------------------------------------------------------------
def can_learn(weak_estimator, y, missing_label) -> bool:
    """Whether the weak model can be fitted, and judged out of fold, on such labels."""
    if weak_model_kind(weak_estimator) != "classifier":
        return True
    if y is None:
        return False
    labels = y[~is_missing(y, missing_label)]
    if len(labels) == 0:
        return False
    counts = np.unique(labels, return_counts=True)[1]
    return len(counts) > 1 and bool(np.partition(counts, -2)[-2] > 1)


def check_readable(detector, X) -> None:
    """Raise if a detector could not compute similarities of such rows."""
    if detector is None or detector.representation is None:
        columns = None if detector is None else detector.strong_columns
        columns = resolve_columns(X, columns, name="strong_columns")
        check_strong(select_columns(X, columns))


def fit_detector(detector, X, y) -> Batch:
    """Fit a detector in place; return its rows as a Batch, with out-of-fold labels."""
    detector._validate_params()
    strong, weak, known = detector._fit_views(X, y)
    detector._fit_scores(strong, weak)
    rows = np.arange(len(known))
    return Batch(X, strong, weak, detector.labels_, y, known, detector, rows)


def frozen_weak_model(fitted) -> Any:
    """The weak model of a fitted detector, as an estimator that is not fitted again."""
    model = fitted.weak_estimator_
    if model is None:  # probabilities were given
        return fitted.weak_estimator
    return model if isinstance(model, FrozenEstimator) else FrozenEstimator(model)


def read(detector, X, y, missing_label) -> Batch:
    """New rows as a Batch; nothing is fitted."""
    strong, weak = detector._new_views(X)
    regions = detector._regions(strong, weak)
    known = np.zeros(len(regions), dtype=bool)
    if y is not None:
        known = ~is_missing(y, missing_label)
    return Batch(X, strong, weak, regions, y, known, detector)


def part(batch, start, stop) -> Batch:
    """The rows of a Batch from `start` to `stop` (exclusive)."""
    rows = np.arange(start, stop)
    y = None if batch.y is None else batch.y[rows]
    return Batch(
        _safe_indexing(batch.X, rows),
        _safe_indexing(batch.strong, rows),
        batch.weak.take(rows),
        batch.regions[rows],
        y,
        batch.known[rows],
        batch.detector,
        None if batch.rows is None else batch.rows[rows],
    )


# -- rewards -------------------------------------------------------------------------
def reading_of(reward, batch, state) -> tuple[Reading, Any]:
    """The Reading of a batch, and the new state of the reward.

    Raises
    ------
    ValueError
        If the reward does not return one number in [0, 1], or NaN, per row, and a
        state.

    Warns
    -----
    UninformativeBatchWarning
        If no row has a reward.
    """
    result = reward.score(batch, state)
    if not isinstance(result, tuple) or len(result) != 2:
        raise ValueError(
            f"score of {reward!r} must return a tuple (scores, state), got "
            f"{type(result).__name__}."
        )
    rewards, state = np.asarray(result[0]), result[1]
    if rewards.dtype.kind not in "biuf":
        raise ValueError(
            f"{reward!r} must give real numbers, got an array of {rewards.dtype}."
        )
    rewards = rewards.astype(np.float64)
    counted = ~np.isnan(rewards)
    inside = (rewards[counted] >= 0) & (rewards[counted] <= 1)
    if rewards.shape != batch.regions.shape or not inside.all():
        raise ValueError(
            f"{reward!r} must give a number in [0, 1] or NaN for each of "
            f"{len(batch.regions)} rows, got shape {rewards.shape} with "
            f"{(~inside).sum()} values out of range."
        )
    total, n_rewards = float(rewards[counted].sum()), int(counted.sum())
    if n_rewards == 0:
        # without a count a policy would query the same source for ever
        total, n_rewards = 0.5, 1
        warnings.warn(
            f"{reward!r} gives no reward to any of the {len(rewards)} rows of this "
            "batch; the batch counts as a single row of reward 1/2.",
            UninformativeBatchWarning,
            stacklevel=5,
        )
    classes = np.bincount(batch.weak.codes, minlength=len(batch.weak.classes))
    return Reading(total, n_rewards, batch.regions == OVERLAP, classes), state


# -- the student ---------------------------------------------------------------------
def is_weak_to_strong(estimator) -> bool:
    """Whether an estimator is fitted on both views, as WeakToStrongClassifier is."""
    get_params = getattr(estimator, "get_params", None)
    if get_params is None or isinstance(estimator, type):
        return False
    return set(get_params(deep=False)) >= {*_TWO_VIEWS, "selector"}


def check_student(estimator, train_on) -> None:
    """Raise if the student would be trained on other rows than its parameters say."""
    if estimator is None or not hasattr(estimator, "get_params"):
        return
    if is_weak_to_strong(estimator):
        own = [n for n in ("selector", "budget") if getattr(estimator, n) is not None]
        if train_on == "overlap" and own:
            raise ValueError(
                f"train_on='overlap' chooses the rows of the student, and so does "
                f"{' and '.join(own)} of {type(estimator).__name__}. Use "
                f"train_on='collected', or leave {' and '.join(own)} unset."
            )
        return
    for name, nested in estimator.get_params(deep=True).items():
        if is_weak_to_strong(nested):
            raise ValueError(
                f"estimator is a {type(estimator).__name__} around a "
                f"{type(nested).__name__} ({name}), which would be trained on weak "
                f"labels of weak labels. Give the {type(nested).__name__} itself, with "
                f"the other steps in its own estimator: {type(nested).__name__}("
                f"estimator={type(estimator).__name__}(...))."
            )


class _GivenRows(BaseWeakScorer):
    """A selector of rows that were chosen before."""

    def __init__(
        self, keep=None, *, weak_estimator=None, strong_columns=None, weak_columns=None
    ):
        self.keep = keep
        self.weak_estimator = weak_estimator
        self.strong_columns = strong_columns
        self.weak_columns = weak_columns

    def _validate_params(self):
        pass

    def _fit_scores(self, strong, weak):
        self.keep_ = np.asarray(self.keep)
        self.scores_ = self.keep_.astype(np.float64)

    def _score(self, strong, weak):
        raise NotImplementedError


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
    if is_weak_to_strong(estimator):
        student = clone(estimator)
    else:
        student = WeakToStrongClassifier(estimator, cv=cv)
    unset = {k: v for k, v in settings.items() if getattr(student, k) is None}
    student = clone(student.set_params(**unset))
    if keep is None:
        return student.fit(X, y)
    student.set_params(selector=_GivenRows(keep)).fit(X, y)
    # fitted again on other rows, it must not ask for these
    student.selector_ = None
    return student.set_params(selector=None)
