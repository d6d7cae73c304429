"""The strong model, and which rows and labels it is shown."""

import tracemalloc
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.exceptions import (
    ClassCollapseWarning,
    NoOverlapWarning,
    SimilarViewsWarning,
    WeakLabelWarning,
)
from overlapkit.label_models import MajorityVote
from overlapkit.model_selection import KnownLabelSplit
from overlapkit.scorers import (
    ConfidenceScorer,
    CutStatisticScorer,
    SelfConfidenceScorer,
)
from overlapkit.weak import KnownLabels, WeakLabeler
from tests.support.data import WEAK, Recorder, two_views, with_probabilities

STRONG = slice(10, 20)  # disjoint views: the hard features
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*show no separate groups", "ignore:.*certain of more than half"
)


def model(estimator=None, **kwargs):
    kwargs = {"weak_columns": WEAK, "random_state": 0, **kwargs}
    return WeakToStrongClassifier(estimator or LogisticRegression(), **kwargs)


def precomputed(estimator=None, n_classes=2, d=6, **kwargs):
    """A classifier for the X of `with_probabilities`."""
    return WeakToStrongClassifier(
        estimator or Recorder(),
        weak_estimator="precomputed",
        strong_columns=slice(0, d),
        weak_columns=slice(d, d + n_classes),
        random_state=0,
        **kwargs,
    )


# ---------------------------------------------------- what the strong model sees


def test_the_strong_model_never_sees_a_true_label():
    # labels are noise and the weak model memorises: any leak shows as agreement
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(200, 6)), rng.randint(0, 2, size=200)
    fitted = model(
        Recorder(), weak_estimator=KNeighborsClassifier(1), weak_columns=slice(0, 2)
    ).fit(X, y)
    seen = fitted.estimator_
    np.testing.assert_array_equal(seen.X_, X)
    np.testing.assert_array_equal(seen.y_, fitted.weak_labels_)
    assert 0.35 < np.mean(seen.y_ == y) < 0.65
    assert seen.sample_weight_ is None


def test_weak_labels_are_computed_once_and_indexed():
    data = two_views()
    fitted = model(Recorder(), selector=OverlapDetector(), strong_columns=STRONG)
    fitted.fit(data.X, data.y)
    rows = fitted.selected_
    assert 0 < rows.sum() < 240
    np.testing.assert_array_equal(rows, fitted.selector_.labels_ == 1)
    np.testing.assert_array_equal(fitted.estimator_.X_, data.X[rows, 10:])
    np.testing.assert_array_equal(fitted.estimator_.y_, fitted.weak_labels_[rows])
    # the detector alone, on the same folds, finds the same rows
    alone = OverlapDetector(weak_columns=WEAK, strong_columns=STRONG, random_state=0)
    np.testing.assert_array_equal(alone.fit(data.X, data.y).labels_ == 1, rows)


def test_a_student_can_beat_its_teacher():
    # without overlap rows the hard pattern is never seen with a right label
    train = two_views(900)
    test = two_views(900, seed=1, theta=train.theta)
    fitted = model(selector=OverlapDetector()).fit(train.X, train.y)
    teacher = fitted.weak_estimator_.predict(test.X[:, WEAK])
    hard = test.region == 2
    student = fitted.predict(test.X)
    assert np.mean(teacher[hard] == test.y[hard]) < 0.6
    assert np.mean(student[hard] == test.y[hard]) > 0.8


def test_only_the_labelled_rows_teach_the_weak_model():
    data = two_views()
    y = np.where(np.arange(240) < 90, data.y, -1)
    fitted = model(Recorder(), missing_label=-1, strong_columns=STRONG).fit(data.X, y)
    assert fitted.classes_.tolist() == [0, 1]
    assert len(fitted.estimator_.y_) == 240
    alone = clone(fitted.weak_estimator_).fit(data.X[:90, WEAK], data.y[:90])
    np.testing.assert_allclose(
        fitted.weak_proba_[90:], alone.predict_proba(data.X[90:, WEAK])
    )


def test_include_labeled_adds_true_labels_of_known_rows_only():
    data = two_views()
    y = np.where(np.arange(240) % 4 == 0, data.y, -1)
    kwargs = {"missing_label": -1, "selector": OverlapDetector()}
    without = model(Recorder(), **kwargs).fit(data.X, y)
    fitted = model(Recorder(), include_labeled=True, **kwargs).fit(data.X, y)
    known = y != -1
    np.testing.assert_array_equal(fitted.selected_, without.selected_ | known)
    expected = np.where(known, data.y, fitted.weak_labels_)[fitted.selected_]
    np.testing.assert_array_equal(fitted.estimator_.y_, expected)
    assert not np.array_equal(expected, fitted.weak_labels_[fitted.selected_])


