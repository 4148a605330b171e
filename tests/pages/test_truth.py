"""A task may hide what its picture shows; then nothing on its pages differs between a wrong answer and a right one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from participants import Participant, words
from tiny_world import LABELS, TinyWorld

from app import build
from pages.parts.board import board
from pages.parts.here import Here
from pages.parts.opened import open_picture, seen_under
from pages.parts.rig import Rig
from pages.parts.screen import screen_of
from pages.parts.words import LANGUAGES, catalogue
from study.history import history_in
from study.session import Step
from study.task_events import StimulusShown

SCRIPT = """
schema: tiller-study/1
study: {id: truth, version: "1.0.0", title: A study, stage: pilot, contact: nobody}
welcome: Welcome.
consent:
  text: consent.md
  scopes:
    - {key: log, required: true, label: Record what I do.}
    - {key: quote, required: false, label: Quote what I write.}
tasks:
  look_at_it:
    picture: own.png
    shows: SHOWS
    truth: TRUTH
    goal: Is it right?
    tools: [attribution, suppress, undo]
    answers: [{id: cause, type: free_text, label: "What does it rest on?"}]
    success: {rule: state.edits > 0, held_out: {rule: fixed >= 0.5, show: true}}
debrief: That was it.
"""


@pytest.fixture
def said(rig: Rig) -> tuple[Path, str, str]:
    """A picture, what the model says of it, and its second choice."""
    opened = open_picture(rig, rig.script.tasks["secret_cause"])
    before = opened.seen.clean
    return rig.picture_file(opened.picture), opened.target, before.labels[before.ranked[1]]


@pytest.fixture
def study(world: TinyWorld, tmp_path: Path, said: tuple[Path, str, str]) -> Callable[[str, str], Rig]:
    def built(shows: str, truth: str) -> Rig:
        folder = tmp_path / f"{shows}-{truth}"
        folder.mkdir()
        shutil.copy(said[0], folder / "own.png")
        (folder / "consent.md").write_text("We keep what you do.", encoding="utf-8")
        text = SCRIPT.replace("SHOWS", shows).replace("TRUTH", truth)
        (folder / "study.yaml").write_text(text, encoding="utf-8")
        return build(
            {
                "TILLER_DATABASE_URL": f"sqlite:///{folder / 'log.db'}",
                "TILLER_BUNDLE": str(world.bundle),
                "TILLER_STUDY": str(folder / "study.yaml"),
            }
        )

    return built


def read(who: Participant, page: str) -> str:
    test = who.open(page)
    return words(test) + " ".join(each.proto.body for each in test.get("html"))


def sheet(who: Participant) -> Any:
    shown = screen_of(who.rig, who.id, len(who.rig.log.read(who.id)))
    return shown and shown["sheet"]


def met(rig: Rig) -> list[Any]:
    """Everything that a participant of `rig` is shown: each page's words and the workspace's values."""
    who = Participant(rig).at(Step.BRIEFING)
    everything: list[Any] = [read(who, "briefing"), sheet(who)]
    who = Participant(rig).at(Step.WORKSPACE)
    opened = open_picture(rig, rig.script.tasks["look_at_it"])
    for step in ((), (("edit", 0, 0.0),)):
        for kind, component, strength in step:
            who.act(kind, component=component, strength=strength)
        records = rig.log.read(who.id)
        history = history_in(records, "look_at_it")
        here = Here(rig, who.token, who.id, records, who.place)
        data = board(here, opened, history, seen_under(rig, opened, history.plan))
        everything.append({key: value for key, value in data.items() if key != "session"})
    who.act("answer")
    everything += [read(who, "answer"), sheet(who)]
    who = Participant(rig).at(Step.DONE)
    return [*everything, read(who, "done")]


def test_a_hidden_truth_changes_nothing_that_a_participant_meets(
    study: Callable[[str, str], Rig], said: tuple[Path, str, str]
) -> None:
    _, target, second = said
    other = next(label for label in LABELS if label not in (target, second))
    right, wrong = met(study(target, "hidden")), met(study(other, "hidden"))
    assert right == wrong
    assert f"The model says “{target}”" in right[0] and "It shows" not in right[0]
    assert right[2]["against"] == second and right[2]["shows"] is None


def test_a_truth_that_is_told_is_told_on_every_page(
    study: Callable[[str, str], Rig], said: tuple[Path, str, str]
) -> None:
    _, target, second = said
    other = next(label for label in LABELS if label not in (target, second))
    right, wrong = met(study(target, "shown")), met(study(other, "shown"))
    assert all(one != another for one, another in zip(right, wrong, strict=True))
    assert f"It shows “{other}”, the model says “{target}”" in wrong[0]
    assert wrong[2]["against"] == other and wrong[2]["shows"] == other


def test_the_record_has_the_truth_that_was_hidden(study: Callable[[str, str], Rig]) -> None:
    rig = study(LABELS[0], "hidden")
    who = Participant(rig).at(Step.BRIEFING)
    test = who.open("briefing")
    test.button(key="start").click().run()
    assert [row.event.shows for row in rig.log.read(who.id) if isinstance(row.event, StimulusShown)] == [LABELS[0]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_a_hidden_truth_have_no_place_for_it(language: str) -> None:
    known = catalogue(language)
    hidden = {key: said for key, said in known.items() if key.endswith("_open") and key.removesuffix("_open") in known}
    assert len(hidden) == 7
    assert not any("{truth}" in said or "{shows}" in said or "{right}" in said for said in hidden.values())
