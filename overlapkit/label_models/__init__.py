"""Label models: classifiers that turn votes of labelling functions into labels."""

from overlapkit.label_models._dawid_skene import DawidSkene
from overlapkit.label_models._label_model import LabelModel
from overlapkit.label_models._majority_vote import MajorityVote

__all__ = ["DawidSkene", "LabelModel", "MajorityVote"]
