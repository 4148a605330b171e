"""Recruitment links: who may begin, how many, who is known again, and that no id is anywhere in the clear."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import make_url
from strangers import Stranger

from core.types import TillerError
from study.assignment import start_session
from study.erasure import erase
from study.exports import export_log
from study.identity import Admission
from study.log import EventLog
from study.participants import find
from study.platform_ids import PlatformIds, platform_ids_in
from study.recruitment import Refusal, find_link, known_by, links_of, make_link, set_closed, take_place
from study.script import StudyScript, load_script
from study.session_events import SessionCompleted, SessionWithdrawn

KEY = "a key of the test's own"
SCRIPT = """
schema: tiller-study/1
study: {id: paid, version: "1.0.0", title: Paid, stage: pilot, contact: nobody}
ids: {pid_param: PROLIFIC_PID, extra_params: [STUDY_ID, SESSION_ID]}
welcome: Hello.
consent:
  text: consent.md
  scopes: [{key: log, required: true, label: Record what I do.}]
tasks:
  word:
    picture: word
    goal: Find out.
    sae: spatial
    tools: [attribution, suppress, undo]
    answers: [{id: cause, type: free_text, label: "Why?"}]
debrief: That was it.
"""


@pytest.fixture
def script(tmp_path: Path) -> StudyScript:
    (tmp_path / "consent.md").write_text("We keep what you do.", encoding="utf-8")
    (tmp_path / "paid.yaml").write_text(SCRIPT, encoding="utf-8")
    return load_script(tmp_path / "paid.yaml")


def ids_of(script: StudyScript, pid: str) -> PlatformIds:
    return platform_ids_in({"PROLIFIC_PID": pid, "STUDY_ID": f"study-of-{pid}", "x": "y"}, script, KEY)


def taken(found: tuple[Admission, str] | Refusal) -> Admission:
    assert not isinstance(found, Refusal)
    return found[0]


def arrive(log: EventLog, script: StudyScript, token: str, pid: str = "") -> Admission:
    place = taken(take_place(log, token, "paid", ids_of(script, pid) if pid else PlatformIds()))
    if not log.read(place.session_id):
        start_session(log, script, place.session_id, place.pseudonym)
    return place


def test_a_platform_id_is_kept_as_hmac_sha_256_under_the_studys_key(script: StudyScript) -> None:
    found = platform_ids_in({"PROLIFIC_PID": "5f3a", "SESSION_ID": "77"}, script, KEY)
    by_hand = hmac.new(KEY.encode(), b"tiller id paid PROLIFIC_PID\x005f3a", sha256).hexdigest()
    assert found.person == by_hand
    assert set(found.others) == {"SESSION_ID"}
    assert found != platform_ids_in({"PROLIFIC_PID": "5f3a", "SESSION_ID": "77"}, script, "another key of the test")


def test_without_a_key_nothing_of_an_id_is_kept(script: StudyScript) -> None:
    assert platform_ids_in({"PROLIFIC_PID": "5f3a", "SESSION_ID": "77"}, script, None) == PlatformIds()


def test_the_same_person_comes_back_to_the_same_session(fresh_log: EventLog, script: StudyScript) -> None:
    token = make_link(fresh_log, script, "first wave", "remote")
    first = arrive(fresh_log, script, token, "5f3a")
    again = arrive(fresh_log, script, token, "5f3a")
    assert again == first
    assert find(fresh_log, first.token) == (first.session_id, first.pseudonym)
    other_wave = make_link(fresh_log, script, "second wave", "remote")
    link = find_link(fresh_log, other_wave, "paid")
    assert link is not None
    known = known_by(fresh_log, link, other_wave, ids_of(script, "5f3a"))
    assert known is not None and known.begun and known.token == first.token
    assert arrive(fresh_log, script, token, "9b1c").session_id != first.session_id


def test_without_an_id_every_visitor_of_an_open_link_is_a_newcomer(fresh_log: EventLog, script: StudyScript) -> None:
    token = make_link(fresh_log, script, "poster", "remote")
    assert arrive(fresh_log, script, token).session_id != arrive(fresh_log, script, token).session_id


def test_a_personal_link_is_one_participants_and_leads_them_back(fresh_log: EventLog, script: StudyScript) -> None:
    token = make_link(fresh_log, script, "I07", "moderated", quota=1)
    first = arrive(fresh_log, script, token)
    assert arrive(fresh_log, script, token) == first
    fresh_log.append(first.session_id, SessionWithdrawn(), key="w")
    (link,) = links_of(fresh_log, "paid")
    assert (link.came, link.held, link.refusal) == (1, 1, Refusal.FULL)


def test_a_quota_is_never_passed_however_many_come_at_once(fresh_log: EventLog, script: StudyScript) -> None:
    token, found = make_link(fresh_log, script, "wave", "remote", quota=5), list[object]()

    def come(number: int) -> None:
        found.append(take_place(fresh_log, token, "paid", ids_of(script, f"pid-{number}")))

    threads = [threading.Thread(target=come, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is Refusal.FULL for one in found) == 7
    assert links_of(fresh_log, "paid")[0].held == 5


def test_who_gives_up_frees_a_place_and_who_completes_does_not(fresh_log: EventLog, script: StudyScript) -> None:
    token = make_link(fresh_log, script, "wave", "remote", quota=3)
    one, two, three = (arrive(fresh_log, script, token) for _ in range(3))
    assert take_place(fresh_log, token, "paid", PlatformIds()) is Refusal.FULL
    fresh_log.append(one.session_id, SessionCompleted(), key="d")
    fresh_log.append(two.session_id, SessionWithdrawn(), key="w")
    fresh_log.append(three.session_id, SessionCompleted(outcome="no_consent"), key="d")
    (link,) = links_of(fresh_log, "paid")
    assert (link.came, link.held, link.completed) == (3, 1, 1)
    arrive(fresh_log, script, token)


def test_a_closed_link_takes_nobody_new_and_lets_others_go_on(fresh_log: EventLog, script: StudyScript) -> None:
    token = make_link(fresh_log, script, "wave", "remote")
    first = arrive(fresh_log, script, token, "5f3a")
    (link,) = links_of(fresh_log, "paid")
    set_closed(fresh_log, link.id, closed=True)
    assert take_place(fresh_log, token, "paid", ids_of(script, "new")) is Refusal.CLOSED
    assert arrive(fresh_log, script, token, "5f3a") == first
    set_closed(fresh_log, link.id, closed=False)
    arrive(fresh_log, script, token, "new")


@pytest.mark.parametrize("junk", ["", None, 7, "A" * 32, "' OR 1=1 --"])
def test_any_other_link_opens_nothing(fresh_log: EventLog, script: StudyScript, junk: object) -> None:
    token = make_link(fresh_log, script, "wave", "remote")
    assert find_link(fresh_log, junk, "paid") is None
    assert find_link(fresh_log, token, "another-study") is None


@pytest.mark.parametrize(
    ("label", "mode", "quota", "why"),
    [
        ("", "remote", None, "1 to 80"),
        ("wave", "bot", None, "moderated, remote, preview"),
        ("wave", "remote", 0, "quota of 0"),
        ("taken", "remote", None, "that of another link"),
    ],
)
def test_a_link_that_makes_no_sense_is_refused_in_one_sentence(
    fresh_log: EventLog, script: StudyScript, label: str, mode: str, quota: int | None, why: str
) -> None:
    make_link(fresh_log, script, "taken", "remote")
    with pytest.raises(TillerError, match=why):
        make_link(fresh_log, script, label, mode, quota=quota)


@pytest.mark.file
def test_neither_link_nor_platform_id_is_in_any_file(
    fresh_log: EventLog, script: StudyScript, url: str, tmp_path: Path
) -> None:
    pid = "prolific-5f3a99c1e0aa"
    token = make_link(fresh_log, script, "wave", "remote")
    arrive(fresh_log, script, token, pid)
    export_log(fresh_log, tmp_path / "out", "csv")
    export_log(fresh_log, tmp_path / "out2", "sqlite")
    record = Path(str(make_url(url).database)).parent

    def texts(*folders: Path) -> bytes:
        return b"".join(path.read_bytes() for folder in folders for path in folder.iterdir() if path.is_file())

    handed_on, keyed = texts(tmp_path / "out", tmp_path / "out2"), str(ids_of(script, pid).person).encode()
    held = texts(record) + handed_on
    assert keyed in held and keyed not in handed_on
    assert pid.encode() not in held and token.encode() not in held


def test_erasing_somebody_takes_their_ids_and_closes_a_link_that_was_theirs(
    fresh_log: EventLog, script: StudyScript, stranger: Stranger
) -> None:
    wave, own = (
        make_link(fresh_log, script, "wave", "remote"),
        make_link(fresh_log, script, "I07", "moderated", quota=1),
    )
    someone, invited = arrive(fresh_log, script, wave, "5f3a"), arrive(fresh_log, script, own)
    for place in (someone, invited):
        receipt = erase(fresh_log, place.session_id)
        assert receipt.clean and receipt.participants == 1
    for table in ("arrivals", "platform_ids", "participants"):
        assert stranger.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] == 0
    links = {link.label: link for link in links_of(fresh_log, "paid")}
    assert links["I07"].closed and not links["wave"].closed
    assert arrive(fresh_log, script, wave, "5f3a").session_id != someone.session_id


def test_a_link_is_known_to_other_processes(
    fresh_log: EventLog, script: StudyScript, reopen: Callable[[], EventLog]
) -> None:
    token = make_link(fresh_log, script, "wave", "remote")
    first = arrive(fresh_log, script, token, "5f3a")
    assert arrive(reopen(), script, token, "5f3a") == first
