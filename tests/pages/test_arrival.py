"""The way in: a recruitment link alone starts a session and comes back to it; whoever may not begin is told calmly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from participants import words
from streamlit.testing.v1 import AppTest

from pages.parts.rig import Rig
from study.participants import find
from study.preflight import write_passed
from study.recruitment import links_of, make_link, set_closed
from study.script.setting import Ids, Modes, Remote

PAGES = Path(__file__).parents[2] / "pages"


@pytest.fixture
def invited(rig: Rig) -> Rig:
    """The study open by link alone, with ids of a platform."""
    ids, modes = Ids(pid_param="PROLIFIC_PID", extra_params=("SESSION_ID",)), Modes(remote=Remote(open=False))
    return replace(rig, script=replace(rig.script, ids=ids, modes=modes), study_key="a key of the test's own")


def opened(rig: Rig, **query: str) -> AppTest:
    test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20)
    test.session_state["rig"] = rig
    for name, value in query.items():
        test.query_params[name] = value
    return test.run()


def own_link(test: AppTest) -> str:
    found = test.query_params["s"]
    return found if isinstance(found, str) else found[0]


def started(rig: Rig, **query: str) -> str:
    """The session that a link begins, by the token that the address has afterwards."""
    test = opened(rig, **query)
    test.button(key="begin").click().run()
    assert set(test.query_params) == {"s"}, "no id and no recruitment link stays in the address bar"
    return own_link(test)


def session_of(rig: Rig, token: str) -> Any:
    found = find(rig.log, token)
    assert found is not None
    return rig.log.read(found[0])[0].event


def session_rows(rig: Rig, token: str) -> Any:
    found = find(rig.log, token)
    assert found is not None
    return [record.row for record in rig.log.read(found[0])]


def test_a_link_alone_starts_in_its_mode_and_comes_back_by_the_persons_id(invited: Rig) -> None:
    link = make_link(invited.log, invited.script, "wave", "remote")
    token = started(invited, r=link, PROLIFIC_PID="5f3a", SESSION_ID="77")
    event = session_of(invited, token)
    assert (event.mode, event.slot) == ("remote", 0)
    again = opened(invited, r=link, PROLIFIC_PID="5f3a", SESSION_ID="78")
    assert own_link(again) == token
    assert not [one for one in again.button if one.key == "begin"]
    assert len(invited.log.sessions()) == 1
    assert started(invited, r=link, PROLIFIC_PID="9b1c") != token


def test_a_personal_invitation_begins_a_moderated_session_once(invited: Rig) -> None:
    link = make_link(invited.log, invited.script, "I07", "moderated", quota=1)
    token = started(invited, r=link)
    assert session_of(invited, token).mode == "moderated"
    assert own_link(opened(invited, r=link)) == token


def test_without_a_key_a_person_is_known_by_their_own_link_alone(invited: Rig) -> None:
    rig = replace(invited, study_key=None)
    link = make_link(rig.log, rig.script, "wave", "remote")
    token = started(rig, r=link, PROLIFIC_PID="5f3a")
    assert started(rig, r=link, PROLIFIC_PID="5f3a") != token


@pytest.mark.parametrize("query", [{}, {"s": "A" * 32}, {"r": "A" * 32}, {"r": "junk", "PROLIFIC_PID": "5f3a"}])
def test_a_study_by_link_begins_for_nobody_else_and_an_unknown_link_is_an_unknown_link(
    invited: Rig, query: dict[str, str]
) -> None:
    test = opened(invited, **query)
    assert not [one for one in test.button if one.key == "begin"]
    assert ("opens no session here" in words(test)) == bool(query)
    assert not invited.log.sessions()


def test_whoever_finds_the_address_of_an_open_study_may_begin(rig: Rig) -> None:
    assert session_of(rig, started(rig)).mode == "remote"
    assert "You can start a new one" in words(opened(rig, r="A" * 32))


def test_a_full_link_and_a_closed_one_are_told_in_one_sentence(invited: Rig) -> None:
    link = make_link(invited.log, invited.script, "wave", "remote", quota=2)
    late = opened(invited, r=link)  # drawn while there was a place
    for pid in ("one", "two"):
        started(invited, r=link, PROLIFIC_PID=pid)
    full = "All places that this link had are taken. Thank you for your interest."
    assert [one.value for one in opened(invited, r=link).info] == [full]
    late.button(key="begin").click().run()
    assert [one.value for one in late.info] == [full]
    assert len(invited.log.sessions()) == 2
    set_closed(invited.log, links_of(invited.log, "tiny")[0].id, closed=True)
    assert "This link is closed" in words(opened(invited, r=link))


def test_a_link_of_another_study_is_told_so_and_nothing_is_written(rig: Rig) -> None:
    token = started(rig)
    before = session_rows(rig, token)
    study = rig.script.study.model_copy(update={"id": "another"})
    other = replace(rig, script=replace(rig.script, study=study))
    assert "This link belongs to the study “tiny”" in words(opened(other, s=token))
    assert session_rows(rig, token) == before
    assert "This link belongs to" not in words(opened(rig, s=token))


def test_a_closed_study_takes_nobody_new(invited: Rig) -> None:
    link = make_link(invited.log, invited.script, "wave", "remote")
    token = started(invited, r=link, PROLIFIC_PID="5f3a")
    shut = invited.script.study.model_copy(update={"stage": "closed"})
    closed = replace(invited, script=replace(invited.script, study=shut))
    assert "takes nobody new" in words(opened(closed, r=link, PROLIFIC_PID="new"))
    assert own_link(opened(closed, r=link, PROLIFIC_PID="5f3a")) == token


def test_a_study_in_its_main_stage_takes_nobody_before_its_script_has_passed_the_rehearsal(rig: Rig) -> None:
    study = rig.script.study.model_copy(update={"stage": "main"})
    main = replace(rig, script=replace(rig.script, study=study))
    assert not any(button.key == "begin" for button in opened(main).button)
    write_passed(main.log, main.script, 1)
    assert any(button.key == "begin" for button in opened(main).button)
