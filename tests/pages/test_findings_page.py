"""The findings page: what is drawn is what was counted, bots only when asked for, and a way from each mark."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from participants import Participant
from test_sessions import room

from pages.parts import staff
from pages.parts.findings import cards, gathered, replay_of
from pages.parts.held_out import measured, waiting
from pages.parts.opened import desk_of
from pages.parts.plots import shares, top_of
from pages.parts.rig import Rig
from pages.parts.staff import Insider, Room
from study.bots import take_part
from study.erasure import erase
from study.exports import NOT_DATA
from study.findings import Measured, Point, findings_of
from study.findings.figure import share
from study.markdown import said
from study.participants import admit
from study.session import Step
from study.simulation import Bot
from study.staff import Role, Staff


def simulate(rig: Rig, *, n: int = 4, study: str | None = None) -> list[str]:
    sessions = []
    for seed in range(n):
        admission = admit(rig.log, study or rig.script.study.id)
        take_part(rig.log, rig.script, admission, lambda place: desk_of(rig, place), Bot(seed=seed))
        sessions.append(admission.session_id)
    return sessions


def sheet(test: Any) -> str:
    assert not test.exception
    (mounted,) = [one for one in test.get("bidi_component") if "findings" in one.proto.component_name]
    return json.loads(mounted.proto.json)["sheet"]


def test_an_empty_record_is_told_in_words(rig: Rig) -> None:
    test = room(rig, "staff/findings.py")
    assert "nothing to count" in test.info[0].value


def test_bots_count_only_when_asked_for_and_are_square(rig: Rig, participant: Callable[[Step], Participant]) -> None:
    simulate(rig)
    assert room(rig, "staff/findings.py").info, "simulated participants alone are nobody"
    participant(Step.DONE)
    test = room(rig, "staff/findings.py")
    assert test.caption[0].value.startswith("1 participant ")
    assert "<rect" not in re.sub('<rect class="zone".*?/>', "", sheet(test))
    test.toggle[0].set_value(True).run()
    assert "5 participants" in test.caption[0].value and "4 of them are simulated" in test.caption[0].value
    assert '<rect x="' in sheet(test)


def test_the_page_says_what_the_report_says(rig: Rig) -> None:
    simulate(rig)
    people = gathered(rig, rig.script.study.id, without=())
    found = findings_of(people, measured(rig, [one for one in people if one]))
    drawn = cards(found, lambda point: None)
    for finding in found.all:
        section = drawn[drawn.index(f'data-finding="{finding.key}"') :]
        for figure in finding.figures:
            assert said(figure.plain()) in section
    for svg in re.findall(r"<svg.*?</svg>", drawn, re.DOTALL):
        ElementTree.fromstring(svg)
    assert not re.search(r"\bnan\b|\binf\b", drawn)


def test_each_mark_leads_to_its_row_in_the_replay_where_there_is_one(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(rig, n=2)
    people = gathered(rig, rig.script.study.id, without=())
    found = findings_of(people)
    insider = Insider(rig, Staff("Ada", Role.OBSERVER))
    rooms = tuple(each for each in staff.ROOMS if each.address != "replay")
    monkeypatch.setattr(staff, "ROOMS", rooms)
    assert "href" not in cards(found, replay_of(insider))
    replay = Room("staff/replay.py", "replay", "Replay", frozenset({Role.OBSERVER}))
    monkeypatch.setattr(staff, "ROOMS", (*rooms, replay))
    links = re.findall(r'href="./replay\?session=(\w+)&amp;seq=(\d+)"', cards(found, replay_of(insider)))
    rows = {one.session: len(rig.log.read(one.session)) for one in people if one}
    assert {session for session, _ in links} == set(rows)
    assert all(1 <= int(seq) <= rows[session] for session, seq in links)


def test_a_session_that_was_erased_is_in_no_figure(rig: Rig) -> None:
    first, *_ = simulate(rig, n=2)
    assert len([one for one in gathered(rig, rig.script.study.id, without=()) if one]) == 2
    erase(rig.log, first)
    after = findings_of(gathered(rig, rig.script.study.id, without=()))
    assert (len(after.people), after.erased) == (1, 1)


def test_a_plan_is_run_once_and_an_empty_plan_changes_nothing(rig: Rig) -> None:
    simulate(rig, n=4)
    people = [one for one in gathered(rig, rig.script.study.id, without=()) if one]
    assert waiting(rig, people)
    found = measured(rig, people)
    assert not waiting(rig, people)
    kinds = {type(one) for one in found.values()}
    assert kinds == {Measured}
    for one in people:
        for attempt in one.attempts:
            mine = found[one.session, attempt.task, attempt.number]
            assert isinstance(mine, Measured) and mine.own is None, "the tiny bundle names no held-out failures"
            if not attempt.plan:
                assert (mine.all.fixed, mine.all.broken) == (0, 0)


def test_a_plan_of_another_bundle_is_not_run(rig: Rig) -> None:
    simulate(rig, n=1)
    (one,) = [each for each in gathered(rig, rig.script.study.id, without=NOT_DATA[:1]) if each]
    for attempt in one.attempts:
        attempt.pinned = replace(attempt.pinned, model_sha256="another") if attempt.pinned else None
    assert set(measured(rig, [one]).values()) == {"the bundle in use is not the one that the participants worked with"}
    for attempt in one.attempts:
        attempt.pinned = None
    assert set(measured(rig, [one]).values()) == {"no prediction of it is on record"}


@pytest.mark.parametrize(
    ("values", "unit", "end"),
    [
        ([8], "steps", 8),
        ([7], "steps", 8),
        ([11], "steps", 20),
        ([0.031], "share", 0.04),
        ([481], "seconds", 540),
        ([], "share", 1),
    ],
)
def test_an_axis_ends_on_a_number_that_people_say(values: list[float], unit: str, end: float) -> None:
    assert top_of(values, unit) == pytest.approx(end)


def test_names_are_escaped_in_the_drawing() -> None:

    point = Point(participant="<P01>", session="s", seq=1, value=1.0)
    figure = share("<b>", [point], none="")
    drawn = shares([figure], lambda point: '"><script>')
    assert "<script>" not in drawn and "<P01>" not in drawn and "<b>" not in drawn
    ElementTree.fromstring(drawn)