@pytest.mark.parametrize("names", [["a", "b"], [False, True], [3, 7]])
def test_labels_of_any_type(names):
    data = two_views()
    y = np.array(names)[data.y]
    fitted = model().fit(data.X, y)
    assert fitted.classes_.tolist() == names
    assert set(fitted.predict(data.X)) == set(names)
    as_object = np.where(np.arange(240) % 4 == 0, y.astype(object), np.nan)
    some = model(missing_label=np.nan, include_labeled=True).fit(data.X, as_object)
    assert some.classes_.tolist() == names
    assert some.score(data.X, y) > 0.6


# -------------------------------------------------------------------- label_use


@pytest.mark.parametrize("n_classes", [2, 4])
def test_soft_labels_are_every_class_weighted_by_its_probability(n_classes):
    strong, proba, X = with_probabilities(n_classes=n_classes)
    proba[0] = X[0, 6:] = np.eye(n_classes)[1]  # certain: one copy is enough
    seen = precomputed(n_classes=n_classes, label_use="soft").fit(X).estimator_
    assert len(seen.y_) == 90 * n_classes - (n_classes - 1)
    for k in range(n_classes):
        rows = proba[:, k] > 0
        np.testing.assert_allclose(seen.X_[seen.y_ == k], strong[rows])
        np.testing.assert_allclose(seen.sample_weight_[seen.y_ == k], proba[rows, k])
    assert seen.sample_weight_.sum() == pytest.approx(90)


def test_weighted_labels_carry_the_confidence():
    _, proba, X = with_probabilities()
    weight = np.random.RandomState(0).uniform(1, 2, size=90)
    seen = precomputed(label_use="weighted").fit(X, sample_weight=weight).estimator_
    expected = np.abs(proba[:, 0] - proba[:, 1]) * weight
    np.testing.assert_allclose(seen.sample_weight_, expected)
    np.testing.assert_array_equal(seen.y_, proba.argmax(axis=1))


@pytest.mark.parametrize("label_use", ["soft", "weighted"])
def test_known_labels_are_certain(label_use):
    _, proba, X = with_probabilities()
    y = np.full(90, -1)
    y[:10] = 1 - proba[:10].argmax(axis=1)  # all against the weak model
    seen = (
        precomputed(label_use=label_use, include_labeled=True, missing_label=-1)
        .fit(X, y)
        .estimator_
    )
    first = np.isin(seen.X_[:, 0], X[:10, 0])
    assert first.sum() == 10
    np.testing.assert_array_equal(seen.sample_weight_[first], np.ones(10))
    order = np.argsort(X[:10, 0])
    np.testing.assert_array_equal(
        seen.y_[first][np.argsort(seen.X_[first, 0])], y[:10][order]
    )


@pytest.mark.parametrize("label_use", ["hard", "soft", "weighted"])
def test_a_weight_is_a_number_of_copies(label_use):
    # with probabilities given there are no folds: weight 2 and two copies are the same
    _, _, X = with_probabilities()
    weight = np.random.RandomState(0).randint(0, 4, size=90)
    fits = [
        precomputed(LogisticRegression(tol=1e-10), label_use=label_use)
        for _ in range(2)
    ]
    fits[0].fit(X, sample_weight=weight)
    fits[1].fit(np.repeat(X, weight, axis=0))
    np.testing.assert_allclose(
        fits[0].estimator_.coef_, fits[1].estimator_.coef_, rtol=1e-4
    )


def test_weights_also_reach_the_weak_model():
    data = two_views()
    weight = np.where(np.arange(240) < 120, 1.0, 0.0)
    fitted = model(Recorder()).fit(data.X, data.y, sample_weight=weight)
    alone = model(Recorder()).fit(data.X[:120], data.y[:120])
    np.testing.assert_allclose(
        fitted.weak_estimator_[-1].coef_, alone.weak_estimator_[-1].coef_, rtol=1e-3
    )
    np.testing.assert_array_equal(fitted.estimator_.sample_weight_, weight)


# -------------------------------------------------------------------- selection


