"""The participants of a study while it runs: where each one is, when they were last heard of, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

import streamlit as st

from pages.parts.nobody import nobody_yet
from pages.parts.sittings import aged, state_in_words
from pages.parts.staff import Insider, signed_in
from pages.parts.study_acts import acts_on
from pages.parts.tape import script_for
from study.media import recordings_of
from study.monitor import Standing, standing_of
from study.recruitment import labels_by_session
from study.roster import Entry, roster

_EVERY_S = 2.0
_HEADS = ("Participant", "Link", "Mode", "Where", "State", "Last act", "Tasks", "Interventions", "Recordings", "")
_NUMBERS = frozenset({"Tasks", "Interventions", "Recordings"})


def people_view(insider: Insider, study: str) -> None:
    """Everybody who takes part or took part, drawn anew every other second; under it what can be done about one."""
    every = roster(insider.rig.log, study)
    others = sum(one.mode in ("bot", "preview") for one in every)
    shown = st.toggle("Show bots and previews", key="all-people", disabled=not others)
    if not any(shown or one.mode not in ("bot", "preview") for one in every):
        nobody_yet(insider, study, others)
        return

    @st.fragment(run_every=_EVERY_S)
    def watched() -> None:
        if signed_in() != insider.staff:  # revoked, or signed out in another window
            st.rerun(scope="app")
        _table(insider, study, everybody=bool(shown))

    watched()
    acts_on(insider, study, [one for one in every if shown or one.mode not in ("bot", "preview")])


def _table(insider: Insider, study: str, *, everybody: bool) -> None:
    entries = [one for one in roster(insider.rig.log, study) if everybody or one.mode not in ("bot", "preview")]
    entries.sort(key=lambda one: not one.going_on)
    labels = labels_by_session(insider.rig.log, study)
    standings = {one.session: _standing(insider, one) for one in entries if one.going_on and not one.erased}
    live = sum(one is not None and one.state in ("here", "paused") for one in standings.values())
    st.caption(f"{len(standings)} in progress, {live} of them in an open window; {len(entries)} in all.")
    heads = "".join(f"<th{_side(head)}>{head}</th>" for head in _HEADS)
    rows = "".join(_row(insider, one, standings.get(one.session), labels) for one in entries)
    st.html(f'<table class="desk-table"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>')


def _standing(insider: Insider, entry: Entry) -> Standing | None:
    records = insider.rig.log.read(entry.session)
    script = script_for(insider.rig, records) if records else None
    return None if script is None else standing_of(insider.rig.log, entry, script)


def _row(insider: Insider, entry: Entry, standing: Standing | None, labels: Mapping[str, str]) -> str:
    now_ns = insider.rig.log.now().utc_ns
    recordings = len(recordings_of(insider.rig.log, entry.session))
    query = escape(urlencode({"session": entry.session}))
    watch = entry.going_on and entry.mode in ("moderated", "preview")
    cells = (
        escape(entry.participant or entry.session[:8]),
        escape(labels.get(entry.session, "–")),
        escape(entry.mode),
        _where(standing) if standing is not None else "–",
        standing.state if standing is not None else state_in_words(entry),
        aged((now_ns - entry.ended_ns) / 1e9),
        str(entry.tasks),
        str(entry.interventions),
        str(recordings or "–"),
        f'<a href="./{"console" if watch else "replay"}?{query}">{"Console" if watch else "Replay"}</a>',
    )
    drawn = "".join(f"<td{_side(head)}>{cell}</td>" for head, cell in zip(_HEADS, cells, strict=True))
    return f'<tr data-session="{escape(entry.session)}">{drawn}</tr>'


def _where(standing: Standing) -> str:
    place = standing.place
    return f"{place.step}, picture {place.order} of {place.tasks}" if place.order else str(place.step)


def _side(head: str) -> str:
    return ' class="number"' if head in _NUMBERS else ""
