"""Participants of the tiny study, brought to whatever step a test wants by writing what leads there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from pages.parts.acts import settle
from pages.parts.opened import bench_of
from pages.parts.rig import Rig
from study.decisions import opening
from study.participants import admit
from study.session import Step, session_in
from study.session_events import ConsentGiven, ConsentRefused, SessionCompleted, SessionStarted
from study.task_events import TaskSubmitted

PAGES = Path(__file__).parents[2] / "pages"


class Participant:
    """One session, brought to whatever step a test wants by writing what leads there."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.admission = admit(rig.log, rig.script.study.id)
        self.id, self.token = self.admission.session_id, self.admission.token

    def write(self, *events: Any, key: str) -> None:
        self.rig.log.append(self.id, *events, key=key)

    @property
    def place(self) -> Any:
        return session_in(self.rig.log.read(self.id), self.rig.script, session_id=self.id)

    def at(self, step: Step) -> Participant:
        script = self.rig.script
        self.write(
            SessionStarted(
                study=script.study.id, study_version="1.0.0", script_sha256=script.sha256, participant="P01"
            ),
            key="start",
        )
        if step is Step.CONSENT:
            return self
        digest = script.consent_sha256
        self.write(
            ConsentGiven(scope="log", text_sha256=digest), ConsentRefused(scope="quote", text_sha256=digest), key="c"
        )
        if step is Step.BRIEFING:
            return self
        bench = bench_of(self.rig, self.place)
        self.write(*opening(bench, image="p.png", labels=("apple",)), key="o")
        if step is Step.ANSWER:
            self.act("answer")
        if step is Step.DONE:
            tasks = [TaskSubmitted(task=task) for task in script.tasks]
            self.write(*tasks, SessionCompleted(), key="d")
        return self

    def act(self, kind: str, **fields: Any) -> dict[str, str]:
        number = len(self.rig.log.read(self.id))
        return settle(self.rig, self.id, [{"id": f"act-{number:05d}", "task": 1, "kind": kind, **fields}])

    def open(self, page: str | None = None) -> AppTest:
        test = AppTest.from_file(str(PAGES / "entry.py"), default_timeout=20)
        test.session_state["rig"] = self.rig
        test.query_params["s"] = self.token
        test.run()
        if page:
            test.switch_page(f"participant/{page}.py").run()
        return test


def words(test: AppTest) -> str:
    assert not test.exception
    parts = [*test.title, *test.markdown, *test.subheader, *test.caption, *test.warning, *test.info]
    return " ".join(part.value for part in parts)
