"""Known and weak labels together: the same rows in another order, the same result."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from overlapkit import WeakToStrongClassifier
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote
from overlapkit.students import LabelCorrector

LINEAR = LogisticRegression(tol=1e-8, max_iter=1000)


def make_task(n_classes=2, n=400, *, seed=0, discrete=False):
    """Strong columns, votes of five functions, and labels of 80 rows."""
    rng = np.random.RandomState(seed)
    truth = rng.randint(0, n_classes, size=n)
    X = rng.normal(size=(n, 6)) + np.eye(n_classes, 6)[truth]
    if discrete:  # many rows are equal, and many as near as others
        X = (X > 0.5).astype(float)
    right = rng.uniform(size=(n, 5)) < 0.6
    votes = np.where(right, truth[:, None], rng.randint(0, n_classes, size=(n, 5)))
    votes[rng.uniform(size=votes.shape) < 0.5] = -1
    return X, votes, np.where(rng.uniform(size=n) < 80 / n, truth, -1)


def both_orders(model, X, y, seed=1, **of_rows):
    """The model fitted on the rows as they are and permuted, and the permutation."""
    order = np.random.RandomState(seed).permutation(len(y))
    moved = {name: value[order] for name, value in of_rows.items()}
    permuted = X.iloc[order] if hasattr(X, "iloc") else X[order]
    one = clone(model).fit(X, y, **of_rows)
    return one, clone(model).fit(permuted, y[order], **moved), order


def auto(estimator=LINEAR, *, votes=True, weak=None, **params):
    views = {}
    if votes:
        weak = MajorityVote() if weak is None else weak
        views = {"strong_columns": slice(0, 6), "weak_columns": slice(6, 11)}
    return WeakToStrongClassifier(
        estimator,
        weak_estimator=weak,
        selector="auto",
        missing_label=-1,
        random_state=0,
        **views,
        **params,
    )


def assert_same(one, two, order, X, atol=1e-6):
    np.testing.assert_allclose(two.predict_proba(X), one.predict_proba(X), atol=atol)
    np.testing.assert_array_equal(two.selected_, one.selected_[order])
    np.testing.assert_array_equal(two.corrected_labels_, one.corrected_labels_[order])
    for name, coef in one.stack_coef_.items():
        assert two.stack_coef_[name] == pytest.approx(coef, abs=1e-5)
    pd.testing.assert_frame_equal(
        two.selection_report_, one.selection_report_, rtol=1e-5
    )


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("estimator", [LINEAR, KNeighborsClassifier(5)], ids=str)
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.UncoveredRowsWarning")
def test_votes(n_classes, estimator):
    X, votes, y = make_task(n_classes)
    X = np.hstack([X, votes])
    assert_same(*both_orders(auto(estimator), X, y), X)


@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.UncoveredRowsWarning")
def test_boosted_trees():
    X, votes, y = make_task()
    X = np.hstack([X, votes])
    trees = LGBMClassifier(n_estimators=20, verbosity=-1, random_state=0)
    assert_same(*both_orders(auto(trees), X, y), X)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.UncoveredRowsWarning")
def test_weights_and_groups(n_classes):
    X, votes, y = make_task(n_classes)
    X = np.hstack([X, votes])
    groups = np.arange(len(y)) // 5
    weight = np.random.RandomState(2).uniform(0.5, 2, size=len(y))
    assert_same(*both_orders(auto(), X, y, groups=groups), X)
    assert_same(*both_orders(auto(), X, y, sample_weight=weight), X)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("weak", [None, KNeighborsClassifier(5)])
def test_no_votes(n_classes, weak):
    X, _, y = make_task(n_classes)
    assert_same(*both_orders(auto(votes=False, weak=weak), X, y), X)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.UncoveredRowsWarning")
def test_rows_that_look_alike_are_told_apart_by_their_votes(seed):
    X, votes, y = make_task(discrete=True, seed=seed)
    X = np.hstack([X, votes])
    # rows that are equal in everything may change places
    _, first = np.unique(np.column_stack([X, y]), axis=0, return_index=True)
    X, y = X[first], y[first]
    assert len(np.unique(X[:, :6], axis=0)) < len(X) / 4
    one, two, _ = both_orders(auto(), X, y, seed=seed)
    np.testing.assert_allclose(two.predict_proba(X), one.predict_proba(X), atol=1e-6)
    pd.testing.assert_frame_equal(
        two.selection_report_, one.selection_report_, rtol=1e-5
    )


def test_columns_of_very_different_units():
    X, _, y = make_task()
    X = np.round(X, 1) * np.array([1e6, 1, 1, 1, 1, 1e-3]) + 1 / 3
    model = auto(KNeighborsClassifier(5), votes=False)
    assert_same(*both_orders(model, X, y), X)


@pytest.mark.parametrize("model", [LabelModel, DawidSkene])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
def test_label_models_that_know_labels(model, n_classes):
    X, votes, y = make_task(n_classes)
    X = np.hstack([X, votes])
    weak = model(missing_label=-1, classes=list(range(n_classes)))
    assert_same(*both_orders(auto(weak=weak), X, y), X)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_label_corrector(n_classes):
    X, votes, y = make_task(n_classes)
    corrector = LabelCorrector(LINEAR, missing_label=-1, random_state=0)
    for more in ({}, {"votes": votes}, {"weak_labels": votes.max(axis=1)}):
        one, two, order = both_orders(corrector, X, y, **more)
        np.testing.assert_allclose(
            two.corrected_proba_, one.corrected_proba_[order], atol=1e-6
        )
        np.testing.assert_allclose(two.coef_, one.coef_, atol=1e-5)
