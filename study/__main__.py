"""The command line: parse, call, print; with app.py the only place that may import everything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.description import read_description
from core.pictures import open_image
from core.prompts import refuse_lone_class
from core.types import Prediction, TillerError, View, refuse_component
from study.coding_desk import agreement, codebook
from study.desk import Json, backup, erase, export, invite, passphrase, restore, revoke, verify
from study.laboratory import card, check, replay, report
from study.notation import find_label, read_labels, read_plan
from study.rehearsal import preflight, simulate
from study.script_desk import schema
from study.settings import settings_in
from study.speech_desk import audio, transcribe, transcript
from study.state import Pinned, digest, labels_digest
from study.tables import attribution_table, steering_table
from study.terminal import Commands, emit, one_sentence
from study.workshop import tasks
from study.workshop.bundle import bundle
from study.workshop.claims import claim
from study.workshop.demo import demo
from study.workshop.given import refuse_options, refuse_words
from study.workshop.health import doctor
from study.workshop.index import index
from study.workshop.index_parts import dictionary_file
from study.workshop.models import fetch
from study.workshop.overview import overview
from study.workshop.sae import sae

if TYPE_CHECKING:
    from core.instrument import Instrument

app = typer.Typer(
    name="tiller",
    cls=Commands,
    help="Debug CLIP with sparse-autoencoder components, and keep every intervention.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(demo, name="demo")
script = typer.Typer(help="Study scripts: check one, complete one.", no_args_is_help=True)
app.add_typer(script, name="study")
app.add_typer(sae, name="sae")
app.add_typer(bundle, name="bundle")
app.add_typer(index, name="index")
app.add_typer(claim, name="claim")
app.add_typer(tasks.app, name="task")


Labels = Annotated[str | None, typer.Option(help='Class names: "apple,boat,car". Default: the demo\'s own.')]
Template = Annotated[list[str] | None, typer.Option(help='Prompt template with {} in it, e.g. "a photo of a {}".')]
Model = Annotated[str | None, typer.Option(help="An open_clip model name, e.g. ViT-B-32. Default: the demo model.")]
Pretrained = Annotated[str | None, typer.Option(help="An open_clip tag, or a file that holds a state dict.")]
Sae = Annotated[
    str | None, typer.Option(help="A dictionary of the bundle (the demo has spatial and cls), or a native SAE file.")
]


def instrument_of(
    model: str | None,
    pretrained: str | None,
    sae: str | None,
    labels: str | None,
    templates: list[str] | None,
    *,
    home: str,
) -> Instrument:
    """What the options that steer and attribute share have named; imported late, since torch is slow to import."""
    from core.instrument import open_instrument

    names = read_labels(labels) if labels is not None else None
    return open_instrument(
        _bundle(), model=model, pretrained=pretrained, sae=sae, labels=names, templates=templates, home=home
    )


def _bundle() -> Path:
    """The bundle that the environment names; the demo where it names none."""
    return settings_in(os.environ).bundle


def as_json(prediction: Prediction) -> dict[str, list[Any]]:
    """A prediction as the command line prints it."""
    return {
        "labels": list(prediction.labels),
        "logits": list(prediction.logits),
        "probabilities": list(prediction.probs),
    }


@app.command()
def steer(
    image: Annotated[Path, typer.Argument(help="A picture.")],
    labels: Labels = None,
    template: Template = None,
    edit: Annotated[
        list[str] | None, typer.Option(help="COMPONENT:suppress, :scale=2, :set=1.5 or :add=1; may be repeated.")
    ] = None,
    scope: Annotated[str, typer.Option(help="all, active, cls, or patches=0,1")] = "active",
    units: Annotated[str, typer.Option(help="What set and add count: p99 or code.")] = "p99",
    model: Model = None,
    pretrained: Pretrained = None,
    sae: Sae = None,
    json_wanted: Json = False,
) -> None:
    """Predict a picture's class before and after edits of components."""
    with one_sentence():
        if units not in ("p99", "code"):
            raise TillerError(f"Units {units!r} were asked for; set and add count in p99 or code: name one of them.")
        picture = open_image(image)
        refuse_options(None, model, pretrained, sae)
        refuse_words(labels, template)
        typed = read_plan(edit or (), scope, lambda component, scope: 1.0)  # whether it can be read, before torch is

        from core import steering
        from core.checkpoints.native import read_header

        size = read_header(dictionary_file(None, model, sae))["components"]
        for one in typed.edits:
            refuse_component(one.component, size)  # before the model is loaded

        tool = instrument_of(model, pretrained, sae, labels, template, home="spatial")
        plan = read_plan(edit or (), scope, tool.unit if units == "p99" else lambda component, scope: 1.0)
        seen = steering.look(tool.model, tool.sae, tool.model.pixels(picture))
        after = steering.steer(tool.model, tool.sae, seen, plan)

        pinned = Pinned(
            model_sha256=tool.model.digest,
            dictionary_sha256=tool.sae.digest,
            image_sha256=digest(image.read_bytes()),
            labels_sha256=labels_digest(tool.model.labels, tool.model.templates),
        )
        result = {
            "before": as_json(seen.clean),
            "after": as_json(after.prediction),
            "edit_norm_ratio": after.edit_norm_ratio,
            "state_before": pinned.state(()).id,
            "state_after": pinned.state(plan).id,
            **tool.names(),
        }
        table = steering_table(
            seen.clean, after.prediction, after.edit_norm_ratio, steering.idle(seen.codes, plan, tool.sae)
        )
        emit(result, table, json_wanted=json_wanted)


