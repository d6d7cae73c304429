"""Warnings that point at the line of the caller, however deep they are raised."""

import sys
import warnings
from pathlib import Path

import joblib
import sklearn

_LIBRARIES = tuple(
    f"{Path(folder).resolve()}"
    for folder in (
        Path(__file__).parent,
        Path(sklearn.__file__).parent,
        Path(joblib.__file__).parent,
    )
)


def warn(message, category) -> None:
    """Issue a warning at the first frame outside overlapkit, scikit-learn and joblib.

    Parameters
    ----------
    message : str
    category : type of Warning
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _in_library(frame.f_code.co_filename):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _in_library(filename) -> bool:
    return filename.startswith(_LIBRARIES) or filename.startswith("<frozen")
