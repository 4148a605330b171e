"""The recruitment links of a study: what came by each, and the making, closing and opening of them."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

import streamlit as st

from core.types import TillerError
from pages.parts.arrival import LINK
from pages.parts.calm import calmly
from pages.parts.staff import Insider, while_let_in
from study.preflight import refuse_unrehearsed
from study.recruitment import MODES, Link, links_of, make_link, set_closed
from study.staff import Role

_MADE = "link-made"
_REFUSED = "link-refused"


def links_view(insider: Insider, study: str) -> None:
    """Every link with its counts; whoever runs the study makes new ones here."""
    script = insider.rig.script
    own, makes = script.study.id == study, insider.staff.role is Role.RESEARCHER
    _made()
    links = links_of(insider.rig.log, study)
    if links:
        _listed(insider, links, makes)
    else:
        st.caption("No link was made for this study yet.")
    if makes and own:
        _form(insider)
    elif makes:
        st.info(f"The app runs the study “{script.study.id}”; links of “{study}” can only be closed here.", icon=None)
    if makes and script.ids.pid_param and insider.rig.study_key is None:
        st.info(
            f"No study key is set, so no {script.ids.pid_param} is kept: whoever comes back is known by their own link "
            "alone. Set TILLER_STUDY_KEY to a long random text to have ids kept as keyed hashes.",
            icon=None,
        )


def address_of(token: str, pid_params: tuple[str, ...] = ()) -> str:
    """The whole address of a recruitment link, with the platform's placeholders where the script names parameters."""
    base = (st.context.url or "http://localhost:8501/").rsplit("/", 1)[0]
    ids = "".join(f"&{quote(name)}={{{{%{name}%}}}}" for name in pid_params)
    return f"{base}/?{LINK}={token}{ids}"


def _made() -> None:
    made = st.session_state.get(_MADE)
    if made is None:
        return
    label, address = made
    with st.container(key="link-made", border=True):
        st.markdown(f"**The link “{label}”.** It is shown this once; nothing keeps it.")
        st.code(address, language=None, wrap_lines=True)
        st.button("I have copied it", key="copied", on_click=lambda: st.session_state.pop(_MADE, None))


def _listed(insider: Insider, links: tuple[Link, ...], makes: bool) -> None:
    with st.container(key="links"):
        heads = ("Label", "Mode", "Places", "Came", "Completed", "Made (UTC)", "State", "")
        columns = st.columns([3, 1.4, 1.4, 1, 1.2, 2, 1.4, 1.2])
        for column, head in zip(columns, heads, strict=True):
            column.html(f'<span class="links-head">{head}</span>')
        for link in links:
            _row(insider, link, makes)


def _row(insider: Insider, link: Link, makes: bool) -> None:
    @calmly
    @while_let_in(insider)
    def turn() -> None:
        set_closed(insider.rig.log, link.id, closed=not link.closed)

    places = "any number" if link.quota is None else "personal" if link.personal else f"{link.held} of {link.quota}"
    made = datetime.fromtimestamp(link.made_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M")
    state = "closed" if link.closed else "used" if link.personal and link.came else "full" if link.refusal else "open"
    cells = (escape(link.label), link.mode, places, str(link.came), str(link.completed), made, state)
    columns = st.columns([3, 1.4, 1.4, 1, 1.2, 2, 1.4, 1.2], vertical_alignment="center")
    for column, cell in zip(columns[:-1], cells, strict=True):
        column.html(f'<span class="links-cell">{cell}</span>')
    if makes:
        label = "Open again" if link.closed else "Close"
        columns[-1].button(label, key=f"turn-{link.id[:16]}", on_click=turn, type="tertiary")


def _form(insider: Insider) -> None:
    script = insider.rig.script
    offered = [one for one in MODES if one == "preview" or getattr(script.modes, one) is not None]

    @calmly
    @while_let_in(insider)
    def make() -> None:
        held = st.session_state
        count = {"One participant, their own": 1, "Any number": None}.get(held["link-for"], held.get("link-quota"))
        st.session_state.pop(_REFUSED, None)
        try:
            if held["link-mode"] != "preview":  # whoever tries the study out comes before its rehearsal
                refuse_unrehearsed(insider.rig.log, script)
            token = make_link(insider.rig.log, script, held["link-label"], held["link-mode"], quota=count)
        except TillerError as error:
            st.session_state[_REFUSED] = str(error)
            return
        named = (script.ids.pid_param, *script.ids.extra_params) if script.ids.pid_param else ()
        params = tuple(one for one in named if one) if held["link-mode"] == "remote" and count != 1 else ()
        held[_MADE] = (" ".join(held["link-label"].split()), address_of(token, params))
        held["link-label"] = ""

    st.subheader("A new link")
    with st.container(key="link-form", horizontal=True, vertical_alignment="bottom"):
        st.text_input("Label", key="link-label", max_chars=80, width=290, placeholder="A wave or a pseudonym, no name")
        st.selectbox("Mode", offered, key="link-mode", width=150)
        whom = st.selectbox(
            "For", ("One participant, their own", "A number of participants", "Any number"), key="link-for", width=240
        )
        if whom == "A number of participants":
            st.number_input("Places", min_value=2, max_value=100_000, value=20, key="link-quota", width=130)
        st.button("Make the link", key="link-make", type="primary", on_click=make)
    if _REFUSED in st.session_state:
        st.warning(st.session_state.pop(_REFUSED), icon=None)
