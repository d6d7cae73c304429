"""Rows of all sources in one place, from which batches are drawn."""

from typing import Any

import numpy as np

from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.sources._checks import check_names, check_sources, plain
from overlapkit.weak._rows import KnownLabels

__all__ = ["Pool"]


class Pool:
    """Rows of all sources, drawn without replacement.

    Parameters
    ----------
    X : array or dataframe of shape (n_samples, n_features)
        The rows.
    y : ndarray of shape (n_samples,) or None
        Their labels.
    known : KnownLabels
        Those that are known.
    sources : array-like of shape (n_samples,) or None
        Source of each row; None: there is one source.
    source_names : list or None
        Names of all sources, in their order; None: those in `sources`.
    without_labelled : bool, default=False
        Whether rows with a known label are no part of the pool.

    Attributes
    ----------
    left : dict
        Positions of the rows of each source that are left, in the order in which they
        are drawn, by the name of the source.
    drawn : list of ndarray of int
        Positions of the rows of each batch.
    labelled : ndarray of int or None
        Rows with a known label, if they are no part of the pool.
    """

    def __init__(self, X, y, known, sources, source_names, without_labelled=False):
        self.X, self.y, self.known = X, y, known
        self.drawn: list = []
        codes, found = check_sources(sources, X, source_names)
        rows, self.labelled = np.arange(len(codes)), None
        if without_labelled:
            _check_labelled(known)
            rows, self.labelled = np.flatnonzero(~known.known), known.rows
        codes = codes[rows]
        pools = {found[code]: rows[codes == code] for code in np.unique(codes)}
        names = _all_names(list(pools), source_names)
        self.left = {name: pools.get(name, rows[:0]) for name in names}

    @property
    def smallest(self) -> int:
        """Number of rows left of the source with the fewest."""
        return min(len(rows) for rows in self.left.values() if len(rows))

    def shuffle(self, seed) -> None:
        """Let the rows of each source be drawn in a random order."""
        rng = np.random.RandomState(seed)
        self.left = {name: rng.permutation(rows) for name, rows in self.left.items()}

    def draw(self, name, size) -> tuple[Any, np.ndarray | None, KnownLabels]:
        """Rows, labels and known labels of a batch; fewer rows where no more are left.

        Parameters
        ----------
        name : object
            The source, which has rows left.
        size : int
            Number of rows.

        Returns
        -------
        X : array or dataframe of shape (n_rows, n_features)
        y : ndarray of shape (n_rows,) or None
        known : KnownLabels
        """
        rows, self.left[name] = self.left[name][:size], self.left[name][size:]
        self.drawn.append(rows)
        labels = None if self.y is None else self.y[rows]
        return _safe_indexing(self.X, rows), labels, self.known.take(rows)


def _check_labelled(known) -> None:
    """Raise unless some rows have a known label and some have none."""
    mask = known.known
    if mask.all() or not mask.any():
        raise ValueError(
            "reference='labeled' uses the labelled rows as the reference, and "
            f"{mask.sum()} of {len(mask)} rows are labelled: there must be some of "
            "either kind. Is missing_label set?"
        )


def _all_names(found, source_names) -> list:
    """Names of all sources of a pool, given those that have rows."""
    if source_names is None:
        return found
    names = plain(source_names)
    check_names(names)
    unknown = sorted(set(found) - set(names), key=str)
    if unknown:
        raise ValueError(
            f"sources holds {unknown}, which source_names={names} does not."
        )
    return names
