"""Fitting a weak model of any kind, out of fold where it learns from labels."""

import warnings
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import has_fit_parameter

from overlapkit._kernels.ties import hash_rows
from overlapkit._utils.checks import check_folds
from overlapkit._utils.estimators import align_columns, innermost, rows_of_params
from overlapkit._utils.frames import is_dataframe, needs_encoding, row_content
from overlapkit._utils.jobs import run_jobs
from overlapkit._utils.memory_map import in_memory, is_mapped, read_rows, row_blocks
from overlapkit._utils.sklearn_compat import (
    _routing_enabled,
    _safe_indexing,
    get_tags,
)
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import OverlapkitWarning, WeakLabelWarning

__all__ = [
    "by_blocks",
    "classes_of_columns",
    "content_order",
    "default_linear_model",
    "default_representation",
    "fit_classifier",
    "fit_label_model",
    "fit_with_labels",
    "label_model_in",
    "learns_from_labels",
    "out_of_fold_proba",
    "weak_model_kind",
]

_BLOCK_BYTES = 8 << 20  # rows of a file that are predicted at a time


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
    # a pipeline and a search never say that they need y
    needs_y = get_tags(innermost(weak_estimator).estimator).target_tags.required
    return "classifier" if needs_y else "votes"


def label_model_in(model, X_weak) -> tuple[Any, Any]:
    """The label model in a fitted weak model, and the votes it is given; or None.

    A pipeline transforms what its last step gets; a search and a frozen model hold
    the model they stand for.
    """
    transformers: list = []
    while model is not None and not hasattr(model, "covered"):
        if hasattr(model, "steps"):
            transformers += [step for _, step in model.steps[:-1]]
            model = model.steps[-1][1]
        else:
            model = getattr(model, "best_estimator_", None) or (
                model.estimator if isinstance(model, FrozenEstimator) else None
            )
    if model is None:
        return None, X_weak
    for step in transformers:
        if hasattr(step, "transform"):  # no sampler, and nothing passed through
            X_weak = step.transform(X_weak)
    return model, X_weak


def classes_of_columns(classes, y_known, n_columns) -> np.ndarray:
    """Names of given probability columns, in their order.

    Raises
    ------
    ValueError
        If there is another number of names than of columns.
    """
    if classes is not None:
        classes = np.asarray(classes)
        if classes.shape != (n_columns,):
            raise ValueError(
                f"classes={classes.tolist()} names {classes.size} columns, but "
                f"weak_columns selects {n_columns} probability column(s)."
            )
        return classes
    if len(y_known) == 0:
        return np.arange(n_columns)
    classes = np.unique(y_known)
    if len(classes) != n_columns:
        raise ValueError(
            "weak_estimator='precomputed' reads one probability column per class, but "
            f"weak_columns selects {n_columns} column(s) and y holds {len(classes)} "
            f"class(es): {classes.tolist()}. Name the columns by classes=."
        )
    return classes


def fit_label_model(weak_estimator, votes, known, y_known, names=None) -> Any:
    """Fit on the votes; known labels only tell which class a code stands for.

    Parameters
    ----------
    weak_estimator : label model
        Alone, in a pipeline or in a search.
    votes : array or dataframe of shape (n_samples, n_functions)
        The votes.
    known : ndarray of shape (n_samples,) of bool
        Rows whose label is known.
    y_known : ndarray of shape (n_known,)
        Their labels.
    names : array-like of shape (n_classes,), default=None
        Sorted labels that the codes 0, 1, ... stand for, where the label model itself
        does not say so.

    Returns
    -------
    model : estimator
        The fitted label model.
    """
    model = _named(weak_estimator, names)
    inner, prefix, _ = innermost(model)
    complete = bool(known.all()) and len(y_known) > 0
    params = inner.get_params(deep=False)
    classes = params.get("classes")
    if classes is not None:
        _check_known_classes(y_known, classes, inner)
    if "classes" not in params:  # it says itself what its columns stand for
        model = model.fit(votes, y_known) if complete else model.fit(votes)
        _check_known_classes(y_known, model.classes_, inner)
        return model
    if prefix:
        # what the votes look like at its end is not known here, so a label model in a
        # pipeline or a search gets y, by its own rule
        if len(y_known) and not complete and classes is None:
            raise ValueError(
                f"Some labels are known, and {type(model).__name__} hides the votes: "
                "which label does a code stand for? Pass `classes`, the sorted labels "
                f"of the codes 0, 1, ..., to the {type(inner).__name__} in it."
            )
        return model.fit(votes, y_known) if complete else model.fit(votes)
    if hasattr(model, "fit_named"):  # label models settle what their votes mean
        return model.fit_named(votes, known, y_known)
    if len(y_known) and classes is None:
        model.set_params(classes=np.unique(y_known).tolist())
    return model.fit(votes)


