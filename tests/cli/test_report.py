import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd

LINE = "report t.csv --id id --label label --votes lf_* --repeats 1"
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
