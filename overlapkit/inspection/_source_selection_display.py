"""SourceSelectionDisplay: plots of a run of source selection."""

from collections.abc import Callable, Mapping
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

_PREFIX = "index_"
_KINDS = {
    "index": "index",
    "overlap_ratio": "share of overlap among the rows collected",
    "regret": "pseudo-regret (sum of density gaps)",
}


class SourceSelectionDisplay:
    """Plot a run of source selection over its rounds.

    The plot shows the index of each source, by which it was chosen, the share of
    overlap in the rows collected, or the regret. Rounds at the start in which a source
    was queried because nothing was known of it are shaded; with the index, bars there
    show the density of the source so far with its 95 % interval, and squares below show
    the source of every round. Make one with :meth:`from_estimator` or
    :meth:`from_history`.

    Parameters
    ----------
    history : DataFrame
        ``history_`` of a :class:`~overlapkit.UCBSourceSelector`.
    densities : dict, array-like of shape (n_sources,) or callable, default=None
        True densities by name or in the order of ``sources_``, or a function that is
        given the number of the round and returns one of these. The regret needs them;
        the ratio is drawn with that of the densest source and that expected of random
        choice.
    prices : dict, array-like of shape (n_sources,) or callable, default=None
        Prices of the run, for its regret. With prices, the axis is the cost so far
        instead of the round.
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
        densities: "Mapping[Any, float] | ArrayLike | Callable | None" = None,
        prices: "Mapping[Any, float] | ArrayLike | Callable | None" = None,
        bound: ArrayLike | None = None,
        baselines: "Mapping[str, pd.DataFrame] | None" = None,
    ) -> None:
        check_kind(
            history, "history", pd.DataFrame, "the DataFrame history_ of a selector"
        )
        for what, value in (("densities", densities), ("prices", prices)):
            if isinstance(value, type):
                raise TypeError(
                    f"{what}={value.__name__} is a class: pass one number for each "
                    "source, by name or in order, or a function of the round."
                )
        if isinstance(densities, Mapping) and not densities:
            raise ValueError(
                "densities is an empty dict: name every source, or pass None."
            )
        if densities is not None and not callable(densities):
            given: Any = densities
            named = isinstance(densities, Mapping)
            given = as_numbers(
                list(given.values()) if named else given, "densities", ndim=1
            )
            if not ((given >= 0) & (given <= 1)).all():
                raise ValueError(f"densities must lie in [0, 1], got {given.tolist()}.")
            densities = densities if named else given
        if prices is not None and not (isinstance(prices, Mapping) or callable(prices)):
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
        densities: "Mapping[Any, float] | ArrayLike | Callable | None" = None,
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
        densities : dict, array-like or callable, default=None
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
        densities: "Mapping[Any, float] | ArrayLike | Callable | None" = None,
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
        densities : dict, array-like or callable, default=None
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
        self._mark_first_rounds()
        self._label_axes(kind)
        return self

    def _label_axes(self, kind):
        from matplotlib.ticker import MaxNLocator

        ax = self.ax_
        if self.prices is None:
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            ax.set_xlim(0.5, len(self.history) + 0.5)
            ax.set_xlabel("round")
        else:
            ax.set_xlim(left=0)
            ax.set_xlabel("cost so far")
        ax.set_ylabel(_KINDS[kind])
        drawn = any(
            np.isfinite(line.get_ydata()).any() for line in self.lines_.values()
        )
        if kind == "index" and ax.containers:
            what = "density (bars: 95 % interval)"
            ax.set_ylabel(f"index; {what}" if drawn else what)
            if not drawn:
                ax.set_ylim(0, 1)
        elif not drawn:
            self._say_what_came()
        title = "source (dots: queried)" if kind == "index" else "run"
        ax.legend(title=title, fontsize="small", title_fontsize="small")

    def _say_what_came(self):
        """Rows of each source, where no batch was read yet."""
        rows = self.history.groupby("source", sort=False)["rows"].sum()
        lines = [f"{as_text(name)}: {n} rows" for name, n in rows.items()]
        self.ax_.text(
            0.04,
            0.9,
            "\n".join(["no batch was read yet", *lines]),
            transform=self.ax_.transAxes,
            va="top",
        )
        self.ax_.set_yticks([])

    def _x(self, history) -> np.ndarray:
        column = "round" if self.prices is None else "cost"
        return history[column].to_numpy(dtype=float)

    def _mark_first_rounds(self):
        """Shade the rounds in which a source is queried because it is unknown."""
        history = self.history
        index = history[[f"{_PREFIX}{name}" for name in self._names(history)]]
        chosen = _positions(history, self._names(history))
        decided = np.isfinite(index.to_numpy(dtype=float)[range(len(history)), chosen])
        n_first = int(decided.argmax()) if decided.any() else len(history)
        if n_first:
            x = self._x(history)
            low = 0.5 if self.prices is None else 0.0
            high = n_first + 0.5 if self.prices is None else x[n_first - 1]
            self.ax_.axvspan(low, high, color="0.93", zorder=0, label="first rounds")

    def _names(self, history) -> list[str]:
        return [c.removeprefix(_PREFIX) for c in history if c.startswith(_PREFIX)]

    def _plot_index(self, **kwargs):
        history, x = self.history, self._x(self.history)
        names = self._names(history)
        chosen = _positions(history, names)
        strip = self.ax_.get_xaxis_transform()  # x in data, y in shares of the axes
        for k, name in enumerate(names):
            # a source that was never queried has an infinite index
            index = history[f"{_PREFIX}{name}"].replace(np.inf, np.nan)
            (line,) = self.ax_.plot(x, index, **{"label": as_text(name), **kwargs})
            mine, color = chosen == k, line.get_color()
            first = mine & ~np.isfinite(index) & history["density"].notna()
            if first.any():
                density, *ends = history.loc[
                    first, ["density", "density_low", "density_high"]
                ].T.to_numpy()
                self.ax_.errorbar(
                    x[first], density, np.abs(np.array(ends) - density),
                    fmt="D", color=color, markersize=4, capsize=3,
                )  # fmt: skip
            self.ax_.plot(x, index.where(mine), "o", color=color, markersize=4)
            # every round shows its source here, those without an index as well
            self.ax_.plot(
                x[mine], np.full(mine.sum(), 0.02), "s", color=color, markersize=4,
                transform=strip, clip_on=False,
            )  # fmt: skip
            self.lines_[name] = line

    def _plot_column(self, kind, **kwargs):
        x, n_rounds = self._x(self.history), len(self.history)
        style = {"label": "run", "color": "C0", "linewidth": 2, "marker": ".", **kwargs}
        values = self._values(self.history, kind)
        (self.lines_["run"],) = self.ax_.plot(x, values, **style)
        for k, (name, history) in enumerate((self.baselines or {}).items()):
            (self.lines_[name],) = self.ax_.plot(
                self._x(history),
                self._values(history, kind),
                "--",
                marker=".",
                color=f"C{k + 1}",
                label=as_text(name),
            )
        known = {}
        if self.densities is not None:
            densities, prices = self._by_round(self.history)
            best, mean = densities.max(axis=1), densities.mean(axis=1)
            if kind == "overlap_ratio":
                known["oracle"] = best, "densest source"
                known["random"] = mean, "random, expected"
            else:
                worth = (densities / prices).max(axis=1, keepdims=True)
                gaps = (worth * prices - densities).mean(axis=1)
                known["random"] = np.cumsum(gaps), "random, expected"
        if kind == "regret" and self.bound is not None:
            known["bound"] = np.asarray(self.bound), "upper bound"
        for name, (values, label) in known.items():
            if name not in self.lines_:
                marker = "." if n_rounds == 1 else None
                (self.lines_[name],) = self.ax_.plot(
                    x,
                    values,
                    ":",
                    marker=marker,
                    color="0.4" if name == "random" else "k",
                )
                self.lines_[name].set_label(label)

    def _by_round(self, history) -> tuple[np.ndarray, np.ndarray]:
        """Density and price of each source in each round."""
        names = self._names(history)
        tables = []
        both: list[tuple[str, Any]] = [
            ("densities", self.densities),
            ("prices", self.prices),
        ]
        for what, given in both:
            by_round = callable(given)
            rows = [
                _values_by_source(given(t) if by_round else given, names, what)
                for t in (history["round"] if by_round else (1,))
            ]
            shape = len(history), len(names)
            tables.append(np.broadcast_to(np.array(rows), shape))
        return tables[0], tables[1]

    def _values(self, history, kind):
        if kind != "regret":
            return history[kind].to_numpy()
        densities, prices = self._by_round(history)
        chosen = _positions(history, self._names(history))
        if not callable(self.densities) and not callable(self.prices):
            return cumulative_regret(densities[0], chosen, prices=prices[0])
        rounds = np.arange(len(history))
        gaps = (densities / prices).max(axis=1) * prices[rounds, chosen]
        return np.cumsum(gaps - densities[rounds, chosen])


def _positions(history, names) -> np.ndarray:
    """Position of the source of each round."""
    position = {name: k for k, name in enumerate(names)}
    return np.array([position[str(n)] for n in history["source"]], dtype=np.intp)


def _values_by_source(given, names, what) -> np.ndarray:
    """Numbers in the order of the sources, from an array or a dict by name."""
    if given is None:
        return np.ones(len(names))
    if isinstance(given, Mapping):
        by_name = {str(name): value for name, value in given.items()}
        missing = [name for name in names if name not in by_name]
        if missing:
            raise ValueError(f"{what} has no number for the source(s) {missing}.")
        given = [by_name[name] for name in names]
    values = np.asarray(given, dtype=float)
    if values.shape != (len(names),):
        raise ValueError(
            f"{what} has shape {values.shape}, expected one number for each of "
            f"{len(names)} sources: {names}."
        )
    return values


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
