"""How many landmarks are enough: agreement with comparing to all hard rows.

``python -m benchmarks landmarks`` takes the shipped tables, and the data sets in the
folder that ``--data`` or OVERLAPKIT_DATA names. On the standardised columns and the
probabilities of a label model, a detector is fitted with all hard rows and then with
subsets of them (``max_landmarks``), drawn anew by each seed; for the mean and the
maximum of similarities.

- agreement: share of rows that get the same region;
- error: largest difference of a score over the n rows that are not hard, next to
  Hoeffding's bound for the mean, which holds with probability .95 for all of them at
  once: sqrt(log(2 n / .05) / (2 m)) with m landmarks;
- recall: share of these rows whose maximum over landmarks is that over all hard rows.
"""

import numpy as np
from sklearn.preprocessing import StandardScaler

from benchmarks import common
from benchmarks.job.data import Unusable, available, load_task
from benchmarks.studies import worlds
from overlapkit import OverlapDetector
from overlapkit.label_models import LabelModel

SUMMARY = "regions with some of the hard rows against all of them"
SIZES = (10, 30, 100, 300, 1000)
STYLES = {"mean": ("#0072B2", "o"), "max": ("#D55E00", "s")}


def _data(name, folder):
    """Strong view, and weak probabilities, of the rows that are not the teacher's."""
    task = load_task(name, 0, folder)
    model = LabelModel().fit(task.votes[task.teacher])
    strong = StandardScaler().fit_transform(task.X[task.student])
    return strong, model.predict_proba(task.votes[task.student])


def agreement(name, folder, aggregation, n_seeds):
    """Rows of the table for one data set and one aggregation."""
    try:
        strong, proba = _data(name, folder)
    except Unusable:
        return []
    d = strong.shape[1]
    X = np.column_stack([strong, proba])
    detector = OverlapDetector(
        weak_estimator="precomputed",
        strong_columns=slice(0, d),
        weak_columns=slice(d, d + proba.shape[1]),
        aggregation=aggregation,
        n_jobs=1,
    )
    exact = detector.fit(X)
    labels, scores = exact.labels_, exact.overlap_scores_
    n_hard = len(exact.hard_indices_)
    compared = labels != worlds.HARD  # hard rows resemble themselves
    rows = []
    for size in [m for m in SIZES if m < n_hard]:
        for seed in range(n_seeds):
            few = detector.set_params(max_landmarks=size, random_state=seed).fit(X)
            gap = np.abs(few.overlap_scores_ - scores)[compared]
            rows.append(
                {
                    "data": name,
                    "aggregation": aggregation,
                    "hard rows": n_hard,
                    "landmarks": size,
                    "seed": seed,
                    "agreement": np.mean(few.labels_ == labels),
                    "error": gap.max(),
                    "bound": np.sqrt(np.log(2 * len(gap) / 0.05) / (2 * size)),
                    "recall": np.mean(gap <= 1e-6),
                }
            )
    return rows


def main(argv=None) -> int:
    """Print the table, write landmarks.csv and landmarks.png."""
    options = common.parse(
        "landmarks", __doc__, argv, seeds=10, out="studies", data="environment"
    )
    settings = [
        {
            "name": name,
            "folder": options.data,
            "aggregation": aggregation,
            "n_seeds": options.seeds,
        }
        for name in available(options.data)
        for aggregation in STYLES
    ]
    runs = common.run_rows(agreement, settings, options.n_jobs)
    common.write(runs, options, "landmarks")
    groups = runs.groupby(["data", "aggregation", "hard rows", "landmarks"], sort=False)
    table = groups[["agreement", "bound", "recall"]].mean()
    table.insert(1, "lowest", groups["agreement"].min())
    table.insert(2, "error", groups["error"].max())
    table.loc[table.index.get_level_values("aggregation") == "max", "bound"] = np.nan
    table.loc[table.index.get_level_values("aggregation") == "mean", "recall"] = np.nan
    common.show("regions and scores with landmarks, against all hard rows", table)

    def draw(ax, name):
        for aggregation, (color, marker) in STYLES.items():
            part = runs.query("data == @name and aggregation == @aggregation")
            by_size = part.groupby("landmarks")["agreement"]
            mean, low = by_size.mean(), by_size.min()
            ax.plot(mean.index, mean, color=color, marker=marker, label=aggregation)
            ax.fill_between(low.index, low, by_size.max(), color=color, alpha=0.2)
        ax.set_xscale("log")
        ax.set_xlabel("landmarks")

    names = list(dict.fromkeys(runs["data"]))
    label = "rows with the same region"
    common.panels(options, "landmarks", names, draw, ylabel=label)
    return 0
