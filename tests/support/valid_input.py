"""A valid call of every public name, with its arguments found by their names."""

import dataclasses
import inspect
import re
from functools import cache

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags

from overlapkit import OverlapDetector, UCBSourceSelector, WeakToStrongClassifier
from overlapkit.label_models import MajorityVote
from overlapkit.model_selection import overlap_curve, weak_to_strong_report
from overlapkit.policies import UCB, SourceState
from overlapkit.scorers import ConfidenceScorer
from overlapkit.sources import Batch
from overlapkit.weak import KnownLabels, WeakLabeler, WeakRows
from tests.support.discovery import public_objects

N = 48
METHODS = (
    "predict",
    "predict_proba",
    "score_samples",
    "transform",
    "decision_function",
)


class DoesNotApply(Exception):
    """A change that says nothing about this argument."""


class Case:
    """A public name, its valid arguments and the call with them."""

    def __init__(self, name, call, arguments, owner, *, votes=False, at_predict=False):
        self.owner = owner
        self.name, self.call = name, call
        self._arguments, self._reference = arguments, {}
        self.votes, self.at_predict = votes, at_predict

    def arguments(self):
        return self._arguments()

    def reference(self, **changed):
        """Outputs of the call with clean values in place of some arguments."""
        if changed:
            return outputs(self.call(**{**self.arguments(), **changed}))
        if not self._reference:
            self._reference = outputs(self.call(**self.arguments()))
        return self._reference


@cache
def table():
    rng = np.random.RandomState(0)
    y = np.arange(N) % 2
    X = rng.normal(size=(N, 6)) + 0.8 * (2 * y[:, None] - 1)
    right = rng.uniform(size=(N, 6)) < np.linspace(0.65, 0.9, 6)
    votes = np.where(right, y[:, None], 1 - y[:, None])
    votes[rng.uniform(size=votes.shape) < 0.15] = -1
    p = 1 / (1 + np.exp(-X[:, 0] - X[:, 1]))
    return X, y, votes, np.column_stack([1 - p, p])


def rows():
    X, _, _, proba = table()
    return WeakRows.from_proba(X.copy(), proba.copy())


def known():
    return KnownLabels(np.arange(N) < 20, table()[1][:20].copy())


@cache
def _rule():
    X, y, _, _ = table()
    return OverlapDetector(weak_columns=[0, 1], random_state=0).fit(X, y).rule_


def batch():
    X = table()[0].copy()
    return Batch(X, rows(), np.arange(N) % 3, known(), _rule())


def state():
    return SourceState([3.0, 1.0, 0.0], [6, 4, 2], [2, 1, 1], horizon=9)


def student():
    return WeakToStrongClassifier(LogisticRegression(), weak_columns=[0, 1], cv=3)


def detector():
    return OverlapDetector(weak_columns=[0, 1], cv=3, random_state=0)


@cache
def _curve():
    X, y, _, _ = table()
    return overlap_curve(
        LogisticRegression(), detector(), X, y, n_repeats=2, random_state=0
    )


@cache
def _report():
    X, y, _, _ = table()
    return weak_to_strong_report({"all": student()}, X, y, n_repeats=2, random_state=0)


def voting_student():
    return WeakToStrongClassifier(
        LogisticRegression(),
        weak_estimator=MajorityVote(),
        strong_columns=slice(0, 6),
        weak_columns=slice(6, 12),
    )


class TextModel:
    """As much of a sentence-transformers model as is called."""

    def encode(self, texts, **options):
        return np.array([[len(text), text.count("1")] for text in texts], np.float32)


def views():
    return np.hstack([table()[0], table()[2]])


@cache
def _label_curve():
    from overlapkit.model_selection import label_value_curve

    return label_value_curve(
        voting_student(),
        views(),
        table()[1],
        n_labels=[8, 16],
        n_repeats=2,
        random_state=0,
    )


@cache
def _history():
    X, y, _, _ = table()
    selector = make(UCBSourceSelector)
    return selector.fit(X, y, sources=sources()).history_


def sources():
    return np.array(["a", "b", "c"])[np.arange(N) % 3]


def _graph():
    from overlapkit.theory import neighborhood_graph

    return neighborhood_graph(table()[0], n_neighbors=3)


# argument -> a valid value; a name that is not here and has no default is a gap


def state_of_rounds():
    """As `state`, with the rounds one by one."""
    rounds = (np.array([0, 1, 2]), np.array([3.0, 1.0, 2.0]), np.array([5.0, 5.0, 5.0]))
    return dataclasses.replace(state(), log=rounds)


