"""A run that is steered between two batches, and one that is saved without pickle."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from overlapkit import OverlapDetector, UCBSourceSelector
from overlapkit.datasets import make_overlap_classification, make_overlap_sources
from overlapkit.exceptions import SourceWarning
from overlapkit.policies import (
    KLUCB,
    UCB,
    DiscountedUCB,
    EpsilonGreedy,
    RandomChoice,
    Thompson,
)

PATTERN = {"n_easy_features": 6, "n_hard_features": 6, "noise_variance": 2.0}
POOL = make_overlap_sources([0.1, 0.5, 0.9], n_rows=300, random_state=0, **PATTERN)
_REFERENCE = make_overlap_classification(theta=POOL.theta, random_state=1, **PATTERN)
REFERENCE = (_REFERENCE.X, _REFERENCE.y)
ROWS = {k: np.flatnonzero(POOL.sources == k) for k in range(3)}
NAMES = ["low", "middle", "high"]


def selector(**params):
    defaults = {
        "estimator": LogisticRegression(),
        "detector": OverlapDetector(weak_columns=POOL.easy_columns, cv=3),
        "n_rounds": 8,
        "reference": REFERENCE,
        "source_names": NAMES,
        "train_every": None,
        "random_state": 0,
    }
    return UCBSourceSelector(**{**defaults, **params})


def send(run, n_rounds=1, size=10):
    for _ in range(n_rounds):
        name = run.next_source_
        t = 0
        if hasattr(run, "history_"):
            t = len(run.history_)
        rows = ROWS[NAMES.index(name) if name in NAMES else 1]
        rows = rows[(10 * t) % 250 :][:size]
        run.partial_fit(POOL.X[rows], POOL.y[rows])
    return run


# -- what can be steered -------------------------------------------------------------
def test_a_source_joins_and_another_one_is_withdrawn():
    run = send(selector(policy=UCB(exploration=0)), 4)
    run.set_params(source_names=["low", "middle", "new"])
    assert run.next_source_ == "new"  # nothing is known of it
    assert run.sources_ == [*NAMES, "new"]
    assert run.history_["event"].iloc[-1] == "'high' withdrawn; 'new' added"
    send(run, 3)
    assert "high" not in set(run.history_["source"][4:])
    assert np.isnan(run.history_["index_new"][3])
    assert run.sources_frame_.loc["high", "state"] == "withdrawn"
    with pytest.raises(ValueError, match="'high' was withdrawn"):
        run.partial_fit(POOL.X[:3], POOL.y[:3], sources="high")
    run.set_params(source_names=[*NAMES, "new"])
    assert run.sources_frame_.loc["high", "state"] in ("open", "next")
    assert run.history_["event"].iloc[-1] == "'high' added again"


def test_changes_are_events_of_the_round_before_them():
    run = send(selector(), 2)
    run.set_params(n_rounds=20, budget=500.0)
    told = "n_rounds: 8 -> 20; budget: None -> 500.0"
    assert run.history_["event"].tolist() == ["", told]
    run.set_params(n_rounds=8, budget=None)
    assert run.history_["event"].tolist() == ["", ""]
    run.set_params(prices={"low": 1.0, "middle": 2.0, "high": 3.0})
    send(run, 2)
    assert run.history_["event"][1].startswith("prices: None -> {'low': 1.0")


def test_withdrawing_the_only_source_ends_a_run_until_another_one_joins():
    run = send(selector(source_names=["middle"]), 2)
    run.set_params(source_names=[])
    assert run.next_source_ is None
    run.set_params(source_names=["other"])
    assert run.next_source_ == "other"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["low", "low"], "names a source twice"),
        (["low", 1], "strings and numbers"),
        (["low", pd.NA], "None or NaN"),
        (["low", None], "None or NaN"),
    ],
)
def test_bad_new_sources_are_refused_and_change_nothing(names, message):
    run = send(selector(), 2)
    run.set_params(source_names=names)
    with pytest.raises(ValueError, match=message):
        run.partial_fit(POOL.X[:5], POOL.y[:5])
    run.set_params(source_names=NAMES)
    assert len(run.history_) == 2


# -- prices and budget ---------------------------------------------------------------
def test_prices_by_round():
    asked = []

    def rising(t):
        asked.append(t)
        return {"low": 1.0, "middle": float(t), "high": 2.0 * t}

    run = send(selector(prices=rising), 4)
    price = [rising(t + 1)[name] for t, name in enumerate(run.history_["source"])]
    np.testing.assert_allclose(run.history_["cost"], np.cumsum(price) * 10)
    assert min(asked) == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"low": 1, "middle": 0, "high": 1}, "positive and finite"),
        ([1, -1, 1], "positive and finite"),
        ([1, np.nan, 1], "positive and finite"),
        (lambda t: [1, 2], "one number for each of 3"),
        (lambda t: {"low": 1}, "no price for the source"),
    ],
)
def test_bad_prices_are_refused_and_change_nothing(value, message):
    run = send(selector(), 2)
    run.set_params(prices=value)
    with pytest.raises(ValueError, match=message):
        run.partial_fit(POOL.X[:5], POOL.y[:5])
    run.set_params(prices=None)
    assert len(run.history_) == 2
    assert send(run).history_["cost"].iloc[-1] == 30


def test_prices_that_raise_say_what_to_do():
    def failing(t):
        if t > 2:
            raise RuntimeError("price list unreachable")
        return [1, 1, 1]

    run = send(selector(prices=failing))
    with pytest.raises(RuntimeError) as error:
        send(run, 2)
    assert "nothing of the run was changed" in error.value.__notes__[0]
    assert len(run.history_) == 1


def test_a_budget_is_kept_without_a_batch_size():
    prices = {"low": 3.0, "middle": 4.0, "high": 7.0}
    run = selector(prices=prices, budget=500.0, n_rounds=100)
    assert run.next_rows_ in (500 // 3, 500 // 4, 500 // 7)
    while run.next_source_ is not None:
        send(run, size=min(37, run.next_rows_))
    cost = run.history_["cost"].iloc[-1]
    assert 500 - 3 < cost <= 500
    assert run.next_rows_ is None
    with pytest.warns(SourceWarning, match="exceeded by"):
        run.partial_fit(POOL.X[:2], POOL.y[:2], sources="low")


def test_a_run_stops_when_no_source_pays_its_price():
    prices = {"low": 1.0, "middle": 1.0, "high": 1.0}
    run = selector(prices=prices, worth=2.0, n_rounds=40)
    send(run, 12)
    assert run.next_source_ is not None
    run.set_params(prices=dict.fromkeys(NAMES, 3.0))  # no density is 1.5
    assert run.next_source_ is None
    assert set(run.sources_frame_["state"]) == {"not worth its price"}
    run.set_params(worth=None)
    assert run.next_source_ is not None


# -- the table of sources ------------------------------------------------------------
def test_one_line_per_source():
    prices = {"low": 1.0, "middle": 2.0, "high": 3.0}
    run = send(selector(prices=prices), 6)
    frame, history = run.sources_frame_, run.history_
    assert frame.index.tolist() == NAMES
    last = history.groupby("source").last()
    counts = history.groupby("source")["rows"].sum()
    for name in NAMES:
        line = frame.loc[name]
        assert line["rows"] == counts[name]
        assert line["spent"] == counts[name] * prices[name]
        for column in ("density", "density_low", "density_high"):
            assert line[column] == last.loc[name, column]
    assert (frame["state"] == "next").sum() == 1
    collected = run.collected_
    weak = run.detector_.weak_estimator_.predict(collected.X[:, POOL.easy_columns])
    right = pd.Series(weak == collected.y).groupby(collected.source).mean()
    np.testing.assert_allclose(frame["purity"], right[NAMES])


# -- state without pickle ------------------------------------------------------------
def through_a_file(state):
    """Write and read a state as a file of JSON and arrays, without pickle."""
    file, arrays = io.BytesIO(), state["arrays"]
    text = json.dumps({k: v for k, v in state.items() if k != "arrays"})
    np.savez(file, state=text, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        loaded = {name: stored[name] for name in stored.files}
    return {**json.loads(str(loaded.pop("state"))), "arrays": loaded}


def same(one, other):
    pd.testing.assert_frame_equal(one.history_, other.history_)
    pd.testing.assert_frame_equal(one.sources_frame_, other.sources_frame_)
    assert one.next_source_ == other.next_source_


POLICIES = [
    UCB(),
    KLUCB(),
    DiscountedUCB(),
    Thompson(),
    EpsilonGreedy(0.5),
    RandomChoice(),
]


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_a_run_killed_anywhere_goes_on_alike(policy):
    rng = np.random.default_rng(0)
    params = {"policy": policy, "n_rounds": 24}
    whole = send(selector(**params), 24)
    killed, stops = selector(**params), sorted(rng.choice(24, 20, replace=False))
    for t in range(24):
        if t in stops and t > 0:
            killed = selector(**params).from_dict(through_a_file(killed.to_dict()))
        send(killed)
    same(whole, killed)
    np.testing.assert_array_equal(whole.predict(POOL.X), killed.predict(POOL.X))


@pytest.mark.parametrize("labels", ["numbers", "texts", "objects"])
@pytest.mark.parametrize("frame", [False, True])
def test_first_rounds_refits_and_labels_survive(frame, labels):
    X, y = POOL.X, POOL.y
    if frame:
        X = pd.DataFrame(X, columns=[f"c{k}" for k in range(X.shape[1])])
    if labels != "numbers":
        y = np.where(y == 1, "spam", "ham")
        y = y.astype(object) if labels == "objects" else y
    easy = list(X.columns[POOL.easy_columns]) if frame else POOL.easy_columns
    params = {
        "reference": "first",
        "refit_rounds": (6,),
        "train_every": 3,
        "detector": OverlapDetector(weak_columns=easy, cv=3),
    }

    def batch(run):
        rows = ROWS[NAMES.index(run.next_source_)]
        t = len(run.history_) if hasattr(run, "history_") else 0
        rows = rows[10 * t :][:10]
        return (X.iloc[rows] if frame else X[rows]), y[rows]

    whole, killed = selector(**params), selector(**params)
    for t in range(8):
        whole.partial_fit(*batch(whole))
        killed.partial_fit(*batch(killed))
        killed = clone(killed).from_dict(through_a_file(killed.to_dict()))
        same(whole, killed)
        assert hasattr(whole, "estimator_") == hasattr(killed, "estimator_")
        if t >= 2:
            np.testing.assert_array_equal(
                whole.predict_proba(X), killed.predict_proba(X)
            )


def test_what_is_no_state_is_refused():
    run = send(selector(), 2)
    state = run.to_dict()
    with pytest.raises(ValueError, match="no state of a UCBSourceSelector"):
        selector().from_dict({"a": 1})
    with pytest.raises(ValueError, match="version 99"):
        selector().from_dict({**state, "version": 99})
    other = selector().set_params(detector__cv=4)
    with pytest.raises(ValueError, match="detector__cv differ"):
        other.from_dict(state)
    fewer = selector(source_names=["low"]).from_dict(state)
    with pytest.raises(ValueError, match="'high' was withdrawn"):
        fewer.partial_fit(POOL.X[:3], POOL.y[:3], sources="high")


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_a_run_killed_once_goes_on_alike(policy):
    whole = send(selector(policy=policy), 8)
    killed = send(selector(policy=policy), 4)
    killed = selector(policy=policy).from_dict(through_a_file(killed.to_dict()))
    same(whole, send(killed, 4))
