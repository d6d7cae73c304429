import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from overlapkit import WeakToStrongClassifier
from overlapkit.datasets import stack_views
from overlapkit.model_selection import weak_to_strong_report

LINE = "report t.csv --id id --label label --votes lf_* --repeats 1"
FILES = "report --strong S.npy --weak-proba P.npy --labels y.csv --repeats 1"
MADE = ["report.html", "rows.csv", "run.json", "summary.csv"]


def contents(folder):
    """Bytes of the results; the record holds names of files, too."""
    return {
        name: (folder / name).read_bytes()
        for name in os.listdir(folder)
        if name != "run.json"
    }


def test_page_rows_and_verdict_from_a_table(command, here, table):
    table.to_csv("t.csv", index=False)
    code, out, err = command(f"{LINE} --out r")
    assert code == 0
    assert sorted(os.listdir("r")) == MADE
    assert out.startswith("auto: accuracy ")
    assert "known labels alone" in out.splitlines()[0]
    assert "column 'token' is left out: its values name the rows" in err
    rows = pd.read_csv("r/rows.csv")
    assert rows["id"].tolist() == table["id"].tolist()
    assert rows["label"].equals(table["label"].astype(rows["label"].dtype))
    assert set(rows["corrected_label"]) == {"ham", "spam"}
    summary = pd.read_csv("r/summary.csv", index_col="model")
    assert {"auto", "known labels alone", "auto, random"} <= set(summary.index)
    page = (here / "r" / "report.html").read_text()
    assert "1 of other strings" in page
    assert "m000" in page


def test_a_student_of_overlap_rows_has_regions(command, here, table):
    table.to_csv("t.csv", index=False)
    code, out, _ = command(f"{LINE} --selector overlap --out r")
    assert code == 0
    assert out.startswith("overlap: accuracy ")
    rows = pd.read_csv("r/rows.csv")
    assert {"easy", "hard"} <= set(rows["region"])


def test_weak_labels_that_say_nothing_are_code_0(command, here, table):
    votes = table.filter(like="lf_").columns
    rng = np.random.default_rng(0)
    for name in votes:
        table[name] = rng.choice(["ham", "spam"], len(table))
    table.to_csv("t.csv", index=False)
    code, out, _ = command(f"{LINE} --selector overlap --out r")
    assert code == 0
    assert "helps" not in out or "hurts" in out or "no clear difference" in out


def test_every_label_known(command, here, table):
    full = pd.Series(np.where(table["size"].fillna(0) > 0.7, "spam", "ham"))
    table.assign(label=full).to_csv("t.csv", index=False)
    code, out, err = command(f"{LINE} --out r")
    assert code == 0
    assert "every label is known" in err
    assert out.startswith("overlap: ")


def test_a_run_that_is_killed_is_continued_to_the_same_bytes(command, here, table):
    table.to_csv("t.csv", index=False)
    line = f"{LINE} --selector overlap"
    assert command(f"{line} --out whole")[0] == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "overlapkit", *line.split(), "--out", "r"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    limit = time.monotonic() + 60
    while not list(here.glob("r/.overlapkit/*/fold-0000.npz")):
        assert time.monotonic() < limit
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert os.listdir("r") == [".overlapkit"]
    code, _, err = command(f"{line} --out r --progress")
    assert code == 0
    assert "in folds: 0 of" not in err  # the finished fold is not computed again
    assert contents(here / "r") == contents(here / "whole")
    assert sorted(os.listdir("r")) == MADE


def test_folds_computed_at_once_give_the_same_bytes(command, here, table, threads):
    table.to_csv("t.csv", index=False)
    line = f"{LINE} --selector overlap"
    command(f"{line} --out one")
    command(f"{line} --jobs 2 --out two")
    assert contents(here / "one") == contents(here / "two")


