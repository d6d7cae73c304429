"""The two values that travel: weakly labelled rows, and known labels."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from overlapkit._kernels.ties import break_ties, hash_rows
from overlapkit._utils.checks import (
    check_array,
    check_number,
    column_or_1d,
    refuse_masked,
    refuse_unreadable,
)
from overlapkit._utils.dask_arrays import is_chunked
from overlapkit._utils.frames import row_content
from overlapkit._utils.labels import complete_labels
from overlapkit._utils.memory_map import read_rows
from overlapkit._utils.sklearn_compat import _num_samples, _safe_indexing
from overlapkit.weak._confidence import check_probabilities, confidence_of

__all__ = ["KnownLabels", "WeakRows"]

# so many rows at a time fit into the cache of a core
_HASHED_ROWS = 1024


@dataclass(frozen=True, eq=False)
class WeakRows:
    r"""Rows with a strong view and what a weak model says of each.

    This is the value that label models and weak models produce and that scorers,
    students, rewards and controls take. It holds no true label, so a true label
    cannot reach a student through it. Make one with :meth:`from_proba`, which
    checks it and brings the classes into sorted order.

    Parameters
    ----------
    strong : array or dataframe of shape (n_samples, n_strong_features)
        The strong view. ``numpy.asarray`` makes an array of it also where it is a view
        of files, see :func:`~overlapkit.datasets.stack_views`.
    proba : ndarray of shape (n_samples, n_classes)
        Class probabilities of the weak model, in the order of `classes`.
    classes : ndarray of shape (n_classes,)
        The classes, sorted.
    covered : ndarray of shape (n_samples,) of bool
        False for rows without a weak label: no labelling function votes. Such rows
        are in no threshold, share, selection or training set.
    votes : ndarray of shape (n_samples, n_functions) of int, default=None
        Votes as positions in `classes`, -1 where a function abstains. None: the weak
        model is no label model.
    seed : int, default=0
        Breaks ties between equally probable classes, together with what a row holds.

    Attributes
    ----------
    codes : ndarray of shape (n_samples,) of int
        Position in `classes` of the weak label of each row.
    labels : ndarray of shape (n_samples,)
        Weak label of each row.
    row_hash : ndarray of shape (n_samples,) of uint64
        A number per row that depends on what the row holds, not on its position.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.weak import WeakRows
    >>> proba = [[0.9, 0.1], [0.3, 0.7]]
    >>> rows = WeakRows.from_proba(np.eye(2), proba, classes=["spam", "ham"])
    >>> rows.classes.tolist(), rows.labels.tolist()
    (['ham', 'spam'], ['spam', 'ham'])
    >>> rows.confidence().round(1)
    array([0.8, 0.4])
    """

    strong: Any
    proba: np.ndarray
    classes: np.ndarray
    covered: np.ndarray
    votes: np.ndarray | None = None
    seed: int = 0

    @classmethod
    def from_proba(
        cls,
        strong: ArrayLike,
        proba: ArrayLike,
        classes: ArrayLike | None = None,
        *,
        covered: ArrayLike | None = None,
        votes: ArrayLike | None = None,
        seed: int = 0,
    ) -> "WeakRows":
        """Check probabilities and sort their classes.

        Parameters
        ----------
        strong : array or dataframe of shape (n_samples, n_strong_features)
            The strong view.
        proba : array-like of shape (n_samples, n_classes)
            Class probabilities; rows sum to 1.
        classes : array-like of shape (n_classes,), default=None
            Names of the columns of `proba`, in any order. None: 0, 1, ...
        covered : array-like of shape (n_samples,) of bool, default=None
            False for rows without a weak label. None: every row has one.
        votes : array-like of shape (n_samples, n_functions) of int, default=None
            Votes as positions in `classes` as given here, -1 for none.
        seed : int, default=0
            Breaks ties.

        Returns
        -------
        rows : WeakRows
            With sorted classes, and columns and votes in that order.

        Raises
        ------
        ValueError
            If lengths differ, a class is named twice, or `proba` holds anything but
            class probabilities.
        """
        if not hasattr(strong, "shape"):
            strong = check_array(strong, ensure_all_finite=False, input_name="strong")
        refuse_masked(strong, "strong")
        shape = getattr(strong, "shape", (0, 0))
        if len(shape) != 2 or shape[1] == 0:
            raise ValueError(
                f"strong must be of shape (n_samples, n_features) with at least one "
                f"column; got shape {shape}."
            )
        check_number(seed, "seed", 0, 2**64, integer=True)
        n_samples = _num_samples(strong)
        proba = check_probabilities(proba)
        if len(proba) != n_samples:
            raise ValueError(
                f"proba has {len(proba)} rows, the strong view has {n_samples}: give "
                "one row of class probabilities for each."
            )
        if classes is None:
            classes = np.arange(proba.shape[1])
        names = column_or_1d(classes, name="classes")
        if len(names) != proba.shape[1] or len(np.unique(names)) != len(names):
            raise ValueError(
                f"classes must name each of the {proba.shape[1]} columns of proba "
                f"once, got {names.tolist()[:20]}."
            )
        order = np.argsort(names)
        if votes is not None:
            refuse_unreadable(votes, "votes")
            votes = np.asarray(votes)
            fits = votes.ndim == 2 and len(votes) == n_samples
            if not fits or votes.dtype.kind not in "iu":
                raise ValueError(
                    f"votes must be integers of shape ({n_samples}, n_functions); got "
                    f"shape {votes.shape}, dtype {votes.dtype}."
                )
            low, high = votes.min(initial=-1), votes.max(initial=-1)
            if low < -1 or high >= len(names):
                raise ValueError(
                    f"votes must hold codes from -1, for no vote, to "
                    f"{len(names) - 1}; got codes from {low} to {high}."
                )
            # the last entry is what index -1, no vote, picks
            votes = np.append(np.argsort(order), -1).astype(votes.dtype)[votes]
        if covered is None:
            covered = np.ones(n_samples, dtype=bool)
        covered = _as_mask(covered, "covered")
        if covered.shape != (n_samples,):
            raise ValueError(
                f"covered has shape {covered.shape}, expected ({n_samples},)."
            )
        return cls(strong, proba[:, order], names[order], covered, votes, seed)

    def __len__(self) -> int:
        return len(self.proba)

    @cached_property
    def codes(self) -> np.ndarray:
        """Position in `classes` of the weak label of each row."""
        return break_ties(self.proba, self.hash_of, self.seed)

    @property
    def labels(self) -> np.ndarray:
        """Weak label of each row."""
        return self.classes[self.codes]

    @cached_property
    def row_hash(self) -> np.ndarray:
        """A number per row that depends on what the row holds, not where it stands."""
        if is_chunked(self._content):
            return self._content.apply(hash_rows, self.seed)
        return self.hash_of(np.arange(len(self)))

    def hash_of(self, positions: np.ndarray, seed: int | None = None) -> np.ndarray:
        """Return `row_hash` of some rows, without computing it for all.

        Parameters
        ----------
        positions : ndarray of int
            Positions of the rows, ascending.
        seed : int, default=None
            Another seed than that of the rows.

        Returns
        -------
        hashes : ndarray of uint64
            A number for each.
        """
        content, seed = self._content, self.seed if seed is None else seed
        if is_chunked(content):
            return content.at(positions).apply(hash_rows, seed)
        blocks = np.array_split(positions, max(1, len(positions) // _HASHED_ROWS))
        return np.concatenate(
            [hash_rows(read_rows(content, block), seed) for block in blocks]
        )

    def confidence(
        self, kind: Literal["margin", "max", "entropy"] = "margin"
    ) -> np.ndarray:
        """Confidence of the weak model in each row.

        Parameters
        ----------
        kind : {"margin", "max", "entropy"}, default="margin"
            See :func:`~overlapkit.scorers.weak_confidence`.

        Returns
        -------
        confidence : ndarray of shape (n_samples,)
            From 0 to 1; 0 for rows that are not covered.
        """
        return np.where(self.covered, confidence_of(self.proba, kind), 0.0)

    def take(self, positions: ArrayLike) -> "WeakRows":
        """Return some of the rows.

        Parameters
        ----------
        positions : array-like of int or of bool
            Positions of the rows, or a mask.

        Returns
        -------
        rows : WeakRows
            These rows, in this order.
        """
        positions = _as_positions(positions)
        votes = None if self.votes is None else self.votes[positions]
        return WeakRows(
            _safe_indexing(self.strong, positions),
            self.proba[positions],
            self.classes,
            self.covered[positions],
            votes,
            self.seed,
        )

    @cached_property
    def _content(self):
        """What tells rows apart."""
        return row_content(self.strong)


@dataclass(frozen=True, eq=False)
class KnownLabels:
    """Which rows have a true label, and these labels.

    Only a weak model that learns from labels, the choice ``selector="auto"`` and
    experiments are given this value: selectors and students see :class:`WeakRows`.

    Parameters
    ----------
    known : ndarray of shape (n_samples,) of bool
        Rows whose label is known.
    labels : ndarray of shape (n_known,)
        Their labels, in the order of the rows.

    Attributes
    ----------
    rows : ndarray of shape (n_known,) of int
        Positions of the rows whose label is known.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.weak import KnownLabels
    >>> known = KnownLabels(np.array([True, False, True]), np.array(["a", "b"]))
    >>> known.codes(["a", "b"])
    array([ 0, -1,  1])
    """

    known: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        for name in ("known", "labels"):
            refuse_unreadable(getattr(self, name), name)
            array = np.asarray(getattr(self, name))
            if array.ndim != 1:
                raise ValueError(
                    f"{name} must have one dimension, got shape {array.shape}."
                )
            object.__setattr__(self, name, array)
        if self.labels.dtype.kind in "fcO":  # labels that are strings or whole
            object.__setattr__(self, "labels", complete_labels(self.labels, "labels"))
        if self.known.dtype != bool or len(self.labels) != self.known.sum():
            raise ValueError(
                f"known must be a mask of the rows, dtype bool, and labels hold one "
                f"label for each True in it; known has dtype {self.known.dtype} and "
                f"{np.count_nonzero(self.known)} entries that are True, labels "
                f"has {len(self.labels)}."
            )

    @property
    def rows(self) -> np.ndarray:
        """Positions of the rows whose label is known."""
        return np.flatnonzero(self.known)

    def __len__(self) -> int:
        return len(self.labels)

    def codes(self, classes: ArrayLike) -> np.ndarray:
        """Position of each row's label in sorted classes, -1 where it is unknown.

        Parameters
        ----------
        classes : array-like of shape (n_classes,)
            Sorted classes that hold every known label.

        Returns
        -------
        codes : ndarray of shape (n_samples,) of int
            Positions.
        """
        codes = np.full(len(self.known), -1)
        codes[self.known] = np.searchsorted(np.asarray(classes), self.labels)
        return codes

    def take(self, positions: ArrayLike) -> "KnownLabels":
        """Return the labels of some of the rows.

        Parameters
        ----------
        positions : array-like of int or of bool
            Positions of the rows, or a mask.

        Returns
        -------
        known : KnownLabels
            Labels of these rows, in this order.
        """
        positions = _as_positions(positions)
        number = np.cumsum(self.known) - 1
        known = self.known[positions]
        return KnownLabels(known, self.labels[number[positions[known]]])


def _as_mask(values, name) -> np.ndarray:
    """A mask; numbers are one if they are 0 and 1."""
    refuse_unreadable(values, name)
    mask = np.asarray(values)
    if mask.dtype == bool:
        return mask
    if mask.dtype.kind not in "iufO" or not np.isin(mask, (0, 1)).all():
        raise ValueError(f"{name} must be a mask of the rows: True or False for each.")
    return mask.astype(bool)


def _as_positions(positions) -> np.ndarray:
    positions = np.asarray(positions)
    if positions.dtype == bool:
        return np.flatnonzero(positions)
    return positions.astype(np.intp) if positions.size == 0 else positions
