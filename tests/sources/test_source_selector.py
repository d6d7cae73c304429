import io
import pickle
import warnings
from dataclasses import dataclass

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from overlapkit import OverlapDetector, UCBSourceSelector, WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification, make_overlap_sources
from overlapkit.exceptions import (
    MissingLabelWarning,
    OverlapkitWarning,
    SourceWarning,
    WeakLabelWarning,
)
from overlapkit.metrics import cumulative_regret
from overlapkit.policies import UCB, RandomChoice, Thompson
from overlapkit.scorers import (
    ConfidenceScorer,
    CutStatisticScorer,
    reference_similarity,
)
from overlapkit.sources import (
    LabelPurity,
    MeanScore,
    OverlapDensity,
    StudentGain,
)
from overlapkit.thresholds import change_point
from overlapkit.weak import WeakLabeler
from tests.support.known_densities import KnownDensities

DENSITIES = (0.1, 0.5, 0.9)
PATTERN = {"n_easy_features": 10, "n_hard_features": 10, "noise_variance": 2.0}
POOL = make_overlap_sources(DENSITIES, n_rows=200, random_state=0, **PATTERN)
_REFERENCE = make_overlap_classification(theta=POOL.theta, random_state=1, **PATTERN)
REFERENCE = (_REFERENCE.X, _REFERENCE.y)
WEAK = POOL.easy_columns


THREE = OverlapDetector(
    FrozenEstimator(LogisticRegression().fit(POOL.X[:, WEAK], np.arange(600) % 3)),
    weak_columns=WEAK,
)


def selector(**params):
    defaults = {
        "estimator": LogisticRegression(),
        "detector": OverlapDetector(weak_columns=WEAK, cv=3),
        "n_rounds": 12,
        "batch_size": 10,
        "reference": REFERENCE,
        "train_every": None,
        "random_state": 0,
    }
    return UCBSourceSelector(
        **{"estimator": LogisticRegression(), **defaults, **params}
    )


def choices(run):
    return run.history_["source"].map(run.sources_.index)


def fit_pool(**params):
    return selector(**params).fit(POOL.X, POOL.y, sources=POOL.sources)


def replay(pool_run, live, *, stop_after=None):
    """Hand the batches a pool run drew to a live run, source by source as it asks."""
    drawn = pool_run.collected_indices_
    piles = {k: list(drawn[POOL.sources[drawn] == k]) for k in range(3)}
    while live.next_source_ is not None:
        k, size = live.next_source_, pool_run.batch_size_
        rows, piles[k] = piles[k][:size], piles[k][size:]
        live.partial_fit(POOL.X[rows], POOL.y[rows])
        if stop_after is not None and len(live.history_) == stop_after:
            break
    return live


# -- decisions -----------------------------------------------------------------------
@pytest.mark.parametrize("policy", [UCB(), Thompson(), RandomChoice()])
@pytest.mark.parametrize("reference", [REFERENCE, "first"])
def test_pool_and_live_mode_decide_alike(policy, reference):
    pool = fit_pool(policy=policy, reference=reference)
    live = selector(policy=policy, reference=reference, source_names=[0, 1, 2])
    live = replay(pool, live)
    pd.testing.assert_frame_equal(pool.history_, live.history_)
    np.testing.assert_array_equal(pool.predict(POOL.X), live.predict(POOL.X))


@pytest.mark.parametrize("stop_after", [1, 3, 7])
@pytest.mark.parametrize("reference", [REFERENCE, "first"])
def test_saved_and_loaded_run_continues_as_if_nothing_happened(stop_after, reference):
    params = {"policy": Thompson(), "reference": reference}
    pool = fit_pool(**params)
    stopped = replay(
        pool, selector(source_names=[0, 1, 2], **params), stop_after=stop_after
    )
    file = io.BytesIO()
    joblib.dump(stopped, file)
    file.seek(0)
    loaded = joblib.load(file)
    assert loaded.next_source_ == pool.history_["source"][stop_after]
    drawn = pool.collected_indices_
    for start in range(stop_after * 10, 120, 10):
        rows = drawn[start : start + 10]
        assert (POOL.sources[rows] == loaded.next_source_).all()
        loaded.partial_fit(POOL.X[rows], POOL.y[rows])
    pd.testing.assert_frame_equal(pool.history_, loaded.history_)


def test_fit_twice_is_fit_once():
    twice = fit_pool().fit(POOL.X, POOL.y, sources=POOL.sources)
    pd.testing.assert_frame_equal(fit_pool().history_, twice.history_)


def test_sources_never_asked_come_first_and_then_the_densest():
    history = fit_pool().history_
    assert set(history["source"][:3]) == {0, 1, 2}
    assert history["source"][6:].value_counts().idxmax() == 2
    assert history["overlap_ratio"].iloc[-1] > 0.5


def test_oracle_and_random_bracket_the_regret():
    regret = {
        name: cumulative_regret(DENSITIES, choices(fit_pool(policy=policy)))[-1]
        for name, policy in {
            "oracle": KnownDensities(DENSITIES),
            "ucb": UCB(),
            "random": RandomChoice(),
        }.items()
    }
    assert regret["oracle"] == 0 < regret["ucb"] < regret["random"]


def test_ties_are_broken_by_the_seed():
    first = {selector(source_names=[0, 1, 2], random_state=s).next_source_: s
             for s in range(20)}  # fmt: skip
    assert set(first) == {0, 1, 2}


def test_source_floor_is_kept():
    history = fit_pool(min_source_share=0.25, policy=UCB(exploration=0)).history_
    assert history["source"].value_counts().min() >= 0.25 * 12 - 1


