"""Somebody at each kind of panel of the graded notebooks, by keys, mouse and finger; `walk` has whole notebooks."""

import pytest

from tests.browser import hands
from tests.browser.lab import Tab

SCALES = "from topfive.panels import HELPFUL_AND_FAITHFUL\n"
LINES = ["mint tea", "sage tea", "rooibos with orange", "oolong in a glass pot", "smoky lapsang"]
PANELS = {
    "label": ("Label(tasks(6, 1), question='Is it on topic?', labels=('on topic', 'off topic'))", hands.Label()),
    "rate": (f"{SCALES}Rate(tasks(6, 1), scales=HELPFUL_AND_FAITHFUL, side=False)", hands.Rate()),
    "compare": ("Compare(tasks(6, 2), also='which is more faithful?', side=False)", hands.Compare()),
    "rank": ("Rank(tasks(6), side=False)", hands.Rank()),
    "best and worst": ("Rank(tasks(6), 'best and worst', mode='best and worst', side=False)", hands.BestWorst()),
    "write": ("Write([Prompt(f'top 5 teas no. {n}', 'teas') for n in range(6)])", hands.Write()),
}


@pytest.mark.parametrize("name", PANELS)
def test_the_ledger_holds_what_a_person_said_in_every_way_there_is(tab, name):
    cell, kind = PANELS[name]
    lab: Tab = tab("from topfive.panels import Label\n" + cell)
    person = hands.Person(lab.page, lab.panel, kind, lambda number, _: LINES if kind.types else None)
    person.answer_all(6)
    person.check(lab.ledger, name, 6)
    assert not lab.errors
