"""Reductions of a tile of similarities while it is in cache.

A tile has one row per reference row and one column per scored row, so that every
reduction runs along contiguous memory into a vector of accumulators: the compiler
turns the inner loops into vector instructions. Eight tile rows are folded per
visit of the accumulators, which saves their loads and stores.
"""

import math

import numpy as np

from overlapkit._kernels.compiling import njit


@njit(inline="always")
def _larger(a, b):
    """Return the larger number: without the NaN rules of max() this is one maxps."""
    return a if a > b else b


@njit(cache=True, nogil=True)
def running_max_abs(tile, weights, out):
    """out[j] = max(out[j], max_i |tile[i, j]| * weights[i])."""
    m, n = tile.shape
    full = m - m % 8
    for i in range(0, full, 8):
        w0, w1, w2, w3 = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
        w4, w5, w6, w7 = weights[i + 4], weights[i + 5], weights[i + 6], weights[i + 7]
        for j in range(n):
            a = _larger(abs(tile[i, j]) * w0, abs(tile[i + 1, j]) * w1)
            b = _larger(abs(tile[i + 2, j]) * w2, abs(tile[i + 3, j]) * w3)
            c = _larger(abs(tile[i + 4, j]) * w4, abs(tile[i + 5, j]) * w5)
            d = _larger(abs(tile[i + 6, j]) * w6, abs(tile[i + 7, j]) * w7)
            out[j] = _larger(out[j], _larger(_larger(a, b), _larger(c, d)))
    for i in range(full, m):
        w0 = weights[i]
        for j in range(n):
            out[j] = _larger(out[j], abs(tile[i, j]) * w0)


@njit(cache=True, nogil=True)
def running_max(tile, weights, out):
    """out[j] = max(out[j], max_i tile[i, j] * weights[i])."""
    m, n = tile.shape
    full = m - m % 8
    for i in range(0, full, 8):
        w0, w1, w2, w3 = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
        w4, w5, w6, w7 = weights[i + 4], weights[i + 5], weights[i + 6], weights[i + 7]
        for j in range(n):
            a = _larger(tile[i, j] * w0, tile[i + 1, j] * w1)
            b = _larger(tile[i + 2, j] * w2, tile[i + 3, j] * w3)
            c = _larger(tile[i + 4, j] * w4, tile[i + 5, j] * w5)
            d = _larger(tile[i + 6, j] * w6, tile[i + 7, j] * w7)
            out[j] = _larger(out[j], _larger(_larger(a, b), _larger(c, d)))
    for i in range(full, m):
        w0 = weights[i]
        for j in range(n):
            out[j] = _larger(out[j], tile[i, j] * w0)


@njit(cache=True, nogil=True)
def running_sum_abs(tile, weights, out):
    """out[j] += sum_i |tile[i, j]| * weights[i].

    Eight terms are added as a tree in the precision of the tile, everything else
    in float64: the sum of a million float32 terms keeps seven digits.
    """
    m, n = tile.shape
    full = m - m % 8
    for i in range(0, full, 8):
        w0, w1, w2, w3 = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
        w4, w5, w6, w7 = weights[i + 4], weights[i + 5], weights[i + 6], weights[i + 7]
        for j in range(n):
            a = abs(tile[i, j]) * w0 + abs(tile[i + 1, j]) * w1
            b = abs(tile[i + 2, j]) * w2 + abs(tile[i + 3, j]) * w3
            c = abs(tile[i + 4, j]) * w4 + abs(tile[i + 5, j]) * w5
            d = abs(tile[i + 6, j]) * w6 + abs(tile[i + 7, j]) * w7
            out[j] += (a + b) + (c + d)
    for i in range(full, m):
        w0 = weights[i]
        for j in range(n):
            out[j] += abs(tile[i, j]) * w0


