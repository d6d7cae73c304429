"""Regret of source selection: bounds and simulation."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from overlapkit._utils.checks import as_numbers
from overlapkit._utils.sklearn_compat import Interval, StrOptions, validate_params
from overlapkit.metrics._regret import cumulative_regret
from overlapkit.policies import UCB, Policy, SourceState, choose_source
from overlapkit.policies._state import check_policy

_ASSUMPTIONS = (
    "rows of a source are independent draws of one fixed distribution",
    "the detector is fixed: it does not change with the rows collected so far",
    "detection errs alike in every source, so detected densities rank the true ones",
    "every source is available in every round, at the same price, without a floor",
    "every round returns batch_size rows",
)


@dataclass(frozen=True)
class RegretBound:
    """An upper bound on pseudo-regret, with its assumptions.

    Parameters
    ----------
    cumulative : float
        Bound on the sum over rounds of the density gap to the best source.
    average : float
        `cumulative` divided by the number of rounds.
    delta : float
        Probability with which the bound may fail; 0 for a bound in expectation,
        which holds for the mean over runs, not for each run.
    in_expectation : bool
        Whether the bound is on the expected regret.
    assumptions : tuple of str
        Conditions of the bound; none of them can be checked from the arguments.

    Attributes
    ----------
    vacuous : bool
        Whether the bound is at least 1 per round, which no policy can exceed.

    See Also
    --------
    ucb_regret_bound : Computes it.

    Examples
    --------
    >>> from overlapkit.theory import ucb_regret_bound
    >>> ucb_regret_bound(n_sources=5, n_rounds=50, batch_size=1).vacuous
    True
    """

    cumulative: float
    average: float
    delta: float
    in_expectation: bool = False
    assumptions: tuple[str, ...] = _ASSUMPTIONS

    @property
    def vacuous(self) -> bool:
        """Whether the bound is at least 1 per round, which no policy can exceed."""
        return self.average >= 1


@validate_params(
    {
        "n_sources": [Interval(Integral, 1, None, closed="left")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "bonus": [StrOptions({"samples", "rounds", "authors"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "horizon": [
            None,
            StrOptions({"anytime"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "exploration": [Interval(Real, 0, None, closed="neither")],
        "delta": [None, Interval(Real, 0, 1, closed="neither")],
    },
    prefer_skip_nested_validation=True,
)
def ucb_regret_bound(
    n_sources: int,
    n_rounds: int,
    *,
    bonus: Literal["samples", "rounds", "authors"] = "samples",
    batch_size: int = 1,
    horizon: int | Literal["anytime"] | None = None,
    exploration: float = 1.0,
    delta: float | None = None,
) -> RegretBound:
    r"""Bound the pseudo-regret of :class:`~overlapkit.policies.UCB`.

    With `K` sources, `t` rounds of a horizon of `T` and batches of `n` rows, the sum
    over rounds of the gap between the best density and that of the queried source is,
    with probability at least :math:`1 - \delta`,

    .. math:: R(t) \le (K - 1) + C \sqrt{(K - 1)(t - K)}, \qquad

    .. math::

        C = e \sqrt{\frac{2 \log T}{m}} + \sqrt{\frac{\log(2KT/\delta)}{2 n}},
        \qquad m = n \text{ for "samples"},\; m = 1 \text{ for "rounds"},

    where `e` is `exploration`, and :math:`R(t) \le \min(t, K - 1)` for
    :math:`t \le K`.

    Parameters
    ----------
    n_sources : int
        Number of sources `K`.
    n_rounds : int
        Number of rounds `t` after which the regret is bounded.
    bonus : {"samples", "rounds", "authors"}, default="samples"
        Form of the bonus, as in :class:`~overlapkit.policies.UCB`. "authors" is
        refused: see Raises.
    batch_size : int, default=1
        Rows per round `n`.
    horizon : int, "anytime" or None, default=None
        Number of rounds `T` that the policy works with, at least `n_rounds`. `None`
        takes `n_rounds`. "anytime" bounds the policy of that name, in expectation.
    exploration : float, default=1.0
        Multiplier of the bonus.
    delta : float, default=None
        Probability of failure that is accepted. `None` takes the smallest that the
        bonus supports, :math:`\delta_T` below. Not used by "anytime".

    Returns
    -------
    RegretBound
        Cumulative and average bound, probability of failure, assumptions.

    Raises
    ------
    ValueError
        For ``bonus="authors"``, whose bonus :math:`\sqrt{2 \log T} / n_\mathrm{rounds}`
        shrinks faster than the Hoeffding radius: the event that every estimate lies
        within its bonus, on which every such bound rests, does not hold with high
        probability. Also if `delta` is smaller than the bonus supports, `horizon` is
        shorter than `n_rounds`, or `exploration` is too small for any bound.

    See Also
    --------
    simulate_regret : Mean regret on known densities; usually far less.
    overlapkit.metrics.cumulative_regret : Regret of given choices.

    Notes
    -----
    *Derivation.* A source queried `j` times has a mean of :math:`n j` rewards in
    [0, 1]. By Hoeffding's inequality it is off by more than
    :math:`\rho_j = \sqrt{\log(2KT/\delta) / (2 n j)}` with probability at most
    :math:`\delta / (KT)`; over `K` sources and :math:`j \le T`, all estimates are
    within :math:`\rho_j` with probability :math:`1 - \delta`. The bonus is
    :math:`r_j = e \sqrt{2 \log T / (m j)}`, and :math:`\rho_j \le r_j` as soon as
    :math:`\delta \ge \delta_T = 2 K T^{1 - 4 e^2 n / m}`. Then the index of the best
    source is at least its density, so a queried source `s` with `j` earlier queries
    has :math:`\Delta(s) \le r_j + \rho_j = C / \sqrt{j}`. Take its last query: its
    queries but the first cost at most :math:`j \Delta(s) \le C \sqrt{j}`. First
    queries cost at most 1 each, the best source nothing, and by Cauchy-Schwarz the
    square roots of the other :math:`K - 1` sum to at most
    :math:`\sqrt{(K - 1)(t - K)}`.

    With :math:`\delta = \delta_T` the two terms of `C` are equal and the average is
    :math:`2 \sqrt{2 K \log T / t}` (divided by :math:`\sqrt{n}` for "samples") plus
    :math:`K / t` for the first queries: the order :math:`O(\sqrt{K \log T / t})` for
    :math:`t \le T` that is reported of [2]_, whose own text could not be verified.

    *Anytime.* After :math:`\tau` rounds the same event, for counts up to :math:`\tau`
    and with :math:`\log \tau` in the bonus, fails with probability at most
    :math:`2 K \tau^{1 - 4 e^2 n / m}`, and the next round then costs at most 1. So
    the expected regret is at most the expression above with
    :math:`C = 2 e \sqrt{2 \log t / m}`, plus the sum of these probabilities over
    :math:`\tau = K, \dots, t - 1`.

    Drawing without replacement from a finite source concentrates at least as fast
    [3]_, so the bound covers it as long as no source runs out.

    References
    ----------
    .. [1] A. Slivkins, "Introduction to Multi-Armed Bandits", Foundations and Trends
       in Machine Learning 12, 2019, chapter 1.
    .. [2] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025.
    .. [3] W. Hoeffding, "Probability Inequalities for Sums of Bounded Random
       Variables", Journal of the American Statistical Association 58, 1963.

    Examples
    --------
    Two sources, 102 rounds of 8 rows: C = 2 sqrt(2 log(102) / 8) = 2.15, and
    1 + C sqrt(100) = 22.5 of 102.

    >>> from overlapkit.theory import ucb_regret_bound
    >>> bound = ucb_regret_bound(n_sources=2, n_rounds=102, batch_size=8)
    >>> round(bound.cumulative, 1), round(bound.average, 2)
    (22.5, 0.22)
    """
    if bonus == "authors":
        raise ValueError(
            "There is no such bound for bonus='authors': sqrt(2 log T) / n_rounds "
            "falls below the Hoeffding radius, so estimates leave their confidence "
            "bounds with a probability that is not small. Use bonus='samples' or "
            "'rounds', or measure with simulate_regret."
        )
    anytime = horizon == "anytime"
    total = n_rounds if horizon is None or horizon == "anytime" else horizon
    if total < n_rounds:
        raise ValueError(
            f"horizon={total} is shorter than n_rounds={n_rounds}: the bound holds for "
            "rounds within the horizon only."
        )
    if n_rounds <= n_sources:  # every source was queried at most once
        first = float(min(n_rounds, n_sources - 1))
        return RegretBound(first, first / n_rounds, 0.0, anytime)
    rows_of_bonus = batch_size if bonus == "samples" else 1
    power = 1 - 4 * exploration**2 * batch_size / rows_of_bonus
    radius = exploration * np.sqrt(2 * np.log(float(total)) / rows_of_bonus)
    failures = 0.0
    if anytime:
        delta, spread = 0.0, radius
        played = np.arange(n_sources, n_rounds, dtype=np.float64)
        failures = np.minimum(1.0, 2 * n_sources * played**power).sum()
    else:
        smallest = 2 * n_sources * float(total) ** power
        delta = smallest if delta is None else delta
        if smallest >= 1 or delta < smallest:
            raise ValueError(
                f"exploration={exploration} supports a bound that fails with "
                f"probability {min(smallest, 1.0):.3g} or more at T={total}, asked for "
                f"delta={delta:.3g}. Raise exploration, the horizon or delta."
            )
        # log(2KT / delta), without the overflow of a tiny delta_T.
        spread = radius
        if delta > smallest:
            log_terms = np.log(2 * n_sources * total / delta)
            spread = np.sqrt(log_terms / (2 * batch_size))
    others = n_sources - 1
    growth = (radius + spread) * np.sqrt(others * (n_rounds - n_sources))
    cumulative = float(others + growth + failures)
    return RegretBound(cumulative, cumulative / n_rounds, float(delta), anytime)


@validate_params(
    {
        "policy": [object],
        "densities": ["array-like"],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "floor": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def simulate_regret(
    policy: Policy,
    densities: ArrayLike,
    *,
    n_rounds: int,
    batch_size: int = 1,
    n_repeats: int = 100,
    floor: float = 0.0,
    random_state: int | np.random.RandomState | None = None,
) -> np.ndarray:
    r"""Simulate a policy on sources of known density.

    The simulation shows how many rounds a policy needs to find the best of sources
    with given densities. A round on source `s` returns
    :math:`\mathrm{Binomial}(n, o(s))` overlap rows of `n`; the detector makes no
    errors and sources never run out of rows.

    Parameters
    ----------
    policy : Policy
        One of :mod:`overlapkit.policies`, or any policy whose `index` works on the
        last axis: all repetitions are played at once, on arrays of shape
        (n_repeats, n_sources).
    densities : array-like of shape (n_sources,)
        True overlap density of each source, in [0, 1].
    n_rounds : int
        Number of rounds; also the horizon in the state that the policy is given.
    batch_size : int, default=1
        Rows per round `n`.
    n_repeats : int, default=100
        Number of independent runs.
    floor : float, default=0.0
        Least share of the rounds of every source, as in
        :func:`~overlapkit.policies.choose_source`.
    random_state : int, RandomState instance or None, default=None
        Draws the rows and breaks ties.

    Returns
    -------
    ndarray of shape (n_repeats, n_rounds)
        Cumulative pseudo-regret of each run after each round.

    Raises
    ------
    ValueError
        If a density is outside [0, 1], or the policy or `floor` does not suit the
        number of sources.
    TypeError
        If `policy` has no method ``index``.

    See Also
    --------
    ucb_regret_bound : Upper bound for UCB, for any densities.
    overlapkit.metrics.cumulative_regret : Definition of the regret.

    Examples
    --------
    >>> from overlapkit.policies import UCB
    >>> from overlapkit.theory import simulate_regret
    >>> regret = simulate_regret(
    ...     UCB(), (0.2, 0.8), n_rounds=10, batch_size=100, random_state=0)
    >>> regret.shape
    (100, 10)
    >>> round(float(regret[:, -1].mean()), 1)  # one round of the worse: .8 - .2
    0.6
    """
    check_policy(policy)
    rng = check_random_state(random_state)
    densities = as_numbers(densities, "densities", finite=False)
    cumulative_regret(densities, [0])  # refuses bad densities before the first round
    shape = (n_repeats, len(densities))
    successes, rounds = np.zeros(shape), np.zeros(shape)
    choices = np.empty((n_repeats, n_rounds), dtype=np.intp)
    runs = np.arange(n_repeats)
    for t in range(n_rounds):
        state = SourceState(
            successes, rounds * batch_size, rounds, t=t, horizon=n_rounds
        )
        choice = choose_source(policy.index(state, rng), state, rng, floor=floor)
        successes[runs, choice] += rng.binomial(batch_size, densities[choice])
        rounds[runs, choice] += 1
        choices[:, t] = choice
    return cumulative_regret(densities, choices)


def bounds_of_run(
    policy, n_sources, batch_sizes, *, n_rounds, n_first_rounds=0
) -> np.ndarray | None:
    """Bound on the pseudo-regret of a run after each of its rounds.

    Parameters
    ----------
    policy : Policy
        Policy of the run.
    n_sources : int
        Number of sources.
    batch_sizes : array-like of int, shape (t,)
        Rows of each round.
    n_rounds : int
        Number of rounds that the policy was given as its horizon.
    n_first_rounds : int, default=0
        Rounds at the start in which sources were queried in turn.

    Returns
    -------
    ndarray of shape (t,) or None
        None where no bound is known: for policies other than UCB, bonuses without a
        confidence statement, bounds in expectation, and batches of different sizes.
    """
    sizes = np.unique(batch_sizes)
    if (
        not isinstance(policy, UCB)
        or policy.bonus == "authors"
        or policy.exploration < 1
        or policy.horizon == "anytime"
        or len(sizes) != 1
    ):
        return None
    horizon = n_rounds if policy.horizon == "finite" else policy.horizon
    rounds = np.arange(1, len(batch_sizes) + 1)
    bounds = [
        ucb_regret_bound(
            n_sources,
            int(t),
            bonus=policy.bonus,
            batch_size=int(sizes[0]),
            horizon=max(horizon, int(t)),
            exploration=policy.exploration,
        ).cumulative
        for t in rounds
    ]
    # the policy did not decide in these rounds; each costs at most 1
    others = max(0, n_first_rounds - n_sources)
    return np.minimum(np.asarray(bounds) + others, rounds)
