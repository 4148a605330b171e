"""The study script: what is right loads whole, and what is wrong is named all at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from study.log import EventLog
from study.script import FreeText, ScriptError, Slider, load_script

DEMO = Path(__file__).parents[2] / "data" / "studies" / "demo.yaml"

SMALL = """
schema: tiller-study/1
study: {id: small, version: "1.0.0", title: Small, contact: us}
welcome: Hello.
consent: {text: consent.md, scopes: [{key: log, required: true, label: Record me}]}
tasks:
  one:
    picture: word
    goal: Find out.
    tools: [attribution, suppress]
    answers: [{id: cause, type: free_text, label: Why}]
debrief: Thank you.
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    (tmp_path / "consent.md").write_text("Read this.\n", encoding="utf-8")

    def written(text: str) -> Path:
        path = tmp_path / "study.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def mistakes(path: Path) -> tuple[str, ...]:
    with pytest.raises(ScriptError) as caught:
        load_script(path)
    return caught.value.mistakes


def test_the_demo_has_three_tasks_with_cause_and_confidence() -> None:
    script = load_script(DEMO)
    assert [(key, task.picture) for key, task in script.tasks.items()] == [
        ("printed_word", "word"),
        ("scene", "scene"),
        ("badge", "badge"),
    ]
    for task in script.tasks.values():
        cause, confidence = task.answers
        assert isinstance(cause, FreeText)
        assert isinstance(confidence, Slider)
        assert (confidence.min, confidence.max, confidence.start) == (0, 100, None)
        assert task.ground_truth is not None


def test_no_goal_of_the_demo_gives_its_cause_away() -> None:
    for task in load_script(DEMO).tasks.values():
        assert not {"word", "label", "scene", "background", "badge"} & set(task.goal.lower().split())


def test_the_digest_covers_the_script_and_the_consent_text(write: Callable[[str], Path]) -> None:
    path = write(SMALL)
    first = load_script(path)
    assert first.consent_sha256 == hashlib.sha256(b"Read this.").hexdigest()
    (path.parent / "consent.md").write_text("Read that.\n", encoding="utf-8")
    assert load_script(path).sha256 != first.sha256


def test_every_mistake_is_named_at_once_with_its_path(write: Callable[[str], Path]) -> None:
    wrong = (
        SMALL.replace('version: "1.0.0"', "version: 1.0")
        .replace("picture: word", "pictrue: word")
        .replace("suppress]", "guess]")
        .replace("type: free_text", "type: essay")
    )
    found = mistakes(write(wrong))
    assert len(found) == 5
    text = "\n".join(found)
    for part in (
        "study.version: not a text; put it in quotes",
        "tasks.one.picture: missing",
        "tasks.one.pictrue: unknown key",
        "tasks.one.tools.1: ",
        "tasks.one.answers.0: ",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("welcome: Hello.", "welcome: Hello.\nwelcome: Hi.", "line 5: welcome: this key stands twice"),
        ("text: consent.md", "text: ../consent.md", "consent.text: no UTF-8 text ../consent.md lies beside"),
        ("text: consent.md", "text: missing.md", "consent.text: no UTF-8 text missing.md"),
        ("suppress]", "suppress, suppress]", "tasks.one.tools: 'suppress' stands twice"),
        (
            "{id: cause, type: free_text, label: Why}",
            "{id: sure, type: slider, label: How, min: 5, max: 5}",
            "line 11: tasks.one.answers.0: sure: min 5 is not below max 5",
        ),
        (
            "{id: cause, type: free_text, label: Why}",
            "{id: sure, type: slider, label: How, min: 0, max: 5, start: 9}",
            "tasks.one.answers.0: sure: start 9 lies outside the scale",
        ),
        ("tasks:\n  one:", "tasks:\n  One:", "tasks.One"),
        ("required: true", "required: 1", "consent.scopes.0.required"),
        ("debrief: Thank you.", "debrief: [", "(file): not YAML"),
        (SMALL, "just words", "(file): not a mapping"),
        (SMALL, "", "(file): not a mapping"),
        (SMALL, "day: 2026-99-99", "(file): not YAML: month must be in 1..12"),
        (SMALL, "[" * 20_000, "(file): not YAML"),
        (SMALL, f"many: {'9' * 5000}", "(file): not YAML"),
        (SMALL, "? [a, b]\n: c", "(file): not YAML"),
    ],
)
def test_a_mistake_is_named(write: Callable[[str], Path], old: str, new: str, named: str) -> None:
    assert named in "\n".join(mistakes(write(SMALL.replace(old, new, 1))))


def test_bytes_that_are_not_utf_8_are_a_mistake_of_the_file_they_are_in(write: Callable[[str], Path]) -> None:
    path = write(SMALL)
    (path.parent / "consent.md").write_bytes("Caf\u00e9".encode("latin-1"))
    assert mistakes(path) == (
        "line 5: consent.text: no UTF-8 text consent.md lies beside the script; write the text there.",
    )
    path.write_bytes(SMALL.encode("utf-16"))
    assert mistakes(path) == ("(file): not UTF-8; save it as UTF-8 text.",)


def test_an_empty_consent_text_is_none(write: Callable[[str], Path]) -> None:
    path = write(SMALL)
    (path.parent / "consent.md").write_text(" \n", encoding="utf-8")
    assert mistakes(path)[0].startswith("line 5: consent.text: no UTF-8 text")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    assert "nothing is at" in mistakes(tmp_path / "none.yaml")[0]


def test_python_objects_in_yaml_are_refused(write: Callable[[str], Path]) -> None:
    assert "not YAML" in mistakes(write("!!python/object/apply:os.system [true]"))[0]


def test_a_script_is_kept_once_under_its_digest(fresh_log: EventLog) -> None:
    script = load_script(DEMO)
    for _ in range(2):
        fresh_log.keep_script(script)
    with fresh_log.connected() as connection:
        kept = connection.exec_driver_sql("SELECT script_sha256, json FROM scripts").fetchall()
    assert [tuple(row) for row in kept] == [(script.sha256, script.json)]
    assert hashlib.sha256(script.json.encode()).hexdigest() == script.sha256
