"""From X and known labels to weakly labelled rows."""

from functools import cached_property
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state

from overlapkit._utils.base import LinkedEstimator
from overlapkit._utils.checks import check_consistent_length
from overlapkit._utils.dask_arrays import is_chunked, is_dask
from overlapkit._utils.estimators import align_columns
from overlapkit._utils.labels import (
    MISSING_LABEL,
    check_common_labels,
    check_labels,
    known_labels,
)
from overlapkit._utils.memory_map import in_memory, read_narrow, take_rows
from overlapkit._utils.sklearn_compat import (
    HasMethods,
    StrOptions,
    _fit_context,
    _num_samples,
    _safe_indexing,
)
from overlapkit._utils.threads import N_JOBS
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import (
    MissingLabelWarning,
    SimilarViewsWarning,
    UncoveredRowsWarning,
    WeakLabelWarning,
)
from overlapkit.weak._confidence import given_probabilities
from overlapkit.weak._model import (
    by_blocks,
    classes_of_columns,
    fit_classifier,
    fit_label_model,
    fit_with_labels,
    label_model_in,
    learns_from_labels,
    weak_model_kind,
)
from overlapkit.weak._rows import KnownLabels, WeakRows
from overlapkit.weak._views import (
    check_features,
    naming_columns,
    resolve_columns,
    select_columns,
    view_alignment,
)

__all__ = ["LABELER_CONSTRAINTS", "WeakLabeler", "sample_rows"]

# of the parameters by which an estimator says how rows are labelled
LABELER_CONSTRAINTS: dict = {
    "weak_estimator": [
        HasMethods(["fit", "predict_proba"]),
        StrOptions({"precomputed"}),
        None,
    ],
    "strong_columns": "no_validation",
    "weak_columns": "no_validation",
    "classes": ["array-like", None],
    "missing_label": MISSING_LABEL,
    "cv": ["cv_object"],
    "n_jobs": N_JOBS,
    "random_state": ["random_state"],
}

# so many labelled rows can show that weak labels are worse than a guess
_FEW_LABELS = 10
_TIED = 1e-9  # confidence below which no class is more probable than another
_ALIGNMENT_ROWS = 1000  # rows to compare the views on
_GIVEN = "weak_columns (precomputed)"


