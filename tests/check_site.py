"""Look for broken links and for what must not be on a page, in the built site.

``python tests/check_site.py docs/_build/html``; a step of ``.ci/run``. Links between
pages, to anchors, pictures and style sheets must lead somewhere; no page may show a
path of the machine that built it, or a warning of the build. Links to other sites are
not followed: the check needs no network.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# a home, a scratch folder, an environment: text that only the builder's machine has
PATHS = re.compile(r"(/home/\w|/root/|/tmp/|/site-packages/|[A-Z]:\\Users\\)")
WARNINGS = re.compile(r"System Message: (WARNING|ERROR)|Traceback \(most recent call")
# a page of an error on purpose names it
ALLOWED = {"Traceback (most recent call": ("auto_examples",)}


class _Page(HTMLParser):
    """Links, anchors and text of a page."""

    def __init__(self):
        super().__init__()
        self.links, self.anchors, self.text, self._hidden = [], set(), [], 0

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self._hidden += tag in ("script", "style")
        self.anchors |= {attrs[name] for name in ("id", "name") if attrs.get(name)}
        for name in ("href", "src"):
            if attrs.get(name):
                self.links.append(attrs[name])

    def handle_endtag(self, tag):
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data):
        if not self._hidden:
            self.text.append(data)


def check(site):
    """Faults of a built site, as lines of text."""
    pages = {}
    for path in sorted(site.rglob("*.html")):
        if "_static" not in path.relative_to(site).parts:
            page = _Page()
            page.feed(path.read_text(encoding="utf-8"))
            pages[path.resolve()] = page
    faults = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        for link in page.links:
            fault = _fault_of(link, path, pages)
            if fault:
                faults.append(f"{name}: {link}: {fault}")
        text = "".join(page.text)
        found = {*PATHS.findall(text), *(m[0] for m in WARNINGS.finditer(text))}
        for what in sorted(found):
            if not name.as_posix().startswith(ALLOWED.get(what, "-")):
                faults.append(f"{name}: the page shows {what!r}")
    return pages, faults


def _fault_of(link, path, pages):
    """What is wrong with a link of a page; None if nothing is."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
    if not target.exists():
        return "there is no such file"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return "the page has no such anchor"
    return None


def main(argv):
    """Print every fault; returns 1 if there is one."""
    pages, faults = check(Path(argv[0]))
    print(*faults, sep="\n")
    print(
        f"{len(pages)} pages, {sum(len(p.links) for p in pages.values())} links, "
        f"{len(faults)} faults"
    )
    return int(bool(faults) or not pages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
