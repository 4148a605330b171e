"""The last page has every answer as it was given: one's own words, the option's words, the number with its scale."""

from __future__ import annotations

from pathlib import Path

from participants import Participant
from tiny_world import SCRIPT, TinyWorld

from app import build
from pages.parts.screen import screen_of
from study.session import Step
from study.session_events import SessionCompleted, SessionStarted
from study.task_events import ResponseSubmitted, TaskSubmitted

ASKED = """    answers: &answers
      - {id: cause, type: free_text, label: {en: "The cause?", de: "Die Ursache?"}}
      - {id: sure, type: slider, label: {en: "How sure?", de: "Wie sicher?"}, min: -5, max: 5, start: null}
      - id: right
        type: choice
        label: {en: "Is it right?", de: "Stimmt es?"}
        options: [{id: right_id, label: {en: "Yes", de: "Ja"}}, {id: wrong_id, label: {en: "No", de: "Nein"}}]
"""


def test_every_kind_of_answer_stands_on_the_last_page_in_the_participants_language(
    world: TinyWorld, tmp_path: Path
) -> None:
    begin = SCRIPT.index("    answers: &answers")
    end = SCRIPT.index("    ground_truth")
    text = SCRIPT[:begin] + ASKED + SCRIPT[end:].replace("debrief: That was it.", "debrief: {en: Over., de: Vorbei.}")
    text = text.replace("contact: nobody}", "contact: nobody, languages: [en, de]}")
    for words in ("A tiny study", "Welcome to a test.", "Record what I do.", "Quote what I write."):
        text = text.replace(words, f'{{en: "{words}", de: "Deutsch"}}')
    for words in ("Find out what leads the model astray.", "Find out what leads the model astray here."):
        text = text.replace(f"goal: {words}\n", f'goal: {{en: "{words}", de: "Deutsch"}}\n')
    note = "Please say aloud what you look at. Half sentences are welcome."
    text = text.replace(note, f'{{en: "{note}", de: "Deutsch"}}')
    (tmp_path / "consent.md").write_text("We keep what you do.", encoding="utf-8")
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    rig = build(
        {
            "TILLER_DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}",
            "TILLER_BUNDLE": str(world.bundle),
            "TILLER_STUDY": str(tmp_path / "study.yaml"),
        }
    )
    for language, (cause, sure, right), (yes, scale) in (
        ("en", ("The cause?", "How sure?", "Is it right?"), ("No", "-3, from -5 to 5")),
        ("de", ("Die Ursache?", "Wie sicher?", "Stimmt es?"), ("Nein", "-3, von -5 bis 5")),
    ):
        who = Participant(rig)
        script = rig.script
        started = SessionStarted(
            study=script.study.id,
            study_version="1.0.0",
            script_sha256=script.sha256,
            participant="P1",
            language=language,
        )
        who.write(started, key="start")
        given = {"cause": ("<b>mine</b>", None), "sure": ("", -3.0), "right": ("wrong_id", None)}
        for task in script.tasks:
            rows = [ResponseSubmitted(task=task, item=item, text=a, number=n) for item, (a, n) in given.items()]
            who.write(*rows, TaskSubmitted(task=task), key=task)
        who.write(SessionCompleted(), key="end")
        assert who.place.step is Step.DONE
        page = " ".join(each.proto.body for each in who.open("done").get("html"))
        quoted = "“&lt;b&gt;mine&lt;/b&gt;”" if language == "en" else "„&lt;b&gt;mine&lt;/b&gt;“"
        for label, words in ((cause, quoted), (sure, scale), (right, yes)):
            assert page.count(f"<dt>{label}</dt><dd>{words}</dd>") == 2
        assert "wrong_id" not in page
        first, last = (screen_of(rig, who.id, seq) for seq in (1, len(rig.log.read(who.id))))
        assert first is not None and last is not None
        agreed, over = ("Record what I do.", "Over.") if language == "en" else ("Deutsch", "Vorbei.")
        assert (first["sheet"]["scopes"][0]["label"], last["sheet"]["words"]) == (agreed, [over]), "as it was read"
