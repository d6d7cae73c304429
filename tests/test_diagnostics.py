"""The tests of one group against several, and of two views against one."""

import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from overlapkit import OverlapDetector
from overlapkit.datasets import make_overlap_classification
from overlapkit.diagnostics import dip_test
from overlapkit.exceptions import (
    ClassCollapseWarning,
    NoEvidenceOfGroupsWarning,
    SimilarViewsWarning,
    WeakConfidenceWarning,
)
from overlapkit.weak._views import view_alignment
from tests.support import oracles_diagnostics as oracles


def _samples(n):
    rng = np.random.default_rng(0)
    for k in range(24):
        values = rng.normal(size=rng.integers(2, n))
        # every third in two clumps
        yield values + (5.0 * (rng.random(len(values)) < 0.5) if k % 3 == 0 else 0.0)


def test_dip_is_the_distance_to_the_nearest_unimodal_distribution():
    for values in _samples(11):
        assert_allclose(dip_test(values).statistic, oracles.dip(values), atol=1e-7)


def test_dip_does_not_change_with_unit_direction_or_order():
    values = np.random.default_rng(1).beta(0.5, 0.5, size=60)
    reference = dip_test(values).statistic
    for same in (
        3 + 1e5 * values,
        -values,
        np.random.default_rng(2).permutation(values),
    ):
        assert_allclose(dip_test(same).statistic, reference, rtol=1e-7)


def _one_group(kind, n, rng):
    """Samples of one group, as they come up."""
    if kind == "uniform":
        return rng.uniform(size=n)
    if kind == "normal":
        return rng.normal(size=n)
    if kind == "beta":
        return rng.beta(2, 5, size=n)
    if kind == "skewed":
        return rng.exponential(size=n)
    if kind == "bounded":
        return np.clip(rng.normal(1, 0.3, size=n), 0, 1)
    X = rng.normal(size=(n, 4))
    y = X.sum(axis=1) + rng.normal(size=n) > 0
    model = KNeighborsClassifier(15) if kind == "neighbours" else LogisticRegression()
    proba = cross_val_predict(model, X, y, cv=3, method="predict_proba")
    return np.abs(proba[:, 1] - proba[:, 0])


@pytest.mark.parametrize(
    ("kind", "repeats"),
    [
        ("uniform", 1000),
        ("normal", 1000),
        ("beta", 1000),
        ("skewed", 1000),
        ("bounded", 1000),
        ("logistic", 30),
        ("neighbours", 20),
    ],
)
def test_false_alarms_are_at_most_five_percent(kind, repeats):
    rng = np.random.default_rng(3)
    alarms = [
        dip_test(_one_group(kind, 200, rng)).pvalue <= 0.05 for _ in range(repeats)
    ]
    # 5 % and two standard errors of a share of 5 %
    assert np.mean(alarms) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / repeats)


@pytest.mark.parametrize("n", [5, 8, 37, 150, 700, 2500, 10_000])
def test_pvalues_are_uniform_when_values_are(n):
    # sizes between those of the table, and beyond it
    repeats = 400 if n < 1000 else 150
    rng = np.random.default_rng(n)
    pvalues = np.array([dip_test(rng.uniform(size=n)).pvalue for _ in range(repeats)])
    for level in (0.05, 0.2, 0.5):
        error = np.sqrt(level * (1 - level) / len(pvalues))
        assert np.mean(pvalues <= level) <= level + 3.5 * error
        if n > 8:  # few values have few dips
            assert np.mean(pvalues <= level) >= level - 3.5 * error


def test_two_groups_are_found():
    rng = np.random.default_rng(0)
    found = [
        dip_test(np.append(rng.normal(0, 1, 100), rng.normal(5, 1, 100))).pvalue <= 0.05
        for _ in range(100)
    ]
    assert np.mean(found) >= 0.9


def test_steps_of_a_scale_are_no_groups_but_two_values_are():
    votes = np.random.default_rng(0).binomial(20, 0.5, size=1000) / 20
    assert oracles.dip(votes[:100]) > 0.05  # every step is a mode
    assert dip_test(votes).pvalue > 0.05
    assert dip_test(np.repeat([0.2, 0.9], 50)).pvalue == 0.001
    # 0.1 + 0.2 is not 0.3 in floating point: rounding makes no step of its own
    noise = 1e-16 * np.random.default_rng(1).normal(size=1000)
    assert dip_test(votes + noise).pvalue > 0.05


def test_pvalue_is_one_when_there_is_nothing_to_tell():
    assert dip_test([1.0]).pvalue == 1.0
    assert dip_test([0.0, 0.0, 1.0]).pvalue == 1.0
    assert dip_test(np.ones(100)) == (0.0, 1.0)


