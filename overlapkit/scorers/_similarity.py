"""Similarity of many rows to a set of reference rows, aggregated while in cache."""

from functools import cached_property
from numbers import Integral, Real
from typing import Literal

import numpy as np
from joblib import cpu_count
from numpy.typing import ArrayLike

from overlapkit._kernels import similarity as kernels
from overlapkit._utils.checks import check_array
from overlapkit._utils.memory_map import release_rows
from overlapkit._utils.sklearn_compat import Interval, StrOptions, validate_params
from overlapkit._utils.threads import (
    N_JOBS,
    Workspace,
    even_steps,
    n_threads,
    run_tiles,
    steps,
)

__all__ = ["PreparedReference", "reference_similarity"]

# What one worker thread holds at a time; none of it grows with the number of rows
# on either side. (Rows, bytes) of a tile of products: of narrow rows the reduction
# costs as much as the product, so a tile fits the second-level cache; of wide rows
# BLAS decides, which is at its best on larger tiles.
_NARROW = 64
_NARROW_TILE = 400, 2 << 20
_WIDE_TILE = 1536, 8 << 20
_LIGHT_BYTES = 2 << 20  # rows or products, where few per row let calls cost most
_ROWS_BYTES = 16 << 20  # scored rows, converted and normalised
_BLOCK_BYTES = 2 << 20  # reference rows, when they have to be converted
_WIDE_BYTES = 4 << 20  # similarities for order statistics, one row at least
_LONG_BYTES = 32 << 20  # such rows of all threads, where one is longer than that
_LEAST_ROWS = 64  # of a tile that is cut so that all threads get some
_GATHERED = 256  # rows of files picked out at a time
# Of arrays, so many bytes: a worker of dask gives larger pieces back to the system as
# soon as they are free, and the next one is fresh memory, which costs page faults.
_GATHERED_BYTES = 96 << 10
_TOP_LIMIT = 2048  # so many largest similarities of a row are carried along at most
# A converted copy of the reference is kept when it is at most this large.
_RESIDENT_BYTES = 8 << 20
# Rows are padded to a multiple of this, the width of a BLAS micro-kernel: then the
# edge kernels, which may round differently, never touch a row that counts.
_PAD = 16
_ROUNDING = 1e-6  # of cosines in float32, in the comparison of angles


