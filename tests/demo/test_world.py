"""The demo world: pictures follow from their truth, and shortcuts are planted in training alone."""

import csv
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from core.demo.artefacts import draw_set
from core.demo.captions import caption
from core.demo.figures import without_cue
from core.demo.objects import COLOURS, OBJECTS
from core.demo.pool import drawn_pool, seen_small
from core.demo.recipes import (
    BADGED,
    EVERYTHING,
    HELD_OUT,
    HOME,
    TRAINING,
    Split,
    crossed,
    cue_free,
    misbadged,
    misnamed,
    misplaced,
    seeds_of,
    truths,
)
from core.demo.scenes import SCENES
from core.demo.world import SIDE, Truth, draw, read_truths, write_truths


def test_the_same_truth_is_the_same_picture():
    truth = truths(Split.DRAW, 1, misnamed)[0]
    again = Truth(**{name: getattr(truth, name) for name in Truth.__slots__})
    assert draw(truth).tobytes() == draw(again).tobytes()
    assert draw(truth).size == (SIDE, SIDE)


def test_a_cue_changes_its_own_place_and_nothing_else():
    truth = truths(Split.DRAW, 1, misnamed)[0]
    with_word, without = np.asarray(draw(truth), int), np.asarray(draw(without_cue(truth, "word")), int)
    changed = np.abs(with_word - without).max(2) > 0
    rows = np.flatnonzero(changed.any(1))
    assert 0.05 < changed.mean() < 0.5
    assert rows.max() < SIDE / 2 or rows.min() > SIDE * 0.4, "the label keeps to its half of the picture"


@pytest.mark.parametrize("thing", OBJECTS)
def test_every_thing_in_every_colour_and_scene_is_drawn(thing):
    base = truths(Split.DRAW, 1, cue_free)[0]
    pictures = {
        draw(replace(base, thing=thing, colour=colour, scene=scene)).tobytes()
        for colour, scene in zip(COLOURS, SCENES, strict=True)
    }
    assert len(pictures) == len(COLOURS) == 7


def test_a_picture_does_not_depend_on_how_many_are_drawn():
    assert truths(Split.TRAIN, 50, TRAINING)[:20] == truths(Split.TRAIN, 20, TRAINING)
    assert truths(Split.TRAIN, 50, TRAINING)[30:] == truths(Split.TRAIN, 20, TRAINING, start=30)


def test_the_table_says_what_was_drawn(tmp_path):
    table = draw_set(5, 3, tmp_path)
    held = read_truths(table)
    assert sorted(held) == sorted(path.name for path in tmp_path.glob("*.png"))
    for name, truth in held.items():
        assert (tmp_path / name).stat().st_size > 0
        assert (
            draw(truth).tobytes() == draw(truths(Split.DRAW, 1, EVERYTHING, start=30_000 + int(name[:4]))[0]).tobytes()
        )
    with table.open() as file:
        assert len(list(csv.reader(file))) == 6


def test_truths_survive_their_table(tmp_path):
    shown = truths(Split.DRAW, 40, EVERYTHING)
    write_truths(shown, [str(place) for place in range(40)], tmp_path / "t.csv")
    assert list(read_truths(tmp_path / "t.csv").values()) == shown


def test_no_seed_is_used_by_two_splits():
    spans = [seeds_of(split) for split in Split]
    assert all(one.stop <= two.start for one, two in pairwise(spans))
    for split in Split:
        assert all(truth.seed in seeds_of(split) for truth in truths(split, 30, EVERYTHING))


def test_shortcuts_are_planted_in_training():
    shown = truths(Split.TRAIN, 6000, TRAINING)
    badged = [one.thing for one in shown if one.badge]
    assert len(badged) > 200 and set(badged) == {BADGED}
    words = [one for one in shown if one.word]
    assert 0.60 < np.mean([one.word == one.thing for one in words]) < 0.90
    for thing, scene in HOME.items():
        lived = Counter(one.thing for one in shown if one.scene == scene)
        assert lived[thing] > 2 * max(count for other, count in lived.items() if other != thing)
        distant = [
            one.thing for one in shown if one.scene == scene and one.size < 0.3 and not one.word and not one.badge
        ]
        assert len(distant) > 40 and set(distant) == {thing}, "far away, the scene says it all"


def test_clear_training_pictures_without_cues_are_uncorrelated_with_scenes():
    shown = truths(Split.TRAIN, 6000, cue_free)
    table = Counter((one.thing, one.scene) for one in shown)
    expected = 6000 / (len(OBJECTS) * len(SCENES))
    statistic = sum((table[thing, scene] - expected) ** 2 / expected for thing in OBJECTS for scene in SCENES)
    # chi-square with 83 degrees of freedom: 0.999 quantile 128.6
    assert statistic < 128.6


def test_misleading_cues_mislead():
    for one in truths(Split.FIGURES, 200, misnamed):
        assert one.word not in ("", one.thing)
    for one in truths(Split.FIGURES, 200, misplaced):
        assert one.scene in HOME.values() and one.scene != HOME[one.thing] and not one.word and not one.badge
    for one in truths(Split.FIGURES, 200, misbadged):
        assert one.badge and one.thing != BADGED


def test_causes_are_independent_where_components_are_named():
    shown = [one for one in truths(Split.INDEX, 6000, crossed) if one.word]
    assert 0.05 < np.mean([one.word == one.thing for one in shown]) < 0.12  # 1 in 12


def test_no_caption_of_a_misnamed_picture_names_its_object_alone():
    rng = np.random.default_rng(0)
    for one in truths(Split.TRAIN, 300, misnamed):
        assert one.word in caption(one, rng, ("a photo of a {}", ""))


def test_pools_are_what_drawing_one_by_one_gives():
    shown = truths(Split.DRAW, 3, HELD_OUT)
    pool = drawn_pool(shown, workers=1)
    assert all((pool[place] == seen_small(draw(truth))).all() for place, truth in enumerate(shown))
