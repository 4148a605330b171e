"""Tasks found in a folder of drawn pictures, every proposal checked by hooked passes that share nothing with them."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from core.bundle import load_instrument
from core.convention import NoNorm, TopK
from core.demo.artefacts import draw_set
from core.failures import Journal, ask_pictures, journal_key
from core.folder import labelled_pictures
from core.pictures import open_image
from core.types import TillerError
from study.__main__ import app
from study.rules import read_rule
from study.workshop.choices import dictionary_named
from study.workshop.found import quoted
from study.workshop.task_words import report_in_words

DEMO = Path(__file__).parents[2] / "data" / "demo"


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [*map(str, words)])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def tool():
    return load_instrument(DEMO)[:2]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """Drawn pictures, one of them broken."""
    folder = tmp_path_factory.mktemp("drawn")
    draw_set(120, 3, folder)
    (folder / "0001.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def found(drawn, tmp_path_factory) -> tuple[dict, Path]:
    out = tmp_path_factory.mktemp("found") / "found.yaml"
    words = ("task", "find", "--images", drawn, "--labels", drawn / "truth.csv", "--bundle", DEMO, "--top", 4)
    code, told, wrong = run(*words, "--out", out, "--json")
    assert code == 0, wrong
    return json.loads(told), out


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "truth.csv").open(newline="") as table:
        return list(csv.DictReader(table))


def hooked(tool, path: Path, components: list[int]) -> torch.Tensor:
    """Logits of the whole tower with `components` cut out of the block's output, by the formula written out."""
    model, sae = tool
    convention = sae.convention
    assert isinstance(convention.activation, TopK) and isinstance(convention.normalisation, NoNorm)
    rows, dictionary = sae.encoder.double(), sae.dictionary.double()

    def without(_block, _inputs, x):
        u = (x.double() - convention.pre_bias * sae.bias.double()) @ rows.T + sae.encoder_bias.double()
        kept, places = u.topk(convention.activation.k, dim=-1)
        z = torch.zeros_like(u).scatter(-1, places, kept.clamp_min(0))
        return (x.double() - z[..., components] @ dictionary[components]).float()

    handle = model.visual.transformer.resblocks[model.block].register_forward_hook(without)
    try:
        with torch.no_grad():
            vector = model.network.encode_image(model.preprocess(open_image(path))[None], normalize=True)
    finally:
        handle.remove()
    return (model.scale * vector @ model.text.T)[0]


def test_every_repair_is_one_in_an_independent_hooked_pass_and_takes_no_component_too_many(tool, drawn, found) -> None:
    report, _ = found
    labels = tool[0].labels
    assert len(report["tasks"]) == 4
    for task in report["tasks"]:
        components, truth = [each["index"] for each in task["components"]], labels.index(task["shows"])
        assert 1 <= len(components) <= 5
        for which, taken in (("before", []), ("after", components)):
            chance = hooked(tool, drawn / task["file"], taken).softmax(-1)[truth].item()
            assert chance == pytest.approx(task["probability"][which], abs=1e-4)
        assert labels[int(hooked(tool, drawn / task["file"], []).argmax())] == task["says"] == task["rival"]
        assert int(hooked(tool, drawn / task["file"], components).argmax()) == truth
        for each in components:
            fewer = [other for other in components if other != each]
            assert int(hooked(tool, drawn / task["file"], fewer).argmax()) != truth


def test_held_out_pictures_fail_alike_and_are_met_nowhere_else(tool, drawn, found) -> None:
    report, _ = found
    labels = tool[0].labels
    own = {task["sha256"] for task in report["tasks"]} | {one["sha256"] for one in report["controls"]}
    reference = set(report["reference"])
    assert sum(len(task["held_out"]) for task in report["tasks"]) >= 5
    for task in report["tasks"]:
        components = [each["index"] for each in task["components"]]
        fixed = 0
        for other in task["held_out"]:
            assert other["sha256"] not in own and other["file"] not in reference
            assert labels[int(hooked(tool, drawn / other["file"], []).argmax())] == other["says"] != other["shows"]
            fixed += int(hooked(tool, drawn / other["file"], components).argmax()) == labels.index(other["shows"])
        assert (task["fixed"]["hits"], task["fixed"]["trials"]) == (fixed, len(task["held_out"]))


def test_damage_is_counted_as_hooked_passes_count_it(tool, drawn, found) -> None:
    report, _ = found
    truth = {row["file"]: row["truth"] for row in rows_of(drawn)}
    components = [each["index"] for each in report["tasks"][0]["components"]]
    said = [int(hooked(tool, drawn / name, components).argmax()) for name in report["reference"]]
    broken = sum(tool[0].labels[top] != truth[name] for top, name in zip(said, report["reference"], strict=True))
    counted = report["tasks"][0]["broken"]
    assert (counted["hits"], counted["trials"]) == (broken, len(report["reference"]))
    assert 0 <= counted["low"] <= counted["value"] <= counted["high"] <= 1


