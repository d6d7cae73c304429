"""From confidences and similarities to easy, overlap and hard."""

import numpy as np
import pytest

from overlapkit.exceptions import (
    NoEvidenceOfGroupsWarning,
    NoOverlapWarning,
)
from overlapkit.scorers._regions import (
    confidence_threshold,
    overlap_threshold,
    region_codes,
)
from tests.support.oracles_core import split


@pytest.mark.parametrize("seed", range(5))
def test_the_change_point_is_the_best_split(seed):
    values = np.random.RandomState(seed).beta(0.6, 0.6, size=60).round(2)
    s, k = split(values)
    threshold, found = confidence_threshold(values)
    assert threshold == s[k]
    assert found.index == k
    assert (values < threshold).sum() == k
    threshold, _ = overlap_threshold(values)
    assert threshold == pytest.approx((s[k - 1] + s[k]) / 2)
    assert (values > threshold).sum() == len(values) - k


@pytest.mark.parametrize(
    ("confidence", "share_hard"),
    [
        # with <= instead of <, both would be 100 % hard
        (np.r_[np.linspace(0, 0.9, 20), np.ones(80)], None),
        (np.repeat([0.2, 0.9], [30, 70]), 0.3),
        (np.repeat([0.0, 0.6, 0.95], [200, 300, 500]), 0.2),
    ],
)
def test_a_saturated_weak_model_does_not_make_every_row_hard(confidence, share_hard):
    threshold, _ = confidence_threshold(confidence)
    hard = confidence < threshold
    assert 0 < hard.mean() < 0.5
    assert not hard[confidence == confidence.max()].any()
    if share_hard is not None:
        assert hard.mean() == share_hard


@pytest.mark.parametrize("rule", ["changepoint", "binseg"])
@pytest.mark.parametrize("noise", [0, 1e-16, 1e-13])
@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_rounding_is_no_difference_in_confidence(rule, noise, level):
    # |p - (1 - p)| of p = .3 and of p = .7 differ in the last digit
    values = np.clip(level + noise * (np.arange(50) % 2) * level, 0, 1)
    with pytest.warns(NoOverlapWarning, match=r"equally sure of every row \(conf"):
        threshold, found = confidence_threshold(values, rule)
    assert found is None
    assert not (values < threshold).any()
    with pytest.warns(NoOverlapWarning, match="no overlap score is above"):
        threshold, _ = overlap_threshold(values, rule)
    assert not (values > threshold).any()


def test_small_differences_are_differences():
    values = np.repeat([0.5, 0.5 + 1e-7], 20)
    threshold, found = confidence_threshold(values)
    assert found.index == 20
    assert (values < threshold).sum() == 20


@pytest.mark.parametrize(
    ("rule", "expected"),
    [(("quantile", 0.5), 0.5), (0.25, 0.25), (("quantile", 0.9), 0.9), (0, 0.0)],
)
def test_other_rules(rule, expected):
    values = np.linspace(0, 1, 101)
    if expected == 0:
        with pytest.warns(NoOverlapWarning, match="range from 0 to 1"):
            threshold, found = confidence_threshold(values, rule)
    else:
        threshold, found = confidence_threshold(values, rule)
    assert threshold == pytest.approx(expected)
    assert found is None


@pytest.mark.parametrize(
    "rule", [("quantile", 1.2), ("quantile",), (0.3,), ("share", 0.3)]
)
def test_a_tuple_that_is_no_quantile_is_an_error(rule):
    with pytest.raises(ValueError, match=r"must be \('quantile', q\) with q between"):
        confidence_threshold(np.linspace(0, 1, 20), rule)


@pytest.mark.parametrize(("rule", "n"), [("changepoint", 3), ("binseg", 6)])
def test_too_few_rows_fall_back_to_the_median_by_name(rule, n):
    values = np.linspace(0.1, 0.9, n)
    message = f"The confidence of {n} rows has no change point.*median 0.5 is"
    with pytest.warns(NoEvidenceOfGroupsWarning, match=message):
        threshold, found = confidence_threshold(values, rule)
    assert threshold == pytest.approx(0.5)
    assert found is None


def test_hard_goes_before_overlap_and_ties_go_to_the_better_side():
    confidence = np.array([0.1, 0.5, 0.5, 0.9, 0.0])
    scores = np.array([0.9, 0.9, 0.3, 0.31, 0.9])
    got = region_codes(confidence, scores, 0.5, 0.3, np.arange(5) < 4)
    # confidence .5 is not hard, score .3 not over, and the last row has no vote
    assert got.tolist() == [2, 1, 0, 1, 3]
    assert got.dtype == np.int8
