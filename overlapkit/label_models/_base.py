"""What every label model shares: votes, classes, known labels, prediction, ties."""

from abc import ABCMeta, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from overlapkit._kernels.ties import _mix, break_ties
from overlapkit._utils.base import LinkedEstimator
from overlapkit._utils.checks import (
    as_numbers,
    check_consistent_length,
    column_or_1d,
    naming,
    validate_data,
)
from overlapkit._utils.dask_arrays import by_chunk
from overlapkit._utils.labels import MISSING_LABEL, check_labels, known_labels
from overlapkit._utils.scoring import KnownScoreMixin
from overlapkit._utils.sklearn_compat import StrOptions, _fit_context
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import (
    ClassCollapseWarning,
    VoteWarning,
    WeakLabelWarning,
)
from overlapkit.label_models import _reading
from overlapkit.label_models._votes import overruled, predicted_shares

_COLLAPSE_SHARE = 0.02
_NAMED = 5
_TIE = 1e-9


@dataclass(frozen=True)
class Labelled:
    """Covered rows whose label is known.

    Parameters
    ----------
    votes : DenseVotes or SparseVotes
    codes : ndarray of shape (n,)
        Numbers of their classes.
    """

    votes: Any
    codes: np.ndarray

    def __len__(self):
        return len(self.codes)


