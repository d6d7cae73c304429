"""Whole numbers next to shares."""

import numpy as np

__all__ = ["round_to_sum"]


def round_to_sum(shares, total) -> np.ndarray:
    """Largest remainders: integers next to `shares` that sum to `total`."""
    whole = np.floor(shares).astype(int)
    missing = total - whole.sum()
    whole[np.argsort(-(shares - whole), kind="stable")[:missing]] += 1
    return whole
