"""The guide of a tutorial: its list of things to try, ticked from the log, and the one that comes next."""

from __future__ import annotations

from typing import Any

from pages.parts.here import Here
from pages.parts.words import catalogue, say
from study.practice import learned, lessons_of

_CONTROLS = {  # what is pointed at, as the workspace's own page names it
    "inspect": ".row:not([data-chosen='true']) .pick",
    "overlay": ".overlays",
    "suppress": ".row .off",
    "amplify": ".row .more",
    "steer": ".row .keys",
    "undo": "[data-part='undo']",
    "redo": "[data-part='redo']",
    "reset": "[data-part='reset']",
    "mute": ".plan .eye",
    "keep": "[data-part='scenarios']",
}


def guide(who: Here) -> dict[str, Any]:
    """What the workspace shows of a tutorial beside itself, as plain values."""
    stop = who.place.stop
    if stop is None:
        return {}
    language = who.rig.script.language
    lessons, done = lessons_of(stop), learned(who.records, stop)
    first = next((place for place, was in enumerate(done) if not was), None)
    steps = [
        {"name": _said(f"short.{lesson.id}", "short.other", language), "done": was, "now": place == first}
        for place, (lesson, was) in enumerate(zip(lessons, done, strict=True))
    ]
    for step in steps:
        step["label"] = say("tutorial.tick" if step["done"] else "tutorial.open", language, name=step["name"])
    now = None if first is None else lessons[first].id
    return {
        "place": say("tutorial.window", language),
        "goal": say("tutorial.goal", language),
        "guide": {
            "steps": steps,
            "word": say("workspace.next" if now is None else "tutorial.next", language),
            "text": say("tutorial.all_done", language) if now is None else _said(now, "other", language),
            "control": _CONTROLS.get(now or "", ""),
            "count": say("tutorial.steps", language, done=sum(done), all=len(done)),
            "may_leave": now is None or not stop.require,
            "leave": say("tutorial.go_on" if now is None else "tutorial.skip", language),
            "done": now is None,
        },
    }


def _said(key: str, otherwise: str, language: str) -> str:
    known = f"tutorial.{key}" in catalogue("en")
    return say(f"tutorial.{key if known else otherwise}", language)
