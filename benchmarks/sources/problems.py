"""Constructions of data sources whose overlap densities are known."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.frozen import FrozenEstimator

from overlapkit import OverlapDetector
from overlapkit.datasets import (
    load_mushroom,
    load_spambase,
    make_overlap_classification,
    make_overlap_sources,
)

N_ROUNDS = 25
CHANGE_POINT = {}
# 57 % overlap: a third of the rows is hard, 85 % of the others are overlap
MOSTLY_OVERLAP = {
    "hard_threshold": ("quantile", 0.33),
    "overlap_threshold": ("quantile", 0.15),
}


@dataclass
class Problem:
    """Sources with their truth, the reference rows and the test rows.

    The columns are: strong, weak, and one that holds the true region (1 overlap, 0 not)
    and is in neither view.
    """

    X: np.ndarray
    y: np.ndarray
    sources: np.ndarray
    reference: tuple
    test: tuple
    n_strong: int
    detector: dict = field(default_factory=dict)
    shuffle: bool = True
    n_rounds: int = N_ROUNDS

    @property
    def views(self):
        n = self.X.shape[1] - 1
        return {
            "strong_columns": slice(0, self.n_strong),
            "weak_columns": slice(self.n_strong, n),
        }

    @property
    def densities(self):
        truth = self.X[:, -1]
        return np.bincount(self.sources, truth) / np.bincount(self.sources)

    @property
    def batch_size(self):
        return max(1, int(np.bincount(self.sources).min() / self.n_rounds))

    def part(self, rows, sources, **changes):
        values = {"detector": self.detector, **changes}
        return Problem(
            self.X[rows],
            self.y[rows],
            np.asarray(sources),
            self.reference,
            self.test,
            self.n_strong,
            **values,
        )


def halves(folder, name, seed, detector):
    """Teacher's half as reference, the other half as pool with its regions.

    The teacher is logistic regression on the weak columns with the true labels of its
    half. The true regions are those that a detector fitted on the pool itself, with
    that teacher, gives the pool.
    """
    data = np.load(Path(folder) / name / f"{name}.npz")
    strong, weak = (data[f"X_{v}"].astype(np.float32) for v in ("strong", "weak"))
    X = np.hstack([strong, weak, np.zeros((len(strong), 1), dtype=np.float32)])
    y = data["y"].astype(int)
    train, test = data["train_idx"], data["test_idx"]
    order = np.random.RandomState(seed).permutation(train)
    teacher, pool = order[: len(order) // 2], order[len(order) // 2 :]
    problem = Problem(
        X[pool],
        y[pool],
        np.zeros(len(pool), dtype=int),
        (X[teacher], y[teacher]),
        (X[test], y[test]),
        strong.shape[1],
        detector,
    )
    problem.X[:, -1] = region_of(problem)
    site = data["source"][pool] if "source" in data.files else None
    return problem, site


def region_of(problem):
    """1 for the overlap rows of a pool, by a detector fitted on that pool."""
    params = {**problem.detector, **problem.views, "random_state": 0}
    teacher = OverlapDetector(**params).fit(*problem.reference).weak_estimator_
    detector = OverlapDetector(FrozenEstimator(teacher), **params).fit(problem.X)
    return detector.labels_ == 1


def by_density(problem, densities, rng):
    """Sources of equal size and given densities, as large as the pool allows."""
    densities = np.asarray(densities)
    overlap = rng.permutation(np.flatnonzero(problem.X[:, -1] == 1))
    other = rng.permutation(np.flatnonzero(problem.X[:, -1] == 0))
    size = int(min(len(overlap) / densities.sum(), len(other) / (1 - densities).sum()))
    counts = np.floor(densities * size).astype(int)
    return _deal(overlap, counts, other, size - counts)


def by_rebalanced(problem, densities, rng):
    """The paper's: a source of density p gets x overlap rows, (1 - p) / p x others."""
    densities = np.asarray(densities)
    overlap = rng.permutation(np.flatnonzero(problem.X[:, -1] == 1))
    other = rng.permutation(np.flatnonzero(problem.X[:, -1] == 0))
    odds = (1 - densities) / densities
    x = int(min(len(overlap) / len(densities), len(other) / odds.sum()))
    return _deal(
        overlap, np.full(len(densities), x), other, np.round(x * odds).astype(int)
    )


