"""Totals of a run for each source, and its tables: a line per round or per source."""

import copy

import numpy as np
import pandas as pd

from overlapkit._utils.shares import wilson_interval

__all__ = ["Totals", "history_frame", "per_source_frame"]

_STATS = ("reward", "density", "density_low", "density_high", "overlap_ratio")


class Totals:
    """Totals of each source, and statistics of each round.

    Parameters
    ----------
    n_sources, n_classes : int
        Number of sources, and of weak classes.

    Attributes
    ----------
    rounds, n_rows : ndarray of shape (n_sources,)
        Number of rounds, and of rows.
    rewards, n_rewards : ndarray of shape (n_sources,)
        Sum of the rewards, and number of rows that have one.
    n_known, n_right : ndarray of shape (n_sources,)
        Number of rows with a weak and a known label, and of those where they agree.
    class_rows : ndarray of shape (n_sources, n_classes)
        Rows of each weak class.
    lines : list of tuple
        Statistics of each round.
    """

    def __init__(self, n_sources, n_classes):
        self.rounds, self.n_rows = np.zeros(n_sources), np.zeros(n_sources)
        self.rewards, self.n_rewards = np.zeros(n_sources), np.zeros(n_sources)
        self.n_known, self.n_right = np.zeros(n_sources), np.zeros(n_sources)
        self.class_rows = np.zeros((n_sources, n_classes))
        self._n_overlap = self._n_read = 0
        self._log_sources, self._log_rewards, self._log_counts = [], [], []
        self.lines = []

    @property
    def log(self) -> tuple[np.ndarray, ...]:
        """Source, sum of rewards and number of rewards of each round read so far."""
        logs = self._log_sources, self._log_rewards, self._log_counts
        return tuple(map(np.array, logs))

    def copy(self) -> "Totals":
        """Totals that can be added to without changing these."""
        new = copy.copy(self)
        vars(new).update({name: copy.copy(value) for name, value in vars(self).items()})
        return new

    def add(self, source, n_rows, reading) -> None:
        """Add a round: position of the source, number of rows, Reading or None."""
        k = source
        self.rounds[k] += 1
        self.n_rows[k] += n_rows
        if reading is None:
            shares = np.full(self.class_rows.shape[1], np.nan)
            self.lines.append((*[np.nan] * len(_STATS), shares))
            return
        self.rewards[k] += reading.reward
        self.n_rewards[k] += reading.n_rewards
        self.n_known[k] += reading.n_known
        self.n_right[k] += reading.n_right
        self.class_rows[k] += reading.classes
        self._n_overlap += int(reading.overlap.sum())
        self._n_read += n_rows
        self._log_sources.append(k)
        self._log_rewards.append(reading.reward)
        self._log_counts.append(reading.n_rewards)
        density = self.rewards[k] / self.n_rewards[k]
        rows = self.class_rows.sum(axis=0)
        total = rows.sum() or np.nan  # no weak label so far
        self.lines.append(
            (
                reading.reward / reading.n_rewards,
                density,
                *wilson_interval(density, self.n_rewards[k]),
                self._n_overlap / self._n_read,
                rows / total,
            )
        )


def history_frame(names, classes, sources, sizes, lines, *, indices, costs, events):
    """One line per round, as documented in UCBSourceSelector.

    Parameters
    ----------
    names, classes : list
        Names of the sources, and the weak classes.
    sources : ndarray of shape (n_rounds,) of int
        Position of the source of each round.
    sizes, costs : list of float
        Number of rows of each round, and cost after it.
    lines : list of tuple
        Statistics of each round.
    indices : list of ndarray or None
        Index of each source in each round.
    events : list of (int, str)
        What was changed after so many rounds.

    Returns
    -------
    DataFrame
        The table.
    """
    n_rounds = len(sources)
    numbers = np.array([line[:-1] for line in lines], dtype=float)
    columns = dict(zip(_STATS, np.reshape(numbers, (n_rounds, len(_STATS))).T))
    overlap_ratio = columns.pop("overlap_ratio")
    shares = np.reshape([line[-1] for line in lines], (n_rounds, len(classes)))
    table = {
        "round": np.arange(1, n_rounds + 1),
        "source": pd.Series([names[k] for k in sources], dtype=object),
        "rows": np.array(sizes, dtype=np.int64),
        **columns,
    }
    values = np.full((len(names), n_rounds), np.nan)
    for t, index in enumerate(indices):
        if index is not None:
            values[: len(index), t] = index
    table |= {f"index_{name}": row for name, row in zip(names, values)}
    table["overlap_ratio"] = overlap_ratio
    for code, label in enumerate(classes):
        table[f"share_{label}"] = shares[:, code]
    table["cost"] = np.array(costs, dtype=float)
    texts = [""] * n_rounds
    for t, text in events if n_rounds else ():
        line = max(t - 1, 0)
        texts[line] = f"{texts[line]}; {text}" if texts[line] else text
    table["event"] = pd.Series(texts, dtype=object)
    return pd.DataFrame(table)


def per_source_frame(names, totals, *, spent, index, state):
    """One line per source, as documented in UCBSourceSelector.

    Parameters
    ----------
    names : list
        Names of the sources.
    totals : Totals
        Of these sources.
    spent : ndarray of shape (n_sources,)
        Cost so far.
    index : ndarray
        Index of the first sources.
    state : ndarray of shape (n_sources,) of str
        Whether each can be queried.

    Returns
    -------
    DataFrame
        The table.
    """
    density = _quotients(totals.rewards, totals.n_rewards)
    n_rewards = np.where(totals.n_rewards > 0, totals.n_rewards, np.nan)
    low, high = wilson_interval(density, n_rewards)
    return pd.DataFrame(
        {
            "rounds": totals.rounds.astype(int),
            "rows": totals.n_rows.astype(int),
            "spent": spent,
            "density": density,
            "density_low": low,
            "density_high": high,
            "purity": _quotients(totals.n_right, totals.n_known),
            "index": [*index, *[np.nan] * (len(names) - len(index))],
            "state": state,
        },
        index=pd.Index(names, name="source"),
    )


def _quotients(total, count) -> np.ndarray:
    """Quotients of two arrays, NaN where the count is 0."""
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
