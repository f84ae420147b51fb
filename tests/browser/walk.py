"""A graded notebook from top to bottom, as a student takes it: in a real JupyterLab, by keys and mouse, to full marks.

The homework folder is laid out as `topfive lab` does it, and the released notebook opened. Each cell is run by
Shift+Enter; into a stub goes the solution's code from the clipboard, into a written answer its text by the keyboard; a
panel is answered task by task (`tests.browser.hands`), and the page is loaded again in the middle of the first. No cell
may end in an error, each check has to say what it says in the built solution, and the ledger has to hold exactly what
was answered. Then the folder is handed in, and nbgrader has to give every automatic point.

`python -m tests.browser.walk` walks through the notebooks of `WALKS`, or those that are named; pictures of panels and
figures, light and dark, wide and narrow, are left in test-artefacts/walk/.
"""

import argparse
import re
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import BrowserContext, Locator, expect

from tests.browser import hands, lab
from tests.test_round_trip import Grade, grades_of, is_answer, is_test, nbgrader
from topfive.annotation.on_topic import lists_to_label
from topfive.build import notebooks
from topfive.build.notebooks import Assignment, from_source
from topfive.demonstrations import pile
from topfive.judge import items_of
from topfive.lists import parse
from topfive.workspace import hand_out, released

PICTURES = lab.ARTEFACTS / "walk"
WIDTHS = (1280, 800)
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
LONGEST = 900_000  # ms for one cell

SELECT = """number => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = number;
    return notebook.scrollToItem(number);
}"""
CELL = """number => {
    const cell = jupyterapp.shell.currentWidget.content.widgets[number];
    const shared = cell.model.sharedModel;
    return { source: shared.getSource(), outputs: shared.outputs ?? [], prompt: cell.prompt ?? "" };
}"""
HAS_RUN = "number => /^[0-9]+$/.test(jupyterapp.shell.currentWidget.content.widgets[number].prompt)"
IS_SAVED = "() => jupyterapp.shell.currentWidget.context.model.dirty === false"


def truths() -> Callable[[int, list[str]], int]:
    """For the panel of 01: the number of the right label, by what stands on the screen."""
    known = {tuple(parse(one.text).items): one.truth for one in lists_to_label()}
    return lambda number, lines: 1 + known[tuple(lines)]


def compositions() -> Callable[[int, list[str]], list[str]]:
    """For the panel of 02: five items that fit each prompt and are not in the examples."""
    taken = {item for row in pile.examples() for item in row["items"]}

    def fitting(prompt: Any) -> list[str]:
        rows = [row for row in items_of(prompt.topic) if set(prompt.constraints) <= set(row["tags"])]
        return [row["item"] for row in rows if row["item"] not in taken][-5:]

    written = [fitting(prompt) for prompt in pile.asked()]
    return lambda number, lines: written[number - 1]


@dataclass(frozen=True)
class Panel:
    """A panel of a notebook: its kind, how many tasks it has, and what a person thinks of them if it is not chance."""

    kind: hands.Kind
    tasks: int
    want: Callable[[], Callable[[int, list[str]], Any]] | None = None


# notebook → panels by name
WALKS: dict[str, dict[str, Panel]] = {
    "01-labelling-basics": {"on topic": Panel(hands.Label(), 20, truths)},
    "02-writing-demonstrations": {"demonstrations": Panel(hands.Write(), 8, compositions)},
    "03-language-modeling": {},
    "04-collecting-preferences": {
        "rate": Panel(hands.Rate(), 28),
        "compare": Panel(hands.Compare(), 24),
        "rank": Panel(hands.Rank(), 8),
        "best and worst": Panel(hands.BestWorst(), 8),
    },
    "05-preference-modeling": {},
    "06-ppo": {},
}
# What a notebook says as long as it works with something else than the student's own.
STAND_INS = re.compile(r".*(stand in$|EXAMPLE|SIMULATED|course's own is used|Not written yet|Too few).*", re.M)


