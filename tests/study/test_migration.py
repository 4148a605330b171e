"""A record of every earlier version opens in this one, with all its rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import UndefinedTable
from sqlalchemy import Engine, create_engine, inspect, make_url, text
from strangers import Stranger

from core.types import TillerError
from study.database import connect
from study.log import EventLog, LogRefused
from study.migration import FIRST, KEPT_IN, LAYOUTS, config_for
from study.participants import find
from study.schema import VERSION, record
from study.session_events import SessionResumed
from study.staff import Role, find_staff, invite
from study.streams import RECEIPTS

DUMP = (Path(__file__).parent / "record_version_1.sql").read_text(encoding="utf-8")
LINK = DUMP.splitlines()[0].rpartition(" ")[2]


@pytest.fixture
def address(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'old.db'}" if database == "sqlite" else request.getfixturevalue("empty_url")


def upgrade(address: str, to: str, *, told: bool = True) -> Engine:
    """An engine on a database that migrations alone have made, up to a version."""
    engine = create_engine(address)
    with engine.begin() as connection:
        command.upgrade(config_for(connection), to)
        if not told:
            connection.exec_driver_sql(f"DROP TABLE {KEPT_IN}")
    return engine


def rows() -> dict[str, list[dict[str, object]]]:
    with closing(sqlite3.connect(":memory:")) as old:
        old.row_factory = sqlite3.Row
        old.executescript(DUMP)
        return {name: [dict(row) for row in old.execute(f"SELECT * FROM {name}")] for name in LAYOUTS[FIRST]}


@pytest.fixture(params=[True, False], ids=["told", "untold"])
def old(address: str, request: pytest.FixtureRequest) -> str:
    """A record in the first version's layout, with the rows of one that the first version wrote."""
    engine = upgrade(address, FIRST, told=request.param)
    with engine.begin() as connection:
        for name in ("events", "payloads", *(set(LAYOUTS[FIRST]) - {"events", "payloads"})):
            for row in rows()[name]:
                columns = ", ".join(row)
                values = ", ".join(f":{column}" for column in row)
                connection.execute(text(f"INSERT INTO {name} ({columns}) VALUES ({values})"), row)
    engine.dispose()
    return address


def is_whole(log: EventLog) -> None:
    """Every row that the first version wrote is there, reads, and hangs together; the record works on."""
    gone, stays = log.sessions()
    assert [len(log.read(one)) for one in (gone, stays, RECEIPTS)] == [9, 9, 1]
    assert all(log.verify(one).whole for one in (gone, stays, RECEIPTS))
    assert {one.event for one in log.read(gone)} == {None}
    (answer,) = [one.event for one in log.read(stays) if one.name == "response.submitted"]
    assert getattr(answer, "text", "") == "the word \U0001f642 = painted"
    assert find(log, LINK) == (stays, "P02")
    log.append(stays, SessionResumed(gap_s=1.0), key="back")
    assert log.verify(stays).rows == 10
    with pytest.raises(LogRefused, match="erased"):
        log.append(gone, SessionResumed(gap_s=1.0), key="back")
    assert find_staff(log, invite(log, "Ada", Role.CODER)) is not None


def test_a_record_of_the_first_version_is_brought_up_with_all_its_rows(old: str) -> None:
    engine = connect(old)
    is_whole(EventLog(engine))
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"SELECT version_num FROM {KEPT_IN}").scalar() == VERSION
    engine.dispose()
    engine = connect(old)  # and is as any other afterwards
    assert len(EventLog(engine).sessions()) == 2
    engine.dispose()


@pytest.mark.file
def test_a_file_that_the_first_version_wrote_is_brought_up_with_all_its_rows(address: str) -> None:
    with closing(sqlite3.connect(str(make_url(address).database))) as file:
        file.executescript(DUMP)
    engine = connect(address, make=False)  # read as it is, if it is only to be read
    assert len(EventLog(engine).sessions()) == 2
    engine.dispose()
    engine = connect(address)
    is_whole(EventLog(engine))
    engine.dispose()


def test_every_guard_stands_after_a_migration(old: str) -> None:
    connect(old).dispose()
    with closing(Stranger(old)) as stranger:
        for table in ("events", "payloads", "states", "scripts", "erasures"):
            if table == "scripts":
                stranger.execute("INSERT INTO scripts VALUES ('5c', 'demo', '1.0.0', '{}', 1)")
            with pytest.raises(Stranger.Refused, match="never changed"):
                stranger.execute(f"UPDATE {table} SET {LAYOUTS[FIRST][table][-1]} = {LAYOUTS[FIRST][table][-1]}")


def test_migrations_and_the_schema_make_the_same_tables(address: str) -> None:
    engine = upgrade(address, "head")
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), record)
        inspector = inspect(connection)
        made = {table: [column["name"] for column in inspector.get_columns(table)] for table in record.tables}
    engine.dispose()
    assert found == []
    assert made == LAYOUTS[VERSION]


def test_the_schema_names_the_last_migration() -> None:
    with create_engine("sqlite://").connect() as connection:
        assert ScriptDirectory.from_config(config_for(connection)).get_current_head() == VERSION


def test_a_record_of_a_later_version_is_refused_and_left_as_it_is(url: str, session: str, stranger: Stranger) -> None:
    stranger.execute("CREATE TABLE later (something text)")
    for make in (True, False):
        with pytest.raises(TillerError, match="made by a later version of Tiller"):
            connect(url, make=make)


def test_a_migration_that_fails_leaves_the_record_as_it_was(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*_: object) -> None:
        raise TillerError("the power went")

    with monkeypatch.context() as patched:
        patched.setattr("study.sqlite.stand_guard", break_off)
        patched.setattr("study.postgresql.stand_guard", break_off)
        with pytest.raises(TillerError, match="the power went"):
            connect(old)
    with closing(Stranger(old)) as stranger, pytest.raises((sqlite3.OperationalError, UndefinedTable), match="staff"):
        stranger.execute("SELECT * FROM staff")
    engine = connect(old)
    is_whole(EventLog(engine))
    engine.dispose()
