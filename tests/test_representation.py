"""The hidden layer in which rows are compared."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from overlapkit.representation import HiddenLayerRepresentation
from tests.support.data import two_views


@pytest.mark.parametrize("sizes", [(5,), (8, 3), [4, 4, 6]])
def test_the_last_hidden_layer_by_hand(sizes):
    data = two_views()
    layer = HiddenLayerRepresentation(sizes, random_state=0).fit(data.X, data.y)
    expected = data.X
    for weights, offset in zip(
        layer.network_.coefs_[:-1], layer.network_.intercepts_[:-1]
    ):
        expected = np.maximum(0, expected @ weights + offset)
    got = layer.transform(data.X)
    assert got.shape == (240, sizes[-1])
    np.testing.assert_allclose(got, expected)
    assert (got >= 0).all()
    # and what follows it is the network's own answer
    last = got @ layer.network_.coefs_[-1] + layer.network_.intercepts_[-1]
    np.testing.assert_array_equal(last.ravel() > 0, layer.network_.predict(data.X) == 1)


def test_it_learns_the_labels():
    data = two_views(separation=5.0)
    layer = HiddenLayerRepresentation(random_state=0).fit(data.X[:160], data.y[:160])
    hidden = layer.transform(data.X)
    probe = LogisticRegression(max_iter=500).fit(hidden[:160], data.y[:160])
    assert probe.score(hidden[160:], data.y[160:]) > 0.85
    assert hidden.std(axis=0).max() > 0


def test_seed_names_and_passes():
    data = two_views()
    fits = [
        HiddenLayerRepresentation((3,), max_iter=2, random_state=s).fit(data.X, data.y)
        for s in (0, 0, 1)
    ]
    a, b, c = (f.transform(data.X) for f in fits)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    assert fits[0].n_iter_ == 2
    assert fits[0].get_feature_names_out().tolist() == [
        f"hiddenlayerrepresentation{i}" for i in range(3)
    ]


def test_float32_stays_float32():
    data = two_views()
    layer = HiddenLayerRepresentation((3,), random_state=0)
    narrow = layer.fit(data.X.astype(np.float32), data.y)
    assert narrow.transform(data.X.astype(np.float32)).dtype == np.float32


def test_fewer_rows_than_a_batch():
    data = two_views()
    layer = HiddenLayerRepresentation((3,), batch_size=500, random_state=0)
    assert np.isfinite(layer.fit(data.X, data.y).transform(data.X)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_input(bad):
    data = two_views()
    X = data.X.copy()
    X[0, 0] = bad
    with pytest.raises(ValueError, match="Input X contains"):
        HiddenLayerRepresentation().fit(X, data.y)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        HiddenLayerRepresentation().transform(data.X)
    with pytest.raises(ValueError, match="inconsistent"):
        HiddenLayerRepresentation().fit(data.X, data.y[1:])
