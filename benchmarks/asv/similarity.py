"""Scores of 10,000 rows against 10,000 reference rows, and neighbours of rows."""

import numpy as np

from overlapkit.scorers import reference_similarity
from overlapkit.scorers._neighbor_graph import nearest_neighbors


class ReferenceSimilarity:
    params = (("max", "mean", "quantile", "topk"), (32, 384))
    param_names = ("aggregation", "d")

    def setup(self, aggregation, d):
        rng = np.random.default_rng(0)
        self.X = rng.standard_normal((10_000, d), dtype=np.float32)
        self.reference = rng.standard_normal((10_000, d), dtype=np.float32)
        self.score(aggregation, self.X[:100])  # compiled code is loaded

    def score(self, aggregation, X):
        return reference_similarity(X, self.reference, aggregation=aggregation)

    def time_score(self, aggregation, d):
        self.score(aggregation, self.X)

    def peakmem_score(self, aggregation, d):
        self.score(aggregation, self.X)

    def track_largest_error(self, aggregation, d):
        """Against float64 and plain NumPy."""
        X, R = self.X[:100].astype(np.float64), self.reference.astype(np.float64)
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        R /= np.linalg.norm(R, axis=1, keepdims=True)
        S = np.sort(np.abs(X @ R.T), axis=1)
        expected = {
            "max": S[:, -1],
            "mean": S.mean(axis=1),
            "quantile": np.quantile(S, 0.9, axis=1),
            "topk": S[:, -10:].mean(axis=1),
        }[aggregation]
        return float(np.abs(self.score(aggregation, self.X[:100]) - expected).max())


class NonNegative:
    """The mean of magnitudes where no product is negative."""

    params = ((32, 384),)
    param_names = ("d",)

    def setup(self, d):
        rng = np.random.default_rng(0)
        self.X, self.reference = rng.random((2, 10_000, d), dtype=np.float32)
        self.time_score(d)

    def time_score(self, d):
        reference_similarity(self.X, self.reference)


class NeighborGraph:
    params = ((32, 384),)
    param_names = ("d",)

    def setup(self, d):
        rng = np.random.default_rng(0)
        self.X = rng.standard_normal((5_000, d), dtype=np.float32)
        nearest_neighbors(self.X[:100], 20)  # compiled code is loaded

    def time_graph(self, d):
        nearest_neighbors(self.X, 20)

    def peakmem_graph(self, d):
        nearest_neighbors(self.X, 20)
