"""Which member of staff sits at this browser, and the pages that their role opens; nobody else learns of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec

import streamlit as st

from pages.parts.rig import Rig, rig
from study.staff import Role, Staff, find_staff

P = ParamSpec("P")
COOKIE = "tiller_staff"


@dataclass(frozen=True, slots=True)
class Room:
    """One page of the researchers' side: its file and address, its title, and the roles it is open to."""

    path: str
    address: str
    title: str
    roles: frozenset[Role]


_DESK = frozenset({Role.RESEARCHER, Role.MODERATOR, Role.OBSERVER})
_CODING = frozenset({Role.RESEARCHER, Role.CODER})
ROOMS = (
    Room("staff/sessions.py", "sessions", "Sessions", _DESK | {Role.CODER}),
    Room("staff/study.py", "study", "Study", _DESK),
    Room("staff/console.py", "console", "Console", _DESK),
    Room("staff/replay.py", "replay", "Replay", _DESK),
    Room("staff/findings.py", "findings", "Findings", _DESK),
    Room("staff/coding.py", "coding", "Coding", _CODING),
    Room("staff/agreement.py", "agreement", "Agreement", frozenset({Role.RESEARCHER})),
    Room("staff/exports.py", "exports", "Exports", frozenset({Role.RESEARCHER})),
    Room("staff/health.py", "health", "Health", frozenset({Role.RESEARCHER})),
    Room("staff/overview.py", "overview", "Overview", frozenset({Role.RESEARCHER})),
)


@dataclass(frozen=True)
class Insider:
    """A member of staff on a page."""

    rig: Rig
    staff: Staff


def signed_in() -> Staff | None:
    """The member of staff whose key this browser holds; a test puts the key in the session."""
    key = st.session_state.get("staff_key") or st.context.cookies.get(COOKIE)
    return None if key is None else find_staff(rig().log, key)


def rooms_of(who: Staff | None) -> list[Room]:
    """The pages that are open to somebody; none to a participant."""
    return [] if who is None else [room for room in ROOMS if who.role in room.roles]


def admit_staff(*roles: Role) -> Insider:
    """Whoever is on this page, if their role is among `roles`; anybody else is shown nothing at all."""
    who = signed_in()
    if who is None or who.role not in roles:
        st.stop()
    return Insider(rig(), who)


def while_let_in(insider: Insider) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Have a callback do nothing once `insider` was revoked or signed out: it runs before the page can look again."""

    def guard(callback: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(callback)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            if signed_in() == insider.staff:
                callback(*args, **kwargs)

        return guarded

    return guard
