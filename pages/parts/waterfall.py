"""The waterfall of an opened picture: every step from 0 to the margin, computed once, where it is looked at."""

from __future__ import annotations

from typing import Any

from core.attribution import attribute
from core.types import View
from core.waterfall import Waterfall, waterfall
from pages.parts.cards import edition, on_screen, tasks_begun
from pages.parts.opened import Opened
from pages.parts.pieces import known
from pages.parts.rig import Rig
from study.participants import find
from study.records import Record
from study.session import session_in


def waterfall_asked(here: Rig, token: str) -> dict[str, Any] | None:
    """The waterfall that the owner of `token` asks for; None where no picture is open, or it is no tool of theirs."""
    found = find(here.log, token)
    if found is None:
        return None
    records = here.log.read(found[0])
    place = session_in(records, here.script, session_id=found[0])
    if place.task is None or place.finished or "waterfall" not in place.tools:
        return None
    return waterfall_of(here, on_screen(here, records, place.task, frozenset(place.tools)), records)


def waterfall_of(here: Rig, opened: Opened, records: tuple[Record, ...] | list[Record]) -> dict[str, Any]:
    """The bars of the picture as it is before any edit, as plain values; `records` are the session's so far."""
    drawn = here.margins.recall(
        ("waterfall", opened.pinned, opened.target, opened.against), lambda: _drawn(here, opened)
    )
    account = opened.attribution
    exact = drawn.view is View.EXACT
    return {
        "edition": edition(opened, tasks_begun(records)),
        "view": drawn.view.value,
        "target": opened.target,
        "against": opened.against,
        "bars": [
            {
                "kind": bar.kind,
                "value": bar.value,
                "printed": bar.printed,
                "component": bar.component,
                "name": None if bar.component is None else opened.name_of(bar.component),
                "count": bar.count,
            }
            for bar in drawn.bars
        ],
        "margin": drawn.margin,
        "printed": drawn.printed,
        # Of act x gradient no share is one of the prediction.
        "explained": known(account.explained_share) if exact else None,
    }


def _drawn(here: Rig, opened: Opened) -> Waterfall:
    account = opened.attribution
    if account.view is View.EXACT:
        return waterfall(account)
    whole = attribute(
        opened.model,
        opened.bundle.sae,
        opened.seen,
        account.target,
        against=account.against,
        view=View.INTEGRATED,
        turn=here.gate,
    )
    return waterfall(whole)