def test_dip_is_fast():
    values = np.random.default_rng(0).beta(0.5, 0.5, size=5000)
    dip_test(values)
    start = time.perf_counter()
    for _ in range(10):
        dip_test(values)
    assert (time.perf_counter() - start) / 10 < 0.05


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([], ValueError, "At least one value"),
        ([[1.0, 2.0]], ValueError, "one-dimensional"),
        ([1.0, np.nan], ValueError, "finite"),
        (["a", "b"], TypeError, "real numbers"),
    ],
)
def test_bad_values_are_refused(values, error, message):
    with pytest.raises(error, match=message):
        dip_test(values)


def test_alignment_equals_its_formula():
    rng = np.random.default_rng(0)
    strong = rng.normal(size=(12, 5))
    weak = strong[:, :2] + 0.3 * rng.normal(size=(12, 2))
    expected = np.clip(oracles.alignment(strong, weak), 0, 1)
    assert_allclose(view_alignment(strong, weak), expected)


def test_alignment_is_high_for_equal_and_low_for_independent_views():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 200))
    assert_allclose(view_alignment(X, 7 - 2 * X), 1.0)
    # more columns than the plain alignment could stand: it would be about 0.4 here
    assert view_alignment(X[:, :100], X[:, 100:]) < 0.05


def test_alignment_is_nan_where_it_is_not_defined():
    X = np.random.default_rng(0).normal(size=(20, 2))
    assert np.isnan(view_alignment(X, np.ones((20, 1))))
    assert np.isnan(view_alignment(X[:3], X[:3]))
    assert np.isnan(view_alignment(X, np.full((20, 1), "text", dtype=object)))
    assert np.isnan(view_alignment(X, np.where(X > 1, np.nan, X)))


def _paper(seed=0, n=500, d=10, **params):
    return make_overlap_classification(
        n_easy=n,
        n_hard=n,
        n_overlap=n,
        n_easy_features=d,
        n_hard_features=d,
        random_state=seed,
        **params,
    )


def _detector(data, **params):
    return OverlapDetector(weak_columns=data.easy_columns, random_state=0, **params)


def _names(caught):
    return {w.category for w in caught}


@pytest.mark.parametrize("d", [10, 20])
@pytest.mark.parametrize("saliency", [1, 3])
def test_the_paper_setting_shows_two_groups_twice(d, saliency):
    for seed in range(3):
        data = _paper(seed, d=d, saliency=saliency)
        with warnings.catch_warnings():
            warnings.simplefilter("error", NoEvidenceOfGroupsWarning)
            detector = _detector(data).fit(data.X, data.y)
        assert detector.confidence_pvalue_ <= 0.01
        assert detector.overlap_pvalue_ <= 0.01


def test_one_group_is_announced_and_own_thresholds_are_not():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 10))
    y = X[:, :5].sum(axis=1) + rng.normal(size=600) > 0
    with pytest.warns(NoEvidenceOfGroupsWarning, match="show no separate groups"):
        detector = OverlapDetector(weak_columns=slice(0, 5), random_state=0).fit(X, y)
    assert detector.confidence_pvalue_ > 0.05
    assert detector.overlap_pvalue_ > 0.05
    with warnings.catch_warnings():
        warnings.simplefilter("error", NoEvidenceOfGroupsWarning)
        detector.set_params(
            hard_threshold=0.5, overlap_threshold=("quantile", 0.5)
        ).fit(X, y)
        # too few rows to tell
        detector.set_params(hard_threshold="changepoint").fit(X[:90], y[:90])


