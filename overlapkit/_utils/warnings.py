"""Warnings that point at the user's line, however deep in the package they arise."""

import inspect
import os
import warnings
from importlib.util import find_spec
from pathlib import Path

__all__ = ["warn"]


def _folder(package) -> str:
    spec = find_spec(package)
    folder = str(Path(spec.origin).parent) if spec and spec.origin else package
    return folder + os.sep  # a folder beside it may have a name that begins alike


# what stands between a user's line and the place that warns: fit contexts, searches,
# pipelines and their workers
_INSIDE = tuple(_folder(name) for name in ("overlapkit", "sklearn", "joblib"))


def warn(message, category) -> None:
    """Warn at the innermost line outside overlapkit, scikit-learn and joblib.

    Parameters
    ----------
    message : str
        What happened, and what to do.
    category : type
        A class of :mod:`overlapkit.exceptions`, or one of scikit-learn's.
    """
    level, frame = 1, inspect.currentframe()
    while frame and frame.f_back and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
