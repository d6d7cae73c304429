"""How much of the gap was closed."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from overlapkit._utils.checks import as_numbers, plain
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import DegenerateGapWarning

__all__ = ["performance_gap_recovered_score"]


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
