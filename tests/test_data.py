import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_rows
from topfive import data
from topfive.build import text as build
from topfive.lists import parse, render


def change(file: Path, line: int, **keys: Any) -> str:
    """Change keys of one row of a table; returns "file:line"."""
    lines = file.read_text("utf-8").splitlines()
    lines[line - 1] = json.dumps({**json.loads(lines[line - 1]), **keys})
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return f"{file}:{line}"


# --- the rules, each broken once ----------------------------------------------------------------------------------


def test_the_small_bank_keeps_every_rule(bank: Path):
    assert data.check(bank) == []


@pytest.mark.parametrize(
    ("file", "line", "keys", "message"),
    [
        ("topics", 1, {"constraints": ["vegetarian", "crunchy"]}, "unknown tag 'crunchy'"),
        ("topics", 2, {"split": "validation"}, "split should be train or test, found 'validation'"),
        ("items/soups", 3, {"tags": ["crunchy"]}, "unknown tag 'crunchy'"),
        ("items/soups", 3, {"topic": "salads"}, "unknown topic 'salads'"),
        ("items/soups", 3, {"tags": ["vegan"]}, "vegan but not vegetarian"),
        ("items/games", 3, {"tags": ["free"]}, "free but not budget"),
        ("items/soups", 3, {"id": "soups-2"}, "id 'soups-2' stands already in"),
        ("items/soups", 3, {"item": "soup"}, "an item has 2 to 7 words, found 'soup'"),
        ("items/soups", 3, {"note": " "}, "no note on 'creamy leek soup'"),
        ("items/soups", 3, {"item": "Tomato  soup with basil."}, "'Tomato  soup with basil.' stands already in"),
        ("prompts", 2, {"constraints": ["crunchy"]}, "unknown tag 'crunchy'"),
        ("prompts", 2, {"topic": "salads"}, "unknown topic 'salads'"),
        ("prompts", 2, {"split": "dev"}, "unknown split 'dev'"),
        ("prompts", 2, {"prompt": "top 5 soups", "split": "test"}, "'top 5 soups' stands already in"),
        ("demonstrations/hand", 1, {"constraints": ["crunchy"]}, "unknown tag 'crunchy'"),
        ("demonstrations/hand", 1, {"topic": "salads"}, "unknown topic 'salads'"),
        ("demonstrations/hand", 1, {"items": list("abcdef")}, "a list with 6 entries and no flaw named"),
        ("demonstrations/hand", 1, {"items": ["a b"] * 5}, "an entry stands there twice and no flaw is named"),
        ("demonstrations/hand", 2, {"flaws": []}, "a list with 4 entries and no flaw named"),
    ],
)
def test_a_broken_rule_is_named_by_file_and_line(bank: Path, file: str, line: int, keys: dict, message: str):
    where = change(bank / f"{file}.jsonl", line, **keys)
    [found] = data.check(bank)
    assert found.startswith(f"{where}: ")
    assert message in found


def test_what_stands_twice_names_both_places(bank: Path):
    change(bank / "prompts.jsonl", 2, prompt="top 5 soups", split="test")
    [found] = data.check(bank)
    assert found.endswith(f"stands already in {bank / 'prompts.jsonl'}:1 (split train)")


def test_a_topic_twice_is_named(bank: Path):
    where = change(bank / "topics.jsonl", 2, topic="soups")
    first = f"{bank / 'topics.jsonl'}:1"
    assert f"{where}: topic 'soups' stands already in {first}" in data.check(bank)


def test_the_same_item_may_stand_in_two_topics(bank: Path):
    change(bank / "items" / "games.jsonl", 1, item="tomato soup with basil")
    assert data.check(bank) == []


