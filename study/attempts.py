"""One attempt as prompts look at it: what was done last, how long ago, and which causes are spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

from core.types import Prediction
from study.mute_events import InterventionMuted, InterventionUnmuted
from study.prompt_events import Prompt, PromptDismissed, PromptShown
from study.records import Record
from study.scenario_events import InterventionRecalled
from study.script.talk import When
from study.steering_events import (
    InterventionApplied,
    InterventionRedone,
    InterventionReset,
    InterventionUndone,
    ModelPredicted,
)
from study.talk_events import SilenceDetected
from study.task_events import TaskStarted
from study.times import moments_of, paused_after

STEPS = (
    *(InterventionApplied, InterventionMuted, InterventionUnmuted, InterventionRecalled),
    *(InterventionUndone, InterventionRedone, InterventionReset),
)
FRESH_S = 10.0  # a silence that was told longer ago than this may be over
JOINED_MS = 1500.0  # stretches of silence no further apart than this are one
_HAND = ("intervention.", "claim.", "concept.", "explanation.", "page.", "task.", "prompt.answered", "prompt.dismissed")

Cause = tuple[Record, int]  # what sets a prompt off, and from when on (server wall clock, ns)


def attempt_in(records: Sequence[Record], task: str) -> Attempt | None:
    """The last attempt at `task`, None before it began."""
    for number in range(len(records) - 1, -1, -1):
        event = records[number].event
        if isinstance(event, TaskStarted) and event.task == task:
            return Attempt(records[number:])
    return None


@dataclass(frozen=True)
class Attempt:
    """The rows of one attempt so far, the first of them its beginning."""

    rows: Sequence[Record]

    @cached_property
    def prompted(self) -> list[PromptShown]:
        """The prompts that came up."""
        return [record.event for record in self.rows if isinstance(record.event, PromptShown)]

    @cached_property
    def spent(self) -> set[tuple[str, str | None]]:
        """Which prompts came up for which causes."""
        return {(event.prompt, event.caused_by) for event in self.prompted}

    def working_s(self, place: int, now_ns: int) -> float:
        """Seconds from row number `place` (from 0) of the attempt to now, without pauses."""
        moments = moments_of(self.rows[place:])
        still = reduce(paused_after, self.rows, False)
        return moments[-1].working + (0.0 if still else max(0.0, (now_ns - self.rows[-1].utc_ns) / 1e9))

    def cause(self, when: When, open_ns: int, now_ns: int) -> Cause | None:
        """What sets a prompt off as `when` says, and from when on; None if nothing does.

        Before `open_ns` no prompt may come up. Beginning, first step and idleness wait for it; steps and silences
        that come earlier are passed over, since what would be asked about is no longer what is on the screen.
        """
        if when.trigger in ("start", "first_steer"):
            begun = self.rows[0]
            return None if self.steps else (begun, max(begun.utc_ns, open_ns))
        if when.trigger == "idle":
            return self._idle(float(when.idle_s or 0), open_ns, now_ns)
        found = self._silent(float(when.silence_s or 0), now_ns) if when.silence_s else self._step(when)
        if found is None or self.rows[found].utc_ns < open_ns or self._talked_after(found):
            return None
        return self.rows[found], self.rows[found].utc_ns

    @cached_property
    def steps(self) -> int:
        """How often something was set; what was undone counts."""
        return sum(isinstance(record.event, InterventionApplied) for record in self.rows)

    @cached_property
    def _last_step(self) -> int | None:
        return next((at for at in range(len(self.rows) - 1, 0, -1) if isinstance(self.rows[at].event, STEPS)), None)

    def _talked_after(self, place: int) -> bool:
        """Whether a prompt came up or went away since: then one was up beside it, or has had its turn."""
        return any(isinstance(record.event, Prompt) for record in self.rows[place + 1 :])

    def _step(self, when: When) -> int | None:
        """The number of the row of the last step that sets it off."""
        place = self._last_step
        if place is None:
            return None
        event = self.rows[place].event
        match when.trigger, event:
            case ("every", InterventionApplied()) if self.steps % (when.every or 1) == 0:
                return place
            case ("undo", InterventionUndone()) | ("reset", InterventionReset()):
                return place
            case (("top1_flip" | "no_effect"), _):
                return self._predicted(when, place)
            case _:
                return None

    def _predicted(self, when: When, place: int) -> int | None:
        """The row of the prediction that the step at `place` led to, if it is such as `when` says."""
        step = self.rows[place].event
        beyond = self.rows[place + 1] if place + 1 < len(self.rows) else None
        if beyond is None or not isinstance(beyond.event, ModelPredicted) or not isinstance(step, STEPS):
            return None
        labels = tuple(str(number) for number in range(len(step.before.logits) // 8))  # eight digits a logit
        before, after = (each.prediction(labels) for each in (step.before, step.after))
        least = when.max_abs_prob_change_below
        meant = before.top != after.top if least is None else _largest_change(before, after) < least
        return place + 1 if meant else None

    def _silent(self, silence_s: float, now_ns: int) -> int | None:
        """The number of the row by which nobody had spoken for so long, if that is told just now."""
        told = [(at, record.event) for at, record in enumerate(self.rows) if isinstance(record.event, SilenceDetected)]
        if not told or now_ns - self.rows[told[-1][0]].utc_ns > FRESH_S * 1e9:
            return None
        place, last = told[-1]
        begin = last.t0_ms
        for _, earlier in reversed(told[:-1]):
            if earlier.media != last.media or begin - earlier.t0_ms - earlier.length_ms > JOINED_MS:
                break
            begin = earlier.t0_ms
        return place if last.t0_ms + last.length_ms - begin >= 1000 * silence_s else None

    def _idle(self, idle_s: float, open_ns: int, now_ns: int) -> Cause:
        place = max(at for at, record in enumerate(self.rows) if _by_hand(record))
        left_s = idle_s - self.working_s(place, now_ns)
        return self.rows[place], max(open_ns, now_ns + round(1e9 * left_s))


def _by_hand(record: Record) -> bool:
    """Whether the participant did something on the page: no silence, clock or prompt that expired."""
    expired = isinstance(record.event, PromptDismissed) and record.event.how == "expired"
    return record.name.startswith(_HAND) and not expired


def _largest_change(before: Prediction, after: Prediction) -> float:
    return max(abs(then - now) for then, now in zip(before.probs, after.probs, strict=True))
