"""What staff are told who ask for a page that is not open to their role; strangers learn of no such page."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from pages.parts.rig import rig
from pages.parts.staff import ROOMS, Insider, rooms_of, signed_in
from pages.parts.staff_frame import staff_page


def closed_to_their_role(shown: str) -> bool:
    """Draw the refusal if the address names a room that is closed to whoever is signed in; whether it did.

    `shown` is the address of the page that would be drawn instead: the welcome, "", for every address without a page.
    """
    asked = urlsplit(st.context.url or "").path.rstrip("/").rpartition("/")[2]
    room = next((one for one in ROOMS if one.address == asked), None)
    who = None if shown or room is None else signed_in()
    if who is None or room is None or room in rooms_of(who):
        return False
    with staff_page(Insider(rig(), who), room.title):
        st.title(room.title)
        open_to = ", ".join(sorted(room.roles))
        st.info(f"This page is open to the roles {open_to}; you are signed in as {who.role}.", icon=None)
    return True
