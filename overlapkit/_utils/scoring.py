"""Accuracy on the rows whose label is known."""

import numpy as np
from sklearn.base import ClassifierMixin

from overlapkit._utils.checks import as_numbers, check_consistent_length
from overlapkit._utils.labels import check_labels, known_labels
from overlapkit._utils.sklearn_compat import _safe_indexing

__all__ = ["KnownScoreMixin"]


class KnownScoreMixin(ClassifierMixin):
    """A classifier that leaves rows with `missing_label` out of its score."""

    def score(self, X, y, sample_weight=None):
        """Accuracy on the rows whose label is known.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            As in `predict`.
        y : array-like of shape (n_samples,)
            True labels; rows with `missing_label` are left out.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Accuracy of ``predict(X)``.

        Raises
        ------
        ValueError
            If no label is known, or y holds values that are no labels.
        """
        check_consistent_length(X=X, y=y, sample_weight=sample_weight)
        if sample_weight is not None:
            sample_weight = as_numbers(sample_weight, "sample_weight")
        y = check_labels(y, self.missing_label)
        is_known, labels = known_labels(y, self.missing_label, len(y))
        known = np.flatnonzero(is_known)
        if len(known) == 0:
            raise ValueError(
                f"None of the {len(y)} labels is known (missing_label="
                f"{self.missing_label!r}), so there is nothing to score. In a search "
                "or cross-validation, use overlapkit.model_selection.KnownLabelSplit."
            )
        if len(known) < len(y):
            X = _safe_indexing(X, known)
            if sample_weight is not None:
                sample_weight = sample_weight[known]
        return super().score(X, labels, sample_weight)
