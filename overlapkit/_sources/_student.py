"""The student of a run: what it is trained on, and its predictions."""

import numpy as np
from sklearn.base import clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from overlapkit._sources._checks import labels_of
from overlapkit._sources._reading import GivenRows, frozen_weak_model, stack
from overlapkit._weak_labels import align_columns
from overlapkit._weak_to_strong import WeakToStrongClassifier, _estimator_has

__all__ = ["SourceStudent"]


class SourceStudent:
    """Training and predictions of :class:`~overlapkit.UCBSourceSelector`."""

    def _train(self):
        """Train the student on what was collected."""
        X, y = stack([X for X, _ in self._batches]), labels_of(self._batches)
        detector = self._base_detector()
        if self._reference is not None:
            detector = frozen_weak_model(detector, self.detector_)
        if isinstance(self.estimator, WeakToStrongClassifier):
            student = clone(self.estimator)
        else:
            student = WeakToStrongClassifier(self.estimator, cv=detector.cv)
        names = ("weak_estimator", "strong_columns", "weak_columns", "missing_label")
        for name in (*names, "n_jobs", "random_state"):
            if getattr(student, name) is None:
                student.set_params(**{name: getattr(detector, name)})
        if self.train_on == "overlap" and self.detector_ is not None:
            student.set_params(selector=GivenRows(self._overlap()))
        self.estimator_ = student.fit(X, y)
        self._add_classes(student.classes_)

    def _overlap(self):
        return np.concatenate([r.overlap for r in self._ledger.readings])

    def _add_classes(self, classes):
        if classes is None or len(classes) == 0:
            return
        old = [] if self.classes_ is None else [self.classes_]
        self.classes_ = np.unique(np.concatenate([*old, np.asarray(classes)]))

    def predict(self, X):
        """Class of each row, by the student.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            As in fit; only the strong columns are used.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Classes.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities of each row, by the student.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            As in fit; only the strong columns are used.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; 0 for a class that was not collected.
        """
        check_is_fitted(self, "estimator_")
        proba = self.estimator_.predict_proba(X)
        return align_columns(proba, self.estimator_.classes_, self.classes_)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X):
        """Decision values of the student.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            As in fit; only the strong columns are used.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            As the student gives them.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.decision_function(X)
