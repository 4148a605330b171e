"""`tiller bundle make`: from a preset, or a model and dictionaries of one's own, and pictures to what the app opens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from core.types import TillerError, place_of
from study.desk import Json
from study.notation import read_labels
from study.terminal import ANEW, emit, one_sentence, shown_progress, told_when_stopped
from study.workshop.given import refuse_device, refuse_no_folder
from study.workshop.index import CACHE, named_words
from study.workshop.stopping import asked_to_stop

if TYPE_CHECKING:
    from core.bundle_making import Made
    from core.bundle_order import BundleOrder, Given
    from core.fetching import Fetched

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")

bundle = typer.Typer(help="Bundles: a model, its dictionaries and your pictures.", no_args_is_help=True)


@bundle.callback()
def group() -> None:
    """Keep `make` a command of a group, which it would not be as its only one."""


@bundle.command("make")
def make(
    folder: Annotated[Path, typer.Argument(help="The bundle to write; what is unfinished waits beside it.")],
    images: Annotated[Path, typer.Option(help="256 photographs or more: a folder, searched to its depth.")],
    preset: Annotated[str | None, typer.Option(help="A preset that `tiller fetch` has brought.")] = None,
    model: Annotated[str | None, typer.Option(help="Or a model of your own: an open_clip name or a folder.")] = None,
    pretrained: Annotated[str | None, typer.Option(help="An open_clip tag, or a file that holds a state dict.")] = None,
    sae: Annotated[
        list[str] | None, typer.Option(help="A dictionary of it, NAME=FILE, in any format; again for a second one.")
    ] = None,
    labels_from_folders: Annotated[
        bool, typer.Option("--labels-from-folders", help="Each picture's class is the first folder of its path.")
    ] = False,
    labels: Annotated[Path | None, typer.Option(help="Or a CSV with the columns file and truth.")] = None,
    classes: Annotated[
        str | None, typer.Option(help='The classes in their order, "a,b,c". Default: those of the pictures, sorted.')
    ] = None,
    template: Annotated[
        list[str] | None, typer.Option(help='Prompt template with {} in it. Default: "a photo of a {}".')
    ] = None,
    vocabulary: Annotated[
        Path | None, typer.Option(help="Words to name components with, one a line. Default: ImageNet's and our own.")
    ] = None,
    reference: Annotated[int, typer.Option(min=2, max=1000, help="Labelled pictures that plans are tried on.")] = 200,
    batch: Annotated[int, typer.Option(min=1, help="Pictures at once.")] = 64,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of torch; part of what decides the last bits.")
    ] = None,
    readers: Annotated[int, typer.Option(min=1, help="Threads that decode pictures.")] = 2,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    json_wanted: Json = False,
) -> None:
    """Make a bundle, or go on with one where it was cut off: gate, component index, reference pictures, all in one."""
    with one_sentence():
        refuse_choice(preset, model, pretrained, sae, labels, from_folders=labels_from_folders)
        if folder.exists():
            raise TillerError(
                f"A bundle was to be made at {folder}, and something is there already; name another folder."
            )
        refuse_no_folder(images, "The pictures")
        refuse_device(device)
        typed = named_files(sae or ())

        from core.bundle_plan import is_begun, refuse_another
        from core.indexing.files import check_images, read_truths

        truths = None if labels is None else read_truths(labels)
        check_images(images, truths)

        said = {"images": str(images.resolve()), "batch": batch, "device": device}
        refuse_another(folder, said | ({} if threads is None else {"threads": threads}), typed)
        here = None if preset is None else _opened(preset)

        import torch

        from core.bundle_making import make_bundle
        from core.bundle_order import BundleOrder, Given
        from core.model import TEMPLATES

        if here is None:
            named, weights, dictionaries = str(model), pretrained, {which: Given(path) for which, path in typed.items()}
        else:
            named, weights, dictionaries = here.preset.model, here.weights, _given(here)
        order = BundleOrder(
            folder=folder,
            images=images,
            model=named,
            weights=weights,
            dictionaries=dictionaries,
            truths=truths,
            from_folders=labels_from_folders,
            classes=() if classes is None else read_labels(classes),
            templates=tuple(template or TEMPLATES),
            words=named_words(vocabulary),
            reference=reference,
            preset=preset,
            published={} if here is None else here.preset.published,
            batch=batch,
            threads=threads or torch.get_num_threads(),
            readers=readers,
            device=device,
            cache=CACHE,
        )

        def kept() -> str:
            if not is_begun(order.work):
                return ANEW
            return f"Stopped; what is done is kept in {order.work}, and the same command goes on from there."

        with told_when_stopped(kept), shown_progress() as advance:
            made = make_bundle(order, progress=advance, stopping=asked_to_stop)
        result = told(order, made)
        emit(result, in_words(result), json_wanted=json_wanted, then=result["next"])


def refuse_choice(
    preset: str | None,
    model: str | None,
    pretrained: str | None,
    sae: Sequence[str] | None,
    labels: Path | None,
    *,
    from_folders: bool,
) -> None:
    """Refuse options that leave open what is meant, or that contradict each other."""
    if (preset is None) == (model is None):
        raise TillerError("Name what the bundle is of: --preset NAME, or --model NAME with --sae NAME=FILE.")
    if preset is not None and (pretrained is not None or sae):
        raise TillerError("A preset has weights and dictionaries of its own; leave --pretrained and --sae out.")
    if preset is None and not sae:
        raise TillerError("A bundle takes a dictionary; name one with --sae NAME=FILE, such as --sae cls=weights.pt.")
    if labels is not None and from_folders:
        raise TillerError("--labels and --labels-from-folders were both given; name one of them.")
    if labels is None and not from_folders:
        raise TillerError(
            "Say what each picture shows, once: --labels-from-folders where the pictures of each class lie in a "
            "folder of its name, or --labels TABLE.csv with the columns file and truth."
        )
    if labels is not None and not labels.is_file():
        raise TillerError(f"The table of truths {labels} was asked for, but there is no such file; check the path.")


def named_files(texts: Sequence[str]) -> dict[str, Path]:
    """Dictionaries as they are typed, NAME=FILE."""
    found: dict[str, Path] = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not path or not NAME.fullmatch(name):
            raise TillerError(
                f"Dictionary '{text}' was given; write NAME=FILE, the name in small letters, digits, - and _."
            )
        if name in found:
            raise TillerError(f"Dictionary {name} was given twice; give each a name of its own.")
        found[name] = Path(path)
    for name, path in found.items():
        if not path.exists():
            raise TillerError(f"Dictionary {name} was to be read from {path}, and nothing is there; check it.")
    return found


def _opened(name: str) -> Fetched:
    """A preset as `tiller fetch` has brought it."""
    from core.fetching import open_preset
    from core.preset_file import read_presets
    from core.presets import find_preset

    return open_preset(find_preset(read_presets(), name))


def _given(here: Fetched) -> dict[str, Given]:
    """A preset's dictionaries, with what was published of them."""
    from core.bundle_order import Given

    found: dict[str, Given] = {}
    for which, one in here.preset.dictionaries.items():
        figure = one.figures.get("explained") or one.figures.get("explained_per_token")
        found[which] = Given(here.dictionaries[which], one.block, None if figure is None else figure.value)
    return found


