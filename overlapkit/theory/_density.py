"""The bounds of Lang et al., read as a function of the overlap density."""

from numbers import Real

from overlapkit._utils.sklearn_compat import Interval, validate_params
from overlapkit.theory._bounds import (
    coverage_expansion_bound,
    pseudolabel_correction_bound,
)

_SHARE = [Interval(Real, 0, 1, closed="both")]
_NON_NEGATIVE = [Interval(Real, 0, None, closed="both")]


@validate_params(
    {
        "overlap_density": _SHARE,
        "hard_density": _SHARE,
        "alpha": _SHARE,
        "c": _NON_NEGATIVE,
        "q": _SHARE,
        "err_weak": _SHARE,
        "p_non_robust": _SHARE,
        "c_correction": _NON_NEGATIVE,
    },
    prefer_skip_nested_validation=True,
)
def overlap_density_bound(
    *,
    overlap_density: float,
    hard_density: float,
    alpha: float,
    c: float,
    q: float,
    err_weak: float,
    p_non_robust: float,
    c_correction: float = 0.0,
) -> float:
    r"""Bound the error of a student as a function of the overlap density.

    Hard rows can be answered rightly only through overlap rows, which are their
    neighbours. The rarer overlap rows are among the covered ones, the larger a part of
    them a student can get wrong that agrees with the weak labels on most covered rows.

    With densities `e`, `o`, `h` of easy, overlap and hard rows of a class,
    :math:`e + o + h = 1`, and :math:`\omega = o / (e + o)`,

    .. math::

        \mathrm{err}(f, y) \le h\,B_T(\delta / \omega) + (1 - h)\,B_S(\delta)

    where :math:`\delta` is `err_weak`, :math:`B_T` is the smaller of 1 and the bound of
    Lang et al., Theorem 4.2, from overlap to hard rows, and :math:`B_S` the smallest of
    1, :math:`\delta + \alpha` and that of their Theorem 4.1 on the covered rows. A
    bound whose preconditions fail is left out.

    Parameters
    ----------
    overlap_density, hard_density : float
        Shares of overlap and hard rows in the class, in [0, 1]; their sum is at most 1,
        and easy rows are the rest.
    alpha : float
        Share of wrong weak labels, in [0, 1], the same among easy and overlap rows.
    c : float
        Expansion from hard rows to overlap rows, rightly and wrongly labelled, at least
        0.
    q : float
        Size from which on sets have to expand, in [0, 1].
    err_weak : float
        Share of the covered (easy and overlap) rows on which the student disagrees with
        the weak label, in [0, 1].
    p_non_robust : float
        Share of rows on which the student is not robust, in [0, 1]: an upper limit for
        hard rows and for covered ones.
    c_correction : float, default=0.0
        Expansion among covered rows, from rightly to wrongly labelled ones, at least 0.
        0 makes no use of correction.

    Returns
    -------
    bound : float
        In [0, 1], and never larger for a larger overlap density, all else equal. 1 says
        nothing.

    Raises
    ------
    ValueError
        If an argument is outside its interval, or the two densities sum to more than 1.

    See Also
    --------
    overlap_expansion_report : The bound on hard rows beside the error there.

    Notes
    -----
    The derivation is this package's own, from the two theorems of Lang et al. [1]_; it
    stands step by step in the documentation on theory. It is not the theorem of Shin
    et al. [2]_, whose text could not be verified. That the sets expand is taken on
    trust from whoever supplies the expansions.

    References
    ----------
    .. [1] H. Lang, D. Sontag, A. Vijayaraghavan, "Theoretical Analysis of
       Weak-to-Strong Generalization", NeurIPS 2024.
    .. [2] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025.

    Examples
    --------
    Three of ten rows are hard. Half of the others overlap, then all of them.

    >>> from overlapkit.theory import overlap_density_bound
    >>> numbers = {"hard_density": 0.3, "alpha": 0.1, "c": 1.0, "q": 0.0,
    ...            "err_weak": 0.18, "p_non_robust": 0.0}
    >>> round(overlap_density_bound(overlap_density=0.35, **numbers), 4)
    0.2935
    >>> round(overlap_density_bound(overlap_density=0.7, **numbers), 4)
    0.226
    """
    covered = 1 - hard_density
    # densities that sum to 1 may exceed it by rounding
    if overlap_density > covered + 1e-9:
        raise ValueError(
            f"overlap_density={overlap_density} and hard_density={hard_density} sum to "
            f"{overlap_density + hard_density:.4g}, expected at most 1: both are "
            "shares of all rows of the class."
        )
    on_hard = 1.0
    if overlap_density > 0:
        coverage = coverage_expansion_bound(
            alpha=alpha,
            c=c,
            q=q,
            # at worst all disagreement is on overlap rows
            err_weak=min(1.0, err_weak * covered / overlap_density),
            p_non_robust=p_non_robust,
        )
        if coverage.holds:
            on_hard = min(1.0, coverage.value)
    on_covered = min(1.0, err_weak + alpha)
    correction = pseudolabel_correction_bound(
        alpha=alpha,
        c=c_correction,
        q=q,
        err_weak=err_weak,
        p_non_robust=p_non_robust,
    )
    if correction.holds:
        on_covered = max(0.0, min(on_covered, correction.value))
    return float(hard_density * on_hard + covered * on_covered)