def test_class_floor_asks_the_source_that_has_the_class():
    # source 0 holds class 0 only and all the overlap, source 1 both classes
    data = make_overlap_sources([0.9, 0.2], n_rows=300, random_state=2, **PATTERN)
    keep = ~((data.sources == 0) & (data.y == 1))
    X, y, sources = data.X[keep], data.y[keep], data.sources[keep]
    reference = make_overlap_classification(theta=data.theta, random_state=1, **PATTERN)
    params = {"reference": (reference.X, reference.y), "n_rounds": 20, "batch_size": 5,
              "policy": UCB(exploration=0)}  # fmt: skip
    free = selector(**params).fit(X, y, sources=sources)
    held = selector(**params, min_class_share=0.3).fit(X, y, sources=sources)
    assert free.history_["share_1"].iloc[-1] < 0.25
    # a floor is met up to what the last batch may take away
    assert held.history_["share_1"].iloc[-1] > 0.25


# -- money ---------------------------------------------------------------------------
def test_budget_in_money_is_not_passed():
    prices = np.array([1.0, 1.0, 10.0])
    run = fit_pool(prices=prices, budget=130.0)
    history = run.history_
    spent = (history["rows"] * prices[history["source"].astype(int)]).cumsum()
    np.testing.assert_allclose(history["cost"], spent)
    assert history["cost"].iloc[-1] <= 130
    # a look at the dear source costs 100; what is left buys the best per money
    assert history["source"].value_counts()[2] == 1


def test_budget_that_buys_nothing_is_an_error():
    with pytest.raises(ValueError, match=r"budget=5 does not buy 10 rows"):
        fit_pool(budget=5)


@pytest.mark.parametrize("budget", [1000, 97.5])
def test_budget_without_a_batch_size_is_not_exceeded_in_a_pool(budget):
    for prices in (None, {0: 1.0, 1: 2.5, 2: 4.0}):
        run = fit_pool(batch_size=None, n_rounds=23, budget=budget, prices=prices)
        assert run.batch_size_ == 9
        assert run.history_["cost"].iloc[-1] <= budget


def test_a_live_batch_that_exceeds_the_budget_is_named():
    live = selector(batch_size=None, budget=30, source_names=[0, 1])
    live.partial_fit(POOL.X[:20], POOL.y[:20])
    with pytest.warns(OverlapkitWarning, match="budget of 30 is exceeded by 10: .*10"):
        live.partial_fit(POOL.X[20:40], POOL.y[20:40])
    assert live.next_source_ is None
    assert live.history_["cost"].tolist() == [20, 40]


def test_prices_by_name():
    by_name = fit_pool(prices={2: 10.0, 0: 1.0, 1: 1.0}, budget=130.0)
    in_order = fit_pool(prices=[1.0, 1.0, 10.0], budget=130.0)
    pd.testing.assert_frame_equal(by_name.history_, in_order.history_)
    with pytest.raises(ValueError, match=r"no price for the source\(s\) \[2\]"):
        fit_pool(prices={0: 1.0, 1: 1.0})
    live = selector(prices={"a": 1, "b": 3})
    live.partial_fit(POOL.X[:10], POOL.y[:10], sources="b")
    with pytest.raises(ValueError, match="no price for the source"):
        live.partial_fit(POOL.X[:10], POOL.y[:10], sources="c")
    assert live.history_["cost"].tolist() == [30]


# -- parameters that change in a run -------------------------------------------------
def live_rounds(live, n, start=0):
    for t in range(start, start + n):
        rows = slice(10 * t, 10 * t + 10)
        live.partial_fit(POOL.X[rows], POOL.y[rows])
    return live


@pytest.mark.parametrize("reference", [REFERENCE, "first"])
def test_more_rounds_continue_a_run_that_had_ended(reference):
    live = selector(n_rounds=3, reference=reference, source_names=[0, 1])
    live_rounds(live, 3)
    assert live.next_source_ is None
    live.set_params(n_rounds=6)
    assert live.next_source_ in (0, 1)
    live_rounds(live, 3, start=3)
    assert live.next_source_ is None
    assert len(live.history_) == 6


def test_other_prices_and_budget_hold_from_the_next_decision_on():
    live = selector(source_names=["a", "b"], policy=KnownDensities((0.5, 0.6)))
    live_rounds(live, 2)
    assert live.history_["source"].tolist() == ["b", "b"]
    live.set_params(prices={"a": 1.0, "b": 4.0})
    assert live.next_source_ == "a"
    live_rounds(live, 1, start=2)
    assert live.history_["cost"].tolist() == [10, 20, 30]
    live.set_params(budget=35)
    assert live.next_source_ is None
    live.set_params(budget=45)
    assert live.next_source_ == "a"


