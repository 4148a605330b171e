"""The gate on the demo's own dictionaries and pictures: right ones pass as stated, planted mistakes do not."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.bundle import load_instrument
from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint
from core.checkpoints.decision import EARLIER, Decision, decision_of, verdict_of
from core.checkpoints.gate import accept, check_gate
from core.checkpoints.native import load_native, save_native
from core.checkpoints.sample import Sample, gather, sampled
from core.convention import ConstantNorm, Convention, LayerNorm, Relu, TopK
from core.explained import sums
from core.model import Clip
from core.sae import SparseAutoencoder
from core.types import TillerError

DEMO = Path(__file__).parents[2] / "data" / "demo"


@pytest.fixture(scope="module")
def cls() -> tuple[Clip, SparseAutoencoder]:
    return load_instrument(DEMO, "cls")[:2]


@pytest.fixture(scope="module")
def spatial() -> tuple[Clip, SparseAutoencoder]:
    return load_instrument(DEMO, "spatial")[:2]


@pytest.fixture(scope="module")
def sample(cls) -> Sample:
    with (DEMO / "reference.csv").open(newline="", encoding="utf-8") as table:
        names = [row["file"] for row in csv.DictReader(table)]
    return gather(cls[0], [DEMO / "images" / name for name in names], patches=512)


def checkpoint(sae: SparseAutoencoder, **changed) -> Checkpoint:
    held = {
        "format": "test",
        "source": "weights.pt",
        "sha256": "0" * 64,
        "encoder": sae.encoder.data,
        "encoder_bias": sae.encoder_bias.data,
        "dictionary": sae.dictionary.data,
        "bias": sae.bias.data,
        "convention": sae.convention,
        "block": sae.block,
    }
    return Checkpoint(**{**held, **changed})


def principal(rows: torch.Tensor, directions: int, **changed) -> Checkpoint:
    """A dictionary that is right by construction: both signs of the first principal directions, through a ReLU."""
    mean = rows.mean(dim=0)
    axes = torch.linalg.svd(rows - mean, full_matrices=False).Vh[:directions]
    both = torch.cat([axes, -axes]).contiguous()
    held = {
        "format": "test",
        "source": "weights.pt",
        "sha256": "0" * 64,
        "encoder": both,
        "encoder_bias": torch.zeros(len(both)),
        "dictionary": both,
        "bias": mean,
        "convention": Convention(Relu(), tokens="cls"),
        "block": 5,
    }
    return Checkpoint(**{**held, **changed})


def explained_by_hand(sae: SparseAutoencoder, rows: torch.Tensor) -> float:
    """TopK with a pre-bias, one token after the other in double precision."""
    x, encoder, dictionary = (each.double().numpy() for each in (rows, sae.encoder.data, sae.dictionary.data))
    encoder_bias, bias = sae.encoder_bias.double().numpy(), sae.bias.double().numpy()
    mean, left, about = x.sum(axis=0) / len(x), 0.0, 0.0
    for token in x:
        u = encoder @ (token - bias) + encoder_bias
        rebuilt = bias.copy()
        for component in np.argsort(-u)[: sae.convention.activation.k]:
            rebuilt += max(0.0, u[component]) * dictionary[component]
        left += ((token - rebuilt) ** 2).sum()
        about += ((token - mean) ** 2).sum()
    return 1 - left / about


def refused(wrong: Checkpoint, model: Clip, sample, **more) -> str:
    with pytest.raises(TillerError) as refusal:
        accept(wrong, model, sample, **more)
    return str(refusal.value)


@pytest.mark.parametrize("which", ["cls", "spatial"])
def test_what_a_format_states_is_kept_where_it_is_right(which, sample, request):
    model, sae = request.getfixturevalue(which)
    accepted = accept(checkpoint(sae), model, sample)
    decision = Decision.from_json(accepted.header["gate"])
    assert not decision.corrected
    assert decision.verdict == "as stated"
    assert accepted.convention == sae.convention
    assert accepted.digest == sae.digest
    assert decision.images == 320
    assert decision.gap <= 1e-4
    assert decision.elsewhere[sae.block] == max(decision.elsewhere.values())
    assert len(decision.candidates) == 10
    for kind, value in decision.by_type.items():
        by_hand = explained_by_hand(sae, sample.rows(kind, sae.block))
        assert value == pytest.approx(by_hand, abs=1e-5)


def test_a_patch_row_counts_for_the_patches_it_stands_for(spatial, sample):
    model, sae = spatial
    decision = Decision.from_json(accept(checkpoint(sae), model, sample).header["gate"])
    left = spread = 0.0
    for kind, tokens in (("class", 320), ("patches", 320 * 64)):
        rows = sample.rows(kind, sae.block).double()
        about = (rows - rows.mean(dim=0)).square().sum().item() / len(rows) * tokens
        left += (1 - explained_by_hand(sae, rows)) * about
        spread += about
    assert decision.explained == pytest.approx(1 - left / spread, abs=1e-5)


@pytest.mark.parametrize("which", ["cls", "spatial"])
def test_a_missing_pre_bias_is_put_back(which, sample, request):
    model, sae = request.getfixturevalue(which)
    wrong = checkpoint(sae, convention=replace(sae.convention, pre_bias=False))
    accepted = accept(wrong, model, sample)
    assert accepted.convention == sae.convention
    assert verdict_of(accepted.header) == "corrected"


def test_a_norm_that_was_not_there_is_taken_away(cls, sample):
    model, sae = cls
    wrong = checkpoint(sae, convention=replace(sae.convention, normalisation=LayerNorm()))
    assert accept(wrong, model, sample).convention == sae.convention


def test_a_layer_norm_that_was_left_out_is_put_back(cls, sample):
    rows = sample.rows("class", 5)
    read = (rows - rows.mean(dim=1, keepdim=True)) / rows.std(dim=1, keepdim=True)
    wrong = principal(read, 40)
    accepted = accept(wrong, cls[0], sample)
    assert isinstance(accepted.convention.normalisation, LayerNorm | ConstantNorm)
    assert verdict_of(accepted.header) == "corrected"
    right = replace(wrong, convention=replace(wrong.convention, normalisation=LayerNorm()))
    assert verdict_of(accept(right, cls[0], sample).header) == "as stated"
    unsaid = replace(wrong, unsaid=("normalisation",))
    assert verdict_of(accept(unsaid, cls[0], sample).header) == "found"


@pytest.mark.parametrize("block", [0, 2, 4])
def test_a_dictionary_of_another_block_is_refused_and_its_own_is_named(block, cls, sample):
    model, sae = cls
    assert "It was made after block 5" in refused(checkpoint(sae, block=block), model, sample)


def test_a_wrong_block_one_too_far_is_refused_too(spatial, sample):
    model, sae = spatial
    said = refused(checkpoint(sae, block=5), model, sample)
    assert "It was made after block 4" in said
    assert accept(checkpoint(sae, block=4), model.at(2), sample).block == 4


def test_another_backbone_of_the_same_width_is_refused(cls, make_network, make_clip):
    _, sae = cls
    torch.manual_seed(3)
    pictures = torch.randn(256, 3, 32, 32)
    stranger = make_clip(make_network(width=160, head_width=32, layers=6), block=5)
    said = refused(checkpoint(sae, model="Tiller demo"), stranger, sampled(stranger, stranger.activations(pictures)))
    assert "other weights than these of tiny" in said
    assert "its file names Tiller demo" in said


def test_a_transposed_decoder_is_refused_and_named(cls, sample):
    torch.manual_seed(0)
    rows = sample.rows("class", 5)
    turn = torch.linalg.qr(torch.randn(160, 160)).Q
    # the encoder reads 80 signed principal directions in a basis of its own, so that the square decoder has no symmetry
    right = principal(rows, 80)
    order = torch.randperm(160)
    right = replace(right, encoder=right.encoder[order], dictionary=right.dictionary[order])
    assert accept(right, cls[0], sample).size == 160
    said = refused(replace(right, dictionary=right.dictionary.T.contiguous()), cls[0], sample)
    assert "With its dictionary transposed" in said
    said = refused(replace(right, dictionary=right.dictionary @ turn), cls[0], sample)
    assert "other weights" in said


def test_the_scale_that_a_format_leaves_open_is_fitted_and_folded_in(cls, sample):
    model, sae = cls
    # x = s (z W + b), with the encoder's own bias moved so that it still takes the whole of b off
    moved = sae.encoder_bias.data - sae.encoder.data @ sae.bias.data
    convention = replace(sae.convention, pre_bias=False)
    small = checkpoint(
        sae,
        encoder_bias=moved,
        dictionary=sae.dictionary.data / 50,
        bias=sae.bias.data / 50,
        convention=convention,
        unsaid=("scale",),
    )
    accepted = accept(small, model, sample)
    decision = Decision.from_json(accepted.header["gate"])
    assert decision.scale == pytest.approx(50, rel=0.01)
    assert decision.explained >= 0.96
    at = sample.rows("class", 5)[:, None]
    assert torch.allclose(accepted.decode(accepted.encode(at), at=at), sae.decode(sae.encode(at), at=at), atol=0.1)
    said = refused(replace(small, unsaid=()), model, sample)
    assert "leaves the scale open" in said


def test_folding_a_scale_leaves_the_codes_as_they_were(cls, sample):
    model, sae = cls
    small = checkpoint(sae, dictionary=sae.dictionary.data / 2, unsaid=("scale",))
    accepted = accept(small, model, sample)
    scale = accepted.header["gate"]["scale"]
    assert scale != 1
    at = sample.rows("class", 5)[:, None]
    assert torch.allclose(accepted.encode(at).dense(), sae.encode(at).dense(), atol=1e-3)
    by_hand = scale * (sae.encode(at).dense() @ (sae.dictionary / 2) + sae.bias)
    assert torch.allclose(accepted.decode(accepted.encode(at), at=at), by_hand, atol=1e-2)


def test_too_few_pictures_are_refused(cls, sample):
    model, sae = cls
    few = torch.cat([sample.whole[5]] * 51)
    assert "it takes 256" in refused(checkpoint(sae), model, few)


def test_a_dictionary_that_never_fires_is_refused_as_dead(cls, sample):
    model, sae = cls
    assert "none of its components fires" in refused(
        checkpoint(sae, encoder_bias=sae.encoder_bias.data - 1e6), model, sample
    )


@pytest.mark.parametrize("part", ["encoder", "encoder_bias", "dictionary", "bias"])
def test_weights_that_are_no_numbers_are_refused_by_name(part, cls, sample):
    model, sae = cls
    broken = getattr(sae, part).data.clone()
    broken.view(-1)[3] = torch.nan
    assert f"not finite in {part};" in refused(checkpoint(sae, **{part: broken}), model, sample)


def test_activations_that_are_no_numbers_are_refused(cls, sample):
    model, sae = cls
    rows = {**sample.classes, 5: sample.classes[5].index_fill(0, torch.tensor([4]), torch.inf)}
    assert "activations hold values" in refused(checkpoint(sae), model, replace(sample, classes=rows))


def test_a_dictionary_of_patches_that_says_class_token_is_refused(spatial, sample):
    rows = sample.rows("patches", 3)
    apart = sample.rows("class", 3).mean(dim=0) - rows.mean(dim=0)
    far = replace(sample, classes={3: sample.classes[3] + 20 * apart}, patches={3: rows}, block=3)
    wrong = principal(rows, 60, block=3)
    said = refused(wrong, spatial[0], far)
    assert "it speaks for patches alone, not for the class token alone" in said


def test_a_place_inside_a_block_is_refused(cls, sample):
    model, sae = cls
    assert "mlp_out" in refused(checkpoint(sae, hook="mlp_out"), model, sample)


def test_the_floor_follows_what_was_published(cls, sample):
    model, sae = cls
    decision = Decision.from_json(accept(checkpoint(sae), model, sample, published=0.99).header["gate"])
    assert decision.floor == pytest.approx(0.94)
    worse = checkpoint(sae, convention=replace(sae.convention, activation=TopK(6)))
    assert "5 points below the published 99.0%" in refused(worse, model, sample, published=0.99)
    assert accept(worse, model, sample).header["gate"]["floor"] == 0.5


def test_the_decision_is_kept_in_the_native_file_and_checked(cls, sample, tmp_path):
    model, sae = cls
    assert verdict_of(sae.header) == "not gated"
    accepted = accept(checkpoint(sae, notes=("one",), said={"k": 32}), model, sample)
    save_native(accepted, tmp_path / "kept.safetensors")
    back = load_native(tmp_path / "kept.safetensors", model=model)
    assert Decision.from_json(back.header["gate"]) == Decision.from_json(accepted.header["gate"])
    assert back.header["origin"]["said"] == {"k": 32}
    broken = {**accepted.header, "gate": {**accepted.header["gate"], "explained": "much"}}
    save_native(accepted, tmp_path / "broken.safetensors", broken)
    with pytest.raises(CheckpointRefused, match="damaged decision of the gate"):
        load_native(tmp_path / "broken.safetensors")


def test_a_decision_of_an_earlier_version_keeps_no_file_closed(cls, sample, tmp_path):
    model, sae = cls
    accepted = accept(checkpoint(sae, said={"k": 32}), model, sample)
    for lacking in ("per_token_by_type", "by_type"):
        gate = {name: value for name, value in accepted.header["gate"].items() if name != lacking}
        save_native(accepted, tmp_path / "old.safetensors", {**accepted.header, "gate": gate, "training": {"rows": 7}})
        old = load_native(tmp_path / "old.safetensors", model=model)
        assert old.digest == accepted.digest
        assert (decision_of(old.header), verdict_of(old.header)) == (None, EARLIER)
        rows = sample.rows("class", 5)[:, None]
        assert check_gate(old, model, rows) == pytest.approx(accepted.header["gate"]["explained"], abs=1e-6)
        with pytest.raises(CheckpointRefused, match=r"earlier version .* `tiller sae convert`"):
            check_gate(old, model, rows.flip(-1))
    anew = accept(Checkpoint.of(old, source="old.safetensors", sha256="0" * 64), model, sample)
    assert decision_of(anew.header) == decision_of(accepted.header)
    assert (anew.header["origin"], anew.header["training"]) == (accepted.header["origin"], {"rows": 7})


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ([], "it is no JSON object"),
        ({}, "says version None"),
        ({"version": 1}, "it says nothing"),
        ({"version": 2}, "says version 2"),
        ({"candidates": None}, "wrong kind for candidates"),
        ({"candidates": [{"stated": 1}]}, "a candidate has a value of a wrong kind for stated"),
        ({"chosen": [1]}, "wrong kind for chosen"),
        ({"chosen": {"explained": "all"}}, "its chosen reading has a value of a wrong kind for explained"),
        ({"elsewhere": {"-1": 0.5}}, "wrong kind for elsewhere"),
        ({"by_type": {"class": True}}, "wrong kind for by_type"),
        ({"by_type": {"words": 0.5}}, "wrong kind for by_type"),
        ({"by_type": {}}, "says nothing of any token"),
        ({"floor": float("nan")}, "not finite"),
        ({"__class__": "x"}, "'__class__', which is no part of one"),
    ],
)
def test_a_damaged_decision_is_refused_in_one_sentence_with_what_to_do(gate, said, cls, sample, tmp_path):
    whole = accept(checkpoint(cls[1]), cls[0], sample).header
    bare = not gate or list(gate) == ["version"]
    path = tmp_path / "x.safetensors"
    save_native(cls[1], path, {**whole, "gate": gate if bare else {**whole["gate"], **gate}})
    with pytest.raises(CheckpointRefused) as refusal:
        load_native(path)
    words = str(refusal.value)
    assert words.startswith(f"{path} holds a damaged decision of the gate (") and said in words
    assert words.endswith("make it again from the published file with `tiller sae convert`.")
    assert not any(each in words for each in ("__init__", "argument", "Error"))


def test_a_gated_file_is_checked_against_pictures_at_hand(cls, sample):
    model, sae = cls
    accepted = accept(checkpoint(sae), model, sample)
    rows = sample.rows("class", 5)[:, None]
    assert check_gate(accepted, model, rows) == pytest.approx(accepted.header["gate"]["explained"], abs=1e-6)
    assert check_gate(sae, model, rows) is None
    assert check_gate(accepted, model, rows[:20]) is None
    with pytest.raises(CheckpointRefused, match="when it was accepted"):
        check_gate(accepted, model, rows.flip(-1))


def test_the_same_seed_draws_the_same_rows(cls):
    model = cls[0]
    pictures = sorted((DEMO / "images").glob("*.webp"))[:9]
    one, two, other = (gather(model, pictures, patches=18, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.patches[3], two.patches[3])
    assert not torch.equal(one.patches[3], other.patches[3])
    assert (one.images, len(one.patches[0]), one.blocks) == (9, 18, (0, 1, 2, 3, 4, 5))
    whole = torch.cat([model.at(3).activations(model.pixels(picture)) for picture in pictures])
    assert torch.allclose(one.classes[3], whole[:, 0], atol=1e-5)
    assert all((row - whole[place // 2, 1:]).abs().amax(dim=1).min() < 1e-4 for place, row in enumerate(one.patches[3]))


def test_rows_that_a_mean_explains_earn_nothing():
    sae = SparseAutoencoder(
        torch.zeros(2, 4), torch.zeros(2), torch.zeros(2, 4), torch.ones(4), convention=Convention(Relu())
    )
    rows = torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    assert sums(sae, rows - rows.mean(dim=0) + 1).explained() == pytest.approx(0, abs=1e-6)
