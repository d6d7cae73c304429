"""Work that is killed, or that cannot be written, loses nothing that was finished."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from overlapkit._cli import main
from overlapkit._cli._run import replacing

ROOT = Path(__file__).resolve().parents[1]
KILLS = 20
OVERLAPKIT = [sys.executable, "-m", "overlapkit"]
REPORT = "report t.csv --id id --label label --votes lf_* --repeats 2 --jobs 1".split()
SOURCES = (
    "sources --batches b --state s.json --sources forum mail --votes lf_* "
    "--classes no yes --rounds 8 --reference-rounds 2"
).split()
# batches in the order asked for, the state in a file that is replaced after each
LIVE = """
import json, os, sys
import numpy as np
from sklearn.linear_model import LogisticRegression
from overlapkit import OverlapDetector, UCBSourceSelector
from overlapkit.datasets import make_overlap_sources

pool = make_overlap_sources([0.1, 0.5, 0.8], n_rows=400, random_state=0)
selector = UCBSourceSelector(
    LogisticRegression(), n_rounds=30, batch_size=20, n_reference_rounds=3,
    detector=OverlapDetector(weak_columns=pool.easy_columns, random_state=0),
    random_state=0,
)
done = 0
if os.path.exists("state.npz"):
    with np.load("state.npz") as file:
        arrays = {name: file[name] for name in file.files}
    state = json.loads(str(arrays.pop("state")))
    selector.from_dict({**state, "arrays": arrays})
    done = len(selector.history_)
for t in range(done, 30):
    source = selector.next_source_ if t else 0
    rows = np.flatnonzero(pool.sources == source)
    rows = np.random.RandomState(t).choice(rows, 20, replace=False)
    selector.partial_fit(pool.X[rows], pool.y[rows], sources=source)
    state = selector.to_dict()
    arrays = state.pop("arrays")
    np.savez("writing.npz", state=json.dumps(state), **arrays)
    os.replace("writing.npz", "state.npz")
