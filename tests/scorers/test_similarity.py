import itertools
import mmap
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from threadpoolctl import ThreadpoolController, threadpool_limits

from overlapkit._utils import threads as _threads
from overlapkit._utils.threads import (
    even_steps,
    n_threads,
    run_tiles,
    single_threaded_blas,
)
from overlapkit.scorers import _similarity
from overlapkit.scorers._similarity import PreparedReference, reference_similarity
from tests.support import oracles_exact as oracles

METRICS = ("cosine", "dot", "euclidean")
AGGREGATIONS = ("max", "mean", "quantile", "topk")
few = settings(derandomize=True, max_examples=60, deadline=None, database=None)


def blas_threads():
    blas = ThreadpoolController().select(user_api="blas").lib_controllers
    return [library.get_num_threads() for library in blas]


def small_tiles(monkeypatch):
    """Make every loop over tiles and blocks run several times on small inputs."""
    monkeypatch.setattr(_similarity, "_NARROW_TILE", (48, 2048))
    monkeypatch.setattr(_similarity, "_WIDE_TILE", (48, 2048))
    monkeypatch.setattr(_similarity, "_LEAST_ROWS", 16)
    monkeypatch.setattr(_similarity, "_LIGHT_BYTES", 256)
    monkeypatch.setattr(_similarity, "_ROWS_BYTES", 1024)
    monkeypatch.setattr(_similarity, "_BLOCK_BYTES", 256)
    monkeypatch.setattr(_similarity, "_WIDE_BYTES", 2048)
    monkeypatch.setattr(_similarity, "_TOP_LIMIT", 7)
    monkeypatch.setattr(_similarity, "_RESIDENT_BYTES", 0)


@few
@given(
    shape=st.tuples(st.integers(0, 70), st.integers(1, 40), st.integers(1, 9)),
    types=st.tuples(*[st.sampled_from(["f2", "f4", "f8", "i4"])] * 2),
    order=st.sampled_from("CF"),
    metric=st.sampled_from(METRICS),
    aggregation=st.sampled_from(AGGREGATIONS),
    absolute=st.booleans(),
    quantile=st.sampled_from([0, 0.25, 0.9, 1]),
    top_k=st.integers(1, 50),
    seed=st.integers(0, 9),
)
def test_scores_are_those_of_the_slow_oracle(
    shape, types, order, metric, aggregation, absolute, quantile, top_k, seed
):
    n, m, d = shape
    rng = np.random.default_rng(seed)
    # Small integers give ties, equal rows and rows of zeros.
    X = np.asarray(rng.integers(-2, 3, (n, d)), dtype=types[0], order=order)
    reference = np.asarray(rng.integers(-2, 3, (m, d)), dtype=types[1], order=order)
    X.setflags(write=False)
    reference.setflags(write=False)
    scores = reference_similarity(
        X,
        reference,
        metric=metric,
        aggregation=aggregation,
        absolute=absolute,
        quantile=quantile,
        top_k=top_k,
    )
    S = oracles.similarity_matrix(X, reference, metric, absolute)
    expected = oracles.aggregated(S, aggregation, quantile, top_k) if n else []
    assert scores.shape == (n,)
    assert scores.dtype == (np.float32 if types[0] in ("f2", "f4") else np.float64)
    tolerance = 2e-6 if scores.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(scores, expected, rtol=tolerance, atol=tolerance)


