"""Cut at the embedding, the tail normalises and compares: every law is worked out by hand, in double precision."""

from __future__ import annotations

import open_clip
import pytest
import torch
from open_clip.transformer import Transformer
from torch.nn.functional import normalize

from core.attribution import attribute, leave_one_out
from core.checkpoints.formats import read_checkpoint
from core.checkpoints.gate import accept
from core.convention import ConstantNorm, Convention, DatasetNorm, LayerNorm, NoNorm, Relu, TopK
from core.faithfulness import curves
from core.masking import masked_logits
from core.model import Clip
from core.overview.shares import share_out
from core.reference import build_references
from core.ripple import build_reference, control, planned, ripple
from core.sae import SparseAutoencoder
from core.sham import sham_of
from core.steering import look, steer
from core.types import EMBEDDING, Edit, Op, Scope, SteeringPlan, TillerError, View

TOWERS = {
    "plain": {},
    "normed after pooling": {"final_ln_after_pool": True},
    "average pooling": {"pool_type": "avg"},
    "attentional pooling": {"attentional_pool": True, "attn_pooler_heads": 2, "attn_pooler_queries": 5},
    "custom blocks": {"qk_norm": True, "scale_attn": True},
}
NORMS = {
    "none": NoNorm(),
    "data's mean and scale": DatasetNorm(2.5),
    "one length": ConstantNorm(),
    "layer norm": LayerNorm(),
}


@pytest.fixture(scope="module", params=NORMS.values(), ids=NORMS)
def scene(request, make_network, make_clip, make_sae, pixels):
    """A tower that pools the mean of all tokens, so that nothing rests on a class token, and a TopK dictionary."""
    model = make_clip(make_network(pool_type="avg"), block=EMBEDDING)
    more = {"mean": 0.1 * torch.randn(model.width)} if isinstance(request.param, DatasetNorm) else {}
    sae = make_sae(model, Convention(TopK(8), request.param, tokens="cls"), **more)
    return model, sae, look(model, sae, pixels[:1])


def by_hand(model, sae, v):
    """Codes, and the way back's scale and centre, from the weights alone."""
    match sae.convention.normalisation:
        case NoNorm():
            scale, centre = 1.0, torch.zeros(len(v))
        case DatasetNorm(times):
            scale, centre = 1 / times, sae.mean.double()
        case ConstantNorm():
            scale, centre = v.norm().item() / len(v) ** 0.5, torch.zeros(len(v))
        case LayerNorm():
            scale, centre = v.std().item(), v.mean().expand(len(v))
    eps = 1e-5 if isinstance(sae.convention.normalisation, LayerNorm) else 0.0
    u = ((v - centre) / (scale + eps) - sae.bias) @ sae.encoder.double().T + sae.encoder_bias
    kept = u.topk(8)
    return torch.zeros_like(u).scatter(0, kept.indices, kept.values.relu()), scale, centre


def margin(model, v, target, against):
    cosines = normalize(v, dim=0) @ model.text.double().T
    return (model.scale * (cosines[target] - cosines[against])).item()


@pytest.mark.parametrize("changed", TOWERS.values(), ids=TOWERS)
def test_the_halves_are_open_clips_embedding_and_its_logits_bit_for_bit(make_network, make_clip, pixels, changed):
    network = make_network(**changed)
    model = make_clip(network, block=EMBEDDING)
    for batch in (pixels, pixels[:1]):
        whole, x = network.encode_image(batch), model.activations(batch)
        assert x.shape == (len(batch), 1, 24) == (len(batch), model.tokens, model.width)
        assert torch.equal(model.embedding(x), whole)
        assert torch.equal(model.embedding(x, exact=False), whole)
        due = network.logit_scale.exp() * normalize(whole, dim=-1) @ model.text.T
        assert torch.equal(model.logits(x), due)
        assert torch.equal(model.logits(x), model.at(1).logits(model.at(1).activations(batch)))


def test_tokens_first_is_no_exception(make_network, make_clip, pixels):
    network = make_network()
    torch.manual_seed(5)
    network.visual.transformer = Transformer(32, 3, 4, batch_first=False)
    model = make_clip(network, block=EMBEDDING)
    assert torch.equal(model.embedding(model.activations(pixels)), network.encode_image(pixels))


