"""From a weak model to weak probabilities, labels and confidences (pure functions)."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any, Literal

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils.multiclass import check_classification_targets

from overlapkit._kernels.ties import break_ties, hash_rows
from overlapkit._memory_map import read_rows
from overlapkit._sklearn_compat import _routing_enabled, _safe_indexing, get_tags
from overlapkit._weak_confidence import check_probabilities, weak_confidence
from overlapkit.exceptions import WeakLabelWarning

__all__ = [
    "WeakLabels",
    "is_missing",
    "out_of_fold_proba",
    "weak_labels",
    "weak_model_kind",
    "weak_probabilities",
]

# So many rows at a time fit into the cache of a core.
_HASHED_ROWS = 1024


@dataclass(frozen=True)
class WeakLabels:
    """What the weak model says of every row, computed once and indexed after.

    Attributes
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Class probabilities, in the order of `classes`.
    classes : ndarray of shape (n_classes,)
        The classes.
    covered : ndarray of shape (n_samples,) of bool
        False where the weak model had nothing to go on (no function voted).
    seed : int
        Breaks ties between equally probable classes, with the row's content.
    content : ndarray of shape (n_samples, n_columns) or None
        What ties are broken by.
    """

    proba: np.ndarray
    classes: np.ndarray
    covered: np.ndarray
    seed: int = 0
    content: np.ndarray | None = None

    @cached_property
    def codes(self) -> np.ndarray:
        """Position in `classes` of the weak label of each row."""
        return break_ties(self.proba, self._content, self.seed)

    @cached_property
    def row_hash(self) -> np.ndarray:
        """A number per row that depends on what the row holds, not where it stands."""
        return hash_rows(self._content, self.seed)

    def hash_of(self, rows: np.ndarray) -> np.ndarray:
        """The same for some of the rows, in ascending order."""
        blocks = np.array_split(rows, max(1, len(rows) // _HASHED_ROWS))
        content = self._content
        return np.concatenate(
            [hash_rows(read_rows(content, block), self.seed) for block in blocks]
        )

    @property
    def _content(self):
        return self.proba if self.content is None else self.content

    @property
    def labels(self) -> np.ndarray:
        """Weak label of each row."""
        return self.classes[self.codes]

    def confidence(
        self, kind: Literal["margin", "max", "entropy"] = "margin"
    ) -> np.ndarray:
        """Confidence of each row; 0 where nothing was known of it."""
        return np.where(self.covered, weak_confidence(self.proba, kind), 0.0)

    def take(self, rows: Any) -> "WeakLabels":
        """The same for some of the rows."""
        content = None if self.content is None else self.content[rows]
        part = WeakLabels(
            self.proba[rows], self.classes, self.covered[rows], self.seed, content
        )
        part.__dict__["codes"] = self.codes[rows]
        return part


def is_missing(y, missing_label) -> np.ndarray:
    """Which entries of y say "label unknown"; none when `missing_label` is None."""
    y = np.asarray(y)
    if missing_label is None:
        return np.zeros(len(y), dtype=bool)
    if isinstance(missing_label, float) and np.isnan(missing_label):
        if y.dtype.kind == "f":
            return np.isnan(y)
        return np.array([isinstance(v, float) and np.isnan(v) for v in y], dtype=bool)
    return np.asarray(y == missing_label, dtype=bool) & np.ones(len(y), dtype=bool)


def weak_model_kind(weak_estimator) -> str:
    """How weak probabilities are obtained.

    Returns
    -------
    {"classifier", "prefit", "votes", "precomputed"}
        "votes": a classifier that does not require y, that is, a label model.
    """
    if weak_estimator is None:
        return "classifier"
    if isinstance(weak_estimator, str):
        return "precomputed"
    if isinstance(weak_estimator, FrozenEstimator):
        return "prefit"
    if (
        is_classifier(weak_estimator)
        and not get_tags(weak_estimator).target_tags.required
    ):
        return "votes"
    return "classifier"


def weak_labels(
    weak_estimator,
    X_weak,
    y,
    *,
    missing_label=None,
    cv=5,
    n_jobs=None,
    seed=0,
    content=None,
    fit_params=None,
) -> tuple[Any, WeakLabels, np.ndarray]:
    """Fit the weak model and label every row without showing it its own label.

    Rows whose label is known get out-of-fold probabilities, other rows those of the
    model fitted on all known labels. Label models, fitted models and given
    probabilities see no label, so their probabilities are used as they are.

    Parameters
    ----------
    weak_estimator : estimator, "precomputed" or None
        None is logistic regression on standardised columns.
    X_weak : array or dataframe of shape (n_samples, n_weak_columns)
        The weak view.
    y : array-like of shape (n_samples,) or None
        Labels, `missing_label` where unknown.
    missing_label : scalar, default=None
        What stands for an unknown label; None: every label is known.
    cv : int, splitter or iterable, default=5
        Folds for rows with known labels.
    n_jobs : int, default=None
        Folds fitted at once.
    seed : int, default=0
        For shuffled folds and for ties.
    content : ndarray, default=None
        What ties are broken by; the weak probabilities when None.
    fit_params : dict, default=None
        Passed to the weak estimator's ``fit``, arrays of length n_samples.

    Returns
    -------
    model : fitted estimator or None
        None for "precomputed".
    weak : WeakLabels
        Labels for the rows of X_weak.
    known : ndarray of shape (n_samples,) of bool
        Rows whose label is known.
    """
    kind = weak_model_kind(weak_estimator)
    known, y_known = _known_labels(y, missing_label, len_X=_n_rows(X_weak))
    if kind == "classifier":
        model, proba, classes = _fit_classifier(
            weak_estimator, X_weak, known, y_known, cv, n_jobs, seed, fit_params or {}
        )
    elif kind == "votes":
        model = _fit_label_model(weak_estimator, X_weak, known, y_known)
        proba, classes = model.predict_proba(X_weak), model.classes_
    elif kind == "prefit":
        model = weak_estimator
        proba, classes = model.predict_proba(X_weak), model.classes_
    else:
        model = None
        proba = check_probabilities(X_weak, name="weak_columns (precomputed)")
        classes = _classes_of_columns(y_known, proba.shape[1])
    all_classes = np.union1d(classes, y_known) if known.any() else np.asarray(classes)
    proba = align_columns(proba, classes, all_classes)
    weak = WeakLabels(proba, all_classes, _covered(model, X_weak), seed, content)
    if len(all_classes) > 1 and not weak.confidence().any():
        warnings.warn(
            f"The weak model is undecided about each of the {len(proba)} rows: its "
            "labels are drawn by lot among the most probable classes.",
            WeakLabelWarning,
            stacklevel=4,
        )
    return model, weak, known


def weak_probabilities(model, X_weak, classes) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a fitted weak model (None: precomputed) on new rows."""
    if model is None:
        proba = check_probabilities(X_weak, name="weak_columns (precomputed)")
        if proba.shape[1] != len(classes):
            raise ValueError(
                f"Expected {len(classes)} columns of class probabilities, got "
                f"{proba.shape[1]}."
            )
        return proba, np.ones(len(proba), dtype=bool)
    proba = align_columns(model.predict_proba(X_weak), model.classes_, classes)
    return proba, _covered(model, X_weak)


