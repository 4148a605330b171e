"""After the last block the margin is an affine map of the class token, or of the embedding; this is the map."""

from __future__ import annotations

from typing import cast

from jaxtyping import Float
from torch import Tensor, nn

from core.model import Clip
from core.types import TillerError


def readout(
    model: Clip, activations: Float[Tensor, "1 t d"], target: int, against: int
) -> tuple[Float[Tensor, " d"], float]:
    """The margin in float64 as x[0, 0] @ h + constant; returns h and the constant. A logit bias of all classes cancels.

    h = C diag(gain) P s(t_target - t_against) / (sigma |v|), with the last LayerNorm's deviation sigma and the
    embedding's norm |v| frozen at this picture's values, and C the centring matrix. At the embedding, x is v itself:
    h = s(t_target - t_against) / |v|, and the constant is 0.

    Raises:
        TillerError: a block comes after the cut, or another token than the class token is read.
    """
    if not model.reads_one_token:
        raise TillerError(
            f"The exact view was asked for after block {model.block} of {model.name}; it exists after the last block "
            f"({model.depth - 1}) of a model that reads its class token, and at the embedding: cut there, or use view "
            "gradient."
        )
    x = activations[0, 0].double()
    direction = model.scale * (model.text[target].double() - model.text[against].double())
    if model.at_embedding:
        return direction / x.norm(), 0.0
    norm = cast(nn.LayerNorm, model.visual.ln_post)
    gain, shift = norm.weight.double(), norm.bias.double()
    proj = model.visual.proj
    pull = direction if proj is None else proj.double() @ direction
    deviation = (x.var(unbiased=False) + norm.eps).sqrt()
    hidden = gain * (x - x.mean()) / deviation + shift
    length = (hidden if proj is None else hidden @ proj.double()).norm()
    weighed = gain * pull / (deviation * length)
    return weighed - weighed.mean(), (shift @ pull / length).item()
