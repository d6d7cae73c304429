"""Easy, hard and overlap rows."""

import gc
import pickle
import tracemalloc
import warnings
import weakref

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from overlapkit import OverlapDetector
from overlapkit.exceptions import (
    NoEvidenceOfGroupsWarning,
    NoOverlapWarning,
    WeakLabelWarning,
)
from overlapkit.label_models import MajorityVote
from overlapkit.representation import HiddenLayerRepresentation
from overlapkit.weak import WeakRows
from tests.support.data import WEAK, two_views, with_probabilities
from tests.support.oracles_core import confidence as confidence_oracle
from tests.support.oracles_core import overlap_scores, regions, similarity, split

OUTPUTS = ("predict", "transform", "decision_function", "score_samples")
# what the data of a test look like is not what the test is about
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*show no separate groups", "ignore:.*certain of more than half"
)
FITTED = ("labels_", "weak_confidence_", "overlap_scores_", "scores_")


def precomputed(n_classes=2, d=6, **kwargs):
    """A detector for the X of `with_probabilities`."""
    return OverlapDetector(
        weak_estimator="precomputed",
        strong_columns=slice(0, d),
        weak_columns=slice(d, d + n_classes),
        **kwargs,
    )


# -------------------------------------------------------------------- formulas


AGGREGATIONS = ["max", "mean", ("quantile", 0.8), ("topk", 5)]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_the_papers_setting_step_by_step(aggregation, metric):
    strong, proba, X = with_probabilities()
    labels, scores = regions(strong, proba, aggregation, metric)
    detector = precomputed(aggregation=aggregation, metric=metric).fit(X)
    assert set(labels) == {0, 1, 2}
    np.testing.assert_array_equal(detector.labels_, labels)
    # distances are roots of differences of products: a row is 6e-8 away from itself
    rtol = 1e-6 if metric == "euclidean" else 1e-10
    np.testing.assert_allclose(detector.overlap_scores_, scores, rtol=rtol)
    np.testing.assert_array_equal(detector.hard_indices_, np.flatnonzero(labels == 2))
    np.testing.assert_array_equal(detector.reference_, strong[labels == 2])
    assert detector.overlap_density_ == np.mean(labels == 1)
    np.testing.assert_array_equal(detector.support_, labels == 1)
    assert detector.region_names_[detector.labels_[0]] in ("easy", "overlap", "hard")


@pytest.mark.parametrize("max_landmarks", [None, 7])
@pytest.mark.parametrize("aggregation", ["max", "mean"])
def test_scores_of_hard_rows_can_be_had_at_any_time(aggregation, max_landmarks):
    _, _, X = with_probabilities()
    detector = precomputed(
        aggregation=aggregation, max_landmarks=max_landmarks, random_state=0
    )
    stored = pickle.dumps(detector.fit(X))
    expected = detector.transform(X)[:, 1]
    np.testing.assert_allclose(detector.overlap_scores_, expected)
    np.testing.assert_allclose(pickle.loads(stored).overlap_scores_, expected)
    assert (detector.overlap_scores_[detector.hard_indices_] > 0).all()


@pytest.mark.filterwarnings("ignore:.*Every row is hard")
def test_new_rows_are_ranked_by_their_scores_where_every_row_of_fit_is_hard():
    _, _, X = with_probabilities()
    detector = precomputed(hard_threshold=2.0).fit(X)
    assert (detector.labels_ == 2).all()
    assert (np.argsort(detector.scores_) == np.argsort(detector.weak_confidence_)).all()
    assert np.isfinite(detector.score_samples(X)).all()


@pytest.mark.parametrize("kind", ["margin", "max", "entropy"])
def test_more_than_two_classes(kind):
    strong, proba, X = with_probabilities(n_classes=4)
    detector = precomputed(n_classes=4, confidence=kind).fit(X)
    c = confidence_oracle(proba, kind)
    np.testing.assert_allclose(detector.weak_confidence_, c, atol=1e-12)
    s, k = split(c)
    assert detector.confidence_threshold_ == pytest.approx(s[k])
    hard = np.flatnonzero(c < s[k] - 1e-12)
    np.testing.assert_array_equal(detector.hard_indices_, hard)
    expected = overlap_scores(strong, hard, "mean")
    np.testing.assert_allclose(detector.overlap_scores_, expected)


