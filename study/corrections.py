"""Reads what was said in a session, and has an utterance be read otherwise."""

from __future__ import annotations

from core.types import TillerError
from study.log import EventLog
from study.records import Record
from study.speech import Utterance, speech_in
from study.streams import stream_about
from study.talk_events import UtteranceCorrected, UtteranceImported
from study.transcripts.cues import readable


def correct(
    log: EventLog,
    session_id: str,
    utterance: str,
    *,
    key: str,
    text: str | None = None,
    speaker: str | None = None,
    participant: bool | None = None,
    times_ms: tuple[float, float | None] | None = None,
) -> Record:
    """Have an utterance read otherwise from now on; what its transcript says stays where it is. No words strike it out.

    Args:
        log: the record.
        session_id: whose words they are.
        utterance: its id.
        key: one for each press of the button, as in `EventLog.append`.
        text: its words.
        speaker: who says them, as the transcript would name them.
        participant: whether that is the participant.
        times_ms: its beginning and end on the transcript's clock.

    Raises:
        TillerError: there is no such utterance, or it would end before it begins.
    """
    rows = log.read(stream_about("transcript", session_id))
    standing = {
        record.event.utterance: (record.event_id, record.event)
        for record in rows
        if isinstance(record.event, UtteranceImported | UtteranceCorrected)
    }
    if utterance not in standing:
        raise TillerError(f"Utterance {utterance!r} of session {session_id} was to be corrected; there is none such.")
    event_id, said = standing[utterance]
    t0, t1 = (said.t0_ms, said.t1_ms) if times_ms is None else times_ms
    if t0 is not None and t1 is not None and t1 < t0:
        raise TillerError(f"The utterance was to begin at {t0:g} ms and end at {t1:g} ms; the end comes after.")
    corrected = UtteranceCorrected(
        utterance=utterance,
        media=said.media,
        t0_ms=t0,
        t1_ms=t1,
        speaker=said.speaker if speaker is None else readable(speaker),
        participant=said.participant if participant is None else participant,
        text=said.text if text is None else readable(text),
        corrects=event_id,
    )
    (record,) = log.append(stream_about("transcript", session_id), corrected, key=key, actor="researcher")
    return record


def speech_of(log: EventLog, session_id: str) -> tuple[Utterance, ...]:
    """What was said in a session, as it reads now."""
    return speech_in(log.read(session_id), log.read(stream_about("transcript", session_id)))
