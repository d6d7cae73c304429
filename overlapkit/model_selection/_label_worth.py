"""Numbers of true labels that are worth as much as weak ones (pure functions)."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from overlapkit.model_selection._intervals import metric_weights, row_interval

__all__ = [
    "BOTH",
    "LABELS_ALONE",
    "METHODS",
    "SELF_CUT",
    "WEAK_ALONE",
    "LabelWorth",
    "accuracy_curve",
    "in_words",
    "numbers_of_labels",
    "worth_verdict",
]

LABELS_ALONE = "labels alone"
WEAK_ALONE = "weak labels alone"
BOTH = "both"
SELF_CUT = "self-cut"
METHODS = (LABELS_ALONE, WEAK_ALONE, BOTH, SELF_CUT)

_DRAWS = 2000  # of the bootstrap
_BLOCK = 100  # draws at a time, which bounds the memory
_EQUAL = 1e-12  # accuracies that differ by less are equal but for rounding


class LabelWorth(NamedTuple):
    """A number of true labels with its confidence interval.

    Attributes
    ----------
    n_labels, low, high : float
        0 stands for "fewer than the smallest number of labels tried", infinity for
        "more than the largest".
    """

    n_labels: float
    low: float
    high: float


def accuracy_curve(right, sizes, level) -> pd.DataFrame:
    """Accuracies of all repeats, with the interval of their mean.

    Parameters
    ----------
    right : ndarray of shape (n_methods, n_sizes, n_repeats, n_rows)
        1 where a method is right, 0 where it is wrong; NaN where a repeat did not
        test the row.
    sizes : ndarray of shape (n_sizes,)
        Numbers of labels, ascending.
    level : float
        Confidence level.

    Returns
    -------
    curve : DataFrame
        As in :class:`LabelValueCurve`.
    """
    weights, strata = metric_weights(np.zeros(right.shape[-1]), "accuracy")
    lines: list[dict] = []
    for m, name in enumerate(METHODS):
        for k, size in enumerate(sizes):
            results = right[m, k]
            _, low, high = row_interval(results, weights, strata, level)
            low, high = max(low, 0.0), min(high, 1.0)
            lines.extend(
                {
                    "n_labels": int(size),
                    "method": name,
                    "repeat": repeat,
                    "accuracy": accuracy,
                    "low": low,
                    "high": high,
                }
                for repeat, accuracy in enumerate(np.nanmean(results, axis=1).tolist())
            )
    return pd.DataFrame(lines)


def numbers_of_labels(right, sizes, level, seed) -> tuple[LabelWorth, pd.DataFrame]:
    """What the weak labels are worth, and what "both" is, with intervals.

    Parameters
    ----------
    right, sizes, level
        As in :func:`accuracy_curve`.
    seed : int
        Of the bootstrap.

    Returns
    -------
    worth : LabelWorth
        The labels with which labels alone are as accurate as weak labels alone.
    needed : DataFrame
        As in :class:`LabelValueCurve`.
    """
    alone, weak, both = (METHODS.index(m) for m in (LABELS_ALONE, WEAK_ALONE, BOTH))
    means = np.nanmean(right, axis=3).mean(axis=2)
    draws = _bootstrap(right, seed)

    def with_interval(method, k):
        n = float(_crossover(sizes, means[None, alone], means[None, method, k])[0])
        drawn = _crossover(sizes, draws[:, alone], draws[:, method, k])
        ends = (1 - level) / 2, (1 + level) / 2
        # of numbers that may be infinite, so none between two draws
        low, high = np.quantile(drawn, ends, method="inverted_cdf").tolist()
        return LabelWorth(n, min(low, n), max(high, n))

    lines = []
    for k, size in enumerate(sizes):
        needed = with_interval(both, k)
        lines.append(
            {
                "n_labels": int(size),
                "accuracy": means[both, k],
                "needed": needed.n_labels,
                "needed_low": needed.low,
                "needed_high": needed.high,
                "more": needed.n_labels - size,
                "more_low": needed.low - size,
                "more_high": needed.high - size,
            }
        )
    return with_interval(weak, 0), pd.DataFrame(lines)


def _bootstrap(right, seed) -> np.ndarray:
    """Mean accuracies over drawn repeats and test rows, (draws, methods, sizes)."""
    n_methods, n_sizes, n_repeats, n_rows = right.shape
    rng = np.random.RandomState(seed)
    tested = ~np.isnan(right[0, 0])
    results = np.where(tested, right, 0.0).reshape(-1, n_rows)
    # one repeat less: the spread of few is otherwise too small (Rao and Wu, 1988)
    n_drawn = max(n_repeats - 1, 1)
    parts = []
    for start in range(0, _DRAWS, _BLOCK):
        size = min(_BLOCK, _DRAWS - start)
        rows = rng.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size)
        repeats = rng.multinomial(n_drawn, np.full(n_repeats, 1 / n_repeats), size)
        sums = (rows @ results.T).reshape(size, n_methods, n_sizes, n_repeats)
        counts = np.maximum(rows @ tested.T, 1)
        means = sums / counts[:, None, None]
        parts.append((means * repeats[:, None, None]).sum(axis=3) / n_drawn)
    return np.concatenate(parts)


def _crossover(sizes, alone, target) -> np.ndarray:
    """Number of labels at which labels alone reach a target.

    Parameters
    ----------
    sizes : ndarray of shape (n_sizes,)
        Numbers of labels, ascending.
    alone : ndarray of shape (n_draws, n_sizes)
        Mean accuracy of labels alone.
    target : ndarray of shape (n_draws,)
        Accuracy to reach.

    Returns
    -------
    n_labels : ndarray of shape (n_draws,)
        0 below the first size, infinity above the last.
    """
    rising = _isotonic(alone)
    reached = rising >= target[:, None] - _EQUAL
    first = reached.argmax(axis=1)
    draws = np.arange(len(target))
    before = np.maximum(first - 1, 0)
    low, high = rising[draws, before], rising[draws, first]
    gap = np.where(high > low, high - low, 1.0)
    part = np.clip((target - low) / gap, 0, 1)
    logs = np.log(sizes)
    between = np.exp(logs[before] + part * (logs[first] - logs[before]))
    found = np.where(part < 1, between, sizes[first].astype(float))
    found[rising[:, 0] > target + _EQUAL] = 0.0
    found[~reached.any(axis=1)] = np.inf
    return found


def _isotonic(values) -> np.ndarray:
    """Nearest non-decreasing rows, by the max-min formula of isotonic regression."""
    n = values.shape[1]
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    rising = np.full(values.shape, -np.inf)
    for i in range(n):
        # means of i..k, and for each j the least of those with k >= j
        means = (sums[:, i + 1 :] - sums[:, [i]]) / np.arange(1, n - i + 1)
        least = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        rising[:, i:] = np.maximum(rising[:, i:], least)
    return rising


def worth_verdict(curve, worth, needed, at_hand, level) -> str:
    """What the curve says, in three sentences.

    Parameters
    ----------
    curve, needed : DataFrame
        As in :class:`LabelValueCurve`.
    worth : LabelWorth
        What the weak labels are worth.
    at_hand : int
        Number of labels that the second sentence is about.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    verdict : str
        The sentences.
    """
    sizes = needed["n_labels"]
    mean = curve.groupby(["method", "n_labels"])["accuracy"].mean()
    least, most = int(sizes.min()), int(sizes.max())
    interval = f"{100 * level:.3g} % interval"
    about, between = in_words(worth, least, most)
    first = (
        f"Your weak labels are worth {about} true labels ({interval}: {between}): "
        f"learning from weak labels alone gives an accuracy of "
        f"{mean[WEAK_ALONE].iloc[0]:.1%}"
    )
    line = needed[sizes == at_hand].iloc[0]
    about, between = in_words(
        LabelWorth(line["needed"], line["needed_low"], line["needed_high"]), least, most
    )
    second = (
        f"With {at_hand:,} true labels, learning from both gives "
        f"{line['accuracy']:.1%} and labels alone {mean[LABELS_ALONE, at_hand]:.1%}; "
        f"to be as accurate as both, labels alone need {about} true labels "
        f"({interval}: {between})"
    )
    if at_hand < line["needed"] < np.inf:
        second += f", about {_rounded(line['more'])} more"
    third = (
        "Self-cut, which treats the true labels as both does but uses no weak label, "
        f"gives {mean[SELF_CUT, at_hand]:.1%}"
    )
    return f"{first}. {second}. {third}."


def in_words(worth, least, most) -> tuple[str, str]:
    """A number of labels and its interval in words.

    Parameters
    ----------
    worth : LabelWorth
        The number and its interval.
    least, most : int
        The smallest and the largest number of labels tried.

    Returns
    -------
    about, between : str
        Such as "about 120" and "80 to more than 1,000".
    """

    def number(n):
        if n == 0:
            return f"fewer than {least:,}"
        return f"more than {most:,}" if n == np.inf else _rounded(n)

    n, low, high = worth
    about = f"about {number(n)}" if 0 < n < np.inf else number(n)
    if low == high:
        return about, f"{number(low)} at both ends"
    return about, f"{number(low)} to {number(high)}"


def _rounded(n) -> str:
    """Two digits are as many as the interval ever allows."""
    digits = max(len(str(int(abs(n)))) - 2, 0)
    return f"{round(n, -digits):,.0f}"
