"""The zero-shot head: what it computes, and what it will not take."""

from __future__ import annotations

import open_clip
import pytest
import torch

from core.types import TillerError


def encoded(model, prompts):
    return model.network.encode_text(open_clip.SimpleTokenizer(context_length=16)(prompts), normalize=True)


def test_an_ensemble_is_the_unit_mean_of_unit_prompt_vectors(tiny_model):
    templates = ("a photo of a {}", "{} in a drawing", "the {}, the {}")
    model = tiny_model.labelled(["apple", "boat"], templates)
    for place, label in enumerate(("apple", "boat")):
        vectors = encoded(model, [f"a photo of a {label}", f"{label} in a drawing", f"the {label}, the {label}"])
        mean = vectors.mean(dim=0)
        assert torch.allclose(model.text[place], mean / mean.norm(), atol=1e-6)


def test_many_prompts_are_encoded_in_turns_and_stay_in_order(tiny_model):
    labels = [f"thing {number}" for number in range(300)]
    model = tiny_model.labelled(labels)
    for place in (0, 255, 256, 299):
        assert torch.allclose(model.text[place], encoded(model, [f"a photo of a thing {place}"])[0], atol=1e-6)


def test_logits_are_scale_times_cosine(tiny_model, pixels):
    x = tiny_model.activations(pixels)
    image = tiny_model.embedding(x).double()
    cosines = (image / image.norm(dim=-1, keepdim=True)) @ tiny_model.text.double().T
    assert tiny_model.scale == pytest.approx(1 / 0.07, rel=1e-5)  # open_clip's initial temperature
    assert torch.allclose(tiny_model.logits(x).double(), cosines / 0.07, atol=1e-4)


def test_a_prediction_names_its_labels_and_sums_to_one(tiny_model, pixels):
    said = tiny_model.predict(tiny_model.activations(pixels[:1]))
    assert said.labels == ("apple", "boat", "car")
    assert sum(said.probs) == pytest.approx(1)


def test_templates_stay_when_only_labels_change(tiny_model):
    model = tiny_model.labelled(["apple"], ["{} there"]).labelled(["boat"])
    assert model.templates == ("{} there",)


def test_braces_in_a_name_are_only_letters(tiny_model):
    assert tiny_model.labelled(["a {0} b", "c {} d"]).labels == ("a {0} b", "c {} d")


@pytest.mark.parametrize(
    ("labels", "templates", "said"),
    [
        ([], None, "No class names"),
        (["apple", "  "], None, "2 of 2 is empty"),
        (["apple", "boat", "Apple "], None, "'Apple' is there twice"),
        ("apple,boat", None, "one text"),
        (["apple"], [], "No prompt templates"),
        (["apple"], ["a photo"], "'a photo' has no place"),
        (["apple"], "a photo of a {}", "one text"),
    ],
)
def test_names_and_templates_that_say_nothing_are_refused(tiny_model, labels, templates, said):
    with pytest.raises(TillerError, match=said):
        tiny_model.labelled(labels, templates)
