"""weak_to_strong_report: weak model, students, controls and ceiling, with intervals."""

from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone, is_regressor
from sklearn.pipeline import Pipeline

from overlapkit._utils.checks import check_consistent_length
from overlapkit._utils.labels import same_marker
from overlapkit._utils.sklearn_compat import (
    Interval,
    StrOptions,
    _num_samples,
    _safe_indexing,
    validate_params,
)
from overlapkit._utils.threads import N_JOBS
from overlapkit.model_selection._fitting import (
    CONTROLS,
    KNOWN_ALONE,
    NO_WEAK,
    RESERVED,
    describe_rows,
    fit_split,
)
from overlapkit.model_selection._intervals import (
    metric_weights,
    row_interval,
    row_ratio_interval,
)
from overlapkit.model_selection._report import WeakToStrongReport, make_verdict
from overlapkit.model_selection._students import (
    balanced_accuracy,
    check_test_labels,
    draw_seeds,
    known_truth,
    make_splits,
    run_repeats,
    tested_rows,
)
from overlapkit.model_selection._weak_to_strong_summary import check_anchors, summarize
from overlapkit.students._weak_to_strong import WeakToStrongClassifier

__all__ = ["check_students", "make_report", "weak_to_strong_report"]

_LEVEL = [Interval(Real, 0, 1, closed="neither")]
_TARGET = (
    "Intervals are for the mean on new rows of models fitted as these were, given the "
    "rows to learn from."
)


