"""Speech in REFI-QDA: valid by the official schema, every utterance where it was said, sound only as it is allowed."""

from __future__ import annotations

import csv
import io
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
import xmlschema

from core.types import TillerError
from study.acts import Act
from study.anchors import Anchor
from study.bench import Bench
from study.codebook import books_of
from study.coded_units import session_units
from study.coding import Coder
from study.corrections import speech_of
from study.decisions import opening
from study.explains import explained
from study.exports import export_log
from study.exports.manifest import ExportFailed
from study.exports.timeline import WITHHELD
from study.guids import guid
from study.imports import import_recording, import_transcript
from study.interventions import perform
from study.log import EventLog
from study.media import paths_of, recordings_of, store_chunk
from study.media_erasure import erase_media
from study.session_events import ConsentGiven, ConsentScopeChanged, ConsentShown

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = "refi-qda/Project-mrt2019.xsd"
Q = "{urn:QDA-XML:project:1.0}"
SAID = """WEBVTT

00:00.500 --> 00:01.000
<v Dr Anna Schmidt>What do you \U0001f9ed see?

00:02.500 --> 00:03.500
<v Ben>I \U0001d4ed\U0001f9ed think &lt;it&gt; is ]]&gt; the badge

00:03.250 --> 00:03.400
<v Dr Anna Schmidt>Hm.

00:04.200 --> 00:04.400
<v Ben>Now I take it back.
"""


def sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(range(256)) * 300)
    return file.getvalue()


@pytest.fixture
def filled(fresh_log: EventLog, session: str, bench: Bench, act: Callable[..., Act], tmp_path: Path) -> EventLog:
    fresh_log.append(session, ConsentShown(text_sha256="c0", scopes=("audio", "quote")), key="shown")
    allowed = (ConsentGiven(scope=scope, text_sha256="c0") for scope in ("audio", "quote"))
    fresh_log.append(session, *allowed, key="consent")
    fresh_log.append(session, *opening(bench, image="7f.png", labels=("apple", "boat", "car")), key="open")
    for step in (act("edit", 1, 0.5), act("inspect", 2), act("undo")):
        perform(fresh_log, session, step, bench)
    (tmp_path / "talk.wav").write_bytes(sound())
    import_recording(fresh_log, session, tmp_path / "talk.wav", anchor=Anchor(media_ms=0.0, error_ms=50.0, seq=2))
    import_transcript(fresh_log, session, SAID.encode(), participant="Ben")
    return fresh_log


class Project:
    def __init__(self, path: Path) -> None:
        with ZipFile(path) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}
        self.qde = self.files["project.qde"].decode()
        self.root = ElementTree.fromstring(self.qde)

    def all(self, tag: str) -> list[ElementTree.Element]:
        return list(self.root.iter(f"{Q}{tag}"))

    def text(self, element: ElementTree.Element) -> str:
        return self.files[f"sources/{str(element.get('plainTextPath')).removeprefix('internal://')}"].decode()

    def utterances(self) -> dict[str, str]:
        """Each utterance's own text, cut out of its source, by the id of its selection."""
        (source,) = self.all("TextSource")
        text = self.text(source)
        return {
            str(one.get("guid")): text[int(str(one.get("startPosition"))) : int(str(one.get("endPosition")))]
            for one in source.iter(f"{Q}PlainTextSelection")
            if str(one.get("name")).startswith("utterance")
        }


def exported(log: EventLog, folder: Path, **how: Any) -> Project:
    export_log(log, folder, "qdpx", **how)
    return Project(folder / "project.qdpx")


def left_out(folder: Path) -> dict[str, dict[str, str]]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["exports"]["qdpx"]["left_out"]


@pytest.mark.parametrize("media", ["reference", "inside"])
def test_it_is_valid_by_the_official_schema(filled: EventLog, tmp_path: Path, media: str) -> None:
    found = [folder / SCHEMA for folder in (ROOT / "shared", ROOT.parent / "shared") if (folder / SCHEMA).is_file()]
    if not found:
        pytest.skip(f"the schema is not ours to ship, and there is no shared/{SCHEMA} in or beside the checkout")
    schema = xmlschema.XMLSchema(str(found[0]))
    assert [error.reason for error in schema.iter_errors(exported(filled, tmp_path / "out", media=media).qde)] == []


