"""The benchmark of the label value: tables and figures of one set."""

import numpy as np
import pandas as pd
import pytest

import benchmarks.label_value as command


@pytest.fixture
def folder(tmp_path):
    """A data set of the form that is read."""
    rng = np.random.RandomState(0)
    y = np.append(rng.randint(0, 2, size=400), -1)
    X = rng.normal(size=(401, 5)) + y[:, None]
    votes = np.where(rng.uniform(size=(401, 4)) < 0.8, y[:, None], -1)
    votes[-1] = 0
    (tmp_path / "tiny").mkdir()
    np.savez(
        tmp_path / "tiny" / "tiny.npz",
        X_strong=X.astype(np.float16),
        L=votes.astype(np.int8),
        y=y.astype(np.int8),
    )
    return tmp_path


def test_writes_tables_and_a_figure_for_each_set(folder, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    options = ["--data", str(folder), "--sets", "tiny", "--quick", "--n-jobs", "1"]
    out = tmp_path / "results"
    assert command.main([*options, "--out", str(out)]) == 0
    assert "Your weak labels are worth " in capsys.readouterr().out
    curve = pd.read_csv(out / "curve.csv")
    # 400 rows with a label, a quarter of which is held out
    assert curve["n_labels"].unique().tolist() == [25, 50, 100, 250]
    assert curve["repeat"].nunique() == 2
    assert pd.read_csv(out / "worth.csv")["data"].tolist() == ["tiny"]
    assert len(pd.read_csv(out / "needed.csv")) == 4
    assert (out / "tiny.png").stat().st_size > 10_000


def test_needs_data_and_says_so(monkeypatch, capsys):
    monkeypatch.delenv("OVERLAPKIT_DATA", raising=False)
    with pytest.raises(SystemExit):
        command.main(["--sets", "youtube"])
    assert "give --data DIR" in capsys.readouterr().err
