"""Everything that can go wrong between a click and the disk, done on purpose.

Each attack makes clicks while something breaks, and then proves with ids, not counts alone, that every acknowledged
click is on disk once, and that every other one was counted on the screen and arrived later.

`python -m tests.browser.chaos --times 20` runs them all again and again, apart from the gate; docs/ledger.md has the
results of such a run.
"""

import argparse
import os
import signal
import statistics
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import psutil

from tests.browser import lab
from tests.ledger.test_store import kill_writers
from topfive import ledger

PANEL = "Rank(tasks(30))"
CLICKS = 60  # in an attack: more than one message holds
# Tells the test which events the page queued and which it took for saved, from outside the panel's own code.
SPY = """
for (const [name, word] of [["setItem", "queued"], ["removeItem", "acknowledged"]]) {
    const original = Storage.prototype[name];
    Storage.prototype[name] = function (key, ...rest) {
        if (key.startsWith("topfive|")) {
            globalThis.topfiveRecorded = (globalThis.topfiveRecorded ?? 0) + 1;
            console.debug("topfive " + word + " " + key.split("|").at(-1));
        }
        return original.call(this, key, ...rest);
    };
}
"""
# Presses letters from inside the page, faster than a hand could. Where the panel is drawn anew, they go to the new one
# as soon as it shows something to rank. If such a panel records nothing, the test hears of it.
BURST = """
([count, pause]) => new Promise((resolve) => {
    let left = count;
    const press = () => {
        if (left === 0) return resolve();
        setTimeout(press, pause);
        const panel = [...document.querySelectorAll(".topfive")].at(-1);
        if (!panel?.querySelector("[data-card]")) return;
        const recorded = globalThis.topfiveRecorded;
        panel.dispatchEvent(new KeyboardEvent("keydown", { key: "abcd"[--left % 4], bubbles: true }));
        if (globalThis.topfiveRecorded === recorded) console.debug("topfive: not recorded " + panel.innerText);
    };
    press();
})
"""


# Plain Python without a pause, until it is told that it is enough.
COMPUTING = """
import time
end = time.time() + 300
while time.time() < end and not Path("enough").exists():
    for _ in range(500):
        sum(range(10000))
Path("done").touch()
"""


class Watched(lab.Tab):
    """A tab whose queue is watched from outside."""

    def __init__(self, server: lab.Server, context: lab.BrowserContext, notebook: Path) -> None:
        super().__init__(server, context, notebook)
        self.queued: set[str] = set()
        self.acknowledged: set[str] = set()
        self.not_recorded: list[str] = []
        self.page.add_init_script(SPY)
        self.page.on("console", self._hear)

    def _hear(self, message: object) -> None:
        words = str(getattr(message, "text", "")).split(" ")
        if words[0] == "topfive:":
            self.not_recorded.append(" ".join(words[3:]))
        if words[0] == "topfive" and len(words) == 3:
            (self.queued if words[1] == "queued" else self.acknowledged).add(words[2])

    def burst(self, count: int = CLICKS, pause: int = 4) -> None:
        """Make `count` clicks and return when they are made."""
        self.page.evaluate(BURST, [count, pause])

    def start_burst(self, count: int = CLICKS, pause: int = 12) -> None:
        """Make `count` clicks while this goes on."""
        self.page.evaluate(f"arguments => {{ ({BURST})(arguments); }}", [count, pause])

    def end_burst(self, count: int) -> None:
        """Wait until `count` clicks are queued in all."""
        deadline = time.monotonic() + 60
        while len(self.queued) < count and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
        assert not self.not_recorded
        assert len(self.queued) == count, f"{len(self.queued)} clicks were made instead of {count}"

    def recall(self) -> None:
        """After a reload: a page that goes away may take its last messages along; storage and disk know better."""
        keys = self.page.evaluate("() => Object.keys(localStorage).filter((key) => key.startsWith('topfive|'))")
        stored = {key.split("|")[-1] for key in keys}
        on_disk = {event["id"] for event in ledger.read(self.ledger)[0] if "at" in event}
        self.queued |= stored | on_disk
        self.acknowledged |= on_disk - stored

    def check_count(self) -> None:
        """What the panel says adds up: saved and not yet saved are all clicks there were."""
        told = self.page.evaluate("() => ({ ...[...document.querySelectorAll('.topfive .saved')].at(-1).dataset })")
        assert int(told["saved"]) + int(told["pending"]) == len(self.queued), (told, len(self.queued))

    def wait_shown(self, count: int) -> int:
        """Wait until the panel counts so many clicks as saved, and return how many."""
        saved = "[...document.querySelectorAll('.topfive .saved')].at(-1)?.dataset.saved"
        self.page.wait_for_function(f"() => {saved} === '{count}'")
        return count

    def check_end(self, *others: "Watched") -> int:
        """Everything arrived, each click once. Returns how many."""
        shown = self.wait_saved()
        queued = self.queued.union(*(other.queued for other in others))
        acknowledged = self.acknowledged.union(*(other.acknowledged for other in others))
        events, _ = ledger.read(self.ledger)  # a torn line may be there; it is nobody's click
        times = Counter(event["id"] for event in events if "at" in event)
        assert set(times) == queued, f"lost {len(queued - set(times))}, foreign {len(set(times) - queued)}"
        assert set(times.values()) <= {1}
        assert acknowledged >= queued  # and the events of the kernel, such as "open"
        if others:  # what they have saved is told to this page a moment later
            shown = self.wait_shown(len(queued))
        assert shown == len(queued), f"{shown} shown as saved, {len(queued)} made"
        assert not self.errors
        return shown


