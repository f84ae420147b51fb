"""A person at a panel: answers every task by keys, mouse and finger, changes their mind, and knows what they said.

What a person saw and chose is kept in their own terms (places from left to right, not indices of texts), and so is
what the ledger says, so that the two can be laid side by side. Beside the answers a person undoes one, marks one as
not sure and says why, and opens an earlier one again.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from playwright.sync_api import Locator, Page, expect

from topfive import ledger
from topfive.ledger import Event
from topfive.lists import parse

LETTERS = "abcdef"
WHY = "the soup sounds warm"
NEXT = re.compile(r"^Next ")
PATIENCE = 300_000  # ms; the machine may be busy
expect.set_options(timeout=PATIENCE)
Chosen = Any  # what was answered, as the person saw it


@dataclass
class Given:
    """One press of Next: which task, the answer, and the remark that went with it."""

    number: int
    chosen: Chosen
    sure: bool = True
    why: str = ""


@dataclass
class Person:
    """Somebody at one panel. want(task number, lines on the screen) says what they think; None leaves it to chance."""

    page: Page
    panel: Locator
    kind: "Kind"
    want: Callable[[int, list[str]], Chosen] | None = None
    given: list[Given] = field(default_factory=list)
    remarks: dict[int, tuple[bool, str]] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The task on the screen, from 1."""
        return number_in(self.panel.locator(".strip [aria-current]").inner_text())

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """A button of the panel by its name."""
        return self.panel.get_by_role("button", name=name, exact=True)

    def answer_all(self, count: int, midway: Callable[[], None] = lambda: None) -> None:
        """Answer all `count` tasks. `midway` happens after half of them."""
        self.panel.focus()
        for turn in range(count):
            self.answer(turn)
            if turn == 1:
                self.take_back()
            if turn == count // 2:
                midway()
                self.open_again(2)
        expect(self.panel.locator("h3")).to_have_text("All done, thank you")

    def answer(self, turn: int) -> None:
        """Answer the task on the screen, in another way each time."""
        number = self.number
        if turn == 3 and not self.kind.types:
            self.remark(number)
        lines = self.panel.locator(".card li").all_inner_texts()
        wanted = self.want(number, lines) if self.want else None
        chosen = self.kind.answer(self, turn, wanted)
        self.next(number, turn)
        self.given.append(Given(number, chosen, *self.remarks.get(number, (True, ""))))

    def next(self, number: int, turn: int) -> None:
        """Go on from a task, by the key, a click or a tap; it is answered then."""
        if turn % 3 == 0:
            self.press("Control+Enter" if self.kind.types else "Enter")
        elif turn % 3 == 1:
            self.button(NEXT).click()
        else:
            self.button(NEXT).tap()
        expect(self.panel.locator(".strip button").nth(number - 1)).to_have_text(re.compile(r"✓\??$"))

    def take_back(self) -> None:
        """Undo the last answer, and give it again."""
        last = self.given[-1]
        self.button("Undo").click()
        assert self.number == last.number
        self.button(NEXT).click()
        self.given.append(last)

    def remark(self, number: int) -> None:
        """Not sure, and why."""
        self.press("n", "w")
        self.page.keyboard.type(WHY)
        self.press("Enter")
        self.remarks[number] = (False, WHY)

    def open_again(self, number: int) -> None:
        """Open an earlier task by the strip, and answer it otherwise."""
        self.panel.get_by_role("navigation").get_by_role("button").nth(number - 1).click()
        assert self.number == number
        self.kind.clear(self)
        self.answer(9)

    def check(self, path: Any, name: str, count: int) -> None:
        """The panel says that all is saved, and the ledger holds exactly what was given, in order."""
        expect(self.panel.locator('.saved[data-ready=true][data-pending="0"]')).to_have_text(
            re.compile(r"^✓ \d+ clicks saved$")
        )
        events, problems = ledger.read(path)
        assert not problems, problems
        said = [one for one in events if one["kind"] == "answer" and one["panel"] == name]
        on_disk = [(self.kind.seen(one), one.get("sure", True), one.get("why", "")) for one in said]
        in_mind = [(one.chosen, one.sure, one.why) for one in self.given]
        assert on_disk == in_mind, f"{name}: the ledger says\n{on_disk}\nand was told\n{in_mind}"
        number_of = {one["task"]: mine.number for one, mine in zip(said, self.given, strict=True)}
        assert sorted(number_of.values()) == [*range(1, count + 1)]
        held = {number_of[one["task"]]: self.kind.seen(one) for one in ledger.answers(events) if one["panel"] == name}
        assert held == {one.number: one.chosen for one in self.given}


