"""The default strong model: LightGBM that takes dataframes of any kind."""

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.utils.metaestimators import available_if

from overlapkit._utils.frames import columns_without_numbers, is_dataframe

__all__ = ["TableLGBMClassifier"]


class TableLGBMClassifier(LGBMClassifier):
    """LightGBM whose frames may hold text, which it reads as categories.

    LightGBM itself refuses text in a pandas frame, and ends the process on a polars
    frame with a column of no numbers.
    """

    def fit(self, X, y, sample_weight=None):
        """Fit on a frame or an array.

        Parameters
        ----------
        X : array or dataframe of shape (n_samples, n_features)
            The strong view.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        # new rows may lack what tells text from numbers
        self.text_columns_ = columns_without_numbers(X) if is_dataframe(X) else []
        rows = _readable(X, self.text_columns_)
        return super().fit(rows, y, sample_weight=sample_weight)

    def predict(self, X, **params):
        """Class of each row."""
        return super().predict(_readable(X, self.text_columns_), **params)

    def predict_proba(self, X, **params):
        """Probabilities of the classes."""
        return super().predict_proba(_readable(X, self.text_columns_), **params)

    @available_if(lambda self: hasattr(LGBMClassifier, "decision_function"))
    def decision_function(self, X, **params):
        """Raw scores of the classes."""
        return super().decision_function(_readable(X, self.text_columns_), **params)


def _readable(X, texts):
    """A frame that LightGBM can read; arrays and frames of numbers as they are.

    Raises
    ------
    ValueError
        If a column holds dates or lists.
    """
    others = columns_without_numbers(X) if is_dataframe(X) else []
    if not others and not texts:
        return X
    new = [name for name in others if name not in texts]
    if new:
        raise ValueError(
            f"The columns {new[:10]} of the strong view of X hold no numbers, unlike "
            "in fit: convert them to numbers."
        )
    columns = {str(name): X[name] for name in X.columns}
    bad = [name for name in texts if not _holds_text(columns[name])]
    if bad:
        raise ValueError(
            f"The columns {bad[:10]} of the strong view hold dates, lists or other "
            "values that LightGBM cannot read. Convert dates to numbers, open lists by "
            "overlapkit.datasets.open_rows, or leave them out of strong_columns."
        )
    return pd.DataFrame(
        {
            name: _as_categories(column) if name in texts else _as_numbers(column)
            for name, column in columns.items()
        }
    )


def _as_numbers(column) -> np.ndarray:
    """As they are, where missing values are no objects."""
    values = np.asarray(column)
    return values if values.dtype.kind in "biuf" else np.asarray(column, np.float64)


def _as_categories(column) -> pd.Series:
    if isinstance(column, pd.Series):
        if isinstance(column.dtype, pd.CategoricalDtype):
            return column.reset_index(drop=True)
        if pd.api.types.is_numeric_dtype(column.dtype):  # with pd.NA
            return column.reset_index(drop=True).astype(np.float64)
    words = pd.Series(np.asarray(column), dtype=object)
    return words.where(words.isna(), words.astype(str)).astype("category")


def _holds_text(column) -> bool:
    dtype = getattr(column, "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_numeric_dtype(dtype):
        return True
    values = np.asarray(column)
    if values.dtype.kind in "mM" or values.ndim != 1:
        return False
    simple = str | bool | int | float | None
    return all(isinstance(v, simple) or v is pd.NA for v in values.tolist())
