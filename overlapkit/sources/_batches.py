"""The rows of the batches of a run, and their weak labels."""

from importlib import import_module

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from overlapkit._utils.frames import is_dataframe
from overlapkit._utils.labels import is_missing, join_labels
from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.weak._labeler import LABELER_CONSTRAINTS, WeakLabeler

__all__ = ["Batches", "all_known", "label_as"]


class Batches:
    """Rows and labels of batches, concatenated when they are asked for.

    Arrays are written into a buffer that grows by doubling, so that a run in which the
    student is trained after every batch copies each row a few times, not once per
    round. Dataframes are concatenated anew.

    Parameters
    ----------
    parts : list of array or dataframe
        Rows of the batches, the first ones possibly concatenated already.
    labels : list of ndarray or None
        Labels of each batch.
    sizes : list of int
        Number of rows of each batch.
    buffer : ndarray, default=None
        Array whose first rows are ``parts[0]``.
    """

    def __init__(self, parts=(), labels=(), sizes=(), buffer=None):
        self._parts, self._labels = list(parts), list(labels)
        self.sizes = list(sizes)
        self._buffer = buffer

    def __len__(self):
        """Number of batches."""
        return len(self.sizes)

    def __getstate__(self):
        """Pickle the rows, not the empty part of the buffer."""
        return {**vars(self), "_buffer": None}

    def with_batch(self, X, y) -> "Batches":
        """These batches and one more; this object does not change."""
        return Batches(
            [*self._parts, X], [*self._labels, y], [*self.sizes, len(X)], self._buffer
        )

    def first(self, n) -> "Batches":
        """The first `n` batches."""
        sizes = self.sizes[:n]
        rows = _safe_indexing(self.X, np.arange(sum(sizes)))
        return Batches([rows], self._labels[:n], sizes)

    def check(self, X, y) -> None:
        """Raise if a batch cannot be concatenated with the earlier ones."""
        if not self.sizes:
            return
        first = self._parts[0]
        frame = is_dataframe(first) or is_dataframe(X)
        if frame and type(first) is not type(X):
            raise ValueError(
                f"This batch is a {type(X).__name__}, the first one was a "
                f"{type(first).__name__}: send all batches in one form."
            )
        if (y is None) != (self._labels[0] is None):
            raise ValueError(
                "Batches either all come with labels or all without; for rows without "
                "a label among others, set missing_label."
            )

    @property
    def X(self):
        """Rows of all batches, in their order."""
        if len(self._parts) > 1:
            self._parts = [self._concatenate()]
        return self._parts[0]

    @property
    def y(self):
        """Labels of all batches, or None."""
        return None if self._labels[0] is None else join_labels(self._labels)

    def spans(self):
        """First and last position (exclusive) of each batch in `X`."""
        ends = np.cumsum(self.sizes)
        return list(zip(ends - self.sizes, ends))

    def table(self, names, overlap) -> Bunch:
        """All rows with the source and the round of each.

        Parameters
        ----------
        names : list
            Name of the source of each batch.
        overlap : ndarray of shape (n_rows,) of bool or None
            Rows detected as overlap.

        Returns
        -------
        Bunch
            With ``X``, ``y``, ``source``, ``round`` and ``overlap``.
        """
        X = self.X
        return Bunch(
            X=X.copy() if isinstance(X, np.ndarray) else X,
            y=self.y,
            source=np.repeat(np.array(names), self.sizes),
            round=np.repeat(np.arange(1, len(self) + 1), self.sizes),
            overlap=overlap,
        )

    def _concatenate(self):
        parts = self._parts
        if hasattr(parts[0], "iloc"):
            return pd.concat(parts, ignore_index=True)
        if is_dataframe(parts[0]):
            library = import_module(type(parts[0]).__module__.split(".")[0])
            return library.concat(parts, how="vertical_relaxed")
        n_rows, dtype = sum(map(len, parts)), np.result_type(*parts)
        buffer = self._buffer
        if buffer is None or buffer.dtype != dtype or len(buffer) < n_rows:
            buffer = np.empty((2 * n_rows, *parts[0].shape[1:]), dtype=dtype)
            new = parts
        else:
            new = parts[1:]  # the first part is in the buffer already
        start = n_rows - sum(map(len, new))
        np.concatenate(new, out=buffer[start:n_rows])
        self._buffer = buffer
        return buffer[:n_rows]


def label_as(estimator, X, y):
    """Label rows as the parameters of an estimator say.

    Returns
    -------
    rows : WeakRows
    known : KnownLabels
    labeler : WeakLabeler
    """
    params = {name: getattr(estimator, name) for name in LABELER_CONSTRAINTS}
    if all_known(y, params["missing_label"]):
        # batches of labelled rows only are no sign of a wrong marker
        params["missing_label"] = None
    labeler = WeakLabeler(**params)
    return *labeler.fit_label(X, y), labeler


def all_known(y, missing_label) -> bool:
    given = y is not None and missing_label is not None
    return given and not is_missing(y, missing_label).any()
