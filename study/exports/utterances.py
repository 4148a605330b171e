"""Utterances as rows: one for each, on the session's clock and on its transcript's, with what it explains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from study.exports.columns import Column, col
from study.exports.speech import Spoken, Talk
from study.happening import Cell
from study.records import Record

QUOTE = "quote it only where quotable is true"

UTTERANCES: tuple[Column, ...] = (
    col("session_id", "text", "log", "The session in which it was said."),
    col("participant_pseudonym", "text", "log", "The participant's name in the record.", empty="nobody's"),
    col("utterance_id", "text", "log", "The utterance's own id; the same for the same transcript."),
    col("number", "integer", "log", "Its place among the session's utterances, from 1, by the session's clock."),
    col("begin_s", "number", "log", "When it begins, since the session's first row; below 0 before that.", unit="s"),
    col("end_s", "number", "log", "When it ends; where the transcript says none, by the next or its length.", unit="s"),
    col("error_ms", "number", "log", "The most by which begin_s may be wrong.", unit="ms"),
    col("after_seq", "integer", "log", "The last row of events.csv before it; 0 before the first. Order by this."),
    col("task_id", "text", "script", "The task that was being worked on.", empty="none was"),
    col("speaker", "text", "log", "Who speaks: the participant by pseudonym, others by role or as speaker 1."),
    col("by_participant", "boolean", "log", "Whether it is the participant who speaks."),
    col("quotable", "boolean", "participant", "Whether the words may be quoted: the scope quote of the consent."),
    col("text", "text", "participant", f"The words as they read now, in one line; {QUOTE}."),
    col(
        "text_imported",
        "text",
        "participant",
        f"The words as the transcript has them; {QUOTE}.",
        empty="they were not corrected",
    ),
    col("corrections", "integer", "log", "How often it was corrected."),
    col("explains_seq", "text", "log", "Rows of events.csv that it explains, spaces between.", empty="none"),
    col("media_id", "text", "log", "The recording or transcript whose clock t0_ms and t1_ms are of."),
    col("t0_ms", "number", "log", "When it begins there.", unit="ms", empty="the transcript gives no time"),
    col("t1_ms", "number", "log", "When it ends there.", unit="ms", empty="the transcript gives no end"),
    col("source_sha256", "text", "log", "Digest of the transcript's file."),
)
_NAMES = tuple(one.column for one in UTTERANCES)


def utterance_rows(talks: Iterable[tuple[Sequence[Record], Talk]]) -> Iterator[Sequence[Cell]]:
    """A row for each utterance of some sessions, which are read one at a time."""
    for session, talk in talks:
        explains: dict[str, list[int]] = {}
        for utterance, seq in talk.explains:
            explains.setdefault(utterance, []).append(seq)
        for one in talk.spoken:
            cells = _cells(one, session[0], talk.quotable, explains.get(one.of.id, ()))
            yield [cells[name] for name in _NAMES]


def _cells(one: Spoken, first: Record, quotable: bool, explains: Iterable[int]) -> dict[str, Cell]:
    said, raw = one.of.said, one.of.imported
    return {
        "session_id": first.session_id,
        "participant_pseudonym": str(first.row["participant_pseudonym"] or "") or None,
        "utterance_id": one.of.id,
        "number": one.of.number,
        "begin_s": one.begin_s,
        "end_s": one.end_s,
        "error_ms": one.of.error_ms,
        "after_seq": one.of.after_seq,
        "task_id": one.of.task,
        "speaker": one.who,
        "by_participant": said.participant,
        "quotable": quotable or not said.participant,
        "text": one.of.text,
        "text_imported": raw.text if one.of.corrections else None,
        "corrections": one.of.corrections,
        "explains_seq": " ".join(map(str, explains)) or None,
        "media_id": said.media,
        "t0_ms": said.t0_ms,
        "t1_ms": said.t1_ms,
        "source_sha256": one.of.source_sha256,
    }
