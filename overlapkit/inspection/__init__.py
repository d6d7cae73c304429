"""Displays: what was found, drawn. They need matplotlib."""

from overlapkit.inspection._label_value_display import LabelValueDisplay
from overlapkit.inspection._overlap_curve_display import OverlapCurveDisplay
from overlapkit.inspection._region_display import RegionDisplay
from overlapkit.inspection._source_selection_display import SourceSelectionDisplay
from overlapkit.inspection._vote_display import VoteAgreementDisplay

__all__ = [
    "LabelValueDisplay",
    "OverlapCurveDisplay",
    "RegionDisplay",
    "SourceSelectionDisplay",
    "VoteAgreementDisplay",
]
