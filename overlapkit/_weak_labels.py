"""From a weak model to weak probabilities, labels and confidences (pure functions)."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any, Literal

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator

from overlapkit._kernels.ties import break_ties, hash_rows
from overlapkit._labels import check_common_labels, known_labels, names_of_codes
from overlapkit._memory_map import read_rows
from overlapkit._sklearn_compat import _routing_enabled, _safe_indexing, get_tags
from overlapkit._weak_confidence import check_probabilities, weak_confidence
from overlapkit.exceptions import WeakLabelWarning

__all__ = [
    "WeakLabels",
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
    if not is_classifier(weak_estimator):
        return "classifier"
    needs_y = get_tags(_innermost(weak_estimator)).target_tags.required
    return "classifier" if needs_y else "votes"


def _innermost(estimator):
    """What a pipeline ends in and a search looks for: their own tags never need y."""
    while True:
        if hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "_run_search"):
            estimator = estimator.estimator
        else:
            return estimator


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
    known, y_known = known_labels(y, missing_label, _n_rows(X_weak))
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
    all_classes = np.asarray(classes)
    if known.any():
        check_common_labels(
            classes,
            y_known,
            "The weak model knows the classes {first}, y holds {second}",
        )
        all_classes = np.union1d(classes, y_known)
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
    """Fit on the votes; known labels only tell which class a code stands for."""
    model = clone(weak_estimator)
    if "classes" not in model.get_params(deep=False):
        return model.fit(votes, y_known) if known.all() else model.fit(votes)
    if len(y_known) and model.classes is None:
        if _are_codes(y_known):
            _check_codes(votes, y_known)
        else:
            model.set_params(classes=names_of_codes(votes, y_known))
    elif len(y_known):
        extra = np.setdiff1d(y_known, np.asarray(model.classes)).tolist()
        if extra:
            raise ValueError(
                f"y holds labels that are not in `classes` of {type(model).__name__}: "
                f"{extra[:10]}; `classes` are {list(model.classes)}."
            )
    return model.fit(votes)


def _are_codes(labels) -> bool:
    if labels.dtype.kind not in "iuf":
        return False
    return labels.min() >= 0 and bool((labels == np.rint(labels)).all())


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

    None, with a WeakLabelWarning, when all classes but one have a single row.
    """
    from sklearn.model_selection import cross_val_predict

    folds = _folds(cv, y, seed)
    if folds is None:
        return None
    with warnings.catch_warnings():
        # said by name above
        warnings.filterwarnings("ignore", "The least populated class in y")
        warnings.filterwarnings("ignore", "Number of classes in (training )?fold")
        return cross_val_predict(
            estimator,
            X,
            y,
            cv=folds,
            n_jobs=n_jobs,
            params=params,
            method="predict_proba",
        )


def _folds(cv, y, seed):
    """Folds in which every training part holds two classes; None if there are none."""
    from sklearn.model_selection import StratifiedKFold, check_cv

    if not isinstance(cv, Integral):
        return check_cv(cv, y, classifier=True)
    classes, counts = np.unique(y, return_counts=True)
    # rows of a rare class may lack it in training; all others need not suffer for it
    n_splits = min(cv, np.partition(counts, -2)[-2])
    alone = classes[counts == 1].tolist()
    if n_splits < 2:
        warnings.warn(
            f"No fold can be held out: of the classes {classes.tolist()[:10]} all but "
            "one have a single labelled row. Probabilities are in-sample and "
            "overconfident.",
            WeakLabelWarning,
            stacklevel=2,
        )
        return None
    if alone:
        warnings.warn(
            f"The classes {alone[:10]} have a single labelled row each, which is "
            "labelled by a model that never saw its class.",
            WeakLabelWarning,
            stacklevel=2,
        )
    return StratifiedKFold(n_splits, shuffle=True, random_state=seed)
