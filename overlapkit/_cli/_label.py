"""overlapkit label: votes of labelling functions -> a weak label for each row."""

import numpy as np
import pandas as pd

from overlapkit._cli._console import DataError
from overlapkit._cli._run import Run
from overlapkit._cli._tables import (
    check_out,
    columns_like,
    known_labels_of,
    label_model,
    read_table,
    votes_of,
    votes_with_classes,
    write_table,
)
from overlapkit.label_models import vote_summary
from overlapkit.weak import WeakLabeler

__all__ = ["run"]


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
    check_out(out, [args.table])
    job = Run(
        console,
        "label",
        inputs={"table": [args.table]},
        params={
            "votes": args.votes,
            "classes": args.classes,
            "id": args.id,
            "label": args.label,
            "label_model": args.label_model,
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
        console.progress("reading the votes")
        table, ids = read_table(args.table, args.id)
        y = marker = None
        if args.label is not None:
            y, marker = known_labels_of(table, args.label, args.table)
            table = table.drop(columns=args.label)
        names = columns_like(table, args.votes or ["*"], args.table, "--votes")
        votes, classes = votes_of(table, names, args.table)
        votes, classes = votes_with_classes(
            votes, classes, args.classes, y, marker, args.table
        )
        console.progress("fitting the label model")
        model = label_model(
            args.label_model,
            classes=classes,
            missing_label=marker,
            random_state=args.random_state,
        )
        labeler = WeakLabeler(
            model,
            classes=classes,
            missing_label=marker,
            random_state=args.random_state,
        )
        rows, known = labeler.fit_label(votes, y)
        console.progress("summing up the votes")
        summary = vote_summary(votes, y, label_model=model)
        job.write(out, lambda path: write_table(_result(rows, ids), path))
        job.finish(_text(args, rows, known, summary))


def _result(rows, ids) -> pd.DataFrame:
    """Table of ids, labels, confidences and probabilities; empty without a vote."""
    covered = rows.covered
    labels = pd.Series(rows.labels).where(covered)
    if rows.classes.dtype.kind in "iu":
        labels = labels.astype("Int64")
    columns = {
        "id": ids.to_numpy(),
        "weak_label": labels,
        "confidence": np.where(covered, rows.confidence(), np.nan),
    }
    for name, column in zip(rows.classes.tolist(), rows.proba.T):
        columns[f"proba_{name}"] = np.where(covered, column, np.nan)
    return pd.DataFrame(columns)


def _text(args, rows, known, summary) -> str:
    """What the command prints."""
    if not rows.covered.any():
        raise DataError(f"{args.table}: no row has a vote")
    shown = pd.DataFrame(
        {
            "votes for": [", ".join(map(str, p)) for p in summary["polarity"]],
            "coverage": summary["coverage"].map("{:.1%}".format),
            "conflicts": summary["conflicts"].map("{:.1%}".format),
            "accuracy (estimated)": summary["learnt_accuracy"].map(_percent),
        },
        index=summary.index.rename(None),
    )
    if summary["n_labelled"].any():
        judged = summary["n_labelled"].astype(str)
        shown["accuracy (known labels)"] = [
            f"{_percent(value)} of {n}" if int(n) else ""
            for value, n in zip(summary["empirical_accuracy"], judged)
        ]
    shown["note"] = summary["note"]
    lines = [shown.to_string(), ""]
    covered = rows.covered
    labels = rows.labels[covered]
    shares = ", ".join(
        f"{name} {np.sum(labels == name)}" for name in rows.classes.tolist()
    )
    without = f", {np.sum(~covered)} without a vote" if not covered.all() else ""
    lines.append(
        f"{len(rows)} rows: {covered.sum()} with a weak label ({shares}){without}"
    )
    judged = covered[known.known]
    if judged.any():
        right = rows.labels[known.known][judged] == known.labels[judged]
        lines.append(
            f"{right.sum()} of {judged.sum()} weak labels are right where the label is "
            f"known ({right.mean():.1%}; labels of rows that the model has not learnt "
            "from)"
        )
    lines.append(f"written: {args.out}")
    return "\n".join(lines)


def _percent(value) -> str:
    return "" if np.isnan(value) else f"{value:.1%}"
