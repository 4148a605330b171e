"""Triggers by which the database itself refuses to forget: no row of the log is changed, replaced or dropped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """One refusal: `act` on `table` raises an integrity error that says `sentence`, always or under a condition.

    The condition is SQL that both databases read, over the rows OLD and NEW.
    """

    name: str
    table: str
    act: str
    sentence: str
    when: str

    def in_sqlite(self) -> str:
        """The trigger, as SQLite keeps its text."""
        condition = f"WHEN {self.when} " if self.when else ""
        # before version 3.39 SQLite has no other words for it
        condition = condition.replace("IS DISTINCT FROM", "IS NOT")
        return (
            f"CREATE TRIGGER {self.name} BEFORE {self.act} ON {self.table} {condition}"
            f"BEGIN SELECT RAISE(ABORT, '{self.sentence}'); END"
        )

    def in_postgresql(self) -> str:
        """The body of the trigger's function in PL/pgSQL; it raises in SQLSTATE class 23, as a broken key does."""
        row = {"DELETE": "OLD", "TRUNCATE": "NULL"}.get(self.act, "NEW")
        return (
            f"BEGIN IF {self.when or 'TRUE'} THEN RAISE EXCEPTION USING MESSAGE = '{self.sentence}', "
            f"ERRCODE = 'integrity_constraint_violation'; END IF; RETURN {row}; END"
        )


GUARDS: list[Guard] = []


def _guard(name: str, table: str, act: str, sentence: str, *, when: str = "") -> None:
    GUARDS.append(Guard(name, table, act, sentence, when))


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
    # A row's trigger does not see it (SQLite has no such statement).
    _guard(f"{table}_never_emptied", table, "TRUNCATE", f"{row} is {stay}")
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
    "AND (edits_id, json) IS DISTINCT FROM (NEW.edits_id, NEW.json))",
)
_keep(
    "scripts",
    "a stored script",
    change="; raise its version",
    stay="never deleted",
    replace="; raise its version",
    taken="EXISTS (SELECT 1 FROM scripts WHERE script_sha256 = NEW.script_sha256 "
    "AND (study_id, version, json) IS DISTINCT FROM (NEW.study_id, NEW.version, NEW.json))",
)
_keep(
    "erasures",
    "a named erasure",
    stay="never deleted",
    taken="EXISTS (SELECT 1 FROM erasures WHERE session_id = NEW.session_id AND what = NEW.what)",
)
