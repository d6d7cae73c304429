"""The language-model protocol: probes, gaps, curves, and the list of data sets."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.__main__ import main
from benchmarks.embeddings.cell import DIGITS, Probe, read, sets_in
from benchmarks.embeddings.registry import LANGUAGE_MODEL, WRENCH, as_table, held


def problem(n=120, seed=0):
    rng = np.random.RandomState(seed)
    y = rng.randint(2, size=n)
    return rng.normal(size=(n, 3)) + y[:, None], y


def test_the_probe_minimises_mean_loss_plus_penalty():
    X, y = problem()
    model = Probe(penalty=0.01).fit(X, y).model_
    error = model.predict_proba(X)[:, 1] - y
    # the gradient of mean loss + penalty * squared norm vanishes
    gradient = X.T @ error / len(y) + 2 * 0.01 * model.coef_[0]
    np.testing.assert_allclose(gradient, 0, atol=1e-4)
    assert abs(error.mean()) < 1e-4  # the intercept has no penalty


@given(copies=st.integers(2, 4), seed=st.integers(0, 3))
def test_copies_of_all_rows_change_nothing(copies, seed):
    # the mean loss is the same, so is the minimum: C must follow the rows' number
    X, y = problem(60, seed)
    one = Probe().fit(X, y).predict_proba(X)
    more = Probe().fit(np.tile(X, (copies, 1)), np.tile(y, copies))
    np.testing.assert_allclose(more.predict_proba(X), one, atol=2e-3)


def test_soft_labels_weigh_as_much_as_hard_ones():
    X, y = problem()
    certain = Probe().fit(X, y).predict_proba(X)
    both = np.vstack([X, X]), np.repeat([0, 1], len(y))
    weights = np.concatenate([1 - y, y]).astype(float)
    soft = Probe().fit(*both, sample_weight=weights).predict_proba(X)
    np.testing.assert_allclose(soft, certain, atol=2e-3)


def test_the_list_has_the_sets_of_the_field(tmp_path):
    assert len({entry.name for entry in LANGUAGE_MODEL}) == 19
    assert len({entry.name for entry in WRENCH}) == 14
    assert {"dream", "sst2", "amazon_polarity"} <= {e.name for e in LANGUAGE_MODEL}
    (tmp_path / "youtube").mkdir()
    (tmp_path / "youtube" / "train.json").write_text("{}")
    (tmp_path / "tweet_sentiment").mkdir()
    (tmp_path / "tweet_sentiment" / "tweet_sentiment.npz").write_bytes(b"")
    assert held("youtube", tmp_path) == "json"
    assert held("sms", tmp_path) == ""
    assert held("twitter-sentiment", tmp_path) == "stand-in tweet_sentiment"
    table = as_table(tmp_path).set_index("name")
    assert len(table) == 33
    assert (table["here"] != "").sum() == 2
    assert table.loc["youtube", "rows (train / valid / test)"] == "1586 / 120 / 250"
    assert (as_table(None)["here"] == "").all()


def test_digits_need_no_file():
    assert sets_in(None) == [DIGITS]
    data = read(DIGITS, None)
    assert data.strong.shape == (1797, 64)
    assert data.weak.shape == (1797, 4)
    assert not set(data.train) & set(data.test)
    # the coarse view is that of the fine one: its first number is the first quarter
    pixels = data.strong.reshape(-1, 8, 8)
    quarter = pixels[:, :4, :4].mean(axis=(1, 2))
    assert np.corrcoef(quarter, data.weak[:, 0])[0, 1] > 0.5


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A set with a gap and one without; neither has votes."""
    pytest.importorskip("matplotlib")
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("results")
    rng = np.random.RandomState(0)
    n = 1000
    y = rng.randint(2, size=n)
    easy = rng.normal(size=(n, 3)) + 0.8 * (y[:, None] - 0.5)
    hard = rng.normal(size=(n, 3)) + 3.0 * (y[:, None] - 0.5)
    for name, strong in (("gap", np.hstack([easy, hard])), ("level", easy)):
        (data / name).mkdir()
        np.savez(
            data / name / f"{name}.npz",
            X_strong=strong.astype(np.float16),
            X_weak=easy.astype(np.float16),
            y=y.astype(np.int8),
            train_idx=np.arange(600),
            test_idx=np.arange(600, n),
        )
    (data / "votes").mkdir()
    np.savez(data / "votes" / "votes.npz", L=np.zeros((3, 2), np.int8), y=np.zeros(3))
    options = ["embeddings", "--data", str(data), "--seeds", "3", "--n-jobs", "1"]
    options += ["--datasets", "gap", "level", "votes", "--out", str(out)]
    assert main(options) == 0
    return out, options


def test_sets_without_a_gap_are_named(finished):
    table = pd.read_csv(finished[0] / "gaps.csv").set_index("data")
    assert table.loc["gap", "verdict"] == "a gap"
    assert table.loc["gap", "gap"] > 10
    assert table.loc["level", "verdict"] == "NO GAP"
    assert table.loc["level", "PGR, all rows"] == "-"
    page = (finished[0] / "report.html").read_text()
    assert "No gap to close: level." in page
    assert "votes: it has no " in page


def test_students_learn_from_soft_labels_beside_their_controls(finished):
    runs = pd.read_csv(finished[0] / "runs.csv")
    wide = runs.pivot(index=["data", "seed"], columns="model", values="n_train")
    for name in ("random", "random non-hard", "most confident"):
        np.testing.assert_allclose(wide[f"overlap, {name}"], wide["overlap"], atol=1)
    # half of the training rows
    assert (wide["ceiling"] == 300).all()


def test_the_curve_has_its_controls(finished):
    curves = pd.read_csv(finished[0] / "curves.csv")
    assert {"overlap", "random non-hard", "overlap vs easy"} <= set(curves["pool"])
    assert set(curves["share"]) == {0, 0.25, 0.5, 0.75, 1}
    sizes = curves.groupby(["data", "detector", "seed"])["n_train"].nunique()
    assert (sizes == 1).all()


def test_a_second_call_computes_nothing_of_what_is_there(finished, capsys):
    assert main(finished[1]) == 0
    assert "6 of 9 cells found" in capsys.readouterr().out


def test_the_list_is_printed(capsys):
    assert main(["embeddings", "--list"]) == 0
    text = capsys.readouterr().out
    assert "hellaswag" in text
    assert "basketball" in text
