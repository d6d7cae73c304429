"""Keep rows whose weak label a held-out strong probe believes."""

import numpy as np
from sklearn.base import clone

from overlapkit._utils.estimators import align_columns
from overlapkit._utils.memory_map import in_memory
from overlapkit._utils.sklearn_compat import HasMethods
from overlapkit.scorers._base import BaseScorer
from overlapkit.weak._model import (
    content_order,
    default_linear_model,
    out_of_fold_proba,
)

__all__ = ["SelfConfidenceScorer"]


class SelfConfidenceScorer(BaseScorer):
    r"""Score rows by the probability a strong probe gives to their weak label.

    A probe is trained on the weak labels of some rows and asked about others. Where
    it disagrees with the weak label, the weak label is suspect: errors that follow no
    pattern cannot be predicted from other rows.

    With the out-of-fold probability :math:`p_i(\hat y_i)` of the weak label,

    .. math:: s_i = p_i(\hat y_i) -
        \operatorname{mean}_{j : \hat y_j = \hat y_i} p_j(\hat y_j).

    Centring by class keeps the score from ranking rows by how common their class is.

    Parameters
    ----------
    weak_estimator : estimator, "precomputed" or None, default=None
        The weak model, as in :class:`~overlapkit.OverlapDetector`.
    strong_columns, weak_columns : selector, default=None
        The columns each model sees.
    classes : array-like of shape (n_classes,), default=None
        Names of the probability columns or of the vote codes, as in
        :class:`~overlapkit.OverlapDetector`.
    estimator : classifier, default=None
        Trained on the strong view. None: logistic regression on standardised columns.
    missing_label : scalar, default=None
        What stands in y for "label unknown".
    cv : int, splitter or iterable, default=5
        Folds of the probe, and of the weak model where it learns from labels.
    n_jobs : int, default=None
        Folds fitted at once.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds and breaks ties of weak labels.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Score of each row of ``fit``.
    support_ : None
        There is no threshold.
    estimator_ : classifier
        The probe fitted on all rows.
    class_means_ : ndarray of shape (n_classes,)
        Mean out-of-fold probability of each weak class.
    weak_estimator_ : estimator or None
        The weak model fitted on all known labels.
    classes_ : ndarray of shape (n_classes,)
        The classes.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it has names.

    Raises
    ------
    ValueError
        As :class:`~overlapkit.OverlapDetector`, or if all weak labels are of one class.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang, I. Chuang, "Confident Learning: Estimating
       Uncertainty in Dataset Labels", JAIR 2021.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from overlapkit.scorers import SelfConfidenceScorer
    >>> X, y = make_classification(random_state=0)
    >>> SelfConfidenceScorer(random_state=0).fit(X, y).score_samples(X[:2]).shape
    (2,)
    """

    _parameter_constraints: dict = {
        **BaseScorer._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
    }

    def __init__(
        self,
        weak_estimator=None,
        *,
        strong_columns=None,
        weak_columns=None,
        classes=None,
        estimator=None,
        missing_label=None,
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.weak_estimator = weak_estimator
        self.strong_columns = strong_columns
        self.weak_columns = weak_columns
        self.classes = classes
        self.estimator = estimator
        self.missing_label = missing_label
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    # here the folds are those of the estimator, too
    _labeling = {k: v for k, v in BaseScorer._labeling.items() if k != "cv"}

    def _fit_rows(self, rows):
        covered = np.flatnonzero(rows.covered)
        labeled = rows if rows.covered.all() else rows.take(covered)
        estimator = self.estimator
        if estimator is None:
            estimator = default_linear_model(labeled.strong, C=0.01)
        codes, labels = labeled.codes, labeled.labels
        if len(np.unique(codes)) < 2:
            raise ValueError(
                "The estimator cannot learn: weak labels hold one class only. "
                "Check whether the weak columns of X tell the classes apart."
            )
        strong = in_memory(labeled.strong)
        self.estimator_ = clone(estimator).fit(strong, labels)
        proba = out_of_fold_proba(
            estimator,
            strong,
            labels,
            cv=self.cv,
            classes=rows.classes,
            n_jobs=self.n_jobs,
            seed=self._seed_of(rows),
            order=content_order(strong, labels),
        )
        if proba is None:
            proba = self._proba(labeled)
        own = proba[np.arange(len(codes)), codes]
        sums = np.bincount(codes, own, minlength=len(rows.classes))
        counts = np.bincount(codes, minlength=len(rows.classes))
        self.class_means_ = sums / np.maximum(counts, 1)
        self.scores_ = np.full(len(rows), -np.inf)
        self.scores_[covered] = own - self.class_means_[codes]
        self.support_ = None

    def _score_rows(self, rows):
        own = self._proba(rows)[np.arange(len(rows)), rows.codes]
        return own - self.class_means_[rows.codes]

    def _proba(self, rows):
        """Probabilities of all classes; 0 for one that the probe never saw."""
        proba = self.estimator_.predict_proba(in_memory(rows.strong))
        return align_columns(proba, self.estimator_.classes_, rows.classes)
