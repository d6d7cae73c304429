import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils import check_random_state

from overlapkit.policies import (
    KLUCB,
    UCB,
    DiscountedUCB,
    EpsilonGreedy,
    Policy,
    RandomChoice,
    SourceState,
    Thompson,
    choose_source,
)
from tests.support.known_densities import KnownDensities

GREEDY = UCB(exploration=0)
LEARNERS = [
    UCB(horizon="anytime"),
    UCB(bonus="rounds", horizon=30),
    UCB(bonus="authors"),
    KLUCB(),
    Thompson(),
    GREEDY,
    EpsilonGreedy(),
]
POLICIES = [*LEARNERS, RandomChoice(), KnownDensities((0.2, 0.5, 0.8))]


def make_state(**changes):
    values = {
        "successes": [2.0, 5.0, 6.5],
        "samples": [10, 10, 20],
        "rounds": [1, 1, 2],
        "horizon": 30,
    }
    return SourceState(**{**values, **changes})


def choose(policy, state, rng=None, *, floor=0.0):
    """One round: the policy gives the index, the index makes the choice."""
    if not isinstance(rng, np.random.Generator):
        rng = check_random_state(rng)
    return choose_source(policy.index(state, rng), state, rng, floor=floor)


def play(policy, rewards, n_rounds, *, floor=0.0, seed=0, available=None, batch=10):
    """Play one run and return the choices; `rewards` are the densities."""
    rng = np.random.RandomState(seed)
    successes, rounds = np.zeros(len(rewards)), np.zeros(len(rewards))
    choices = []
    for _ in range(n_rounds):
        state = SourceState(
            successes, batch * rounds, rounds, horizon=n_rounds, available=available
        )
        choice = choose(policy, state, rng, floor=floor)
        successes[choice] += rng.binomial(batch, rewards[choice])
        rounds[choice] += 1
        choices.append(choice)
    return np.array(choices)


# Values


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_policy_is_a_value(policy):
    """Equality, hashing and copies make policies usable in sets, caches and grids."""
    assert isinstance(policy, Policy)
    for other in (pickle.loads(pickle.dumps(policy)), copy.deepcopy(policy)):
        assert other == policy
        assert hash(other) == hash(policy)
    assert eval(repr(policy)) == policy
    with pytest.raises(FrozenInstanceError):
        policy.anything = 1
    assert len({policy, replace(policy), RandomChoice()}) <= 2


class PolicyHolder(ClassifierMixin, BaseEstimator):
    def __init__(self, policy=None):
        self.policy = policy

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.best_ = choose(self.policy, make_state(), 0)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[min(self.best_, 1)])


def test_policies_are_values_of_a_parameter_grid():
    X, y = np.zeros((12, 1)), np.array([0] * 4 + [1] * 8)
    grid = {"policy": [KnownDensities((1, 0, 0)), KnownDensities((0, 0, 1))]}
    search = GridSearchCV(PolicyHolder(), grid, cv=2).fit(X, y)
    assert search.best_params_ == {"policy": KnownDensities((0, 0, 1))}
    assert clone(search.best_estimator_).policy == KnownDensities((0, 0, 1))


# Formulas, computed by hand or by slow search


def test_ucb_is_hand_derivable():
    # mean .6 of 10 rows in 2 rounds, T = 50: log T = 3.912023.
    state = SourceState([6.0], [10], [2], horizon=50)
    expected = {
        "samples": 0.6 + np.sqrt(2 * 3.912023 / 10),
        "rounds": 0.6 + np.sqrt(2 * 3.912023 / 2),
        "authors": 0.6 + np.sqrt(2 * 3.912023) / 2,
    }
    for bonus, value in expected.items():
        assert UCB(bonus=bonus).index(state)[0] == pytest.approx(value, abs=1e-6)
        assert UCB(bonus=bonus, exploration=0).index(state)[0] == pytest.approx(0.6)


def test_forms_of_the_horizon_agree_where_they_should():
    state = make_state(t=4, horizon=30)
    for cls in (UCB, KLUCB):
        finite = cls().index(state)
        np.testing.assert_array_equal(cls(horizon=30).index(make_state()), finite)
        anytime = cls(horizon="anytime").index(state)
        np.testing.assert_array_equal(cls(horizon=4).index(state), anytime)
        assert (anytime < finite).all()  # log 4 < log 30


def test_samples_bonus_is_the_rounds_bonus_of_rows():
    """One row per round: the two counts are one count, and so are the two forms."""
    state = SourceState([1, 3], [4, 5], [4, 5], horizon=20)
    np.testing.assert_array_equal(UCB().index(state), UCB(bonus="rounds").index(state))


