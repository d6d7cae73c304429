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
        for language, block in re.findall(
            r"```(\w*)\n(.*?)```", README, flags=re.DOTALL
        )
        for line in block.splitlines()
        if not language and line.startswith("pip install")
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
    lines = script.read_text(encoding="utf-8").splitlines()
    assert commands()[1] in [line.strip() for line in lines]


def test_the_first_example_runs_and_prints_what_is_said():
    code = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL).group(1)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    first, summary = done.stdout.strip().split("\n")
    printed = [float(number) for number in first.split()]
    said = re.search(
        r"prints (0\.\d+) for the 100 labels alone, (0\.\d+) for the votes alone and "
        r"(0\.\d+)",
        README,
    ).groups()
    # other versions of the libraries may move the last digit
    assert printed == pytest.approx([float(number) for number in said], abs=0.02)
    assert printed[2] > max(printed[:2])
    assert summary.startswith("Shares of the evidence")
