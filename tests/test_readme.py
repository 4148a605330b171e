"""What the README says, works word by word."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from study.__main__ import app
from study.database import connect

HOME = Path(__file__).resolve().parent.parent
README = (HOME / "README.md").read_text(encoding="utf-8")
SHELL = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line]


def test_two_commands_stand_first_and_prepare_themselves():
    run, test = SHELL[:2]
    assert run.startswith("python3 -m venv") and run.endswith("pip install -e . && streamlit run app.py")
    assert test.startswith("python3 -m venv") and test.endswith('pip install -e ".[test]" && pytest')


def test_every_tiller_command_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{tmp_path / 'log.db'}")
    connect(f"sqlite:///{tmp_path / 'log.db'}").dispose()  # as the app leaves it
    commands = [line for line in SHELL if line.startswith("tiller ")]
    assert len(commands) >= 4
    for line in commands:
        words = shlex.split(line)[1:]
        if "drawn/PICTURE" in words:
            picture = sorted(path for path in Path("drawn").iterdir() if path.suffix != ".csv")[0]
            words[words.index("drawn/PICTURE")] = str(picture)
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{line}\n{done.output}"


def test_the_readme_shows_the_figures_that_the_build_measured():
    shipped = json.loads((HOME / "data" / "demo" / "manifest.json").read_text(encoding="utf-8"))["figures"]
    rows = re.findall(
        r"^\| (.+?) \| ([\d.]+) % \| ([\d.]+) to ([\d.]+) % \| [≥≤] ([\d.]+) % \| (yes|\*\*no\*\*) \|$", README, re.M
    )
    assert len(rows) == len(shipped)
    for (name, *numbers, met), figure in zip(rows, shipped, strict=True):
        assert name == figure["name"]
        assert numbers == [f"{100 * figure[key]:.1f}" for key in ("value", "low", "high")] + [
            f"{100 * figure['goal']:g}"
        ]
        assert met == ("yes" if figure["met"] else "**no**")


def test_every_file_that_the_documents_link_to_exists():
    for page in (HOME / "README.md", *(HOME / "data" / "docs").glob("*.md")):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_command_is_explained_in_the_readme_or_its_help():
    helped = CliRunner().invoke(app, ["--help"]).output
    for name in ("steer", "attribute", "doctor", "export", "demo"):
        assert name in helped
        assert f"tiller {name}" in README


def test_the_top_level_holds_the_house_and_nothing_else():
    allowed = {"pyproject.toml", "README.md", "app.py", "pages", "study", "core", "data", "tests"}
    built = {"build", "tiller.egg-info", "__pycache__"}  # what installing and importing leave
    found = {path.name for path in HOME.iterdir() if not path.name.startswith(".")}
    assert found - built <= allowed