def test_utterances_lie_between_the_rows_and_read_back_to_the_last_character(filled: EventLog, tmp_path: Path) -> None:
    project = exported(filled, tmp_path / "out")
    assert list(project.utterances().values()) == [
        "speaker 1: What do you \U0001f9ed see?",
        "P01: I \U0001d4ed\U0001f9ed think <it> is ]]> the badge",
        "speaker 1: Hm.",
        "P01: Now I take it back.",
    ]
    (source,) = project.all("TextSource")
    lines = project.text(source).splitlines()
    order = [line.split("]")[0] if line.startswith("[#") else line.split(":")[0] for line in lines]
    names = {f"[#{record.seq}": record.name for record in filled.read("s1")}
    # rows are a second apart and the recording begins at row 2, at 1 s; the task begins at 3 s
    assert [names.get(one, one) for one in order] == [
        "speaker 1",
        "task.started",
        "P01",
        "intervention.applied",
        "speaker 1",
        "concept.inspected",
        "P01",
        "intervention.undone",
    ]


def test_each_link_leads_from_an_utterance_to_the_intervention_that_it_explains(
    filled: EventLog, session: str, tmp_path: Path
) -> None:
    project = exported(filled, tmp_path / "out")
    at = {one.id: one.text for one in speech_of(filled, session)}
    wanted = {(at[utterance], seq) for utterance, seq in explained(filled.read(session), speech_of(filled, session))}
    said, rows = project.utterances(), {one.get("guid"): one.get("name") for one in project.all("PlainTextSelection")}
    links = project.all("Link")
    assert links
    assert {one.get("name") for one in links} == {"explains"}
    assert {
        (said[str(one.get("originGUID"))].partition(": ")[2], int(str(rows[one.get("targetGUID")]).split()[1]))
        for one in links
    } == wanted


def test_a_recording_is_named_by_its_path_and_its_transcript_keeps_its_clock(
    filled: EventLog, session: str, tmp_path: Path
) -> None:
    project = exported(filled, tmp_path / "out")
    (audio,) = project.all("AudioSource")
    (one,) = (each for each in recordings_of(filled, session) if each.kind == "audio")
    path = str(audio.get("path")).removeprefix("relative://")
    assert filled.media.parent / path == paths_of(filled, session, one)[0]
    assert not any(name.endswith(".wav") for name in project.files)
    (transcript,) = project.all("Transcript")
    text = project.text(transcript)
    points = {point.get("guid"): point for point in transcript.iter(f"{Q}SyncPoint")}
    spans = [
        tuple(points[selection.get(side)] for side in ("fromSyncPoint", "toSyncPoint"))
        for selection in transcript.iter(f"{Q}TranscriptSelection")
    ]
    cut = [
        (text[int(str(a.get("position"))) : int(str(b.get("position")))], a.get("timeStamp"), b.get("timeStamp"))
        for a, b in spans
    ]
    assert cut == [
        ("speaker 1: What do you \U0001f9ed see?", "500", "1000"),
        ("P01: I \U0001d4ed\U0001f9ed think <it> is ]]> the badge", "2500", "3250"),
        ("speaker 1: Hm.", "3250", "3400"),
        ("P01: Now I take it back.", "4200", "4400"),
    ]
    (case,) = project.all("Case")
    assert audio.get("guid") in {reference.get("targetGUID") for reference in case.iter(f"{Q}SourceRef")}
    assert "Schmidt" not in project.qde + text


def test_sound_lies_inside_where_that_is_asked_for_and_allowed(filled: EventLog, tmp_path: Path) -> None:
    project = exported(filled, tmp_path / "out", media="inside")
    (audio,) = project.all("AudioSource")
    assert project.files[f"sources/{str(audio.get('path')).removeprefix('internal://')}"] == sound()
    with wave.open(io.BytesIO(project.files[f"sources/{audio.get('guid')}.wav"])) as theirs:
        assert theirs.getnframes() == 38_400
    assert left_out(tmp_path / "out") == {}


