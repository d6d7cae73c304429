"""Independent jobs, run by whatever backend joblib is set to.

A job is a call of a function of a module, never of a function defined inside another:
the backends "multiprocessing", "dask" and "ray" pickle it. What all jobs read is given
once, as `shared`, so that no backend sends it with every job.
"""

import sys
from contextlib import contextmanager
from typing import Any

from joblib import effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed

__all__ = ["cluster", "goes_as_files", "run_jobs"]


def cluster() -> Any | None:
    """Joblib's active backend if its workers may be on other machines, else None."""
    backend, _ = get_active_backend()
    local = type(backend).__module__.startswith("joblib._parallel_backends")
    return None if local else backend


def goes_as_files(value) -> bool:
    """Whether a cluster is sent the names of files in place of what value holds."""
    from overlapkit._utils.packing import packed

    return packed(value) is not value


def run_jobs(function, jobs, *, shared=(), n_jobs=None) -> list:
    """Results of ``function(*shared, *job)`` for every job, in order.

    Parameters
    ----------
    function : callable
        Of a module, or a bound method of an object that can be pickled.
    jobs : iterable of tuple
        What is different from job to job.
    shared : tuple
        What every job reads and none changes.
    n_jobs : int, default=None
        Jobs at once, where the backend is local. A cluster takes all its workers, or
        as many as ``parallel_config`` says.

    Returns
    -------
    results : list

    Notes
    -----
    With joblib's dask backend, `shared` is copied to every worker before the first job,
    and what is different stays with its job, where joblib by itself would store both on
    one worker: a worker that dies then takes no data with it, only jobs that it had
    begun, which the scheduler gives to another. Arguments of a job pass through the
    scheduler, so they should be small. Jobs started by a job of a cluster run one after
    another in its worker. Where the whole cluster has one core, joblib runs jobs in
    this process, and nothing is sent.

    Read-only maps of files, and what is made of them, go to a cluster as the names of
    these files, which the workers open. joblib does so for its own backends.
    """
    backend = cluster()
    if backend is None:
        return Parallel(n_jobs=n_jobs)(delayed(function)(*shared, *job) for job in jobs)
    from overlapkit._utils.packing import packed

    given = get_active_backend()[1]  # as in parallel_config("ray", n_jobs=8)
    at_once = -1 if given is None else given
    if effective_n_jobs(at_once) == 1:
        # joblib runs them here, where every job would fetch what was sent
        with parallel_config(backend="sequential"):
            return [function(*shared, *job) for job in jobs]
    with _sent_once(backend, [packed(value) for value in shared]) as sent:
        return Parallel(n_jobs=at_once)(
            delayed(_in_worker)(function, packed(tuple(job)), *sent) for job in jobs
        )


@contextmanager
def _sent_once(backend, shared):
    """What stands for the shared values in the arguments of the jobs."""
    client = getattr(backend, "client", None)
    if client is None or not shared:
        yield shared
        return
    # joblib would send large arguments to one worker only, and find none inside of
    # objects; hashing them would take longer than sending them
    futures = client.scatter(list(shared), broadcast=True, hash=False)
    try:
        yield tuple(futures)
    finally:
        for future in futures:
            future.release()


def _in_worker(function, job, *shared):
    from overlapkit._utils.packing import unpacked

    # where all workers but one have died meanwhile, joblib runs the jobs here, with
    # futures as they are
    shared = [value.result() if _is_future(value) else value for value in shared]
    with parallel_config(backend="sequential"):
        return function(*map(unpacked, shared), *unpacked(job))


def _is_future(value) -> bool:
    distributed = sys.modules.get("distributed")
    return distributed is not None and isinstance(value, distributed.Future)
