"""Whether the tests notice a changed line: ``python -m tests.support.mutation``.

A mutant is the package with one operator, constant, condition or result changed. The
tests that belong to the changed module run against it until one fails. A mutant
is killed by a failure, by an error on import, or by taking too long; one that passes
every test has survived. Mutants are drawn at random from all that the modules of a
group have, with a fixed seed; texts, annotations and docstrings are left alone.

The package is changed in a copy in a temporary folder. Compiled kernels are kept in a
cache of that folder, which numba renews for a file that has changed.
"""

import argparse
import ast
import collections
import functools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# group -> module -> tests that are about it, those that fail first in front
VOTES, KNOWN, MAJORITY, MODEL, EM, INVARIANTS = (
    f"label_models/test_{name}.py"
    for name in (
        "votes",
        "known_labels",
        "majority_vote",
        "label_model",
        "dawid_skene",
        "invariants",
    )
)
SELECTION = ["students/test_row_selection.py"]
THRESHOLDS = [
    "test_thresholds.py",
    "test_properties.py::test_a_change_point_lies_between_the_means_of_its_parts",
    "test_properties.py::test_change_points_do_not_depend_on_the_unit",
    "test_properties.py::test_binseg_change_points_do_not_depend_on_the_unit",
]
GROUPS = {
    "kernels": {
        "_kernels/change_point.py": THRESHOLDS,
        "_kernels/dip.py": ["test_diagnostics.py"],
        "_kernels/nearest.py": [
            "scorers/test_neighbors.py",
            "scorers/test_neighbor_graph.py",
        ],
        "_kernels/similarity.py": [
            "scorers/test_neighbors.py",
            "scorers/test_similarity.py",
            "scorers/test_overlap_detector.py",
        ],
        "_kernels/ties.py": [
            "label_models/test_majority_vote.py",
            "utils/test_labels.py",
            "weak/test_weak_labels.py",
        ],
        "_kernels/votes.py": [VOTES, EM, INVARIANTS, MODEL],
    },
    "thresholds": {
        "thresholds.py": THRESHOLDS,
    },
    "label models": {
        "label_models/_base.py": [MAJORITY, KNOWN, VOTES, INVARIANTS],
        "label_models/_dawid_skene.py": [EM, KNOWN, INVARIANTS],
        "label_models/_known.py": [KNOWN, MODEL],
        "label_models/_label_model.py": [MODEL, KNOWN, INVARIANTS],
        "label_models/_majority_vote.py": [MAJORITY, INVARIANTS],
        "label_models/_moments.py": [MODEL, EM, INVARIANTS],
        "label_models/_reading.py": [VOTES, MAJORITY, KNOWN],
        "label_models/_tree_labeling_functions.py": [
            "label_models/test_tree_labeling_functions.py"
        ],
        "label_models/_vote_summary.py": ["label_models/test_vote_summary.py"],
        "label_models/_votes.py": [VOTES, INVARIANTS, EM],
    },
    "selection": {
        "students/_selection.py": SELECTION,
        "students/_controls.py": ["students/test_controls.py"],
        "_utils/shares.py": [
            *SELECTION,
            "students/test_recipe.py::test_accuracy_interval_is_wilsons",
        ],
        "scorers/_region_rule.py": [
            "scorers/test_region_rule.py",
            "scorers/test_overlap_detector.py",
            "scorers/test_neighbors.py",
        ],
    },
}
COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Sub,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}


