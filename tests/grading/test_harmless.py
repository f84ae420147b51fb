"""What is taken out of a stranger's notebook before a page shows it, and what stays."""

import base64
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from topfive.build.notebooks import ROOT
from topfive.grading.harmless import AS_TEXT, LARGEST, TOO_LARGE, Harmless, as_text, clean_html, markdown2html

RUNS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' java\nscript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<form action='/api/shutdown'><button>x</button></form>",
    "<base href='http://evil.test/'>",
    "<meta http-equiv=refresh content='0;url=http://evil.test'>",
    "<link rel=stylesheet href='http://evil.test/x.css'>",
    "<style>@import 'http://evil.test/x.css'</style>",
    "<p style='background: url(http://evil.test/x)'>x</p>",
    "<img src='http://evil.test/x.png'>",
    "<img src='/api/shutdown'>",
    "<img src='../../x.png'>",
    "<div class='navbar-fixed-top' id='top' data-link='x'>x</div>",
]
LEFT = ("<script", "alert(1)>", "onerror=", "onload=", "evil.test", "javascript:", "<svg", "<iframe", "<form", "<math")


@pytest.mark.parametrize("html", RUNS)
def test_what_runs_or_calls_is_taken_out(html: str):
    found = clean_html(f"<b>before</b> {html} <b>after</b>").lower()
    assert not [word for word in LEFT if word in found]
    assert not [word for word in ("/api", "../", "navbar", "data-link", 'id="top"') if word in found]
    assert found.startswith("<b>before</b>")


@pytest.mark.parametrize(
    "source", [*(one for one in RUNS if "svg/" not in one), "[x](javascript:alert(1))", "![x](http://evil.test/x.png)"]
)
def test_markdown_that_would_do_it_is_shown_as_text(source: str):
    found = as_text(source, {})
    assert found.startswith(f"*{AS_TEXT}*")
    assert source in found
    assert as_text(found, {}) == found


def test_it_cannot_break_out_of_the_text():
    source = "```\n````\n<script>alert(1)</script>\n`````"
    assert "<script" not in markdown2html({}, as_text(source, {}))


@pytest.mark.parametrize(
    "source",
    [
        "# A heading\n\n> quoted: 1 < 2 & 3 > 2\n\n| a | b |\n|---|---|\n| $x_1 < y$ | `<pad>` |",
        "A [link](https://example.org/a?b=1&c=2), a [mail](mailto:a@b.c), <b>bold</b>, and H<sub>2</sub>O",
        "```python\nif a < b:\n    print('<script>')\n```",
        "![a picture](figures/mine.png)",
    ],
)
def test_ordinary_markdown_stays(source: str):
    assert as_text(source, {}) == source


def test_what_the_course_gives_out_stays():
    cells = nbformat.read(ROOT / "notebooks" / "06-ppo" / "06-ppo.ipynb", as_version=4).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert [text for text in texts if as_text(text, {}) != text] == []


def test_tables_stay_and_their_styles_go():
    table = '<table border="1" class="dataframe"><tbody><tr><td>1</td></tr></tbody></table>'
    assert clean_html(f"<style scoped>.dataframe td {{top: 0}}</style>{table}") == table
    assert clean_html("x" * (LARGEST + 1)) == TOO_LARGE


def mended(cell: Any, **metadata: Any) -> Any:
    notebook = new_notebook(cells=[cell], metadata=metadata)
    Harmless().preprocess(notebook, {})
    nbformat.validate(notebook)
    return notebook


PIXEL = base64.b64encode(b"a picture").decode()


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ({"image/png": PIXEL, "text/plain": "<Figure>"}, {"image/png": PIXEL, "text/plain": "<Figure>"}),
        ({"image/png": PIXEL + '"><script>', "text/plain": "<Figure>"}, {"text/plain": "<Figure>"}),
        ({"application/javascript": "alert(1)"}, {}),
        ({"application/vnd.jupyter.widget-view+json": {"model_id": "x"}}, {}),
        ({"text/html": "<b>so</b><script>alert(1)</script>"}, {"text/html": "<b>so</b>"}),
        ({"text/html": "<b>so</b>", "image/svg+xml": "<svg/>"}, {"text/html": "<b>so</b>"}),
    ],
)
def test_of_an_output_what_is_harmless_stays(data: dict[str, Any], kept: dict[str, str]):
    output = new_output("display_data", data=data, metadata={"image/png": {"width": '1"><script>'}})
    assert mended(new_code_cell("", outputs=[output])).cells[0].outputs == [new_output("display_data", data=kept)]


def test_a_picture_keeps_its_size_and_its_words():
    about = {"width": 320, "height": 200.5, "alt": "A bar is <higher>", "class": "x"}
    output = new_output("display_data", data={"image/png": PIXEL}, metadata={"image/png": about, "x": about})
    [found] = mended(new_code_cell("", outputs=[output])).cells[0].outputs
    assert found.metadata == {"image/png": {"width": 320, "height": 200.5, "alt": "A bar is <higher>"}}


def test_a_drawing_becomes_a_picture():
    output = new_output("display_data", data={"image/svg+xml": "<svg><script>alert(1)</script></svg>"})
    [found] = mended(new_code_cell("", outputs=[output])).cells[0].outputs
    assert found.data["text/html"].startswith('<img alt="" src="data:image/svg+xml;base64,')


def test_metadata_is_the_courses_own_and_names():
    meta = {"tags": ["mine", '"><script>'], "nbgrader": {"grade_id": "x"}, "alt": '"><script>'}
    found = mended(new_code_cell("", metadata=meta), title="<script>", widgets={"x": 1}, topfive={"repairs": ["so"]})
    assert found.cells[0].metadata == {"tags": ["mine"], "nbgrader": {"grade_id": "x"}}
    assert found.metadata == {"topfive": {"repairs": ["so"]}, "language_info": {"name": "python"}}


def test_attached_pictures_stay_if_they_are_pictures():
    attached = {"a.png": {"image/png": PIXEL}, "b": {"text/html": PIXEL}, "c": {"image/png": '"><script>'}}
    cell = mended(new_markdown_cell("![](attachment:a.png)", attachments=attached)).cells[0]
    assert (cell.source, cell.attachments) == ("![](attachment:a.png)", {"a.png": {"image/png": PIXEL}})
    assert "attachments" not in mended(new_markdown_cell("x", attachments={"b": attached["b"]})).cells[0]