LIST = {"group": "g0", "prompt": "top 5 soups", "topic": "soups", "constraints": [], "text": "", "made_by": "sft"}
LABEL = {"source": "simulated", "worker": "w0", "seconds": 3.5}
CROWD: dict[str, list[dict[str, Any]]] = {
    "lists": [{"id": name, **LIST} for name in ("l0", "l1", "l2")],
    "workers": [{"worker": "w0", "kind": "ordinary", "noise": 0.5, "first_bias": 0.1}],
    "ratings": [{**LABEL, "list": "l0", "rating": 5}, {**LABEL, "list": "l1", "rating": 1}],
    "comparisons": [{**LABEL, "first": "l0", "second": "l1", "answer": "tie", "gold": ""}],
    "rankings": [{**LABEL, "lists": ["l2", "l0", "l1"], "ranks": [2, 1, 2]}],
}


@pytest.fixture
def crowd(bank: Path) -> Path:
    """The small bank with three lists, labelled by one worker."""
    for name, rows in CROWD.items():
        write_rows(bank / "crowd" / f"{name}.jsonl", rows)
    return bank


def test_a_small_crowd_keeps_every_rule(crowd: Path):
    assert data.check(crowd) == []


@pytest.mark.parametrize(
    ("file", "line", "keys", "message"),
    [
        ("lists", 2, {"topic": "salads"}, "unknown topic 'salads'"),
        ("ratings", 2, {"list": "l9"}, "unknown list 'l9'"),
        ("comparisons", 1, {"second": "l9"}, "unknown list 'l9'"),
        ("rankings", 1, {"lists": ["l2", "l0", "l9"]}, "unknown list 'l9'"),
        ("ratings", 2, {"worker": "w9"}, "unknown worker 'w9'"),
        ("rankings", 1, {"worker": "w9"}, "unknown worker 'w9'"),
        ("ratings", 1, {"rating": 6}, "rating should be 1 to 5, found 6"),
        ("ratings", 1, {"rating": 0}, "rating should be 1 to 5, found 0"),
        ("comparisons", 1, {"answer": "both"}, "unknown answer 'both'"),
        ("rankings", 1, {"ranks": [1, 2]}, "3 lists need as many places from 1, found [1, 2]"),
        ("rankings", 1, {"ranks": [0, 1, 2]}, "3 lists need as many places from 1, found [0, 1, 2]"),
        ("comparisons", 1, {"second": "l0"}, "the same list twice in one task"),
        ("rankings", 1, {"lists": ["l0", "l1", "l0"]}, "the same list twice in one task"),
        ("ratings", 2, {"source": "people"}, "source should be 'simulated', found 'people'"),
        ("comparisons", 1, {"seconds": 0.0}, "seconds should be above 0, found 0.0"),
    ],
)
def test_a_broken_rule_of_the_crowd_is_named_by_file_and_line(
    crowd: Path, file: str, line: int, keys: dict, message: str
):
    where = change(crowd / "crowd" / f"{file}.jsonl", line, **keys)
    [found] = data.check(crowd)
    assert found.startswith(f"{where}: ")
    assert message in found


def test_a_list_of_the_crowd_twice_names_both_places(crowd: Path):
    file = crowd / "crowd" / "lists.jsonl"
    write_rows(file, [*CROWD["lists"], CROWD["lists"][0]])
    assert data.check(crowd) == [f"{file}:4: id 'l0' stands already in {file}:1"]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_demonstration_for_a_held_out_prompt_is_named(bank: Path, split: str):
    held = change(bank / "prompts.jsonl", 1, split=split)
    file = bank / "demonstrations" / "hand.jsonl"
    assert data.check(bank) == [f"{file}:{line}: answers the held-out prompt of {held}" for line in (1, 2)]


def test_a_demonstration_for_a_held_out_topic_is_named(bank: Path):
    change(bank / "topics.jsonl", 2, split="test")
    where = change(bank / "demonstrations" / "hand.jsonl", 1, prompt="top 5 party games", topic="games")
    assert data.check(bank) == [f"{where}: answers the held-out topic 'games'"]


# --- lines that cannot be read ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"prompt": "caf\xe9"}', "byte 16 of the line is not UTF-8"),
        (b'{"prompt": "top 5', "not JSON"),
        (b"[1, 2]", "keys should be"),
        (b'{"prompt": "top 5 soups"}', "keys should be"),
        (b"null", "found NoneType"),
    ],
)
def test_a_line_that_is_no_row_is_named(bank: Path, line: bytes, message: str):
    file = bank / "prompts.jsonl"
    first, _ = file.read_bytes().splitlines()
    file.write_bytes(first + b"\n\n" + line + b"\n")
    for read in (lambda: data.rows("prompts"), data.check):
        with pytest.raises(data.DataError, match=message) as caught:
            read()
        assert str(caught.value).startswith(f"{file}:3: ")


