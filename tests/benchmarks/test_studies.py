"""The studies run from their command lines and write what they promise."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.data import dip_table
from benchmarks.studies import (
    ablation,
    class_thresholds,
    conflicting_patterns,
    evidence,
    expansion,
    hard_set,
    noisy_votes,
    robustness,
    shared_features,
    worlds,
)
from overlapkit import OverlapDetector
from overlapkit.diagnostics import NULL_TAILS, dip_test
from overlapkit.weak import WeakLabeler


@pytest.fixture(autouse=True)
def no_figures_to_close(monkeypatch):
    pytest.importorskip("matplotlib")


def _run(study, tmp_path, *more):
    options = ["--seeds", "1", "--n-jobs", "1", "--out", str(tmp_path), *more]
    assert study.main(options) == 0
    return lambda name: pd.read_csv(tmp_path / f"{name}.csv")


def test_robustness(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(robustness, "CONDITIONS", {"label noise": (0.0,)})
    runs = _run(robustness, tmp_path)("robustness")
    assert len(runs) == len(robustness.DETECTORS)
    assert (tmp_path / "robustness.png").exists()
    assert "mean auc" in capsys.readouterr().out
    clean = runs[runs["level"] == 0].set_index("detector")
    assert clean.loc["default", "auc"] > 0.98
    assert clean.loc["purify", "hard precision"] > 0.97


def test_spoiling_leaves_the_original_alone_and_keeps_absent_patterns_absent():
    train, _ = worlds.world(0, n_easy=50, n_hard=50, n_overlap=50)
    before = train.X.copy()
    for condition, levels in robustness.CONDITIONS.items():
        X, _ = robustness.spoil(train, condition, levels[-1], np.random.RandomState(0))
        np.testing.assert_array_equal(train.X, before)
        if condition.startswith("heavy"):
            np.testing.assert_array_equal(X == 0, before == 0)


def test_shared_features(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shared_features, "STEPS", (0.0, 1.0, 2.0))
    runs = _run(shared_features, tmp_path)("shared_features").set_index("step")
    # from nothing to everything in common
    assert runs["alignment"].is_monotonic_increasing
    assert runs.loc[0.0, "alignment"] < 0.1
    assert runs.loc[2.0, "alignment"] > 0.999
    assert (tmp_path / "shared_features.png").exists()


def test_views_of_the_walk():
    strong, weak = shared_features.views(0.0)
    assert set(strong).isdisjoint(weak)
    assert len(shared_features.views(1.0)[0]) == 40
    strong, weak = shared_features.views(2.0)
    assert set(strong) == set(weak)


def test_ablation(tmp_path, monkeypatch, capsys):
    small = {**ablation.FACTORS, "rows": (50,), "density": (0.0, 1.0)}
    monkeypatch.setattr(ablation, "FACTORS", small)
    monkeypatch.setattr(ablation, "OVERLAP_SHARES", (0.1,))
    read = _run(ablation, tmp_path)
    factorial = read("ablation_factorial")
    assert len(factorial) == 2 * 3 * 3
    # easy rows hold nothing about the hard pattern, whatever their labels
    easy_only = factorial.query("density == 0 and `hard share` == 0")
    assert np.abs(easy_only["hard"].mean() - 0.5) < 0.06
    assert set(read("ablation_purity")["against"]) == {
        "all others",
        "easy",
        "random non-hard",
    }
    assert "all" in set(read("ablation_budget")["budget"])


def test_shares_of_variance_sum_to_one():
    rng = np.random.RandomState(0)
    runs = pd.DataFrame(
        [dict(zip(ablation.FACTORS, levels)) for levels in np.ndindex(2, 2, 2, 2)] * 3
    )
    runs["seed"] = np.repeat(range(3), 16)
    for measure in ("accuracy", "easy", "overlap", "hard"):
        runs[measure] = runs["purity"] + 0.1 * rng.normal(size=len(runs))
    table = ablation.explained(runs)
    np.testing.assert_allclose(table.sum(), 1.0)
    assert table.loc["purity"].min() > 0.9


def test_evidence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evidence, "SETTINGS", ((10, 1),))
    monkeypatch.setattr(evidence, "MODELS", {})
    read = _run(evidence, tmp_path, "--quick")
    rates = read("evidence_test").set_index("sample")["mean"]
    assert rates["normal"] <= 0.05
    assert rates["paper, d = 10, easy x 1: confidence"] == 1.0
    sources = read("evidence_sources").query("detector == 'default'")
    assert (sources["rank correlation"] == 1.0).all()


def test_p_values_of_the_dip_are_those_of_the_simulation():
    rng = np.random.default_rng(0)
    tests = [dip_test(rng.random(100)) for _ in range(300)]
    again = dip_table.simulate(100, 4000, seed=1)
    # tails from the largest to the smallest, their quantiles from low to high
    expected = np.interp(
        [np.sqrt(100) * test.statistic for test in tests], again, NULL_TAILS
    )
    np.testing.assert_allclose([t.pvalue for t in tests], expected, atol=0.03)


def test_expansion_reports_bound_and_error_on_generated_and_real_rows(capsys):
    assert expansion.main(["--family", "2"]) == 0
    printed = capsys.readouterr().out
    for name in ("generator", "spambase", "mushroom"):
        assert name in printed
    assert printed.count("actual_error") == 3


def test_hard_set_on_the_generator():
    runs = pd.DataFrame(hard_set.generated("d = 10", 0)).set_index("rule")
    assert runs.loc["default", "precision"] < 0.8
    assert runs.loc[hard_set.GUARD, ["precision", "recall"]].min() > 0.95
    assert (runs.loc["default", "AUC, not hard"]) > runs.loc["default", "AUC, all"]


@pytest.mark.parametrize("view", ["standardised", "raw", "hidden"])
def test_hard_set_on_a_shipped_table(view):
    runs = hard_set.real("mushroom", 0, "logistic", "label-model", view, True, 1500)
    runs = pd.DataFrame(runs).set_index("rule")
    assert set(runs.index) == {"default", hard_set.GUARD}
    assert not runs.loc["default", "acts"]
    assert runs.loc["default", "not hard"] > 0.8
    # nothing was taken out
    assert np.isnan(runs.loc["default", "right, taken out"])


def test_spoiled_votes_are_as_many_as_asked_and_abstentions_stay():
    votes = np.array([[0, 1, -1], [2, -1, 0]] * 50)
    new = noisy_votes.spoiled(votes, 0.3, 3, np.random.RandomState(0))
    np.testing.assert_array_equal(new == -1, votes == -1)
    assert (new != votes).sum() == 60
    assert new.max() <= 2


def test_conflicting_patterns(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(conflicting_patterns, "SHARES", (0.0, 1.0))
    monkeypatch.setattr(conflicting_patterns, "TEACHERS", ("elsewhere",))
    runs = _run(conflicting_patterns, tmp_path, "--seeds", "2")("conflicting_patterns")
    assert (tmp_path / "conflicting_patterns.png").exists()
    mean = runs.groupby("share").mean(numeric_only=True)
    # weak labels that are wrong teach the hard pattern the wrong way round
    assert mean.loc[0.0, "student, hard"] > 0.7
    assert mean.loc[1.0, "student, hard"] < 0.3
    assert mean.loc[1.0, "labels"] > 0.5 > abs(mean.loc[0.0, "labels"])
    # without labels nothing tells: the ranking is as good as ever
    assert mean["auc"].min() > 0.99
    assert "labels" in capsys.readouterr().out


def test_the_guard_of_hard_rows_is_tried_alone():
    runs = pd.DataFrame(hard_set.generated("d = 10", 0, guard_only=True))
    assert list(runs["rule"]) == ["default", hard_set.GUARD]


def test_common_thresholds_are_those_of_the_detector():
    train, _ = worlds.world(0, n_easy=100, n_hard=100, n_overlap=100, n_classes=3)
    views = {"weak_columns": train.easy_columns, "random_state": 0}
    rows, _ = WeakLabeler(**views).fit_label(train.X, train.y)
    detector = OverlapDetector(**views).fit(train.X, train.y)
    hard, overlap, _ = class_thresholds.regions(rows, train.X, "common")
    np.testing.assert_array_equal(hard, detector.labels_ == worlds.HARD)
    np.testing.assert_array_equal(overlap, detector.support_)


def test_a_class_has_its_own_threshold_if_it_has_enough_rows():
    values = np.r_[np.repeat([0.0, 0.2], 20), np.repeat([0.8, 1.0], 20), 0.1, 0.9]
    codes = np.r_[np.repeat([0, 1], 40), 2, 2]
    inside = np.ones(len(values), dtype=bool)
    common = class_thresholds.thresholds(values, codes, inside, False, "midpoint")
    assert len(np.unique(common)) == 1
    own = class_thresholds.thresholds(values, codes, inside, True, "midpoint")
    np.testing.assert_allclose(own[[0, 40]], [0.1, 0.9])
    assert own[-1] == common[-1]


def test_class_thresholds(tmp_path, monkeypatch, capsys):
    small = {"generator, 3 classes": {"n_classes": 3}}
    monkeypatch.setattr(class_thresholds, "WORLDS", small)
    monkeypatch.setattr(class_thresholds, "SIZE", 100)
    monkeypatch.setattr(class_thresholds, "available", lambda folder: [])
    runs = _run(class_thresholds, tmp_path)("class_thresholds_label-model")
    assert set(runs["rule"]) == set(class_thresholds.RULES)
    assert (runs["accuracy"] > 1 / 3).all()
    counted = runs.groupby("rule")["share"].agg(list)
    # as many random rows as overlap rows, up to quotas
    np.testing.assert_allclose([c[1] for c in counted], [c[2] for c in counted])
    assert "won and lost by two s.e." in capsys.readouterr().out
