"""Rows of the speed benchmark: the label model against Snorkel's 1,000 epochs.

Where Snorkel cannot be imported, the baseline is a replay of its fit in NumPy: full
batches of gradient descent with momentum on the same objective, 1,000 epochs. It
leaves out the overhead of torch, so it is the faster one of the two.

The votes are real where a folder with data is found (see ``label_models``), else
drawn: functions that are right independently of each other given the class.
"""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from benchmarks.common import DATA
from benchmarks.label_models import (
    LEAST_SPEED_UP,
    N_EPOCHS,
    TOLERANCE,
    accuracy,
    fit_snorkel,
    halves,
    import_snorkel,
    load,
)
from benchmarks.speed.harness import Result, paired, register, seconds
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.label_models import DawidSkene, LabelModel

SETS = ("spambase", "sms")  # 20 and 73 functions


def _drawn(n_functions, n=3_600, seed=0):
    """Votes and classes of rows; functions abstain, and are right by .6 to .9."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    right = rng.uniform(0.6, 0.9, n_functions)
    coverage = rng.uniform(0.05, 0.5, n_functions)
    votes = np.where(rng.random((n, n_functions)) < right, y[:, None], 1 - y[:, None])
    votes[rng.random(votes.shape) > coverage] = -1
    return votes, y


def _votes():
    folder = Path(os.environ.get(DATA, "."))
    for name, n_functions in zip(SETS, (20, 73)):
        if (folder / name / f"{name}.npz").exists():
            yield name, *load(folder, name)
        else:
            yield "drawn votes", *_drawn(n_functions)


def replay(votes, seed=0, n_epochs=N_EPOCHS, rate=0.01, momentum=0.9):
    """Fit a binary model by gradient descent; return what ``replay_proba`` needs.

    ``mu[(c, j), y]`` is the probability that function j votes c given class y. With
    the classes balanced, p = (1/2, 1/2), and the observed moments O of the votes, the
    objective is |O - mu diag(p) mu'|^2 over pairs of different functions, plus
    |diag(O) - mu p|^2.
    """
    n, m = votes.shape
    onehot = _onehot(votes)
    moments = onehot.T @ onehot / n
    shares = np.diag(moments)
    function, vote = np.tile(np.arange(m), 2), np.repeat([0, 1], m)
    others = function[:, None] != function
    own = vote[:, None] == [0, 1]
    mu = own * np.minimum(0.7 * shares[:, None] / 0.5, 1.0)
    mu *= np.random.default_rng(seed).random()
    speed = np.zeros_like(mu)
    for _ in range(n_epochs):
        gap = np.where(others, (0.5 * mu) @ mu.T - moments, 0.0)
        gradient = 2.0 * gap @ mu + (mu.sum(axis=1) / 2 - shares)[:, None]
        speed = momentum * speed - rate * gradient
        mu += speed
    return np.clip(mu, 0.01, 0.99)


def _onehot(votes):
    return np.concatenate([votes == c for c in (0, 1)], axis=1).astype(np.float64)


def replay_proba(mu, votes):
    """Class probabilities; abstentions say nothing."""
    logits = _onehot(votes) @ np.log(mu)
    proba = np.exp(logits - logits.max(axis=1, keepdims=True))
    return proba / proba.sum(axis=1, keepdims=True)


@register("label-model")
def label_model(settings):
    """Time to fit, and accuracy on held-out rows, at 20 and 73 functions."""
    Snorkel = import_snorkel()
    epochs = f"{N_EPOCHS:,} epochs"
    for name, votes, y in _votes():
        fitted, held_out = halves(len(y), 0)
        train, test, truth = votes[fitted], votes[held_out], y[held_out]
        if Snorkel is not None:
            baseline = f"Snorkel, {epochs}"

            def theirs(train=train):
                return fit_snorkel(Snorkel, train)

            proba = theirs().predict_proba(test.astype(int))
        else:
            baseline = f"gradient descent in NumPy, {epochs}"

            def theirs(train=train):
                return replay(train)

            proba = replay_proba(theirs(), test)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OverlapkitWarning)

            def ours(train=train):
                return LabelModel().fit(train)

            (ours_s, theirs_s), (ratio,) = paired(
                ours, theirs, repeats=min(settings.repeats, 3)
            )
            found = accuracy(ours().predict_proba(test), truth)
        expected = accuracy(proba, truth)
        yield Result(
            f"label model, {votes.shape[1]} functions ({name})",
            baseline,
            ours_s,
            theirs_s,
            1 / ratio,
            "at least",
            LEAST_SPEED_UP if Snorkel is not None else 1,  # the target is for Snorkel
            agrees=found >= expected - TOLERANCE,
            note=f"accuracy {found:.4f} against {expected:.4f}",
        )


LARGE, FUNCTIONS, COVERAGE = 1_000_000, 100, 0.05


def _many_votes(n, seed=0):
    """Rows of few votes by many functions, as codes, and the classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n).astype(np.int8)
    votes = np.full((n, FUNCTIONS), -1, dtype=np.int8)
    for j, right in enumerate(rng.uniform(0.6, 0.9, FUNCTIONS)):
        cast = np.flatnonzero(rng.random(n) < COVERAGE)
        votes[cast, j] = np.where(rng.random(len(cast)) < right, y[cast], 1 - y[cast])
    return votes, y


