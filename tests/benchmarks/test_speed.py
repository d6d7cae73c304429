import sys

import pytest

from benchmarks import speed
from benchmarks.speed.harness import Result, paired, shortfalls


@pytest.mark.parametrize(
    "row", ["change-point", "label-model", "memory", "signed-mean", "sources"]
)
def test_a_row_runs_and_its_results_agree_with_the_baseline(row, capsys):
    pytest.importorskip("ruptures")
    # The return value says whether results agree; how fast they came is not tested.
    assert speed.main(["--quick", "--repeats", "1", "--only", row]) == 0
    assert "| work" in capsys.readouterr().out


def test_the_protocol_is_left_out_without_torch(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert speed.main(["--quick", "--only", "protocol"]) == 0
    assert "not run (torch is not installed)" in capsys.readouterr().out


def test_a_shortfall_is_reported_from_the_right_side():
    slow = Result("work", "baseline", 2.0, 1.0, 2.0, "at most", 1.5)
    assert not slow.reached
    assert shortfalls([slow]) == ["work: 2 x where at most 1.5 x was wanted."]
    assert Result("work", "baseline", 2.0, 1.0, 2.0, "at least", 1.5).reached
    differs = Result("work", "baseline", 1.0, 1.0, 1.0, "at most", 1.5, agrees=False)
    assert not differs.reached
    assert "differ" in shortfalls([differs])[0]


def test_timings_are_paired():
    calls = []
    medians, ratios = paired(
        lambda: calls.append("ours"),
        lambda: calls.append("theirs"),
        repeats=3,
        shortest=0,
    )
    assert calls[-6:] == ["ours", "theirs"] * 3
    assert len(medians) == 2
    assert len(ratios) == 1
