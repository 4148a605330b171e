"""The commands in the documentation of tasks run on the demo as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from typer.testing import CliRunner

from study.__main__ import app

HOME = Path(__file__).parents[2]


def test_the_commands_of_the_worked_examples_run_as_they_stand(tmp_path, monkeypatch) -> None:
    text = (HOME / "data" / "docs" / "tasks.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    tiller (.+)$", text, re.M)
    assert len(commands) == 4
    (tmp_path / "data").symlink_to(HOME / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    for command in commands:
        done = CliRunner().invoke(app, shlex.split(command))
        assert done.exit_code == 0, (command, done.stderr)
    assert {"apple.png", "apple.json", "blank.png", "found.yaml", "found.json"} <= {
        one.name for one in tmp_path.iterdir()
    }
