"""A bundle opens whole, with its digests right, or says what is missing."""

from __future__ import annotations

import csv
import json
import math

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from core.bundle import load_bundle, load_bundles, load_instrument, seal
from core.bundle_writing import write_bundle
from core.checkpoints.native import save_native
from core.description import read_description
from core.instrument import open_instrument
from core.model import Clip
from core.ripple import build_reference
from core.sae import Convention, TopK
from core.steering import look
from core.types import MissingArtefact, SteeringPlan, TillerError

IMAGE = {"size": 32, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bicubic"}
VISION = {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 3}
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}


@pytest.fixture
def folder(tmp_path, make_network, make_clip, make_sae, picture):
    network = make_network()
    halved = {name: tensor.half() for name, tensor in network.state_dict().items()}
    network.load_state_dict({name: tensor.float() for name, tensor in halved.items()})
    save_file(halved, tmp_path / "model.safetensors")
    (tmp_path / "model.json").write_text(json.dumps({"embed_dim": 24, "vision_cfg": VISION, "text_cfg": TEXT}))
    model = make_clip(network)
    save_native(make_sae(model.at(1), Convention(TopK(8))), tmp_path / "spatial.safetensors")
    save_native(make_sae(model.at(2), Convention(TopK(8), tokens="cls")), tmp_path / "cls.safetensors")
    card = {"index": 3, "label": "round", "label_score": 0.5, "density": 0.1, "p99": 2.0, "p99_class": None}
    (tmp_path / "index.json").write_text(json.dumps([{**card, "exemplars_top": ["0.png", "1.png"]}]))
    (tmp_path / "images").mkdir()
    for number in range(5):
        picture.rotate(20 * number).save(tmp_path / "images" / f"{number}.png")
    with (tmp_path / "reference.csv").open("w", newline="") as table:
        rows = csv.writer(table)
        rows.writerow(["file", "truth", "note"])
        rows.writerows([f"{number}.png", "boat" if number % 2 else "apple", "-"] for number in range(5))
    description = {
        "model": {"name": "tiny", "config": "model.json", "weights": "model.safetensors", "image": IMAGE},
        "labels": ["apple", "boat"],
        "templates": ["a photo of a {}"],
        "dictionaries": {
            "spatial": {"sae": "spatial.safetensors", "index": "index.json"},
            "cls": {"sae": "cls.safetensors", "index": "index.json"},
        },
        "reference": {"images": "images", "table": "reference.csv"},
    }
    seal(tmp_path, description, also=("images/0.png",))
    return tmp_path


@pytest.mark.parametrize(("which", "block", "tokens"), [("spatial", 1, 17), ("cls", 2, 1)])
def test_a_bundle_opens_with_its_parts_in_place(folder, which, block, tokens, picture):
    bundle = load_bundle(folder, which)
    assert (bundle.model.block, bundle.sae.block, bundle.model.labels) == (block, block, ("apple", "boat"))
    assert bundle.reference.activations.shape == (5, tokens, 32)
    assert bundle.reference.truth == (0, 1, 0, 1, 0)
    assert bundle.reference.names[1] == "1.png"
    assert bundle.index[0].exemplars_top == ("0.png", "1.png")
    assert math.isnan(bundle.index[0].p99_class)
    assert bundle.fingerprint["weights"] == bundle.model.digest
    assert bundle.fingerprint["sae"] == bundle.sae.digest
    assert len(SteeringPlan()) == 0
    assert len(look(bundle.model, bundle.sae, bundle.model.pixels(picture)).clean.logits) == 2


def test_a_bundle_opened_twice_is_the_same_bundle(folder):
    one, two = load_bundle(folder), load_bundle(folder)
    assert one.fingerprint == two.fingerprint
    assert torch.equal(one.reference.activations, two.reference.activations)


def test_the_reference_is_what_each_picture_gives_alone(folder):
    bundle = load_bundle(folder)
    for place, name in enumerate(bundle.reference.names):
        seen = look(bundle.model, bundle.sae, bundle.model.pixels(bundle.images / name))
        assert torch.allclose(bundle.reference.activations[place], seen.activations[0], atol=1e-5)


