"""Correct, cut, train: a student of known and weak labels together.

A practitioner has weak labels of many rows and true labels of few. `train_with_known`
corrects the labels of all rows (`correct_labels`), leaves out the rows whose
neighbours disagree with their corrected label (`cut_rows`), and trains the student on
the rest. It also says how accurate this and the simpler ways are.

The rule. Predictions come from the average of this student h and of the model g of the
known labels alone, argmax of log h + a log g, where a is the coefficient of g in the
stack, which is learned from held-out known labels. The rule looks at no accuracy, so
the accuracies of the report are not biased by a choice of the best. A choice among the
candidates by 50 to 300 known labels was tried and gained nothing.
On the six sets that the rule was made on, h alone, the average with a = 1, and this one
are on average equal within a few tenths of a point. But h alone is more often below the
better of labels alone and weak labels alone, and a = 1 loses where g is poor, as
trees on 50 labels are.

Cost. With k folds of the known labels the student is fitted 3 k + 3 times, 12 times for
the default of three folds: once per fold, once on all known labels, once on the weak
labels, once in the end, and twice per fold to judge the recipe with and without weak
labels. There is one neighbour graph.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from overlapkit._utils.frames import columns_without_numbers, is_dataframe
from overlapkit._utils.jobs import run_jobs
from overlapkit._utils.memory_map import in_memory, is_mapped, row_blocks
from overlapkit._utils.shares import wilson_interval
from overlapkit.scorers._neighbor_graph import cut_statistic, nearest_neighbors
from overlapkit.students._correction import (
    Correction,
    known_folds,
    learn_sources,
    nested_out_of_fold,
    worth_in_words,
)
from overlapkit.students._learner import Learner, PooledClassifier
from overlapkit.weak._model import default_representation

__all__ = [
    "N_NEIGHBORS",
    "USED",
    "KnownAndWeak",
    "accuracy_interval",
    "comparable_columns",
    "cut_rows",
    "train_with_known",
]

LABELS_ALONE = "labels alone"
WEAK_ALONE = "all covered weak labels"
SELF_CUT = "self-cut"
RECIPE = "recipe"
AVERAGE = "average"

N_NEIGHBORS = 20
_KEPT_SHARE = 0.8
# columns are standardised for the neighbour search where the standard deviation of one
# exceeds the median of all by this factor; embeddings and standardised columns stay
_COMPARABLE = 10.0

# The candidate that is used, by the rule above.
USED = AVERAGE


@dataclass(frozen=True)
class KnownAndWeak:
    """What `train_with_known` made.

    Attributes
    ----------
    estimator : classifier
        The fitted classifier to predict with.
    used : str
        Which candidate of the report it is.
    correction : Correction
        Corrected labels of all rows, with the stack.
    selected : ndarray of shape (n_samples,) of bool
        Rows that the student of the recipe was trained on.
    report : DataFrame
        A row per candidate: ``candidate``, out-of-fold ``accuracy`` on known rows with
        its 95 % interval ``low`` to ``high``, ``gain`` over the labels alone with its
        standard error ``gain_se``, and ``used``.
    summary : str
        What the coefficients say of the weak labels.
    known_estimator, weak_estimator, recipe_estimator : classifier or None
        The students of the known labels, of the weak labels, and of the recipe.
    """

    estimator: Any
    used: str
    correction: Correction
    selected: np.ndarray
    report: pd.DataFrame
    summary: str
    known_estimator: Any
    weak_estimator: Any
    recipe_estimator: Any


def train_with_known(
    estimator,
    rows,
    known,
    *,
    sample_weight=None,
    groups=None,
    fit_params=None,
    cv=3,
    n_jobs=None,
    judge=True,
    nested=False,
    graph=None,
    task: Callable[[str], AbstractContextManager] = nullcontext,
) -> KnownAndWeak:
    """Correct the labels, cut, train, and judge the result beside simpler ways.

    Parameters
    ----------
    estimator : classifier
        The student, with or without ``predict_proba`` and ``sample_weight``.
    rows : WeakRows
        The rows, of which the strong view must be numeric. Where none is covered, there
        are no weak labels. `seed` shuffles the folds.
    known : KnownLabels
        Known labels, of every class of the rows.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights, for the student, the coefficients, the lifts and the accuracies.
    groups : ndarray of shape (n_samples,), default=None
        Rows of one group are held out together.
    fit_params : dict, default=None
        Further arguments of the student's ``fit``.
    cv : int, splitter or iterable, default=3
        Folds of the known labels. The student is fitted 3 k + 3 times for k folds.
    n_jobs : int, default=None
        Folds fitted, and threads of the neighbour search, at once.
    judge : bool, default=True
        Fit the students that tell the accuracy of the recipe with and without weak
        labels, twice per fold. Without, their accuracies are NaN.
    nested : bool, default=False
        Judge without any influence of the rows judged, see Notes; takes
        k (k - 1) / 2 further fits on known labels.
    graph : tuple of two ndarrays, default=None
        Neighbours and distances of all rows, as
        :func:`~overlapkit.scorers._neighbor_graph.nearest_neighbors` gives them, for
        repeated calls on the same rows. None: 20 neighbours are searched for.
    task : callable, default=nullcontext
        Called with the name of each step; gives a context manager around it. For
        progress bars.

    Returns
    -------
    result : KnownAndWeak
        The classifier, the corrected labels, and the report.

    Notes
    -----
    The rows judged in a fold are in no training set of that fold: not of the model of
    the known labels, the coefficients, the lifts, or the student. The coefficients of
    a fold are learned from out-of-fold log-probabilities of the other folds' rows, by
    models that did see the rows judged. On labels without any meaning this lifts the
    accuracy of the self-cut from 50 % to about 53 %, and that of the others by less
    than can be told from chance; with `nested` it does not. The student of the weak
    labels has seen the weak labels, not the true ones, of all rows.
    """
    known_rows, classes = known.rows, rows.classes
    codes = known.codes(classes)[known_rows]
    known_groups = None if groups is None else np.asarray(groups)[known_rows]
    learner = Learner(estimator, rows.strong, classes, sample_weight, fit_params or {})
    space = comparable_columns(rows.strong)  # before any fit, if it cannot be had
    labels = known.codes(classes), np.where(rows.covered, rows.codes, -1)
    ties = [t for t in (*labels, rows.votes, sample_weight) if t is not None]
    folds = known_folds(
        learner.take(known_rows),
        codes,
        cv,
        rows.seed,
        groups=known_groups,
        others=lambda some: [t[known_rows[some]] for t in ties],
    )
    sources = learn_sources(
        learner,
        known_rows,
        codes,
        folds,
        labels[1],
        rows.votes,
        n_jobs=n_jobs,
        task=task,
    )
    with task("correct the labels"):
        correction = sources.correct()
    with task("search neighbours"):
        if graph is None:
            graph = nearest_neighbors(
                space, N_NEIGHBORS, n_jobs, ties=np.column_stack(ties)
            )
        tiebreak = rows.hash_of(np.arange(len(rows)))

    def cut(codes, known_rows):
        return cut_rows(codes, known_rows, *graph, len(classes), tiebreak=tiebreak)

    with task("train"):
        selected = cut(correction.codes, known_rows)
        kept = np.flatnonzero(selected)
        recipe_model = learner.fit(kept, correction.codes[kept])
    weight_of_known = float(correction.stack.coef[0])
    pooled = PooledClassifier(
        recipe_model, sources.known_model, classes, weight_of_known
    )
    with task("judge"):
        answers = {}
        if folds:
            answers[LABELS_ALONE] = sources.held_out.log_proba
            if sources.weak is not None:
                answers[WEAK_ALONE] = sources.weak[known_rows]
        if folds and judge:
            inner = [sources.held_out] * len(folds)
            if nested:
                inner = nested_out_of_fold(learner, known_rows, codes, folds, n_jobs)
            answers |= _judge(sources, inner, cut, n_jobs)
    weight = None if sample_weight is None else sample_weight[known_rows]
    return KnownAndWeak(
        estimator=pooled,
        used=USED,
        correction=correction,
        selected=selected,
        report=_report(
            answers, codes, USED, weight, known_groups, _fold_inflation(folds)
        ),
        summary=worth_in_words(correction.sources, correction.shares),
        known_estimator=sources.known_model,
        weak_estimator=sources.weak_model,
        recipe_estimator=recipe_model,
    )


def cut_rows(
    codes, known, neighbors, distances, n_classes, *, share=_KEPT_SHARE, tiebreak=None
) -> np.ndarray:
    """Keep known rows, and of each class the rows whose neighbours agree best.

    Rows are ranked by their cut statistic, class by class, because it means different
    things in different classes.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,) of int
        Label of each row.
    known : ndarray of shape (n_known,) of int
        Positions of the rows whose label is known.
    neighbors, distances : ndarray of shape (n_samples, n_neighbors)
        As :func:`~overlapkit.scorers._neighbor_graph.nearest_neighbors` gives them.
    n_classes : int
        Number of classes.
    share : float, default=0.8
        Share of the other rows to keep, rounded up in each class.
    tiebreak : ndarray of shape (n_samples,), default=None
        Decides between rows with the same statistic; None: the order of the rows.

    Returns
    -------
    keep : ndarray of shape (n_samples,) of bool
        The rows to train on.
    """
    z = cut_statistic(codes, neighbors, distances, codes, n_classes)
    tiebreak = np.zeros(len(codes)) if tiebreak is None else tiebreak
    keep = np.zeros(len(codes), dtype=bool)
    unknown = np.ones(len(codes), dtype=bool)
    unknown[known] = False
    for code in range(n_classes):
        rows = np.flatnonzero(unknown & (codes == code))
        best_first = rows[np.lexsort((tiebreak[rows], -z[rows]))]
        # rounded first: 0.8 * 5 may come out a little above 4
        keep[best_first[: int(np.ceil(round(share * len(rows), 9)))]] = True
    keep[known] = True
    return keep


def accuracy_interval(
    right, sample_weight=None, groups=None, *, inflation=1.0, level=0.95
) -> tuple[float, float, float]:
    r"""Accuracy with its interval by Wilson's score.

    The number of rows n is :math:`(\sum w)^2 / \sum w^2` of weighted rows; of grouped
    rows, at most as many as would give the variance between groups; and it is divided
    by `inflation`. See :func:`~overlapkit._utils.shares.wilson_interval`.

    Parameters
    ----------
    right : ndarray of shape (n_rows,)
        1 where a prediction is right, else 0.
    sample_weight : ndarray of shape (n_rows,), default=None
        Weights.
    groups : ndarray of shape (n_rows,), default=None
        Rows of one group are not independent.
    inflation : float, default=1.0
        How much larger the variance is than that of independent rows.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    accuracy, low, high : float
        Share of right predictions and the ends of the interval.
    """
    right = np.asarray(right, dtype=np.float64)
    weight = np.ones(len(right)) if sample_weight is None else sample_weight
    total = weight.sum()
    p = float(weight @ right / total)
    n = total**2 / (weight @ weight)
    if groups is not None:
        _, where = np.unique(groups, return_inverse=True)
        away = np.bincount(where, weight * (right - p))
        n_groups = len(away)
        variance = away @ away / total**2 * n_groups / max(1, n_groups - 1)
        n = min(n, p * (1 - p) / variance if variance > 0 else float(n_groups))
    return p, *wilson_interval(p, n / inflation, level)


def _judge(sources, inner, cut, n_jobs) -> dict[str, np.ndarray]:
    """Out-of-fold log-probabilities of students with and without weak labels.

    `inner` holds, for each fold, out-of-fold log-probabilities of the other folds.
    """
    learner, held_out = sources.learner, sources.held_out
    work = []
    for model, within, (train, test) in zip(held_out.models, inner, held_out.folds):
        part = np.zeros(len(sources.known), dtype=bool)
        part[train] = True
        gold = learner.log_proba(model)
        for name in (SELF_CUT, RECIPE):
            correction = sources.correct_from(
                part, gold, within, with_weak=name == RECIPE
            )
            keep = cut(correction.codes, sources.known[part])
            keep[sources.known[test]] = False
            rows = np.flatnonzero(keep)
            weight = correction.stack.coef[0]
            work.append((name, test, rows, correction.codes[rows], weight))
    students = run_jobs(
        Learner.fit,
        [(rows, codes) for _, _, rows, codes, _ in work],
        shared=(learner,),
        n_jobs=n_jobs,
    )
    shape = held_out.log_proba.shape
    answers = {name: np.zeros(shape) for name in (SELF_CUT, RECIPE, AVERAGE)}
    for student, (name, test, _, _, weight) in zip(students, work):
        answer = learner.log_proba(student, sources.known[test])
        answers[name][test] = answer
        if name == RECIPE:
            answers[AVERAGE][test] = answer + weight * held_out.log_proba[test]
    return answers


def comparable_columns(strong):
    """Strong columns as numbers of comparable scale, missing ones replaced by means."""
    if is_dataframe(strong) and columns_without_numbers(strong):
        strong = default_representation(strong).fit_transform(strong)
    elif is_dataframe(strong):
        names = strong.columns
        strong = np.column_stack([np.asarray(strong[n], np.float64) for n in names])
    strong = in_memory(strong)
    if not (isinstance(strong, np.ndarray) and strong.dtype.kind in "fiub"):
        strong = np.asarray(strong, dtype=np.float64)
    mean, spread = _mean_and_spread(strong)
    if strong.dtype.kind == "f" and not is_mapped(strong):
        missing = np.isnan(strong)
        if missing.any():
            strong = np.where(missing, mean.astype(strong.dtype), strong)
    spread = np.where(spread > 0, spread, 1.0)
    if spread.max() <= _COMPARABLE * np.median(spread):
        return strong
    # amounts beside shares: distances would be those of the largest column alone
    out = np.empty(strong.shape, dtype=np.float32)
    for start, stop in row_blocks(strong):
        out[start:stop] = (strong[start:stop] - mean) / spread
    return out


def _mean_and_spread(strong) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the columns, without missing values."""
    count, total, squares = np.zeros((3, strong.shape[1]))
    centre = np.nan_to_num(np.asarray(strong[:1], dtype=np.float64)[0])
    for start, stop in row_blocks(strong):
        block = np.asarray(strong[start:stop], dtype=np.float64) - centre
        there = ~np.isnan(block)
        count += there.sum(axis=0)
        total += block.sum(axis=0, where=there)
        squares += (block**2).sum(axis=0, where=there)
    count = np.maximum(count, 1)
    mean = total / count
    variance = np.maximum(squares / count - mean**2, 0.0)
    # rounded, as their last digits depend on the order of the rows, and would decide
    # between neighbours that are equally near
    return _rounded(mean + centre), _rounded(np.sqrt(variance))


