"""Rewards of source selection: the value of each row of a batch.

A reward is a small immutable value with two methods. ``start`` is given the rows that
the detector was fitted on and returns the state of the reward; ``score`` gives every
row of a new batch a number in [0, 1], or NaN where there is none, and returns the next
state. The state is part of the fitted
:class:`~overlapkit.UCBSourceSelector`; the reward itself never changes, so it can be
shared, compared and put into a parameter grid.
"""

from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.base import clone

from overlapkit._utils.checks import plain
from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.scorers._protocol import fit_selector, score_selector
from overlapkit.scorers._region_rule import RegionRule
from overlapkit.scorers._regions import OVERLAP
from overlapkit.weak._rows import KnownLabels, WeakRows
from overlapkit.weak._views import check_strong

__all__ = [
    "Batch",
    "LabelPurity",
    "MeanScore",
    "OverlapDensity",
    "Reward",
    "StudentGain",
]

_BLOCK = 1024  # rows compared at a time


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of a batch with their weak labels and regions, the input of a reward.

    Parameters
    ----------
    X : array or dataframe of shape (n_rows, n_features)
        The rows as they were given, with columns that are in neither view, if any.
    rows : WeakRows
        The strong view and the weak labels: ``strong``, ``proba``, ``classes``,
        ``covered``, ``codes`` (positions in ``classes``), ``labels`` and
        ``confidence(kind)``.
    regions : ndarray of shape (n_rows,) of int8
        Region of each row by `rule`: 0 easy, 1 overlap, 2 hard, 3 without a weak label.
    known : KnownLabels
        The labels that are known: a mask of the rows, and their labels.
    rule : RegionRule
        Thresholds and hard rows of the fitted detector. ``rule.represent(strong)`` is
        the view that similarities are computed on, ``rule.read(rows)`` gives confidence
        and overlap score of each row.
    positions : ndarray of shape (n_rows,) of int, default=None
        Positions of the rows in the batch that ``start`` was given, if they are rows
        of it. None: new rows.
    represented : ndarray of shape (n_rows, n_represented), default=None
        ``rule.represent(rows.strong)``, where it was computed already.

    Examples
    --------
    A reward of one's own, the share of hard rows:

    >>> from overlapkit.sources import Reward
    >>> class HardShare:
    ...     def start(self, reference):
    ...         return None
    ...
    ...     def score(self, batch, state):
    ...         return (batch.regions == 2).astype(float), state
    >>> isinstance(HardShare(), Reward)
    True
    """

    X: Any
    rows: WeakRows
    regions: np.ndarray
    known: KnownLabels
    rule: RegionRule
    positions: np.ndarray | None = None
    represented: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, start: int, stop: int) -> "Batch":
        """Return neighbouring rows as a batch.

        Parameters
        ----------
        start, stop : int
            Position of the first row, and of the first row after the last one.

        Returns
        -------
        batch : Batch
            These rows.
        """
        some = np.arange(start, stop)
        return Batch(
            _safe_indexing(self.X, some),
            self.rows.take(some),
            self.regions[some],
            self.known.take(some),
            self.rule,
            None if self.positions is None else self.positions[some],
            None if self.represented is None else self.represented[some],
        )


@runtime_checkable
class Reward(Protocol):
    """Protocol of a reward: the methods `start` and `score`.

    Examples
    --------
    >>> from overlapkit.sources import OverlapDensity, Reward
    >>> isinstance(OverlapDensity(), Reward)
    True
    """

    def start(self, reference: Batch) -> Any:
        """Return the first state, given the rows the detector was fitted on.

        Parameters
        ----------
        reference : Batch
            The rows the detector was fitted on.

        Returns
        -------
        state : object
            Given to the first call of `score`.
        """
        ...

    def score(self, batch: Batch, state: Any) -> tuple[np.ndarray, Any]:
        """Return a number in [0, 1] or NaN per row, and the next state.

        Parameters
        ----------
        batch : Batch
            The rows to score.
        state : object
            The state that `start` or the last call returned. It must not be changed in
            place, so that a batch that is refused changes nothing.

        Returns
        -------
        scores : ndarray of shape (n_rows,)
            A number in [0, 1] for each row, NaN for a row without a reward.
        state : object
            The next state.
        """
        ...


@dataclass(frozen=True)
class OverlapDensity:
    r"""The share of rows that the fitted detector classifies as overlap: the default.

    The reward of a row is 1 if it is detected as overlap and 0 if not; rows without a
    weak label have 0. All batches use the same fitted thresholds and hard rows, so
    their densities are comparable. Copies within a batch count once: if `c` overlap
    rows of the batch, the row itself included, are copies of an overlap row, its reward
    is

    .. math:: r = 1 / c.

    Parameters
    ----------
    copies : float or None, default=0.01
        Rows are copies of each other if their distance in the strong view (as the
        detector represents it) is at most this share of the root of the mean squared
        distance between two reference rows. 0: only equal rows. None: copies count as
        any other row.

    Raises
    ------
    ValueError
        If `copies` is negative or not finite.

    See Also
    --------
    StudentGain : Accuracy of a student instead of overlap.

    Notes
    -----
    A source that repeats one row has a density of at most 1 / (rows of a batch). Copies
    in different batches are not found. A strong view of few columns with few values
    holds equal rows that are no copies; use ``copies=None`` there.

    Examples
    --------
    >>> from overlapkit.sources import OverlapDensity
    >>> OverlapDensity()
    OverlapDensity(copies=0.01)
    """

    copies: float | None = 0.01

    def __post_init__(self) -> None:
        number = isinstance(self.copies, Real) and not isinstance(self.copies, bool)
        if self.copies is not None and not (number and 0 <= self.copies < np.inf):
            raise ValueError(
                "OverlapDensity: copies must be None or a finite number of at least 0, "
                f"got {plain(self.copies)}."
            )

    def start(self, reference: Batch) -> tuple[np.ndarray, float] | None:
        """Return mean and mean squared distance of the reference rows as the state."""
        if self.copies is None:
            return None
        view = _view(reference)
        centre = view.mean(axis=0)
        # twice the variance: the mean squared distance between two rows
        return centre, float(2 * ((view - centre) ** 2).sum(axis=1).mean())

    def score(self, batch: Batch, state: Any) -> tuple[np.ndarray, Any]:
        """1 for a detected overlap row, its share for a copy, 0 for any other."""
        rewards = (batch.regions == OVERLAP).astype(np.float64)
        if state is not None:
            centre, spread = state
            rows = np.flatnonzero(rewards)
            radius = self.copies * np.sqrt(spread)
            if len(rows) > 1:
                rewards[rows] /= _n_copies(_view(batch, rows) - centre, radius)
        return rewards, state


def _view(batch, rows=slice(None)) -> np.ndarray:
    """The strong view that similarities are computed on, in double precision."""
    if batch.represented is not None:
        return np.asarray(batch.represented[rows], dtype=np.float64)
    strong = _safe_indexing(batch.rows.strong, rows)
    return np.asarray(batch.rule.represent(strong), dtype=np.float64)


def _n_copies(view, radius) -> np.ndarray:
    """Number of rows within a radius of each row, itself included."""
    counts = np.ones(len(view))
    for start in range(0, len(view), _BLOCK):
        block = view[start : start + _BLOCK]
        distance = cdist(block, view)
        counts[start : start + _BLOCK] = (distance <= radius).sum(axis=1)
    return counts


@dataclass(frozen=True)
class LabelPurity:
    """The share of labelled rows whose weak label is right.

    Rows without a label, known or weak, have no reward, so some rows of each batch need
    a known label.

    See Also
    --------
    StudentGain : Accuracy of a student that is trained on the batch.

    Examples
    --------
    >>> from overlapkit.sources import LabelPurity
    >>> LabelPurity() == LabelPurity()
    True
    """

    def start(self, reference: Batch) -> None:
        """Return None: this reward keeps no state."""
        return None

    def score(self, batch: Batch, state: Any) -> tuple[np.ndarray, Any]:
        """1 where the weak label is right, 0 where wrong, NaN where unknown."""
        rewards = np.full(len(batch), np.nan)
        known, covered = batch.known, batch.rows.covered
        rewards[known.rows] = batch.rows.labels[known.rows] == known.labels
        return np.where(covered, rewards, np.nan), state


@dataclass(frozen=True)
class MeanScore:
    r"""The mean score of the rows, as ranks among the reference rows.

    Scores have no common scale, and policies need rewards in [0, 1]. The reward of a
    row is therefore its rank among the `m` reference rows:

    .. math:: r(x) = \frac{1}{m} \sum_{j=1}^{m} \left(
        \mathbf{1}[s_j < s(x)] + \tfrac{1}{2} \mathbf{1}[s_j = s(x)] \right)

    A scorer of this package scores reference rows out of sample, each without itself;
    so a source with the distribution of the reference has a mean rank of about 1/2.

    Parameters
    ----------
    scorer : estimator
        A scorer of :mod:`overlapkit.scorers`, fitted on the weakly labelled reference
        rows; or any estimator with ``fit`` and ``score_samples``, fitted on their
        strong view and weak labels.

    Raises
    ------
    ValueError
        In ``start`` and ``score``, if the scorer does not give one real number per row.

    Examples
    --------
    >>> from overlapkit.sources import MeanScore
    >>> from overlapkit.scorers import ConfidenceScorer
    >>> MeanScore(ConfidenceScorer())
    MeanScore(scorer=ConfidenceScorer())
    """

    scorer: Any

    def __post_init__(self) -> None:
        scores = hasattr(self.scorer, "fit_rows") or hasattr(
            self.scorer, "score_samples"
        )
        if isinstance(self.scorer, type) or not (
            hasattr(self.scorer, "fit") and scores
        ):
            raise TypeError(
                "scorer must be an instance of a scorer, with fit and score_samples, "
                f"such as CutStatisticScorer(); got {plain(self.scorer)}."
            )

    def start(self, reference: Batch) -> tuple[Any, np.ndarray]:
        """Fit the scorer; the state is the scorer and the sorted reference scores."""
        scorer, scores, _ = fit_selector(self.scorer, reference.rows)
        return scorer, np.sort(scores[reference.rows.covered])

    def score(self, batch: Batch, state: Any) -> tuple[np.ndarray, Any]:
        """Rank of each row among the reference rows."""
        scorer, known = state
        scores = _scores(scorer, batch)
        below = np.searchsorted(known, scores, side="left")
        up_to = np.searchsorted(known, scores, side="right")
        return (below + up_to) / (2 * len(known)), state


def _scores(scorer, batch) -> np.ndarray:
    if batch.positions is not None and hasattr(scorer, "scores_"):
        # scored as new rows, rows it was fitted on would rank above all others
        return scorer.scores_[batch.positions]
    return score_selector(scorer, batch.rows)


@dataclass(frozen=True)
class StudentGain:
    r"""Accuracy on the reference rows of a student trained on this batch alone.

    A student is trained on the weak labels of the batch and evaluated on the labelled
    rows of the reference. With `b` its balanced accuracy there and `C` classes, the
    reward of every row of the batch is

    .. math:: \max(0, (b - 1/C) / (1 - 1/C)),

    its gain over guessing, on a scale from 0 to 1. Unlike overlap density, it depends
    on the balance of classes and the purity of labels, too. The reward of a batch of
    one class is 0.

    Parameters
    ----------
    estimator : classifier, default=None
        The student. None: logistic regression with strong regularisation (C = .01) on
        the standardised strong columns, for batches of few rows.

    Raises
    ------
    ValueError
        In ``start``, if the reference has no labelled rows of two classes.

    Notes
    -----
    All rows of a batch have the same reward, so it has a larger variance than a mean of
    independent rows. Use :class:`~overlapkit.policies.UCB` with ``bonus="rounds"``: its
    bonus counts batches, not rows. Students of batches that are part of the reference
    are evaluated on their own training rows, too.

    Examples
    --------
    >>> from overlapkit.sources import StudentGain
    >>> StudentGain()
    StudentGain(estimator=None)
    """

    estimator: Any = None

    def __post_init__(self) -> None:
        student = self.estimator
        if student is not None and (
            isinstance(student, type)
            or not (hasattr(student, "fit") and hasattr(student, "predict"))
        ):
            raise TypeError(
                "estimator must be an instance of a classifier, or None; got "
                f"{plain(student)}."
            )

    def start(self, reference: Batch) -> tuple[Any, np.ndarray]:
        """Return the labelled rows of the reference as the state.

        Parameters
        ----------
        reference : Batch
            The rows the detector was fitted on.

        Returns
        -------
        state : tuple
            Strong view and labels of the labelled rows.

        Raises
        ------
        ValueError
            If there are no labelled rows of two classes.
        """
        rows, y = reference.known.rows, reference.known.labels
        classes = np.unique(y)
        if len(classes) < 2:
            raise ValueError(
                "StudentGain needs labelled rows of the reference, which "
                f"has {len(rows)} labelled rows of {len(classes)} class(es). Give a "
                "reference with labels of at least two classes."
            )
        return check_strong(_safe_indexing(reference.rows.strong, rows)), y

    def score(self, batch: Batch, state: Any) -> tuple[np.ndarray, Any]:
        """One number for all rows of the batch."""
        strong, y = state
        covered = np.flatnonzero(batch.rows.covered)
        labels = batch.rows.labels[covered]
        if len(np.unique(labels)) < 2:
            return np.zeros(len(batch)), state
        student = default_student() if self.estimator is None else clone(self.estimator)
        view = _safe_indexing(batch.rows.strong, covered)
        student.fit(check_strong(view), labels)
        classes = np.unique(y)
        # not balanced_accuracy_score, which warns of classes that y does not hold
        from sklearn.metrics import recall_score  # slow to import

        balanced = recall_score(
            y, student.predict(strong), labels=classes, average="macro"
        )
        chance = 1 / len(classes)
        gain = max(0.0, (balanced - chance) / (1 - chance))
        return np.full(len(batch), gain), state


def default_student() -> Any:
    # imported late: linear models are most of what importing overlapkit would cost
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
