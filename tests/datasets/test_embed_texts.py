"""embed_texts with stand-ins of a sentence-transformers model."""

import sys
from types import ModuleType

import numpy as np
import pytest

from overlapkit.datasets import embed_texts

TEXTS = ["win a prize", "hello", "see you at noon"]


class Model:
    """Gives what it was made with, and notes how it was called."""

    def __init__(self, answer):
        self.answer = answer

    def encode(self, texts, **options):
        self.texts, self.options = texts, options
        return self.answer


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("float16", "float32"), ("float32", "float32"), ("float64", "float64")],
)
def test_a_row_for_each_text(given, wanted):
    answer = np.arange(6.0).reshape(3, 2).astype(given)
    model = Model(answer)
    X = embed_texts(np.array(TEXTS, dtype=object), model, batch_size=2)
    assert X.dtype == wanted
    np.testing.assert_array_equal(X, answer)
    assert model.texts == TEXTS
    assert model.options["batch_size"] == 2
    assert model.options["convert_to_numpy"] is True


def test_a_name_is_given_to_sentence_transformers(monkeypatch):
    module, names = ModuleType("sentence_transformers"), []

    def load(name):
        names.append(name)
        return Model(np.ones((3, 2), np.float32))

    module.SentenceTransformer = load
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    assert embed_texts(TEXTS, "some/model").shape == (3, 2)
    assert names == ["some/model"]


def test_without_sentence_transformers_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ImportError, match=r"sentence-transformers.*encode"):
        embed_texts(TEXTS, "some/model")


@pytest.mark.parametrize(
    ("texts", "error", "match"),
    [
        ("one text", TypeError, "array-like"),
        ([], ValueError, "empty"),
        (["a", None], TypeError, r"texts\[1\]"),
        ([["a"], ["b"]], TypeError, r"texts\[0\]"),
        (np.array(["a", 1.5], dtype=object), TypeError, r"texts\[1\] is 1.5, exp"),
        (np.array([0.5, 1.5]), TypeError, r"texts\[0\] is 0.5, expected a text"),
    ],
)
def test_what_is_not_a_list_of_texts_is_refused(texts, error, match):
    with pytest.raises(error, match=match):
        embed_texts(texts, Model(np.ones((2, 2))))


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (np.ones((2, 2)), r"\(2, 2\)"),
        (np.ones(3), r"\(3,\)"),
        (np.array([["a"], ["b"], ["c"]]), "dtype"),
        (np.array([[1.0], [np.nan], [np.inf]]), r"2 text\(s\), first texts\[1\]"),
    ],
)
def test_a_model_without_a_finite_row_for_each_text_is_refused(answer, match):
    with pytest.raises(ValueError, match=match):
        embed_texts(TEXTS, Model(answer))
