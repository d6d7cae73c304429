"""Checks and warnings of source selection: sources, prices, labels, batches."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from overlapkit._utils.checks import as_numbers, check_consistent_length, column_or_1d
from overlapkit._utils.labels import check_labels, known_labels
from overlapkit._utils.sklearn_compat import _num_samples, get_tags
from overlapkit._utils.warnings import warn
from overlapkit.exceptions import (
    MissingLabelWarning,
    SourceWarning,
)
from overlapkit.weak._rows import KnownLabels

__all__ = [
    "changed_params",
    "check_names",
    "check_one_kind",
    "check_reward",
    "check_sources",
    "check_unchanged",
    "check_y",
    "check_y_given",
    "frozen_names",
    "frozen_prices",
    "plain",
    "prices_of",
    "union_of_classes",
    "warn_of_cost",
    "warn_of_exhaustion",
    "warn_of_marker",
    "warn_of_short_batch",
]


def plain(names) -> list:
    """Names as a list of Python objects, for any kind of array."""
    names = list(names)
    # ten thousand names are looked at in every round: by their few types
    if any(issubclass(kind, np.generic) for kind in set(map(type, names))):
        return [n.item() if isinstance(n, np.generic) else n for n in names]
    return names


def check_names(names) -> None:
    """Raise if a name is missing, if two print alike, or if kinds are mixed."""
    if any(pd.isna(name) is True for name in names):
        raise ValueError(
            f"A source has no name: {names[:10]} holds None or NaN. Give every row's "
            "source a name."
        )
    # each name is the end of the name of a column of history_
    if len({str(name) for name in names}) != len(names):
        raise ValueError(
            f"source_names={names} names a source twice: use each name once."
        )
    kinds = {isinstance(name, str): name for name in names}
    if len(kinds) > 1:
        raise ValueError(
            f"Names of sources are strings and numbers: {kinds[True]!r} and "
            f"{kinds[False]!r}. Use names of one kind, such as strings only."
        )


def check_sources(sources, X, source_names=None) -> tuple[np.ndarray, list]:
    """Position of the source of each row, and the names in sorted order.

    Parameters
    ----------
    sources : array-like of shape (n_samples,) or None
        Source of each row; a pandas type with missing values is allowed if it has
        none. None: there is one source.
    X : array or dataframe of shape (n_samples, n_features)
        The rows.
    source_names : list, default=None
        Names of all sources, of which one source is the first.

    Returns
    -------
    codes : ndarray of shape (n_samples,) of int
        Positions in `names`.
    names : list
        The names.
    """
    if sources is None:
        name = 0 if source_names is None else plain(source_names)[0]
        return np.zeros(_num_samples(X), dtype=np.intp), [name]
    if isinstance(sources, list | tuple):
        # an array would turn the numbers of [1, "b"] into strings
        sources = pd.Series(sources, dtype=None if len(sources) else object)
    if not isinstance(sources, pd.Series):
        sources = column_or_1d(sources, name="sources")
    check_consistent_length(X=X, sources=sources)
    codes, found = pd.factorize(sources, use_na_sentinel=False)
    found = plain(found.tolist())
    check_names(found)
    names = sorted(found)
    order = {name: position for position, name in enumerate(names)}
    positions = np.array([order[name] for name in found], dtype=np.intp)
    return positions[codes], names


def frozen_names(names) -> tuple | None:
    """Names of sources as a value that can be compared; None stays None."""
    if names is None:
        return None
    names = plain(names)
    if type(pd.NA) in set(map(type, names)):
        check_names(names)  # pd.NA is equal to nothing, not even by a bool
    return tuple(names)


def frozen_prices(prices) -> Any:
    """Prices as a copy that is equal to another one of the same numbers."""
    if prices is None:
        return None
    if callable(prices):
        return prices
    if isinstance(prices, Mapping):
        return dict(prices)
    values = as_numbers(prices, "prices", finite=False)
    if values.ndim == 0:
        raise ValueError(
            f"prices={values} must hold a number for each source, or be a dict from "
            "name to price."
        )
    return tuple(values.tolist())


def prices_of(prices, names, t=1, withdrawn=None) -> np.ndarray:
    """Price of a row of each source, 1 without prices.

    Parameters
    ----------
    prices : dict, sequence of float, callable or None
        By name, or in the order of `names`; or a function of the round that returns
        one of these.
    names : list
        Names of the sources.
    t : int, default=1
        Number of the round, from 1.
    withdrawn : ndarray of shape (n_sources,) of bool, default=None
        Sources that need no price in a dict.

    Returns
    -------
    ndarray of shape (n_sources,)
        The prices.
    """
    if callable(prices):
        try:
            prices = prices(t)
        except Exception as error:
            error.add_note(
                f"prices, called with the round {t}, raised this; nothing of the run "
                "was changed. Set other prices and send the batch again."
            )
            raise
    if prices is None:
        return np.ones(len(names))
    if isinstance(prices, Mapping):
        gone = [] if withdrawn is None else np.array(names, dtype=object)[withdrawn]
        prices = {**dict.fromkeys(gone, 1.0), **prices}
        missing = [name for name in names if name not in prices]
        if missing:
            raise ValueError(
                f"prices has no price for the source(s) {missing}; it names "
                f"{list(prices)}."
            )
        prices = [prices[name] for name in names]
    values = as_numbers(prices, "prices", finite=False)
    if values.shape != (len(names),):
        raise ValueError(
            f"prices has shape {values.shape}, expected one number for each of "
            f"{len(names)} sources: {names}. In live mode, prices needs source_names, "
            "or is a dict from name to price."
        )
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f"prices must be positive and finite, got {values}.")
    return values


def union_of_classes(*parts):
    """Sorted classes of all parts, of which each may be None or empty."""
    check_one_kind(parts)
    some = [np.asarray(p) for p in parts if p is not None and len(p)]
    return np.unique(np.concatenate(some)) if some else None


def check_reward(reward) -> None:
    """Raise if a reward is a class instead of an object."""
    if isinstance(reward, type):
        raise ValueError(
            f"reward={reward!r} is a class: give an object, such as "
            f"{reward.__name__}()."
        )


def check_one_kind(parts) -> None:
    """Raise if classes are strings in one place and numbers in another."""
    some = [list(part[:5]) for part in parts if part is not None and len(part)]
    kinds = {isinstance(part[0], str): part for part in some}
    if len(kinds) > 1:
        raise ValueError(
            f"Classes are strings and numbers: {kinds[True]} and {kinds[False]}. Give "
            "labels of one kind in every batch, in classes and in the reference."
        )


def check_y(X, y, missing_label) -> tuple[np.ndarray | None, KnownLabels]:
    """Y as a flat array of class labels, or None, and the labels that are known."""
    if y is not None:
        check_consistent_length(X=X, y=y)
        y = check_labels(y, missing_label)
    return y, KnownLabels(*known_labels(y, missing_label, _num_samples(X)))


def check_y_given(y, estimator) -> None:
    """Raise if labels are missing that the weak model learns from."""
    if y is None and get_tags(estimator).target_tags.required:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but "
            "the target y is None: its weak model learns from labels."
        )


def changed_params(before, now) -> list[str]:
    """Names of parameters whose values differ between two dicts of parameters."""
    names = sorted(before.keys() | now.keys())
    return [name for name in names if not _same(before.get(name), now.get(name))]


def check_unchanged(changed, n_rounds) -> None:
    """Raise if parameters changed that the rounds so far depend on."""
    if n_rounds > 0:
        raise ValueError(
            f"{', '.join(changed)} changed after {n_rounds} rounds that depend on "
            f"{'it' if len(changed) == 1 else 'them'}. Set the earlier value(s) again, "
            "or begin a new run with a clone of this estimator."
        )


def _same(one, other) -> bool:
    if one is other:
        return True
    if hasattr(one, "get_params") and hasattr(other, "get_params"):
        return type(one) is type(other)  # its parameters are in the dicts themselves
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if hasattr(one, "equals"):  # a dataframe
        return type(one) is type(other) and bool(one.equals(other))
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, float) and isinstance(other, float) and one != one:
        return other != other
    return bool(one == other)


def warn_of_marker(known, missing_label) -> None:
    """Say that no row of a pool has the value for an unknown label."""
    if missing_label is not None and known.known.all():
        warn(
            f"missing_label={missing_label!r} is given, but no label in y is that, so "
            "every label counts as known. A meta-estimator that encodes y may have "
            "replaced it.",
            MissingLabelWarning,
        )


def warn_of_short_batch(name, n_rows, size) -> None:
    """Say that a source returned fewer rows than it was asked for."""
    warn(
        f"Source {name!r} returned {n_rows} rows, {size} were asked for. They are "
        "kept, and the round counts.",
        SourceWarning,
    )


def warn_of_exhaustion(run, name) -> None:
    """Say that a source has no rows left, and which have."""
    left = [n for n, gone in zip(run.names, run.exhausted) if not gone]
    warn(
        f"Source {name!r} has no rows left after {run.rows_of(name)} rows, "
        f"{run.t} of {run.rules.n_rounds} rounds played; left: {left}.",
        SourceWarning,
    )


def warn_of_cost(run, *, before) -> None:
    """Say by how much the last batch exceeds the budget, once."""
    budget, spent = run.rules.budget, run.spent
    if budget is not None and before <= budget < spent * (1 - 1e-12):
        warn(
            f"The budget of {budget:g} is exceeded by {spent - budget:g}: the batch of "
            f"round {run.t} costs {spent - before:g}, and {budget - before:g} were "
            "left. With batch_size, a batch that costs more than what is left is not "
            "asked for.",
            SourceWarning,
        )
