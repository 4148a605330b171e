"""Tutorial: the real workspace on a picture for practice, with one thing to try at a time until each was used."""

from __future__ import annotations

from pages.parts.frame import page
from pages.parts.guide import guide
from pages.parts.here import arrive
from pages.parts.names import named
from pages.parts.opened import bench_of, open_picture, viewed
from pages.parts.stage import stage
from pages.parts.words import say
from study.decisions import opening
from study.session import Step

who = arrive(Step.TUTORIAL)
key, attempt, stop = str(who.place.task), who.place.attempt, who.place.stop
opened = named(who.rig, who.records, open_picture(who.rig, who.rig.script.tasks[key]))
labels, condition = opened.seen.clean.labels, stop.condition if stop else ""
begun = opening(bench_of(who.rig, who.place), image=opened.picture, labels=labels, condition=condition, practice=True)
who.note(*begun, viewed(opened, key, attempt), key=f"practise/{key}/{attempt}")

with page("stage", say("tutorial.window"), who):
    stage(who, opened, guide)
