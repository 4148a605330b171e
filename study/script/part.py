"""What the parts of a script are made of: texts in one language or several, keys, tools."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

LANGUAGE = r"^[a-z]{2}$"
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# The reader has put one language's text in the place of a mapping by language before this is checked.
Words = Annotated[
    Text,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "patternProperties": {LANGUAGE: {"type": "string", "minLength": 1}},
                    "minProperties": 1,
                    "additionalProperties": False,
                },
            ],
            "description": "One text, or one per language: {en: ..., de: ...}.",
        }
    ),
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Tool = Literal[
    "attribution",
    "waterfall",
    "contrast",
    "suppress",
    "amplify",
    "set",
    "add",
    "scope",
    "undo",
    "redo",
    "reset",
    "compare",
    "claim",
    "ripple",
    "similar",
    "open",
    "search",
]
ELSEWHERE = frozenset({"ripple", "similar", "open"})  # tools that show what the same edits do to other pictures
STEERING = frozenset({"suppress", "amplify", "set", "add"})  # tools that change the model
Days = Annotated[int, Field(ge=1, le=36500)]
Minutes = Annotated[float, Field(gt=0, le=24 * 60, strict=False)]


class Part(BaseModel):
    """A part of a script: unknown keys are mistakes, and nothing is turned into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
