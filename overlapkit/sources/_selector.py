"""UCBSourceSelector: choose the next data source, and train on what was collected."""

import math
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from overlapkit._utils.base import LinkedEstimator
from overlapkit._utils.labels import MISSING_LABEL
from overlapkit._utils.progress import CallbackSupportMixin, fit_task
from overlapkit._utils.scoring import KnownScoreMixin
from overlapkit._utils.sklearn_compat import (
    HasMethods,
    Interval,
    StrOptions,
    _fit_context,
    _num_samples,
    _safe_indexing,
)
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import WeakLabelWarning
from overlapkit.policies import UCB
from overlapkit.scorers._overlap_detector import OverlapDetector
from overlapkit.sources._checks import (
    changed_params,
    check_reward,
    check_unchanged,
    check_y,
    check_y_given,
    frozen_names,
    frozen_prices,
    union_of_classes,
    warn_of_cost,
    warn_of_exhaustion,
    warn_of_marker,
    warn_of_short_batch,
)
from overlapkit.sources._collection import Collection
from overlapkit.sources._pool import Pool
from overlapkit.sources._reading import Fitting, Reader
from overlapkit.sources._rewards import OverlapDensity
from overlapkit.sources._run import Rules, SourceRun
from overlapkit.sources._student import check_student, train_student, unknown_label
from overlapkit.students._prediction import StudentMixin
from overlapkit.weak._model import weak_model_kind
from overlapkit.weak._views import check_features

__all__ = ["UCBSourceSelector"]

# parameters that a run cannot change, once it has a batch
_FIXED = ("detector", "reward", "reference", "n_reference_rounds", "missing_label",
          "random_state")  # fmt: skip


