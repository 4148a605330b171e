"""The page list, and the one `try` around whichever page runs; it lies inside `pages/`, so no page escapes it."""

from __future__ import annotations

import streamlit as st

from pages.parts.calm import apologise
from pages.parts.here import PAGES
from study.session import Step

page = st.navigation(
    [st.Page(path, url_path=step.value, default=step is Step.WELCOME) for step, path in PAGES.items()],
    position="hidden",
)
try:
    apologise()
    page.run()
except Exception as error:
    apologise(error)
