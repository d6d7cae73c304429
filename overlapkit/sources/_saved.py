"""A run as numbers, texts and arrays, for files that hold no code."""

import hashlib
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from overlapkit._utils.sklearn_compat import _num_samples
from overlapkit.sources._batches import Batches
from overlapkit.sources._reading import Reader
from overlapkit.sources._run import SourceRun

__all__ = ["FORMAT", "VERSION", "loaded_state", "saved_state"]

FORMAT, VERSION = "overlapkit.UCBSourceSelector", 1
_EXTRA = ("pool_size", "trained_batches", "classes", "collected_indices")
# what reading a state raises from which something was left out or changed
_DAMAGED = (KeyError, IndexError, TypeError, AttributeError, OverflowError)


def saved_state(run, batches, reader, *, seed, params, **extra) -> dict:
    """Everything a run continues from, but for its parameters.

    Parameters
    ----------
    run : SourceRun
        The run.
    batches : Batches
        Its rows.
    reader : Reader
        Says after which batch the detector was fitted.
    seed : int
        Seed of detector and student.
    params : dict
        Parameters that a run cannot change.
    **extra : dict
        Numbers, and arrays or None, to be kept as they are.

    Returns
    -------
    dict
        JSON-able, but for the values of ``"arrays"``.
    """
    lines, arrays = run.to_dict()
    state = {
        "format": FORMAT,
        "version": VERSION,
        "seed": seed,
        "params": _fingerprints(params),
        "fitted_batches": None if reader.detector is None else reader.n_batches,
        "run": lines,
        "extra": {},
    }
    if len(batches):
        state["X"], values = _pack_rows(batches.X)
        arrays.update(values)
        _pack("y", batches.y, state, arrays)
    for name, value in extra.items():
        _pack(name, value, state["extra"], arrays)
    return {**state, "arrays": arrays}


def loaded_state(state, *, rules, reward, params) -> Bunch:
    """Run, rows and numbers of a saved state, checked against the parameters.

    Parameters
    ----------
    state : dict
        As :func:`saved_state` gives it.
    rules : Rules
        Parameters of the next decision.
    reward : Reward
        The reward.
    params : dict
        Parameters that a run cannot change.

    Returns
    -------
    Bunch
        With ``run``, ``batches``, ``reader`` (without a detector), ``seed``,
        ``fitted_batches`` and the extra values.
    """
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(
            "This is no state of a UCBSourceSelector: expected the dict that its "
            "method to_dict returns."
        )
    if state.get("version") != VERSION:
        raise ValueError(
            f"The state has version {state.get('version')!r}, this version of "
            f"overlapkit reads version {VERSION}."
        )
    try:
        return _loaded(state, rules, reward, params)
    except _DAMAGED as error:
        raise ValueError(
            f"The state is damaged ({type(error).__name__}: {error}): expected the "
            "dict that to_dict returns, with nothing left out or changed."
        ) from error


def _loaded(state, rules, reward, params) -> Bunch:
    now, before = _fingerprints(params), state["params"]
    changed = sorted(k for k in {*now, *before} if now.get(k) != before.get(k))
    if changed:
        raise ValueError(
            f"{', '.join(changed)} differ from the parameters that the state was saved "
            "with, and its rounds depend on them. Use an estimator with the same "
            "parameters."
        )
    arrays = state["arrays"]
    empty = SourceRun([], replace(rules, source_names=None, prices=None), state["seed"])
    run = empty.with_state(state["run"], arrays, rules)
    batches = Batches()
    if "X" in state:
        X, y = _unpack_rows(state["X"], arrays), _unpack("y", state, arrays)
        if y is None:
            labels: list = [None] * run.t
        else:
            labels = np.split(y, np.cumsum(run.sizes)[:-1])
        counts = {sum(run.sizes), _num_samples(X), *([] if y is None else [len(y)])}
        if len(counts) > 1 or min(run.sizes, default=1) < 1:
            raise IndexError(
                f"batches of {run.sizes[:9]} rows in {sorted(counts)} rows"
            )
        batches = Batches([X], labels, run.sizes)
    extra = {name: _unpack(name, state["extra"], arrays) for name in _EXTRA}
    for count in (state["fitted_batches"], extra["trained_batches"]):
        if count is not None and not 0 <= int(count) <= len(batches):
            raise IndexError(f"{count} of {len(batches)} batches")
    return Bunch(
        run=run,
        batches=batches,
        reader=Reader(reward),
        seed=state["seed"],
        fitted_batches=state["fitted_batches"],
        **extra,
    )


