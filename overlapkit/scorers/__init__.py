"""Scores per row of weakly labelled data: the higher, the more worth training on."""

from overlapkit.scorers._base import BaseScorer
from overlapkit.scorers._confidence import ConfidenceScorer
from overlapkit.scorers._cut_statistic import CutStatisticScorer
from overlapkit.scorers._self_confidence import SelfConfidenceScorer
from overlapkit.scorers._similarity import reference_similarity
from overlapkit.weak._confidence import weak_confidence

__all__ = [
    "BaseScorer",
    "ConfidenceScorer",
    "CutStatisticScorer",
    "SelfConfidenceScorer",
    "reference_similarity",
    "weak_confidence",
]
