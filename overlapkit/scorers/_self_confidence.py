"""Keep rows whose weak label a held-out strong probe believes."""

import numpy as np
from sklearn.base import clone

from overlapkit._utils.sklearn_compat import HasMethods
from overlapkit.scorers._base import BaseWeakScorer
from overlapkit.weak._model import out_of_fold_proba

__all__ = ["SelfConfidenceScorer"]


class SelfConfidenceScorer(BaseWeakScorer):
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
    probe : classifier, default=None
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
    keep_ : None
        There is no threshold.
    probe_ : classifier
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
        **BaseWeakScorer._parameter_constraints,
        "probe": [HasMethods(["fit", "predict_proba"]), None],
    }

    def __init__(
        self,
        weak_estimator=None,
        *,
        strong_columns=None,
        weak_columns=None,
        probe=None,
        missing_label=None,
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.weak_estimator = weak_estimator
        self.strong_columns = strong_columns
        self.weak_columns = weak_columns
        self.probe = probe
        self.missing_label = missing_label
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_scores(self, strong, weak):
        # imported late, as in overlapkit.weak._rows
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        probe = self.probe
        if probe is None:
            probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
        if len(np.unique(weak.codes)) < 2:
            raise ValueError("The probe cannot learn: weak labels hold one class only.")
        labels = weak.labels
        self.probe_ = clone(probe).fit(strong, labels)
        proba = out_of_fold_proba(
            probe, strong, labels, cv=self.cv, n_jobs=self.n_jobs, seed=self._seed
        )
        if proba is None:
            proba = self.probe_.predict_proba(strong)
        own = self._own_probability(proba, labels)
        sums = np.bincount(weak.codes, own, minlength=len(weak.classes))
        counts = np.bincount(weak.codes, minlength=len(weak.classes))
        self.class_means_ = sums / np.maximum(counts, 1)
        self.scores_ = own - self.class_means_[weak.codes]
        self.keep_ = None

    def _score(self, strong, weak):
        own = self._own_probability(self.probe_.predict_proba(strong), weak.labels)
        return own - self.class_means_[weak.codes]

    def _own_probability(self, proba, labels):
        """Probability of each row's weak label; 0 for a label the probe never saw."""
        classes = self.probe_.classes_
        position = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
        own = proba[np.arange(len(labels)), position]
        return np.where(classes[position] == labels, own, 0.0)
