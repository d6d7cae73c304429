"""gain_interval: the package's one rule for intervals, for results of one's own."""

from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overlapkit._utils.checks import check_array
from overlapkit._utils.sklearn_compat import Interval, StrOptions, validate_params
from overlapkit.model_selection._intervals import (
    mean_interval,
    metric_weights,
    row_interval,
)
from overlapkit.model_selection._students import check_test_labels

__all__ = ["gain_interval"]


@validate_params(
    {
        "gains": ["array-like"],
        "y_test": ["array-like", None],
        "metric": [StrOptions({"accuracy", "balanced_accuracy"})],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "test_train_ratio": [Interval(Real, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def gain_interval(
    gains: ArrayLike,
    *,
    y_test: ArrayLike | None = None,
    metric: Literal["accuracy", "balanced_accuracy"] = "accuracy",
    confidence_level: float = 0.95,
    test_train_ratio: float = 0.0,
) -> tuple[float, float, float]:
    r"""Mean gain of one model over another, with its confidence interval.

    The interval allows for everything that was drawn: the seeds of the models, the
    splits, and the rows tested on. Reports, curves and benchmarks of this package use
    this rule.

    With one result per repeat and test row, :math:`d_{si} \in \{-1, 0, 1\}`, repeat and
    row are crossed random effects, and the variance of the mean is

    .. math:: \hat V = \frac{1}{n^2} \Big(1 + \sum_k \frac{n_k}{n_k - 1}
                  \sum_{i \in k} w_i^2 (\bar d_i - \bar d_k)^2\Big)
                  + \Big(\frac1S + \rho\Big) \hat\sigma_a^2,

    where :math:`k` runs over the classes for the balanced accuracy
    (:math:`w_i = n / (K n_k)`) and there is one class and :math:`w_i = 1` for the
    accuracy; :math:`\hat\sigma_a^2 \ge 0` is the variance between the :math:`S` repeats
    by the analysis of variance [1]_, [2]_; :math:`\rho` is the ratio of tested rows to
    others in a repeat, 0 where every repeat tests all rows [4]_; and the 1 is the
    adjustment of Agresti and Min [3]_. It is a t interval with Satterthwaite's degrees
    of freedom.

    Parameters
    ----------
    gains : array-like of shape (n_repeats, n_rows) or (n_repeats,)
        Differences of results of two models on the same rows: 1 right and 0 wrong for
        each, so 1, 0 or -1; NaN where a repeat did not test a row. One-dimensional:
        differences of scores.
    y_test : array-like of shape (n_rows,), default=None
        True labels of the rows, for the balanced accuracy.
    metric : {"accuracy", "balanced_accuracy"}, default="accuracy"
        What the mean gain is a gain of. Only for results per row.
    confidence_level : float, default=0.95
        Of the interval.
    test_train_ratio : float, default=0.0
        For scores of random splits of the same rows: test rows per training row. The
        variance of the mean is multiplied by 1 + n_repeats * test_train_ratio [4]_.

    Returns
    -------
    mean, low, high : float
        Bounds are nan where the data give none: a single score, equal scores, or a
        class with a single test row.

    Raises
    ------
    ValueError
        If results lie outside [-1, 1], a repeat tests no row, y_test is missing for
        the balanced accuracy, has another length or an unknown label, or a score is
        missing.

    See Also
    --------
    weak_to_strong_report : Trains the models, and uses this rule.
    weak_to_strong_summary : For scores of several models.

    Notes
    -----
    What is estimated depends on the design. Repeats on the same rows (seeds with a
    fixed test set, random splits, repeated cross-validation): the mean gain on new rows
    of models fitted as these were, *given the rows to learn from*; with a single
    repeat, given its seed as well. Scores of independent draws of training and test
    rows: the mean gain over such draws. ``python -m benchmarks coverage`` measures how
    often intervals hold that value.

    References
    ----------
    .. [1] S. R. Searle, G. Casella, C. E. McCulloch, "Variance Components", 1992.
    .. [2] A. B. Owen, "The Pigeonhole Bootstrap", Annals of Applied Statistics 1, 2007.
    .. [3] A. Agresti, Y. Min, "Simple Improved Confidence Intervals for Comparing
       Matched Proportions", Statistics in Medicine 24, 2005.
    .. [4] C. Nadeau, Y. Bengio, "Inference for the Generalization Error", Machine
       Learning 52, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.model_selection import gain_interval
    >>> student = np.array([[1, 1, 1, 0, 1, 1, 1, 1]])
    >>> weak = np.array([[1, 0, 1, 0, 0, 1, 1, 0]])
    >>> [round(value, 2) for value in gain_interval(student - weak)]
    [0.38, -0.15, 0.9]
    """
    gains = check_array(
        gains,
        ensure_2d=False,
        dtype=np.float64,
        ensure_all_finite="allow-nan",
        input_name="gains",
    )
    if gains.ndim == 1:
        if y_test is not None:
            raise ValueError(
                "y_test holds the labels of rows, but gains of one dimension are "
                "differences of scores: leave y_test=None, or pass results per row."
            )
        if np.isnan(gains).any():
            raise ValueError(
                "gains of one dimension are differences of scores and must be numbers, "
                "one a repeat; drop repeats without a score. "
            )
        return mean_interval(gains, confidence_level, 1 + len(gains) * test_train_ratio)
    if test_train_ratio != 0:
        raise ValueError(
            f"test_train_ratio={test_train_ratio} is for scores; results per row "
            "already show which rows the repeats share."
        )
    if (np.abs(gains) > 1).any() or np.isnan(gains).all(axis=1).any():
        raise ValueError(
            "gains of shape (n_repeats, n_rows) must be differences of results, from "
            "-1 to 1, with at least one in every repeat."
        )
    if y_test is None:
        if metric != "accuracy":
            raise ValueError(f"metric={metric!r} needs y_test, the labels of the rows.")
        y_test = np.zeros(gains.shape[1])
    labels = check_test_labels(y_test)
    if len(labels) != gains.shape[1]:
        raise ValueError(
            f"y_test has {len(labels)} entries, but gains has {gains.shape[1]} rows."
        )
    return row_interval(gains, *metric_weights(labels, metric), confidence_level)
