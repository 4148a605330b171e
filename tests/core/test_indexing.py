"""What an index says of each component is what all codes, held in memory, say."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from indexed import WORDS, Oracle, build, draw_pictures

from core.indexing.best import Best, lot_keys, strength_keys
from core.indexing.draws import drawn, hashed, stratified
from core.indexing.naming import names_of
from core.indexing.statistics import clarity, monosemanticity
from core.indexing.tally import BINS, ONE, bins_of, edges
from core.indexing.words import distinct, read_vocabulary
from core.sae import Convention, JumpRelu, Relu, TopK
from core.types import TillerError

BROKEN = (3, 17, 18)
COUNT = 75

CASES = {
    "all tokens, ReLU": (-2, Relu(), "all"),
    "all tokens, TopK": (-2, TopK(6), "all"),
    "all tokens, signed TopK": (0, TopK(6, signed=True), "all"),
    "patches, JumpReLU": (-2, JumpRelu(), "patches"),
    "class token below the last block": (-2, TopK(6), "cls"),
    "class token at the end": (-1, TopK(6), "cls"),
    "embedding": ("embedding", TopK(6), "cls"),
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("images"), COUNT, broken=BROKEN)


@pytest.fixture(scope="module", params=list(CASES))
def both(request, images, tmp_path_factory, make_clip, make_sae):
    block, activation, tokens = CASES[request.param]
    model = make_clip(block=block)
    parts = {"thresholds": torch.full((64,), 0.3)} if isinstance(activation, JumpRelu) else {}
    sae = make_sae(model, Convention(activation, tokens=tokens), **parts)
    # one that never fires, and one that fires everywhere, at every token
    sae.encoder_bias.data[5], sae.encoder_bias.data[6] = -100.0, 30.0
    file = build(model, sae, images, tmp_path_factory.mktemp("index") / "x.index")
    return file, Oracle(model, sae, images, BROKEN)


def test_densities_are_shares_of_images_and_of_tokens(both):
    file, oracle = both
    fires = oracle.codes > 0
    assert np.allclose(file["density"], fires.any(1).mean(0))
    tokens = file.heading["dictionary"]["tokens"]
    spoken = {"all": fires, "cls": fires[:, :1], "patches": fires[:, 1:]}[tokens]
    assert np.allclose(file["density_tokens"], spoken.mean((0, 1)))
    if tokens != "patches":
        assert np.array_equal(file["codes_class"], fires[:, 0].sum(0))
        assert np.allclose(file["density_class"], fires[:, 0].mean(0))
    if tokens != "cls":
        assert np.array_equal(file["codes_patches"], fires[:, 1:].sum((0, 1)))
        assert np.allclose(file["density_patches"], fires[:, 1:].mean((0, 1)))
    assert (file["density"][5], file["density"][6]) == (0, 1)


def test_maximum_and_p99_are_those_of_the_codes(both):
    file, oracle = both
    assert np.allclose(file["maximum"], oracle.codes.max((0, 1)), atol=1e-5)
    spans = {"": slice(None), "_class": slice(1), "_patches": slice(1, None)}
    for suffix, tokens in spans.items():
        if f"p99{suffix}" in file:
            for component, said in enumerate(file[f"p99{suffix}"].tolist()):
                true = oracle.p99(component, tokens)
                assert said == pytest.approx(true, rel=1 / 32 + 1e-4, nan_ok=True)


def test_a_histogram_counts_every_code_in_its_bin(both):
    file, oracle = both
    bounds = edges()[::8]
    for place, tokens in (("class", slice(1)), ("patches", slice(1, None))):
        if f"histogram_{place}" in file:
            for component in range(64):
                values = oracle.codes[:, tokens, component]
                due, _ = np.histogram(values[values > 0].clip(bounds[0], 4095), bounds)
                # a code on an edge may fall to either side, for batches round otherwise than the whole set does
                assert np.abs(due - file[f"histogram_{place}"][component]).sum() <= 2
                assert due.sum() == file[f"histogram_{place}"][component].sum()


def test_exemplars_are_the_strongest_images_and_a_fair_rest(both):
    file, oracle = both
    names = file.texts("files")
    for component in range(64):
        said = [names[place] for place in file["top_images"][component] if place >= 0]
        top = oracle.top(component)
        strengths = [oracle.strengths[oracle.kept.index(name), component] for name in said]
        assert np.allclose(strengths, oracle.strengths[top, component], atol=1e-5)
        assert np.allclose(file["top_strengths"][component][: len(said)], strengths, atol=1e-5)
        middle, low = ([names[at] for at in file[f"{band}_images"][component] if at >= 0] for band in ("middle", "low"))
        rest = [oracle.strengths[oracle.kept.index(name), component] for name in (*middle, *low)]
        assert not {*said} & {*middle, *low}
        assert len({*middle, *low}) == len(rest)
        assert rest == sorted(rest, reverse=True) or np.allclose(rest, sorted(rest, reverse=True), atol=1e-5)
        assert all(strength > 0 for strength in rest)


def test_the_exemplars_mean_and_clarity_are_those_of_all_pairs(both):
    file, oracle = both
    for component in range(64):
        top = oracle.top(component)
        mean = oracle.unit[top].mean(0) if top else np.zeros(oracle.unit.shape[1])
        assert np.allclose(file["exemplar_mean"][component], mean, atol=1e-5)
        assert file["clarity"][component] == pytest.approx(oracle.clarity(component), abs=1e-5, nan_ok=True)


def test_monosemanticity_from_sums_is_the_loop_over_all_pairs(both):
    file, oracle = both
    for component in range(64):
        assert file["monosemanticity"][component] == pytest.approx(
            oracle.monosemanticity(component), abs=2e-4, nan_ok=True
        )


def test_neighbours_and_partners_are_found(both):
    file, oracle = both
    due = oracle.partners()
    for component in range(64):
        assert file["neighbours"][component].tolist() == oracle.neighbours(component)
        known = file["partners"][component] >= 0
        assert file["partner_scores"][component][known] == pytest.approx([score for _, score in due[component]])
        assert file["partners"][component][known].tolist() == [other for other, _ in due[component]]


def test_the_reference_set_keeps_what_the_tail_reads(both):
    file, oracle = both
    names, tokens = file.texts("files"), file.heading["reference"]["tokens"]
    place = [oracle.kept.index(names[at]) for at in file["reference_images"]]
    assert sorted(place) == list(range(len(oracle.kept)))
    assert np.allclose(file["reference_activations"], oracle.activations[place, :tokens], atol=1e-4)
    assert np.allclose(file["reference_embeddings"], oracle.embeddings[place], atol=1e-4)
    labels = file.heading["labels"]
    assert [labels[truth] for truth in file["reference_truths"]] == [oracle.kept[at][0] for at in place]


def test_broken_pictures_are_listed_with_their_reason_and_counted_nowhere(both):
    file, _ = both
    said = dict(line.split("\t") for line in file.texts("broken"))
    assert sorted(said) == ["a/00018.png", "b/00003.png", "b/00017.png"]
    assert all("cut short or damaged" in reason for reason in said.values())
    assert (file.heading["images"]["listed"], file.heading["images"]["used"]) == (COUNT, COUNT - len(BROKEN))


def test_a_name_is_the_word_nearest_to_the_exemplars_less_the_empty_prompt(both):
    file, oracle = both
    vectors = file["word_vectors"].astype(np.float64)
    for component in range(64):
        mean = oracle.unit[oracle.top(component)].mean(0) if oracle.top(component) else None
        if mean is None:
            assert file["name_words"][component].tolist() == [-1] * 5
            continue
        scores = vectors[1:] @ (mean / np.linalg.norm(mean)) - vectors[0] @ (mean / np.linalg.norm(mean))
        order = np.argsort(-scores)[:5]
        assert file["name_words"][component].tolist() == order.tolist()
        assert np.allclose(file["name_scores"][component], scores[order], atol=1e-5)
    assert file.texts("words")[:] == WORDS


def test_a_planted_word_comes_first():
    draw = torch.Generator().manual_seed(1)
    vectors = torch.nn.functional.normalize(torch.randn(30, 16, generator=draw), dim=-1)
    means = vectors[[8, 21]].numpy() * 0.7
    found = names_of(means, vectors)
    assert found["name_words"][:, 0].tolist() == [7, 20]  # the first vector is that of the empty prompt
    assert found["name_scores"][0, 0] == pytest.approx(1 - float(vectors[8] @ vectors[0]), abs=1e-6)


def test_the_best_are_the_best_in_any_order_and_any_pieces():
    draw = np.random.default_rng(4)
    components, images = draw.integers(0, 5, 400), np.arange(400)
    strengths = draw.integers(1, 9, 400).astype(np.float32)  # many ties
    keys = strength_keys(strengths, images)
    due = [sorted(images[components == each], key=lambda image: (-strengths[image], image))[:7] for each in range(5)]
    for pieces in (1, 3, 40):
        one, two = Best(5, 7), Best(5, 7)
        for number, part in enumerate(np.array_split(draw.permutation(400), pieces)):
            into = (one, two)[number % 2]
            into.offer(components[part], keys[part], strengths[part])
            into.settle()
        one.merge(two)
        assert one.images.tolist() == due


def test_a_sample_is_fair():
    lots = hashed(np.arange(100_000), salt=1)
    assert np.histogram(lots.astype(np.float64), 10, (0, 2.0**64))[0] == pytest.approx([10_000] * 10, rel=0.05)
    first = Best(1, 50)
    images = np.arange(10_000)
    first.offer(np.zeros(10_000, np.int64), lot_keys(hashed(images), images), np.ones(10_000, np.float32))
    first.settle()
    assert 3_500 < first.images.mean() < 6_500


def test_a_draw_takes_as_many_of_each_class_and_does_not_depend_on_the_set_beyond():
    classes = np.array([0] * 500 + [1] * 20 + [-1] * 80, np.int32)
    places = stratified(classes, 600, 90, salt=3)
    assert np.bincount(classes[places] + 1).tolist() == [35, 35, 20]
    assert len(drawn(5, 90, salt=3)) == 5
    assert (
        drawn(3_000_000, 1000, salt=2).tolist() == np.sort(np.argsort(hashed(np.arange(3_000_000), 2))[:1000]).tolist()
    )


def test_bins_are_found_from_the_bits_of_a_code():
    bounds = edges()
    codes = np.random.default_rng(0).lognormal(0, 4, 5000).astype(np.float32)
    inside = codes[(codes >= bounds[0]) & (codes < bounds[-1])]
    assert np.array_equal(bins_of(inside), np.searchsorted(bounds, inside, side="right") - 1)
    assert bins_of(np.float32([1e-30, 1e30])).tolist() == [0, BINS - 1]
    assert ((bounds[1:] - bounds[:-1]) / 2 / bounds[:-1]).max() == 1 / 32


def test_clarity_needs_two():
    assert np.isnan(clarity(np.ones((1, 3)), np.array([1])))[0]


def test_a_vocabulary_has_each_phrase_once(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("# colours\nred\n Blue \n\nblue # again\n", encoding="utf-8")
    assert read_vocabulary(path) == ("red", "Blue")
    assert distinct(["A", "a ", ""]) == ("A",)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(TillerError, match="is not UTF-8"):
        read_vocabulary(path)


def test_a_component_of_a_single_image_has_no_monosemanticity_whatever_rounding_leaves():
    strength, row = 3.0, np.array([0.6, 0.83])  # a little longer than 1, as whole numbers may leave it
    sums = {"firing": [1], "strength": [strength * ONE], "square": [0.999 * strength**2 * ONE]}
    sums |= {"pull": strength * row[None] * ONE, "everywhere": np.zeros(2)}
    tally = SimpleNamespace(
        used=10,
        unit=1.0,
        SUMS=tuple(sums),
        sums={name: np.asarray(value) for name, value in sums.items()},
        least=np.zeros(1),
        places=("class",),
        maxima={"class": np.array([strength])},
    )
    assert np.isnan(monosemanticity(tally)).all()
