"""Known labels that join what was learnt from votes, if they are seen to help."""

import numpy as np

from overlapkit.label_models._votes import right_shares, softmax

# Standard errors by which known labels must be seen to help before they are used.
_STANDARD_ERRORS = 2.0


def label_counts(labelled, n_classes) -> np.ndarray:
    """Count the known rows of class y on which function j votes l, shape (m, K, K)."""
    hot = labelled.votes.one_hot().astype(np.float64)
    counts = hot.T @ np.eye(n_classes)[labelled.codes]
    return counts.reshape(-1, n_classes, n_classes)


def join_labels(precision, counts, strength) -> np.ndarray:
    """Mean of the learnt precisions, as `strength` labelled votes, and the counted.

    Votes for a class without a known label keep the learnt precisions: none of the
    labelled rows could have shown them right.
    """
    joined = strength * precision + counts
    joined /= strength + counts.sum(axis=2, keepdims=True)
    absent = counts.sum(axis=(0, 1)) == 0
    joined[:, absent] = precision[:, absent]
    return joined


def right_without_own(precision, counts, labelled, prior, strength, weights):
    """Whether each known row is right by what the other rows say.

    Parameters
    ----------
    precision, counts : ndarray of shape (m, K, K)
    labelled : Labelled
    prior : ndarray of shape (K,)
    strength : float
    weights : ndarray of shape (m,)
        What a vote of each function counts.

    Returns
    -------
    ndarray of shape (n,)
        1, 0, or in between where classes tie.
    """
    n_classes = len(prior)
    hot = labelled.votes.one_hot()
    row = np.repeat(np.arange(hot.shape[0]), np.diff(hot.indptr))
    function, vote = np.divmod(hot.indices, n_classes)
    truth = labelled.codes[row]
    others = counts[function, vote]
    others[np.arange(len(row)), truth] -= 1
    learnt = precision[function, vote]
    joined = strength * learnt + others
    joined /= strength + others.sum(axis=1, keepdims=True)
    absent = (counts.sum(axis=(0, 1)) == 0)[vote]
    joined[absent] = learnt[absent]
    terms = np.log(joined / prior) * weights[function][:, None]
    scores = np.tile(np.log(prior), (hot.shape[0], 1))
    for y in range(n_classes):
        scores[:, y] += np.bincount(row, terms[:, y], minlength=hot.shape[0])
    return right_shares(softmax(scores)[0], labelled.codes)


def labels_help(right_with, right_without) -> bool:
    """Whether more rows are right with labels, by two standard errors."""
    gain = np.asarray(right_with) - np.asarray(right_without)
    if len(gain) < 2:
        return False
    error = gain.std(ddof=1) * np.sqrt(len(gain))
    return bool(gain.sum() >= 2 and gain.sum() > _STANDARD_ERRORS * error)
