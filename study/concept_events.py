"""Events about a dictionary's components: questions that find some, and names that researchers give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.happening import Cell, Happening, InTask


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptNamed(Happening):
    """A member of staff gave a component a name; "" gives it back the one it has in the index."""

    name: ClassVar[str] = "concept.named"
    study: str
    dictionary_sha256: str
    component: int
    called: str
    called_before: str
    who: str

    def target(self) -> str | None:
        return f"component/{self.component}"

    def cells(self) -> dict[str, Cell]:
        return {"component": self.component}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptSearched(InTask):
    """The dictionary was asked for components: by a word, by patches of the picture, or by what moves one answer."""

    name: ClassVar[str] = "concept.searched"
    results: ClassVar[frozenset[str]] = frozenset({"found"})
    how: str  # word, region or move
    text: str = ""
    patches: tuple[int, ...] = ()
    origin: str = ""
    to: str = ""
    found: tuple[int, ...] = ()  # components, the best first

    def cells(self) -> dict[str, Cell]:
        return {
            "search": self.how,
            "search_text": self.text or None,
            "patches": " ".join(map(str, self.patches)) or None,
            "toward": self.to or None,
            "against": self.origin or None,
            "components_shown": " ".join(map(str, self.found)) or None,
        }

    def said(self) -> tuple[str, ...]:
        return (self.text,)
