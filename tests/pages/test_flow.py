"""The whole way of a script, without a browser: each page's own rows, its limits, and what stands before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from participants import Participant, words
from tiny_world import TinyWorld

from app import build
from pages.parts import frame
from pages.parts.beat import beat, leave_window
from pages.parts.overtime import close_what_is_over
from pages.parts.rig import Rig
from pages.parts.screen import screen_of
from study.leases import lease_of
from study.moderator_events import ModeratorClockMarked, ModeratorJoined, ModeratorNoteAdded
from study.records import Instant
from study.session import Step
from study.session_events import (
    ConsentGiven,
    ConsentRefused,
    SessionCompleted,
    SessionPaused,
    SessionResumed,
    SessionStarted,
)
from study.task_events import PageLeft, TaskExtended, TaskSubmitted

WHOLE = Path(__file__).parent / "whole_way" / "study.yaml"


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.second = 0.0

    def __call__(self) -> Instant:
        ns = int(self.second * 1e9)
        return Instant(1_700_000_000_000_000_000 + ns, ns, "boot")


def study(world: TinyWorld, folder: Path, **changed: str) -> Rig:
    """The whole way's script, with some of its lines said otherwise."""
    text = WHOLE.read_text(encoding="utf-8")
    for line, other in changed.items():
        assert line in text
        text = text.replace(line, other)
    (folder / "consent.md").write_text("We keep what you do.", encoding="utf-8")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return build(
        {
            "TILLER_DATABASE_URL": f"sqlite:///{folder / 'log.db'}",
            "TILLER_BUNDLE": str(world.bundle),
            "TILLER_STUDY": str(folder / "study.yaml"),
        }
    )


class Walker(Participant):
    """A participant of the whole way, left before the stop that a test is about."""

    def before(self, stop: str) -> Walker:
        script = self.rig.script
        begun = SessionStarted(
            study=script.study.id, study_version="1.0.0", script_sha256=script.sha256, participant="P01"
        )
        self.write(begun, key="start")
        for scope in script.consent.scopes:
            kind = ConsentRefused if scope.key == "quote" else ConsentGiven
            self.write(kind(scope=scope.key, text_sha256="c"), key=f"consent {scope.key}")
        while (at := self.place.stop) is not None and at.id != stop:
            self.write(TaskSubmitted(task=at.id) if at.is_task else PageLeft(page=at.id), key=f"pass {at.id}")
        return self

    @property
    def names(self) -> list[str]:
        return [record.name for record in self.rig.log.read(self.id)]


@pytest.fixture
def walker(world: TinyWorld, tmp_path: Path) -> Callable[..., Walker]:
    def made(stop: str, **changed: str) -> Walker:
        rig = study(world, tmp_path, **changed)
        rig.log.now = Hand()
        return Walker(rig).before(stop)

    return made


def told(width: int, height: int, pointer: str) -> dict[str, Any]:
    return {"found": {"width": width, "height": height, "pixel_ratio": 1, "pointer": pointer, "asked": 0}}


def opened(who: Walker, **state: Any) -> Any:
    from streamlit.testing.v1 import AppTest

    test = AppTest.from_file(str(Path(__file__).parents[2] / "pages" / "entry.py"), default_timeout=20)
    test.session_state["rig"] = who.rig
    for name, value in state.items():
        test.session_state[name] = value
    test.query_params["s"] = who.token
    return test.run()


def test_a_window_that_fits_goes_on_by_itself(walker: Callable[..., Walker]) -> None:
    who = walker("screen")
    assert "About you" in words(opened(who, device=told(1200, 800, "fine")))
    assert who.names[-2:] == ["device.checked", "page.left"]


@pytest.mark.parametrize(
    ("found", "says"),
    [(told(900, 800, "fine"), "at least 1000 × 700"), (told(1400, 900, "coarse"), "mouse or a touchpad")],
)
def test_a_window_that_does_not_fit_says_what_to_do(walker: Callable[..., Walker], found: Any, says: str) -> None:
    who = walker("screen")
    test = opened(who, device=found)
    assert says in words(test)
    assert who.place.step is Step.DEVICE
    test.button(key="none").click().run()
    assert who.place.outcome == "screened_out"
    assert "CC-SCREEN" in test.code[0].value