def test_a_compressed_table_gives_the_same_bytes(command, here, table):
    table.to_csv("t.csv", index=False)
    table.to_csv("t.csv.gz", index=False)
    line = f"{LINE} --selector overlap"
    assert command(f"{line} --out plain")[0] == 0
    assert command(f"{line.replace('t.csv', 't.csv.gz')} --out packed")[0] == 0
    assert contents(here / "packed") == contents(here / "plain")


# ------------------------------------------------------ views and labels in files


@pytest.fixture
def known(data):
    """Labels of a sixth of the rows, in y.csv; of all of them, None where unknown."""
    y = pd.Series(np.where(data[-1] == 1, "yes", "no")).where(np.arange(600) % 6 == 0)
    y.to_frame("label").to_csv("y.csv", index=False)
    return y.astype(object).where(y.notna(), None)


def test_views_in_files_give_the_report_of_the_api(command, data, known):
    strong, _, proba, _, _ = data
    code, out, _ = command(f"{FILES} --out r")
    assert code == 0
    assert sorted(os.listdir("r")) == MADE
    X, strong_columns, weak_columns = stack_views(
        strong=strong.astype(np.float64), weak=proba
    )
    student = WeakToStrongClassifier(
        make_pipeline(StandardScaler(), LogisticRegression()),
        weak_estimator="precomputed",
        strong_columns=strong_columns,
        weak_columns=weak_columns,
        classes=["no", "yes"],
        selector="auto",
        missing_label="",
    )
    report = weak_to_strong_report(
        {"auto": student}, X, known.fillna("").to_numpy(), n_repeats=1, random_state=0
    )
    assert out.splitlines()[0] == report.verdict
    summary = pd.read_csv("r/summary.csv", index_col="model")
    assert summary["mean"].to_dict() == report.summary["mean"].to_dict()
    rows = pd.read_csv("r/rows.csv")
    assert rows["id"].tolist() == list(range(600))
    assert rows["selected"].tolist() == report.rows["selected"].tolist()
    assert "logistic regression" in open("r/report.html").read()


def test_rows_of_all_files_are_matched_by_id(command, here, data, known):
    _, _, proba, ids, _ = data
    proba[5:9] = np.nan
    np.save("P.npy", proba)
    assert command(f"{FILES} --selector overlap --out a")[0] == 0
    order = np.random.default_rng(1).permutation(600)
    frame = pd.DataFrame(proba, columns=["proba_no", "proba_yes"])
    frame.assign(id=ids).iloc[order].to_parquet("P.parquet")
    labels = pd.DataFrame({"truth": known, "id": ids}).iloc[order[::-1]]
    labels.to_csv("y.csv", index=False)
    line = (
        "report --strong S.npy --ids ids.npy --weak-proba P.parquet --labels y.csv "
        "--label truth --repeats 1 --selector overlap"
    )
    assert command(f"{line} --out b")[0] == 0
    a, b = pd.read_csv("a/rows.csv"), pd.read_csv("b/rows.csv")
    assert b["id"].tolist() == ids.tolist()
    assert b.drop(columns="id").equals(a.drop(columns="id"))
    assert a["why"].value_counts()["no weak label"] == 4
    assert (here / "a" / "summary.csv").read_bytes() == (
        here / "b" / "summary.csv"
    ).read_bytes()
    code, _, err = command(f"{line.replace('--ids ids.npy ', '')} --out c")
    assert code == 1
    assert "S.npy has none: give its ids by --ids" in err


