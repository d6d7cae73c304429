"""What the weak model says of every row, without having seen its label."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from overlapkit import OverlapDetector
from overlapkit._utils.estimators import align_columns
from overlapkit._utils.labels import is_missing
from overlapkit.exceptions import UncoveredRowsWarning, VoteWarning, WeakLabelWarning
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote
from overlapkit.scorers import weak_confidence
from overlapkit.weak import WeakLabeler, WeakRows
from overlapkit.weak._model import out_of_fold_proba, weak_model_kind
from overlapkit.weak._row_order import content_order
from tests.support.data import with_probabilities
from tests.support.oracles_core import confidence as confidence_oracle


def weak_labels(weak_estimator, X, y, *, seed=0, **params):
    """Fitted weak model, labelled rows, and which labels are known."""
    labeler = WeakLabeler(weak_estimator, random_state=seed, **params)
    rows, known = labeler.fit_label(X, y)
    return labeler.weak_estimator_, rows, known.known


def noise(n=200, seed=0):
    """Features that say nothing about the labels."""
    rng = np.random.RandomState(seed)
    return rng.normal(size=(n, 4)), rng.randint(0, 2, size=n)


# ------------------------------------------------------------------ confidence


@pytest.mark.parametrize("kind", ["margin", "max", "entropy"])
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_confidence_formulas(kind, n_classes):
    _, proba, _ = with_probabilities(n_classes=n_classes)
    proba[0] = np.eye(n_classes)[0]  # certain, with log 0
    got = weak_confidence(proba, kind)
    np.testing.assert_allclose(got, confidence_oracle(proba, kind), atol=1e-12)
    assert got[0] == 1.0
    undecided = np.full((1, n_classes), 1 / n_classes)
    assert weak_confidence(undecided, kind)[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", ["margin", "max"])
def test_confidence_of_two_classes_is_the_papers(kind):
    p = np.linspace(0, 1, 21)
    got = weak_confidence(np.column_stack([1 - p, p]), kind)
    np.testing.assert_allclose(got, 2 * np.abs(p - 0.5), atol=1e-12)


def test_confidence_of_a_single_class_is_certain():
    assert weak_confidence(np.ones((3, 1))).tolist() == [1, 1, 1]


def test_confidence_takes_what_half_precision_makes_of_probabilities():
    _, proba, _ = with_probabilities(n_classes=5)
    got = weak_confidence(proba.astype(np.float16))
    np.testing.assert_allclose(got, weak_confidence(proba), atol=2e-3)
    assert got.dtype == np.float64


@pytest.mark.parametrize(
    ("proba", "message"),
    [
        ([[0.5, 0.6], [0.4, 0.6]], r"row 0 is \[0.5 0.6\] with sum 1.1, and 1 of 2"),
        ([[1.5, -0.5]], "non-negative"),
        ([[np.nan, 1.0]], "contains NaN"),
        ([[0.7], [0.2]], r"One column per class is needed: 1 - p and p"),
    ],
)
def test_confidence_refuses_what_is_no_probability(proba, message):
    with pytest.raises(ValueError, match=message):
        weak_confidence(proba)


def test_confidence_refuses_an_unknown_formula():
    with pytest.raises(ValueError, match="'gini': use 'margin', 'max' or 'entropy'"):
        weak_confidence([[0.5, 0.5]], "gini")


# ------------------------------------------------------------- out of fold


@pytest.mark.parametrize("cv", [2, 5, KFold(4, shuffle=True, random_state=0)])
def test_a_model_that_memorises_does_not_see_its_own_row(cv):
    # labels are noise: a nearest neighbour that saw its row would be always right
    X, y = noise()
    _, weak, known = weak_labels(KNeighborsClassifier(1), X, y, cv=cv)
    assert known.all()
    assert 0.35 < np.mean(weak.labels == y) < 0.65


def test_out_of_fold_probabilities_are_those_of_the_folds():
    X, y = noise()
    folds = list(KFold(3).split(X))
    _, weak, _ = weak_labels(LogisticRegression(), X, y, cv=folds)
    expected = np.empty((len(y), 2))
    for train, test in folds:
        model = LogisticRegression().fit(X[train], y[train])
        expected[test] = model.predict_proba(X[test])
    np.testing.assert_allclose(weak.proba, expected)


def test_unlabelled_rows_get_the_model_of_all_labelled_rows():
    X, y = noise()
    y = np.where(np.arange(200) < 120, y, -1)
    model, weak, known = weak_labels(LogisticRegression(), X, y, missing_label=-1)
    assert known.tolist() == (y >= 0).tolist()
    alone = LogisticRegression().fit(X[:120], y[:120])
    np.testing.assert_allclose(weak.proba[120:], alone.predict_proba(X[120:]))
    np.testing.assert_allclose(model.coef_, alone.coef_)
    assert not np.allclose(weak.proba[:120], alone.predict_proba(X[:120]))
    assert weak.classes.tolist() == [0, 1]


@pytest.mark.usefixtures("threads")
def test_n_jobs_and_seed():
    X, y = noise()
    forest = RandomForestClassifier(5, random_state=0)
    one = weak_labels(forest, X, y, n_jobs=1, seed=3)[1].proba
    two = weak_labels(forest, X, y, n_jobs=2, seed=3)[1].proba
    other = weak_labels(forest, X, y, n_jobs=1, seed=4)[1].proba
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_a_class_with_a_single_row_does_not_spoil_the_others():
    # a model that memorises is right about every row it has seen, and a coin otherwise
    X, y = noise(300)
    y = y.copy()
    y[4] = 2
    with pytest.warns(
        WeakLabelWarning, match=r"The classes \[2\] have a single"
    ) as seen:
        _, weak, _ = weak_labels(KNeighborsClassifier(1), X, y)
    assert {w.category for w in seen} == {WeakLabelWarning}
    assert 0.4 < np.mean(weak.labels == y) < 0.6
    assert weak.labels[4] != 2


def test_two_rows_of_a_class_do_not_take_the_folds_of_the_others():
    seen = []

    class Noted(LogisticRegression):
        def fit(self, X, y):
            seen.append(len(y))
            return super().fit(X, y)

    X, y = noise(100)
    y = y.copy()
    y[:2] = 2
    weak_labels(Noted(), X, y, cv=5)
    assert sorted(seen) == [80] * 5 + [100]


def test_nothing_can_be_held_out_of_a_single_row():
    X, _ = noise(30)
    y = np.zeros(30, dtype=int)
    y[4] = 1
    with pytest.warns(WeakLabelWarning, match="have a single labelled row.*in-sample"):
        _, weak, _ = weak_labels(LogisticRegression(), X, y)
    expected = LogisticRegression().fit(X, y).predict_proba(X)
    np.testing.assert_allclose(weak.proba, expected)


def test_a_small_class_reduces_the_number_of_folds():
    X, y = noise(30)
    y = np.zeros(30, dtype=int)
    y[:3] = 1
    _, weak, _ = weak_labels(KNeighborsClassifier(1), X, y, cv=5)
    assert np.isfinite(weak.proba).all()
    # held out, each of the three is nearest to a row of the other class or not, but
    # never to itself
    assert np.mean(weak.labels[:3] == 1) < 1


@pytest.mark.parametrize("names", [[0, 1], [1, 2], ["a", "b"]])
def test_a_class_named_in_the_weak_model_is_the_same_out_of_fold(names):
    X, y = noise(400)
    names = np.array(names)
    model = LogisticRegression(class_weight={names[1].item(): 9.0, names[0].item(): 1})
    _, weak, _ = weak_labels(model, X, names[y])
    plain = LogisticRegression(class_weight={0: 1, 1: 9.0})
    np.testing.assert_allclose(weak.proba, weak_labels(plain, X, y)[1].proba)
    assert weak.proba[:, 1].mean() > 0.8


def test_a_search_scored_by_a_named_class():
    X, y = noise()
    X[:, 0] += 4 * y
    score = make_scorer(f1_score, pos_label="spam")
    search = GridSearchCV(LogisticRegression(), {"C": [1e-6, 1]}, scoring=score, cv=2)
    _, weak, _ = weak_labels(search, X, np.array(["ham", "spam"])[y])
    assert np.mean(weak.labels == np.array(["ham", "spam"])[y]) > 0.9


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_out_of_fold_is_what_scikit_learn_predicts(n_jobs):
    X, y = noise(120)
    y = y + (X[:, 0] > 1)  # three classes
    model = KNeighborsClassifier(7)
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    expected = cross_val_predict(model, X, y, cv=folds, method="predict_proba")
    got = out_of_fold_proba(model, X, y, cv=4, n_jobs=n_jobs, seed=0)
    np.testing.assert_array_equal(got, expected)


def test_folds_that_do_not_hold_every_row_out_once_are_refused():
    X, y = noise(30)
    half = [(np.arange(15), np.arange(15, 30))]
    with pytest.raises(ValueError, match="holds 15 of 30 labelled rows out, 15 times"):
        weak_labels(None, X, y, cv=half)


# -------------------------------------------------- other kinds of weak model


def test_kinds():
    fitted = LogisticRegression().fit([[0], [1]], [0, 1])
    assert weak_model_kind(None) == "classifier"
    assert weak_model_kind(fitted) == "classifier"
    assert weak_model_kind(FrozenEstimator(fitted)) == "prefit"
    assert weak_model_kind(MajorityVote()) == "votes"
    assert weak_model_kind("precomputed") == "precomputed"


@pytest.mark.parametrize(
    "wrap",
    [
        make_pipeline,
        lambda model: make_pipeline(make_pipeline(model)),
        lambda model: GridSearchCV(model, {}, cv=2),
        lambda model: GridSearchCV(make_pipeline(model), {}, cv=2),
        lambda model: BaggingClassifier(model, n_estimators=1, bootstrap=False),
    ],
)
def test_a_wrapped_classifier_does_not_see_its_own_row_either(wrap):
    # the tags of a pipeline or a search do not say that it learns from labels
    X, y = noise()
    model = wrap(KNeighborsClassifier(1))
    assert weak_model_kind(model) == "classifier"
    _, weak, _ = weak_labels(model, X, y)
    assert 0.4 < np.mean(weak.labels == y) < 0.6


def test_a_wrapped_label_model_stays_one():
    assert weak_model_kind(make_pipeline(MajorityVote())) == "votes"
    assert weak_model_kind(GridSearchCV(MajorityVote(), {})) == "votes"


def test_a_frozen_model_is_used_as_it_is():
    X, y = noise()
    fitted = LogisticRegression().fit(X[:50], y[:50])
    model, weak, known = weak_labels(FrozenEstimator(fitted), X, None)
    np.testing.assert_array_equal(weak.proba, fitted.predict_proba(X))
    assert not known.any()
    # labels given later do not change what it says
    _, again, known = weak_labels(model, X, 1 - y)
    np.testing.assert_array_equal(again.proba, weak.proba)
    assert known.all()


@pytest.mark.parametrize("as_given", [np.asarray, pd.DataFrame, list])
def test_precomputed_probabilities_are_taken_in_the_order_of_the_classes(as_given):
    _, proba, _ = with_probabilities(n_classes=3)
    y = np.array(["c", "a", "b"] * 30)
    _, weak, _ = weak_labels("precomputed", as_given(proba.tolist()), y)
    np.testing.assert_allclose(weak.proba, proba)
    assert weak.labels.tolist() == np.array(["a", "b", "c"])[proba.argmax(1)].tolist()
    _, weak, _ = weak_labels("precomputed", as_given(proba.tolist()), None)
    assert weak.classes.tolist() == [0, 1, 2]


def test_precomputed_needs_a_column_per_class():
    _, proba, _ = with_probabilities(n_classes=2)
    with pytest.raises(
        ValueError, match=r"2 column\(s\) and y holds 3 class\(es\): \["
    ):
        weak_labels("precomputed", proba, np.arange(90) % 3)
    with pytest.raises(ValueError, match=r"\['a'\] names 1 columns, but .* selects 2"):
        weak_labels("precomputed", proba, None, classes=["a"])


@pytest.mark.parametrize("frozen", [False, True])
def test_rows_without_a_vote_have_confidence_zero(frozen):
    votes = np.array([[1, 1], [0, -1], [-1, -1], [-1, 1]])
    model = MajorityVote(class_balance=[0.2, 0.8]).fit(votes)
    if frozen:
        model = FrozenEstimator(model)
    labeler = WeakLabeler(model)
    weak, _ = labeler.fit_label(votes)
    assert weak.covered.tolist() == [True, True, False, True]
    # the class balance says .8, which is knowledge about no row in particular
    assert weak.confidence().tolist() == [1, 1, 0, 1]
    assert labeler.label(votes[::-1]).covered.tolist() == [True, False, True, True]


def test_votes_take_the_names_of_the_labels():
    votes = np.array([[1, 1], [0, -1], [0, 0], [-1, 1]])
    y = np.array(["ham", "spam", "ham", "ham"])
    for missing in (None, "?"):  # all labels known, or some
        known = y if missing is None else np.where(np.arange(4) > 2, "?", y)
        _, weak, _ = weak_labels(MajorityVote(), votes, known, missing_label=missing)
        assert weak.classes.tolist() == ["ham", "spam"]
        assert weak.labels.tolist() == ["spam", "ham", "ham", "spam"]


def test_votes_with_some_integer_labels_are_codes():
    votes = np.array([[1, 1], [0, -1], [2, 2], [-1, 1]])
    y = np.array([1, -9, -9, 2])
    _, weak, _ = weak_labels(MajorityVote(), votes, y, missing_label=-9)
    assert weak.classes.tolist() == [0, 1, 2]
    assert weak.labels.tolist() == [1, 0, 2, 1]


def test_votes_that_may_or_may_not_be_the_labels_are_refused():
    # codes 0 and 1 for labels 1 and 2: shifted by one, or class 0 never labelled?
    votes = np.array([[1, 1], [0, -1], [0, 0], [-1, 1]])
    y = np.array([1, 2, -9, 2])
    with pytest.raises(
        ValueError, match=r"codes \[0, 1\], the known labels are \[1, 2"
    ):
        weak_labels(MajorityVote(), votes, y, missing_label=-9)
    model = MajorityVote(classes=[1, 2])
    _, weak, _ = weak_labels(model, votes, y, missing_label=-9)
    assert weak.labels.tolist() == [2, 1, 1, 2]


def three_classes_of_votes(n=300, seed=0):
    rng = np.random.RandomState(seed)
    y = rng.randint(3, size=n)
    return np.where(rng.rand(n, 5) < 0.8, y[:, None], rng.randint(3, size=(n, 5))), y


VOTES, Y = three_classes_of_votes()
VOTES[:40] = -1


@pytest.mark.parametrize("kind", ["i", "f"])
@pytest.mark.parametrize("absent", [0, 1, 2])
def test_labels_that_lack_a_class_do_not_rename_the_codes(absent, kind):
    # a fold, or a source, may hold no row of a class that functions vote for
    votes, y = three_classes_of_votes()
    rows = y != absent
    _, weak, _ = weak_labels(MajorityVote(), votes[rows], y[rows].astype(kind))
    assert weak.classes.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(
        weak.proba, weak_labels(MajorityVote(), votes[rows], None)[1].proba
    )
    assert np.mean(weak.labels == y[rows]) > 0.9


@pytest.mark.parametrize("wrap", [lambda m: m, make_pipeline])
@pytest.mark.parametrize("names", [[1, 2], [10, 20], [1.0, 2.0], [-1, 1], ["a", "b"]])
def test_all_labels_known_name_the_codes_in_order(names, wrap):
    rng = np.random.RandomState(0)
    y = rng.randint(2, size=200)
    votes = np.where(rng.rand(200, 5) < 0.8, y[:, None], 1 - y[:, None])
    names = np.array(names)
    _, weak, _ = weak_labels(wrap(MajorityVote()), votes, names[y])
    assert np.mean(weak.labels == names[y]) > 0.9


def test_labels_from_one_name_the_codes_also_where_one_is_never_voted_for():
    # the rule of LabelModel.fit(votes, y): distinct labels in order
    y = np.repeat([0, 1], 50)
    votes = np.where(y[:, None] == 1, 1, -1) * np.ones((1, 3), dtype=int)
    _, weak, _ = weak_labels(MajorityVote(), votes, y + 1)
    assert weak.classes.tolist() == [1, 2]
    assert (weak.labels[y == 1] == 2).all()


@pytest.mark.parametrize("wrap", [make_pipeline, lambda m: GridSearchCV(m, {}, cv=2)])
def test_a_hidden_label_model_gets_all_labels_or_none(wrap):
    votes, y = three_classes_of_votes()
    _, weak, _ = weak_labels(wrap(MajorityVote()), votes, y)
    assert np.mean(weak.labels == y) > 0.9
    known = np.where(np.arange(300) < 200, y, -9)
    with pytest.raises(ValueError, match=r"Some labels are known, and .* hides the v"):
        weak_labels(wrap(MajorityVote()), votes, known, missing_label=-9)


def test_votes_that_a_pipeline_recodes():
    # 0 abstains, 1 and 2 are votes: what stands in X is not what the model reads
    votes, y = three_classes_of_votes()
    recoded = make_pipeline(FunctionTransformer(lambda v: v - 1), MajorityVote())
    two = y < 2
    raw = np.where(votes[two] < 2, votes[two] + 1, 0)
    _, weak, _ = weak_labels(recoded, raw, y[two] + 1)
    assert np.mean(weak.labels == y[two] + 1) > 0.9


def test_a_search_over_label_models_is_scored_by_the_labels():
    votes, y = three_classes_of_votes()
    search = GridSearchCV(DawidSkene(), {"smoothing": [1e4, 1.0]}, cv=3)
    model, _, _ = weak_labels(search, votes, y)
    assert np.isfinite(model.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda m: make_pipeline(FunctionTransformer(), m),
        lambda m: GridSearchCV(m, {}, cv=2),
        lambda m: FrozenEstimator(
            make_pipeline(FunctionTransformer(), m).fit(VOTES, Y)
        ),
    ],
)
def test_rows_without_a_vote_are_uncovered_however_the_model_is_wrapped(wrap):
    model = MajorityVote(class_balance=[0.8, 0.1, 0.1])
    _, weak, _ = weak_labels(wrap(model), VOTES, Y)
    np.testing.assert_array_equal(weak.covered, (VOTES >= 0).any(axis=1))
    assert (weak.confidence()[~weak.covered] == 0).all()


@pytest.mark.parametrize("as_given", [np.asarray, pd.DataFrame])
def test_given_probabilities_of_nan_are_no_weak_label(as_given):
    _, proba, _ = with_probabilities(n_classes=3)
    gaps = proba.copy()
    gaps[[0, 7]] = np.nan
    labeler = WeakLabeler("precomputed", random_state=0)
    with pytest.warns(UncoveredRowsWarning, match="2 of 90 rows .* no probabilities"):
        rows, _ = labeler.fit_label(as_given(gaps))
    assert np.flatnonzero(~rows.covered).tolist() == [0, 7]
    np.testing.assert_allclose(rows.proba[rows.covered], proba[rows.covered])
    again = labeler.label(as_given(gaps[6:9]))
    assert again.covered.tolist() == [True, False, True]
    assert not labeler.label(as_given(gaps[:1])).covered.any()


def test_given_probabilities_of_some_classes_only_are_refused():
    _, proba, _ = with_probabilities(n_classes=3)
    proba[4, 1] = np.nan
    with pytest.raises(ValueError, match="some classes only in row 4, as in 1 rows"):
        weak_labels("precomputed", proba, None)
    with pytest.raises(ValueError, match="is NaN in all 90 rows"):
        weak_labels("precomputed", np.full((90, 3), np.nan), None)


def test_weak_labels_worse_than_guessing_are_named():
    y = np.arange(100) % 2
    proba = np.eye(2)[1 - y]
    with pytest.warns(
        WeakLabelWarning, match=r"right in 0.0% of the 100 rows .* \[0, 1\]"
    ):
        weak_labels("precomputed", proba, y)


def test_names_of_too_few_classes_for_the_votes_are_refused():
    votes, y = three_classes_of_votes()
    names = np.array(["ham", "mail", "spam"])
    rows = y != 0
    with pytest.raises(ValueError, match=r"go up to 2.*hold 2: \['mail', 'spam'\]"):
        weak_labels(MajorityVote(), votes[rows], names[y[rows]])
    model = MajorityVote(classes=names)
    _, weak, _ = weak_labels(model, votes[rows], names[y[rows]])
    assert np.mean(weak.labels == names[y[rows]]) > 0.9
    with pytest.raises(ValueError, match=r"not in `classes` of MajorityVote: \['eggs'"):
        weak_labels(model, votes, np.where(y == 0, "eggs", "ham"))


def test_labels_of_another_problem_than_the_weak_models_are_refused():
    X, y = noise(50)
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    with pytest.raises(ValueError, match=r"classes \[0, 1\], y holds \['a', 'b'\]"):
        weak_labels(frozen, X, np.array(["a", "b"])[y])


# ---------------------------------------------------------------------- ties


def undecided(n=400, seed=0):
    content = np.random.RandomState(seed).normal(size=(n, 3))
    return WeakRows.from_proba(content, np.full((n, 2), 0.5), seed=1)


def test_ties_are_broken_by_what_the_row_holds():
    weak = undecided()
    assert 0.4 < weak.codes.mean() < 0.6
    order = np.random.RandomState(1).permutation(400)
    moved = WeakRows.from_proba(weak.strong[order], weak.proba, seed=1)
    np.testing.assert_array_equal(moved.codes, weak.codes[order])
    part = weak.take(order[:50])
    np.testing.assert_array_equal(part.codes, weak.codes[order[:50]])
    np.testing.assert_array_equal(part.row_hash, weak.row_hash[order[:50]])


def test_a_model_that_is_undecided_about_everything_is_warned_of():
    with pytest.warns(WeakLabelWarning, match="undecided about each of the 20 rows"):
        weak_labels("precomputed", np.full((20, 2), 0.5), None)


# ---------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("y", "missing", "expected"),
    [
        ([0, 1, -1], None, [False, False, False]),
        ([0, 1, -1], -1, [False, False, True]),
        ([0.0, np.nan, 1.0], np.nan, [False, True, False]),
        (np.array(["a", np.nan], dtype=object), np.nan, [False, True]),
        (["a", "?"], "?", [False, True]),
        ([0, 1], "?", [False, False]),  # another type is simply not equal
    ],
)
def test_missing_labels(y, missing, expected):
    assert is_missing(y, missing).tolist() == expected


@pytest.mark.parametrize(
    ("y", "missing", "message"),
    [
        (np.full(30, 4), None, r"one class only \(4, in 30 labelled rows\)"),
        (np.full(30, -1), -1, "y is None or holds no known label: it learns"),
        (None, None, "requires y to be passed"),
        (np.array([0, 1, None] * 10, dtype=object), None, "y contains None.*missing_l"),
        (np.linspace(0, 1, 30), None, "Unknown label type"),
    ],
)
def test_labels_nothing_can_be_learnt_from(y, missing, message):
    X, _ = noise(30)
    with pytest.raises(ValueError, match=message):
        weak_labels(None, X, y, missing_label=missing)


def test_columns_are_aligned_by_class():
    got = align_columns(np.array([[0.3, 0.7]]), ["a", "c"], np.array(["a", "b", "c"]))
    assert got.tolist() == [[0.3, 0.0, 0.7]]


# ------------------------------------------------- label models and known labels


def noisy_votes(seed=0, n=600, accuracy=(0.9, 0.8, 0.3, 0.7)):
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 2, size=n)
    votes = np.where(rng.rand(n, 4) < np.array(accuracy), y[:, None], 1 - y[:, None])
    votes[rng.rand(n, 4) < 0.3] = -1
    votes[:, 0] = np.maximum(votes[:, 0], 0)  # every row has a vote
    return votes, y


def test_a_label_model_that_learns_from_labels_does_not_see_a_rows_own():
    # most functions are wrong: labels help, and the guard lets them in
    votes, y = noisy_votes(accuracy=(0.9, 0.2, 0.3, 0.3))
    some = np.where(np.arange(600) < 100, y, -1)
    model = DawidSkene(missing_label=-1, random_state=0)
    fitted, weak, known = weak_labels(model, votes, some, missing_label=-1)
    expected = DawidSkene(missing_label=-1, random_state=0).fit(votes, some)
    np.testing.assert_allclose(
        weak.proba[~known], expected.predict_proba(votes)[~known]
    )
    np.testing.assert_allclose(
        fitted.predict_proba(votes), expected.predict_proba(votes)
    )
    # another label of a row changes the model, not the row's own probabilities
    other = some.copy()
    other[0] = 1 - other[0]
    folds = KFold(100)  # every known row is held out by itself
    one = weak_labels(model, votes, some, missing_label=-1, cv=folds)[1]
    two = weak_labels(model, votes, other, missing_label=-1, cv=folds)[1]
    np.testing.assert_allclose(one.proba[0], two.proba[0])
    assert not np.allclose(one.proba[1], two.proba[1], atol=1e-12)


def test_votes_that_are_class_names_and_empty_cells_need_no_recoding():
    votes, y = noisy_votes()
    names = np.array(["ham", "spam"])
    cells = np.where(votes < 0, None, names[np.maximum(votes, 0)])
    frame = pd.DataFrame(cells, columns=list("abcd"))
    for known in (names[y], np.where(np.arange(600) < 50, names[y], "?")):
        marker = "?" if "?" in known else None
        one = weak_labels(MajorityVote(), frame, known, missing_label=marker)[1]
        two = weak_labels(MajorityVote(), votes, known, missing_label=marker)[1]
        assert one.classes.tolist() == ["ham", "spam"]
        np.testing.assert_allclose(one.proba, two.proba)
    gaps = np.where(votes < 0, np.nan, votes)
    np.testing.assert_allclose(
        weak_labels(MajorityVote(), gaps, y)[1].proba,
        weak_labels(MajorityVote(), votes, y)[1].proba,
    )


def test_a_teacher_that_resamples_is_no_label_model():
    imblearn = pytest.importorskip("imblearn.over_sampling")
    pipeline = pytest.importorskip("imblearn.pipeline")
    X, y = noise()
    y = (X[:, 0] > 0.8).astype(int)
    sampler = imblearn.RandomOverSampler(random_state=0)
    teacher = pipeline.make_pipeline(sampler, LogisticRegression())
    _, weak, _ = weak_labels(teacher, X, y)
    assert weak.covered.all()
    assert np.mean(weak.labels == y) > 0.8
    votes, y = noisy_votes()
    voting = pipeline.make_pipeline(sampler, MajorityVote(random_state=0))
    with pytest.raises((ValueError, TypeError)):
        weak_labels(voting, votes, None)  # a sampler needs labels


@pytest.mark.parametrize("n_jobs", [0, 1.5])
def test_a_number_of_jobs_that_means_nothing_is_named(n_jobs):
    X, y = noise()
    with pytest.raises(ValueError, match="'n_jobs' parameter of OverlapDetector"):
        OverlapDetector(n_jobs=n_jobs).fit(X, y)


class Reversed(LogisticRegression):
    """Probability columns in another order than scikit-learn's."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.classes_ = self.classes_[::-1].copy()
        return self

    def predict_proba(self, X):
        return super().predict_proba(X)[:, ::-1]


