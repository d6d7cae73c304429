"""RegionRule: thresholds and hard rows of one fit, by which any rows are read."""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from scipy.sparse import issparse

from overlapkit._utils.dask_arrays import is_chunked
from overlapkit._utils.jobs import cluster, goes_as_files, run_jobs
from overlapkit._utils.memory_map import in_memory, read_rows
from overlapkit._utils.sklearn_compat import _num_samples
from overlapkit._utils.threads import steps
from overlapkit.scorers._neighbors import neighbor_similarity
from overlapkit.scorers._regions import UNCOVERED, region_codes
from overlapkit.scorers._similarity import PreparedReference
from overlapkit.weak._views import check_strong

__all__ = ["RegionReading", "RegionRule"]

# A row is sent once and compared with every reference row: with fewer of these, or
# little to do in all, sending takes longer than comparing here.
_WORTH_SENDING = 2000
_WORTH_STARTING = 10**10
_SENT_BYTES = 8 << 20


class RegionReading:
    """What a rule says of rows.

    Neither the region nor the rank of a hard row depends on its similarity to the hard
    rows, so those are computed when `scores` is asked for.

    Parameters
    ----------
    confidence, certainty, regions, ranks : ndarray of shape (n_samples,)
        As under Attributes.
    scores : ndarray of shape (n_samples,)
        Similarity to the hard rows, of any value for rows in `missing`.
    missing : ndarray of int
        Positions of the rows whose scores are not computed yet.
    complete : callable
        Positions of rows -> their scores.

    Attributes
    ----------
    confidence : ndarray of shape (n_samples,)
        Weak confidence; 0 for rows that are not covered.
    scores : ndarray of shape (n_samples,)
        Similarity to the hard rows.
    certainty : ndarray of shape (n_samples,)
        The confidence, lifted to the threshold for rows that are not counted as hard
        because they resemble confident ones.
    regions : ndarray of shape (n_samples,) of int8
        0 easy, 1 overlap, 2 hard, 3 not covered.
    ranks : ndarray of shape (n_samples,)
        The scores, with hard rows below all others, least confident last.
    """

    def __init__(
        self, confidence, scores, certainty, regions, ranks, missing, complete
    ):
        self.confidence = confidence
        self.certainty = certainty
        self.regions = regions
        self.ranks = ranks
        self._scores = scores
        self._missing, self._complete = missing, complete

    @property
    def scores(self):
        """Similarity to the hard rows."""
        if len(self._missing):
            self._scores[self._missing] = self._complete(self._missing)
            self._missing = self._missing[:0]
        return self._scores


