"""Blind second coding: draw what a second coder codes again, and see how far the pairs have come."""

from __future__ import annotations

from html import escape
from uuid import uuid4

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.types import TillerError, many
from pages.parts.calm import press
from pages.parts.staff import Insider
from study.agreement import SEED
from study.codebook import books_of
from study.coded_units import session_units
from study.coding import coded_by
from study.coding_events import SampleDrawn
from study.roster import roster
from study.samples import draw_sample, samples_in
from study.staff import Role, everyone
from study.streams import stream_of


def second_view(insider: Insider, study: str, _: DeltaGenerator) -> None:
    """Draw a sample for a second coder; below, those drawn so far."""
    log = insider.rig.log
    people = [one.name for one in everyone(log) if one.role in (Role.RESEARCHER, Role.CODER) and one.may_see(study)]
    left, right = st.columns([5, 7], gap="large")
    with left:
        st.subheader("Draw a sample")
        st.caption(
            "The second coder gets these units alone, and neither sees the other's codes or the rules' "
            "before both have finished the session."
        )
        if len(people) < 2:
            st.info("Two people are needed: invite a coder with `tiller invite --role coder`.", icon=None)
        else:
            _form(insider, study, people)
    with right:
        st.subheader("Drawn so far")
        samples = samples_in(log.read(stream_of("codebook", study)))
        if not samples:
            st.caption("None yet.")
        else:
            st.html(_table([_row(insider, study, one) for one in reversed(samples)]))


def _form(insider: Insider, study: str, people: list[str]) -> None:
    log = insider.rig.log
    first = st.selectbox("First coder", people, key="sample-first")
    second = st.selectbox("Second coder", [one for one in people if one != first], key="sample-second")
    of = st.segmented_control("Drawn are", ["units", "sessions"], default="units", key="sample-of") or "units"
    share = st.slider("Share, in percent", 5, 100, 25, 5, key="sample-share")
    seed = st.number_input("Seed", 0, 2**31 - 1, SEED, key="sample-seed")
    wanted = [one for one in roster(log, study) if not one.erased]
    modes = sorted({one.mode for one in wanted})
    data = [mode for mode in modes if mode not in ("bot", "preview")]
    chosen = st.pills("Of sessions", modes, default=data or modes, selection_mode="multi", key="sample-modes")
    # one id for each drawing of the form: a second press is the same act
    act = st.session_state.setdefault("sample-act", str(uuid4()))

    def draw() -> None:
        sessions = [one.session for one in wanted if one.mode in chosen]
        units = {session: [unit.id for unit in session_units(log, session)] for session in sessions}
        try:
            sample = draw_sample(
                log,
                study,
                units,
                coder=str(second),
                first=first,
                share=share / 100,
                of=of,
                seed=int(seed),
                by=insider.staff.name,
                key=f"sample/{act}",
            )
        except TillerError as error:
            st.session_state["sample-said"] = str(error)
            return
        count = sum(map(len, sample.units.values()))
        st.session_state["sample-said"] = (
            f"{many(count, 'unit')} of {many(len(sample.units), 'session')} {'is' if count == 1 else 'are'} "
            f"{sample.coder}'s now."
        )
        st.session_state["sample-act"] = str(uuid4())

    press("Draw", draw, key="sample-draw", primary=True)
    if said := st.session_state.pop("sample-said", None):
        st.caption(said)


def _row(insider: Insider, study: str, sample: SampleDrawn) -> tuple[str, ...]:
    books = books_of(insider.rig.log, study)

    def finished(coder: str) -> str:
        states = [coded_by(insider.rig.log, one, coder, books, books[-1].version).locked for one in sample.units]
        return f"{sum(states)} of {len(states)}"

    count = sum(map(len, sample.units.values()))
    return (
        f"{sample.coder} after {sample.first}",
        f"{sample.share:.0%} of {sample.of}",
        f"{count} in {many(len(sample.units), 'session')}",
        finished(sample.coder),
        finished(sample.first),
        str(sample.seed),
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    heads = ("Who", "Share", "Units", "Finished by second", "By first", "Seed")
    top = "".join(f"<th>{head}</th>" for head in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="desk-table wraps"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