@pytest.mark.parametrize("balance", ["proportional", "equal", None])
@pytest.mark.parametrize(
    "selector", [OverlapDetector(), ConfidenceScorer(), CutStatisticScorer()]
)
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.ClassCollapseWarning")
def test_budget_and_balance(selector, balance):
    X = with_probabilities(n=200)[2]
    fitted = precomputed(selector=selector, budget=0.3, balance=balance).fit(X)
    assert abs(fitted.selected_.sum() - 60) <= 1
    codes = fitted.weak_labels_
    kept = np.bincount(codes[fitted.selected_])
    if balance == "equal":
        assert abs(kept[0] - kept[1]) <= 1
    elif balance == "proportional":
        np.testing.assert_allclose(kept, np.bincount(codes) * 0.3, atol=1)
    for code in (0, 1):
        if balance is not None:
            mine, scores = codes == code, fitted.selector_.scores_
            rest = mine & ~fitted.selected_
            assert scores[mine & fitted.selected_].min() >= scores[rest].max()


def test_a_foreign_selector_is_fitted_on_the_strong_view_and_weak_labels():
    class Foreign(Recorder):
        def score_samples(self, X):
            return X[:, 0]

    strong, proba, X = with_probabilities()
    fitted = precomputed(selector=Foreign(), budget=0.5, balance=None).fit(X)
    np.testing.assert_array_equal(fitted.selector_.X_, strong)
    np.testing.assert_array_equal(fitted.selector_.y_, proba.argmax(axis=1))
    best = np.argsort(-strong[:, 0])[:45]
    assert set(np.flatnonzero(fitted.selected_)) == set(best)


def test_the_guard_keeps_a_class_from_vanishing():
    # class "b" is never as sure as class "a": its rows are all below the median
    strong, _, _ = with_probabilities(n=200)
    b = np.arange(200) % 2
    p = np.where(b, 0.6, 0.1) + np.linspace(0, 0.05, 200)
    X = np.column_stack([strong, 1 - p, p])
    y = np.array(["a", "b"] * 100)
    classifier = precomputed(selector=ConfidenceScorer(threshold=("quantile", 0.5)))
    with pytest.warns(ClassCollapseWarning, match=r"Weak class 'b' makes up 50.0%"):
        fitted = classifier.fit(X, y)
    assert np.bincount(b[fitted.selected_]).tolist() == [50, 50]
    assert fitted.predict_proba(X).shape == (200, 2)


def test_a_selector_that_keeps_nothing_means_all_rows():
    data = two_views()
    classifier = model(selector=OverlapDetector(hard_threshold=0.0))
    with (
        pytest.warns(NoOverlapWarning, match="No hard rows"),
        pytest.warns(NoOverlapWarning, match="keeps no row"),
    ):
        fitted = classifier.fit(data.X, data.y)
    assert fitted.selected_.all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"selector": CutStatisticScorer()},
            "CutStatisticScorer has no threshold.*bud",
        ),
        ({"selector": SelfConfidenceScorer()}, "has no threshold of its own"),
        (
            {"selector": OverlapDetector(weak_columns=[0], strong_columns=[1])},
            "OverlapDetector is given rows .* strong_columns, weak_columns cannot be",
        ),
        ({"include_labeled": True}, "Say which label stands for 'unknown'"),
        ({"selector": "best"}, "The 'selector' parameter of WeakToStrongClassifier"),
        ({"budget": 0.0}, "The 'budget' parameter of WeakToStrongClassifier"),
        ({"budget": 1.5}, "The 'budget' parameter of WeakToStrongClassifier"),
        (
            {"estimator": KNeighborsClassifier(), "label_use": "soft"},
            "takes sample_weight; KNeighborsClassifier does not",
        ),
    ],
)
def test_parameters_that_do_not_go_together(params, message):
    data = two_views()
    with pytest.raises(ValueError, match=message):
        model(**params).fit(data.X, data.y)


# ------------------------------------------------------------------------- auto


def votes_and_few_labels(seed=0, n=600, n_known=60):
    """Strong columns and votes that are right in three of four cases."""
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 2, size=n)
    strong = rng.normal(size=(n, 8)) + 0.5 * (2 * y - 1)[:, None]
    votes = np.where(rng.rand(n, 5) < 0.75, y[:, None], 1 - y[:, None])
    votes[rng.rand(n, 5) < 0.4] = -1
    known = np.where(np.arange(n) < n_known, y, -1)
    return np.column_stack([strong, votes]), y, known


