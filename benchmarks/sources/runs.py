"""Runs of every policy and reward on one construction."""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from benchmarks.sources.authors import AuthorsOverlap
from overlapkit import OverlapDetector, UCBSourceSelector, WeakToStrongClassifier
from overlapkit.metrics import cumulative_regret
from overlapkit.policies import (
    KLUCB,
    UCB,
    DiscountedUCB,
    EpsilonGreedy,
    RandomChoice,
    Thompson,
)
from overlapkit.scorers import ConfidenceScorer, CutStatisticScorer
from overlapkit.sources import (
    LabelPurity,
    MeanScore,
    OverlapDensity,
    StudentGain,
)


@dataclass(frozen=True)
class Oracle:
    """The policy that knows the true densities."""

    densities: tuple

    def index(self, state, rng):
        return np.divide(self.densities, state.prices)


@dataclass(frozen=True)
class TrueRegion:
    """The region of the construction, which the last column holds."""

    def start(self, reference):
        return None

    def score(self, batch, state):
        return np.asarray(batch.X[:, -1], dtype=np.float64), state


DEFAULT, TRUE = "UCB, samples (default)", "UCB, true regions"
ORACLE, RANDOM = "oracle", "random"
GREEDY = UCB(exploration=0)
FLOOR, ORACLE_FLOOR = "UCB + floors", "oracle + floors"


def floors(problem):
    """Every source half of an equal share, every weak class a third of the rows."""
    share = 1 / (2 * len(problem.densities))
    return {"min_source_share": share, "min_class_share": 1 / 3}


def drop_hard():
    """The control of training on overlap: the rows that are not hard."""
    return WeakToStrongClassifier(student(), selector=ConfidenceScorer())


def student():
    return LogisticRegression(C=0.01, max_iter=500)


# name: parameters of the selector, given the problem
RUNS = {
    ORACLE: lambda p: {"policy": Oracle(tuple(p.densities))},
    DEFAULT: lambda p: {},
    TRUE: lambda p: {"reward": TrueRegion()},
    "UCB, rounds": lambda p: {"policy": UCB(bonus="rounds")},
    "UCB, authors' bonus": lambda p: {"policy": UCB(bonus="authors")},
    "UCB, anytime": lambda p: {"policy": UCB(horizon="anytime")},
    "KL-UCB": lambda p: {"policy": KLUCB()},
    "Thompson": lambda p: {"policy": Thompson()},
    "epsilon-greedy": lambda p: {"policy": EpsilonGreedy()},
    "greedy": lambda p: {"policy": GREEDY},
    RANDOM: lambda p: {"policy": RandomChoice()},
    FLOOR: floors,
    ORACLE_FLOOR: lambda p: {"policy": Oracle(tuple(p.densities)), **floors(p)},
    "UCB, thresholds cut per batch": lambda p: {"reward": AuthorsOverlap()},
    "UCB, copies counted": lambda p: {"reward": OverlapDensity(copies=None)},
    "D-UCB .9": lambda p: {"policy": DiscountedUCB()},
    "D-UCB .9, narrow": lambda p: {"policy": DiscountedUCB(exploration=0.05)},
    "UCB, label purity": lambda p: {"reward": LabelPurity()},
    "UCB, student gain": lambda p: {"reward": StudentGain()},
    "greedy, student gain": lambda p: {
        "reward": StudentGain(),
        "policy": GREEDY,
    },
    "default, train on overlap": lambda p: {"train_on": "overlap"},
    "default, train on all but hard": lambda p: {"estimator": drop_hard()},
    "random, train on overlap": lambda p: {
        "policy": RandomChoice(),
        "train_on": "overlap",
    },
    "random, train on all but hard": lambda p: {
        "policy": RandomChoice(),
        "estimator": drop_hard(),
    },
}
REWARDS = {
    "overlap density": OverlapDensity(),
    "label purity": LabelPurity(),
    "mean confidence": MeanScore(ConfidenceScorer()),
    "mean cut statistic": MeanScore(CutStatisticScorer()),
    "student gain": StudentGain(),
}


def selector(problem, seed, **params):
    detector = OverlapDetector(**problem.views, **problem.detector)
    defaults = {
        "estimator": student(),
        "detector": detector,
        "reference": problem.reference,
        "n_rounds": problem.n_rounds,
        "batch_size": problem.batch_size,
        "shuffle": problem.shuffle,
        "random_state": seed,
    }
    return UCBSourceSelector(**{**defaults, **params})


def play(problem, seed, names=tuple(RUNS)):
    """One row per run of RUNS that is named."""
    rows = []
    for name in names:
        start = time.perf_counter()
        run = selector(problem, seed, **RUNS[name](problem)).fit(
            problem.X, problem.y, sources=problem.sources
        )
        seconds = time.perf_counter() - start
        predicted = run.predict(problem.test[0])
        choices = run.history_["source"].map(run.sources_.index)
        rows.append(
            {
                "run": name,
                "seed": seed,
                "start": problem.densities.mean(),
                "overlap": problem.X[run.collected_indices_, -1].mean(),
                "detected": run.history_["overlap_ratio"].iloc[-1],
                "accuracy": accuracy_score(problem.test[1], predicted),
                "balanced": balanced_accuracy_score(problem.test[1], predicted),
                "regret": cumulative_regret(problem.densities, choices)[-1],
                "seconds": seconds,
            }
        )
    return rows


def compare_rewards(problem, seed):
    """What each reward says of a source, and how good a student of that source is.

    Every source is a batch of the same number of rows, and is judged on its own.
    """
    sources = np.unique(problem.sources)
    size = min(200, np.bincount(problem.sources).min())
    rng = np.random.RandomState(seed)
    rewards = {name: [] for name in REWARDS}
    accuracy, balanced, truth = [], [], []
    picks = [rng.permutation(np.flatnonzero(problem.sources == k)) for k in sources]
    rows = np.concatenate([pick[:size] for pick in picks])
    params = {"n_rounds": len(sources), "batch_size": int(size), "shuffle": False}
    for name, reward in REWARDS.items():
        run = selector(problem, seed, reward=reward, **params)
        run.fit(problem.X[rows], problem.y[rows], sources=problem.sources[rows])
        history = run.history_.set_index("source")["density"]
        rewards[name] = history.reindex(sources).to_numpy(dtype=float)
    detector = run.detector_
    weak = detector.weak_estimator_.predict(problem.X[:, problem.views["weak_columns"]])
    for pick in picks:
        pick = pick[:size]
        truth.append(problem.X[pick, -1].mean())
        strong = problem.views["strong_columns"]
        if len(np.unique(weak[pick])) < 2:
            predicted = np.full(len(problem.test[1]), weak[pick][0])
        else:
            model = student().fit(problem.X[pick, strong], weak[pick])
            predicted = model.predict(problem.test[0][:, strong])
        accuracy.append(accuracy_score(problem.test[1], predicted))
        balanced.append(balanced_accuracy_score(problem.test[1], predicted))
    table = pd.DataFrame({**rewards, "true density": truth})
    result = {}
    for name, values in table.items():
        defined = values.nunique() > 1 and len(set(accuracy)) > 1
        result[name] = spearmanr(values, accuracy)[0] if defined else np.nan
        # what a perfect bandit on this reward would get, over the mean source
        result[f"{name}: gain"] = accuracy[int(values.argmax())] - np.mean(accuracy)
    result["best source: gain"] = np.max(accuracy) - np.mean(accuracy)
    reading = table["overlap density"].to_numpy()
    return {"seed": seed, "read": reading, "true": np.array(truth), **result}
