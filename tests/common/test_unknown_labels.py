"""What meta-estimators of scikit-learn do with labels that are unknown.

Each case is a row of the table in docs/unknown_labels.rst.
"""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from overlapkit import WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification
from overlapkit.exceptions import MissingLabelWarning
from overlapkit.model_selection import KnownLabelSplit

DATA = make_overlap_classification(
    n_easy=200, n_hard=200, n_overlap=200, random_state=0
)
X, TRUTH = DATA.X, DATA.y
SOME = np.where(np.arange(len(TRUTH)) % 6 == 0, TRUTH, -1)
KNOWN = SOME != -1
SPLIT = KnownLabelSplit(3, missing_label=-1, shuffle=True, random_state=0)


def student(**params):
    return WeakToStrongClassifier(
        LogisticRegression(),
        weak_estimator=LogisticRegression(),
        weak_columns=DATA.easy_columns,
        missing_label=-1,
        random_state=0,
        **params,
    )


@pytest.mark.parametrize("scoring", [None, "accuracy", "balanced_accuracy"])
@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV])
def test_searches_work_with_the_splitter(search, scoring):
    grid = {"weak_estimator__C": [0.01, 1.0]}
    options = {"n_iter": 2, "random_state": 0} if search is RandomizedSearchCV else {}
    found = search(student(), grid, cv=SPLIT, scoring=scoring, **options).fit(X, SOME)
    assert 0.5 < found.best_score_ < 1
    assert found.predict(X).min() >= 0


def test_cross_validation_works_with_the_splitter():
    scores = cross_val_score(student(), X, SOME, cv=SPLIT, scoring="accuracy")
    result = cross_validate(student(), X, SOME, cv=SPLIT, scoring="accuracy")
    np.testing.assert_allclose(scores, result["test_score"])
    assert scores.mean() > 0.5


def test_pipelines_and_frozen_estimators_work():
    pipe = make_pipeline(StandardScaler(), student()).fit(X, SOME)
    assert pipe.classes_.tolist() == [0, 1]
    # only rows whose label is known are scored
    assert pipe.score(X, SOME) == pytest.approx(pipe.score(X[KNOWN], TRUTH[KNOWN]))
    frozen = FrozenEstimator(student().fit(X, SOME))
    assert frozen.fit(X, SOME).predict(X).min() >= 0


def test_calibration_works_on_a_frozen_student_and_labelled_rows():
    frozen = FrozenEstimator(student().fit(X, SOME))
    calibrated = CalibratedClassifierCV(frozen).fit(X[KNOWN], TRUTH[KNOWN])
    assert calibrated.classes_.tolist() == [0, 1]


@pytest.mark.parametrize("meta", [VotingClassifier, StackingClassifier])
def test_votes_and_stacks_work_on_fitted_students(meta):
    fitted = student().fit(X, SOME)
    parts = [("one", FrozenEstimator(fitted)), ("two", LogisticRegression())]
    whole = meta(parts).fit(X[KNOWN], TRUTH[KNOWN])
    assert whole.classes_.tolist() == [0, 1]


@pytest.mark.parametrize(
    "meta",
    [
        lambda s: VotingClassifier([("s", s)]),
        lambda s: StackingClassifier([("s", s)], cv=2),
        lambda s: BaggingClassifier(s, n_estimators=2, random_state=0),
        lambda s: SelfTrainingClassifier(s, max_iter=1),
    ],
    ids=["Voting", "Stacking", "Bagging", "SelfTraining"],
)
def test_where_the_marker_is_encoded_away_a_warning_says_so(meta):
    with pytest.warns(MissingLabelWarning, match="no label in y is that"):
        meta(student()).fit(X, SOME)


@pytest.mark.parametrize(
    "meta",
    [
        lambda s: AdaBoostClassifier(s, n_estimators=2, random_state=0),
        lambda s: CalibratedClassifierCV(s, cv=2),
        lambda s: OneVsRestClassifier(s),
    ],
    ids=["AdaBoost", "Calibrated", "OneVsRest"],
)
def test_where_the_marker_is_taken_for_a_class(meta):
    whole = meta(student())
    try:
        whole.fit(X, SOME)
    except ValueError:
        return
    assert -1 in whole.classes_
