"""The one rule for intervals: formula, invariants, and measured coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student_t

from benchmarks.coverage import coverage_table
from overlapkit.model_selection import gain_interval


def gains(seed, n_repeats=4, n_rows=60):
    """Results of two models with effects of the row and of the repeat."""
    rng = np.random.RandomState(seed)
    row, repeat = rng.normal(size=n_rows), rng.normal(size=(n_repeats, 1)) / 2
    first = row + repeat + rng.normal(size=(n_repeats, n_rows)) > -0.5
    second = row + rng.normal(size=(n_repeats, n_rows)) > 0
    return first * 1.0 - second, rng.randint(3, size=n_rows)


def test_one_repeat_has_the_adjusted_interval_of_matched_proportions():
    """Agresti and Min's variance, of b and c discordant rows among n."""
    values = np.array([1.0] * 9 + [-1.0] * 4 + [0.0] * 37)
    mean, low, high = gain_interval(values[None])
    n, b, c = 50, 9, 4
    assert mean == pytest.approx((b - c) / n)
    variance = (b + c - (b - c) ** 2 / n) * n / (n - 1) / n**2 + 1 / n**2
    assert high - mean == pytest.approx(student_t.ppf(0.975, n - 1) * variance**0.5)
    assert mean - low == pytest.approx(high - mean)


def test_a_complete_table_has_the_two_way_analysis_of_variance():
    values, _ = gains(0)
    s, n = values.shape
    rows, repeats, mean = values.mean(0), values.mean(1), values.mean()
    of_repeats = n * np.sum((repeats - mean) ** 2) / (s - 1)
    left = values - rows - repeats[:, None] + mean
    error = np.sum(left**2) / ((s - 1) * (n - 1))
    v_repeats = max(0.0, (of_repeats - error) / n) / s
    v_rows = (np.sum((rows - mean) ** 2) * n / (n - 1) + 1) / n**2
    df = (v_rows + v_repeats) ** 2 / (v_rows**2 / (n - 1) + v_repeats**2 / (s - 1))
    found = gain_interval(values)
    half = student_t.ppf(0.975, df) * np.sqrt(v_rows + v_repeats)
    np.testing.assert_allclose(found, (mean, mean - half, mean + half))
    assert v_repeats > 0


def test_without_variation_the_draw_of_test_rows_is_left():
    """A frozen teacher and a student without chance are not exact on new rows."""
    one, _ = gains(1, n_repeats=1)
    same = np.repeat(one, 5, axis=0)
    np.testing.assert_allclose(gain_interval(same), gain_interval(one))
    assert np.isfinite(gain_interval(np.zeros((3, 40)))).all()


def test_balanced_accuracy_is_the_mean_over_classes():
    values, y = gains(2)
    mean, _, _ = gain_interval(values, y_test=y, metric="balanced_accuracy")
    assert mean == pytest.approx(
        np.mean([values[:, y == label].mean() for label in range(3)])
    )
    # each class is a sample of its own: variances of the three means add up
    v = 0
    for label in range(3):
        rows = values[:1, y == label].mean(0)
        n = len(rows)
        v += (rows.var(ddof=1) / n + 1 / (3 * n * 3 * n) * 9 * n / len(y)) / 9
    single = gain_interval(values[:1], y_test=y, metric="balanced_accuracy")
    width = (single[2] - single[1]) / 2
    assert width == pytest.approx(1.96 * v**0.5, rel=0.06)


# the rule must not depend on what the rows and repeats are called, nor on which of two
# models comes first
@given(seed=st.integers(0, 10_000), hide=st.booleans())
@settings(max_examples=25, deadline=None)
def test_order_and_sign_do_not_matter(seed, hide):
    values, y = gains(seed)
    rng = np.random.RandomState(seed)
    if hide:
        values[rng.uniform(size=values.shape) < 0.3] = np.nan
        values[:, :4] = 0.0
    expected = gain_interval(values, y_test=y, metric="balanced_accuracy")
    rows, repeats = rng.permutation(values.shape[1]), rng.permutation(len(values))
    moved = gain_interval(
        values[repeats][:, rows], y_test=y[rows], metric="balanced_accuracy"
    )
    np.testing.assert_allclose(moved, expected, atol=1e-12)
    mean, low, high = gain_interval(-values, y_test=y, metric="balanced_accuracy")
    np.testing.assert_allclose((-mean, -high, -low), expected, atol=1e-12)


def test_rows_that_are_never_tested_count_for_nothing():
    values, _ = gains(3)
    wide = np.hstack([values, np.full((len(values), 30), np.nan)])
    np.testing.assert_allclose(gain_interval(wide), gain_interval(values))


def test_scores_have_the_t_interval_and_that_of_nadeau_and_bengio():
    scores = np.array([0.1, 0.2, 0.4])
    for ratio in (0.0, 0.25):
        _, low, high = gain_interval(scores, test_train_ratio=ratio)
        half = student_t.ppf(0.975, 2) * scores.std(ddof=1) * np.sqrt(1 / 3 + ratio)
        assert (high - low) / 2 == pytest.approx(half)
    assert np.isnan(gain_interval([0.1, 0.1])[1:]).all()


@pytest.mark.parametrize(
    ("args", "params", "message"),
    [
        ([[0.1, 0.2, np.nan]], {}, "must be numbers"),
        ([[[0.0, 2.0]]], {}, "from -1 to 1"),
        ([[[0.0, 1.0], [np.nan, np.nan]]], {}, "at least one in every repeat"),
        ([[[0.0, 1.0]]], {"metric": "balanced_accuracy"}, "needs y_test"),
        ([[[0.0, 1.0]]], {"y_test": [0, 1, 1]}, "y_test has 3 entries, but gains has"),
        ([[[0.0, 1.0]]], {"y_test": [0, np.nan]}, "1 labels in y_test are unknown"),
        ([[[0.0, 1.0]]], {"y_test": ["a", None]}, "1 labels in y_test are unknown"),
        ([[[0.0, 1.0]]], {"test_train_ratio": 0.3}, "is for scores"),
        ([[[0.0, 1.0]]], {"confidence_level": 1.0}, "The 'confidence_level' parameter"),
    ],
)
def test_bad_results_are_refused(args, params, message):
    with pytest.raises(ValueError, match=message):
        gain_interval(*args, **params)


def test_a_class_with_one_test_row_gives_no_bounds():
    mean, low, high = gain_interval(
        [[1.0, 0.0, 0.0]], y_test=[0, 1, 1], metric="balanced_accuracy"
    )
    assert mean == pytest.approx(0.5)
    assert np.isnan([low, high]).all()


def test_an_interval_for_a_fixed_test_set_allows_for_its_rows():
    """30 test sets of 100 rows, one fitted pair: the truth must be inside most."""
    table = coverage_table(30, designs=["fixed test set"]).query("n_repeats == 1")
    assert (table["coverage"] > 0.85).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "design",
    ["fixed test set", "random splits", "cross-fitting", "independent draws"],
)
def test_coverage_of_each_design_is_within_93_and_97_percent(design):
    table = coverage_table(600, n_jobs=2, designs=[design])
    assert abs(table["coverage"].mean() - 0.95) < 0.02
    # single settings: models that one row or another changes are the hardest
    assert table["coverage"].between(0.88, 0.999).all()
