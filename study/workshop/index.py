"""`tiller index`: build what is known of each component over an image set, look into it, and search it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from core.types import EMBEDDING, TillerError, many, refuse_component
from study.desk import Json
from study.notation import read_labels
from study.terminal import ANEW, emit, one_sentence, screen, shown_progress, told_when_stopped
from study.workshop.given import refuse_options
from study.workshop.index_card import component_card
from study.workshop.index_parts import Device, File, Model, Of, Pretrained, Sae, dictionary_file, instrument_of, located
from study.workshop.index_search import search
from study.workshop.index_tables import heading_sheet
from study.workshop.stopping import asked_to_stop

HOME = Path(__file__).resolve().parent.parent.parent
VOCABULARY = HOME / "data" / "vocabulary.txt"
CACHE = HOME / ".build" / "texts"

index = typer.Typer(help="The component index: build it over your images, search it.", no_args_is_help=True)


@index.command("build")
def build(
    images: Annotated[Path, typer.Option(help="A folder of pictures, searched to its depth.")],
    bundle: Of = None,
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
        from core.indexing.files import check_images, read_truths
        from core.indexing.kept import check_out, refuse_other_plan
        from core.indexing.plan import (
            NAMED,
            processes,
            said_by_dictionary,
            said_of_pictures,
            said_of_words,
            work_of,
        )
        from core.indexing.words import distinct, read_vocabulary

        # whatever can be refused at once is, before torch and a model are waited for
        if labels is not None and labels_from_folders:
            raise TillerError("--labels and --labels-from-folders were both given; name one of them.")
        refuse_options(bundle, model, pretrained, sae, device=device)
        table = Path(labels) if labels is not None and labels.lower().endswith(".csv") else None
        truths = None if table is None else read_truths(table)
        check_out(out)
        check_images(images, truths)
        names = read_labels(labels) if labels is not None and table is None else ()
        folders = sorted(each.name for each in images.iterdir() if each.is_dir()) if labels_from_folders else ()

        begun = work_of(out) / "plan.json"
        given = (*names, *folders, *dict.fromkeys((truths or {}).values()))
        said = {
            "batch": batch,
            "device": device.partition(":")[0],
            "processes": processes(),
            **({} if threads is None else {"threads": threads}),
            **({} if vocabulary is None else said_of_words(distinct((*given, *read_vocabulary(vocabulary))))),
            **said_of_pictures(images, truths, from_folders=labels_from_folders),
            **said_by_dictionary(dictionary_file(bundle, model, sae), whole=begun.is_file()),
        }
        refuse_other_plan(begun, said, named=NAMED)

        import torch

        from core.indexing.build import build_index
        from core.indexing.order import Order
        from core.indexing.shares import shared

        with (
            shared(device) as share,
            told_when_stopped(lambda: what_is_kept(out)),
            _told(quiet=not share.first) as advance,
        ):
            tool = instrument_of(bundle, model, pretrained, sae, None, share.device)
            order = Order(
                images=images,
                out=out,
                vocabulary=named_words(vocabulary, given),
                pretrained=pretrained or "",
                batch=batch,
                threads=threads or torch.get_num_threads(),
                truths=truths,
                from_folders=labels_from_folders,
                readers=readers,
                every=every,
                cache=CACHE,
            )
            with asked_to_stop(quiet=not share.first) as stop:
                made = build_index(tool.model, tool.sae, order, progress=advance, share=share, stop=stop)
        if share.first:
            _emit_heading(made, json_wanted=json_wanted)


def what_is_kept(out: Path) -> str:
    """What a person who stopped a build is told."""
    from core.indexing.plan import work_of

    work = work_of(out)
    if any(work.glob("counted-*.safetensors")):
        return f"Stopped; what was counted last is kept in {work}, and the same command goes on from there."
    return ANEW


@index.command("info")
def info(
    file: File = None,
    component: Annotated[int | None, typer.Option(min=0, help="One component's card instead.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read the whole file, and compare its digest.")] = False,
    bundle: Of = None,
    sae: Annotated[str | None, typer.Option(help="Which of the bundle's dictionaries.")] = None,
    json_wanted: Json = False,
) -> None:
    """Say what an index was built from, or what it knows of one component."""
    with one_sentence():
        from core.index import read_index
        from core.index_summary import code_quantiles, names_beside, strongest

        path = located(file, bundle, sae)
        found = read_index(path)
        if verify and (found.file is None or not found.file.whole()):
            fault = "has no digest to compare" if found.file is None else "is a damaged index (its digest is another)"
            raise TillerError(f"{path} {fault}; build or fetch it again.")
        if component is None:
            if found.file is None:
                raise TillerError(
                    f"{path} is a JSON list of {many(len(found), 'card')}, which does not say how it was made; name a "
                    "component with --component."
                )
            _emit_heading(path, verified=verify, json_wanted=json_wanted)
            return
        refuse_component(component, len(found))
        card = found[component]
        images, quantiles, named = strongest(found, component), code_quantiles(card), names_beside(found, card)
        told: dict[str, Any] = {
            "quantiles": quantiles,
            "top_images": [{"file": name, "strength": strength} for name, strength in images],
            "names": {str(other): name for other, name in named.items()},
        }
        at = None if found.file is None else found.file.heading["dictionary"]["block"]
        shown = component_card(
            card, images=images, quantiles=quantiles, named=named, width=screen.width, of_embeddings=at == EMBEDDING
        )
        emit(asdict(card) | told | ({"verified": True} if verify else {}), shown, json_wanted=json_wanted)


index.command("search")(search)


def _emit_heading(path: Path, *, verified: bool = False, json_wanted: bool) -> None:
    """What an index was made from and what came of it."""
    from core.index_summary import broken_in, summary_of
    from core.indexing.layout import IndexFile

    file = IndexFile(path)
    said, summary, broken = file.heading, summary_of(file), broken_in(file)
    table = heading_sheet(path, said, summary, broken)
    if verified:
        table.add_row("verified", f"every byte is as it was written, of the digest {said['sha256'][:12]}")
    result = {"index": str(path), **said, "summary": summary, "broken_files": broken}
    emit(result | ({"verified": True} if verified else {}), table, json_wanted=json_wanted)


def named_words(path: Path | None, labels: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The labels first, then the words of the file, or ours and ImageNet's class names."""
    from core.indexing.naming import imagenet_names
    from core.indexing.words import distinct, read_vocabulary

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
