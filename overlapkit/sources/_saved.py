"""Values, rows and parameters as numbers, texts and arrays: no code is in them."""

import hashlib
import re
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["fingerprints", "pack", "pack_rows", "unpack", "unpack_rows"]


def pack(name, value, state, arrays) -> None:
    """Enter a number, an array or None; an array of objects becomes a list."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        arrays[name], state[name] = value, {"array": name}
    elif isinstance(value, np.ndarray):
        state[name] = {"list": [_plain(v) for v in value.tolist()]}
    else:
        state[name] = _plain(value)


def unpack(name, state, arrays) -> Any:
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


def pack_rows(X) -> tuple[dict, dict]:
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


def unpack_rows(layout, arrays) -> Any:
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


def fingerprints(params) -> dict:
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
