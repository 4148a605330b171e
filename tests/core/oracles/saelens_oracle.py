"""SAELens writes each of its architectures and runs it; its own loader reads the configurations of versions 3 to 5."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from pathlib import Path

import torch
from record import activations, open_package, record, scatter, stand_in

lens = open_package("transformer_lens")
# typing only, in what follows
stand_in("transformer_lens.utils", Slice=object, SliceInput=object)
stand_in("transformers", PreTrainedTokenizerBase=object)
from transformer_lens.hook_points import HookedRootModule  # noqa: E402

stand_in("transformer_lens.HookedTransformer", HookedRootModule=HookedRootModule)
sae_lens = open_package("sae_lens")
sae_lens.__version__ = "6.54.12"
sae_lens.logger = logging.getLogger("sae_lens")
from sae_lens import registry  # noqa: E402
from sae_lens.saes import (  # noqa: E402
    batchtopk_sae,
    gated_sae,
    jumprelu_sae,
    matryoshka_batchtopk_sae,
    standard_sae,
    topk_sae,
    transcoder,
)
from sae_lens.saes.sae import SAE, SAEMetadata  # noqa: E402

KINDS = {
    "standard": (standard_sae.StandardSAE, standard_sae.StandardSAEConfig),
    "gated": (gated_sae.GatedSAE, gated_sae.GatedSAEConfig),
    "jumprelu": (jumprelu_sae.JumpReLUSAE, jumprelu_sae.JumpReLUSAEConfig),
    "topk": (topk_sae.TopKSAE, topk_sae.TopKSAEConfig),
}
for kind, (cls, config) in KINDS.items():
    registry.register_sae_class(kind, cls, config)
TRAINING = {
    "batchtopk": (batchtopk_sae.BatchTopKTrainingSAE, batchtopk_sae.BatchTopKTrainingSAEConfig, {}),
    "matryoshka": (
        matryoshka_batchtopk_sae.MatryoshkaBatchTopKTrainingSAE,
        matryoshka_batchtopk_sae.MatryoshkaBatchTopKTrainingSAEConfig,
        {"matryoshka_widths": [16, 48]},
    ),
}


def about() -> SAEMetadata:
    return SAEMetadata(model_name="clip-b-32", hook_name="blocks.9.hook_resid_post")


def run(out: Path, case: str) -> None:
    sae = SAE.load_from_disk(out / case)
    x = activations(sae.cfg.d_in)
    codes = sae.encode(x)
    record(out, case, x, codes, sae.decode(codes))


def save(out: Path, case: str, kind: str, *, width: int = 16, size: int = 48, **said: object) -> None:
    cls, config = KINDS[kind]
    sae = cls(config(d_in=width, d_sae=size, metadata=about(), **said))
    scatter(sae, rows="W_dec")
    sae.save_model(out / case)
    run(out, case)


def older(out: Path, case: str, like: str, said: dict) -> None:
    """The weights of the case `like` under a configuration of an older version, read by the library's own loader."""
    shutil.copytree(out / like, out / case)
    (out / case / "cfg.json").write_text(json.dumps(said))
    run(out, case)


def small(out: Path) -> None:
    for kind in ("standard", "gated", "jumprelu"):
        for pre_bias in (True, False):
            save(out, f"{kind}-{'with' if pre_bias else 'without'}-pre-bias", kind, apply_b_dec_to_input=pre_bias)
    for rescaled in (True, False):
        save(out, f"topk-{'rescaled' if rescaled else 'plain'}", "topk", k=5, rescale_acts_by_decoder_norm=rescaled)
    for norm in ("constant_norm_rescale", "layer_norm", "expected_average_only_in"):
        save(out, f"standard-{norm}", "standard", normalize_activations=norm)
        save(out, f"gated-{norm}", "gated", normalize_activations=norm)
    for case, (cls, config, more) in TRAINING.items():
        sae = cls(config(d_in=16, d_sae=48, k=6, metadata=about(), **more))
        scatter(sae, rows="W_dec")
        sae.topk_threshold.fill_(0.7)
        sae.save_model(out / f"{case}-in-training")
        sae.save_inference_model(out / case)
        run(out, case)
    coder = transcoder.Transcoder(
        transcoder.TranscoderConfig(d_in=16, d_sae=48, d_out=16, apply_b_dec_to_input=False, metadata=about())
    )
    coder.save_model(out / "transcoder")
    sizes = {"d_in": 16, "d_sae": 48, "dtype": "torch.float32", "device": "cpu"}
    v3 = {**sizes, "hook_point": "blocks.9.hook_mlp_out", "hook_point_layer": 9, "hook_point_head_index": None}
    older(out, "version-3", "standard-with-pre-bias", {**v3, "model_name": "vit", "normalize_activations": False})
    v4 = {**sizes, "hook_name": "blocks.9.hook_resid_pre", "hook_layer": 9, "sae_lens_training_version": "4.0.0"}
    v4 |= {"activation_fn_str": "relu", "finetuning_scaling_factor": False, "model_name": "vit"}
    older(
        out,
        "version-4-jumprelu",
        "jumprelu-without-pre-bias",
        {**v4, "architecture": "jumprelu", "apply_b_dec_to_input": False},
    )
    older(
        out,
        "version-4-layer-norm",
        "gated-with-pre-bias",
        {**v4, "architecture": "gated", "normalize_activations": "layer_norm"},
    )
    v5 = {**v4, "activation_fn_str": "topk", "activation_fn_kwargs": {"k": 5}, "sae_lens_training_version": "5.3.0"}
    older(out, "version-5-topk", "topk-plain", {**v5, "architecture": "standard", "seqpos_slice": [None]})


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    torch.set_grad_enabled(False)
    small(folder)
    save(folder, "true-size", "topk", width=768, size=49152, k=64, rescale_acts_by_decoder_norm=True)