def separable(n=200, seed=0):
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 2, size=n)
    return rng.normal(size=(n, 3)) + 3 * y[:, None], np.array(["neg", "pos"])[y]


@pytest.mark.parametrize("wrap", ["alone", "frozen in a pipeline"])
def test_probability_columns_may_come_in_any_order(wrap):
    X, y = separable()
    partly = np.where(np.arange(len(y)) < 50, y, "?")
    model = Reversed()
    if wrap != "alone":
        frozen = FrozenEstimator(Reversed().fit(X, y))
        model = make_pipeline(FunctionTransformer(), frozen)
    labeler = WeakLabeler(model, missing_label="?", random_state=0)
    rows, known = labeler.fit_label(X, partly)
    assert (rows.labels == y)[known.known].mean() > 0.9
    assert (rows.labels == y)[~known.known].mean() > 0.9
    assert (labeler.label(X).labels == y).mean() > 0.9


def test_a_model_fitted_before_may_know_more_classes_than_y():
    X, y = separable()
    three = np.where(np.arange(len(y)) % 9, y, "other")
    frozen = FrozenEstimator(LogisticRegression().fit(X, three))
    labeler = WeakLabeler(make_pipeline(FunctionTransformer(), frozen), random_state=0)
    rows, _ = labeler.fit_label(X, y)
    assert rows.classes.tolist() == ["neg", "other", "pos"]


