"""TopK sparse autoencoders trained on the demo CLIP's own activations, with dead latents put back to work."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.demo.pool import Progress, silent


@dataclass(frozen=True, slots=True)
class DictionaryCourse:
    """Size and schedule of one dictionary."""

    steps: int
    latents: int = 1024
    k: int = 16
    batch: int = 2048
    rate: float = 2e-3
    revive: int = 64  # dead latents that explain the error of a step, at most
    dead_after: int = 150  # steps without firing
    seed: int = 5


@dataclass(frozen=True, slots=True)
class Learned:
    """A TopK dictionary: codes are the k greatest of (x - bias) @ encoder + encoder_bias, not below 0."""

    encoder: Tensor  # d k
    encoder_bias: Tensor  # k
    dictionary: Tensor  # k d, unit rows
    bias: Tensor  # d
    k: int

    def codes(self, x: Tensor) -> Tensor:
        """Dense codes of rows of activations."""
        return _top(((x - self.bias) @ self.encoder + self.encoder_bias), self.k)

    def decode(self, codes: Tensor) -> Tensor:
        """Rows of activations from dense codes."""
        return codes @ self.dictionary + self.bias


def _top(raw: Tensor, k: int) -> Tensor:
    values, places = raw.topk(k, dim=-1, sorted=False)
    return torch.zeros_like(raw).scatter(-1, places, values.relu())


def train_dictionary(
    rows: Tensor,
    course: DictionaryCourse,
    *,
    favoured: Tensor | None = None,
    share: float = 0.0,
    progress: Progress = silent,
    stage: str = "training dictionary",
) -> Learned:
    """Fit a dictionary to rows of activations (n, d).

    Args:
        rows: activations of all tokens.
        favoured: further rows, such as class tokens, that make up `share` of every batch; they are few among the
            tokens and carry what the picture means.
        share: see `favoured`.
    """
    generator = torch.Generator().manual_seed(course.seed)
    scale = float((rows - rows.mean(0)).square().sum(1).mean().sqrt())
    width = rows.shape[1]
    dictionary = nn.functional.normalize(torch.randn(course.latents, width, generator=generator), dim=1)
    encoder = nn.Parameter(dictionary.T.clone())
    encoder_bias = nn.Parameter(torch.zeros(course.latents))
    decoder = nn.Parameter(dictionary.clone())
    bias = nn.Parameter(rows.mean(0) / scale)
    optimiser = torch.optim.Adam([encoder, encoder_bias, decoder, bias], lr=course.rate, betas=(0.9, 0.99))
    quiet = torch.zeros(course.latents)
    for step in range(course.steps):
        for group in optimiser.param_groups:
            group["lr"] = course.rate * min(1.0, (step + 1) / 100, 5 * (course.steps - step) / course.steps)
        x = _batch(rows, favoured, share, course.batch, generator) / scale
        raw = (x - bias) @ encoder + encoder_bias
        codes = _top(raw, course.k)
        left = x - (codes @ decoder + bias)
        loss = left.square().sum(1).mean()
        quiet = torch.where((codes > 0).any(0), 0, quiet + 1)
        dead = quiet > course.dead_after
        if bool(dead.any()):
            count = min(course.revive, int(dead.sum()))
            rescue = _top(raw.masked_fill(~dead, -1e9), count)
            loss = loss + (left.detach() - rescue @ decoder).square().sum(1).mean() / 32
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            decoder.copy_(nn.functional.normalize(decoder, dim=1))
        progress(stage, step + 1, course.steps)
    with torch.no_grad():
        return Learned(encoder.clone(), encoder_bias * scale, decoder.clone(), bias * scale, course.k)


def _batch(rows: Tensor, favoured: Tensor | None, share: float, count: int, generator: torch.Generator) -> Tensor:
    extra = 0 if favoured is None else round(count * share)
    parts = [rows[torch.randint(len(rows), (count - extra,), generator=generator)]]
    if favoured is not None and extra:
        parts.append(favoured[torch.randint(len(favoured), (extra,), generator=generator)])
    return torch.cat(parts)


@torch.no_grad()
def explained_variance(rows: Tensor, rebuilt: Tensor) -> float:
    """One minus the pooled squared error over the pooled squared distance from the mean row."""
    return 1 - float((rows - rebuilt).square().sum() / (rows - rows.mean(0)).square().sum())
