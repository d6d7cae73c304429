"""A table of what every labelling function does."""

import warnings
from numbers import Real

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.base import clone

from overlapkit._utils.checks import check_consistent_length
from overlapkit._utils.labels import (
    MISSING_LABEL,
    check_labels,
    known_labels,
    same_marker,
)
from overlapkit._utils.sklearn_compat import Interval, _num_samples, validate_params
from overlapkit.label_models._base import _BaseLabelModel
from overlapkit.label_models._label_model import LabelModel
from overlapkit.label_models._moments import PairCounts

_NEAR = 0.95


@validate_params(
    {
        "classes": ["array-like", None],
        "missing_label": MISSING_LABEL,
        "label_model": [_BaseLabelModel, None],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
    },
    prefer_skip_nested_validation=True,
)
def vote_summary(
    L,
    y=None,
    *,
    classes=None,
    missing_label=None,
    label_model=None,
    confidence_level=0.95,
):
    r"""Sum up what every labelling function does, in a table with a row for each.

    A function that votes against the others, meets none of them or repeats another one
    is found here, before a label model is trusted.

    Parameters
    ----------
    L : array-like or sparse matrix of shape (n_samples, n_functions)
        Votes, as label models take them: -1, NaN, None and empty cells are no vote;
        sparse matrices hold vote + 1.

    y : array-like of shape (n_samples,), default=None
        Labels; `missing_label` where unknown. None: no label is known.

    classes : array-like of shape (n_classes,), default=None
        Sorted labels that the vote codes stand for; None: as the label model has it.

    missing_label : scalar, default=None
        Value of `y` that stands for an unknown label; None: as the label model has
        it.

    label_model : label model, default=None
        Model whose accuracies are shown; it is cloned, and fitted to the votes alone.
        None: ``LabelModel(classes=classes)``.

    confidence_level : float, default=0.95
        Level of the intervals of the empirical accuracy, between 0 and 1.

    Returns
    -------
    summary : DataFrame of shape (n_functions, 13)
        Index: column names of L, or their numbers. Columns:

        - `polarity`: tuple of the classes that the function votes for;
        - `coverage`: share of the rows on which it votes;
        - `overlaps`: share of the rows on which it and another function vote;
        - `conflicts`: share of the rows on which it and another function vote
          differently;
        - `n_votes`: number of its votes;
        - `learnt_accuracy`: share of its votes that the label model takes to be right;
        - `n_labelled`: number of its votes on rows whose label is known;
        - `empirical_accuracy`: share of these that are right, NaN if there is none;
        - `accuracy_low`, `accuracy_high`: Wilson's interval of it;
        - `nearest`: the function with the most similar votes, None if it meets none;
        - `similarity`: number of equal votes of the two over the number of rows on
          which one of them votes;
        - `note`: "never votes", "never overlaps", "copy of ...", "nearly a copy of
          ...", "votes against the majority", "worse than chance on labelled rows",
          joined by semicolons; empty if there is nothing to say.

    Raises
    ------
    ValueError
        If votes, labels or classes are not as label models take them, or `classes` or
        `missing_label` differ from those of `label_model`.

    See Also
    --------
    LabelModel : Turns the votes into labels.

    Notes
    -----
    "Votes against the majority": the share of the other functions' votes that agree
    with its vote, averaged over the rows on which others vote, is below one over the
    number of classes by two standard errors. "Worse than chance on labelled rows": the
    interval of the empirical accuracy ends below one over the number of classes.
    "Nearly a copy": `similarity` is at least 0.95.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.label_models import vote_summary
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(2, size=1000)
    >>> wrong = rng.random((1000, 4)) > [0.9, 0.8, 0.7, 0.2]
    >>> votes = np.where(wrong, 1 - y[:, None], y[:, None])
    >>> votes = np.column_stack([votes, votes[:, 0]])
    >>> summary = vote_summary(votes, np.where(np.arange(1000) < 100, y, -1),
    ...                        missing_label=-1)
    >>> summary[["coverage", "empirical_accuracy"]].round(1).iloc[:2]
       coverage  empirical_accuracy
    0       1.0                 0.9
    1       1.0                 0.8
    >>> summary["note"].tolist()[:3]
    ['copy of 4', '', '']
    >>> summary["note"][3]
    'votes against the majority; worse than chance on labelled rows'
    """
    check_consistent_length(L=L, y=y)
    model = LabelModel() if label_model is None else clone(label_model)
    if classes is None:
        classes = model.classes
    elif model.classes is not None and list(classes) != list(model.classes):
        raise ValueError(_given_twice("classes", classes, model.classes))
    if missing_label is None:
        missing_label = model.missing_label
    elif model.missing_label is not None and not same_marker(
        missing_label, model.missing_label
    ):
        raise ValueError(
            _given_twice("missing_label", missing_label, model.missing_label)
        )
    model.set_params(classes=classes, missing_label=missing_label)
    with warnings.catch_warnings():
        # What the model would warn of stands in the table.
        warnings.simplefilter("ignore")
        if y is not None:
            y = check_labels(y, missing_label)
        known, labels = known_labels(y, missing_label, _num_samples(L))
        model.fit_named(L, known, labels)
        votes, proba = model.read_votes(L), model.predict_proba(L)
    return _table(model, votes, proba, known, labels, confidence_level)


def _given_twice(name, value, other) -> str:
    return f"{name}={value!r} and {name}={other!r} of the label model differ: give one."


