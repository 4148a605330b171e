"""A CLIP is two halves around one block, and the halves together are the whole tower, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import open_clip
import torch
from jaxtyping import Float
from open_clip.transform import PreprocessCfg, image_transform_v2
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional

from core.pictures import Source, open_image
from core.tower import can_shorten, class_token_through_last, embedded, reads_class_token, refuse_tower, through
from core.types import Prediction, TillerError
from core.weights import refuse_values, weights_digest, weights_source, why_refused
from core.zeroshot import Tokenizer, checked_labels, checked_templates, text_vectors

TEMPLATES = ("a photo of a {}",)


@runtime_checkable
class VisionModel(Protocol):
    """`model.logits(model.activations(pixels))` is the whole forward pass."""

    @property
    def labels(self) -> tuple[str, ...]:
        """One class name per logit."""
        ...

    def pixels(self, image: Any) -> Float[Tensor, "1 3 h w"]:
        """One picture as the model wants it."""
        ...

    def activations(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b t d"]:
        """The first half: the residual stream after the block, class token first."""
        ...

    def logits(self, activations: Float[Tensor, "b t d"]) -> Float[Tensor, "b c"]:
        """The second half, logit scale included."""
        ...


@dataclass(frozen=True, eq=False)
class Clip:
    """An open_clip model with a `VisionTransformer` image tower, cut after one block; never written to.

    No hook is ever registered, so threads that share one `Clip` cannot meet. All copies made by `at` and `labelled`
    share the weights. Where `reads_class_token` is true, the tail from the last block on uses token 0 alone, and
    accepts activations that hold nothing else.
    """

    network: nn.Module = field(repr=False)
    preprocess: Callable[[Any], Tensor] = field(repr=False)
    tokenizer: Tokenizer = field(repr=False)
    name: str
    digest: str
    block: int
    labels: tuple[str, ...]
    templates: tuple[str, ...]
    text: Float[Tensor, "c e"] = field(repr=False)

    @classmethod
    def load(
        cls,
        name: str,
        pretrained: str | Path | None,
        *,
        block: int,
        labels: Sequence[str],
        templates: Sequence[str] = TEMPLATES,
        device: str = "cpu",
    ) -> Clip:
        """An open_clip architecture by `name` with the weights of a published tag (a download) or of a file.

        A file is a state dict, `.safetensors` or torch's own; nothing in it is executed.

        Raises:
            TillerError: the name, the tag or the file is not one that can be used.
        """
        labels, templates = checked_labels(labels), checked_templates(templates)
        source = weights_source(name, pretrained)
        try:
            network, preprocess = cast(
                "tuple[nn.Module, Callable[[Any], Tensor]]",
                open_clip.create_model_from_pretrained(name, pretrained=source, device=device),
            )
        except Exception as refused:  # files and downloads fail in many types, all of them for one reason
            raise TillerError(
                f"'{source}' gives no weights for {name} ({why_refused(refused)}); give a state dict of {name}, or "
                "name its own model."
            ) from refused
        tokenizer = open_clip.get_tokenizer(name)
        return cls.wrap(network, preprocess, tokenizer, name=name, block=block, labels=labels, templates=templates)

    @classmethod
    def build(
        cls,
        config: Mapping[str, Any],
        weights: Mapping[str, Tensor],
        image: Mapping[str, Any],
        *,
        name: str,
        block: int,
        labels: Sequence[str],
        templates: Sequence[str] = TEMPLATES,
    ) -> Clip:
        """open_clip's own `CLIP` class from its configuration, a state dict, and `PreprocessCfg` fields in `image`."""
        network = open_clip.CLIP(**config)
        network.load_state_dict(dict(weights))
        preprocess = cast("Callable[[Any], Tensor]", image_transform_v2(PreprocessCfg(**image), is_train=False))
        tokenizer = open_clip.SimpleTokenizer(context_length=network.context_length)
        return cls.wrap(network, preprocess, tokenizer, name=name, block=block, labels=labels, templates=templates)

    @classmethod
    def wrap(
        cls,
        model: nn.Module,
        preprocess: Callable[[Any], Tensor],
        tokenizer: Tokenizer,
        *,
        name: str,
        block: int,
        labels: Sequence[str],
        templates: Sequence[str] = TEMPLATES,
        digest: str = "",
    ) -> Clip:
        """Any open_clip model in hand; puts it in evaluation mode and turns its gradients off, for good.

        Args:
            digest: the weights' digest where it is known; computed otherwise.
        """
        refuse_tower(model, name)
        refuse_values(model, name)
        labels, templates = checked_labels(labels), checked_templates(templates)
        model.eval().requires_grad_(False)
        text = text_vectors(model, tokenizer, labels, templates)
        clip = cls(model, preprocess, tokenizer, name, digest or weights_digest(model), 0, labels, templates, text)
        return clip.at(block)

    def at(self, block: int) -> Clip:
        """The same model cut after `block`, which counts from 0, or from the end where negative (-1 is the last)."""
        if not -self.depth <= block < self.depth:
            raise TillerError(
                f"Block {block} was asked for; {self.name} has {self.depth} blocks: name one from 0 to "
                f"{self.depth - 1}, or from -{self.depth} to -1 counting from the end."
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
    def is_last(self) -> bool:
        """Whether the cut is after the last block, where no token can reach another any more."""
        return self.block == self.depth - 1

    @property
    def reads_class_token(self) -> bool:
        """Whether the prediction is read from the class token alone once the blocks are over."""
        return reads_class_token(self.visual)

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
        """Tokens of one picture: the class token, then the patches row by row."""
        return self.grid**2 + 1

    @property
    def width(self) -> int:
        """Length of one token's activation."""
        return self.visual.transformer.width

    def pixels(self, image: Source) -> Float[Tensor, "1 3 h w"]:
        """One picture, opened and made ready by the model's own preprocessing."""
        return self.preprocess(open_image(image)).unsqueeze(0).to(self.text.device)

    @torch.no_grad()
    def activations(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b t d"]:
        """The residual stream after the block, class token first."""
        return through(self.visual, self.visual._embeds(pixels), 0, self.block + 1)

    def embedding(self, activations: Float[Tensor, "b t d"], *, exact: bool = True) -> Float[Tensor, "b e"]:
        """The image embeddings, not normalised: with `exact`, the bits of `encode_image`.

        Without it the last block computes its class token alone, which is all that is read: the same function at a
        quarter of the cost, rounded otherwise (under 1e-4 in logits). Gradients and batches over variants use that.
        """
        x = activations
        if not self.is_last:
            stop = self.depth if exact or not can_shorten(self.visual) else self.depth - 1
            x = through(self.visual, x, self.block + 1, stop)
            if stop < self.depth:
                x = class_token_through_last(self.visual, x)
        return embedded(self.visual, x)

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