def _pack(name, value, state, arrays) -> None:
    """Enter a number, an array or None; an array of objects becomes a list."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        arrays[name], state[name] = value, {"array": name}
    elif isinstance(value, np.ndarray):
        state[name] = {"list": [_plain(v) for v in value.tolist()]}
    else:
        state[name] = _plain(value)


def _unpack(name, state, arrays) -> Any:
    value = state[name]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.asarray(arrays[value["array"]])
    result = np.empty(len(value["list"]), dtype=object)
    result[:] = value["list"]
    return result


def _plain(value) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(
        f"{value!r} is a {type(value).__name__}, and the state holds numbers, texts "
        "and arrays only. Save the estimator with joblib instead."
    )


def _pack_rows(X) -> tuple[dict, dict]:
    """Rows as arrays, and what it takes to make them again."""
    if isinstance(X, np.ndarray):
        return {"kind": "array"}, {"X": X}
    if not isinstance(X, pd.DataFrame):
        raise ValueError(
            f"The batches are of {type(X).__name__}, and the state holds NumPy arrays "
            "and pandas dataframes. Save the estimator with joblib instead."
        )
    columns, arrays = [], {}
    for k in range(X.shape[1]):
        values, key = X.iloc[:, k], f"X{k}"
        column: dict = {"name": _plain(X.columns[k]), "dtype": str(values.dtype)}
        if isinstance(values.dtype, pd.CategoricalDtype):
            categories = values.cat.categories.to_numpy(dtype=object)
            column["categories"] = [_plain(v) for v in categories]
            column["ordered"] = bool(values.cat.ordered)
            arrays[key] = values.cat.codes.to_numpy()
        elif isinstance(values.dtype, np.dtype) and values.dtype.kind in "biufc":
            arrays[key] = values.to_numpy()
        else:
            column["list"] = [
                None if pd.isna(v) else _plain(v) for v in values.astype(object)
            ]
        columns.append(column)
    return {"kind": "dataframe", "columns": columns}, arrays


def _unpack_rows(layout, arrays) -> Any:
    if layout["kind"] == "array":
        return np.asarray(arrays["X"])
    series = []
    for k, column in enumerate(layout["columns"]):
        if "list" in column:
            values = pd.Series(column["list"], dtype=object).astype(column["dtype"])
        elif "categories" in column:
            values = pd.Series(
                pd.Categorical.from_codes(
                    arrays[f"X{k}"], column["categories"], ordered=column["ordered"]
                )
            )
        else:
            values = pd.Series(np.asarray(arrays[f"X{k}"]))
        series.append(values)
    frame = pd.concat(series, axis=1)
    frame.columns = [column["name"] for column in layout["columns"]]
    return frame


def _fingerprints(params) -> dict:
    """A text for each parameter that is equal where the parameter is."""
    return {name: _fingerprint(value) for name, value in sorted(params.items())}


def _fingerprint(value) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_fingerprint, value)) + ")"
    if hasattr(value, "get_params"):
        return type(value).__name__  # its parameters are in the dict themselves
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if isinstance(value, np.ndarray):
        content = value if value.dtype != object else np.array(list(map(str, value)))
        digest = hashlib.sha256(np.ascontiguousarray(content).tobytes()).hexdigest()
        return f"array {value.shape} {value.dtype} {digest[:16]}"
    # the address of a function is another one in every process
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
