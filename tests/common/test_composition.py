"""Overlapkit inside the rest of scikit-learn: one test for each combination.

Names that begin with `test_trap_` are failures that a two-view design has run into;
the number is that of the project's list of traps.
"""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import (
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote
from overlapkit.scorers import ConfidenceScorer, CutStatisticScorer
from tests.support.data import WEAK, two_views

pytestmark = pytest.mark.filterwarnings(
    "ignore::overlapkit.exceptions.OverlapkitWarning"
)
DATA = two_views(180)
X, Y = DATA.X, DATA.y
NAMES = [f"easy{i}" for i in range(10)] + [f"hard{i}" for i in range(10)]
FRAME = pd.DataFrame(X, columns=NAMES)
VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))


@pytest.fixture(params=[False, True], ids=["no routing", "routing"])
def routing(request):
    """The same test with metadata routing off and on; conftest.py restores it."""
    sklearn.set_config(enable_metadata_routing=request.param)
    return request.param


def detector(**kwargs):
    kwargs = {"weak_columns": WEAK, "random_state": 0, "cv": 3} | kwargs
    return OverlapDetector(**kwargs)


def student(**kwargs):
    kwargs = {"weak_columns": WEAK, "random_state": 0, "cv": 3} | kwargs
    return WeakToStrongClassifier(LogisticRegression(), **kwargs)


# ---------------------------------------------------------------------- pipeline


def test_pipeline_with_a_detector_as_a_step(routing):
    pipe = make_pipeline(StandardScaler(), detector(), LogisticRegression()).fit(X, Y)
    by_hand = detector().fit(StandardScaler().fit_transform(X), Y)
    expected = by_hand.transform(StandardScaler().fit_transform(X))
    np.testing.assert_allclose(pipe[:-1].transform(X), expected)
    assert pipe.predict(X).shape == (180,)
    assert pipe[:-1].get_feature_names_out().tolist() == [
        "weak_confidence",
        "overlap_score",
    ]


def test_pipeline_with_a_classifier_at_the_end(routing):
    pipe = make_pipeline(MinMaxScaler(), student(selector=OverlapDetector())).fit(X, Y)
    alone = student(selector=OverlapDetector()).fit(MinMaxScaler().fit_transform(X), Y)
    np.testing.assert_array_equal(
        pipe.predict(X), alone.predict(MinMaxScaler().fit(X).transform(X))
    )


def test_pipeline_hands_names_on():
    pipe = make_pipeline(
        StandardScaler(),
        WeakToStrongClassifier(
            LogisticRegression(), weak_columns=NAMES[:10], random_state=0, cv=3
        ),
    ).set_output(transform="pandas")
    pipe.fit(FRAME, Y)
    by_position = make_pipeline(StandardScaler(), student()).fit(X, Y)
    np.testing.assert_array_equal(pipe.predict(FRAME), by_position.predict(X))


# ----------------------------------------------------------------------- search

GRIDS = {
    "metric": {"selector__metric": ["cosine", "dot", "euclidean"]},
    "aggregation": {"selector__aggregation": ["mean", "max", ("topk", 10)]},
    "thresholds": {
        "selector__hard_threshold": [
            "changepoint",
            ("quantile", 0.5),
            0.3,
            ("quantile", 0.4),
        ],
        "selector__overlap_threshold": ["changepoint", "binseg"],
    },
    "budget": {"budget": [0.25, 0.5, None], "balance": ["proportional", None]},
    "weak model": {"weak_estimator__C": [0.01, 1.0]},
    "weak columns": {"weak_columns": [slice(0, 5), WEAK, [0, 3], None]},
    "selector": {
        "selector": [None, OverlapDetector(), ConfidenceScorer(), CutStatisticScorer()],
        "budget": [0.5],
    },
    "strong model": {"estimator__C": [0.01, 1.0], "label_use": ["hard", "soft"]},
}


@pytest.mark.parametrize("grid", GRIDS)
def test_grid_search(grid, routing):
    base = student(selector=OverlapDetector(), weak_estimator=LogisticRegression())
    search = GridSearchCV(base, GRIDS[grid], cv=2, error_score="raise").fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    # refitting with the best parameters by hand gives the same classifier
    again = clone(base).set_params(**search.best_params_).fit(X, Y)
    np.testing.assert_array_equal(search.predict(X), again.predict(X))


def test_grid_search_over_a_detector_as_a_step(routing):
    pipe = make_pipeline(detector(), LogisticRegression())
    grid = {
        "overlapdetector__metric": ["cosine", "euclidean"],
        "overlapdetector__weak_columns": [WEAK, slice(10, 20)],
    }
    search = GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(X, Y)
    # confidence of the weak model and similarity do not tell the classes apart, but
    # the search must have tried four different detectors
    assert len(search.cv_results_["params"]) == 4


