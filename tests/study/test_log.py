"""The log: it loses nothing, doubles nothing, leaves no gap, and refuses to forget."""

from __future__ import annotations

import hashlib
import math
import sqlite3
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import Connection
from strangers import Stranger

from core.types import TillerError
from study.database import LogUnavailable, connect
from study.log import EventLog, LogMoved, LogRefused
from study.records import GENESIS, ClientTime
from study.schema import record as layout
from study.session_events import SessionCompleted, SessionResumed, SessionStarted, SessionWithdrawn
from study.state import canonical
from study.task_events import (
    ConceptInspected,
    ExplanationChanged,
    PageEntered,
    ResponseSubmitted,
    TaskStarted,
    TaskSubmitted,
)

Start = Callable[..., SessionStarted]


DESIGN = """
    schema_version event_id idem_key study_id script_sha256
    session_id participant_pseudonym seq task_id attempt page mode
    actor name target
    srv_utc_ns srv_mono_ns boot_id client_epoch_ms client_perf_ms client_time_origin
    offset_ms offset_err_ms media_id media_ms
    before_state_id after_state_id
    voids_event_id cause_event_id
    payload_digest prev_hash hash
"""


def inspected(component: int) -> ConceptInspected:
    return ConceptInspected(task="word", component=component)


def test_rows_are_numbered_from_one(fresh_log: EventLog, start: Start) -> None:
    fresh_log.append("a", start(), key="1")
    fresh_log.append("b", start(participant="P02"), key="1")
    fresh_log.append("a", inspected(1), inspected(2), key="2")
    assert [record.seq for record in fresh_log.read("a")] == [1, 2, 3]
    assert [record.seq for record in fresh_log.read("b")] == [1]
    assert fresh_log.sessions() == ("a", "b")


def test_a_row_knows_its_place(fresh_log: EventLog, session: str) -> None:
    fresh_log.append(
        session,
        ResponseSubmitted(task="word", item="cause", text="the word"),
        key="answer",
        page="answer",
        client=ClientTime(epoch_ms=1.5, perf_ms=2.5, time_origin=3.5),
    )
    row = dict(fresh_log.read(session)[1].row)
    assert row["study_id"] == "demo"
    assert row["participant_pseudonym"] == "P01"
    assert (row["mode"], row["script_sha256"]) == ("remote", "5c")
    assert (row["task_id"], row["attempt"], row["page"], row["target"]) == ("word", 1, "answer", "cause")
    assert (row["client_epoch_ms"], row["client_perf_ms"], row["client_time_origin"]) == (1.5, 2.5, 3.5)
    assert row["srv_utc_ns"] == 1_700_000_002_000_000_000
    assert row["idem_key"] == hashlib.sha256(b"answer").hexdigest()


def test_the_words_of_a_participant_are_in_the_payload_alone(
    fresh_log: EventLog, session: str, stranger: Stranger
) -> None:
    fresh_log.append(session, ResponseSubmitted(task="word", item="cause", text="unmistakable"), key="unmistakable")
    columns = stranger.execute("SELECT * FROM events").fetchall()
    assert "unmistakable" not in str(columns)
    assert "unmistakable" in str(stranger.execute("SELECT json FROM payloads").fetchall())


def test_the_first_event_of_an_act_is_the_cause_of_the_others(fresh_log: EventLog, session: str) -> None:
    one, two, three = fresh_log.append(session, inspected(1), inspected(2), inspected(3), key="act")
    assert one.row["cause_event_id"] is None
    assert two.row["cause_event_id"] == three.row["cause_event_id"] == one.event_id
    assert fresh_log.acted(session, "act") == (one, two, three)
    assert fresh_log.acted(session, "another") == ()


def test_a_key_used_twice_writes_once(fresh_log: EventLog, session: str) -> None:
    first = fresh_log.append(session, inspected(1), inspected(2), key="act")
    assert fresh_log.append(session, inspected(1), inspected(2), key="act") == first
    assert len(fresh_log.read(session)) == 3


