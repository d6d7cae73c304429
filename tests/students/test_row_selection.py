"""Which rows are kept: budgets, quotas, guards."""

import numpy as np
import pytest

from overlapkit._utils.shares import round_to_sum
from overlapkit.exceptions import ClassCollapseWarning, NoOverlapWarning
from overlapkit.students._selection import choose_rows, guard_classes, select_rows
from overlapkit.weak import WeakRows
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


@pytest.mark.parametrize(("kept", "guarded"), [(14, True), (15, False), (16, False)])
def test_the_guard_acts_below_half_of_the_share(kept, guarded):
    # class 1: 30 of 100 rows; of the kept, 15 of 100 are just half of that share
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


def test_the_largest_remainders_are_rounded_up():
    assert round_to_sum(np.array([1.2, 2.7, 3.1]), 7).tolist() == [1, 3, 3]
    assert round_to_sum(np.array([3.6, 0.9, 0.5]), 5).tolist() == [4, 1, 0]
    assert round_to_sum(np.array([0.5, 0.5]), 1).tolist() == [1, 0]
    assert round_to_sum(np.array([2.0, 3.0]), 5).tolist() == [2, 3]


@pytest.mark.parametrize("balance", ["proportional", "equal", None])
def test_one_row_at_least_is_kept(balance):
    scores = np.array([0.1, 0.3, 0.2])
    keep = select_rows(scores, np.zeros(3, int), 0.01, balance)
    assert keep.tolist() == [False, True, False]


def test_the_guard_names_the_class_that_is_hit_worst():
    # of 30 % of the rows for class 0, 60 % for 1 and 10 % for 3, there are left 75.5 %,
    # 20 % and 4.5 %: a third for class 1, nearly a half for class 3
    codes = np.repeat([0, 1, 3], [300, 600, 100])
    keep = np.zeros(1000, dtype=bool)
    keep[:151], keep[300:340], keep[900:909] = True, True, True
    with pytest.warns(ClassCollapseWarning, match=r"class 1 makes up 60.0% .* 20.0%"):
        guard_classes(keep, np.zeros(1000), codes)


def test_the_guard_asks_for_ties_only_if_it_needs_them():
    codes = np.repeat([0, 1], 50)
    scores, asked = np.zeros(100), []

    def tiebreak():
        asked.append(1)
        return -np.arange(100)

    fair = np.arange(100) % 2 == 0
    assert guard_classes(fair, scores, codes, tiebreak) is fair
    assert not asked
    with pytest.warns(ClassCollapseWarning):
        keep = guard_classes(codes == 0, scores, codes, tiebreak)
    assert keep[25:50].all()
    assert keep[75:].all()
    assert keep.sum() == 50


class Chooses:
    """A selector with given scores and support."""

    def __init__(self, scores, support):
        self.scores, self.support = scores, support


@pytest.fixture
def task(monkeypatch):
    from overlapkit.students import _selection

    def fit(selector, rows, *, labeler, n_jobs):
        assert (labeler, n_jobs) == ("labeler", 2)
        return "fitted", selector.scores, selector.support

    monkeypatch.setattr(_selection, "fit_selector", fit)
    codes = np.repeat([0, 1], [8, 4])
    covered = np.arange(12) % 4 > 0
    rows = WeakRows.from_proba(np.eye(12), np.eye(2)[codes], covered=covered)

    def choose(scores, support=None, **params):
        selector, keep = choose_rows(
            Chooses(scores, support), rows, labeler="labeler", n_jobs=2, **params
        )
        assert selector == "fitted"
        assert not keep[~covered].any()
        return np.flatnonzero(keep).tolist()

    return choose


def test_a_budget_comes_before_a_threshold(task):
    scores = np.arange(12.0)
    support = np.arange(12) % 2 == 0
    # six rows of class 0 have a vote, and three of class 1
    assert task(scores, support) == [2, 6, 10]
    assert task(scores, support, budget=1 / 3) == [6, 7, 11]
    assert task(scores, support, budget=2 / 3, balance="equal") == [5, 6, 7, 9, 10, 11]
    with pytest.warns(ClassCollapseWarning):
        assert task(scores, support, budget=1 / 3, balance=None) == [6, 7, 11]
    with pytest.raises(ValueError, match="str has no threshold of its own"):
        task(scores)


def test_the_guard_minds_a_threshold_and_not_equal_quotas(task):
    scores = np.arange(12.0)
    only = np.arange(12) >= 8
    for balance in ("proportional", "equal", None):
        with pytest.warns(ClassCollapseWarning):
            assert task(scores, only, balance=balance) == [6, 7, 11]
    # one row of each class, of which class 0 has two thirds
    assert task(scores, budget=2 / 9, balance="equal") == [7, 11]
