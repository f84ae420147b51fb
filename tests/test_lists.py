import pytest

from topfive.lists import ParsedList, Prompt, Ranking, normalise, parse, render

FIVE = ("tomato soup", "leek soup", "lentil soup", "miso broth", "beef goulash")


def test_a_rendered_list_reads_back_as_it_was():
    assert render(FIVE[:2]) == "\n1. tomato soup\n2. leek soup"
    assert parse(render(FIVE)) == ParsedList(FIVE, ())
    assert parse(render(FIVE)).valid


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["an empty line", "0 items instead of 5"]),
        (render(FIVE[:4]), ["4 items instead of 5"]),
        (render([*FIVE, "sixth"]), ["6 items instead of 5"]),
        (render(FIVE).replace("3.", "4."), ["line 3 is numbered 4"]),
        (render(FIVE).replace("leek soup", " "), ["item 2 is empty"]),
        ("Sure!" + render(FIVE), ["a line without a number: 'Sure!'"]),
        (render(FIVE) + "\nEnjoy", ["a line without a number: 'Enjoy'"]),
        (render(FIVE).replace("\n2", "\n\n2"), ["an empty line"]),
        (render(FIVE).replace("1. ", "1) "), [
            "a line without a number: '1) tomato soup'",
            *(f"line {line} is numbered {line + 1}" for line in range(1, 5)),
            "4 items instead of 5",
        ]),
    ],
)  # fmt: skip
def test_each_way_of_not_being_a_list_of_five_is_named(text: str, problems: list[str]):
    assert list(parse(text).problems) == problems
    assert not parse(text).valid


def test_spaces_around_lines_and_items_are_no_problem():
    spaced = "\n".join(f"  {number}.{item}  " for number, item in enumerate(FIVE, start=1))
    assert parse(f"\n\n{spaced}\n") == ParsedList(FIVE, ())


@pytest.mark.parametrize("text", ["9" * 5000 + ". soup", "\0", "1.\n" * 300, "².", "-1. soup"])
def test_nothing_that_a_model_may_say_raises(text: str):
    assert not parse(text).valid


@pytest.mark.parametrize(
    ("one", "other"),
    [("Tomato  Soup", "tomato soup"), ("tomato soup.", "tomato soup"), (" tomato soup ", "tomato soup")],
)
def test_spellings_of_one_item_are_one(one: str, other: str):
    assert normalise(one) == normalise(other)


def test_different_items_stay_different():
    assert normalise("tomato soup") != normalise("tomato soups")


@pytest.mark.parametrize(("texts", "ranks"), [(("a", "b"), (1,)), (("a",), (1,)), (("a", "b"), (0, 1))])
def test_a_ranking_that_orders_nothing_is_refused(texts: tuple[str, ...], ranks: tuple[int, ...]):
    with pytest.raises(ValueError, match="two or more texts by places from 1"):
        Ranking(Prompt("top 5 soups", "soups"), texts, ranks)


def test_a_ranking_is_decisive_unless_everything_is_tied():
    prompt = Prompt("top 5 soups", "soups")
    assert Ranking(prompt, ("a", "b", "c"), (1, 1, 2)).decisive
    assert not Ranking(prompt, ("a", "b", "c"), (1, 1, 1)).decisive
