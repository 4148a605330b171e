"""Printing a word on a picture: what the command says, writes and refuses, on the demo's own model."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from core.bundle import load_instrument, seal
from core.lettering import checked_word, lettered, open_font
from core.pictures import open_image
from core.types import TillerError
from core.typography import SIZES, Placement, polygon, printed, proposals, read_scene
from study.__main__ import app
from study.workshop.places import put_files
from study.workshop.task_words import print_in_words

DEMO = Path(__file__).parents[2] / "data" / "demo"
HOUSE = DEMO / "images" / "f1a167ad0bb5.webp"


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["task", "make", "typographic", *map(str, words)])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[dict, Path]:
    """A house that the demo takes for an apple once the word is on it."""
    folder = tmp_path_factory.mktemp("made")
    words = ("--image", HOUSE, "--word", "apple", "--face", "print", "--bundle", DEMO, "--json")
    code, told, wrong = run(*words, "--out", folder / "apple.png", "--control", folder / "blank.png")
    assert code == 0, wrong
    return json.loads(told), folder


def ask(path: Path) -> tuple[str, dict[str, float]]:
    """What the demo says of a file, by open_clip's own whole forward pass."""
    model = load_instrument(DEMO)[0]
    with torch.no_grad():
        seen = torch.nn.functional.normalize(
            model.network.encode_image(model.preprocess(open_image(path))[None]), dim=-1
        )
        chances = (model.scale * seen @ model.text.T).softmax(-1)[0].tolist()
    return model.labels[int(np.argmax(chances))], dict(zip(model.labels, chances, strict=True))


def test_a_bundle_whose_dictionary_has_any_name_prints_as_well(tmp_path) -> None:
    """Printing asks no dictionary: what the bundle calls its own, and whether it can be read, makes no odds."""
    bundle = tmp_path / "bundle"
    shutil.copytree(DEMO, bundle)
    said = json.loads((bundle / "bundle.json").read_text())
    names = ("model", "labels", "templates", "reference")
    seal(bundle, {name: said[name] for name in names} | {"dictionaries": {"mine": said["dictionaries"]["cls"]}})
    words = ("--image", HOUSE, "--word", "apple", "--face", "print", "--bundle", bundle, "--json")
    code, told, wrong = run(*words, "--out", tmp_path / "apple.png")
    assert code == 0, wrong
    assert json.loads(told)["after"]["label"] == "apple"


def test_the_model_falls_for_the_word_and_not_for_the_blank_label(made) -> None:
    told, folder = made
    for name, file, label in (("after", "apple.png", "apple"), ("sham", "blank.png", "house"), ("before", "", "house")):
        top, chances = ask(folder / file if file else HOUSE)
        assert top == told[name]["label"] == label
        assert list(chances.values()) == pytest.approx(told[name]["probabilities"], abs=1e-5)
    assert told["falls"] and told["after"]["margin"] > 0 > told["sham"]["margin"]


def test_the_line_beside_the_picture_names_what_was_done_and_to_what(made) -> None:
    told, folder = made
    assert json.loads((folder / "apple.json").read_text()) == told
    for which, path in (("picture", folder / "apple.png"), ("control", folder / "blank.png"), ("source", HOUSE)):
        assert told[which]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert told["model"]["sha256"] == load_instrument(DEMO)[0].digest
    changed = (
        np.abs(np.asarray(open_image(folder / "apple.png"), int) - np.asarray(open_image(HOUSE), int)).max(-1) > 40
    )
    rows, columns = np.nonzero(changed)
    corners = np.array(told["polygon"])
    low, high = corners.min(0) - 12, corners.max(0) + 12  # its shadow falls beyond it
    assert low[0] <= columns.min() and columns.max() <= high[0] and low[1] <= rows.min() and rows.max() <= high[1]


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(made, tmp_path) -> None:
    _, folder = made
    words = ("--image", HOUSE, "--word", "apple", "--face", "print", "--bundle", DEMO)
    assert run(*words, "--out", tmp_path / "again.png")[0] == 0
    assert (tmp_path / "again.png").read_bytes() == (folder / "apple.png").read_bytes()
    assert run(*words, "--seed", 7, "--keep-anyway", "--out", tmp_path / "other.png")[0] == 0
    assert (tmp_path / "other.png").read_bytes() != (folder / "apple.png").read_bytes()


