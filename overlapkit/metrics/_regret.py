"""Regret of a sequence of source choices."""

import numpy as np
from numpy.typing import ArrayLike

from overlapkit._utils.checks import as_numbers, refuse_unreadable

__all__ = ["cumulative_regret"]


def cumulative_regret(
    densities: ArrayLike,
    choices: ArrayLike,
    *,
    prices: ArrayLike | None = None,
    available: ArrayLike | None = None,
) -> np.ndarray:
    r"""Pseudo-regret of a sequence of source choices, after each round.

    It is the loss against querying the best source in every round. True densities are
    compared, not the rows that were drawn, so chance does not enter. After `t` rounds

    .. math:: R(t) = \sum_{\tau=1}^{t} \left( \max_s o(s) - o(s_\tau) \right),

    and with prices, where the cost of a round could have been spent on the source with
    the largest density per price,

    .. math::

        R(t) = \sum_{\tau=1}^{t} p(s_\tau)
        \left( \max_s \frac{o(s)}{p(s)} - \frac{o(s_\tau)}{p(s_\tau)} \right).

    Parameters
    ----------
    densities : array-like of shape (n_sources,)
        True overlap density of each source, in [0, 1].
    choices : array-like of int, shape (..., n_rounds)
        Position of the source queried in each round. Leading axes are runs. For a
        :class:`~overlapkit.UCBSourceSelector`,
        ``history_["source"].map(sources_.index)``.
    prices : array-like of shape (n_sources,), default=None
        Price of one row of each source, positive. `None`: all equal to 1, for which
        the two formulas agree.
    available : array-like of bool, shape (n_rounds, n_sources), default=None
        Sources that could be queried in each round; the maximum is taken over
        these. `None`: all, in every round, exhausted ones included.

    Returns
    -------
    ndarray of shape (..., n_rounds)
        Regret up to and including each round, per row of a batch: multiply by the
        batch size for the number of overlap rows. Never decreasing.

    Raises
    ------
    ValueError
        If a density is outside [0, 1], a choice names no source, a price is not
        positive, shapes disagree, or an unavailable source was chosen.

    See Also
    --------
    overlapkit.theory.ucb_regret_bound : An upper bound for UCB policies.
    overlapkit.theory.simulate_regret : Regret of a policy on known densities.

    References
    ----------
    .. [1] S. Bubeck, N. Cesa-Bianchi, "Regret Analysis of Stochastic and
       Nonstochastic Multi-armed Bandit Problems", Foundations and Trends in Machine
       Learning 5, 2012.

    Examples
    --------
    >>> from overlapkit.metrics import cumulative_regret
    >>> cumulative_regret([0.25, 0.75], [0, 1, 1, 0])
    array([0.5, 0.5, 0.5, 1. ])

    The second source has the larger density, but not at three times the price:

    >>> cumulative_regret([0.5, 0.75], [0, 1], prices=[1, 3])  # 3 * (.5 - .25)
    array([0.  , 0.75])
    """
    densities = as_numbers(densities, "densities", finite=False)
    if densities.ndim != 1 or densities.size == 0:
        raise ValueError(
            f"densities must have shape (n_sources,), got {densities.shape}."
        )
    if not ((densities >= 0) & (densities <= 1)).all():
        raise ValueError(f"densities must lie in [0, 1], got {densities.tolist()}.")
    n_sources = len(densities)
    refuse_unreadable(choices, "choices")
    choices = np.asarray(choices)
    if choices.ndim == 0 or (choices.size and choices.dtype.kind not in "iu"):
        raise ValueError(
            "choices must be positions of sources, integers of shape (..., n_rounds), "
            f"got dtype {choices.dtype} and shape {choices.shape}."
        )
    choices = choices.astype(np.intp)
    if choices.size and not 0 <= choices.min() <= choices.max() < n_sources:
        raise ValueError(
            f"choices must lie in [0, {n_sources - 1}], got values from "
            f"{choices.min()} to {choices.max()}."
        )
    prices = (
        np.ones(n_sources)
        if prices is None
        else as_numbers(prices, "prices", finite=False)
    )
    if prices.shape != densities.shape:
        raise ValueError(f"prices must have shape ({n_sources},), got {prices.shape}.")
    if not (np.isfinite(prices) & (prices > 0)).all():
        raise ValueError(f"prices must be positive and finite, got {prices.tolist()}.")
    worth = densities / prices
    best = worth.max()
    if available is not None:
        available = np.asarray(available, dtype=bool)
        expected = (choices.shape[-1], n_sources)
        if available.shape != expected:
            raise ValueError(
                f"available must have shape {expected}, got {available.shape}."
            )
        if not available[np.arange(expected[0]), choices].all():
            raise ValueError("choices names a source that was not available.")
        best = np.where(available, worth, -np.inf).max(axis=1)
    return np.cumsum(prices[choices] * (best - worth[choices]), axis=-1)
