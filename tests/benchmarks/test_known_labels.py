"""The benchmark of known labels: draws, damaged votes, stored cells, counts."""

import numpy as np
import pandas as pd
import pytest

import benchmarks.known_labels as command
from benchmarks.known_labels import store
from benchmarks.known_labels.cell import damage
from benchmarks.known_labels.data import draw
from benchmarks.known_labels.students import students, tuned_on_known, tuned_on_weak
from benchmarks.known_labels.summary import against_better, as_frame, compare


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set of the form that is read, under a name that is known."""
    rng = np.random.RandomState(0)
    y = (np.arange(900) % 9 == 0) + 2 * (np.arange(900) % 100 == 1)
    y = np.minimum(y, 2)
    X = rng.normal(size=(900, 6)) + 2 * np.eye(6)[y]
    right = rng.uniform(size=(900, 4)) < 0.8
    votes = np.where(right, y[:, None], rng.randint(0, 3, size=(900, 4)))
    votes[rng.uniform(size=votes.shape) < 0.4] = -1
    path = tmp_path_factory.mktemp("data")
    (path / "youtube").mkdir()
    arrays = {"X_strong": X.astype(np.float16), "L": votes.astype(np.int8)}
    np.savez(path / "youtube" / "youtube.npz", y=y.astype(np.int8), **arrays)
    return path


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    options = ["--data", str(folder), "--sets", "youtube", "--students", "logistic"]
    options += ["--labels", "40", "--seeds", "2", "--judge", "--n-jobs", "1"]
    options += ["--out", str(out)]
    assert command.main(options) == 0
    return out, options


def test_a_draw_has_what_it_promises(folder):
    one = draw(folder, "youtube", 40, 0)
    assert one.known.sum() == 40
    assert len(one.X) == 675
    assert len(one.X_test) == 225
    # two labels of the rarest class, which a random draw would often miss
    assert np.bincount(one.y[one.known]).min() >= 2
    rows = {row.tobytes() for row in one.X}
    assert not rows & {row.tobytes() for row in one.X_test}
    other = draw(folder, "youtube", 40, 1)
    assert not np.array_equal(one.X, other.X)
    # more labels are the same ones and some others
    more = draw(folder, "youtube", 80, 0)
    assert np.mean(more.known[one.known]) > 0.9


def test_known_labels_are_drawn_at_random(folder):
    # apart from the least number of each class, shares are those of the data
    shares = [
        np.bincount(d.y[d.known], minlength=3)[1] / 100
        for d in (draw(folder, "youtube", 100, seed) for seed in range(20))
    ]
    assert np.mean(shares) == pytest.approx(0.11, abs=0.02)


def test_damaged_votes():
    votes = np.random.RandomState(0).randint(-1, 3, size=(200, 4))
    permuted = damage(votes, "permuted", 3, 0)
    assert not np.array_equal(permuted, votes)
    assert sorted(map(tuple, permuted)) == sorted(map(tuple, votes))
    flipped = damage(votes, "flipped", 3, 0)
    np.testing.assert_array_equal(flipped < 0, votes < 0)
    assert (flipped[votes >= 0] != votes[votes >= 0]).all()
    half = damage(votes, "half flipped", 3, 0)
    assert sorted((half == votes).all(axis=0)) == [False, False, True, True]


def test_a_cell_holds_every_method(finished):
    out, _ = finished
    table = pd.read_csv(out / "cells.csv")
    methods = set(table["method"])
    for name in ("labels alone", "recipe", "average", "LabelSpreading"):
        assert name in methods
    assert {"permuted: recipe", "half flipped: average"} <= methods
    assert {"judged: recipe", "judged: recipe, low"} <= methods
    assert not table[["seed", "method"]].duplicated().any()
    assert table["accuracy"].between(30, 100).all()


def test_finished_cells_are_not_computed_again(finished, monkeypatch, capsys):
    _, options = finished

    def never(*args, **kwargs):
        raise AssertionError("a finished cell was computed again")

    monkeypatch.setattr(command, "run_cell", never)
    assert command.main(options) == 0
    assert "2 of 2 cells found" in capsys.readouterr().out
    # a judged cell serves where none was asked to be
    assert command.main([o for o in options if o != "--judge"]) == 0


def test_a_damaged_file_is_no_cell(finished, tmp_path):
    cell = ("youtube", "logistic", 40, 0)
    content = store.load(finished[0], cell, True)
    content.pop("form")
    store.save(tmp_path, cell, True, content)
    assert store.load(tmp_path, cell, True)["accuracy"] == content["accuracy"]
    (path,) = (tmp_path / "cells").iterdir()
    path.write_text(path.read_text()[:50])
    assert store.load(tmp_path, cell, True) is None


def results():
    """Two cells of four seeds: the recipe gains a point in one, loses one in one."""
    out = {}
    for name, gain in (("a", 0.01), ("b", -0.01)):
        for seed, level in enumerate((0.6, 0.7, 0.8, 0.9)):
            accuracy = {
                "labels alone": level,
                "all covered weak labels": level - 0.1,
                "recipe": level + gain * (1 + 0.01 * seed),
            }
            out[name, "logistic", 50, seed] = {"accuracy": accuracy, "judged": {}}
    return out


def test_comparisons_are_paired_and_against_the_better_baseline():
    frame = as_frame(results())
    keys = ["set", "student", "labels", "seed"]
    wide = frame.pivot(index=keys, columns="method", values="accuracy")
    gap = compare(wide, "recipe", "labels alone")
    np.testing.assert_allclose(gap["mean"], [1.015, -1.015])
    # seeds differ by 10 points, the differences do not
    assert (gap["error"] < 0.01).all()
    better = against_better(wide, "recipe")
    np.testing.assert_allclose(better["mean"], gap["mean"])


def test_baselines_are_tuned_on_the_known_labels():
    rng = np.random.RandomState(0)
    y = np.arange(300) % 2
    X = rng.normal(size=(300, 40)) + 0.4 * y[:, None]
    for name, (estimator, grid) in students(0).items():
        if name != "logistic":
            continue
        model = tuned_on_known(estimator, grid, X[:60], y[:60], 0)
        assert model.C in grid["C"]
        assert np.mean(model.predict(X[60:]) == y[60:]) > 0.7
        weak = tuned_on_weak(estimator, grid, X, y, X[:60], y[:60])
        assert np.mean(weak.predict(X) == y) > 0.8


def test_wrong_options(capsys, monkeypatch):
    monkeypatch.delenv("OVERLAPKIT_DATA", raising=False)
    with pytest.raises(SystemExit):
        command.parse([])
    assert "there is no data" in capsys.readouterr().err
    quick = command.parse(["--quick", "--data", "x"])
    assert (quick.students, quick.labels, quick.seeds) == (["logistic"], [100], 2)
