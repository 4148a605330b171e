"""Models by name, folder, repository and file: what is loaded is what open_clip computes, and the rest is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.transformer import Transformer
from safetensors.torch import save_file
from torch.nn import functional

from core import hub, sources
from core.checkpoints.native import save_native
from core.environment import environment_of
from core.instrument import open_instrument
from core.loading import network_of
from core.model import Clip
from core.sae import Convention, TopK
from core.steering import look, steer
from core.types import Edit, SteeringPlan, TillerError

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
VISION = {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 3}
LABELS = ("apple", "boat")


def written(folder: Path, **changed: object) -> tuple[open_clip.CLIP, Path]:
    """A network, and the folder that holds it as a repository of open_clip's does."""
    config = {"embed_dim": 24, "vision_cfg": VISION, "text_cfg": TEXT, **changed}
    torch.manual_seed(3)
    network = network_of(config)
    network.eval().requires_grad_(False)
    for block in network.visual.transformer.resblocks:
        block.mlp.c_fc.weight.mul_(8)  # large enough for the two activations to differ
    folder.mkdir(exist_ok=True)
    image = {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7], "interpolation": "bicubic", "resize_mode": "squash"}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": image}))
    save_file(network.state_dict(), folder / "open_clip_model.safetensors")
    return network, folder


def by_hand(weights: dict[str, torch.Tensor], pixels: torch.Tensor, *, quick: bool, heads: int) -> torch.Tensor:
    """CLIP's image tower from its paper and OpenAI's release, in double precision, sharing nothing with open_clip."""
    w = {name[7:]: each.double() for name, each in weights.items() if name.startswith("visual.")}

    def norm(x, name):
        return functional.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"])

    def gelu(u):
        return u * torch.sigmoid(1.702 * u) if quick else u * 0.5 * (1 + torch.erf(u / 2**0.5))

    patch = w["conv1.weight"].shape[-1]
    x = functional.conv2d(pixels.double(), w["conv1.weight"], stride=patch).flatten(2).transpose(1, 2)
    x = torch.cat([w["class_embedding"].expand(len(x), 1, -1), x], dim=1) + w["positional_embedding"]
    x = norm(x, "ln_pre")
    layers = 1 + max(int(name.split(".")[2]) for name in w if name.startswith("transformer.resblocks."))
    for layer in range(layers):
        block = f"transformer.resblocks.{layer}"
        u = norm(x, f"{block}.ln_1") @ w[f"{block}.attn.in_proj_weight"].T + w[f"{block}.attn.in_proj_bias"]
        q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in u.chunk(3, dim=-1))
        heard = ((q @ k.transpose(-1, -2)) / q.shape[-1] ** 0.5).softmax(dim=-1) @ v
        out = heard.transpose(1, 2).flatten(2) @ w[f"{block}.attn.out_proj.weight"].T
        x = x + out + w[f"{block}.attn.out_proj.bias"]
        u = gelu(norm(x, f"{block}.ln_2") @ w[f"{block}.mlp.c_fc.weight"].T + w[f"{block}.mlp.c_fc.bias"])
        x = x + u @ w[f"{block}.mlp.c_proj.weight"].T + w[f"{block}.mlp.c_proj.bias"]
    return norm(x[:, 0], "ln_post") @ w["proj"]


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("custom", [False, True])
def test_a_folder_loads_as_its_configuration_computes(tmp_path, pixels, picture, quick, custom):
    network, folder = written(tmp_path / "own", quick_gelu=quick, custom_text=custom)
    model = Clip.load(str(folder), block=1, labels=LABELS)
    assert torch.equal(model.embedding(model.activations(pixels)), network.encode_image(pixels))
    due = by_hand(network.state_dict(), pixels, quick=quick, heads=4)
    assert torch.allclose(model.embedding(model.activations(pixels)).double(), due, atol=1e-5)
    other = by_hand(network.state_dict(), pixels, quick=not quick, heads=4)
    assert not torch.allclose(due, other, atol=1e-5)  # the two activations can be told apart here
    assert model.pixels(picture).shape == (1, 3, 32, 32)
    assert model.pixels(picture.resize((32, 32)).point(lambda _: 0))[0, :, 0, 0].tolist() == pytest.approx(
        [-0.2, -1 / 3, -3 / 7]
    )  # black under the folder's own mean and deviation


def test_what_was_loaded_is_known_by_its_values_and_by_its_file(tmp_path):
    _, folder = written(tmp_path / "own")
    file = folder / "open_clip_model.safetensors"
    model = Clip.load(str(folder), block=1, labels=LABELS)
    assert model.file_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    torch.save(model.network.state_dict(), tmp_path / "same.pt")
    again = Clip.load(str(folder), tmp_path / "same.pt", block=1, labels=LABELS)
    assert (again.digest, again.file_sha256 == model.file_sha256) == (model.digest, False)


