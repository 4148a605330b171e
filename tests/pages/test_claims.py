"""Claims made and checked: counts that full hooked passes agree with, and a file that its participant alone gets."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from participants import Participant
from served import awaited
from tiny_world import LABELS, TinyWorld
from typer.testing import CliRunner

from app import build, claim_file
from core.bundle import Bundle, load_bundle, load_instrument
from core.checksum import checksum_of
from core.claim import Claim, Count
from core.claim_figures import count_set
from core.claim_file import read_file, read_text, text_of
from core.pictures import open_image
from core.ripple import ripple, sham
from core.types import Edit, Op, Scope, SteeringPlan
from pages.parts.board import board
from pages.parts.here import Here
from pages.parts.opened import open_picture, seen_under
from pages.parts.rig import Rig, install
from study.__main__ import app
from study.claim_events import ClaimSaved
from study.erasure import erase
from study.history import history_in
from study.session import Step

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "data" / "demo"
GOLDEN = Path(__file__).parents[1] / "core" / "claim_version_1.json"


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, " ".join(done.stderr.split())


def checked(claim: Claim, bundle: Path, tmp_path: Path, *more: object) -> tuple[int, dict[str, Any]]:
    file = tmp_path / "to-check.json"
    file.write_text(text_of(claim), encoding="utf-8")
    code, told, _ = run("claim", "check", file, "--bundle", bundle, "--json", *more)
    return code, json.loads(told)


def verdicts(told: dict[str, Any]) -> dict[str, str]:
    return {one["figure"]: one["verdict"] for one in told["figures"]}


def by_hook(model: Any, sae: Any, path: Path, factors: dict[int, float]) -> int:
    """The class that the whole tower says with codes scaled in a hook of the block, by the formula written out."""

    def scaled(_block: Any, _inputs: Any, x: torch.Tensor) -> torch.Tensor:
        wide = x.double()
        centred = wide - sae.convention.pre_bias * sae.bias.double()
        u = centred @ sae.encoder.double().T + sae.encoder_bias.double()
        kept, places = u.topk(sae.convention.activation.k, dim=-1)
        z = torch.zeros_like(u).scatter(-1, places, kept.clamp_min(0))
        change = torch.zeros_like(z)
        for component, factor in factors.items():
            change[..., component] = (factor - 1) * z[..., component]
        return (wide + change @ sae.dictionary.double()).float()

    handle = model.visual.transformer.resblocks[model.block].register_forward_hook(scaled)
    try:
        with torch.no_grad():
            vector = model.network.encode_image(model.preprocess(open_image(path))[None], normalize=True)
    finally:
        handle.remove()
    return int((vector @ model.text.T)[0].argmax())


@pytest.fixture(scope="module")
def opened(world: TinyWorld) -> Bundle:
    return load_bundle(world.bundle)


@pytest.fixture(scope="module")
def plan(opened: Bundle) -> SteeringPlan:
    """Two edits that put some pictures right and make others wrong."""
    common = torch.bincount(opened.reference.codes.components.long(), minlength=96).argsort(descending=True).tolist()
    for one, two in pairwise(common[:20]):
        for factor in (-3.0, -6.0, 4.0):
            found = SteeringPlan((Edit(one, Op.SCALE, factor), Edit(two)))
            counts = ripple(opened.model, opened.sae, opened.reference, found)
            if counts.fixed and counts.broken:
                return found
    raise AssertionError("no such plan was found")


@pytest.fixture
def kept(opened: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle opened once for all checks that are about what is compared."""
    monkeypatch.setattr("core.claim_check.load_bundle", lambda folder, which: opened)


