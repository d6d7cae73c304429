"""Slow versions of the label models, written from the formulas, and data."""

import math
import struct

import numpy as np


def independent_votes(n, accuracy, coverage, n_classes=2, seed=0):
    """Votes that are independent given the class, and the classes."""
    rng = np.random.default_rng(seed)
    accuracy = np.asarray(accuracy)
    shape = (n, len(accuracy))
    y = rng.integers(n_classes, size=n)
    other = (y[:, None] + rng.integers(1, n_classes, size=shape)) % n_classes
    votes = np.where(rng.random(shape) < accuracy, y[:, None], other)
    votes[rng.random(shape) >= coverage] = -1
    return votes.astype(np.int8), y


def majority(votes, prior):
    out = []
    for row in votes:
        cast = [v for v in row if v >= 0]
        if cast:
            out.append([cast.count(k) / len(cast) for k in range(len(prior))])
        else:
            out.append(list(prior))
    return np.array(out)


def agreement(votes, n_classes):
    n, m = votes.shape
    out = np.zeros((m * n_classes, m * n_classes))
    for row in votes:
        for i in range(m):
            for j in range(m):
                if row[i] >= 0 and row[j] >= 0:
                    out[i * n_classes + row[i], j * n_classes + row[j]] += 1 / n
    return out


def objective(mu, moments, prior, m, start, ridge):
    n_classes = len(prior)
    total = 0.0
    for a in range(m * n_classes):
        for b in range(m * n_classes):
            if a // n_classes != b // n_classes:
                model = sum(mu[a, y] * prior[y] * mu[b, y] for y in range(n_classes))
                total += (moments[a, b] - model) ** 2
        marginal = sum(mu[a, y] * prior[y] for y in range(n_classes))
        total += (marginal - moments[a, a]) ** 2
    return total + ridge * ((mu - start) ** 2).sum()


def posterior(votes, table, prior):
    """Naive Bayes; table[j, l, y] is proportional to P(vote l | class y)."""
    out = []
    for row in votes:
        joint = [
            p * math.prod(table[j, v, y] for j, v in enumerate(row) if v >= 0)
            for y, p in enumerate(prior)
        ]
        out.append(np.array(joint) / sum(joint))
    return np.array(out)


def dawid_skene(votes, prior, smoothing, accuracy, n_rounds):
    """Regularised EM from the majority vote, row by row."""
    m, n_classes = votes.shape[1], len(prior)
    q = majority(votes, prior)
    for _ in range(n_rounds):
        theta = np.empty((m, n_classes, n_classes))
        for j in range(m):
            for y in range(n_classes):
                for v in range(n_classes):
                    right = accuracy if v == y else (1 - accuracy) / (n_classes - 1)
                    seen = sum(q[i, y] for i in range(len(q)) if votes[i, j] == v)
                    theta[j, v, y] = seen + smoothing * right
                theta[j, :, y] /= theta[j, :, y].sum()
        q = posterior(votes, theta, prior)
    return theta, q


def hash_row(values, seed):
    """Chain of splitmix64 finalisers over the bits of float64 values."""
    mask = 2**64 - 1

    def mix(h):
        h = (h + 0x9E3779B97F4A7C15) & mask
        h = ((h ^ (h >> 30)) * 0xBF58476D1CE4E5B9) & mask
        h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) & mask
        return h ^ (h >> 31)

    h = mix(seed)
    for value in values:
        (bits,) = struct.unpack("<Q", struct.pack("<d", float(value) + 0.0))
        h = mix(h ^ bits)
    return h