def test_torchs_own_file_serves_where_there_is_no_safetensors(tmp_path):
    network, folder = written(tmp_path / "own")
    torch.save(network.state_dict(), folder / "open_clip_pytorch_model.bin")
    whole = Clip.load(str(folder), block=1, labels=LABELS)
    (folder / "open_clip_model.safetensors").unlink()
    assert Clip.load(str(folder), block=1, labels=LABELS).digest == whole.digest


@pytest.mark.parametrize(("dtype", "near"), [("bfloat16", 0.05), ("float16", 0.006)])
def test_half_precision_is_open_clips_own_and_only_the_towers_are_in_it(tmp_path, pixels, dtype, near):
    network, folder = written(tmp_path / "own")
    whole = Clip.load(str(folder), block=1, labels=LABELS)
    half = Clip.load(str(folder), block=1, labels=LABELS, dtype=dtype)
    kind = getattr(torch, dtype)
    config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    own = network_of(config, kind).eval()
    own.load_state_dict(network.state_dict())
    with torch.no_grad():
        expected = own.encode_image(pixels.to(kind)).float()
    x = half.activations(pixels)
    assert torch.equal(half.embedding(x), expected)
    assert (x.dtype, half.text.dtype, half.logits(x).dtype) == (torch.float32,) * 3
    assert torch.allclose(half.logits(x), whole.logits(whole.activations(pixels)), atol=near * whole.scale)
    assert not torch.equal(half.logits(x), whole.logits(whole.activations(pixels)))
    assert half.digest == whole.digest  # the weights are the same, and so a dictionary made on them fits
    assert environment_of(half)["dtype"] == dtype
    assert environment_of(whole)["dtype"] == "float32"


def test_steering_in_half_precision_starts_from_the_unsteered_model(tmp_path, make_sae, pixels):
    _, folder = written(tmp_path / "own")
    half = Clip.load(str(folder), block=1, labels=LABELS, dtype="bfloat16")
    sae = make_sae(half, Convention(TopK(8)))
    sae.check(half)
    seen = look(half, sae, pixels[:1])
    assert steer(half, sae, seen, SteeringPlan()).prediction == seen.clean
    moved = steer(half, sae, seen, SteeringPlan((Edit(seen.codes.active()[0]),)))
    assert moved.prediction != seen.clean


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": "cuda:9"}, "this machine has cpu"),
        ({"device": "tpu"}, "'tpu' was asked for"),
        ({"dtype": "int8"}, "float32, bfloat16, float16"),
    ],
)
def test_a_device_and_a_type_that_are_not_there_are_refused(tmp_path, options, said):
    _, folder = written(tmp_path / "own")
    with pytest.raises(TillerError, match=said):
        Clip.load(str(folder), block=1, labels=LABELS, **options)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("RN50", "a ResNet"),
        ("convnext_base", "timm’s convnext_base"),
        ("EVA02-B-16", "timm’s eva02"),
        ("ViT-B-16-SigLIP", "timm’s vit_base_patch16_siglip_224"),
        ("ViTamin-B", "timm’s vitamin"),
        ("roberta-ViT-B-32", "package transformers"),
        ("ViT-H-14-CLIPA", "package transformers"),
        ("ViT-Z-99", "near it are"),
    ],
)
def test_a_tower_that_cannot_be_cut_is_refused_before_any_download(monkeypatch, name, said):
    monkeypatch.setattr(hub, "fetch", lambda *asked: pytest.fail(f"{asked} was fetched"))
    monkeypatch.setattr(sources, "find_spec", lambda _: None)  # a machine without transformers
    with pytest.raises(TillerError, match=said) as refused:
        Clip.load(name, "openai", block=-1, labels=LABELS)
    assert "\n" not in str(refused.value)


def test_a_repository_is_refused_by_its_configuration_alone(tmp_path, monkeypatch):
    _, folder = written(tmp_path / "own")
    said = {"model_cfg": {"embed_dim": 8, "vision_cfg": {"timm_model_name": "vit_x"}, "text_cfg": TEXT}}
    (folder / "open_clip_config.json").write_text(json.dumps(said))
    asked = []

    def fetch(wanted, _):
        asked.append(wanted)
        return hub.Found(wanted.repo, "main", (folder / "open_clip_config.json",))

    monkeypatch.setattr(hub, "fetch", fetch)
    with pytest.raises(TillerError, match="timm’s vit_x"):
        Clip.load("hf-hub:some/where", block=-1, labels=LABELS)
    assert [wanted.groups for wanted in asked] == [(("open_clip_config.json",),)]


@pytest.mark.parametrize(
    ("name", "tag", "right"),
    [
        ("ViT-B-32", "openai", "'ViT-B-32-quickgelu'"),
        ("ViT-L-14-quickgelu", "laion2b_s32b_b82k", "'ViT-L-14'"),
        ("ViT-B-16-quickgelu", "datacomp_xl_s13b_b90k", "'ViT-B-16'"),
    ],
)
def test_the_wrong_activation_is_refused_with_the_right_name(monkeypatch, name, tag, right):
    monkeypatch.setattr(hub, "fetch", lambda *asked: pytest.fail(f"{asked} was fetched"))
    with pytest.raises(TillerError, match=right):
        Clip.load(name, tag, block=-1, labels=LABELS)


