"""`tiller sae`: what a dictionary file is, and a published one made into a native file as real activations show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from core.checkpoints import LEAST_PICTURES
from core.types import EMBEDDING, Block, TillerError, many
from study.desk import Json
from study.terminal import ANEW, emit, one_sentence, shown, shown_progress, told_when_stopped
from study.workshop.given import read_block, refuse_device, refuse_no_dictionary, refuse_no_folder

if TYPE_CHECKING:
    from core.checkpoints.contents import Checkpoint

PICTURES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"))
LABELS = ("a person", "an animal", "a thing")  # the gate compares logits, and any classes serve

sae = typer.Typer(help="Dictionary files: say what one is, convert a published one.", no_args_is_help=True)


@sae.command("info")
def info(
    file: Annotated[Path, typer.Argument(help="A dictionary: a file, or the folder of its weights and configuration.")],
    json_wanted: Json = False,
) -> None:
    """Say what a dictionary file is, without a model: format, sizes, convention, place, and what it leaves unsaid."""
    with one_sentence():
        refuse_no_dictionary(file)

        from core.checkpoints.formats import read_checkpoint

        result = described(file, read_checkpoint(file))
        emit(result, info_table(result), json_wanted=json_wanted)


@sae.command("convert")
def convert(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A published dictionary: a file or a folder.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="The native file to write, .safetensors.")],
    model: Annotated[str, typer.Option(help="The model it was made on: an open_clip name, e.g. ViT-B-32.")],
    images: Annotated[Path, typer.Option(help="256 photographs or more: a folder, searched to its depth.")],
    pretrained: Annotated[str | None, typer.Option(help="An open_clip tag, or a file that holds a state dict.")] = None,
    block: Annotated[
        str | None,
        typer.Option(help="The block it was made after, from 0, or embedding, where its file does not say."),
    ] = None,
    published: Annotated[
        float | None, typer.Option(min=0, max=1, help="Its explained variance as published, such as 0.84.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace DST where it is there.")] = False,
    json_wanted: Json = False,
) -> None:
    """Read a dictionary as real activations show it is to be read, and write it with that decision in its header."""
    with one_sentence():
        refuse_no_dictionary(source)
        refuse_target(source, target, overwrite=overwrite)
        refuse_device(device)
        named = read_block(block)
        refuse_no_folder(images, "The pictures")
        pictures = pictures_in(images)
        if len(pictures) < LEAST_PICTURES:
            raise TillerError(
                f"{images} holds {many(len(pictures), 'picture')}, and a dictionary is judged on {LEAST_PICTURES} or "
                "more; name a folder with more photographs."
            )

        from core.checkpoints.formats import read_checkpoint
        from core.checkpoints.gate import accept
        from core.checkpoints.native import save_native
        from core.checkpoints.places import refuse_place
        from core.checkpoints.refusals import refuse_contents
        from core.checkpoints.sample import gather
        from core.model import Clip

        held = read_checkpoint(source)
        refuse_place(held)
        held = placed(held, named)
        clip = Clip.load(model, pretrained, block=-1, labels=LABELS, device=device)
        refuse_contents(held, clip)
        if held.place is not None:
            clip = clip.at(held.place)
        with told_when_stopped(lambda: ANEW), shown_progress() as advance:
            sample = gather(clip, pictures, progress=advance)
            advance("weighing the readings", 0, 1)
            accepted = accept(held, clip, sample, published=published)
            advance("weighing the readings", 1, 1)
        target.parent.mkdir(parents=True, exist_ok=True)
        save_native(accepted, target)
        del held, accepted  # what is said now is what was written
        result = described(target, read_checkpoint(target))
        emit(result, info_table(result), json_wanted=json_wanted)


def described(file: Path, held: Checkpoint) -> dict[str, Any]:
    """What `tiller sae info` prints: the file in words and numbers; `gate` is None where it never passed the gate.

    `sha256` is the file's checksum, `digest` that of the autoencoder that it states, the same in whatever file.
    """
    from core.checkpoints.contents import NATIVE
    from core.checkpoints.decision import verdict_of

    components, width = held.dictionary.shape
    header = dict(held.said) if held.format == NATIVE else {}
    return {
        "file": str(file),
        "format": held.format,
        "origin": header.get("origin"),
        "components": components,
        "width": width,
        **held.convention.as_json(),
        "model": held.model,
        "weights": header.get("weights"),
        "block": held.place,
        "hook": held.hook,
        "unsaid": list(held.unsaid),
        "notes": list(held.notes),
        "sha256": held.sha256,
        "digest": held.stated().digest,
        "verdict": verdict_of(header) if header else None,
        "gate": header.get("gate"),
        "said": None if header else dict(held.said),
    }


def placed(held: Checkpoint, block: Block | None) -> Checkpoint:
    """The checkpoint at the place that was named; a file that says another, or none at all, is named with it."""
    if held.place is None and block is None:
        raise TillerError(
            f"{held.source} does not say after which block it was made; name it with --block, counted from 0, or "
            "--block embedding."
        )
    if block is None or block == held.place:
        return held
    said = "the embedding" if held.place == EMBEDDING else "none" if held.place is None else held.place
    where = "The embedding" if block == EMBEDDING else f"Block {block}"
    return held.moved(block, f"{where} was named at conversion; the file says {said}.")


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in `folder` and the folders in it, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES and path.is_file())


def refuse_target(source: Path, target: Path, *, overwrite: bool) -> None:
    """Refuse a target that is there, unless it may be replaced, and one that is no place for a file."""
    if target.suffix != ".safetensors":
        raise TillerError(f"{target} was named to be written; a native file ends in .safetensors: name it so.")
    if target.is_dir() or target.resolve() == source.resolve():
        what = "is a folder" if target.is_dir() else "is the file to convert"
        raise TillerError(f"{target} {what}; name another file to write.")
    if target.exists() and not overwrite:
        raise TillerError(f"{target} is there already; name another file, or replace it with --overwrite.")


def info_table(result: dict[str, Any]) -> Table:
    """What `described` found, for a person."""
    table = Table(show_header=False, box=None)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    origin, gate = result["origin"], result["gate"]
    rows: list[tuple[str, object]] = [
        ("format", result["format"] + (f", converted from {origin['format']} {origin['source']}" if origin else "")),
        ("size", f"{many(result['components'], 'component')}, activations {result['width']} wide"),
        ("activation", _activation(result["activation"])),
        ("normalisation", _normalisation(result["normalisation"])),
        ("bias", "taken off before encoding" if result["pre_bias"] else "not taken off before encoding"),
        ("tokens", _tokens(result)),
        ("model", result["model"] or "not said"),
        ("place", _place(result)),
        ("not said", ", ".join(result["unsaid"]) or "nothing"),
        ("checksum", f"{result['sha256'][:12]}, of the file"),
        ("digest", f"{result['digest'][:12]}, of what it holds, whatever the file"),
    ]
    if result["verdict"] is not None:
        rows.append(("gate", _gate(result["verdict"], gate)))
    rows += [("note", note) for note in (*result["notes"], *(origin["notes"] if origin else ()))]
    for name, value in rows:
        table.add_row(name, Text(shown(str(value))))  # as it is: names and notes may hold brackets
    return table


def _activation(said: dict[str, Any]) -> str:
    match said["kind"]:
        case "topk":
            signs = "of either sign" if said["signed"] else "none below 0"
            return f"TopK: the {said['k']} greatest codes of each token, {signs}"
        case "batch_topk":
            return f"BatchTopK: codes above {max(0.0, said['threshold']):.4g}, about {said['k']} of each token"
        case "jump_relu":
            return "JumpReLU: codes above a threshold of each component's own"
        case _:
            return "ReLU: all codes above 0"


def _normalisation(said: dict[str, Any]) -> str:
    match said["kind"]:
        case "layer_norm":
            return "layer norm: each token less its mean, over its deviation"
        case "constant_norm":
            return "each token scaled to one length"
        case "dataset":
            return f"less the data set's mean, times {said['scale']:.4g}"
        case _:
            return "none"


def _tokens(result: dict[str, Any]) -> str:
    if result["block"] == EMBEDDING:
        return "one, the embedding"
    return {"all": "class token and patches", "cls": "class token", "patches": "patches"}[result["tokens"]]


def _place(result: dict[str, Any]) -> str:
    from core.checkpoints.places import where_not_cut

    if where := where_not_cut(result["hook"], result["block"]):
        return (
            f"{where}, where Tiller cannot cut: `sae convert` and `bundle make` refuse it, and one of the residual "
            "stream of that model is to be taken in its place"
        )
    if result["block"] == EMBEDDING:
        return "at the embedding, as the tower gives it: before it is brought to length 1"
    block = "a block that it does not say" if result["block"] is None else f"block {result['block']}, counted from 0"
    return f"after {block}"


def _gate(verdict: str, gate: dict[str, Any] | None) -> str:
    from core.checkpoints.decision import EARLIER

    if verdict == EARLIER:
        return f"{verdict}; to have it judged anew, run `tiller sae convert` on it"
    if gate is None:
        return verdict
    each = {"class": "picture" if gate.get("block") == EMBEDDING else "class token", "patches": "patch"}
    codes = ", ".join(f"{value:.1f} codes a {each[kind]}" for kind, value in gate["l0"].items())
    return (
        f"{verdict}: explains {gate['explained']:.1%} of the variance on {gate['images']} pictures "
        f"({many(len(gate['candidates']), 'reading')} tried; below {gate['floor']:.1%} it is refused), {codes}"
    )
