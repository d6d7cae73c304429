"""Small data sets with two views, shared by the tests of the core estimators."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from overlapkit.datasets import make_overlap_classification

WEAK = slice(0, 10)  # the easy features of `two_views`


def two_views(n=240, *, seed=0, **kwargs):
    """Equal parts of easy, hard and overlap rows; the weak view is `WEAK`."""
    return make_overlap_classification(
        n_easy=n // 3,
        n_hard=n // 3,
        n_overlap=n // 3,
        n_easy_features=10,
        n_hard_features=10,
        separation=kwargs.pop("separation", 3.0),
        random_state=seed,
        **kwargs,
    )


def with_probabilities(n=90, n_classes=2, d=6, seed=0):
    """A strong view, random class probabilities, and both side by side."""
    rng = np.random.RandomState(seed)
    strong = rng.normal(size=(n, d))
    proba = rng.dirichlet(np.full(n_classes, 0.5), size=n)
    return strong, proba, np.hstack([strong, proba])


class Recorder(ClassifierMixin, BaseEstimator):
    """A strong model that remembers what it was shown and predicts the first class."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        self.X_, self.y_, self.sample_weight_ = X, y, sample_weight
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