@pytest.mark.parametrize(
    ("repo", "quick", "right"),
    [
        ("timm/vit_base_patch32_clip_224.openai", False, "'ViT-B-32-quickgelu' with the tag 'openai'"),
        ("laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K", True, "'ViT-B-32' with the tag 'datacomp_xl_s13b_b90k'"),
    ],
)
def test_a_repository_with_the_wrong_activation_is_refused_before_its_weights(
    tmp_path, monkeypatch, repo, quick, right
):
    _, folder = written(tmp_path / "own", quick_gelu=quick)

    def fetch(wanted, _):
        assert wanted.groups == (("open_clip_config.json",),)
        return hub.Found(wanted.repo, "main", (folder / "open_clip_config.json",))

    monkeypatch.setattr(hub, "fetch", fetch)
    with pytest.raises(TillerError, match=right):
        Clip.load(f"hf-hub:{repo}", block=-1, labels=LABELS)


@pytest.mark.parametrize(
    ("text", "said"), [("{}", "does not say what model"), ("[", "does not say what model"), (None, "has no open_clip")]
)
def test_a_folder_that_says_nothing_is_refused(tmp_path, text, said):
    _, folder = written(tmp_path / "own")
    (folder / "open_clip_config.json").unlink()
    if text is not None:
        (folder / "open_clip_config.json").write_text(text)
    with pytest.raises(TillerError, match=said):
        Clip.load(str(folder), block=1, labels=LABELS)


def test_where_no_class_token_is_read_nothing_is_said_of_it(tmp_path, pixels, make_sae):
    """Attentional pooling, as CoCa has it: patches count after the last block, and the exact view is refused."""
    vision = {**VISION, "attentional_pool": True, "attn_pooler_heads": 2, "attn_pooler_queries": 5}
    network, folder = written(tmp_path / "own", vision_cfg=vision)
    model = Clip.load(str(folder), block=-1, labels=LABELS)
    assert torch.equal(model.embedding(model.activations(pixels)), network.encode_image(pixels))
    assert not model.reads_class_token
    sae = make_sae(model, Convention(TopK(8), tokens="cls"))
    save_native(sae, tmp_path / "sae.safetensors")
    tool = open_instrument(
        tmp_path, model=str(folder), pretrained=None, sae=str(tmp_path / "sae.safetensors"), labels=LABELS,
        templates=None, home="cls",
    )  # fmt: skip
    from core.attribution import attribute
    from core.types import View

    with pytest.raises(TillerError, match="reads its class token"):
        attribute(tool.model, tool.sae, look(tool.model, tool.sae, pixels[:1]), 0, view=View.EXACT)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ViT-B-32-quickgelu", "ViT-B-16"])
def test_a_full_size_tower_in_halves_is_the_whole_bit_for_bit(name):
    torch.manual_seed(0)
    network = network_of(open_clip.get_model_config(name)).eval().requires_grad_(False)
    model = Clip.wrap(
        network, lambda image: image, open_clip.get_tokenizer(name), name=name, block=-2, labels=LABELS, digest="random"
    )
    pixels = torch.randn(1, 3, 224, 224)
    whole = network.encode_image(pixels, normalize=False)
    for block in (0, -2):
        half = model.at(block)
        assert torch.equal(half.embedding(half.activations(pixels)), whole)
    due = by_hand(network.state_dict(), pixels, quick="quick" in name, heads=12)
    assert torch.allclose(whole.double(), due, atol=1e-4)
    act = type(network.visual.transformer.resblocks[0].mlp.gelu)
    token_first = Transformer(768, 12, 12, batch_first=False, act_layer=act)
    token_first.load_state_dict(network.visual.transformer.state_dict())
    network.visual.transformer = token_first.eval().requires_grad_(False)
    assert torch.equal(model.embedding(model.activations(pixels)), network.encode_image(pixels))


@pytest.mark.slow
def test_a_full_size_folder_opens_in_bfloat16_near_its_float32(tmp_path):
    config = open_clip.get_model_config("ViT-B-32")
    torch.manual_seed(0)
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    save_file(network_of(config).state_dict(), tmp_path / "open_clip_model.safetensors")
    pixels = torch.randn(1, 3, 224, 224)
    whole = Clip.load(str(tmp_path), block=-2, labels=LABELS)
    half = Clip.load(str(tmp_path), block=-2, labels=LABELS, dtype="bfloat16")
    assert half.digest == whole.digest
    one, two = whole.embedding(whole.activations(pixels)), half.embedding(half.activations(pixels))
    assert functional.cosine_similarity(one, two).min() > 0.9995