def test_an_empty_plan_changes_no_bit(scene, pixels):
    model, sae, seen = scene
    steered = steer(model, sae, seen, SteeringPlan())
    assert steered.prediction == seen.clean
    whole = model.classify(model.network.encode_image(pixels[:1]))
    assert steered.prediction.logits == tuple(whole[0].tolist())
    assert steered.edit_norm_ratio == steered.class_norm_ratio == steered.patch_norm_ratio == 0


def test_suppressing_one_changes_the_margin_by_its_leave_one_out_effect(scene):
    model, sae, seen = scene
    v = seen.activations[0, 0].double()
    codes, scale, _ = by_hand(model, sae, v)
    active = codes.nonzero()[:, 0].tolist()
    effects = leave_one_out(model, sae, seen, 0, 2, active)
    assert len(active) >= 4
    for each in active:
        without = v - codes[each] * scale * sae.dictionary[each].double()
        due = margin(model, v, 0, 2) - margin(model, without, 0, 2)
        steered = steer(model, sae, seen, SteeringPlan((Edit(each),)))
        assert seen.clean.margin(0, 2) - steered.prediction.margin(0, 2) == pytest.approx(due, abs=1e-4)
        assert effects[each] == pytest.approx(due, abs=1e-4)
        moved = codes[each].item() * scale * sae.dictionary[each].norm().item()
        assert steered.edit_norm_ratio == pytest.approx(moved / v.norm().item(), rel=1e-4)
        assert steered.patch_norm_ratio == 0


def test_setting_a_silent_one_puts_its_direction_in(scene):
    model, sae, seen = scene
    v = seen.activations[0, 0].double()
    codes, scale, _ = by_hand(model, sae, v)
    silent = int((codes == 0).nonzero()[0])
    for scope in (Scope.ALL, Scope.CLASS):
        steered = steer(model, sae, seen, SteeringPlan((Edit(silent, Op.SET, 1.5, scope),)))
        due = margin(model, v + 1.5 * scale * sae.dictionary[silent].double(), 1, 0)
        assert steered.prediction.margin(1, 0) == pytest.approx(due, abs=1e-4)


def test_the_exact_view_is_the_readout_written_out_and_sums_to_the_margin(scene):
    model, sae, seen = scene
    v = seen.activations[0, 0].double()
    codes, scale, centre = by_hand(model, sae, v)
    for target, against in ((0, 1), (2, 0)):
        h = model.scale * (model.text[target] - model.text[against]).double() / v.norm()
        rows = sae.dictionary.double()
        bias = scale * sae.bias.double() + centre
        error = v - scale * codes @ rows - bias
        found = attribute(model, sae, seen, target, against=against, view=View.EXACT)
        assert set(found.components) == set(codes.nonzero()[:, 0].tolist())
        for each, score in found.scores.items():
            assert score == pytest.approx((codes[each] * scale * rows[each] @ h).item(), abs=1e-4)
            assert (found.class_part[each], found.patch_part[each]) == (score, 0)
        assert found.bias == pytest.approx((bias @ h).item(), abs=1e-4)
        assert found.error == pytest.approx((error @ h).item(), abs=1e-4)
        assert found.constant == 0
        assert found.total == pytest.approx(margin(model, v, target, against), abs=1e-4)
        assert found.completeness_gap == pytest.approx(0, abs=1e-4)


def test_the_gradients_of_all_parts_sum_to_nothing(scene):
    """The margin does not know how long v is, so Euler's theorem leaves nothing to the sum."""
    model, sae, seen = scene
    found = attribute(model, sae, seen, 0, against=1, view=View.GRADIENT)
    assert found.total == pytest.approx(0, abs=1e-4)
    whole = attribute(model, sae, seen, 0, against=1, view=View.INTEGRATED)
    assert whole.completeness_gap == pytest.approx(0, abs=0.02)


