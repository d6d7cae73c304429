"""Rows of the speed benchmark: whole calls against the parts one cannot do without.

Drawn rows: noise, and a shift of the rows that carry the hard pattern, so that every
threshold has something to find. Half of the rows are hard.
"""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize
from threadpoolctl import threadpool_limits

from benchmarks.common import DATA, ROOT
from benchmarks.speed.harness import (
    Result,
    paired,
    quiet,
    register,
    seconds,
    timed_inside,
)
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.model_selection import overlap_curve, weak_to_strong_report
from overlapkit.scorers import reference_similarity
from overlapkit.scorers._neighbor_graph import nearest_neighbors

WEAK = 16  # columns of the weak model
LABELS = 100  # that are known
SEEDS = 10  # of a curve and a report


def draw(n, d, seed=0):
    """Strong rows, class probabilities of a weak model, classes, and who is hard."""
    rng = np.random.default_rng(seed)
    region = rng.choice(3, n, p=[0.25, 0.25, 0.5])  # easy, overlap, hard
    y = rng.integers(2, size=n)
    strong = rng.standard_normal((n, d), dtype=np.float32)
    side = (2 * y - 1).astype(np.float32)
    strong[:, 0] += np.where(region < 2, 2 * side, 0)
    strong[:, 1] += np.where(region > 0, 2 * side, 0)
    strong[:, 2 : d // 2] += (0.5 * (region > 0)[:, None]).astype(np.float32)
    confidence = np.where(region == 2, rng.uniform(0, 0.3, n), rng.uniform(0.7, 1, n))
    right = rng.random(n) < np.where(region == 2, 0.55, 0.85)
    proba = 0.5 + 0.5 * confidence * np.where(right, side, -side)
    return strong, np.column_stack([1 - proba, proba]).astype(np.float32), y


def precomputed(d, **kwargs):
    """Parameters of an estimator that is given probabilities in the last columns."""
    return dict(
        weak_estimator="precomputed",
        strong_columns=slice(0, d),
        weak_columns=slice(d, d + 2),
        **kwargs,
    )


def bare_product(left, right):
    """A product of all pairs of rows into memory that was touched before."""
    out = np.zeros((len(left), len(right)), dtype=left.dtype)
    return lambda: np.dot(left, right.T, out=out)


def extra_mib(function):
    """Peak of what a call allocates."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


@register("detector")
def detector(settings):
    """OverlapDetector.fit against one bare product of other rows and hard rows.

    Where columns have no negative values, the mean needs no products.
    """
    n = 10_000 if settings.quick else 40_000
    for d, name, values in (
        (384, "mean", "any"),
        (384, "max", "any"),
        (32, "mean", "any"),
        (32, "max", "any"),
        (384, "mean", "no negative"),
    ):
        strong, proba, _ = draw(n, d)
        if values != "any":
            strong = np.maximum(strong, 0)
        X = np.concatenate([strong, proba], axis=1)
        del strong
        found = OverlapDetector(**precomputed(d, aggregation=name))
        with quiet():
            hard = found.fit(X).labels_ == 2
            rows, reference = X[~hard, :d].copy(), X[hard, :d].copy()
            (ours_s, bare_s), (ratio,) = paired(
                lambda: found.fit(X),  # noqa: B023
                bare_product(rows, reference),
                repeats=settings.repeats,
                shortest=0.01 if settings.quick else 0.5,
            )
            extra = extra_mib(lambda: found.fit(X))  # noqa: B023
        some = np.random.default_rng(0).choice(n, 50, replace=False)
        expected = _cosines(X[some, :d], reference)
        expected = getattr(expected, name)(axis=1)
        agrees = np.allclose(found.overlap_scores_[some], expected, atol=1e-5)
        work = f"OverlapDetector.fit, {n:,} x {d}, {name}"
        if values != "any":
            work += f", {values} values"
        yield Result(
            work,
            f"bare sgemm, {len(rows):,} x {len(reference):,}",
            ours_s,
            bare_s,
            ratio,
            "at most",
            1.15 if values == "any" else 0.5,
            agrees,
        )
        yield Result(
            f"extra memory, {work}", "-", None, None, extra, "at most", 64, unit="MiB"
        )


@register("growth")
def growth(settings):
    """Exponent of the time of a fit in the number of rows, all hard rows compared."""
    sizes = (5_000, 10_000) if settings.quick else (10_000, 20_000, 40_000)
    for aggregation in ("mean", "max"):
        found, times = OverlapDetector(**precomputed(64, aggregation=aggregation)), []
        for n in sizes:
            strong, proba, _ = draw(n, 64)
            X = np.concatenate([strong, proba], axis=1)
            with quiet():
                call = (lambda X=X: found.fit(X),)  # noqa: B023
                medians, _ = paired(*call, repeats=settings.repeats)
            times += medians
        slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
        yield Result(
            f"exponent of OverlapDetector.fit in the rows, {aggregation}, "
            f"{sizes[0]:,} to {sizes[-1]:,} x 64",
            "-",
            times[-1],
            None,
            float(slope),
            "at most",
            2.1,
            unit="",
        )


@register("real-sets")
def real_sets(settings):
    """Mean without products, and pruning for the maximum, on the sets that are there.

    The mean of magnitudes needs the mean reference row only where all products of a row
    have one sign. For the maximum, a bound from the first quarter of the principal
    components and the norms of the rest leaves some pairs to be computed; a scalar
    product costs about ten times its share of a matrix product, so that it would pay
    below a twentieth. A bound from the centroid and the radius of each of 256 clusters
    leaves whole blocks of pairs, which cost their share. Neither is part of the
    package; the shares are printed.
    """
    folder = Path(os.environ.get(DATA, ROOT.parent / "shared" / "data"))
    names = ("spambase", "mushroom", "yelp", "sms", "agnews", "imdb")
    names = names[:: 3 if settings.quick else 1]
    for name in names:
        path, work = folder / name / f"{name}.npz", f"mean abs cosine, {name}"
        if not path.exists():
            note = f"no data: {DATA} names no folder with {name}"
            yield Result(
                work, "bare sgemm", None, None, None, "at most", 1.15, note=note
            )
            continue
        with np.load(path) as data:
            X = data["X_strong"].astype(np.float32)
        rows, reference = X[::2].copy(), X[1::2].copy()
        (ours_s, bare_s), (ratio,) = paired(
            lambda: reference_similarity(rows, reference),  # noqa: B023
            bare_product(rows, reference),
            repeats=settings.repeats,
        )
        left = _pairs_left(rows[:1000], reference)
        near = _pairs_left_by_clusters(rows[:1000], reference)
        yield Result(
            f"{work}, {len(rows):,} x {len(reference):,}, d = {X.shape[1]}; "
            f"pairs left by pruning for max: {left:.0%}, by clusters {near:.0%}",
            "bare sgemm",
            ours_s,
            bare_s,
            ratio,
            "at most",
            1.15,
        )


def _pairs_left(rows, reference):
    """Share of pairs whose bound is not below the largest magnitude of the row."""
    unit = [
        part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12)
        for part in (rows.astype(np.float64), reference.astype(np.float64))
    ]
    products = np.abs(unit[0] @ unit[1].T)
    _, axes = np.linalg.eigh(unit[1].T @ unit[1])
    axes = axes[:, -max(1, rows.shape[1] // 4) :]
    short = [part @ axes for part in unit]
    rest = [np.sqrt(np.maximum(1 - (part**2).sum(axis=1), 0)) for part in short]
    bounds = np.abs(short[0] @ short[1].T) + np.outer(*rest)
    return float((bounds >= products.max(axis=1, keepdims=True)).mean())


def _pairs_left_by_clusters(rows, reference, n_clusters=256):
    """Share of pairs whose cluster has a bound not below the largest magnitude."""
    rows, reference = normalize(rows), normalize(reference)
    best = np.abs(rows @ reference.T).max(axis=1, keepdims=True)
    clusters = MiniBatchKMeans(n_clusters, n_init=1, random_state=0).fit(reference)
    own, centroids = clusters.predict(reference), clusters.cluster_centers_
    radii = np.zeros(n_clusters, dtype=rows.dtype)
    np.maximum.at(radii, own, np.linalg.norm(reference - centroids[own], axis=1))
    bounds = np.abs(rows @ centroids.T) + radii
    sizes = np.bincount(own, minlength=n_clusters) / len(reference)
    return float(((bounds >= best) @ sizes).mean())


def _cosines(rows, reference):
    """Magnitudes of cosines, in float64."""
    rows, reference = rows.astype(np.float64), reference.astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    reference /= np.linalg.norm(reference, axis=1, keepdims=True)
    return np.abs(rows @ reference.T)


def student():
    """The linear student of the studies."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01))


@register("classifier")
def classifier(settings):
    """WeakToStrongClassifier with a detector against its parts, called by hand.

    Who calls them by hand copies the chosen rows for the student, too.
    """
    n, d = (10_000 if settings.quick else 40_000), 384
    strong, _, y = draw(n, d)
    model = WeakToStrongClassifier(
        student(), weak_columns=slice(0, WEAK), selector=OverlapDetector()
    ).set_params(random_state=0)
    with quiet():
        model.fit(strong, y)
    hard = model.selector_.labels_ == 2
    rows, reference = strong[~hard], strong[hard]
    product = bare_product(rows, reference)
    kept, labels = model.selected_, model.weak_labels_[model.selected_]
    weak = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(5, shuffle=True, random_state=0)

    def parts():
        X_weak = strong[:, :WEAK]
        weak.fit(X_weak, y)
        cross_val_predict(weak, X_weak, y, cv=folds, method="predict_proba")
        product()
        return student().fit(strong[kept], labels)

    with quiet():
        (ours_s, parts_s), (ratio,) = paired(
            lambda: model.fit(strong, y), parts, repeats=settings.repeats
        )
    agrees = np.array_equal(model.estimator_.predict(strong), parts().predict(strong))
    yield Result(
        f"WeakToStrongClassifier.fit with OverlapDetector, {n:,} x {d}",
        "weak model, bare sgemm, chosen rows, student",
        ours_s,
        parts_s,
        ratio,
        "at most",
        1.1,
        agrees,
    )


@register("auto")
def auto(settings):
    """selector="auto" against the fits of its student and one neighbour graph."""
    n, d = (4_000 if settings.quick else 20_000), 384
    strong, proba, y = draw(n, d)
    X = np.concatenate([strong, proba], axis=1)
    labels = y.copy()
    labels[np.random.default_rng(0).permutation(n)[LABELS:]] = -1
    base, spent = timed_inside(LogisticRegression, "fit")
    model = WeakToStrongClassifier(
        base(C=0.01),
        **precomputed(d, missing_label=-1, random_state=0),
        selector="auto",
    )
    with quiet():
        model.fit(X[:500], labels[:500] if (labels[:500] >= 0).any() else y[:500])
        rounds = []
        for _ in range(min(settings.repeats, 3)):  # half a minute each
            spent.clear()
            ours_s, _ = seconds(lambda: model.fit(X, labels))
            graph_s, _ = seconds(lambda: nearest_neighbors(strong, 20))
            parts_s = sum(spent) + graph_s
            rounds.append((ours_s / parts_s, ours_s, parts_s))
    ratio, ours_s, parts_s = sorted(rounds)[len(rounds) // 2]
    yield Result(
        f'selector="auto", {LABELS} labels, {n:,} x {d}',
        f"{len(spent)} student fits, one neighbour graph",
        ours_s,
        parts_s,
        ratio,
        "at most",
        1.3,
    )


@register("processes")
def processes(settings):
    """A mixing curve and a report of ten seeds in one process, and in two.

    BLAS and the kernels have one thread in all of them, so that a second process is the
    only use of a second core. Its start, two seconds of imports, is not timed: joblib
    keeps the processes for the next call. Bare fits of students beside them show what a
    second process gives on this machine where nothing is shared and nothing is sent.
    """
    n, d = (1_000, 64) if settings.quick else (6_000, 384)
    X, _, y = draw(n, d)
    weak = slice(0, WEAK)
    model = WeakToStrongClassifier(
        student(), weak_columns=weak, selector=OverlapDetector()
    )
    calls = {
        "mixing curve": lambda n_jobs: overlap_curve(
            student(),
            OverlapDetector(weak_columns=weak),
            X,
            y,
            n_repeats=SEEDS,
            n_jobs=n_jobs,
            random_state=0,
        ),
        "report": lambda n_jobs: (
            weak_to_strong_report(
                model, X, y, n_repeats=SEEDS, n_jobs=n_jobs, random_state=0
            ).runs
        ),
        "bare fits": lambda n_jobs: pd.DataFrame(
            Parallel(n_jobs)(delayed(_students)(seed, n, d) for seed in range(SEEDS))
        ),
    }
    for name, call in calls.items():
        with quiet(), threadpool_limits(1):
            agrees = call(2).equals(call(1))  # and starts the processes
            (one_s, two_s), (ratio,) = paired(
                lambda: call(1),  # noqa: B023
                lambda: call(2),  # noqa: B023
                repeats=min(settings.repeats, 3),
                shortest=0,
            )
        yield Result(
            f"{name}, {SEEDS} seeds, {n:,} x {d}, two processes",
            "one process",
            two_s,
            one_s,
            ratio,
            "at least",
            1.8,
            agrees,
        )


def _students(seed, n, d):
    """Fits of students on rows that this process has drawn itself."""
    X, _, y = draw(n, d, seed)
    with threadpool_limits(1):
        scores = [student().fit(X, y).score(X, y) for _ in range(10)]
    return {"seed": seed, "score": np.mean(scores)}
