"""Votes as they come: missing values, names, conventions, stray codes, sparse rows."""

import time
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from overlapkit.exceptions import VoteWarning
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote, _votes
from tests.support import oracles_label_models as oracles

MODELS = [MajorityVote, DawidSkene, LabelModel]
everywhere = pytest.mark.parametrize("Model", MODELS)


@pytest.fixture(scope="module")
def votes():
    return oracles.independent_votes(400, [0.9, 0.8, 0.7, 0.6, 0.8, 0.7], 0.7)


def as_objects(X, empty):
    out = X.astype(object)
    out[X < 0] = empty
    return out


EMPTY = {
    "None": lambda X: as_objects(X, None),
    "NaN": lambda X: np.where(X < 0, np.nan, X),
    "pd.NA": lambda X: as_objects(X, pd.NA),
    "empty string": lambda X: as_objects(X, ""),
    "list with None": lambda X: as_objects(X, None).tolist(),
    "frame with None": lambda X: pd.DataFrame(as_objects(X, None)),
    "Int64": lambda X: pd.DataFrame(as_objects(X, pd.NA)).astype("Int64"),
    "float frame": lambda X: pd.DataFrame(np.where(X < 0, np.nan, X)),
    "category": lambda X: pd.DataFrame(as_objects(X, None)).astype("category"),
    "mixed frame": lambda X: pd.DataFrame(as_objects(X, None)).astype({0: "Int64"}),
    "polars": lambda X: pl.DataFrame(as_objects(X, None).tolist(), orient="row"),
}


@everywhere
@pytest.mark.parametrize("form", EMPTY)
def test_empty_cells_are_no_votes(Model, votes, form):
    X, _ = votes
    expected = Model(random_state=0).fit(X)
    model = Model(random_state=0).fit(EMPTY[form](X))
    assert_array_equal(model.codes(EMPTY[form](X)), X)
    assert_allclose(model.predict_proba(EMPTY[form](X)), expected.predict_proba(X))


@everywhere
@pytest.mark.parametrize("empty", ["", " ", None, np.nan, -1])
@pytest.mark.parametrize("told_by", ["classes", "y"])
def test_names_of_classes_are_votes(Model, votes, empty, told_by):
    X, y = votes
    names = np.array(["ham", "spam"])
    named = as_objects(X, empty)
    named[X >= 0] = names[X[X >= 0]]
    expected = Model(classes=names, random_state=0).fit(X)
    if told_by == "classes":
        model = Model(classes=names, random_state=0).fit(named)
    else:
        model = Model(random_state=0).fit(pd.DataFrame(named), names[y])
    assert_array_equal(model.classes_, names)
    assert_array_equal(model.codes(named), X)
    assert_allclose(model.predict_proba(named), expected.predict_proba(X))


@everywhere
def test_unknown_names_are_refused(Model, votes):
    named = np.array([["ham", "spam"], ["eggs", ""]], dtype=object)
    with pytest.raises(ValueError, match=r"unknown: \['eggs'\]; the classes are"):
        Model(classes=["ham", "spam"]).fit(named)
    with pytest.raises(ValueError, match=r"none are known\. Pass `classes`"):
        Model().fit(named)
    with pytest.raises(ValueError, match="mix class names and numbers"):
        Model(classes=["ham", "spam"]).fit([["ham", 1], ["spam", 0]])


@everywhere
def test_labels_that_are_not_numbers_of_classes_are_votes_too(Model, votes):
    X, y = votes
    expected = Model(random_state=0).fit(X)
    by_name = np.where(X < 0, -1, X * 4 + 3)  # classes 3 and 7
    model = Model(random_state=0).fit(by_name, y * 4 + 3)
    assert_array_equal(model.classes_, [3, 7])
    assert_allclose(model.predict_proba(by_name), expected.predict_proba(X))
    by_number = Model(random_state=0).fit(X, y * 4 + 3)
    assert_allclose(by_number.predict_proba(X), expected.predict_proba(X))


@everywhere
@pytest.mark.parametrize("missing", [None, -1])
def test_zero_for_no_vote_is_refused_with_both_conventions(Model, votes, missing):
    # Labels 1 and 2, votes 0 = none, 1, 2: taken as three classes, or by number, the
    # result is wrong without a sign.
    X, y = votes
    y = y + 1
    if missing is not None:
        y[::2] = missing
    model = Model(missing_label=missing)
    with pytest.raises(ValueError, match=r"hold the vote 0.*No vote is -1"):
        model.fit(X + 1, y)
    assert model.fit(np.where(X < 0, -1, X + 1), y).score(X + 1, votes[1] + 1) > 0.8


@everywhere
@pytest.mark.parametrize("code", [9, 99])
@pytest.mark.parametrize("labels", ["none", "all", "some"])
def test_nine_for_no_vote_is_refused(Model, votes, code, labels):
    X, y = votes
    X = np.where(X < 0, code, X)
    y = {"none": None, "all": y, "some": np.where(np.arange(len(y)) < 50, y, -1)}[
        labels
    ]
    model = Model(missing_label=-1 if labels == "some" else None)
    with pytest.raises(ValueError, match=rf"{code}(.|\n)*No vote is -1"):
        model.fit(X, y)


