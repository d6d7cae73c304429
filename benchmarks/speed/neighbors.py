"""Rows of the speed benchmark: neighbour graphs, and the scorers that need no detector.

The bare product is one of all pairs of rows, in blocks that are written into memory
that was touched before.
"""

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import NearestNeighbors

from benchmarks.speed.end_to_end import draw, extra_mib, precomputed, quiet, student
from benchmarks.speed.harness import Result, paired, register
from overlapkit.scorers import CutStatisticScorer, SelfConfidenceScorer
from overlapkit.scorers._neighbor_graph import nearest_neighbors

N_NEIGHBORS, BLOCK = 20, 2048


def bare_products(X):
    """All inner products, block by block."""
    other = X.copy()  # with its own transpose, NumPy computes half of the products
    out = np.zeros((BLOCK, len(X)), dtype=X.dtype)

    def products():
        for start in range(0, len(X), BLOCK):
            block = X[start : start + BLOCK]
            np.dot(block, other.T, out=out[: len(block)])

    return products


def _recall(found, X, rows):
    """Share of the true nearest rows that were found, of some rows."""
    wide = X.astype(np.float64)
    right = 0
    for i in rows:
        squares = ((wide - wide[i]) ** 2).sum(axis=1)
        squares[i] = np.inf
        right += np.isin(found[i], np.argsort(squares)[:N_NEIGHBORS]).sum()
    return right / (len(rows) * N_NEIGHBORS)


@register("neighbor-graph")
def neighbor_graph(settings):
    """The exact graph of selector="auto", beside scikit-learn's and faiss's."""
    n, d = (5_000 if settings.quick else 20_000), 384
    X, _, _ = draw(n, d)
    theirs = NearestNeighbors(n_neighbors=N_NEIGHBORS, algorithm="brute")
    baselines = {
        "bare sgemm": (bare_products(X), "at most", 1.5),
        "scikit-learn, brute force": (
            lambda: theirs.fit(X).kneighbors(),
            "at least",
            1,
        ),
    }
    try:
        import faiss
    except ImportError:
        faiss = None
    else:
        index = faiss.IndexFlatL2(d)
        index.add(X)
        search = (lambda: index.search(X, N_NEIGHBORS + 1), "at least", 1)
        baselines["faiss, IndexFlatL2"] = search
    times, ratios = paired(
        lambda: nearest_neighbors(X, N_NEIGHBORS),
        *(call for call, _, _ in baselines.values()),
        repeats=min(settings.repeats, 3),
    )
    found = nearest_neighbors(X, N_NEIGHBORS)[0]
    recall = _recall(found, X, range(0, n, n // 50))
    work = f"exact graph of {N_NEIGHBORS} neighbours, {n:,} x {d}"
    for (name, (_, sense, target)), theirs_s, ratio in zip(
        baselines.items(), times[1:], ratios
    ):
        yield Result(
            work,
            name,
            times[0],
            theirs_s,
            ratio if sense == "at most" else 1 / ratio,
            sense,
            target,
            recall > 0.999,
            note=f"{recall:.2%} of the nearest rows found",
        )
    if faiss is None:
        note = "faiss-cpu is not installed"
        yield Result(work, "faiss", None, None, None, "at least", 1, True, "x", note)


@register("scorers")
def scorers(settings):
    """Cut statistic and self-confidence, and memory where rows double."""
    n, d = (5_000 if settings.quick else 50_000), 384
    strong, proba, _ = draw(n, d)
    X = np.concatenate([strong, proba], axis=1)
    labels, repeats = proba.argmax(axis=1), 1 if n > 10_000 else settings.repeats
    folds = StratifiedKFold(5, shuffle=True, random_state=0)

    def fits():
        for train, test in folds.split(strong, labels):
            model = student().fit(strong[train], labels[train])
            model.predict_proba(strong[test])
        student().fit(strong, labels)

    for scorer, name, parts, target in (
        (
            CutStatisticScorer(**precomputed(d)),
            "bare sgemms",
            bare_products(strong),
            1.5,
        ),
        (
            SelfConfidenceScorer(**precomputed(d)),
            "the six fits of its probe",
            fits,
            1.1,
        ),
    ):
        with quiet():
            (ours_s, parts_s), (ratio,) = paired(
                lambda: scorer.fit(X),  # noqa: B023
                parts,
                repeats=repeats,
                shortest=0,
            )
            some = n // 10
            extra = [
                extra_mib(lambda: clone(scorer).fit(X[:size]))  # noqa: B023
                for size in (some, 2 * some)
            ]
        work = f"{type(scorer).__name__}.fit, {n:,} x {d}"
        yield Result(work, name, ours_s, parts_s, ratio, "at most", target)
        yield Result(
            f"extra memory of {type(scorer).__name__}.fit, from {some:,} to "
            f"{2 * some:,} rows",
            f"{extra[0]:.0f} MiB",
            None,
            None,
            extra[1] / extra[0],
            "at most",
            2.1,
        )
