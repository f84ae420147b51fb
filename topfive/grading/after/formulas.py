"""Formulas of a feedback page as MathML, which browsers draw by themselves: no program has to be fetched for them."""

import re
from html import escape
from typing import Any
from xml.etree import ElementTree

from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from topfive.grading.harmless import LARGEST, TOO_LARGE, clean_html

MATHML = "http://www.w3.org/1998/Math/MathML"
TAGS = {
    *("math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mprescripts"),
    *("mroot", "mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr"),
    *("munder", "munderover", "none"),
}
NEVER = re.compile(r"(?:on.*|href|src|style|id|class|\{.*)")  # attributes
OPEN, CLOSE = "\ue000", "\ue001"  # around a formula's number while the text around it is cleaned

ElementTree.register_namespace("", MATHML)


def drawn(tex: str, display: str) -> str:
    """A formula as MathML; as it is written, where that cannot be. display: "inline" or "block"."""
    try:
        tree = ElementTree.fromstring(convert(tex, display=display))
        for part in tree.iter():
            if part.tag.removeprefix(f"{{{MATHML}}}") not in TAGS or any(map(NEVER.fullmatch, part.attrib)):
                raise ValueError(part.tag)
    except Exception:  # whatever it makes of a text that is no formula
        mark = "$" if display == "inline" else "$$"
        return escape(f"{mark}{tex}{mark}")
    return ElementTree.tostring(tree, encoding="unicode")


class WithFormulas(IPythonRenderer):
    """nbconvert's renderer of markdown; keeps formulas apart, and leaves their numbers in the text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kept: dict[str, str] = {}

    def _keep(self, tex: str, display: str) -> str:
        number = str(len(self.kept))
        self.kept[number] = drawn(tex, display)
        return f"{OPEN}{number}{CLOSE}"

    def inline_math(self, body: str) -> str:
        """A formula in a line."""
        return self._keep(body, "inline")

    def block_math(self, body: str) -> str:
        """A formula on a line of its own."""
        return self._keep(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        """The same, as an environment."""
        return self._keep(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """Markdown as HTML, cleaned, with its formulas drawn: nbconvert's filter of this name."""
    if len(source) > LARGEST:
        return TOO_LARGE
    cell = context.get("cell") or {}
    renderer = WithFormulas(escape=False, exclude_anchor_links=True, attachments=cell.get("attachments", {}))
    html = clean_html(MarkdownWithMath(renderer=renderer).render(re.sub(f"[{OPEN}{CLOSE}]", "", source)))
    return re.sub(f"{OPEN}(\\d+){CLOSE}", lambda found: renderer.kept.get(found[1], ""), html)
