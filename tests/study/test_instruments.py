"""Questionnaires: the published scores come out, each reversal counts, and what lies beside a script is checked."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from core.types import TillerError
from study.exports import export_log
from study.instrument_events import InstrumentItemAnswered, InstrumentScored
from study.instruments import Instrument, instrument_in, known_instruments, load_instrument, recorded, scores_of
from study.log import EventLog
from study.script import ScriptError, load_script, script_in
from study.session_events import SessionStarted

PAGE = (Path(__file__).parents[2] / "data" / "docs" / "instruments.md").read_text(encoding="utf-8")
KOERBER = "trust_in_automation_koerber"
# Raw answers in the order of the items, and the scores worked out by hand from the published rule.
VECTORS: list[tuple[str, list[int], dict[str, float]]] = [
    ("sus", [4, 2, 4, 1, 5, 2, 4, 2, 5, 1], {"": 85}),
    ("sus", [3] * 10, {"": 50}),
    ("sus", [5, 1] * 5, {"": 100}),
    ("raw_tlx", [70, 10, 55, 25, 60, 35], {"": 42.5}),
    ("ueq_s", [6, 5, 7, 6, 4, 5, 3, 4], {"pragmatic": 2.0, "hedonic": 0.0, "": 1.0}),
    ("explanation_satisfaction_hoffman", [4, 5, 3, 4, 4, 5, 2, 4], {"": 3.875}),
    ("xai_trust_hoffman", [4, 4, 3, 5, 4, 2, 4, 3], {"": 3.875}),
    ("jian", [2, 1, 3, 2, 2, 5, 6, 5, 4, 5, 6, 5], {"": 5.5}),
    (
        KOERBER,
        [4, 3, 2, 5, 4, 4, 2, 3, 4, 2, 5, 3, 4, 4, 3, 2, 1, 3, 5],
        {
            "competence": 4.0,
            "understanding": 4.0,
            "familiarity": 1.5,
            "intention": 4.0,
            "propensity": 8 / 3,
            "trust": 4.0,
        },
    ),
    ("scs", [4, 5, 3, 4, 4, 2, 5, 4, 3, 4], {"": 0.76}),
]
REVERSED = {
    "sus": [2, 4, 6, 8, 10],
    "raw_tlx": [],
    "ueq_s": [],
    "explanation_satisfaction_hoffman": [],
    "xai_trust_hoffman": [6],
    "jian": [1, 2, 3, 4, 5],
    KOERBER: [5, 7, 10, 15, 16],
    "scs": [],
}


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Instrument]:
    """An instrument by its id; where its items are the researcher's to bring, with twelve made-up ones."""
    pasted = tmp_path / "jian.txt"
    pasted.write_text("# brought by the researcher\n\n" + "\n".join(f"Sentence {n}." for n in range(1, 13)))
    return lambda id, language="en": load_instrument(id, pasted if id == "jian" else None, language=language)


def answers(instrument: Instrument, values: list[int]) -> dict[str, float | None]:
    return {item.id: value for item, value in zip(instrument.items, values, strict=True)}


def scored(instrument: Instrument, given: dict[str, float | None]) -> dict[str, float | None]:
    return {score.subscale: score.score for score in scores_of(instrument, given)}


@pytest.mark.parametrize(("id", "values", "expected"), VECTORS)
def test_published_scores_come_out(
    opened: Callable[..., Instrument], id: str, values: list[int], expected: dict[str, float]
) -> None:
    instrument = opened(id)
    found = scores_of(instrument, answers(instrument, values))
    assert {one.subscale: one.score for one in found} == pytest.approx(expected)
    assert list(expected) == [one.subscale for one in found]
    assert all(one.answered == one.items for one in found)


@pytest.mark.parametrize("id", sorted(REVERSED))
def test_an_item_counts_against_its_score_exactly_where_it_is_reversed(
    opened: Callable[..., Instrument], id: str
) -> None:
    instrument = opened(id)
    low, high = instrument.scale.places[0], instrument.scale.places[-1]
    for number, item in enumerate(instrument.items, start=1):
        flat: dict[str, float | None] = {one.id: low for one in instrument.items}
        before, after = scored(instrument, flat), scored(instrument, {**flat, item.id: high})
        moved = {name: after[name] - before[name] for name in before if after[name] != before[name]}  # pyright: ignore[reportOperatorIssue]
        assert moved, f"item {number} counts nowhere"
        assert all((change < 0) == (number in REVERSED[id]) for change in moved.values()), number


