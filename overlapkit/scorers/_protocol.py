"""The one way in which a selector of rows is fitted, and what it may answer."""

from typing import Any

import numpy as np
from sklearn.base import clone

from overlapkit._utils.estimators import innermost
from overlapkit._utils.memory_map import in_memory
from overlapkit._utils.sklearn_compat import _safe_indexing

__all__ = ["check_scores", "check_support", "fit_selector", "score_selector"]


def fit_selector(
    selector, rows, *, labeler=None, n_jobs=None
) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """Fit a clone of a selector on weakly labelled rows.

    A scorer, which has ``fit_rows``, is handed the rows. Any other estimator with
    ``fit`` and ``score_samples`` is fitted on the strong view and the weak labels of
    the covered rows.

    Parameters
    ----------
    selector : estimator
        A scorer of :mod:`overlapkit.scorers`, one of a user's, or any estimator with
        ``fit`` and ``score_samples``.
    rows : WeakRows
        The rows.
    labeler : WeakLabeler, default=None
        Labels new rows for a scorer of :mod:`overlapkit.scorers`.
    n_jobs : int, default=None
        Taken by a selector whose own `n_jobs` is None.

    Returns
    -------
    selector : estimator
        The fitted clone.
    scores : ndarray of shape (n_samples,)
        Its scores; minus infinity for rows that are not covered.
    support : ndarray of shape (n_samples,) of bool or None
        Rows that its own threshold keeps; None: it has none.

    Raises
    ------
    ValueError
        If the selector is a pipeline around a scorer, a parameter of it cannot be
        honoured, its scores are no real numbers, or its support is no mask of rows.
    """
    inner = innermost(selector).estimator
    if inner is not selector and hasattr(inner, "fit_rows"):
        raise ValueError(
            f"The selector is a {type(selector).__name__} around "
            f"{type(inner).__name__}, which would fit a weak model of its own instead "
            f"of sharing the weak labels. Pass the {type(inner).__name__} itself; "
            "OverlapDetector transforms the strong view by representation=."
        )
    selector = clone(selector)
    if selector.get_params(deep=False).get("n_jobs", 1) is None and n_jobs is not None:
        selector.set_params(n_jobs=n_jobs)
    if not hasattr(selector, "fit_rows"):
        covered = np.flatnonzero(rows.covered)
        strong = in_memory(_safe_indexing(rows.strong, covered))
        selector.fit(strong, rows.labels[covered])
        return selector, score_selector(selector, rows), None
    selector.fit_rows(rows, labeler=labeler)
    support = check_support(getattr(selector, "support_", None), rows, selector)
    return selector, check_scores(selector.scores_, rows, selector), support


def score_selector(selector, rows) -> np.ndarray:
    """Scores of new rows by a selector that `fit_selector` has fitted."""
    if hasattr(selector, "score_rows"):
        return check_scores(selector.score_rows(rows), rows, selector)
    scores = selector.score_samples(in_memory(rows.strong))
    return check_scores(scores, rows, selector)


def check_scores(scores, rows, scorer) -> np.ndarray:
    """Scores as floats; minus infinity where a row is not covered.

    Raises
    ------
    ValueError
        If there is not one real number, or minus infinity, per covered row.
    """
    scores = np.asarray(scores)
    if scores.shape != (len(rows),) or scores.dtype.kind not in "biuf":
        raise ValueError(
            f"{type(scorer).__name__} must give one real number for each of "
            f"{len(rows)} rows; got shape {scores.shape}, dtype {scores.dtype}."
        )
    bad = rows.covered & (np.isnan(scores) | np.isposinf(scores))
    if bad.any():
        raise ValueError(
            f"{type(scorer).__name__} gives NaN or infinity as the score of "
            f"{bad.sum()} of {len(rows)} rows; use minus infinity for a row that is "
            "never to be kept."
        )
    if scores.dtype.kind != "f":  # the negative of an unsigned integer is none
        scores = scores.astype(np.float64)
    if rows.covered.all():
        return scores
    return np.where(rows.covered, scores, -np.inf).astype(scores.dtype)


def check_support(support, rows, scorer) -> np.ndarray | None:
    """Rows that a scorer's own threshold keeps, covered ones only; None: it has none.

    Raises
    ------
    ValueError
        If there is not one truth value per row.
    """
    if support is None:
        return None
    support = np.asarray(support)
    if support.shape != (len(rows),) or support.dtype.kind != "b":
        raise ValueError(
            f"support_ of {type(scorer).__name__} must hold True or False for each of "
            f"{len(rows)} rows; got shape {support.shape}, dtype {support.dtype}."
        )
    return support & rows.covered
