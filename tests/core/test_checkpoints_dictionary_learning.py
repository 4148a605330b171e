"""dictionary_learning and sae-for-vlm: every kind, what the folder says, and what is refused."""

from __future__ import annotations

import json

import pytest
import torch
from dictionaries import Weights, assert_computes, tokens, write_dictionary_learning

from core.checkpoints import CheckpointRefused
from core.checkpoints.dictionary_learning import read, recognises
from core.convention import BatchTopK, JumpRelu, Relu, TopK

WEIGHTS = Weights.random()
THRESHOLDS = torch.linspace(-0.2, 1, 48)
K, THRESHOLD = torch.tensor(5, dtype=torch.int), torch.tensor(0.6)


def linear(**more):
    return {"encoder.weight": WEIGHTS.W_enc.T.clone(), "decoder.weight": WEIGHTS.W_dec.T.clone(), **more}


STATES = {
    "AutoEncoder": linear(**{"encoder.bias": WEIGHTS.b_enc, "bias": WEIGHTS.b_dec}),
    "AutoEncoderNew": linear(**{"encoder.bias": WEIGHTS.b_enc, "decoder.bias": WEIGHTS.b_dec}),
    "GatedAutoEncoder": linear(
        r_mag=torch.linspace(-1, 1, 48), gate_bias=THRESHOLDS, mag_bias=WEIGHTS.b_enc, decoder_bias=WEIGHTS.b_dec
    ),
    "AutoEncoderTopK": linear(
        **{"encoder.bias": WEIGHTS.b_enc, "b_dec": WEIGHTS.b_dec, "k": K, "threshold": torch.tensor(-1.0)}
    ),
    "BatchTopKSAE": linear(**{"encoder.bias": WEIGHTS.b_enc, "b_dec": WEIGHTS.b_dec, "k": K, "threshold": THRESHOLD}),
    "MatryoshkaBatchTopKSAE": {
        **WEIGHTS.state, "k": K, "threshold": THRESHOLD, "group_sizes": torch.tensor([12, 36])
    },
    "JumpReluAutoEncoder": {**WEIGHTS.state, "threshold": THRESHOLDS},
}  # fmt: skip
PRE_BIAS = {"AutoEncoderNew": False, "JumpReluAutoEncoder": False}


def worked_out(kind, x):
    """Codes and reconstruction in the library's notation, of the class that it loads."""
    s = STATES[kind]
    u = (x - WEIGHTS.b_dec * PRE_BIAS.get(kind, True)) @ WEIGHTS.W_enc
    if kind == "GatedAutoEncoder":
        codes = (u + s["gate_bias"] > 0) * torch.relu(s["r_mag"].exp() * u + s["mag_bias"])
        return codes, codes @ WEIGHTS.W_dec + WEIGHTS.b_dec
    u = u + WEIGHTS.b_enc
    codes = torch.relu(u)
    if kind == "AutoEncoderTopK":
        codes = codes * (u >= u.sort(dim=-1, descending=True).values[..., 4:5])
    if "threshold" in s and kind != "AutoEncoderTopK":
        codes = codes * (u > s["threshold"])
    rebuilt = codes @ WEIGHTS.W_dec + WEIGHTS.b_dec
    if kind == "AutoEncoder":  # loaded with rows of length 1
        codes = codes * WEIGHTS.W_dec.norm(dim=-1)
    return codes, rebuilt


@pytest.mark.parametrize("kind", STATES)
def test_every_kind_computes_its_formula_with_and_without_a_configuration(tmp_path, kind):
    x = tokens()
    said = {"dict_class": kind, "activation_dim": 16, "dict_size": 48, "layer": 7, "lm_name": "clip"}
    folder = write_dictionary_learning(tmp_path / "said", STATES[kind], **said)
    checkpoint = read(folder)
    assert_computes(checkpoint, *worked_out(kind, x), x)
    assert (checkpoint.block, checkpoint.hook, checkpoint.model, checkpoint.unsaid) == (7, "block", "clip", ())
    bare = write_dictionary_learning(tmp_path / "bare", STATES[kind])
    (bare / "ae.pt").rename(bare / "weights.pt")
    assert recognises(folder)
    assert recognises(bare / "weights.pt")
    if kind in ("AutoEncoderTopK", "BatchTopKSAE"):
        with pytest.raises(CheckpointRefused, match=r"do not tell which of .* put the config.json"):
            read(bare / "weights.pt")
    else:
        assert read(bare / "weights.pt").convention == checkpoint.convention


