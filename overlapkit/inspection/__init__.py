"""Displays: what was found, drawn. They need matplotlib."""

from overlapkit.inspection._label_value_display import LabelValueDisplay
from overlapkit.inspection._overlap_curve_display import OverlapCurveDisplay
from overlapkit.inspection._source_selection_display import SourceSelectionDisplay

__all__ = ["LabelValueDisplay", "OverlapCurveDisplay", "SourceSelectionDisplay"]