def test_a_teacher_that_resamples_its_rows():
    under_sampling = pytest.importorskip("imblearn.under_sampling")
    make_sampler_pipeline = pytest.importorskip("imblearn.pipeline").make_pipeline
    X, y = separable()
    teacher = make_sampler_pipeline(
        under_sampling.RandomUnderSampler(random_state=0), LogisticRegression()
    )
    rows, _ = WeakLabeler(teacher, random_state=0).fit_label(X, y)
    assert (rows.labels == y).mean() > 0.9


def test_a_pipeline_that_ends_in_a_classifier_transforms_new_rows_once():
    calls = []

    def count(X):
        calls.append(len(X))
        return X

    X, y = separable()
    labeler = WeakLabeler(make_pipeline(FunctionTransformer(count), Reversed()))
    labeler.fit_label(X, y)
    calls.clear()
    labeler.label(X)
    assert calls == [len(X)]


def test_hidden_labels_do_not_change_what_a_vote_means():
    # Nobody votes 3, so without labels 1 and 2 would be the numbers of 2 and 3.
    rng = np.random.default_rng(0)
    y = rng.integers(1, 4, 400)
    side = np.where(y == 3, rng.integers(1, 3, 400), y)
    votes = np.where(rng.random((400, 5)) < 0.85, side[:, None], 3 - side[:, None])
    given = np.where(np.arange(400) < 200, y, -1)
    labeler = WeakLabeler(
        MajorityVote(missing_label=-1), missing_label=-1, random_state=0
    )
    rows, _ = labeler.fit_label(votes, given)
    for part in (slice(200), slice(200, None)):
        right = (rows.labels == y)[part][(y < 3)[part]]
        assert right.mean() > 0.9


