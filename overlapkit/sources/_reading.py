"""Readings of batches: what is asked of the detector and the reward."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from overlapkit._utils.estimators import align_columns
from overlapkit._utils.labels import is_missing
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import SourceWarning
from overlapkit.scorers._regions import OVERLAP
from overlapkit.sources._batches import label_as
from overlapkit.sources._rewards import Batch
from overlapkit.sources._rules import Reading
from overlapkit.weak._labeler import WeakLabeler
from overlapkit.weak._model import weak_model_kind
from overlapkit.weak._views import check_strong, resolve_columns, select_columns

__all__ = ["Fitting", "Reader"]

# parameters that say how rows are labelled, and the values that leave it open
_LABELING = {
    "weak_estimator": None,
    "strong_columns": None,
    "weak_columns": None,
    "classes": None,
    "missing_label": None,
    "cv": 5,
}


# -- the detector --------------------------------------------------------------------
def _fit_detector(detector, X, y) -> tuple[Batch, WeakLabeler]:
    """Fit a detector in place.

    Parameters
    ----------
    detector : OverlapDetector
        Not fitted.
    X : array or dataframe of shape (n_samples, n_features)
        The rows.
    y : ndarray of shape (n_samples,) or None
        Their labels.

    Returns
    -------
    batch : Batch
        The rows, with out-of-fold weak labels where a label is known.
    labeler : WeakLabeler
        Labels new rows.
    """
    rows, known, labeler = label_as(detector, X, y)
    own = {name: getattr(detector, name) for name in _LABELING}
    detector.set_params(**_LABELING).fit_rows(rows, labeler=labeler).set_params(**own)
    rule, positions = detector.rule_, np.arange(len(rows))
    strong = rule.represent(rows.strong)
    return Batch(X, rows, detector.labels_, known, rule, positions, strong), labeler


def _frozen_weak_model(fitted) -> Any:
    """The weak model of a fitted detector, as an estimator that is not fitted again."""
    model = fitted.weak_estimator_
    if model is None:  # probabilities were given
        return fitted.weak_estimator
    return model if isinstance(model, FrozenEstimator) else FrozenEstimator(model)


def _read(labeler, rule, X, known) -> Batch:
    """New rows and their known labels as a Batch; nothing is fitted."""
    rows = labeler.label(X)
    strong = rule.represent(rows.strong)
    regions = rule.read(rows, strong).regions
    return Batch(X, rows, regions, known, rule, represented=strong)


class _Reference:
    """Rows that were given for the first fit of the detector.

    The weak model was fitted on them, so their weak labels are out of fold; labelled
    again as new rows, they would all be certain.

    Parameters
    ----------
    batch : Batch
        The rows, as the first fit labelled them.
    """

    def __init__(self, batch):
        self.X, self.known = batch.X, batch.known
        rows = batch.rows
        self.proba, self.classes, self.covered = rows.proba, rows.classes, rows.covered

    def read(self, labeler, rule) -> Batch:
        """Read the rows by a later fit, with the weak labels of the first one."""
        rows = labeler.label(self.X)
        proba = align_columns(self.proba, self.classes, rows.classes)
        rows = replace(rows, proba=proba, covered=self.covered)
        return Batch(self.X, rows, rule.read(rows).regions, self.known, rule)


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads batches: the fitted detector of a run, and its reward with its state.

    A reader does not change: whatever is fitted or scored gives a new one, so a batch
    that is refused leaves the old one as it was.

    Parameters
    ----------
    reward : Reward
        The reward.
    state : object, default=None
        Its state.
    detector : OverlapDetector or None, default=None
        The fitted detector.
    labeler : WeakLabeler or None, default=None
        The fitted weak model of the detector.
    reference : _Reference or None, default=None
        Rows that were given for the first fit.
    n_batches : int, default=0
        Number of batches that the detector was fitted on.
    """

    reward: Any
    state: Any = None
    detector: Any = None
    labeler: Any = None
    reference: Any = None
    n_batches: int = 0

    def fresh(self) -> "Reader":
        """A reader of the same reward that nothing was fitted for."""
        return Reader(self.reward)

    def with_reference(self, detector, X, y) -> "Reader":
        """Fit a detector on given rows, and start the reward on them."""
        rows, labeler = _fit_detector(detector, X, y)
        state = self.reward.start(rows)
        return Reader(self.reward, state, detector, labeler, _Reference(rows))

    def with_batches(self, detector, batches) -> tuple[list[Reading], "Reader"]:
        """Fit a detector on all batches and read them."""
        rows, labeler = _fit_detector(detector, batches.X, batches.y)
        start = rows
        if self.reference is not None:
            start = self.reference.read(labeler, detector.rule_)
            rows = replace(rows, positions=None)  # the reward starts on other rows
        state, readings = self.reward.start(start), []
        for span in batches.spans():
            reading, state = _reading_of(self.reward, rows.part(*span), state)
            readings.append(reading)
        n = len(batches)
        return readings, Reader(
            self.reward, state, detector, labeler, self.reference, n
        )

    def read(self, X, known) -> tuple[Reading, "Reader"]:
        """Read one batch and its known labels."""
        batch = _read(self.labeler, self.detector.rule_, X, known)
        reading, state = _reading_of(self.reward, batch, self.state)
        return reading, replace(self, state=state)