def test_looking_at_the_next_source_does_not_change_it():
    def run(look):
        live = selector(source_names=[0, 1, 2], policy=Thompson())
        live_rounds(live, 4)
        for policy in (RandomChoice(), UCB(), Thompson()):
            live.set_params(policy=policy)
            if look:
                _ = live.next_source_
        return live_rounds(live, 5, start=4).history_

    pd.testing.assert_frame_equal(run(look=True), run(look=False))


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        {"detector__weak_columns": slice(0, 5)},
        {"detector": None},
        {"reward": LabelPurity()},
        {"reference": "first"},
        {"n_reference_rounds": 2},
        {"missing_label": -1},
        {"random_state": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_earlier_rounds_depend_on_cannot_change(change, stored):
    live = live_rounds(selector(source_names=[0, 1, 2]), 2)
    if stored:
        live = pickle.loads(pickle.dumps(live))
        live_rounds(live, 1, start=2)
    (name,), rounds = change, len(live.history_)
    live.set_params(**change)
    with pytest.raises(ValueError, match=f"{name}.* changed after {rounds} rounds"):
        live.partial_fit(POOL.X[:10], POOL.y[:10], sources=0)
    assert len(live.history_) == rounds


def test_before_the_first_batch_everything_can_change():
    live = selector(source_names=[0, 1, 2])
    _ = live.next_source_
    live.set_params(source_names=["a", "b"], reward=LabelPurity(), random_state=3)
    assert live.next_source_ in ("a", "b")
    assert live_rounds(live, 2).sources_ == ["a", "b"]


def test_a_bad_parameter_in_a_running_run_is_named():
    live = live_rounds(selector(source_names=[0, 1, 2]), 1)
    live.set_params(n_rounds=0)
    with pytest.raises(ValueError, match="'n_rounds' parameter"):
        live.partial_fit(POOL.X[:10], POOL.y[:10])


# -- sources that do not deliver -----------------------------------------------------
def test_source_that_runs_dry_is_named_and_left():
    rows = np.r_[0:15, 200:600]  # source 0 holds 15 rows
    X, y, sources = POOL.X[rows], POOL.y[rows], POOL.sources[rows]
    run = selector(policy=KnownDensities((1.0, 0.5, 0.1)))
    with pytest.warns(SourceWarning, match="Source 0 has no rows left.*15"):
        with pytest.warns(SourceWarning, match="returned 5 rows, 10 were asked"):
            run.fit(X, y, sources=sources)
    history = run.history_
    assert history["source"].tolist() == [0, 0] + [1] * 10
    assert history["rows"].tolist() == [10, 5] + [10] * 10


def test_empty_batch_retires_its_source_and_keeps_the_rest():
    live = selector(source_names=[0, 1, 2])
    first = live.next_source_
    live.partial_fit(POOL.X[:10], POOL.y[:10])
    second = live.next_source_
    with pytest.warns(SourceWarning, match=f"{second} has no rows left"):
        live.partial_fit(POOL.X[:0], POOL.y[:0])
    assert live.next_source_ not in (first, second)
    assert len(live.history_) == 1
    assert len(live.collected_.X) == 10


def test_all_sources_dry_ends_the_run():
    with pytest.warns(SourceWarning):
        run = selector(n_rounds=100, batch_size=50).fit(
            POOL.X, POOL.y, sources=POOL.sources
        )
    assert run.next_source_ is None
    assert sorted(run.collected_indices_) == list(range(600))


BAD_BATCHES = {
    "columns": (lambda X, y: (X[:, :-1], y, None), "features"),
    "nan": (lambda X, y: (np.where(X == X[0, 0], np.nan, X), y, None), "NaN"),
    "lengths": (lambda X, y: (X, y[:-1], None), "inconsistent numbers of samples"),
    "stranger": (lambda X, y: (X, y, "z"), "not in source_names"),
    "mixed": (lambda X, y: (X, y, [0] * 5 + [1] * 5), "comes from one source"),
    "too few names": (lambda X, y: (X, y, [0]), "1 entries for 10 rows"),
    "no labels": (lambda X, y: (X, None, None), "all come with labels"),
    "continuous": (lambda X, y: (X, X[:, 0] + 0.1, None), "Unknown label type"),
}


@pytest.mark.parametrize("name", BAD_BATCHES)
@pytest.mark.parametrize("reference", [REFERENCE, "first"])
def test_malformed_batch_is_refused_without_a_trace(name, reference):
    spoil, message = BAD_BATCHES[name]
    params = {"source_names": [0, 1, 2], "reference": reference}
    live, undisturbed = selector(**params), selector(**params)
    for start in range(0, 80, 10):
        rows = slice(start, start + 10)
        X, y, sources = spoil(POOL.X[rows], POOL.y[rows])
        if start > 0:
            with pytest.raises(ValueError, match=message):
                live.partial_fit(X, y, sources=sources)
        for run in (live, undisturbed):
            run.partial_fit(POOL.X[rows], POOL.y[rows])
    pd.testing.assert_frame_equal(live.history_, undisturbed.history_)
    assert live.next_source_ == undisturbed.next_source_


class Failing:
    """A reward and a policy that fail in the third round."""

    def start(self, reference):
        return 0

    def score(self, batch, state):
        if state == 2:
            raise RuntimeError("third round")
        return np.ones(len(batch.regions)), state + 1

    def index(self, state, rng):
        if state.t == 3:
            raise RuntimeError("third round")
        return rng.random(state.means.shape)


@pytest.mark.parametrize("what", ["reward", "policy"])
def test_own_reward_or_policy_that_fails_leaves_no_trace(what):
    live = live_rounds(selector(source_names=[0, 1, 2], **{what: Failing()}), 2)
    history, following = live.history_.copy(), live.next_source_
    with pytest.raises(RuntimeError, match="third round"):
        live_rounds(live, 1, start=2)
    pd.testing.assert_frame_equal(live.history_, history)
    assert live.next_source_ == following
    assert len(live.collected_.X) == 20


def test_first_batch_that_is_refused_does_not_bind_the_next():
    live = selector(reference="first", source_names=["a"])
    with pytest.raises(ValueError, match="NaN"):
        live.partial_fit(np.full((10, 3), np.nan), np.arange(10) % 2)
    live.partial_fit(POOL.X[:10], POOL.y[:10])
    assert live.n_features_in_ == POOL.X.shape[1]


def test_batch_of_another_source_than_asked_is_taken():
    live = selector(source_names=["a", "b"])
    other = {"a": "b", "b": "a"}[live.next_source_]
    live.partial_fit(POOL.X[:10], POOL.y[:10], sources=other)
    assert live.history_["source"].tolist() == [other]
    assert live.next_source_ != other  # the one never asked


def test_sources_unknown_beforehand_join_as_they_come():
    live = selector(batch_size=None)
    for k, name in enumerate(["b", "a", "c", "a"]):
        live.partial_fit(POOL.X[k::4], POOL.y[k::4], sources=name)
    assert live.sources_ == ["b", "a", "c"]
    assert np.isnan(live.history_["index_c"][0])


@pytest.mark.parametrize("state", [None, 3, np.random.RandomState(3)])
def test_the_first_source_stays_the_same_however_often_it_is_asked(state):
    for _ in range(10):  # one of four sources could be hit by luck
        live = selector(source_names=list("abcd"), random_state=state)
        asked = {live.next_source_ for _ in range(3)}
        live.partial_fit(POOL.X[:10], POOL.y[:10])
        assert asked == set(live.history_["source"])


def test_runs_without_a_seed_differ():
    assert (
        len(
            {
                selector(source_names=range(50), random_state=None).next_source_
                for _ in range(8)
            }
        )
        > 1
    )


def test_student_that_can_never_be_trained_is_an_error_and_costs_no_rows():
    # LightGBM takes no such names
    X = pd.DataFrame(POOL.X, columns=[f"f[{i}]" for i in range(POOL.X.shape[1])])
    live = UCBSourceSelector(source_names=["a"], random_state=0)
    with pytest.raises(TypeError, match="column names") as raised:
        live.partial_fit(X[:40], POOL.y[:40])
    assert "do not send it again" in raised.value.__notes__[0]
    assert live.history_["rows"].tolist() == [40]


def test_student_that_fails_later_leaves_no_older_one_behind():
    class Fragile(LogisticRegression):
        fits = 0

        def fit(self, X, y, sample_weight=None):
            Fragile.fits += 1
            if Fragile.fits > 1:
                raise ValueError("out of luck")
            return super().fit(X, y)

    live = selector(source_names=[0], train_every=1, n_rounds=3)
    live.set_params(estimator=Fragile())
    live.partial_fit(POOL.X[:50], POOL.y[:50])
    assert hasattr(live, "estimator_")
    with pytest.warns(WeakLabelWarning, match="batch is kept. out of luck"):
        live.partial_fit(POOL.X[50:60], POOL.y[50:60])
    assert not hasattr(live, "estimator_")
    # nobody would look for a student after the last round without an error
    with pytest.raises(ValueError, match="out of luck") as raised:
        live.partial_fit(POOL.X[60:70], POOL.y[60:70])
    assert "The batch is kept" in raised.value.__notes__[0]
    assert live.history_["rows"].tolist() == [50, 10, 10]


def test_classes_of_another_kind_than_the_references_are_refused_without_a_trace():
    names = np.array(["no", "yes"])[REFERENCE[1]]
    live = selector(reference=(REFERENCE[0], names), source_names=[0])
    with pytest.raises(ValueError, match="Classes are strings and numbers"):
        live.partial_fit(POOL.X[:10], POOL.y[:10])
    assert len(live.history_) == 0
    with pytest.raises(ValueError, match="Classes are strings and numbers"):
        selector(reference=(REFERENCE[0], names)).fit(
            POOL.X, POOL.y, sources=POOL.sources
        )


def test_string_classes_in_an_object_array_are_strings():
    live = selector(reference="first", source_names=[0])
    y = np.array(["no", "yes"])[POOL.y]
    classes = pd.Series(["no", "yes"], dtype=object).unique()
    live.partial_fit(POOL.X[:50], y[:50], classes=classes)
    assert live.classes_.tolist() == ["no", "yes"]


def test_batches_in_another_form_are_refused_without_a_trace():
    X = pd.DataFrame(POOL.X)
    live = selector(reference="first", source_names=[0])
    live.set_params(detector__weak_columns=slice(0, 10))
    live.partial_fit(X[:50], POOL.y[:50])
    with pytest.raises(ValueError, match="is a ndarray, the first one was a DataFrame"):
        live.partial_fit(POOL.X[50:60], POOL.y[50:60])
    live.partial_fit(X[50:60], POOL.y[50:60])
    assert len(live.collected_.X) == 60


def test_polars_batches_of_other_precisions_are_stacked():
    pl = pytest.importorskip("polars")
    live = selector(reference="first", source_names=[0])
    live.partial_fit(pl.DataFrame(POOL.X[:50]), POOL.y[:50])
    live.partial_fit(pl.DataFrame(POOL.X[50:90].astype("float32")), POOL.y[50:90])
    assert live.collected_.X.shape == (90, 20)


@pytest.mark.parametrize("new", [0, 9])
def test_a_new_class_does_not_shift_the_labels_of_the_reference(new):
    seen = []

    class Spy(OverlapDensity):
        def start(self, reference):
            seen.append(np.mean(reference.rows.labels == reference.known.labels))
            return super().start(reference)

    reference = REFERENCE[0], REFERENCE[1] + 1
    live = selector(reference=reference, refit_rounds=(2,), reward=Spy())
    live.set_params(source_names=[0])
    y = np.where(np.arange(600) % 10 == 0, new, POOL.y + 1)
    for k in range(3):
        live.partial_fit(POOL.X[50 * k : 50 * k + 50], y[50 * k : 50 * k + 50])
    assert len(seen) == 2
    assert seen[0] == seen[1]


def test_looking_for_the_first_source_draws_from_the_global_generator_once():
    live = selector(source_names=range(5), random_state=None)
    _ = live.next_source_
    state = check_random_state(None).get_state()[2]
    _ = live.next_source_
    assert check_random_state(None).get_state()[2] == state


@pytest.mark.parametrize("scorer", [ConfidenceScorer(), CutStatisticScorer()])
def test_refits_do_not_change_the_scale_of_the_given_reference(scorer):
    # a weak model that memorises is certain of the rows it was fitted on: read again by
    # it, the reference would rank above every batch
    reference = make_overlap_classification(
        n_easy=150,
        n_hard=150,
        n_overlap=150,
        theta=POOL.theta,
        random_state=3,
        **PATTERN,
    )
    detector = OverlapDetector(
        RandomForestClassifier(20, random_state=0), weak_columns=WEAK, cv=3
    )
    means = []
    for refit_rounds in [(), (2,)]:
        run = selector(
            reference=(reference.X, reference.y),
            detector=detector,
            reward=MeanScore(scorer),
            refit_rounds=refit_rounds,
            source_names=[0],
            n_rounds=6,
        )
        rng = np.random.RandomState(0)
        for _ in range(6):
            rows = rng.choice(600, 50, replace=False)
            run.partial_fit(POOL.X[rows], POOL.y[rows])
        means.append(run.history_["reward"].mean())
    assert means[1] == pytest.approx(means[0], abs=0.05)


def test_batches_after_a_pool_leave_no_stale_row_numbers():
    run = fit_pool()
    assert len(run.collected_indices_) == len(run.collected_.X)
    run.partial_fit(POOL.X[:10], POOL.y[:10], sources=0)
    assert not hasattr(run, "collected_indices_")


# -- reading -------------------------------------------------------------------------
def test_a_round_reads_its_own_batch_only(monkeypatch):
    seen = []
    original = WeakLabeler.label

    def spy(self, X):
        seen.append(len(X))
        return original(self, X)

    monkeypatch.setattr(WeakLabeler, "label", spy)
    fit_pool()
    assert seen == [10] * 12


def test_readings_are_those_of_the_detector():
    run = fit_pool()
    region = run.detector_.predict(run.collected_.X)
    np.testing.assert_array_equal(run.collected_.overlap, region == 1)
    assert run.history_["overlap_ratio"].iloc[-1] == pytest.approx((region == 1).mean())


def test_the_table_is_made_once_per_round():
    live = live_rounds(selector(source_names=[0, 1, 2]), 2)
    first = live.history_
    assert live.history_ is first
    live_rounds(live, 1, start=2)
    assert live.history_ is not first
    assert len(first) == 2


def test_rows_collected_can_be_changed_without_harm():
    live = live_rounds(selector(source_names=[0, 1, 2]), 3)
    live.collected_.X[:] = 0
    np.testing.assert_array_equal(live.collected_.X, POOL.X[:30])


def test_the_detector_is_copied_only_to_be_fitted():
    copies = []

    class Counted(OverlapDetector):
        def __sklearn_clone__(self):
            copies.append(self)
            return Counted(**self.get_params(deep=False))

    detector = Counted(weak_columns=WEAK, cv=3)
    live_rounds(selector(detector=detector, source_names=[0, 1, 2]), 8)
    assert len(copies) == 1


def test_history_agrees_with_the_rows():
    run = fit_pool()
    history, rows = run.history_, run.collected_
    for k in range(3):
        last = history[history["source"] == k].iloc[-1]
        share = rows.overlap[rows.source == k].mean()
        assert last["density"] == pytest.approx(share)
        assert 0 <= last["density_low"] <= share <= last["density_high"] <= 1
    weak = run.estimator_.weak_labels_
    assert history["share_1"].iloc[-1] == pytest.approx((weak == 1).mean())


def test_first_rounds_are_the_reference_and_are_read_afterwards():
    live = selector(reference="first", n_reference_rounds=4, source_names=[0, 1, 2])
    for start in range(0, 30, 10):
        live.partial_fit(POOL.X[start::20], POOL.y[start::20])
        assert live.detector_ is None
        assert live.history_["reward"].isna().all()
    live.partial_fit(POOL.X[5::20], POOL.y[5::20])
    assert live.history_["reward"].notna().all()
    assert len(live.detector_.labels_) == len(live.collected_.X)


def test_labeled_reference_is_no_part_of_the_pool():
    y = POOL.y.copy()
    y[::2] = -1
    run = selector(reference="labeled", missing_label=-1)
    run.fit(POOL.X, y, sources=POOL.sources)
    assert (run.collected_indices_ % 2 == 0).all()
    assert (run.reference_indices_ % 2 == 1).all()
    assert len(run.detector_.labels_) == 300
    with pytest.raises(ValueError, match="some of either"):
        fit_pool(reference="labeled")


def test_refit_reads_everything_again():
    once, again = (
        fit_pool(policy=RandomChoice()),
        fit_pool(policy=RandomChoice(), refit_rounds=(6, 12)),
    )
    assert len(again.detector_.labels_) == 120
    assert isinstance(again.detector_.weak_estimator_, FrozenEstimator)
    np.testing.assert_array_equal(again.collected_indices_, once.collected_indices_)
    region = again.detector_.labels_
    assert again.history_["overlap_ratio"].iloc[-1] == pytest.approx(
        (region == 1).mean()
    )


def test_true_labels_do_not_reach_the_student_or_the_default_reward():
    flipped = selector().fit(POOL.X, 1 - POOL.y, sources=POOL.sources)
    plain = fit_pool()
    pd.testing.assert_frame_equal(flipped.history_, plain.history_)
    np.testing.assert_array_equal(flipped.predict(POOL.X), plain.predict(POOL.X))
    without = selector().fit(POOL.X, sources=POOL.sources)
    pd.testing.assert_frame_equal(without.history_, plain.history_)


# -- rewards -------------------------------------------------------------------------
@pytest.mark.parametrize(
    "reward",
    [
        LabelPurity(),
        MeanScore(ConfidenceScorer()),
        MeanScore(CutStatisticScorer()),
        StudentGain(),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_other_rewards_run_and_are_not_constant(reward):
    history = fit_pool(reward=reward).history_
    assert history["reward"].between(0, 1).all()
    assert history["reward"].nunique() > 1


@dataclass(frozen=True)
class FreshThresholds:
    """Overlap by thresholds that are fitted anew in every batch."""

    def start(self, reference):
        return None

    def score(self, batch, state):
        strong, confidence = batch.rows.strong, batch.rows.confidence()
        hard = confidence < change_point(confidence).threshold
        scores = reference_similarity(strong, strong[hard])
        fresh = scores > change_point(scores[~hard]).midpoint
        return (fresh & ~hard).astype(float), None


def test_fixed_thresholds_tell_sources_apart_and_new_ones_do_not():
    estimate = {}
    for reward in (OverlapDensity(), FreshThresholds()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OverlapkitWarning)
            run = fit_pool(reward=reward, policy=RandomChoice(), n_rounds=40)
        means = run.history_.groupby("source")["density"].last()
        estimate[reward] = means.loc[2] - means.loc[0]
    assert estimate[OverlapDensity()] > 0.5 * (DENSITIES[2] - DENSITIES[0])
    assert estimate[FreshThresholds()] < 0.25


def test_label_purity_finds_the_source_whose_weak_labels_are_right():
    pool = make_overlap_sources(
        [0.5] * 3, qualities=[0.6, 1.0, 0.6], n_rows=400, random_state=0, **PATTERN
    )
    reference = make_overlap_classification(theta=pool.theta, random_state=1, **PATTERN)
    run = selector(
        reward=LabelPurity(),
        reference=(reference.X, reference.y),
        n_rounds=20,
        batch_size=20,
        policy=UCB(exploration=0.3),
    ).fit(pool.X, pool.y, sources=pool.sources)
    assert run.history_["source"].value_counts().idxmax() == 1


def test_student_gain_sees_through_a_dense_source_of_one_class():
    # source 2 has the most overlap, but lost one of its classes
    keep = (POOL.sources < 2) | (POOL.y == 0)
    best = {}
    for reward in (OverlapDensity(), StudentGain()):
        run = selector(reward=reward, policy=UCB(exploration=0.3), n_rounds=9)
        run.fit(POOL.X[keep], POOL.y[keep], sources=POOL.sources[keep])
        best[reward] = run.history_.groupby("source")["density"].last().idxmax()
    assert best[OverlapDensity()] == 2
    assert best[StudentGain()] != 2


def test_batch_without_information_is_named():
    y = np.full(600, -1)
    with pytest.warns(SourceWarning, match="LabelPurity"):
        selector(reward=LabelPurity(), missing_label=-1, n_rounds=3).fit(
            POOL.X, y, sources=POOL.sources
        )


class OutOfRange:
    def start(self, reference):
        return None

    def score(self, batch, memory):
        return np.full(len(batch.regions), 2.0), None


def test_reward_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"number in \[0, 1\]"):
        fit_pool(reward=OutOfRange())


# -- the student ---------------------------------------------------------------------
def test_train_on_overlap_uses_the_detected_rows():
    run = fit_pool(train_on="overlap")
    np.testing.assert_array_equal(run.estimator_.selected_, run.collected_.overlap)
    assert fit_pool().estimator_.selected_.all()


def test_student_of_overlap_rows_can_be_fitted_again():
    student = fit_pool(train_on="overlap").estimator_
    assert student.selector_ is None
    assert student.get_params()["selector"] is None
    again = clone(student).fit(POOL.X[:100], POOL.y[:100])
    assert again.selected_.all()


def test_rows_of_the_student_are_chosen_once():
    student = WeakToStrongClassifier(selector=ConfidenceScorer(), budget=0.5)
    with pytest.raises(ValueError, match="train_on='overlap' chooses"):
        fit_pool(estimator=student, train_on="overlap")
    run = fit_pool(estimator=student)
    assert run.estimator_.selected_.mean() == pytest.approx(0.5)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda student: make_pipeline(StandardScaler(), student),
        lambda student: GridSearchCV(student, {"budget": [0.5, None]}),
        lambda student: make_pipeline(make_pipeline(StandardScaler(), student)),
    ],
    ids=["pipeline", "search", "nested"],
)
def test_a_wrapped_weak_to_strong_classifier_is_refused_by_name(wrap):
    estimator = wrap(WeakToStrongClassifier(selector=ConfidenceScorer(), budget=0.5))
    for use in ("fit", "partial_fit"):
        run = selector(estimator=estimator)
        with pytest.raises(ValueError, match="around a WeakToStrongClassifier"):
            getattr(run, use)(POOL.X, POOL.y, sources=np.zeros(600))


