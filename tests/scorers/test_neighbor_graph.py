"""The exact graph of nearest neighbours behind the cut."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from overlapkit.scorers._neighbor_graph import nearest_neighbors


def brute_force(X, k):
    search = NearestNeighbors(n_neighbors=k, algorithm="brute")
    distances, neighbors = search.fit(X.astype(np.float64)).kneighbors()
    return neighbors, distances


@pytest.mark.parametrize(
    ("n", "d", "dtype"),
    [
        (1700, 40, np.float32),  # more rows than one tile
        (900, 3, np.float64),
        (400, 384, np.float16),
    ],
)
def test_as_scikit_learn_finds_them(n, d, dtype):
    X = np.random.RandomState(0).normal(size=(n, d)).astype(dtype)
    neighbors, distances = nearest_neighbors(X, 20)
    expected, expected_distances = brute_force(X, 20)
    assert np.mean(neighbors == expected) > 0.9999
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-6)


def test_distances_of_near_duplicates_far_from_the_origin_are_accurate():
    # in float32 the squared norm alone is wrong by more than these distances
    rng = np.random.RandomState(0)
    X = 1000 + np.repeat(rng.normal(size=(60, 10)), 2, axis=0)
    X[1::2] += 1e-3 * rng.normal(size=(60, 10))
    neighbors, distances = nearest_neighbors(X, 3)
    expected, expected_distances = brute_force(X - 1000, 3)
    np.testing.assert_array_equal(neighbors, expected)
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-4)


def test_integer_and_boolean_columns():
    X = np.random.RandomState(0).randint(0, 50, size=(120, 6))
    _, distances = nearest_neighbors(X, 5)
    np.testing.assert_allclose(distances, brute_force(X, 5)[1], rtol=1e-6)
    _, distances = nearest_neighbors(X > 20, 5)
    np.testing.assert_allclose(distances, brute_force(X > 20, 5)[1], rtol=1e-6)


def test_threads_do_not_matter():
    X = np.random.RandomState(0).normal(size=(3500, 8)).astype(np.float32)
    one, two = (nearest_neighbors(X, 10, n_jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


def test_order_of_the_rows_does_not_matter_even_where_distances_tie():
    # distinct rows of few values: most distances occur many times
    X = np.unique(np.random.RandomState(0).randint(0, 3, size=(400, 6)), axis=0)
    order = np.random.RandomState(1).permutation(len(X))
    neighbors, _ = nearest_neighbors(X.astype(np.float32), 5)
    again, _ = nearest_neighbors(X[order].astype(np.float32), 5)
    np.testing.assert_array_equal(order[again], neighbors[order])


def test_a_row_is_not_its_own_neighbour_but_its_copy_is():
    X = np.repeat(np.arange(5.0)[:, None] * 10, 2, axis=0)
    neighbors, distances = nearest_neighbors(X, 1)
    assert neighbors.ravel().tolist() == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8]
    assert not distances.any()


def test_memory_map_of_half_precision(tmp_path):
    X = np.random.RandomState(0).normal(size=(500, 12)).astype(np.float16)
    np.save(tmp_path / "X.npy", X)
    mapped = nearest_neighbors(np.load(tmp_path / "X.npy", mmap_mode="r"), 7)
    np.testing.assert_array_equal(mapped[0], nearest_neighbors(X, 7)[0])


def test_fewer_rows_than_neighbours():
    neighbors, distances = nearest_neighbors(np.eye(3), 20)
    assert neighbors.shape == distances.shape == (3, 2)
    assert nearest_neighbors(np.ones((1, 2)), 20)[0].shape == (1, 0)


def test_a_value_that_is_not_finite_is_named():
    X = np.ones((10, 2))
    X[7, 1] = np.nan
    with pytest.raises(ValueError, match="Row 7"):
        nearest_neighbors(X, 3)


@pytest.mark.parametrize("k", [1, 2, 7])
def test_candidates_beyond_those_asked_for_hide_no_mistake(monkeypatch, k):
    # whole numbers have exact products, so that none to spare are needed
    monkeypatch.setattr("overlapkit.scorers._neighbor_graph._SPARE", 0)
    X = np.random.RandomState(k).randint(-9, 10, size=(400, 3)).astype(np.float32)
    _, distances = nearest_neighbors(X, k)
    np.testing.assert_allclose(distances, brute_force(X, k)[1], rtol=1e-6)