@dataclass(frozen=True, eq=False)
class Fitting:
    """When the detector of a run is fitted, and with which parameters.

    Parameters
    ----------
    detector : OverlapDetector
        Not fitted.
    missing_label : scalar, default=None
        Value for an unknown label.
    n_jobs : int or None, default=None
        For a detector that leaves it unset.
    first_rounds : int, default=1
        Number of rounds before the first fit, at least.
    refit_rounds : set of int, default=frozenset()
        Rounds after which it is fitted again.
    """

    detector: Any
    missing_label: Any = None
    n_jobs: int | None = None
    first_rounds: int = 1
    refit_rounds: frozenset = frozenset()

    def settings(self, reader, seed) -> dict:
        """Parameters that detector and student of a run share, by their names.

        Parameters
        ----------
        reader : Reader
            Where the weak model was fitted on given rows, it is not fitted again.
        seed : int
            Seed of a detector without one.

        Returns
        -------
        dict
            The parameters.
        """
        settings = {name: getattr(self.detector, name) for name in _LABELING}
        own = {"missing_label": self.missing_label, "n_jobs": self.n_jobs}
        for name, value in {**own, "random_state": seed}.items():
            given = getattr(self.detector, name)
            settings[name] = value if given is None else given
        if reader.reference is not None:
            settings["weak_estimator"] = _frozen_weak_model(reader.detector)
        return settings

    def unfitted(self, reader, seed) -> Any:
        """A clone of the detector with these settings."""
        return clone(self.detector).set_params(**self.settings(reader, seed))

    def check_readable(self, X) -> None:
        """Raise if the detector could not compute similarities of such rows."""
        detector = self.detector
        if detector.representation is None:
            columns = resolve_columns(X, detector.strong_columns, name="strong_columns")
            check_strong(select_columns(X, columns))

    def can_learn(self, y) -> bool:
        """Whether the weak model can be fitted, and judged out of fold, on labels."""
        if weak_model_kind(self.detector.weak_estimator) != "classifier":
            return True
        if y is None:
            return False
        labels = y[~is_missing(y, self.missing_label)]
        if len(labels) == 0:
            return False
        counts = np.unique(labels, return_counts=True)[1]
        return len(counts) > 1 and bool(np.partition(counts, -2)[-2] > 1)


# -- rewards -------------------------------------------------------------------------
def _reading_of(reward, batch, state) -> tuple[Reading, Any]:
    """The Reading of a batch, and the new state of the reward.

    Raises
    ------
    ValueError
        If the reward does not return one number in [0, 1], or NaN, per row, and a
        state.

    Warns
    -----
    SourceWarning
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
    if rewards.shape != (len(batch),) or not inside.all():
        raise ValueError(
            f"{reward!r} must give a number in [0, 1] or NaN for each of "
            f"{len(batch)} rows, got shape {rewards.shape} with "
            f"{(~inside).sum()} values out of range."
        )
    total, n_rewards = float(rewards[counted].sum()), int(counted.sum())
    if n_rewards == 0:
        # without a count a policy would query the same source for ever
        total, n_rewards = 0.5, 1
        warn(
            f"{reward!r} gives no reward to any of the {len(rewards)} rows of this "
            "batch; the batch counts as a single row of reward 1/2.",
            SourceWarning,
        )
    rows = batch.rows
    classes = np.bincount(rows.codes[rows.covered], minlength=len(rows.classes))
    known = batch.known.rows
    judged = rows.covered[known]
    right = judged & (rows.labels[known] == batch.known.labels)
    counts = int(judged.sum()), int(right.sum())
    return Reading(total, n_rewards, batch.regions == OVERLAP, classes, *counts), state