def test_a_standard_one_is_brought_to_rows_of_length_1(tmp_path):
    checkpoint = read(write_dictionary_learning(tmp_path, STATES["AutoEncoder"]))
    torch.testing.assert_close(checkpoint.dictionary.norm(dim=-1), torch.ones(48))
    assert "The rows of the dictionary were brought to length 1, and the encoder with them." in checkpoint.notes
    unit = {**STATES["AutoEncoder"], "decoder.weight": checkpoint.dictionary.T.clone()}
    again = read(write_dictionary_learning(tmp_path / "unit", unit))
    assert torch.equal(again.dictionary, checkpoint.dictionary)
    dead = {**STATES["AutoEncoder"], "decoder.weight": STATES["AutoEncoder"]["decoder.weight"].clone()}
    dead["decoder.weight"][:, 3] = 0
    assert read(write_dictionary_learning(tmp_path / "dead", dead)).dictionary[3].eq(0).all()


@pytest.mark.parametrize("kind", ["BatchTopKSAE", "MatryoshkaBatchTopKSAE"])
def test_a_threshold_that_was_never_set_is_refused_with_the_remedy(tmp_path, kind):
    state = {**STATES[kind], "threshold": torch.tensor(-1.0)}
    with pytest.raises(CheckpointRefused, match=r"never set \(-1\).*train past threshold_start_step, or set"):
        read(write_dictionary_learning(tmp_path, state, dict_class=kind))


def test_a_batch_of_pictures_loses_no_token_to_matryoshka(tmp_path):
    """The library's own encode sets `[:, size:]` to 0, which in a batch of pictures are tokens."""
    x = tokens(images=2, count=60)  # more tokens than components
    checkpoint = read(write_dictionary_learning(tmp_path, STATES["MatryoshkaBatchTopKSAE"]))
    assert_computes(checkpoint, *worked_out("MatryoshkaBatchTopKSAE", x), x)


VLM = "imagenet_train_activations_clip-vit-large-patch14-336_{}_matroyshka_batch_top_k_20_x64"


@pytest.mark.parametrize(
    ("pooled", "place", "block", "hook", "read_on"),
    [
        ("random_k_2", "22_post_mlp_residual", 22, "block", "all"),
        ("cls_only", "11_post_mlp_residual", 11, "block", "cls"),
        ("mean_pool", "-2_post_mlp_residual", None, "block", "all"),
        ("random_k_2", "-1_post_projection", None, "embedding", "cls"),
    ],
)
def test_sae_for_vlm_names_model_place_and_tokens_in_its_folders(tmp_path, pooled, place, block, hook, read_on):
    trainer = tmp_path / pooled / VLM.format(place) / "trainer_0"
    said = {"dict_class": "MatroyshkaBatchTopKSAE", "layer": "", "lm_name": "", "submodule_name": ""}
    write_dictionary_learning(trainer, STATES["MatryoshkaBatchTopKSAE"], **said)
    (trainer / "checkpoints").mkdir()
    early = trainer / "checkpoints" / "ae_100000.pt"
    (trainer / "ae.pt").rename(early)
    assert recognises(early)
    checkpoint = read(early)
    assert (checkpoint.model, checkpoint.block, checkpoint.hook) == ("clip-vit-large-patch14-336", block, hook)
    assert (checkpoint.convention.tokens, checkpoint.convention.activation) == (read_on, BatchTopK(5, THRESHOLD.item()))
    assert any("mean of each picture" in note for note in checkpoint.notes) == (pooled == "mean_pool")


@pytest.mark.parametrize(
    ("named", "activation"),
    [("batch_top_k", BatchTopK(5, THRESHOLD.item())), ("top_k", TopK(5))],
)
def test_the_folder_tells_top_k_from_batch_top_k_where_no_configuration_does(tmp_path, named, activation):
    folder = tmp_path / f"inat_train_activations_clip_9_post_mlp_residual_{named}_5_x3" / "trainer_0"
    assert read(write_dictionary_learning(folder, STATES["BatchTopKSAE"])).convention.activation == activation


def test_each_kind_has_the_activation_that_it_is_named_after(tmp_path):
    due = {"AutoEncoder": Relu, "AutoEncoderNew": Relu, "GatedAutoEncoder": JumpRelu, "JumpReluAutoEncoder": JumpRelu}
    for kind, activation in due.items():
        assert isinstance(
            read(write_dictionary_learning(tmp_path / kind, STATES[kind])).convention.activation, activation
        )


