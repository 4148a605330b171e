"""Another margin than the prediction's own: chosen, logged, and followed by everything that explains."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from participants import Participant
from served import awaited

import pages.parts.opened as opening_pictures
from core.attribution import spearman
from core.types import Edit, SteeringPlan
from pages.parts.cards import card_asked
from pages.parts.opened import Opened, explaining, open_picture, seen_under
from pages.parts.rig import Rig, install
from pages.parts.screen import screen_of
from pages.parts.visits import visited
from pages.parts.waterfall import waterfall_asked
from study.explanations import Pair
from study.session import Step
from study.task_events import ExplanationViewed

TASK = "secret_cause"


@pytest.fixture
def who(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Participant:
    """In the workspace of the same study with every way of explaining among its tools."""
    who = Participant(rig).at(Step.WORKSPACE)
    tools = (*rig.script.tasks[TASK].tools, "waterfall", "contrast", "search")
    monkeypatch.setattr(type(who.place), "tools", property(lambda place: tools if place.stop else ()))
    return who


@pytest.fixture
def own(who: Participant) -> Opened:
    return open_picture(who.rig, who.rig.script.tasks[TASK])


@pytest.fixture
def boards(who: Participant, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, Any]]:
    """What the participant's page draws now, as the browser gets it."""
    kept: list[dict[str, Any]] = []
    monkeypatch.setattr("pages.parts.stage.instrument", lambda data, **_: kept.append(json.loads(json.dumps(data))))

    def drawn() -> dict[str, Any]:
        page = who.open()  # anew each time, as a reload does
        assert not page.exception
        return kept[-1]

    return drawn


def others(own: Opened) -> Pair:
    """Two classes of which neither is in the prediction's own pair."""
    one, two = [label for label in own.model.labels if label not in (own.target, own.against)][:2]
    return Pair(one, two)


def choose(who: Participant, pair: Pair) -> None:
    said = who.act("explain", view="gradient", toward=pair.toward, against=pair.against)
    assert set(said.values()) == {""}


def test_attribution_effects_order_and_agreement_follow_the_pair(
    who: Participant, own: Opened, boards: Callable[[], dict[str, Any]]
) -> None:
    before, pair = boards(), others(own)
    choose(who, pair)
    after = boards()
    assert (after["target"], after["against"]) == (pair.toward, pair.against)
    assert after["own"] == before["own"] == {"target": own.said, "against": own.against}
    assert {one["label"] for one in after["classes"]} >= {pair.toward, pair.against}
    assert after["goal"] == before["goal"] and after["was"] == before["was"] and after["state"] == before["state"]

    labels = own.model.labels
    at = labels.index(pair.toward), labels.index(pair.against)
    clean = own.seen.clean.margin(*at)
    scores = [one["score"] for one in after["components"]]
    assert scores == sorted(scores, reverse=True)
    for one in after["components"][:5]:  # removed by a pass of its own, as a participant would
        without = seen_under(who.rig, own, SteeringPlan((Edit(one["index"]),))).prediction
        assert one["effect"] == pytest.approx(clean - without.margin(*at), abs=1e-3)
    told = explaining(who.rig, own, pair)
    common = sorted(told.effects)
    rank = spearman([told.attribution.scores[each] for each in common], [told.effects[each] for each in common])
    assert after["agreement"] == pytest.approx(rank)
    assert after["pushes_scale"] != before["pushes_scale"]


def test_what_was_listed_is_on_record_and_the_own_pair_comes_back(
    who: Participant, own: Opened, boards: Callable[[], dict[str, Any]]
) -> None:
    first, pair = boards(), others(own)
    choose(who, pair)
    listed = [one["index"] for one in boards()["components"]]
    viewed = [one.event for one in who.rig.log.read(who.id) if isinstance(one.event, ExplanationViewed)]
    assert [(one.toward, one.against) for one in viewed] == [(own.said, own.against), (pair.toward, pair.against)]
    assert list(viewed[1].components) == listed
    choose(who, own.own)
    back = boards()
    assert {key: back[key] for key in first if key != "tick_ms"} == {
        key: first[key] for key in first if key != "tick_ms"
    }
    assert explaining(who.rig, own, own.own) is own


