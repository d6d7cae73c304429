"""How an estimator is handed sample weights (pure functions)."""

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from overlapkit._sklearn_compat import _routing_enabled

__all__ = ["takes_weights", "weight_params"]


def takes_weights(estimator) -> bool:
    """Whether the fit of an estimator can make use of sample weights."""
    if not isinstance(estimator, Pipeline):
        return has_fit_parameter(estimator, "sample_weight")
    if _routing_enabled():
        routing = estimator.get_metadata_routing()
        return bool(routing.consumes("fit", ["sample_weight"]))
    return takes_weights(estimator.steps[-1][1])


def weight_params(estimator, weight) -> dict:
    """Weights as `fit` of an estimator wants them; a pipeline hands them to its end."""
    name, part = "sample_weight", estimator
    if not _routing_enabled():
        while isinstance(part, Pipeline):
            last, part = part.steps[-1]
            name = f"{name.removesuffix('sample_weight')}{last}__sample_weight"
    return {name: weight}
