import numpy as np
import pandas as pd
import pytest

from overlapkit._cli import main
from overlapkit.datasets import make_overlap_classification


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(capsys):
    """Run a command line; return its exit code, results and messages."""

    def run(line, *more):
        code = main([*line.split(), *more])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def table():
    """A table with numbers, strings, gaps, votes with empty cells and few labels."""
    rng = np.random.default_rng(0)
    n = 240
    spam = rng.random(n) < 0.5
    truth = np.where(spam, "spam", "ham")
    frame = pd.DataFrame(
        {
            "id": [f"m{i:03d}" for i in range(n)],
            "size": rng.normal(size=n) + 1.5 * spam,
            "links": rng.normal(size=n) - 1.5 * spam,
            "place": np.where(spam, "shop", rng.choice(["shop", "work"], n)),
            "text": [
                " ".join(
                    rng.choice(["free", "cash", "win"] if s else ["team", "tea"], 3)
                )
                + f" {i}"
                for i, s in enumerate(spam)
            ],
            "token": [f"x{i}" for i in range(n)],
        }
    )
    frame.loc[rng.random(n) < 0.1, "size"] = np.nan
    frame.loc[rng.random(n) < 0.1, "place"] = np.nan
    for j, accuracy in enumerate((0.9, 0.8, 0.75, 0.7)):
        other = np.where(spam, "ham", "spam")
        votes = pd.Series(np.where(rng.random(n) < accuracy, truth, other))
        frame[f"lf_{j}"] = votes.where(rng.random(n) < 0.6)
    frame["label"] = pd.Series(truth).where(np.arange(n) < 40)
    return frame


@pytest.fixture
def data(here):
    """Views of 600 rows in files; the strong view, probabilities and labels."""
    made = make_overlap_classification(
        n_easy=200, n_hard=200, n_overlap=200, random_state=0
    )
    strong = made.X.astype(np.float16)
    weak = made.X[:, made.easy_columns]
    spread = weak @ np.ones(weak.shape[1]) / 4
    proba = np.column_stack([1 / (1 + np.exp(spread)), 1 / (1 + np.exp(-spread))])
    ids = np.array([f"r{i}" for i in np.random.default_rng(0).permutation(600)])
    np.save("S.npy", strong)
    np.save("W.npy", weak)
    np.save("P.npy", proba)
    np.save("ids.npy", ids)
    return strong, weak, proba, ids, made.y