VALUES = {
    "X": lambda: table()[0].copy(),
    "y": lambda: table()[1].copy(),
    "y_true": lambda: table()[1].copy(),
    "y_pred": lambda: (table()[0][:, 2] > 0).astype(int),
    "y_weak": lambda: table()[3].argmax(axis=1),
    "weak_labels": lambda: table()[3].argmax(axis=1),
    "L": lambda: table()[2].copy(),
    "votes": lambda: None,
    "strong": lambda: table()[0].copy(),
    "weak": lambda: table()[0][:, :2] + 0.3 * table()[0][:, 3:5],
    "reference": lambda: table()[0][:9].copy(),
    "proba": lambda: table()[3].copy(),
    "covered": lambda: np.arange(N) % 4 > 0,
    "values": lambda: np.sort(table()[0][:, 0]),
    "labels": lambda: table()[1].copy(),
    "neighbors": lambda: (np.arange(N)[:, None] + [1, 2, 3]) % N,
    "distances": lambda: np.abs(table()[0][:, :3]),
    "regions": lambda: np.arange(N) % 3,
    "densities": lambda: np.array([0.2, 0.5, 0.7]),
    "choices": lambda: np.array([0, 1, 2, 1]),
    "successes": lambda: np.array([3.0, 1.0, 0.0]),
    "samples": lambda: np.array([6.0, 4.0, 2.0]),
    "rounds": lambda: np.array([2.0, 1.0, 1.0]),
    "index": lambda: np.array([0.4, 0.9, 0.1]),
    "gains": lambda: np.array([0.1, 0.2, 0.15]),
    "known": lambda: np.arange(N) < 20,
    "student": lambda: 0.8,
    "anchor": lambda: 0.7,
    "ceiling": lambda: 0.9,
    "rows": rows,
    "rule": _rule,
    "state": state,
    "rng": lambda: np.random.RandomState(0),
    "policy": UCB,
    "scorer": ConfidenceScorer,
    "detector": detector,
    "estimator": LogisticRegression,
    "students": lambda: {"all": student()},
    "sources": sources,
    "graph": _graph,
    "classes": lambda: None,
    "alpha": lambda: 0.1,
    "c": lambda: 0.6,
    "q": lambda: 0.0,
    "err_weak": lambda: 0.1,
    "p_non_robust": lambda: 0.05,
    "n_sources": lambda: 3,
    "n_rounds": lambda: 6,
    "n_repeats": lambda: 2,
    "n_classes": lambda: 2,
    "n_jobs": lambda: 1,
    "random_state": lambda: 0,
    "cv": lambda: 3,
    "batch": batch,
    "history": _history,
    "curve": _curve,
    "groups": lambda: None,
    "sample_weight": lambda: np.linspace(0.5, 2, N),
}
# what differs from this for one public name
OVERRIDES = {
    "LabelCorrector": {
        "estimator": LogisticRegression,
        "weak_labels": VALUES["weak_labels"],
        "missing_label": lambda: -1,
        "y": lambda: np.where(np.arange(N) < 24, table()[1], -1),
    },
    "WeakToStrongClassifier": {"weak_columns": lambda: [0, 1]},
    "UCBSourceSelector": {
        "n_rounds": lambda: 4,
        "batch_size": lambda: 4,
        "n_reference_rounds": lambda: 3,
        "detector": detector,
    },
    "embed_texts": {
        "texts": lambda: [f"row {i}" for i in range(N)],
        "model": TextModel,
    },
    "SelfConfidenceScorer": {"weak_columns": lambda: [0, 1]},
    "CutStatisticScorer": {"weak_columns": lambda: [0, 1], "n_neighbors": lambda: 5},
    "HiddenLayerRepresentation": {"hidden_layer_sizes": lambda: (4,)},
    "TreeLabelingFunctions": {"n_estimators": lambda: 5},
    "make_overlap_sources": {"n_rows": lambda: 20},
    "overlap_curve": {
        "shares": lambda: [0.0, 1.0],
        "regions": lambda: None,
        "y": VALUES["y"],
    },
    "weak_to_strong_report": {"y": VALUES["y"]},
    "KnownLabelSplit": {"random_state": lambda: None},
    "label_value_curve": {
        "student": voting_student,
        "X": views,
        "n_labels": lambda: [8, 16],
    },
    "weak_to_strong_summary": {
        "weak": lambda: np.array([0.7, 0.72, 0.71]),
        "students": lambda: {"a": np.array([0.8, 0.81, 0.79])},
        "ceiling": lambda: np.array([0.9, 0.92, 0.91]),
    },
    "KnownLabels": {"labels": lambda: table()[1][:20].copy()},
    "WeakRows": {"classes": lambda: np.array([0, 1])},
    "Batch": {"known": known},
    "LabelValueDisplay": {"result": _label_curve},
    "SourceSelectionDisplay": {"densities": lambda: None},
    "WeakToStrongReport": {
        f: (lambda f=f: getattr(_report(), f))
        for f in ("summary", "runs", "verdict", "rows")
    },
    "neighborhood_graph": {"n_neighbors": lambda: 3},
    "DiscountedUCB": {"state": state_of_rounds},
    "overlap_density_bound": {
        "overlap_density": lambda: 0.3,
        "hard_density": lambda: 0.3,
    },
    "RegionDisplay": {
        "confidence": lambda: np.linspace(0, 1, N),
        "scores": lambda: np.linspace(0, 1, N),
        "regions": lambda: np.arange(N) % 3,
    },
    "VoteAgreementDisplay": {"agreement": lambda: np.eye(3)},
    "StudentGain": {"estimator": lambda: None},
    "vote_summary": {"y": lambda: None, "classes": lambda: None},
    "open_rows": {
        "source": lambda: as_frame(table()[0].copy()),
        "ids": lambda: np.arange(N),
    },
    "FileRows": {"ids": lambda: np.arange(N)},
    "ucb_regret_bound": {"n_rounds": lambda: 50},
    "pilot_sources": {
        "y": VALUES["y"],
        "detector": detector,
        "reference": lambda: table()[:2],
        "test": lambda: table()[:2],
    },
}
# name -> why the table does not call it
NOT_CALLED = {
    "Batch": "made by the package itself",
    "Policy": "a protocol",
    "Reward": "a protocol",
    "BaseScorer": "a base class",
    "load_wrench": "reads files: tests/datasets",
    "fetch_wrench": "downloads files: tests/datasets",
    "load_mushroom": "reads files: tests/datasets",
    "load_spambase": "reads files: tests/datasets",
}


