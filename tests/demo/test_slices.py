"""Failures of the demo are planted: the groups found from attributions alone are those of word, scene and badge."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from core.bundle import load_instrument
from core.overview.shares import share_out
from core.overview.slices import rand_index, slice_failures
from core.ripple import build_reference

DEMO = Path(__file__).resolve().parents[2] / "data" / "demo"
SHOWN = 140


@pytest.fixture(scope="module")
def planted():
    """Shares of some reference pictures, and which cue each picture carries."""
    model, sae, index = load_instrument(DEMO, "spatial")
    with (DEMO / "reference.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))[:SHOWN]
    pixels = [model.pixels(DEMO / "images" / row["file"]) for row in rows]
    batches = [torch.cat(pixels[at : at + 35]) for at in range(0, SHOWN, 35)]
    truth = [model.labels.index(row["truth"]) for row in rows]
    reference = build_reference(model, sae, batches, truth, [row["file"] for row in rows])
    cues = [
        f"word {row['word']}" if row["word"] else "badge" if row["badge"] == "True" else f"scene {row['scene']}"
        for row in rows
    ]
    return share_out(model, sae, reference), np.unique(cues, return_inverse=True)[1], cues, index


def test_slices_are_the_planted_cues(planted):
    shares, cue, cues, _ = planted
    found = slice_failures(shares)
    failing = np.flatnonzero(shares.wrong)
    group = np.full(SHOWN, -1)
    for number, places in enumerate(found.groups):
        group[list(places)] = number
    group[list(found.alone)] = len(found.groups) + np.arange(len(found.alone))
    index = rand_index(group[failing], cue[failing])
    assert index >= 0.75
    assert index > rand_index(shares.said[failing], cue[failing]), "the wrong names alone would say as much"
    alike = [max(Counter(cues[place] for place in places).values()) for places in found.groups]
    assert sum(alike) / sum(map(len, found.groups)) >= 0.75
    badges = {place for place in failing.tolist() if cues[place] == "badge"}
    assert badges <= set(found.groups[0])


def test_the_slice_of_the_badge_is_named_by_components_that_follow_the_badge(planted):
    shares, _, cues, index = planted
    places = list(slice_failures(shares).groups[0])
    means = np.asarray(shares.scores[places].mean(axis=0)).ravel()
    assert Counter(cues[place] for place in places).most_common(1)[0][0] == "badge"
    assert [index[int(each)].follows for each in np.argsort(-means)[:2]] == ["badge", "badge"]
