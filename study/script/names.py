"""What the rules of a script may ask about: a fixed list of names, each with its kind."""

from __future__ import annotations

from collections.abc import Mapping

from study.script.answers import Slider
from study.script.file import ScriptFile
from study.script.sequence import pages_in

STATE = {"state.top1": str, "state.edits": float, "state.suppressed": float, "state.probability": float}
HELD_OUT = {"fixed": float, "broken": float}


def names_in(script: ScriptFile) -> Mapping[str, type]:
    """The names that `if` and `skip` may use: mode, consent.SCOPE, arm.ARM, answer.TASK.ITEM, score.INSTRUMENT."""
    names: dict[str, type] = {"mode": str}
    names |= {f"consent.{scope.key}": bool for scope in script.consent.scopes}
    names |= {f"arm.{name}": str for name in script.arms}
    asked = {key: task.answers for key, task in script.tasks.items()}
    pages = pages_in(script.sequence) if script.sequence else ()
    asked |= {page.id: page.ask for page in pages if page.id and page.ask}
    names |= {
        f"answer.{key}.{one.id}": float if isinstance(one, Slider) else str
        for key, asks in asked.items()
        for one in asks
    }
    return names | {f"score.{use.id}": float for use in script.instruments if use.at == "end"}
