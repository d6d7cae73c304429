"""Rows of the speed benchmark: a round of source selection reads its own batch only.

The baseline scores the whole history against the hard rows in every round, as one
does who calls the detector on what was collected so far. Both ask the same policy.
"""

import warnings
from unittest.mock import patch

import numpy as np

from overlapkit import OverlapDetector, UCBSourceSelector
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.scorers._similarity import PreparedReference

from ._speed_harness import Result, register, seconds

ROUNDS, DIM = 50, 384
DENSITIES = (0.1, 0.2, 0.3, 0.4, 0.5)


def _draw(rng, density, n):
    """Rows of a source, with two columns of probabilities: a fifth of them is hard."""
    region = rng.choice(3, n, p=[0.8 - density, density, 0.2])
    strong = rng.standard_normal((n, DIM), dtype=np.float32)
    strong[region > 0] += 1.5 * np.sin(np.arange(DIM, dtype=np.float32))
    confidence = np.where(region == 2, rng.uniform(0, 0.3, n), rng.uniform(0.7, 1, n))
    side = rng.choice([-1, 1], n)
    proba = 0.5 + 0.5 * np.column_stack([side, -side]) * confidence[:, None]
    return np.column_stack([strong, proba.astype(np.float32)])


def _play(reference, batches, *, reread):
    """Seconds, rows times hard rows compared, and the sources that were asked."""
    selector = UCBSourceSelector(
        detector=OverlapDetector(
            weak_estimator="precomputed",
            strong_columns=slice(0, DIM),
            weak_columns=slice(DIM, DIM + 2),
        ),
        reference=(reference, None),
        source_names=list(range(len(DENSITIES))),
        n_rounds=ROUNDS + 1,  # the student is trained after the last one: never
        train_every=None,
        random_state=0,
    )
    products, asked, spent = 0, [], 0.0
    score = PreparedReference.score

    def counted(reference, X, **options):
        nonlocal products
        products += len(X) * reference.n_rows
        return score(reference, X, **options)

    with patch.object(PreparedReference, "score", counted):
        for t in range(ROUNDS):
            source = 0 if t == 0 else selector.next_source_
            batch = batches[source][t]
            if t == 1:  # the first call also fits the detector, in both
                products = 0
            if reread and t:
                collected = selector.collected_
                elapsed, regions = seconds(
                    lambda: selector.detector_.predict(collected.X)  # noqa: B023
                )
                assert ((regions == 1) == collected.overlap).all()
                spent += elapsed
            elapsed, _ = seconds(
                lambda: selector.partial_fit(batch, sources=source)  # noqa: B023
            )
            spent += elapsed if t else 0.0
            asked.append(selector.next_source_)
    return spent, products, asked


@register("sources")
def sources(settings):
    """Time and similarities of rounds 2 to 50, with the same decisions."""
    n_batch, n_reference = (200, 20_000) if settings.quick else (500, 20_000)
    rng = np.random.default_rng(0)
    batches = [
        [_draw(rng, density, n_batch) for _ in range(ROUNDS)] for density in DENSITIES
    ]
    reference = _draw(rng, 0.3, n_reference)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapkitWarning)
        ours_s, ours, decisions = _play(reference, batches, reread=False)
        theirs_s, theirs, expected = _play(reference, batches, reread=True)
    work = f"{ROUNDS} rounds of {n_batch} rows, {n_reference // 5:,} hard rows or so"
    baseline = "scoring the history"
    agrees = decisions == expected
    note = "the same source in every round" if agrees else "other sources were asked"
    yield Result(
        f"source selection, time, {work}",
        baseline,
        ours_s,
        theirs_s,
        theirs_s / ours_s,
        "at least",
        10,
        agrees,
        note=note,
    )
    yield Result(
        f"source selection, similarities, {work}",
        baseline,
        None,
        None,
        theirs / ours,
        "at least",
        10,
        agrees,
        note=note,
    )
