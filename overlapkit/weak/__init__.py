"""What a weak model of any kind says of each row: the value that travels."""

from overlapkit.weak._labeler import WeakLabeler
from overlapkit.weak._rows import KnownLabels, WeakRows

__all__ = ["KnownLabels", "WeakLabeler", "WeakRows"]