def test_new_rows_are_held_against_the_thresholds_and_hard_rows_of_fit():
    strong, _, X = with_probabilities()
    detector = precomputed().fit(X)
    new_strong, new_proba, new = with_probabilities(seed=1)
    out = detector.transform(new)
    np.testing.assert_allclose(out[:, 0], confidence_oracle(new_proba, "margin"))
    expected = [
        np.mean([similarity(x, strong[h], "cosine") for h in detector.hard_indices_])
        for x in new_strong
    ]
    np.testing.assert_allclose(out[:, 1], expected)
    predicted = np.where(out[:, 1] > detector.overlap_threshold_, 1, 0)
    predicted[out[:, 0] < detector.confidence_threshold_] = 2
    np.testing.assert_array_equal(detector.predict(new), predicted)
    # a row's region does not depend on which rows come with it
    alone = np.concatenate([detector.predict(new[i : i + 1]) for i in range(20)])
    np.testing.assert_array_equal(alone, predicted[:20])


@pytest.mark.parametrize("aggregation", ["mean", "max"])
@pytest.mark.parametrize("rule", ["changepoint", "binseg", ("quantile", 0.4)])
def test_decision_and_ranking_agree_with_the_regions(aggregation, rule):
    _, _, X = with_probabilities(n=150)
    detector = precomputed(
        aggregation=aggregation, overlap_threshold=rule, hard_threshold=rule
    ).fit(X)
    decision = detector.decision_function(X)
    np.testing.assert_array_equal(decision > 0, detector.predict(X) == 1)
    # precomputed probabilities are the same in fit and after
    np.testing.assert_array_equal(detector.predict(X), detector.labels_)
    np.testing.assert_allclose(detector.score_samples(X), detector.scores_)
    hard = detector.labels_ == 2
    assert detector.scores_[hard].max() < detector.scores_[~hard].min()
    # the less confident a hard row, the lower; among the others the score itself
    order = np.argsort(detector.weak_confidence_[hard])
    assert (np.diff(detector.scores_[hard][order]) >= 0).all()
    np.testing.assert_array_equal(
        detector.scores_[~hard], detector.overlap_scores_[~hard]
    )


def test_rows_of_norm_zero_are_similar_to_nothing():
    _, proba, X = with_probabilities()
    X[:30, :6] = 0
    with np.errstate(all="raise"):
        detector = precomputed().fit(X)
        out = detector.transform(X)
    assert np.isfinite(out).all()
    zero = detector.overlap_scores_[:30]
    assert (zero == 0).all()
    labels, _ = regions(X[:, :6], proba, "mean")
    np.testing.assert_array_equal(detector.labels_, labels)


def test_a_saturated_weak_model_leaves_rows_that_are_not_hard():
    # 80 % of the rows with confidence exactly 1: <= would call every row hard
    strong, _, _ = with_probabilities(n=100)
    p = np.r_[np.linspace(0.5, 0.9, 20), np.ones(80)]
    detector = precomputed().fit(np.column_stack([strong, 1 - p, p]))
    assert 0 < len(detector.hard_indices_) <= 20
    assert (detector.labels_[20:] != 2).all()


# ---------------------------------------------- what is known of the paper's setting


