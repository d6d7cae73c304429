"""The rooms of the package, and which of them may import which."""

import ast

import pytest

from benchmarks import structure

# a room imports itself and those before it; an arrow up would close a circle
ORDER = [
    {"_kernels", "_utils", "exceptions"},
    {"thresholds"},
    {"diagnostics"},
    {"representation", "policies", "label_models"},
    {"weak"},
    {"scorers"},
    {"students"},
    {"sources"},
    {"metrics", "datasets"},
    {"theory", "model_selection"},
    {"inspection"},
    {"_cli"},
]
FLOOR = {room: k for k, rooms in enumerate(ORDER) for room in rooms}
MODULES = sorted(structure.PACKAGE.rglob("*.py"))
MODULES = [m for m in MODULES if m.parent != structure.PACKAGE or m.stem in FLOOR]


def room_of(name):
    return name.split(".")[1]


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda p: str(p.relative_to(structure.PACKAGE))
)
def test_imports_go_one_way(path):
    own = path.relative_to(structure.PACKAGE).parts[0].removesuffix(".py")
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom):
            continue
        name = node.module or ""
        if not name.startswith("overlapkit.") or name == "overlapkit.exceptions":
            continue
        assert room_of(name) in FLOOR, name
        allowed = room_of(name) == own or FLOOR[room_of(name)] < FLOOR[own]
        # kernels and utilities need nothing of the rest, and not each other's inside
        assert allowed or {room_of(name), own} <= ORDER[0], f"{own} imports {name}"


def test_chains_of_imports_are_short():
    assert structure.depth(structure.import_graph()) <= 9


def test_few_modules_stand_at_the_top():
    names = {path.name for path in structure.PACKAGE.glob("*.py")}
    names.discard("__main__.py")  # Python's own name for `python -m overlapkit`
    assert len(names) <= 5, names


def test_modules_fit_in_a_head():
    long = {
        str(path): lines
        for path in MODULES
        if (lines := structure.code_lines(ast.parse(path.read_text()))) > 400
    }
    assert not long


def test_objects_keep_their_private_names_to_themselves():
    found = {
        f"{path.stem}: {access}"
        for path in MODULES
        for access in structure.private_accesses(ast.parse(path.read_text()))
    }
    assert not found
