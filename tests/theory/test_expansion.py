import itertools
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.neighbors import radius_neighbors_graph

from overlapkit.theory import neighborhood_graph
from overlapkit.theory._expansion import estimate_expansion, robust_mask, robust_sets
from tests.support.oracles_theory import make_groups, slow_ratio, slow_robust


@pytest.mark.parametrize("options", [{"radius": 0.8}, {"n_neighbors": 3}])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_graph_is_symmetric_and_has_no_loops(options, metric):
    X = np.random.RandomState(0).randn(40, 3)
    graph = neighborhood_graph(X, metric=metric, **options)
    dense = graph.toarray()
    assert dense.dtype == bool
    assert dense.any()
    np.testing.assert_array_equal(dense, dense.T)
    assert not dense.diagonal().any()
    if "n_neighbors" in options:
        assert (dense.sum(axis=1) >= 3).all()


def test_graph_needs_exactly_one_rule():
    for options in ({}, {"radius": 1.0, "n_neighbors": 2}):
        with pytest.raises(ValueError, match="exactly one of radius"):
            neighborhood_graph([[0.0], [1.0]], **options)


def test_rows_in_single_precision_give_no_warning():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(20, 3)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph = neighborhood_graph(X, n_neighbors=3)
    assert graph.shape == (20, 20)


@pytest.mark.parametrize("seed", range(5))
def test_robust_rows_against_a_slow_search(seed):
    graph, y_true, _, y_pred, _ = make_groups(
        n_groups=4, noise=0.05, links=0.2, seed=seed
    )
    members = np.stack([y_pred, y_true, 1 - y_pred])
    expected = np.stack([slow_robust(graph, member) for member in members])
    assert 0 < expected[0].sum() < len(y_true)
    np.testing.assert_array_equal(robust_mask(graph, members), expected)
    np.testing.assert_array_equal(robust_mask(graph, y_pred), expected[0])
    wrong = robust_sets(graph, members, y_true)
    right = robust_sets(graph, members, y_true, mistakes=False)
    np.testing.assert_array_equal(wrong, expected & (members != y_true))
    np.testing.assert_array_equal(right, expected & (members == y_true))


def test_eta_is_a_share_of_neighbours():
    graph = np.array([[0, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    labels = np.array(["a", "b", "a", "a"])
    for eta, expected in ((0.0, False), (0.33, False), (0.34, True)):
        np.testing.assert_array_equal(
            robust_mask(graph, labels, eta=eta), [expected, True, True, True]
        )


def test_distance_graphs_keep_duplicates_as_neighbours():
    """A stored distance of 0 is a link, as everywhere in scikit-learn."""
    X = np.array([[0.0], [0.0], [5.0]])
    graph = radius_neighbors_graph(X, 1.0, mode="distance")
    np.testing.assert_array_equal(robust_mask(graph, [0, 1, 1]), [False, False, True])


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, sp.coo_matrix])
def test_expansion_against_a_slow_search(form):
    rng = np.random.RandomState(0)
    graph = rng.uniform(size=(30, 30)) < 0.08
    graph |= graph.T
    A = np.arange(30) < 12
    B = (np.arange(30) >= 12) & (np.arange(30) < 26)
    sets = rng.uniform(size=(25, 30)) < rng.uniform(0, 0.6, size=(25, 1))
    for q in (0.0, 0.2, 0.5):
        estimate = estimate_expansion(form(graph), A, B, sets, q=q)
        counted = sets[:, B].mean(axis=1) > q
        assert estimate.n_sets == counted.sum() > 0
        np.testing.assert_array_equal(~np.isnan(estimate.ratios), counted)
        slow = [slow_ratio(graph, A, B, U) for U in sets[counted]]
        np.testing.assert_allclose(estimate.ratios[counted], slow)
        assert estimate.c == pytest.approx(min(slow))


def test_more_sets_can_only_lower_the_estimate():
    rng = np.random.RandomState(1)
    graph = rng.uniform(size=(20, 20)) < 0.2
    A = np.arange(20) < 10
    B = ~A
    members = np.flatnonzero(B)
    every = np.zeros((2**10, 20), dtype=bool)
    for row, subset in enumerate(itertools.product([False, True], repeat=10)):
        every[row, members] = subset
    some = estimate_expansion(graph, A, B, every[::37])
    assert estimate_expansion(graph, A, B, every).c <= some.c


def test_no_set_to_expand_is_infinite_expansion():
    A = np.array([True, False])
    sets = np.array([[True, False]])  # no row of it in B
    estimate = estimate_expansion(np.ones((2, 2)), A, ~A, sets)
    assert (estimate.c, estimate.n_sets) == (np.inf, 0)


def test_bad_input_of_the_estimate():
    A = np.array([True, False])
    sets = np.array([[False, True]])
    graph = np.ones((2, 2))
    for arguments, message in (
        ((graph, A & ~A, A, sets), "A has no row"),
        ((graph, A, A & ~A, sets), "B has no row"),
        ((graph, [0, 1], A, sets), "A must be a boolean mask"),
        ((graph, A, A, sets[0]), "sets must be boolean"),
        ((graph, A, A, sets.astype(int)), "sets must be boolean"),
        ((np.ones((2, 3)), A, A, sets), "graph must be square"),
    ):
        with pytest.raises(ValueError, match=message):
            estimate_expansion(*arguments)
    with pytest.raises(ValueError, match="graph must be 3 by 3"):
        robust_mask(graph, [0, 1, 0])
    with pytest.raises(ValueError, match="predictions must have shape"):
        robust_mask(graph, np.zeros((1, 1, 2)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        robust_sets(graph, [0, 1], [0, 1, 1])