@pytest.mark.parametrize("n_overlap", [25, 50])
def test_rare_overlap_that_stands_far_apart_is_no_false_alarm(n_overlap):
    # the dip test misses a group of 2.5 %, which is where overlap pays most
    rng = np.random.default_rng(0)
    region = np.repeat([0, 1, 2], [1000 - n_overlap, n_overlap, 300])
    score = np.where(region == 1, 0.9, 0.1) + rng.normal(scale=0.08, size=len(region))
    strong = np.column_stack([np.where(region == 2, 1.0, score), 1 - score])
    strong[region == 2, 1] = 0
    p = np.where(
        region == 2, rng.uniform(0.5, 0.55, 1300), rng.uniform(0.9, 0.99, 1300)
    )
    X = np.column_stack([strong, 1 - p, p])
    detector = OverlapDetector(
        "precomputed", strong_columns=[0, 1], weak_columns=[2, 3], metric="dot"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", NoEvidenceOfGroupsWarning)
        detector.fit(X)
    assert detector.overlap_pvalue_ > 0.05
    np.testing.assert_array_equal(detector.labels_ == 1, region == 1)


@pytest.mark.parametrize("draw", ["normal", "exponential", "standard_t"])
def test_the_tail_of_one_group_is_no_evidence_of_two(draw):
    rng = np.random.default_rng(0)
    shape = (3,) if draw == "standard_t" else ()
    score = np.abs(getattr(rng, draw)(*shape, size=1000))
    p = np.r_[np.full(300, 0.5), rng.uniform(0.9, 0.99, 1000)]
    X = np.column_stack([np.r_[np.ones(300), score], 1 - p, p])
    detector = OverlapDetector(
        "precomputed", strong_columns=[0], weak_columns=[1, 2], metric="dot"
    )
    with pytest.warns(NoEvidenceOfGroupsWarning, match="overlap scores"):
        detector.fit(X)


def test_saturated_weak_model_is_announced():
    rng = np.random.default_rng(0)
    proba = np.where(rng.random(200) < 0.5, 0.9999, 0.0001)
    proba[:8] = 0.6
    X = np.column_stack([1 - proba, proba, rng.normal(size=200)])
    detector = OverlapDetector("precomputed", strong_columns=[2], weak_columns=[0, 1])
    with pytest.warns(WeakConfidenceWarning, match="96%"):
        detector.fit(X, (proba > 0.5).astype(int))


def test_equal_views_are_announced_when_they_were_asked_for():
    data = _paper(n=100)
    with pytest.warns(SimilarViewsWarning, match=r"alignment 1\.000"):
        OverlapDetector(weak_columns=slice(0, 20)).fit(data.X, data.y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SimilarViewsWarning)
        OverlapDetector().fit(data.X, data.y)  # one view is all the default has
        detector = _detector(data).fit(data.X, data.y)
    assert 0.5 < detector.view_alignment_ < 0.9


def test_overlap_of_one_class_is_announced():
    data = _paper(n=100)
    X = data.X.copy()
    # class 1 has lost the hard pattern wherever it had both
    X[(data.region == 1) & (data.y == 1), data.hard_columns] = 0
    # the weak labels are the truth, so that a single class can come out
    p = np.where(data.region == 2, 0.5, 0.02 + 0.96 * data.y)
    stacked = np.column_stack([1 - p, p, X])
    detector = OverlapDetector(
        "precomputed", weak_columns=[0, 1], strong_columns=slice(2, None)
    )
    with pytest.warns(ClassCollapseWarning, match="overlap rows have the weak label"):
        detector.fit(stacked, data.y)


@pytest.mark.parametrize(
    ("d", "saliency", "refine_hard"),
    [(10, 1, 0.05), (20, 1, 0.05), (10, 3, 0.05), (10, 1, "separated")],
)
def test_purification_finds_the_hard_rows_and_nothing_else(d, saliency, refine_hard):
    data = _paper(d=d, saliency=saliency)
    plain = _detector(data).fit(data.X, data.y)
    pure = _detector(data, refine_hard=refine_hard).fit(data.X, data.y)
    truth = data.region == 2
    assert truth[plain.hard_indices_].mean() < 0.85
    assert truth[pure.hard_indices_].mean() > 0.97
    assert (pure.labels_ == 2)[truth].mean() > 0.99
    # and so reads the overlap density without bias
    assert abs(pure.overlap_density_ - data.overlap_density) < 0.02
    assert plain.overlap_density_ < data.overlap_density - 0.03
    # new rows are acquitted by the same rule
    other = _paper(seed=1, d=d, saliency=saliency, theta=data.theta)
    predicted = pure.predict(other.X)
    assert np.mean(predicted == other.region) > 0.97
    overlap = pure.decision_function(other.X) > 0
    np.testing.assert_array_equal(overlap, predicted == 1)


def test_purification_leaves_one_group_alone():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 10))
    y = X[:, :5].sum(axis=1) + rng.normal(size=600) > 0
    params = {"weak_columns": slice(0, 5), "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoEvidenceOfGroupsWarning)
        plain = OverlapDetector(**params).fit(X, y)
        pure = OverlapDetector(refine_hard=0.05, **params).fit(X, y)
    assert np.isinf(pure.refinement_threshold_)
    np.testing.assert_array_equal(pure.labels_, plain.labels_)


def test_separated_leaves_two_groups_alone_that_are_near_each_other():
    rng = np.random.RandomState(0)
    n = 900
    easy = np.arange(n) < 600  # confident rows; of the others every second is like them
    like = easy | (np.arange(n) % 2 == 0)
    # three standard deviations apart: two groups by the dip test, but not far apart
    angle = np.where(like, 0.0, 0.6) + rng.normal(scale=0.1, size=n)
    strong = np.column_stack([np.cos(angle), np.sin(angle)])
    p = np.where(easy, 0.98, 0.6)
    stacked = np.column_stack([1 - p, p, strong])
    params = {"weak_columns": [0, 1], "strong_columns": [2, 3], "random_state": 0}
    thresholds = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for value in (0.05, "separated"):
            detector = OverlapDetector("precomputed", refine_hard=value, **params)
            detector.fit(stacked, (np.arange(n) % 2))
            thresholds[value] = detector.refinement_threshold_
    assert np.isfinite(thresholds[0.05])
    assert np.isinf(thresholds["separated"])
