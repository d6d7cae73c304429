"""Reading regions with thresholds and hard rows that belong to an earlier fit."""

import numpy as np

from overlapkit._utils.memory_map import read_rows
from overlapkit.scorers._base import BaseWeakScorer, check_strong
from overlapkit.scorers._neighbors import neighbor_similarity
from overlapkit.scorers._overlap_checks import likeness
from overlapkit.scorers._regions import region_codes
from overlapkit.scorers._similarity import reference_similarity

__all__ = ["RegionReader"]


class RegionReader(BaseWeakScorer):
    """What a fitted OverlapDetector does with rows, old and new."""

    def _represent(self, strong):
        if self.representation_ is not None:
            strong = self.representation_.transform(strong)
        return check_strong(strong)

    def _similarity(self, strong):
        if len(self.reference_) == 0:
            dtype = np.float64 if strong.dtype == np.float64 else np.float32
            return np.zeros(len(strong), dtype=dtype)
        if self.neighbors_ is not None:
            return neighbor_similarity(
                self.neighbors_, strong, self.reference_, self.metric, self.n_jobs
            )
        return reference_similarity(
            strong,
            self.reference_,
            metric=self.metric,
            aggregation=self.aggregation,
            n_jobs=self.n_jobs,
        )

    def _likeness(self, strong):
        return likeness(strong, self.confident_reference_, self.metric, self.n_jobs)

    def _acquit(self, strong, confidence):
        """Confidences, those of acquitted rows lifted to the threshold."""
        candidates = np.flatnonzero(confidence < self.confidence_threshold_)
        if np.isinf(self.purification_threshold_) or len(candidates) == 0:
            return confidence
        alike = (
            self._likeness(read_rows(strong, candidates)) > self.purification_threshold_
        )
        certainty = confidence.copy()
        certainty[candidates[alike]] = self.confidence_threshold_
        return certainty

    def _rank(self, certainty, scores):
        """Overlap scores, with hard rows below all others, least confident last."""
        below = certainty - self.confidence_threshold_
        floor = self._score_floor
        return np.where(below < 0, floor + below, np.maximum(scores, floor))

    def _read(self, strong, weak):
        """Confidence, overlap score and, after purification, certainty of rows."""
        strong = self._represent(strong)
        confidence = weak.confidence(self.confidence)
        return confidence, self._similarity(strong), self._acquit(strong, confidence)

    def _score(self, strong, weak):
        _, scores, certainty = self._read(strong, weak)
        return self._rank(certainty, scores)

    def _regions(self, strong, weak):
        _, scores, certainty = self._read(strong, weak)
        return region_codes(
            certainty, scores, self.confidence_threshold_, self.overlap_threshold_
        )
