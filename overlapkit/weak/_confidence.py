"""How sure a weak model is of each row (pure functions)."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from overlapkit._utils.checks import check_array, plain

__all__ = [
    "check_probabilities",
    "confidence_of",
    "given_probabilities",
    "weak_confidence",
]

# Probabilities written by other tools are rounded; float16 carries three digits.
PROBABILITY_SUM_TOLERANCE = 5e-3


def weak_confidence(
    proba: ArrayLike, kind: Literal["margin", "max", "entropy"] = "margin"
) -> np.ndarray:
    r"""Confidence of a weak model, from 0 (undecided) to 1 (certain).

    A row the weak model is sure about holds a pattern it knows; a row it is unsure
    about is a candidate for "hard". With two classes the margin and the scaled
    maximum are the confidence of the source paper, :math:`2 |p - 1/2|`.

    With sorted probabilities :math:`p_{(1)} \ge p_{(2)} \ge \dots` of K classes:

    - ``"margin"``: :math:`p_{(1)} - p_{(2)}`
    - ``"max"``: :math:`(K p_{(1)} - 1) / (K - 1)`
    - ``"entropy"``: :math:`1 + \sum_k p_k \log p_k / \log K`

    Parameters
    ----------
    proba : array-like of shape (n_samples, n_classes)
        Class probabilities; rows sum to 1.
    kind : {"margin", "max", "entropy"}, default="margin"
        The formula.

    Returns
    -------
    confidence : ndarray of shape (n_samples,)
        Values in [0, 1]; 1 everywhere when there is a single class.

    Raises
    ------
    ValueError
        If a value is missing or negative, a row does not sum to 1, or `kind` is
        unknown.

    References
    ----------
    .. [1] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025.

    Examples
    --------
    >>> from overlapkit.scorers import weak_confidence
    >>> weak_confidence([[0.5, 0.5], [0.1, 0.9]]).round(3)
    array([0. , 0.8])
    >>> weak_confidence([[0.5, 0.5, 0.0]], kind="max").round(3)
    array([0.25])
    """
    if not isinstance(kind, str) or kind not in ("margin", "max", "entropy"):
        raise ValueError(
            f"No kind of confidence is {plain(kind)}: use 'margin', 'max' or 'entropy'."
        )
    return confidence_of(check_probabilities(proba), kind)


def confidence_of(proba, kind) -> np.ndarray:
    """:func:`weak_confidence` of probabilities that were checked before."""
    n_classes = proba.shape[1]
    if n_classes == 1:
        return np.ones(len(proba))
    if kind == "margin":
        top = np.partition(proba, n_classes - 2, axis=1)
        confidence = top[:, -1] - top[:, -2]
    elif kind == "max":
        confidence = (n_classes * proba.max(axis=1) - 1) / (n_classes - 1)
    else:
        log = np.log(proba, where=proba > 0, out=np.zeros_like(proba))
        confidence = 1 + (proba * log).sum(axis=1) / np.log(n_classes)
    return np.clip(confidence, 0.0, 1.0)


def check_probabilities(proba, *, name="proba") -> np.ndarray:
    """Class probabilities as float64, or an error that says what is wrong."""
    proba = check_array(proba, dtype=np.float64, input_name=name)
    sums = proba.sum(axis=1)
    bad = (proba < 0).any(axis=1) | (np.abs(sums - 1) > PROBABILITY_SUM_TOLERANCE)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{name} must hold class probabilities (non-negative, rows summing to 1); "
            f"row {row} is {proba[row]} with sum {sums[row]:.6g}, and {bad.sum()} of "
            f"{len(bad)} rows are like it."
            + (" One column per class is needed: 1 - p and p." * (proba.shape[1] == 1))
        )
    return proba


def given_probabilities(proba, *, name="proba") -> tuple[np.ndarray, np.ndarray | None]:
    """Class probabilities of all rows, and which rows have some; None: every row.

    NaN in all of a row is no weak label; such a row gets equal probabilities.

    Raises
    ------
    ValueError
        If a row has those of some classes only, or they are no probabilities.
    """
    proba = check_array(
        proba, dtype=np.float64, ensure_all_finite="allow-nan", input_name=name
    )
    gaps = np.isnan(proba)
    if not gaps.any():
        return check_probabilities(proba, name=name), None
    without = gaps.all(axis=1)
    part = np.flatnonzero(gaps.any(axis=1) & ~without)
    if len(part):
        raise ValueError(
            f"{name} contains NaN for some classes only in row {part[0]}, as in "
            f"{len(part)} rows: give all probabilities of a row, or none where it has "
            "no weak label."
        )
    filled = np.where(without[:, None], 1 / proba.shape[1], proba)
    return check_probabilities(filled, name=name), ~without
