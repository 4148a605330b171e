"""A session made with the real engine is run again from the command line, and every logit comes back bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from participants import Participant
from typer.testing import CliRunner

from core.model import Clip
from pages.parts.opened import bench_of, open_picture
from pages.parts.rig import Rig
from study.__main__ import app
from study.decisions import opening
from study.exports import export_log
from study.session import Step


@pytest.fixture
def steered(rig: Rig) -> Participant:
    who = Participant(rig).at(Step.BRIEFING)
    opened = open_picture(rig, rig.script.tasks["secret_cause"])
    who.write(*opening(bench_of(rig, who.place), image="p.webp", labels=opened.model.labels), key="o")
    one, two = (component.index for component in opened.shown[:2])
    who.act("edit", component=one, strength=0)
    who.act("edit", component=two, strength=2.5)
    who.act("undo")
    who.act("redo")
    who.act("reset")
    return who


@pytest.fixture(autouse=True)
def its_log(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{tmp_path / 'log.db'}")


def replayed(who: Participant, world: Any, *more: str, status: int = 0) -> dict[str, Any]:
    words = ["replay", "--session", who.id, "--bundle", str(world.bundle), "--json", *more]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def stream_in(out: Path, session: str) -> dict[str, Any]:
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    return manifest["exports"]["jsonl"]["streams"][session]


def test_on_the_same_machine_every_event_is_bit_exact(steered: Participant, world: Any) -> None:
    found = replayed(steered, world)
    assert found["verdict"] == "BIT_EXACT"
    assert found["counts"] == {"BIT_EXACT": 6, "WITHIN_TOLERANCE": 0, "UNRUNNABLE": 0, "MISMATCH": 0}
    assert [event["differing"] for event in found["events"]] == [{}] * 6
    assert len({event["state_id"] for event in found["events"]}) == 3


def test_a_recorded_verdict_travels_in_the_manifest_of_a_later_export(
    steered: Participant, world: Any, tmp_path: Path
) -> None:
    log = steered.rig.log
    rows = log.read(steered.id)
    export_log(log, tmp_path / "before", "jsonl", without=())
    assert "replay" not in stream_in(tmp_path / "before", steered.id)
    found = replayed(steered, world, "--record")
    assert log.read(steered.id) == rows, "nothing is written to the participant's own stream"
    (verdict,) = log.read(f"replay:{steered.id}")
    assert (verdict.name, verdict.row["actor"]) == ("system.replay_verified", "researcher")
    export_log(log, tmp_path / "after", "jsonl", without=())
    assert stream_in(tmp_path / "after", steered.id)["replay"] == {
        "verdict": "BIT_EXACT",
        "counts": found["counts"],
        "rows": len(rows),
        "head": rows[-1].row["hash"],
    }
    words = ["replay", "--session", steered.id, "--bundle", str(world.bundle), "--record", "--seq", "3"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "it is of a whole session: leave --seq out" in done.stderr.replace("\n", " ")


def test_one_event_is_run_by_its_row(steered: Participant, world: Any) -> None:
    undone = next(record for record in steered.rig.log.read(steered.id) if record.name == "intervention.undone")
    found = replayed(steered, world, "--seq", str(undone.seq))
    assert [(event["seq"], event["verdict"]) for event in found["events"]] == [(undone.seq, "BIT_EXACT")]


def test_a_model_that_answers_otherwise_is_found_out(
    steered: Participant, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Clip.logits
    monkeypatch.setattr(Clip, "logits", lambda self, x: torch.nextafter(honest(self, x), torch.tensor(1e9)))
    found = replayed(steered, world, status=1)
    assert found["verdict"] == "MISMATCH"
    assert found["counts"]["BIT_EXACT"] == 0


def test_another_bundle_makes_it_unrunnable_and_says_so(steered: Participant, world: Any) -> None:
    done = CliRunner().invoke(app, ["replay", "--session", steered.id, "--json"])
    found = json.loads(done.stdout)
    assert (done.exit_code, found["verdict"]) == (1, "UNRUNNABLE")
    assert all("has another: name the one used" in event["reason"] for event in found["events"])


def test_a_session_that_is_not_there_gets_one_sentence(steered: Participant, world: Any) -> None:
    for command in (
        ["replay", "--session", "nobody", "--bundle", str(world.bundle)],
        ["verify", "--session", "nobody"],
    ):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 2
        assert "Session 'nobody' was asked for; the log holds 1, the last of them" in done.stderr.replace("\n", " ")


def test_verify_reads_every_session_and_says_they_are_whole(steered: Participant) -> None:
    done = CliRunner().invoke(app, ["verify", "--json"])
    found = json.loads(done.stdout)
    assert (done.exit_code, found["whole"]) == (0, True)
    assert [(one["session_id"], one["rows"]) for one in found["sessions"]] == [
        (steered.id, len(steered.rig.log.read(steered.id)))
    ]
