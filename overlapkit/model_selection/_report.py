"""WeakToStrongReport: tables of a report, its verdict, its figure and its page."""

from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from overlapkit._utils.checks import check_kind
from overlapkit._utils.figures import as_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["WeakToStrongReport", "make_verdict"]

_SHOWN_ROWS = 200  # of the table of rows in the page


@dataclass(frozen=True, eq=False)
class WeakToStrongReport:
    """What :func:`weak_to_strong_report` returns.

    Attributes
    ----------
    summary : DataFrame
        A row for each model (the index, ``model``): ``n_repeats``, ``mean``, ``sd``,
        gains over other models and performance gaps recovered, each with the bounds of
        its interval ``_low`` and ``_high``.
    runs : DataFrame
        A row for each repeat and model: ``seed`` (number of the repeat), ``model``,
        ``n_train``, ``label_purity``, ``accuracy``, ``balanced_accuracy``.
    verdict : str
        One sentence: does the selection help, do the weak labels help, by how much,
        and how sure is that.
    rows : DataFrame
        A row for each row of X, by the first student fitted on all of them: ``id``,
        ``weak_label``, ``corrected_label`` (of a student that corrects labels),
        ``confidence``, ``score``, ``region``, ``selected`` and ``why``.
    design : str
        What was repeated, and what the intervals are intervals of.
    metric : str
        The metric of `summary`.

    See Also
    --------
    weak_to_strong_report : Computes it.

    Examples
    --------
    >>> import pandas as pd
    >>> from overlapkit.model_selection import WeakToStrongReport
    >>> summary = pd.DataFrame(
    ...     {"mean": [0.7, 0.8], "gain_weak": [0.0, 0.1],
    ...      "gain_weak_low": [0.0, 0.05], "gain_weak_high": [0.0, 0.15]},
    ...     index=["weak model", "student"],
    ... )
    >>> report = WeakToStrongReport(
    ...     summary, pd.DataFrame(), "The student helps.", pd.DataFrame()
    ... )
    >>> report.verdict
    'The student helps.'
    """

    summary: pd.DataFrame
    runs: pd.DataFrame
    verdict: str
    rows: pd.DataFrame
    design: str = ""
    metric: str = "accuracy"

    def __post_init__(self) -> None:
        for name in ("summary", "runs", "rows"):
            table = "a DataFrame, as weak_to_strong_report makes it"
            check_kind(getattr(self, name), name, pd.DataFrame, table)
        for name in ("verdict", "design", "metric"):
            check_kind(getattr(self, name), name, str, "a text")

    def plot(self, ax: "Axes | None" = None, *, gain: str = "weak") -> "Axes":
        """Draw the gain of every model over one of them, with its interval.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: a new figure.
        gain : str, default="weak"
            Which gains: columns ``gain_<gain>`` of `summary`.

        Returns
        -------
        ax : matplotlib Axes
            The axes drawn on.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        import matplotlib.pyplot as plt

        names, middle, low, high = self._gains(gain)
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        places = np.arange(len(names))[::-1]
        ax.axvline(0, color="0.6", linewidth=1)
        ax.hlines(places, low, high, color="#0072B2", linewidth=2)
        ax.plot(middle, places, "o", color="#0072B2")
        ax.set_yticks(places, [as_text(name) for name in names])
        ax.set_xlabel(f"gain in {self.metric.replace('_', ' ')} ({gain}), in points")
        return ax

    def to_html(self, path: str | PathLike) -> None:
        """Write the report as one self-contained page.

        Parameters
        ----------
        path : str or path
            The file to write.
        """
        Path(path).write_text(self._page(), encoding="utf-8")

    def _gains(self, gain):
        column = f"gain_{gain}"
        if column not in self.summary:
            there = [
                name.removeprefix("gain_")
                for name in self.summary
                if name.startswith("gain_") and not name.endswith(("_low", "_high"))
            ]
            raise ValueError(f"There is no column {column!r}; gain is one of {there}.")
        part = self.summary[self.summary[column].notna()]
        columns = (column, f"{column}_low", f"{column}_high")
        return part.index.tolist(), *(100 * part[name].to_numpy() for name in columns)

    def _page(self) -> str:
        labels = self.runs.groupby("model")["n_train"].mean() if len(self.runs) else {}
        head = ["model", "rows", self.metric.replace("_", " ")]
        gains = [
            name
            for name in self.summary
            if name.startswith("gain_") and not name.endswith(("_low", "_high"))
        ]
        head += [
            name.replace("_", " ").replace("gain ", "gain over ") for name in gains
        ]
        body = []
        for name, line in self.summary.iterrows():
            cells = [name, f"{labels[name]:.0f}" if name in labels else ""]
            cells.append(f"{line['mean']:.1%}")
            cells += [
                _gain(*(line[f"{column}{end}"] for end in ("", "_low", "_high")))
                for column in gains
            ]
            body.append(cells)
        rows = self.rows.head(_SHOWN_ROWS)
        shown = f"The first {len(rows)} of {len(self.rows)} rows."
        parts = [
            "<h1>Weak-to-strong report</h1>",
            f"<p class=verdict>{escape(self.verdict)}</p>",
            "<h2>Gain over the weak model, in points</h2>",
            self._picture(),
            "<h2>Models</h2>",
            _table(head, body),
            f"<p>{escape(self.design)}</p>",
        ]
        if len(rows):
            values = [[_cell(value) for value in line] for line in rows.to_numpy()]
            names = [name.replace("_", " ") for name in rows]
            parts += ["<h2>Rows</h2>", f"<p>{shown}</p>", _table(names, values)]
        return _PAGE.format(body="\n".join(parts))

    def _picture(self) -> str:
        """Gains over the weak model as a drawing of one line a model."""
        names, middle, low, high = self._gains("weak")
        ends = np.nan_to_num(np.concatenate([middle, low, high]))
        left, right = min(ends.min(), -0.5), max(ends.max(), 0.5)
        zero, middles, starts, stops = (
            100 * (values - left) / (right - left)
            for values in (0.0, middle, low, high)
        )
        lines = []
        for name, gain, m, a, b in zip(names, middle, middles, starts, stops):
            bar = ""
            if np.isfinite(b - a):
                bar = f'<i class=bar style="left:{a:.1f}%;width:{b - a:.1f}%"></i>'
            lines.append(
                f"<div class=line><span>{escape(str(name))}</span><span class=track>"
                f'<i class=zero style="left:{zero:.1f}%"></i>{bar}'
                f'<i class=dot style="left:{m:.1f}%"></i></span>'
                f"<span class=value>{gain:+.1f}</span></div>"
            )
        return "\n".join(lines)


def make_verdict(summary, student, metric, level, *, corrects=False) -> str:
    """One sentence on the first student: selection, weak labels, and how sure.

    Parameters
    ----------
    summary : DataFrame
        As in :class:`WeakToStrongReport`.
    student : str
        The student.
    metric : str
        The metric.
    level : float
        Confidence level of the intervals.
    corrects : bool, default=False
        Whether the student also corrects the weak labels.

    Returns
    -------
    verdict : str
    """
    line = summary.loc[student]
    parts = [f"{student}: {metric.replace('_', ' ')} {line['mean']:.1%}"]
    questions = [
        (
            "random_non_hard",
            "correcting labels and choosing rows"
            if corrects
            else "choosing these rows",
            "as many random rows that are not hard",
        ),
        (
            "covered_rows",
            "all of it together" if corrects else "selection as a whole",
            "every row with a weak label",
        ),
        ("without_weak_labels", "learning from weak labels", "the same without them"),
        (
            "known_labels",
            "all of it together" if corrects else "learning from weak labels",
            "the known labels alone",
        ),
        ("weak", "the strong model", "the weak model"),
    ]
    if np.isfinite(line.get("gain_known_labels", np.nan)):
        questions.pop()
    for column, what, other in questions:
        gain, low, high = (
            line.get(f"gain_{column}{end}", np.nan) for end in ("", "_low", "_high")
        )
        if not np.isfinite(gain):
            continue
        if not np.isfinite(low):
            found = "has no interval from these repeats"
        elif low > 0:
            found = "helps"
        elif high < 0:
            found = "hurts"
        else:
            found = "makes no clear difference"
        bounds = ""
        if np.isfinite(low):
            bounds = (
                f", {100 * level:.3g} % interval {100 * low:+.1f} to {100 * high:+.1f}"
            )
        parts.append(f"{what} {found} ({100 * gain:+.1f} points over {other}{bounds})")
    return "; ".join(parts) + "."


def _gain(mean, low, high) -> tuple[str, ...]:
    """A gain and its interval, in points."""
    if not np.isfinite(mean):
        return ("",)
    if not np.isfinite(low):
        return (f"{100 * mean:+.1f}",)
    return f"{100 * mean:+.1f}", f"{100 * low:+.1f} to {100 * high:+.1f}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.3g}"
    return str(value)


def _table(head, body) -> str:
    """Lay out a table whose cells know their column, for narrow screens."""
    heads = "".join(f"<th>{escape(str(cell))}</th>" for cell in head)
    rows = "".join(f"<tr>{''.join(map(_data, head, line))}</tr>" for line in body)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _data(name, cell) -> str:
    first, *rest = cell if isinstance(cell, tuple) else (cell,)
    small = "".join(f" <small>{escape(part)}</small>" for part in rest)
    text = f"<span>{escape(str(first))}{small}</span>" if first != "" else ""
    return f'<td data-name="{escape(str(name))}">{text}</td>'


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Weak-to-strong report</title><style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:1200px;margin:0 auto;padding:1rem;
color:#222;background:#fff}}
h1{{font-size:1.5rem}}h2{{font-size:1.15rem;margin-top:2rem}}
.verdict{{font-size:1.1rem;border-left:4px solid #0072B2;padding-left:.8rem}}
table{{border-collapse:collapse;width:100%;font-size:.9rem}}
th,td{{padding:.3rem .5rem;border-bottom:1px solid #ddd;text-align:left;
vertical-align:top}}th{{background:#f4f6f8}}
td:first-child{{min-width:8rem;overflow-wrap:anywhere}}
td small{{display:block;white-space:nowrap;color:#555}}
.line{{display:grid;grid-template-columns:16rem 1fr 3.5rem;gap:.6rem;
align-items:center;font-size:.9rem;overflow-wrap:anywhere}}
@media(max-width:800px){{.line{{grid-template-columns:1fr 3.5rem;gap:0 .6rem;
margin-bottom:.4rem}}.line span:first-child{{grid-column:1/3}}
thead{{display:none}}table,tbody,tr,td{{display:block}}
tr{{border-bottom:1px solid #999;padding:.4rem 0}}
td{{display:flex;justify-content:space-between;gap:1rem;border:0;
padding:.1rem 0;text-align:right}}td:empty{{display:none}}
td::before{{content:attr(data-name);color:#555;text-align:left}}
td:first-child{{font-weight:600;text-align:left}}td:first-child::before{{content:none}}
td small{{display:inline;white-space:normal}}}}
.track{{position:relative;height:1.6rem}}.track i{{position:absolute}}
.zero{{width:1px;height:100%;background:#999}}
.bar{{height:4px;top:calc(50% - 2px);background:#0072B2;opacity:.5}}
.dot{{width:10px;height:10px;border-radius:50%;background:#0072B2;top:calc(50% - 5px);
margin-left:-5px}}.value{{text-align:right}}
</style></head><body>
{body}
</body></html>
"""