def test_a_file_that_changed_is_refused_by_name(folder):
    (folder / "index.json").write_text("[]")
    (folder / "cls.safetensors").unlink()
    with pytest.raises(MissingArtefact, match=r"cls.safetensors is missing") as refused:
        load_bundle(folder)
    assert "index.json is not the file that was sealed" in str(refused.value)


def test_a_picture_whose_digest_was_kept_is_checked_too(folder, picture):
    picture.rotate(5).save(folder / "images" / "0.png")
    with pytest.raises(MissingArtefact, match=r"images/0.png"):
        load_instrument(folder)


def test_a_part_without_a_digest_is_refused(folder):
    said = json.loads((folder / "bundle.json").read_text())
    del said["sha256"]["model.safetensors"]
    (folder / "bundle.json").write_text(json.dumps(said))
    with pytest.raises(MissingArtefact, match=r"model.safetensors has no checksum"):
        load_instrument(folder)


def test_no_bundle_says_how_to_make_one(tmp_path):
    with pytest.raises(MissingArtefact, match="tiller demo build"):
        load_bundle(tmp_path)


def test_a_dictionary_that_is_not_there_is_refused(folder):
    with pytest.raises(TillerError, match="'other' was asked for"):
        load_instrument(folder, "other")  # pyright: ignore[reportArgumentType]


def test_a_dictionary_of_another_model_is_refused(folder, make_clip, make_network, make_sae):
    stranger = make_sae(make_clip(make_network(seed=8)).at(1), Convention(TopK(8)))
    save_native(stranger, folder / "spatial.safetensors")
    said = json.loads((folder / "bundle.json").read_text())
    seal(folder, {name: value for name, value in said.items() if name != "sha256"})
    with pytest.raises(TillerError, match="load the weights it was made on"):
        load_instrument(folder)


def test_truth_outside_the_labels_is_refused(folder):
    (folder / "reference.csv").write_text("file,truth\n0.png,zebra\n")
    said = json.loads((folder / "bundle.json").read_text())
    seal(folder, {name: value for name, value in said.items() if name != "sha256"})
    with pytest.raises(TillerError, match="truth zebra"):
        load_bundle(folder)


