"""What the documentation promises is what the code does."""

import ast
import dataclasses
import functools
import inspect
import re
import textwrap

import numpy as np
import pandas as pd
import pytest
from numpydoc.docscrape import FunctionDoc, NumpyDocString
from numpydoc.validate import validate

from tests.support.discovery import public_estimators, public_objects

OBJECTS = public_objects()
ESTIMATORS = {cls.__name__: cls for cls in public_estimators()}

# Checks of numpydoc that are not wanted. Everything else is always on.
IGNORED = {
    "GL01",  # the summary stands on the first line, as in all of PEP 257
    "GL08",  # which methods need a docstring is asked by `callables`
    "ES01",  # some one-line summaries say it all
    "EX01",  # asked for here, and not of methods
    "SA01",  # not every object has a relative
    "SS05",  # a result may be named, and "Names of ..." is no third person
    "RT02",  # results are named, as in scikit-learn
    "YD01",  # generators say "Returns" of what they are
}


def is_exception(thing):
    return inspect.isclass(thing) and issubclass(thing, Exception)


def callables():
    """Public functions, classes, and the methods that overlapkit itself defines."""
    found = dict(OBJECTS)
    for path, thing in OBJECTS.items():
        if not inspect.isclass(thing):
            continue
        for name, _ in inspect.getmembers(thing, callable):
            owner = next((c for c in thing.__mro__ if name in vars(c)), None)
            ours = owner is not None and owner.__module__.startswith("overlapkit")
            # set_..._request is written by scikit-learn
            if ours and not re.match(r"_|set_\w+_request$", name):
                found[f"{path}.{name}"] = getattr(thing, name)
    return found


CALLABLES = callables()
FUNCTIONS = {
    path: thing for path, thing in CALLABLES.items() if not inspect.isclass(thing)
}


def sections(thing):
    return NumpyDocString(inspect.cleandoc(thing.__doc__ or ""))


def documented(thing, section):
    """Name -> type of what a section lists; several names may share an entry."""
    return {
        name.strip().lstrip("*"): entry.type
        for entry in sections(thing)[section]
        for name in entry.name.split(",")
    }


def parameters(thing):
    return {
        name: parameter
        for name, parameter in inspect.signature(thing).parameters.items()
        if name not in ("self", "cls")
    }


def test_there_is_something_to_check():
    assert len(OBJECTS) > 40
    assert "overlapkit.OverlapDetector.fit" in CALLABLES
    assert "overlapkit.metrics.cumulative_regret" in FUNCTIONS


@pytest.mark.parametrize("path", sorted(CALLABLES))
def test_numpydoc(path):
    result = validate(path)
    # exceptions take a message, dataclasses and protocols list their fields
    exempt = set()
    if is_exception(CALLABLES[path]) or lists_fields(CALLABLES[path]):
        exempt = {"PR01"}
    elif implements_a_protocol(path):
        exempt = {"PR01", "RT01"}  # the protocol says it, once
    errors = [e for e in result["errors"] if e[0] not in IGNORED | exempt]
    assert errors == [], f"{result['file']}:{result['file_line']}"
    assert result["docstring"].strip(), "no docstring"


def lists_fields(thing):
    """Records that functions return, and protocols, are not constructed by users."""
    if not inspect.isclass(thing):
        return False
    record = dataclasses.is_dataclass(thing) or hasattr(thing, "_fields")
    listed = record and bool(documented(thing, "Attributes"))
    return getattr(thing, "_is_protocol", False) or listed


def implements_a_protocol(path):
    """Whether a method is one that a public protocol documents in full."""
    owner, _, name = path.rpartition(".")
    thing = OBJECTS.get(owner)
    if thing is None or getattr(thing, "_is_protocol", False):
        return False
    return any(
        getattr(protocol, "_is_protocol", False)
        and name in vars(protocol)
        and all(hasattr(thing, n) for n in vars(protocol) if n[0] != "_")
        for protocol in OBJECTS.values()
        if inspect.isclass(protocol)
    )


@pytest.mark.parametrize("path", sorted(OBJECTS))
def test_there_is_an_example(path):
    thing = OBJECTS[path]
    if is_exception(thing):
        assert ">>>" not in thing.__doc__
        return
    assert ">>>" in "\n".join(sections(thing)["Examples"])


def documented_default(kind):
    match = re.search(r"default\s*[=:]\s*(.+?)\s*$", kind, flags=re.S)
    return None if match is None else match.group(1).strip().rstrip(".")


