"""Several classes: thresholds common to all weak classes, or one for each.

``python -m benchmarks class-thresholds --data DIR`` splits rows into easy, overlap and
hard as OverlapDetector does, with four rules: the threshold of the confidence, that of
the overlap scores, both or neither are a change point of each weak class by itself. A
weak class with fewer than 20 such rows, or with equal values only, takes the common
threshold. Students of the rows that are not hard, of the overlap rows and of as many
random rows that are not hard learn the weak labels; as everywhere in the package,
quotas replace a choice in which a class loses half of its share. On the generator, and
on sets with votes and three classes or more, at most 1,500 rows. Differences are paired
by seed.
"""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from benchmarks import common
from benchmarks.job.data import Unusable, available, load_task
from benchmarks.job.experiment import LABEL_MODELS, two_views
from benchmarks.studies import worlds
from overlapkit.scorers import reference_similarity
from overlapkit.students._selection import guard_classes
from overlapkit.thresholds import change_point
from overlapkit.weak import WeakLabeler

SUMMARY = "several classes: thresholds common to all, or one a weak class"
# name -> whether the confidence, and the overlap score, has a threshold a weak class
RULES = {
    "common": (False, False),
    "confidence by class": (True, False),
    "overlap by class": (False, True),
    "both by class": (True, True),
}
WORLDS = {
    "generator, 4 classes": {"n_classes": 4},
    "generator, 8 classes": {"n_classes": 8},
    "generator, 8, twice as far apart": {"n_classes": 8, "separation": 2.0},
    "generator, 4 unequal": {"n_classes": 4, "weights": (0.5, 0.25, 0.15, 0.1)},
}
SIZE = 500  # rows of each region
LARGEST = 1500  # rows of a student's pool
LEAST = 20  # rows of a class that has a threshold of its own
FOUND = ("hard precision", "hard recall", "overlap precision", "overlap recall")
MEASURES = ("accuracy", "balanced", "purity", "share")


def regions(rows, strong, rule):
    """Hard and overlap rows under a rule, and what chooses among rows of a class."""
    confidence_by_class, overlap_by_class = RULES[rule]
    confidence, covered = rows.confidence("margin"), rows.covered
    line = thresholds(confidence, rows.codes, covered, confidence_by_class, "threshold")
    hard, others = covered & (confidence < line), covered & (confidence >= line)
    overlap, scores = np.zeros(len(rows), dtype=bool), np.zeros(len(rows))
    if hard.any() and others.any():
        scores = reference_similarity(strong, strong[hard])
        line = thresholds(scores, rows.codes, others, overlap_by_class, "midpoint")
        overlap = others & (scores > line)
    return hard, overlap, np.where(others, scores, confidence - 2)


def thresholds(values, codes, inside, by_class, side):
    """Threshold of each row: of the rows `inside`, or of those of its weak class."""
    common_line = getattr(change_point(values[inside]), side)
    lines = np.full(len(values), common_line)
    if by_class:
        for code in np.unique(codes[inside]):
            own = inside & (codes == code)
            if own.sum() >= LEAST and np.ptp(values[own]) > 0:
                lines[codes == code] = getattr(change_point(values[own]), side)
    return lines


def generated(name, seed):
    """Rows of the result for the generator: every rule, every student."""
    params = {"n_easy": SIZE, "n_hard": SIZE, "n_overlap": SIZE, **WORLDS[name]}
    train, test = worlds.world(seed, **params)
    labeler = WeakLabeler(weak_columns=train.easy_columns, random_state=seed)
    rows, _ = labeler.fit_label(train.X, train.y)
    model = LogisticRegression(C=0.1, max_iter=500)
    result = compare(model, rows, train.X, train.y, test.X, test.y, seed)
    region = train.region
    for row in result:
        hard, overlap = row.pop("hard"), row.pop("overlap rows")
        row["hard precision"] = common.share(region[hard] == worlds.HARD)
        row["hard recall"] = common.share(hard[region == worlds.HARD])
        row["overlap precision"] = common.share(region[overlap] == worlds.OVERLAP)
        row["overlap recall"] = common.share(overlap[region == worlds.OVERLAP])
        row |= {"data": name, "seed": seed}
    return result


def real(name, seed, label_model, data_dir):
    """Rows of the result for a set with votes; none where it cannot be used."""
    try:
        task = load_task(name, seed, data_dir)
    except Unusable:
        return []
    if len(np.unique(task.y)) < 3:
        return []
    pool = np.random.RandomState(seed).permutation(task.student)[:LARGEST]
    X, views = two_views(task, label_model, seed)
    rows, _ = WeakLabeler(**views).fit_label(X[pool])
    scale = StandardScaler().fit(task.X[pool][rows.covered])
    strong, X_test = scale.transform(task.X[pool]), scale.transform(task.X[task.test])
    model = LogisticRegression(C=0.1, max_iter=1000)
    truth, y_test = task.y[pool], task.y[task.test]
    result = compare(model, rows, strong, truth, X_test, y_test, seed)
    for row in result:
        del row["hard"], row["overlap rows"]
        row |= {"data": name, "seed": seed}
    return result