def test_each_item_of_koerber_counts_in_its_own_subscale_alone(opened: Callable[..., Instrument]) -> None:
    where = "competence understanding familiarity intention propensity competence understanding intention trust"
    where += " competence understanding propensity competence trust competence understanding familiarity propensity"
    where += " competence"
    instrument = opened(KOERBER)
    flat: dict[str, float | None] = {one.id: 3 for one in instrument.items}
    for item, subscale in zip(instrument.items, where.split(), strict=True):
        after = scored(instrument, {**flat, item.id: 5})
        assert [name for name, score in after.items() if score != 3] == [subscale], item.id


def test_a_missing_item_of_the_sus_counts_three(opened: Callable[..., Instrument]) -> None:
    sus = opened("sus")
    given = answers(sus, [4, 2, 4, 1, 5, 2, 4, 2, 5, 1])
    for item in sus.items:
        assert scored(sus, {**given, item.id: None}) == scored(sus, {**given, item.id: 3})
    (score,) = scores_of(sus, {**given, "1": None})
    assert (score.answered, score.items) == (9, 10)
    assert scored(sus, {}) == {"": None}


@pytest.mark.parametrize("id", [id for id in sorted(REVERSED) if id not in ("sus", KOERBER)])
def test_with_an_item_missing_there_is_no_score_of_what_it_belongs_to(
    opened: Callable[..., Instrument], id: str
) -> None:
    instrument = opened(id)
    full: dict[str, float | None] = {item.id: instrument.scale.places[0] for item in instrument.items}
    assert None not in scored(instrument, full).values()
    first = instrument.items[0].id
    left_out = scored(instrument, {**full, first: None})
    parts = {part.id: part.items for part in instrument.subscales}
    assert {name for name, score in left_out.items() if score is None} == {
        name for name, items in parts.items() if first in items
    }


def test_no_response_in_koerber_leaves_the_mean_of_the_others_until_half_are_left(
    opened: Callable[..., Instrument],
) -> None:
    instrument = opened(KOERBER)
    assert instrument.scale.no_response == "No response"
    given = answers(instrument, [4, 3, 2, 5, 4, 4, 2, 3, 4, 2, 5, 3, 4, 4, 3, 2, 1, 3, 5])
    found = scored(instrument, {**given, "1": None, "17": None, "5": None, "12": None})
    assert found["competence"] == pytest.approx(20 / 5)  # 4 4 4 3 5
    assert found["familiarity"] == 2.0  # one of two
    assert found["propensity"] is None  # one of three
    assert found["trust"] == 4.0


def test_the_scores_can_be_found_again_from_the_logged_items(
    fresh_log: EventLog, start: Callable[..., SessionStarted], opened: Callable[..., Instrument]
) -> None:
    fresh_log.append("s1", start(), key="start")
    for id, values, _ in VECTORS:
        instrument = opened(id)
        given = answers(instrument, values)
        if id == KOERBER:
            given["1"] = None
        fresh_log.append("s1", *recorded(instrument, given, task="word", attempt=2), key=f"{id}/{values}")
    events = [record.event for record in fresh_log.read("s1")[1:]]
    for id, _, expected in VECTORS:
        instrument = opened(id)
        count = len(instrument.items)
        items, scores = events[:count], events[count : count + len(expected)]
        events = events[count + len(expected) :]
        logged = {one.item: one.value for one in items if isinstance(one, InstrumentItemAnswered)}
        found = [one for one in scores if isinstance(one, InstrumentScored)]
        assert all(one.version == instrument.version and one.task == "word" and one.attempt == 2 for one in found)
        again = scores_of(instrument, logged)
        assert [(one.subscale, one.score, one.answered, one.items) for one in found] == [
            (one.subscale, one.score, one.answered, one.items) for one in again
        ]
    assert not events


