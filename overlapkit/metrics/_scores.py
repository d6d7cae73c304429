"""How much of the gap was closed, and how much overlap there is."""

import warnings
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from overlapkit._utils.checks import (
    as_numbers,
    check_consistent_length,
    column_or_1d,
    plain,
)
from overlapkit._utils.labels import complete_labels
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import DegenerateGapWarning
from overlapkit.scorers._regions import TRUE_REGION_NAMES

__all__ = [
    "performance_gap_recovered_score",
    "region_report",
]


def performance_gap_recovered_score(
    student: ArrayLike,
    *,
    anchor: ArrayLike,
    ceiling: ArrayLike,
    on_degenerate: Literal["raise", "nan"] = "raise",
) -> float | Any:
    r"""Share of the gap between an anchor and the ceiling that a student closes.

    1 means as good as the ceiling, 0 no better than the anchor, below 0 worse. A gap
    within rounding (a relative 1e-9) is no gap.

    .. math:: \mathrm{PGR} = \frac{\text{student} - \text{anchor}}
                                  {\text{ceiling} - \text{anchor}}

    The anchor must be named because studies differ in it: the score of the weak model
    measures the gain over the weak model, the score of an untuned strong model the gain
    by training.

    Parameters
    ----------
    student : float or array-like
        Score of the model in question, such as test accuracy.
    anchor : float or array-like
        Score that counts as 0: usually that of the weak model on the same rows.
    ceiling : float or array-like
        Score that counts as 1: usually that of the strong model trained on true
        labels.
    on_degenerate : {"raise", "nan"}, default="raise"
        What to do where the ceiling is not above the anchor.

    Returns
    -------
    pgr : float or ndarray
        The share; nan where undefined.

    Raises
    ------
    ValueError
        If a ceiling is not above its anchor, by more than rounding, and
        ``on_degenerate="raise"``.

    Warns
    -----
    DegenerateGapWarning
        The same, with ``on_degenerate="nan"``.

    Notes
    -----
    Over several runs, the share of the mean scores and the mean of the shares differ:
    the latter is dominated by runs with a small gap. State which one you report.

    References
    ----------
    .. [1] C. Burns et al., "Weak-to-Strong Generalization: Eliciting Strong
       Capabilities With Weak Supervision", ICML 2024.

    Examples
    --------
    >>> from overlapkit.metrics import performance_gap_recovered_score
    >>> round(performance_gap_recovered_score(0.8, anchor=0.7, ceiling=0.9), 3)
    0.5
    """
    if not isinstance(on_degenerate, str) or on_degenerate not in ("raise", "nan"):
        raise ValueError(
            f"on_degenerate must be 'raise' or 'nan', got {plain(on_degenerate)}."
        )
    student, anchor, ceiling = np.broadcast_arrays(
        as_numbers(student, "student", finite=False),
        as_numbers(anchor, "anchor", finite=False),
        as_numbers(ceiling, "ceiling", finite=False),
    )
    gap = ceiling - anchor
    rounding = 1e-9 * np.maximum(np.abs(ceiling), np.abs(anchor))
    # not (gap > ...) rather than gap <= ..., so that a missing score counts as well
    degenerate = ~(gap > rounding)
    if degenerate.any():
        message = (
            f"No gap to recover in {int(degenerate.sum())} of {gap.size} cases: the "
            f"ceiling ({ceiling[degenerate].flat[0]:.4g}) is not above the anchor "
            f"({anchor[degenerate].flat[0]:.4g}) by more than rounding "
            "errors. Check the two scores; on_degenerate='nan' gives NaN instead."
        )
        if on_degenerate == "raise":
            raise ValueError(message)
        warn(message, DegenerateGapWarning)
    pgr = np.full(gap.shape, np.nan)
    np.divide(student - anchor, gap, out=pgr, where=~degenerate)
    return pgr if pgr.ndim else float(pgr)


def region_report(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    regions: ArrayLike,
    *,
    weak_labels: ArrayLike | None = None,
) -> pd.DataFrame:
    """Accuracy by region, of a student and its weak model.

    A student that has learnt the hard pattern is more accurate than the weak model on
    hard rows. A gain on overlap rows alone has another cause.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        The student's predictions.
    regions : array-like of shape (n_samples,)
        Region of each row: 0 easy, 1 overlap, 2 hard, 3 neither.
    weak_labels : array-like of shape (n_samples,), default=None
        The weak model's predictions.

    Returns
    -------
    report : DataFrame
        One row per region present and one for all: ``n``, ``share``, ``accuracy``,
        ``balanced_accuracy`` and, with `weak_labels`, ``weak_accuracy`` and ``gain``.

    Raises
    ------
    ValueError
        If lengths differ, there is no row, or a value is not a region.

    Examples
    --------
    >>> from overlapkit.metrics import region_report
    >>> report = region_report([0, 1, 1, 0], [0, 1, 0, 0], [0, 1, 2, 2])
    >>> float(report.loc["hard", "accuracy"])
    0.5
    """
    # imported late: it would be a fifth of what importing overlapkit costs
    from sklearn.metrics import accuracy_score, balanced_accuracy_score

    y_true = complete_labels(y_true, "y_true")
    y_pred = complete_labels(y_pred, "y_pred")
    regions = column_or_1d(regions, name="regions")
    check_consistent_length(y_true=y_true, y_pred=y_pred, regions=regions)
    if len(y_true) == 0:
        raise ValueError("There is no row to report on.")
    _check_regions(regions)
    names = np.array(TRUE_REGION_NAMES)
    masks = {names[r]: regions == r for r in range(4) if (regions == r).any()}
    masks["all"] = np.ones(len(regions), dtype=bool)
    rows = {}
    for name, mask in masks.items():
        with warnings.catch_warnings():
            # a region need not hold every class that is predicted in it
            warnings.simplefilter("ignore", UserWarning)
            rows[name] = {
                "n": int(mask.sum()),
                "share": float(mask.mean()),
                "accuracy": accuracy_score(y_true[mask], y_pred[mask]),
                "balanced_accuracy": balanced_accuracy_score(
                    y_true[mask], y_pred[mask]
                ),
            }
    report = pd.DataFrame.from_dict(rows, orient="index")
    if weak_labels is not None:
        weak = complete_labels(weak_labels, "weak_labels")
        check_consistent_length(y_true=y_true, weak_labels=weak)
        report["weak_accuracy"] = [
            accuracy_score(y_true[mask], weak[mask]) for mask in masks.values()
        ]
        report["gain"] = report["accuracy"] - report["weak_accuracy"]
    return report


def _check_regions(regions) -> None:
    if regions.dtype.kind not in "biuf" or not np.isin(regions, [0, 1, 2, 3]).all():
        raise ValueError(
            "regions must be 0 (easy), 1 (overlap), 2 (hard) or 3 (neither); found "
            f"{[r for r in pd.unique(regions).tolist() if r not in (0, 1, 2, 3)][:10]}."
        )
