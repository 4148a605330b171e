"""A dictionary of embeddings of length 1, written as one of embeddings as the tower gives them."""

from __future__ import annotations

from dataclasses import replace

from core.checkpoints.contents import Checkpoint
from core.convention import ConstantNorm, DatasetNorm


def of_length_1(checkpoint: Checkpoint) -> Checkpoint:
    """The same codes and |v| times the reconstruction, for v in the place of v / |v|; weights are new.

    The dictionary reads u = ((v / |v| - mean) scale - a bias) @ encoder.T + encoder_bias, which is affine in
    sqrt(d) v / |v|, what `ConstantNorm` gives. With r = sqrt(d) / scale the encoder is divided by r, the dictionary
    multiplied by it, and the bias becomes r bias + sqrt(d) mean: what it rebuilds in place of v / |v| is multiplied by
    |v| on the way back. Without mean and scale these are 0 and 1.
    """
    norm, mean = checkpoint.convention.normalisation, checkpoint.mean
    scale = norm.scale if isinstance(norm, DatasetNorm) else 1.0
    root = checkpoint.dictionary.shape[1] ** 0.5
    ratio, encoder_bias, bias = root / scale, checkpoint.encoder_bias, checkpoint.bias * (root / scale)
    if mean is not None:
        bias = bias + root * mean
        if not checkpoint.convention.pre_bias:
            encoder_bias = encoder_bias - scale * (checkpoint.encoder @ mean)
    return replace(
        checkpoint,
        encoder=checkpoint.encoder / ratio,
        encoder_bias=encoder_bias,
        dictionary=checkpoint.dictionary * ratio,
        bias=bias,
        mean=None,
        convention=replace(checkpoint.convention, normalisation=ConstantNorm()),
    )