class WeakLabeler(LinkedEstimator):
    """Label rows with a weak model of any kind.

    It splits X into the columns of the weak and of the strong model, fits the weak
    model, and labels every row without showing it its own label: rows whose label is
    known get out-of-fold probabilities, other rows those of the model fitted on all
    known labels. Fitted models, given probabilities, and label models that are given no
    `missing_label` of their own, see no label, so their probabilities are used as they
    are.

    Detectors, scorers and classifiers of this package own one each. Use it to make
    :class:`WeakRows` for a scorer, reward or experiment of your own.

    Parameters
    ----------
    weak_estimator : estimator, "precomputed" or None, default=None
        The weak model, as in :class:`~overlapkit.OverlapDetector`.
    strong_columns, weak_columns : selector, default=None
        The columns each model sees: whatever
        :class:`~sklearn.compose.ColumnTransformer` takes. None: all columns.
    classes : array-like of shape (n_classes,), default=None
        Names of the probability columns, in their order, with
        ``weak_estimator="precomputed"``; with a label model, the sorted labels that
        the votes 0, 1, ... stand for. None: the labels of y say so.
    missing_label : scalar, default=None
        What stands in y for "label unknown". None: every label is known.
    cv : int, splitter or iterable, default=5
        Folds of the out-of-fold probabilities.
    n_jobs : int, default=None
        Folds fitted at once.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds and breaks ties of weak labels.

    Attributes
    ----------
    weak_estimator_ : estimator or None
        The weak model fitted on all known labels; None: precomputed.
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    alignment_ : float
        How much the views see the same, from 0 (nothing) to 1 (all): the debiased
        centred kernel alignment of their standardised columns. 1 if neither
        `strong_columns` nor `weak_columns` is given, NaN where the views cannot be
        compared or the weak columns are probabilities.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it has names.

    Examples
    --------
    >>> from overlapkit.datasets import make_overlap_classification
    >>> from overlapkit.weak import WeakLabeler
    >>> data = make_overlap_classification(n_easy=100, n_hard=100, random_state=0)
    >>> labeler = WeakLabeler(weak_columns=data.easy_columns, random_state=0)
    >>> rows, known = labeler.fit_label(data.X, data.y)
    >>> bool((rows.labels == data.y).mean() > 0.6)
    True
    >>> len(labeler.label(data.X[:5]))
    5
    """

    _parameter_constraints: dict = LABELER_CONSTRAINTS

    def __init__(
        self,
        weak_estimator: Any = None,
        *,
        strong_columns: Any = None,
        weak_columns: Any = None,
        classes: Any = None,
        missing_label: Any = None,
        cv: Any = 5,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.weak_estimator = weak_estimator
        self.strong_columns = strong_columns
        self.weak_columns = weak_columns
        self.classes = classes
        self.missing_label = missing_label
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_label(
        self, X, y=None, *, groups=None, **fit_params
    ) -> tuple[WeakRows, KnownLabels]:
        """Fit the weak model and label the rows of X.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, side by side.
        y : array-like of shape (n_samples,), default=None
            Labels the weak model learns from; `missing_label` where unknown.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are held out together; with an integer `cv`, in stratified
            folds of groups.
        **fit_params : dict
            Passed to the weak model's ``fit``; of arrays with an entry per row, those
            of the rows it is fitted on.

        Returns
        -------
        rows : WeakRows
            The strong view with its weak labels.
        known : KnownLabels
            The labels that y holds.

        Raises
        ------
        ValueError
            If y is missing where the weak model needs it, holds a single class or
            labels that are not the weak model's, or a column does not exist.
        """
        X = check_features(self, X, reset=True)
        if is_dask(y):
            y = y.compute()
        if y is not None:
            check_consistent_length(X=X, y=y)
            y = check_labels(y, self.missing_label)
        if groups is not None:
            check_consistent_length(X=X, groups=groups)
        known = KnownLabels(*known_labels(y, self.missing_label, _num_samples(X)))
        if self.missing_label is not None and len(known) == _num_samples(X):
            warn(
                f"missing_label={self.missing_label!r} is given, but no label in y is "
                "that, so every label counts as known. A meta-estimator that encodes y "
                "may have replaced it.",
                MissingLabelWarning,
            )
        self._strong = resolve_columns(X, self.strong_columns, name="strong_columns")
        self._weak = resolve_columns(X, self.weak_columns, name="weak_columns")
        self._warn_if_strong_view_holds_answers(X)
        # one draw, whatever follows: folds and ties depend on it
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        X_weak = self._weak_view(X)
        with naming_columns(X_weak, "weak view"):
            proba, classes, covered = self._fit_weak_model(
                X, X_weak, known, fit_params, groups
            )
        self.classes_ = self._all_classes(classes, known)
        rows = self._as_rows(X, X_weak, proba, classes, covered)
        if not rows.covered.any():
            if self.weak_estimator_ is None:
                raise ValueError(
                    f"{_GIVEN} is NaN in all {len(rows)} rows, so there is no weak "
                    "label to learn from: give class probabilities for some rows."
                )
            raise ValueError(
                f"None of the {len(rows)} rows has a vote, so there is no weak label "
                "to learn from. Are votes -1 for 'no vote' and 0, 1, ... for classes?"
            )
        self._sample_views(rows, X)
        self._warn_about(rows, known)
        return rows, known

    def label(self, X) -> WeakRows:
        """Label new rows with the fitted weak model.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, as in fit.

        Returns
        -------
        rows : WeakRows
            The strong view with its weak labels.

        Raises
        ------
        ValueError
            If X has other columns than in fit, or probabilities are none.
        """
        self._check_is_fitted()
        X = check_features(self, X, reset=False)
        X_weak = self._weak_view(X)
        model, covered = self.weak_estimator_, None
        if model is None:
            proba, covered = given_probabilities(X_weak, name=_GIVEN)
            classes = self._column_classes
            if proba.shape[1] != len(classes):
                raise ValueError(
                    f"Expected {len(classes)} columns of class probabilities, got "
                    f"{proba.shape[1]}."
                )
        else:
            with naming_columns(X_weak, "weak view"):
                proba, classes = by_blocks(model.predict_proba, X_weak), model.classes_
        return self._as_rows(X, X_weak, proba, classes, covered)

    def strong(self, X) -> Any:
        """Strong view of X, which may be a dataframe that lacks weak columns.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            As in fit.

        Returns
        -------
        strong : array or dataframe of shape (n_samples, n_strong_features)
            The strong columns.
        """
        self._check_is_fitted()
        names = getattr(self, "feature_names_in_", None)
        if names is not None and self._strong is not None and hasattr(X, "columns"):
            strong = [str(name) for name in names[self._strong]]
            present = set(X.columns)
            if set(strong) <= present and not set(names) <= present:
                return _safe_indexing(X, strong, axis=1)
        return select_columns(check_features(self, X, reset=False), self._strong)

    def _check_is_fitted(self) -> None:
        # scikit-learn's check wants a method named fit
        if not hasattr(self, "classes_"):
            raise NotFittedError(
                f"This {type(self).__name__} is not fitted yet: call fit_label first."
            )

    @property
    def splits_views(self) -> bool:
        """Whether one of the models sees some of the columns only."""
        return self._strong is not None or self._weak is not None

    def _weak_view(self, X):
        """What the weak model sees of X, in memory."""
        if not is_chunked(X):
            return read_narrow(select_columns(X, self._weak))
        if self._weak is None:
            raise ValueError(
                "weak_columns=None would gather all columns of a dask array in this "
                "process: the weak model is fitted here. Select the columns that it "
                "needs, such as probabilities with weak_estimator='precomputed'."
            )
        return select_columns(X, self._weak).gather()

    def _fit_weak_model(self, X, X_weak, known, fit_params, groups):
        """Set `weak_estimator_`; return probabilities and the classes of its columns.

        Returns
        -------
        proba : array-like of shape (n_samples, n_columns)
        classes : ndarray of shape (n_columns,)
        covered : ndarray of shape (n_samples,) of bool, or None
            Rows with given probabilities; None: all, or the label model says so.
        """
        kind, covered = weak_model_kind(self.weak_estimator), None
        self._column_classes = None
        if self.classes is not None and kind in ("classifier", "prefit"):
            raise ValueError(
                "classes names the columns of precomputed probabilities or the votes "
                "of a label model, but this weak model has classes of its own: leave "
                "classes=None."
            )
        if fit_params and kind != "classifier":
            raise TypeError(
                f"This weak model learns from no labels, so {', '.join(fit_params)} "
                "cannot be passed on to it."
            )

        def others(some):
            if not self.splits_views:
                return []
            if is_chunked(X):
                return [select_columns(X[known.rows[some]], self._strong)]
            return [take_rows(select_columns(X, self._strong), known.rows[some])]

        if kind == "classifier":
            self.weak_estimator_, proba, classes = fit_classifier(
                self.weak_estimator,
                X_weak,
                known.known,
                known.labels,
                self.cv,
                self.n_jobs,
                self._seed,
                fit_params,
                groups,
                others,
            )
        elif kind == "precomputed":
            self.weak_estimator_ = None
            proba, covered = given_probabilities(X_weak, name=_GIVEN)
            classes = classes_of_columns(self.classes, known.labels, proba.shape[1])
            self._column_classes = classes
        else:
            self.weak_estimator_ = self.weak_estimator
            if kind == "votes" and learns_from_labels(self.weak_estimator):
                self.weak_estimator_, proba = fit_with_labels(
                    self.weak_estimator,
                    X_weak,
                    known.known,
                    known.labels,
                    names=self.classes,
                    cv=self.cv,
                    n_jobs=self.n_jobs,
                    seed=self._seed,
                    groups=groups,
                    others=others,
                )
                return proba, np.asarray(self.weak_estimator_.classes_), None
            if kind == "votes":
                self.weak_estimator_ = fit_label_model(
                    self.weak_estimator, X_weak, known.known, known.labels, self.classes
                )
            proba = by_blocks(self.weak_estimator_.predict_proba, X_weak)
            classes = self.weak_estimator_.classes_
        return proba, np.asarray(classes), covered

    def _all_classes(self, classes, known) -> np.ndarray:
        """Classes of the weak model and of the known labels, sorted."""
        if len(known):
            check_common_labels(
                classes,
                known.labels,
                "The weak model knows the classes {first}, y holds {second}",
            )
            classes = np.union1d(classes, known.labels)
        return np.unique(classes)

    def _as_rows(self, X, X_weak, proba, classes, covered) -> WeakRows:
        n_samples = _num_samples(X)
        if np.ndim(proba) != 2 or len(proba) != n_samples:
            raise ValueError(
                f"The weak model {type(self.weak_estimator_).__name__} returned "
                f"probabilities of shape {np.shape(proba)} for {n_samples} rows: one "
                "row of class probabilities for each is needed. A single column must "
                "be selected as a list, weak_columns=['text'], unless the weak model "
                "takes one-dimensional input."
            )
        voting, votes_in = label_model_in(self.weak_estimator_, X_weak)
        votes = None
        if voting is not None:
            covered = voting.covered(votes_in)
            if hasattr(voting, "codes"):
                # its own classes may be fewer than all
                position = np.append(np.searchsorted(self.classes_, classes), -1)
                votes = position[voting.codes(votes_in)]
        return WeakRows.from_proba(
            select_columns(X, self._strong),
            align_columns(proba, classes, self.classes_),
            self.classes_,
            covered=covered,
            votes=votes,
            seed=self._seed,
        )

    def _sample_views(self, rows, X) -> None:
        """Keep some rows of both views, to compare them if somebody asks."""
        self._sampled = None
        self.__dict__.pop("alignment_", None)  # cached by an earlier fit
        if weak_model_kind(self.weak_estimator) == "precomputed":
            return
        positions = np.flatnonzero(rows.covered)
        if len(positions) > _ALIGNMENT_ROWS:
            rng = np.random.RandomState(self._seed)
            drawn = rng.choice(len(positions), _ALIGNMENT_ROWS, replace=False)
            positions = positions[np.sort(drawn)]
        if is_chunked(X):
            if self.splits_views:
                views = (self._strong, self._weak)
                some = X[positions]
                self._sampled = tuple(select_columns(some, view) for view in views)
            return
        weak = select_columns(_safe_indexing(X, positions), self._weak)
        self._sampled = (
            take_rows(rows.strong, positions),
            in_memory(weak),
        )

    @cached_property
    def alignment_(self) -> float:
        """How much the views see the same; NaN where they cannot be compared."""
        if not self.splits_views:
            return 1.0
        if self._sampled is None:
            return np.nan
        return view_alignment(*self._sampled)

    def __getstate__(self):
        """Without the sampled rows: they are data, not something learnt."""
        return super().__getstate__() | {"_sampled": None}

    def _warn_if_strong_view_holds_answers(self, X) -> None:
        """Votes and probabilities are the weak labels, not a view of the row."""
        kind = weak_model_kind(self.weak_estimator)
        if kind == "prefit":
            kind = weak_model_kind(self.weak_estimator.estimator)
        if kind not in ("votes", "precomputed") or self._weak is None:
            return
        strong = np.arange(X.shape[1]) if self._strong is None else self._strong
        if np.isin(self._weak, strong).any():
            what = "votes" if kind == "votes" else "probabilities"
            warn(
                f"strong_columns includes the {what} that the weak labels come from. "
                "Similarities and the strong model would then depend on them: leave "
                "them out of strong_columns.",
                SimilarViewsWarning,
            )

    def _warn_about(self, rows, known) -> None:
        """Warn if the weak labels carry no information, or contradict known labels."""
        covered = rows.covered
        kind = weak_model_kind(self.weak_estimator)
        if not covered.all():
            what = "probabilities" if kind == "precomputed" else "vote"
            warn(
                f"{(~covered).sum()} of {len(rows)} rows ({(~covered).mean():.1%}) "
                f"have no {what}, hence no weak label: they are left out of "
                "thresholds, selection and training.",
                UncoveredRowsWarning,
            )
        # label models raise one of several tied classes by the smallest step
        if len(rows.classes) > 1 and rows.confidence().max() < _TIED:
            warn(
                f"The weak model is undecided about each of the {len(rows)} rows: "
                "among equally probable classes its labels are drawn at random.",
                WeakLabelWarning,
            )
        if kind == "classifier":
            return
        judged = covered[known.known]
        if judged.sum() < _FEW_LABELS or len(rows.classes) < 2:
            return
        right = rows.labels[known.known][judged] == known.labels[judged]
        guessing = 1 / len(rows.classes)
        error = np.sqrt(guessing * (1 - guessing) / judged.sum())
        if right.mean() < guessing - 3 * error:
            warn(
                f"The weak labels are right in {right.mean():.1%} of the "
                f"{judged.sum()} rows whose label is known, less often than a guess "
                f"({guessing:.1%}). Check that vote code k, or probability column k, "
                f"means class k of {rows.classes.tolist()[:10]}.",
                WeakLabelWarning,
            )


def sample_rows(positions, size, rows, seed) -> np.ndarray:
    """At most `size` of the positions, the same rows in whatever order they come."""
    if size is None or len(positions) <= size:
        return positions
    # a seeded hash of what the row holds decides, not its position
    drawn = np.argsort(rows.hash_of(positions, seed), kind="stable")[:size]
    return positions[np.sort(drawn)]
