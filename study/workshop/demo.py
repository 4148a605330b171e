"""`tiller demo`: pictures of the demo world, and its bundle built from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.types import many
from study.terminal import one_sentence, screen, shown_progress, told_when_stopped

HOME = Path(__file__).resolve().parent.parent.parent
DEMO = HOME / "data" / "demo"
WORK = HOME / ".build" / "demo"

demo = typer.Typer(help="The demo world: pictures with known causes, and a CLIP trained on them.", no_args_is_help=True)


@demo.command("draw")
def draw(
    out: Annotated[Path, typer.Option(help="The folder to write to; made if it is not there.")],
    n: Annotated[int, typer.Option(min=1, help="How many pictures.")] = 32,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Draw pictures of the demo world, and a CSV of what is in each."""
    with one_sentence():
        from core.demo.artefacts import draw_set

        with shown_progress() as advance:
            table = draw_set(n, seed, out, progress=advance)
        screen.print(f"{many(n, 'picture')} and {table}")


@demo.command("build")
def build(
    out: Annotated[Path, typer.Option(help="The bundle's folder.")] = DEMO,
    work: Annotated[Path, typer.Option(help="Where an interrupted build is kept and goes on from.")] = WORK,
) -> None:
    """Draw the world, train the model and its dictionaries, and write the bundle; within an hour on two cores."""
    with one_sentence():
        from core.demo.artefacts import build as build_demo

        kept = f"Stopped; each step that is done is kept in {work}, and the same command goes on from there."
        with told_when_stopped(lambda: kept), shown_progress() as advance:
            build_demo(out, work=work, progress=advance)
