"""The only place that imports semi-private names of scikit-learn (1.6 to 1.9)."""

import functools
import inspect
import re

from sklearn.base import _fit_context as _sklearn_fit_context
from sklearn.utils._indexing import _get_column_indices, _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)
from sklearn.utils._param_validation import validate_params as _sklearn_validate_params
from sklearn.utils._tags import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import (
    _check_sample_weight,
    _num_features,
    _num_samples,
    validate_data,
)

__all__ = [
    "HasMethods",
    "Interval",
    "MetadataRouter",
    "MethodMapping",
    "Options",
    "StrOptions",
    "_check_sample_weight",
    "_fit_context",
    "_get_column_indices",
    "_num_features",
    "_num_samples",
    "_raise_for_params",
    "_routing_enabled",
    "_safe_indexing",
    "get_tags",
    "plain_text",
    "process_routing",
    "validate_data",
    "validate_params",
]


def plain_text(text) -> str:
    """Text in which ``np.int64(3)`` is ``3``."""
    types = r"str_|bytes_|bool_?|u?int\d+|float\d+"
    return re.sub(rf"\bnp\.(?:{types})\(([^()]*)\)", r"\1", str(text))


def _refuse_classes(values) -> None:
    """A class has the methods of its instances, so constraints would let it pass."""
    for name, value in values.items():
        if isinstance(value, type):
            # both a ValueError and a TypeError
            raise InvalidParameterError(
                f"{name}={value.__name__} is a class: give an object, such as "
                f"{value.__name__}()."
            )


def _in_plain_text(function, *args, **kwargs):
    """Call; errors about parameters print values without NumPy's names of types."""
    try:
        return function(*args, **kwargs)
    except InvalidParameterError as error:
        text = plain_text(error)
        if text == str(error):
            raise
        raise InvalidParameterError(text) from None


def _fit_context(*, prefer_skip_nested_validation):
    """As in scikit-learn; errors print plain values, and classes are refused."""
    decorate = _sklearn_fit_context(
        prefer_skip_nested_validation=prefer_skip_nested_validation
    )

    def decorator(method):
        checked = decorate(method)

        @functools.wraps(method)
        def wrapper(estimator, *args, **kwargs):
            _refuse_classes(estimator.get_params(deep=False))
            before = dict(vars(estimator))
            try:
                return _in_plain_text(checked, estimator, *args, **kwargs)
            except KeyboardInterrupt:
                # half a fit must not pass for one; a batch that was taken is kept
                if method.__name__ != "partial_fit":
                    vars(estimator).clear()
                    vars(estimator).update(before)
                raise

        return wrapper

    return decorator


def validate_params(constraints, *, prefer_skip_nested_validation):
    """As in scikit-learn; errors print plain values, and classes are refused."""
    decorate = _sklearn_validate_params(
        constraints, prefer_skip_nested_validation=prefer_skip_nested_validation
    )

    def decorator(function):
        checked = decorate(function)
        names = list(inspect.signature(function).parameters)

        @functools.wraps(checked)
        def wrapper(*args, **kwargs):
            _refuse_classes({**dict(zip(names, args)), **kwargs})
            return _in_plain_text(checked, *args, **kwargs)

        return wrapper

    return decorator
