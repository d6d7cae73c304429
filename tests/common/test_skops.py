"""Every estimator survives skops, which unpickles nothing; trusted types are ours."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.label_models import MajorityVote
from tests.support import valid_input
from tests.support.discovery import public_estimators

io = pytest.importorskip("skops.io", reason="pip install skops")
ESTIMATORS = public_estimators()
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("cls", ESTIMATORS, ids=[cls.__name__ for cls in ESTIMATORS])
def test_a_fitted_estimator_comes_back_the_same(cls):
    estimator = valid_input.fitted(cls)
    dumped = io.dumps(estimator)
    asked = io.get_untrusted_types(data=dumped)
    ours = [name for name in asked if name.startswith("overlapkit.")]
    # types of other packages that skops does not know: LightGBM's and the network's
    # and the dtype that scikit-learn's imputer keeps
    others = ("lightgbm.", "collections.", "sklearn.neural_network.", "numpy.dtype")
    assert [n for n in asked if n not in ours and not n.startswith(others)] == []
    loaded = io.loads(dumped, trusted=asked)
    X = valid_input._fitting(cls).arguments()["X"]
    for method in valid_input.METHODS:
        if hasattr(estimator, method):
            np.testing.assert_array_equal(
                getattr(loaded, method)(X), getattr(estimator, method)(X)
            )


@pytest.mark.parametrize("selector", ["auto", OverlapDetector()], ids=str)
def test_a_student_with_a_selector_comes_back_the_same(selector):
    # "auto" keeps a report, which must be of types that skops knows
    X, y = valid_input.views(), valid_input.table()[1]
    student = WeakToStrongClassifier(
        LogisticRegression(),
        weak_estimator=MajorityVote(),
        strong_columns=slice(0, 6),
        weak_columns=slice(6, 12),
        selector=selector,
        missing_label=-1,
    ).fit(X, np.where(np.arange(len(y)) < 24, y, -1))
    dumped = io.dumps(student)
    asked = io.get_untrusted_types(data=dumped)
    assert all(name.startswith("overlapkit.") for name in asked)
    loaded = io.loads(dumped, trusted=asked)
    np.testing.assert_array_equal(loaded.predict_proba(X), student.predict_proba(X))
