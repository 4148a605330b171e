"""The demo's CLIP: open_clip's own class, small, trained with the contrastive loss on drawn pictures and captions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor
from torch.nn import functional

from core.demo.captions import BARE, caption
from core.demo.pool import MODEL_SIDE, Progress, silent
from core.demo.world import Truth

MODEL_CONFIG: dict[str, Any] = {
    "embed_dim": 96,
    "vision_cfg": {"image_size": MODEL_SIDE, "patch_size": 8, "layers": 6, "width": 160, "head_width": 32},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
MEAN: tuple[float, float, float] = (0.5, 0.5, 0.5)
STD: tuple[float, float, float] = (0.25, 0.25, 0.25)
_SHIFT = 3  # pixels a training picture may move
_GREATEST_SCALE = math.log(100)


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how the tower is trained."""

    epochs: int
    batch: int = 96
    rate: float = 1.2e-3
    decay: float = 0.05
    warmup: float = 0.06  # share of all steps
    seed: int = 11


def new_clip() -> open_clip.CLIP:
    """An untrained CLIP of the demo's size."""
    return open_clip.CLIP(**MODEL_CONFIG)


def new_tokenizer() -> SimpleTokenizer:
    """open_clip's own tokenizer at the demo's context length."""
    return SimpleTokenizer(context_length=MODEL_CONFIG["text_cfg"]["context_length"])


def as_pixels(pool: np.ndarray) -> Tensor:
    """uint8 (n, side, side, 3) as the model's normalised float pixels (n, 3, side, side)."""
    values = torch.from_numpy(pool).permute(0, 3, 1, 2).float().div_(255)
    return (values - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def _varied(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each picture moved by up to _SHIFT pixels and a little brighter or darker."""
    side = pictures.shape[1]
    padded = np.pad(pictures, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT), (0, 0)), mode="edge")
    moves = rng.integers(0, 2 * _SHIFT + 1, (len(pictures), 2))
    moved = np.stack(
        [one[top : top + side, left : left + side] for one, (top, left) in zip(padded, moves, strict=True)]
    )
    gain = rng.uniform(0.85, 1.15, (len(pictures), 1, 1, 3)).astype(np.float32)
    return (moved * gain).clip(0, 255).astype(np.uint8)


def contrastive_loss(images: Tensor, texts: Tensor, which: Tensor, scale: Tensor) -> Tensor:
    """CLIP's symmetric loss over the *different* captions of a batch.

    Args:
        images: unit rows (b, e).
        texts: unit rows (u, e), one per different caption.
        which: (b,), the caption of each image. Images with one caption are all its positives, in equal shares.
        scale: the logit scale.
    """
    logits = scale * images @ texts.T
    shares = functional.one_hot(which, len(texts)).T.float()
    shares = shares / shares.sum(1, keepdim=True)
    towards_images = -(shares * logits.T.log_softmax(1)).sum(1).mean()
    return (functional.cross_entropy(logits, which) + towards_images) / 2


def _step_loss(model: open_clip.CLIP, pictures: np.ndarray, captions: Sequence[str], tokens: Tensor) -> Tensor:
    different = sorted(set(captions))
    which = torch.tensor([different.index(one) for one in captions])
    images = model.encode_image(as_pixels(pictures), normalize=True)
    return contrastive_loss(images, model.encode_text(tokens, normalize=True), which, model.logit_scale.exp())


def train_clip(
    pool: np.ndarray,
    truths: Sequence[Truth],
    course: Course,
    *,
    progress: Progress = silent,
    checkpoint: Path | None = None,
) -> open_clip.CLIP:
    """Train from scratch, and go on from `checkpoint` where an interrupted run of the same course left it.

    Every epoch shows each picture once, with a caption drawn anew. All bare captions of one batch share a template,
    so that paraphrases are not pushed apart.
    """
    torch.manual_seed(course.seed)
    model = new_clip()
    model.train()
    slow = [p for p in model.parameters() if p.ndim >= 2]
    free = [p for p in model.parameters() if p.ndim < 2]
    optimiser = torch.optim.AdamW(
        [{"params": slow, "weight_decay": course.decay}, {"params": free, "weight_decay": 0.0}],
        lr=course.rate,
        betas=(0.9, 0.98),
    )
    a_pass = len(pool) // course.batch
    steps = a_pass * course.epochs
    begun = 0
    if checkpoint is not None and checkpoint.is_file():
        held = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(held["model"])
        optimiser.load_state_dict(held["optimiser"])
        begun = held["epoch"]
    tokenizer = new_tokenizer()
    known: dict[str, Tensor] = {}
    for epoch in range(begun, course.epochs):
        rng = np.random.default_rng([course.seed, epoch])
        order = rng.permutation(len(pool))
        for place in range(a_pass):
            step = epoch * a_pass + place
            for group in optimiser.param_groups:
                group["lr"] = course.rate * _pace(step, steps, course.warmup)
            chosen = np.sort(order[place * course.batch : (place + 1) * course.batch])
            bare = BARE[rng.integers(len(BARE))]
            captions = [caption(truths[index], rng, bare) for index in chosen]
            for new in set(captions) - known.keys():
                known[new] = tokenizer([new])
            tokens = torch.cat([known[one] for one in sorted(set(captions))])
            loss = _step_loss(model, _varied(pool[chosen], rng), captions, tokens)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            with torch.no_grad():
                model.logit_scale.clamp_(0, _GREATEST_SCALE)
            progress("training CLIP", step + 1, steps)
        if checkpoint is not None:
            partial = checkpoint.with_suffix(".partial")
            torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "epoch": epoch + 1}, partial)
            partial.replace(checkpoint)
    return model.eval()


def _pace(step: int, steps: int, warmup: float) -> float:
    """Linear warm-up, then a half cosine down to 0."""
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


@torch.no_grad()
def text_rows(model: open_clip.CLIP, labels: Sequence[str], templates: Sequence[str]) -> Tensor:
    """One unit row per label: the mean of its unit prompt embeddings, normalised again."""
    tokenizer = new_tokenizer()
    rows = [
        functional.normalize(
            model.encode_text(tokenizer([form.format(label) for form in templates]), normalize=True).mean(0), dim=0
        )
        for label in labels
    ]
    return torch.stack(rows)


@torch.no_grad()
def predictions(model: open_clip.CLIP, pool: np.ndarray, text: Tensor) -> np.ndarray:
    """The top label of each picture of a pool, as an index."""
    found = []
    for start in range(0, len(pool), 128):
        images = model.encode_image(as_pixels(pool[start : start + 128]), normalize=True)
        found.append((images @ text.T).argmax(1).numpy())
    return np.concatenate(found)
