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
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor, nn
from torch.nn import functional

from core.pictures import Source, open_image
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
        _refuse_tower(model, name)
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
        return self.visual.attn_pool is None and self.visual.pool_type == "tok"

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
        return self._through(self.visual._embeds(pixels), 0, self.block + 1)

    def embedding(self, activations: Float[Tensor, "b t d"], *, exact: bool = True) -> Float[Tensor, "b e"]:
        """The image embeddings, not normalised: with `exact`, the bits of `encode_image`.

        Without it the last block computes its class token alone, which is all that is read: the same function at a
        quarter of the cost, rounded otherwise (under 1e-4 in logits). Gradients and batches over variants use that.
        """
        x = activations
        if not self.is_last:
            stop = self.depth if exact or not self._can_shorten else self.depth - 1
            x = self._through(x, self.block + 1, stop)
            if stop < self.depth:
                x = self._class_token_through_last(x)
        if self.reads_class_token:
            pooled = self.visual.ln_post(x[:, 0])
        else:
            pooled, _ = self.visual._pool(x)
        return pooled if self.visual.proj is None else pooled @ self.visual.proj

    def classify(self, embedding: Float[Tensor, "b e"]) -> Float[Tensor, "b c"]:
        """Logits of embeddings: logit scale times cosine with each class's text vector (plus a bias if it has one)."""
        logits = self.network.logit_scale.exp() * functional.normalize(embedding, dim=-1) @ self.text.T  # pyright: ignore[reportCallIssue]
        bias = cast("Tensor | None", self.network.logit_bias)
        return logits if bias is None else logits + bias

    def logits(self, activations: Float[Tensor, "b t d"], *, exact: bool = True) -> Float[Tensor, "b c"]:
        """The second half of the forward pass; `exact` as in `embedding`."""
        return self.classify(self.embedding(activations, exact=exact))

    def readout(
        self, activations: Float[Tensor, "1 t d"], target: int, against: int
    ) -> tuple[Float[Tensor, " d"], float]:
        """The margin as an affine map of the class token, in float64: margin = x[0, 0] @ h + constant.

        h = C diag(gain) P s(t_target - t_against) / (sigma |v|), with the last LayerNorm's deviation sigma and the
        embedding's norm |v| frozen at this picture's values, and C the centring matrix.

        Raises:
            TillerError: the cut is not after the last block, or another token than the class token is read.
        """
        if not (self.is_last and self.reads_class_token):
            raise TillerError(
                f"The exact view was asked for after block {self.block} of {self.name}; it exists after the last block "
                f"({self.depth - 1}) of a model that reads its class token: cut there, or use view gradient."
            )
        norm, x = cast(nn.LayerNorm, self.visual.ln_post), activations[0, 0].double()
        gain, shift = norm.weight.double(), norm.bias.double()
        direction = self.scale * (self.text[target].double() - self.text[against].double())
        proj = self.visual.proj
        pull = direction if proj is None else proj.double() @ direction
        deviation = (x.var(unbiased=False) + norm.eps).sqrt()
        hidden = gain * (x - x.mean()) / deviation + shift
        length = (hidden if proj is None else hidden @ proj.double()).norm()
        weighed = gain * pull / (deviation * length)
        return weighed - weighed.mean(), (shift @ pull / length).item()

    def predict(self, activations: Float[Tensor, "1 t d"]) -> Prediction:
        """What the model says about one picture."""
        return Prediction(self.labels, tuple(self.logits(activations)[0].tolist()))

    @property
    def _can_shorten(self) -> bool:
        return self.reads_class_token and type(self.visual.transformer.resblocks[-1]) is ResidualAttentionBlock

    def _through(self, x: Tensor, start: int, stop: int) -> Tensor:
        token_first = not self.visual.transformer.batch_first
        if token_first and start < stop:
            x = x.transpose(0, 1).contiguous()
        for block in self.visual.transformer.resblocks[start:stop]:
            x = block(x)
        return x.transpose(0, 1) if token_first and start < stop else x

    def _class_token_through_last(self, x: Tensor) -> Tensor:
        """The last block for token 0 only; all tokens are still attended to."""
        block = cast(ResidualAttentionBlock, self.visual.transformer.resblocks[-1])
        query, context = x[:, :1], block.ln_1(x)
        asked = context[:, :1]
        if self.visual.transformer.batch_first:
            heard = block.attention(asked, context, context)
        else:
            heard = block.attention(asked.transpose(0, 1), *(context.transpose(0, 1),) * 2).transpose(0, 1)
        query = query + block.ls_1(heard)
        return query + block.ls_2(block.mlp(block.ln_2(query)))


def margins(model: VisionModel, activations: Float[Tensor, "b t d"], target: int, against: int) -> Float[Tensor, " b"]:
    """Logit of `target` minus logit of `against` for each row, by the short tail where the model has one."""
    logits = model.logits(activations, exact=False) if isinstance(model, Clip) else model.logits(activations)
    return logits[:, target] - logits[:, against]


def _refuse_tower(model: nn.Module, name: str) -> None:
    visual = getattr(model, "visual", None)
    if not isinstance(visual, VisionTransformer):
        raise TillerError(
            f"The image tower of {name} is a {type(visual).__name__}; only open_clip's VisionTransformer can be cut: "
            "choose a ViT model, such as ViT-B-32."
        )
    if visual.pool_type == "none":
        raise TillerError(
            f"{name} pools no token (pool_type 'none'); a prediction needs one embedding per picture: choose a model "
            "that pools 'tok' or 'avg'."
        )
    if visual.grid_size[0] != visual.grid_size[1]:
        raise TillerError(
            f"{name} has {visual.grid_size[0]} by {visual.grid_size[1]} patches; maps are drawn on a square grid: "
            "choose a model with square input."
        )
