"""A copy of the record for SQL: the sessions of the export, their payloads, states and scripts, and nothing else."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from study.backup import back_up
from study.database import connect
from study.log import EventLog
from study.schema import LEAD_TO_PEOPLE


def write_sqlite(file: BinaryIO, *, log: EventLog, rows: Mapping[str, int]) -> int:
    """Write the sessions of `rows`, each as far as its number says; return how many events there are.

    Without the table that ties sessions to links, and without the guards: it is a copy to work on.
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
            copy.execute("VACUUM")
            (found,) = copy.execute("SELECT count(*) FROM events").fetchone()
        with aside.open("rb") as whole:
            shutil.copyfileobj(whole, file)
    finally:
        aside.unlink(missing_ok=True)
    return int(found)


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
        log = EventLog(engine)
        for session_id in log.sessions():
            chain = log.verify(session_id)
            if not chain.whole:
                raise ValueError(f"session {session_id}, row {chain.bad_seq}: {chain.reason}")
        return log.count()
    finally:
        engine.dispose()
