"""Commands that make debugging tasks: a word printed on a picture, and failures found in a folder of pictures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from core.types import TillerError
from study.notation import find_label, read_labels
from study.settings import settings_in
from study.terminal import emit, one_sentence, shown_progress, stderr
from study.workshop.printed import in_words, plain_name, sha256, told_of

if TYPE_CHECKING:
    from core.model import Clip

app = typer.Typer(help="Debugging tasks: make one, find some.", no_args_is_help=True)
make = typer.Typer(help="Make a picture that the model gets wrong for a known reason.", no_args_is_help=True)
app.add_typer(make, name="make")

BundleFolder = Annotated[Path | None, typer.Option("--bundle", help="A bundle's folder. Default: TILLER_BUNDLE's.")]
Model = Annotated[str | None, typer.Option(help="An open_clip model name instead of a bundle, e.g. ViT-B-32.")]
Pretrained = Annotated[str | None, typer.Option(help="An open_clip tag, or a file that holds a state dict.")]
Labels = Annotated[str | None, typer.Option(help='Class names: "banana,zebra". Default: the bundle\'s.')]
Template = Annotated[list[str] | None, typer.Option(help='Prompt template with {} in it, e.g. "a photo of a {}".')]
Seed = Annotated[int, typer.Option(min=0, help="Decides paper, pen, hand and places.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@make.command("typographic")
def typographic(
    image: Annotated[Path, typer.Option(help="The picture to print on.")],
    word: Annotated[str, typer.Option(help="What to print.")],
    out: Annotated[Path | None, typer.Option(help="A PNG to write. Default: IMAGE-WORD.png in this folder.")] = None,
    claims: Annotated[str | None, typer.Option(help="The class that the word names. Default: the word.")] = None,
    control: Annotated[Path | None, typer.Option(help="Write the same label without the word here.")] = None,
    material: Annotated[Literal["paper", "tape", "marker"], typer.Option(help="What the word is on.")] = "paper",
    face: Annotated[Literal["hand", "print"], typer.Option(help="Written by hand, or printed.")] = "hand",
    font: Annotated[Path | None, typer.Option(help="A .ttf or .otf file. Default: the face that Pillow has.")] = None,
    margin: Annotated[float, typer.Option(min=0, help="By how many logits the word has to lead.")] = 0.0,
    keep_anyway: Annotated[bool, typer.Option("--keep-anyway", help="Write what came nearest if none works.")] = False,
    bundle: BundleFolder = None,
    model: Model = None,
    pretrained: Pretrained = None,
    labels: Labels = None,
    template: Template = None,
    seed: Seed = 0,
    json_wanted: Json = False,
) -> None:
    """Print a word on a picture so that the model falls for it, and not for the blank label; status 1 if none works."""
    with one_sentence():
        from core.lettering import checked_word, lettered, open_font
        from core.misreading import find_misreading
        from core.pictures import open_image
        from core.typography import SHORTEST

        said = checked_word(word)
        picture = open_image(image)
        if min(picture.size) < SHORTEST:
            raise TillerError(
                f"'{image}' is {picture.width} by {picture.height} pixels; no word can be read on fewer than "
                f"{SHORTEST} a side: give a larger picture."
            )
        clip = _model_of(bundle, model, pretrained, labels, template)
        target = _claimed(clip.labels, claims or said, given=claims is not None)
        written = out or Path(f"{image.stem}-{plain_name(said)}.png")
        for path in (written, control):
            _refuse_place(path, image)
        if clip.predict(clip.activations(clip.pixels(picture))).ranked[0] == target:
            raise TillerError(
                f"The model says {clip.labels[target]!r} of '{image}' as it is; take another picture or another word."
            )
        pair = lettered(said, open_font(said, font), material=material, face=face, seed=seed)
        with shown_progress() as advance:
            found = find_misreading(clip, picture, pair, target, margin=margin, seed=seed, progress=advance)
        if found is None:
            raise TillerError(
                f"{said!r} was to be printed on '{image}', and at {picture.width} by {picture.height} pixels nobody "
                "could read it without covering the picture: shorten the word or give a larger picture."
            )
        kept = found.falls or keep_anyway
        result = told_of(image, said, clip, found, target, seed) | {
            "material": material,
            "face": face,
            "font": "Aileron" if font is None else font.name,
            "picture": {"file": written.name, "sha256": sha256(found.picture)} if kept else None,
            "control": {"file": control.name, "sha256": sha256(found.control)} if kept and control else None,
        }
        if kept:
            written.write_bytes(found.picture)
            written.with_suffix(".json").write_text(json.dumps(result) + "\n", encoding="utf-8")
            if control is not None:
                control.write_bytes(found.control)
        emit(result, in_words(result, written if kept else None), json_wanted=json_wanted)
        if not kept:
            nearest = f"the nearest leaves it {-found.margins[1]:.2f} logits behind"
            if found.margins[1] >= 0:
                nearest = f"the nearest leads by {found.margins[1]:.2f} logits only, or the blank label does as well"
            stderr.print(
                f"tiller: {said!r} was printed in {found.tried} places and sizes and the model fell for none, "
                f"{nearest}; try --face print, another --material or --seed, or keep it with --keep-anyway.",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
            raise typer.Exit(1)


def _model_of(
    bundle: Path | None, model: str | None, pretrained: str | None, labels: str | None, template: list[str] | None
) -> Clip:
    """A model without a dictionary: printing on pictures needs none."""
    from core.bundle import load_instrument
    from core.model import TEMPLATES, Clip

    if model is None and pretrained is not None:
        raise TillerError(f"--pretrained {pretrained} was given without --model; name the architecture, e.g. ViT-B-32.")
    if model is not None and bundle is not None:
        raise TillerError("Both --bundle and --model were given; name one of them.")
    names = read_labels(labels) if labels is not None else None
    if model is not None:
        if names is None:
            raise TillerError(f"--model {model} was given without --labels; name the classes, at least two.")
        return Clip.load(model, pretrained, block=-1, labels=names, templates=template or TEMPLATES)
    clip = load_instrument(bundle or settings_in(os.environ).bundle)[0]
    return clip.labelled(names or clip.labels, template) if names or template else clip


def _claimed(labels: tuple[str, ...], claimed: str, *, given: bool) -> int:
    """The class that a word stands for; the word need not be spelt as the class is."""
    if given:
        return find_label(labels, claimed)
    same = [place for place, label in enumerate(labels) if label.casefold() == claimed.casefold()]
    if not same:
        raise TillerError(
            f"{claimed!r} is to be read as a class, and the classes are {', '.join(labels)}; add it with --labels, or "
            "say which of them it stands for with --claims."
        )
    return same[0]


def _refuse_place(path: Path | None, image: Path) -> None:
    if path is None:
        return
    if path.suffix.lower() != ".png":
        raise TillerError(f"'{path}' was to be written; a PNG loses nothing of what the model saw: end it in .png.")
    if not path.parent.is_dir():
        raise TillerError(f"'{path}' was to be written, and there is no folder {path.parent}; make it first.")
    if path.resolve() == image.resolve():
        raise TillerError(f"'{path}' is the picture itself; write to another file, so that it stays.")


@app.command("find")
def find(
    images: Annotated[Path, typer.Option(help="A folder of pictures; those of one class in a folder of its name.")],
    labels: Annotated[Path | None, typer.Option(help="A CSV with columns file and label; else folders tell.")] = None,
    classes: Annotated[str | None, typer.Option(help='Class names: "cat,dog". Default: the bundle\'s.')] = None,
    template: Template = None,
    out: Annotated[Path | None, typer.Option(help="A study script to write, with its pictures and a report.")] = None,
    top: Annotated[int, typer.Option(min=1, max=200, help="How many tasks.")] = 8,
    max_components: Annotated[int, typer.Option(min=1, max=5, help="The most that a repair may suppress.")] = 5,
    held_out: Annotated[int, typer.Option(min=0, help="Pictures that fail in the same way, for each task.")] = 12,
    controls: Annotated[int, typer.Option(min=0, help="Pictures where nothing needs repair.")] = 2,
    near: Annotated[float, typer.Option(min=0, help="Logits; who leads by no more is right by a small margin.")] = 0.5,
    bundle: BundleFolder = None,
    model: Model = None,
    pretrained: Pretrained = None,
    sae: Annotated[str | None, typer.Option(help="spatial or cls (the bundle's), or a native SAE file.")] = None,
    json_wanted: Json = False,
) -> None:
    """Find pictures that fail and can be repaired, with like failures held out; status 1 if there is none."""
    with one_sentence():
        from core.failures import Journal, ask_pictures, journal_key
        from core.folder import labelled_pictures
        from core.instrument import open_instrument
        from core.proposals import propose_tasks
        from study.workshop.found import report_in_words, report_of, write_script

        if model is not None and bundle is not None:
            raise TillerError("Both --bundle and --model were given; name one of them.")
        if out is not None and (out.suffix not in (".yaml", ".yml") or not out.parent.is_dir()):
            raise TillerError(f"'{out}' was to be written; name a .yaml file in a folder that is there.")
        pictures = labelled_pictures(images, labels)
        shown = tuple(sorted({one.shows for one in pictures}))
        named = read_labels(classes) if classes is not None else shown if model is not None else None
        tool = open_instrument(
            bundle or settings_in(os.environ).bundle,
            model=model,
            pretrained=pretrained,
            sae=sae,
            labels=named,
            templates=template,
            home="spatial",
        )
        key = journal_key(tool.model, tool.sae, images, pictures, near)
        journal = Journal(out and out.with_suffix(".part.jsonl"), f"{key} {max_components}")
        with shown_progress() as advance:
            answers = ask_pictures(tool.model, tool.sae, images, pictures, near=near, journal=journal, progress=advance)
            proposed = propose_tasks(
                tool.model,
                tool.sae,
                images,
                answers,
                top=top,
                most=max_components,
                held_out=held_out,
                controls=controls,
                near=near,
                journal=journal,
                progress=advance,
            )
        report = report_of(tool, answers, proposed, near)
        if out is not None and proposed.tasks:
            own = tool.model.labels if named is not None else None
            write_script(out, images, report, which="cls" if sae == "cls" else "spatial", labels=own)
            out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            journal.drop()
        emit(report, report_in_words(report, out if proposed.tasks else None), json_wanted=json_wanted)
        if not proposed.tasks:
            raise typer.Exit(1)
