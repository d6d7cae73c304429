"""MeTaL's label model: matrix completion on the agreement of pairs of functions."""

from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from overlapkit._utils.sklearn_compat import Interval, StrOptions, _fit_context
from overlapkit._utils.threads import single_threaded_blas
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import WeakLabelWarning
from overlapkit.label_models import _known, _moments
from overlapkit.label_models._base import Labelled, _BaseLabelModel
from overlapkit.label_models._votes import diagonal_table, softmax

# A vote never speaks against a class more than this factor below its average: an
# estimate of zero, or below, from finite data would veto the class.
_MIN_LIFT = 0.01


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
            \prod_{j: \lambda_j \ne -1} \left(\frac{\hat\mu_{(j, \lambda_j), y}}
                {O_{(j, \lambda_j), (j, \lambda_j)}}\right)^{1 / c_j}

    where :math:`\mu_0` takes every vote to be right with the same probability, and
    :math:`c_j` is the number of functions that vote as function j does on every row.

    Parameters
    ----------
    class_balance : array-like of shape (n_classes,), default=None
        Class balance :math:`\pi`, positive, summing to 1. None: uniform.

    prior_precision : float, default=0.7
        Probability that a vote is right in :math:`\mu_0`, between 0 and 1. It breaks
        the symmetry between the classes, so it should exceed one over their number.

    ridge : "auto" or float, default="auto"
        Weight :math:`\rho` of the distance to :math:`\mu_0`, in units of squared
        probabilities, not negative. "auto": small (1e-4) if functions agree as
        independent ones would, large (twice the sum of squared vote rates) if 0.2 % or
        more of their agreement (`dependence_`) remains unexplained, linear in between.

    label_strength : float, default=10.0
        Number of labelled votes that the precision learnt without labels counts for
        where known labels correct it, positive.

    variant : {"guarded", "metal"}, default="guarded"
        "metal": the label model of the paper and of Snorkel. Rates are taken over all
        rows, those without a vote among them; functions that never vote on a common
        row are compared, too; equal functions count as several; and ``ridge="auto"``
        is 1e-4.

    max_iter : int, default=1000
        Most iterations of L-BFGS.

    tol : float, default=1e-8
        L-BFGS stops when no entry of the gradient exceeds this.

    tie_policy : {"balance", "random", "abstain"}, default="balance"
        What `predict` returns where classes are equally probable. "balance": on rows
        without a vote a class drawn for each row following the class balance,
        otherwise a tied class chosen by a hash of the votes. "random": each tied class
        with equal probability, drawn for each row. "abstain": `missing_label`.

    missing_label : scalar, default=None
        Value of `y` that stands for an unknown label. If it is given, `fit` learns
        from the labels that are known. None: labels only name the classes.

    classes : array-like of shape (n_classes,), default=None
        Sorted labels that the vote codes stand for. None: the distinct values of
        `y` if it is passed to `fit`, else the integers from 0 to the largest vote
        (at least 0 and 1).

    random_state : int, RandomState instance or None, default=None
        Seed of ties in `predict`; drawn once, in `fit`. The fit itself is
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

    dependence_ : float
        Share of the squared rates of joint votes that independent functions do not
        explain, beyond what sampling rows adds; NaN unless ``ridge="auto"`` and
        ``variant="guarded"``.

    ridge_ : float
        Ridge :math:`\rho` that was used.

    copies_ : ndarray of shape (n_functions,)
        Number of functions, with itself, whose votes are those of the function.

    labels_used_ : bool
        Whether known labels correct the precisions.

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
    VoteWarning
        If a vote is learnt to make another class more probable than its own, or
        covered rows whose votes agree get another class.
    WeakLabelWarning
        If fewer than three functions vote: agreement then cannot tell them apart
        and the answer is in effect the majority vote. If the known labels are all of
        one class: they are not used.
    ConvergenceWarning
        If `max_iter` is reached first.
    ClassCollapseWarning
        If a class is predicted for under 2 % of the covered training rows (under
        half of its balance, if that is less).

    See Also
    --------
    DawidSkene : Full likelihood in place of pairs, with EM.
    MajorityVote : Every function counts the same.
    vote_summary : What each function does, in a table.

    Notes
    -----
    **Independence and its failure.** The model believes that functions err
    independently given the class. Where they do not, its estimates are wrong in a way
    that agreement cannot show, and may turn right functions round. With
    ``ridge="auto"`` the model measures how much of the agreement independence leaves
    unexplained, and the more it is, the closer functions stay to their votes: in the
    limit every vote counts the same, and the estimates only decide between classes
    with equally many votes. The thresholds were chosen on real sets by leaving out one
    set at a time; `python -m benchmarks label-models` repeats that.

    **Rows without a vote** change nothing: rates are taken over the other rows, and
    over as many rows without a vote as independent functions would leave (at most as
    many again). Such rows get the class balance. So does a vote that was never cast in
    `fit`.

    **Functions that never meet**, neither directly nor through others, are fitted
    apart: that two functions never vote on the same row is most often a matter of what
    they look for. A function that meets no other keeps :math:`\mu_0`.

    **Copies.** Functions with the same vote on every row of `fit` count as one
    together. Functions that are nearly equal count as several independent ones;
    `vote_summary` names them.

    **Known labels** correct the probability that a vote is right, in proportion to the
    labelled votes: (`label_strength` x learnt + counted) / (`label_strength` + number).
    They are used only if the labelled rows, each judged by the labels of the others,
    are then right more often, by two rows and two standard errors; else they change
    nothing (`labels_used_`). This assumes that labelled rows were chosen at random.

    The starting point is :math:`\mu_0 = O_{ll} d_{ly} / \pi_y`. :math:`\mu` is not held
    inside [0, 1] during the minimisation: where functions depend on each other no table
    of probabilities reproduces the moments, and a bound on the entries that leave the
    interval would move all the others. The factor of a vote, its probability under a
    class over its overall rate, is kept above 0.01 and below :math:`1 / \pi_y`: bounds
    relative to the rate, because absolute ones erase functions that vote rarely.

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
        "ridge": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "label_strength": [Interval(Real, 0, None, closed="neither")],
        "variant": [StrOptions({"guarded", "metal"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
    }
    # Equally good functions differ by what L-BFGS leaves.
    _tie_tolerance = 1e-5

    def __init__(
        self,
        *,
        class_balance=None,
        prior_precision=0.7,
        ridge="auto",
        label_strength=10.0,
        variant="guarded",
        max_iter=1000,
        tol=1e-8,
        tie_policy="balance",
        missing_label=None,
        classes=None,
        random_state=None,
    ):
        self.class_balance = class_balance
        self.prior_precision = prior_precision
        self.ridge = ridge
        self.label_strength = label_strength
        self.variant = variant
        self.max_iter = max_iter
        self.tol = tol
        self.tie_policy = tie_policy
        self.missing_label = missing_label
        self.classes = classes
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, classes=None):
        """Learn from a further batch of rows; batches equal the whole.

        The model needs nothing of a row but how often votes occur together, and the
        votes of rows whose label is known: these are kept, all other rows are not. So
        after every batch the model is that of `fit` on all rows so far. What needs all
        rows at once is left out: the warning of classes that are hardly predicted, and
        that of votes that agree and are overruled.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_functions)
            Votes, as in `fit`.

        y : array-like of shape (n_samples,), default=None
            Labels, as in `fit`.

        classes : array-like of shape (n_classes,), default=None
            Sorted labels of all classes; needed in the first call, unless the
            parameter `classes` holds them.

        Returns
        -------
        self : object
            The fitted label model.
        """
        votes, labelled, first = self._start_batch(X, y, classes)
        pairs = self._count(votes)
        if not first:
            pairs = self._pairs + pairs
            labelled = _joined(self._all_labelled, labelled)
        self._pairs, self._all_labelled = pairs, labelled
        self._fit_pairs(pairs, self.class_prior_, labelled)
        self._warn_if_misleading(self.precision_ / self.class_prior_, pairs.cast())
        return self

    def _learn(self, votes, prior, labelled):
        pairs = self._count(votes)
        self._pairs, self._all_labelled = pairs, labelled
        self._fit_pairs(pairs, prior, labelled)
        covered = votes.covered().astype(np.float64)
        posterior = self._posterior(votes)
        self._warn_if_misleading(
            self.precision_ / prior, pairs.cast(), votes, posterior
        )
        self._warn_if_collapsed(posterior, covered, prior)

    def _count(self, votes):
        # On matrices this small, waking BLAS's threads costs more than the products.
        with single_threaded_blas():
            return _moments.PairCounts.of(votes)

    def _fit_pairs(self, pairs, prior, labelled):
        """Everything that follows from pair counts and rows of known labels."""
        paper = self.variant == "metal"
        m = pairs.n_functions
        cast = pairs.cast()
        first = np.arange(m) if paper else pairs.copies()
        self.copies_ = np.bincount(first, minlength=m)[first]

        with single_threaded_blas():
            mu, share = self._minimise(pairs, first, prior)
        kept = np.flatnonzero(first == np.arange(m))
        mu = mu[np.searchsorted(kept, first)]
        n_rows = pairs.n_rows if paper else pairs.n_covered
        rate = (cast * share / max(n_rows, 1))[:, :, None]
        voting = rate > 0
        lift = np.divide(mu, rate, out=np.ones_like(mu), where=voting)
        lift = np.clip(lift, _MIN_LIFT, 1 / prior)
        joint = lift * prior
        self.precision_ = joint / joint.sum(axis=2, keepdims=True)
        self.labels_used_ = self._join_labels(self._usable(labelled), prior)
        if self.labels_used_:
            mu = self.precision_ * rate / prior
        self._log_lift = np.log(self.precision_ / prior) / self.copies_[:, None, None]
        self.mu_ = np.clip(mu, 0.0, 1.0)
        right = np.einsum("jyy,y->j", self.mu_, prior)
        votes = rate.sum(axis=(1, 2))
        self.accuracy_ = np.full(m, np.nan)
        np.divide(right, votes, out=self.accuracy_, where=votes > 0)
        np.minimum(self.accuracy_, 1.0, out=self.accuracy_)

        n_voting = np.count_nonzero(cast[kept].any(axis=1))
        if n_voting < 3:
            warn(
                f"{n_voting} of {m} functions cast votes that are not those of another "
                "one; it takes 3 for agreement to tell which of them is right. The "
                "prior decides, which is in effect the majority vote.",
                WeakLabelWarning,
            )

    def _minimise(self, pairs, first, prior):
        """Solution for functions without copies, and the share of covered rows."""
        settings = {"max_iter": self.max_iter, "tol": self.tol}
        n_classes = len(prior)
        diagonal = diagonal_table(n_classes, self.prior_precision)
        automatic = isinstance(self.ridge, str)
        self.dependence_ = np.nan
        self.ridge_ = _moments.LIGHT_RIDGE if automatic else self.ridge
        if self.variant == "metal":
            share = 1.0
            moments = pairs.counts / max(pairs.n_rows, 1)
            rates = moments.diagonal().reshape(-1, n_classes)
            start = _moments.starting_point(rates, prior, diagonal)
            groups = np.zeros(pairs.n_functions, dtype=np.intp)
            result = _moments.solve(
                moments, groups, prior, start, self.ridge_, **settings
            )
        else:
            moments, groups, _ = _moments.distinct_moments(pairs, first)
            result, share = _moments.solve_with_share(
                moments, groups, prior, diagonal, self.ridge_, **settings
            )
        if automatic and self.variant != "metal":
            self.dependence_ = _moments.unexplained_agreement(
                moments * share, groups, prior, result.mu, max(pairs.n_covered, 1)
            )
            weight = min(1.0, self.dependence_ / _moments.FULL_SHRINKAGE_AT)
            if weight > 0:
                # What independence implies is worth as much as independence is.
                share = 1 - (1 - weight) * (1 - share)
                rates = moments.diagonal().reshape(-1, n_classes) * share
                heavy = _moments.HEAVY_RIDGE * float((rates**2).sum())
                self.ridge_ = (1 - weight) * _moments.LIGHT_RIDGE + weight * heavy
                start = _moments.starting_point(rates, prior, diagonal)
                result = _moments.solve(
                    moments * share, groups, prior, start, self.ridge_, **settings
                )
        self.n_iter_, self.objective_ = result.n_iter, result.value
        # A line search that can gain nothing more has met machine precision.
        self.converged_ = bool(result.gradient <= max(self.tol, 1e-6))
        if not self.converged_:
            warn(
                f"L-BFGS stopped after {result.n_iter} iterations with a gradient of "
                f"{result.gradient:.1e}, tol={self.tol:g} "
                f"({result.message}). Raise `max_iter` or `tol`.",
                ConvergenceWarning,
            )
        return result.mu, share

    def _join_labels(self, labelled, prior) -> bool:
        """Let known labels correct `precision_`; return whether they do."""
        if labelled is None:
            return False
        counts = _known.label_counts(labelled, len(prior))
        weights = 1 / self.copies_
        without = labelled.votes.scores(
            np.log(self.precision_ / prior) * weights[:, None, None]
        )
        right = _known.right_shares(softmax(without + np.log(prior))[0], labelled.codes)
        joined = _known.right_without_own(
            self.precision_, counts, labelled, prior, self.label_strength, weights
        )
        if not _known.labels_help(joined, right):
            return False
        self.precision_ = _known.join_labels(
            self.precision_, counts, self.label_strength
        )
        return True

    def _posterior(self, votes):
        scores = votes.scores(self._log_lift)
        scores += np.log(self.class_prior_)
        return softmax(scores)[0]


def _joined(first, second):
    """Labelled rows of two batches."""
    if first is None or second is None:
        return second if first is None else first
    return Labelled(
        first.votes.append(second.votes), np.concatenate([first.codes, second.codes])
    )
