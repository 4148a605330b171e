"""A search ranks components by what it says it does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from indexed import build, draw_pictures

from core.index import index_of, read_index
from core.kept_reference import reference_of
from core.model import margins
from core.moves import by_move, direction_of, encoded
from core.ripple import build_reference, ripple
from core.sae import Convention, LayerNorm, Relu, TopK
from core.search import Filters, by_text, class_share
from core.types import Edit, SteeringPlan, TillerError

CASES = {
    "class token at the end": (-1, Convention(TopK(6), tokens="cls")),
    "all tokens below": (-2, Convention(Relu())),
    "patches below, normalised": (-2, Convention(TopK(6), LayerNorm(), tokens="patches")),
    "class token below": (0, Convention(TopK(6), tokens="cls")),
}


@pytest.fixture(scope="module", params=list(CASES))
def opened(request, make_clip, make_sae, tmp_path_factory):
    block, convention = CASES[request.param]
    model = make_clip(block=block)
    sae = make_sae(model, convention)
    folder = tmp_path_factory.mktemp("index")
    file = build(model, sae, draw_pictures(folder / "images", 40), folder / "x.index")
    return model, sae, read_index(file.path)


def picture_of(index, name):
    return index.file.path.parent / "images" / name


def refuse(text):
    raise AssertionError("a word of the vocabulary needs no model")


def test_a_text_ranks_by_cosine_less_that_of_the_empty_prompt(opened):
    model, _, index = opened
    found = by_text(index, "Dog", refuse, top=64)
    with torch.no_grad():
        vectors = model.network.encode_text(model.tokenizer(["", "dog"]), normalize=True).numpy()
    means = index.file["exemplar_mean"]
    for match in found:
        mean = means[match.component] / np.linalg.norm(means[match.component])
        assert match.score == pytest.approx(float(mean @ vectors[1] - mean @ vectors[0]), abs=1e-5)
    images = np.round(index.file["density"] * 40)  # in which it fires; those of a single one come last
    ranked = [(images[match.component] == 1, -match.score) for match in found]
    assert ranked == sorted(ranked)
    assert {match.component for match in found} == set(np.flatnonzero(index.file["density"] > 0).tolist())


def test_a_text_that_is_no_word_of_the_index_is_encoded(opened):
    model, _, index = opened
    asked = []
    found = by_text(index, "a dog on a boat", lambda text: asked.append(text) or encoded(index, model, text), top=3)
    assert (len(found), asked) == (3, ["a dog on a boat"])


def test_a_move_is_what_a_unit_of_code_adds_to_the_margin(opened):
    """Against finite differences through the whole tail, at the last block too: nothing is held."""
    model, sae, index = opened
    found = by_move(index, model, sae, "apple", "a red boat", top=5)
    file, two = index.file, model.labelled(("apple", "a red boat"))
    x = torch.from_numpy(file["reference_activations"].mean(0, dtype=np.float64, keepdims=True)).float()
    rows = sae.rows(1, x.shape[1])
    step = 0.02
    for match in found:
        moved = []
        for sign in (1, -1):
            shifted = x.clone()
            shifted[0, rows] += sign * step * sae.frame(x[0, rows])[0] * sae.dictionary[match.component]
            moved.append(float(margins(two, shifted, 1, 0)))
        assert match.score == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=2e-3)
        assert match.per_p99 == pytest.approx(match.score * file["p99"][match.component], rel=1e-5)
    per_p99 = [match.per_p99 for match in found]
    assert per_p99 == sorted(per_p99, reverse=True)


def test_the_way_back_is_the_way_there_turned_round(opened):
    model, sae, index = opened
    there = direction_of(index.file, model.labelled(("apple", "boat")), sae)
    back = direction_of(index.file, model.labelled(("boat", "apple")), sae)
    assert torch.allclose(there, -back, atol=1e-5)


def test_filters_keep_what_is_within_their_bounds(opened):
    _, _, index = opened
    file = index.file
    share = class_share(file)
    bounds = Filters(min_density=0.2, max_density=0.9, min_clarity=0.5, min_monosemanticity=0.1, max_class_share=0.5)
    due = (file["density"] >= 0.2) & (file["density"] <= 0.9) & (file["clarity"] >= 0.5)
    due &= (file["monosemanticity"] >= 0.1) & (share <= 0.5)
    assert np.array_equal(bounds.kept(index), due)
    assert {match.component for match in by_text(index, "dog", refuse, filters=bounds, top=64)} == {
        *np.flatnonzero(due).tolist()
    }
    tokens = file.heading["dictionary"]["tokens"]
    if tokens != "all":
        assert set(share[~np.isnan(share)]) == {1.0 if tokens == "cls" else 0.0}


def test_a_search_that_cannot_be_answered_is_refused(opened, make_clip, make_network, make_sae):
    model, sae, index = opened
    with pytest.raises(TillerError, match="a JSON list of cards"):
        by_text(index_of(()), "dog", refuse)
    other = make_clip(make_network(7), block=model.block)
    with pytest.raises(TillerError, match="name the model that it was built with"):
        by_move(index, other, sae, "apple", "boat")
    with pytest.raises(TillerError, match="name the dictionary that it was built with"):
        by_move(index, model, make_sae(model, Convention(TopK(3))), "apple", "boat")


def test_patches_after_the_last_block_move_nothing(make_clip, make_sae, tmp_path):
    model = make_clip(block=-1)
    sae = make_sae(model, Convention(TopK(6), tokens="patches"))
    index = read_index(build(model, sae, draw_pictures(tmp_path / "images", 10), tmp_path / "x.index").path)
    with pytest.raises(TillerError, match="no patch can reach the answer"):
        by_move(index, model, sae, "apple", "boat")


def test_a_ripple_runs_on_the_reference_set_that_the_index_keeps(opened):
    model, sae, index = opened
    labelled, file = model.labelled(("a", "b")), index.file
    names = [file.texts("files")[place] for place in file["reference_images"].tolist()][5:35][::-1]
    truth = [labelled.labels.index(name[0]) for name in names]
    reference = reference_of(index, labelled, sae, truth, names)
    assert reference is not None
    due = build_reference(labelled, sae, [labelled.pixels(picture_of(index, name)) for name in names], truth, names)
    torch.testing.assert_close(reference.activations, due.activations, atol=1e-4, rtol=1e-4)
    logits = labelled.classify(reference.embeddings)
    torch.testing.assert_close(logits, labelled.classify(due.embeddings), atol=1e-4, rtol=0)
    assert (reference.labels, reference.truth, reference.names) == (due.labels, due.truth, due.names)
    plan = SteeringPlan((Edit(reference.codes.active()[0]),))
    found = ripple(labelled, sae, reference, plan)
    assert found.images == found.fixed + found.broken + found.unchanged == 30
    assert logits.argmax(-1).tolist() == list(found.before)


def test_what_the_index_does_not_keep_is_no_reference_set(opened, make_clip, make_network):
    model, sae, index = opened
    name = index.file.texts("files")[int(index.file["reference_images"][0])]
    assert reference_of(index, model, sae, [0], [name]) is not None
    assert reference_of(index, model, sae, [0, 0], [name, "other.png"]) is None
    assert reference_of(index, model, sae, [], []) is None
    assert reference_of(index_of(()), model, sae, [0], [name]) is None
    assert reference_of(index, model.at((model.block + 1) % model.depth), sae, [0], [name]) is None
    assert reference_of(index, make_clip(make_network(7), block=model.block), sae, [0], [name]) is None
