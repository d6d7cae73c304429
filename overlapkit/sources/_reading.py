"""Reading batches with a fitted detector, and what the student is trained on."""

import warnings
from importlib import import_module

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from overlapkit._utils.labels import is_missing
from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.exceptions import UninformativeBatchWarning
from overlapkit.scorers._base import BaseScorer
from overlapkit.scorers._regions import OVERLAP
from overlapkit.sources._ledger import Reading
from overlapkit.sources._rewards import Batch
from overlapkit.weak._labeler import LABELER_CONSTRAINTS, WeakLabeler
from overlapkit.weak._model import weak_model_kind
from overlapkit.weak._views import is_dataframe

__all__ = [
    "GivenRows",
    "can_learn",
    "check_stackable",
    "fit_detector",
    "frozen_weak_model",
    "part",
    "read",
    "stack",
    "value",
]


KEPT = ("n_jobs", "random_state", "cv")


class GivenRows(BaseScorer):
    """A selector that keeps the rows it was told to keep.

    Parameters
    ----------
    keep : ndarray of shape (n_samples,) of bool
        The rows.
    """

    def __init__(
        self, keep=None, *, weak_estimator=None, strong_columns=None, weak_columns=None
    ):
        self.keep = keep
        self.weak_estimator = weak_estimator
        self.strong_columns = strong_columns
        self.weak_columns = weak_columns

    def _validate_params(self):
        """Nothing that a user could have got wrong."""

    def _fit_rows(self, rows):
        self.support_ = np.asarray(self.keep)
        # ties between kept rows are broken by what a row holds
        self.scores_ = self.support_.astype(np.float64)

    def _score_rows(self, rows):
        raise NotImplementedError("GivenRows knows the rows of fit only.")


def stack(parts):
    """Batches one below the other, arrays or dataframes."""
    if len(parts) == 1:
        return parts[0]
    if hasattr(parts[0], "iloc"):
        return pd.concat(parts, ignore_index=True)
    if is_dataframe(parts[0]):
        library = import_module(type(parts[0]).__module__.split(".")[0])
        return library.concat(parts, how="vertical_relaxed")
    return np.concatenate(parts)


def check_stackable(first, batch) -> None:
    """Refuse a batch that cannot be put below the first one."""
    if type(first) is not type(batch) and (is_dataframe(first) or is_dataframe(batch)):
        raise ValueError(
            f"This batch is a {type(batch).__name__}, the first one was a "
            f"{type(first).__name__}: send all batches in one form."
        )


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


def fit_detector(detector, X, y) -> Batch:
    """Fit a detector in place; return its rows as a Batch, with out-of-fold labels."""
    params = detector.get_params(deep=False)
    labeler = WeakLabeler(**{name: params[name] for name in LABELER_CONSTRAINTS})
    weak, known = labeler.fit_label(X, y)
    unset = {name: None for name in LABELER_CONSTRAINTS if name not in KEPT}
    own = {name: params[name] for name in unset}
    detector.set_params(**unset, cv=5).fit_rows(weak, labeler=labeler)
    detector.set_params(**own)
    rows = np.arange(len(weak))
    return Batch(X, weak.strong, weak, detector.labels_, y, known.known, detector, rows)


def frozen_weak_model(detector, fitted):
    """A copy of `detector` whose weak model stays as it is in `fitted`."""
    model = fitted.weak_estimator_
    if model is None:
        return clone(detector)
    if not isinstance(model, FrozenEstimator):
        model = FrozenEstimator(model)
    return clone(detector).set_params(weak_estimator=model)


def read(detector, X, y, missing_label) -> Batch:
    """New rows as a Batch: nothing is fitted."""
    weak = detector._label(X)
    regions = detector.rule_.read(weak).regions
    known = np.zeros(len(regions), dtype=bool)
    if y is not None:
        known = ~is_missing(y, missing_label)
    return Batch(X, weak.strong, weak, regions, y, known, detector)


def part(batch, start, stop) -> Batch:
    """Some neighbouring rows of a Batch."""
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


def value(reward, batch, memory):
    """The Reading of a batch, and the reward's new memory.

    Raises
    ------
    ValueError
        If the reward does not give one number in [0, 1], or NaN, per row.

    Warns
    -----
    UninformativeBatchWarning
        If no row has a reward.
    """
    rewards, memory = reward.score(batch, memory)
    rewards = np.asarray(rewards, dtype=np.float64)
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
        # without a count a policy would ask the same source for ever
        total, n_rewards = 0.5, 1
        warnings.warn(
            f"{reward!r} says nothing of any of the {len(rewards)} rows of this batch; "
            "it counts as a single row of reward 1/2.",
            UninformativeBatchWarning,
            stacklevel=4,
        )
    classes = np.bincount(batch.weak.codes, minlength=len(batch.weak.classes))
    return Reading(total, n_rewards, batch.regions == OVERLAP, classes), memory
