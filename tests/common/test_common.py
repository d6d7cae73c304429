"""Every public estimator is an estimator of scikit-learn."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.support.discovery import public_estimators
from tests.support.expected_failures import expected_failed_checks


def test_discovery_finds_the_estimators():
    names = {cls.__name__ for cls in public_estimators()}
    assert {"OverlapDetector", "WeakToStrongClassifier"} <= names


@parametrize_with_checks(
    [cls() for cls in public_estimators()],
    expected_failed_checks=expected_failed_checks,
)
def test_scikit_learn_compatible(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", public_estimators(), ids=lambda cls: cls.__name__)
def test_default_construction_needs_nothing(cls):
    assert isinstance(cls(), cls)
