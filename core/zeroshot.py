"""The zero-shot head is data: class names and prompt templates in, one unit text vector per class out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

PROMPTS_AT_ONCE = 256  # bounds memory: 1,000 classes in 80 templates are 80,000 prompts

Tokenizer = Callable[..., Tensor]


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
