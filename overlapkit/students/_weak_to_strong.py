"""WeakToStrongClassifier: a strong model trained on the weak labels worth learning."""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import assert_all_finite

from overlapkit._utils.progress import CallbackSupportMixin, fit_task
from overlapkit._utils.sklearn_compat import (
    HasMethods,
    Interval,
    MetadataRouter,
    MethodMapping,
    StrOptions,
    _fit_context,
    _num_samples,
    _raise_for_params,
    _routing_enabled,
    _safe_indexing,
    get_tags,
    process_routing,
)
from overlapkit.exceptions import WeakLabelWarning
from overlapkit.scorers._base import TwoViewMixin, as_content
from overlapkit.students._auto_selection import choose_rule
from overlapkit.students._prediction import StudentMixin
from overlapkit.students._selection import select_by
from overlapkit.students._training import StrongTrainer, default_strong_estimator
from overlapkit.weak._labels import check_labels
from overlapkit.weak._model import weak_model_kind
from overlapkit.weak._views import check_features, is_dataframe, select_columns
from overlapkit.weak._wrapped import takes_weights, weight_params

__all__ = ["WeakToStrongClassifier"]


class WeakToStrongClassifier(
    CallbackSupportMixin, TwoViewMixin, StudentMixin, ClassifierMixin, BaseEstimator
):
    r"""Train a strong model on the labels of a weak one, where they are worth it.

    The weak model labels every row; a selector chooses rows; the strong model learns
    from the weak labels of those, and never sees a true label. So it can be held
    against the weak model on the very rows whose labels are known.

    Parameters
    ----------
    estimator : classifier, default=None
        The strong model. None: LightGBM with quiet defaults.
    weak_estimator : estimator, "precomputed" or None, default=None
        The weak model, as in :class:`OverlapDetector`: a classifier that learns from
        the rows whose label is known, a fitted model in a
        :class:`~sklearn.frozen.FrozenEstimator`, a label model that learns from votes
        alone, or ``"precomputed"`` class probabilities. None: logistic regression on
        the standardised weak columns.
    strong_columns, weak_columns : selector, default=None
        The columns each model sees: whatever
        :class:`~sklearn.compose.ColumnTransformer` takes. None: all columns.
    selector : estimator, "auto" or None, default=None
        Which rows the strong model learns from. An :class:`OverlapDetector`; another
        scorer of :mod:`overlapkit.scorers`; any estimator with ``score_samples``,
        fitted on the strong view and the weak labels; None: all rows. ``"auto"``: the
        best of several rules (see Notes) on the rows whose label is known, all rows
        when none is clearly better or no label is known. A scorer of this package is
        handed the views and the weak labels of this classifier, so its own
        `weak_estimator` and columns must be left unset.
    budget : float, default=None
        Share of rows to keep, best first, in (0, 1]. None: the selector's own
        threshold. Not used without a selector, nor with ``"auto"``, whose rules have
        budgets of their own.
    balance : {"proportional", "equal"} or None, default="proportional"
        Quotas per weak class when there is a `budget`: in proportion to the class,
        equal, or none.
    label_use : {"hard", "soft", "weighted"}, default="hard"
        Learn from the most probable class; from every class, weighted by its
        probability; or from the most probable class, weighted by the confidence.
    include_labeled : bool, default=False
        Also learn from the known labels, in place of the weak ones. Needs
        `missing_label`.
    missing_label : scalar, default=None
        What stands in y for "label unknown". None: every label is known.
    cv : int, splitter or iterable, default=5
        Folds of the out-of-fold weak labels of rows whose label is known.
    n_jobs : int, default=None
        Passed on wherever work can be shared out.
    random_state : int, RandomState instance or None, default=None
        Shuffles folds, breaks ties of weak labels, and seeds the default estimator.

    Attributes
    ----------
    estimator_ : classifier
        The strong model; it takes the strong columns.
    weak_estimator_ : estimator or None
        The weak model, fitted on all known labels (None: precomputed).
    classes_ : ndarray of shape (n_classes,)
        The classes.
    weak_labels_ : ndarray of shape (n_samples,)
        Weak label of each row of ``fit``.
    weak_proba_ : ndarray of shape (n_samples, n_classes)
        Weak probabilities of each row of ``fit``.
    selected_ : ndarray of shape (n_samples,) of bool
        Rows the strong model learnt from.
    selector_ : estimator or None
        The fitted selector.
    selection_report_ : DataFrame or None
        With ``selector="auto"``: the rules, the rows each keeps, and the accuracy of
        its student on known labels.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it has names.

    Raises
    ------
    ValueError
        If the strong view holds infinity. In ``fit``, if y is missing where the weak
        model needs it, y or the weak labels hold a single class, a column does not
        exist, the selector has no threshold and there is no budget, or the strong
        model takes no ``sample_weight`` though `label_use` needs it.

    Warns
    -----
    ClassCollapseWarning
        A class lost more than half of its share in the selection; quotas in
        proportion to the classes are used instead.
    NoOverlapWarning
        The selector kept nothing; all rows are used.
    SimilarViewsWarning
        The strong view holds the votes or probabilities that weak labels come from.
    WeakLabelWarning
        The weak model is undecided about every row, a class has a single labelled row,
        votes or probabilities are right less often than a guess where labels are known,
        or the weak model takes no ``sample_weight``.

    See Also
    --------
    OverlapDetector : The selector of the source paper.

    Notes
    -----
    ``predict`` needs the strong columns only: other columns of an array may hold
    anything, and a dataframe may lack them.

    ``selector="auto"`` compares all rows with seven rules: non-hard rows; overlap by
    mean and by maximal similarity; the better half by confidence, by cut statistic and
    by self-confidence; and the better three quarters by cut statistic. Each student is
    judged on rows with known labels that it was not trained on; with fewer than ten,
    all rows are kept. A rule is taken when it beats all rows by more than one standard
    error of the paired difference. On real data no rule that gains much is never
    harmful; known labels are what tells.

    ``sample_weight``, given to ``fit``, is passed to the weak model (a label model
    takes none) and, for the rows it is trained on, to the strong one; in a pipeline, to
    its last step. With metadata routing on, those get it that request it.

    References
    ----------
    .. [1] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025, arXiv:2412.03881.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from overlapkit import OverlapDetector, WeakToStrongClassifier
    >>> from overlapkit.datasets import make_overlap_classification
    >>> data = make_overlap_classification(
    ...     n_easy=200, n_hard=200, n_overlap=200, random_state=0
    ... )
    >>> model = WeakToStrongClassifier(
    ...     LogisticRegression(),
    ...     weak_columns=slice(0, 20),
    ...     selector=OverlapDetector(),
    ...     random_state=0,
    ... )
    >>> model.fit(data.X, data.y).score(data.X, data.y) > 0.7
    True
    """

    _parameter_constraints: dict = {
        **TwoViewMixin._two_view_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "selector": [HasMethods(["fit", "score_samples"]), StrOptions({"auto"}), None],
        "budget": [Interval(Real, 0, 1, closed="right"), None],
        "balance": [StrOptions({"proportional", "equal"}), None],
        "label_use": [StrOptions({"hard", "soft", "weighted"})],
        "include_labeled": ["boolean"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        weak_estimator=None,
        strong_columns=None,
        weak_columns=None,
        selector=None,
        budget=None,
        balance="proportional",
        label_use="hard",
        include_labeled=False,
        missing_label=None,
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.weak_estimator = weak_estimator
        self.strong_columns = strong_columns
        self.weak_columns = weak_columns
        self.selector = selector
        self.budget = budget
        self.balance = balance
        self.label_use = label_use
        self.include_labeled = include_labeled
        self.missing_label = missing_label
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **fit_params):
        """Label the rows with the weak model and train the strong one.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, side by side.
        y : array-like of shape (n_samples,), default=None
            Labels the weak model learns from; `missing_label` where unknown. Not
            needed when the weak model needs none.
        **fit_params : dict
            ``sample_weight`` for both models; with metadata routing on, whatever
            `estimator` and `weak_estimator` request.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        if y is None and get_tags(self).target_tags.required:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but "
                "the target y is None: its weak model learns from labels."
            )
        if self.include_labeled and self.missing_label is None:
            raise ValueError(
                "include_labeled=True with missing_label=None would train on the true "
                "label of every row. Say which label stands for 'unknown'."
            )
        context = self._init_callback_context(max_subtasks=3)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        strong_params, weak_params = self._route(X, fit_params)
        with fit_task(context, self, "label the rows"):
            strong, weak, known = self._fit_views(X, y, weak_params)
        self.weak_labels_ = weak.labels
        self.weak_proba_ = weak.proba
        _check_finite(strong, allow_nan=True)
        labels = None if y is None else check_labels(y, self.missing_label)
        train = StrongTrainer(self, strong, weak, strong_params)
        train.check_two_classes(known)
        with fit_task(context, self, "choose the rows"):
            selected = self._select(strong, weak, labels, known, train)
        self._chosen_share = float(selected.mean())
        self.selected_ = selected | known if self.include_labeled else selected
        with fit_task(context, self, "train the strong model"):
            self.estimator_ = train(
                self.selected_, labels if self.include_labeled else None, known
            )
        # a scoring callback must not score against the marker of unknown labels
        scored = {"X": X, "y": y} if known.all() else {}
        context.call_on_fit_task_end(
            estimator=self, reconstruction_attributes={}, **scored
        )
        return self

    def _select(self, strong, weak, y, known, train):
        """Mask of the rows to learn from; sets `selector_`."""
        self.selector_ = self.selection_report_ = None
        if self.selector is None:
            return np.ones(len(weak.codes), dtype=bool)
        if isinstance(self.selector, str):
            selected, self.selector_, self.selection_report_ = choose_rule(
                self, strong, weak, y, known, train
            )
        else:
            self.selector_, selected = select_by(
                self.selector, self, strong, weak, self.budget, self.balance
            )
        return selected

    def _student_rows(self, X):
        strong = self._strong_columns_alone(X)
        if strong is None:
            X = check_features(self, X, reset=False)
            strong = select_columns(X, self._strong_indices)
        # what a frame may hold is left to the strong model
        allow_nan = is_dataframe(strong) or self._allows_missing()
        _check_finite(strong, allow_nan=allow_nan)
        return strong

    def _strong_columns_alone(self, X):
        """Strong columns of a frame that lacks weak ones; None for any other X."""
        names = getattr(self, "feature_names_in_", None)
        if names is None or self._strong_indices is None or not is_dataframe(X):
            return None
        strong = [str(name) for name in names[self._strong_indices]]
        present = set(X.columns)
        if not set(strong) <= present or set(names) <= present:
            return None
        return _safe_indexing(X, strong, axis=1)

    def _allows_missing(self):
        """Whether fit would have taken missing values in the strong columns."""
        if not get_tags(self.estimator_).input_tags.allow_nan:
            return False
        if self._weak_indices is not None or self._strong_indices is not None:
            return True
        weak = self.weak_estimator_
        return weak is not None and get_tags(weak).input_tags.allow_nan

    def _strong_estimator(self):
        if self.estimator is not None:
            return clone(self.estimator)
        return default_strong_estimator(self.n_jobs, self._seed)

    def _route(self, X, fit_params):
        """What of `fit_params` goes to the strong and to the weak model."""
        for name, values in fit_params.items():
            if values is None or np.isscalar(values):
                continue
            if _num_samples(values) != _num_samples(X):
                raise ValueError(
                    f"{name} has {_num_samples(values)} entries, but X has "
                    f"{_num_samples(X)} rows."
                )
        weak_estimator = self.weak_estimator
        if _routing_enabled():
            routed = process_routing(self, "fit", **fit_params)
            # an empty routing answers attributes but cannot be asked for its names
            strong = dict(routed.estimator.fit)
            named = weak_estimator is not None and not isinstance(weak_estimator, str)
            weak = dict(routed.weak_estimator.fit) if named else {}
        else:
            others = {k: v for k, v in fit_params.items() if k != "sample_weight"}
            _raise_for_params(others, self, "fit")
            strong, weak = dict(fit_params), {}
            given = fit_params.get("sample_weight") is not None
            if given and weak_model_kind(weak_estimator) == "classifier":
                weak = _weak_params(weak_estimator, fit_params["sample_weight"])
        if weak_estimator is None and "sample_weight" in strong:
            weak = {"sample_weight": strong["sample_weight"]}
        return _given(strong), _given(weak)

    def get_metadata_routing(self):
        """Route ``fit`` metadata to the strong and the weak model.

        Returns
        -------
        routing : MetadataRouter
            The routing.
        """
        # its own request, too: Pipeline.score asks for the weights of score
        router = MetadataRouter(owner=type(self).__name__).add_self_request(self)
        mapping = MethodMapping().add(caller="fit", callee="fit")
        estimator = self.estimator
        if estimator is None:
            estimator = default_strong_estimator()
        router.add(estimator=estimator, method_mapping=mapping)
        if self.weak_estimator is not None and not isinstance(self.weak_estimator, str):
            router.add(weak_estimator=self.weak_estimator, method_mapping=mapping)
        return router


def _check_finite(strong, *, allow_nan) -> None:
    """Infinity is never data, but LightGBM would take it without a word."""
    numbers = as_content(strong)
    if numbers is not None:
        assert_all_finite(numbers, allow_nan=allow_nan, input_name="X (strong view)")


def _weak_params(weak_estimator, weight) -> dict:
    """Weights for the weak model; none, with a warning, if it cannot take them."""
    if weak_estimator is None:
        return {"sample_weight": weight}
    if takes_weights(weak_estimator):
        return weight_params(weak_estimator, weight)
    warnings.warn(
        f"The weak model {type(weak_estimator).__name__} takes no sample_weight: it "
        "counts all rows alike, only the strong model is weighted.",
        WeakLabelWarning,
        stacklevel=5,
    )
    return {}


def _given(params) -> dict:
    return {name: values for name, values in params.items() if values is not None}