def align_columns(proba, classes, all_classes) -> np.ndarray:
    """Reorder probability columns to `all_classes`, with zeros for absent ones."""
    if len(classes) == len(all_classes):
        return np.asarray(proba, dtype=np.float64)
    out = np.zeros((len(proba), len(all_classes)))
    out[:, np.searchsorted(all_classes, classes)] = proba
    return out


def _n_rows(X) -> int:
    return X.shape[0] if hasattr(X, "shape") else len(X)


def _known_labels(y, missing_label, len_X) -> tuple[np.ndarray, np.ndarray]:
    if y is None:
        return np.zeros(len_X, dtype=bool), np.empty(0)
    y = np.asarray(y)
    known = ~is_missing(y, missing_label)
    y_known = y[known]
    if len(y_known):
        if any(label is None for label in y_known.flat):
            raise ValueError(
                "Input y contains None. Let a value stand for an unknown label and "
                "name it, such as missing_label=-1 or missing_label=''."
            )
        if y_known.dtype.kind == "O":  # a column of labels once missing ones are gone
            y_known = np.array(y_known.tolist())
        check_classification_targets(y_known)
    return known, y_known


def _covered(model, X_weak) -> np.ndarray:
    if hasattr(model, "covered"):  # a label model, frozen or not
        return model.covered(X_weak)
    return np.ones(_n_rows(X_weak), dtype=bool)


def _classes_of_columns(y_known, n_columns) -> np.ndarray:
    if len(y_known) == 0:
        return np.arange(n_columns)
    classes = np.unique(y_known)
    if len(classes) != n_columns:
        raise ValueError(
            "weak_estimator='precomputed' reads one probability column per class, but "
            f"weak_columns selects {n_columns} column(s) and y holds {len(classes)} "
            f"class(es): {classes.tolist()}."
        )
    return classes


