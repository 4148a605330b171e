"""Coding in the browser and behind it: keys become rows once, nothing of another's codes is sent to who is blind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from participants import Participant
from served import Server, awaited, one_run
from starlette.requests import Request
from test_sessions import drawn, room

from app import build
from pages.parts import rig as rigs
from pages.parts.coding_acts import settle_coding
from pages.parts.coding_board import coding_board, differences_board
from pages.parts.coding_place import CodingPlace, coding_place
from pages.parts.replays import replayed
from pages.parts.rig import Rig
from pages.parts.staff import COOKIE, Insider
from study.codebook import books_of
from study.database import LogUnavailable
from study.guids import guid
from study.samples import draw_sample
from study.session import Step
from study.staff import CONSENSUS, RULES, Role, Staff, invite
from study.streams import stream_about

STUDY = "tiny"


def code(name: str) -> str:
    return guid("code", name)


@dataclass
class Hand:
    """Somebody at one session, whose acts come as a browser sends them."""

    rig: Rig
    name: str
    session: str
    role: Role = Role.CODER
    made: int = 0

    @property
    def insider(self) -> Insider:
        return Insider(self.rig, Staff(self.name, self.role))

    @property
    def place(self) -> CodingPlace:
        place = coding_place(self.insider, STUDY, self.session)
        assert place is not None
        return place

    @property
    def board(self) -> dict[str, Any]:
        return coding_board(self.place)

    def act(self, kind: str, unit: int | None = None, **fields: Any) -> dict[str, Any]:
        self.made += 1
        units = self.place.units
        where = {} if unit is None else {"unit": units[unit].id}
        given = {"version": 1, **fields}
        return {"id": f"{self.name}-act-{self.made:04d}", "session": self.session, "kind": kind, **where, **given}

    def send(self, *acts: dict[str, Any]) -> dict[str, str]:
        return settle_coding(self.insider, STUDY, acts)

    def give(self, unit: int, name: str) -> dict[str, str]:
        return self.send(self.act("assign", unit, code=code(name)))

    @property
    def rows(self) -> list[str]:
        return [record.name for record in self.rig.log.read(stream_about("coding", self.session, self.name))]


@pytest.fixture
def session(participant: Callable[[Step], Participant]) -> Participant:
    """A session with three settings, an undo and nothing said."""
    who = participant(Step.WORKSPACE)
    for component, strength in ((0, 0.5), (1, 0), (0, 2)):
        who.act("edit", component=component, strength=strength)
    who.act("undo")
    return who


def hand(session: Participant, name: str, role: Role = Role.CODER) -> Hand:
    return Hand(session.rig, name, session.id, role)


def test_an_act_is_written_once_however_often_it_is_sent(session: Participant) -> None:
    ada = hand(session, "Ada")
    acts = [ada.act("assign", 0, code=code("surprise")), ada.act("memo", 0, text="unsure"), ada.act("lock")]
    for _ in range(3):
        assert set(ada.send(*acts).values()) == {""}
    session.rig.settled.recall(("coding", STUDY, "Ada"), dict).clear()  # another server knows nothing of them
    assert set(ada.send(*acts).values()) == {""}
    assert ada.rows == ["code.assigned", "code.memo_written", "code.locked"]


def test_an_act_without_a_row_is_not_done_when_it_comes_again_after_a_later_one(session: Participant) -> None:
    ada = hand(session, "Ada")
    ada.give(0, "surprise")
    nothing, off = ada.act("assign", 0, code=code("surprise")), ada.act("remove", 0, code=code("surprise"))
    ada.send(nothing, off)
    session.rig.settled.recall(("coding", STUDY, "Ada"), dict).clear()
    assert ada.send(nothing, off) == {nothing["id"]: "", off["id"]: ""}
    assert ada.board["mine"] == {}, "the code was taken off last"


def test_acts_wait_in_order_while_the_record_is_out_of_reach(
    session: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = hand(session, "Ada")
    sent = [ada.act("assign", unit, code=code("surprise")) for unit in range(3)]
    append, full = session.rig.log.append, iter((False, True))

    def flaky(stream: str, *args: Any, **kwargs: Any) -> Any:
        if stream.startswith("coding:") and next(full, False):
            raise LogUnavailable("The disk is full.")
        return append(stream, *args, **kwargs)

    monkeypatch.setattr(session.rig.log, "append", flaky)
    assert ada.send(*sent) == {sent[0]["id"]: ""}
    assert ada.send(*sent) == dict.fromkeys((one["id"] for one in sent), "")
    assert ada.rows == ["code.assigned"] * 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "assign", "code": "stray"},
        {"kind": "assign", "code": "1" * 100},
        {"kind": "drop table"},
        {"kind": "memo", "text": "x" * 5000},
        {"kind": "assign", "code": code("surprise"), "session": "nobody"},
        {"kind": "assign", "code": code("surprise"), "session": "coding:x:y"},
        {"kind": "assign", "code": code("surprise"), "version": 9},
        {"kind": "agree", "codes": [code("surprise")]},
    ],
)
def test_what_no_key_sends_is_refused_in_one_sentence(session: Participant, wrong: dict[str, Any]) -> None:
    ada = hand(session, "Ada")
    (sentence,) = ada.send(ada.act(wrong.pop("kind"), 0) | wrong).values()
    assert sentence.endswith(".")
    assert ada.rows == []
    assert session.rig.log.read(stream_about("coding", session.id, CONSENSUS)) == ()


def test_who_may_see_one_study_codes_no_session_of_another(session: Participant) -> None:
    stranger = Insider(session.rig, Staff("Zoe", Role.CODER, "other"))
    ada = hand(session, "Ada")
    (sentence,) = settle_coding(stranger, STUDY, [ada.act("assign", 0, code=code("surprise"))]).values()
    assert "not of your study" in sentence
    assert coding_place(stranger, STUDY, session.id) is None
    assert coding_place(ada.insider, "other", session.id) is None


def everything_of(place: CodingPlace) -> str:
    return json.dumps([coding_board(place), differences_board(place)], sort_keys=True)


def test_what_another_codes_changes_nothing_of_what_is_sent_before_both_have_finished(session: Participant) -> None:
    """Blindness, by trying: the payload is the same to the last byte whatever the other has done."""
    ada, ben = hand(session, "Ada", Role.RESEARCHER), hand(session, "Ben")
    ids = {session.id: [unit.id for unit in ada.place.units]}
    draw_sample(session.rig.log, STUDY, ids, coder="Ben", first="Ada", share=0.5, seed=1, by="Ada", key="sample-1")
    todo = [unit for unit in range(len(ada.place.units)) if ada.place.units[unit].id in (ben.place.todo or ())]
    ada.give(0, "surprise")
    before = everything_of(ada.place)
    ben.give(todo[0], "confusion")
    ben.send(ben.act("memo", todo[0], text="what Ben thinks"), ben.act("lock"))
    assert everything_of(ada.place) == before
    assert '"rules": null' in before, "nor the rules' codes"

    blind = everything_of(ben.place)
    ada.give(1, "over-steering")
    assert everything_of(ben.place) == blind
    ada.send(ada.act("lock"))
    assert ben.board["others"] == {"Ada": {key: list(codes) for key, codes in ada.place.own.codes.items()}}
    assert ben.board["rules"] and ada.board["rules"]
    assert RULES in ada.place.seen


def test_who_codes_is_shown_the_rules_codes_only_when_they_have_finished(session: Participant) -> None:
    ben = hand(session, "Ben")
    assert ben.board["rules"] is None, "no sample binds them yet, and none is needed"
    ben.give(0, "surprise")
    assert ben.board["rules"] is None
    ben.send(ben.act("lock"))
    assert ben.board["rules"]


def test_the_replay_keeps_the_rules_codes_from_who_codes_the_session(session: Participant) -> None:
    rig, before = session.rig, rigs.installed()
    keys = {name: invite(rig.log, name, Role.RESEARCHER) for name in ("Ada", "Ben", "Cy", "Dee")}

    def codes_shown(name: str) -> int:
        headers = [(b"cookie", f"{COOKIE}={keys[name]}".encode())]
        where = {"path_params": {"session": session.id}, "query_string": b"", "headers": headers}
        answer = awaited(replayed(Request({"type": "http", "method": "GET", **where})))
        return len(json.loads(bytes(answer.body))["codes"])

    rigs.install(rig)
    try:
        assert codes_shown("Ada") > 0, "nobody codes it yet"
        dee = hand(session, "Dee")
        dee.give(0, "surprise")
        assert codes_shown("Dee") == 0, "without a sample too"
        dee.send(dee.act("lock"))
        assert codes_shown("Dee") > 0
        ids = {session.id: [unit.id for unit in hand(session, "Ada").place.units]}
        draw_sample(rig.log, STUDY, ids, coder="Ben", first="Ada", share=1, seed=1, by="Cy", key="s")
        assert codes_shown("Ada") == codes_shown("Ben") == 0
        assert codes_shown("Cy") > 0
        for name in ("Ada", "Ben"):
            who = hand(session, name)
            who.send(who.act("lock"))
        assert codes_shown("Ada") == codes_shown("Cy")
    finally:
        rigs._installed[:] = [] if before is None else [before]


def test_a_second_coder_codes_the_sample_alone(session: Participant) -> None:
    ada, ben = hand(session, "Ada"), hand(session, "Ben")
    ids = [unit.id for unit in ada.place.units]
    draw_sample(
        session.rig.log, STUDY, {session.id: ids}, coder="Ben", first="Ada", share=0.5, seed=1, by="Ada", key="s"
    )
    mine = set(ben.board["todo"])
    assert 0 < len(mine) < len(ids)
    outside = next(at for at, unit in enumerate(ids) if unit not in mine)
    (sentence,) = ben.give(outside, "surprise").values()
    assert "not among those that you are to code" in sentence
    assert ada.board["todo"] is None


def test_differences_are_those_of_two_who_have_finished_and_are_agreed_on_as_the_consensus(
    session: Participant,
) -> None:
    ada, ben = hand(session, "Ada"), hand(session, "Ben")
    for who, name in ((ada, "surprise"), (ben, "confusion")):
        who.give(0, name)
        who.give(1, "suppress")
    assert differences_board(ada.place) is None
    ada.send(ada.act("lock"))
    assert differences_board(ada.place) is None, "Ben has not finished"
    ben.send(ben.act("lock"))
    board = differences_board(ada.place)
    assert board is not None
    (unit,) = board["units"]
    assert {name: codes[unit["id"]] for name, codes in board["others"].items()} == {
        "Ada": [code("surprise")],
        "Ben": [code("confusion")],
    }
    assert set(ada.send(ada.act("agree", 0, codes=[code("confusion")])).values()) == {""}
    settled = differences_board(ben.place)
    assert settled is not None
    assert (settled["mine"], settled["settled"]) == ({unit["id"]: [code("confusion")]}, [unit["id"]])
    assert ada.board["mine"][unit["id"]] == [code("surprise")], "originals stay"


def test_the_rooms_say_what_to_do_where_there_is_nothing_to_code(rig: Rig) -> None:
    assert "Nobody has taken part" in room(rig, "staff/coding.py").info[0].value
    assert "Nobody has coded" in room(rig, "staff/agreement.py").info[0].value


def test_the_agreement_room_shows_figures_and_the_way_to_each_difference(session: Participant) -> None:
    for name, gives in (("Ben", "surprise"), ("Cy", "confusion")):
        who = hand(session, name)
        who.give(0, gives)
        who.send(who.act("lock"))
    page = drawn(room(session.rig, "staff/agreement.py"))
    assert "surprise" in page and "confusion" in page
    assert f"session={session.id}" in page and "view=differences" in page
    assert "Given by nobody: " in page


def test_a_researcher_who_codes_a_session_blind_is_not_shown_its_differences(session: Participant) -> None:
    for name, gives in (("Ben", "surprise"), ("Cy", "confusion")):
        who = hand(session, name)
        who.give(0, gives)
        who.send(who.act("lock"))
    ids = {session.id: [unit.id for unit in hand(session, "Ben").place.units]}
    draw_sample(session.rig.log, STUDY, ids, coder="Ada 0", first="Ben", share=1, seed=1, by="Ben", key="s")
    page = room(session.rig, "staff/agreement.py")  # as Ada 0
    assert "view=differences" not in drawn(page)
    assert any("that you code yourself" in one.value for one in page.caption)


def test_a_researcher_makes_a_version_and_a_coder_only_reads(session: Participant) -> None:
    log = session.rig.log
    test = room(session.rig, "staff/coding.py", view="codebook")
    test.selectbox(key="codebook-code-0").set_value(code("surprise")).run()
    test.text_input(key=f"key-{code('surprise')}-0").set_value("n").run()
    test.button(key=f"put-{code('surprise')}-0").click().run()
    assert "'n' moves about the page" in test.warning[0].value
    test.text_input(key=f"key-{code('surprise')}-0").set_value("y").run()
    test.text_input(key=f"name-{code('surprise')}-0").set_value("astonishment").run()
    test.button(key=f"put-{code('surprise')}-0").click().run()
    assert len(books_of(log, STUDY)) == 1, "a draft is no version"
    test.text_input(key="note-1").set_value("says it better").run()
    test.button(key="publish").click().run()
    assert not test.exception
    book = books_of(log, STUDY)[-1]
    entry = book.find(code("surprise"))
    assert entry is not None
    assert (book.version, book.by, book.note) == (2, "Ada 0", "says it better")
    assert (entry.name, entry.shortcut) == ("astonishment", "y")
    reader = room(session.rig, "staff/coding.py", role=Role.CODER, view="codebook")
    assert "astonishment" in drawn(reader)
    assert [button.key for button in reader.button if button.key in ("publish", "take")] == []


def test_a_researcher_draws_a_sample_on_the_page(session: Participant) -> None:
    invite(session.rig.log, "Ben", Role.CODER)
    test = room(session.rig, "staff/coding.py", view="second")
    test.selectbox(key="sample-first").set_value("Ada 1").run()
    test.button(key="sample-draw").click().run()
    assert not test.exception
    assert "Ben after Ada 1" in drawn(test)
    assert hand(session, "Ben").place.todo


# In the browser


@dataclass
class Desk:
    """A server with one session to code, and people signed in to it."""

    server: Server
    session: Participant
    chromium: Any

    def sign_in(self, name: str, role: Role = Role.CODER) -> Any:
        page = self.chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{self.server.url}api/enter#{invite(self.session.rig.log, name, role)}")
        page.wait_for_url("**/sessions*")
        self.open(page)
        return page

    def open(self, page: Any) -> None:
        page.goto(f"{self.server.url}coding?session={self.session.id}")
        page.locator(".ledger[data-loading='false'] .rows li[role='option']").first.wait_for()

    def rows(self, name: str) -> list[tuple[str, str | None, str | None]]:
        records = self.session.rig.log.read(stream_about("coding", self.session.id, name))
        return [
            (record.name, getattr(record.event, "code", None), getattr(record.event, "text", None))
            for record in records
        ]


@pytest.fixture
def desk(server: Server, world: Any, chromium: Any) -> Iterator[Desk]:
    rig = build(
        {
            "TILLER_DATABASE_URL": f"sqlite:///{server.database}",
            "TILLER_BUNDLE": str(world.bundle),
            "TILLER_STUDY": str(world.script),
        }
    )
    who = Participant(rig).at(Step.WORKSPACE)
    for component, strength in ((0, 0.5), (1, 0), (0, 2)):
        who.act("edit", component=component, strength=strength)
    yield Desk(server, who, chromium)
    for context in chromium.contexts:
        context.close()


def saved(page: Any) -> None:
    page.locator(".ledger .saved[data-mood='saved']").wait_for()


def heard(page: Any, sent: list[str], words: str) -> None:
    """What is said of a frame comes on another way than what it draws."""
    for _ in range(300):
        if words in "".join(sent):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{words!r} is in no frame")


def chips(page: Any) -> list[list[str]]:
    rows = page.locator(".ledger .rows li[role='option'] > .codes").all()
    return [[chip.inner_text() for chip in row.locator(".chip").all()] for row in rows]


@pytest.mark.browser
def test_a_session_is_coded_with_the_keyboard_alone(desk: Desk) -> None:
    page = desk.sign_in("Ada")
    for key in ("1", "s", "ArrowDown", "s", "s", "o", "n"):
        page.keyboard.press(key)
    with one_run(page, 900):
        page.keyboard.press("m")
        page.keyboard.type("sounds unsure s1")
        page.keyboard.press("Escape")
    page.keyboard.press("f")
    saved(page)
    assert chips(page) == [["suppress", "surprise"], ["over-steering"], ["confusion"]]
    rows = desk.rows("Ada")
    given = [(kind, next((n for n in ("suppress", "surprise", "over-steering", "confusion") if code(n) == one), text))
             for kind, one, text in rows]  # fmt: skip
    assert given == [
        ("code.assigned", "suppress"),
        ("code.assigned", "surprise"),
        ("code.assigned", "surprise"),
        ("code.removed", "surprise"),
        ("code.assigned", "over-steering"),
        ("code.memo_written", "sounds unsure s1"),
        ("code.assigned", "confusion"),
    ]
    page.reload()
    page.locator(".ledger[data-loading='false'] .chip").first.wait_for()
    assert chips(page) == [["suppress", "surprise"], ["over-steering"], ["confusion"]]
    page.locator(".palette [data-code]").filter(has_text="redo").click()  # and with the mouse
    saved(page)
    assert "redo" in chips(page)[2], "the unit that was looked at is found again after a reload"
    page.get_by_role("button", name="Finish session").dblclick()
    page.get_by_role("button", name="Finish for good").wait_for()
    assert "code.locked" not in [kind for kind, *_ in desk.rows("Ada")], "a double click has read no question"
    page.get_by_role("button", name="Finish for good").click()
    page.get_by_text("You have finished this session; your codes stand.").wait_for()
    page.keyboard.press("s")
    saved(page)
    assert desk.rows("Ada")[-1][0] == "code.locked"


@pytest.mark.browser
def test_the_units_travel_once_and_not_with_every_act(desk: Desk) -> None:
    page, sent = desk.sign_in("Ada"), list[str]()
    words = hand(desk.session, "Ada").place.units[1].words
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sent.append(str(frame))))
    desk.open(page)
    heard(page, sent, words)
    page.keyboard.press("s")
    saved(page)
    sent.clear()
    page.keyboard.press("o")
    saved(page)
    heard(page, sent, code("over-steering"))
    assert words not in "".join(sent)
    page.get_by_role("radio", name="Codebook").or_(page.get_by_role("button", name="Codebook")).first.click()
    page.locator(".book-row").first.wait_for()
    page.get_by_role("radio", name="Code", exact=True).or_(page.get_by_role("button", name="Code", exact=True)).click()
    page.locator(".ledger[data-loading='false'] .chip").first.wait_for()
    assert chips(page)[0] == ["surprise", "over-steering"]


@pytest.mark.browser
def test_a_killed_server_loses_no_acknowledged_code_and_doubles_none(desk: Desk) -> None:
    page = desk.sign_in("Ada")
    page.keyboard.press("s")
    saved(page)
    desk.server.kill()
    away = "getComputedStyle(document.body, '::after').content"
    page.wait_for_function(f"{away}.includes('The server does not answer')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("o")  # into the dark
    page.locator(".ledger .saved[data-mood='unsaved']").wait_for()
    assert chips(page)[:2] == [["surprise"], ["over-steering"]]
    assert "The server does not answer" in page.locator(".ledger .notice").inner_text()
    assert page.evaluate(away) == "none", "it is said once"
    desk.server.start()
    saved(page)
    assert page.locator("body[data-away]").count() == 0
    assert [(kind, one) for kind, one, _ in desk.rows("Ada")] == [
        ("code.assigned", code("surprise")),
        ("code.assigned", code("over-steering")),
    ]
    page.reload()
    page.locator(".ledger[data-loading='false'] .chip").first.wait_for()
    assert chips(page)[:2] == [["surprise"], ["over-steering"]]


@pytest.mark.browser
def test_two_coders_side_by_side_see_only_their_own_until_both_have_finished(desk: Desk) -> None:
    ids = {desk.session.id: [unit.id for unit in hand(desk.session, "Ada").place.units]}
    draw_sample(desk.session.rig.log, STUDY, ids, coder="Ben", first="Ada", share=1, seed=1, by="Ada", key="s")
    sent: list[str] = []
    ada, ben = desk.sign_in("Ada"), desk.sign_in("Ben")
    ben.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sent.append(str(frame))))
    desk.open(ben)
    ada.keyboard.press("s")
    ada.keyboard.press("m")
    ada.keyboard.type("only Ada knows this")
    ada.keyboard.press("Escape")
    saved(ada)
    ben.keyboard.press("f")
    saved(ben)
    desk.open(ben)
    saved(ben)
    assert chips(ben)[0] == ["confusion"]
    heard(ben, sent, "tiller_ledger")
    assert len(sent) > 5
    assert "only Ada knows this" not in "".join(sent)
    assert ben.locator(".ledger .switch").is_hidden()
    for page in (ada, ben):
        page.get_by_role("button", name="Finish session").click()
        page.get_by_role("button", name="Finish for good").click()
        page.get_by_text("You have finished this session; your codes stand.").wait_for()
    desk.open(ben)
    ben.locator(".others .other").filter(has_text="surprise").wait_for()