def _rounded(values) -> np.ndarray:
    parts, powers = np.frexp(values)
    return np.ldexp(np.round(np.ldexp(parts, 24)), powers - 24)


def _fold_inflation(folds) -> float:
    """Variance of a cross-fitted accuracy over that of independent rows.

    1 + (held-out rows / training rows), after Nadeau and Bengio ("Inference for the
    generalization error", Machine Learning 52, 2003): models of different folds share
    rows, and are others than the one that is used in the end.
    """
    ratios = [len(test) / len(train) for train, test in folds]
    return 1 + float(np.mean(ratios)) if folds else 1.0


def _report(answers, codes, used, weight, groups, inflation) -> pd.DataFrame:
    rows = []
    baseline = None
    for name in (LABELS_ALONE, WEAK_ALONE, SELF_CUT, RECIPE, AVERAGE):
        row = dict.fromkeys(("accuracy", "low", "high", "gain", "gain_se"), np.nan)
        answer = answers.get(name)
        if answer is not None:
            right = (answer.argmax(axis=1) == codes).astype(float)
            baseline = right if baseline is None else baseline
            row["accuracy"], row["low"], row["high"] = accuracy_interval(
                right, weight, groups, inflation=inflation
            )
            gain, error = _mean_and_error(right - baseline, weight, groups)
            row["gain"], row["gain_se"] = gain, error * sqrt(inflation)
        rows.append({"candidate": name, **row, "used": name == used})
    return pd.DataFrame(rows)


def _mean_and_error(values, weight, groups) -> tuple[float, float]:
    """Weighted mean and its standard error, between groups where there are any."""
    weight = np.ones(len(values)) if weight is None else weight
    groups = np.arange(len(values)) if groups is None else groups
    mean = weight @ values / weight.sum()
    _, where = np.unique(groups, return_inverse=True)
    away = np.bincount(where, weight * (values - mean))
    n = len(away)
    if n < 2:
        return float(mean), float("nan")
    return float(mean), float(sqrt(away @ away * n / (n - 1)) / weight.sum())
