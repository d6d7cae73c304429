"""Data-centric weak-to-strong generalization for scikit-learn, on CPU."""

from overlapkit._overlap_detector import OverlapDetector

__version__ = "0.1.0"

__all__ = ["OverlapDetector", "__version__"]
