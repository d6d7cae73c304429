"""The controls of a selection: other rows to compare it with (pure function)."""

import warnings

import numpy as np

from overlapkit.exceptions import OverlapkitWarning
from overlapkit.scorers._regions import confidence_threshold
from overlapkit.students._selection import select_rows

__all__ = ["control_rows"]


def control_rows(rows, size, *, seed, confidence="margin") -> dict[str, np.ndarray]:
    """Rows of every control of a selection of `size` rows.

    This is the one definition of the controls in this package:

    - ``"covered rows"``: all rows with a weak label;
    - ``"non-hard rows"``: those with a confidence at or above the change point of the
      confidences of covered rows;
    - ``"random"``: `size` covered rows at random;
    - ``"random non-hard"`` and ``"most confident"``: `size` of the non-hard rows, at
      random and by confidence (of all covered rows if there are fewer).

    The last three have quotas in proportion to the weak classes of the rows they are
    taken from. Quotas by the classes of all covered rows would handicap the last two
    where undecided rows are all of one class: hard rows of it would fill its quota.

    Parameters
    ----------
    rows : WeakRows
        The rows.
    size : int
        Number of selected rows.
    seed : int
        Of the random controls.
    confidence : {"margin", "max", "entropy"}, default="margin"
        Formula of the weak confidence.

    Returns
    -------
    masks : dict of str to ndarray of shape (n_samples,) of bool
        One mask for each control. They depend on what the rows hold, not on their
        order.
    """
    covered = np.flatnonzero(rows.covered)
    codes, tiebreak = rows.codes[covered], rows.hash_of(covered)
    sure = rows.confidence(confidence)[covered]
    with warnings.catch_warnings():
        # the selector warns about its own threshold; the controls need not repeat it
        warnings.simplefilter("ignore", OverlapkitWarning)
        threshold, _ = confidence_threshold(sure)
    not_hard = sure >= threshold
    order = np.argsort(tiebreak, kind="stable")
    random = np.empty(len(covered))
    random[order] = np.random.RandomState(seed).uniform(size=len(covered))
    kept = {
        "covered rows": np.ones(len(covered), dtype=bool),
        "non-hard rows": not_hard,
    }
    everything = kept["covered rows"]
    enough = not_hard if size <= not_hard.sum() else everything
    for name, scores, pool in (
        ("random", random, everything),
        ("random non-hard", random + not_hard, enough),
        ("most confident", sure, enough),
    ):
        inside = np.flatnonzero(pool)
        budget = min(size, len(inside)) / len(inside)
        chosen = select_rows(
            scores[inside], codes[inside], budget, "proportional", tiebreak[inside]
        )
        kept[name] = np.zeros(len(covered), dtype=bool)
        kept[name][inside[chosen]] = True
    masks = {}
    for name, keep in kept.items():
        masks[name] = np.zeros(len(rows), dtype=bool)
        masks[name][covered[keep]] = True
    return masks
