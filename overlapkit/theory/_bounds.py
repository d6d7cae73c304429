"""The bounds of Lang, Sontag and Vijayaraghavan (2024), with their preconditions."""

from dataclasses import dataclass
from numbers import Real

from overlapkit._utils.sklearn_compat import Interval, validate_params

_SHARE = [Interval(Real, 0, 1, closed="both")]
_NON_NEGATIVE = [Interval(Real, 0, None, closed="both")]  # infinity included


@dataclass(frozen=True)
class ExpansionBound:
    """An upper bound on an error, with what it rests on.

    Parameters
    ----------
    value : float
        Right-hand side of the inequality; infinite where the formula has no value.
        It bounds the error only where `holds` is true.
    assumptions_hold : dict of str to bool
        The preconditions that can be checked from the numbers given, by name. That
        the sets expand with the given (c, q) is a precondition too, and is taken on
        trust from whoever supplied c.

    Attributes
    ----------
    holds : bool
        Whether all checked preconditions are met.
    vacuous : bool
        Whether the bound says nothing: the value is 1 or more.

    See Also
    --------
    coverage_expansion_bound : For the error on uncovered rows.
    pseudolabel_correction_bound : For the error on covered rows.

    Examples
    --------
    >>> from overlapkit.theory._bounds import coverage_expansion_bound
    >>> bound = coverage_expansion_bound(
    ...     alpha=0.6, c=1.0, q=0.0, err_weak=0.1, p_non_robust=0.0)
    >>> bound.value, bound.holds, bound.vacuous
    (inf, False, True)
    >>> bound.assumptions_hold["alpha_below_half"]
    False
    """

    value: float
    assumptions_hold: dict[str, bool]

    @property
    def holds(self) -> bool:
        """Whether all checked preconditions are met."""
        return all(self.assumptions_hold.values())

    @property
    def vacuous(self) -> bool:
        """Whether the bound says nothing."""
        return self.value >= 1


@validate_params(
    {
        "alpha": _SHARE,
        "c": _NON_NEGATIVE,
        "q": _SHARE,
        "err_weak": _SHARE,
        "p_non_robust": _SHARE,
    },
    prefer_skip_nested_validation=True,
)
def coverage_expansion_bound(
    *, alpha: float, c: float, q: float, err_weak: float, p_non_robust: float
) -> ExpansionBound:
    r"""Bound the error on uncovered rows of a class (Lang et al., Theorem 4.2).

    Weak labels exist on covered rows `S` only. A student `f` that agrees with them
    there, and that gives neighbours the same answer, cannot be wrong on many
    uncovered rows `T` whose neighbours are covered and rightly labelled:

    .. math::

        \mathrm{err}(f, y | T_i) \le
        \left( 1 + \frac{\alpha_i}{1 - 2 \alpha_i} \right) P(\bar R(f) | T_i)
        + \max\left\{ q,\; \frac{\mathrm{err}(f, \tilde y | S_i) - c \alpha_i}
        {c (1 - 2 \alpha_i)} \right\}

    for every class `i`, provided that
    :math:`\mathrm{err}(f, \tilde y | S_i) + P(\bar R(f) | T_i) <
    c (1 - q - \alpha_i)`, and that the robust mistakes of `f` on :math:`T_i` expand
    by (c, q) to the rightly labelled rows of :math:`S_i`, its robust non-mistakes on
    :math:`T_i` to the wrongly labelled ones.

    Parameters
    ----------
    alpha : float
        Share of wrong weak labels among covered rows of the class, in [0, 1].
    c : float
        Expansion, at least 0. Values above 1 count as 1: expansion by more implies
        expansion by 1, and the proof uses :math:`c \le 1`.
    q : float
        Size, as a share of :math:`T_i`, from which on sets have to expand, in [0, 1].
    err_weak : float
        Share of the covered rows of the class on which `f` disagrees with the weak
        label, in [0, 1].
    p_non_robust : float
        Share of the uncovered rows of the class on which `f` is not robust: some
        neighbour gets another answer. In [0, 1].

    Returns
    -------
    ExpansionBound
        With the checks `alpha_below_half`, `c_positive` and `disagreement_small`.

    Raises
    ------
    ValueError
        If an argument is outside its interval.

    See Also
    --------
    estimate_expansion : Measures c.
    overlap_expansion_report : Measures everything and compares with the error.

    Notes
    -----
    This is a statement of Lang et al. [1]_ for exact robustness (their :math:`\eta`
    equal to 0). That "covered" may be read as easy and overlap rows, and "uncovered"
    as hard-only rows, is this package's reading: the text of the corresponding
    theorem of Shin et al. [2]_ could not be verified and is not implemented.

    The bound grows with `err_weak`: where the weak labels are bad and the student is
    right all the same, it is loose exactly when weak-to-strong training works.

    References
    ----------
    .. [1] H. Lang, D. Sontag, A. Vijayaraghavan, "Theoretical Analysis of
       Weak-to-Strong Generalization", NeurIPS 2024.
    .. [2] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025.

    Examples
    --------
    One weak label in ten is wrong, the student disagrees with 18 % of them:
    (.18 - .1) / (1 - .2).

    >>> from overlapkit.theory._bounds import coverage_expansion_bound
    >>> bound = coverage_expansion_bound(
    ...     alpha=0.1, c=1.0, q=0.0, err_weak=0.18, p_non_robust=0.0)
    >>> round(bound.value, 3), bound.holds
    (0.1, True)
    """
    c = min(float(c), 1.0)
    checks = {
        "alpha_below_half": alpha < 0.5,
        "c_positive": c > 0,
        "disagreement_small": err_weak + p_non_robust < c * (1 - q - alpha),
    }
    value = float("inf")
    if checks["alpha_below_half"] and checks["c_positive"]:
        margin = 1 - 2 * alpha
        mistakes = (err_weak - c * alpha) / (c * margin)
        value = (1 + alpha / margin) * p_non_robust + max(q, mistakes)
    return _result(value, checks)