"""


def small_table():
    rng = np.random.default_rng(0)
    n = 200
    spam = rng.random(n) < 0.5
    truth, other = np.where(spam, "spam", "ham"), np.where(spam, "ham", "spam")
    frame = pd.DataFrame({"id": np.arange(n), "size": rng.normal(size=n) + 1.5 * spam})
    for j in range(4):
        frame[f"lf_{j}"] = np.where(rng.random(n) < 0.8, truth, other)
    frame["label"] = pd.Series(truth).where(np.arange(n) < 40)
    return frame


def save_batches(folder):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        sign = rng.choice([-1, 1], 60)
        frame = pd.DataFrame(rng.normal(size=(60, 4)) + sign[:, None])
        frame = frame.add_prefix("x")
        for j in range(4):
            vote = np.where(rng.random(60) < 0.9, sign, -sign)
            frame[f"lf_{j}"] = np.where(vote > 0, "yes", "no")
        source = folder / "b" / ("forum", "mail")[seed % 2]
        source.mkdir(parents=True, exist_ok=True)
        frame.to_csv(source / f"{seed}.csv", index=False)


def prepare_report(folder):
    small_table().to_csv(folder / "t.csv", index=False)
    return [*OVERLAPKIT, *REPORT, "--out", "r"], ["r"]


def prepare_sources(folder):
    save_batches(folder)
    return [*OVERLAPKIT, *SOURCES], ["s.json"]


def prepare_label(folder):
    small_table().to_csv(folder / "t.csv", index=False)
    options = "label t.csv --votes lf_* --id id --label label --out weak.parquet"
    return [*OVERLAPKIT, *options.split()], ["weak.parquet"]


def prepare_detect(folder):
    rng = np.random.default_rng(0)
    high = rng.choice([0.6, 0.95], 20_000)
    np.save(folder / "P.npy", np.column_stack([high, 1 - high]).astype(np.float32))
    np.save(folder / "S.npy", rng.normal(size=(20_000, 64)).astype(np.float16))
    options = "detect --strong S.npy --weak-proba P.npy --out R.parquet"
    return [*OVERLAPKIT, *options.split()], ["R.parquet"]


def prepare_live(folder):
    (folder / "live.py").write_text(LIVE)
    return [sys.executable, "live.py"], ["state.npz"]


def prepare_main_job(folder):
    options = "--datasets mushroom --strong logistic --seeds 3 --n-jobs 1 --out r"
    return [sys.executable, "-m", "benchmarks", *options.split()], ["r"]


def results(folder, made):
    """Name -> content of all files that are not of a stopped write."""
    found = {}
    for name in made:
        path = folder / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found[str(file.relative_to(folder))] = file.read_bytes()
    return found


def start(command, folder):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize(
    "prepare",
    [
        prepare_label,
        prepare_sources,
        prepare_detect,
        prepare_report,
        prepare_live,
        prepare_main_job,
    ],
)
def test_work_killed_at_any_moment_ends_in_the_same_bytes(prepare, tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    command, made = prepare(whole)
    assert start(command, whole).wait() == 0
    begun = time.monotonic()
    again = tmp_path / "timed"
    again.mkdir()
    prepare(again)
    assert start(command, again).wait() == 0
    seconds = time.monotonic() - begun
    expected = results(whole, made)
    assert results(again, made) == expected
    rng, killed, finished = np.random.default_rng(0), 0, 0
    while killed < KILLS:
        folder = tmp_path / f"run{finished}"
        if not folder.exists():
            folder.mkdir()
            prepare(folder)
        process = start(command, folder)
        try:
            process.wait(timeout=rng.uniform(0.2, 1) * seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
            continue
        assert process.returncode == 0
        finished += 1
    assert start(command, folder).wait() == 0
    for number in range(finished + 1):
        folder = tmp_path / f"run{number}"
        if folder.exists():
            left = results(folder, made)
            # what a killed process could not remove is removed after an hour
            left = {k: v for k, v in left.items() if not Path(k).name.startswith(".")}
            assert left == expected


def test_files_of_killed_writes_are_removed_after_an_hour(tmp_path):
    path = tmp_path / "state.json"
    for name, age in ((".state.abcdefgh.json", 7200), (".state.ijklmnop.json", 5)):
        (tmp_path / name).write_text("half")
        then = time.time() - age
        os.utime(tmp_path / name, (then, then))
    with replacing(path) as temporary:
        temporary.write_text("whole")
    # the younger one may be of a run that goes on
    assert sorted(os.listdir(tmp_path)) == [".state.ijklmnop.json", "state.json"]


def limited(command, folder, size, **options):
    """Run a command that can write files of at most `size` bytes, as on a full disk."""
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        preexec_fn=limit,
        **options,
    )


@pytest.mark.skipif(os.name != "posix", reason="limits of a process")
@pytest.mark.parametrize("prepare", [prepare_report, prepare_sources])
def test_a_full_disk_is_said_and_leaves_nothing(prepare, tmp_path):
    command, _ = prepare(tmp_path)
    before = sorted(str(p) for p in tmp_path.rglob("*"))
    done = limited(command, tmp_path, 100)
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(str(p) for p in tmp_path.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits of a process")
def test_a_full_disk_leaves_the_state_that_was_written(tmp_path):
    command, _ = prepare_sources(tmp_path)
    last = tmp_path / "b" / "mail" / "7.csv"
    late = last.rename(tmp_path / "7.csv")
    assert limited(command, tmp_path, 1 << 30).returncode == 0
    state = (tmp_path / "s.json").read_bytes()
    assert len(json.loads(state)["batches"]) == 7
    late.rename(last)
    assert limited(command, tmp_path, 100).returncode == 1
    assert (tmp_path / "s.json").read_bytes() == state
    assert limited(command, tmp_path, 1 << 30).returncode == 0
    assert len(json.loads((tmp_path / "s.json").read_text())["batches"]) == 8


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="only root can run a command as another user; others: test_main.py",
)
@pytest.mark.parametrize("prepare", [prepare_report, prepare_sources])
def test_a_folder_that_another_user_may_only_read(prepare):
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with tempfile.TemporaryDirectory() as folder:  # that of pytest is private
        folder = Path(folder)
        folder.chmod(0o755)
        command, _ = prepare(folder)
        can_start = [*other, sys.executable, "-c", "import overlapkit, numpy"]
        if limited(can_start, folder, 1 << 30).returncode:
            pytest.skip("another user cannot read the environment")
        before = sorted(str(p) for p in folder.rglob("*"))
        done = limited([*other, *command], folder, 1 << 30)
        assert done.returncode == 1, done.stderr
        assert "Permission denied" in done.stderr
        assert done.stderr.splitlines()[-1].startswith("overlapkit ")
        assert "Traceback" not in done.stderr
        assert sorted(str(p) for p in folder.rglob("*")) == before


@pytest.mark.skipif(os.name != "posix", reason="locks of files")
def test_a_second_run_into_the_same_folder_is_refused_while_the_first_works(
    tmp_path, monkeypatch, capsys
):
    import fcntl

    command, _ = prepare_report(tmp_path)
    monkeypatch.chdir(tmp_path)
    work = tmp_path / "r" / ".overlapkit"
    work.mkdir(parents=True)
    with (work / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(command[3:]) == 1
        assert "another run is writing" in capsys.readouterr().err
        assert sorted(os.listdir(work)) == ["lock"]
    assert main(command[3:]) == 0  # the lock ends with the process that held it
    assert not work.exists()
