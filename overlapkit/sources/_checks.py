"""What has to hold before a run or a batch is begun."""

import copy

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length

from overlapkit._utils.labels import check_labels, join_labels, known_labels
from overlapkit.metrics._regret import cumulative_regret
from overlapkit.policies import UCB
from overlapkit.sources._ledger import SourceLedger

__all__ = [
    "check_class_floor",
    "check_names",
    "check_one_kind",
    "check_relations",
    "check_y",
    "first_source",
    "labels_of",
    "new_ledger",
    "plain",
]


def new_ledger(owner, names, batch_size, random_state):
    """A seed and a ledger for a run of `owner` on sources `names`."""
    check_names(names)
    per_source = {}
    for parameter in ("prices", "densities"):
        values = getattr(owner, parameter)
        if values is not None:
            values = np.asarray(values, dtype=np.float64)
            if values.shape != (len(names),):
                raise ValueError(
                    f"{parameter} has shape {values.shape}, expected one number for "
                    f"each of {len(names)} sources: {names}. In live mode, "
                    f"{parameter} needs source_names."
                )
        per_source[parameter] = values
    prices, densities = per_source.values()
    if prices is not None and not (np.isfinite(prices) & (prices > 0)).all():
        raise ValueError(f"prices must be positive and finite, got {prices}.")
    if densities is not None:
        cumulative_regret(densities, [0])  # refuses what is no density
    check_relations(owner, len(names))
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    return seed, SourceLedger(
        names,
        policy=UCB() if owner.policy is None else owner.policy,
        n_rounds=owner.n_rounds,
        # not the generator that draws rows: a live run makes no draws
        rng=np.random.RandomState(seed),
        floor=owner.min_source_share,
        class_floor=owner.min_class_share,
        prices=prices,
        budget=np.inf if owner.budget is None else owner.budget,
        asked=batch_size,
    )


def check_names(names) -> None:
    """Refuse names that are missing, or that look alike where they are printed."""
    if any(name is None or name != name for name in names):
        raise ValueError(f"A source has no name: {names[:10]} holds None or NaN.")
    # a column of history_ is called after each
    if len({str(name) for name in names}) != len(names):
        raise ValueError(f"{names} names a source twice.")


def check_one_kind(parts) -> None:
    """Refuse labels that are strings in one place and numbers in another."""
    some = [list(part[:5]) for part in parts if part is not None and len(part)]
    kinds = {isinstance(part[0], str): part for part in some}
    if len(kinds) > 1:
        raise ValueError(
            f"Classes are strings and numbers: {kinds[True]} and {kinds[False]}. Give "
            "labels of one kind in every batch, in classes and in the reference."
        )


def check_class_floor(owner, classes) -> None:
    """Refuse a least share that not every class can have."""
    if owner.min_class_share * len(classes) > 1 + 1e-9:
        raise ValueError(
            f"min_class_share={owner.min_class_share} for {len(classes)} classes: the "
            f"shares of all cannot pass 1, so at most {1 / len(classes):.4g} is "
            "possible."
        )


def check_relations(owner, n_sources) -> None:
    """Refuse a floor that so many sources cannot all have."""
    if owner.min_source_share * n_sources > 1 + 1e-9:
        raise ValueError(
            f"min_source_share={owner.min_source_share} for {n_sources} sources: the "
            f"shares of all cannot pass 1, so at most {1 / n_sources:.4g} is possible."
        )


def first_source(owner):
    """Name of the source to ask before anything is known."""
    names = plain(owner.source_names)
    state = copy.deepcopy(owner.random_state)
    if state is None:
        # asked again, and when its batch comes, the answer must be the same
        if "_first_seed" not in vars(owner):
            owner._first_seed = check_random_state(None).randint(2**31 - 1)
        state = owner._first_seed
    _, ledger = new_ledger(owner, names, owner.batch_size, state)
    ledger.choose(ready=isinstance(owner.reference, tuple))
    return None if ledger.next is None else names[ledger.next]


def check_y(X, y, missing_label):
    """Y as a flat array of class labels, or None."""
    if y is None:
        return None
    check_consistent_length(X, y)
    y = check_labels(y, missing_label)
    known_labels(y, missing_label, len(y))  # refuses what is no label
    return y


def labels_of(batches) -> np.ndarray | None:
    """Labels of all rows of some batches, or None."""
    return None if batches[0][1] is None else join_labels([y for _, y in batches])


def plain(names) -> list:
    """Names as Python objects, whatever array they came in."""
    return [n.item() if isinstance(n, np.generic) else n for n in names]
