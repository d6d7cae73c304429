"""overlapkit detect: a strong view and weak labels -> the region of each row."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from overlapkit._cli._console import DataError, UsageError
from overlapkit._cli._run import Run
from overlapkit._cli._tables import check_out, write_table
from overlapkit._cli._views import (
    labels_in,
    open_strong,
    open_weak,
    probabilities_in,
    shared_id,
)
from overlapkit._utils.progress import counting_blocks
from overlapkit.scorers._overlap_detector import OverlapDetector
from overlapkit.weak import WeakLabeler, WeakRows
from overlapkit.weak._confidence import given_probabilities

__all__ = ["run"]

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
    args.id = shared_id(args.id, [path for (path,) in files.values()])
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
        strong = open_strong(args, console)
        if args.weak_proba is not None:
            rows = _rows_of_proba(args, strong)
        else:
            console.progress("fitting the weak model, out of fold")
            rows = _rows_of_model(args, console, strong)
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


def _rows_of_proba(args, strong) -> WeakRows:
    """Weakly labelled rows from a file of class probabilities."""
    proba, classes = probabilities_in(args, strong)
    path = str(args.weak_proba)
    try:
        proba, covered = given_probabilities(proba, name=path)
        return WeakRows.from_proba(
            strong.values, proba, classes, covered=covered, seed=args.random_state
        )
    except ValueError as error:
        message = str(error)
        raise DataError(
            message if message.startswith(path) else f"{path}: {message}"
        ) from error


def _rows_of_model(args, console, strong) -> WeakRows:
    """Rows labelled by a weak model that learns the known labels out of fold."""
    weak = open_weak(args, console, strong).values
    y, marker = labels_in(args, strong)
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
