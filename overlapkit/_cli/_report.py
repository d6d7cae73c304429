"""overlapkit report: a table, votes and known labels -> do they help."""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from overlapkit._cli._console import DataError
from overlapkit._cli._features import FEW_VALUES, features_of, make_encoder
from overlapkit._cli._run import Run
from overlapkit._cli._tables import (
    columns_like,
    known_labels_of,
    label_model,
    read_table,
    votes_of,
    votes_with_classes,
    write_table,
)
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.model_selection._fitting import Fit
from overlapkit.model_selection._students import run_repeats
from overlapkit.model_selection._weak_to_strong_report import make_report
from overlapkit.scorers._overlap_detector import OverlapDetector
from overlapkit.students._weak_to_strong import WeakToStrongClassifier

__all__ = ["run"]

_TEST_SIZE = 0.25
_FEWEST = 2  # known labels of a class: one is learnt from while the other is tested on


def run(args, console) -> None:
    """Run the command.

    Parameters
    ----------
    args : Namespace
        The arguments.
    console : Console
        Where results and messages go.
    """
    out = args.out
    page, summary_file, rows_file = (
        out / name for name in ("report.html", "summary.csv", "rows.csv")
    )
    job = Run(
        console,
        "report",
        inputs={"table": [args.table]},
        params={
            "label": args.label,
            "votes": args.votes,
            "classes": args.classes,
            "id": args.id,
            "leave_out": args.leave_out,
            "label_model": args.label_model,
            "selector": args.selector,
            "metric": args.metric,
            "repeats": args.repeats,
            "random_state": args.random_state,
        },
        outputs=[page, summary_file, rows_file],
        record=out / "run.json",
        work=out / ".overlapkit",
        force=args.force,
    )
    if job.is_finished():
        return
    with job.working():
        console.progress("reading the table")
        X, y, marker, students, encoding = _prepared(args, console)
        report = make_report(
            students,
            X,
            y,
            X_test=None,
            y_test=None,
            y_true=None,
            metric=args.metric.replace("-", "_"),
            anchors=None,
            n_repeats=args.repeats,
            test_size=_TEST_SIZE,
            confidence_level=0.95,
            n_jobs=args.jobs,
            random_state=args.random_state,
            run=_keeping(job, console),
        )
        rows = report.rows.copy()
        known = y.astype(object)
        known[y == marker] = None
        rows.insert(1, "label", known)
        if "corrected_label" in rows:  # such a student has no scores and no regions
            rows = rows.drop(columns=["score", "region"])
        report = replace(report, design=f"{report.design} {encoding}", rows=rows)
        job.write(page, report.to_html)
        job.write(
            summary_file, lambda path: write_table(report.summary.reset_index(), path)
        )
        job.write(rows_file, lambda path: write_table(rows, path))
        n_selected = int(rows["selected"].sum())
        job.finish(
            f"{report.verdict}\n"
            f"{n_selected} of {len(rows)} rows selected\n"
            f"written: {page}, {summary_file}, {rows_file}"
        )


def _prepared(args, console) -> tuple[Any, np.ndarray, Any, dict, str]:
    """Rows, labels, the marker of unknown ones, students, and how rows are encoded."""
    table, ids = read_table(args.table, args.id)
    y, marker = known_labels_of(table, args.label, args.table)
    _check_known(y[y != marker], args)
    table = table.drop(columns=args.label).set_axis(ids)
    names = columns_like(table, args.votes, args.table, "--votes")
    votes, classes = votes_of(table, names, args.table)
    votes, classes = votes_with_classes(
        votes, classes, args.classes, y, marker, args.table
    )
    others = table.drop(columns=names)
    if args.leave_out:
        others = others.drop(
            columns=columns_like(others, args.leave_out, args.table, "--leave-out")
        )
    features, kinds, left_out = features_of(others)
    if not any(kinds.values()):
        raise DataError(
            f"{args.table}: no column is left for features beside the id, the label "
            "and the votes; the strong model learns from those"
        )
    for name, why in left_out:
        console.say("note", f"column {name!r} is left out: {why}")
    if not (y == marker).any():
        console.say(
            "note",
            "every label is known, so there is nothing to correct: rows are selected "
            "by overlap, and random parts of the rows are held out to test on",
        )
        marker = None
    encoder = make_encoder(names, kinds)
    students = {
        name: Pipeline(
            [
                ("encode", encoder),
                ("student", _student(args, name, classes, marker, len(names))),
            ]
        )
        for name in _selectors(args.selector, marker)
    }
    X = features.copy()
    X[names] = votes
    return X, y, marker, students, _encoding_text(kinds, left_out)


