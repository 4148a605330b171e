"""Coding by people: each act one row, the state a fold, nothing on erased or finished sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Thread

import pytest
from coded import STUDY, Hand, code, fill, units

from core.types import TillerError
from study.acts import Act
from study.bench import Bench
from study.codebook import books_of, change_codebook
from study.coded_units import Saying, coded_units, rule_codes
from study.coding import Coder, CodingRefused, assignments_in, coded_by, coders_of
from study.erasure import erase
from study.log import EventLog
from study.preview_events import InterventionPredicted
from study.prompt_events import PromptAnswered
from study.staff import CONSENSUS, Role, invite


@pytest.fixture
def filled(fresh_log: EventLog, bench: Bench, act: Callable[..., Act]) -> EventLog:
    fill(fresh_log, bench, act)
    return fresh_log


def test_every_intervention_and_answer_is_a_unit_with_its_context(filled: EventLog) -> None:
    found = units(filled, "5e1")
    assert [(unit.kind, unit.words) for unit in found] == [
        ("intervention", "suppress component 1 to 0.5×"),
        ("intervention", "suppress component 1 to 0.2×"),
        ("intervention", "amplify component 2 to 2×"),
        ("intervention", "undo"),
        ("answer", "cause"),
    ]
    assert (found[0].before, found[0].after) == ("apple 67%", "apple 74%")
    assert found[-1].said == "=SUM(the \U0001f9ed badge)"
    assert [unit.id for unit in found] == [unit.id for unit in units(filled, "5e1")]
    assert [unit.seconds for unit in found] == sorted(unit.seconds for unit in found)


def test_what_was_said_stands_where_it_was_said(filled: EventLog) -> None:
    records = filled.read("5e1")
    places = [unit.seconds for unit in coded_units(records)]
    saying = Saying(id="u1", seconds=(places[0] + places[1]) / 2, speaker="P01", text="oh")
    found = coded_units(records, [saying])
    assert [unit.id for unit in found].index("u1") == 1
    assert (found[1].kind, found[1].said, found[1].participant) == ("utterance", "oh", "P01")


def test_the_rules_codes_are_those_of_each_unit(filled: EventLog) -> None:
    found = rule_codes(filled.read("5e1"))
    assert [found[unit.id] for unit in units(filled, "5e1")[:4]] == [
        ("suppress", "isolate"),
        ("suppress", "isolate"),
        ("amplify", "bundle"),
        ("undo",),
    ]


def test_a_unit_takes_several_codes_and_gives_them_back(filled: EventLog) -> None:
    hand = Hand(filled, "Ada").give(0, "suppress").give(0, "surprise").give(4, "trust basis").take(0, "suppress")
    assert hand.given == {0: {"surprise"}, 4: {"trust basis"}}
    assert hand.rows == 4, "what was taken back stays in the record"
    assert coders_of(filled, "5e1") == ("Ada",)


def test_the_same_assignment_twice_is_one_row(filled: EventLog) -> None:
    hand = Hand(filled, "Ada").give(0, "surprise", "one-act-1").give(0, "surprise", "one-act-1")
    assert hand.rows == 1
    assert hand.give(0, "surprise", "another-act").rows == 1
    assert hand.take(1, "surprise").rows == 1, "what does not stand is not taken off"


def test_a_code_given_from_two_windows_at_once_is_one_row(filled: EventLog, reopen: Callable[[], EventLog]) -> None:
    hands = [Hand(reopen(), "Ada") for _ in range(2)]
    threads = [Thread(target=lambda hand=hand: [hand.give(n % 5, "surprise") for n in range(20)]) for hand in hands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Hand(filled, "Ada").rows == 5
    assert filled.verify("coding:5e1:Ada").whole


def test_two_coders_give_one_unit_the_same_code(filled: EventLog) -> None:
    for name in ("Ada", "Ben B."):
        Hand(filled, name).give(0, "surprise")
    assert coders_of(filled, "5e1") == ("Ada", "Ben B.")
    assert Hand(filled, "Ada").given == Hand(filled, "Ben B.").given == {0: {"surprise"}}


def test_a_memo_is_written_anew_and_taken_away(filled: EventLog) -> None:
    hand = Hand(filled, "Ada").note(0, "first").note(0, "second").note(0, "second")
    assert hand.state.memos == {hand.units[0]: "second"}
    assert hand.rows == 2
    assert hand.note(0, "").state.memos == {}
    with pytest.raises(CodingRefused, match="4000 fit"):
        hand.note(0, "x" * 4001)


def test_a_finished_session_takes_no_more_codes_of_this_coder(filled: EventLog) -> None:
    hand = Hand(filled, "Ada").give(0, "surprise").lock().lock()
    assert (hand.state.locked, hand.rows) == (True, 2)
    for more in (lambda: hand.give(1, "surprise"), lambda: hand.take(0, "surprise"), lambda: hand.note(0, "late")):
        with pytest.raises(CodingRefused, match="You have finished this session"):
            more()
    Hand(filled, "Ben").give(1, "surprise")


def test_only_codes_and_units_that_are_there_are_taken(filled: EventLog) -> None:
    hand = Hand(filled, "Ada")
    with pytest.raises(CodingRefused, match="does not have"):
        hand.coder.assign(hand.units[0], "stray", version=1, key="k1")
    with pytest.raises(CodingRefused, match="does not have"):
        group = next(entry.id for entry in books_of(filled, STUDY)[-1].entries if not entry.codable)
        hand.coder.assign(hand.units[0], group, version=1, key="k2")
    with pytest.raises(CodingRefused, match="not among those"):
        hand.coder.assign(Hand(filled, "Ada", "5e2").units[0], code("surprise"), version=1, key="k3")
    with pytest.raises(TillerError, match="version 7 was asked for"):
        hand.coder.assign(hand.units[0], code("surprise"), version=7, key="k4")
    assert hand.rows == 0


def test_nobody_is_invited_under_the_name_of_the_rules_or_the_consensus(fresh_log: EventLog) -> None:
    for name in ("rules", "Consensus"):
        with pytest.raises(TillerError, match="stands for nobody in particular"):
            invite(fresh_log, name, Role.CODER)
    with pytest.raises(CodingRefused, match="code by themselves"):
        Hand(fresh_log, "rules")


def test_codes_of_an_earlier_version_are_carried_and_the_originals_stay(filled: EventLog) -> None:
    hand = Hand(filled, "Ada").give(0, "surprise").give(1, "confusion").give(2, "undo")
    now = books_of(filled, STUDY)[-1]
    left = [one for one in now.entries if one.name not in ("surprise", "undo")]
    left = [replace(one, name="at a loss") if one.name == "confusion" else one for one in left]
    change_codebook(filled, STUDY, left, mapping={code("surprise"): code("confusion")}, by="Ada", since=1)
    assert hand.given == {0: {"at a loss"}, 1: {"at a loss"}}, "one merged, one renamed, one dropped"
    books = books_of(filled, STUDY)
    assert set(coded_by(filled, "5e1", "Ada", books, 1).codes) == set(hand.units[:3])
    originals = assignments_in(filled.read("coding:5e1:Ada"), books)
    assert [(one.code, one.codebook) for one in originals] == [
        (code("surprise"), 1),
        (code("confusion"), 1),
        (code("undo"), 1),
    ]
    hand.take(0, "confusion")
    assert hand.given == {1: {"at a loss"}}, "what was given under the old version is taken off under the new one"


def test_the_consensus_decides_whole_units_under_the_name_of_who_wrote_it(filled: EventLog) -> None:
    Hand(filled, "Ada").give(0, "surprise").lock()
    hand = Hand(filled, CONSENSUS, by="Ada")
    for codes in (["confusion"], ["surprise", "undo"], ["surprise", "undo"], []):
        hand.coder.agree(hand.units[0], [code(one) for one in codes], version=1, key=f"agree-{codes}")
    assert hand.state.codes == {}
    assert hand.state.settled == {hand.units[0]}, "decided: no code"
    assert hand.rows == 3
    assert Hand(filled, "Ada").given == {0: {"surprise"}}, "originals stay"
    assert coders_of(filled, "5e1") == ("Ada", CONSENSUS)
    with pytest.raises(CodingRefused, match="Only the consensus"):
        Hand(filled, "Ada").coder.agree(hand.units[0], [], version=1, key="mine")


def test_an_erased_session_takes_no_codes_and_keeps_no_memo(filled: EventLog) -> None:
    secret = "he says that his brother is the badge's maker"
    hand = Hand(filled, "Ada").give(0, "surprise").note(0, secret)
    Hand(filled, "Ada", "5e2").give(0, "surprise")
    receipt = erase(filled, "5e1")
    assert receipt.sought > 0 and receipt.found == 0, "in files or rows, whatever the database"
    assert hand.state.codes == {} and hand.state.memos == {}
    assert all(secret.encode() not in path.read_bytes() for path in filled.files if path.exists())
    assert units(filled, "5e1") == ()
    assert filled.verify("coding:5e1:Ada").whole
    for name in ("Ada", "Ben"):
        coder = Coder(filled, STUDY, "5e1", name, hand.units)
        with pytest.raises(CodingRefused, match="erased"):
            coder.assign(hand.units[0], code("surprise"), version=1, key=f"late-{name}")
    assert Hand(filled, "Ada", "5e2").given == {0: {"surprise"}}


def test_what_is_answered_to_a_prompt_and_expected_of_a_step_is_a_unit(filled: EventLog) -> None:
    about = {"prompt": "why", "trigger": "start", "wording": "Why?", "task": "word"}
    filled.append("5e1", PromptAnswered(**about, item="a", text="the badge"), key="one")
    filled.append("5e1", PromptAnswered(**about), key="two")  # said aloud: the recording has it
    filled.append("5e1", InterventionPredicted(task="word", direction="up", hypothesis="it pushes"), key="three")
    found = coded_units(filled.read("5e1"))
    assert [(unit.kind, unit.words, unit.said) for unit in found[-2:]] == [
        ("answer", "Why?", "the badge"),
        ("answer", "expected", "it pushes"),
    ]
