"""Reproduce what is recorded about overlap detection where the truth is known.

Rows of `make_overlap_classification` (500 easy, 500 hard, 500 overlap; variance 5), a
weak logistic regression on the easy features of as many other rows, hard rows by the
change point of its confidence. Printed next to the recorded values:

detection  AUC of overlap against easy rows, for each way to compare a row with the
           detected hard rows; with 10 or 20 features a pattern, and easy ones x 3
sources    densities read off five sources of true density .1 to .9 (1,000 rows each),
           and whether they rank the sources
mixing     accuracy of a student that learns from no or from only "overlap" rows, by
           detectors, controls and truth; with all others as the rest, and with easy
           rows only

A value is reached when it is within .02 of the recorded one.
"""

import warnings

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks import common
from overlapkit import OverlapDetector
from overlapkit.datasets import make_overlap_classification
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.model_selection import DetectedRows, overlap_curve
from overlapkit.scorers import reference_similarity, weak_confidence
from overlapkit.thresholds import change_point
from overlapkit.weak import WeakRows

COMMAND = "golden-detection"
SUMMARY = "detectors where the truth is known, against recorded values"
TOLERANCE = 0.02
SETTINGS = {"d=10": (10, 1.0), "d=10, easy x3": (10, 3.0), "d=20": (20, 1.0)}

# score -> parameters, and AUC recorded for each setting
AGGREGATIONS = {
    "max |cos| (paper)": ({"aggregation": "max"}, (0.17, 0.35, 0.25)),
    "max inner product": (
        {"metric": "dot", "aggregation": "max", "absolute": False},
        (0.87, 0.50, 0.91),
    ),
    "min Euclidean": (
        {"metric": "euclidean", "aggregation": "max"},
        (0.06, 0.37, 0.03),
    ),
    "90 % quantile |cos|": (
        {"aggregation": "quantile", "quantile": 0.9},
        (0.95, 0.37, 1.00),
    ),
    "mean |inner product|": (
        {"metric": "dot", "aggregation": "mean"},
        (1.00, 0.73, 1.00),
    ),
    "mean |cos|": ({"aggregation": "mean"}, (1.00, 0.995, 1.00)),
    "median |cos|": ({"aggregation": "quantile", "quantile": 0.5}, (1.00, 1.00, 1.00)),
}
TRUE_HARD = (1.00, 1.00, 1.00)  # max |cos| against the true hard rows
HARD_SET = {"recall": (1.00, None, 1.00), "precision": (0.62, None, 0.74)}

DENSITIES = (0.1, 0.3, 0.5, 0.7, 0.9)
ROWS_PER_SOURCE = 1000
# score -> densities recorded at d=10 and at d=20, and the rank correlation
SOURCES = {
    "max |cos| (paper)": ((0.25, 0.22, 0.20, 0.18, 0.14), None, -1.0),
    "max inner product": ((0.08, 0.16, 0.25, 0.33, 0.42), None, 1.0),
    "mean |cos|": ((0.07, 0.20, 0.33, 0.47, 0.60), (0.08, 0.24, 0.41, 0.57, 0.73), 1.0),
}
# densities of the two best sources by mean |cos| when each has thresholds of its own
OWN_THRESHOLDS = (0.44, 0.35)

# (detector, pool) -> accuracy without and with its first part, at d=10 and at d=20
MIXING = {
    ("paper", "overlap"): ((0.647, 0.760), (0.694, 0.853)),
    ("mean", "random non-hard"): ((0.648, 0.775), (0.698, 0.860)),
    ("mean", "most confident"): ((0.657, 0.780), (0.709, 0.872)),
    ("mean", "overlap"): ((0.648, 0.787), (0.696, 0.872)),
    ("truth", "overlap"): ((0.645, 0.766), (0.693, 0.852)),
    ("truth", "overlap vs easy"): ((0.692, 0.766), (0.749, 0.852)),
    ("mean", "overlap vs easy"): ((0.691, 0.786), None),
    ("paper", "overlap vs easy"): ((0.784, 0.760), None),
}


def draw(n_features, saliency, rng, counts=({}, {}, {})):
    """Sets of rows with one pattern, and a weak model fitted on the first."""
    theta = rng.uniform(size=2 * n_features)
    common = {"n_easy": 500, "n_hard": 500, "n_overlap": 500}
    sets = [
        make_overlap_classification(
            **{**common, **own},
            n_easy_features=n_features,
            n_hard_features=n_features,
            saliency=saliency,
            theta=theta,
            random_state=rng,
        )
        for own in counts
    ]
    weak = LogisticRegression(fit_intercept=False)
    return sets, weak.fit(sets[0].X[:, :n_features], sets[0].y)


def confidence_and_hard(weak, X):
    """Weak labels, weak confidence, and the rows below its change point."""
    proba = weak.predict_proba(X[:, : weak.n_features_in_])
    confidence = weak_confidence(proba)
    return proba.argmax(axis=1), confidence, below_split(confidence)