def test_a_label_model_that_learns_says_its_warnings_once():
    votes, y = noisy_votes(accuracy=(0.9, 0.9, 0.1, 0.9))
    given = np.where(np.arange(len(y)) < 60, y, -1)
    labeler = WeakLabeler(
        DawidSkene(missing_label=-1), missing_label=-1, random_state=0
    )
    with pytest.warns(VoteWarning) as caught:
        labeler.fit_label(votes, given)
    assert sum(w.category is VoteWarning for w in caught) == 1


def test_a_label_model_that_learns_needs_folds_that_hold_every_row_out():
    votes, y = noisy_votes()
    labeler = WeakLabeler(DawidSkene(missing_label=-1), cv=ShuffleSplit(2))
    with pytest.raises(ValueError, match="each must be held out once"):
        labeler.fit_label(votes, y)


@pytest.mark.parametrize("model", [MajorityVote, LabelModel, DawidSkene])
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.WeakLabelWarning")
def test_known_labels_of_one_class_change_no_weak_label(model):
    votes, y = noisy_votes()
    given = np.where((np.arange(len(y)) < 50) & (y == 1), 1, -1)
    params = {"classes": [0, 1], "missing_label": -1, "random_state": 0}
    rows, _ = WeakLabeler(model(missing_label=-1), **params).fit_label(votes, given)
    plain, _ = WeakLabeler(model(), **params).fit_label(votes, given)
    np.testing.assert_allclose(rows.proba, plain.proba)


