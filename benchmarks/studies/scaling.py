"""What a cluster's engine costs and gains: dask on one and two workers against local.

Two parts, both on one machine, whose workers are processes of one thread each:

- Work of three kinds, in turn on this process (two threads or processes) and on
  clusters of one and of two workers, so that a busy machine disturbs all of them
  alike. "overhead" is the time of two workers over that of this process, less 1;
  "efficiency" the time of one worker over twice that of two. Both are medians of the
  ratios within a turn. "cpu" is the overhead in processor time of all processes, which
  hardly depends on what else the machine does.
- A cost model, in seconds of one worker, fitted to runs of different sizes by least
  squares of relative errors without negative constants:

      products x (rows x landmarks x dimensions) + values x (rows x dimensions)
      + bytes x (bytes moved to the worker) + chunks x (number of chunks)

  and, measured in this process, what a fit does with the vectors of numbers per row.
  From these constants follow times for 10^7 and 10^8 rows on 10 and 100 machines. These
  are calculated, not measured; assumptions are printed with them.

And two about memory: what it costs that workers of dask give memory back to the system
at once, and the bytes that a row in files takes, which do not depend on the number of
columns.
"""

import logging
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import uuid
import warnings
from itertools import product

import joblib
import numpy as np
import pandas as pd
from scipy.optimize import nnls
from sklearn.linear_model import LogisticRegression

from benchmarks import common
from overlapkit import OverlapDetector
from overlapkit.datasets import open_rows, stack_views
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.scorers import SelfConfidenceScorer
from overlapkit.weak import WeakRows

SUMMARY = "dask on one and two workers against local, and a cost model"
LANDMARKS = 1000
# what the calculated table assumes; none of it is measured
CORES = 8
NETWORK = 1e9  # bytes per second into a machine: storage or a link of 10 Gbit/s
DIMENSIONS = 384
# how dask's nanny starts a worker
WORKER = {"MALLOC_TRIM_THRESHOLD_": "65536"}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
ROW_BYTES = 100  # in the client; the last table of the study prints what was measured
# a fit reads weak columns, a sample of both views, hashes, landmarks, and scores
PASSES = 5


def make_rows(n, d, seed=0):
    """Strong view in single precision, and weak probabilities; a tenth is hard."""
    rng = np.random.default_rng(seed)
    high = np.where(rng.random(n) < 0.1, 0.55, 0.95) + rng.uniform(-0.04, 0.04, n)
    proba = np.column_stack([high, 1 - high]).astype(np.float32)
    return rng.standard_normal((n, d), dtype=np.float32), proba


def detector(d, **params):
    return OverlapDetector(
        weak_estimator="precomputed",
        strong_columns=slice(0, d),
        weak_columns=slice(d, d + 2),
        hard_threshold=0.7,
        random_state=0,
        **params,
    )


class Similarity:
    """Compare all rows with all hard rows, in blocks that joblib's backend is given."""

    name = "all hard rows, joblib"

    def __init__(self, n, d):
        strong, proba = make_rows(n, d)
        self.rows = WeakRows.from_proba(strong, proba)

    def local(self):
        OverlapDetector(hard_threshold=0.7, n_jobs=2).fit_rows(self.rows)

    def on(self, client):
        with joblib.parallel_config("dask", client=client):
            OverlapDetector(hard_threshold=0.7, n_jobs=2).fit_rows(self.rows)


class Chunks:
    """Fit with landmarks and read all rows; those of the workers lie there already."""

    name = "landmarks, dask.array"

    def __init__(self, n, d):
        self.X, self.n, self.d = np.hstack(make_rows(n, d)), n, d
        self.held = {}

    def local(self):
        model = detector(self.d, max_landmarks=LANDMARKS, n_jobs=2).fit(self.X)
        model.predict(self.X)

    def on(self, client):
        if client not in self.held:
            self.held[client] = held(client, self.X, 16)
        X = self.held[client]
        with client.as_current():
            model = detector(self.d, max_landmarks=LANDMARKS, n_jobs=1).fit(X)
            model.predict(X).compute()


class Folds:
    """Fit a probe on eight folds of the rows."""

    name = "folds, joblib"

    def __init__(self, n, d):
        strong, _ = make_rows(n, d)
        labels = np.arange(n) % 2
        strong[:, 0] += labels
        self.rows = WeakRows.from_proba(
            strong, np.where(labels[:, None] == [0, 1], 0.9, 0.1)
        )

    def _fit(self):
        probe = LogisticRegression(max_iter=20, tol=1e-2)
        SelfConfidenceScorer(estimator=probe, cv=8).fit_rows(self.rows)

    def local(self):
        with joblib.parallel_config("loky", n_jobs=2):
            self._fit()

    def on(self, client):
        with joblib.parallel_config("dask", client=client):
            self._fit()


