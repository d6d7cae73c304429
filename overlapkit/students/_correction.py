"""Correcting weak labels with the help of some known ones."""

import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv

from overlapkit._utils.checks import check_folds
from overlapkit._utils.jobs import run_jobs
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import WeakLabelWarning
from overlapkit.students._learner import Learner
from overlapkit.students._stack import (
    Stack,
    fit_stack,
    held_out_evidence,
    log_lifts,
    vote_evidence,
    vote_matrix,
    vote_totals,
)
from overlapkit.weak._row_order import content_order

__all__ = [
    "Correction",
    "OutOfFold",
    "Sources",
    "correct_labels",
    "known_folds",
    "learn_sources",
    "nested_out_of_fold",
    "out_of_fold",
    "worth_in_words",
]

# Coefficients that serve before any label is known: of the known labels' model, the
# student of the weak labels, and the votes.
_PRIOR_COEF = {"known labels": 0.6, "weak labels": 0.3, "votes": 0.3}
_PRIOR_ALONE = 1.0
# Below this share of the evidence, weak labels and votes change next to no label.
_NEXT_TO_NOTHING = 0.1


@dataclass(frozen=True)
class Correction:
    """Corrected labels of all rows and the stack that gave them.

    Attributes
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Class probabilities; 1 for the class of a known row.
    codes : ndarray of shape (n_samples,) of int
        The most probable class, the known one where it is known.
    stack : Stack
        Coefficients and intercepts.
    sources : tuple of str
        What each coefficient belongs to: "known labels", "weak labels", "votes".
    shares : ndarray of shape (n_sources,)
        Share of each source in the evidence, see :func:`evidence_shares`.
    lifts : ndarray of shape (n_functions * n_classes, n_classes) or None
        Log-lift of every possible vote; None without votes.
    """

    proba: np.ndarray
    codes: np.ndarray
    stack: Stack
    sources: tuple[str, ...]
    shares: np.ndarray
    lifts: np.ndarray | None = None


def correct_labels(
    known,
    codes,
    gold,
    gold_held_out,
    weak=None,
    votes=None,
    *,
    usable=None,
    n_rounds=3,
    sample_weight=None,
) -> Correction:
    r"""Correct the labels of all rows from log-probabilities, votes, and known labels.

    A stack of the known labels' model g and of the student w of the weak labels gives
    first probabilities Q. What each vote says is then read off Q, its evidence e
    becomes a third source of the stack, and so on for `n_rounds` rounds:

    .. math::

        Q = \mathrm{STACK}(g, w), \qquad
        e_i = \sum_j \mathrm{lift}_j(L_{ij} \mid Q), \quad
        Q = \mathrm{STACK}(g, w, e)

    Q of known rows is their class throughout; where the coefficients are learned, the
    evidence of a known row is without its own label. See
    :func:`~overlapkit.students._stack.fit_stack` for the coefficients and
    :func:`~overlapkit.students._stack.log_lifts` for the lifts.

    Parameters
    ----------
    known : ndarray of shape (n_known,) of int
        Positions of the rows whose class is known.
    codes : ndarray of shape (n_known,) of int
        Their classes; every class occurs.
    gold : ndarray of shape (n_samples, n_classes)
        g: log-probabilities by the model of all known labels.
    gold_held_out : ndarray of shape (n_known, n_classes)
        The same of the known rows, by models that did not see them.
    weak : ndarray of shape (n_samples, n_classes), default=None
        w: log-probabilities by the student of the weak labels.
    votes : csr_array of shape (n_samples, n_functions * n_classes), default=None
        As :func:`~overlapkit.students._stack.vote_matrix` gives them.
    usable : ndarray of shape (n_known,) of bool, default=None
        Known rows to learn the coefficients from; None: all.
    n_rounds : int, default=3
        Rounds with votes, at least one.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weight of each row, in the likelihood and in the lifts.

    Returns
    -------
    correction : Correction
        Labels, probabilities and coefficients.
    """
    n_classes = gold.shape[1]
    usable = np.ones(len(known), dtype=bool) if usable is None else usable
    weight = None if sample_weight is None else sample_weight[known]
    sources, everywhere, at_known = ["known labels"], [gold], [gold_held_out]
    if weak is not None:
        sources.append("weak labels")
        everywhere.append(weak)
        at_known.append(weak[known])

    def stacked(sources, everywhere, at_known):
        prior = [_PRIOR_COEF[s] for s in sources]
        stack = fit_stack(
            [column[usable] for column in at_known],
            codes[usable],
            [_PRIOR_ALONE] if len(sources) == 1 else prior,
            None if weight is None else weight[usable],
        )
        proba = stack.proba(everywhere)
        proba[known] = np.eye(n_classes)[codes]
        return stack, proba

    stack, proba = stacked(sources, everywhere, at_known)
    table = None
    if votes is not None:
        prior = np.bincount(codes, weight, minlength=n_classes) + 1
        prior = prior / prior.sum()
        votes_at_known = votes[known]
        sources.append("votes")
        for _ in range(n_rounds):
            totals = vote_totals(votes, proba, prior, sample_weight)
            table = log_lifts(totals, prior)
            columns = [*everywhere, vote_evidence(votes, table)]
            without_own = held_out_evidence(
                votes_at_known, totals, codes, prior, weight
            )
            stack, proba = stacked(sources, columns, [*at_known, without_own])
        everywhere = columns
    corrected = proba.argmax(axis=1)
    corrected[known] = codes
    shares = evidence_shares(stack.coef, everywhere)
    return Correction(proba, corrected, stack, tuple(sources), shares, table)


