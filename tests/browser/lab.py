"""A real JupyterLab and a real browser, in private folders, for the tests in this folder and the long chaos run."""

import json
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, TimeoutError, sync_playwright

from topfive import ledger
from topfive.startup import python_m

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
TOKEN = "token-of-the-tests"
PATIENCE = 120_000  # ms
ARTEFACTS = Path(__file__).parents[2] / "test-artefacts"
FIRST = """\
import os
from pathlib import Path
from topfive.lists import Prompt
from topfive.panels import Blind, Compare, Rank, Rate, Task, Write
Path("pid").write_text(str(os.getpid()))
LISTS = [
    "\\n1. smoky chickpea tacos\\n2. lemon lentil soup\\n3. spinach omelette\\n4. peanut noodles\\n5. quesadilla",
    "\\n1. tomato soup and toast\\n2. lemon lentil soup\\n3. bean stew with rice\\n4. tomato soup and toast\\n5. rice",
    "\\n1. slow-roasted squash\\n2. mushroom risotto\\n3. chicken noodle soup\\n4. herb omelette\\n5. spinach pie",
    "\\n1. something with pasta\\n2. salad\\n3. board games by the fire\\n4. grilled cheese",
]
def tasks(count, size=4):
    return [Task(Prompt(f"top 5 quick dinners no. {n}", "dinners"), tuple(LISTS[:size])) for n in range(1, count + 1)]
"""

# Makes the notebook with this path the current widget; true once it is, and its content is loaded.
ACTIVATE = """path => {
    const widget = [...jupyterapp.shell.widgets("main")].find((each) => each.context?.path === path);
    if (widget && widget !== jupyterapp.shell.currentWidget) jupyterapp.shell.activateById(widget.id);
    return Boolean(widget && widget === jupyterapp.shell.currentWidget && widget.context.isReady);
}"""
# Ends the kernel of the notebook with this path and closes it unsaved; true once it is gone.
CLOSE = """async path => {
    const widgets = [...jupyterapp.shell.widgets("main")].filter((each) => each.context?.path === path);
    for (const widget of widgets) {
        await widget.sessionContext.shutdown();
        widget.context.model.dirty = false;
        widget.close();
    }
    return widgets.every((widget) => widget.isDisposed);
}"""
# What stands in the address is opened once more after the workspace is restored; true once that is done.
# A notebook closed before that came back to life and took the focus from the next.
ADDRESS_OPENED = """() => new Promise((resolve) => {
    const listen = () => globalThis.jupyterapp
        ? jupyterapp.commands.commandExecuted.connect((_, { id, result }) => {
            if (id === "filebrowser:open-path") result.finally(() => resolve(true));
        })
        : setTimeout(listen);
    listen();
})"""
SEEN = """() => ({
    current: jupyterapp.shell.currentWidget?.context?.path ?? jupyterapp.shell.currentWidget?.id,
    open: [...jupyterapp.shell.widgets("main")].map((widget) => widget.context?.path ?? widget.id),
    dialogs: [...document.querySelectorAll(".jp-Dialog")].map((dialog) => dialog.innerText),
    focus: document.activeElement?.className,
})"""