def compare(model, rows, strong, truth, X_test, y_test, seed):
    """A row for each rule and student."""
    judged, result = {}, []
    covered = np.flatnonzero(rows.covered)
    random = np.random.RandomState(seed).uniform(size=len(rows))
    right = rows.labels == truth
    for rule in RULES:
        hard, overlap, scores = regions(rows, strong, rule)
        others = rows.covered & ~hard
        drawn = np.zeros(len(rows), dtype=bool)
        drawn[np.argsort(-(random + others))[: overlap.sum()]] = True
        for name, chosen, order in (
            ("not hard", others, scores),
            ("overlap", overlap, scores),
            ("random", drawn, random + others),
        ):
            keep = np.zeros(len(rows), dtype=bool)
            keep[covered] = guard_classes(
                chosen[covered],
                order[covered],
                rows.codes[covered],
                rows.hash_of(covered),
                rows.classes,
            )
            key = keep.tobytes()
            if key not in judged:
                predicted = predictions(model, strong[keep], rows.labels[keep], X_test)
                judged[key] = {
                    "accuracy": float(np.mean(predicted == y_test)),
                    "balanced": balanced_accuracy_score(y_test, predicted),
                    "purity": common.share(right[keep]),
                    "share": keep.sum() / len(covered),
                }
            result.append(
                {"rule": rule, "rows": name, "hard": hard, "overlap rows": overlap}
                | judged[key]
            )
    return result


def predictions(model, X, labels, X_test):
    """What a student of some rows predicts; a single class is predicted everywhere."""
    if len(np.unique(labels)) < 2:
        return np.full(len(X_test), labels[0])
    return clone(model).fit(X, labels).predict(X_test)


def differences(runs):
    """Points of accuracy over the common thresholds, with the standard error."""
    wide = runs.pivot_table(
        ["accuracy", "balanced"], ["data", "seed", "rows"], "rule", sort=False
    )
    lines = []
    for rule in list(RULES)[1:]:
        for measure in ("accuracy", "balanced"):
            gain = 100 * (wide[measure, rule] - wide[measure, "common"])
            groups = gain.groupby(["data", "rows"], sort=False)
            part = groups.agg(["mean", "sem"]).reset_index()
            lines.append(part.assign(rule=rule, measure=measure))
    return pd.concat(lines, ignore_index=True)


def main(argv=None):
    """Run the study; write class_thresholds.csv; returns 0."""
    options = common.parse(
        "class-thresholds",
        __doc__,
        argv,
        seeds=10,
        out="studies",
        data="environment",
        label_model={"choices": list(LABEL_MODELS), "default": "label-model"},
    )
    made = common.run_rows(
        generated,
        [{"name": w, "seed": s} for w in WORLDS for s in range(options.seeds)],
        options.n_jobs,
    )
    common.show(
        "generator: how well regions are found",
        made[made["rows"] == "overlap"]
        .groupby(["data", "rule"], sort=False)[
            list(made.filter(regex="^(hard|overlap) "))
        ]
        .mean(),
    )
    settings = [
        {
            "name": name,
            "seed": seed,
            "label_model": options.label_model,
            "data_dir": options.data,
        }
        for name in available(options.data)
        for seed in range(options.seeds)
    ]
    runs = pd.concat([made, common.run_rows(real, settings, options.n_jobs)])
    common.write(runs, options, f"class_thresholds_{options.label_model}")
    means = runs.groupby(["data", "rows", "rule"], sort=False)[list(MEASURES)].mean()
    common.show("students, per cent", 100 * means, 1)
    gains = differences(runs)
    gains["text"] = [
        f"{mean:+.1f} ({sem:.1f})" for mean, sem in zip(gains["mean"], gains["sem"])
    ]
    for measure, part in gains.groupby("measure", sort=False):
        table = part.pivot(index=["rows", "data"], columns="rule", values="text")
        common.show(f"{measure}: points over common thresholds (s.e.)", table)
    clear = gains["mean"].abs() > 2 * gains["sem"]
    counted = gains.assign(
        won=clear & (gains["mean"] > 0), lost=clear & (gains["mean"] < 0)
    )
    counted = counted.groupby(["measure", "rows", "rule"], sort=False)
    common.show("won and lost by two s.e.", counted[["won", "lost"]].sum())
    return 0
