"""OverlapCurveDisplay: the mixing experiment as a figure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from overlapkit._utils.checks import check_kind
from overlapkit.model_selection import overlap_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from overlapkit.model_selection import DetectedRows
    from overlapkit.scorers._overlap_detector import OverlapDetector


__all__ = ["OverlapCurveDisplay"]

# distinct in greyscale and with colour-vision deficiency (Okabe and Ito, 2008); the
# line style says whether a pool has hard rows: these are two experiments
_STYLES = {
    "overlap": {"color": "#D55E00", "marker": "o"},
    "random non-hard": {"color": "#0072B2", "marker": "s"},
    "most confident": {"color": "#56B4E9", "marker": "^"},
    "overlap vs easy": {"color": "#E69F00", "marker": "D", "linestyle": "--"},
    "high vs low scores": {"color": "#CC79A7", "marker": "v", "linestyle": "--"},
    "true overlap": {"color": "#000000", "marker": "x"},
    "true overlap vs easy": {"color": "#000000", "marker": "+", "linestyle": "--"},
}
_NEEDED = {"pool", "share", "seed"}


class OverlapCurveDisplay:
    r"""Accuracy of a strong model against the share of overlap rows it learnt from.

    The curve of the detected overlap rows is always drawn with its controls. If it
    increases as much as that of random non-hard rows, leaving out hard rows helps, and
    overlap need not. Pools with hard rows have solid lines, pools without have dashed
    lines.

    For every pool and share, the point is the mean over the repeats. The band is the
    95 % interval of an accuracy, by :func:`~overlapkit.model_selection.gain_interval`,
    which allows for the draw of the test rows; for other columns it is :math:`\pm` one
    standard error of the mean over repeats, :math:`s / \sqrt{n_\text{repeats}}`.

    Parameters
    ----------
    curve : DataFrame
        What :func:`~overlapkit.model_selection.overlap_curve` returns: a row for each
        pool, share and repeat.

    Attributes
    ----------
    curve : DataFrame
        The same.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : dict of str to matplotlib Line2D
        The line of each pool.
    bands_ : dict of str to matplotlib artist
        The band of each pool; empty without bounds, or where none was requested.

    Raises
    ------
    ValueError
        If the table lacks the columns pool, share and seed, or has no row.

    See Also
    --------
    overlapkit.model_selection.overlap_curve : Computes the curve.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from overlapkit import OverlapDetector
    >>> from overlapkit.datasets import make_overlap_classification
    >>> from overlapkit.inspection import OverlapCurveDisplay
    >>> data = make_overlap_classification(random_state=0)
    >>> display = OverlapCurveDisplay.from_estimator(
    ...     LogisticRegression(C=0.01),
    ...     OverlapDetector(weak_columns=data.easy_columns),
    ...     data.X,
    ...     data.y,
    ...     shares=[0, 0.5, 1],
    ...     n_repeats=2,
    ...     random_state=0,
    ... )
    >>> sorted(display.lines_)[:3]
    ['high vs low scores', 'most confident', 'overlap']
    """

    def __init__(self, curve: "pd.DataFrame") -> None:
        table = "a DataFrame, as overlap_curve returns it"
        check_kind(curve, "curve", pd.DataFrame, table)
        missing = _NEEDED - set(curve.columns)
        if missing or len(curve) == 0:
            raise ValueError(
                "curve must be a table as overlap_curve returns it; it has "
                f"{len(curve)} rows and lacks the columns {sorted(missing)}."
            )
        self.curve = curve

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator | None,
        detector: "OverlapDetector | DetectedRows",
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        metric: str = "accuracy",
        pools: Sequence[str] | None = None,
        band: bool = True,
        ax: "Axes | None" = None,
        **curve_params: Any,
    ) -> Self:
        """Run the mixing experiment and draw it.

        Parameters
        ----------
        estimator : classifier or None
            The strong model.
        detector : OverlapDetector or DetectedRows
            Finds the regions, or rows with regions from elsewhere.
        X : array-like or dataframe of shape (n_samples, n_features)
            Rows to learn from.
        y : array-like of shape (n_samples,), default=None
            Labels the weak model learns from.
        metric : str, default="accuracy"
            As in :meth:`plot`.
        pools : list of str, default=None
            As in :meth:`plot`.
        band : bool, default=True
            As in :meth:`plot`.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        **curve_params : dict
            Other parameters of :func:`~overlapkit.model_selection.overlap_curve`.

        Returns
        -------
        display : OverlapCurveDisplay
            The display, drawn.
        """
        curve = overlap_curve(estimator, detector, X, y, **curve_params)
        return cls.from_curve(curve, metric=metric, pools=pools, band=band, ax=ax)

    @classmethod
    def from_curve(
        cls,
        curve: "pd.DataFrame",
        *,
        metric: str = "accuracy",
        pools: Sequence[str] | None = None,
        band: bool = True,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw a curve that was computed before.

        Parameters
        ----------
        curve : DataFrame
            What :func:`~overlapkit.model_selection.overlap_curve` returns.
        metric : str, default="accuracy"
            As in :meth:`plot`.
        pools : list of str, default=None
            As in :meth:`plot`.
        band : bool, default=True
            As in :meth:`plot`.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : OverlapCurveDisplay
            The display, drawn.
        """
        return cls(curve).plot(ax, metric=metric, pools=pools, band=band)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        metric: str = "accuracy",
        pools: Sequence[str] | None = None,
        band: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Draw a line for each pool.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: a new figure.
        metric : str, default="accuracy"
            Column to draw: ``"balanced_accuracy"``, ``"accuracy_hard"``,
            ``"label_purity"`` or another.
        pools : list of str, default=None
            Pools to draw; None: all.
        band : bool, default=True
            Draw the interval of the mean, or one standard error where there is none.
        **kwargs : dict
            Passed to ``Axes.plot`` for every line.

        Returns
        -------
        self : OverlapCurveDisplay
            The display.

        Raises
        ------
        ValueError
            If there is no such column or pool.
        """
        import matplotlib.pyplot as plt

        pools = self._check_pools(pools)
        drawn = [name for name in self.curve if not name.endswith(("_low", "_high"))]
        if metric not in drawn or metric in _NEEDED:
            names = sorted(set(drawn) - _NEEDED)
            raise ValueError(f"There is no column {metric!r} to draw; one of {names}.")
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_, self.bands_ = {}, {}
        for pool in pools:
            shares = self.curve[self.curve["pool"] == pool].groupby("share")[metric]
            mean, n = shares.mean(), shares.count()
            style = {"label": pool, "markersize": 4, **_STYLES.get(pool, {}), **kwargs}
            (line,) = ax.plot(mean.index, mean, **style)
            self.lines_[pool] = line
            low, high = self._bounds(pool, metric)
            if low is None:
                error = shares.std() / np.sqrt(n)
                low, high = mean - error, mean + error
            if band and low.notna().any():
                self.bands_[pool] = ax.fill_between(
                    mean.index,
                    low,
                    high,
                    color=line.get_color(),
                    alpha=0.15,
                    linewidth=0,
                )
        ax.set_xlabel("share of the pool's rows in the training set")
        kind, _, region = metric.partition("accuracy_")
        name = f"accuracy on {region} rows" if region and not kind else metric
        ax.set_ylabel(name.replace("_", " "))
        ax.legend(title="pool", fontsize="small")
        return self

    def _bounds(self, pool, metric):
        """Interval of the mean of a column; None where the curve has none."""
        names = [f"{metric}_low", f"{metric}_high"]
        if not set(names) <= set(self.curve.columns):
            return None, None
        part = self.curve[self.curve["pool"] == pool].groupby("share")[names].first()
        return part[names[0]], part[names[1]]

    def _check_pools(self, pools):
        there = list(dict.fromkeys(self.curve["pool"]))
        if pools is None:
            return there
        unknown = [pool for pool in pools if pool not in there]
        if unknown or not len(pools):
            raise ValueError(f"There is no pool {unknown}; there are {there}.")
        return list(pools)
