"""The list of sessions as a table: who, how far, how long, whether the record is whole, and the way to the replay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from time import monotonic
from urllib.parse import urlencode

import streamlit as st

from pages.parts.rig import Rig
from pages.parts.staff import Insider, rooms_of
from study.records import Chain
from study.roster import Entry
from study.route import tasks_met
from study.script import StudyScript

_HEADS = (
    "Participant",
    "Mode",
    "State",
    "Started (UTC)",
    "Duration",
    "Tasks",
    "Interventions",
    "Rows",
    "Chain",
    "Replay",
)
_NUMBERS = frozenset({"Duration", "Tasks", "Interventions", "Rows"})


def checked(rig: Rig, entries: Sequence[Entry], *, within_s: float = 0.3) -> dict[str, Chain]:
    """The chains of those sessions that could be checked in `within_s` seconds; each length of one is checked once."""
    until, found = monotonic() + within_s, dict[str, Chain]()
    for entry in entries:
        key = entry.session, entry.rows
        chain = rig.chains.peek(key)
        if chain is None and monotonic() < until:
            chain = rig.chains.recall(key, lambda entry=entry: rig.log.verify(entry.session))
        if chain is not None:
            found[entry.session] = chain
    return found


def listed(insider: Insider, entries: Sequence[Entry], chains: Mapping[str, Chain]) -> None:
    """Draw the table; each row leads to its replay where this role has that room."""
    script = insider.rig.script
    replays = any(room.address == "replay" for room in rooms_of(insider.staff))
    heads = "".join(f"<th{_side(head)}>{head}</th>" for head in _HEADS)
    rows = "".join(_row(entry, chains.get(entry.session), script, replays) for entry in entries)
    st.html(f'<table class="desk-table"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>')


def duration(ns: int) -> str:
    """A span of time as `4:07` or `1:04:07`; seconds that have passed, as a clock counts them."""
    seconds = max(0, ns // 10**9)
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"


def aged(seconds: float) -> str:
    """How long ago something was: `4 s ago`, `12 min ago`, `3 h ago`, `5 days ago`."""
    for size, unit in ((172_800, "days"), (7200, "h"), (120, "min")):
        if seconds >= size:
            return f"{seconds / {'days': 86_400, 'h': 3600, 'min': 60}[unit]:.0f} {unit} ago"
    return f"{max(0, seconds):.0f} s ago"


def state_in_words(entry: Entry) -> str:
    """`completed`, `in progress: workspace`, `withdrawn, asks to be erased`."""
    state = f"in progress: {entry.state}" if entry.going_on else entry.state
    if entry.erased:
        return f"{state}, erased"
    return f"{state}, asks to be erased" if entry.erase_asked else state


def _row(entry: Entry, chain: Chain | None, script: StudyScript, replays: bool) -> str:
    name = escape(entry.participant or entry.session[:8])
    query = escape(urlencode({"session": entry.session}))
    started = datetime.fromtimestamp(entry.started_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M")
    cells = (
        f'<a href="./replay?{query}">{name}</a>' if replays else name,
        escape(entry.mode),
        state_in_words(entry),
        f'<time datetime="{started}Z">{started}</time>',
        duration(entry.ended_ns - entry.started_ns),
        f"{entry.tasks} of {tasks_met(script)}" if entry.script_sha256 == script.sha256 else str(entry.tasks),
        str(entry.interventions),
        str(entry.rows),
        _chain(chain),
        _verdict(entry),
    )
    drawn = "".join(f"<td{_side(head)}>{cell}</td>" for head, cell in zip(_HEADS, cells, strict=True))
    return f'<tr data-session="{escape(entry.session)}">{drawn}</tr>'


def _side(head: str) -> str:
    return ' class="number"' if head in _NUMBERS else ""


def _chain(chain: Chain | None) -> str:
    if chain is None:
        return '<span class="faint">not checked</span>'
    if chain.whole:
        return "whole"
    return f'<span class="bad" title="{escape(chain.reason)}">broken at row {chain.bad_seq}</span>'


def _verdict(entry: Entry) -> str:
    if not entry.verdict:
        return '<span class="faint">not run</span>'
    words = entry.verdict.replace("_", " ").lower()
    until = "" if entry.verdict_rows >= entry.rows else f" to row {entry.verdict_rows}"
    bad = ' class="bad"' if entry.verdict in ("MISMATCH", "UNRUNNABLE") else ""
    return f"<span{bad}>{escape(words)}{until}</span>"
