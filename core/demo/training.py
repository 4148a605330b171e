"""The demo's CLIP: open_clip's own class, small, trained with the contrastive loss on drawn pictures and captions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.demo.captions import caption, form_of_batch
from core.demo.lessons import Course, Lesson
from core.demo.muon import Muon
from core.demo.pool import MODEL_SIDE, Progress, silent
from core.demo.world import Truth
from core.openclip import SimpleTokenizer, open_clip

MODEL_CONFIG: dict[str, Any] = {
    "embed_dim": 96,
    "vision_cfg": {
        "image_size": MODEL_SIDE,
        "patch_size": 8,
        "layers": 6,
        "width": 160,
        "head_width": 32,
        "pos_embed_type": "sin_cos_2d",
    },
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
MEAN: tuple[float, float, float] = (0.5, 0.5, 0.5)
STD: tuple[float, float, float] = (0.25, 0.25, 0.25)
_SHIFT = 3  # pixels a training picture may move
_GREATEST_SCALE = math.log(100)


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


class _Texts:
    """Captions as tokens, each made once."""

    def __init__(self) -> None:
        self._tokenizer = new_tokenizer()
        self._known: dict[str, Tensor] = {}

    def tokens(self, captions: Sequence[str]) -> Tensor:
        for new in set(captions) - self._known.keys():
            self._known[new] = self._tokenizer([new])
        return torch.cat([self._known[one] for one in captions])


def _step_loss(model: open_clip.CLIP, pictures: np.ndarray, captions: Sequence[str], texts: _Texts) -> Tensor:
    different = sorted(set(captions))
    which = torch.tensor([different.index(one) for one in captions])
    images = model.encode_image(as_pixels(pictures), normalize=True)
    rows = model.encode_text(texts.tokens(different), normalize=True)
    return contrastive_loss(images, rows, which, model.logit_scale.exp())


def train_clip(
    lessons: Sequence[Lesson],
    course: Course,
    *,
    progress: Progress = silent,
    checkpoint: Path | None = None,
) -> open_clip.CLIP:
    """Train from scratch, and go on from `checkpoint` where an interrupted run of the same course left it.

    Captions come first, then the clear pictures with captions that name the object alone, then everything: shape is
    the hardest to learn, and while scenes or badges give the class away nobody learns it. Last, cues that mislead
    are mixed in, so that a cue is a strong hint and no longer the law, and the object stays in the class token
    beside it. Every epoch shows each of its pictures once, with a caption drawn anew.
    """
    torch.manual_seed(course.seed)
    model = new_clip()
    model.train()
    optimisers = _optimisers(model, course)
    begun = 0
    if checkpoint is not None and checkpoint.is_file():
        held = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(held["model"])
        for optimiser, state in zip(optimisers, held["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        begun = held["epoch"]
    else:
        learn_captions(model, lessons[0].truths, course, progress=progress)
    texts = _Texts()
    sizes = [lesson.steps(course.batch) for lesson in lessons]
    for epoch, lesson in list(enumerate(lessons))[begun:]:
        rng = np.random.default_rng([course.seed, epoch])
        order = rng.permutation(lesson.places)
        for place in range(sizes[epoch]):
            pace = lesson.share * _pace(lesson.begun + place, lesson.of, course.warmup)
            for optimiser, rate in zip(optimisers, (course.matrix_rate, course.rate), strict=True):
                for group in optimiser.param_groups:
                    group["lr"] = rate * pace
            chosen = np.sort(order[place * course.batch : (place + 1) * course.batch])
            form = form_of_batch(rng, bare=lesson.bare)
            captions = [caption(lesson.truths[index], rng, form) for index in chosen]
            loss = _step_loss(model, _varied(lesson.pool[chosen], rng), captions, texts)
            model.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimiser in optimisers:
                optimiser.step()
            with torch.no_grad():
                model.logit_scale.clamp_(0, _GREATEST_SCALE)
            progress("training CLIP", sum(sizes[:epoch]) + place + 1, sum(sizes))
        if checkpoint is not None:
            partial = checkpoint.with_suffix(".partial")
            states = [optimiser.state_dict() for optimiser in optimisers]
            torch.save({"model": model.state_dict(), "optimisers": states, "epoch": epoch + 1}, partial)
            partial.replace(checkpoint)
    return model.eval()


def learn_captions(
    model: open_clip.CLIP, truths: Sequence[Truth], course: Course, *, progress: Progress = silent
) -> None:
    """Teach the text tower alone which captions say the same: two captions of one picture against those of others.

    Untrained, it maps all captions to nearly one point (cosine 0.98), and two towers that both know nothing teach
    each other nothing for many thousand pictures. This takes seconds.
    """
    optimisers = _optimisers(model, course)
    texts = _Texts()
    rng = np.random.default_rng([course.seed, 999])
    for step in range(course.caption_steps):
        (one, beside), (two, _) = form_of_batch(rng), form_of_batch(rng)
        chosen = [truths[index] for index in rng.integers(0, len(truths), 64)]
        pairs = [(caption(t, rng, (one, beside)), caption(t, rng, (two, beside))) for t in chosen]
        different = sorted({pair[1] for pair in pairs})
        which = torch.tensor([different.index(pair[1]) for pair in pairs])
        rows = [
            model.encode_text(texts.tokens(captions), normalize=True) for captions in ([p[0] for p in pairs], different)
        ]
        loss = contrastive_loss(rows[0], rows[1], which, model.logit_scale.exp().detach())
        model.zero_grad(set_to_none=True)
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
        progress("learning captions", step + 1, course.caption_steps)


def _optimisers(model: open_clip.CLIP, course: Course) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon for the matrices of all blocks, AdamW for embeddings, projections, gains and biases."""
    hidden = [p for name, p in model.named_parameters() if "resblocks" in name and p.ndim == 2]
    chosen = {id(p) for p in hidden}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return (
        Muon(hidden, course.matrix_rate, decay=course.decay),
        torch.optim.AdamW(rest, lr=course.rate, betas=(0.9, 0.98), weight_decay=0.01),
    )


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