def with_votes(**params):
    return WeakToStrongClassifier(
        LogisticRegression(),
        weak_estimator=MajorityVote(classes=[0, 1]),
        strong_columns=slice(0, 8),
        weak_columns=slice(8, None),
        random_state=0,
        **params,
    )


@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.UncoveredRowsWarning")
def test_auto_learns_from_known_and_weak_labels():
    X, y, some = votes_and_few_labels()
    fitted = with_votes(selector="auto", missing_label=-1).fit(X, some)
    report = fitted.selection_report_.set_index("candidate")
    assert list(report.index) == [
        "labels alone",
        "all covered weak labels",
        "self-cut",
        "recipe",
        "average",
    ]
    assert report["used"].sum() == 1
    assert (report["low"] <= report["accuracy"]).all()
    known = some != -1
    # known labels are kept, and learnt from
    np.testing.assert_array_equal(fitted.corrected_labels_[known], y[known])
    assert fitted.selected_[known].all()
    right = np.mean(fitted.corrected_labels_[~known] == y[~known])
    assert right > np.mean(fitted.weak_labels_[~known] == y[~known])
    assert set(fitted.stack_coef_) == {"known labels", "weak labels", "votes"}
    assert "Shares of the evidence" in fitted.weak_label_summary_
    alone = LogisticRegression().fit(X[known, :8], y[known])
    new_X, new_y, _ = votes_and_few_labels(seed=1, n=2000)
    assert fitted.score(new_X, new_y) > alone.score(new_X[:, :8], new_y)


@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.UncoveredRowsWarning")
def test_auto_without_known_labels_is_all_covered_rows():
    X, _, some = votes_and_few_labels()
    plain = with_votes().fit(X)
    for y in (None, np.full_like(some, -1)):
        fitted = with_votes(selector="auto", missing_label=-1).fit(X, y)
        np.testing.assert_array_equal(fitted.selected_, fitted.covered_)
        np.testing.assert_array_equal(fitted.estimator_.coef_, plain.estimator_.coef_)
        assert fitted.corrected_labels_ is None
    one_class = np.where(some == 1, 1, -1)
    with pytest.warns(
        WeakLabelWarning, match=r"No label of the classes \[0\] is known"
    ):
        fitted = with_votes(selector="auto", missing_label=-1).fit(X, one_class)
    np.testing.assert_array_equal(fitted.selected_, fitted.covered_)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"budget": 0.5}, "leave budget=0.5 at None"),
        ({"label_use": "soft"}, "label_use='soft' at"),
        ({"missing_label": None}, "Say which label stands for 'unknown'"),
    ],
)
def test_auto_refuses_what_it_cannot_honour(params, message):
    X, y, _ = votes_and_few_labels()
    params = {"selector": "auto", "missing_label": -1} | params
    with pytest.raises(ValueError, match=message):
        with_votes(**params).fit(X, y)


# ---------------------------------------------------------------------- predict


def test_predicting_needs_only_the_strong_columns():
    data = two_views()
    fitted = model(strong_columns=STRONG).fit(data.X, data.y)
    expected = fitted.predict_proba(data.X)
    spoilt = data.X.copy()
    spoilt[:, WEAK] = np.nan
    np.testing.assert_array_equal(fitted.predict_proba(spoilt), expected)
    spoilt[0, 15] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        fitted.predict(spoilt)


