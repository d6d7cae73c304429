"""label_value_curve: how many true labels the weak labels are worth."""

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import Pipeline

from overlapkit._utils.checks import check_consistent_length, column_or_1d
from overlapkit._utils.labels import check_common_labels
from overlapkit._utils.memory_map import in_memory
from overlapkit._utils.sklearn_compat import (
    Interval,
    _num_samples,
    _safe_indexing,
    validate_params,
)
from overlapkit._utils.threads import N_JOBS
from overlapkit.model_selection._label_worth import (
    BOTH,
    LABELS_ALONE,
    METHODS,
    SELF_CUT,
    WEAK_ALONE,
    LabelWorth,
    accuracy_curve,
    numbers_of_labels,
    worth_verdict,
)
from overlapkit.model_selection._shared_rows import check_test_rows
from overlapkit.model_selection._students import (
    Split,
    check_test_labels,
    draw_seeds,
    known_truth,
    run_repeats,
    seeded,
)
from overlapkit.model_selection._weak_to_strong_report import check_students
from overlapkit.scorers._neighbor_graph import nearest_neighbors
from overlapkit.students._recipe import (
    N_NEIGHBORS,
    comparable_columns,
    train_with_known,
)
from overlapkit.students._training import default_strong_estimator
from overlapkit.students._weak_to_strong import WeakToStrongClassifier
from overlapkit.weak import KnownLabels, WeakLabeler
from overlapkit.weak._labeler import LABELER_CONSTRAINTS
from overlapkit.weak._model import learns_from_labels, weak_model_kind
from overlapkit.weak._views import check_rows

__all__ = ["LabelValueCurve", "label_value_curve"]

_DEFAULT_SIZES = (25, 50, 100, 250, 500, 1000)
# the number of labels there are is a size of its own, if not close to the last one
_NEW_SIZE = 1.25
_LEAST_PER_CLASS = 2  # known labels, so that one can be held out


@dataclass(frozen=True, eq=False)
class LabelValueCurve:
    """What :func:`label_value_curve` returns.

    Attributes
    ----------
    curve : DataFrame
        A row for each number of labels, method and repeat: ``n_labels``, ``method``,
        ``repeat``, ``accuracy``, and the interval ``low`` to ``high`` of the mean
        accuracy over the repeats.
    worth : LabelWorth
        Number of true labels with which labels alone reach the accuracy of weak labels
        alone, with its interval: ``n_labels``, ``low``, ``high``. 0: fewer than the
        smallest number in `curve`; infinity: more than the largest.
    needed : DataFrame
        For each number of labels ``n_labels``: mean ``accuracy`` of "both", number of
        labels with which labels alone reach it, ``needed``, with its interval
        ``needed_low`` to ``needed_high``, and ``more``, ``more_low``, ``more_high``:
        the same less ``n_labels``. 0 and infinity as in `worth`.
    verdict : str
        The same in words.
    confidence_level : float
        Of all intervals.
    """

    curve: pd.DataFrame
    worth: LabelWorth
    needed: pd.DataFrame
    verdict: str
    confidence_level: float = 0.95


