"""A REFI-QDA file read back: what it names is there, and every position is where its line is."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

from study.exports.qdc import BOOK
from study.exports.refi_qda import PROJECT, QDE

_NAMES = ("targetGUID", "originGUID", "creatingUser", "fromSyncPoint", "toSyncPoint")  # attributes that name an id


def check_project(path: Path) -> int:
    """Read a project back and return its selections.

    Ids within a text are compared with each other and with all ids outside of texts, so that memory holds one text's;
    the same id in two texts would be of one session in both, whose own id would be there twice.

    Raises:
        ValueError: an id is used twice or names nothing, a text is missing, or a position is not where its line is.
    """
    ids: set[str] = set()  # outside of texts
    inside: set[str] = set()  # of the present text
    named: set[str] = set()
    reading = False
    selections, text = 0, ""
    with ZipFile(path) as archive, archive.open(QDE) as file:
        if bad := archive.testzip():
            raise ValueError(f"{bad} is damaged")
        packed = set(archive.namelist())
        for event, element in ElementTree.iterparse(file, ("start", "end")):
            tag = element.tag.removeprefix(f"{{{PROJECT}}}")
            if event == "start":
                guid = element.get("guid")
                if guid in ids or guid in inside:
                    raise ValueError(f"the id {guid} is used twice")
                if guid:
                    (inside if reading else ids).add(guid)
                named.update(filter(None, map(element.get, _NAMES)))
                stray = element.get("path", "").removeprefix("internal://")
                if element.get("path", "").startswith("internal://") and f"sources/{stray}" not in packed:
                    raise ValueError(f"{stray} is not in the project")
                if tag == "TextSource":
                    reading = True
                    inside.clear()
                    inner = element.attrib["plainTextPath"].removeprefix("internal://")
                    text = archive.read(f"sources/{inner}").decode()
                continue
            reading = reading and tag != "TextSource"
            if tag == "PlainTextSelection":
                selections += 1
                start, end = int(element.attrib["startPosition"]), int(element.attrib["endPosition"])
                kind, first = element.attrib["name"].split()[:2]
                begins = text[start:end].startswith(f"[#{first}] ") if kind == "seq" else _is_a_line(text, start, end)
                if not begins or text[end : end + 1] != "\n":
                    raise ValueError(f"the selection {element.get('name')} is not where its lines are")
            if tag in ("PlainTextSelection", "TextSource"):
                element.clear()
    if (left := named - ids) and (strays := left - _met(path, left)):
        raise ValueError(f"the id {min(strays)} names nothing")
    return selections


def _is_a_line(text: str, start: int, end: int) -> bool:
    """Whether a selection is one whole line, as an utterance's is."""
    return "\n" not in text[start:end] and text[max(start - 1, 0) : start] in ("", "\n")


def _met(path: Path, wanted: set[str]) -> set[str]:
    """Those of `wanted` that are ids within texts, which links name."""
    with ZipFile(path) as archive, archive.open(QDE) as file:
        met: set[str] = set()
        for _, element in ElementTree.iterparse(file):
            met.update({element.get("guid", "")} & wanted)
            element.clear()
        return met


def check_codebook(path: Path) -> int:
    """Read a codebook back and return its codes that can be given."""
    codes = ElementTree.parse(path).iter(f"{{{BOOK}}}Code")
    return sum(code.get("isCodable") == "true" for code in codes)