@pytest.mark.parametrize("estimator", [None, LogisticRegression()])
def test_a_frame_may_lack_weak_columns(estimator):
    data = two_views()
    names = [f"weak{i}" for i in range(10)] + [f"strong{i}" for i in range(10)]
    frame = pd.DataFrame(data.X, columns=names)
    fitted = WeakToStrongClassifier(
        estimator,
        weak_columns=names[:10],
        strong_columns=names[10:],
        n_jobs=1,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # names must match everywhere
        expected = fitted.fit(frame, data.y).predict(frame)
        for columns in (names[10:], names[:3] + names[10:], names[:9] + names[10:]):
            np.testing.assert_array_equal(fitted.predict(frame[columns]), expected)
    # columns nobody asked for are no reason to refuse the rows either
    other = frame[names[10:]].assign(**{f"id{i}": 0.0 for i in range(10)})
    np.testing.assert_array_equal(fitted.predict(other), expected)
    with pytest.raises(ValueError, match="strong0"):
        fitted.predict(frame[names[11:]])


def test_trap_5_unfitted_is_said_before_anything_else():
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(model(), method)(np.ones((2, 20)))


def test_methods_are_those_of_the_strong_model():
    data = two_views()
    assert not hasattr(model(LinearSVC()), "predict_proba")
    assert hasattr(model(LinearSVC()), "decision_function")
    assert not hasattr(model(KNeighborsClassifier()), "decision_function")
    fitted = model(LinearSVC()).fit(data.X, data.y)
    decision = fitted.decision_function(data.X)
    np.testing.assert_array_equal(decision, fitted.estimator_.decision_function(data.X))
    assert not hasattr(fitted, "predict_proba")


def test_a_class_the_strong_model_never_saw_has_probability_zero():
    X = with_probabilities(n_classes=3)[2]
    X[:, 6:] = np.array([[0.6, 0.1, 0.3], [0.3, 0.1, 0.6]])[np.arange(90) % 2]
    fitted = precomputed(n_classes=3).fit(X)
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert fitted.estimator_.classes_.tolist() == [0, 2]
    np.testing.assert_allclose(fitted.predict_proba(X[:1]), [[0.5, 0, 0.5]])


# ------------------------------------------------------------------- invariants


@pytest.mark.parametrize("kind", ["precomputed", "prefit", "votes"])
@pytest.mark.parametrize("selector", [None, OverlapDetector(), CutStatisticScorer()])
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_permuting_the_rows_permutes_everything(kind, selector):
    # where no folds are drawn, nothing depends on the order of the rows
    X = with_probabilities(n=150)[2]
    kwargs = {"selector": selector, "random_state": 0}
    if isinstance(selector, CutStatisticScorer):
        kwargs["budget"] = 0.5
    views = {"strong_columns": slice(0, 6), "weak_columns": slice(6, 8)}
    if kind == "precomputed":
        weak = "precomputed"
    elif kind == "prefit":
        weak = FrozenEstimator(LogisticRegression().fit(X[:, 6:], X[:, 6] > 0.5))
    else:
        weak = MajorityVote(random_state=0)
        X[:, 6:] = np.random.RandomState(0).randint(-1, 2, size=(150, 2))
    classifier = WeakToStrongClassifier(
        LogisticRegression(tol=1e-10), weak_estimator=weak, **views, **kwargs
    )
    order = np.random.RandomState(0).permutation(150)
    one, two = clone(classifier).fit(X), clone(classifier).fit(X[order])
    np.testing.assert_array_equal(two.weak_labels_, one.weak_labels_[order])
    np.testing.assert_array_equal(two.selected_, one.selected_[order])
    np.testing.assert_allclose(two.predict_proba(X), one.predict_proba(X), atol=1e-6)


def test_frames_and_arrays_agree_also_where_votes_tie():
    rng = np.random.RandomState(0)
    votes = rng.randint(-1, 2, size=(200, 2))
    X = np.hstack([rng.normal(size=(200, 3)), votes])
    fits = [
        model(
            weak_estimator=MajorityVote(random_state=0),
            strong_columns=slice(0, 3),
            weak_columns=slice(3, 5),
        ).fit(table)
        for table in (X, pd.DataFrame(X, columns=list("abcde")))
    ]
    tied = fits[0].weak_proba_[:, 0] == 0.5
    assert tied.sum() > 20
    labels = [fit.weak_labels_ for fit in fits]
    np.testing.assert_array_equal(labels[0], labels[1])
    # by lot, not all the same
    assert 0.3 < labels[1][tied].mean() < 0.7


@pytest.mark.usefixtures("threads")
def test_n_jobs_and_repetition():
    data = two_views()
    fits = [
        model(selector=OverlapDetector(), n_jobs=n)
        .fit(data.X, data.y)
        .predict_proba(data.X)
        for n in (1, 1, 2)
    ]
    np.testing.assert_array_equal(fits[0], fits[1])
    np.testing.assert_array_equal(fits[0], fits[2])


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("estimator", [None, LogisticRegression()])
def test_lower_precision(dtype, estimator):
    data = two_views()
    X = data.X.astype(dtype)
    X.setflags(write=False)
    fitted = WeakToStrongClassifier(
        estimator, weak_columns=WEAK, strong_columns=STRONG, n_jobs=1, random_state=0
    ).fit(X, data.y)
    assert np.mean(fitted.predict(X) == fitted.predict(X.astype(float))) > 0.98


# -------------------------------------------------------------------- bad input


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
@pytest.mark.parametrize("as_given", [np.asarray, pd.DataFrame])
@pytest.mark.parametrize("when", ["fit", "predict"])
def test_infinite_features_are_an_error_for_every_strong_model(bad, as_given, when):
    # LightGBM, the default, would take infinity without a word
    data = two_views()
    X = data.X.copy()
    X[5, 12] = bad
    classifier = WeakToStrongClassifier(
        weak_columns=WEAK, strong_columns=STRONG, n_jobs=1
    )
    if when == "predict":
        classifier.fit(as_given(data.X), data.y)
        call = classifier.predict
    else:
        call = partial(classifier.fit, y=data.y)
    with pytest.raises(ValueError, match=r"X \(strong view\) contains infinity"):
        call(as_given(X))


def test_missing_features_are_left_to_a_strong_model_that_takes_them():
    data = two_views()
    X = data.X.copy()
    X[5, 12] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        model(strong_columns=STRONG).fit(X, data.y)
    fitted = WeakToStrongClassifier(weak_columns=WEAK, strong_columns=STRONG, n_jobs=1)
    assert fitted.fit(X, data.y).predict(X).shape == (240,)
    X[5, 2] = np.nan  # the default weak model takes none
    with pytest.raises(ValueError, match="contains NaN"):
        fitted.fit(X, data.y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            np.ones(240, dtype=int),
            r"weak model cannot learn: y holds one class only \(1",
        ),
        (np.arange(239) % 2, r"inconsistent numbers.*\[240, 239\]"),
        (np.linspace(0, 1, 240), "Unknown label type"),
        (None, "requires y to be passed, but the target y is None"),
        (np.array([0, 1, None] * 80, dtype=object), "y contains None"),
        (np.array([0, 1, np.nan] * 80), r"y contains NaN.*missing_label=np.nan"),
        (np.array([0, 1, np.inf] * 80), "y contains infinity"),
    ],
)
def test_bad_labels(y, message):
    with pytest.raises(ValueError, match=message):
        model().fit(two_views().X, y)


