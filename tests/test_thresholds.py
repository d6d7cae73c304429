import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overlapkit.thresholds import binseg_change_point, change_point
from tests.support import oracles_exact as oracles

few = settings(derandomize=True, max_examples=40, deadline=None, database=None)
# Few distinct values make ties, sixteenths make exact ties in cost.
coarse = st.lists(st.integers(-8, 8).map(lambda i: i / 16), min_size=1, max_size=30)
# Values closer than rounding at the scale of their range are equal by definition (there
# is a test of its own for that), so that differences here start at 1e-9.
fine = st.lists(
    st.floats(-1e3, 1e3).map(lambda value: round(value, 9)), min_size=1, max_size=30
)


def assert_describes(split, values):
    """The fields of a split follow from the values and its index."""
    s = np.sort(np.asarray(values, dtype=np.float64))
    k = split.index
    assert 0 < k < s.size
    assert split.found
    assert split.threshold == s[k]
    assert s[k - 1] < split.midpoint <= s[k]
    assert np.sum(values < split.threshold) == k
    assert np.sum(values < split.midpoint) == k
    assert split.mean_below == pytest.approx(s[:k].mean(), rel=1e-12, abs=1e-12)
    assert split.mean_above == pytest.approx(s[k:].mean(), rel=1e-12, abs=1e-12)
    assert 0 < split.gain <= 1


def assert_no_split(split, values):
    assert not split.found
    assert (split.index, split.gain) == (0, 0.0)
    assert split.threshold == split.midpoint == np.min(values)
    assert np.sum(values < split.threshold) == 0
    assert np.isnan(split.mean_below)
    assert split.mean_above == pytest.approx(np.mean(values), rel=1e-12, abs=1e-12)


@few
@given(coarse | fine, st.integers(1, 4))
def test_change_point_is_the_best_of_all_splits(values, min_size):
    values = np.array(values)
    split = change_point(values, min_size=min_size)
    k, gain = oracles.change_point_split(values, min_size)
    if k == 0:
        assert_no_split(split, values)
    else:
        assert split.gain == pytest.approx(gain, rel=1e-9)
        assert_describes(split, values)


def test_values_that_differ_by_rounding_are_not_separated():
    # -1e-153 and 0 are one value at the scale of a range of 1; k = 2 would cut there
    values = np.array([0.0, 0.0, -1.0, -1e-153])
    assert_no_split(change_point(values, min_size=2), values)


@few
@given(coarse, st.integers(1, 3))
def test_change_point_takes_the_smallest_of_tied_splits(values, min_size):
    split = change_point(values, min_size=min_size)
    assert split.index == oracles.change_point_split(values, min_size)[0]


def test_change_point_separates_atoms_with_the_strict_rule():
    # From the definition: the best cut of the three atoms is below .6; with `<=`
    # the atom itself would be swallowed and half of the values called low.
    values = np.repeat([0.0, 0.6, 0.95], [200, 300, 500])
    split = change_point(values)
    assert (split.index, split.threshold) == (200, 0.6)
    assert (split.mean_below, split.midpoint) == (0.0, 0.3)
    assert split.mean_above == pytest.approx((300 * 0.6 + 500 * 0.95) / 800)
    assert np.mean(values < split.threshold) == 0.2


def test_change_point_of_an_even_spread_removes_three_quarters():
    # Two halves of a uniform variable have a quarter of its variance left.
    split = change_point(np.arange(1000.0))
    assert split.index == 500
    assert split.gain == pytest.approx(0.75, abs=1e-5)


@few
@given(coarse, st.integers(-3, 3), st.integers(-5, 5), st.randoms())
def test_change_point_follows_affine_maps_and_ignores_order(values, shift, power, rng):
    # Halves and powers of two keep the mapped values exact, so ties stay ties.
    values = np.array(values)
    split = change_point(values)
    shuffled = values.tolist()
    rng.shuffle(shuffled)
    again = change_point(shuffled)
    np.testing.assert_array_equal(
        dataclasses.astuple(again), dataclasses.astuple(split)
    )
    mapped = change_point(values * 2.0**power + shift)
    assert mapped.index == split.index
    assert mapped.threshold == split.threshold * 2.0**power + shift
    assert mapped.gain == pytest.approx(split.gain, rel=1e-9)


