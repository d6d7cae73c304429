"""Cells of a table on disk, keyed by all that a result depends on.

One JSON file per cell (a data set, a seed, a protocol). A file is written under another
name, flushed and renamed, so it is there whole or not at all. It holds a key: digests
of the data, the code, the parameters and the versions. A cell that cannot be read, or
has another key, is computed again.
"""

import hashlib
import json
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks import common
from benchmarks.job.data import Unusable
from benchmarks.job.store import LIBRARIES
from overlapkit import __version__

__all__ = ["compute", "digest", "key_of", "say_skipped"]


def digest(*values):
    """A text that differs where arrays, bytes or texts differ."""
    whole = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray):
            head = f"{value.dtype} {value.shape}".encode()
            value = head + np.ascontiguousarray(value).tobytes()
        elif not isinstance(value, bytes):
            value = repr(value).encode()
        whole.update(hashlib.sha256(value).digest())
    return whole.hexdigest()


def key_of(data, parameters, *folders):
    """The key of cells.

    Parameters
    ----------
    data : str
        Digest of the data.
    parameters : dict
        All that the result depends on and the name of the cell does not say.
    *folders : str
        Folders or files of `benchmarks` whose code the result depends on; the package
        always counts.
    """
    sources = list((common.ROOT / "overlapkit").rglob("*.py"))
    for folder in folders:
        path = common.ROOT / "benchmarks" / folder
        sources += path.glob("*.py") if path.is_dir() else [path]
    return {
        "data": data,
        "parameters": json.dumps(parameters, sort_keys=True),
        "code": digest(*(path.read_bytes() for path in sorted(sources))),
        "versions": ", ".join(
            [f"overlapkit {__version__}", *(f"{x} {version(x)}" for x in LIBRARIES)]
        ),
    }


def _load(path, key):
    """The stored result or None, and the parts of the key in which it differs."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        differs = {part for part in key if content["key"].get(part) != key[part]}
        result = content["result"]
    except FileNotFoundError:
        return None, set()
    # cannot be read, not JSON, not of this form, without a key
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, {"form"}
    return (None, differs) if differs else (result, set())


def compute(function, cells, keys, out, n_jobs):
    """Results of all cells, in their order, and why some could not be.

    Parameters
    ----------
    function : callable
        Called with the setting of a cell; its result must be JSON, with numbers of
        NumPy allowed.
    cells : dict of tuple to dict
        Name of each cell, data set first, and its setting.
    keys : dict of str to dict
        The key of the cells of each data set.
    out : path
        Folder of results; cells are in its folder ``cells``.
    n_jobs : int
        Processes.

    Returns
    -------
    results : dict of tuple to object
        What `function` gave for each cell that could be computed.
    skipped : dict of str to str
        Data sets that could not be used, and why.
    """
    paths = {
        cell: Path(out) / "cells" / ("--".join(map(str, cell)) + ".json")
        for cell in cells
    }
    results, skipped, stale = {}, {}, set()
    for cell, path in paths.items():
        results[cell], differs = _load(path, keys[cell[0]])
        stale |= differs
    waiting = [cell for cell in cells if results[cell] is None]
    print(f"{len(cells) - len(waiting)} of {len(cells)} cells found in {out}/cells")
    if stale:
        print(f"Cells with other {', '.join(sorted(stale))} are computed again.")
    start, names = time.perf_counter(), iter(range(1, len(waiting) + 1))

    def done(setting, outcome):
        cell = setting["cell"]
        if isinstance(outcome, str):
            skipped[cell[0]] = outcome
        else:
            content = {"key": keys[cell[0]], "result": outcome}
            text = json.dumps(content, default=lambda number: number.item())
            common.write_atomically(paths[cell], text)
            # as a later call reads it
            results[cell] = json.loads(text)["result"]
        seconds = time.perf_counter() - start
        what = ", ".join(map(str, cell))
        print(f"{next(names)}/{len(waiting)} {seconds:.0f} s: {what}", flush=True)

    settings = [
        {"function": function, "cell": cell, "setting": cells[cell]} for cell in waiting
    ]
    common.run(_one, settings, n_jobs, done)
    results = {cell: r for cell, r in results.items() if r is not None}
    return results, skipped


def say_skipped(skipped, results):
    """Print which data sets were left out, and of which only some cells were."""
    there = {cell[0] for cell in results}
    for name, reason in skipped.items():
        how = "some cells left out" if name in there else "left out"
        print(f"{name}: {how}, {reason}")


def _one(function, cell, setting):
    """One result; a text says why it cannot be."""
    try:
        return function(**setting)
    except Unusable as reason:
        return str(reason)
