"""Figures of a dictionary at work are those that plain arithmetic gives, and published ones stand beside them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from core.bundle import Bundle
from core.health import Beside, examine
from core.types import TillerError


@pytest.fixture(scope="module")
def bundle(demo_bundle) -> Bundle:
    whole = demo_bundle("cls")
    few = slice(0, 40)
    held = whole.reference
    reference = replace(
        held,
        activations=held.activations[few],
        codes=whole.sae.encode(held.activations[few]),
        embeddings=held.embeddings[few],
        truth=held.truth[few],
        names=held.names[few],
    )
    published = {
        "explained": {"value": 0.96, "tolerance": 0.05, "source": "a table"},
        "l0_class": {"value": 64, "tolerance": 1, "source": "a table"},
        "ce_recovered": {"value": 1.0, "tolerance": 0.1, "source": "a table"},
    }
    return replace(whole, reference=reference, published=published)


@pytest.fixture(scope="module")
def health(bundle):
    return examine(bundle, "cls")


def test_agreement_and_accuracy_are_counted_over_each_picture(bundle, health):
    model, sae, reference = bundle.model, bundle.sae, bundle.reference
    right = again = same = 0
    cosines = []
    for place, truth in enumerate(reference.truth):
        x = reference.activations[place : place + 1]
        z = torch.zeros(sae.size)
        u = (x[0, 0] - sae.bias) @ sae.encoder.T + sae.encoder_bias
        kept = u.topk(32).indices
        z[kept] = u[kept].clamp_min(0)
        rebuilt = (z @ sae.dictionary + sae.bias)[None, None]
        before, after = model.embedding(x)[0], model.embedding(rebuilt)[0]
        cosines.append(functional.cosine_similarity(before, after, dim=0).item())
        one, two = (int((functional.normalize(v, dim=0) @ model.text.T).argmax()) for v in (before, after))
        right, again, same = right + (one == truth), again + (two == truth), same + (one == two)
    assert (health.rebuilt.accuracy.hits, health.rebuilt.accuracy_rebuilt.hits) == (right, again)
    assert health.rebuilt.agreement.hits == same
    assert health.rebuilt.cosine == pytest.approx(sum(cosines) / len(cosines), abs=1e-5)


def test_alive_components_are_those_that_fire_on_the_pictures(bundle, health):
    fired = bundle.reference.codes.dense().flatten(0, 1).any(dim=0)
    assert health.alive == fired.double().mean().item()
    assert health.images == 40
    assert health.decision.l0["class"] <= 32


def test_what_is_kept_is_plain_json_without_nan(health):
    said = json.loads(json.dumps(health.as_json(), allow_nan=False))
    assert said["verdict"] == "not gated"
    assert {one["order"] for one in said["curves"]} == {"random", "activation", "exact", "gradient", "ablation"}
    assert len(said["error_share"]) == 11
    assert said["error_share"] == sorted(said["error_share"])
    assert set(said["speeds"]) == {"look", "steer", "ripple"}
    assert said["decision"]["elsewhere"]["5"] == max(said["decision"]["elsewhere"].values())


def test_a_published_figure_beyond_its_tolerance_is_not_well(health):
    met = {one.name: one.met for one in health.published}
    assert met == {"explained": True, "l0_class": False, "ce_recovered": False}
    assert not health.well
    assert Beside("x", 0.84, 0.05, "", 0.80).met
    assert not Beside("x", 0.84, 0.05, "", 0.78).met


def test_a_published_figure_without_a_tolerance_is_refused_before_anything_is_measured(bundle):
    told = []
    with pytest.raises(TillerError, match="has a value and a tolerance"):
        examine(
            replace(bundle, published={"explained": {"value": 0.9}}), "cls", progress=lambda *stage: told.append(stage)
        )
    assert not told


def test_an_exception_from_the_progress_stops_the_work(bundle):
    class Enough(Exception):
        pass

    def tell(stage: str, done: int, steps: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        examine(bundle, "cls", progress=tell)
