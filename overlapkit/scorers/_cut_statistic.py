"""Keep rows whose neighbours carry the same weak label."""

from numbers import Integral

import numpy as np

from overlapkit._utils.memory_map import in_memory
from overlapkit._utils.sklearn_compat import Interval
from overlapkit.scorers._base import BaseScorer
from overlapkit.scorers._neighbor_graph import (
    cut_statistic,
    nearest_neighbors,
    unit_rows,
)
from overlapkit.weak._model import default_representation
from overlapkit.weak._views import check_strong

__all__ = ["CutStatisticScorer"]


class CutStatisticScorer(BaseScorer):
    r"""Score rows by how much their neighbours agree with their weak label.

    Weak labels that are right tend to agree with those nearby in the strong view.
    Of the rules compared on real weak-supervision sets this one gains most on
    average, where the neighbours carry the classes at all.

    If labels were drawn at random, a row of class y would disagree with a share
    :math:`1 - \pi_y` of its neighbours. The score is how many standard deviations
    below that the disagreement is. With weights :math:`w_{uv} = 1 / (1 + d_{uv})` of
    its neighbours v at the distance d,

    .. math::

        J_u = \sum_v w_{uv} 1[\hat y_u \ne \hat y_v], \quad
        z_u = \frac{(1 - \pi_{\hat y_u}) \sum_v w_{uv} - J_u}
                   {\sqrt{\pi_{\hat y_u} (1 - \pi_{\hat y_u}) \sum_v w_{uv}^2}}

    which is the negative of the statistic of [1]_, so that higher is better; 0 where
    the labels are all of one class. It has no threshold of its own, and a row's score
    depends on its class, so use it with a budget and quotas per class.

    Parameters
    ----------
    weak_estimator : estimator, "precomputed" or None, default=None
        The weak model, as in :class:`~overlapkit.OverlapDetector`.
    strong_columns, weak_columns : selector, default=None
        The columns each model sees.
    classes : array-like of shape (n_classes,), default=None
        Names of the probability columns or of the vote codes, as in
        :class:`~overlapkit.OverlapDetector`.
    n_neighbors : int, default=20
        Neighbours in the strong view; a row is not its own neighbour.
    metric : str, default="cosine"
        Any metric of :class:`~sklearn.neighbors.NearestNeighbors`.
    missing_label : scalar, default=None
        What stands in y for "label unknown".
    cv : int, splitter or iterable, default=5
        Folds of the out-of-fold probabilities.
    n_jobs : int, default=None
        Folds fitted, and neighbours searched, at once.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds and breaks ties of weak labels.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Score of each row of ``fit``; minus infinity for rows that are not covered.
    support_ : None
        There is no threshold.
    representation_ : TabularRepresentation or None
        What encodes a dataframe with text, categories or missing values; None: there
        are none.
    neighbors_ : NearestNeighbors
        The fitted neighbour search, in covered rows of ``fit``, ordered by a hash of
        what they hold.
    weak_codes_ : ndarray of shape (n_samples,)
        Weak labels of the covered rows of ``fit``, as positions in ``classes_``.
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

    Notes
    -----
    Of rows at the same distance, a hash of what they hold decides which are neighbours,
    not their position. Rows of ``fit`` that hold the same and have the same weak label
    get the mean of their scores.

    References
    ----------
    .. [1] H. Lang, A. Vijayaraghavan, D. Sontag, "Training Subset Selection for Weak
       Supervision", NeurIPS 2022.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from overlapkit.scorers import CutStatisticScorer
    >>> X, y = make_classification(random_state=0)
    >>> CutStatisticScorer(random_state=0).fit(X, y).score_samples(X[:2]).shape
    (2,)
    """

    _parameter_constraints: dict = {
        **BaseScorer._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "metric": [str],
    }

    def __init__(
        self,
        weak_estimator=None,
        *,
        strong_columns=None,
        weak_columns=None,
        classes=None,
        n_neighbors=20,
        metric="cosine",
        missing_label=None,
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.weak_estimator = weak_estimator
        self.strong_columns = strong_columns
        self.weak_columns = weak_columns
        self.classes = classes
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.missing_label = missing_label
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_rows(self, rows):
        # imported late: neighbours bring in half of scikit-learn
        from sklearn.neighbors import NearestNeighbors

        covered = np.flatnonzero(rows.covered)
        if len(covered) < 2:
            raise ValueError(
                f"n_samples = {len(covered)}: a cut statistic needs a neighbour."
            )
        self.weak_codes_ = codes = rows.codes[covered]
        content = rows.hash_of(covered)
        # ordered by what rows hold, so that of rows at the same distance the same are
        # neighbours wherever rows stand
        order = np.lexsort((codes, content))
        self._reference_codes = codes[order]
        codes, content, covered = codes[order], content[order], covered[order]
        labeled = rows.take(covered)
        self.representation_ = default_representation(labeled.strong)
        if self.representation_ is not None:
            self.representation_.fit(labeled.strong)
        n_neighbors = min(self.n_neighbors, len(covered) - 1)
        strong = self._represented(labeled)
        self.neighbors_ = NearestNeighbors(
            n_neighbors=n_neighbors, metric=self.metric, n_jobs=self.n_jobs
        ).fit(strong)
        distances, neighbors = self._own_neighbors(strong, n_neighbors)
        scores = self._statistic(labeled, neighbors, distances)
        # equal rows have each other for neighbours, one more or less than another
        differs = (np.diff(content) != 0) | (np.diff(codes) != 0)
        group = np.append(0, np.cumsum(differs))
        scores = (np.bincount(group, scores) / np.bincount(group))[group]
        self.scores_ = np.full(len(rows), -np.inf)
        self.scores_[covered] = scores
        self.support_ = None

    def _own_neighbors(self, strong, n_neighbors):
        """Distances and positions of the neighbours of the rows of fit."""
        unit = unit_rows(strong) if self.metric == "cosine" else None
        if unit is None:
            return self.neighbors_.kneighbors()
        neighbors, distances = nearest_neighbors(unit, n_neighbors, self.n_jobs)
        # |u - v|^2 = 2 (1 - cos(u, v)) for rows of norm 1
        return distances.astype(np.float64) ** 2 / 2, neighbors

    def _score_rows(self, rows):
        distances, neighbors = self.neighbors_.kneighbors(self._represented(rows))
        return self._statistic(rows, neighbors, distances)

    def _represented(self, rows):
        strong = rows.strong
        if self.representation_ is not None:
            strong = self.representation_.transform(strong)
        return in_memory(check_strong(strong))

    def _statistic(self, rows, neighbors, distances):
        return cut_statistic(
            rows.codes,
            neighbors,
            distances,
            self._reference_codes,
            len(rows.classes),
        )
