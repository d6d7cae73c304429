"""Several data sources whose overlap densities and label qualities are known."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from overlapkit._utils.checks import as_numbers
from overlapkit._utils.sklearn_compat import Interval, validate_params
from overlapkit.datasets._make_overlap_classification import make_overlap_classification

__all__ = ["make_overlap_sources"]


def _per_source(values, name, n_sources, default) -> np.ndarray:
    """One number in [0, 1] per source."""
    values = default if values is None else values
    values = as_numbers(values, name, finite=False)
    if values.ndim == 0:
        values = np.full(n_sources, values)
    if values.shape != (n_sources,) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            f"{name} must hold a number in [0, 1] for each of {n_sources} sources, got "
            f"{values.tolist()}"
        )
    return values


def _regions(rng, n_rows, first, last) -> np.ndarray:
    """Region of each row of a source: densities `first` to `last`, in its order."""
    if first == last:
        overlap = np.arange(n_rows) < round(first * n_rows)
        overlap = rng.permutation(overlap)
    else:
        overlap = rng.uniform(size=n_rows) < np.linspace(first, last, n_rows)
    region = np.where(overlap, 1, 0)
    others = rng.permutation(np.flatnonzero(~overlap))
    region[others[: len(others) // 2]] = 2
    return region


@validate_params(
    {
        "densities": ["array-like"],
        "final_densities": ["array-like", None],
        "qualities": ["array-like", Real],
        "n_rows": [Interval(Integral, 2, None, closed="left"), "array-like"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_overlap_sources(
    densities: Sequence[float] | np.ndarray = (0.1, 0.3, 0.5, 0.7, 0.9),
    *,
    final_densities: ArrayLike | None = None,
    qualities: ArrayLike = 1.0,
    n_rows: int | Sequence[int] | np.ndarray = 500,
    random_state: int | np.random.RandomState | None = None,
    **pattern: Any,
) -> Bunch:
    r"""Draw sources of rows with known overlap densities, for source selection.

    The rows are those of :func:`make_overlap_classification`; all sources share its
    patterns, so a student can learn from any of them. What is not overlap is easy and
    hard in equal parts. Two things can go wrong with a source, and both are known:
    its density may drift, and the easy pattern of some rows may belong to another
    class, so that a weak model labels them wrongly and with confidence.

    Parameters
    ----------
    densities : array-like of shape (n_sources,), default=(.1, .3, .5, .7, .9)
        Overlap density of each source, exact up to rounding to whole rows.
    final_densities : array-like of shape (n_sources,), default=None
        Density at the last row of each source; it changes linearly from the first row
        on, row by row and at random. None: densities are fixed.
    qualities : float or array-like of shape (n_sources,), default=1.0
        Share of the rows of a source, rounded to whole rows, whose easy pattern is
        that of their class. In the others it is that of another class (where they
        have one: hard rows do not).
    n_rows : int or array-like of shape (n_sources,), default=500
        Rows of each source.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same rows at every call.
    **pattern : dict
        Further parameters of :func:`make_overlap_classification`, such as
        `n_easy_features`, `separation`, `noise_variance` or `theta`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the following attributes. Rows stand source by
        source, in the order in which a source hands them out.

        X : ndarray of shape (n_samples, n_easy_features + n_hard_features), float64
            The features.
        y : ndarray of shape (n_samples,), int64
            The classes.
        sources : ndarray of shape (n_samples,), int64
            Source of each row, 0 to ``n_sources - 1``.
        region : ndarray of shape (n_samples,), int64
            0 easy, 1 overlap, 2 hard.
        misleading : ndarray of shape (n_samples,), bool
            Rows whose easy pattern is that of another class.
        densities : ndarray of shape (n_sources,)
            Realised overlap densities, over all rows of a source.
        qualities : ndarray of shape (n_sources,)
            Realised shares of rows that do not mislead.
        theta : ndarray
            The patterns; pass ``theta=data.theta`` to
            :func:`make_overlap_classification` for a reference or a test set.
        easy_columns, hard_columns : slice
            Columns of the easy and of the hard features.

    Raises
    ------
    ValueError
        If a density or quality is outside [0, 1] or there is not one per source, or
        a parameter is not one of :func:`make_overlap_classification`.

    See Also
    --------
    make_overlap_classification : One source.
    overlapkit.UCBSourceSelector : Chooses among sources.

    Examples
    --------
    >>> from overlapkit.datasets import make_overlap_sources
    >>> pool = make_overlap_sources([0.2, 0.8], n_rows=50, random_state=0)
    >>> pool.X.shape, pool.densities
    ((100, 40), array([0.2, 0.8]))
    """
    reserved = {"n_easy", "n_hard", "n_overlap", "n_neither", "shuffle", "return_tuple"}
    if reserved & set(pattern):
        raise ValueError(
            f"{sorted(reserved & set(pattern))} follow from densities and n_rows"
        )
    rng = check_random_state(random_state)
    n_sources = len(densities)
    if n_sources == 0:
        raise ValueError("densities is empty: there must be at least one source")
    first = _per_source(densities, "densities", n_sources, None)
    last = _per_source(final_densities, "final_densities", n_sources, first)
    qualities = _per_source(qualities, "qualities", n_sources, None)
    sizes = np.asarray(n_rows)
    if sizes.shape not in ((), (n_sources,)):
        raise ValueError(
            f"n_rows must be one number, or one for each of {n_sources} sources; got "
            f"shape {sizes.shape}"
        )
    sizes = np.broadcast_to(sizes, n_sources)
    if sizes.dtype.kind not in "iu" or sizes.min() < 2:
        raise ValueError(f"n_rows must be whole numbers of at least 2, got {n_rows}")

    sources = np.repeat(np.arange(n_sources), sizes)
    region = np.concatenate(
        [_regions(rng, n, a, b) for n, a, b in zip(sizes, first, last)]
    )
    counts = np.bincount(region, minlength=3)
    rows = make_overlap_classification(
        n_easy=counts[0],
        n_overlap=counts[1],
        n_hard=counts[2],
        shuffle=False,
        random_state=rng,
        **pattern,
    )
    # rows were drawn region by region; deal them out to where that region is wanted
    order = np.empty(len(region), dtype=np.intp)
    order[np.argsort(region, kind="stable")] = np.arange(len(region))
    X, y, truth = rows.X[order], rows.y[order], rows.y_clean[order]
    misleading = np.zeros(len(region), dtype=bool)
    for k, quality in enumerate(qualities):
        mine = rng.permutation(np.flatnonzero(sources == k))
        misleading[mine[: round((1 - quality) * len(mine))]] = True
    _swap_easy_pattern(X, truth, misleading & (region < 2), rows, pattern, rng)
    return Bunch(
        X=X,
        y=y,
        sources=sources,
        region=region,
        misleading=misleading,
        densities=np.bincount(sources, region == 1) / sizes,
        qualities=1 - np.bincount(sources, misleading) / sizes,
        theta=rows.theta,
        easy_columns=rows.easy_columns,
        hard_columns=rows.hard_columns,
    )


def _swap_easy_pattern(X, y, swapped, rows, pattern, rng) -> None:
    """Move the easy features of some rows to the centre of another class, in place."""
    theta = rows.theta
    centers = np.stack([-theta, theta]) if theta.ndim == 1 else theta
    n_classes, easy = len(centers), rows.easy_columns
    shift = rng.randint(1, n_classes, size=len(y))
    other = (y + shift) % n_classes
    scale = pattern.get("separation", 1.0) * pattern.get("saliency", 1.0)
    moved = scale * (centers[other] - centers[y])[:, easy]
    X[swapped, easy] += moved[swapped]
