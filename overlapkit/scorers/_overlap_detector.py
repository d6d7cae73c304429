"""OverlapDetector: which rows are easy, hard, or both."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from overlapkit._utils.dask_arrays import by_chunk, chunk_precision, is_chunked
from overlapkit._utils.memory_map import in_memory, read_rows
from overlapkit._utils.sklearn_compat import HasMethods, Interval, Options, StrOptions
from overlapkit._utils.warnings import warn
from overlapkit.diagnostics import dip_test
from overlapkit.exceptions import NoOverlapWarning
from overlapkit.scorers._base import BaseScorer
from overlapkit.scorers._neighbors import fit_neighbors
from overlapkit.scorers._overlap_checks import (
    SIGNIFICANCE_LEVEL,
    far_apart,
    warn_about_groups,
    warn_about_kept_classes,
    warn_about_prior,
    warn_about_saturation,
    warn_about_views,
)
from overlapkit.scorers._region_rule import (
    RegionRule,
    lift_confident,
    precision_of,
    represented,
    similarity_to,
)
from overlapkit.scorers._regions import (
    OVERLAP,
    REGION_NAMES,
    confidence_threshold,
    overlap_threshold,
)
from overlapkit.thresholds import change_point
from overlapkit.weak._labeler import sample_rows
from overlapkit.weak._model import default_representation

__all__ = ["OverlapDetector"]

_THRESHOLD = [
    StrOptions({"changepoint", "binseg"}),
    Interval(Real, None, None, closed="neither"),
    tuple,
]
# so many rows show what confident rows look like; more would cost time only
_MAX_CONFIDENT = 1000


class OverlapDetector(TransformerMixin, BaseScorer):
    r"""Find the rows that carry both an easy and a hard pattern.

    A weak model labels the rows. Where its confidence is low, the row is *hard*: the
    pattern that the weak model knows is absent. Among the other rows, those that
    resemble the hard rows in the strong view carry the hard pattern as well: they are
    the *overlap*. Their weak labels are as often right as those of *easy* rows, and a
    strong model that learns from them can learn the hard pattern too.

    With the confidence :math:`c` of the weak model and the strong view :math:`x`,

    .. math::

        H = \{i : c_i < \tau_c\}, \qquad
        s_i = \operatorname{agg}_{h \in H} \operatorname{sim}(x_i, x_h), \qquad
        O = \{i \notin H : s_i > \tau_o\},

    where :math:`\tau_c` and :math:`\tau_o` split the sorted confidences and the
    sorted similarities of non-hard rows in two segments of least squared error. New
    rows are compared with these fitted thresholds and hard rows.

    Rows without a vote have no weak label. They are in no threshold and no share, and
    their region is *uncovered*.

    The setting of the source paper is ``aggregation="max"``. The default is
    ``"mean"``: with the maximum, a single easy row among the hard rows can give every
    easy row a high score.

    Parameters
    ----------
    weak_estimator : estimator, "precomputed" or None, default=None
        The weak model. None: logistic regression on the standardised weak columns,
        whose probabilities are out of fold for the rows of ``fit``. A
        :class:`~sklearn.frozen.FrozenEstimator` is used as it is. A label model
        (see :mod:`overlapkit.label_models`) reads the weak columns as votes.
        ``"precomputed"``: the weak columns are the class probabilities, in the order
        of `classes`; NaN in all of a row is no weak label.
    strong_columns, weak_columns : selector, default=None
        The columns of X each model sees: whatever
        :class:`~sklearn.compose.ColumnTransformer` takes. None: all columns.
    classes : array-like of shape (n_classes,), default=None
        Names of the probability columns, in their order, with
        ``weak_estimator="precomputed"``; with a label model, the sorted labels that
        the votes 0, 1, ... stand for. None: the labels of y, sorted.
    representation : transformer, default=None
        Applied to the strong view before similarities are taken, and fitted with the
        weak labels: a scaler, or
        :class:`~overlapkit.representation.HiddenLayerRepresentation`, which is what
        the source paper does on tables. None: the columns as they are; those of a
        dataframe with text, categories or missing values as
        :class:`~overlapkit.representation.TabularRepresentation` encodes them.
    confidence : {"margin", "max", "entropy"}, default="margin"
        See :func:`~overlapkit.scorers.weak_confidence`.
    hard_threshold : str, float or tuple, default="changepoint"
        Confidence below which a row is hard. ``"changepoint"`` is the exact split,
        ``"binseg"`` the coarser one of the authors' code, ``("quantile", q)`` a
        quantile of the confidences, a float the value.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        See :func:`~overlapkit.scorers.reference_similarity`. Cosines and products
        count by their absolute value.
    aggregation : {"mean", "max"} or tuple, default="mean"
        How the similarities of a row to all hard rows become one score: their mean,
        the largest, a quantile (``("quantile", q)``), or the mean of the k largest
        (``("topk", k)``).
    overlap_threshold : str, float or tuple, default="changepoint"
        Score above which a row that is not hard is overlap; as `hard_threshold`.
    max_landmarks : int, default=None
        Compare with at most this many hard rows (*landmarks*), drawn at random. Time is
        then linear in the number of rows. None: compare with all hard rows.
    neighbors : transformer, default=None
        Finds the hard rows nearest to a row, for ``aggregation="max"``: for instance
        ``pynndescent.PyNNDescentTransformer(n_neighbors=5)``, which is approximate and
        fast, or :class:`~sklearn.neighbors.KNeighborsTransformer`. Similarities to the
        rows it finds are exact, whatever its metric. None: compare with all.
    refine_hard : False, "separated" or float, default=False
        Do not count a low-confidence row as hard if its strong view resembles the
        confident rows: it is an easy or overlap row near the boundary of the weak
        model. A float in (0, 1) is the significance level: it is done only where
        :func:`~overlapkit.diagnostics.dip_test` of these similarities has a p-value of
        at most that. ``"separated"`` asks for a p-value of at most .05 and for two
        groups whose means are 5 standard deviations of the groups apart, the smaller
        of 1 % of these rows and at least 10. Meant for measuring densities: weak
        labels of these rows are hardly better than a guess, and students that learn
        from them are worse (``python -m benchmarks hard-set``).
        Leave it at False with a representation that was learnt from the weak labels,
        such as :class:`~overlapkit.representation.HiddenLayerRepresentation`: rows
        with a wrong label resemble the confident rows there too.
    missing_label : scalar, default=None
        What stands in y for "label unknown". None: every label is known.
    cv : int, splitter or iterable, default=5
        Folds of the out-of-fold probabilities.
    n_jobs : int, default=None
        Folds fitted, and blocks of similarities computed, at once.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds, draws the landmarks and breaks ties of weak labels.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,) of int8
        Region of each row of ``fit``: 0 easy, 1 overlap, 2 hard, 3 uncovered.
    region_names_ : ndarray of shape (4,)
        Names of the regions, in that order.
    rule_ : RegionRule
        The fitted thresholds, hard rows and representation; ``rule_.read(rows)`` reads
        confidence, score and region of any :class:`~overlapkit.weak.WeakRows`.
    weak_confidence_ : ndarray of shape (n_samples,)
        Weak confidence of each row of ``fit``, out of fold where a label was known.
    overlap_scores_ : ndarray of shape (n_samples,)
        Similarity of each row of ``fit`` to the hard rows; 0 without hard rows. Those
        of hard rows, on which nothing else depends, are computed when this is read.
    scores_ : ndarray of shape (n_samples,)
        As :meth:`score_samples`, for the rows of ``fit``.
    support_ : ndarray of shape (n_samples,) of bool
        Which rows of ``fit`` are overlap.
    hard_indices_ : ndarray of int
        Positions of the hard rows.
    reference_ : ndarray of shape (n_reference, n_strong_features)
        The hard rows that others are compared with, as the representation gives them.
    overlap_density_ : float
        Share of overlap rows among the covered rows of ``fit``.
    confidence_threshold_, overlap_threshold_ : float
        The two thresholds.
    confidence_split_, overlap_split_ : ChangePoint or None
        The change points the thresholds come from, with their gain.
    confidence_pvalue_, overlap_pvalue_ : float
        How likely one group alone gives confidences, or overlap scores of rows that
        are not hard, that look as much like two; NaN where there are none.
    refinement_threshold_ : float
        Similarity to confident rows above which `refine_hard` does not count a row as
        hard; infinite without.
    confident_reference_ : ndarray of shape (n_confident, n_strong_features)
        The confident rows it compares with, at most 1,000; none without.
    view_alignment_ : float
        How much the views see the same, from 0 (nothing) to 1 (all): the debiased
        centred kernel alignment [2]_ of their standardised columns. NaN where they
        cannot be compared, or weak labels were given.
    neighbors_ : transformer or None
        The fitted `neighbors`; for cosines, fitted on the hard rows divided by their
        norms, followed by the negatives of these.
    representation_ : transformer or None
        The fitted representation.
    weak_estimator_ : estimator or None
        The weak model fitted on all known labels.
    classes_ : ndarray of shape (n_classes,)
        The classes.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it has names.

    Raises
    ------
    ValueError
        In ``fit``, if the strong view holds infinity or, in an array, missing values,
        text of too many values, dates or lists; a selector
        names a column that does not exist, y is missing where the weak model needs
        it, y holds a single class, or `neighbors` goes with another aggregation than
        ``"max"`` or with ``metric="dot"``.

    Warns
    -----
    NoEvidenceOfGroupsWarning
        The confidences, or the overlap scores, show no separate groups (from 100
        different values on), neither by the dip test nor by their distance: see Notes.
        Or there are too few rows for a change point.
    UncoveredRowsWarning
        Some rows have no vote.
    WeakConfidenceWarning
        The weak model is certain (0.999 or more) of over 90 % of the rows; or a row
        predicted only by the class shares would not be counted as hard, because one
        class is so frequent.
    SimilarViewsWarning
        The strong view adds hardly anything to the weak one, although `strong_columns`
        or `weak_columns` is given; or it holds the votes or probabilities that the weak
        labels come from.
    ClassCollapseWarning
        The overlap rows have a single weak class.
    NoOverlapWarning
        The weak model is equally confident in every row, so that all rows are easy; or
        no row is above the overlap threshold, or every row is hard.
    WeakLabelWarning
        The weak model is undecided about every row, or a class has a single labelled
        row.

    See Also
    --------
    WeakToStrongClassifier : Trains a strong model on the rows found.

    Notes
    -----
    ``labels_`` and ``overlap_scores_`` rest on out-of-fold probabilities; ``transform``
    and ``predict`` use the weak model fitted on all labelled rows, as they must for
    new rows. So ``fit(X, y).predict(X)`` can differ from ``labels_`` in a few rows.

    The dip test hardly ever finds a group of a tenth of 1,000 rows that is 4 standard
    deviations away. So values also count as two groups if the means of the two sides
    are 5 standard deviations of the sides apart and the smaller side holds 1 % of the
    rows, at least 10. Smaller or nearer groups are missed; ``python -m benchmarks
    evidence`` prints how often.

    With `max_landmarks` = `m` landmarks, the mean of similarities in [0, 1] (cosines,
    distances) of any one row is off by at most :math:`\sqrt{\log(2 / \delta) / (2 m)}`
    with probability :math:`1 - \delta` (Hoeffding; for draws without replacement as
    well): .043 for 1,000 landmarks and :math:`\delta` = .05. The maximum has no such
    bound: it misses the nearest hard row unless that is drawn, and is too small then.
    ``python -m benchmarks landmarks`` measures both on real data.

    A memory map opened with mode "r" is read block by block: what stays in memory are a
    few numbers per row, the hard rows, and views of the map with a few columns.

    A dask array or dataframe is read chunk by chunk by ``fit``, which then needs
    `max_landmarks` and `weak_columns`: the weak columns, numbers per row and the
    landmarks are gathered. All other methods give a lazy dask array for it.

    References
    ----------
    .. [1] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025, arXiv:2412.03881.
    .. [2] S. Kornblith, M. Norouzi, H. Lee, G. Hinton, "Similarity of Neural Network
       Representations Revisited", ICML 2019.

    Examples
    --------
    >>> from overlapkit import OverlapDetector
    >>> from overlapkit.datasets import make_overlap_classification
    >>> data = make_overlap_classification(
    ...     n_easy=200, n_hard=200, n_overlap=200, random_state=0
    ... )
    >>> detector = OverlapDetector(weak_columns=slice(0, 20), random_state=0)
    >>> detector.fit(data.X, data.y).overlap_density_ > 0.1
    True
    >>> detector.predict(data.X[:3]).shape
    (3,)
    """

    _parameter_constraints: dict = {
        **BaseScorer._parameter_constraints,
        "representation": [HasMethods(["fit", "transform"]), None],
        "confidence": [StrOptions({"margin", "max", "entropy"})],
        "hard_threshold": _THRESHOLD,
        "metric": [StrOptions({"cosine", "dot", "euclidean"})],
        "aggregation": [StrOptions({"mean", "max"}), tuple],
        "overlap_threshold": _THRESHOLD,
        "max_landmarks": [Interval(Integral, 1, None, closed="left"), None],
        "neighbors": [HasMethods(["fit", "transform"]), None],
        "refine_hard": [
            Options(bool, {False}),
            StrOptions({"separated"}),
            Interval(Real, 0, 1, closed="neither"),
        ],
    }

    # what answers by chunk do without
    _per_row = (
        "scores_",
        "support_",
        "labels_",
        "weak_confidence_",
        "_overlap_scores",
        "hard_indices_",
    )

    def __init__(
        self,
        weak_estimator=None,
        *,
        strong_columns=None,
        weak_columns=None,
        classes=None,
        representation=None,
        confidence="margin",
        hard_threshold="changepoint",
        metric="cosine",
        aggregation="mean",
        overlap_threshold="changepoint",
        max_landmarks=None,
        neighbors=None,
        refine_hard=False,
        missing_label=None,
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.weak_estimator = weak_estimator
        self.strong_columns = strong_columns
        self.weak_columns = weak_columns
        self.classes = classes
        self.representation = representation
        self.confidence = confidence
        self.hard_threshold = hard_threshold
        self.metric = metric
        self.aggregation = aggregation
        self.overlap_threshold = overlap_threshold
        self.max_landmarks = max_landmarks
        self.neighbors = neighbors
        self.refine_hard = refine_hard
        self.missing_label = missing_label
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_rows(self, rows):
        self.view_alignment_ = getattr(self._labeler, "alignment_", np.nan)
        if self._labeler is not None and self._labeler.splits_views:
            warn_about_views(self.view_alignment_)
        if is_chunked(rows.strong):
            self._check_by_chunk()
        covered = rows.covered
        self.representation_ = self._fit_representation(rows)
        strong = represented(self.representation_, rows.strong)
        aggregation = _aggregation_params(self.aggregation)
        confidence = rows.confidence(self.confidence)
        warn_about_saturation(confidence[covered])
        self.confidence_threshold_, self.confidence_split_ = confidence_threshold(
            confidence[covered], self.hard_threshold
        )
        self.confidence_pvalue_ = dip_test(confidence[covered]).pvalue
        self._fit_refinement(strong, confidence, rows)
        certainty = lift_confident(
            strong,
            confidence,
            self.confidence_threshold_,
            self.confident_reference_,
            self.refinement_threshold_,
            self.metric,
            self.n_jobs,
        )
        hard = covered & (certainty < self.confidence_threshold_)
        self.hard_indices_ = np.flatnonzero(hard)
        self.reference_ = read_rows(
            strong,
            sample_rows(
                self.hard_indices_,
                self.max_landmarks,
                rows,
                self._seed_of(rows),
            ),
        )
        self.neighbors_ = fit_neighbors(
            self.neighbors, self.reference_, self.metric, aggregation["aggregation"]
        )
        rule = RegionRule(
            confidence=self.confidence,
            confidence_threshold=self.confidence_threshold_,
            overlap_threshold=np.inf,
            reference=self.reference_,
            metric=self.metric,
            aggregation=aggregation,
            representation=self.representation_,
            neighbors=self.neighbors_,
            confident_reference=self.confident_reference_,
            refinement_threshold=self.refinement_threshold_,
            score_floor=0.0,
            n_jobs=self.n_jobs,
        )
        # the scores of hard rows decide nothing, and can be had later where these rows
        # are kept: as the reference
        self._hard_unscored = 0 < len(self.reference_) == len(self.hard_indices_)
        scored = np.flatnonzero(~hard | (not self._hard_unscored))
        scores = np.zeros(len(rows), dtype=precision_of(strong))
        scores[scored] = rule.similarity(strong, scored)
        others = covered & ~hard
        self._fit_overlap_threshold(scores[others], hard, covered)
        self.rule_ = replace(
            rule,
            overlap_threshold=self.overlap_threshold_,
            score_floor=scores[others].min() if others.any() else 0.0,
        )
        reading = self.rule_.conclude(confidence, scores, certainty, covered, None)
        self.weak_confidence_, self._overlap_scores = confidence, scores
        self.labels_, self.scores_ = reading.regions, reading.ranks
        self.support_ = self.labels_ == OVERLAP
        self.overlap_density_ = float(self.support_[covered].mean())
        self.region_names_ = REGION_NAMES.copy()
        if self.confidence_split_ is not None:
            warn_about_prior(
                rows.proba.mean(axis=0, where=covered[:, None]),
                rows.classes,
                self.confidence,
                self.confidence_threshold_,
            )
        warn_about_groups(
            "weak confidences",
            "hard and other",
            confidence[covered],
            self.confidence_pvalue_,
            self.confidence_split_,
        )
        warn_about_groups(
            "overlap scores",
            "easy and overlap",
            scores[others],
            self.overlap_pvalue_,
            self.overlap_split_,
        )
        warn_about_kept_classes(self.support_, rows)

    def _check_by_chunk(self):
        """Refuse what would gather all hard rows of a dask array."""
        if self.max_landmarks is None or self.refine_hard is not False:
            raise ValueError(
                f"max_landmarks={self.max_landmarks} and refine_hard="
                f"{self.refine_hard} would gather all hard rows of a dask array in "
                "this process: set max_landmarks, for instance to 1000, and leave "
                "refine_hard at False."
            )

    def _fit_overlap_threshold(self, scores, hard, covered):
        self.overlap_threshold_, self.overlap_split_ = np.inf, None
        self.overlap_pvalue_ = np.nan
        if hard.any() and len(scores):
            self.overlap_threshold_, self.overlap_split_ = overlap_threshold(
                scores, self.overlap_threshold
            )
            self.overlap_pvalue_ = dip_test(scores).pvalue
        elif hard.any():
            warn(
                f"Every row is hard: all {covered.sum()} confidences are below "
                f"{self.confidence_threshold_:.4g}, so there is no overlap.",
                NoOverlapWarning,
            )

    def _fit_refinement(self, strong, confidence, rows):
        """Set the confident rows, and the similarity to them that is too much."""
        # no slice, which would keep all rows in memory
        self.confident_reference_ = np.empty((0, strong.shape[1]), dtype=strong.dtype)
        self.refinement_threshold_ = np.inf
        covered = rows.covered
        candidates = covered & (confidence < self.confidence_threshold_)
        others = covered & ~candidates
        if self.refine_hard is False or not others.any() or not candidates.any():
            return
        confident = sample_rows(
            np.flatnonzero(others),
            _MAX_CONFIDENT,
            rows,
            self._seed_of(rows),
        )
        self.confident_reference_ = read_rows(strong, confident)
        similarity = similarity_to(
            self.confident_reference_,
            read_rows(strong, np.flatnonzero(candidates)),
            self.metric,
            {"aggregation": "mean"},
            None,
            self.n_jobs,
        )
        guarded = self.refine_hard == "separated"
        level = SIGNIFICANCE_LEVEL if guarded else float(self.refine_hard)
        split = change_point(similarity)
        two_groups = dip_test(similarity).pvalue <= level
        if two_groups and (not guarded or far_apart(similarity, split)):
            self.refinement_threshold_ = split.midpoint

    def _fit_representation(self, rows):
        representation = self.representation
        if representation is None:
            representation = default_representation(rows.strong)
        if representation is None:
            return None
        if not rows.covered.all():
            rows = rows.take(rows.covered)
        return clone(representation).fit(in_memory(rows.strong), rows.labels)

    @property
    def overlap_scores_(self):
        """Similarity of each row of ``fit`` to the hard rows."""
        check_is_fitted(self)
        if self._hard_unscored:
            own = self.rule_.similarity(self.reference_)
            self._overlap_scores[self.hard_indices_] = own
            self._hard_unscored = False
        return self._overlap_scores

    @by_chunk(chunk_precision, columns=lambda self: 2)
    def transform(self, X):
        """Weak confidence and overlap score of each row.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, as in fit.

        Returns
        -------
        X_out : ndarray of shape (n_samples, 2)
            Columns ``weak_confidence`` (0 to 1) and ``overlap_score``; float32 when
            the strong view is float32 or float16.
        """
        reading = self._read(X)
        columns = np.column_stack([reading.confidence, reading.scores])
        return columns.astype(reading.scores.dtype, copy=False)

    @by_chunk(np.int8)
    def predict(self, X):
        """Region of each row: 0 easy, 1 overlap, 2 hard, 3 uncovered.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, as in fit.

        Returns
        -------
        regions : ndarray of shape (n_samples,) of int8
            Positions in ``region_names_``.
        """
        return self._read(X).regions

    @by_chunk(np.float64)
    def decision_function(self, X):
        """Distance to the overlap threshold; above 0 is overlap.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, as in fit.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Overlap score less its threshold; for hard rows at most the (negative)
            distance of their confidence to its threshold; minus infinity for rows that
            are not covered.
        """
        reading = self._read(X)
        return self.rule_.decide(reading)

    def _read(self, X):
        rows = self._label(X)
        return self.rule_.read(rows)

    def _score_rows(self, rows):
        return self.rule_.read(rows).ranks

    def get_feature_names_out(self, input_features=None):
        """Names of the columns of :meth:`transform`.

        Parameters
        ----------
        input_features : ignored
            Present for API consistency.

        Returns
        -------
        names : ndarray of shape (2,)
            ``weak_confidence`` and ``overlap_score``.
        """
        check_is_fitted(self)
        return np.asarray(["weak_confidence", "overlap_score"], dtype=object)

    def __sklearn_tags__(self):
        """float32 in, float32 out."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _aggregation_params(aggregation) -> dict:
    """Parameters of the aggregation of similarities.

    Raises
    ------
    ValueError
        If a tuple is neither ``("quantile", q)`` nor ``("topk", k)``.
    """
    if isinstance(aggregation, str):
        return {"aggregation": aggregation}
    if len(aggregation) == 2:
        kind, number = aggregation
        if kind == "quantile" and isinstance(number, Real) and 0 <= float(number) <= 1:
            return {"aggregation": kind, "quantile": float(number)}
        if kind == "topk" and isinstance(number, Integral) and int(number) >= 1:
            return {"aggregation": kind, "top_k": int(number)}
    raise ValueError(
        f"aggregation={aggregation!r}; a tuple must be ('quantile', q) with q between "
        "0 and 1, or ('topk', k) with an integer k of 1 or more."
    )
