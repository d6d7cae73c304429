"""Data sets: shipped tables, generators, readers and labelling functions."""

from overlapkit.datasets._load_wrench import load_wrench
from overlapkit.datasets._make_overlap_classification import make_overlap_classification
from overlapkit.datasets._stack_views import stack_views
from overlapkit.datasets._tree_labeling_functions import TreeLabelingFunctions
from overlapkit.datasets._uci import load_mushroom, load_spambase
from overlapkit.datasets._wrench_format import MissingSplitError, WrenchFormatError

__all__ = [
    "MissingSplitError",
    "TreeLabelingFunctions",
    "WrenchFormatError",
    "load_mushroom",
    "load_spambase",
    "load_wrench",
    "make_overlap_classification",
    "stack_views",
]
