"""Tables of a run: one line per round, and one per source."""

import numpy as np
import pandas as pd

from overlapkit._utils.wilson import wilson_interval

__all__ = ["history_frame", "per_source_frame"]

_STATS = ("reward", "density", "density_low", "density_high", "overlap_ratio")


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


def per_source_frame(names, *, rounds, rows, spent, rewards, right, index, state):
    """One line per source.

    Parameters
    ----------
    names : list
        Names of the sources.
    rounds, rows, spent : ndarray of shape (n_sources,)
        Totals.
    rewards, right : tuple of two ndarray of shape (n_sources,)
        Sum and number of rewards, and of rows whose weak label is right.
    index : ndarray
        Index of the first sources.
    state : ndarray of shape (n_sources,) of str
        Whether each can be queried.

    Returns
    -------
    DataFrame
        The table.
    """
    density = _quotients(*rewards)
    limits = [
        wilson_interval(share, n) if n else (np.nan, np.nan)
        for share, n in zip(density, rewards[1])
    ]
    return pd.DataFrame(
        {
            "rounds": rounds.astype(int),
            "rows": rows.astype(int),
            "spent": spent,
            "density": density,
            "density_low": [low for low, _ in limits],
            "density_high": [high for _, high in limits],
            "purity": _quotients(*right),
            "index": [*index, *[np.nan] * (len(names) - len(index))],
            "state": state,
        },
        index=pd.Index(names, name="source"),
    )


def _quotients(total, count) -> np.ndarray:
    """Quotients of two arrays, NaN where the count is 0."""
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
