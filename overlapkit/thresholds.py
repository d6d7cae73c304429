"""Thresholds read from the scores themselves: two-segment change points."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overlapkit._utils.checks import as_numbers, refuse_unreadable

from ._kernels.change_point import best_split

__all__ = ["binseg_change_point", "change_point"]


@dataclass(frozen=True)
class ChangePoint:
    """A split of values into a lower and an upper segment.

    Attributes
    ----------
    index : int
        Number k of values in the lower segment. 0 means that no split was found:
        nothing lies below ``threshold``.
    threshold : float
        Smallest value of the upper segment; the lower segment is
        ``values < threshold``.
    midpoint : float
        Half-way between the two values around the split, a threshold for new
        values: ``values < midpoint`` gives the same lower segment.
    mean_below, mean_above : float
        Means of the segments; ``mean_below`` is NaN when the lower one is empty.
    gain : float
        Share of the total sum of squares that the split removes, in [0, 1].
        Uniformly spread values have 0.75: a gain is evidence of two groups only
        when it is well above that.

    See Also
    --------
    change_point : The exact split.

    Examples
    --------
    >>> from overlapkit.thresholds import change_point
    >>> split = change_point([0.1, 0.2, 0.8, 0.9])
    >>> split.found, split.index, split.threshold, split.midpoint
    (True, 2, 0.8, 0.5)
    """

    index: int
    threshold: float
    midpoint: float
    mean_below: float
    mean_above: float
    gain: float

    @property
    def found(self) -> bool:
        """Whether there is a lower segment at all."""
        return self.index > 0


def change_point(values: ArrayLike, *, min_size: int = 2) -> ChangePoint:
    r"""Split values where two constants describe them best.

    A low group and a high group of scores show as one step in the sorted values;
    the step that leaves the least squared error is the threshold between them.

    With :math:`s` the sorted values and :math:`\bar s` segment means,

    .. math::

        k^* = \min \arg\min_k \sum_{i<k} (s_i - \bar s_{<k})^2
              + \sum_{i \ge k} (s_i - \bar s_{\ge k})^2

    over all :math:`k` with ``min_size <= k <= n - min_size`` and
    :math:`s_{k-1} < s_k`. Equal values are never separated, so that the rule
    ``values < threshold`` selects exactly :math:`k` values.

    Parameters
    ----------
    values : array-like of shape (n_values,)
        Finite real numbers in any order and unit. Never changed.
    min_size : int, default=2
        Smallest number of values in a segment.

    Returns
    -------
    ChangePoint
        When there is no admissible split (fewer than ``2 * min_size`` values, all
        values equal, ...) the result has ``index`` 0, ``gain`` 0 and the smallest
        value as ``threshold``: nothing is below it. No warning is issued; the
        caller looks at ``found`` (or asks for a minimum ``gain``) and decides on
        its fallback.

    Raises
    ------
    TypeError
        If the values are not real numbers, or ``min_size`` is not an integer.
    ValueError
        If there are no values, they are not one-dimensional, one of them is NaN
        or infinite, or ``min_size`` is below 1.

    See Also
    --------
    binseg_change_point : The coarser search of the reference implementation.

    Notes
    -----
    One pass with compensated prefix sums after one sort: :math:`O(n \log n)` time.
    Adding a constant, multiplying by a positive number, permuting and replicating
    the values change the result accordingly. Splits whose errors agree to
    rounding count as tied, and the smallest lower segment wins. Values closer than
    rounding at the scale of their range count as equal.

    References
    ----------
    .. [1] W. D. Fisher, "On Grouping for Maximum Homogeneity", Journal of the
       American Statistical Association 53 (284), 1958.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.thresholds import change_point
    >>> confidence = np.repeat([0.95, 0.0, 0.6], [500, 200, 300])
    >>> split = change_point(confidence)
    >>> split.index, split.threshold
    (200, 0.6)
    >>> int((confidence < split.threshold).sum())
    200
    >>> change_point(np.ones(100)).found
    False
    """
    if not isinstance(min_size, int | np.integer) or isinstance(min_size, bool):
        raise TypeError(f"min_size must be an integer, got {min_size!r}.")
    if min_size < 1:
        raise ValueError(f"min_size must be at least 1, got {min_size}.")
    s = _sorted_values(values)
    k, gain = best_split(_unit_scale(s), min_size)
    return _describe(s, int(k), float(gain))


def binseg_change_point(values: ArrayLike) -> ChangePoint:
    r"""Split values as the reference implementation of the method does.

    Replays ``ruptures.Binseg(model="l2", jump=5, min_size=2)`` with one break on
    the sorted values, without needing ruptures, so that published thresholds can
    be reached. Prefer :func:`change_point`: this search only looks at every fifth
    split, may cut through equal values, and splits whatever it is given.

    The break maximises :math:`V(0, n) - V(0, k) - V(k, n)` over
    :math:`k = 5, 10, 15, \dots \le n - 2`, where :math:`V(a, b)` is the sum of
    squared deviations of :math:`s_a, \dots, s_{b-1}` from their mean; of equal
    maxima the last one is taken. Constant values are therefore "split" at the last
    candidate.

    Parameters
    ----------
    values : array-like of shape (n_values,)
        At least 7 finite real numbers in any order. Rounding decides ties, as it
        does there, in the precision of the values (float32 stays float32).

    Returns
    -------
    ChangePoint
        ``index`` is the reported break and ``threshold`` the sorted value there.
        Where the break cuts through equal values, fewer than ``index`` of them are
        below ``threshold``.

    Raises
    ------
    TypeError
        If the values are not real numbers.
    ValueError
        If there are fewer than 7 values, they are not one-dimensional, or one of
        them is NaN or infinite.

    See Also
    --------
    change_point : The exact split.

    Notes
    -----
    Candidates are ranked with prefix sums first; only those that rounding could
    promote are evaluated the way ruptures evaluates them. Near-constant values
    keep all candidates and cost :math:`O(n^2)`.

    References
    ----------
    .. [1] C. Truong, L. Oudre, N. Vayatis, "Selective review of offline change
       point detection methods", Signal Processing 167, 2020.

    Examples
    --------
    >>> from overlapkit.thresholds import binseg_change_point
    >>> binseg_change_point([0.0] * 8 + [1.0] * 12).index
    10
    >>> binseg_change_point([0.5] * 100).index
    95
    """
    s = _sorted_values(values)
    n = s.size
    if n < 7:
        raise ValueError(
            f"The search needs at least 7 values, got {n}; use change_point, which "
            "has no such limit."
        )
    candidates = np.arange(5, n - 1, 5)
    whole_s = s
    largest = float(max(abs(s[0]), abs(s[-1])))
    # by a power of 2, which is exact: squares must not overflow or vanish
    s = np.ldexp(s, -np.frexp(largest)[1])
    largest = float(max(abs(s[0]), abs(s[-1])))
    c = s.astype(np.float64)
    c -= c.mean()
    prefix = np.cumsum(c)[candidates - 1]
    removed = prefix**2 * (n / (candidates * (n - candidates)))
    # Bound on what rounding in the precision of s can do to one sum of squares.
    eps = np.finfo(s.dtype).eps
    slack = 8 * n * (eps * float(c @ c) + n * (eps * largest) ** 2)
    candidates = candidates[removed >= removed.max() - slack]

    column = s[:, None]

    def squares(start, stop):
        return column[start:stop].var(axis=0).sum() * (stop - start)

    whole = squares(0, n)
    _, k = max((whole - squares(0, k) - squares(k, n), k) for k in candidates.tolist())
    total = float(c @ c)
    gain = float(np.sum(c[:k]) ** 2) * n / (k * (n - k)) / total if total > 0 else 0.0
    return _describe(whole_s, k, min(gain, 1.0))


def _sorted_values(values) -> np.ndarray:
    refuse_unreadable(values, "values")
    values = np.asarray(values)
    if values.dtype.kind == "O":
        values = as_numbers(values, "values", finite=False)
    if values.dtype.kind not in "fiub":
        raise TypeError(
            f"The values must be real numbers, got an array of type {values.dtype}."
        )
    if values.ndim != 1:
        raise ValueError(
            f"The values must be one-dimensional, got shape {values.shape}."
        )
    if values.size == 0:
        raise ValueError("At least one value is needed, but values is empty.")
    if values.dtype.kind != "f":
        values = values.astype(np.float64)
    elif values.dtype not in (np.float32, np.float64):
        # float16 is too coarse to average in, longdouble is beyond the kernel.
        values = values.astype(np.float32 if values.itemsize == 2 else np.float64)
    s = np.sort(values)
    if not (np.isfinite(s[0]) and np.isfinite(s[-1])):  # NaN sorts last
        raise ValueError(
            f"The values must be finite, got {np.count_nonzero(~np.isfinite(s))} NaN "
            "or infinite ones; drop or fill them first."
        )
    largest = max(abs(float(s[0])), abs(float(s[-1])))
    if largest > np.finfo(np.float64).max / (2 * s.size):
        raise ValueError(
            f"The values are as large as {largest:g} and cannot be summed in float64; "
            "rescale them."
        )
    return s


def _unit_scale(s) -> np.ndarray:
    """Map sorted values to [0, 1]: their squares cannot overflow or vanish."""
    z = s.astype(np.float64)
    z -= z[0]
    if z[-1] > 0:
        z /= z[-1]
    return z


def _describe(s, k, gain) -> ChangePoint:
    if k == 0:
        low = float(s[0])
        return ChangePoint(0, low, low, float("nan"), _mean(s), 0.0)
    below, above = s[k - 1], s[k]
    half = s.dtype.type(0.5)
    midpoint = half * below + half * above
    if not below < midpoint <= above:  # neighbouring numbers have nothing between
        midpoint = above
    return ChangePoint(
        index=k,
        threshold=float(above),
        midpoint=float(midpoint),
        mean_below=_mean(s[:k]),
        mean_above=_mean(s[k:]),
        gain=gain,
    )


def _mean(s) -> float:
    """Mean in float64; rounding must not carry it past the ends."""
    mean = float(np.mean(s, dtype=np.float64))
    return min(max(mean, float(s[0])), float(s[-1]))
