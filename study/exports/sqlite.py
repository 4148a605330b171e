"""A copy of the record for SQL: an export's sessions and the streams about them, and their tables beside the events."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from study.backup import back_up
from study.database import connect
from study.exports.beside import Beside
from study.log import EventLog
from study.schema import LEAD_TO_PEOPLE

_TYPES = {"integer": "INTEGER", "number": "REAL", "boolean": "INTEGER"}  # all else is TEXT


def write_sqlite(file: BinaryIO, *, log: EventLog, rows: Mapping[str, int], tables: Sequence[Beside] = ()) -> int:
    """Write the streams of `rows`, each as far as its number says, and `tables`; return how many events there are.

    Without the table that ties sessions to links, and without the guards: it is a copy to work on. Transcripts come
    without payloads, which have people's names in them: what was said is in the table `utterances`.
    """
    aside = Path(f"{file.name}.db")
    try:
        back_up(log, aside)
        with closing(sqlite3.connect(aside, isolation_level=None)) as copy:
            for (guard,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                copy.execute(f"DROP TRIGGER {guard}")
            copy.execute("CREATE TEMP TABLE wanted (session_id TEXT PRIMARY KEY, last INTEGER)")
            copy.executemany("INSERT INTO wanted VALUES (?, ?)", rows.items())
            copy.execute(
                "CREATE TEMP TABLE gone AS SELECT event_id FROM events LEFT JOIN wanted USING (session_id) "
                "WHERE last IS NULL OR seq > last"
            )
            for table in ("payloads", "events"):
                copy.execute(f"DELETE FROM {table} WHERE event_id IN (SELECT event_id FROM gone)")
            copy.execute(
                "DELETE FROM payloads WHERE event_id IN "
                "(SELECT event_id FROM events WHERE session_id LIKE 'transcript:%')"
            )
            for table in ("media_chunks", "erasures"):
                copy.execute(f"DELETE FROM {table} WHERE session_id NOT IN (SELECT session_id FROM wanted)")
            copy.execute(
                "DELETE FROM states WHERE state_id NOT IN (SELECT after_state_id FROM events WHERE "
                "after_state_id IS NOT NULL UNION SELECT before_state_id FROM events WHERE before_state_id "
                "IS NOT NULL)"
            )
            copy.execute(
                "DELETE FROM scripts WHERE script_sha256 NOT IN (SELECT script_sha256 FROM events WHERE "
                "script_sha256 IS NOT NULL)"
            )
            for table in LEAD_TO_PEOPLE:
                copy.execute(f"DROP TABLE {table}")
            for beside in tables:
                _add(copy, beside)
            copy.execute("VACUUM")
            (found,) = copy.execute("SELECT count(*) FROM events").fetchone()
        with aside.open("rb") as whole:
            shutil.copyfileobj(whole, file)
    finally:
        aside.unlink(missing_ok=True)
    return int(found)


def _add(copy: sqlite3.Connection, table: Beside) -> None:
    """Make a table of its own of what the CSV format has as a file."""
    columns = ", ".join(f'"{one.column}" {_TYPES.get(one.type, "TEXT")}' for one in table.columns)
    copy.execute(f'CREATE TABLE "{table.name}" ({columns}) STRICT')
    places = ", ".join("?" * len(table.columns))
    copy.executemany(f'INSERT INTO "{table.name}" VALUES ({places})', table.rows())


def check_sqlite(path: Path) -> int:
    """Check the file, its references and every session's chain; its events.

    Raises:
        ValueError: one of them is not sound.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as copy:
        (said,) = copy.execute("PRAGMA integrity_check").fetchone()
        if said != "ok" or copy.execute("PRAGMA foreign_key_check").fetchall():
            raise ValueError(f"the copy is not sound: {said}")
    engine = connect(f"sqlite:///{path}", make=False)
    try:
        log, rows = EventLog(engine), 0
        for stream in (*log.sessions(), *log.streams()):
            chain = log.verify(stream)
            if not chain.whole:
                raise ValueError(f"session {stream}, row {chain.bad_seq}: {chain.reason}")
            rows += chain.rows
        return rows
    finally:
        engine.dispose()