class Server:
    """A JupyterLab (or Notebook 7) of its own: no settings, extensions or history of the machine's user."""

    def __init__(self, home: Path, command: str = "lab") -> None:
        self.home = home
        self.command = command
        self.root = home / "root"
        self.root.mkdir(parents=True)
        self.port = _free_port()
        private = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        environment = os.environ | {name: str(home / folder) for name, folder in private.items()}
        self.environment = environment | {"OMP_NUM_THREADS": "1", "JUPYTER_PLATFORM_DIRS": "1"}
        self.arguments = [
            *python_m({"lab": "jupyterlab"}.get(command, command)),
            *("--no-browser", "--allow-root", "--ip=127.0.0.1"),
            *(f"--port={self.port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.root}"),
            *(f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser", "--LabApp.news_url="),
            *("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--ServerApp.terminals_enabled=False"),
        ]
        notices = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        notices.parent.mkdir(parents=True)
        notices.write_text('{"fetchNews": "false", "checkForUpdates": false}')
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.log = (self.home / "server.log").open("a")
        self.process = subprocess.Popen(
            self.arguments, env=self.environment, stdout=self.log, stderr=self.log, cwd=self.home
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"JupyterLab did not start:\n{(self.home / 'server.log').read_text()}")

    def stop(self) -> None:
        """End the server and its kernels."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def notebook(self, *cells: str, name: str = "") -> Path:
        """Write a notebook of code cells into a new assignment folder; returns its path."""
        folder = self.root / (name or f"a{uuid.uuid4().hex[:8]}")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "nb.ipynb"
        content = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "cells": [_cell(FIRST), *(_cell(cell) for cell in cells)],
        }
        path.write_text(json.dumps(content))
        return path

    def url(self, notebook: Path) -> str:
        """Where a page with this notebook is."""
        where = notebook.relative_to(self.root)
        workspace = f"lab/workspaces/{uuid.uuid4().hex}/tree/{where}?reset&"
        path = workspace if self.command == "lab" else f"notebooks/{where}?"
        return f"http://127.0.0.1:{self.port}/{path}token={TOKEN}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cell(source: str) -> dict[str, Any]:
    ident = uuid.uuid4().hex[:8]
    return {"cell_type": "code", "id": ident, "metadata": {}, "execution_count": None, "outputs": [], "source": source}


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER_FLAGS)
        try:
            yield opened
        finally:
            opened.close()


class Tab:
    """One notebook open in one page."""

    def __init__(self, server: Server, context: BrowserContext, notebook: Path, page: Page | None = None) -> None:
        self.server = server
        self.notebook = notebook
        self.page: Page = page or context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.set_default_timeout(PATIENCE)

    @property
    def folder(self) -> Path:
        """The assignment folder."""
        return self.notebook.parent

    @property
    def where(self) -> str:
        """The notebook's path as the server knows it."""
        return str(self.notebook.relative_to(self.server.root))

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.folder / "work" / "ledger.jsonl"

    @property
    def panel(self) -> Locator:
        """The panel on the page."""
        return self.page.locator(".topfive").last

    @property
    def status(self) -> Locator:
        """Where the panel says what is saved."""
        return self.panel.locator(".saved")

    def open(self) -> "Tab":
        """Load the page and wait for an idle kernel."""
        self.page.goto(self.server.url(self.notebook))
        self.page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-cell")
        self.wait_idle()
        return self

    def open_here(self) -> "Tab":
        """Open the notebook in a page that shows JupyterLab already: four times as quick."""
        try:
            self._bring_to_front(PATIENCE // 4)
        except TimeoutError as error:
            print(f"{error}\nOnce more.")
            self.accept_dialogs()
            self._bring_to_front(PATIENCE)
        self.wait_idle()
        return self

    def _bring_to_front(self, patience: int) -> None:
        """Open the notebook and activate it until it is the current one; after `patience` ms say what is there."""
        self.page.evaluate(
            "async path => { await jupyterapp.commands.execute('docmanager:open', { path }) }", self.where
        )
        try:
            self.page.wait_for_function(ACTIVATE, arg=self.where, polling=100, timeout=patience)
        except TimeoutError as error:
            ARTEFACTS.mkdir(exist_ok=True)
            self.page.screenshot(path=ARTEFACTS / "did-not-open.png")
            raise TimeoutError(f"{self.where} did not open; the page shows {self.page.evaluate(SEEN)}") from error

    def close(self) -> None:
        """End the kernel and close the notebook, unsaved."""
        self.accept_dialogs()
        self.page.wait_for_function(CLOSE, arg=self.where, polling=100)

    def reload(self) -> None:
        """Save the notebook, load the page again, and wait for the panel to hear from the kernel."""
        self.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        self.page.reload(wait_until="commit")
        self.page.wait_for_function(ADDRESS_OPENED)
        self.page.wait_for_selector(".topfive")
        self.wait_ready()

    def reload_unsaved(self) -> None:
        """Load the page again without saving, and wait for an idle kernel."""
        self.page.goto("about:blank")
        self.open()

    def reopen_cold(self) -> None:
        """Save the notebook, end its kernel, and open it in a page that knows nothing of it."""
        self.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        self.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        self.reload_unsaved()

    def run_cell(self, number: int) -> None:
        """Run one cell, and wait for its end."""
        self.page.evaluate(
            "async number => { jupyterapp.shell.currentWidget.content.activeCellIndex = number;"
            " await jupyterapp.commands.execute('notebook:run-cell'); }",
            number,
        )

    def wait_idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_function(
            "() => globalThis.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )

    def run(self) -> "Tab":
        """Run all cells and wait for the panel to know what the ledger holds."""
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        self.wait_ready()
        return self

    def start(self) -> "Tab":
        """Run all cells of a notebook that was not run yet; wait for the panel, not for the cells after it."""
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
        self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Wait until the panel has heard from the kernel."""
        self.page.wait_for_function(
            "() => { const panel = [...document.querySelectorAll('.topfive')].at(-1);"
            " return panel?.querySelector('[data-ready=true]') && !panel.closest('.jupyter-widgets-disconnected') }"
        )

    def wait_saved(self) -> int:
        """Wait until nothing is pending; returns how many clicks the panel counts as saved."""
        self.page.wait_for_function(
            "() => (d => d?.ready === 'true' && d.pending === '0')("
            "[...document.querySelectorAll('.topfive .saved')].at(-1)?.dataset)"
        )
        return int(self.status.get_attribute("data-saved") or 0)

    def pending(self) -> int:
        """How many clicks the panel counts as not yet saved."""
        return int(self.status.get_attribute("data-pending") or 0)

    def focus(self) -> None:
        """Put the keyboard into the panel."""
        self.panel.focus()

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """The events on disk, of these kinds if any are named; the file must have no problems."""
        events, problems = ledger.read(self.ledger)
        assert not problems, problems
        return [event for event in events if not kinds or event["kind"] in kinds]

    def answers(self) -> list[dict[str, Any]]:
        """The answers on disk that hold."""
        return ledger.answers(self.events())

    def kernel_pid(self) -> int:
        """The process of the kernel."""
        return int((self.folder / "pid").read_text())

    def execute(self, code: str, *, to_its_end: bool = False) -> None:
        """Run code in the kernel, beside the notebook, without waiting for it unless `to_its_end`."""
        self.page.evaluate(
            "async ([code, toItsEnd]) => {"
            " const run = jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code});"
            " if (toItsEnd) await run.done; }",
            [code, to_its_end],
        )

    def restart(self) -> None:
        """Restart the kernel as the menu does, without its question."""
        self.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        self.wait_idle()

    def accept_dialogs(self) -> None:
        """Close what JupyterLab asks after a crash."""
        for button in self.page.locator(".jp-Dialog button.jp-mod-accept").all():
            button.click()
