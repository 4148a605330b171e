"""Faults: killed, locked out, out of space or shared, the log keeps what it acknowledged and says what is wrong."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import event, make_url
from strangers import Stranger
from writers import writing

from core.types import TillerError
from study.database import LogUnavailable, connect
from study.log import EventLog
from study.task_events import ConceptInspected, ResponseSubmitted


@pytest.mark.parametrize("rounds", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_writer_loses_nothing_it_acknowledged_and_doubles_nothing(
    url: str, session: str, reopen: Callable[[], EventLog], rounds: int
) -> None:
    chance = random.Random(rounds)
    acknowledged: list[str] = []
    for number in range(rounds):
        with writing(url, session, f"round {number}", 100_000) as writer:
            assert writer.says() == "ready"
            acknowledged += [writer.says() for _ in range(chance.randrange(12))]
            time.sleep(chance.random() * 0.004)
            writer.process.kill()  # somewhere in the next act, or in the one after it
            acknowledged += writer.rest()
    log = reopen()
    for key in acknowledged:
        assert len(log.acted(session, key)) == 2
    rows = log.read(session)
    assert [record.seq for record in rows] == list(range(1, len(rows) + 1))
    assert len(rows) % 2 == 1  # the start and whole acts of two
    assert len(rows) >= 1 + 2 * len(acknowledged)
    assert log.verify(session).whole
    log.append(session, ConceptInspected(task="t", component=1), key="life goes on")


def test_two_processes_share_one_session_without_a_gap(url: str, session: str, fresh_log: EventLog) -> None:
    with writing(url, session, "one", 100) as one, writing(url, session, "two", 100) as two:
        assert one.exitcode == two.exitcode == 0
    rows = fresh_log.read(session)
    assert [record.seq for record in rows] == list(range(1, 1 + 2 * 2 * 100 + 1))
    assert fresh_log.verify(session).whole


def answer(text: str = "yes") -> ResponseSubmitted:
    return ResponseSubmitted(task="word", item="cause", text=text)


def test_a_locked_database_is_one_sentence_and_the_act_can_be_sent_again(
    url: str, session: str, stranger: Stranger
) -> None:
    engine = connect(url, patience_s=0.05)
    log = EventLog(engine)
    stranger.hold(session)
    with pytest.raises(LogUnavailable, match="another program holds it; the act can be sent again in a moment") as it:
        log.append(session, answer(), key="answer")
    assert "\n" not in str(it.value)
    stranger.execute("ROLLBACK")
    assert len(log.append(session, answer(), key="answer")) == 1
    engine.dispose()


@pytest.mark.file
def test_a_full_disk_is_one_sentence_and_leaves_the_log_whole(url: str, session: str) -> None:
    engine = connect(url)
    log = EventLog(engine)

    def full(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # no page more than there are

    event.listen(engine, "checkout", full)
    with pytest.raises(LogUnavailable, match="the disk is full; make room and send the act again"):
        for turn in range(100):
            log.append(session, answer("long " * 2000), key=f"answer {turn}")
    event.remove(engine, "checkout", full)
    engine.dispose()
    engine = connect(url)
    log = EventLog(engine)
    assert log.verify(session).whole
    log.append(session, answer("short"), key="afterwards")
    engine.dispose()


@pytest.mark.file
def test_a_file_that_may_only_be_read_is_one_sentence(url: str, session: str, fresh_log: EventLog) -> None:
    engine = connect(url)
    log = EventLog(engine)

    def read_only(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA query_only = ON")  # for root, whom no file mode stops

    event.listen(engine, "checkout", read_only)
    with pytest.raises(LogUnavailable, match="it may only be read; give the server the right to write"):
        log.append(session, answer(), key="answer")
    assert len(log.read(session)) == 1
    engine.dispose()


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("these are my notes, " * 100)
    with pytest.raises(LogUnavailable, match="the file is not a database"):
        connect(f"sqlite:///{tmp_path / 'notes.db'}")


def test_a_folder_in_the_files_place_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="cannot be opened"):
        connect(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("layout", ["events (id INTEGER, what TEXT)", "places (name TEXT)"])
@pytest.mark.parametrize("make", [True, False])
def test_a_database_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path, layout: str, make: bool) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"CREATE TABLE {layout}")
    before = path.read_bytes()
    with pytest.raises(TillerError, match=r"tables are not those of this version .*set TILLER_DATABASE_URL to another"):
        connect(f"sqlite:///{path}", make=make)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["other.db"]


def test_a_record_that_must_be_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(TillerError, match=r"The record .*none\.db was asked for, and there is no such file; set"):
        connect(f"sqlite:///{tmp_path / 'none.db'}", make=False)
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_is_there_opens_without_being_made(session: str, url: str) -> None:
    engine = connect(url, make=False)
    assert len(EventLog(engine).read(session)) == 1
    engine.dispose()


@pytest.mark.file
def test_processes_that_start_together_on_no_file_all_find_a_record(url: str) -> None:
    with ExitStack() as together:
        started = [together.enter_context(writing(url, f"session {name}", "start", 1)) for name in range(4)]
        assert [writer.exitcode for writer in started] == [0] * 4
    engine = connect(url, make=False)
    assert len(EventLog(engine).sessions()) == 4
    engine.dispose()


def test_a_file_that_is_in_use_before_it_is_the_record_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "tiller.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")  # another process that makes the record; SQLite itself would not wait for it
        release = threading.Timer(0.3, lambda: other.execute("ROLLBACK"))
        release.start()
        connect(f"sqlite:///{path}").dispose()
        release.join()


@pytest.mark.file
def test_as_many_threads_as_there_are_may_read_at_once(session: str, fresh_log: EventLog) -> None:
    threads = 40
    together = threading.Barrier(threads, timeout=60)
    read: list[int] = []

    def reading() -> None:
        with fresh_log.connected() as connection:
            together.wait()  # every thread holds its connection here
            read.append(connection.exec_driver_sql("SELECT count(*) FROM events").scalar_one())

    started = [threading.Thread(target=reading) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert read == [1] * threads


@pytest.mark.file
def test_a_damaged_page_is_named_not_crashed_over(
    url: str, session: str, fresh_log: EventLog, stranger: Stranger, reopen: Callable[[], EventLog]
) -> None:
    for turn in range(60):
        fresh_log.append(session, answer("long " * 200), key=f"answer {turn}")
    assert stranger.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    (page,) = stranger.execute("SELECT rootpage FROM sqlite_master WHERE name = 'payloads'").fetchone()
    path = Path(str(make_url(url).database))
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(LogUnavailable, match="the file is damaged; stop the server and restore the last backup"):
        reopen().verify(session)