def below_split(values):
    """Rows in the lower of the two segments of the sorted values."""
    return values < change_point(values).threshold


def similarity(X, hard, score):
    """Score of every row that is not hard, in their order."""
    return reference_similarity(X[~hard], X[hard], **AGGREGATIONS[score][0])


def detection_run(setting, seed):
    """AUC of every score, and recall and precision of the hard set."""
    n_features, saliency = SETTINGS[setting]
    (_, rows, _), weak = draw(n_features, saliency, np.random.RandomState(seed))
    _, _, hard = confidence_and_hard(weak, rows.X)
    region = rows.region[~hard]
    judged = region < 2
    result = {
        score: roc_auc_score(
            region[judged] == 1, similarity(rows.X, hard, score)[judged]
        )
        for score in AGGREGATIONS
    }
    truth = rows.region == 2
    scores = similarity(rows.X, truth, "max |cos| (paper)")
    result["max |cos|, true hard rows"] = roc_auc_score(
        rows.region[~truth] == 1, scores
    )
    detector = OverlapDetector(
        FrozenEstimator(weak), weak_columns=slice(0, n_features), random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapkitWarning)  # only its order is judged
        detector.fit(rows.X)
    judged = (rows.region < 2) & (detector.labels_ < 2)
    result["OverlapDetector()"] = roc_auc_score(
        rows.region[judged] == 1, detector.overlap_scores_[judged]
    )
    result["hard set, recall"] = hard[truth].mean()
    result["hard set, precision"] = truth[hard].mean()
    return result


