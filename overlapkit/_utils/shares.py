"""Shares of rows: their interval, and whole numbers next to them."""

import numpy as np
from scipy.special import ndtri

__all__ = ["round_to_sum", "wilson_interval"]


def wilson_interval(share, n, level=0.95) -> tuple:
    r"""Wilson's interval of a probability by its share among `n` independent rows.

    .. math::

        \frac{\hat p + \frac{q^2}{2n} \pm q \sqrt{\frac{\hat p (1 - \hat p)}{n}
        + \frac{q^2}{4 n^2}}}{1 + q^2 / n}

    where q is the normal quantile. Not ``scipy.stats.binomtest``, which takes whole
    numbers only.

    Parameters
    ----------
    share : float or ndarray
        Share of the rows.
    n : float or ndarray
        Number of rows, or the number of independent ones that they are worth; more
        than 0, or NaN where there is no interval.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    low, high : float or ndarray
        In [0, 1].
    """
    q = ndtri((1 + level) / 2)
    scale = 1 + q**2 / n
    centre = (share + q**2 / (2 * n)) / scale
    spread = share * (1 - share) / n + q**2 / (4 * n**2)
    half = q * np.sqrt(np.maximum(spread, 0.0)) / scale
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def round_to_sum(shares, total) -> np.ndarray:
    """Largest remainders: integers next to `shares` that sum to `total`."""
    whole = np.floor(shares).astype(int)
    missing = total - whole.sum()
    whole[np.argsort(-(shares - whole), kind="stable")[:missing]] += 1
    return whole
