"""Metrics of weak-to-strong learning."""

from overlapkit.metrics._regret import cumulative_regret
from overlapkit.metrics._scores import (
    overlap_density_score,
    performance_gap_recovered_score,
    region_report,
)

__all__ = [
    "cumulative_regret",
    "overlap_density_score",
    "performance_gap_recovered_score",
    "region_report",
]
