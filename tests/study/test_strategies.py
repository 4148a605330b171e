"""The rule coder on sequences made and coded by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.acts import Act
from study.bench import Bench
from study.interventions import perform
from study.log import EventLog
from study.strategies import DEFINITIONS, Code, codes_of
from study.units import Setting, Settings, Unit, key_of, units_in

A, B, C, D = 1, 2, 3, 4


class Story:
    """Units written down one after another; `a(A, 0.5)` sets a scale, `undo()` takes the last step back."""

    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.now: Settings = {}
        self.past: list[tuple[str, Settings]] = []
        self.task, self.attempt, self.image = "one", 1, "picture-1"
        self._seq = count(1)

    def _add(self, act: Any, after: Settings, of: str | None = None) -> Story:
        seq = next(self._seq)
        self.units.append(
            Unit(
                seq=seq,
                event_id=f"event-{seq}",
                act=act,
                task=self.task,
                attempt=self.attempt,
                image=self.image,
                before=self.now,
                after=after,
                of=of,
            )
        )
        self.now = after
        return self

    def a(self, *changes: tuple[int, float | None] | tuple[int, float, str]) -> Story:
        after = dict(self.now)
        for component, strength, *op in changes:
            if strength is None:
                after.pop(component, None)
            else:
                after[component] = Setting(op[0] if op else "scale", strength, "active")
        self.past.append((f"event-{len(self.units) + 1}", self.now))
        return self._add("applied", after)

    def undo(self) -> Story:
        of, before = self.past.pop()
        self.undone = (of, self.now)
        return self._add("undone", before, of)

    def redo(self) -> Story:
        of, after = self.undone
        self.past.append((of, self.now))
        return self._add("redone", after, of)

    def reset(self) -> Story:
        self.past.append((f"event-{len(self.units) + 1}", self.now))
        return self._add("reset", {})

    def compare(self) -> Story:
        return self._add("compared", self.now)

    def on(self, task: str, image: str, attempt: int = 1) -> Story:
        self.task, self.image, self.attempt, self.now, self.past = task, image, attempt, {}, []
        return self

    @property
    def codes(self) -> tuple[Code, ...]:
        return codes_of(self.units)

    @property
    def moves(self) -> list[str]:
        return [code.name for code in self.codes if code.layer == "move"]

    def spans(self, name: str) -> list[tuple[int, int]]:
        return [(code.first, code.last) for code in self.codes if code.name == name]


def golden() -> Story:
    story = Story().a((A, 0.5)).a((A, 0)).a((A, None)).a((A, 0.2)).undo().a((B, 2)).undo().a((C, 3, "set")).a((A, 0))
    story.compare().reset().a((A, 0)).undo().a((A, 0))
    return story.on("two", "picture-2").a((A, 0))


def test_the_golden_trace_has_its_moves() -> None:
    assert golden().moves == [
        "suppress",
        "suppress",
        "hand-revert",
        "suppress",
        "undo",
        "amplify",
        "undo",
        "set",
        "suppress",
        "compare",
        "reset",
        "suppress",
        "undo",
        "suppress",
        "suppress",
    ]


def test_the_golden_trace_has_its_scopes_and_patterns() -> None:
    story = golden()
    assert story.spans("isolate") == [(n, n) for n in (1, 2, 4, 6, 8, 12, 14, 15)]
    assert story.spans("bundle") == [(9, 9)]
    assert story.spans("sweep") == [(1, 5)]
    assert story.spans("scan") == [(1, 8)]
    assert story.spans("confirm") == [(14, 14)]
    assert story.spans("transfer-check") == [(15, 15)]


def test_every_unit_has_exactly_one_move_and_every_code_a_definition() -> None:
    story = golden()
    assert sorted(code.first for code in story.codes if code.layer == "move") == [unit.seq for unit in story.units]
    scopes = [code.first for code in story.codes if code.layer == "scope"]
    assert len(scopes) == len(set(scopes))
    assert {code.name for code in story.codes} <= set(DEFINITIONS)


@pytest.mark.parametrize(
    ("change", "move", "attributes"),
    [
        ((A, 0.0), "suppress", {}),
        ((A, 0.99), "suppress", {}),
        ((A, -0.5), "suppress", {"inverted": True}),
        ((A, -0.1, "add"), "suppress", {}),
        ((A, 1.01), "amplify", {}),
        ((A, 0.1, "add"), "amplify", {}),
        ((A, 0.5, "set"), "set", {}),
        ((A, -0.5, "set"), "set", {}),
    ],
)
def test_one_step_from_neutral(change: Any, move: str, attributes: dict[str, bool]) -> None:
    (code,) = [code for code in Story().a(change).codes if code.layer == "move"]
    assert (code.name, dict(code.attributes)) == (move, attributes)


def eases(story: Story) -> list[object]:
    return [code.attributes.get("eases", False) for code in story.codes if code.layer == "move"]


def test_a_step_back_towards_neutral_eases() -> None:
    eased = [
        code.attributes.get("eases", False) for code in Story().a((A, 0)).a((A, 0.5)).codes if code.layer == "move"
    ]
    assert eased == [False, True]
    eased = eases(Story().a((A, 3)).a((A, 2)))
    assert eased == [False, True]
    crossed = Story().a((A, 0)).a((A, 2)).codes
    assert not any("eases" in code.attributes for code in crossed)
    other_operator = Story().a((A, -1, "add")).a((A, 0.5)).codes
    assert not any("eases" in code.attributes for code in other_operator)


def test_a_return_by_hand_is_to_any_setting_held_before_and_forgets_what_came_after_it() -> None:
    assert Story().a((A, 0.5)).a((A, 0)).a((A, 0.5)).moves == ["suppress", "suppress", "hand-revert"]
    # 0 was cut from the stack by the return to 0.5, so taking 0 again is a new suppression
    assert Story().a((A, 0.5)).a((A, 0)).a((A, 0.5)).a((A, 0)).moves[-1] == "suppress"
    # so was everything by the return to neutral
    assert Story().a((A, 0.5)).a((A, 0)).a((A, None)).a((A, 0.5)).moves[-1] == "suppress"


def test_undo_brings_the_settings_held_before_back_as_well() -> None:
    # the undone 0 is no setting held before; 0.5 after it is a first step again
    assert Story().a((A, 0)).undo().a((A, 0.5)).a((A, 0)).moves == ["suppress", "undo", "suppress", "suppress"]
    # undoing a return by hand puts back what the return had cut
    story = Story().a((A, 0.5)).a((A, 0)).a((A, None)).undo()
    assert story.a((A, 0.5)).moves[-1] == "hand-revert"
    # undoing a reset puts all stacks back
    assert Story().a((A, 0.5)).a((A, 0)).reset().undo().a((A, 0.5)).moves[-1] == "hand-revert"
    # and without the undo, a reset has emptied them
    assert Story().a((A, 0.5)).a((A, 0)).reset().a((A, 0.5)).moves[-1] == "suppress"


def test_redo_counts_as_a_setting_held() -> None:
    story = Story().a((A, 0.5)).undo().redo().a((A, 0)).a((A, 0.5))
    assert story.moves == ["suppress", "undo", "redo", "suppress", "hand-revert"]


def test_two_directions_at_once_are_no_move_of_their_own() -> None:
    assert Story().a((A, 0), (B, 2)).moves == ["other"]
    assert Story().a((A, 0), (B, 0.5)).moves == ["suppress"]
    # one goes back, the other down: the one that returns does not count
    assert Story().a((A, 0)).a((A, None), (B, 0)).moves == ["suppress", "suppress"]


def test_a_bundle_counts_what_is_active_and_what_was_touched() -> None:
    (code,) = [code for code in Story().a((A, 0), (B, 0), (C, 0)).codes if code.name == "bundle"]
    assert dict(code.attributes) == {"active": 3, "touched": 3}


def test_a_sweep_needs_three_strengths_of_one_component_under_one_operator() -> None:
    assert Story().a((A, 0.5)).a((A, 0.2)).a((A, 0)).spans("sweep") == [(1, 3)]
    assert Story().a((A, 0.5)).a((A, 0.2)).spans("sweep") == []
    assert Story().a((A, 0.5)).a((A, 0.2)).a((A, 1, "set")).spans("sweep") == []
    assert Story().a((A, 0.5)).a((A, 0.2)).a((B, 0)).a((A, 0)).spans("sweep") == []
    assert Story().a((B, 0)).a((A, 0.5)).a((A, 0.2)).a((A, 0)).spans("sweep") == [(2, 4)]
    assert Story().a((A, 0.5)).compare().a((A, 0.2)).a((A, 0)).spans("sweep") == [(1, 4)]
    # another attempt begins anew
    assert Story().a((A, 0.5)).a((A, 0.2)).on("one", "picture-1", 2).a((A, 0)).spans("sweep") == []


def test_a_sweep_starts_with_an_applied_event() -> None:
    story = Story().a((A, 0.7)).a((B, 0)).undo().redo().undo().a((B, 0.3)).a((B, 0.5)).a((B, 0.8))
    # 3 to 8 touch B alone and belong to the run that 2 begins
    assert story.spans("sweep") == [(2, 8)]


def test_a_scan_goes_back_to_where_it_started() -> None:
    assert Story().a((A, 0)).undo().a((B, 0)).undo().a((C, 0)).undo().spans("scan") == [(1, 6)]
    assert Story().a((A, 0)).a((A, None)).a((B, 0)).reset().a((C, 0)).spans("scan") == [(1, 5)]
    assert Story().a((A, 0)).undo().a((B, 0)).undo().spans("scan") == []
    assert Story().a((A, 0)).a((B, 0)).a((C, 0)).spans("scan") == []
    # around an edit that is kept
    held = Story().a((D, 0)).a((A, 0)).undo().a((B, 0)).undo().a((C, 0)).undo()
    assert held.spans("scan") == [(2, 7)]
    # the same component three times is no scan
    assert Story().a((A, 0)).undo().a((A, 0.1)).undo().a((A, 0.2)).spans("scan") == []


def test_scans_from_two_states_are_two_scans() -> None:
    story = Story().a((A, 0)).undo().a((B, 0)).undo().a((C, 0)).undo().a((D, 0))
    story.a((A, 0)).undo().a((B, 0)).undo().a((C, 0)).undo()
    # the fourth component is the open leg of the first scan, and then the state that the second one starts from
    assert story.spans("scan") == [(1, 7), (8, 13)]
    # back where the first began, a third is one of its own
    story.reset().a((A, 0)).undo().a((B, 0)).undo().a((C, 0))
    assert story.spans("scan") == [(1, 7), (8, 13), (15, 19)]


def scans_by_definition(units: list[Unit]) -> list[tuple[int, int, int]]:
    """The table's words, step by step: from every unit on, follow the legs as long as there are any."""
    found, told = [], {}
    for place, first in enumerate(units):
        start = key_of(first.before)
        if first.seq <= told.get(start, 0):
            continue
        run, tried, leg = [], set(), None
        for unit in units[place:]:
            if leg is None:
                if unit.act not in ("applied", "redone") or len(unit.touched) != 1:
                    break
                leg = unit.touched[0]
            if any(component != leg for component in unit.touched):
                break
            run.append(unit)
            tried.add(leg)
            if unit.after == first.before:
                leg = None
        if len(tried) >= 3:
            told[start] = run[-1].seq
            found.append((run[0].seq, run[-1].seq, len(tried)))
    return found


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("a"), st.sampled_from([A, B, C, D]), st.sampled_from([0, 0.5, None])),
        st.tuples(st.just("both"), st.sampled_from([A, B]), st.sampled_from([0, None])),
        st.tuples(st.sampled_from(["undo", "undo", "redo", "reset", "compare"])),
    ),
    max_size=60,
)


