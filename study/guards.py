"""Triggers by which the database itself refuses to forget: no row of the log is changed, replaced or dropped."""

from __future__ import annotations

from sqlalchemy import Connection

GUARDS: dict[str, str] = {}  # each trigger's SQL by its name


def _guard(name: str, table: str, act: str, sentence: str, *, when: str = "") -> None:
    """Have the database refuse `act` on `table`, with `sentence`, always or under a condition."""
    condition = f"WHEN {when} " if when else ""
    GUARDS[name] = (
        f"CREATE TRIGGER {name} BEFORE {act} ON {table} {condition}BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
    )


def stand_guard(connection: Connection) -> None:
    """Put up every guard that is missing or is not the one written here; a restored file may have lost some."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    standing: dict[str, str] = {row.name: row.sql for row in rows}
    for name, sql in GUARDS.items():
        if standing.get(name) != sql:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(sql)


_NAMED = "EXISTS (SELECT 1 FROM erasures WHERE session_id = {session} AND what IN ({what}))"
_OWNER = "(SELECT session_id FROM events WHERE event_id = OLD.event_id)"

_guard("events_never_change", "events", "UPDATE", "a row of the log is never changed; void it with a later event")
_guard(
    "events_stay",
    "events",
    "DELETE",
    "a row of the log is never deleted; name its stream in erasures first",
    when="NOT " + _NAMED.format(session="OLD.session_id", what="'stream'"),
)
# REPLACE deletes without firing a delete trigger where a connection forgot recursive_triggers: refused on the way in.
_guard(
    "events_never_replaced",
    "events",
    "INSERT",
    "a row of the log is never replaced",
    when="EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id) OR EXISTS "
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
    when=_NAMED.format(session="NEW.session_id", what="'stream', 'payloads'"),
)
_guard("payloads_never_change", "payloads", "UPDATE", "a payload is never changed")
_guard(
    "payloads_stay",
    "payloads",
    "DELETE",
    "a payload is never deleted; name its stream in erasures first",
    when="NOT " + _NAMED.format(session=_OWNER, what="'stream', 'payloads'"),
)
_guard(
    "payloads_never_replaced",
    "payloads",
    "INSERT",
    "a payload is never replaced",
    when="EXISTS (SELECT 1 FROM payloads WHERE event_id = NEW.event_id)",
)
_guard("states_never_change", "states", "UPDATE", "a state is never changed")
_guard(
    "states_stay",
    "states",
    "DELETE",
    "a state is kept while an event refers to it",
    when="EXISTS (SELECT 1 FROM events WHERE OLD.state_id IN (before_state_id, after_state_id))",
)
# The same state or script may come again, and then nothing is written; another under its name may not.
_guard(
    "states_never_replaced",
    "states",
    "INSERT",
    "a state is never replaced",
    when="EXISTS (SELECT 1 FROM states WHERE state_id = NEW.state_id "
    "AND (edits_id, json) IS NOT (NEW.edits_id, NEW.json))",
)
_guard("scripts_never_change", "scripts", "UPDATE", "a stored script is never changed; raise its version")
_guard("scripts_stay", "scripts", "DELETE", "a stored script is never deleted")
_guard(
    "scripts_never_replaced",
    "scripts",
    "INSERT",
    "a stored script is never replaced; raise its version",
    when="EXISTS (SELECT 1 FROM scripts WHERE script_sha256 = NEW.script_sha256 "
    "AND (study_id, version, json) IS NOT (NEW.study_id, NEW.version, NEW.json))",
)
_guard("erasures_never_change", "erasures", "UPDATE", "a named erasure is never changed")
_guard("erasures_stay", "erasures", "DELETE", "a named erasure is never deleted")
_guard(
    "erasures_never_replaced",
    "erasures",
    "INSERT",
    "a named erasure is never replaced",
    when="EXISTS (SELECT 1 FROM erasures WHERE session_id = NEW.session_id AND what = NEW.what)",
)
