"""Named warnings and errors.

Every fallback of overlapkit is announced by one of these classes, so that a
user can silence one, or turn one into an error, by name.
"""

__all__ = [
    "ClassCollapseWarning",
    "DegenerateGapWarning",
    "MissingLabelWarning",
    "NoEvidenceOfGroupsWarning",
    "NoOverlapWarning",
    "OverlapkitWarning",
    "SharedRowsWarning",
    "SimilarViewsWarning",
    "SourceWarning",
    "UncoveredRowsWarning",
    "UnusedParameterWarning",
    "VoteWarning",
    "WeakConfidenceWarning",
    "WeakLabelWarning",
    "WrenchFormatError",
]


class OverlapkitWarning(UserWarning):
    """Base class of every warning that overlapkit raises itself."""


class NoOverlapWarning(OverlapkitWarning):
    """No row is hard, or no row is found to carry both patterns."""


class NoEvidenceOfGroupsWarning(OverlapkitWarning):
    """Values are split in two although they show no separate groups."""


class WeakConfidenceWarning(OverlapkitWarning):
    """The weak model's confidence cannot tell hard rows from others."""


class SimilarViewsWarning(OverlapkitWarning):
    """The strong view adds little to the weak one, or holds the weak model's output."""


class ClassCollapseWarning(OverlapkitWarning):
    """A class lost most of its share, or was never predicted at all."""


class WeakLabelWarning(OverlapkitWarning):
    """Weak labels could not be computed the way that was asked for."""


class UncoveredRowsWarning(OverlapkitWarning):
    """Some rows have no vote, hence no weak label, and are left out."""


class MissingLabelWarning(OverlapkitWarning):
    """A marker of unknown labels is given, but no label is that."""


class VoteWarning(OverlapkitWarning):
    """A vote names no known class, or makes another class than its own probable."""


class SharedRowsWarning(OverlapkitWarning):
    """A few rows to test on are rows to learn from."""


class UnusedParameterWarning(OverlapkitWarning):
    """Something that was passed has no effect on a part of the computation."""


class DegenerateGapWarning(OverlapkitWarning):
    """A performance gap is zero or negative, so its recovery is undefined."""


class SourceWarning(OverlapkitWarning):
    """A source has no rows left, returned too few, or rows without a reward."""


class WrenchFormatError(ValueError):
    """A file does not follow the WRENCH layout; the message says where and how."""
