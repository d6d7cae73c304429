"""Which columns each model sees."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import FileRows
from overlapkit.weak import WeakLabeler
from overlapkit.weak._views import check_features, resolve_columns, select_columns

X = np.arange(24.0).reshape(4, 6)
FRAME = pd.DataFrame(X, columns=list("abcdef")).assign(g=list("xyzx"))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (slice(1, 3), [1, 2]),
        (slice(4, None), [4, 5]),
        (slice(-2, None), [4, 5]),
        (slice(None, None, 2), [0, 2, 4]),
        ([3, 1], [3, 1]),
        ([-1], [5]),
        (2, [2]),
        (np.array([0, 5]), [0, 5]),
        ([True, False, False, True, False, False], [0, 3]),
        (np.arange(6) > 4, [5]),
        (lambda X: [X.shape[1] - 1], [5]),
    ],
)
def test_positions_of_an_array(columns, expected):
    indices = resolve_columns(X, columns, name="weak_columns")
    assert indices.tolist() == expected
    np.testing.assert_array_equal(select_columns(X, indices), X[:, expected])


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["b", "a"], ["b", "a"]),
        ("c", ["c"]),
        (slice("b", "d"), ["b", "c", "d"]),  # by name both ends belong to it
        ([0, 6], ["a", "g"]),
        (make_column_selector(dtype_include=float), list("abcdef")),
    ],
)
def test_columns_of_a_frame(columns, expected):
    indices = resolve_columns(FRAME, columns, name="weak_columns")
    view = select_columns(FRAME, indices)
    assert isinstance(view, pd.DataFrame)
    assert list(view.columns) == expected


@pytest.mark.parametrize("columns", [None, slice(None)])
def test_trap_1_all_columns_are_the_array_itself(columns):
    # ColumnTransformer reads slice(None) as a selection by name and refuses arrays
    indices = resolve_columns(X, columns, name="weak_columns")
    assert indices is None
    assert select_columns(X, indices) is X
    Z = np.random.RandomState(0).normal(size=(40, 3))
    y = (Z[:, 0] > 0).astype(int)
    for strong_columns in (None, slice(None)):
        detector = OverlapDetector(weak_columns=columns, strong_columns=strong_columns)
        assert detector.fit(Z, y).reference_.shape[1] == 3


def test_neighbouring_columns_are_not_copied():
    indices = resolve_columns(X, slice(1, 4), name="strong_columns")
    assert np.shares_memory(select_columns(X, indices), X)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([0, 6], r"weak_columns=\[0, 6\] does not fit X with 6 columns"),
        (slice(0, 9), r"slice\(0, 9, None\) selects columns that do not exist.*6 col"),
        (slice(-9, None), r"X has 6 columns, and -9 is beyond them"),
        (slice(8, None), r"X has 6 columns, and 8 is beyond them"),
        ([], r"weak_columns=\[\] selects no column"),
        (slice(3, 3), r"selects no column"),
        ([True, False], r"weak_columns is a mask of 2 columns, but X has 6"),
        ([False] * 6, r"selects no column"),
        (1.5, r"weak_columns=1.5 does not fit X with 6 columns"),
        (["a"], r"selects columns by name, but X is an array.*select by position"),
        ("a", r"selects columns by name, but X is an array"),
        (slice("a", "c"), r"selects columns by name, but X is an array"),
    ],
)
def test_a_selector_that_does_not_fit_is_an_error(columns, message):
    with pytest.raises(ValueError, match=message):
        resolve_columns(X, columns, name="weak_columns")


def test_an_unknown_name_is_an_error():
    with pytest.raises(ValueError, match=r"strong_columns=\['a', 'zz'\] does not fit"):
        resolve_columns(FRAME, ["a", "zz"], name="strong_columns")


def test_an_empty_frame_is_an_error_that_scikit_learn_users_know():
    with pytest.raises(ValueError, match=re.escape("0 sample(s)")):
        check_features(OverlapDetector(), FRAME.iloc[:0], reset=True)
    with pytest.raises(ValueError, match=re.escape("0 feature(s)")):
        check_features(OverlapDetector(), FRAME[[]], reset=True)


def test_frames_keep_their_categories_and_arrays_become_numbers():
    assert check_features(OverlapDetector(), FRAME, reset=True) is FRAME
    out = check_features(OverlapDetector(), X.tolist(), reset=True)
    np.testing.assert_array_equal(out, X)


def test_sparse_columns_are_refused_by_name():
    frame = pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0]})
    frame["b"] = frame["b"].astype(pd.SparseDtype(float, 0))
    with pytest.raises(TypeError, match=r"\['b'\] of X are sparse"):
        check_features(WeakLabeler(), frame, reset=True)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("rows.npy", "the name of a file"),
        (Path("rows.npy"), "the name of a file"),
        (["a.npy", "b.npy"], "the name of a file"),
        (FileRows(np.eye(3)), "a FileRows, .* pass its values"),
    ],
)
@pytest.mark.parametrize("model", [OverlapDetector(), WeakToStrongClassifier()])
def test_what_is_no_x_comes_with_the_way_to_open_it(source, message, model):
    with pytest.raises(TypeError, match=f"X is {message}.*stack_views"):
        model.fit(source, [0, 1, 0])


def test_an_arrow_table_comes_with_the_way_to_open_it():
    pa = pytest.importorskip("pyarrow")
    with pytest.raises(TypeError, match=r"an Arrow table.*open_rows\(X\).values"):
        OverlapDetector().fit(pa.table({"a": [1.0, 2.0]}), [0, 1])
