"""Data-centric weak-to-strong generalization for scikit-learn, on CPU."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overlapkit.scorers._overlap_detector import OverlapDetector
    from overlapkit.sources._selector import UCBSourceSelector
    from overlapkit.students._weak_to_strong import WeakToStrongClassifier

__version__ = "0.1.0"

__all__ = [
    "OverlapDetector",
    "UCBSourceSelector",
    "WeakToStrongClassifier",
    "__version__",
]

# imported when first used: `overlapkit --help` needs none of them
_HOMES = {
    "OverlapDetector": "overlapkit.scorers._overlap_detector",
    "UCBSourceSelector": "overlapkit.sources._selector",
    "WeakToStrongClassifier": "overlapkit.students._weak_to_strong",
}
_SUBPACKAGES = {
    "datasets",
    "diagnostics",
    "exceptions",
    "inspection",
    "label_models",
    "metrics",
    "model_selection",
    "policies",
    "representation",
    "scorers",
    "sources",
    "students",
    "theory",
    "thresholds",
    "weak",
}


def __getattr__(name):
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value  # asked for once
        return value
    if name in _SUBPACKAGES:
        return import_module(f"overlapkit.{name}")
    raise AttributeError(f"module 'overlapkit' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__, *_SUBPACKAGES})