def test_a_key_used_for_another_act_is_refused(fresh_log: EventLog, session: str) -> None:
    fresh_log.append(session, inspected(1), key="act")
    with pytest.raises(LogRefused, match=r"sent again with another act than concept\.inspected"):
        fresh_log.append(session, inspected(2), key="act")
    with pytest.raises(LogRefused):
        fresh_log.append(session, TaskStarted(task="word"), key="act")
    assert len(fresh_log.read(session)) == 2


def test_what_was_computed_in_answering_is_no_part_of_the_request(fresh_log: EventLog, session: str) -> None:
    first = fresh_log.append(session, SessionResumed(gap_s=3.0), key="back")
    assert fresh_log.append(session, SessionResumed(gap_s=4.0), key="back") == first


def test_one_key_in_two_sessions_is_two_acts(fresh_log: EventLog, session: str, start: Start) -> None:
    fresh_log.append("s2", start(participant="P02"), key="start")
    fresh_log.append(session, inspected(1), key="act")
    fresh_log.append("s2", inspected(2), key="act")
    assert (len(fresh_log.read(session)), len(fresh_log.read("s2"))) == (2, 2)


def test_an_act_is_written_whole_or_not_at_all(fresh_log: EventLog, session: str) -> None:
    with pytest.raises(LogRefused):
        fresh_log.append(session, inspected(1), SessionCompleted(), inspected(2), key="act")
    assert len(fresh_log.read(session)) == 1


def test_an_ended_session_takes_a_withdrawal_and_nothing_else(fresh_log: EventLog, session: str) -> None:
    fresh_log.append(session, TaskSubmitted(task="word"), SessionCompleted(), key="end")
    with pytest.raises(LogRefused, match=r"ended with session\.completed"):
        fresh_log.append(session, inspected(1), key="late")
    fresh_log.append(session, SessionWithdrawn(), key="withdraw")
    with pytest.raises(LogRefused):
        fresh_log.append(session, SessionWithdrawn(), key="again")


def test_a_retry_after_the_end_still_finds_its_rows(fresh_log: EventLog, session: str) -> None:
    ended = fresh_log.append(session, SessionCompleted(), key="end")
    assert fresh_log.append(session, SessionCompleted(), key="end") == ended


def test_an_act_decided_on_old_rows_is_sent_back(fresh_log: EventLog, session: str) -> None:
    fresh_log.append(session, inspected(1), key="one", expect=1)
    with pytest.raises(LogMoved):
        fresh_log.append(session, inspected(2), key="two", expect=1)
    assert len(fresh_log.read(session)) == 2


def test_what_another_process_wrote_is_read(fresh_log: EventLog, session: str, reopen: Callable[[], EventLog]) -> None:
    assert len(fresh_log.read(session)) == 1
    other = reopen()
    other.append(session, inspected(1), key="there")
    fresh_log.append(session, inspected(2), key="here")
    assert [record.seq for record in fresh_log.read(session)] == [1, 2, 3]
    assert fresh_log.read(session) == other.read(session)


def test_a_log_reads_the_same_after_a_restart(
    fresh_log: EventLog, session: str, reopen: Callable[[], EventLog]
) -> None:
    fresh_log.append(session, inspected(1), key="act")
    assert reopen().read(session) == fresh_log.read(session)


