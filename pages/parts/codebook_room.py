"""The codebook: every version to read, and a draft that a researcher makes the next version of."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.types import TillerError
from pages.parts.calm import press
from pages.parts.staff import Insider
from study.codebook import Codebook, books_of, change_codebook, in_tree_order, mistakes_in
from study.coding_events import Entry
from study.exports.qdc import mapped_by_name, new_code_id, read_qdc, write_qdc
from study.staff import Role

_WORDS = {"definition": "Definition", "use_when": "Use when", "not_when": "Not when", "example": "Example"}
_NEW_COLOUR = "#3d7a8c"


@dataclass
class Draft:
    """The next version while it is being made; it is gone with the window, a version stays for ever."""

    since: int
    entries: tuple[Entry, ...]
    mapping: dict[str, str] = field(default_factory=dict[str, str])

    def put(self, entry: Entry) -> None:
        """Take an entry in, in the place of the one with its id or as the last of its group."""
        ids = [one.id for one in self.entries]
        kept = [entry if one.id == entry.id else one for one in self.entries]
        self.entries = in_tree_order(kept if entry.id in ids else [*kept, entry])

    def drop(self, code: str, becomes: str) -> None:
        """Take a code out; what it was given to has `becomes` from the next version on."""
        above = next(one.parent for one in self.entries if one.id == code)
        below = [replace(one, parent=above) if one.parent == code else one for one in self.entries if one.id != code]
        self.entries = in_tree_order(below)
        self.mapping[code] = becomes


def codebook_view(insider: Insider, study: str, _: DeltaGenerator) -> None:
    """Read the codebook; a researcher changes it, takes it out and brings another in."""
    books = books_of(insider.rig.log, study)
    may_change = insider.staff.role is Role.RESEARCHER
    draft = _draft(study, books[-1])
    left, right = st.columns([7, 5], gap="large")
    with left:
        _shown(books, draft, study)
    with right:
        if may_change:
            _editor(insider, study, books, draft)
        else:
            st.caption("A researcher of the study changes the codebook; tell them what is unclear.")
            _out(books[-1], study)


def _draft(study: str, now: Codebook) -> Draft:
    key = f"codebook-draft-{study}"
    draft = st.session_state.get(key)
    if draft is None or draft.since != now.version:
        draft = st.session_state[key] = Draft(now.version, now.entries)
    return draft


def _shown(books: Sequence[Codebook], draft: Draft, study: str) -> None:
    changed = draft.entries != books[-1].entries
    versions = [book.version for book in reversed(books)]
    names = {book.version: _named(book, last=book is books[-1]) for book in books}
    picked = st.selectbox(
        "Version", versions, format_func=lambda one: names[one], key=f"codebook-version-{study}", width=420
    )
    book = next(one for one in books if one.version == picked)
    present = book is books[-1]
    entries = draft.entries if present else book.entries
    if present and changed:
        st.caption("Shown with your changes, which are not a version yet.")
    st.html(_table(entries, book.entries if present else entries))


def _named(book: Codebook, *, last: bool) -> str:
    by = f", by {book.by}" if book.by else ""
    note = f": {book.note}" if book.note else ""
    return f"Version {book.version}{' (present)' if last else ''}{by}{note}"


def _table(entries: Sequence[Entry], stands: Sequence[Entry]) -> str:
    known = {entry.id: entry for entry in stands}
    rows = []
    for entry in entries:
        mark = "" if known.get(entry.id) == entry else '<span class="book-new">changed</span>'
        if not entry.codable:
            rows.append(f'<h4 title="{escape(entry.definition)}">{escape(entry.name)} {mark}</h4>')
            continue
        more = "".join(
            f"<p><b>{label}:</b> {escape(getattr(entry, name))}</p>"
            for name, label in _WORDS.items()
            if name != "definition" and getattr(entry, name)
        )
        rows.append(
            f'<div class="book-row"><kbd>{escape(entry.shortcut) or "&nbsp;"}</kbd>'
            f'<i style="background:{escape(entry.colour)}"></i><div><b>{escape(entry.name)}</b> {mark}'
            f"<p>{escape(entry.definition)}</p>{more}</div></div>"
        )
    return f'<div class="book">{"".join(rows)}</div>'


def _editor(insider: Insider, study: str, books: Sequence[Codebook], draft: Draft) -> None:
    st.subheader("Change it")
    ids = ["new", *(entry.id for entry in draft.entries)]
    names: dict[str, str] = {"new": "A new code", **{entry.id: entry.name for entry in draft.entries}}
    turn = st.session_state.setdefault("codebook-turn", 0)
    picked = str(st.selectbox("Code", ids, format_func=lambda one: names[one], key=f"codebook-code-{turn}"))
    entry = next((one for one in draft.entries if one.id == picked), None)
    key = f"{picked}-{turn}"
    groups = [one for one in draft.entries if not one.codable]
    found = entry or Entry(id="", name="", colour=_NEW_COLOUR, parent=groups[-1].id if groups else None)
    name = st.text_input("Name", found.name, max_chars=80, key=f"name-{key}")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        parents = ["", *(one.id for one in draft.entries if one.id != picked)]
        parent = st.selectbox(
            "Lies under",
            parents,
            index=parents.index(found.parent or ""),
            format_func=lambda one: names.get(one, "nothing"),
            key=f"parent-{key}",
        )
        shortcut = st.text_input("Key", found.shortcut, max_chars=1, key=f"key-{key}", width=64)
        colour = st.color_picker("Colour", found.colour, key=f"colour-{key}")
        group = not st.checkbox("Can be given", found.codable, key=f"codable-{key}")
    words = {
        part: st.text_area(label, getattr(found, part), max_chars=2000, height=68, key=f"{part}-{key}")
        for part, label in _WORDS.items()
    }
    wanted = replace(
        found,
        name=name.strip(),
        parent=parent or None,
        shortcut=shortcut.strip(),
        colour=colour,
        codable=not group,
        **words,
    )

    def put() -> None:
        made = wanted if entry else replace(wanted, id=new_code_id(study, wanted.name, draft.since + 1))
        others = [one for one in draft.entries if one.id != made.id]
        if wrong := [one for one in mistakes_in([*others, made]) if one not in mistakes_in(others)]:
            st.session_state["codebook-said"] = " ".join(wrong)
            return
        draft.put(made)
        st.session_state["codebook-turn"] += 1

    with st.container(horizontal=True, vertical_alignment="bottom"):
        press("Add it" if entry is None else "Take this over", put, key=f"put-{key}")
        if entry is not None:
            _leave_out(draft, entry, names, key)
    if said := st.session_state.pop("codebook-said", None):
        st.warning(said, icon=None)
    _publish(insider, study, books, draft)
    _out(books[-1], study)
    _in(study, draft)


def _leave_out(draft: Draft, entry: Entry, names: dict[str, str], key: str) -> None:
    with st.popover("Leave it out"):
        others = ["", *(one.id for one in draft.entries if one.codable and one.id != entry.id)]
        becomes = st.selectbox(
            "Units that have it get", others, format_func=lambda one: names.get(one, "no code"), key=f"becomes-{key}"
        )

        def drop() -> None:
            draft.drop(entry.id, str(becomes))
            st.session_state["codebook-turn"] += 1

        press("Leave it out", drop, key=f"drop-{key}")


def _publish(insider: Insider, study: str, books: Sequence[Codebook], draft: Draft) -> None:
    changed = draft.entries != books[-1].entries
    if not changed:
        st.caption(f"Version {books[-1].version} stands. A change becomes version {books[-1].version + 1}; codes stay.")
        return
    note = st.text_input("Why, in a sentence", key=f"note-{draft.since}", max_chars=300)

    def publish() -> None:
        try:
            change_codebook(
                insider.rig.log,
                study,
                draft.entries,
                mapping=draft.mapping,
                by=insider.staff.name,
                note=note,
                since=draft.since,
            )
        except TillerError as error:
            st.session_state["codebook-said"] = str(error)

    def give_up() -> None:
        st.session_state.pop(f"codebook-draft-{study}", None)
        st.session_state["codebook-turn"] += 1

    with st.container(horizontal=True):
        press(f"Make it version {draft.since + 1}", publish, key="publish", primary=True)
        press("Give the changes up", give_up, key="give-up")


def _out(book: Codebook, study: str) -> None:
    file = io.BytesIO()
    write_qdc(book.entries, file)
    st.download_button(
        "Download as .qdc (REFI-QDA)", file.getvalue(), f"{study}-codebook-{book.version}.qdc", "application/xml"
    )


def _in(study: str, draft: Draft) -> None:
    given = st.file_uploader("Bring in a .qdc of another tool", type=["qdc", "xml"], key=f"import-{draft.since}")
    if given is None:
        return

    def take() -> None:
        try:
            entries = read_qdc(given.getvalue(), draft.entries)
        except TillerError as error:
            st.session_state["codebook-said"] = str(error)
            return
        draft.mapping |= mapped_by_name(draft.entries, entries)
        draft.entries = in_tree_order(entries)
        st.session_state["codebook-turn"] += 1

    press("Take it into the draft", take, key=f"take-{study}")
