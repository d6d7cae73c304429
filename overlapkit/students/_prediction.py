"""Predictions by the strong model, for the classifiers that train one."""

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from overlapkit._utils.dask_arrays import by_chunk
from overlapkit._utils.estimators import align_columns
from overlapkit._utils.memory_map import in_memory, is_mapped, row_blocks
from overlapkit.weak._views import naming_columns

__all__ = ["StudentMixin"]


def _estimator_has(method):
    def check(self):
        if hasattr(self, "estimator_"):
            return hasattr(self.estimator_, method)
        if self.estimator is None:
            from lightgbm import LGBMClassifier  # slow to import

            return hasattr(LGBMClassifier, method)
        return hasattr(self.estimator, method)

    return check


def _by_blocks(predict, strong) -> np.ndarray:
    """Predictions of all rows; those in files are read in blocks."""
    if not is_mapped(strong):
        return predict(strong)
    blocks = row_blocks(strong)
    return np.concatenate([predict(in_memory(strong[i:j])) for i, j in blocks])


def _decision_columns(self):
    n_classes = len(self.estimator_.classes_)
    return None if n_classes == 2 else n_classes


class StudentMixin:
    """Predict with ``estimator_``, the strong model."""

    def _strong_view(self, X):
        """Return what ``estimator_`` takes of the rows of X."""
        return X

    def _ask(self, method, X):
        strong = self._strong_view(X)
        try:
            with naming_columns(strong, "strong view"):
                return _by_blocks(getattr(self.estimator_, method), strong)
        except ValueError as error:
            if "categorical_feature do not match" not in str(error):
                raise
            raise ValueError(
                "The columns of X that are categories are not those of fit: give every "
                "column the dtype that it had in fit."
            ) from error

    @by_chunk(lambda self, X: self.classes_.dtype)
    def predict(self, X):
        """Class of each row, by the strong model.

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
        return self._ask("predict", X)

    @available_if(_estimator_has("predict_proba"))
    @by_chunk(np.float64, columns=lambda self: len(self.classes_))
    def predict_proba(self, X):
        """Class probabilities of each row, by the strong model.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            As in fit; only the strong columns are used.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; 0 for a class the strong model never saw.
        """
        check_is_fitted(self, "estimator_")
        proba = self._ask("predict_proba", X)
        if np.array_equal(self.estimator_.classes_, self.classes_):
            return proba
        return align_columns(proba, self.estimator_.classes_, self.classes_)

    @available_if(_estimator_has("decision_function"))
    @by_chunk(np.float64, columns=_decision_columns)
    def decision_function(self, X):
        """Decision values of the strong model.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            As in fit; only the strong columns are used.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            As the strong model gives them.
        """
        check_is_fitted(self, "estimator_")
        return self._ask("decision_function", X)