class _BaseLabelModel(KnownScoreMixin, LinkedEstimator, metaclass=ABCMeta):
    """Classifier on vote columns; subclasses write `_learn` and `_posterior`."""

    _parameter_constraints: dict = {
        "class_balance": ["array-like", None],
        "tie_policy": [StrOptions({"balance", "random", "abstain"})],
        "missing_label": MISSING_LABEL,
        "classes": ["array-like", None],
        "random_state": ["random_state"],
    }
    # Classes tie if their probabilities differ by less than this, relatively.
    _tie_tolerance = _TIE

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.input_tags.categorical = True
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.classifier_tags.poor_score = True
        return tags

    @abstractmethod
    def _learn(self, votes, prior, labelled) -> None:
        """Set what the posterior needs, from votes and the rows of known labels.

        Parameters
        ----------
        votes : DenseVotes or SparseVotes
            All rows.
        prior : ndarray of shape (n_classes,)
            Class balance.
        labelled : Labelled or None
            Covered rows whose label is known; None if there is none to learn from.
        """

    @abstractmethod
    def _posterior(self, votes) -> np.ndarray:
        """Probabilities of shape (n, n_classes); what rows without a vote get is free.

        Parameters
        ----------
        votes : DenseVotes or SparseVotes
        """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn from the votes, and from known labels where `missing_label` is given.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_functions)
            Votes. Dense: k for the class ``classes_[k]``, or the class itself, where
            the classes are strings or integers that are not 0 to K - 1; -1, NaN,
            None, ``pd.NA`` and empty strings are no vote. Sparse: **vote + 1**, so
            that what is not stored is no vote.

        y : array-like of shape (n_samples,), default=None
            If the parameter `missing_label` is None: every label is known; the
            distinct labels become `classes_` unless the parameter `classes` names
            them, and nothing else is learnt from them. If it is given: labels, and
            that value where the label is unknown; the known ones are learnt from. If
            all are unknown, the fit is that of ``y=None``.

        Returns
        -------
        self : object
            The fitted label model.

        Raises
        ------
        ValueError
            If a vote is no integer and no class name; if votes name no class and
            `classes` are given, or no label is; if most rows hold a vote that no
            label has; if `classes` are not sorted and distinct or lack a label of
            `y`; if `class_balance` does not fit.

        Warns
        -----
        VoteWarning
            If some votes name none of the classes of `y`; they count as no vote.
        VoteWarning
            If a vote is learnt to make another class more probable than its own, or
            rows whose votes agree get another class.
        WeakLabelWarning
            If the known labels cannot be learnt from, as they are all of one class.
        """
        votes, labelled = self._start(X, y)
        self._learn(votes, self.class_prior_, labelled)
        return self

    @by_chunk(np.float64, columns=lambda self: len(self.classes_))
    def predict_proba(self, X):
        """Probability of every class.

        Where classes tie, the one that `predict` returns is raised by the smallest
        representable step, so that the largest column is the predicted one.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_functions)
            Votes, as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), dtype float64
            Columns in the order of `classes_`; rows on which every function
            abstains hold `class_prior_`.
        """
        return self._decide(self.read_votes(X))[0]

    def predict(self, X):
        """Most probable class of every row.

        Among equally probable classes a hash of the row's votes and of `tie_seed_`
        decides: equal rows get equal labels, wherever they stand. Rows without a vote
        are all equal, so for them a number drawn for their position in X decides (see
        `tie_policy`).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_functions)
            Votes, as in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Entries of `classes_`; with ``tie_policy="abstain"`` also `missing_label`.
        """
        _, codes, open_rows = self._decide(self.read_votes(X))
        labels = self.classes_[codes]
        if self.tie_policy == "abstain" and open_rows.any():
            if np.asarray(self.missing_label).dtype.kind != labels.dtype.kind:
                labels = labels.astype(object)
            elif labels.dtype.kind in "US":
                labels = labels.astype(
                    np.result_type(labels, np.array(self.missing_label))
                )
            labels[open_rows] = self.missing_label
        return labels

    def covered(self, X):
        """Mark the rows on which at least one function votes for a known class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_functions)
            Votes, as in `fit`.

        Returns
        -------
        mask : ndarray of shape (n_samples,), dtype bool
            False where `predict_proba` knows nothing but the class balance.
        """
        return self.read_votes(X).covered()

    def codes(self, X):
        """Votes as numbers of classes, whatever form they come in.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_functions)
            Votes, as in `fit`.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_functions), dtype of integers
            Vote k is for the class ``classes_[k]``; -1 is no vote. The array is dense
            even if X is sparse.
        """
        return np.ascontiguousarray(self.read_votes(X).dense())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_named(self, X, known, labels):
        """Fit to the votes; the labels of the known rows only name the classes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_functions)
            Votes, as in `fit`.

        known : ndarray of shape (n_samples,) of bool
            Rows whose label is known.

        labels : ndarray of shape (n_known,)
            Their labels.

        Returns
        -------
        self : object
            The fitted label model.
        """
        votes, _ = self._start(X, None, named=(known, labels))
        self._learn(votes, self.class_prior_, None)
        return self

    def _start(self, X, y, classes=None, named=None):
        """Read votes and labels, and set what does not depend on the model.

        Returns
        -------
        votes : DenseVotes or SparseVotes
        labelled : Labelled or None
        """
        if self.tie_policy == "abstain" and self.missing_label is None:
            raise ValueError(
                "tie_policy='abstain' lets `predict` return `missing_label`, which is "
                "None; name a value that is no class, such as missing_label=-1."
            )
        X = _validated(self, X, reset=True)
        known = np.zeros(X.shape[0], dtype=bool)
        labels = np.empty(0)
        if named is not None:
            known, labels = named
        elif y is not None:
            y = check_labels(y, self.missing_label)
            check_consistent_length(X=X, y=y)
            known, labels = known_labels(y, self.missing_label, X.shape[0])
        given = self.classes if classes is None else classes
        # Labels of a part of the data may lack a class; those of `fit` never do.
        partial = named is not None or not known.all()
        values = self._resolve(X, known, labels, given, partial)
        if (
            self.missing_label is not None
            and (self.classes_ == self.missing_label).any()
        ):
            raise ValueError(
                f"`missing_label` {self.missing_label!r} is one of the classes "
                f"{_reading.few(self.classes_)}; choose a value that is none."
            )
        votes = _reading.encode(values, self.classes_, self._by_name)
        self.class_prior_ = self._resolve_class_balance(len(self.classes_))
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        self.tie_seed_ = int(seed)
        labelled = None
        if named is None and self.missing_label is not None and len(labels):
            labelled = self._labelled(votes, known, labels)
        return votes, labelled

    def _start_batch(self, X, y, classes):
        """Read a batch; its classes are those of the first one.

        Returns
        -------
        votes : DenseVotes or SparseVotes
        labelled : Labelled or None
        first : bool
        """
        first = not hasattr(self, "tie_seed_")
        if first:
            if classes is None and self.classes is None:
                raise ValueError(
                    "The first call of `partial_fit` needs `classes`, the sorted "
                    "labels of all classes, as a batch may lack one of them."
                )
            both = classes is not None and self.classes is not None
            if both and list(classes) != list(self.classes):
                raise ValueError(
                    f"`classes` {_reading.few(classes)} of `partial_fit` and the "
                    f"parameter `classes` {_reading.few(self.classes)} differ: give "
                    "one of them."
                )
            votes, labelled = self._start(X, y, classes)
            self._refuse = self.classes is not None
            return votes, labelled, True
        if classes is not None and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"`classes` {_reading.few(classes)} are not those of the first call: "
                f"{_reading.few(self.classes_)}."
            )
        votes = self.read_votes(X)
        labelled = None
        if y is not None:
            y = check_labels(y, self.missing_label)
            known, labels = known_labels(y, self.missing_label, votes.shape[0])
            if len(known) != votes.shape[0]:
                raise ValueError(
                    f"X has {votes.shape[0]} rows, y has {len(known)} labels."
                )
            _check_classes(self.classes_, labels)
            if self.missing_label is not None and len(labels):
                labelled = self._labelled(votes, known, labels)
        return votes, labelled, False

    def _labelled(self, votes, known, labels):
        rows = np.flatnonzero(known)
        part = votes.take(rows)
        covered = np.flatnonzero(part.covered())
        codes = np.searchsorted(self.classes_, labels)[covered]
        if len(covered) == 0:
            return None
        return Labelled(part.take(covered), codes)

    def _usable(self, labelled):
        """Known labels, if a model can learn from them."""
        if labelled is None or len(np.unique(labelled.codes)) > 1:
            return labelled
        if len(self.classes_) > 1:
            warn(
                f"The {len(labelled)} known labels of rows with a vote are all "
                f"{_plain(self.classes_[labelled.codes[0]])!r}: how often votes are "
                "wrong cannot be learnt from one class, so they are not used. Give "
                "labels of at least two classes.",
                WeakLabelWarning,
            )
        return None

    def _resolve(self, X, known, labels, given, partial):
        """Set `classes_` and how votes name them; return the votes' values."""
        names = np.unique(labels) if len(labels) else None
        if given is not None:
            names = _check_classes(given, names)
        values, named = _reading.read_values(X, names)
        cast, counts = _reading.distinct_values(values)
        self._by_name, self._refuse = False, self.classes is not None
        if names is None:
            self.classes_ = _reading.without_classes(cast)
            self._refuse = True
            return values
        self.classes_ = names
        if named:
            return values
        self._by_name = _reading.meaning(cast, counts, names)
        if given is None and _reading.is_ambiguous(cast, names):
            self._by_name = _reading.settle_ambiguous(
                cast, names, values, known, labels
            )
        unknown = _reading.unknown_votes(cast, names, self._by_name)
        if not unknown:
            if given is None and not self._by_name and not known.all():
                _reading.check_told(cast, names)
            return values
        if given is None:
            _reading.refuse_common(cast, counts, names, values)
            if partial:
                self.classes_ = _reading.joint_classes(cast, names)
                self._by_name = self._refuse = True
                return values
        _reading.report_unknown(unknown, cast, counts, names, refuse=self._refuse)
        return values

    def read_votes(self, X):
        """Votes in the form that label models work on.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_functions)
            Votes, as in `fit`.

        Returns
        -------
        votes : object
            The same votes, with ``covered()``, ``one_hot()``, ``dense()`` and
            ``take(rows)``; sparse if X is.
        """
        check_is_fitted(self)
        X = _validated(self, X, reset=False)
        values, named = _reading.read_values(X, self.classes_)
        by_name = self._by_name and not named
        cast, counts = _reading.distinct_values(values)
        unknown = _reading.unknown_votes(cast, self.classes_, by_name)
        _reading.report_unknown(
            unknown, cast, counts, self.classes_, refuse=self._refuse
        )
        return _reading.encode(values, self.classes_, by_name)

    def _decide(self, votes):
        """Probabilities, numbers of the predicted classes, and rows left open."""
        proba = self._posterior(votes)
        empty = ~votes.covered()
        proba[empty] = self.class_prior_
        tied = proba >= proba.max(axis=1, keepdims=True) * (1 - self._tie_tolerance)
        n_tied = tied.sum(axis=1)
        undecided = np.flatnonzero(n_tied > 1)
        # Noise of the fit among tied classes would decide for whoever takes argmax.
        top = np.where(tied[undecided], proba[undecided], 0).sum(axis=1)
        top /= n_tied[undecided]
        proba[undecided] = np.where(tied[undecided], top[:, None], proba[undecided])

        codes = proba.argmax(axis=1)
        rows = undecided[~empty[undecided]]
        if self.tie_policy == "random":
            codes[rows] = _nth_true(tied[rows], self._draws(rows))
        else:
            step = max(1, 2**24 // max(votes.shape[1], 1))
            for start in range(0, len(rows), step):
                part = rows[start : start + step]
                codes[part] = break_ties(proba[part], votes.dense(part), self.tie_seed_)
        rows = np.flatnonzero(empty)
        shares = self.class_prior_
        if self.tie_policy == "random":
            shares = np.full(proba.shape[1], 1 / proba.shape[1])
        drawn = np.searchsorted(shares.cumsum(), self._draws(rows), side="right")
        codes[rows] = np.minimum(drawn, proba.shape[1] - 1)

        # A draw may have fallen on a class that does not tie for the first place.
        rows = undecided[tied[undecided, codes[undecided]]]
        rows = rows[codes[rows] != proba[rows].argmax(axis=1)]
        proba[rows, codes[rows]] = np.nextafter(proba[rows].max(axis=1), np.inf)
        return proba, codes, empty | (n_tied > 1)

    def _draws(self, rows):
        """Numbers in [0, 1) for rows by their position."""
        seed = _mix(np.array([self.tie_seed_], dtype=np.uint64))
        mixed = _mix(np.asarray(rows).astype(np.uint64) ^ seed)
        return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53

    def _resolve_class_balance(self, n_classes):
        if self.class_balance is None:
            return np.full(n_classes, 1 / n_classes)
        balance = as_numbers(
            self.class_balance, "`class_balance`", ndim=1, finite=False
        )
        if len(balance) != n_classes:
            raise ValueError(
                f"`class_balance` has {len(balance)} entries, but there are "
                f"{n_classes} classes: {_reading.few(self.classes_)}. Give one share "
                "each."
            )
        if not (balance > 0).all() or abs(balance.sum() - 1) > 1e-6:
            raise ValueError(
                "`class_balance` must be positive and sum to 1; got "
                f"{balance.tolist()}, sum {balance.sum():g}."
            )
        return balance / balance.sum()

    def _warn_if_collapsed(self, posterior, weights, prior):
        """Compare predicted shares with the balance that was assumed before."""
        shares = predicted_shares(posterior, weights)
        lost = np.flatnonzero(shares < np.minimum(_COLLAPSE_SHARE, prior / 2))
        if weights.sum() > 0 and lost.size:
            named = ", ".join(
                f"{_plain(self.classes_[k])!r}: {shares[k]:.2%}" for k in lost
            )
            warn(
                f"{type(self).__name__} predicts hardly any of the covered rows to be "
                f"of a class ({named}). Check that functions vote for it, or pass "
                "`class_balance`.",
                ClassCollapseWarning,
            )

    def _warn_if_misleading(self, lift, cast, votes=None, posterior=None, counts=None):
        """Name functions whose votes make another class more probable than their own.

        Parameters
        ----------
        lift : ndarray of shape (m, K, K)
            Proportional over classes to the probability of a vote given the class.
        cast : ndarray of shape (m, K)
            How often each vote was cast.
        votes, posterior : optional
            Rows to look at, for votes that agree and are overruled.
        counts : ndarray, optional
            How often each of these rows occurs.
        """
        own = np.diagonal(lift, axis1=1, axis2=2)
        against = (own < lift.max(axis=2) * (1 - 1e-6)) & (cast > 0)
        misleading = set(np.flatnonzero(against.any(axis=1)).tolist())
        n_overruled = 0
        if votes is not None:
            flipped = overruled(votes, posterior)
            if flipped.size:
                weights = np.ones(votes.shape[0]) if counts is None else counts
                n_overruled = int(weights[flipped].sum())
                hot = votes.take(flipped).one_hot()
                row = np.repeat(np.arange(len(flipped)), np.diff(hot.indptr))
                function = hot.indices // votes.n_classes
                # A row is accounted for if a function named already votes on it.
                known = np.isin(function, list(misleading))
                explained = np.bincount(row, known, minlength=len(flipped)) > 0
                misleading |= set(function[~explained[row]].tolist())
        if not misleading:
            return
        names = self._function_names(sorted(misleading))
        rows = (
            f" {n_overruled} covered rows whose votes agree get another class."
            if n_overruled
            else ""
        )
        warn(
            f"{len(misleading)} of {len(lift)} functions are learnt to be misleading: "
            "a vote of theirs makes another class more probable than the one they "
            f"vote for, or is overruled although all votes agree ({names}).{rows} "
            "Check the direction of these functions with "
            "overlapkit.label_models.vote_summary, or pass `class_balance`.",
            VoteWarning,
        )

    def _function_names(self, functions) -> str:
        names = getattr(self, "feature_names_in_", None)
        shown = [
            f"{j}" if names is None else f"{names[j]!s}" for j in functions[:_NAMED]
        ]
        if len(functions) > _NAMED:
            shown.append("...")
        return ("functions " if names is None else "") + ", ".join(shown)


def _validated(model, X, *, reset):
    if isinstance(X, list | tuple):
        with naming("X"):
            words = np.asarray(X).dtype.kind in "US"
        if words:
            X = np.array(
                X, dtype=object
            )  # else None and numbers are turned into strings
    if hasattr(X, "columns") and hasattr(X, "sparse"):
        # read as a matrix it would hold vote + 1, read as a frame the vote
        raise TypeError(
            "Votes in a dataframe of sparse columns: pass X.sparse.to_dense() if it "
            "holds votes, or X.sparse.to_coo() if it holds vote + 1."
        )
    return validate_data(
        model, X, reset=reset, dtype=None, accept_sparse="csr", ensure_all_finite=False
    )


def _check_classes(classes, labels):
    classes = column_or_1d(classes, name="classes")
    if classes.size == 0 or not np.array_equal(np.unique(classes), classes):
        raise ValueError(
            "`classes` must be sorted and distinct, because scikit-learn's "
            f"metrics assume so; got {classes.tolist()}. Recode the votes to the "
            "sorted order."
        )
    if labels is not None and not np.isin(labels, classes).all():
        extra = np.setdiff1d(labels, classes)
        raise ValueError(
            f"y holds labels that are not in `classes`: {extra.tolist()[:10]}; "
            f"`classes` are {classes.tolist()}."
        )
    return classes


def _nth_true(mask, draws):
    """Column of one of the True entries of each row, each equally probable."""
    pick = np.floor(draws * mask.sum(axis=1)).astype(np.intp)
    return (mask.cumsum(axis=1) - 1 == pick[:, None]).argmax(axis=1)


def _plain(label):
    return label.item() if isinstance(label, np.generic) else label