def test_change_point_is_equivariant_under_rounding_maps():
    # Symmetric atoms tie in cost; after a map that rounds, the smaller k still wins.
    values = np.repeat([0.0, 1.0, 2.0], 7)
    for scale, shift in ((0.1, 0.3), (1 / 3, -7.7), (1e-200, 0.0), (1e200, 0.0)):
        assert change_point(values * scale + shift).index == 7


@few
@given(coarse, st.integers(2, 5))
def test_change_point_of_replicated_values_is_the_replicated_split(values, times):
    # Every sum of squares is multiplied, so the order of the splits stays.
    split = change_point(values, min_size=1)
    replicated = change_point(np.repeat(values, times), min_size=1)
    assert replicated.index == times * split.index
    assert replicated.threshold == split.threshold
    assert replicated.gain == pytest.approx(split.gain, rel=1e-9)


def test_change_point_is_stable_on_a_large_offset():
    values = np.random.default_rng(0).integers(0, 1000, 20_000) / 1024.0
    far = values + 2.0**30
    assert change_point(far).index == change_point(values).index


@pytest.mark.parametrize(
    "values", [[1.0], [1.0, 2.0, 3.0], [5.0] * 100, [0.1] * 7, [0.0, 1.0, 1.0, 1.0]]
)
def test_change_point_without_admissible_split_says_so(values):
    values = np.array(values)
    assert_no_split(change_point(values), values)


def test_min_size_bounds_both_segments():
    values = np.r_[np.zeros(3), np.ones(97)]
    assert change_point(values, min_size=3).index == 3
    assert not change_point(values, min_size=4).found


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, int, bool])
def test_thresholds_select_the_lower_segment_in_the_type_of_the_values(dtype):
    values = np.random.default_rng(0).normal(0, 3, 300).round().astype(dtype)
    values.setflags(write=False)
    split = change_point(values)
    assert np.sum(values < split.threshold) == split.index > 0
    assert np.sum(values < split.midpoint) == split.index


def test_midpoint_of_neighbouring_numbers_is_the_upper_one():
    low, high = np.float32(1), np.nextafter(np.float32(1), np.float32(2))
    split = change_point(np.repeat([low, high], 5))
    assert split.midpoint == split.threshold == high


@pytest.mark.parametrize("function", [change_point, binseg_change_point])
@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([1.0, np.nan, 2.0] * 4, ValueError, "finite, got 4 NaN"),
        ([1.0, -np.inf] * 4, ValueError, "finite, got 4 NaN or infinite"),
        ([], ValueError, "At least one value"),
        (np.ones((5, 2)), ValueError, r"one-dimensional, got shape \(5, 2\)"),
        (["a", "b"], TypeError, "real numbers"),
        ([1j] * 9, TypeError, "real numbers"),
        ([1e308] * 9, ValueError, "cannot be summed"),
    ],
)
def test_bad_values_are_named(function, values, error, message):
    with pytest.raises(error, match=message):
        function(values)


@pytest.mark.parametrize(
    ("min_size", "error"), [(0, ValueError), (2.0, TypeError), (True, TypeError)]
)
def test_bad_min_size_is_named(min_size, error):
    with pytest.raises(error, match="min_size must be"):
        change_point([1.0, 2.0], min_size=min_size)


# ruptures 1.1.10, with s the sorted values of the right-hand side:
# ruptures.Binseg(model="l2", jump=5, min_size=2).fit(s).predict(n_bkps=1)[0]
@pytest.mark.parametrize(
    ("expected", "values"),
    [
        (10, [0.0] * 8 + [1.0] * 12),
        (95, [0.5] * 100),
        (5, [0.0] * 5 + [1.0] * 2),
        (200, [0.0] * 200 + [0.6] * 300 + [0.95] * 500),
        (45, np.arange(90)),
        (2460, np.random.default_rng(0).beta(0.6, 0.6, 5000)),
    ],
)
def test_binseg_gives_the_breaks_of_ruptures(expected, values):
    assert binseg_change_point(values).index == expected