@pytest.fixture(scope="module")
def made(world: TinyWorld, plan: SteeringPlan, tmp_path_factory: pytest.TempPathFactory) -> tuple[Claim, Path]:
    """A claim about two edits on a picture, five others and the reference set; the folder that the five lie in."""
    folder = tmp_path_factory.mktemp("like")
    with (folder / "like.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("file", "truth"))
        for number in range(5):
            shutil.copy(world.bundle / "images" / f"p{number:03d}.png", folder / f"own{number}.png")
            with (folder / f"own{number}.png").open("ab") as end:
                end.write(b"another file, the same picture")
            table.writerow((f"own{number}.png", LABELS[number]))
    edits = [word for each in plan for word in ("--edit", f"{each.component}:scale={each.strength:g}")]
    words = (*edits, "--picture", "word", "--out", folder / "c.json")
    code, told, wrong = run(
        "claim", "make", *words, "--bundle", world.bundle, "--held-out", folder / "like.csv", "--json"
    )
    assert code == 0, wrong
    claim = read_file(folder / "c.json")
    assert {**claim.as_json(), "file": str(folder / "c.json")} == json.loads(told)
    return claim, folder


def test_a_claim_counts_what_full_hooked_passes_count(
    world: TinyWorld, opened: Bundle, made: Any, plan: SteeringPlan
) -> None:
    claim, folder = made
    model, sae = opened.model, opened.sae
    factors = {each.component: each.strength for each in plan}
    with (world.bundle / "reference.csv").open(newline="") as file:
        rows = [(world.bundle / "images" / row["file"], row["truth"]) for row in csv.DictReader(file)]
    like = [(folder / f"own{number}.png", LABELS[number]) for number in range(5)]
    for found, pictures in ((claim.reference, rows), (claim.held_out, like)):
        was = [by_hook(model, sae, path, {}) == LABELS.index(shows) for path, shows in pictures]
        now = [by_hook(model, sae, path, factors) == LABELS.index(shows) for path, shows in pictures]
        assert (found.images, found.right_before) == (len(pictures), sum(was))
        assert found.turns["plan"].fixed == sum(n and not w for w, n in zip(was, now, strict=True))
        assert found.turns["plan"].broken == sum(w and not n for w, n in zip(was, now, strict=True))
    assert claim.reference.turns["plan"].fixed and claim.reference.turns["plan"].broken, "there is something to count"
    assert claim.held_out.pictures == tuple((checksum_of(path), shows) for path, shows in like)
    with (world.bundle / "tasks.csv").open(newline="") as file:
        task = next(csv.DictReader(file))
    path = world.bundle / "images" / task["file"]
    assert claim.picture.sha256 == checksum_of(path) and claim.picture.shows == task["truth"]
    assert LABELS.index(claim.picture.before) == by_hook(model, sae, path, {})
    assert LABELS.index(claim.picture.turns["plan"]) == by_hook(model, sae, path, factors)


@pytest.mark.parametrize("scope", ["cls", "patches=0,5,6"])
def test_a_claim_of_codes_set_and_added_counts_what_full_hooked_passes_count(
    world: TinyWorld, opened: Bundle, scope: str, tmp_path: Path
) -> None:
    model, sae = opened.model, opened.sae
    one, two = torch.bincount(opened.reference.codes.components.long(), minlength=96).topk(2).indices.tolist()
    words = ("--edit", f"{one}:set=6", "--edit", f"{two}:add=-4", "--scope", scope, "--out", tmp_path / "c.json")
    code, _, wrong = run("claim", "make", *words, "--bundle", world.bundle)
    assert code == 0, wrong
    found = read_file(tmp_path / "c.json").reference
    place = Scope(scope.partition("=")[0])
    units = {each: opened.index[each].unit(place) for each in (one, two)}
    rows = [0] if place is Scope.CLASS else [1, 6, 7]

    def moved(_block: Any, _inputs: Any, x: torch.Tensor) -> torch.Tensor:
        z = sae.encode(x).dense()[0].double()
        change = torch.zeros_like(z)
        for row in rows:
            change[row, one] = 6 * units[one] - z[row, one]
            change[row, two] = max(0.0, z[row, two].item() - 4 * units[two]) - z[row, two]
        return (x.double() + change @ sae.dictionary.double()).float()

    with (world.bundle / "reference.csv").open(newline="") as file:
        pictures = [(world.bundle / "images" / row["file"], row["truth"]) for row in csv.DictReader(file)]
    fixed = broken = 0
    for path, shows in pictures:
        pixels, right = model.preprocess(open_image(path))[None], LABELS.index(shows)
        was = by_hook(model, sae, path, {}) == right
        handle = model.visual.transformer.resblocks[model.block].register_forward_hook(moved)
        with torch.no_grad():
            vector = model.network.encode_image(pixels, normalize=True)
        handle.remove()
        now = int((vector @ model.text.T)[0].argmax()) == right
        fixed, broken = fixed + (now and not was), broken + (was and not now)
    assert (found.turns["plan"].fixed, found.turns["plan"].broken) == (fixed, broken)
    assert fixed + broken, "there is something to count"


def test_its_shams_are_those_of_the_ripple(opened: Bundle, made: Any) -> None:
    for turn in ("random", "flipped"):
        expected = sham(opened.model, opened.sae, opened.reference, made[0].plan, kind=turn)
        assert (made[0].reference.turns[turn].fixed, made[0].reference.turns[turn].broken) == (
            expected.fixed,
            expected.broken,
        )


def test_a_claim_holds_exactly_where_it_was_made(world: TinyWorld, made: Any, tmp_path: Path) -> None:
    claim, folder = made
    code, told = checked(claim, world.bundle, tmp_path, "--pictures", folder)
    assert (code, told["verdict"], told["holds"], told["environment"]) == (0, "same", True, {})
    assert len(told["figures"]) == 4 + 8 + 8 and set(verdicts(told).values()) == {"same"}


def off_by(claim: Claim, many: int, *, borderline: int = 0, **environment: str) -> Claim:
    """The claim with other counts, sealed as though they had been measured."""
    plan = claim.reference.turns["plan"]
    turns = {**claim.reference.turns, "plan": Count(plan.fixed + many, plan.broken, borderline)}
    there = {**claim.environment, **environment}
    return replace(claim, reference=replace(claim.reference, turns=turns), environment=there)


@pytest.mark.usefixtures("kept")
def test_a_count_that_comes_out_otherwise_does_not_hold(world: TinyWorld, made: Any, tmp_path: Path) -> None:
    claim, folder = made
    for changed in (off_by(claim, 1), off_by(claim, 1, borderline=3), off_by(claim, 2, borderline=1, torch="1.0")):
        code, told = checked(changed, world.bundle, tmp_path, "--pictures", folder)
        other = [one for one in told["figures"] if one["verdict"] != "same"]
        assert (code, told["holds"], [one["figure"] for one in other]) == (1, False, ["reference, plan: fixed"])
        assert other[0]["why"].startswith("by -")
    says = replace(claim.picture, before=next(one for one in LABELS if one != claim.picture.before))
    assert checked(replace(claim, picture=says), world.bundle, tmp_path, "--pictures", folder)[0] == 1


@pytest.mark.usefixtures("kept")
def test_elsewhere_a_count_may_differ_by_the_borderline_pictures(world: TinyWorld, made: Any, tmp_path: Path) -> None:
    claim, folder = made
    code, told = checked(off_by(claim, 1, borderline=1, torch="1.0"), world.bundle, tmp_path, "--pictures", folder)
    assert (code, told["verdict"], told["holds"]) == (0, "within tolerance", True)
    assert told["environment"] == {"torch": {"claimed": "1.0", "now": claim.environment["torch"]}}
    code, told = checked(off_by(claim, 0, torch="1.0"), world.bundle, tmp_path, "--pictures", folder)
    assert (code, told["verdict"]) == (0, "same")


def test_a_borderline_picture_is_one_that_rounding_may_throw_over(
    opened: Bundle, plan: SteeringPlan, monkeypatch: Any
) -> None:
    bundle = opened
    logits = bundle.model.classify(bundle.reference.embeddings)
    leads = []
    for row, truth in zip(logits.tolist(), bundle.reference.truth, strict=True):
        leads.append(abs(row[truth] - max(one for place, one in enumerate(row) if place != truth)))
    for tolerance in (0.0, sorted(leads)[3] / 2 + 1e-6, 1e3):
        monkeypatch.setattr("core.claim_figures.TOLERANCE", tolerance)
        found = count_set(bundle.model, bundle.sae, bundle.reference, plan, ())
        least = sum(lead <= 2 * tolerance for lead in leads)
        assert least <= found.turns["plan"].borderline <= (len(leads) if tolerance else 0)


def test_what_is_gone_or_was_changed_is_named_and_the_rest_measured(
    world: TinyWorld, made: Any, tmp_path: Path
) -> None:
    claim, folder = made
    code, told = checked(claim, world.bundle, tmp_path)  # the five lie in no folder of the bundle
    lost = [one for one in told["figures"] if one["figure"].startswith("held out")]
    assert (code, told["verdict"]) == (2, "cannot be measured") and len(lost) == 8
    assert all(one["measured"] is None and claim.held_out.pictures[0][0][:12] in one["why"] for one in lost)
    assert {one["verdict"] for one in told["figures"] if one not in lost} == {"same"}

    other = tmp_path / "bundle"
    shutil.copytree(world.bundle, other)
    tasks = (other / "tasks.csv").read_text()
    one, two = [name for name in (f"p{number:03d}.png" for number in range(24)) if name not in tasks][:2]
    shutil.copy(other / "images" / one, other / "images" / two)
    code, told = checked(claim, other, tmp_path, "--pictures", folder)
    lost = [one for one in told["figures"] if one["verdict"] != "same"]
    assert code == 2 and {one["figure"].partition(",")[0] for one in lost} == {"reference"}
    assert claim.reference.sha256[:12] in lost[0]["why"] and "digest" in lost[0]["why"]

    for part in ("model", "dictionary"):
        strange = replace(claim, **{f"{part}_sha256": "0" * 64})
        code, told = checked(strange, world.bundle, tmp_path, "--pictures", folder)
        assert code == 2 and set(verdicts(told).values()) == {"cannot be measured"}
        assert f"its {part} has the digest {'0' * 12}" in told["figures"][0]["why"]
    code, told = checked(replace(claim, bundle_sha256="0" * 64), world.bundle, tmp_path, "--pictures", folder)
    assert code == 0 and "another one" in told["notes"][0], "a bundle sealed anew may hold the same"


def test_a_plan_that_the_dictionary_cannot_carry_out_is_refused(world: TinyWorld, made: Any, tmp_path: Path) -> None:
    claim, _ = made
    file = tmp_path / "strange.json"
    lines = (replace(claim.lines[0], edit=Edit(10**6), value=0.0),)
    file.write_text(text_of(replace(claim, lines=lines)), encoding="utf-8")
    code, told, wrong = run("claim", "check", file, "--bundle", world.bundle)
    assert (code, told) == (2, "") and "tiller: Component 1000000 was asked for; the dictionary has 96" in wrong


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("make", "--edit", "banana"), "cannot be read"),
        (("make", "--edit", "1:suppress", "--edit", "1:scale=2"), "has two edits"),
        (("make", "--edit", "1:set=nan"), "finite number"),
        (("make", "--edit", f"{'9' * 5000}:suppress"), "cannot be read"),
        (("make", "--edit", "1:suppress", "--units", "miles"), "p99 or code"),
        (("make", "--edit", "1:suppress", "--scope", "patches=-1"), "numbered from 0"),
        (("make", "--edit", "1:suppress", "--held-out", "nowhere.csv"), "no such file"),
        (("make", "--edit", "1:suppress", "--out", "pyproject.toml"), "is there already"),
        (("make", "--edit", "1:suppress", "--out", "nowhere/claim.json"), "no folder nowhere"),
        (("check", "nowhere.json"), "no such file"),
        (("check", "pyproject.toml"), "cannot be read as JSON"),
    ],
)
def test_arguments_are_refused_before_torch_is_asked_for(words: Any, why: str, monkeypatch: Any) -> None:
    monkeypatch.chdir(ROOT)
    for heavy in ("core.bundle", "core.claim_check", "core.claim_making"):
        monkeypatch.setitem(sys.modules, heavy, None)  # to import it would be another error
    code, told, wrong = run("claim", *words)
    assert (code, told) == (2, "") and why in wrong and wrong.startswith("tiller: ")