def _fit_label_model(weak_estimator, votes, known, y_known) -> Any:
    model = clone(weak_estimator)
    if known.all() and len(y_known):
        return model.fit(votes, y_known)
    integer_codes = len(y_known) == 0 or (
        y_known.dtype.kind in "iu" and y_known.min() >= 0
    )
    if not integer_codes and getattr(model, "classes", None) is None:
        # votes are codes: with some labels known, those name the classes
        model.set_params(classes=np.unique(y_known))
    elif len(y_known) and getattr(model, "classes", None) is None:
        _check_codes(votes, y_known)
    return model.fit(votes)


def _check_codes(votes, y_known) -> None:
    """Refuse labels that may or may not be the codes the votes are in."""
    cast = np.unique(np.asarray(votes))
    cast = cast[cast >= 0]
    if np.setdiff1d(y_known, cast).size and np.setdiff1d(cast, y_known).size:
        raise ValueError(
            f"The votes name classes by the codes {cast.astype(int).tolist()}, the "
            f"known labels are {np.unique(y_known).tolist()}: which is which? Pass "
            "`classes`, the sorted labels that the codes 0, 1, ... stand for, to the "
            "label model."
        )


def _fit_classifier(
    weak_estimator, X, known, y_known, cv, n_jobs, seed, fit_params
) -> tuple[Any, np.ndarray, np.ndarray]:
    if len(y_known) == 0:
        raise ValueError(
            "This weak_estimator requires y to be passed, but the target y is None or "
            "holds no known label. Give labels for some rows, or use a label model, a "
            "FrozenEstimator or weak_estimator='precomputed'."
        )
    classes = np.unique(y_known)
    if len(classes) < 2:
        raise ValueError(
            "The weak model cannot learn: y holds one class only "
            f"({classes.tolist()[0]!r}, in {len(y_known)} labelled rows)."
        )
    if weak_estimator is None:
        weak_estimator, fit_params = _default_weak_estimator(fit_params)
    rows = np.flatnonzero(known)
    everything = len(rows) == len(known)
    X_known = X if everything else _safe_indexing(X, rows)
    params = {
        name: value if value is None or everything else _safe_indexing(value, rows)
        for name, value in fit_params.items()
    }
    model = clone(weak_estimator).fit(X_known, y_known, **params)
    proba = np.empty((len(known), len(classes)))
    if not everything:
        proba[~known] = model.predict_proba(_safe_indexing(X, np.flatnonzero(~known)))
    held_out = out_of_fold_proba(
        weak_estimator, X_known, y_known, cv=cv, n_jobs=n_jobs, seed=seed, params=params
    )
    proba[known] = model.predict_proba(X_known) if held_out is None else held_out
    return model, proba, classes


def _default_weak_estimator(fit_params) -> tuple[Any, dict]:
    """Logistic regression on standardised columns, and its fit parameters.

    A pipeline hands weights on by the names of its steps or, with metadata routing
    on, to the steps that request them.
    """
    # imported late: linear models are most of what importing overlapkit would cost
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaler, logistic = StandardScaler(), LogisticRegression()
    if not fit_params:
        return make_pipeline(scaler, logistic), {}
    if _routing_enabled():
        scaler.set_fit_request(sample_weight=True)
        logistic.set_fit_request(sample_weight=True)
        return make_pipeline(scaler, logistic), fit_params
    weight = fit_params["sample_weight"]
    return make_pipeline(scaler, logistic), {
        "standardscaler__sample_weight": weight,
        "logisticregression__sample_weight": weight,
    }


def out_of_fold_proba(
    estimator, X, y, *, cv, n_jobs=None, seed=0, params=None
) -> np.ndarray | None:
    """Class probabilities of each row by a model that did not see it.

    None, with a WeakLabelWarning, when a class has a single row.
    """
    from sklearn.model_selection import cross_val_predict

    folds = _folds(cv, y, seed)
    if folds is None:
        return None
    return cross_val_predict(
        estimator, X, y, cv=folds, n_jobs=n_jobs, params=params, method="predict_proba"
    )


def _folds(cv, y, seed):
    from sklearn.model_selection import StratifiedKFold, check_cv

    if not isinstance(cv, Integral):
        return check_cv(cv, y, classifier=True)
    smallest = np.unique(y, return_counts=True)[1].min()
    n_splits = min(cv, smallest)
    if n_splits < 2:
        warnings.warn(
            "A class has a single labelled row, which no fold can hold out: its "
            "probabilities are in-sample and overconfident.",
            WeakLabelWarning,
            stacklevel=2,
        )
        return None
    return StratifiedKFold(n_splits, shuffle=True, random_state=seed)