# rows whose products have one sign are scored by the mean reference row alone, so the
# sets are such that this holds for all, some and no rows, and for either sign
@few
@given(
    kind=st.sampled_from(["counts", "signs by column", "cone", "any"]),
    metric=st.sampled_from(["cosine", "dot"]),
    dtype=st.sampled_from(["f2", "f4", "f8", "i4"]),
    small=st.booleans(),
    seed=st.integers(0, 9),
)
def test_mean_magnitude_of_rows_on_one_side(kind, metric, dtype, small, seed):
    rng = np.random.default_rng(seed)
    both = rng.integers(-3, 4, (90, 7))
    if kind == "counts":
        both[:70] = abs(both[:70])
    elif kind == "signs by column":
        both[:70] = abs(both[:70]) * rng.choice([-1, 1], 7)
        both[50:60] *= -1
    elif kind == "cone":
        both[:70] += 8
        both[50:60] *= -1
    both[45] = 0
    both = both.astype(dtype)
    reference, X = both[:40], both[40:]
    with pytest.MonkeyPatch.context() as patch:
        if small:
            small_tiles(patch)
        scores = reference_similarity(X, reference, metric=metric)
    S = oracles.similarity_matrix(X, reference, metric, True)
    np.testing.assert_allclose(scores, S.mean(axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_scores_do_not_depend_on_tiles(monkeypatch, dtype, metric, aggregation):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(130, 6)).astype(dtype)
    reference = rng.normal(size=(83, 6)).astype("f4")
    for absolute in (True, False):
        options = {"metric": metric, "aggregation": aggregation, "absolute": absolute}
        whole = reference_similarity(X, reference, **options)
        with monkeypatch.context() as patch:
            small_tiles(patch)
            tiled = reference_similarity(X, reference, **options)
        np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_scores_do_not_depend_on_n_jobs_or_on_the_position_of_a_row(
    metric, aggregation
):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(700, 20)).astype("f4")
    reference = rng.normal(size=(150, 20)).astype("f4")
    options = {"metric": metric, "aggregation": aggregation}
    scores = reference_similarity(X, reference, n_jobs=1, **options)
    for n_jobs in (2, 3, -1, None):
        again = reference_similarity(X, reference, n_jobs=n_jobs, **options)
        np.testing.assert_array_equal(again, scores)
    order = rng.permutation(700)[:333]
    moved = reference_similarity(X[order], reference, **options)
    # BLAS picks its kernel by the shape of a tile: products agree to a few roundings
    # at their own scale (two float32 roundings of a product of 17 are 4e-6)
    np.testing.assert_allclose(moved, scores[order], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_the_reference_is_a_set(aggregation):
    # No aggregation looks at the order; replicating all rows changes no mean and
    # no maximum.
    rng = np.random.default_rng(0)
    X, reference = rng.normal(size=(40, 5)), rng.normal(size=(30, 5))
    scores = reference_similarity(X, reference, aggregation=aggregation)
    again = reference_similarity(X, reference[::-1], aggregation=aggregation)
    np.testing.assert_allclose(again, scores, rtol=1e-12)
    if aggregation in ("max", "mean"):
        twice = np.repeat(reference, 2, axis=0)
        again = reference_similarity(X, twice, aggregation=aggregation)
        np.testing.assert_allclose(again, scores, rtol=1e-12)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("absolute", [True, False])
def test_cosine_only_knows_directions(aggregation, absolute):
    # float32 squares of these lengths overflow or vanish; norms are taken in float64.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 8)).astype("f4")
    reference = rng.normal(size=(30, 8)).astype("f4")
    options = {"aggregation": aggregation, "absolute": absolute}
    scores = reference_similarity(X, reference, **options)
    for a, b in itertools.product((1e-25, 1e25), repeat=2):
        scaled = reference_similarity(
            X * np.float32(a), reference * np.float32(b), **options
        )
        np.testing.assert_allclose(scaled, scores, atol=1e-6)
    if absolute:  # the sign of a row is not a direction then
        flipped = reference_similarity(-X, reference, **options)
        np.testing.assert_allclose(flipped, scores, atol=1e-6)


def test_cosine_stays_within_its_bounds():
    X = np.random.default_rng(0).normal(size=(400, 7)).astype("f4")
    assert reference_similarity(X, X, aggregation="max").max() == 1
    signed = reference_similarity(X, -X[:1], absolute=False, aggregation="max")
    assert signed.min() == pytest.approx(-1, abs=1e-6)
    assert signed.min() >= -1


@pytest.mark.parametrize("metric", ["cosine", "dot"])
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_rows_of_zeros_score_zero(metric, aggregation):
    X, reference = np.zeros((3, 4)), np.zeros((5, 4))
    for rows, others in ((X, reference), (X, reference + 1), (X + 1, reference)):
        scores = reference_similarity(
            rows, others, metric=metric, aggregation=aggregation
        )
        np.testing.assert_array_equal(scores, np.zeros(3))


def test_equal_rows_have_distance_zero_in_float32():
    # In float32 the difference of squares of this size would be off by units.
    X = np.random.default_rng(0).normal(1000, 1, size=(50, 30)).astype("f4")
    scores = reference_similarity(X, X, metric="euclidean", aggregation="max")
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, 1, atol=1e-3)


def test_mean_of_many_float32_terms_keeps_its_digits():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5, 3)).astype("f4")
    reference = rng.normal(size=(300_000, 3)).astype("f4")
    for absolute in (True, False):
        scores = reference_similarity(X, reference, absolute=absolute)
        exact = reference_similarity(
            X.astype("f8"), reference.astype("f8"), absolute=absolute
        )
        np.testing.assert_allclose(scores, exact, rtol=0, atol=3e-7)