@pytest.mark.parametrize("missing", [None, -1])
def test_classes_that_are_named_twice_must_agree(missing):
    votes, _ = noisy_votes()
    model = MajorityVote(classes=[0, 1], missing_label=missing)
    with pytest.raises(ValueError, match="differ: give one of them"):
        WeakLabeler(model, classes=[5, 6]).fit_label(votes)


@pytest.mark.parametrize(
    ("groups", "message"),
    [(np.zeros(200), "into one group"), (None, "leaves the labels")],
    ids=["one group", "a group per class"],
)
def test_groups_from_which_nothing_can_be_learnt_are_named(groups, message):
    X, y = separable()
    groups = y if groups is None else groups
    with pytest.raises(ValueError, match=message):
        WeakLabeler().fit_label(X, y, groups=groups)


@pytest.mark.parametrize(
    "params", [{"weak_estimator": "precomputd"}, {"cv": 1}, {"n_jobs": "all"}]
)
def test_parameters_of_the_labeler_are_checked(params):
    X, y = separable()
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter"):
        WeakLabeler(**params).fit_label(X, y)


@pytest.mark.parametrize("method", ["label", "strong"])
def test_a_labeler_must_be_fitted(method):
    with pytest.raises(NotFittedError, match="fit_label"):
        getattr(WeakLabeler(strong_columns=[0]), method)(np.eye(3))


