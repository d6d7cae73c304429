"""Gaussian data whose easy, hard and overlap rows are known."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from overlapkit._utils.checks import as_numbers, check_array
from overlapkit._utils.sklearn_compat import Interval, validate_params

__all__ = ["make_overlap_classification"]

_COUNT = [Interval(Integral, 0, None, closed="left")]
_SIZE = [Interval(Integral, 1, None, closed="left")]
_FACTOR = [Interval(Real, 0, None, closed="neither")]


def _patterns(theta, n_classes, n_features, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(theta, centers)``: the pattern as given or drawn, one row a class."""
    shape = (n_features,) if n_classes == 2 else (n_classes, n_features)
    if theta is None:
        theta = rng.uniform(size=shape)
        if n_classes > 2:  # without signs all classes would lie in one corner
            theta *= rng.choice([-1.0, 1.0], size=shape)
    else:
        theta = check_array(
            theta, dtype=np.float64, ensure_2d=False, input_name="theta", copy=True
        )
        if theta.shape != shape:
            raise ValueError(
                f"theta has shape {theta.shape}, expected {shape} for "
                f"{n_classes} classes and {n_features} features"
            )
    return theta, (np.stack([-theta, theta]) if n_classes == 2 else theta)


def _class_shares(weights, n_classes) -> np.ndarray | None:
    """Validated class probabilities, or None for equal ones."""
    if weights is None:
        return None
    weights = as_numbers(weights, "weights", finite=False)
    valid = weights.shape == (n_classes,) and (weights > 0).all()
    if not valid or not np.isclose(weights.sum(), 1.0):
        raise ValueError(
            f"weights is {weights.tolist()}, expected {n_classes} positive shares that "
            "sum to 1"
        )
    return weights / weights.sum()


