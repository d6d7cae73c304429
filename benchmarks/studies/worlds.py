"""Generated worlds of the studies, and how well a detector or a student does there."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.common import share
from overlapkit.datasets import make_overlap_classification

EASY, OVERLAP, HARD = 0, 1, 2


def world(seed, *, test_size=1000, **params):
    """A training and a test set with the same patterns; the test set has no noise."""
    train = make_overlap_classification(random_state=seed, **params)
    params = {**params, "label_noise": 0.0, "theta": train.theta}
    for region in ("n_easy", "n_hard", "n_overlap"):
        params[region] = test_size
    return train, make_overlap_classification(random_state=seed + 10_000, **params)


def detection(detector, region):
    """How well a fitted detector finds the true regions."""
    hard = detector.labels_ == HARD
    judged = ~hard & np.isin(region, (EASY, OVERLAP))
    truth = region[judged] == OVERLAP
    scores = detector.overlap_scores_[judged]
    split = detector.overlap_split_
    return {
        "auc": roc_auc_score(truth, scores) if 0 < truth.sum() < len(truth) else np.nan,
        "hard precision": share(region[hard] == HARD),
        "hard recall": share(hard[region == HARD]),
        "overlap precision": share(region[detector.support_] == OVERLAP),
        "overlap recall": share(detector.support_[region == OVERLAP]),
        "density": detector.overlap_density_,
        "non-hard share": float(np.mean(~hard)),
        "p confidence": detector.confidence_pvalue_,
        "p overlap": detector.overlap_pvalue_,
        "gain": np.nan if split is None else split.gain,
    }


def student_accuracy(X, labels, test, C=0.1):
    """Accuracy of logistic regression: overall and in each region of the test set."""
    if len(np.unique(labels)) < 2:
        # a single class is what such a student would predict
        right = test.y == labels[0] if len(labels) else np.full(len(test.y), np.nan)
    else:
        model = LogisticRegression(C=C, max_iter=500).fit(X, labels)
        right = model.predict(test.X) == test.y
    regions = {"easy": EASY, "overlap": OVERLAP, "hard": HARD}
    return {
        "accuracy": float(np.mean(right)),
        **{name: share(right[test.region == code]) for name, code in regions.items()},
    }
