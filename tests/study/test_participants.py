"""Newcomers: a link that nobody guesses, of which nothing but a digest is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url
from strangers import Stranger

from study.identity import Admission, link_digest, looks_like_token, new_token
from study.log import EventLog
from study.participants import admit, find
from study.session_events import SessionStarted
from study.settings import settings_in


def test_a_token_holds_192_random_bits_in_32_characters() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(len(token) == 32 and looks_like_token(token) for token in tokens)  # 32 characters of 6 bits each


@given(st.none() | st.integers() | st.text(max_size=40) | st.binary() | st.lists(st.text()))
def test_junk_is_no_token(text: object) -> None:
    assert not looks_like_token(text) or (isinstance(text, str) and len(text) == 32)


def test_the_link_alone_finds_the_session(fresh_log: EventLog, reopen: Callable[[], EventLog]) -> None:
    place = admit(fresh_log, "demo")
    assert find(fresh_log, place.token) == (place.session_id, place.pseudonym)
    assert find(reopen(), place.token) == (place.session_id, place.pseudonym)
    for junk in (None, "", new_token(), place.token[:-1], place.session_id, ["x"], link_digest(place.token)):
        assert find(fresh_log, junk) is None


@pytest.mark.file
def test_no_file_of_the_record_holds_the_token(fresh_log: EventLog, url: str) -> None:
    place = admit(fresh_log, "demo")
    folder = Path(str(make_url(url).database)).parent
    found = b"".join(path.read_bytes() for path in folder.iterdir())
    assert link_digest(place.token).encode() in found
    assert place.token.encode() not in found


def test_newcomers_of_one_study_get_names_of_their_own(fresh_log: EventLog) -> None:
    places: list[Admission] = []
    threads = [threading.Thread(target=lambda: places.append(admit(fresh_log, "demo"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(place.pseudonym for place in places) == [f"P{number:02d}" for number in range(1, 13)]
    assert admit(fresh_log, "other").pseudonym == "P01"


def test_a_name_stays_taken_after_its_participant_is_erased(
    fresh_log: EventLog, start: Callable[..., SessionStarted], stranger: Stranger
) -> None:
    place = admit(fresh_log, "demo")
    fresh_log.append(place.session_id, start(participant=place.pseudonym), key="start")
    stranger.execute("DELETE FROM participants")  # rows of the log keep the pseudonym
    assert (place.pseudonym, admit(fresh_log, "demo").pseudonym) == ("P01", "P02")


def test_the_defaults_run_the_demo_with_nothing_set(tmp_path: Path) -> None:
    found = settings_in({}, home=tmp_path)
    assert found.database_url == f"sqlite:///{tmp_path}/data/tiller.db"
    assert (found.bundle, found.study) == (tmp_path / "data/demo", tmp_path / "data/studies/demo.yaml")


@pytest.mark.parametrize("name", ["TILLER_DATABASE_URL", "TILLER_BUNDLE", "TILLER_STUDY"])
def test_an_empty_variable_is_one_that_is_not_set(name: str, tmp_path: Path) -> None:
    assert settings_in({name: ""}, home=tmp_path) == settings_in({}, home=tmp_path)


def test_what_is_set_is_taken() -> None:
    found = settings_in({"TILLER_DATABASE_URL": "sqlite:///x.db", "TILLER_BUNDLE": "b", "TILLER_STUDY": "s.yaml"})
    assert (found.database_url, found.bundle, found.study) == ("sqlite:///x.db", Path("b"), Path("s.yaml"))