def evidence_shares(coef, columns) -> np.ndarray:
    r"""Share of each source in what tells rows apart.

    A coefficient alone says little, because sources differ in scale. So it is
    multiplied by the standard deviation of the source over the rows, after its mean
    over the classes is taken off, averaged over the classes:

    .. math::

        s_f \propto a_f \, \overline{\mathrm{sd}_i\bigl(F_f[i, y]
        - \tfrac1K \sum_{y'} F_f[i, y']\bigr)}

    What a source says of all rows alike is no evidence.

    Parameters
    ----------
    coef : ndarray of shape (n_sources,)
        Coefficients of the stack.
    columns : list of ndarray of shape (n_samples, n_classes)
        The sources.

    Returns
    -------
    shares : ndarray of shape (n_sources,)
        Sum to 1; all 0 if no source tells rows apart.
    """
    spread = [
        (column - column.mean(axis=1, keepdims=True)).std(axis=0).mean()
        for column in columns
    ]
    parts = np.asarray(coef) * spread
    return parts / parts.sum() if parts.sum() > 0 else parts


def worth_in_words(sources, shares) -> str:
    """What the coefficients say of the weak labels, in a sentence or two.

    Parameters
    ----------
    sources : sequence of str
        "known labels", "weak labels", "votes", as far as they are there.
    shares : ndarray of shape (n_sources,)
        As :func:`evidence_shares` gives them.

    Returns
    -------
    text : str
        States the shares, and whether weak labels or votes add next to nothing.
    """
    if len(sources) == 1:
        return "There are no weak labels: corrected labels rest on known labels alone."
    listed = ", ".join(f"{s} {share:.0%}" for s, share in zip(sources, shares))
    text = f"Shares of the evidence for the corrected labels: {listed}."
    share = dict(zip(sources, shares))
    if 1 - share["known labels"] < _NEXT_TO_NOTHING:
        what = "weak labels and votes add" if "votes" in share else "weak labels add"
        return f"{text} The {what} next to nothing to the known labels."
    if share.get("votes", 1.0) < _NEXT_TO_NOTHING:
        return f"{text} The votes add next to nothing beside the other sources."
    return text


@dataclass(frozen=True)
class OutOfFold:
    """Models of the known labels, each with the rows it did not see.

    Attributes
    ----------
    log_proba : ndarray of shape (n_known, n_classes)
        Log-probabilities of each known row by the model that did not see it.
    usable : ndarray of shape (n_known,) of bool
        False where that model had not seen the row's class, or one class only.
    folds : list of tuple of ndarray
        Positions among the known rows: (train, held out).
    models : list of classifier
        The model of each fold.
    """

    log_proba: np.ndarray
    usable: np.ndarray
    folds: list
    models: list


