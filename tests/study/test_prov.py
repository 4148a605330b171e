"""PROV-JSON, read by python's prov library: who made which state of which."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from prov.model import (
    ProvActivity,
    ProvAssociation,
    ProvCommunication,
    ProvDerivation,
    ProvDocument,
    ProvGeneration,
    ProvUsage,
)

from study.acts import Act
from study.bench import Bench
from study.decisions import opening
from study.exports import export_log
from study.exports.prov import check_prov
from study.interventions import perform
from study.log import EventLog


@pytest.fixture
def exported(fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act], tmp_path: Path) -> Path:
    fresh_log.append(session, *opening(bench, image="7f.png", labels=("apple", "boat", "car")), key="open")
    for step in (act("edit", 1, 0), act("undo"), act("edit", 2, 2)):
        perform(fresh_log, session, step, bench)
    export_log(fresh_log, tmp_path, "prov")
    return tmp_path / "demo_P01_s1.prov.json"


def test_prov_reads_it_and_writes_it_back_the_same(exported: Path) -> None:
    document = ProvDocument.deserialize(str(exported), format="json")
    assert ProvDocument.deserialize(content=document.serialize(format="json"), format="json") == document


def test_every_act_uses_a_state_makes_one_and_is_someones(exported: Path, fresh_log: EventLog, session: str) -> None:
    document = ProvDocument.deserialize(str(exported), format="json")
    counts = {
        kind: len(list(document.get_records(kind)))
        for kind in (ProvActivity, ProvUsage, ProvGeneration, ProvDerivation, ProvCommunication, ProvAssociation)
    }
    # three interventions and four predictions, one of them of the untouched picture and so informed by no intervention
    assert list(counts.values()) == [7, 7, 7, 3, 3, 7]
    states = {name for name in json.loads(exported.read_text())["entity"] if name.startswith("tiller:state-")}
    logged = {str(record.row["after_state_id"]) for record in fresh_log.read(session)} - {"None"}
    assert states == {f"tiller:state-{state}" for state in logged}
    assert len(states) == 3, "the undone state is the first one again"


def test_a_relation_to_nothing_is_noticed(exported: Path) -> None:
    held = json.loads(exported.read_text())
    held["used"]["_:used1"]["prov:entity"] = "tiller:state-nowhere"
    exported.write_text(json.dumps(held))
    with pytest.raises(ValueError, match="used names tiller:state-nowhere, which is not there"):
        check_prov(exported)
