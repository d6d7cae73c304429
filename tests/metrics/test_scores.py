"""The share of a gap that is recovered."""

import numpy as np
import pytest

from overlapkit.exceptions import DegenerateGapWarning
from overlapkit.metrics import performance_gap_recovered_score


@pytest.mark.parametrize(
    ("student", "expected"), [(0.9, 1.0), (0.7, 0.0), (0.6, -0.5), (0.95, 1.25)]
)
def test_pgr_is_measured_from_the_anchor(student, expected):
    got = performance_gap_recovered_score(student, anchor=0.7, ceiling=0.9)
    assert isinstance(got, float)
    assert got == pytest.approx(expected)


def test_pgr_of_published_accuracies():
    # Dream: weak .603, student .589, ceiling .739; stated as about -0.10
    got = performance_gap_recovered_score(0.589, anchor=0.603, ceiling=0.739)
    assert got == pytest.approx(-0.10, abs=0.005)


def test_pgr_broadcasts():
    got = performance_gap_recovered_score(
        [[0.8], [0.7]], anchor=0.7, ceiling=[0.9, 0.8]
    )
    np.testing.assert_allclose(got, [[0.5, 1.0], [0.0, 0.0]], atol=1e-12)


@pytest.mark.parametrize("ceiling", [0.7, 0.6, np.nan])
def test_pgr_without_a_gap_is_an_error_or_nan_with_a_warning(ceiling):
    message = r"No gap to recover in 1 of 1 cases: the ceiling .* anchor \(0.7\)"
    with pytest.raises(ValueError, match=message):
        performance_gap_recovered_score(0.8, anchor=0.7, ceiling=ceiling)
    with pytest.warns(DegenerateGapWarning, match=message):
        got = performance_gap_recovered_score(
            0.8, anchor=0.7, ceiling=ceiling, on_degenerate="nan"
        )
    assert np.isnan(got)


def test_pgr_of_a_gap_within_rounding_is_undefined():
    # .1 + .2 is above .3 by 5.6e-17, which is no gap
    scores = {"anchor": 0.3, "ceiling": 0.1 + 0.2}
    with pytest.raises(ValueError, match="by more than rounding errors"):
        performance_gap_recovered_score(0.95, **scores)
    with pytest.warns(DegenerateGapWarning, match="by more than rounding errors"):
        got = performance_gap_recovered_score(0.95, **scores, on_degenerate="nan")
    assert np.isnan(got)
    small = performance_gap_recovered_score(0.30001, anchor=0.3, ceiling=0.30002)
    assert small == pytest.approx(0.5)


def test_pgr_only_the_degenerate_runs_are_nan():
    with pytest.warns(DegenerateGapWarning, match="1 of 3 cases"):
        got = performance_gap_recovered_score(
            0.8, anchor=[0.7, 0.9, 0.6], ceiling=0.9, on_degenerate="nan"
        )
    np.testing.assert_allclose(got, [0.5, np.nan, 2 / 3])


def test_pgr_refuses_an_unknown_rule():
    with pytest.raises(ValueError, match="'raise' or 'nan', got 'zero'"):
        performance_gap_recovered_score(1, anchor=0, ceiling=1, on_degenerate="zero")
