"""Named warnings and errors.

Every fallback of overlapkit is announced by one of these classes, so that a
user can silence one, or turn one into an error, by name.
"""

__all__ = [
    "ClassCollapseWarning",
    "DegenerateGapWarning",
    "MisleadingVoteWarning",
    "MissingLabelWarning",
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
    "UncoveredRowsWarning",
    "UninformativeBatchWarning",
    "UnknownVoteWarning",
    "UnusedParameterWarning",
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
    """Values were split in two although they show no separate groups."""


class SaturatedWeakModelWarning(OverlapkitWarning):
    """The weak model is certain of most rows, so its confidence ranks few of them."""


class UnbalancedClassesWarning(OverlapkitWarning):
    """One class is so frequent that predicting it for every row is confident enough."""


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


class UnknownVoteWarning(OverlapkitWarning):
    """A labelling function cast a vote that names no known class."""


class UnusedParameterWarning(OverlapkitWarning):
    """Something that was passed has no effect on a part of the computation."""


class MisleadingVoteWarning(OverlapkitWarning):
    """A vote is learnt to make another class more probable than its own."""


class DegenerateGapWarning(OverlapkitWarning):
    """A performance gap is zero or negative, so its recovery is undefined."""


class ShortBatchWarning(OverlapkitWarning):
    """A source returned fewer rows than it was asked for."""


class SourceExhaustedWarning(OverlapkitWarning):
    """A source has no rows left and is not queried again."""


class UninformativeBatchWarning(OverlapkitWarning):
    """No row of a batch has a reward."""
