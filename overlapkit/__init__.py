"""Data-centric weak-to-strong generalization for scikit-learn, on CPU."""

from overlapkit._overlap_detector import OverlapDetector
from overlapkit._source_selector import UCBSourceSelector
from overlapkit._weak_to_strong import WeakToStrongClassifier

__version__ = "0.1.0"

__all__ = [
    "OverlapDetector",
    "UCBSourceSelector",
    "WeakToStrongClassifier",
    "__version__",
]
