r"""What pairs of functions say of each other: rates of joint votes and their model.

Rates of joint votes O, of shape (m K, m K), under functions that err independently
given the class are :math:`\mu P \mu^T` off the blocks of a function with itself.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.sparse.csgraph import connected_components

from overlapkit._utils.threads import single_threaded_blas

LIGHT_RIDGE = 1e-4
# Chosen over the real sets by `python -m benchmarks label-models`.
FULL_SHRINKAGE_AT = 0.002
HEAVY_RIDGE = 2.0

_SHARE_ROUNDS = 10
_SHARE_TOLERANCE = 3e-3


@dataclass(frozen=True)
class PairCounts:
    """Sums over rows that a fit needs; sums of batches are those of the whole."""

    counts: np.ndarray
    n_rows: int
    n_covered: int
    n_classes: int

    @classmethod
    def of(cls, votes):
        """Count the pairs of some rows."""
        covered = int(np.count_nonzero(votes.covered()))
        return cls(votes.pair_counts(), votes.shape[0], covered, votes.n_classes)

    def __add__(self, other):
        return PairCounts(
            self.counts + other.counts,
            self.n_rows + other.n_rows,
            self.n_covered + other.n_covered,
            self.n_classes,
        )

    @property
    def n_functions(self) -> int:
        """Number of functions."""
        return len(self.counts) // self.n_classes

    def cast(self) -> np.ndarray:
        """How often each function votes for each class, shape (m, K)."""
        return self.counts.diagonal().reshape(-1, self.n_classes).copy()

    def groups(self) -> np.ndarray:
        """Number of the group of each function.

        Functions are in one group if a chain of functions leads from one to the
        other of which neighbours vote on a common row.
        """
        m, k = self.n_functions, self.n_classes
        together = self.counts.reshape(m, k, m, k).sum(axis=(1, 3)) > 0
        return connected_components(together, directed=False)[1]

    def copies(self) -> np.ndarray:
        """First function that has the very votes of each function, shape (m,)."""
        m, k = self.n_functions, self.n_classes
        cast = self.cast()
        joint = self.counts.reshape(m, k, m, k)
        same = np.ones((m, m), dtype=bool)
        for label in range(k):
            both = joint[:, label, :, label]
            same &= (both == cast[:, label, None]) & (both == cast[None, :, label])
        same[cast.sum(axis=1) == 0] = False
        np.fill_diagonal(same, True)
        return same.argmax(axis=1)


def moment_objective(
    mu, off_diagonal, rates, prior, n_functions, start, ridge, squared=None
) -> tuple[float, np.ndarray]:
    r"""Distance between the observed moments and those of mu, and its gradient.

    .. math::

        f(\mu) = \|(O - \mu P \mu^T)_{j \ne j'}\|_F^2
            + \|\mu \pi - \mathrm{diag}(O)\|^2 + \rho \|\mu - \mu_0\|_F^2

    :math:`\mu P \mu^T` is never formed: its norm is that of a K x K matrix.

    Parameters
    ----------
    mu, start : ndarray of shape (m * K, K)
    off_diagonal : ndarray of shape (m * K, m * K)
        O with zeros on the blocks of a function with itself.
    rates : ndarray of shape (m * K,)
        Diagonal of O.
    prior : ndarray of shape (K,)
    n_functions : int
    ridge : float
    squared : float, default=None
        Sum of the squares of `off_diagonal`, if it is known already.

    Returns
    -------
    value : float
    gradient : ndarray of shape (m * K, K)
    """
    n_classes = len(prior)
    weighted = mu * prior
    blocks = mu.reshape(n_functions, n_classes, n_classes)
    heavy = blocks * prior
    observed = off_diagonal @ weighted
    inner = weighted.T @ mu
    own = heavy @ (np.swapaxes(blocks, 1, 2) @ heavy)
    marginal = mu @ prior - rates
    pull = mu - start
    if squared is None:
        squared = np.vdot(off_diagonal, off_diagonal)
    value = squared - 2 * np.vdot(observed, mu)
    value += np.vdot(inner, inner.T) - np.vdot(own, blocks)
    value += marginal @ marginal + ridge * np.vdot(pull, pull)
    modelled = weighted @ (mu.T @ weighted) - own.reshape(mu.shape)
    gradient = 4 * (modelled - observed)
    gradient += 2 * np.outer(marginal, prior) + 2 * ridge * pull
    return float(value), gradient


@dataclass(frozen=True)
class Solution:
    """Minimiser of the distance between moments, and how it was reached."""

    mu: np.ndarray
    value: float
    n_iter: int
    gradient: float
    message: str


def starting_point(rates, prior, diagonal) -> np.ndarray:
    """Table whose votes are right with the probabilities of `diagonal`."""
    return np.minimum(rates[:, :, None] * diagonal / prior, 1.0)


def solve(
    moments, groups, prior, start, ridge, *, max_iter, tol, first=None
) -> Solution:
    """Minimise the distance, for each group of functions by itself.

    The minimisation begins at `first`, or at `start`, to which the ridge pulls.
    """
    m, n_classes, _ = start.shape
    first = start if first is None else first
    # What is exact for a function that meets no other.
    rates = moments.diagonal().reshape(m, n_classes)
    missing = (rates - start @ prior) / (ridge + prior @ prior)
    mu = start + missing[:, :, None] * prior
    value, n_iter, gradient, message = 0.0, 0, 0.0, ""
    for group in range(groups.max(initial=-1) + 1):
        members = np.flatnonzero(groups == group)
        if len(members) == 1:
            continue
        rows = (members[:, None] * n_classes + np.arange(n_classes)).ravel()
        block = moments if len(members) == m else moments[np.ix_(rows, rows)]
        result = _minimise(
            block, prior, start[members], first[members], ridge, max_iter, tol
        )
        mu[members] = result.mu
        value, n_iter = value + result.value, max(n_iter, result.n_iter)
        if result.gradient >= gradient:
            gradient, message = result.gradient, result.message
    return Solution(mu, value, n_iter, gradient, message)


def _minimise(moments, prior, start, first, ridge, max_iter, tol) -> Solution:
    m, n_classes, _ = start.shape
    flat_start = start.reshape(m * n_classes, n_classes)
    rates = moments.diagonal().copy()
    off_diagonal = _without_own(moments, m)
    squared = np.vdot(off_diagonal, off_diagonal)

    def objective(flat):
        value, gradient = moment_objective(
            flat.reshape(flat_start.shape),
            off_diagonal,
            rates,
            prior,
            m,
            flat_start,
            ridge,
            squared,
        )
        return value, gradient.ravel()

    result = minimize(
        objective,
        first.ravel(),
        jac=True,
        method="L-BFGS-B",
        # ftol=0: the gradient decides, so that the answer does not depend on
        # the order of rows or functions beyond rounding.
        options={"maxiter": max_iter, "gtol": tol, "ftol": 0.0},
    )
    return Solution(
        result.x.reshape(start.shape),
        float(result.fun),
        int(result.nit),
        float(np.abs(result.jac).max(initial=0.0)),
        str(result.message),
    )


def _without_own(moments, m) -> np.ndarray:
    n_classes = len(moments) // m
    out = moments.copy()
    own = np.arange(m)
    out.reshape(m, n_classes, m, n_classes)[own, :, own, :] = 0.0
    return out


def unexplained_agreement(moments, groups, prior, mu, n_rows) -> float:
    """Share of the squared joint rates that independence leaves unexplained.

    The distance between the observed and the modelled rates of joint votes, less
    what sampling `n_rows` rows adds to it, over the sum of the squared rates.
    """
    m, n_classes, _ = mu.shape
    mu = np.clip(mu, 0.0, 1.0)
    missed = total = noise = 0.0
    for group in range(groups.max(initial=-1) + 1):
        members = np.flatnonzero(groups == group)
        if len(members) == 1:
            continue
        rows = (members[:, None] * n_classes + np.arange(n_classes)).ravel()
        block = moments if len(members) == m else moments[np.ix_(rows, rows)]
        off = _without_own(block, len(members))
        part = mu[members].reshape(len(rows), n_classes)
        squared = np.vdot(off, off)
        value, _ = moment_objective(
            part, off, part @ prior, prior, len(members), part, 0.0, squared
        )
        missed, total = missed + max(value, 0.0), total + squared
        noise += (off.sum() - squared) / n_rows
    return float(max(0.0, missed - noise) / total) if total > 0 else 0.0


def solve_with_share(moments, groups, prior, diagonal, ridge, **settings):
    """Minimise the distance where rows without a vote were left out.

    Leaving them out makes functions seem to meet more often than they do, by one over
    the share of rows with a vote. That share is the one which the solution implies: if
    functions are independent given the class,
    1 - sum over y of P(y) prod over j of P(no vote of j | y).

    Returns
    -------
    result : Solution
    share : float
        At least one half: votes that exclude each other would drive it to zero.
    """
    n_classes = len(prior)
    share, first = 1.0, None
    for _ in range(_SHARE_ROUNDS):
        rates = moments.diagonal().reshape(-1, n_classes) * share
        start = starting_point(rates, prior, diagonal)
        result = solve(
            moments * share, groups, prior, start, ridge, first=first, **settings
        )
        none = np.clip(1 - np.clip(result.mu, 0, 1).sum(axis=1), 0, 1)
        implied = max(0.5, 1 - float(prior @ none.prod(axis=0)))
        change, share, first = abs(implied - share), implied, result.mu
        if change < _SHARE_TOLERANCE:
            break
    return result, share


def dependence(pairs, first, prior, diagonal) -> float:
    """Unexplained agreement of functions under a lightly regularised fit.

    Parameters
    ----------
    pairs : PairCounts
    first : ndarray of shape (m,)
        First function with the same votes; copies are left out.
    prior : ndarray of shape (K,)
    diagonal : ndarray of shape (K, K)
        Where the fit starts.
    """
    moments, groups, _ = distinct_moments(pairs, first)
    with single_threaded_blas():
        result, share = solve_with_share(
            moments, groups, prior, diagonal, LIGHT_RIDGE, max_iter=1000, tol=1e-8
        )
    return unexplained_agreement(
        moments * share, groups, prior, result.mu, max(pairs.n_covered, 1)
    )


def distinct_moments(pairs, first):
    """Rates among covered rows, groups and numbers of functions without copies."""
    n_classes, m = pairs.n_classes, pairs.n_functions
    kept = np.flatnonzero(first == np.arange(m))
    moments = pairs.counts
    if len(kept) < m:
        columns = (kept[:, None] * n_classes + np.arange(n_classes)).ravel()
        moments = moments[np.ix_(columns, columns)]
    groups = np.unique(pairs.groups()[kept], return_inverse=True)[1]
    return moments / max(pairs.n_covered, 1), groups, kept
