"""Correct labels, choose rows, and train the strong model."""

from overlapkit.students._correction import LabelCorrector

__all__ = ["LabelCorrector"]
