"""Dictionaries of embeddings pass the real gate on a small model, with the codes that their own formulas give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from dictionaries import write_dictionary_learning
from indexed import draw_pictures

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint
from core.checkpoints.decision import Decision
from core.checkpoints.formats import read_checkpoint
from core.checkpoints.gate import accept, check_gate
from core.checkpoints.native import load_native, save_native
from core.checkpoints.sample import gather
from core.checkpoints.unit_length import of_length_1
from core.convention import ConstantNorm, Convention, DatasetNorm, JumpRelu, NoNorm, Relu, TopK
from core.types import EMBEDDING

E, HALF, K = 24, 8, 6
VLM = "imagenet_train_activations_clip-vit-tiny_-1_post_projection_top_k_6_x1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("pictures"), 260)


@pytest.fixture(scope="module")
def sample(folder, make_clip):
    return gather(make_clip(block=-1), sorted(folder.rglob("*.png")))


@pytest.fixture(scope="module")
def vectors(sample):
    return sample.classes[EMBEDDING].double()


def trained(x):
    """Rows for centred x: its strongest directions and their opposites, and a bias that matters."""
    draw = torch.Generator().manual_seed(2)
    directions = torch.linalg.svd(x - x.mean(0), full_matrices=False).Vh[:HALF]
    rows = torch.cat([directions, -directions])
    return rows[torch.randperm(len(rows), generator=draw)], x.mean(0) + 0.01 * x.std() * torch.randn(E, generator=draw)


def msae(folder, x, *, scaled=True):
    """MSAE's file of a TopKReLU dictionary of x, by its documented layout; returns it and its formula."""
    mean = x.mean(0) if scaled else torch.zeros(E)
    scale = E**0.5 / (x - mean).norm(dim=1).mean().item() if scaled else 1.0
    rows, bias = trained((x - mean) * scale)
    state = {
        "pre_bias": bias.float(),
        "encoder": rows.T.float().contiguous(),
        "latent_bias": torch.full((2 * HALF,), 0.01),
        "decoder": rows.float(),
    }
    held = {"model": state, "mean_center": mean.float(), "scaling_factor": np.float64(scale), "target_norm": E**0.5}
    path = folder / f"{2 * HALF}_{E}_TopKReLU_{K}_RW_False_False_0.0_cc3m_tiny_train_image_260_{E}.pth"
    torch.save(held, path)

    def forward(x):
        pre = ((x - mean) * scale - bias) @ rows.T + 0.01
        codes = kept(pre)
        return codes, (codes @ rows + bias) / scale + mean

    return path, forward


def post_projection(folder, x):
    """sae-for-vlm's folder of a TopK dictionary of x in dictionary_learning's tensors; returns it and its formula."""
    rows, bias = trained(x)
    size = 0.05 * x.std().item()
    state = {
        "encoder.weight": rows.float(),
        "encoder.bias": torch.full((2 * HALF,), size),
        "decoder.weight": rows.T.float().contiguous(),
        "b_dec": bias.float(),
        "k": torch.tensor(K),
        "threshold": torch.tensor(-1.0),
    }
    trainer = folder / "random_k_2" / VLM / "trainer_0"
    write_dictionary_learning(trainer, state, dict_class="AutoEncoderTopK", layer="", lm_name="", submodule_name="")

    def forward(x):
        codes = kept((x - bias) @ rows.T + size)
        return codes, codes @ rows + bias

    return trainer, forward


def kept(pre):
    values, indices = pre.topk(K, dim=-1)
    return torch.zeros_like(pre).scatter(-1, indices, values.relu())


def assert_is(sae, vectors, codes, rebuilt):
    at = vectors.float()[:, None]
    found = sae.encode(at)
    size = vectors.norm(dim=1).mean().item()
    torch.testing.assert_close(found.dense()[:, 0].double(), codes, atol=1e-5 * codes.max().item(), rtol=1e-5)
    torch.testing.assert_close(sae.decode(found, at=at)[:, 0].double(), rebuilt, atol=1e-5 * size, rtol=1e-5)


@pytest.mark.parametrize("written", [msae, post_projection])
@pytest.mark.parametrize("unit", [False, True])
def test_a_file_of_embeddings_is_read_as_it_was_trained(tmp_path, make_clip, sample, vectors, written, unit):
    """Whether v was brought to length 1 first, no file says: the gate finds out, and the way back undoes it."""
    lengths = vectors.norm(dim=1, keepdim=True) if unit else torch.ones(len(vectors), 1)
    path, forward = written(tmp_path, vectors / lengths)
    held = read_checkpoint(path)
    assert (held.place, held.hook, held.block, held.unsaid) == (EMBEDDING, "embedding", None, ("length",))
    sae = accept(held, make_clip(block=-1), sample)
    decision = Decision.from_json(sae.header["gate"])
    assert (sae.block, decision.block, decision.tokens, decision.verdict) == (EMBEDDING, EMBEDDING, "cls", "found")
    assert (decision.chosen.normalisation == "unit_norm") == unit
    assert (sae.digest == held.stated().digest) != unit  # only what was folded is another than the file's own
    assert decision.explained > 0.7
    assert decision.gap < 1e-4
    codes, rebuilt = forward(vectors / lengths)
    assert_is(sae, vectors, codes, rebuilt * lengths)
    save_native(sae, tmp_path / "native.safetensors")
    model = make_clip(block=EMBEDDING)
    back = load_native(tmp_path / "native.safetensors", model=model)
    assert (back.digest, back.cut(model.at(0)).block) == (sae.digest, EMBEDDING)
    assert check_gate(back, model, vectors.float()[:, None]) == pytest.approx(decision.explained, abs=1e-6)
    again = accept(read_checkpoint(tmp_path / "native.safetensors"), model, sample)
    assert (again.digest, again.header["gate"]["corrected"]) == (sae.digest, False)


