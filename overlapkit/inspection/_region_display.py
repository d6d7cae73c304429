"""RegionDisplay: weak confidence, overlap scores and their thresholds, as a figure."""

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from overlapkit._utils.checks import as_numbers, check_consistent_length, check_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from overlapkit.scorers._overlap_detector import OverlapDetector

__all__ = ["RegionDisplay"]

# distinct in greyscale and with colour-vision deficiency (Okabe and Ito, 2008)
_STYLES = {
    "easy": {"color": "#56B4E9", "marker": "o", "hatch": None},
    "overlap": {"color": "#D55E00", "marker": "^", "hatch": "///"},
    "hard": {"color": "#000000", "marker": "x", "hatch": None},
}
_CODES = {"easy": 0, "overlap": 1, "hard": 2}
_KINDS = ("plane", "confidence", "score")
_NAMES = {"confidence": "weak confidence", "score": "overlap score"}


class RegionDisplay:
    """Easy, overlap and hard rows, by weak confidence and overlap score.

    Shows what the thresholds of :class:`~overlapkit.OverlapDetector` cut, and whether
    there are two groups to cut at all: a histogram with two peaks and the threshold
    between them, or a single peak that is cut anyway. Rows without a weak label are
    left out.

    Parameters
    ----------
    confidence : array-like of shape (n_samples,)
        Weak confidence of each row, 0 to 1.
    scores : array-like of shape (n_samples,)
        Overlap score of each row.
    regions : array-like of shape (n_samples,) of int
        0 easy, 1 overlap, 2 hard, 3 uncovered.
    confidence_threshold : float, default=None
        Rows with a lower confidence are hard. None: no line.
    overlap_threshold : float, default=None
        Rows that are not hard and have a higher score are overlap. None: no line.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.
    artists_ : dict of str to matplotlib artist
        What was drawn for each region: points, or the bars of a histogram.
    thresholds_ : dict of str to matplotlib Line2D
        The lines of the thresholds, "confidence" and "score".

    Raises
    ------
    ValueError
        If the arrays differ in length, or no row has a weak label.

    See Also
    --------
    overlapkit.OverlapDetector : Finds the regions.

    Examples
    --------
    >>> from overlapkit import OverlapDetector
    >>> from overlapkit.datasets import make_overlap_classification
    >>> from overlapkit.inspection import RegionDisplay
    >>> data = make_overlap_classification(random_state=0)
    >>> detector = OverlapDetector(weak_columns=data.easy_columns, random_state=0)
    >>> detector.fit(data.X, data.y)
    OverlapDetector(...)
    >>> display = RegionDisplay.from_estimator(detector, data.X)
    >>> sorted(display.artists_)
    ['easy', 'hard', 'overlap']
    """

    def __init__(
        self,
        confidence: ArrayLike,
        scores: ArrayLike,
        regions: ArrayLike,
        *,
        confidence_threshold: float | None = None,
        overlap_threshold: float | None = None,
    ) -> None:
        self.confidence = as_numbers(confidence, "confidence", ndim=1)
        self.scores = as_numbers(scores, "scores", ndim=1)
        self.regions = as_numbers(regions, "regions", ndim=1)
        check_consistent_length(
            confidence=self.confidence, scores=self.scores, regions=self.regions
        )
        thresholds = (confidence_threshold, overlap_threshold)
        for name, value in zip(("confidence", "overlap"), thresholds):
            if value is not None:
                check_number(value, f"{name}_threshold")
        if not np.isin(self.regions, (0, 1, 2)).any():
            raise ValueError(
                f"None of the {len(self.regions)} rows is easy (0), overlap (1) or "
                "hard (2), so there is nothing to draw."
            )
        self.confidence_threshold = confidence_threshold
        self.overlap_threshold = overlap_threshold

    @classmethod
    def from_estimator(
        cls,
        detector: "OverlapDetector",
        X: ArrayLike,
        *,
        kind: Literal["plane", "confidence", "score"] = "plane",
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the regions of rows as a fitted detector sees them.

        Parameters
        ----------
        detector : OverlapDetector
            A fitted one.
        X : array-like or dataframe of shape (n_samples, n_features)
            Rows, as for its ``transform``.
        kind : {"plane", "confidence", "score"}, default="plane"
            As in :meth:`plot`.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        **kwargs : dict
            As in :meth:`plot`.

        Returns
        -------
        display : RegionDisplay
            The display, drawn.
        """
        check_is_fitted(detector)
        confidence, scores = np.asarray(detector.transform(X)).T
        return cls.from_predictions(
            confidence,
            scores,
            detector.predict(X),
            confidence_threshold=detector.confidence_threshold_,
            overlap_threshold=detector.overlap_threshold_,
            kind=kind,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        confidence: ArrayLike,
        scores: ArrayLike,
        regions: ArrayLike,
        *,
        confidence_threshold: float | None = None,
        overlap_threshold: float | None = None,
        kind: Literal["plane", "confidence", "score"] = "plane",
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw regions that were computed before.

        Parameters
        ----------
        confidence : array-like of shape (n_samples,)
            Weak confidence of each row.
        scores : array-like of shape (n_samples,)
            Overlap score of each row.
        regions : array-like of shape (n_samples,) of int
            0 easy, 1 overlap, 2 hard, 3 uncovered.
        confidence_threshold : float, default=None
            As in the constructor.
        overlap_threshold : float, default=None
            As in the constructor.
        kind : {"plane", "confidence", "score"}, default="plane"
            As in :meth:`plot`.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        **kwargs : dict
            As in :meth:`plot`.

        Returns
        -------
        display : RegionDisplay
            The display, drawn.
        """
        display = cls(
            confidence,
            scores,
            regions,
            confidence_threshold=confidence_threshold,
            overlap_threshold=overlap_threshold,
        )
        return display.plot(ax, kind=kind, **kwargs)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        kind: Literal["plane", "confidence", "score"] = "plane",
        **kwargs: Any,
    ) -> Self:
        """Draw the rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: a new figure.
        kind : {"plane", "confidence", "score"}, default="plane"
            "plane": a point for each row, confidence against score. "confidence": a
            histogram of the weak confidence of all rows. "score": a histogram of the
            overlap score of the rows that are not hard, which is what the overlap
            threshold cuts.
        **kwargs : dict
            Passed to ``Axes.scatter`` or ``Axes.hist``.

        Returns
        -------
        self : RegionDisplay
            The display.

        Raises
        ------
        ValueError
            If there is no such kind, or no row to draw.
        """
        import matplotlib.pyplot as plt

        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {list(_KINDS)}, got {kind!r}.")
        shown = [name for name in _STYLES if kind != "score" or name != "hard"]
        rows = {name: self.regions == _CODES[name] for name in shown}
        rows = {name: mask for name, mask in rows.items() if mask.any()}
        if not rows:
            raise ValueError("Every row is hard, so there is no score to draw.")
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.artists_: dict[str, Any] = {}
        self.thresholds_: dict[str, Any] = {}
        if kind == "plane":
            self._scatter(rows, kwargs)
        else:
            self._histogram(rows, kind, kwargs)
        ax.legend(title="region", fontsize="small")
        return self

    def _scatter(self, rows, kwargs):
        for name, mask in rows.items():
            style = {"s": 14, "alpha": 0.6, "linewidths": 0.8, **kwargs}
            self.artists_[name] = self.ax_.scatter(
                self.confidence[mask],
                self.scores[mask],
                color=_STYLES[name]["color"],
                marker=_STYLES[name]["marker"],
                label=_counted(name, mask),
                **style,
            )
        self._threshold("confidence", self.confidence_threshold, self.ax_.axvline)
        self._threshold("score", self.overlap_threshold, self.ax_.axhline)
        self.ax_.set_xlabel(_NAMES["confidence"])
        self.ax_.set_ylabel(_NAMES["score"])

    def _histogram(self, rows, kind, kwargs):
        values = self.confidence if kind == "confidence" else self.scores
        drawn = values[np.logical_or.reduce(list(rows.values()))]
        # the same bins for all regions, which are stacked
        bins = np.histogram_bin_edges(drawn, kwargs.pop("bins", 40))
        base = np.zeros(len(bins) - 1)
        for name, mask in rows.items():
            style = {"edgecolor": "white", "linewidth": 0.4, **kwargs}
            counts, _, bars = self.ax_.hist(
                values[mask],
                bins=bins,
                bottom=base,
                color=_STYLES[name]["color"],
                hatch=_STYLES[name]["hatch"],
                label=_counted(name, mask),
                **style,
            )
            self.artists_[name] = bars
            base = base + counts
        self.ax_.set_ylim(0, 1.3 * base.max())  # room for the legend
        if kind == "confidence":
            self._threshold(kind, self.confidence_threshold, self.ax_.axvline)
        else:
            self._threshold(kind, self.overlap_threshold, self.ax_.axvline)
        self.ax_.set_xlabel(_NAMES[kind])
        self.ax_.set_ylabel(
            "rows" if kind == "confidence" else "rows that are not hard"
        )

    def _threshold(self, name, value, draw):
        if value is not None and np.isfinite(value):
            self.thresholds_[name] = draw(
                value, color="#555555", linestyle="--", linewidth=1.2
            )


def _counted(name, mask) -> str:
    return f"{name} ({mask.sum():,})"
