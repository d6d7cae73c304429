"""Cells on disk, and the page that shows what came out."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.cells import compute, digest, key_of, say_skipped
from benchmarks.gains import clear_gains, counts, win_matrix
from benchmarks.job.data import Unusable
from benchmarks.page import write_page

CALLS = []


def double(number):
    CALLS.append(number)
    if number < 0:
        raise Unusable("it is negative")
    return {"twice": np.float32(2 * number), "rows": np.int64(3)}


def key(data="a", **parameters):
    return key_of(data, parameters, "cells.py")


@pytest.fixture
def calls():
    CALLS.clear()
    return CALLS


def run(out, key, numbers=(1, 2)):
    cells = {("x", n): {"number": n} for n in numbers}
    return compute(double, cells, {"x": key}, out, 1)


def test_a_finished_cell_is_not_computed_again(tmp_path, calls):
    first, _ = run(tmp_path, key())
    assert first == {
        ("x", 1): {"twice": 2, "rows": 3},
        ("x", 2): {"twice": 4, "rows": 3},
    }
    assert run(tmp_path, key())[0] == first
    assert calls == [1, 2]
    run(tmp_path, key(), (1, 2, 3))
    assert calls == [1, 2, 3]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (key("b"), "data"),
        (key(strong="mlp"), "parameters"),
        ({**key(), "code": "another"}, "code"),
        ({**key(), "versions": "another"}, "versions"),
    ],
)
def test_another_key_is_computed_again_and_said(tmp_path, calls, capsys, other, what):
    run(tmp_path, key())
    run(tmp_path, other)
    assert calls == [1, 2, 1, 2]
    assert f"Cells with other {what} are computed again" in capsys.readouterr().out


def test_a_damaged_cell_is_computed_again(tmp_path, calls):
    run(tmp_path, key())
    path = tmp_path / "cells" / "x--1.json"
    path.write_text(path.read_text()[:20])
    results, _ = run(tmp_path, key())
    assert results["x", 1]["twice"] == 2
    assert calls == [1, 2, 1]


def test_what_cannot_be_computed_is_said_and_not_stored(tmp_path, calls, capsys):
    results, skipped = run(tmp_path, key(), (-1, 1))
    say_skipped({**skipped, "y": "it is empty"}, results)
    text = capsys.readouterr().out
    assert "x: some cells left out, it is negative" in text
    assert "y: left out, it is empty" in text
    assert skipped == {"x": "it is negative"}
    assert list(results) == [("x", 1)]
    assert len(list((tmp_path / "cells").iterdir())) == 1


def test_the_digest_sees_values_types_and_shapes():
    a = np.arange(6)
    different = [a, a[::-1], a.astype(np.int32), a.reshape(2, 3), "a", b"a"]
    assert len({digest(value) for value in different}) == len(different)
    assert digest(a[::2]) == digest(a[::2].copy())


def runs():
    """Model a beats b by 10 points in one set, nobody in the other."""
    rows = []
    for data, gain in (("one", 0.1), ("two", 0.0)):
        for seed in range(6):
            level = 0.6 + 0.01 * seed
            noise = 0.002 * (-1) ** seed
            for model, value in (("a", level + gain + noise), ("b", level)):
                rows.append({"data": data, "seed": seed, "model": model})
                rows[-1] |= {"accuracy": value, "test_train_ratio": 0.5}
    return pd.DataFrame(rows)


def test_gains_are_paired_by_seed():
    gains = clear_gains(runs(), [("a", "b"), ("a", "missing")]).set_index("data")
    np.testing.assert_allclose(gains["gain"], [0.1, 0.0], atol=1e-12)
    assert gains.loc["one", "low"] > 0.08  # levels differ by more than that
    assert gains.loc["two", "low"] < 0 < gains.loc["two", "high"]


def test_wins_count_sets_with_an_interval():
    table = win_matrix(runs(), ["a", "b"])
    assert table.loc["a", "b"] == "1 of 2"
    assert table.loc["b", "a"] == "0 of 2"
    single = runs().query("seed == 0 or data == 'two'")
    assert win_matrix(single, ["a", "b"]).loc["a", "b"] == "0 of 1"


def test_the_answer_counts_sets_with_an_interval():
    gains = pd.DataFrame(
        {
            "data": ["one", "two", "three"],
            "model": "a",
            "against": "b",
            "gain": [0.1, -0.1, 0.3],
            "low": [0.05, -0.2, np.nan],
            "high": [0.2, -0.05, np.nan],
        }
    )
    assert counts(gains, {"a": "students"}) == (
        "Students against b: clearly better on 1 of 2 data sets, clearly worse on 1."
    )
    assert counts(gains.iloc[:0], {}) == ""


def test_a_page_holds_everything_itself(tmp_path):
    figure_module = pytest.importorskip("matplotlib.figure")
    frame = pd.DataFrame({"data": ["<b>"], "value": [12.345], "none": [np.nan]})
    sections = [("First & only", "A text.", [frame, figure_module.Figure()])]
    write_page(tmp_path / "page.html", "Title", "An answer.", "a command", sections)
    page = (tmp_path / "page.html").read_text()
    assert "&lt;b&gt;" in page
    assert "<td>12.3</td>" in page
    assert "nan" not in page
    assert "First &amp; only" in page
    assert page.count("data:image/png;base64,") == 1
    assert "http" not in page