def by_shares(problem, shares, rng):
    """The paper's: `shares` of the overlap rows, equal shares of the others."""
    overlap = rng.permutation(np.flatnonzero(problem.X[:, -1] == 1))
    other = rng.permutation(np.flatnonzero(problem.X[:, -1] == 0))
    counts = np.floor(np.asarray(shares) * len(overlap)).astype(int)
    rest = np.full(len(shares), len(other) // len(shares))
    return _deal(overlap, counts, other, rest)


def _deal(overlap, n_overlap, other, n_other):
    n_overlap = np.minimum(n_overlap, len(overlap))
    rows = [overlap[: n_overlap.sum()], other[: n_other.sum()]]
    k = np.arange(len(n_overlap))
    sources = [np.repeat(k, n_overlap), np.repeat(k, n_other)[: len(rows[1])]]
    return np.concatenate(rows), np.concatenate(sources)


def amazon(folder, seed, build, values, detector=CHANGE_POINT):
    problem, _ = halves(folder, "amazon_polarity", seed, detector)
    rows, sources = build(problem, values, np.random.RandomState(seed))
    return problem.part(rows, sources)


def clusters(folder, seed, name="amazon_polarity"):
    """Clusters of the strong view as sources; small ones join the largest."""
    problem, _ = halves(folder, name, seed, CHANGE_POINT)
    strong = problem.X[:, : problem.n_strong]
    sources = KMeans(5, n_init=3, random_state=seed).fit_predict(strong)
    counts = np.bincount(sources)
    sources[np.isin(sources, np.flatnonzero(counts < 150))] = counts.argmax()
    _, sources = np.unique(sources, return_inverse=True)
    return problem.part(np.arange(len(sources)), sources)


def sites(folder, seed):
    """The three sites of uci_sentiment."""
    problem, site = halves(folder, "uci_sentiment", seed, CHANGE_POINT)
    _, sources = np.unique(site, return_inverse=True)
    return problem.part(np.arange(len(sources)), sources)


def purity(folder, seed):
    """Equal densities; in 0 to 40 % of a source's rows the weak view misleads."""
    problem = amazon(folder, seed, by_density, [0.5] * 5)
    rng = np.random.RandomState(seed)
    weak = problem.views["weak_columns"]
    for k in range(5):
        mine = np.flatnonzero(problem.sources == k)
        wrong = rng.permutation(mine)[: round(0.1 * k * len(mine))]
        for label in (0, 1):
            here = wrong[problem.y[wrong] == label]
            donors = rng.choice(np.flatnonzero(problem.y != label), len(here))
            problem.X[here, weak] = problem.X[donors, weak]
    return problem


def drift(folder, seed):
    """Two sources of density .5 stay so; one falls from .9 to .1 in its order."""
    problem = amazon(folder, seed, by_density, [0.5, 0.5, 0.5])
    rng = np.random.RandomState(seed)
    mine = np.flatnonzero(problem.sources == 2)
    truth = problem.X[mine, -1]
    key = np.where(truth == 1, rng.beta(1, 1.5, len(mine)), rng.beta(1.5, 1, len(mine)))
    order = np.arange(len(problem.y))
    order[mine] = mine[np.argsort(key)]
    for k in (0, 1):
        rows = np.flatnonzero(problem.sources == k)
        order[rows] = rng.permutation(rows)
    return problem.part(order, problem.sources[order], shuffle=False)


def adversary(folder, seed, kind):
    """Three sources of density .5 and one that only looks full of overlap."""
    problem = amazon(folder, seed, by_density, [0.5, 0.5, 0.5, 0.5])
    rng = np.random.RandomState(seed)
    mine = np.flatnonzero(problem.sources == 3)
    if kind == "duplicates":  # one overlap row over and over: no more than one row
        row = rng.choice(mine[problem.X[mine, -1] == 1])
        problem.X[mine], problem.y[mine] = problem.X[row], problem.y[row]
        problem.X[mine, -1] = 0
    else:  # hard rows under the weak view of confident ones: wrong labels, no overlap
        params = {**problem.views, "random_state": 0}
        detector = OverlapDetector(**params).fit(*problem.reference)
        hard = np.flatnonzero(detector.predict(problem.X) == 2)
        sure = np.flatnonzero(problem.X[:, -1] == 1)
        weak = problem.views["weak_columns"]
        bodies, masks = rng.choice(hard, len(mine)), rng.choice(sure, len(mine))
        rows = problem.X[bodies].copy()
        rows[:, weak] = problem.X[masks][:, weak]
        rows[:, -1] = 0
        problem.X[mine], problem.y[mine] = rows, problem.y[bodies]
    return problem


def shipped(seed, name):
    """A set that comes with the package, split by a column of its own.

    mushroom by habitat, which is no feature then; the weak view is cap and gills.
    spambase by terciles of the total length of capital runs; the weak view is the first
    six words. Habitats with under 150 rows in the pool are left out.
    """
    data = {"mushroom": load_mushroom, "spambase": load_spambase}[name]()
    names = np.array(data.feature_names)
    if name == "mushroom":
        site = data.data[:, names == "habitat"].ravel()
        names, codes = names[names != "habitat"], data.data[:, names != "habitat"]
        seen = np.repeat(names, codes.max(axis=0) + 1)
        strong = np.hstack([np.eye(c.max() + 1, dtype=np.float32)[c] for c in codes.T])
        weak = strong[:, [n.startswith(("cap", "gill")) for n in seen]]
    else:
        total = data.data[:, names == "capital_run_length_total"].ravel()
        site = np.digitize(total, np.quantile(total, [1 / 3, 2 / 3]))
        strong = np.log1p(data.data).astype(np.float32)
        strong = (strong - strong.mean(axis=0)) / strong.std(axis=0)
        weak = strong[:, :6]
    X = np.hstack([strong, weak, np.zeros((len(strong), 1), dtype=np.float32)])
    order = np.random.RandomState(seed).permutation(len(X))
    teacher, pool, test = np.array_split(order, 3)
    pool = pool[np.isin(site[pool], np.flatnonzero(np.bincount(site[pool]) >= 150))]
    y = np.asarray(data.target).astype(int)
    problem = Problem(
        X[pool],
        y[pool],
        np.unique(site[pool], return_inverse=True)[1],
        (X[teacher], y[teacher]),
        (X[test], y[test]),
        strong.shape[1],
    )
    problem.X[:, -1] = region_of(problem)
    return problem


def generated(seed):
    """make_overlap_sources: the only truth that no detector had a hand in."""
    pool = make_overlap_sources(n_rows=500, random_state=seed)
    rows = [
        make_overlap_classification(
            n_easy=300, n_hard=300, n_overlap=300, theta=pool.theta, random_state=s
        )
        for s in (seed + 1000, seed + 2000)
    ]

    def columns(X, truth):
        easy, everything = X[:, pool.easy_columns], X
        return np.column_stack([everything, easy, truth])

    reference, test = ((columns(d.X, d.region == 1), d.y) for d in rows)
    return Problem(
        columns(pool.X, pool.region == 1), pool.y, pool.sources, reference, test, 40
    )


# those that need no folder of data
SELF_CONTAINED = ("mushroom", "spambase", "generated")
SHARES = "amazon, K=2 shares .1/.9, 57 % overlap"
FIVE = "amazon, K=5 densities .1 to .9"
CLUSTERS = "amazon, clusters of the strong view"
FIVE_DENSITIES = [0.1, 0.3, 0.5, 0.7, 0.9]
TWO = [0.1, 0.9]
# name: function of (folder, seed)
PROBLEMS = {
    SHARES: lambda f, s: amazon(f, s, by_shares, TWO, MOSTLY_OVERLAP),
    FIVE: lambda f, s: amazon(f, s, by_density, FIVE_DENSITIES),
    "amazon, K=2 rebalanced .1/.9": lambda f, s: amazon(f, s, by_rebalanced, TWO),
    "amazon, K=2 shares .1/.9, max, 17 % overlap": lambda f, s: amazon(
        f, s, by_shares, TWO, {"aggregation": "max"}
    ),
    CLUSTERS: clusters,
    "sms, clusters of the strong view": lambda f, s: clusters(f, s, "sms"),
    "uci_sentiment, three sites": sites,
    "mushroom, habitats": lambda f, s: shipped(s, "mushroom"),
    "spambase, terciles of capitals": lambda f, s: shipped(s, "spambase"),
    "amazon, misleading weak view in 0 to 40 %": purity,
    "amazon, one of three sources drifts": drift,
    "amazon, adversary: duplicates": lambda f, s: adversary(f, s, "duplicates"),
    "amazon, adversary: mimics": lambda f, s: adversary(f, s, "mimics"),
    "generated, K=5 densities .1 to .9": lambda f, s: generated(s),
}
