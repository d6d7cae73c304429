"""Correct labels, choose rows, and train the strong model."""

from overlapkit.students._label_corrector import LabelCorrector

__all__ = ["LabelCorrector"]
