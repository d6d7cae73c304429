"""Largest similarity among the reference rows that a neighbour transformer finds.

The transformer only proposes: similarities to what it found are computed here. So
its metric and the precision of its distances do not matter beyond which rows it
finds, and a score can be too small, never too large.
"""

from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import clone

from overlapkit._kernels import similarity as kernels
from overlapkit._utils.memory_map import release_rows
from overlapkit._utils.threads import steps

__all__ = ["fit_neighbors", "neighbor_similarity"]

_BLOCK_BYTES = 32 << 20  # rows handed to the transformer at a time


def fit_neighbors(transformer, reference, metric, aggregation="max") -> Any:
    r"""Fit a clone of a neighbour transformer on reference rows.

    For the cosine it is fitted on the rows divided by their norms, followed by the
    negatives of these: the point nearest to a row divided by its norm is then, up to
    its sign, the one with the largest absolute cosine, because
    :math:`|u - v|^2 = 2 - 2 \cos(u, v)` for unit rows.

    Parameters
    ----------
    transformer : transformer or None
        Its ``transform`` gives a sparse graph with a stored entry per neighbour, as
        :class:`~sklearn.neighbors.KNeighborsTransformer` does.
    reference : ndarray of shape (n_reference, n_features)
        The reference rows.
    metric : {"cosine", "euclidean"}
        The similarity.
    aggregation : {"max"}, default="max"
        What is made of the similarities.

    Returns
    -------
    fitted : transformer or None
        None without a transformer or without reference rows.

    Raises
    ------
    ValueError
        If the metric is "dot", because the largest inner product is no nearest
        neighbour, or the aggregation needs more than the nearest.
    """
    if transformer is None:
        return None
    if aggregation != "max":
        raise ValueError(
            "neighbors finds the nearest hard rows, which is what aggregation='max' "
            f"needs; aggregation={aggregation!r} compares with all."
        )
    if metric == "dot":
        raise ValueError(
            "neighbors finds the nearest rows, and the row with the largest inner "
            "product need not be near: use metric='cosine' or 'euclidean', or "
            "neighbors=None."
        )
    if len(reference) == 0:
        return None
    points = _points(reference, metric)
    if metric == "cosine":
        points = np.concatenate([points, -points])
    return clone(transformer).fit(points)


def neighbor_similarity(fitted, X, reference, metric) -> np.ndarray:
    """Largest absolute cosine, or 1 / (1 + distance), among the neighbours found.

    Parameters
    ----------
    fitted : transformer
        As :func:`fit_neighbors` returned it.
    X : ndarray of shape (n_samples, n_features)
        Rows to score, finite; read in blocks.
    reference : ndarray of shape (n_reference, n_features)
        The rows it was fitted on.
    metric : {"cosine", "euclidean"}
        The similarity.

    Returns
    -------
    scores : ndarray of shape (n_samples,)
        At most the exact maximum, and negative for a row without a neighbour; float32
        for float16 and float32 `X`, else float64.

    Raises
    ------
    ValueError
        If the transformer gives anything but a graph from rows to reference rows.
    """
    points = _points(reference, metric)
    n_points = len(points) * (2 if metric == "cosine" else 1)
    scores = np.empty(len(X))
    size = max(1, _BLOCK_BYTES // (X.shape[1] * points.itemsize))
    for start, stop in steps(len(X), size):
        block = _points(X[start:stop], metric)
        release_rows(X, start, stop)
        graph = fitted.transform(block)
        if getattr(graph, "shape", None) != (len(block), n_points):
            raise ValueError(
                f"neighbors={fitted} must turn rows into a sparse graph with a column "
                f"per point it was fitted on, shape {(len(block), n_points)}; got "
                f"{type(graph).__name__} of shape {getattr(graph, 'shape', None)}."
            )
        graph = csr_array(graph)
        kernels.largest_among(
            block,
            points,
            graph.indptr,
            graph.indices,
            metric == "euclidean",
            scores[start:stop],
        )
    dtype = np.float64 if X.dtype == np.float64 else np.float32
    return np.minimum(scores, 1.0).astype(dtype)


def _points(rows, metric) -> np.ndarray:
    """Rows in their precision of computation, divided by their norms for the cosine."""
    dtype = np.float64 if rows.dtype == np.float64 else np.float32
    points = np.array(rows, dtype=dtype, order="C")
    if metric == "cosine":
        squares = np.empty(len(points))
        kernels.square_sums(points, squares)
        kernels.scale_rows(points, kernels.inverse_norms(squares, np.dtype(dtype)))
    return points
