"""What the README promises is what runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands():
    return [
        line
        for block in re.findall(r"```\n(.*?)```", README, flags=re.DOTALL)
        for line in block.splitlines()
        if line.startswith("pip install")
    ]


def test_the_two_commands():
    assert commands()[:2] == [
        'pip install -e ".[bench]" && python -m benchmarks',
        'pip install -e ".[test]" && pytest',
    ]


def test_the_check_runs_the_test_command_as_printed():
    script = ROOT / ".ci" / "run"
    if not script.exists():
        pytest.skip("a source distribution has no .ci/run")
    assert commands()[1] in script.read_text(encoding="utf-8").splitlines()


def test_quick_start_runs_and_is_short():
    code = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL).group(1)
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    printed = re.findall(r": 0(\.\d+) on hard rows", done.stdout)
    said = re.search(r"prints (\.\d+), (\.\d+), (\.\d+) and (\.\d+):", README).groups()
    # other versions of the libraries may move the last digit
    assert [float(a) for a in printed] == pytest.approx(
        [float(a) for a in said], abs=0.02
    )
