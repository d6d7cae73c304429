"""Finished runs on disk: a killed job goes on where it stopped.

One JSON file per data set, seed and kind of model. A file is written under another
name, flushed to disk and renamed, so it is there whole or not at all. It holds a key:
hashes of the data, of the code and of the versions that a result depends on. What
cannot be read, or has another key, is computed again.
"""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.common import ROOT, write_atomically
from benchmarks.job.data import Unusable, read
from overlapkit import __version__

LIBRARIES = ("scikit-learn", "numpy", "scipy", "lightgbm", "numba")


def key(name, data_dir, strong, label_model):
    """All that a run depends on besides its seed, as a dict of texts."""
    try:
        data = _digest(_bytes(value) for value in read(name, data_dir))
    except Unusable:  # is said when the run fails
        data = ""
    sources = [
        *(ROOT / "overlapkit").rglob("*.py"),
        *Path(__file__).parent.glob("*.py"),
    ]
    return {
        "data": data,
        "parameters": f"{strong}, {label_model}",
        "code": _digest(path.read_bytes() for path in sorted(sources)),
        "versions": ", ".join(
            [f"overlapkit {__version__}", *(f"{x} {version(x)}" for x in LIBRARIES)]
        ),
    }


def _bytes(value):
    if isinstance(value, np.ndarray):
        head = f"{value.dtype} {value.shape}"
        return head.encode() + np.ascontiguousarray(value).tobytes()
    return repr(value).encode()


def _digest(parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def path_of(folder, name, seed, settings):
    """File of one run; settings that are often compared are part of its name."""
    return Path(folder) / "runs" / f"{name}--{seed}--{'--'.join(settings)}.json"


def load(path, key):
    """The stored run or None, and the parts of the key in which it differs."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        stored = content["key"]
        complete = bool(content["rows"] and content["picture"])
        complete &= isinstance(content["warnings"], dict)
        differs = {part for part in key if stored.get(part) != key[part]}
    except FileNotFoundError:
        return None, set()
    # cannot be read, not JSON, not of this form, without a key, without rows
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, {"form"}
    if differs or not complete:
        return None, differs or {"form"}
    return content, set()


def save(path, run):
    """Store a run."""
    write_atomically(path, json.dumps(run))
