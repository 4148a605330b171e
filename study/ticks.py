"""A tick of the browser: what is on the screen has been drawn, or a time is over, so that a prompt may come or go."""

from __future__ import annotations

from study.log import EventLog, LogMoved
from study.prompt_events import PromptDismissed, PromptShown
from study.prompts import due, expires_s, standing
from study.records import ClientTime, Record
from study.route import Step
from study.script import StudyScript
from study.session import session_in

TRIES = 20  # how often others may write first before a tick is left to the next one


def tick(
    log: EventLog,
    session_id: str,
    script: StudyScript,
    *,
    client: ClientTime | None = None,
    window: str | None = None,
) -> Record | None:
    """Write the prompt that is to come up now, or that the one which is up has expired; None if neither is so.

    Two windows that tick at once, or one that ticks again, write one row: its key is the prompt and what caused it.

    Raises:
        LogRefused: the session takes no more rows.
        LeaseLost: another window has the session, and hears of prompts.
        LogUnavailable: nothing was written; tick again.
    """
    for _ in range(TRIES):
        records = log.read(session_id)
        place = session_in(records, script, session_id=session_id)
        now_ns = log.now().utc_ns
        shown = standing(records)
        if place.finished or place.paused or not records:
            return None
        if shown is not None and isinstance(shown.event, PromptShown):
            left_s = expires_s(shown, records, script, now_ns)
            if left_s is None or left_s > 0:
                return None
            event, key = expired(shown.event), f"expired/{shown.event_id}"
        else:
            coming = due(records, script.in_language(place.language or script.language), place, now_ns)
            if coming is None:
                return None
            event, key = coming.shown(place), coming.key
        try:
            return log.append(
                session_id,
                event,
                key=key,
                actor="system",
                page=Step.WORKSPACE,
                client=client,
                window=window,
                expect=records[-1].seq,
            )[0]
        except LogMoved:
            continue
    return None


def expired(shown: PromptShown) -> PromptDismissed:
    """The row by which the prompt that `shown` is about went away by itself."""
    return PromptDismissed(**shown.about(), how="expired")
