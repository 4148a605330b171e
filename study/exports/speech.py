"""What was said in the sessions of one export, as it may be handed on: by pseudonym, and in words only by consent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from study.consent import given, refused
from study.explains import explained
from study.exports.timeline import WITHHELD
from study.log import EventLog
from study.media_erasure import media_erased
from study.queries import recorded
from study.recordings import Recording, recordings_in
from study.records import Record
from study.speech import Utterance, names_in, speech_in
from study.streams import stream_about


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance as others may read it; seconds count from the session's first row."""

    of: Utterance
    who: str  # as `names_in` says
    words: str
    withheld: bool

    @property
    def begin_s(self) -> float:
        """When it begins; before the session's first row, below 0."""
        return self.of.begin_ns / 1e9

    @property
    def end_s(self) -> float:
        """When it ends."""
        return self.of.end_ns / 1e9

    @property
    def span_ms(self) -> tuple[int, int]:
        """Begin and end in whole milliseconds; the end is after the beginning."""
        begin = round(self.of.begin_ns / 1e6)
        return begin, max(round(self.of.end_ns / 1e6), begin + 1)


@dataclass(frozen=True, slots=True)
class Talk:
    """What was said in one session, what it explains, and the recordings of it that may be handed on."""

    spoken: tuple[Spoken, ...] = ()
    explains: tuple[tuple[str, int], ...] = ()  # an utterance's id, an intervention's seq
    recordings: tuple[Recording, ...] = ()
    quotable: bool = False


class Speech:
    """The speech of an export's sessions, each as far as its transcripts had come when they were first read."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._there: frozenset[str] | None = None
        self._lengths: dict[str, tuple[int, str]] = {}
        self._left_out: dict[str, dict[str, str]] = {}
        self._words_held = False

    def spoken_in(self, session_id: str) -> bool:
        """Whether anything was said or recorded in a session."""
        if self._there is None:
            self._there = frozenset(self._log.streams())
        return stream_about("transcript", session_id) in self._there

    def of(self, session: Sequence[Record]) -> Talk:
        """What was said in a session, in words where its consent to quote them stands."""
        if not session or not self.spoken_in(session[0].session_id):
            return Talk()
        rows = list(self._rows(session[0].session_id))
        speech = speech_in(session, rows)
        quotable, audible = given(session, "quote"), not refused(session, "audio")
        names = names_in(session, speech)
        spoken = tuple(
            Spoken(one, names[one.id], _words(one, quotable), one.said.participant and not quotable) for one in speech
        )
        kept = audible and not media_erased(self._log, session[0].session_id)
        recordings = tuple(one for one in recordings_in(rows) if one.kind == "audio") if kept else ()
        if any(one.withheld for one in spoken):
            self.leave_out(session[0].session_id, "words", "no consent to quote them")
        if not audible:
            self.leave_out(session[0].session_id, "recordings", "no consent to the recording of the voice")
        return Talk(spoken, explained(session, speech), recordings, quotable)

    def from_start(self, session: Sequence[Record]) -> tuple[Spoken, ...]:
        """What was said from the session's first row on, for formats whose time begins there."""
        spoken = self.of(session).spoken
        since = tuple(one for one in spoken if one.of.begin_ns >= 0)
        if len(since) < len(spoken):
            self.leave_out(session[0].session_id, "speech", "said before the session's first row, where time begins")
        return since

    def leave_out(self, session_id: str, what: str, why: str) -> None:
        """Note for the manifest what of a session is not in the export."""
        self._left_out.setdefault(session_id, {})[what] = why

    def hold_words(self) -> None:
        """Say that this export's tables hold all words, with the consent beside them: none of them are left out."""
        self._words_held = True

    def about(self) -> dict[str, object]:
        """Rows and heads of the transcripts that were read, and what was left out of them, for the manifest."""
        streams = {key: {"rows": rows, "head": head} for key, (rows, head) in self._lengths.items()}
        passed_over = {"words"} if self._words_held else set[str]()
        left_out = {
            session: kept
            for session, found in self._left_out.items()
            if (kept := {what: why for what, why in found.items() if what not in passed_over})
        }
        return {"transcripts": streams, "left_out": left_out} if streams else {}

    def _rows(self, session_id: str) -> Iterator[Record]:
        stream = stream_about("transcript", session_id)
        if stream not in self._lengths:
            head = self._log.read(stream)[-1]
            self._lengths[stream] = head.seq, str(head.row["hash"])
        return map(recorded, islice(self._log.stored(stream), self._lengths[stream][0]))


def _words(one: Utterance, quotable: bool) -> str:
    return WITHHELD if one.said.participant and not quotable else one.text