def test_halving_grid_search(routing):
    search = HalvingGridSearchCV(
        student(selector=OverlapDetector(), weak_estimator=LogisticRegression()),
        {"weak_estimator__C": [0.1, 1.0], "selector__aggregation": ["mean", "max"]},
        cv=2,
        min_resources=60,
        random_state=0,
        error_score="raise",
    ).fit(X, Y)
    assert search.n_iterations_ >= 2
    assert search.best_estimator_.weak_labels_.shape == (180,)


def test_cross_validate_with_several_scorers(routing):
    scoring = {
        "accuracy": "accuracy",
        "auc": "roc_auc",
        "balanced": "balanced_accuracy",
        "loss": "neg_log_loss",
        "own": make_scorer(accuracy_score),
    }
    result = cross_validate(
        student(selector=OverlapDetector()), X, Y, cv=3, scoring=scoring
    )
    for name in scoring:
        assert np.isfinite(result[f"test_{name}"]).all()
    np.testing.assert_array_equal(result["test_accuracy"], result["test_own"])
    assert result["test_auc"].mean() > 0.6


# ----------------------------------------------------------------- combinations


def test_stacking(routing):
    stack = StackingClassifier(
        [("wide", student()), ("narrow", student(strong_columns=WEAK))],
        final_estimator=LogisticRegression(),
        cv=2,
    ).fit(X, Y)
    assert stack.transform(X).shape == (180, 2)
    assert stack.score(X, Y) > 0.7


@pytest.mark.parametrize("labels", [[0, 1], ["ham", "spam"]])
def test_voting(labels, routing):
    y = np.array(labels)[Y]
    members = [("a", student()), ("b", student(label_use="soft"))]
    vote = VotingClassifier(members, voting="soft").fit(X, y)
    expected = np.mean([m.predict_proba(X) for m in vote.estimators_], axis=0)
    np.testing.assert_allclose(vote.predict_proba(X), expected)
    assert set(vote.predict(X)) == set(labels)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(method, routing):
    calibrated = CalibratedClassifierCV(student(), method=method, cv=2).fit(X, Y)
    proba = calibrated.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert calibrated.score(X, Y) > 0.7


def test_threshold_tuning(routing):
    tuned = TunedThresholdClassifierCV(student(), scoring="f1", cv=2).fit(X, Y)
    assert 0 <= tuned.best_threshold_ <= 1
    positive = student().fit(X, Y).predict_proba(X)[:, 1] >= tuned.best_threshold_
    np.testing.assert_array_equal(tuned.predict(X) == 1, positive)


def test_feature_union(routing):
    union = FeatureUnion([("best", SelectKBest(k=3)), ("overlap", detector())])
    out = union.fit(X, Y).transform(X)
    np.testing.assert_allclose(out[:, 3:], detector().fit(X, Y).transform(X))
    assert union.get_feature_names_out()[3:].tolist() == [
        "overlap__weak_confidence",
        "overlap__overlap_score",
    ]


def test_column_transformer(routing):
    transformer = ColumnTransformer(
        [("overlap", detector(), NAMES), ("raw", "passthrough", NAMES[:2])]
    ).set_output(transform="pandas")
    out = transformer.fit(FRAME, Y).transform(FRAME)
    assert out.columns.tolist() == [
        "overlap__weak_confidence",
        "overlap__overlap_score",
        "raw__easy0",
        "raw__easy1",
    ]
    np.testing.assert_allclose(
        out.iloc[:, :2], detector().fit(X, Y).transform(X), rtol=1e-10
    )


def test_a_sampler_of_imbalanced_learn_in_front():
    pytest.importorskip("imblearn")
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.pipeline import make_pipeline as make_sampling_pipeline

    skewed = np.r_[np.flatnonzero(Y == 0), np.flatnonzero(Y == 1)[:25]]
    sampler = RandomOverSampler(random_state=0)
    pipe = make_sampling_pipeline(sampler, student()).fit(X[skewed], Y[skewed])
    n = 2 * np.sum(Y == 0)
    assert pipe[-1].weak_labels_.shape == (n,)
    assert pipe.predict(X).shape == (180,)


# -------------------------------------------------------------- weak models


def test_a_frozen_weak_model(routing):
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:, WEAK], Y)
    frozen = FrozenEstimator(fitted)
    search = GridSearchCV(
        student(weak_estimator=frozen, selector=OverlapDetector()),
        {"selector__aggregation": ["mean", "max"]},
        cv=2,
    ).fit(X, Y)
    best = search.best_estimator_
    np.testing.assert_allclose(best.weak_proba_, fitted.predict_proba(X[:, WEAK]))
    np.testing.assert_array_equal(
        best.weak_estimator_.predict_proba(X[:, WEAK]),
        fitted.predict_proba(X[:, WEAK]),
    )


