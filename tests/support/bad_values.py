"""Bad values of arguments, and how a result for each is judged."""

import warnings

import numpy as np
import pandas as pd
import scipy.sparse as sp
import sklearn
from sklearn.utils._param_validation import make_constraint
from sklearn.utils.fixes import parse_version

from tests.support import valid_input
from tests.support.valid_input import DoesNotApply, outputs, same

MATRICES = {
    "X",
    "X_test",
    "strong",
    "weak",
    "reference",
    "proba",
    "L",
    "distances",
    "neighbors",
    "graph",
}
VECTORS = {
    "y",
    "y_test",
    "y_true",
    "y_pred",
    "y_weak",
    "weak_labels",
    "covered",
    "values",
    "labels",
    "regions",
    "densities",
    "choices",
    "successes",
    "samples",
    "rounds",
    "index",
    "gains",
    "known",
    "sources",
    "sample_weight",
    "regions_test",
    "scores",
    "prices",
    "available",
}
# vectors of a length of their own
FREE_LENGTH = {"known", "values", "choices", "densities", "gains"}
STRUCTURES = {
    "rows",
    "rule",
    "state",
    "history",
    "curve",
    "result",
    "summary",
    "runs",
    "batch",
    "reference_batch",
}


class Change:
    """A bad value made from a valid one; by default it has to be refused."""

    def __init__(self, name, make, *, clean=None, judge=None):
        self.name, self.make, self.clean, self.check = name, make, clean, judge

    def apply(self, value):
        return self.make(value)

    def judge(self, case, argument, values, result):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self.clean is not None:
                clean = self.clean(case.arguments()[argument])
                return same(outputs(result), case.reference(**{argument: clean}))
            if self.check is not None:
                return self.check(case, argument, values, outputs(result))
        if declared(case, argument, values[argument]):
            return _own_rows(case, argument, values, outputs(result))
        legal = LEGAL.get(
            (case.name.partition(".")[0], argument, self.name),
            LEGAL.get(("*", argument, self.name)),
        )
        if legal is None:
            return "it was taken"
        return _own_rows(case, argument, values, outputs(result))


def _matrix(value):
    """Keep changes of matrices to what is one."""
    array = np.array(value.toarray() if sp.issparse(value) else value)
    if array.ndim != 2:
        raise DoesNotApply
    return array


def _vector(value):
    if value is None or isinstance(value, float):
        raise DoesNotApply
    array = np.array(value)
    if array.ndim != 1:
        raise DoesNotApply
    return array


def _numbers(value):
    array = np.array(value, dtype=float)
    return array


def _poke(array, where, value):
    array = np.array(array, dtype=type(value) if isinstance(value, complex) else float)
    array[where] = value
    return array


def _own_rows(case, argument, values, got):
    """Degenerate rows: finite, probabilities, and equal rows with equal results."""
    X = values[argument] if argument in MATRICES else None
    if X is not None and not hasattr(X, "dtype"):
        X = None
    for name, value in got.items():
        empty = value.dtype.kind == "f" and np.isnan(value)
        allowed = case.reference().get(name)
        if (
            np.any(empty)
            and not MAY_BE_NAN.get(case.name)
            and not (
                allowed is not None
                and allowed.dtype.kind == "f"
                and np.isnan(allowed).any()
            )
        ):
            return f"{name} holds NaN"
        if name.startswith("predict_proba") or name == "result.proba":
            if not np.allclose(value.sum(axis=1), 1):
                return f"{name} does not sum to 1"
    if X is None:
        return None
    X = np.asarray(X, dtype=float)
    if X.ndim == 2 and len(X) > 1 and (X == X[0]).all():
        for name in valid_input.METHODS:
            value = got.get(name)
            finite = value is not None and len(value) == len(X)
            if finite and value.dtype.kind == "f" and not np.allclose(value, value[0]):
                return f"{name} differs between equal rows"
    return None


def _scaled(factor):
    """Reference of a rescaled argument: the same, or scaled by as much."""

    def judge(case, argument, values, got):
        expected = case.reference()
        if same(got, expected, rtol=1e-6) is None:
            return None
        back = {
            k: v / factor if v.dtype.kind == "f" and k not in _SCALE_FREE else v
            for k, v in got.items()
        }
        if same(back, expected, rtol=1e-6) is None:
            return None
        if case.name in _READS_SCALE:
            return _own_rows(case, argument, values, got)
        return "neither the same nor scaled by as much"

    return judge


