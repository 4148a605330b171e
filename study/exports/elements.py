"""XML written as it goes: elements as nested blocks, nothing held in memory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import IO
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl


class Elements:
    """Elements as nested blocks; an attribute that is None is left out."""

    def __init__(self, file: IO[bytes]) -> None:
        self._out = XMLGenerator(file, encoding="utf-8", short_empty_elements=True)  # pyright: ignore[reportArgumentType]

    @contextmanager
    def document(self, tag: str, namespace: str, /, **attributes: object) -> Generator[None]:
        """The whole file, which is one element."""
        self._out.startDocument()
        with self.element(tag, xmlns=namespace, **attributes):
            yield
        self._out.endDocument()

    @contextmanager
    def element(self, tag: str, /, **attributes: object) -> Generator[None]:
        """An element with what the block writes in it."""
        given = {key: str(value) for key, value in attributes.items() if value is not None}
        self._out.startElement(tag, AttributesImpl(given))
        yield
        self._out.endElement(tag)

    def leaf(self, tag: str, text: object = "", /, **attributes: object) -> None:
        """An element with nothing in it but text."""
        with self.element(tag, **attributes):
            if text != "":
                self._out.characters(str(text))
