"""One self-contained HTML page of tables and figures."""

import base64
import io
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader

from benchmarks.common import write_atomically
from benchmarks.job.store import LIBRARIES
from overlapkit import __version__

__all__ = ["write_page"]


def write_page(path, title, answer, command, sections):
    """Write a page.

    Parameters
    ----------
    path : path
        The file.
    title, answer, command : str
        A question, what came out, and the command that makes the page.
    sections : list of (str, str, list)
        Heading, a paragraph, and frames and figures; a list of figures of the same
        size stands side by side as far as there is room.
    """
    shown = []
    for heading, text, parts in sections:
        shown.append(
            {"heading": heading, "text": text, "parts": [_part(p) for p in parts]}
        )
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    page = environment.get_template("page.html.jinja").render(
        title=title,
        answer=answer,
        command=command,
        sections=shown,
        machine=f"overlapkit {__version__}, Python {platform.python_version()}, "
        f"{libraries}",
    )
    write_atomically(path, page)
    print(f"wrote {path}")


def _part(part):
    if isinstance(part, pd.DataFrame):
        return _table(part)
    if isinstance(part, list):
        return {"images": [_image(figure) for figure in part]}
    return {"image": _image(part)}


def _table(frame):
    index = not isinstance(frame.index, pd.RangeIndex)
    title = [", ".join(name or "" for name in frame.index.names)] if index else []
    head = [*title, *map(str, frame.columns)]
    names = [", ".join(n) if isinstance(n, tuple) else str(n) for n in frame.index]
    rows = [
        [*([name] if index else []), *(_cell(value) for value in row)]
        for name, row in zip(names, frame.itertuples(index=False))
    ]
    return {"head": head, "rows": rows}


def _cell(value):
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.1f}"
    return str(value)


def _image(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return base64.b64encode(buffer.getvalue()).decode()
