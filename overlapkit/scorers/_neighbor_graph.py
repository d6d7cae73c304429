"""The exact nearest neighbours of every row, and how far their labels agree."""

import numpy as np

from overlapkit._kernels import nearest as kernels
from overlapkit._kernels.similarity import inverse_norms, scale_rows, square_sums
from overlapkit._kernels.ties import hash_rows
from overlapkit._utils.memory_map import read_rows, release_rows
from overlapkit._utils.threads import Workspace, run_tiles, steps

__all__ = ["cut_statistic", "nearest_neighbors", "unit_rows"]

_TILE_ROWS = 1536
_TILE_BYTES = 8 << 20
_BLOCK_BYTES = 4 << 20  # rows converted, or candidates gathered, at a time
# Candidates beyond those asked for: products in float32 may swap close candidates,
# which are then ordered by distances in float64.
_SPARE = 8
# Columns are centred where their mean dominates, which would cost digits. Otherwise
# they are not, because products of small integers are exact.
_CENTRE_ABOVE = 10.0


def nearest_neighbors(
    X, n_neighbors, n_jobs=None, *, ties=None
) -> tuple[np.ndarray, np.ndarray]:
    r"""The nearest other rows of each row by Euclidean distance.

    Inner products of tiles of rows come from BLAS in float32; a heap per row carries
    the nearest candidates along. Their distances are computed again in float64,

    .. math::

        d_{uv} = \lVert x_u - x_v \rVert_2

    so distances of nearly equal rows are accurate.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Any real type, finite; a memory map is read in blocks.
    n_neighbors : int
        Neighbours of a row, fewer than `n_samples`. A row is not its own neighbour.
    n_jobs : int, default=None
        Number of threads; None: those that BLAS may use.
    ties : ndarray of shape (n_samples, n_columns), default=None
        Numbers that order rows with the same values.

    Returns
    -------
    neighbors : ndarray of shape (n_samples, n_neighbors), dtype int32
        Row numbers, nearest first.
    distances : ndarray of shape (n_samples, n_neighbors)
        Their distances; float64 if X is, else float32.

    Raises
    ------
    ValueError
        If a value is not finite or too large for float32.

    Notes
    -----
    Rows at the same distance are ordered by a hash of their values and `ties`, so the
    order of the table decides between equal rows only. Time is :math:`O(n^2 d)`; beside
    the result, memory is a norm and a key per row and some tiles per thread.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.scorers._neighbor_graph import nearest_neighbors
    >>> neighbors, distances = nearest_neighbors(np.array([[0.0], [1.0], [5.0]]), 1)
    >>> neighbors.ravel().tolist(), distances.ravel().tolist()
    ([1, 0, 1], [1.0, 1.0, 4.0])
    """
    n = len(X)
    n_neighbors = min(n_neighbors, n - 1)
    size = min(n_neighbors + _SPARE, n - 1)
    neighbors = np.empty((n, n_neighbors), dtype=np.int32)
    precision = np.float64 if X.dtype == np.float64 else np.float32
    distances = np.empty((n, n_neighbors), dtype=precision)
    if n_neighbors < 1:
        return neighbors, distances
    block_rows = max(16, _BLOCK_BYTES // (4 * X.shape[1]))
    offset = _offset(X, block_rows)
    half_squares = np.empty(n, dtype=np.float32)
    space = Workspace()
    for start, stop in steps(n, block_rows):
        block = _load(X, start, stop, offset, space, "columns")
        squares = np.empty(len(block))
        square_sums(block, squares)
        if not np.isfinite(squares).all():
            bad = start + int(np.argmin(np.isfinite(squares)))
            raise ValueError(
                f"Row {bad} of the strong columns holds NaN, infinity or a value too "
                "large for float32; nearest neighbours need finite values: impute or "
                "rescale first."
            )
        half_squares[start:stop] = squares / 2
    keys = _keys(X)
    if ties is not None:
        keys ^= _keys(ties)
    gather_rows = max(1, _BLOCK_BYTES // (8 * size * X.shape[1]))

    def task(start, stop):
        tile = _load(X, start, stop, offset, space, "rows")
        values = np.full((stop - start, size), -np.inf, dtype=np.float32)
        rows = np.full((stop - start, size), -1, dtype=np.int64)
        step = max(16, min(block_rows, _TILE_BYTES // (4 * len(tile))))
        for first, last in steps(n, step):
            columns = _load(X, first, last, offset, space, "columns")
            products = space.take("products", (len(tile), last - first), np.float32)
            np.dot(tile, columns.T, out=products)
            kernels.running_nearest(
                products, half_squares, start, first, keys, values, rows
            )
        for first, last in steps(stop - start, gather_rows):
            found = rows[first:last]
            squares = np.empty(found.shape)
            wanted, where = np.unique(found, return_inverse=True)
            others = read_rows(X, wanted)[where.reshape(found.shape)]
            own = X[start + first : start + last]
            if own.dtype == np.float16:
                own, others = own.astype(np.float32), others.astype(np.float32)
            kernels.squared_distances(own, others, squares)
            nearest = np.lexsort((keys[found], squares))[:, :n_neighbors]
            out = slice(start + first, start + last)
            neighbors[out] = np.take_along_axis(found, nearest, axis=1)
            distances[out] = np.sqrt(np.take_along_axis(squares, nearest, axis=1))

    # tiles of one size on any machine: distances do not depend on the threads
    run_tiles(task, steps(n, _TILE_ROWS), n_jobs)
    return neighbors, distances


def unit_rows(X) -> np.ndarray | None:
    """Copy of the rows divided by their norms, whose distances rank by the cosine.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Finite; a memory map is read in blocks.

    Returns
    -------
    rows : ndarray of shape (n_samples, n_features) or None
        In float64 if X is, else in float32. None where the norm of a row is zero: its
        cosine to any row is 0, which no distance says.
    """
    precise = X.dtype == np.float64
    rows = np.empty(X.shape, dtype=np.float64 if precise else np.float32)
    squares = np.empty(len(X))
    for start, stop in steps(len(X), max(1, _BLOCK_BYTES // (8 * X.shape[1]))):
        rows[start:stop] = X[start:stop]
        square_sums(rows[start:stop], squares[start:stop])
        release_rows(X, start, stop)
    inverse = inverse_norms(squares, rows.dtype)
    if (inverse == 0).any():
        return None
    scale_rows(rows, inverse)
    return rows


def _keys(X) -> np.ndarray:
    """A number per row, from 0 to 2**62, that depends on its values alone."""
    keys = np.empty(len(X), dtype=np.int64)
    for start, stop in steps(len(X), max(16, _BLOCK_BYTES // (8 * X.shape[1]))):
        keys[start:stop] = hash_rows(X[start:stop], 0) >> np.uint64(2)
        release_rows(X, start, stop)
    return keys


def _offset(X, block_rows):
    """Mean of the columns where it dominates their spread, else None."""
    total = np.zeros(X.shape[1])
    squares = np.zeros(X.shape[1])
    for start, stop in steps(len(X), block_rows):
        block = np.asarray(X[start:stop], dtype=np.float64)
        total += block.sum(axis=0)
        squares += np.einsum("ij,ij->j", block, block)
        release_rows(X, start, stop)
    mean = total / len(X)
    spread = np.maximum(squares / len(X) - mean**2, 0).sum()
    if not np.isfinite(spread) or mean @ mean <= _CENTRE_ABOVE * spread:
        return None
    return mean if X.dtype.kind != "f" or X.dtype == np.float64 else mean.astype("f4")


def _load(X, start, stop, offset, space, name):
    """Rows in float32, from memory that is reused."""
    if X.dtype == np.float32 and offset is None and isinstance(X, np.ndarray):
        block = X[start:stop]
        release_rows(X, start, stop)
        return block
    block = space.take(name, (stop - start, X.shape[1]), np.float32)
    with np.errstate(over="ignore"):  # reported by the caller
        if offset is None:
            np.copyto(block, X[start:stop], casting="unsafe")
        else:
            np.subtract(X[start:stop], offset, out=block, casting="unsafe")
    release_rows(X, start, stop)
    return block


def cut_statistic(labels, neighbors, distances, reference_labels, n_classes):
    """Agreement of labels with those of neighbours, see CutStatisticScorer.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,) of int
        Weak label codes of the rows.
    neighbors : ndarray of shape (n_samples, n_neighbors) of int
        Positions of each row's neighbours among the reference rows.
    distances : ndarray of shape (n_samples, n_neighbors)
        Their distances.
    reference_labels : ndarray of shape (n_reference,) of int
        Weak label codes of the reference rows.
    n_classes : int
        Number of classes.

    Returns
    -------
    z : ndarray of shape (n_samples,)
        Higher: more agreement. 0 where the labels are all of one class.
    """
    share = np.bincount(reference_labels, minlength=n_classes) / len(reference_labels)
    weight = 1.0 / (1.0 + distances)
    # only the ratios of the weights of a row matter; their squares must not vanish
    far = weight.max(axis=1, initial=0) < 1e-100
    weight[far] /= weight[far].max(axis=1, keepdims=True, initial=5e-324)
    disagree = (weight * (reference_labels[neighbors] != labels[:, None])).sum(axis=1)
    own = share[labels]
    expected = (1 - own) * weight.sum(axis=1)
    spread = np.sqrt(own * (1 - own) * (weight**2).sum(axis=1))
    z = np.zeros(len(labels))
    np.divide(expected - disagree, spread, out=z, where=spread > 0)
    return z
