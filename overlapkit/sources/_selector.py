"""UCBSourceSelector: which data source to ask next, and a model of what it gave."""

import math
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_consistent_length

from overlapkit._utils.labels import known_labels
from overlapkit._utils.progress import CallbackSupportMixin
from overlapkit._utils.sklearn_compat import (
    HasMethods,
    Interval,
    StrOptions,
    _fit_context,
    _num_samples,
    get_tags,
)
from overlapkit.scorers._overlap_detector import OverlapDetector
from overlapkit.sources._checks import check_y, first_source
from overlapkit.sources._run import SourceRun
from overlapkit.sources._student import SourceStudent
from overlapkit.weak._model import weak_model_kind
from overlapkit.weak._views import check_features

__all__ = ["UCBSourceSelector"]


class UCBSourceSelector(
    CallbackSupportMixin, SourceRun, SourceStudent, ClassifierMixin, BaseEstimator
):
    r"""Choose which data source to query next, and train on what comes back.

    There are K sources of rows and money for T batches. Every batch that comes in says
    something about its source: how much of it is overlap, the rows from which a strong
    model can learn a hard pattern by weak labels. A policy weighs what looks best
    against what is little known, and names the source of the next batch. In the end a
    student is trained on what was collected.

    With the share :math:`\bar o(s)` of overlap rows among the :math:`n(s)` rows seen of
    source `s`, the default policy asks

    .. math:: \arg\max_s\; \bar o(s) + \sqrt{2 \log T / n(s)},

    and a source that was never asked comes first.

    **Pool mode**: ``fit(X, y, sources=...)`` plays all rounds on a pool of rows that
    are there already, drawn without replacement. **Live mode**:
    ``partial_fit(X, y, sources=...)`` takes one acquired batch at a time, and
    ``next_source_`` says whom to ask next. Decisions are the same in both, given the
    same batches. A live run can be stopped after any round, saved with joblib, loaded
    and continued: the generator is part of the fitted state.

    Parameters
    ----------
    estimator : classifier or WeakToStrongClassifier, default=None
        The student. A classifier is trained by a
        :class:`~overlapkit.WeakToStrongClassifier` with the weak model and the columns
        of the detector; one that is given is used with its own settings, and takes
        from the detector what it leaves unset. None: LightGBM.
    detector : OverlapDetector, default=None
        Reads the batches; its `weak_estimator`, `strong_columns` and `weak_columns`
        count for everything. None: ``OverlapDetector()``.
    policy : Policy, default=None
        One of :mod:`overlapkit.policies`. None: ``UCB()``.
    reward : Reward, default=None
        One of :mod:`overlapkit.sources`. None: ``OverlapDensity()``.
    n_rounds : int, default=25
        Number of rounds `T`.
    batch_size : int, default=None
        Rows asked for in a round. None: in pool mode, so many that the smallest source
        could serve every round; in live mode, whatever comes.
    reference : "first", "labeled" or tuple (X, y), default="first"
        Rows that the detector is fitted on, weak model, thresholds and hard rows; after
        that it only reads. ``"first"``: the batches of the first rounds, in which
        sources are asked in turn. ``"labeled"``: in pool mode, the rows whose label is
        known, which then are no part of the pool. A tuple: rows given for the
        purpose, such as the labelled rows of the weak model.
    n_reference_rounds : int, default=5
        Number of first rounds with ``reference="first"``. There are more when a
        source has not been asked by then, or the labels do not allow to fit the weak
        model.
    refit_rounds : tuple of int, default=()
        Rounds after which the detector is fitted again on everything collected (its
        weak model only with ``reference="first"``), and all batches are read again.
    train_on : {"collected", "overlap"}, default="collected"
        What the student learns from: all collected rows, or those detected as overlap.
    train_every : int or None, default=1
        In live mode, train the student after every so many rounds, and after the last
        one. None: after the last one only. Pool mode trains once.
    min_source_share : float, default=0.0
        Least share of the rounds of every source, in [0, 1 / K].
    min_class_share : float, default=0.0
        Least share of the collected rows of every weak class, in [0, 1 / n_classes].
        While a class has less, the source is asked that has most of it, whatever
        `min_source_share`.
    source_names : list, default=None
        Names of all sources. None: in pool mode, those in `sources`; in live mode,
        those that have sent a batch, so that the first source cannot be chosen.
    prices : array-like of shape (n_sources,), default=None
        Price of a row of each source, in the order of ``sources_``. Policies then rank
        by reward per unit of money, and cost and regret are in money.
    budget : float, default=None
        Money (without `prices`: rows) to be spent. A batch that costs more than is
        left is not asked for. None: no limit but `n_rounds`.
    densities : array-like of shape (n_sources,), default=None
        True overlap densities in the order of ``sources_``, for experiments: adds
        the pseudo-regret to ``history_``. No decision looks at them.
    shuffle : bool, default=True
        In pool mode, draw the rows of a source at random; False: in their order.
    missing_label : scalar, default=None
        What stands in y for "label unknown". None: as `detector` or `estimator` say;
        every label is known if they do not say either.
    n_jobs : int, default=None
        Passed on to detector and student.
    random_state : int, RandomState instance or None, default=None
        Draws the rows, breaks ties, and seeds detector and student.

    Attributes
    ----------
    sources_ : list
        Names of the sources.
    next_source_ : object
        Name of the source to ask next; None when the rounds or the budget are used up
        or no source is left. With `source_names`, it is there before the first batch.
    history_ : DataFrame
        A row per round: ``round``, ``source``, ``rows``, ``reward`` (mean of the
        batch), ``density`` (mean reward of all rows of this source so far) with its
        95 % Wilson interval ``density_low`` and ``density_high``, ``index_<source>``
        (what the policy decided by; NaN where it was not the policy that decided),
        ``overlap_ratio`` (detected overlap among all rows so far), ``share_<class>``
        (weak classes so far), ``cost`` (so far, in rows without `prices`) and, with
        `densities`, ``regret``.
    collected_ : Bunch
        All rows collected: ``X``, ``y`` (or None), ``source`` and ``round`` of each
        row, and ``overlap``, whether it was detected as overlap (None before
        there is a detector).
    collected_indices_ : ndarray of int
        In pool mode, positions in X of the collected rows, in their order.
    reference_indices_ : ndarray of int or None
        In pool mode with ``reference="labeled"``, positions in X of the reference.
    batch_size_ : int or None
        Rows asked for in a round.
    detector_ : OverlapDetector or None
        The fitted detector; None during the first rounds.
    estimator_ : WeakToStrongClassifier
        The fitted student.
    classes_ : ndarray of shape (n_classes,)
        The classes.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it has names.

    Raises
    ------
    ValueError
        In ``fit`` and ``partial_fit``, if a parameter does not suit the sources, a
        source is unknown, or a batch has another number of columns, missing values in
        the strong view, labels of the wrong kind, or rows of several sources. A batch
        that is refused leaves no trace: what was collected before is kept, and the next
        source stays the same.

    Warns
    -----
    SourceExhaustedWarning
        A source has no rows left; it is not asked again.
    ShortBatchWarning
        A source returned fewer rows than it was asked for. They are kept.
    UninformativeBatchWarning
        No row of a batch has a reward.
    WeakLabelWarning
        In live mode, the student could not be trained yet (a ValueError, such as for a
        single class): there is no ``estimator_`` until it can. In the last round, and
        for errors of any other kind, the error is raised instead, with a note that the
        batch was taken in.

    See Also
    --------
    overlapkit.policies : Whom to ask, as formulas.
    overlapkit.sources : What makes a batch worth having.
    overlapkit.inspection.SourceSelectionDisplay : Plots a run.
    overlapkit.theory.ucb_regret_bound : What UCB can lose at most.

    Notes
    -----
    A round reads its own batch only. Thresholds fitted anew in every batch carry no
    information, because a change point splits whatever it is given;
    :class:`~overlapkit.sources.BatchOverlapDensity` shows it.

    More overlap is not always more accuracy: a source dense in overlap may hold one
    class only. `min_source_share` and `min_class_share` protect against that, and
    :class:`~overlapkit.sources.StudentGain` rewards what a student can learn instead.

    With a `reference` that is given, the weak model is fitted there and labels the
    collected rows; their own labels are used by rewards only. With
    ``reference="first"`` the student's weak model learns from all collected labels,
    and labels those rows out of fold.

    References
    ----------
    .. [1] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025, arXiv:2412.03881.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from overlapkit import OverlapDetector, UCBSourceSelector
    >>> from overlapkit.datasets import make_overlap_sources
    >>> pool = make_overlap_sources(densities=[0.1, 0.5, 0.9], random_state=0)
    >>> selector = UCBSourceSelector(
    ...     LogisticRegression(),
    ...     detector=OverlapDetector(weak_columns=pool.easy_columns),
    ...     batch_size=20,
    ...     random_state=0,
    ... )
    >>> selector.fit(pool.X, pool.y, sources=pool.sources).score(pool.X, pool.y) > 0.7
    True
    >>> int(selector.history_["source"].value_counts().idxmax())  # the densest
    2
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "detector": [OverlapDetector, None],
        "policy": [HasMethods(["index"]), None],
        "reward": [HasMethods(["start", "score"]), None],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "reference": [StrOptions({"first", "labeled"}), tuple],
        "n_reference_rounds": [Interval(Integral, 1, None, closed="left")],
        "refit_rounds": ["array-like"],
        "train_on": [StrOptions({"collected", "overlap"})],
        "train_every": [Interval(Integral, 1, None, closed="left"), None],
        "min_source_share": [Interval(Real, 0, 1, closed="both")],
        "min_class_share": [Interval(Real, 0, 0.5, closed="both")],
        "source_names": ["array-like", None],
        "prices": ["array-like", None],
        "budget": [Interval(Real, 0, None, closed="neither"), None],
        "densities": ["array-like", None],
        "shuffle": ["boolean"],
        "missing_label": "no_validation",
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        detector=None,
        policy=None,
        reward=None,
        n_rounds=25,
        batch_size=None,
        reference="first",
        n_reference_rounds=5,
        refit_rounds=(),
        train_on="collected",
        train_every=1,
        min_source_share=0.0,
        min_class_share=0.0,
        source_names=None,
        prices=None,
        budget=None,
        densities=None,
        shuffle=True,
        missing_label=None,
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.detector = detector
        self.policy = policy
        self.reward = reward
        self.n_rounds = n_rounds
        self.batch_size = batch_size
        self.reference = reference
        self.n_reference_rounds = n_reference_rounds
        self.refit_rounds = refit_rounds
        self.train_on = train_on
        self.train_every = train_every
        self.min_source_share = min_source_share
        self.min_class_share = min_class_share
        self.source_names = source_names
        self.prices = prices
        self.budget = budget
        self.densities = densities
        self.shuffle = shuffle
        self.missing_label = missing_label
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, *, sources=None):
        """Play all rounds on a pool of rows, then train the student.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            The rows of all sources, both views side by side.
        y : array-like of shape (n_samples,), default=None
            Labels the weak model learns from; `missing_label` where unknown. Not
            needed with a given `reference`, or when the weak model needs none. A label
            is looked at when its row is drawn, not before (unless it is in the
            reference).
        sources : array-like of shape (n_samples,), default=None
            Source of each row. None: there is one source.

        Returns
        -------
        self : object
            The fitted selector.
        """
        if y is None and get_tags(self).target_tags.required:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but "
                "the target y is None: its weak model learns from labels."
            )
        context = self._init_callback_context(max_subtasks=self.n_rounds + 1)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        X = check_features(self, X, reset=True)
        y = check_y(X, y, self._marker())
        rows, reference = np.arange(_num_samples(X)), self.reference
        if sources is None:
            name = 0 if self.source_names is None else self.source_names[0]
            sources = np.full(len(rows), name)
        sources = column_or_1d(sources)
        check_consistent_length(X, sources)
        self.reference_indices_ = None
        if isinstance(reference, str) and reference == "labeled":
            rows, reference = self._set_labeled_aside(X, y)
        names = self._names_of(sources[rows])
        piles = [rows[sources[rows] == name] for name in names]
        size = self.batch_size
        if size is None:
            smallest = min(len(pile) for pile in piles if len(pile))
            size = math.ceil(smallest / self.n_rounds)
        self._begin(names, size, reference)
        self._add_classes(known_labels(y, self._marker(), len(rows))[1])
        if self.shuffle:
            rng = np.random.RandomState(self._seed)
            piles = [rng.permutation(pile) for pile in piles]
        self._play_pool(X, y, piles, context)
        context.call_on_fit_task_end(estimator=self, reconstruction_attributes={})
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y=None, *, sources=None, classes=None):
        """Take in one acquired batch and decide whom to ask next.

        An empty batch (no rows) says that the source has run dry: it is not asked
        again, and no round is counted.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_features)
            The rows of the batch.
        y : array-like of shape (n_rows,), default=None
            Their labels, as in :meth:`fit`.
        sources : str, int or array-like of shape (n_rows,), default=None
            The source the batch came from, once or per row. None: the one that was
            asked, ``next_source_``.
        classes : array-like of shape (n_classes,), default=None
            All classes, where the first batches may not hold each of them.

        Returns
        -------
        self : object
            The selector after this batch.
        """
        if isinstance(self.reference, str) and self.reference == "labeled":
            raise ValueError(
                "reference='labeled' needs the rows of a pool. In live mode give the "
                "labelled rows themselves: reference=(X, y)."
            )
        self._take_batch(X, y, sources, classes)
        return self

    @property
    def next_source_(self):
        """Name of the source to ask next, or None."""
        if hasattr(self, "_ledger"):
            k = self._ledger.next
            return None if k is None else self._ledger.names[k]
        if self.source_names is None:
            raise AttributeError(
                "Before the first batch, next_source_ needs source_names."
            )
        return first_source(self)

    def __sklearn_tags__(self):
        """Y is needed when the weak model learns from the labels of the pool."""
        tags = super().__sklearn_tags__()
        weak = getattr(self.detector, "weak_estimator", None)
        tags.target_tags.required = weak_model_kind(
            weak
        ) == "classifier" and not isinstance(self.reference, tuple)
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        return tags
