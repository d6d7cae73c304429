"""Representations of the strong view in which rows are compared."""

from overlapkit.representation._hidden_layer import HiddenLayerRepresentation
from overlapkit.representation._tabular import TabularRepresentation

__all__ = ["HiddenLayerRepresentation", "TabularRepresentation"]
