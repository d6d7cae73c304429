"""What every command has in common: help, exit codes, messages, outputs."""

import json
import os
import subprocess
import sys

import pytest

from overlapkit._cli import main

COMMANDS = ("label", "detect", "report", "sources")


def test_help_names_every_command(command):
    code, out, _ = command("--help")
    assert code == 0
    assert all(f"\n  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_shows_an_example_and_what_it_prints(command, name):
    code, out, _ = command(f"{name} --help")
    assert code == 0
    assert f"overlapkit {name} " in out
    assert "example" in out
    assert "prints" in out


def test_help_imports_nothing_but_the_standard_library():
    code = (
        "import sys; from overlapkit._cli import main; main(['label', '--help']); "
        "print([m for m in ('numpy', 'pandas', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_package_can_be_run_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "overlapkit", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("0.")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "label votes.csv",
        "label votes.csv --out weak.xls",
        "label votes.csv --out votes.csv",
        "label votes.csv --out weak.csv --random-state -1",
        "detect --strong S.npy --weak W.npy --out R.csv",
        "detect --strong S.npy --out R.csv",
        "report --votes lf* --out out",
    ],
)
def test_wrong_arguments_are_code_2(command, here, table, line):
    table.to_csv("votes.csv", index=False)
    code, out, err = command(line)
    assert code == 2
    assert not out
    assert err
    assert os.listdir() == ["votes.csv"]


BAD_TABLES = {
    "no file": ("label gone.csv --out o.csv", "gone.csv: No such file"),
    "no column of ids": ("label t.csv --id nope --out o.csv", "no column 'nope'"),
    "no column of labels": (
        "report t.csv --label nope --votes lf_* --out o",
        "no column 'nope' (--label)",
    ),
    "no votes": ("label t.csv --votes zz* --out o.csv", "no column is like"),
    "ids twice": ("label twice.csv --id id --votes lf_* --out o.csv", "'m000'"),
    "no label": (
        "report none.csv --label label --votes lf_* --out o",
        "column 'label': no label is known",
    ),
    "one class": (
        "report one.csv --label label --votes lf_* --out o",
        "known labels are 'ham'",
    ),
    "a class of one row": (
        "report rare.csv --label label --votes lf_* --out o",
        "only 1 row has the label 'eggs'",
    ),
    "texts for votes": (
        "label t.csv --votes text token --out o.csv",
        "480 different names",
    ),
    "votes of two kinds": (
        "label mixed.csv --votes lf_* --out o.csv",
        "'lf_1' numbers",
    ),
    "ragged": ("label ragged.csv --out o.csv", "line 3"),
    "no Parquet": ("label junk.parquet --out o.csv", "junk.parquet is no Parquet"),
    "a class that is not named": (
        "label t.csv --votes lf_* --classes ham jam --out o.csv",
        "'spam' in data row",
    ),
    "no features": (
        "report t.csv --label label --votes lf_* --out o --leave-out [!l]* links",
        "no column is left for features",
    ),
}


@pytest.mark.parametrize("what", BAD_TABLES)
def test_bad_data_is_code_1_and_one_line(command, here, table, what):
    table.to_csv("t.csv", index=False)
    table.assign(id=table["id"].where(table.index != 7, "m000")).to_csv("twice.csv")
    table.assign(label=None).to_csv("none.csv")
    table.assign(label=table["label"].where(table["label"] == "ham")).to_csv("one.csv")
    rare = table["label"].where(table.index != 50, "eggs")
    table.assign(label=rare).to_csv("rare.csv")
    table.assign(lf_1=1).to_csv("mixed.csv")
    (here / "ragged.csv").write_text("a,b\n1,2\n1,2,3\n")
    (here / "junk.parquet").write_bytes(b"PK\x03\x04 no table")
    before = set(os.listdir())
    line, expected = BAD_TABLES[what]
    code, out, err = command(line)
    assert code == 1
    assert not out
    assert err.count("\n") == 1
    assert err.startswith(f"overlapkit {line.split()[0]}: error: ")
    assert expected in err
    assert set(os.listdir()) == before  # nothing is left of an output


def test_debug_shows_where_an_error_comes_from(here):
    with pytest.raises(Exception, match=r"gone\.csv"):
        main(["label", "gone.csv", "--out", "o.csv", "--debug"])


def test_an_output_that_cannot_be_written(command, here, table):
    table.to_csv("t.csv", index=False)
    (here / "file").write_text("")
    code, _, err = command("label t.csv --votes lf_* --out file/o.csv")
    assert code == 1
    assert "cannot write to file" in err
    assert "--out" in err


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_that_is_read_only(command, here, table):
    table.to_csv("t.csv", index=False)
    (here / "locked").mkdir(mode=0o500)
    code, _, err = command("label t.csv --votes lf_* --out locked/o.csv")
    assert code == 1
    assert "cannot write to locked" in err


def test_a_finished_run_is_not_repeated_and_says_the_same(command, here, table):
    table.to_csv("t.csv", index=False)
    line = "label t.csv --votes lf_* --id id --out o.csv"
    _, first, _ = command(line)
    stamp = os.stat("o.csv").st_mtime_ns
    code, again, err = command(line)
    assert code == 0
    assert again == first
    assert "unchanged" in err
    assert os.stat("o.csv").st_mtime_ns == stamp


def test_an_output_of_other_inputs_is_kept_unless_forced(command, here, table):
    table.to_csv("t.csv", index=False)
    (here / "o.csv").write_text("mine")
    line = "label t.csv --votes lf_* --id id --out o.csv"
    code, _, err = command(line)
    assert code == 1
    assert "--force" in err
    assert (here / "o.csv").read_text() == "mine"
    assert command(f"{line} --force")[0] == 0
    # other parameters, other inputs, an output that somebody has edited
    assert command(f"{line} --random-state 1")[0] == 1
    table.iloc[1:].to_csv("t.csv", index=False)
    assert command(line)[0] == 1
    assert command(f"{line} --force")[0] == 0
    (here / "o.csv").write_text("edited")
    assert command(line)[0] == 1


def test_the_record_says_what_an_output_was_made_from(command, here, table):
    table.to_csv("t.csv", index=False)
    command("label t.csv --votes lf_* --id id --out o.csv")
    record = json.loads((here / "o.csv.run.json").read_text())
    assert record["command"] == "label"
    assert record["inputs"]["table"][0]["path"] == "t.csv"
    assert record["parameters"]["votes"] == ["lf_*"]
    assert sorted(os.listdir()) == ["o.csv", "o.csv.run.json", "t.csv"]


def test_progress_goes_to_stderr_when_asked_for(command, here, table):
    table.to_csv("t.csv", index=False)
    line = "label t.csv --votes lf_* --out o.csv --force"
    _, silent_out, silent = command(line)
    _, out, said = command(f"{line} --progress")
    assert "fitting the label model" in said
    assert "fitting" not in silent
    assert out == silent_out


def test_who_stops_reading_gets_no_traceback(here, table):
    table.to_csv("t.csv", index=False)
    line = f"{sys.executable} -m overlapkit label t.csv --votes 'lf_*' --out o.csv"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line} | true"],
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert done.returncode == 0