def test_where_nothing_works_nothing_is_written_unless_it_is_to_be_kept(tmp_path) -> None:
    words = ("--image", HOUSE, "--word", "apple", "--bundle", DEMO, "--margin", 90, "--out", tmp_path / "a.png")
    code, _, wrong = run(*words)
    assert code == 1 and not list(tmp_path.iterdir())
    assert "fell for none" in wrong.replace("\n", " ")
    code, told, _ = run(*words, "--keep-anyway", "--json")
    assert code == 0 and (tmp_path / "a.png").is_file() and not json.loads(told)["falls"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--word", " "), "none was given"),
        (("--word", "z" * 41), "41 letters"),
        (("--word", "ap\u200bple"), "cannot be printed"),
        (("--word", "яблоко", "--claims", "apple"), "has no letter"),
        (("--word", "蘋果", "--claims", "apple"), "has no letter"),
        (("--word", "zebra"), "add it with --labels"),
        (("--word", "fruit", "--claims", "pear"), "'pear' was asked for"),
        (("--word", "house"), "as it is"),
        (("--word", "apple", "--pretrained", "x"), "without --model"),
        (("--word", "apple", "--out", "apple.jpg"), "end it in .png"),
        (("--word", "apple", "--font", str(HOUSE)), "no font that can be read"),
    ],
)
def test_what_cannot_be_printed_is_refused_in_one_sentence(words, sentence, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, wrong = run("--image", HOUSE, "--bundle", DEMO, *words)
    assert code == 2 and sentence in wrong.replace("\n", " "), wrong
    assert not list(tmp_path.iterdir())


def test_a_tiny_picture_is_refused_and_one_too_small_for_the_word_too(tmp_path) -> None:
    for side, sentence in ((40, "fewer than 48"), (48, "nobody could read it")):
        Image.linear_gradient("L").convert("RGB").resize((side, side)).save(tmp_path / "tiny.png")
        word = ("--word", "apples and pears on a plate", "--claims", "apple")
        code, _, wrong = run("--image", tmp_path / "tiny.png", "--bundle", DEMO, *word, "--out", tmp_path / "o.png")
        assert code == 2 and sentence in wrong.replace("\n", " "), wrong


def test_what_is_there_already_stays_unless_it_is_to_be_replaced(made, tmp_path) -> None:
    _, folder = made
    words = ("--image", HOUSE, "--word", "apple", "--face", "print", "--bundle", DEMO)
    for name in ("apple.png", "apple.json", "blank.png"):
        (tmp_path / name).write_bytes(b"mine")
        code, _, wrong = run(*words, "--out", tmp_path / "apple.png", "--control", tmp_path / "blank.png")
        assert code == 2 and f"{name}' is there already" in wrong and "--overwrite" in wrong, wrong
        assert [one.name for one in tmp_path.iterdir()] == [name] and (tmp_path / name).read_bytes() == b"mine"
        (tmp_path / name).unlink()
    (tmp_path / "apple.json").write_bytes(b"mine")
    assert run(*words, "--out", tmp_path / "apple.png", "--overwrite")[0] == 0
    assert json.loads((tmp_path / "apple.json").read_text())["control"] is None
    assert (tmp_path / "apple.png").read_bytes() == (folder / "apple.png").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_two_things_in_one_file_and_a_folder_in_its_place_are_refused(tmp_path) -> None:
    words = ("--image", HOUSE, "--word", "apple", "--bundle", DEMO, "--overwrite")
    code, _, wrong = run(*words, "--out", tmp_path / "a.png", "--control", tmp_path / "a.png")
    assert code == 2 and "for two things" in wrong.replace("\n", " ")
    (tmp_path / "a.png").mkdir()
    assert "is a folder" in run(*words, "--out", tmp_path / "a.png")[2].replace("\n", " ")


def test_a_disk_that_fills_half_way_leaves_nothing_half_written(tmp_path, monkeypatch) -> None:
    real = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if ".json" in path.name:
            raise OSError("No space left on device")
        return real(path, content)

    (tmp_path / "a.png").write_bytes(b"mine")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        put_files({tmp_path / "a.png": b"new", tmp_path / "a.json": b"{}"})
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"] and (tmp_path / "a.png").read_bytes() == b"mine"


def test_each_share_is_said_once_and_in_one_format(made) -> None:
    told, _ = made
    screen = Console(width=100)
    with screen.capture() as shown:
        screen.print(print_in_words(told, Path("apple.png")))
    lines = shown.get().splitlines()
    assert len(lines) == 4 and all(len(line) < 100 for line in lines)
    assert lines[2].count("%") == 1  # the model says what the word claims
    assert lines[1].count("%") == 2 and "house" in lines[1] and "margin of apple -" in lines[1]
    assert not re.search(r"\d%", shown.get())


@pytest.mark.parametrize("form", ["L", "LA", "RGBA", "CMYK", "I;16", "P", "exif"])
def test_pictures_of_every_form_are_printed_on(form, tmp_path) -> None:
    image, path = open_image(HOUSE), tmp_path / ("in.tif" if form == "CMYK" else "in.png")
    if form == "exif":
        exif = Image.Exif()
        exif[0x0112] = 6
        image.crop((0, 0, 224, 160)).save(path, exif=exif)
    elif form == "I;16":
        Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257).save(path)
    else:
        image.convert(form).save(path)
    read = open_image(path)
    scene = read_scene(read)
    label, _ = lettered("apple", open_font("apple", None), material="paper", face="hand", seed=0)
    out = printed(scene, label, proposals(scene, label, 0)[-1], 0)
    assert (out.mode, out.size) == ("RGB", read.size) and (form != "exif" or out.size == (160, 224))
    assert np.abs(np.asarray(out, int) - np.asarray(read, int)).max() > 60