def test_precomputed_probabilities_survive_slicing(routing):
    model = LogisticRegression().fit(X[:, WEAK], Y)
    both = np.hstack([X, model.predict_proba(X[:, WEAK])])
    classifier = WeakToStrongClassifier(
        LogisticRegression(),
        weak_estimator="precomputed",
        strong_columns=slice(0, 20),
        weak_columns=slice(20, 22),
        selector=OverlapDetector(),
    )
    predicted = cross_val_predict(classifier, both, Y, cv=3)
    assert accuracy_score(Y, predicted) > 0.6
    search = GridSearchCV(classifier, {"budget": [0.3, 0.6]}, cv=2).fit(both, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("cls", [MajorityVote, DawidSkene, LabelModel])
def test_label_models_on_vote_columns(cls, routing):
    rng = np.random.RandomState(0)
    right = rng.uniform(size=(180, 5)) < 0.75
    votes = np.where(right, Y[:, None], 1 - Y[:, None])
    votes[rng.uniform(size=votes.shape) < 0.3] = -1
    both = np.hstack([X, votes])
    classifier = WeakToStrongClassifier(
        LogisticRegression(),
        weak_estimator=cls(),
        strong_columns=slice(0, 20),
        weak_columns=slice(20, 25),
        random_state=0,
    )
    alone = cls().fit(votes)
    fitted = clone(classifier).fit(both)  # no label is needed
    np.testing.assert_allclose(fitted.weak_proba_, alone.predict_proba(votes))
    assert np.mean(fitted.weak_labels_ == Y) > 0.75
    search = GridSearchCV(
        clone(classifier).set_params(selector=OverlapDetector()),
        {"budget": [0.5, None]},
        cv=2,
        error_score="raise",
    ).fit(both, Y)
    assert search.best_score_ > 0.6


# --------------------------------------------------------------- metadata routing


def test_weights_with_routing_go_where_they_are_requested():
    sklearn.set_config(enable_metadata_routing=True)
    weight = np.r_[np.zeros(90), np.ones(90)]
    strong = LogisticRegression().set_fit_request(sample_weight=True)
    weak = LogisticRegression().set_fit_request(sample_weight=False)
    classifier = WeakToStrongClassifier(
        strong, weak_estimator=weak, weak_columns=WEAK, random_state=0, cv=3
    )
    fitted = clone(classifier).fit(X, Y, sample_weight=weight)
    unweighted = LogisticRegression().fit(X[:, WEAK], Y)
    np.testing.assert_allclose(fitted.weak_estimator_.coef_, unweighted.coef_)
    half = LogisticRegression().fit(X[90:], fitted.weak_labels_[90:])
    np.testing.assert_allclose(fitted.estimator_.coef_, half.coef_, atol=1e-4)
    weak.set_fit_request(sample_weight=True)
    both = clone(classifier).set_params(weak_estimator=weak)
    both.fit(X, Y, sample_weight=weight)
    half = LogisticRegression().fit(X[90:, WEAK], Y[90:])
    np.testing.assert_allclose(both.weak_estimator_.coef_, half.coef_, atol=1e-4)


def test_weights_are_sliced_by_a_search(routing):
    weight = np.random.RandomState(0).uniform(0.5, 1.5, size=180)
    strong = LogisticRegression()
    classifier = WeakToStrongClassifier(strong, weak_columns=WEAK, random_state=0, cv=3)
    if routing:
        strong.set_fit_request(sample_weight=True)
        classifier.set_score_request(sample_weight=True)
        classifier.set_fit_request(sample_weight=True)
    search = GridSearchCV(classifier, {"estimator__C": [0.1, 1]}, cv=2)
    search.fit(X, Y, sample_weight=weight)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    alone = clone(classifier).set_params(**search.best_params_)
    alone.fit(X, Y, sample_weight=weight)
    np.testing.assert_allclose(
        search.best_estimator_.estimator_.coef_, alone.estimator_.coef_
    )


def test_trap_2_no_metadata_with_routing_off_and_on(routing):
    # asking an empty routing for a name would never come back
    assert student().fit(X, Y).score(X, Y) > 0.6
    assert student(weak_estimator=LogisticRegression()).fit(X, Y).score(X, Y) > 0.6


def test_trap_3_minus_one_is_an_ordinary_class_unless_said_otherwise():
    y = np.where(Y == 0, -1, 1)
    assert student().fit(X, y).classes_.tolist() == [-1, 1]
    some = np.where(np.arange(180) % 2, Y, -1)
    assert student(missing_label=-1).fit(X, some).classes_.tolist() == [0, 1]


def test_trap_4_weights_reach_the_default_weak_model_through_its_pipeline(routing):
    # a pipeline refuses step__sample_weight with routing on, sample_weight with it off
    weight = np.r_[np.zeros(90), np.ones(90)]
    strong = LogisticRegression()
    if routing:
        strong.set_fit_request(sample_weight=True)
    fitted = WeakToStrongClassifier(strong, weak_columns=WEAK, random_state=0, cv=3)
    fitted.fit(X, Y, sample_weight=weight)
    half = make_pipeline(StandardScaler(), LogisticRegression())
    half.fit(X[90:, WEAK], Y[90:])
    np.testing.assert_allclose(
        fitted.weak_estimator_[-1].coef_, half[-1].coef_, atol=1e-3
    )


def test_trap_6_scoring_none_with_routing_and_weights():
    sklearn.set_config(enable_metadata_routing=True)
    strong = LogisticRegression().set_fit_request(sample_weight=True)
    classifier = WeakToStrongClassifier(strong, weak_columns=WEAK, random_state=0, cv=3)
    classifier.set_score_request(sample_weight=True)
    classifier.set_fit_request(sample_weight=True)
    result = cross_validate(
        classifier, X, Y, cv=2, params={"sample_weight": np.ones(180)}
    )
    plain = cross_validate(classifier, X, Y, cv=2)
    np.testing.assert_allclose(result["test_score"], plain["test_score"])


@pytest.mark.parametrize("steps", [1, 2])
def test_trap_7_the_score_of_a_pipeline_with_untouched_requests(steps, routing):
    pipe = make_pipeline(*[StandardScaler()][: steps - 1], student()).fit(X, Y)
    assert pipe.score(X, Y) == accuracy_score(Y, pipe.predict(X))


def test_trap_8_transform_is_the_same_after_fit_and_fit_transform():
    one = detector().fit_transform(X, Y)
    two = detector().fit(X, Y).transform(X)
    np.testing.assert_array_equal(one, two)
    # and differs from the out-of-fold confidence that the regions rest on
    assert not np.allclose(two[:, 0], detector().fit(X, Y).weak_confidence_)


@pytest.mark.skipif(VERSION < (1, 9), reason="polars by name needs scikit-learn 1.9")
@pytest.mark.parametrize("columns", [NAMES[:10], WEAK], ids=["names", "positions"])
def test_trap_9_polars(columns):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: X[:, i] for i, name in enumerate(NAMES)})
    kwargs = {"weak_columns": columns, "random_state": 0, "cv": 3}
    fitted = OverlapDetector(**kwargs).fit(frame, Y)
    expected = detector().fit(X, Y)
    np.testing.assert_array_equal(fitted.labels_, expected.labels_)
    np.testing.assert_allclose(fitted.transform(frame), expected.transform(X))
    assert fitted.feature_names_in_.tolist() == NAMES
    strong = NAMES[10:]
    classifier = WeakToStrongClassifier(
        LogisticRegression(), strong_columns=strong, **kwargs
    ).fit(frame, Y)
    by_position = student(strong_columns=slice(10, 20)).fit(X, Y)
    np.testing.assert_array_equal(classifier.predict(frame), by_position.predict(X))
    alone = frame.select(strong)  # without the weak columns
    np.testing.assert_array_equal(classifier.predict(alone), by_position.predict(X))
    with sklearn.config_context(transform_output="polars"):
        out = OverlapDetector(**kwargs).fit(frame, Y).transform(frame)
    assert isinstance(out, polars.DataFrame)
    assert out.columns == ["weak_confidence", "overlap_score"]


