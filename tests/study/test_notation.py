"""Edits as typed."""

import pytest

from core.types import Edit, Op, Scope, TillerError
from study.notation import find_label, read_edit, read_plan, read_scope


def no_unit(component: int, scope: Scope) -> float:
    raise AssertionError("a unit was asked for where none is needed")


def test_suppress_and_scale_need_no_unit():
    plan = read_plan(["40:scale=2", "12:suppress"], "active", no_unit)
    assert plan.edits == (Edit(12, Op.SCALE, 0.0), Edit(40, Op.SCALE, 2.0))


def test_set_and_add_are_multiples_of_the_unit():
    plan = read_plan(["7:set=1.5", "9:add=-1"], "cls", lambda component, scope: 4.0)
    assert plan.edits == (Edit(7, Op.SET, 6.0, Scope.CLASS), Edit(9, Op.ADD, -4.0, Scope.CLASS))


def test_patches_are_named_by_number():
    reach = read_scope("patches=5,0,5")
    assert read_edit("3:suppress", reach, no_unit) == Edit(3, Op.SCALE, 0.0, Scope.PATCHES, (0, 5))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "12:",
        "12:mute",
        "x:suppress",
        "12:scale",
        "12:scale=two",
        "-1:suppress",
        "12:scale=nan",
        "12:set=inf",
        "12:suppress=0",
        "1.5:suppress",
    ],
)
def test_an_edit_that_cannot_be_read_says_so_in_one_line(text: str):
    with pytest.raises(TillerError) as refusal:
        read_plan([text], "active", lambda component, scope: 1.0)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "everywhere", "patches", "patches=", "patches=a", "all=1", "patches=-1"])
def test_an_unknown_scope_names_the_scopes(text: str):
    with pytest.raises(TillerError, match="patches"):
        read_plan(["1:suppress"], text, no_unit)


def test_two_edits_of_one_component_are_refused():
    with pytest.raises(TillerError, match="two edits"):
        read_plan(["1:suppress", "1:scale=2"], "active", no_unit)


def test_an_unknown_class_names_the_classes():
    with pytest.raises(TillerError, match="apple, boat"):
        find_label(("apple", "boat"), "car")
