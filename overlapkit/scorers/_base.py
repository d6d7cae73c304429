"""BaseScorer: the base class of scorers of this package and of a user's."""

from abc import ABCMeta, abstractmethod

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from overlapkit._utils.base import LinkedEstimator
from overlapkit._utils.dask_arrays import by_chunk
from overlapkit._utils.sklearn_compat import _fit_context
from overlapkit.scorers._protocol import check_scores, check_support
from overlapkit.weak._labeler import LABELER_CONSTRAINTS, WeakLabeler
from overlapkit.weak._model import weak_model_kind

__all__ = ["BaseScorer"]


class BaseScorer(LinkedEstimator, metaclass=ABCMeta):
    """Base class of scorers: the higher a row's score, the more worth training on.

    A scorer of your own needs two methods, `_fit_rows` and `_score_rows`, both of
    which are given a :class:`~overlapkit.weak.WeakRows`. It can then be fitted on X
    and y, or be the ``selector`` of :class:`~overlapkit.WeakToStrongClassifier`,
    which hands it the rows that it has labelled already. The methods are called with
    checked rows; the scores they give are checked by the caller.

    Constructor parameters that it shares with :class:`~overlapkit.OverlapDetector`
    (`weak_estimator`, `strong_columns`, `weak_columns`, `classes`, `missing_label`,
    `cv`, `n_jobs`, `random_state`) are optional: where one is missing, its default
    holds.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Score of each row of ``fit``; minus infinity for rows that are not covered.
    support_ : ndarray of shape (n_samples,) of bool or None
        Rows that the scorer's own threshold keeps; None: it has no threshold.
    classes_ : ndarray of shape (n_classes,)
        The classes.

    Notes
    -----
    Rows of `fit_rows` belong to their owner, and so do their weak labels: parameters
    that say how rows are labelled are refused there. `n_jobs` is taken from the owner
    where it is None. `random_state` seeds what the scorer itself draws; None: the seed
    of the rows. Scores are finite, or minus infinity for rows never to be kept.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.scorers import BaseScorer
    >>> class Typical(BaseScorer):
    ...     "Rows near the mean of their weak class."
    ...
    ...     def _fit_rows(self, rows):
    ...         self.means_ = np.array(
    ...             [rows.strong[rows.codes == k].mean(0) for k in range(2)]
    ...         )
    ...         self.scores_, self.support_ = self._score_rows(rows), None
    ...
    ...     def _score_rows(self, rows):
    ...         return -np.linalg.norm(rows.strong - self.means_[rows.codes], axis=1)
    >>> X = np.array([[0.0, 1], [0, 2], [5, 0], [9, 0]])
    >>> Typical().fit(X, [0, 0, 1, 1]).scores_.shape
    (4,)
    """

    _parameter_constraints: dict = LABELER_CONSTRAINTS

    # parameters that only say how rows are labelled, and the values that leave it open
    _labeling: dict = {
        "weak_estimator": None,
        "strong_columns": None,
        "weak_columns": None,
        "classes": None,
        "missing_label": None,
        "cv": 5,
    }

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Label the rows of X and score them.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, side by side.
        y : array-like of shape (n_samples,), default=None
            Labels the weak model learns from; `missing_label` where unknown. Not
            needed when the weak model needs none.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        params = self.get_params(deep=False)
        labeler = WeakLabeler(
            **{name: params[name] for name in LABELER_CONSTRAINTS if name in params}
        )
        rows, _ = labeler.fit_label(X, y)
        return self._fit_labeled(rows, labeler)

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_rows(self, rows, *, labeler=None):
        """Score rows that are labelled already.

        Parameters
        ----------
        rows : WeakRows
            The rows.
        labeler : WeakLabeler, default=None
            What labelled them, to label new rows for :meth:`score_samples`. None: new
            rows are scored by :meth:`score_rows` only.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter is set that says how rows are labelled.
        """
        given = [
            name
            for name, value in self.get_params(deep=False).items()
            if name in self._labeling and not _is(value, self._labeling[name])
        ]
        if given:
            raise ValueError(
                f"{type(self).__name__} is given rows that are labelled already, so "
                f"its {', '.join(given)} cannot be honoured: leave it unset here, and "
                "set it on the estimator that labels the rows."
            )
        return self._fit_labeled(rows, labeler)

    def _fit_labeled(self, rows, labeler):
        """Fit on rows, whoever labelled them."""
        if not rows.covered.any():
            raise ValueError(
                f"None of the {len(rows)} rows is covered, so there is no weak label "
                f"that {type(self).__name__} could be fitted on."
            )
        self._labeler = labeler
        for name in ("n_features_in_", "feature_names_in_", "weak_estimator_"):
            vars(self).pop(name, None)
            if hasattr(labeler, name):
                setattr(self, name, getattr(labeler, name))
        self.classes_, self.support_ = rows.classes, None
        self._fit_rows(rows)
        self.scores_ = check_scores(self.scores_, rows, self)
        self.support_ = check_support(self.support_, rows, self)
        return self

    @by_chunk(np.float64)
    def score_samples(self, X):
        """Score rows; higher means more worth training on.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, side by side, as in fit.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            One score per row; minus infinity for rows that are not covered.
        """
        return self.score_rows(self._label(X))

    def score_rows(self, rows):
        """Score rows that are labelled already.

        Parameters
        ----------
        rows : WeakRows
            New rows, with the classes of ``fit``.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            One score per row; minus infinity for rows that are not covered.

        Raises
        ------
        ValueError
            If the rows have other classes.
        """
        check_is_fitted(self, "classes_")
        if not np.array_equal(rows.classes, self.classes_):
            raise ValueError(
                f"The rows have the classes {rows.classes.tolist()[:10]}, but this "
                f"{type(self).__name__} was fitted on rows of the classes "
                f"{self.classes_.tolist()[:10]}: label new rows with the same weak "
                "model."
            )
        return check_scores(self._score_rows(rows), rows, self)

    def _label(self, X):
        """New rows, labelled by what labelled the rows of fit."""
        check_is_fitted(self, "classes_")
        if self._labeler is None:
            raise ValueError(
                f"This {type(self).__name__} was fitted on labelled rows without the "
                "labeler that labels new ones: use score_rows, or pass labeler= to "
                "fit_rows."
            )
        return self._labeler.label(X)

    def _seed_of(self, rows):
        """Seed of what this scorer draws: its own, or else that of the rows."""
        random_state = self.get_params(deep=False).get("random_state")
        if random_state is None:
            return rows.seed
        return int(check_random_state(random_state).randint(2**31 - 1))

    @abstractmethod
    def _fit_rows(self, rows):
        """Set `scores_` and, for a scorer with a threshold, `support_`."""

    @abstractmethod
    def _score_rows(self, rows):
        """Return scores of WeakRows that were not seen in fit."""

    def __sklearn_tags__(self):
        """Y is needed when the weak model learns from labels."""
        tags = super().__sklearn_tags__()
        kind = weak_model_kind(getattr(self, "weak_estimator", None))
        tags.target_tags.required = kind == "classifier"
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        return tags


def _is(value, default) -> bool:
    return value is default or (isinstance(value, int) and value == default)