@validate_params(
    {
        "student": [WeakToStrongClassifier, Pipeline],
        "X": "no_validation",
        "y": "no_validation",
        "X_test": "no_validation",
        "y_test": "no_validation",
        "n_labels": ["array-like", None],
        "n_at_hand": [Interval(Integral, 1, None, closed="left"), None],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "test_size": [Interval(Real, 0, 1, closed="neither")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def label_value_curve(
    student: WeakToStrongClassifier | Pipeline,
    X: ArrayLike,
    y: ArrayLike,
    *,
    X_test: ArrayLike | None = None,
    y_test: ArrayLike | None = None,
    n_labels: ArrayLike | None = None,
    n_at_hand: int | None = None,
    n_repeats: int = 10,
    test_size: float = 0.25,
    confidence_level: float = 0.95,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> LabelValueCurve:
    r"""Measure how many true labels the weak labels are worth.

    The strong model is trained on a growing number of true labels, with and without
    weak labels, and tested on true labels that no model has seen:

    =================  =============================================================
    method             the strong model learns from
    =================  =============================================================
    labels alone       the true labels
    weak labels alone  the weak labels of all covered rows; no true label
    both               true and weak labels, as with ``selector="auto"``
    self-cut           true labels alone, by the same method as "both": the control
    =================  =============================================================

    The weak labels are worth :math:`N` true labels if labels alone reach with
    :math:`N` labels the accuracy :math:`w` of weak labels alone. With the mean
    accuracies :math:`a_1 \le \dots \le a_k` of labels alone at :math:`n_1 < \dots <
    n_k` labels,

    .. math:: \log N = \log n_{j-1} + \frac{w - a_{j-1}}{a_j - a_{j-1}}
              \log \frac{n_j}{n_{j-1}},

    where :math:`n_j` is the first number of labels with :math:`a_j \ge w`. By the same
    rule, `needed` says how many labels labels alone need to be as accurate as "both".

    Parameters
    ----------
    student : WeakToStrongClassifier or Pipeline
        The strong model, the weak model and the views; a Pipeline must end with a
        WeakToStrongClassifier, and its other steps are fitted without labels. Its
        `selector` must be ``"auto"`` or None. The weak model must not be one that
        learns from true labels alone.
    X : array-like or dataframe of shape (n_samples, n_features)
        Rows to learn from, both views side by side.
    y : array-like of shape (n_samples,)
        True labels; the `missing_label` of the student where unknown. The labels of
        the curve are drawn from these.
    X_test, y_test : array-like, default=None
        Rows to test on, with true labels; they must not be rows of X. None: every
        repeat holds out `test_size` of the rows with a known label.
    n_labels : array-like of int, default=None
        Numbers of true labels. None: 25, 50, 100, 250, 500 and 1,000, as far as there
        are labels, and all labels if there are fewer than 1,000.
    n_at_hand : int, default=None
        Which of `n_labels` the second sentence of the verdict is about. None: the
        middle one, the lower of two.
    n_repeats : int, default=10
        Draws of the labels (and of the held-out rows).
    test_size : float, default=0.25
        Share of the known labels held out, where there is no test set.
    confidence_level : float, default=0.95
        Of all intervals.
    n_jobs : int, default=None
        Repeats computed at once, each with BLAS on one thread.
    random_state : int, RandomState instance or None, default=None
        Seeds the draws, and those random states of the student that are None.

    Returns
    -------
    result : LabelValueCurve
        With the attributes ``curve`` (a row for each number of labels, method and
        repeat), ``worth`` (the number :math:`N` with its interval, ``n_labels``,
        ``low`` and ``high``), ``needed`` (the labels that labels alone need to reach
        "both") and ``verdict`` (the same in words).

    Raises
    ------
    ValueError
        If too few labels are known, no label of a class is known, rows to test on are
        rows of X, the weak model learns from true labels alone, or parameters of the
        student contradict ``selector="auto"``.

    See Also
    --------
    overlapkit.inspection.LabelValueDisplay : Draws the curve.
    weak_to_strong_report : All labels at hand, with controls for the selection.

    Notes
    -----
    Within a repeat, the labels of a smaller number are among those of a larger one.
    They are drawn at random, after two of each class. Rows are labelled and their
    neighbours searched once per repeat; with a test set, once in all. A label model
    that can learn from true labels is given none, so that the weak labels are the same
    along the curve.

    Intervals of accuracies are by the rule of :func:`gain_interval`. Those of numbers
    of labels are percentiles of a bootstrap that draws repeats and test rows
    independently of each other [1]_, one repeat less than there are, which makes up
    for the small number of repeats; they tend to be too wide. Mean accuracies of labels
    alone are made non-decreasing first, by isotonic regression. All intervals are given
    the rows to learn from; a number outside the range of `n_labels` is not
    extrapolated.

    The number depends on the hyperparameters of the strong model, which are the same
    for few and for many labels. With too little regularisation, weak labels alone look
    worse than they are; with too much, labels alone do. A strong model that chooses its
    hyperparameters in every fit suits both, such as a
    :class:`~sklearn.model_selection.GridSearchCV`.

    References
    ----------
    .. [1] A. B. Owen, "The Pigeonhole Bootstrap", Annals of Applied Statistics 1, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from overlapkit import WeakToStrongClassifier
    >>> from overlapkit.label_models import MajorityVote
    >>> from overlapkit.model_selection import label_value_curve
    >>> X, y = make_classification(1500, 10, n_informative=5, random_state=0)
    >>> rng = np.random.RandomState(0)
    >>> right = rng.uniform(size=(1500, 3)) < 0.7
    >>> votes = np.where(right, y[:, None], 1 - y[:, None])
    >>> student = WeakToStrongClassifier(
    ...     LogisticRegression(),
    ...     weak_estimator=MajorityVote(),
    ...     strong_columns=slice(0, 10),
    ...     weak_columns=slice(10, 13),
    ...     selector="auto",
    ...     missing_label=-1,
    ... )
    >>> known = np.where(np.arange(1500) < 400, y, -1)
    >>> result = label_value_curve(
    ...     student, np.hstack([X, votes]), known, n_repeats=3, random_state=0
    ... )
    >>> sorted(result.curve["n_labels"].unique().tolist())
    [25, 50, 100, 250]
    >>> result.worth.low <= result.worth.n_labels <= result.worth.high
    True
    >>> result.verdict.startswith("Your weak labels are worth ")
    True
    """
    last = student[-1] if isinstance(student, Pipeline) else student
    check_consistent_length(X=X, y=y)
    check_rows(X)
    _check_student(student, last)
    truth = known_truth(y, X, last.missing_label)
    if truth is None:
        raise ValueError(
            "y is None: give the true labels that are known, and missing_label of the "
            "student elsewhere. Their value is measured with them."
        )
    if y_test is not None:
        y_test = check_test_labels(y_test, last.missing_label)
    shared_seed, seeds = draw_seeds(random_state, n_repeats)
    splits = _make_splits(X, truth, X_test, y_test, test_size, seeds)
    sizes = _check_sizes(n_labels, truth, splits)
    at_hand = _check_at_hand(n_at_hand, sizes)

    # a given test set leaves all rows to learn from: they are labelled once
    shared = None
    if X_test is not None:
        shared = _Labelled(student, X, truth, X_test, shared_seed, n_jobs)

    rows = (None, None) if shared is not None else (X, truth)
    results = run_repeats(
        _one_repeat,
        (student, last, shared, *rows, y_test, splits, seeds, sizes),
        n_repeats,
        n_jobs,
    )
    if shared is not None:
        right = np.stack(results, axis=2)
    else:  # NaN where a repeat did not test a row
        held_out = [np.asarray(split.held_out) for split in splits]
        tested = np.unique(np.concatenate(held_out))
        right = np.full((len(METHODS), len(sizes), n_repeats, len(tested)), np.nan)
        for repeat, (rows, result) in enumerate(zip(held_out, results)):
            right[:, :, repeat, np.searchsorted(tested, rows)] = result
    curve = accuracy_curve(right, sizes, confidence_level)
    worth, needed = numbers_of_labels(right, sizes, confidence_level, shared_seed)
    verdict = worth_verdict(curve, worth, needed, at_hand, confidence_level)
    return LabelValueCurve(curve, worth, needed, verdict, confidence_level)


def _check_student(student, last) -> None:
    """Refuse a student whose parameters contradict what is compared."""
    check_students({"student": student})
    if last.selector is not None and last.selector != "auto":
        raise ValueError(
            "label_value_curve compares labels alone, all weak labels, and both by "
            f"selector='auto'; the student has selector={last.selector!r}. Set it to "
            "'auto'."
        )
    for name, default in (
        ("budget", None),
        ("label_use", "hard"),
        ("include_labeled", False),
    ):
        value = getattr(last, name)
        if value != default:
            raise ValueError(
                f"The student has {name}={value!r}, which selector='auto' does not "
                f"use: leave it at {default!r}."
            )
    if weak_model_kind(last.weak_estimator) == "classifier":
        raise ValueError(
            f"weak_estimator={last.weak_estimator!r} learns from true labels, so the "
            "worth of its labels depends on how many it is given. Use a label model, "
            "weak_estimator='precomputed', or a fitted model in a FrozenEstimator."
        )


def _make_splits(X, truth, X_test, y_test, test_size, seeds) -> list[Split]:
    """Rows to learn from and known rows to test on, for each repeat."""
    if (X_test is None) != (y_test is None):
        raise ValueError("Give both X_test and y_test, or neither.")
    everything = np.arange(_num_samples(X))
    if X_test is not None:
        check_consistent_length(X_test=X_test, y_test=y_test)
        check_test_rows(X, X_test)
        return [Split(k, everything, None) for k in range(len(seeds))]
    known = _known(truth)
    codes = np.unique(truth[known].tolist(), return_inverse=True)[1]
    fewest = int(np.bincount(codes).min()) if len(known) else 0
    n_test = round(test_size * len(known))
    n_classes = len(np.unique(codes))
    if fewest < 2 or not n_classes <= n_test <= len(known) - n_classes:
        raise ValueError(
            f"Without X_test and y_test, {test_size:.0%} of the known labels are held "
            f"out to test on, but of {len(known)} known labels of {n_classes} "
            f"class(es), the rarest class has {fewest}. Label more rows, or give a "
            "test set."
        )
    splits = []
    for k, seed in enumerate(seeds):
        splitter = StratifiedShuffleSplit(1, test_size=n_test, random_state=seed)
        _, test = next(splitter.split(codes[:, None], codes))
        held_out = np.sort(known[test])
        splits.append(Split(k, np.setdiff1d(everything, held_out), held_out))
    return splits


def _check_sizes(n_labels, truth, splits) -> np.ndarray:
    """Numbers of labels of the curve, ascending."""
    known = [truth[rows][_known(truth[rows])].tolist() for _, rows, _ in splits]
    most = min(len(labels) for labels in known)
    # so many are drawn class by class
    least = 0
    for labels in known:
        counts = np.unique(labels, return_counts=True)[1]
        least = max(least, int(np.minimum(counts, _LEAST_PER_CLASS).sum()))
    there = f"{most} known labels to learn from"
    if n_labels is None:
        sizes = [size for size in _DEFAULT_SIZES if least <= size <= most]
        if not sizes:
            raise ValueError(
                f"There are {there}, and the curve starts at "
                f"{max(_DEFAULT_SIZES[0], least)}. Label more rows, or give n_labels."
            )
        if _NEW_SIZE * sizes[-1] <= most < _DEFAULT_SIZES[-1]:
            sizes.append(most)
        return np.array(sizes)
    sizes = column_or_1d(n_labels, name="n_labels")
    if sizes.dtype.kind not in "iu" or len(sizes) == 0:
        raise ValueError(f"n_labels must be whole numbers, got {sizes.tolist()}.")
    sizes = np.unique(sizes)
    if sizes[0] < max(least, 1) or sizes[-1] > most:
        raise ValueError(
            f"n_labels must lie between {max(least, 1)} ({_LEAST_PER_CLASS} labels of "
            f"each class) and {most}, because there are {there}; got {sizes.tolist()}."
        )
    return sizes


def _check_at_hand(n_at_hand, sizes) -> int:
    if n_at_hand is None:
        return int(sizes[(len(sizes) - 1) // 2])
    if n_at_hand not in sizes:
        raise ValueError(
            f"n_at_hand={n_at_hand} must be one of n_labels, {sizes.tolist()}."
        )
    return int(n_at_hand)


def _one_repeat(
    student, last, shared, X, truth, y_test, splits, seeds, sizes, number
) -> np.ndarray:
    """Right answers of all methods on the rows held out by one repeat."""
    split = splits[number]
    if shared is not None:
        labelled, y_new = shared, y_test
    else:
        labelled = _Labelled(
            student,
            _safe_indexing(X, split.rows),
            truth[split.rows],
            _safe_indexing(X, split.held_out),
            seeds[number],
        )
        y_new = np.asarray(truth[split.held_out].tolist())
    return labelled.right_answers(last, sizes, y_new, seeds[number])


def _known(truth) -> np.ndarray:
    """Positions of the rows whose label is known."""
    return np.flatnonzero([value is not None for value in truth])


class _Labelled:
    """Weakly labelled rows with their neighbours, and the rows to test on."""

    def __init__(self, student, X, truth, X_test, seed, n_jobs=None) -> None:
        student = seeded(student, seed)
        if isinstance(student, Pipeline):
            if len(student) > 1:
                X = student[:-1].fit_transform(X)
                X_test = student[:-1].transform(X_test)
            student = student[-1]
        self.rows, labeler = _label(student, X, truth)
        self.known = _known(truth)
        labels = np.asarray(truth[self.known].tolist())
        check_common_labels(
            self.rows.classes,
            labels,
            "The weak model knows the classes {first}, y holds {second}",
        )
        missing = np.setdiff1d(self.rows.classes, labels).tolist()
        if missing:
            raise ValueError(
                f"No label of the classes {missing[:10]} is known, so labels alone "
                "cannot learn them: give labels of every class."
            )
        self.codes = np.full(len(truth), -1)
        self.codes[self.known] = np.searchsorted(self.rows.classes, labels)
        self.strong_test = in_memory(labeler.strong(X_test))
        columns = comparable_columns(self.rows.strong)
        self.graph = nearest_neighbors(columns, N_NEIGHBORS, n_jobs)

    def right_answers(self, student, sizes, y_test, seed) -> np.ndarray:
        """Whether each method is right on each test row, (methods, sizes, rows)."""
        student = seeded(student, seed)
        estimator = student.estimator
        if estimator is None:
            estimator = default_strong_estimator(student.n_jobs, seed)
        rows = self.rows
        check_common_labels(
            rows.classes, y_test, "The classes are {first}, y_test holds {second}"
        )
        # the same rows, none of which has a weak label
        bare = replace(rows, covered=np.zeros(len(rows), dtype=bool), votes=None)
        order = self._order(seed)
        right = np.zeros((len(METHODS), len(sizes), len(y_test)))
        for k, size in enumerate(sizes):
            known = np.zeros(len(rows), dtype=bool)
            known[order[:size]] = True

            labels = KnownLabels(known, rows.classes[self.codes[known]])

            def trained(rows, labels=labels):
                return train_with_known(
                    estimator,
                    rows,
                    labels,
                    n_jobs=student.n_jobs,
                    judge=False,
                    graph=self.graph,
                )

            both = trained(rows)
            models = {
                LABELS_ALONE: both.known_estimator,
                WEAK_ALONE: both.weak_estimator,
                BOTH: both.estimator,
                SELF_CUT: trained(bare).estimator,
            }
            for m, name in enumerate(METHODS):
                right[m, k] = models[name].predict(self.strong_test) == y_test
        return right

    def _order(self, seed) -> np.ndarray:
        """Known rows as they are drawn: some of each class, then at random."""
        order = np.random.RandomState(seed).permutation(self.known)
        codes = self.codes[order]
        places = [np.flatnonzero(codes == code) for code in np.unique(codes)]
        first = np.concatenate([place[:_LEAST_PER_CLASS] for place in places])
        return np.concatenate([order[first], np.delete(order, first)])


def _label(student, X, truth) -> tuple[Any, WeakLabeler]:
    """Weak labels of the rows, into which no true label has gone."""
    params = {name: getattr(student, name) for name in LABELER_CONSTRAINTS}
    known = _known(truth)
    labels = np.asarray(truth[known].tolist())
    y = None
    if weak_model_kind(student.weak_estimator) == "votes" and learns_from_labels(
        student.weak_estimator
    ):
        if params["classes"] is None:
            params["classes"] = np.unique(labels)
    elif len(known) == len(truth):
        # every label is known, and a marker that never occurs would be warned of
        y, params["missing_label"] = labels, None
    else:
        y = np.full(len(truth), student.missing_label, dtype=object)
        y[known] = labels
    labeler = WeakLabeler(**params)
    rows, _ = labeler.fit_label(X, y)
    return rows, labeler
