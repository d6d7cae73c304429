"""Build sdist and wheel, look into them, and use the wheel in an empty environment.

``python tests/check_packaging.py``; a step of ``.ci/run``, apart from the suite because
it makes an environment of its own.
"""

import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = ("spambase.csv.gz", "mushroom.csv.gz", "spambase.txt", "mushroom.txt")
USE = """
from overlapkit import OverlapDetector
from overlapkit.datasets import load_spambase
X, y = load_spambase(return_X_y=True)
print(OverlapDetector(random_state=0).fit(X[::20], y[::20]).predict(X[:3]))
"""


def main():
    """Raise when something is missing, or there that should not be."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        builder = _environment(scratch / "build", "build", "twine")
        _run(builder, "-m", "build", "--outdir", scratch / "dist", ROOT)
        built = (scratch / "dist").iterdir()
        _run(builder, "-m", "twine", "check", "--strict", *built)
        wheel = next((scratch / "dist").glob("*.whl"))
        names = zipfile.ZipFile(wheel).namelist()
        strangers = [n for n in names if n.split("/")[0].split("-")[0] != "overlapkit"]
        assert not strangers, f"the wheel holds more than the package: {strangers}"
        assert not [n for n in names if "test" in n], "the wheel holds tests"
        for name in (*DATA, "py.typed"):
            assert any(n.endswith(f"/{name}") for n in names), f"no {name} in the wheel"
        sdist = next((scratch / "dist").glob("*.tar.gz"))
        with tarfile.open(sdist) as archive:
            inside = {"/".join(n.split("/")[1:]) for n in archive.getnames()}
        for name in (
            "tests/common/test_common.py",
            "examples/plot_02_spambase.py",
            "LICENSE",
            "CITATION.cff",
        ):
            assert name in inside, f"no {name} in the source distribution"
        user = _environment(scratch / "user", str(wheel))
        _run(user, "-c", USE, cwd=scratch)
    print(f"{wheel.name} and {sdist.name} are complete and work")


def _environment(folder, *requirements):
    """Python of a new environment that holds some requirements."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    _run(python, "-m", "pip", "install", "--quiet", *requirements)
    return python


def _run(*command, **options):
    subprocess.run([str(part) for part in command], check=True, **options)


if __name__ == "__main__":
    main()
