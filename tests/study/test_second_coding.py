"""Blind second coding and agreement: what is drawn, who sees what, and figures counted by hand."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from coded import STUDY, Hand, code, fill, units

from core.types import TillerError
from study.acts import Act
from study.agreement import ONE_VALUE
from study.bench import Bench
from study.codebook import books_of
from study.coder_agreement import Comparison, coders_in, compare, keep_agreement
from study.coding import coded_by, coders_of
from study.coding_events import AgreementComputed, SampleDrawn
from study.log import EventLog
from study.samples import draw_sample, drawn_for, samples_in, visible
from study.staff import CONSENSUS, RULES
from study.streams import stream_of

SESSIONS = ("5e1", "5e2")


@pytest.fixture
def filled(fresh_log: EventLog, bench: Bench, act: Callable[..., Act]) -> EventLog:
    fill(fresh_log, bench, act)
    return fresh_log


def draw(log: EventLog, *, seed: int = 7, share: float = 0.4, of: str = "units", coder: str = "Ben") -> SampleDrawn:
    ids = {session: [unit.id for unit in units(log, session)] for session in SESSIONS}
    return draw_sample(
        log, STUDY, ids, coder=coder, first="Ada", share=share, of=of, seed=seed, by="Ada", key=f"{coder}{seed}{of}"
    )


def drawn(log: EventLog) -> tuple[SampleDrawn, ...]:
    return samples_in(log.read(stream_of("codebook", STUDY)))


def test_the_same_seed_draws_the_same_share_of_every_session(filled: EventLog) -> None:
    one, again, other = draw(filled), draw(filled), draw(filled, seed=8)
    assert one == again != other
    assert {session: len(ids) for session, ids in one.units.items()} == {"5e1": 2, "5e2": 2}
    assert len(drawn(filled)) == 2, "the same draw is one row"
    for session, ids in one.units.items():
        there = [unit.id for unit in units(filled, session)]
        assert [one for one in there if one in ids] == list(ids)


def test_sessions_are_drawn_as_wholes(filled: EventLog) -> None:
    (session, ids) = next(iter(draw(filled, of="sessions", share=0.5).units.items()))
    assert list(ids) == [unit.id for unit in units(filled, session)]
    other = next(one for one in SESSIONS if one != session)
    assert drawn_for(drawn(filled), session, "Ben") == frozenset(ids)
    assert drawn_for(drawn(filled), other, "Ben") is None
    assert drawn_for(drawn(filled), session, "Ada") is None, "the first coder codes everything"


@pytest.mark.parametrize("wrong", [{"coder": "Ada"}, {"coder": RULES}, {"share": 0.0}, {"of": "words"}])
def test_a_draw_that_makes_no_sense_is_refused(filled: EventLog, wrong: dict[str, object]) -> None:
    with pytest.raises(TillerError):
        draw(filled, **wrong)  # pyright: ignore


def seen(log: EventLog, viewer: str, *, session: str = "5e1", looks_on: bool = False) -> frozenset[str]:
    books = books_of(log, STUDY)
    coded = {name: coded_by(log, session, name, books, books[-1].version) for name in coders_of(log, session)}
    return visible(drawn(log), session, viewer, coded, looks_on=looks_on)


def test_neither_of_a_blind_pair_sees_anything_before_both_have_finished(filled: EventLog) -> None:
    draw(filled, share=1)
    ada, ben = Hand(filled, "Ada"), Hand(filled, "Ben")
    ada.give(0, "surprise")
    ben.give(0, "confusion")
    assert seen(filled, "Ada") == seen(filled, "Ben") == frozenset(), "not the rules' codes either"
    ada.lock()
    assert seen(filled, "Ada") == seen(filled, "Ben") == frozenset()
    ben.lock()
    assert seen(filled, "Ada") == {RULES, "Ben"}
    assert seen(filled, "Ben") == {RULES, "Ada"}


def test_without_a_sample_the_rules_are_seen_by_who_has_finished_and_people_after_both_have(filled: EventLog) -> None:
    ada, ben = Hand(filled, "Ada").give(0, "surprise"), Hand(filled, "Ben").give(0, "confusion")
    assert seen(filled, "Ada") == set(), "nor the rules' codes"
    ben.lock()
    assert seen(filled, "Ada", looks_on=True) == set(), "who has codes of their own does not look on"
    ada.lock()
    assert seen(filled, "Ada") == {RULES, "Ben"}


def test_a_researcher_who_codes_nothing_sees_what_is_finished_and_a_bound_one_does_not(filled: EventLog) -> None:
    Hand(filled, "Cy").give(0, "surprise").lock()
    Hand(filled, "Dee").give(0, "surprise")
    assert seen(filled, "Eve", looks_on=True) == {RULES, "Cy"}
    assert seen(filled, "Eve") == set()
    draw(filled, coder="Eve", share=1)
    assert seen(filled, "Eve", looks_on=True) == frozenset()


def comparison(log: EventLog, *coders: str, **more: object) -> Comparison:
    return compare(
        log,
        STUDY,
        coders,
        books=books_of(log, STUDY),
        samples=drawn(log),
        replicates=50,
        **more,  # pyright: ignore
    )


def row(found: Comparison, of: str):
    return next(one for one in found.rows if one.of == of)


def test_agreement_of_two_people_is_that_counted_by_hand(filled: EventLog) -> None:
    for session, ada_gives, ben_gives in (("5e1", (0, 1, 4), (0, 1)), ("5e2", (0,), (0, 1))):
        for name, gives in (("Ada", ada_gives), ("Ben", ben_gives)):
            hand = Hand(filled, name, session)
            for unit in gives:
                hand.give(unit, "surprise")
            hand.lock()
    found = comparison(filled, "Ada", "Ben")
    # ten units: both say it of three, Ada alone of one, Ben alone of one, nobody of five
    surprise = row(found, "surprise")
    assert (surprise.agreement.units, surprise.agreement.participants) == (10, 2)
    assert surprise.prevalence == pytest.approx(8 / 20)
    assert surprise.agreement.observed.value == pytest.approx(0.8)
    assert surprise.agreement.kappa.value == pytest.approx((0.8 - 0.52) / 0.48)
    assert surprise.agreement.alpha.value == pytest.approx(1 - 0.2 / (2 * 8 * 12 / (20 * 19)))
    assert row(found, "theme").agreement.observed.value == pytest.approx(0.8)
    confusion = row(found, "confusion").agreement
    assert (confusion.observed.value, confusion.kappa.value, confusion.kappa.reason) == (1, None, ONE_VALUE)
    assert [one.unit.kind for one in found.differing] == ["answer", "intervention"]


def test_a_person_agrees_with_the_rules_on_interventions_alone(filled: EventLog) -> None:
    ada = Hand(filled, "Ada")
    for unit, name in ((0, "suppress"), (1, "suppress"), (2, "amplify"), (3, "reset")):
        ada.give(unit, name)
    ada.give(4, "trust basis").lock()
    found = comparison(filled, RULES, "Ada")
    assert found.coders == (RULES, "Ada")
    moves = row(found, "move").agreement
    assert (moves.units, moves.observed.value) == (4, 0.75)
    assert row(found, "undo").agreement.observed.value == 0.75
    assert row(found, "trust basis").agreement.units == 0, "the rules have no such code"
    assert len(found.differing) == 4, "isolate and bundle are missing everywhere"


def test_a_sample_counts_where_it_was_drawn_and_an_unfinished_session_nowhere(filled: EventLog) -> None:
    sample = draw(filled)
    for session in SESSIONS:
        Hand(filled, "Ada", session).give(0, "surprise").lock()
    ben = Hand(filled, "Ben", "5e1")
    ben.give(ben.units.index(sample.units["5e1"][0]), "surprise").lock()
    Hand(filled, "Ben", "5e2").give(0, "surprise")
    found = comparison(filled, "Ada", "Ben")
    assert {one.unit.id for one in found.units} == set(sample.units["5e1"])
    assert row(found, "theme").agreement.units == 2
    assert found.unfinished == {"Ben": 1}


def test_the_consensus_counts_where_it_has_decided(filled: EventLog) -> None:
    Hand(filled, "Ada").give(0, "surprise").lock()
    Hand(filled, "Ben").lock()
    hand = Hand(filled, CONSENSUS, by="Ada")
    hand.coder.agree(hand.units[0], [code("surprise")], version=1, key="agree-1")
    assert coders_in(filled, STUDY) == (RULES, "Ada", "Ben", CONSENSUS)
    found = comparison(filled, "Ada", CONSENSUS)
    assert (row(found, "surprise").agreement.units, row(found, "surprise").agreement.observed.value) == (1, 1)


def test_a_computed_agreement_is_kept_with_its_seed(filled: EventLog) -> None:
    for name in ("Ada", "Ben"):
        Hand(filled, name).give(0, "surprise").lock()
    found = comparison(filled, "Ada", "Ben", seed=5)
    for _ in range(2):
        keep_agreement(filled, found, by="Ada", key="keep-1")
    kept = [one.event for one in filled.read(stream_of("codebook", STUDY)) if isinstance(one.event, AgreementComputed)]
    (event,) = kept
    assert (event.coders, event.codebook, event.seed, event.replicates) == (("Ada", "Ben"), 1, 5, 50)
    theme = next(one for one in event.figures if (one.of, one.statistic) == ("surprise", "kappa"))
    assert (theme.value, theme.units) == (1.0, 5)
    json.dumps([one.reason for one in event.figures])


def test_who_has_coded_nothing_is_named_with_those_who_have(filled: EventLog) -> None:
    Hand(filled, "Ada").give(0, "surprise")
    with pytest.raises(TillerError, match="coders of demo are rules, Ada"):
        comparison(filled, "Ada", "Zoe")
    with pytest.raises(TillerError, match="two or more"):
        comparison(filled, "Ada")
