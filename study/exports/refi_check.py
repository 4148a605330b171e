"""A REFI-QDA file read back: what it names is there, and every position is where its line is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

from study.exports.qdc import BOOK
from study.exports.refi_qda import PROJECT, QDE


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
        for event, element in ElementTree.iterparse(file, ("start", "end")):
            tag = element.tag.removeprefix(f"{{{PROJECT}}}")
            if event == "start" and tag == "TextSource":
                text = archive.read(f"sources/{element.attrib['plainTextPath'].removeprefix('internal://')}").decode()
            if event == "start":
                ids.update(filter(None, [element.get("guid")]))
                named.update(filter(None, [element.get("targetGUID"), element.get("creatingUser")]))
                continue
            if tag == "PlainTextSelection":
                selections += 1
                start, end = int(element.attrib["startPosition"]), int(element.attrib["endPosition"])
                first = element.attrib["name"].split()[1]
                if not text[start:end].startswith(f"[#{first}] ") or text[end : end + 1] != "\n":
                    raise ValueError(f"the selection {element.get('name')} is not where its lines are")
            if tag in ("PlainTextSelection", "TextSource"):
                element.clear()
    if twice := [one for one, count in ids.items() if count > 1]:
        raise ValueError(f"the id {twice[0]} is used twice")
    if strays := named - set(ids):
        raise ValueError(f"the id {min(strays)} names nothing")
    return selections


def check_codebook(path: Path) -> int:
    """Read a codebook back and return its codes that can be given."""
    codes = ElementTree.parse(path).iter(f"{{{BOOK}}}Code")
    return sum(code.get("isCodable") == "true" for code in codes)