@pytest.mark.parametrize("seed", range(4))
def test_mean_finds_the_overlap_where_the_maximum_inverts(seed):
    # the paper's generator with 10 + 10 features and 500 rows of each kind: among the
    # rows not called hard, the area under the curve of overlap against easy is 1.00
    # for mean |cos| and .17 for max, because some easy rows are among the hard ones
    data = two_views(1500, seed=seed, separation=1.0)
    area = {}
    for aggregation in ("mean", "max"):
        detector = OverlapDetector(
            LogisticRegression(fit_intercept=False),
            weak_columns=WEAK,
            aggregation=aggregation,
            random_state=0,
        ).fit(data.X, data.y)
        hard = detector.labels_ == 2
        rows = np.isin(data.region, [0, 1]) & ~hard
        area[aggregation] = roc_auc_score(
            data.region[rows] == 1, detector.overlap_scores_[rows]
        )
        assert hard[data.region == 2].mean() > 0.98  # recall 1.00
        assert 0.5 < (data.region[hard] == 2).mean() < 0.75  # precision .62
    assert area["mean"] > 0.99
    assert area["max"] < 0.3
    # with the true hard rows both are right: impurity is what turns the maximum
    truth = np.flatnonzero(data.region == 2)[:60]
    easy_or_overlap = np.flatnonzero(data.region < 2)[:200]
    scores = overlap_scores(
        data.X[np.r_[easy_or_overlap, truth]], range(200, 260), "max"
    )
    region = data.region[easy_or_overlap]
    assert roc_auc_score(region == 1, scores[:200]) > 0.99


# ------------------------------------------------------------------ weak models


def test_confidence_of_labelled_rows_is_out_of_fold():
    data = two_views()
    detector = OverlapDetector(weak_columns=WEAK, random_state=0)
    detector.fit(data.X, data.y)
    in_sample = detector.transform(data.X)[:, 0]
    assert not np.allclose(detector.weak_confidence_, in_sample)
    frozen = OverlapDetector(
        FrozenEstimator(detector.weak_estimator_), weak_columns=WEAK
    ).fit(data.X)
    np.testing.assert_allclose(frozen.weak_confidence_, in_sample)


def test_unknown_labels_do_not_count():
    data = two_views()
    y = np.where(np.arange(len(data.y)) % 3 == 0, data.y, -1)
    one = OverlapDetector(weak_columns=WEAK, missing_label=-1, random_state=0)
    two = OverlapDetector(weak_columns=WEAK, missing_label=np.nan, random_state=0)
    one.fit(data.X, y)
    two.fit(data.X, np.where(y == -1, np.nan, y))
    for name in FITTED:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert one.classes_.tolist() == [0, 1]


def test_votes_and_no_labels():
    rng = np.random.RandomState(0)
    votes = rng.randint(-1, 2, size=(120, 4))
    votes[:20] = -1
    X = np.hstack([rng.normal(size=(120, 5)), votes])
    detector = OverlapDetector(
        MajorityVote(), strong_columns=slice(0, 5), weak_columns=slice(5, 9)
    ).fit(X)
    assert (detector.weak_confidence_[:20] == 0).all()
    covered = (votes >= 0).any(axis=1)
    np.testing.assert_array_equal(detector.labels_ == 3, ~covered)
    assert detector.region_names_[3] == "uncovered"
    assert (detector.scores_[~covered] == -np.inf).all()
    assert not detector.support_[~covered].any()
    np.testing.assert_array_equal(detector.predict(X), detector.labels_)


def test_y_is_needed_only_where_something_is_learnt_from_it():
    _, _, X = with_probabilities()
    precomputed().fit(X)
    message = "requires y to be passed, .* learns from labels"
    with pytest.raises(ValueError, match=message):
        OverlapDetector().fit(X)


# --------------------------------------------------------------- representation


def test_a_representation_is_where_rows_are_compared():
    strong, proba, X = with_probabilities()
    strong[:, 0] *= 1000
    X[:, 0] *= 1000
    detector = precomputed(representation=StandardScaler()).fit(X)
    labels, scores = regions(StandardScaler().fit_transform(strong), proba, "mean")
    np.testing.assert_array_equal(detector.labels_, labels)
    np.testing.assert_allclose(detector.overlap_scores_, scores)
    np.testing.assert_array_equal(detector.predict(X), labels)
    assert not np.array_equal(precomputed().fit(X).labels_, labels)


