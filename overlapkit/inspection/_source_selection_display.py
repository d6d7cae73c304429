"""SourceSelectionDisplay: plots of a run of source selection."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from overlapkit._utils.checks import as_numbers, check_kind
from overlapkit._utils.figures import as_text
from overlapkit.metrics._regret import cumulative_regret
from overlapkit.policies import UCB
from overlapkit.theory._regret import bounds_of_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from overlapkit.sources._selector import UCBSourceSelector


__all__ = ["SourceSelectionDisplay"]

_KINDS = {
    "index": "index",
    "overlap_ratio": "share of overlap among the rows collected",
    "regret": "pseudo-regret (sum of density gaps)",
}


class SourceSelectionDisplay:
    """Plot a run of source selection over its rounds.

    The plot shows the index of each source, by which it was chosen, the share of
    overlap in the rows collected, or the regret. Make one with :meth:`from_estimator`
    or :meth:`from_history`.

    Parameters
    ----------
    history : DataFrame
        ``history_`` of a :class:`~overlapkit.UCBSourceSelector`.
    densities : array-like of shape (n_sources,), default=None
        True densities, in the order of ``sources_``. The regret needs them; the ratio
        is drawn with that of the densest source and that expected of random choice.
    prices : dict or array-like of shape (n_sources,), default=None
        Prices of the run, for its regret.
    bound : ndarray of shape (n_rounds,), default=None
        Upper bound on the regret after each round.
    baselines : dict of str to DataFrame, default=None
        ``history_`` of other runs on the same sources, by the name they have in the
        legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    lines_ : dict of str to Line2D
        The lines by name: sources for the index, else ``"run"``, ``"oracle"``,
        ``"random"``, ``"bound"`` and the names of the baselines.

    See Also
    --------
    overlapkit.UCBSourceSelector : The estimator that makes a run.
    overlapkit.metrics.cumulative_regret : The regret that is drawn.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from overlapkit import OverlapDetector, UCBSourceSelector
    >>> from overlapkit.datasets import make_overlap_sources
    >>> from overlapkit.inspection import SourceSelectionDisplay
    >>> pool = make_overlap_sources([0.2, 0.8], random_state=0)
    >>> selector = UCBSourceSelector(
    ...     LogisticRegression(),
    ...     detector=OverlapDetector(weak_columns=pool.easy_columns),
    ...     random_state=0,
    ... ).fit(pool.X, pool.y, sources=pool.sources)
    >>> display = SourceSelectionDisplay.from_estimator(
    ...     selector, kind="regret", densities=pool.densities)
    >>> sorted(display.lines_)
    ['bound', 'random', 'run']
    """

    def __init__(
        self,
        history: "pd.DataFrame",
        *,
        densities: ArrayLike | None = None,
        prices: "Mapping[Any, float] | ArrayLike | None" = None,
        bound: ArrayLike | None = None,
        baselines: "Mapping[str, pd.DataFrame] | None" = None,
    ) -> None:
        check_kind(
            history, "history", pd.DataFrame, "the DataFrame history_ of a selector"
        )
        if densities is not None:
            densities = as_numbers(densities, "densities", ndim=1)
            if not ((densities >= 0) & (densities <= 1)).all():
                raise ValueError(
                    f"densities must lie in [0, 1], got {densities.tolist()}."
                )
        if prices is not None and not isinstance(prices, Mapping):
            as_numbers(prices, "prices", ndim=1)
        if bound is not None:
            bound = as_numbers(bound, "bound", ndim=1, finite=False)
        if baselines is not None:
            what = "a dict of names and histories"
            check_kind(baselines, "baselines", Mapping, what)
            for name, run in baselines.items():
                check_kind(run, f"baselines[{name!r}]", pd.DataFrame, "a DataFrame")
        self.history = history
        self.densities = densities
        self.prices = prices
        self.bound = bound
        self.baselines = baselines

    @classmethod
    def from_estimator(
        cls,
        estimator: "UCBSourceSelector",
        *,
        kind: Literal["index", "overlap_ratio", "regret"] = "index",
        densities: ArrayLike | None = None,
        baselines: "Mapping[str, UCBSourceSelector | pd.DataFrame] | None" = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the run of a fitted selector.

        Parameters
        ----------
        estimator : UCBSourceSelector
            After ``fit``, or any number of calls of ``partial_fit``.
        kind : {"index", "overlap_ratio", "regret"}, default="index"
            As in :meth:`plot`.
        densities : array-like of shape (n_sources,), default=None
            As in the constructor.
        baselines : dict of str to UCBSourceSelector or DataFrame, default=None
            Other runs on the same sources, drawn in the same plot.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        **kwargs : dict
            As in :meth:`plot`.

        Returns
        -------
        display : SourceSelectionDisplay
            The display, drawn.
        """
        check_is_fitted(estimator)
        histories = {
            name: getattr(run, "history_", run)
            for name, run in (baselines or {}).items()
        }
        display = cls(
            estimator.history_,
            densities=densities,
            prices=estimator.prices,
            bound=_bound(estimator),
            baselines=histories,
        )
        return display.plot(kind, ax, **kwargs)

    @classmethod
    def from_history(
        cls,
        history: "pd.DataFrame",
        *,
        kind: Literal["index", "overlap_ratio", "regret"] = "index",
        densities: ArrayLike | None = None,
        baselines: "Mapping[str, pd.DataFrame] | None" = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw a run from its table.

        Parameters
        ----------
        history : DataFrame
            As ``history_`` of a selector.
        kind : {"index", "overlap_ratio", "regret"}, default="index"
            As in :meth:`plot`.
        densities : array-like of shape (n_sources,), default=None
            As in the constructor.
        baselines : dict of str to DataFrame, default=None
            As in the constructor.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        **kwargs : dict
            As in :meth:`plot`.

        Returns
        -------
        display : SourceSelectionDisplay
            The display, drawn.
        """
        display = cls(history, densities=densities, baselines=baselines)
        return display.plot(kind, ax, **kwargs)

    def plot(
        self,
        kind: Literal["index", "overlap_ratio", "regret"] = "index",
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw one view of the run.

        Parameters
        ----------
        kind : {"index", "overlap_ratio", "regret"}, default="index"
            What to draw.
        ax : matplotlib Axes, default=None
            Where to draw; None: a new figure.
        **kwargs : dict
            Passed to ``Axes.plot`` for the lines of the run itself.

        Returns
        -------
        self : SourceSelectionDisplay
            The display.

        Raises
        ------
        ValueError
            If `kind` is unknown, the table has no such column, or `densities` is
            missing or has another number of sources.
        """
        import matplotlib.pyplot as plt

        if kind not in _KINDS:
            raise ValueError(f"kind={kind!r} is unknown: use one of {list(_KINDS)}.")
        if kind == "regret" and self.densities is None:
            raise ValueError(
                "kind='regret' needs the true densities of the sources: densities=..."
            )
        if kind == "overlap_ratio" and kind not in self.history.columns:
            raise ValueError(f"The history has no column {kind!r}.")
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_: dict[str, Any] = {}
        if kind == "index":
            self._plot_index(**kwargs)
        else:
            self._plot_column(kind, **kwargs)
        ax.set_xlabel("round")
        ax.set_ylabel(_KINDS[kind])
        ax.legend(fontsize="small")
        return self

    def _plot_index(self, **kwargs):
        prefix, rounds = "index_", self.history["round"]
        chosen = self.history["source"].astype(str)
        for column in self.history.columns:
            if not column.startswith(prefix):
                continue
            name = column.removeprefix(prefix)
            # a source that was never queried has an infinite index
            index = self.history[column].replace(np.inf, np.nan)
            (line,) = self.ax_.plot(rounds, index, **{"label": as_text(name), **kwargs})
            queried = index.where(chosen == name)
            self.ax_.plot(rounds, queried, "o", color=line.get_color(), markersize=4)
            self.lines_[name] = line

    def _plot_column(self, kind, **kwargs):
        rounds = self.history["round"].to_numpy()
        style = {"label": "run", "color": "C0", "linewidth": 2, **kwargs}
        values = self._values(self.history, kind)
        (self.lines_["run"],) = self.ax_.plot(rounds, values, **style)
        for name, history in (self.baselines or {}).items():
            (self.lines_[name],) = self.ax_.plot(
                history["round"], self._values(history, kind), "--", label=as_text(name)
            )
        known = {}
        if self.densities is not None:
            best, mean = np.max(self.densities), np.mean(self.densities)
            if kind == "overlap_ratio":
                known["oracle"] = np.full(len(rounds), best), "densest source"
                known["random"] = np.full(len(rounds), mean), "random, expected"
            else:
                known["random"] = rounds * (best - mean), "random, expected"
        if kind == "regret" and self.bound is not None:
            known["bound"] = np.asarray(self.bound), "upper bound"
        for name, (values, label) in known.items():
            if name not in self.lines_:
                (self.lines_[name],) = self.ax_.plot(
                    rounds, values, ":", color="0.4" if name == "random" else "k"
                )
                self.lines_[name].set_label(label)

    def _values(self, history, kind):
        if kind != "regret":
            return history[kind].to_numpy()
        prefix = "index_"
        names = [
            column.removeprefix(prefix)
            for column in history.columns
            if column.startswith(prefix)
        ]
        prices = self.prices
        if isinstance(prices, Mapping):
            by_name = {str(name): price for name, price in prices.items()}
            prices = [by_name[name] for name in names]
        chosen = [names.index(str(name)) for name in history["source"]]
        return cumulative_regret(
            self.densities, np.array(chosen, dtype=np.intp), prices=prices
        )


def _bound(selector) -> np.ndarray | None:
    """Bound on the regret after each round; None where its assumptions do not hold."""
    if (
        selector.min_source_share
        or selector.min_class_share
        or selector.prices is not None
        or selector.reward is not None
        or len(selector.refit_rounds)
    ):
        return None
    in_turn = isinstance(selector.reference, str) and selector.reference == "first"
    return bounds_of_run(
        UCB() if selector.policy is None else selector.policy,
        len(selector.sources_),
        selector.history_["rows"].to_numpy(),
        n_rounds=selector.n_rounds,
        n_first_rounds=selector.n_reference_rounds if in_turn else 0,
    )
