"""What every source was asked for, what came back, and who is asked next."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from overlapkit.metrics._regret import cumulative_regret
from overlapkit.policies import SourceState, choose_source

_Z = 1.959963984540054  # normal quantile of a two-sided 95 % interval


@dataclass
class Reading:
    """What one batch says, in sums.

    Attributes
    ----------
    reward, n_rewards : float
        Sum of the rewards of the rows that have one, and their number.
    overlap : ndarray of shape (n_rows,) of bool
        Which rows were detected as overlap.
    classes : ndarray of shape (n_classes,)
        Rows of each weak class.
    """

    reward: float = 0.0
    n_rewards: int = 0
    overlap: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    classes: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class _Given:
    """A policy whose index is decided elsewhere."""

    values: np.ndarray

    def index(self, state, rng=None):
        return self.values


class _Noted:
    """A policy that remembers the index it gave; a draw must not be repeated."""

    def __init__(self, policy):
        self.policy = policy
        self.noted = None

    def index(self, state, rng):
        self.noted = np.array(self.policy.index(state, rng), dtype=np.float64)
        return self.noted


class SourceLedger:
    """Counts per source, a line per round, and the generator that decides.

    Parameters
    ----------
    names : list
        Names of the sources.
    policy : Policy
        Decides once rewards are there.
    n_rounds : int
        Rounds to be played.
    rng : RandomState
        Belongs to this ledger alone, so that a saved run continues as it would have.
    floor, class_floor : float
        Least share of the rounds of each source, and of the rows of each weak class.
    prices : ndarray of shape (n_sources,) or None
        Price of a row.
    budget : float
        Money to be spent; infinity for no limit.
    batch_size : int or None
        Rows asked for in a round.
    """

    def __init__(
        self, names, policy, n_rounds, rng, floor, class_floor, prices, budget, asked
    ):
        self.names = list(names)
        self.policy, self.n_rounds, self.rng = policy, n_rounds, rng
        self.floor, self.class_floor = floor, class_floor
        self.prices, self.budget, self.asked = prices, budget, asked
        self.dry = np.zeros(len(self.names), dtype=bool)
        self.sources, self.rows, self.readings = [], [], []
        self.indices, self.open = [], []
        self.classes = np.empty(0)
        self.next, self._index, self._open = None, None, None
        self._count()

    def add(self, name) -> int:
        """A source nobody named before; returns its position."""
        self.names.append(name)
        self.dry = np.append(self.dry, False)
        self._count()
        return len(self.names) - 1

    @property
    def t(self) -> int:
        """Rounds played."""
        return len(self.sources)

    @property
    def spent(self) -> float:
        """Money spent so far; rows, when there are no prices."""
        prices = np.ones(len(self.names)) if self.prices is None else self.prices
        return float(prices @ self.n_rows)

    @property
    def finished(self) -> bool:
        """Whether no further round is to be played."""
        return self.t >= self.n_rounds or not self._available().any()

    def _available(self):
        available = ~self.dry
        if np.isfinite(self.budget):
            prices = np.ones(len(self.names)) if self.prices is None else self.prices
            cost = prices * (1 if self.asked is None else self.asked)
            available &= cost <= (self.budget - self.spent) * (1 + 1e-12)
        return available

    def record(self, k, n_rows, reading):
        """Enter a batch of `n_rows` rows of source `k`."""
        self.sources.append(k)
        self.rows.append(n_rows)
        self.readings.append(reading)
        self.indices.append(self._index)
        self.open.append(self._open)
        self.rounds[k] += 1
        self.n_rows[k] += n_rows
        self._add_reading(k, reading)

    def reread(self, readings, classes):
        """Replace what all batches said, after the detector was fitted (again)."""
        self.readings, self.classes = list(readings), classes
        self._count()

    def _count(self):
        n = len(self.names)
        chosen = np.array(self.sources, dtype=np.intp)
        self.rounds = np.bincount(chosen, minlength=n).astype(float)
        self.n_rows = np.bincount(chosen, self.rows, minlength=n).astype(float)
        self.rewards, self.n_rewards = np.zeros(n), np.zeros(n)
        self.class_rows = np.zeros((n, len(self.classes)))
        for k, reading in zip(self.sources, self.readings):
            self._add_reading(k, reading)

    def _add_reading(self, k, reading):
        if reading is not None:
            self.rewards[k] += reading.reward
            self.n_rewards[k] += reading.n_rewards
            self.class_rows[k] += reading.classes

    def choose(self, *, ready):
        """Decide who is asked next (None: nobody) and note the index of all.

        Before rewards are there (`ready` is False), sources are asked in turn.
        """
        self.next = self._index = self._open = None
        if self.finished:
            return
        available = self._available()
        state = SourceState(
            self.rewards,
            self.n_rewards,
            self.rounds,
            t=self.t,
            horizon=self.n_rounds,
            available=available,
            prices=self.prices,
        )
        policy, floor = self.policy, self.floor
        lacking = self._lacking(available) if ready else None
        if not ready:
            policy, floor = _Given(-self.rounds), 0.0
        elif lacking is not None:
            policy, floor = _Given(lacking), 0.0
        noted = _Noted(policy)
        self.next = choose_source(noted, state, self.rng, floor=floor)
        self._open = available
        if ready and lacking is None:
            self._index = noted.noted

    def _lacking(self, available):
        """Share, in every source, of the class that lacks most; None if none lacks."""
        collected = self.class_rows.sum(axis=0)
        unseen = (available & (self.rounds == 0)).any()
        if self.class_floor == 0 or collected.sum() == 0 or unseen:
            return None
        shares = collected / collected.sum()
        if shares.min() >= self.class_floor:
            return None
        # one row of each class beforehand: a single row is no proof of purity
        smooth = self.class_rows + 1
        return smooth[:, shares.argmin()] / smooth.sum(axis=1)

    def history(self, densities=None) -> pd.DataFrame:
        """One line per round, as `UCBSourceSelector.history_` documents it."""
        n, T = len(self.names), self.t
        chosen = np.array(self.sources, dtype=np.intp)
        rows = np.array(self.rows, dtype=np.int64)
        readings = [Reading() if r is None else r for r in self.readings]
        reward = np.array([r.reward for r in readings], dtype=float)
        counted = np.array([r.n_rewards for r in readings], dtype=float)
        overlap = np.array([r.overlap.sum() for r in readings], dtype=float)
        queried = chosen[:, None] == np.arange(n)
        line = np.arange(T)
        successes = np.cumsum(queried * reward[:, None], axis=0)[line, chosen]
        samples = np.cumsum(queried * counted[:, None], axis=0)[line, chosen]
        read = np.array([r is not None for r in self.readings], dtype=bool)
        with np.errstate(invalid="ignore", divide="ignore"):
            table = {
                "round": line + 1,
                "source": pd.Series([self.names[k] for k in chosen], dtype=object),
                "rows": rows,
                "reward": reward / counted,
                "density": successes / samples,
            }
            low, high = _wilson(successes, samples)
            ratio = np.cumsum(overlap) / np.cumsum(rows * read)
        table.update({"density_low": low, "density_high": high})
        for k, name in enumerate(self.names):
            table[f"index_{name}"] = [
                np.nan if i is None or k >= len(i) else i[k] for i in self.indices
            ]
        table["overlap_ratio"] = ratio
        counts = [
            r.classes if len(r.classes) else np.zeros(len(self.classes))
            for r in readings
        ]
        classes = np.cumsum(np.reshape(counts, (T, len(self.classes))), axis=0)
        with np.errstate(invalid="ignore"):
            shares = classes / classes.sum(axis=1, keepdims=True)
        for code, label in enumerate(self.classes):
            table[f"share_{label}"] = shares[:, code]
        prices = np.ones(n) if self.prices is None else self.prices
        table["cost"] = np.cumsum(rows * prices[chosen])
        if densities is not None and T:
            available = np.ones((T, n), dtype=bool)
            for t, was_open in enumerate(self.open):
                if was_open is not None:  # sources may have joined since
                    available[t, : len(was_open)] = was_open
            available[line, chosen] = True  # what was delivered was to be had
            table["regret"] = cumulative_regret(
                densities, chosen, prices=self.prices, available=available
            )
        return pd.DataFrame(table)


def _wilson(successes, samples) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a share; cautious for rewards between 0 and 1."""
    mean = successes / samples
    scale = 1 + _Z**2 / samples
    centre = (mean + _Z**2 / (2 * samples)) / scale
    spread = mean * (1 - mean) / samples + _Z**2 / (4 * samples**2)
    half = _Z * np.sqrt(np.maximum(spread, 0)) / scale
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
