from functools import cache

import numpy as np
import pytest

from overlapkit.policies import UCB, RandomChoice, Thompson
from overlapkit.theory import simulate_regret, ucb_regret_bound
from tests.support.known_densities import KnownDensities

WIDE = (0.1, 0.3, 0.5, 0.7, 0.9)
NARROW = (0.4, 0.45, 0.5, 0.55, 0.6)


@cache
def simulated(policy, densities, n_rounds, batch_size, n_repeats=1000):
    return simulate_regret(
        policy,
        densities,
        n_rounds=n_rounds,
        batch_size=batch_size,
        n_repeats=n_repeats,
        random_state=0,
    )


# The bound


def test_bound_is_hand_derivable():
    # K = 3, t = T = 103, n = 1: C = 2 sqrt(2 log 103); 2 + C sqrt(2 * 100).
    bound = ucb_regret_bound(3, 103)
    expected = 2 + 2 * np.sqrt(2 * np.log(103)) * np.sqrt(200)
    assert bound.cumulative == pytest.approx(expected)
    assert bound.average == pytest.approx(expected / 103)
    assert bound.delta == pytest.approx(2 * 3 / 103**3)
    assert bound.assumptions
    assert not bound.in_expectation


def test_accepted_failure_replaces_one_half_of_the_width():
    # C = sqrt(2 log T / n) + sqrt(log(2 K T / delta) / (2 n)), n = 4.
    bound = ucb_regret_bound(2, 52, batch_size=4, delta=0.1)
    width = np.sqrt(2 * np.log(52) / 4) + np.sqrt(np.log(2 * 2 * 52 / 0.1) / 8)
    assert bound.cumulative == pytest.approx(1 + width * np.sqrt(50))
    assert bound.delta == 0.1
    assert bound.cumulative < ucb_regret_bound(2, 52, batch_size=4).cumulative


@pytest.mark.parametrize("delta", [None, 0.05])
@pytest.mark.parametrize("bonus", ["samples", "rounds"])
@pytest.mark.parametrize("densities", [WIDE, NARROW, (0.0, 1.0), (0.5, 0.5)])
@pytest.mark.parametrize("batch_size", [1, 20])
def test_bound_holds_in_simulation(bonus, batch_size, densities, delta):
    """In all rounds at once, since the event of the proof covers all of them."""
    n_rounds = 120
    regret = simulated(UCB(bonus=bonus), densities, n_rounds, batch_size)
    bounds = [
        ucb_regret_bound(
            len(densities),
            t,
            bonus=bonus,
            batch_size=batch_size,
            horizon=n_rounds,
            delta=delta,
        )
        for t in range(1, n_rounds + 1)
    ]
    holds = (regret <= [bound.cumulative + 1e-9 for bound in bounds]).all(axis=1)
    assert holds.mean() >= 1 - bounds[-1].delta


@pytest.mark.parametrize("bonus", ["samples", "rounds"])
@pytest.mark.parametrize("densities", [WIDE, NARROW])
def test_anytime_bound_holds_on_average(bonus, densities):
    regret = simulated(UCB(bonus=bonus, horizon="anytime"), densities, 120, 5)
    for t in (1, 5, 6, 30, 120):
        bound = ucb_regret_bound(5, t, bonus=bonus, batch_size=5, horizon="anytime")
        assert bound.in_expectation
        assert regret[:, t - 1].mean() <= bound.cumulative + 1e-9


def test_bound_can_be_informative():
    """A bound that is always vacuous would hold in every simulation."""
    bound = ucb_regret_bound(5, 50, batch_size=20)
    assert not bound.vacuous
    # Random choice loses .4 a round on WIDE: 200 rows a round rule that out.
    assert ucb_regret_bound(5, 50, batch_size=200).average < 0.4
    assert ucb_regret_bound(5, 50, batch_size=20, bonus="rounds").vacuous


def test_rows_narrow_the_bound_by_their_root():
    def growth(**options):
        return ucb_regret_bound(4, 200, **options).cumulative - 3

    assert growth(batch_size=25) == pytest.approx(growth() / 5)
    assert growth(batch_size=25, bonus="rounds") == pytest.approx(growth())


def test_first_looks_cost_at_most_one_each():
    for t in range(1, 6):
        bound = ucb_regret_bound(5, t)
        assert bound.cumulative == min(t, 4)
    assert ucb_regret_bound(1, 100).cumulative == 0


def test_average_bound_vanishes_with_time():
    averages = [ucb_regret_bound(5, t).average for t in (10**3, 10**5, 10**7)]
    assert averages[0] > 5 * averages[1] > 25 * averages[2]


