"""The one way in which a selector of rows is fitted, ours or a user's."""

from typing import Any

import numpy as np
from sklearn.base import clone

from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.scorers._base import check_scores
from overlapkit.weak._wrapped import innermost

__all__ = ["fit_selector", "score_selector"]


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
        honoured, or its scores are no real numbers.
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
        strong = _safe_indexing(rows.strong, covered)
        selector.fit(strong, rows.labels[covered])
        return selector, score_selector(selector, rows), None
    selector.fit_rows(rows, labeler=labeler)
    support = getattr(selector, "support_", None)
    if support is not None:
        support = np.asarray(support, dtype=bool) & rows.covered
    return selector, check_scores(selector.scores_, rows, selector), support


def score_selector(selector, rows) -> np.ndarray:
    """Scores of new rows by a selector that `fit_selector` has fitted."""
    if hasattr(selector, "score_rows"):
        return check_scores(selector.score_rows(rows), rows, selector)
    return check_scores(selector.score_samples(rows.strong), rows, selector)
