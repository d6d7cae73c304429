"""The compiled network of the source paper's protocol."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.weak_supervision.networks import BATCH, EPOCHS, LAYERS, Network


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("n", [20, 150])  # fewer rows than a batch; a last batch of 22
def test_weights_are_those_of_scikit_learn(n_classes, n):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 12), dtype=np.float32)
    y = np.array(["a", "b", "c", "d"])[X[:, :n_classes].argmax(axis=1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        expected = MLPClassifier(
            LAYERS, max_iter=EPOCHS, batch_size=min(BATCH, n), random_state=3
        ).fit(X, y)
    found = Network(3).fit(X, y)
    for ours, theirs in zip(found.weights, expected.coefs_):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    for ours, theirs in zip(found.offsets, expected.intercepts_):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))
    last = found.hidden(X) @ found.weights[-1] + found.offsets[-1]
    scores = last[:, 0] if n_classes == 2 else last
    proba = expected.predict_proba(X)
    if n_classes == 2:
        np.testing.assert_allclose(1 / (1 + np.exp(-scores)), proba[:, 1], atol=1e-5)
    else:
        np.testing.assert_array_equal(scores.argmax(axis=1), proba.argmax(axis=1))


def test_one_class_is_predicted_where_one_was_seen():
    X = np.ones((5, 3), dtype=np.float32)
    network = Network(0).fit(X, np.full(5, 7))
    np.testing.assert_array_equal(network.predict(-X[:2]), [7, 7])
