"""What only a server can do to a record: emptied tables, a power cut, a user who may not, two processes at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest
from servers import Postgresql
from sqlalchemy import make_url
from strangers import Stranger

from core.types import TillerError
from study.database import connect
from study.erasure import erase
from study.identity import pseudonym
from study.log import EventLog
from study.participants import admit
from study.session_events import SessionStarted
from study.task_events import ConceptInspected, ResponseSubmitted

Start = Callable[..., SessionStarted]


pytestmark = pytest.mark.server


@pytest.mark.parametrize("table", ["events", "payloads", "states", "scripts", "erasures"])
def test_no_table_of_the_record_is_emptied(session: str, fresh_log: EventLog, stranger: Stranger, table: str) -> None:
    with pytest.raises(Stranger.Refused, match=r"never deleted|kept while"):
        stranger.execute(f"TRUNCATE {table} CASCADE")
    assert fresh_log.verify(session).rows == 1


def test_a_row_put_in_the_place_of_another_is_refused(session: str, fresh_log: EventLog, stranger: Stranger) -> None:
    with pytest.raises(Stranger.Refused, match=r"never replaced|never changed"):
        stranger.execute(
            "INSERT INTO payloads SELECT * FROM payloads ON CONFLICT (event_id) DO UPDATE SET json = 'other'"
        )


def test_a_guard_that_was_lost_switched_off_or_changed_stands_again_once_the_record_is_opened(
    session: str, stranger: Stranger, reopen: Callable[[], EventLog]
) -> None:
    stranger.execute("DROP TRIGGER events_stay ON events")
    stranger.execute("ALTER TABLE payloads DISABLE TRIGGER payloads_stay")
    stranger.execute(
        "CREATE OR REPLACE FUNCTION scripts_stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'"
    )
    stranger.execute("INSERT INTO scripts VALUES ('5c', 'demo', '1.0.0', '{}', 1)")
    reopen()
    for table in ("payloads", "events", "scripts"):
        with pytest.raises(Stranger.Refused, match="never deleted"):
            stranger.execute(f"DELETE FROM {table}")


def test_a_server_that_was_cut_off_loses_nothing_it_acknowledged(
    session: str, fresh_log: EventLog, postgresql: Postgresql
) -> None:
    postgresql.fsync(on=True)
    try:
        for turn in range(20):
            fresh_log.append(session, ConceptInspected(task="t", component=turn), key=f"before {turn}")
        postgresql.restart()
        fresh_log.append(session, ConceptInspected(task="t", component=1), key="after")
    finally:
        postgresql.fsync(on=False)
    assert len(fresh_log.read(session)) == 22
    assert fresh_log.verify(session).whole


def test_newcomers_of_two_processes_get_pseudonyms_of_their_own(reopen: Callable[[], EventLog]) -> None:
    logs, names = [reopen(), reopen()], list[str]()

    def come(log: EventLog) -> None:
        names.extend(admit(log, "demo").pseudonym for _ in range(20))

    threads = [threading.Thread(target=come, args=(log,)) for log in logs for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names) == [pseudonym(number) for number in range(1, 81)]


def test_two_processes_that_write_to_each_others_sessions_never_wait_for_ever(
    reopen: Callable[[], EventLog], start: Start
) -> None:
    logs = [reopen(), reopen()]
    ids = [f"s{number}" for number in range(6)]
    for number, name in enumerate(ids):
        logs[0].append(name, start(participant=f"P{number}"), key="start")

    def write(log: EventLog, worker: int, order: list[str]) -> None:
        for turn in range(5):
            for name in order:
                log.append(name, ConceptInspected(task="t", component=turn), key=f"{worker} {turn}")

    threads = [
        threading.Thread(target=write, args=(log, worker, ids[:: (-1) ** worker]))
        for worker, log in enumerate(logs * 4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ids:
        assert [record.seq for record in logs[0].read(name)] == list(range(1, 1 + 1 + 8 * 5))
        assert logs[0].verify(name).whole


def test_keys_and_orders_do_not_hang_on_the_language_of_the_server(session: str, stranger: Stranger) -> None:
    found = stranger.execute(
        "SELECT DISTINCT collation_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type = 'text'"
    ).fetchall()
    assert found == [("C",)]


def test_a_user_who_may_not_read_the_servers_files_is_told_what_was_not_searched(
    url: str, session: str, postgresql: Postgresql, fresh_log: EventLog
) -> None:
    fresh_log.append(session, ResponseSubmitted(task="word", item="cause", text="unmistakable words of mine"), key="a")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("CREATE ROLE app LOGIN")
        for table in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            owner.execute(f"ALTER TABLE {table[0]} OWNER TO app")  # pyright: ignore[reportArgumentType]
        for function in owner.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        ).fetchall():
            owner.execute(f"ALTER FUNCTION {function[0]}() OWNER TO app")  # pyright: ignore[reportArgumentType]
    try:
        engine = connect(url.replace("postgres:@", "app:@"))
        receipt = erase(EventLog(engine), session)
        engine.dispose()
    finally:
        postgresql.run("REASSIGN OWNED BY app TO postgres")
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("REASSIGN OWNED BY app TO postgres")
        postgresql.run("DROP ROLE app")
    assert receipt.clean
    assert receipt.searched == ("every table",)
    assert receipt.unsearched == ("files of the tables", "the write-ahead log", "archives and replicas")


def test_a_database_of_something_else_is_refused_and_left_as_it_is(empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as other:
        other.execute("CREATE TABLE events (id integer, what text)")
        with pytest.raises(TillerError, match=r"tables are not those of this version .events.*to another"):
            connect(empty_url)
        assert other.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone() == (1,)


def test_a_database_that_is_not_there_is_one_sentence(postgresql: Postgresql) -> None:
    with pytest.raises(TillerError, match="the server has no such database or user; make it with createdb"):
        connect(postgresql.url("nowhere"))


def test_a_record_that_must_be_there_is_not_made(empty_url: str) -> None:
    with pytest.raises(TillerError, match="not those of this version"):
        connect(empty_url, make=False)


def test_processes_that_start_together_on_an_empty_database_all_find_a_record(empty_url: str, start: Start) -> None:
    wrong: list[BaseException] = []

    def begin(number: int) -> None:
        try:
            engine = connect(empty_url)
            EventLog(engine).append(f"s{number}", start(participant=f"P{number}"), key="start")
            engine.dispose()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    engine = connect(empty_url, make=False)
    assert len(EventLog(engine).sessions()) == 6
    engine.dispose()


@pytest.mark.parametrize("name", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_spelling_of_the_address_is_read(url: str, session: str, name: str) -> None:
    engine = connect(make_url(url).set(drivername=name).render_as_string(hide_password=False), make=False)
    assert len(EventLog(engine).read(session)) == 1
    engine.dispose()


def test_a_session_id_that_no_text_can_hold_is_no_session(fresh_log: EventLog) -> None:
    assert fresh_log.read("\0") == ()
