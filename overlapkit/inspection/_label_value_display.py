"""LabelValueDisplay: accuracy against the number of true labels, as a figure."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from overlapkit.model_selection import label_value_curve
from overlapkit.model_selection._label_worth import in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from sklearn.pipeline import Pipeline

    from overlapkit.model_selection._label_value_curve import LabelValueCurve
    from overlapkit.students._weak_to_strong import WeakToStrongClassifier

__all__ = ["LabelValueDisplay"]

# distinct in greyscale and with colour-vision deficiency (Okabe and Ito, 2008); lines
# without true labels or without weak ones are not solid
_STYLES = {
    "labels alone": {"color": "#0072B2", "marker": "o"},
    "weak labels alone": {"color": "#000000", "linestyle": "--"},
    "both": {"color": "#D55E00", "marker": "s"},
    "self-cut": {"color": "#009E73", "marker": "^", "linestyle": ":"},
}
_NAMES = {
    "labels alone": "true labels alone",
    "weak labels alone": "weak labels alone",
    "both": "both",
    "self-cut": "true labels alone, self-cut",
}
_NEEDED = {"n_labels", "method", "repeat", "accuracy", "low", "high"}


class LabelValueDisplay:
    """Accuracy against the number of true labels, with and without weak labels.

    For every method and number of labels, the point is the mean over the repeats and
    the band its interval. A diamond marks where labels alone are as accurate as weak
    labels alone, with the interval of that number of labels as a horizontal bar; an
    arrow takes its place where the number lies outside the range drawn.

    Parameters
    ----------
    result : LabelValueCurve
        What :func:`~overlapkit.model_selection.label_value_curve` returns.

    Attributes
    ----------
    result : LabelValueCurve
        The same.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : dict of str to matplotlib Line2D
        The line of each method.
    bands_ : dict of str to matplotlib artist
        The band of each method; empty where none was requested.
    crossover_ : matplotlib Line2D
        The mark of the number of labels that the weak labels are worth; its label says
        the number and the interval in words.
    interval_ : matplotlib Line2D
        The bar of its interval, as far as it lies in the range drawn.

    Raises
    ------
    ValueError
        If the result has no curve as ``label_value_curve`` returns it.

    See Also
    --------
    overlapkit.model_selection.label_value_curve : Computes the curve.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from overlapkit import WeakToStrongClassifier
    >>> from overlapkit.inspection import LabelValueDisplay
    >>> from overlapkit.label_models import MajorityVote
    >>> X, y = make_classification(800, 10, n_informative=5, random_state=0)
    >>> rng = np.random.RandomState(0)
    >>> right = rng.uniform(size=(800, 3)) < 0.7
    >>> votes = np.where(right, y[:, None], 1 - y[:, None])
    >>> student = WeakToStrongClassifier(
    ...     LogisticRegression(),
    ...     weak_estimator=MajorityVote(),
    ...     strong_columns=slice(0, 10),
    ...     weak_columns=slice(10, 13),
    ...     selector="auto",
    ... )
    >>> display = LabelValueDisplay.from_estimator(
    ...     student,
    ...     np.hstack([X, votes]),
    ...     y,
    ...     n_labels=[25, 100, 400],
    ...     n_repeats=2,
    ...     random_state=0,
    ... )
    >>> list(display.lines_)
    ['labels alone', 'weak labels alone', 'both', 'self-cut']
    """

    def __init__(self, result: "LabelValueCurve") -> None:
        curve: Any = getattr(result, "curve", None)
        missing = _NEEDED - set(getattr(curve, "columns", ()))
        if missing or len(curve) == 0:
            raise ValueError(
                "result must be what label_value_curve returns; its curve is empty or "
                f"lacks the columns {sorted(missing)}."
            )
        self.result = result

    @classmethod
    def from_estimator(
        cls,
        student: "WeakToStrongClassifier | Pipeline",
        X: ArrayLike,
        y: ArrayLike,
        *,
        band: bool = True,
        ax: "Axes | None" = None,
        **curve_params: Any,
    ) -> Self:
        """Compute the curve and draw it.

        Parameters
        ----------
        student : WeakToStrongClassifier or Pipeline
            The strong model, the weak model and the views.
        X : array-like or dataframe of shape (n_samples, n_features)
            Rows to learn from, both views side by side.
        y : array-like of shape (n_samples,)
            True labels, as far as they are known.
        band : bool, default=True
            As in :meth:`plot`.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        **curve_params : dict
            Other parameters of
            :func:`~overlapkit.model_selection.label_value_curve`.

        Returns
        -------
        display : LabelValueDisplay
            The display, drawn.
        """
        result = label_value_curve(student, X, y, **curve_params)
        return cls.from_curve(result, band=band, ax=ax)

    @classmethod
    def from_curve(
        cls,
        result: "LabelValueCurve",
        *,
        band: bool = True,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw a curve that was computed before.

        Parameters
        ----------
        result : LabelValueCurve
            What :func:`~overlapkit.model_selection.label_value_curve` returns.
        band : bool, default=True
            As in :meth:`plot`.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : LabelValueDisplay
            The display, drawn.
        """
        return cls(result).plot(ax, band=band)

    def plot(
        self, ax: "Axes | None" = None, *, band: bool = True, **kwargs: Any
    ) -> Self:
        """Draw a line for each method, and mark what the weak labels are worth.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: a new figure. The legend stands on its right, for
            which a figure with ``layout="constrained"`` leaves room.
        band : bool, default=True
            Draw the intervals.
        **kwargs : dict
            Passed to ``Axes.plot`` for every line.

        Returns
        -------
        self : LabelValueDisplay
            The display.
        """
        import matplotlib.pyplot as plt
        from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

        if ax is None:
            _, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_, self.bands_ = {}, {}
        curve = self.result.curve
        for method in dict.fromkeys(curve["method"]):
            part = curve[curve["method"] == method].groupby("n_labels")
            mean = part["accuracy"].mean()
            low, high = part["low"].first(), part["high"].first()
            style = {"label": _NAMES.get(method, method), "markersize": 4}
            style |= {**_STYLES.get(method, {}), **kwargs}
            (line,) = ax.plot(mean.index, mean, **style)
            self.lines_[method] = line
            if band and low.notna().any():
                self.bands_[method] = ax.fill_between(
                    mean.index,
                    low,
                    high,
                    color=line.get_color(),
                    alpha=0.12,
                    linewidth=0,
                )
        sizes = sorted(set(curve["n_labels"]))
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator(sizes))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda a, _: f"{a:.0%}"))
        self._mark(ax, sizes)
        # bands of two repeats may span everything; the lines are what is read
        heights = curve.groupby(["method", "n_labels"])["accuracy"].mean()
        span = max(heights.max() - heights.min(), 0.05)
        bottom, top = ax.get_ylim()
        ax.set_ylim(max(bottom, heights.min() - span), min(top, 1.01))
        ax.set_xlabel("number of true labels (logarithmic scale)")
        ax.set_ylabel("accuracy on test rows")
        # four lines and their bands leave no corner free for certain
        ax.legend(
            title="learnt from",
            fontsize="small",
            loc="upper left",
            bbox_to_anchor=(1.01, 1),
            frameon=False,
            alignment="left",
        )
        return self

    def _mark(self, ax, sizes) -> None:
        """Mark the number of labels that the weak labels are worth."""
        n, low, high = self.result.worth
        curve = self.result.curve
        height = curve.loc[curve["method"] == "weak labels alone", "accuracy"].mean()
        place, start, stop = np.clip([n, low, high], sizes[0], sizes[-1])
        color = _STYLES["weak labels alone"]["color"]
        marker = "<" if n < sizes[0] else ">" if n > sizes[-1] else "D"
        (self.interval_,) = ax.plot(
            [start, stop], [height, height], color=color, linewidth=3, zorder=4
        )
        about, between = in_words(self.result.worth, sizes[0], sizes[-1])
        level = 100 * self.result.confidence_level
        (self.crossover_,) = ax.plot(
            [place],
            [height],
            marker,
            color=color,
            markersize=8,
            zorder=5,
            # in the legend, where it covers no line
            label=f"weak labels are worth\n{about} true labels\n"
            f"({level:.3g} % interval:\n{between})",
        )
        ax.axvline(place, color=color, linewidth=0.8, linestyle=":", zorder=1)