@pytest.mark.parametrize("weak_estimator", [None, MajorityVote()])
def test_fit_parameters_that_reach_no_fit_are_refused(weak_estimator):
    votes, y = noisy_votes()
    with pytest.raises(TypeError, match="callbacks"):
        WeakLabeler(weak_estimator).fit_label(votes, y, callbacks=[])


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        (np.full((2, 1), -2), "codes from -2"),
        (np.full((2, 1), 2), "codes from -1 to 2"),
        (np.full((2, 1), 1.0), "must be integers"),
        (np.array([0, 1]), "must be integers of shape"),
    ],
)
def test_votes_of_rows_are_codes_of_their_classes(votes, message):
    with pytest.raises(ValueError, match=message):
        WeakRows.from_proba(np.eye(2), np.eye(2), votes=votes)


def test_the_strong_view_of_rows_may_be_a_list():
    rows = WeakRows.from_proba([[0, 1], [1, 0]], np.full((2, 2), 0.5), seed=3)
    assert rows.codes.tolist() == (
        WeakRows.from_proba(
            np.eye(2)[::-1], np.full((2, 2), 0.5), seed=3
        ).codes.tolist()
    )


def test_groups_of_another_length_are_refused():
    X, y = separable()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        WeakLabeler().fit_label(X, y, groups=np.arange(5))


