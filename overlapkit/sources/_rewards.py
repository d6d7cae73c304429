"""What makes a batch of rows worth having: rewards of source selection.

A reward is a small immutable value with two methods. ``start`` looks at the rows that
the detector was fitted on and returns what the reward wants to remember; ``score``
gives every row of a new batch a number in [0, 1], or NaN where a row says nothing, and
returns what is to be remembered next. What is remembered is part of the fitted
state of :class:`~overlapkit.UCBSourceSelector`; the reward itself never changes, so
it can be shared, compared and put into a parameter grid.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from sklearn.base import clone

from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.scorers._base import fit_selector, score_selector
from overlapkit.scorers._regions import OVERLAP, confidence_threshold, overlap_threshold
from overlapkit.scorers._similarity import reference_similarity
from overlapkit.weak._rows import WeakRows
from overlapkit.weak._views import check_strong

__all__ = [
    "Batch",
    "BatchOverlapDensity",
    "LabelPurity",
    "MeanScore",
    "OverlapDensity",
    "Reward",
    "StudentGain",
]


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows that a reward looks at, read once.

    Parameters
    ----------
    X : array or dataframe of shape (n_rows, n_features)
        The rows as they came, with columns that are in neither view, if any.
    strong : array or dataframe of shape (n_rows, n_strong_features)
        The strong view.
    weak : WeakRows
        What the weak model says of each row: ``proba``, ``classes``, ``codes``
        (positions in ``classes``), ``labels`` and ``confidence(kind)``.
    regions : ndarray of shape (n_rows,) of int8
        Region of each row by the fitted detector: 0 easy, 1 overlap, 2 hard.
    y : ndarray of shape (n_rows,) or None
        Labels, where there are any.
    known : ndarray of shape (n_rows,) of bool
        Rows whose label in `y` is known.
    detector : OverlapDetector
        The fitted detector.
    rows : ndarray of shape (n_rows,) of int, default=None
        Positions of the rows among those the reward was started on, if they are some
        of those; None: new rows.

    Examples
    --------
    A reward of one's own, which wants hard rows:

    >>> from overlapkit.sources import Reward
    >>> class HardShare:
    ...     def start(self, reference):
    ...         return None
    ...
    ...     def score(self, batch, memory):
    ...         return (batch.regions == 2).astype(float), memory
    >>> isinstance(HardShare(), Reward)
    True
    """

    X: Any
    strong: Any
    weak: WeakRows
    regions: np.ndarray
    y: np.ndarray | None
    known: np.ndarray
    detector: Any
    rows: np.ndarray | None = None


@runtime_checkable
class Reward(Protocol):
    """What :class:`~overlapkit.UCBSourceSelector` asks of a reward.

    Examples
    --------
    >>> from overlapkit.sources import OverlapDensity, Reward
    >>> isinstance(OverlapDensity(), Reward)
    True
    """

    def start(self, reference: Batch) -> Any:
        """Return what to remember, given the rows the detector was fitted on.

        Parameters
        ----------
        reference : Batch
            The rows the detector was fitted on.

        Returns
        -------
        memory : object
            Handed to the first call of `score`.
        """
        ...

    def score(self, batch: Batch, memory: Any) -> tuple[np.ndarray, Any]:
        """Return a number in [0, 1] or NaN per row, and what to remember next.

        Parameters
        ----------
        batch : Batch
            The rows to score.
        memory : object
            What `start` or the last call returned. It must not be changed in place:
            a batch that is refused leaves no trace.

        Returns
        -------
        scores : ndarray of shape (n_rows,)
            A number in [0, 1] for each row, NaN where it says nothing.
        memory : object
            What to remember next.
        """
        ...


@dataclass(frozen=True)
class OverlapDensity:
    """The share of rows that the fitted detector calls overlap: the default.

    A row is worth 1 when it is detected as overlap and 0 when not. Thresholds and
    hard rows are those the detector was fitted with, so that batches of all sources
    and rounds are measured with one ruler.

    See Also
    --------
    BatchOverlapDensity : Thresholds cut anew in every batch.

    Examples
    --------
    >>> from overlapkit.sources import OverlapDensity
    >>> OverlapDensity()
    OverlapDensity()
    """

    def start(self, reference: Batch) -> None:
        """Remember nothing; the ruler is the detector."""
        return None

    def score(self, batch: Batch, memory: Any) -> tuple[np.ndarray, Any]:
        """1 for a detected overlap row, 0 for any other."""
        return (batch.regions == OVERLAP).astype(np.float64), memory


