"""Keep what the weak model is sure about."""

from numbers import Real

from overlapkit._utils.sklearn_compat import Interval, StrOptions
from overlapkit.scorers._base import BaseScorer
from overlapkit.scorers._regions import confidence_threshold

__all__ = ["ConfidenceScorer"]


class ConfidenceScorer(BaseScorer):
    r"""Score rows by the confidence of the weak model.

    The plainest rule there is, and the control that every other one must beat: a
    weak label given with confidence is more often right. Its own threshold keeps
    every row that is not hard.

    See :func:`~overlapkit.scorers.weak_confidence` for the formulas.

    Parameters
    ----------
    weak_estimator : estimator, "precomputed" or None, default=None
        The weak model, as in :class:`~overlapkit.OverlapDetector`.
    strong_columns, weak_columns : selector, default=None
        The columns each model sees.
    classes : array-like of shape (n_classes,), default=None
        Names of the probability columns or of the vote codes, as in
        :class:`~overlapkit.OverlapDetector`.
    confidence : {"margin", "max", "entropy"}, default="margin"
        The formula.
    threshold : str, float or tuple, default="changepoint"
        Rows at or above it are kept: a change point (``"changepoint"``, ``"binseg"``),
        ``("quantile", q)``, or the value itself.
    missing_label : scalar, default=None
        What stands in y for "label unknown".
    cv : int, splitter or iterable, default=5
        Folds of the out-of-fold probabilities.
    n_jobs : int, default=None
        Folds fitted at once.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Confidence of each row of ``fit``, out of fold where a label was known.
    support_ : ndarray of shape (n_samples,) of bool
        Rows of ``fit`` at or above the threshold.
    threshold_ : float
        The threshold.
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
        As :class:`~overlapkit.OverlapDetector`.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from overlapkit.scorers import ConfidenceScorer
    >>> X, y = make_classification(random_state=0)
    >>> ConfidenceScorer(random_state=0).fit(X, y).score_samples(X[:2]).shape
    (2,)
    """

    _parameter_constraints: dict = {
        **BaseScorer._parameter_constraints,
        "confidence": [StrOptions({"margin", "max", "entropy"})],
        "threshold": [
            StrOptions({"changepoint", "binseg"}),
            Interval(Real, None, None, closed="neither"),
            tuple,
        ],
    }

    _per_row = ("scores_", "support_")  # what answers by chunk do without

    def __init__(
        self,
        weak_estimator=None,
        *,
        strong_columns=None,
        weak_columns=None,
        classes=None,
        confidence="margin",
        threshold="changepoint",
        missing_label=None,
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.weak_estimator = weak_estimator
        self.strong_columns = strong_columns
        self.weak_columns = weak_columns
        self.classes = classes
        self.confidence = confidence
        self.threshold = threshold
        self.missing_label = missing_label
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_rows(self, rows):
        self.scores_ = rows.confidence(self.confidence)
        self.threshold_, _ = confidence_threshold(
            self.scores_[rows.covered], self.threshold
        )
        self.support_ = rows.covered & (self.scores_ >= self.threshold_)

    def _score_rows(self, rows):
        return rows.confidence(self.confidence)
