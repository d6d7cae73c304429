"""Representations in which rows are compared."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.representation import HiddenLayerRepresentation, TabularRepresentation
from overlapkit.scorers import CutStatisticScorer, SelfConfidenceScorer
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


# ---------------------------------------------------------------------------- tables


def table(n=200):
    """Two columns for the weak model; numbers and text with gaps beside them."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    text = np.where(rng.random(n) < 0.9, np.array(["com", "org"])[y], "net")
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=n) + y,
            "b": rng.normal(size=n),
            "amount": rng.normal(size=n) * 100 + y * 80,
            "domain": text,
        }
    )
    frame.loc[::17, "amount"] = np.nan
    frame.loc[::23, "domain"] = None
    return frame, y


def as_kind(frame, kind):
    """The same table, with text in each of the ways in which it comes."""
    text = frame["domain"]
    if kind == "polars":
        return pytest.importorskip("polars").from_pandas(frame)
    if kind == "polars categories":
        polars = pytest.importorskip("polars")
        column = polars.col("domain").cast(polars.Categorical)
        return polars.from_pandas(frame).with_columns(column)
    if kind == "Int64":
        return frame.assign(amount=frame["amount"].round().astype("Int64"))
    return frame.assign(domain=text.astype({"object": object}.get(kind, kind)))


KINDS = ["object", "category", "string", "Int64", "polars", "polars categories"]


def test_a_table_becomes_numbers_by_hand():
    frame = pd.DataFrame(
        {"x": [1.0, np.nan, 3, 8], "word": ["b", "a", None, "b"], "yes": [True] * 4}
    )
    encoder = TabularRepresentation().fit(frame)
    x = np.array([1.0, 3, 3, 8])
    x = (x - x.mean()) / x.std()
    expected = np.column_stack(
        [x, np.zeros(4), [0, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]]
    )
    np.testing.assert_allclose(encoder.transform(frame), expected)
    assert encoder.get_feature_names_out().tolist() == [
        "x",
        "yes",
        "word_a",
        "word_b",
        "word_None",
    ]
    new = encoder.transform(frame.assign(word=["z", None, "a", "b"]))
    np.testing.assert_array_equal(new[:, 2:].sum(axis=1), [0, 1, 1, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_is_encoded_alike_however_it_is_stored(kind):
    frame, _ = table()
    frame["amount"] = frame["amount"].round()
    encoder = TabularRepresentation().fit(frame)
    expected = encoder.transform(frame)
    stored = as_kind(frame, kind)
    np.testing.assert_array_equal(clone(encoder).fit_transform(stored), expected)
    np.testing.assert_array_equal(encoder.transform(stored[5:6]), expected[5:6])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([f"u{i}" for i in range(200)], r"'domain' \(200 values\).*representation="),
        (pd.date_range("2020", periods=200), r"\['domain'\] hold dates, lists"),
        ([[1.0, 2.0]] * 200, r"\['domain'\] hold dates, lists.*open_rows"),
    ],
)
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_columns_without_a_default_are_named(column, message, kind):
    frame, y = table()
    frame = frame.assign(domain=column)
    if kind == "polars":
        frame = pytest.importorskip("polars").from_pandas(frame)
    models = (
        OverlapDetector(weak_columns=["a", "b"]),
        CutStatisticScorer(weak_columns=["a", "b"]),
        SelfConfidenceScorer(weak_columns=["a", "b"]),
        WeakToStrongClassifier(weak_columns=["a", "b"], selector=OverlapDetector()),
        WeakToStrongClassifier(
            weak_columns=["a", "b"], selector="auto", missing_label=-1
        ),
    )
    labels = np.where(np.arange(len(y)) % 3, y, -1)
    for model in models:
        model.set_params(missing_label=-1)
        with pytest.raises(ValueError, match=message):
            model.fit(frame, labels)


@pytest.mark.parametrize("kind", ["object", "Int64", "polars"])
def test_scorers_take_a_table_as_it_comes(kind):
    frame, y = table()
    frame = as_kind(frame, kind)
    for scorer in (OverlapDetector, CutStatisticScorer, SelfConfidenceScorer):
        for columns in ({"weak_columns": ["a", "b"]}, {}):
            fitted = scorer(random_state=0, **columns).fit(frame, y)
            assert np.isfinite(fitted.score_samples(frame)).all()
    encoder = TabularRepresentation()
    found = OverlapDetector(weak_columns=["a", "b"], random_state=0).fit(frame, y)
    expected = clone(found).set_params(representation=encoder).fit(frame, y)
    np.testing.assert_array_equal(found.overlap_scores_, expected.overlap_scores_)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("selector", [None, OverlapDetector(), "auto"])
def test_the_default_student_takes_a_table_as_it_comes(kind, selector):
    frame, y = table()
    stored = as_kind(frame, kind)
    labels = np.where(np.arange(len(y)) % 3, -1, y)
    student = WeakToStrongClassifier(
        weak_columns=["a", "b"], selector=selector, missing_label=-1, random_state=0
    ).fit(stored, labels)
    proba = student.predict_proba(stored)
    assert np.mean(student.predict(stored) == y) > 0.6
    # a row alone may not show what its columns hold
    np.testing.assert_allclose(student.predict_proba(stored[:1]), proba[:1])
    np.testing.assert_allclose(student.predict_proba(stored[23:24]), proba[23:24])


@pytest.mark.parametrize("column", ["date", "list", "text in place of numbers"])
def test_polars_columns_that_lightgbm_cannot_read_are_named(column):
    """LightGBM itself would end the process."""
    polars = pytest.importorskip("polars")
    frame, y = table()
    frame = polars.from_pandas(frame)
    student = WeakToStrongClassifier(weak_columns=["a", "b"])
    if column == "text in place of numbers":
        student.fit(frame, y)
        changed = frame.with_columns(amount=polars.lit("many"))
        with pytest.raises(ValueError, match=r"\['amount'\].* no numbers, unlike in"):
            student.predict(changed)
        return
    value = (
        polars.date(2020, 1, 1) if column == "date" else polars.concat_list("a", "b")
    )
    with pytest.raises(ValueError, match=r"\['domain'\].*LightGBM cannot read"):
        student.fit(frame.with_columns(domain=value), y)
