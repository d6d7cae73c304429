"""Rows that stay in their files answer like the array of their values."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overlapkit.datasets import stack_views

N, LEFT, RIGHT = 20, 5, 4
rng = np.random.default_rng(0)
STRONG = rng.normal(size=(N, LEFT)).astype(np.float16)
WEAK = rng.normal(size=(N, RIGHT)).astype(np.float32)
BOTH = np.hstack([STRONG.astype(np.float32), WEAK])


@pytest.fixture(scope="module")
def X(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    maps = {}
    for name, values in (("strong", STRONG), ("weak", WEAK)):
        np.save(folder / f"{name}.npy", values)
        maps[name] = np.load(folder / f"{name}.npy", mmap_mode="r")
    return stack_views(**maps)[0]


def keys(length):
    positions = st.lists(st.integers(-length, length - 1), min_size=1, max_size=6)
    masks = st.lists(st.booleans(), min_size=length, max_size=length)
    return st.one_of(
        st.slices(length),
        positions.map(np.array),
        positions,
        masks.filter(any).map(np.array),
    )


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_selections_of_selections_are_those_of_an_array(X, data):
    """Cross-validation and views select rows of columns of rows, in any order."""
    found, expected = X, BOTH
    for _ in range(data.draw(st.integers(1, 3))):
        if 0 in expected.shape:
            break
        axis = data.draw(st.sampled_from([0, 1]))
        key = data.draw(keys(expected.shape[axis]))
        if axis == 0:
            found, expected = found[key], expected[key]
        elif expected[:, key].shape[1]:
            found, expected = found[:, key], expected[:, key]
    assert found.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(found), expected)


def test_it_is_a_matrix_of_numbers(X):
    assert X.shape == BOTH.shape
    assert X.dtype == np.float32
    assert len(X) == N
    assert X[3, 4] == BOTH[3, 4]
    np.testing.assert_array_equal(X[3], BOTH[3])
    np.testing.assert_array_equal(X[:, 6], BOTH[:, 6])
    np.testing.assert_array_equal(X[[1, 2], ...], BOTH[[1, 2]])
    np.testing.assert_array_equal(X.astype(np.float64), BOTH)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(X[::3]))[:], BOTH[::3])
    assert "read in blocks" in repr(X)


def test_a_view_that_lies_in_one_file_is_that_map(X):
    view = X[2:, LEFT:]
    assert isinstance(view, np.memmap)
    assert view.dtype == np.float32


@pytest.mark.parametrize("key", [N, (0, 99), [N], (0, 0, 0), None, "a", [0.5]])
def test_what_is_outside_is_refused(X, key):
    with pytest.raises(IndexError):
        X[key]
