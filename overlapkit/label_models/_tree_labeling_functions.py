"""Labelling functions read off shallow random trees."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from overlapkit._utils.base import LinkedEstimator
from overlapkit._utils.checks import validate_data
from overlapkit._utils.sklearn_compat import (
    Interval,
    StrOptions,
    _fit_context,
)

__all__ = ["TreeLabelingFunctions"]

# Votes are int8, and class indices run from 0 to 127.
_MAX_CLASSES = 128


def _node_depths(tree) -> np.ndarray:
    """Depth of every node of a fitted tree; the root has depth 0."""
    depth = np.zeros(tree.node_count, dtype=np.intp)
    # a child always has a larger index than its parent
    for node in np.flatnonzero(tree.children_left >= 0):
        depth[[tree.children_left[node], tree.children_right[node]]] = depth[node] + 1
    return depth


def _path_to(tree, leaf):
    """Conditions ``(feature, operator, threshold)`` from the root down to `leaf`.

    Of two conditions on one feature in one direction only the tighter is kept.
    """
    parent = np.full(tree.node_count, -1)
    inner = np.flatnonzero(tree.children_left >= 0)
    parent[tree.children_left[inner]] = inner
    parent[tree.children_right[inner]] = inner
    path = {}
    node = leaf
    while parent[node] >= 0:
        above = parent[node]
        operator = "<=" if tree.children_left[above] == node else ">"
        # walking up from the leaf, the tighter condition comes first
        key = (int(tree.feature[above]), operator)
        path.setdefault(key, float(tree.threshold[above]))
        node = above
    return [(*key, threshold) for key, threshold in reversed(path.items())]


def _column(X, feature) -> np.ndarray:
    """One column of a dense or sparse table, as a dense vector."""
    column = X[:, [feature]]
    return (column.toarray() if sparse.issparse(column) else column)[:, 0]


def _shortest(threshold, column) -> float:
    """`threshold` in as few digits as split `column` (float32) like it.

    Rules are meant to be read, and the text has to be the whole rule: thresholds
    lie half way between two values, so digits beyond the values' own are arbitrary.
    """
    below = column.astype(np.float64) <= threshold
    for digits in range(3, 10):
        text = f"{threshold:.{digits}g}"
        if np.array_equal(column <= np.float32(text), below):
            return float(text)
    # nine digits tell all float32 apart; only the middle of two neighbours, which is
    # no float32, gets here, and the largest value below does as well
    return float(f"{column[below].max():.9g}")


class TreeLabelingFunctions(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, LinkedEstimator
):
    r"""Turn a few labelled rows of a table into labelling functions.

    A labelling function is a rule such as "``word_freq_free > 0.3`` and
    ``word_freq_hp <= 0.2``, then spam": it votes for one class where it applies and
    abstains elsewhere. Here each rule is one path of one shallow tree of a random
    forest, after the recipe of the WRENCH benchmark [1]_. The votes feed a label
    model, as the weak columns of a weak-to-strong problem.

    Of tree :math:`t = 0, 1, \dots` the leaves at its greatest depth are candidates,
    if they vote for class :math:`t \bmod K`; if none does, all leaves at that depth
    are. The candidate with the largest Laplace-corrected precision [2]_

    .. math:: \frac{\max_k w_k + 1}{\sum_k w_k + K}

    becomes the rule, where :math:`w_k` is the weight of the rows of class :math:`k`
    in the leaf, over all rows given to `fit`. The correction prefers a pure leaf
    with many rows to a pure leaf with few; taking the classes in turn leaves no
    class without rules.

    Parameters
    ----------
    n_estimators : int, default=20
        Number of trees, and the largest number of rules.
    max_depth : int, default=3
        Depth of the trees, and the largest number of splits behind a rule.
    max_features : {"sqrt", "log2"}, int, float or None, default="sqrt"
        Features tried at each split, as in
        :class:`~sklearn.ensemble.RandomForestClassifier`.
    class_weight : {"balanced"} or None, default="balanced"
        ``"balanced"`` gives each class the same total weight, in the trees and in
        :math:`w_k`, as if the rows had been drawn class by class (as in the recipe).
        On class-balanced rows all weights are 1. ``None`` counts every row once.
    min_coverage : float in [0, 1], default=0.0
        Rules with a smaller `coverage_` are dropped.
    min_precision : float in [0, 1], default=0.0
        Rules with a smaller `precision_` are dropped.
    random_state : int, RandomState instance or None, default=None
        Controls the forest. Pass an int for the same rules at every call.

    Attributes
    ----------
    rules_ : list of str, length n_rules
        The rules as text; nothing is rounded away.
    conditions_ : list of list of tuple (int, str, float), length n_rules
        Conditions of each rule, all of which must hold: index of the feature,
        ``"<="`` or ``">"``, threshold.
    rule_classes_ : ndarray of int8, shape (n_rules,)
        The class each rule votes for, as an index into `classes_`.
    coverage_ : ndarray of float64, shape (n_rules,)
        Share of the rows given to `fit` where the rule votes.
    precision_ : ndarray of float64, shape (n_rules,)
        Share of these votes that are right. It is optimistic, as the rules were
        chosen on the same rows, and it is not weighted by class.
    classes_ : ndarray of shape (n_classes,)
        The class labels; a vote ``k`` means ``classes_[k]``.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of str, shape (`n_features_in_`,)
        Names of the features seen during `fit`, if they have names.

    Raises
    ------
    ValueError
        If `y` has fewer than 2 or more than 128 classes, or no rule is left.

    See Also
    --------
    load_wrench : Reads votes that exist already.
    load_spambase, load_mushroom : Tables to try it on.

    Notes
    -----
    Fit on a small labelled subset (WRENCH: 10 % of the rows) and keep these rows out
    of any evaluation. As in scikit-learn's trees, features are compared as float32.
    Thresholds are rounded to as few digits as leave the rows given to `fit` on their
    side.
    Missing values are refused: what a rule says of them should be decided by you.
    Rules with equal votes on the rows given to `fit` are kept once.

    References
    ----------
    .. [1] J. Zhang, Y. Yu, Y. Li, Y. Wang, Y. Yang, M. Yang, A. Ratner. "WRENCH: A
       Comprehensive Benchmark for Weak Supervision". NeurIPS Datasets and Benchmarks,
       2021. https://arxiv.org/abs/2109.11377
    .. [2] P. Clark, R. Boswell. "Rule induction with CN2: some recent improvements".
       European Working Session on Learning, 1991.
       https://doi.org/10.1007/BFb0017011

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.datasets import load_spambase
    >>> from overlapkit.label_models import TreeLabelingFunctions
    >>> X, y = load_spambase(return_X_y=True, as_frame=True)
    >>> y = np.array(["ham", "spam"])[y]
    >>> labeled = np.random.RandomState(0).permutation(len(X))[:400]
    >>> lfs = TreeLabelingFunctions(random_state=0).fit(X.iloc[labeled], y[labeled])
    >>> lfs.rules_[9]
    'word_freq_george <= 0.025 and word_freq_free > 0.04 and ... => spam'
    >>> lfs.coverage_[9].round(1), lfs.precision_[9].round(1)
    (np.float64(0.2), np.float64(0.9))
    >>> lfs.transform(X).shape
    (4597, 20)
    """

    _parameter_constraints = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "max_depth": [Interval(Integral, 1, None, closed="left")],
        "max_features": [
            StrOptions({"sqrt", "log2"}),
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0.0, 1.0, closed="right"),
            None,
        ],
        "class_weight": [StrOptions({"balanced"}), None],
        "min_coverage": [Interval(Real, 0.0, 1.0, closed="both")],
        "min_precision": [Interval(Real, 0.0, 1.0, closed="both")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_estimators=20,
        *,
        max_depth=3,
        max_features="sqrt",
        class_weight="balanced",
        min_coverage=0.0,
        min_precision=0.0,
        random_state=None,
    ):
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.max_features = max_features
        self.class_weight = class_weight
        self.min_coverage = min_coverage
        self.min_precision = min_precision
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Find the rules.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            The labelled rows, numerical.
        y : array-like of shape (n_samples,)
            Their classes: integers or strings.

        Returns
        -------
        self : TreeLabelingFunctions
            The fitted transformer.
        """
        X, y = validate_data(
            self,
            X,
            y,
            dtype=np.float32,
            accept_sparse="csr",
            ensure_min_samples=2,
        )
        check_classification_targets(y)
        self.classes_, y = np.unique(y, return_inverse=True)
        n_classes = len(self.classes_)
        if not 2 <= n_classes <= _MAX_CLASSES:
            raise ValueError(
                f"y has {n_classes} class(es), expected 2 to {_MAX_CLASSES}"
            )
        # imported late: forests bring in half of scikit-learn
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            self.n_estimators,
            max_depth=self.max_depth,
            max_features=self.max_features,
            class_weight=self.class_weight,
            random_state=self.random_state,
        ).fit(X, y)
        weight = np.ones(len(y))
        if self.class_weight == "balanced":
            weight = (len(y) / (n_classes * np.bincount(y)))[y]

        self.conditions_, rule_classes = [], []
        for index, estimator in enumerate(forest.estimators_):
            tree = estimator.tree_
            if tree.node_count == 1:  # no split: a constant is not a rule
                continue
            mass = np.zeros((tree.node_count, n_classes))
            np.add.at(mass, (tree.apply(X), y), weight)
            depth = _node_depths(tree)
            leaves = np.flatnonzero(depth == depth.max())
            vote = mass[leaves].argmax(axis=1)
            turn = vote == index % n_classes
            if turn.any():
                leaves, vote = leaves[turn], vote[turn]
            mass = mass[leaves]
            best = ((mass.max(axis=1) + 1) / (mass.sum(axis=1) + n_classes)).argmax()
            self.conditions_.append(
                [
                    (feature, operator, _shortest(threshold, _column(X, feature)))
                    for feature, operator, threshold in _path_to(tree, leaves[best])
                ]
            )
            rule_classes.append(vote[best])
        self.rule_classes_ = np.array(rule_classes, dtype=np.int8)
        self._keep_useful_rules(X, y)

        names = [f"x{feature}" for feature in range(self.n_features_in_)]
        names = getattr(self, "feature_names_in_", names)
        self.rules_ = [
            " and ".join(f"{names[j]} {op} {limit:.9g}" for j, op, limit in conditions)
            + f" => {self.classes_[k]}"
            for conditions, k in zip(self.conditions_, self.rule_classes_)
        ]
        return self

    def _keep_useful_rules(self, X, y):
        """Drop equal columns and rules below the limits; set the statistics."""
        votes = self._votes(X)
        _, first = np.unique(votes, axis=1, return_index=True)
        covered = votes >= 0
        self.coverage_ = covered.mean(axis=0)
        # a leaf holds at least one row its tree was grown on, so no division by 0
        self.precision_ = (votes == y[:, None]).sum(axis=0) / covered.sum(axis=0)
        keep = np.isin(np.arange(votes.shape[1]), first)
        keep &= self.coverage_ >= self.min_coverage
        keep &= self.precision_ >= self.min_precision
        if not keep.any():
            raise ValueError(
                f"no rule is left of {votes.shape[1]} found in {self.n_estimators} "
                f"trees (min_coverage={self.min_coverage}, min_precision="
                f"{self.min_precision}): lower the limits, raise n_estimators, or "
                "give rows whose features differ"
            )
        self.coverage_, self.precision_ = self.coverage_[keep], self.precision_[keep]
        self.rule_classes_ = self.rule_classes_[keep]
        self.conditions_ = [self.conditions_[j] for j in np.flatnonzero(keep)]

    def _votes(self, X):
        """Votes of every rule on validated float32 rows, int8."""
        votes = np.full((X.shape[0], len(self.conditions_)), -1, dtype=np.int8)
        columns = {}
        for rule, conditions in enumerate(self.conditions_):
            holds = np.ones(X.shape[0], dtype=bool)
            for feature, operator, threshold in conditions:
                if feature not in columns:
                    columns[feature] = _column(X, feature)
                below = columns[feature] <= np.float32(threshold)
                holds &= below if operator == "<=" else ~below
            votes[holds, rule] = self.rule_classes_[rule]
        return votes

    def transform(self, X):
        """Let the rules vote.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows with the features seen during `fit`.

        Returns
        -------
        votes : ndarray of int8, shape (n_samples, n_rules)
            ``k`` for the class ``classes_[k]``, -1 where a rule abstains.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float32, accept_sparse="csr")
        return self._votes(X)

    @property
    def _n_features_out(self):
        """Number of columns that `transform` returns."""
        return len(self.rules_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = []
        return tags