def held(client, X, n_chunks):
    """A dask array whose chunks lie in the memory of the workers, as after persist."""
    import dask.array as da
    from distributed import wait

    step = -(-len(X) // n_chunks)
    parts = [X[start : start + step] for start in range(0, len(X), step)]
    sent = client.scatter(parts, hash=False)
    with client.as_current():
        wait(sent)
    name = f"held-{uuid.uuid4().hex}"
    graph = {(name, i, 0): future for i, future in enumerate(sent)}
    chunks = tuple(len(part) for part in parts), (X.shape[1],)
    return da.Array(graph, name, chunks, dtype=X.dtype)


def seconds(function, *args):
    """Seconds, and processor seconds of this process and of all it has started."""
    used, start = processor_seconds(), time.perf_counter()
    function(*args)
    return time.perf_counter() - start, processor_seconds() - used


def processor_seconds():
    import psutil

    own = psutil.Process()
    times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def compare(kind, n, d, one, two, n_turns):
    """Lines of the first part for one kind of work."""
    work = kind(n, d)
    for client in (one, two):  # compiling, sending what lies there, importing
        work.on(client)
    work.local()
    lines = []
    for turn in range(n_turns):
        ways = {
            "local": (work.local,),
            "one": (work.on, one),
            "two": (work.on, two),
        }
        order = list(ways) if turn % 2 == 0 else list(ways)[::-1]
        line = {"work": kind.name, "rows": n, "dimensions": d, "turn": turn}
        for way in order:
            line[way], line[f"{way} cpu"] = seconds(*ways[way])
        lines.append(line)
    return lines


def cost_runs(one, sizes, n_turns):
    """Times of one worker that reads rows of different sizes, there or sent to it."""
    import dask.array as da

    lines = []
    for n, d, m, n_chunks in sizes:
        X = np.hstack(make_rows(n, d))
        model = detector(d, max_landmarks=m, n_jobs=1).fit(X)
        lies_there = held(one, X, n_chunks)
        sent = da.from_array(X, chunks=(-(-n // n_chunks), -1))
        for turn, moved in product(range(n_turns), (False, True)):
            rows = sent if moved else lies_there
            with one.as_current():
                took, _ = seconds(_predict, model, rows)
            lines.append(
                {
                    "products": n * m * d,
                    "values": n * d,
                    "bytes": X.nbytes * moved,
                    "chunks": n_chunks,
                    "turn": turn,
                    "seconds": took,
                }
            )
    runs = pd.DataFrame(lines)
    keys = ["products", "values", "bytes", "chunks"]
    return runs.groupby(keys, sort=False)["seconds"].median().reset_index()


def _predict(model, rows):
    model.predict(rows).compute()


def fit_costs(runs):
    """Constants of the cost model, and how far its runs are from it."""
    names = ["products", "values", "bytes", "chunks"]
    design = runs[names].to_numpy(float) / runs[["seconds"]].to_numpy()
    scale = design.max(axis=0)
    constants = nnls(design / scale, np.ones(len(runs)))[0] / scale
    error = np.abs(design @ constants - 1)
    return dict(zip(names, constants.tolist())), float(np.median(error))


def client_costs(n):
    """Seconds per row of what a fit does with numbers per row, in this process."""
    strong, proba = make_rows(n, 1)
    rows = WeakRows.from_proba(strong, proba)
    model = OverlapDetector(hard_threshold=0.7, max_landmarks=1, n_jobs=1)
    return seconds(model.fit_rows, rows)[0] / n


def on_paper(costs, per_row):
    """Times of a fit by chunk for many rows on many machines."""
    lines = []
    for n, machines in product((10**7, 10**8), (10, 100)):
        cores = machines * CORES
        size = 4 * n * DIMENSIONS
        reading = PASSES * size / (NETWORK * machines)
        there = costs["products"] * n * LANDMARKS * DIMENSIONS / cores
        there += PASSES * costs["values"] * n * DIMENSIONS / cores
        there += PASSES * costs["chunks"] * size / 64e6
        lines.append(
            {
                "rows": f"{n:.0e}",
                "machines": machines,
                "GB of rows": size / 1e9,
                "GB per machine": size / 1e9 / machines,
                "reading, s": reading,
                "workers, s": there,
                "client, s": per_row * n,
                "total, s": reading + there + per_row * n,
                "client, GB": ROW_BYTES * n / 1e9,
            }
        )
    return pd.DataFrame(lines)


def one_chunk():
    """Milliseconds of processor, and page faults, of one chunk in one thread."""
    import resource

    X = np.hstack(make_rows(12_500, DIMENSIONS))
    model = detector(DIMENSIONS, max_landmarks=LANDMARKS, n_jobs=1).fit(X)
    lines = []
    for _ in range(20):
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
        model.predict(X)
        took = time.process_time() - start
        after = resource.getrusage(resource.RUSAGE_SELF)
        lines.append((1e3 * took, after.ru_minflt - before.ru_minflt))
    print(*np.median(lines, axis=0))


def fresh_memory():
    """The same chunk as a worker of dask runs it, which gives memory back at once."""
    code = "from benchmarks.studies import scaling; scaling.one_chunk()"
    # a cluster of this process has set it here as well
    usual = {name: value for name, value in os.environ.items() if name not in WORKER}
    usual |= dict.fromkeys(THREADS, "1")
    lines = {}
    for name, setting in (("as usual", {}), ("as in a worker", WORKER)):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env=usual | setting,
            capture_output=True,
            text=True,
            check=True,
        )
        lines[name] = [float(word) for word in done.stdout.split()]
    return pd.DataFrame(lines, index=["ms", "page faults"]).T


def memory(n):
    """Bytes for each row in files that a fit and answers take, and those that stay."""
    sizes, lines = (n // 2, n), {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            names = [f"{folder}/{view}.npy" for view in ("strong", "proba")]
            for name, view in zip(names, make_rows(size, 32)):
                np.save(name, view.astype(np.float16))
            X, strong, weak = stack_views(
                strong=open_rows(names[0]), weak=open_rows(names[1])
            )
            model = OverlapDetector(
                weak_estimator="precomputed",
                strong_columns=strong,
                weak_columns=weak,
                max_landmarks=LANDMARKS,
                random_state=0,
            )
            model.fit(X[:5000])  # what is compiled and imported once
            for name in ("fit", "score_samples", "predict"):
                tracemalloc.start()
                result = getattr(model, name)(X)  # noqa: F841 - is part of what stays
                lines[name, size] = tracemalloc.get_traced_memory()
                tracemalloc.stop()
    return pd.DataFrame(
        {
            name: np.subtract(lines[name, n], lines[name, sizes[0]]) / (n - sizes[0])
            for name in ("fit", "score_samples", "predict")
        },
        index=["stay", "peak"],
    ).T


def clusters():
    """Two clusters of this machine: of one worker and of two."""
    from distributed import Client, LocalCluster

    # what it says while workers stop would stand between the tables
    logging.getLogger("distributed").setLevel(logging.ERROR)
    made = []
    for n_workers in (1, 2):
        cluster = LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.ERROR,
        )
        made.append((cluster, Client(cluster, set_as_default=False)))
    return made


def main(argv=None) -> int:
    """Print ratios, constants and times on paper; write scaling.csv."""
    options = common.parse(
        "scaling",
        __doc__,
        argv,
        seeds=5,
        quick=f"{30_000:,} rows",
        jobs=False,
        out="studies",
        rows={"type": int, "metavar": "N", "help": "default: 200000"},
    )
    n = options.rows or (30_000 if options.quick else 200_000)
    # noise has no groups, and says so at every fit
    warnings.simplefilter("ignore", OverlapkitWarning)
    made = clusters()
    try:
        (_, one), (_, two) = made
        lines = []
        for kind in (Similarity, Chunks, Folds):
            lines += compare(kind, n, DIMENSIONS, one, two, options.seeds)
        sizes = [
            (n // share, d, m, chunks)
            for share, d, m, chunks in (
                (1, 384, 100, 16),
                (1, 384, 1000, 16),
                (2, 384, 1000, 64),
                (1, 64, 100, 16),
                (1, 64, 1000, 64),
                (4, 64, 100, 64),
            )
        ]
        runs = cost_runs(one, sizes, options.seeds)
    finally:
        for cluster, client in made:
            client.close()
            cluster.close()
    frame = pd.DataFrame(lines)
    frame["overhead"] = frame["two"] / frame["local"] - 1
    frame["cpu"] = frame["two cpu"] / frame["local cpu"] - 1
    frame["efficiency"] = frame["one"] / (2 * frame["two"])
    common.write(frame, options, "scaling")
    table = frame.groupby("work", sort=False).median(numeric_only=True)
    common.show(
        f"seconds, and medians of ratios within {options.seeds} turns",
        table[["local", "one", "two", "overhead", "cpu", "efficiency"]],
    )
    costs, error = fit_costs(runs)
    per_row = client_costs(10 * n)
    common.show("runs of the cost model, one worker", runs)
    print(f"\nconstants (median relative error of a run: {error:.0%})")
    print(f"  {1e12 * costs['products']:8.2f} s per 10^12 products")
    print(f"  {1e9 * costs['values']:8.2f} s per 10^9 values read")
    print(f"  {1e9 * costs['bytes']:8.2f} s per GB moved to a worker")
    print(f"  {1e3 * costs['chunks']:8.2f} ms per chunk")
    print(f"  {1e6 * per_row:8.2f} s per 10^6 rows in the client")
    common.show(
        f"on paper: fit by chunk, {DIMENSIONS} columns of float32, {LANDMARKS} "
        f"landmarks, {CORES} cores and {NETWORK / 1e9:.0f} GB/s per machine, rows read "
        f"{PASSES} times, chunks of 64 MB",
        on_paper(costs, per_row),
        digits=1,
    )
    common.show("one chunk of 12,500 rows in one thread", fresh_memory(), digits=1)
    common.show("bytes for each row in files", memory(10 * n), digits=1)
    verdicts = []
    for name, line in table.iterrows():
        verdicts.append((f"{name}: overhead", line["overhead"], "at most", 0.25))
        verdicts.append((f"{name}: overhead in cpu", line["cpu"], "at most", 0.25))
        verdicts.append((f"{name}: efficiency", line["efficiency"], "at least", 0.8))
    print()
    return common.targets(verdicts)
