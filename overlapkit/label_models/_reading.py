"""Votes as users give them: values, codes of classes, rows without a vote.

A value is what stands in X (a number or a name), a code the number of a class in
`classes_`; -1 is no vote in both. Sparse X holds vote + 1, so that what is not stored
is no vote.
"""

import numpy as np
import pandas as pd
from scipy import sparse

from overlapkit._utils.warnings import warn
from overlapkit.exceptions import VoteWarning
from overlapkit.label_models._votes import DenseVotes, SparseVotes

_CHUNK = 2**18
_CACHED = 2**16  # votes that stay in cache
_BINS = 2**16
_CONVENTIONS = (
    "No vote is -1, NaN, None or an empty cell. Where 0 (votes coded 0 = none, 1 to K "
    "= classes) or a number such as 9 or 99 stands for no vote, replace it by -1, for "
    "instance X.replace(0, -1) on a DataFrame or np.where(X == 0, -1, X)."
)


def read_values(X, classes):
    """Values of the votes as numbers; names become the codes of `classes`.

    Parameters
    ----------
    X : ndarray or CSR matrix
        What `validate_data` returned for ``dtype=None``.
    classes : ndarray or None
        What names may stand for.

    Returns
    -------
    values : ndarray or CSR matrix
        Numbers; NaN or -1 is no vote.
    named : bool
        Whether the votes were names, so that the values are codes already.
    """
    if sparse.issparse(X):
        X = _canonical(X)
        _check_integers(X.data)
        return X, False
    if X.dtype.kind in "biuf":
        if X.dtype.kind == "f":
            _check_integers(X)
        return X, False
    try:
        place, unique = pd.factorize(X.ravel(), use_na_sentinel=True)
    except TypeError as error:
        raise TypeError(
            "A vote is neither a number nor a class name; the argument must be a "
            f"string or a real number ({error})."
        ) from None
    numbers = np.full(len(unique) + 1, np.nan)  # the last one is what -1, NaN, picks
    names = {}
    for i, value in enumerate(unique):
        if isinstance(value, str):
            if value.strip():
                names[i] = value
        else:
            numbers[i] = _as_number(value)
    if names:
        cast = numbers[~np.isnan(numbers)]
        if (cast != -1).any():
            raise ValueError(
                "Votes mix class names and numbers: "
                f"{sorted(names.values())[:3]} and {cast[cast != -1][:3].tolist()}. "
                "Use one of them."
            )
        numbers = _codes_of_names(names, numbers, classes)
    values = numbers[place].reshape(X.shape)
    _check_integers(values)
    return values, bool(names)


def _as_number(value) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(
            "A vote is neither a number nor a class name; the argument must be a "
            f"string or a real number, not {type(value).__name__!r}."
        ) from None


def _codes_of_names(names, numbers, classes) -> np.ndarray:
    found = sorted(set(names.values()))
    if classes is None or np.asarray(classes).dtype.kind not in "OUS":
        known = "none are known" if classes is None else f"they are {few(classes)}"
        raise ValueError(
            f"Votes are strings ({few(found)}), so they are class names, but the "
            f"classes are not strings: {known}. Pass `classes`, the sorted names, to "
            "the label model."
        )
    code = {str(name): k for k, name in enumerate(classes)}
    extra = [name for name in found if name not in code]
    if extra:
        raise ValueError(
            f"Votes name classes that are unknown: {few(extra)}; the classes are "
            f"{few(classes)}. Pass `classes` with every class, or leave cells "
            "without a vote empty."
        )
    numbers = numbers.copy()
    for i, name in names.items():
        numbers[i] = code[name]
    return numbers


def _canonical(X):
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def _check_integers(values) -> None:
    """Raise unless every vote that is one is an integer."""
    if values.dtype.kind not in "fc":
        return
    for chunk in _chunks(values):
        wrong = chunk[~np.isnan(chunk) & (chunk != np.rint(chunk))]
        wrong = np.append(wrong, chunk[np.isinf(chunk)])
        if wrong.size:
            raise ValueError(
                "Votes must be integers (or class names): k for class number k, -1 or "
                f"an empty cell for no vote; {wrong[0]:g} is none."
            )


