"""Reads the text of a Word document (.docx) that may come from anybody: paragraphs as lines, table rows between tabs.

The part that holds the text is read as a stream with a limit on its size, and a document type, which could define
entities without end, is refused. What was deleted under tracked changes is left out, what was inserted is in.
"""

from __future__ import annotations

import io
from xml.parsers import expat
from zipfile import ZipFile

from study.archives import UNREADABLE
from study.transcripts.cues import TranscriptRefused

TEXT = "word/document.xml"
LARGEST = 64 << 20  # bytes of XML
_WORD = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
)
_PIECE = 1 << 16
_HIDDEN = ("moveFrom", "Fallback", "del")  # what stands elsewhere, or stands no longer
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}


def lines_of_docx(data: bytes) -> list[str]:
    """The document's lines, from the top; one for a paragraph, one for a row of a table.

    Raises:
        TranscriptRefused: it is damaged, no Word document, or larger than any transcript.
    """
    text = _Text()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_a_document_type
    parser.StartElementHandler, parser.EndElementHandler = text.start, text.end
    parser.CharacterDataHandler = text.characters
    read = 0
    try:
        with ZipFile(io.BytesIO(data)) as archive, archive.open(TEXT) as file:
            while piece := file.read(_PIECE):  # the sizes in the archive's own list are not to be trusted
                read += len(piece)
                if read > LARGEST:
                    raise TranscriptRefused(
                        f"The document unpacks to more than {LARGEST >> 20} MiB of text, as no transcript does; "
                        "save its text alone."
                    )
                parser.Parse(piece)
            parser.Parse(b"", True)
    except KeyError as error:
        raise TranscriptRefused("The file is an archive without a Word document in it; give the .docx.") from error
    except UNREADABLE as error:
        raise TranscriptRefused("The document is damaged or locked; open it in Word and save it anew.") from error
    except expat.ExpatError as error:
        raise TranscriptRefused("The document's text is no sound XML; open it in Word and save it anew.") from error
    return [line for paragraph in text.lines for line in paragraph.split("\n")]


class _Text:
    """Gathers lines while the XML goes by."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._open: list[list[str]] = []  # paragraphs, the innermost last: a text box lies inside another's
        self._rows: list[list[list[str]]] = []  # table rows, each with its cells' paragraphs
        self._hidden = self._runs = 0
        self._in_text = False

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        space, _, name = tag.rpartition(" ")
        self._hidden += name in _HIDDEN
        if space not in _WORD:
            return
        if name == "p":
            self._open.append([])
        elif name == "tr":
            self._rows.append([])
        elif name == "tc" and self._rows:
            self._rows[-1].append([])
        elif name == "r":
            self._runs += 1
        elif name == "t":
            self._in_text = True
        elif name in _SIGNS and self._runs:  # outside of a run, a tab is a stop on the ruler
            self._add(_SIGNS[name])

    def end(self, tag: str) -> None:
        space, _, name = tag.rpartition(" ")
        self._hidden -= name in _HIDDEN
        if space not in _WORD:
            return
        if name == "t":
            self._in_text = False
        elif name == "r":
            self._runs -= 1
        elif name == "p":
            line = "".join(self._open.pop())
            if self._rows and self._rows[-1]:
                self._rows[-1][-1].append(" ".join(line.split()))
            else:
                self.lines.append(line)
        elif name == "tr":
            cells = [" ".join(filter(None, cell)) for cell in self._rows.pop()]
            if self._rows and self._rows[-1]:
                self._rows[-1][-1].append(" ".join(cells))
            else:
                self.lines.append("\t".join(cells))

    def characters(self, text: str) -> None:
        if self._in_text:
            self._add(text)

    def _add(self, text: str) -> None:
        if self._open and not self._hidden:
            self._open[-1].append(text)


def _refuse_a_document_type(*_: object) -> None:
    raise TranscriptRefused(
        "The document's XML defines a document type, which Word never writes; open it in Word and save it anew."
    )