def test_a_picture_outside_of_the_bundle_is_refused(
    world: TinyWorld, opened: Bundle, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("core.bundle.load_bundle", lambda folder, which: opened)
    out = tmp_path / "c.json"
    asked = ("claim", "make", "--edit", "1:suppress", "--bundle", world.bundle, "--out", out, "--picture")
    for name, why in (
        ("../reference.csv", "lies outside"),
        ("/etc/passwd", "lies outside"),
        ("none.png", "no such file"),
    ):
        code, _, wrong = run(*asked, name)
        assert code == 2 and why in wrong and not out.exists()
    table = tmp_path / "like.csv"
    table.write_text("file,truth\n../../x.png,apple\n", encoding="utf-8")
    code, _, wrong = run(*asked, "word", "--held-out", table)
    assert code == 2 and "lies outside" in wrong and not out.exists()


# --- in the workspace


@pytest.fixture
def offering(world: TinyWorld, tmp_path: Path) -> Callable[..., Rig]:
    """The tiny study with the tool `claim` in its first task."""

    def built(old: str = "", new: str = "") -> Rig:
        shutil.copy(world.script.parent / "consent.md", tmp_path / "consent.md")
        text = world.script.read_text().replace("tools: [attribution,", "tools: [claim, attribution,", 1)
        script = tmp_path / "tiny.yaml"
        script.write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
        url = f"sqlite:///{tmp_path / 'log.db'}"
        return build({"TILLER_DATABASE_URL": url, "TILLER_BUNDLE": str(world.bundle), "TILLER_STUDY": str(script)})

    return built


def saved(someone: Participant) -> list[ClaimSaved]:
    return [one.event for one in someone.rig.log.read(someone.id) if isinstance(one.event, ClaimSaved)]


def shown(someone: Participant) -> dict[str, Any]:
    records = someone.rig.log.read(someone.id)
    here = Here(someone.rig, someone.token, someone.id, records, someone.place)
    key = str(someone.place.task)
    opened = open_picture(someone.rig, someone.rig.script.tasks[key])
    history = history_in(records, key)
    return board(here, opened, history, seen_under(someone.rig, opened, history.plan))["claim"]


def test_a_claim_is_saved_once_and_the_log_is_enough_to_make_its_file(
    world: TinyWorld, offering: Any, plan: SteeringPlan, tmp_path: Path, monkeypatch: Any
) -> None:
    someone = Participant(offering()).at(Step.WORKSPACE)
    refused = someone.act("claim", id="claim-too-soon")["claim-too-soon"]
    assert "no edit stands" in refused and not saved(someone)
    someone.act("edit", component=plan.edits[0].component, strength=-6.0, op="set", unit="p99")
    assert shown(someone) == {"saved": None, "measurable": True}
    for name in ("claim-once-more", "claim-and-again"):
        assert someone.act("claim", id=name) == {name: ""}
    (event,) = saved(someone)
    claim = read_text(event.file)
    assert (event.claim_sha256, event.sentence) == (claim.sha256, claim.sentence)
    assert [(line.value, line.unit, line.edit.component) for line in claim.lines] == [
        (-6.0, "p99", plan.edits[0].component)
    ]
    broken = claim.reference.broken()
    assert (event.figures["reference_broken"], event.figures["reference_right"]) == (broken.hits, broken.trials)
    assert shown(someone)["saved"] == {"sha256": claim.sha256, **event.figures}
    someone.act("undo")
    assert shown(someone)["saved"] is None
    someone.act("redo")
    assert shown(someone)["saved"]["sha256"] == claim.sha256

    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{tmp_path / 'log.db'}")
    code, told, wrong = run("claim", "from", someone.id, "--out", tmp_path / "out", "--json")
    assert code == 0, wrong
    (written,) = json.loads(told)["claims"]
    assert Path(written["file"]).name == f"claim-{claim.sha256[:12]}.json"
    assert Path(written["file"]).read_text(encoding="utf-8") == text_of(claim)
    Path(written["file"]).write_text("somebody's notes", encoding="utf-8")
    code, _, wrong = run("claim", "from", someone.id, "--out", tmp_path / "out")
    assert code == 2 and "is there already" in wrong and Path(written["file"]).read_text() == "somebody's notes"
    assert run("claim", "from", someone.id, "--out", tmp_path / "out", "--overwrite")[0] == 0
    assert [one.name for one in (tmp_path / "out").iterdir()] == [Path(written["file"]).name]
    assert Path(written["file"]).read_text(encoding="utf-8") == text_of(claim)
    assert "is a file" in run("claim", "from", someone.id, "--out", written["file"])[2].replace("\n", " ")
    code, told = checked(claim, world.bundle, tmp_path)
    assert (code, told["verdict"]) == (0, "same"), "what the workspace measured comes out again"
    other = Participant(someone.rig).at(Step.WORKSPACE)
    assert "none was saved" in run("claim", "from", other.id, "--out", tmp_path / "no")[2]
    assert not (tmp_path / "no").exists()


def test_a_claim_goes_out_to_whoever_saved_it_alone(offering: Any, plan: SteeringPlan) -> None:
    rig = offering()
    mine, other = (Participant(rig).at(Step.WORKSPACE) for _ in range(2))
    mine.act("edit", component=plan.edits[0].component, strength=0.0)
    mine.act("claim")
    (event,) = saved(mine)
    install(rig)

    def asked(token: str, sha256: str) -> Any:
        request = SimpleNamespace(query_params={"s": token}, path_params={"sha256": sha256})
        return awaited(claim_file(request))  # type: ignore[arg-type]

    answer = asked(mine.token, event.claim_sha256)
    assert answer.status_code == 200 and answer.body.decode() == text_of(read_text(event.file))
    assert answer.headers["content-disposition"] == f'attachment; filename="claim-{event.claim_sha256[:12]}.json"'
    for token, sha256 in (
        (other.token, event.claim_sha256),
        ("", event.claim_sha256),
        (mine.token, "0" * 64),
        (mine.token, "../../tiller.db"),
    ):
        assert asked(token, sha256).status_code == 404
    erase(rig.log, mine.id)
    assert asked(mine.token, event.claim_sha256).status_code == 404


def test_a_phase_without_the_tool_saves_nothing(rig: Rig, plan: SteeringPlan) -> None:
    someone = Participant(rig).at(Step.WORKSPACE)
    someone.act("edit", component=plan.edits[0].component, strength=0.0)
    assert "The step claim was asked for" in next(iter(someone.act("claim").values())) and not saved(someone)


def test_a_claim_gives_the_gate_back_between_its_pieces(offering: Any, plan: SteeringPlan, monkeypatch: Any) -> None:
    monkeypatch.setattr("core.ripple.TOKENS_AT_FIRST", 1)
    monkeypatch.setattr("core.ripple.TOKENS_AT_ONCE", 2 * 17)  # two pictures of a class token and 16 patches
    someone = Participant(offering()).at(Step.WORKSPACE)
    someone.act("edit", component=plan.edits[0].component, strength=0.0)
    gate, most = someone.rig.gate, [0]
    computed = type(next(iter(someone.rig.bundles.values())).model).logits

    def logits(model: Any, x: torch.Tensor, **options: Any) -> torch.Tensor:
        assert not gate.acquire(blocking=False), "it computes beside the gate"
        most[0] = max(most[0], len(x))
        return computed(model, x, **options)

    while gate.acquire(blocking=False):  # one permit is left to all
        pass
    gate.release()
    monkeypatch.setattr(type(next(iter(someone.rig.bundles.values())).model), "logits", logits)
    turns = []
    monkeypatch.setattr(type(gate), "__exit__", lambda self, *_: (turns.append(1), self.release())[1])
    someone.act("claim")
    assert saved(someone) and most[0] <= 2 and len(turns) > 3 * 24 / 2


@pytest.mark.parametrize("hidden", [False, True])
def test_a_claim_counts_like_failures_unless_they_would_tell_what_a_task_hides(
    world: TinyWorld, offering: Any, plan: SteeringPlan, hidden: bool
) -> None:
    rig = offering("    picture: word\n", f"    picture: word\n    truth: {'hidden' if hidden else 'shown'}\n")
    word = replace(rig.tasks["word"], similar=((world.bundle / "images" / "p001.png", LABELS[0]),))
    someone = Participant(replace(rig, tasks={**rig.tasks, "word": word})).at(Step.WORKSPACE)
    someone.act("edit", component=plan.edits[0].component, strength=0.0)
    someone.act("claim")
    (event,) = saved(someone)
    claim = read_text(event.file)
    assert claim.picture is not None and claim.picture.shows == (None if hidden else word.label)
    assert (claim.held_out is None) == hidden == ("held_out_wrong" not in event.figures)


def test_a_claim_of_classes_that_no_picture_shows_is_off_with_the_reason(
    offering: Any, plan: SteeringPlan, monkeypatch: Any
) -> None:
    someone = Participant(offering()).at(Step.WORKSPACE)
    monkeypatch.setattr("pages.parts.claims.can_count", lambda model, reference: False)
    someone.act("edit", component=plan.edits[0].component, strength=0.0)
    assert shown(someone) == {"saved": None, "measurable": False}
    refused = someone.act("claim", id="claim-of-nothing")["claim-of-nothing"]
    assert "no pictures to measure it on" in refused and not saved(someone)


# --- a claim of today


def test_a_claim_of_version_1_is_still_read_and_its_held_out_counts_are_those_of_hooked_passes() -> None:
    claim = read_file(GOLDEN)
    assert claim.sentence == json.loads(GOLDEN.read_text(encoding="utf-8"))["claim"]
    model, sae = load_instrument(DEMO)[:2]
    assert (model.digest, sae.digest) == (claim.model_sha256, claim.dictionary_sha256)
    known = {name for task in json.loads((DEMO / "tasks.json").read_text()) for name in task["similar"]}
    files = {checksum_of(DEMO / "images" / name): DEMO / "images" / name for name in known}
    factors = {line.edit.component: line.edit.strength for line in claim.lines}
    was = now = 0
    for sha256, shows in claim.held_out.pictures:
        was += by_hook(model, sae, files[sha256], {}) == model.labels.index(shows)
        now += by_hook(model, sae, files[sha256], factors) == model.labels.index(shows)
    assert (was, now) == (claim.held_out.right_before, claim.held_out.fixed().hits)


@pytest.mark.slow
def test_a_claim_of_version_1_still_holds() -> None:
    code, told, wrong = run("claim", "check", GOLDEN, "--bundle", DEMO, "--json")
    assert code == 0 and json.loads(told)["holds"], (told, wrong)
