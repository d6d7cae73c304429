"""Sums over the votes that were cast, each vote visited once.

Votes are given as columns of a matrix of ones in CSR form: column j K + l of a row
stands for a vote l of function j.
"""

import math

import numpy as np
from numba import njit

_BLOCK = 512  # rows of dense codes whose sums stay in cache


@njit(cache=True, nogil=True)
def dense_scores(codes, table, out):
    """out[i] += sum of table[j, codes[i, j]] over the functions j that vote."""
    n, m = codes.shape
    width = table.shape[2]
    for start in range(0, n, _BLOCK):
        stop = min(n, start + _BLOCK)
        for j in range(m):
            for i in range(start, stop):
                vote = codes[i, j]
                if vote >= 0:
                    for k in range(width):
                        out[i, k] += table[j, vote, k]


@njit(cache=True, nogil=True)
def count_votes(codes, out):
    """out[i] = number of functions that vote in row i."""
    n, m = codes.shape
    for start in range(0, n, _BLOCK):
        stop = min(n, start + _BLOCK)
        for j in range(m):
            for i in range(start, stop):
                out[i] += codes[i, j] >= 0


@njit(cache=True, nogil=True)
def fill_columns(codes, n_classes, indptr, columns):
    """Write the columns of the votes of each row, in ascending order."""
    n, m = codes.shape
    place = np.empty(_BLOCK, dtype=indptr.dtype)
    for start in range(0, n, _BLOCK):
        stop = min(n, start + _BLOCK)
        place[: stop - start] = indptr[start:stop]
        for j in range(m):
            for i in range(start, stop):
                vote = codes[i, j]
                if vote >= 0:
                    columns[place[i - start]] = j * n_classes + vote
                    place[i - start] += 1


@njit(cache=True, nogil=True)
def sparse_scores(indptr, columns, table, out):
    """out[i] += sum of table[c] over the columns c of row i."""
    width = table.shape[1]
    for i in range(len(indptr) - 1):
        for p in range(indptr[i], indptr[i + 1]):
            for k in range(width):
                out[i, k] += table[columns[p], k]


@njit(cache=True, nogil=True)
def group_scores(indptr, columns, group, table, out):
    """out[i] += sum of table[g] over the groups g that a column of row i belongs to."""
    width = table.shape[1]
    last = np.full(len(table), -1, dtype=np.int64)
    for i in range(len(indptr) - 1):
        for p in range(indptr[i], indptr[i + 1]):
            g = group[columns[p]]
            if last[g] != i:
                last[g] = i
                for k in range(width):
                    out[i, k] += table[g, k]


@njit(cache=True, nogil=True)
def column_sums(indptr, columns, weights, out):
    """out[c] += sum of weights[i] over the rows i that have column c."""
    width = weights.shape[1]
    for i in range(len(indptr) - 1):
        for p in range(indptr[i], indptr[i + 1]):
            for k in range(width):
                out[columns[p], k] += weights[i, k]


@njit(cache=True, nogil=True)
def softmax_rows(scores, log_sums):
    """Rows of scores as probabilities, in place, and the logarithms of their sums."""
    n, width = scores.shape
    for i in range(n):
        top = scores[i, 0]
        for k in range(1, width):
            top = max(top, scores[i, k])
        total = 0.0
        for k in range(width):
            scores[i, k] = math.exp(scores[i, k] - top)
            total += scores[i, k]
        for k in range(width):
            scores[i, k] /= total
        log_sums[i] = top + math.log(total)