@few
@given(
    st.lists(st.integers(0, 6).map(lambda i: i / 7), min_size=7, max_size=60)
    | st.lists(st.floats(0, 1), min_size=7, max_size=60),
    st.sampled_from([np.float32, np.float64]),
)
def test_binseg_replays_the_search_in_the_precision_of_the_values(values, dtype):
    values = np.array(values, dtype=dtype)
    split = binseg_change_point(values)
    s = np.sort(values)
    assert split.index == oracles.binseg_split(s)
    assert split.threshold == s[split.index]
    try:
        import ruptures
    except ImportError:
        return
    search = ruptures.Binseg(model="l2", jump=5, min_size=2)
    assert search.fit(s).predict(n_bkps=1)[0] == split.index


def test_binseg_needs_seven_values():
    with pytest.raises(ValueError, match="at least 7 values, got 6"):
        binseg_change_point(np.arange(6.0))


def test_exact_split_is_never_worse_than_the_coarse_one():
    rng = np.random.default_rng(0)
    for n in (20, 57, 300):
        values = rng.beta(0.6, 0.6, n)
        assert change_point(values).gain >= binseg_change_point(values).gain - 1e-12


def test_inputs_are_not_changed():
    values = np.random.default_rng(0).normal(size=50)
    before = values.copy()
    change_point(values)
    binseg_change_point(values)
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binseg_decides_mirrored_splits_as_the_oracle_does(dtype):
    # k and n - k remove the same but for rounding, which decides in ruptures, too
    rng = np.random.default_rng(0)
    for _ in range(300):
        half = rng.integers(0, 9, rng.integers(5, 40)) / rng.choice([7, 10, 13])
        values = np.concatenate([half, half.max() + half.min() - half]).astype(dtype)
        split = binseg_change_point(values)
        assert split.index == oracles.binseg_split(np.sort(values))


def test_binseg_gain_is_the_share_of_squares_removed():
    rng = np.random.default_rng(0)
    for n in (7, 12, 33, 50):
        s = np.sort(rng.beta(0.5, 0.5, n))
        split = binseg_change_point(s)
        k = split.index
        left = ((s[:k] - s[:k].mean()) ** 2).sum() + ((s[k:] - s[k:].mean()) ** 2).sum()
        assert split.gain == pytest.approx(1 - left / ((s - s.mean()) ** 2).sum())


@pytest.mark.parametrize("function", [change_point, binseg_change_point])
def test_a_gain_is_at_most_1(function):
    # two atoms are described without error, and rounding must not add to that
    for x in np.random.default_rng(0).normal(size=300):
        assert 1 - 1e-12 <= function([x] * 5 + [x + 1 / 3] * 15).gain <= 1


@pytest.mark.parametrize("far", [[-1e300], [1e300], [-1e300, 1e300]])
def test_binseg_holds_values_of_any_size_at_either_end(far):
    values = np.r_[np.linspace(0, 1, 40), far]
    split = binseg_change_point(values)
    assert split.index == oracles.binseg_split(np.sort(values / 1e300))
    assert 0 < split.gain <= 1


def test_values_may_be_as_large_as_their_sum_can_be_held():
    most = np.finfo(np.float64).max / 18
    assert change_point([0.0] * 4 + [most] * 5).threshold == most
    with pytest.raises(ValueError, match="cannot be summed"):
        change_point([0.0] * 4 + [most * 1.01] * 5)


def test_values_of_objects_and_of_more_digits():
    with pytest.raises(ValueError, match="finite, got 4 NaN"):
        change_point(np.array([1.0, np.nan] * 4, dtype=object))
    assert change_point(np.array([0.1, 0.2, 3, 4], dtype=object)).threshold == 3
    more = np.array([0.1, 0.2, 0.7, 0.8], dtype=np.longdouble)
    assert change_point(more).threshold == float(more[2])


def test_a_split_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        change_point([0, 0, 1, 1]).index = 3
