"""Slots fill evenly: by hand for small designs, and by eight and sixteen simulated participants for the script's."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.slots import Share, Slot, Standing, Taken, balance, choose, mixed, slots
from study.squares import square

# the factors of the design's script, in its order of priority
DESIGN = {"phase_order": 2, "task_set": 2, "task_order": 2, "prompting": 2}
KEPT = (Standing.COMPLETED, Standing.LIVE)


def filled(listed: tuple[Slot, ...], newcomers: int) -> list[Slot]:
    """The slots of so many newcomers, one after the other."""
    came: list[Slot] = []
    for _ in range(newcomers):
        held = [Taken(f"s{place}", slot.number, KEPT[place % 2]) for place, slot in enumerate(came)]
        came.append(choose(listed, held))
    return came


def test_the_first_factor_changes_fastest() -> None:
    listed = slots({"order": 2, "set": 3})
    assert [slot.number for slot in listed] == [0, 1, 2, 3, 4, 5]
    assert [(slot.levels["order"], slot.levels["set"]) for slot in listed] == [
        (0, 0),
        (1, 0),
        (0, 1),
        (1, 1),
        (0, 2),
        (1, 2),
    ]


def test_a_design_without_factors_has_one_slot() -> None:
    assert slots({}) == (Slot(0, {}),)
    assert filled(slots({}), 3) == [Slot(0, {})] * 3


def test_there_are_no_slots_of_a_factor_without_levels_and_no_choice_of_no_slots() -> None:
    with pytest.raises(ValueError, match="at least one level"):
        slots({"order": 0})
    with pytest.raises(ValueError, match="chosen of none"):
        choose((), ())


def test_a_newcomer_gets_the_slot_with_the_fewest_and_the_first_of_these() -> None:
    listed = slots({"order": 4})
    held = [Taken(f"s{place}", slot, Standing.LIVE) for place, slot in enumerate((0, 0, 1, 3))]
    assert choose(listed, held).number == 2
    assert choose(listed, [*held, Taken("s9", 2, Standing.COMPLETED)]).number == 1
    assert choose(listed[::-1], [*held, Taken("s9", 2, Standing.COMPLETED)]).number == 3
    assert choose(listed, [Taken("s9", 0, Standing.GIVEN_BACK)]).number == 0
    assert choose(listed, [Taken("s9", 77, Standing.LIVE)]).number == 0, "a slot of another design holds none of these"


def course(slot: Slot) -> list[tuple[str, str, str]]:
    """What a participant in `slot` meets in turn: condition, task set and task, as the design's script says."""
    phases = [("look", "act")[one] for one in square(2)[slot.levels["phase_order"]]]
    sets = [("set_1", "set_2")[one] for one in square(2)[slot.levels["task_set"]]]
    tasks = square(2)[slot.levels["task_order"]]
    return [(phase, name, f"{name}/{task}") for phase, name in zip(phases, sets, strict=True) for task in tasks]


def test_eight_participants_balance_phase_order_task_set_and_task_order_exactly() -> None:
    came = filled(slots(DESIGN), 8)
    for names in combinations(("phase_order", "task_set", "task_order"), 2):
        together = Counter(tuple(slot.levels[name] for name in names) for slot in came)
        assert together == {(one, two): 2 for one in (0, 1) for two in (0, 1)}
    courses = [course(slot) for slot in came]
    assert len(set(map(tuple, courses))) == 8, "no two of the eight meet the same"
    for place in (0, 2):
        assert Counter(one[place][0] for one in courses) == {"look": 4, "act": 4}, "each condition comes first as often"
        assert Counter(one[place][1] for one in courses) == {"set_1": 4, "set_2": 4}
    assert Counter((phase, name) for one in courses for phase, name, _ in one[::2]) == {
        (phase, name): 4 for phase in ("look", "act") for name in ("set_1", "set_2")
    }
    tasks = ("set_1/0", "set_1/1", "set_2/0", "set_2/1")
    assert Counter(one[place][2] for one in courses for place in range(4)) == dict.fromkeys(tasks, 8)
    for place in range(4):
        assert Counter(one[place][2] for one in courses) == dict.fromkeys(tasks, 2), "each task in each place as often"
    assert {slot.levels["prompting"] for slot in came} == {0}, "the arms are last in priority"


