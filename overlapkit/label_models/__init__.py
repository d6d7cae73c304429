"""Votes of labelling functions: made, summed up and turned into labels."""

from overlapkit.label_models._dawid_skene import DawidSkene
from overlapkit.label_models._label_model import LabelModel
from overlapkit.label_models._majority_vote import MajorityVote
from overlapkit.label_models._tree_labeling_functions import TreeLabelingFunctions
from overlapkit.label_models._vote_summary import vote_summary

__all__ = [
    "DawidSkene",
    "LabelModel",
    "MajorityVote",
    "TreeLabelingFunctions",
    "vote_summary",
]
