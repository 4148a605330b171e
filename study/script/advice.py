"""What is no mistake of a script, and yet most authors would not want."""

from __future__ import annotations

from collections.abc import Iterator

from study.script.file import ScriptFile
from study.script.part import STEERING
from study.script.sense import Mistake, conditions_of, placed_pages
from study.script.sequence import phases_in

NONE = "none"  # the fault of a control task
_ON_LIKE_FAILURES = {"similar": "that the tool similar shows", "claim": "on which the tool claim counts a plan"}


def advised(file: ScriptFile) -> Iterator[Mistake]:
    """What is no mistake, and yet most authors would not want."""
    if not any(task.fault == NONE for task in file.tasks.values()):
        yield (
            ("tasks",),
            "no control task: with one whose fault is `none`, those who repair what is not broken are seen.",
        )
    practised = {page.task for _, page in placed_pages(file)}
    told = [key for key, task in file.tasks.items() if task.truth == "shown" and key not in practised]
    if told and any(task.fault == NONE for task in file.tasks.values()):
        yield (
            ("tasks", told[0]),
            "a control task is known by its frame if pages say what a picture shows; write truth: hidden in all tasks.",
        )
    for key, task in file.tasks.items():
        judged = task.success is not None and task.success.held_out is not None
        for tool, shows in _ON_LIKE_FAILURES.items():
            if judged and tool in task.tools:
                yield (
                    ("tasks", key, "tools"),
                    f"success.held_out judges by the like failures {shows} while people steer: they are held out no "
                    f"longer; leave {tool} out.",
                )
    offered = conditions_of(file)
    steered = any(
        STEERING & set(task.tools) & tools for key, task in file.tasks.items() for tools in offered.get(key, [])
    )
    for number, prompt in enumerate(file.think_aloud.prompts if file.think_aloud else ()):
        if prompt.when.trigger in ("every", "undo", "reset", "top1_flip", "no_effect", "first_steer") and not steered:
            yield ("think_aloud", "prompts", number), f"{prompt.id} waits for a steer, and no task can be steered."
    for key, tools in offered.items():
        task = file.tasks[key]
        if task.limits.min_interventions and not all(STEERING & set(task.tools) & on for on in tools):
            yield (
                ("tasks", key, "limits"),
                "interventions are asked for, and none is waited for under a condition where no tool makes one.",
            )
    fixed = [holder for holder, _ in phases_in(file.sequence) if holder] if file.sequence else []
    if any(holder.order == "fixed" and len(holder.blocks) > 1 for holder in fixed):
        yield ("sequence",), "the phases stand in one order for all: what differs between them may be practice."
