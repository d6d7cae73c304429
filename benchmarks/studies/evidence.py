"""How good the default detector and its tests are where the truth is known.

``python -m benchmarks evidence`` prints, and writes to CSV:

1. false alarms of the dip test at 5 % on samples of one group, and its power on the
   paper's Gaussian setting (500 easy, 500 hard, 500 overlap rows);
2. the quality of detection there: d easy and d hard features, easy features times a
   saliency; AUC of overlap against easy rows among detected non-hard ones, precision
   and recall of the hard and of the overlap rows, detected overlap density (truth:
   .333);
3. densities of five sources (truth: .1 .3 .5 .7 .9) under pooled thresholds, and their
   rank correlation with the truth.
"""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from benchmarks import common
from benchmarks.studies import worlds
from overlapkit import OverlapDetector
from overlapkit.datasets import make_overlap_classification
from overlapkit.diagnostics import dip_test

SUMMARY = "the test for two groups, and the detector, where the truth is known"
LEVEL = 0.05
N = 1000
DRAWS = {
    "uniform": lambda rng: rng.uniform(size=N),
    "normal": lambda rng: rng.normal(size=N),
    "Beta(2, 5)": lambda rng: rng.beta(2, 5, size=N),
    "Beta(5, 1)": lambda rng: rng.beta(5, 1, size=N),
    "exponential": lambda rng: rng.exponential(size=N),
    "normal around 1, clipped": lambda rng: np.clip(rng.normal(1, 0.3, N), 0, 1),
}
MODELS = {
    "logistic regression": LogisticRegression(),
    "naive Bayes": GaussianNB(),
    "15 neighbours": KNeighborsClassifier(15),
    "tree, 20 rows a leaf": DecisionTreeClassifier(min_samples_leaf=20, random_state=0),
}
SETTINGS = ((10, 1), (20, 1), (10, 3), (20, 3))
DETECTORS = {
    "default": {},
    "purify": {"refine_hard": 0.05},
    "paper": {"aggregation": "max"},
    "paper, purify": {"aggregation": "max", "refine_hard": 0.05},
}
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)


def _one_group(rng):
    """Rows of one Gaussian per class, all features alike: no row is hard by kind."""
    y = rng.uniform(size=N) < rng.uniform(0.2, 0.8)
    shift = rng.uniform(size=10) * rng.uniform(0, 1)
    return rng.normal(size=(N, 10)) + np.where(y, 1, -1)[:, None] * shift, y


def alarm(kind, seed):
    """Whether the test finds two groups in a sample of one."""
    rng = np.random.default_rng(seed)
    if kind in DRAWS:
        values = DRAWS[kind](rng)
    else:
        X, y = _one_group(rng)
        proba = cross_val_predict(MODELS[kind], X, y, cv=5, method="predict_proba")
        values = np.abs(proba[:, 1] - proba[:, 0])
    return [{"sample": kind, "two groups": dip_test(values).pvalue <= LEVEL}]


def alarm_of_detector(seed):
    """The same for both splits of a detector on rows of one group."""
    X, y = _one_group(np.random.default_rng(seed))
    detector = OverlapDetector(weak_columns=slice(0, 5), random_state=0).fit(X, y)
    return [
        {
            "sample": f"detector, one group: {name}",
            "two groups": getattr(detector, f"{name}_pvalue_") <= LEVEL,
        }
        for name in ("confidence", "overlap")
    ]


def quality(d, saliency, seed):
    """Detection in the paper's setting, a row a detector."""
    data = make_overlap_classification(
        n_easy=500,
        n_hard=500,
        n_overlap=500,
        n_easy_features=d,
        n_hard_features=d,
        saliency=saliency,
        random_state=seed,
    )
    rows = []
    for name, params in DETECTORS.items():
        detector = OverlapDetector(
            weak_columns=data.easy_columns, random_state=seed, **params
        ).fit(data.X, data.y)
        found = worlds.detection(detector, data.region)
        rows.append({"d": d, "saliency": saliency, "detector": name, **found})
    return rows


def sources(d, seed):
    """Detected densities of five sources, a row a detector."""
    rng = np.random.RandomState(seed)
    theta = rng.uniform(size=2 * d)
    parts = []
    for share in SHARES:
        rest = round(300 * (1 - share) / 2)
        parts.append(
            make_overlap_classification(
                n_easy=rest,
                n_hard=rest,
                n_overlap=300 - 2 * rest,
                n_easy_features=d,
                n_hard_features=d,
                theta=theta,
                random_state=rng,
            )
        )
    X, y = np.concatenate([p.X for p in parts]), np.concatenate([p.y for p in parts])
    rows = []
    for name, params in DETECTORS.items():
        detector = OverlapDetector(weak_columns=slice(0, d), random_state=0, **params)
        densities = detector.fit(X, y).support_.reshape(len(SHARES), -1).mean(axis=1)
        rho = spearmanr(densities, SHARES).statistic
        columns = {f"source {s:g}": v for s, v in zip(SHARES, densities)}
        rows.append({"d": d, "detector": name, **columns, "rank correlation": rho})
    return rows


def main(argv=None):
    """Run all three parts; write evidence_*.csv; returns 0."""
    options = common.parse("evidence", __doc__, argv, seeds=20, out="studies")
    repeats = 20 if options.quick else 1000
    kinds = [*DRAWS, *MODELS]
    alarms = common.run_rows(
        alarm,
        [{"kind": kind, "seed": seed} for kind in kinds for seed in range(repeats)],
        options.n_jobs,
    )
    of_detector = common.run_rows(
        alarm_of_detector, [{"seed": s} for s in range(repeats // 5)], options.n_jobs
    )
    runs = common.run_rows(
        quality,
        [
            {"d": d, "saliency": saliency, "seed": seed}
            for d, saliency in SETTINGS
            for seed in range(options.seeds)
        ],
        options.n_jobs,
    )
    default = runs[runs["detector"] == "default"]
    power = pd.DataFrame(
        {
            "sample": f"paper, d = {row.d}, easy x {row.saliency}: {name}",
            "two groups": getattr(row, column) <= LEVEL,
        }
        for row in default.rename(columns=lambda c: c.replace(" ", "_")).itertuples()
        for name, column in (("confidence", "p_confidence"), ("overlap", "p_overlap"))
    )
    alarms = pd.concat([alarms, of_detector, power])
    rates = alarms.groupby("sample", sort=False)["two groups"].agg(["mean", "size"])
    common.write(rates.reset_index(), options, "evidence_test")
    common.show("share of samples in which the dip test finds two groups", rates)

    common.write(runs, options, "evidence_quality")
    columns = ["auc", "hard precision", "hard recall"]
    columns += ["overlap precision", "overlap recall", "density"]
    groups = runs.groupby(["d", "saliency", "detector"], sort=False)
    table = groups[columns].mean()
    table["lowest auc"] = groups["auc"].min()
    common.show("detection in the paper's setting", table)

    ranking = common.run_rows(
        sources,
        [{"d": d, "seed": seed} for d in (10, 20) for seed in range(options.seeds)],
        options.n_jobs,
    )
    common.write(ranking, options, "evidence_sources")
    groups = ranking.groupby(["d", "detector"], sort=False)
    table = groups.mean()
    table["lowest rank correlation"] = groups["rank correlation"].min()
    common.show("detected overlap density of five sources", table)
    return 0
