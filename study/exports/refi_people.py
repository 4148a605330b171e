"""The part of a REFI-QDA project that people have made: coders as users, their codings, their memos as notes."""

from __future__ import annotations

from datetime import UTC, datetime

from study.coding import Assignment
from study.exports.elements import Elements
from study.exports.people import Memo, People
from study.exports.qdc import write_codes
from study.guids import guid


class PeopleInProject:
    """Writes what people have coded where the project has its place for it, a session at a time."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._codes: dict[str, list[Assignment]] = {}  # of the session that is open, by unit
        self._memos: dict[str, list[Memo]] = {}

    def write_users(self, xml: Elements) -> None:
        """Each coder as a user of their own."""
        for coder in self._people.coders:
            xml.leaf("User", guid=_user(coder), name=coder)

    def write_codes(self, xml: Elements) -> None:
        """Every code of every version of the codebook, so that each coding finds its own."""
        write_codes(xml, self._people.entries)

    def open(self, session: str) -> None:
        """Read what was coded in a session, before its selections are written."""
        self._codes, self._memos = {}, {}
        for one in self._people.codes(session):
            self._codes.setdefault(one.unit, []).append(one)
        for memo in self._people.memos(session):
            self._memos.setdefault(memo.unit, []).append(memo)

    def write_codings(self, xml: Elements, unit: str) -> None:
        """What people gave one unit of the session that is open, within its selection."""
        for one in self._codes.get(unit, ()):
            place = ("coding", unit, one.coder, one.code, one.codebook)
            with xml.element(
                "Coding", guid=guid(*place), creatingUser=_user(one.coder), creationDateTime=_time(one.utc_ns)
            ):
                xml.leaf("CodeRef", targetGUID=one.code)
        for memo in self._memos.get(unit, ()):
            xml.leaf("NoteRef", targetGUID=memo.id)

    def write_notes(self, xml: Elements) -> None:
        """Every memo as a note; selections refer to them."""
        memos = [memo for session in self._people.sessions() for memo in self._people.memos(session)]
        if not memos:
            return
        with xml.element("Notes"):
            for memo in memos:
                with xml.element(
                    "Note",
                    guid=memo.id,
                    name=f"memo of {memo.coder}",
                    creatingUser=_user(memo.coder),
                    creationDateTime=_time(memo.utc_ns),
                ):
                    xml.leaf("PlainTextContent", memo.text)


def _user(coder: str) -> str:
    return guid("user", "coder", coder)


def _time(utc_ns: int) -> str:
    return datetime.fromtimestamp(utc_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