def value_of(owner, parameter):
    """Valid value of an argument: its own, that of its name, its default."""
    own = OVERRIDES.get(owner, {})
    name = parameter.name
    if name in own:
        return own[name]()
    is_optional = parameter.default is not inspect.Parameter.empty
    if name in VALUES and (
        not is_optional or name in ("cv", "n_jobs", "random_state", "n_repeats")
    ):
        return VALUES[name]()
    if is_optional:
        return parameter.default
    raise LookupError(
        f"{owner}: no valid value for the argument {name!r}; add it to VALUES or "
        f"OVERRIDES of {__name__}."
    )


def _parameters(function):
    return [
        p
        for p in inspect.signature(function).parameters.values()
        if p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]


def make(cls, **params):
    own = {p.name: value_of(cls.__name__, p) for p in _parameters(cls)}
    return cls(**{**own, **params})


def _function(name, function):
    parameters = _parameters(function)
    return Case(
        name,
        function,
        lambda: {p.name: value_of(name, p) for p in parameters},
        function,
    )


def _fitting(cls):
    """Constructor and ``fit`` (or ``fit_label``) in one call."""
    name, fit = cls.__name__, "fit" if hasattr(cls, "fit") else "fit_label"
    votes = (
        hasattr(cls(), "__sklearn_tags__") and get_tags(cls()).input_tags.categorical
    )
    ctor = {p.name for p in _parameters(cls)}
    routed = list(_parameters(getattr(cls, fit)))

    def arguments():
        values = {p.name: value_of(name, p) for p in _parameters(cls)}
        for p in routed:
            values[p.name] = None
        values["X"] = table()[2].copy() if votes else table()[0].copy()
        values["y"] = value_of(name, inspect.Parameter("y", 1))
        for extra in ("sources", "sample_weight", "weak_labels"):
            if extra in {p.name for p in routed}:
                values[extra] = VALUES[extra]()
        return values

    def call(**values):
        estimator = cls(**{k: v for k, v in values.items() if k in ctor})
        given = {
            k: v
            for k, v in values.items()
            if (k not in ctor and v is not None) or k in ("X", "y")
        }
        result = getattr(estimator, fit)(**given)
        return (estimator, result, values["X"])

    return Case(name, call, arguments, cls, votes=votes)


@cache
def fitted(cls, frame=False):
    case = _fitting(cls)
    values = case.arguments()
    if frame:
        values["X"] = as_frame(values["X"])
    return case.call(**values)[0]


def as_frame(X):
    return pd.DataFrame(X, columns=[f"c{j}" for j in range(X.shape[1])])


def _predicting(cls):
    votes = _fitting(cls).votes
    for method in (*METHODS, "label", "correct", "covered"):
        if not hasattr(fitted(cls), method):
            continue

        def arguments():
            return {"X": table()[2].copy() if votes else table()[0].copy()}

        def call(X, method=method):
            frame = hasattr(X, "columns")
            return getattr(fitted(cls, frame), method)(X)

        yield Case(
            f"{cls.__name__}.{method}",
            call,
            arguments,
            cls,
            votes=votes,
            at_predict=True,
        )
    if hasattr(cls, "score"):
        yield Case(
            f"{cls.__name__}.score",
            lambda X, y: fitted(cls, hasattr(X, "columns")).score(X, y),
            lambda: {
                "X": table()[2].copy() if votes else table()[0].copy(),
                "y": table()[1].copy(),
            },
            cls,
            votes=votes,
            at_predict=True,
        )