def test_one_without_mean_and_scale_is_read_as_it_is_where_length_makes_no_odds(tmp_path, make_clip, sample, vectors):
    path, _ = msae(tmp_path, vectors, scaled=False)
    held = read_checkpoint(path)
    directions = torch.linalg.svd(vectors, full_matrices=False).Vh[:HALF].float()
    rows = torch.cat([directions, -directions])
    none = {"bias": torch.zeros(E), "encoder_bias": torch.zeros(2 * HALF)}
    bare = replace(held, encoder=rows, dictionary=rows.clone(), **none)
    assert held.convention.normalisation == NoNorm()
    decision = Decision.from_json(accept(bare, make_clip(block=-1), sample).header["gate"])
    figures = [one.explained for one in decision.candidates if one.normalisation in ("none", "unit_norm")]
    assert figures == pytest.approx([figures[0]] * 2, abs=1e-5)
    assert decision.chosen.normalisation == "none"


@pytest.mark.parametrize("pre_bias", [True, False])
@pytest.mark.parametrize("normalisation", [NoNorm(), DatasetNorm(3.0)])
@pytest.mark.parametrize("activation", [TopK(7, signed=True), Relu(), JumpRelu()])
def test_a_dictionary_of_unit_vectors_is_one_of_vectors_with_other_weights(pre_bias, normalisation, activation):
    draw = torch.Generator().manual_seed(1)
    noise = lambda *shape: torch.randn(*shape, generator=draw)  # noqa: E731
    held = Checkpoint(
        format="msae",
        source="x",
        sha256="",
        encoder=noise(40, E),
        encoder_bias=noise(40),
        dictionary=noise(40, E),
        bias=noise(E),
        mean=0.1 * noise(E) if isinstance(normalisation, DatasetNorm) else None,
        thresholds=noise(40).abs() if isinstance(activation, JumpRelu) else None,
        convention=Convention(activation, normalisation, pre_bias=pre_bias, tokens="cls"),
        hook="embedding",
    )
    v = 9 * noise(5, 1, E)
    length = v.norm(dim=-1, keepdim=True)
    plain, other = held.stated(), of_length_1(held).stated()
    due = plain.encode(v / length)
    assert other.convention == Convention(activation, ConstantNorm(), pre_bias=pre_bias, tokens="cls")
    torch.testing.assert_close(other.encode(v).dense(), due.dense(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        other.decode(other.encode(v), at=v), length * plain.decode(due, at=v / length), atol=1e-3, rtol=1e-4
    )


def test_a_file_without_its_right_weights_or_width_is_refused(tmp_path, make_network, make_clip, folder, sample):
    path, _ = msae(tmp_path, sample.classes[EMBEDDING].double())
    held = read_checkpoint(path)
    stranger = make_clip(make_network(7), block=EMBEDDING)
    with pytest.raises(CheckpointRefused, match=r"explains .* at the embedding of tiny on 260 .* other weights"):
        accept(held, stranger, gather(stranger, sorted(folder.rglob("*.png"))))
    narrow = replace(
        held, encoder=held.encoder[:, :16], dictionary=held.dictionary[:, :16], bias=held.bias[:16], mean=held.mean[:16]
    )
    with pytest.raises(CheckpointRefused, match="reads embeddings 16 wide, and tiny gives 24; load the model"):
        accept(narrow, make_clip(block=-1), sample)
    with pytest.raises(CheckpointRefused, match="read after block 3, counted from 0, and tiny has 3 blocks; load the"):
        accept(held.moved(3, ""), make_clip(block=-1), sample)
    patches = replace(held, convention=replace(held.convention, tokens="patches"))
    with pytest.raises(CheckpointRefused, match="speaks for patches alone, and the embedding has none"):
        accept(patches, make_clip(block=-1), sample)
    rest = {place: rows for place, rows in sample.classes.items() if place != EMBEDDING}
    with pytest.raises(CheckpointRefused, match="was made at the embedding, and the activations are those after block"):
        accept(held, make_clip(block=-1), replace(sample, classes=rest))


def test_places_of_another_width_are_not_compared(tmp_path, make_network, make_clip, folder, sample, vectors):
    path, _ = msae(tmp_path, vectors)
    assert accept(read_checkpoint(path), make_clip(block=-1), sample).header["gate"]["elsewhere"] == {}
    assert (sample.like(EMBEDDING), sample.like(1)) == ((EMBEDDING,), (0, 1, 2))
    wide = make_clip(make_network(width=24, head_width=8), block=EMBEDDING)
    found = gather(wide, sorted(folder.rglob("*.png")))
    path, _ = msae(tmp_path, found.classes[EMBEDDING].double())
    held = read_checkpoint(path)
    figures = accept(held, wide, found).header["gate"]["elsewhere"]
    assert list(figures) == ["0", "1", "2", EMBEDDING]
    with pytest.raises(CheckpointRefused, match="It was made at the embedding: say so"):
        accept(held.moved(1, "somebody said so"), wide, found)


def test_a_native_header_names_a_block_or_the_embedding_and_nothing_else(tmp_path, make_clip, make_sae):
    sae = make_sae(make_clip(block=EMBEDDING), Convention(Relu(), tokens="cls"))
    save_native(sae, tmp_path / "x.safetensors")
    assert read_checkpoint(tmp_path / "x.safetensors").place == EMBEDDING
    save_native(sae, tmp_path / "x.safetensors", {**sae.header, "block": "embeding"})
    with pytest.raises(CheckpointRefused, match="block 'embeding'"):
        load_native(tmp_path / "x.safetensors")
