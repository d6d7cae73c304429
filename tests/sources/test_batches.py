import pickle

import numpy as np
import pandas as pd
import pytest

from overlapkit.sources._batches import Batches


def batches(parts, labels=None):
    result = Batches()
    for k, part in enumerate(parts):
        result = result.with_batch(part, None if labels is None else labels[k])
    return result


def parts(n, rows=3, dtype=float):
    return [np.full((rows, 2), k, dtype=dtype) for k in range(n)]


def test_rows_are_those_of_all_batches_whenever_they_are_asked_for():
    result, given = Batches(), parts(20)
    for k, part in enumerate(given):
        result = result.with_batch(part, None)
        if k % 3 == 0:
            np.testing.assert_array_equal(result.X, np.concatenate(given[: k + 1]))
    np.testing.assert_array_equal(result.X, np.concatenate(given))
    assert result.y is None
    assert [result.X[slice(*span)][0, 0] for span in result.spans()] == list(range(20))


def test_a_row_is_copied_a_few_times_not_once_per_round(monkeypatch):
    copied, original = [], np.concatenate

    def spy(arrays, **kwargs):
        copied.append(sum(map(len, arrays)))
        return original(arrays, **kwargs)

    monkeypatch.setattr(np, "concatenate", spy)
    result, n = Batches(), 200
    for part in parts(n):
        result = result.with_batch(part, None)
        _ = result.X
    assert sum(copied) < 4 * n * 3  # anew in every round: n / 2 times that


def test_a_batch_that_is_not_kept_changes_nothing():
    kept = batches(parts(4))
    _ = kept.X
    refused = kept.with_batch(np.full((3, 2), 99.0), None)
    assert (refused.X[-3:] == 99).all()
    other = kept.with_batch(np.full((2, 2), 7.0), None)
    np.testing.assert_array_equal(kept.X, np.concatenate(parts(4)))
    assert (other.X[-2:] == 7).all()
    assert (refused.X[:-3] == kept.X).all()


@pytest.mark.parametrize("kinds", [("f4", "f4"), ("f4", "f8"), ("i8", "f4"), ("i4",)])
def test_precision_is_that_of_one_concatenation(kinds):
    given = [part for kind in kinds for part in parts(3, dtype=kind)]
    result = Batches()
    for part in given:
        result = result.with_batch(part, None)
        _ = result.X
    assert result.X.dtype == np.concatenate(given).dtype


def test_pickled_rows_continue_and_hold_no_empty_buffer():
    result = batches(parts(4, rows=1000))
    _ = result.X
    stored = pickle.dumps(result)
    assert len(stored) < 1.1 * result.X.nbytes
    loaded = pickle.loads(stored).with_batch(np.zeros((1, 2)), None)
    np.testing.assert_array_equal(loaded.X[:-1], result.X)


def test_labels_and_frames():
    frames = [pd.DataFrame({"a": [k, k]}) for k in range(3)]
    result = batches(frames, [np.array(["x", "y"])] * 3)
    assert result.X.index.tolist() == list(range(6))
    assert result.y.tolist() == ["x", "y"] * 3
    with pytest.raises(ValueError, match="all come with labels or all without"):
        result.check(frames[0], None)
    with pytest.raises(ValueError, match="is a ndarray, the first one was a DataFrame"):
        result.check(np.zeros((2, 1)), np.array(["x", "y"]))
