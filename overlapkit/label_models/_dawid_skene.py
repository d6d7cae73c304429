"""Dawid and Skene's model of the confusions of every labelling function."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from overlapkit._utils.sklearn_compat import Interval, StrOptions
from overlapkit.label_models._base import _BaseLabelModel
from overlapkit.label_models._votes import (
    diagonal_table,
    distinct_rows,
    expected_votes,
    naive_bayes,
    vote_shares,
)


class DawidSkene(_BaseLabelModel):
    r"""Confusion matrix per labelling function, estimated with regularised EM.

    Rows on which trusted functions agree tell how the others err; how they err
    tells whom to trust. Starting from the majority vote, EM alternates between the
    posterior of the classes and the confusion matrices

    .. math::

        \theta_{jly} = P(\lambda_j = l \mid y, \lambda_j \ne -1) = \frac
        {\sum_i 1\{\lambda_{ij} = l\}\, q_{iy} + s\, d_{ly}}
        {\sum_i 1\{\lambda_{ij} \ne -1\}\, q_{iy} + s}, \qquad
        q_{iy} \propto \pi_y \prod_{j: \lambda_{ij} \ne -1} \theta_{j \lambda_{ij} y}

    where d has `prior_accuracy` on its diagonal and the rest spread evenly: `s`
    imaginary votes per function and class, a Dirichlet prior towards the diagonal.

    Parameters
    ----------
    class_balance : array-like, "estimate" or None, default=None
        Class prior :math:`\pi`. None: uniform and fixed; an array: that, fixed;
        "estimate": re-estimated in every round from the covered rows, with one
        imaginary row per class (read Notes first).

    smoothing : float, default=1.0
        Number s of imaginary votes per function and class, positive.

    prior_accuracy : float, default=0.7
        Share of the imaginary votes that are right, between 0 and 1.

    max_iter : int, default=1000
        Most rounds of EM.

    tol : float, default=1e-5
        EM stops when no posterior probability moved by more than this.

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

    confusion_ : ndarray of shape (n_functions, n_classes, n_classes)
        ``confusion_[j, l, y]``: probability that function j, when it votes on a row
        of class y, votes l. Columns sum to one.

    class_prior_ : ndarray of shape (n_classes,)
        Class prior that the posterior uses.

    log_posterior_ : float
        Maximised objective: log-likelihood of the votes given where they were cast,
        plus the logarithm of the priors without their constants.

    n_iter_ : int
        Rounds of EM done.

    converged_ : bool
        Whether `tol` was reached.

    tie_seed_ : int
        Seed of the tie-breaking hash.

    n_features_in_ : int
        Number of labelling functions.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the labelling functions, if X had string column names.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` is reached first.
    ClassCollapseWarning
        If a class is predicted for under 2 % of the covered training rows (under
        half of its balance, if that is less).

    See Also
    --------
    LabelModel : Closed statistics of pairs in place of EM.
    MajorityVote : Every function counts the same.

    Notes
    -----
    An abstention counts as missing: it says nothing about the class, and rows
    without a vote get the class prior. A model that reads abstentions as a further
    vote must label such rows, which are most rows of a sparse set, by who kept
    silent.

    The class prior is fixed by default because labelling functions share their
    mistakes. EM reads agreement beyond independence as a sign of one large class; a
    free prior then grows with that class, round after round, until it holds nearly
    every row. A fixed prior cuts this loop; more smoothing alone does not.

    EM runs on the distinct rows, weighted by how often they occur. With one
    function, or two, the confusions cannot be identified; the start and the prior
    then decide, and the answer is close to the majority vote.

    References
    ----------
    .. [1] A. P. Dawid and A. M. Skene, "Maximum likelihood estimation of observer
       error-rates using the EM algorithm", Applied Statistics 28, 1979.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.label_models import DawidSkene
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(2, size=5000)
    >>> wrong = rng.random((5000, 4)) > [0.9, 0.8, 0.7, 0.6]
    >>> votes = np.where(wrong, 1 - y[:, None], y[:, None])
    >>> model = DawidSkene().fit(votes)
    >>> model.confusion_[:, [0, 1], [0, 1]].mean(axis=1).round(1)
    array([0.9, 0.8, 0.7, 0.6])
    """

    _parameter_constraints: dict = {
        **_BaseLabelModel._parameter_constraints,
        "class_balance": ["array-like", StrOptions({"estimate"}), None],
        "smoothing": [Interval(Real, 0, None, closed="neither")],
        "prior_accuracy": [Interval(Real, 0, 1, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        class_balance=None,
        smoothing=1.0,
        prior_accuracy=0.7,
        max_iter=1000,
        tol=1e-5,
        classes=None,
        random_state=None,
    ):
        self.class_balance = class_balance
        self.smoothing = smoothing
        self.prior_accuracy = prior_accuracy
        self.max_iter = max_iter
        self.tol = tol
        self.classes = classes
        self.random_state = random_state

    def _learn(self, codes, prior):
        patterns, counts = distinct_rows(codes[(codes >= 0).any(axis=1)])
        expected_at_start = prior
        imaginary = self.smoothing * diagonal_table(len(prior), self.prior_accuracy)
        estimate = isinstance(self.class_balance, str)
        posterior = vote_shares(patterns, prior)
        self.n_iter_, self.converged_ = 0, False
        while self.n_iter_ < self.max_iter and not self.converged_:
            self.n_iter_ += 1
            weights = posterior * counts[:, None]
            theta = expected_votes(patterns, weights) + imaginary
            theta /= theta.sum(axis=1, keepdims=True)
            if estimate:
                prior = (weights.sum(axis=0) + 1) / (counts.sum() + len(prior))
            previous = posterior
            posterior, evidence = naive_bayes(patterns, np.log(theta), np.log(prior))
            change = np.abs(posterior - previous).max(initial=0.0)
            self.converged_ = bool(change <= self.tol)
        if not self.converged_:
            warnings.warn(
                f"EM did not converge in max_iter={self.max_iter} rounds: a posterior "
                f"still moved by {change:.1e}, tol={self.tol:g}. Raise `max_iter` or "
                "`smoothing`.",
                ConvergenceWarning,
                stacklevel=4,
            )
        self.confusion_ = theta
        self.class_prior_ = prior
        self.log_posterior_ = float(
            counts @ evidence
            + (imaginary * np.log(theta)).sum()
            + (np.log(prior).sum() if estimate else 0.0)
        )
        self._warn_if_collapsed(posterior, counts, expected_at_start)

    def _posterior(self, codes):
        log_prior = np.log(self.class_prior_)
        return naive_bayes(codes, np.log(self.confusion_), log_prior)[0]

    def _resolve_class_balance(self, n_classes):
        if isinstance(self.class_balance, str):
            return np.full(n_classes, 1 / n_classes)
        return super()._resolve_class_balance(n_classes)