def test_own_weak_to_strong_classifier_keeps_its_settings():
    student = WeakToStrongClassifier(LogisticRegression(C=0.1), label_use="soft")
    run = clone(selector()).set_params(estimator=student)
    run.fit(POOL.X, POOL.y, sources=POOL.sources)
    assert run.estimator_.label_use == "soft"
    assert run.estimator_.weak_columns == WEAK
    assert student.weak_columns is None


def test_student_is_trained_every_so_many_rounds():
    live = selector(train_every=2, source_names=[0, 1, 2])
    live.partial_fit(POOL.X[:10], POOL.y[:10])
    with pytest.raises(NotFittedError):
        live.predict(POOL.X)
    live.partial_fit(POOL.X[10:20], POOL.y[10:20])
    assert live.predict(POOL.X).shape == (600,)


def test_student_that_cannot_be_trained_yet_costs_no_rows():
    one_class = POOL.X[POOL.y == 1][:10]
    live = selector(reference="first", train_every=1, source_names=[0, 1])
    with pytest.warns(WeakLabelWarning, match="batch is kept"):
        live.partial_fit(one_class, np.ones(10, dtype=int))
    live.partial_fit(POOL.X[:50], POOL.y[:50])
    assert len(live.collected_.X) == 60
    assert live.classes_.tolist() == [0, 1]


