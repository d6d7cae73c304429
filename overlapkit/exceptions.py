"""Named warnings and errors.

Every fallback of overlapkit is announced by one of these classes, so that a
user can silence one, or turn one into an error, by name.
"""

__all__ = [
    "ClassCollapseWarning",
    "DegenerateGapWarning",
    "MisleadingVoteWarning",
    "NoEvidenceOfGroupsWarning",
    "NoHardRowsWarning",
    "NoOverlapWarning",
    "OverlapkitWarning",
    "SaturatedWeakModelWarning",
    "ShortBatchWarning",
    "SimilarViewsWarning",
    "SourceExhaustedWarning",
    "ThresholdFallbackWarning",
    "UnbalancedClassesWarning",
    "UninformativeBatchWarning",
    "UnknownVoteWarning",
    "WeakLabelWarning",
]


class OverlapkitWarning(UserWarning):
    """Base class of every warning that overlapkit raises itself."""


class ThresholdFallbackWarning(OverlapkitWarning):
    """A change point could not be computed and a named fallback was used."""


class NoHardRowsWarning(OverlapkitWarning):
    """No row was found that the weak model is unsure about."""


class NoOverlapWarning(OverlapkitWarning):
    """No row was found to carry both patterns."""


class NoEvidenceOfGroupsWarning(OverlapkitWarning):
    """Values were split in two although they look like one group."""


class SaturatedWeakModelWarning(OverlapkitWarning):
    """The weak model is certain of most rows, so its confidence ranks few of them."""


class UnbalancedClassesWarning(OverlapkitWarning):
    """Knowing nothing but the class shares is enough to be confident."""


class SimilarViewsWarning(OverlapkitWarning):
    """The strong view holds little but the weak view, or the teacher's own answers."""


class ClassCollapseWarning(OverlapkitWarning):
    """A class lost most of its share, or was never predicted at all."""


class WeakLabelWarning(OverlapkitWarning):
    """Weak labels could not be computed the way that was asked for."""


class UnknownVoteWarning(OverlapkitWarning):
    """A labelling function cast a vote that names no known class."""


class MisleadingVoteWarning(OverlapkitWarning):
    """A vote is learnt to make another class more probable than its own."""


class DegenerateGapWarning(OverlapkitWarning):
    """A performance gap is zero or negative, so its recovery is undefined."""


class ShortBatchWarning(OverlapkitWarning):
    """A source returned fewer rows than it was asked for."""


class SourceExhaustedWarning(OverlapkitWarning):
    """A source has no rows left and is not asked again."""


class UninformativeBatchWarning(OverlapkitWarning):
    """A batch came in of which the reward says nothing."""