class Kind:
    """One kind of panel: how a person answers a task on it, and what an event on disk says in the same terms."""

    types = False  # whether letters are typed into fields

    def answer(self, person: Person, turn: int, wanted: Chosen) -> Chosen:
        """Answer the task on the screen as `wanted`, or if that is None by chance; returns what was chosen."""
        raise NotImplementedError

    def seen(self, event: Event) -> Chosen:
        """What an answer says, in the terms of `answer`."""
        raise NotImplementedError

    def clear(self, person: Person) -> None:
        """Take away what an opened answer would leave in the way of another."""


class Label(Kind):
    """One of two labels, as a number from 1."""

    def answer(self, person: Person, turn: int, wanted: Chosen) -> Chosen:
        chosen = wanted or 1 + Random(turn).randrange(2)
        other = 3 - chosen
        radio = person.panel.get_by_role("radio").nth(chosen - 1)
        if turn % 4 == 0:
            person.press(str(chosen))
        elif turn % 4 == 1:
            radio.click()
        elif turn % 4 == 2:
            person.press(str(other), "ArrowRight" if chosen == 2 else "ArrowLeft")  # a slip, put right
        else:
            radio.tap()
        return chosen

    def seen(self, event: Event) -> Chosen:
        return 1 + event["labels"].index(event["label"])


class Rate(Kind):
    """A number from 1 to 5 on each of two scales."""

    def answer(self, person: Person, turn: int, wanted: Chosen) -> Chosen:
        rng = Random(turn)
        chosen = [rng.randint(1, 5), rng.randint(1, 5)]
        groups = person.panel.get_by_role("radiogroup")
        if turn % 4 == 0:
            person.press(*map(str, chosen))
        elif turn % 4 == 1:
            for at in (1, 0):
                groups.nth(at).get_by_role("radio").nth(chosen[at] - 1).click()
        elif turn % 4 == 2:  # the second, then back up to the first
            person.press("3", str(chosen[1]), "ArrowUp", str(chosen[0]))
        else:
            for at in (0, 1):
                groups.nth(at).get_by_role("radio").nth(chosen[at] - 1).tap()
        return chosen

    def seen(self, event: Event) -> Chosen:
        return [*event["ratings"].values()]


class Compare(Kind):
    """How much better one of two is, from -3 (left) to 3 (right), or "bad"; and the same of a second question."""

    def answer(self, person: Person, turn: int, wanted: Chosen) -> Chosen:
        first = self.choose(person, turn)
        self.next_question(person, turn)
        return [first, self.choose(person, turn + 1)]

    def next_question(self, person: Person, turn: int) -> None:
        if turn % 2:
            person.button("Second question").click()
        else:
            person.button(NEXT).click()
        expect(person.button("Second question")).to_have_attribute("aria-current", "step")
        person.page.wait_for_timeout(600)  # reading; a click before that would be the second of a double one

    def choose(self, person: Person, turn: int) -> Chosen:
        rng, panel = Random(f"compare {turn}"), person.panel
        if turn % 5 == 0:
            size, side = rng.randint(1, 3), rng.choice((-1, 1))
            person.press("ab"[side > 0], str(size))
            return side * size
        if turn % 5 == 1:
            side = rng.choice((-1, 1))
            panel.locator(".card").nth(int(side > 0)).click()
            return 2 * side
        if turn % 5 == 2:
            choice = rng.randint(-3, 3)
            panel.get_by_role("radio").nth(choice + 3).click()
            return choice
        if turn % 5 == 3:
            panel.get_by_role("radio").nth(6).tap()
            return 3
        if rng.random() < 0.5:
            person.press("x")
            return "bad"
        person.press("=")
        return 0

    def seen(self, event: Event) -> Chosen:
        def one(said: Event) -> Chosen:
            if said.get("bad"):
                return "bad"
            left, right = (said["ranks"][i] for i in event["shown"])
            return said["strength"] * ((left > right) - (left < right))

        return [one(event), one(event["also"])]


