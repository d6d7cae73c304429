"""A run of source selection by itself: names and readings in, decisions out."""

import copy
import pickle
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from overlapkit.policies import UCB, EpsilonGreedy, RandomChoice, Thompson
from overlapkit.sources._run import Reading, Rules, SourceRun
from tests.support.known_densities import KnownDensities

GREEDY = UCB(exploration=0)


def reading(overlap, classes=(1, 1)):
    overlap = np.array(overlap, dtype=bool)
    return Reading(float(overlap.sum()), len(overlap), overlap, np.array(classes))


def start(names=("a", "b", "c"), *, ready=True, closed=True, seed=0, **rules):
    rules = Rules(**{"policy": GREEDY, "n_rounds": 20, **rules})
    run = SourceRun(names, rules, seed, ready=ready, closed=closed)
    return run.with_readings([], np.array([0, 1])) if ready else run


def play(run, densities, n_rounds, size=10, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(n_rounds):
        density = densities[run.names.index(run.next)]
        run = run.with_batch(run.next, size, reading(rng.random(size) < density))
    return run


# -- decisions -----------------------------------------------------------------------
def test_sources_are_queried_in_turn_until_batches_can_be_read():
    run = start(ready=False)
    for _ in range(6):
        run = run.with_batch(run.next, 10)
    assert sorted(run.sources[:3]) == sorted(run.sources[3:]) == [0, 1, 2]
    assert run.history["reward"].isna().all()
    assert run.history.filter(like="index_").isna().all(axis=None)


def test_readings_of_all_batches_come_with_the_detector():
    run = start(ready=False).with_batch("a", 2).with_batch("b", 2)
    readings = [reading([0, 0]), reading([1, 1]), reading([1, 0])]
    run = run.with_batch_and_readings("c", 2, readings, np.array(["no", "yes"]))
    assert run.history["reward"].tolist() == [0.0, 1.0, 0.5]
    assert {"share_no", "share_yes"} <= set(run.history.columns)
    assert run.next == "b"
    other = run.with_readings(readings[::-1], run.classes)
    assert other.history["reward"].tolist() == [0.5, 1.0, 0.0]


def test_totals_are_those_of_the_readings():
    run = start()
    run = run.with_batch("b", 4, reading([1, 1, 1, 0], (3, 1)))
    run = run.with_batch("a", 2, reading([0, 1], (0, 2)))
    run = run.with_batch("b", 2, reading([0, 0], (1, 1)))
    history = run.history
    assert history["source"].tolist() == ["b", "a", "b"]
    np.testing.assert_allclose(history["density"], [0.75, 0.5, 0.5])
    np.testing.assert_allclose(history["overlap_ratio"], [3 / 4, 4 / 6, 4 / 8])
    np.testing.assert_allclose(history["share_0"], [3 / 4, 3 / 6, 4 / 8])
    np.testing.assert_allclose(history["cost"], [4, 6, 8])
    interval = binomtest(3, 6).proportion_ci(method="wilson")
    np.testing.assert_allclose(
        history[["density_low", "density_high"]].iloc[2], interval, atol=1e-12
    )


def test_class_floor_queries_the_source_that_has_most_of_the_class():
    run = start(("a", "b"), min_class_share=0.4)
    run = run.with_batch("a", 4, reading([1, 1, 1, 1], (4, 0)))
    run = run.with_batch("b", 4, reading([0, 0, 0, 0], (2, 2)))
    assert run.next == "b"  # class 1 has 2 of 8 rows
    assert np.isnan(run.with_batch("b", 1, reading([0])).history["index_a"].iloc[-1])


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    share=st.sampled_from([0.0, 0.1, 0.2]),
    policy=st.sampled_from([GREEDY, Thompson(), RandomChoice(), EpsilonGreedy(0.5)]),
)
def test_floor_holds_after_every_round(seed, share, policy):
    """No source may be a full round short of its share, whatever the policy."""
    run = start("abcde", min_source_share=share, policy=policy, seed=seed)
    run = play(run, [0.1, 0.3, 0.5, 0.7, 0.9], 20, seed=seed)
    rounds = np.cumsum(np.eye(5)[run.sources], axis=0)
    assert (rounds >= share * np.arange(1, 21)[:, None] - 1 - 1e-9).all()


# -- nothing changes but by a new run ------------------------------------------------
def snapshot(run):
    return pickle.dumps({k: v for k, v in vars(run).items() if k != "history"})


@dataclass(frozen=True)
class FailsAfter:
    """A policy that fails once there are so many rounds."""

    rounds: int

    def index(self, state, rng):
        rng.random(3)
        if state.t >= self.rounds:
            raise RuntimeError("no index")
        return state.means


def test_what_fails_half_way_leaves_the_run_as_it_was():
    run = start(policy=FailsAfter(1), closed=False, prices={"a": 1, "b": 1, "c": 1})
    before = snapshot(run)
    with pytest.raises(RuntimeError, match="no index"):
        run.with_batch("a", 2, reading([1, 0]))
    with pytest.raises(ValueError, match="no price for the source"):
        run.with_batch("d", 2, reading([1, 0]))
    with pytest.raises(ValueError, match="prices must be positive"):
        run.with_rules(replace(run.rules, prices=(1, 2, -1)))
    assert snapshot(run) == before
    assert run.next in {"a", "b", "c"}


