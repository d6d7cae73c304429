"""Rows of the speed benchmark: a round of source selection reads its own batch only.

The baseline also scores the whole history against the hard rows in every round, as one
does who calls the detector on what was collected so far. Both must read the same
densities.
"""

import json
import sys
import warnings

import numpy as np

from benchmarks.speed.harness import (
    Result,
    in_child,
    peak_resident_mib,
    quiet,
    register,
    seconds,
)
from overlapkit import OverlapDetector, UCBSourceSelector
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.policies import UCB, Thompson

ROUNDS, DIM = 50, 384
DENSITIES = (0.1, 0.2, 0.3, 0.4, 0.5)
OVERLAP = 1


def _draw(rng, density, n):
    """Rows of a source, with two columns of probabilities: a fifth of them is hard."""
    region = rng.choice(3, n, p=[0.8 - density, density, 0.2])
    strong = rng.standard_normal((n, DIM), dtype=np.float32)
    strong[region > 0] += 1.5 * np.sin(np.arange(DIM, dtype=np.float32))
    confidence = np.where(region == 2, rng.uniform(0, 0.3, n), rng.uniform(0.7, 1, n))
    side = rng.choice([-1, 1], n)
    proba = 0.5 + 0.5 * np.column_stack([side, -side]) * confidence[:, None]
    return np.column_stack([strong, proba.astype(np.float32)])


@register("sources")
def sources(settings):
    """Time of rounds 2 to 50 (the first one also fits the detector), same densities."""
    n_batch, n_reference = (200, 20_000) if settings.quick else (500, 20_000)
    rng = np.random.default_rng(0)
    batches = [
        [_draw(rng, density, n_batch) for _ in range(ROUNDS)] for density in DENSITIES
    ]
    selector = UCBSourceSelector(
        detector=OverlapDetector(
            weak_estimator="precomputed",
            strong_columns=slice(0, DIM),
            weak_columns=slice(DIM, DIM + 2),
        ),
        reference=(_draw(rng, 0.3, n_reference), None),
        source_names=list(range(len(DENSITIES))),
        n_rounds=ROUNDS + 1,  # the student is trained after the last one: never
        train_every=None,
        random_state=0,
    )
    history, ours_s, rereading_s = [], 0.0, 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapkitWarning)
        for t in range(ROUNDS):
            source = selector.next_source_ if t else 0
            batch = batches[source][t]
            elapsed, _ = seconds(
                lambda: selector.partial_fit(batch, sources=source)  # noqa: B023
            )
            history.append(batch)
            if t:
                ours_s += elapsed
                rereading_s += seconds(
                    lambda: selector.detector_.predict(np.concatenate(history))
                )[0]
        regions = selector.detector_.predict(np.concatenate(history))
    found = (regions == OVERLAP).reshape(ROUNDS, n_batch).mean(axis=1)
    agrees = np.allclose(found, selector.history_["reward"], rtol=0, atol=1e-12)
    yield Result(
        f"source selection, {ROUNDS} rounds of {n_batch} rows, "
        f"{len(selector.detector_.hard_indices_):,} hard rows",
        "and scoring the history",
        ours_s,
        ours_s + rereading_s,
        1 + rereading_s / ours_s,
        "at least",
        10,
        agrees,
        note="the same densities" if agrees else "other densities",
    )


LIVE_ROUNDS, LIVE_ROWS, MANY_SOURCES = 1_000, 100, 10_000


@register("live-sources")
def live_sources(settings):
    """Rounds of live selection with all rows kept, and a round of many sources."""
    rounds = 100 if settings.quick else LIVE_ROUNDS
    child = in_child("benchmarks.speed.sources", rounds)
    yield Result(
        f"live source selection, {rounds:,} rounds of {LIVE_ROWS} rows x {DIM}",
        "-",
        None,
        None,
        child["seconds"],
        "at most",
        60 * rounds / LIVE_ROUNDS,
        unit="s",
    )
    yield Result(
        f"peak resident memory of these, {rounds * LIVE_ROWS:,} rows kept",
        "-",
        None,
        None,
        child["peak_mib"],
        "at most",
        1024,
        unit="MiB",
    )
    for policy in (UCB(), Thompson()):
        with quiet():
            # the first one fits the detector
            many, few = (
                float(np.median(_play(n, 100, policy)[1:]))
                for n in (MANY_SOURCES, len(DENSITIES))
            )
        yield Result(
            f"a decision among {MANY_SOURCES:,} sources, {type(policy).__name__}: a "
            "round, rows read, less one with few sources",
            f"{len(DENSITIES)} sources",
            many,
            few,
            1000 * (many - few),
            "at most",
            5,
            unit="ms",
        )


def _play(n_sources, rounds, policy=None):
    """Seconds of each round."""
    rng = np.random.default_rng(0)
    selector = UCBSourceSelector(
        detector=OverlapDetector(
            weak_estimator="precomputed",
            strong_columns=slice(0, DIM),
            weak_columns=slice(DIM, DIM + 2),
        ),
        reference=(_draw(rng, 0.3, 2_000), None),
        source_names=list(range(n_sources)),
        n_rounds=rounds + 1,
        policy=policy,
        train_every=None,
        random_state=0,
    )
    times = []
    for t in range(rounds):
        source = selector.next_source_ if t else 0
        batch = _draw(rng, DENSITIES[source % len(DENSITIES)], LIVE_ROWS)
        elapsed, _ = seconds(
            lambda: selector.partial_fit(batch, sources=source)  # noqa: B023
        )
        times.append(elapsed)
    assert len(selector.collected_.X) == rounds * LIVE_ROWS
    return times


if __name__ == "__main__":
    warnings.simplefilter("ignore", OverlapkitWarning)
    spent = sum(_play(len(DENSITIES), int(sys.argv[1])))
    print(json.dumps({"seconds": spent, "peak_mib": peak_resident_mib()}))