def test_a_table_may_lack_what_a_file_has(command, data, known):
    strong, _, proba, ids, _ = data
    votes = np.where(proba[:, 1] > 0.5, "yes", "no")
    table = pd.DataFrame(strong[:, :4].astype(np.float32)).add_prefix("x")
    table = table.assign(id=ids, weak_label=votes, label=known).iloc[::-1]
    table.to_csv("t.csv", index=False)
    end = "--repeats 1 --selector overlap --out"
    # votes and labels of the table, the strong view of a file
    code, _, _ = command(
        f"report t.csv --votes weak_label --strong S.npy --ids ids.npy {end} a"
    )
    assert code == 0
    rows = pd.read_csv("a/rows.csv")
    assert rows["id"].tolist() == ids.tolist()
    assert rows["weak_label"].tolist() == votes.tolist()
    # features and labels of the table, probabilities of a file
    np.save("P.npy", proba[::-1])
    assert command(f"report t.csv --id id --weak-proba P.npy {end} b")[0] == 0
    rows = pd.read_csv("b/rows.csv")
    assert rows["id"].tolist() == ids[::-1].tolist()
    untied = proba[::-1, 0] != proba[::-1, 1]
    assert rows["weak_label"][untied].tolist() == votes[::-1][untied].tolist()
    assert "(LightGBM) learns from 4 columns of numbers" in open("b/report.html").read()


@pytest.mark.parametrize("option", ["table", "strong", "weak"])
def test_labels_are_no_features(command, data, known, option):
    strong, _, proba, _, y = data
    made = pd.DataFrame(proba, columns=["proba_no", "proba_yes"])
    made.insert(0, "weak_label", np.where(proba[:, 1] > 0.5, 1, 0))
    made.insert(1, "confidence", np.abs(proba[:, 0] - 0.5) * 2)
    view = pd.DataFrame(strong[:, :4].astype(np.float32)).add_prefix("x")
    made.to_csv("P.csv")  # with row numbers, in a column without a name
    pd.concat([view, made, pd.Series(y, name="label")], axis=1).to_csv("V.csv")
    view.to_csv("clean.csv", index=False)
    end = "--repeats 1 --selector overlap --out"
    line = {
        "table": "report FILE --weak-proba P.csv --labels y.csv",
        "strong": "report --strong FILE --weak-proba P.csv --labels y.csv",
        "weak": "report --strong S.npy --weak FILE --labels y.csv",
    }[option]
    code, out, err = command(f"{line.replace('FILE', 'V.csv')} {end} a")
    assert code == 0
    assert "left out" in err
    for name in ("weak_label", "confidence", "proba_no"):
        assert name in err
    _, expected, err = command(f"{line.replace('FILE', 'clean.csv')} {end} b")
    assert "left out" not in err
    assert out.replace("a/", "b/") == expected


def test_a_file_of_labels_may_name_the_labelled_rows_only(command, data, known):
    ids = data[3]
    frame = pd.DataFrame({"id": ids, "label": known})
    line = f"{FILES} --ids ids.npy --selector overlap --out"
    frame.to_csv("y.csv", index=False)
    assert command(f"{line} a")[0] == 0
    frame[known.notna()].to_csv("y.csv", index=False)
    assert command(f"{line} b")[0] == 0
    assert open("a/rows.csv").read() == open("b/rows.csv").read()
    frame.replace({"id": {ids[0]: "r600"}}).to_csv("y.csv", index=False)
    code, _, err = command(f"{line} c")
    assert code == 1
    assert f"not in y.csv (ids {ids[0]})" in err
    assert "not in S.npy (ids r600)" in err


def test_a_weak_view_in_a_file_learns_the_known_labels(command, data, known):
    line = "report --strong S.npy --weak W.npy --labels y.csv --repeats 1"
    code, _, _ = command(f"{line} --out r")
    assert code == 0
    rows = pd.read_csv("r/rows.csv")
    right = rows["weak_label"] == np.where(data[-1] == 1, "yes", "no")
    assert 0.6 < right.mean() < 0.9  # hard rows are not seen in the weak view


