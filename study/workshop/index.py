"""`tiller index`: build what is known of each component over an image set, look into it, and search it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.types import TillerError
from study.desk import Json
from study.notation import read_labels
from study.settings import settings_in
from study.terminal import emit, one_sentence, shown_progress
from study.workshop.index_tables import heading_table, matches_table, pairs_table

if TYPE_CHECKING:
    from core.instrument import Instrument

HOME = Path(__file__).resolve().parent.parent.parent
VOCABULARY = HOME / "data" / "vocabulary.txt"
CACHE = HOME / ".build" / "texts"

index = typer.Typer(help="The component index: build it over your images, search it.", no_args_is_help=True)

Model = Annotated[str | None, typer.Option(help="An open_clip model name, e.g. ViT-B-32. Default: the demo model.")]
Pretrained = Annotated[str | None, typer.Option(help="An open_clip tag, or a file that holds a state dict.")]
Sae = Annotated[str | None, typer.Option(help="A native SAE file; spatial or cls for the demo's.")]
Device = Annotated[str, typer.Option(help="cpu, cuda or mps.")]
File = Annotated[Path, typer.Argument(help="An index.")]


@index.command("build")
def build(
    images: Annotated[Path, typer.Option(help="A folder of pictures, searched to its depth.")],
    model: Model = None,
    pretrained: Pretrained = None,
    sae: Sae = None,
    labels: Annotated[
        str | None, typer.Option(help='Class names to name components with, "apple,boat"; or a CSV of file and truth.')
    ] = None,
    labels_from_folders: Annotated[
        bool, typer.Option("--labels-from-folders", help="Each picture's class is the first folder of its path.")
    ] = False,
    vocabulary: Annotated[
        Path | None, typer.Option(help="Words to name components with, one a line. Default: ImageNet's and our own.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The index to write; what is unfinished waits in a folder beside it.")
    ] = Path("components.index"),
    batch: Annotated[int, typer.Option(min=1, help="Pictures at once; part of what decides the last bits.")] = 64,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of torch; part of what decides the last bits.")
    ] = None,
    readers: Annotated[int, typer.Option(min=1, help="Threads that decode pictures.")] = 2,
    every: Annotated[float, typer.Option(min=0, help="Seconds after which what is counted is kept again.")] = 300.0,
    device: Device = "cpu",
    json_wanted: Json = False,
) -> None:
    """Read each picture once and write down what is known of each component; go on where a build was cut off.

    Under `torchrun --nproc-per-node N -m study index build ...` N processes share the pictures.
    """
    with one_sentence():
        import torch

        from core.indexing.build import build_index
        from core.indexing.files import read_truths
        from core.indexing.layout import IndexFile
        from core.indexing.order import Order
        from core.indexing.shares import shared

        if labels is not None and labels_from_folders:
            raise TillerError("--labels and --labels-from-folders were both given; name one of them.")
        table = Path(labels) if labels is not None and labels.lower().endswith(".csv") else None
        truths = None if table is None else read_truths(table)
        names = read_labels(labels) if labels is not None and table is None else ()
        folders = sorted(each.name for each in images.iterdir() if each.is_dir()) if labels_from_folders else ()
        with shared(device) as share, _told(quiet=not share.first) as advance, asked_to_stop() as stop:
            tool = _instrument(model, pretrained, sae, None, share.device)
            order = Order(
                images=images,
                out=out,
                vocabulary=named_words(vocabulary, (*names, *folders, *dict.fromkeys((truths or {}).values()))),
                pretrained=pretrained or "",
                batch=batch,
                threads=threads or torch.get_num_threads(),
                truths=truths,
                from_folders=labels_from_folders,
                readers=readers,
                every=every,
                cache=CACHE,
            )
            made = build_index(tool.model, tool.sae, order, progress=advance, share=share, stop=stop)
        if share.first:
            said = IndexFile(made).heading
            emit({"index": str(made), **said}, heading_table(made, said), json_wanted=json_wanted)


@index.command("info")
def info(
    file: File,
    component: Annotated[int | None, typer.Option(min=0, help="One component's card instead.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read the whole file, and compare its digest.")] = False,
    json_wanted: Json = False,
) -> None:
    """Say what an index was built from, or what it knows of one component."""
    with one_sentence():
        from core.index import read_index

        found = read_index(file)
        if found.file is None:
            raise TillerError(f"{file} is a JSON list of {len(found)} cards; info is said of what `index build` wrote.")
        if verify and not found.file.whole():
            raise TillerError(f"{file} is a damaged index (its digest is another); build or fetch it again.")
        if component is None:
            emit(found.file.heading, heading_table(file, found.file.heading), json_wanted=json_wanted)
            return
        card = found.get(component)
        if card is None:
            raise TillerError(
                f"Component {component} was asked for; {file} has {len(found)}: name one from 0 to {len(found) - 1}."
            )
        emit(asdict(card), pairs_table(f"component {component}", asdict(card)), json_wanted=json_wanted)


@index.command("search")
def search(
    file: File,
    text: Annotated[str | None, typer.Option(help="What the strongest images should show.")] = None,
    origin: Annotated[str | None, typer.Option("--from", help="The class that the model says.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="The class that it should say.")] = None,
    min_density: Annotated[float | None, typer.Option(help="Share of images in which it fires, at least.")] = None,
    max_density: Annotated[float | None, typer.Option(help="The same, at most.")] = None,
    min_clarity: Annotated[float | None, typer.Option(help="Mean cosine of two of its strongest images.")] = None,
    min_monosemanticity: Annotated[float | None, typer.Option()] = None,
    min_class_share: Annotated[float | None, typer.Option(help="Share of its codes at the class token.")] = None,
    max_class_share: Annotated[float | None, typer.Option()] = None,
    top: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    model: Model = None,
    pretrained: Pretrained = None,
    sae: Sae = None,
    device: Device = "cpu",
    json_wanted: Json = False,
) -> None:
    """Find components by a text, or by what they would add to one class over another."""
    with one_sentence():
        from core.index import read_index
        from core.search import Filters, by_move, by_text

        if (text is None) == (origin is None or target is None) or (origin is None) != (target is None):
            raise TillerError("Name what to search for: --text WORDS, or --from CLASS and --to CLASS.")
        found = read_index(file)
        filters = Filters(
            min_density=min_density,
            max_density=max_density,
            min_clarity=min_clarity,
            min_monosemanticity=min_monosemanticity,
            min_class_share=min_class_share,
            max_class_share=max_class_share,
        )
        if text is not None:
            matches = by_text(
                found, text, lambda: _instrument(model, pretrained, sae, None, device).model, filters=filters, top=top
            )
        else:
            classes = (str(origin), str(target))
            tool = _instrument(model, pretrained, sae, classes, device)
            matches = by_move(found, tool.model, tool.sae, *classes, filters=filters, top=top)
        asked = {"text": text} if text is not None else {"from": origin, "to": target}
        result = {**asked, "components": [asdict(match) for match in matches]}
        emit(result, matches_table(matches, moved=text is None), json_wanted=json_wanted)


def _instrument(
    model: str | None, pretrained: str | None, sae: str | None, labels: tuple[str, ...] | None, device: str
) -> Instrument:
    """Model and dictionary as the other commands name them."""
    from core.instrument import open_instrument

    # the head's classes play no part in an index, and a model of one's own needs some
    given = labels or (("picture",) if model is not None else None)
    return open_instrument(
        settings_in(os.environ).bundle,
        model=model,
        pretrained=pretrained,
        sae=sae,
        labels=given,
        templates=None,
        home="spatial",
        device=device,
    )


def named_words(path: Path | None, labels: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The labels first, then the words of the file, or ours and ImageNet's class names."""
    from core.indexing.naming import distinct, imagenet_names, read_vocabulary

    if path is not None:
        return distinct((*labels, *read_vocabulary(path)))
    return distinct((*labels, *read_vocabulary(VOCABULARY), *imagenet_names()))


@contextmanager
def _told(*, quiet: bool) -> Generator[Callable[[str, int, int], None]]:
    """Progress for one of several processes: the first speaks for all."""
    if quiet:
        yield lambda what, done, of: None
        return
    with shown_progress() as advance:
        yield advance


@contextmanager
def asked_to_stop() -> Generator[Callable[[], bool]]:
    """Whether Ctrl-C or a polite end has been asked for; a second Ctrl-C ends at once."""
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
