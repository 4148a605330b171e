"""A study is rehearsed before people come: the ways that bots walk, that it has passed, who is refused until then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

from core.types import TillerError
from study.assignment import slots_of
from study.log import EventLog
from study.records import Record
from study.script import StudyScript
from study.simulation import Bot
from study.slots import Slot
from study.streams import stream_of
from study.system_events import SystemPreflightPassed

_TURNS = ("suppressor", "random", "sweeper", "idle")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a rehearsal looked at: what was counted, and a sentence for each fault."""

    name: str
    counted: str
    faults: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class Way:
    """One way through the script: the slot that it takes, and the bot that walks it."""

    slot: Slot
    bot: Bot

    @property
    def name(self) -> str:
        """It in words, for a table."""
        consent = "refuses" if self.bot.refuses else "allows all" if self.bot.allows else "allows what it must"
        return f"slot {self.slot.number}, {self.bot.language}, {consent}"


def ways_of(script: StudyScript) -> tuple[Way, ...]:
    """The ways that matter: each level of each factor, each language, the optional scopes allowed and refused.

    The last is walked by one that refuses what is required, where anything is.
    """
    chosen = list(_covering(slots_of(script)))
    scopes, languages = script.consent.scopes, script.study.languages
    ways = max(len(chosen), len(languages), 1 if all(scope.required for scope in scopes) else 2)
    found = [
        Way(
            chosen[number % len(chosen)],
            Bot(
                seed=number,
                policy=_TURNS[number % len(_TURNS)],
                language=languages[number % len(languages)],
                allows=number % 2 == 0,
            ),
        )
        for number in range(ways)
    ]
    if any(scope.required for scope in scopes):
        found.append(replace(found[0], bot=replace(found[0].bot, seed=ways, refuses=True)))
    return tuple(found)


def _covering(listed: Sequence[Slot]) -> Iterator[Slot]:
    """Slots that have each level of each factor among them, chosen greedily."""
    open_ = {level for slot in listed for level in slot.levels.items()}
    while True:
        best = max(listed, key=lambda slot: len(open_ & set(slot.levels.items())))
        yield best
        open_ -= set(best.levels.items())
        if not open_:
            return


def write_passed(log: EventLog, script: StudyScript, checks: int) -> Record:
    """Write down that a script has passed; good for its exact text and those beside it."""
    event = SystemPreflightPassed(
        study=script.study.id,
        version=script.study.version,
        script_sha256=script.sha256,
        app_version=_app_version(),
        checks=checks,
    )
    log.keep_script(script)
    key = f"passed/{script.sha256}/{log.now().utc_ns}"
    return log.append(stream_of("preflight", script.study.id), event, key=key, actor="researcher")[0]


def has_passed(log: EventLog, script: StudyScript) -> bool:
    """Whether this very text of the script was rehearsed and passed."""
    rows = log.read(stream_of("preflight", script.study.id))
    events = [row.event for row in rows if isinstance(row.event, SystemPreflightPassed)]
    return any(event.script_sha256 == script.sha256 for event in events)


def refuse_unrehearsed(log: EventLog, script: StudyScript) -> None:
    """Refuse to open a study whose script has not passed its rehearsal as it stands.

    Raises:
        TillerError: with the command to run.
    """
    if not has_passed(log, script):
        raise TillerError(
            f"Study {script.study.id} {script.study.version} was to be opened; its script has not passed a rehearsal "
            "as it stands now: run `tiller preflight --study FILE` with it, then open it."
        )


def _app_version() -> str:
    try:
        return version("tiller")
    except PackageNotFoundError:  # a checkout that is not installed
        return ""