def test_a_learnt_representation_is_trained_on_weak_labels():
    strong, proba, X = with_probabilities()
    layer = HiddenLayerRepresentation((4,), random_state=0)
    detector = precomputed(representation=layer).fit(X, np.arange(90) % 2)
    alone = HiddenLayerRepresentation((4,), random_state=0)
    hidden = alone.fit(strong, proba.argmax(axis=1)).transform(strong)
    np.testing.assert_allclose(
        detector.reference_, hidden[detector.hard_indices_], rtol=1e-6
    )
    assert not hasattr(layer, "network_")  # the parameter itself is not fitted


def test_max_hard_draws_a_sample_that_does_not_depend_on_the_order():
    X = with_probabilities(n=200)[2]
    full = precomputed(random_state=0).fit(X)
    few = precomputed(max_landmarks=7, random_state=0).fit(X)
    np.testing.assert_array_equal(few.hard_indices_, full.hard_indices_)
    assert few.reference_.shape == (7, 6)
    assert {tuple(r) for r in few.reference_} <= {tuple(r) for r in full.reference_}
    order = np.random.RandomState(1).permutation(200)
    moved = precomputed(max_landmarks=7, random_state=0).fit(X[order])
    np.testing.assert_allclose(moved.overlap_scores_, few.overlap_scores_[order])
    other = precomputed(max_landmarks=7, random_state=1).fit(X)
    assert not np.array_equal(other.reference_, few.reference_)
    # more than there are: all of them
    many = precomputed(max_landmarks=10**6).fit(X)
    np.testing.assert_array_equal(many.reference_, full.reference_)


# ------------------------------------------------------------------- invariants


@pytest.mark.parametrize("kind", ["precomputed", "prefit"])
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_permuting_the_rows_permutes_the_result(kind, aggregation):
    # nothing in the method depends on the order: only folds do, and there are none
    strong, _, X = with_probabilities(n=150)
    if kind == "precomputed":
        detector = precomputed(aggregation=aggregation)
    else:
        model = LogisticRegression().fit(strong[:, :2], strong[:, 2] > 0)
        detector = OverlapDetector(
            FrozenEstimator(model), weak_columns=slice(0, 2), aggregation=aggregation
        )
    detector.fit(X)
    expected = {name: getattr(detector, name) for name in FITTED}
    order = np.random.RandomState(0).permutation(len(X))
    detector.fit(X[order])
    for name in FITTED:
        np.testing.assert_allclose(
            getattr(detector, name), expected[name][order], rtol=1e-12, err_msg=name
        )


@pytest.mark.parametrize("aggregation", ["mean", "max"])
def test_replicating_all_rows_replicates_the_result(aggregation):
    # change points, means and maxima do not count the rows
    _, _, X = with_probabilities()
    detector = precomputed(aggregation=aggregation).fit(X)
    twice = precomputed(aggregation=aggregation).fit(np.repeat(X, 2, axis=0))
    np.testing.assert_array_equal(twice.labels_, np.repeat(detector.labels_, 2))
    assert twice.overlap_density_ == detector.overlap_density_


def test_a_cosine_does_not_see_the_length_of_a_row():
    _, _, X = with_probabilities()
    scaled = X.copy()
    scaled[:, :6] *= np.random.RandomState(0).uniform(0.1, 10, size=(90, 1))
    np.testing.assert_allclose(
        precomputed().fit(scaled).overlap_scores_, precomputed().fit(X).overlap_scores_
    )


@pytest.mark.usefixtures("threads")
def test_n_jobs_and_repetition():
    data = two_views()
    fits = [
        OverlapDetector(weak_columns=WEAK, n_jobs=n_jobs, random_state=0).fit(
            data.X, data.y
        )
        for n_jobs in (1, 2, None, 1)
    ]
    for other in fits[1:]:
        for name in FITTED:
            np.testing.assert_array_equal(getattr(other, name), getattr(fits[0], name))
        np.testing.assert_array_equal(
            other.transform(data.X), fits[0].transform(data.X)
        )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