class Walk(lab.Tab):
    """A student with one notebook open."""

    def __init__(self, server: lab.Server, context: BrowserContext, name: str) -> None:
        super().__init__(server, context, server.root / name / f"{name}.ipynb")
        self.page.set_default_timeout(hands.PATIENCE)
        self.name = name
        self.written = {cell.id: cell for cell in from_source(Assignment(name).source.read_text("utf-8")).cells}
        self.built = {cell.id: cell for cell in nbformat.read(Assignment(name).solution, as_version=4).cells}
        self.cells = nbformat.read(self.notebook, as_version=4).cells
        self.reloaded = False

    def cell(self, number: int) -> Locator:
        """A cell on the page."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-cell").nth(number)

    def seen(self, number: int) -> Any:
        """Source, outputs and prompt of a cell as JupyterLab has them."""
        return self.page.evaluate(CELL, number)

    def from_top_to_bottom(self) -> None:
        """Every cell in its turn."""
        for number, cell in enumerate(self.cells):
            self.at(number)
            if cell.metadata.get("nbgrader", {}).get("solution"):
                self.fill(number)
            self.press("Shift+Enter")
            if cell.cell_type == "code":
                self.ran(number)
            elif is_answer(cell):
                expect(self.cell(number).locator(".jp-RenderedMarkdown")).to_be_visible()
        self.save()

    def at(self, number: int) -> None:
        """The cell is the active one: Shift+Enter on the one before has seen to that, or else a click does it."""
        active = self.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")
        has_keyboard = self.page.evaluate("() => document.activeElement.closest('.jp-Notebook') !== null")
        in_panel = self.page.evaluate("() => document.activeElement.closest('.topfive') !== null")
        if active == number and has_keyboard and not in_panel:
            return
        assert active == number or in_panel, f"Shift+Enter led to cell {active}, not to {number}"
        self.page.evaluate(SELECT, number)
        self.cell(number).locator(".jp-InputPrompt").first.click()

    def fill(self, number: int) -> None:
        """Put the solution into a stub, by copy and paste, or a written answer into its cell, by the keyboard."""
        source = self.written[self.cells[number].id].source
        self.press("Enter", "Control+a")
        if self.cells[number].cell_type == "markdown":
            self.press("Delete")
            self.page.keyboard.type(source)
        else:
            self.page.evaluate("text => navigator.clipboard.writeText(text)", source)
            self.press("Control+v")
        self.page.wait_for_function(f"([number, source]) => ({CELL})(number).source === source", arg=[number, source])

    def ran(self, number: int) -> None:
        """Wait for the end of a cell; look at what came out, and answer the panel if there is one."""
        cell = self.cells[number]
        self.page.wait_for_function(HAS_RUN, arg=number, timeout=LONGEST)
        outputs = self.seen(number)["outputs"]
        wrong = [one for one in outputs if one["output_type"] == "error" or one.get("name") == "stderr"]
        assert not wrong, f"{cell.id}: {cell.source}\n{wrong}"
        said = printed(outputs)
        if cell.source.startswith("check("):
            assert said == printed(self.built[cell.id].outputs), said
        assert not STAND_INS.search(said), said
        if any("image/png" in one.get("data", {}) for one in outputs):
            self.cell(number).screenshot(path=PICTURES / f"{self.name}-{number:03}-figure.png")
        for name, panel in WALKS[self.name].items():
            if panel_in(outputs, name):
                self.answer(name, panel)

    def answer(self, name: str, panel: Panel) -> None:
        """Answer a panel, in the middle of it take pictures, and once load the page again."""
        shown = self.page.get_by_role("region", name=re.compile(f"^{re.escape(name)}: "))
        expect(shown).to_be_visible()
        person = hands.Person(self.page, shown, panel.kind, panel.want and panel.want())

        def midway() -> None:
            self.pictures(shown, name)
            if not self.reloaded:
                self.save()
                self.page.reload(wait_until="commit")
                self.page.wait_for_function(lab.ADDRESS_OPENED)
                self.reloaded = True
            expect(shown.locator(".saved[data-ready=true]")).to_be_visible()
            shown.focus()

        person.answer_all(panel.tasks, midway)
        person.check(self.ledger, name, panel.tasks)

    def pictures(self, shown: Locator, name: str) -> None:
        """A panel in light and dark, wide and narrow."""
        for theme, width in ((theme, width) for theme in THEMES for width in WIDTHS):
            self.use(theme, width)
            shown.screenshot(path=PICTURES / f"{self.name}-{name}-{theme}-{width}.png")
        self.use("light", WIDTHS[0])

    def use(self, theme: str, width: int) -> None:
        """Switch to a theme and a width."""
        self.page.set_viewport_size({"width": width, "height": 1600})
        self.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", THEMES[theme])
        self.page.wait_for_timeout(400)

    def save(self) -> None:
        """Save as a student does, and wait until it is done."""
        self.press("Control+s")
        self.page.wait_for_function(IS_SAVED)

    def every_figure_in_the_dark(self) -> None:
        """Figures once more, in the dark and narrow."""
        self.use("dark", WIDTHS[1])
        for number, cell in enumerate(self.cells):
            outputs = self.seen(number)["outputs"] if cell.cell_type == "code" else []
            if any({"image/png", "text/html"} & set(one.get("data", {})) for one in outputs):
                self.page.evaluate(SELECT, number)
                self.cell(number).screenshot(path=PICTURES / f"{self.name}-{number:03}-dark-800.png")


def printed(outputs: list[Any]) -> str:
    """What a cell wrote."""
    return "".join("".join(one["text"]) for one in outputs if one["output_type"] == "stream")


def panel_in(outputs: list[Any], name: str) -> bool:
    """Whether a cell's outputs are the panel of this name."""
    plain = ("".join(one.get("data", {}).get("text/plain", "")) for one in outputs)
    return any(text.startswith(f"{name}: ") for text in plain)


