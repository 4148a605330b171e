"""The tower cut in two, after any block, is the whole tower."""

from __future__ import annotations

import open_clip
import pytest
import torch
from open_clip.transformer import Transformer

from core.model import Clip
from core.types import TillerError

VARIANTS = {
    "plain": {},
    "layer scale": {"ls_init_value": 0.1},
    "normed after pooling": {"final_ln_after_pool": True},
    "average pooling": {"pool_type": "avg"},
    "attentional pooling": {"attentional_pool": True, "attn_pooler_heads": 2, "attn_pooler_queries": 5},
    "custom blocks": {"qk_norm": True, "scale_attn": True},
    "patch dropout": {"patch_dropout": 0.5},
}


@pytest.mark.parametrize("changed", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("block", [0, 1, 2, "embedding"])
def test_two_halves_are_the_whole_tower(make_network, make_clip, pixels, changed, block):
    network = make_network(**changed)
    model = make_clip(network, block=block)
    for batch in (pixels, pixels[:1]):
        assert torch.equal(model.embedding(model.activations(batch)), network.encode_image(batch))


@pytest.mark.parametrize("block", [0, 1, 2])
def test_two_halves_are_the_whole_tower_where_tokens_come_first(make_network, make_clip, pixels, block):
    network = make_network()
    torch.manual_seed(5)
    network.visual.transformer = Transformer(32, 3, 4, batch_first=False)
    model = make_clip(network, block=block)
    assert torch.equal(model.embedding(model.activations(pixels)), network.encode_image(pixels))
    short = model.logits(model.activations(pixels), exact=False)
    assert torch.allclose(short, model.logits(model.activations(pixels)), atol=1e-5)


def test_two_halves_are_the_whole_tower_with_quick_gelu(make_clip, pixels):
    torch.manual_seed(0)
    vision = {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 3}
    text = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    network = open_clip.CLIP(embed_dim=24, vision_cfg=vision, text_cfg=text, quick_gelu=True)
    for block in range(3):
        model = make_clip(network, block=block)
        assert torch.equal(model.embedding(model.activations(pixels)), network.encode_image(pixels))


def test_the_activations_are_what_the_block_puts_out(make_network, make_clip, pixels):
    network = make_network()
    model = make_clip(network, block=1)
    caught = []
    handle = network.visual.transformer.resblocks[1].register_forward_hook(lambda *args: caught.append(args[-1]))
    network.encode_image(pixels)
    handle.remove()
    assert torch.equal(model.activations(pixels), caught[0])


def test_the_logits_are_open_clips_own(make_network, make_clip, pixels):
    network = make_network()
    model = make_clip(network)
    texts = open_clip.SimpleTokenizer(context_length=16)([f"a photo of a {label}" for label in model.labels])
    expected, _ = network.get_logits(pixels, texts)
    assert torch.allclose(model.logits(model.activations(pixels)), expected, atol=1e-5)


def test_a_logit_bias_is_added_as_open_clip_does(make_clip, pixels):
    torch.manual_seed(0)
    vision = {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 2}
    text = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    network = open_clip.CLIP(embed_dim=24, vision_cfg=vision, text_cfg=text, init_logit_bias=-10.0)
    model = make_clip(network)
    texts = open_clip.SimpleTokenizer(context_length=16)([f"a photo of a {label}" for label in model.labels])
    with torch.no_grad():
        expected, _ = network.get_logits(pixels, texts)
    assert expected.max() < 0
    assert torch.allclose(model.logits(model.activations(pixels)), expected, atol=1e-5)


def test_the_short_tail_is_the_tail_but_for_rounding(make_clip, pixels):
    for block in range(3):
        model = make_clip(block=block)
        x = model.activations(pixels)
        assert torch.allclose(model.logits(x, exact=False), model.logits(x), atol=1e-5)


def test_after_the_last_block_the_class_token_is_enough(make_clip, pixels):
    model = make_clip(block=-1)
    x = model.activations(pixels)
    assert torch.equal(model.logits(x[:, :1]), model.logits(x))


def test_average_pooling_is_not_taken_for_a_class_token(make_network, make_clip, pixels):
    model = make_clip(make_network(pool_type="avg"), block=-1)
    x = model.activations(pixels)
    moved = x.clone()
    moved[:, 1] += 1
    assert not model.reads_class_token
    assert not torch.equal(model.logits(x, exact=False), model.logits(moved, exact=False))


def test_cutting_elsewhere_and_other_labels_share_the_weights(tiny_model):
    other = tiny_model.at(0).labelled(["zebra", "yak"])
    assert other.network is tiny_model.network
    assert (other.block, other.labels, tiny_model.block) == (0, ("zebra", "yak"), 1)


def test_no_weight_is_left_open_to_change(tiny_model):
    assert not any(weight.requires_grad for weight in tiny_model.network.parameters())
    assert not tiny_model.network.training


def test_one_weight_changed_is_another_digest(make_network, make_clip):
    one, two, three = make_network(), make_network(), make_network()
    with torch.no_grad():
        three.visual.proj[0, 0] += 1e-6
    digests = [make_clip(network).digest for network in (one, two, three)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("block", [3, -4])
def test_a_block_that_is_not_there_is_refused(tiny_model, block):
    with pytest.raises(TillerError, match="has 3 blocks"):
        tiny_model.at(block)


def test_a_weight_that_is_no_number_is_refused(make_network, make_clip):
    network = make_network()
    with torch.no_grad():
        network.visual.proj[1, 2] = torch.nan
    with pytest.raises(TillerError, match=r"visual.proj.*not finite"):
        make_clip(network)


def test_another_kind_of_tower_is_refused(make_clip):
    config = {"layers": [1, 1, 1, 1], "width": 8, "head_width": 8, "image_size": 32}
    text = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    network = open_clip.CLIP(embed_dim=16, vision_cfg=config, text_cfg=text)
    with pytest.raises(TillerError, match="ModifiedResNet"):
        make_clip(network)


def test_a_tower_that_pools_nothing_is_refused(make_network, make_clip):
    with pytest.raises(TillerError, match="pools no token"):
        make_clip(make_network(pool_type="none"))


@pytest.mark.parametrize(
    ("name", "pretrained", "said"),
    [
        ("ViT-B-33", "openai", "ViT-B-32"),
        ("ViT-B-32", None, "random"),
        ("ViT-B-32", "openia", "neither a file nor a tag"),
        ("ViT-B-32", "openai", "ViT-B-32-quickgelu"),
        ("RN50", "openai", "VisionTransformer"),
        ("ViT-B-16-SigLIP", "webli", "VisionTransformer"),
    ],
)
def test_a_model_that_cannot_be_had_is_refused_in_one_sentence(name, pretrained, said):
    with pytest.raises(TillerError, match=said):
        Clip.load(name, pretrained, block=-1, labels=["apple", "boat"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-32-quickgelu", "ViT-B-16", "ViT-L-14"])
def test_two_halves_are_the_whole_full_size_tower(name):
    torch.manual_seed(0)
    network = open_clip.create_model(name, pretrained=None)
    model = Clip.wrap(
        network,
        lambda image: image,
        open_clip.get_tokenizer(name),
        name=name,
        block=-1,
        labels=("apple", "boat"),
        digest="x",
    )
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    for batch in (pixels, pixels[:1]):
        whole = network.encode_image(batch)
        for block in (0, model.depth // 2, model.depth - 2, model.depth - 1, "embedding"):
            half = model.at(block)
            x = half.activations(batch)
            assert torch.equal(half.embedding(x), whole)
            assert torch.allclose(half.logits(x, exact=False), half.logits(x), atol=1e-4)


@pytest.mark.slow
def test_a_state_dict_file_loads_and_a_foreign_one_is_refused(tmp_path):
    torch.manual_seed(0)
    network = open_clip.create_model("ViT-B-32", pretrained=None)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    model = Clip.load("ViT-B-32", tmp_path / "weights.pt", block=-2, labels=["apple", "boat"])
    pixels = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    network.eval().requires_grad_(False)
    assert torch.equal(model.embedding(model.activations(pixels)), network.encode_image(pixels))
    with pytest.raises(TillerError, match="ViT-B-16"):
        Clip.load("ViT-B-16", tmp_path / "weights.pt", block=-2, labels=["apple", "boat"])
