"""What `tiller index` shows, and what it refuses before torch is waited for."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from indexed import build, draw_pictures, write_bundle
from rich.console import Console
from tiny import TINY
from typer.testing import CliRunner

from core.bundle import seal
from core.checkpoints.native import load_native
from core.index import read_index
from core.index_summary import broken_in, code_quantiles, edge, names_beside, strongest, summary_of
from core.indexing.plan import said_by_dictionary, said_of_pictures, work_of
from core.sae import Convention, Relu
from core.search import Match
from core.types import TillerError
from study.__main__ import app
from study.settings import HOME
from study.workshop import shown
from study.workshop.index_card import component_card, histogram
from study.workshop.index_matches import matches_table
from study.workshop.index_search import refuse_share
from study.workshop.index_tables import heading_sheet, nothing_fits, nothing_found

DEMO = HOME / "data" / "demo"
BROKEN = tuple(range(0, 16, 2))


@pytest.fixture(scope="module")
def bundle(make_network, make_clip, make_sae, tmp_path_factory) -> Path:
    """A bundle with an index of pictures in two classes, 8 of 60 broken; one name has brackets and a line break."""
    folder = tmp_path_factory.mktemp("shown")
    network = make_network()
    model = make_clip(network, block=-2)
    sae = make_sae(model, Convention(Relu()))
    sae.encoder_bias.data[5] = -100.0  # never fires
    images = draw_pictures(folder / "images", 60, broken=BROKEN)
    (images / "a" / "00020.png").rename(images / "a" / "[red]\n.png")
    file = build(model, sae, images, folder / "x.index")
    made = write_bundle(folder / "bundle", network, TINY, sae)
    (made / "x.index").write_bytes(file.path.read_bytes())
    said = json.loads((made / "bundle.json").read_text())
    said["dictionaries"]["spatial"]["index"] = "x.index"
    seal(made, {name: said[name] for name in ("model", "labels", "templates", "dictionaries", "reference")})
    return made


def rendered(what, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(what)
    return console.file.getvalue().splitlines()


def asked(*words: object) -> str:
    told = CliRunner().invoke(app, ["index", *map(str, words)])
    assert told.exit_code == 0, told.output
    return told.stdout


@pytest.mark.parametrize("width", [30, 40, 80, 100, 160])
def test_a_card_fits_a_terminal_of_any_width(bundle, width):
    index = read_index(bundle / "x.index")
    for component in (3, 5, 60):
        card = index[component]
        images, quantiles, named = strongest(index, component), code_quantiles(card), names_beside(index, card)
        lines = rendered(component_card(card, images=images, quantiles=quantiles, named=named, width=width), width)
        assert max(map(len, lines)) <= width
        text = " ".join(" ".join(lines).split())
        assert f"component {component} {card.label}" in text
        if component != 5:
            assert f"p99 {shown.code(card.p99)}" in text
            assert all(str(other) in text for other, _ in (*card.neighbours, *card.partners))
            assert all(shown.score(value) in text for _, value in card.runner_ups)
            assert sum("▁" in line or "█" in line for line in lines) >= 2
            assert shown.code(images[0][1]) in text


def test_an_index_names_classes_and_the_first_broken_pictures(bundle):
    file = read_index(bundle / "x.index").file
    broken = broken_in(file)
    assert [one["file"] for one in broken] == [f"a/{number:05d}.png" for number in BROKEN]
    assert all("cut short" in one["why"] for one in broken)
    for width in (40, 80, 100):
        lines = rendered(heading_sheet(Path("x.index"), file.heading, summary_of(file), broken), width)
        assert max(map(len, lines)) <= width
        text = " ".join(" ".join(lines).split())
        assert "52 read of 60, 8 broken" in text
        assert "classes a, b" in text
        assert "a/00008.png" in text
        assert "a/00010.png" not in text
        assert "and 3 more" in text
        assert "63 fire, 1 never" in text
    said = json.loads(asked("info", bundle / "x.index", "--verify", "--json"))
    assert said["broken_files"] == broken
    assert said["verified"] is True
    assert "every byte is as it was written" in asked("info", "--bundle", bundle, "--verify")


@pytest.mark.parametrize("bound", ["--min-clarity=80", "--max-density=1.5", "--min-class-share=-0.1"])
def test_a_bound_that_no_component_can_meet_or_miss_is_refused(bundle, bound):
    told = CliRunner().invoke(app, ["index", "search", str(bundle / "x.index"), "--text", "a", bound])
    assert told.exit_code == 2
    assert f"Invalid value for '{bound.split('=')[0]}'" in told.output


@pytest.mark.parametrize("tokens", ["cls", "patches"])
def test_a_share_of_the_class_token_is_asked_only_of_a_dictionary_of_both(tokens):
    refuse_share("all", 0.1, None)
    refuse_share(tokens, None, None)
    with pytest.raises(TillerError, match="leave --min-class-share and --max-class-share out"):
        refuse_share(tokens, None, 0.5)


def test_a_name_with_brackets_and_a_line_break_is_shown_as_it_is():
    assert shown.name("a/[red]\n.png").plain == "a/[red]\\n.png"
    assert shown.name("\udcff").plain == "\\xff"


def test_numbers_have_the_digits_that_mean_something():
    assert [shown.share(one) for one in (0, 0.00013, 0.0456, 0.4561, 1)] == ["0 %", "0.013 %", "4.6 %", "46 %", "100 %"]
    assert [shown.code(one) for one in (0.2, 15, 137.4, 12345.6)] == ["0.200", "15.0", "137", "12,346"]
    assert shown.score(float("nan")) == "–"


def test_a_histogram_has_a_bar_for_each_bin_and_ticks_at_powers_of_two():
    counts = [0] * 48
    counts[24], counts[25], counts[27] = 4, 2, 1  # from 1, from 1.5, from 3
    assert [edge(place) for place in (24, 25, 26, 27)] == [1, 1.5, 2, 3]
    *bars, axis = histogram(counts, 80).plain.split("\n")
    assert [row.ljust(12)[:12] for row in bars] == ["███         ", "███         ", "██████      ", "██████   ███"]
    assert axis.split() == ["1", "2", "4"]
    assert (axis.index("2"), axis.index("4")) == (6, 12)


def test_quantiles_of_codes_lie_in_the_bin_of_the_true_one(bundle):
    index = read_index(bundle / "x.index")
    card = index[3]
    edges = np.array([edge(place) for place in range(49)])
    both = np.array(card.histogram_class) + np.array(card.histogram_patches)
    for share, value in code_quantiles(card).items():
        place = int(np.searchsorted(edges, value, "right")) - 1
        assert both[:place].sum() < float(share) * both.sum() <= both[: place + 1].sum()


@pytest.mark.parametrize("width", [40, 80, 100, 140])
def test_matches_fit_a_terminal_and_say_where_their_score_comes_from(bundle, width):
    from core.search import by_text

    matches = by_text(read_index(bundle / "x.index"), "dog", lambda text: np.zeros(0), top=8)
    file = read_index(bundle / "x.index").file
    empty, dog = file["word_vectors"][0], file["word_vectors"][1 + file.texts("words")[:].index("dog")]
    for one in matches:
        mean = file["exemplar_mean"][one.component]
        unit = mean / np.linalg.norm(mean)
        assert (one.cosine, one.score) == pytest.approx((unit @ dog, unit @ dog - unit @ empty), abs=1e-6)
    lines = rendered(matches_table(matches, moved=None, note="where from", width=width), width)
    assert max(map(len, lines)) <= width
    assert all(any(str(one.component) in line and f"{one.score:+.3f}" in line for line in lines) for one in matches)
    assert "where from" in lines[-1]


def found(label: str, image: str, score: float) -> Match:
    return Match(
        component=49_151, label=label, score=score, cosine=0.21, per_p99=12.5, density=0.0312, p99=12_345.6,
        clarity=0.71, monosemanticity=0.65, class_share=0.4, image=image,
    )  # fmt: skip


@pytest.mark.parametrize("moved", [None, ("apple", "boat")])
def test_names_alone_are_cut_in_a_terminal_and_nothing_is_in_a_pipe(moved):
    long, file = "a very long name of a component indeed", "folder/of/photographs/0000000000000001.jpeg"
    matches = [found(long, file, 0.1234), found("dog", "a.png", 0.1)]
    heads = "logits at p99 a unit p99 fires in clarity mono- semanticity" if moved else "score cosine fires in clarity"
    for width in range(30, 161):
        lines = rendered(matches_table(matches, moved=moved, note="", width=width), width)
        assert max(map(len, lines)) <= width
        text = " ".join(lines)
        assert "component" in text and (width < 90 or all(each in text for each in heads.split())), width
        cut = {word for word in text.split() if "…" in word}
        assert all(long.startswith(each[:-1]) or each[:-1] in long or file.startswith(each[:-1]) for each in cut), cut
        assert "49151" in text
    whole = "\n".join(rendered(matches_table(matches, moved=moved, note="", width=None), 1000))
    assert long in whole and file in whole and "…" not in whole


def test_a_search_in_a_bundle_takes_its_index_model_and_dictionary(bundle):
    words = json.loads(asked("search", "--bundle", bundle, "--text", "Dog", "--top", 3, "--json"))
    assert (words["source"], len(words["components"]), words["fire"]) == ("vocabulary", 3, 63)
    phrase = json.loads(asked("search", "--bundle", bundle, "--text", "a dog at sea", "--top", 2, "--json"))
    assert (phrase["source"], len(phrase["components"])) == ("model", 2)
    moved = json.loads(asked("search", "--bundle", bundle, "--from", "Apple", "--to", "boat", "--top", 4, "--json"))
    assert (moved["from"], moved["to"]) == ("apple", "boat")
    for one in moved["components"]:
        assert one["per_p99"] == pytest.approx(one["score"] * one["p99"], rel=1e-5)
    assert "one unit of code adds to the margin of boat over apple" in " ".join(
        asked("search", "--bundle", bundle, "--from", "apple", "--to", "boat").split()
    )


def test_a_search_lists_what_fits_alone_and_what_fires_in_one_picture_last(bundle):
    from core.search import by_text

    index = read_index(bundle / "x.index")
    every = by_text(index, "dog", lambda text: np.zeros(0), top=len(index))
    alone = [math.isnan(one.clarity) for one in every]
    assert alone == sorted(alone)
    for known in (True, False):
        scores = [one.score for one in every if math.isnan(one.clarity) is known]
        assert scores == sorted(scores, reverse=True)
    words = json.loads(asked("search", "--bundle", bundle, "--text", "dog", "--top", 99, "--json"))
    assert [one["component"] for one in words["components"]] == [one.component for one in every if one.score > 0]
    moved = json.loads(asked("search", "--bundle", bundle, "--from", "apple", "--to", "boat", "--top", 99, "--json"))
    back = json.loads(asked("search", "--bundle", bundle, "--from", "boat", "--to", "apple", "--top", 99, "--json"))
    there, again = ({one["component"] for one in found["components"]} for found in (moved, back))
    assert there and again and not there & again, "what adds to one class over another takes from the other"
    assert nothing_fits(1238, "dog", None).startswith("Nothing fits: of 1,238 components that fire, none within the bo")
    assert nothing_fits(2, None, ("apple", "boat")).endswith("adds to boat over apple.")


def test_a_search_without_a_match_says_which_bound_leaves_none(bundle):
    said = " ".join(
        asked("search", "--bundle", bundle, "--text", "dog", "--min-clarity", 1, "--max-density", 1).split()
    )
    assert said.startswith("No component is within the bounds: of 63 that fire, 63 with --max-density, 0 with --min-cl")
    assert nothing_found(0, {}) == "No component was found: 0 components of this index fire."


def test_what_can_be_refused_is_refused_before_torch_is_imported_and_anything_is_written(bundle, tmp_path):
    """In one process of its own, in which torch must not be there at the end."""
    (tmp_path / "empty").mkdir()
    pictures = draw_pictures(tmp_path / "pictures", 2)
    (tmp_path / "words.txt").write_bytes(b"\xff\xfe")
    (tmp_path / "table.csv").write_text("file,truth\nelsewhere.png,dog\n")
    (tmp_path / "there.index").write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "words").write_text("cat")
    draw_pictures(tmp_path / "other", 2)
    native = said_by_dictionary(bundle / "spatial.safetensors", whole=True)
    assert native == {
        "model": native["model"],
        "block": 1,
        "dictionary": load_native(bundle / "spatial.safetensors").digest,
    }
    begun = {"batch": 64, "threads": 1, "device": "cpu", "processes": 1, "vocabulary": "0" * 64, **native}
    begun |= said_of_pictures(pictures, None, from_folders=False)
    works = {"begun": begun, "foreign": begun | {"model": "f" * 64}, "deeper": begun | {"block": 2}}
    works["trained on"] = begun | {"dictionary": "e" * 64}
    for name, plan in works.items():
        work_of(tmp_path / name).mkdir()
        (work_of(tmp_path / name) / "plan.json").write_text(json.dumps(plan))
    before = sorted(tmp_path.rglob("*"))
    there, out = ["build", "--images", str(pictures)], str(tmp_path / "x.index")
    own = [*there, "--bundle", str(bundle), "--out"]
    resumed = [*own, str(tmp_path / "begun")]
    cases = [
        (["info"], "No index was named"),
        (["info", str(tmp_path)], "is a folder"),
        (["info", str(bundle / "spatial.safetensors")], "holds a dictionary in Tiller's own format, not an index"),
        (["info", str(bundle / "x.index"), "--component", "64"], "name one from 0 to 63"),
        (["info", "--bundle", str(bundle), "--sae", "other"], "has spatial: name one"),
        (["search", out, "--text", " "], "--text is empty"),
        (["search", out, "--text", "a", "--to", "b"], "--text and --from or --to were both given"),
        (["search", out, "--to", "b"], "--from CLASS was left out"),
        (["search", out], "Nothing was asked for"),
        (["search", "--text", "a"], "No index was named"),
        (["search", "--bundle", str(bundle), "--model", "x", "--text", "a"], "--bundle and --model were both given"),
        (["search", "--bundle", str(bundle), "--from", "apple", "--to", "bota"], "there are boat"),
        (["search", "--bundle", str(bundle), "--from", "apple", "--to", "APPLE"], "asked for twice"),
        (["search", out, "--pretrained", "x", "--text", "a"], "without --model"),
        (
            ["search", "--bundle", str(DEMO), "--sae", "cls", "--text", "a"],
            f"`tiller index build --images FOLDER --bundle {DEMO} --sae cls --out NAME.index`, and search NAME.index",
        ),
        ([*there, "--labels", "a", "--labels-from-folders"], "were both given"),
        ([*there, "--model", "ViT-B-32", "--out", out], "name a native SAE file with --sae"),
        ([*there, "--sae", "none.safetensors", "--out", out], "there is no such file"),
        ([*there, "--labels", str(tmp_path / "no.csv"), "--out", out], "there is no such file"),
        ([*there, "--labels", str(tmp_path / "table.csv"), "--out", out], "None of the 1 file in the table"),
        ([*there, "--vocabulary", str(tmp_path / "words.txt"), "--out", out], "is not UTF-8"),
        ([*there, "--out", str(tmp_path / "there.index")], "already"),
        ([*resumed, "--batch", "8"], "begun with --batch 64; this command says --batch 8"),
        ([*resumed, "--threads", "2"], "begun with --threads 1; this command says --threads 2"),
        ([*resumed, "--device", "cuda:1"], "begun with --device cpu; this command says --device cuda"),
        ([*resumed, "--labels-from-folders"], "begun with no --labels-from-folders"),
        ([*resumed, "--vocabulary", str(tmp_path / "words")], "begun with another vocabulary"),
        ([*resumed, "--images", str(tmp_path / "other")], f"begun with --images {pictures}"),
        ([*own, str(tmp_path / "foreign")], "begun with another model"),
        (
            [*there, "--bundle", str(bundle), "--out", str(tmp_path / "deeper")],
            "with block 2; this command says block 1",
        ),
        ([*own, str(tmp_path / "trained on")], "begun with another dictionary"),
        (["build", "--images", str(tmp_path / "empty"), "--out", out], "holds no picture"),
        (["build", "--images", str(tmp_path / "none"), "--out", out], "there is no such folder"),
    ]
    code = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "from study.__main__ import app\n"
        "said = [CliRunner().invoke(app, ['index', *one]) for one in json.load(sys.stdin)]\n"
        "print(json.dumps([[one.exit_code, one.stderr, 'torch' in sys.modules] for one in said]))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([words for words, _ in cases]),
        capture_output=True,
        text=True,
        check=True,
        cwd=HOME,
    )
    for (words, due), (status, said, torch) in zip(cases, json.loads(told.stdout), strict=True):
        assert (status, due in said, said.count("\n"), torch) == (2, True, 1, False), (words, said)
    assert sorted(tmp_path.rglob("*")) == before
