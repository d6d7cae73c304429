"""overlapkit detect: a strong view and weak labels -> the region of each row."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from overlapkit._cli._console import DataError, UsageError
from overlapkit._cli._run import Run
from overlapkit._cli._tables import (
    check_out,
    columns_like,
    known_labels_in,
    known_labels_of,
    names_in,
    write_table,
)
from overlapkit._utils.progress import counting_blocks
from overlapkit.datasets import FileRows, open_rows
from overlapkit.scorers._overlap_detector import OverlapDetector
from overlapkit.weak import WeakLabeler, WeakRows

__all__ = ["run"]

_PROBA = "proba_"
# more products than this take minutes, and landmarks take a part of them
_MANY_PRODUCTS = 10**10


def run(args, console) -> None:
    """Run the command.

    Parameters
    ----------
    args : Namespace
        The arguments.
    console : Console
        Where results and messages go.
    """
    if (args.weak is None) != (args.labels is None):
        raise UsageError("--weak and --labels belong together: give both or neither")
    files = {
        option: [path]
        for option in ("strong", "weak_proba", "weak", "labels", "ids")
        if (path := getattr(args, option)) is not None
    }
    out = args.out
    check_out(out, [path for (path,) in files.values()])
    job = Run(
        console,
        "detect",
        inputs=files,
        params={
            "strong_columns": args.strong_columns,
            "id": args.id,
            "label": args.label,
            "standardize": args.standardize,
            "metric": args.metric,
            "aggregation": args.aggregation,
            "max_landmarks": args.max_landmarks,
            "hard_threshold": args.hard_threshold,
            "overlap_threshold": args.overlap_threshold,
            "random_state": args.random_state,
            "suffix": out.suffix,
        },
        outputs=[out],
        record=out.with_name(f"{out.name}.run.json"),
        work=out.with_name(f".{out.name}.overlapkit"),
        force=args.force,
    )
    if job.is_finished():
        return
    with job.working():
        console.progress("opening the files")
        strong = _open_strong(args)
        if args.weak_proba is not None:
            rows = _rows_of_proba(args, strong)
        else:
            console.progress("fitting the weak model, out of fold")
            rows = _rows_of_model(args, strong)
        detector = OverlapDetector(
            representation=StandardScaler() if args.standardize else None,
            metric=args.metric,
            aggregation=args.aggregation,
            max_landmarks=args.max_landmarks,
            hard_threshold=_threshold(args.hard_threshold),
            overlap_threshold=_threshold(args.overlap_threshold),
            random_state=args.random_state,
        )
        step = f"comparing {len(rows)} rows with hard rows, in blocks"
        with counting_blocks(lambda done, all_: console.progress(step, done, all_)):
            detector.fit_rows(rows)
        _note_landmarks(args, console, detector, len(rows))
        regions = detector.region_names_[detector.labels_]
        ids = np.arange(len(rows)) if strong.ids is None else strong.ids
        table = pd.DataFrame(
            {
                "id": ids,
                "region": regions,
                "weak_confidence": detector.weak_confidence_,
                "overlap_score": detector.overlap_scores_,
            }
        )
        job.write(out, lambda path: write_table(table, path))
        job.finish(_text(detector, out))


def _open_strong(args) -> FileRows:
    """Strong view as a matrix, with ids where there are some."""
    names = names_in(args.strong)
    columns: Any = None
    if args.strong_columns is not None:
        if names is None:
            raise UsageError(f"--strong-columns: {args.strong} has no names of columns")
        columns = columns_like(
            names, args.strong_columns, args.strong, "--strong-columns"
        )
        if args.strong.suffix in (".npz", ".safetensors"):
            columns = columns[0]
    named = args.id if names is not None and args.id in names else None
    if args.ids is not None:
        if named is not None:
            raise UsageError(
                f"{args.strong} has ids of its own, in {args.id!r}: leave out --ids"
            )
        named = _ids_in(args.ids, args.id)
    rows = open_rows(args.strong, columns=columns, ids=named)
    return FileRows(rows.numbers(), rows.ids, rows.source)


def _ids_in(path: Path, name: str) -> np.ndarray:
    """Ids of a file that holds nothing else, or has a column of that name."""
    names = names_in(path)
    if names is None:
        return np.ravel(open_rows(path).values)
    if name not in names and len(names) > 1:
        raise DataError(
            f"{path} has no column {name!r}: name the column of the ids by --id; its "
            f"columns are {', '.join(names[:10])}"
        )
    column = name if name in names else names[0]
    return np.asarray(open_rows(path, ids=column, columns=[column]).ids)


def _open_aligned(path, args, strong, columns=None) -> FileRows:
    """Rows of another file, in the order of the strong view."""
    names = names_in(path)
    named = args.id if names is not None and args.id in names else None
    rows = open_rows(path, columns=columns, ids=named)
    if named is not None and strong.ids is None:
        raise DataError(
            f"{path} has ids (column {args.id!r}) and {args.strong} has none: give its "
            "ids by --ids"
        )
    return rows.align(strong)


def _rows_of_proba(args, strong) -> WeakRows:
    """Weakly labelled rows from a file of class probabilities."""
    path, columns = args.weak_proba, None
    names = names_in(path)
    if names is not None:
        columns = [name for name in names if name.startswith(_PROBA)] or None
    weak = _open_aligned(path, args, strong, columns)
    classes = None
    if columns is not None and isinstance(weak.values, pd.DataFrame):
        classes = [name.removeprefix(_PROBA) for name in columns]
        proba = weak.values.to_numpy(dtype=np.float64)
    elif isinstance(weak.values, pd.DataFrame):
        proba = weak.values.apply(pd.to_numeric).to_numpy(dtype=np.float64)
    else:
        proba = np.asarray(weak.numbers())
    if proba.shape[1] < 2:
        raise DataError(
            f"{path} has one column of probabilities: one for each class is needed, "
            "two for two classes"
        )
    covered = ~np.isnan(proba).all(axis=1)
    if not covered.any():
        raise DataError(f"{path}: all probabilities are empty")
    odd = np.flatnonzero(np.isnan(proba).any(axis=1) & covered)
    if len(odd):
        raise DataError(
            f"{path}: row {odd[0]} (from 0) has the probabilities of some classes "
            f"only, as {len(odd)} rows have: give all, or none for no weak label"
        )
    if not covered.all():
        proba = np.where(covered[:, None], proba, 1 / proba.shape[1])
    try:
        return WeakRows.from_proba(
            strong.values, proba, classes, covered=covered, seed=args.random_state
        )
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def _rows_of_model(args, strong) -> WeakRows:
    """Rows labelled by a weak model that learns the known labels out of fold."""
    weak = _open_aligned(args.weak, args, strong).numbers()
    names = names_in(args.labels)
    if names is None:
        rows = _open_aligned(args.labels, args, strong)
        y, marker = known_labels_in(pd.Series(np.ravel(rows.values)), str(args.labels))
    else:
        column = columns_like(names, [args.label], args.labels, "--label")
        rows = _open_aligned(args.labels, args, strong, column)
        y, marker = known_labels_of(rows.values, args.label, args.labels)
    known = np.unique(y[y != marker])
    if len(known) < 2:
        raise DataError(
            f"{args.labels}: all known labels are {known[0]!r}, and the weak model "
            "needs labels of two classes"
        )
    labeler = WeakLabeler(missing_label=marker, random_state=args.random_state)
    try:
        rows, _ = labeler.fit_label(weak, y)
    except ValueError as error:
        raise DataError(f"{args.weak}: {error}") from error
    return WeakRows.from_proba(strong.values, rows.proba, rows.classes, seed=rows.seed)


def _note_landmarks(args, console, detector, n_rows) -> None:
    n_hard = len(detector.reference_)
    if args.max_landmarks is None and n_rows * n_hard > _MANY_PRODUCTS:
        console.say(
            "note",
            f"{n_rows} rows were compared with {n_hard} hard rows; --max-landmarks "
            f"2000 takes about 1/{round(n_hard / 2000)} of the time",
        )


def _text(detector, out) -> str:
    """What the command prints."""
    names, codes = detector.region_names_, detector.labels_
    counts = np.bincount(codes, minlength=len(names))
    lines = [
        f"{name:<10}{count:>10}  {count / len(codes):>6.1%}"
        for name, count in zip(names, counts)
    ]
    lines += [
        f"hard: weak confidence below {detector.confidence_threshold_:.4g}",
        f"overlap: not hard, and overlap score above {detector.overlap_threshold_:.4g}",
        f"written: {out}",
    ]
    return "\n".join(lines)


def _threshold(given) -> Any:
    return "changepoint" if given is None else given
