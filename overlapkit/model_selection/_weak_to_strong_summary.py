"""weak_to_strong_summary: scores of paired repeats in one table."""

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from overlapkit._utils.checks import as_numbers, column_or_1d
from overlapkit._utils.sklearn_compat import Interval, validate_params
from overlapkit.model_selection._intervals import mean_interval, ratio_interval

__all__ = ["check_anchors", "summarize", "weak_to_strong_summary"]


@validate_params(
    {
        "weak": ["array-like"],
        "students": [dict],
        "ceiling": ["array-like", None],
        "anchors": [dict, None],
        "baseline": [str, None],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "test_train_ratio": [Interval(Real, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def weak_to_strong_summary(
    weak: ArrayLike,
    students: dict[str, Any],
    ceiling: ArrayLike | None = None,
    *,
    anchors: dict[str, Any] | None = None,
    baseline: str | None = None,
    confidence_level: float = 0.95,
    test_train_ratio: float = 0.0,
) -> pd.DataFrame:
    r"""Summarize scores of paired repeats: means, gains, gap recovered, intervals.

    Scores of the same repeat share rows and seeds, so their differences are compared.
    With :math:`d_i` the difference in repeat :math:`i` of :math:`n`,

    .. math::

        \bar d \pm t_{n-1}\, s_d \sqrt{\frac{1}{n} + \rho}, \qquad
        \mathrm{PGR} = \frac{\overline{\text{student} - \text{anchor}}}
                            {\overline{\text{ceiling} - \text{anchor}}},

    where :math:`\rho` is the ratio of test to training rows when repeats are random
    splits of the same rows [1]_ and 0 when they are independent. The interval of the
    PGR is Fieller's [2]_.

    Parameters
    ----------
    weak : array-like of shape (n_repeats,)
        Score of the weak model in each repeat.
    students : dict of str to array-like of shape (n_repeats,)
        Scores of each student.
    ceiling : array-like of shape (n_repeats,), default=None
        Score of the strong model with true labels. None: it is not known, and neither
        is the gap recovered.
    anchors : dict of str to float or array-like of shape (n_repeats,), default=None
        Scores that count as 0 recovered, besides the weak model: an untuned strong
        model, say.
    baseline : str, default=None
        The student that others are compared with; None: no comparison.
    confidence_level : float, default=0.95
        Of all intervals.
    test_train_ratio : float, default=0.0
        :math:`\rho`: test rows per training row, where repeats are random splits.

    Returns
    -------
    summary : DataFrame
        A row for the weak model, each student and the ceiling (the index, ``model``),
        with the columns ``n_repeats``, ``mean``, ``sd``; ``gain_weak`` over the weak
        model with ``gain_weak_low``, ``gain_weak_high``; the same for the baseline
        where there is one, as ``gain_<baseline>``; and with a ceiling, for every
        anchor, ``pgr_<anchor>`` with ``_low`` and ``_high`` (nan where there is no gap,
        or it could be 0).

    Raises
    ------
    ValueError
        If lengths differ, a score is missing, the baseline is no student, a name is
        taken, or there are anchors but no ceiling.

    See Also
    --------
    weak_to_strong_report : Runs the repeats.
    overlapkit.metrics.performance_gap_recovered_score : For single scores.

    Notes
    -----
    The ratio of means is reported and not the mean of ratios, which runs with a small
    gap dominate. Bounds are nan with one repeat or when all repeats are equal: both
    say nothing about the next one.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio, "Inference for the Generalization Error", Machine
       Learning 52, 2003.
    .. [2] E. C. Fieller, "Some Problems in Interval Estimation", Journal of the Royal
       Statistical Society B 16, 1954.

    Examples
    --------
    >>> from overlapkit.model_selection import weak_to_strong_summary
    >>> summary = weak_to_strong_summary(
    ...     [0.70, 0.72, 0.71],
    ...     {"all rows": [0.74, 0.75, 0.76], "overlap": [0.78, 0.81, 0.79]},
    ...     [0.85, 0.86, 0.87],
    ...     baseline="all rows",
    ... )
    >>> summary.loc["overlap", ["gain_weak", "pgr_weak"]].round(2).tolist()
    [0.08, 0.56]
    """
    weak = _scores(weak, "weak")
    n = len(weak)
    students = {name: _scores(v, name, n) for name, v in students.items()}
    taken = {"weak model", "ceiling"} & set(students)
    if taken:
        raise ValueError(
            f"No student can be called {sorted(taken)}: the name is taken."
        )
    if baseline == "weak":
        raise ValueError(
            "No baseline can be called 'weak': gains over it have columns."
        )
    if baseline is not None and baseline not in students:
        raise ValueError(
            f"There is no student {baseline!r}: baseline must be one of "
            f"{sorted(students)}."
        )
    anchors = check_anchors(anchors, n, ceiling is not None)
    inflation = 1 + n * test_train_ratio
    compared = {"weak": weak}
    if baseline is not None:
        compared[baseline] = students[baseline]
    everyone, zero = {"weak model": weak, **students}, {}
    if ceiling is not None:
        everyone["ceiling"] = _scores(ceiling, "ceiling", n)
        zero = {"weak": weak, **anchors}
    return summarize(
        everyone,
        everyone,
        lambda name: compared,
        zero,
        lambda gain: mean_interval(gain, confidence_level, inflation),
        lambda gain, gap: ratio_interval(gain, gap, confidence_level, inflation),
    )


def summarize(scores, results, compared, zero, interval, ratio) -> pd.DataFrame:
    """Table of means, gains and gaps recovered.

    Parameters
    ----------
    scores : dict of str to ndarray of shape (n_repeats,)
        Score of each model in each repeat.
    results : dict of str to ndarray
        What is compared: the scores, or results per repeat and row.
    compared : callable
        Name of a model -> dict of column name to results of another model.
    zero : dict of str to ndarray
        Results that count as a gap recovered of 0; empty without a ceiling.
    interval, ratio : callable
        Differences (of the student; and of the ceiling) -> mean or ratio, and bounds.

    Returns
    -------
    summary : DataFrame
        As :func:`weak_to_strong_summary` describes.
    """
    lines = {}
    for name, values in scores.items():
        line = {
            "n_repeats": len(values),
            "mean": float(values.mean()),
            "sd": float(values.std(ddof=1)) if len(values) > 1 else np.nan,
        }
        for column, other in compared(name).items():
            gain = interval(results[name] - other)
            if other is results[name]:
                gain = 0.0, np.nan, np.nan
            line |= _named(f"gain_{column}", gain)
        for column, other in zero.items():
            gains, gaps = results[name] - other, results["ceiling"] - other
            line |= _named(f"pgr_{column}", ratio(gains, gaps))
        lines[name] = line
    summary = pd.DataFrame.from_dict(lines, orient="index")
    return summary.rename_axis("model")


def check_anchors(anchors, n_repeats, has_ceiling) -> dict[str, np.ndarray]:
    """Anchors as arrays of one score a repeat."""
    if not has_ceiling and anchors:
        raise ValueError(
            "Anchors are where a gap begins; without a ceiling it has none."
        )
    checked = {}
    for name, values in (anchors or {}).items():
        if name == "weak":
            raise ValueError(f"No anchor can be called {name!r}: the name is taken.")
        values = np.full(n_repeats, values) if np.ndim(values) == 0 else values
        checked[name] = _scores(values, f"anchor {name!r}", n_repeats)
    return checked


def _named(name, interval) -> dict[str, float]:
    """A mean and its bounds as columns."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval))


def _scores(values, name, n=None) -> np.ndarray:
    values = as_numbers(column_or_1d(values, name=name), name, finite=False)
    if len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f"The scores of {name} must be numbers, one a repeat.")
    if n is not None and len(values) != n:
        raise ValueError(f"{name} has {len(values)} repeats, the weak model has {n}.")
    return values
