"""Sessions made by hand for what is said about prompts: rows with times, and the toy's predictions around steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.types import Edit, Prediction, SteeringPlan
from study.events import Event
from study.predictions import shown
from study.prompt_events import PromptDismissed, PromptShown
from study.prompts import Due, due
from study.records import Record
from study.script import StudyScript, load_script
from study.session import Session, session_in
from study.session_events import ConsentGiven, SessionStarted
from study.state import Pinned
from study.steering_events import (
    InterventionApplied,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
)
from study.task_events import TaskStarted

FORM = """
schema: tiller-study/1
study: {{id: aloud, version: "1.0.0", title: Aloud, contact: us, languages: [en, de]}}
welcome: Hello.
consent:
  text: consent.md
  scopes: [{{key: log, required: true, label: Record me}}, {{key: audio, required: false, label: My voice}}]
conditions:
  look: {{tools: [attribution]}}
  act: {{tools: [attribution, suppress, amplify, undo, redo, reset]}}
arms:
  prompting: {{levels: {{standard: {{}}, no_probing: {{drop: [probing]}}}}}}
think_aloud:
  note: Say it.
  limits: {{min_gap_s: {gap}, max_per_task: {most}}}
  prompts:
{prompts}
sequence:
  blocks:
    - {{page: welcome}}
    - {{page: consent}}
    - {{id: acting, condition: act, tasks: one}}
    - {{id: looking, condition: look, tasks: other}}
task_sets: {{one: {{tasks: [a]}}, other: {{tasks: [b]}}}}
tasks:
  a: &task
    picture: word
    goal: Find out.
    tools: [attribution, suppress, amplify, undo, redo, reset]
    answers: [{{id: cause, type: free_text, label: Why}}]
  b: *task
debrief: Thank you.
"""

PINNED = Pinned(model_sha256="m", dictionary_sha256="d", image_sha256="i", labels_sha256="l")
LABELS = ("apple", "boat", "car")


def script_with(folder: Path, *prompts: str, gap: float = 0, most: int = 50) -> StudyScript:
    """A script with `prompts`, each written as a YAML mapping on one line."""
    (folder / "consent.md").write_text("Read this.", encoding="utf-8")
    path = folder / "aloud.yaml"
    lines = "\n".join(f"    - {prompt}" for prompt in prompts)
    path.write_text(FORM.format(prompts=lines, gap=gap, most=most), encoding="utf-8")
    return load_script(path)


class Sitting:
    """One participant at one task, whose clock the test moves."""

    def __init__(self, script: StudyScript, *, task: str = "a", mode: str = "remote", arm: int = 0) -> None:
        self.script = script
        self.rows: list[Record] = []
        self.seconds = 0.0
        self.plan = SteeringPlan()
        self.logits = (2.0, 1.0, 0.0)
        self.write(
            SessionStarted(
                study="aloud",
                study_version="1.0.0",
                script_sha256="5c",
                participant="P01",
                mode=mode,
                levels={"prompting": arm},
            ),
            ConsentGiven(scope="log", text_sha256="c"),
            ConsentGiven(scope="audio", text_sha256="c"),
        )
        if task == "b":
            from study.task_events import TaskSubmitted

            self.write(TaskStarted(task="a"), TaskSubmitted(task="a"))
        self.task = task
        self.begin()

    def begin(self) -> None:
        self.write(TaskStarted(task=self.task), self._said())

    def write(self, *events: Event) -> None:
        for event in events:
            seq = len(self.rows) + 1
            row: dict[str, Any] = {
                "session_id": "s1",
                "seq": seq,
                "event_id": f"e{seq}",
                "name": event.name,
                "srv_utc_ns": self.now_ns,
                "srv_mono_ns": self.now_ns,
                "boot_id": "boot",
            }
            self.rows.append(Record(event, row))

    @property
    def now_ns(self) -> int:
        return 1_700_000_000_000_000_000 + round(self.seconds * 1e9)

    @property
    def place(self) -> Session:
        return session_in(self.rows, self.script, session_id="s1")

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def due(self) -> Due | None:
        return due(self.rows, self.script, self.place, self.now_ns)

    def show(self) -> str | None:
        """The id of the prompt that comes up now, which is written down."""
        coming = self.due()
        if coming is None:
            return None
        self.write(coming.shown(self.place))
        return coming.prompt

    def close(self, how: str = "closed") -> None:
        event = next(row.event for row in reversed(self.rows) if isinstance(row.event, PromptShown))
        fields = {
            name: getattr(event, name)
            for name in ("prompt", "trigger", "wording", "style", "caused_by", "task", "attempt")
        }
        self.write(PromptDismissed(**fields, how=how))

    def steer(self, logits: tuple[float, float, float] | None = None, kind: str = "applied") -> None:
        """A step of one kind, after which the model has `logits`; None: quite other probabilities, the same class."""
        before = shown(Prediction(LABELS, self.logits), self.plan, PINNED)
        self.logits = logits or (self.logits[0] + 1.0, *self.logits[1:])
        self.plan = SteeringPlan((Edit(len(self.rows)),))
        after = shown(Prediction(LABELS, self.logits), self.plan, PINNED)
        around: dict[str, Any] = {"task": self.task, "pinned": PINNED, "before": before, "after": after}
        events: dict[str, Any] = {
            "applied": lambda: InterventionApplied(**around, component=1, tool="suppress", value=0.0, unit="factor"),
            "undone": lambda: InterventionUndone(**around, undone_event="e1"),
            "redone": lambda: InterventionRedone(**around, redone_event="e1"),
            "reset": lambda: InterventionReset(**around),
        }
        self.write(events[kind](), self._said())

    def _said(self) -> ModelPredicted:
        after = shown(Prediction(LABELS, self.logits), self.plan, PINNED)
        return ModelPredicted(task=self.task, after=after, pinned=PINNED, latency_ms=1.0)
