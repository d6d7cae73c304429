"""SourceSelectionDisplay: a run of source selection, drawn."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from overlapkit.policies import UCB
from overlapkit.theory import ucb_regret_bound

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from overlapkit.sources._selector import UCBSourceSelector


__all__ = ["SourceSelectionDisplay"]

_KINDS = {
    "index": "index",
    "overlap_ratio": "share of overlap among the rows collected",
    "regret": "pseudo-regret (sum of density gaps)",
}


class SourceSelectionDisplay:
    """A run of source selection over its rounds.

    Shows why each source was asked (its index), what came of it (the overlap ratio of
    what was collected), or what was given up (the regret). Make one with
    :meth:`from_estimator` or :meth:`from_history`.

    Parameters
    ----------
    history : DataFrame
        ``history_`` of a :class:`~overlapkit.UCBSourceSelector`.
    densities : array-like of shape (n_sources,), default=None
        True densities. With them, the ratio is drawn beside that of the best source
        and of random choice, and the regret beside that of random choice.
    bound : ndarray of shape (n_rounds,), default=None
        Upper bound on the regret after each round.
    baselines : dict of str to DataFrame, default=None
        ``history_`` of other runs, by the name they have in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    lines_ : dict of str to Line2D
        What was drawn, by name: sources for the index, else ``"run"``, ``"oracle"``,
        ``"random"``, ``"bound"`` and the names of the baselines.

    See Also
    --------
    overlapkit.UCBSourceSelector : Makes the run.

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
    ...     densities=pool.densities,
    ...     random_state=0,
    ... ).fit(pool.X, pool.y, sources=pool.sources)
    >>> display = SourceSelectionDisplay.from_estimator(selector, kind="regret")
    >>> sorted(display.lines_)
    ['bound', 'random', 'run']
    """

    def __init__(
        self,
        history: "pd.DataFrame",
        *,
        densities: ArrayLike | None = None,
        bound: ArrayLike | None = None,
        baselines: "Mapping[str, pd.DataFrame] | None" = None,
    ) -> None:
        self.history = history
        self.densities = densities
        self.bound = bound
        self.baselines = baselines

    @classmethod
    def from_estimator(
        cls,
        estimator: "UCBSourceSelector",
        *,
        kind: Literal["index", "overlap_ratio", "regret"] = "index",
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
        baselines : dict of str to UCBSourceSelector or DataFrame, default=None
            Other runs, drawn beside it.
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
            densities=estimator.densities,
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
            If `kind` is unknown, or the table has no such column.
        """
        import matplotlib.pyplot as plt

        if kind not in _KINDS:
            raise ValueError(f"kind={kind!r} is unknown: use one of {list(_KINDS)}.")
        if kind != "index" and kind not in self.history.columns:
            raise ValueError(
                f"The history has no column {kind!r}; regret needs the true densities "
                "of the selector (densities=...)."
            )
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
            # a source that was never asked has an infinite index
            index = self.history[column].replace(np.inf, np.nan)
            (line,) = self.ax_.plot(rounds, index, **{"label": name, **kwargs})
            asked = index.where(chosen == name)
            self.ax_.plot(rounds, asked, "o", color=line.get_color(), markersize=4)
            self.lines_[name] = line

    def _plot_column(self, kind, **kwargs):
        rounds = self.history["round"].to_numpy()
        style = {"label": "run", "color": "C0", "linewidth": 2, **kwargs}
        (self.lines_["run"],) = self.ax_.plot(rounds, self.history[kind], **style)
        for name, history in (self.baselines or {}).items():
            (self.lines_[name],) = self.ax_.plot(
                history["round"], history[kind], "--", label=name
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


def _bound(selector) -> np.ndarray | None:
    """Bound on the regret after each round; None where its assumptions do not hold."""
    policy = UCB() if selector.policy is None else selector.policy
    floors = selector.min_source_share or selector.min_class_share
    sizes = selector.history_["rows"].to_numpy()
    if (
        not isinstance(policy, UCB)
        or policy.bonus == "authors"
        or policy.exploration < 1
        or policy.horizon == "anytime"
        or floors
        or selector.prices is not None
        or selector.reward is not None
        or len(selector.refit_rounds)
        or len(set(sizes)) != 1
    ):
        return None
    horizon = selector.n_rounds if policy.horizon == "finite" else policy.horizon
    extra = 0
    if isinstance(selector.reference, str) and selector.reference == "first":
        # rounds of asking in turn are not the policy's: each costs at most 1
        extra = max(0, selector.n_reference_rounds - len(selector.sources_))
    bounds = [
        ucb_regret_bound(
            len(selector.sources_),
            t,
            bonus=policy.bonus,
            batch_size=int(sizes[0]),
            horizon=max(horizon, t),
            exploration=policy.exploration,
        ).cumulative
        for t in range(1, len(sizes) + 1)
    ]
    return np.minimum(np.asarray(bounds) + extra, np.arange(1, len(sizes) + 1))