def test_the_chain_is_what_the_design_says(fresh_log: EventLog, session: str, stranger: Stranger) -> None:
    fresh_log.append(session, inspected(1), key="act")
    one, two = fresh_log.read(session)
    assert one.row["prev_hash"] == GENESIS
    assert two.row["prev_hash"] == one.row["hash"]
    others = {name: value for name, value in two.row.items() if name != "hash"}
    assert two.row["hash"] == hashlib.sha256(canonical(others).encode()).hexdigest()
    salt, text = stranger.execute("SELECT salt, json FROM payloads WHERE event_id = ?", [two.event_id]).fetchone()
    assert len(bytes.fromhex(salt)) == 16
    assert text == '{"attempt":1,"component":1,"task":"word"}'
    assert two.row["payload_digest"] == hashlib.sha256(bytes.fromhex(salt) + text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("tampering", "bad", "reason"),
    [
        ("UPDATE events SET target = 'component/9' WHERE seq = 3", 3, "columns were changed"),
        ("UPDATE payloads SET json = '{}' WHERE event_id = (SELECT event_id FROM events WHERE seq = 2)", 2, "payload"),
        ("DELETE FROM events WHERE seq = 2", 2, "row 2 is missing"),
        ("UPDATE events SET prev_hash = hash WHERE seq = 4", 4, "does not follow"),
    ],
)
def test_verify_names_the_first_bad_row(
    fresh_log: EventLog, session: str, tampering: str, bad: int, reason: str, stranger: Stranger
) -> None:
    for component in range(4):
        fresh_log.append(session, inspected(component), key=f"act {component}")
    assert fresh_log.verify(session).whole
    stranger.drop_guards()
    stranger.execute(tampering)
    chain = fresh_log.verify(session)
    assert (chain.whole, chain.bad_seq) == (False, bad)
    assert reason in chain.reason


REFUSED = [
    ("UPDATE events SET actor = 'system'", "never changed"),
    ("DELETE FROM events", "never deleted"),
    ("UPDATE payloads SET json = '{}'", "never changed"),
    ("DELETE FROM payloads", "never deleted"),
    ("UPDATE scripts SET json = ''", "never changed"),
    ("DELETE FROM scripts", "never deleted"),
    ("UPDATE states SET json = ''", "never changed"),
    ("UPDATE erasures SET rows = 9", "never changed"),
    ("DELETE FROM erasures", "never deleted"),
]
REPLACED = [
    ("REPLACE INTO events SELECT * FROM events WHERE seq = 2", "never replaced|without a gap"),
    ("INSERT OR REPLACE INTO payloads SELECT * FROM payloads", "never replaced"),
    ("UPDATE OR REPLACE events SET seq = 1 WHERE seq = 2", "never changed"),
    ("REPLACE INTO states VALUES ('a state', 'e', '{\"other\":1}')", "a state is never replaced"),
    ("REPLACE INTO scripts VALUES ('5c', 'demo', '1.0.0', '{\"other\":1}', 1)", "never replaced; raise its version"),
    ("REPLACE INTO erasures VALUES ('gone', 'stream', 9, 9)", "a named erasure is never replaced"),
]


@pytest.fixture
def filled(fresh_log: EventLog, session: str, stranger: Stranger) -> EventLog:
    fresh_log.append(session, inspected(1), key="act")
    stranger.execute("INSERT INTO scripts VALUES ('5c', 'demo', '1.0.0', '{}', 1)")
    stranger.execute("INSERT INTO states VALUES ('a state', 'e', '{}')")
    stranger.execute("INSERT INTO erasures VALUES ('gone', 'stream', 1, 1)")
    return fresh_log


def refuses(log: EventLog, stranger: Stranger, statement: str, sentence: str) -> None:
    with pytest.raises(Stranger.Refused, match=sentence):
        stranger.execute(statement)
    with pytest.raises(LogUnavailable, match=sentence):
        log.writer.write(lambda connection: connection.exec_driver_sql(statement))
    assert log.verify("s1").rows == 2


@pytest.mark.parametrize(("statement", "sentence"), REFUSED)
def test_the_log_refuses_to_forget(filled: EventLog, statement: str, sentence: str, stranger: Stranger) -> None:
    refuses(filled, stranger, statement, sentence)