def _method(cls, name):
    """A method of a value such as ``UCB().index`` or ``OverlapDensity().start``."""
    parameters = _parameters(getattr(cls, name))
    owner = cls.__name__

    def arguments():
        given = {
            p.name: value_of(owner, p)
            for p in parameters
            if p.name != "state" or cls.__module__.startswith("overlapkit.policies")
        }
        return given

    def call(**values):
        return getattr(make(cls), name)(**values)

    return Case(f"{owner}.{name}", call, arguments, cls)


@cache
def cases():
    found = []
    for path, thing in public_objects().items():
        name = path.rpartition(".")[2]
        if name in NOT_CALLED or path.startswith("overlapkit.exceptions."):
            continue
        if inspect.isclass(thing) and issubclass(thing, BaseEstimator):
            found.append(_fitting(thing))
            found.extend(_predicting(thing))
        elif inspect.isclass(thing):
            # rows are made by from_proba, and batches by the package itself
            if not hasattr(thing, "split") and name not in ("WeakRows", "Batch"):
                found.append(_function(name, thing))
            if hasattr(thing, "index"):
                found.append(_method(thing, "index"))
            if hasattr(thing, "from_proba"):
                found.append(_function(f"{name}.from_proba", thing.from_proba))
            if hasattr(thing, "split"):
                _X, _y, _, _ = table()
                found.append(
                    Case(
                        name,
                        lambda X, y, cls=thing, **ps: list(cls(**ps).split(X, y)),
                        lambda cls=thing, name=name: {
                            **{p.name: value_of(name, p) for p in _parameters(cls)},
                            "X": table()[0].copy(),
                            "y": table()[1].copy(),
                        },
                        thing,
                    )
                )
        else:
            found.append(_function(name, thing))
    return found


def outputs(result):
    """Name -> array of all numbers and names in a result."""
    if (
        isinstance(result, tuple)
        and len(result) == 3
        and isinstance(result[0], BaseEstimator)
    ):
        estimator, _, X = result
        found = {}
        for method in METHODS:
            if hasattr(estimator, method):
                found.update(_flat(getattr(estimator, method)(X), method))
        for name in (
            "selected_",
            "corrected_labels_",
            "scores_",
            "labels_",
            "classes_",
        ):
            if hasattr(estimator, name):
                found.update(_flat(getattr(estimator, name), name))
        if hasattr(estimator, "label"):
            found.update(_flat(result[1], "result"))
        return found
    return _flat(result, "result")


def _flat(thing, name):
    if isinstance(thing, pd.DataFrame):
        return {f"{name}.{c}": np.asarray(thing[c]) for c in thing.columns}
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        thing = {f.name: getattr(thing, f.name) for f in dataclasses.fields(thing)}
    if hasattr(thing, "toarray"):
        return {name: thing.toarray()}
    if isinstance(thing, dict):
        found = {}
        for key, value in thing.items():
            if key not in ("X", "strong", "DESCR"):
                found.update(_flat(value, f"{name}.{key}"))
        return found
    if isinstance(thing, tuple | list) and any(
        hasattr(v, "shape")
        or dataclasses.is_dataclass(v)
        or isinstance(v, tuple | list)
        for v in thing
    ):
        found = {}
        for i, value in enumerate(thing):
            found.update(_flat(value, f"{name}.{i}"))
        return found
    if isinstance(
        thing,
        np.ndarray
        | pd.Series
        | int
        | float
        | str
        | bool
        | list
        | tuple
        | np.generic
        | pd.Index,
    ):
        return {name: np.asarray(thing)}
    return {name: np.asarray(re.sub(r" at 0x\w+", "", repr(thing))[:200])}


def _texts(values):
    return np.array([str(v) for v in values.ravel().tolist()])


def same(got, expected, rtol=1e-6):
    """None, or where two results differ."""
    if got.keys() != expected.keys():
        return f"other outputs: {sorted(set(got) ^ set(expected))[:4]}"
    for name, value in got.items():
        other = expected[name]
        if value.shape != other.shape:
            return f"{name} has shape {value.shape}, the reference {other.shape}"
        if value.dtype.kind in "fc" and other.dtype.kind in "fciub":
            if not np.allclose(value, other, rtol=rtol, atol=1e-9, equal_nan=True):
                return f"{name} differs from the reference"
        elif not np.array_equal(_texts(value), _texts(other)):
            return f"{name} differs from the reference"
    return None


__all__ = ["Case", "DecisionTreeClassifier", "MajorityVote", "WeakLabeler", "cases"]
