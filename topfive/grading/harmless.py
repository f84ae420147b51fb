"""What a stranger's notebook may show on a page: text, pictures and tables; nothing that runs, calls or leads astray.

`Harmless` mends the notebook that grading keeps, `ToTheEnd` of which ran it; what was handed in stays as it was in
submitted/. `clean_html` and `markdown2html` take the place of nbconvert's filters wherever a page is made of it. Left
out: the code itself, which is shown and not run.
"""

import base64
import binascii
import re
import uuid
from typing import Any

from bleach.css_sanitizer import CSSSanitizer
from bleach.sanitizer import Cleaner
from bs4 import BeautifulSoup
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbgrader.preprocessors import NbGraderPreprocessor

Cell = Any  # nbformat.NotebookNode, which is untyped

LARGEST = 500_000  # characters of HTML or markdown that are looked through; more is dropped
WORDS = 1000  # characters that describe a picture
TOO_LARGE = "(This was too large to be shown.)"
AS_TEXT = "What stands here held something that a page could run. It is shown as it was written:"
TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "col", "colgroup", "dd", "del", "details"),
    *("div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins"),
    *("kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "summary"),
    *("sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var"),
}
UNSEEN = ["script", "style", "title", "template", "noscript", "object", "embed", "applet"]  # dropped with all in them
PLAIN = {"title", "lang", "dir", "align", "valign", "width", "height", "colspan", "rowspan", "scope", "border"}
CLASS = re.compile(
    r"(?:[a-z]{1,2}\d?|err|hll|highlight|dataframe|anchor-link|language-\w+|\s)*"
)  # none of a page's own
PICTURE = re.compile(
    r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*"
)  # one in an <img> runs nothing
NEIGHBOUR = re.compile(r"(?:[\w-]+/)*[\w-]+\.(?:png|jpe?g|gif|webp)")  # a file of the same submission
LINK = re.compile(r"(?:https?://|mailto:|#).*", re.IGNORECASE | re.DOTALL)
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
SHOWN_AS_IT_IS = ("text/plain", "text/latex")  # pages escape them
RASTER = ("image/png", "image/jpeg")


def _allowed(tag: str, name: str, value: str) -> bool:
    """Whether an attribute may stay."""
    if name == "src":
        return tag == "img" and bool(PICTURE.fullmatch(value) or NEIGHBOUR.fullmatch(value))
    if name == "href":
        return tag == "a" and bool(LINK.fullmatch(value))
    if name == "id":
        return bool(
            re.match(r"h[1-6]$", tag)
        )  # a heading's own; others could take a name that a page's script asks for
    if name == "class":
        return bool(CLASS.fullmatch(value))
    return name in PLAIN or name == "style" or (tag, name) in {("img", "alt"), ("ol", "start"), ("details", "open")}


def _cleaner() -> Cleaner:
    return Cleaner(
        TAGS, _allowed, protocols={"http", "https", "mailto", "data"}, css_sanitizer=CSSSanitizer(), strip=True
    )


def clean_html(html: str) -> str:
    """HTML with nothing in it that runs, or asks for anything from elsewhere. Of a very large one nothing is left."""
    if len(html) > LARGEST:
        return TOO_LARGE
    soup = BeautifulSoup(html, "html.parser")
    for unseen in soup(UNSEEN):
        unseen.decompose()
    return str(_cleaner().clean(str(soup)))


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """Markdown as HTML, cleaned: nbconvert's filter of this name, for a page's template."""
    cell = context.get("cell") or {}
    return clean_html(_rendered(source, cell.get("attachments", {})))


def _rendered(source: str, attachments: Any) -> str:
    renderer = IPythonRenderer(escape=False, attachments=attachments)
    return str(MarkdownWithMath(renderer=renderer).render(source))