def _table(model, votes, proba, known, labels, confidence_level):
    pairs = PairCounts.of(votes)
    m, n_classes = pairs.n_functions, pairs.n_classes
    names = getattr(model, "feature_names_in_", np.arange(m))
    classes = model.classes_.tolist()
    cast = pairs.cast().astype(np.int64)
    n_votes = cast.sum(axis=1)
    overlaps, conflicts, against = _company(votes)
    nearest, similarity = _nearest(pairs, n_votes)
    right, judged = _judged(model, votes, known, labels)
    learnt = _learnt(model, votes, proba, n_votes)
    n_rows = max(votes.shape[0], 1)
    rows = []
    for j in range(m):
        accuracy = low = high = np.nan
        if judged[j]:
            accuracy = right[j] / judged[j]
            interval = binomtest(int(right[j]), int(judged[j])).proportion_ci(
                confidence_level, method="wilson"
            )
            low, high = interval.low, interval.high
        other = names[nearest[j]] if similarity[j] > 0 else None
        rows.append(
            {
                "polarity": tuple(c for c, k in zip(classes, cast[j]) if k),
                "coverage": n_votes[j] / n_rows,
                "overlaps": overlaps[j] / n_rows,
                "conflicts": conflicts[j] / n_rows,
                "n_votes": n_votes[j],
                "learnt_accuracy": learnt[j],
                "n_labelled": judged[j],
                "empirical_accuracy": accuracy,
                "accuracy_low": low,
                "accuracy_high": high,
                "nearest": other,
                "similarity": similarity[j],
                "note": _note(
                    n_votes[j],
                    overlaps[j],
                    other,
                    similarity[j],
                    against[j],
                    high < 1 / n_classes,
                ),
            }
        )
    table = pd.DataFrame(rows, index=pd.Index(names))
    # None stays None beside numbers.
    others = [row["nearest"] for row in rows]
    table["nearest"] = pd.Series(others, index=table.index, dtype=object)
    return table


def _note(n_votes, overlaps, other, similarity, against, worse):
    if not n_votes:
        return "never votes"
    notes = []
    if not overlaps:
        notes.append("never overlaps")
    if similarity == 1:
        notes.append(f"copy of {other}")
    elif similarity >= _NEAR:
        notes.append(f"nearly a copy of {other}")
    if against:
        notes.append("votes against the majority")
    if worse:
        notes.append("worse than chance on labelled rows")
    return "; ".join(notes)


def _company(votes):
    """Rows shared with other functions, rows of conflict, and whether others disagree.

    Returns
    -------
    overlaps, conflicts : ndarray of shape (m,)
        Numbers of rows.
    against : ndarray of shape (m,) of bool
        Whether fewer of the others' votes agree than chance explains.
    """
    m, n_classes = votes.shape[1], votes.n_classes
    sums = np.zeros((4, m))
    for rows in votes.blocks():
        part = votes.take(rows)
        counts = part.counts()
        total = counts.sum(axis=1)
        hot = part.one_hot()
        row = np.repeat(np.arange(part.shape[0]), np.diff(hot.indptr))
        function, code = np.divmod(hot.indices, n_classes)
        others = total[row] - 1
        agreeing = counts[row, code] - 1
        share = agreeing / np.maximum(others, 1)
        share[others == 0] = 0.0
        for i, values in enumerate((others > 0, agreeing < others, share, share**2)):
            sums[i] += np.bincount(function, values, minlength=m)
    overlaps, conflicts = sums[0], sums[1]
    n = np.maximum(overlaps, 1)
    mean = sums[2] / n
    error = np.sqrt(np.maximum(sums[3] / n - mean**2, 0) / n)
    against = (overlaps > 1) & (mean + 2 * error < 1 / n_classes)
    return overlaps.astype(np.int64), conflicts.astype(np.int64), against


def _nearest(pairs, n_votes):
    m, n_classes = pairs.n_functions, pairs.n_classes
    joint = pairs.counts.reshape(m, n_classes, m, n_classes)
    equal = np.einsum("iljl->ij", joint)
    either = n_votes[:, None] + n_votes[None, :] - joint.sum(axis=(1, 3))
    similarity = equal / np.maximum(either, 1)
    np.fill_diagonal(similarity, -1.0)
    nearest = similarity.argmax(axis=1)
    return nearest, np.maximum(similarity[np.arange(m), nearest], 0.0)


def _judged(model, votes, known, labels):
    """Right votes and votes on rows whose label is known, by function."""
    m, n_classes = votes.shape[1], votes.n_classes
    rows = np.flatnonzero(known)
    if len(rows) == 0:
        return np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
    truth = np.searchsorted(model.classes_, labels)
    hot = votes.take(rows).one_hot()
    row = np.repeat(np.arange(len(rows)), np.diff(hot.indptr))
    function, code = np.divmod(hot.indices, n_classes)
    right = np.bincount(function[truth[row] == code], minlength=m)
    return right, np.bincount(function, minlength=m)


def _learnt(model, votes, proba, n_votes):
    if hasattr(model, "accuracy_"):
        return model.accuracy_
    total = np.zeros(votes.shape[1])
    for rows in votes.blocks():
        part = votes.take(rows)
        hot = part.one_hot()
        row = np.repeat(np.arange(part.shape[0]), np.diff(hot.indptr))
        function, code = np.divmod(hot.indices, votes.n_classes)
        taken = proba[rows][row, code]
        total += np.bincount(function, taken, minlength=votes.shape[1])
    return np.where(n_votes > 0, total / np.maximum(n_votes, 1), np.nan)
