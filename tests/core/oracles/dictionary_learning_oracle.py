"""dictionary_learning writes each of its autoencoders as its own training does, and runs it as it loads it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from record import activations, open_package, record, scatter

open_package("dictionary_learning")
from dictionary_learning.dictionary import (  # noqa: E402
    AutoEncoder,
    AutoEncoderNew,
    GatedAutoEncoder,
    JumpReluAutoEncoder,
)
from dictionary_learning.trainers.batch_top_k import BatchTopKSAE, BatchTopKTrainer  # noqa: E402
from dictionary_learning.trainers.gdm import GatedSAETrainer  # noqa: E402
from dictionary_learning.trainers.jumprelu import JumpReluTrainer  # noqa: E402
from dictionary_learning.trainers.matryoshka_batch_top_k import (  # noqa: E402
    MatryoshkaBatchTopKSAE,
    MatryoshkaBatchTopKTrainer,
)
from dictionary_learning.trainers.standard import StandardTrainer  # noqa: E402
from dictionary_learning.trainers.top_k import AutoEncoderTopK, TopKTrainer  # noqa: E402

KINDS = {
    "standard": (AutoEncoder, StandardTrainer, {}),
    "gated": (GatedAutoEncoder, GatedSAETrainer, {}),
    "jumprelu": (JumpReluAutoEncoder, JumpReluTrainer, {}),
    "top-k": (AutoEncoderTopK, TopKTrainer, {"k": 5}),
    "batch-top-k": (BatchTopKSAE, BatchTopKTrainer, {"k": 5}),
    "matryoshka": (MatryoshkaBatchTopKSAE, MatryoshkaBatchTopKTrainer, {"k": 5, "group_fractions": [0.25, 0.75]}),
}


def save(folder: Path, autoencoder: torch.nn.Module, said: dict) -> Path:
    """As its trainSAE does: the trainer's own configuration, then the weights."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"trainer": said}, indent=4))
    torch.save({name: tensor.cpu() for name, tensor in autoencoder.state_dict().items()}, folder / "ae.pt")
    return folder / "ae.pt"


def run(out: Path, case: str, cls: type, file: Path, width: int) -> None:
    """What the library makes of its file. A batch of pictures has one axis more than it expects: it is laid flat."""
    autoencoder = cls.from_pretrained(str(file))
    x = activations(width)
    codes = autoencoder.encode(x)
    record(out, case, x, codes, autoencoder.decode(codes))


def write(out: Path, case: str, *, width: int = 16, size: int = 48, threshold: float | None = 0.8, scale: float = 1.0):
    cls, trainer_class, more = KINDS[case.removeprefix("true-size-").removesuffix("-folded").removesuffix("-unset")]
    trainer = trainer_class(
        steps=10, activation_dim=width, dict_size=size, layer=9, lm_name="clip-b-32", device="cpu", warmup_steps=1,
        **more, **({} if "k" in more else {"sparsity_warmup_steps": 1}),
    )  # fmt: skip
    scatter(trainer.ae, rows="W_dec")
    if "k" in more and threshold is not None:
        trainer.ae.threshold.fill_(threshold)
    if scale != 1.0:
        trainer.ae.scale_biases(scale)
    run(out, case, cls, save(out / case, trainer.ae, trainer.config), width)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    torch.set_grad_enabled(False)
    for kind in KINDS:
        write(folder, kind)
        write(folder, f"{kind}-folded", scale=2.5)
    write(folder, "batch-top-k-unset", threshold=None)
    new = AutoEncoderNew(16, 48)
    scatter(new, rows="decoder.weight")
    run(folder, "new", AutoEncoderNew, save(folder / "new", new, {"dict_class": "AutoEncoderNew", "layer": 9}), 16)
    write(folder, "true-size-matryoshka", width=768, size=49152, threshold=3.0)  # some 1 % of the codes
