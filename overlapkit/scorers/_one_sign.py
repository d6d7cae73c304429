"""Rows whose inner products with all reference rows have one sign."""

import numpy as np

from overlapkit._kernels.similarity import product_bounds

__all__ = ["OneSign"]

# of cosines in float32, in the comparison of angles
_ROUNDING = 1e-6


class OneSign:
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
            product_bounds(rows, self._low, self._high, least, most)
            known = (least >= 0) | (most <= 0)
        if self._least_cosine < 1:
            along = np.abs(rows @ self._axis.astype(rows.dtype))
            known |= along >= (self._least_cosine + _ROUNDING) * norms
        return known
