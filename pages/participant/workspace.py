"""The workspace: see what pushed the model, move it, and watch the answer; every step is written before it is shown."""

from __future__ import annotations

from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.names import named
from pages.parts.opened import open_picture, viewed
from pages.parts.prompts import wait_ms
from pages.parts.stage import stage
from pages.parts.words import say
from study.session import Step

who = arrive(Step.WORKSPACE)
key = str(who.place.task)
opened = named(who.rig, who.records, open_picture(who.rig, who.rig.script.tasks[key]))
who.note(viewed(opened, key, who.place.attempt), key=f"viewed/{key}/{who.place.attempt}")

with page("stage", say("workspace.window"), who):
    stage(who, opened, lambda now: {"tick_ms": wait_ms(now)})
