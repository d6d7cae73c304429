"""Checks of policies and of their parameters."""

from numbers import Real

import numpy as np

from overlapkit._utils.checks import plain


def check_number(owner, name, low, high=np.inf) -> None:
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
