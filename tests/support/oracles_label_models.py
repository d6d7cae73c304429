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
    """EM in which no vote is an outcome, row by row; rows without a vote left out.

    Outcome K is no vote. Returns the tables, indexed [function, outcome, class], and
    the posterior of the rows that are covered.
    """
    n_classes = len(prior)
    votes = np.array([row for row in votes.tolist() if max(row) >= 0])
    n, m = votes.shape
    imaginary = np.empty((m, n_classes + 1, n_classes))
    for j in range(m):
        rates = [np.mean(votes[:, j] == v) for v in range(n_classes)]
        for y in range(n_classes):
            weights = []
            for v in range(n_classes):
                right = accuracy if v == y else (1 - accuracy) / (n_classes - 1)
                weights.append(rates[v] * right * n_classes)
            weights.append(1 - sum(rates))
            imaginary[j, :, y] = np.array(weights) / sum(weights)
    q = majority(votes, prior)
    theta, unseen = None, np.zeros(n_classes)
    for _ in range(n_rounds):
        if theta is not None:
            silent = [
                prior[y] * math.prod(theta[j, -1, y] for j in range(m))
                for y in range(n_classes)
            ]
            unseen = n * np.array(silent) / (1 - sum(silent))
        new = np.empty((m, n_classes + 1, n_classes))
        for j in range(m):
            for y in range(n_classes):
                total = q[:, y].sum() + unseen[y] + smoothing
                for v in range(n_classes):
                    seen = sum(q[i, y] for i in range(n) if votes[i, j] == v)
                    new[j, v, y] = (seen + smoothing * imaginary[j, v, y]) / total
                new[j, -1, y] = 1 - new[j, :-1, y].sum()
        theta = new
        joint = np.array(
            [
                [
                    prior[y] * math.prod(theta[j, v, y] for j, v in enumerate(row))
                    for y in range(n_classes)
                ]
                for row in votes.tolist()
            ]
        )
        q = joint / joint.sum(axis=1, keepdims=True)
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
