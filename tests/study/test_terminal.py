"""What a command writes where nobody watches: lines of progress, refusals as JSON, and no sign that moves a cursor."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from study import terminal
from study.__main__ import app
from study.terminal import ANEW, one_sentence, shown_bytes, shown_progress, told_when_stopped


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time that progress is told by, in seconds; set its one entry."""
    now = [1000.0]
    monkeypatch.setattr(terminal, "monotonic", lambda: now[0])
    return now


def test_progress_in_a_file_is_a_line_for_each_tenth_or_minute_with_the_time_left(clock, capsys):
    with shown_progress() as advance:
        for second in range(201):
            clock[0] = 1000.0 + second
            advance("pictures", 10 * second, 2000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "pictures: 100 of 2,000 (5%), 3:10 left"
    assert lines[1] == "pictures: 200 of 2,000 (10%), 3:00 left"
    assert lines[-1] == "pictures: 2,000 of 2,000 (100%), took 3:20"
    assert len(lines) == 11


def test_slow_progress_is_told_once_a_minute_and_quick_progress_never(clock, capsys):
    with shown_progress() as advance:
        for second in range(0, 601):
            clock[0] = 1000.0 + second
            advance("rows", 5_000_000 + second, 100_000_000)  # gone on with: what was done before says nothing of speed
        for done in range(100):
            clock[0] += 0.01
            advance("words", done + 1, 100)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "rows: 5,000,010 of 100,000,000 (5%), 1100 days left"


def test_downloads_are_told_in_megabytes(clock, capsys):
    with shown_bytes() as advance:
        advance("weights\x1b[2J.pt", 0, 600_000_000)
        clock[0] += 20
        advance("weights\x1b[2J.pt", 150_000_000, 600_000_000)
    assert capsys.readouterr().err == "weights\\x1b[2J.pt: 150.0 of 600.0 MB (25%), 1:00 left\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fetch", "nono"], "Preset 'nono' was asked for"),
        (["sae", "info", "no where"], "there is no such file"),
        (["sae", "info"], "Missing argument"),
        (["bundle", "make", "x", "--images", "y", "--batch", "0"], "--batch"),
        (["verify", "--nothing"], "--nothing"),
        (["nothing"], "nothing"),
    ],
)
def test_a_refusal_with_json_is_one_object_and_a_status(words, said):
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 2
    assert list(result := json.loads(done.stdout)) == ["error"]
    assert said in result["error"]
    assert said in done.stderr
    assert CliRunner().invoke(app, words).stdout == ""


def test_a_name_that_would_move_the_cursor_is_written_out():
    done = CliRunner().invoke(app, ["sae", "info", "a\x1b[2J\r🙂\udc80.pt"])
    assert "a\\x1b[2J\\r🙂\\udc80.pt" in done.stderr


def test_ctrl_c_is_one_sentence_and_status_130_and_says_what_is_kept(capsys):
    for within, said in (
        (nullcontext(), "give the same command again"),
        (told_when_stopped(lambda: ANEW), "begins anew"),
    ):
        with pytest.raises(typer.Exit) as left, one_sentence(), within:
            raise KeyboardInterrupt
        told = capsys.readouterr().err
        assert left.value.exit_code == 130 and told.count("\n") == 1 and said in told


def test_ctrl_c_while_the_command_line_is_imported_is_one_sentence():
    code = (
        "import sys\n"
        "class Pressed:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "from study.console import main; main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "tiller: Stopped before it began.\n")


QUICK = """
import json, sys
from typer.testing import CliRunner
from study.__main__ import app
for words in json.loads(sys.argv[1]):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2 and done.stderr.count("tiller: ") == 1, done.output
    assert "torch" not in sys.modules, words
"""


def test_what_can_be_told_without_torch_is_refused_without_it(tmp_path):
    there, folder = tmp_path / "there.safetensors", tmp_path / "folder"
    there.write_bytes(bytes(8) + b"{")
    folder.mkdir()
    notes, nothing = tmp_path / "notes.md", tmp_path / "nothing.pt"
    notes.write_text("# Notes on a dictionary", encoding="utf-8")
    nothing.touch()
    picture = sorted((Path(__file__).parents[2] / "data" / "demo" / "images").iterdir())[0]
    sae = ["--model", "ViT-B-32", "--images"]
    make = ["bundle", "make", tmp_path / "new", "--labels-from-folders", "--images", folder]
    typed = [
        ["sae", "info", "nowhere.pt"],
        ["sae", "info", notes],
        ["sae", "info", nothing],
        ["sae", "convert", notes, "x.safetensors", *sae, folder],
        ["sae", "convert", "nowhere.pt", "x.safetensors", *sae, folder],
        ["sae", "convert", there, tmp_path / "x.pt", *sae, folder],
        ["sae", "convert", there, folder / "x.safetensors", *sae, there],
        ["sae", "convert", there, folder / "x.safetensors", *sae, folder],
        ["sae", "convert", there, folder / "x.safetensors", *sae, folder, "--device", "abacus"],
        ["fetch", "nothing"],
        [*make, "--preset", "nothing"],
        [*make, "--model", "ViT-B-32", "--sae", "cls=nowhere.pt"],
        [*make, "--model", "ViT-B-32", "--sae", f"cls={there}", "--device", "abacus"],
        ["bundle", "make", folder, "--labels-from-folders", "--images", folder, "--preset", "clip-b32"],
        ["steer", "nowhere.png"],
        ["steer", there],
        ["steer", picture, "--edit", "1:melt"],
        ["steer", picture, "--sae", "nowhere.safetensors"],
        ["steer", picture, "--model", "ViT-B-32"],
        ["attribute", "nowhere.png", "--target", "apple"],
        ["attribute", picture, "--target", "apple", "--labels", "boat,car"],
        ["attribute", picture, "--target", "zebra"],
        ["attribute", picture, "--target", "apple", "--against", "zebra"],
        ["attribute", picture, "--target", "apple", "--labels", " "],
    ]
    words = json.dumps([[str(word) for word in line] for line in typed])
    done = subprocess.run([sys.executable, "-c", QUICK, words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_may_be_typed_next_is_one_line_however_wide_the_terminal(capsys, monkeypatch):
    monkeypatch.setattr(terminal, "screen", Console(width=40))
    typed = "tiller bundle make [FOLDER] " + "a-long-path/" * 12
    terminal.emit({}, "done", json_wanted=False, then=[typed])
    assert capsys.readouterr().out.splitlines() == ["done", "Next:", f"  {typed}"]
    terminal.emit({"x": 1}, "done", json_wanted=True, then=[typed])
    assert json.loads(capsys.readouterr().out) == {"x": 1}
