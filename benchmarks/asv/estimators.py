"""Detector, classifier and label model on data whose truth is known."""

import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.label_models import DawidSkene, LabelModel
from overlapkit.scorers import CutStatisticScorer, SelfConfidenceScorer


class Detector:
    params = (("mean", "max"), (None, 100))
    param_names = ("aggregation", "max_landmarks")

    def setup(self, aggregation, max_landmarks):
        warnings.simplefilter("ignore", OverlapkitWarning)
        self.data = make_overlap_classification(
            n_easy=1000, n_hard=1000, n_overlap=1000, random_state=0
        )
        self.detector = OverlapDetector(
            weak_columns=self.data.easy_columns,
            aggregation=aggregation,
            max_landmarks=max_landmarks,
            random_state=0,
        )
        self.fit()

    def fit(self):
        return self.detector.fit(self.data.X, self.data.y)

    def time_fit(self, aggregation, max_landmarks):
        self.fit()

    def peakmem_fit(self, aggregation, max_landmarks):
        self.fit()

    def track_overlap_f1(self, aggregation, max_landmarks):
        """F1 of the overlap rows."""
        found, truth = self.fit().support_, self.data.region == 1
        return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


class Classifier:
    params = (("all", "overlap"),)
    param_names = ("rows",)

    def setup(self, rows):
        warnings.simplefilter("ignore", OverlapkitWarning)
        make = make_overlap_classification
        self.data = make(n_easy=1000, n_hard=1000, n_overlap=1000, random_state=0)
        self.test = make(
            n_easy=0,
            n_hard=2000,
            n_overlap=0,
            theta=self.data.theta,
            random_state=1,
        )
        self.model = WeakToStrongClassifier(
            LogisticRegression(),
            weak_columns=self.data.easy_columns,
            selector=OverlapDetector() if rows == "overlap" else None,
            random_state=0,
        )
        self.fit()

    def fit(self):
        return self.model.fit(self.data.X, self.data.y)

    def time_fit(self, rows):
        self.fit()

    def peakmem_fit(self, rows):
        self.fit()

    def track_hard_accuracy(self, rows):
        """Accuracy on rows of which the weak model knows nothing."""
        return float(self.fit().score(self.test.X, self.test.y))


class Scorers:
    params = (("cut statistic", "self-confidence"),)
    param_names = ("scorer",)

    def setup(self, scorer):
        warnings.simplefilter("ignore", OverlapkitWarning)
        data = make_overlap_classification(
            n_easy=1000, n_hard=1000, n_overlap=1000, random_state=0
        )
        self.X, self.y, columns = data.X, data.y, data.easy_columns
        kinds = {
            "cut statistic": CutStatisticScorer,
            "self-confidence": SelfConfidenceScorer,
        }
        self.scorer = kinds[scorer](weak_columns=columns, random_state=0)
        self.fit()

    def fit(self):
        return self.scorer.fit(self.X, self.y)

    def time_fit(self, scorer):
        self.fit()

    def peakmem_fit(self, scorer):
        self.fit()


class KnownLabels:
    def setup(self):
        warnings.simplefilter("ignore", OverlapkitWarning)
        data = make_overlap_classification(
            n_easy=1000, n_hard=1000, n_overlap=1000, random_state=0
        )
        self.X, self.y = data.X, data.y.copy()
        self.y[np.random.default_rng(0).permutation(len(self.y))[100:]] = -1
        self.model = WeakToStrongClassifier(
            LogisticRegression(),
            weak_columns=data.easy_columns,
            selector="auto",
            missing_label=-1,
            random_state=0,
        )
        self.fit()

    def fit(self):
        return self.model.fit(self.X, self.y)

    def time_fit(self):
        self.fit()

    def peakmem_fit(self):
        self.fit()


class Votes:
    params = (("LabelModel", "DawidSkene"), (20, 73))
    param_names = ("model", "functions")

    def setup(self, model, functions):
        rng = np.random.default_rng(0)
        self.y = rng.integers(2, size=4000)
        right = rng.uniform(0.55, 0.8, functions)
        wrong = rng.random((4000, functions)) > right
        self.votes = np.where(wrong, 1 - self.y[:, None], self.y[:, None])
        self.votes[rng.random(self.votes.shape) > 0.3] = -1
        self.model = {"LabelModel": LabelModel, "DawidSkene": DawidSkene}[model]()
        self.model.fit(self.votes)

    def time_fit(self, model, functions):
        self.model.fit(self.votes)

    def peakmem_fit(self, model, functions):
        self.model.fit(self.votes)

    def track_accuracy(self, model, functions):
        """Of the labels it gives the rows it was fitted on."""
        return float(np.mean(self.model.fit(self.votes).predict(self.votes) == self.y))
