"""Exercise 2.5: what tells who somebody is."""

import re
from collections.abc import Callable

from topfive.demonstrations import foreign
from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake

NAMES = ("ana", "jo", "ravi", "mei", "sam", "ines", "olu", "kim")
PLACES = ("example.org", "example.com", "mail.example.net", "post.example.org")


def _redact_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def name() -> str:
        return NAMES[integers(0, len(NAMES), 1, generator)[0]]

    def place() -> str:
        return PLACES[integers(0, len(PLACES), 1, generator)[0]]

    def digits(count: int) -> str:
        return "".join(map(str, integers(1, 10, count, generator)))

    return [
        Case(
            "an e-mail address",
            (f"write to {name()}@example.org today",),
            look_at="what stands before and after the @.",
        ),
        Case(
            "dots, a plus, a hyphen in the address",
            (f"from {name()}.{name()}+{name()}_2@{place()} and {name()}-{name()}@my-{place()}",),
            look_at="all characters that may stand in an address.",
        ),
        Case("capitals in the address", (f"{name().upper()}.Lee@Example.ORG knows",), look_at="large letters."),
        Case("an address at the end of a sentence", (f"Ask {name()}@{place()}. Then bake.",), look_at="the full stop."),
        Case("a phone number", (f"ring 555{digits(5)} for more",), look_at="seven or more digits."),
        Case(
            "blanks, dots and hyphens in the number",
            (
                f"call +44 20 {digits(4)} {digits(4)}, {digits(3)}-{digits(4)} "
                f"or {digits(2)}.{digits(3)}.{digits(3)} now",
            ),
            look_at="what may stand between two digits, and the + before them.",
        ),
        Case(
            "numbers that are none",
            (f"a 1000-piece puzzle for 4 to 6, {digits(6)} beads and 24 hours, seat {digits(2)}",),
            look_at="how many digits a phone number has at least.",
        ),
        Case(
            "an @ that is none", ("tea @ the beach, 2 @ 3 euros",), look_at="what has to stand on both sides of the @."
        ),
        Case(
            "digits in the address",
            (f"{name()}{digits(8)}@{place()} has it",),
            look_at="an address with many digits: it is one thing, an e-mail address.",
        ),
        Case(
            "several in one text",
            (f"{name()}@{place()} or {name()}@{place()}, {digits(7)} or 0{digits(8)}",),
            look_at="the second one of each kind.",
        ),
        Case("nothing to take out", ("lentil soup with lemon, no. 5 of 12",), look_at="a text without any of it."),
        Case("an empty text", ("",), look_at="an empty text."),
    ]


EMAIL, PHONE = foreign.EMAIL.pattern, foreign.PHONE.pattern


def _by(
    email: str = EMAIL,
    phone: str = PHONE,
    *,
    count: int = 0,
    phone_first: bool = False,
    marks: tuple[str, str] = ("[e-mail]", "[phone]"),
) -> Function:
    """The right function with another pattern, order, mark, or number of things taken out."""
    steps = [(email, marks[0]), (phone, marks[1])]

    def redact(text: str) -> str:
        for pattern, mark in reversed(steps) if phone_first else steps:
            text = re.sub(pattern, mark, text, count=count)
        return text

    return redact


def _after(change: Callable[[str, str], object]) -> Function:
    """Something else made of the text and the right answer."""
    return lambda text: change(text, foreign.redact(text))


def _found(text: str) -> list[str]:
    return re.findall(EMAIL, text) + re.findall(PHONE, text)


