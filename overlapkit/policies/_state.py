"""The counts of a run, and the choice of the next source."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from overlapkit._utils.checks import as_numbers, check_kind, check_number, plain
from overlapkit._utils.sklearn_compat import plain_text


@dataclass(frozen=True, eq=False)
class SourceState:
    r"""Counts of rows, rewards and rounds of K sources after some rounds.

    The reward of one acquired row is a number in [0, 1]: 1 when the row was
    detected as overlap, 0 when it was not, or a probability in between. The mean
    reward of a source,

    .. math:: \bar o(s) = \mathrm{successes}(s) / \mathrm{samples}(s),

    pooled over all rounds in which `s` was queried, estimates its overlap density.

    Parameters
    ----------
    successes : array-like of shape (..., n_sources)
        Sum of the rewards of the rows received from each source: for 0/1 rewards
        the number of overlap rows. A batch of `n` rows whose mean reward is `m`
        adds ``n * m``. Leading axes, if any, are independent runs at the same
        round; all arrays then share the shape.
    samples : array-like of shape (..., n_sources)
        Number of rows received from each source.
    rounds : array-like of shape (..., n_sources)
        Number of rounds in which each source was queried.
    t : int, default=None
        Number of rounds played so far. `None` takes the sum of `rounds`.
    horizon : int, default=None
        Number of rounds that will be played in all, if known.
    available : array-like of bool, shape (..., n_sources), default=None
        Sources that can still be queried. `None`: all.
    prices : array-like of shape (n_sources,), default=None
        Price of one row of each source, positive, in any currency. Policies that
        learn then rank sources by index divided by price. `None`: all equal.

    log : tuple of three arrays of shape (n_rounds,), default=None
        Rounds one by one, for policies that weight them by age: position of the source
        queried, sum of the rewards and number of rows. Only for a single run. `None`:
        not known.

    Attributes
    ----------
    means : ndarray of shape (..., n_sources)
        Mean reward of each source, 0 where no row has been seen.
    n_sources : int
        Number of sources.

    Raises
    ------
    ValueError
        If shapes disagree, a count is negative or not finite, a sum of rewards
        exceeds the number of rows, rows came without a round, or a price is not
        positive.

    See Also
    --------
    choose_source : Choose the next source.

    Examples
    --------
    >>> from overlapkit.policies import SourceState
    >>> state = SourceState(successes=[6, 1], samples=[10, 4], rounds=[2, 1])
    >>> state.means
    array([0.6 , 0.25])
    >>> state.t
    3
    """

    successes: np.ndarray
    samples: np.ndarray
    rounds: np.ndarray
    t: int = None  # type: ignore[assignment]  # set in __post_init__
    horizon: int | None = None
    available: np.ndarray = None  # type: ignore[assignment]
    prices: np.ndarray = None  # type: ignore[assignment]
    log: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def __post_init__(self) -> None:
        counts = {
            name: as_numbers(getattr(self, name), name, finite=False).copy()
            for name in ("successes", "samples", "rounds")
        }
        successes, samples, rounds = counts.values()
        shape = successes.shape
        if not shape or shape[-1] == 0:
            raise ValueError(
                "successes, samples and rounds must hold one number per source, for at "
                "least one source."
            )
        available = np.ones(shape, dtype=bool)
        if self.available is not None:
            available = np.array(self.available, dtype=bool)
        prices = np.ones(shape[-1])
        if self.prices is not None:
            prices = as_numbers(self.prices, "prices", finite=False).copy()
        for name, array in {**counts, "available": available}.items():
            if array.shape != shape:
                raise ValueError(
                    f"{name} has shape {array.shape}, successes has {shape}: give one "
                    "number per source to each."
                )
        if prices.shape != shape[-1:]:
            raise ValueError(
                f"prices has shape {prices.shape}, expected ({shape[-1]},)."
            )
        if not (np.isfinite(prices) & (prices > 0)).all():
            raise ValueError(
                f"prices must be positive and finite, got {prices.tolist()}."
            )
        for name, array in counts.items():
            if not (np.isfinite(array) & (array >= 0)).all():
                raise ValueError(f"{name} must be finite and not negative.")
        # A sum of n floats in [0, 1] may pass n by rounding, not by more.
        if (successes > samples * (1 + 1e-9)).any():
            raise ValueError(
                "successes exceeds samples: rewards must lie in [0, 1] and successes "
                "is their sum over rows, not over rounds."
            )
        if ((samples > 0) & (rounds == 0)).any():
            raise ValueError(
                "A source has rows (samples > 0) but rounds == 0: rounds must count "
                "the rounds in which they were drawn."
            )
        for name, least in (("t", 0), ("horizon", 1)):
            value = getattr(self, name)
            if value is not None:
                check_number(value, name, least, integer=True)
        if self.log is not None:
            object.__setattr__(self, "log", _checked_log(self.log, shape[-1]))
        t = int(rounds.sum(axis=-1).max()) if self.t is None else self.t
        values = {**counts, "available": available, "prices": prices, "t": t}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def n_sources(self) -> int:
        """Number of sources."""
        return self.successes.shape[-1]

    @property
    def means(self) -> np.ndarray:
        """Mean reward of each source, 0 where no row has been seen."""
        return self.successes / np.maximum(self.samples, 1)


@runtime_checkable
class Policy(Protocol):
    """Protocol of a policy: one method, `index`.

    Any object with this method is a policy. The policies of this module are frozen
    dataclasses, so that they can be compared, hashed and used in parameter grids; do
    the same with your own.

    Examples
    --------
    The policy that knows the true densities, an upper limit for experiments:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from overlapkit.policies import Policy
    >>> @dataclass(frozen=True)
    ... class KnownDensities:
    ...     densities: tuple
    ...
    ...     def index(self, state, rng):
    ...         return np.array(self.densities) / state.prices
    >>> isinstance(KnownDensities((0.1, 0.9)), Policy)
    True
    """

    def index(
        self, state: SourceState, rng: np.random.RandomState | np.random.Generator
    ) -> np.ndarray:
        """Return one number per source; the source with the largest is queried next.

        Parameters
        ----------
        state : SourceState
            Counts of the run so far.
        rng : numpy.random.RandomState or numpy.random.Generator
            The only source of randomness that a policy may use.

        Returns
        -------
        ndarray of the shape of ``state.successes``
            Index of each source, ``+inf`` for one that must come first.
        """
        ...


def _checked_log(log, n_sources) -> tuple:
    """Sources, rewards and rows of the rounds, as three arrays of one length."""
    if not isinstance(log, tuple | list) or len(log) != 3:
        raise ValueError(
            "log must be three arrays (sources, rewards, rows) with an entry per "
            f"round, got {type(log).__name__}."
        )
    names = ("sources", "rewards", "rows")
    parts = tuple(
        as_numbers(part, f"log ({name})", ndim=1) for name, part in zip(names, log)
    )
    if len({len(part) for part in parts}) > 1:
        raise ValueError(
            "log must hold arrays of one length (sources, rewards, rows), got "
            f"{[len(part) for part in parts]} entries."
        )
    sources = parts[0]
    if not ((sources % 1 == 0) & (sources >= 0) & (sources < n_sources)).all():
        raise ValueError(
            f"log names a source that is not one of 0 to {n_sources - 1}: give the "
            "number of the source of each round."
        )
    return parts


def check_state(state) -> None:
    """Raise unless `state` is one."""
    check_kind(state, "state", SourceState, "a SourceState of overlapkit.policies")


def choose_source(
    index: ArrayLike,
    state: SourceState,
    rng: int | np.random.RandomState | np.random.Generator | None = None,
    *,
    floor: float = 0.0,
) -> int | Any:
    r"""Choose the source to query next from one number per source.

    The available source with the largest index wins; among equal indices the choice
    is uniform at random. A floor on the share of rounds has precedence: after `t`
    rounds, the available sources with

    .. math:: \mathrm{rounds}(s) < \mathrm{floor} \cdot t

    are behind, and if there are any, the one with the fewest rounds is chosen (ties:
    uniform), whatever the index.

    Parameters
    ----------
    index : array-like of shape (..., n_sources)
        Index of each source, as ``policy.index(state, rng)`` gives it. ``+inf`` is
        allowed, NaN is not.
    state : SourceState
        The counts that the index was computed from.
    rng : int, RandomState, Generator or None, default=None
        Breaks ties. Use one generator for all rounds; an int breaks every tie in the
        same way.
    floor : float, default=0.0
        Least share of the rounds of every source, in [0, 1 / n_sources].

    Returns
    -------
    int, or ndarray of int of shape (...) when the state holds several runs
        Position of the chosen source.

    Raises
    ------
    ValueError
        If no source is available, `floor` is out of range, or the index has another
        shape than the state or holds NaN.

    See Also
    --------
    SourceState : The counts of a run.
    overlapkit.theory.simulate_regret : Many runs on known densities.

    Notes
    -----
    While every source stays available, the floor guarantees
    :math:`\mathrm{rounds}(s) \ge \mathrm{floor} \cdot t - 1` for every source after
    every round: a source that falls behind waits for at most `n_sources - 1` others,
    and those cannot fall behind again before its turn, so its deficit never exceeds
    `n_sources * floor`, which is at most 1.

    Examples
    --------
    >>> from overlapkit.policies import UCB, SourceState, choose_source
    >>> state = SourceState(
    ...     successes=[9, 1], samples=[10, 10], rounds=[9, 1], horizon=20)
    >>> index = UCB().index(state)
    >>> choose_source(index, state, 0)
    0
    >>> choose_source(index, state, 0, floor=0.2)  # 1 round of 10 is less than 20 %
    1
    """
    check_state(state)
    n_sources = state.n_sources
    check_kind(floor, "floor", Real, "a number")
    if not 0 <= floor <= (1 + 1e-12) / n_sources:
        raise ValueError(
            f"floor must lie in [0, 1 / n_sources] = [0, {1 / n_sources:.4g}] for "
            f"{n_sources} sources, got {plain(floor)}: shares cannot sum to more "
            "than 1."
        )
    if not state.available.any(axis=-1).all():
        raise ValueError("No source is available: there is nothing to choose from.")
    value = as_numbers(index, "index", finite=False)
    if value.shape != state.successes.shape or np.isnan(value).any():
        raise ValueError(
            f"index has shape {value.shape} with {np.isnan(value).sum()} NaN; expected "
            f"one number per source, shape {state.successes.shape}, without NaN."
        )
    if not isinstance(rng, np.random.Generator):
        try:
            rng = check_random_state(rng)
        except ValueError as error:
            raise ValueError(
                "rng must be a seed, a RandomState or a Generator: "
                f"{plain_text(error)}."
            ) from None
    value = np.where(state.available, value, -np.inf)
    # The tolerance keeps 3 of 30 rounds from being under a floor of 0.1.
    behind = state.available & (state.rounds < floor * state.t - 1e-9)
    value = np.where(
        behind.any(axis=-1, keepdims=True),
        np.where(behind, -state.rounds, -np.inf),
        value,
    )
    best = state.available & (value == value.max(axis=-1, keepdims=True))
    choice = np.where(best, rng.random(value.shape), -1.0).argmax(axis=-1)
    return int(choice) if choice.ndim == 0 else choice


def check_field(owner, name, low, high=np.inf) -> None:
    """Raise unless the field `name` of `owner` is a finite number in [low, high]."""
    value = getattr(owner, name)
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    if not (is_number and low <= value <= high and np.isfinite(float(value))):
        raise ValueError(
            f"{type(owner).__name__}: {name} must be a finite number in "
            f"[{low}, {high}], got {plain(value)}."
        )


def check_rng(rng) -> None:
    """Raise unless `rng` can be drawn from."""
    if not isinstance(rng, np.random.RandomState | np.random.Generator):
        raise TypeError(
            "rng must be a numpy.random.RandomState or a numpy.random.Generator, such "
            f"as numpy.random.default_rng(0); got {type(rng).__name__}."
        )


def unseen_first(value, state) -> np.ndarray:
    """Set sources without a single row to +inf: nothing is known about them."""
    return np.where(state.samples == 0, np.inf, value)


def check_policy(policy) -> None:
    """Raise unless `policy` is an object with a method ``index(state, rng)``.

    A string, a list and a class have an attribute ``index``, too.
    """
    is_object = not isinstance(policy, str | bytes | list | tuple | type)
    if is_object and callable(getattr(policy, "index", None)):
        return
    raise TypeError(
        f"policy={plain(policy)} is no policy: expected an object with a method "
        "index(state, rng), such as UCB() or Thompson() of overlapkit.policies."
    )