@pytest.mark.file
@pytest.mark.parametrize(("statement", "sentence"), REPLACED)
def test_a_file_refuses_to_replace(filled: EventLog, statement: str, sentence: str, stranger: Stranger) -> None:
    refuses(filled, stranger, statement, sentence)


def test_the_database_itself_refuses_a_gap(fresh_log: EventLog, session: str, stranger: Stranger) -> None:
    changed = {"seq": "3", "event_id": "'x'", "idem_key": "'x'"}
    values = ", ".join(changed.get(name, name) for name in DESIGN.split())
    with pytest.raises(Stranger.Refused, match="without a gap"):
        stranger.execute(f"INSERT INTO events SELECT {values} FROM events")


def test_a_state_is_kept_while_an_event_refers_to_it(fresh_log: EventLog, session: str, stranger: Stranger) -> None:
    change = ExplanationChanged(task="word", view="exact", before_state_id="before", after_state_id="after")
    fresh_log.append(session, change, key="act")
    for state in ("before", "after", "loose"):
        stranger.execute("INSERT INTO states VALUES (?, 'e', '{}')", [state])
    stranger.execute("DELETE FROM states WHERE state_id = 'loose'")
    for state in ("before", "after"):
        with pytest.raises(Stranger.Refused, match="kept while an event refers to it"):
            stranger.execute("DELETE FROM states WHERE state_id = ?", [state])


def test_an_erased_session_keeps_its_chain_and_takes_no_rows(
    fresh_log: EventLog, session: str, stranger: Stranger, reopen: Callable[[], EventLog]
) -> None:
    fresh_log.append(session, ResponseSubmitted(task="word", item="cause", text="unmistakable"), key="act")
    stranger.execute("INSERT INTO erasures VALUES (?, 'payloads', 2, 1)", [session])
    stranger.execute("DELETE FROM payloads")
    with pytest.raises(Stranger.Refused, match="never deleted"):
        stranger.execute("DELETE FROM events")
    log = reopen()
    assert log.verify(session).whole
    assert [record.event for record in log.read(session)] == [None, None]
    assert [record.name for record in log.read(session)] == ["session.started", "response.submitted"]
    with pytest.raises(LogRefused, match="was erased"):
        log.append(session, inspected(1), key="later")


def test_a_stream_goes_only_once_it_is_named(
    fresh_log: EventLog, session: str, start: Start, stranger: Stranger
) -> None:
    fresh_log.append("s2", start(participant="P02"), key="start")
    stranger.execute("INSERT INTO erasures VALUES (?, 'stream', 1, 1)", [session])
    stranger.execute("DELETE FROM payloads WHERE event_id = (SELECT event_id FROM events WHERE session_id = 's1')")
    stranger.execute("DELETE FROM events WHERE session_id = 's1'")
    with pytest.raises(Stranger.Refused):
        stranger.execute("DELETE FROM events")
    assert fresh_log.sessions() == ("s2",)


def test_threads_leave_no_gap(fresh_log: EventLog, session: str) -> None:
    def work(worker: int) -> None:
        for turn in range(15):
            for _ in range(2):  # every key is sent twice
                fresh_log.append(session, inspected(worker), inspected(turn), key=f"{worker} {turn}")

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = fresh_log.read(session)
    assert [record.seq for record in rows] == list(range(1, 8 * 15 * 2 + 2))
    assert fresh_log.verify(session).whole