def test_no_bound_for_the_form_of_the_authors():
    with pytest.raises(ValueError, match="Hoeffding radius"):
        ucb_regret_bound(5, 50, bonus="authors")


def test_the_bonus_of_the_authors_leaves_its_confidence_bounds():
    """Why there is no bound: estimates of 1 row a round often leave sqrt(2 log T)/j."""
    rng = np.random.RandomState(0)
    T, j = 400, np.arange(1, 401)
    means = np.cumsum(rng.binomial(1, 0.5, size=(1000, T)), axis=1) / j
    clean = {
        "authors": (abs(means - 0.5) <= np.sqrt(2 * np.log(T)) / j).all(axis=1),
        "rounds": (abs(means - 0.5) <= np.sqrt(2 * np.log(T) / j)).all(axis=1),
    }
    assert clean["rounds"].mean() > 0.999
    assert clean["authors"].mean() < 0.05


def test_bad_input_of_the_bound():
    with pytest.raises(ValueError, match="horizon=10 is shorter than n_rounds=20"):
        ucb_regret_bound(2, 20, horizon=10)
    with pytest.raises(ValueError, match=r"exploration=0\.1 supports"):
        ucb_regret_bound(2, 20, exploration=0.1)
    with pytest.raises(ValueError, match="asked for delta=1e-09"):
        ucb_regret_bound(2, 20, delta=1e-9)
    for bad in ({"n_sources": 0}, {"n_rounds": 0}, {"batch_size": 0}, {"delta": 1.0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            ucb_regret_bound(**{"n_sources": 2, "n_rounds": 20, **bad})


# The simulation


def test_oracle_loses_nothing_and_random_the_mean_gap():
    assert (simulated(KnownDensities(WIDE), WIDE, 50, 1) == 0).all()
    regret = simulated(RandomChoice(), WIDE, 50, 1)[:, -1]
    standard_error = regret.std() / np.sqrt(len(regret))
    assert abs(regret.mean() - 50 * 0.4) < 4 * standard_error


@pytest.mark.parametrize("horizon", ["anytime", "finite"])
def test_regret_of_ucb_grows_like_log_t(horizon):
    """Quadrupling T adds about as much each time; linear growth would add 4 times."""
    # A finite horizon changes the policy, so every T is a run of its own.
    ends = {
        T: simulated(UCB(horizon=horizon), (0.2, 0.8), T, 1, 300)[:, -1].mean()
        for T in (100, 400, 1600)
    }
    first, second = ends[400] - ends[100], ends[1600] - ends[400]
    assert 0 < second < 1.6 * first


def test_regret_of_random_choice_grows_linearly():
    regret = simulated(RandomChoice(), (0.2, 0.8), 1600, 1, 300).mean(axis=0)
    np.testing.assert_allclose(regret[[399, 1599]], [120, 480], rtol=0.03)


def test_default_beats_the_other_forms_on_the_design_of_the_package():
    """50 rounds of 20 rows, densities .1 to .9: the margins the project promises."""
    default, authors, random = (
        simulated(policy, WIDE, 50, 20)[:, -1].mean()
        for policy in (UCB(), UCB(bonus="authors"), RandomChoice())
    )
    assert default <= authors * 2 / 3
    assert default <= random / 3


def test_floor_costs_its_share():
    """A floor of half of 1/K makes half of the rounds uniform: .5 * .4 a round."""
    regret = simulate_regret(
        KnownDensities(WIDE),
        WIDE,
        n_rounds=1000,
        floor=0.1,
        n_repeats=3,
        random_state=0,
    )
    assert regret[:, -1] == pytest.approx(1000 * 0.1 * 2.0, rel=0.02)


def test_simulation_is_reproducible():
    for policy in (UCB(), Thompson(), UCB(exploration=0)):
        options = {"n_rounds": 20, "n_repeats": 7, "random_state": 5}
        one, two = (simulate_regret(policy, WIDE, **options) for _ in range(2))
        np.testing.assert_array_equal(one, two)
        assert one.shape == (7, 20)
        assert one.std() > 0
        assert (np.diff(one) >= 0).all()


def test_bad_input_of_the_simulation():
    with pytest.raises(ValueError, match="densities must lie"):
        simulate_regret(UCB(), [0.1, 2.0], n_rounds=3)
    with pytest.raises(ValueError, match="floor"):
        simulate_regret(UCB(), WIDE, n_rounds=3, floor=0.5)
    with pytest.raises(ValueError, match="n_rounds"):
        simulate_regret(UCB(), WIDE, n_rounds=0)
