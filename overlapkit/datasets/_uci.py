"""The two UCI tables that overlapkit ships."""

from importlib import resources
from typing import Any

import pandas as pd
from sklearn.utils import Bunch

from overlapkit._utils.sklearn_compat import validate_params

__all__ = ["load_mushroom", "load_spambase"]

_LOADER_PARAMETERS = {"return_X_y": ["boolean"], "as_frame": ["boolean"]}


def _load(name, target_names, dtype, return_X_y, as_frame) -> Bunch | Any:
    """Read one shipped table; `target_names` gives the classes in target order."""
    folder = resources.files("overlapkit.datasets") / "data"
    with (folder / f"{name}.csv.gz").open("rb") as file:
        # "none" is a category of mushroom, never a missing value
        frame = pd.read_csv(
            file, compression="gzip", dtype=dtype, keep_default_na=False
        )
    if dtype == "category":
        frame["target"] = frame["target"].map(target_names.index).astype("int64")
    features = frame.drop(columns="target")
    bunch = Bunch(
        data=features,
        target=frame["target"],
        frame=frame,
        feature_names=list(features.columns),
        target_names=list(target_names),
        DESCR=(folder / f"{name}.txt").read_text(encoding="ascii"),
    )
    if dtype == "category":
        bunch.categories = {
            column: features[column].cat.categories.tolist() for column in features
        }
    if not as_frame:
        if dtype == "category":
            features = features.apply(lambda column: column.cat.codes).astype("int64")
        bunch.update(
            data=features.to_numpy(), target=frame["target"].to_numpy(), frame=None
        )
    return (bunch.data, bunch.target) if return_X_y else bunch


@validate_params(_LOADER_PARAMETERS, prefer_skip_nested_validation=True)
def load_spambase(*, return_X_y: bool = False, as_frame: bool = False) -> Bunch | Any:
    """Load the Spambase table: which mails are spam, by their word frequencies.

    Real data with a natural weak side: a few words give a mail away, the rest takes
    a model. It ships with the package and needs no download.

    ==================   =====================
    Rows                                  4597
    Rows per class       2785 ham, 1812 spam
    Features             57, real, non-negative
    ==================   =====================

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas objects: `data` a DataFrame, `target` a Series.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the following attributes.

        data : {ndarray, DataFrame} of shape (4597, 57), float64
            48 word frequencies and 6 character frequencies (per cent), 3 lengths of
            runs of capitals (characters).
        target : {ndarray, Series} of shape (4597,), int64
            0 for ham, 1 for spam.
        frame : DataFrame of shape (4597, 58) or None
            Features and target together, with ``as_frame=True``.
        feature_names : list of str
            Names of the columns, as in the UCI description.
        target_names : list of str
            ``["ham", "spam"]``.
        DESCR : str
            Description, origin, licence and what was changed.

    (data, target) : tuple, with ``return_X_y=True``
        The two first attributes.

    See Also
    --------
    load_mushroom : Categorical features.
    overlapkit.label_models.TreeLabelingFunctions : Makes votes for a table.

    Notes
    -----
    Origin: UCI Machine Learning Repository, licence CC BY 4.0 [1]_. The rows are the
    4597 that the KEEL repository has of UCI's 4601; the four others are absent
    there although they have no missing value. No value was changed.

    References
    ----------
    .. [1] M. Hopkins, E. Reeber, G. Forman, J. Suermondt. "Spambase". UCI Machine
       Learning Repository, 1999. https://doi.org/10.24432/C53G6X

    Examples
    --------
    >>> from overlapkit.datasets import load_spambase
    >>> spambase = load_spambase()
    >>> spambase.data.shape, spambase.target_names
    ((4597, 57), ['ham', 'spam'])
    """
    return _load("spambase", ("ham", "spam"), None, return_X_y, as_frame)


@validate_params(_LOADER_PARAMETERS, prefer_skip_nested_validation=True)
def load_mushroom(*, return_X_y: bool = False, as_frame: bool = False) -> Bunch | Any:
    """Load the Mushroom table: which mushrooms are poisonous, by their description.

    Real data whose features are all categorical. It ships with the package and
    needs no download.

    ==================   ===========================
    Rows                                        5644
    Rows per class       3488 edible, 2156 poisonous
    Features             22, categorical
    ==================   ===========================

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas objects: `data` a DataFrame whose columns are categorical,
        with readable categories (``odor`` is ``"almond"``, ...), `target` a Series.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the following attributes.

        data : {ndarray of int64, DataFrame of categories}, shape (5644, 22)
            Each number is a position in `categories` of its column. The numbers
            have no meaningful order: encode them one-hot for a linear model.
        target : {ndarray, Series} of shape (5644,), int64
            0 for edible, 1 for poisonous.
        frame : DataFrame of shape (5644, 23) or None
            Features and target together, with ``as_frame=True``.
        feature_names : list of str
            Names of the columns, as in the UCI description.
        categories : dict of str to list of str
            For each column, its categories in alphabetical order.
        target_names : list of str
            ``["edible", "poisonous"]``.
        DESCR : str
            Description, origin, licence and what was changed.

    (data, target) : tuple, with ``return_X_y=True``
        The two first attributes.

    See Also
    --------
    load_spambase : Numerical features.
    overlapkit.label_models.TreeLabelingFunctions : Makes votes for a table.

    Notes
    -----
    Origin: UCI Machine Learning Repository, licence CC BY 4.0 [1]_. The rows are the
    5644 of UCI's 8124 that have no missing value (``stalk-root`` is missing in 2480),
    which is what the KEEL repository keeps. They are not a random sample: 38 % are
    poisonous here, 48 % in the full table.

    References
    ----------
    .. [1] "Mushroom". UCI Machine Learning Repository, 1981, donated 1987.
       https://doi.org/10.24432/C5959T

    Examples
    --------
    >>> from overlapkit.datasets import load_mushroom
    >>> mushroom = load_mushroom()
    >>> mushroom.data.shape, mushroom.target_names
    ((5644, 22), ['edible', 'poisonous'])
    >>> mushroom.categories["population"][:3]
    ['abundant', 'clustered', 'numerous']
    """
    return _load("mushroom", ("edible", "poisonous"), "category", return_X_y, as_frame)
