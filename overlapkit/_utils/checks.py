"""Checks of arrays whose errors name the argument and say what to do.

They are those of scikit-learn, which names an array only in some of its errors, and
takes dates for nanoseconds and masked entries for values.
"""

import re
from typing import Any

import numpy as np
import pandas as pd
import sklearn.utils
import sklearn.utils.validation

from overlapkit._utils.sklearn_compat import _num_samples, plain_text
from overlapkit._utils.sklearn_compat import validate_data as _validate_data

__all__ = [
    "as_numbers",
    "check_array",
    "check_consistent_length",
    "check_finite",
    "check_folds",
    "check_kind",
    "check_number",
    "column_or_1d",
    "naming",
    "plain",
    "refuse_masked",
    "refuse_unreadable",
    "validate_data",
]


def refuse_masked(array, name) -> None:
    """Raise for masked entries, which NumPy would read as values.

    Raises
    ------
    ValueError
        If there are any.
    """
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise ValueError(
            f"{name} is a masked array with {int(array.mask.sum())} masked entries, "
            "and they must not be read as values: fill or drop them first, for "
            "instance by .filled(np.nan) and an imputer."
        )


def refuse_unreadable(array, name) -> None:
    """Raise for entries that NumPy would read as numbers although they are none.

    Raises
    ------
    ValueError
        If entries are masked, dates or times.
    """
    refuse_masked(array, name)
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    if kind in ("m", "M"):
        raise ValueError(
            f"{name} holds dates or times (dtype {array.dtype}), which are no numbers: "
            "convert them first, for instance to days since a date."
        )


def check_array(array, *, input_name="X", **options) -> Any:
    """As :func:`sklearn.utils.check_array`; every error names the array."""
    refuse_unreadable(array, input_name)
    with naming(input_name):
        return sklearn.utils.check_array(array, input_name=input_name, **options)


def validate_data(estimator, X, y="no_validation", **options) -> Any:
    """As :func:`sklearn.utils.validation.validate_data`; every error names X or y."""
    if not options.get("skip_check_array", False):
        refuse_unreadable(X, "X")
        if y is not None and not isinstance(y, str):
            refuse_unreadable(y, "y")
            check_consistent_length(X=X, y=y)
    with naming("X"):
        return _validate_data(estimator, X, y, **options)


def column_or_1d(values, *, name="y", warn=False, dtype=None) -> np.ndarray:
    """As :func:`sklearn.utils.column_or_1d`; every error names the array."""
    refuse_unreadable(values, name)
    with naming(name):
        flat = sklearn.utils.column_or_1d(values, dtype=dtype, warn=warn)
    return flat


def check_consistent_length(**arrays) -> None:
    """Raise unless all arrays that are given have as many rows.

    Raises
    ------
    TypeError
        If an array has no length.
    ValueError
        If lengths differ.
    """
    given = {}
    for name, array in arrays.items():
        if array is None and name not in ("X", "L"):
            continue
        if array is None:
            raise TypeError(f"{name} must be an array with a row per sample, got None.")
        if isinstance(array, str | bytes | set) or type(array) is dict:
            raise TypeError(
                f"{name} must be an array with an entry per row, got "
                f"{type(array).__name__}."
            )
        with naming(name):
            given[name] = _num_samples(array)
    if len(set(given.values())) > 1:
        rows = ", ".join(f"{name} has {n}" for name, n in given.items())
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"{list(given.values())} ({rows}). Give one entry per row to each."
        )


def as_numbers(values, name, *, ndim=None, finite=True) -> np.ndarray:
    """Real numbers as a float64 array.

    Parameters
    ----------
    values : array-like
        The numbers.
    name : str
        Name of the argument, for messages.
    ndim : int, default=None
        Number of dimensions that is needed. None: any.
    finite : bool, default=True
        Whether NaN and infinity are refused.

    Returns
    -------
    ndarray of float64

    Raises
    ------
    ValueError
        If the values are no real numbers, or of another shape, or not finite.
    """
    refuse_unreadable(values, name)
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            if array.dtype.kind != "O":
                raise TypeError(f"dtype {array.dtype}")
            if any(isinstance(v, str | bytes) for v in array.flat):
                raise TypeError("there are strings among them")
            array = np.where(pd.isna(array), np.nan, array)
        array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must hold real numbers: {error}.") from None
    if ndim is not None and array.ndim != ndim:
        raise ValueError(
            f"{name} must have {ndim} dimension{'s' * (ndim != 1)}, got shape "
            f"{array.shape}."
        )
    if finite and not np.isfinite(array).all():
        raise ValueError(
            f"{name} must be finite, got {np.count_nonzero(~np.isfinite(array))} NaN "
            "or infinite values; drop or fill them first."
        )
    return array


def check_kind(value, name, kind, what) -> None:
    """Raise unless a value is of a kind.

    Raises
    ------
    TypeError
        If it is not; `what` says what was expected and who makes it.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {what}, got {type(value).__name__}.")


def check_folds(cv) -> list[tuple]:
    """Folds that are given as pairs of training and test rows.

    Raises
    ------
    ValueError
        If there are none, or one is no pair.
    """
    pairs = list(cv)
    if not pairs or not all(isinstance(p, tuple | list) and len(p) == 2 for p in pairs):
        raise ValueError(
            f"cv={plain(cv)} must be a number of folds, a splitter, or an iterable of "
            "pairs (training rows, test rows)."
        )
    return pairs


def check_finite(array, name, *, allow_nan=False) -> None:
    """As :func:`sklearn.utils.assert_all_finite`; the error says what to do."""
    with naming(name):
        sklearn.utils.assert_all_finite(array, allow_nan=allow_nan, input_name=name)


def check_number(value, name, low=-np.inf, high=np.inf, *, integer=False) -> None:
    """Raise unless a value is one real number in [low, high].

    Raises
    ------
    ValueError
        If it is anything else.
    """
    kinds = (int, np.integer) if integer else (int, float, np.integer, np.floating)
    right = isinstance(value, kinds) and not isinstance(value, bool)
    if not (right and low <= value <= high):
        what = "an integer" if integer else "a number"
        raise ValueError(
            f"{name} must be {what} in [{low}, {high}], got {plain(value)}."
        )


def plain(value) -> str:
    """Text of a value, without NumPy's names of types."""
    return plain_text(repr(value))


class naming:
    """Errors that scikit-learn raises without the name of the array get it."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None or not issubclass(kind, ValueError | TypeError):
            return False
        text = plain_text(str(error))
        lines = text.splitlines() or [""]
        first = lines[0]
        if first.startswith(f"Input {self.name} contains NaN") and len(lines) == 1:
            text += " Fill missing values, or drop these rows, first."
        elif f"Input {self.name} contains infinity" in text:
            text += " Replace infinity, or drop these rows, first."
        elif not re.search(rf"(?<![A-Za-z0-9_]){re.escape(self.name)}\b", first):
            if not re.search(r"must|require|xpected|convert your|reshape", text, re.I):
                text += f" {self.name} must be an array of numbers."
            text = f"{self.name}: {text}"
        elif text == str(error):
            return False
        # a DTypePromotionError, which NumPy derives from TypeError, takes no text
        raise (TypeError if issubclass(kind, TypeError) else ValueError)(text) from None