@everywhere
@pytest.mark.parametrize("code", [3, 999, 2**40, 2**62])
def test_a_stray_code_is_refused_at_once(Model, code):
    X = np.random.default_rng(0).integers(-1, 2, (120, 4))
    X[0, 0] = code
    for params in ({}, {"classes": [0, 1]}):
        tracemalloc.start()
        begin = time.perf_counter()
        with pytest.raises(ValueError, match=r"[Vv]otes? .*No vote is -1"):
            Model(**params).fit(X)
        assert time.perf_counter() - begin < 2
        assert tracemalloc.get_traced_memory()[1] < 2e7
        tracemalloc.stop()


@everywhere
def test_votes_for_classes_without_a_known_label(Model):
    X, y = oracles.independent_votes(600, [0.9, 0.8, 0.7], 0.9, 4)
    some = np.where((np.arange(600) < 60) & (y != 2), y, -1)
    with pytest.warns(VoteWarning, match=r"Votes name \[2\]"):
        model = Model(missing_label=-1, random_state=0).fit(X, some)
    assert_array_equal(model.classes_, range(4))
    names = np.array(["a", "b", "c", "d", ""])
    with pytest.raises(ValueError, match="which vote stands for which class"):
        Model(missing_label="").fit(X, names[some])


@everywhere
def test_votes_that_mean_two_things_are_refused(Model):
    X = np.array([[1, 1], [1, -1], [-1, 1]])
    with pytest.raises(ValueError, match="number of a class or its label"):
        Model().fit(X, [1, 2, 1])


@everywhere
@pytest.mark.parametrize(
    "make", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array]
)
def test_sparse_votes_hold_vote_plus_one(Model, votes, make):
    X, y = votes
    names = np.array(["ham", "spam"])
    expected = Model(random_state=0).fit(X, names[y])
    kept = make(X + 1)
    model = Model(random_state=0).fit(kept, names[y])
    assert_allclose(model.predict_proba(kept), expected.predict_proba(X), rtol=1e-6)
    assert_array_equal(model.predict(kept), expected.predict(X))
    stray = sparse.csr_matrix(X.astype(np.int64) + 1)
    stray.data[0] = 2**62
    with pytest.raises(ValueError, match="name none of the 2 classes"):
        Model(classes=[0, 1]).fit(stray)


def test_explicit_zeros_and_repeated_entries_of_sparse_votes():
    # 0 is no vote wherever it stands; repeated entries are summed, as everywhere.
    X = sparse.csr_matrix(
        (np.array([0, 1, 1, 2]), (np.array([0, 1, 1, 2]), np.array([0, 0, 0, 1]))),
        shape=(3, 2),
    )
    model = MajorityVote(classes=[0, 1]).fit(X)
    assert_array_equal(model.codes(X), [[-1, -1], [1, -1], [-1, 1]])


