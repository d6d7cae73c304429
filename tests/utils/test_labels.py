"""Labels as users give them: in lists, arrays and series, some of them unknown."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit._utils.labels import (
    check_labels,
    join_labels,
    known_labels,
    same_marker,
)
from overlapkit.model_selection import overlap_curve

X = np.random.RandomState(0).normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)
NAMES = np.array(["a", "b"])[Y]
UNKNOWN = np.arange(60) < 20


def marked(labels, marker):
    """A plain list of labels and markers, which NumPy would cast to one type."""
    return [marker if u else v for v, u in zip(labels.tolist(), UNKNOWN.tolist())]


@pytest.mark.parametrize(
    ("labels", "marker"),
    [(NAMES, np.nan), (NAMES, -1), (NAMES, "?"), (Y, "?"), (Y, -1), (Y, np.nan)],
)
@pytest.mark.parametrize("container", [list, tuple, pd.Series])
def test_a_marker_is_no_class_whatever_holds_it(labels, marker, container):
    y = container(marked(labels, marker))
    model = WeakToStrongClassifier(
        LogisticRegression(), missing_label=marker, random_state=0
    ).fit(X, y)
    assert model.classes_.tolist() == np.unique(labels).tolist()
    expected = WeakToStrongClassifier(
        LogisticRegression(), missing_label=-9, random_state=0
    ).fit(X, np.where(UNKNOWN, -9, Y))
    np.testing.assert_array_equal(model.weak_proba_, expected.weak_proba_)


@pytest.mark.parametrize("marker", [np.nan, np.float32("nan"), pd.NA])
@pytest.mark.parametrize("dtype", ["Int64", "string"])
def test_what_pandas_calls_missing_is_missing(dtype, marker):
    y = pd.Series(Y if dtype == "Int64" else NAMES, dtype=dtype)
    y[UNKNOWN] = pd.NA
    detector = OverlapDetector(missing_label=marker, random_state=0).fit(X, y)
    assert (
        detector.classes_.tolist()
        == np.unique(Y if dtype == "Int64" else NAMES).tolist()
    )


@pytest.mark.parametrize(
    ("y", "marker", "message"),
    [
        (np.array(["a", "-1"]), -1, "string '-1', missing_label=-1 is no string"),
        (np.array(["a", "-1"]), -1.0, "string '-1', missing_label=-1.0 is no string"),
        (np.array(["a", "nan"]), np.nan, "string 'nan', missing_label=nan is no str"),
        ([0.0, np.nan], None, "contains NaN. If NaN stands for"),
        ([0.0, np.inf], np.nan, "contains infinity"),
    ],
)
def test_markers_that_cannot_be_meant_are_refused(y, marker, message):
    with pytest.raises(ValueError, match=message):
        check_labels(y, marker)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, "a"], "mixes strings and numbers"),
        (["a", float("nan")], "contains NaN"),
        (["a", None], "contains None"),
    ],
)
def test_labels_that_are_no_labels_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        known_labels(check_labels(y, None), None, 2)


def test_missing_values_beside_a_marker_are_named():
    y = np.array(["a", pd.NA, ""], dtype=object)
    with pytest.raises(ValueError, match="contains NaN"):
        known_labels(check_labels(y, ""), "", 3)


def test_batches_of_strings_and_of_markers_stay_apart():
    joined = join_labels([np.array(["a", "b"]), np.full(2, np.nan)])
    known, labels = known_labels(joined, np.nan, 4)
    assert known.tolist() == [True, True, False, False]
    assert labels.tolist() == ["a", "b"]
    assert join_labels([np.array([0, 1]), np.array([1])]).dtype.kind == "i"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (np.nan, np.float32("nan"), True),
        (np.nan, pd.NA, True),
        (-1, -1, True),
        (-1, "-1", False),
        (-1, np.int64(-1), True),
        (-1, -1.0, True),
        (-1, np.nan, False),
        (-1, True, False),
    ],
)
def test_same_marker(one, other, same):
    assert same_marker(one, other) is same


def test_truth_in_a_list_with_markers_counts_known_rows_only():
    curve = overlap_curve(
        LogisticRegression(),
        OverlapDetector(missing_label=np.nan, random_state=0),
        X,
        marked(NAMES, np.nan),
        X_test=X,
        y_test=NAMES,
        shares=[0, 1],
        n_repeats=1,
        random_state=0,
    )
    assert curve["label_purity"].max() > 0.9


def test_a_curve_refuses_labels_of_another_problem():
    with pytest.raises(ValueError, match=r"weak labels are \[0, 1\], .* \['a', 'b'\]"):
        overlap_curve(
            LogisticRegression(),
            OverlapDetector(random_state=0),
            X,
            Y,
            X_test=X,
            y_test=NAMES,
            n_repeats=1,
        )