def test_a_ripple_and_its_controls_are_those_of_each_picture_alone(scene):
    model, sae, _ = scene
    pictures = torch.randn(12, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    truth, names = [each % 3 for each in range(12)], [f"{each}.png" for each in range(12)]
    reference = build_reference(model, sae, pictures.split(5), truth, names)
    common = torch.bincount(reference.codes.components.long(), minlength=64).argmax().item()
    plan = SteeringPlan((Edit(common, Op.SCALE, -30.0),))
    found = ripple(model, sae, reference, plan)
    looks = [look(model, sae, picture[None]) for picture in pictures]
    assert found.before == tuple(each.clean.ranked[0] for each in looks)
    assert found.after == tuple(steer(model, sae, each, plan).prediction.ranked[0] for each in looks)
    assert found.before != found.after
    real = planned(sae, reference, plan).norms(12, 1)
    for kind in ("random", "flipped"):
        assert torch.allclose(control(sae, reference, plan, kind, 3).norms(12, 1), real, rtol=1e-4)


def test_a_sham_of_one_picture_has_the_size_of_its_plan(scene):
    model, sae, seen = scene
    plan = SteeringPlan((Edit(seen.codes.active()[0]),))
    sham = sham_of(model, sae, seen, plan, seed=5)
    assert sham.component not in (None, seen.codes.active()[0])
    assert sham.steered.edit_norm_ratio == pytest.approx(steer(model, sae, seen, plan).edit_norm_ratio, rel=1e-4)


def test_shares_of_many_pictures_are_the_exact_accounts_of_each(scene):
    model, sae, _ = scene
    pictures = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    reference = build_reference(model, sae, [pictures], [0, 1, 2, 0, 1], [f"{each}.png" for each in range(5)])
    found = share_out(model, sae, reference)
    assert found.view is View.EXACT
    for place, picture in enumerate(pictures):
        pair = int(found.said[place]), int(found.against[place])
        due = attribute(model, sae, look(model, sae, picture[None]), pair[0], against=pair[1], view=View.EXACT)
        said = {each: found.scores[place, each] for each in due.components}
        assert said == pytest.approx(due.scores, abs=1e-4)
        assert found.error[place] == pytest.approx(due.error, abs=1e-4)


def test_reference_sets_of_all_places_come_from_one_pass(make_clip, make_sae, pixels):
    cuts = {str(block): make_clip(block=block) for block in (-2, -1, EMBEDDING)}
    saes = {which: make_sae(model, Convention(TopK(6), tokens="cls")) for which, model in cuts.items()}
    names, truth = [f"{each}.png" for each in range(4)], [0, 1, 2, 0]
    together = build_references(cuts["-2"], dict(reversed(saes.items())), pixels.split(3), truth, names)
    for which, sae in saes.items():
        due = build_reference(cuts[which], sae, pixels.split(3), truth, names)
        assert torch.equal(together[which].activations, due.activations)
        assert torch.equal(together[which].embeddings, due.embeddings)
    assert together[EMBEDDING].activations.shape == (4, 1, 24)


def test_the_curve_of_the_exact_order_takes_out_by_hand_what_the_readout_ranks(scene):
    model, sae, _ = scene
    pictures = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    held_up = 0
    for picture in pictures:
        seen = look(model, sae, picture[None])
        v, (target, against) = seen.activations[0, 0].double(), seen.clean.ranked[:2]
        codes, scale, _ = by_hand(model, sae, v)
        parts = codes[:, None] * scale * sae.dictionary.double()
        h = (model.text[target] - model.text[against]).double()
        ranked = [each for each in (parts @ h).argsort(descending=True).tolist() if codes[each]]
        none, whole = margin(model, v - parts.sum(0), target, against), margin(model, v, target, against)
        (curve,) = curves(model, sae, [seen], orders=["exact"])
        assert curve.pictures == (whole - none >= 0.05)
        held_up += curve.pictures
        for k, out, put in zip(curve.ks, curve.deletion, curve.insertion, strict=True) if curve.pictures else ():
            first = parts[ranked[:k]].sum(0)
            taken = margin(model, v - first, target, against)
            alone = margin(model, v - parts.sum(0) + first, target, against)
            assert [out, put] == pytest.approx([(each - none) / (whole - none) for each in (taken, alone)], abs=2e-3)
    assert held_up


def test_masking_looks_at_the_picture_and_not_at_the_cut(scene, pixels):
    model = scene[0]
    at, below = (torch.cat(list(masked_logits(one, pixels[:1], range(16)))) for one in (model, model.at(0)))
    assert torch.allclose(at, below, atol=1e-5)


def test_what_belongs_elsewhere_is_refused_in_a_sentence(make_network, make_clip, make_sae, scene):
    model, sae, seen = scene
    with pytest.raises(TillerError, match="patch 3 was asked for; at the embedding none is left"):
        steer(model, sae, seen, SteeringPlan((Edit(1, Op.SCALE, 0.0, Scope.PATCHES, (3,)),)))
    with pytest.raises(TillerError, match="Block embeding was asked for; tiny has 3 blocks"):
        model.at("embeding")
    with pytest.raises(TillerError, match="made at the embedding, and tiny is cut after block 1; cut it at the"):
        sae.check(model.at(1))
    with pytest.raises(TillerError, match="made at block 1, and tiny is cut at the embedding"):
        make_sae(model.at(1), Convention(Relu())).check(model)
    with pytest.raises(TillerError, match="reads embeddings 16 wide, and tiny gives 24"):
        narrow(sae, 16).check(model)
    stranger = make_clip(make_network(1, pool_type="avg"), block=EMBEDDING)
    with pytest.raises(TillerError, match="load the weights it was made on"):
        sae.check(stranger)
    with pytest.raises(TillerError, match="it reads tokens all, and an embedding is one"):
        make_sae(model, Convention(Relu())).check(model)


def narrow(sae, width):
    return SparseAutoencoder(
        sae.encoder[:, :width].clone(),
        sae.encoder_bias.data,
        sae.dictionary[:, :width].clone(),
        sae.bias[:width].clone(),
        convention=Convention(TopK(8), tokens="cls"),
        header=sae.header,
    )


@pytest.mark.slow
def test_at_full_size_a_file_of_4096_rows_is_judged_and_steered(tmp_path):
    """ViT-B/32 with random weights, 512 numbers, MSAE's layout: by the gate on embeddings of one length and another."""
    torch.manual_seed(0)
    network = open_clip.create_model("ViT-B-32", pretrained=None)
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    labels = ("apple", "boat", "car")
    model = Clip.wrap(
        network, lambda image: image, tokenizer, name="ViT-B-32", block=EMBEDDING, labels=labels, digest="x"
    )
    pixels = torch.randn(1, 3, 224, 224)
    v = network.encode_image(pixels)
    assert torch.equal(model.embedding(model.activations(pixels)), v)
    vectors = v + v.std() * torch.randn(300, 8) @ torch.randn(8, 512)
    units = normalize(vectors, dim=1).double()
    mean = units.mean(0)
    scale = 512**0.5 / (units - mean).norm(dim=1).mean().item()
    rows = normalize(torch.randn(4096, 512).double(), dim=1)
    rows[:8] = torch.linalg.svd(units - mean, full_matrices=False).Vh[:8]
    rows[8:16] = -rows[:8]
    bias = torch.full((4096,), -1e3).double()
    bias[:16] = 0.01
    state = {"pre_bias": torch.zeros(512), "encoder": rows.T.float().contiguous(), "latent_bias": bias.float()}
    held = {"model": {**state, "decoder": rows.float()}, "mean_center": mean.float(), "scaling_factor": scale}
    path = tmp_path / "4096_512_TopKReLU_32_RW_False_False_0.0_cc3m_ViT-B~32_train_image_300_512.pth"
    torch.save(held, path)
    sae = accept(read_checkpoint(path), model, vectors[:, None])
    assert sae.header["gate"]["chosen"]["normalisation"] == "unit_norm"
    seen = look(model, sae, pixels)
    x = v[0].double()
    codes = (((x / x.norm() - mean) * scale) @ rows.T + bias).relu()
    assert torch.allclose(seen.codes.dense()[0, 0].double(), codes, atol=1e-4 * codes.max().item())
    strongest = int(codes.argmax())
    without = x - x.norm() / scale * codes[strongest] * rows[strongest]
    due = margin(model, x, 0, 1) - margin(model, without, 0, 1)
    assert leave_one_out(model, sae, seen, 0, 1, [strongest])[strongest] == pytest.approx(due, abs=1e-4)
