"""A CLIP is two halves around one cut, and the halves together are the whole tower, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from core.hub import Progress
from core.loading import loaded, simple_tokenizer
from core.machine import at_least_single, checked_device, checked_dtype
from core.openclip import PreprocessCfg, VisionTransformer, image_transform_v2, open_clip
from core.pictures import Source, open_image
from core.prompts import checked_labels, checked_templates
from core.sources import find_source
from core.tower import can_shorten, class_token_through_last, embedded, reads_class_token, refuse_tower, through
from core.types import EMBEDDING, Block, Prediction, TillerError, many
from core.vision import VisionModel
from core.weights import refuse_values, weights_digest
from core.zeroshot import Tokenizer, text_vectors

TEMPLATES = ("a photo of a {}",)


@dataclass(frozen=True, eq=False)
class Clip:
    """An open_clip model with a `VisionTransformer` image tower, cut after one block or at the embedding.

    It is never written to, and no hook is ever registered, so threads that share one `Clip` cannot meet. All copies
    made by `at` and `labelled` share the weights. Cut at the embedding, a picture has one token: what the tower gives,
    before it is brought to length 1. Where `reads_one_token` is true, the tail uses token 0 alone, and accepts
    activations that hold nothing else.
    """

    network: nn.Module = field(repr=False)
    preprocess: Callable[[Any], Tensor] = field(repr=False)
    tokenizer: Tokenizer = field(repr=False)
    name: str
    digest: str
    block: Block
    labels: tuple[str, ...]
    templates: tuple[str, ...]
    text: Float[Tensor, "c e"] = field(repr=False)
    file_sha256: str = ""  # of the file of weights, where there is one

    @classmethod
    def load(
        cls,
        name: str,
        pretrained: str | Path | None = None,
        *,
        block: Block,
        labels: Sequence[str],
        templates: Sequence[str] = TEMPLATES,
        device: str = "cpu",
        dtype: str = "float32",
        progress: Progress = lambda what, done, of: None,
    ) -> Clip:
        """An open_clip model by name and tag, repository, folder or file; see `core.sources.find_source`.

        What is not on this machine is fetched. A file is a state dict, `.safetensors` or torch's own; nothing in it is
        executed. The digest is of the weights in single precision, whatever they are computed in.

        Args:
            device: cpu, cuda, cuda:N or mps.
            dtype: float32, bfloat16 or float16; activations and logits are float32 in each.
            progress: what is fetched, and how many bytes of how many are there.

        Raises:
            TillerError: the name, the tag, the file, the device or the type is not one that can be used.
        """
        labels, templates = checked_labels(labels), checked_templates(templates)
        at, kind = checked_device(device), checked_dtype(dtype)
        found = loaded(find_source(name, pretrained, progress), kind)
        return cls.wrap(
            found.network.to(at),
            found.preprocess,
            found.tokenizer,
            name=name,
            block=block,
            labels=labels,
            templates=templates,
            digest=found.digest,
            file_sha256=found.file_sha256,
        )

    @classmethod
    def build(
        cls,
        config: Mapping[str, Any],
        weights: Mapping[str, Tensor],
        image: Mapping[str, Any],
        *,
        name: str,
        block: Block,
        labels: Sequence[str],
        templates: Sequence[str] = TEMPLATES,
    ) -> Clip:
        """open_clip's own `CLIP` class from its configuration, a state dict, and `PreprocessCfg` fields in `image`."""
        network = open_clip.CLIP(**config)
        network.load_state_dict(dict(weights))
        preprocess = cast("Callable[[Any], Tensor]", image_transform_v2(PreprocessCfg(**image), is_train=False))
        tokenizer = simple_tokenizer(network.context_length)
        return cls.wrap(network, preprocess, tokenizer, name=name, block=block, labels=labels, templates=templates)

    @classmethod
    def wrap(
        cls,
        model: nn.Module,
        preprocess: Callable[[Any], Tensor],
        tokenizer: Tokenizer,
        *,
        name: str,
        block: Block,
        labels: Sequence[str],
        templates: Sequence[str] = TEMPLATES,
        digest: str = "",
        file_sha256: str = "",
    ) -> Clip:
        """Any open_clip model in hand; puts it in evaluation mode and turns its gradients off, for good.

        Args:
            digest: the weights' digest where it is known; computed otherwise.
            file_sha256: of the file that they were read from, where there is one.
        """
        refuse_tower(model, name)
        if not digest:
            refuse_values(model, name)
        labels, templates = checked_labels(labels), checked_templates(templates)
        model.eval().requires_grad_(False)
        text = text_vectors(model, tokenizer, labels, templates)
        known = digest or weights_digest(model)
        clip = cls(model, preprocess, tokenizer, name, known, 0, labels, templates, text, file_sha256)
        return clip.at(block)

    def at(self, block: Block) -> Clip:
        """The same model cut after `block`, from 0, or from the end where negative (-1 is the last); or "embedding"."""
        if block == EMBEDDING:
            return replace(self, block=EMBEDDING)
        if not isinstance(block, int) or not -self.depth <= block < self.depth:
            raise TillerError(
                f"Block {block} was asked for; {self.name} has {many(self.depth, 'block')}: name one from 0 to "
                f"{self.depth - 1}, or from -{self.depth} to -1 counting from the end, or embedding for "
                "what the tower gives."
            )
        return replace(self, block=block % self.depth)

    def labelled(self, labels: Sequence[str], templates: Sequence[str] | None = None) -> Clip:
        """The same model with other classes; the templates stay where none are given."""
        names = checked_labels(labels)
        prompts = self.templates if templates is None else checked_templates(templates)
        text = text_vectors(self.network, self.tokenizer, names, prompts)
        return replace(self, labels=names, templates=prompts, text=text)

    @property
    def visual(self) -> VisionTransformer:
        """The image tower."""
        return cast(VisionTransformer, self.network.visual)

    @property
    def depth(self) -> int:
        """How many blocks the image tower has."""
        return len(self.visual.transformer.resblocks)

    @property
    def at_embedding(self) -> bool:
        """Whether the cut is where the tower gives its embedding."""
        return self.block == EMBEDDING

    @property
    def passed(self) -> int:
        """How many blocks lie before the cut."""
        return self.depth if isinstance(self.block, str) else self.block + 1

    @property
    def is_last(self) -> bool:
        """Whether no block comes after the cut, so that no token can reach another any more."""
        return self.passed == self.depth

    @property
    def reads_class_token(self) -> bool:
        """Whether the prediction is read from the class token alone once the blocks are over."""
        return reads_class_token(self.visual)

    @property
    def reads_one_token(self) -> bool:
        """Whether the prediction is read from token 0 alone: the class token after the last block, or the embedding."""
        return self.at_embedding or (self.is_last and self.reads_class_token)

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.text.device

    @property
    def dtype(self) -> torch.dtype:
        """What the towers compute in; activations, text vectors and logits are float32 whatever it is."""
        return self.visual.conv1.weight.dtype

    @property
    def scale(self) -> float:
        """What cosines are multiplied by to give logits."""
        return self.network.logit_scale.exp().item()  # pyright: ignore[reportCallIssue]

    @property
    def grid(self) -> int:
        """Patches a side."""
        return self.visual.grid_size[0]

    @property
    def tokens(self) -> int:
        """Tokens of one picture: the class token, then the patches row by row; at the embedding, the embedding."""
        return 1 if self.at_embedding else self.grid**2 + 1

    @property
    def width(self) -> int:
        """Length of one token's activation."""
        return self.width_at(self.block)

    def width_at(self, block: Block) -> int:
        """The same where the cut is at `block`."""
        return self.text.shape[1] if block == EMBEDDING else self.visual.transformer.width

    def pixels(self, image: Source) -> Float[Tensor, "1 3 h w"]:
        """One picture, opened and made ready by the model's own preprocessing."""
        return self.preprocess(open_image(image)).unsqueeze(0).to(self.device)

    @torch.no_grad()
    def activations(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b t d"]:
        """The residual stream after the block, class token first; at the embedding, that as its one token."""
        return self.given(through(self.visual, self.visual._embeds(pixels.to(self.dtype)), 0, self.passed))

    def given(self, stream: Float[Tensor, "b t w"]) -> Float[Tensor, "b t d"]:
        """The activations at the cut, of the stream after the blocks before it."""
        return at_least_single(embedded(self.visual, stream)[:, None] if self.at_embedding else stream)

    def embedding(self, activations: Float[Tensor, "b t d"], *, exact: bool = True) -> Float[Tensor, "b e"]:
        """The image embeddings, not normalised: with `exact`, the bits of `encode_image`.

        Without it the last block computes its class token alone, which is all that is read: the same function at a
        quarter of the cost, rounded otherwise (under 1e-4 in logits). Gradients and batches over variants use that.
        """
        if self.at_embedding:
            return activations[:, 0]
        x = activations.to(self.dtype)
        if not self.is_last:
            stop = self.depth if exact or not can_shorten(self.visual) else self.depth - 1
            x = through(self.visual, x, self.passed, stop)
            if stop < self.depth:
                x = class_token_through_last(self.visual, x)
        return at_least_single(embedded(self.visual, x))

    def classify(self, embedding: Float[Tensor, "b e"]) -> Float[Tensor, "b c"]:
        """Logits of embeddings: logit scale times cosine with each class's text vector (plus a bias if it has one)."""
        logits = self.network.logit_scale.exp() * functional.normalize(embedding, dim=-1) @ self.text.T  # pyright: ignore[reportCallIssue]
        bias = cast("Tensor | None", self.network.logit_bias)
        return logits if bias is None else logits + bias

    def logits(self, activations: Float[Tensor, "b t d"], *, exact: bool = True) -> Float[Tensor, "b c"]:
        """The second half of the forward pass; `exact` as in `embedding`."""
        return self.classify(self.embedding(activations, exact=exact))

    def predict(self, activations: Float[Tensor, "1 t d"]) -> Prediction:
        """What the model says about one picture."""
        return Prediction(self.labels, tuple(self.logits(activations)[0].tolist()))


def margins(model: VisionModel, activations: Float[Tensor, "b t d"], target: int, against: int) -> Float[Tensor, " b"]:
    """Logit of `target` minus logit of `against` for each row, by the short tail where the model has one."""
    logits = model.logits(activations, exact=False) if isinstance(model, Clip) else model.logits(activations)
    return logits[:, target] - logits[:, against]
