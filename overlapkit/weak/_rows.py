"""From a weak model to weak probabilities, labels and confidences (pure functions)."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from sklearn.frozen import FrozenEstimator

from overlapkit._kernels.ties import break_ties, hash_rows
from overlapkit._utils.memory_map import read_rows
from overlapkit.exceptions import WeakLabelWarning
from overlapkit.weak._confidence import check_probabilities, weak_confidence
from overlapkit.weak._labels import check_common_labels, known_labels
from overlapkit.weak._model import (
    align_columns,
    fit_classifier,
    fit_label_model,
    weak_model_kind,
)

__all__ = [
    "WeakLabels",
    "weak_labels",
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
        model, proba, classes = fit_classifier(
            weak_estimator, X_weak, known, y_known, cv, n_jobs, seed, fit_params or {}
        )
    elif kind == "votes":
        model = fit_label_model(weak_estimator, X_weak, known, y_known)
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
    if kind != "classifier":
        _warn_if_worse_than_guessing(weak, known, y_known)
    return model, weak, known


def _warn_if_worse_than_guessing(weak, known, y_known) -> None:
    """Codes or columns taken for the wrong classes show where labels are known."""
    rows = weak.covered[known]
    if rows.sum() < 10 or len(weak.classes) < 2:
        return
    accuracy = np.mean(weak.labels[known][rows] == y_known[rows])
    guessing = 1 / len(weak.classes)
    error = np.sqrt(guessing * (1 - guessing) / rows.sum())
    if accuracy < guessing - 3 * error:
        warnings.warn(
            f"The weak labels are right in {accuracy:.1%} of the {rows.sum()} rows "
            f"whose label is known, less often than a guess ({guessing:.1%}): are "
            f"votes or columns meant for {weak.classes.tolist()[:10]}, in this order?",
            WeakLabelWarning,
            stacklevel=5,
        )


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


def _n_rows(X) -> int:
    return X.shape[0] if hasattr(X, "shape") else len(X)


def _covered(model, X_weak) -> np.ndarray:
    """Rows with a vote, by a label model wherever it stands."""
    n_rows = _n_rows(X_weak)
    while model is not None and not hasattr(model, "covered"):
        if hasattr(model, "steps"):
            X_weak = model[:-1].transform(X_weak) if len(model.steps) > 1 else X_weak
            model = model.steps[-1][1]
        else:  # a search, or a frozen model
            model = getattr(model, "best_estimator_", None) or (
                model.estimator if isinstance(model, FrozenEstimator) else None
            )
    return np.ones(n_rows, dtype=bool) if model is None else model.covered(X_weak)


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
