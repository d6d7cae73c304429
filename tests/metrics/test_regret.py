import numpy as np
import pytest

from overlapkit.metrics._regret import cumulative_regret


def test_is_the_running_sum_of_density_gaps():
    # Gaps to .9 by hand: .8, 0, .4.
    regret = cumulative_regret([0.1, 0.5, 0.9], [0, 2, 1])
    np.testing.assert_allclose(regret, [0.8, 0.8, 1.2])


def test_runs_are_leading_axes():
    densities = [0.2, 0.6, 0.3]
    choices = np.random.RandomState(0).randint(3, size=(4, 5, 20))
    regret = cumulative_regret(densities, choices)
    assert regret.shape == (4, 5, 20)
    np.testing.assert_array_equal(
        regret[2, 3], cumulative_regret(densities, choices[2, 3])
    )


def test_equal_prices_scale_nothing_but_the_unit_of_money():
    """At price p for every source, a row costs p and the regret per row is the same."""
    densities, choices = [0.1, 0.8], [0, 1, 0, 0]
    np.testing.assert_allclose(
        cumulative_regret(densities, choices, prices=[3, 3]),
        cumulative_regret(densities, choices),
    )


def test_prices_decide_which_source_is_best():
    # Overlap per unit: .5 / 1 and .8 / 4 = .2. One row of the second costs 4, for
    # which the first gives 4 * .5 = 2 overlap rows: 2 - .8 = 1.2 are lost.
    np.testing.assert_allclose(
        cumulative_regret([0.5, 0.8], [0, 1], prices=[1, 4]), [0, 1.2]
    )


def test_the_best_available_source_costs_nothing():
    """A source that ran out is no longer an alternative that was given up."""
    available = [[True, True], [True, False]]
    np.testing.assert_allclose(
        cumulative_regret([0.2, 0.9], [1, 0], available=available), [0, 0]
    )
    with pytest.raises(ValueError, match="not available"):
        cumulative_regret([0.2, 0.9], [1, 1], available=available)


def test_no_rounds_is_no_regret():
    assert cumulative_regret([0.5], []).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.1, 1.2], [0]), r"\[0, 1\]"),
        (([0.1, np.nan], [0]), r"\[0, 1\]"),
        (([[0.1]], [0]), "shape"),
        (([], []), "shape"),
        (([0.1, 0.2], [2]), r"\[0, 1\], got values from 2 to 2"),
        (([0.1, 0.2], [-1]), "got values from -1"),
        (([0.1, 0.2], [0.0]), "integers"),
        (([0.1, 0.2], 1), "integers"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        cumulative_regret(*arguments)


@pytest.mark.parametrize("prices", [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, np.inf]])
def test_bad_prices_are_named(prices):
    with pytest.raises(ValueError, match="prices"):
        cumulative_regret([0.1, 0.2], [0], prices=prices)


def test_bad_availability_is_named():
    with pytest.raises(ValueError, match=r"available must have shape \(1, 2\)"):
        cumulative_regret([0.1, 0.2], [0], available=[True, True])