def known_folds(X, codes, cv, seed, *, groups=None, others=None) -> list[tuple]:
    """Folds of the known rows.

    Parameters
    ----------
    X : array or dataframe of shape (n_known, n_features)
        The rows.
    codes : ndarray of shape (n_known,) of int
        Their classes.
    cv : int, splitter or iterable
        A number is that of stratified folds, or of groups of rows if there are
        `groups`; fewer if the rows of no class, or the groups, fill them. They are
        drawn by what the rows hold, not by where they stand.
    seed : int
        Shuffles the rows.
    groups : ndarray of shape (n_known,), default=None
        Rows of one group stay together.
    others : callable, default=None
        What else tells rows apart, as
        :func:`~overlapkit.weak._row_order.content_order` takes it.

    Returns
    -------
    folds : list of tuple of ndarray
        (train, held out); empty if no row can be held out.

    Raises
    ------
    ValueError
        If a splitter does not hold each row out exactly once.

    Warns
    -----
    WeakLabelWarning
        If no row can be held out.
    """
    order = np.arange(len(codes))
    if isinstance(cv, Integral):
        most = np.bincount(codes).max()
        if groups is not None:
            most = min(most, len(np.unique(groups)))
        n_splits = min(cv, most)
        if n_splits < 2:
            what = "every class has a single known label"
            if groups is not None:
                what += ", or all known labels are of one group"
            warn(
                f"No known label can be held out, because {what}: coefficients stay "
                "at their defaults and nothing can be said of accuracy.",
                WeakLabelWarning,
            )
            return []
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        cv = kind(n_splits, shuffle=True, random_state=seed)
        order = content_order(X, codes, others)
        X, groups = order, None if groups is None else groups[order]
    elif cv is not None and not hasattr(cv, "split"):
        cv = check_folds(cv)
    splitter = check_cv(cv, codes, classifier=True)
    with warnings.catch_warnings():
        # classes of fewer rows than folds are dealt with
        warnings.filterwarnings("ignore", "The least populated class in y")
        drawn = splitter.split(X, codes[order], groups)
        folds = [
            (np.sort(order[train]), np.sort(order[test]))
            for train, test in drawn
            if len(test)
        ]
    held_out = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(held_out), np.arange(len(codes))):
        raise ValueError(
            f"cv={cv!r} holds {len(np.unique(held_out))} of {len(codes)} known rows "
            f"out, {len(held_out)} times in all; each must be held out once."
        )
    return folds


def out_of_fold(learner, known, codes, folds, n_jobs=None) -> OutOfFold:
    """Fit the student on the known labels of all folds but one, for each fold.

    Parameters
    ----------
    learner : Learner
        The student.
    known : ndarray of shape (n_known,) of int
        Positions of the known rows.
    codes : ndarray of shape (n_known,) of int
        Their classes.
    folds : list of tuple of ndarray
        As :func:`known_folds` gives them.
    n_jobs : int, default=None
        Folds fitted at once.

    Returns
    -------
    held_out : OutOfFold
        Log-probabilities and models.
    """
    models = run_jobs(
        Learner.fit,
        [(known[train], codes[train]) for train, _ in folds],
        shared=(learner,),
        n_jobs=n_jobs,
    )
    log_proba = np.zeros((len(known), len(learner.classes)))
    usable = np.zeros(len(known), dtype=bool)
    for model, (train, test) in zip(models, folds):
        log_proba[test] = learner.log_proba(model, known[test])
        seen = np.unique(codes[train])
        usable[test] = np.isin(codes[test], seen) & (len(seen) > 1)
    return OutOfFold(log_proba, usable, folds, models)


def nested_out_of_fold(learner, known, codes, folds, n_jobs=None) -> list[OutOfFold]:
    """Out-of-fold answers of all folds but one, by models that saw nothing of it.

    Parameters
    ----------
    learner, known, codes, folds, n_jobs
        As in :func:`out_of_fold`.

    Returns
    -------
    inner : list of OutOfFold
        One for each fold f: answers for the rows of the other folds, each by a model
        of the rows neither in f nor in the row's own fold; no row of f is usable. For
        k folds, the student is fitted k (k - 1) / 2 times.
    """
    held_out = [test for _, test in folds]
    pairs = [(i, j) for i in range(len(folds)) for j in range(i)]
    rest = [
        np.setdiff1d(np.arange(len(known)), np.concatenate([held_out[i], held_out[j]]))
        for i, j in pairs
    ]
    possible = [len(rows) > 0 for rows in rest]
    models = run_jobs(
        Learner.fit,
        [(known[rows], codes[rows]) for rows, some in zip(rest, possible) if some],
        shared=(learner,),
        n_jobs=n_jobs,
    )
    fitted = iter(models)
    shape = len(known), len(learner.classes)
    inner = [
        OutOfFold(np.zeros(shape), np.zeros(len(known), dtype=bool), folds, [])
        for _ in folds
    ]
    for (i, j), rows, some in zip(pairs, rest, possible):
        if not some:
            continue
        model = next(fitted)
        seen = np.unique(codes[rows])
        for left_out, judged in ((i, j), (j, i)):
            test = held_out[judged]
            inner[left_out].log_proba[test] = learner.log_proba(model, known[test])
            inner[left_out].usable[test] = np.isin(codes[test], seen) & (len(seen) > 1)
    return inner