def test_the_failures_found_have_the_causes_that_were_drawn(drawn, found) -> None:
    truth = {row["file"]: row for row in rows_of(drawn)}
    cued = [truth[task["file"]] for task in found[0]["tasks"]]
    assert any(row["word"] and row["word"] == task["says"] for row, task in zip(cued, found[0]["tasks"], strict=True))
    for task, row in zip(found[0]["tasks"], cued, strict=True):
        names = " ".join(each["name"] for each in task["components"])
        assert "printed word" not in names or row["word"] or len(task["components"]) > 1


def test_controls_are_right_and_files_that_cannot_be_read_are_named(tool, drawn, found) -> None:
    report, _ = found
    assert [one["file"] for one in report["broken_files"]] == ["0001.png"] and report["pictures"] == 119
    assert len({one["shows"] for one in report["controls"]}) == 2
    for one in report["controls"]:
        assert tool[0].labels[int(hooked(tool, drawn / one["file"], []).argmax())] == one["shows"]


def test_the_script_is_accepted_and_says_what_the_report_says(found, monkeypatch) -> None:
    from study.script import load_script

    report, out = found
    monkeypatch.setenv("TILLER_BUNDLE", str(DEMO))
    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{out.parent / 'none.db'}")
    code, told, wrong = run("study", "check", out, "--json")
    assert code == 0, wrong
    assert len(json.loads(told)["stops"]) == 2 + 6
    script = load_script(out)
    for task, one in zip(script.tasks.values(), report["tasks"], strict=False):
        assert task.shows == one["shows"] and len(task.similar) == len(one["held_out"])
        assert one["file"] not in task.picture and (out.parent / task.picture).is_file()
    assert json.loads(out.with_suffix(".json").read_text()) == report and not list(out.parent.glob("*.part.jsonl"))


def test_a_script_of_another_bundle_is_told_where_to_name_it(found, monkeypatch) -> None:
    _, out = found
    other = out.with_name("other.yaml")
    other.write_text(re.sub(r"sae: \w+", "sae: another", out.read_text()))
    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{out.parent / 'none.db'}")
    monkeypatch.delenv("TILLER_BUNDLE", raising=False)
    code, _, wrong = run("study", "check", other)
    assert code == 2 and "'another'" in wrong and "No TILLER_BUNDLE is set" in wrong
    monkeypatch.setenv("TILLER_BUNDLE", str(DEMO))
    code, _, wrong = run("study", "check", other)
    assert code == 2 and "'another'" in wrong and "TILLER_BUNDLE" not in wrong


def test_tasks_that_are_there_already_stay(drawn, found) -> None:
    before = found[1].read_bytes()
    words = ("task", "find", "--images", drawn, "--labels", drawn / "truth.csv", "--bundle", DEMO)
    code, _, wrong = run(*words, "--out", found[1])
    assert code == 2 and "are there already" in wrong.replace("\n", " ") and "--overwrite" in wrong
    assert found[1].read_bytes() == before


def test_the_report_says_shares_in_one_format_and_each_task_with_its_number(found) -> None:
    screen = Console(width=80)
    with screen.capture() as shown:
        screen.print(report_in_words(found[0], found[1]))
    assert not re.search(r"\d%", shown.get()) and " %" in shown.get()
    assert re.findall(r"^\d\. ", shown.get(), re.M) == ["1. ", "2. ", "3. ", "4. "]


def test_a_script_asks_for_the_dictionary_that_the_tasks_were_found_with(tmp_path) -> None:
    said = json.loads((DEMO / "bundle.json").read_text())
    assert [dictionary_named(DEMO, *each) for each in ((None, None), ("cls", None), ("my.safetensors", None))] == [
        "spatial",
        "cls",
        "spatial",
    ]
    del said["dictionaries"]["spatial"]
    (tmp_path / "bundle.json").write_text(json.dumps(said))
    assert dictionary_named(tmp_path, None, None) == "cls"


def test_a_class_with_an_apostrophe_is_written_so_that_a_rule_reads_it() -> None:
    for label in ("boat", "jack-o'-lantern", 'a "fish"'):
        rule = read_rule(f"state.top1 == {quoted(label)}", {"state.top1": str})
        assert rule.holds({"state.top1": label}) and not rule.holds({"state.top1": "car"})
    with pytest.raises(TillerError, match="rename it"):
        quoted("an \" and a '")