@dataclass(frozen=True)
class BatchOverlapDensity:
    r"""Overlap by thresholds cut anew in every batch: the form of the authors' code.

    The change point of the batch's own confidences says which of its rows are hard;
    its other rows are compared with those and with all hard rows of earlier batches
    by the largest inner product; the change point of these products and those of
    earlier batches says which are overlap.

    It is here to be held against :class:`OverlapDensity`. A change point splits
    whatever it is given, so a batch without overlap and one full of it can read
    alike, and there is nothing left for a policy to learn.

    Parameters
    ----------
    history : bool, default=True
        Carry hard rows and products of earlier batches along, as the authors do.
        False: each batch by itself.

    Notes
    -----
    Rewards of earlier batches are not read again, so they depend on the order of the
    batches. Time and memory of a round grow with the rounds before it.

    References
    ----------
    .. [1] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025.

    Examples
    --------
    >>> from overlapkit.sources import BatchOverlapDensity
    >>> BatchOverlapDensity(history=False)
    BatchOverlapDensity(history=False)
    """

    history: bool = True

    def start(self, reference: Batch) -> None:
        """No hard rows and no products yet."""
        return None

    def score(self, batch: Batch, memory: Any) -> tuple[np.ndarray, Any]:
        """1 for a row above the threshold of this batch, 0 for any other."""
        strong = batch.detector.rule_.represent(batch.strong)
        confidence = batch.weak.confidence(batch.detector.confidence)
        threshold, _ = confidence_threshold(confidence, "changepoint")
        hard = confidence < threshold
        rows, products = strong[hard], np.empty(0)
        if self.history and memory is not None:
            rows, products = np.concatenate([memory[0], rows]), memory[1]
        rewards = np.zeros(len(hard))
        if len(rows) and not hard.all():
            scores = reference_similarity(
                strong[~hard], rows, metric="dot", aggregation="max", absolute=False
            )
            products = np.concatenate([products, scores])
            threshold, _ = overlap_threshold(products, "changepoint")
            rewards[~hard] = scores > threshold
        return rewards, (rows, products) if self.history else None


@dataclass(frozen=True)
class LabelPurity:
    """The share of labelled rows whose weak label is right.

    A source whose weak labels are right can teach, whatever its overlap. Rows without
    a label say nothing, so some rows of each batch need one.

    See Also
    --------
    StudentGain : What a student makes of the batch.

    Examples
    --------
    >>> from overlapkit.sources import LabelPurity
    >>> LabelPurity() == LabelPurity()
    True
    """

    def start(self, reference: Batch) -> None:
        """Remember nothing."""
        return None

    def score(self, batch: Batch, memory: Any) -> tuple[np.ndarray, Any]:
        """1 where the weak label is right, 0 where wrong, NaN where unknown."""
        rewards = np.full(len(batch.known), np.nan)
        if batch.known.any():
            labels = batch.weak.labels[batch.known]
            y: Any = batch.y  # an array wherever a label is known
            rewards[batch.known] = labels == y[batch.known]
        return rewards, memory


