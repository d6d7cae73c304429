"""Policies that decide which data source to query next.

A policy is a small immutable value: it holds parameters and one formula, and no
counts. What is known about the sources travels in a :class:`SourceState`, so the
same policy object can be shared, hashed, pickled, printed, compared and put into a
parameter grid. :func:`choose_source` turns the numbers of a policy into a choice.
"""

from overlapkit.policies._confidence import KLUCB, UCB
from overlapkit.policies._sampling import (
    EpsilonGreedy,
    Greedy,
    Oracle,
    RandomChoice,
    Thompson,
)
from overlapkit.policies._state import Policy, SourceState, choose_source

__all__ = [
    "KLUCB",
    "UCB",
    "EpsilonGreedy",
    "Greedy",
    "Oracle",
    "Policy",
    "RandomChoice",
    "SourceState",
    "Thompson",
    "choose_source",
]
