"""Labels as users give them, some of them unknown (pure functions)."""

from numbers import Number, Real

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets

from overlapkit._utils.checks import column_or_1d

__all__ = [
    "MISSING_LABEL",
    "check_common_labels",
    "check_labels",
    "check_missing_label",
    "complete_labels",
    "flat_labels",
    "is_missing",
    "join_labels",
    "known_labels",
    "same_marker",
]


# what may stand for an unknown label, as a parameter constraint
MISSING_LABEL: list = [Real, str, type(pd.NA), None]


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


def flat_labels(y, name="y") -> np.ndarray:
    """Y as a flat array; a marker among strings is not made a string."""
    if isinstance(getattr(y, "dtype", None), pd.api.extensions.ExtensionDtype):
        y = y.to_numpy()  # NumPy by itself would make objects or floats of integers
    flat = column_or_1d(y, name=name, warn=True)
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
        raise ValueError(
            "Input y contains infinity, which is no label: replace it, for instance by "
            "a marker that missing_label names."
        )
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
    if labels.dtype.kind == "O" and any(label is None for label in labels.flat):
        raise ValueError(
            "Input y contains None. Let a value stand for an unknown label and "
            "name it, such as missing_label=-1 or missing_label=''."
        )
    if labels.dtype.kind == "O":  # a column of labels once missing ones are gone
        if pd.isna(labels).any():
            raise ValueError(_NAN)
        if len({isinstance(label, str) for label in labels.flat}) > 1:
            raise ValueError(
                "y mixes strings and numbers: use one type. If one of them stands for "
                f"an unknown label, name it: missing_label; it is {missing_label!r}."
            )
        labels = np.array(labels.tolist())
    check_classification_targets(labels)
    return known, labels


def check_missing_label(missing_label) -> None:
    """Raise unless a value can stand for an unknown label."""
    if missing_label is pd.NA or missing_label is None:
        return
    if not isinstance(missing_label, Real | str):
        raise TypeError(
            "missing_label must be a number, a string, NaN or None, got "
            f"{type(missing_label).__name__}."
        )


def complete_labels(y, name) -> np.ndarray:
    """Labels that are all known, as a flat array of one type.

    Raises
    ------
    ValueError
        If one of them is missing or infinite, or strings and numbers are mixed.
    """
    flat = column_or_1d(y, name=name)
    if flat.dtype.kind not in "biufOUS":
        raise ValueError(
            f"{name} must hold labels, strings or numbers; its dtype is {flat.dtype}."
        )
    if flat.dtype.kind == "f":
        wrong = ~np.isfinite(flat)
    else:
        wrong = np.asarray(pd.isna(flat)) if flat.dtype.kind == "O" else np.zeros(1)
    if wrong.any():
        raise ValueError(
            f"{name} holds {int(wrong.sum())} values that are missing or infinite, and "
            "so no labels: drop these rows first."
        )
    if flat.dtype.kind == "O":
        if len({isinstance(label, str) for label in flat}) > 1:
            raise ValueError(
                f"{name} mixes strings and numbers: use labels of one type."
            )
        flat = np.array(flat.tolist())
    return flat


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
    "missing_label=np.nan; else drop or fill these rows."
)
