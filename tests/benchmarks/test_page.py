"""A page of results as a browser lays it out."""

import re
import shutil
import subprocess

import pandas as pd
import pytest

from benchmarks.page import write_page

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
MEASURE = """<script>addEventListener("load", () => {
    const page = document.documentElement;
    const hidden = page.scrollWidth - page.clientWidth;
    parent.postMessage("hidden: " + hidden + " px", "*") })</script></body>"""
# a window of a browser has a least width, a frame has none
FRAME = """<body><iframe src="page.html" style="width: {}px; border: 0"></iframe><p></p>
<script>addEventListener("message", event => {{
    document.querySelector("p").textContent = event.data }})</script></body>"""


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome here")
@pytest.mark.parametrize("width", [400, 1280])
def test_a_page_does_not_scroll_sideways(tmp_path, width):
    figure_module = pytest.importorskip("matplotlib.figure")
    wide = pd.DataFrame(
        {f"a long name, {i}": ["-10.3 [-56.0, 35.3]"] for i in range(12)}
    )
    figures = [figure_module.Figure((3.6, 2.8)) for _ in range(4)]
    folder = "/home/somebody/a/folder/of/sets/with/a/long/name/set.npz has no votes."
    sections = [
        ("Tables", "A text.", [wide, figure_module.Figure((9, 3)), figures]),
        ("Left out", folder, []),
    ]
    write_page(tmp_path / "page.html", "Title", "An answer.", "a command", sections)
    page = (tmp_path / "page.html").read_text().replace("</body>", MEASURE)
    (tmp_path / "page.html").write_text(page)
    (tmp_path / "frame.html").write_text(FRAME.format(width))
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,900"]
    command += ["--disable-background-networking", "--virtual-time-budget=5000"]
    command += ["--allow-file-access-from-files", "--dump-dom"]
    shown = subprocess.run(
        [*command, (tmp_path / "frame.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
    assert re.findall(r"<p>hidden: (\d+) px</p>", shown) == ["0"]
