"""Splits for labels that are unknown in part."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate

from overlapkit import WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification
from overlapkit.model_selection import KnownLabelSplit

NAMES = np.array(["ham", "spam"], dtype=object)


def some_labels(kind, n=120, known=30):
    """Labels, most of them unknown, and the marker, in the forms users have them."""
    rng = np.random.RandomState(0)
    codes = rng.permutation(n) % 2
    hidden = rng.permutation(n) >= known
    if kind == "strings":
        return np.where(hidden, "", NAMES[codes].astype(str)), "", hidden
    if kind == "objects with nan":
        y = NAMES[codes].copy()
        y[hidden] = np.nan
        return y, np.nan, hidden
    if kind == "nan":
        return np.where(hidden, np.nan, codes), np.nan, hidden
    if kind == "series":
        return pd.Series(np.where(hidden, -1, codes)), -1, hidden
    return np.where(hidden, -1, codes), -1, hidden


KINDS = ["integers", "strings", "objects with nan", "nan", "series"]


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_rows_are_in_every_training_part_and_in_no_test_part(kind):
    y, marker, hidden = some_labels(kind)
    splits = list(KnownLabelSplit(3, missing_label=marker).split(np.zeros((120, 1)), y))
    assert len(splits) == KnownLabelSplit(3).get_n_splits() == 3
    tested = np.concatenate([test for _, test in splits])
    assert sorted(tested) == np.flatnonzero(~hidden).tolist()
    for train, test in splits:
        assert set(np.flatnonzero(hidden)) <= set(train)
        assert set(train) | set(test) == set(range(120))
        assert not set(train) & set(test)
        # stratified: 30 labels of two classes in three folds
        counts = pd.Series(np.asarray(y)[test]).value_counts()
        assert counts.max() - counts.min() <= 2


def test_where_all_labels_are_known_it_is_stratified_k_fold():
    y = np.arange(40) % 2
    ours = KnownLabelSplit(4, shuffle=True, random_state=0).split(y[:, None], y)
    theirs = StratifiedKFold(4, shuffle=True, random_state=0).split(y[:, None], y)
    for (train, test), (other_train, other_test) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(train, other_train)
        np.testing.assert_array_equal(test, other_test)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scoring", ["accuracy", "balanced_accuracy", "f1_macro"])
def test_searches_score_known_labels_with_any_scorer(kind, scoring):
    data = make_overlap_classification(
        n_easy=150, n_hard=150, n_overlap=150, random_state=0
    )
    hidden = np.random.RandomState(0).permutation(450) >= 100
    y, marker, _ = some_labels(kind, 450, 0)
    labels = np.asarray(y).copy()
    labels[~hidden] = (
        NAMES[data.y[~hidden]] if labels.dtype.kind in "UO" else data.y[~hidden]
    )
    if labels.dtype.kind == "U":
        labels = np.where(hidden, "", NAMES[data.y].astype(str))
    model = WeakToStrongClassifier(
        LogisticRegression(C=0.01),
        weak_columns=slice(0, 20),
        missing_label=marker,
        random_state=0,
    )
    cv = KnownLabelSplit(3, missing_label=marker, shuffle=True, random_state=0)
    scores = cross_validate(
        model, data.X, labels, cv=cv, scoring=scoring, error_score="raise"
    )["test_score"]
    # the marker as a class would give an accuracy near the share of known labels, .22
    assert scores.mean() > 0.55
    search = GridSearchCV(model, {"estimator__C": [0.01]}, cv=cv, scoring=scoring)
    assert search.fit(data.X, labels).best_score_ == pytest.approx(scores.mean())


def test_groups_are_in_one_part_only():
    y, marker, hidden = some_labels("integers")
    groups = np.arange(120) // 4
    cv = KnownLabelSplit(3, missing_label=marker, shuffle=True, random_state=0)
    for train, test in cv.split(np.zeros((120, 1)), y, groups):
        assert not set(groups[train]) & set(groups[test])
        assert not hidden[test].any()
        other = hidden & ~np.isin(groups, groups[test])
        assert set(np.flatnonzero(other)) <= set(train)


def test_groups_are_routed_to_the_splits():
    y, marker, _ = some_labels("integers")
    X = np.random.RandomState(0).normal(size=(120, 3)) + (y == 1)[:, None]
    groups = np.arange(120) // 4
    model = WeakToStrongClassifier(
        LogisticRegression(), missing_label=marker, random_state=0
    )
    cv = KnownLabelSplit(3, missing_label=marker)
    plain = cross_validate(model, X, y, cv=list(cv.split(X, y, groups)))
    with sklearn.config_context(enable_metadata_routing=True):
        routed = cross_validate(model, X, y, cv=cv, params={"groups": groups})
    np.testing.assert_array_equal(routed["test_score"], plain["test_score"])


@pytest.mark.parametrize(
    ("params", "y", "message"),
    [
        ({"missing_label": -1}, None, "needs y"),
        ({"missing_label": -1}, np.full(6, -1), "None of the 6 labels is known"),
        ({}, np.array([0, 1, None], dtype=object), "Input y contains None"),
        ({}, np.array([0.0, 1.0, np.nan]), "Input y contains NaN"),
        ({"n_splits": 4}, np.array([0, 0, 1, 1]), "n_splits=4 cannot be greater"),
        ({"n_splits": 1}, np.array([0, 0, 1, 1]), "n_splits=2 or more"),
    ],
)
def test_labels_that_cannot_be_split_are_refused(params, y, message):
    X = np.zeros((6 if y is None else len(y), 1))
    with pytest.raises(ValueError, match=message):
        list(KnownLabelSplit(**params).split(X, y))