@pytest.mark.parametrize(
    ("file", "keys", "message"),
    [
        ("prompts", {"wording": "0"}, "'wording' should be int, found str"),
        ("prompts", {"wording": True}, "'wording' should be int, found bool"),
        ("prompts", {"constraints": "vegetarian"}, "'constraints' should be list, found str"),
        ("prompts", {"constraints": [["vegetarian"]]}, "'constraints' should hold only text"),
        ("prompts", {"extra": 1}, "keys should be"),
        ("items/soups", {"item": None}, "'item' should be str, found NoneType"),
        ("topics", {"wordings": [1, 2]}, "'wordings' should hold only text"),
        ("demonstrations/hand", {"items": [1, 2, 3, 4, 5]}, "'items' should hold only text"),
        ("tags", {"tag": 3}, "'tag' should be str, found int"),
    ],
)
def test_a_wrong_type_is_named(bank: Path, file: str, keys: dict, message: str):
    where = change(bank / f"{file}.jsonl", 1, **keys)
    with pytest.raises(data.DataError, match=message) as caught:
        data.check(bank)
    assert str(caught.value).startswith(f"{where}: ")


def test_a_missing_part_says_how_to_make_it(bank: Path):
    (bank / "prompts.jsonl").unlink()
    with pytest.raises(data.DataError, match=r"prompts.jsonl: missing; `python -m topfive.build.text`"):
        data.rows("prompts")
    with pytest.raises(data.DataError, match=r"text.txt: missing"):
        data.pretraining_text()
    with pytest.raises(data.DataError, match=r"no such checkpoint"):
        data.checkpoint("nowhere")


# --- how it is handed out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", data.SCHEMAS)
def test_a_part_loads_as_a_dataset(crowd: Path, name: str):
    assert data.load(name).to_list() == data.rows(name)


def test_prompts_can_be_had_by_split(bank: Path):
    change(bank / "prompts.jsonl", 1, split="test")
    assert [prompt.text for prompt in data.prompts("test")] == ["top 5 soups"]
    assert [prompt.constraints for prompt in data.prompts("train")] == [("vegetarian",)]
    assert len(data.prompts("train", "test")) == len(data.prompts()) == 2


def test_only_demonstrations_without_a_flaw_are_clean(bank: Path):
    [(prompt, completion)] = data.clean_demonstrations()
    assert prompt == "top 5 soups"
    assert completion.startswith("\n1. tomato soup with basil\n2. ")
    assert parse(completion).valid


# --- what is shipped ----------------------------------------------------------------------------------------------


def test_the_shipped_data_keeps_every_rule():
    assert data.check() == []


def test_every_topic_has_thirty_items_and_a_prompt_in_its_split():
    items = Counter(row["topic"] for row in data.rows("items"))
    topics = {row["topic"]: row["split"] for row in data.rows("topics")}
    assert len(topics) >= 20
    assert items.keys() == topics.keys()
    assert min(items.values()) >= 30
    assert {row["split"] for row in data.rows("prompts") if topics[row["topic"]] == "test"} == {"test"}


def test_held_out_combinations_and_wordings_with_constraints_are_never_trained_on():
    rows = [row for row in data.rows("prompts") if row["constraints"]]
    for kind, keys in (("combination", ("topic", "constraints")), ("wording", ("topic", "wording"))):
        seen = {str([row[key] for key in keys]) for row in rows if row["split"] == "train"}
        held = {str([row[key] for key in keys]) for row in rows if row["held_out"] == kind}
        assert held
        assert not held & seen


def test_no_demonstration_answers_a_held_out_prompt():
    held = {row["prompt"] for row in data.rows("prompts") if row["split"] != "train"}
    topics = {row["topic"] for row in data.rows("topics") if row["split"] == "test"}
    leaked = [row["prompt"] for row in data.rows("demonstrations") if row["prompt"] in held or row["topic"] in topics]
    assert not leaked


