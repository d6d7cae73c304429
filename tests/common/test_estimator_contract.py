"""Promises of every public estimator, found by discovery, beyond scikit-learn's own."""

import pickle
from functools import cache

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags

from tests.support.discovery import public_estimators

ESTIMATORS = public_estimators()
METHODS = (
    "predict",
    "predict_proba",
    "decision_function",
    "score_samples",
    "transform",
)
N = 120
every_estimator = pytest.mark.parametrize(
    "cls", ESTIMATORS, ids=[cls.__name__ for cls in ESTIMATORS]
)
pytestmark = pytest.mark.filterwarnings(
    "ignore::overlapkit.exceptions.OverlapkitWarning"
)


def make(cls, **params):
    """An instance with defaults, repeatable and on one core."""
    names = cls().get_params()
    defaults = {"random_state": 0, "n_jobs": 1}
    return cls(**{k: v for k, v in (defaults | params).items() if k in names})


def reads_votes(cls):
    return get_tags(cls()).input_tags.categorical


def data(cls, *, seed=0, n_features=6):
    """Rows that an estimator of this kind is made for, and labels."""
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 2, size=N)
    if reads_votes(cls):
        right = rng.uniform(size=(N, n_features)) < np.linspace(0.6, 0.9, n_features)
        votes = np.where(right, y[:, None], 1 - y[:, None])
        votes[rng.uniform(size=votes.shape) < 0.2] = -1
        return votes.astype(float), y
    return rng.normal(size=(N, n_features)) + (2 * y[:, None] - 1), y


def outputs(estimator, X):
    return {
        name: np.asarray(getattr(estimator, name)(X))
        for name in METHODS
        if hasattr(estimator, name)
    }


@cache
def fitted(cls):
    """Shared by tests that only read: never refit or change it."""
    X, y = data(cls)
    return make(cls).fit(X, y)


def assert_same(got, expected, rtol=1e-10):
    """Equal but for rounding: sums depend on how rows are aligned in memory."""
    assert got.keys() == expected.keys()
    assert got
    for name, value in got.items():
        if value.dtype.kind == "f":
            np.testing.assert_allclose(
                value, expected[name], rtol=rtol, atol=1e-12, err_msg=name
            )
        else:
            np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_there_are_estimators():
    # a suite that discovers nothing would pass
    assert len(ESTIMATORS) >= 9


@every_estimator
def test_refit_is_idempotent_and_forgets_other_data(cls):
    X, y = data(cls)
    estimator = make(cls)
    other, other_y = data(cls, seed=1, n_features=4)
    frame = pd.DataFrame(other, columns=list("abcd"))
    estimator.fit(frame, other_y).fit(X, y)
    assert estimator.n_features_in_ == 6
    assert not hasattr(estimator, "feature_names_in_")
    assert_same(outputs(estimator, X), outputs(fitted(cls), X))


@every_estimator
def test_clone_after_fit_is_unfitted_and_fits_to_the_same(cls):
    X, y = data(cls)
    copy = clone(fitted(cls))
    assert [name for name in vars(copy) if name.endswith("_")] == []
    assert_same(outputs(copy.fit(X, y), X), outputs(fitted(cls), X))


@every_estimator
@pytest.mark.parametrize("how", ["pickle", "joblib"])
def test_saved_and_read_again_it_is_the_same(cls, how, tmp_path):
    X, _ = data(cls)
    if how == "pickle":
        again = pickle.loads(pickle.dumps(fitted(cls)))
    else:
        joblib.dump(fitted(cls), tmp_path / "estimator", compress=1)
        again = joblib.load(tmp_path / "estimator")
    assert_same(outputs(again, X), outputs(fitted(cls), X))


@every_estimator
@pytest.mark.parametrize("how", ["read-only", "memory map", "columns first", "view"])
def test_where_and_how_the_rows_lie_does_not_matter(cls, how, tmp_path):
    X, y = data(cls)
    if how == "read-only":
        given = X.copy()
        given.setflags(write=False)
        y.setflags(write=False)
    elif how == "memory map":
        np.save(tmp_path / "X.npy", X)
        given = np.load(tmp_path / "X.npy", mmap_mode="r")
    elif how == "columns first":
        given = np.asfortranarray(X)
    else:
        given = np.repeat(X, 2, axis=0)[::2]
    estimator = make(cls).fit(given, y)
    # products of other memory orders may round differently
    assert_same(outputs(estimator, given), outputs(fitted(cls), X), rtol=1e-6)


@every_estimator
def test_float32_in_float32_out(cls):
    X, y = data(cls)
    X = X.astype(np.float32)
    estimator = make(cls).fit(X, y)
    if hasattr(estimator, "transform"):
        keeps = get_tags(estimator).transformer_tags.preserves_dtype
        out = estimator.transform(X)
        assert out.dtype == (np.float32 if "float32" in keeps else out.dtype)
        assert "float32" in keeps or out.dtype.kind in "iu"
    wide = make(cls).fit(X.astype(np.float64), y)
    got, expected = outputs(estimator, X), outputs(wide, X.astype(np.float64))
    for name, value in got.items():
        if value.dtype.kind == "f":
            np.testing.assert_allclose(
                value, expected[name], rtol=1e-2, atol=2e-3, err_msg=name
            )
        else:  # a row next to a threshold may fall on its other side
            assert np.mean(value == expected[name]) > 0.98, name