@dataclass(frozen=True)
class Sources:
    """What is known of the labels of all rows, before it is joined.

    Attributes
    ----------
    learner : Learner
        The student.
    known : ndarray of shape (n_known,) of int
        Positions of the rows whose class is known.
    codes : ndarray of shape (n_known,) of int
        Their classes.
    known_model, weak_model : classifier or None
        Students of the known and of the weak labels; None without weak labels.
    gold, weak : ndarray of shape (n_samples, n_classes) or None
        Their log-probabilities.
    held_out : OutOfFold
        Models of folds of the known labels.
    votes : csr_array of shape (n_samples, n_functions * n_classes) or None
        The votes.
    """

    learner: Learner
    known: np.ndarray
    codes: np.ndarray
    known_model: Any
    weak_model: Any
    gold: np.ndarray
    weak: np.ndarray | None
    held_out: OutOfFold
    votes: csr_array | None

    def correct(self, n_rounds=3) -> Correction:
        """Corrected labels of all rows, from all known labels."""
        everything = np.ones(len(self.known), dtype=bool)
        return self.correct_from(
            everything, self.gold, self.held_out, n_rounds=n_rounds
        )

    def correct_from(
        self, part, gold, held_out, *, with_weak=True, n_rounds=3
    ) -> Correction:
        """Corrected labels of all rows, from some of the known labels."""
        return correct_labels(
            self.known[part],
            self.codes[part],
            gold,
            held_out.log_proba[part],
            self.weak if with_weak else None,
            self.votes if with_weak else None,
            usable=held_out.usable[part],
            n_rounds=n_rounds,
            sample_weight=self.learner.sample_weight,
        )


def learn_sources(
    learner,
    known,
    codes,
    folds,
    weak_codes,
    votes=None,
    *,
    n_jobs=None,
    task=nullcontext,
) -> Sources:
    """Fit the student on known labels, in folds and on all, and on weak labels.

    Parameters
    ----------
    learner : Learner
        The student.
    known, codes : ndarray of shape (n_known,) of int
        Positions of the rows whose class is known, and the classes.
    folds : list of tuple of ndarray
        As :func:`known_folds` gives them.
    weak_codes : ndarray of shape (n_samples,) of int
        Weak labels, -1 where there is none.
    votes : ndarray of shape (n_samples, n_functions) of int, default=None
        Votes, -1 for none.
    n_jobs : int, default=None
        Folds fitted at once.
    task : callable, default=nullcontext
        Name of a step -> context manager around it.

    Returns
    -------
    sources : Sources
        Models, log-probabilities and votes.

    Raises
    ------
    ValueError
        If no known row has a weight.
    """
    weight = learner.sample_weight
    if weight is not None and not np.any(weight[known]):
        raise ValueError(
            f"sample_weight is zero for all {len(known)} rows whose label is known, so "
            "there is nothing to correct weak labels by: give some of them a weight."
        )
    with task("learn from known labels"):
        held_out = out_of_fold(learner, known, codes, folds, n_jobs)
        known_model = learner.fit(known, codes)
        gold = learner.log_proba(known_model)
    with task("learn from weak labels"):
        weak_model = weak = None
        rows = np.flatnonzero(weak_codes >= 0)
        if len(rows):
            weak_model = learner.fit(rows, weak_codes[rows])
            weak = learner.log_proba(weak_model)
        matrix = None if votes is None else vote_matrix(votes, len(learner.classes))
    return Sources(
        learner, known, codes, known_model, weak_model, gold, weak, held_out, matrix
    )