@given(STEPS)
def test_scans_are_those_that_the_definition_gives(steps: list[tuple[Any, ...]]) -> None:
    story = Story()
    for kind, *rest in steps:
        if kind == "a":
            story.a((rest[0], rest[1]))
        elif kind == "both":
            story.a((rest[0], rest[1]), (C, rest[1]))
        elif kind == "undo":
            story = story.undo() if story.past else story
        elif kind == "redo":
            story = story.redo() if story.units and story.units[-1].act == "undone" else story
        else:
            getattr(story, kind)()
    mine = [(code.first, code.last, code.attributes["components"]) for code in story.codes if code.name == "scan"]
    assert mine == scans_by_definition([unit for unit in story.units if unit.act != "compared"])


def test_a_long_sweep_is_coded_in_a_time_that_hangs_on_its_length_alone() -> None:
    story = Story()
    for turn in range(6_000):
        story.a((A, turn / 6_000))
    before = time.process_time()
    assert story.spans("sweep") == [(1, 6_000)]
    assert time.process_time() - before < 3, "from each step to the end it would be 18 million steps"


def test_a_repeated_transition_is_a_confirmation_only_within_its_attempt() -> None:
    assert Story().a((A, 0)).undo().a((A, 0)).undo().a((A, 0)).spans("confirm") == [(3, 3), (5, 5)]
    assert Story().a((A, 0)).undo().redo().spans("confirm") == []
    assert Story().a((A, 0)).on("one", "picture-1", 2).a((A, 0)).spans("confirm") == []


def test_a_transfer_is_checked_once_for_each_new_picture() -> None:
    story = Story().a((A, 0)).on("two", "picture-2").a((A, 0)).undo().a((A, 0)).on("three", "picture-3").a((A, 0))
    assert story.spans("transfer-check") == [(2, 2), (5, 5)]
    assert Story().a((A, 0)).on("two", "picture-1").a((A, 0)).spans("transfer-check") == []
    assert Story().a((A, 0)).on("two", "picture-2").a((A, 0.5)).spans("transfer-check") == []


def test_a_real_session_is_coded_from_its_log(
    fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act]
) -> None:
    for step in (act("edit", 1, 0), act("edit", 1, 1), act("edit", 2, 2), act("undo"), act("redo"), act("reset")):
        perform(fresh_log, session, step, bench)
    units = units_in(fresh_log.read(session))
    moves = [code.name for code in codes_of(units) if code.layer == "move"]
    assert moves == ["suppress", "hand-revert", "amplify", "undo", "redo", "reset"]
    assert units[3].of == units[4].of == units[2].event_id


def test_no_units_have_no_codes() -> None:
    assert codes_of(()) == ()