EXERCISE = Exercise(
    number="2.5",
    title="What tells who somebody is",
    points=3,
    minutes=15,
    solution=foreign.redact,
    cases=_redact_cases,
    mistakes=(
        Mistake(
            "an address of letters only",
            _by(r"\w+@\w+(?:\.\w+)+"),
            "That is what comes out when only letters and digits may stand in an address, or on one side of its @: a "
            'piece of "ana.b+lists@…" stays. Look at: the dots, + and - before the @ and after it.',
            also=(_by(r"\w+@[\w-]+(?:\.[\w-]+)+"), _by(r"[\w.]+@[\w-]+(?:\.[\w-]+)+"), _by(r"[\w.+-]+@\w+(?:\.\w+)+")),
        ),
        Mistake(
            "one dot after the @",
            _by(r"[\w.+-]+@[\w-]+\.[\w-]+"),
            'That is what comes out when exactly one dot may follow the @: the end of "mail.example.net" stays. '
            "Look at: how often the part with the dot may come.",
            also=(_by(r"[\w.+-]+@[\w-]+\.\w+"),),
        ),
        Mistake(
            "the full stop is swallowed",
            _by(r"[\w.+-]+@[\w.-]+"),
            "That is what comes out when the full stop of the sentence is taken for a part of the address. A dot "
            "belongs to it only if something follows. Look at: the last character of your pattern.",
            also=(_by(r"[\w.+-]+@[\w-]+\.[\w.-]+"),),
        ),
        Mistake(
            "everything around the @",
            _by(r"\S+@\S+"),
            "That is what comes out when everything up to the next blank is taken, commas and full stops too. "
            "Look at: which characters may stand in an address.",
            also=(_by(r"\S+@\S+\.\S+"), _by(r"\S*@\S*")),
        ),
        Mistake(
            "no dot is asked for",
            _by(r"[\w.+-]*@[\w.-]*\w*"),
            "That is what comes out when an @ alone is taken for an address. On both sides something has to stand, "
            'and on the right a dot. Look at: "tea @ the beach".',
            also=(_by(r"@"), _by(r"[\w.+-]*\s?@\s?[\w-]+(?:\.[\w-]+)*")),
        ),
        Mistake(
            "small letters only",
            _by(r"[a-z0-9_.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+"),
            "That is what comes out when large letters stop the search. Look at: [a-z], and `re.IGNORECASE` or \\w.",
        ),
        Mistake(
            "digits without anything between",
            _by(phone=r"\+?\d{7,}"),
            "That is what comes out when the digits have to stand side by side. People write numbers in pieces: "
            "+44 20 7946 0018. Look at: one blank, dot or hyphen between two digits.",
            also=(_by(phone=r"\d{7,}"),),
        ),
        Mistake(
            "one way of writing it",
            _by(phone=r"\+?\d(?:[ -]?\d){6,}"),
            "That is what comes out when some ways to write a number are missing, such as dots. Between two digits a "
            "blank, a dot or a hyphen may stand. Look at: the set of what may stand between.",
            also=(
                _by(phone=r"\+?\d(?: ?\d){6,}"),
                _by(phone=r"\+?\d(?:[.-]?\d){6,}"),
                _by(phone=r"\d{3}[-. ]\d{4}"),
            ),
        ),
        Mistake(
            "the + stays",
            _by(phone=r"\d(?:[ .-]?\d){6,}"),
            "That is what comes out when the + before the number is not part of what you take out. Look at: what may "
            "stand before the first digit.",
        ),
        Mistake(
            "the blank after it is swallowed",
            _by(phone=r"\+?(?:\d[ .-]?){7,}"),
            "That is what comes out when a blank or a dot may also stand after the last digit: it vanishes with the "
            "number. Look at: that your pattern ends with a digit.",
            also=(_by(phone=r"\+?[\d .-]{7,}"), _by(phone=r"\+?\d[\d .-]{6,}")),
        ),
        Mistake(
            "too few digits",
            _by(phone=r"\+?\d(?:[ .-]?\d){3,}"),
            'That is what comes out when four, five or six digits are enough: "1000-piece" or a number of beads is '
            "taken for a phone number. Look at: how many digits you ask for.",
            also=(_by(phone=r"\+?\d(?:[ .-]?\d){5,}"), _by(phone=r"\+?\d(?:[ .-]?\d){4,}")),
        ),
        Mistake(
            "one digit too many",
            _by(phone=r"\+?\d(?:[ .-]?\d){7,}"),
            "That is what comes out when eight digits or more are asked for, where seven are enough. One digit stands "
            "before the part that repeats, perhaps. Look at: how many digits you ask for.",
            also=(_by(phone=r"\+?\d(?:[ .-]?\d){8,}"),),
        ),
        Mistake(
            "all digits",
            _by(phone=r"\+?\d+"),
            "That is what comes out when every number is taken out. A puzzle of 1000 pieces tells nothing about "
            "anybody. Look at: how many digits you ask for.",
            also=(_by(phone=r"\d"), _by(phone=r"\d+")),
        ),
        Mistake(
            "phone numbers first",
            _by(phone=r"\+?\d(?:[ .-]?\d){6,}", phone_first=True),
            "That is what comes out when phone numbers are taken out first: digits inside an e-mail address become "
            "one, and the rest of the address stays. Look at: the order of your two steps.",
        ),
        Mistake(
            "only the first of each kind",
            _by(count=1),
            "That is what comes out when only the first address and the first number are taken out. Look at: `search` "
            "or `match` where `sub` belongs, or its `count`.",
        ),
        Mistake(
            "e-mail addresses only",
            _by(phone=r"(?!)"),
            "That is what comes out when phone numbers stay. Look at: the second step.",
        ),
        Mistake(
            "phone numbers only",
            _by(email=r"(?!)"),
            "That is what comes out when e-mail addresses stay. Look at: the first step.",
        ),
        Mistake(
            "taken out without a trace",
            _by(marks=("", "")),
            "That is what comes out when nothing marks the place. Whoever reads the list has to see that something "
            "stood there. Look at: what you put in its place.",
        ),
        Mistake(
            "another mark",
            _by(marks=("[email]", "[phone]")),
            'That is right but for the mark: it is "[e-mail]" for an address and "[phone]" for a number, letter by '
            "letter. Look at: what you put in their place.",
            also=(
                _by(marks=("[phone]", "[e-mail]")),
                _by(marks=("[e-mail]", "[e-mail]")),
                _by(marks=("e-mail", "phone")),
            ),
        ),
        Mistake(
            "a list of what was found",
            _after(lambda text, right: _found(text)),
            "That is what was found, or whether anything was. The text was asked for, with marks in it. "
            "Look at: your last line.",
            also=(_after(lambda text, right: right != text),),
        ),
        Mistake(
            "the whole text",
            _after(lambda text, right: right if right == text else "[e-mail]" if "[e-mail]" in right else "[phone]"),
            "That is what comes out when a text that holds anything personal is replaced as a whole. All else stays "
            "as it is. Look at: what `sub` leaves alone.",
        ),
        Mistake(
            "small letters and tidy blanks",
            _after(lambda text, right: right.lower()),
            "That is right, but the rest of the text has changed too: its capitals or its blanks. All else stays as "
            "it is. Look at: `lower`, `split` and `strip`.",
            also=(lambda text: foreign.redact(text.lower()),),
        ),
    ),
    hints=(
        '`re.sub(pattern, "[e-mail]", text)` replaces every match. Two steps do it: one for addresses, one for '
        "numbers. In which order, if an address may hold digits?",
        "In square brackets stand the characters that may come: `[\\w.+-]+` is one or more letters, digits, dots, "
        "plus or minus signs. After the @ come letters, and then once or more often a dot with letters behind it: "
        "`(?:\\.…)+`.",
        "A number: perhaps a + (`\\+?`), a digit (`\\d`), and then six times or more `(?:[…]?\\d)`, where the "
        "brackets hold what may stand between two digits.",
    ),
)
