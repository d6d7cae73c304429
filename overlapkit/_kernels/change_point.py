"""Exact two-segment least-squares split of a sorted array."""

import numpy as np

from overlapkit._kernels.compiling import njit

# Two costs closer than this share of the total are one cost: it is what rounding
# can do to a compensated prefix sum, and it keeps "smallest k on ties" true after
# an affine map of the values.
_TIE = 64 * np.finfo(np.float64).eps


@njit(cache=True, nogil=True)
def _two_sum(a, b):
    """Return a + b and what the rounding lost."""
    s = a + b
    bb = s - a
    return s, (a - (s - bb)) + (b - bb)


@njit(cache=True, nogil=True)
def best_split(s, min_size):
    """Return the best admissible size of the lower segment and its gain.

    With centred values c the part of the total sum of squares that a split after k
    values removes is P_k^2 n / (k (n - k)), P_k = c_1 + ... + c_k; one pass.

    Parameters
    ----------
    s : array of shape (n,), float64
        Sorted values, scaled to about one.
    min_size : int
        Smallest size of a segment.

    Returns
    -------
    k : int
        Smallest best split with s[k - 1] < s[k]; 0 when there is none.
    gain : float
        Share of the total sum of squares removed.
    """
    n = s.size
    high, low = 0.0, 0.0
    for i in range(n):
        high, lost = _two_sum(high, s[i])
        low += lost
    mean = (high + low) / n

    total = 0.0
    high, low = 0.0, 0.0
    best, best_k = 0.0, 0
    for i in range(n - 1):
        c = s[i] - mean
        total += c * c
        high, lost = _two_sum(high, c)
        low += lost
        k = i + 1
        if k >= min_size and n - k >= min_size and s[i] < s[k]:
            prefix = high + low
            removed = prefix * prefix * (n / (float(k) * float(n - k)))
            if removed > best * (1.0 + _TIE):
                best, best_k = removed, k
    if n > 0:
        c = s[n - 1] - mean
        total += c * c
    if best_k == 0 or total <= 0.0:
        return 0, 0.0
    return best_k, min(best / total, 1.0)
