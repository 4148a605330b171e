"""Trrack graphs: every state that a participant went through as a tree, and the way they took through it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from study.predictions import Shown
from study.records import Record
from study.steering_events import (
    Intervention,
    InterventionApplied,
    InterventionCompared,
    InterventionRedone,
    InterventionUndone,
)
from study.task_events import TaskStarted


def write_trrack(records: Sequence[Record], file: TextIO) -> int:
    """Write one graph for each attempt at a task; return how many nodes they have.

    Undo and redo make no node: they are steps to one that is there; comparing is no step. What the format has no place
    for (actor, row, whether it is practice) is in each node's meta.
    """
    graphs: dict[str, _Graph] = {}
    for record in records:
        event = record.event
        if isinstance(event, TaskStarted):
            graphs[f"{event.task}/{event.attempt}"] = _Graph(record, practice=event.practice)
        elif isinstance(event, Intervention) and not isinstance(event, InterventionCompared):
            graph = graphs.get(f"{event.task}/{event.attempt}")
            if graph is not None:
                graph.follow(record, event)
    json.dump({name: graph.plain() for name, graph in graphs.items()}, file, indent=1)
    return sum(len(graph.nodes) for graph in graphs.values())


def check_trrack(path: Path) -> int:
    """Read the graphs back: parents and children name each other, and every step ends at a node; their nodes.

    Raises:
        ValueError: one does not.
    """
    found = 0
    for name, graph in json.loads(path.read_text(encoding="utf-8")).items():
        nodes = graph["nodes"]
        found += len(nodes)
        for node in nodes.values():
            parent = node.get("parent")
            if parent is not None and node["id"] not in nodes.get(parent, {}).get("children", ()):
                raise ValueError(f"node {node['id']} of {name} is not among its parent's children")
            if any(nodes.get(child, {}).get("parent") != node["id"] for child in node["children"]):
                raise ValueError(f"a child of node {node['id']} of {name} has another parent")
        steps = [graph["root"], graph["current"], *(step["nodeId"] for step in graph["traversalEvents"])]
        if missing := set(steps) - set(nodes):
            raise ValueError(f"{name} goes to {min(missing)}, which is not there")
    return found


class _Graph:
    def __init__(self, started: Record, *, practice: bool) -> None:
        self.practice = practice
        self.root = started.event_id
        self.current = self.root
        self.nodes: dict[str, dict[str, Any]] = {}
        self.steps: list[dict[str, Any]] = []
        self._add(started, "Root", None, [])

    def follow(self, record: Record, event: Intervention) -> None:
        """Go where an intervention went."""
        if isinstance(event, InterventionUndone):
            self._go(record, str(self.nodes.get(event.undone_event, {}).get("parent") or self.root))
        elif isinstance(event, InterventionRedone):
            self._go(record, event.redone_event if event.redone_event in self.nodes else self.current)
        else:
            label = f"{event.tool} component {event.component}" if isinstance(event, InterventionApplied) else "reset"
            self._add(record, label, self.current, _edits(event.after))
            self._go(record, record.event_id)

    def plain(self) -> dict[str, Any]:
        """The graph as the format has it."""
        return {"nodes": self.nodes, "root": self.root, "current": self.current, "traversalEvents": self.steps}

    def _go(self, record: Record, node: str) -> None:
        self.current = node
        self.steps.append({"nodeId": node, "createdOn": record.utc_ns // 1_000_000})

    def _add(self, record: Record, label: str, parent: str | None, edits: list[dict[str, Any]]) -> None:
        node: dict[str, Any] = {
            "id": record.event_id,
            "label": label,
            "event": record.name if parent else "Root",
            "createdOn": record.utc_ns // 1_000_000,
            "level": 0 if parent is None else self.nodes[parent]["level"] + 1,
            "children": [],
            "state": {"type": "checkpoint", "val": edits},
            "artifacts": [],
            "meta": {
                "annotation": [],
                "bookmark": [],
                "seq": record.seq,
                "actor": record.row["actor"],
                "practice": self.practice,
            },
        }
        if parent is not None:
            node |= {"parent": parent, "sideEffects": {"do": [], "undo": []}}
            self.nodes[parent]["children"].append(record.event_id)
        self.nodes[record.event_id] = node


def _edits(seen: Shown) -> list[dict[str, Any]]:
    return [
        {"component": edit.component, "op": edit.op.value, "strength": edit.strength, "scope": edit.scope.value}
        | ({"patches": list(edit.patches)} if edit.patches else {})
        for edit in seen.edits
    ]