@app.command()
def attribute(
    image: Annotated[Path, typer.Argument(help="A picture.")],
    target: Annotated[str, typer.Option(help="The class to explain.")],
    labels: Labels = None,
    template: Template = None,
    against: Annotated[
        str | None, typer.Option(help="The class to explain it against. Default: the runner-up.")
    ] = None,
    view: Annotated[View, typer.Option(help="How the margin is shared out.")] = View.GRADIENT,
    top: Annotated[int, typer.Option(min=1, help="How many components to list; the rest is summed as `other`.")] = 20,
    model: Model = None,
    pretrained: Pretrained = None,
    sae: Sae = None,
    json_wanted: Json = False,
) -> None:
    """Share a picture's margin between two classes out over the components."""
    with one_sentence():
        picture = open_image(image)
        refuse_options(None, model, pretrained, sae)
        refuse_words(labels, template)
        known = None if model is not None else tuple(read_description(_bundle())["labels"])
        known = read_labels(labels) if labels is not None else known
        if known is not None:
            refuse_lone_class(len(known))
        for name in (target, against):
            if known is not None and name is not None:
                find_label(known, name)

        from core.attribution import attribute as share_out
        from core.steering import look

        tool = instrument_of(model, pretrained, sae, labels, template, home="cls" if view is View.EXACT else "spatial")
        names = tool.model.labels
        wanted = find_label(names, target)
        other = find_label(names, against) if against is not None else None
        seen = look(tool.model, tool.sae, tool.model.pixels(picture))
        found = share_out(tool.model, tool.sae, seen, wanted, against=other, view=view)
        listed = found.ranked(top)
        result = {
            "view": view.value,
            "target": names[found.target],
            "against": names[found.against],
            "margin": found.margin,
            "components": [
                {"index": each, "activation": found.activation[each], "score": found.scores[each]} for each in listed
            ],
            "other": found.beyond(listed),
            "bias": found.bias,
            "error": found.error,
            "constant": found.constant,
            "total": found.total,
            "completeness_gap": found.completeness_gap,
            **tool.names(),
        }
        emit(result, attribution_table(result, tool.components.named), json_wanted=json_wanted)


app.command()(doctor)
app.command()(overview)
app.command()(replay)
app.command()(simulate)
app.command()(preflight)
app.command()(transcript)
app.command()(transcribe)
app.command()(audio)
app.command()(verify)
app.command()(report)
app.command()(card)
app.command()(export)
app.command()(backup)
app.command()(erase)
app.command()(restore)
app.command()(agreement)
app.command()(codebook)
app.command()(invite)
app.command()(revoke)
app.command()(passphrase)
app.command()(fetch)
script.command()(check)
script.command()(schema)


def main() -> None:
    """Run what was typed."""
    app()


if __name__ == "__main__":
    main()