def _changed(node):
    """A changed copy of a node, or None if there is nothing to change in it."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        ops = [COMPARISONS[type(node.ops[0])](), *node.ops[1:]]
        return ast.Compare(node.left, ops, node.comparators)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        texts = [isinstance(n, ast.JoinedStr) for n in (node.left, node.right)]
        if not any(texts):
            return ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
    if isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        return ast.AugAssign(node.target, OPERATORS[type(node.op)](), node.value)
    if isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        return ast.BoolOp(other(), node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        return node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return ast.Constant(not node.value)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return ast.Constant(node.value + 1)
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        test = ast.UnaryOp(ast.Not(), node.test)
        return type(node)(test, node.body, node.orelse)
    if isinstance(node, ast.Return) and node.value is not None:
        return ast.Return(ast.Constant(None))
    return None


class _Mutator(ast.NodeTransformer):
    """Counts what can be changed, and changes the one numbered `chosen`."""

    def __init__(self, chosen=-1):
        self.chosen, self.sites = chosen, []

    def visit(self, node):
        if isinstance(node, ast.JoinedStr):
            return node  # the text of a message
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("njit"):
            return node  # options of the compiler
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg | ast.AnnAssign):
            return node  # annotations
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("warn", "cast"):
            return node
        changed = _changed(node)
        number = None
        if changed is not None:
            number = len(self.sites)
            self.sites.append((getattr(node, "lineno", 0), node, changed))
        self.generic_visit(node)
        if number is not None and number == self.chosen:
            # the children were visited in place, so the copy has them as they are
            return ast.copy_location(_changed(node), node)
        return node


def sites_of(source):
    """(line, before, after) of everything that can be changed."""
    mutator = _Mutator()
    mutator.visit(ast.parse(source))
    return [
        (line, _first_line(before), _first_line(after))
        for line, before, after in mutator.sites
    ]


def _first_line(node):
    text = ast.unparse(ast.fix_missing_locations(node)).partition("\n")[0]
    return text if len(text) <= 70 else text[:67] + "..."


def mutated(source, chosen):
    """Source with one thing changed."""
    tree = _Mutator(chosen).visit(ast.parse(source))
    return ast.unparse(ast.fix_missing_locations(tree))


def _run(folder, targets, seconds):
    """Exit code of pytest in a copy of this process, and the seconds; None: too long.

    The copy has the libraries imported already, which takes longer than most tests.
    """
    start = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        _in_child(folder, targets)
    while time.perf_counter() - start < seconds:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), time.perf_counter() - start
        time.sleep(0.02)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None, time.perf_counter() - start


def _in_child(folder, targets):
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        sys.path[:] = [str(folder), *(p for p in sys.path if not _is_root(p))]
        for name in [n for n in sys.modules if n.partition(".")[0] == "tests"]:
            del sys.modules[name]
        quiet = os.open(folder / "out.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        import pytest

        options = ["-n", "0", "-q", "-x", "-p", "no:cacheprovider", "--no-header"]
        # scikit-learn's checks and those of resources are slow, and notice little else
        options += ["-m", "not slow and not data", "-k", "not sklearn and not memory"]
        code = int(pytest.main([*options, *targets]))
    finally:
        os._exit(code)


def _is_root(path):
    return not path or Path(path).resolve() == ROOT


def _copy(folder):
    ignore = shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc")
    for name in ("overlapkit", "tests", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder / name)


def _preload():
    import hypothesis.extra.numpy
    import joblib
    import lightgbm
    import numba
    import pandas
    import pytest
    import scipy.optimize
    import scipy.stats
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.model_selection
    import sklearn.pipeline
    import sklearn.utils.estimator_checks

    return hypothesis, joblib, lightgbm, numba, pandas, pytest, scipy, sklearn


def draw(groups, n_mutants, seed):
    """(group, module, number) of the mutants of each group, at most `n_mutants`."""
    chosen = []
    for group in groups:
        everything = [
            (group, module, number)
            for module in GROUPS[group]
            for number in range(len(sites_of(_source(module))))
        ]
        random.Random(f"{seed} {group}").shuffle(everything)
        chosen += sorted(everything[:n_mutants])
    return chosen


@functools.cache  # as they are when the command starts
def _source(module):
    return (ROOT / "overlapkit" / module).read_text(encoding="utf-8")


def _targets(group, module):
    files = list(dict.fromkeys(GROUPS[group][module]))
    targets = [f"tests/{name}" for name in files]
    if ">>>" in _source(module):
        targets.append(f"overlapkit/{module}")
    return targets


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--mutants", type=int, default=60, help="of each group")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", nargs="+", default=[], help="mutants such as _kernels/dip.py:12"
    )
    parser.add_argument("--list", action="store_true", help="say them, run nothing")
    options = parser.parse_args(argv)
    chosen = draw(options.groups, options.mutants, options.seed)
    if options.only:
        group_of = {m: g for g, modules in GROUPS.items() for m in modules}
        pairs = [name.rsplit(":", 1) for name in options.only]
        chosen = [(group_of[m], m, int(number)) for m, number in pairs]
    if options.list:
        for _, module, number in chosen:
            line, before, after = sites_of(_source(module))[number]
            print(f"{module}:{number} line {line}: {before}  ->  {after}")
        return 0
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    os.environ["NUMBA_CACHE_DIR"] = str(folder / "numba")
    try:
        _copy(folder)
        _preload()
        return _work(folder, chosen)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _work(folder, chosen):
    limits, survivors = {}, []
    counts = collections.defaultdict(collections.Counter)
    for group, module, number in chosen:
        targets = _targets(group, module)
        if module not in limits:
            code, first = _run(folder, targets, 900)
            if code != 0:
                print((folder / "out.txt").read_text()[-3000:])
                raise SystemExit(f"the tests of {module} fail without a change")
            limits[module] = 3 * first + 30
            print(f"{module}: {first:.0f} s without a change", flush=True)
        source = _source(module)
        path = folder / "overlapkit" / module
        path.write_text(mutated(source, number), encoding="utf-8")
        for old in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            old.unlink()
        code, seconds = _run(folder, targets, limits[module])
        path.write_text(source, encoding="utf-8")
        outcome = "survived" if code == 0 else "killed"
        counts[group][outcome] += 1
        line, before, after = sites_of(source)[number]
        how = "" if code == 0 else " by time" if code is None else f" ({code})"
        text = f"{module}:{number} line {line}: {before}  ->  {after}"
        print(f"{outcome}{how} {seconds:.0f} s  {text}", flush=True)
        if code == 0:
            survivors.append(f"{module}:{number}  line {line}: {before}  ->  {after}")
    print(f"\n{len(survivors)} survivors")
    for text in survivors:
        print(f"  {text}")
    total = collections.Counter()
    for group, outcome in counts.items():
        total.update(outcome)
        _say(group, outcome)
    _say("in all", total)
    return 0


def _say(name, outcome):
    drawn = outcome.total()
    killed = outcome["killed"]
    print(f"{name:14}{killed:4} of {drawn:4} killed, {killed / drawn:.1%}")


if __name__ == "__main__":
    sys.exit(main())