def test_other_precisions(dtype, tmp_path):
    rng = np.random.RandomState(0)
    strong = rng.randint(-50, 50, size=(120, 5)).astype(dtype)
    p = rng.randint(0, 257, size=120) / 256  # exact in half precision
    if dtype == np.int64:
        p = p.round()
    X = np.column_stack([strong, 1 - p, p]).astype(dtype)
    rule = "changepoint" if dtype != np.int64 else 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoOverlapWarning)
        detector = precomputed(d=5, hard_threshold=rule).fit(X)
        wide = precomputed(d=5, hard_threshold=rule).fit(X.astype(float))
        file = np.memmap(tmp_path / "X", dtype=dtype, mode="w+", shape=X.shape)
        file[:] = X
        file.flush()
        mapped = np.memmap(tmp_path / "X", dtype=dtype, mode="r", shape=X.shape)
        from_file = precomputed(d=5, hard_threshold=rule).fit(mapped)
    np.testing.assert_array_equal(detector.labels_, wide.labels_)
    np.testing.assert_array_equal(from_file.labels_, wide.labels_)
    np.testing.assert_allclose(
        detector.overlap_scores_, wide.overlap_scores_, rtol=1e-3
    )
    expected = np.float64 if dtype == np.int64 else np.float32
    assert detector.transform(X).dtype == expected
    assert detector.overlap_scores_.dtype == expected


def test_frames_and_arrays_agree_also_where_labels_tie():
    rng = np.random.RandomState(0)
    strong = rng.normal(size=(200, 4))
    votes = rng.randint(-1, 2, size=(200, 2))
    X = np.hstack([strong, votes])
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(6)])
    kwargs = {"weak_estimator": MajorityVote(random_state=0), "random_state": 0}
    layer = HiddenLayerRepresentation((4,), random_state=0)
    array = OverlapDetector(
        strong_columns=slice(0, 4),
        weak_columns=slice(4, 6),
        representation=layer,
        **kwargs,
    ).fit(X)
    named = OverlapDetector(
        strong_columns=[f"c{i}" for i in range(4)],
        weak_columns=["c4", "c5"],
        representation=layer,
        **kwargs,
    ).fit(frame)
    for name in FITTED:
        np.testing.assert_array_equal(getattr(array, name), getattr(named, name))
    for name in OUTPUTS:
        np.testing.assert_array_equal(
            getattr(array, name)(X), getattr(named, name)(frame)
        )


def test_weak_columns_may_be_categories():
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(rng.normal(size=(100, 3)), columns=list("abc"))
    frame["colour"] = np.where(frame["a"] > 0, "red", "blue")
    y = np.where(rng.uniform(size=100) < 0.8, frame["a"] > 0, frame["b"] > 0)

    detector = OverlapDetector(
        make_pipeline(OneHotEncoder(), LogisticRegression()),
        strong_columns=list("abc"),
        weak_columns=["colour"],
        hard_threshold=("quantile", 0.5),
    ).fit(frame, y)
    assert detector.predict(frame).shape == (100,)


# -------------------------------------------------------------------- bad input


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("column", "view"), [(0, "strong"), (12, "weak")])
@pytest.mark.parametrize("when", ["fit", "predict"])
def test_missing_and_infinite_features_are_errors(bad, column, view, when):
    data = two_views()
    X = data.X.copy()
    X[5, column] = bad
    detector = OverlapDetector(
        strong_columns=slice(0, 10), weak_columns=slice(10, 20), random_state=0
    )
    what = "NaN" if np.isnan(bad) else "infinity"
    where = r"\(strong view\) " if view == "strong" else ""
    if when == "predict":
        detector.fit(data.X, data.y)
    with pytest.raises(ValueError, match=f"Input X {where}contains {what}"):
        detector.fit(X, data.y) if when == "fit" else detector.predict(X)


