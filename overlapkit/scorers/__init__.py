"""Scores per row of weakly labelled data: the higher, the more worth keeping."""

from overlapkit._similarity import reference_similarity
from overlapkit._weak_confidence import weak_confidence
from overlapkit.scorers._confidence import ConfidenceScorer
from overlapkit.scorers._cut_statistic import CutStatisticScorer, cut_statistic
from overlapkit.scorers._self_confidence import SelfConfidenceScorer

__all__ = [
    "ConfidenceScorer",
    "CutStatisticScorer",
    "SelfConfidenceScorer",
    "cut_statistic",
    "reference_similarity",
    "weak_confidence",
]
