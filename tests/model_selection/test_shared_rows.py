"""Test rows that are rows to learn from are refused, by content."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from overlapkit.exceptions import SharedRowsWarning
from overlapkit.model_selection._shared_rows import check_test_rows, hash_content


def frames(X, kind):
    if kind == "array":
        return X
    if kind == "float32":
        return X.astype(np.float32).astype(np.float64)
    if kind == "sparse":
        return sparse.csr_array(X)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(
        text=[f"row {v:.6f}" for v in X[:, 0]],
        kind=pd.Categorical(np.where(X[:, 1] > 0, "up", "down")),
        day=pd.to_datetime("2020-01-01"),
    )
    if kind == "polars":
        polars = pytest.importorskip("polars")
        return polars.DataFrame(
            {name: frame[name].astype(object).tolist() for name in frame}, strict=False
        )
    return frame


def take(X, rows):
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


@pytest.mark.parametrize("kind", ["array", "float32", "sparse", "pandas", "polars"])
def test_rows_of_X_are_refused_in_every_form(kind):
    X = np.random.RandomState(0).normal(size=(300, 4))
    X = frames(X, kind)
    with pytest.raises(ValueError, match="100 of the 100 rows in X_test are also rows"):
        check_test_rows(X, take(X, list(range(100))))
    with pytest.raises(ValueError, match="20 of the 120 rows in X_test"):
        check_test_rows(take(X, list(range(200))), take(X, list(range(180, 300))))
    check_test_rows(take(X, list(range(200))), take(X, list(range(200, 300))))


def test_an_array_and_a_frame_of_the_same_numbers_are_the_same_rows():
    X = np.random.RandomState(0).normal(size=(20, 4))
    np.testing.assert_array_equal(hash_content(X), hash_content(pd.DataFrame(X)))
    np.testing.assert_array_equal(
        hash_content(X), hash_content(sparse.csr_array(X).tocsc())
    )
    whole = np.arange(40).reshape(20, 2)
    np.testing.assert_array_equal(hash_content(whole), hash_content(whole * 1.0))


@pytest.mark.parametrize("of", [np.asarray, pd.DataFrame])
def test_rows_rounded_to_single_precision_are_the_same_rows(of):
    X = np.random.RandomState(0).normal(size=(100, 4))
    with pytest.raises(ValueError, match="20 of the 20 rows in X_test"):
        check_test_rows(of(X), of(X[:20].astype(np.float32)))
    with pytest.raises(ValueError, match="20 of the 20 rows in X_test"):
        check_test_rows(of(X.astype(np.float32)), of(X[:20]))


def test_duplicates_that_chance_explains_are_no_shared_rows():
    """Five yes-or-no columns have 32 different rows: all new ones occur in X."""
    rng = np.random.RandomState(0)
    X, new = rng.randint(2, size=(200, 5)), rng.randint(2, size=(50, 5))
    check_test_rows(X, new)
    # a tenth of the rows occur twice, here and in new rows alike
    pool = rng.normal(size=(1000, 3))
    pool[:50] = pool[50:100]
    order = rng.permutation(1000)
    check_test_rows(pool[order[:700]], pool[order[700:]])


def test_a_few_rows_that_occur_twice_are_named_and_taken():
    # collections of texts hold a few sentences twice; a copied test set holds all
    rng = np.random.RandomState(0)
    X, X_test = rng.normal(size=(1000, 3)), rng.normal(size=(500, 3))
    X_test[:5] = X[:5]
    with pytest.warns(SharedRowsWarning, match="5 of the 500 rows in X_test are also"):
        check_test_rows(X, X_test)
    X_test[:100] = X[:100]
    with pytest.raises(ValueError, match="100 of the 500 rows in X_test are also"):
        check_test_rows(X, X_test)
