"""The study card: what a study is, in the six sections of a BenchmarkCard (Sokol et al., arXiv 2410.12974).

The models below are the schema, and `StudyCard.model_json_schema()` is the same as JSON Schema. What neither script nor
log says is `N/A`, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

UNKNOWN = "N/A"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1, strict=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class BenchmarkDetails(_Section):
    """What it is."""

    name: Text
    overview: Text
    data_type: Text
    domains: Texts
    languages: Texts
    similar_benchmarks: Texts
    resources: Texts


class PurposeAndIntendedUsers(_Section):
    """What it is for."""

    goal: Text
    audience: Texts
    tasks: Texts
    limitations: Text
    out_of_scope_uses: Texts


class Data(_Section):
    """What it holds; `annotation` is the protocol of those who code."""

    source: Text
    size: Text
    format: Text
    annotation: Text


class Methodology(_Section):
    """How it is evaluated; `validation` is what has been checked of it."""

    methods: Texts
    metrics: Texts
    calculation: Text
    interpretation: Text
    baseline_results: Text
    validation: Text


class TargetedRisks(_Section):
    """Which failures it is about."""

    risk_categories: Texts
    atlas_risks: dict[Text, Text] | Literal["N/A"]
    demographic_analysis: Text
    harm: Text


class EthicalAndLegalConsiderations(_Section):
    """What participants agreed to, and how they are protected."""

    privacy_and_anonymity: Text
    data_licensing: Text
    consent_procedures: Text
    compliance_with_regulations: Text


class StudyCard(_Section):
    """A card of one study as its script and its log have it."""

    benchmark_details: BenchmarkDetails
    purpose_and_intended_users: PurposeAndIntendedUsers
    data: Data
    methodology: Methodology
    targeted_risks: TargetedRisks
    ethical_and_legal_considerations: EthicalAndLegalConsiderations

    def plain(self) -> dict[str, Any]:
        """The card as JSON values."""
        return self.model_dump(mode="json")


def check_card(path: Path) -> int:
    """Read a card back from JSON; one.

    Raises:
        ValueError: a section or field of the schema is missing, or is not of its type.
    """
    StudyCard.model_validate_json(path.read_bytes())
    return 1


def card_in_words(card: StudyCard) -> str:
    """The card as one page of Markdown: a heading for each section, a bold name for each field."""
    lines = [f"# {card.benchmark_details.name}", ""]
    for section, fields in card.plain().items():
        lines += [f"## {_title(section)}", ""]
        for name, held in fields.items():
            lines += [*_field(_title(name), held), ""]
    return "\n".join(lines).rstrip() + "\n"


def _field(name: str, held: str | list[str] | dict[str, str]) -> Iterator[str]:
    many = [f"{key}: {value}" for key, value in held.items()] if isinstance(held, dict) else held
    if isinstance(many, str) or len(many) == 1:
        yield f"**{name}.** {many if isinstance(many, str) else many[0]}"
        return
    yield f"**{name}.**"
    yield ""
    yield from (f"- {one}" for one in many)


def _title(key: str) -> str:
    return key.replace("_", " ").capitalize()
