"""Simulated participants: personas that take part in a study as people do, act by act, on the real model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from core.types import SteeringPlan
from study.acts import Act, read_act
from study.bench import Bench
from study.decisions import opening
from study.identity import Admission
from study.interventions import perform
from study.log import EventLog
from study.script import Choice, FreeText, StudyScript, Task
from study.session import Session, Step, ended, plan_in, session_in
from study.session_events import ConsentGiven, ConsentRefused, ConsentShown, SessionStarted
from study.task_events import ExplanationViewed, ResponseSubmitted, TaskSubmitted

MODE = "bot"
PERSONAS = ("suppressor", "scanner", "sweeper", "amplifier")
Move = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one task puts before a participant: a picture, components by attribution, and the model to try edits on."""

    bench: Bench
    image: str
    view: str
    labels: tuple[str, ...]
    target: str  # what the model says
    against: str  # what it should say
    shown: tuple[tuple[int, float], ...]  # components with their effects, in the order shown


def take_part(
    log: EventLog, script: StudyScript, admission: Admission, desk_of: Callable[[Session], Desk], seed: int
) -> int:
    """Walk one simulated participant from consent to the end; return how many rows the session has.

    Every row is written as the pages write it, under mode `bot`; the persona and its choices follow from `seed`.
    """
    rng = Random(seed)
    persona = PERSONAS[seed % len(PERSONAS)]
    session = admission.session_id
    _enter(log, script, admission, rng)
    while (place := _place(log, script, session)).step is not Step.DONE:
        key = str(place.task)
        desk = desk_of(place)
        bench = desk.bench
        happened = opening(bench, image=desk.image, labels=desk.labels, order=place.order)
        log.append(session, *happened, key=f"open/{key}/{place.attempt}", page=Step.BRIEFING)
        viewed = ExplanationViewed(
            task=key,
            view=desk.view,
            toward=desk.target,
            against=desk.against,
            components=tuple(component for component, _ in desk.shown),
        )
        log.append(session, viewed, key=f"viewed/{key}/{place.attempt}", page=Step.WORKSPACE)
        for number, move in enumerate(_moves(persona, desk, rng, lambda key=key: plan_in(log.read(session), key))):
            perform(log, session, _act(move, key, number), bench)
        given = _answers(script.tasks[key], key, desk, rng)
        done = ended(log.read(session), script, *given, TaskSubmitted(task=key))
        log.append(session, *done, key=f"submit/{key}/1", page=Step.ANSWER)
    return len(log.read(session))


def _enter(log: EventLog, script: StudyScript, admission: Admission, rng: Random) -> None:
    started = SessionStarted(
        study=script.study.id,
        study_version=script.study.version,
        script_sha256=script.sha256,
        participant=admission.pseudonym,
        mode=MODE,
    )
    session, digest, scopes = admission.session_id, script.consent_sha256, script.consent.scopes
    log.append(session, started, key="start", page=Step.WELCOME)
    shown = ConsentShown(text_sha256=digest, scopes=tuple(scope.key for scope in scopes))
    log.append(session, shown, key="consent/shown", page=Step.CONSENT)
    answers = [
        (ConsentGiven if scope.required or rng.random() < 0.7 else ConsentRefused)(scope=scope.key, text_sha256=digest)
        for scope in scopes
    ]
    log.append(session, *answers, key="consent", page=Step.CONSENT)


def _place(log: EventLog, script: StudyScript, session: str) -> Session:
    return session_in(log.read(session), script, session_id=session)


def _act(move: Move, task: str, number: int) -> Act:
    return read_act({"id": f"simulated-{task}-{number:04d}", "task": task, **move})


def _moves(persona: str, desk: Desk, rng: Random, standing: Callable[[], SteeringPlan]) -> Iterator[Move]:
    """What a persona does, one move at a time; each is made before the next is chosen."""
    pushing = [component for component, effect in desk.shown if effect > 0] or [desk.shown[0][0]]
    holding = [component for component, effect in reversed(desk.shown) if effect < 0]
    yield {"kind": "overlay", "overlay": rng.choice(("fires", "pushes")), "component": pushing[0]}
    if persona == "scanner":
        yield from _scan(pushing[: rng.randint(3, 5)])
    if persona == "sweeper":
        for strength in (0.75, 0.5, 0.25, 0.0)[rng.randint(0, 1) :]:
            yield _scaled(pushing[0], strength, "slider")
    if persona == "amplifier":
        for component in holding[: rng.randint(1, 3)]:
            yield _scaled(component, rng.choice((1.5, 2.0, 3.0)), "slider")
    for component in pushing[:5]:
        if _mended(desk, standing()):
            break
        if rng.random() < 0.6:
            yield {"kind": "inspect", "component": component}
        yield _scaled(component, 0.0, "button")
        if rng.random() < 0.2:
            yield {"kind": "undo"}
            yield {"kind": "redo"}
    if not _mended(desk, standing()) and rng.random() < 0.5:
        yield {"kind": "reset"}
    yield {"kind": "answer"}


def _scan(components: Sequence[int]) -> Iterator[Move]:
    for component in components:
        yield {"kind": "inspect", "component": component}
        yield _scaled(component, 0.0, "button")
        yield {"kind": "undo"}


def _scaled(component: int, strength: float, control: str) -> Move:
    return {"kind": "edit", "component": component, "strength": strength, "control": control}


def _mended(desk: Desk, plan: SteeringPlan) -> bool:
    return desk.bench.see(plan).prediction.top == desk.against


def _answers(task: Task, key: str, desk: Desk, rng: Random) -> list[ResponseSubmitted]:
    given: list[ResponseSubmitted] = []
    for question in task.answers:
        if isinstance(question, FreeText):
            text = f"Simulated: component {desk.shown[0][0]} pushes it to {desk.target}."
            given.append(ResponseSubmitted(task=key, item=question.id, text=text))
        elif isinstance(question, Choice):
            chosen = rng.choice(question.options).id
            given.append(ResponseSubmitted(task=key, item=question.id, text=chosen))
        else:
            number = float(rng.randint(question.min, question.max))
            given.append(ResponseSubmitted(task=key, item=question.id, number=number))
    return given