@pytest.mark.parametrize(
    ("file", "make"),
    [("prompts", build.make_prompts), ("demonstrations/simulated", build.make_demonstrations)],
)
def test_derived_tables_are_rebuilt_to_the_byte(file: str, make):
    rebuilt = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in make())
    assert rebuilt.encode() == (data.folder() / f"{file}.jsonl").read_bytes()


def test_pretraining_text_is_rebuilt_to_the_byte():
    rebuilt = "\n\n".join(build.make_pretraining_text()) + "\n"
    assert rebuilt.encode() == (data.folder() / "pretraining" / "text.txt").read_bytes()


def test_what_descriptions_say_of_a_tag_is_true():
    """Each "is a and is b" or "is a but is not b" of the text agrees with the bank, in one of the item's topics."""
    said = {
        row[key]: (row["tag"], key == "predicate") for row in data.rows("tags") for key in ("predicate", "negation")
    }
    tags_of: dict[str, list[list[str]]] = {}
    for row in data.rows("items"):
        tags_of.setdefault(row["item"], []).append(row["tags"])
    claims = [
        any((tag in tags) == positive for tags in tags_of[item])
        for sentence in data.pretraining_text()
        for item, rest in cut_at_each_space(sentence.removesuffix("."))
        for phrases in [re.split(" and | but ", rest)]
        if item in tags_of and said.keys() >= set(phrases)
        for tag, positive in map(said.__getitem__, phrases)
    ]
    assert len(claims) > 3000
    assert all(claims)


def cut_at_each_space(sentence: str) -> list[tuple[str, str]]:
    words = sentence.split(" ")
    return [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, min(len(words), 12))]


def test_flaws_of_simulated_writers_are_named():
    """A list with none named has five different items of its topic, all keeping the constraints."""
    bank = {(row["topic"], row["item"]): set(row["tags"]) for row in data.rows("items")}
    for row in data.rows("demonstrations"):
        if row["writer"] != "hand" and not row["flaws"]:
            tags = [bank[row["topic"], item] for item in row["items"]]
            assert parse(render(row["items"])).valid
            assert len(set(row["items"])) == 5
            assert all(set(row["constraints"]) <= own for own in tags)


# --- lists for measuring ------------------------------------------------------------------------------------------


def test_fresh_lists_keep_to_their_prompt_and_are_the_same_for_a_seed():
    asked = {prompt.text: prompt for prompt in data.prompts("validation")}
    tags = {(row["topic"], row["item"]): set(row["tags"]) for row in data.rows("items")}
    pairs = data.fresh_lists("validation", 40, seed=1)
    assert len(pairs) == 40
    for text, completion in pairs:
        prompt, answer = asked[text], parse(completion)
        assert answer.valid
        assert all(set(prompt.constraints) <= tags[prompt.topic, item] for item in answer.items)
        assert len(set(answer.items)) == 5
    assert pairs == data.fresh_lists("validation", 40, seed=1)
    assert pairs != data.fresh_lists("validation", 40, seed=2)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_lines_that_an_editor_on_windows_saved_are_read(tmp_path: Path, encoding: str):
    file = tmp_path / "lists.jsonl"
    file.write_bytes('{"item": "crème"}\r\n{"item": "soup"}\r\n'.encode(encoding))
    assert list(data.read_jsonl(file)) == [(1, {"item": "crème"}), (2, {"item": "soup"})]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            '\ufeff{"a": 1}\n{"item": "'.encode() + b"\xe8",
            ":2: byte 11 of the line is not UTF-8; save the file as UTF-8",
        ),
        ('{"item": "crème"}'.encode("utf-16")[:-1], "damaged UTF-16"),
    ],
)
def test_lines_in_another_encoding_say_so(tmp_path: Path, raw: bytes, said: str):
    file = tmp_path / "lists.jsonl"
    file.write_bytes(raw)
    with pytest.raises(data.DataError, match=said):
        list(data.read_jsonl(file))
