"""Reproduce the paper's synthetic experiment, as recorded for this project.

``python -m benchmarks golden-synthetic`` draws train, pseudo-label and test sets of
`make_overlap_classification` with 500 patterns, and trains

weak    logistic regression on the easy features of train, true labels
strong  logistic regression on all features of train, true labels
w2s     logistic regression on the overlap rows of the pseudo set, labels by weak

It prints mean test accuracies (per cent) beside the recorded ones. A run where the
weak labels to train on are of one class is dropped, and counted. ``--ablation easy``
and ``--ablation hard`` vary the number of easy and of hard rows instead (10 overlap
rows); in the first, w2s is trained on the easy rows.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks import common
from overlapkit.datasets import make_overlap_classification

COMMAND = "golden-synthetic"
SUMMARY = "the Gaussian setting of the source paper, 500 runs"
COLUMNS = ("weak", "strong", "w2s", "easy", "hard", "overlap")
REGIONS = {"easy": 0, "overlap": 1, "hard": 2}

# Recorded means (per cent, 500 runs) of an independent implementation: which count
# varies, the others, the region w2s is trained on, and for each count the means.
# easy, hard and overlap are accuracies of w2s on the test rows of that region.
TARGETS = {
    "none": {
        "varied": "n_overlap",
        "fixed": {"n_easy": 100, "n_hard": 100},
        "train_on": "overlap",
        "means": {
            10: dict(zip(COLUMNS, (67.0, 82.9, 58.4, 60.3, 55.9, 64.6))),
            20: dict(zip(COLUMNS, (68.1, 83.3, 67.8, 71.1, 62.7, 77.4))),
            25: dict(zip(COLUMNS, (68.4, 83.7, 71.6, 74.9, 66.0, 81.0))),
            50: dict(zip(COLUMNS, (70.5, 84.6, 78.6, 81.1, 72.3, 86.5))),
            95: dict(zip(COLUMNS, (73.1, 86.2, 82.9, 84.0, 75.7, 89.2))),
        },
    },
    "easy": {
        "varied": "n_easy",
        "fixed": {"n_hard": 100, "n_overlap": 10},
        "train_on": "easy",
        "means": {
            5: {"weak": 53.3, "w2s": 50.1, "hard": 49.6},
            25: {"weak": 57.6, "w2s": 56.3, "hard": 50.0},
            50: {"weak": 61.5, "w2s": 61.7, "hard": 50.3},
            95: {"weak": 66.8, "w2s": 67.5, "hard": 50.3},
        },
    },
    "hard": {
        "varied": "n_hard",
        "fixed": {"n_easy": 100, "n_overlap": 10},
        "train_on": "overlap",
        "means": {
            0: {"weak": 82.5, "w2s": 60.5},
            25: {"weak": 76.8, "w2s": 59.3, "hard": 55.5},
            50: {"weak": 72.8, "w2s": 58.7, "hard": 56.0},
            95: {"weak": 67.7, "w2s": 59.4, "hard": 57.4},
        },
    },
}


def tolerance(column, train_rows):
    """Largest accepted difference in points; None where it is only shown.

    1 point, but 1.5 for students of 10 or 25 rows: their accuracy varies by 9 to 10
    points between runs, so the means of two times 500 runs differ by 0.6 (1 standard
    error) by chance. Per-region accuracies vary up to 20 points and are shown only.
    """
    if column not in ("weak", "strong", "w2s"):
        return None
    return 1.5 if column == "w2s" and train_rows <= 25 else 1.0


def one_draw(counts, train_on, theta, rng):
    """Six test accuracies (NaN: no such rows), or NaNs only for a dropped draw."""
    train, pseudo, test = (
        make_overlap_classification(
            **counts, theta=theta, shuffle=False, random_state=rng
        )
        for _ in range(3)
    )
    easy = train.easy_columns
    weak = LogisticRegression(C=1.0, fit_intercept=False)
    weak.fit(train.X[:, easy], train.y)
    strong = LogisticRegression(C=1.0, fit_intercept=False).fit(train.X, train.y)
    chosen = pseudo.X[pseudo.region == REGIONS[train_on]]
    weak_labels = weak.predict(chosen[:, easy])
    if len(set(weak_labels)) < 2:
        return [np.nan] * len(COLUMNS)
    w2s = LogisticRegression(C=0.01).fit(chosen, weak_labels)
    right = w2s.predict(test.X) == test.y
    parts = [right[test.region == REGIONS[name]] for name in COLUMNS[3:]]
    return [
        weak.score(test.X[:, easy], test.y),
        strong.score(test.X, test.y),
        right.mean(),
        *(part.mean() if len(part) else np.nan for part in parts),
    ]


def one_run(ablation, seed):
    """Accuracies of one pattern, which all counts and sets share: a row a count."""
    rng = np.random.RandomState(seed)
    theta = rng.uniform(size=40)
    setting = TARGETS[ablation]
    return [
        one_draw(
            {**setting["fixed"], setting["varied"]: count},
            setting["train_on"],
            theta,
            rng,
        )
        for count in setting["means"]
    ]


def run(ablation="none", n_runs=500, n_jobs=None, seed=0):
    """Accuracies in per cent, array of shape (n_runs, n_counts, 6)."""
    seeds = np.random.RandomState(seed).randint(2**31 - 1, size=n_runs)
    settings = [{"ablation": ablation, "seed": s} for s in seeds]
    return 100 * np.array(common.run(one_run, settings, n_jobs))


def compare(ablation, accuracies):
    """Yield ``(count, column, mean, sd, target, dropped)`` with None for no target."""
    for k, (count, targets) in enumerate(TARGETS[ablation]["means"].items()):
        kept = accuracies[~np.isnan(accuracies[:, k]).all(axis=1), k]
        for j, column in enumerate(COLUMNS):
            if not np.isnan(kept[:, j]).any():
                yield (
                    count,
                    column,
                    kept[:, j].mean(),
                    kept[:, j].std(ddof=1),
                    targets.get(column),
                    len(accuracies) - len(kept),
                )


def crossing(accuracies):
    """Number of overlap rows from which w2s is above weak, by interpolation; or nan."""
    counts = list(TARGETS["none"]["means"])
    kept = ~np.isnan(accuracies).all(axis=2)
    gain = [
        np.mean(accuracies[kept[:, k], k, 2] - accuracies[kept[:, k], k, 0])
        for k in range(len(counts))
    ]
    return float(np.interp(0.0, gain, counts, left=np.nan, right=np.nan))


def main(argv=None):
    """Print the table; return 1 if a figure is off by more than its tolerance."""
    ablation = {"choices": list(TARGETS), "default": "none"}
    options = common.parse(
        COMMAND, __doc__, argv, seeds=500, quick_seeds=None, ablation=ablation
    )
    accuracies = run(options.ablation, options.seeds, options.n_jobs)
    varied, train_on = (TARGETS[options.ablation][k] for k in ("varied", "train_on"))
    print(f"{varied:>9}  column     mean    sd  recorded  difference  verdict")
    failures = 0
    for count, column, mean, sd, target, dropped in compare(
        options.ablation, accuracies
    ):
        line = f"{count:>9}  {column:<8} {mean:6.2f} {sd:5.1f}"
        if target is not None:
            limit = tolerance(column, count if varied == f"n_{train_on}" else 10)
            good = limit is None or abs(mean - target) <= limit
            verdict = "shown only" if limit is None else f"within {limit}"
            failures += not good
            line += f"  {target:8.1f}  {mean - target:+10.2f}  "
            line += verdict if good else f"OFF by more than {limit}"
        print(line)
        if column == "weak" and dropped:
            print(f"{'':>9}  ({dropped} of {options.seeds} runs dropped: one class)")
    if options.ablation == "none":
        where = crossing(accuracies)
        # the means have standard errors of .4 points and rise .6 a row: 1 row or less
        good = 20 - 2.5 <= where <= 25 + 2.5
        failures += not good
        print(
            f"w2s passes weak at n_overlap = {where:.1f}, recorded: about 20 to 25 "
            f"({'within' if good else 'OFF by more than'} half a step of 5)"
        )
    print(f"{failures} figures off" if failures else "all within tolerance")
    return int(failures > 0)
