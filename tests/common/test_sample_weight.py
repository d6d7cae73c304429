"""Sample weights reach both models, in pipelines too, or it is said if not."""

import warnings

import numpy as np
import pytest
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from overlapkit import WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification
from overlapkit.exceptions import WeakLabelWarning
from overlapkit.label_models import MajorityVote

DATA = make_overlap_classification(random_state=0)
N = len(DATA.y)
WEIGHT = np.where(np.arange(N) < N // 3, 50.0, 0.02)


def nested(estimator):
    """A pipeline in a pipeline that changes nothing before the estimator."""
    return make_pipeline(
        FunctionTransformer(), make_pipeline(FunctionTransformer(), estimator)
    )


def fit(strong=None, weak=None, weight=WEIGHT, **params):
    strong = LogisticRegression() if strong is None else strong
    weak = LogisticRegression() if weak is None else weak
    return WeakToStrongClassifier(
        strong,
        weak_estimator=weak,
        weak_columns=DATA.easy_columns,
        random_state=0,
        **params,
    ).fit(DATA.X, DATA.y, sample_weight=weight)


def test_a_pipeline_hands_weights_to_its_last_step():
    plain = fit()
    piped = fit(nested(LogisticRegression()), nested(LogisticRegression()))
    np.testing.assert_array_equal(piped.weak_proba_, plain.weak_proba_)
    np.testing.assert_array_equal(
        piped.predict_proba(DATA.X), plain.predict_proba(DATA.X)
    )
    assert np.abs(plain.weak_proba_ - fit(weight=None).weak_proba_).max() > 0.01


@pytest.mark.parametrize("label_use", ["soft", "weighted"])
def test_uncertain_labels_weigh_in_a_pipeline_too(label_use):
    for weight in (None, WEIGHT):
        plain = fit(weight=weight, label_use=label_use)
        piped = fit(nested(LogisticRegression()), weight=weight, label_use=label_use)
        np.testing.assert_allclose(
            piped.predict_proba(DATA.X), plain.predict_proba(DATA.X), atol=1e-12
        )


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: GridSearchCV(model, {}, cv=3),
        lambda model: GridSearchCV(nested(model), {}, cv=3),
        lambda model: make_pipeline(
            FunctionTransformer(), GridSearchCV(model, {}, cv=3)
        ),
    ],
)
@pytest.mark.parametrize("label_use", ["hard", "soft"])
def test_a_search_hands_weights_on(wrap, label_use):
    plain = fit(label_use=label_use)
    wrapped = fit(
        wrap(LogisticRegression()), wrap(LogisticRegression()), label_use=label_use
    )
    np.testing.assert_allclose(
        wrapped.predict_proba(DATA.X), plain.predict_proba(DATA.X), atol=1e-12
    )


@pytest.mark.parametrize(
    "weak",
    [KNeighborsClassifier(), make_pipeline(StandardScaler(), KNeighborsClassifier())],
)
def test_a_weak_model_without_weights_is_named(weak):
    with pytest.warns(
        WeakLabelWarning, match=f"{type(weak).__name__} takes no sample_"
    ):
        fit(weak=weak)


def test_a_label_model_needs_no_weights():
    votes = np.column_stack([DATA.y, DATA.y, 1 - DATA.y])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        WeakToStrongClassifier(
            LogisticRegression(),
            weak_estimator=MajorityVote(),
            strong_columns=slice(0, 40),
            weak_columns=slice(40, 43),
        ).fit(np.hstack([DATA.X, votes]), sample_weight=WEIGHT)


def test_a_strong_model_that_takes_no_weights_is_an_error():
    with pytest.raises(ValueError, match="needs a strong estimator whose fit"):
        fit(make_pipeline(StandardScaler(), KNeighborsClassifier()), label_use="soft")
    with pytest.raises(TypeError, match="sample_weight"):
        fit(KNeighborsClassifier())


def test_with_routing_the_default_student_takes_weights():
    with config_context(enable_metadata_routing=True):
        model = WeakToStrongClassifier(weak_columns=DATA.easy_columns, random_state=0)
        weighted = model.fit(DATA.X, DATA.y, sample_weight=WEIGHT).predict_proba(DATA.X)
        plain = model.fit(DATA.X, DATA.y).predict_proba(DATA.X)
    assert np.abs(weighted - plain).max() > 0.01


def test_with_routing_a_pipeline_that_asks_for_weights_learns_soft_labels():
    with config_context(enable_metadata_routing=True):
        end = LogisticRegression().set_fit_request(sample_weight=True)
        piped = nested(end)
        soft = fit(piped, weight=None, label_use="soft").predict_proba(DATA.X)
        deaf = nested(LogisticRegression().set_fit_request(sample_weight=False))
        with pytest.raises(ValueError, match="Pipeline does not"):
            fit(deaf, weight=None, label_use="soft")
    plain = fit(weight=None, label_use="soft").predict_proba(DATA.X)
    np.testing.assert_allclose(soft, plain, atol=1e-12)


def test_with_routing_each_model_can_have_weights_of_its_own():
    other = np.ones(N)
    expected = fit(weight=other).weak_proba_
    with config_context(enable_metadata_routing=True):
        weak = LogisticRegression().set_fit_request(sample_weight="weak_weight")
        strong = LogisticRegression().set_fit_request(sample_weight=True)
        model = WeakToStrongClassifier(
            strong,
            weak_estimator=weak,
            weak_columns=DATA.easy_columns,
            random_state=0,
        ).fit(DATA.X, DATA.y, sample_weight=WEIGHT, weak_weight=other)
    np.testing.assert_allclose(model.weak_proba_, expected, atol=1e-12)
