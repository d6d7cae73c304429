"""The HTML picture of an estimator links to its page, where there is one."""

import re

import pytest

from overlapkit import OverlapDetector
from overlapkit.label_models import MajorityVote
from overlapkit.scorers import BaseScorer, ConfidenceScorer


@pytest.fixture
def installed_with(tmp_path, monkeypatch):
    """Install metadata with these lines in front of those of the package."""

    def install(*lines):
        folder = tmp_path / "overlapkit-9.dist-info"
        folder.mkdir()
        text = "\n".join(["Metadata-Version: 2.4", "Name: overlapkit", *lines])
        (folder / "METADATA").write_text(f"{text}\n")
        monkeypatch.syspath_prepend(tmp_path)

    return install


def links(estimator):
    """Addresses that the picture of an estimator leads to."""
    return re.findall(r'href="(https?://[^"#]*)', estimator._repr_html_())


@pytest.mark.parametrize(
    ("estimator", "page"),
    [
        (OverlapDetector(), "overlapkit.OverlapDetector"),
        (MajorityVote(), "overlapkit.label_models.MajorityVote"),
        (ConfidenceScorer(), "overlapkit.scorers.ConfidenceScorer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("end", ["", "/"])
def test_the_picture_links_to_the_page_of_the_named_site(
    installed_with, estimator, page, end
):
    installed_with(
        "Project-URL: Source, https://example.org/source",
        f"Project-URL: Documentation, https://docs.example.org/stable{end}",
    )
    wanted = f"https://docs.example.org/stable/generated/{page}.html"
    assert set(links(estimator)) == {wanted}


def test_no_address_is_guessed(installed_with):
    installed_with("Project-URL: Source, https://example.org/source")
    assert links(OverlapDetector()) == []


def test_a_scorer_of_somebody_else_has_no_page_here(installed_with):
    class Mine(BaseScorer):
        def _fit_rows(self, rows):
            raise NotImplementedError

        def _score_rows(self, rows):
            raise NotImplementedError

    installed_with("Project-URL: Documentation, https://docs.example.org")
    assert links(Mine()) == []