def test_one_refused_act_does_not_spoil_those_that_wait_with_it(fresh_log: EventLog, session: str) -> None:
    fresh_log.append(session, inspected(0), key="taken")
    refused: list[LogRefused] = []

    def good(worker: int) -> None:
        for turn in range(10):
            fresh_log.append(session, inspected(turn), key=f"{worker} {turn}")

    def bad() -> None:
        for _ in range(20):
            try:
                fresh_log.append(session, inspected(1), key="taken")
            except LogRefused as error:
                refused.append(error)

    threads = [threading.Thread(target=good, args=(worker,)) for worker in range(3)] + [threading.Thread(target=bad)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 20
    assert len(fresh_log.read(session)) == 2 + 30


def test_work_that_fails_half_way_leaves_nothing_written(fresh_log: EventLog) -> None:
    def half(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO states VALUES ('half', 'e', '{}')")
        raise LogRefused("no further")

    with pytest.raises(LogRefused, match="no further"):
        fresh_log.writer.write(half)
    with fresh_log.connected() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM states").scalar() == 0


@pytest.mark.file
def test_an_interrupted_writer_spares_those_who_wait(fresh_log: EventLog, session: str) -> None:
    begun, told = threading.Event(), []

    def interrupted(_: object) -> None:
        begun.set()
        while len(fresh_log.writer._waiting) < 1:  # until another act waits
            time.sleep(0.001)
        raise KeyboardInterrupt

    def waiting() -> None:
        begun.wait()
        told.extend(fresh_log.append(session, inspected(1), key="act"))

    thread = threading.Thread(target=waiting)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        fresh_log.writer.write(interrupted)
    thread.join()
    assert [record.seq for record in told] == [2]


def test_stream_and_count_leave_out_what_they_are_told_to(fresh_log: EventLog, session: str, start: Start) -> None:
    fresh_log.append("p", start(mode="preview"), key="start")
    fresh_log.append("o", start(study="other"), key="start")
    assert {record.session_id for record in fresh_log.stream()} == {"s1", "p", "o"}
    assert {record.session_id for record in fresh_log.stream(without=("preview", "bot"))} == {"s1", "o"}
    assert {record.session_id for record in fresh_log.stream(study="demo")} == {"s1", "p"}
    assert fresh_log.count(study="demo", without=("preview",)) == 1


def test_a_session_is_chosen_whole_even_if_rows_came_before_its_start(
    fresh_log: EventLog, session: str, start: Start
) -> None:
    for name, mode in (("early", "remote"), ("looked over", "preview")):
        fresh_log.append(name, PageEntered(page="welcome"), key="page")
        fresh_log.append(name, start(mode=mode), key="start")
    chosen = [(record.session_id, record.seq) for record in fresh_log.stream(study="demo", without=("preview",))]
    assert chosen == [("early", 1), ("early", 2), (session, 1)]


def test_a_page_visit_has_no_attempt_outside_of_tasks(fresh_log: EventLog, session: str) -> None:
    fresh_log.append(session, PageEntered(page="consent"), key="page")
    row = fresh_log.read(session)[1].row
    assert (row["page"], row["task_id"], row["attempt"]) == ("consent", None, None)


@pytest.mark.file
def test_the_settings_of_every_connection_are_the_durable_ones(fresh_log: EventLog) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "secure_delete": 1,
        "busy_timeout": 10000,
    }
    with fresh_log.connected() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
    assert found == wanted


@pytest.mark.file
def test_the_tables_are_strict_and_have_no_second_key(fresh_log: EventLog, stranger: Stranger) -> None:
    tables = stranger.execute("SELECT name, strict, wr FROM pragma_table_list WHERE schema = 'main'").fetchall()
    ours = {name: kept for name, *kept in tables if not name.startswith("sqlite_")}
    ours.pop("alembic_version")  # which is not ours to lay out
    assert set(ours) == set(layout.tables)
    assert all(kept == [1, 1] for kept in ours.values())
    with pytest.raises(sqlite3.OperationalError, match="no such column: rowid"):  # REPLACE by it fires no trigger
        stranger.execute("SELECT rowid FROM events")


def test_the_events_table_has_the_columns_of_the_design(fresh_log: EventLog, stranger: Stranger) -> None:
    assert [column[0] for column in stranger.execute("SELECT * FROM events").description] == DESIGN.split()


@pytest.mark.parametrize("loss", ["DROP TRIGGER events_stay", "DROP TRIGGER states_never_replaced"])
@pytest.mark.file
def test_a_guard_that_a_restored_file_has_lost_stands_again_once_it_is_opened(
    fresh_log: EventLog, session: str, stranger: Stranger, reopen: Callable[[], EventLog], loss: str
) -> None:
    names = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    before = stranger.execute(names).fetchall()
    stranger.execute(loss)
    reopen()
    assert stranger.execute(names).fetchall() == before


@pytest.mark.file
def test_a_guard_of_another_wording_is_replaced(
    fresh_log: EventLog, session: str, stranger: Stranger, reopen: Callable[[], EventLog]
) -> None:
    stranger.execute("DROP TRIGGER events_stay")
    stranger.execute("CREATE TRIGGER events_stay BEFORE DELETE ON events WHEN 0 BEGIN SELECT RAISE(ABORT, ''); END")
    reopen()
    with pytest.raises(Stranger.Refused, match="never deleted"):
        stranger.execute("DELETE FROM events")


@pytest.mark.parametrize(
    ("sent", "kept"), [(1_700_000_000_000, 1.7e12), (-0.0, 0.0), (math.nan, None), (-math.inf, None), (0.1, 0.1)]
)
def test_a_browsers_clock_is_hashed_as_it_reads_back(
    fresh_log: EventLog, session: str, reopen: Callable[[], EventLog], sent: float, kept: float | None
) -> None:
    client = ClientTime(epoch_ms=sent, perf_ms=sent, time_origin=sent)
    written = fresh_log.append(session, inspected(1), key="act", client=client)
    assert fresh_log.verify(session).whole
    for row in (written[0].row, reopen().read(session)[1].row):
        assert [row[name] for name in ("client_epoch_ms", "client_perf_ms", "client_time_origin")] == [kept] * 3


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite://", "a record is kept in a file"),
        (
            "mysql://me:secret@host/x",
            r"mysql://me:\*\*\*@host/x was asked for; a record is kept in SQLite or PostgreSQL",
        ),
        ("postgresql://me:secret@localhost:1/x", "no server answers there; start it, or check TILLER_DATABASE_URL"),
        ("postgresql://me:secret@no-such-host.invalid/x", "there is no such host; check TILLER_DATABASE_URL"),
        ("tiller.db", "it is written sqlite:///PATH"),
        ("sqlite:////dev/null/x/tiller.db", "that folder cannot be made"),
        ("sqlite+aiosqlite:///tiller.db", "a record is kept in SQLite or PostgreSQL"),
        ("sqlite:///file:tiller?mode=memory&uri=true", "has nothing after its path"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_sentence(url: str, sentence: str) -> None:
    with pytest.raises(TillerError, match=sentence) as caught:
        connect(url)
    assert "secret" not in str(caught.value)


def test_an_act_that_is_decided_in_its_transaction_sees_what_stands_and_is_decided_once(
    session: str, fresh_log: EventLog
) -> None:
    asked, decisions = TaskStarted(task="word"), list[int]()

    def decide(connection: Connection) -> tuple[TaskStarted, ...]:
        decisions.append(connection.exec_driver_sql("SELECT count(*) FROM events").scalar_one())
        return (TaskStarted(task="word", order=1 + decisions[-1]),)

    written = fresh_log.append(session, asked, key="open", decide=decide)
    assert [record.event for record in written] == [TaskStarted(task="word", order=2)]
    assert fresh_log.append(session, asked, key="open", decide=decide) == written
    assert decisions == [1], "a retry returns the row that stands"
    with pytest.raises(LogRefused, match="another act"):
        fresh_log.append(session, TaskStarted(task="scene"), key="open", decide=decide)
    with pytest.raises(ZeroDivisionError):
        fresh_log.append(session, asked, key="again", decide=lambda _: (asked, asked)[1 // 0 :])
    assert len(fresh_log.read(session)) == 2
    assert fresh_log.verify(session).whole
