"""Fitting a weak model of any kind, out of fold where it learns from labels."""

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator

from overlapkit._labels import names_of_codes
from overlapkit._sklearn_compat import _routing_enabled, _safe_indexing, get_tags
from overlapkit.exceptions import WeakLabelWarning

__all__ = [
    "fit_classifier",
    "fit_label_model",
    "out_of_fold_proba",
    "weak_model_kind",
]


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


def fit_label_model(weak_estimator, votes, known, y_known) -> Any:
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


def fit_classifier(
    weak_estimator, X, known, y_known, cv, n_jobs, seed, fit_params
) -> tuple[Any, np.ndarray, np.ndarray]:
    """The model, the probabilities of every row, and the classes."""
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