@validate_params(
    {
        "students": [WeakToStrongClassifier, Pipeline, dict],
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
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def weak_to_strong_report(
    students: Any,
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
) -> WeakToStrongReport:
    r"""Compare students with the weak model, with controls, and with the ceiling.

    A student can be better than its weak model because the strong model would be so on
    all rows, or on all rows that are not hard, or on the known labels alone, or because
    its selector has chosen good rows. The report trains all of these on the same rows
    in every repeat, and compares in pairs:

    - ``weak model``;
    - every student, and for each with a selector its controls, with as many rows:
      ``<student>, random``; ``<student>, random non-hard``, among rows that are not
      hard; and ``<student>, most confident``. Quotas are in proportion to the weak
      classes. A student that corrects labels (``selector="auto"``) also has
      ``<student>, without weak labels``: the same from the known labels alone, since
      a part of its gain over them needs no weak label;
    - ``covered rows``: the strong model on all rows with a weak label;
    - ``non-hard rows``: on those the weak model is not unsure about;
    - ``known labels alone``: the strong model on the known labels, where some labels
      are known and some are not;
    - ``ceiling``: the strong model with all true labels, where those are known.

    Parameters
    ----------
    students : WeakToStrongClassifier, Pipeline, or dict of str to such
        Students to compare; a single one is called ``student``. A Pipeline must end
        with a WeakToStrongClassifier. Students are expected to share the weak model and
        the columns; rows without the name of a student are those of the first.
    X : array-like or dataframe of shape (n_samples, n_features)
        Rows to learn from, both views side by side.
    y : array-like of shape (n_samples,), default=None
        Labels the weak model learns from, as the students take them.
    X_test, y_test : array-like, default=None
        Rows to test on, with true labels; they must not be rows of X. None: rows of X
        are held out, see `test_size`.
    y_true : array-like of shape (n_samples,), default=None
        True labels of X, for the ceiling, the label purity and held-out rows; None:
        `y`. They may be unknown in part (None, NaN, or the `missing_label` of the
        students).
    metric : {"accuracy", "balanced_accuracy"}, default="accuracy"
        What `summary` is about.
    anchors : dict of str to float or array-like of shape (n_repeats,), default=None
        Further anchors of the performance gap recovered, besides ``weak``.
    n_repeats : int, default=10
        Repeats: seeds of the models with a test set, random splits without.
    test_size : float, default=0.25
        Without a test set: share of the rows held out in each repeat. Where some labels
        are unknown, the rows with a known label are held out in about
        ``1 / test_size`` folds in each repeat, and all other rows are learnt from.
    confidence_level : float, default=0.95
        Of all intervals.
    n_jobs : int, default=None
        Splits computed at once, each with BLAS on one thread.
    random_state : int, RandomState instance or None, default=None
        Seeds splits, and those random states of the students that are None.

    Returns
    -------
    report : WeakToStrongReport
        With the attributes ``summary``, ``runs``, ``verdict`` and ``rows``, and the
        methods ``plot`` and ``to_html``. Columns of ``summary`` are ``mean`` and
        ``sd`` over repeats; ``gain_weak``, ``gain_covered_rows`` and
        ``gain_known_labels`` over these models; ``gain_random``,
        ``gain_random_non_hard``, ``gain_most_confident`` and
        ``gain_without_weak_labels`` of a student over its own controls; and with a
        ceiling ``pgr_weak`` and ``pgr_<anchor>``, the performance gap recovered. Each
        has the bounds of its interval, ``_low`` and ``_high``.

    Raises
    ------
    ValueError
        If rows to test on are rows of X, labels to test on are unknown, label spaces
        have nothing in common, a strong model is a regressor, a name is taken, students
        differ in `missing_label`, or one cannot be fitted.

    See Also
    --------
    gain_interval : The rule for the intervals.
    overlap_curve : The mixing experiment.
    weak_to_strong_summary : For scores that exist already.

    Notes
    -----
    Intervals allow for the draw of the rows tested on and for the seeds or splits, as
    :func:`gain_interval` describes. They estimate the mean gain on new rows of models
    fitted as these were, given the rows to learn from; other rows to learn from would
    add to their width. That of a ratio (``pgr``) is by Fieller's theorem. For new data
    in every repeat, collect scores and pass them to :func:`weak_to_strong_summary`.

    Known labels of held-out rows are unknown to all models of a split, and known rows
    in the training part have weak labels out of fold, as in
    :class:`~overlapkit.WeakToStrongClassifier`.

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
    ['weak model', 'overlap', 'overlap, random', 'overlap, random non-hard',
     'overlap, most confident', 'covered rows', 'non-hard rows', 'ceiling']
    >>> bool(report.summary.loc["overlap", "gain_weak_low"] > 0)
    True
    """
    return make_report(
        students,
        X,
        y,
        X_test=X_test,
        y_test=y_test,
        y_true=y_true,
        metric=metric,
        anchors=anchors,
        n_repeats=n_repeats,
        test_size=test_size,
        confidence_level=confidence_level,
        n_jobs=n_jobs,
        random_state=random_state,
    )


def make_report(
    students,
    X,
    y,
    *,
    X_test,
    y_test,
    y_true,
    metric,
    anchors,
    n_repeats,
    test_size,
    confidence_level,
    n_jobs,
    random_state,
    run=run_repeats,
) -> WeakToStrongReport:
    """Compute :func:`weak_to_strong_report` of checked parameters.

    Parameters
    ----------
    run : callable
        Computes the splits, as `run_repeats` does; the command line keeps finished
        ones. The others are those of :func:`weak_to_strong_report`.

    Returns
    -------
    report : WeakToStrongReport
    """
    check_consistent_length(X=X, y=y)
    if not isinstance(students, dict):
        students = {"student": students}
    check_students(students)
    first = next(iter(students.values()))
    marker = (first[-1] if isinstance(first, Pipeline) else first).missing_label
    truth = known_truth(y if y_true is None else y_true, X, marker)
    if y_test is not None:
        y_test = check_test_labels(y_test, marker)
    _, seeds = draw_seeds(random_state, n_repeats)
    splits = make_splits(X, truth, X_test, y_test, test_size, seeds)
    if truth is None:
        truth = np.full(_num_samples(X), None)

    shared = students, X, y, truth, X_test, y_test, splits, seeds
    tables = run(_one_split, shared, len(splits), n_jobs)
    _, y_tested, places = tested_rows(splits, truth, y_test)
    results: dict[str, np.ndarray] = {}
    for number, (table, place) in enumerate(zip(tables, places)):
        for fit in table:
            empty = np.full((len(splits), len(y_tested)), np.nan)
            results.setdefault(fit.model, empty)[number, place] = fit.predicted
    runs = _runs(tables, results, y_tested, [split.repeat for split in splits])
    summary = _summary(
        students, results, runs, y_tested, metric, anchors, confidence_level, splits
    )
    if X_test is not None:
        n_tested = len(y_tested)
        design = f"{n_repeats} seeds of the models, one test set of {n_tested} rows."
    elif len(splits) == n_repeats:
        design = f"{n_repeats} random splits, {test_size:.0%} of the rows held out."
    else:
        design = (
            f"{len(y_tested)} rows with a known label, held out in "
            f"{len(splits) // n_repeats} folds, {n_repeats} times."
        )
    rows = describe_rows(clone(first), X, y, seeds[0])
    verdict = make_verdict(
        summary,
        next(iter(students)),
        metric,
        confidence_level,
        corrects="corrected_label" in rows,
    )
    return WeakToStrongReport(
        summary,
        runs,
        verdict,
        rows,
        f"{design} {_TARGET}",
        metric,
    )


def _one_split(students, X, y, truth, X_test, y_test, splits, seeds, number) -> list:
    """Fits of all students on one split, with their predictions right or wrong."""
    repeat, rows, held_out = splits[number]
    X_new, y_new = X_test, y_test
    if held_out is not None:
        X_new = _safe_indexing(X, held_out)
        y_new = np.asarray(truth[held_out].tolist())
    y_rows = None if y is None else _safe_indexing(y, rows)
    X_rows = _safe_indexing(X, rows)
    fits = fit_split(students, X_rows, y_rows, truth[rows], X_new, y_new, seeds[repeat])
    return [fit._replace(predicted=fit.predicted == y_new) for fit in fits]


def _runs(tables, results, y_tested, repeat_of) -> pd.DataFrame:
    """A line for each repeat and model; folds of a repeat are taken together."""
    repeat_of = np.asarray(repeat_of)
    lines = []
    for repeat in np.unique(repeat_of):
        mine = np.flatnonzero(repeat_of == repeat)
        for position, fit in enumerate(tables[mine[0]]):
            fits = [tables[number][position] for number in mine]
            right = results[fit.model][mine]
            tested = ~np.isnan(right)
            labels = np.broadcast_to(y_tested, right.shape)[tested]
            purities = [f.label_purity for f in fits]
            known = not np.isnan(purities).all()
            n_train = np.mean([f.n_train for f in fits])
            lines.append(
                {
                    "seed": repeat,
                    "model": fit.model,
                    "n_train": round(n_train),
                    "label_purity": np.nanmean(purities) if known else np.nan,
                    "accuracy": float(np.mean(right[tested])),
                    "balanced_accuracy": balanced_accuracy(labels, right[tested]),
                }
            )
    return pd.DataFrame(lines)


def _summary(
    students, results, runs, y_tested, metric, anchors, level, splits
) -> pd.DataFrame:
    """Means, gains and gaps recovered, with intervals by rows and repeats."""
    weights, strata = metric_weights(y_tested, metric)
    scores = {
        name: part[metric].to_numpy()
        for name, part in runs.groupby("model", sort=False)
    }
    n_repeats = len(scores["weak model"])
    anchors = check_anchors(anchors, n_repeats, "ceiling" in scores)
    repeat_of = np.array([split.repeat for split in splits])

    def compared(name):
        others = {"weak": "weak model", "covered_rows": "covered rows"}
        if KNOWN_ALONE in results:
            others["known_labels"] = KNOWN_ALONE
        others |= {
            control.replace(" ", "_").replace("-", "_"): f"{name}, {control}"
            for control in (*CONTROLS, NO_WEAK)
            if f"{name}, {control}" in results
        }
        return {column: results[other] for column, other in others.items()}

    zero = {}
    if "ceiling" in results:
        zero["weak"] = results["weak model"]
        zero |= {name: values[repeat_of][:, None] for name, values in anchors.items()}
    return summarize(
        scores,
        results,
        compared,
        zero,
        lambda gain: row_interval(gain, weights, strata, level),
        lambda gain, gap: row_ratio_interval(gain, gap, weights, strata, level),
    )


def check_students(students) -> None:
    """Refuse names that are taken and what is not a student that classifies."""
    if not students:
        raise ValueError(
            "There is no student to report on: students must hold at least one."
        )
    first = _last_step(next(iter(students.values())))
    for name, student in students.items():
        last = _last_step(student)
        if not isinstance(last, WeakToStrongClassifier):
            raise ValueError(
                f"The student {name!r} must be a WeakToStrongClassifier, or a Pipeline "
                f"that ends with one, got {type(last).__name__}."
            )
        if last.estimator is not None and is_regressor(last.estimator):
            raise ValueError(
                f"The strong model of the student {name!r} must be a classifier, got "
                f"the regressor {type(last.estimator).__name__}."
            )
        if not same_marker(last.missing_label, first.missing_label):
            raise ValueError(
                f"The student {name!r} has missing_label={last.missing_label!r}, the "
                f"first one {first.missing_label!r}: y is the same for all students, "
                "so give them the same."
            )
    own = (*CONTROLS, NO_WEAK)
    taken = {*RESERVED, *(f"{n}, {c}" for n in students for c in own)}
    taken &= set(students)
    if taken:
        raise ValueError(
            f"No student can be called {sorted(taken)}: the name is taken."
        )


def _last_step(student):
    return student[-1] if isinstance(student, Pipeline) else student
