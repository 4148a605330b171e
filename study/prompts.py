"""Which think-aloud prompt is to come up: it follows from the rows, the script and the clock, and from nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from study.attempts import Attempt, attempt_in
from study.moderator_events import ModeratorPromptSent
from study.prompt_events import Prompt, PromptAnswered, PromptDismissed, PromptShown
from study.records import Record
from study.route import Step
from study.script import StudyScript
from study.script.part import STEERING
from study.script.talk import Prompt as Scripted
from study.session import Session
from study.session_events import SessionStarted
from study.task_events import PageLeft, TaskSkipped, TaskStarted, TaskSubmitted, TaskTimedOut

OWN_WORDS = "moderator"  # the id of a prompt that no script has
MODERATOR = "moderator"  # the trigger of every prompt that a moderator sends
STEERED = frozenset({"every", "undo", "reset", "top1_flip", "no_effect", "first_steer"})
_BORDERS = (TaskStarted, TaskSubmitted, TaskTimedOut, TaskSkipped, PageLeft)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A prompt that is to come up, in the participant's language; `key` is the log's, one for each cause."""

    prompt: str
    trigger: str
    wording: str
    style: str
    caused_by: str
    blocking: bool = False

    @property
    def key(self) -> str:
        """Its key in the log: a prompt comes up once for each event that sets it off."""
        return f"prompt/{self.prompt}/{self.caused_by}"

    def shown(self, place: Session) -> PromptShown:
        """The row that it came up at `place`."""
        return PromptShown(
            prompt=self.prompt,
            trigger=self.trigger,
            wording=self.wording,
            style=self.style,
            caused_by=self.caused_by,
            task=place.task,
            attempt=place.attempt,
        )


def due(records: Sequence[Record], script: StudyScript, place: Session, now_ns: int) -> Due | None:
    """The prompt to show now, None if there is none; `now_ns` is the server's wall clock.

    What a moderator has sent comes first and is not counted. Of the script's, the first in its order whose trigger
    holds; none beside another, within `min_gap_s` of the last, or beyond a cap. A prompt about a step comes up at that
    step or not at all: what falls into a gap or beside another prompt is passed over.
    """
    if place.paused or standing(records) is not None:
        return None
    return next((one for one, at_ns in _coming(records, script, place, now_ns) if at_ns <= now_ns), None)


def wait_s(records: Sequence[Record], script: StudyScript, place: Session, now_ns: int) -> float | None:
    """Seconds until a prompt comes up, or the one that is up expires, if nothing else happens; None: neither will."""
    if place.paused:
        return None
    shown = standing(records)
    if shown is not None:
        return expires_s(shown, records, script, now_ns)
    first = min((at_ns for _, at_ns in _coming(records, script, place, now_ns)), default=None)
    return None if first is None else max(0.0, (first - now_ns) / 1e9)


def expires_s(shown: Record, records: Sequence[Record], script: StudyScript, now_ns: int) -> float | None:
    """Seconds that are left to the prompt that came up with row `shown`; None if it stays. A pause takes none."""
    asked = scripted(script, shown)
    if asked is None or asked.expires_s is None:
        return None
    since = Attempt(records[shown.seq - 1 :])
    return max(0.0, asked.expires_s - since.working_s(0, now_ns))


def standing(records: Sequence[Record]) -> Record | None:
    """The row of the prompt that is up now; what was up when a task or page was left is up no longer."""
    closed: set[tuple[str, str | None]] = set()
    for record in reversed(records):
        match record.event:
            case PromptAnswered() | PromptDismissed() as event:
                closed.add((event.prompt, event.caused_by))
            case PromptShown() as event:
                return None if (event.prompt, event.caused_by) in closed else record
            case event if isinstance(event, _BORDERS):
                return None
            case _:
                pass
    return None


def held(records: Sequence[Record], script: StudyScript, place: Session) -> bool:
    """Whether nothing may be steered now: a blocking prompt is up, or one that comes before the first step is to."""
    shown = standing(records)
    if shown is not None:
        asked = scripted(script, shown)
        if asked is not None and asked.blocking:
            return True
    return any(one.blocking and one.trigger == "first_steer" for one, _ in _coming(records, script, place, 0))