@pytest.mark.parametrize("level", [0.5, 0.7, 1.0])
def test_all_rows_confident_alike_is_named_and_gives_no_overlap(level):
    strong, _, _ = with_probabilities()
    # .7 and 1 - .7: the margins of the two kinds of rows differ by rounding
    p = np.where(np.arange(90) % 2, level, 1 - level)
    X = np.column_stack([strong, 1 - p, p])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakLabelWarning)
        with pytest.warns(NoOverlapWarning, match="equally sure of every row"):
            detector = precomputed().fit(X)
    assert (detector.labels_ == 0).all()
    assert detector.overlap_density_ == 0
    assert (detector.predict(X) == 0).all()
    assert np.isfinite(detector.transform(X)).all()
    assert (detector.decision_function(X) <= 0).all()


def test_no_hard_rows_is_named():
    _, _, X = with_probabilities()
    with pytest.warns(NoOverlapWarning, match="is below 0 .*overlap density is 0"):
        detector = precomputed(hard_threshold=0.0).fit(X)
    assert len(detector.reference_) == 0
    assert (detector.predict(X) == 0).all()
    assert np.isfinite(detector.score_samples(X)).all()


def test_only_hard_rows_is_named():
    _, _, X = with_probabilities()
    with pytest.warns(NoOverlapWarning, match="Every row is hard: all 90 .* below 1.5"):
        detector = precomputed(hard_threshold=1.5).fit(X)
    assert (detector.labels_ == 2).all()
    assert (detector.predict(X) == 2).all()
    assert (detector.decision_function(X) < 0).all()


def test_no_overlap_is_named():
    _, _, X = with_probabilities()
    with pytest.warns(NoOverlapWarning, match="no overlap score is above 2"):
        detector = precomputed(overlap_threshold=2.0).fit(X)
    assert detector.overlap_density_ == 0
    assert set(detector.labels_) == {0, 2}


def test_few_rows_fall_back_by_name():
    _, _, X = with_probabilities()
    with pytest.warns(NoEvidenceOfGroupsWarning, match="confidence of 3 rows"):
        detector = precomputed().fit(X[:3])
    assert detector.confidence_split_ is None


def test_one_class_is_an_error():
    data = two_views()
    with pytest.raises(ValueError, match=r"one class only \(1, in 240 labelled rows\)"):
        OverlapDetector().fit(data.X, np.ones(240, dtype=int))


def test_y_of_another_length_is_an_error():
    data = two_views()
    with pytest.raises(ValueError, match=r"inconsistent numbers.*\[240, 239\]"):
        OverlapDetector().fit(data.X, data.y[:-1])


def test_columns_that_do_not_exist_are_an_error():
    data = two_views()
    with pytest.raises(ValueError, match=r"weak_columns=.* do not exist: X has 20 col"):
        OverlapDetector(weak_columns=slice(0, 30)).fit(data.X, data.y)


def test_unlabelled_rows_marked_by_nan_without_saying_so_are_an_error():
    data = two_views()
    y = np.where(np.arange(240) < 5, np.nan, data.y)
    with pytest.raises(ValueError, match=r"y contains NaN.*missing_label=np.nan"):
        OverlapDetector().fit(data.X, y)


@pytest.mark.parametrize(
    "params",
    [
        {"hard_threshold": np.nan},
        {"hard_threshold": "otsu"},
        {"aggregation": "median"},
        {"aggregation": ("quantile", 2)},
        {"aggregation": ("topk", 0.5)},
        {"refine_hard": True},
        {"refine_hard": "apart"},
        {"max_landmarks": 0},
        {"weak_estimator": "prefit"},
        {"cv": 1},
    ],
)
def test_parameters_are_checked_in_fit(params):
    data = two_views()
    (name,) = params
    with pytest.raises(
        ValueError, match=f"The '{name}' parameter of Over|{name}=.*tuple"
    ):
        OverlapDetector(**params).fit(data.X, data.y)


def votes_and_features(n=400, seed=0):
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 2, size=n)
    right = rng.uniform(size=(n, 5)) < 0.75
    votes = np.where(right, y[:, None], 1 - y[:, None])
    votes[rng.uniform(size=(n, 5)) < 0.5] = -1
    X = np.column_stack([votes, rng.normal(size=(n, 4)) + y[:, None]])
    return X[(votes >= 0).any(axis=1)]


