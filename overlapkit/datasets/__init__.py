"""Data sets: shipped tables, generators and readers."""

from overlapkit.datasets._fetch_wrench import fetch_wrench
from overlapkit.datasets._load_wrench import load_wrench
from overlapkit.datasets._make_graded_classification import make_graded_classification
from overlapkit.datasets._make_overlap_classification import make_overlap_classification
from overlapkit.datasets._make_overlap_sources import make_overlap_sources
from overlapkit.datasets._open_rows import FileRows, open_rows
from overlapkit.datasets._stack_views import stack_views
from overlapkit.datasets._uci import load_mushroom, load_spambase

__all__ = [
    "FileRows",
    "fetch_wrench",
    "load_mushroom",
    "load_spambase",
    "load_wrench",
    "make_graded_classification",
    "make_overlap_classification",
    "make_overlap_sources",
    "open_rows",
    "stack_views",
]
