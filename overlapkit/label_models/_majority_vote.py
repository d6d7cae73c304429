"""Majority vote."""

from overlapkit._utils.sklearn_compat import _fit_context
from overlapkit.label_models._base import _BaseLabelModel
from overlapkit.label_models._votes import vote_shares


class MajorityVote(_BaseLabelModel):
    r"""Share of the votes that every class received.

    Every labelling function counts the same, and so does every copy of one. It has
    nothing to estimate and so nothing to overfit: the baseline that a label model has
    to beat.

    .. math::

        P(y \mid \lambda) = \frac{\sum_j 1\{\lambda_j = y\}}
                                 {\sum_j 1\{\lambda_j \ne -1\}}

    Parameters
    ----------
    class_balance : array-like of shape (n_classes,), default=None
        Probability of every class on rows where all functions abstain; positive,
        summing to 1. None: uniform.

    tie_policy : {"balance", "random", "abstain"}, default="balance"
        What `predict` returns where classes are equally probable. "balance": on rows
        without a vote a class drawn for each row following the class balance,
        otherwise a tied class chosen by a hash of the votes. "random": each tied class
        with equal probability, drawn for each row. "abstain": `missing_label`.

    missing_label : scalar, default=None
        Value of `y` that stands for an unknown label. Nothing is learnt from labels but
        the names of the classes.

    classes : array-like of shape (n_classes,), default=None
        Sorted labels that the vote codes stand for. None: the distinct values of
        `y` if it is passed to `fit`, else the integers from 0 to the largest vote
        (at least 0 and 1).

    random_state : int, RandomState instance or None, default=None
        Seed of ties in `predict`; drawn once, in `fit`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels; a vote k means ``classes_[k]``.

    class_prior_ : ndarray of shape (n_classes,)
        Class balance used on rows without a vote.

    tie_seed_ : int
        Seed of the tie-breaking hash.

    n_features_in_ : int
        Number of labelling functions.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the labelling functions, if X had string column names.

    See Also
    --------
    DawidSkene : Weighs functions by confusion matrices estimated with EM.
    LabelModel : Weighs functions by how often pairs of them agree.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.label_models import MajorityVote
    >>> votes = np.array([[0, 0, 1], [1, -1, 1], [-1, -1, -1]])
    >>> model = MajorityVote(classes=["ham", "spam"]).fit(votes)
    >>> model.predict_proba(votes).round(2)
    array([[0.67, 0.33],
           [0.  , 1.  ],
           [0.5 , 0.5 ]])
    >>> model.covered(votes)
    array([ True,  True, False])
    """

    def __init__(
        self,
        *,
        class_balance=None,
        tie_policy="balance",
        missing_label=None,
        classes=None,
        random_state=None,
    ):
        self.class_balance = class_balance
        self.tie_policy = tie_policy
        self.missing_label = missing_label
        self.classes = classes
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, classes=None):
        """Check a further batch of rows; there is nothing to learn from it.

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
        self._start_batch(X, y, classes)
        return self

    def _learn(self, votes, prior, labelled):
        """Nothing is learnt: a vote counts what it counts."""

    def _posterior(self, votes):
        return vote_shares(votes.counts(), self.class_prior_)
