"""The reward of the authors' code for source selection, for replication.

The thresholds are fitted anew in every round. The change point of the batch's own
confidences makes its hard rows; all other rows so far, those of earlier batches
included, are scored against all hard rows so far by the largest inner product, and the
change point of these scores makes the overlap rows. So a batch of one source changes
what the next batch of another source is compared with, and a change point splits any
values in two: a batch without overlap and one full of it can have the same reward.

C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the Data-Centric
Lens", ICLR 2025; `data_source_selection_linear_probing.py` of their public code.
"""

from dataclasses import dataclass

import numpy as np

from overlapkit.scorers import reference_similarity
from overlapkit.thresholds import binseg_change_point

# the search for a change point needs so many values; with fewer, the median is used
_LEAST = 7


@dataclass(frozen=True)
class AuthorsOverlap:
    """1 for an overlap row by the thresholds of its own round, 0 for any other row."""

    def start(self, reference):
        return None

    def score(self, batch, state):
        strong = np.asarray(batch.rows.strong, dtype=np.float64)
        confidence = batch.rows.confidence()
        hard = confidence < _threshold(confidence)
        hard_rows, others = strong[hard], strong[~hard]
        if state is not None:
            hard_rows = np.concatenate([state[0], hard_rows])
            others = np.concatenate([state[1], others])
        rewards = np.zeros(len(hard))
        if len(hard_rows) and not hard.all():
            scores = reference_similarity(
                others, hard_rows, metric="dot", aggregation="max", absolute=False
            )
            of_batch = scores[len(scores) - np.count_nonzero(~hard) :]
            rewards[~hard] = of_batch >= _threshold(scores)
        return rewards, (hard_rows, others)


def _threshold(values) -> float:
    if len(values) < _LEAST:
        return float(np.median(values))
    return binseg_change_point(values).threshold
