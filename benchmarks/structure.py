"""Measure the structure of the package: modules, imports, and the walks of X.

Modules, their lines of code (without docstrings, comments and blank lines), how deep
imports go and how many there are for each module, accesses to private names of other
objects; and, for the three `fit` methods, how many calls inside the package they make,
how often a call goes to another file than the one before, and how often arrays are
validated.
"""

import argparse
import ast
import sys
import warnings
from collections import Counter
from itertools import pairwise
from pathlib import Path

import sklearn.utils.validation as validation
from sklearn.linear_model import LogisticRegression

import overlapkit
from overlapkit import OverlapDetector, UCBSourceSelector, WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification, make_overlap_sources

SUMMARY = "the structure of the package: modules, imports, walks of X"
PACKAGE = Path(overlapkit.__file__).parent
# class-level declarations that an estimator inherits from another one's, and the
# public method of named tuples
CONSTRAINTS = {"_parameter_constraints", "_labeling", "_replace"}


def code_lines(tree) -> int:
    """Lines that hold code, without docstrings."""
    lines, prose = set(), set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                prose |= set(range(value.lineno, value.end_lineno + 1))
        if isinstance(node, ast.stmt | ast.expr | ast.arg | ast.keyword | ast.alias):
            lines |= {node.lineno, node.end_lineno}
    return len(lines - prose)


def imports(tree, modules):
    """Modules of the package that a module imports when it is imported itself."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "overlapkit"
        ):
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (whole & modules) or {node.module}
    return found & modules


def private_accesses(tree):
    """Private attributes that are read or set on anything but self, cls and super()."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_"):
            continue
        if node.attr.startswith("__") or node.attr in CONSTRAINTS:
            continue
        owner = node.value
        own = isinstance(owner, ast.Name) and owner.id in ("self", "cls")
        parent = (
            isinstance(owner, ast.Call) and getattr(owner.func, "id", "") == "super"
        )
        if not own and not parent:
            found.append(f"{ast.unparse(node)}:{node.lineno}")
    return found


def depth(graph):
    """Number of modules on the longest chain of imports."""
    known = {}

    def longest(name):
        if name not in known:
            known[name] = 0
            known[name] = 1 + max((longest(other) for other in graph[name]), default=0)
        return known[name]

    return max(map(longest, graph))


def read_modules():
    """Files of the package and their syntax trees, by the name of the module."""
    files = {
        ".".join(("overlapkit", *f.relative_to(PACKAGE).with_suffix("").parts)): f
        for f in sorted(PACKAGE.rglob("*.py"))
    }
    files = {n.removesuffix(".__init__"): f for n, f in files.items()}
    return files, {n: ast.parse(f.read_text()) for n, f in files.items()}


def import_graph():
    """Modules that each module imports, by its name."""
    files, trees = read_modules()
    # what a package's __init__ lists is its contents, not a dependency
    inner = {n for n, f in files.items() if f.name != "__init__.py"}
    return {n: imports(trees[n], inner) - {n} for n in inner}


def measure_modules():
    names, trees = read_modules()
    graph = import_graph()
    inner = set(graph)
    lines = {n: code_lines(trees[n]) for n in inner}
    reached = {n: private_accesses(trees[n]) for n in inner}
    at_top = [f.name for f in PACKAGE.glob("*.py")]
    print(f"modules {len(inner)}, lines of code {sum(lines.values())}")
    print(f"files at the top level: {len(at_top)} {sorted(at_top)}")
    largest = sorted(lines.items(), key=lambda item: -item[1])[:5]
    print("largest modules:", ", ".join(f"{n} {k}" for n, k in largest))
    edges = sum(len(v) for v in graph.values())
    print(f"import depth {depth(graph)}, imports per module {edges / len(inner):.2f}")
    total = sum(len(v) for v in reached.values())
    print(f"accesses to private names of other objects: {total}")
    for name, found in reached.items():
        if found:
            print(f"  {name}: {', '.join(found)}")
    public = sum(
        len(getattr(sys.modules[n], "__all__", []))
        for n in _public(names)
        if n != "overlapkit"
    )
    print(f"public names {public + len(overlapkit.__all__) - 1}")


def _public(names):
    import importlib

    for name in names:
        if not any(part.startswith("_") for part in name.split(".")):
            importlib.import_module(name)
            yield name


def walk(fit):
    """Calls inside the package while `fit` runs, in one thread."""
    files, functions, validated = [], set(), Counter()

    def note(frame, event, _):
        if event != "call":
            return
        code = frame.f_code
        if code.co_filename.startswith(str(PACKAGE)):
            if code.co_name[0] != "<":
                files.append(code.co_filename)
                functions.add((code.co_filename, code.co_name))
        elif code.co_name in ("check_array", "_assert_all_finite"):
            if code.co_filename != validation.__file__:
                return
            caller = frame.f_back
            if caller.f_code.co_name in ("assert_all_finite", "validate_data"):
                caller = caller.f_back
            if caller.f_code.co_filename.startswith(str(PACKAGE)):
                validated["validated"] += 1

    sys.setprofile(note)
    try:
        fit()
    finally:
        sys.setprofile(None)
    changes = sum(a != b for a, b in pairwise(files))
    return {
        "calls": len(files),
        "functions": len(functions),
        "files": len(set(files)),
        "changes of file": changes,
        "arrays validated": validated["validated"],
    }


def measure_walks():
    data = make_overlap_classification(
        n_easy=200, n_hard=200, n_overlap=200, random_state=0
    )
    pool = make_overlap_sources(densities=[0.1, 0.5, 0.9], random_state=0)
    columns = {"weak_columns": data.easy_columns}
    detector = OverlapDetector(**columns, random_state=0)
    student = WeakToStrongClassifier(
        LogisticRegression(), selector=OverlapDetector(), random_state=0, **columns
    )
    selector = UCBSourceSelector(
        LogisticRegression(),
        detector=OverlapDetector(weak_columns=pool.easy_columns),
        n_rounds=25,
        batch_size=20,
        random_state=0,
    )
    walks = {
        "OverlapDetector.fit": lambda: detector.fit(data.X, data.y),
        "OverlapDetector.predict": lambda: detector.predict(data.X),
        "WeakToStrongClassifier.fit": lambda: student.fit(data.X, data.y),
        "UCBSourceSelector.fit, 25 rounds": lambda: selector.fit(
            pool.X, pool.y, sources=pool.sources
        ),
    }
    for name, fit in walks.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if "predict" not in name:
                fit()  # late imports are no part of a walk
            figures = walk(fit)
        print(f"{name}: " + ", ".join(f"{k} {v}" for k, v in figures.items()))


def main(argv=None):
    parser = argparse.ArgumentParser(
        "python -m benchmarks structure", description=__doc__
    )
    parser.parse_args(argv)
    measure_modules()
    measure_walks()


if __name__ == "__main__":
    main()
