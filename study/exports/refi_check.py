"""A REFI-QDA file read back: what it names is there, and every position is where its line is."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

from study.exports.qdc import BOOK
from study.exports.refi_qda import PROJECT, QDE

_NAMES = ("targetGUID", "originGUID", "creatingUser", "fromSyncPoint", "toSyncPoint")  # attributes that name an id


def check_project(path: Path) -> int:
    """Read a project back and return its selections; memory holds the ids of one source at a time.

    Raises:
        ValueError: an id is used twice or names nothing, a text is missing, or a position is not where its line is.
    """
    ids = _Ids()
    selections, text = 0, ""
    with ZipFile(path) as archive, archive.open(QDE) as file:
        if bad := archive.testzip():
            raise ValueError(f"{bad} is damaged")
        there = set(archive.namelist())
        for event, element in ElementTree.iterparse(file, ("start", "end")):
            tag = element.tag.removeprefix(f"{{{PROJECT}}}")
            if event == "start":
                ids.meet(element, source=tag.endswith("Source"))
                if tag == "TextSource":
                    inner = element.attrib["plainTextPath"].removeprefix("internal://")
                    text = archive.read(f"sources/{inner}").decode()
                stray = element.get("path", "").removeprefix("internal://")
                if element.get("path", "").startswith("internal://") and f"sources/{stray}" not in there:
                    raise ValueError(f"{stray} is not in the project")
                continue
            if tag.endswith("Source"):
                ids.leave()
            if tag == "PlainTextSelection":
                selections += 1
                start, end = int(element.attrib["startPosition"]), int(element.attrib["endPosition"])
                kind, first = element.attrib["name"].split()[:2]
                begins = text[start:end].startswith(f"[#{first}] ") if kind == "seq" else _is_a_line(text, start, end)
                if not begins or text[end : end + 1] != "\n":
                    raise ValueError(f"the selection {element.get('name')} is not where its lines are")
            if tag == "PlainTextSelection" or tag.endswith("Source"):
                element.clear()
    if (left := ids.left) and (strays := left - _met(path, left)):
        raise ValueError(f"the id {min(strays)} names nothing")
    return selections


class _Ids:
    """Ids that are there, and names that are to be among them.

    Ids within a source are compared with each other and with all outside of sources: the same in two sources would be
    of one session in both, whose own id would be there twice.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._inside: set[str] = set()
        self._named: set[str] = set()
        self._named_inside: set[str] = set()
        self._reading = False

    def meet(self, element: ElementTree.Element, *, source: bool) -> None:
        """Take in what an element is called and names; a source's own id is not within it."""
        guid = element.get("guid")
        if guid in self._known or guid in self._inside:
            raise ValueError(f"the id {guid} is used twice")
        if guid:
            (self._inside if self._reading else self._known).add(guid)
        self._reading = self._reading or source
        (self._named_inside if self._reading else self._named).update(filter(None, map(element.get, _NAMES)))

    def leave(self) -> None:
        """A source has ended; what it names of its own is settled."""
        self._named |= self._named_inside - self._inside
        self._inside.clear()
        self._named_inside.clear()
        self._reading = False

    @property
    def left(self) -> set[str]:
        """Names that are not known outside of sources."""
        return self._named - self._known


def _met(path: Path, wanted: set[str]) -> set[str]:
    """Those of `wanted` that are ids within sources, which links name."""
    with ZipFile(path) as archive, archive.open(QDE) as file:
        met: set[str] = set()
        for _, element in ElementTree.iterparse(file):
            met.update({element.get("guid", "")} & wanted)
            element.clear()
        return met


def _is_a_line(text: str, start: int, end: int) -> bool:
    """Whether a selection is one whole line, as an utterance's is."""
    return "\n" not in text[start:end] and text[max(start - 1, 0) : start] in ("", "\n")


def check_codebook(path: Path) -> int:
    """Read a codebook back and return its codes that can be given."""
    codes = ElementTree.parse(path).iter(f"{{{BOOK}}}Code")
    return sum(code.get("isCodable") == "true" for code in codes)
