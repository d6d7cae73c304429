"""``python -m benchmarks [COMMAND] [OPTIONS]``; without a command, the main job."""

import ast
import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def commands():
    """Name -> (module, summary) of every module with main(argv); read, not imported."""
    found = {}
    for path in sorted(FOLDER.rglob("[!_]*.py")) + sorted(FOLDER.glob("*/__init__.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not any(_is_main(node) for node in tree.body):
            continue
        parts = path.relative_to(FOLDER).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        constants = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        name = constants.get("COMMAND", parts[-1].replace("_", "-"))
        summary = constants.get("SUMMARY", ast.get_docstring(tree).split("\n")[0])
        found[name] = ".".join(("benchmarks", *parts)), summary
    return dict(sorted(found.items(), key=lambda item: item[0] != "main"))


def _is_main(node):
    return (
        isinstance(node, ast.FunctionDef)
        and node.name == "main"
        and [argument.arg for argument in node.args.args] == ["argv"]
    )


def main(argv):
    """Run a command; returns its exit code."""
    known = commands()
    if argv and argv[0] in ("-h", "--help"):
        print(__doc__.strip(), "\n\ncommands:")
        for name, (_, summary) in known.items():
            print(f"  {name:18s}{summary}")
        print("\n`python -m benchmarks COMMAND --help` lists the options of a command.")
        return 0
    if argv and argv[0] in known:
        name, rest = argv[0], argv[1:]
    elif argv and not argv[0].startswith("-"):
        print(f"unknown command {argv[0]!r}; one of: {', '.join(known)}")
        return 2
    else:
        name, rest = "main", argv
    return importlib.import_module(known[name][0]).main(rest) or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