_SCALE_FREE = {"result.gain"}
# a distance is turned into a number in [0, 1], or a penalty has a scale
_READS_SCALE: set[str] = set()


def _first_row(case, argument, values, got):
    if not case.at_predict:
        return _own_rows(case, argument, values, got)
    if case.name.endswith(".score"):
        return None if all(0 <= v <= 1 for v in got.values()) else "no share"
    rows = len(case.arguments()[argument])
    expected = case.reference().items()
    expected = {k: v[:1] for k, v in expected if v.ndim and len(v) == rows}
    got = {k: v for k, v in got.items() if k in expected}
    return same(got, expected)


MATRIX = [
    # readable: the result is that of the same numbers in a plain array
    Change("list", lambda v: _matrix(v).tolist(), clean=_matrix),
    Change("object", lambda v: _matrix(v).astype(object), clean=_matrix),
    Change("Fortran order", lambda v: np.asfortranarray(_matrix(v)), clean=_matrix),
    Change(
        "every second row of a larger array",
        lambda v: np.repeat(_matrix(v), 2, axis=0)[::2],
        clean=_matrix,
    ),
    Change("longdouble", lambda v: _matrix(v).astype(np.longdouble), clean=_matrix),
    Change(
        "big endian",
        lambda v: _matrix(v).astype(_matrix(v).dtype.newbyteorder(">")),
        clean=_matrix,
    ),
    Change("frame", lambda v: valid_input.as_frame(_matrix(v)), clean=_matrix),
    Change(
        "nullable frame",
        lambda v: valid_input.as_frame(_matrix(v)).convert_dtypes(),
        clean=_matrix,
    ),
    Change(
        "Arrow frame",
        lambda v: valid_input.as_frame(_matrix(v)).astype(
            "int64[pyarrow]" if _matrix(v).dtype.kind == "i" else "float64[pyarrow]"
        ),
        clean=_matrix,
    ),
    Change(
        "object frame",
        lambda v: valid_input.as_frame(_matrix(v)).astype(object),
        clean=_matrix,
    ),
    Change(
        "category frame",
        lambda v: valid_input.as_frame(_matrix(v)).astype("category"),
        clean=_matrix,
    ),
    Change(
        "polars frame",
        lambda v: _polars(valid_input.as_frame(_matrix(v))),
        clean=_matrix,
    ),
    # to be refused
    Change("no rows", lambda v: _matrix(v)[:0]),
    Change("no columns", lambda v: _matrix(v)[:, :0]),
    Change("one-dimensional", lambda v: _matrix(v)[:, 0]),
    Change("three-dimensional", lambda v: _matrix(v)[None]),
    Change("scalar", lambda v: (_matrix(v), 3.0)[1]),
    Change("None", lambda v: (_matrix(v), None)[1]),
    Change("str", lambda v: (_matrix(v), "data.csv")[1]),
    Change("dict", lambda v: (_matrix(v), {"a": 1})[1]),
    Change("object()", lambda v: (_matrix(v), object())[1]),
    Change("ragged", lambda v: [[0.0, 1.0], [2.0]]),
    Change("words", lambda v: np.full(_matrix(v).shape, "word")),
    Change("complex", lambda v: _matrix(v) + 1j),
    Change("datetime", lambda v: _matrix(v).astype("int64").astype("datetime64[s]")),
    Change("bytes", lambda v: np.full(_matrix(v).shape, b"x")),
    Change("infinity", lambda v: _poke(_matrix(v), (3, 1), np.inf)),
    Change("masked", lambda v: np.ma.array(_matrix(v), mask=_matrix(v) > 0)),
    Change("text frame", lambda v: _with_column(v, "word")),
    Change("date frame", lambda v: _with_column(v, pd.Timestamp("2026-01-01"))),
    Change("list frame", lambda v: _with_column(v, [[1, 2]] * len(_matrix(v)))),
    Change(
        "sparse frame",
        lambda v: valid_input.as_frame(_matrix(v)).astype(
            pd.SparseDtype("float64", 0.0)
        ),
        clean=_matrix,
    ),
    Change(
        "duplicated column names",
        lambda v: pd.DataFrame(_matrix(v), columns=["a"] * _matrix(v).shape[1]),
        clean=_matrix,
    ),
    Change(
        "multi-level column names",
        lambda v: pd.DataFrame(
            _matrix(v),
            columns=pd.MultiIndex.from_tuples(
                [("a", j) for j in range(_matrix(v).shape[1])]
            ),
        ),
        clean=_matrix,
    ),
]
NUMERIC = [
    Change("sparse", lambda v: sp.csr_array(_matrix(v)), clean=_matrix),
    Change("NaN", lambda v: _poke(_matrix(v), (3, 1), np.nan)),
    Change("nullable frame with NA", lambda v: _with_na(_matrix(v))),
    Change("bool", lambda v: _matrix(v) > 0, clean=lambda v: (_matrix(v) > 0) * 1.0),
    Change(
        "int",
        lambda v: np.rint(_matrix(v)).astype(int),
        clean=lambda v: np.rint(_matrix(v)),
    ),
    Change("constant", lambda v: np.ones_like(_matrix(v)), judge=_own_rows),
    Change("zeros", lambda v: np.zeros_like(_matrix(v)), judge=_own_rows),
    Change("one row", lambda v: _matrix(v)[:1], judge=_first_row),
    Change(
        "2**990 times as large",
        lambda v: _matrix(v) * 2.0**990,
        judge=_scaled(2.0**990),
    ),
    Change(
        "subnormal",
        lambda v: np.round(_matrix(v) * 2.0**20) * 2.0**-1070,
        judge=_own_rows,
    ),
]
VOTES = [
    Change("half a vote", lambda v: _poke(_matrix(v), (3, 1), 0.5)),
    Change("sparse", lambda v: sp.csr_array(_matrix(v) + 1), clean=_matrix),
    # a vote that is no class is reported, and read as none
    *(
        Change(
            str(bad),
            lambda v, bad=bad: _poke(_matrix(v), (3, 1), float(bad)),
            clean=lambda v: _poke(_matrix(v), (3, 1), -1),
        )
        for bad in (-2, 999, 2**62)
    ),
    Change(
        "NaN for no vote",
        lambda v: np.where(_matrix(v) < 0, np.nan, _matrix(v)),
        clean=_matrix,
    ),
    Change("one row", lambda v: _matrix(v)[:1], judge=_first_row),
]
AT_PREDICT = [
    Change("a column fewer", lambda v: _matrix(v)[:, :-1]),
    Change("a column more", lambda v: np.column_stack([_matrix(v), _matrix(v)[:, 0]])),
    Change(
        "frame of other names",
        lambda v: valid_input.as_frame(_matrix(v)).add_prefix("x"),
    ),
    Change(
        "frame in another order",
        lambda v: valid_input.as_frame(_matrix(v)).iloc[:, ::-1],
    ),
    Change(
        "frame with a column fewer",
        lambda v: valid_input.as_frame(_matrix(v)).iloc[:, 1:],
    ),
]
VECTOR = [
    Change("list", lambda v: _vector(v).tolist(), clean=_vector),
    Change("object", lambda v: _vector(v).astype(object), clean=_vector),
    Change(
        "Series with another index",
        lambda v: pd.Series(_vector(v), index=np.arange(len(v))[::-1] + 7),
        clean=_vector,
    ),
    Change(
        "nullable Series",
        lambda v: pd.Series(_vector(v)).convert_dtypes(),
        clean=_vector,
    ),
    Change(
        "category Series",
        lambda v: pd.Series(_vector(v)).astype("category"),
        clean=_vector,
    ),
    Change(
        "Arrow Series",
        lambda v: pd.Series(_vector(v)).convert_dtypes(dtype_backend="pyarrow"),
        clean=_vector,
    ),
    Change(
        "polars Series",
        lambda v: _polars(pd.DataFrame({"v": _vector(v)}))["v"],
        clean=_vector,
    ),
    Change("empty", lambda v: _vector(v)[:0]),
    Change("an entry fewer", lambda v: _vector(v)[:-1]),
    Change("an entry more", lambda v: np.append(_vector(v), _vector(v)[:1])),
    Change("two columns", lambda v: np.column_stack([_vector(v), _vector(v)])),
    Change("scalar", lambda v: (_vector(v), 1)[1]),
    Change("str", lambda v: (_vector(v), "nonsense")[1]),
    Change("object()", lambda v: (_vector(v), object())[1]),
    Change("dict", lambda v: (_vector(v), {"a": 1})[1]),
    Change(
        "complex",
        lambda v: (
            _vector(v).astype(complex) if _vector(v).dtype.kind in "biuf" else _skip()
        ),
    ),
    Change(
        "NaN",
        lambda v: (
            _poke(_vector(v), 1, np.nan) if _vector(v).dtype.kind in "biuf" else _skip()
        ),
    ),
    Change(
        "infinity",
        lambda v: (
            _poke(_vector(v), 1, np.inf) if _vector(v).dtype.kind in "biuf" else _skip()
        ),
    ),
    Change("None among them", lambda v: _with_none(_vector(v))),
    Change("datetime", lambda v: np.arange(len(_vector(v))).astype("datetime64[s]")),
    Change(
        "mixed types",
        lambda v: np.array([*_vector(v)[1:].tolist(), "b", 2], dtype=object)[1:],
    ),
    Change("masked", lambda v: np.ma.array(_vector(v), mask=np.arange(len(v)) == 1)),
]
AMOUNTS = [
    Change("a negative entry", lambda v: _poke(_vector(v), 1, -1.0)),
    Change("all zero", lambda v: np.zeros(len(_vector(v)))),
]
SHARES = [Change("two", lambda v: _poke(_vector(v), 1, 2.0))]
VALUES_OF_A_SAMPLE = [
    Change("one value", lambda v: _vector(v)[:1], judge=_own_rows),
    Change("constant", lambda v: np.ones_like(_vector(v)), judge=_own_rows),
    Change(
        "2**990 times as large",
        lambda v: _vector(v) * 2.0**990,
        judge=_scaled(2.0**990),
    ),
    Change(
        "2**-960 times as large",
        lambda v: _vector(v) * 2.0**-960,
        judge=_scaled(2.0**-960),
    ),
    Change(
        "subnormal",
        lambda v: np.round(_vector(v) * 2.0**20) * 2.0**-1070,
        judge=_own_rows,
    ),
]
_ANYTHING = {
    "'nonsense'": "nonsense",
    "object()": object(),
    "[]": [],
    "{}": {},
    "-1": -1,
    "0": 0,
    "0.5": 0.5,
    "NaN": np.nan,
    "infinity": np.inf,
    "None": None,
    "1j": 1j,
    "10**30": 10**30,
    "a class": dict,
    "int64(-1)": np.int64(-1),
    "array": np.zeros(3),
}
ANYTHING = {
    name: Change(name, lambda v, bad=bad: bad) for name, bad in _ANYTHING.items()
}


