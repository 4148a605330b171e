"""`tiller index search`: components by a text, or by what they would turn into what."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.types import TillerError, many
from study.desk import Json
from study.terminal import emit, one_sentence, room
from study.workshop.given import folder_of, refuse_options
from study.workshop.index_matches import matches_table
from study.workshop.index_parts import (
    Device,
    File,
    Model,
    Of,
    Pretrained,
    Sae,
    as_typed,
    instrument_of,
    located,
    model_of,
)
from study.workshop.index_tables import move_note, nothing_fits, nothing_found, text_note

if TYPE_CHECKING:
    from core.index import Index


def search(
    file: File = None,
    text: Annotated[str | None, typer.Option(help="What the strongest images should show.")] = None,
    origin: Annotated[str | None, typer.Option("--from", help="The class that the model says.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="The class that it should say.")] = None,
    min_density: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of images in which it fires, at least.")
    ] = None,
    max_density: Annotated[float | None, typer.Option(min=0, max=1, help="The same, at most.")] = None,
    min_clarity: Annotated[
        float | None, typer.Option(min=-1, max=1, help="Mean cosine of two of its strongest images.")
    ] = None,
    min_monosemanticity: Annotated[float | None, typer.Option(min=-1, max=1)] = None,
    min_class_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of its codes at the class token.")
    ] = None,
    max_class_share: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    bundle: Of = None,
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
        from core.search import Filters, by_text, file_of, word_of

        refuse_question(text, origin, target)
        path = located(file, bundle, sae)
        refuse_options(bundle, model, pretrained, sae, device=device, model_alone=text is not None)
        found = read_index(path)
        if found.file is None:
            options = " ".join(filter(None, ("--images FOLDER", as_typed(bundle, model, pretrained, sae))))
            raise TillerError(
                f"{path} is a JSON list of {many(len(found), 'card')}, which keeps nothing to search by; build an "
                f"index that does with `tiller index build {options} --out NAME.index`, and search NAME.index."
            )
        said = file_of(found).heading
        refuse_share(said["dictionary"]["tokens"], min_class_share, max_class_share)
        filters = Filters(
            min_density=min_density,
            max_density=max_density,
            min_clarity=min_clarity,
            min_monosemanticity=min_monosemanticity,
            min_class_share=min_class_share,
            max_class_share=max_class_share,
        )
        if text is not None:
            known = word_of(found, text) is not None

            def encode(query: str) -> Any:
                from core.moves import encoded

                return encoded(found, model_of(bundle, model, pretrained, device, said["model"]), query)

            matches = by_text(found, text, encode, filters=filters, top=top)
            asked: dict[str, Any] = {"text": text, "source": "vocabulary" if known else "model"}
            moved, note = None, text_note(text, known=known)
        else:
            classes = known_classes(found, bundle, model, str(origin), str(target))
            from core.moves import by_move

            tool = instrument_of(bundle, model, pretrained, sae, classes, device)
            matches = by_move(found, tool.model, tool.sae, *classes, filters=filters, top=top)
            asked = {"from": classes[0], "to": classes[1], "source": "reference"}
            moved, note = classes, move_note(*classes, said["reference"]["images"])
        within_bounds = bool(matches)
        matches = [one for one in matches if (one.score if moved is None else one.per_p99) > 0]
        fire = int((file_of(found)["density"] > 0).sum())
        counts = filters.counts(found)
        within = {"fire": fire, "within": counts}
        result = {"index": str(path), **asked, **within, "components": [asdict(match) for match in matches]}
        shown = matches_table(matches, moved=moved, note=note, width=room())
        why = nothing_fits(fire, text, moved) if within_bounds else nothing_found(fire, counts)
        emit(result, shown if matches else why, json_wanted=json_wanted, whole=True)


def refuse_question(text: str | None, origin: str | None, target: str | None) -> None:
    """Refuse a search for nothing, for half of a move, or for two things at once."""
    if text is not None and (origin is not None or target is not None):
        raise TillerError("--text and --from or --to were both given; search for a text or for a move, not both.")
    if text is None and (origin is None or target is None):
        lacks = "--from CLASS" if origin is None else "--to CLASS"
        half = f"{lacks} was left out" if origin or target else "Nothing was asked for"
        raise TillerError(f"{half}; name what to search for: --text WORDS, or --from CLASS and --to CLASS.")
    if text is not None and not text.strip():
        raise TillerError("--text is empty; give the words that the strongest images should show.")


def refuse_share(tokens: str, *bounds: float | None) -> None:
    """Refuse a bound on the share of codes at the class token where that is the same for every component."""
    if tokens != "all" and any(bound is not None for bound in bounds):
        raise TillerError(
            "A share of the class token was asked for, and the dictionary speaks for "
            f"{'patches' if tokens == 'patches' else 'one token of an image'} alone; leave --min-class-share and "
            "--max-class-share out."
        )


def known_classes(found: Index, bundle: Path | None, model: str | None, *asked: str) -> tuple[str, str]:
    """The two classes as the index writes them; one that neither index nor bundle knows is refused as a slip."""
    from core.search import file_of

    file = file_of(found)
    labels: Iterable[str] = file.heading["labels"]
    if model is None:
        from core.description import read_description

        labels = (*labels, *read_description(folder_of(bundle))["labels"])
    labels = dict.fromkeys(labels)
    known = {word.casefold(): word for word in (*file.texts("words"), *labels)}
    for one in asked:
        if one.strip().casefold() not in known:
            near = [known[each] for each in difflib.get_close_matches(one.casefold(), known, 3)] or list(labels)[:12]
            raise TillerError(
                f"Class {one!r} was asked for; {file.path} has no such class or word; there are {', '.join(near)}: "
                "name one of its classes or words, or build it with this one by --labels or --vocabulary."
            )
    origin, target = (known[one.strip().casefold()] for one in asked)
    if origin == target:
        raise TillerError(f"Class {origin!r} was asked for twice; name two classes, one with --from, one with --to.")
    return origin, target