def test_integer_labels_and_classes_of_columns(command, data):
    _, _, proba, _, y = data
    known = np.where(np.arange(600) % 6 == 0, y, np.nan)
    np.save("y.npy", known)
    line = "report --strong S.npy --labels y.npy --repeats 1 --selector overlap"
    assert command(f"{line} --weak-proba P.npy --out a")[0] == 0
    frame = pd.DataFrame(proba, columns=["proba_0", "proba_1"])
    frame[["proba_1", "proba_0"]].to_csv("P.csv", index=False)
    assert command(f"{line} --weak-proba P.csv --out b")[0] == 0
    a, b = (pd.read_csv(f"{name}/rows.csv") for name in "ab")
    assert set(a["weak_label"]) == {0, 1}
    assert a["weak_label"].equals(b["weak_label"])
    # a class that no known label has
    np.save("P.npy", np.column_stack([proba, np.zeros(600)]))
    code, _, err = command(f"{line} --weak-proba P.npy --out c")
    assert code == 1
    assert "3 columns of probabilities" in err
    assert "by --classes" in err
    code, _, _ = command(f"{line} --weak-proba P.npy --classes 0 1 2 --out c")
    assert code == 0


def test_a_finished_report_of_files_is_not_repeated(command, data, known):
    line = f"{FILES} --selector overlap --out r"
    _, first, _ = command(line)
    stamp = os.stat("r/report.html").st_mtime_ns
    code, again, err = command(line)
    assert code == 0
    assert again == first
    assert "unchanged" in err
    assert os.stat("r/report.html").st_mtime_ns == stamp
    np.save("P.npy", data[2][:, ::-1])
    assert command(line)[0] == 1
    assert command(f"{line} --force")[0] == 0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--strong S.npy --weak-proba P.npy", "known labels? Give TABLE"),
        ("--strong S.npy --votes lf_* --labels y.csv", "columns of --votes? Give"),
        ("--weak-proba P.npy --labels y.csv", "has the features? Give TABLE"),
        (
            "t.csv --strong S.npy --weak-proba P.npy --labels y.csv",
            "nothing would be read of t.csv",
        ),
        ("t.csv --votes lf_* --ids ids.npy", "--ids is for --strong"),
        (
            "t.csv --votes lf_* --strong S.npy --leave-out x",
            "--leave-out is for features of a TABLE",
        ),
        (
            "t.csv --weak-proba P.npy --label-model majority",
            "--label-model is for --votes",
        ),
        ("t.csv --weak W.npy --classes no yes", "--classes is for --votes"),
        ("t.csv --weak W.npy --weak-proba P.npy", "not allowed with"),
        ("t.csv", "is required"),
    ],
)
def test_options_that_do_not_go_together_are_code_2(command, data, line, expected):
    before = set(os.listdir())
    code, out, err = command(f"report {line} --out r")
    assert code == 2
    assert not out
    assert expected in err
    assert set(os.listdir()) == before


@pytest.mark.parametrize(
    ("spoil", "more", "expected"),
    [
        (lambda S, P: (S, P[:-1]), "", "P.npy has 599 rows and S.npy has 600"),
        (lambda S, P: (S, P * 2), "", "P.npy must hold class probabilities"),
        (lambda S, P: (S, P[:, :1]), "", "P.npy has one column of probabilities"),
        (lambda S, P: (S, P * np.nan), "", "P.npy: all probabilities are empty"),
        (
            lambda S, P: (np.where(np.arange(600)[:, None] == 5, np.nan, S), P),
            "",
            "S.npy: row 5 (from 0) holds NaN",
        ),
        (lambda S, P: (S, P), "--id key", "no file has a column 'key' (--id)"),
        (lambda S, P: (S, P), "--label key", "y.csv: no column is like --label 'key'"),
        (lambda S, P: (S, P), "--classes a b", "none of the classes ['a', 'b']"),
    ],
)
def test_views_that_do_not_fit_are_code_1(command, data, known, spoil, more, expected):
    strong, proba = spoil(data[0], data[2])
    np.save("S.npy", strong)
    np.save("P.npy", proba)
    before = set(os.listdir())
    code, out, err = command(f"{FILES} {more} --out r")
    assert code == 1
    assert not out
    assert expected in err
    assert err.count("\n") == 1
    assert set(os.listdir()) == before
