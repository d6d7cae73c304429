"""A numeric representation of any table: what the commands do by default."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from overlapkit.representation import TabularRepresentation

__all__ = ["FEW_VALUES", "TableEncoder", "features_of", "make_encoder"]

FEW_VALUES = 30  # different strings of a column that gets a column for each
_TEXT_DIMENSIONS = 20
_HASHES = 2**12


def features_of(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, list[str]], list]:
    """Columns of a table by how they are encoded.

    Parameters
    ----------
    table : DataFrame
        Columns that may be features.

    Returns
    -------
    features : DataFrame
        Those that are, numbers as float32, strings as objects with None where missing.
    kinds : dict of str to list of str
        Their names under ``numbers``, ``categories`` and ``texts``.
    left_out : list of (str, str)
        Names of the other columns, and why.
    """
    columns: dict[str, Any] = {}
    kinds: dict[str, list[str]] = {"numbers": [], "categories": [], "texts": []}
    left_out = []
    for name in table:
        column = table[name]
        n_values = column.nunique(dropna=True)
        if n_values == 0:
            left_out.append((name, "it is empty"))
        elif n_values == 1 and column.notna().all():
            left_out.append((name, "it is constant"))
        elif pd.api.types.is_numeric_dtype(
            column
        ) or pd.api.types.is_datetime64_any_dtype(column):
            columns[name] = _numbers(column)
            kinds["numbers"].append(name)
        else:
            text = column.map(str, na_action="ignore")
            words = text.dropna()
            is_word = n_values == len(words) and not words.str.contains(r"\s").any()
            if n_values > FEW_VALUES and is_word:
                left_out.append((name, "its values name the rows, each once"))
                continue
            columns[name] = _strings(text)
            kinds["categories" if n_values <= FEW_VALUES else "texts"].append(name)
    return pd.DataFrame(columns, index=table.index), kinds, left_out


class TableEncoder(TransformerMixin, BaseEstimator):
    """Numbers for tables that come one after another; the first says how.

    Parameters
    ----------
    random_state : int or None, default=None
        Of the reduction of text.

    Attributes
    ----------
    encoder_ : ColumnTransformer
        As :func:`make_encoder` makes it, fitted.
    kinds_ : dict of str to list of str
        Columns that are read, as :func:`features_of` returns them.
    left_out_ : list of (str, str)
        Other columns, and why they are not read.
    """

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y=None):
        """Find out the kinds of the columns, and fit the encoder.

        Raises
        ------
        ValueError
            If no column is a feature.
        """
        features, self.kinds_, self.left_out_ = features_of(X)
        if features.shape[1] == 0:
            reasons = ", ".join(f"{name!r}: {why}" for name, why in self.left_out_)
            raise ValueError(f"No column is left for features ({reasons}).")
        encoder = make_encoder([], self.kinds_, self.random_state)
        self.encoder_ = encoder.fit(features)
        return self

    def transform(self, X):
        """Numbers of each row, of shape (n_samples, n_features)."""
        return self.encoder_.transform(self._read(X))

    def _read(self, X) -> pd.DataFrame:
        columns: dict[str, Any] = {}
        for name in self.kinds_["numbers"]:
            columns[name] = _numbers(X[name])
        for name in self.kinds_["categories"] + self.kinds_["texts"]:
            columns[name] = _strings(X[name])
        return pd.DataFrame(columns, index=X.index)


def _numbers(column) -> np.ndarray:
    """Numbers in single precision, dates as days since 2000.

    Raises
    ------
    ValueError
        If a value is no number.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        # from a day that tables which come one after another have in common
        first = pd.Timestamp("2000-01-01", tz=column.dt.tz)
        column = (column - first) / pd.Timedelta(days=1)
    try:
        return column.to_numpy(dtype=np.float32, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"column {column.name!r} held numbers before, and no longer does ({error})"
        ) from error


def _strings(column) -> pd.Series:
    """Strings as objects, with None where a value is missing."""
    text = column.map(str, na_action="ignore")
    return text.astype(object).where(text.notna(), None)


def make_encoder(
    votes: list[str], kinds: dict[str, list[str]], random_state=None
) -> ColumnTransformer:
    """Transformer to numbers, with the votes first as they are.

    Parameters
    ----------
    votes : list of str
        Columns of votes.
    kinds : dict of str to list of str
        Columns of features, as `features_of` returns them.
    random_state : int or None, default=None
        Of the reduction of text.

    Returns
    -------
    encoder : ColumnTransformer
        It is not fitted, and sees no label.
    """
    steps: list[tuple] = [("votes", "passthrough", votes)] if votes else []
    columns = kinds["numbers"] + kinds["categories"]
    if columns:
        steps.append(("columns", TabularRepresentation(), columns))
    for name in kinds["texts"]:
        encode = make_pipeline(
            FunctionTransformer(_filled),
            HashingVectorizer(
                analyzer="char_wb", ngram_range=(3, 5), n_features=_HASHES
            ),
            TruncatedSVD(_TEXT_DIMENSIONS, random_state=random_state),
            StandardScaler(),
        )
        steps.append((f"text {name}", encode, name))
    return ColumnTransformer(steps, sparse_threshold=0.0)


def _filled(text):
    """Text with an empty string in place of what is missing."""
    return ["" if value is None or pd.isna(value) else value for value in text]
