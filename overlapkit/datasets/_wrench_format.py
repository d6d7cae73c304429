"""The two forms that `load_wrench` reads, and what is checked of them."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from overlapkit.datasets._array_files import check_npz, check_text
from overlapkit.datasets._checked_files import DAMAGED, check_memory, file_size
from overlapkit.exceptions import WrenchFormatError

__all__ = ["MissingSplitError", "read_json", "read_npz"]

SPLITS = ("train", "valid", "test")


class MissingSplitError(WrenchFormatError, FileNotFoundError):
    """A file or an index array of a split is not there."""


def files_present(folder: Path) -> str:
    """Half a sentence for an error message."""
    return f"present: {sorted(file.name for file in folder.iterdir())}"


def _check_classes(values, n_classes, what, file, ids) -> np.ndarray:
    """Return integer classes -1 .. n_classes - 1 as they are, or say which is not.

    `what` names the values; one that is off is reported with its row.
    """
    if values.dtype.kind not in "iu":
        raise WrenchFormatError(
            f"{file}: {what} have dtype {values.dtype}, expected integers"
        )
    # a column index for votes, nothing for labels
    bad = np.argwhere((values < -1) | (values >= n_classes))
    if len(bad):
        row, *column = bad[0]
        where = f"row {ids[row]}" + (f", function {column[0]}" if column else "")
        raise WrenchFormatError(
            f"{file}, {where}: found {values[tuple(bad[0])]} in {what}, expected -1 "
            f"or a class 0 to {n_classes - 1}"
        )
    return values


def _check_finite(X, what, file, ids) -> np.ndarray:
    """Return finite features, half precision widened to float32."""
    if X.dtype.kind not in "iufb" or X.ndim != 2:
        raise WrenchFormatError(
            f"{file}: {what} has dtype {X.dtype} and shape {X.shape}, expected a "
            "numeric table"
        )
    if X.dtype == np.float16:
        X = X.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if len(bad):
        raise WrenchFormatError(
            f"{file}, row {ids[bad[0]]}: {what} has NaN or infinity (in {len(bad)} "
            "rows in all), expected finite numbers"
        )
    return X


def _check_not_empty(split, n_rows, file) -> bool:
    """False for a validation split without rows, an error for another one."""
    if n_rows == 0 and split != "valid":
        raise WrenchFormatError(
            f"{file}: the {split} split has no rows; only valid may be empty"
        )
    return n_rows > 0


def _default_lf_names(n_lfs) -> list[str]:
    return [f"lf{j}" for j in range(n_lfs)]


# --- npz ---------------------------------------------------------------------------


def _open_npz(file) -> dict[str, np.ndarray]:
    """All arrays of an npz, without pickle."""
    try:
        check_npz(file)
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        for name, array in arrays.items():
            check_text(array, f"{file}: {name}")
        return arrays
    # ValueError: a size that cannot be, pickled arrays, or no npz at all; EOFError: an
    # empty file; TypeError: a npy file, which is no archive
    except (ValueError, TypeError, *DAMAGED) as error:
        raise WrenchFormatError(
            f"{file}: expected an npz of plain arrays: {error}. Object arrays, which "
            "only pickle could read, are refused, as unpickling runs the code a file "
            "contains; save strings as np.array(list_of_str)"
        ) from error


def _read_indices(arrays, splits, n_rows, file, present) -> list[np.ndarray]:
    """Row numbers of each split, disjoint and in range."""
    names = [f"{split}_idx" for split in splits]
    missing = [name for name in names if name not in arrays]
    if missing:
        raise MissingSplitError(
            f"{file} has no {missing}; present: {present}; name the splits to "
            "read in splits"
        )
    owner = np.full(n_rows, -1)
    for number, name in enumerate(names):
        rows = arrays[name]
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise WrenchFormatError(
                f"{file}: {name} has dtype {rows.dtype} and shape {rows.shape}, "
                "expected a row of integers"
            )
        outside = rows[(rows < 0) | (rows >= n_rows)]
        if len(outside):
            raise WrenchFormatError(
                f"{file}: {name} holds {outside[0]}, expected row numbers 0 to "
                f"{n_rows - 1}"
            )
        taken = rows[owner[rows] >= 0]
        if len(taken):
            raise WrenchFormatError(
                f"{file}: row {taken[0]} is in {name} and in "
                f"{names[owner[taken[0]]]}, expected disjoint splits"
            )
        owner[rows] = number
        values, counts = np.unique(rows, return_counts=True)
        if (counts > 1).any():
            raise WrenchFormatError(
                f"{file}: row {values[counts.argmax()]} is {counts.max()} times in "
                f"{name}, expected once"
            )
    return [arrays[name].astype(np.int64) for name in names]


def read_npz(file: Path, splits: Sequence[str]) -> Bunch:
    """The npz form."""
    arrays = _open_npz(file)
    present = sorted(arrays)
    missing = [name for name in ("L", "y", "class_names") if name not in arrays]
    if missing:
        raise WrenchFormatError(f"{file} has no {missing}; present: {present}")
    votes, y = arrays.pop("L"), arrays.pop("y")
    if votes.ndim != 2 or votes.shape[1] == 0 or y.shape != votes.shape[:1]:
        raise WrenchFormatError(
            f"{file}: L has shape {votes.shape} and y {y.shape}, expected (n, m) and "
            "(n,)"
        )
    n_rows, n_lfs = votes.shape
    # names may be bytes; astype(str) decodes them
    class_names = arrays.pop("class_names").astype(str).ravel().tolist()
    if len(class_names) < 2 or len(set(class_names)) < len(class_names):
        raise WrenchFormatError(
            f"{file}: class_names are {class_names}, expected two different names at "
            "least"
        )
    lf_names = _default_lf_names(n_lfs)
    if "lf_names" in arrays:
        lf_names = arrays.pop("lf_names").astype(str).ravel().tolist()
    if len(lf_names) != n_lfs:
        raise WrenchFormatError(
            f"{file}: {len(lf_names)} lf_names for the {n_lfs} columns of L"
        )
    numbers = np.arange(n_rows)
    votes = _check_classes(votes, len(class_names), "L", file, numbers)
    votes = votes.astype(np.min_scalar_type(-len(class_names)))
    y = _check_classes(y, len(class_names), "y", file, numbers).astype(np.int64)
    views = {}
    for name in ("X_strong", "X_weak"):
        view = arrays.pop(name, None)
        if view is not None:
            if view.shape[:1] != (n_rows,):
                raise WrenchFormatError(
                    f"{file}: {name} has shape {view.shape} and L has {n_rows} rows"
                )
            view = _check_finite(view, name, file, numbers)
        views[name] = view
    indices = _read_indices(arrays, splits, n_rows, file, present)
    extra = {
        name: array
        for name, array in arrays.items()
        if array.shape[:1] == (n_rows,) and not name.endswith("_idx")
    }
    dataset = Bunch(**dict.fromkeys(SPLITS))
    for split, rows in zip(splits, indices):
        if _check_not_empty(split, len(rows), file):
            dataset[split] = Bunch(
                votes=votes[rows],
                y=y[rows],
                X=None if views["X_strong"] is None else views["X_strong"][rows],
                X_weak=None if views["X_weak"] is None else views["X_weak"][rows],
                texts=None,
                ids=rows,
                extra={name: array[rows] for name, array in extra.items()},
            )
    dataset.update(name=file.stem, class_names=class_names, lf_names=lf_names)
    return dataset


# --- JSON --------------------------------------------------------------------------


def _parse(file):
    def unique(pairs):
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise WrenchFormatError(
                f"{file}: {twice!r} stands {keys.count(twice)} times in one object; "
                "only the last would be read. Give every row its own id"
            )
        return dict(pairs)

    try:
        check_memory(file_size(file), f"{file}")
        content = json.loads(file.read_bytes(), object_pairs_hook=unique)
    except WrenchFormatError:
        raise
    # a pipe, a device or a folder; not JSON, or not UTF-8; nested too deep
    except (ValueError, RecursionError) as error:
        raise WrenchFormatError(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise WrenchFormatError(
            f"{file} holds a {type(content).__name__}, expected an object"
        )
    return content


def _collect(rows, key, file) -> list:
    """The values of one key of every row, in order."""
    values = []
    for row_id, row in rows.items():
        if not isinstance(row, dict) or key not in row:
            found = sorted(row) if isinstance(row, dict) else type(row).__name__
            raise WrenchFormatError(
                f'{file}, row {row_id}: found {found}, expected the key "{key}"'
            )
        values.append(row[key])
    return values


def _table(rows, what, file, ids) -> np.ndarray:
    """Array from a list of lists, which must have one length."""
    expected = None
    for row_id, row in zip(ids, rows):
        if not isinstance(row, list) or len(row) != (expected or len(row)) or not row:
            found = f"{len(row)} values" if isinstance(row, list) else repr(row)
            raise WrenchFormatError(
                f"{file}, row {row_id}: found {found} in {what}, expected a list of "
                f"{expected or 'at least one'}, as in the first row"
            )
        expected = len(row)
    try:
        array = np.array(rows)
    except ValueError:  # lists within some of the lists
        array = np.array(None)
    if array.ndim != 2 or array.dtype.kind not in "iuf":
        off = (
            (row_id, value)
            for row_id, row in zip(ids, rows)
            for value in row
            if type(value) not in (int, float)
        )
        row_id, value = next(off, (ids[0], rows[0]))
        raise WrenchFormatError(
            f"{file}, row {row_id}: found {value!r} in {what}, expected numbers"
        )
    return array


def read_json(folder: Path, splits: Sequence[str]) -> Bunch:
    """The WRENCH layout."""
    missing = [
        f"{name}.json"
        for name in ("label", *splits)
        if not (folder / f"{name}.json").exists()
    ]
    if missing:
        raise MissingSplitError(
            f"{folder} has no {missing}; {files_present(folder)}; name the "
            "splits to read in splits"
        )
    file = folder / "label.json"
    names = _parse(file)
    keys = [str(k) for k in range(len(names))]
    if len(names) < 2 or set(names) != set(keys):
        raise WrenchFormatError(
            f'{file}: found the classes {sorted(names)}, expected "0", "1", ... '
            "without a gap, two at least"
        )
    class_names = [str(names[key]) for key in keys]
    dataset = Bunch(**dict.fromkeys(SPLITS))
    n_lfs = {}
    for split in splits:
        file = folder / f"{split}.json"
        rows = _parse(file)
        if _check_not_empty(split, len(rows), file):
            dataset[split] = _json_split(rows, len(class_names), file)
            n_lfs[split] = dataset[split].votes.shape[1]
    if len(set(n_lfs.values())) > 1:
        raise WrenchFormatError(
            f"{folder}: the numbers of labelling functions are {n_lfs}, expected the "
            "same in all splits"
        )
    dataset.update(
        name=folder.resolve().name,
        class_names=class_names,
        lf_names=_default_lf_names(max(n_lfs.values(), default=0)),
    )
    return dataset


def _json_split(rows, n_classes, file) -> Bunch:
    """One split of the WRENCH layout."""
    ids = list(rows)
    labels = _collect(rows, "label", file)
    for row_id, label in zip(ids, labels):
        if type(label) is not int or not -1 <= label < n_classes:
            raise WrenchFormatError(
                f"{file}, row {row_id}: found {label!r} in label, expected -1 or a "
                f"class 0 to {n_classes - 1} of label.json"
            )
    votes = _table(_collect(rows, "weak_labels", file), "weak_labels", file, ids)
    votes = _check_classes(votes, n_classes, "weak_labels", file, ids)
    data = dict(zip(ids, _collect(rows, "data", file)))
    first = data[ids[0]]
    keys = list(first) if isinstance(first, dict) else []
    columns = {key: _collect(data, key, file) for key in keys}
    X = columns.pop("feature", None)
    if X is not None:
        X = _table(X, "feature", file, ids).astype(np.float64, copy=False)
        X = _check_finite(X, "feature", file, ids)
    return Bunch(
        votes=votes.astype(np.min_scalar_type(-n_classes)),
        y=np.array(labels, dtype=np.int64),
        X=X,
        X_weak=None,
        texts=columns.pop("text", None),
        ids=ids,
        extra=columns,
    )
