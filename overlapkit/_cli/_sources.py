"""overlapkit sources: batches of several sources -> the source to query next."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier

from overlapkit._cli._console import DataError
from overlapkit._cli._features import TableEncoder
from overlapkit._cli._run import digest_of, write_text
from overlapkit._cli._tables import (
    columns_like,
    columns_of_labels,
    label_model,
    read_table,
    votes_of,
    votes_with_classes,
)
from overlapkit.datasets._checked_files import kind_of
from overlapkit.scorers._overlap_detector import OverlapDetector
from overlapkit.sources._selector import UCBSourceSelector

__all__ = ["run"]

_KINDS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".pq")
_ENTRY = ("source", "file", "sha256")  # of a batch
_VERSION = 1  # of the layout of the state file


def run(args, console) -> None:
    """Run the command.

    Parameters
    ----------
    args : Namespace
        The arguments.
    console : Console
        Where results and messages go.
    """
    state = _read_state(args)
    found = _batches_in(args.batches)
    names = args.sources or state["sources"] or sorted({name for name, _ in found})
    if len(names) < 2:
        raise DataError(
            f"{args.batches} has {len(names)} folder of a source: name all sources by "
            "--sources, or make a folder for each"
        )
    strange = sorted({name for name, _ in found} - set(names))
    if strange:
        raise DataError(
            f"{args.batches} has folders that are none of the --sources: {strange[:5]}"
        )
    params = _params(args, names)
    if state["batches"] and state["parameters"] != params:
        changed = sorted(
            name for name in params if params[name] != state["parameters"].get(name)
        )
        raise DataError(
            f"{args.state} was made with other {', '.join(changed)} "
            f"({', '.join(str(state['parameters'].get(name)) for name in changed)}): "
            "give the same, or another --state"
        )
    taken = _check_taken(state, args)
    selector = _selector(args, names)
    replay, order = list(state["batches"]), len(state["batches"])
    new = [(name, path) for name, path in found if (name, path.name) not in taken]
    for number, entry in enumerate(replay):
        console.progress("reading earlier batches", number, order)
        path = args.batches / entry["source"] / entry["file"]
        with warnings.catch_warnings():  # were printed when the batch was new
            warnings.simplefilter("ignore")
            _take(selector, args, entry["source"], path)
    while new:
        # the batch that was asked for comes first, then the names of files decide
        asked = [pair for pair in new if pair[0] == str(selector.next_source_)]
        name, path = (asked or new)[0]
        new.remove((name, path))
        if selector.next_source_ is None:
            raise DataError(
                f"all {args.rounds} rounds were played before {path}: raise --rounds "
                "for a new --state, or remove the file"
            )
        console.progress(f"taking {path}")
        fitted = getattr(selector, "detector_", None)
        _take(selector, args, name, path)
        if fitted is None and selector.detector_ is not None:
            for column, why in selector.detector_.representation_.left_out_:
                console.say("note", f"column {column!r} is left out: {why}")
        replay.append({"source": name, "file": path.name, "sha256": digest_of(path)})
        state |= {"sources": names, "parameters": params, "batches": replay}
        write_text(args.state, json.dumps(state, indent=1) + "\n")
    console.result(_text(selector, names))


def _params(args, names) -> dict[str, Any]:
    return {
        "sources": names,
        "votes": args.votes,
        "classes": args.classes,
        "label": args.label,
        "label_model": args.label_model,
        "leave_out": args.leave_out,
        "rounds": args.rounds,
        "reference_rounds": args.reference_rounds,
        "random_state": args.random_state,
    }


def _read_state(args) -> dict[str, Any]:
    if not args.state.exists():
        return {"overlapkit_sources": _VERSION, "sources": None, "batches": []}
    remedy = "give another --state, or remove it to begin anew"
    try:
        state = json.loads(args.state.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{args.state} is no state file ({error}): {remedy}") from error
    if not isinstance(state, dict) or state.get("overlapkit_sources") != _VERSION:
        raise DataError(f"{args.state} is no state file of this version: {remedy}")
    if not _is_whole(state):
        raise DataError(f"{args.state} was changed, or is not complete: {remedy}")
    return state


def _is_whole(state) -> bool:
    """Whether a state has all that :func:`run` writes."""
    batches, names = state.get("batches"), state.get("sources")
    if not isinstance(batches, list):
        return False
    if not batches:
        return names is None
    return (
        isinstance(state.get("parameters"), dict)
        and isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and all(
            isinstance(entry, dict)
            and all(isinstance(entry.get(key), str) for key in _ENTRY)
            # a name and no path, which might lead out of the folder of batches
            and all(Path(entry[key]).name == entry[key] for key in _ENTRY[:2])
            for entry in batches
        )
    )


def _batches_in(folder: Path) -> list[tuple[str, Path]]:
    """Names of sources and files of batches, by their names."""
    if not folder.is_dir():
        raise DataError(f"--batches {folder} is no folder")
    return [
        (source.name, path)
        for source in sorted(folder.iterdir())
        if source.is_dir()
        for path in sorted(source.iterdir())
        if kind_of(path) in _KINDS and not path.name.startswith(".")
    ]


def _check_taken(state, args) -> set[tuple[str, str]]:
    """Batches of the state file; refuse it where one is gone or was changed."""
    for entry in state["batches"]:
        path = args.batches / entry["source"] / entry["file"]
        if not path.is_file():
            raise DataError(
                f"{path} is recorded in {args.state} and does not exist: restore it, "
                "or begin anew with another --state"
            )
        if digest_of(path) != entry["sha256"]:
            raise DataError(
                f"{path} was changed after {args.state} recorded it: restore it, save "
                "new rows as a new file, or begin anew with another --state"
            )
    return {(entry["source"], entry["file"]) for entry in state["batches"]}


def _selector(args, names) -> UCBSourceSelector:
    detector = OverlapDetector(
        label_model(args.label_model, classes=args.classes),
        weak_columns=_is_vote,
        strong_columns=_is_feature,
        representation=TableEncoder(args.random_state),
        classes=args.classes,
    )
    return UCBSourceSelector(
        DummyClassifier(),  # no student is trained here
        detector=detector,
        n_rounds=args.rounds,
        n_reference_rounds=args.reference_rounds,
        source_names=names,
        train_every=None,
        random_state=args.random_state,
    )


_VOTE = "vote__"


def _is_vote(frame):
    return [name for name in frame.columns if name.startswith(_VOTE)]


def _is_feature(frame):
    return [name for name in frame.columns if not name.startswith(_VOTE)]


def _take(selector, args, name, path) -> None:
    """Hand a batch to the selector."""
    try:
        selector.partial_fit(_frame(args, path), sources=name)
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}") from error


def _frame(args, path) -> pd.DataFrame:
    """Features of a batch, and votes as numbers."""
    table, _ = read_table(path)
    names = columns_like(table, args.votes, path, "--votes")
    votes, found = votes_of(table, names, path)
    if found is not None and args.classes is None:
        raise DataError(
            f"{path}: votes are names ({found[:5]}): name all classes by --classes, "
            "since a batch may lack one"
        )
    votes, _ = votes_with_classes(votes, found, args.classes, None, None, path)
    drop = [*names, *columns_of_labels(table, args.label)]
    drop += columns_like(table, args.leave_out, path, "--leave-out")
    features = table.drop(columns=list(dict.fromkeys(drop)))
    return pd.concat([features, votes.add_prefix(_VOTE)], axis=1)


def _text(selector, names) -> str:
    """What the command prints: the sources so far, and the next one."""
    lines = []
    batches = _history(selector)
    if batches is not None:
        last = batches.groupby("source").last()
        table = pd.DataFrame(
            {
                "batches": batches["source"].value_counts(),
                "rows": batches.groupby("source")["rows"].sum(),
                "overlap": [
                    "" if np.isnan(value) else f"{value:.1%} ({low:.1%} to {high:.1%})"
                    for value, low, high in zip(
                        last["density"], last["density_low"], last["density_high"]
                    )
                ],
            },
            index=last.index,
        )
        table = table.reindex(names).rename_axis(None)
        table[["batches", "rows"]] = table[["batches", "rows"]].fillna(0).astype(int)
        lines.append(table.fillna("").to_string())
    following = selector.next_source_
    lines.append(
        "(no source: all rounds were played)" if following is None else "next:"
    )
    if following is not None:
        lines.append(str(following))
    return "\n".join(lines)


def _history(selector) -> pd.DataFrame | None:
    try:
        return selector.history_
    except AttributeError:  # before the first batch
        return None