def test_columns_that_do_not_exist_are_an_error():
    data = two_views()
    with pytest.raises(ValueError, match=r"strong_columns=slice\(0, 21.* do not exist"):
        model(strong_columns=slice(0, 21)).fit(data.X, data.y)


def test_one_weak_class_is_an_error():
    X = with_probabilities()[2]
    X[:, 6:] = [0.9, 0.1]
    with pytest.raises(
        ValueError, match=r"weak labels hold one class only \(\['a'\]\)"
    ):
        precomputed().fit(X, np.array(["a", "b"] * 45))
    X[:5, 6:] = [0.1, 0.9]
    weight = np.r_[np.zeros(5), np.ones(85)]
    with pytest.raises(ValueError, match=r"and a weight above 0 \(sample_w"):
        precomputed().fit(X, sample_weight=weight)


@pytest.mark.parametrize("kind", ["votes", "probabilities"])
def test_a_student_that_sees_its_teachers_answers_is_named(kind):
    data = two_views()
    rng = np.random.RandomState(0)
    right = np.where(rng.rand(240, 3) < 0.8, data.y[:, None], 1 - data.y[:, None])
    answers, weak_estimator = right, MajorityVote()
    if kind == "probabilities":
        answers = np.column_stack([1 - right.mean(axis=1), right.mean(axis=1)])
        weak_estimator = "precomputed"
    X = np.hstack([data.X, answers])
    columns = slice(20, None)
    params = {"weak_estimator": weak_estimator, "weak_columns": columns}
    with pytest.warns(SimilarViewsWarning, match=f"{kind} that the weak labels come"):
        copy = model(**params).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SimilarViewsWarning)
        honest = model(**params, strong_columns=slice(0, 20)).fit(X)
        model(weak_estimator=weak_estimator, weak_columns=None).fit(answers)
    with pytest.warns(SimilarViewsWarning):  # a part of them is enough
        model(**params, strong_columns=slice(0, 21)).fit(X)
    if kind == "votes":
        frozen = FrozenEstimator(MajorityVote().fit(answers))
        with pytest.warns(SimilarViewsWarning):
            model(weak_estimator=frozen, weak_columns=columns).fit(X)
    # what the warning is about: the student has learnt to repeat them
    agreement = [np.mean(m.predict(X) == m.weak_labels_) for m in (copy, honest)]
    assert agreement[0] > 0.97 > agreement[1] + 0.03


