"""The zero-shot head is data: class names and prompt templates in, one unit text vector per class out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from core.types import TillerError

PROMPTS_AT_ONCE = 256  # bounds memory: 1,000 classes in 80 templates are 80,000 prompts

Tokenizer = Callable[..., Tensor]


def checked_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The class names without surrounding space; refuses none, empty ones and, letter case aside, equal ones."""
    if isinstance(labels, str):
        raise TillerError(f"Class names came as one text, '{labels}'; give a list of names.")
    names = tuple(label.strip() for label in labels)
    if not names:
        raise TillerError("No class names were given; zero-shot prediction needs at least one, such as 'apple'.")
    if "" in names:
        raise TillerError(f"Class name {names.index('') + 1} of {len(names)} is empty; name it or leave it out.")
    # CLIP's tokenizer lowers all letters: 'Apple' and 'apple' are one text
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise TillerError(f"Class name '{name}' is there twice among {len(names)} names; keep one of them.")
        seen.add(name.casefold())
    return names


def checked_templates(templates: Sequence[str]) -> tuple[str, ...]:
    """The prompt templates; refuses none, and any without the place `{}` for the class name."""
    if isinstance(templates, str):
        raise TillerError(f"Templates came as one text, '{templates}'; give a list of templates.")
    if not templates:
        raise TillerError("No prompt templates were given; at least one is needed, such as 'a photo of a {}'.")
    for template in templates:
        if "{}" not in template:
            raise TillerError(f"Template '{template}' has no place for the class name; write {{}} where it goes.")
    return tuple(templates)


@torch.no_grad()
def text_vectors(
    network: nn.Module, tokenizer: Tokenizer, labels: Sequence[str], templates: Sequence[str]
) -> Float[Tensor, "c e"]:
    """Unit rows: the mean of each class's unit prompt vectors over the templates, made unit again."""
    prompts = [template.replace("{}", label) for label in labels for template in templates]
    device = next(network.parameters()).device
    vectors = [
        network.encode_text(tokenizer(prompts[start : start + PROMPTS_AT_ONCE]).to(device), normalize=False)  # pyright: ignore[reportCallIssue]
        for start in range(0, len(prompts), PROMPTS_AT_ONCE)
    ]
    per_prompt = functional.normalize(torch.cat(vectors).float(), dim=-1)
    per_class = per_prompt.unflatten(0, (len(labels), len(templates)))
    return functional.normalize(per_class.mean(dim=1), dim=-1)