@pytest.mark.parametrize("mean", [0.0, 0.1, 0.5, 0.93, 1.0])
@pytest.mark.parametrize("n", [1, 7, 200])
def test_kl_ucb_solves_its_equation(mean, n):
    index = KLUCB(exploration=1.5).index(SourceState([mean * n], [n], [1], horizon=40))
    p = np.linspace(mean, 1, 200_001)[:-1]
    a = np.clip(mean, 1e-300, 1)
    kl = a * np.log(a / np.clip(p, 1e-300, 1))
    if mean < 1:
        kl = kl + (1 - mean) * np.log((1 - mean) / (1 - p))
    inside = p[n * kl <= 1.5 * np.log(40)]
    expected = inside[-1] if len(inside) else 1.0
    assert index[0] == pytest.approx(expected, abs=1e-5)
    assert mean <= index[0] <= 1


def test_kl_ucb_is_tighter_than_hoeffding():
    """Pinsker: kl(a, b) >= 2 (a - b)^2, so the radius is at most sqrt(log T / 2n)."""
    rng = np.random.RandomState(0)
    samples = rng.randint(1, 500, size=(200, 4))
    successes = rng.binomial(samples, rng.uniform(size=(200, 4)))
    state = SourceState(successes, samples, np.ones((200, 4)), horizon=50)
    hoeffding = UCB(exploration=0.5).index(state)
    assert (KLUCB().index(state) <= hoeffding + 1e-12).all()


def test_thompson_draws_from_the_posterior():
    shape = (20_000, 2)
    ones = np.ones(shape)
    state = SourceState([3, 40] * ones, [8, 50] * ones, ones)
    draws = Thompson(prior=(2.0, 5.0)).index(state, np.random.RandomState(0))
    a, b = np.array([5.0, 42.0]), np.array([10.0, 15.0])
    mean, variance = a / (a + b), a * b / (a + b) ** 2 / (a + b + 1)
    # 5 standard errors of a mean of 20,000 draws
    assert (abs(draws.mean(axis=0) - mean) < 5 * np.sqrt(variance / len(draws))).all()
    np.testing.assert_allclose(draws.var(axis=0), variance, rtol=0.05)


def test_epsilon_is_the_share_of_random_rounds():
    shape = (4000, 4)
    ones = np.ones(shape)
    state = SourceState([9, 1, 1, 1] * ones, 10 * ones, ones)
    for epsilon in (0.0, 0.3, 1.0):
        choice = choose(EpsilonGreedy(epsilon), state, 0)
        # A random round also hits the best source one time in four.
        expected = 1 - epsilon * 3 / 4
        result = binomtest(int((choice == 0).sum()), len(choice), expected)
        assert result.pvalue > 1e-4


def test_rewards_may_be_fractions():
    """A batch of n rows with mean reward m counts n * m successes."""
    state = make_state(successes=[0.125, 5.25, 19.875])
    np.testing.assert_allclose(GREEDY.index(state), [0.0125, 0.525, 0.99375])
    for policy in POLICIES:
        assert np.isfinite(policy.index(state, np.random.RandomState(0))).all()


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_runs_on_leading_axes_do_not_mix(policy):
    """Formulas act on one source at a time, so runs can be stacked."""
    one = make_state()
    two = make_state(successes=[9.0, 0.0, 20.0])
    both = SourceState(
        *(
            np.stack([getattr(one, name), getattr(two, name)])
            for name in ("successes", "samples", "rounds")
        ),
        t=one.t,
        horizon=30,
    )
    index = policy.index(both, np.random.RandomState(0))
    assert index.shape == (2, 3)
    if not isinstance(policy, Thompson | RandomChoice | EpsilonGreedy):
        np.testing.assert_array_equal(index[0], policy.index(one))
        np.testing.assert_array_equal(index[1], policy.index(two))
    assert choose(policy, both, 0).shape == (2,)


def test_index_per_price():
    cheap = make_state(prices=[1, 10, 100])
    for policy in (UCB(), KLUCB(), GREEDY, KnownDensities((0.2, 0.5, 0.8))):
        np.testing.assert_allclose(
            policy.index(cheap), policy.index(make_state()) / [1, 10, 100]
        )
        assert choose(policy, cheap, 0) == 0


# The choice