def test_class_that_was_not_collected_has_a_column():
    live = selector(reference="first", n_rounds=2, source_names=[0])
    for start in (0, 50):
        rows = slice(start, start + 50)
        live.partial_fit(POOL.X[rows], POOL.y[rows], classes=[0, 1, 2])
    proba = live.predict_proba(POOL.X)
    assert proba.shape == (600, 3)
    assert (proba[:, 2] == 0).all()


def test_string_labels_and_sources_and_frames():
    X = pd.DataFrame(POOL.X, columns=[f"x{i}" for i in range(20)])
    y = np.array(["no", "yes"])[POOL.y]
    names = np.array(["shop", "news", "web"])[POOL.sources]
    columns = [f"x{i}" for i in range(10)]
    run = selector(
        reference="first", detector=OverlapDetector(weak_columns=columns, cv=3)
    ).fit(X, y, sources=pd.Series(names))
    assert run.sources_ == ["news", "shop", "web"]
    assert set(run.predict(X)) == {"no", "yes"}
    assert {"index_shop", "share_yes"} <= set(run.history_.columns)
    assert isinstance(run.collected_.X, pd.DataFrame)


def test_polars_frames():
    pl = pytest.importorskip("polars")
    columns = [f"x{i}" for i in range(20)]
    detector = OverlapDetector(weak_columns=columns[:10], cv=3)
    X = pl.DataFrame(POOL.X, schema=columns)
    run = selector(reference="first", detector=detector)
    run.fit(X, POOL.y, sources=pl.Series(POOL.sources))
    same = selector(reference="first", detector=detector).fit(
        pd.DataFrame(POOL.X, columns=columns), POOL.y, sources=POOL.sources
    )
    pd.testing.assert_frame_equal(run.history_, same.history_)
    assert isinstance(run.collected_.X, pl.DataFrame)


