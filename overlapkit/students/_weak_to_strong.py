"""WeakToStrongClassifier: a strong model trained on selected weak labels."""

from numbers import Real

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from overlapkit._utils.base import LinkedEstimator
from overlapkit._utils.checks import check_consistent_length, check_finite
from overlapkit._utils.dask_arrays import is_dask
from overlapkit._utils.estimators import takes_weights, weight_params
from overlapkit._utils.frames import columns_without_numbers, is_dataframe
from overlapkit._utils.memory_map import is_mapped, row_blocks
from overlapkit._utils.progress import CallbackSupportMixin, fit_task
from overlapkit._utils.scoring import KnownScoreMixin
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
    get_tags,
    process_routing,
)
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import UnusedParameterWarning, WeakLabelWarning
from overlapkit.students._prediction import StudentMixin
from overlapkit.students._selection import choose_rows
from overlapkit.students._training import (
    check_two_classes,
    check_weight,
    default_strong_estimator,
    train,
)
from overlapkit.weak._labeler import LABELER_CONSTRAINTS, WeakLabeler
from overlapkit.weak._model import weak_model_kind
from overlapkit.weak._rows import KnownLabels
from overlapkit.weak._views import refuse_sources

__all__ = ["WeakToStrongClassifier"]

_OF_LABELER = ("n_features_in_", "feature_names_in_", "weak_estimator_")
_MOST_TASKS = 12  # of a fit, as callbacks count them


