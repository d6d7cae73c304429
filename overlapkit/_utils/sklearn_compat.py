"""The only place that imports semi-private names of scikit-learn (1.6 to 1.9)."""

from sklearn.base import _fit_context
from sklearn.utils._indexing import _get_column_indices, _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_params,
)
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
    "process_routing",
    "validate_data",
    "validate_params",
]