def _skip():
    raise DoesNotApply


def _polars(frame):
    if parse_version(sklearn.__version__) < parse_version("1.9"):
        raise DoesNotApply  # names of polars columns are read from 1.9 on
    import polars

    return polars.from_pandas(frame)


def _with_column(value, filler):
    frame = valid_input.as_frame(_matrix(value).astype(float))
    frame["c1"] = filler
    return frame


def _with_na(X):
    frame = valid_input.as_frame(X.astype(float)).astype("Float64")
    frame.iloc[3, 1] = pd.NA
    return frame


def _with_none(v):
    v = v.astype(object)
    v[1] = None
    return v


def changes_for(case, argument):
    """The bad values of one argument, by its name and its valid value."""
    value = case.arguments()[argument]
    if case.name == "KnownLabelSplit" and argument == "X":
        return [Change("a row fewer", lambda v: _matrix(v)[:-1])]
    if argument in MATRICES and (hasattr(value, "shape")):
        changes = [*MATRIX]
        changes += VOTES if case.votes or argument == "L" else NUMERIC
        if argument == "neighbors":  # positions of rows, not measurements
            changes = [c for c in changes if c.name not in ("int", "bool")]
        changes = [c for c in changes if (case.name, c.name) not in _DROPPED]
        if case.at_predict:  # a fitted model has a scale
            changes = [c for c in changes if c.name != "2**990 times as large"]
        if case.name == "vote_summary":  # columns are named by it
            changes = [c for c in changes if "frame" not in c.name]
        if case.at_predict and argument == "X":
            changes += AT_PREDICT
        elif argument != "reference" and any(
            hasattr(v, "shape")
            for k, v in case.arguments().items()
            if k in VECTORS | {"weak", "strong"} and k != argument
        ):
            changes.append(Change("a row fewer", lambda v: _matrix(v)[:-1]))
        return changes
    if argument in VECTORS and hasattr(value, "shape"):
        changes = [*VECTOR]
        if argument in ("sample_weight", "prices", "samples", "rounds", "successes"):
            changes += AMOUNTS
        if argument in ("densities",):
            changes += SHARES + AMOUNTS[:1]
        if argument == "values":
            changes += VALUES_OF_A_SAMPLE
        if argument in FREE_LENGTH:
            changes = [c for c in changes if not c.name.startswith("an entry")]
        return changes
    if argument in STRUCTURES:
        return [
            c
            for n, c in ANYTHING.items()
            if n in ("'nonsense'", "object()", "[]", "{}", "0", "None", "array")
        ]
    chosen = dict(ANYTHING)
    whole = isinstance(value, int) or argument == "max_features"
    if whole and argument != "n_jobs":
        chosen.pop("10**30")  # so much work is what it asks for
    if value is None:
        chosen.pop("None")
    return list(chosen.values())