def kernel_killed(tab: Watched) -> int:
    """SIGKILL in the middle of a burst; the cell is run again."""
    tab.start_burst()
    tab.page.wait_for_timeout(150)
    os.kill(tab.kernel_pid(), signal.SIGKILL)
    tab.end_burst(CLICKS)
    tab.check_count()
    on_disk = {event["id"] for event in ledger.read(tab.ledger)[0]}
    assert tab.acknowledged <= on_disk
    wait_for_restart(tab)
    tab.run()
    return tab.check_end()


def wait_for_restart(tab: Watched) -> None:
    """Wait until JupyterLab has a living kernel again, and close its message about the death of the last one."""
    dialog = tab.page.locator(".jp-Dialog button.jp-mod-accept")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not dialog.count():
        tab.page.wait_for_timeout(100)
    tab.accept_dialogs()
    tab.wait_idle()


def kernel_restarted(tab: Watched) -> int:
    """The kernel is restarted in the middle of a burst; the panel says what to do."""
    tab.start_burst()
    tab.page.wait_for_timeout(150)
    tab.restart()
    tab.end_burst(CLICKS)
    tab.check_count()
    tab.page.wait_for_function("() => document.querySelector('.topfive .saved').textContent.includes('run this cell')")
    tab.run()
    return tab.check_end()