@validate_params(
    {
        "n_easy": _COUNT,
        "n_hard": _COUNT,
        "n_overlap": _COUNT,
        "n_neither": _COUNT,
        "n_easy_features": _SIZE,
        "n_hard_features": _SIZE,
        "n_classes": [Interval(Integral, 2, None, closed="left")],
        "weights": ["array-like", None],
        "separation": _FACTOR,
        "noise_variance": _FACTOR,
        "saliency": _FACTOR,
        "label_noise": [Interval(Real, 0, 1, closed="left")],
        "conflict": [Interval(Real, 0, 1, closed="both")],
        "theta": ["array-like", None],
        "shuffle": ["boolean"],
        "return_tuple": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_overlap_classification(
    *,
    n_easy: int = 100,
    n_hard: int = 100,
    n_overlap: int = 100,
    n_neither: int = 0,
    n_easy_features: int = 20,
    n_hard_features: int = 20,
    n_classes: int = 2,
    weights: ArrayLike | None = None,
    separation: float = 1.0,
    noise_variance: float = 5.0,
    saliency: float = 1.0,
    label_noise: float = 0.0,
    conflict: float = 0.0,
    theta: ArrayLike | None = None,
    shuffle: bool = True,
    return_tuple: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch | Any:
    r"""Draw rows that carry an easy pattern, a hard pattern, both or none.

    This is the Gaussian setting of the paper [1]_, where the truth about every row is
    known. A weak model sees the easy features only, so it is right about easy and
    overlap rows and guesses on hard ones; the overlap rows are those that can teach
    a strong model the hard pattern from weak labels.

    With a class :math:`y` and a pattern :math:`\theta`,

    .. math::

        x \mid y \sim \mathcal{N}(s\,\mu_y,\ \sigma^2 I), \qquad
        \mu_0 = -\theta,\quad \mu_1 = +\theta,

    then the hard features of easy rows, the easy features of hard rows, and all
    features of the rows with neither pattern are set to zero, and the easy features
    are multiplied by the saliency. :math:`s` is `separation`, :math:`\sigma^2` is
    `noise_variance`. The defaults are the paper's, with its patterns
    :math:`\theta \sim U(0, 1)^{40}`.

    Parameters
    ----------
    n_easy, n_hard, n_overlap : int, default=100
        Exact numbers of rows with the easy pattern only, the hard pattern only and
        both.
    n_neither : int, default=0
        Exact number of rows with no pattern: all features are zero.
    n_easy_features, n_hard_features : int, default=20
        Numbers of features of either pattern. The easy ones are the first columns.
    n_classes : int, default=2
        Number of classes. With more than 2, each has its own pattern, drawn from
        :math:`U(0, 1)` with random signs.
    weights : array-like of shape (n_classes,), default=None
        Probabilities of the classes; equal ones by default. Classes are drawn row
        by row, so their numbers vary.
    separation : float, default=1.0
        Multiplies the patterns: larger is easier.
    noise_variance : float, default=5.0
        Variance of the noise of each feature.
    saliency : float, default=1.0
        Multiplies the easy features after all else. Above 1 they dominate distances
        and inner products without being more informative.
    label_noise : float in [0, 1), default=0.0
        Share of rows (rounded to whole rows) whose label in `y` is replaced by
        another class. `y_clean` keeps the truth.
    conflict : float in [0, 1], default=0.0
        Share of overlap rows (rounded to whole rows) whose easy pattern is that of
        another class; their class is that of the hard pattern. A weak model then
        labels these rows wrongly and is as sure of it as elsewhere.
    theta : array-like of shape (n_features,) or (n_classes, n_features), default=None
        The patterns; the first shape is for 2 classes. Drawn if None. Pass
        ``theta=data.theta`` for further sets, a test set say, with the same patterns.
    shuffle : bool, default=True
        Shuffle the rows. If False they stand in the order of the region codes.
    return_tuple : bool, default=False
        Return ``(X, y, region)`` instead of a Bunch.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same rows at every call. `X` does not depend on
        `label_noise`, `conflict` changes the easy features of some overlap rows only,
        and `shuffle` the order of the rows only.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the following attributes.

        X : ndarray of shape (n_samples, n_easy_features + n_hard_features), float64
            The features.
        y : ndarray of shape (n_samples,), int64
            The classes, 0 to ``n_classes - 1``.
        region : ndarray of shape (n_samples,), int64
            0 easy, 1 overlap, 2 hard, 3 neither.
        y_clean : ndarray of shape (n_samples,), int64
            The classes before label noise.
        conflicting : ndarray of shape (n_samples,) of bool
            Overlap rows whose easy pattern is that of another class.
        theta : ndarray of shape (n_features,) or (n_classes, n_features)
            The patterns, before `separation` and `saliency`.
        overlap_density : float
            True overlap density, the share of overlap rows among all rows.
        easy_columns, hard_columns : slice
            Columns of the easy and of the hard features.

    (X, y, region) : tuple, with ``return_tuple=True``
        The three first attributes.

    Raises
    ------
    ValueError
        If a parameter is out of range, or if some class has no row among those drawn
        (a matter of chance when there are few rows). A single region may miss a
        class without an error.

    See Also
    --------
    stack_views : For two views that exist already.

    References
    ----------
    .. [1] C. Shin, J. Cooper, F. Sala. "Weak-to-Strong Generalization Through the
       Data-Centric Lens". ICLR 2025. https://arxiv.org/abs/2412.03881

    Examples
    --------
    >>> from overlapkit.datasets import make_overlap_classification
    >>> train = make_overlap_classification(n_overlap=50, random_state=0)
    >>> train.X.shape, train.overlap_density
    ((250, 40), 0.2)
    >>> train.X[train.region == 2, train.easy_columns].any()  # hard: no easy pattern
    np.False_
    >>> test = make_overlap_classification(theta=train.theta, random_state=1)
    """
    rng = check_random_state(random_state)
    n_features = n_easy_features + n_hard_features
    theta, centers = _patterns(theta, n_classes, n_features, rng)
    weights = _class_shares(weights, n_classes)
    region = np.repeat([0, 1, 2, 3], [n_easy, n_overlap, n_hard, n_neither])
    n_samples = len(region)
    if n_samples < n_classes:
        raise ValueError(
            f"{n_samples} row(s) are asked for, expected at least one for each of "
            f"{n_classes} classes"
        )

    y = rng.choice(n_classes, size=n_samples, p=weights)
    X = rng.normal(scale=np.sqrt(float(noise_variance)), size=(n_samples, n_features))
    X += separation * centers[y]
    X[region >= 2, :n_easy_features] = 0.0
    X[(region == 0) | (region == 3), n_easy_features:] = 0.0
    X[:, :n_easy_features] *= saliency

    order = rng.permutation(n_samples) if shuffle else np.arange(n_samples)
    X, y, region = X[order], y[order], region[order]
    y_clean = y.copy()
    flipped = rng.permutation(n_samples)[: round(label_noise * n_samples)]
    # a shift of 1 to n_classes - 1 always lands on another class
    y[flipped] += rng.randint(1, n_classes, size=len(flipped))
    y %= n_classes
    conflicting = np.zeros(n_samples, dtype=bool)
    # drawn last, so that every other value is the same without it
    drawn = rng.permutation(np.flatnonzero(region == 1))[: round(conflict * n_overlap)]
    if len(drawn):
        conflicting[drawn] = True
        other = y_clean[drawn] + rng.randint(1, n_classes, size=len(drawn))
        moved = centers[other % n_classes] - centers[y_clean[drawn]]
        easy = slice(0, n_easy_features)
        X[drawn, easy] += saliency * separation * moved[:, easy]
    missing = np.flatnonzero(np.bincount(y, minlength=n_classes) == 0)
    if len(missing):
        raise ValueError(
            f"none of the {n_samples} rows drawn is of class {missing.tolist()}: ask "
            "for more rows, raise its share in weights, or use another random_state"
        )
    if return_tuple:
        return X, y, region
    return Bunch(
        X=X,
        y=y,
        region=region,
        y_clean=y_clean,
        conflicting=conflicting,
        theta=theta,
        overlap_density=n_overlap / n_samples,
        easy_columns=slice(0, n_easy_features),
        hard_columns=slice(n_easy_features, n_features),
    )
