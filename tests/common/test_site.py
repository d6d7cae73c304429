"""The check of the built site finds what it is there to find."""

import pytest

from tests.check_site import check

GOOD = '<a id="here"></a><a href="#here">up</a><img src="picture.png"><p>text</p>'


@pytest.mark.parametrize(
    ("extra", "fault"),
    [
        ("", None),
        ('<a href="https://example.org/none">elsewhere</a>', None),
        ('<a href="none.html">gone</a>', "there is no such file"),
        ('<a href="index.html#there">gone</a>', "the page has no such anchor"),
        ("<p>/home/somebody/overlapkit/_base.py</p>", "the page shows '/home/s'"),
        ("<p>System Message: WARNING/2</p>", "System Message: WARNING"),
        ("<script>'/tmp/'</script>", None),
    ],
)
def test_broken_links_and_paths_of_the_builder_are_found(tmp_path, extra, fault):
    (tmp_path / "index.html").write_text(GOOD + extra)
    (tmp_path / "picture.png").touch()
    pages, faults = check(tmp_path)
    assert len(pages) == 1
    assert [f for f in faults if fault and fault in f] == faults
    assert len(faults) == (fault is not None)
