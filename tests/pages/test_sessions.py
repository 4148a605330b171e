"""The staff's list of sessions: what it says, whom it shows, and what it says of an empty record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from participants import Participant
from streamlit.testing.v1 import AppTest
from test_pages import PAGES

from pages.parts.rig import Rig
from pages.parts.sittings import checked
from pages.parts.staff import ROOMS
from study.lock import set_passphrase, sign_in
from study.participants import admit
from study.roster import roster
from study.session import Step
from study.session_events import SessionStarted
from study.staff import Role, everyone, invite


def room(rig: Rig, path: str = "staff/sessions.py", *, role: Role = Role.RESEARCHER, **more: Any) -> AppTest:
    """A page of the staff, opened by somebody with `role`; `study` restricts them, the rest goes into the address."""
    test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20)
    test.session_state["rig"] = rig
    test.session_state["staff_key"] = invite(
        rig.log, f"Ada {len(everyone(rig.log))}", role, study=more.pop("study", None)
    )
    test.run()
    test.switch_page(path)
    for name, value in more.items():
        test.query_params[name] = value
    return test.run()


def drawn(test: AppTest) -> str:
    assert not test.exception
    bodies = [str(one.proto.body) for one in test.get("html")]
    return " ".join(body for body in bodies if not body.startswith("<style"))


def begin(rig: Rig, **changes: str) -> str:
    session = admit(rig.log, changes.get("study", rig.script.study.id)).session_id
    given = {"study": rig.script.study.id, "study_version": "1.0.0", "script_sha256": "5c", "participant": "P77"}
    rig.log.append(session, SessionStarted(**{**given, **changes}), key="start")
    return session


def test_an_empty_record_says_what_to_do_next(rig: Rig) -> None:
    test = room(rig)
    assert "tiller simulate" in test.info[0].value
    assert "desk-table" not in drawn(test)


@pytest.mark.parametrize("path", ["staff/sessions.py", "staff/study.py", "staff/replay.py", "staff/console.py"])
@pytest.mark.parametrize("role", Role)
def test_nobody_is_told_to_do_what_they_cannot_do(rig: Rig, path: str, role: Role) -> None:
    here = next(one for one in ROOMS if one.path == path)
    if role not in here.roles:
        return
    for own in ("tiny", "another"):  # invited to the study that runs, and to one that does not
        said = room(rig, path, role=role, study=own).info[0].value
        assert "`tiller" not in said and "None" not in said
        assert ("Make a link" in said or "Send a participant" in said) == (role is Role.RESEARCHER and own == "tiny")
        assert own in said


def test_whoever_is_called_as_their_role_is_named_once(rig: Rig) -> None:
    test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20)
    set_passphrase(rig.log, "by the passphrase")
    test.session_state["rig"], test.session_state["staff_key"] = rig, sign_in(rig.log, "by the passphrase")
    test.run()
    test.switch_page("staff/sessions.py").run()
    assert '<span class="desk-who">Researcher</span>' in drawn(test)
    assert ", coder</span>" in drawn(room(rig, role=Role.CODER))


def test_each_session_stands_in_a_row_with_its_state(rig: Rig, participant: Callable[[Step], Participant]) -> None:
    mine = {step: participant(step) for step in (Step.BRIEFING, Step.ANSWER, Step.DONE)}
    page = drawn(room(rig))
    assert "in progress: between tasks" in page and "in progress: answer" in page and "completed" in page
    assert all(who.id in page for who in mine.values())
    assert page.count("whole") == 3
    assert "2 of 2" in page
    assert (
        f">{begin(rig)}" not in page and " of 2" not in drawn(room(rig)).split("P77")[1].split("</tr>")[0]
    )  # another script


def test_tasks_are_counted_against_the_script_that_the_session_ran_under(rig: Rig) -> None:
    of_another = begin(rig)
    row = drawn(room(rig)).split(f'data-session="{of_another}"')[1].partition("</tr>")[0]
    assert '<td class="number">0</td>' in row and "0 of" not in row


def test_bots_and_previews_are_hidden_until_asked_for(rig: Rig) -> None:
    bot, real = begin(rig, mode="bot"), begin(rig)
    test = room(rig)
    assert real in drawn(test) and bot not in drawn(test)
    test.toggle(key="all-modes").set_value(True).run()
    assert bot in drawn(test)


def test_nobody_is_shown_a_study_that_is_not_theirs(rig: Rig) -> None:
    here, there = begin(rig), begin(rig, study="other")
    for own, seen, unseen in (("tiny", here, there), ("other", there, here)):
        test = room(rig, study=own)
        assert seen in drawn(test) and unseen not in drawn(test)
        for wanted in ("other", "tiny", "nonsense", ""):
            test.query_params["study"] = wanted
            assert unseen not in drawn(test.run())


def test_the_study_in_the_address_is_the_one_shown(rig: Rig) -> None:
    here, there = begin(rig), begin(rig, study="other")
    test = room(rig)
    assert here in drawn(test) and there not in drawn(test)
    test.selectbox(key="study-picker").set_value("other").run()
    assert there in drawn(test) and here not in drawn(test)
    assert test.query_params["study"] == "other"


def test_a_broken_chain_is_named_by_its_row(rig: Rig, participant: Callable[[Step], Participant]) -> None:
    who = participant(Step.ANSWER)
    with rig.log.writer._engine.connect() as connection:
        connection.exec_driver_sql("drop trigger events_never_change")
        connection.exec_driver_sql("update events set target = 'x' where seq = 3")
        connection.commit()
    assert "broken at row 3" in drawn(room(rig))
    assert not checked(rig, roster(rig.log, "tiny"))[who.id].whole


def test_one_is_one_and_several_are_several(rig: Rig, participant: Callable[[Step], Participant]) -> None:
    participant(Step.DONE)
    assert [one.value for one in room(rig).caption] == ["1 session of participants."]
    begin(rig, participant="P02", mode="bot")
    (said,) = [one.value for one in room(rig).caption]
    assert said == "1 session of participants, and 1 session of bots and previews, which are no data."
    begin(rig, participant="P03")
    assert room(rig).caption[0].value.startswith("2 sessions of participants, and 1 session of bots")


def test_an_address_with_a_study_that_is_not_there_is_told_what_is_shown_instead(rig: Rig) -> None:
    begin(rig, study="elsewhere")
    for path in ("staff/sessions.py", "staff/findings.py", "staff/coding.py", "staff/agreement.py", "staff/exports.py"):
        page = room(rig, path, study=None)
        assert "The address asks" not in drawn(page)
        page.query_params["study"] = "<b>nonsense"
        told = drawn(page.run())
        assert (
            "The address asks for the study “&lt;b&gt;nonsense”, which is not among those that you may see "
            "(“elsewhere”, “tiny”); this is “tiny”." in told
        )
    restricted = room(rig, study="tiny")
    restricted.query_params["study"] = "elsewhere"
    told = drawn(restricted.run())
    assert "(“tiny”); this is “tiny”." in told, "and they learn of no other"
