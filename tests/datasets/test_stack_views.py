import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import (
    FileRows,
    make_overlap_classification,
    open_rows,
    stack_views,
)
from overlapkit.scorers import (
    ConfidenceScorer,
    CutStatisticScorer,
    SelfConfidenceScorer,
)


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


# ------------------------------------------------------------------- views in files

DATA = make_overlap_classification(
    n_easy=150, n_hard=150, n_overlap=150, random_state=0
)
STRONG, WEAK = DATA.X.astype(np.float16), DATA.X[:, :20].astype(np.float32)
y = DATA.y


def bits(values):
    """The upper halves of float32: bfloat16."""
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


@pytest.fixture(scope="module", params=["one file", "shards", "swapped", "bfloat16"])
def files(request, tmp_path_factory):
    """X of two files, the same in memory, and the slices."""
    folder, strong = tmp_path_factory.mktemp("views"), STRONG.astype(np.float32)
    if request.param == "one file":
        np.save(folder / "s.npy", STRONG)
        rows = open_rows(folder / "s.npy")
    elif request.param == "shards":
        np.save(folder / "s1.npy", STRONG[:200])
        np.save(folder / "s2.npy", STRONG[200:])
        rows = open_rows([folder / "s1.npy", folder / "s2.npy"])
    elif request.param == "swapped":
        np.save(folder / "s.npy", STRONG.astype(">f2"))
        rows = open_rows(folder / "s.npy")
    else:
        bits(STRONG).tofile(folder / "s.raw")
        rows = open_rows(
            folder / "s.raw", dtype="bfloat16", shape=(-1, STRONG.shape[1])
        )
        strong = (bits(STRONG).astype(np.uint32) << 16).view(np.float32)
    np.save(folder / "w.npy", WEAK)
    X, *columns = stack_views(
        strong=rows, weak=np.load(folder / "w.npy", mmap_mode="r")
    )
    return X, np.hstack([strong, WEAK]), dict(zip(NAMES, columns))


NAMES = "strong_columns", "weak_columns"
SCORERS = (OverlapDetector, ConfidenceScorer, CutStatisticScorer, SelfConfidenceScorer)


@pytest.mark.parametrize("scorer", SCORERS)
def test_scorers_read_two_files_like_an_array(files, scorer):
    X, in_memory, columns = files
    found = scorer(**columns, random_state=0).fit(X, y)
    expected = scorer(**columns, random_state=0).fit(in_memory, y)
    np.testing.assert_array_equal(found.scores_, expected.scores_)
    np.testing.assert_array_equal(
        found.score_samples(X[::3]), expected.score_samples(in_memory[::3])
    )


@pytest.mark.parametrize("selector", [None, OverlapDetector(), "auto"])
def test_students_read_two_files_like_an_array(files, selector):
    X, in_memory, columns = files
    student = WeakToStrongClassifier(
        LogisticRegression(), selector=selector, missing_label=-1, random_state=0
    ).set_params(**columns)
    labels = np.where(np.arange(len(y)) % 5, -1, y)
    found = student.fit(X, labels)
    selected, proba = found.selected_, found.predict_proba(X)
    expected = student.fit(in_memory, labels)
    np.testing.assert_array_equal(selected, expected.selected_)
    np.testing.assert_allclose(proba, expected.predict_proba(in_memory), atol=1e-6)


def test_rows_of_two_files_are_split_like_those_of_an_array(files):
    X, in_memory, columns = files
    student = WeakToStrongClassifier(LogisticRegression(), random_state=0, **columns)
    np.testing.assert_array_equal(
        cross_val_score(student, X, y, cv=3),
        cross_val_score(student, in_memory, y, cv=3),
    )
    parts = train_test_split(X, in_memory, random_state=0)
    assert not isinstance(parts[0], np.ndarray)
    for found, expected in zip(parts[:2], parts[2:]):
        np.testing.assert_array_equal(np.asarray(found), expected)


def test_a_row_of_a_file_that_is_not_finite_is_named(tmp_path):
    broken = STRONG.copy()
    broken[123, 2] = np.nan
    bits(broken).tofile(tmp_path / "s.raw")
    rows = open_rows(tmp_path / "s.raw", dtype="bfloat16", shape=broken.shape)
    X, strong_columns, weak_columns = stack_views(strong=rows, weak=FileRows(WEAK))
    detector = OverlapDetector(strong_columns=strong_columns, weak_columns=weak_columns)
    with pytest.raises(ValueError, match=r"strong view.* NaN in row 123"):
        detector.fit(X, y)


def test_text_beside_a_file_is_refused(tmp_path):
    np.save(tmp_path / "s.npy", STRONG)
    strong = np.load(tmp_path / "s.npy", mmap_mode="r")
    with pytest.raises(ValueError, match="weak has dtype <U1, expected numbers"):
        stack_views(strong=strong, weak=np.full((len(STRONG), 1), "a"))
    with pytest.raises(TypeError, match=r"weak.numbers\(\)"):
        stack_views(strong=strong, weak=FileRows(pd.DataFrame(WEAK)))
