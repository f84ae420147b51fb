"""Where rankings come from, and how far labellers agree."""

import pytest

from tests.conftest import PLAIN
from topfive import data, preferences
from topfive.judge import Taste
from topfive.ledger import Ledger, ranking_event
from topfive.lists import Ranking, parse


def ranked(name, texts, *ranks):
    return name, Ranking(PLAIN, tuple(texts), ranks)


def test_simulated_labellers_see_the_same_lists_in_different_orders(bank, tmp_path, model, tokenizer):
    from tests.conftest import write_rows

    write_rows(
        data.folder() / "prompts.jsonl",
        [
            {
                "prompt": f"top 5 {topic}",
                "topic": topic,
                "wording": 0,
                "constraints": [],
                "split": "train",
                "held_out": "",
            }
            for topic in ("soups", "games")
        ],
    )
    made = preferences.simulated_rankings(model, tokenizer, 6, seed=1, labellers=3, taste=Taste(noise=0.0))
    assert len(made) == 18
    groups = preferences.by_group(made)
    assert all(len(group) % 3 == 0 for group in groups.values())
    assert len({ranking.texts for _, ranking in made}) > len(groups)
    again = preferences.simulated_rankings(model, tokenizer, 6, seed=1, labellers=3, taste=Taste(noise=0.0))
    assert made == again


def test_mixed_lists_differ_plainly_and_are_ranked_so(bank, model, tokenizer):
    from tests.conftest import write_rows

    rows = [("top 5 soups", "soups"), ("top 5 games", "games")]
    write_rows(
        data.folder() / "prompts.jsonl",
        [
            {"prompt": text, "topic": topic, "wording": 0, "constraints": [], "split": "train", "held_out": ""}
            for text, topic in rows
        ],
    )
    written = preferences.mixed_lists(model, tokenizer, 8, seed=1)
    assert len(written) == 8
    for index, (prompt, (fitting, _, other, spoiled)) in enumerate(written):
        topics = {row["item"]: row["topic"] for row in data.rows("items")}
        assert {topics[item] for item in parse(fitting).items} == {prompt.topic}
        assert other == written[index - 1][1][0]
        items = parse(spoiled).items
        assert items[0] == items[4] == parse(fitting).items[0]
        assert items[1:3] == parse(other).items[:2]
    ranked = preferences.simulated_rankings(model, tokenizer, 8, seed=1, mixed=True, taste=Taste(noise=0.0))
    for (_, ranking), (_, (fitting, _, _, spoiled)) in zip(ranked, written, strict=True):
        places = dict(zip(ranking.texts, ranking.ranks, strict=True))
        assert places[fitting] < places[spoiled]


def test_the_crowds_files_are_used_where_there_are_any(monkeypatch, tmp_path, capsys):
    given = [ranked("w1", "abcd", 1, 2, 3, 4), ranked("w2", "dcba", 4, 3, 2, 1), ranked("w3", "efgh", 1, 2, 3, 4)]
    (tmp_path / "crowd").mkdir()
    (tmp_path / "crowd" / "rankings.jsonl").touch()
    monkeypatch.setattr(data, "folder", lambda: tmp_path)
    monkeypatch.setattr(data, "crowd_rankings", lambda: given)
    assert preferences.crowd_rankings(None, None) == given
    assert preferences.crowd_rankings(None, None, groups=1) == given[:2]
    assert "3 rankings by 3 labellers, all simulated, from data/crowd" in capsys.readouterr().out


