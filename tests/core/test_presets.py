"""The file of presets: what ships is whole, and every mistake in another has its line."""

from __future__ import annotations

import pytest

from core.preset_file import read_presets
from core.types import TillerError

SOUND = """\
own:
  title: Mine
  model: {name: ViT-B-32, pretrained: openai}
  dictionaries:
    cls:
      repo: some/where
      files: [[weights.pt]]
      block: 11
      tokens: cls
"""


def test_the_presets_that_ship_are_whole():
    presets = read_presets()
    assert {"clip-b32", "clip-b16-saev", "clip-l14-scope", "patchsae-b16"} <= presets.keys()
    default = presets["clip-b32"]
    assert default.model == "hf-hub:laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K"
    assert (default.dictionaries["cls"].block, default.dictionaries["spatial"].block) == (11, 10)
    assert default.published["cls"]["explained_per_token"]["value"] == 0.84
    assert presets["patchsae-b16"].dictionaries["spatial"].by_hand


def test_a_dictionary_of_embeddings_says_so_in_the_place_of_a_block(tmp_path):
    (tmp_path / "presets.yaml").write_text(SOUND.replace("block: 11", "block: embedding"))
    assert read_presets(tmp_path / "presets.yaml")["own"].dictionaries["cls"].block == "embedding"
    (tmp_path / "presets.yaml").write_text(SOUND.replace("block: 11", "block: last"))
    with pytest.raises(TillerError, match="line 8: block is 'last'"):
        read_presets(tmp_path / "presets.yaml")


def test_every_published_figure_is_one_that_the_doctor_measures():
    from study.trust import FIGURES

    for preset in read_presets().values():
        for figures in preset.published.values():
            assert figures.keys() <= FIGURES.keys(), preset.name


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      block: 11\n", "      blok: 11\n", r"line 8: blok is no key(?s:.)*lacks block"),
        ("      tokens: cls", "      tokens: some", "line 9: tokens is 'some'; it must be one of all, cls, patches"),
        ("  title: Mine\n", "  title: 3\n", "line 2: title is 3; it must be a text"),
        ("      repo: some/where\n", "      repo: where\n", "line 6: repo is 'where'; it must be ORG/NAME"),
        ("      files: [[weights.pt]]\n", "      files: [weights.pt]\n", "line 7: files is"),
        ("      files: [[weights.pt]]\n", "      files: [[../weights.pt]]\n", "line 7: files is"),
        ("      block: 11\n", "      block: 11\n      block: 12\n", "line 9: block stands twice"),
        ("      block: 11\n", "      block: 11\n      by_hand: x\n", "either repo and files, or by_hand"),
        ("own:", "own:\n  more: 1", "line 2: more is no key of preset own"),
        ("      block: 11\n", "      block: 11\n      published: {ev: {value: x}}\n", "line 9: value is 'x'"),
        (SOUND, "- own\n", "line 1: the file is no mapping"),
        (SOUND, "own: [", "no YAML file"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, old, new, said):
    file = tmp_path / "presets.yaml"
    file.write_text(SOUND)
    read_presets(file)
    file.write_text(SOUND.replace(old, new, 1))
    with pytest.raises(TillerError, match=said):
        read_presets(file)
