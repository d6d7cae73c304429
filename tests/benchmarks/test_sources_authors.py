import warnings

import numpy as np

from benchmarks.sources.authors import AuthorsOverlap
from overlapkit import OverlapDetector
from overlapkit.datasets import make_overlap_classification
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.sources import Batch
from overlapkit.thresholds import binseg_change_point
from overlapkit.weak import KnownLabels, WeakLabeler

DATA = make_overlap_classification(random_state=0)
MORE = make_overlap_classification(theta=DATA.theta, random_state=1)


def authors_rewards(batches):
    """Slow NumPy from the description of the authors' selection code."""
    hard_rows, others = np.empty((0, DATA.X.shape[1])), np.empty((0, DATA.X.shape[1]))
    for rows in batches:
        X, confidence = rows.X, rows.rows.confidence()
        hard = confidence < binseg_change_point(confidence).threshold
        hard_rows = np.vstack([hard_rows, X[hard]])
        others = np.vstack([others, X[~hard]])
        scores = np.array([max(x @ h for h in hard_rows) for x in others])
        rewards = np.zeros(len(X))
        overlap = scores >= binseg_change_point(scores).threshold
        rewards[~hard] = overlap[len(others) - (~hard).sum() :]
        yield rewards


def test_earlier_rows_are_scored_again_against_all_hard_rows():
    labeler = WeakLabeler(weak_columns=DATA.easy_columns, random_state=0)
    rows, _ = labeler.fit_label(DATA.X, DATA.y)
    unknown = KnownLabels(np.zeros(60, dtype=bool), np.empty(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapkitWarning)
        rule = OverlapDetector().fit_rows(rows).rule_
    batches = []
    for k in (0, 60, 120):
        X, rows = MORE.X[k : k + 60], labeler.label(MORE.X[k : k + 60])
        batches.append(Batch(X, rows, rule.read(rows).regions, unknown, rule))
    reward, state = AuthorsOverlap(), None
    for rows, expected in zip(batches, authors_rewards(batches)):
        rewards, state = reward.score(rows, state)
        np.testing.assert_array_equal(rewards, expected)
        assert 0 < rewards.mean() < 1