def scripted(script: StudyScript, shown: Record) -> Scripted | None:
    """What the script says of the prompt of row `shown`; None for a moderator's own words."""
    if not isinstance(shown.event, Prompt) or script.think_aloud is None:
        return None
    name = shown.event.prompt
    return next((prompt for prompt in script.think_aloud.prompts if prompt.id == name), None)


def shortest_silence_s(script: StudyScript) -> float | None:
    """After how long without speech a recorder is to say so; None where no prompt waits for it."""
    prompts = script.think_aloud.prompts if script.think_aloud else ()
    return min((prompt.when.silence_s for prompt in prompts if prompt.when.silence_s is not None), default=None)


def _coming(records: Sequence[Record], script: StudyScript, place: Session, now_ns: int) -> Iterator[tuple[Due, int]]:
    """What comes up if nothing else happens, the one that goes first before the others, each with when it may."""
    if place.step not in (Step.WORKSPACE, Step.TUTORIAL):
        return
    yield from _sent(records, script)
    if script.think_aloud is None or place.step is not Step.WORKSPACE:
        return
    attempt = attempt_in(records, str(place.task))
    if attempt is None:
        return
    limits = script.think_aloud.limits
    counts = Counter(event.prompt for event in attempt.prompted if event.trigger != MODERATOR)
    if counts.total() >= limits.max_per_task:
        return
    last = next((record for record in reversed(records) if isinstance(record.event, PromptShown)), None)
    open_ns = 0 if last is None else last.utc_ns + round(1e9 * limits.min_gap_s)
    dropped = _dropped(records, script)
    for prompt in script.think_aloud.prompts:
        spent = prompt.max_per_task is not None and counts[prompt.id] >= prompt.max_per_task
        if spent or prompt.style in dropped or not _fits(prompt, place):
            continue
        cause = attempt.cause(prompt.when, open_ns, now_ns)
        if cause is not None and (prompt.id, cause[0].event_id) not in attempt.spent:
            yield _due(prompt, prompt.when.trigger, prompt.text, cause[0]), cause[1]


def _sent(records: Sequence[Record], script: StudyScript) -> Iterator[tuple[Due, int]]:
    """What moderators have sent since the last task or page was left, the oldest first."""
    known = {prompt.id: prompt for prompt in (script.think_aloud.prompts if script.think_aloud else ())}
    done: set[str | None] = set()
    waiting: list[tuple[Due, int]] = []
    for record in reversed(records):
        match record.event:
            case PromptShown() as event:
                done.add(event.caused_by)
            case ModeratorPromptSent() as event if record.event_id not in done:
                waiting.append((_due(known.get(event.prompt or ""), MODERATOR, event.text, record), record.utc_ns))
            case TaskSubmitted() | TaskTimedOut() | TaskSkipped() | PageLeft():
                break
            case _:
                pass
    yield from reversed(waiting)


def _due(prompt: Scripted | None, trigger: str, wording: str, cause: Record) -> Due:
    return Due(
        prompt=prompt.id if prompt else OWN_WORDS,
        trigger=trigger,
        wording=wording,
        style=prompt.style if prompt else "neutral",
        caused_by=cause.event_id,
        blocking=prompt.blocking if prompt else False,
    )


def _fits(prompt: Scripted, place: Session) -> bool:
    """Whether it is meant for this mode (a preview and a bot meet all) and for the tools that are on offer."""
    strange = place.mode in ("moderated", "remote") and place.mode not in prompt.modes
    return not strange and (prompt.when.trigger not in STEERED or bool(STEERING & set(place.tools)))


def _dropped(records: Sequence[Record], script: StudyScript) -> set[str]:
    """The styles that the session's arms leave out."""
    begun = next((record.event for record in records if isinstance(record.event, SessionStarted)), None)
    drawn = dict(begun.levels) if begun else {}
    levels = [list(arm.levels.values())[drawn.get(name, 0)] for name, arm in script.arms.items()]
    return {style for level in levels for style in level.drop}
