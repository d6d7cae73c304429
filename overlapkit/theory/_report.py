"""The coverage expansion bound beside the error it bounds."""

from dataclasses import asdict, dataclass
from numbers import Real

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import ArrayLike

from overlapkit._utils.checks import check_consistent_length, column_or_1d
from overlapkit._utils.labels import complete_labels
from overlapkit._utils.sklearn_compat import Interval, validate_params
from overlapkit.theory._bounds import coverage_expansion_bound
from overlapkit.theory._expansion import (
    _check_graph,
    _check_mask,
    estimate_expansion,
    robust_mask,
    robust_sets,
)


@dataclass
class _Row:
    """One class of the report; the defaults are what an empty S or T leaves."""

    n_covered: int
    n_uncovered: int
    alpha: float = np.nan
    c: float = np.nan
    q: float = 0.0
    n_sets: int = 0
    err_weak: float = np.nan
    p_non_robust: float = np.nan
    bound: float = np.nan
    actual_error: float = np.nan
    alpha_below_half: bool = False
    c_positive: bool = False
    disagreement_small: bool = False
    assumptions_hold: bool = False
    vacuous: bool = True


@validate_params(
    {
        "graph": ["array-like", "sparse matrix"],
        "y_true": ["array-like"],
        "y_weak": ["array-like"],
        "y_pred": ["array-like"],
        "covered": ["array-like"],
        "family": ["array-like", None],
        "q": [Interval(Real, 0, 1, closed="both")],
    },
    prefer_skip_nested_validation=True,
)
def overlap_expansion_report(
    graph: ArrayLike | sp.sparray | sp.spmatrix,
    y_true: ArrayLike,
    y_weak: ArrayLike,
    y_pred: ArrayLike,
    *,
    covered: ArrayLike,
    family: ArrayLike | None = None,
    q: float = 0.0,
) -> pd.DataFrame:
    r"""Compare the coverage expansion bound with the error, class by class.

    Everything that Theorem 4.2 of Lang et al. speaks of is measured on the rows given,
    with true labels, and set beside the error that the theorem bounds: a check of
    whether expansion explains that a student is right on rows its teacher could not
    label, not a way to predict the error without labels.

    For every class `i`, with :math:`S_i` its covered and :math:`T_i` its uncovered
    rows, :math:`\alpha_i = P(\tilde y \ne y | S_i)`, and

    .. math:: \hat c_i = \min\{1, \hat c(T_i \to S_i^\mathrm{good}),
        \hat c(T_i \to S_i^\mathrm{bad})\},

    the first over robust mistakes, the second over robust non-mistakes of the family.

    Parameters
    ----------
    graph : {array-like, sparse matrix} of shape (n_samples, n_samples)
        Neighbourhood graph, see :func:`neighborhood_graph`.
    y_true : array-like of shape (n_samples,)
        True labels.
    y_weak : array-like of shape (n_samples,)
        Weak labels; read on covered rows only.
    y_pred : array-like of shape (n_samples,)
        Predictions of the student.
    covered : array-like of bool, shape (n_samples,)
        Rows whose weak label is trusted, such as easy and overlap rows. The others
        are uncovered, such as hard rows.
    family : array-like of shape (n_classifiers, n_samples), default=None
        Predictions of further classifiers whose sets have to expand too. The student
        is always part of the family; `None` takes it alone, which gives the largest
        c, the smallest bound and the least general statement.
    q : float, default=0.0
        Share of :math:`T_i` up to which sets need not expand, in [0, 1].

    Returns
    -------
    pandas.DataFrame
        A row per class (index "class"), with the columns

        - `n_covered`, `n_uncovered`: numbers of rows of :math:`S_i` and :math:`T_i`;
        - `alpha`: share of wrong weak labels on :math:`S_i`;
        - `c`, `q`, `n_sets`: expansion as it enters the bound (at most 1), and the
          number of sets it is the minimum of; with none, c is 1;
        - `err_weak`: share of :math:`S_i` on which student and weak label disagree;
        - `p_non_robust`: share of :math:`T_i` on which the student is not robust;
        - `bound`, `actual_error`: the bound and the error of the student on
          :math:`T_i`;
        - `alpha_below_half`, `c_positive`, `disagreement_small`: the preconditions;
          `assumptions_hold`: all of them;
        - `vacuous`: the bound is 1 or more.

        A class without covered or without uncovered rows has NaN for what is
        undefined, and assumptions that do not hold.

    Raises
    ------
    ValueError
        If numbers of rows disagree, or `covered` is not a mask.

    See Also
    --------
    overlap_density_bound : A bound on the error on all rows.
    estimate_expansion : What the estimate of c can and cannot say.

    Notes
    -----
    Where `assumptions_hold`, `bound` is at least `actual_error`, always: on the rows
    given the theorem is exact. It need not hold on new rows, nor for classifiers
    outside the family. The theorem is that of [1]_; reading covered rows as easy and
    overlap rows is this package's, as the text of the corresponding theorem of
    Shin et al. (ICLR 2025) could not be verified.

    References
    ----------
    .. [1] H. Lang, D. Sontag, A. Vijayaraghavan, "Theoretical Analysis of
       Weak-to-Strong Generalization", NeurIPS 2024.

    Examples
    --------
    Ten groups of neighbours, each with ten covered rows, one of them with a wrong
    weak label, and ten uncovered rows. The student answers by group and is wrong on
    one group. Then alpha = .1, c = 1, the student disagrees with
    .9 * .1 + .1 * .9 = .18 of the weak labels, and the bound is
    (.18 - .1) / (1 - .2) = .1: as large as the error.

    >>> import numpy as np
    >>> from overlapkit.theory import neighborhood_graph, overlap_expansion_report
    >>> group, place = np.divmod(np.arange(200), 20)
    >>> graph = neighborhood_graph(group[:, None], radius=0)
    >>> y_true = np.zeros(200, dtype=int)
    >>> y_weak = (place == 0).astype(int)
    >>> y_pred = (group == 0).astype(int)
    >>> report = overlap_expansion_report(
    ...     graph, y_true, y_weak, y_pred, covered=place < 10)
    >>> report[["alpha", "c", "err_weak", "bound", "actual_error"]].round(3)
           alpha    c  err_weak  bound  actual_error
    class
    0        0.1  1.0      0.18    0.1           0.1
    """
    y_true = complete_labels(y_true, "y_true")
    y_weak = column_or_1d(y_weak, name="y_weak")
    y_pred = complete_labels(y_pred, "y_pred")
    check_consistent_length(y_true=y_true, y_weak=y_weak, y_pred=y_pred)
    n_samples = len(y_true)
    links = _check_graph(graph, n_samples)
    covered = _check_mask(covered, n_samples, "covered")
    complete_labels(y_weak[covered], "y_weak")  # others have no weak label
    members = y_pred[np.newaxis]
    if family is not None:
        family = np.atleast_2d(np.asarray(family))
        if family.shape[1] != n_samples:
            raise ValueError(
                f"family must have shape (n_classifiers, {n_samples}), got "
                f"{family.shape}."
            )
        members = np.concatenate([members, family])
    wrong_sets = robust_sets(links, members, y_true)
    right_sets = robust_sets(links, members, y_true, mistakes=False)
    non_robust = ~robust_mask(links, y_pred)
    bad = y_weak != y_true

    rows = {}
    for label in np.unique(y_true):
        S, T = (y_true == label) & covered, (y_true == label) & ~covered
        row = rows[label] = _Row(int(S.sum()), int(T.sum()), q=float(q))
        if S.any():
            row.alpha = float(bad[S].mean())
            row.err_weak = float((y_pred[S] != y_weak[S]).mean())
        if T.any():
            row.p_non_robust = float(non_robust[T].mean())
            row.actual_error = float((y_pred[T] != label).mean())
        if not (S.any() and T.any()):
            continue
        row.c = 1.0
        # An empty part of S has probability 0: nothing has to expand to it. With no
        # good row at all, alpha is 1 and the bound is refused on that ground.
        for part, sets in ((S & ~bad, wrong_sets), (S & bad, right_sets)):
            if part.any():
                estimate = estimate_expansion(links, part, T, sets, q=q)
                row.c = min(row.c, estimate.c)
                row.n_sets += estimate.n_sets
        result = coverage_expansion_bound(
            alpha=row.alpha,
            c=row.c,
            q=q,
            err_weak=row.err_weak,
            p_non_robust=row.p_non_robust,
        )
        row.bound, row.vacuous = result.value, result.vacuous
        row.assumptions_hold = result.holds
        for name, check in result.assumptions_hold.items():
            setattr(row, name, check)
    return pd.DataFrame.from_dict(
        {label: asdict(row) for label, row in rows.items()}, orient="index"
    ).rename_axis("class")
