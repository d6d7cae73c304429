"""weak_to_strong_report: weak model, students, controls and ceiling, with intervals."""

from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import Bunch

from overlapkit._utils.labels import check_common_labels, flat_labels, is_missing
from overlapkit._utils.sklearn_compat import (
    Interval,
    StrOptions,
    _num_samples,
    _safe_indexing,
    validate_params,
)
from overlapkit.model_selection._intervals import mean_interval
from overlapkit.model_selection._students import (
    balanced_accuracy,
    draw_seeds,
    fit_predict,
    known_truth,
    repeats,
    run_repeats,
    seeded,
)
from overlapkit.model_selection._weak_to_strong_summary import (
    named_interval,
    weak_to_strong_summary,
)
from overlapkit.scorers import ConfidenceScorer
from overlapkit.students._weak_to_strong import WeakToStrongClassifier

__all__ = ["weak_to_strong_report"]

_LEVEL = [Interval(Real, 0, 1, closed="neither")]
_CONTROLS = ("random", "confident")
_RESERVED = ("weak model", "all rows", "non-hard rows", "ceiling")


class _RandomNonHardScorer(ConfidenceScorer):
    """Lots as scores, for a control of the same size; hard rows come last."""

    def _fit_rows(self, rows):
        super()._fit_rows(rows)
        self.scores_, self.support_ = self._score_rows(rows), None

    def _score_rows(self, rows):
        not_hard = super()._score_rows(rows) >= self.threshold_
        lots = np.random.RandomState(self.random_state).uniform(size=len(not_hard))
        return lots + not_hard