def sources_run(setting, seed):
    """Densities of the sources: by score with pooled thresholds, then with own ones."""
    counts = [
        {"n_overlap": k, "n_easy": (ROWS_PER_SOURCE - k) // 2}
        for k in (round(p * ROWS_PER_SOURCE) for p in DENSITIES)
    ]
    for own in counts:
        own["n_hard"] = ROWS_PER_SOURCE - own["n_overlap"] - own["n_easy"]
    rng = np.random.RandomState(seed)
    n_features, saliency = SETTINGS[setting]
    (_, *sources), weak = draw(n_features, saliency, rng, ({}, *counts))
    X = np.vstack([source.X for source in sources])
    source = np.repeat(np.arange(len(sources)), ROWS_PER_SOURCE)
    densities = {score: _densities(weak, X, source, score) for score in SOURCES}
    densities["own"] = [
        _densities(weak, part.X, np.zeros(ROWS_PER_SOURCE, int), "mean |cos|")[0]
        for part in sources
    ]
    return densities


def _densities(weak, X, source, score):
    _, _, hard = confidence_and_hard(weak, X)
    overlap = ~below_split(similarity(X, hard, score))
    found = np.bincount(source[~hard][overlap], minlength=source.max() + 1)
    return (found / np.bincount(source)).tolist()


def mixing_run(setting, seed):
    """Accuracy, on all and on hard test rows, without and with the first part."""
    n_features, saliency = SETTINGS[setting]
    (_, rows, test), weak = draw(n_features, saliency, np.random.RandomState(seed))
    _, _, hard = confidence_and_hard(weak, rows.X)
    proba = weak.predict_proba(rows.X[:, : weak.n_features_in_])
    # the recorded runs gave class 0 to all rows the weak model is undecided about
    first = proba.copy()
    first[np.isclose(first[:, 0], 0.5, rtol=0, atol=1e-12)] = 0.5 + 1e-7, 0.5 - 1e-7
    detected = {"truth": np.minimum(rows.region, 2)}
    for name, score in (("paper", "max |cos| (paper)"), ("mean", "mean |cos|")):
        detected[name] = np.where(hard, 2, 0)
        overlap = ~below_split(similarity(rows.X, hard, score))
        detected[name][np.flatnonzero(~hard)[overlap]] = 1

    def curve(proba, regions):
        return overlap_curve(
            LogisticRegression(C=0.01),
            DetectedRows(WeakRows.from_proba(rows.X, proba), regions),
            rows.X,
            X_test=test.X,
            y_test=test.y,
            regions_test=test.region,
            shares=[0, 1],
            n_repeats=1,
            random_state=seed,
        )

    result = {}
    for name, regions in detected.items():
        for pool, part in curve(first, regions).groupby("pool"):
            result[name, pool] = part[["accuracy", "accuracy_hard"]].to_numpy().T
    # controls have quotas of the weak classes, which the recorded ones had not: with
    # undecided rows in one class, these quotas would be far from equal
    for pool, part in curve(proba, detected["mean"]).groupby("pool"):
        if ("mean", pool) in MIXING and pool in ("random non-hard", "most confident"):
            result["mean", pool][:, 1] = part[["accuracy", "accuracy_hard"]].iloc[1]
    return result


def _repeat(run, setting, n_seeds, n_jobs, seed):
    """Results of a run for many seeds."""
    seeds = np.random.RandomState(seed).randint(2**31 - 1, size=n_seeds)
    settings = [{"setting": setting, "seed": int(s)} for s in seeds]
    return common.run(run, settings, n_jobs)


def detection_table(n_seeds=30, n_jobs=None, seed=0):
    """Measured and recorded AUC of every score and setting."""
    lines = []
    for position, setting in enumerate(SETTINGS):
        runs = pd.DataFrame(_repeat(detection_run, setting, n_seeds, n_jobs, seed))
        recorded = {score: auc[position] for score, (_, auc) in AGGREGATIONS.items()}
        recorded["max |cos|, true hard rows"] = TRUE_HARD[position]
        for name, values in HARD_SET.items():
            recorded[f"hard set, {name}"] = values[position]
        for name in runs:
            line = _line(setting, name, runs[name], recorded.get(name))
            if name == "OverlapDetector()":  # a promise of the package, not a record
                line |= {"recorded": 0.98, "verdict": _at_least(line["measured"], 0.98)}
            lines.append(line)
    return pd.DataFrame(lines)


def sources_table(n_seeds=30, n_jobs=None, seed=0):
    """Measured and recorded densities, and the rank correlation with the truth."""
    lines = []
    for position, setting in enumerate(("d=10", "d=20")):
        runs = _repeat(sources_run, setting, n_seeds, n_jobs, seed)
        for score, (*recorded, sign) in SOURCES.items():
            found = np.array([run[score] for run in runs])
            for k, density in enumerate(DENSITIES):
                record = recorded[position][k] if recorded[position] else None
                name = f"{score}, true {density}"
                lines.append(_line(setting, name, found[:, k], record))
            rank = spearmanr(found.mean(axis=0), DENSITIES).statistic
            verdict = "reached" if rank * sign > 0.95 else "NOT REACHED"
            name = f"{score}, rank correlation"
            line = _line(setting, name, np.array([rank]), sign)
            lines.append(line | {"verdict": verdict})
        own = np.array([run["own"] for run in runs])
        for k, record in zip((3, 4), OWN_THRESHOLDS):
            name = f"mean |cos|, own thresholds, true {DENSITIES[k]}"
            line = _line(setting, name, own[:, k], None if position else record)
            lines.append(line)
    return pd.DataFrame(lines)


def mixing_table(n_seeds=30, n_jobs=None, seed=0):
    """Measured and recorded accuracies, and hard accuracies at either end."""
    lines = []
    for position, setting in enumerate(("d=10", "d=20")):
        runs = _repeat(mixing_run, setting, n_seeds, n_jobs, seed)
        for (detector, pool), recorded in MIXING.items():
            found = np.array([run[detector, pool] for run in runs])
            for share in (0, 1):
                record = recorded[position][share] if recorded[position] else None
                name = f"{pool}, {detector}, share {share}"
                lines.append(_line(setting, name, found[:, 0, share], record))
        hard = np.array([run["truth", "overlap vs easy"][1] for run in runs])
        line = _line(setting, "hard rows, truth, easy only", hard[:, 0], 0.50)
        lines.append(line)
        line = _line(setting, "hard rows, truth, overlap only", hard[:, 1], 0.70)
        lines.append(line | {"verdict": _at_least(line["measured"], 0.70 - TOLERANCE)})
    return pd.DataFrame(lines)


def _line(setting, name, values, recorded):
    values = np.asarray(values, dtype=float)
    measured = values.mean()
    verdict = ""
    if recorded is not None:
        reached = abs(measured - recorded) <= TOLERANCE + 1e-12
        verdict = "reached" if reached else "NOT REACHED"
    return {
        "setting": setting,
        "quantity": name,
        "measured": measured,
        "sd": values.std(ddof=1) if len(values) > 1 else np.nan,
        "recorded": np.nan if recorded is None else recorded,
        "verdict": verdict,
    }


def _at_least(measured, limit):
    return "reached" if measured >= limit else "NOT REACHED"


TABLES = {
    "detection": detection_table,
    "sources": sources_table,
    "mixing": mixing_table,
}


def main(argv=None):
    """Print the tables; return 1 if a recorded value is not reached."""
    names = {"nargs": "+", "choices": list(TABLES), "default": list(TABLES)}
    options = common.parse(COMMAND, __doc__, argv, seeds=30, tables=names)
    if options.seeds < 2:
        options.error("--seeds must be at least 2")
    failures = 0
    for name in options.tables:
        table = TABLES[name](options.seeds, options.n_jobs)
        failures += int((table["verdict"] == "NOT REACHED").sum())
        common.show(f"{name}, {options.seeds} seeds", table.set_index("setting"))
    print(f"\n{failures} not reached" if failures else "\nall reached")
    return int(failures > 0)
