"""Detector, curve and recipe as the votes of real sets get worse.

``python -m benchmarks noisy-votes --data DIR`` replaces a share of the votes of six
real sets, drawn at random among the votes cast, by another class, fits the label model
and the detector on them, and prints per level: accuracy of the weak labels, what the
detector finds, and test accuracy (logistic regression) of all covered rows, of as many
overlap rows, random non-hard rows and most confident rows, and of
``selector="auto"`` with 100 known labels. ``curve`` is the accuracy of a student of
overlap rows less that of one of as many covered rows that are not overlap: the two ends
of the overlap curve.
"""

from dataclasses import replace

import numpy as np
from sklearn.preprocessing import StandardScaler

from benchmarks import common
from benchmarks.job.data import Unusable, load_task
from benchmarks.job.experiment import N_LABELLED, strong_model, two_views
from overlapkit import OverlapDetector, WeakToStrongClassifier

SUMMARY = "votes of six real sets spoiled by 0 to 40 %"
SETS = ("amazon_polarity", "imdb", "mushroom", "spambase", "uci_sentiment", "youtube")
LEVELS = (0.0, 0.1, 0.2, 0.3, 0.4)
LARGEST = 1500


def spoiled(votes, level, n_classes, rng):
    """Votes of which a share, rounded to whole votes, names another class."""
    votes = votes.copy()
    cast = np.flatnonzero(votes.ravel() >= 0)
    chosen = rng.permutation(cast)[: round(level * len(cast))]
    shift = rng.randint(1, n_classes, size=len(chosen))
    votes.ravel()[chosen] = (votes.ravel()[chosen] + shift) % n_classes
    return votes


def one_set(name, level, seed, data_dir=None):
    """A row of the result; none where a data set cannot be used."""
    try:
        task = load_task(name, seed, data_dir)
    except Unusable:
        return []
    rng = np.random.RandomState(seed)
    task = replace(task, votes=spoiled(task.votes, level, task.n_classes, rng))
    pool = rng.permutation(task.student)[:LARGEST]
    X, views = two_views(task, "label-model", seed)
    y = task.y[pool]
    weak = views["weak_estimator"].predict(task.votes[pool])
    detector = OverlapDetector(representation=StandardScaler(), **views).fit(X[pool])
    region, confidence = detector.labels_, detector.weak_confidence_
    overlap, covered = region == 1, region != 3
    n = min(overlap.sum(), (covered & ~overlap).sum())

    def drawn(mask):
        return rng.permutation(np.flatnonzero(mask))[:n]

    def accuracy(rows):
        labels = weak[rows]
        if len(np.unique(labels)) < 2:
            guess = labels[0] if len(labels) else -1
            return float(np.mean(task.y[task.test] == guess))
        model = strong_model("logistic", seed).fit(task.X[pool][rows], labels)
        return model.score(task.X[task.test], task.y[task.test])

    known = np.full(len(pool), -1)
    known[:N_LABELLED] = y[:N_LABELLED]
    auto = WeakToStrongClassifier(
        strong_model("logistic", seed), selector="auto", missing_label=-1, **views
    ).fit(X[pool], known)
    alone = strong_model("logistic", seed)
    alone.fit(task.X[pool[:N_LABELLED]], y[:N_LABELLED])
    best = np.argsort(-np.where(region < 2, confidence, -1), kind="stable")
    right = weak == y
    at_overlap = accuracy(drawn(overlap))
    return [
        {
            "data": name,
            "level": level,
            "seed": seed,
            "weak labels": common.share(right[covered]),
            "weak, overlap": common.share(right[overlap]),
            "weak, hard": common.share(right[region == 2]),
            "density": detector.overlap_density_,
            "p confidence": detector.confidence_pvalue_,
            "p overlap": detector.overlap_pvalue_,
            "covered rows": accuracy(np.flatnonzero(covered)),
            "overlap": at_overlap,
            "random non-hard": accuracy(drawn(region < 2)),
            "most confident": accuracy(best[:n]),
            "curve": at_overlap - accuracy(drawn(covered & ~overlap)),
            "auto": auto.score(X[task.test], task.y[task.test]),
            "labels alone": alone.score(task.X[task.test], task.y[task.test]),
        }
    ]


def main(argv=None):
    """Run the study; write noisy_votes.csv and noisy_votes.png; returns 0."""
    options = common.parse(
        "noisy-votes", __doc__, argv, seeds=3, out="studies", data="environment"
    )
    settings = [
        {"name": name, "level": level, "seed": seed, "data_dir": options.data}
        for name in SETS
        for seed in range(options.seeds)
        for level in LEVELS
    ]
    runs = common.run_rows(one_set, settings, options.n_jobs)
    common.write(runs, options, "noisy_votes")
    columns = runs.columns.drop(["data", "level", "seed"])
    means = runs.groupby(["data", "level"])[columns].mean()
    common.show("mean over seeds", means.drop(columns=["p confidence", "p overlap"]))
    common.show("mean over sets", means.groupby("level").mean().T)
    control = runs.assign(
        overlap=runs["overlap"] - runs["random non-hard"],
        auto=runs["auto"] - runs["labels alone"],
    )
    by_set = control.groupby(["level", "data"])[["overlap", "curve", "auto"]].mean()
    table = by_set.groupby("level").agg(["mean", "sem"])
    common.show("overlap less random non-hard, curve, auto less labels alone", table)

    def draw(ax, name):
        for column in ("covered rows", "overlap", "random non-hard", "auto"):
            line = means.loc[name, column]
            ax.plot(line.index, line, "o-", markersize=4, label=column)

    used = [name for name in SETS if name in means.index.get_level_values(0)]
    common.panels(options, "noisy_votes", used, draw, ylabel="test accuracy")
    return 0
