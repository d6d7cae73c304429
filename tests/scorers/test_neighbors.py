"""The nearest hard rows, as a transformer finds them."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, clone
from sklearn.neighbors import KNeighborsTransformer

from overlapkit import OverlapDetector
from overlapkit.scorers._neighbors import fit_neighbors, neighbor_similarity
from overlapkit.scorers._region_rule import similarity_to
from overlapkit.scorers._similarity import reference_similarity
from tests.support.data import with_probabilities

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*show no separate groups", "ignore:.*overlap rows have the weak label"
)


def detector(d=6, **kwargs):
    return OverlapDetector(
        weak_estimator="precomputed",
        strong_columns=slice(0, d),
        weak_columns=slice(d, d + 2),
        aggregation="max",
        **kwargs,
    )


class Poor(BaseEstimator):
    """Finds the first point for even rows, nothing for odd ones."""

    def fit(self, X, y=None):
        self.n_ = len(X)
        return self

    def transform(self, X):
        even = np.arange(len(X)) % 2 == 0
        indptr = np.append(0, np.cumsum(even))
        columns = np.zeros(even.sum(), dtype=int)
        return csr_array((np.ones(len(columns)), columns, indptr), (len(X), self.n_))


class Wrong(Poor):
    def transform(self, X):
        return X


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("mode", ["distance", "connectivity"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_exact_neighbours_give_the_exact_maximum(metric, mode, dtype):
    _, _, X = with_probabilities()
    exact = detector(metric=metric).fit(X.astype(dtype))
    transformer = KNeighborsTransformer(n_neighbors=1, mode=mode)
    found = detector(metric=metric, neighbors=transformer).fit(X.astype(dtype))
    assert found.overlap_scores_.dtype == exact.overlap_scores_.dtype
    np.testing.assert_allclose(found.overlap_scores_, exact.overlap_scores_, atol=1e-6)
    np.testing.assert_array_equal(found.labels_, exact.labels_)
    new = with_probabilities(seed=1)[2].astype(dtype)
    np.testing.assert_allclose(found.transform(new), exact.transform(new), atol=1e-6)
    assert not hasattr(transformer, "n_features_in_")  # a clone was fitted


def test_a_score_is_never_too_large_and_rows_without_neighbour_are_exact():
    rng = np.random.default_rng(0)
    X, reference = rng.normal(size=(30, 4)), rng.normal(size=(20, 4))
    fitted = fit_neighbors(Poor(), reference, "cosine")
    largest = {"aggregation": "max"}
    scores = similarity_to(reference, X, "cosine", largest, fitted, None)
    exact = reference_similarity(X, reference, aggregation="max")
    first = reference_similarity(X, reference[:1], aggregation="max")
    np.testing.assert_allclose(scores[::2], first[::2])
    np.testing.assert_allclose(scores[1::2], exact[1::2])
    assert (scores <= exact + 1e-12).all()


def test_rows_of_zeros_resemble_nothing():
    X = np.zeros((3, 4))
    reference = np.eye(4)
    fitted = fit_neighbors(KNeighborsTransformer(n_neighbors=2), reference, "cosine")
    scores = neighbor_similarity(fitted, X, reference, "cosine")
    np.testing.assert_array_equal(scores, np.zeros(3))


def test_blocks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    X, reference = rng.normal(size=(50, 4)), rng.normal(size=(20, 4))
    fitted = fit_neighbors(KNeighborsTransformer(n_neighbors=1), reference, "cosine")
    whole = neighbor_similarity(fitted, X, reference, "cosine")
    monkeypatch.setattr("overlapkit.scorers._neighbors._BLOCK_BYTES", 7 * 32)
    np.testing.assert_allclose(
        neighbor_similarity(fitted, X, reference, "cosine"), whole, rtol=1e-12
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"aggregation": "mean"}, "compares with all"),
        ({"metric": "dot"}, "need not be near"),
        ({"neighbors": Wrong()}, "must turn rows into a sparse graph"),
        ({"neighbors": 5}, "'neighbors' parameter"),
    ],
)
def test_bad_use_is_named(params, message):
    _, _, X = with_probabilities()
    neighbors = KNeighborsTransformer(n_neighbors=1)
    bad = clone(detector(neighbors=neighbors)).set_params(**params)
    with pytest.raises(ValueError, match=message):
        bad.fit(X)


@pytest.mark.slow  # it compiles for half a minute
def test_pynndescent_finds_most_of_them():
    pynndescent = pytest.importorskip("pynndescent")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)).astype("f4")
    reference = rng.normal(size=(200, 4)).astype("f4")
    transformer = pynndescent.PyNNDescentTransformer(n_neighbors=15, random_state=0)
    scores = neighbor_similarity(
        fit_neighbors(transformer, reference, "cosine"), X, reference, "cosine"
    )
    exact = reference_similarity(X, reference, aggregation="max")
    assert (scores <= exact + 1e-6).all()
    assert np.mean(scores >= exact - 1e-6) > 0.9
