"""Finished cells on disk, each in a file that is there whole or not at all."""

import json
from pathlib import Path

from benchmarks.common import write_atomically

__all__ = ["load", "save", "write"]

FORM = 1  # raise it when a stored cell means something else


def _path(folder, cell, judge):
    name = "--".join(map(str, cell)) + ("--judged" if judge else "")
    return Path(folder) / "cells" / f"{name}.json"


def load(folder, cell, judge):
    """The stored cell, or None. A judged cell serves where none was asked to be."""
    for path in {_path(folder, cell, judge), _path(folder, cell, True)}:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
            continue
        if isinstance(content, dict) and content.get("form") == FORM:
            return content
    return None


def save(folder, cell, judge, result):
    """Store a cell."""
    text = json.dumps({"form": FORM, **result})
    write_atomically(_path(folder, cell, judge), text)


def write(folder, name, text):
    """Write a file of the results."""
    write_atomically(Path(folder) / name, text)