@pytest.mark.parametrize(
    ("said", "block", "hook"),
    [
        ({"layer": 8, "submodule_name": "resid_post_layer_8"}, 8, "block"),
        ({"layer": 8, "submodule_name": "mlp_out_layer_8"}, 8, "mlp_out"),
        ({"layer": 8, "submodule_name": "visual.transformer.resblocks.8"}, 8, "block"),
        ({"layer": "", "submodule_name": None}, None, "block"),
    ],
)
def test_the_trainer_says_the_place(tmp_path, said, block, hook):
    folder = write_dictionary_learning(tmp_path, STATES["AutoEncoder"], dict_class="AutoEncoder", **said)
    assert (read(folder).block, read(folder).hook) == (block, hook)


def test_a_place_of_no_known_name_is_noted(tmp_path):
    folder = write_dictionary_learning(tmp_path, STATES["AutoEncoder"], layer=8, submodule_name="attn_out")
    assert any("'attn_out'" in note for note in read(folder).notes)


@pytest.mark.parametrize(
    ("change", "said", "sentence"),
    [
        ({"bias": None}, {"dict_class": "AutoEncoder"}, "bias is missing"),
        ({"extra": torch.ones(2)}, {"dict_class": "AutoEncoder"}, "extra is not part of one"),
        ({"encoder.bias": torch.ones(47)}, {"dict_class": "AutoEncoder"}, r"encoder.bias is \(47\), not \(48\)"),
        (
            {"bias": torch.full((16,), torch.nan)},
            {"dict_class": "AutoEncoder"},
            "bias holds values that are not finite",
        ),
        ({"bias": torch.ones(16, dtype=torch.int)}, {"dict_class": "AutoEncoder"}, "not a tensor of real numbers"),
        ({"bias": "text"}, {"dict_class": "AutoEncoder"}, "bias is not a tensor"),
        ({}, {"dict_class": "AutoEncoder", "dict_size": 49}, r"\(48, 16\), not \(49, 16\)"),
        ({}, {"dict_class": "AutoEncoder", "dict_size": "big"}, "says dict_size 'big', no whole number"),
        ({}, {"dict_class": "IdentityDict"}, "is a IdentityDict by its config.json; Tiller reads AutoEncoder"),
        ({"bias": None}, {}, "put the config.json that was saved with it there"),
    ],
)
def test_what_is_not_whole_is_refused_in_a_sentence(tmp_path, change, said, sentence):
    state = {name: value for name, value in {**STATES["AutoEncoder"], **change}.items() if value is not None}
    with pytest.raises(CheckpointRefused, match=sentence):
        read(write_dictionary_learning(tmp_path, state, **said))


@pytest.mark.parametrize(
    ("change", "said", "sentence"),
    [
        ({}, {"k": 6}, "says k 5.0 and its config.json 6"),
        ({"k": torch.tensor([5, 6])}, {}, "holds k as .* one finite number was due"),
        ({"k": torch.tensor(0)}, {}, "not one whole number from 1"),
        ({"threshold": torch.tensor(torch.nan)}, {}, "holds threshold as"),
    ],
)
def test_a_k_or_a_threshold_that_makes_no_sense_is_refused(tmp_path, change, said, sentence):
    state = {**STATES["BatchTopKSAE"], **change}
    with pytest.raises(CheckpointRefused, match=sentence):
        read(write_dictionary_learning(tmp_path, state, dict_class="BatchTopKSAE", **said))


def test_a_file_that_is_not_one_is_refused_and_not_recognised(tmp_path):
    folder = write_dictionary_learning(tmp_path / "cut", STATES["AutoEncoder"])
    whole = (folder / "ae.pt").read_bytes()
    (folder / "ae.pt").write_bytes(whole[:-200])
    with pytest.raises(CheckpointRefused, match="not a whole torch file"):
        read(folder)
    other = tmp_path / "other.pt"
    torch.save([torch.ones(3)], other)
    assert not recognises(other)
    assert not recognises(tmp_path / "none.pt")
    with pytest.raises(CheckpointRefused, match="holds a list, and a dict of tensors was asked for"):
        read(other)
    torch.save(WEIGHTS.state, other)  # Prisma's names
    assert not recognises(other)
    (folder / "config.json").write_text(json.dumps({"trainer": []}))
    (folder / "ae.pt").write_bytes(whole)
    with pytest.raises(CheckpointRefused, match="holds no object `trainer`"):
        read(folder)