@pytest.mark.parametrize("where", ["selector", "detector", "estimator"])
def test_missing_label_may_be_said_in_any_place(where):
    y = np.where(np.arange(600) % 2, POOL.y, -1)
    run = selector(reference="first")
    if where == "selector":
        run.set_params(missing_label=-1)
    elif where == "detector":
        run.set_params(detector__missing_label=-1)
    else:
        student = WeakToStrongClassifier(LogisticRegression(), missing_label=-1)
        run.set_params(estimator=student)
    run.fit(POOL.X, y, sources=POOL.sources)
    assert run.classes_.tolist() == [0, 1]
    assert run.estimator_.classes_.tolist() == [0, 1]


def test_markers_that_contradict_each_other_are_refused():
    run = selector(missing_label=-1).set_params(detector__missing_label=-2)
    with pytest.raises(ValueError, match="missing_label differs"):
        run.fit(POOL.X, POOL.y, sources=POOL.sources)


def test_a_marker_that_never_occurs_is_named_once_and_not_for_the_reference():
    def heard(**params):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit_pool(missing_label=-1, **params)
        return [w for w in caught if w.category is MissingLabelWarning]

    assert len(heard(reference="first")) == 1
    assert heard(reference=REFERENCE) == []
    assert heard(reference=REFERENCE, train_on="overlap", refit_rounds=(3,)) == []


