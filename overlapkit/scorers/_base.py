"""What every estimator with a strong and a weak view does before its own work."""

import warnings
from abc import abstractmethod
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from overlapkit._utils.memory_map import is_mapped, read_narrow, row_blocks
from overlapkit._utils.sklearn_compat import (
    HasMethods,
    StrOptions,
    _fit_context,
    get_tags,
)
from overlapkit.exceptions import SimilarViewsWarning
from overlapkit.weak._labels import check_labels
from overlapkit.weak._model import weak_model_kind
from overlapkit.weak._rows import (
    WeakLabels,
    weak_labels,
    weak_probabilities,
)
from overlapkit.weak._views import (
    check_features,
    is_dataframe,
    resolve_columns,
    select_columns,
)

__all__ = ["BaseWeakScorer", "TwoViewMixin"]

_SHARED = (
    "n_features_in_",
    "feature_names_in_",
    "weak_estimator_",
    "classes_",
    "_seed",
    "_strong_indices",
    "_weak_indices",
)
FLOATS = (np.float64, np.float32, np.float16)


class TwoViewMixin:
    """Views, weak model and weak labels, shared by detector, scorers and classifier.

    Expects the parameters `strong_columns`, `weak_columns`, `weak_estimator`, `cv`,
    `missing_label`, `n_jobs` and `random_state`.
    """

    _two_view_constraints = {
        "weak_estimator": [
            HasMethods(["fit", "predict_proba"]),
            StrOptions({"precomputed"}),
            None,
        ],
        "strong_columns": "no_validation",
        "weak_columns": "no_validation",
        "cv": ["cv_object"],
        "missing_label": "no_validation",
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def _fit_views(self, X, y, fit_params=None):
        """Check X and y, resolve the views, fit the weak model, label the rows.

        Returns the strong view, the weak labels and the mask of known labels.
        """
        X = check_features(self, X, reset=True)
        if y is not None:
            check_consistent_length(X, y)
            y = check_labels(y, self.missing_label)
        self._strong_indices = resolve_columns(
            X, self.strong_columns, name="strong_columns"
        )
        self._weak_indices = resolve_columns(X, self.weak_columns, name="weak_columns")
        self._warn_if_student_sees_votes(X)
        strong = select_columns(X, self._strong_indices)
        # one draw, whatever follows: folds and ties depend on it
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        model, weak, known = weak_labels(
            self.weak_estimator,
            read_narrow(select_columns(X, self._weak_indices)),
            y,
            missing_label=self.missing_label,
            cv=self.cv,
            n_jobs=self.n_jobs,
            seed=self._seed,
            content=as_content(strong),
            fit_params=fit_params,
        )
        self.weak_estimator_ = model
        self.classes_ = weak.classes
        return strong, weak, known

    def _warn_if_student_sees_votes(self, X):
        """Votes and probabilities are the teacher's answers, not a view of the row."""
        kind = weak_model_kind(self.weak_estimator)
        if kind == "prefit":
            kind = weak_model_kind(self.weak_estimator.estimator)
        if kind not in ("votes", "precomputed") or self._weak_indices is None:
            return
        strong = self._strong_indices
        if strong is None:
            strong = np.arange(X.shape[1])
        if np.isin(self._weak_indices, strong).any():
            what = "votes" if kind == "votes" else "probabilities"
            warnings.warn(
                f"The strong view holds {what} that the weak labels come from: "
                "rows look alike, and a strong model predicts, by the teacher's own "
                "answers. Leave them out of strong_columns.",
                SimilarViewsWarning,
                stacklevel=4,
            )

    def _new_views(self, X):
        """Strong view of new rows, and the weak labels the fitted weak model gives."""
        check_is_fitted(self)
        X = check_features(self, X, reset=False)
        strong = select_columns(X, self._strong_indices)
        weak = read_narrow(select_columns(X, self._weak_indices))
        proba, covered = weak_probabilities(self.weak_estimator_, weak, self.classes_)
        return strong, WeakLabels(
            proba, self.classes_, covered, self._seed, as_content(strong)
        )

    def __sklearn_tags__(self):
        """Y is needed when the weak model learns from labels."""
        tags = super().__sklearn_tags__()
        kind = weak_model_kind(self.weak_estimator)
        tags.target_tags.required = kind == "classifier"
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        return tags


class BaseWeakScorer(TwoViewMixin, BaseEstimator):
    """A score per row of weakly labelled data: the higher, the more worth keeping.

    Subclasses implement `_fit_scores`, which sets ``scores_`` (one score per training
    row) and ``keep_`` (a mask, or None for a score without a threshold of its own),
    and `_score`, which scores rows not seen in fit.
    """

    _parameter_constraints: dict = TwoViewMixin._two_view_constraints

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Score the rows of X.

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
        if y is None and get_tags(self).target_tags.required:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but "
                "the target y is None: its weak model learns from labels."
            )
        strong, weak, _ = self._fit_views(X, y)
        self._fit_scores(strong, weak)
        return self

    def score_samples(self, X):
        """Score rows; higher means more worth keeping.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, side by side, as in fit.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            One score per row.
        """
        return self._score(*self._new_views(X))

    def _fit_shared(self, owner, strong, weak):
        """Fit on the views and weak labels of another estimator instead of X and y."""
        own = [
            name
            for name in ("weak_estimator", "strong_columns", "weak_columns")
            if getattr(self, name) is not None
        ]
        if own:
            raise ValueError(
                f"The selector {type(self).__name__} is handed the views and the weak "
                f"labels of {type(owner).__name__}; leave its {', '.join(own)} unset."
            )
        self._validate_params()
        for name in _SHARED:
            if hasattr(owner, name):
                setattr(self, name, getattr(owner, name))
        self._fit_scores(strong, weak)

    @abstractmethod
    def _fit_scores(self, strong, weak):
        """Set `scores_` and `keep_`."""

    @abstractmethod
    def _score(self, strong, weak):
        """Scores of rows not seen in fit."""


def as_content(strong):
    """What a row is told apart by when its classes tie; None if it has no numbers."""
    if not is_dataframe(strong):
        return strong
    columns = [np.asarray(strong[name]) for name in strong.columns]
    numbers = [c for c in columns if c.ndim == 1 and c.dtype.kind in "biuf"]
    return np.column_stack(numbers) if numbers else None


def check_strong(strong):
    """Strong view as a finite float matrix of its own precision."""
    name = "X (strong view)"
    if not is_mapped(strong):
        return check_array(strong, dtype=FLOATS, input_name=name)
    strong = check_array(strong, dtype=FLOATS, ensure_all_finite=False, input_name=name)
    # block by block: otherwise the whole map and a mask of its size are in memory
    for start, stop in row_blocks(strong):
        finite = np.isfinite(strong[start:stop]).all(axis=1)
        if not finite.all():
            raise ValueError(
                f"Input {name} contains NaN or infinity in row "
                f"{start + int(np.argmin(finite))}; impute or drop it first."
            )
    return strong
