"""Rows of the streams about an export's sessions as JSON lines: chains to check, talk by pseudonym, codes by coder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from study.events import readable
from study.exports.jsonl import line_of
from study.exports.passage import Passage
from study.exports.speech import Talk
from study.queries import recorded
from study.records import Stored
from study.streams import session_in
from study.talk_events import Spoken


def lines_beside(passage: Passage) -> Iterator[Mapping[str, Any]]:
    """One line for each row of `passage.beside`.

    The payload of a transcript's row has names in it, which are nobody's to hand on: it comes for reading only, with
    the names that all exports give, and without the text that its digest is of.
    """
    passage.speech.hold_words()
    for stream, (rows, _) in passage.beside.items():
        talk = _talk(passage, stream) if stream.startswith("transcript:") else None
        for one in islice(passage.log.stored(stream), rows):
            yield line_of(one) if talk is None else _by_pseudonym(one, talk)


def _talk(passage: Passage, stream: str) -> Talk:
    session = session_in(stream)
    held = list(map(recorded, islice(passage.log.stored(session), passage.lengths[session])))
    return passage.speech.of(held)


def _by_pseudonym(one: Stored, talk: Talk) -> dict[str, Any]:
    line = line_of(Stored(one.row, None, None)) | {"payload_erased": one.payload is None}
    event = recorded(one).event
    if event is None:
        return line
    told = readable(event)
    if isinstance(event, Spoken):
        names = {each.of.id: each.who for each in talk.spoken}
        # what was struck out is no utterance any more, and nobody is named for it
        told["speaker"] = names.get(event.utterance, "")
        told["quotable"] = talk.quotable or not event.participant
    return line | {"payload": told}
