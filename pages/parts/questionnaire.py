"""A questionnaire as a participant fills it: all items in one matrix, and the rows of the log that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st
from streamlit.components.v2 import component

from core.types import TillerError
from pages.parts.here import Here
from pages.parts.words import words_for
from study.answers import drafts_in
from study.database import LogUnavailable
from study.events import Event
from study.instruments import Instrument, instrument_in, recorded
from study.route import Stop
from study.task_events import ResponseChanged

_ASSETS = Path(__file__).parent / "assets"
_NONE = "no response"  # how a draft says that the participant chose to give none


def _read(*names: str) -> str:
    return "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in names)


_mount = component(
    "tiller_questionnaire",
    html=_read("questionnaire.html"),
    css=_read("questionnaire.css"),
    js=_read("dom.js", "questionnaire.js"),
)


@dataclass(frozen=True)
class Filled:
    """What pressing the button would hand in: the rows of the log, or the labels of the items that are still open."""

    events: tuple[Event, ...] = ()
    missing: tuple[str, ...] = ()


def instrument_at(who: Here) -> tuple[Stop, Instrument]:
    """The present stop, and the questionnaire that the script puts there, in the participant's language."""
    stop = who.place.stop
    if stop is None or stop.instrument is None:
        raise TillerError("No questionnaire was asked for here; the script names none at this stop.")
    use, script = stop.instrument, who.rig.script
    pasted = script.texts[use.items] if use.items else None
    return stop, instrument_in(use.id, pasted, language=script.language, tool_name=use.tool_name)


def _licence(stated: str, words: Mapping[str, str]) -> str:
    """A Creative Commons licence with its authors as the page's language says it; `stated` is in English."""
    licence, by, authors = stated.partition(", by ")
    return (
        words["licence"].format(licence=licence, authors=authors.replace(" and ", f" {words['and']} "))
        if by
        else stated
    )


def questionnaire(
    who: Here, instrument: Instrument, *, task: str | None, key: str, attempt: int = 1, required: bool = True
) -> Callable[[], Filled]:
    """Draw the matrix with what the log has of it, log what has changed since, and give what to ask at the button.

    `key` is the place in the session (one instrument may come twice); `task` and `attempt` are what it is about.
    Calling what is returned hands in nothing: it gives the rows to write, or, where items are required and some are
    open, their labels, and the next run of the page marks them.
    """
    words = words_for("questionnaire", instrument.language)
    kept = _kept(who, instrument, task, key, attempt)
    answers = _answers(instrument, key, kept)
    changed = [
        ResponseChanged(
            task=task or "",
            attempt=attempt,
            item=f"{key}/{item}",
            number=value,
            text=_NONE if value is None else "",
        )
        for item, value in answers.items()
        if item not in kept or kept[item] != value
    ]
    if changed:
        with suppress(LogUnavailable):  # it stands in the window until the next run of the page
            who.note(*changed, key=f"draft/{uuid4()}")
    held = st.session_state.get(_asked(key), {"asked": 0, "open": []})
    still_open = [item for item in held["open"] if item not in answers]
    scale = instrument.scale
    items = [
        {
            "id": item.id,
            "number": number,
            "heading": item.heading,
            "text": item.text,
            "low": item.low,
            "high": item.high,
        }
        for number, item in enumerate(instrument.items, start=1)
    ]
    data: dict[str, Any] = {
        "name": f"{who.session_id[:12]}-{key}",
        "drawn": scale.drawn,
        "places": list(scale.places),
        "anchors": {str(at): text for at, text in scale.anchors},
        "noResponse": scale.no_response,
        "items": items,
        "answers": answers,
        "open": still_open,
        "asked": held["asked"],
        "words": words,
    }
    _mount(key=_name(key), data=data, on_value_change=lambda: None)
    if still_open:
        rows = [str(one["number"]) for one in items if one["id"] in still_open]
        st.warning(_sentence(rows, words), icon=None)
    if instrument.licence.startswith("CC "):
        ours = f" ({words['translated']})" if instrument.wording == "translated" else ""
        st.caption(f"{_licence(instrument.licence, words)}{ours}")

    def filled() -> Filled:
        given = _answers(instrument, key, kept)
        missing = [item for item in instrument.items if item.id not in given]
        if required and missing:
            st.session_state[_asked(key)] = {"asked": held["asked"] + 1, "open": [item.id for item in missing]}
            return Filled(missing=tuple(item.heading or item.text or f"{item.low}, {item.high}" for item in missing))
        return Filled(events=recorded(instrument, given, task=task, attempt=attempt))

    return filled


def _kept(who: Here, instrument: Instrument, task: str | None, key: str, attempt: int) -> dict[str, float | None]:
    """What the log has of this filling, by item; None is a "no response"."""
    drafts = drafts_in(who.records, task or "", attempt)
    found = {item.id: drafts.get(f"{key}/{item.id}") for item in instrument.items}
    return _sound(instrument, {item: draft.number for item, draft in found.items() if draft is not None})


def _answers(instrument: Instrument, key: str, kept: Mapping[str, float | None]) -> dict[str, float | None]:
    """What this window holds, and for the rest what the log has kept."""
    value = (st.session_state.get(_name(key)) or {}).get("value")
    return {**kept, **_sound(instrument, value if isinstance(value, Mapping) else {})}


def _sound(instrument: Instrument, values: Mapping[str, Any]) -> dict[str, float | None]:
    """Only answers that the instrument has: a browser may send anything."""
    scale = instrument.scale
    allowed = (*scale.places, None) if scale.no_response else scale.places
    held = {item.id: values[item.id] for item in instrument.items if item.id in values and values[item.id] in allowed}
    return {item: None if value is None else int(value) for item, value in held.items()}


def _sentence(rows: list[str], words: Mapping[str, str]) -> str:
    if len(rows) == 1:
        return words["row"].format(rows=rows[0])
    return words["rows"].format(rows=f"{', '.join(rows[:-1])} {words['and']} {rows[-1]}")


def _name(key: str) -> str:
    return f"questionnaire-{key}"


def _asked(key: str) -> str:
    return f"questionnaire-{key}-asked"