def test_a_window_may_send_anything(walker: Callable[..., Walker]) -> None:
    who = walker("screen")
    for junk in (told(-1, 800, "fine"), {"found": {"asked": 0}}, told(10**9, 800, "x"), {"found": "x"}):
        assert "Does everything fit?" in words(opened(who, device=junk))
    assert "device.checked" not in who.names


def test_a_page_of_questions_is_handed_in_as_one_and_rules_hear_of_it(walker: Callable[..., Walker]) -> None:
    who = walker("about")
    test = opened(who)
    test.button(key="submit").click().run()
    assert "Still open: What do you work on? For how many years?" in words(test)
    answers = {"answer-3-role": {"value": "vision"}, "answer-3-years": {"value": 7}}
    test = opened(who, **answers)
    test.button(key="submit").click().run()
    given = [one.event for one in who.rig.log.read(who.id) if one.name == "response.submitted"]
    assert [(one.task, one.item, one.text, one.number) for one in given] == [  # type: ignore[union-attr]
        ("about", "role", "vision", None),
        ("about", "years", "", 7.0),
    ]
    assert who.place.step is Step.TUTORIAL


def test_a_tutorial_begins_its_practice_once_and_counts_no_task(walker: Callable[..., Walker]) -> None:
    who = walker("try_it")
    for _ in range(2):
        assert not opened(who).exception
    (begun,) = [one for one in who.rig.log.read(who.id) if one.name == "task.started"]
    assert getattr(begun.event, "practice", False) and begun.row["page"] == "tutorial"
    assert (who.place.order, who.place.tasks) == (0, 2)


def test_the_replay_shows_practice_as_the_workspace_and_a_page_of_questions_by_its_own_name(
    walker: Callable[..., Walker],
) -> None:
    who = walker("try_it")
    assert not opened(who).exception
    rows = who.rig.log.read(who.id)
    practised = screen_of(who.rig, who.id, rows[-1].seq)
    assert practised and practised["step"] == "tutorial" and practised["board"]["guide"]["steps"]
    seen = [screen_of(who.rig, who.id, one.seq) or {} for one in rows]
    titles = {shown["sheet"]["title"] for shown in seen if shown["step"] == "questions"}
    assert titles == {"About you"}, "and not the words of the first page"


def test_time_that_has_run_out_ends_the_task_once_and_the_next_page_says_so(walker: Callable[..., Walker]) -> None:
    who = walker("a")
    opened(who).button(key="start").click().run()
    who.rig.log.now.second = 7.5 * 60  # type: ignore[attr-defined]
    heard = beat(who.rig, who.token, "window-1")
    assert heard is not None and (heard["left_s"], heard["warn_s"]) == (30.0, 60.0)
    who.write(TaskExtended(task="a", minutes=1), key="more")
    heard = beat(who.rig, who.token, "window-1")
    assert heard is not None and heard["left_s"] == 90.0
    who.rig.log.now.second += 91  # type: ignore[attr-defined]
    heard = beat(who.rig, who.token, "window-1")
    assert heard is not None and heard["left_s"] is None and heard["others"] == heard["seq"]
    beat(who.rig, who.token, "window-1")
    test = opened(who)
    assert "The time for that picture was over." in words(test)
    assert who.names.count("task.timed_out") == 1
    assert who.place.dropped == ("a",)


def test_what_is_handed_in_before_the_end_of_its_time_is_written_counts(walker: Callable[..., Walker]) -> None:
    who = walker("a")
    opened(who).button(key="start").click().run()
    records, place = who.rig.log.read(who.id), who.place
    who.rig.log.now.second = 3600.0  # type: ignore[attr-defined]
    who.write(TaskSubmitted(task="a"), key="submit/a/1")
    assert close_what_is_over(who.rig, who.id, records, place)
    assert "task.timed_out" not in who.names
    assert (who.place.submitted, who.place.dropped) == (("a",), ())