def test_without_the_consent_to_quote_there_are_neither_words_nor_sound(
    filled: EventLog, session: str, tmp_path: Path
) -> None:
    filled.append(session, ConsentScopeChanged(scope="quote", text_sha256="c0", given=False), key="no")
    project = exported(filled, tmp_path / "out", media="inside")
    assert list(project.utterances().values())[1] == f"P01: {WITHHELD}"
    held = b"".join(project.files.values())
    assert "I \U0001d4ed".encode() not in held and b"take it back" not in held
    assert not any(name.endswith(".wav") for name in project.files)
    assert set(left_out(tmp_path / "out")[session]) == {"words", "sound"}


def test_without_the_consent_to_the_recording_it_is_not_even_named(
    filled: EventLog, session: str, tmp_path: Path
) -> None:
    filled.append(session, ConsentScopeChanged(scope="audio", text_sha256="c0", given=False), key="no")
    project = exported(filled, tmp_path / "out", media="inside")
    assert project.all("AudioSource") == []
    assert left_out(tmp_path / "out") == {session: {"recordings": "no consent to the recording of the voice"}}


def test_a_recording_in_pieces_is_put_together_inside_and_left_out_by_reference(
    filled: EventLog, session: str, tmp_path: Path
) -> None:
    for number, piece in enumerate((b"one", b"two", b"four")):
        store_chunk(filled, session, "live", number if number < 2 else 3, piece, form="webm", start_ms=0.0)
    project = exported(filled, tmp_path / "in", media="inside")
    assert [data for name, data in project.files.items() if name.endswith(".webm")] == [b"onetwofour"]
    assert left_out(tmp_path / "in") == {session: {"pieces": "1 of recording live never came"}}
    assert len(exported(filled, tmp_path / "out").all("AudioSource")) == 1
    assert "is kept in 3 pieces" in left_out(tmp_path / "out")[session]["recordings"]


def test_recordings_that_were_erased_are_in_no_project_and_the_words_stay(
    filled: EventLog, session: str, tmp_path: Path
) -> None:
    erase_media(filled, session)
    project = exported(filled, tmp_path / "out", media="inside")
    assert project.all("AudioSource") == []
    assert len(project.utterances()) == 4


def test_a_second_export_is_the_same_file(filled: EventLog, tmp_path: Path) -> None:
    for media in ("reference", "inside"):
        once, again = (tmp_path / f"{media}{number}" for number in (1, 2))
        for folder in (once, again):
            exported(filled, folder, media=media)
        assert (once / "project.qdpx").read_bytes() == (again / "project.qdpx").read_bytes()


def test_a_piece_that_is_gone_is_one_sentence_and_leaves_no_half_project(
    filled: EventLog, session: str, tmp_path: Path
) -> None:
    (one,) = (each for each in recordings_of(filled, session) if each.kind == "audio")
    paths_of(filled, session, one)[0].unlink()
    with pytest.raises(ExportFailed, match="No such file"):
        exported(filled, tmp_path / "out", media="inside")
    assert not (tmp_path / "out").exists()
    with pytest.raises(TillerError, match="there are reference and inside: choose one"):
        exported(filled, tmp_path / "out", media="elsewhere")


def test_what_people_code_an_utterance_as_lies_on_its_selection_and_in_codes_csv(
    filled: EventLog, session: str, tmp_path: Path
) -> None:
    units = [unit.id for unit in session_units(filled, session)]
    said = speech_of(filled, session)[1]
    assert said.id in units
    coder = Coder(filled, "demo", session, "Kim", units)
    coder.assign(said.id, guid("code", "suppress"), version=books_of(filled, "demo")[-1].version, key="k1")
    project = exported(filled, tmp_path / "out")
    (coding,) = (one for one in project.all("Coding") if one.get("creatingUser") == guid("user", "coder", "Kim"))
    (holder,) = (one for one in project.all("PlainTextSelection") if coding in list(one))
    assert project.utterances()[str(holder.get("guid"))].endswith("the badge")
    export_log(filled, tmp_path / "out", "csv")
    with (tmp_path / "out" / "codes.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["unit"], row["unit_kind"], row["unit_seq"]) == (said.id, "utterance", "")
