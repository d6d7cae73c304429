"""Formulas as MathML, which browsers draw themselves: no script, no network."""

import re

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.errors import ExtensionError


def _mathml(source, *, display):
    code = source.replace(r"\dots", r"\ldots")
    # docutils knows the sizes of brackets by \bigl and \Biggl and their like only
    code = re.sub(r"\\([bB]igg?)(?=[(\[])", r"\\\1l", code)
    code = re.sub(r"\\([bB]igg?)(?=[)\]])", r"\\\1r", code)
    if "\\\\" in code and r"\begin" not in code:
        code = rf"\begin{{aligned}}{code}\end{{aligned}}"
    try:
        return latex2mathml.tex2mathml(code, as_block=display)
    except MathError as error:
        raise ExtensionError(f"formula {source!r}: {error}") from error


def visit_math(self, node):
    """Write an inline formula."""
    self.body.append(_mathml(node.astext(), display=False))
    raise nodes.SkipNode


def visit_math_block(self, node):
    """Write a displayed formula."""
    self.body.append(f'<div class="math">{_mathml(node.astext(), display=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
