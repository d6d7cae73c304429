"""Labels as users give them, some of them unknown (pure functions)."""

from numbers import Number

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

__all__ = [
    "check_common_labels",
    "check_labels",
    "flat_labels",
    "is_missing",
    "join_labels",
    "known_labels",
    "same_marker",
]


def is_missing(y, missing_label) -> np.ndarray:
    """Which entries of y say "label unknown"; none when `missing_label` is None."""
    y = np.asarray(y)
    if missing_label is None:
        return np.zeros(len(y), dtype=bool)
    if _is_nan(missing_label):
        return np.asarray(pd.isna(y), dtype=bool)
    unknown = np.zeros(len(y), dtype=bool)
    comparable = ~pd.isna(y) if y.dtype.kind == "O" else slice(None)
    unknown[comparable] = y[comparable] == missing_label
    return unknown


def flat_labels(y) -> np.ndarray:
    """Y as a flat array; a marker among strings is not made a string."""
    flat = column_or_1d(y, warn=True)
    of_strings = flat.dtype.kind in "US"
    if of_strings and isinstance(y, list | tuple) and len({*map(type, y)}) > 1:
        flat = np.array(y, dtype=object)
    return flat


def check_labels(y, missing_label) -> np.ndarray:
    """Y as a flat array, whatever its type.

    Raises
    ------
    ValueError
        If y holds infinity, NaN that is no marker, or strings that the marker was
        turned into.
    """
    y = flat_labels(y)
    if y.dtype.kind == "f" and np.isinf(y).any():
        raise ValueError("Input y contains infinity.")
    if y.dtype.kind == "f" and np.isnan(y).any() and not _is_nan(missing_label):
        raise ValueError(_NAN)
    if (
        y.dtype.kind == "U"
        and missing_label is not None
        and not isinstance(missing_label, str)
        and np.isin(y, _as_strings(missing_label)).any()
    ):
        raise ValueError(
            f"y holds the string {_as_strings(missing_label)[0]!r}, missing_label="
            f"{missing_label!r} is no string. An array of strings turns every marker "
            "into one: use dtype=object, or a marker that is a string."
        )
    return y


def known_labels(y, missing_label, n_rows) -> tuple[np.ndarray, np.ndarray]:
    """Which rows have a label, and those labels as an array of one type.

    Raises
    ------
    ValueError
        If a label is None or NaN, strings and numbers are mixed, or the labels are not
        those of a classification.
    """
    if y is None:
        return np.zeros(n_rows, dtype=bool), np.empty(0)
    y = np.asarray(y)
    known = ~is_missing(y, missing_label)
    labels = y[known]
    if len(labels) == 0:
        return known, labels
    if any(label is None for label in labels.flat):
        raise ValueError(
            "Input y contains None. Let a value stand for an unknown label and "
            "name it, such as missing_label=-1 or missing_label=''."
        )
    if labels.dtype.kind == "O":  # a column of labels once missing ones are gone
        if pd.isna(labels).any():
            raise ValueError(_NAN)
        if len({isinstance(label, str) for label in labels.flat}) > 1:
            raise ValueError(
                "y mixes strings and numbers. If one of them stands for an unknown "
                f"label, name it: missing_label; it is {missing_label!r}."
            )
        labels = np.array(labels.tolist())
    check_classification_targets(labels)
    return known, labels


def join_labels(parts) -> np.ndarray:
    """Labels of several batches; a marker among strings is not made a string."""
    if len({part.dtype.kind in "US" for part in parts}) > 1:
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def check_common_labels(first, second, what) -> None:
    """Refuse labels that have nothing in common: they are not of one problem.

    Parameters
    ----------
    first, second : array-like
        Labels, each of one type.
    what : str
        What they are, for the message: "A holds {first}, B holds {second}".
    """
    one, two = np.unique(first), np.unique(second)
    if len(one) and len(two) and not set(one.tolist()) & set(two.tolist()):
        here = what.format(first=one.tolist()[:10], second=two.tolist()[:10])
        raise ValueError(f"{here}: no label in common.")


def same_marker(first, second) -> bool:
    """Whether two values of `missing_label` mean the same."""
    if _is_nan(first) or _is_nan(second):
        return _is_nan(first) and _is_nan(second)
    numbers = [
        isinstance(m, Number) and not isinstance(m, bool) for m in (first, second)
    ]
    return (all(numbers) or type(first) is type(second)) and bool(first == second)


def _is_nan(value) -> bool:
    if value is pd.NA:
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _as_strings(marker) -> list[str]:
    """What a marker that is no string can have been turned into."""
    if isinstance(marker, Number) and not isinstance(marker, bool):
        return [f"{marker:g}", str(marker)]
    return [str(marker)]


_NAN = (
    "Input y contains NaN. If NaN stands for an unknown label, say so: "
    "missing_label=np.nan."
)
