"""nbgrader's formgrader and feedback in a browser: grades are there, and nothing of a submission runs.

The same submission runs its scripts where nbgrader is as it comes, which is what the tests below would see.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook

from tests.browser import lab
from tests.grading.conftest import NAME, Course, at, course

__all__ = ["course"]  # the fixture

PLAIN = """
c = get_config()
c.CourseDirectory.course_id = "top-five"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
"""
SHOWS = """
from IPython.display import HTML, SVG, Image, Javascript, Latex, Markdown, display
import base64
display(HTML("<p>a table</p><script>fetch('/evil-html')</script><img src='/evil-picture'>"))
display(HTML("<img src='no' onerror=\\"fetch('/evil-error')\\">"))
display(Javascript("fetch('/evil-javascript')"))
display(Markdown("<svg onload=\\"fetch('/evil-shown-markdown')\\"></svg>"))
display(Latex("<script>fetch('/evil-latex')</script>"))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" onload="fetch(\\'/evil-svg\\')" width="9" height="9"></svg>'))
get_ipython().display_pub.publish(
    {"image/png": "iVBORw0KGgo='><script>fetch(`/evil-png`)</script>", "text/plain": "a figure"},
    {"image/png": {"width": "1><script>fetch(`/evil-width`)</script>"}},
)
"""
TAG = "x\"><script>fetch('/evil-tag')</script>"
ANSWER = "Because.\n\n<script>fetch('/evil-answer')</script>\n\n![](/evil-image)"


def spoil(cells: list[Any]) -> None:
    cells[at(cells, "why")].source = ANSWER
    cells[at(cells, "triple")].metadata["tags"] = [TAG]
    cells.insert(0, new_markdown_cell("<b onmouseover='1'>Hello</b> <img src=no onerror=\"fetch('/evil-markdown')\">"))
    cells.insert(3, new_code_cell(SHOWS, metadata={"name": TAG, "tags": [TAG]}))


class Formgrader(lab.Server):
    """A Jupyter server in a course's folder, with nbgrader's formgrader."""

    def __init__(self, root: Path) -> None:
        self.course = root
        super().__init__(root / ".server", "server")

    def start(self) -> None:
        arguments = [
            *(sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
            *(f"--port={self.port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.course}"),
            *(f"--IdentityProvider.token={lab.TOKEN}", "--ServerApp.terminals_enabled=False"),
        ]
        self.log = (self.home / "server.log").open("a")
        self.process = subprocess.Popen(
            arguments, env=self.environment, stdout=self.log, stderr=self.log, cwd=self.course
        )
        self._wait()

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/formgrader/{path}"


@contextmanager
def serving(root: Path) -> Iterator[Formgrader]:
    started = Formgrader(root)
    try:
        yield started
    finally:
        started.stop()


def graded(course: Course) -> Course:
    for command in ("autograde", "generate_feedback"):
        done = course.call(command, NAME, "--force")
        assert done.returncode == 0, done.stderr[-3000:]
    return course


@pytest.fixture(scope="module")
def ours(course: Course) -> Course:
    course.hand_in("eve", spoil)
    return graded(course)


@pytest.fixture(scope="module")
def plain(ours: Course, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The same submission in nbgrader as it comes."""
    copy = Course(tmp_path_factory.mktemp("plain") / "course")
    shutil.copytree(ours.root, copy.root)
    (copy.root / "nbgrader_config.py").write_text(PLAIN)
    return graded(copy)


def watch(page: Any) -> list[str]:
    """Requests that only a submission would make, as they come."""
    asked: list[str] = []
    page.on("request", lambda request: "evil" in request.url and asked.append(request.url.rpartition("/")[2]))
    return asked


def submission(course: Course) -> str:
    with Gradebook(course.url) as gradebook:
        return str(gradebook.find_submission_notebook(NAME, NAME, "eve").id)


def looked_at(course: Course, context: lab.BrowserContext) -> tuple[list[str], str]:
    """What the page of a submission in the formgrader asked for, and its text."""
    with serving(course.root) as server:
        page = context.new_page()
        page.set_extra_http_headers({"Authorization": f"token {lab.TOKEN}"})
        asked = watch(page)
        page.goto(server.at(f"submissions/{submission(course)}/"))
        page.wait_for_function("document.querySelector('.score').placeholder")
        page.wait_for_timeout(500)
        lab.ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=lab.ARTEFACTS / f"formgrader-{course.root.name}.png", full_page=True)
        text = page.inner_text("body")
        page.goto(server.at(f"manage_submissions/{NAME}"))
        page.get_by_text("eve").first.wait_for()
        overview = page.inner_text("table")
        page.close()
    return asked, f"{text} {overview}"


def given_back(course: Course, context: lab.BrowserContext) -> tuple[list[str], list[str], str]:
    """What a student's page asked for, of its own and of a submission's making, and its text; without a network."""
    html = (course.root / "feedback" / "eve" / NAME / f"{NAME}.html").read_text("utf-8")
    page = context.new_page()
    page.route("**/*", lambda route: route.abort())
    page.route("**/page", lambda route: route.fulfill(body=html, content_type="text/html"))
    fetched: list[str] = []
    page.on("requestfailed", lambda request: request.failure != "csp" and fetched.append(request.url))
    asked = watch(page)
    page.goto("http://feedback.test/page")
    page.wait_for_timeout(500)
    page.screenshot(path=lab.ARTEFACTS / f"feedback-{course.root.name}.png", full_page=True)
    text = page.inner_text("body")
    page.close()
    return asked, [url for url in fetched if not url.startswith(("data:", "http://feedback.test/page"))], text


@pytest.mark.thorough
def test_in_plain_nbgrader_scripts_of_a_submission_run(plain: Course, context: lab.BrowserContext):
    asked, _ = looked_at(plain, context)
    assert {"evil-markdown", "evil-html", "evil-error", "evil-answer", "evil-image"} <= set(asked)
    asked, fetched, _ = given_back(plain, context)
    assert {"evil-markdown", "evil-html", "evil-answer"} <= set(asked)
    assert any("mathjax" in url for url in fetched)


def test_in_the_formgrader_grades_are_there_and_nothing_runs(ours: Course, context: lab.BrowserContext):
    asked, text = looked_at(ours, context)
    assert not asked
    for seen in ("Hello", "Because.", "a table", "a figure", "/evil-answer", "3 / 4"):
        assert seen in text


def test_on_the_page_that_a_student_gets_back_nothing_runs_or_is_fetched(ours: Course, context: lab.BrowserContext):
    asked, fetched, text = given_back(ours, context)
    assert not asked
    assert not fetched
    for seen in ("3 of 4 points", "A person has not read this yet.", "Because.", "a table", "a figure"):
        assert seen in text