def _named(weak_estimator, names) -> Any:
    """Clone of a label model that knows the names of its codes, where it takes them."""
    model = clone(weak_estimator)
    inner, prefix, _ = innermost(model)
    params = inner.get_params(deep=False)
    if names is None or "classes" not in params:
        return model
    names = np.asarray(names).tolist()
    classes = params["classes"]
    if classes is not None and np.asarray(classes).tolist() != names:
        raise ValueError(
            f"classes={names} and the classes of {type(inner).__name__}, "
            f"{np.asarray(classes).tolist()}, differ: give one of them."
        )
    return model.set_params(**{f"{prefix}classes": names})


def learns_from_labels(weak_estimator) -> bool:
    """Whether a label model is told which label is unknown, and learns from others."""
    params = innermost(weak_estimator).estimator.get_params(deep=False)
    return params.get("missing_label") is not None


def fit_with_labels(
    weak_estimator, votes, known, y_known, *, names, cv, n_jobs, seed, groups
) -> tuple[Any, np.ndarray]:
    """Fit a label model on votes and known labels; label known rows without their own.

    Parameters
    ----------
    weak_estimator : label model
        With a `missing_label`.
    votes : array or dataframe of shape (n_samples, n_functions)
        The votes.
    known : ndarray of shape (n_samples,) of bool
        Rows whose label is known.
    y_known : ndarray of shape (n_known,)
        Their labels.
    names : array-like or None
        As in :func:`fit_label_model`.
    cv, n_jobs, seed, groups
        As in :func:`out_of_fold_proba`; groups of all rows.

    Returns
    -------
    model : label model
        Fitted on all known labels.
    proba : ndarray of shape (n_samples, n_classes)
        Probabilities of all rows; of known rows, by models that had their label hidden.
    """
    model = _named(weak_estimator, names)
    inner, prefix, _ = innermost(model)
    marker = inner.missing_label
    rows = np.flatnonzero(known)
    y = np.full(len(known), marker, dtype=object)
    y[rows] = y_known
    model.fit(votes, y)
    proba = model.predict_proba(votes)
    if len(rows) == 0:
        return model, proba
    own = None if groups is None else _safe_indexing(groups, rows)
    splits = _splits(cv, rows[:, None], y_known, seed, own)
    if splits is None:
        return model, proba
    # a class whose labels are all hidden is still a class
    hidden = clone(model).set_params(**{f"{prefix}classes": model.classes_.tolist()})
    if hasattr(model, "codes"):
        # fewer labels must not change what a vote is taken to mean
        votes = model.codes(votes)

    with warnings.catch_warnings():
        # the fit on all labels has said them once
        warnings.simplefilter("ignore", OverlapkitWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        parts = run_jobs(
            _proba_of_hidden,
            [(rows[test],) for _, test in splits],
            shared=(hidden, votes, y, marker, model.classes_),
            n_jobs=n_jobs,
        )
    for (_, test), part in zip(splits, parts):
        proba[rows[test]] = part
    return model, proba


def _proba_of_hidden(estimator, votes, y, marker, classes, rows) -> np.ndarray:
    """Probabilities of rows by a label model that had their labels hidden."""
    fewer = y.copy()
    fewer[rows] = marker
    fitted = clone(estimator).fit(votes, fewer)
    part = fitted.predict_proba(_safe_indexing(votes, rows))
    return align_columns(part, fitted.classes_, classes)


def _check_known_classes(y_known, classes, model) -> None:
    extra = np.setdiff1d(y_known, np.asarray(classes)).tolist() if len(y_known) else []
    if extra:
        raise ValueError(
            f"y holds labels that are not in `classes` of {type(model).__name__}: "
            f"{extra[:10]}; `classes` are {np.asarray(classes).tolist()}."
        )


def fit_classifier(
    weak_estimator, X, known, y_known, cv, n_jobs, seed, fit_params, groups=None
) -> tuple[Any, np.ndarray, np.ndarray]:
    """The model, the probabilities of every row, and the classes."""
    if len(y_known) == 0:
        raise ValueError(
            "This weak model requires y to be passed, but the target y is None or "
            "holds no known label: it learns from labels. Give labels for some rows, "
            "or use a label model, a FrozenEstimator or weak_estimator='precomputed'."
        )
    classes = np.unique(y_known)
    if len(classes) < 2:
        raise ValueError(
            "The weak model cannot learn: y holds one class only "
            f"({classes.tolist()[0]!r}, in {len(y_known)} labelled rows)."
        )
    if weak_estimator is None:
        weak_estimator, fit_params = _default_weak_estimator(X, fit_params)
    rows = np.flatnonzero(known)
    everything = len(rows) == len(known)
    X_known = X if everything else _safe_indexing(X, rows)
    params = fit_params if everything else rows_of_params(fit_params, rows, len(known))
    # some models would compute in half precision
    model = clone(weak_estimator).fit(in_memory(X_known), y_known, **params)
    # a model fitted before, in a pipeline, may know more classes than y
    classes = np.union1d(classes, model.classes_)

    def proba_of(part):
        return align_columns(model.predict_proba(part), model.classes_, classes)

    proba = np.empty((len(known), len(classes)))
    if not everything:
        unknown = np.flatnonzero(~known)
        proba[unknown] = by_blocks(proba_of, X, unknown)
    held_out = out_of_fold_proba(
        weak_estimator,
        X_known,
        y_known,
        classes=classes,
        cv=cv,
        n_jobs=n_jobs,
        seed=seed,
        params=params,
        groups=None if groups is None else _safe_indexing(groups, rows),
        order=content_order(X_known, y_known),
    )
    proba[known] = proba_of(X_known) if held_out is None else held_out
    return model, proba, classes


def by_blocks(predict, X, rows=None) -> np.ndarray:
    """Predictions of some rows, or of all; those in files are read in blocks."""
    if not is_mapped(X):
        return predict(in_memory(X if rows is None else _safe_indexing(X, rows)))
    if rows is None:
        return np.concatenate([predict(in_memory(X[i:j])) for i, j in row_blocks(X)])
    size = max(1, _BLOCK_BYTES // (X.shape[1] * X.dtype.itemsize))
    parts = np.split(rows, range(size, len(rows), size))
    return np.concatenate([predict(in_memory(read_rows(X, part))) for part in parts])


def default_representation(view) -> Any:
    """What encodes a dataframe with text, categories or missing values; else None."""
    if not needs_encoding(view):
        return None
    # imported late, like the models below
    from overlapkit.representation import TabularRepresentation

    return TabularRepresentation()


def default_linear_model(view, C=1.0) -> Any:
    """Logistic regression on standardised columns, encoded if they are no numbers."""
    # imported late: linear models are most of what importing overlapkit would cost
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    first = default_representation(view) or StandardScaler()
    return make_pipeline(first, LogisticRegression(C=C))


def _default_weak_estimator(X, fit_params) -> tuple[Any, dict]:
    """Logistic regression on standardised columns, and its fit parameters.

    A pipeline hands weights on by the names of its steps or, with metadata routing
    on, to the steps that request them.
    """
    model = default_linear_model(X)
    if not fit_params:
        return model, {}
    if _routing_enabled():
        for _, step in model.steps:
            if has_fit_parameter(step, "sample_weight"):
                step.set_fit_request(sample_weight=True)
        return model, fit_params
    others = sorted(set(fit_params) - {"sample_weight"})
    if others:
        raise TypeError(
            f"The default weak model takes no {', '.join(others)}; its fit takes "
            "sample_weight only."
        )
    weight = fit_params["sample_weight"]
    return model, {
        f"{name}__sample_weight": weight
        for name, step in model.steps
        if has_fit_parameter(step, "sample_weight")
    }


def out_of_fold_proba(
    estimator,
    X,
    y,
    *,
    cv,
    classes=None,
    n_jobs=None,
    seed=0,
    params=None,
    groups=None,
    order=None,
) -> np.ndarray | None:
    """Class probabilities of each row by a model that did not see it.

    Columns are those of `classes`, sorted, or of ``np.unique(y)``; zero where a fold
    lacked the class in training. None, with a WeakLabelWarning, when all classes but
    one have a single row. The folds of an integer `cv` are drawn from the rows in the
    order of the positions `order`, by default as they are.

    Notes
    -----
    Not ``cross_val_predict``: for probabilities it trains on the codes of y, so a
    `class_weight` or a score that names a class would mean another one, and it routes
    metadata that were routed before.
    """
    splits = _splits(cv, X, y, seed, groups, order)
    if splits is None:
        return None
    if classes is None:
        classes = np.unique(y)

    parts = run_jobs(
        _proba_of_fold,
        splits,
        shared=(estimator, X, y, classes, params or {}),
        n_jobs=n_jobs,
    )
    proba = np.empty((len(y), len(classes)))
    proba[np.concatenate([test for _, test in splits])] = np.concatenate(parts)
    return proba


def _proba_of_fold(estimator, X, y, classes, params, train, test) -> np.ndarray:
    """Probabilities of the rows held out, by a model of the other rows."""
    fit_params = rows_of_params(params, train, len(y))
    seen = in_memory(_safe_indexing(X, train))
    model = clone(estimator).fit(seen, y[train], **fit_params)
    proba = model.predict_proba(in_memory(_safe_indexing(X, test)))
    return align_columns(proba, model.classes_, classes)


def _splits(cv, X, y, seed, groups, order=None) -> list[tuple] | None:
    """Training and test rows of each fold; None if nothing can be held out.

    Raises
    ------
    ValueError
        If not each row is held out once, or one class is left to learn from.
    """
    folds = _folds(cv, y, seed, groups)
    if folds is None:
        return None
    with warnings.catch_warnings():
        # said by name where it matters
        warnings.filterwarnings("ignore", "The least populated class in y")
        if order is None or not isinstance(cv, Integral):
            splits = list(folds.split(X, y, groups))
        else:
            groups = None if groups is None else _safe_indexing(groups, order)
            drawn = folds.split(np.zeros(len(y)), y[order], groups)
            splits = [(order[train], order[test]) for train, test in drawn]
    held_out = np.concatenate([test for _, test in splits])
    classes = np.unique(y)
    left = [np.unique(y[train]) for train, _ in splits]
    if len(classes) > 1 and min(map(len, left)) < 2:
        raise ValueError(
            f"A fold of cv={cv!r} leaves the labels {min(left, key=len).tolist()} to "
            f"learn from, of the classes {classes.tolist()[:10]}: hold out rows, or "
            "groups of rows, so that two classes remain in every training part."
        )
    if not np.array_equal(np.sort(held_out), np.arange(len(y))):
        raise ValueError(
            f"cv={cv!r} holds {len(np.unique(held_out))} of {len(y)} labelled rows "
            f"out, {len(held_out)} times in all; each must be held out once."
        )
    return splits


def _folds(cv, y, seed, groups=None):
    """Folds in which every training part holds two classes; None if there are none."""
    from sklearn.model_selection import (
        StratifiedGroupKFold,
        StratifiedKFold,
        check_cv,
    )

    if not isinstance(cv, Integral):
        if cv is not None and not hasattr(cv, "split"):
            cv = check_folds(cv)
        return check_cv(cv, y, classifier=True)
    classes, counts = np.unique(y, return_counts=True)
    # rows of a rare class may lack it in training; all others need not suffer for it
    n_splits = min(cv, np.sort(counts)[-2:].min())
    alone = classes[counts == 1].tolist()
    if n_splits < 2:
        warn(
            f"No fold can be held out: of the classes {classes.tolist()[:10]} all but "
            "one have a single labelled row. Probabilities are in-sample and "
            "overconfident.",
            WeakLabelWarning,
        )
        return None
    if alone:
        warn(
            f"The classes {alone[:10]} have a single labelled row each, which is "
            "labelled by a model that never saw its class.",
            WeakLabelWarning,
        )
    if groups is not None:
        n_groups = len(np.unique(groups))
        if n_groups < 2:
            raise ValueError(
                f"groups puts all {len(y)} labelled rows into one group, so none can "
                "be held out of it: give labels for rows of two groups or more."
            )
        n_splits = min(n_splits, n_groups)
        return StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    return StratifiedKFold(n_splits, shuffle=True, random_state=seed)


def content_order(view, y) -> np.ndarray:
    """Positions of rows in an order that depends on what the rows hold alone.

    Rows are ordered by a fixed projection of their content, each column taken in units
    of its largest value: float32 and float64 versions of the same rows come in nearly
    the same order, which a hash alone would not give. Equal places are told apart by
    class and by a hash; rows that are equal in everything keep their order.

    Parameters
    ----------
    view : array or dataframe of shape (n_samples, n_columns)
        The rows; missing values count as 0.
    y : ndarray of shape (n_samples,)
        Their labels.

    Returns
    -------
    order : ndarray of shape (n_samples,) of intp
    """
    content = _numbers(view)
    dtype = np.result_type(content, np.float32)
    ends = [
        end.astype(np.float64) for end in (content.min(axis=0), content.max(axis=0))
    ]
    largest = np.abs(ends).max(axis=0)
    largest[largest < 16 * np.finfo(dtype).tiny] = np.inf
    weights = np.random.RandomState(0).normal(size=content.shape[1]) / largest
    # rounded, since the last digits of a product may depend on the block of rows
    places = np.round(content @ weights.astype(dtype), 6)
    codes = np.unique(y, return_inverse=True)[1]
    return np.lexsort([hash_rows(content, 0), codes, places])


def _numbers(view) -> np.ndarray:
    content = row_content(view) if is_dataframe(view) else np.asarray(view)
    content = content.reshape(len(content), -1)
    if content.dtype.kind not in "biuf":  # of text, in an array of objects
        content = row_content(pd.DataFrame(content))
    if content.dtype.kind == "b":
        return content.astype(np.float32)
    if content.dtype.kind == "f" and not np.isfinite(content).all():
        return np.nan_to_num(content, posinf=1, neginf=-1)
    return content