class Harmless(NbGraderPreprocessor):
    """The last step of autograde: what a page would run is taken out of outputs, text and metadata."""

    def preprocess(self, nb: Cell, resources: Any) -> tuple[Cell, Any]:
        """Go through one notebook, in place."""
        kept = {name: nb.metadata[name] for name in ("kernelspec", "topfive") if name in nb.metadata}
        nb.metadata = type(nb.metadata)(kept | {"language_info": {"name": "python"}})
        for cell in nb.cells:
            self.mend(cell)
        return nb, resources

    def mend(self, cell: Cell) -> None:
        """One cell, in place."""
        if "id" in cell and not NAME.fullmatch(cell.id):
            cell.id = uuid.uuid4().hex[:8]
        cell.metadata = type(cell.metadata)(_plain(cell.metadata))
        if cell.cell_type == "code":
            cell.outputs = [self._output(output) for output in cell.outputs]
        else:
            cell["attachments"] = _attachments(cell.get("attachments", {}))
            if not cell["attachments"]:
                del cell["attachments"]
            cell.source = as_text(cell.source, cell.get("attachments", {}))

    def _output(self, output: Cell) -> Cell:
        if "data" in output:
            output.metadata = type(output.data)(_sizes(output.get("metadata", {})))
            output.data = type(output.data)(_data(output.data))
        return output


def _plain(metadata: Any) -> dict[str, Any]:
    """What may stay of a cell's metadata: nbgrader's, which is the course's own by now, and names as tags."""
    tags = [tag for tag in metadata.get("tags", []) if isinstance(tag, str) and NAME.fullmatch(tag)]
    return {name: metadata[name] for name in ("nbgrader",) if name in metadata} | ({"tags": tags} if tags else {})


def _data(data: Any) -> dict[str, str]:
    """What may stay of an output, by kind."""
    kept: dict[str, str] = {}
    for kind, value in data.items():
        text = "".join(value) if isinstance(value, list) else value
        if not isinstance(text, str):
            continue
        if kind in SHOWN_AS_IT_IS or (kind in RASTER and _is_base64(text)):
            kept[kind] = text
        elif kind == "text/html":
            kept[kind] = clean_html(text)
        elif kind == "text/markdown":
            kept[kind] = as_text(text, {})
        elif kind == "image/svg+xml":
            kept.setdefault("text/html", _as_picture(text))
    return kept


def _sizes(metadata: Any) -> dict[str, dict[str, Any]]:
    """How large a picture is shown, and its words for who does not see it; pages escape these."""
    kept: dict[str, dict[str, Any]] = {}
    for kind in RASTER:
        about = metadata.get(kind, {})
        sizes = {name: about[name] for name in ("width", "height") if isinstance(about.get(name), int | float)}
        words = {"alt": about["alt"][:WORDS]} if isinstance(about.get("alt"), str) else {}
        if sizes or words:
            kept[kind] = sizes | words
    return kept


def _as_picture(svg: str) -> str:
    """A drawing as a picture, in which nothing runs and which asks for nothing."""
    return f'<img alt="" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'


def _attachments(attachments: Any) -> dict[str, dict[str, str]]:
    """Pictures that are pictures."""
    kept: dict[str, dict[str, str]] = {}
    for name, kinds in attachments.items():
        pictures = {kind: data for kind, data in kinds.items() if kind in RASTER and _is_base64(data)}
        if pictures:
            kept[name] = pictures
    return kept


def _is_base64(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError):
        return False


def as_text(source: str, attachments: Any) -> str:
    """Markdown as it is, where what it shows is harmless; else as a block of text, with a word on why."""
    if len(source) > LARGEST:
        return TOO_LARGE
    try:
        shown = _rendered(source, attachments)
        if _tree(shown) == _tree(clean_html(shown)):
            return source
    except Exception:  # whatever a hostile text does to its reader, it is no markdown to keep
        pass
    fence = "`" * (1 + max(map(len, re.findall("`+", source)), default=2))
    return f"*{AS_TEXT}*\n\n{fence}text\n{source}\n{fence}"


def _tree(html: str) -> str:
    """HTML in one way of writing it."""
    return str(BeautifulSoup(html, "html.parser"))
