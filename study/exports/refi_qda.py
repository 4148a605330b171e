"""REFI-QDA 1.5: a project (.qdpx) that qualitative coding tools open, and its codebook alone (.qdc).

Each session is a text, its participant a case, the rule coder a user of its own. Positions count code points and are
half-open. Ids are made of what they name, so that a second export of the same log is the same file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from study.exports.elements import Elements
from study.exports.people import People
from study.exports.refi_people import PeopleInProject
from study.exports.refi_speech import SpeechInProject
from study.exports.timeline import Timeline
from study.guids import guid
from study.instrument_events import InstrumentScored
from study.practice import practised
from study.records import Record
from study.session_events import SessionCompleted, SessionStarted
from study.steering_events import Intervention
from study.strategies import VERSION, Code, codes_of
from study.task_events import ResponseSubmitted
from study.units import units_in

PROJECT = "urn:QDA-XML:project:1.0"
QDE = "project.qde"
_RULES = "rules"

Sessions = Callable[[], Iterable[Sequence[Record]]]
Value = str | int | float


def write_project(sessions: Sessions, file: IO[bytes], *, name: str, people: People, speech: SpeechInProject) -> int:
    """Write a project over participants' sessions, read anew for each pass; return how many selections it has."""
    cases: list[_Case] = []
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for records in sessions():
            started = _started(records)
            if started is None:
                continue
            cases.append(_Case(records, started, speech))
            text = speech.timeline(records).text
            archive.writestr(_entry(f"sources/{guid('text', records[0].session_id)}.txt"), text.encode("utf-8"))
            speech.write_files(archive, records)
        with archive.open(_entry(QDE), "w", force_zip64=True) as inner:
            return _Project(inner, people, speech).write(name, cases, _participants(sessions()))


class _Project:
    def __init__(self, file: IO[bytes], people: People, speech: SpeechInProject) -> None:
        self._xml, self._people, self._speech = Elements(file), PeopleInProject(people), speech
        self._user = guid("user", _RULES)

    def write(self, name: str, cases: Sequence[_Case], sessions: Iterable[Sequence[Record]]) -> int:
        xml = self._xml
        made = max((case.made for case in cases), default=None)
        selections = 0
        with xml.document(
            "Project", PROJECT, name=name, origin="Tiller", creatingUserGUID=self._user, creationDateTime=made
        ):
            with xml.element("Users"):
                xml.leaf("User", guid=self._user, name=VERSION)
                self._people.write_users(xml)
            with xml.element("CodeBook"):
                self._people.write_codes(xml)
            if cases:
                self._known(cases)
                with xml.element("Sources"):
                    for records in sessions:
                        selections += self._source(records)
            self._people.write_notes(xml)
            self._speech.write_links(xml)
            xml.leaf("Description", "Made by Tiller from its log; each line of a text is one row, by its number.")
        return selections

    def _known(self, cases: Sequence[_Case]) -> None:
        xml = self._xml
        types = {key: _type(value) for case in cases for key, value in case.values.items()}
        with xml.element("Variables"):
            for key in sorted(types):
                xml.leaf("Variable", guid=guid("variable", key), name=key, typeOfVariable=types[key])
        with xml.element("Cases"):
            for case in cases:
                with xml.element("Case", guid=guid("case", case.session), name=case.name):
                    for key, value in sorted(case.values.items()):
                        with xml.element("VariableValue"):
                            xml.leaf("VariableRef", targetGUID=guid("variable", key))
                            xml.leaf(f"{types[key]}Value", _plain(value))
                    for source in (guid("text", case.session), *case.recordings):
                        xml.leaf("SourceRef", targetGUID=source)

    def _source(self, records: Sequence[Record]) -> int:
        session, made = records[0].session_id, _time(records[0])
        who = records[0].row["participant_pseudonym"]
        source = guid("text", session)
        timeline = self._speech.timeline(records)
        self._people.open(session)
        spans = _spans(timeline, codes_of(units_in(records)))
        with self._xml.element(
            "TextSource",
            guid=source,
            name=f"{who} timeline",
            plainTextPath=f"internal://{source}.txt",
            creatingUser=self._user,
            creationDateTime=made,
        ):
            for (first, last), codes in spans.items():
                self._selection(session, timeline, first, last, codes)
            spoken = self._speech.write_selections(self._xml, timeline, self._people, self._user)
        self._speech.write_recordings(self._xml, records, self._user, made)
        return len(spans) + spoken

    def _selection(self, session: str, timeline: Timeline, first: int, last: int, codes: Sequence[Code]) -> None:
        lines = {line.seq: line for line in timeline.lines}
        named = f"seq {first}" if first == last else f"seq {first} to {last}"
        place = (session, first, last)
        with self._xml.element(
            "PlainTextSelection",
            guid=guid("selection", *place),
            name=named,
            startPosition=lines[first].start,
            endPosition=lines[last].end,
            creatingUser=self._user,
        ):
            self._xml.leaf("Description", lines[first].event_id)
            for code in codes:
                with self._xml.element("Coding", guid=guid("coding", *place, code.name), creatingUser=self._user):
                    self._xml.leaf("CodeRef", targetGUID=guid("code", code.name))
            if first == last:
                self._people.write_codings(self._xml, lines[first].event_id)


class _Case:
    """One participant: what is known of them as values, and when their session began."""

    def __init__(self, records: Sequence[Record], started: SessionStarted, speech: SpeechInProject) -> None:
        self.recordings = speech.sources(records)
        self.session, self.name, self.made = records[0].session_id, started.participant, _time(records[0])
        self.values: dict[str, Value] = {"mode": started.mode, "study_version": started.study_version}
        left_out = practised(records)
        counted = [record.event for record in records if getattr(record.event, "task", None) not in left_out]
        self.values["interventions"] = sum(isinstance(event, Intervention) for event in counted)
        for event in counted:
            if isinstance(event, SessionCompleted):
                self.values["outcome"] = event.outcome
            if isinstance(event, InstrumentScored) and event.score is not None and math.isfinite(event.score):
                about = filter(None, (event.task, event.instrument, event.subscale))
                self.values[": ".join(about)] = float(event.score)
            if isinstance(event, ResponseSubmitted) and event.number is not None and math.isfinite(event.number):
                self.values[f"{event.task}: {event.item}"] = float(event.number)


def _participants(sessions: Iterable[Sequence[Record]]) -> Iterator[Sequence[Record]]:
    return (records for records in sessions if _started(records) is not None)


def _started(records: Sequence[Record]) -> SessionStarted | None:
    return next((record.event for record in records if isinstance(record.event, SessionStarted)), None)


def _spans(timeline: Timeline, codes: Iterable[Code]) -> Mapping[tuple[int, int], list[Code]]:
    """Codes by the lines they span; every line is a selection, so that people can code what the rules did not.

    Practice stays in the text, and nothing of it is coded.
    """
    spans: dict[tuple[int, int], list[Code]] = {
        (line.seq, line.seq): [] for line in timeline.lines if not line.practice
    }
    for code in codes:
        spans.setdefault((code.first, code.last), []).append(code)
    return dict(sorted(spans.items()))


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_DEFLATED
    return entry


def _time(record: Record) -> str:
    return record.at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _type(value: Value) -> str:
    return "Text" if isinstance(value, str) else "Integer" if isinstance(value, int) else "Float"


def _plain(value: Value) -> str:
    # the schema's decimal knows no exponent
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)