@every_estimator
def test_frames_and_arrays_agree(cls):
    X, y = data(cls)
    names = [f"column {i}" for i in range(6)]
    frame = pd.DataFrame(X, columns=names, index=np.arange(N)[::-1])
    estimator = make(cls).fit(frame, pd.Series(y, index=frame.index))
    assert estimator.feature_names_in_.tolist() == names
    assert estimator.n_features_in_ == 6
    assert_same(outputs(estimator, frame), outputs(fitted(cls), X), rtol=1e-6)
    method = next(name for name in METHODS if hasattr(estimator, name))
    with pytest.raises(ValueError, match="feature names"):
        getattr(estimator, method)(frame.rename(columns={"column 0": "other"}))


@every_estimator
def test_set_output(cls):
    if not hasattr(cls, "transform"):
        assert not hasattr(cls(), "set_output")
        return
    X, y = data(cls)
    frame = pd.DataFrame(X, columns=list("abcdef"), index=np.arange(N) + 1000)
    estimator = make(cls).set_output(transform="pandas").fit(frame, y)
    out = estimator.transform(frame)
    assert isinstance(out, pd.DataFrame)
    assert out.index.equals(frame.index)
    assert out.columns.tolist() == estimator.get_feature_names_out().tolist()
    np.testing.assert_allclose(out, fitted(cls).transform(X), rtol=1e-10)
    assert len(set(out.columns)) == out.shape[1]


@every_estimator
def test_html_and_text(cls):
    for estimator in (cls(), fitted(cls)):
        assert cls.__name__ in estimator._repr_html_()
        assert repr(estimator).startswith(f"{cls.__name__}(")


@every_estimator
def test_scores_are_not_constant(cls):
    X, _ = data(cls)
    got = outputs(fitted(cls), X)
    for name, value in got.items():
        assert len(np.unique(value, axis=0)) > 1, name
        if value.dtype.kind == "f":
            assert np.isfinite(value).all(), name
            # every column says something
            assert (np.ptp(value.reshape(N, -1), axis=0) > 1e-6).any(), name
    if is_classifier(fitted(cls)):
        # the data are easy: an estimator that learns nothing is right in half of them
        assert np.mean(got["predict"] == data(cls)[1]) > 0.8


@every_estimator
def test_inputs_are_never_changed(cls):
    X, y = data(cls)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    params = {k: repr(v) for k, v in make(cls).get_params().items()}
    for given in (X, frame, X.astype(np.float32)):
        before, labels = given.copy(), y.copy()
        estimator = make(cls)
        estimator.fit(given, labels)
        outputs(estimator, given)
        np.testing.assert_array_equal(np.asarray(given), np.asarray(before))
        np.testing.assert_array_equal(labels, y)
        after = {k: repr(v) for k, v in estimator.get_params().items()}
        assert after == params


@pytest.mark.parametrize(
    "cls",
    [cls for cls in ESTIMATORS if "n_jobs" in cls().get_params()],
    ids=lambda cls: cls.__name__,
)
@pytest.mark.usefixtures("threads")
def test_n_jobs_does_not_matter(cls):
    X, y = data(cls)
    # two threads of LightGBM on busy cores mostly wait for each other
    strong = {"estimator": LogisticRegression()}
    one, two = (make(cls, n_jobs=n, **strong).fit(X, y) for n in (1, 2))
    assert_same(outputs(two, X), outputs(one, X))


@every_estimator
def test_rows_are_answered_one_by_one(cls):
    # what is said of a row depends neither on its position nor on its company
    X, _ = data(cls)
    order = np.random.RandomState(0).permutation(N)
    expected = {k: v[order] for k, v in outputs(fitted(cls), X).items()}
    assert_same(outputs(fitted(cls), X[order]), expected, rtol=1e-9)
    alone = outputs(fitted(cls), X[order[:1]])
    assert_same(alone, {k: v[:1] for k, v in expected.items()}, rtol=1e-9)


@every_estimator
def test_labels_may_be_words(cls):
    X, y = data(cls)
    words = np.array(["no", "yes"])[y]
    estimator = make(cls).fit(X, words)
    if not is_classifier(estimator):
        assert_same(outputs(estimator, X), outputs(fitted(cls), X))
        return
    assert estimator.classes_.tolist() == ["no", "yes"]
    expected = np.array(["no", "yes"])[fitted(cls).predict(X)]
    np.testing.assert_array_equal(estimator.predict(X), expected)


@every_estimator
def test_duplicated_rows_are_fine(cls):
    X, y = data(cls)
    rows = np.r_[np.arange(20), np.zeros(40, int), np.full(20, 7)]
    rows = np.r_[rows, np.flatnonzero(y == 0)[:10], np.flatnonzero(y == 1)[:10]]
    got = outputs(make(cls).fit(X[rows], y[rows]), X[rows])
    for name, value in got.items():
        assert np.isfinite(value.astype(float)).all(), name
        np.testing.assert_array_equal(value[20], value[40], err_msg=name)


class Interrupted(LogisticRegression):
    """Stands for a user who presses Ctrl-C while a model learns."""

    def fit(self, X, y, sample_weight=None):
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["estimator", "weak_estimator"])
@every_estimator
def test_an_interrupted_fit_leaves_the_estimator_as_it_was(cls, name):
    if name not in cls().get_params():
        pytest.skip(f"has no {name}")
    X, y = data(cls)
    estimator = make(cls, **{name: Interrupted()})
    before = dict(vars(estimator))
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, y)
    assert vars(estimator) == before