@dataclass(frozen=True)
class MeanScore:
    r"""The mean of a scorer, on the scale of the reference rows.

    Scores have no common scale, and policies need rewards in [0, 1]. So a row is worth
    its rank among the `m` reference rows:

    .. math:: r(x) = \frac{1}{m} \sum_{j=1}^{m} \left(
        \mathbf{1}[s_j < s(x)] + \tfrac{1}{2} \mathbf{1}[s_j = s(x)] \right)

    A scorer of this package scores reference rows out of sample, each without itself;
    so a source that is like the reference has a mean rank of about one half.

    Parameters
    ----------
    scorer : estimator
        A scorer of :mod:`overlapkit.scorers`, which is handed views and weak labels of
        the detector; or any estimator with ``fit`` and ``score_samples``, fitted on
        the strong view and the weak labels of the reference rows.

    Examples
    --------
    >>> from overlapkit.sources import MeanScore
    >>> from overlapkit.scorers import ConfidenceScorer
    >>> MeanScore(ConfidenceScorer())
    MeanScore(scorer=ConfidenceScorer())
    """

    scorer: Any

    def start(self, reference: Batch) -> tuple[Any, np.ndarray]:
        """Fit the scorer and remember the sorted scores of the reference rows."""
        scorer, scores, _ = fit_selector(self.scorer, reference.weak)
        return scorer, np.sort(scores[reference.weak.covered])

    def score(self, batch: Batch, memory: Any) -> tuple[np.ndarray, Any]:
        """Rank of each row among the reference rows."""
        scorer, known = memory
        scores = _scores(scorer, batch)
        below = np.searchsorted(known, scores, side="left")
        up_to = np.searchsorted(known, scores, side="right")
        return (below + up_to) / (2 * len(known)), memory


def _scores(scorer, batch) -> np.ndarray:
    if batch.rows is not None and hasattr(scorer, "scores_"):
        # what it learnt from, scored afresh, would rank above all new rows
        return np.asarray(scorer.scores_[batch.rows], dtype=np.float64)
    return np.asarray(score_selector(scorer, batch.weak), dtype=np.float64)


@dataclass(frozen=True)
class StudentGain:
    r"""How well a student that learns from this batch alone labels the reference rows.

    A student is trained on the weak labels of the batch and judged on the labelled rows
    of the reference. With `b` its balanced accuracy there and `C` classes, every row of
    the batch is worth

    .. math:: \max(0, (b - 1/C) / (1 - 1/C)),

    what it gains over guessing, on a scale from 0 to 1. It counts everything that
    matters to a student, which overlap density does not: the balance of classes, the
    purity of labels, and how alike the rows are. A batch of one class is worth 0.

    Parameters
    ----------
    estimator : classifier, default=None
        The student. None: strongly regularised logistic regression (C = .01) on the
        standardised strong columns, which can learn from few rows.

    Raises
    ------
    ValueError
        In ``start``, if the reference has no labelled rows of two classes.

    Notes
    -----
    All rows of a batch share one number, so it is less certain than so many rows would
    make it: :class:`~overlapkit.policies.UCB` with ``bonus="rounds"`` is the cautious
    companion. Batches that the reference was made of are judged on their own rows too.

    Examples
    --------
    >>> from overlapkit.sources import StudentGain
    >>> StudentGain()
    StudentGain(estimator=None)
    """

    estimator: Any = None

    def start(self, reference: Batch) -> tuple[Any, np.ndarray]:
        """Remember the labelled rows of the reference.

        Parameters
        ----------
        reference : Batch
            The rows the detector was fitted on.

        Returns
        -------
        memory : tuple
            Strong view and labels of the labelled rows.

        Raises
        ------
        ValueError
            If there are no labelled rows of two classes.
        """
        rows = np.flatnonzero(reference.known)
        y: Any = reference.y  # an array wherever a label is known
        classes: Any = np.unique(y[rows]) if len(rows) else []
        if len(classes) < 2:
            raise ValueError(
                "StudentGain judges students on labelled rows of the reference, which "
                f"has {len(rows)} labelled rows of {len(classes)} class(es). Give a "
                "reference with labels of at least two classes."
            )
        return check_strong(_safe_indexing(reference.strong, rows)), y[rows]

    def score(self, batch: Batch, memory: Any) -> tuple[np.ndarray, Any]:
        """One number for all rows of the batch."""
        strong, y = memory
        labels = batch.weak.labels
        if len(np.unique(labels)) < 2:
            return np.zeros(len(labels)), memory
        student = (
            _default_student() if self.estimator is None else clone(self.estimator)
        )
        student.fit(check_strong(batch.strong), labels)
        right = student.predict(strong) == y
        classes = np.unique(y)
        balanced = np.mean([right[y == c].mean() for c in classes])
        chance = 1 / len(classes)
        gain = max(0.0, (balanced - chance) / (1 - chance))
        return np.full(len(labels), gain), memory


def _default_student() -> Any:
    # imported late: linear models are most of what importing overlapkit would cost
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
