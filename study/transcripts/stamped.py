"""Reads plain text as transcribers write it: lines with a time, a name or both before the words.

Forms: `[00:01:02] Name: words`, `00:01:02 Name: words`, `Name  0:03` above the words, MAXQDA's `#00:01:02-3#` and
ATLAS.ti's `#00:01:02.3#` before or after the words, NVivo's rows of time span, speaker and content between tabs, and
`Name: words` without a time. A file is read in the one form that most of its lines have.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from study.transcripts.cues import TIME, Cue, TranscriptRefused, ms_of, name_before, resolution_of

_SPAN = rf"({TIME})(?:\s*(?:-|–|—|to|-->)\s*({TIME}))?"
_BRACKETS = re.compile(rf"\s*[\[(]\s*{_SPAN}\s*[\])]\s*[-–:]?\s*")
_BARE = re.compile(rf"\s*{_SPAN}(?:\s+[-–]\s+|\s+|:\s+|$)")
_HASH = re.compile(rf"#({TIME})#")
_HEADED = re.compile(rf"\s*(?P<name>[^\W_][^:\t]{{0,62}}?)(?:\s+|\t)({TIME})\s*$")
_ROW = re.compile(rf"\s*{_SPAN}\s*\t")
_LEADING = {"brackets": _BRACKETS, "bare": _BARE, "hash": re.compile(rf"\s*#({TIME})()#\s*")}
_HEADINGS = {"timespan": "time", "time": "time", "timestamp": "time", "speaker": "who", "name": "who"}
_CONTENT = {"content": "words", "text": "words", "transcript": "words"}

_FORMS: dict[str, Callable[[str], object]] = {
    "hash": _HASH.search,
    "row": _ROW.match,
    "brackets": _BRACKETS.match,
    "bare": _BARE.match,
    "headed": _HEADED.match,
}


def read_stamped(lines: Sequence[str]) -> tuple[list[Cue], int]:
    """The utterances of a plain text and the resolution of its times in ms."""
    form = _form_of(lines)
    reader = _Reader(form, lines)
    if form == "row":
        reader.rows()
    else:
        reader.lines()
    return reader.cues, resolution_of(reader.times)


def _form_of(lines: Sequence[str]) -> str:
    """How most lines write their time; "" where none is meant as one."""
    met = Counter(form for line in lines for form in _FORMS if _FORMS[form](line))
    written = sum(bool(line.strip()) for line in lines)
    named = sum(bool(name_before(line.strip())[0]) for line in lines)
    for form in ("bare", "headed"):  # people also speak of half past ten: 10:30
        if met[form] < max(written / 4, named):
            del met[form]
    return max(_FORMS, key=lambda one: met[one]) if met else ""


@dataclass(slots=True)
class _Open:
    """An utterance whose end has not been met."""

    t0: int | None
    t1: int | None = None
    speaker: str = ""
    words: list[str] = field(default_factory=lambda: [])


class _Reader:
    """Goes through a text line by line; `mark` is the last time that stood after words."""

    def __init__(self, form: str, lines: Sequence[str]) -> None:
        self.cues: list[Cue] = []
        self.times: list[str] = []
        self._form, self._lines = form, lines
        self._open: _Open | None = None
        self._mark: int | None = None
        self._names = self._known_names()

    def lines(self) -> None:
        for number, line in enumerate(self._lines, 1):
            try:
                self._line(line)
            except TranscriptRefused as error:
                raise TranscriptRefused(f"Line {number} of the transcript: {error}") from error
        self._close()

    def rows(self) -> None:
        """Rows between tabs; a first row of headings says their order."""
        order = ("time", "who", "words")
        for number, line in enumerate(filter(str.strip, self._lines), 1):
            cells = [cell.strip() for cell in line.split("\t")]
            named = [(_HEADINGS | _CONTENT).get(cell.lower()) for cell in cells]
            if number == 1 and set(named) >= {"time", "words"}:
                order = tuple(name or "" for name in named)
                continue
            if not _ROW.match(line):
                self._open = self._open or _Open(None)
                self._open.words.append(" ".join(cells))
                continue
            names = order if len(cells) >= len(order) else ("time", "words")
            last = len(names) - 1
            held = dict(zip(names, [*cells[:last], " ".join(cells[last:])], strict=True))
            who, words = (held["who"], held["words"]) if held.get("who") else name_before(held["words"])
            self._close()
            self._open = _Open(*self._read(re.fullmatch(_SPAN, held["time"])), who, [words])
        self._close()

    def _line(self, line: str) -> None:
        if not line.strip():
            return
        stamp = self._leading(line)
        if stamp is not None:
            t0, t1, rest, name = stamp
            self._close()
            who, rest = (name, rest) if name else name_before(rest)
            self._open = _Open(t0, t1, who)
        else:
            who, rest = name_before(line.strip())
            if who in self._names:
                self._close()
                self._open = _Open(self._mark, speaker=who)
            else:
                rest = line
                if not self._form and not self._names:
                    self._close()  # with nothing else to go by, a line is an utterance
        for words, time in _split(rest) if self._form == "hash" else ((rest, None),):
            self._say(words, time)

    def _say(self, words: str, time: str | None) -> None:
        """Words, and the time that stands after them."""
        now = self._open = self._open or _Open(self._mark)
        if words.strip():
            now.words.append(words.strip())
        if time is None:
            return
        at = ms_of(self._noted(time))
        if now.words:
            # the first words of a file whose times stand after them begin with the recording
            now.t0, now.t1 = (self._mark or 0) if now.t0 is None else now.t0, at
            self._close()
        self._mark, self._open = at, _Open(at, speaker=now.speaker)

    def _leading(self, line: str) -> tuple[int | None, int | None, str, str] | None:
        """The times before a line's words, the words and, where it stands before the time, the name."""
        if self._form == "headed" and (met := _HEADED.match(line)):
            return ms_of(self._noted(met[2])), None, "", met["name"].strip()
        met = _LEADING[self._form].match(line) if self._form in _LEADING else None
        return None if met is None else (*self._read(met), line[met.end() :], "")

    def _read(self, span: re.Match[str] | None) -> tuple[int | None, int | None]:
        if span is None:
            return None, None
        begin, end = span.groups()
        return ms_of(self._noted(begin)), ms_of(self._noted(end)) if end else None

    def _noted(self, time: str) -> str:
        self.times.append(time)
        return time

    def _close(self) -> None:
        if self._open is not None and any(self._open.words):
            words = "\n".join(" ".join(line.split()) for line in self._open.words)
            self.cues.append(Cue(self._open.t0, self._open.t1, self._open.speaker, words))
        self._open = None

    def _known_names(self) -> frozenset[str]:
        """Names that stand after a time or begin two lines; any, where names are not held to stand after a time."""
        shape = _LEADING.get(self._form)
        after = (name_before(line[met.end() :])[0] for line in self._lines if shape and (met := shape.match(line)))
        begin = Counter(name_before(line.strip())[0] for line in self._lines)
        least = 1 if self._form in ("", "hash") else 2
        return frozenset({*after, *(name for name, lines in begin.items() if lines >= least)} - {""})


def _split(text: str) -> Iterator[tuple[str, str | None]]:
    """Words, each with the time that stands after them; the last may have none."""
    *pairs, last = _HASH.split(text)
    yield from zip(pairs[::2], pairs[1::2], strict=True)
    if last.strip():
        yield last, None