def _check_known(known, args) -> None:
    where = f"{args.table}, column {args.label!r}"
    values, counts = np.unique(known.tolist(), return_counts=True)
    if len(values) < 2:
        raise DataError(
            f"{where}: all {len(known)} known labels are {values[0].item()!r}: label "
            "rows of another class, too"
        )
    if counts.min() < _FEWEST:
        rare = values[counts.argmin()].item()
        raise DataError(
            f"{where}: only {counts.min()} row has the label {rare!r}: label "
            f"{_FEWEST} or more of every class, or correct it"
        )


def _selectors(selector, marker) -> list[str]:
    """Names of the students, the one of the verdict first."""
    if marker is None:
        return ["overlap"]
    return ["auto", "overlap"] if selector == "both" else [selector]


def _student(args, name, classes, marker, n_votes) -> WeakToStrongClassifier:
    return WeakToStrongClassifier(
        weak_estimator=label_model(args.label_model, classes=classes),
        strong_columns=slice(n_votes, None),
        weak_columns=slice(0, n_votes),
        classes=classes,
        selector="auto" if name == "auto" else OverlapDetector(),
        missing_label=marker,
    )


def _encoding_text(kinds, left_out) -> str:
    """One sentence on what the strong model saw."""
    parts = [
        f"{len(kinds[kind])} {text}"
        for kind, text in (
            ("numbers", "columns of numbers (median where missing, standardised)"),
            (
                "categories",
                f"of at most {FEW_VALUES} different strings (one column each)",
            ),
            ("texts", "of other strings (hashed character n-grams, reduced)"),
        )
        if kinds[kind]
    ]
    left = f"; left out: {', '.join(name for name, _ in left_out)}" if left_out else ""
    return f"The strong model learns from {', '.join(parts)}{left}."


def _keeping(job, console):
    """Something that computes splits and keeps each as soon as it is finished."""

    def run_splits(one_split, shared, n_splits, n_jobs):
        done = [job.kept(_name(k), _load_fits) for k in range(n_splits)]
        left = [k for k, fits in enumerate(done) if fits is None]
        step = "training and testing models, in folds"
        for start in range(0, len(left), n_jobs):
            part = left[start : start + n_jobs]
            console.progress(step, n_splits - len(left) + start, n_splits)
            shared_part = one_split, part, *shared
            computed = run_repeats(_quiet_split, shared_part, len(part), n_jobs)
            for number, fits in zip(part, computed):
                job.keep(_name(number), fits, _save_fits)
                done[number] = fits
        console.progress("fitting on all rows")
        return done

    return run_splits


def _quiet_split(one_split, part, *shared_and_position):
    *shared, position = shared_and_position
    # the fit on all rows warns of the same, and only once
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapkitWarning)
        return one_split(*shared, part[position])


def _name(number) -> str:
    return f"fold-{number:04d}.npz"


def _save_fits(path: Path, fits) -> None:
    about = [[fit.model, fit.n_train, fit.label_purity] for fit in fits]
    with path.open("wb") as file:  # a name without .npz would get one
        np.savez(
            file,
            about=np.array(json.dumps(about)),
            predicted=np.array([fit.predicted for fit in fits], dtype=bool),
        )


def _load_fits(path: Path) -> list[Fit]:
    with np.load(path, allow_pickle=False) as kept:
        about = json.loads(str(kept["about"]))
        return [
            Fit(model, n_train, purity, predicted)
            for (model, n_train, purity), predicted in zip(about, kept["predicted"])
        ]
