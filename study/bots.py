"""Bots walk the whole route of a script, act by act as people do, and go on where an earlier life of theirs ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random

from core.types import TillerError
from study.acts import Act
from study.assignment import start_session
from study.drafts import idem_key
from study.events import Event
from study.filling import answers, questionnaire
from study.identity import Admission
from study.interventions import perform
from study.log import EventLog
from study.messages import read_act
from study.prompts import scripted, standing
from study.route import Stop
from study.script import StudyScript
from study.session import Session, Step, session_in
from study.session_events import SessionResumed
from study.setup_events import DeviceChecked, MicChecked
from study.simulation import PERSONAS, Bot, Desk, Move, Trail, expectation, moves_of
from study.slots import Slot
from study.task_events import ExplanationViewed, ResponseSubmitted
from study.ticks import tick
from study.walk import (
    Deed,
    attempt_begun,
    consent_answered,
    consent_shown,
    end_reached,
    stop_left,
    task_handed_in,
)

MODE = "bot"
MOST = 1000  # moves in one attempt

DeskOf = Callable[[Session], Desk]


def take_part(
    log: EventLog,
    script: StudyScript,
    admission: Admission,
    desk_of: DeskOf,
    bot: Bot,
    *,
    slots: tuple[Slot, ...] | None = None,
    life: int = 1,
) -> int:
    """Walk a bot from its link to the end of its session; return how many rows the session has.

    Called again after it was interrupted, as another `life`, it does what the first would have done: no row is lost
    or written twice. `slots` are those it may take; all of the design if None.

    Raises:
        TillerError: a stop cannot be left, or something that the script names cannot be had.
    """
    walk = _Walk(log, script, admission.session_id, desk_of, bot)
    walk.enter(admission.pseudonym, slots, life)
    walk.go()
    return len(log.read(admission.session_id))


class _Walk:
    """One bot on its way."""

    def __init__(self, log: EventLog, script: StudyScript, session: str, desk_of: DeskOf, bot: Bot) -> None:
        self.log, self.script, self.session, self.desk_of, self.bot = log, script, session, desk_of, bot
        self.policy = bot.policy or PERSONAS[bot.seed % len(PERSONAS)]

    def place(self) -> Session:
        return session_in(self.log.read(self.session), self.script, session_id=self.session)

    def rng(self, *where: object) -> Random:
        """What is left to chance at one place, the same in every life."""
        return Random("/".join(map(str, (self.bot.seed, *where))))

    def enter(self, pseudonym: str, slots: tuple[Slot, ...] | None, life: int) -> None:
        records = self.log.read(self.session)
        if not records:
            languages = self.script.study.languages
            spoken = self.bot.language or languages[self.bot.seed % len(languages)]
            start_session(
                self.log,
                self.script,
                self.session,
                pseudonym,
                mode=MODE,
                language=spoken if len(languages) > 1 else "",
                page=Step.WELCOME,
                among=slots,
            )
        elif not self.place().finished:
            gap_s = (self.log.now().utc_ns - records[-1].utc_ns) / 1e9
            self.log.append(self.session, SessionResumed(gap_s=gap_s), key=f"resumed/{life}", page=self.place().step)
        language = self.place().language
        self.script = self.script.in_language(language) if language else self.script

    def go(self) -> None:
        been: set[tuple[str, Step]] = set()
        while (place := self.place()).step is not Step.DONE:
            stop = place.stop
            here = (stop.id if stop else "", place.step)
            if stop is None or here in been:
                raise TillerError(
                    f"Stop {here[0]!r} cannot be left: its {here[1]} was done, and it is still to be done."
                )
            been.add(here)
            try:
                self.do(place, stop)
            except TillerError as error:
                raise TillerError(f"Stop {here[0]!r} cannot be left: {error}") from error
        if place.ending and not place.finished:
            end_reached(place).write(self.log, self.session)

    def do(self, place: Session, stop: Stop) -> None:
        match place.step:
            case Step.CONSENT:
                self.write(consent_shown(self.script))
                self.write(consent_answered(self.script, self.allowed()))
            case Step.TUTORIAL:
                self.practise(place, stop)
            case Step.BRIEFING:
                desk = self.desk_of(place)
                self.write(attempt_begun(place, desk.bench, image=desk.image, labels=desk.labels))
            case Step.WORKSPACE:
                self.work(place, stop)
            case Step.ANSWER:
                given = self.answers(place, self.desk_of(place))
                self.write(task_handed_in(self.log.read(self.session), self.script, place, given))
            case _:
                self.leave(place, *self.shown(place, stop))

    def write(self, deed: Deed) -> None:
        deed.write(self.log, self.session)

    def leave(self, place: Session, *happened: Event) -> None:
        self.write(stop_left(self.log.read(self.session), self.script, place, *happened))

    def allowed(self) -> set[str]:
        if self.bot.refuses:
            return set()
        rng = self.rng("consent")
        drawn = [(scope, rng.random() < 0.7) for scope in self.script.consent.scopes]
        wish = self.bot.allows
        return {scope.key for scope, would in drawn if scope.required or (would if wish is None else wish)}

    def shown(self, place: Session, stop: Stop) -> tuple[Event, ...]:
        """The rows of a page that is filled in or read at once."""
        match place.step:
            case Step.DEVICE:
                remote = self.script.modes.remote
                wide, high = remote.min_viewport if remote else (0, 0)
                return (DeviceChecked(passed=True, width=max(1440, wide), height=max(900, high)),)
            case Step.MIC:
                return (MicChecked(passed=True, level_dbfs=-18.0, length_ms=3000.0),)
            case Step.QUESTIONS:
                return tuple(answers(stop.ask, self.rng("answers", stop.id), key=stop.id))
            case Step.INSTRUMENT:
                return questionnaire(stop, self.script, self.rng(stop.id), attempt=place.attempt)
            case _:
                return ()

    def answers(self, place: Session, desk: Desk) -> list[ResponseSubmitted]:
        key = str(place.task)
        rng, words = self.rng("answers", key), f"component {desk.shown[0][0]} pushes it to {desk.target}"
        return answers(self.script.tasks[key].answers, rng, key=key, attempt=place.attempt, words=words)

    def practise(self, place: Session, stop: Stop) -> None:
        desk = self.desk_of(place)
        self.write(attempt_begun(place, desk.bench, image=desk.image, labels=desk.labels))
        trail = self.work_on(place, desk, required=stop.require)
        missing = [name for name in stop.require if not trail.happened[name]]
        if missing:
            tools = ", ".join(sorted(desk.bench.tools))
            raise TillerError(f"it asks for {' and '.join(missing)}, and with {tools} nobody can do that.")
        self.leave(place)

    def work(self, place: Session, stop: Stop) -> None:
        task = str(place.task)
        aloud = self.script.think_aloud
        if self.bot.speak is not None and aloud is not None and aloud.audio and "audio" in place.consented:
            self.bot.speak(self.log, self.session, task)
        desk, least = self.desk_of(place), stop.min_interventions
        trail = self.work_on(place, desk, least=least)
        if trail.happened["intervention.applied"] < least:
            raise TillerError(f"it asks for {least} interventions, and its tools allow fewer.")
        perform(self.log, self.session, _act(task, "turn", {"kind": "answer"}), desk.bench)

    def work_on(self, place: Session, desk: Desk, *, least: int = 0, required: tuple[str, ...] = ()) -> Trail:
        """Look at the attribution and make the moves of the policy; those that an earlier life made stand."""
        task = str(place.task)
        viewed = ExplanationViewed(
            task=task,
            attempt=place.attempt,
            view=desk.view,
            toward=desk.target,
            against=desk.against,
            components=tuple(component for component, _ in desk.shown),
        )
        self.write(Deed((viewed,), f"viewed/{task}/{place.attempt}", place.step))
        trail, rng, asked = Trail(), self.rng(task, place.attempt), self.script.tasks[task].expect
        for act in self.acts(
            task,
            moves_of(self.policy, desk, rng, trail, least=least, required=required),
            partial(expectation, asked, desk, self.rng(task, "expected"), trail),
        ):
            if act.kind in ("edit", "undo", "redo", "reset"):
                self.heed(task, desk)
            trail.add(perform(self.log, self.session, act, desk.bench).records)
        return trail

    def heed(self, task: str, desk: Desk) -> None:
        """Answer the prompt that holds the steering tools until it is answered, if there is one."""
        if not desk.bench.held(self.log.read(self.session)):
            return
        tick(self.log, self.session, self.script)
        shown = standing(self.log.read(self.session))
        asked = scripted(self.script, shown) if shown else None
        if shown is None or asked is None:
            raise TillerError("A prompt holds the steering tools, and it has not come up.")
        given = answers(asked.ask, self.rng(task, asked.id), key=task)
        said = [{"item": one.item, "text": one.text, "number": one.number} for one in given]
        move: Move = {"kind": "prompt_answer", "shown": shown.event_id, "answers": said}
        perform(self.log, self.session, _act(task, f"{asked.id}"[:40], move), desk.bench)

    def acts(self, task: str, moves: Iterator[Move], expected: Callable[[], object]) -> Iterator[Act]:
        """The moves as acts; one that changed nothing in an earlier life, and so wrote nothing, is not made again."""
        stand = {str(record.row["idem_key"]) for record in self.log.read(self.session)}
        ids = [f"simulated-{task}-{number:04d}" for number in range(MOST)]
        made = [idem_key(one) in stand for one in ids]
        last = max((number for number, was in enumerate(made) if was), default=-1)
        for number, move in enumerate(moves):
            said = expected() if move["kind"] == "edit" else None
            if made[number] or number > last:
                yield _act(task, f"{number:04d}", {**move, "expected": said} if said else move)


def _act(task: str, name: str, move: Move) -> Act:
    return read_act({"id": f"simulated-{task}-{name}", "task": task, **move})
