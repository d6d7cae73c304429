"""What the studies share: options, parallel runs, tables, figures."""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from overlapkit.datasets import make_overlap_classification
from overlapkit.exceptions import OverlapkitWarning

EASY, OVERLAP, HARD = 0, 1, 2


def parse(name, doc, argv, seeds, quick_seeds=2, extra=None):
    """Options that all studies have."""
    parser = argparse.ArgumentParser(
        f"python -m benchmarks.studies.{name}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help=f"{quick_seeds} seeds")
    add("--seeds", type=int, help=f"default: {seeds}")
    add("--n-jobs", type=int, default=-1)
    add("--out", type=Path, default=Path("results/studies"))
    for option, settings in (extra or {}).items():
        add(option, **settings)
    options = parser.parse_args(argv)
    if options.seeds is None:
        options.seeds = quick_seeds if options.quick else seeds
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def run_all(function, settings, n_jobs):
    """Concatenate the rows that `function(**setting)` gives; one thread each."""

    def one(setting):
        # warnings are what some studies are about: they are columns, not noise
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", OverlapkitWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            return function(**setting)

    parts = Parallel(n_jobs=n_jobs)(delayed(one)(setting) for setting in settings)
    return pd.DataFrame([row for part in parts for row in part])


def world(seed, *, test_size=1000, **params):
    """A training and a test set with the same patterns; the test set has no noise."""
    train = make_overlap_classification(random_state=seed, **params)
    params = {**params, "label_noise": 0.0, "theta": train.theta}
    for region in ("n_easy", "n_hard", "n_overlap"):
        params[region] = test_size
    return train, make_overlap_classification(random_state=seed + 10_000, **params)


def detection(detector, region):
    """How well a fitted detector finds the true regions."""
    hard = detector.labels_ == HARD
    judged = ~hard & np.isin(region, (EASY, OVERLAP))
    truth = region[judged] == OVERLAP
    scores = detector.overlap_scores_[judged]
    split = detector.overlap_split_
    return {
        "auc": roc_auc_score(truth, scores) if 0 < truth.sum() < len(truth) else np.nan,
        "hard precision": share(region[hard] == HARD),
        "hard recall": share(hard[region == HARD]),
        "overlap precision": share(region[detector.support_] == OVERLAP),
        "overlap recall": share(detector.support_[region == OVERLAP]),
        "density": detector.overlap_density_,
        "non-hard share": float(np.mean(~hard)),
        "p confidence": detector.confidence_pvalue_,
        "p overlap": detector.overlap_pvalue_,
        "gain": np.nan if split is None else split.gain,
    }


def share(mask):
    """Mean of a mask, NaN when there is nothing."""
    return float(np.mean(mask)) if len(mask) else np.nan


def student_accuracy(X, labels, test, C=0.1):
    """Accuracy of logistic regression: overall and in each region of the test set."""
    if len(np.unique(labels)) < 2:
        # a single class is what such a student would predict
        right = test.y == labels[0] if len(labels) else np.full(len(test.y), np.nan)
    else:
        model = LogisticRegression(C=C, max_iter=500).fit(X, labels)
        right = model.predict(test.X) == test.y
    regions = {"easy": EASY, "overlap": OVERLAP, "hard": HARD}
    return {
        "accuracy": float(np.mean(right)),
        **{name: share(right[test.region == code]) for name, code in regions.items()},
    }


def write(frame, options, name):
    """Save a CSV file."""
    path = options.out / f"{name}.csv"
    frame.to_csv(path, index=False, float_format="%.6g")
    print(f"wrote {path}")


def show(title, table):
    """Print a table."""
    print(f"\n{title}\n{table.round(3).to_string()}")


def panels(options, name, titles, draw, *, ylabel=None, columns=3):
    """A figure of one panel per title, drawn by `draw(ax, title)`.

    With a `ylabel` the panels share their vertical axis. Where `draw` makes no legends,
    that of the first panel stands below all of them, where it covers no line.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = -(-len(titles) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(4.2 * columns, 3.2 * rows),
        squeeze=False,
        sharey=ylabel is not None,
        layout="constrained",
    )
    for ax, title in zip(axes.flat, titles):
        draw(ax, title)
        ax.set_title(title)
        ax.grid(alpha=0.3)
    for ax in axes.flat[len(titles) :]:
        ax.set_visible(False)
    for ax in axes[:, 0] if ylabel is not None else ():
        ax.set_ylabel(ylabel)
    if all(ax.get_legend() is None for ax in axes.flat):
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    path = options.out / f"{name}.png"
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print(f"wrote {path}")