def page_reloaded(tab: Watched) -> int:
    """The page is loaded again in the middle of a burst."""
    tab.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    tab.start_burst()
    tab.page.wait_for_timeout(150)
    tab.page.reload()
    tab.page.wait_for_selector(".topfive")
    tab.wait_ready()
    tab.recall()
    tab.burst(CLICKS // 2)
    tab.check_count()
    return tab.check_end()


def two_tabs(tab: Watched) -> int:
    """Two pages show the same panel, and both are clicked at once."""
    tab.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    other = Watched(tab.server, tab.page.context, tab.notebook)
    other.open()
    other.page.wait_for_selector(".topfive")
    other.wait_ready()
    other.start_burst(CLICKS // 2)
    tab.start_burst(CLICKS // 2)
    other.end_burst(CLICKS // 2)
    tab.end_burst(CLICKS // 2)
    other.wait_saved()
    total = tab.check_end(other)
    other.wait_shown(total)
    return total


def browser_offline(tab: Watched) -> int:
    """The network goes away and comes back."""
    tab.page.context.set_offline(True)
    tab.burst()
    tab.check_count()
    tab.page.wait_for_timeout(500)
    tab.page.context.set_offline(False)
    return tab.check_end()


def server_frozen(tab: Watched) -> int:
    """The server does not answer for a while; the panel says so and counts."""
    tab.server.process.send_signal(signal.SIGSTOP)
    try:
        tab.burst()
        tab.check_count()
        assert tab.pending() == CLICKS
        tab.page.wait_for_function("() => document.querySelector('.topfive .saved').textContent.includes('not answer')")
    finally:
        tab.server.process.send_signal(signal.SIGCONT)
    return tab.check_end()


def disk_full(tab: Watched) -> int:
    """The file system takes no more bytes (a limit on the size of files, so that writes are cut short as for real)."""
    tab.execute(
        "import resource; limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({tab.ledger.stat().st_size} + 700, limits[1]))"
    )
    tab.page.wait_for_timeout(300)
    tab.burst()
    tab.page.wait_for_function(
        "() => document.querySelector('.topfive .saved').textContent.includes('cannot be written')"
    )
    tab.check_count()
    assert tab.pending() > 0
    tab.execute("resource.setrlimit(resource.RLIMIT_FSIZE, limits)")
    return tab.check_end()


def folder_read_only(tab: Watched) -> int:
    """The ledger's folder cannot be written for a while."""
    with _unwritable(tab.folder / "work"):
        tab.burst()
        tab.page.wait_for_function("() => document.querySelector('.topfive .saved').textContent.includes('cannot be')")
        tab.check_count()
        assert tab.pending() == CLICKS
    return tab.check_end()


@contextmanager
def _unwritable(folder: Path) -> Iterator[None]:
    """For root, whom permissions do not stop, a file takes the folder's place."""
    if os.geteuid() != 0:
        folder.chmod(0o500)
        (folder / "ledger.jsonl").chmod(0o400)
        yield
        folder.chmod(0o700)
        (folder / "ledger.jsonl").chmod(0o600)
        return
    folder.rename(folder.with_name("work-away"))
    folder.touch()
    yield
    folder.unlink()
    folder.with_name("work-away").rename(folder)


def notebook_moved(tab: Watched) -> int:
    """The assignment folder moves while the panel is open; the notebook is opened in its new place."""
    tab.burst(10)
    tab.wait_saved()
    moved = tab.folder.with_name(tab.folder.name + "-moved")
    old = tab.folder
    tab.folder.rename(moved)
    tab.burst(CLICKS - 10)
    tab.page.wait_for_function("() => document.querySelector('.topfive .saved').textContent.includes('is gone')")
    tab.check_count()
    assert tab.pending() == CLICKS - 10
    assert not old.exists()
    there = Watched(tab.server, tab.page.context, moved / tab.notebook.name)
    there.queued, there.acknowledged = tab.queued, tab.acknowledged
    there.open().run()
    return there.check_end()


def cell_training(tab: Watched) -> int:
    """A cell computes without a pause until it is told that all clicks are saved; so they cannot have waited for it."""
    tab.execute(COMPUTING)
    tab.burst(CLICKS, pause=30)
    tab.wait_saved()
    assert not (tab.folder / "done").exists(), "the clicks waited for the cell"
    (tab.folder / "enough").touch()
    return tab.check_end()


FILL = """() => {
    for (const size of [100000, 1000, 10, 1]) {
        try {
            for (let n = 0; n < 5000; n++) localStorage.setItem(`fill ${size} ${n}`, "x".repeat(size));
        } catch {}
    }
}"""


def storage_full(tab: Watched) -> int:
    """The browser's localStorage takes nothing more, the kernel dies, and the page is loaded again."""
    tab.page.evaluate(FILL)
    tab.burst(10)
    tab.wait_saved()
    os.kill(tab.kernel_pid(), signal.SIGKILL)
    tab.burst(CLICKS - 10)
    wait_kept(tab)
    assert "this page only" not in tab.status.inner_text()
    tab.check_count()
    wait_for_restart(tab)
    tab.reload_unsaved()
    tab.run()
    return tab.check_end()


# The browser's database for the panels opens two seconds late.
LATE = """
const open = IDBFactory.prototype.open;
IDBFactory.prototype.open = function (name, ...rest) {
    const request = open.call(this, name, ...rest);
    if (name !== "topfive") return request;
    let handler = null;
    Object.defineProperty(request, "onsuccess", { set: (given) => (handler = given) });
    request.addEventListener("success", (event) => setTimeout(() => handler.call(request, event), 2000));
    return request;
};
"""


def slow_disk(tab: Watched) -> int:
    """Full storage, and the browser's disk answers later than the kernel: until then nothing is called saved."""
    tab.page.add_init_script(LATE)
    return storage_full(tab)


def wait_kept(tab: lab.Tab) -> None:
    """Wait until every click that is not yet saved is on the browser's own disk."""
    tab.page.wait_for_function(
        "() => (d => d.pending !== '0' && d.kept === d.pending)("
        "[...document.querySelectorAll('.topfive .saved')].at(-1).dataset)"
    )


def browser_killed(tab: Watched) -> int:
    """The browser is killed while the server does not answer; the same person opens it again."""
    tab.close()
    kind = tab.page.context.browser.browser_type

    def opened() -> lab.BrowserContext:
        return kind.launch_persistent_context(profile, executable_path=lab.CHROMIUM, args=lab.BROWSER_FLAGS)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        before = Watched(tab.server, opened(), tab.notebook).open().run()
        tab.server.process.send_signal(signal.SIGSTOP)
        try:
            before.burst()
            wait_kept(before)
            for process in psutil.process_iter(["cmdline"]):
                if any(profile in word for word in process.info["cmdline"] or ()):
                    process.kill()
        finally:
            tab.server.process.send_signal(signal.SIGCONT)
        after = Watched(tab.server, opened(), tab.notebook)
        after.queued = before.queued
        total = after.open().run().check_end()
        after.page.context.close()
    return total


def another_owner(tab: Watched) -> int:
    """Clicks wait, since the ledger cannot be written; somebody else opens the same assignment in the same browser."""
    tab.close()
    mine, theirs = (
        tab.server.notebook(PANEL, name=f"{tab.folder.name}-{owner}/collecting") for owner in ("mine", "theirs")
    )
    (mine.parent / "work").touch()
    me = Watched(tab.server, tab.page.context, mine).open().run()
    me.burst()
    wait_kept(me)
    me.check_count()
    me.page.close()
    them = Watched(tab.server, tab.page.context, theirs).open().run()
    them.burst(10)
    them.check_end()
    assert f"{CLICKS} clicks for another ledger" in them.panel.inner_text()
    them.panel.get_by_role("button", name="Dismiss").press("Enter")
    them.page.wait_for_timeout(1500)  # the panel looks every second
    assert "for another ledger" not in them.panel.inner_text()
    assert them.panel.evaluate("panel => panel.contains(document.activeElement)")
    them.page.close()
    (mine.parent / "work").unlink()
    again = Watched(tab.server, tab.page.context, mine)
    again.queued = me.queued
    return again.open().run().check_end()


def second_blind(tab: Watched) -> int:
    """Two blind comparisons of one name, one after the other; each is revealed at its own end."""
    tab.close()
    pairs = "[(Prompt(f'top 5 WHAT {n}', 'x'), {'one': LISTS[0], 'two': LISTS[1]}) for n in range(20)]"
    both = Watched(
        tab.server, tab.page.context,
        tab.server.notebook(*(f"Blind({pairs.replace('WHAT', what)})" for what in ("soups", "gifts"))),
    ).open().run()  # fmt: skip
    for number in (0, 1):
        panel = both.page.locator(".topfive").nth(number)
        panel.focus()
        both.press("a", "u", *("a", "Enter") * 20)
        panel.get_by_role("button", name="Reveal").click()
        panel.get_by_role("cell", name="one").wait_for()
    both.wait_saved()
    told = [task for event in both.events("reveal") for task in event["policies"]]
    assert len(told) == len(set(told)) == len(both.answers()) == 40
    assert not both.errors
    return len(both.events("draft", "answer", "undo"))


def two_panels(tab: Watched) -> int:
    """Two panels of one name in one notebook: neither takes the other's answers back."""
    tab.close()
    cell = "first, second = Rank(tasks(30)), Rank(tasks(60)[30:])\ndisplay(first, second)"
    both = Watched(tab.server, tab.page.context, tab.server.notebook(cell)).open().run()
    left, right = (both.page.locator(".topfive").nth(number) for number in (0, 1))
    left.focus()
    both.press(*("a", "b", "c", "Enter") * 8)
    right.focus()
    both.press("a", "b", "c", "Enter", *"u" * 12)
    left.focus()
    both.press("d")
    both.wait_saved()
    assert "ranking 9 of 30" in left.inner_text()
    assert "ranking 1 of 30" in right.inner_text()
    assert len(both.answers()) == 8
    assert not both.errors
    return len(both.events("draft", "answer", "undo"))


def composition(tab: Watched) -> int:
    """An input method writes into a line and Enter ends its composition, twenty times."""
    tab.close()
    notebook = tab.server.notebook("Write([Prompt('top 5 soups', 'soups')])")
    there = Watched(tab.server, tab.page.context, notebook).open().run()
    line = there.panel.get_by_label("line 1", exact=True)
    line.click()
    typing = there.page.context.new_cdp_session(there.page)
    for _ in range(20):
        typing.send("Input.imeSetComposition", {"text": "すーぷ", "selectionStart": 3, "selectionEnd": 3})
        line.dispatch_event("keydown", {"key": "Enter", "code": "Enter", "isComposing": True, "keyCode": 229})
        typing.send("Input.insertText", {"text": "スープ"})
    there.page.wait_for_timeout(600)
    there.wait_saved()
    assert line.input_value() == "スープ" * 20
    assert there.events("draft")[-1]["draft"] == ["スープ" * 20, "", "", "", ""]
    assert not there.errors
    return len(there.events("draft"))


def cold_reopen(tab: Watched) -> int:
    """The saved notebook is opened again and nothing is run: a table and what to do; then the cell is run."""
    tab.focus()
    tab.press(*("a", "b", "c", "Enter") * 10)
    tab.wait_saved()
    tab.reopen_cold()
    tab.page.get_by_text("10 of 30 answered when this notebook was saved. To go on, run this cell again.").wait_for()
    assert tab.page.get_by_role("cell", name="top 5 quick dinners no. 3").count()
    assert "Error displaying widget" not in tab.page.locator(".jp-Notebook").inner_text()
    tab.run()
    assert "ranking 11 of 30" in tab.panel.inner_text()
    return tab.wait_saved()


ASKING = "Rank(tasks(30), also='which is more faithful to the prompt?')"
ROUNDS = 10
# One task after the other, in full: a ranking, not sure, why, the second question; then back to it, where the ranking
# is changed, undone and changed again.
GESTURES = """
([rounds, pause]) => {
    const panel = [...document.querySelectorAll(".topfive")].at(-1);
    const press = (key, target) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    const why = (words) => () => {
        const line = panel.querySelector(".remarks input");
        line.value = words;
        line.dispatchEvent(new Event("input", { bubbles: true }));
        press("Enter", line);
    };
    const once = (n) => [
        ..."abc", "Enter", "n", why(`because of soup ${n}`), ..."bad", "Enter", "p", "x", "u", "x", "Enter", "Enter",
    ];
    const steps = Array.from({ length: rounds }, (_, n) => once(n)).flat();
    globalThis.allIsDone = false;
    const next = () => {
        const step = steps.shift();
        if (step === undefined) return (globalThis.allIsDone = true);
        if (typeof step === "string") press(step, panel);
        else step();
        setTimeout(next, pause);
    };
    next();
}
"""


def asked_more(tab: Watched, broken: Callable[[Watched], AbstractContextManager[None]]) -> int:
    """Going back, a second question and reasons, while something breaks: all of it arrives, and in its order."""
    tab.close()
    there = Watched(tab.server, tab.page.context, tab.server.notebook(ASKING)).open().run()
    there.page.evaluate(GESTURES, [ROUNDS, 12])
    there.page.wait_for_timeout(150)
    with broken(there):
        there.page.wait_for_function("() => globalThis.allIsDone")
        there.check_count()
    total = there.check_end()
    events, _ = ledger.read(there.ledger)  # a torn line may be there
    answers = ledger.answers(events)
    assert sum(event["kind"] == "answer" for event in events) == 2 * len(answers) == 2 * ROUNDS
    assert [answer["why"] for answer in answers] == [f"because of soup {n}" for n in range(ROUNDS)]
    assert all(answer["sure"] is False and answer["bad"] is True for answer in answers)
    assert all(sorted(answer["also"]["ranks"]) == [1, 2, 3, 4] for answer in answers)
    assert f"ranking {ROUNDS + 1} of 30" in there.panel.inner_text()
    return total


@contextmanager
def _killed(tab: Watched) -> Iterator[None]:
    os.kill(tab.kernel_pid(), signal.SIGKILL)
    yield
    wait_for_restart(tab)
    tab.run()


@contextmanager
def _offline(tab: Watched) -> Iterator[None]:
    tab.page.context.set_offline(True)
    yield
    tab.page.context.set_offline(False)


@contextmanager
def _full(tab: Watched) -> Iterator[None]:
    tab.execute(
        "import resource; limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({tab.ledger.stat().st_size} + 5000, limits[1]))",
        to_its_end=True,
    )
    yield
    assert tab.pending() > 0
    tab.execute("resource.setrlimit(resource.RLIMIT_FSIZE, limits)")


def asked_more_kernel_killed(tab: Watched) -> int:
    """All new gestures, and SIGKILL in their middle."""
    return asked_more(tab, _killed)


def asked_more_offline(tab: Watched) -> int:
    """All new gestures without a network."""
    return asked_more(tab, _offline)


def asked_more_disk_full(tab: Watched) -> int:
    """All new gestures, and a disk that takes no more."""
    return asked_more(tab, _full)


def writers_killed(_: Watched | None = None, writers: int = 12) -> int:
    """Twelve processes write one ledger and are killed at random moments."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "home").mkdir()
        return kill_writers(Path(folder) / "home" / "work" / "ledger.jsonl", writers, seconds=2.0)[0]


ATTACKS: list[Callable[[Watched], int]] = [
    kernel_killed,
    kernel_restarted,
    page_reloaded,
    two_tabs,
    browser_offline,
    server_frozen,
    disk_full,
    folder_read_only,
    notebook_moved,
    cell_training,
    storage_full,
    slow_disk,
    browser_killed,
    another_owner,
    asked_more_kernel_killed,
    asked_more_offline,
    asked_more_disk_full,
]
# What people do that is no accident, and went wrong once.
SCENES: list[Callable[[Watched], int]] = [second_blind, two_panels, composition, cold_reopen]

LATENCY = """
(count) => new Promise((resolve) => {
    const panel = [...document.querySelectorAll(".topfive")].at(-1);
    const status = panel.querySelector(".saved");
    const times = [];
    const click = () => {
        if (times.length === count) return resolve(times);
        const before = Number(status.dataset.saved);
        const began = performance.now();
        const watch = new MutationObserver(() => {
            if (status.dataset.pending !== "0" || Number(status.dataset.saved) <= before) return;
            watch.disconnect();
            times.push(performance.now() - began);
            setTimeout(click, 60);
        });
        watch.observe(status, { attributes: true });
        panel.dispatchEvent(new KeyboardEvent("keydown", { key: "abcd"[times.length % 4], bubbles: true }));
    };
    click();
})
"""

# Trains a small transformer until it is told to stop.
TRAINING = """
import torch
model = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(128, 4, 512, batch_first=True), 4)
optimizer = torch.optim.AdamW(model.parameters())
Path("training").touch()
while not Path("enough").exists():
    loss = (model(torch.randn(16, 32, 128)) ** 2).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
"""


@contextmanager
def training(tab: lab.Tab) -> Iterator[None]:
    """While a cell trains."""
    tab.execute(TRAINING)
    deadline = time.monotonic() + 60
    while not (tab.folder / "training").exists():
        assert time.monotonic() < deadline, "the cell did not begin to train"
        tab.page.wait_for_timeout(100)
    yield
    (tab.folder / "enough").touch()


def latencies(tab: lab.Tab, count: int) -> list[float]:
    """Milliseconds from a key press to "saved" on the screen, one after the other."""
    return sorted(tab.page.evaluate(LATENCY, count))


def summary(times: list[float]) -> str:
    """Median and 95th percentile in words."""
    return f"median {statistics.median(times):.0f} ms, 95th percentile {times[int(0.95 * len(times))]:.0f} ms"


def attempt(attack: Callable[[], int | None], failed: Counter[str], name: str) -> int:
    """How many clicks were acknowledged; a failure is printed and counted, and the next attack goes on."""
    try:
        return attack() or 0
    except Exception:
        failed[name] += 1
        print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
        return 0


def one_round(saved: Counter[str], failed: Counter[str]) -> None:
    """Each attack once, on a JupyterLab of its own, so that no kernel outlives the round."""

    def in_a_new_page(attack: Callable[[Watched], int]) -> int:
        context = chromium.new_context(viewport={"width": 1280, "height": 1000})
        try:
            return attack(Watched(server, context, server.notebook(PANEL)).open().run())
        finally:
            context.close()

    with tempfile.TemporaryDirectory() as folder, lab.browser() as chromium:
        server = lab.Server(Path(folder) / "home")
        try:
            for attack in (*ATTACKS, *SCENES):
                saved[attack.__name__] += attempt(partial(in_a_new_page, attack), failed, attack.__name__)
        finally:
            server.stop()
    saved["writers_killed"] += attempt(writers_killed, failed, "writers_killed")


def main() -> None:
    """Run all attacks many times and print, line by line as it goes, what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    saved: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    print("| round | seconds | clicks acknowledged | events of killed writers | failures |\n|---|---|---|---|---|")
    for number in range(1, times + 1):
        began = time.monotonic()
        attempt(lambda: one_round(saved, failed), failed, "the round itself")
        seconds = round(time.monotonic() - began)
        writers = saved["writers_killed"]
        row = (number, seconds, f"{saved.total() - writers:,}", f"{writers:,}", failed.total())
        print("|", " | ".join(map(str, row)), "|", flush=True)
    print("\n| attack | acknowledged | failures |\n|---|---|---|")
    for name in saved | failed:
        print(f"| {name} | {saved[name]:,} | {failed[name]} |")


if __name__ == "__main__":
    main()
