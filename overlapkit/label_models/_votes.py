"""Arrays of votes in, arrays out: what the label models share.

Codes are integers of shape (n, m): -1 is no vote, 0..K-1 names a class. Tables are
indexed [function, vote, class]. `DenseVotes` and `SparseVotes` answer the same
questions, the one about an array of codes, the other about the votes that were cast.
"""

import numpy as np
from scipy import sparse
from scipy.linalg.blas import ssyrk

from overlapkit._kernels import votes as kernels
from overlapkit._kernels.ties import _mix, hash_rows

_BLOCK_BYTES = 2**24
_BLOCK_VOTES = 2**21
_TIE = 1e-9  # relative difference below which two probabilities are one


class DenseVotes:
    """Votes of every function on every row.

    Parameters
    ----------
    codes : ndarray of shape (n, m), integers
    n_classes : int
    """

    def __init__(self, codes, n_classes):
        self.codes, self.n_classes = codes, n_classes
        self.shape = codes.shape

    def covered(self) -> np.ndarray:
        """Rows with a vote."""
        mask = np.zeros(self.shape[0], dtype=bool)
        for j in range(self.shape[1]):
            mask |= self.codes[:, j] >= 0
        return mask

    def take(self, rows):
        """Votes on some of the rows."""
        return DenseVotes(_take_rows(self.codes, rows), self.n_classes)

    def append(self, other):
        """Votes of further rows below these."""
        codes = np.concatenate([self.codes, other.dense()])
        return DenseVotes(np.asfortranarray(codes), self.n_classes)

    def dense(self, rows=slice(None)) -> np.ndarray:
        """Codes of some of the rows."""
        return self.codes[rows]

    def counts(self) -> np.ndarray:
        """Return how many functions vote for each class, per row, shape (n, K)."""
        return self.scores(np.tile(np.eye(self.n_classes), (self.shape[1], 1, 1)))

    def scores(self, table) -> np.ndarray:
        """Sum of ``table[j, vote_j]`` over the functions that vote, shape (n, K)."""
        out = np.zeros((self.shape[0], table.shape[2]))
        kernels.dense_scores(self.codes, np.ascontiguousarray(table), out)
        return out

    def pair_counts(self) -> np.ndarray:
        """Return how many rows hold both votes, for all pairs: shape (m K, m K).

        Entry [j K + l, j' K + l'] counts the rows on which function j votes l and
        function j' votes l'. Counts are exact.
        """
        (n, m), n_classes = self.shape, self.n_classes
        width = m * n_classes
        total = _PairSum(width)
        step = max(1, _BLOCK_BYTES // (4 * max(width, 1)))
        labels = np.arange(n_classes, dtype=self.codes.dtype)
        for start in range(0, n, step):
            votes = self.codes[start : start + step]
            cast = np.count_nonzero(votes >= 0)
            if _sparse_is_faster(cast, votes.shape, n_classes):
                total.add_sparse(_one_hot(votes, n_classes))
                continue
            one_hot = (votes[:, :, None] == labels).reshape(len(votes), width)
            total.add_dense(one_hot.astype(np.float32))
        return total.counts()

    def one_hot(self):
        """Votes as a CSR matrix of shape (n, m K) of ones."""
        return _one_hot(self.codes, self.n_classes)

    def distinct(self):
        """Distinct rows, in an order that does not depend on the rows' order.

        Returns
        -------
        patterns : DenseVotes
        counts : ndarray of shape (u,), float64
        """
        patterns, counts = distinct_rows(self.codes)
        return DenseVotes(patterns, self.n_classes), counts

    def blocks(self):
        """Slices of rows whose codes need little memory."""
        return _slices(self.shape, _BLOCK_BYTES)


class SparseVotes:
    """Votes that were cast, as a CSR matrix of shape (n, m K) of ones.

    Parameters
    ----------
    hot : scipy.sparse.csr_matrix of int8
        Column ``j * K + l`` of a row is 1 where function j votes l.
    n_functions, n_classes : int
    """

    def __init__(self, hot, n_functions, n_classes):
        self.hot, self.n_classes = hot, n_classes
        self.shape = (hot.shape[0], n_functions)

    @classmethod
    def from_csr(cls, codes, X, n_classes):
        """Votes from codes in the order of the data of a CSR matrix."""
        n, m = X.shape
        width = m * n_classes
        cast = codes >= 0
        if cast.all():
            indices, indptr = X.indices, X.indptr
        else:
            indices, codes = X.indices[cast], codes[cast]
            kept = np.concatenate([[0], np.cumsum(cast, dtype=np.int64)])
            indptr = kept[X.indptr].astype(X.indptr.dtype)
        dtype = np.int32 if width < 2**31 else np.int64
        columns = indices.astype(dtype) * dtype(n_classes)
        columns += codes
        ones = np.ones(len(columns), dtype=np.int8)
        hot = sparse.csr_matrix((ones, columns, indptr), shape=(n, width), copy=False)
        return cls(hot, m, n_classes)

    def covered(self) -> np.ndarray:
        """Rows with a vote."""
        return np.diff(self.hot.indptr) > 0

    def take(self, rows):
        """Votes on some of the rows."""
        return SparseVotes(self.hot[rows], self.shape[1], self.n_classes)

    def append(self, other):
        """Votes of further rows below these."""
        hot = sparse.vstack([self.hot, other.one_hot()], format="csr")
        return SparseVotes(hot, self.shape[1], self.n_classes)

    def dense(self, rows=slice(None)) -> np.ndarray:
        """Codes of some of the rows."""
        hot = self.hot[rows]
        dtype = next(
            t for t in (np.int8, np.int16, np.int32) if self.n_classes < np.iinfo(t).max
        )
        out = np.full((hot.shape[0], self.shape[1]), -1, dtype=dtype)
        row = np.repeat(np.arange(hot.shape[0]), np.diff(hot.indptr))
        function, code = np.divmod(hot.indices, self.n_classes)
        out[row, function] = code
        return out

    def counts(self) -> np.ndarray:
        """Return how many functions vote for each class, per row, shape (n, K)."""
        m = self.shape[1]
        table = np.tile(np.eye(self.n_classes), (m, 1))
        return self._times(table)

    def scores(self, table) -> np.ndarray:
        """Sum of ``table[j, vote_j]`` over the functions that vote, shape (n, K)."""
        return self._times(table.reshape(-1, table.shape[2]))

    def pair_counts(self) -> np.ndarray:
        """Return how many rows hold both votes, for all pairs: shape (m K, m K)."""
        width = self.hot.shape[1]
        total = _PairSum(width)
        for part in self._parts():
            shape = part.shape[0], self.shape[1]
            if _sparse_is_faster(part.nnz, shape, self.n_classes):
                total.add_sparse(part)
                continue
            for rows in _slices((part.shape[0], 4 * width), _BLOCK_BYTES):
                total.add_dense(part[rows].toarray().astype(np.float32))
        return total.counts()

    def one_hot(self):
        """Votes as a CSR matrix of shape (n, m K) of ones."""
        return self.hot

    def distinct(self):
        """Distinct rows, in an order that does not depend on the rows' order."""
        first, second = self._hashes(0), self._hashes(1)
        order = np.argsort(first)
        first, second = first[order], second[order]
        same = first[1:] == first[:-1]
        if not np.array_equal(second[1:][same], second[:-1][same]):
            # Two different rows share a hash: every row stands for itself.
            order = order[np.lexsort((second, first))]
            return self.take(order), np.ones(len(order))
        places, counts = _runs(same, len(order))
        return self.take(order[places]), counts

    def blocks(self):
        """Slices of rows whose codes need little memory."""
        return _slices(self.shape, _BLOCK_BYTES)

    def _hashes(self, seed):
        start = _mix(np.array([seed], dtype=np.uint64))
        out = np.zeros(self.shape[0], dtype=np.uint64)
        for rows in self._row_slices():
            part = self.hot[rows]
            mixed = _mix(part.indices.astype(np.uint64) ^ start)
            total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed)])
            out[rows] = total[part.indptr[1:]] - total[part.indptr[:-1]]
        return out

    def _row_slices(self):
        indptr = self.hot.indptr
        start, n = 0, self.shape[0]
        while start < n:
            stop = np.searchsorted(indptr, indptr[start] + _BLOCK_VOTES, side="right")
            stop = min(max(int(stop) - 1, start + 1), start + _BLOCK_VOTES, n)
            yield slice(start, stop)
            start = stop

    def _parts(self):
        for rows in self._row_slices():
            yield self.hot[rows]

    def _times(self, table):
        out = np.zeros((self.shape[0], table.shape[1]))
        table = np.ascontiguousarray(table)
        kernels.sparse_scores(self.hot.indptr, self.hot.indices, table, out)
        return out


