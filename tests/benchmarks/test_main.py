"""The main job: what it writes, and that a killed run goes on."""

import errno
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from benchmarks.__main__ import commands, main
from benchmarks.common import ROOT
from benchmarks.job import parse, store
from benchmarks.job.data import load_task
from benchmarks.job.experiment import STUDENTS
from benchmarks.job.report import answers, make_tables, write_outputs


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One data set, two seeds."""
    out = tmp_path_factory.mktemp("results")
    options = ["--datasets", "spambase", "--seeds", "2", "--strong", "logistic"]
    options += ["--n-jobs", "1", "--out", str(out)]
    assert main(options) == 0
    return out, options


def test_a_line_per_data_set_seed_and_model(finished):
    table = pd.read_csv(finished[0] / "runs.csv")
    assert not table[["data", "seed", "model"]].duplicated().any()
    assert (table.groupby("model").size() == 2).all()
    assert {*STUDENTS, "weak model", "ceiling"} <= set(table["model"])
    assert table["accuracy"].between(0.4, 1).all()


def test_controls_have_the_size_of_the_overlap(finished):
    table = pd.read_csv(finished[0] / "runs.csv").pivot(
        index="seed", columns="model", values="n_train"
    )
    for control in table.columns[table.columns.str.startswith("overlap, ")]:
        np.testing.assert_allclose(table[control], table["overlap"], atol=1)


def test_the_ceiling_recovers_the_whole_gap(finished):
    table = pd.read_csv(finished[0] / "summary.csv").set_index("model")
    assert table.loc["ceiling", "pgr_weak"] == pytest.approx(1)
    assert table.loc["weak model", "pgr_weak"] == pytest.approx(0)


def test_gains_are_those_of_the_runs(finished):
    wide = pd.read_csv(finished[0] / "runs.csv").pivot(
        index="seed", columns="model", values="accuracy"
    )
    table = pd.read_csv(finished[0] / "comparison.csv")
    for line in table.itertuples():
        gains = wide[line.student] - wide[line.against]
        assert line.gain == pytest.approx(gains.mean(), abs=1e-12)
        assert (line.better, line.worse) == ((gains > 0).sum(), (gains < 0).sum())


def test_the_tables_in_markdown_are_those_of_the_csv_files(finished):
    accuracy, gains, counts = [
        [line.strip("| ").split(" | ") for line in part.splitlines()]
        for part in (finished[0] / "tables.md").read_text().split("\n\n")[1::2]
    ]
    means = pd.read_csv(finished[0] / "summary.csv").set_index("model")["mean"]
    row = dict(zip(accuracy[0], accuracy[2]))
    assert row["covered rows"] == f"{100 * means['covered rows']:.1f}"
    table = pd.read_csv(finished[0] / "comparison.csv").set_index("student")
    line = table.loc["auto"].set_index("against").loc["known labels alone"]
    place = gains[0].index("auto - known labels alone")
    assert gains[2][place].startswith(f"{100 * line['gain']:+.1f} [")
    assert ("▲" in gains[2][place]) == (line["verdict"] == "helps")
    (count,) = [c for c in counts if c[:2] == ["auto", "known labels alone"]]
    assert count[2:4] == [
        f"{line['verdict'] == 'helps':d} of 1",
        f"{line['verdict'] == 'hurts':d}",
    ]


def test_the_page_answers_its_title_first_and_says_each_warning_once(finished):
    page = (finished[0] / "report.html").read_text()
    answer = page.index('<p class="answer"><b>spambase</b>')
    assert page.index("<h1>") < answer < page.index("<h2>")
    warnings = re.findall(r"<li><b>(\w+Warning)</b> in (\d) of 2 runs", page)
    assert len(warnings) == len(dict(warnings)) > 0


def test_report_is_self_contained(finished):
    page = (finished[0] / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "http://" not in page
    assert "https://" not in page
    for name in ("students.png", "comparison.png", "regions.png"):
        assert (finished[0] / name).read_bytes().startswith(b"\x89PNG")


def test_names_and_reasons_are_text_on_the_page(finished, tmp_path):
    out, _ = finished
    runs = {}
    for path in sorted((out / "runs").iterdir()):
        run = json.loads(path.read_text())
        runs["spambase", len(runs)] = run
    skipped = {"a<b": "it has no <votes> & no labels"}
    settings = dict.fromkeys(
        ("overlapkit", "strong model", "label model", "seeds", "command"), "x"
    )
    write_outputs(make_tables(runs), runs, skipped, settings, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "a&lt;b: skipped, it has no &lt;votes&gt; &amp; no labels" in page
    assert "<votes>" not in page


def test_clear_wins_are_counted_over_data_sets(finished, tmp_path):
    runs = {}
    for path in sorted((finished[0] / "runs").iterdir()):
        run = json.loads(path.read_text())
        for name, lead in (("one", 0.0), ("two", 0.5)):
            # other gains in each seed, as equal ones have no interval
            places = {row["model"]: place for place, row in enumerate(run["rows"])}
            rows = [
                row
                | {
                    "data": name,
                    "accuracy": row["seed"] * places[row["model"]] / 1e4
                    + lead * (row["model"] == "cut"),
                }
                for row in run["rows"]
            ]
            runs[name, run["rows"][0]["seed"]] = run | {"rows": rows}
    settings = dict.fromkeys(
        ("overlapkit", "strong model", "label model", "seeds", "command"), "x"
    )
    write_outputs(make_tables(runs), runs, {}, settings, tmp_path)
    page = (tmp_path / "report.html").read_text()
    matrix = page.split("wins of")[1].split("</table>")[0]
    lines = re.findall(r"<tr><td>(cut|paper)</td>(<td>.*?)</tr>", matrix)
    counts = {name: re.findall(r"\d of \d", cells) for name, cells in lines}
    assert len(counts["cut"]) == 10
    assert set(counts["cut"]) == {"1 of 2"}
    assert set(counts["paper"]) == {"0 of 2"}
    # a single data set has nothing to count
    assert "wins of" not in (finished[0] / "report.html").read_text()


def test_finished_runs_are_not_computed_again(finished, monkeypatch, capsys):
    out, options = finished

    def never(*args, **kwargs):
        raise AssertionError("a finished run was computed again")

    before = (out / "runs.csv").read_text()
    monkeypatch.setattr("benchmarks.job.run", never)
    assert main(options) == 0
    assert "2 finished runs found" in capsys.readouterr().out
    assert (out / "runs.csv").read_text() == before


def _replay(monkeypatch, good):
    """Let a run give a stored result; returns the list of the runs computed."""
    computed = []

    def run(name, seed, **settings):
        computed.append((name, seed))
        return {part: good[part] for part in ("rows", "picture", "warnings")}

    monkeypatch.setattr("benchmarks.job.run", run)
    return computed


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the finished results that a test may damage."""
    out = tmp_path / "results"
    shutil.copytree(finished[0], out)
    return out, [*finished[1][:-1], str(out)]


