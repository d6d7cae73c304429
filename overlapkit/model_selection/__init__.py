"""Experiments that can fail: mixing curves with controls, reports with intervals."""

from overlapkit.model_selection._detected_rows import DetectedRows
from overlapkit.model_selection._gain_interval import gain_interval
from overlapkit.model_selection._known_label_split import KnownLabelSplit
from overlapkit.model_selection._label_value_curve import label_value_curve
from overlapkit.model_selection._overlap_curve import overlap_curve
from overlapkit.model_selection._report import WeakToStrongReport
from overlapkit.model_selection._weak_to_strong_report import weak_to_strong_report
from overlapkit.model_selection._weak_to_strong_summary import weak_to_strong_summary

__all__ = [
    "DetectedRows",
    "KnownLabelSplit",
    "WeakToStrongReport",
    "gain_interval",
    "label_value_curve",
    "overlap_curve",
    "weak_to_strong_report",
    "weak_to_strong_summary",
]
