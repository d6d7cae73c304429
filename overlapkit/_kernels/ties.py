"""Tie-breaking that depends on what a row contains, never on where it stands."""

import numpy as np

from overlapkit._kernels.compiling import njit

# Constants of the 64-bit finaliser of splitmix64 (Steele, Lea and Flood, 2014).
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
_BLOCK_BYTES = 1 << 18  # of rows as float64, hashed at a time


def _mix(h):
    h = h + _GOLDEN
    h = (h ^ (h >> _SHIFT_1)) * _MIX_1
    h = (h ^ (h >> _SHIFT_2)) * _MIX_2
    return h ^ (h >> _SHIFT_3)


_mix_one = njit(inline="always")(_mix)


@njit(cache=True, nogil=True)
def _hash_bits(bits, hashes):
    """Hash the 64-bit numbers of each row into the hash that it has so far."""
    n, c = bits.shape
    for i in range(n):
        h = hashes[i]
        for j in range(c):
            h = _mix_one(h ^ bits[i, j])
        hashes[i] = h


def hash_rows(content, seed):
    """Hash every row to 64 bits, equal rows to equal hashes.

    Values are compared as float64, so the hash is the same for int8, float32 and
    float64 versions of the same numbers, and for -0.0 and 0.0. The order of the
    columns matters.

    Parameters
    ----------
    content : ndarray of shape (n, c)
        Any real numeric dtype.
    seed : int
        In [0, 2**64).

    Returns
    -------
    ndarray of shape (n,), dtype uint64
    """
    n, c = content.shape
    h = _mix(np.full(n, seed, dtype=np.uint64))
    step = max(1, _BLOCK_BYTES // (8 * max(1, c)))
    for start in range(0, n, step):
        # Adding 0.0 turns -0.0, which has other bits than 0.0, into 0.0.
        values = content[start : start + step].astype(np.float64, order="C") + 0.0
        _hash_bits(values.view(np.uint64), h[start : start + step])
    return h


def break_ties(proba, content, seed):
    """Choose the largest column of every row; a hash of the row decides ties.

    Columns within a relative 1e-9 of the row's maximum (8 machine epsilons in
    float32) are tied, so that the noise of a sum's order decides nothing. Among t
    tied columns the one numbered ``hash_rows(content, seed) % t`` wins: rows of
    equal content get equal codes, in any batch and in any order.

    Parameters
    ----------
    proba : ndarray of shape (n, K)
        Scores, higher is better, K >= 1.
    content : ndarray of shape (n, c), or callable
        What identifies a row: votes or features, any real numeric dtype. Or what
        gives the hashes of rows at ascending positions.
    seed : int
        In [0, 2**64).

    Returns
    -------
    ndarray of shape (n,), dtype intp
        Column numbers.
    """
    dtype = np.result_type(proba, np.float16)
    tolerance = max(1e-9, 8 * float(np.finfo(dtype).eps))
    codes = proba.argmax(axis=1)
    top = np.take_along_axis(proba, codes[:, None], axis=1)
    tied = proba >= top - tolerance * np.abs(top)
    n_tied = tied.sum(axis=1)
    rows = np.flatnonzero(n_tied > 1)
    if rows.size:
        hashes = content(rows) if callable(content) else hash_rows(content[rows], seed)
        pick = hashes % n_tied[rows].astype(np.uint64)
        nth = tied[rows].cumsum(axis=1) - 1
        codes[rows] = (nth == pick[:, None].astype(np.intp)).argmax(axis=1)
    return codes
