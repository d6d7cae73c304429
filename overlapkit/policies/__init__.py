"""Policies that decide which data source to query next.

A policy is a small immutable value: it holds parameters and one formula, and no
counts. The counts of a run are in a :class:`SourceState`, so the same policy object can
be shared, hashed, pickled, compared and put into a parameter grid. A policy turns the
counts into one number per source, and :func:`choose_source` turns the numbers into a
choice.
"""

from overlapkit.policies._confidence import KLUCB, UCB
from overlapkit.policies._drift import DiscountedUCB
from overlapkit.policies._sampling import EpsilonGreedy, RandomChoice, Thompson
from overlapkit.policies._state import Policy, SourceState, choose_source

__all__ = [
    "KLUCB",
    "UCB",
    "DiscountedUCB",
    "EpsilonGreedy",
    "Policy",
    "RandomChoice",
    "SourceState",
    "Thompson",
    "choose_source",
]