def _chunks(values):
    if values.ndim == 1:
        for start in range(0, len(values), _CHUNK):
            yield values[start : start + _CHUNK]
    else:
        rows = max(1, _CHUNK // max(values.shape[1], 1))
        for start in range(0, len(values), rows):
            yield values[start : start + rows].ravel()


def distinct_values(values) -> tuple[np.ndarray, np.ndarray]:
    """Distinct votes but -1 and NaN, ascending, and how often each was cast."""
    stored = values.data if sparse.issparse(values) else values
    shift = 1 if sparse.issparse(values) else 0
    found: dict = {}
    for chunk in _chunks(stored):
        if chunk.dtype.kind == "f":
            chunk = chunk[~np.isnan(chunk)]
        if chunk.size == 0:
            continue
        chunk = chunk.view(np.uint8) if chunk.dtype.kind == "b" else chunk
        low, high = int(chunk.min()), int(chunk.max())
        if high - low < _BINS:
            # Small integers are counted, not sorted; wide ones would need much memory.
            counts = np.bincount(_from_zero(chunk, low))
            unique = np.flatnonzero(counts)
            counts, unique = counts[unique], unique + low
        else:
            unique, counts = np.unique(chunk, return_counts=True)
        for value, count in zip(unique.tolist(), counts.tolist()):
            value = int(value) - shift
            found[value] = found.get(value, 0) + count
    found.pop(-1, None)
    order = sorted(found)
    # Objects of Python hold integers of any size exactly.
    return np.array(order, dtype=object), np.array([found[v] for v in order])


def _from_zero(chunk, low) -> np.ndarray:
    if chunk.dtype.kind in "iu" and chunk.dtype.itemsize <= 4:
        return np.subtract(chunk, low, dtype=np.intp)
    return (chunk.astype(np.int64) - low).astype(np.intp)


def share_of_rows(values, value) -> float:
    """Share of the rows on which a vote of this value is cast."""
    if sparse.issparse(values):
        hits = np.flatnonzero(values.data == value + 1)
        rows = np.searchsorted(values.indptr, hits, side="right")
        return len(np.unique(rows)) / max(values.shape[0], 1)
    return float((values == value).any(axis=1).mean()) if len(values) else 0.0


def without_classes(cast) -> np.ndarray:
    """Classes where neither `classes` nor a label names them: 0 to the largest vote."""
    negative = [v for v in cast if v < -1]
    if negative:
        raise ValueError(
            f"A vote is {negative[0]}; votes are k for class number k and -1 for no "
            f"vote. {_CONVENTIONS}"
        )
    if len(cast) == 0:
        return np.arange(2)
    highest = cast[-1]
    if highest > 1 and len(cast) <= highest:
        skipped = next(k for k in range(len(cast) + 1) if k not in set(cast))
        raise ValueError(
            f"Votes go up to {highest}, but nobody votes {skipped}: they are "
            f"{few(cast)}. If every code is meant, pass `classes`, the sorted labels "
            f"of the codes 0 to {highest}. {_CONVENTIONS}"
        )
    return np.arange(max(2, highest + 1))


def meaning(cast, counts, classes) -> bool:
    """Whether votes are given by the class itself rather than by its number.

    Where both readings fit, votes are numbers of classes. Where neither fits all
    votes, the one that leaves out fewer.
    """
    if not _are_integers(classes):
        return False
    names = {int(c) for c in classes}
    by_number = sum(c for v, c in zip(cast, counts) if not 0 <= v < len(classes))
    by_name = sum(c for v, c in zip(cast, counts) if v not in names)
    return by_name < by_number


def settle_ambiguous(cast, classes, values, known, labels) -> bool:
    """Whether votes that may be numbers or labels of classes are labels.

    Where each vote is the number of one class and the label of another one, the rows
    whose label is known decide, if they do so clearly.
    """
    numbers = [int(c) for c in classes]
    rows = np.flatnonzero(known)
    part = values[rows]
    part = part.toarray() - 1 if sparse.issparse(part) else part
    by_name = part == labels[:, None]
    by_number = np.zeros(part.shape, dtype=bool)
    for code, label in enumerate(numbers):
        by_number |= (part == code) & (labels == label)[:, None]
    n_votes = np.isin(part, np.array(cast, dtype=np.int64)).sum()
    gain = (by_name.sum() - by_number.sum()) / max(n_votes, 1)
    if n_votes >= 10 and abs(gain) > 0.2:
        return bool(gain > 0)
    raise ValueError(
        f"Votes are {few(cast)}, the labels of y {few(numbers)}: a vote may be the "
        "number of a class or its label, and both are possible here. Recode the votes "
        f"to 0 to {len(numbers) - 1} and pass classes={numbers}."
    )


def is_ambiguous(cast, classes) -> bool:
    """Whether votes mean one class by number and another one by name."""
    if not _are_integers(classes) or len(cast) == 0:
        return False
    labels = [int(c) for c in classes]
    fits = all(0 <= v < len(labels) for v in cast) and all(v in labels for v in cast)
    return fits and any(labels[v] != v for v in cast)


def check_told(cast, classes) -> None:
    """Refuse numbers of classes where labels are numbers too and not all are known."""
    if not _are_integers(classes) or len(cast) == 0:
        return
    labels = [int(c) for c in classes]
    if labels != list(range(len(labels))) and not all(v in labels for v in cast):
        raise ValueError(
            f"The votes are the codes {few(cast)}, the known labels are "
            f"{few(labels)}, and some labels are unknown: which is which? Pass "
            f"`classes`, the sorted labels that the codes 0, 1, ... stand for. "
            f"{_CONVENTIONS}"
        )


def _are_integers(classes) -> bool:
    classes = np.asarray(classes)
    if classes.dtype.kind not in "iuf":
        return False
    return bool((np.abs(classes) < 2**53).all() and (classes == np.rint(classes)).all())


def unknown_votes(cast, classes, by_name) -> list:
    """Votes that are no class."""
    if by_name:
        names = {int(c) for c in classes}
        return [v for v in cast if v not in names]
    return [v for v in cast if not 0 <= v < len(classes)]


def refuse_common(cast, counts, classes, values) -> None:
    """Refuse a vote that most rows hold and no label has: it may be "no vote".

    A number that follows on the classes may also be a further class, and so may 0 among
    numbers of named classes: these are taken for "no vote" if no vote is more frequent.
    """
    n_rows, n_classes = values.shape[0], len(classes)
    if n_rows <= 10 or cast[0] < 0:
        return
    by_name = _are_integers(classes)
    extra = unknown_votes(cast, classes, by_name)
    if len(extra) != 1:
        return
    value = extra[0]
    if not by_name and value == n_classes:
        value = 0  # names stand for 1 to K, or there is one class more
    follows = int(max(classes)) + 1 if by_name else n_classes
    unsure = value == follows or (value == 0 and not by_name)
    if unsure and value != cast[np.argmax(counts)]:
        return
    share = share_of_rows(values, value)
    if share > 0.5:
        raise ValueError(
            f"{share:.0%} of the rows hold the vote {value}, and no label is {value}; "
            f"the labels are {few(classes)}. Does {value} stand for no vote? "
            f"{_CONVENTIONS} If it is a class, pass `classes` with every class."
        )


def joint_classes(cast, labels) -> np.ndarray:
    """Classes where some labels are unknown and some votes are no known label."""
    labels = np.asarray(labels)
    if _are_integers(labels) and min(cast[0], labels.min()) >= 0:
        joint = np.union1d(labels.astype(np.int64), [int(v) for v in cast])
        if len(joint) == joint[-1] + 1 or len(joint) == joint[-1]:
            extra = np.setdiff1d(joint, labels)
            warn(
                f"Votes name {few(extra)}, and no known label is one of them; the "
                f"classes are taken to be {few(joint)}. Pass `classes` to say so.",
                VoteWarning,
            )
            return joint.astype(labels.dtype)
    raise ValueError(
        f"Votes go up to {cast[-1]}, but the known labels hold {len(labels)}: "
        f"{few(labels)}; which vote stands for which class? Pass `classes`, the "
        f"sorted labels of all classes. {_CONVENTIONS}"
    )


def report_unknown(unknown, cast, counts, classes, *, refuse) -> None:
    """Refuse votes that are no class, or say that they count as none."""
    if not unknown:
        return
    strays = set(unknown)
    number = sum(c for v, c in zip(cast, counts) if v in strays)
    message = (
        f"{number} of {sum(counts)} votes name none of the {len(classes)} classes "
        f"{few(classes)} (votes go from {cast[0]} to {cast[-1]}; for instance "
        f"{unknown[0]})"
    )
    if refuse:
        raise ValueError(f"{message}. {_CONVENTIONS}")
    warn(
        f"{message}; they count as no vote. If these votes are meant, the other votes "
        "stand for the wrong classes, too: pass `classes`.",
        VoteWarning,
    )


def encode(values, classes, by_name):
    """Codes of the votes: -1 where there is none, else the number of the class."""
    n_classes = len(classes)
    dtype = next(
        t for t in (np.int8, np.int16, np.int32) if n_classes < np.iinfo(t).max
    )
    labels = np.array([int(c) for c in classes]) if by_name else None

    def codes(column):
        if by_name:
            place = np.searchsorted(labels, column)
            place[place == n_classes] = 0
            return np.where(labels[place] == column, place, -1).astype(dtype)
        valid = (column >= 0) & (column < n_classes)
        return np.where(valid, column, -1).astype(dtype)

    if sparse.issparse(values):
        data = np.empty(len(values.data), dtype=dtype)
        for start in range(0, len(data), _CHUNK):
            part = values.data[start : start + _CHUNK]
            wide = part.astype(np.float64 if part.dtype.kind == "f" else np.int64)
            data[start : start + _CHUNK] = codes(wide - 1)
        return SparseVotes.from_csr(data, values, n_classes)
    out = np.empty(values.shape, dtype=dtype, order="F")
    values = values.view(np.uint8) if values.dtype == bool else values
    if values.flags.f_contiguous:
        parts = [np.s_[:, j : j + 1] for j in range(values.shape[1])]
    else:  # a column of it would read the memory of all
        rows = max(1, _CACHED // max(values.shape[1], 1))
        parts = [np.s_[i : i + rows] for i in range(0, len(values), rows)]
    for part in parts:
        out[part] = codes(values[part])
    return DenseVotes(out, n_classes)


def few(items) -> list:
    shown = [
        item.item() if isinstance(item, np.generic) else item
        for item in list(items)[:10]
    ]
    return shown if len(items) <= 10 else [*shown, "..."]
