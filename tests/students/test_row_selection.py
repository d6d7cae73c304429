"""Which rows are kept: budgets, quotas, guards."""

import numpy as np
import pytest

from overlapkit.exceptions import ClassCollapseWarning, NoOverlapWarning
from overlapkit.students._selection import guard_classes, select_rows
from tests.support.oracles_core import best_of_each_class


def scored(n=200, shares=(0.7, 0.3), seed=0):
    rng = np.random.RandomState(seed)
    return rng.normal(size=n), rng.choice(len(shares), size=n, p=shares)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("budget", [0.1, 0.5, 0.77, 1.0])
def test_quotas_in_proportion(seed, budget):
    scores, codes = scored(shares=(0.6, 0.3, 0.1), seed=seed)
    keep = select_rows(scores, codes, budget)
    size = round(budget * 200)
    assert keep.sum() == size
    kept = np.bincount(codes[keep])
    np.testing.assert_allclose(kept, np.bincount(codes) * budget, atol=1)
    expected = best_of_each_class(scores, codes, dict(enumerate(kept)))
    np.testing.assert_array_equal(keep, expected)


def test_equal_quotas_are_cut_to_what_there_is():
    scores, codes = scored(shares=(0.9, 0.1))
    keep = select_rows(scores, codes, 0.5, "equal")
    small = np.bincount(codes)[1]
    assert np.bincount(codes[keep]).tolist() == [50, small]
    expected = best_of_each_class(scores, codes, {0: 50, 1: small})
    np.testing.assert_array_equal(keep, expected)


def test_without_quotas_the_best_rows_are_kept():
    scores, codes = scored()
    keep = select_rows(scores, codes, 0.25, None)
    assert set(np.flatnonzero(keep)) == set(np.argsort(-scores)[:50])


@pytest.mark.parametrize("balance", ["proportional", "equal"])
def test_a_score_that_ranks_by_class_does_not_empty_a_class(balance):
    _, codes = scored()
    keep = select_rows(codes.astype(float), codes, 0.3, balance)
    assert set(codes[keep]) == {0, 1}


def test_a_class_is_never_rounded_away():
    codes = np.r_[np.zeros(99, int), 1]
    keep = select_rows(np.zeros(100), codes, 0.05)
    assert keep[99]


@pytest.mark.parametrize("balance", ["proportional", "equal", None])
def test_ties_do_not_depend_on_the_order_of_the_rows(balance):
    scores, codes = scored()
    scores = scores.round(0)
    tiebreak = np.random.RandomState(1).permutation(200)
    keep = select_rows(scores, codes, 0.4, balance, tiebreak)
    order = np.random.RandomState(2).permutation(200)
    moved = select_rows(scores[order], codes[order], 0.4, balance, tiebreak[order])
    np.testing.assert_array_equal(moved, keep[order])
    assert not np.array_equal(keep, select_rows(scores, codes, 0.4, balance))


def test_the_guard_lets_a_fair_selection_pass():
    scores, codes = scored()
    keep = scores > 0
    assert guard_classes(keep, scores, codes) is keep


def test_the_guard_undoes_a_selection_that_loses_a_class():
    scores, codes = scored()
    keep = (scores > 0) & (codes == 0)
    message = r"Weak class 'spam' makes up \d+.\d% of the rows but 0.0% of those"
    with pytest.warns(ClassCollapseWarning, match=message):
        guarded = guard_classes(keep, scores, codes, names=np.array(["ham", "spam"]))
    assert guarded.sum() == keep.sum()
    np.testing.assert_array_equal(guarded, select_rows(scores, codes, keep.mean()))


@pytest.mark.parametrize(("kept", "guarded"), [(14, True), (16, False)])
def test_the_guard_acts_below_half_of_the_share(kept, guarded):
    # class 1: 30 of 100 rows; of the kept, 14 or 16 of 100 stand for 15 %
    codes = np.repeat([0, 1], [70, 30]).repeat(10)
    keep = np.zeros(1000, dtype=bool)
    keep[: 100 - kept] = True
    keep[700 : 700 + kept] = True
    if guarded:
        with pytest.warns(ClassCollapseWarning, match="Weak class 1 "):
            got = guard_classes(keep, np.arange(1000.0), codes)
        assert np.bincount(codes[got]).tolist() == [70, 30]
    else:
        assert guard_classes(keep, np.arange(1000.0), codes) is keep


def test_a_selection_of_nothing_becomes_everything():
    with pytest.warns(NoOverlapWarning, match="keeps no row; .* learns from all"):
        keep = guard_classes(np.zeros(5, bool), np.zeros(5), np.zeros(5, int))
    assert keep.all()
