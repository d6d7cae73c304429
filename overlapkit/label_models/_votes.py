"""Arrays of votes in, arrays out: what the label models share.

Codes are integers of shape (n, m): -1 abstains, 0..K-1 names a class. Tables are
indexed [function, vote, class].
"""

import numpy as np

from overlapkit._kernels.ties import hash_rows

_BLOCK_BYTES = 2**24


def agreement_matrix(codes, n_classes) -> np.ndarray:
    """Second moments of the one-hot votes.

    O = A'A / n, with A of shape (n, m*K) and A[i, j*K + l] = 1 when function j
    votes l on row i. One-hot rows exist for one block at a time.
    """
    n, m = codes.shape
    width = m * n_classes
    step = max(1, _BLOCK_BYTES // (4 * width))
    labels = np.arange(n_classes, dtype=codes.dtype)
    total = np.zeros((width, width))
    for start in range(0, n, step):
        votes = codes[start : start + step]
        # Counts in a block stay below 2**24, so float32 sums are exact.
        one_hot = (votes[:, :, None] == labels).reshape(len(votes), width)
        one_hot = one_hot.astype(np.float32)
        total += one_hot.T @ one_hot
    return total / n


def vote_counts(codes, n_classes) -> np.ndarray:
    """Return how many functions vote for each class, per row, shape (n, K)."""
    return np.column_stack(
        [np.count_nonzero(codes == k, axis=1) for k in range(n_classes)]
    ).astype(np.float64)


def vote_shares(codes, prior) -> np.ndarray:
    """Share of the cast votes per class; the prior where nothing was cast."""
    counts = vote_counts(codes, len(prior))
    cast = counts.sum(axis=1, keepdims=True)
    return np.where(cast > 0, counts / np.maximum(cast, 1.0), prior)


def naive_bayes(codes, log_likelihood, log_prior) -> tuple[np.ndarray, np.ndarray]:
    """Posterior of the class when functions vote independently given the class.

    P(y | votes) is proportional to P(y) prod_j exp(log_likelihood[j, vote_j, y]),
    over the functions that do not abstain.

    Returns
    -------
    posterior : ndarray of shape (n, K)
    log_evidence : ndarray of shape (n,)
        Logarithm of the sum over classes before normalising.
    """
    m, n_classes, _ = log_likelihood.shape
    # The extra last row is what index -1, an abstention, picks: a factor of one.
    table = np.concatenate([log_likelihood, np.zeros((m, 1, n_classes))], axis=1)
    out = np.tile(log_prior, (codes.shape[0], 1))
    for j in range(m):
        out += table[j].take(codes[:, j], axis=0, mode="wrap")
    top = out.max(axis=1, keepdims=True)
    np.exp(np.subtract(out, top, out=out), out=out)
    total = out.sum(axis=1, keepdims=True)
    out /= total
    return out, (top + np.log(total)).ravel()


def expected_votes(codes, weights) -> np.ndarray:
    """Sum of the class weights of the rows on which a function cast a vote.

    N[j, l, y] = sum_i 1{codes[i, j] = l} weights[i, y], shape (m, K, K).
    """
    m, n_classes = codes.shape[1], weights.shape[1]
    out = np.empty((m, n_classes, n_classes))
    columns = np.ascontiguousarray(weights.T)
    for j in range(m):
        bins = codes[:, j].astype(np.intp) + 1
        for y in range(n_classes):
            out[j, :, y] = np.bincount(bins, columns[y], minlength=n_classes + 1)[1:]
    return out


def distinct_rows(codes) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows, in an order that does not depend on the rows' order.

    Returns
    -------
    patterns : ndarray of shape (u, m)
    counts : ndarray of shape (u,), float64
    """
    # Sorting 64-bit hashes is many times faster than sorting rows.
    _, first, inverse, counts = np.unique(
        hash_rows(codes, 0), return_index=True, return_inverse=True, return_counts=True
    )
    patterns = np.asfortranarray(codes[first])
    for j in range(codes.shape[1]):
        if not np.array_equal(patterns[inverse, j], codes[:, j]):
            # Two different rows share a hash (chance about n**2 / 2**65).
            patterns, counts = np.unique(codes, axis=0, return_counts=True)
            break
    return np.asfortranarray(patterns), counts.astype(np.float64)


def diagonal_table(n_classes, diagonal) -> np.ndarray:
    """K x K table with `diagonal` on its diagonal, columns summing to one."""
    if n_classes == 1:
        return np.ones((1, 1))
    table = np.full((n_classes, n_classes), (1 - diagonal) / (n_classes - 1))
    np.fill_diagonal(table, diagonal)
    return table


def predicted_shares(posterior, weights) -> np.ndarray:
    """Weighted share of the rows predicted to be of each class; ties are split."""
    top = posterior.max(axis=1, keepdims=True)
    tied = (posterior >= top * (1 - 1e-9)).astype(np.float64)
    tied *= (weights / tied.sum(axis=1))[:, None]
    return tied.sum(axis=0) / max(weights.sum(), 1.0)