# documented: NaN where there is nothing to compare
MAY_BE_NAN = {
    "FileRows": True,
    "vote_summary": True,
    "change_point": True,
    "binseg_change_point": True,
    "weak_to_strong_summary": True,
    "weak_to_strong_report": True,
    "performance_gap_recovered_score": True,
}


def declared(case, argument, value) -> bool:
    """Whether a value is one that the parameter constraints allow by name."""
    constraints = getattr(case.owner, "_parameter_constraints", None) or getattr(
        case.owner, "_skl_parameter_constraints", {}
    )
    allowed = constraints.get(argument, "no_validation")
    if isinstance(allowed, str) or argument in MATRICES | VECTORS:
        return False
    return any(make_constraint(c).is_satisfied_by(value) for c in allowed)


# legal values that no constraint declares: (public name, argument, names of values)
_SELECTORS = "-1|0|int64(-1)|None"
_LEGAL = [
    # one column by its position; all columns
    ("*", "strong_columns", _SELECTORS),
    ("*", "weak_columns", _SELECTORS),
    # any number can stand for an unknown label
    ("*", "missing_label", "'nonsense'|-1|0.5|NaN|infinity|10**30|0|int64(-1)"),
    # one weight for all rows is scikit-learn's custom
    ("*", "sample_weight", "scalar"),
    ("*", "random_state", "0|None"),
    # policies that draw nothing ignore rng, as the protocol has it
    ("UCB", "rng", "|".join(ANYTHING)),
    ("KLUCB", "rng", "|".join(ANYTHING)),
    ("choose_source", "rng", "0"),
    ("DiscountedUCB", "rng", "|".join(ANYTHING)),
    ("DiscountedUCB", "discount", "0.5"),
    ("DiscountedUCB", "exploration", "0|0.5|10**30"),
    ("UCB", "exploration", "0|0.5|10**30"),
    ("KLUCB", "exploration", "0|0.5|10**30"),
    ("UCB", "horizon", "10**30"),
    ("KLUCB", "horizon", "10**30"),
    ("EpsilonGreedy", "epsilon", "0|0.5"),
    ("choose_source", "floor", "0"),
    ("choose_source", "index", "infinity"),
    ("SourceState", "successes", "all zero"),
    ("OverlapDensity", "copies", "0|0.5|None|10**30"),
    ("RegionDisplay", "confidence_threshold", "-1|0|0.5|infinity|10**30|int64(-1)"),
    ("RegionDisplay", "overlap_threshold", "-1|0|0.5|infinity|10**30|int64(-1)"),
    ("VoteAgreementDisplay", "names", "array"),
    # text and gaps are encoded by default; y is not read
    ("OverlapDetector", "X", "text frame|nullable frame with NA"),
    ("ConfidenceScorer", "X", "text frame|nullable frame with NA"),
    ("CutStatisticScorer", "X", "text frame|nullable frame with NA"),
    ("SelfConfidenceScorer", "X", "text frame|nullable frame with NA"),
    ("WeakLabeler", "X", "text frame|nullable frame with NA"),
    ("TabularRepresentation", "X", "text frame|NaN|nullable frame with NA|a row fewer"),
    (
        "TabularRepresentation",
        "y",
        "empty|an entry fewer|an entry more|two columns|scalar|str|object()|dict|"
        "complex|NaN|infinity|None among them|datetime|mixed types|masked",
    ),
    ("TabularRepresentation.transform", "X", "text frame|NaN|nullable frame with NA"),
    ("SourceState", "t", "0|10**30"),
    ("SourceState", "horizon", "10**30"),
    ("SourceState", "available", "array"),
    # scores may be any numbers; no case gives no share
    (
        "performance_gap_recovered_score",
        "student",
        "[]|-1|0|0.5|NaN|infinity|None|10**30|int64(-1)|array",
    ),
    ("performance_gap_recovered_score", "anchor", "[]|-1|0|0.5|int64(-1)|array"),
    ("performance_gap_recovered_score", "ceiling", "[]|10**30"),
    ("cumulative_regret", "choices", "empty|two columns"),
    ("gain_interval", "gains", "two columns"),
    ("make_overlap_sources", "densities", "array"),
    ("reference_similarity", "X", "no rows"),
    ("SourceSelectionDisplay", "densities", "[]|array"),
    ("SourceSelectionDisplay", "prices", "[]|{}|array"),
    ("SourceSelectionDisplay", "bound", "[]|array"),
    ("SourceSelectionDisplay", "baselines", "{}"),
    ("WeakToStrongReport", "verdict", "'nonsense'"),
    ("WeakToStrongReport", "design", "'nonsense'"),
    ("WeakToStrongReport", "metric", "'nonsense'"),
    # LightGBM, the default strong model, takes missing values
    ("WeakToStrongClassifier", "X", "NaN|text frame|nullable frame with NA"),
    ("UCBSourceSelector", "X", "NaN|nullable frame with NA"),
    # values are read, and refused, by whoever uses the view
    (
        "WeakRows",
        "strong",
        "words|complex|datetime|bytes|infinity|text frame|date frame|list frame|NaN|"
        "nullable frame with NA",
    ),
    ("WeakRows", "seed", "0|10**30"),
    ("KnownLabels", "known", "an entry fewer"),
    # values are refused by whoever reads them; rows without ids go by their number
    (
        "FileRows",
        "values",
        "two columns|NaN|infinity|None among them|datetime|mixed types",
    ),
    ("FileRows", "ids", "None"),
    ("FileRows", "source", "'nonsense'"),
    ("open_rows", "ids", "None"),
    ("pilot_sources", "test", "None"),
    ("pilot_sources", "detector", "None"),
    ("pilot_sources", "level", "0.5"),
]
LEGAL = {
    (name, argument, value): True
    for name, argument, values in _LEGAL
    for value in values.split("|")
}
# pairs that say nothing: values are passed on unread, or the scale is part of the model
_DROPPED = {
    ("stack_views", "NaN"),
    ("stack_views", "infinity"),
    ("stack_views", "2**990 times as large"),
    ("label_value_curve", "2**990 times as large"),
    ("LabelCorrector", "2**990 times as large"),
    # squares overflow in the standardisation
    ("TabularRepresentation", "2**990 times as large"),
    ("HiddenLayerRepresentation", "2**990 times as large"),
    ("WeakRows.from_proba", "words"),
    ("WeakRows.from_proba", "bytes"),
    # a row that is never drawn is not read; one that is, is refused
    ("UCBSourceSelector", "infinity"),
    # LightGBM reads categories as such
    ("WeakToStrongClassifier", "category frame"),
    ("WeakToStrongClassifier", "text frame"),
    ("UCBSourceSelector", "category frame"),
}
