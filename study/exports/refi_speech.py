"""The part of a REFI-QDA project that was spoken: utterances between the rows, recordings, transcripts, links.

A recording is named by its path below the folder beside the record, or lies inside the project if that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import IO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from study.exports.elements import Elements
from study.exports.refi_people import PeopleInProject
from study.exports.speech import Speech, Spoken, Talk
from study.exports.timeline import Timeline, timeline_of
from study.guids import guid
from study.log import EventLog
from study.media import paths_of
from study.recordings import Recording
from study.records import Record

LARGEST_INSIDE = 2**31 - 1  # bytes of a file in a project, by the specification


@dataclass(frozen=True, slots=True)
class _Sound:
    """A recording as a source: where its bytes are, and what was said in it."""

    of: Recording
    path: str
    inside: bool
    spoken: tuple[Spoken, ...]


class SpeechInProject:
    """Writes what was said where the project has its place for it, a session at a time."""

    def __init__(self, log: EventLog, speech: Speech, links: IO[str], *, inside: bool = False) -> None:
        self._log, self._speech, self._links, self._inside = log, speech, links, inside

    def timeline(self, session: Sequence[Record]) -> Timeline:
        """The session's text, with utterances between its rows."""
        return timeline_of(session, self._speech.of(session).spoken)

    def sources(self, session: Sequence[Record]) -> tuple[str, ...]:
        """Ids of the recordings of a session, as its case refers to them."""
        return tuple(_source(sound) for sound in self._sounds(session, self._speech.of(session)))

    def write_files(self, archive: ZipFile, session: Sequence[Record]) -> None:
        """Put the transcripts of a session's recordings into the project, and their sound if that was asked for."""
        for sound in self._sounds(session, self._speech.of(session)):
            archive.writestr(_entry(f"{_transcript(sound)}.txt"), _lines(sound)[0].encode("utf-8"))
            if not sound.inside:
                continue
            with archive.open(_entry(f"{_source(sound)}.{sound.of.form}"), "w", force_zip64=True) as inner:
                for path in paths_of(self._log, session[0].session_id, sound.of):
                    with path.open("rb") as file:
                        while piece := file.read(1 << 20):
                            inner.write(piece)

    def write_selections(self, xml: Elements, timeline: Timeline, people: PeopleInProject, user: str) -> int:
        """Each utterance of the tasks as a selection of the text, with what people gave it; how many there are."""
        counted = [line for line in timeline.spoken if not line.practice]
        for line in counted:
            with xml.element(
                "PlainTextSelection",
                guid=_utterance(line.utterance),
                name=f"utterance {line.number}",
                startPosition=line.start,
                endPosition=line.end,
                creatingUser=user,
            ):
                xml.leaf("Description", line.event_id)
                people.write_codings(xml, line.utterance)
        return len(counted)

    def write_recordings(self, xml: Elements, session: Sequence[Record], user: str, made: str) -> None:
        """Each recording of a session with its transcript, and keep for later what its utterances explain."""
        talk = self._speech.of(session)
        who = session[0].row["participant_pseudonym"]
        for number, sound in enumerate(self._sounds(session, talk), 1):
            with xml.element(
                "AudioSource",
                guid=_source(sound),
                name=f"{who} recording {number}",
                path=sound.path,
                creatingUser=user,
                creationDateTime=made,
            ):
                _write_transcript(xml, sound, f"{who} transcript {number}")
        for utterance, seq in talk.explains:
            selected = guid("selection", session[0].session_id, seq, seq)
            self._links.write(f"{guid('explains', utterance, seq)} {_utterance(utterance)} {selected}\n")

    def write_links(self, xml: Elements) -> None:
        """What explains what, from each utterance to its interventions."""
        if self._links.tell():
            self._links.seek(0)
            with xml.element("Links"):
                for line in self._links:
                    link, origin, target = line.split()
                    xml.leaf(
                        "Link", guid=link, name="explains", direction="OneWay", originGUID=origin, targetGUID=target
                    )

    def _sounds(self, session: Sequence[Record], talk: Talk) -> Iterator[_Sound]:
        name = session[0].session_id
        for one in talk.recordings:
            inside = self._inside and self._may_be_inside(name, talk, one)
            if one.missing:
                self._speech.leave_out(name, "pieces", f"{len(one.missing)} of recording {one.media} never came")
            if not inside and len(one.pieces) != 1:
                why = f"recording {one.media} is kept in {len(one.pieces)} pieces; --media inside puts them together"
                self._speech.leave_out(name, "recordings", why)
                continue
            spoken = tuple(
                each for each in talk.spoken if each.of.said.media == one.media and each.of.said.t0_ms is not None
            )
            path = f"relative://{self._log.media.name}/{name}/{one.media}/000000.{one.form}"
            sound = _Sound(one, path, inside, spoken)
            yield _Sound(one, f"internal://{_source(sound)}.{one.form}", True, spoken) if inside else sound

    def _may_be_inside(self, session_id: str, talk: Talk, one: Recording) -> bool:
        if not talk.quotable:
            self._speech.leave_out(session_id, "sound", "no consent to quote what is said in it")
            return False
        if sum(piece.bytes for piece in one.pieces) > LARGEST_INSIDE:
            self._speech.leave_out(session_id, "sound", f"recording {one.media} is larger than a project may hold")
            return False
        return True


def _write_transcript(xml: Elements, sound: _Sound, name: str) -> None:
    text, places = _lines(sound)
    if not text:
        return
    with xml.element(
        "Transcript", guid=_transcript(sound), name=name, plainTextPath=f"internal://{_transcript(sound)}.txt"
    ):
        ids = [each.of.id for each in sound.spoken]
        for utterance, sides in zip(ids, _points(sound, places), strict=True):
            for side, (position, stamp) in zip(("begin", "end"), sides, strict=True):
                xml.leaf("SyncPoint", guid=guid("sync", utterance, side), position=position, timeStamp=stamp)
        for each in sound.spoken:
            xml.leaf(
                "TranscriptSelection",
                guid=guid("spoken", each.of.id),
                name=f"utterance {each.of.number}",
                fromSyncPoint=guid("sync", each.of.id, "begin"),
                toSyncPoint=guid("sync", each.of.id, "end"),
            )


def _lines(sound: _Sound) -> tuple[str, list[tuple[int, int]]]:
    """The transcript's text, and where each utterance's line lies in it."""
    lines = [f"{each.who}: {each.words}\n" for each in sound.spoken]
    places: list[tuple[int, int]] = []
    place = 0
    for line in lines:
        places.append((place, place + len(line) - 1))
        place += len(line)
    return "".join(lines), places


def _points(sound: _Sound, places: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Position and ms of each utterance's beginning and end; where two speak at once, the first ends for the second."""
    begins = [round(each.of.said.t0_ms or 0) for each in sound.spoken]
    for each, (begin, following), (start, end) in zip(sound.spoken, pairwise([*begins, 2**62]), places, strict=True):
        lasts = round((each.of.end_ns - each.of.begin_ns) / 1e6)
        yield (start, begin), (end, max(begin, min(begin + lasts, following)))


def _source(sound: _Sound) -> str:
    return guid("audio", sound.of.media)


def _transcript(sound: _Sound) -> str:
    return guid("transcript", sound.of.media)


def _utterance(utterance: str) -> str:
    return guid("utterance", utterance)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(f"sources/{name}", date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_STORED  # sound is packed as it is
    return entry