@dataclass(frozen=True, eq=False)
class RegionRule:
    """A fitted rule that reads easy, overlap and hard rows, of `fit` or new.

    Thresholds, hard rows and representation come from one fit and are applied to any
    rows, so that densities of different batches are comparable.

    Parameters
    ----------
    confidence : {"margin", "max", "entropy"}
        Kind of weak confidence.
    confidence_threshold, overlap_threshold : float
        Hard is strictly below the first; of the rest, overlap strictly above the
        second.
    reference : ndarray of shape (n_reference, n_features)
        The hard rows that others are compared with, as the representation gives them.
    metric : {"cosine", "dot", "euclidean"}
        The similarity.
    aggregation : dict
        Parameters of the aggregation of similarities.
    representation, neighbors : transformer or None
        Fitted, see :class:`~overlapkit.OverlapDetector`.
    confident_reference : ndarray of shape (n_confident, n_features)
        Confident rows, resembling which takes a row out of the hard ones.
    refinement_threshold : float
        Mean similarity to those above which it does; infinite: never.
    score_floor : float
        Smallest score of a row that is not hard, for the ranks.
    n_jobs : int or None
        Threads.
    """

    confidence: str
    confidence_threshold: float
    overlap_threshold: float
    reference: np.ndarray
    metric: str
    aggregation: dict
    representation: Any
    neighbors: Any
    confident_reference: np.ndarray
    refinement_threshold: float
    score_floor: float
    n_jobs: int | None

    def represent(self, strong) -> np.ndarray:
        """The strong view as similarities take it: represented, finite floats.

        Parameters
        ----------
        strong : array or dataframe of shape (n_samples, n_strong_features)
            The strong view.

        Returns
        -------
        strong : ndarray of shape (n_samples, n_features)
            What rows of `reference` are like.
        """
        return represented(self.representation, strong)

    def read(self, rows, strong=None) -> RegionReading:
        """Regions of weakly labelled rows.

        Parameters
        ----------
        rows : WeakRows
            The rows.
        strong : ndarray of shape (n_samples, n_features), default=None
            Their strong view, represented. None: it is represented here.

        Returns
        -------
        reading : RegionReading
            Confidence, score and region of each.
        """
        strong = self.represent(rows.strong) if strong is None else strong
        confidence = rows.confidence(self.confidence)
        certainty = lift_confident(
            strong,
            confidence,
            self.confidence_threshold,
            self.confident_reference,
            self.refinement_threshold,
            self.metric,
            self.n_jobs,
        )
        # similarity decides nothing for the rows below the threshold
        below = certainty < self.confidence_threshold
        scores = np.zeros(len(strong), dtype=precision_of(strong))
        others = np.flatnonzero(~below)
        scores[others] = self.similarity(strong, others)

        def complete(positions):
            return self.similarity(strong, positions)

        return self.conclude(confidence, scores, certainty, rows.covered, complete)

    def similarity(self, strong, positions=None) -> np.ndarray:
        """Similarity of represented rows to the hard rows.

        Parameters
        ----------
        strong : ndarray of shape (n_samples, n_features)
            Represented rows.
        positions : ndarray of int, default=None
            Ascending positions of the rows to score. None: all.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_positions,)
            Aggregated similarities; 0 without hard rows.
        """
        chunked = is_chunked(strong)
        if chunked or len(self.reference) == 0 or self.neighbors is not None:
            if positions is not None and len(positions) < len(strong):
                strong = (
                    strong.at(positions) if chunked else read_rows(strong, positions)
                )
            return similarity_to(
                self.reference,
                strong,
                self.metric,
                self.aggregation,
                self.neighbors,
                self.n_jobs,
            )
        if positions is not None and len(positions) == len(strong):
            positions = None
        precise = strong.dtype == np.float64
        prepared = self._prepared64 if precise else self._prepared32
        return _score(prepared, strong, positions, self.aggregation, self.n_jobs)

    # a rule reads many batches, so its reference is made ready once
    @cached_property
    def _prepared32(self):
        return PreparedReference(self.reference, metric=self.metric, dtype=np.float32)

    @cached_property
    def _prepared64(self):
        return PreparedReference(self.reference, metric=self.metric, dtype=np.float64)

    def __getstate__(self):
        """Without what can be made ready again."""
        made = ("_prepared32", "_prepared64")
        return {k: v for k, v in vars(self).items() if k not in made}

    def conclude(
        self, confidence, scores, certainty, covered, complete
    ) -> RegionReading:
        """Regions and ranks from confidences and scores.

        Parameters
        ----------
        confidence, scores, certainty : ndarray of shape (n_samples,)
            As :class:`RegionReading` holds them; scores below the confidence threshold
            may be missing.
        covered : ndarray of shape (n_samples,) of bool
            Rows with a weak label.
        complete : callable
            Positions of rows -> their scores, for those that are missing.

        Returns
        -------
        reading : RegionReading
            All of it.
        """
        regions = region_codes(
            certainty,
            scores,
            self.confidence_threshold,
            self.overlap_threshold,
            covered,
        )
        below = certainty - self.confidence_threshold
        floor = self.score_floor
        ranks = np.where(below < 0, floor + below, np.maximum(scores, floor))
        missing = np.flatnonzero(below < 0)
        return RegionReading(
            confidence, scores, certainty, regions, ranks, missing, complete
        )

    def decide(self, reading) -> np.ndarray:
        """Distance to the overlap threshold, above 0 for overlap rows.

        Parameters
        ----------
        reading : RegionReading
            Of the rows.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Score less its threshold; for hard rows at most the (negative) distance of
            their confidence to its threshold; minus infinity for rows that are not
            covered.
        """
        threshold = min(self.overlap_threshold, np.finfo(reading.scores.dtype).max)
        below = reading.certainty - self.confidence_threshold
        decision = reading.scores - threshold
        decision = np.where(below < 0, np.minimum(decision, below), decision)
        decision[reading.regions == UNCOVERED] = -np.inf
        return decision


def represented(representation, strong) -> np.ndarray:
    """The strong view as a fitted representation gives it, in finite floats.

    Raises
    ------
    ValueError
        If there is another number of rows, or a value is no finite number.
    TypeError
        If the representation gives a sparse matrix.
    """
    if is_chunked(strong):
        return strong.map(partial(represented, representation))
    if representation is None:
        return check_strong(strong)
    name, n_rows = type(representation).__name__, _num_samples(strong)
    strong = representation.transform(in_memory(strong))
    if issparse(strong):
        raise TypeError(
            f"representation={name} gives a sparse matrix, but similarities need dense "
            "rows: let it give dense ones, such as OneHotEncoder(sparse_output=False) "
            "or ColumnTransformer(..., sparse_threshold=0), or let TruncatedSVD follow."
        )
    if _num_samples(strong) != n_rows:
        raise ValueError(
            f"representation={name} gives {_num_samples(strong)} rows for {n_rows}: it "
            "must give one for each."
        )
    return check_strong(strong)


