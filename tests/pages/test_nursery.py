"""A fork of a process that imported `core` and `study` is a new process: neither asks where it is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nursery import ROOT

OF_ONE_PROCESS = {"environ", "getenv", "cwd", "getcwd", "getpid", "home", "expanduser", "time", "time_ns", "urandom"}
LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """All of a module but what runs when something in it is called."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, LATER):
            yield child
            yield from run_on_import(child)


def asked(source: str) -> list[int]:
    """The lines on which a module's import asks for what another process would be told otherwise."""
    return [
        node.lineno
        for node in run_on_import(ast.parse(source))
        if isinstance(node, ast.Attribute | ast.Name)
        and (node.attr if isinstance(node, ast.Attribute) else node.id) in OF_ONE_PROCESS
        and isinstance(node.ctx, ast.Load)
    ]


def test_what_the_nursery_holds_of_ours_asks_nothing_of_its_process() -> None:
    assert asked("import os\nHERE = os.environ['A']\ndef later():\n    return os.getcwd()\n") == [2]
    files = [*(ROOT / "core").rglob("*.py"), *(ROOT / "study").rglob("*.py")]
    assert len(files) > 100
    found = {str(file.relative_to(ROOT)): asked(file.read_text(encoding="utf-8")) for file in files}
    assert {name: lines for name, lines in found.items() if lines} == {}
