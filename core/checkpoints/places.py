"""Where in the tower a dictionary belongs, by the names that libraries give to the place."""

from __future__ import annotations

import re
from typing import NamedTuple

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint, Hook

_BLOCK = re.compile(r"(?:^|\.)(?:blocks|resblocks|layers)\.(\d+)(?:\.(.*))?$")
_STREAM = ("", "hook_resid_post", "hook_out")
_BRANCH = ("hook_mlp_out", "mlp")


class Place(NamedTuple):
    """A block, counted from 0, and what is read there."""

    block: int
    hook: Hook


def place_named(name: str) -> Place | None:
    """The place of a hook's or a module's name, such as `blocks.9.hook_resid_post`; None where the engine has no such.

    What enters block L is what left block L - 1, and is placed there.
    """
    found = _BLOCK.search(name)
    if not found:
        return None
    block, what = int(found[1]), found[2] or ""
    if what == "hook_resid_pre" and block:
        return Place(block - 1, "block")
    if what in _STREAM:
        return Place(block, "block")
    return Place(block, "mlp_out") if what in _BRANCH else None


def where_not_cut(hook: Hook, block: int | None) -> str:
    """A place where the tower cannot be cut, in words; "" after a block and at the embedding, where it can."""
    if hook != "mlp_out":
        return ""
    return "the MLP's output (mlp_out)" + ("" if block is None else f" in block {block}, counted from 0")


def refuse_place(checkpoint: Checkpoint) -> None:
    """Refuse a dictionary of a place where the tower cannot be cut, whatever the model.

    Raises:
        CheckpointRefused: it is one of an MLP's output.
    """
    where = where_not_cut(checkpoint.hook, checkpoint.block)
    if where:
        raise CheckpointRefused(
            f"{checkpoint.source} was made on {where}, and Tiller cuts a model after whole blocks; take a "
            "dictionary of the residual stream of that model in its place (hook_resid_post, resid)."
        )
