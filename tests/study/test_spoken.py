"""Speech handed on: beside what was done, on one clock, by pseudonym, in words by consent, read by other parsers."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest
import webvtt
from pympi.Elan import Eaf

from study.acts import Act
from study.anchors import Anchor
from study.bench import Bench
from study.corrections import correct, speech_of
from study.decisions import opening
from study.explains import explained
from study.exports import export_log
from study.exports.speech_track import check_speech_vtt
from study.exports.tidy import as_written
from study.exports.timeline import WITHHELD
from study.imports import import_transcript
from study.interventions import perform
from study.log import EventLog
from study.session_events import ConsentGiven, ConsentRefused
from study.task_events import PageEntered

WORDS = "=the badge --> \U0001f9ed & the <clock>, \U0001d4ed"
# Row 1 is at 0 s, and each act comes a second later: the edit at 3 s, a look at 4 s, the undo at 5 s.
SAID = f"""WEBVTT

00:00.500 --> 00:01.000
<v Dr Anna Schmidt>What do you see?

00:02.500 --> 00:03.500
<v Ben>{WORDS.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}

00:04.200 --> 00:04.400
<v Ben>Now I take it back.

00:05.500 --> 00:06.000
<v Ben>That was all.
"""


@pytest.fixture
def filled(fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act]) -> EventLog:
    fresh_log.append(session, ConsentGiven(scope="quote", text_sha256="c0"), key="consent")
    fresh_log.append(session, *opening(bench, image="7f.png", labels=("apple", "boat", "car")), key="open")
    for step in (act("edit", 1, 0.5), act("inspect", 2), act("undo")):
        perform(fresh_log, session, step, bench)
    anchor = Anchor(media_ms=0.0, error_ms=100.0, seq=1)
    import_transcript(fresh_log, session, SAID.encode(), anchor=anchor, participant="Ben")
    return fresh_log


def numbers(log: EventLog, session: str) -> list[tuple[int, str]]:
    at = {one.id: one.number for one in speech_of(log, session)}
    names = {record.seq: record.name for record in log.read(session)}
    return [(at[utterance], names[seq]) for utterance, seq in explained(log.read(session), speech_of(log, session))]


def test_an_utterance_explains_what_it_is_spoken_over_or_what_follows_soon(filled: EventLog, session: str) -> None:
    assert numbers(filled, session) == [(2, "intervention.applied"), (3, "intervention.undone")]
    # five seconds earlier, all of it was said before the task began
    import_transcript(filled, session, SAID.encode(), anchor=Anchor(media_ms=5000.0, error_ms=1.0, seq=1))
    assert numbers(filled, session) == []


@pytest.mark.parametrize(("seconds_before", "links"), [(9, 1), (10, 1), (11, 0)])
def test_an_utterance_explains_nothing_that_comes_more_than_ten_seconds_later(
    filled: EventLog, session: str, bench: Bench, act: Callable[..., Act], seconds_before: int, links: int
) -> None:
    for number in range(14):
        filled.append(session, PageEntered(page="answer", task="word"), key=f"page {number}")
    perform(filled, session, act("edit", 2, 0.5), bench)
    last = len(filled.read(session))
    said = "WEBVTT\n\n00:00.000 --> 00:01.000\nlater I will\n"
    anchor = Anchor(media_ms=1000.0 * (seconds_before + 1), error_ms=1.0, seq=last)
    before = len(numbers(filled, session))
    import_transcript(filled, session, said.encode(), anchor=anchor)
    assert len(numbers(filled, session)) == before + links


def test_utterances_csv_lies_beside_the_events_with_every_column_described(
    filled: EventLog, session: str, tmp_path: Path
) -> None:
    one = speech_of(filled, session)[3]
    correct(filled, session, one.id, key="c1", text="That was nearly all.")
    export_log(filled, tmp_path, "csv")
    table = pandas.read_csv(tmp_path / "utterances.csv", keep_default_na=False, na_values=[""])
    assert list(table["number"]) == [1, 2, 3, 4]
    assert list(table["begin_s"]) == [0.5, 2.5, 4.2, 5.5]
    rows = pandas.read_csv(tmp_path / "events.csv").set_index("seq")["srv_utc_ns"]
    second = (rows - rows[1]) / 1e9  # the same clock, worked out from the other file
    assert list(table["after_seq"]) == [max(second[second <= at].index) for at in table["begin_s"]]
    assert list(table["speaker"]) == ["speaker 1", "P01", "P01", "P01"]
    assert table["text"][1].startswith("'=") and as_written(table["text"][1]) == WORDS
    assert (table["text"][3], table["text_imported"][3], table["corrections"][3]) == (
        "That was nearly all.",
        "That was all.",
        1,
    )
    applied = [record.seq for record in filled.read(session) if record.name == "intervention.applied"]
    assert table["explains_seq"][1] == applied[0]
    assert list(table["quotable"]) == [True] * 4
    assert table["error_ms"][1] == pytest.approx(101.25)
    described = pandas.read_csv(tmp_path / "utterances_data_dictionary.csv")
    assert list(described["column"]) == list(table.columns)
    assert b"Schmidt" not in (tmp_path / "utterances.csv").read_bytes()
    said = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["exports"]["csv"]
    stream = f"transcript:{session}"
    assert said["transcripts"] == {stream: {"rows": 8, "head": filled.verify(stream).head}}


def test_the_captions_are_what_was_said_by_another_parsers_reading(filled: EventLog, tmp_path: Path) -> None:
    export_log(filled, tmp_path, "webvtt")
    cues = list(webvtt.read(str(tmp_path / "demo_P01_s1_speech.vtt")))
    assert [(one.start, one.end, one.voice) for one in cues] == [
        ("00:00:00.500", "00:00:01.000", "speaker 1"),
        ("00:00:02.500", "00:00:03.500", "P01"),
        ("00:00:04.200", "00:00:04.400", "P01"),
        ("00:00:05.500", "00:00:06.000", "P01"),
    ]
    assert cues[1].text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == WORDS
    assert len(list(webvtt.read(str(tmp_path / "demo_P01_s1.vtt")))) == 4, "the interventions stay a track of their own"


def test_the_elan_file_has_a_tier_for_each_who_speaks(filled: EventLog, tmp_path: Path) -> None:
    export_log(filled, tmp_path, "elan")
    eaf = Eaf(str(tmp_path / "demo_P01_s1.eaf"))
    assert set(eaf.get_tier_names()) == {"record", "strategy", "speech P01", "speech speaker 1"}
    assert sorted(eaf.get_annotation_data_for_tier("speech P01")) == [
        (2500, 3500, WORDS),
        (4200, 4400, "Now I take it back."),
        (5500, 6000, "That was all."),
    ]
    assert eaf.get_annotation_data_for_tier("speech speaker 1") == [(500, 1000, "What do you see?")]


def test_two_utterances_of_one_tier_never_overlap(fresh_log: EventLog, session: str, tmp_path: Path) -> None:
    fresh_log.append(session, ConsentGiven(scope="quote", text_sha256="c0"), key="consent")
    said = "WEBVTT\n\n" + "".join(f"00:00.{at} --> 00:02.000\nword {at}\n\n" for at in ("100", "100", "500"))
    import_transcript(fresh_log, session, said.encode(), anchor=Anchor(media_ms=0.0, error_ms=1.0, seq=1))
    export_log(fresh_log, tmp_path, "elan")
    held = sorted(Eaf(str(tmp_path / "demo_P01_s1.eaf")).get_annotation_data_for_tier("speech P01"))
    assert [(begin, end) for begin, end, _ in held] == [(100, 101), (101, 500), (500, 2000)]


def test_the_bids_table_has_speech_among_the_rows_with_its_error(filled: EventLog, tmp_path: Path) -> None:
    export_log(filled, tmp_path, "bids")
    path = tmp_path / "demo_P01_s1_events.tsv"
    table = pandas.read_csv(path, sep="\t", quoting=csv.QUOTE_NONE, keep_default_na=False)
    assert table["onset"].is_monotonic_increasing
    said = table[table["trial_type"] == "utterance"]
    assert list(said["onset"]) == [0.5, 2.5, 4.2, 5.5]
    assert list(said["duration"]) == pytest.approx([0.5, 1.0, 0.2, 0.5])
    assert list(said["speaker"]) == ["speaker 1", "P01", "P01", "P01"]
    assert list(said["task"]) == ["n/a", "word", "word", "word"]
    assert list(said["onset_error"]) == pytest.approx([0.10105, 0.10125, 0.10142, 0.10155])
    done = table[table["trial_type"] != "utterance"]
    assert set(done["speaker"]) == {"n/a"} and set(done["onset_error"]) == {0.0}
    assert set(json.loads((tmp_path / "events.json").read_text())) == set(table.columns)


@pytest.mark.parametrize(("form", "pattern"), [("webvtt", "*_speech.vtt"), ("elan", "*.eaf"), ("bids", "*.tsv")])
def test_words_are_withheld_without_the_consent_to_quote_them_and_the_manifest_says_so(
    filled: EventLog, session: str, tmp_path: Path, form: str, pattern: str
) -> None:
    filled.append(session, ConsentRefused(scope="quote", text_sha256="c0"), key="no")
    export_log(filled, tmp_path, form)
    (path,) = tmp_path.glob(pattern)
    text = path.read_text(encoding="utf-8")
    assert "badge" not in text and "take it back" not in text
    assert text.count(WITHHELD) == 3
    assert "What do you see?" in text, "the words of others are not the participant's to withhold"
    said = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["exports"][form]
    assert said["left_out"] == {session: {"words": "no consent to quote them"}}


def test_speech_before_the_session_is_left_out_where_time_begins_with_it_and_the_manifest_says_so(
    filled: EventLog, session: str, tmp_path: Path
) -> None:
    import_transcript(filled, session, SAID.encode(), anchor=Anchor(media_ms=1000.0, error_ms=1.0, seq=1))
    for form in ("webvtt", "elan", "bids"):
        export_log(filled, tmp_path, form)
    assert len(list(webvtt.read(str(tmp_path / "demo_P01_s1_speech.vtt")))) == 3
    table = pandas.read_csv(tmp_path / "demo_P01_s1_events.tsv", sep="\t", quoting=csv.QUOTE_NONE)
    assert table["onset"].min() == -0.5, "a table can hold it"
    said = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["exports"]
    assert "before the session's first row" in said["webvtt"]["left_out"][session]["speech"]
    assert said["bids"]["left_out"] == {}


@pytest.mark.parametrize(
    "text", ["\0\x07x", "NOTE", "-->", "<v Ben>x</v>", "&lt;b&gt;", "{\\an8}x", "a\n\nb", "\u2028x"]
)
def test_any_words_come_back_from_the_captions(filled: EventLog, session: str, tmp_path: Path, text: str) -> None:
    one = speech_of(filled, session)[1]
    correct(filled, session, one.id, key="c1", text=text)
    for form in ("webvtt", "elan", "bids", "csv"):
        export_log(filled, tmp_path, form)
    cue = list(webvtt.read(str(tmp_path / "demo_P01_s1_speech.vtt")))[1]
    wanted = " ".join(text.replace("\0", "\ufffd").replace("\x07", "\ufffd").split())
    assert (
        cue.raw_text.removeprefix("<v P01>").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == wanted
    )
    assert check_speech_vtt(tmp_path / "demo_P01_s1_speech.vtt") == 4


def test_a_session_without_speech_is_exported_as_before(fresh_log: EventLog, session: str, tmp_path: Path) -> None:
    for form in ("csv", "webvtt", "elan"):
        export_log(fresh_log, tmp_path, form)
    assert not list(tmp_path.glob("*_speech.vtt"))
    assert set(Eaf(str(tmp_path / "demo_P01_s1.eaf")).get_tier_names()) == {"record", "strategy"}
    assert len((tmp_path / "utterances.csv").read_text(encoding="utf-8").splitlines()) == 1
