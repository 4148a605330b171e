"""What was said, on the session's clock: placed by hand-worked times, corrected without losing the raw, never twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from core.types import TillerError
from study.__main__ import app
from study.anchors import Anchor, read_anchor
from study.clock import SessionClock
from study.corrections import correct, speech_of
from study.imports import import_transcript
from study.log import EventLog, LogRefused
from study.media import faults_in, read_media
from study.records import Record
from study.session_events import ConsentGiven, ConsentRefused, ConsentShown
from study.speech import speech_in
from study.talk_events import UtteranceImported
from study.task_events import PageEntered, TaskStarted, TaskSubmitted

SAID = """WEBVTT

00:00.000 --> 00:01.500
<v Interviewer>What do you see?

00:02.500 --> 00:04.000
<v Anna>A badge, I think. \U0001f9ed

00:05.250 --> 00:06.000
<v Anna>Now it says dog.
"""
AT_ROW_2 = Anchor(media_ms=0.0, error_ms=100.0, seq=2)


@pytest.fixture
def talked(fresh_log: EventLog, session: str) -> EventLog:
    """Rows 1 to 5, one second apart by the clock of the conftest."""
    fresh_log.append(session, PageEntered(page="briefing"), key="page")
    fresh_log.append(session, TaskStarted(task="word"), key="task")
    fresh_log.append(session, PageEntered(page="answer", task="word"), key="answer")
    fresh_log.append(session, TaskSubmitted(task="word"), key="over")
    return fresh_log


def test_utterances_lie_between_the_rows_they_were_said_between(talked: EventLog, session: str) -> None:
    done = import_transcript(talked, session, SAID.encode(), anchor=AT_ROW_2, participant="Anna")
    assert (done.new, done.anchored, done.utterances) == (True, True, 3)
    found = speech_of(talked, session)
    # row 2 is at 1 s, so the transcript's 2.5 s are the session's 3.5 s: after row 4, which is at 3 s
    assert [(one.begin_ns, one.end_ns, one.after_seq, one.task) for one in found] == [
        (1_000_000_000, 2_500_000_000, 2, None),
        (3_500_000_000, 5_000_000_000, 4, "word"),
        (6_250_000_000, 7_000_000_000, 5, None),
    ]
    # the anchor's 100 ms, the 1 ms that the times are written in, and a clock that drifts 0.1 ms a second
    assert [one.error_ms for one in found] == pytest.approx([101.0, 101.25, 101.525])
    assert [(one.said.speaker, one.said.participant) for one in found] == [
        ("Interviewer", False),
        ("Anna", True),
        ("Anna", True),
    ]
    assert found[1].text == "A badge, I think. \U0001f9ed"


def test_a_file_taken_in_twice_is_written_once_and_its_bytes_are_kept(talked: EventLog, session: str) -> None:
    first = import_transcript(talked, session, SAID.encode(), anchor=AT_ROW_2, participant="Anna")
    rows = talked.read(f"transcript:{session}")
    again = import_transcript(talked, session, SAID.encode(), anchor=AT_ROW_2, participant="Anna")
    assert (again.new, again.anchored) == (False, False)
    assert talked.read(f"transcript:{session}") == rows
    assert b"".join(read_media(talked, session, first.media)) == SAID.encode()
    assert faults_in(talked, session) == ()
    assert talked.verify(f"transcript:{session}").whole
    assert len(talked.read(session)) == 5, "nothing is written to the participant's own stream"


def test_the_columns_say_which_recording_and_when_and_what_is_void(talked: EventLog, session: str) -> None:
    done = import_transcript(talked, session, SAID.encode(), anchor=AT_ROW_2, participant="Anna")
    import_transcript(talked, session, SAID.encode(), anchor=replace(AT_ROW_2, seq=3))
    said = speech_of(talked, session)[1]
    record = correct(talked, session, said.id, key="c1", text="A clock.")
    rows = talked.read(f"transcript:{session}")
    assert {row.row["media_id"] for row in rows} == {done.media}
    assert [row.row["media_ms"] for row in rows if row.name == "utterance.imported"] == [0.0, 2500.0, 5250.0]
    anchors = [row for row in rows if row.name == "media.anchored"]
    assert [row.row["voids_event_id"] for row in anchors] == [None, anchors[0].event_id]
    assert record.row["voids_event_id"] == said.event_id
    assert record.row["target"] == said.id


def test_another_anchor_moves_what_was_taken_in(talked: EventLog, session: str) -> None:
    import_transcript(talked, session, SAID.encode(), anchor=AT_ROW_2, participant="Anna")
    before = [one.begin_ns for one in speech_of(talked, session)]
    moved = import_transcript(talked, session, SAID.encode(), anchor=replace(AT_ROW_2, media_ms=500.0))
    assert (moved.new, moved.anchored) == (False, True)
    assert [one.begin_ns for one in speech_of(talked, session)] == [ns - 500_000_000 for ns in before]


def test_a_correction_is_read_and_the_raw_stays(talked: EventLog, session: str) -> None:
    import_transcript(talked, session, SAID.encode(), anchor=AT_ROW_2, participant="Anna")
    one = speech_of(talked, session)[1]
    correct(talked, session, one.id, key="c1", text="A clock.", times_ms=(3000.0, None))
    correct(talked, session, one.id, key="c2", speaker="Interviewer", participant=False)
    again = correct(talked, session, one.id, key="c2", speaker="Interviewer", participant=False)
    assert again.seq == len(talked.read(f"transcript:{session}")), "a press sent twice is one correction"
    found = speech_of(talked, session)[1]
    assert (found.text, found.said.participant, found.corrections) == ("A clock.", False, 2)
    assert (found.imported.text, found.imported.participant) == ("A badge, I think. \U0001f9ed", True)
    assert found.begin_ns == 4_000_000_000
    correct(talked, session, one.id, key="c3", text="")
    assert [one.text for one in speech_of(talked, session)] == ["What do you see?", "Now it says dog."]
    with pytest.raises(TillerError, match="there is none such"):
        correct(talked, session, "nobody", key="c4", text="x")
    with pytest.raises(TillerError, match="the end comes after"):
        correct(talked, session, one.id, key="c5", times_ms=(2.0, 1.0))


def test_a_transcript_that_nothing_places_is_refused_with_the_ways_to_place_it(talked: EventLog, session: str) -> None:
    with pytest.raises(TillerError, match=r"Nothing says where .*--at-seq 12.*--starts-at .*--offset") as caught:
        import_transcript(talked, session, SAID.encode(), participant="Anna")
    assert "\n" not in str(caught.value)
    assert talked.read(f"transcript:{session}") == ()


def test_who_the_participant_is_must_be_said_where_several_speak(talked: EventLog, session: str) -> None:
    with pytest.raises(TillerError, match=r'the speakers Interviewer, Anna; say which .*--speaker-of-participant "Int'):
        import_transcript(talked, session, SAID.encode(), anchor=AT_ROW_2)
    with pytest.raises(TillerError, match="'Ben' was named as the participant"):
        import_transcript(talked, session, SAID.encode(), anchor=AT_ROW_2, participant="Ben")
    import_transcript(talked, session, SAID.replace("Anna", "p01").encode(), anchor=AT_ROW_2)
    assert [one.said.participant for one in speech_of(talked, session)] == [False, True, True]


def test_no_word_is_taken_in_against_the_consent(fresh_log: EventLog, session: str) -> None:
    scopes = ConsentShown(text_sha256="c0", scopes=("log", "audio"))
    fresh_log.append(session, scopes, key="shown")
    with pytest.raises(TillerError, match=r"does not allow their voice to be recorded \(scope audio\)"):
        import_transcript(fresh_log, session, b"[00:01] yes", anchor=Anchor(media_ms=0, error_ms=1, seq=1))
    fresh_log.append(session, ConsentRefused(scope="audio", text_sha256="c0"), key="no")
    with pytest.raises(TillerError, match="does not allow"):
        import_transcript(fresh_log, session, b"[00:01] yes", anchor=Anchor(media_ms=0, error_ms=1, seq=1))
    assert fresh_log.read(f"transcript:{session}") == ()
    assert not fresh_log.media.exists()
    fresh_log.append(session, ConsentGiven(scope="audio", text_sha256="c0"), key="yes")
    assert import_transcript(fresh_log, session, b"[00:01] yes", anchor=Anchor(media_ms=0, error_ms=1, seq=1)).new


def test_a_wall_clock_a_row_and_an_offset_say_the_same_place(talked: EventLog, session: str) -> None:
    # the conftest's clock read 1,700,000,002 s at row 2: 2023-11-14T22:13:22Z
    ways = [
        read_anchor(at_seq=2),
        read_anchor(starts_at="2023-11-14T23:13:22+01:00"),
        read_anchor(starts_at="2023-11-14T22:13:22.000Z"),
        read_anchor(offset="1"),
        read_anchor(offset="-0.5", media_time="0:00.0"),
    ]
    for number, anchor in enumerate(ways):
        said = f"[00:00:02.0] word {number}".encode()
        import_transcript(talked, session, said, anchor=anchor)
    places = {one.text: one.begin_ns for one in speech_of(talked, session)}
    assert places == {f"word {n}": 3_000_000_000 if n < 4 else 1_500_000_000 for n in range(5)}


def test_an_anchors_error_is_how_finely_it_was_written() -> None:
    def error(**said: object) -> float:
        anchor = read_anchor(**said)  # pyright: ignore
        assert anchor is not None
        return anchor.error_ms

    assert error(at_seq=3) == 1000
    assert error(at_seq=3, media_time="0:12.5") == 100
    assert error(at_seq=3, error_ms=40.0) == 40
    assert error(offset="3.25") == 10
    assert error(starts_at="2026-11-21T10:00:00Z") == 1000
    assert error(starts_at="2026-11-21T10:00:00.250Z") == 1


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"at_seq": 1, "offset": "2"}, "give one of them"),
        ({"starts_at": "yesterday"}, "write it as 2026-11-21T10:00:00"),
        ({"starts_at": "2026-11-21T10:00:00"}, "says no time zone; add it"),
        ({"offset": "soon"}, "write seconds"),
        ({"offset": "nan"}, "no session is that long"),
        ({"at_seq": 1, "media_time": "noon"}, "'noon' stands where a time should"),
    ],
)
def test_an_anchor_that_says_nothing_sure_is_refused(said: dict[str, object], sentence: str) -> None:
    with pytest.raises(TillerError, match=sentence):
        read_anchor(**said)  # pyright: ignore
    assert read_anchor() is None


def test_a_place_outside_of_the_session_is_refused(talked: EventLog, session: str) -> None:
    for anchor, sentence in (
        (Anchor(media_ms=0, error_ms=1, seq=6), "it has rows 1 to 5"),
        (read_anchor(starts_at="2023-11-14T22:13:22+01:00"), "s before its first row"),
        (read_anchor(starts_at="2023-11-14T23:13:22Z"), "s after its last row. Check the day and the time zone"),
    ):
        with pytest.raises(TillerError, match=sentence):
            import_transcript(talked, session, SAID.encode(), anchor=anchor, participant="Anna")


def test_speech_without_times_lies_evenly_and_its_error_says_how_sure_that_is(talked: EventLog, session: str) -> None:
    said = b"Anna: one\nAnna: two\nAnna: three"
    import_transcript(talked, session, said, anchor=Anchor(media_ms=0, error_ms=0, seq=1))
    found = speech_of(talked, session)
    assert [one.begin_ns for one in found] == [1_000_000_000, 2_000_000_000, 3_000_000_000]  # rows 1 to 5: 0 to 4 s
    assert [one.error_ms for one in found] == [3000.0, 2000.0, 3000.0]
    assert [one.after_seq for one in found] == [2, 3, 4]


def test_an_end_that_no_transcript_gives_is_the_next_beginning_or_what_the_words_take(
    talked: EventLog, session: str
) -> None:
    said = b"[00:00:00] yes\n[00:00:00.500] I see a badge there\n[00:00:30] end"
    import_transcript(talked, session, said, anchor=Anchor(media_ms=0, error_ms=0, seq=1))
    ends = [one.end_ns - one.begin_ns for one in speech_of(talked, session)]
    assert ends == [500_000_000, 1_900_000_000, 1_000_000_000]


def test_speech_before_the_first_row_comes_after_none(talked: EventLog, session: str) -> None:
    said = b"[00:00:00] hello\n[00:00:05] now we begin"
    import_transcript(talked, session, said, anchor=read_anchor(at_seq=1, media_time="0:04"))
    assert [(one.begin_ns, one.after_seq) for one in speech_of(talked, session)] == [
        (-4_000_000_000, 0),
        (1_000_000_000, 2),
    ]


def test_the_sessions_clock_goes_on_across_boots_and_never_back(talked: EventLog, session: str) -> None:
    records = talked.read(session)

    def moved(record: Record) -> Record:
        later = record.seq > 2
        row = {**record.row, "boot_id": "two" if later else "one"}
        row["srv_utc_ns"] = int(record.row["srv_utc_ns"] or 0) + (60_000_000_000 if later else 0)
        row["srv_mono_ns"] = int(record.row["srv_mono_ns"] or 0) - (10**15 if later else 0)
        return replace(record, row=row)

    clock = SessionClock([moved(record) for record in records])
    assert [clock.of_row(seq) for seq in (1, 2, 3, 5)] == [0, 10**9, 62 * 10**9, 64 * 10**9]
    wall = records[0].utc_ns
    assert clock.of_wall(wall - 5) == -5
    assert clock.of_wall(wall + 2 * 10**9) == 2 * 10**9  # nobody knows how the pause was spent
    assert clock.of_wall(wall + 70 * 10**9) == 70 * 10**9
    back = SessionClock([replace(r, row={**r.row, "boot_id": str(r.seq), "srv_utc_ns": -r.seq}) for r in records])
    assert back.end_ns == 0


@given(st.lists(st.tuples(st.integers(0, 10_000) | st.none(), st.integers(0, 3000) | st.none()), max_size=12))
def test_every_utterance_has_a_place_in_order_whatever_times_a_transcript_gives(
    times: list[tuple[int | None, int | None]],
) -> None:
    begins = sorted(begin for begin, _ in times if begin is not None)
    rows = [row(1, None), row(2, None)]
    events = []
    for number, (begin, length) in enumerate(times, 1):
        t0 = None if begin is None else float(begins.pop(0))
        t1 = None if t0 is None or length is None else t0 + length
        said = UtteranceImported(
            utterance=f"u{number}", media="m", t0_ms=t0, t1_ms=t1, text=f"{number}", number=number,
            source_sha256="5c", resolution_ms=1.0,
        )  # fmt: skip
        events.append(Record(said, row(number + 1, "m").row))
    anchor = Anchor(media_ms=0.0, error_ms=5.0, seq=1).event("m")
    found = speech_in(rows, [Record(anchor, row(1, "m").row), *events])
    assert sorted(one.id for one in found) == sorted(event.event.utterance for event in events)
    assert [one.begin_ns for one in found] == sorted(one.begin_ns for one in found)
    assert all(one.end_ns > one.begin_ns and one.error_ms >= 5.0 for one in found)


def row(seq: int, media: str | None) -> Record:
    cells = {"seq": seq, "event_id": f"e{seq}", "srv_utc_ns": seq * 10**9, "srv_mono_ns": seq * 10**9, "boot_id": "b"}
    return Record(None, {**cells, "media_id": media})


def run(*words: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == status, done.output
    return done.stdout if status == 0 else done.stderr.replace("\n", " ")


def test_the_command_takes_a_transcript_in_once(
    talked: EventLog, session: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", url)
    file = tmp_path / "talk.vtt"
    file.write_text(SAID, encoding="utf-8")
    asked = ("transcript", "--session", session, "--file", str(file))
    assert "Nothing says where" in run(*asked, "--speaker-of-participant", "Anna", status=2)
    asked += ("--at-seq", "2", "--speaker-of-participant", "Anna", "--json")
    assert json.loads(run(*asked)) | {"media": "", "sha256": ""} == {
        "media": "", "sha256": "", "new": True, "anchored": True, "utterances": 3, "length_ms": None,
    }  # fmt: skip
    assert json.loads(run(*asked))["new"] is False
    assert "3 utterances: there already." in run(*asked[:-1])
    assert "no such file" in run("transcript", "--session", session, "--file", "nowhere.vtt", status=2).lower()
    assert "was asked for" in run("transcript", "--session", "nobody", "--file", str(file), status=2)


def test_an_erased_session_takes_no_transcript(talked: EventLog, session: str, stranger, reopen: Callable) -> None:
    stranger.execute("INSERT INTO erasures VALUES (?, 'payloads', 5, 1)", [session])
    stranger.execute("DELETE FROM payloads")
    with pytest.raises(LogRefused, match="was erased and takes no recording and no transcript"):
        import_transcript(reopen(), session, SAID.encode(), anchor=AT_ROW_2, participant="Anna")
