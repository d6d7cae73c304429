"""Policies that sample or follow the mean, and the two controls."""

from dataclasses import dataclass

import numpy as np

from overlapkit.policies._checks import check_number, unseen_first
from overlapkit.policies._state import SourceState


@dataclass(frozen=True)
class Thompson:
    r"""Thompson sampling: query a source as often as it is believed to be the best.

    One density is drawn for every source from its posterior, and the largest draw
    wins:

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
    UCB : Optimism in place of sampling.

    Notes
    -----
    The posterior is exact for 0/1 rewards. For other rewards in [0, 1] it is wider
    than need be: no variable in [0, 1] varies more than a 0/1 variable of the same
    mean. As in every policy that learns, a source without a row comes first, so the
    prior never decides alone.

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
        except (TypeError, ValueError):
            valid = False
        if not valid:
            raise ValueError(
                "Thompson: prior must be two positive finite numbers (a, b), got "
                f"{self.prior!r}."
            )
        object.__setattr__(self, "prior", (a, b))

    def index(
        self, state: SourceState, rng: np.random.RandomState | np.random.Generator
    ) -> np.ndarray:
        """Draw the density of each source.

        Parameters
        ----------
        state : SourceState
            What is known about the sources.
        rng : numpy.random.RandomState or numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of the shape of ``state.successes``
            Draws per unit of price; infinite without a row.
        """
        a, b = self.prior
        failures = np.maximum(state.samples - state.successes, 0.0)
        draw = rng.beta(a + state.successes, b + failures)
        return unseen_first(draw / state.prices, state)


@dataclass(frozen=True)
class Greedy:
    r"""Query the source that looks best so far.

    .. math:: \mathrm{index}(s) = \bar o(s)

    Large batches explore by themselves: with tens of rows per round the first look
    at every source often ranks them well enough. A source whose first batch was
    unlucky is never looked at again.

    See Also
    --------
    EpsilonGreedy : Greedy with a share of random rounds.
    UCB : Optimism in proportion to ignorance.

    References
    ----------
    .. [1] R. S. Sutton, A. G. Barto, "Reinforcement Learning: An Introduction",
       chapter 2, MIT Press, 2018.

    Examples
    --------
    >>> from overlapkit.policies import Greedy, SourceState
    >>> state = SourceState(
    ...     successes=[3, 1, 0], samples=[4, 4, 0], rounds=[1, 1, 0])
    >>> Greedy().index(state)
    array([0.75, 0.25,  inf])
    """

    def index(self, state: SourceState, rng: object = None) -> np.ndarray:
        """Return the mean reward of each source.

        Parameters
        ----------
        state : SourceState
            What is known about the sources.
        rng : object, default=None
            Not used.

        Returns
        -------
        ndarray of the shape of ``state.successes``
            Means per unit of price; infinite without a row.
        """
        return unseen_first(state.means / state.prices, state)


@dataclass(frozen=True)
class EpsilonGreedy:
    r"""Query the source that looks best, and now and then any source.

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
    Greedy : The case of `epsilon` = 0.
    RandomChoice : The case of `epsilon` = 1, without the first look.

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
        check_number(self, "epsilon", 0, 1)

    def index(
        self, state: SourceState, rng: np.random.RandomState | np.random.Generator
    ) -> np.ndarray:
        """Return means, or random numbers in a random round.

        Parameters
        ----------
        state : SourceState
            What is known about the sources.
        rng : numpy.random.RandomState or numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of the shape of ``state.successes``
            Means per unit of price, or random numbers; infinite without a row.
        """
        explore = rng.random(state.means.shape[:-1] + (1,)) < self.epsilon
        noise = rng.random(state.means.shape)
        return unseen_first(np.where(explore, noise, state.means / state.prices), state)


@dataclass(frozen=True)
class RandomChoice:
    r"""Query a source uniformly at random: the control for every other policy.

    .. math:: \mathrm{index}(s) \sim \mathrm{Uniform}(0, 1)

    It does not learn, does not look at every source first and does not mind prices.

    See Also
    --------
    Oracle : The control from the other side.

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
            What is known about the sources.
        rng : numpy.random.RandomState or numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of the shape of ``state.successes``
            Random numbers in [0, 1).
        """
        return rng.random(state.successes.shape)


@dataclass(frozen=True)
class Oracle:
    r"""Query the source that is known to be the best: what a perfect choice earns.

    .. math:: \mathrm{index}(s) = o(s)

    For experiments in which the true densities are known. It looks at nothing first,
    so its regret is 0.

    Parameters
    ----------
    densities : sequence of float, length n_sources
        True overlap density of each source, in [0, 1]. Kept as a tuple.

    Raises
    ------
    ValueError
        If a density is outside [0, 1], or (in `index`) if their number is not the
        number of sources.

    See Also
    --------
    RandomChoice : The control from the other side.

    Examples
    --------
    >>> from overlapkit.policies import Oracle, SourceState
    >>> state = SourceState(successes=[0, 0], samples=[0, 0], rounds=[0, 0])
    >>> Oracle(densities=(0.1, 0.9)).index(state)
    array([0.1, 0.9])
    """

    densities: tuple[float, ...]

    def __post_init__(self) -> None:
        densities = np.asarray(self.densities, dtype=np.float64)
        inside = ((densities >= 0) & (densities <= 1)).all()
        if densities.ndim != 1 or densities.size == 0 or not inside:
            raise ValueError(
                "Oracle: densities must be one number in [0, 1] per source, got "
                f"{self.densities!r}."
            )
        object.__setattr__(self, "densities", tuple(densities.tolist()))

    def index(self, state: SourceState, rng: object = None) -> np.ndarray:
        """Return the true density of each source.

        Parameters
        ----------
        state : SourceState
            What is known about the sources.
        rng : object, default=None
            Not used.

        Returns
        -------
        ndarray of the shape of ``state.successes``
            Densities per unit of price.

        Raises
        ------
        ValueError
            If the number of densities is not the number of sources.
        """
        if len(self.densities) != state.n_sources:
            raise ValueError(
                f"Oracle: {len(self.densities)} densities for {state.n_sources} "
                "sources."
            )
        return np.broadcast_to(
            np.divide(self.densities, state.prices), state.successes.shape
        )
