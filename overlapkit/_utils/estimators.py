"""Estimators as users build them: in pipelines and searches, with weights."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import has_fit_parameter

from overlapkit._utils.sklearn_compat import (
    _num_samples,
    _routing_enabled,
    _safe_indexing,
)

__all__ = [
    "align_columns",
    "has_entry_per_row",
    "innermost",
    "rows_of_params",
    "takes_weights",
    "weight_params",
]


def align_columns(proba, classes, all_classes) -> np.ndarray:
    """Probability columns in the order of `all_classes`, with zeros for absent ones.

    Parameters
    ----------
    proba : array-like of shape (n_samples, n_classes)
        Probabilities in the order of `classes`, which may be any.
    classes : array-like of shape (n_classes,)
        Classes of the columns, each among `all_classes`.
    all_classes : ndarray of shape (n_all,)
        Sorted classes.

    Returns
    -------
    aligned : ndarray of shape (n_samples, n_all), dtype float64

    Raises
    ------
    ValueError
        If a column is of a class that is none of all.
    """
    proba = np.asarray(proba, dtype=np.float64)
    extra = np.setdiff1d(classes, all_classes)
    if len(extra):
        raise ValueError(
            f"A model gives probabilities of the classes {extra.tolist()[:10]}, which "
            f"are none of {all_classes.tolist()[:10]}."
        )
    positions = np.searchsorted(all_classes, classes)
    if np.array_equal(positions, np.arange(len(all_classes))):
        return proba
    out = np.zeros((len(proba), len(all_classes)))
    out[:, positions] = proba
    return out


class _Inner(NamedTuple):
    estimator: Any
    param_prefix: str  # of its parameters, in set_params of the whole
    fit_prefix: str  # of what its fit takes, in fit of the whole


def innermost(estimator) -> _Inner:
    """What a pipeline ends in and a search looks for."""
    param_prefix = fit_prefix = ""
    while True:
        if hasattr(estimator, "steps"):
            name, estimator = estimator.steps[-1]
            fit_prefix += f"{name}__"
        elif hasattr(estimator, "_run_search"):
            # a search hands the parameters of fit on under the names they have
            name, estimator = "estimator", estimator.estimator
        else:
            return _Inner(estimator, param_prefix, fit_prefix)
        param_prefix += f"{name}__"


def takes_weights(estimator) -> bool:
    """Whether the fit of an estimator can make use of sample weights."""
    inner = innermost(estimator)
    if _routing_enabled() and inner.param_prefix:
        routing = estimator.get_metadata_routing()
        return bool(routing.consumes("fit", ["sample_weight"]))
    return has_fit_parameter(inner.estimator, "sample_weight")


def weight_params(estimator, weight) -> dict:
    """Weights as `fit` of an estimator wants them."""
    prefix = "" if _routing_enabled() else innermost(estimator).fit_prefix
    return {f"{prefix}sample_weight": weight}


def rows_of_params(params, positions, n_samples) -> dict:
    """Parameters of ``fit`` for some of the rows.

    What has an entry per row is indexed; anything else, such as a list of callbacks
    or a validation set, is passed on as it is.
    """
    return {
        name: _safe_indexing(value, positions)
        if has_entry_per_row(value, n_samples)
        else value
        for name, value in params.items()
    }


def has_entry_per_row(value, n_samples) -> bool:
    """Whether a parameter of ``fit`` belongs to the rows one by one."""
    if value is None or np.isscalar(value) or not hasattr(value, "__len__"):
        return False
    return not isinstance(value, str | dict) and _num_samples(value) == n_samples