@pytest.mark.parametrize("columns", [NAMES[:10], make_column_selector("easy")])
def test_pandas_by_name(columns, routing):
    classifier = student(selector=OverlapDetector(), weak_columns=columns)
    by_position = student(selector=OverlapDetector())
    one = cross_val_predict(classifier, FRAME, Y, cv=3)
    two = cross_val_predict(by_position, X, Y, cv=3)
    np.testing.assert_array_equal(one, two)


def self_training(base):
    return SelfTrainingClassifier(base, max_iter=2)


def bagging(base):
    return BaggingClassifier(base, n_estimators=3, random_state=0)


@pytest.mark.parametrize("wrap", [bagging, self_training])
def test_trap_10_bagging_and_self_training_take_positions(wrap, routing):
    y = Y.copy()
    if wrap is self_training:
        y[::3] = -1
    fitted = wrap(student()).fit(FRAME, y)
    assert fitted.score(FRAME, Y) > 0.6


@pytest.mark.parametrize("wrap", [bagging, self_training])
def test_trap_10_names_give_a_hint_to_use_positions(wrap):
    y = Y.copy()
    y[::3] = -1 if wrap is self_training else y[::3]
    hint = r"by name, but X is an array.*BaggingClassifier.*select by position"
    with pytest.raises(ValueError, match=hint):
        wrap(student(weak_columns=NAMES[:10])).fit(FRAME, y)
