"""One JupyterLab and one chromium for all tests here; a fresh context and assignment folder a test.

Both end with the last of these tests: as long as playwright is open, no other test can run an event loop.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser import lab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Server]:
    if lab.CHROMIUM is None:
        assert "TOPFIVE_REQUIRE_BROWSER" not in os.environ, "chromium is not installed"
        pytest.skip("chromium is not installed")
    started = lab.Server(tmp_path_factory.mktemp("lab") / "home")
    yield started
    started.stop()


@pytest.fixture(scope="package")
def chromium(server: lab.Server) -> Iterator[lab.Browser]:
    with lab.browser() as opened:
        yield opened


@pytest.fixture
def context(chromium: lab.Browser) -> Iterator[lab.BrowserContext]:
    opened = _new_context(chromium)
    yield opened
    opened.close()


def _new_context(chromium: lab.Browser) -> lab.BrowserContext:
    return chromium.new_context(viewport={"width": 1280, "height": 1000}, has_touch=True)


@pytest.fixture(scope="package")
def first(server: lab.Server, chromium: lab.Browser) -> lab.Tab:
    """A page with JupyterLab in which the tests that do it no harm take turns."""
    return lab.Tab(server, _new_context(chromium), server.notebook()).open()


@pytest.fixture
def tab(server: lab.Server, first: lab.Tab) -> Iterator[Callable[..., lab.Tab]]:
    """Open a notebook with these cells after the first, in the shared page, and run it."""
    opened: list[lab.Tab] = []

    def open_tab(*cells: str) -> lab.Tab:
        opened.append(lab.Tab(server, first.page.context, server.notebook(*cells), first.page).open_here().run())
        return opened[-1]

    yield open_tab
    for one in opened:
        one.close()


@pytest.fixture
def fresh_tab(server: lab.Server, context: lab.BrowserContext) -> Callable[..., lab.Tab]:
    """The same in a browser of its own, for tests that break things."""
    return lambda *cells: lab.Tab(server, context, server.notebook(*cells)).open().run()


@pytest.fixture
def picture() -> Callable[[lab.Tab, str], None]:
    """Keep a picture of the panel among the test artefacts."""

    def take(tab: lab.Tab, name: str) -> None:
        lab.ARTEFACTS.mkdir(exist_ok=True)
        tab.panel.screenshot(path=lab.ARTEFACTS / f"{name}.png")

    return take
