"""Agreement on the screen: whose, the figures with their intervals, what was kept, and the units that differ."""

from __future__ import annotations

from functools import partial
from html import escape
from urllib.parse import urlencode
from uuid import uuid4

import streamlit as st

from core.types import many
from pages.parts.calm import press
from pages.parts.coding_place import coding_place, naming
from pages.parts.interval_plot import figures_table, why_no_intervals
from pages.parts.sittings import duration
from pages.parts.staff import Insider
from study.codebook import books_in
from study.coded_units import session_units
from study.coder_agreement import Comparison, RatedUnit, coders_in, compare, keep_agreement
from study.coding_events import AgreementComputed
from study.samples import samples_in
from study.staff import CONSENSUS, RULES
from study.streams import stream_of

SHOWN = 100


def choice(insider: Insider, study: str) -> Comparison | None:
    """Have the coders and the version picked, and compare them; None where there is nobody to compare."""
    log = insider.rig.log
    known = coders_in(log, study)
    if len(known) < 2:
        st.info("Nobody has coded in this study yet; the rules have, and can be compared with the first who does.")
        return None
    rows = log.read(stream_of("codebook", study))
    books = books_in(rows)
    people = [name for name in known if name not in (RULES, CONSENSUS)]
    first = people if len(people) > 1 else list(known[:2])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        coders = st.pills("Coders", known, default=first, selection_mode="multi", key=f"agreement-coders-{study}")
        versions = [book.version for book in reversed(books)]
        version = st.selectbox("Codebook version", versions, key=f"agreement-version-{study}", width=150)
    if len(coders) < 2:
        st.caption("Choose two coders or more.")
        return None
    units_of = partial(session_units, log, named=naming(insider, study))
    with st.spinner("Drawing participants anew 2,000 times", show_time=False):
        return compare(log, study, coders, books=books, samples=samples_in(rows), version=version, units_of=units_of)


def figures(insider: Insider, study: str, found: Comparison) -> None:
    """The table of layers and codes with its intervals, and what is behind it in words."""
    people = len({one.unit.participant for one in found.units})
    waiting = "; ".join(
        f"{name} has begun {many(count, 'session')} and not finished" for name, count in found.unfinished.items()
    )
    st.caption(
        f"{many(len(found.units), 'unit')} of {many(people, 'participant')} that two of them have coded in finished "
        f"sessions, {len(found.differing)} of them differently. "
        f"{f'{waiting}: these do not count yet. ' if waiting else ''}{_spread(found)}"
    )
    if not found.units:
        st.info("No unit was coded by two of them yet: sessions count once both have finished them.", icon=None)
        return
    book = next(
        one for one in books_in(insider.rig.log.read(stream_of("codebook", study))) if one.version == found.version
    )
    st.html(figures_table(found, {entry.id: entry.colour for entry in book.entries}))


def _spread(found: Comparison) -> str:
    """How the intervals came about, or why there is none."""
    if not found.units:
        return ""
    none = why_no_intervals(found)
    if none is not None:
        return f"No intervals ({none})."
    return f"Intervals: 95 %, {found.replicates:,} draws of participants, seed {found.seed}."


def kept(insider: Insider, study: str, found: Comparison) -> None:
    """Keep the figures in the record, and list those kept before."""
    log = insider.rig.log
    act = st.session_state.setdefault("agreement-act", str(uuid4()))

    def keep() -> None:
        keep_agreement(log, found, by=insider.staff.name, key=f"agreement/{act}")
        st.session_state["agreement-act"] = str(uuid4())

    before = [one for one in log.read(stream_of("codebook", study)) if isinstance(one.event, AgreementComputed)]
    with st.container(horizontal=True, vertical_alignment="center"):
        press("Keep these figures in the record", keep, key="agreement-keep")
        if before:
            said = [
                f"{record.at:%Y-%m-%d %H:%M} {', '.join(event.coders)}"
                for record in reversed(before[-3:])
                if isinstance(event := record.event, AgreementComputed)
            ]
            st.caption(f"{len(before)} kept so far, the last: {'; '.join(said)}.", width="content")


def differing(insider: Insider, study: str, found: Comparison) -> None:
    """The units that did not get the same codes from all, each with the way to it."""
    open_to: dict[str, bool] = {}
    for one in found.differing:
        session = one.unit.session
        if session not in open_to:
            place = coding_place(insider, study, session)
            mine = insider.staff.name
            open_to[session] = place is not None and {*one.given} - {mine} <= place.seen
    shown = [one for one in found.differing if open_to[one.unit.session]]
    hidden = len(found.differing) - len(shown)
    if not found.differing:
        return
    st.subheader(f"{many(len(found.differing), 'unit')} coded differently")
    if hidden:
        st.caption(
            f"{hidden} of them {'lies' if hidden == 1 else 'lie'} in sessions that you code yourself; you see them "
            "once you have finished these."
        )
    if len(shown) > SHOWN:
        st.caption(f"The first {SHOWN}; the rest is in the CSV export, file codes.csv.")
    if shown:
        book = next(
            one for one in books_in(insider.rig.log.read(stream_of("codebook", study))) if one.version == found.version
        )
        looks = {entry.id: (entry.name, entry.colour) for entry in book.entries}
        heads = "".join(f"<th>{escape(head)}</th>" for head in ("Who and when", "Unit", *found.coders))
        rows = "".join(_row(study, one, found.coders, looks) for one in shown[:SHOWN])
        st.html(f'<table class="desk-table differing"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>')


def _row(study: str, one: RatedUnit, coders: tuple[str, ...], looks: dict[str, tuple[str, str]]) -> str:
    unit = one.unit
    people = [coder for coder in one.given if coder != RULES]
    view = {"view": "differences"} if len(people) > 1 else {}
    query = escape(urlencode({"study": study, "session": unit.session, "unit": unit.id, **view}))
    words = f"{unit.words}: {unit.said}" if unit.said else unit.words
    cells = "".join(f"<td>{_chips(one, coder, looks)}</td>" for coder in coders)
    when = f"{escape(unit.participant)} {duration(round(unit.seconds * 1e9))}"
    where = f'<a href="./coding?{query}" target="_self">{when}</a>'
    return f"<tr><td>{where}</td><td>{escape(words)}</td>{cells}</tr>"


def _chips(one: RatedUnit, coder: str, looks: dict[str, tuple[str, str]]) -> str:
    if coder not in one.given:
        return '<span class="faint">not coded</span>'
    order = list(looks)
    codes = sorted((code for code in one.given[coder] if code in looks), key=order.index)
    return (
        "".join(
            f'<span class="book-chip"><i style="background:{looks[code][1]}"></i>{escape(looks[code][0])}</span>'
            for code in codes
        )
        or '<span class="faint">no code</span>'
    )