def test_time_stands_still_while_a_session_is_paused(walker: Callable[..., Walker]) -> None:
    who = walker("a")
    opened(who).button(key="start").click().run()
    who.rig.log.append(who.id, SessionPaused(), key="pause", actor="moderator")
    who.rig.log.now.second = 3600.0  # type: ignore[attr-defined]
    heard = beat(who.rig, who.token, "w")
    assert heard is not None and heard["paused"] and heard["left_s"] == 480.0
    assert who.act("edit", component=0, strength=0) != {}
    assert "intervention.applied" not in who.names
    who.rig.log.append(who.id, SessionResumed(gap_s=1.0, ends_pause=True), key="on", actor="moderator")
    heard = beat(who.rig, who.token, "w")
    assert heard is not None and not heard["paused"] and heard["left_s"] == 480.0


def test_no_answer_before_the_script_lets_one(walker: Callable[..., Walker]) -> None:
    who = walker("a")
    opened(who).button(key="start").click().run()
    assert "Try more" in next(iter(who.act("answer").values()))
    assert who.place.step is Step.WORKSPACE


@pytest.mark.parametrize(
    ("line", "other", "ends"), [("", "", True), ("second_tab: take_over", "after_window: ask", False)]
)
def test_after_the_window_a_session_is_closed_or_asks(
    walker: Callable[..., Walker], line: str, other: str, ends: bool
) -> None:
    who = walker("about", **({line: other} if line else {}))
    who.rig.log.now.second = 25 * 3600  # type: ignore[attr-defined]
    test = opened(who)
    assert ("session.timed_out" in who.names) is ends
    if ends:
        assert "The time for this session is over" in words(test) and test.code[0].value == "CC-TIME"
        return
    assert "ask team@example.org to let you in" in words(test)
    who.rig.log.append(who.id, SessionResumed(gap_s=1.0), key="let in", actor="researcher")
    assert "About you" in words(opened(who))


def test_a_session_ends_when_its_minutes_are_over(walker: Callable[..., Walker]) -> None:
    who = walker("about")
    test = opened(who)
    who.rig.log.now.second = 59 * 60.0  # type: ignore[attr-defined]
    assert "About you" in words(test.run())
    who.rig.log.now.second = 61 * 60.0  # type: ignore[attr-defined]
    test.run()
    assert (who.names[-1], who.place.outcome) == ("session.timed_out", "timed_out")


@pytest.mark.parametrize("erase", [False, True])
def test_whoever_stops_is_told_what_happens_to_the_record(walker: Callable[..., Walker], erase: bool) -> None:
    who = walker("about")
    test = opened(who, pulse={"withdraw": {"erase": erase}})
    assert ("asked for what was recorded to be erased" in words(test)) is erase
    last = who.rig.log.read(who.id)[-1]
    assert (last.name, last.row["target"]) == ("session.withdrawn", "erase" if erase else None)
    assert test.code[0].value == "CC-WD"


def test_a_code_stands_only_after_the_end_is_on_record(walker: Callable[..., Walker]) -> None:
    who = walker("after")
    test = opened(who)
    assert not test.code
    test.button(key="continue").click().run()
    assert who.names[-1] == "session.completed"
    assert test.code[0].value == "CC-OK"
    # who withdraws their data after the last page has taken part all the same
    test = opened(who, pulse={"withdraw": {"erase": True}})
    assert who.place.outcome == "withdrawn" and test.code[0].value == "CC-OK"


def test_a_second_tab_takes_the_session_over_and_the_first_can_take_it_back(walker: Callable[..., Walker]) -> None:
    who = walker("about")
    first = opened(who, window="window-one")
    second = opened(who, window="window-two")
    assert "About you" in words(second)
    assert who.names.count("session.taken_over") == 1
    first.button(key="submit").click().run()
    assert "Open in another tab" in words(first) and "Go on here instead" in first.button[0].label
    first.button(key="use-this").click().run()
    assert "About you" in words(first)
    assert who.names.count("session.taken_over") == 2
    lease = lease_of(who.rig.log, who.id)
    assert lease is not None and lease.holder == "window-one"


