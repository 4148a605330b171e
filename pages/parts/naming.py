"""Where a researcher gives components names of their own; the index keeps the names that it has."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.bundle import Bundle
from core.types import TillerError
from pages.parts.calm import calmly
from pages.parts.gallery import url_of
from pages.parts.staff import Insider, while_let_in
from study.concept_names import LONGEST, give_name, given_names, names_ever

_SHOWN = 8


def naming(insider: Insider) -> None:
    """One component of a dictionary in use, what it is called, and the way to call it otherwise."""
    rig, study = insider.rig, insider.rig.script.study.id
    if not insider.staff.may_see(study):
        return
    st.subheader("Names of components")
    st.caption(
        "A name given here is shown in sessions that begin from now on; those that have begun keep theirs. "
        "Every change stays on record, and the bundle is not touched."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.selectbox("Dictionary", list(rig.bundles), key="naming-which", width=180)
        bundle = rig.bundles[which]
        last = len(bundle.index) - 1
        component = int(st.number_input(f"Component, 0 to {last}", 0, last, 0, 1, key="naming-component", width=180))
        given = given_names(rig.log, study, bundle.sae.digest).get(component)
        own = bundle.index.named(component)
        slot = f"naming-{which}-{component}-{given.called if given else ''}"

        @calmly
        @while_let_in(insider)
        def keep() -> None:
            try:
                give_name(
                    rig.log,
                    study,
                    bundle.sae.digest,
                    component,
                    st.session_state[slot],
                    own=own,
                    who=insider.staff.name,
                )
            except TillerError as error:
                st.session_state["naming-refused"] = str(error)

        st.text_input("Name", given.called if given else own, LONGEST, key=slot, width=320)
        st.button("Keep this name", key="naming-keep", on_click=keep)
    if refused := st.session_state.pop("naming-refused", None):
        st.error(refused, icon=None)
    said = f"Named by {given.by}; “{own}” in the index. Empty gives it that name back." if given else "As in the index."
    st.caption(said)
    st.html(_pictures(bundle, component))
    if changes := names_ever(rig.log, study, bundle.sae.digest):
        rows = [
            {
                "When, UTC": one.at.strftime("%Y-%m-%d %H:%M"),
                "Who": one.by,
                "Component": number,
                "Before": before,
                "After": one.called or bundle.index.named(number),
            }
            for number, before, one in changes
        ]
        st.dataframe(rows, hide_index=True, height="content" if len(rows) < 8 else 280)


def _pictures(bundle: Bundle, component: int) -> str:
    names = bundle.index[component].exemplars_top[:_SHOWN]
    shown = "".join(f'<img src="{escape(url_of(name, 96, bundle))}" alt="" width="72" height="72">' for name in names)
    return f'<div class="naming">{shown or "It never fired in the pictures of the index."}</div>'
