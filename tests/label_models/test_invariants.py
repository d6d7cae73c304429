"""What holds for every label model on any votes."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone

from overlapkit.exceptions import VoteWarning
from overlapkit.label_models import (
    DawidSkene,
    LabelModel,
    MajorityVote,
    vote_summary,
)
from tests.support import oracles_label_models as oracles

MODELS = [
    MajorityVote(),
    DawidSkene(),
    DawidSkene(shrinkage=0.0),
    LabelModel(),
    LabelModel(ridge=1e-2),
]
IDS = [str(model) for model in MODELS]
# Where estimates jump from one solution to another, rounding decides between them, so
# fits of the same data in another order are compared on votes of which they are sure.
CAREFUL = settings(deadline=None, max_examples=25, derandomize=True)


def votes(n_classes=2, min_rows=4, max_rows=40, max_functions=5):
    shapes = st.tuples(st.integers(min_rows, max_rows), st.integers(1, max_functions))
    return shapes.flatmap(
        lambda shape: hnp.arrays(
            np.int8, shape, elements=st.integers(-1, n_classes - 1)
        )
    )


def quietly(model, X, n_classes=2, **params):
    params.setdefault("classes", np.arange(n_classes))
    model = clone(model).set_params(random_state=0, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@given(X=votes(), n_empty=st.integers(1, 60))
@CAREFUL
def test_rows_without_a_vote_change_nothing(model, X, n_empty):
    # They carry no information; n = 1 to 60 makes them a minority and a majority.
    empty = np.full((n_empty, X.shape[1]), -1, dtype=np.int8)
    fitted, padded = quietly(model, X), quietly(model, np.vstack([empty, X]))
    assert_array_equal(padded.predict_proba(X), fitted.predict_proba(X))
    assert padded.tie_seed_ == fitted.tie_seed_
    rows = fitted.covered(X)
    assert_array_equal(padded.predict(X)[rows], fitted.predict(X)[rows])


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@given(X=votes(), seed=st.integers(0, 99))
@CAREFUL
def test_order_of_rows_does_not_matter(model, X, seed):
    # Sums over rows in another order differ by rounding, which EM may carry on.
    order = np.random.default_rng(seed).permutation(len(X))
    fitted, other = quietly(model, X), quietly(model, X[order])
    assert_allclose(other.predict_proba(X), fitted.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_functions_and_classes_may_be_permuted(model):
    # Drawn votes in place of arbitrary ones: at exact symmetry a fit has several
    # optima, and which one it finds may depend on the order.
    for seed in range(3):
        X, _ = oracles.independent_votes(1500, [0.9, 0.8, 0.7, 0.6], 0.6, 3, seed)
        proba = quietly(model, X, 3).predict_proba(X)
        columns = np.random.default_rng(seed).permutation(4)
        moved = quietly(model, X[:, columns], 3).predict_proba(X[:, columns])
        assert_allclose(moved, proba, atol=1e-4)
        code = np.array([2, 0, 1, -1])
        renamed = quietly(model, code[X], 3).predict_proba(code[X])
        assert_allclose(renamed[:, code[:3]], proba, atol=1e-4)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_unanimous_rows_keep_their_class_unless_a_warning_names_the_function(
    model, n_classes
):
    @given(X=votes(n_classes))
    @CAREFUL
    def check(X):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fitted = clone(model).set_params(classes=np.arange(n_classes)).fit(X)
        named = [w for w in caught if w.category is VoteWarning]
        counts = np.stack([(X == k).sum(axis=1) for k in range(n_classes)], axis=1)
        agreed = (counts > 0).sum(axis=1) == 1
        proba = fitted.predict_proba(X)
        own = proba[np.arange(len(X)), counts.argmax(axis=1)]
        overruled = agreed & (own < proba.max(axis=1) * (1 - 1e-5))
        assert named or not overruled.any()

    check()


@pytest.mark.parametrize("model", [LabelModel(), DawidSkene()], ids=str)
@given(X=votes(min_rows=10), copied=st.integers(0, 4), n_copies=st.integers(1, 3))
@CAREFUL
def test_a_copy_changes_nothing_where_copies_count_as_one(model, X, copied, n_copies):
    # Both models state that functions with equal votes count as one together.
    copied %= X.shape[1]
    more = np.column_stack([X] + [X[:, copied]] * n_copies)
    fitted, other = quietly(model, X), quietly(model, more)
    assert_allclose(other.predict_proba(more), fitted.predict_proba(X), atol=1e-4)
    if (X[:, copied] >= 0).any():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            notes = vote_summary(more, classes=[0, 1])["note"]
        assert "copy of" in notes.iloc[-1]


@given(X=votes(), copied=st.integers(0, 4))
@CAREFUL
def test_a_copy_is_one_more_vote_in_a_majority_vote(X, copied):
    # MajorityVote states that every function counts the same, copies too.
    copied %= X.shape[1]
    more = np.column_stack([X, X[:, copied]])
    proba = quietly(MajorityVote(), more).predict_proba(more)
    rows = (more >= 0).any(axis=1)
    expected = oracles.majority(more, [0.5, 0.5])
    assert_allclose(proba[rows], expected[rows], rtol=1e-9)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@given(X=votes(3))
@CAREFUL
def test_sparse_votes_are_those_of_the_dense_array(model, X):
    # vote + 1 is stored; what is not stored is no vote.
    kept = sparse.csr_matrix(X + 1)
    fitted, other = quietly(model, X, 3), quietly(model, kept, 3)
    assert_allclose(other.predict_proba(kept), fitted.predict_proba(X), atol=1e-6)
    assert_array_equal(other.covered(kept), fitted.covered(X))
    assert_array_equal(other.codes(kept.tocsc()), X)
    rows = ~fitted.covered(X)
    assert_array_equal(other.predict(kept)[rows], fitted.predict(X)[rows])


@pytest.mark.parametrize("Model", [LabelModel, MajorityVote])
@given(X=votes(3, max_rows=60), cuts=st.lists(st.integers(1, 59), max_size=4))
@CAREFUL
def test_batches_equal_the_whole(Model, X, cuts):
    # Pair counts are integers, so their sums are exact in any grouping.
    y = np.where(np.arange(len(X)) % 3, -1, np.arange(len(X)) % 2)
    model = Model(classes=[0, 1, 2], missing_label=-1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = clone(model).fit(X, y)
        bounds = sorted({0, len(X), *(c for c in cuts if c < len(X))})
        for start, stop in itertools.pairwise(bounds):
            kept = sparse.csr_matrix(X[start:stop] + 1)
            part = X[start:stop] if start % 2 else kept
            model.partial_fit(part, y[start:stop])
    assert_array_equal(model.predict_proba(X), whole.predict_proba(X))
    assert_array_equal(model.predict(X), whole.predict(X))


@pytest.mark.parametrize("model", MODELS[1:4], ids=IDS[1:4])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_probabilities_are_calibrated_on_data_of_the_model(model, n_classes):
    # Share of right labels in ten bins of the probability, within 3 standard errors
    # and what estimating tables from this many rows moves the probability (0.01).
    accuracy, coverage = [0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6], 0.6
    X, y = oracles.independent_votes(40_000, accuracy, coverage, n_classes, seed=3)
    fitted = quietly(model, X, n_classes)
    rows = fitted.covered(X)
    assert_reliable(fitted.predict_proba(X[rows]), y[rows])


@pytest.mark.parametrize("shrinkage", ["auto", 0.0])
def test_abstentions_are_evidence_where_functions_vote_for_one_class(shrinkage):
    # Keyword rules: each fires on its class with probability .5, else with .08.
    rng = np.random.default_rng(5)
    y = rng.integers(2, size=40_000)
    X = np.full((len(y), 6), -1)
    for j in range(6):
        fires = rng.random(len(y)) < np.where(y == j % 2, 0.5, 0.08)
        X[fires, j] = j % 2
    fitted = quietly(DawidSkene(shrinkage=shrinkage), X)
    rows = fitted.covered(X)
    proba = fitted.predict_proba(X[rows])
    assert_reliable(proba, y[rows])
    assert_allclose(fitted.confusion_[:, -1].min(axis=1), 0.5, atol=0.03)
    assert_allclose(fitted.confusion_[:, -1].max(axis=1), 0.92, atol=0.03)


def assert_reliable(proba, y):
    for k in range(proba.shape[1]):
        place = np.minimum((proba[:, k] * 10).astype(int), 9)
        for b in range(10):
            inside = place == b
            if inside.sum() < 50:
                continue
            mean = proba[inside, k].mean()
            error = np.sqrt(mean * (1 - mean) / inside.sum())
            assert abs((y[inside] == k).mean() - mean) < 3 * error + 0.01, (k, b)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_functions_that_never_meet_keep_their_side(model):
    X = np.array([[1, -1, 1]] * 100 + [[-1, 1, -1]] * 100)
    assert (quietly(model, X).predict_proba(X)[:, 1] >= 0.5).all()


def test_a_function_that_is_wrong_is_named():
    X, _ = oracles.independent_votes(4000, [0.9, 0.85, 0.8, 0.2], 0.9)
    frame = pd.DataFrame(X, columns=["a", "b", "c", "liar"])
    for model in (LabelModel(), DawidSkene()):
        with pytest.warns(VoteWarning, match=r"\(liar\)") as caught:
            model.fit(frame)
        assert caught[0].filename == __file__