def test_a_tab_that_is_refused_waits_until_the_other_is_quiet(walker: Callable[..., Walker]) -> None:
    who = walker("about", **{"second_tab: take_over": "second_tab: refuse"})
    opened(who, window="window-one")
    second = opened(who, window="window-two")
    assert "Please go on there" in words(second) and not second.button
    assert beat(who.rig, who.token, "window-two")["holder"] is False  # type: ignore[index]
    who.rig.log.now.second += 31  # type: ignore[attr-defined]
    assert beat(who.rig, who.token, "window-two")["quiet"]  # type: ignore[index]
    second.run()
    second.button(key="use-this").click().run()
    assert "About you" in words(second)


def test_a_tab_that_was_closed_leaves_the_session_free(walker: Callable[..., Walker]) -> None:
    who = walker("about", **{"second_tab: take_over": "second_tab: refuse"})
    opened(who, window="window-one")
    leave_window(who.rig, who.token, "window-one")
    assert "About you" in words(opened(who, window="window-two"))
    assert "session.taken_over" not in who.names


def test_a_reload_of_the_same_tab_is_no_second_tab(walker: Callable[..., Walker]) -> None:
    who = walker("about")
    for _ in range(3):
        assert "About you" in words(opened(who, window="window-one"))
    assert "session.taken_over" not in who.names


def test_a_page_hears_what_concerns_it_and_nothing_of_the_staff(walker: Callable[..., Walker]) -> None:
    who = walker("about")
    log = who.rig.log
    before = beat(who.rig, who.token, "w")
    log.append(who.id, ModeratorJoined(who="M1"), key="1", actor="moderator")
    log.append(who.id, ModeratorNoteAdded(who="M1", text="a secret"), key="2", actor="moderator")
    after = beat(who.rig, who.token, "w")
    assert before is not None and after is not None
    assert {**after, "seq": 0} == {**before, "seq": 0}
    log.append(
        who.id, ModeratorNoteAdded(who="M1", text="Hello", visible_to_participant=True), key="3", actor="moderator"
    )
    log.append(who.id, ModeratorClockMarked(who="M1", mark=1), key="4", actor="moderator")
    heard = beat(who.rig, who.token, "w")
    assert heard is not None and (heard["note"]["text"], heard["mark"], heard["others"]) == ("Hello", 1, 0)
    assert beat(who.rig, "A" * 32, "w") is None


@pytest.mark.parametrize("stop", ["screen", "mic", "about", "try_it"])
def test_every_page_can_be_stopped_on_and_a_voice_is_kept_in_the_tasks_only(
    walker: Callable[..., Walker], monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    mounted = list[str]()
    monkeypatch.setattr(frame, "record", lambda who, *_, **__: mounted.append("voice"))
    monkeypatch.setattr(frame, "pulse", lambda who, *_, **__: mounted.append("pulse"))
    screen = "    - {page: device_check, id: screen}\n"
    scope = "{key: quote, required: false,"
    audio = '{key: audio, required: false, label: {en: "Record my voice.", de: "Meine Stimme aufzeichnen."}}, '
    mic = f"{screen}    - {{page: mic_check, id: mic}}\n"
    who = walker(stop, **{screen: mic, scope: audio + scope})
    opened(who)
    assert mounted and set(mounted) == ({"pulse", "voice"} if stop == "try_it" else {"pulse"})


def test_a_german_script_is_german_throughout(walker: Callable[..., Walker]) -> None:
    who = Walker(walker("about").rig)
    script = who.rig.script
    started = SessionStarted(
        study=script.study.id, study_version="1.0.0", script_sha256=script.sha256, participant="P02", language="de"
    )
    who.write(started, key="start")
    test = opened(who)
    assert "Ich willige ein" in test.button(key="agree").label
    test.button(key="agree").click().run()
    assert "Passt alles hinein?" in words(test)
    who.write(SessionCompleted(), key="end")
    assert "Das war das letzte Bild" in words(opened(who))