def drawn(n, m, per_row, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    function = np.argsort(rng.random((n, m)), axis=1)[:, :per_row]
    right = rng.random((n, per_row)) < 0.55 + (function % 40) / 100
    vote = np.where(right, y[:, None], 1 - y[:, None])
    indptr = np.arange(0, n * per_row + 1, per_row)
    parts = (vote.ravel() + 1).astype(np.int8), function.ravel(), indptr
    return sparse.csr_matrix(parts, shape=(n, m)), y


@everywhere
def test_memory_is_linear_in_the_votes_that_were_cast(Model):
    # 20,000 x 2,000 dense codes alone would take 40 MB, one-hot votes 80 MB.
    parts = [drawn(2000, 2000, 4, seed)[0] for seed in range(10)]
    X = sparse.vstack(parts, format="csr")
    pairs = (2 * 2000) ** 2 * 8
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = (
            Model(classes=[0, 1], max_iter=2)
            if Model is not MajorityVote
            else (Model(classes=[0, 1]))
        )
        model.fit(X)
        model.predict_proba(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    pair_memory = 0 if Model is MajorityVote else 5 * pairs
    assert peak < pair_memory + 30e6


def test_batches_of_sparse_votes_are_learnt_from():
    model = LabelModel(classes=[0, 1], random_state=0)
    for seed in range(5):
        X, _ = drawn(4000, 60, 6, seed)
        model.partial_fit(X)
    X, y = drawn(4000, 60, 6, 9)
    assert model.score(X, y) > MajorityVote(classes=[0, 1]).fit(X).score(X, y)
    whole = sparse.vstack([drawn(4000, 60, 6, seed)[0] for seed in range(5)])
    expected = LabelModel(classes=[0, 1], random_state=0).fit(whole.tocsr())
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


@pytest.mark.slow
def test_ten_million_rows_in_batches():
    # `python -m benchmarks label-models --scale 10000000` prints time and memory.
    from benchmarks.label_models import sparse_votes

    model = LabelModel(classes=[0, 1], random_state=0)
    for seed in range(20):
        X, y = sparse_votes(500_000, 1000, 0.01, seed)
        tracemalloc.start()
        model.partial_fit(X)
        assert tracemalloc.get_traced_memory()[1] < 1e9
        tracemalloc.stop()
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("Model", [MajorityVote, LabelModel])
def test_partial_fit_needs_classes_that_stay_the_same(Model):
    X = np.array([[0, 1, 1], [1, 1, 0]])
    with pytest.raises(ValueError, match="first call of `partial_fit` needs `classes`"):
        Model().partial_fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Model().partial_fit(X, classes=[0, 1])
    with pytest.raises(ValueError, match="not those of the first call"):
        model.partial_fit(X, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="not in `classes`"):
        model.partial_fit(X, [0, 5])


@pytest.mark.parametrize("model", [LabelModel, MajorityVote])
def test_batches_have_the_classes_of_the_label_model(model):
    votes = np.array([[0, 1, 1], [1, 1, 0]])
    with pytest.raises(ValueError, match="differ: give one of them"):
        model(classes=[0, 1]).partial_fit(votes, classes=["a", "b"])


def test_a_frame_of_sparse_columns_may_mean_two_things():
    frame = pd.DataFrame([[0, 1], [1, 1]]).astype(pd.SparseDtype(int, 0))
    with pytest.raises(TypeError, match="sparse columns"):
        MajorityVote().fit(frame)
    assert MajorityVote().fit(frame.sparse.to_dense()).predict(frame.to_numpy())[1] == 1


@pytest.mark.parametrize("as_given", [np.asarray, lambda X: sparse.csr_array(X + 1)])
def test_a_vote_of_most_rows_that_no_label_has_may_mean_no_vote(as_given):
    y = np.random.RandomState(0).randint(0, 2, 40)
    most, half = np.full(40, 2), np.where(np.arange(40) < 20, 2, y)
    with pytest.raises(ValueError, match="100% of the rows hold the vote 2"):
        MajorityVote().fit(as_given(np.column_stack([most, most, y])), y)
    # one more class, of which there are fewer votes than of the others
    with pytest.warns(VoteWarning, match="40 of 200 votes name none of the 2 classes"):
        MajorityVote().fit(as_given(np.column_stack([most, y, y, y, y])), y)
    # no number that follows on the classes, so it does not matter how frequent it is
    with pytest.raises(ValueError, match="100% of the rows hold the vote 7"):
        MajorityVote().fit(as_given(np.column_stack([most + 5, y, y, y, y])), y)
    with pytest.warns(VoteWarning, match="20 of 200 votes name none"):
        MajorityVote().fit(as_given(np.column_stack([half, y, y, y, y])), y)


def test_classes_that_are_fractions_are_named_by_their_position():
    votes = np.array([[0, 0], [1, 1], [1, 1]])
    for classes in ([0.5, 1.5], [1.5, 2.5], [-1.5, 0.5]):
        model = MajorityVote(classes=classes).fit(votes)
        assert model.predict(votes).tolist() == [classes[k] for k in (0, 1, 1)]
    with pytest.raises(ValueError, match="votes go from 1 to 2"):
        MajorityVote(classes=[1.5, 2.5]).fit(votes + 1)


@pytest.mark.parametrize("in_a_row", [2, 7, 10_000])
@pytest.mark.parametrize("as_given", [np.asarray, lambda X: sparse.csr_array(X + 1)])
def test_equal_rows_are_one_pattern(monkeypatch, as_given, in_a_row):
    # votes that are read at a time: also fewer than those of one row
    monkeypatch.setattr(_votes, "_BLOCK_VOTES", in_a_row)
    X = np.random.RandomState(0).choice([-1, 0, 1], size=(300, 4))
    read = MajorityVote(classes=[0, 1]).fit(X).read_votes(as_given(X))
    patterns, counts = read.distinct()
    expected, times = np.unique(X, axis=0, return_counts=True)
    order = np.lexsort(patterns.dense().T[::-1])
    assert_array_equal(patterns.dense()[order], expected)
    assert_array_equal(counts[order], times)


@everywhere
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_one_class_is_certain(Model):
    X = np.where(np.random.RandomState(0).uniform(size=(60, 4)) < 0.6, 0, -1)
    model = Model(classes=["a"]).fit(X)
    assert_array_equal(model.predict_proba(X), np.ones((60, 1)))
    assert set(model.predict(X)) == {"a"}


def test_a_row_is_right_in_part_where_classes_tie():
    posterior = np.array([[0.5, 0.5, 0], [0.9, 0.1, 0], [0.1, 0.9, 0], [1, 1, 1]])
    shares = _votes.right_shares(posterior, [0, 0, 0, 2])
    assert_allclose(shares, [0.5, 1, 0, 1 / 3])
