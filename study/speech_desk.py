"""Commands that take in what was said in a session: its recording, its transcript, and the words in the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.types import TillerError, many
from study.consent import given
from study.desk import Json, opened_log, records_of
from study.records import Record
from study.terminal import emit, one_sentence, shown_progress, stderr

if TYPE_CHECKING:
    from study.anchors import Anchor
    from study.imports import Imported
    from study.log import EventLog

Session = Annotated[str, typer.Option(help="The session that it belongs to.")]
AtSeq = Annotated[int | None, typer.Option(help="The session's row that it begins with.")]
StartsAt = Annotated[str | None, typer.Option(help="When it began, with the zone: 2026-11-21T10:00:00+01:00.")]
Offset = Annotated[str | None, typer.Option(help="Seconds from the session's first row to its beginning.")]
MediaTime = Annotated[str, typer.Option(help="A time in it that these are of instead of its beginning: 0:12.5.")]
ErrorMs = Annotated[float | None, typer.Option(min=0, help="The most by which that may be wrong, in ms.")]


def transcript(
    session: Session,
    file: Annotated[Path, typer.Option(help="WebVTT, SRT, plain text or docx.")],
    at_seq: AtSeq = None,
    starts_at: StartsAt = None,
    offset: Offset = None,
    media_time: MediaTime = "0:00",
    error_ms: ErrorMs = None,
    speaker_of_participant: Annotated[
        str | None, typer.Option(help="What the transcript calls the participant.")
    ] = None,
    json_wanted: Json = False,
) -> None:
    """Take a transcript into the record and tie it to the session's clock; a second time moves it, or does nothing."""
    with one_sentence():
        from study.imports import import_transcript
        from study.transcripts import LONGEST

        log, anchor = _opened(session, at_seq, starts_at, offset, media_time, error_ms)
        with file.open("rb") as opened:
            data = opened.read(LONGEST + 1)
        done = import_transcript(log, session, data, anchor=anchor, participant=speaker_of_participant)
        _remind(log.read(session))
        emit(asdict(done), _told(done, many(done.utterances, "utterance")), json_wanted=json_wanted)


def audio(
    session: Session,
    file: Annotated[Path, typer.Option(help="wav, mp3, m4a, ogg or webm.")],
    at_seq: AtSeq = None,
    starts_at: StartsAt = None,
    offset: Offset = None,
    media_time: MediaTime = "0:00",
    error_ms: ErrorMs = None,
    length: Annotated[float | None, typer.Option(min=0, help="Its length in seconds, unless it is a wav.")] = None,
    json_wanted: Json = False,
) -> None:
    """Keep the recording of a session beside the record; a transcript of it then needs no place of its own."""
    with one_sentence():
        from study.imports import import_recording

        log, anchor = _opened(session, at_seq, starts_at, offset, media_time, error_ms)
        length_ms = None if length is None else 1000 * length
        done = import_recording(log, session, file, anchor=anchor, length_ms=length_ms)
        long = "length not known" if done.length_ms is None else f"{done.length_ms / 1000:.1f} s"
        _remind(log.read(session))
        emit(asdict(done), _told(done, f"recording {done.media}, {long}"), json_wanted=json_wanted)


def transcribe(
    session: Annotated[str | None, typer.Option(help="Only this session.")] = None,
    study: Annotated[str | None, typer.Option(help="All sessions of this study that allow a recording.")] = None,
    model: Annotated[str, typer.Option(help="A model of faster-whisper by name, or the folder of one.")] = "small",
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
    language: Annotated[str | None, typer.Option(help="en, de, ...; else that of the session's texts.")] = None,
    json_wanted: Json = False,
) -> None:
    """Write down what was said in recordings, on this machine; one that has its words is left, so it may be stopped."""
    with one_sentence():
        from study.transcription import Whisper, unheard
        from study.transcription import transcribe as write_down

        if (session is None) == (study is None):
            raise TillerError("Name what to transcribe: --session ID, or --study STUDY for all of its sessions.")
        log = opened_log()
        if session is not None:
            records_of(log, session)
        wanted = [session] if session else [one for one in log.sessions(study=study) if given(log.read(one), "audio")]
        todo = [(one, recording) for one in wanted for recording in unheard(log, one)]
        told: list[dict[str, object]] = []
        if todo:
            whisper = Whisper(model, device)
            total = round(sum(recording.seconds for _, recording in todo))
            with shown_progress() as advance:
                before = 0.0
                for one, recording in todo:
                    done = write_down(
                        log,
                        one,
                        recording,
                        whisper,
                        language=language,
                        progress=lambda seconds, before=before: advance("seconds", round(before + seconds), total),
                    )
                    before += recording.seconds
                    advance("seconds", round(before), total)
                    told.append(
                        {"session": one, "media": recording.media, "utterances": done.utterances if done else 0}
                    )
        count = sum(one["utterances"] for one in told if isinstance(one["utterances"], int))
        heard = f"{many(count, 'utterance')} from {many(len(told), 'recording')}."
        emit({"recordings": told}, heard, json_wanted=json_wanted)


def _opened(
    session: str,
    at_seq: int | None,
    starts_at: str | None,
    offset: str | None,
    media_time: str,
    error_ms: float | None,
) -> tuple[EventLog, Anchor | None]:
    """The log, which has the session, and where the options place what is taken in."""
    from study.anchors import read_anchor

    log = opened_log()
    records_of(log, session)
    return log, read_anchor(at_seq=at_seq, starts_at=starts_at, offset=offset, media_time=media_time, error_ms=error_ms)


def _remind(rows: Sequence[Record]) -> None:
    """Say on the error stream that nobody was asked, where the consent has no such scope."""
    if not given(rows, "audio"):
        stderr.print("This session's consent does not ask for a recording (scope audio): see that you may keep it.")


def _told(done: Imported, what: str) -> str:
    if done.new:
        return f"{what} taken in."
    return f"{what}: there already{', and moved' if done.anchored else ''}."
