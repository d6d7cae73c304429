"""Dawid and Skene's model of the outcomes of every labelling function."""

from copy import copy
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from overlapkit._kernels import votes as kernels
from overlapkit._utils.sklearn_compat import Interval, StrOptions
from overlapkit._utils.threads import run_tiles, single_threaded_blas, steps
from overlapkit._utils.warnings import warn
from overlapkit.label_models import _moments
from overlapkit.label_models._base import _BaseLabelModel
from overlapkit.label_models._known import labels_help
from overlapkit.label_models._votes import (
    diagonal_table,
    right_shares,
    vote_shares,
)

_LEAST_ABSTENTION = 0.01
_ROWS_OF_A_BLOCK = 1 << 17  # whose posteriors a thread computes at a time


class DawidSkene(_BaseLabelModel):
    r"""Outcome probabilities per labelling function, estimated with regularised EM.

    An outcome of a function is a vote, or no vote: a function that seldom fires on a
    class tells something of the class by not firing. Rows on which trusted functions
    agree tell how the others err; how they err tells which to trust. Starting from the
    majority vote, EM alternates between the posterior of the classes and the tables

    .. math::

        \theta_{jvy} = P(\lambda_j = v \mid y) = \frac
        {\sum_i 1\{\lambda_{ij} = v\}\, q_{iy} + s\, d_{jvy}}
        {\sum_i q_{iy} + u_y + s}, \qquad
        q_{iy} \propto \pi_y \prod_{j: \lambda_{ij} \ne -1} \theta_{j \lambda_{ij} y}
        \prod_{j: \lambda_{ij} = -1} \theta_{j, -1, y}^{\,1 - w}

    over the rows with a vote. The numbers :math:`u_y` of rows of each class that got no
    vote are expected ones, so that leaving out such rows does not bias the tables. d
    are the outcomes of a function with the observed vote rates of function j whose
    votes are right with probability `prior_accuracy`, and s imaginary rows have them.
    :math:`w` is the `shrinkage`.

    Parameters
    ----------
    class_balance : array-like, "estimate" or None, default=None
        Class prior :math:`\pi`. None: uniform and fixed; an array: that, fixed;
        "estimate": re-estimated in every round from the covered rows, with one
        imaginary row per class (read Notes first).

    smoothing : float, default=1.0
        Number of imaginary rows per class at no shrinkage, positive.

    prior_accuracy : float, default=0.7
        Share of the imaginary votes that are right, between 0 and 1.

    shrinkage : "auto" or float, default="auto"
        Distrust :math:`w` of the independence of functions, between 0 and 1. It
        weakens what abstentions say, and adds as many imaginary rows as w times the
        number of covered rows, shared by the classes. "auto": 0 if functions agree as
        independent ones would, 1 if 0.2 % or more of their agreement (`dependence_`)
        remains unexplained, linear in between.

    max_iter : int, default=1000
        Most rounds of EM.

    tol : float, default=1e-5
        EM stops when no posterior probability moved by more than this.

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

    confusion_ : ndarray of shape (n_functions, n_classes + 1, n_classes)
        ``confusion_[j, v, y]``: probability that function j votes v on a row of class
        y; the last v is no vote. Sums to one over v.

    accuracy_ : ndarray of shape (n_functions,)
        Estimated probability that a cast vote is right; NaN for a function that
        never voted.

    dependence_ : float
        Share of the squared rates of joint votes that independent functions do not
        explain, beyond what sampling rows adds; NaN unless ``shrinkage="auto"``.

    shrinkage_ : float
        Shrinkage that was used.

    copies_ : ndarray of shape (n_functions,)
        Number of functions, with itself, whose votes are those of the function.

    groups_ : ndarray of shape (n_functions,)
        Number of the group of functions that meet, directly or through others.

    labels_used_ : bool
        Whether known labels take part in the fit.

    class_prior_ : ndarray of shape (n_classes,)
        Class prior that the posterior uses.

    log_posterior_ : float
        Maximised objective: log-likelihood of the votes of the covered rows, given
        that they are covered, plus the logarithm of the priors without their
        constants. EM raises it in every round if shrinkage is 0 and functions are one
        group.

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
    VoteWarning
        If a vote is learnt to make another class more probable than its own, or
        covered rows whose votes agree get another class.
    ConvergenceWarning
        If `max_iter` is reached first.
    ClassCollapseWarning
        If a class is predicted for under 2 % of the covered training rows (under
        half of its balance, if that is less).
    WeakLabelWarning
        If the known labels are all of one class: they are not used.

    See Also
    --------
    LabelModel : Closed statistics of pairs in place of EM.
    MajorityVote : Every function counts the same.
    vote_summary : What each function does, in a table.

    Notes
    -----
    **Abstentions.** If most functions vote for one class only, as keyword rules do,
    what they vote says nothing of the class beyond that they vote: abstentions have to
    be modelled, or every probability is near one half. Rows without any vote are left
    out of the fit, change nothing in it, and get the class prior.

    **Groups.** Functions that never vote on a common row, neither directly nor through
    others, belong to different groups. A row says something of the functions of a group
    only if one of them votes on it: the abstention of functions that look for something
    else is no evidence.

    **Dependence.** Functions share their mistakes, and abstentions most of all: many
    functions that look for the same thing are silent together. With
    ``shrinkage="auto"`` the tables are pulled to the prior, and abstentions count for
    less, as far as independence fails to explain the agreement of functions. Functions
    with the same vote on every row of `fit` count as one together.

    The class prior is fixed by default because EM reads agreement beyond independence
    as a sign of one large class; a free prior then grows with that class, round after
    round, until it holds nearly every row. A fixed prior cuts this loop; more smoothing
    alone does not.

    **Known labels** fix the posterior of their rows. They are used only if labelled
    rows, each judged by tables without its own label, are then right more often, by two
    rows and two standard errors; else they change nothing.

    EM runs on the distinct rows, weighted by how often they occur, so there is no
    `partial_fit`: `LabelModel` has one.

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
        "shrinkage": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        class_balance=None,
        smoothing=1.0,
        prior_accuracy=0.7,
        shrinkage="auto",
        max_iter=1000,
        tol=1e-5,
        tie_policy="balance",
        missing_label=None,
        classes=None,
        random_state=None,
    ):
        self.class_balance = class_balance
        self.smoothing = smoothing
        self.prior_accuracy = prior_accuracy
        self.shrinkage = shrinkage
        self.max_iter = max_iter
        self.tol = tol
        self.tie_policy = tie_policy
        self.missing_label = missing_label
        self.classes = classes
        self.random_state = random_state

    def _learn(self, votes, prior, labelled):
        covered = np.flatnonzero(votes.covered())
        patterns, counts = votes.take(covered).distinct()
        with single_threaded_blas():
            pairs = _moments.PairCounts.of(votes)
        self.groups_ = pairs.groups()
        first = pairs.copies()
        self.copies_ = np.bincount(first, minlength=len(first))[first]
        self.dependence_, self.shrinkage_ = np.nan, self.shrinkage
        if isinstance(self.shrinkage, str):
            self.shrinkage_ = 0.0
            assumed = prior
            if isinstance(self.class_balance, str):
                assumed = _EM(self, patterns, counts, pairs.cast(), prior).run().prior
            self.dependence_ = _moments.dependence(
                pairs, first, assumed, diagonal_table(len(prior), self.prior_accuracy)
            )
            self.shrinkage_ = min(1.0, self.dependence_ / _moments.FULL_SHRINKAGE_AT)

        em = _EM(self, patterns, counts, pairs.cast(), prior)
        result = em.run()
        self.labels_used_ = False
        labelled = self._usable(labelled)
        if labelled is not None:
            known = em.with_labels(labelled)
            other = known.run()
            right = right_shares(result.posterior_of(labelled.votes), labelled.codes)
            if labels_help(known.right_without_own(labelled), right):
                em, result, self.labels_used_ = known, other, True

        self.n_iter_, self.converged_ = result.n_iter, result.converged
        if not self.converged_:
            warn(
                f"EM did not converge in max_iter={self.max_iter} rounds: a posterior "
                f"still moved by {result.change:.1e}, tol={self.tol:g}. Raise "
                "`max_iter` or `smoothing`.",
                ConvergenceWarning,
            )
        self._tables = result
        none = 1 - result.theta.sum(axis=1, keepdims=True)
        self.confusion_ = np.concatenate([result.theta, none], axis=1)
        self.class_prior_ = result.prior
        self.log_posterior_ = result.log_posterior
        right = np.einsum("jyy,y->j", result.theta, result.prior)
        share = np.einsum("jly,y->j", result.theta, result.prior)
        self.accuracy_ = np.where(pairs.cast().any(axis=1), right / share, np.nan)
        posterior = result.posterior_of(patterns)
        self._warn_if_misleading(
            result.theta, pairs.cast(), patterns, posterior, counts
        )
        self._warn_if_collapsed(posterior, counts, prior)

    def _posterior(self, votes):
        return self._tables.posterior_of(votes)

    def _resolve_class_balance(self, n_classes):
        if isinstance(self.class_balance, str):
            return np.full(n_classes, 1 / n_classes)
        return super()._resolve_class_balance(n_classes)


class _Tables:
    """Outcome probabilities and what a posterior needs of them."""

    def __init__(self, theta, prior, silence, groups, weights):
        self.theta, self.prior, self.groups = theta, prior, groups
        none = 1 - theta.sum(axis=1)
        self.log_none = np.log(none) * weights[:, None]
        log_none = silence * self.log_none
        n_groups = groups.max(initial=-1) + 1
        # Logarithm of the probability that no function of a group votes.
        self.log_silent = np.zeros((n_groups, len(prior)))
        np.add.at(self.log_silent, groups, log_none)
        self.lift = np.log(theta) * weights[:, None, None] - log_none[:, None, :]

    def without_vote(self):
        """Probability of each class and of no vote at all."""
        return self.prior * np.exp(self.log_none.sum(axis=0))

    def posterior_of(self, votes):
        shape = votes.shape[0], len(self.prior)
        posterior, tops = np.zeros(shape), np.empty(shape[0])
        self.update(votes.one_hot(), np.ones(shape[0]), posterior, tops)
        return posterior

    def update(self, hot, counts, posterior, tops):
        """Set the posterior of rows, and the score of the most probable class of each.

        Returns the largest change of a posterior, and how often each vote is cast, and
        rows are, by class.
        """
        n_classes = len(self.prior)
        blocks = list(steps(hot.shape[0], _ROWS_OF_A_BLOCK))
        seen = np.zeros((len(blocks), hot.shape[1], n_classes))
        rows, change = np.zeros((len(blocks), n_classes)), np.zeros(len(blocks))
        lift = self.lift.reshape(-1, n_classes)
        group, log_prior = np.repeat(self.groups, n_classes), np.log(self.prior)

        def task(start, stop):
            block = start // _ROWS_OF_A_BLOCK
            change[block] = kernels.update_posterior(
                hot.indptr[start : stop + 1],
                hot.indices,
                lift,
                group,
                self.log_silent,
                log_prior,
                counts[start:stop],
                posterior[start:stop],
                tops[start:stop],
                seen[block],
                rows[block],
            )

        # blocks of one size on any machine: sums do not depend on the threads
        if len(blocks) > 1:
            run_tiles(task, blocks, None)
        elif blocks:
            task(*blocks[0])
        return change.max(initial=0.0), seen.sum(axis=0), rows.sum(axis=0)


class _EM:
    """Expectation and maximisation over distinct rows."""

    def __init__(self, model, patterns, counts, cast, prior):
        self.model, self.patterns, self.counts = model, patterns, counts
        self.cast, self.prior = cast, prior
        self.weights = 1 / model.copies_
        self.one_vote = self.weights[:, None, None] * np.eye(len(prior))
        self.hot = patterns.one_hot()
        self.silence = 1 - model.shrinkage_
        self.n_rows = counts.sum()
        n_classes = len(prior)
        self.strength = model.smoothing + model.shrinkage_ * self.n_rows / n_classes
        self.imaginary = self._imaginary(cast, n_classes)
        self.label_votes, self.label_rows = 0.0, 0.0
        self.without_label = counts
        self.estimate = isinstance(model.class_balance, str)

    def _imaginary(self, cast, n_classes):
        """Outcomes of a function with these vote rates and the prior accuracy."""
        # A class that is never voted for still has a right vote, if a rare one.
        rates = np.maximum(cast / max(self.n_rows, 1), 1e-6)
        table = diagonal_table(n_classes, self.model.prior_accuracy)
        votes = rates[:, :, None] * table * n_classes
        none = np.maximum(1 - rates.sum(axis=1), _LEAST_ABSTENTION)[:, None, None]
        return votes / (votes.sum(axis=1, keepdims=True) + none)

    def with_labels(self, labelled):
        """Copy in which the posterior of labelled rows is their label."""
        other = copy(self)
        n_classes = len(self.prior)
        truth = np.eye(n_classes)[labelled.codes]
        hot = labelled.votes.one_hot().astype(np.float64)
        other.label_votes = (hot.T @ truth).reshape(-1, n_classes, n_classes)
        other.label_rows = truth.sum(axis=0)
        # Labelled rows leave the patterns that they are among.
        all_votes = self.patterns.append(labelled.votes)
        _, inverse = np.unique(row_keys(all_votes), return_inverse=True)
        n = self.patterns.shape[0]
        place = np.zeros(inverse.max() + 1, dtype=np.intp)
        place[inverse[:n]] = np.arange(n)
        taken = np.bincount(place[inverse[n:]], minlength=n)
        other.without_label = np.maximum(self.counts - taken, 0.0)
        return other

    def run(self):
        """Alternate until no posterior moves."""
        model, patterns = self.model, self.patterns
        # Copies of a function share one vote, in the start as in all that follows.
        posterior = vote_shares(patterns.scores(self.one_vote), self.prior)
        tops = np.empty(len(posterior))
        weights = posterior * self.without_label[:, None]
        seen, rows = np.zeros((self.hot.shape[1], len(self.prior))), weights.sum(axis=0)
        kernels.column_sums(self.hot.indptr, self.hot.indices, weights, seen)
        prior, tables, change = self.prior, None, np.inf
        n_iter, converged = 0, False
        while n_iter < model.max_iter and not converged:
            n_iter += 1
            theta = self.theta(seen, rows + self.label_rows, tables)
            if self.estimate:
                total = rows + 1
                prior = total / total.sum()
            tables = _Tables(theta, prior, self.silence, model.groups_, self.weights)
            self.last_seen, self.last_rows = seen, rows
            change, seen, rows = tables.update(
                self.hot, self.without_label, posterior, tops
            )
            converged = bool(change <= model.tol)
        tables.n_iter, tables.converged, tables.change = n_iter, converged, change
        tables.log_posterior = self._log_posterior(tables, posterior, tops)
        self.tables = tables
        return tables

    def theta(self, seen, rows, tables):
        seen = seen.reshape(self.imaginary.shape) + self.label_votes
        if tables is not None and self.silence > 0:
            # Rows without a vote that must have been there, by class.
            none = tables.without_vote()
            unseen = self.n_rows * none / max(1 - none.sum(), 1e-3)
            rows = rows + self.silence * unseen
        theta = seen + self.strength * self.imaginary
        theta /= rows + self.strength
        top = theta.sum(axis=1, keepdims=True)
        # Always voting is never certain.
        return theta * np.minimum(1.0, (1 - 1e-9) / top)

    def right_without_own(self, labelled):
        """Whether labelled rows are right by tables without their own label."""
        n_classes = len(self.prior)
        out = np.empty(len(labelled))
        rows = self.last_rows + self.label_rows
        for i, code in enumerate(labelled.codes):
            votes = labelled.votes.take([i])
            part = copy(self)
            own = np.zeros((votes.one_hot().shape[1], n_classes))
            own[votes.one_hot().indices, code] = 1
            part.label_votes = self.label_votes - own.reshape(self.imaginary.shape)
            theta = part.theta(
                self.last_seen, rows - np.eye(n_classes)[code], self.tables
            )
            tables = _Tables(
                np.maximum(theta, 1e-12),
                self.tables.prior,
                self.silence,
                self.model.groups_,
                self.weights,
            )
            out[i] = right_shares(tables.posterior_of(votes), [code])[0]
        return out

    def _log_posterior(self, tables, posterior, tops):
        # log sum exp of the scores: the largest of them has probability exp(top) / sum
        evidence = tops - np.log(posterior.max(axis=1, initial=0.0))
        none = min(tables.without_vote().sum(), 1 - 1e-12)
        value = self.counts @ evidence - self.n_rows * np.log1p(-none)
        outcomes = np.concatenate(
            [tables.theta, 1 - tables.theta.sum(axis=1, keepdims=True)], axis=1
        )
        expected = np.concatenate(
            [self.imaginary, 1 - self.imaginary.sum(axis=1, keepdims=True)], axis=1
        )
        value += self.strength * (expected * np.log(outcomes)).sum()
        if self.estimate:
            value += np.log(tables.prior).sum()
        return float(value)


def row_keys(votes):
    """A number per row that is equal for equal rows."""
    hot = votes.one_hot()
    rng = np.random.default_rng(0)
    keys = rng.integers(2**63, size=hot.shape[1], dtype=np.uint64)
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(keys[hot.indices])])
    return total[hot.indptr[1:]] - total[hot.indptr[:-1]]