DAMAGES = {
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "a list": lambda text: "[]",
    "no key": lambda text: json.dumps({**json.loads(text), "key": None}),
    "no rows": lambda text: json.dumps({**json.loads(text), "rows": []}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_computed_again(copied, damage, monkeypatch, capsys):
    out, options = copied
    path = next((out / "runs").glob("spambase--1--*.json"))
    whole = path.read_text()
    good = json.loads(whole)
    computed = _replay(monkeypatch, good)
    path.write_text(DAMAGES[damage](whole))
    assert main(options) == 0
    assert computed == [("spambase", 1)]
    assert "other form are computed again" in capsys.readouterr().out
    assert json.loads(path.read_text()) == good


def test_a_file_that_cannot_be_read_is_computed_again(copied, monkeypatch, capsys):
    out, options = copied
    path = next((out / "runs").glob("spambase--1--*.json"))
    good = json.loads(path.read_text())
    computed = _replay(monkeypatch, good)
    path.unlink()
    path.mkdir()  # where reading and writing fail, for any user
    assert main(options) == 0
    assert computed == [("spambase", 1)]
    assert "could not be stored" in capsys.readouterr().out


@pytest.mark.parametrize("part", ["data", "parameters", "code", "versions"])
def test_a_run_of_another_key_is_computed_again_and_it_is_said(
    copied, part, monkeypatch, capsys
):
    out, options = copied
    path = next((out / "runs").glob("spambase--0--*.json"))
    good = json.loads(path.read_text())
    computed = _replay(monkeypatch, good)
    key = {**good["key"], part: "another"}
    path.write_text(json.dumps({**good, "key": key}))
    assert main(options) == 0
    assert computed == [("spambase", 0)]
    printed = capsys.readouterr().out
    assert f"with other {part} are computed again" in printed
    assert "1 finished runs found" in printed


def test_the_key_holds_the_content_of_the_data(tmp_path):
    """Two folders with a set of one name: the labels of one row tell them apart."""
    keys = []
    for last in (0, 1, 0):
        folder = tmp_path / str(len(keys))
        (folder / "mine").mkdir(parents=True)
        np.savez(
            folder / "mine" / "mine.npz",
            L=np.zeros((6, 3), dtype=int),
            X=np.arange(12.0).reshape(6, 2),
            y=np.array([0, 1, 0, 1, 0, last]),
            class_names=np.array(["a", "b"]),
            train_idx=np.arange(3),
            valid_idx=np.array([3]),
            test_idx=np.array([4, 5]),
        )
        keys.append(store.key("mine", folder, "logistic", "majority"))
    assert keys[0] == keys[2]
    differs = {part for part in keys[0] if keys[0][part] != keys[1][part]}
    assert differs == {"data"}


def _no_space(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_loses_no_table_and_leaves_no_partial_files(
    copied, monkeypatch, capsys
):
    out, options = copied
    path = next((out / "runs").glob("spambase--1--*.json"))
    _replay(monkeypatch, json.loads(path.read_text()))
    path.unlink()
    monkeypatch.setattr("os.fsync", _no_space)
    assert main(options) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 finished runs could not be stored" in printed
    assert "No space left on device" in printed
    assert "Does overlap selection help here?" in printed
    assert not list(out.rglob("*.partial"))


def test_a_folder_that_cannot_be_written_to_shows_the_tables(
    copied, monkeypatch, capsys
):
    _, options = copied
    monkeypatch.setattr("benchmarks.common.open", _no_space, raising=False)
    assert main(options) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "2 finished runs found" in printed
    assert "The tables above are complete; not written" in printed


def test_an_interrupted_write_leaves_nothing_that_looks_finished(tmp_path, monkeypatch):
    path = store.path_of(tmp_path, "a", 0, ["x"])

    def killed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        store.save(path, {"rows": []})
    assert not list(path.parent.iterdir())


def test_teacher_student_and_test_rows_are_disjoint():
    task = load_task("spambase", 0)
    rows = np.concatenate([task.teacher, task.student, task.test])
    assert len(np.unique(rows)) == len(rows)
    # the rows the rules were made from are in none of them
    assert len(rows) < len(task.y)


def _runs(gains):
    """Runs of one data set in which overlap gains so much over all others."""
    controls = ["weak model", "covered rows", "overlap, random non-hard"]
    models = [*controls, *STUDENTS, "ceiling"]
    return {
        ("mine", seed): {
            "rows": [
                {
                    "data": "mine",
                    "seed": seed,
                    "model": model,
                    "accuracy": 0.5 + 0.1 * seed + gain * (model == "overlap"),
                    "balanced_accuracy": 0.5,
                    "n_train": 10,
                    "label_purity": 1.0,
                    "overlap_density": 0.5,
                    "test_train_ratio": 0.25,
                }
                for model in models
            ]
        }
        for seed, gain in enumerate(gains)
    }


@pytest.mark.parametrize(
    ("gains", "verdict", "answer"),
    [
        ([0.05, 0.051, 0.049, 0.05], "helps", "Yes."),
        ([-0.05, -0.051, -0.049, -0.05], "hurts", "No, it hurts."),
        ([0.05, -0.05, 0.06, 0.01], "no clear difference", "Not shown."),
        ([0.05], "no interval", "Not shown."),
    ],
)
def test_a_verdict_needs_the_interval_of_paired_differences(gains, verdict, answer):
    """Seeds differ by .1, the differences do not: pairing takes that out."""
    tables = make_tables(_runs(gains))
    lines = tables["comparison"].query("student == 'overlap'")
    assert set(lines["verdict"]) == {verdict}
    assert answers(tables)["mine"].startswith(answer)
    line = lines.iloc[0]
    if len(gains) > 1:  # the correction of Nadeau and Bengio, by hand
        n = len(gains)
        half = t.ppf(0.975, n - 1) * np.std(gains, ddof=1) * np.sqrt(1 / n + 0.25)
        assert line["gain_high"] - line["gain"] == pytest.approx(half)


def test_commands_that_the_texts_name_exist():
    """A renamed command would leave figures that nobody can print again."""
    named = set()
    files = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.rst"),
        ROOT / "benchmarks/README.md",
    ]
    for path in [*files, *ROOT.glob("overlapkit/**/*.py")]:
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r"python -m benchmarks ([a-z][a-z-]+)", text))
    assert len(named) > 10
    assert named <= set(commands())


def test_wrong_options_say_what_there_is(capsys):
    with pytest.raises(SystemExit):
        parse(["--datasets", "nothing"])
    assert "spambase, mushroom" in capsys.readouterr().err
    assert main(["nonsense"]) == 2
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in commands())


@pytest.mark.parametrize("command", commands())
def test_a_command_tells_its_options(command, capsys):
    """It imports what the package has today, whatever was renamed."""
    with pytest.raises(SystemExit) as done:
        main([command, "--help"])
    assert done.value.code == 0
    assert "usage" in capsys.readouterr().out


@pytest.mark.data
def test_wrench_folders_run(real_data, tmp_path):
    options = ["--data", str(real_data), "--datasets", "youtube", "tennis"]
    options += ["--seeds", "1", "--strong", "logistic", "--n-jobs", "1"]
    assert main([*options, "--out", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "runs.csv")
    assert set(table["data"]) == {"youtube"}
    assert "tennis: skipped" in (tmp_path / "report.html").read_text()