def test_one_class_with_any_confidence_is_an_error_where_confidence_is_weight():
    proba = np.full((90, 2), 0.5)
    proba[:40] = [1, 0]
    X = np.hstack([with_probabilities()[2][:, :6], proba])
    weighted = precomputed(LogisticRegression(), label_use="weighted")
    with pytest.raises(
        ValueError, match=r"one class only \(\[0\]\) .* a weight above 0"
    ):
        weighted.fit(X)
    precomputed(LogisticRegression()).fit(X)  # hard labels: by lot, but of two classes


def test_a_weak_model_that_knows_nothing_is_named():
    X = with_probabilities()[2]
    X[:, 6:] = 0.5
    with pytest.warns(WeakLabelWarning, match="undecided about each of the 90 rows"):
        precomputed().fit(X)


@pytest.mark.parametrize("n", [3, 239])
def test_trap_11_metadata_of_another_length_is_refused(n):
    # scikit-learn hands on, unsliced, what is not as long as X
    data = two_views()
    with pytest.raises(
        ValueError, match=f"sample_weight has {n} entries, but X has 240"
    ):
        model().fit(data.X, data.y, sample_weight=np.ones(n))


def test_unknown_fit_parameters_are_refused():
    data = two_views()
    with pytest.raises((TypeError, ValueError), match="eval_set"):
        model().fit(data.X, data.y, eval_set=data.y)


def test_rows_of_one_group_are_held_out_together():
    # a nearest neighbour that has seen a copy of a row knows its label
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(60, 4)).repeat(2, axis=0), rng.randint(0, 2, 60).repeat(2)
    groups = np.arange(60).repeat(2)
    classifier = WeakToStrongClassifier(
        LogisticRegression(), weak_estimator=KNeighborsClassifier(1), random_state=0
    )
    copied = classifier.fit(X, y).weak_labels_
    apart = classifier.fit(X, y, groups=groups).weak_labels_
    assert np.mean(copied == y) > 0.7
    assert np.mean(apart == y) < 0.65
    with pytest.raises(ValueError, match="groups has 3 entries"):
        classifier.fit(X, y, groups=[0, 1, 2])


# ------------------------------------------- known and weak labels together: "auto"


def votes_and_labels(*, n=300, n_known=60, seed=0):
    """Five strong columns and six columns of votes; y is -1 where unknown."""
    rng = np.random.RandomState(seed)
    truth = rng.randint(0, 2, size=n)
    strong = rng.normal(size=(n, 5)) + truth[:, None]
    right = rng.uniform(size=(n, 6)) < 0.8
    votes = np.where(right, truth[:, None], 1 - truth[:, None])
    votes[rng.uniform(size=votes.shape) < 0.4] = -1
    y = np.where(np.arange(n) < n_known, truth, -1)
    return np.column_stack([strong, votes]), y, truth


def auto(estimator=None, **params):
    settings = {
        "weak_estimator": MajorityVote(),
        "strong_columns": slice(0, 5),
        "weak_columns": slice(5, 11),
        "missing_label": -1,
        "selector": "auto",
        "random_state": 0,
    }
    estimator = LogisticRegression() if estimator is None else estimator
    return WeakToStrongClassifier(estimator, **(settings | params))


def test_auto_predicts_where_values_are_missing_if_the_strong_model_does():
    X, y, truth = votes_and_labels()
    X[::7, 0] = np.nan
    fitted = auto(HistGradientBoostingClassifier(max_iter=10)).fit(X, y)
    assert fitted.score(X, truth) > 0.6
    strict = auto(KNeighborsClassifier()).fit(np.nan_to_num(X), y)
    with pytest.raises(ValueError, match="NaN"):
        strict.predict(X)


class TakesMore(LogisticRegression):
    """Takes a list that is not per row, and numbers that are."""

    def fit(self, X, y, sample_weight=None, callbacks=None, row=None):
        assert callbacks == ["first", "second"]
        assert len(row) == len(y)
        return super().fit(X, y, sample_weight)


