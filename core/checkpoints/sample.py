"""Tokens of real pictures, drawn fairly and few enough to keep: what a dictionary is judged on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from core.model import Clip
from core.tower import embedded, through
from core.types import EMBEDDING, Block, TillerError

MOST_PICTURES, MOST_PATCHES = 1024, 2048
WHOLE = 4  # pictures kept with all their tokens, to run the rest of the model on
_AT_ONCE = 32

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done and the steps in all."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of activations by block: the class token of each picture, and of each picture as many patches.

    At the embedding, the one token of each picture stands for its class token, and there is no patch. `patches_each` is
    how many patches a picture has, drawn or not: the weight of a patch row follows from it. `whole` holds a few
    pictures with all their tokens. `block` is where the model was cut.
    """

    classes: Mapping[Block, Float[Tensor, "n d"]]
    patches: Mapping[Block, Float[Tensor, "m d"]]
    whole: Mapping[Block, Float[Tensor, "w t d"]]
    block: Block
    images: int
    patches_each: int
    seed: int

    @property
    def blocks(self) -> tuple[int, ...]:
        """The blocks after which there are rows, ascending; there may be rows of embeddings beside them."""
        return tuple(sorted(block for block in self.classes if isinstance(block, int)))

    def like(self, block: Block) -> tuple[Block, ...]:
        """Where activations are as wide as at `block`, that included."""
        width = self.classes[block].shape[1]
        places: tuple[Block, ...] = (*self.blocks, *([EMBEDDING] if EMBEDDING in self.classes else []))
        return tuple(place for place in places if self.classes[place].shape[1] == width)

    def thinned(self, most: int) -> Sample:
        """At most `most` rows of each kind, evenly spaced over the pictures; itself where it has no more."""
        if max(map(len, (*self.classes.values(), *self.patches.values()))) <= most:
            return self
        few = [{block: _spaced(rows, most) for block, rows in kind.items()} for kind in (self.classes, self.patches)]
        return replace(self, classes=few[0], patches=few[1])

    def rows(self, kind: str, block: Block) -> Float[Tensor, "n d"]:
        """The rows of `class` or `patches` at `block`."""
        return (self.classes if kind == "class" else self.patches)[block]

    def weight(self, kind: str) -> float:
        """How many tokens of the pictures one row of `kind` stands for."""
        drawn = max(map(len, (self.classes if kind == "class" else self.patches).values()))
        there = self.images * (1 if kind == "class" else self.patches_each)
        return there / drawn if drawn else 0.0


@torch.no_grad()
def gather(
    model: Clip,
    pictures: Sequence[Path],
    *,
    patches: int = MOST_PATCHES,
    seed: int = 0,
    progress: Progress | None = None,
) -> Sample:
    """Run pictures through the image tower once and keep rows after every block and of the embeddings.

    Memory does not grow with the pictures.

    At most `MOST_PICTURES` are taken, drawn with `seed`; those that cannot be read are left out.

    Args:
        patches: rows of patches to keep at most, the same number of each picture, drawn anew for each with `seed`.
    """
    draw = torch.Generator().manual_seed(seed)
    taken = torch.randperm(len(pictures), generator=draw)[:MOST_PICTURES].sort().values.tolist()
    there = model.grid**2
    each = min(there, max(1, patches // max(1, len(taken))))
    places: list[Block] = [*range(model.depth), EMBEDDING]
    found: dict[Block, tuple[list[Tensor], list[Tensor]]] = {block: ([], []) for block in places}
    whole: dict[Block, Tensor] = {}
    images = 0
    for batch in _batches(model, [pictures[place] for place in taken], progress):
        chosen = torch.stack([torch.randperm(there, generator=draw)[:each] for _ in batch]) + 1
        at = (torch.arange(len(batch))[:, None], chosen)
        x = model.visual._embeds(batch)
        for block in range(model.depth):
            x = through(model.visual, x, block, block + 1)
            found[block][0].append(x[:, 0].float().clone())  # a view would keep every token of every block
            found[block][1].append(x[at].flatten(0, 1).float())
            if not images:
                whole[block] = x[:WHOLE].clone()
        x = embedded(model.visual, x)
        found[EMBEDDING][0].append(x.float())
        found[EMBEDDING][1].append(x[:0].float())
        if not images:
            whole[EMBEDDING] = x[:WHOLE, None].float()
        images += len(batch)
    if not images:
        raise TillerError("Pictures were asked for and none can be read; name a folder of photographs.")
    return Sample(
        {block: torch.cat(rows) for block, (rows, _) in found.items()},
        {block: torch.cat(rows) for block, (_, rows) in found.items()},
        whole,
        model.block,
        images,
        there,
        seed,
    )


def sampled(model: Clip, activations: Float[Tensor, "n t d"], *, patches: int = MOST_PATCHES, seed: int = 0) -> Sample:
    """The same of activations at hand, where `model` is cut and nowhere else."""
    images, tokens, width = activations.shape
    each = min(tokens - 1, max(1, patches // max(1, images)))
    draw = torch.Generator().manual_seed(seed)
    chosen = torch.rand(images, max(0, tokens - 1), generator=draw).argsort(dim=1)[:, :each] + 1
    rows = activations[torch.arange(images)[:, None], chosen].reshape(-1, width)
    return Sample(
        {model.block: activations[:, 0].float()},
        {model.block: rows.float()},
        {model.block: activations[:WHOLE]},
        model.block,
        images,
        tokens - 1,
        seed,
    )


def _batches(model: Clip, pictures: Sequence[Path], progress: Progress | None) -> Iterator[Float[Tensor, "b 3 h w"]]:
    held: list[Tensor] = []
    for place, picture in enumerate(pictures):
        try:
            held.append(model.pixels(picture))
        except TillerError:
            continue
        finally:
            if progress is not None:
                progress("looking at pictures", place + 1, len(pictures))
        if len(held) == _AT_ONCE:
            yield torch.cat(held)
            held = []
    if held:
        yield torch.cat(held)


def _spaced(rows: Tensor, most: int) -> Tensor:
    if len(rows) <= most:
        return rows
    return rows[torch.linspace(0, len(rows) - 1, most).round().long()]
