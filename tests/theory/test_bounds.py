import pickle

import numpy as np
import pytest

from overlapkit.theory._bounds import (
    coverage_expansion_bound,
    pseudolabel_correction_bound,
)


def test_coverage_bound_is_hand_derivable():
    # (1 + .2/.6) .03 + (.3 - .8 * .2) / (.8 * .6) = .04 + .14/.48
    bound = coverage_expansion_bound(
        alpha=0.2, c=0.8, q=0.05, err_weak=0.3, p_non_robust=0.03
    )
    assert bound.value == pytest.approx(0.04 + 0.14 / 0.48)
    assert bound.holds  # .33 < .8 * .75
    assert not bound.vacuous


def test_coverage_bound_is_never_below_q():
    bound = coverage_expansion_bound(
        alpha=0.2, c=1.0, q=0.25, err_weak=0.2, p_non_robust=0.0
    )
    assert bound.value == 0.25


def test_correction_bound_is_hand_derivable():
    # (2 * .2 / .6) .03 + .15 + .2 (1 - 1.5 * .8) = .02 + .15 - .04
    numbers = {"alpha": 0.2, "c": 0.8, "q": 0.1, "err_weak": 0.15}
    bound = pseudolabel_correction_bound(**numbers, p_non_robust=0.03)
    assert bound.value == pytest.approx(0.13)
    assert bound.holds  # .18 <= (.8 + .48) / 4 = .32
    assert bound.value < 0.2  # better than its teacher


def test_correction_needs_the_share_of_either_event():
    numbers = {"alpha": 0.2, "c": 0.8, "q": 0.1, "err_weak": 0.2, "p_non_robust": 0.2}
    assert not pseudolabel_correction_bound(**numbers).holds  # .4 > .32
    overlapping = pseudolabel_correction_bound(**numbers, p_disagree_or_non_robust=0.3)
    assert overlapping.holds


@pytest.mark.parametrize(
    ("changes", "violated"),
    [
        ({"alpha": 0.5}, {"alpha_below_half", "disagreement_small"}),
        ({"c": 0.0}, {"c_positive", "disagreement_small"}),
        ({"err_weak": 0.8}, {"disagreement_small"}),
        ({"p_non_robust": 0.7}, {"disagreement_small"}),
        ({"q": 0.9}, {"disagreement_small"}),
        ({}, set()),
    ],
)
def test_violations_of_the_coverage_bound_are_reported(changes, violated):
    numbers = {"alpha": 0.1, "c": 0.9, "q": 0.0, "err_weak": 0.2, "p_non_robust": 0.1}
    numbers.update(changes)
    if "alpha" in changes:
        numbers["c"] = 0.5
    bound = coverage_expansion_bound(**numbers)
    assert {name for name, ok in bound.assumptions_hold.items() if not ok} == violated
    assert bound.holds == (not violated)
    assert not np.isnan(bound.value)


@pytest.mark.parametrize(
    ("changes", "violated"),
    [
        ({"alpha": 0.6}, {"alpha_below_half", "q_small"}),
        ({"q": 0.61}, {"q_small"}),
        ({"err_weak": 0.9}, {"disagreement_small"}),
        ({"c": 0.0}, set()),  # no expansion: the trivial bound
    ],
)
def test_violations_of_the_correction_bound_are_reported(changes, violated):
    numbers = {"alpha": 0.1, "c": 0.9, "q": 0.0, "err_weak": 0.1, "p_non_robust": 0.0}
    bound = pseudolabel_correction_bound(**{**numbers, **changes})
    assert {name for name, ok in bound.assumptions_hold.items() if not ok} == violated


@pytest.mark.parametrize(
    "function", [coverage_expansion_bound, pseudolabel_correction_bound]
)
def test_expansion_above_one_counts_as_one(function):
    """The proofs use c <= 1: a larger c must not buy a smaller bound."""
    numbers = {"alpha": 0.2, "q": 0.0, "err_weak": 0.3, "p_non_robust": 0.1}
    assert function(c=np.inf, **numbers) == function(c=1.0, **numbers)
    assert function(c=0.9, **numbers).value > function(c=1.0, **numbers).value


def test_results_are_plain_and_pickle():
    numbers = dict.fromkeys(["alpha", "c", "q", "err_weak", "p_non_robust"])
    bound = coverage_expansion_bound(**{name: np.float64(0.1) for name in numbers})
    assert type(bound.value) is float
    assert {type(ok) for ok in bound.assumptions_hold.values()} == {bool}
    assert pickle.loads(pickle.dumps(bound)) == bound


@pytest.mark.parametrize("name", ["alpha", "c", "q", "err_weak", "p_non_robust"])
@pytest.mark.parametrize("value", [-0.1, np.nan, "x"])
def test_numbers_out_of_range_are_named(name, value):
    numbers = {"alpha": 0.1, "c": 0.9, "q": 0.0, "err_weak": 0.2, "p_non_robust": 0.1}
    for function in (coverage_expansion_bound, pseudolabel_correction_bound):
        with pytest.raises(ValueError, match=name):
            function(**{**numbers, name: value})
