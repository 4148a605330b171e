"""One act, done once: decide from the log, ask the model, write the row, and only then let anyone see it."""

from __future__ import annotations

from dataclasses import dataclass

from study.acts import Act, ActRefused
from study.bench import Bench
from study.decisions import decide
from study.log import EventLog, LogMoved, LogRefused
from study.messages import offered
from study.records import Record
from study.repeats import asked
from study.session import Step
from study.steering_events import InterventionFailed

TRIES = 20  # how often others may write first before an act gives up


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an act: the rows that stand for it. No rows: it would have changed nothing."""

    records: tuple[Record, ...]

    @property
    def changed(self) -> bool:
        """Whether the log has rows for it."""
        return bool(self.records)

    @property
    def failed(self) -> bool:
        """Whether the model could not answer; the plan is as it was."""
        return any(isinstance(record.event, InterventionFailed) for record in self.records)


def perform(
    log: EventLog,
    session_id: str,
    act: Act,
    bench: Bench,
    *,
    reference: str = "",
    window: str | None = None,
    page: str = Step.WORKSPACE,
) -> Done:
    """Do `act` once, however often it is sent; its id is the log's key.

    An intervention and its prediction are written together after the model has answered. Where another tab or process
    wrote first, the act is decided anew on what then stands. If the model fails, that is what is logged, under
    `reference`, and the exception's own words go to the server's log alone.

    Raises:
        ActRefused: the task, tool or component is not on offer; drop the act.
        LeaseLost: another window than `window` has the session.
        LogRefused: the session takes no more acts, or the id stands for another act; drop the act.
        LogUnavailable: nothing was written; send the same act again.
    """
    standing = log.acted(session_id, act.id)
    if standing:
        return _again(act, standing)
    if act.task != bench.task:
        raise ActRefused(f"A step of task {act.task} came while {bench.task} is open; it was not carried out.")
    offered(act, bench.tools, bench.components, bench.patches)
    for _ in range(TRIES):
        records = log.read(session_id)
        try:
            happened = decide(act, bench, records)
        except ActRefused:
            raise
        except Exception as error:
            failed = _failed(act, bench, type(error).__name__, reference)
            log.append(session_id, failed, key=f"{act.id}/failed", page=page, client=act.client)
            raise
        if not happened:
            return Done(())
        try:
            expect = records[-1].seq if records else 0
            written = log.append(
                session_id, *happened, key=act.id, page=page, client=act.client, expect=expect, window=window
            )
            return Done(written)
        except LogMoved:
            continue
    raise LogMoved(f"Session {session_id} is written to by others without a pause; send the step again.")


def _again(act: Act, standing: tuple[Record, ...]) -> Done:
    stood = standing[0].event
    if stood is not None and not asked(act, stood):
        raise LogRefused(
            f"A step came again under the id of another, {stood.name}, which stands; it was not carried out. "
            "Please do it once more."
        )
    return Done(standing)


def _failed(act: Act, bench: Bench, error: str, reference: str) -> InterventionFailed:
    return InterventionFailed(
        task=bench.task,
        attempt=bench.attempt,
        act=act.kind,
        component=getattr(act, "component", None),
        reference=reference,
        error=error,
    )
