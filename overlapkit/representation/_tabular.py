"""TabularRepresentation: tables with text and missing values as numbers."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import (
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted

from overlapkit._utils.base import LinkedEstimator
from overlapkit._utils.checks import validate_data
from overlapkit._utils.sklearn_compat import Interval, _fit_context, _num_features

__all__ = ["TabularRepresentation"]


class TabularRepresentation(TransformerMixin, LinkedEstimator):
    r"""Numbers, text and missing values of a table as comparable numbers.

    Similarities and linear models need finite numbers of one scale. Missing numbers
    become the median of their column, numbers are standardised, and a column of text or
    categories becomes one column of 0 and 1 for each of its values; missing text is a
    value of its own, and a value that ``fit`` did not see is 0 in all of them.

    It is what :class:`~overlapkit.OverlapDetector` and the default weak model use for
    dataframes with text, categories or missing values.

    Parameters
    ----------
    max_categories : int, default=32
        Most values of a column of text or categories. A column with more, such as free
        text, is refused by name.

    Attributes
    ----------
    transformer_ : ColumnTransformer
        The fitted steps: medians and scales of numbers, values of the other columns.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it has names.

    Raises
    ------
    ValueError
        If a column holds dates, lists or too many different values, or X infinity.

    See Also
    --------
    HiddenLayerRepresentation : Learns a representation from weak labels.

    Examples
    --------
    >>> import pandas as pd
    >>> from overlapkit.representation import TabularRepresentation
    >>> X = pd.DataFrame({"size": [1.0, None, 3.0], "domain": ["com", "org", None]})
    >>> TabularRepresentation().fit_transform(X).round(2)
    array([[-1.22,  1.  ,  0.  ,  0.  ],
           [ 0.  ,  0.  ,  1.  ,  0.  ],
           [ 1.22,  0.  ,  0.  ,  1.  ]])
    """

    _parameter_constraints: dict = {
        "max_categories": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, *, max_categories=32):
        self.max_categories = max_categories

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn medians, scales and the values of text columns.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            The table.
        y : ignored
            Present for API consistency.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        # imported late: few who import overlapkit need them
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        table = self._table(X, reset=True)
        words = [c for c in table if table[c].dtype == object]
        many = [
            f"{self._name(c)!r} ({n} values)"
            for c in words
            if (n := table[c].nunique(dropna=False)) > self.max_categories
        ]
        if many:
            raise ValueError(
                f"The columns {', '.join(many[:10])} hold text or categories of more "
                f"than {self.max_categories} different values (max_categories), too "
                "many for a column each. Leave them out of strong_columns or "
                "weak_columns, or encode them, for instance by TfidfVectorizer and "
                "TruncatedSVD in a ColumnTransformer that is the representation= of "
                "the selector."
            )
        numbers = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
        )
        self.transformer_ = ColumnTransformer(
            [
                ("numbers", numbers, [c for c in table if c not in words]),
                (
                    "categories",
                    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                    words,
                ),
            ],
            sparse_threshold=0,
        ).fit(table)
        return self

    def transform(self, X):
        """Encode rows.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            The table, with the columns of ``fit``.

        Returns
        -------
        X_out : ndarray of shape (n_samples, n_features_out)
            Numbers first, then the values of each text column; float32 if all numbers
            are, else float64.
        """
        check_is_fitted(self)
        return self.transformer_.transform(self._table(X, reset=False))

    def get_feature_names_out(self, input_features=None):
        """Names of the columns of :meth:`transform`.

        Parameters
        ----------
        input_features : ignored
            Present for API consistency.

        Returns
        -------
        names : ndarray of shape (n_features_out,)
            The column's name, for text followed by the value.
        """
        check_is_fitted(self)
        names = [self._name(c) for c in range(self.n_features_in_)]
        numbers, encoder = (step[2] for step in self.transformer_.transformers_[:2])
        found = [names[int(c)] for c in numbers]
        if len(encoder):
            values = self.transformer_.named_transformers_["categories"].categories_
            for c, levels in zip(encoder, values):
                found += [f"{names[int(c)]}_{level}" for level in levels]
        return np.asarray(found, dtype=object)

    def _name(self, column):
        """Name of a column by its position."""
        names = getattr(self, "feature_names_in_", None)
        return f"x{column}" if names is None else str(names[int(column)])

    def _table(self, X, reset) -> pd.DataFrame:
        """Columns as floats or text, under their positions."""
        if not hasattr(X, "columns"):
            X = validate_data(
                self,
                X,
                dtype=[np.float64, np.float32],
                ensure_all_finite="allow-nan",
                reset=reset,
            )
            return pd.DataFrame(X, columns=map(str, range(X.shape[1])))
        validate_data(self, X, reset=reset, skip_check_array=True)
        columns = [X[name] for name in X.columns]
        texts = None
        if not reset:
            texts = {int(c) for c in self.transformer_.transformers_[1][2]}
        table = {
            str(k): _content(column, None if texts is None else k in texts)
            for k, column in enumerate(columns)
        }
        bad = [self._name(k) for k in range(_num_features(X)) if table[str(k)] is None]
        if bad:
            raise ValueError(
                f"The columns {bad[:10]} hold dates, lists or, beside numbers, other "
                "values, which have no default encoding. Convert dates to numbers, "
                "open lists by overlapkit.datasets.open_rows, or leave the columns out."
            )
        return pd.DataFrame(table)

    def __sklearn_tags__(self):
        """Text and missing values are taken; float32 in, float32 out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _content(column, as_text):
    """Floats, or text as objects with None where it is missing; None: neither.

    Parameters
    ----------
    column : Series
        Of pandas or polars.
    as_text : bool or None
        Which of the two; None: what the column holds.
    """
    if pd.api.types.is_numeric_dtype(getattr(column, "dtype", None)):
        values = column.to_numpy(dtype=_float_of(column.dtype), na_value=np.nan)
        return None if as_text else values
    values = np.asarray(column)
    if values.dtype.kind in "biuf" and not as_text:
        return values.astype(_float_of(values.dtype))
    if values.dtype.kind in "mM" or values.ndim != 1:
        return None
    if not as_text:
        try:
            return np.asarray(column, dtype=np.float64)
        except (TypeError, ValueError):
            if as_text is False:
                return None
    items = [None if _is_missing(item) else item for item in values]
    if not all(isinstance(item, str | bool | int | float | None) for item in items):
        return None
    texts = [None if item is None else str(item) for item in items]
    return pd.Series(texts, dtype=object)


def _is_missing(item):
    return item is None or item is pd.NA or (isinstance(item, float) and item != item)


def _float_of(dtype):
    narrow = str(dtype).lower() in ("float32", "float16")
    return np.float32 if narrow else np.float64
