"""Sessions on a clock for tools that play or plot them: BIDS-style events.tsv, WebVTT, ELAN."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

from study.exports.marks import Mark
from study.exports.speech import Spoken

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
ElementTree.register_namespace("xsi", _XSI)
EVENTS_SIDECAR = {
    "onset": {"Description": "Seconds since the session's first row.", "Units": "s"},
    "duration": {"Description": "Seconds until the next line, or 0.001.", "Units": "s"},
    "trial_type": {"Description": "The kind of event; what each means is in the data dictionary of the CSV export."},
    "task": {"Description": "The task, by its key in the script; n/a outside of tasks."},
    "seq": {"Description": "The row's number in the session's log."},
    "strategy": {"Description": "Strategy codes of this row alone, given by rules/1.0.0; n/a where there are none."},
    "words": {"Description": "What was done or said, in one line."},
    "practice": {"Description": "yes in rows of a tutorial's task, which no analysis counts; n/a for what was said."},
    "speaker": {"Description": "Who speaks, in rows of the type utterance; n/a for what was done."},
    "onset_error": {"Description": "The most by which onset may be wrong; 0 for rows of the log.", "Units": "s"},
}


def write_events_tsv(marks: Sequence[Mark], file: TextIO, spoken: Sequence[Spoken] = ()) -> int:
    """One row a mark or an utterance, tab-separated, sorted by onset; a missing value is n/a."""
    writer = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
    writer.writerow(EVENTS_SIDECAR)
    rows = [
        (
            *(mark.onset_s, mark.end_s, mark.name, mark.task, str(mark.seq), " ".join(mark.codes), mark.words),
            *("yes" if mark.practice else "no", "", 0.0),
        )
        for mark in marks
    ]
    rows += [
        (one.begin_s, one.end_s, "utterance", one.of.task or "", "", "", one.words, "", one.who, one.of.error_ms / 1000)
        for one in spoken
    ]
    for onset, end, *cells, error in sorted(rows, key=lambda row: row[0]):
        times = (f"{onset:.6f}", f"{end - onset:.6f}")
        writer.writerow([*times, *(_one_line(str(cell)) or "n/a" for cell in cells), f"{error:.6f}"])
    return len(rows)


def write_vtt(marks: Sequence[Mark], file: TextIO) -> int:
    """A WebVTT metadata track: one cue a mark, its payload one line of JSON."""
    file.write("WEBVTT\n")
    for mark in marks:
        payload = {"seq": mark.seq, "name": mark.name, "task": mark.task, "words": mark.words, "codes": mark.codes}
        payload |= {"practice": mark.practice}
        text = json.dumps(payload, ensure_ascii=False).replace("-->", "--\\u003e")
        begin, end = map(_clock, mark.span_ms)
        file.write(f"\n{mark.seq}\n{begin} --> {end}\n{text}\n")
    return len(marks)


def write_eaf(marks: Sequence[Mark], file: TextIO, *, author: str, date: str, spoken: Sequence[Spoken] = ()) -> int:
    """An ELAN file of two tiers, what was done and the strategy codes, and one more for each who speaks."""
    root = ElementTree.Element("ANNOTATION_DOCUMENT", AUTHOR=author, DATE=date, FORMAT="3.0", VERSION="3.0")
    root.set(f"{{{_XSI}}}noNamespaceSchemaLocation", "http://www.mpi.nl/tools/elan/EAFv3.0.xsd")
    ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    order = ElementTree.SubElement(root, "TIME_ORDER")
    tiers = {
        "record": [(mark.span_ms, mark.words) for mark in marks],
        "strategy": [(mark.span_ms, " ".join(mark.codes)) for mark in marks if mark.codes],
        **_voices(spoken),
    }
    slots: dict[tuple[int, int], tuple[str, str]] = {}
    for span in dict.fromkeys(span for held in tiers.values() for span, _ in held):
        slots[span] = names = (f"ts{2 * len(slots) + 1}", f"ts{2 * len(slots) + 2}")
        for name, value in zip(names, span, strict=True):
            ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=name, TIME_VALUE=str(value))
    number = 0
    for tier, held in tiers.items():
        lane = ElementTree.SubElement(root, "TIER", TIER_ID=tier, LINGUISTIC_TYPE_REF="line")
        for span, words in held:
            number += 1
            begin, end = slots[span]
            place = ElementTree.SubElement(lane, "ANNOTATION")
            place = ElementTree.SubElement(
                place, "ALIGNABLE_ANNOTATION", ANNOTATION_ID=f"a{number}", TIME_SLOT_REF1=begin, TIME_SLOT_REF2=end
            )
            ElementTree.SubElement(place, "ANNOTATION_VALUE").text = _for_xml(words)
    ElementTree.SubElement(
        root, "LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID="line", TIME_ALIGNABLE="true", GRAPHIC_REFERENCES="false"
    )
    ElementTree.indent(root)
    file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    file.write(ElementTree.tostring(root, encoding="unicode") + "\n")
    return number


def _voices(spoken: Sequence[Spoken]) -> dict[str, list[tuple[tuple[int, int], str]]]:
    """A tier for each who speaks; ELAN knows no time below 0, and no two annotations of a tier that overlap."""
    tiers: dict[str, list[tuple[tuple[int, int], str]]] = {}
    for one in spoken:
        held = tiers.setdefault(f"speech {one.who}", [])
        begin, end = one.span_ms
        if held and held[-1][0][1] > begin:
            (earlier, _), words = held[-1]
            begin = max(begin, earlier + 1)
            held[-1] = ((earlier, begin), words)
        held.append(((begin, max(end, begin + 1)), one.words))
    return tiers


def check_events_tsv(path: Path) -> int:
    """Read the table back: numbers in order, every cell filled; its rows.

    Raises:
        ValueError: a row is not so.
    """
    last, rows = -math.inf, 0
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if next(reader) != list(EVENTS_SIDECAR):
            raise ValueError("its columns are not those of the sidecar")
        for row in reader:
            rows += 1
            if len(row) != len(EVENTS_SIDECAR) or not all(row) or float(row[0]) < last or float(row[1]) <= 0:
                raise ValueError(f"row {rows} is out of order or has a hole")
            last = float(row[0])
    return rows


def check_vtt(path: Path) -> int:
    """Read the track back: every cue ends after it begins and holds JSON; its cues.

    Raises:
        ValueError: a cue is not so.
    """
    head, *cues = path.read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    if head != "WEBVTT" and cues:
        raise ValueError("it does not begin as WebVTT does")
    for cue in cues:
        _, times, text = cue.split("\n")
        begin, _, end = times.split(" ")
        if not begin < end:
            raise ValueError(f"the cue at {begin} has no length")
        json.loads(text)
    return len(cues)


def check_eaf(path: Path) -> int:
    """Read the file back: every annotation lies between two slots that are there; its annotations.

    Raises:
        ValueError: an annotation is not so.
    """
    root = ElementTree.parse(path).getroot()
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE", "0")) for slot in root.iter("TIME_SLOT")}
    found = list(root.iter("ALIGNABLE_ANNOTATION"))
    for one in found:
        begin, end = (slots.get(one.get(f"TIME_SLOT_REF{side}")) for side in (1, 2))
        if begin is None or end is None or not 0 <= begin < end:
            raise ValueError(f"the annotation {one.get('ANNOTATION_ID')} has no place in time")
    return len(found)


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _for_xml(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold, each a U+FFFD instead."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
