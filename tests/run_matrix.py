"""Run the compatibility tests against every supported scikit-learn.

``python tests/run_matrix.py`` makes one virtual environment per version, installs
overlapkit in it and runs the common checks, the estimator contract and the composition
tests. ``--all`` runs the whole suite instead. ``floors`` is the oldest version of
everything at once, as pyproject.toml declares it. Environments are kept in ``.matrix``
and used again.
"""

import argparse
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
# version -> what is installed for it; the oldest is the floor of pyproject.toml
VERSIONS = {
    "floors": None,
    "1.6": ["scikit-learn==1.6.*"],
    "1.7": ["scikit-learn==1.7.*"],
    "1.8": ["scikit-learn==1.8.*"],
    "newest": ["scikit-learn"],
}
TESTS = [
    "tests/common/test_common.py",
    "tests/common/test_estimator_contract.py",
    "tests/common/test_composition.py",
    "tests/common/test_progress.py",
]


def main(argv=None):
    """Run the chosen versions; the exit code is 0 when all of them pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", nargs="+", choices=VERSIONS, default=VERSIONS)
    parser.add_argument("--all", action="store_true", help="the whole suite")
    parser.add_argument("--environments", type=Path, default=ROOT / ".matrix")
    options = parser.parse_args(argv)
    outcomes = {}
    for version in options.versions:
        print(f"\n== scikit-learn {version}", flush=True)
        wanted = _floors() if version == "floors" else VERSIONS[version]
        python = _environment(options.environments / version, wanted)
        command = [python, "-m", "pytest", *([] if options.all else TESTS)]
        outcomes[version] = subprocess.run(command, cwd=ROOT).returncode
    for version, code in outcomes.items():
        print(f"scikit-learn {version}: {'passed' if code == 0 else 'FAILED'}")
    return max(outcomes.values())


def _floors():
    """Every dependency at the lowest version that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *extras["bench"], *extras["test"]]
    return [
        re.sub(r">=", "==", requirement)
        for requirement in declared
        if ">=" in requirement
    ]


def _environment(folder, requirements):
    """Python of an environment that holds overlapkit and the requirements."""
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "-e", ".[test]"]
    subprocess.run([*install, *requirements], cwd=ROOT, check=True)
    return str(python)


if __name__ == "__main__":
    sys.exit(main())