def test_memory_maps_are_scored_like_arrays(tmp_path):
    X = np.random.default_rng(0).normal(size=(300, 12)).astype("f2")
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    np.testing.assert_array_equal(
        reference_similarity(mapped, mapped[:40]), reference_similarity(X, X[:40])
    )


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize(("n", "m"), [(60_000, 300), (100, 150_000)])
def test_extra_memory_is_bounded(aggregation, n, m):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 16)).astype("f2")
    reference = rng.normal(size=(m, 16))
    reference_similarity(X[:10], reference[:10])  # compiled code is not counted
    tracemalloc.start()
    try:
        reference_similarity(X, reference, aggregation=aggregation, n_jobs=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * 2**20


@pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="reads Linux's page counts"
)
def test_a_memory_map_does_not_stay_resident(tmp_path):
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1])

    n = 100_000  # rows of 512 bytes, 50 MB in all
    X = np.lib.format.open_memmap(
        tmp_path / "X.npy", mode="w+", dtype="f2", shape=(n, 256)
    )
    X[:] = 1
    del X
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    reference = np.ones((4, 256), dtype="f4")
    reference_similarity(mapped[:5000], reference, aggregation="max")
    before = resident()
    scores = reference_similarity(mapped, reference, aggregation="max")
    assert (resident() - before) * mmap.PAGESIZE < 25e6
    np.testing.assert_allclose(scores, 1)


@pytest.mark.parametrize("mode", ["c", "r+"])
def test_changes_to_a_memory_map_are_kept(tmp_path, mode):
    np.save(tmp_path / "X.npy", np.zeros((5000, 16), dtype="f4"))
    mapped = np.load(tmp_path / "X.npy", mmap_mode=mode)
    mapped[:] = 1
    reference_similarity(mapped, mapped[:3], aggregation="max")
    assert (mapped == 1).all()


def test_a_prepared_reference_scores_batches_like_the_function():
    rng = np.random.default_rng(0)
    X, reference = rng.normal(size=(90, 6)).astype("f4"), rng.normal(size=(40, 6))
    prepared = PreparedReference(reference)
    batches = [prepared.score(X[i : i + 30]) for i in (0, 30, 60)]
    np.testing.assert_allclose(
        np.concatenate(batches), reference_similarity(X, reference), atol=1e-6
    )


def test_inputs_are_not_changed():
    rng = np.random.default_rng(0)
    X, reference = rng.normal(size=(30, 4)), rng.normal(size=(20, 4))
    copies = X.copy(), reference.copy()
    for metric, aggregation in itertools.product(METRICS, AGGREGATIONS):
        reference_similarity(X, reference, metric=metric, aggregation=aggregation)
    np.testing.assert_array_equal(X, copies[0])
    np.testing.assert_array_equal(reference, copies[1])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"reference": np.empty((0, 2))}, ValueError, "minimum of 1 is required"),
        ({"reference": np.ones((3, 5))}, ValueError, "X has 2 features, but the ref"),
        ({"X": np.ones(4)}, ValueError, "Expected 2D array"),
        ({"X": csr_array(np.eye(2))}, TypeError, "Sparse data was passed for X"),
        ({"reference": csr_array(np.eye(2))}, TypeError, "for reference"),
        ({"X": np.array([[0, 1], [0, np.nan]])}, ValueError, "Row 1 of X contains"),
        ({"X": np.array([[np.inf, 1]])}, ValueError, "Row 0 of X contains NaN, inf"),
        ({"reference": np.full((2, 2), np.nan)}, ValueError, "Row 0 of reference"),
        ({"metric": "hamming"}, ValueError, "'metric' parameter"),
        ({"aggregation": "median"}, ValueError, "'aggregation' parameter"),
        ({"quantile": 1.5}, ValueError, "'quantile' parameter"),
        ({"top_k": 0}, ValueError, "'top_k' parameter"),
        ({"n_jobs": 0}, ValueError, "'n_jobs' parameter"),
    ],
)
def test_bad_input_is_named(changes, error, message):
    arguments = {"X": np.ones((3, 2)), "reference": np.ones((2, 2)), **changes}
    with pytest.raises(error, match=message):
        reference_similarity(**arguments)


@few
@given(
    n=st.integers(0, 5000),
    largest=st.integers(1, 900),
    smallest=st.integers(1, 100),
    n_workers=st.integers(1, 9),
)
def test_even_steps_cover_all_rows_and_share_them_evenly(
    n, largest, smallest, n_workers
):
    tiles = list(even_steps(n, largest, smallest, n_workers, 16))
    assert [i for tile in tiles for i in range(*tile)] == list(range(n))
    lengths = [stop - start for start, stop in tiles]
    assert max(lengths, default=0) <= largest
    assert len(set(lengths[:-1])) <= 1
    if largest >= 16:  # else they cannot be multiples
        assert all(length % 16 == 0 for length in lengths[:-1])


