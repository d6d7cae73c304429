import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer

from overlapkit.datasets import stack_views


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_arrays_keep_their_dtype_and_slices_give_the_views_back(dtype):
    strong = np.arange(12).reshape(4, 3).astype(dtype)
    weak = -np.arange(8).reshape(4, 2).astype(dtype)
    X, strong_columns, weak_columns = stack_views(strong=strong, weak=weak)
    assert X.dtype == dtype
    np.testing.assert_array_equal(X[:, strong_columns], strong)
    np.testing.assert_array_equal(X[:, weak_columns], weak)


def test_slices_select_columns_in_a_column_transformer():
    strong, weak = np.ones((4, 3)), np.zeros((4, 2))
    X, strong_columns, weak_columns = stack_views(strong=strong, weak=weak)
    for view, columns in ((strong, strong_columns), (weak, weak_columns)):
        picked = ColumnTransformer([("view", "passthrough", columns)]).fit_transform(X)
        np.testing.assert_array_equal(picked, view)


def test_inputs_are_not_changed_and_not_shared():
    strong, weak = np.ones((4, 3)), np.zeros((4, 2))
    X, _, _ = stack_views(strong=strong, weak=weak)
    X[:] = 7
    assert (strong == 1).all()
    assert (weak == 0).all()


def test_lists_are_taken():
    X, _, weak = stack_views(strong=[[1, 2], [3, 4]], weak=[[5], [6]])
    assert X.tolist() == [[1, 2, 5], [3, 4, 6]]
    assert weak == slice(2, 3)


def test_frames_keep_names_index_and_column_dtypes():
    index = ["a", "b"]
    strong = pd.DataFrame({"s0": [1.5, 2], "s1": ["x", "y"]}, index=index)
    weak = pd.DataFrame({"lf0": [0, -1]}, dtype=np.int8, index=index)
    X, strong_columns, weak_columns = stack_views(strong=strong, weak=weak)
    assert X.index.tolist() == index
    pd.testing.assert_frame_equal(X.iloc[:, strong_columns], strong)
    pd.testing.assert_frame_equal(X.iloc[:, weak_columns], weak)


def test_mixed_dtypes_are_refused_with_the_cast_to_write():
    strong = np.ones((4, 3), dtype=np.float32)
    message = (
        r"strong is float32 and weak is float64: .*"
        r"weak.astype\('float32'\) or strong.astype\('float64'\)"
    )
    with pytest.raises(ValueError, match=message):
        stack_views(strong=strong, weak=np.ones((4, 2)))
    with pytest.raises(ValueError, match="strong is float32 and weak is int8"):
        stack_views(strong=strong, weak=np.ones((4, 2), dtype=np.int8))
    with pytest.raises(ValueError, match=message):
        stack_views(
            strong=pd.DataFrame(strong).add_prefix("s"),
            weak=pd.DataFrame(np.ones((4, 2))).add_prefix("w"),
        )


@pytest.mark.parametrize(
    ("strong", "weak", "error", "message"),
    [
        (np.ones((4, 2)), np.ones((3, 2)), ValueError, "strong has 4 rows and weak ha"),
        (
            np.ones((4, 2)),
            np.ones(4),
            ValueError,
            r"weak has shape \(4,\), expected tw",
        ),
        (np.ones(4), np.ones((4, 2)), ValueError, r"strong.reshape\(-1, 1\)"),
        (
            pd.DataFrame({"a": [1.0]}),
            np.ones((1, 1)),
            TypeError,
            r"strong is a DataFrame and weak is a ndarray: .*strong.to_numpy\(\)",
        ),
        (np.ones((1, 1)), pd.DataFrame({"a": [1.0]}), TypeError, "weak is a DataFrame"),
        (
            np.ones((2, 2)),
            sparse.eye(2, format="csr"),
            TypeError,
            "weak is sparse: .*scipy.sparse.hstack",
        ),
        (
            pd.DataFrame({"a": [1.0], "b": [1.0]}),
            pd.DataFrame({"b": [1.0]}),
            ValueError,
            r"column names occur twice: \['b'\]; .*add_prefix\('weak__'\)",
        ),
        (
            pd.DataFrame({"a": [1.0, 2.0]}),
            pd.DataFrame({"b": [1.0, 2.0]}, index=[1, 0]),
            ValueError,
            "different indices",
        ),
    ],
)
def test_views_that_do_not_fit_are_refused(strong, weak, error, message):
    with pytest.raises(error, match=message):
        stack_views(strong=strong, weak=weak)
