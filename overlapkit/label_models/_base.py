"""What every label model shares: validation, classes, prediction, ties."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from overlapkit._kernels.ties import break_ties
from overlapkit._utils.sklearn_compat import _fit_context, validate_data
from overlapkit.exceptions import ClassCollapseWarning, UnknownVoteWarning
from overlapkit.label_models._votes import predicted_shares

_COLLAPSE_SHARE = 0.02


class _BaseLabelModel(ClassifierMixin, BaseEstimator):
    """Classifier on vote columns; subclasses write `_learn` and `_posterior`."""

    _parameter_constraints: dict = {
        "class_balance": ["array-like", None],
        "classes": ["array-like", None],
        "random_state": ["random_state"],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.input_tags.categorical = True
        tags.classifier_tags.poor_score = True
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn from the votes alone.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_functions)
            Votes: integers, of any numeric dtype, -1 for an abstention, k for the
            class ``classes_[k]``.

        y : array-like of shape (n_samples,), default=None
            Never learnt from. Its sorted distinct values become `classes_` when
            the parameter `classes` is None; otherwise they must be among `classes`.

        Returns
        -------
        self : object
            The fitted label model.

        Raises
        ------
        ValueError
            If a vote is no integer, if `classes` are not sorted and
            distinct or lack a label of `y`, or if `class_balance` does not fit.

        Warns
        -----
        UnknownVoteWarning
            If votes name no class; they are treated as abstentions.
        """
        if y is None:
            X = validate_data(self, X)
        else:
            X, y = validate_data(self, X, y)
            check_classification_targets(y)
        _check_votes(X)
        self.classes_ = self._resolve_classes(X, y)
        prior = self._resolve_class_balance(len(self.classes_))
        self.tie_seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.class_prior_ = prior
        self._learn(self._encode(X), prior)
        return self

    def predict_proba(self, X):
        """Probability of every class.

        Where classes tie, the one that `predict` returns is raised by the smallest
        representable step, so that the largest column is always the predicted one.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_functions)
            Votes, as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), dtype float64
            Columns in the order of `classes_`; rows on which every function
            abstains hold `class_prior_`.
        """
        return self._untied_posterior(self._validated_codes(X))

    def predict(self, X):
        """Most probable class of every row.

        Among equally probable classes a hash of the row's votes and of `tie_seed_`
        decides: equal rows get equal labels, wherever they stand.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_functions)
            Votes, as in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Entries of `classes_`.
        """
        proba = self._untied_posterior(self._validated_codes(X))
        return self.classes_[proba.argmax(axis=1)]

    def covered(self, X):
        """Mark the rows on which at least one function votes for a known class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_functions)
            Votes, as in `fit`.

        Returns
        -------
        mask : ndarray of shape (n_samples,), dtype bool
            False where `predict_proba` knows nothing but the class balance.
        """
        return (self._validated_codes(X) >= 0).any(axis=1)

    def _untied_posterior(self, codes):
        proba = self._posterior(codes)
        chosen = break_ties(proba, codes, self.tie_seed_)
        moved = np.flatnonzero(chosen != proba.argmax(axis=1))
        proba[moved, chosen[moved]] = np.nextafter(proba[moved].max(axis=1), np.inf)
        return proba

    def _validated_codes(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        _check_votes(X)
        return self._encode(X)

    def _encode(self, X):
        """Codes of the smallest sufficient dtype, column by column in memory."""
        n_classes = len(self.classes_)
        unknown = X >= n_classes
        if X.dtype.kind not in "bu":
            unknown |= X < -1
        n_unknown = np.count_nonzero(unknown)
        if n_unknown:
            warnings.warn(
                f"{n_unknown} of {X.size} votes name none of the {n_classes} classes "
                f"(votes go from {int(X.min())} to {int(X.max())}, classes from 0 to "
                f"{n_classes - 1}, -1 abstains); they "
                "are treated as abstentions. If these votes are meant, the other codes "
                "stand for the wrong classes, too: pass `classes`, or a `y` that holds "
                "every class.",
                UnknownVoteWarning,
                stacklevel=4,
            )
            X = np.where(unknown, -1, X)
        dtype = next(
            t for t in (np.int8, np.int16, np.int32) if n_classes <= np.iinfo(t).max
        )
        return np.array(X, dtype=dtype, order="F")

    def _resolve_classes(self, X, y):
        if self.classes is None:
            if y is not None:
                return np.unique(y)
            return np.arange(max(2, int(X.max()) + 1))
        classes = column_or_1d(np.asarray(self.classes))
        if classes.size == 0 or not np.array_equal(np.unique(classes), classes):
            raise ValueError(
                "`classes` must be sorted and distinct, because scikit-learn's "
                f"metrics assume so; got {classes.tolist()}. Recode the votes to the "
                "sorted order."
            )
        if y is not None and not np.isin(y, classes).all():
            extra = np.setdiff1d(y, classes)
            raise ValueError(
                f"y holds labels that are not in `classes`: {extra.tolist()[:10]}; "
                f"`classes` are {classes.tolist()}."
            )
        return classes

    def _resolve_class_balance(self, n_classes):
        if self.class_balance is None:
            return np.full(n_classes, 1 / n_classes)
        balance = column_or_1d(np.asarray(self.class_balance, dtype=np.float64))
        if len(balance) != n_classes:
            raise ValueError(
                f"`class_balance` has {len(balance)} entries, but there are "
                f"{n_classes} classes: {self.classes_.tolist()}."
            )
        if not (balance > 0).all() or abs(balance.sum() - 1) > 1e-6:
            raise ValueError(
                "`class_balance` must be positive and sum to 1; got "
                f"{balance.tolist()}, sum {balance.sum():g}."
            )
        return balance / balance.sum()

    def _warn_if_collapsed(self, posterior, weights, prior):
        """Compare predicted shares with the balance that was assumed before."""
        shares = predicted_shares(posterior, weights)
        lost = np.flatnonzero(shares < np.minimum(_COLLAPSE_SHARE, prior / 2))
        if weights.sum() > 0 and lost.size:
            named = ", ".join(f"{self.classes_[k]!r}: {shares[k]:.2%}" for k in lost)
            warnings.warn(
                f"{type(self).__name__} predicts hardly any of the covered rows to be "
                f"of a class ({named}). Check that functions vote for it, or pass "
                "`class_balance`.",
                ClassCollapseWarning,
                stacklevel=5,
            )


def _check_votes(X) -> None:
    """Raise unless every vote is an integer."""
    if X.dtype.kind == "f":
        fractional = np.count_nonzero(X != np.rint(X))
        if fractional:
            raise ValueError(
                "Votes must be integers: -1 for an abstention, k for class number k; "
                f"{fractional} of {X.size} values are not, for instance "
                f"{X[X != np.rint(X)][0]:g}."
            )