@pytest.mark.parametrize("policy", [GREEDY, Thompson(), RandomChoice()], ids=repr)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copied_or_pickled_run_goes_on_alike(policy, copied):
    run = play(start(policy=policy), [0.2, 0.5, 0.6], 5)
    twins = [copied(run), pickle.loads(pickle.dumps(run))]
    expected = play(run, [0.2, 0.5, 0.6], 10, seed=1)
    for twin in twins:
        twin = play(twin, [0.2, 0.5, 0.6], 10, seed=1)
        pd.testing.assert_frame_equal(twin.history, expected.history)
        assert twin.next == expected.next


def test_the_table_is_made_once():
    run = play(start(), [0.2, 0.5, 0.6], 3)
    assert run.history is run.history


# -- rules that change ---------------------------------------------------------------
def test_looking_at_other_rules_does_not_change_later_decisions():
    """Draws belong to a round: a decision made again under the same rules is equal."""
    run = play(start(policy=Thompson()), [0.2, 0.5, 0.6], 4)
    other = run.with_rules(replace(run.rules, policy=RandomChoice()))
    back = other.with_rules(run.rules)
    assert back.next == run.next
    expected = play(run, [0.2, 0.5, 0.6], 8, seed=1).history
    pd.testing.assert_frame_equal(
        play(back, [0.2, 0.5, 0.6], 8, seed=1).history, expected
    )


def test_every_round_has_draws_of_its_own():
    run = play(start(policy=RandomChoice()), [0.2, 0.5, 0.6], 10)
    assert run.history["index_a"].nunique() == 10
    run = run.without("a")
    assert run.next in {"b", "c"}


def test_more_rounds_continue_a_run_and_fewer_end_it():
    run = play(start(n_rounds=3), [0.2, 0.5, 0.6], 3)
    assert run.next is None
    more = run.with_rules(replace(run.rules, n_rounds=5))
    assert more.next is not None
    assert more.with_rules(replace(run.rules, n_rounds=2)).next is None


def test_other_prices_hold_from_the_next_round_on():
    run = start(("a", "b"), prices=(1.0, 1.0), policy=KnownDensities((0.5, 0.6)))
    assert run.next == "b"
    run = run.with_batch("b", 10, reading([1] * 10))
    run = run.with_rules(replace(run.rules, prices=(1.0, 4.0)))
    assert run.next == "a"
    run = run.with_batch("b", 10, reading([1] * 10))
    assert run.history["cost"].tolist() == [10.0, 50.0]
    assert run.spent == 50.0


@settings(max_examples=40, deadline=None)
@given(
    prices=st.lists(st.floats(0.1, 10), min_size=3, max_size=3),
    budget=st.floats(1, 300),
    size=st.integers(1, 20),
)
def test_a_batch_of_known_size_never_exceeds_the_budget(prices, budget, size):
    """Sums of prices round: the tolerance must not let a whole row through."""
    run = start(prices=tuple(prices), budget=budget, batch_size=size, n_rounds=40)
    while run.next is not None:
        run = run.with_batch(run.next, size, reading([True] * size))
        assert run.spent <= budget * (1 + 1e-9)


# -- sources -------------------------------------------------------------------------
def test_sources_without_rows_are_left():
    run = start(policy=KnownDensities((0.9, 0.5, 0.1)))
    assert run.next == "a"
    run = run.without("a")
    assert run.next == "b"
    run = run.without("b").without("c")
    assert run.next is None
    assert run.with_batch("c", 1, reading([1])).next == "c"  # it had rows after all


def test_sources_join_where_names_are_open():
    run = start(("a",), closed=False)
    run = run.with_batch("a", 2, reading([1, 1])).with_batch("b", 2, reading([0, 1]))
    assert run.names == ["a", "b"]
    assert np.isnan(run.history["index_b"][0])
    with pytest.raises(ValueError, match="'z' is not in source_names"):
        start().name_of("z", 3)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a"], "names a source twice"),
        ([1, "1"], "names a source twice"),
        (["a", None], "holds None or NaN"),
        (["a", np.nan], "holds None or NaN"),
        (["a", pd.NA], "holds None or NaN"),
        ([1, "b"], "strings and numbers: 'b' and 1"),
    ],
)
def test_bad_names_are_refused(names, message):
    with pytest.raises(ValueError, match=message):
        start(names)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"min_source_share": 0.4}, "min_source_share=0.4 for 3 sources.*0.3333"),
        ({"min_class_share": 0.6}, "min_class_share=0.6 for 2 classes.*0.5"),
        ({"prices": (1, 2)}, "expected one number for each of 3 sources"),
        ({"prices": {"a": 1, "b": 2}}, r"no price for the source\(s\) \['c'\]"),
    ],
)
def test_rules_that_do_not_suit_the_sources_are_refused(rules, message):
    with pytest.raises(ValueError, match=message):
        start(**rules)
