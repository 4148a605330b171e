"""What was said in a session, folded from its transcripts: as it reads now, when it was, and after which row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from study.anchors import anchors_in, error_ms, zero_ns
from study.clock import SessionClock
from study.media_events import MediaAnchored
from study.records import Record
from study.talk_events import Spoken, UtteranceCorrected, UtteranceImported
from study.task_events import TaskStarted, TaskSubmitted

_PER_CHARACTER_MS = 100  # nobody speaks slower for long; where a transcript gives no end, speech ends by then
_SHORTEST_MS = 1000
_ROLES = frozenset({"assistant", "experimenter", "facilitator", "interviewer", "moderator", "observer", "researcher"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One stretch of speech on the session's clock, in ns since its first row; before that, below 0."""

    id: str
    event_id: str  # the event that brought it, whatever was corrected since
    number: int  # its place among the session's utterances, from 1
    source_sha256: str
    said: Spoken  # as it reads now
    imported: UtteranceImported  # as its transcript has it
    corrections: int
    begin_ns: int
    end_ns: int
    error_ms: float  # the most by which begin_ns may be wrong
    after_seq: int  # the session's last row before it begins; 0 before the first
    task: str | None

    @property
    def text(self) -> str:
        """Its words, in one line."""
        return " ".join(self.said.text.split())


@dataclass(frozen=True, slots=True)
class _Held:
    event_id: str
    imported: UtteranceImported
    said: Spoken
    corrections: int = 0


@dataclass(frozen=True, slots=True)
class _Placed:
    held: _Held
    begin: int
    end: int
    error: float


def speech_in(session: Sequence[Record], transcripts: Iterable[Record]) -> tuple[Utterance, ...]:
    """The utterances of a session in the order of its clock, corrections applied; struck out or erased ones are none.

    Args:
        session: the session's rows.
        transcripts: the rows of its stream `transcript:SESSION`.
    """
    rows = list(transcripts)
    if not session or not rows:
        return ()
    clock = SessionClock(session)
    anchors = anchors_in(rows)
    placed: list[_Placed] = []
    for media, held in groupby(_held(rows), key=lambda one: (one.imported.source_sha256, one.imported.media)):
        _, anchor = anchors.get(media[1], ("", None))
        placed += _placed(list(held), anchor, clock)
    placed = [one for one in placed if one.held.said.text.strip()]
    placed.sort(key=lambda one: (one.begin, one.held.imported.number))
    tasks = _tasks(session)
    return tuple(
        Utterance(
            id=one.held.imported.utterance,
            event_id=one.held.event_id,
            number=number,
            source_sha256=one.held.imported.source_sha256,
            said=one.held.said,
            imported=one.held.imported,
            corrections=one.held.corrections,
            begin_ns=one.begin,
            end_ns=one.end,
            error_ms=one.error,
            after_seq=(after := clock.row_before(one.begin)),
            task=tasks[after],
        )
        for number, one in enumerate(placed, 1)
    )


def names_in(session: Sequence[Record], speech: Sequence[Utterance]) -> dict[str, str]:
    """What whoever says an utterance is called, by its id: one naming for pages and exports.

    The participant by pseudonym; others by the role that their transcript gives for a name, or else as `speaker 1`,
    `speaker 2`, for names are nobody's to hand on.
    """
    who = str(session[0].row["participant_pseudonym"] or "participant") if session else ""
    others = {one.id: one.said.speaker.strip() for one in speech if not one.said.participant}
    unnamed = dict.fromkeys(name for name in others.values() if name.casefold() not in _ROLES)
    called = {name: f"speaker {number}" for number, name in enumerate(unnamed, 1)}
    names = {one: called.get(name, name.casefold()) for one, name in others.items()}
    return {one.id: names.get(one.id, who) for one in speech}


def _held(rows: Iterable[Record]) -> Iterator[_Held]:
    """Each utterance with what it says now, in the order of its import."""
    found: dict[str, _Held] = {}
    for record in rows:
        match record.event:
            case UtteranceImported() as event:
                found[event.utterance] = _Held(record.event_id, event, event)
            case UtteranceCorrected() as event if event.utterance in found:
                one = found[event.utterance]
                found[event.utterance] = replace(one, said=event, corrections=one.corrections + 1)
            case _:
                pass
    return iter(found.values())


def _placed(held: Sequence[_Held], anchor: MediaAnchored | None, clock: SessionClock) -> list[_Placed]:
    """One transcript's utterances in its order; those without a time lie evenly between the known ones."""
    first = 0 if anchor is None else zero_ns(anchor, clock)
    timed = [None if anchor is None or one.said.t0_ms is None else _timed(one, anchor, first) for one in held]
    starts = [one.begin for one in timed if one is not None]
    slack = 0.0 if anchor is None else anchor.error_ms
    found: list[_Placed] = []
    below, above, waiting = first, max(first, clock.end_ns), list[_Held]()
    for one, known in [*zip(held, timed, strict=True), (None, None)]:
        if one is not None and known is None:
            waiting.append(one)
            continue
        found += _spread(waiting, below, max(below, above if known is None else known.begin), slack)
        waiting = []
        if known is not None:
            found.append(known)
            below = known.end
    following = dict(pairwise(sorted(set(starts))))
    return [_ended(one, following.get(one.begin)) for one in found]


def _timed(one: _Held, anchor: MediaAnchored, zero: int) -> _Placed:
    said = one.said
    t0 = said.t0_ms or 0.0
    t1 = t0 if said.t1_ms is None else said.t1_ms
    error = error_ms(anchor, t0) + one.imported.resolution_ms
    return _Placed(one, zero + round(t0 * 1e6), zero + round(t1 * 1e6), error)


def _spread(waiting: Sequence[_Held], below: int, above: int, slack: float) -> list[_Placed]:
    step = (above - below) // (len(waiting) + 1)
    places = [below + step * number for number in range(1, len(waiting) + 1)]
    return [
        _Placed(one, place, place + step, slack + max(place - below, above - place) / 1e6)
        for one, place in zip(waiting, places, strict=True)
    ]


def _ended(one: _Placed, following: int | None) -> _Placed:
    """An end for speech whose transcript gives none: the next beginning, or as long as its words take at most."""
    said = one.held.said
    if said.t0_ms is None or said.t1_ms is not None:
        return replace(one, end=max(one.end, one.begin + 1_000_000))
    longest = one.begin + max(_SHORTEST_MS, _PER_CHARACTER_MS * len(said.text)) * 1_000_000
    return replace(one, end=longest if following is None else min(longest, following))


def _tasks(session: Sequence[Record]) -> list[str | None]:
    """The task that is being worked on after each row, and before the first."""
    tasks: list[str | None] = [None]
    for record in session:
        match record.event:
            case TaskStarted() as event:
                tasks.append(event.task)
            case TaskSubmitted():
                tasks.append(None)
            case _:
                tasks.append(tasks[-1])
    return tasks
