"""LabelCorrector: weak labels corrected with the help of some known ones."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    check_is_fitted,
    indexable,
)

from overlapkit._utils.base import LinkedEstimator
from overlapkit._utils.checks import (
    check_consistent_length,
    column_or_1d,
    validate_data,
)
from overlapkit._utils.labels import (
    MISSING_LABEL,
    check_labels,
    complete_labels,
    is_missing,
    known_labels,
)
from overlapkit._utils.scoring import KnownScoreMixin
from overlapkit._utils.sklearn_compat import (
    HasMethods,
    Interval,
    _fit_context,
    _num_features,
)
from overlapkit._utils.threads import N_JOBS
from overlapkit.label_models._majority_vote import MajorityVote
from overlapkit.students._correction import (
    known_folds,
    learn_sources,
    worth_in_words,
)
from overlapkit.students._learner import Learner
from overlapkit.students._stack import vote_evidence, vote_matrix
from overlapkit.students._training import check_weight, default_strong_estimator

__all__ = ["LabelCorrector"]


class LabelCorrector(KnownScoreMixin, LinkedEstimator):
    r"""Correct weak labels with the help of some known ones.

    A model of the known labels, a student of the weak labels, and the votes
    themselves each say something about the class of a row. How much each is to be
    believed is learned from the known labels, held out of the model that judges them.
    Votes that are useless get a coefficient near 0; votes that are wrong in a
    consistent way are reversed.

    With the log-probabilities g of the known labels' model (out of fold on known
    rows), w of the weak labels' student, and the evidence e of the votes,

    .. math::

        P(y \mid i) \propto \exp\bigl(b_y + a_g g_{iy} + a_w w_{iy} + a_e e_{iy}
        \bigr), \qquad a \ge 0

    where a and b maximise the likelihood of the known labels with the penalty
    :math:`\tfrac12 \lVert a - a_0 \rVert^2 + \tfrac12 \lVert b \rVert^2`, and

    .. math::

        e_{iy} = \sum_j \log \frac{\hat P(y \mid \text{vote } L_{ij})}{\pi_y}

    centred over the classes and clipped to [-8, 8]. The probabilities
    :math:`\hat P` come from the corrected labels of the round before, so that votes on
    all rows count, not only those on known rows.

    Parameters
    ----------
    estimator : classifier, default=None
        The student, fitted on known labels, in folds and on all of them, and on weak
        labels. Without ``predict_proba``, its ``decision_function`` or its predictions
        are used. None: LightGBM.
    n_rounds : int, default=3
        Rounds in which the meaning of votes is read off the corrected labels.
    missing_label : scalar, default=None
        What stands in y for "label unknown", and in `weak_labels` for "no weak label".
        None: every label is known.
    cv : int, splitter or iterable, default=5
        Folds of the known labels.
    n_jobs : int, default=None
        Folds fitted at once.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds, breaks ties of votes, and seeds the default estimator.

    Attributes
    ----------
    corrected_labels_ : ndarray of shape (n_samples,)
        Label of each row of ``fit``; known ones are kept.
    corrected_proba_ : ndarray of shape (n_samples, n_classes)
        Its probabilities; 1 for a known label.
    coef_ : ndarray of shape (n_sources,)
        Coefficients of the stack, in the order of `sources_`.
    intercept_ : ndarray of shape (n_classes,)
        Its intercepts.
    sources_ : tuple of str
        "known labels" and, where they are there, "weak labels" and "votes".
    shares_ : ndarray of shape (n_sources,)
        Share of each source in the evidence for the corrected labels: its coefficient
        times its standard deviation over the rows, divided by the sum.
    summary_ : str
        The shares in words; says so if weak labels or votes add next to nothing.
    lifts_ : ndarray of shape (n_functions, n_classes, n_classes) or None
        ``lifts_[j, l, y]``: what a vote of function j for class l adds to the
        log-probability of class y, before `coef_`. None without votes.
    known_estimator_ : classifier
        The model of the known labels.
    weak_estimator_ : classifier or None
        The student of the weak labels; None without weak labels.
    classes_ : ndarray of shape (n_classes,)
        The classes.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it has names.

    Raises
    ------
    ValueError
        In ``fit``, if no label is known, known labels are of one class, or weak labels
        or votes name a class of which no label is known.

    Warns
    -----
    WeakLabelWarning
        If no known label can be held out.

    See Also
    --------
    overlapkit.label_models.MajorityVote : Weak labels from votes alone.
    overlapkit.scorers.CutStatisticScorer : Which corrected labels to train on.

    Notes
    -----
    The lifts compare :math:`P(y \mid \text{vote})` with the prior, instead of
    :math:`P(\text{vote} \mid y)`: a function that votes for one class only has
    likelihood 1 whatever the class, once it votes.

    Weak labels that a model learned from these very known labels are no independent
    source; give out-of-fold weak labels for known rows in that case.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5, 1992.
    .. [2] L. Breiman, "Stacked regressions", Machine Learning 24, 1996: non-negative
       coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from overlapkit.students import LabelCorrector
    >>> rng = np.random.RandomState(0)
    >>> truth = rng.randint(0, 2, size=500)
    >>> X = rng.normal(size=(500, 5)) + truth[:, None]
    >>> right = rng.uniform(size=(500, 4)) < 0.8
    >>> votes = np.where(right, truth[:, None], 1 - truth[:, None])
    >>> y = np.where(np.arange(500) < 40, truth, -1)
    >>> corrector = LabelCorrector(
    ...     LogisticRegression(), missing_label=-1, random_state=0
    ... ).fit(X, y, votes=votes)
    >>> corrector.sources_
    ('known labels', 'weak labels', 'votes')
    >>> bool(np.mean(corrector.corrected_labels_ == truth) > 0.9)
    True
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "missing_label": MISSING_LABEL,
        "cv": ["cv_object"],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        n_rounds=3,
        missing_label=None,
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.n_rounds = n_rounds
        self.missing_label = missing_label
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X, y, *, weak_labels=None, votes=None, sample_weight=None, groups=None
    ):
        """Learn how far each source is to be believed, and correct all labels.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            The columns the student sees.
        y : array-like of shape (n_samples,)
            Known labels, `missing_label` elsewhere.
        weak_labels : array-like of shape (n_samples,), default=None
            A weak label of each row, `missing_label` where there is none. None: the
            majority of the `votes`, if there are any.
        votes : array-like or sparse matrix of shape (n_samples, n_functions), \
                default=None
            Votes of labelling functions, in the forms that label models read: k for
            ``classes_[k]`` or names of classes, -1, NaN or an empty cell for none.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative, for the student, the coefficients and the
            lifts.
        groups : array-like of shape (n_samples,), default=None
            Known rows of one group are held out together.

        Returns
        -------
        self : object
            The fitted corrector.
        """
        X = validate_data(self, X, dtype="numeric", ensure_all_finite="allow-nan")
        y = check_labels(y, self.missing_label)
        check_consistent_length(X=X, y=y, weak_labels=weak_labels, groups=groups)
        X, y, weak_labels, groups = indexable(X, y, weak_labels, groups)
        sample_weight = check_weight(sample_weight, X)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        is_known, labels = known_labels(y, self.missing_label, len(y))
        known = np.flatnonzero(is_known)
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs known labels of two classes at least; y "
                f"holds {len(labels)} known label(s) of {len(self.classes_)} class(es):"
                f" {self.classes_.tolist()}."
            )
        codes = np.searchsorted(self.classes_, labels)
        self._reader = None  # of votes
        if votes is not None:
            check_consistent_length(X=X, votes=votes)
            model = MajorityVote(classes=self.classes_.tolist(), random_state=seed)
            self._reader = model.fit(votes)
        weak_codes = self._weak_codes(weak_labels, votes, len(y))
        if votes is not None:
            votes = self._reader.codes(votes)
        estimator = self.estimator
        if estimator is None:
            estimator = default_strong_estimator(self.n_jobs, seed)
        learner = Learner(estimator, X, self.classes_, sample_weight)
        others = [weak_codes, votes, sample_weight]
        folds = known_folds(
            learner.take(known),
            codes,
            self.cv,
            seed,
            groups=None if groups is None else np.asarray(groups)[known],
            others=lambda some: [o[known[some]] for o in others if o is not None],
        )
        sources = learn_sources(
            learner,
            known,
            codes,
            folds,
            weak_codes,
            votes,
            n_jobs=self.n_jobs,
        )
        self.known_estimator_ = sources.known_model
        self.weak_estimator_ = sources.weak_model
        correction = sources.correct(self.n_rounds)
        self._stack = correction.stack
        self._table = correction.lifts
        self.coef_, self.intercept_ = self._stack.coef, self._stack.intercept
        self.sources_, self.shares_ = correction.sources, correction.shares
        self.summary_ = worth_in_words(self.sources_, self.shares_)
        n_classes = len(self.classes_)
        self.lifts_ = None
        if self._table is not None:
            self.lifts_ = self._table.reshape(-1, n_classes, n_classes)
        self.corrected_proba_ = correction.proba
        self.corrected_labels_ = self.classes_[correction.codes]
        return self

    def correct(self, X, *, votes=None) -> tuple[np.ndarray, np.ndarray]:
        """Labels and probabilities of any rows, from what ``fit`` learned.

        Labels of the rows of ``fit`` itself, known ones kept, are in
        `corrected_labels_`.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            As in fit.
        votes : array-like of shape (n_samples, n_functions), default=None
            Their votes; needed if fit had votes.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The most probable classes.
        proba : ndarray of shape (n_samples, n_classes)
            Class probabilities.

        Raises
        ------
        ValueError
            If votes are missing although ``fit`` had them, or the other way round, or
            are of another number of functions.
        """
        check_is_fitted(self)
        X = validate_data(
            self, X, dtype="numeric", ensure_all_finite="allow-nan", reset=False
        )
        if (votes is None) != (self._table is None):
            had, now = ("no ", "some") if self._table is None else ("", "none")
            raise ValueError(
                f"fit had {had}votes and correct got {now}: give the votes of the same "
                "functions in both, -1 where a function does not vote."
            )
        if votes is not None:
            check_consistent_length(X=X, votes=votes)
        learner = Learner(None, X, self.classes_)
        columns = [learner.log_proba(self.known_estimator_)]
        if self.weak_estimator_ is not None:
            columns.append(learner.log_proba(self.weak_estimator_))
        if votes is not None:
            if _num_features(votes) != len(self.lifts_):
                raise ValueError(
                    f"votes has {_num_features(votes)} columns, fit had "
                    f"{len(self.lifts_)}: give the votes of the same functions in the "
                    "same order."
                )
            codes = self._reader.codes(votes)
            matrix = vote_matrix(codes, len(self.classes_))
            columns.append(vote_evidence(matrix, self._table))
        proba = self._stack.proba(columns)
        return self.classes_[proba.argmax(axis=1)], proba

    def predict(self, X, *, votes=None):
        """Corrected label of any rows, as in ``correct``.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            As in fit.
        votes : array-like of shape (n_samples, n_functions), default=None
            Their votes; needed if fit had votes.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The most probable classes.
        """
        return self.correct(X, votes=votes)[0]

    def predict_proba(self, X, *, votes=None):
        """Class probabilities of any rows, as in ``correct``.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            As in fit.
        votes : array-like of shape (n_samples, n_functions), default=None
            Their votes; needed if fit had votes.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Class probabilities.
        """
        return self.correct(X, votes=votes)[1]

    def _weak_codes(self, weak_labels, votes, n_rows) -> np.ndarray:
        """Positions in `classes_` of the weak labels, -1 where there is none."""
        if weak_labels is None:
            if votes is None:
                return np.full(n_rows, -1)
            majority = np.searchsorted(self.classes_, self._reader.predict(votes))
            return np.where(self._reader.covered(votes), majority, -1)
        weak_labels = column_or_1d(weak_labels, name="weak_labels")
        covered = ~is_missing(weak_labels, self.missing_label)
        given = complete_labels(weak_labels[covered], "weak_labels")
        extra = np.setdiff1d(given, self.classes_).tolist()
        if extra:
            raise ValueError(
                f"weak_labels hold classes of which no label is known: {extra[:10]}; "
                f"labels are known of {self.classes_.tolist()[:10]}. Give a known "
                "label of every class, or leave such rows out."
            )
        codes = np.full(len(weak_labels), -1, dtype=np.intp)
        codes[covered] = np.searchsorted(self.classes_, given)
        return codes

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
