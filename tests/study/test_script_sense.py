"""Scripts that are well formed and make no sense: each kind of mistake is named with its line and its place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from core.types import TillerError
from study.__main__ import app
from study.log import EventLog
from study.route import route_of
from study.script import ScriptError, load_script
from study.script_desk import published_schema
from study.scripts import refuse_if_frozen
from study.session_events import SessionStarted
from tests.study.test_route import PHASES

STUDIES = Path(__file__).parents[2] / "data" / "studies"


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "consent.md").write_text("Read this.", encoding="utf-8")
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(tmp_path: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ScriptError) as caught:
        load_script(written(tmp_path, text))
    return caught.value.mistakes


SKIP = "skip: [{if: consent.log == false, to: end, as: no_consent}]"
BACK = SKIP.replace("to: end", "to: welcome")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("condition: look,", "condition: see,", "condition: condition 'see' is not there; there are look, act."),
        ("tasks: [a, b]", "tasks: [a, x]", "task_sets.set_1.tasks: task 'x' is not there"),
        ("tasks: [c, d]", "tasks: [a, d]", "task 'a' stands in 2 sets"),
        ("tasks: [c, d]", "tasks: [c]", "different numbers of tasks"),
        ("task: practice", "task: a", "'a' is practised and counts as well"),
        (", task: practice", "", "a tutorial without a task to practise on"),
        ("if: consent.audio", "if: consent.video", "sequence.blocks.2.if: column 1"),
        ("if: consent.audio", "if: consent.audio = true", "=="),
        ("if: consent.audio", "if: __import__('os')", "sequence.blocks.2.if: column"),
        ("rotate: [set_1, set_2]", "rotate: [set_1]", "1 task sets turn over 2 phases"),
        ("rotate: [set_1, set_2]", "rotate: [set_1, set_3]", "task set 'set_3' is not there"),
        ("priority: [phase_order,", "priority: [phase,", "factor 'phase' is not there"),
        (", {key: audio, required: false, label: Record my voice}", "", "a microphone is checked that nobody allows"),
        ("{page: consent}", f"{{page: consent, {BACK}}}", "'welcome' is no later page"),
        ("text: Nearly done.", "text: nearly.md", "no UTF-8 text nearly.md lies beside the script"),
        (", text: Nearly done.", "", "a text page without text"),
        ("look: {tools: [attribution]}", "look: {tools: [set]}", "none of them is offered under a condition"),
        ("goal: Find out.", "goal: Go.\n    limits: {warn_at_minutes: 3}", "warn_at_minutes is not before the end"),
        ("goal: Find out.", "goal: Go.\n    success: {rule: state.top}", "tasks.practice.success.rule: column 1"),
        ("de: Hallo.", "fr: Salut.", "welcome"),
        (", de: Hallo.", "", "line 4: welcome: no text in de; study.languages names it."),
        (
            "welcome: {en",
            "ids: {completion: {completed: A, withdrawn: A}}\nwelcome: {en",
            "ids.completion: code 'A' stands for 2 ways to end",
        ),
        ("welcome: {en", "ids: {return_url: 'https://example.org/'}\nwelcome: {en", "no place for the code"),
        ("amplify, undo]", "amplify, undo, similar]", "similar and open are parts of the ripple"),
        ("welcome: {en", "modes: {moderated: null, remote: null}\nwelcome: {en", "neither way of running it is left"),
        ("welcome: {en", "guide: [{id: q, text: Why, at: nowhere}]\nwelcome: {en", "'nowhere' is neither"),
        (
            "welcome: {en",
            "think_aloud: {note: Talk., prompts: [{id: p, style: neutral, text: Go., when: {}}]}\nwelcome: {en",
            "give exactly one of event, silence_s, idle_s, before_first",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in PHASES
    found = mistakes(tmp_path, PHASES.replace(old, new, 1))
    assert named in "\n".join(found)
    assert all(one.startswith("line ") for one in found)


def test_the_line_named_is_the_line_of_the_mistake(tmp_path: Path) -> None:
    text = PHASES.replace("tools: [attribution, suppress, undo]", "tools: [attribution, guess]")
    (only,) = mistakes(tmp_path, text)
    line = int(only.removeprefix("line ").partition(":")[0])
    assert "guess" in text.splitlines()[line - 1]


def test_interventions_are_waited_for_only_where_a_tool_makes_one_and_the_author_is_told(tmp_path: Path) -> None:
    old = "goal: Find out."
    script = load_script(written(tmp_path, PHASES.replace(old, f"{old}\n    limits: {{min_interventions: 2}}", 1)))
    assert [one for one in script.advice if "none is waited for" in one]
    asked = {
        stop.condition: stop.min_interventions
        for first in range(2)
        for stop in route_of(script, {"phase_order": first}, 0)
        if stop.is_task and stop.task == "a"
    }
    assert asked == {"look": 0, "act": 2}
    assert not any("none is waited for" in one for one in load_script(written(tmp_path, PHASES)).advice)


def test_many_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = PHASES.replace("if: consent.audio", "if: consent.video").replace("task: practice", "task: a")
    assert len(mistakes(tmp_path, text.replace("tasks: [c, d]", "tasks: [c]"))) == 3


def test_a_skip_to_a_later_page_is_right(tmp_path: Path) -> None:
    skip = SKIP.replace("to: end, as: no_consent", "to: after")
    assert load_script(written(tmp_path, PHASES.replace("{page: consent}", f"{{page: consent, {skip}}}")))


def test_a_script_without_a_control_task_is_advised_and_not_refused(tmp_path: Path) -> None:
    assert any("no control task" in one for one in load_script(written(tmp_path, PHASES)).advice)
    control = PHASES.replace("goal: Find out.", "goal: Find out.\n    fault: none")
    assert not any("no control task" in one for one in load_script(written(tmp_path, control)).advice)


def test_like_failures_that_judge_a_plan_and_are_shown_on_the_way_are_advised_against(tmp_path: Path) -> None:
    judged = "success: {rule: state.edits < 9, held_out: {rule: fixed > 0.5}}\n    goal: Find out."
    for tools, left_out in (("", set()), (", similar", {"similar"}), (", claim", {"claim"})):
        script = PHASES.replace("amplify, undo]", f"amplify, undo, ripple{tools}]").replace("goal: Find out.", judged)
        found = [one for one in load_script(written(tmp_path, script)).advice if "held out no longer" in one]
        assert {tool for one in found for tool in re.findall(r"leave (\w+) out", one)} == left_out


def test_a_control_task_beside_a_truth_that_is_told_is_advised(tmp_path: Path) -> None:
    control = PHASES.replace("goal: Find out.", "goal: Find out.\n    fault: none")
    assert any("known by its frame" in one for one in load_script(written(tmp_path, control)).advice)
    hidden = PHASES.replace("goal: Find out.", "goal: Find out.\n    fault: none\n    truth: hidden")
    assert not any("known by its frame" in one for one in load_script(written(tmp_path, hidden)).advice)


def test_the_published_schema_holds_every_script_that_is_right_and_knows_unknown_keys(tmp_path: Path) -> None:
    schema = published_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for text in (PHASES, *(path.read_text(encoding="utf-8") for path in STUDIES.glob("*.yaml"))):
        validator.validate(json.loads(json.dumps(yaml.safe_load(text))))
    wrong = yaml.safe_load(PHASES.replace("welcome:", "wellcome:"))
    assert not validator.is_valid(json.loads(json.dumps(wrong)))


def test_a_script_under_whose_version_people_took_part_is_read_only(fresh_log: EventLog, tmp_path: Path) -> None:
    script = load_script(written(tmp_path, PHASES))
    fresh_log.keep_script(script)
    changed = load_script(written(tmp_path, PHASES.replace("Nearly done.", "Almost done.")))

    def begin(session: str, mode: str) -> None:
        fresh_log.append(
            session,
            SessionStarted(
                study="two-phases", study_version="1.0.0", script_sha256=script.sha256, participant="P01", mode=mode
            ),
            key="start",
        )

    begin("b", "bot")
    refuse_if_frozen(fresh_log, changed)
    begin("r", "remote")
    refuse_if_frozen(fresh_log, script)
    with pytest.raises(TillerError, match=r"1\.0\.0 of study two-phases was changed, and 1 session ran .* raise"):
        refuse_if_frozen(fresh_log, changed)
    refuse_if_frozen(fresh_log, load_script(written(tmp_path, PHASES.replace("1.0.0", "1.1.0"))))


def run(*words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["study", *words])
    return found.exit_code, found.output


def test_the_command_names_mistakes_and_leaves_with_status_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    status, said = run("check", str(written(tmp_path, PHASES.replace("task: practice", "task: a"))))
    assert status == 2 and "'a' is practised" in said
    status, said = run("check", "--json", str(written(tmp_path, PHASES.replace("task: practice", "task: a"))))
    assert status == 2 and len(json.loads(said)["mistakes"]) == 1
    status, said = run("check", "--json", str(written(tmp_path, PHASES)))
    told: dict[str, Any] = json.loads(said)
    assert status == 0 and told["slots"] == 16 and [stop["id"] for stop in told["stops"]][:2] == ["welcome", "consent"]
    assert not (tmp_path / "none.db").exists()
