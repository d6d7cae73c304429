"""Finished runs on disk: a killed job goes on where it stopped.

One JSON file per (data set, seed, settings). A file is written under another name,
flushed to disk and renamed, so it is there whole or not at all; what cannot be read
as a result of the present settings is computed again.
"""

import json
import os
from pathlib import Path

__all__ = ["load", "path_of", "save", "write_atomically"]

FORM = 1  # raise it when a stored run means something else


def path_of(folder, name, seed, settings):
    """File of one run; settings that change a result are part of its name."""
    return Path(folder) / "runs" / f"{name}--{seed}--{'--'.join(settings)}.json"


def load(path):
    """The stored run, or None."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    if not isinstance(content, dict) or content.get("form") != FORM:
        return None
    return content


def save(path, run):
    """Store a run."""
    write_atomically(path, json.dumps({"form": FORM, **run}))


def write_atomically(path, text):
    """Write a text file that is never seen half written."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
