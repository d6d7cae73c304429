"""Policies that draw random numbers."""

from dataclasses import dataclass

import numpy as np

from overlapkit._utils.checks import plain
from overlapkit.policies._state import (
    SourceState,
    check_field,
    check_rng,
    check_state,
    unseen_first,
)


@dataclass(frozen=True)
class Thompson:
    r"""Query each source with the posterior probability that it is the best.

    Thompson sampling. One density is drawn for every source from its posterior, and
    the source with the largest draw is queried:

    .. math::

        \mathrm{index}(s) \sim \mathrm{Beta}(a + \mathrm{successes}(s),\;
        b + \mathrm{samples}(s) - \mathrm{successes}(s)).

    Parameters
    ----------
    prior : tuple of two floats, default=(1.0, 1.0)
        `a` and `b` of the Beta prior, positive; (1, 1) is uniform on [0, 1].

    Raises
    ------
    ValueError
        If `prior` is not a pair of positive numbers.

    See Also
    --------
    UCB : Upper confidence bounds instead of draws.

    Notes
    -----
    The posterior is exact for 0/1 rewards. For other rewards in [0, 1] it is wider
    than necessary: no variable in [0, 1] has a larger variance than a 0/1 variable of
    the same mean. As in every policy that learns, a source without a row is queried
    first, so the prior never decides alone.

    References
    ----------
    .. [1] W. R. Thompson, "On the Likelihood that One Unknown Probability Exceeds
       Another in View of the Evidence of Two Samples", Biometrika 25, 1933.
    .. [2] S. Agrawal, N. Goyal, "Analysis of Thompson Sampling for the Multi-armed
       Bandit Problem", COLT 2012.

    Examples
    --------
    Three overlap rows of eight: the posterior mean is (1 + 3) / (2 + 8).

    >>> import numpy as np
    >>> from overlapkit.policies import SourceState, Thompson
    >>> runs = np.ones((10_000, 1))  # leading axis: independent runs
    >>> state = SourceState(successes=3 * runs, samples=8 * runs, rounds=runs)
    >>> draws = Thompson().index(state, np.random.RandomState(0))
    >>> round(float(draws.mean()), 2)
    0.4
    """

    prior: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        try:
            a, b = (float(value) for value in self.prior)
            valid = 0 < a < np.inf and 0 < b < np.inf
        except (TypeError, ValueError, OverflowError):
            valid = False
        if not valid:
            raise ValueError(
                "Thompson: prior must be two positive finite numbers (a, b), got "
                f"{plain(self.prior)}."
            )
        object.__setattr__(self, "prior", (a, b))

    def index(
        self, state: SourceState, rng: np.random.RandomState | np.random.Generator
    ) -> np.ndarray:
        """Draw the density of each source.

        Parameters
        ----------
        state : SourceState
            Counts of the run so far.
        rng : numpy.random.RandomState or numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of the shape of ``state.successes``
            Draws divided by price; infinite without a row.
        """
        check_state(state)
        check_rng(rng)
        a, b = self.prior
        failures = np.maximum(state.samples - state.successes, 0.0)
        draw = rng.beta(a + state.successes, b + failures)
        return unseen_first(draw / state.prices, state)


@dataclass(frozen=True)
class EpsilonGreedy:
    r"""Query the source with the largest mean reward, in some rounds a random source.

    .. math::

        \mathrm{index}(s) = \begin{cases}
        u(s) \sim \mathrm{Uniform}(0, 1) & \text{with probability } \epsilon \\
        \bar o(s) & \text{otherwise}
        \end{cases}

    Parameters
    ----------
    epsilon : float, default=0.1
        Probability of a random round, in [0, 1].

    Raises
    ------
    ValueError
        If `epsilon` is not in [0, 1].

    See Also
    --------
    UCB : With ``exploration=0``, the case of `epsilon` = 0.
    RandomChoice : `epsilon` = 1, except that it need not query every source first.

    References
    ----------
    .. [1] R. S. Sutton, A. G. Barto, "Reinforcement Learning: An Introduction",
       chapter 2, MIT Press, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.policies import EpsilonGreedy, SourceState
    >>> state = SourceState(successes=[3, 1], samples=[4, 4], rounds=[1, 1])
    >>> EpsilonGreedy(epsilon=0).index(state, np.random.RandomState(0))
    array([0.75, 0.25])
    """

    epsilon: float = 0.1

    def __post_init__(self) -> None:
        check_field(self, "epsilon", 0, 1)

    def index(
        self, state: SourceState, rng: np.random.RandomState | np.random.Generator
    ) -> np.ndarray:
        """Return means, or random numbers in a random round.

        Parameters
        ----------
        state : SourceState
            Counts of the run so far.
        rng : numpy.random.RandomState or numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of the shape of ``state.successes``
            Means divided by price, or random numbers; infinite without a row.
        """
        check_state(state)
        check_rng(rng)
        explore = rng.random(state.means.shape[:-1] + (1,)) < self.epsilon
        noise = rng.random(state.means.shape)
        return unseen_first(np.where(explore, noise, state.means / state.prices), state)


@dataclass(frozen=True)
class RandomChoice:
    r"""Query a source uniformly at random: the control for every other policy.

    .. math:: \mathrm{index}(s) \sim \mathrm{Uniform}(0, 1)

    It does not learn, does not query every source first and ignores prices.

    See Also
    --------
    UCB : The default policy.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.policies import RandomChoice, SourceState
    >>> state = SourceState(successes=[0, 0], samples=[0, 0], rounds=[0, 0])
    >>> RandomChoice().index(state, np.random.RandomState(0)).round(3)
    array([0.549, 0.715])
    """

    def index(
        self, state: SourceState, rng: np.random.RandomState | np.random.Generator
    ) -> np.ndarray:
        """Return one random number per source.

        Parameters
        ----------
        state : SourceState
            Counts of the run so far.
        rng : numpy.random.RandomState or numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of the shape of ``state.successes``
            Random numbers in [0, 1).
        """
        check_state(state)
        check_rng(rng)
        return rng.random(state.successes.shape)
