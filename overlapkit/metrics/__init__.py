"""Metrics of weak-to-strong learning."""

from overlapkit.metrics._regret import cumulative_regret
from overlapkit.metrics._scores import performance_gap_recovered_score

__all__ = ["cumulative_regret", "performance_gap_recovered_score"]