@pytest.mark.parametrize("marker", [np.nan, "", -1])
def test_unlabelled_batches_among_batches_of_strings(marker):
    y = np.array(["no", "yes"])[POOL.y]
    live = selector(reference="first", missing_label=marker, source_names=[0])
    for k in range(6):
        rows = slice(40 * k, 40 * k + 40)
        live.partial_fit(POOL.X[rows], None if k % 3 == 2 else y[rows])
    assert live.classes_.tolist() == ["no", "yes"]


# -- scikit-learn --------------------------------------------------------------------
def test_sources_are_routed_through_a_search():
    with config_context(enable_metadata_routing=True):
        run = selector(n_rounds=6).set_fit_request(sources=True)
        search = GridSearchCV(run, {"policy": [UCB(), UCB(exploration=0)]}, cv=2)
        search.fit(POOL.X, POOL.y, sources=POOL.sources)
    assert len(search.best_estimator_.sources_) == 3


def test_inputs_and_reference_are_not_changed():
    X, y, sources = POOL.X.copy(), POOL.y.copy(), POOL.sources.copy()
    fit_pool(refit_rounds=(5,))
    np.testing.assert_array_equal(POOL.X, X)
    np.testing.assert_array_equal(POOL.y, y)
    np.testing.assert_array_equal(POOL.sources, sources)


def test_representation_applies_to_every_batch():
    detector = OverlapDetector(weak_columns=WEAK, cv=3, representation=StandardScaler())
    assert fit_pool(detector=detector).history_["reward"].nunique() > 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"min_source_share": 0.5}, "min_source_share=0.5 for 3 sources"),
        ({"prices": [1, 2]}, "prices has shape"),
        ({"prices": [1, 2, 0]}, "prices must be positive"),
        ({"prices": [[1], [2], [3]]}, "prices has shape"),
        ({"n_jobs": 0}, "'n_jobs' parameter"),
        ({"reward": OverlapDensity}, "is a class: give an object"),
        ({"source_names": [0, 1, 2, "b"]}, "strings and numbers: 'b' and"),
        ({"source_names": ["a", "b"]}, "which source_names"),
        ({"source_names": [0, 1, 2, 2]}, "names a source twice"),
        ({"reference": (POOL.X,)}, r"expected \(X, y\)"),
        ({"reference": "last"}, "reference"),
        ({"n_rounds": 0}, "n_rounds"),
        ({"source_names": [0, 1, 2, "2"]}, "names a source twice"),
        ({"source_names": [0, 1, 2, None]}, "holds None or NaN"),
        ({"detector": LogisticRegression()}, "'detector' parameter"),
        ({"min_class_share": 0.5, "detector": THREE}, "0.5 for 3 classes.*most 0.3333"),
    ],
)
def test_bad_parameters_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        fit_pool(**params)


