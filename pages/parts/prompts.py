"""What the workspace says of prompts and expectations: what is up, what is asked before a step, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pages.parts.here import Here
from pages.parts.opened import Opened
from pages.parts.words import words_for
from study.attempts import STEPS, attempt_in
from study.expectations import Calibration, calibration_of
from study.preview_events import InterventionPredicted
from study.prompt_events import PromptShown
from study.prompts import held, scripted, standing, wait_s
from study.records import Record
from study.script import Answer, Choice, Slider
from study.steering_events import InterventionApplied


def talk(who: Here, opened: Opened) -> dict[str, Any]:
    """Everything that the workspace shows of prompts and expectations; it follows from the rows and the script."""
    words = words_for("talk", who.rig.script.language)
    shown = standing(who.records)
    attempt = attempt_in(who.records, str(who.place.task))
    rows = attempt.rows if attempt else ()
    return {
        "words": words,
        "prompt": None if shown is None else _prompt(who, shown),
        "held": held(who.records, who.rig.script, who.place),
        "expect": _expect(who, opened, attempt.steps if attempt else 0),
        "came": _came(rows, who.records, words),
    }


def wait_ms(who: Here) -> int | None:
    """After how many ms from the drawing on the browser is to tick; None: not before the next act."""
    left = wait_s(who.records, who.rig.script, who.place, who.rig.log.now().utc_ns)
    return None if left is None else round(1000 * left)


def _prompt(who: Here, shown: Record) -> dict[str, Any] | None:
    if not isinstance(shown.event, PromptShown):
        return None
    asked = scripted(who.rig.script, shown)
    return {
        "id": shown.event_id,
        "text": shown.event.wording,
        "blocking": asked is not None and asked.blocking,
        "ask": [_question(one) for one in asked.ask] if asked else [],
    }


def _question(one: Answer) -> dict[str, Any]:
    asked: dict[str, Any] = {"id": one.id, "type": one.type, "label": one.label, "required": one.required}
    match one:
        case Slider():
            ends = {"low": one.low or str(one.min), "high": one.high or str(one.max)}
            return asked | {"min": one.min, "max": one.max, "start": one.start, **ends}
        case Choice():
            return asked | {"options": [{"id": each.id, "label": each.label} for each in one.options]}
        case _:
            return asked


def _expect(who: Here, opened: Opened, steps: int) -> dict[str, Any] | None:
    expect = who.rig.script.tasks[str(who.place.task)].expect
    if expect is None:
        return None
    labels = list(opened.model.labels)
    asked = {"before": list(expect.before), "ask": list(expect.ask), "optional": expect.optional}
    return {**asked, "steps": steps, "labels": labels}


def _came(rows: Sequence[Record], records: Sequence[Record], words: Mapping[str, str]) -> dict[str, str] | None:
    """What was expected of the last step, what came of it, and how that has gone so far; None where nothing was."""
    last = next((at for at in range(len(rows) - 1, -1, -1) if isinstance(rows[at].event, STEPS)), None)
    if last is None or last + 2 >= len(rows):
        return None
    step, said = rows[last].event, rows[last + 2].event
    if not isinstance(step, InterventionApplied) or not isinstance(said, InterventionPredicted):
        return None
    expected: list[str] = []
    if said.direction is not None:
        expected.append(words[f"expected_direction_{said.direction}"].format(label=said.label))
    if said.top1 is not None:
        chance = said.probability
        wording = "expected_top1" if chance is None else "expected_likely"
        expected.append(words[wording].format(top1=said.top1, percent=round(100 * (chance or 0))))
    if not expected:
        return None
    share = next((each.probability for each in step.after.top if each.label == said.label), 0.0)
    came = [words[f"came_{said.direction_came}"].format(label=said.label, percent=round(100 * share))]
    if said.top1 is not None:
        first = next((each.probability for each in step.after.top), 0.0)
        came.append(words["came_top1"].format(top1=said.top1_came, percent=round(100 * first)))
    return {
        "expected": f"{words['expected']}: {', '.join(expected)}.",
        "came": f"{words['came']}: {', '.join(came)}.",
        "so_far": _so_far(calibration_of(records), words),
    }


def _so_far(found: Calibration, words: Mapping[str, str]) -> str:
    ways = words["so_far_directions"].format(right=found.right, directions=found.directions) if found.directions else ""
    brier = "" if found.brier is None else words["so_far_brier"].format(brier=f"{found.brier:.2f}")
    told = ", ".join(filter(None, (ways, brier.replace(".", words["point"]))))
    return f"{words['so_far']}: {told}." if told else ""