@pytest.fixture
def parts(tmp_path, make_network, make_sae, picture):
    """The arguments of `write_bundle`: a model in a folder, two dictionaries of one block and one of another."""
    source, images = tmp_path / "source", tmp_path / "pictures"
    source.mkdir()
    network = make_network()
    save_file(
        {name: tensor.half() for name, tensor in network.state_dict().items()}, source / "open_clip_model.safetensors"
    )
    config = {"embed_dim": 24, "vision_cfg": VISION, "text_cfg": TEXT}
    image = {key: value for key, value in IMAGE.items() if key != "size"}
    (source / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": image}))
    model = Clip.load(str(source), block=1, labels=["apple", "boat"])
    dictionaries = {}
    for name, block, seed in (("one", 1, 1), ("two", 1, 2), ("cls", 2, 3)):
        kind = Convention(TopK(8), tokens="cls" if name == "cls" else "all")
        save_native(make_sae(model.at(block), kind, seed=seed), tmp_path / f"{name}.safetensors")
        (tmp_path / f"{name}.json").write_text(
            json.dumps([{"index": n, "label": name, "label_score": 0.5, "density": 0.1, "p99": 2.0} for n in range(64)])
        )
        dictionaries[name] = (tmp_path / f"{name}.safetensors", tmp_path / f"{name}.json")
    (images / "boats").mkdir(parents=True)
    rows = ["file,truth"]
    for number in range(3):
        picture.rotate(20 * number).save(images / "boats" / f"{number}.PNG")
        rows.append(f"boats/{number}.PNG,boat")
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    figures = {"cls": {"explained": {"value": 0.8, "tolerance": 0.1, "source": "a test"}}}
    return {
        "model": str(source),
        "weights": None,
        "dictionaries": dictionaries,
        "labels": ["apple", "boat"],
        "table": tmp_path / "table.csv",
        "images": images,
        "published": figures,
    }


def test_a_bundle_that_was_written_opens_with_any_names_and_one_pass(parts, tmp_path):
    write_bundle(tmp_path / "bundle", **parts)
    bundles = load_bundles(tmp_path / "bundle", ["two", "cls", "one"])
    one, two, cls = bundles["one"], bundles["two"], bundles["cls"]
    assert one.model.network is two.model.network is cls.model.network
    assert one.reference.activations is two.reference.activations
    assert (one.model.block, cls.model.block) == (1, 2)
    assert one.index[5].label == "one"
    assert cls.published["explained"]["value"] == 0.8 and one.published == {}
    assert not one.own_pictures
    for bundle in bundles.values():  # the bits of a pass of its own
        pixels = torch.cat([bundle.model.pixels(bundle.images / name) for name in bundle.reference.names])
        alone = build_reference(bundle.model, bundle.sae, [pixels], bundle.reference.truth, bundle.reference.names)
        assert torch.equal(alone.activations, bundle.reference.activations)
        assert torch.equal(alone.embeddings, bundle.reference.embeddings)
        assert torch.equal(alone.codes.values, bundle.reference.codes.values)
    assert list(tmp_path.glob(".*.part")) == []
    tool = open_instrument(
        tmp_path / "bundle", model=None, pretrained=None, sae="two", labels=None, templates=None, home="spatial"
    )
    assert tool.sae.digest == two.sae.digest


def test_a_bundle_takes_its_weights_once_in_their_own_precision(parts, tmp_path):
    write_bundle(tmp_path / "bundle", **parts)
    own = tmp_path / "bundle" / "model" / "open_clip_model.safetensors"
    assert own.samefile(tmp_path / "source" / "open_clip_model.safetensors")
    own.unlink()
    with pytest.raises(MissingArtefact, match=r"model/open_clip_model.safetensors is missing"):
        load_instrument(tmp_path / "bundle", "one")


def test_weights_that_are_torchs_own_become_safetensors(parts, tmp_path):
    network = Clip.load(parts["model"], block=1, labels=["apple"]).network
    torch.save({name: tensor.half() for name, tensor in network.state_dict().items()}, tmp_path / "own.pt")
    write_bundle(tmp_path / "bundle", **{**parts, "weights": tmp_path / "own.pt"})
    one = load_instrument(tmp_path / "bundle", "one")[0]
    assert one.digest == Clip.load(parts["model"], block=1, labels=["apple"]).digest


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("../table.csv,boat", "lies outside"),
        ("/etc/hostname,boat", "lies outside"),
        ("link.png,boat", "lies outside"),
        ("none.png,boat", "has no none.png"),
        ("boats/0.PNG,zebra", "truth zebra"),
    ],
)
def test_a_table_that_leads_out_of_the_pictures_or_does_not_fit_is_refused(parts, tmp_path, row, said):
    Image.new("RGB", (8, 8)).save(tmp_path / "outside.png")
    (parts["images"] / "link.png").symlink_to(tmp_path / "outside.png")
    parts["table"].write_text(f"file,truth\n{row}\n")
    with pytest.raises(TillerError, match=said):
        write_bundle(tmp_path / "bundle", **parts)
    assert not (tmp_path / "bundle").exists()
    assert list(tmp_path.glob(".*.part")) == []


def test_a_bundle_of_parts_that_do_not_belong_together_is_never_written(
    parts, tmp_path, make_clip, make_network, make_sae
):
    stranger = make_sae(make_clip(make_network(seed=8)).at(1), Convention(TopK(8)))
    save_native(stranger, parts["dictionaries"]["one"][0])
    with pytest.raises(TillerError, match="load the weights it was made on"):
        write_bundle(tmp_path / "bundle", **parts)
    (tmp_path / "there").mkdir()
    with pytest.raises(TillerError, match="something is there already"):
        write_bundle(tmp_path / "there", **parts)


@pytest.mark.parametrize("said", [{}, {"model": [], "dictionaries": {}, "labels": ["a"]}])
def test_a_description_that_lacks_parts_is_refused_with_their_names(tmp_path, said):
    (tmp_path / "bundle.json").write_text(json.dumps({"format": "tiller-bundle", "version": 1, **said}))
    with pytest.raises(TillerError, match=r"lacks model, dictionaries, .*templates, reference, sha256; make it again"):
        read_description(tmp_path)
