"""The recipes of CONTRIBUTING.md run as they stand."""

import re
import textwrap
import warnings
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = {
    part.split("\n")[0]: re.findall(r"```python\n(.*?)```", part, flags=re.DOTALL)
    for part in TEXT.split("\n## ")
    if part.startswith("Add a")
}
PRINTED = {
    "Add a scorer": r"\d+ of 600 rows selected",
    "Add a label model": r"\[\[0\. +1\. *\]\s+\[1\. +0\. *\]\s+\[0\.5 +0\.5\]\]",
    "Add a policy": r"1",
}


@pytest.mark.parametrize("recipe", sorted(PRINTED))
def test_a_recipe_runs(recipe, capsys):
    code = "\n".join(map(textwrap.dedent, RECIPES[recipe]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(code, recipe, "exec"), {"__name__": "recipe"})
    assert re.fullmatch(PRINTED[recipe], capsys.readouterr().out.strip())


def test_every_folder_of_the_picture_exists():
    package = Path(__file__).parents[2] / "overlapkit"
    picture = TEXT.split("## The way of the data")[1].split("Two values travel")[0]
    for name in re.findall(r"([a-z_]+)/", picture):
        assert (package / name).is_dir() or name in ("overlapkit", "tests"), name
