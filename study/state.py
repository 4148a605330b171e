"""Canonical JSON and the digests made of it: equal states have equal ids, on every machine and database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from core.types import Edit, Op, Scope

_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(value: object) -> str:
    """JSON with sorted keys, no spaces and every float as its exact `float.hex()`; one text per value.

    A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD, so that half an emoji never costs an answer.
    """
    return _ENCODER.encode(_plain(value))


def digest(text: str | bytes) -> str:
    """SHA-256 in lower-case hexadecimal; text is hashed as UTF-8."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def labels_digest(labels: Sequence[str], templates: Sequence[str] = ()) -> str:
    """Digest of class names and prompt templates in their order, for both decide what a logit means."""
    return digest(canonical({"labels": list(labels), "templates": list(templates)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What a prediction hangs on besides the edits: four SHA-256 digests and the explanation on the screen."""

    model_sha256: str
    dictionary_sha256: str
    image_sha256: str
    labels_sha256: str
    explanation: str | None = None

    def state(self, edits: Iterable[Edit]) -> State:
        """The state that these edits make of it."""
        return State(self, tuple(edits))


@dataclass(frozen=True, slots=True)
class State:
    """Everything that decides what a participant sees: model, dictionary, image, labels, explanation, edits."""

    pinned: Pinned
    edits: tuple[Edit, ...]

    @property
    def text(self) -> str:
        """The canonical JSON that `id` is the digest of."""
        pinned = self.pinned
        return canonical(
            {
                "model_sha256": pinned.model_sha256,
                "dictionary_sha256": pinned.dictionary_sha256,
                "image_sha256": pinned.image_sha256,
                "labels_sha256": pinned.labels_sha256,
                "explanation": pinned.explanation,
                "edits": canonical_edits(self.edits),
            }
        )

    @property
    def id(self) -> str:
        """SHA-256 of `text`."""
        return digest(self.text)

    @property
    def edits_id(self) -> str:
        """Digest of the edits alone, the same on every image."""
        return edits_id(self.edits)


def state_id(
    *,
    model_sha256: str,
    dictionary_sha256: str,
    image_sha256: str,
    labels_sha256: str,
    explanation: str | None,
    edits: Iterable[Edit],
) -> str:
    """Id of one state; `explanation` is the view on the screen, None where there is none."""
    pinned = Pinned(
        model_sha256=model_sha256,
        dictionary_sha256=dictionary_sha256,
        image_sha256=image_sha256,
        labels_sha256=labels_sha256,
        explanation=explanation,
    )
    return pinned.state(edits).id


def edits_id(edits: Iterable[Edit]) -> str:
    """Digest of canonical edits: what was done, whatever the image."""
    return digest(canonical(canonical_edits(edits)))


def canonical_edits(edits: Iterable[Edit]) -> list[list[int | float | str | None]]:
    """Edits as sorted lists [component, op, layer, scope, strength], one spelling for one effect.

    Neutral edits are dropped and `set 0` is `scale 0`. Under `scale`, scope `all` is `active`, for no factor moves
    a code of 0. The layer is null: the dictionary's digest says which it is.
    """
    rows = [_canonical(edit) for edit in edits if not edit.neutral]
    return [list(row) for row in sorted(rows, key=lambda row: (row[0], row[3]))]


def _canonical(edit: Edit) -> tuple[int, str, None, str, float]:
    op, scope = edit.op, edit.scope
    if op is Op.SET and edit.strength == 0.0:
        op = Op.SCALE
    if op is Op.SCALE and scope is Scope.ALL:
        scope = Scope.ACTIVE
    named = f"{scope.value}={','.join(map(str, edit.patches))}" if edit.patches else scope.value
    return edit.component, op.value, None, named, float(edit.strength) + 0.0  # + 0.0 makes -0.0 the 0.0 it means


def _plain(value: object) -> object:
    match value:
        case None | bool():
            return value
        case str():
            return _sound(value)
        case int():
            return int(value)
        case float():
            return value.hex()
        case Mapping():
            pairs = cast("Mapping[str, object]", value).items()
            return {_sound(key): _plain(item) for key, item in pairs}
        case list() | tuple():
            return [_plain(item) for item in cast("Sequence[object]", value)]
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical JSON; give text, numbers, lists or mappings.")


def _sound(text: str) -> str:
    return str(text) if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
