"""Which index, model and dictionary the options of `tiller index` name, and what is refused before any is opened."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.types import TillerError
from study.workshop.given import folder_of

if TYPE_CHECKING:
    from core.instrument import Instrument
    from core.model import Clip

Model = Annotated[str | None, typer.Option(help="An open_clip model name, e.g. ViT-B-32. Default: the demo model.")]
Pretrained = Annotated[str | None, typer.Option(help="An open_clip tag, or a file that holds a state dict.")]
Sae = Annotated[str | None, typer.Option(help="A native SAE file, or the name of a bundle's dictionary.")]
Device = Annotated[str, typer.Option(help="cpu, cuda or mps.")]
Of = Annotated[Path | None, typer.Option("--bundle", help="A bundle, in place of --model. Default: TILLER_BUNDLE's.")]
File = Annotated[Path | None, typer.Argument(help="An index; the bundle's own where --bundle is named alone.")]


def located(file: Path | None, bundle: Path | None, sae: str | None) -> Path:
    """The index that was named, or that of a bundle's dictionary."""
    if file is not None:
        return file
    if bundle is None:
        raise TillerError("No index was named; name its FILE, or a bundle with --bundle DIR to look into its own.")
    from core.description import dictionary_in, read_description

    which = dictionary_in(bundle, sae, home="spatial")
    return bundle / read_description(bundle)["dictionaries"][which]["index"]


def as_typed(bundle: Path | None, model: str | None, pretrained: str | None, sae: str | None) -> str:
    """The options that name a model and a dictionary, as they would be typed; "" where the environment's are meant."""
    given = {"--bundle": bundle, "--model": model, "--pretrained": pretrained, "--sae": sae}
    return shlex.join(word for name, value in given.items() if value is not None for word in (name, str(value)))


def dictionary_file(bundle: Path | None, model: str | None, sae: str | None) -> Path:
    """The file of the dictionary that is named: one of the bundle's, or one of its own."""
    from core.description import dictionary_in, read_description

    folder = folder_of(bundle)
    if sae is not None and (model is not None or sae not in read_description(folder)["dictionaries"]):
        return Path(sae)
    return folder / read_description(folder)["dictionaries"][dictionary_in(folder, sae, home="spatial")]["sae"]


def model_of(bundle: Path | None, model: str | None, pretrained: str | None, device: str, said: dict[str, str]) -> Clip:
    """The model that is named, or else the one that the index says it was built with, if it can be loaded by that."""
    from core.model import Clip

    if model is None and bundle is None and said.get("pretrained"):
        model, pretrained = said["name"], said["pretrained"]
    if model is None:
        return instrument_of(bundle, None, None, None, None, device).model
    return Clip.load(model, pretrained, block=-1, labels=("picture",), device=device)


def instrument_of(
    bundle: Path | None,
    model: str | None,
    pretrained: str | None,
    sae: str | None,
    labels: tuple[str, ...] | None,
    device: str,
) -> Instrument:
    """Model and dictionary as the other commands name them."""
    from core.instrument import open_instrument

    # the head's classes play no part in an index, and a model of one's own needs some
    given = labels or (("picture",) if model is not None else None)
    return open_instrument(
        folder_of(bundle),
        model=model,
        pretrained=pretrained,
        sae=sae,
        labels=given,
        templates=None,
        home="spatial",
        device=device,
    )