class Rank(Kind):
    """Places of the lists from left to right, as they were shown at first; "bad" if none is good."""

    def answer(self, person: Person, turn: int, wanted: Chosen) -> Chosen:
        letters = sorted(person.panel.locator("[data-card] .key").all_inner_texts())
        order = Random(turn).sample(letters, len(letters))
        if turn == 5:
            person.press("x")
            return "bad"
        places = {letter: place for place, letter in enumerate(order, 1)}
        if turn % 4 == 0:
            person.press(order[0], "=", *order[1:-1])  # the first two share the first place
            places[order[1]] = 1
        elif turn % 4 == 1:
            for letter in order:
                self.card(person, letter).locator("ol, .item").click()
        elif turn % 4 == 2:
            for letter in reversed(order):
                drag(person.page, self.card(person, letter), person.panel.locator("[data-card]").first)
        else:
            for letter in order[:-1]:
                tap(person.page, self.card(person, letter))
        return [places[letter] for letter in letters]

    def card(self, person: Person, letter: str) -> Locator:
        """The card with a letter, wherever it stands now."""
        return person.panel.locator("[data-card]").filter(
            has=person.page.locator(".key").get_by_text(letter, exact=True)
        )

    def clear(self, person: Person) -> None:
        person.press("x", "x")

    def seen(self, event: Event) -> Chosen:
        return "bad" if event.get("bad") else [event["ranks"][i] for i in event["shown"]]


class BestWorst(Rank):
    """The letters of the best and of the worst."""

    def answer(self, person: Person, turn: int, wanted: Chosen) -> Chosen:
        best, worst = Random(turn).sample("abcd", 2)
        if turn % 3 == 0:
            person.press(best, worst)
        elif turn % 3 == 1:
            person.button(f"{worst} is the worst").click()
            person.button(f"{best} is the best").click()
        else:
            for letter in (best, worst):
                tap(person.page, self.card(person, letter))
        return [best, worst]

    def seen(self, event: Event) -> Chosen:
        return [LETTERS[event["shown"].index(event[end])] for end in ("best", "worst")]


class Write(Kind):
    """Five lines."""

    types = True

    def answer(self, person: Person, turn: int, wanted: Chosen) -> Chosen:
        lines = list(wanted)
        fields = [person.panel.get_by_label(f"line {n}", exact=True) for n in range(1, 6)]
        if turn % 4 == 1:  # in another order, put right by keys
            lines[3], lines[4] = lines[4], lines[3]
        fields[0].click()
        for n, line in enumerate(lines):
            if turn % 4 == 2 and n == 1:  # the same again, seen and put right
                person.page.keyboard.insert_text(lines[0])
                expect(person.panel.get_by_text("the same as line 1")).to_be_visible()
                fields[1].clear()
            person.page.keyboard.type(line)
            if n < 4:
                person.press("Enter")
        if turn % 4 == 1:
            person.press("Alt+ArrowUp")
        return list(wanted)

    def clear(self, person: Person) -> None:
        for n in range(1, 6):
            person.panel.get_by_label(f"line {n}", exact=True).clear()

    def seen(self, event: Event) -> Chosen:
        return list(parse(event["texts"][0]).items)


def number_in(text: str) -> int:
    """The number that a text begins with."""
    found = re.match(r"\d+", text)
    assert found, text
    return int(found[0])


def tap(page: Page, card: Locator) -> None:
    """Tap a card, no faster than a finger: two taps at one place within a moment are a double one."""
    card.locator("ol, .item").tap()
    page.wait_for_timeout(400)


def drag(page: Page, card: Locator, target: Locator) -> None:
    """Drag a card with the mouse before another; nothing happens if it stands there already."""
    card.scroll_into_view_if_needed()
    start, goal = card.bounding_box(), target.bounding_box()
    assert start
    assert goal
    if start == goal:
        card.locator("ol, .item").click()
        return
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + 60)
    page.mouse.down()
    page.mouse.move(goal["x"] + 40, goal["y"] + 60, steps=5)
    page.mouse.move(goal["x"] + 4, goal["y"] + 60, steps=3)
    page.mouse.up()