# Rows without a vote have no weak label, so nothing is learnt from them.
@pytest.mark.parametrize("threshold", ["changepoint", 1.1], ids=["some", "all"])
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_rows_without_a_vote_change_nothing_that_was_fitted(threshold):
    X = votes_and_features()
    empty = np.column_stack([np.full((900, 5), -1), np.full((900, 4), 9.0)])
    params = {
        "weak_columns": slice(0, 5),
        "strong_columns": slice(5, None),
        "hard_threshold": threshold,
        "metric": "euclidean",
        "random_state": 0,
    }
    alone = OverlapDetector(MajorityVote(random_state=0), **params).fit(X)
    joined = clone(alone).fit(np.concatenate([X, empty]))
    for name in ("confidence_threshold_", "overlap_threshold_", "view_alignment_"):
        assert getattr(alone, name) == getattr(joined, name), name
    assert_allclose(alone.scores_, joined.scores_[: len(X)], rtol=1e-12)


@pytest.mark.parametrize("refine_hard", [False, 0.9])
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_a_fitted_detector_does_not_hold_on_to_the_rows(refine_hard):
    X, y = make_classification(500, random_state=0)
    detector = OverlapDetector(refine_hard=refine_hard, random_state=0).fit(X, y)
    rows = weakref.ref(X)
    del X
    gc.collect()
    assert rows() is None
    assert detector.overlap_density_ >= 0


def test_the_strong_view_is_not_copied():
    strong, proba, _ = with_probabilities(n=20_000, d=100)
    rows = WeakRows.from_proba(strong, proba)
    detector = OverlapDetector(max_landmarks=10, random_state=0)
    detector.fit_rows(rows.take(np.arange(200)))  # what is compiled or imported once
    tracemalloc.start()
    detector.fit_rows(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < strong.nbytes


@pytest.mark.parametrize("refine_hard", [False, 0.5])
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_decisions_agree_with_regions_where_rows_are_not_covered(refine_hard):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        strong = rng.normal(size=(90, 3)) + rng.integers(0, 2, (90, 1))
        proba, covered = rng.dirichlet([0.5, 0.5], 90), rng.random(90) < 0.7
        rows = WeakRows.from_proba(strong, proba, covered=covered)
        detector = OverlapDetector(
            hard_threshold=("quantile", 0.3),
            overlap_threshold=("quantile", 0.5),
            refine_hard=refine_hard,
        ).fit_rows(rows)
        reading = detector.rule_.read(rows)
        assert ((detector.rule_.decide(reading) > 0) == (detector.labels_ == 1)).all()


@pytest.mark.parametrize("numbers", [[], ["a"]], ids=["alone", "with numbers"])
def test_a_column_of_dates_is_named(numbers):
    frame = pd.DataFrame({"a": np.arange(20.0) % 3, "b": np.arange(20.0) % 2})
    frame["when"] = pd.date_range("2020", periods=20)
    detector = OverlapDetector(weak_columns=["b"], strong_columns=["when", *numbers])
    with pytest.raises(ValueError, match=r"columns \['when'\] hold dates"):
        detector.fit(frame, np.arange(20) % 2)


def test_missing_values_come_with_a_way_out():
    X = np.ones((20, 3))
    X[7, 2] = np.nan
    with pytest.raises(ValueError, match=r"NaN in row 7.*representation="):
        OverlapDetector(weak_columns=[0]).fit(X, np.arange(20) % 2)


class Shorter(StandardScaler):
    def transform(self, X):
        return super().transform(X)[1:]


@pytest.mark.parametrize(
    ("representation", "error", "message"),
    [
        (Shorter(), ValueError, "gives 19 rows for 20"),
        (OneHotEncoder(), TypeError, "sparse_output=False"),
    ],
)
def test_a_representation_gives_a_dense_row_for_each(representation, error, message):
    X = np.arange(60).reshape(20, 3) % 7
    detector = OverlapDetector(weak_columns=[0], representation=representation)
    with pytest.raises(error, match=message):
        detector.fit(X, np.arange(20) % 2)
