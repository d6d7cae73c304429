"""Rewards for the selection of data sources: the value of the rows of a batch."""

from overlapkit.sources._pilot import pilot_sources
from overlapkit.sources._rewards import (
    Batch,
    LabelPurity,
    MeanScore,
    OverlapDensity,
    Reward,
    StudentGain,
)

__all__ = [
    "Batch",
    "LabelPurity",
    "MeanScore",
    "OverlapDensity",
    "Reward",
    "StudentGain",
    "pilot_sources",
]
