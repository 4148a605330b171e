"""Prompts: which one comes up when, and that none comes up beside, too soon after, or once too often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from prompted import Sitting, script_with

from study.log import EventLog
from study.moderator_events import ModeratorPromptSent
from study.prompt_events import PromptShown
from study.prompts import held, shortest_silence_s, standing, wait_s
from study.session_events import ConsentGiven, SessionPaused, SessionResumed, SessionStarted
from study.talk_events import SilenceDetected
from study.task_events import ConceptInspected, PageEntered, TaskStarted, TaskSubmitted
from study.ticks import tick

VOICE = ConsentGiven(scope="audio", text_sha256="c")
BEGIN = "{id: begin, style: neutral, when: {event: task.started}, text: Speak.}"
EVERY = "{id: third, style: probing, when: {event: intervention.applied, every: 3}, text: 'Why?'}"
UNDO = "{id: back, style: probing, when: {event: intervention.undone}, text: 'Why back?'}"
RESET = "{id: all_off, style: probing, when: {event: intervention.reset}, text: 'Why all?'}"
FLIP = "{id: flip, style: probing, when: {event: model.predicted, top1_changed: true}, text: 'Expected?'}"
NOTHING = "{id: nothing, style: probing, when: {event: model.predicted, max_abs_prob_change_below: 0.01}, text: 'So?'}"
SILENCE = "{id: talk, style: neutral, when: {silence_s: 20}, text: Keep talking.}"
IDLE = "{id: idle, style: neutral, when: {idle_s: 40}, text: 'What now?'}"
FIRST = (
    "{id: guess, style: probing, when: {before_first: intervention.applied}, blocking: true, text: 'Why?', "
    "ask: [{id: why, type: free_text, label: Why}]}"
)

Do = Callable[[Sitting], object]


def silent(sitting: Sitting, length_s: float, t0_s: float = 0) -> None:
    sitting.write(SilenceDetected(media="voice", t0_ms=1000 * t0_s, length_ms=1000 * length_s))


def times(number: int, do: Do) -> Do:
    return lambda sitting: [do(sitting) for _ in range(number)]


def steer(sitting: Sitting) -> None:
    sitting.steer()


def look(sitting: Sitting) -> None:
    sitting.write(ConceptInspected(task="a", component=1))


def undo(sitting: Sitting) -> None:
    sitting.steer(kind="undone")


# the toy says (2, 1, 0) at first: apple at 0.665, boat at 0.245, car at 0.090
LAWS: list[tuple[str, str, Do, bool]] = [
    ("the beginning", BEGIN, lambda _: None, True),
    ("no beginning once a step is made", BEGIN, steer, False),
    ("the third step", EVERY, times(3, steer), True),
    ("no second step", EVERY, times(2, steer), False),
    ("the sixth step", EVERY, times(6, steer), True),
    ("an undo does not count down", EVERY, lambda s: [steer(s), steer(s), undo(s), steer(s)], True),
    ("an undo is no step", EVERY, lambda s: [steer(s), steer(s), undo(s)], False),
    ("what came before the attempt does not count", EVERY, lambda s: [steer(s), steer(s), s.begin(), steer(s)], False),
    ("an undo", UNDO, lambda s: [steer(s), undo(s)], True),
    ("no undo, a reset", UNDO, lambda s: [steer(s), s.steer(kind="reset")], False),
    ("a reset", RESET, lambda s: [steer(s), s.steer(kind="reset")], True),
    ("another class comes first", FLIP, lambda s: s.steer((1.0, 1.5, 0.0)), True),
    ("the same class stays first", FLIP, lambda s: s.steer((1.6, 1.5, 0.0)), False),
    ("another class comes first by an undo", FLIP, lambda s: s.steer((1.0, 1.5, 0.0), kind="undone"), True),
    ("no flip at the beginning", FLIP, lambda _: None, False),
    # with the second logit at 1.04 boat goes from 0.2447 to 0.2522: by 0.0075
    ("hardly any effect", NOTHING, lambda s: s.steer((2.0, 1.04, 0.0)), True),
    # with the second logit at 1.08 boat goes from 0.2447 to 0.2598: by 0.0151
    ("an effect", NOTHING, lambda s: s.steer((2.0, 1.08, 0.0)), False),
    ("no effect only of the last step", NOTHING, lambda s: [s.steer((2.0, 1.04, 0.0)), s.steer()], False),
    ("silence for as long", SILENCE, lambda s: silent(s, 20), True),
    ("silence, too short", SILENCE, lambda s: silent(s, 19.9), False),
    ("two stretches that join", SILENCE, lambda s: [silent(s, 12), silent(s, 9, 12.2)], True),
    ("two stretches apart", SILENCE, lambda s: [silent(s, 12), silent(s, 9, 15)], False),
    ("a silence that may be over", SILENCE, lambda s: [silent(s, 20), s.wait(11)], False),
    ("idle for as long", IDLE, lambda s: s.wait(40), True),
    ("idle, too short", IDLE, lambda s: s.wait(39.9), False),
    ("a look is not idle", IDLE, lambda s: [s.wait(30), look(s), s.wait(30)], False),
    ("a silence does not end idleness", IDLE, lambda s: [s.wait(30), silent(s, 20), s.wait(10)], True),
    ("before the first step", FIRST, lambda _: None, True),
    ("not after the first step", FIRST, steer, False),
    ("not on the page of answers", BEGIN, lambda s: s.write(PageEntered(page="answer", task="a")), False),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "do", "comes"), [law[1:] for law in LAWS], ids=[law[0] for law in LAWS])
def test_a_prompt_comes_up_at_its_trigger_and_at_no_other(tmp_path: Path, prompt: str, do: Do, comes: bool) -> None:
    sitting = Sitting(script_with(tmp_path, prompt))
    do(sitting)
    assert (sitting.due() is not None) is comes


def test_what_is_due_says_trigger_wording_and_cause(tmp_path: Path) -> None:
    sitting = Sitting(script_with(tmp_path, FLIP))
    sitting.steer((1.0, 1.5, 0.0))
    found = sitting.due()
    assert found is not None
    assert (found.prompt, found.trigger, found.wording, found.style) == ("flip", "top1_flip", "Expected?", "probing")
    assert sitting.rows[-1].name == "model.predicted"
    assert found.caused_by == sitting.rows[-1].event_id
    assert found.key == f"prompt/flip/{sitting.rows[-1].event_id}"


def test_the_scripts_order_decides_and_the_other_has_lost_its_turn(tmp_path: Path) -> None:
    sitting = Sitting(script_with(tmp_path, FLIP, EVERY.replace("every: 3", "every: 1")))
    sitting.steer((1.0, 1.5, 0.0))
    assert sitting.show() == "flip"
    sitting.close()
    assert sitting.show() is None
    other = Sitting(script_with(tmp_path, EVERY.replace("every: 3", "every: 1"), FLIP))
    other.steer((1.0, 1.5, 0.0))
    assert other.show() == "third"


def test_none_comes_up_beside_another_nor_for_what_was_done_meanwhile(tmp_path: Path) -> None:
    sitting = Sitting(script_with(tmp_path, BEGIN, UNDO))
    assert sitting.show() == "begin"
    steer(sitting)
    undo(sitting)
    assert sitting.show() is None
    sitting.close()
    assert sitting.show() is None
    undo(sitting)
    assert sitting.show() == "back"


def test_the_gap_passes_steps_over_and_lets_the_first_question_wait(tmp_path: Path) -> None:
    sitting = Sitting(script_with(tmp_path, BEGIN, FIRST, UNDO, gap=30))
    assert sitting.show() == "begin"
    sitting.close()
    assert wait_s(sitting.rows, sitting.script, sitting.place, sitting.now_ns) == 30
    sitting.wait(29.9)
    assert sitting.show() is None
    sitting.wait(0.1)
    assert sitting.show() == "guess"
    sitting.close()
    sitting.wait(29)
    undo(sitting)
    assert sitting.show() is None
    sitting.wait(5)
    assert sitting.show() is None
    undo(sitting)
    assert sitting.show() == "back"


def test_a_prompt_comes_up_once_for_each_cause(tmp_path: Path) -> None:
    sitting = Sitting(script_with(tmp_path, IDLE))
    sitting.wait(40)
    assert sitting.show() == "idle"
    sitting.close("expired")
    sitting.wait(100)
    assert sitting.show() is None, "nothing was done since"
    sitting.write(ConceptInspected(task="a", component=1))
    sitting.wait(40)
    assert sitting.show() == "idle"


def test_both_caps_hold_for_each_attempt(tmp_path: Path) -> None:
    twice = UNDO.replace("text:", "max_per_task: 2, text:")
    sitting = Sitting(script_with(tmp_path, twice, RESET, most=3))

    def shown_after(kind: str) -> str | None:
        sitting.steer(kind=kind)
        found = sitting.show()
        if found:
            sitting.close()
        return found

    assert [shown_after("undone") for _ in range(3)] == ["back", "back", None]
    assert [shown_after("reset") for _ in range(2)] == ["all_off", None]
    sitting.begin()
    assert shown_after("undone") == "back"


def test_a_pause_stops_the_clocks_and_shows_nothing(tmp_path: Path) -> None:
    expiring = BEGIN.replace("text:", "expires_s: 10, text:")
    sitting = Sitting(script_with(tmp_path, expiring, IDLE))
    assert sitting.show() == "begin"
    sitting.wait(4)
    sitting.write(SessionPaused())
    sitting.wait(1000)
    assert wait_s(sitting.rows, sitting.script, sitting.place, sitting.now_ns) is None
    sitting.write(SessionResumed(gap_s=1000, ends_pause=True))
    sitting.wait(2)
    assert wait_s(sitting.rows, sitting.script, sitting.place, sitting.now_ns) == pytest.approx(4)
    sitting.close()
    sitting.wait(30)
    sitting.write(SessionPaused())
    sitting.wait(30)
    assert sitting.due() is None
    sitting.write(SessionResumed(gap_s=30, ends_pause=True))
    assert sitting.due() is None
    assert wait_s(sitting.rows, sitting.script, sitting.place, sitting.now_ns) == pytest.approx(10)
    sitting.wait(10)
    assert sitting.show() == "idle"


def test_an_arm_drops_styles_and_a_mode_its_prompts(tmp_path: Path) -> None:
    script = script_with(tmp_path, FIRST, BEGIN.replace("text:", "modes: [moderated], text:"))
    assert [Sitting(script, arm=arm, mode="moderated").show() for arm in (0, 1)] == ["guess", "begin"]
    assert Sitting(script, arm=1, mode="remote").show() is None
    assert Sitting(script, arm=1, mode="preview").show() == "begin"
    assert [held(one.rows, script, one.place) for one in (Sitting(script), Sitting(script, arm=1))] == [True, False]


def test_prompts_about_steering_sleep_where_nothing_can_be_steered(tmp_path: Path) -> None:
    script = script_with(tmp_path, FIRST, BEGIN)
    looking = Sitting(script, task="b")
    assert looking.place.tools == ("attribution",)
    assert looking.show() == "begin"
    assert not held(looking.rows, script, looking.place)


def test_steering_is_held_until_the_question_before_it_is_answered(tmp_path: Path) -> None:
    script = script_with(tmp_path, BEGIN, FIRST, gap=30)
    sitting = Sitting(script)
    assert held(sitting.rows, script, sitting.place), "the question is still to come"
    sitting.show()
    sitting.close()
    sitting.wait(30)
    assert sitting.show() == "guess"
    assert held(sitting.rows, script, sitting.place)
    sitting.close()
    assert not held(sitting.rows, script, sitting.place)


def test_a_cap_that_keeps_the_first_question_away_holds_nobody_up(tmp_path: Path) -> None:
    script = script_with(tmp_path, BEGIN, FIRST, most=1)
    sitting = Sitting(script)
    assert sitting.show() == "begin"
    sitting.close()
    assert not held(sitting.rows, script, sitting.place)


def test_a_moderators_prompt_comes_first_and_counts_for_nothing(tmp_path: Path) -> None:
    sitting = Sitting(script_with(tmp_path, BEGIN, UNDO, gap=30, most=1))
    sitting.write(ModeratorPromptSent(who="M1", text="Which one did you mean?"))
    first = sitting.rows[-1].event_id
    sitting.write(ModeratorPromptSent(who="M1", text="Why back, really?", prompt="back"))
    found = sitting.due()
    assert found is not None
    assert (found.prompt, found.trigger, found.wording, found.caused_by) == (
        *("moderator", "moderator", "Which one did you mean?"),
        first,
    )
    sitting.show()
    assert sitting.due() is None
    sitting.close()
    second = sitting.due()
    assert second is not None
    assert (second.prompt, second.trigger, second.style) == ("back", "moderator", "probing")
    sitting.show()
    sitting.close()
    assert sitting.due() is None
    sitting.wait(30)
    assert sitting.show() == "begin", "what a moderator sends is no part of the cap"


def test_what_was_sent_in_a_task_does_not_follow_into_the_next(tmp_path: Path) -> None:
    sitting = Sitting(script_with(tmp_path, UNDO))
    sitting.write(ModeratorPromptSent(who="M1", text="Early."), TaskSubmitted(task="a"), TaskStarted(task="b"))
    assert sitting.place.task == "b"
    assert sitting.due() is None


def test_a_prompt_stands_until_it_is_closed_or_its_task_is_left(tmp_path: Path) -> None:
    sitting = Sitting(script_with(tmp_path, BEGIN))
    assert standing(sitting.rows) is None
    sitting.show()
    shown = sitting.rows[-1]
    steer(sitting)
    assert standing(sitting.rows) is shown
    sitting.write(PageEntered(page="answer", task="a"), PageEntered(page="workspace", task="a"))
    assert standing(sitting.rows) is shown
    sitting.write(TaskSubmitted(task="a"))
    assert standing(sitting.rows) is None


def test_a_recorder_is_told_the_shortest_silence_that_a_prompt_waits_for(tmp_path: Path) -> None:
    longer = SILENCE.replace("20", "45").replace("talk", "later")
    assert shortest_silence_s(script_with(tmp_path, longer, SILENCE)) == 20
    assert shortest_silence_s(script_with(tmp_path, BEGIN)) is None


EVERYTHING = (
    BEGIN,
    FIRST,
    EVERY.replace("every: 3", "every: 2"),
    UNDO.replace("text:", "max_per_task: 3, text:"),
    FLIP,
    NOTHING,
    SILENCE,
    IDLE.replace("40", "15"),
)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_prompts_stay_single_apart_and_within_their_caps(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    gap, most = rng.choice((0, 5, 30)), rng.choice((2, 6))
    sitting = Sitting(script_with(tmp_path, *EVERYTHING, gap=gap, most=most))
    up: str | None = None
    shown_at: list[float] = []
    for _ in range(400):
        sitting.wait(rng.choice((0.1, 1, 4, 20)))
        match rng.randrange(8):
            case 0 | 1:
                sitting.steer((rng.random(), rng.random(), 0.0))
            case 2:
                sitting.steer(kind=rng.choice(("undone", "redone", "reset")))
            case 3:
                silent(sitting, rng.choice((5, 20)), sitting.seconds)
            case 4 if up is not None:
                sitting.close(rng.choice(("closed", "expired")))
                up = None
            case 5 if rng.random() < 0.1:
                sitting.begin()
                up = None
            case _:
                pass
        found = sitting.show()
        assert found is None or up is None
        if found is not None:
            up = found
            shown_at.append(sitting.seconds)
    assert len(shown_at) > 2
    assert all(later - earlier >= gap for earlier, later in pairwise(shown_at))
    attempts, causes = [Counter[str]()], list[tuple[str, str | None]]()
    for row in sitting.rows:
        if isinstance(row.event, TaskStarted):
            attempts.append(Counter())
        if isinstance(row.event, PromptShown):
            attempts[-1][row.event.prompt] += 1
            causes.append((row.event.prompt, row.event.caused_by))
    assert max(one.total() for one in attempts) <= most
    assert max(one["back"] for one in attempts) <= 3
    assert len(causes) == len(set(causes))


@pytest.mark.parametrize("seed", range(10))
def test_what_comes_up_after_the_wait_is_what_was_waited_for(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    sitting = Sitting(script_with(tmp_path, *EVERYTHING, gap=10, most=50))
    for _ in range(60):
        sitting.wait(rng.choice((0.5, 3)))
        rng.choice((steer, undo, lambda _: None))(sitting)
        left = wait_s(sitting.rows, sitting.script, sitting.place, sitting.now_ns)
        if left is None:
            continue
        if left > 0.01:
            sitting.wait(left - 0.01)
            assert sitting.due() is None
            sitting.wait(0.02)
        assert sitting.show() is not None
        sitting.close()


def test_ticks_write_each_prompt_once_and_its_end(fresh_log: EventLog, tmp_path: Path) -> None:
    script = script_with(tmp_path, BEGIN.replace("text:", "expires_s: 20, text:"))
    started = SessionStarted(study="aloud", study_version="1.0.0", script_sha256="5c", participant="P01")
    fresh_log.append("s1", started, ConsentGiven(scope="log", text_sha256="c"), VOICE, key="start")
    assert tick(fresh_log, "s1", script) is None, "there is no task yet"
    fresh_log.append("s1", TaskStarted(task="a"), key="open")
    first = tick(fresh_log, "s1", script)
    assert first is not None
    assert (first.name, first.row["actor"], first.row["target"]) == ("prompt.shown", "system", "begin")
    assert tick(fresh_log, "s1", script) is None
    found = None
    for _ in range(30):  # each reading of the test's clock is a second
        found = found or tick(fresh_log, "s1", script)
    assert found is not None
    assert found.name == "prompt.dismissed"
    assert [row.name for row in fresh_log.read("s1")][4:] == ["prompt.shown", "prompt.dismissed"]
