"""What can be proved about overlap and source selection, and what it takes.

The statements on expansion are those of Lang, Sontag and Vijayaraghavan (NeurIPS
2024). The texts of the theorems of Shin, Cooper and Sala (ICLR 2025), which build on
them, could not be verified and are not restated here; the regret bound is a standard
one, derived in full in the docstring of :func:`ucb_regret_bound`.
"""

from overlapkit.theory._bounds import (
    ExpansionBound,
    coverage_expansion_bound,
    pseudolabel_correction_bound,
)
from overlapkit.theory._expansion import (
    ExpansionEstimate,
    estimate_expansion,
    neighborhood_graph,
    robust_mask,
    robust_sets,
)
from overlapkit.theory._regret import simulate_regret, ucb_regret_bound
from overlapkit.theory._report import overlap_expansion_report
from overlapkit.theory._shared_subspace import shared_subspace_risk

__all__ = [
    "ExpansionBound",
    "ExpansionEstimate",
    "coverage_expansion_bound",
    "estimate_expansion",
    "neighborhood_graph",
    "overlap_expansion_report",
    "pseudolabel_correction_bound",
    "robust_mask",
    "robust_sets",
    "shared_subspace_risk",
    "simulate_regret",
    "ucb_regret_bound",
]
