"""The same results wherever and however Python runs."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# what uses every kind of kernel, and a table that comes with the package
WORK = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import load_spambase
from overlapkit.label_models import LabelModel
from overlapkit.scorers import CutStatisticScorer

def work():
    X, y = load_spambase(return_X_y=True)
    X, y = X[::40], y[::40]
    votes = np.where(X[:, :5] > 0, 1, -1)
    votes[:, 0] = y
    found = OverlapDetector(weak_columns=[0, 1, 2, 3], random_state=0).fit(X, y)
    cut = CutStatisticScorer(weak_columns=[0, 1, 2, 3], random_state=0).fit(X, y)
    model = LabelModel(classes=[0, 1], random_state=0).fit(votes)
    numbers = (found.scores_, cut.scores_, model.predict_proba(votes))
    return [float(np.abs(v[np.isfinite(v)]).sum()).hex() for v in numbers]
"""
PRINT = f"{WORK}\nprint(work())\n"


def ran(*arguments, path=ROOT, prefix=(), **environment):
    """What a new process prints."""
    done = subprocess.run(
        [*prefix, sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(path), **environment},
        cwd="/" if os.name == "posix" else None,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def expected():
    return ran("-c", PRINT)


@pytest.mark.slow
@pytest.mark.parametrize("option", ["-O", "-OO", "-I"])
def test_without_assertions_docstrings_and_variables(option, expected):
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{PRINT}"
    assert ran(option, "-c", code) == expected


@pytest.mark.slow
def test_hash_seeds_change_nothing(expected):
    assert ran("-c", PRINT, PYTHONHASHSEED="1") == expected
    assert ran("-c", PRINT, PYTHONHASHSEED="4711") == expected


@pytest.mark.slow
def test_from_a_zip_file(tmp_path, expected):
    archive = tmp_path / "packages.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((ROOT / "overlapkit").rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                file.write(path, path.relative_to(ROOT))
    where = "import overlapkit; print(overlapkit.__file__)"
    assert str(archive) in ran("-c", where, path=archive)
    assert ran("-c", PRINT, path=archive) == expected


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="only root can run a command as a user who has no home",
)
def test_without_a_home_or_a_cache_that_can_be_written():
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = subprocess.run([*other, sys.executable, "-c", "import numba"])
    if done.returncode:
        pytest.skip("another user cannot read the environment")
    home = {"HOME": "/nonexistent", "NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": ""}
    code = (
        "import overlapkit.scorers, overlapkit.label_models, overlapkit.theory\n"
        "from overlapkit.label_models import MajorityVote\n"
        "print(MajorityVote(classes=[0, 1]).fit([[0, 1], [1, 1]]).predict([[1, 1]]))"
    )
    assert ran("-c", code, prefix=other, **home) == "[1]\n"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_start_methods_of_processes(method, tmp_path, expected):
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this platform")
    # the parent has computed before, so that its threads and kernels are there
    script = tmp_path / "script.py"
    script.write_text(
        f"{WORK}\n"
        "if __name__ == '__main__':\n"
        "    import multiprocessing\n"
        "    first = work()\n"
        f"    with multiprocessing.get_context({method!r}).Pool(2) as pool:\n"
        "        parts = [pool.apply_async(work) for _ in range(2)]\n"
        "        assert all(part.get(timeout=120) == first for part in parts)\n"
        "    print(first)\n"
    )
    assert ran(str(script)) == expected
