"""Sums over the votes that were cast, each vote visited once.

Votes are given as columns of a matrix of ones in CSR form: column j K + l of a row
stands for a vote l of function j.
"""

import math

import numpy as np

from overlapkit._kernels.compiling import njit

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
def column_sums(indptr, columns, weights, out):
    """out[c] += sum of weights[i] over the rows i that have column c."""
    width = weights.shape[1]
    for i in range(len(indptr) - 1):
        for p in range(indptr[i], indptr[i + 1]):
            for k in range(width):
                out[columns[p], k] += weights[i, k]


@njit(cache=True, nogil=True)
def add_pairs(indptr, columns, out):
    """out[c, d] += number of rows that have both columns c and d."""
    for i in range(len(indptr) - 1):
        for p in range(indptr[i], indptr[i + 1]):
            c = columns[p]
            out[c, c] += 1
            for q in range(indptr[i], p):
                d = columns[q]
                out[c, d] += 1
                out[d, c] += 1


@njit(inline="always")
def _softmax(scores):
    """Scores as probabilities, in place; returns the largest score and their sum."""
    top = scores[0]
    for k in range(1, len(scores)):
        top = max(top, scores[k])
    total = 0.0
    for k in range(len(scores)):
        # of the largest score, it is 1
        scores[k] = math.exp(scores[k] - top) if scores[k] != top else 1.0
        total += scores[k]
    for k in range(len(scores)):
        scores[k] /= total
    return top, total


@njit(cache=True, nogil=True)
def softmax_rows(scores, log_sums):
    """Rows of scores as probabilities, in place, and the logarithms of their sums."""
    for i in range(len(scores)):
        top, total = _softmax(scores[i])
        log_sums[i] = top + math.log(total)


@njit(cache=True, nogil=True)
def update_posterior(
    indptr,
    columns,
    lift,
    group,
    log_silent,
    log_prior,
    counts,
    posterior,
    tops,
    seen,
    totals,
):
    """Posterior of each row, and what the next tables are made from, in one pass.

    The score of class k in a row is the sum of ``lift[c, k]`` over its columns c, of
    ``log_silent[g, k]`` over the groups g that these belong to, and ``log_prior[k]``.
    The largest score of a row goes to `tops`. Adds the posterior, times the count of
    the row, to ``seen[c]`` and to ``totals``. Returns the largest change of a
    posterior.
    """
    width, n_groups = lift.shape[1], len(log_silent)
    if width == 2 and n_groups == 1:
        return _update_two(
            indptr,
            columns,
            lift,
            log_silent,
            log_prior,
            counts,
            posterior,
            tops,
            seen,
            totals,
        )
    last = np.full(n_groups, -1, dtype=np.int64)
    row, change = np.empty(width), 0.0
    for i in range(len(indptr) - 1):
        start, stop = indptr[i], indptr[i + 1]
        row[:] = 0.0
        for p in range(start, stop):
            for k in range(width):
                row[k] += lift[columns[p], k]
        row += log_prior
        for p in range(start, stop):
            g = group[columns[p]]
            if last[g] != i:
                last[g] = i
                row += log_silent[g]
        tops[i], _ = _softmax(row)
        for k in range(width):
            moved = abs(row[k] - posterior[i, k])
            if not moved <= change:  # also where it is no number
                change = moved
            posterior[i, k] = row[k]
            row[k] *= counts[i]
            totals[k] += row[k]
        for p in range(start, stop):
            for k in range(width):
                seen[columns[p], k] += row[k]
    return change


@njit(cache=True, nogil=True)
def _update_two(
    indptr,
    columns,
    lift,
    log_silent,
    log_prior,
    counts,
    posterior,
    tops,
    seen,
    totals,
):
    """`update_posterior` for two classes and one group, with the same results.

    Without loops over the classes, the scores of a row stay in registers.
    """
    change, total_0, total_1 = 0.0, totals[0], totals[1]
    for i in range(len(indptr) - 1):
        start, stop = indptr[i], indptr[i + 1]
        first, second = 0.0, 0.0
        for p in range(start, stop):
            first += lift[columns[p], 0]
            second += lift[columns[p], 1]
        first += log_prior[0]
        second += log_prior[1]
        if stop > start:
            first += log_silent[0, 0]
            second += log_silent[0, 1]
        top = max(first, second)
        tops[i] = top
        # of the larger score, it is 1
        less = math.exp(min(first, second) - top)
        more, less = 1.0 / (1.0 + less), less / (1.0 + less)
        if first < second:
            first, second = less, more
        else:
            first, second = more, less
        moved = max(abs(first - posterior[i, 0]), abs(second - posterior[i, 1]))
        if not moved <= change:  # also where it is no number
            change = moved
        posterior[i, 0], posterior[i, 1] = first, second
        first *= counts[i]
        second *= counts[i]
        total_0 += first
        total_1 += second
        for p in range(start, stop):
            seen[columns[p], 0] += first
            seen[columns[p], 1] += second
    totals[0], totals[1] = total_0, total_1
    return change


@njit(inline="always")
def _leading(proba, tolerance):
    """Least probability that ties with the largest one, and how many classes tie."""
    top = proba[0]
    for k in range(1, len(proba)):
        top = max(top, proba[k])
    least = top * (1.0 - tolerance)
    tied = 0
    for k in range(len(proba)):
        tied += proba[k] >= least
    return least, tied


@njit(cache=True, nogil=True)
def add_predicted(posterior, weights, tolerance, out):
    """out[k] += weights[i] for the rows i of which class k leads; ties are split."""
    for i in range(len(posterior)):
        least, tied = _leading(posterior[i], tolerance)
        part = weights[i] / tied
        for k in range(posterior.shape[1]):
            if posterior[i, k] >= least:
                out[k] += part


@njit(cache=True, nogil=True)
def share_of_lead(posterior, codes, tolerance, out):
    """out[i] = 1 / t where class codes[i] is one of the t classes that lead, else 0."""
    for i in range(len(posterior)):
        least, tied = _leading(posterior[i], tolerance)
        out[i] = 1.0 / tied if posterior[i, codes[i]] >= least else 0.0


@njit(cache=True, nogil=True)
def overruled(indptr, columns, posterior, tolerance, out):
    """out[i] = whether all votes of row i agree, and another class leads alone."""
    width = posterior.shape[1]
    for i in range(len(indptr) - 1):
        start, stop = indptr[i], indptr[i + 1]
        out[i] = False
        if start == stop:
            continue
        code = columns[start] % width
        agreed = True
        for p in range(start + 1, stop):
            agreed &= columns[p] % width == code
        if agreed:
            least, _ = _leading(posterior[i], tolerance)
            out[i] = posterior[i, code] < least