@pytest.mark.parametrize("policy", LEARNERS, ids=repr)
def test_learners_look_at_every_source_first(policy):
    """A source without data could be the best one; nothing ranks above it."""
    for seed in range(20):
        first = play(policy, [0.9, 0.0, 0.0, 0.0, 0.0], 5, seed=seed)
        assert sorted(first) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("policy", LEARNERS, ids=repr)
def test_learners_find_the_best_source(policy):
    choices = play(policy, [0.05, 0.5, 0.95], 200, batch=50)
    assert (choices[100:] == 2).mean() > 0.8


def test_unseen_sources_come_first_even_when_expensive():
    state = SourceState([5, 0], [10, 0], [1, 0], horizon=9, prices=[1, 1000])
    for policy in LEARNERS:
        assert choose(policy, state, 0) == 1


def test_ties_are_broken_uniformly_and_by_the_seed():
    ones = np.ones((6000, 3))
    choice = choose(GREEDY, SourceState(ones, 2 * ones, ones), 0)
    for source in range(3):
        count = int((choice == source).sum())
        assert binomtest(count, len(choice), 1 / 3).pvalue > 1e-4
    again = choose(GREEDY, SourceState(ones, 2 * ones, ones), 0)
    np.testing.assert_array_equal(choice, again)


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_same_seed_same_run(policy):
    runs = [play(policy, [0.2, 0.5, 0.8], 30, seed=3) for _ in range(2)]
    np.testing.assert_array_equal(*runs)


def test_any_kind_of_generator_will_do():
    for rng in (None, 0, np.random.RandomState(0), np.random.default_rng(0)):
        for policy in POLICIES:
            assert choose(policy, make_state(), rng) in {0, 1, 2}


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_unavailable_sources_are_never_chosen(policy):
    available = [True, True, False]
    for floor in (0.0, 1 / 3):
        choices = play(policy, [0.2, 0.5, 0.8], 30, available=available, floor=floor)
        assert set(choices) <= {0, 1}


def test_nothing_available_is_an_error():
    with pytest.raises(ValueError, match="No source is available"):
        choose(GREEDY, make_state(available=[False] * 3), 0)


@pytest.mark.parametrize("n_sources", [2, 3, 5, 8])
@pytest.mark.parametrize("share", [0.2, 0.6, 1.0])
@pytest.mark.parametrize("policy", [GREEDY, RandomChoice(), UCB(), None], ids=repr)
def test_floor_is_kept_in_every_round(policy, share, n_sources):
    """Nobody is ever a full round short of its share: the documented guarantee."""
    densities = np.linspace(0.1, 0.9, n_sources)
    policy = KnownDensities(densities) if policy is None else policy
    floor = share / n_sources
    choices = play(policy, densities, 150, floor=floor)
    rounds = np.cumsum(choices[:, None] == np.arange(n_sources), axis=0)
    t = np.arange(1, 151)[:, None]
    assert (rounds >= floor * t - 1 - 1e-9).all()


def test_floor_goes_to_the_source_with_the_fewest_rounds():
    state = SourceState([90, 1, 0], [90, 8, 2], [90, 8, 2])
    assert choose(GREEDY, state, 0, floor=0.02) == 0  # 2 of 100: not under
    assert choose(GREEDY, state, 0, floor=0.021) == 2
    assert choose(GREEDY, state, 0, floor=0.3) == 2  # 1 is behind as well
    state = replace(state, available=np.array([True, True, False]))
    assert choose(GREEDY, state, 0, floor=0.3) == 1


@pytest.mark.parametrize("floor", [-0.1, 0.34, 1.0, np.nan])
def test_floor_out_of_range(floor):
    with pytest.raises(ValueError, match=r"floor must lie in \[0, 1 / n_sources\]"):
        choose(GREEDY, make_state(), 0, floor=floor)


def test_shares_of_exactly_one_kth_are_allowed():
    for n_sources in range(1, 60):
        ones = np.ones(n_sources)
        state = SourceState(ones, ones, ones)
        choose(GREEDY, state, 0, floor=1 / n_sources)


class OwnPolicy:
    def __init__(self, value):
        self.value = np.array(value)

    def index(self, state, rng):
        return self.value


def test_own_policies_need_one_method():
    assert isinstance(OwnPolicy([1.0]), Policy)
    assert choose(OwnPolicy([0.0, 3.0, -1.0]), make_state()) == 1
    assert choose(OwnPolicy([-np.inf] * 3), make_state()) in {0, 1, 2}
    for value in ([1.0, 2.0], [1.0, np.nan, 2.0]):
        with pytest.raises(ValueError, match="one number per source"):
            choose_source(value, make_state())


