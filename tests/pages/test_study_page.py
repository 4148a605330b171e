"""The Study page: who takes part, by which links; what a researcher does there and what an observer cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from participants import Participant, words
from streamlit.testing.v1 import AppTest

from pages.parts.recruiting import address_of
from pages.parts.rig import Rig
from study.identity import looks_like_token
from study.preflight import write_passed
from study.recruitment import find_link, links_of
from study.script.setting import Ids, Modes, Remote
from study.session import Step
from study.staff import Role, everyone, invite, revoke

PAGES = Path(__file__).parents[2] / "pages"


def opened(rig: Rig, role: Role = Role.RESEARCHER, **query: str) -> AppTest:
    test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20)
    test.session_state["rig"] = rig
    test.session_state["staff_key"] = invite(rig.log, f"Ada {uuid4().hex[:8]}", role)
    test.run()
    test.switch_page("staff/study.py")
    for name, value in query.items():
        test.query_params[name] = value
    return test.run()


def table(test: AppTest) -> str:
    """The words of what the page draws by itself."""
    drawn = [str(one.proto.body) for one in test.get("html")]
    return " ".join(re.sub(r"<[^>]+>", " ", " ".join(drawn)).split())


def keys(test: AppTest) -> set[str]:
    return {str(one.key) for one in test.button}


def test_no_participants_link_is_made_for_a_script_that_was_not_rehearsed(rig: Rig) -> None:
    test = opened(rig, view="links")
    test.text_input(key="link-label").set_value("First wave").run()
    test.selectbox(key="link-mode").set_value("remote").run()
    test.button(key="link-make").click().run()
    assert "tiller preflight" in test.warning[0].value
    assert not test.code and links_of(rig.log, "tiny") == ()
    test.selectbox(key="link-mode").set_value("preview").run()
    test.button(key="link-make").click().run()
    assert test.code and [link.mode for link in links_of(rig.log, "tiny")] == ["preview"]


def test_a_link_is_made_shown_once_and_closed(rig: Rig) -> None:
    write_passed(rig.log, rig.script, 1)
    test = opened(rig, view="links")
    test.text_input(key="link-label").set_value("First  wave").run()
    test.selectbox(key="link-mode").set_value("remote").run()
    test.selectbox(key="link-for").set_value("A number of participants").run()
    test.number_input(key="link-quota").set_value(12).run()
    test.button(key="link-make").click().run()
    address = test.code[0].value
    token = address.partition("r=")[2]
    link = find_link(rig.log, token, "tiny")
    assert looks_like_token(token) and link is not None
    assert (link.label, link.mode, link.quota) == ("First wave", "remote", 12)
    test.button(key="copied").click().run()
    assert not test.code and token not in table(test)
    assert "First wave" in table(test) and "0 of 12" in table(test)
    test.button(key=f"turn-{link.id[:16]}").click().run()
    assert links_of(rig.log, "tiny")[0].closed and "closed" in table(test)


def test_a_label_that_is_taken_is_told_in_one_sentence(rig: Rig) -> None:
    write_passed(rig.log, rig.script, 1)
    test = opened(rig, view="links")
    for _ in range(2):
        test.text_input(key="link-label").set_value("I07").run()
        test.button(key="link-make").click().run()
    assert "that of another link" in test.warning[0].value
    assert len(links_of(rig.log, "tiny")) == 1


def test_a_platforms_link_has_its_placeholders() -> None:
    assert address_of("T", ("PROLIFIC_PID",)).endswith("/?r=T&PROLIFIC_PID={{%PROLIFIC_PID%}}")


def test_that_no_study_key_is_set_is_said_where_ids_would_come(rig: Rig) -> None:
    with_ids = replace(rig, script=replace(rig.script, ids=Ids(pid_param="PROLIFIC_PID")))
    assert "No study key is set, so no PROLIFIC_PID is kept" in words(opened(with_ids, view="links"))
    kept = replace(with_ids, study_key="a key of the test's own")
    assert "No study key" not in words(opened(kept, view="links"))


def test_everybody_is_listed_with_where_they_are(rig: Rig, participant: Callable[[Step], Participant]) -> None:
    participant(Step.WORKSPACE)
    shown = table(opened(rig))
    assert "P01" in shown and "workspace, picture 1 of 2" in shown and "Replay" in shown


def test_the_way_to_the_exports_keeps_the_study_that_is_looked_at(
    rig: Rig, participant: Callable[[Step], Participant]
) -> None:
    participant(Step.WORKSPACE)
    another = replace(rig, script=replace(rig.script, study=rig.script.study.model_copy(update={"id": "another"})))
    drawn = [str(one.proto.body) for one in opened(another, study="tiny").get("html")]
    assert [one for one in drawn if "./exports?study=tiny" in one]


def test_a_rejection_needs_a_reason_and_is_in_the_log(rig: Rig, participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.WORKSPACE)
    test = opened(rig)
    test.button(key="reject").click().run()
    assert "needs a reason" in words(test)
    test.text_input(key="reject-reason").set_value("a colleague tried it out").run()
    test.button(key="reject").click().run()
    last = rig.log.read(who.id)[-1]
    assert (last.name, last.row["actor"]) == ("session.rejected", "researcher")
    assert "P01 is rejected." in words(test)


def test_nobody_is_erased_until_their_pseudonym_is_typed(rig: Rig, participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.DONE)
    test = opened(rig)
    test.button(key="erase").click().run()
    assert "nothing was done" in words(test) and rig.log.read(who.id)[0].event is not None
    test.text_input(key="erase-typed").set_value("P01").run()
    test.button(key="erase").click().run()
    assert rig.log.read(who.id)[0].event is None
    assert "nothing of them was found" in words(test)


@pytest.mark.parametrize(
    ("view", "button", "fields"),
    [
        ("people", "erase", {"erase-typed": "P01"}),
        ("people", "reject", {"reject-reason": "none"}),
        ("links", "link-make", {"link-label": "I07"}),
    ],
)
def test_whoever_was_revoked_does_nothing_more_on_a_page_that_is_still_open(
    rig: Rig, participant: Callable[[Step], Participant], view: str, button: str, fields: dict[str, str]
) -> None:
    write_passed(rig.log, rig.script, 1)
    who = participant(Step.WORKSPACE)
    test = opened(rig, view=view)
    for name, value in fields.items():
        test.text_input(key=name).set_value(value).run()
    stood = who.rig.log.read(who.id)
    for one in everyone(rig.log):
        revoke(rig.log, one.name)
    test.button(key=button).click().run()
    assert rig.log.read(who.id) == stood and links_of(rig.log, "tiny") == ()


def test_who_waits_past_the_window_is_let_in_again(
    rig: Rig, participant: Callable[[Step], Participant], monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = Remote(open=True, resume_window_hours=24, after_window="ask")
    waiting = replace(rig, script=replace(rig.script, modes=Modes(remote=remote)))
    monkeypatch.setattr("pages.parts.study_acts.script_for", lambda _rig, _records: waiting.script)
    monkeypatch.setattr("pages.parts.study_people.script_for", lambda _rig, _records: waiting.script)
    who = participant(Step.WORKSPACE)
    assert "let-in" not in keys(opened(waiting))
    now = rig.log.now
    later = 25 * 3600 * 10**9
    rig.log.now = lambda: replace(now(), utc_ns=now().utc_ns + later, mono_ns=now().mono_ns + later)
    test = opened(waiting)
    assert "past its window" in table(test)
    test.button(key="let-in").click().run()
    last = rig.log.read(who.id)[-1]
    assert (last.name, last.row["actor"]) == ("session.resumed", "researcher")
    assert "let-in" not in keys(test)


@pytest.mark.parametrize("role", [Role.OBSERVER, Role.MODERATOR])
def test_only_a_researcher_acts(rig: Rig, participant: Callable[[Step], Participant], role: Role) -> None:
    participant(Step.WORKSPACE)
    assert "P01" in table(opened(rig, role)) and not keys(opened(rig, role)) & {"reject", "erase", "let-in"}
    assert "link-make" not in keys(opened(rig, role, view="links"))


def test_the_script_is_listed_with_its_sessions_by_outcome(
    rig: Rig, participant: Callable[[Step], Participant]
) -> None:
    participant(Step.DONE)
    shown = table(opened(rig, view="design"))
    assert re.search(r"1\.0\.0 \(running\) pilot [0-9a-f]{12} 1 –", shown)
    assert "counterbalances nothing" in words(opened(rig, view="design"))


def test_a_study_that_somebody_may_not_see_is_not_there(rig: Rig, participant: Callable[[Step], Participant]) -> None:
    participant(Step.WORKSPACE)
    test: Any = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20)
    test.session_state["rig"] = rig
    test.session_state["staff_key"] = invite(rig.log, "Ada", Role.RESEARCHER, study="another")
    test.run()
    test.switch_page("staff/study.py").run()
    assert "You are invited to the study “another”" in words(test)