def test_without_the_crowds_files_that_is_said(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(data, "folder", lambda: tmp_path)
    monkeypatch.setattr(preferences, "simulated_rankings", lambda *_, **__: [ranked("s0", "ab", 1, 2)])
    assert len(preferences.crowd_rankings(None, None)) == 1
    assert "no data/crowd yet" in capsys.readouterr().out


@pytest.fixture
def homework(tmp_path, monkeypatch):
    from topfive.ledger import store

    folder = tmp_path / "05-preference-modeling"
    folder.mkdir()
    monkeypatch.setattr(store, "assignment_folder", lambda: folder)
    return tmp_path


def test_no_ledger_is_no_error(homework, capsys):
    assert preferences.own_rankings() == []
    assert "You have no rankings in 00-start-here or 04-collecting-preferences or here yet" in capsys.readouterr().out


def keep(homework, name, *given):
    """Rankings of `texts` with `ranks` in the ledger of an assignment."""
    (homework / name).mkdir(exist_ok=True)
    book = Ledger(homework / name / "work" / "ledger.jsonl")
    for texts, ranks in given:
        book.append(ranking_event(Ranking(PLAIN, tuple(texts), ranks)))
    return book.path


def test_own_rankings_come_from_the_ledger_of_04(homework, capsys):
    keep(homework, "04-collecting-preferences", ("ab", (2, 1)), ("ab", (1, 1)))
    assert preferences.own_rankings() == [Ranking(PLAIN, ("a", "b"), (2, 1))]
    assert "1 of your rankings" in capsys.readouterr().out


def test_own_rankings_come_from_00_and_from_this_folder_as_well_and_each_once(homework, capsys):
    keep(homework, "00-start-here", ("abcd", (2, 1, 3, 4)), ("ab", (1, 2)))
    keep(homework, "04-collecting-preferences", ("ab", (1, 2)))
    keep(homework, "05-preference-modeling", ("cde", (1, 2, 3)))
    found = preferences.own_rankings()
    assert [ranking.texts for ranking in found] == [("a", "b", "c", "d"), ("a", "b"), ("c", "d", "e")]
    said = capsys.readouterr().out
    for line in ("2 of your rankings from 00-start-here", "1 of your rankings from this folder"):
        assert line in said


def test_what_the_terminal_wrote_is_brought(homework, capsys):
    from topfive.ledger import default_path, plain

    tasks = plain.shipped_tasks(3)[:2]
    typed = iter(["a b c", "c b a"])
    assert plain.rank(tasks, Ledger(default_path()), ask=lambda _: next(typed), tell=lambda _: None) == 2
    assert [ranking.prompt for ranking in preferences.own_rankings()] == [task.prompt for task in tasks]


def test_a_torn_line_is_reported_once(homework, capsys):
    path = keep(homework, "04-collecting-preferences", ("ab", (1, 2)))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"kind": "ans')
    assert len(preferences.own_rankings()) == 1
    assert capsys.readouterr().out.count("kept, skipped") == 1


def test_halves_share_no_prompt():
    from dataclasses import replace

    asked = [replace(PLAIN, text=f"top 5 soups for day {day}") for day in range(5)]
    given = [Ranking(prompt, ("a", "b"), ranks) for prompt in asked for ranks in ((1, 2), (2, 1), (1, 2))]
    first, second = preferences.halves(given)
    assert (len(first), len(second)) == (6, 9)
    assert not {one.prompt for one in first} & {one.prompt for one in second}
    assert {one.prompt for one in first} != set(asked[:2]), "not by time"
    assert preferences.halves(given) == (first, second)
    assert preferences.halves(given[:1]) == ([], given[:1])


def test_agreement_by_hand():
    """a-b and a-c alike, b-c not; a tie is not told apart; another group alone says nothing."""
    labelled = [ranked("w1", "abc", 1, 2, 3), ranked("w2", "cab", 2, 1, 3), ranked("w1", "de", 1, 2)]
    found = preferences.agreement(labelled)
    assert (found.mean, found.n) == (pytest.approx(2 / 3), 1)
    tied = [ranked("w1", "abc", 1, 1, 3), ranked("w2", "abc", 1, 2, 3)]
    assert preferences.agreement(tied).mean == 1
    with pytest.raises(ValueError, match="nothing to estimate"):
        preferences.agreement(labelled[2:])