def test_what_is_wrong_with_an_order_is_said_before_torch_is_imported(tmp_path) -> None:
    (tmp_path / "lorry").mkdir()
    (tmp_path / "lorry" / "a.png").write_bytes(b"none")
    house = DEMO / "images" / "f1a167ad0bb5.webp"
    bundle = ["--bundle", str(DEMO)]
    orders = [
        ["doctor", *bundle, "--dictionary", "none"],
        ["doctor", "--bundle", str(tmp_path)],
        ["task", "find", "--images", str(tmp_path / "not"), *bundle],
        ["task", "find", "--images", str(tmp_path), *bundle],
        ["task", "find", "--images", str(tmp_path), "--model", "ViT-B-32"],
        ["task", "make", "typographic", "--image", str(house), "--word", "zebra", *bundle],
        ["task", "make", "typographic", "--image", "none.png", "--word", "apple", *bundle],
    ]
    code = f"""
import sys
from typer.testing import CliRunner
from study.__main__ import app
for order in {orders!r}:
    done = CliRunner().invoke(app, order)
    assert done.exit_code == 2 and done.stderr.startswith("tiller: "), (order, done.stderr)
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=DEMO.parents[1])


def test_a_held_out_picture_that_is_lost_or_met_is_a_mistake(found, tmp_path) -> None:
    import shutil

    from study.script import ScriptError, load_script

    shutil.copytree(found[1].parent, tmp_path / "copy")
    path = tmp_path / "copy" / "found.yaml"
    task = next(one for one in load_script(path).tasks.values() if one.similar)
    first = next(iter(task.similar))
    (path.parent / first).unlink()
    with pytest.raises(ScriptError, match=r"take it out of similar"):
        load_script(path)
    path.write_text(path.read_text().replace(first, task.picture), encoding="utf-8")
    with pytest.raises(ScriptError, match=r"which participants meet"):
        load_script(path)


def test_what_was_computed_before_an_interruption_is_not_computed_again(tool, drawn, tmp_path, monkeypatch) -> None:
    import core.failures

    model, sae = tool
    pictures = labelled_pictures(drawn, drawn / "truth.csv")[:64]
    key = journal_key(model, sae, drawn, pictures, 0.5)
    real, passes = core.failures._pass, []

    def counted(*given):
        if len(passes) == 2:
            passes.append("cut")
            raise KeyboardInterrupt
        passes.append("done")
        return real(*given)

    monkeypatch.setattr(core.failures, "_pass", counted)
    path = tmp_path / "part.jsonl"
    with pytest.raises(KeyboardInterrupt):
        ask_pictures(model, sae, drawn, pictures, near=0.5, journal=Journal(path, key))
    with path.open("a") as file:
        file.write('{"name": "pass 32", "val')  # killed while it wrote
    again = ask_pictures(model, sae, drawn, pictures, near=0.5, journal=Journal(path, key))
    assert passes == ["done", "done", "cut", "done", "done"]
    assert again == ask_pictures(model, sae, drawn, pictures, near=0.5, journal=Journal(None, key))
    assert Journal(path, "another").recall("pass 0", lambda: "anew") == "anew"


def test_the_same_pictures_in_folders_of_their_classes_are_read_alike(drawn, tmp_path) -> None:
    rows = rows_of(drawn)[2:30]
    for row in rows:
        (tmp_path / row["truth"]).mkdir(exist_ok=True)
        (tmp_path / row["truth"] / row["file"]).write_bytes((drawn / row["file"]).read_bytes())
    assert {(one.name.rpartition("/")[2], one.shows) for one in labelled_pictures(tmp_path)} == {
        (row["file"], row["truth"]) for row in rows
    }


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("file,label\na.png,cat\n", "takes `file` and `truth`"),
        ("file,truth\na.png,\n", "Line 2"),
        ("file,truth\n../a.png,cat\n", "outside"),
        ("file,truth\n", "the columns none"),
    ],
)
def test_a_table_that_is_none_is_refused_in_one_sentence(table, sentence, tmp_path) -> None:
    (tmp_path / "t.csv").write_text(table)
    with pytest.raises(TillerError, match=sentence):
        labelled_pictures(tmp_path, tmp_path / "t.csv")


def test_strange_classes_and_empty_folders_are_refused(tmp_path) -> None:
    code, _, wrong = run("task", "find", "--images", tmp_path, "--bundle", DEMO)
    assert code == 2 and "no labelled picture" in wrong.replace("\n", " ")
    (tmp_path / "lorry").mkdir()
    open_image(DEMO / "images" / "f1a167ad0bb5.webp").save(tmp_path / "lorry" / "a.png")
    code, _, wrong = run("task", "find", "--images", tmp_path, "--bundle", DEMO)
    assert code == 2 and "The pictures show lorry" in wrong.replace("\n", " ")


def test_a_study_counts_its_own_held_out_pictures_as_the_report_does(found, tmp_path) -> None:
    import os

    from app import build
    from core.proposals import plan_of
    from core.ripple import build_reference, ripple

    report, out = found
    rig = build(
        os.environ
        | {
            "TILLER_BUNDLE": str(DEMO),
            "TILLER_STUDY": str(out),
            "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}",
        }
    )
    bundle = rig.bundles["spatial"]
    for task, one in zip(rig.script.tasks.values(), report["tasks"], strict=False):
        similar = rig.tasks[task.picture].similar
        if not similar:
            continue
        pixels = [bundle.model.pixels(path.read_bytes()) for path, _ in similar]
        truth = [bundle.model.labels.index(shows) for _, shows in similar]
        held = build_reference(bundle.model, bundle.sae, pixels, truth, [path.name for path, _ in similar])
        plan = plan_of(each["index"] for each in one["components"])
        assert ripple(bundle.model, bundle.sae, held, plan).fixed == one["fixed"]["hits"]
