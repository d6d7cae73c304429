"""The main job: what it writes, and that a killed run goes on."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.__main__ import COMMANDS, main
from benchmarks.main_job import parse, store
from benchmarks.main_job.data import load_task
from benchmarks.main_job.experiment import STUDENTS, undecided_as_share
from benchmarks.main_job.report import compare, verdict


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One data set, two seeds."""
    out = tmp_path_factory.mktemp("results")
    options = ["--datasets", "spambase", "--seeds", "2", "--strong", "logistic"]
    options += ["--n-jobs", "1", "--out", str(out)]
    assert main(options) == 0
    return out, options


def test_a_line_per_data_set_seed_and_student(finished):
    table = pd.read_csv(finished[0] / "runs.csv")
    keys = table[["data", "seed", "student"]]
    assert not keys.duplicated().any()
    assert len(table) == 2 * len(STUDENTS)
    assert table["accuracy"].between(0.4, 1).all()


def test_controls_have_the_size_of_the_overlap(finished):
    table = pd.read_csv(finished[0] / "runs.csv").pivot(
        index="seed", columns="student", values="n_train"
    )
    np.testing.assert_array_equal(table["random non-hard"], table["overlap"])
    np.testing.assert_allclose(table["most confident"], table["overlap"], atol=1)


def test_the_ceiling_recovers_the_whole_gap(finished):
    table = pd.read_csv(finished[0] / "runs.csv")
    np.testing.assert_allclose(table.loc[table.student == "ceiling", "pgr"], 1)


def test_report_is_self_contained(finished):
    page = (finished[0] / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "http://" not in page
    assert "https://" not in page
    for name in ("students.png", "comparison.png", "regions.png"):
        assert (finished[0] / name).read_bytes().startswith(b"\x89PNG")


def test_finished_runs_are_not_computed_again(finished, monkeypatch, capsys):
    out, options = finished

    def never(*args, **kwargs):
        raise AssertionError("a finished run was computed again")

    before = (out / "runs.csv").read_text()
    monkeypatch.setattr("benchmarks.main_job.run", never)
    assert main(options) == 0
    assert "2 finished runs found" in capsys.readouterr().out
    assert (out / "runs.csv").read_text() == before


@pytest.mark.parametrize("damage", ["cut", "empty", "other form"])
def test_a_damaged_file_is_computed_again(finished, damage, monkeypatch):
    out, options = finished
    path = next((out / "runs").glob("spambase--1--*.json"))
    whole = path.read_text()
    damaged = {
        "cut": whole[: len(whole) // 2],
        "empty": "",
        "other form": json.dumps({**json.loads(whole), "form": -1}),
    }
    path.write_text(damaged[damage])
    computed = []

    def run(name, seed, **settings):
        computed.append((name, seed))
        return {k: v for k, v in json.loads(whole).items() if k != "form"}

    monkeypatch.setattr("benchmarks.main_job.run", run)
    assert main(options) == 0
    assert computed == [("spambase", 1)]
    assert store.load(path)["rows"] == json.loads(whole)["rows"]


def test_an_interrupted_write_leaves_nothing_that_looks_finished(tmp_path, monkeypatch):
    path = store.path_of(tmp_path, "a", 0, ["x"])

    def killed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        store.save(path, {"rows": []})
    assert store.load(path) is None
    assert not path.exists()


def test_other_settings_are_other_runs(tmp_path):
    paths = {
        store.path_of(tmp_path, "a", seed, [strong])
        for seed in (0, 1)
        for strong in ("mlp", "logistic")
    }
    assert len(paths) == 4


def test_teacher_student_and_test_rows_are_disjoint():
    task = load_task("spambase", 0)
    rows = np.concatenate([task.teacher, task.student, task.test])
    assert len(np.unique(rows)) == len(rows)
    # the rows the rules were made from are in none of them
    assert len(rows) < len(task.y)


def test_undecided_rows_count_by_their_share():
    proba = np.array([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])
    assert undecided_as_share(proba, np.array([0, 0, 0])) == pytest.approx(0.5)


def test_a_verdict_needs_the_confidence_interval():
    # with two seeds the interval is 12.7 standard errors wide
    assert verdict(0.05, 0.01, 2) == "no clear difference"
    assert verdict(0.05, 0.01, 10) == "helps"
    assert verdict(-0.05, 0.01, 10) == "hurts"
    assert verdict(0.05, np.nan, 1) == "one seed tells nothing"


def test_comparison_is_paired_by_seed():
    rows = []
    for seed, level in enumerate((0.6, 0.7, 0.9)):
        for student in STUDENTS:
            gain = 0.01 if student == "overlap" else 0.0
            rows.append(("d", seed, student, level + gain))
    table = pd.DataFrame(rows, columns=["data", "seed", "student", "accuracy"])
    line = compare(table).query("student == 'overlap'").iloc[0]
    assert line["gain"] == pytest.approx(0.01)
    # seeds differ by 0.3, the difference does not: pairing takes that out
    assert line["gain_se"] == pytest.approx(0, abs=1e-12)


def test_wrong_options_say_what_there_is(capsys):
    with pytest.raises(SystemExit):
        parse(["--datasets", "nothing"])
    assert "spambase, mushroom" in capsys.readouterr().err
    assert main(["nonsense"]) == 2
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in COMMANDS)


@pytest.mark.data
def test_wrench_folders_run(real_data, tmp_path):
    options = ["--data", str(real_data), "--datasets", "youtube", "tennis"]
    options += ["--seeds", "1", "--strong", "logistic", "--n-jobs", "1"]
    assert main([*options, "--out", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "runs.csv")
    assert set(table["data"]) == {"youtube"}
    assert "tennis: skipped" in (tmp_path / "report.html").read_text()
