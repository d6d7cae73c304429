"""Selection of the nearest rows from tiles of inner products."""

import numpy as np

from overlapkit._kernels.compiling import njit


@njit(inline="always")
def _comes_after(value, key, other_value, other_key):
    """Whether the first candidate is farther away; keys decide between equals."""
    return value < other_value or (value == other_value and key > other_key)


@njit(inline="always")
def _replace_farthest(values, rows, keys, value, row):
    """Put a candidate in the place of entry 0, the farthest, and restore the heap."""
    i, child, size = 0, 1, values.size
    key = keys[row]
    while child < size:
        if child + 1 < size and _comes_after(
            values[child + 1],
            _key(keys, rows[child + 1]),
            values[child],
            _key(keys, rows[child]),
        ):
            child += 1
        if _comes_after(value, key, values[child], _key(keys, rows[child])):
            break
        values[i], rows[i] = values[child], rows[child]
        i, child = child, 2 * child + 1
    values[i], rows[i] = value, row


@njit(inline="always")
def _key(keys, row):
    # an empty entry stands behind every row
    return keys[row] if row >= 0 else np.int64(1) << 62


@njit(cache=True, nogil=True)
def running_nearest(tile, half_squares, first_row, first_column, keys, values, rows):
    """Carry the nearest rows of each row along, as a heap per row.

    Row i of the tile holds the inner products of row ``first_row + i`` with the rows
    from ``first_column`` on. The product minus half the squared norm of the other row
    is larger where the distance is smaller. Most candidates are farther away than
    all that are kept, so a stretch is first only counted, which vectorises.
    """
    n, m = tile.shape
    for i in range(n):
        best, best_rows = values[i], rows[i]
        own = first_row + i - first_column
        for start in range(0, m, 64):
            stop = min(m, start + 64)
            least = best[0]
            above = 0
            for j in range(start, stop):
                tile[i, j] -= half_squares[first_column + j]
                above += tile[i, j] >= least
            if above == 0:
                continue
            for j in range(start, stop):
                value = tile[i, j]
                if value < best[0] or j == own:
                    continue
                row = first_column + j
                if _comes_after(best[0], _key(keys, best_rows[0]), value, keys[row]):
                    _replace_farthest(best, best_rows, keys, value, row)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def squared_distances(rows, others, out):
    """out[i, j] = squared distance of rows[i] and others[i, j], in float64."""
    n, k, d = others.shape
    for i in range(n):
        for j in range(k):
            total = 0.0
            for c in range(d):
                gap = np.float64(rows[i, c]) - np.float64(others[i, j, c])
                total += gap * gap
            out[i, j] = total
