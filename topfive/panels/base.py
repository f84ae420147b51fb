"""What all panels are in Python: a widget whose whole state is a replay of its events in the ledger.

The browser says hello and sends events; the kernel answers with what is on disk (docs/ledger.md has the messages).
Handlers run on a thread of their own while a cell trains, so they touch nothing but the ledger and this object.
"""

import getpass
import hashlib
import html
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from topfive.ledger import Event, Ledger, LedgerError, Task, answers, read, table
from topfive.ledger.convert import prompt_record
from topfive.ledger.store import UnfitError, check
from topfive.panels.side import opinion

HERE = Path(__file__).parent
COMMON = ("common.js", "strip.js", "remarks.js")  # what every panel is made of in the browser
ROOM = 4_000  # bytes of an answer beside its task: places, times, a second question, a line about why
LONGEST_QUESTION = 200  # characters
COUNTING = ("answer", "skip", "flag", "undo", "redo")


def second_question(text: str) -> str:
    """A question in words, or none. Raises ValueError for one that is longer than a line."""
    if len(text.strip()) > LONGEST_QUESTION:
        raise ValueError(f"a second question has at most {LONGEST_QUESTION} characters, got {len(text.strip())}")
    return text.strip()


def source(*names: str) -> str:
    """The text of these files of this folder, one after the other: how the common part gets into each ES module."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)


class Panel(anywidget.AnyWidget):
    """A widget that asks one task after the other and keeps each gesture in the ledger before it says "saved".

    tasks: what is asked, in order. Their ids come from their content, so the same lists resume where they stopped.
    name: tells this panel's events from those of others in the same ledger; once there are answers, leave it.
    guidelines: shown beside the task on request; empty lines part paragraphs, "- " begins a bullet.
    side: whether the small model's view is shown after each answer until the student switches it off.
    ledger: the file, if it is not the running notebook's `work/ledger.jsonl`.
    asks: what the kind of panel asks beside the usual, for its part in the browser.

    Without a front end it is a table of the answers so far.
    """

    type: ClassVar[str]

    tasks = traitlets.List(traitlets.Dict()).tag(sync=True)
    config = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        tasks: Sequence[Task],
        name: str,
        *,
        of: str = "lists",
        guidelines: str = "",
        side: bool = True,
        ledger: str | os.PathLike[str] | None = None,
        asks: Mapping[str, Any] | None = None,
    ) -> None:
        if not tasks or len({task.id for task in tasks}) < len(tasks):
            raise ValueError(f"a panel needs at least one task and no task twice, got {len(tasks)}")
        self.ledger = Ledger(ledger)
        self.name = name
        header = self.ledger.header()
        for number, task in enumerate(tasks, start=1):
            _check_answerable(_task_record(task, header["student"]), name, number)
        super().__init__(
            tasks=[_task_record(task, header["student"]) for task in tasks],
            config={
                "type": self.type,
                "name": name,
                "of": of,
                "assignment": header["assignment"],
                "place": _place(self.ledger.path),
                "ledger": header["id"] if self.ledger.path.exists() else "new",
                "guidelines": guidelines,
                "side": side,
                **(asks or {}),
            },
        )
        self.on_msg(self._receive)
        self._listen_where_addressed()

    def send(self, content: Any, buffers: Any = None) -> None:
        """A message to the browser."""
        super().send(content, buffers)
        self._listen_where_addressed()

    def _listen_where_addressed(self) -> None:
        """Have the browser's messages go to the shell they are addressed to, so that clicks do not wait for a cell.

        ipykernel 7.4 remembers on which shell a comm last spoke, and sends all that comes there. A comm is opened by a
        cell, so that would be the main shell, which is busy for as long as the next cell runs.
        """
        if self.comm is not None:
            self.comm.__dict__.pop("_reply_subshell_id", None)

    def events(self) -> list[Event]:
        """This panel's events on disk, in the ledger's order: those about its tasks, and those about none."""
        known = {None, *(task["id"] for task in self.tasks)}
        return [event for event in self._named() if event.get("task") in known]

    def answers(self) -> list[Event]:
        """The answers that hold, undone ones left out."""
        return answers(self.events())

    def unknown(self) -> list[Event]:
        """Answers under this panel's name to tasks that it does not ask (any more). They stay in the ledger."""
        known = {task["id"] for task in self.tasks}
        return [event for event in answers(self._named()) if event.get("task") not in known]

    def outdated(self) -> list[Event]:
        """Answers to an earlier form of this panel, which asked less. They count; the panel asks their tasks again."""
        return [event for event in self.answers() if not self._is_whole(event)]

    def _is_whole(self, _: Event) -> bool:
        """Whether an answer says all that this panel asks."""
        return True

    def _named(self) -> list[Event]:
        return [event for event in read(self.ledger.path)[0] if event.get("panel") == self.name]

    def _receive(self, _: object, content: Mapping[str, Any], __: object) -> None:
        """One message from the browser."""
        match content:
            case {"type": "hello"}:
                self._greet()
            case {"type": "events", "events": list(events)}:
                self._save(events)
            case {"type": "reveal"}:
                self._reveal()

    def _greet(self) -> None:
        """Tell a page that has just opened what the ledger holds, or why it cannot be written."""
        try:
            self.ledger.append({"kind": "open", "panel": self.name})
            trouble = ""
        except LedgerError as error:
            trouble = str(error)
        ledger = self.ledger.header()["id"] if self.ledger.path.exists() else "new"
        self.send({"type": "history", "ledger": ledger, "events": self.events(), "trouble": trouble, **self._table()})

    def _save(self, events: list[Event]) -> list[Event]:
        """Keep events and acknowledge those that are on disk, which are returned; then look at what they say."""
        results = self.ledger.append_all(events)
        saved = [result for result in results if not isinstance(result, LedgerError)]
        refused = [
            {
                "id": event.get("id") if isinstance(event, dict) else None,
                "why": str(result),
                "unfit": isinstance(result, UnfitError),
            }
            for event, result in zip(events, results, strict=True)
            if isinstance(result, LedgerError)
        ]
        ledger = self.ledger.header()["id"] if saved else "new"
        counts = any(event["kind"] in COUNTING for event in saved)
        more = self._table() if counts else {}
        self.send({"type": "saved", "ledger": ledger, "events": saved, "refused": refused, **more})
        judged = [event for event in saved if event["kind"] == "answer" and event.get("side")]
        if judged and (view := opinion(read(self.ledger.path)[0], judged[-1])):
            self.send({"type": "side", **view})
        return saved

    def _table(self) -> dict[str, str]:
        """The answers so far, for whoever opens the saved notebook without a kernel, and the id to find it by."""
        rows = table.answer_rows(self.events())
        note = f"{self._so_far()} when this notebook was saved. To go on, run this cell again."
        return {"model": str(self.model_id), "table": _html_table(note, rows)}

    def _so_far(self) -> str:
        outdated = len(self.outdated())
        earlier = f" ({outdated} of them in an earlier form of this panel, to be asked again)" if outdated else ""
        return f"{self.name}: {len(self.answers())} of {len(self.tasks)} answered{earlier}"

    def _reveal(self) -> None:
        """Only a blind panel has something to reveal."""

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        rows = table.answer_rows(self.events())
        note = self._so_far()
        if "NBGRADER_EXECUTION" not in os.environ:
            note += " when this cell ran"
        static = {
            "text/plain": f"{note}\n{table.as_text(rows)}" if rows else note,
            "text/html": _html_table(note, rows),
        }
        if "NBGRADER_EXECUTION" in os.environ:
            return static
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return static
        data, *metadata = bundle if isinstance(bundle, tuple) else (bundle,)
        return ({**data, **static}, *metadata) if metadata else {**data, **static}


