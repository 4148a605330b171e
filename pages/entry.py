"""The page list, and the one `try` around whichever page runs; it lies inside `pages/`, so no page escapes it."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import apologise
from pages.parts.closed import closed_to_their_role
from pages.parts.here import PAGES
from pages.parts.staff import rooms_of, signed_in
from study.session import Step

try:
    pages = [st.Page(path, url_path=step.value, default=step is Step.WELCOME) for step, path in PAGES.items()]
    pages += [st.Page(room.path, url_path=room.address, title=room.title) for room in rooms_of(signed_in())]
    page = st.navigation(pages, position="hidden")
    apologise()
    if not closed_to_their_role(page.url_path):
        page.run()
except Exception as error:
    apologise(error)
