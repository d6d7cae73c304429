"""How detection degrades as the data leave the setting it was made for.

``python -m benchmarks robustness`` spoils the Gaussian setting (500 easy, 500
hard, 500 overlap rows; 20 easy, 20 hard features) in six ways, one at a time, and
holds four detectors against the true regions:

default   OverlapDetector()
purify    OverlapDetector(refine_hard=0.05)
balanced  OverlapDetector(LogisticRegression(class_weight="balanced"))
paper     OverlapDetector(aggregation="max")

``gain over random`` is the accuracy of a student of the detected overlap rows less
that of a student of as many rows drawn at random from the detected non-hard ones.
"""

import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks import common
from benchmarks.studies import worlds
from overlapkit import OverlapDetector
from overlapkit.exceptions import (
    NoEvidenceOfGroupsWarning,
    NoOverlapWarning,
    OverlapkitWarning,
    WeakConfidenceWarning,
)

SUMMARY = "study 1: noise, outliers, heavy tails, imbalance, impure hard sets"
DETECTORS = {
    "default": {},
    "purify": {"refine_hard": 0.05},
    "balanced": {"weak_estimator": LogisticRegression(class_weight="balanced")},
    "paper": {"aggregation": "max"},
}
CONDITIONS = {
    "label noise": (0.0, 0.1, 0.2, 0.3, 0.4),
    "feature noise (sd)": (0.0, 0.5, 1.0, 1.5, 2.0),
    "outliers (share)": (0.0, 0.01, 0.05, 0.1, 0.2),
    "heavy tails (1/df)": (0.0, 0.2, 1 / 3, 0.5, 1.0),
    "minority class (share)": (0.5, 0.3, 0.2, 0.1, 0.05),
    "contaminated hard set (share)": (0.0, 0.2, 0.4, 0.5, 0.6),
}
# warnings that say that the regions mean little
SIGNS = (NoEvidenceOfGroupsWarning, WeakConfidenceWarning, NoOverlapWarning)


def spoil(train, condition, level, rng):
    """Features and regions of the training rows under a condition on the features."""
    X, region = train.X.copy(), train.region.copy()
    if condition == "feature noise (sd)":
        X += level * rng.normal(size=X.shape)
    elif condition == "outliers (share)":
        rows = rng.choice(len(X), round(level * len(X)), replace=False)
        X[rows] = 10 * rng.normal(scale=np.sqrt(5), size=(len(rows), X.shape[1]))
        region[rows] = 3  # such a row carries no pattern
    elif condition == "heavy tails (1/df)" and level > 0:
        # what turns a normal variable into a t-distributed one
        X *= np.sqrt(1 / (level * rng.chisquare(1 / level, size=X.shape)))
    return X, region


def one_world(condition, level, seed):
    """Rows of the result, one per detector."""
    weights = (level, 1 - level) if condition.startswith("minority") else None
    train, test = worlds.world(
        seed,
        n_easy=500,
        n_hard=500,
        n_overlap=500,
        weights=weights,
        label_noise=level if condition == "label noise" else 0.0,
    )
    rng = np.random.RandomState(seed)
    X, region = spoil(train, condition, level, rng)
    extra = {}
    if condition.startswith("contaminated"):
        # hard rows are the third of least confidence; a longer tail adds others
        extra["hard_threshold"] = ("quantile", min(1.0, (1 / 3) / (1 - level)))
    rows = []
    for name, params in DETECTORS.items():
        detector = OverlapDetector(
            weak_columns=train.easy_columns, random_state=seed, **extra, **params
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", OverlapkitWarning)
            detector.fit(X, train.y)
        weak = detector.weak_estimator_.predict(X[:, train.easy_columns])
        keep = np.flatnonzero(detector.support_)
        others = np.flatnonzero(detector.labels_ != worlds.HARD)
        at_random = rng.choice(others, len(keep), replace=False)
        student = worlds.student_accuracy(X[keep], weak[keep], test)
        control = worlds.student_accuracy(X[at_random], weak[at_random], test)
        rows.append(
            {
                "condition": condition,
                "level": level,
                "seed": seed,
                "detector": name,
                **worlds.detection(detector, region),
                "student": student["accuracy"],
                "student on hard": student["hard"],
                "announced": any(issubclass(w.category, SIGNS) for w in caught),
                "gain over random": student["accuracy"] - control["accuracy"],
            }
        )
    return rows


def main(argv=None):
    """Run the study; write robustness.csv and robustness.png; returns 0."""
    options = common.parse("robustness", __doc__, argv, seeds=10, out="studies")
    settings = [
        {"condition": condition, "level": level, "seed": seed}
        for condition, levels in CONDITIONS.items()
        for level in (levels[::2] if options.quick else levels)
        for seed in range(options.seeds)
    ]
    runs = common.run_rows(one_world, settings, options.n_jobs)
    common.write(runs, options, "robustness")
    means = runs.groupby(["condition", "level", "detector"], sort=False).mean(
        numeric_only=True
    )
    for column in ("auc", "hard precision", "overlap precision", "gain over random"):
        common.show(f"mean {column}", means[column].unstack("detector").sort_index())
    default = means.xs("default", level="detector")
    common.show(
        "default detector: p-values and student",
        default[
            ["p confidence", "p overlap", "student", "student on hard"]
        ].sort_index(),
    )
    broken = ~(runs["auc"] >= 0.9)  # or undefined: no easy or no overlap row is left
    table = runs.assign(broken=broken).groupby(["detector", "broken"], sort=False)
    common.show(
        "runs, broken (AUC below 0.9) or not: share announced by a warning",
        table["announced"].agg(["mean", "size"]),
    )

    def draw(ax, condition):
        # markers of different size, so that lines on top of each other all show
        for size, name in zip((10, 7.5, 5, 5), DETECTORS):
            line = means.xs(name, level="detector").loc[condition]
            ax.plot(
                line.index, line["auc"], "o-", markersize=size, label=f"{name}: AUC"
            )
        line = means.xs("purify", level="detector").loc[condition]
        ax.plot(line.index, line["hard precision"], ":", label="purify: hard precision")
        ax.set_ylim(-0.03, 1.05)
        ax.locator_params(axis="x", nbins=5)

    common.panels(
        options, "robustness", list(CONDITIONS), draw, ylabel="mean over seeds"
    )
    return 0