def precision_of(strong) -> np.dtype:
    """Precision of the scores of represented rows."""
    return np.dtype(np.float64 if strong.dtype == np.float64 else np.float32)


def similarity_to(reference, strong, metric, aggregation, neighbors, n_jobs):
    """Similarity of represented rows to reference rows; 0 without any."""
    dtype = precision_of(strong)
    if is_chunked(strong) and len(reference) > 0 and neighbors is None:
        # made ready here, once, not by every chunk
        prepared = PreparedReference(reference, metric=metric, dtype=dtype)
        return strong.apply(partial(_score_rows, prepared, aggregation))
    if is_chunked(strong):
        score = partial(similarity_to, reference)
        return strong.apply(score, metric, aggregation, neighbors, 1)
    if len(reference) == 0:
        return np.zeros(len(strong), dtype=dtype)
    prepared = partial(PreparedReference, reference, metric=metric, dtype=dtype)
    if neighbors is None:
        return _score(prepared(), strong, None, aggregation, n_jobs)
    scores = neighbor_similarity(neighbors, strong, reference, metric)
    # rows without a neighbour are compared with all
    alone = np.flatnonzero(scores < 0)
    if len(alone):
        rows = read_rows(strong, alone)
        scores[alone] = _score(prepared(), rows, None, aggregation, n_jobs)
    return scores


def _score(prepared, strong, positions, aggregation, n_jobs) -> np.ndarray:
    """Scores by threads, or by the workers of a cluster where there is enough to do."""
    n_rows = len(strong) if positions is None else len(positions)
    operations = n_rows * prepared.n_rows * prepared.n_features
    if cluster() is None or not (
        prepared.n_rows >= _WORTH_SENDING and operations >= _WORTH_STARTING
    ):
        return prepared.score(strong, rows=positions, **aggregation, n_jobs=n_jobs)
    # a few blocks for each worker, so that none waits long for the last
    step = -(-n_rows // (4 * effective_n_jobs(-1)))
    if goes_as_files(strong):
        shared, job = (prepared, aggregation, strong), _score_positions
        blocks = steps(n_rows, step)
        if positions is None:
            work = [(range(start, stop),) for start, stop in blocks]
        else:
            work = [(positions[start:stop],) for start, stop in blocks]
    else:
        if positions is not None:
            strong = read_rows(strong, positions)
        step = min(step, max(1, _SENT_BYTES * n_rows // strong.nbytes))
        shared, job = (prepared, aggregation), _score_rows
        work = ((strong[start:stop],) for start, stop in steps(n_rows, step))
    return np.concatenate(run_jobs(job, work, shared=shared))


def _score_rows(prepared, aggregation, strong):
    return prepared.score(strong, **aggregation, n_jobs=1)


def _score_positions(prepared, aggregation, strong, positions):
    if isinstance(positions, range):
        return _score_rows(
            prepared, aggregation, strong[positions.start : positions.stop]
        )
    return prepared.score(strong, rows=positions, **aggregation, n_jobs=1)


def lift_confident(
    strong, confidence, threshold, confident, least_similarity, metric, n_jobs
) -> np.ndarray:
    """Confidences; those of rows that resemble confident ones lifted to the threshold.

    Parameters
    ----------
    strong : ndarray of shape (n_samples, n_features)
        Represented rows.
    confidence : ndarray of shape (n_samples,)
        Weak confidence.
    threshold : float
        Below which a row is a candidate for hard.
    confident : ndarray of shape (n_confident, n_features)
        Confident rows.
    least_similarity : float
        Mean similarity to those above which a candidate is not hard.
    metric : str
        The similarity.
    n_jobs : int or None
        Threads.

    Returns
    -------
    certainty : ndarray of shape (n_samples,)
    """
    candidates = np.flatnonzero(confidence < threshold)
    if np.isinf(least_similarity) or len(candidates) == 0:
        return confidence
    similarity = similarity_to(
        confident,
        read_rows(strong, candidates),
        metric,
        {"aggregation": "mean"},
        None,
        n_jobs,
    )
    certainty = confidence.copy()
    certainty[candidates[similarity > least_similarity]] = threshold
    return certainty