@validate_params(
    {
        "students": [WeakToStrongClassifier, dict],
        "X": "no_validation",
        "y": "no_validation",
        "X_test": "no_validation",
        "y_test": "no_validation",
        "y_true": "no_validation",
        "metric": [StrOptions({"accuracy", "balanced_accuracy"})],
        "anchors": [dict, None],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "test_size": _LEVEL,
        "confidence_level": _LEVEL,
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def weak_to_strong_report(
    students: WeakToStrongClassifier | dict[str, WeakToStrongClassifier],
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    X_test: ArrayLike | None = None,
    y_test: ArrayLike | None = None,
    y_true: ArrayLike | None = None,
    metric: Literal["accuracy", "balanced_accuracy"] = "accuracy",
    anchors: dict[str, Any] | None = None,
    n_repeats: int = 10,
    test_size: float = 0.25,
    confidence_level: float = 0.95,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    r"""Hold students against their teacher, their controls and their ceiling.

    A student that beats its weak teacher may owe it to its own strength (so would one
    that learns from all rows), to the hard rows it was spared (so would one that
    learns from all others), or to the rows its selector picked. The report trains all
    of them on the same rows in every repeat, and compares in pairs:

    - ``weak model``: the teacher itself;
    - every student, and for each with a selector two for which as many rows are chosen:
      ``<student>, random``, rows that are not hard, at random, and
      ``<student>, confident``, those the teacher is most sure of;
    - ``all rows``: the first student without its selector, which is the baseline;
    - ``non-hard rows``: with rows the teacher is unsure about left out;
    - ``ceiling``: the strong model of the first student, with true labels, where those
      of all rows are known.

    Parameters
    ----------
    students : WeakToStrongClassifier or dict of str to WeakToStrongClassifier
        What is to be judged; a single one is called ``student``. They are expected to
        share weak model and columns; those of the first are reported.
    X : array-like or dataframe of shape (n_samples, n_features)
        Rows to learn from, both views side by side.
    y : array-like of shape (n_samples,), default=None
        Labels the weak model learns from, as the students take them.
    X_test, y_test : array-like, default=None
        Rows to test on, with true labels. None: every repeat holds `test_size` of the
        rows out.
    y_true : array-like of shape (n_samples,), default=None
        True labels of X, for the ceiling, the label purity and held-out rows; None:
        `y`. With a test set they may be unknown, altogether or in part (None, NaN, or
        the `missing_label` of the students).
    metric : {"accuracy", "balanced_accuracy"}, default="accuracy"
        What is summed up.
    anchors : dict of str to float or array-like of shape (n_repeats,), default=None
        Further anchors of the performance gap recovered, besides ``weak``.
    n_repeats : int, default=10
        Repeats: splits, or with a test set seeds of the models.
    test_size : float, default=0.25
        Share of rows held out, where there is no test set.
    confidence_level : float, default=0.95
        Of all intervals.
    n_jobs : int, default=None
        Repeats computed at once, each with BLAS on one thread.
    random_state : int, RandomState instance or None, default=None
        Seeds splits, and those random states of the students that are None.

    Returns
    -------
    report : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the following attributes.

        summary : DataFrame
            See :func:`weak_to_strong_summary`; the baseline is ``all rows``. Students
            with a selector also have ``gain_random`` and ``gain_confident``, each with
            its interval ``_low`` and ``_high``: over random non-hard rows and over the
            most confident rows of the same number.
        runs : DataFrame
            A row for each repeat and model: ``seed`` (number of the repeat),
            ``model``, ``n_train``, ``label_purity`` (share of right ones among the
            labels it learnt from, as far as the truth is known), ``accuracy``,
            ``balanced_accuracy``.

    Raises
    ------
    ValueError
        If labels to test on are unknown, label spaces have nothing in common, a name
        is taken, or a student cannot be fitted.

    See Also
    --------
    overlap_curve : The mixing experiment.
    weak_to_strong_summary : For scores that exist already.

    Notes
    -----
    Intervals over random splits of the same rows allow for the rows they share. With
    a given test set they cover the randomness of the models only; without any, they
    are nan. For new worlds in every repeat, collect scores and pass them to
    :func:`weak_to_strong_summary`.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from overlapkit import OverlapDetector, WeakToStrongClassifier
    >>> from overlapkit.datasets import make_overlap_classification
    >>> from overlapkit.model_selection import weak_to_strong_report
    >>> data = make_overlap_classification(
    ...     n_easy=200, n_hard=200, n_overlap=200, random_state=0
    ... )
    >>> student = WeakToStrongClassifier(
    ...     LogisticRegression(C=0.01),
    ...     weak_columns=data.easy_columns,
    ...     selector=OverlapDetector(),
    ... )
    >>> report = weak_to_strong_report(
    ...     {"overlap": student}, data.X, data.y, n_repeats=3, random_state=0
    ... )
    >>> report.summary.index.tolist()  # doctest: +NORMALIZE_WHITESPACE
    ['weak model', 'overlap', 'overlap, random', 'overlap, confident', 'all rows',
     'non-hard rows', 'ceiling']
    >>> bool(report.summary.loc["overlap", "gain_weak"] > 0)
    True
    """
    if not isinstance(students, dict):
        students = {"student": students}
    _check_students(students)
    first = next(iter(students.values()))
    truth = known_truth(y if y_true is None else y_true, X, first.missing_label)
    if truth is None:
        truth = np.full(_num_samples(X), None)
    known = np.array([value is not None for value in truth], dtype=bool)
    if y_test is not None:
        y_test = flat_labels(y_test)
        unknown = is_missing(y_test, first.missing_label) | pd.isna(y_test)
        if unknown.any():
            raise ValueError(f"{unknown.sum()} labels in y_test are unknown.")
    _, seeds = draw_seeds(random_state, n_repeats)
    splits = repeats(X, truth, X_test, y_test, test_size, seeds)
    if known.all():
        truth = np.asarray(truth.tolist())

    def one_repeat(number):
        rows, held_out = splits[number]
        test = (X_test, y_test)
        if held_out is not None:
            test = _safe_indexing(X, held_out), truth[held_out]
        y_rows = None if y is None else _safe_indexing(y, rows)
        lines = _one_repeat(
            students, _safe_indexing(X, rows), y_rows, truth[rows], test, seeds[number]
        )
        return pd.DataFrame(lines).assign(seed=number)

    tables = run_repeats(one_repeat, n_repeats, n_jobs)
    runs = pd.concat(tables, ignore_index=True)
    columns = ["seed", *runs.columns.drop("seed")]
    scores = {
        name: part[metric].to_numpy()
        for name, part in runs.groupby("model", sort=False)
    }
    rows, held_out = splits[0]
    ratio = 0.0 if held_out is None else len(held_out) / len(rows)
    gains = {
        (name, control): mean_interval(
            scores[name] - scores[f"{name}, {control}"],
            confidence_level,
            1 + n_repeats * ratio,
        )
        for name in students
        for control in _CONTROLS
        if f"{name}, {control}" in scores
    }
    summary = weak_to_strong_summary(
        scores.pop("weak model"),
        scores,
        scores.pop("ceiling", None),
        anchors=anchors,
        baseline="all rows",
        confidence_level=confidence_level,
        test_train_ratio=ratio,
    )
    for (name, control), interval in gains.items():
        for column, value in named_interval(f"gain_{control}", interval).items():
            summary.loc[name, column] = value
    return Bunch(summary=summary, runs=runs[columns])


def _share_chosen(fitted):
    """Share of covered rows that the selector of a fitted student chose."""
    support = getattr(fitted.selector_, "support_", None)
    if fitted.budget is not None or support is None:
        return fitted.budget
    return max(float(support[fitted.covered_].mean()), 1e-9)


def _check_students(students) -> None:
    if not students:
        raise ValueError("There is no student to report on.")
    for name, student in students.items():
        if not isinstance(student, WeakToStrongClassifier):
            raise ValueError(
                f"The student {name!r} must be a WeakToStrongClassifier, got "
                f"{type(student).__name__}."
            )
    reserved = {*_RESERVED, *(f"{n}, {c}" for n in students for c in _CONTROLS)}
    taken = reserved & set(students)
    if taken:
        raise ValueError(
            f"No student can be called {sorted(taken)}: the name is taken."
        )


def _one_repeat(students, X, y, truth, test, seed):
    """Scores of teacher, students, controls and ceiling on one split."""
    X_test, y_test = test
    known = np.array([value is not None for value in truth], dtype=bool)
    lines = []

    def judge(name, predicted, n_train, purity):
        right = predicted == y_test
        lines.append(
            {
                "model": name,
                "n_train": n_train,
                "label_purity": purity,
                "accuracy": float(np.mean(right)),
                "balanced_accuracy": balanced_accuracy(y_test, right),
            }
        )

    def learn(name, model):
        model = seeded(model, seed).fit(X, y)
        check_common_labels(
            model.classes_,
            truth[known].tolist(),
            "The weak model knows the classes {first}, the true labels are {second}",
        )
        check_common_labels(
            model.classes_,
            y_test,
            "The weak model knows the classes {first}, y_test holds {second}",
        )
        kept = model.selected_
        learnt = model.weak_labels_.astype(object)
        if model.include_labeled:
            labels = flat_labels(y)
            given = ~is_missing(labels, model.missing_label)
            learnt[given] = labels[given]
        right = learnt == truth
        judged = kept & known
        purity = float(np.mean(right[judged])) if judged.any() else np.nan
        judge(name, model.predict(X_test), int(kept.sum()), purity)
        return model

    first = next(iter(students.values()))
    plain = {"selector": None, "budget": None}
    for position, (name, student) in enumerate(students.items()):
        fitted = learn(name, student)
        if position == 0:
            weak = fitted.label(X_test)
            judge("weak model", weak.labels, 0, np.nan)
            lines.insert(0, lines.pop())
        if student.selector is not None:
            scorers = _RandomNonHardScorer(random_state=seed), ConfidenceScorer()
            for control, scorer in zip(_CONTROLS, scorers):
                as_many = clone(student).set_params(
                    selector=scorer, budget=_share_chosen(fitted), balance=None
                )
                learn(f"{name}, {control}", as_many)
    everything = learn("all rows", clone(first).set_params(**plain))
    spared = clone(first).set_params(selector=ConfidenceScorer(), budget=None)
    learn("non-hard rows", spared)
    if not known.all():
        return lines
    strong, strong_test = everything._strong_view(X), everything._strong_view(X_test)
    ceiling = clone(everything.estimator_)
    predicted = fit_predict(ceiling, strong, truth, strong_test)
    judge("ceiling", predicted, len(truth), 1.0)
    return lines
