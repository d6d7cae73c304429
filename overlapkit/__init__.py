"""Data-centric weak-to-strong generalization for scikit-learn, on CPU."""

__version__ = "0.1.0"

__all__ = ["__version__"]