def test_no_jobs_are_refused_whether_or_not_there_is_work_for_them():
    X, y = separable()
    for labeler in (WeakLabeler(n_jobs=0), WeakLabeler("precomputed", n_jobs=0)):
        with pytest.raises(ValueError, match="'n_jobs' parameter"):
            labeler.fit_label(X, y)


@pytest.mark.parametrize("others", [[], ["constant"]])
@pytest.mark.parametrize("seed", range(4))
def test_rows_of_text_that_tie_are_not_all_of_one_class(others, seed):
    votes = np.tile([[0, 1], [1, 0]], (200, 1))
    frame = pd.DataFrame({"a": votes[:, 0], "b": votes[:, 1], "constant": 1})
    frame["text"] = [f"message {i}" for i in range(400)]
    labeler = WeakLabeler(
        MajorityVote(random_state=seed),
        weak_columns=["a", "b"],
        strong_columns=["text", *others],
        random_state=0,
    )
    with pytest.warns(WeakLabelWarning, match="undecided"):
        rows, _ = labeler.fit_label(frame)
    assert 0.4 < rows.codes.mean() < 0.6  # 100 draws would rarely leave this
    backwards = labeler.label(frame.iloc[::-1]).codes[::-1]
    assert backwards.tolist() == rows.codes.tolist()


def test_numbers_break_ties_alike_however_a_frame_holds_them():
    numbers = np.arange(40.0)[:, None]
    proba = np.full((40, 2), 0.5)
    codes = WeakRows.from_proba(numbers, proba).codes.tolist()
    for dtype in (np.int8, object, "Int64", "Float64"):
        frame = pd.DataFrame(numbers).astype(dtype)
        assert WeakRows.from_proba(frame, proba).codes.tolist() == codes


