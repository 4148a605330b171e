"""Takes in what was recorded of a session elsewhere: the sound of an interview, and its transcript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from core.types import TillerError
from study.anchors import HOW_TO_ANCHOR, Anchor, anchors_in, check_anchor
from study.log import EventLog
from study.media import kept_with, may_record, recordings_of
from study.media_events import MediaChunkStored, MediaStarted, MediaStopped
from study.media_files import copied_from, digest_of, place, written_aside
from study.recordings import form_of, length_of, recordings_in
from study.records import Record
from study.session_events import SessionStarted
from study.streams import stream_about
from study.talk_events import UtteranceImported
from study.transcripts import Transcript, transcript_in

LARGEST = 2**31 - 1  # bytes of a recording, as REFI-QDA allows
_NAMESPACE = uuid5(NAMESPACE_URL, "urn:tiller:speech")


@dataclass(frozen=True, slots=True)
class Imported:
    """What one file became; `new` and `anchored` say whether this call wrote it, and its place in the session."""

    media: str
    sha256: str
    new: bool
    anchored: bool
    utterances: int = 0
    length_ms: float | None = None


def import_recording(
    log: EventLog, session_id: str, path: Path, *, anchor: Anchor | None, length_ms: float | None = None
) -> Imported:
    """Keep the recording of a whole session, or of a part of it, as a single piece; a second time nothing is written.

    Args:
        log: the record.
        session_id: whose recording it is.
        path: a wav, mp3, m4a, ogg or webm file.
        anchor: where it lies in the session; may be given later, or anew.
        length_ms: its length, where the file itself does not tell.

    Raises:
        TillerError: the file is no sound recording, the consent refuses one, or its place is not in the session.
    """
    session = may_record(log, session_id)
    form, size = form_of(path), path.stat().st_size
    if size > LARGEST:
        raise TillerError(
            f"{path.name} has {size:,} bytes; a recording may have {LARGEST:,}: convert it to m4a or ogg."
        )
    length = length_of(path, form) or length_ms
    sha256 = digest_of(path)
    media = _id(session_id, sha256)
    if anchor is not None:
        check_anchor(anchor, session, 0.0, length)
    stream = stream_about("transcript", session_id)
    if any(one.media == media for one in recordings_of(log, session_id)):
        return Imported(media, sha256, False, _anchored_anew(log, session_id, media, anchor), length_ms=length)
    piece = MediaChunkStored(media=media, chunk=0, sha256=sha256, start_ms=0.0, length_ms=length, bytes=size)
    happened = [
        MediaStarted(media=media, kind="audio", form=form),
        piece,
        *([] if anchor is None else [anchor.event(media)]),
        MediaStopped(media=media, chunks=1, length_ms=length),
    ]
    with written_aside(place(log.media, session_id, media) / f"000000.{form}", copied_from(path)) as keep:
        log.append(
            stream,
            *happened,
            key=f"media/{media}",
            actor="researcher",
            beside=kept_with(log, session_id, piece, keep),
        )
    return Imported(media, sha256, True, anchor is not None, length_ms=length)


def import_transcript(
    log: EventLog,
    session_id: str,
    data: bytes,
    *,
    anchor: Anchor | None = None,
    participant: str | None = None,
    media: str | None = None,
) -> Imported:
    """Take in a transcript with its file; a second time nothing is written, but another anchor moves it.

    Args:
        log: the record.
        session_id: whose words they are.
        data: the file's bytes.
        anchor: where its own clock lies in the session; without one, it is timed by the session's one recording.
        participant: the name that the transcript gives the participant, needed where it has several speakers.
        media: the recording whose clock the transcript is on, where it was made from one; then no anchor is needed.

    Raises:
        TranscriptRefused: it cannot be read.
        TillerError: the consent refuses the scope `audio`, nothing says where the transcript lies, or who speaks.
    """
    session = may_record(log, session_id)
    read = transcript_in(data)
    source = _id(session_id, read.sha256)
    rows = log.read(stream_about("transcript", session_id))
    held = [record.event for record in rows if isinstance(record.event, UtteranceImported)]
    mine = [event for event in held if event.source_sha256 == read.sha256]
    begins = min((cue.t0_ms for cue in read.cues if cue.t0_ms is not None), default=0)
    ends = max((cue.t0_ms for cue in read.cues if cue.t0_ms is not None), default=None)
    if anchor is not None:
        check_anchor(anchor, session, begins, ends)
    if mine:
        anchored = _anchored_anew(log, session_id, mine[0].media, anchor)
        return Imported(mine[0].media, read.sha256, False, anchored, len(mine))
    if media is None:
        media = source if anchor is not None else _only_recording(rows, session_id)
    who = _participant(read, session, participant)
    piece = MediaChunkStored(media=source, chunk=0, sha256=read.sha256, start_ms=0.0, bytes=len(data))
    utterances = [
        UtteranceImported(
            utterance=_id(session_id, read.sha256, number),
            media=media,
            t0_ms=None if cue.t0_ms is None else float(cue.t0_ms),
            t1_ms=None if cue.t1_ms is None else float(cue.t1_ms),
            speaker=cue.speaker,
            participant=cue.speaker in who,
            text=cue.text,
            number=number,
            source_sha256=read.sha256,
            resolution_ms=float(read.resolution_ms),
        )
        for number, cue in enumerate(read.cues, 1)
    ]
    happened = [
        MediaStarted(media=source, kind="transcript", form=read.form),
        piece,
        *([] if anchor is None else [anchor.event(source)]),
        *utterances,
    ]
    target = place(log.media, session_id, source) / f"000000.{read.form}"
    with written_aside(target, lambda file: file.write(data)) as keep:
        log.append(
            stream_about("transcript", session_id),
            *happened,
            key=f"media/{source}",
            actor="researcher",
            beside=kept_with(log, session_id, piece, keep),
        )
    return Imported(media, read.sha256, True, anchor is not None, len(utterances))


def _id(*of: object) -> str:
    """The id of what these words name; the same file has the same id in a session, however often it comes."""
    return uuid5(_NAMESPACE, "/".join(map(str, of))).hex


def _anchored_anew(log: EventLog, session_id: str, media: str, anchor: Anchor | None) -> bool:
    """Tie `media` to the session by `anchor` from now on; False if it is tied so already."""
    stream = stream_about("transcript", session_id)
    event_id, stands = anchors_in(log.read(stream)).get(media, (None, None))
    if anchor is None or (stands is not None and replace(stands, replaces=None) == anchor.event(media)):
        return False
    log.append(stream, anchor.event(media, event_id), key=f"anchor/{media}/{event_id}", actor="researcher")
    return True


def _only_recording(rows: Sequence[Record], session_id: str) -> str:
    """The recording whose clock a transcript without an anchor must be on: the session's one that has an anchor."""
    anchored = [one.media for one in recordings_in(rows) if one.kind == "audio" and one.anchor is not None]
    if len(anchored) == 1:
        return anchored[0]
    why = f"it has {len(anchored)} recordings" if anchored else "it has no recording whose place is known"
    raise TillerError(f"Nothing says where this transcript lies in session {session_id}, for {why}: {HOW_TO_ANCHOR}.")


def _participant(read: Transcript, session: Sequence[Record], named: str | None) -> frozenset[str]:
    """The names under which the participant speaks; words under no name may be theirs, so they count as theirs."""
    speakers = read.speakers
    if named is not None:
        if named not in speakers:
            known = ", ".join(speakers) or "none"
            raise TillerError(f"{named!r} was named as the participant; the transcript has the speakers {known}.")
        return frozenset({named, ""})
    if len(speakers) < 2:
        return frozenset({*speakers, ""})
    pseudonym = next((one.event.participant for one in session if isinstance(one.event, SessionStarted)), "")
    plain = [name for name in speakers if name.casefold() in (pseudonym.casefold(), "participant")]
    if len(plain) == 1:
        return frozenset({plain[0], ""})
    raise TillerError(
        f"The transcript has the speakers {', '.join(speakers)}; say which of them is the participant: "
        f'--speaker-of-participant "{speakers[0]}".'
    )