class UCBSourceSelector(
    CallbackSupportMixin,
    StudentMixin,
    KnownScoreMixin,
    LinkedEstimator,
):
    r"""Choose which data source to query next, and train a student on the rows.

    There are K data sources and a budget of T batches. Each batch is evidence on its
    source: the overlap density, that is the share of rows from which a strong model can
    learn a hard pattern by weak labels. A policy trades off exploitation and
    exploration and selects the next source. In the end a student is trained on all
    rows collected.

    With the share :math:`\bar o(s)` of overlap rows among the :math:`n(s)` rows seen of
    source `s`, the default policy selects

    .. math:: \arg\max_s\; \bar o(s) + \sqrt{2 \log T / n(s)},

    after every source was queried once.

    **Pool mode**: ``fit(X, y, sources=...)`` plays all rounds on a pool of rows, drawn
    without replacement. **Live mode**: ``partial_fit(X, y, sources=...)`` takes one
    acquired batch at a time, and ``next_source_`` is the source to query next. Both
    modes make the same decisions on the same batches. A live run can be stopped after
    any round and continued, saved with joblib or, without pickle, by :meth:`to_dict`
    and :meth:`from_dict`: the random generator is part of the state.

    Parameters
    ----------
    estimator : classifier or WeakToStrongClassifier, default=None
        The student. A classifier is trained by a
        :class:`~overlapkit.WeakToStrongClassifier` with the weak model and the columns
        of the detector. A WeakToStrongClassifier keeps its own settings and takes those
        it leaves unset from the detector; a pipeline or search around one is refused.
        None: LightGBM.
    detector : OverlapDetector, default=None
        Detects the overlap rows of each batch. Its `weak_estimator`, `strong_columns`
        and `weak_columns` are used for the student, too. None: ``OverlapDetector()``.
    policy : Policy, default=None
        One of :mod:`overlapkit.policies`. None: ``UCB()``.
    reward : Reward, default=None
        One of :mod:`overlapkit.sources`. None: ``OverlapDensity()``.
    n_rounds : int, default=25
        Number of rounds `T`.
    batch_size : int, default=None
        Number of rows a source is asked for. None: in pool mode, so many that the
        smallest source has enough rows for every round; in live mode, batches have any
        size.
    reference : "first", "labeled" or tuple (X, y), default="first"
        Rows that the detector (weak model, thresholds and hard rows) is fitted on.
        ``"first"``: the batches of the first rounds, in which sources are queried in
        turn. ``"labeled"``: in pool mode, the rows whose label is known, which are then
        not part of the pool. A tuple: other rows, such as the labelled rows of the weak
        model.
    n_reference_rounds : int, default=5
        Number of first rounds with ``reference="first"``. There are more if a source
        has not been queried by then, or the weak model cannot be fitted on the labels.
    refit_rounds : tuple of int, default=()
        Rounds after which the detector is fitted again on all rows collected (its weak
        model only with ``reference="first"``); all batches are then evaluated again.
    train_on : {"collected", "overlap"}, default="collected"
        Rows the student is trained on: all rows collected, or those detected as
        overlap.
    train_every : int or None, default=1
        In live mode, train the student after every `train_every` rounds, and after the
        last one. None: after the last one only. Pool mode trains once.
    min_source_share : float, default=0.0
        Least share of the rounds of every source, in [0, 1 / K].
    min_class_share : float, default=0.0
        Least share of the rows of every weak class, in [0, 1 / n_classes]. While a
        class has less, the source with the largest share of this class is queried;
        this has precedence over `min_source_share`.
    source_names : list, default=None
        Names of all sources. None: in pool mode, those in `sources`; in live mode,
        those that have sent a batch, so that the first source cannot be chosen. Between
        two batches, a name that is added joins, and one that is removed is withdrawn:
        it is not queried any more, and its rows are kept.
    prices : dict, array-like of shape (n_sources,) or callable, default=None
        Price of a row of each source: a dict from name to price, or numbers in the
        order of ``sources_`` (withdrawn sources included), or a function that is given
        the number of the round, from 1, and returns one of these. Policies then rank
        sources by reward per price, and ``cost`` is the sum of prices.
    budget : float, default=None
        Largest total cost (without `prices`: number of rows). A source is queried only
        if a batch of `batch_size` rows costs no more than what is left. In live mode
        without `batch_size`, a source is queried while a single row is affordable, and
        ``next_rows_`` is the number of rows that can be paid: a run that asks for no
        more never exceeds the budget. A larger batch is kept; ``cost`` shows it, and a
        warning says by how much the budget is exceeded. None: no limit.
    worth : float, default=None
        Worth of a row of reward 1, in the currency of `prices`. A source whose reward
        cannot pay its price is not queried: `worth` times the upper end of the 95 %
        interval of its density, ``density_high`` of ``sources_frame_``, is less than
        its price. The run stops when that holds for every source. None: the run goes on
        while there are rounds and money.
    shuffle : bool, default=True
        In pool mode, draw the rows of a source at random. False: in their order, for
        sources that change over time.
    missing_label : scalar, default=None
        Value in y for "label unknown". None: that of `detector` or `estimator`; if they
        have none either, every label is known.
    n_jobs : int, default=None
        Passed on to detector and student.
    random_state : int, RandomState instance or None, default=None
        Draws the rows, breaks ties, and seeds detector and student.

    Attributes
    ----------
    sources_ : list
        Names of the sources.
    next_source_ : object
        Name of the source to query next; None if all rounds were played, the budget is
        used up, no source has rows left, or none is worth its price. With
        `source_names`, it is defined before the first batch.
    next_rows_ : int or None
        Number of rows to ask the next source for: `batch_size`, or else as many as the
        budget pays; None if there is no limit, or no next source.
    sources_frame_ : DataFrame
        One line per source, indexed by name: ``rounds``, ``rows``, ``spent``,
        ``density`` with its 95 % Wilson interval ``density_low`` and ``density_high``,
        ``purity`` (share of right weak labels among rows with a known label), last
        ``index``, and ``state``: "next", "open", "exhausted", "withdrawn", "too dear"
        (for what is left of the budget) or "not worth its price".
    history_ : DataFrame
        One line per round: ``round``, ``source``, ``rows``, ``reward`` (mean of the
        batch), ``density`` (mean reward of all rows of this source so far) with its
        95 % Wilson interval ``density_low`` and ``density_high``, ``index_<source>``
        (the policy's index; NaN in rounds that the policy did not decide
        and for a source that could not be queried),
        ``overlap_ratio`` (share of detected overlap in all rows so far),
        ``share_<class>`` (weak classes so far), ``cost`` (so far; rows without
        `prices`) and ``event`` (what was changed after this round and before the next
        one, such as a new price, a source that joined, was withdrawn or has no rows
        left; else empty).
    collected_ : Bunch
        All rows collected: ``X``, ``y`` (or None), ``source`` and ``round`` of each
        row, and ``overlap``, whether it was detected as overlap (None before the
        detector is fitted).
    collected_indices_ : ndarray of int
        In pool mode, positions in X of the collected rows, in their order.
    reference_indices_ : ndarray of int or None
        In pool mode with ``reference="labeled"``, positions in X of the reference.
    batch_size_ : int or None
        Number of rows a source is asked for.
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
        that is refused changes nothing: earlier rows are kept, and the next source
        stays the same.
    TypeError
        If `policy` has no method ``index``.

    Warns
    -----
    SourceWarning
        A source has no rows left and is not queried again; or it returned fewer rows
        than it was asked for, which are kept; or no row of a batch has a reward; or,
        in live mode, a batch exceeds the budget.
    WeakLabelWarning
        In live mode, the student cannot be trained yet (a ValueError, for example
        because there is a single class): there is no ``estimator_`` until it can. In
        the last round, and for errors of any other kind, the error is raised, with a
        note that the batch is kept.

    See Also
    --------
    overlapkit.policies : Policies, with their formulas.
    overlapkit.sources : Rewards of a batch.
    overlapkit.inspection.SourceSelectionDisplay : Plot of a run.
    overlapkit.metrics.cumulative_regret : Regret of a run on known densities.
    overlapkit.theory.ucb_regret_bound : Upper bound on the regret of UCB.

    Notes
    -----
    A batch is evaluated once, when it comes in, with thresholds that were fitted
    before. Thresholds fitted anew in every batch would not be comparable, because a
    change point splits any values in two.

    More overlap is not always more accuracy: a source with much overlap may hold one
    class only. `min_source_share` and `min_class_share` protect against that, and
    :class:`~overlapkit.sources.StudentGain` rewards the accuracy of a student instead.

    With a `reference` that is given, the weak model is fitted there and labels the
    collected rows; their own labels are used by rewards only. With
    ``reference="first"`` the student's weak model learns from all collected labels,
    and labels those rows out of fold.

    Between two batches, and after the last round, `n_rounds`, `budget`, `prices`,
    `worth`, `policy`, `batch_size`, `source_names` and the least shares can be changed
    with ``set_params``: the next decision follows the new values, the column ``event``
    of ``history_`` says so, and the ``cost`` of earlier rounds stays. With
    a larger `n_rounds`, a run that had ended continues. Parameters that earlier rounds
    depend on (`detector`, `reward`, `reference`, `n_reference_rounds`,
    `missing_label`, `random_state`) cannot be changed; ``partial_fit`` then raises an
    error. Where true densities are known,
    ``cumulative_regret(densities, history_["source"].map(sources_.index))`` is the
    pseudo-regret after each round.

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
        "policy": "no_validation",  # a string has a method index, too
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
        "prices": [dict, "array-like", callable, None],
        "budget": [Interval(Real, 0, None, closed="neither"), None],
        "worth": [Interval(Real, 0, None, closed="neither"), None],
        "shuffle": ["boolean"],
        "missing_label": MISSING_LABEL,
        "n_jobs": [
            Interval(Integral, None, -1, closed="right"),
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
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
        worth=None,
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
        self.worth = worth
        self.shuffle = shuffle
        self.missing_label = missing_label
        self.n_jobs = n_jobs
        self.random_state = random_state

    # -- pool mode -------------------------------------------------------------------
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
            is used only once its row is drawn (unless the row is in the reference).
        sources : array-like of shape (n_samples,), default=None
            Source of each row. None: there is one source.

        Returns
        -------
        self : object
            The fitted selector.
        """
        check_y_given(y, self)
        check_student(self.estimator, self.train_on)
        context = self._init_callback_context(max_subtasks=self.n_rounds + 1)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        X = check_features(self, X, reset=True)
        y, known = check_y(X, y, self._unknown_label())
        if not _is_given(self.reference):
            warn_of_marker(known, self._unknown_label())
        labeled, reference = _is_labeled(self.reference), self.reference
        pool = Pool(X, y, known, sources, self.source_names, labeled)
        if labeled:
            reference = _safe_indexing(X, pool.labelled), y[pool.labelled]
        size = self.batch_size or math.ceil(pool.smallest / self.n_rounds)
        state = self._new_state(pool.left, ready=_is_given(reference), asked=size)
        self._begin(state, reference)
        self.reference_indices_ = pool.labelled
        self.classes_ = union_of_classes(self.classes_, known.labels)
        if self.shuffle:
            pool.shuffle(self._state.seed)
        self._play(pool, context)
        self.collected_indices_ = np.concatenate(pool.drawn)
        if self.detector_ is None:  # it was not possible before
            self._enter(self._state.fitted(self._fitting()))
        with fit_task(context, self, "train the student"):
            self._train()
        context.call_on_fit_task_end(estimator=self, reconstruction_attributes={})
        return self

    def _play(self, pool, context):
        """Draw batches from a pool, to the last round."""
        size, only = self._state.asked, len(pool.left) == 1
        fitting = self._fitting()
        while (name := self._state.run.next) is not None:
            n_rows = min(size, len(pool.left[name]))
            if n_rows == 0:
                self._retire(name, silent=only)
                continue
            if n_rows < size and not only:
                warn_of_short_batch(name, n_rows, size)
            with fit_task(context, self, "round"):
                batch = pool.draw(name, size)
                self._enter(self._state.with_batch(*batch, name, fitting))
        if not pool.drawn:
            raise ValueError(
                f"No batch was drawn: budget={self.budget} does not buy {size} rows of "
                "any source. Raise budget, or lower batch_size."
            )

    # -- live mode -------------------------------------------------------------------
    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y=None, *, sources=None, classes=None):
        """Take one acquired batch and decide on the next source.

        An empty batch (no rows) means that the source has no rows left: it is not
        queried again, and no round is counted.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_features)
            The rows of the batch.
        y : array-like of shape (n_rows,), default=None
            Their labels, as in :meth:`fit`.
        sources : str, int or array-like of shape (n_rows,), default=None
            The source of the batch, as one name or one per row. None: the source in
            ``next_source_``.
        classes : array-like of shape (n_classes,), default=None
            All classes, if the first batches may not hold each of them.

        Returns
        -------
        self : object
            The selector after this batch.
        """
        if _is_labeled(self.reference):
            raise ValueError(
                "reference='labeled' needs the rows of a pool. In live mode give the "
                "labelled rows themselves: reference=(X, y)."
            )
        self._validate_params()  # they may have changed since the last batch
        check_student(self.estimator, self.train_on)
        self._state = self._current_state()
        if self._state.batches is None:
            self._begin(self._state, self.reference)
        run = self._state.run
        n_rows = _num_samples(X)
        name = run.name_of(sources, n_rows)
        if n_rows == 0:
            if name in run.names:
                self._retire(name)
            return self
        # a first batch that is refused does not fix the columns of the next one
        fresh = not self._state.has_rows and self._state.reader.reference is None
        X = check_features(self, X, reset=fresh)
        fitting = self._fitting()
        marker = fitting.missing_label
        y, known = check_y(X, y, marker)
        if y is None and marker is not None:
            y = np.full(n_rows, marker)
        self._state.batches.check(X, y)
        check_y_given(y, self)
        merged = union_of_classes(self.classes_, classes, known.labels)
        size = run.rules.batch_size
        if size is not None and n_rows < size:
            warn_of_short_batch(name, n_rows, size)
        self._enter(self._state.with_batch(X, y, known, name, fitting))
        # positions in a pool do not cover the rows of a batch
        vars(self).pop("collected_indices_", None)
        self.classes_ = merged
        before, run, every = run.spent, self._state.run, self.train_every
        warn_of_cost(run, before=before)
        if run.next is None or (every is not None and run.t % every == 0):
            self._train_after_batch()
        return self

    def _train_after_batch(self):
        """Train the student; before the last round, it need not be possible yet."""
        for name in ("estimator_", "_trained_batches"):
            vars(self).pop(name, None)
        try:
            self._train()
        except Exception as error:
            # the batch is paid for and entered: sending it again would count it twice
            error.add_note("The batch is kept, in `collected_`: do not send it again.")
            run = self._state.run
            if run.next is None or not isinstance(error, ValueError):
                raise
            warn(
                f"The student could not be trained after round {run.t}; its "
                f"batch is kept. {error}",
                WeakLabelWarning,
            )

    # -- the run ---------------------------------------------------------------------
    def _rules(self, batch_size):
        """Parameters of the next decision, as they are now."""
        return Rules(
            policy=UCB() if self.policy is None else self.policy,
            n_rounds=self.n_rounds,
            min_source_share=self.min_source_share,
            min_class_share=self.min_class_share,
            prices=frozen_prices(self.prices),
            budget=self.budget,
            batch_size=batch_size,
            source_names=frozen_names(self.source_names),
            worth=self.worth,
        )

    def _fixed_params(self):
        """Parameters that earlier rounds depend on, with those of nested estimators."""
        params = self.get_params(deep=True)
        fixed = {k: v for k, v in params.items() if k.split("__")[0] in _FIXED}
        return {**fixed, "missing_label": self._unknown_label()}

    def _new_state(self, names, *, ready, asked=None, closed=True):
        """A run without a round, with a seed of its own."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        rules = self._rules(self.batch_size if asked is None else asked)
        run = SourceRun(names, rules, seed, ready=ready, closed=closed)
        return Collection(
            run, Reader(self._reward()), seed, self._fixed_params(), asked
        )

    def _reward(self):
        return OverlapDensity() if self.reward is None else self.reward

    def _current_state(self):
        """The state under the current parameters; a new one before the first batch."""
        state, ready = vars(self).get("_state"), _is_given(self.reference)
        names = frozen_names(self.source_names)
        named = names is not None
        if state is not None:
            changed = changed_params(state.params, self._fixed_params())
            if changed:
                check_unchanged(changed, state.run.t)
                state = None
        if state is None:
            state = self._new_state(names or [], ready=ready, closed=named)
            self._state = state
        elif state.run.t == 0 and names != state.run.rules.source_names:
            # before the first batch there is no order of sources to keep
            ready, rules = state.run.ready, self._rules(self.batch_size)
            run = SourceRun(names or [], rules, state.seed, ready=ready, closed=named)
            # the reference is fitted again
            batches = None if ready else state.batches
            state = replace(state, run=run, batches=batches)
        return state.with_rules(self._rules(self.batch_size or state.asked))

    def _begin(self, state, reference):
        """Forget an earlier run; fit the detector if there is a reference."""
        for name in ("_state", "estimator_", "_trained_batches", "collected_indices_"):
            vars(self).pop(name, None)
        check_reward(state.reader.reward)
        self.classes_ = None
        self._enter(state.begun(self._fitting(), self._checked(reference)))
        if self.detector_ is not None:
            self.classes_ = self.detector_.classes_

    def _checked(self, reference):
        """Rows and labels of a reference that is given, else None."""
        if not _is_given(reference):
            return None
        if len(reference) != 2:
            raise ValueError(
                f"reference is a tuple of {len(reference)}, expected (X, y)."
            )
        X, y = reference
        X = check_features(self, X, reset="n_features_in_" not in vars(self))
        return X, check_y(X, y, self._unknown_label())[0]

    def _enter(self, state):
        self._state, self.detector_ = state, state.reader.detector

    def _retire(self, name, silent=False):
        """Enter that a source has no rows left."""
        self._state = self._state.without(name)
        if not silent:
            warn_of_exhaustion(self._state.run, name)

    # -- attributes of a run ---------------------------------------------------------
    def _begun(self, name):
        state = vars(self).get("_state")
        if state is None or state.batches is None:
            raise AttributeError(f"{name} is defined once a batch was taken.")
        return state

    def _run_of(self, name):
        """The run under the rules of now, whatever else was changed."""
        state = self._begun(name)
        return state.with_rules(self._rules(self.batch_size or state.asked)).run

    def _next_run(self, name):
        if "_state" not in vars(self) and self.source_names is None:
            raise AttributeError(f"Before the first batch, {name} needs source_names.")
        return self._current_state().run

    @property
    def next_source_(self):
        """Name of the source to query next, or None."""
        return self._next_run("next_source_").next

    @property
    def next_rows_(self):
        """Number of rows to ask the next source for, or None."""
        return self._next_run("next_rows_").next_rows

    @property
    def sources_(self):
        """Names of the sources."""
        return list(self._run_of("sources_").names)

    @property
    def sources_frame_(self):
        """One line per source."""
        return self._run_of("sources_frame_").sources_frame

    def _below_picture(self):
        state = vars(self).get("_state")
        return self.sources_frame_ if state and state.has_rows else None

    @property
    def history_(self):
        """One line per round."""
        return self._run_of("history_").history

    @property
    def batch_size_(self):
        """Number of rows a source is asked for, or None."""
        return self._begun("batch_size_").run.rules.batch_size

    @property
    def collected_(self):
        """All rows collected."""
        state = self._begun("collected_")
        if not state.has_rows:
            raise AttributeError("collected_ is defined once a batch was taken.")
        return state.table()

    # -- state without pickle --------------------------------------------------------
    def to_dict(self):
        """Return the state of the run without code, for a file of JSON and arrays.

        The state holds what was collected, measured and decided, and the state of the
        random generator. Detector and student are not in it: :meth:`from_dict` fits
        them again, from the same rows and seed. Nothing in it needs pickle.

        Returns
        -------
        state : dict
            JSON-able (numbers, texts, lists, None), but for the value of ``"arrays"``,
            a dict from name to an array that ``numpy.savez`` stores without pickle.
            ``state["version"]`` is the version of this layout.

        Raises
        ------
        ValueError
            If a source, class or row is no number or text, or the reference is that of
            a pool (``reference="labeled"``).
        """
        if _is_labeled(self.reference):
            raise ValueError(
                "to_dict does not hold the reference of a pool. Give the labelled rows "
                "themselves, reference=(X, y), or save the estimator with joblib."
            )
        return self._begun("to_dict").to_dict(
            trained_batches=vars(self).get("_trained_batches"),
            classes=self.classes_,
            collected_indices=vars(self).get("collected_indices_"),
        )

    def from_dict(self, state):
        """Continue the run of a saved state; the parameters are those of this object.

        An earlier run of this object is forgotten. The next decisions are those that
        the saved run would have made.

        Parameters
        ----------
        state : dict
            As :meth:`to_dict` returns it, ``"arrays"`` included.

        Returns
        -------
        self : object
            The selector, as it was after the last batch.

        Raises
        ------
        ValueError
            If this is no such state, it has another version, or parameters differ
            that its rounds depend on.
        """
        self._validate_params()
        check_reward(reward := self._reward())
        read, extra = Collection.from_dict(
            state,
            rules=self._rules(self.batch_size),
            reader=Reader(reward),
            params=self._fixed_params(),
        )
        for name in ("estimator_", "_trained_batches", "collected_indices_"):
            vars(self).pop(name, None)
        if read.has_rows:
            check_features(self, read.batches.X, reset=True)
        reference, n_batches = self._checked(self.reference), extra["fitted_batches"]
        self._enter(read.read_again(self._fitting(), reference, n_batches))
        if extra["collected_indices"] is not None:
            self.collected_indices_ = extra["collected_indices"]
        self.classes_ = extra["classes"]
        if extra["trained_batches"]:
            self._train(extra["trained_batches"])
            self.classes_ = extra["classes"]
        return self

    # -- labels and the student ------------------------------------------------------
    def _unknown_label(self):
        """Value for an unknown label, wherever it was given."""
        return unknown_label(self.missing_label, self.detector, self.estimator)

    def _fitting(self):
        """When and how the detector is fitted, as the parameters are now."""
        return Fitting(
            OverlapDetector() if self.detector is None else self.detector,
            missing_label=self._unknown_label(),
            n_jobs=self.n_jobs,
            first_rounds=self.n_reference_rounds,
            refit_rounds=frozenset(int(t) for t in self.refit_rounds),
        )

    def _train(self, n_batches=None):
        """Train the student on what was collected, or on the first batches of it."""
        state = self._state
        batches, keep = state.rows(n_batches), None
        if self.train_on == "overlap" and self.detector_ is not None:
            keep = state.run.overlap[: sum(batches.sizes)]
        settings = self._fitting().settings(state.reader, state.seed)
        student = train_student(self.estimator, settings, batches.X, batches.y, keep)
        self.classes_ = union_of_classes(self.classes_, student.classes_)
        self.estimator_, self._trained_batches = student, len(batches)

    def __sklearn_tags__(self):
        """Y is needed when the weak model learns from the labels of the pool."""
        tags = super().__sklearn_tags__()
        kind = weak_model_kind(getattr(self.detector, "weak_estimator", None))
        given = isinstance(self.reference, tuple)
        tags.target_tags.required = kind == "classifier" and not given
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        return tags


def _is_given(reference) -> bool:
    return isinstance(reference, tuple)


def _is_labeled(reference) -> bool:
    return isinstance(reference, str) and reference == "labeled"
