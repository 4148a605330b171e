"""The rig's memories: each result is made once, and what is held does not grow with what is asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

from pages.parts.rig import Memory, Rig


def test_a_memory_holds_no_more_than_it_may_however_often_it_is_asked() -> None:
    memory = Memory(3)
    for _ in range(4):
        for key in range(10):
            assert memory.recall(key, lambda key=key: str(key)) == str(key)
            assert memory.recall(key, lambda: "another") == str(key)
    assert len(memory._kept) == 3
    assert not memory._busy


def test_a_result_that_many_ask_for_at_once_is_made_once() -> None:
    memory, made, together = Memory(3), [], Barrier(8)

    def ask() -> object:
        together.wait()
        return memory.recall("key", lambda: made.append(1) or "result")

    with ThreadPoolExecutor(8) as pool:
        found = [each.result() for each in [pool.submit(ask) for _ in range(8)]]
    assert found == ["result"] * 8
    assert made == [1]
    assert not memory._busy


def test_a_rig_under_another_script_shares_all_that_the_script_does_not_decide(rig: Rig) -> None:
    spoken = replace(rig.script)
    other = rig.under(spoken)
    assert other.script is spoken and rig.under(rig.script) is rig
    assert {name for name in vars(rig) if vars(other)[name] is not vars(rig)[name]} == {"script"}
