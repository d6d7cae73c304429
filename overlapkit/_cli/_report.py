"""overlapkit report: a table or views, weak and known labels -> do they help."""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from overlapkit._cli._console import DataError, UsageError
from overlapkit._cli._features import FEW_VALUES, features_of, make_encoder
from overlapkit._cli._run import Run
from overlapkit._cli._tables import (
    classes_of_columns,
    columns_like,
    columns_of_labels,
    known_labels_of,
    label_model,
    names_in,
    read_table,
    votes_of,
    votes_with_classes,
    write_table,
)
from overlapkit._cli._views import (
    check_finite_rows,
    labels_in,
    matched,
    open_strong,
    open_weak,
    probabilities_in,
    shared_id,
)
from overlapkit.datasets import FileRows, stack_views
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.model_selection._fitting import Fit
from overlapkit.model_selection._students import run_repeats
from overlapkit.model_selection._weak_to_strong_report import make_report
from overlapkit.scorers._overlap_detector import OverlapDetector
from overlapkit.students._weak_to_strong import WeakToStrongClassifier
from overlapkit.weak._confidence import given_probabilities
from overlapkit.weak._model import default_linear_model

__all__ = ["run"]

_FILES = ("table", "strong", "ids", "weak_proba", "weak", "labels")
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
    _check_usage(args)
    out = args.out
    page, summary_file, rows_file = (
        out / name for name in ("report.html", "summary.csv", "rows.csv")
    )
    files = {name: path for name in _FILES if (path := getattr(args, name)) is not None}
    job = Run(
        console,
        "report",
        inputs={name: [path] for name, path in files.items()},
        params={
            "strong_columns": args.strong_columns,
            "label": args.label,
            "votes": args.votes,
            "classes": args.classes,
            "id": args.id,
            "leave_out": args.leave_out,
            "label_model": args.label_model,
            "strong_model": args.strong_model,
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
        console.progress("opening the files")
        X, ids, y, marker, students, seen = _prepared(args, console)
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
        if ids is not None:
            rows["id"] = ids
        known = y.astype(object)
        known[y == marker] = None
        rows.insert(1, "label", known)
        if "corrected_label" in rows:  # such a student has no scores and no regions
            rows = rows.drop(columns=["score", "region"])
        report = replace(report, design=f"{report.design} {seen}", rows=rows)
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


def _check_usage(args) -> None:
    """Refuse options that do not go together; fill in defaults that depend on others.

    Raises
    ------
    UsageError
        If a file is lacking, or an option would have no effect.
    """
    given = {name for name in (*_FILES, "votes") if getattr(args, name) is not None}
    if args.table is None:
        for option, what in (
            ("strong", "has the features"),
            ("weak_proba", "has the columns of --votes"),
            ("labels", "has the known labels"),
        ):
            if option not in given and not (
                option == "weak_proba" and args.votes is None
            ):
                raise UsageError(
                    f"which table {what}? Give TABLE before the options, or "
                    f"--{option.replace('_', '-')} FILE"
                )
    elif {"strong", "labels"} <= given and args.votes is None:
        raise UsageError(f"nothing would be read of {args.table}: leave it out")
    for option, value, needed, has in (
        ("--strong-columns", args.strong_columns, "--strong", "strong" in given),
        ("--ids", args.ids, "--strong", "strong" in given),
        ("--leave-out", args.leave_out, "features of a TABLE", "strong" not in given),
        ("--label-model", args.label_model, "--votes", "votes" in given),
        ("--classes", args.classes, "--votes or --weak-proba", "weak" not in given),
    ):
        if value and not has:
            raise UsageError(f"{option} is for {needed}: leave it out")
    if args.table is None or len(given & set(_FILES)) > 1:
        files = [getattr(args, option) for option in _FILES if option in given]
        args.id = shared_id(args.id, files)
    if args.votes is not None:
        args.label_model = args.label_model or "label-model"
    if args.strong_model is None:
        args.strong_model = "lightgbm" if args.strong is None else "logistic"


def _prepared(args, console) -> tuple[Any, Any, np.ndarray, Any, dict, str]:
    """Rows, ids, labels, the marker of unknown ones, students, and what they see."""
    strong = None
    if args.strong is not None:
        strong = open_strong(args, console)
        check_finite_rows(strong)
    table: Any = None if args.table is None else _table_of(args, strong)
    rows: Any = table if strong is None else strong
    if args.labels is None:
        y, marker = known_labels_of(table.values, args.label, args.table)
    else:
        y, marker = labels_in(args, rows)
    _check_known(y[y != marker], args)
    weak, weak_model, classes = _weak_of(args, console, table, rows, y, marker)
    if not (y == marker).any():
        console.say(
            "note",
            "every label is known, so there is nothing to correct: rows are selected "
            "by overlap, and random parts of the rows are held out to test on",
        )
        marker = None
    if strong is None:
        X, encoder, seen = _features_of(args, console, table, weak)
        views = slice(weak.shape[1], None), slice(0, weak.shape[1])
    else:
        values = weak.to_numpy() if isinstance(weak, pd.DataFrame) else weak
        X, *views = stack_views(strong=strong, weak=FileRows(values, None, "weak"))
        n_columns, encoder = strong.values.shape[1], None
        seen = f"{n_columns} columns of embeddings or other numbers, as they are"
    students: dict[str, Any] = {}
    for name in _selectors(args.selector, marker):
        student = WeakToStrongClassifier(
            _strong_model(args.strong_model),
            weak_estimator=weak_model,
            strong_columns=views[0],
            weak_columns=views[1],
            classes=classes,
            selector="auto" if name == "auto" else OverlapDetector(),
            missing_label=marker,
        )
        steps = [("encode", encoder), ("student", student)]
        students[name] = student if encoder is None else Pipeline(steps)
    model = "LightGBM" if args.strong_model == "lightgbm" else "logistic regression"
    seen = f"The strong model ({model}) learns from {seen}."
    return X, rows.ids, y, marker, students, seen


def _table_of(args, strong) -> FileRows:
    """The table, in the order of the strong view if that is a file of its own."""
    others = (args.strong, args.weak_proba, args.weak, args.labels)
    alone = all(path is None for path in others)
    named = args.id if alone or args.id in (names_in(args.table) or []) else None
    table, ids = read_table(args.table, named)
    rows = FileRows(table, None if named is None else ids.to_numpy(), str(args.table))
    if strong is None:
        return rows
    rows = matched(rows, strong, named)
    return replace(rows, values=rows.values.reset_index(drop=True))


def _weak_of(args, console, table, rows, y, marker) -> tuple[Any, Any, Any]:
    """What the weak model reads of each row, the weak model, and its classes."""
    if args.weak is not None:
        weak = open_weak(args, console, rows)
        check_finite_rows(weak)
        return weak.values, None, None
    if args.votes is not None:
        there = [name for name in table.values if name != args.label]
        names = columns_like(there, args.votes, args.table, "--votes")
        votes, found = votes_of(table.values, names, args.table)
        votes, classes = votes_with_classes(
            votes, found, args.classes, y, marker, args.table
        )
        return votes, label_model(args.label_model, classes=classes), classes
    proba, named = probabilities_in(args, rows)
    classes = classes_of_columns(
        proba.shape[1], named, args.classes, y, marker, args.weak_proba
    )
    given_probabilities(proba, name=str(args.weak_proba))  # whose errors name the file
    return proba, "precomputed", classes


def _features_of(args, console, table, weak) -> tuple[pd.DataFrame, Any, str]:
    """Rows of a table with what the weak model reads, their encoder, what it does."""
    others = table.values
    if table.ids is not None:
        others = others.set_axis(pd.Index(table.ids, name="id"))
    if args.label in others:
        others = others.drop(columns=args.label)
    if args.votes is not None:
        others = others.drop(columns=list(weak))
    if args.leave_out:
        others = others.drop(
            columns=columns_like(others, args.leave_out, args.table, "--leave-out")
        )
    labels = columns_of_labels(others, args.label)
    features, kinds, left_out = features_of(others.drop(columns=labels))
    left_out += [(name, "it holds weak labels") for name in labels]
    if not any(kinds.values()):
        raise DataError(
            f"{args.table}: no column is left for features beside the id, the label "
            "and the votes; the strong model learns from those"
        )
    for name, why in left_out:
        console.say("note", f"column {name!r} is left out: {why}")
    if not isinstance(weak, pd.DataFrame):
        # names that no column of a table has
        weak = pd.DataFrame(np.asarray(weak)).add_prefix("weak view, column ")
    X = features.copy()
    X[list(weak)] = weak.to_numpy()
    return X, make_encoder(list(weak), kinds), _encoding_text(kinds, left_out)


def _check_known(known, args) -> None:
    path = args.table if args.labels is None else args.labels
    has_names = names_in(path) is not None
    where = f"{path}, column {args.label!r}" if has_names else str(path)
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


def _strong_model(name) -> Any:
    """Classifier of the option --strong-model; None: the default of students."""
    return default_linear_model(None) if name == "logistic" else None


def _encoding_text(kinds, left_out) -> str:
    """What the strong model sees, in the middle of a sentence."""
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
    return f"{', '.join(parts)}{left}"


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
