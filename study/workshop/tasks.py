"""Commands that make debugging tasks: a word printed on a picture, and failures found in a folder of pictures."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from core.types import TillerError
from study.notation import read_labels
from study.terminal import ANEW, emit, one_sentence, shown_progress, stderr, told_when_stopped
from study.workshop.choices import claimed_class, class_names, dictionary_named, refuse_strange
from study.workshop.found import quoted, report_of, script_files
from study.workshop.given import folder_of, refuse_options
from study.workshop.places import Overwrite, put_files, refuse_picture_place, refuse_script_place, refuse_taken
from study.workshop.printed import plain_name, sha256, told_of
from study.workshop.task_words import print_in_words, report_in_words

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
    overwrite: Overwrite = False,
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
        from core.pictures import open_image
        from core.typography import SHORTEST

        # what can be told without a model is told before torch is imported, which takes seconds
        said = checked_word(word)
        letters = open_font(said, font)
        written = out or Path(f"{image.stem}-{plain_name(said)}.png")
        for path in (written, *([control] if control else [])):
            refuse_picture_place(path, image)
        beside = written.with_suffix(".json")
        refuse_taken([written, beside, *([control] if control else [])], overwrite=overwrite)
        names = class_names(bundle, model, pretrained, labels)
        target = claimed_class(names, claims or said, given=claims is not None)
        picture = open_image(image)
        if min(picture.size) < SHORTEST:
            raise TillerError(
                f"'{image}' is {picture.width} by {picture.height} pixels; no word can be read on fewer than "
                f"{SHORTEST} a side: give a larger picture."
            )
        from core.misreading import find_misreading

        clip = _model_of(bundle, model, pretrained, names if labels else None, template)
        if clip.predict(clip.activations(clip.pixels(picture))).ranked[0] == target:
            raise TillerError(
                f"The model says {clip.labels[target]!r} of '{image}' as it is; take another picture or another word."
            )
        pair = lettered(said, letters, material=material, face=face, seed=seed)
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
            line = (json.dumps(result) + "\n").encode()
            put_files({written: found.picture, beside: line} | ({control: found.control} if control else {}))
        emit(result, print_in_words(result, written if kept else None), json_wanted=json_wanted)
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
    bundle: Path | None,
    model: str | None,
    pretrained: str | None,
    names: tuple[str, ...] | None,
    template: list[str] | None,
) -> Clip:
    """A model without a dictionary: printing on pictures needs none."""
    from core.bundle import load_model
    from core.model import TEMPLATES, Clip

    if model is not None:
        return Clip.load(model, pretrained, block=-1, labels=names or (), templates=template or TEMPLATES)
    clip = load_model(folder_of(bundle))
    return clip.labelled(names or clip.labels, template) if names or template else clip


@app.command("find")
def find(
    images: Annotated[Path, typer.Option(help="A folder of pictures; those of one class in a folder of its name.")],
    labels: Annotated[
        Path | None, typer.Option(help="A CSV with the columns file and truth; else folders tell.")
    ] = None,
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
    sae: Annotated[str | None, typer.Option(help="One of the bundle's dictionaries, or a native SAE file.")] = None,
    overwrite: Overwrite = False,
    json_wanted: Json = False,
) -> None:
    """Find pictures that fail and can be repaired, with like failures held out; status 1 if there is none."""
    with one_sentence():
        from core.folder import labelled_pictures

        refuse_options(bundle, model, pretrained, sae)
        if out is not None:
            refuse_script_place(out)
            refuse_taken([out, out.with_suffix(".json")], overwrite=overwrite)
        pictures = labelled_pictures(images, labels)
        shown = tuple(sorted({one.shows for one in pictures}))
        if out is not None:
            for label in shown:
                quoted(label)
        named = read_labels(classes) if classes is not None else shown if model is not None else None
        home = folder_of(bundle)
        if model is None:
            refuse_strange(home, shown, named)

        from core.failures import Journal, ask_pictures, journal_key
        from core.instrument import open_instrument
        from core.proposals import propose_tasks

        tool = open_instrument(
            home,
            model=model,
            pretrained=pretrained,
            sae=sae,
            labels=named,
            templates=template,
            home="spatial",
        )
        key = journal_key(tool.model, tool.sae, images, pictures, near)
        part = out and out.with_suffix(".part.jsonl")
        journal = Journal(part, f"{key} {max_components}")
        kept = ANEW
        if part is not None:
            kept = f"Stopped; what was computed is kept in {part}, and the same command goes on from there."
        with told_when_stopped(lambda: kept), shown_progress() as advance:
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
            files = script_files(out, images, report, which=dictionary_named(home, sae, model), labels=own)
            put_files({**files, out.with_suffix(".json"): (json.dumps(report, indent=1) + "\n").encode()})
            journal.drop()
        then = []
        if out is not None and proposed.tasks and model is None:
            then = [f"TILLER_BUNDLE={shlex.quote(str(home))} TILLER_STUDY={shlex.quote(str(out))} streamlit run app.py"]
        emit(report, report_in_words(report, out if proposed.tasks else None), json_wanted=json_wanted, then=then)
        if not proposed.tasks:
            raise typer.Exit(1)