@validate_params(
    {
        "alpha": _SHARE,
        "c": _NON_NEGATIVE,
        "q": _SHARE,
        "err_weak": _SHARE,
        "p_non_robust": _SHARE,
        "p_disagree_or_non_robust": [None, *_SHARE],
    },
    prefer_skip_nested_validation=True,
)
def pseudolabel_correction_bound(
    *,
    alpha: float,
    c: float,
    q: float,
    err_weak: float,
    p_non_robust: float,
    p_disagree_or_non_robust: float | None = None,
) -> ExpansionBound:
    r"""Bound the error on covered rows of a class (Lang et al., Theorem 4.1).

    A student that agrees with most weak labels and gives neighbours the same answer
    has to overrule wrong weak labels whose neighbours are rightly labelled, and so
    can be better than its teacher:

    .. math::

        \mathrm{err}(f, y | S_i) \le
        \frac{2 \alpha_i}{1 - 2 \alpha_i} P(\bar R(f) | S_i)
        + \mathrm{err}(f, \tilde y | S_i)
        + \alpha_i \left( 1 - \tfrac{3}{2} c \right)

    for every class `i`, provided that :math:`q < \tfrac{3}{4} (1 - 2 \alpha_i)`, that
    :math:`P(f \ne \tilde y \text{ or } f \text{ not robust} | S_i) \le
    (1 - \alpha_i + 3 c \alpha_i) / 4`, and that the robust non-mistakes of `f` among
    the rightly labelled rows of :math:`S_i` expand by (c, q) to the wrongly labelled
    ones.

    Parameters
    ----------
    alpha : float
        Share of wrong weak labels among covered rows of the class, in [0, 1].
    c : float
        Expansion, at least 0. Values above 1 count as 1: expansion by more implies
        expansion by 1, and the proof uses :math:`c \le 1`.
    q : float
        Size, as a share of the rightly labelled rows of :math:`S_i`, from which on
        sets have to expand, in [0, 1].
    err_weak : float
        Share of the covered rows of the class on which `f` disagrees with the weak
        label, in [0, 1].
    p_non_robust : float
        Share of the covered rows of the class on which `f` is not robust, in [0, 1].
    p_disagree_or_non_robust : float, default=None
        Share of the covered rows of the class on which either is the case, in
        [0, 1]. `None` takes the sum of the two, which is never smaller.

    Returns
    -------
    ExpansionBound
        With the checks `alpha_below_half`, `q_small` and `disagreement_small`.

    Raises
    ------
    ValueError
        If an argument is outside its interval.

    See Also
    --------
    coverage_expansion_bound : For the error on uncovered rows.
    estimate_expansion : Measures c.

    Notes
    -----
    This is a statement of Lang et al. [1]_ for exact robustness (their :math:`\eta`
    equal to 0). It beats the trivial bound
    :math:`\mathrm{err}(f, \tilde y | S_i) + \alpha_i` when c is positive and `f`
    robust, and beats the teacher's own error :math:`\alpha_i` when the student
    disagrees with fewer than :math:`\tfrac{3}{2} c \alpha_i` of the weak labels.

    References
    ----------
    .. [1] H. Lang, D. Sontag, A. Vijayaraghavan, "Theoretical Analysis of
       Weak-to-Strong Generalization", NeurIPS 2024.

    Examples
    --------
    The student overrules exactly the tenth that is wrong: .1 + .1 (1 - 1.5 * .8).

    >>> from overlapkit.theory._bounds import pseudolabel_correction_bound
    >>> bound = pseudolabel_correction_bound(
    ...     alpha=0.1, c=0.8, q=0.0, err_weak=0.1, p_non_robust=0.0)
    >>> round(bound.value, 3), bound.holds
    (0.08, True)
    """
    c = min(float(c), 1.0)
    if p_disagree_or_non_robust is None:
        p_disagree_or_non_robust = err_weak + p_non_robust
    checks = {
        "alpha_below_half": alpha < 0.5,
        "q_small": q < 0.75 * (1 - 2 * alpha),
        "disagreement_small": (
            p_disagree_or_non_robust <= (1 - alpha + 3 * c * alpha) / 4
        ),
    }
    value = float("inf")
    if checks["alpha_below_half"]:
        factor = 2 * alpha / (1 - 2 * alpha)
        value = factor * p_non_robust + err_weak + alpha * (1 - 1.5 * c)
    return _result(value, checks)


def _result(value, checks) -> ExpansionBound:
    """Return plain Python numbers: NumPy scalars print badly and pickle larger."""
    checks = {name: bool(check) for name, check in checks.items()}
    return ExpansionBound(float(value), checks)
