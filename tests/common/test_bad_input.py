"""Bad input to every public name: a right result, or an error that says what to do."""

import pytest

from tests.support import bad_input, valid_input
from tests.support.discovery import public_objects

# of the table in CI: every cell of this many, another part of it in every test below
STEP = 10


def problems(chosen):
    outcomes = bad_input.run(chosen)
    return [
        f"{outcome}: {cell}: {seen}"
        for outcome in ("bare", "silent", "hang")
        for cell, seen in outcomes[outcome]
    ]


def test_every_public_name_is_in_the_table():
    covered = {case.name.partition(".")[0] for case in valid_input.cases()}
    public = {
        path.rpartition(".")[2]
        for path in public_objects()
        if not path.startswith("overlapkit.exceptions.")
    }
    assert public - covered - set(valid_input.NOT_CALLED) == set()


@pytest.mark.parametrize("part", range(4))
def test_bad_input_is_read_right_or_refused(part):
    chosen = bad_input.cells()[part :: 4 * STEP]
    assert len(chosen) > 20
    assert problems(chosen) == []


@pytest.mark.slow
def test_the_whole_table():
    chosen = bad_input.cells()
    assert len(chosen) > 8000
    assert problems(chosen) == []


def test_a_silent_answer_and_a_bare_error_are_found():
    # the table itself: what a careless function does must show in the counts
    import numpy as np

    def careless(y):
        return np.asarray(y, dtype=float)[1:]

    case = valid_input.Case(
        "careless", careless, lambda: {"y": np.array([1.0, 0.0, 1.0])}, careless
    )
    changes = bad_input.changes_for(case, "y")
    outcomes = bad_input.run([bad_input.Cell(case, "y", change) for change in changes])
    assert any("NaN" in cell for cell, _ in outcomes["silent"])
    assert any("str" in cell for cell, _ in outcomes["bare"])
    assert any("list" in cell for cell, _ in outcomes["right"])
