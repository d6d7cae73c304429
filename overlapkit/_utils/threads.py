"""Worker threads that each run BLAS on one thread.

A product and what is done to it while it is in cache belong to one thread; BLAS
threads inside worker threads would fight over the same cores.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from numbers import Integral

import numpy as np
from joblib import cpu_count, effective_n_jobs
from threadpoolctl import ThreadpoolController

from overlapkit._utils.jobs import cluster
from overlapkit._utils.progress import block_done
from overlapkit._utils.sklearn_compat import Interval

__all__ = [
    "N_JOBS",
    "Workspace",
    "even_steps",
    "n_threads",
    "run_tiles",
    "single_threaded_blas",
    "steps",
]

# what a parameter n_jobs may be: joblib refuses 0 only where there is work to share
N_JOBS = [
    Interval(Integral, 1, 2**31 - 1, closed="both"),
    Interval(Integral, -(2**31), -1, closed="both"),
    None,
]

# The number of BLAS threads mostly belongs to the process, so overlapping calls from
# several Python threads share one limit: the first sets it, the last restores it.
# (Each for itself, the second would take the first one's limit for the original and
# leave BLAS on one thread for good.)
_lock = threading.Lock()
_users = 0
_limiter = None
_allowed = 1


@lru_cache(maxsize=1)
def _blas():
    return ThreadpoolController().select(user_api="blas")


def _blas_threads() -> int:
    numbers = [lib.get_num_threads() for lib in _blas().lib_controllers]
    return max(numbers) if numbers else cpu_count()


def _release_control():
    # From threadpoolctl 3.8 on, the first thread to change OpenBLAS keeps the right
    # to, and the calls of all others do nothing, although the last may be another.
    for lib in _blas().lib_controllers:
        if hasattr(lib, "clear_controlling_thread"):
            lib.clear_controlling_thread()


def _limit_to_one_thread():
    limiter = _blas().limit(limits=1)
    _release_control()
    return limiter


@contextmanager
def single_threaded_blas():
    """Limit BLAS to one thread inside the block; restore also after an error."""
    global _users, _limiter, _allowed
    with _lock:
        if _users == 0:
            _allowed = _blas_threads()
            _limiter = _limit_to_one_thread()
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limiter.restore_original_limits()
                _release_control()
                _limiter = None


def n_threads(n_jobs) -> int:
    """Return the number of worker threads for ``n_jobs``.

    ``None`` means the threads that BLAS may use now, which is what a plain matrix
    product would take; an integer is read as joblib reads it. Where joblib's backend
    is a cluster, an integer counts workers there, so it says nothing of this process.
    """
    if n_jobs is not None and cluster() is None:
        return effective_n_jobs(n_jobs)
    with _lock:
        return _allowed if _users else _blas_threads()


def run_tiles(task, tiles, n_jobs) -> None:
    """Call ``task(start, stop)`` for every tile, in threads; raise what it raises."""
    tiles = list(tiles)
    n_workers = min(n_threads(n_jobs), len(tiles))
    with single_threaded_blas():
        if n_workers <= 1:
            for number, (start, stop) in enumerate(tiles, start=1):
                task(start, stop)
                block_done(number, len(tiles))
            return
        # Where BLAS runs on OpenMP, each thread has a limit of its own.
        pool = ThreadPoolExecutor(n_workers, initializer=_limit_to_one_thread)
        try:
            submitted = [pool.submit(task, *tile) for tile in tiles]
            for number, done in enumerate(submitted, start=1):
                done.result()
                block_done(number, len(tiles))
        finally:
            pool.shutdown(cancel_futures=True)


class Workspace(threading.local):
    """Arrays of one thread that its tiles reuse: fresh memory costs page faults."""

    def __init__(self):
        self._flat = {}

    def take(self, name, shape, dtype) -> np.ndarray:
        """Return an array of the shape, uninitialised, from memory of that name."""
        size = shape[0] * shape[1]
        flat = self._flat.get(name)
        if flat is None or flat.size < size:
            flat = self._flat[name] = np.empty(size, dtype=dtype)
        return flat[:size].reshape(shape)


def steps(n, step) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of consecutive ranges that cover range(n)."""
    for start in range(0, n, step):
        yield start, min(n, start + step)


def even_steps(n, largest, smallest, n_workers, multiple):
    """Yield (start, stop) of equal ranges, as many for each worker as for the others.

    No range is longer than ``largest``; those of fewer rows than ``smallest`` are not
    cut for the sake of the workers. Lengths are a ``multiple``, if that fits.
    """
    if largest > multiple:
        largest -= largest % multiple
    n_ranges = -(-n // largest)
    n_ranges = -(-n_ranges // n_workers) * n_workers
    n_ranges = max(1, min(n_ranges, max(n // smallest, -(-n // largest))))
    step = -(-n // n_ranges)
    return steps(n, max(1, min(largest, -(-step // multiple) * multiple)))
