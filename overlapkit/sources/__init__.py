"""Choose among data sources: what makes a batch of rows worth having."""

from overlapkit.sources._rewards import (
    Batch,
    BatchOverlapDensity,
    LabelPurity,
    MeanScore,
    OverlapDensity,
    Reward,
    StudentGain,
)

__all__ = [
    "Batch",
    "BatchOverlapDensity",
    "LabelPurity",
    "MeanScore",
    "OverlapDensity",
    "Reward",
    "StudentGain",
]
