"""One student, fitted on different rows, always answering with log-probabilities."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from overlapkit._utils.estimators import (
    align_columns,
    innermost,
    rows_of_params,
    takes_weights,
    weight_params,
)
from overlapkit._utils.memory_map import (
    in_memory,
    is_mapped,
    row_blocks,
    take_rows,
)
from overlapkit._utils.sklearn_compat import _num_samples, get_tags
from overlapkit.weak._views import naming_columns

__all__ = ["Learner", "PooledClassifier", "clipped_log", "log_probabilities"]

# A student that is certain and wrong must not outweigh everything else.
_LEAST_PROBABILITY = 1e-4


def clipped_log(proba) -> np.ndarray:
    """Logarithms of class probabilities, none of which counts as less than 1e-4.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Probabilities or shares; each row is divided by its sum after clipping.

    Returns
    -------
    log_proba : ndarray of shape (n_samples, n_classes)
        Never below about -9.2.
    """
    clipped = np.maximum(proba, _LEAST_PROBABILITY)
    return np.log(clipped / clipped.sum(axis=1, keepdims=True))


def log_probabilities(model, X, classes) -> np.ndarray:
    """Log-probabilities of all classes by any fitted classifier.

    They come from ``predict_proba`` where the classifier has it; else from the softmax
    of ``decision_function`` (for two classes, of 0 and the decision value), which
    ranks rows but is not calibrated; else from ``predict`` alone, with
    probability 1 for the predicted class. All are clipped as in `clipped_log`.

    Parameters
    ----------
    model : classifier
        Fitted; may know some of the classes only.
    X : array or dataframe of shape (n_samples, n_features)
        Rows.
    classes : ndarray of shape (n_classes,)
        All classes, sorted.

    Returns
    -------
    log_proba : ndarray of shape (n_samples, n_classes)
        A class that the model does not know has the smallest probability.
    """
    if hasattr(model, "predict_proba"):
        proba = np.asarray(model.predict_proba(X), dtype=np.float64)
        return clipped_log(align_columns(proba, model.classes_, classes))
    decision = _decision(model, X)
    if decision is not None:
        proba = np.exp(log_softmax(decision, axis=1))
        return clipped_log(align_columns(proba, model.classes_, classes))
    codes = np.searchsorted(classes, model.predict(X))
    return clipped_log(np.eye(len(classes))[codes])


def _decision(model, X):
    """A column per class, or None where the decision values are none of classes."""
    if not hasattr(model, "decision_function"):
        return None
    decision = np.asarray(model.decision_function(X), dtype=np.float64)
    if decision.ndim == 1:
        decision = np.column_stack([np.zeros_like(decision), decision])
    # one column per pair of classes; of three classes, these are three as well
    pairs = getattr(innermost(model).estimator, "decision_function_shape", "") == "ovo"
    if decision.shape[1] != len(model.classes_) or (pairs and decision.shape[1] > 2):
        return None
    return decision


class _OneClass(ClassifierMixin, BaseEstimator):
    """Stands in for a student whose training rows are all of one class."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(_num_samples(X), self.classes_[0])

    def predict_proba(self, X):
        return np.ones((_num_samples(X), 1))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


@dataclass(frozen=True)
class Learner:
    """A student, the rows it can be fitted on, and the classes it must answer for.

    Attributes
    ----------
    estimator : classifier
        Never fitted itself; every fit takes a clone.
    strong : array or dataframe of shape (n_samples, n_features)
        The strong columns of all rows.
    classes : ndarray of shape (n_classes,)
        All classes, sorted.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weight of each row.
    fit_params : dict, default={}
        Further arguments of the student's ``fit``; of arrays with an entry per row,
        those of the rows it is fitted on.
    """

    estimator: Any
    strong: Any
    classes: np.ndarray
    sample_weight: np.ndarray | None = None
    fit_params: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.sample_weight is not None and not takes_weights(self.estimator):
            raise ValueError(
                "sample_weight was given, but the fit of the student "
                f"{type(self.estimator).__name__} takes none: leave sample_weight out, "
                "or use a student that takes it."
            )

    def fit(self, rows, codes) -> Any:
        """Clone of the student fitted on `rows`, whose classes are at `codes`."""
        labels = self.classes[codes]
        if len(np.unique(codes)) < 2:
            return _OneClass().fit(None, labels)
        params = rows_of_params(self.fit_params, rows, _num_samples(self.strong))
        if self.sample_weight is not None:
            params |= weight_params(self.estimator, self.sample_weight[rows])
        view = self.take(rows)
        with naming_columns(view, "strong view"):
            return clone(self.estimator).fit(view, labels, **params)

    def log_proba(self, model, rows=None) -> np.ndarray:
        """Log-probabilities of some rows, or of all, by a model that `fit` gave."""
        if rows is not None:
            return log_probabilities(model, self.take(rows), self.classes)
        if not _reads_in_blocks(self.strong):
            return log_probabilities(model, self.strong, self.classes)
        parts = [
            log_probabilities(model, in_memory(self.strong[start:stop]), self.classes)
            for start, stop in row_blocks(self.strong)
        ]
        return np.concatenate(parts)

    def take(self, rows) -> Any:
        """Strong columns of some rows, in single precision if they are in half."""
        return in_memory(take_rows(self.strong, rows))


def _reads_in_blocks(strong):
    return is_mapped(strong) or _is_half(strong)


def _is_half(rows):
    return getattr(rows, "dtype", None) == np.float16


class PooledClassifier(ClassifierMixin, BaseEstimator):
    r"""Predict by a weighted product of the probabilities of two fitted classifiers.

    .. math::

        \hat y = \arg\max_y \; \log p_1(y \mid x) + \lambda \log p_2(y \mid x)

    Parameters
    ----------
    first, second : classifier
        Fitted classifiers of the same columns.
    classes : ndarray of shape (n_classes,)
        All classes, sorted.
    weight : float, default=1.0
        :math:`\lambda`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        All classes.
    """

    def __init__(self, first, second, classes, weight=1.0):
        self.first = first
        self.second = second
        self.classes = classes
        self.weight = weight

    @property
    def classes_(self):
        """All classes."""
        return self.classes

    def fit(self, X, y=None):
        """Nothing is left to fit; the two classifiers are.

        Parameters
        ----------
        X : array-like
            Ignored.
        y : array-like, default=None
            Ignored.

        Returns
        -------
        self : object
            The classifier.
        """
        return self

    def predict_proba(self, X):
        """Normalised weighted geometric mean of the two probabilities.

        Parameters
        ----------
        X : array or dataframe of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        first = log_probabilities(self.first, X, self.classes)
        second = log_probabilities(self.second, X, self.classes)
        mean = (first + self.weight * second) / (1 + self.weight)
        return np.exp(log_softmax(mean, axis=1))

    def predict(self, X):
        """Class of each row.

        Parameters
        ----------
        X : array or dataframe of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Classes.
        """
        return self.classes[self.predict_proba(X).argmax(axis=1)]

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        """Missing values are allowed where both classifiers take them."""
        tags = super().__sklearn_tags__()
        parts = self.first, self.second
        allowed = all(get_tags(part).input_tags.allow_nan for part in parts)
        tags.input_tags.allow_nan = allowed
        return tags
