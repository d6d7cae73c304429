"""What a run is given: readings of batches, and the rules of its decisions."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np

from overlapkit._utils.shares import wilson_interval
from overlapkit.policies import Policy
from overlapkit.policies._state import check_policy

__all__ = [
    "Reading",
    "Rules",
    "changes_of",
    "pack_readings",
    "rules_as_texts",
    "unpack_readings",
]


@dataclass(frozen=True, eq=False)
class Reading:
    """What was measured on one batch.

    Attributes
    ----------
    reward, n_rewards : float
        Sum of the rewards of the rows that have one, and the number of these rows.
    overlap : ndarray of shape (n_rows,) of bool
        Rows detected as overlap.
    classes : ndarray of shape (n_classes,)
        Number of rows of each weak class.
    n_known, n_right : int, default=0
        Number of rows with a weak and a known label, and of those where they agree.
    """

    reward: float
    n_rewards: float
    overlap: np.ndarray
    classes: np.ndarray
    n_known: int = 0
    n_right: int = 0


@dataclass(frozen=True)
class Rules:
    """Parameters that decisions depend on; they may change between two rounds.

    Attributes
    ----------
    policy : Policy
        Decides as soon as there are rewards.
    n_rounds : int
        Number of rounds to be played.
    min_source_share, min_class_share : float
        Least share of the rounds of each source, and of the rows of each weak class.
    prices : dict, tuple of float, callable or None
        Price of a row of each source; a callable is given the number of the round.
    budget : float or None
        Largest total cost; None for no limit.
    batch_size : int or None
        Number of rows that a source is asked for; None if that is not known.
    source_names : tuple or None
        Names of the sources that can be queried; None: all.
    worth : float or None
        Worth of a row of reward 1, in the currency of the prices.
    """

    policy: Policy
    n_rounds: int
    min_source_share: float = 0.0
    min_class_share: float = 0.0
    prices: Mapping | tuple | Callable | None = None
    budget: float | None = None
    batch_size: int | None = None
    source_names: tuple | None = None
    worth: float | None = None

    def __post_init__(self) -> None:
        check_policy(self.policy)

    def affordable(self, prices, spent) -> np.ndarray:
        """Sources of which the budget allows a batch, given their prices."""
        if self.budget is None:
            return np.ones(len(prices), dtype=bool)
        n_rows = 1 if self.batch_size is None else self.batch_size
        return prices * n_rows <= self._left(spent)

    def affordable_rows(self, price, spent) -> int | None:
        """Number of rows to ask a source for; None for no limit."""
        if self.batch_size is not None or self.budget is None:
            return self.batch_size
        return int(self._left(spent) // price)

    def _left(self, spent):
        return (self.budget - spent) * (1 + 1e-12)

    def worth_it(self, prices, totals) -> np.ndarray:
        """Sources whose price the upper end of the interval of their reward pays."""
        if self.worth is None:
            return np.ones(len(prices), dtype=bool)
        n, needed = np.maximum(totals.n_rewards, 1), prices / self.worth
        mean = totals.rewards / n
        high = np.maximum(wilson_interval(mean, n)[1], mean)  # rounding at a mean of 1
        # no reward is larger than 1, and nothing is known without a row
        return (needed <= 1) & ((high >= needed) | (totals.n_rewards == 0))

    def lacking(self, class_rows) -> np.ndarray | None:
        """For each source its share of the class that has too few rows, or None."""
        collected = class_rows.sum(axis=0)
        if self.min_class_share == 0 or collected.sum() == 0:
            return None
        shares = collected / collected.sum()
        if shares.min() >= self.min_class_share:
            return None
        # one row of each class is added: few rows say little about a source
        smooth = class_rows + 1
        return smooth[:, shares.argmin()] / smooth.sum(axis=1)


def changes_of(told, rules) -> list[str]:
    """What differs between the rules of the last round and those of now, as texts."""
    if told is rules:
        return []
    before = rules_as_texts(told)
    return [
        f"{name}: {before[name][:200]} -> {text[:200]}"
        for name, text in rules_as_texts(rules).items()
        if text != before[name]
    ]


def rules_as_texts(rules) -> dict[str, str]:
    """Rules as texts; sources that come or go have events of their own."""
    if isinstance(rules, dict):  # of a saved run
        return rules
    values = {f.name: getattr(rules, f.name) for f in fields(rules)}
    del values["source_names"]
    # the address of a function is another one in every process
    return {k: re.sub(r" at 0x[0-9a-fA-F]+", "", repr(v)) for k, v in values.items()}


def pack_readings(readings, n_classes) -> dict:
    """Readings as arrays by name."""
    table = [[r.reward, r.n_rewards, r.n_known, r.n_right] for r in readings]
    classes = np.array([r.classes for r in readings], dtype=float)
    overlap = [np.empty(0, dtype=bool), *(r.overlap for r in readings)]
    return {
        "run_readings": np.array(table, dtype=float).reshape(len(readings), 4),
        "run_overlap": np.concatenate(overlap),
        "run_class_rows": classes.reshape(len(readings), n_classes),
    }


def unpack_readings(arrays, sizes) -> list:
    """Readings of batches of these sizes; None for each if there were none."""
    table = np.asarray(arrays["run_readings"])
    if len(table) == 0:
        return [None] * len(sizes)
    overlap = np.split(np.asarray(arrays["run_overlap"]), np.cumsum(sizes)[:-1])
    return [
        Reading(reward, n_rewards, rows, classes, int(n_known), int(n_right))
        for (reward, n_rewards, n_known, n_right), rows, classes in zip(
            table.tolist(), overlap, np.asarray(arrays["run_class_rows"])
        )
    ]
