"""States: one spelling for one effect, and ids that anyone can recompute from the design document."""

from __future__ import annotations

import hashlib

import pytest

from core.types import Edit, Op, Scope, SteeringPlan
from study.predictions import pack_logits, unpack_logits
from study.state import Pinned, canonical, edits_id, labels_digest, state_id

EMPTY = (
    '{"dictionary_sha256":"d","edits":[],"explanation":null,"image_sha256":"i","labels_sha256":"l","model_sha256":"m"}'
)
# 0.5 is 1 * 2^-1 and 3 is 1.5 * 2^1, and hexadecimal .8 is one half
TWO = (
    '{"dictionary_sha256":"d","edits":[[3,"scale",null,"active","0x1.0000000000000p-1"],'
    '[7,"set",null,"patches=0,2","0x1.8000000000000p+1"]],'
    '"explanation":"gradient","image_sha256":"i","labels_sha256":"l","model_sha256":"m"}'
)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def of(*edits: Edit, explanation: str | None = None) -> str:
    return state_id(
        model_sha256="m",
        dictionary_sha256="d",
        image_sha256="i",
        labels_sha256="l",
        explanation=explanation,
        edits=edits,
    )


def test_the_id_of_the_untouched_state_is_the_digest_of_its_literal_json() -> None:
    assert of() == sha(EMPTY)


def test_the_id_of_two_edits_is_the_digest_of_their_literal_json_in_component_order() -> None:
    edits = (Edit(7, Op.SET, 3.0, Scope.PATCHES, (2, 0)), Edit(3, Op.SCALE, 0.5))
    assert of(*edits, explanation="gradient") == sha(TWO)
    assert of(*reversed(edits), explanation="gradient") == sha(TWO)


def test_the_edits_id_is_the_digest_of_the_edits_alone() -> None:
    assert edits_id((Edit(3),)) == sha('[[3,"scale",null,"active","0x0.0p+0"]]')
    assert edits_id(()) == sha("[]")


@pytest.mark.parametrize(
    "edit",
    [Edit(3, Op.SET, 0.0), Edit(3, Op.SCALE, -0.0), Edit(3, Op.SCALE, 0.0, Scope.ALL), Edit(3, Op.SET, 0.0, Scope.ALL)],
)
def test_every_way_to_suppress_is_one_state(edit: Edit) -> None:
    assert of(edit) == of(Edit(3, Op.SCALE, 0.0))


def test_setting_everywhere_is_not_setting_where_active() -> None:
    assert of(Edit(3, Op.SET, 1.0, Scope.ALL)) != of(Edit(3, Op.SET, 1.0, Scope.ACTIVE))


def test_neutral_edits_are_no_edits() -> None:
    assert of(Edit(3, Op.SCALE, 1.0), Edit(4, Op.ADD, 0.0)) == of()


def test_a_plan_and_its_edits_are_the_same_state() -> None:
    pinned = Pinned(model_sha256="m", dictionary_sha256="d", image_sha256="i", labels_sha256="l")
    assert pinned.state(SteeringPlan((Edit(3),))).id == of(Edit(3))


def test_canonical_json_sorts_keys_keeps_unicode_and_writes_floats_exactly() -> None:
    assert canonical({"ä": 0.1, "a": [True, None, 1], "b": {"y": 1, "x": "\n"}}) == (
        '{"a":[true,null,1],"b":{"x":"\\n","y":1},"ä":"0x1.999999999999ap-4"}'
    )


def test_half_an_emoji_becomes_a_replacement_character() -> None:
    assert canonical("a\ud83d b").encode("utf-8") == '"a\ufffd b"'.encode()
    assert canonical("\U0001f642") == '"\U0001f642"'


def test_only_plain_values_have_canonical_json() -> None:
    with pytest.raises(TypeError, match="object has no canonical JSON"):
        canonical(object())


def test_the_labels_digest_knows_names_templates_and_their_order() -> None:
    assert labels_digest(["apple", "boat"], ["a photo of a {}"]) == sha(
        '{"labels":["apple","boat"],"templates":["a photo of a {}"]}'
    )
    assert labels_digest(["boat", "apple"]) != labels_digest(["apple", "boat"])


def test_logits_are_kept_as_the_bytes_of_a_float32() -> None:
    # 1.0 is sign 0, exponent 127, mantissa 0: 3f800000, little end first; -0.25 has exponent 125 and the sign bit
    assert pack_logits((1.0, -0.25)) == "0000803f000080be"
    assert unpack_logits("0000803f000080be") == (1.0, -0.25)
