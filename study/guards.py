"""Triggers by which the database itself refuses to forget: no row of the log is changed, replaced or dropped."""

from __future__ import annotations

from sqlalchemy import Connection

GUARDS: dict[str, str] = {}  # each trigger's SQL by its name


def stand_guard(connection: Connection) -> None:
    """Put up every guard that is missing or is not the one written here; a restored file may have lost some."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    standing: dict[str, str] = {row.name: row.sql for row in rows}
    for name, sql in GUARDS.items():
        if standing.get(name) != sql:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(sql)


def _guard(name: str, table: str, act: str, sentence: str, *, when: str = "") -> None:
    """Have the database refuse `act` on `table`, with `sentence`, always or under a condition."""
    condition = f"WHEN {when} " if when else ""
    GUARDS[name] = (
        f"CREATE TRIGGER {name} BEFORE {act} ON {table} {condition}BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
    )


def _keep(table: str, row: str, *, change: str = "", stay: str, held: str = "", replace: str = "", taken: str) -> None:
    """Have the database keep each row of `table` as it was written.

    Args:
        table: its name.
        row: what one row is called in a refusal.
        change: advice after the refusal of an update.
        stay: the refusal of a delete.
        held: the condition under which a delete is refused; always if empty.
        replace: advice after the refusal of an insert.
        taken: the condition under which an insert would take the place of a row that stands.
    """
    _guard(f"{table}_never_change", table, "UPDATE", f"{row} is never changed{change}")
    _guard(f"{table}_stay", table, "DELETE", f"{row} is {stay}", when=held)
    # Where a connection forgot recursive_triggers, REPLACE deletes and fires no delete trigger: refused on the way in.
    _guard(f"{table}_never_replaced", table, "INSERT", f"{row} is never replaced{replace}", when=taken)


def _named(session: str, what: str) -> str:
    """The condition that `session` was named for erasure, in one of the ways `what`."""
    return f"EXISTS (SELECT 1 FROM erasures WHERE session_id = {session} AND what IN ({what}))"


_keep(
    "events",
    "a row of the log",
    change="; void it with a later event",
    stay="never deleted; name its stream in erasures first",
    held="NOT " + _named("OLD.session_id", "'stream'"),
    taken="EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id) OR EXISTS "
    "(SELECT 1 FROM events WHERE session_id = NEW.session_id AND idem_key = NEW.idem_key)",
)
_guard(
    "events_leave_no_gap",
    "events",
    "INSERT",
    "rows of one session are numbered 1, 2, 3 without a gap",
    when="NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM events WHERE session_id = NEW.session_id)",
)
_guard(
    "events_end_with_erasure",
    "events",
    "INSERT",
    "this session was erased and takes no further rows",
    when=_named("NEW.session_id", "'stream', 'payloads'"),
)
_keep(
    "payloads",
    "a payload",
    stay="never deleted; name its stream in erasures first",
    held="NOT " + _named("(SELECT session_id FROM events WHERE event_id = OLD.event_id)", "'stream', 'payloads'"),
    taken="EXISTS (SELECT 1 FROM payloads WHERE event_id = NEW.event_id)",
)
# The same state or script may come again, and then nothing is written; another under its name may not.
_keep(
    "states",
    "a state",
    stay="kept while an event refers to it",
    held="EXISTS (SELECT 1 FROM events WHERE OLD.state_id IN (before_state_id, after_state_id))",
    taken="EXISTS (SELECT 1 FROM states WHERE state_id = NEW.state_id "
    "AND (edits_id, json) IS NOT (NEW.edits_id, NEW.json))",
)
_keep(
    "scripts",
    "a stored script",
    change="; raise its version",
    stay="never deleted",
    replace="; raise its version",
    taken="EXISTS (SELECT 1 FROM scripts WHERE script_sha256 = NEW.script_sha256 "
    "AND (study_id, version, json) IS NOT (NEW.study_id, NEW.version, NEW.json))",
)
_keep(
    "erasures",
    "a named erasure",
    stay="never deleted",
    taken="EXISTS (SELECT 1 FROM erasures WHERE session_id = NEW.session_id AND what = NEW.what)",
)