def test_auto_hands_on_what_is_not_per_row_as_it_is():
    X, y, truth = votes_and_labels()
    with config_context(enable_metadata_routing=True):
        student = TakesMore().set_fit_request(callbacks=True, row=True)
        more = {"callbacks": ["first", "second"], "row": np.arange(len(y))}
        fitted = auto(student).fit(X, y, **more)
    assert fitted.score(X, truth) > 0.6


@pytest.mark.parametrize("cv", [5, KnownLabelSplit(3)])
def test_groups_need_no_request_with_routing(cv):
    X, y, truth = votes_and_labels()
    groups = np.arange(len(y)) // 3
    for estimator, labels in (
        (auto(cv=cv), y),
        (auto(cv=cv, weak_estimator=None, selector=None, missing_label=None), truth),
    ):
        plain = clone(estimator).fit(X, labels, groups=groups)
        with config_context(enable_metadata_routing=True):
            routed = clone(estimator).fit(X, labels, groups=groups)
        np.testing.assert_allclose(routed.weak_proba_, plain.weak_proba_, atol=1e-12)
        np.testing.assert_allclose(
            routed.predict_proba(X), plain.predict_proba(X), atol=1e-9
        )


def test_fitted_state_holds_no_frame():
    # formats that store models without pickle know arrays, numbers, texts and lists
    X, y, _ = votes_and_labels()
    fitted = auto().fit(X, y)
    assert not any(isinstance(v, pd.DataFrame) for v in vars(fitted).values())
    report = fitted.selection_report_
    assert report["candidate"].tolist()[0] == "labels alone"
    assert report.loc[report["used"], "candidate"].tolist() == ["average"]


def test_auto_says_when_known_labels_have_no_weight():
    X, y, _ = votes_and_labels()
    with pytest.raises(ValueError, match="zero for all 60 rows whose label is known"):
        auto().fit(X, y, sample_weight=np.where(y < 0, 1.0, 0.0))


# ------------------------------------------------------- scores and labelled rows


def test_labels_to_score_by_must_be_as_many_as_rows():
    X, y, truth = votes_and_labels()
    fitted = auto(selector=None).fit(X, y)
    assert fitted.score(X, y) == fitted.score(X[:60], truth[:60])
    for labels, weight in ((y[:100], None), (y, np.ones(60))):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            fitted.score(X, labels, weight)
    with pytest.raises(ValueError, match="contains None"):
        fitted.score(X, np.where(y < 0, None, y))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"keep": np.arange(300)}, r"mask of shape \(300,\) and dtype bool"),
        ({"keep": True}, r"mask of shape \(300,\)"),
        ({"keep": np.zeros(300, dtype=bool)}, "no row is left to learn from"),
        ({"known": KnownLabels(np.arange(200) < 2, np.array([0, 1]))}, "of 200 rows"),
        ({"known": KnownLabels(np.arange(300) < 2, np.array([0, 7]))}, r"\[7\]"),
    ],
)
def test_known_labels_and_masks_are_those_of_the_rows(given, message):
    X, y, _ = votes_and_labels()
    params = auto().get_params(deep=False)
    names = WeakLabeler().get_params()
    rows, _ = WeakLabeler(**{name: params[name] for name in names}).fit_label(X, y)
    with pytest.raises(ValueError, match=message):
        auto(selector=None).fit_rows(rows, **given)


@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_copies_of_the_strong_view_are_counted():
    # One of a frame of float64, to tell its rows apart: the detector reads the frame
    # itself. None of a float32 array, in fit or predict. What the student of a user
    # copies is its own affair, so this one looks at no row.
    rng = np.random.default_rng(0)
    strong = rng.standard_normal((60_000, 100), dtype=np.float32)
    y = (strong[:, 0] + rng.standard_normal(len(strong)) > 0).astype(int)
    frame = pd.DataFrame(strong.astype(np.float64)).rename(columns="c{}".format)

    def peak(call):
        tracemalloc.start()
        call()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    for X, weak, in_fit in (
        (frame, ["c0", "c1"], 2.0),
        (strong, slice(0, 2), 1.0),
    ):
        model = WeakToStrongClassifier(
            DummyClassifier(),
            weak_columns=weak,
            selector=OverlapDetector(max_landmarks=100),
            random_state=0,
        )
        model.fit(X[:500], y[:500])  # what is compiled or imported once
        size = len(X) * 100 * (8 if X is frame else 4)
        assert peak(lambda: model.fit(X, y)) < in_fit * size  # noqa: B023
    assert peak(lambda: model.predict(strong)) < 0.5 * strong.nbytes
