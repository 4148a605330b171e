"""The study card of simulated participants: the six sections, checked by another library, with nothing guessed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from test_findings_page import simulate
from typer.testing import CliRunner

from pages.parts.rig import Rig
from study.__main__ import app
from study.card import UNKNOWN, StudyCard, card_in_words
from study.card.facts import card_of, facts_of
from study.findings import findings_of, portraits
from study.scripts import scripts_of

# the sections and fields of SokolAnn/BenchmarkCards, platform/src/models.py
FIELDS = {
    "benchmark_details": "name overview data_type domains languages similar_benchmarks resources",
    "purpose_and_intended_users": "goal audience tasks limitations out_of_scope_uses",
    "data": "source size format annotation",
    "methodology": "methods metrics calculation interpretation baseline_results validation",
    "targeted_risks": "risk_categories atlas_risks demographic_analysis harm",
    "ethical_and_legal_considerations": (
        "privacy_and_anonymity data_licensing consent_procedures compliance_with_regulations"
    ),
}


def run(rig: Rig, world: Any, monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> str:
    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{rig.log.files[0]}")
    monkeypatch.setenv("TILLER_BUNDLE", str(world.bundle))
    monkeypatch.setenv("TILLER_STUDY", str(world.script))
    done = CliRunner().invoke(app, ["card", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_card_fits_the_schema_and_has_the_fields_of_a_benchmark_card(
    rig: Rig, world: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    simulate(rig, n=8)
    out = tmp_path / "card.md"
    run(rig, world, monkeypatch, "--study", "tiny", "--also", "bot", "--out", out)
    told = json.loads(run(rig, world, monkeypatch, "--study", "tiny", "--also", "bot", "--measure", "--json"))
    schema = StudyCard.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(told)
    assert {section: " ".join(fields) for section, fields in told.items()} == FIELDS
    assert "by a sham" in told["methodology"]["baseline_results"]
    words = out.read_text(encoding="utf-8")
    assert [line for line in words.splitlines() if line.startswith("## ")] == [
        "## Benchmark details",
        "## Purpose and intended users",
        "## Data",
        "## Methodology",
        "## Targeted risks",
        "## Ethical and legal considerations",
    ]
    assert "**Baseline results.** N/A" in words, "without --measure nothing is known of shams"


def test_the_card_says_what_script_and_log_say(rig: Rig) -> None:
    simulate(rig, n=3)
    found = findings_of(portraits(rig.log, "tiny", ()))
    card = card_of(facts_of(rig.log, "tiny", found, without=()))
    assert card.benchmark_details.name == "A tiny study (tiny)"
    assert card.purpose_and_intended_users.tasks[0] == "secret_cause: Find out what leads the model astray."
    assert "3 of them are simulated" in card.purpose_and_intended_users.limitations
    assert card.data.source.startswith("0 sessions of people, 3 simulated, begun from ")
    rows = sum(len(rig.log.read(session)) for session in rig.log.sessions())
    assert f"{rows:,} events" in card.data.size
    assert "hash chain whole in 3 of 3 sessions" in card.methodology.validation
    assert "tasks with a stated true cause: 1 of 2" in card.methodology.validation
    assert card.targeted_risks.risk_categories == ("planted-cause-nobody-may-see",)
    kept = "recordings without end, transcripts without end, events without end"
    assert kept in card.ethical_and_legal_considerations.privacy_and_anonymity
    given = sum(one.consents["quote"] for one in found.people)
    asked = card.ethical_and_legal_considerations.consent_procedures
    assert "log (required): 3 allowed, 0 refused" in asked
    assert f"quote (optional): {given} allowed, {3 - given} refused" in asked


def test_a_study_whose_script_is_lost_is_not_guessed(rig: Rig) -> None:
    card = card_of(facts_of(rig.log, "lost", findings_of([]), without=()))
    told = card.plain()
    assert told["benchmark_details"]["overview"] == UNKNOWN
    assert told["purpose_and_intended_users"]["tasks"] == [UNKNOWN]
    assert told["ethical_and_legal_considerations"]["consent_procedures"] == UNKNOWN
    jsonschema.Draft202012Validator(StudyCard.model_json_schema()).validate(told)
    assert "# lost\n" in card_in_words(card)


@pytest.mark.parametrize("broken", [{"extra": "x"}, {"data": {"source": ""}}])
def test_the_schema_refuses_what_is_no_card(rig: Rig, broken: dict[str, Any]) -> None:
    told = {**card_of(facts_of(rig.log, "lost", findings_of([]), without=())).plain(), **broken}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(StudyCard.model_json_schema()).validate(told)


def test_a_script_in_is_the_script_that_was_loaded(rig: Rig) -> None:
    (again,) = scripts_of(rig.log, "tiny")
    assert asdict(again) == asdict(rig.script) and again.sha256 == rig.script.sha256