@register("many-votes")
def many_votes(settings):
    """A million rows: against Dawid-Skene of crowd-kit, and Snorkel.

    Ours reads a sparse matrix, crowd-kit a table with a row per vote, Snorkel an array.
    crowd-kit takes the votes that were cast only, and stops at a change of the
    likelihood below 1e-5; ours goes on until no posterior moves by more than its tol.
    """
    n = LARGE // 10 if settings.quick else LARGE
    votes, y = _many_votes(n)
    stored = sparse.csr_matrix(votes + 1)
    covered = (votes >= 0).any(axis=1)
    work = f"{n:,} x {FUNCTIONS}, {stored.nnz / n:.1f} votes a row"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for Ours, baseline, theirs, target in (
            (DawidSkene, "crowd-kit, DawidSkene", _crowd_kit, 5),
            (LabelModel, f"Snorkel, {N_EPOCHS:,} epochs", _snorkel, 50),
        ):
            Ours().fit(stored[:1000])
            ours_s, model = seconds(lambda: Ours().fit(stored))  # noqa: B023
            found = theirs(votes)
            name = f"{Ours.__name__}, {work}"
            if isinstance(found, str):
                yield Result(
                    name, baseline, ours_s, None, None, "at least", target, note=found
                )
                continue
            theirs_s, labels = found
            mine = model.predict_proba(stored).argmax(axis=1)
            right, expected = (
                float((a[covered] == y[covered]).mean()) for a in (mine, labels)
            )
            same = float((mine[covered] == labels[covered]).mean())
            yield Result(
                name,
                baseline,
                ours_s,
                theirs_s,
                theirs_s / ours_s,
                "at least",
                target,
                agrees=right >= expected - TOLERANCE and same > 0.99,
                note=f"{same:.2%} of the labels are the same, accuracy {right:.4f} "
                f"against {expected:.4f}",
            )


def _crowd_kit(votes):
    """Seconds of a fit, and labels; or why there are none."""
    try:
        from crowdkit.aggregation import DawidSkene as Theirs
    except ImportError:
        return "crowd-kit is not installed"
    rows, functions = np.nonzero(votes >= 0)
    table = pd.DataFrame(
        {"task": rows, "worker": functions, "label": votes[rows, functions]}
    )
    spent, model = seconds(lambda: Theirs().fit(table))
    proba, labels = model.probas_, np.full(len(votes), -1)
    labels[proba.index] = proba.columns.to_numpy()[proba.to_numpy().argmax(axis=1)]
    return spent, labels


def _snorkel(votes):
    """Seconds of a fit, and labels; or why there are none."""
    Snorkel = import_snorkel()
    if Snorkel is None:
        return "snorkel is not installed"
    codes = votes.astype(int)
    spent, model = seconds(lambda: fit_snorkel(Snorkel, codes))
    return spent, model.predict_proba(codes).argmax(axis=1)