def _slices(shape, n_bytes):
    step = max(1, n_bytes // max(shape[1], 1))
    return [slice(start, start + step) for start in range(0, shape[0], step)]


def _one_hot(codes, n_classes):
    n, m = codes.shape
    width = m * n_classes
    per_row = np.zeros(n, dtype=np.int64)
    kernels.count_votes(codes, per_row)
    indptr = np.concatenate([[0], np.cumsum(per_row)])
    small = max(width, indptr[-1]) < 2**31
    indptr = indptr.astype(np.int32 if small else np.int64)
    columns = np.empty(indptr[-1], dtype=indptr.dtype)
    kernels.fill_columns(codes, n_classes, indptr, columns)
    ones = np.ones(len(columns), dtype=np.int8)
    return sparse.csr_matrix((ones, columns, indptr), shape=(n, width))


def _sparse_is_faster(cast, shape, n_classes) -> bool:
    """Whether products of the votes that were cast cost less than dense ones."""
    n, m = shape
    per_row = cast / max(n, 1)
    return 60 * per_row**2 < (m * n_classes) ** 2


class _PairSum:
    """Sums of products of one-hot votes with themselves, exact."""

    def __init__(self, width):
        self.total = np.zeros((width, width))
        self.upper, self.n_rows = None, 0

    def add_sparse(self, hot):
        """Add the pairs of a CSR matrix of ones."""
        kernels.add_pairs(hot.indptr, hot.indices, self.total)

    def add_dense(self, one_hot):
        """Add the pairs of a C-ordered float32 array of zeros and ones."""
        # Half of a symmetric product is enough, and float32 counts to 2**24 exactly.
        if self.upper is not None and self.n_rows + len(one_hot) > 2**24:
            self._flush()
        if self.upper is None:
            self.upper = np.zeros(self.total.shape, dtype=np.float32, order="F")
        self.upper = ssyrk(
            1.0, one_hot.T, beta=1.0, c=self.upper, overwrite_c=True, lower=0
        )
        self.n_rows += len(one_hot)

    def counts(self):
        """All that was added."""
        if self.upper is not None:
            self._flush()
        return self.total

    def _flush(self):
        self.total += np.triu(self.upper)
        self.total += np.triu(self.upper, 1).T
        self.upper, self.n_rows = None, 0


def softmax(scores) -> tuple[np.ndarray, np.ndarray]:
    """Rows of scores as probabilities, in place, and the logarithms of their sums."""
    log_sums = np.empty(len(scores))
    kernels.softmax_rows(scores, log_sums)
    return scores, log_sums


def vote_shares(counts, prior) -> np.ndarray:
    """Share of the cast votes per class; the prior where nothing was cast."""
    cast = counts.sum(axis=1, keepdims=True)
    return np.where(cast > 0, counts / np.maximum(cast, 1.0), prior)


def distinct_rows(codes) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows, in an order that does not depend on the rows' order.

    Returns
    -------
    patterns : ndarray of shape (u, m)
    counts : ndarray of shape (u,), float64
    """
    # Sorting 64-bit hashes is many times faster than sorting rows.
    hashes = hash_rows(codes, 0)
    order = np.argsort(hashes)
    hashes = hashes[order]
    same = hashes[1:] == hashes[:-1]
    one, other = order[1:][same], order[:-1][same]
    for j in range(codes.shape[1]):
        column = codes[:, j]
        if not np.array_equal(column[one], column[other]):
            # Two different rows share a hash (chance about n**2 / 2**65).
            patterns, counts = np.unique(codes, axis=0, return_counts=True)
            return np.asfortranarray(patterns), counts.astype(np.float64)
    places, counts = _runs(same, len(codes))
    return _take_rows(codes, order[places]), counts


def _runs(same, n) -> tuple[np.ndarray, np.ndarray]:
    """Starts and lengths of runs of n values; `same`: whether one equals the last."""
    starts = np.flatnonzero(np.append(True, ~same)[:n])
    return starts, np.diff(np.append(starts, n)).astype(np.float64)


def _take_rows(codes, rows) -> np.ndarray:
    """``codes[rows]``, column after column as the codes are stored."""
    if isinstance(rows, slice):
        return np.asfortranarray(codes[rows])
    rows = np.asarray(rows)
    if rows.dtype == bool:
        if rows.all():
            return codes
        rows = np.flatnonzero(rows)
    out = np.empty((len(rows), codes.shape[1]), dtype=codes.dtype, order="F")
    for j in range(codes.shape[1]):
        out[:, j] = codes[:, j][rows]
    return out


def diagonal_table(n_classes, diagonal) -> np.ndarray:
    """K x K table with `diagonal` on its diagonal, columns summing to one."""
    if n_classes == 1:
        return np.ones((1, 1))
    table = np.full((n_classes, n_classes), (1 - diagonal) / (n_classes - 1))
    np.fill_diagonal(table, diagonal)
    return table


def predicted_shares(posterior, weights) -> np.ndarray:
    """Weighted share of the rows predicted to be of each class; ties are split."""
    out = np.zeros(posterior.shape[1])
    kernels.add_predicted(posterior, weights, _TIE, out)
    return out / max(weights.sum(), 1.0)


def right_shares(posterior, codes) -> np.ndarray:
    """1 where the most probable class is `codes`; 1 / t where t classes tie."""
    out = np.empty(len(posterior))
    kernels.share_of_lead(posterior, np.asarray(codes), _TIE, out)
    return out


def overruled(votes, posterior) -> np.ndarray:
    """Rows whose votes agree, and of which another class alone is most probable."""
    hot, out = votes.one_hot(), np.empty(votes.shape[0], dtype=bool)
    kernels.overruled(hot.indptr, hot.indices, posterior, _TIE, out)
    return np.flatnonzero(out)
