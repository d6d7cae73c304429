"""The examples of the guide run and print what the pages say."""

import doctest
from pathlib import Path

import pytest

PAGES = sorted(
    page
    for page in (Path(__file__).parents[2] / "docs").glob("*.rst")
    if page.name != "api.rst" and ">>> " in page.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_prints_what_it_says(page):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(
        str(page), module_relative=False, optionflags=flags, encoding="utf-8"
    )
    assert result.attempted > 0
    assert result.failed == 0
