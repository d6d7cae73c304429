"""Correct labels, choose rows, and train the strong model."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overlapkit.students._label_corrector import LabelCorrector

__all__ = ["LabelCorrector"]


def __getattr__(name):
    # WeakToStrongClassifier is in this package, and seldom needs what this imports
    if name == "LabelCorrector":
        from overlapkit.students._label_corrector import LabelCorrector

        globals()[name] = LabelCorrector  # asked for once
        return LabelCorrector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
