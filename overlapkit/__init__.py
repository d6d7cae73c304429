"""Data-centric weak-to-strong generalization for scikit-learn, on CPU."""

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