def test_sixteen_participants_balance_the_arms_and_everything_with_them() -> None:
    came = filled(slots(DESIGN), 16)
    assert Counter(slot.number for slot in came) == dict.fromkeys(range(16), 1)
    for one, two in combinations(DESIGN, 2):
        together = Counter((slot.levels[one], slot.levels[two]) for slot in came)
        assert together == {(a, b): 4 for a in (0, 1) for b in (0, 1)}


def test_two_four_and_eight_participants_balance_one_two_and_three_factors() -> None:
    for newcomers, factors in ((2, 1), (4, 2), (8, 3)):
        came = filled(slots(DESIGN), newcomers)
        cells = Counter(tuple(slot.levels[name] for name in list(DESIGN)[:factors]) for slot in came)
        assert set(cells.values()) == {1}
        assert len(cells) == newcomers


@given(st.integers(0, 1000))
def test_mixing_moves_slots_within_their_block_of_four_and_nowhere_else(seed: int) -> None:
    listed = slots(DESIGN | {"more": 3})  # 48: twelve blocks
    moved = mixed(listed, seed)
    assert moved == mixed(listed, seed)
    for first in range(0, 48, 4):
        assert sorted(slot.number for slot in moved[first : first + 4]) == list(range(first, first + 4))
    assert mixed(listed[:6], seed)[:4] == moved[:4], "a block does not hang on those behind it"


def test_mixing_gives_each_slot_of_a_block_each_place_about_as_often() -> None:
    listed = slots(DESIGN)[:4]
    found = Counter(tuple(slot.number for slot in mixed(listed, seed)) for seed in range(2400))
    assert len(found) == 24
    # 100 of each are expected: chi-square with 23 degrees of freedom is below 49.7 in 999 of 1000 cases
    assert sum((times - 100) ** 2 / 100 for times in found.values()) < 49.7


@given(st.lists(st.integers(0, 15), max_size=12, unique=True), st.integers(1, 3), st.integers(0, 9))
def test_slots_that_are_given_back_are_the_next_ones_taken(gone: list[int], rounds: int, seed: int) -> None:
    listed = mixed(slots(DESIGN), seed)
    held = [Taken(f"s{place}", slot.number, Standing.COMPLETED) for place, slot in enumerate(listed * rounds)]
    held = [Taken(one.session, one.slot, Standing.GIVEN_BACK) if n in gone else one for n, one in enumerate(held)]
    back = [one.slot for one in held if one.standing is Standing.GIVEN_BACK]
    taken: list[int] = []
    for number in range(len(back)):
        taken.append(choose(listed, held).number)
        held.append(Taken(f"n{number}", taken[-1], Standing.LIVE))
    assert sorted(taken) == sorted(back)


def test_the_table_of_shares_counts_each_level_by_what_became_of_its_sessions() -> None:
    listed = slots({"order": 2, "arm": 2})
    held = [
        Taken("a", 0, Standing.COMPLETED),
        Taken("b", 1, Standing.LIVE),
        Taken("c", 2, Standing.COMPLETED),
        Taken("d", 2, Standing.GIVEN_BACK),
        Taken("e", 9, Standing.LIVE),
    ]
    assert balance(listed, held) == (
        Share("order", 0, completed=2, live=0, given_back=1),
        Share("order", 1, completed=0, live=1, given_back=0),
        Share("arm", 0, completed=1, live=1, given_back=0),
        Share("arm", 1, completed=1, live=0, given_back=1),
    )
    assert balance((), held) == ()
