"""Hartigan's dip: how far a sample is from having one mode."""

import numpy as np

from overlapkit._kernels.compiling import njit


@njit(cache=True, nogil=True)
def _hull(x, y, start, stop, sign, vertices):
    """Vertices of the convex (sign 1) or concave (-1) hull of points start..stop.

    Writes their positions into `vertices`, left to right, and returns how many.
    """
    count = 0
    for i in range(start, stop + 1):
        while count >= 2:
            a, b = vertices[count - 2], vertices[count - 1]
            turn = (x[b] - x[a]) * (y[i] - y[a]) - (x[i] - x[a]) * (y[b] - y[a])
            if sign * turn > 0.0:
                break
            count -= 1
        vertices[count] = i
        count += 1
    return count


@njit(cache=True, nogil=True)
def _at(x, y, vertices, right, i):
    """Height over x[i] of the hull, where vertices[right] is the first not before i."""
    b = vertices[right]
    if b == i:
        return y[i]
    a = vertices[right - 1]
    return y[a] + (y[b] - y[a]) * (x[i] - x[a]) / (x[b] - x[a])


@njit(cache=True, nogil=True)
def dip(x, below, upto):
    """Largest distance to the nearest distribution with one mode.

    Parameters
    ----------
    x : array of shape (n,), float64
        Distinct values in increasing order, n at least 1.
    below, upto : array of shape (n,), float64
        Empirical distribution function just before and at each value.

    Returns
    -------
    dip : float
        In [0, 0.25].
    """
    n = x.size
    convex, concave = np.empty(n, np.int64), np.empty(n, np.int64)
    low, high = 0, n - 1
    distance = 0.0
    while True:
        n_convex = _hull(x, below, low, high, 1.0, convex)
        n_concave = _hull(x, upto, low, high, -1.0, concave)
        # the widest gap between the hulls is at a vertex of one of them
        gap, left, right = -1.0, low, high
        k = 0
        for j in range(n_convex):
            i = convex[j]
            while concave[k] < i:
                k += 1
            here = _at(x, upto, concave, k, i) - below[i]
            if here > gap:
                gap, left, right = here, i, concave[k]
        k = 0
        for j in range(n_concave):
            i = concave[j]
            while convex[k] < i:
                k += 1
            here = upto[i] - _at(x, below, convex, k, i)
            if here > gap:
                # the last vertex of the convex hull that is not after i
                left = convex[k] if convex[k] == i else convex[k - 1]
                gap, right = here, i
        if gap <= distance:
            break
        # what the hulls miss outside the modal interval [left, right]
        outside = 0.0
        k = 0
        for i in range(low, left + 1):
            while convex[k] < i:
                k += 1
            value = upto[i] if i < left else below[i]
            outside = max(outside, value - _at(x, below, convex, k, i))
        k = 0
        for i in range(right, high + 1):
            while concave[k] < i:
                k += 1
            value = below[i] if i > right else upto[i]
            outside = max(outside, _at(x, upto, concave, k, i) - value)
        distance = max(distance, outside)
        if left == low and right == high:
            break
        low, high = left, right
    return distance / 2.0