def test_a_large_picture_is_searched_small_and_printed_whole(tmp_path) -> None:
    open_image(HOUSE).resize((1300, 1200)).save(tmp_path / "big.jpg")
    words = ("--image", tmp_path / "big.jpg", "--word", "apple", "--face", "print", "--bundle", DEMO)
    code, told, wrong = run(*words, "--out", tmp_path / "out.png", "--json")
    assert code == 0, wrong
    assert open_image(tmp_path / "out.png").size == (1300, 1200) and ask(tmp_path / "out.png")[0] == "apple"
    assert json.loads(told)["size"] == [1300, 1200]


def test_labels_lie_in_the_middle_square_from_small_to_large_and_all_over_it() -> None:
    picture = Image.linear_gradient("L").resize((400, 240)).convert("RGB")
    label, _ = lettered("zebra", open_font("zebra", None), material="paper", face="hand", seed=0)
    places = proposals(read_scene(picture), label, 0)
    widths = [place.width for place in places]
    assert widths == sorted(widths) and len(set(widths)) >= 5 and max(widths) == max(SIZES)
    small = [place for place in places if place.width == min(widths)]
    assert min(one.x for one in small) < 0.35 and max(one.x for one in small) > 0.65
    for place in places:
        for x, y in polygon(picture.size, label, place):
            assert 80 <= x <= 320 and 0 <= y <= 240


def test_the_blank_label_covers_what_the_written_one_covers() -> None:
    picture = Image.new("RGB", (300, 300), (120, 130, 90))
    pair = lettered("zebra", open_font("zebra", None), material="tape", face="print", seed=3)
    place = Placement(0.5, 0.5, 0.5, 3.0, 10.0, -8.0)
    scene = read_scene(picture)
    word, blank = (np.asarray(printed(scene, label, place, 1), int) for label in pair)
    ground = np.asarray(picture, int)
    touched = [np.abs(one - ground).sum(-1) > 12 for one in (word, blank)]
    assert (touched[0] ^ touched[1]).mean() < 0.01
    ink = np.abs(word - blank).sum(-1) > 60
    assert 0.01 < ink.mean() < 0.1


def test_words_of_several_lines_and_other_letters_are_read_as_they_are() -> None:
    assert checked_word("  café\n noir ") == "café noir"
    one, two = (
        lettered(word, open_font(word, None), material="paper", face="hand", seed=0)[0]
        for word in ("ice", "ice cream van")
    )
    assert two.aspect < 2.5 * one.aspect and two.letters < one.letters
    with pytest.raises(TillerError, match="no letter"):
        open_font("زرافة", None)


def test_the_picture_is_a_png_that_any_reader_opens(made) -> None:
    _, folder = made
    Image.open(io.BytesIO((folder / "apple.png").read_bytes())).verify()
