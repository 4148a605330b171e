"""Two pages that mount the recorder as a participant's pages do."""

from __future__ import annotations

import streamlit as st

from pages.parts.here import visitor
from pages.parts.recorder import record


def _page() -> None:
    who = visitor()
    if who is None:
        st.error("no such link")
        return
    with st.container(key="sheet"):
        st.title(here.title)
        away = st.session_state.get("away", False)
        record(who, away=away, on_silence=lambda: st.session_state.update(hushes=hushes + 1))
        st.text(f"silences heard of: {st.session_state.get('hushes', 0)}")
        st.button("Draw again")
        st.button("Another window", on_click=lambda: st.session_state.update(away=not away))
        if st.button("Other page"):
            st.switch_page(two if here is one else one, query_params=st.query_params.to_dict())


def _first() -> None:
    _page()


def _second() -> None:
    _page()


hushes = st.session_state.get("hushes", 0)
one = st.Page(_first, title="First", url_path="first", default=True)
two = st.Page(_second, title="Second", url_path="second")
here = st.navigation([one, two], position="hidden")
here.run()
