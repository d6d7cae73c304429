"""
12. Your own scorer, label model and policy
===========================================

Parts can be replaced by your own, in a few lines each: a number per row (scorer), votes
to probabilities (label model), and the choice of the next source (policy).
"""

# %%
# A scorer
# --------
# Two hooks take checked rows; everything else, from columns to clones, is inherited.
import numpy as np

from overlapkit.scorers import BaseScorer


class NearestCentroidScorer(BaseScorer):
    """Score rows by how much nearer the centroid of their weak class is."""

    def __init__(self, weak_estimator=None, *, strong_columns=None, weak_columns=None):
        self.weak_estimator = weak_estimator
        self.strong_columns = strong_columns
        self.weak_columns = weak_columns

    def _fit_rows(self, rows):
        strong = np.asarray(rows.strong)
        self.centroids_ = np.array(
            [
                strong[rows.covered & (rows.codes == k)].mean(axis=0)
                for k in range(len(rows.classes))
            ]
        )
        self.scores_ = self._score_rows(rows)
        self.support_ = rows.covered & (self.scores_ > 0)

    def _score_rows(self, rows):
        strong = np.asarray(rows.strong)
        distance = np.linalg.norm(strong[:, None] - self.centroids_, axis=2)
        own = np.take_along_axis(distance, rows.codes[:, None], axis=1)[:, 0]
        np.put_along_axis(distance, rows.codes[:, None], np.inf, axis=1)
        return distance.min(axis=1) - own


# %%
# It is a ``selector`` at once.
from sklearn.linear_model import LogisticRegression

from overlapkit import WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification

data = make_overlap_classification(
    n_easy=300, n_hard=300, n_overlap=300, random_state=0
)
student = WeakToStrongClassifier(
    LogisticRegression(C=0.01),
    weak_columns=data.easy_columns,
    selector=NearestCentroidScorer(),
    random_state=0,
).fit(data.X, data.y)
for code, name in enumerate(("easy", "overlap", "hard")):
    share = student.selected_[data.region == code].mean()
    print(f"{name:8s} selected: {share:.0%}")

# %%
# A label model
# -------------
# Any classifier that needs no y can label: here, the first function that votes is
# believed. ``required = False`` says that y may be left out, and ``covered`` which rows
# have a vote.
from sklearn.base import BaseEstimator, ClassifierMixin


class FirstVote(ClassifierMixin, BaseEstimator):
    """Believe the first function that votes."""

    def fit(self, L, y=None):
        self.classes_ = np.unique(L[L >= 0])
        return self

    def covered(self, L):
        return (L >= 0).any(axis=1)

    def predict_proba(self, L):
        L = np.asarray(L).astype(int)
        first = L[np.arange(len(L)), (L >= 0).argmax(axis=1)]
        proba = (first[:, None] == self.classes_).astype(float)
        proba[~self.covered(L)] = 1 / len(self.classes_)
        return proba

    def predict(self, L):
        return self.classes_[self.predict_proba(L).argmax(axis=1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags


rng = np.random.default_rng(0)
right = rng.random((len(data.y), 4)) < 0.75
votes = np.where(right, data.y[:, None], 1 - data.y[:, None])
votes[rng.random(votes.shape) < 0.5] = -1
student = WeakToStrongClassifier(
    LogisticRegression(C=0.01),
    weak_estimator=FirstVote(),
    strong_columns=slice(0, data.X.shape[1]),
    weak_columns=slice(data.X.shape[1], None),
).fit(np.hstack([data.X, votes]))
print(f"{student.covered_.mean():.0%} of the rows have a vote")

# %%
# A policy
# --------
# An index per source; the largest is queried next. This one looks at the least queried
# source every fourth round and at the best one otherwise.
from dataclasses import dataclass

import matplotlib.pyplot as plt

from overlapkit import OverlapDetector, UCBSourceSelector
from overlapkit.datasets import make_overlap_sources
from overlapkit.inspection import SourceSelectionDisplay
from overlapkit.policies import UCB


@dataclass(frozen=True)
class EveryFourth:
    """Query the least queried source every fourth round, else the best so far."""

    def index(self, state, rng=None):
        if state.rounds.sum() % 4 == 3:
            return -state.rounds.astype(float)
        return UCB(exploration=0).index(state, rng)


pool = make_overlap_sources([0.1, 0.5, 0.9], random_state=0)
selector = UCBSourceSelector(
    LogisticRegression(),
    detector=OverlapDetector(weak_columns=pool.easy_columns),
    policy=EveryFourth(),
    batch_size=20,
    random_state=0,
).fit(pool.X, pool.y, sources=pool.sources)
SourceSelectionDisplay.from_estimator(selector)
plt.show()
