"""MeTaL's label model: matrix completion on the agreement of pairs of functions."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from overlapkit._utils.sklearn_compat import Interval
from overlapkit._utils.threads import single_threaded_blas
from overlapkit.exceptions import WeakLabelWarning
from overlapkit.label_models._base import _BaseLabelModel
from overlapkit.label_models._votes import (
    agreement_matrix,
    diagonal_table,
    naive_bayes,
)

# A vote never speaks against a class more than this factor below its average: an
# estimate of zero, or below, from finite data would veto the class.
_MIN_LIFT = 0.01


def moment_objective(
    mu, agreement, prior, n_functions, start, ridge
) -> tuple[float, np.ndarray]:
    r"""Distance between the observed moments and those of mu, and its gradient.

    .. math::

        f(\mu) = \|(O - \mu P \mu^T) \circ M\|_F^2
            + \|\mu \pi - \mathrm{diag}(O)\|^2 + \rho \|\mu - \mu_0\|_F^2

    M is zero on the K x K blocks of a function with itself and one elsewhere,
    :math:`P = \mathrm{diag}(\pi)`.

    Parameters
    ----------
    mu, start : ndarray of shape (m * K, K)
    agreement : ndarray of shape (m * K, m * K)
    prior : ndarray of shape (K,)
    n_functions : int
    ridge : float

    Returns
    -------
    value : float
    gradient : ndarray of shape (m * K, K)
    """
    n_classes = len(prior)
    shape = (n_functions, n_classes, n_functions, n_classes)
    weighted = mu * prior
    residual = weighted @ mu.T - agreement
    own = np.arange(n_functions)
    residual.reshape(shape)[own, :, own, :] = 0.0
    marginal = mu @ prior - agreement.diagonal()
    pull = mu - start
    value = np.vdot(residual, residual) + marginal @ marginal
    value += ridge * np.vdot(pull, pull)
    gradient = 4 * (residual @ weighted)
    gradient += 2 * np.outer(marginal, prior) + 2 * ridge * pull
    return value, gradient


class LabelModel(_BaseLabelModel):
    r"""Naive Bayes whose tables are learnt from how often functions agree.

    Two functions that err independently agree more often the better they are, so
    the rates of joint votes of all pairs reveal every function's accuracy without
    a label. With :math:`\mu_{(j,l),y} = P(\lambda_j = l \mid y)`, class balance
    :math:`\pi`, :math:`P = \mathrm{diag}(\pi)`, and O the rates of joint votes,

    .. math::

        \hat\mu = \arg\min_\mu \|(O - \mu P \mu^T)_{j \ne j'}\|_F^2
            + \|\mu \pi - \mathrm{diag}(O)\|^2 + \rho \|\mu - \mu_0\|_F^2, \qquad
        P(y \mid \lambda) \propto \pi_y
            \prod_{j: \lambda_j \ne -1} \frac{\hat\mu_{(j, \lambda_j), y}}
                                             {O_{(j, \lambda_j), (j, \lambda_j)}}

    Parameters
    ----------
    class_balance : array-like of shape (n_classes,), default=None
        Class balance :math:`\pi`, positive, summing to 1. None: uniform.

    prior_precision : float, default=0.7
        Probability that a vote is right in the starting point :math:`\mu_0`,
        between 0 and 1. It breaks the symmetry between the classes, so it should
        exceed one over their number.

    ridge : float, default=1e-4
        Weight :math:`\rho` of the distance to :math:`\mu_0`, in units of squared
        probabilities, not negative (read Notes).

    max_iter : int, default=1000
        Most iterations of L-BFGS.

    tol : float, default=1e-8
        L-BFGS stops when no entry of the gradient exceeds this.

    classes : array-like of shape (n_classes,), default=None
        Sorted labels that the vote codes stand for. None: the distinct values of
        `y` if it is passed to `fit`, else the integers from 0 to the largest vote
        (at least 0 and 1).

    random_state : int, RandomState instance or None, default=None
        Seed that breaks ties in `predict`; drawn once, in `fit`. The fit itself is
        deterministic.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels; a vote k means ``classes_[k]``.

    mu_ : ndarray of shape (n_functions, n_classes, n_classes)
        ``mu_[j, l, y]``: probability that function j votes l on a row of class y,
        the minimiser clipped to [0, 1].

    precision_ : ndarray of shape (n_functions, n_classes, n_classes)
        ``precision_[j, l, y]``: probability of class y given only that function j
        votes l; the class balance where it never did. Sums to one over y.

    accuracy_ : ndarray of shape (n_functions,)
        Estimated probability that a cast vote is right; NaN for a function that
        never voted.

    class_prior_ : ndarray of shape (n_classes,)
        Class balance.

    objective_ : float
        Value of the minimised function.

    n_iter_ : int
        Iterations of L-BFGS.

    converged_ : bool
        Whether the minimiser was reached.

    tie_seed_ : int
        Seed of the tie-breaking hash.

    n_features_in_ : int
        Number of labelling functions.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the labelling functions, if X had string column names.

    Warns
    -----
    WeakLabelWarning
        If fewer than three functions vote: agreement then cannot tell them apart
        and the answer is in effect the majority vote.
    ConvergenceWarning
        If `max_iter` is reached first.
    ClassCollapseWarning
        If a class is predicted for under 2 % of the covered training rows (under
        half of its balance, if that is less).

    See Also
    --------
    DawidSkene : Full likelihood in place of pairs, with EM.
    MajorityVote : Every function counts the same.

    Notes
    -----
    Abstentions carry no factor, so rows without a vote get the class balance. A
    vote that a function never cast in `fit` carries no factor either.

    The starting point has every vote right with probability `prior_precision`,
    :math:`\mu_0 = O_{ll} d_{ly} / \pi_y`. The ridge towards it is as small as it is
    because it has one task: to choose where the moments do not. With three or more
    classes they leave a rotation of :math:`\mu` open, with fewer than three
    functions, or functions that never vote on the same rows, the split of their
    agreement. What early stopping of a gradient descent does by accident, the
    ridge does on purpose and with one answer.

    :math:`\mu` is not held inside [0, 1] during the minimisation. Where functions
    depend on each other no table of probabilities reproduces the moments; a bound
    on the entries that leave the interval then moves all the others. Clipping
    after the fact leaves them alone. The factor of a vote, its probability under
    a class over its overall rate, is kept above 0.01 and below :math:`1 / \pi_y`:
    bounds relative to the rate, because absolute ones erase functions that vote
    rarely.

    The model believes that functions err independently given the class. Where they
    do not, the majority vote may be the better label model: compare both.

    References
    ----------
    .. [1] A. Ratner, B. Hancock, J. Dunnmon, F. Sala, S. Pandey and C. Ré,
       "Training complex models with multi-task weak supervision", AAAI 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.label_models import LabelModel
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(2, size=5000)
    >>> wrong = rng.random((5000, 4)) > [0.9, 0.8, 0.7, 0.6]
    >>> votes = np.where(wrong, 1 - y[:, None], y[:, None])
    >>> votes[rng.random(votes.shape) < 0.2] = -1
    >>> model = LabelModel().fit(votes)
    >>> model.accuracy_.round(1)
    array([0.9, 0.8, 0.7, 0.6])
    """

    _parameter_constraints: dict = {
        **_BaseLabelModel._parameter_constraints,
        "prior_precision": [Interval(Real, 0, 1, closed="neither")],
        "ridge": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        class_balance=None,
        prior_precision=0.7,
        ridge=1e-4,
        max_iter=1000,
        tol=1e-8,
        classes=None,
        random_state=None,
    ):
        self.class_balance = class_balance
        self.prior_precision = prior_precision
        self.ridge = ridge
        self.max_iter = max_iter
        self.tol = tol
        self.classes = classes
        self.random_state = random_state

    def _learn(self, codes, prior):
        m, n_classes = codes.shape[1], len(prior)
        # On matrices this small, waking BLAS's threads costs more than the products.
        with single_threaded_blas():
            agreement = agreement_matrix(codes, n_classes)
            rate = agreement.diagonal().reshape(m, n_classes, 1)
            diagonal = diagonal_table(n_classes, self.prior_precision)
            start = np.minimum(rate * diagonal / prior, 1.0)
            mu = self._minimise(agreement, prior, start)

        voting = rate > 0
        lift = np.divide(mu, rate, out=np.ones_like(mu), where=voting)
        lift = np.clip(lift, _MIN_LIFT, 1 / prior)
        self._log_lift = np.log(lift)
        joint = lift * prior
        self.precision_ = joint / joint.sum(axis=2, keepdims=True)
        self.mu_ = np.clip(mu, 0.0, 1.0)
        right = np.einsum("jyy,y->j", self.mu_, prior)
        cast = rate.sum(axis=(1, 2))
        self.accuracy_ = np.full(m, np.nan)
        np.divide(right, cast, out=self.accuracy_, where=cast > 0)
        np.minimum(self.accuracy_, 1.0, out=self.accuracy_)

        n_voting = np.count_nonzero(cast)
        if n_voting < 3:
            warnings.warn(
                f"{n_voting} of {m} functions cast a vote; it takes 3 for agreement "
                "to tell which of them is right. The prior decides, which is in "
                "effect the majority vote.",
                WeakLabelWarning,
                stacklevel=4,
            )
        covered = codes[(codes >= 0).any(axis=1)]
        self._warn_if_collapsed(self._posterior(covered), np.ones(len(covered)), prior)

    def _minimise(self, agreement, prior, start):
        m, n_classes, _ = start.shape
        start = start.reshape(m * n_classes, n_classes)

        def objective(flat):
            value, gradient = moment_objective(
                flat.reshape(start.shape), agreement, prior, m, start, self.ridge
            )
            return value, gradient.ravel()

        result = minimize(
            objective,
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            # ftol=0: the gradient decides, so that the answer does not depend on
            # the order of rows or functions beyond rounding.
            options={"maxiter": self.max_iter, "gtol": self.tol, "ftol": 0.0},
        )
        self.n_iter_ = int(result.nit)
        self.objective_ = float(result.fun)
        # A line search that can gain nothing more has met machine precision.
        self.converged_ = bool(np.abs(result.jac).max() <= max(self.tol, 1e-6))
        if not self.converged_:
            warnings.warn(
                f"L-BFGS stopped after {result.nit} iterations with a gradient of "
                f"{np.abs(result.jac).max():.1e}, tol={self.tol:g} "
                f"({result.message}). Raise `max_iter` or `tol`.",
                ConvergenceWarning,
                stacklevel=5,
            )
        return result.x.reshape(m, n_classes, n_classes)

    def _posterior(self, codes):
        return naive_bayes(codes, self._log_lift, np.log(self.class_prior_))[0]