def graded(name: str, folder: Path, course: Path) -> dict[str, Grade]:
    """Hand in a folder, have it graded by nbgrader, and return the grades by cell."""
    assignment = Assignment(name, course)
    assignment.solution.parent.mkdir(parents=True)
    shutil.copy(notebooks.ROOT / "nbgrader_config.py", course)
    nbformat.write(from_source(Assignment(name).source.read_text("utf-8")), assignment.solution)
    nbgrader(course, "generate_assignment", name)
    shutil.copytree(
        folder, course / "submitted" / "student" / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints")
    )
    nbgrader(course, "autograde", name)
    return grades_of(assignment, "student")


def walk(name: str, scratch: Path, context: BrowserContext, server: lab.Server) -> Iterator[str]:
    """Walk through one notebook; yields what there is to say. Raises AssertionError where something is not right."""
    began = time.monotonic()
    student = Walk(server, context, name)
    student.open()
    student.page.locator(".jp-Notebook-cell .jp-InputPrompt").first.click()
    student.from_top_to_bottom()
    walked = time.monotonic() - began
    assert not student.errors, student.errors
    student.every_figure_in_the_dark()
    student.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    grades = graded(name, student.folder, scratch / "course")
    tests = {cell.id: float(cell.metadata["nbgrader"]["points"]) for cell in student.written.values() if is_test(cell)}
    answers = {cell.id for cell in student.written.values() if is_answer(cell)}
    earned = {cell: grades[cell].auto for cell in tests}
    waiting = {cell for cell in answers if grades[cell].waits}
    points = f"{sum(filter(None, earned.values())):g} of {sum(tests.values()):g}"
    yield f"| {name} | {len(student.cells)} | {walked:.0f} | {points} |"
    assert earned == tests, {cell: (earned[cell], tests[cell]) for cell in tests if earned[cell] != tests[cell]}
    assert waiting == answers, f"not waiting for a reader: {answers - waiting}"


def main() -> int:
    """Walk through the notebooks that are named; returns how many failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(WALKS)}")
    names = parser.parse_args().names or list(WALKS)
    PICTURES.mkdir(parents=True, exist_ok=True)
    failed = 0
    print("| notebook | cells | seconds | automatic points |\n|---|---|---|---|", flush=True)
    for name in names:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, lab.browser() as chromium:
            server = lab.Server(Path(folder) / "home")
            try:
                hand_out(released(), server.root)
                context = chromium.new_context(viewport={"width": 1280, "height": 1000}, has_touch=True)
                context.grant_permissions(["clipboard-read", "clipboard-write"])
                for line in walk(name, Path(folder), context, server):
                    print(line, flush=True)
            except Exception:
                failed += 1
                print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
                for number, page in enumerate(context.pages):
                    page.screenshot(path=PICTURES / f"{name}-failed-{number}.png")
            finally:
                server.stop()
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
