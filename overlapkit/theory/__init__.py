"""What can be proved about overlap and source selection, and what it takes.

The statements on expansion are those of Lang, Sontag and Vijayaraghavan (NeurIPS
2024). The texts of the theorems of Shin, Cooper and Sala (ICLR 2025), which build on
them, could not be verified and are not restated here; the regret bound is a standard
one, derived in full in the docstring of :func:`ucb_regret_bound`.
"""

from overlapkit.theory._density import overlap_density_bound
from overlapkit.theory._expansion import neighborhood_graph
from overlapkit.theory._regret import simulate_regret, ucb_regret_bound
from overlapkit.theory._report import overlap_expansion_report

__all__ = [
    "neighborhood_graph",
    "overlap_density_bound",
    "overlap_expansion_report",
    "simulate_regret",
    "ucb_regret_bound",
]
