"""Change points of sorted values."""

import numpy as np

from overlapkit.thresholds import binseg_change_point, change_point


class ChangePoint:
    params = (("exact", "binseg"), (5_000, 50_000))
    param_names = ("search", "n")

    def setup(self, search, n):
        self.values = np.random.default_rng(0).beta(0.6, 0.6, n)
        self.split = {"exact": change_point, "binseg": binseg_change_point}[search]
        self.split(self.values[:100])  # compiled code is loaded

    def time_split(self, search, n):
        self.split(self.values)

    def peakmem_split(self, search, n):
        self.split(self.values)

    def track_gain(self, search, n):
        """Share of the variance that the split explains."""
        return float(self.split(self.values).gain)