def same_default(text, default):
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        # a name, such as UCB() or numpy.float32
        words = {repr(default), getattr(default, "__name__", None), str(default)}
        return text.split(".")[-1] in words or text in words
    return value == default and isinstance(value, type(default) | int)


@pytest.mark.parametrize("path", sorted(CALLABLES))
def test_documented_defaults_are_those_of_the_signature(path):
    thing = CALLABLES[path]
    if is_exception(thing) or lists_fields(thing):
        return
    kinds = documented(thing, "Parameters")
    for name, parameter in parameters(thing).items():
        kind = kinds.get(name)
        if kind is None:  # numpydoc's PR01 speaks of it
            continue
        text = documented_default(kind)
        if parameter.default is inspect.Parameter.empty:
            assert text is None, f"{name} has no default, its type says {kind!r}"
        elif kind != "ignored":
            assert text is not None, f"{name}={parameter.default!r}, type {kind!r}"
            assert same_default(text, parameter.default), (
                f"{name}: documented {text}, in fact {parameter.default!r}"
            )


def public_attributes(estimator):
    own = {n for n in vars(estimator) if n.endswith("_") and not n.startswith("_")}
    computed = {
        name
        for name, member in inspect.getmembers(type(estimator))
        if isinstance(member, property)
        and name.endswith("_")
        and not name.startswith("_")
    }
    return own | {name for name in computed if hasattr(estimator, name)}


@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_documented_attributes_are_those_of_a_fitted_instance(name):
    cls = ESTIMATORS[name]
    rng = np.random.RandomState(0)
    y = rng.randint(0, 2, size=80)
    if cls().__sklearn_tags__().input_tags.categorical:
        X = np.where(rng.uniform(size=(80, 4)) < 0.7, y[:, None], -1)
    else:
        X = rng.normal(size=(80, 4)) + y[:, None]
    fitted = cls().fit(pd.DataFrame(X, columns=list("abcd")), y)
    listed = set(documented(cls, "Attributes"))
    assert listed == public_attributes(fitted)


RECORDS = sorted(path for path, t in OBJECTS.items() if dataclasses.is_dataclass(t))


@pytest.mark.parametrize("path", RECORDS)
def test_documented_attributes_of_a_record_are_its_fields(path):
    cls = OBJECTS[path]
    listed = documented(cls, "Attributes") | documented(cls, "Parameters")
    fields = {f.name for f in dataclasses.fields(cls) if not f.name.startswith("_")}
    computed = {
        n
        for n, m in inspect.getmembers(cls)
        if isinstance(m, property | functools.cached_property) and n[0] != "_"
    }
    assert fields <= set(listed)
    assert set(listed) <= fields | computed


def own_nodes(function):
    """Nodes of a function's body, without those of functions inside it."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    (tree,) = ast.parse(source).body
    stack = list(tree.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))


def tells(path, section):
    """Whether the function, or the class it belongs to, has the section."""
    if sections(CALLABLES[path])[section]:
        return True
    owner = OBJECTS.get(path.rpartition(".")[0])
    return owner is not None and bool(sections(owner)[section])


@pytest.mark.parametrize("path", sorted(FUNCTIONS))
def test_what_is_returned_raised_and_warned_of_is_documented(path):
    try:
        nodes = list(own_nodes(FUNCTIONS[path]))
    except (OSError, TypeError):  # made by a decorator or in C
        pytest.fail(f"no source for {path}")
    for node in nodes:
        if isinstance(node, ast.Return) and node.value is not None:
            told = sections(FUNCTIONS[path])["Returns"] or implements_a_protocol(path)
            assert told, "returns a value"
        if isinstance(node, ast.Raise):
            abstract = "NotImplementedError" in ast.dump(node)
            assert abstract or tells(path, "Raises"), "raises an error"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.warn":
            assert tells(path, "Warns"), "issues a warning"


def test_one_line_and_parameters_of_methods_read_alike():
    # X is the same thing in fit, predict and transform of one estimator
    for name, cls in ESTIMATORS.items():
        for method in ("predict", "transform", "predict_proba", "score_samples"):
            doc = FunctionDoc(getattr(cls, method)) if hasattr(cls, method) else None
            if doc is not None and doc["Parameters"]:
                assert doc["Parameters"][0].name == "X", f"{name}.{method}"
