"""VoteAgreementDisplay: how often labelling functions agree, as a figure."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from overlapkit._utils.checks import as_numbers
from overlapkit.label_models import MajorityVote
from overlapkit.label_models._moments import PairCounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["VoteAgreementDisplay"]

_MOST_NUMBERS = 15  # functions; with more, numbers in the cells cannot be read


class VoteAgreementDisplay:
    r"""Agreement of every pair of labelling functions.

    A cell is the share of equal votes on the rows where both functions vote,

    .. math:: a_{jk} = \frac{\#\{i : L_{ij} = L_{ik} \neq -1\}}
                            {\#\{i : L_{ij} \neq -1,\; L_{ik} \neq -1\}},

    and is left white where they never vote on the same row. A function whose row is
    light against all others votes against them; two functions with 1.0 copy each other
    and should not count as two.

    Parameters
    ----------
    agreement : array-like of shape (n_functions, n_functions)
        Shares of equal votes; NaN where two functions never meet.
    names : list of str, default=None
        Names of the functions; None: their numbers.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.
    image_ : matplotlib AxesImage
        The matrix.
    texts_ : list of matplotlib Text
        The numbers in the cells; empty with many functions.

    Raises
    ------
    ValueError
        If the matrix is not square or does not have a name for each row.

    See Also
    --------
    overlapkit.label_models.vote_summary : The same functions in a table.
    sklearn.calibration.CalibrationDisplay : Reliability of a label model's
        probabilities, where labels are known.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.inspection import VoteAgreementDisplay
    >>> votes = np.array([[1, 1, -1], [0, 0, 1], [1, 0, -1], [0, 0, 1]])
    >>> VoteAgreementDisplay.from_votes(votes).agreement
    array([[1.  , 0.75, 0.  ],
           [0.75, 1.  , 0.  ],
           [0.  , 0.  , 1.  ]])
    """

    def __init__(self, agreement: ArrayLike, *, names: list[str] | None = None) -> None:
        self.agreement = as_numbers(agreement, "agreement", finite=False)
        if self.agreement.ndim != 2 or len(set(self.agreement.shape)) != 1:
            raise ValueError(
                "agreement must be a square matrix, got shape "
                f"{self.agreement.shape}; from_votes makes it of votes."
            )
        n_functions = len(self.agreement)
        if names is None:
            names = [str(j) for j in range(n_functions)]
        if not isinstance(names, list | tuple | np.ndarray):
            raise TypeError(
                f"names must be a list with a name per function, got "
                f"{type(names).__name__}."
            )
        if len(names) != n_functions:
            raise ValueError(
                f"names has {len(names)} entries, but there are {n_functions} "
                "functions."
            )
        self.names = [str(name) for name in names]

    @classmethod
    def from_votes(
        cls,
        L: ArrayLike,
        *,
        classes: ArrayLike | None = None,
        names: list[str] | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Count how often functions agree, and draw it.

        Parameters
        ----------
        L : array-like or sparse matrix of shape (n_samples, n_functions)
            Votes, as label models take them: -1, NaN, None and empty cells are no
            vote; sparse matrices hold vote + 1.
        classes : array-like of shape (n_classes,), default=None
            Sorted labels that the vote codes stand for; None: those that occur. Votes
            that are class names need it.
        names : list of str, default=None
            Names of the functions; None: the column names of L, or numbers.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.
        **kwargs : dict
            As in :meth:`plot`.

        Returns
        -------
        display : VoteAgreementDisplay
            The display, drawn.
        """
        model = MajorityVote(classes=classes).fit(L)
        if names is None and hasattr(model, "feature_names_in_"):
            names = list(model.feature_names_in_)
        pairs = PairCounts.of(model.read_votes(L))
        m, n_classes = pairs.n_functions, pairs.n_classes
        joint = pairs.counts.reshape(m, n_classes, m, n_classes)
        equal, both = np.einsum("iljl->ij", joint), joint.sum(axis=(1, 3))
        with np.errstate(invalid="ignore", divide="ignore"):
            return cls(equal / both, names=names).plot(ax, **kwargs)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        cmap: str = "cividis_r",
        colorbar: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Draw the matrix.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: a new figure.
        cmap : str, default="cividis_r"
            Colour map; the default is dark where functions agree.
        colorbar : bool, default=True
            Draw the bar that explains the colours.
        **kwargs : dict
            Passed to ``Axes.imshow``.

        Returns
        -------
        self : VoteAgreementDisplay
            The display.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        style = {"vmin": 0.0, "vmax": 1.0, **kwargs}
        self.image_ = ax.imshow(self.agreement, cmap=cmap, **style)
        n = len(self.names)
        ticks = range(n) if n <= 2 * _MOST_NUMBERS else range(0, n, n // _MOST_NUMBERS)
        shown = [self.names[j] for j in ticks]
        long = max(map(len, shown)) > 3
        ax.set_xticks(ticks, shown, rotation=90 if long else 0)
        ax.set_yticks(ticks, shown)
        self.texts_ = []
        if n <= _MOST_NUMBERS:
            for (j, k), value in np.ndenumerate(self.agreement):
                if np.isfinite(value):
                    # the text is read against the cell, so its colour follows it
                    red, green, blue, _ = self.image_.cmap(self.image_.norm(value))
                    light = 0.3 * red + 0.59 * green + 0.11 * blue > 0.5
                    self.texts_.append(
                        ax.text(
                            k,
                            j,
                            f"{value:.2f}".lstrip("0"),
                            ha="center",
                            va="center",
                            fontsize="x-small",
                            color="black" if light else "white",
                        )
                    )
        ax.set_xlabel("labelling function")
        ax.set_ylabel("labelling function")
        if colorbar:
            bar = self.figure_.colorbar(self.image_, ax=ax)
            bar.set_label("share of equal votes where both vote")
        return self