class WeakToStrongClassifier(
    CallbackSupportMixin, StudentMixin, KnownScoreMixin, LinkedEstimator
):
    r"""Train a strong model on those labels of a weak one that a selector chooses.

    The weak model labels every row; a selector chooses rows; the strong model learns
    from the weak labels of those. It sees no true label, so known labels can be used to
    compare the two models; unless `include_labeled` is set, or ``selector="auto"``,
    which learn from known labels as well.

    Rows without a vote have no weak label: they are in no share and no quota, and
    nothing is learnt from them (unless their label is known and `include_labeled`).

    Parameters
    ----------
    estimator : classifier, default=None
        The strong model. None: LightGBM with quiet defaults, which takes text in a
        dataframe as categories.
    weak_estimator : estimator, "precomputed" or None, default=None
        The weak model, as in :class:`OverlapDetector`: a classifier that learns from
        the rows whose label is known, a fitted model in a
        :class:`~sklearn.frozen.FrozenEstimator`, a label model that learns from votes
        alone, or ``"precomputed"`` class probabilities. None: logistic regression on
        the standardised weak columns.
    strong_columns, weak_columns : selector, default=None
        The columns each model sees: whatever
        :class:`~sklearn.compose.ColumnTransformer` takes. None: all columns.
    classes : array-like of shape (n_classes,), default=None
        Names of the probability columns, in their order, with
        ``weak_estimator="precomputed"``; with a label model, the sorted labels that
        the votes 0, 1, ... stand for. None: the labels of y, sorted.
    selector : estimator, "auto" or None, default=None
        Which rows the strong model learns from. An :class:`OverlapDetector`; another
        scorer of :mod:`overlapkit.scorers` or one of your own; any estimator with
        ``score_samples``, fitted on the strong view and the weak labels; None: all
        covered rows. ``"auto"``: with known labels of every class (`missing_label`),
        correct the labels of all rows, leave out those whose neighbours disagree, and
        learn from the rest and from the known labels (see Notes); without any, all
        covered rows. A scorer is given the rows as this classifier has labelled them:
        its own parameters that say how rows are labelled must be left unset; where its
        `n_jobs` is None, it takes the one given here.
    budget : float, default=None
        Share of covered rows to keep, best first, in (0, 1]. None: the selector's own
        threshold. Not used without a selector; refused with ``"auto"``.
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
        Weak label of each row of ``fit``; of no meaning where `covered_` is False.
    covered_ : ndarray of shape (n_samples,) of bool
        Rows of ``fit`` that have a weak label.
    weak_proba_ : ndarray of shape (n_samples, n_classes)
        Weak probabilities of each row of ``fit``.
    selected_ : ndarray of shape (n_samples,) of bool
        Rows the strong model learnt from.
    selector_ : estimator or None
        The fitted selector.
    selection_report_ : DataFrame or None
        With ``selector="auto"`` and known labels, a row for each of "labels alone",
        "all covered weak labels", "self-cut" (the same without weak labels), "recipe"
        and "average": out-of-fold ``accuracy`` on the known labels with its 95 %
        interval ``low`` to ``high``, ``gain`` over the labels alone with its standard
        error ``gain_se``, and which is ``used``.
    corrected_labels_ : ndarray of shape (n_samples,) or None
        With ``selector="auto"`` and known labels, the label of each row that the strong
        model learns from if the row is in `selected_`.
    stack_coef_ : dict of str to float or None
        Coefficients of "known labels", "weak labels" and "votes" in the corrected
        labels, see :class:`~overlapkit.students.LabelCorrector`.
    weak_label_summary_ : str or None
        What these say of the weak labels, in words.
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
        The selector kept nothing; all covered rows are used.
    SimilarViewsWarning
        The strong view holds the votes or probabilities that weak labels come from.
    UncoveredRowsWarning
        Some rows have no vote.
    UnusedParameterWarning
        `sample_weight` is given, and a selector counts every row once.
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

    ``selector="auto"`` is for those who want the best predictions from known and weak
    labels together, and it does learn from known labels. A stack of the model of the
    known labels, a student of the weak labels and the votes corrects the labels of all
    rows (:class:`~overlapkit.students.LabelCorrector`); of each class the 80 % of rows
    with the best cut statistic are kept, and all known rows; the strong model is
    trained on those. Predictions average it with the model of the known labels, which
    counts by its coefficient in the stack. No accuracy decides, so the accuracies in
    the report are not biased by a choice of the best. The strong model is fitted at
    most 12 times. Neighbours are searched in the strong columns; of a dataframe with
    text or categories, as :class:`~overlapkit.representation.TabularRepresentation`
    encodes it. Without known
    labels, all covered rows are learnt from; ``selector=CutStatisticScorer(),
    budget=0.75`` is worth trying then.

    `sample_weight`, given to ``fit``, is passed to the weak model (a label model takes
    none) and, for the rows it is trained on, to the strong one; in a pipeline, to its
    last step. Selectors count every row once. With metadata routing on, those get it
    that request it.

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

    # taken without being asked for, as by GroupKFold: they go to the folds
    __metadata_request__fit = {"groups": True}

    _parameter_constraints: dict = {
        **LABELER_CONSTRAINTS,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "selector": [
            HasMethods(["fit", "score_samples"]),
            HasMethods(["fit_rows", "score_rows"]),
            StrOptions({"auto"}),
            None,
        ],
        "budget": [Interval(Real, 0, 1, closed="right"), None],
        "balance": [StrOptions({"proportional", "equal"}), None],
        "label_use": [StrOptions({"hard", "soft", "weighted"})],
        "include_labeled": ["boolean"],
    }

    # what answers by chunk do without
    _per_row = (
        "covered_",
        "weak_labels_",
        "weak_proba_",
        "selected_",
        "corrected_labels_",
        "selector_",
    )

    def __init__(
        self,
        estimator=None,
        *,
        weak_estimator=None,
        strong_columns=None,
        weak_columns=None,
        classes=None,
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
        self.classes = classes
        self.selector = selector
        self.budget = budget
        self.balance = balance
        self.label_use = label_use
        self.include_labeled = include_labeled
        self.missing_label = missing_label
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_together(self, y_given):
        """Refuse parameters that do not go with each other."""
        if self.include_labeled and self.missing_label is None:
            raise ValueError(
                "include_labeled=True with missing_label=None would train on the true "
                "label of every row. Say which label stands for 'unknown'."
            )
        if not isinstance(self.selector, str):
            return
        if self.budget is not None or self.label_use != "hard":
            raise ValueError(
                "selector='auto' corrects labels and chooses rows by itself: leave "
                f"budget={self.budget!r} at None and label_use={self.label_use!r} at "
                "'hard'."
            )
        if y_given and self.missing_label is None:
            raise ValueError(
                "selector='auto' learns from the labels that are known, and with "
                "missing_label=None these are all labels. Say which label stands for "
                "'unknown'."
            )

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None, **fit_params):
        """Label the rows with the weak model and train the strong one.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, side by side.
        y : array-like of shape (n_samples,), default=None
            Labels the weak model learns from; `missing_label` where unknown. Not
            needed when the weak model needs none.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative, for both models.
        **fit_params : dict
            ``groups`` for the folds; with metadata routing on, whatever `estimator`,
            `weak_estimator` and `cv` request.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        self._check_together(y is not None)
        if is_dask(X):
            raise TypeError(
                "The strong model is trained on rows in memory, and X is a dask "
                "collection. Fit OverlapDetector on X, train on the rows it finds "
                "(X[detector.support_].compute()), or compute X; predict takes X as "
                "it is."
            )
        context = self._init_callback_context(max_subtasks=_MOST_TASKS)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        refuse_sources(X)
        check_consistent_length(X=X, y=y)
        sample_weight = check_weight(sample_weight, X)
        strong_params, weak_params, groups = self._route(X, sample_weight, fit_params)
        labeler = WeakLabeler(
            **{name: getattr(self, name) for name in LABELER_CONSTRAINTS}
        )
        with fit_task(context, self, "label the rows"):
            rows, known = labeler.fit_label(X, y, groups=groups, **weak_params)
        self._learn(rows, known, labeler, strong_params, context, groups=groups)
        # a scoring callback must not score against the marker of unknown labels
        scored = {"X": X, "y": y} if known.known.all() else {}
        context.call_on_fit_task_end(
            estimator=self, reconstruction_attributes={}, **scored
        )
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_rows(self, rows, *, known=None, keep=None, labeler=None):
        """Train the strong model on rows that are labelled already.

        Parameters
        ----------
        rows : WeakRows
            The rows.
        known : KnownLabels, default=None
            Labels that are known, for ``selector="auto"`` and `include_labeled`.
        keep : array-like of shape (n_samples,) of bool, default=None
            Rows to learn from. None: what `selector` chooses.
        labeler : WeakLabeler, default=None
            What labelled the rows: then `predict` takes X as that does. None: it takes
            the strong view.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If `known` or `keep` is not of these rows, or `keep` is no mask or holds no
            covered row.
        """
        self._check_together(False)
        context = self._init_callback_context(max_subtasks=_MOST_TASKS)
        context.call_on_fit_task_begin(estimator=self, X=None, y=None)
        if known is None:
            known = KnownLabels(np.zeros(len(rows), dtype=bool), np.empty(0))
        _check_known(known, rows)
        keep = None if keep is None else _check_keep(keep, len(rows))
        self._learn(rows, known, labeler, {}, context, keep)
        context.call_on_fit_task_end(estimator=self, reconstruction_attributes={})
        return self

    def _learn(
        self, rows, known, labeler, strong_params, context, keep=None, groups=None
    ):
        """Choose rows and train the strong model on them."""
        self._labeler = labeler
        for name in _OF_LABELER:
            vars(self).pop(name, None)
            if hasattr(labeler, name):
                setattr(self, name, getattr(labeler, name))
        self.classes_, self.covered_ = rows.classes, rows.covered
        self.weak_labels_, self.weak_proba_ = rows.labels, rows.proba
        _check_finite(rows.strong, allow_nan=True)
        _check_columns(rows.strong, self.estimator)
        self.selector_ = self._report = None
        self.corrected_labels_ = self.stack_coef_ = self.weak_label_summary_ = None
        if self.selector == "auto" and keep is None and self._enough(rows, known):
            self._correct_cut_train(rows, known, strong_params, groups, context)
            return
        learnt = known if self.include_labeled else None
        weight = strong_params.get("sample_weight")
        check_two_classes(rows, self.label_use, learnt, weight)
        with fit_task(context, self, "choose the rows"):
            selected = self._select(rows, known, strong_params, keep)
        self.selected_ = selected | known.known if self.include_labeled else selected
        if not self.selected_.any():
            raise ValueError(
                "keep is False for every row with a weak label, so no row is left to "
                "learn from."
            )
        with fit_task(context, self, "train the strong model"):
            self.estimator_ = self._train(rows, self.selected_, learnt, strong_params)

    def _train(self, rows, keep, known, strong_params):
        estimator = self.estimator
        if estimator is None:
            estimator = default_strong_estimator(self.n_jobs, rows.seed)
        return train(
            clone(estimator),
            rows,
            keep,
            label_use=self.label_use,
            known=known,
            fit_params=strong_params,
        )

    def _select(self, rows, known, strong_params, keep):
        """Mask of the rows to learn from; sets `selector_`."""
        if keep is not None:
            return keep & rows.covered
        if self.selector is None or isinstance(self.selector, str):
            return rows.covered.copy()
        if strong_params.get("sample_weight") is not None:
            warn(
                "sample_weight reaches the weak and the strong model; the selector "
                "counts every row once, in thresholds, budgets and quotas.",
                UnusedParameterWarning,
            )
        self.selector_, selected = choose_rows(
            self.selector,
            rows,
            budget=self.budget,
            balance=self.balance,
            labeler=self._labeler,
            n_jobs=self.n_jobs,
        )
        return selected

    def _enough(self, rows, known) -> bool:
        """Whether a label of every class is known."""
        if len(known) == 0:
            return False
        present = np.unique(known.codes(rows.classes)[known.known])
        missing = np.setdiff1d(np.arange(len(rows.classes)), present)
        if len(missing):
            warn(
                f"No label of the classes {rows.classes[missing].tolist()[:10]} is "
                "known, so labels cannot be corrected: selector='auto' learns from all "
                "covered rows.",
                WeakLabelWarning,
            )
        return len(missing) == 0

    def _correct_cut_train(self, rows, known, strong_params, groups, context):
        """Learn from corrected labels of the rows whose neighbours agree with them."""
        # a third of what importing this module would take, and most fits need none
        from overlapkit.students._recipe import train_with_known

        estimator = self.estimator
        if estimator is None:
            estimator = default_strong_estimator(self.n_jobs, rows.seed)
        params = dict(strong_params)
        result = train_with_known(
            estimator,
            rows,
            known,
            sample_weight=params.pop("sample_weight", None),
            groups=groups,
            fit_params=params,
            n_jobs=self.n_jobs,
            task=lambda name: fit_task(context, self, name),
        )
        self.estimator_, self.selected_ = result.estimator, result.selected
        self.corrected_labels_ = rows.classes[result.correction.codes]
        self._report = result.report.to_dict("list")
        self.stack_coef_ = dict(
            zip(result.correction.sources, result.correction.stack.coef.tolist())
        )
        self.weak_label_summary_ = result.summary

    @property
    def selection_report_(self):
        """Accuracies of ways to use the labels, out of fold."""
        check_is_fitted(self, "estimator_")
        # kept as lists, which any format of stored models can hold
        return None if self._report is None else pd.DataFrame(self._report)

    def label(self, X):
        """Label new rows with the fitted weak model.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, as in fit.

        Returns
        -------
        rows : WeakRows
            The strong view with its weak labels.
        """
        check_is_fitted(self, "estimator_")
        if self._labeler is None:
            raise ValueError(
                "This classifier was fitted on labelled rows without the labeler that "
                "labels new ones; pass labeler= to fit_rows."
            )
        return self._labeler.label(X)

    def _strong_view(self, X):
        """What ``estimator_`` takes of X."""
        if self._labeler is None:
            return X
        strong = self._labeler.strong(X)
        # what a frame may hold is left to the strong model
        allow_nan = is_dataframe(strong) or self._allows_missing()
        _check_finite(strong, allow_nan=allow_nan)
        _check_columns(strong, self.estimator)
        return strong

    def _allows_missing(self):
        """Whether fit would have taken missing values in the strong columns."""
        if not get_tags(self.estimator_).input_tags.allow_nan:
            return False
        if self._labeler.splits_views:
            return True
        weak = self.weak_estimator_
        return weak is not None and get_tags(weak).input_tags.allow_nan

    def _route(self, X, sample_weight, fit_params):
        """What goes to the strong model, to the weak model, and to the folds."""
        weak_estimator, groups = self.weak_estimator, fit_params.get("groups")
        if groups is not None and _num_samples(groups) != _num_samples(X):
            raise ValueError(
                f"groups has {_num_samples(groups)} entries, but X has "
                f"{_num_samples(X)} rows."
            )
        weighted = {} if sample_weight is None else {"sample_weight": sample_weight}
        if _routing_enabled():
            routed = process_routing(self, "fit", **weighted, **fit_params)
            # a routing without parameters has attributes, but no names to look up
            strong = dict(routed.estimator.fit)
            named = weak_estimator is not None and not isinstance(weak_estimator, str)
            weak = dict(routed.weak_estimator.fit) if named else {}
            if weak_estimator is None and "sample_weight" in strong:
                weak = weighted
            return strong, weak, groups
        others = {k: v for k, v in fit_params.items() if k != "groups"}
        _raise_for_params(others, self, "fit")
        weak = {}
        if weighted and weak_model_kind(weak_estimator) == "classifier":
            weak = _weak_params(weak_estimator, sample_weight)
        return weighted, weak, groups

    def get_metadata_routing(self):
        """Route ``fit`` metadata to the strong model, the weak model and the folds.

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
        if hasattr(self.cv, "get_metadata_routing"):
            splitting = MethodMapping().add(caller="fit", callee="split")
            router.add(splitter=self.cv, method_mapping=splitting)
        return router

    def __sklearn_tags__(self):
        """Y is needed when the weak model learns from labels."""
        tags = super().__sklearn_tags__()
        kind = weak_model_kind(self.weak_estimator)
        tags.target_tags.required = kind == "classifier"
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        return tags


def _check_known(known, rows) -> None:
    """Refuse known labels that are of other rows or of other classes."""
    if len(known.known) != len(rows):
        raise ValueError(
            f"known is of {len(known.known)} rows, but there are {len(rows)} rows."
        )
    other = np.setdiff1d(known.labels, rows.classes).tolist() if len(known) else []
    if other:
        raise ValueError(
            f"known holds the labels {other[:10]}, but the classes of the rows are "
            f"{rows.classes.tolist()[:10]}."
        )


def _check_keep(keep, n_rows) -> np.ndarray:
    """The mask of the rows to learn from; positions of rows are refused."""
    keep = np.asarray(keep)
    if keep.dtype != bool or keep.shape != (n_rows,):
        raise ValueError(
            f"keep must be a mask of shape ({n_rows},) and dtype bool, True for rows "
            f"to learn from; got shape {keep.shape} and dtype {keep.dtype}."
        )
    return keep


def _check_finite(strong, *, allow_nan) -> None:
    """Infinity is never data, but LightGBM would take it without an error."""
    if is_mapped(strong):
        for start, stop in row_blocks(strong):
            rows = np.asarray(strong[start:stop])
            check_finite(rows, "X (strong view)", allow_nan=allow_nan)
        return
    # column by column, as all columns of a frame in one array are a copy of it
    parts = [strong]
    if is_dataframe(strong):
        columns = (np.asarray(strong[name]) for name in strong.columns)
        parts = (c for c in columns if c.ndim == 1 and c.dtype.kind in "biuf")
    for part in parts:
        check_finite(part, "X (strong view)", allow_nan=allow_nan)


def _check_columns(strong, estimator) -> None:
    """LightGBM ends the process on a polars frame with columns of no numbers."""
    if not is_dataframe(strong):
        return
    lightgbm = type(estimator).__module__.startswith("lightgbm")
    if (lightgbm or estimator is None) and any(
        set(str(c)) & set('[]{}",:') for c in strong.columns
    ):
        raise TypeError(
            f"LightGBM cannot take the column names of X: they hold one of [ ] {{ }} "
            f'" , : (the first are {[str(c) for c in strong.columns[:3]]}). Rename '
            "these columns; columns of several levels become plain ones by "
            "X.columns = ['_'.join(map(str, c)) for c in X.columns]."
        )
    if hasattr(strong, "iloc"):
        others = set(strong.columns[strong.dtypes == "category"])
        others = [c for c in columns_without_numbers(strong) if c not in others]
        if others and lightgbm:
            raise ValueError(
                f"The columns {others[:10]} of the strong view of X hold no numbers, "
                "which LightGBM needs. Convert them to categories, "
                "encode them in a pipeline as estimator, or leave them out of "
                "strong_columns."
            )
        return
    if lightgbm:
        others = columns_without_numbers(strong)
        if others:
            raise ValueError(
                f"The columns {others[:10]} of the strong view hold no numbers, which "
                "LightGBM needs in a frame that is not pandas'. Encode them, leave "
                "them out of strong_columns, or pass a pandas frame with categories."
            )


def _weak_params(weak_estimator, weight) -> dict:
    """Weights for the weak model; none, with a warning, if it cannot take them."""
    if weak_estimator is None:
        return {"sample_weight": weight}
    if takes_weights(weak_estimator):
        return weight_params(weak_estimator, weight)
    warn(
        f"The weak model {type(weak_estimator).__name__} takes no sample_weight: it "
        "counts all rows alike, only the strong model is weighted.",
        WeakLabelWarning,
    )
    return {}
