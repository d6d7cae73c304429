"""Before trusting a split: are there two groups, and are there two views."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from overlapkit._kernels.dip import dip
from overlapkit._utils.checks import check_array, check_consistent_length
from overlapkit._utils.sklearn_compat import (
    Interval,
    _num_samples,
    _safe_indexing,
    validate_params,
)
from overlapkit.thresholds import _sorted_values, _unit_scale

__all__ = ["dip_statistic", "dip_test", "view_alignment"]

# Upper quantiles of sqrt(n) * dip of n uniform values: a row for each size, a column
# for each tail probability (python -m benchmarks dip-table).
NULL_SIZES = (4, 6, 10, 20, 50, 100, 300, 1000, 5000)
NULL_TAILS = (
    *(0.99, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.07),
    *(0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001),
)
_NULL_QUANTILES = np.array(
    [
        [  # n = 4
            *(0.2500, 0.2500, 0.2500, 0.2500, 0.2650, 0.3146, 0.3747, 0.3976),
            *(0.4146, 0.4348, 0.4475, 0.4629, 0.4746, 0.4843, 0.4890),
        ],
        [  # n = 6
            *(0.2041, 0.2041, 0.2542, 0.3011, 0.3441, 0.3660, 0.3899, 0.3979),
            *(0.4039, 0.4179, 0.4402, 0.4715, 0.4973, 0.5221, 0.5385),
        ],
        [  # n = 10
            *(0.1928, 0.2469, 0.2857, 0.3093, 0.3476, 0.3753, 0.4124, 0.4280),
            *(0.4414, 0.4602, 0.4768, 0.5044, 0.5268, 0.5567, 0.5738),
        ],
        [  # n = 20
            *(0.2121, 0.2541, 0.2953, 0.3279, 0.3688, 0.3955, 0.4351, 0.4539),
            *(0.4706, 0.4947, 0.5115, 0.5391, 0.5628, 0.5985, 0.6186),
        ],
        [  # n = 50
            *(0.2217, 0.2665, 0.3092, 0.3456, 0.3877, 0.4159, 0.4594, 0.4799),
            *(0.4980, 0.5233, 0.5426, 0.5718, 0.6005, 0.6328, 0.6529),
        ],
        [  # n = 100
            *(0.2283, 0.2738, 0.3178, 0.3548, 0.3980, 0.4273, 0.4717, 0.4931),
            *(0.5120, 0.5387, 0.5593, 0.5925, 0.6220, 0.6598, 0.6864),
        ],
        [  # n = 300
            *(0.2358, 0.2823, 0.3268, 0.3642, 0.4085, 0.4383, 0.4829, 0.5052),
            *(0.5244, 0.5512, 0.5723, 0.6060, 0.6387, 0.6773, 0.7040),
        ],
        [  # n = 1000
            *(0.2409, 0.2880, 0.3327, 0.3713, 0.4165, 0.4469, 0.4933, 0.5158),
            *(0.5356, 0.5646, 0.5862, 0.6217, 0.6544, 0.6942, 0.7235),
        ],
        [  # n = 5000
            *(0.2440, 0.2916, 0.3373, 0.3754, 0.4215, 0.4523, 0.4993, 0.5212),
            *(0.5408, 0.5697, 0.5906, 0.6265, 0.6622, 0.7019, 0.7295),
        ],
    ]
)

# Values closer than this share of their range are tied: rounding told them apart.
_DECIMALS = 9


class DipTest(NamedTuple):
    """Result of :func:`dip_test`.

    Attributes
    ----------
    statistic : float
        The dip, in [0, 0.25].
    pvalue : float
        Probability that one group gives a dip at least as large, in [0.001, 1].

    Examples
    --------
    >>> from overlapkit.diagnostics import dip_test
    >>> statistic, pvalue = dip_test([0.0, 0.1, 0.2, 0.8, 0.9, 1.0])
    >>> 0 <= statistic <= 0.25 and 0 < pvalue <= 1
    True
    """

    statistic: float
    pvalue: float


def dip_statistic(values: ArrayLike) -> float:
    r"""Distance of a sample from the nearest distribution with one mode.

    A sample of one group has a distribution function that turns from convex to
    concave once, at the mode, up to noise. Two groups with a gap between them have
    a step that no such function can follow.

    With the empirical distribution function :math:`F_n` and the set :math:`U` of
    all distribution functions that are convex before and concave after some point,

    .. math::

        D = \min_{G \in U} \sup_x |F_n(x) - G(x)|.

    Parameters
    ----------
    values : array-like of shape (n_values,)
        Finite real numbers in any order and unit.

    Returns
    -------
    dip : float
        Between 0 (or :math:`1 / 2n` without ties) and 0.25, two equal atoms.

    Raises
    ------
    TypeError
        If the values are not real numbers.
    ValueError
        If there are no values, they are not one-dimensional, or one of them is NaN
        or infinite.

    See Also
    --------
    dip_test : The same with a p-value.

    Notes
    -----
    :math:`O(n \log n)` time. Shifting, scaling, reversing and replicating the values
    leaves the dip as it is.

    References
    ----------
    .. [1] J. A. Hartigan, P. M. Hartigan, "The Dip Test of Unimodality", Annals of
       Statistics 13 (1), 1985.

    Examples
    --------
    >>> from overlapkit.diagnostics import dip_statistic
    >>> dip_statistic([0.0, 0.0, 1.0, 1.0])
    0.25
    >>> dip_statistic([1.0, 2.0, 3.0, 4.0])
    0.125
    """
    return _dip(_unit_scale(_sorted_values(values)))


def _dip(values) -> float:
    x, counts = np.unique(values, return_counts=True)
    upto = np.cumsum(counts) / counts.sum()
    return float(dip(x, np.append(0.0, upto[:-1]), upto))


def _spread_ties(values) -> tuple[np.ndarray, int]:
    """Spread equal values, in [0, 1], evenly over the smallest gap between others.

    Returns the values and how many distinct ones there were.
    """
    x, counts = np.unique(np.round(values, _DECIMALS), return_counts=True)
    if len(x) < 3:
        return values, len(values)
    within = np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
    offset = (within + 0.5) / np.repeat(counts, counts) - 0.5
    return np.repeat(x, counts) + np.diff(x).min() * offset, len(x)


def dip_test(values: ArrayLike) -> DipTest:
    r"""Test whether values come from one group (one mode) against several.

    Unlike the gain of a change point, which is 0.75 for evenly spread values, the
    p-value says whether there is anything to split. It is calibrated against the
    uniform distribution, which of all distributions with one mode looks most like
    two groups; against a normal or a skewed one the test errs on the side of one
    group.

    The p-value is :math:`P(\sqrt n\, D_n \ge \sqrt n\, D)` with :math:`D_n` the dip of
    :math:`n` independent uniform values, interpolated between simulated sizes (on
    the scale of :math:`1 / \sqrt n`) and tail probabilities (on a log scale).

    Parameters
    ----------
    values : array-like of shape (n_values,)
        Finite real numbers in any order and unit.

    Returns
    -------
    DipTest
        ``statistic`` and ``pvalue``. The p-value is not resolved below 0.001, and is
        1 for fewer than 4 values or when all are equal.

    Raises
    ------
    TypeError
        If the values are not real numbers.
    ValueError
        If there are no values, they are not one-dimensional, or one of them is NaN
        or infinite.

    See Also
    --------
    overlapkit.thresholds.change_point : Where to split if there are two groups.

    Notes
    -----
    Values on a scale with few steps (shares of trees, of neighbours, of votes) are
    tied many times, and every step would count as a mode. Ties are therefore spread
    evenly over the smallest gap between distinct values first, and :math:`n` is the
    number of distinct values, so that few of them show little; but two distinct
    values are two groups. A group is a mode, nothing more: values that pile up at
    both ends of their range have two.

    References
    ----------
    .. [1] J. A. Hartigan, P. M. Hartigan, "The Dip Test of Unimodality", Annals of
       Statistics 13 (1), 1985.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.diagnostics import dip_test
    >>> rng = np.random.default_rng(0)
    >>> bool(dip_test(rng.uniform(size=500)).pvalue > 0.05)
    True
    >>> two = np.append(rng.normal(0, 1, 250), rng.normal(4, 1, 250))
    >>> dip_test(two).pvalue
    0.001
    """
    values = _unit_scale(_sorted_values(values))
    values, n = _spread_ties(values)
    statistic = _dip(values)
    if n < NULL_SIZES[0] or statistic == 0.0:
        return DipTest(statistic, 1.0)
    # between sizes the quantiles are close to linear in 1 / sqrt(n)
    where = 1 / np.sqrt(NULL_SIZES)
    at = 1 / np.sqrt(n)
    quantiles = [np.interp(-at, -where, column) for column in _NULL_QUANTILES.T]
    scaled = np.sqrt(n) * statistic
    if scaled < quantiles[0]:
        return DipTest(statistic, 1.0)
    # where quantiles coincide, as they do for a few values, the largest tail counts
    quantiles = np.maximum.accumulate(quantiles) + 1e-9 * np.arange(len(NULL_TAILS))
    log_tail = np.interp(scaled, quantiles, np.log(NULL_TAILS))
    return DipTest(statistic, float(np.round(np.exp(log_tail), 12)))


@validate_params(
    {
        "strong": ["array-like"],
        "weak": ["array-like"],
        "max_rows": [Interval(Integral, 4, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def view_alignment(
    strong: ArrayLike,
    weak: ArrayLike,
    *,
    max_rows: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> float:
    r"""How much the two views see the same: 0 nothing, 1 all the same.

    Where the strong model sees nothing that the weak one does not, there is no
    hard pattern to learn, and no overlap to find. No labels are needed.

    Debiased linear centred kernel alignment of the standardised columns. With
    :math:`K = S S^\top` and :math:`L = W W^\top`, diagonals set to zero,

    .. math::

        A = \frac{h(K, L)}{\sqrt{h(K, K)\, h(L, L)}}, \qquad
        h(K, L) = \operatorname{tr}(KL)
            + \frac{1^\top K 1\; 1^\top L 1}{(n - 1)(n - 2)}
            - \frac{2}{n - 2} 1^\top K L 1,

    clipped to [0, 1].

    Parameters
    ----------
    strong, weak : array-like of shape (n_samples, n_columns)
        The views, row by row; their numbers of columns may differ.
    max_rows : int, default=1000
        Rows to compare; more are sampled down.
    random_state : int, RandomState instance or None, default=None
        Samples the rows.

    Returns
    -------
    alignment : float
        In [0, 1]; NaN when there are fewer than 4 rows or a view is constant.

    Raises
    ------
    ValueError
        If the views have different numbers of rows, or values that are missing,
        infinite or no numbers.

    See Also
    --------
    overlapkit.OverlapDetector : Warns when the alignment is close to 1.

    Notes
    -----
    Invariant under rotations of either view after its columns are standardised.
    Without the correction for bias, independent views with many columns and few
    rows would look aligned.

    References
    ----------
    .. [1] S. Kornblith, M. Norouzi, H. Lee, G. Hinton, "Similarity of Neural Network
       Representations Revisited", ICML 2019.
    .. [2] L. Song, A. Smola, A. Gretton, J. Bedo, K. Borgwardt, "Feature Selection
       via Dependence Maximization", JMLR 13, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.diagnostics import view_alignment
    >>> X = np.random.default_rng(0).normal(size=(500, 20))
    >>> round(view_alignment(X, X), 3)
    1.0
    >>> view_alignment(X[:, :10], X[:, 10:]) < 0.1
    True
    """
    check_consistent_length(strong=strong, weak=weak)
    n = _num_samples(strong)
    if n > max_rows:  # drawn before they are converted: a memory map may be too large
        rows = check_random_state(random_state).choice(n, max_rows, replace=False)
        strong, weak, n = (
            _safe_indexing(strong, rows),
            _safe_indexing(weak, rows),
            max_rows,
        )
    strong = check_array(strong, dtype=[np.float64, np.float32], input_name="strong")
    weak = check_array(weak, dtype=[np.float64, np.float32], input_name="weak")
    A, B = _standardised(strong), _standardised(weak)
    if n < 4 or not (A.any() and B.any()):
        return float("nan")
    scale = _unbiased_product(A, A) * _unbiased_product(B, B)
    if scale <= 0:
        return float("nan")
    return float(np.clip(_unbiased_product(A, B) / np.sqrt(scale), 0.0, 1.0))


def _standardised(view) -> np.ndarray:
    """Columns of mean 0 and deviation 1; constant ones are 0."""
    view = view.astype(np.float64)
    # columns of any size: neither their sums nor their squares may overflow or vanish
    largest = np.abs(view).max(axis=0)
    view /= np.where(largest > 0, largest, 1.0)
    view -= view.mean(axis=0)
    deviation = view.std(axis=0)
    view /= np.where(deviation > 0, deviation, 1.0)
    return view


def _unbiased_product(A, B) -> float:
    """Product of the matrices of inner products, whose diagonals are taken as 0.

    As columns have mean 0, the sums of their rows are those of the diagonals, negative.
    """
    n, width = len(A), A.shape[1] * B.shape[1]
    k, m = np.square(A).sum(axis=1), np.square(B).sum(axis=1)
    if width < n * (A.shape[1] + B.shape[1]):  # operations of the two ways
        product = np.square(A.T @ B).sum()
    else:
        K = A @ A.T
        product = np.vdot(K, K if B is A else B @ B.T)
    return product - k @ m * n / (n - 2) + k.sum() * m.sum() / ((n - 1) * (n - 2))
