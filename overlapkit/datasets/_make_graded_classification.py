"""Gaussian data with any number of difficulty levels."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from overlapkit._utils.checks import as_numbers
from overlapkit._utils.shares import round_to_sum
from overlapkit._utils.sklearn_compat import Interval, validate_params
from overlapkit.datasets._make_overlap_classification import _class_shares

__all__ = ["make_graded_classification"]

_SIZE = [Interval(Integral, 1, None, closed="left")]


def _subset_of(levels, n_levels) -> tuple[int, ...]:
    levels = (levels,) if isinstance(levels, Integral) else tuple(levels)
    if len(set(levels)) != len(levels) or not set(levels) <= set(range(n_levels)):
        raise ValueError(
            f"counts names the levels {levels}; they must be different numbers from 0 "
            f"to {n_levels - 1}."
        )
    return levels


def _row_numbers(counts, n_samples, n_levels):
    """Levels and number of rows of each kind of row, as two lists."""
    if not counts:
        raise ValueError("counts must say how many rows carry which levels.")
    kinds = [_subset_of(levels, n_levels) for levels in counts]
    numbers = list(counts.values())
    if n_samples is not None:
        shares = np.asarray(numbers, dtype=np.float64)
        if not (shares >= 0).all() or not np.isclose(shares.sum(), 1.0):
            raise ValueError(
                "With n_samples, counts must hold shares that sum to 1; they sum to "
                f"{shares.sum():.6g}."
            )
        return kinds, round_to_sum(shares * n_samples, n_samples)
    if not all(isinstance(n, Integral) and n >= 0 for n in numbers):
        raise ValueError(
            f"counts must hold whole numbers of rows, got {numbers}; for shares, give "
            "n_samples as well."
        )
    return kinds, np.asarray(numbers, dtype=np.int64)


@validate_params(
    {
        "counts": [dict],
        "n_samples": [*_SIZE, None],
        "n_levels": [Interval(Integral, 2, None, closed="left")],
        "weak_levels": _SIZE,
        "n_features_per_level": _SIZE,
        "n_classes": [Interval(Integral, 2, None, closed="left")],
        "weights": ["array-like", None],
        "separation": [Interval(Real, 0, None, closed="neither"), "array-like"],
        "noise_variance": [Interval(Real, 0, None, closed="neither")],
        "theta": ["array-like", None],
        "return_tuple": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_graded_classification(
    counts: dict[Any, Any],
    *,
    n_samples: int | None = None,
    n_levels: int = 3,
    weak_levels: int = 1,
    n_features_per_level: int = 10,
    n_classes: int = 2,
    weights: ArrayLike | None = None,
    separation: ArrayLike = 1.0,
    noise_variance: float = 5.0,
    theta: ArrayLike | None = None,
    return_tuple: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch | Any:
    r"""Draw rows that carry patterns of several difficulty levels.

    Easy and hard are two ends of a scale. Here a row may carry any set of patterns,
    of levels 0 (easiest) to L - 1; a weak model knows the lowest ones, and what is
    easy, hard or overlap depends on where its knowledge ends. So one can see what a
    partition in three regions does to a scale with more steps.

    With a class :math:`y`, level :math:`l`, and the set :math:`S` of a row,

    .. math::

        x^{(l)} \mid y \sim \mathcal{N}(s_l\,\mu_y^{(l)},\ \sigma^2 I)
        \text{ if } l \in S, \qquad x^{(l)} = 0 \text{ otherwise},

    and with two classes :math:`\mu_0 = -\theta, \mu_1 = \theta`. With two levels this
    is :func:`make_overlap_classification`.

    Parameters
    ----------
    counts : dict
        Rows that carry exactly these levels: ``{(0,): 100, (0, 2): 50, (): 10}``.
    n_samples : int, default=None
        Number of rows, of which `counts` then holds shares that sum to 1, rounded to
        whole rows by largest remainders. None: `counts` holds numbers of rows.
    n_levels : int, default=3
        Number L of levels.
    weak_levels : int, default=1
        The weak model sees the first so many levels; at most ``n_levels - 1``.
    n_features_per_level : int, default=10
        Features of each level.
    n_classes : int, default=2
        Number of classes.
    weights : array-like of shape (n_classes,), default=None
        Probabilities of the classes; equal ones by default.
    separation : float or array-like of shape (n_levels,), default=1.0
        Multiplies the patterns, of all levels or of each.
    noise_variance : float, default=5.0
        Variance :math:`\sigma^2` of the noise of each feature.
    theta : array-like of shape (n_classes, n_features), default=None
        Patterns, ``theta`` of an earlier draw for further rows; drawn if None, from
        U(0, 1) with opposite signs for two classes and random signs for more.
    return_tuple : bool, default=False
        Return ``(X, y, region)`` instead of a Bunch.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same rows at every call.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the following attributes.

        X : ndarray of shape (n_samples, n_levels * n_features_per_level), float64
            The features, easiest level first.
        y : ndarray of shape (n_samples,), int64
            The classes.
        region : ndarray of shape (n_samples,), int64
            As the weak model has it: 0 easy (only levels it sees), 1 overlap (levels
            of both kinds), 2 hard (only levels it does not see), 3 neither.
        levels : ndarray of shape (n_samples, n_levels) of bool
            Which patterns each row carries.
        theta : ndarray of shape (n_classes, n_features)
            The patterns.
        overlap_density : float
            True overlap density, the share of overlap rows among all rows.
        easy_columns, hard_columns : slice
            Columns the weak model sees, and those it does not.

    (X, y, region) : tuple, with ``return_tuple=True``
        The three first attributes.

    Raises
    ------
    ValueError
        If levels do not exist, counts are no counts (or shares), shapes do not fit,
        or some class has no row among those drawn.

    See Also
    --------
    make_overlap_classification : Two levels, with saliency and label noise.

    Examples
    --------
    >>> from overlapkit.datasets import make_graded_classification
    >>> counts = {(0,): 0.4, (0, 1): 0.2, (1, 2): 0.2, (2,): 0.2}
    >>> data = make_graded_classification(counts, n_samples=100, random_state=0)
    >>> data.X.shape, data.overlap_density
    ((100, 30), 0.2)
    >>> wider = make_graded_classification(
    ...     counts, n_samples=100, weak_levels=2, random_state=0
    ... )
    >>> (wider.X == data.X).all(), (wider.region == 1).sum(), (wider.region == 0).sum()
    (np.True_, np.int64(20), np.int64(60))
    """
    if weak_levels >= n_levels:
        raise ValueError(
            f"weak_levels={weak_levels} leaves no level of {n_levels} to the strong "
            "model."
        )
    rng = check_random_state(random_state)
    shape = (n_classes, n_levels * n_features_per_level)
    centers = _centers(theta, shape, rng)
    scale = as_numbers(separation, "separation", finite=False)
    if scale.shape not in ((), (n_levels,)) or not (scale > 0).all():
        raise ValueError(
            f"separation must be positive, one value or one for each of {n_levels} "
            f"levels, got {scale.tolist()}."
        )
    scale = np.repeat(np.broadcast_to(scale, n_levels), n_features_per_level)
    weights = _class_shares(weights, n_classes)
    kinds, numbers = _row_numbers(counts, n_samples, n_levels)
    carried = np.array([np.isin(np.arange(n_levels), kind) for kind in kinds])
    levels = np.repeat(carried, numbers, axis=0)
    n_samples = len(levels)

    y = rng.choice(n_classes, size=n_samples, p=weights)
    X = rng.normal(scale=np.sqrt(float(noise_variance)), size=(n_samples, shape[1]))
    X += scale * centers[y]
    X *= np.repeat(levels, n_features_per_level, axis=1)
    order = rng.permutation(n_samples)
    X, y, levels = X[order] + 0.0, y[order], levels[order]  # + 0.0: no negative zeros
    missing = np.flatnonzero(np.bincount(y, minlength=n_classes) == 0)
    if len(missing):
        raise ValueError(
            f"none of the {n_samples} rows drawn is of class {missing.tolist()}: ask "
            "for more rows, raise its share in weights, or use another random_state"
        )
    seen, unseen = levels[:, :weak_levels], levels[:, weak_levels:]
    seen, unseen = seen.any(axis=1), unseen.any(axis=1)
    region = np.select([seen & unseen, seen, unseen], [1, 0, 2], 3)
    if return_tuple:
        return X, y, region
    end = weak_levels * n_features_per_level
    return Bunch(
        X=X,
        y=y,
        region=region,
        levels=levels,
        theta=centers,
        overlap_density=float(np.mean(region == 1)),
        easy_columns=slice(0, end),
        hard_columns=slice(end, shape[1]),
    )


def _centers(theta, shape, rng) -> np.ndarray:
    """Patterns of every class, one row each."""
    if theta is not None:
        theta = as_numbers(theta, "theta", finite=False)
        if theta.shape != shape or not np.isfinite(theta).all():
            raise ValueError(
                f"theta must be finite and of shape {shape} for these classes, levels "
                f"and features; got shape {theta.shape}."
            )
        return theta
    if shape[0] == 2:
        pattern = rng.uniform(size=shape[1])
        return np.stack([-pattern, pattern])
    return rng.uniform(size=shape) * rng.choice([-1.0, 1.0], size=shape)