class PreparedReference:
    """Reference rows made ready once, to score many batches of rows.

    The rows themselves are not copied when they already have the precision of the
    computation: normalisation is a weight per reference row, applied while a tile
    of products is reduced.

    Parameters
    ----------
    reference : ndarray of shape (n_reference, n_features)
        At least one row. Not copied: do not change it while this object is used.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        As in :func:`reference_similarity`.
    dtype : dtype, default=numpy.float32
        Precision of the products, float32 or float64. Distances are always computed
        in float64, because they are differences of nearly equal numbers, and taken
        from the mean reference row.

    Attributes
    ----------
    n_rows, n_features : int
        Shape of the reference.
    metric : str
        The metric.
    dtype : dtype
        Precision of the products.

    Raises
    ------
    ValueError
        If a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.scorers._similarity import PreparedReference
    >>> prepared = PreparedReference(np.array([[1.0, 0.0], [0.0, 2.0]]))
    >>> prepared.score(np.array([[3.0, 0.0]]), aggregation="max")
    array([1.])
    """

    def __init__(self, reference, *, metric="cosine", dtype=np.float32) -> None:
        self.metric = metric
        self.dtype = np.dtype(np.float64 if metric == "euclidean" else dtype)
        self.n_rows, self.n_features = reference.shape
        self._row_bytes = self.n_features * self.dtype.itemsize
        self._tile = _NARROW_TILE if self.n_features <= _NARROW else _WIDE_TILE
        resident = self.n_rows * self._row_bytes <= _RESIDENT_BYTES
        # |x - r|^2 = |x|^2 + |r|^2 - 2 <x, r> cancels far from the origin
        self._center = _mean_row(reference) if metric == "euclidean" else None
        if resident and metric == "euclidean":
            reference, moved = reference.astype(self.dtype) - self._center, True
        else:
            moved = metric != "euclidean"
            if resident:
                reference = reference.astype(self.dtype, copy=False)
        self._rows, self._ready = reference, moved and reference.dtype == self.dtype
        self._squares = np.empty(self.n_rows)
        step = max(1, _BLOCK_BYTES // self._row_bytes)
        space = Workspace()
        for start, stop in steps(self.n_rows, step):
            _, squares, n = _load(
                reference,
                start,
                stop,
                self.dtype,
                None if moved else self._center,
                False,
                "reference",
                space,
            )
            self._squares[start:stop] = squares[:n]
        if metric == "cosine":
            self._weights = kernels.inverse_norms(self._squares, self.dtype)
        else:
            self._weights = np.ones(self.n_rows, dtype=self.dtype)
        self._weights = self._weights.astype(self.dtype, copy=False)

    def _block(self, start, stop):
        """Reference rows in the precision of the products, without normalisation."""
        block = self._rows[start:stop].astype(self.dtype, copy=False)
        if self._ready or self._center is None:
            return block
        return block - self._center

    @cached_property
    def _centroid(self):
        """Mean of the reference rows, each divided by its norm for the cosine."""
        total = np.zeros(self.n_features)
        step = max(1, _BLOCK_BYTES // (8 * self.n_features))
        for start, stop in steps(self.n_rows, step):
            block = self._rows[start:stop].astype(np.float64, copy=False)
            total += self._weights[start:stop].astype(np.float64) @ block
        return (total / self.n_rows).astype(self.dtype)

    @cached_property
    def _one_sign(self):
        """Finds rows whose inner products all have one sign."""
        step = max(1, _BLOCK_BYTES // (8 * self.n_features))

        def read_blocks():
            return (self._rows[i:j] for i, j in steps(self.n_rows, step))

        return _OneSign(read_blocks, self._squares, self.n_features)

    def score(
        self,
        X,
        *,
        rows=None,
        aggregation="mean",
        absolute=True,
        quantile=0.9,
        top_k=10,
        n_jobs=None,
    ) -> np.ndarray:
        """Aggregate the similarities of rows of X to the reference rows.

        The other parameters and the result are those of :func:`reference_similarity`;
        only that values are finite is checked.

        Parameters
        ----------
        rows : ndarray of int, default=None
            Ascending positions of the rows to score. None: all.
        """
        absolute = absolute and self.metric != "euclidean"
        n_scored = X.shape[0] if rows is None else len(rows)
        out = np.empty(n_scored, dtype=_result_dtype(X))
        space = Workspace()

        signed = aggregation == "mean" and self.metric != "euclidean"
        by_centroid = signed and not absolute
        products = 0 if by_centroid else self.n_rows * self.dtype.itemsize
        tile_rows = max(self._tile[0], _LIGHT_BYTES // max(products, self._row_bytes))
        fits = _ROWS_BYTES // self._row_bytes // _PAD * _PAD
        tile_rows = max(_PAD, min(tile_rows, fits))
        if by_centroid:
            centroid = self._centroid

            def aggregate(block, squares, n_valid):
                return block @ centroid

        elif signed and self._one_sign.possible:
            self._centroid  # noqa: B018 - before threads ask for it at once

            def aggregate(block, squares, n_valid):
                return self._mean_magnitude(block, squares, space)

        elif aggregation in ("max", "mean"):

            def aggregate(block, squares, n_valid):
                return self._stream(block, squares, aggregation, absolute, space)

        elif aggregation == "topk" and top_k <= _TOP_LIMIT:
            top_k = min(top_k, self.n_rows)
            tile_rows = min(tile_rows, _WIDE_BYTES // (top_k * self.dtype.itemsize))

            def aggregate(block, squares, n_valid):
                return self._stream_top(block, squares, top_k, absolute, space)

        else:
            top_k = min(top_k, self.n_rows)
            wide_bytes = self.n_rows * self.dtype.itemsize
            tile_rows = max(1, min(tile_rows, _WIDE_BYTES // wide_bytes))
            if tile_rows == 1:
                most = max(1, _LONG_BYTES // wide_bytes)
                n_jobs = min(n_threads(n_jobs), most)

            def aggregate(block, squares, n_valid):
                whole = self._similarities(block, squares, absolute, n_valid, space)
                if aggregation == "quantile":
                    return kernels.row_quantile(whole, quantile)
                return kernels.row_top_mean(whole, top_k)

        def task(start, stop):
            block, squares, n_valid = _load(
                X,
                start,
                stop,
                self.dtype,
                self._center,
                self.metric == "cosine",
                "X",
                space,
                rows,
            )
            result = aggregate(block, squares, n_valid)[:n_valid]
            if self.metric == "cosine":  # rounding may step over the ends
                result = np.clip(result, -1.0, 1.0)
            out[start:stop] = result

        # The machine's cores, not n_jobs: scores of other tiles may round differently.
        tiles = even_steps(n_scored, tile_rows, _LEAST_ROWS, cpu_count(), _PAD)
        run_tiles(task, tiles, n_jobs)
        return out

    def _mean_magnitude(self, rows, squares, space):
        """Mean of magnitudes; that of the mean where all products have one sign."""
        cosine = self.metric == "cosine"  # whose rows are divided by their norms
        whole = self._one_sign.of(rows, 1.0 if cosine else np.sqrt(squares))
        if not whole.any():
            return self._stream(rows, squares, "mean", True, space)
        # float32 products are added up in float64 as well
        result = np.abs(rows @ self._centroid).astype(np.float64)
        others = np.flatnonzero(~whole)
        if len(others):
            size = _padded(len(others)), rows.shape[1]
            left = space.take("left over", size, rows.dtype)
            left[len(others) :] = 0
            np.take(rows, others, axis=0, out=left[: len(others)])
            streamed = self._stream(left, squares[others], "mean", True, space)
            result[others] = streamed[: len(others)]
        return result

    def _stream(self, rows, squares, aggregation, absolute, space):
        n = rows.shape[0]
        if aggregation == "mean":
            reduce, result = kernels.running_sum_abs, np.zeros(n)
        elif absolute or self.metric == "euclidean":  # both are never negative
            reduce, result = kernels.running_max_abs, np.zeros(n, self.dtype)
        else:
            reduce, result = kernels.running_max, np.full(n, -np.inf, self.dtype)
        step = self._step(n)
        products = space.take("products", (step, n), self.dtype)
        columns = rows.T
        for start, stop in steps(self.n_rows, step):
            tile = products[: stop - start]
            np.dot(self._block(start, stop), columns, out=tile)
            if self.metric == "euclidean":
                kernels.distance_similarity(tile, self._squares[start:stop], squares)
            reduce(tile, self._weights[start:stop], result)
        return result / self.n_rows if aggregation == "mean" else result

    def _stream_top(self, rows, squares, top_k, absolute, space):
        n = rows.shape[0]
        largest = np.full((n, top_k), -np.inf, self.dtype)
        for start, stop in steps(self.n_rows, self._step(n)):
            tile = self._tile_of_rows(rows, squares, start, stop, space)
            kernels.running_largest(tile, self._weights[start:stop], absolute, largest)
        return kernels.row_top_mean(largest, top_k)

    def _similarities(self, rows, squares, absolute, n_valid, space):
        """Return all similarities of the valid rows, in memory that is reused."""
        whole = space.take("wide", (n_valid, self.n_rows), self.dtype)
        for start, stop in steps(self.n_rows, self._step(rows.shape[0])):
            tile = self._tile_of_rows(rows, squares, start, stop, space)[:n_valid]
            np.multiply(tile, self._weights[start:stop], out=whole[:, start:stop])
        return np.abs(whole, out=whole) if absolute else whole

    def _step(self, n):
        """Return the number of reference rows whose products with n rows are a tile."""
        step = self._tile[1] // (n * self.dtype.itemsize)
        if not self._ready:
            step = min(step, _BLOCK_BYTES // self._row_bytes)
        return min(max(_PAD, step), self.n_rows)

    def _tile_of_rows(self, rows, squares, start, stop, space):
        """Return rows times reference rows; distances are similarities already."""
        tile = space.take("products", (rows.shape[0], stop - start), self.dtype)
        np.dot(rows, self._block(start, stop).T, out=tile)
        if self.metric == "euclidean":
            kernels.distance_similarity(tile, squares, self._squares[start:stop])
        return tile


class _OneSign:
    r"""Tell, without the products, which rows have products of one sign only.

    The mean magnitude of such a row's products is the magnitude of their mean, which
    takes the mean of the reference rows alone. Two bounds show it, each for a kind of
    data:

    .. math::

        \min_r \langle x, r \rangle \ge \sum_j \min(x_j l_j, x_j u_j), \qquad
        \angle(x, a) + \max_r \angle(r, a) \le 90^\circ
        \Rightarrow \min_r \langle x, r \rangle \ge 0

    with the least and the largest value :math:`l_j, u_j` of each column of the
    reference, and the direction :math:`a` of the sum of its rows, each divided by its
    norm. The first one holds for columns without negative values (counts, activations
    of a network), the second one for rows of a narrow cone, as some language models
    give. For products that are never positive, both are asked about :math:`-x`.

    Parameters
    ----------
    read_blocks : callable
        Without arguments; gives the reference rows in blocks, in order.
    squares : ndarray of shape (n_reference,)
        Their squared norms.
    n_features : int
        Number of columns.
    """

    def __init__(self, read_blocks, squares, n_features):
        low, high = np.full(n_features, np.inf), np.full(n_features, -np.inf)
        norms = np.sqrt(squares)
        norms[norms == 0] = np.inf
        total, n_read = np.zeros(n_features), 0
        for block in read_blocks():
            low = np.minimum(low, block.min(axis=0))
            high = np.maximum(high, block.max(axis=0))
            weights = 1.0 / norms[n_read : n_read + len(block)]
            total += weights @ block.astype(np.float64, copy=False)
            n_read += len(block)
        self._low, self._high = low, high
        # with values of both signs in every column, the first bound never holds
        self._boxed = not ((low < 0) & (high > 0)).all()
        length = np.linalg.norm(total)
        self._axis = total / length if length > 0 else total
        cosines = [block @ self._axis for block in read_blocks()]
        cosines = (np.concatenate(cosines) / norms)[np.isfinite(norms)]
        widest = cosines.min(initial=1.0)
        self._least_cosine = np.sqrt(1 - widest**2) if widest > 0 else np.inf

    @property
    def possible(self) -> bool:
        """Whether any row could be told."""
        return self._boxed or self._least_cosine < 1

    def of(self, rows, norms) -> np.ndarray:
        """Mask of the rows that are known to have products of one sign.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            Rows, finite.
        norms : float or ndarray of shape (n_rows,)
            Their norms.

        Returns
        -------
        mask : ndarray of shape (n_rows,) of bool
            False where it is not known.
        """
        known = np.zeros(len(rows), dtype=bool)
        if self._boxed:
            least, most = np.empty(len(rows)), np.empty(len(rows))
            kernels.product_bounds(rows, self._low, self._high, least, most)
            known = (least >= 0) | (most <= 0)
        if self._least_cosine < 1:
            along = np.abs(rows @ self._axis.astype(rows.dtype))
            known |= along >= (self._least_cosine + _ROUNDING) * norms
        return known


@validate_params(
    {
        "metric": [StrOptions({"cosine", "dot", "euclidean"})],
        "aggregation": [StrOptions({"max", "mean", "quantile", "topk"})],
        "absolute": ["boolean"],
        "quantile": [Interval(Real, 0, 1, closed="both")],
        "top_k": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": N_JOBS,
    },
    prefer_skip_nested_validation=True,
)
def reference_similarity(
    X: ArrayLike,
    reference: ArrayLike,
    *,
    metric: Literal["cosine", "dot", "euclidean"] = "cosine",
    aggregation: Literal["mean", "max", "quantile", "topk"] = "mean",
    absolute: bool = True,
    quantile: float = 0.9,
    top_k: int = 10,
    n_jobs: int | None = None,
) -> np.ndarray:
    r"""Score rows by their similarity to a set of reference rows.

    A row that carries a hard pattern resembles the hard rows. How much it resembles
    all of them (mean), the nearest ones (top k) or the nearest one (max) is its
    overlap score.

    For a row :math:`x` and reference rows :math:`r_1, \dots, r_m` the score is

    .. math::

        A(s(x, r_1), \dots, s(x, r_m)), \qquad
        s = \frac{\langle x, r \rangle}{\|x\| \|r\|}, \quad
        \langle x, r \rangle \quad\text{or}\quad \frac{1}{1 + \|x - r\|}

    with :math:`|s|` instead of :math:`s` when ``absolute``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows to score: any real type, memory order or memory map, dense. Read in
        blocks and never changed. May have no rows.
    reference : array-like of shape (n_reference, n_features)
        Reference rows, dense, at least one.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        Cosine, inner product, or 1 / (1 + Euclidean distance), which falls from 1
        for equal rows towards 0. Rows whose norm is (next to) zero have cosine 0.
    aggregation : {"mean", "max", "quantile", "topk"}, default="mean"
        What is made of the similarities of a row: their mean, the largest one, a
        quantile with linear interpolation, or the mean of the ``top_k`` largest.
    absolute : bool, default=True
        Aggregate absolute values. Ignored for distances.
    quantile : float, default=0.9
        Which quantile, in [0, 1]; for ``aggregation="quantile"``.
    top_k : int, default=10
        How many of the largest similarities are averaged, at most all of them; for
        ``aggregation="topk"``.
    n_jobs : int or None, default=None
        Number of threads. ``None`` takes those BLAS may use, like a plain matrix
        product; -1 takes all cores.

    Returns
    -------
    ndarray of shape (n_samples,)
        Scores, float32 for float16 and float32 ``X``, else float64. Higher is more
        similar.

    Raises
    ------
    ValueError
        If a parameter is out of range, the reference has no rows, the numbers of
        features differ, or an input is not two-dimensional or not finite.
    TypeError
        If an input is sparse: convert it, or reduce its dimension, first.

    See Also
    --------
    overlapkit.thresholds.change_point : Threshold for the scores.

    Notes
    -----
    Threads that each run single-threaded BLAS on a tile reduce it while it is in
    cache; BLAS threads of the process are limited meanwhile and restored afterwards.
    The mean of signed similarities only needs the mean of the reference rows,
    :math:`O((n + m) d)`. So does the mean of absolute values for a row whose products
    with all reference rows have one sign, as those of columns without negative values
    have (counts, activations), or of rows that lie in one narrow cone. Everything else
    takes :math:`n m` products of length :math:`d`. Beside the result, a weight per
    reference row and at most 8 MiB for a converted reference, a thread holds at most
    about 26 MiB. A quantile, or the mean
    of more than 2,048 largest, needs the similarities of a row at once: with over a
    million reference rows (in float32) these are longer, and fewer threads work on
    them, so that all hold at most 32 MiB up to 8 million. Scores do not depend on
    ``n_jobs``.

    References
    ----------
    .. [1] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.scorers import reference_similarity
    >>> hard = np.array([[0.0, 1.0], [0.0, 2.0]])
    >>> X = np.array([[3.0, 0.0], [1.0, -1.0], [0.0, 0.5]])
    >>> reference_similarity(X, hard).round(3)
    array([0.   , 0.707, 1.   ])
    >>> reference_similarity(X, hard, absolute=False, aggregation="max").round(3)
    array([ 0.   , -0.707,  1.   ])
    >>> reference_similarity(X, hard, metric="euclidean", aggregation="max").round(3)
    array([0.24 , 0.309, 0.667])
    """
    X = _check(X, "X", ensure_min_samples=0)
    reference = _check(reference, "reference", ensure_min_samples=1)
    if X.shape[1] != reference.shape[1]:
        raise ValueError(
            f"X has {X.shape[1]} features, but the reference has "
            f"{reference.shape[1]}; both must come from the same representation."
        )
    prepared = PreparedReference(reference, metric=metric, dtype=_result_dtype(X))
    return prepared.score(
        X,
        aggregation=aggregation,
        absolute=absolute,
        quantile=quantile,
        top_k=top_k,
        n_jobs=n_jobs,
    )


def _check(array, name, ensure_min_samples) -> np.ndarray:
    # Finiteness is checked block by block: a memory map is read once, not twice.
    return check_array(
        array,
        ensure_all_finite=False,
        ensure_min_samples=ensure_min_samples,
        input_name=name,
    )


def _result_dtype(X) -> np.dtype:
    return np.dtype(np.float32 if X.dtype in (np.float16, np.float32) else np.float64)


def _padded(n) -> int:
    return -(-n // _PAD) * _PAD


def _mean_row(rows) -> np.ndarray:
    """Mean of the rows, without what is not finite; that is reported by `_load`."""
    total = np.zeros(rows.shape[1])
    step = max(1, _BLOCK_BYTES // (8 * rows.shape[1]))
    for start, stop in steps(len(rows), step):
        block = rows[start:stop].astype(np.float64)
        total += block.sum(axis=0, where=np.isfinite(block))
    return total / len(rows)


def _load(array, start, stop, dtype, center, normalize, name, space, rows=None):
    """Copy rows to a padded block; return it, its squared norms, the number of rows.

    The rows are those from start to stop, or those whose positions stand there in
    ``rows``, which ascend.
    """
    n = stop - start
    block = space.take("rows", (_padded(n), array.shape[1]), dtype)
    block[n:] = 0
    with np.errstate(over="ignore"):  # a float64 beyond float32 is reported below
        if rows is None:
            np.copyto(block[:n], array[start:stop], casting="unsafe")
            release_rows(array, start, stop)
        elif n:
            wanted = rows[start:stop]
            # few at a time, so that no second block of them is in memory
            few = _GATHERED
            if isinstance(array, np.ndarray):
                few = max(1, _GATHERED_BYTES // (array.shape[1] * array.itemsize))
            for i in range(0, n, few):
                block[i : min(n, i + few)] = array[wanted[i : i + few]]
            release_rows(array, wanted[0], wanted[-1] + 1)
    if center is not None:
        block[:n] -= center
    squares = np.empty(block.shape[0])
    kernels.square_sums(block, squares)
    finite = np.isfinite(squares)
    if not finite.all():
        row = start + int(np.argmin(finite))
        row = row if rows is None else rows[row]
        raise ValueError(
            f"Row {row} of {name} contains NaN, infinity or "
            f"a value too large for {np.dtype(dtype)}; impute or rescale it first."
        )
    if normalize:
        kernels.scale_rows(block, kernels.inverse_norms(squares, np.dtype(dtype)))
    return block, squares, n
