"""A REFI-QDA file read back: what it names is there, and every position is where its line is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

from study.exports.qdc import BOOK
from study.exports.refi_qda import PROJECT, QDE

_NAMES = ("targetGUID", "originGUID", "creatingUser", "fromSyncPoint", "toSyncPoint")  # attributes that name an id


def check_project(path: Path) -> int:
    """Read a project back and return its selections.

    Raises:
        ValueError: an id is used twice or names nothing, a text is missing, or a position is not where its line is.
    """
    ids: Counter[str] = Counter()
    named: set[str] = set()
    selections, text = 0, ""
    with ZipFile(path) as archive, archive.open(QDE) as file:
        if bad := archive.testzip():
            raise ValueError(f"{bad} is damaged")
        inside = set(archive.namelist())
        for event, element in ElementTree.iterparse(file, ("start", "end")):
            tag = element.tag.removeprefix(f"{{{PROJECT}}}")
            if event == "start" and tag == "TextSource":
                text = archive.read(f"sources/{element.attrib['plainTextPath'].removeprefix('internal://')}").decode()
            if event == "start":
                ids.update(filter(None, [element.get("guid")]))
                named.update(filter(None, map(element.get, _NAMES)))
                stray = element.get("path", "").removeprefix("internal://")
                if element.get("path", "").startswith("internal://") and f"sources/{stray}" not in inside:
                    raise ValueError(f"{stray} is not in the project")
                continue
            if tag == "PlainTextSelection":
                selections += 1
                start, end = int(element.attrib["startPosition"]), int(element.attrib["endPosition"])
                kind, first = element.attrib["name"].split()[:2]
                begins = text[start:end].startswith(f"[#{first}] ") if kind == "seq" else _is_a_line(text, start, end)
                if not begins or text[end : end + 1] != "\n":
                    raise ValueError(f"the selection {element.get('name')} is not where its lines are")
            if tag in ("PlainTextSelection", "TextSource"):
                element.clear()
    if twice := [one for one, count in ids.items() if count > 1]:
        raise ValueError(f"the id {twice[0]} is used twice")
    if strays := named - set(ids):
        raise ValueError(f"the id {min(strays)} names nothing")
    return selections


def _is_a_line(text: str, start: int, end: int) -> bool:
    """Whether a selection is one whole line, as an utterance's is."""
    return "\n" not in text[start:end] and text[max(start - 1, 0) : start] in ("", "\n")


def check_codebook(path: Path) -> int:
    """Read a codebook back and return its codes that can be given."""
    codes = ElementTree.parse(path).iter(f"{{{BOOK}}}Code")
    return sum(code.get("isCodable") == "true" for code in codes)