def test_choice_takes_any_numbers():
    state = SourceState([1, 1, 1], [2, 2, 2], [1, 1, 1])
    assert choose_source([0.3, np.inf, 0.2], state) == 1
    # the best of those that are available, not the first
    some = replace(state, available=[1, 1, 0])
    assert choose_source([0.2, 0.3, np.inf], some) == 1
    rounds = [
        choose_source([0, 0, 1], state, np.random.RandomState(seed), floor=0.0)
        for seed in range(5)
    ]
    assert rounds == [2] * 5


def test_greedy_needs_no_horizon():
    np.testing.assert_array_equal(
        UCB(exploration=0).index(make_state(horizon=None)), make_state().means
    )


# Bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UCB(bonus="sample"), "bonus must be .* got 'sample'"),
        (lambda: UCB(horizon=0), "UCB: horizon must be .* got 0"),
        (lambda: UCB(horizon=True), "got True"),
        (lambda: UCB(horizon=None), "got None"),
        (lambda: KLUCB(horizon="t"), "KLUCB: horizon"),
        (lambda: UCB(exploration=-1), "exploration must be .* got -1"),
        (lambda: UCB(exploration=np.nan), "got nan"),
        (lambda: KLUCB(exploration="1"), "got '1'"),
        (lambda: EpsilonGreedy(epsilon=1.1), r"in \[0, 1\], got 1.1"),
        (lambda: Thompson(prior=(1,)), "prior"),
        (lambda: Thompson(prior=(0, 1)), "prior"),
        (lambda: Thompson(prior=None), "prior"),
    ],
)
def test_bad_parameters_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"successes": [1.0, 2.0]}, "samples has shape"),
        ({"rounds": [1, -1, 2]}, "rounds must be finite and not negative"),
        ({"successes": [1.0, np.nan, 2.0]}, "successes must be finite"),
        ({"successes": [2.0, 5.0, 21.0]}, "successes exceeds samples"),
        ({"rounds": [0, 1, 2]}, "rounds == 0"),
        ({"available": [True]}, "available has shape"),
        ({"prices": [1.0, 2.0]}, "prices has shape"),
        ({"prices": [1.0, 0.0, 2.0]}, "prices must be positive"),
        ({"successes": [], "samples": [], "rounds": []}, "at least one source"),
    ],
)
def test_bad_states_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        make_state(**changes)


def test_finite_horizon_must_be_known():
    with pytest.raises(ValueError, match="Use horizon='anytime'"):
        UCB().index(make_state(horizon=None))


def test_state_does_not_change_or_hold_on_to_inputs():
    successes = np.array([2.0, 5.0, 6.5])
    state = make_state(successes=successes)
    for policy in POLICIES:
        choose(policy, state, 0, floor=0.1)
    np.testing.assert_array_equal(successes, [2.0, 5.0, 6.5])
    successes += 1
    np.testing.assert_array_equal(state.successes, [2.0, 5.0, 6.5])
    with pytest.raises(FrozenInstanceError):
        state.t = 3


def test_discounted_ucb_is_its_formula():
    log = [0, 1, 0, 2], [4, 6, 1, 2], [10, 10, 5, 4]
    state = SourceState(
        successes=[5, 6, 2], samples=[15, 10, 4], rounds=[2, 1, 1], log=log
    )
    weights = [0.8**3, 0.8**2, 0.8, 1]
    count = np.array([10 * weights[0] + 5 * weights[2], 10 * weights[1], 4])
    total = np.array([4 * weights[0] + weights[2], 6 * weights[1], 2])
    expected = total / count + 2 * np.sqrt(0.6 * np.log(count.sum()) / count)
    index = DiscountedUCB(discount=0.8).index(state)
    np.testing.assert_allclose(index, expected)
    with pytest.raises(ValueError, match="has totals only"):
        DiscountedUCB().index(SourceState([1], [2], [1]))
    with pytest.raises(ValueError, match="discount"):
        DiscountedUCB(discount=0)


def test_discounted_ucb_leaves_a_source_that_fell():
    """With totals alone the fallen source still has the larger mean."""
    log = [0] * 10 + [1] * 5 + [0] * 4, [9] * 10 + [5] * 5 + [0] * 4, [10] * 19
    state = SourceState(
        successes=[90, 25], samples=[140, 50], rounds=[14, 5], log=log, horizon=20
    )
    assert state.means[0] > state.means[1]
    assert DiscountedUCB(discount=0.7, exploration=0.01).index(state).argmax() == 1
