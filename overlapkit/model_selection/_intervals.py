"""Confidence intervals of gains over repeats and test rows (pure functions).

Three designs, each with its target:

- *rows x repeats*: each repeat (a seed of the models, or a random split of the same
  rows) has one result per tested row. Target: the mean score on new rows of models
  fitted as these were, given the rows to learn from. See `row_interval`.
- *independent repeats*: every repeat draws its own training and test rows. Target: the
  mean score over such draws. See `mean_interval`.
- *scores of random splits*, where results per row are not at hand. See
  `mean_interval` with an inflation.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import t as student_t

__all__ = [
    "mean_interval",
    "metric_weights",
    "ratio_interval",
    "row_interval",
    "row_ratio_interval",
]

_EQUAL = 1e-12  # scores that differ by less are equal but for rounding


class _Moments(NamedTuple):
    """Means of one or two paired quantities, and the covariance of these means."""

    mean: np.ndarray
    covariance: np.ndarray
    df: float


def metric_weights(y_test, metric) -> tuple[np.ndarray, np.ndarray]:
    r"""Weight and class of every test row, such that a mean of results is the metric.

    With results :math:`d_i` the accuracy is :math:`\frac1n \sum_i d_i`, the balanced
    accuracy :math:`\frac1n \sum_i w_i d_i` with :math:`w_i = n / (K n_{y_i})`.

    Parameters
    ----------
    y_test : array-like of shape (n_test,)
        True labels.
    metric : {"accuracy", "balanced_accuracy"}
        The metric.

    Returns
    -------
    weights : ndarray of shape (n_test,)
        Weights, mean 1.
    strata : ndarray of shape (n_test,) of int
        Rows whose number is fixed: the classes, or one for all.
    """
    n = len(y_test)
    if metric == "accuracy":
        return np.ones(n), np.zeros(n, dtype=np.intp)
    classes, strata = np.unique(np.asarray(y_test), return_inverse=True)
    counts = np.bincount(strata, minlength=len(classes))
    return n / (len(classes) * counts[strata]), strata


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
    error = np.std(values, ddof=1) * np.sqrt(inflation / n)
    low, high = student_t.interval(level, n - 1, mean, error)
    return mean, float(low), float(high)


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
    pair = np.stack([numerator, denominator])
    mean, n = pair.mean(axis=1), pair.shape[1]
    if (np.ptp(pair, axis=1) <= _EQUAL).all():
        return _ratio(mean), np.nan, np.nan
    return _fieller(_Moments(mean, np.cov(pair) * inflation / n, n - 1), level)


def row_interval(values, weights, strata, level) -> tuple[float, float, float]:
    r"""Mean of paired differences of results per row, with its interval.

    The difference of two models on row :math:`i` in repeat :math:`s` is taken as
    :math:`d_{si} = \theta + a_s + b_i + e_{si}`, with random effects of the repeat
    (seed, split) and of the row. The variance of the weighted mean is estimated by

    .. math:: \hat V = \frac{1}{n^2} \Big(1 + \sum_k \frac{n_k}{n_k - 1}
                  \sum_{i \in k} w_i^2 (\bar d_i - \bar d_k)^2\Big)
                  + \Big(\frac1S + \rho\Big) \hat\sigma_a^2,

    with the mean :math:`\bar d_i` of a row over the repeats that test it, the mean
    :math:`\bar d_k` of its class (balanced accuracy) or of all rows (accuracy), and
    :math:`\hat\sigma_a^2 \ge 0` by the analysis of variance of
    :math:`d_{si} - \bar d_i` [1]_, [2]_. :math:`\rho` is the ratio of tested rows to
    others in a repeat, for splits that share rows to learn from [4]_, and 0 where every
    repeat tests all rows. Degrees of freedom are Satterthwaite's. The 1 is the
    adjustment of Agresti and Min [3]_ for differences of paired proportions (two more
    rows, with results of 1 and -1 a quarter of the time each): without it the interval
    would have no width where two models agree on all rows.

    Parameters
    ----------
    values : ndarray of shape (n_repeats, n_rows)
        Differences of results (1 right, 0 wrong); nan where a repeat did not test a
        row.
    weights, strata : ndarray of shape (n_rows,)
        As :func:`metric_weights` gives them.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    mean, low, high : float
        Bounds are nan where a class has a single test row.

    References
    ----------
    .. [1] S. R. Searle, G. Casella, C. E. McCulloch, "Variance Components", 1992.
    .. [2] A. B. Owen, "The Pigeonhole Bootstrap", Annals of Applied Statistics 1, 2007.
    .. [3] A. Agresti, Y. Min, "Simple Improved Confidence Intervals for Comparing
       Matched Proportions", Statistics in Medicine 24, 2005.
    .. [4] C. Nadeau, Y. Bengio, "Inference for the Generalization Error", Machine
       Learning 52, 2003.
    """
    moments = _moments(np.asarray(values, dtype=float)[None], weights, strata)
    mean, error = float(moments.mean[0]), np.sqrt(moments.covariance[0, 0])
    if not np.isfinite(error):
        return mean, np.nan, np.nan
    low, high = student_t.interval(level, moments.df, mean, error)
    return mean, float(low), float(high)


def row_ratio_interval(
    numerator, denominator, weights, strata, level
) -> tuple[float, float, float]:
    """Ratio of two such means with its interval by Fieller's theorem.

    Parameters
    ----------
    numerator, denominator : ndarray of shape (n_repeats, n_rows)
        As `values` of :func:`row_interval`.
    weights, strata : ndarray of shape (n_rows,)
        As there.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    ratio, low, high : float
        As :func:`ratio_interval`.
    """
    pair = np.stack([numerator, denominator]).astype(float)
    return _fieller(_moments(pair, weights, strata), level)


def _moments(values, weights, strata) -> _Moments:
    """Means, their covariance and its degrees of freedom; values (m, repeats, rows)."""
    tested = ~np.isnan(values[0])
    here = np.where(tested, values, 0.0)
    here *= weights
    mean = np.mean(here.sum(axis=2) / tested.sum(axis=1), axis=1)
    per_row = tested.sum(axis=0)
    used = per_row > 0
    row_means = here.sum(axis=1) / np.maximum(per_row, 1)
    of_rows, df_rows = _row_part(
        row_means[:, used], weights[used], strata[used], per_row[used]
    )
    here -= row_means[:, None] * tested
    of_repeats = _repeat_part(here, tested, per_row)
    covariance = of_rows + of_repeats
    total, repeats = np.trace(covariance), np.trace(of_repeats)
    df = total**2 / (
        np.trace(of_rows) ** 2 / df_rows + repeats**2 / max(len(tested) - 1, 1)
    )
    return _Moments(mean, covariance, df)


def _row_part(row_means, weights, strata, per_row) -> tuple[np.ndarray, float]:
    """Covariance by the draw of test rows, and its degrees of freedom."""
    m, n = row_means.shape
    share = per_row / per_row.mean()
    parts = []
    for k in np.unique(strata):
        inside = strata == k
        size = inside.sum()
        if size < 2:
            return np.full((m, m), np.nan), np.nan
        centre = np.average(row_means[:, inside], axis=1, weights=per_row[inside])
        effect = (row_means[:, inside] - centre[:, None]) * share[inside]
        part = effect @ effect.T * size / (size - 1)
        # Agresti and Min; two gains over the same model share half of it
        added = weights[inside][0] ** 2 * size / n
        alike = np.array_equal(row_means[0], row_means[-1])
        added *= np.ones((m, m)) if alike else (np.eye(m) + 1) / 2
        parts.append(((part + added) / n**2, size - 1))
    total = sum(part for part, _ in parts)
    df = np.trace(total) ** 2 / sum(np.trace(part) ** 2 / df for part, df in parts)
    return total, df


def _repeat_part(residuals, tested, per_row) -> np.ndarray:
    """Covariance by the draw of seeds or splits; zero where they do not show it."""
    m, n_repeats, _ = residuals.shape
    left = np.mean(1 - 1 / per_row[per_row > 1]) if (per_row > 1).any() else 0.0
    several = tested & (per_row > 1)  # the residual of a row tested once is 0
    if n_repeats < 2 or left == 0 or not several.any(axis=1).all():
        return np.zeros((m, m))
    sizes = several.sum(axis=1)
    effects = residuals.sum(axis=2) / sizes
    inner = residuals - effects[:, :, None]
    inner *= several
    # per-cell residual variance, and what it adds to the spread of the effects
    freedom = max(several.sum() * left - (n_repeats - 1), 1.0)
    noise = np.einsum("asi,bsi->ab", inner, inner) / freedom
    shrunk = left * n_repeats / (n_repeats - 1)  # of an effect, by the row means
    spread = effects @ effects.T / (n_repeats - 1)
    between = (spread - noise * shrunk / sizes.mean()) / shrunk**2
    values, vectors = np.linalg.eigh(between)
    share = tested.sum() / (n_repeats * np.count_nonzero(per_row))
    # splits share rows to learn from, so that their effects are correlated
    shared = share / (1 - share) if share < 1 else 0.0
    return (vectors * np.maximum(values, 0.0)) @ vectors.T * (1 / n_repeats + shared)


def _ratio(mean) -> float:
    return float(mean[0] / mean[1]) if mean[1] > _EQUAL else np.nan


def _fieller(moments, level) -> tuple[float, float, float]:
    """Ratios r for which the t interval of first - r * second holds 0."""
    (a, b), (saa, sab, sbb) = moments.mean, moments.covariance[[0, 0, 1], [0, 1, 1]]
    ratio = _ratio(moments.mean)
    if not b > _EQUAL or not np.isfinite(saa):
        return ratio, np.nan, np.nan
    factor = student_t.ppf((1 + level) / 2, moments.df) ** 2
    square, linear, constant = (
        b**2 - factor * sbb,
        a * b - factor * sab,
        a**2 - factor * saa,
    )
    if square <= 0:
        return ratio, np.nan, np.nan
    root = np.sqrt(max(0.0, linear**2 - square * constant))
    return ratio, float((linear - root) / square), float((linear + root) / square)