@njit(cache=True, nogil=True)
def running_largest(tile, weights, absolute, largest):
    """Carry the largest similarities of each row along, as a heap per row.

    Here a tile has one row per scored row. Most similarities are below the smallest
    that is kept, so a stretch is first only counted, which vectorises.
    """
    n, m = tile.shape
    for i in range(n):
        heap = largest[i]
        for start in range(0, m, 64):
            stop = min(m, start + 64)
            least = heap[0]
            above = 0
            if absolute:
                for j in range(start, stop):
                    tile[i, j] = abs(tile[i, j]) * weights[j]
                    above += tile[i, j] > least
            else:
                for j in range(start, stop):
                    tile[i, j] = tile[i, j] * weights[j]
                    above += tile[i, j] > least
            if above:
                for j in range(start, stop):
                    if tile[i, j] > heap[0]:
                        _replace_smallest(heap, tile[i, j])


@njit(inline="always")
def _replace_smallest(heap, value):
    """Put the value in the place of heap[0], and the heap in order."""
    i, child = 0, 1
    while child < heap.size:
        if child + 1 < heap.size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[i] = heap[child]
        i, child = child, 2 * child + 1
    heap[i] = value


@njit(cache=True, nogil=True)
def distance_similarity(tile, row_squares, column_squares):
    """Turn inner products into 1 / (1 + Euclidean distance), in place."""
    m, n = tile.shape
    for i in range(m):
        for j in range(n):
            square = row_squares[i] + column_squares[j] - 2.0 * tile[i, j]
            tile[i, j] = 1.0 / (1.0 + math.sqrt(_larger(square, 0.0)))


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def square_sums(block, out):
    """out[i] = sum_j block[i, j]^2 in float64; NaN and infinity stay what they are."""
    m, n = block.shape
    for i in range(m):
        total = 0.0
        for j in range(n):
            value = np.float64(block[i, j])
            total += value * value
        out[i] = total


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def product_bounds(rows, low, high, least, most):
    """Bounds of the inner products of a row with rows between low and high."""
    m, n = rows.shape
    for i in range(m):
        smallest, largest = 0.0, 0.0
        for j in range(n):
            value = np.float64(rows[i, j])
            first, second = value * low[j], value * high[j]
            smallest += min(first, second)
            largest += max(first, second)
        least[i], most[i] = smallest, largest


@njit(cache=True, nogil=True)
def scale_rows(block, factors):
    """Multiply row i of block by factors[i], in place, through float64."""
    m, n = block.shape
    for i in range(m):
        factor = factors[i]
        for j in range(n):
            block[i, j] = block[i, j] * factor


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def largest_among(rows, points, indptr, indices, distance, out):
    """Largest similarity of row i to points[indices[p] % n_points], p in its range.

    A negative index stands for no point; out[i] is -1 where there is none.
    """
    n_points, d = points.shape
    for i in range(rows.shape[0]):
        best = -1.0
        for p in range(indptr[i], indptr[i + 1]):
            if indices[p] < 0:
                continue
            k = indices[p] % n_points
            total = 0.0
            if distance:
                for j in range(d):
                    gap = np.float64(rows[i, j]) - np.float64(points[k, j])
                    total += gap * gap
                total = 1.0 / (1.0 + math.sqrt(total))
            else:
                for j in range(d):
                    total += np.float64(rows[i, j]) * np.float64(points[k, j])
                total = abs(total)
            best = _larger(best, total)
        out[i] = best


def inverse_norms(squares, dtype):
    """1 / norm, and 0 where the norm is below the smallest normal number of dtype."""
    norms = np.sqrt(squares)
    tiny = norms < 4 * np.finfo(dtype).tiny
    norms[tiny] = np.inf
    return 1.0 / norms


def row_quantile(values, q):
    """np.quantile(values, q, axis=1), reordering the values."""
    position = q * (values.shape[1] - 1)
    k = int(position)
    values.partition(k, axis=1)
    low = values[:, k].astype(np.float64)
    if position == k:
        return low
    high = values[:, k + 1 :].min(axis=1)
    return low + (position - k) * (high - low)


def row_top_mean(values, k):
    """Mean of the k largest values of each row, reordering the values."""
    first = values.shape[1] - k
    values.partition(first, axis=1)
    best = values[:, first:]
    best.sort(axis=1)  # the order of a partition is not defined, so sums are not
    return best.mean(axis=1, dtype=np.float64)
