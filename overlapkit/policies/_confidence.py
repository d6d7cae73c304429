"""Policies that rank sources by upper confidence bounds."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from overlapkit._utils.checks import plain
from overlapkit.policies._state import (
    SourceState,
    check_field,
    check_state,
    unseen_first,
)

_BISECTIONS = 52  # halvings of [mean, 1]: down to the spacing of doubles


def _check_horizon(owner):
    value = owner.horizon
    if isinstance(value, str) and value in ("finite", "anytime"):
        return
    if isinstance(value, Integral) and not isinstance(value, bool) and value >= 1:
        return
    raise ValueError(
        f"{type(owner).__name__}: horizon must be 'finite', 'anytime' or a number of "
        f"rounds of at least 1, got {plain(value)}."
    )


def _log_rounds(policy, state) -> float:
    """Return log T for a known horizon, log t for the anytime form."""
    rounds = policy.horizon
    if rounds == "anytime":
        rounds = state.t
    elif rounds == "finite":
        rounds = state.horizon
        if rounds is None:
            raise ValueError(
                f"{type(policy).__name__}(horizon='finite') needs the total number of "
                "rounds and the state has none. Use horizon='anytime', or give the "
                "number of rounds as horizon."
            )
    return np.log(max(rounds, 1))


@dataclass(frozen=True)
class UCB:
    r"""Rank sources by an upper confidence bound of their mean reward.

    The index of a source is its estimated overlap density plus a bonus that shrinks
    with the number of rows (or rounds) seen of it:

    .. math::

        \mathrm{index}(s) = \bar o(s) + \mathrm{exploration} \cdot b(s),
        \qquad
        b(s) = \begin{cases}
            \sqrt{2 \log T / n_\mathrm{samples}(s)} & \text{"samples"} \\
            \sqrt{2 \log T / n_\mathrm{rounds}(s)} & \text{"rounds"} \\
            \sqrt{2 \log T} / n_\mathrm{rounds}(s) & \text{"authors"}
        \end{cases}

    with `T` the number of rounds in all, or `t`, the number played so far, in the
    anytime form.

    Parameters
    ----------
    bonus : {"samples", "rounds", "authors"}, default="samples"
        Form of the bonus. "samples" is the Hoeffding radius of a mean of that many
        rows. "rounds" treats the mean of a batch as a single observation, as the
        regret statement of [2]_ does; it is wider by the square root of the batch
        size. "authors" is what the public code of [2]_ computes: the count stands
        outside the root, so that the bonus falls below the Hoeffding radius of the
        rounds and no confidence statement holds. It is provided for replication.
    horizon : {"finite", "anytime"} or int, default="finite"
        "finite" takes `T` from the state, an int gives `T` itself, "anytime" uses
        the number of rounds played so far instead (UCB1 of [1]_).
    exploration : float, default=1.0
        Multiplier of the bonus, at least 0. With 0, the policy is greedy: after each
        source was queried once, it takes the largest mean.

    Raises
    ------
    ValueError
        If a parameter is out of range, or (in `index`) if the horizon is finite and
        the state has none.

    See Also
    --------
    KLUCB : Tighter bounds for densities near 0 or 1.
    overlapkit.theory.ucb_regret_bound : Upper bound on the regret of this policy.

    References
    ----------
    .. [1] P. Auer, N. Cesa-Bianchi, P. Fischer, "Finite-time Analysis of the
       Multiarmed Bandit Problem", Machine Learning 47, 2002.
    .. [2] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025.

    Examples
    --------
    With :math:`2 \log 50 = 7.824`, 16 rows in 2 rounds and 4 rows in 1 round:

    >>> from overlapkit.policies import UCB, SourceState
    >>> state = SourceState(
    ...     successes=[8, 1], samples=[16, 4], rounds=[2, 1], horizon=50)
    >>> UCB().index(state).round(3)  # .5 + sqrt(7.824 / 16), .25 + sqrt(7.824 / 4)
    array([1.199, 1.649])
    >>> UCB(bonus="rounds").index(state).round(3)  # .5 + sqrt(7.824 / 2), ...
    array([2.478, 3.047])
    >>> UCB(bonus="authors").index(state).round(3)  # .5 + sqrt(7.824) / 2, ...
    array([1.899, 3.047])
    """

    bonus: str = "samples"
    horizon: str | int = "finite"
    exploration: float = 1.0

    def __post_init__(self) -> None:
        forms = ("samples", "rounds", "authors")
        if not isinstance(self.bonus, str) or self.bonus not in forms:
            raise ValueError(
                "UCB: bonus must be 'samples', 'rounds' or 'authors', got "
                f"{plain(self.bonus)}."
            )
        _check_horizon(self)
        check_field(self, "exploration", 0)

    def index(self, state: SourceState, rng: object = None) -> np.ndarray:
        """Return the upper confidence bound of each source.

        Parameters
        ----------
        state : SourceState
            Counts of the run so far.
        rng : object, default=None
            Not used.

        Returns
        -------
        ndarray of the shape of ``state.successes``
            Upper confidence bounds divided by price; infinite without a row.

        Raises
        ------
        ValueError
            If the horizon is finite and the state has none.
        """
        check_state(state)
        # without a bonus the number of rounds is not needed
        root = 2 * _log_rounds(self, state) if self.exploration else 0.0
        rounds = np.maximum(state.rounds, 1)
        if self.bonus == "samples":
            radius = np.sqrt(root / np.maximum(state.samples, 1))
        elif self.bonus == "rounds":
            radius = np.sqrt(root / rounds)
        else:
            radius = np.sqrt(root) / rounds
        value = state.means + self.exploration * radius
        return unseen_first(value / state.prices, state)


@dataclass(frozen=True)
class KLUCB:
    r"""Rank sources by an upper confidence bound from the Kullback-Leibler divergence.

    The radius of :class:`UCB` assumes the largest variance that rewards in [0, 1]
    can have. Densities near 0 or 1 vary less, and here their bounds are tighter:

    .. math::

        \mathrm{index}(s) = \max\{ p \in [\bar o(s), 1] :
        n_\mathrm{samples}(s)\, \mathrm{kl}(\bar o(s), p)
        \le \mathrm{exploration} \cdot \log T \},

    with :math:`\mathrm{kl}(a, b) = a \log(a/b) + (1-a) \log((1-a)/(1-b))`.

    Parameters
    ----------
    horizon : {"finite", "anytime"} or int, default="finite"
        "finite" takes the number of rounds `T` from the state, an int gives it,
        "anytime" uses the number of rounds played so far instead.
    exploration : float, default=1.0
        Multiplier of :math:`\log T`, at least 0.

    Raises
    ------
    ValueError
        If a parameter is out of range, or (in `index`) if the horizon is finite and
        the state has none.

    See Also
    --------
    UCB : The simpler, wider bound.

    Notes
    -----
    The bound holds for every reward in [0, 1], not only for 0/1. The term
    :math:`c \log \log T` of the analysis in [1]_ is left out (c = 0), as [1]_
    advises for practice.

    References
    ----------
    .. [1] A. Garivier, O. Cappé, "The KL-UCB Algorithm for Bounded Stochastic
       Bandits and Beyond", COLT 2011.

    Examples
    --------
    For a mean of 0, kl(0, p) = -log(1 - p) and the index is
    :math:`1 - T^{-1/n}`: here 1 - 16 ** (-1/2).

    >>> from overlapkit.policies import KLUCB, SourceState
    >>> state = SourceState(
    ...     successes=[0, 2], samples=[2, 2], rounds=[1, 1], horizon=16)
    >>> KLUCB().index(state).round(6)
    array([0.75, 1.  ])
    """

    horizon: str | int = "finite"
    exploration: float = 1.0

    def __post_init__(self) -> None:
        _check_horizon(self)
        check_field(self, "exploration", 0)

    def index(self, state: SourceState, rng: object = None) -> np.ndarray:
        """Return the upper confidence bound of each source.

        Parameters
        ----------
        state : SourceState
            Counts of the run so far.
        rng : object, default=None
            Not used.

        Returns
        -------
        ndarray of the shape of ``state.successes``
            Upper confidence bounds divided by price; infinite without a row.

        Raises
        ------
        ValueError
            If the horizon is finite and the state has none.
        """
        check_state(state)
        mean = np.minimum(state.means, 1.0)
        level = self.exploration * _log_rounds(self, state)
        level = level / np.maximum(state.samples, 1)
        low, high = mean, np.ones_like(mean)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            inside = _bernoulli_kl(mean, middle) <= level
            low = np.where(inside, middle, low)
            high = np.where(inside, high, middle)
        return unseen_first(low / state.prices, state)


def _bernoulli_kl(a, b) -> np.ndarray:
    """Return the divergence of Bernoulli(b) from Bernoulli(a), with 0 log 0 = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(a > 0, a * np.log(a / b), 0.0)
        zero = np.where(a < 1, (1 - a) * np.log((1 - a) / (1 - b)), 0.0)
    return one + zero