def _task_record(task: Task, student: str) -> dict[str, Any]:
    return {
        "id": task.id,
        "prompt": prompt_record(task.prompt),
        "texts": list(task.texts),
        "shown": task.shown(student),
        "repeat_of": task.repeat_of,
        "suggested": task.suggested,
        "words": task.words(),
    }


def _check_answerable(task: Mapping[str, Any], name: str, number: int) -> None:
    """Raise ValueError if no answer about this task could ever be saved: its texts are part of it."""
    try:
        check({"kind": "answer", "panel": name, **task, "room for the rest": " " * ROOM})
    except LedgerError as error:
        about = f"{str(task['prompt']['text'])[:60]!a}"
        raise ValueError(f"task {number} ({about}) cannot be asked, since no answer could be saved: {error}") from error


def _place(path: Path) -> str:
    """Whose clicks these are while there is no ledger to say so: the folder and the person, not to be read from it.

    Rather too strict than too lax: clicks whose place has changed wait, those that went to another ledger are lost.
    """
    try:
        person = os.environ.get("JUPYTERHUB_USER") or f"{getpass.getuser()}@{platform.node()}"
    except (KeyError, OSError, ImportError):  # a system without a name for this user
        person = platform.node()
    home = path.parent.parent
    folder = home.stat().st_ino if home.is_dir() else 0  # another folder of this name is another place
    return "@" + hashlib.sha256(f"{person} {path} {folder}".encode()).hexdigest()[:16]


def _html_table(note: str, rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return f"<p>{html.escape(note)}</p>"

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><caption>{html.escape(note)}</caption>{line(table.COLUMNS, 'th')}{body}</table>"