def test_sources_without_a_name_are_refused():
    for sources in (np.where(POOL.sources, POOL.sources, np.nan), [None] * 600):
        with pytest.raises(ValueError, match="holds None or NaN"):
            selector().fit(POOL.X, POOL.y, sources=sources)
    with pytest.raises(ValueError, match="holds None or NaN"):
        selector().partial_fit(POOL.X[:10], POOL.y[:10], sources=np.nan)
    live = selector(batch_size=None)
    live.partial_fit(POOL.X[:10], POOL.y[:10], sources=1)
    with pytest.raises(ValueError, match="names a source twice"):
        live.partial_fit(POOL.X[:10], POOL.y[:10], sources="1")


NO_POLICY = r"is no policy: expected an object|is a class: give an object"


@pytest.mark.parametrize("policy", ["thompson", UCB, ["ucb"], 3, ("a", "b")], ids=str)
def test_a_policy_of_another_type_is_named(policy):
    with pytest.raises(TypeError, match=NO_POLICY):
        fit_pool(policy=policy)
    with pytest.raises(TypeError, match=NO_POLICY):
        selector(policy=policy).partial_fit(POOL.X, POOL.y)


def test_sources_of_nullable_types_are_sources():
    kinds = {
        "Int64": pd.Series(POOL.sources, dtype="Int64"),
        "string": pd.Series(POOL.sources.astype(str), dtype="string"),
        "category": pd.Series(POOL.sources).astype("category"),
        "list": POOL.sources.tolist(),
    }
    expected = fit_pool().history_
    for kind, sources in kinds.items():
        run = selector().fit(POOL.X, POOL.y, sources=sources)
        names = ["0", "1", "2"] if kind == "string" else [0, 1, 2]
        assert run.sources_ == names, kind
        np.testing.assert_array_equal(run.history_["reward"], expected["reward"])


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (pd.Series([1, None] * 300, dtype="Int64"), "holds None or NaN"),
        (pd.Series(["a", pd.NA] * 300, dtype="string"), "holds None or NaN"),
        ([1, "b"] * 300, "strings and numbers: 'b' and 1"),
        (pd.Series([1, "b"] * 300), "strings and numbers: 'b' and 1"),
        ([1, 2] * 200, "inconsistent numbers of samples"),
    ],
    ids=["Int64", "string", "list", "series", "lengths"],
)
def test_sources_that_cannot_be_names_are_refused(sources, message):
    with pytest.raises(ValueError, match=message):
        selector().fit(POOL.X, POOL.y, sources=sources)


def test_live_rows_without_the_labels_the_weak_model_needs_are_refused_at_once():
    live = selector(reference="first", source_names=[0])
    with pytest.raises(ValueError, match="requires y to be passed"):
        live.partial_fit(POOL.X[:10])
    live.partial_fit(POOL.X[:10], POOL.y[:10])
    assert len(live.history_) == 1
    unlabelled = selector(reference="first", source_names=[0], missing_label=-1)
    assert len(unlabelled.partial_fit(POOL.X[:10]).history_) == 1


class Returns:
    def __init__(self, value):
        self.value = value

    def start(self, reference):
        return None

    def score(self, batch, state):
        return self.value(len(batch.regions))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda n: np.zeros(n), "must return a tuple"),
        (lambda n: (np.zeros(n), None, 3), "must return a tuple"),
        (lambda n: (np.full(n, 0.5j), None), "must give real numbers"),
        (lambda n: (["high"] * n, None), "must give real numbers"),
        (lambda n: (np.full(n, np.inf), None), "values out of range"),
        (lambda n: (np.zeros((n, 1)), None), "got shape"),
    ],
)
def test_rewards_that_are_no_numbers_are_refused(value, message):
    with pytest.raises(ValueError, match=message):
        fit_pool(reward=Returns(value))


def test_bad_use_is_named():
    with pytest.raises(ValueError, match="requires y to be passed"):
        selector(reference="first").fit(POOL.X, sources=POOL.sources)
    with pytest.raises(ValueError, match="In live mode give the labelled rows"):
        selector(reference="labeled").partial_fit(POOL.X, POOL.y)
    with pytest.raises(AttributeError, match="needs source_names"):
        _ = selector().next_source_
    done = fit_pool()
    with pytest.raises(ValueError, match="No source was asked"):
        done.partial_fit(POOL.X[:10], POOL.y[:10])
    done.partial_fit(POOL.X[:10], POOL.y[:10], sources=1)
    assert len(done.history_) == 13


def test_the_html_picture_of_a_run_has_a_line_for_each_source():
    run = selector(source_names=["<forum>", "mail"], n_rounds=3, batch_size=None)
    assert "density_low" not in run._repr_html_()
    run.partial_fit(POOL.X[:10], POOL.y[:10], sources="mail")
    for html in (run._repr_html_(), run._repr_mimebundle_()["text/html"]):
        assert "density_low" in html
        assert "&lt;forum&gt;" in html
    with config_context(display="text"):
        assert not hasattr(run, "_repr_html_")
        assert list(run._repr_mimebundle_()) == ["text/plain"]