class FirstVote(ClassifierMixin, BaseEstimator):
    """A label model of somebody else's, which names its classes itself."""

    def fit(self, X, y=None):
        self.classes_ = np.array(["ham", "spam"])
        return self

    def predict_proba(self, X):
        return np.eye(2)[np.maximum(X[:, 0], 0)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags


@pytest.mark.parametrize("names", [["ham", "spam"], ["spam", "other"]])
def test_a_label_model_without_a_parameter_for_classes(names):
    votes, y = noisy_votes()
    known = np.where(np.arange(len(y)) < 40, np.array(names)[y], "?")
    labeler = WeakLabeler(FirstVote(), missing_label="?")
    if "other" in names:
        with pytest.raises(ValueError, match=r"\['other'\].*\['ham', 'spam'\]"):
            labeler.fit_label(votes, known)
    else:
        rows, _ = labeler.fit_label(votes, known)
        assert rows.classes.tolist() == ["ham", "spam"]


# ------------------------------------------------------------- order of the rows


def teachers():
    linear = LogisticRegression(tol=1e-10, max_iter=1000)
    return [None, linear, KNeighborsClassifier(5)]


@pytest.mark.parametrize("teacher", teachers())
@pytest.mark.parametrize("unit", [1, 1e-9, 1e9])
def test_labels_of_a_labelled_teacher_do_not_depend_on_the_order_of_rows(teacher, unit):
    # folds are drawn by content: who holds the same rows gets the same labels, however
    # they were sorted, and whatever the unit of the columns
    X, y = noise(150)
    X = (X + y[:, None]) * unit
    y = np.where(np.arange(150) % 3 == 0, -1, y)  # a third is not known
    order = np.random.RandomState(1).permutation(150)
    options = {"missing_label": -1, "random_state": 0}
    one = WeakLabeler(teacher, **options).fit_label(X, y)[0]
    two = WeakLabeler(teacher, **options).fit_label(X[order], y[order])[0]
    np.testing.assert_allclose(two.proba, one.proba[order], atol=1e-6)
    np.testing.assert_array_equal(two.labels, one.labels[order])


def test_rows_of_text_and_gaps_may_come_in_any_order():
    rng = np.random.RandomState(0)
    y = rng.randint(0, 2, size=120)
    frame = pd.DataFrame(
        {
            "size": np.where(rng.uniform(size=120) < 0.2, np.nan, rng.normal(size=120)),
            "place": np.where(rng.uniform(size=120) < 0.7, y, 1 - y).astype(str),
            "n": rng.permutation(120),
        }
    )
    order = rng.permutation(120)
    labeler = WeakLabeler(random_state=0)
    one = labeler.fit_label(frame, y)[0]
    two = labeler.fit_label(frame.iloc[order], y[order])[0]
    np.testing.assert_allclose(two.proba, one.proba[order], atol=1e-4)


def test_precision_hardly_moves_the_folds():
    X, y = noise(200)
    one = WeakLabeler(random_state=0).fit_label(X, y)[0]
    two = WeakLabeler(random_state=0).fit_label(X.astype(np.float32), y)[0]
    np.testing.assert_allclose(two.proba, one.proba, atol=1e-3)


@pytest.mark.parametrize("model", [MajorityVote, LabelModel, DawidSkene])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_label_models_with_known_labels_do_not_depend_on_the_order(model, n_classes):
    rng = np.random.RandomState(0)
    truth = rng.randint(0, n_classes, size=300)
    votes = np.where(rng.uniform(size=(300, 6)) < 0.6, truth[:, None], 0)
    votes[rng.uniform(size=votes.shape) < 0.3] = -1
    y = np.where(rng.uniform(size=300) < 0.3, truth, -1)
    names = np.array(["a", "b", "c", ""], dtype=object)
    order = rng.permutation(300)
    for seen, given in ((votes, y), (pd.DataFrame(names[votes]), names[y])):
        marker = given[y < 0][0]
        classes = np.unique(given[y >= 0].tolist()).tolist()
        labeler = WeakLabeler(
            model(missing_label=marker, classes=classes, random_state=0),
            missing_label=marker,
            random_state=0,
        )
        one = labeler.fit_label(seen, given)[0]
        moved = seen.iloc[order] if seen is not votes else seen[order]
        two = labeler.fit_label(moved, given[order])[0]
        np.testing.assert_allclose(two.proba, one.proba[order], atol=1e-9)
        voted = two.covered
        np.testing.assert_array_equal(two.labels[voted], one.labels[order][voted])


def test_order_by_content_tells_gaps_and_votes_apart():
    rng = np.random.RandomState(0)
    view = rng.choice([0.0, 1.0, np.nan], size=(60, 2))
    y, votes = rng.randint(0, 2, size=60), rng.randint(-1, 2, size=(60, 3))
    order = rng.permutation(60)
    one = content_order(view, y, lambda rows: [votes[rows]])
    two = content_order(view[order], y[order], lambda rows: [votes[order][rows]])
    two = order[two]
    for table in (view, y, votes):
        np.testing.assert_array_equal(table[two], table[one])


@pytest.mark.parametrize("model", [KNeighborsClassifier(5), "votes"])
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_rows_that_are_equal_to_the_weak_model_are_told_apart(model):
    # else equal votes of two rows would get the label that the other one has
    rng = np.random.RandomState(0)
    y = rng.randint(0, 2, size=200)
    votes = np.where(rng.uniform(size=(200, 2)) < 0.6, y[:, None], 1 - y[:, None])
    X = np.column_stack([votes, rng.normal(size=200)])
    if model == "votes":
        model = DawidSkene(missing_label=-1, classes=[0, 1], random_state=0)
        y = np.where(rng.uniform(size=200) < 0.5, y, -1)
    labeler = WeakLabeler(
        model,
        weak_columns=[0, 1],
        strong_columns=[2],
        missing_label=-1,
        random_state=0,
    )
    order = rng.permutation(200)
    one = labeler.fit_label(X, y)[0]
    two = labeler.fit_label(X[order], y[order])[0]
    np.testing.assert_allclose(two.proba, one.proba[order], atol=1e-9)
