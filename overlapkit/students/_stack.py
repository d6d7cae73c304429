"""Joining log-probabilities and votes by coefficients learned from known labels."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import log_softmax

__all__ = [
    "Stack",
    "fit_stack",
    "held_out_evidence",
    "log_lifts",
    "vote_evidence",
    "vote_matrix",
    "vote_totals",
]

# Known labels that every vote of a function is counted with in advance, so that a
# function with few votes is not believed.
_LIFT_SMOOTHING = 2.0
# What all votes of a row together may say at most, in log-odds.
_MOST_EVIDENCE = 8.0


@dataclass(frozen=True)
class Stack:
    r"""Classes as a softmax of weighted sums of log-probabilities.

    .. math::

        P(y \mid i) \propto \exp\Bigl(b_y + \sum_f a_f F_f[i, y]\Bigr), \qquad a_f \ge 0

    Attributes
    ----------
    coef : ndarray of shape (n_columns,)
        The coefficients a; each is shared by all classes.
    intercept : ndarray of shape (n_classes,)
        The intercepts b.
    """

    coef: np.ndarray
    intercept: np.ndarray

    def proba(self, columns) -> np.ndarray:
        """Class probabilities of rows, from their columns F."""
        z = np.tile(self.intercept, (len(columns[0]), 1))
        for a, column in zip(self.coef, columns):
            z += a * column
        return np.exp(log_softmax(z, axis=1))


def fit_stack(columns, codes, prior_coef, sample_weight=None) -> Stack:
    r"""Learn the coefficients of a stack from rows whose class is known.

    The log-likelihood of the known classes is penalised towards coefficients that
    serve where nothing is known:

    .. math::

        \min_{a \ge 0, b} \; -\sum_i s_i \log \mathrm{softmax}\bigl(z_i\bigr)_{y_i}
        + \tfrac12 \lVert a - a_0 \rVert^2 + \tfrac12 \lVert b \rVert^2, \qquad
        z_i = b + \sum_f a_f F_f[i]

    by L-BFGS-B. The problem is convex. The softmax is over the classes that occur in
    `codes`; the intercept of any other is 0. Rows of other classes would be the more
    likely the less probable a class without rows is, whatever is true of it.

    Parameters
    ----------
    columns : list of ndarray of shape (n_rows, n_classes)
        F, one array per source.
    codes : ndarray of shape (n_rows,) of int
        The known classes.
    prior_coef : sequence of float
        :math:`a_0`, one number per source.
    sample_weight : ndarray of shape (n_rows,), default=None
        s; None: 1.

    Returns
    -------
    stack : Stack
        Coefficients and intercepts; `prior_coef` and 0 where there are no rows.
    """
    prior_coef = np.asarray(prior_coef, dtype=np.float64)
    intercept = np.zeros(np.shape(columns[0])[1])
    if len(codes) == 0:
        return Stack(prior_coef, intercept)
    present, codes = np.unique(codes, return_inverse=True)
    F = np.stack([column[:, present] for column in columns])
    n_columns, n_rows, n_classes = F.shape
    weight = np.ones(n_rows) if sample_weight is None else sample_weight
    rows = np.arange(n_rows)

    def objective(parameters):
        a, b = parameters[:n_columns], parameters[n_columns:]
        log_proba = log_softmax(np.einsum("f,fik->ik", a, F) + b, axis=1)
        residual = np.exp(log_proba)
        residual[rows, codes] -= 1
        residual *= weight[:, None]
        away = a - prior_coef
        value = -(weight * log_proba[rows, codes]).sum() + (away @ away + b @ b) / 2
        slope_a = np.einsum("fik,ik->f", F, residual) + away
        return value, np.concatenate([slope_a, residual.sum(axis=0) + b])

    bounds = [(0, None)] * n_columns + [(None, None)] * n_classes
    start = np.concatenate([prior_coef, np.zeros(n_classes)])
    solution = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"ftol": 1e-12, "gtol": 1e-7, "maxiter": 1000},
    ).x
    intercept[present] = solution[n_columns:]
    return Stack(solution[:n_columns], intercept)


def vote_matrix(votes, n_classes) -> csr_array:
    """Votes as a sparse table with a column per function and class.

    Parameters
    ----------
    votes : ndarray of shape (n_samples, n_functions) of int
        Codes of classes, -1 for no vote.
    n_classes : int
        Number of classes.

    Returns
    -------
    matrix : csr_array of shape (n_samples, n_functions * n_classes)
        1 where function j votes for class l, in column ``j * n_classes + l``. Its
        memory grows with the number of votes.
    """
    votes = np.asarray(votes)
    cast = votes >= 0
    indptr = np.concatenate([[0], cast.sum(axis=1).cumsum()])
    columns = (np.arange(votes.shape[1]) * n_classes + votes)[cast].astype(np.int32)
    shape = len(votes), votes.shape[1] * n_classes
    return csr_array((np.ones(len(columns)), columns, indptr), shape=shape)


def vote_totals(matrix, proba, prior, sample_weight=None) -> np.ndarray:
    r"""Class probabilities of the rows on which each vote was cast, summed.

    .. math::

        T_{jl,y} = \sum_{i: L_{ij} = l} s_i Q_{iy} + 2 \pi_y

    Parameters
    ----------
    matrix : csr_array of shape (n_samples, n_votes)
        As :func:`vote_matrix` gives it.
    proba : ndarray of shape (n_samples, n_classes)
        Q, the present class probabilities of all rows.
    prior : ndarray of shape (n_classes,)
        :math:`\pi`.
    sample_weight : ndarray of shape (n_samples,), default=None
        s; None: 1.

    Returns
    -------
    totals : ndarray of shape (n_votes, n_classes)
        T, a row per column of `matrix`.
    """
    if sample_weight is not None:
        proba = proba * sample_weight[:, None]
    return matrix.T @ proba + _LIFT_SMOOTHING * prior


def log_lifts(totals, prior) -> np.ndarray:
    r"""How much a vote changes the log-probability of every class.

    .. math::

        \mathrm{lift}_{jl,y} = \log \frac{T_{jl,y}}{\pi_y \sum_{y'} T_{jl,y'}}

    It compares :math:`P(y \mid \text{vote})` with :math:`\pi_y`. The likelihood of
    a vote given that the function votes would not do: it is 1 for each class if a
    function only ever votes for one.

    Parameters
    ----------
    totals : ndarray of shape (n_votes, n_classes)
        As :func:`vote_totals` gives them.
    prior : ndarray of shape (n_classes,)
        :math:`\pi`.

    Returns
    -------
    lifts : ndarray of shape (n_votes, n_classes)
        0 for votes that nobody cast.
    """
    return np.log(totals / totals.sum(axis=1, keepdims=True) / prior)


def vote_evidence(matrix, lifts) -> np.ndarray:
    """Sum of the lifts of a row's votes, centred over the classes and clipped.

    Parameters
    ----------
    matrix : csr_array of shape (n_samples, n_votes)
        The votes.
    lifts : ndarray of shape (n_votes, n_classes)
        As :func:`log_lifts` gives them.

    Returns
    -------
    evidence : ndarray of shape (n_samples, n_classes)
        0 for rows without a vote; in [-8, 8].
    """
    return _centred(matrix @ lifts)


def held_out_evidence(matrix, totals, codes, prior, sample_weight=None) -> np.ndarray:
    """Evidence of the votes on known rows, each without its own label.

    The label of a row counts among those that tell what its votes mean. Left in, votes
    without any meaning would seem to agree with known labels.

    Parameters
    ----------
    matrix : csr_array of shape (n_known, n_votes)
        Votes on the known rows.
    totals : ndarray of shape (n_votes, n_classes)
        As :func:`vote_totals` gives them, of all rows.
    codes : ndarray of shape (n_known,) of int
        Known classes.
    prior : ndarray of shape (n_classes,)
        The prior.
    sample_weight : ndarray of shape (n_known,), default=None
        Weights of the known rows; None: 1.

    Returns
    -------
    evidence : ndarray of shape (n_known, n_classes)
        As :func:`vote_evidence`.
    """
    rows = np.repeat(np.arange(len(codes)), np.diff(matrix.indptr))
    others = totals[matrix.indices]
    own = codes[rows]
    others[np.arange(len(rows)), own] -= (
        1.0 if sample_weight is None else sample_weight[rows]
    )
    votes_of_row = csr_array(
        (matrix.data, np.arange(len(rows)), matrix.indptr),
        shape=(len(codes), len(rows)),
    )
    return _centred(votes_of_row @ log_lifts(others, prior))


def _centred(evidence):
    evidence -= evidence.mean(axis=1, keepdims=True)
    return np.clip(evidence, -_MOST_EVIDENCE, _MOST_EVIDENCE)