@pytest.mark.parametrize(
    ("n", "n_workers", "n_tiles"),
    [(20_000, 2, 14), (20_000, 3, 15), (500, 2, 2), (500, 64, 7), (100, 2, 1)],
)
def test_even_steps_give_every_worker_as_many_tiles_as_the_others(
    n, n_workers, n_tiles
):
    # Of 1,536 rows at most, and not below 64 rows for the sake of the workers.
    assert len(list(even_steps(n, 1536, 64, n_workers, 16))) == n_tiles


def test_blas_threads_are_limited_inside_and_restored_after_an_error():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        inside = []

        def task(start, stop):
            inside.append(blas_threads())
            if start:
                raise RuntimeError("tile")

        with pytest.raises(RuntimeError, match="tile"):
            run_tiles(task, [(0, 1), (1, 2), (2, 3)], 2)
        assert set(itertools.chain(*inside)) == {1}
        assert blas_threads() == before
        with pytest.raises(ValueError, match="NaN"):
            reference_similarity(np.full((2000, 2), np.nan), np.ones((2, 2)))
        assert blas_threads() == before


def test_overlapping_limits_restore_what_was_there_before_the_first():
    # The setting belongs to the process: the second user must not take the first
    # one's limit for the original, nor fail to restore it because it is not the
    # thread that set it.
    outer = threadpool_limits(2, user_api="blas")
    _threads._release_control()
    try:
        before = blas_threads()
        entered, leave = threading.Event(), threading.Event()

        def hold():
            with single_threaded_blas():
                entered.set()
                leave.wait(10)

        other = threading.Thread(target=hold)
        with single_threaded_blas():
            other.start()
            assert entered.wait(10)
            assert set(blas_threads()) == {1}
            assert n_threads(None) == max(before)
        assert set(blas_threads()) == {1}
        leave.set()
        other.join()
        assert blas_threads() == before
    finally:
        outer.restore_original_limits()
        _threads._release_control()


def test_default_number_of_threads_is_that_of_blas():
    with threadpool_limits(1, user_api="blas"):
        assert n_threads(None) == 1
    assert n_threads(3) == 3


@pytest.mark.parametrize("options", [{"aggregation": "quantile"}, {"top_k": 100_000}])
def test_long_rows_of_similarities_stay_within_the_bound(options):
    # a row of similarities is 5 MiB here: one at a time, also among padding rows
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 2)).astype("f4")
    reference = rng.normal(size=(1_300_000, 2)).astype("f4")
    options = {"aggregation": "topk", "n_jobs": 2, **options}
    reference_similarity(X[:2], reference[:10], **options)
    tracemalloc.start()
    try:
        scores = reference_similarity(X, reference, **options)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * 2**20
    cosines = np.abs(np.cos(np.arctan2(*X.T)[:, None] - np.arctan2(*reference.T)))
    if options["aggregation"] == "quantile":
        expected = np.quantile(cosines, 0.9, axis=1)
    else:
        expected = np.sort(cosines, axis=1)[:, -100_000:].mean(axis=1)
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_fewer_threads_where_rows_of_similarities_are_very_long(monkeypatch):
    used = []
    monkeypatch.setattr(_similarity, "_WIDE_BYTES", 40)
    monkeypatch.setattr(_similarity, "_LONG_BYTES", 900)
    monkeypatch.setattr(
        _similarity,
        "run_tiles",
        lambda task, tiles, n_jobs: used.append(n_jobs) or run_tiles(task, tiles, 1),
    )
    X = np.random.default_rng(0).normal(size=(50, 3)).astype("f4")
    reference_similarity(X, X, aggregation="quantile", n_jobs=8)
    assert used == [4]  # 200 bytes each


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("m", [8, 19, 24])
def test_every_reference_row_has_its_own_length(absolute, m):
    # each row is a multiple of one reference row, which are far from each other and of
    # lengths from 1 to 1e6: its largest cosine is 1, and the mean is that of the oracle
    rng = np.random.default_rng(m)
    reference = rng.normal(size=(m, 60)) * np.geomspace(1, 1e6, m)[:, None]
    X = reference[::-1] * rng.uniform(0.1, 10, size=(m, 1))
    scores = {
        how: reference_similarity(X, reference, aggregation=how, absolute=absolute)
        for how in ("max", "mean")
    }
    np.testing.assert_allclose(scores["max"], 1)
    S = oracles.similarity_matrix(X, reference, "cosine", absolute)
    np.testing.assert_allclose(scores["mean"], S.mean(axis=1), atol=1e-12)
