"""An edit in words and in figures: what was done to a component, how much in which unit, and on which tokens."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from participants import Participant

from core.component import Component
from core.types import Edit, Op, Scope
from pages.parts.board import board
from pages.parts.here import Here
from pages.parts.opened import open_picture, seen_under
from pages.parts.rig import Rig
from pages.parts.settings import amount_of, reach, setting
from pages.parts.sheets import edit_in_words
from pages.parts.telling import told_of
from pages.parts.words import LANGUAGES
from study.history import history_in
from study.session import Step
from study.steering_events import InterventionApplied

TASK = "secret_cause"
CARD = Component(7, "cup", 0.9, 0.5, 2.0, p99_class=4.0)  # no p99 on patches: that of all tokens stands in
UNKNOWN = Component(8, "hat", 0.9, 0.5, math.nan)


def opened_with(*, tokens: str = "all", is_last: bool = False, reads: bool = True, signed: bool = False) -> Any:
    cards = {7: CARD, 8: UNKNOWN}
    convention = SimpleNamespace(tokens=tokens, non_negative=not signed)
    return SimpleNamespace(
        name_of=lambda component: cards[component].label,
        bundle=SimpleNamespace(index=cards, sae=SimpleNamespace(convention=convention)),
        model=SimpleNamespace(is_last=is_last, reads_class_token=reads),
    )


SAID = [
    (Edit(7), "suppressed cup (#7)", "cup (#7) gedämpft"),
    (Edit(7, Op.SCALE, 0.5), "suppressed cup (#7) to 0.5 times", "cup (#7) auf das 0,5-Fache gedämpft"),
    (
        Edit(7, Op.SCALE, 2.0, Scope.CLASS),
        "amplified cup (#7) to 2 times on the class token",
        "cup (#7) auf das 2-Fache gestärkt (auf dem Klassen-Token)",
    ),
    (
        Edit(7, Op.SET, 3.0, Scope.ALL),
        "set cup (#7) to 1.5 p99 on all tokens",
        "cup (#7) auf 1,5 p99 gesetzt (auf allen Token)",
    ),
    (
        Edit(7, Op.SET, -2.0, Scope.CLASS),
        "set cup (#7) to −0.5 p99 on the class token",
        "cup (#7) auf −0,5 p99 gesetzt (auf dem Klassen-Token)",
    ),
    (Edit(7, Op.SET, 0.0, Scope.ALL), "suppressed cup (#7)", "cup (#7) gedämpft"),
    (
        Edit(7, Op.ADD, 1.0, Scope.PATCHES, (3, 4, 9)),
        "added 0.5 p99 to cup (#7) on painted patches (3)",
        "0,5 p99 zu cup (#7) addiert (auf gemalten Feldern: 3)",
    ),
    (
        Edit(7, Op.ADD, -1.0),
        "took 0.5 p99 off cup (#7) where it is active",
        "0,5 p99 von cup (#7) abgezogen (wo sie aktiv ist)",
    ),
    (
        Edit(8, Op.SET, 2.5, Scope.ALL),
        "set hat (#8) to 2.5 codes on all tokens",
        "hat (#8) auf 2,5 Codes gesetzt (auf allen Token)",
    ),
]


@pytest.mark.parametrize(("edit", "english", "german"), SAID, ids=lambda said: str(said)[:40])
def test_an_edit_is_said_with_its_number_its_unit_and_its_tokens(edit: Edit, english: str, german: str) -> None:
    assert [edit_in_words(opened_with(), edit, language) for language in ("en", "de")] == [english, german]
    assert set(LANGUAGES) == {"en", "de"}


@pytest.mark.parametrize("value", [-1.0, 0.01, 0.3, 1.7, 5.0])
@pytest.mark.parametrize("scope", [Scope.ALL, Scope.ACTIVE, Scope.CLASS])
def test_what_was_typed_in_p99_comes_back_as_it_was_typed(value: float, scope: Scope) -> None:
    unit = {Scope.CLASS: 4.0}.get(scope, 2.0)
    assert amount_of(opened_with(), Edit(7, Op.ADD, value * unit, scope)) == (value, "p99")
    assert amount_of(opened_with(), Edit(8, Op.ADD, value, scope)) == (value, "code")


@pytest.mark.parametrize(
    ("tokens", "is_last", "reads", "cls", "patches"),
    [
        ("all", False, True, True, True),
        ("all", True, True, True, False),  # from the last block on the class token goes alone
        ("all", True, False, True, True),  # unless the model pools all tokens
        ("cls", False, True, True, False),
        ("patches", False, True, False, True),
    ],
)
def test_an_edit_reaches_the_tokens_that_the_dictionary_speaks_for_and_the_answer_reads(
    tokens: str, is_last: bool, reads: bool, cls: bool, patches: bool
) -> None:
    found = reach(opened_with(tokens=tokens, is_last=is_last, reads=reads))
    assert (found["cls"], found["patches"]) == (cls, patches)


def test_the_workspace_shows_an_edit_as_the_log_has_it(rig: Rig) -> None:
    who = Participant(rig).at(Step.WORKSPACE)
    opened = open_picture(rig, rig.script.tasks[TASK])
    one = next(card.index for card in opened.shown if card.p99 > 0)
    assert set(who.act("edit", component=one, strength=1.5, op="set", scope="patches", patches=[2, 0]).values()) == {""}
    records = rig.log.read(who.id)
    applied = next(record for record in records if isinstance(record.event, InterventionApplied))
    event, history = applied.event, history_in(records, TASK)
    shown = board(
        Here(rig, who.token, who.id, records, who.place), opened, history, seen_under(rig, opened, history.plan)
    )
    assert shown["edits"] == [
        {
            **{"index": one, "name": opened.name_of(one), "op": "set", "strength": event.value, "unit": event.unit},
            **{"scope": "patches", "patches": [0, 2]},
        }
    ]
    assert shown["reach"]["patches"] and setting(opened, history.plan.edits[0]) == shown["edits"][0]
    assert told_of(applied, lambda _task, component: f"#{component}").startswith(f"Set #{one} to 1.5 p99 on 2 patches:")


def test_what_the_hand_was_on_last_is_what_the_workspace_is_about(participant: Any) -> None:
    who = participant(Step.WORKSPACE)

    def drawn() -> dict[str, Any]:
        records = who.rig.log.read(who.id)
        opened, history = open_picture(who.rig, who.rig.script.tasks[TASK]), history_in(records, TASK)
        here = Here(who.rig, who.token, who.id, records, who.place)
        return board(here, opened, history, seen_under(who.rig, opened, history.plan))

    one, two, three = (each["index"] for each in drawn()["components"][:3])
    for component in (three, one):
        who.act("edit", component=component, strength=0)
    assert drawn()["view"]["chosen"] == one and drawn()["newest_first"] == [one, three]
    who.act("inspect", component=two)
    assert drawn()["view"]["chosen"] == two
