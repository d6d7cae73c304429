"""KnownLabelSplit: cross-validation where most labels are unknown."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import (
    BaseCrossValidator,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.utils import check_random_state

from overlapkit._utils.checks import (
    check_consistent_length,
    check_kind,
    check_number,
    naming,
)
from overlapkit._utils.labels import check_labels, check_missing_label, known_labels

__all__ = ["KnownLabelSplit"]


class KnownLabelSplit(BaseCrossValidator):
    """Stratified K-fold splits that test on rows with a known label only.

    Rows whose label is unknown can be learnt from, but not tested on: a score would
    count their marker as a class. So they are in every training part and in no test
    part, and the labelled rows are split in stratified folds. Any scorer works with the
    splits, in :func:`~sklearn.model_selection.cross_validate`,
    :class:`~sklearn.model_selection.GridSearchCV` and wherever a ``cv`` is taken.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    missing_label : scalar, default=None
        What stands in y for "label unknown", as in
        :class:`~overlapkit.WeakToStrongClassifier`. None: every label is known.
    shuffle : bool, default=False
        Shuffle the labelled rows of each class first.
    random_state : int, RandomState instance or None, default=None
        Of the shuffle.

    Raises
    ------
    ValueError
        In ``split``, if y is None, no label is known, or no class has as many labelled
        rows as there are folds.

    See Also
    --------
    sklearn.model_selection.StratifiedKFold : The same where all labels are known.
    weak_to_strong_report : Uses these splits where there is no test set.

    Notes
    -----
    With ``groups``, rows of a group in the test part are in no training part, be their
    labels known or not.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.model_selection import KnownLabelSplit
    >>> y = np.array([0, 1, -1, -1, 0, 1])
    >>> for train, test in KnownLabelSplit(2, missing_label=-1).split(y[:, None], y):
    ...     print(train, test)
    [2 3 4 5] [0 1]
    [0 1 2 3] [4 5]
    """

    # groups are passed on to split without being asked for, as by GroupKFold
    __metadata_request__split = {"groups": True}

    def __init__(
        self, n_splits=5, *, missing_label=None, shuffle=False, random_state=None
    ):
        self.n_splits = n_splits
        self.missing_label = missing_label
        self.shuffle = shuffle
        self.random_state = random_state

    def split(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of the rows to learn from and to test on, fold by fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Labels, `missing_label` where unknown.
        groups : array-like of shape (n_samples,), default=None
            Groups of rows that must not be in both parts.

        Yields
        ------
        train, test : ndarray of int
            Positions, ascending.
        """
        check_number(self.n_splits, "n_splits", integer=True)
        check_kind(self.shuffle, "shuffle", bool | np.bool_, "True or False")
        if self.random_state is not None and not self.shuffle:
            raise ValueError(
                "random_state draws nothing without shuffling: pass shuffle=True, or "
                "random_state=None."
            )
        with naming("random_state"):
            check_random_state(self.random_state)
        check_missing_label(self.missing_label)
        if y is None:
            raise ValueError("KnownLabelSplit needs y: it tests on labelled rows.")
        check_consistent_length(X=X, y=y, groups=groups)
        y = check_labels(y, self.missing_label)
        known, labels = known_labels(y, self.missing_label, len(y))
        rows = np.flatnonzero(known)
        if len(rows) == 0:
            raise ValueError(
                f"None of the {len(y)} labels is known: all are missing_label="
                f"{self.missing_label!r}. There is no row to test on."
            )
        folds = StratifiedKFold if groups is None else StratifiedGroupKFold
        folds = folds(
            self.n_splits,
            shuffle=self.shuffle,
            random_state=self.random_state,
        )
        if groups is not None:
            groups = np.asarray(groups)
        inner = None if groups is None else groups[rows]
        for _, fold in folds.split(rows[:, None], labels, inner):
            test = rows[fold]
            train = np.ones(len(y), dtype=bool)
            train[test] = False
            if groups is not None:
                train &= ~np.isin(groups, groups[test])
            yield np.flatnonzero(train), test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            Not used.

        Returns
        -------
        n_splits : int
            The parameter.
        """
        return self.n_splits