def test_each_pair_is_computed_once(
    who: Participant, own: Opened, boards: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[tuple[int, int]] = []
    real = opening_pictures.leave_one_out

    def counted(model: Any, sae: Any, seen: Any, target: int, against: int, components: Any) -> Any:
        passes.append((target, against))
        return real(model, sae, seen, target, against, components)

    monkeypatch.setattr(opening_pictures, "leave_one_out", counted)
    pair = others(own)
    turned = Pair(pair.against, pair.toward)
    for each in (pair, turned, pair, own.own, pair):
        choose(who, each)
        boards()
    assert len(passes) == len(set(passes)) == 2


def test_cards_and_what_was_found_follow_the_pair(
    who: Participant, own: Opened, boards: Callable[[], dict[str, Any]]
) -> None:
    assert set(who.act("search", how="word", text="thing 3").values()) == {""}
    before, pair = boards(), others(own)
    component = own.shown[0].index
    old = card_asked(who.rig, who.token, str(component))
    choose(who, pair)
    after, new = boards(), card_asked(who.rig, who.token, str(component))
    assert old is not None and new is not None
    assert old["edition"] == before["cards"] != after["cards"] == new["edition"]
    told = explaining(who.rig, own, pair)
    assert new["component"]["score"] == told.attribution.scores.get(component, 0.0) != old["component"]["score"]
    found = {one["index"]: one["score"] for one in after["found"]["components"]}
    assert found == {each: told.attribution.scores.get(each, 0.0) for each in found}


def test_another_picture_is_asked_the_same_question_once_one_was_chosen(who: Participant, own: Opened) -> None:
    tools = frozenset(who.place.tools)
    alone = visited(who.rig, own, tools, "p007.png")
    pair = others(own)
    asked = visited(who.rig, explaining(who.rig, own, pair), tools, "p007.png")
    assert alone is not None and asked is not None
    assert (asked.target, asked.against) == (pair.toward, pair.against)
    assert alone.own == asked.own and alone.asked is None


def test_the_waterfall_is_of_the_chosen_pair_and_its_figures_add_up(
    who: Participant, own: Opened, boards: Callable[[], dict[str, Any]]
) -> None:
    clean = own.seen.clean
    for pair in (own.own, others(own)):
        choose(who, pair)
        found = waterfall_asked(who.rig, who.token)
        assert found is not None and found["edition"] == boards()["cards"]
        at = [clean.labels.index(label) for label in (pair.toward, pair.against)]
        assert found["printed"] == round(100 * (clean.logits[at[0]] - clean.logits[at[1]]))
        assert sum(bar["printed"] for bar in found["bars"]) == found["printed"]
        assert found["view"] == "integrated" and found["explained"] is None  # below the last block no share is one
    assert set(who.act("explain", view="gradient", layout="waterfall").values()) == {""}
    assert boards()["view"]["layout"] == "waterfall"


def test_no_step_waits_for_a_whole_integration(who: Participant, own: Opened) -> None:
    gate, taken = who.rig.gate, []

    class Watched:
        def __enter__(self) -> None:
            taken.append(gate.acquire(timeout=5))

        def __exit__(self, *_: object) -> None:
            gate.release()

    object.__setattr__(who.rig, "gate", Watched())
    waterfall_asked(who.rig, who.token)
    assert len(taken) == 5 and all(taken)  # four turns of four steps, and the passes at either end
    waterfall_asked(who.rig, who.token)
    assert len(taken) == 5


def test_a_replay_shows_pair_and_layout_as_they_were(
    who: Participant, own: Opened, boards: Callable[[], dict[str, Any]]
) -> None:
    shown = {}
    for act in (lambda: choose(who, others(own)), lambda: who.act("explain", view="gradient", layout="waterfall")):
        act()
        board = boards()
        shown[len(who.rig.log.read(who.id))] = {key: board[key] for key in board if key not in ("answers", "tick_ms")}
    for seq, board in shown.items():
        assert json.loads(json.dumps(screen_of(who.rig, who.id, seq)))["board"] == board


def test_the_address_of_the_waterfall_is_for_those_who_have_the_tool(who: Participant, own: Opened, rig: Rig) -> None:
    from pages.parts.waterfall_address import waterfall as address

    install(who.rig)

    def answer(**asked: str) -> Any:
        return awaited(address(SimpleNamespace(query_params={"s": who.token, **asked})))

    edition = json.loads(answer().body)["edition"]
    assert "immutable" in answer(edition=edition).headers["cache-control"]
    assert answer(edition="older").headers["cache-control"] == "no-store"
    assert answer(s="nobody").status_code == 404


def test_a_phase_without_the_tools_shows_neither(participant: Callable[[Step], Participant]) -> None:
    without = participant(Step.WORKSPACE)
    own = open_picture(without.rig, without.rig.script.tasks[TASK])
    for asked in ({"toward": own.against, "against": own.said}, {"layout": "waterfall"}):
        (said,) = without.act("explain", view="gradient", **asked).values()
        assert "was asked for" in said
    assert waterfall_asked(without.rig, without.token) is None
    assert not math.isnan(own.attribution.margin)
