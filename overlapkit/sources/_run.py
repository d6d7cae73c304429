"""A run of source selection: names and readings in, decisions out."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any

import numpy as np
import pandas as pd

from overlapkit._utils.wilson import wilson_interval
from overlapkit.policies import Policy, SourceState, choose_source
from overlapkit.policies._checks import check_policy
from overlapkit.sources._checks import check_names, plain, prices_of

__all__ = ["Reading", "Rules", "SourceRun"]


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
    """

    reward: float
    n_rewards: float
    overlap: np.ndarray
    classes: np.ndarray


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
    prices : dict, tuple of float or None
        Price of a row of each source.
    budget : float or None
        Largest total cost; None for no limit.
    batch_size : int or None
        Number of rows that a source is asked for; None if that is not known.
    """

    policy: Policy
    n_rounds: int
    min_source_share: float = 0.0
    min_class_share: float = 0.0
    prices: Mapping | tuple | None = None
    budget: float | None = None
    batch_size: int | None = None

    def __post_init__(self) -> None:
        check_policy(self.policy)


@dataclass(frozen=True, eq=False)
class _Decision:
    """The next source, the index it was chosen by, and the generator afterwards."""

    source: int | None
    index: np.ndarray | None
    rng: np.random.RandomState


def _on_a_copy(method):
    """Let a method change a copy of its run, and return that."""

    @wraps(method)
    def changed(self, *args, **kwargs):
        run = copy.copy(self)
        method(run, *args, **kwargs)
        return run

    return changed


class SourceRun:
    """Counts per source, one line per round, and the decision on the next source.

    A run does not change: every method that takes something in returns a new run, so a
    batch that is refused half way leaves the old one as it was. Rows are none of its
    business; it is given readings of batches.

    Parameters
    ----------
    names : list
        Names of the sources.
    rules : Rules
        Parameters of the decisions.
    seed : int
        Seed of the decisions. The generator belongs to the run alone and is pickled
        with it, so that a saved run continues with the same decisions.
    ready : bool, default=False
        Whether batches can be read from the first round on. Before they can, sources
        are queried in turn.
    closed : bool, default=True
        Whether `names` are all sources; if not, others can join with a batch.

    Attributes
    ----------
    names : list
        Names of the sources, in the order in which they are counted.
    next : object
        Name of the source to query next; None if no further round is to be played.
    t : int
        Number of rounds played.
    spent : float
        Cost so far; the number of rows if there are no prices.
    sources, sizes, readings : list
        Position of the source, number of rows and reading (or None) of each round.
    rounds, n_rows, rewards, n_rewards : ndarray of shape (n_sources,)
        Totals of each source.
    class_rows : ndarray of shape (n_sources, n_classes)
        Rows of each weak class, for each source.
    exhausted : ndarray of shape (n_sources,) of bool
        Sources that have no rows left.
    history : DataFrame
        One line per round, as documented in
        :class:`~overlapkit.UCBSourceSelector`.
    """

    def __init__(self, names, rules, seed, *, ready=False, closed=True):
        self.names, self.rules = list(names), rules
        self.ready, self.closed = ready, closed
        self.classes = np.empty(0)
        self.exhausted = np.zeros(len(self.names), dtype=bool)
        self.sources, self.sizes, self.readings = [], [], []
        self._indices, self._costs, self._lines = [], [], []
        self._rng = np.random.RandomState(seed)
        self._check()
        self._count_all()
        self._decide()

    def __getstate__(self):
        """Copy and pickle a run without its table, which its rounds give."""
        return {k: v for k, v in vars(self).items() if k != "history"}

    def __setstate__(self, state):
        """Take lists and arrays as copies, so that a copied run shares none."""
        for name, value in state.items():
            shared = isinstance(value, list | np.ndarray)
            setattr(self, name, value.copy() if shared else value)

    # -- what is known ---------------------------------------------------------------
    @property
    def next(self) -> Any:
        """Name of the source to query next, or None."""
        k = self._decision.source
        return None if k is None else self.names[k]

    @property
    def t(self) -> int:
        """Number of rounds played."""
        return len(self.sources)

    @property
    def spent(self) -> float:
        """Cost so far."""
        return self._costs[-1] if self._costs else 0.0

    def rows_of(self, name) -> int:
        """Number of rows received from a source."""
        return int(self.n_rows[self.names.index(name)])

    def queried_all(self, name) -> bool:
        """Whether every source was queried or is exhausted, once `name` was queried."""
        done = (self.rounds > 0) | self.exhausted
        return all(d or n == name for d, n in zip(done, self.names))

    @property
    def overlap(self) -> np.ndarray:
        """Whether each row so far was detected as overlap."""
        return np.concatenate([reading.overlap for reading in self.readings])

    # -- what comes in ---------------------------------------------------------------
    @_on_a_copy
    def with_rules(self, rules):
        """The run under other rules, which hold from the next decision on."""
        self.rules = rules
        self._check()
        self._decide()

    @_on_a_copy
    def with_batch(self, name, n_rows, reading=None):
        """The run after a batch of `n_rows` rows of source `name`."""
        self._enter(name, n_rows)
        self.readings.append(reading)
        self._count(self.t - 1)
        self._decide()

    @_on_a_copy
    def with_readings(self, readings, classes):
        """The run once a detector was fitted (again): new readings of all batches."""
        self._read_all(readings, classes)

    @_on_a_copy
    def with_batch_and_readings(self, name, n_rows, readings, classes):
        """The run after a batch with which a detector was fitted (again).

        `readings` are those of all batches, the new one included.
        """
        self._enter(name, n_rows)
        self._read_all(readings, classes)

    @_on_a_copy
    def without(self, name):
        """The run once a source has no rows left."""
        self._rng = self._decision.rng
        self.exhausted[self.names.index(name)] = True
        self._decide()

    def name_of(self, sources, n_rows) -> Any:
        """Name of the one source a batch came from.

        Parameters
        ----------
        sources : object, array-like of shape (n_rows,) or None
            The name, the name for each row, or None: the source queried last.
        n_rows : int
            Number of rows of the batch.

        Returns
        -------
        object
            The name.
        """
        if sources is None:
            if self.next is not None:
                return self.next
            if len(self.names) <= 1:
                return self.names[0] if self.names else 0
            raise ValueError(
                "No source was asked for this batch: all rounds were played, the "
                "budget is used up, or no source has rows left. Give the source of "
                "the batch: sources=..."
            )
        if np.ndim(sources) == 0:
            names = plain([sources])
        else:
            names = list(dict.fromkeys(plain(sources)))
            if len(sources) != n_rows:
                raise ValueError(
                    f"sources has {len(sources)} entries for {n_rows} rows."
                )
        check_names(names)
        if len(names) != 1:
            raise ValueError(
                f"A batch comes from one source, got {names}; send one batch per "
                "source. To choose among rows of many sources, use fit."
            )
        if self.closed and names[0] not in self.names:
            raise ValueError(
                f"Source {names[0]!r} is not in source_names={self.names}."
            )
        return names[0]

    # -- inside ----------------------------------------------------------------------
    def _check(self):
        """Raise if names, prices or least shares do not suit each other."""
        check_names(self.names)
        prices_of(self.rules.prices, self.names)
        for parameter, n, what in (
            ("min_source_share", len(self.names), "sources"),
            ("min_class_share", len(self.classes), "classes"),
        ):
            share = getattr(self.rules, parameter)
            if share * n > 1 + 1e-9:
                raise ValueError(
                    f"{parameter}={share} for {n} {what}: the shares of all cannot "
                    f"exceed 1, so at most {1 / n:.4g} is possible."
                )

    def _enter(self, name, n_rows):
        """Enter a batch that is neither read nor counted yet."""
        if name not in self.names:
            self.names.append(name)
            self.exhausted = np.append(self.exhausted, False)
            self._check()
            self._count_all()
        k = self.names.index(name)
        price = prices_of(self.rules.prices, self.names)[k]
        self._costs.append(self.spent + n_rows * price)
        self._indices.append(self._decision.index)
        self._rng = self._decision.rng
        self.exhausted[k] = False
        self.sources.append(k)
        self.sizes.append(n_rows)
        self.rounds[k] += 1
        self.n_rows[k] += n_rows

    def _read_all(self, readings, classes):
        """Replace the readings of all batches."""
        self.readings, self.classes, self.ready = list(readings), classes, True
        self._check()
        self._count_all()
        self._decide()

    def _count_all(self):
        """Totals and lines of all rounds, after readings, names or classes changed."""
        n = len(self.names)
        chosen = np.array(self.sources, dtype=np.intp)
        self.rounds = np.bincount(chosen, minlength=n).astype(float)
        self.n_rows = np.bincount(chosen, self.sizes, minlength=n).astype(float)
        self.rewards, self.n_rewards = np.zeros(n), np.zeros(n)
        self.class_rows = np.zeros((n, len(self.classes)))
        self._n_overlap = self._n_read = 0
        self._lines = []
        for t in range(len(self.readings)):
            self._count(t)

    def _count(self, t):
        """Add the reading of round `t` to the totals, and append its line."""
        k, reading = self.sources[t], self.readings[t]
        if reading is None:
            shares = np.full(len(self.classes), np.nan)
            self._lines.append((np.nan, np.nan, np.nan, np.nan, np.nan, shares))
            return
        self.rewards[k] += reading.reward
        self.n_rewards[k] += reading.n_rewards
        self.class_rows[k] += reading.classes
        self._n_overlap += int(reading.overlap.sum())
        self._n_read += self.sizes[t]
        density = self.rewards[k] / self.n_rewards[k]
        rows = self.class_rows.sum(axis=0)
        total = rows.sum() or np.nan  # no weak label so far
        self._lines.append(
            (
                reading.reward / reading.n_rewards,
                density,
                *wilson_interval(density, self.n_rewards[k]),
                self._n_overlap / self._n_read,
                rows / total,
            )
        )

    def _available(self):
        """Sources that have rows left, a batch of which the budget allows."""
        rules, available = self.rules, ~self.exhausted
        if rules.budget is not None:
            n_rows = 1 if rules.batch_size is None else rules.batch_size
            left = (rules.budget - self.spent) * (1 + 1e-12)
            available &= prices_of(rules.prices, self.names) * n_rows <= left
        return available

    def _decide(self):
        """Choose the next source.

        Draws come from a copy of the generator that replaces it when the batch is
        there, so that a decision can be made again, under other rules, and be the same
        however often it was looked at.
        """
        rules, rng = self.rules, copy.deepcopy(self._rng)
        available = self._available()
        source = index = None
        if self.t < rules.n_rounds and available.any():
            state = SourceState(
                self.rewards,
                self.n_rewards,
                self.rounds,
                t=self.t,
                horizon=rules.n_rounds,
                available=available,
                prices=prices_of(rules.prices, self.names),
            )
            lacking = self._lacking(available)
            floor = 0.0
            if not self.ready:
                values = -self.rounds  # in turn
            elif lacking is not None:
                values = lacking
            else:
                values = index = np.array(rules.policy.index(state, rng), dtype=float)
                floor = rules.min_source_share
            source = choose_source(values, state, rng, floor=floor)
        self._decision = _Decision(source, index, rng)

    def _lacking(self, available):
        """For each source its share of the class that has too few rows, or None."""
        collected = self.class_rows.sum(axis=0)
        unseen = (available & (self.rounds == 0)).any()
        if self.rules.min_class_share == 0 or collected.sum() == 0 or unseen:
            return None
        shares = collected / collected.sum()
        if shares.min() >= self.rules.min_class_share:
            return None
        # one row of each class is added: few rows say little about a source
        smooth = self.class_rows + 1
        return smooth[:, shares.argmin()] / smooth.sum(axis=1)

    @cached_property
    def history(self) -> pd.DataFrame:
        """One line per round."""
        stats = ("reward", "density", "density_low", "density_high", "overlap_ratio")
        numbers = np.array([line[:-1] for line in self._lines], dtype=float)
        numbers = dict(zip(stats, np.reshape(numbers, (self.t, len(stats))).T))
        overlap_ratio = numbers.pop("overlap_ratio")
        shape = self.t, len(self.classes)
        shares = np.reshape([line[-1] for line in self._lines], shape)
        table = {
            "round": np.arange(1, self.t + 1),
            "source": pd.Series([self.names[k] for k in self.sources], dtype=object),
            "rows": np.array(self.sizes, dtype=np.int64),
            **numbers,
        }
        for k, name in enumerate(self.names):
            table[f"index_{name}"] = [
                np.nan if index is None or k >= len(index) else index[k]
                for index in self._indices
            ]
        table["overlap_ratio"] = overlap_ratio
        for code, label in enumerate(self.classes):
            table[f"share_{label}"] = shares[:, code]
        table["cost"] = np.array(self._costs, dtype=float)
        return pd.DataFrame(table)