def test_a_usability_score_of_85_leaves_as_a_row_and_as_a_variable_of_the_case(
    fresh_log: EventLog, start: Callable[..., SessionStarted], opened: Callable[..., Instrument], tmp_path: Path
) -> None:
    sus, koerber = opened("sus"), opened(KOERBER)
    (_, values, _), (_, others, _) = VECTORS[0], VECTORS[8]
    filled = recorded(sus, answers(sus, values), task=None)
    fresh_log.append("s1", start(), *filled, *recorded(koerber, answers(koerber, others), task="word"), key="all")
    export_log(fresh_log, tmp_path / "csv", "csv")
    with (tmp_path / "csv" / "events.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["instrument"] == "sus"]
    assert [float(row["answer_number"]) for row in rows[:-1]] == values
    assert [row["item"] for row in rows[:-1]] == [str(number) for number in range(1, 11)]
    last = rows[-1]
    assert (last["name"], float(last["score"]), last["subscale"], last["task_id"]) == ("instrument.scored", 85, "", "")
    assert (last["items_answered"], last["instrument_version"]) == ("10", "1.0.0")
    export_log(fresh_log, tmp_path / "qdpx", "qdpx")
    project = ZipFile(tmp_path / "qdpx" / "project.qdpx").read("project.qde").decode()
    assert 'name="sus" typeOfVariable="Float"' in project
    assert "<FloatValue>85.0</FloatValue>" in project
    assert f'name="word: {KOERBER}: propensity" typeOfVariable="Float"' in project


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("id", known_instruments())
def test_every_instrument_that_ships_is_whole_in_both_languages(
    opened: Callable[..., Instrument], id: str, language: str
) -> None:
    instrument = opened(id, language)
    other = opened(id, "en" if language == "de" else "de")
    assert id in REVERSED, "an instrument without a vector"
    assert instrument.licence and instrument.citation and instrument.direction and instrument.title
    assert instrument.wording in ("checked", "translated", "unverified") or id == "jian"
    assert [item.id for item in instrument.items] == [item.id for item in other.items]
    for item, twin in zip(instrument.items, other.items, strict=True):
        assert item.text or (item.low and item.high)
        assert (item.text, item.low) != (twin.text, twin.low) or id == "jian", "not translated"
    assert "{" not in "".join(item.text + item.low + item.high for item in instrument.items) + instrument.instruction


def test_the_licence_of_koerber_names_it_and_its_author(opened: Callable[..., Instrument]) -> None:
    licence = opened(KOERBER).licence
    assert "CC BY-SA 4.0" in licence and "Moritz Körber" in licence


def test_the_tool_has_its_name_in_the_items_and_a_capital_where_a_sentence_begins() -> None:
    plain = load_instrument("xai_trust_hoffman")
    named = load_instrument("xai_trust_hoffman", tool_name="the workspace")
    assert plain.items[1].text == "The outputs of the system are very predictable."
    assert named.items[1].text == "The outputs of the workspace are very predictable."
    assert named.items[2].text.startswith("The workspace is very reliable.")
    assert "the workspace" in load_instrument("sus", tool_name="the workspace").instruction


def test_the_task_load_has_21_steps_and_performance_ends_of_its_own() -> None:
    tlx = load_instrument("raw_tlx")
    assert tlx.scale.places == tuple(range(0, 101, 5))
    assert {item.id: (item.low, item.high) for item in tlx.items if item.low} == {"performance": ("Perfect", "Failure")}


@pytest.mark.parametrize("value", [0, 6, 2.5, -3, float("nan"), float("inf")])
def test_an_answer_outside_of_the_scale_is_refused(value: float) -> None:
    with pytest.raises(TillerError, match=r"sus, item 4: .* is outside of the scale, which runs from 1 to 5"):
        scores_of(load_instrument("sus"), {"4": value})


def test_an_answer_between_the_steps_and_one_to_no_item_are_refused() -> None:
    with pytest.raises(TillerError, match="in steps of 5"):
        scores_of(load_instrument("raw_tlx"), {"mental": 42})
    with pytest.raises(TillerError, match="sus has no item '11'; it has 10"):
        recorded(load_instrument("sus"), {"11": 3}, task=None)


def test_pasted_items_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "jian.txt"
    file.write_text("\n".join(f"Sentence {n}." for n in range(1, 12)))
    with pytest.raises(TillerError, match="jian has 12 items; the file beside the script has 11 lines"):
        load_instrument("jian", file)
    with pytest.raises(TillerError, match="jian ships without its items"):
        load_instrument("jian")
    with pytest.raises(TillerError, match="sus ships with its items; leave `items` out"):
        load_instrument("sus", file)
    with pytest.raises(TillerError, match=r"no UTF-8 text is at nowhere\.txt"):
        load_instrument("jian", tmp_path / "nowhere.txt")


def test_two_wordings_of_pasted_items_are_two_versions(tmp_path: Path) -> None:
    versions: set[str] = set()
    for word in ("Sentence", "Statement"):
        (tmp_path / word).write_text("\n".join(f"{word} {n}." for n in range(1, 13)))
        versions.add(load_instrument("jian", tmp_path / word).version)
    assert len(versions) == 2
    assert all(version.startswith("1.0.0+") for version in versions)


OWN = """
title: Control
instruction: How far do you agree?
items:
  - I was in control of {tool}.
  - It did what it wanted.
  - I could stop it.
scale: {min: 0, max: 4, anchors: {0: Not at all, 4: Fully}}
reversed: [2]
"""


def test_an_instrument_of_ones_own_is_scored_as_its_file_says(tmp_path: Path) -> None:
    file = tmp_path / "control.yaml"
    file.write_text(OWN)
    own = load_instrument("control", file, tool_name="the workspace", language="fr")
    assert own.items[0].text == "I was in control of the workspace."
    assert scored(own, {"1": 4, "2": 0, "3": 1}) == {"": pytest.approx(3.0)}
    file.write_text(OWN + "scoring: sum\nmissing: leave_out\n")
    assert scored(load_instrument("control", file, tool_name="it"), {"1": 4, "2": 0}) == {"": 8.0}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("reversed: [4]", "reversed: this key stands twice"),
        ("subscales: {one: [1, 4]}", "subscales.one: no item 4; there are 3"),
        ("subscales: {one: [1, 1]}", "subscales.one: item 1 stands twice"),
        ("scoring: median", "scoring: there is no 'median'"),
        ("scoring: sus", "`scoring: mean or sum`"),
        ("whole: false", "there is nothing to score"),
        ("id: other", "give both the same id"),
        ("id: sus", "no shipped one"),
        ("colour: red", "colour: "),
        ("languages: [de]", "no text in 'en'; it has de"),
        ("licence: [", "is not YAML"),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_the_place(tmp_path: Path, more: str, said: str) -> None:
    file = tmp_path / "control.yaml"
    file.write_text(f"{OWN}{more}\n")
    with pytest.raises(TillerError) as raised:
        load_instrument("control", file, tool_name="it")
    assert said in str(raised.value)


def test_an_unknown_instrument_is_refused_with_those_that_ship() -> None:
    with pytest.raises(
        TillerError, match="No instrument 'nps' ships; there are explanation_satisfaction_hoffman, jian"
    ):
        load_instrument("nps")


SCRIPT = """
schema: tiller-study/1
study: {id: asks, version: "1.0.0", title: Asks, contact: us, languages: [en, de]}
welcome: Hello.
consent: {text: consent.md, scopes: [{key: log, required: true, label: Record me}]}
instruments:
  - {id: sus, at: end, tool_name: {en: the workspace, de: der Arbeitsbereich}}
  - {id: jian, at: end, items: jian.txt}
tasks:
  one: {picture: word, goal: Find out., tools: [attribution], answers: [{id: cause, type: free_text, label: Why}]}
debrief: Thank you.
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "consent.md").write_text("Read this.")
    (tmp_path / "jian.txt").write_text("\n".join(f"Sentence {number}." for number in range(1, 13)))
    path = tmp_path / "asks.yaml"
    path.write_text(SCRIPT)
    return path


def test_pasted_items_are_kept_with_the_script_on_record(script: Path) -> None:
    held = script_in(load_script(script).json)
    assert held.texts["jian.txt"].startswith("Sentence 1.")
    found = instrument_in("jian", held.texts["jian.txt"])
    assert found == load_instrument("jian", script.with_name("jian.txt"))
    use = held.in_language("de").instruments[0]
    assert "der Arbeitsbereich" in instrument_in(use.id, language="de", tool_name=use.tool_name).instruction


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: sus", "id: nps", "instruments.0: No instrument 'nps' ships"),
        (", items: jian.txt", "", "instruments.1: Instrument jian ships without its items"),
        ("items: jian.txt", "items: consent.md", "instruments.1: Instrument jian has 12 items; the file beside"),
        ("items: jian.txt", "items: none.txt", "no UTF-8 text none.txt lies beside the script"),
        ("[en, de]", "[en, de, fr]", "instruments.1: Instrument jian has no text in 'fr'; it has en, de"),
    ],
)
def test_a_script_that_names_a_wrong_instrument_is_refused(script: Path, old: str, new: str, said: str) -> None:
    script.write_text(SCRIPT.replace(old, new))
    with pytest.raises(ScriptError) as raised:
        load_script(script)
    assert any(said in mistake for mistake in raised.value.mistakes), raised.value.mistakes


def test_the_page_on_questionnaires_lists_each_and_its_own_example_loads(tmp_path: Path) -> None:
    assert set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE)) == set(known_instruments())
    uses, own = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "control.yaml").write_text(own)
    control = load_instrument("control", tmp_path / "control.yaml")
    assert [part.id for part in control.subscales] == ["first", "second", ""]
    (tmp_path / "consent.md").write_text("Read this.")
    (tmp_path / "jian.txt").write_text("\n".join(f"Sentence {number}." for number in range(1, 13)))
    path = tmp_path / "asks.yaml"
    path.write_text(re.sub(r"instruments:\n(  - .*\n)+", lambda _: uses, SCRIPT))
    assert [use.id for use in load_script(path.rename(tmp_path / "all.yaml")).instruments] == [
        "raw_tlx",
        "sus",
        "jian",
        "control",
    ]
