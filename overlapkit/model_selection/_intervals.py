"""Intervals for means and ratios of means over paired repeats (pure functions)."""

import numpy as np
from scipy.stats import t as student_t

__all__ = ["mean_interval", "ratio_interval"]

_EQUAL = 1e-12  # scores that differ by less are equal but for rounding


def mean_interval(values, level, inflation=1.0) -> tuple[float, float, float]:
    """Mean of paired differences with its t interval; nan bounds without variation.

    Parameters
    ----------
    values : ndarray of shape (n_repeats,)
        Differences.
    level : float
        Confidence level, in (0, 1).
    inflation : float, default=1.0
        Factor on the variance of the mean, for repeats that share rows.

    Returns
    -------
    mean, low, high : float
    """
    n, mean = len(values), float(np.mean(values))
    if np.ptp(values) <= _EQUAL:  # they do not say how far a new one would be off
        return mean, np.nan, np.nan
    spread = np.std(values, ddof=1) * np.sqrt(inflation / n)
    half = student_t.ppf((1 + level) / 2, n - 1) * spread
    return mean, mean - half, mean + half


def ratio_interval(
    numerator, denominator, level, inflation=1.0
) -> tuple[float, float, float]:
    """Ratio of two paired means with its interval by Fieller's theorem.

    The interval holds those ratios :math:`r` for which the t interval of the mean of
    ``numerator - r * denominator`` holds 0.

    Parameters
    ----------
    numerator, denominator : ndarray of shape (n_repeats,)
        Paired values.
    level : float
        Confidence level, in (0, 1).
    inflation : float, default=1.0
        As in :func:`mean_interval`.

    Returns
    -------
    ratio, low, high : float
        All nan where the mean denominator is not above 0; nan bounds where it could
        be 0, for then no ratio can be ruled out, or without variation.
    """
    n = len(numerator)
    a, b = float(np.mean(numerator)), float(np.mean(denominator))
    if not b > 0:
        return np.nan, np.nan, np.nan
    if np.ptp(numerator) <= _EQUAL and np.ptp(denominator) <= _EQUAL:
        return a / b, np.nan, np.nan
    (saa, sab), (_, sbb) = np.cov(numerator, denominator)
    factor = student_t.ppf((1 + level) / 2, n - 1) ** 2 * inflation / n
    square, linear, constant = (
        b**2 - factor * sbb,
        a * b - factor * sab,
        a**2 - factor * saa,
    )
    if square <= 0:
        return a / b, np.nan, np.nan
    root = np.sqrt(max(0.0, linear**2 - square * constant))
    return a / b, (linear - root) / square, (linear + root) / square
