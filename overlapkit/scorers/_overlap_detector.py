"""OverlapDetector: which rows are easy, hard, or both."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from overlapkit._utils.memory_map import read_rows
from overlapkit._utils.sklearn_compat import HasMethods, Interval, StrOptions
from overlapkit.diagnostics import dip_test
from overlapkit.exceptions import NoOverlapWarning
from overlapkit.scorers._neighbors import fit_neighbors
from overlapkit.scorers._overlap_checks import (
    MAX_CONFIDENT,
    purification_threshold,
    sample_rows,
    warn_about_groups,
    warn_about_kept_classes,
    warn_about_prior,
    warn_about_saturation,
    warn_about_views,
)
from overlapkit.scorers._region_reader import RegionReader
from overlapkit.scorers._regions import (
    OVERLAP,
    REGION_NAMES,
    confidence_threshold,
    overlap_threshold,
    region_codes,
)
from overlapkit.weak._views import check_features

__all__ = ["OverlapDetector"]

_THRESHOLD = [
    StrOptions({"changepoint", "binseg", "median"}),
    Interval(Real, None, None, closed="neither"),
    tuple,
]


class OverlapDetector(TransformerMixin, RegionReader):
    r"""Find the rows that carry both an easy and a hard pattern.

    A weak model labels the rows. Where it is unsure, the row is *hard*: the pattern
    it knows is absent. Among the rest, those that look like the hard rows to the
    strong model carry the hard pattern as well: they are the *overlap*. Their weak
    labels are as good as those of *easy* rows, and a strong model that learns from
    them learns the hard pattern too.

    With the confidence :math:`c` of the weak model and the strong view :math:`x`,

    .. math::

        H = \{i : c_i < \tau_c\}, \qquad
        s_i = \operatorname{agg}_{h \in H} \operatorname{sim}(x_i, x_h), \qquad
        O = \{i \notin H : s_i > \tau_o\},

    where :math:`\tau_c` and :math:`\tau_o` split the sorted confidences and the
    sorted similarities of non-hard rows in two segments of least squared error. The
    thresholds and the hard rows belong to ``fit``; new rows are held against them.

    The setting of the source paper is ``aggregation="max"``. The default is
    ``"mean"``: one easy row among the hard ones is enough to turn the maximum round.

    Parameters
    ----------
    weak_estimator : estimator, "precomputed" or None, default=None
        The weak model. None: logistic regression on the standardised weak columns,
        whose probabilities are out of fold for the rows of ``fit``. A
        :class:`~sklearn.frozen.FrozenEstimator` is used as it is. A label model
        (see :mod:`overlapkit.label_models`) reads the weak columns as votes.
        ``"precomputed"``: the weak columns are the class probabilities, in the order
        of ``classes_``.
    strong_columns, weak_columns : selector, default=None
        The columns of X each model sees: whatever
        :class:`~sklearn.compose.ColumnTransformer` takes. None: all columns.
    representation : transformer, default=None
        Applied to the strong view before similarities are taken, and fitted with the
        weak labels: a scaler, or
        :class:`~overlapkit.representation.HiddenLayerRepresentation`, which is what
        the source paper does on tables. None: the columns as they are.
    confidence : {"margin", "max", "entropy"}, default="margin"
        See :func:`~overlapkit.scorers.weak_confidence`.
    hard_threshold : str, float or tuple, default="changepoint"
        Confidence below which a row is hard. ``"changepoint"`` is the exact split,
        ``"binseg"`` the coarser one of the authors' code, ``"median"`` and
        ``("quantile", q)`` are quantiles of the confidences, a float is the value.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        See :func:`~overlapkit.scorers.reference_similarity`. Cosines and products
        count by their absolute value.
    aggregation : {"mean", "max", "quantile", "topk"}, default="mean"
        How the similarities of a row to all hard rows become one score.
    overlap_threshold : str, float or tuple, default="changepoint"
        Score above which a row that is not hard is overlap; as `hard_threshold`.
    max_hard : int, default=None
        Compare with at most this many hard rows, drawn at random (*landmarks*), which
        takes time linear in the number of rows. None: with all.
    neighbors : transformer, default=None
        Finds the hard rows nearest to a row, for ``aggregation="max"``: for instance
        ``pynndescent.PyNNDescentTransformer(n_neighbors=5)``, which is approximate and
        fast, or :class:`~sklearn.neighbors.KNeighborsTransformer`. Similarities to the
        rows it finds are exact, whatever its metric. None: compare with all.
    purify : bool, default=False
        Acquit hard rows that the strong view likens to rows the weak model is sure
        about: they are easy or overlap rows near its boundary. Done only where the
        likeness has two groups (p-value at most `evidence_level`).
    evidence_level : float, default=0.05
        Largest p-value of :func:`~overlapkit.diagnostics.dip_test` that counts as
        evidence of two groups.
    missing_label : scalar, default=None
        What stands in y for "label unknown". None: every label is known.
    cv : int, splitter or iterable, default=5
        Folds of the out-of-fold probabilities.
    n_jobs : int, default=None
        Folds fitted, and blocks of similarities computed, at once.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds, draws `max_hard` rows and breaks ties of weak labels.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,) of int8
        Region of each row of ``fit``: 0 easy, 1 overlap, 2 hard.
    region_names_ : ndarray of shape (3,)
        Names of the regions, in that order.
    weak_confidence_ : ndarray of shape (n_samples,)
        Weak confidence of each row of ``fit``, out of fold where a label was known.
    overlap_scores_ : ndarray of shape (n_samples,)
        Similarity of each row of ``fit`` to the hard rows; 0 without hard rows.
    scores_ : ndarray of shape (n_samples,)
        As :meth:`score_samples`, for the rows of ``fit``.
    keep_ : ndarray of shape (n_samples,) of bool
        Which rows of ``fit`` are overlap.
    hard_indices_ : ndarray of int
        Positions of the hard rows.
    reference_ : ndarray of shape (n_reference, n_strong_features)
        The hard rows that others are compared with, as the representation gives them.
    overlap_density_ : float
        Share of overlap rows among all rows of ``fit``.
    confidence_threshold_, overlap_threshold_ : float
        The two thresholds.
    confidence_split_, overlap_split_ : ChangePoint or None
        The change points the thresholds come from, with their gain.
    confidence_pvalue_, overlap_pvalue_ : float
        How likely one group alone gives confidences, or overlap scores of rows that
        are not hard, that look as much like two; NaN where there are none.
    purification_threshold_ : float
        Likeness to confident rows above which `purify` acquits; infinite without.
    confident_reference_ : ndarray of shape (n_confident, n_strong_features)
        The confident rows it compares with, at most 1,000; none without `purify`.
    view_alignment_ : float
        How much the views see the same, see
        :func:`~overlapkit.diagnostics.view_alignment`; NaN where they cannot be
        compared, or came from another estimator.
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
        In ``fit``, if the strong view holds missing or infinite values, a selector
        names a column that does not exist, y is missing where the weak model needs
        it, y holds a single class, or `neighbors` goes with another aggregation than
        ``"max"`` or with ``metric="dot"``.

    Warns
    -----
    NoEvidenceOfGroupsWarning
        The confidences, or the overlap scores, look like one group (from 100
        different values on: fewer could hardly show two).
    SaturatedWeakModelWarning
        The weak model is certain (0.999 or more) of over 90 % of the rows.
    UnbalancedClassesWarning
        A row the weak model knows nothing about would not be hard, since one class is
        so common that guessing it is confident enough.
    SimilarViewsWarning
        The strong view adds hardly anything to the weak one, although `strong_columns`
        or `weak_columns` is given; or it holds the votes or probabilities that the weak
        labels come from.
    ClassCollapseWarning
        The overlap rows have a single weak class.
    NoHardRowsWarning
        The weak model is equally sure of every row; all rows are easy.
    NoOverlapWarning
        No row is above the overlap threshold, or every row is hard.
    ThresholdFallbackWarning
        Too few rows for a change point.
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

    With `max_hard` = `m` landmarks, the mean of similarities in [0, 1] (cosines,
    distances) of any one row is off by at most :math:`\sqrt{\log(2 / \delta) / (2 m)}`
    with probability :math:`1 - \delta` (Hoeffding; for draws without replacement as
    well): .043 for 1,000 landmarks and :math:`\delta` = .05. The maximum has no such
    bound: it misses the nearest hard row unless that is drawn, and is too small then.
    ``python -m benchmarks landmarks`` measures both on real data.

    A memory map opened with mode "r" is read block by block: what stays in memory are a
    few numbers per row, the hard rows, and views of the map with a few columns.

    References
    ----------
    .. [1] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025, arXiv:2412.03881.

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
        **RegionReader._parameter_constraints,
        "representation": [HasMethods(["fit", "transform"]), None],
        "confidence": [StrOptions({"margin", "max", "entropy"})],
        "hard_threshold": _THRESHOLD,
        "metric": [StrOptions({"cosine", "dot", "euclidean"})],
        "aggregation": [StrOptions({"mean", "max", "quantile", "topk"})],
        "overlap_threshold": _THRESHOLD,
        "max_hard": [Interval(Integral, 1, None, closed="left"), None],
        "neighbors": [HasMethods(["fit", "transform"]), None],
        "purify": ["boolean"],
        "evidence_level": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        weak_estimator=None,
        *,
        strong_columns=None,
        weak_columns=None,
        representation=None,
        confidence="margin",
        hard_threshold="changepoint",
        metric="cosine",
        aggregation="mean",
        overlap_threshold="changepoint",
        max_hard=None,
        neighbors=None,
        purify=False,
        evidence_level=0.05,
        missing_label=None,
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.weak_estimator = weak_estimator
        self.strong_columns = strong_columns
        self.weak_columns = weak_columns
        self.representation = representation
        self.confidence = confidence
        self.hard_threshold = hard_threshold
        self.metric = metric
        self.aggregation = aggregation
        self.overlap_threshold = overlap_threshold
        self.max_hard = max_hard
        self.neighbors = neighbors
        self.purify = purify
        self.evidence_level = evidence_level
        self.missing_label = missing_label
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_views(self, X, y, fit_params=None):
        strong, weak, known = super()._fit_views(X, y, fit_params)
        given = self.strong_columns is not None or self.weak_columns is not None
        self.view_alignment_ = 1.0
        if given and self.weak_estimator != "precomputed":
            X = check_features(self, X, reset=False)
            self.view_alignment_ = warn_about_views(strong, X, self._weak_indices, weak)
        return strong, weak, known

    def _fit_scores(self, strong, weak):
        if not hasattr(self, "view_alignment_"):
            self.view_alignment_ = np.nan
        strong = self._fit_representation(strong, weak)
        confidence = weak.confidence(self.confidence)
        warn_about_saturation(confidence)
        self.confidence_threshold_, self.confidence_split_ = confidence_threshold(
            confidence, self.hard_threshold
        )
        self.confidence_pvalue_ = dip_test(confidence).pvalue
        self._fit_purification(strong, confidence, weak)
        certainty = self._acquit(strong, confidence)
        hard = certainty < self.confidence_threshold_
        self.hard_indices_ = np.flatnonzero(hard)
        self.reference_ = read_rows(
            strong, sample_rows(self.hard_indices_, self.max_hard, weak)
        )
        self.neighbors_ = fit_neighbors(
            self.neighbors, self.reference_, self.metric, self.aggregation
        )
        scores = self._similarity(strong)
        if hard.any() and not hard.all():
            self.overlap_threshold_, self.overlap_split_ = overlap_threshold(
                scores[~hard], self.overlap_threshold
            )
            self.overlap_pvalue_ = dip_test(scores[~hard]).pvalue
        else:
            self.overlap_threshold_, self.overlap_split_ = np.inf, None
            self.overlap_pvalue_ = np.nan
            if hard.any():
                warnings.warn(
                    f"Every row is hard: all {len(hard)} confidences are below "
                    f"{self.confidence_threshold_:.4g}, so there is no overlap.",
                    NoOverlapWarning,
                    stacklevel=2,
                )
        self.weak_confidence_ = confidence
        self.overlap_scores_ = scores
        self.labels_ = region_codes(
            certainty, scores, self.confidence_threshold_, self.overlap_threshold_
        )
        self.keep_ = self.labels_ == OVERLAP
        self.overlap_density_ = float(self.keep_.mean())
        self.region_names_ = REGION_NAMES.copy()
        self._score_floor = scores.min(where=~hard, initial=scores.max())
        self.scores_ = self._rank(certainty, scores)
        if self.confidence_split_ is not None:
            warn_about_prior(weak, self.confidence, self.confidence_threshold_)
        warn_about_groups(self, hard)
        warn_about_kept_classes(self.keep_, weak)

    def _fit_purification(self, strong, confidence, weak):
        self.confident_reference_ = strong[:0]
        self.purification_threshold_ = np.inf
        candidates = confidence < self.confidence_threshold_
        if not self.purify or candidates.all() or not candidates.any():
            return
        confident = sample_rows(np.flatnonzero(~candidates), MAX_CONFIDENT, weak)
        self.confident_reference_ = read_rows(strong, confident)
        self.purification_threshold_ = purification_threshold(
            self._likeness(read_rows(strong, np.flatnonzero(candidates))),
            self.evidence_level,
        )

    def _fit_representation(self, strong, weak):
        if self.representation is None:
            self.representation_ = None
        else:
            self.representation_ = clone(self.representation).fit(strong, weak.labels)
        return self._represent(strong)

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
        confidence, scores, _ = self._read(*self._new_views(X))
        return np.column_stack([confidence, scores]).astype(scores.dtype, copy=False)

    def predict(self, X):
        """Region of each row: 0 easy, 1 overlap, 2 hard.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Both views, as in fit.

        Returns
        -------
        regions : ndarray of shape (n_samples,) of int8
            Positions in ``region_names_``.
        """
        return self._regions(*self._new_views(X))

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
            distance of their confidence to its threshold.
        """
        _, scores, certainty = self._read(*self._new_views(X))
        threshold = min(self.overlap_threshold_, np.finfo(scores.dtype).max)
        below = certainty - self.confidence_threshold_
        decision = scores - threshold
        return np.where(below < 0, np.minimum(decision, below), decision)

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
