"""Ranks of methods over data sets, with tests (Demsar, JMLR 7, 2006)."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, rankdata, studentized_range, wilcoxon

from benchmarks import common

__all__ = ["critical_difference", "diagram", "holm", "rank"]


def critical_difference(n_methods, n_sets, level=0.05):
    """Difference of mean ranks that is significant by Nemenyi's test."""
    q = studentized_range.ppf(1 - level, n_methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_methods * (n_methods + 1) / (6 * n_sets)))


def rank(scores):
    """Mean ranks, 1 is best, and p of Friedman's test that all methods are equal.

    Parameters
    ----------
    scores : DataFrame
        A row a data set, a column a method; the larger the better.
    """
    ranks = rankdata(-scores.to_numpy(), axis=1)
    mean = pd.Series(ranks.mean(axis=0), index=scores.columns).sort_values()
    return mean, float(friedmanchisquare(*scores.to_numpy().T).pvalue)


def holm(scores):
    """Wilcoxon's signed rank test of all pairs, p-values corrected by Holm."""
    rows = []
    for a, b in combinations(scores.columns, 2):
        gain = scores[a] - scores[b]
        p = 1.0 if (gain == 0).all() else float(wilcoxon(gain).pvalue)
        rows.append(
            {
                "model": a,
                "against": b,
                "mean gain": 100 * gain.mean(),
                "won": int((gain > 0).sum()),
                "lost": int((gain < 0).sum()),
                "p": p,
            }
        )
    table = pd.DataFrame(rows).sort_values("p", ignore_index=True)
    left = len(table) - np.arange(len(table))
    table["p, Holm"] = np.minimum(1, np.maximum.accumulate(table["p"] * left))
    return table


def diagram(mean, difference):
    """Mean ranks on a line; bars join methods that no test tells apart."""
    names, values = list(mean.index), mean.to_numpy()
    groups = []
    for i, low in enumerate(values):
        last = int(np.flatnonzero(values <= low + difference)[-1])
        if last > i and (not groups or last > groups[-1][1]):
            groups.append((i, last))
    figure, (ax,) = common.grid(1, size=(5.2, 0.32 * len(names) + 1.2))
    ax.plot(values, range(len(names)), "o", color="#0072B2")
    for step, (i, last) in enumerate(groups):
        x = values[last] + 0.15 + 0.12 * step
        ax.vlines(x, i - 0.2, last + 0.2, color="0.4", linewidth=3)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set_xlabel(f"mean rank, 1 is best; critical difference {difference:.2f}")
    return figure