def told(order: BundleOrder, made: Made) -> dict[str, Any]:
    """What `--json` prints; `next` are the commands that come after."""
    which = "" if "spatial" in made.decisions else f" --sae {next(iter(made.decisions))}"
    return {
        "bundle": str(order.folder),
        "model": order.model,
        "preset": order.preset,
        "labels": list(made.labels),
        "dictionaries": {
            which: {"verdict": one.verdict, "explained": one.explained, "block": one.block, "tokens": one.tokens}
            for which, one in made.decisions.items()
        },
        "images": made.images,
        "broken": list(made.broken),
        "reference": made.reference,
        "seconds": dict(made.seconds),
        "next": [
            f"tiller doctor --bundle {order.folder}",
            f"tiller task find --bundle {order.folder}{which} --images {order.images} --out tasks.yaml",
            f"TILLER_BUNDLE={order.folder} TILLER_STUDY=tasks.yaml streamlit run app.py",
        ],
    }


def in_words(result: dict[str, Any]) -> Table:
    """The same for a person."""
    table = Table(show_header=False, box=None)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("bundle", result["bundle"])
    table.add_row("model", result["model"] + (f", preset {result['preset']}" if result["preset"] else ""))
    for which, one in result["dictionaries"].items():
        table.add_row(which, f"{place_of(one['block'])}, {one['verdict']}: explains {one['explained']:.1%}")
    broken = [line.replace("\t", ": ") for line in result["broken"]]
    table.add_row("pictures", f"{result['images']:,} read, {len(broken)} broken, {result['reference']} as reference")
    for line in broken[:10]:
        table.add_row("broken", line)
    table.add_row("classes", ", ".join(result["labels"]))
    return table
