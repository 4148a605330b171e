"""Recordings: whole or not there, never written over, checked to the bit, and gone when they are erased."""

from __future__ import annotations

import hashlib
import io
import json
import random
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.types import TillerError
from study import media_files
from study.__main__ import app
from study.anchors import Anchor
from study.corrections import correct, speech_of
from study.erasure import erase
from study.imports import import_recording, import_transcript
from study.log import EventLog, LogRefused
from study.media import faults_in, read_media, recording_of, recordings_of, stop_media, store_chunk
from study.media_erasure import erase_media
from study.recordings import form_of, length_of
from study.session_events import ConsentGiven, ConsentRefused, SessionStarted

AT_START = Anchor(media_ms=0.0, error_ms=20.0, seq=1)
SECRET = "my grandmother wore this very badge \U0001f642"


def sound(seconds: float = 0.5) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(random.Random(7).randbytes(round(16000 * seconds)))
    return file.getvalue()


def pieces(log: EventLog) -> list[Path]:
    return sorted(path.relative_to(log.media) for path in log.media.rglob("*") if path.is_file())


def table(stranger) -> list[tuple[object, ...]]:
    return stranger.execute("SELECT media_id, chunk, sha256, bytes FROM media_chunks ORDER BY chunk").fetchall()


def test_pieces_put_end_to_end_are_the_recording_in_whatever_order_they_came(
    fresh_log: EventLog, session: str, stranger
) -> None:
    whole = bytes(range(256)) * 40
    cut = [whole[at : at + 1000] for at in range(0, len(whole), 1000)]
    for number in random.Random(3).sample(range(len(cut)), len(cut)):
        store_chunk(fresh_log, session, "rec1", number, cut[number], form="webm", start_ms=1000.0 * number)
    stop_media(fresh_log, session, "rec1", length_ms=10_240.0)
    assert b"".join(read_media(fresh_log, session, "rec1")) == whole
    assert pieces(fresh_log) == [Path(session, "rec1", f"{number:06d}.webm") for number in range(len(cut))]
    assert table(stranger) == [("rec1", n, hashlib.sha256(one).hexdigest(), len(one)) for n, one in enumerate(cut)]
    one = recording_of(fresh_log, session, "rec1")
    assert (one.stopped, one.missing, one.length_ms) == (True, (), 10_240.0)
    rows = fresh_log.read(f"transcript:{session}")
    assert [row.row["media_ms"] for row in rows if row.name == "media.chunk_stored" and row.event.chunk == 3] == [3000]


def test_a_piece_sent_again_is_the_same_piece_and_other_bytes_are_refused(
    fresh_log: EventLog, session: str, stranger
) -> None:
    first = store_chunk(fresh_log, session, "rec1", 0, b"one", form="ogg", start_ms=0.0, length_ms=10.0)
    again = store_chunk(fresh_log, session, "rec1", 0, b"one", form="ogg", start_ms=0.5)
    assert again == first
    with pytest.raises(LogRefused, match="Piece 0 of recording rec1 stands with other bytes"):
        store_chunk(fresh_log, session, "rec1", 0, b"two", form="ogg", start_ms=0.0)
    with pytest.raises(LogRefused, match="began as ogg; piece 1 came as webm"):
        store_chunk(fresh_log, session, "rec1", 1, b"two", form="webm", start_ms=0.0)
    assert len(table(stranger)) == 1
    assert b"".join(read_media(fresh_log, session, "rec1")) == b"one"


def test_what_never_came_is_lost_when_the_recording_stops_and_may_come_late(fresh_log: EventLog, session: str) -> None:
    for number in (0, 2, 5):
        store_chunk(fresh_log, session, "rec1", number, b"x%d" % number, form="webm", start_ms=0.0)
    assert recording_of(fresh_log, session, "rec1").missing == (1, 3, 4)
    rows = stop_media(fresh_log, session, "rec1", chunks=7)
    assert [row.event.chunk for row in rows[1:]] == [1, 3, 4, 6]
    assert stop_media(fresh_log, session, "rec1") == rows, "a recorder that says so twice is heard once"
    assert recording_of(fresh_log, session, "rec1").missing == (1, 3, 4, 6)
    store_chunk(fresh_log, session, "rec1", 3, b"x3", form="webm", start_ms=0.0)
    assert recording_of(fresh_log, session, "rec1").missing == (1, 4, 6)
    assert b"".join(read_media(fresh_log, session, "rec1")) == b"x0x2x3x5"


def test_a_write_that_fails_leaves_neither_row_nor_file(
    fresh_log: EventLog, session: str, stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_chunk(fresh_log, session, "rec1", 0, b"zero", form="webm", start_ms=0.0)

    def full(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(media_files.Path, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            store_chunk(fresh_log, session, "rec1", 1, b"one", form="webm", start_ms=0.0)
    assert len(table(stranger)) == 1
    assert pieces(fresh_log) == [Path(session, "rec1", "000000.webm")]
    store_chunk(fresh_log, session, "rec1", 1, b"other bytes", form="webm", start_ms=0.0)
    assert b"".join(read_media(fresh_log, session, "rec1")) == b"zeroother bytes"
    assert fresh_log.verify(f"transcript:{session}").whole


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".", "..", "a\0b", "x" * 200, "\u00e9", "a.b"])
def test_no_name_leads_out_of_the_folder(fresh_log: EventLog, session: str, name: str) -> None:
    with pytest.raises(TillerError, match="ids of sessions and recordings are letters and digits"):
        store_chunk(fresh_log, session, name, 0, b"x", form="webm", start_ms=0.0)
    assert not fresh_log.media.exists()


def test_a_link_out_of_the_folder_is_not_followed(fresh_log: EventLog, session: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.txt").write_text("mine")
    fresh_log.media.mkdir(parents=True)
    (fresh_log.media / session).symlink_to(outside)
    with pytest.raises(TillerError, match="is a link that leads out of"):
        store_chunk(fresh_log, session, "rec1", 0, b"x", form="webm", start_ms=0.0)
    with pytest.raises(TillerError, match="is a link that leads out of"):
        erase_media(fresh_log, session)
    assert list(outside.iterdir()) == [outside / "mine.txt"]


def test_nothing_is_recorded_against_the_consent_nor_after_it_was_taken_back(fresh_log: EventLog, session: str) -> None:
    fresh_log.append(session, ConsentGiven(scope="audio", text_sha256="c0"), key="yes")
    store_chunk(fresh_log, session, "rec1", 0, b"x", form="webm", start_ms=0.0)
    fresh_log.append(session, ConsentRefused(scope="audio", text_sha256="c0"), key="no")
    with pytest.raises(TillerError, match="does not allow their voice"):
        store_chunk(fresh_log, session, "rec1", 1, b"y", form="webm", start_ms=0.0)
    assert len(pieces(fresh_log)) == 1


@pytest.mark.parametrize("wrong", [{"form": "exe"}, {"chunk": -1}, {"data": b""}, {"data": b"x" * (64 * 2**20 + 1)}])
def test_a_piece_that_makes_no_sense_is_refused(fresh_log: EventLog, session: str, wrong: dict[str, object]) -> None:
    given = {"chunk": 0, "data": b"x", "form": "webm", "start_ms": 0.0, **wrong}
    with pytest.raises(TillerError, match="pieces count from 0"):
        store_chunk(fresh_log, session, "rec1", **given)  # pyright: ignore
    with pytest.raises(TillerError, match="no such session"):
        store_chunk(fresh_log, "nobody", "rec1", 0, b"x", form="webm", start_ms=0.0)


MP3 = b"\xff\xfb\x90\x64" + b"\0" * 400
HEADS = {
    "wav": sound(0.01),
    "mp3": MP3,
    "m4a": b"\0\0\0\x20ftypM4A \0\0\0\0" + b"\0" * 64,
    "ogg": b"OggS\0\x02" + b"\0" * 22 + b"OpusHead",
    "webm": b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x84webm" + b"A_OPUS",
}


@pytest.mark.parametrize("form", HEADS)
def test_a_recording_is_known_by_its_first_bytes_and_not_by_its_name(tmp_path: Path, form: str) -> None:
    path = tmp_path / "holiday.txt"
    path.write_bytes(HEADS[form])
    assert form_of(path) == form
    path.write_bytes(b"ID3\x04" + b"\0" * 20)
    assert form_of(path) == "mp3"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "first bytes are of no wav, mp3"),
        (b"hello, this is a text", "convert it"),
        (b"\xff\xd8\xff\xe0JFIF", "convert it"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "convert it"),
        (b"\xff\xfe\x00\x00", "convert it"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x84webm\x00V_VP9", "moving pictures"),
        (
            b"\0\0\0\x20ftypisom" + b"\0" * 2**20 + b"\0\0\0\x21hdlr" + b"\0" * 8 + b"vide" + b"\0" * 9,
            "moving pictures",
        ),
    ],
)
def test_what_is_no_sound_is_refused(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(data)
    with pytest.raises(TillerError, match=sentence):
        form_of(path)


def test_the_length_of_a_wav_is_read_from_it(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(sound(0.75))
    with wave.open(str(path)) as theirs:
        assert length_of(path, "wav") == 1000 * theirs.getnframes() / theirs.getframerate() == 750.0
    path.write_bytes(sound(0.75)[:20])
    assert length_of(path, "wav") is None
    assert length_of(path, "mp3") is None


@pytest.fixture
def interview(fresh_log: EventLog, session: str, tmp_path: Path) -> Path:
    for number in range(5):
        fresh_log.append(session, ConsentGiven(scope=f"s{number}", text_sha256="c"), key=f"{number}")
    path = tmp_path / "Anna Schmidt.wav"
    path.write_bytes(sound(4))
    return path


def test_an_interview_is_taken_in_once_and_times_its_transcript(
    fresh_log: EventLog, session: str, interview: Path
) -> None:
    with pytest.raises(TillerError, match="it has no recording whose place is known"):
        import_transcript(fresh_log, session, b"[00:02] yes")
    done = import_recording(fresh_log, session, interview, anchor=AT_START)
    assert (done.new, done.anchored, done.length_ms) == (True, True, 4000.0)
    again = import_recording(fresh_log, session, interview, anchor=AT_START)
    assert (again.new, again.anchored, again.media) == (False, False, done.media)
    assert b"".join(read_media(fresh_log, session, done.media)) == interview.read_bytes()
    assert pieces(fresh_log) == [Path(session, done.media, "000000.wav")]
    assert import_transcript(fresh_log, session, b"[00:02] yes").media == done.media
    assert [(one.begin_ns, one.after_seq) for one in speech_of(fresh_log, session)] == [(2 * 10**9, 3)]
    moved = import_recording(fresh_log, session, interview, anchor=Anchor(media_ms=0.0, error_ms=5.0, seq=2))
    assert (moved.new, moved.anchored) == (False, True)
    assert [one.begin_ns for one in speech_of(fresh_log, session)] == [3 * 10**9]
    (interview.parent / "b.wav").write_bytes(sound(3))
    import_recording(fresh_log, session, interview.parent / "b.wav", anchor=AT_START)
    with pytest.raises(TillerError, match="it has 2 recordings"):
        import_transcript(fresh_log, session, b"[00:02] no")


def test_no_name_of_the_file_reaches_the_record(fresh_log: EventLog, session: str, interview: Path) -> None:
    import_recording(fresh_log, session, interview, anchor=AT_START)
    held = b"".join(path.read_bytes() for path in fresh_log.files if path.exists())
    assert b"Schmidt" not in held
    assert not any("Schmidt" in str(path) for path in pieces(fresh_log))


def test_a_missing_and_a_changed_piece_are_named(fresh_log: EventLog, session: str) -> None:
    for number in range(3):
        store_chunk(fresh_log, session, "rec1", number, b"piece %d" % number, form="webm", start_ms=0.0)
    assert faults_in(fresh_log, session) == ()
    folder = fresh_log.media / session / "rec1"
    (folder / "000001.webm").unlink()
    (folder / "000002.webm").write_bytes(b"piece 9")
    assert [(one.chunk, one.reason) for one in faults_in(fresh_log, session)] == [
        (1, "000001.webm is missing"),
        (2, "000002.webm was changed after it was stored"),
    ]
    with pytest.raises(TillerError, match=r"a piece 000001\.webm that is not in its folder"):
        list(read_media(fresh_log, session, "rec1"))
    with pytest.raises(TillerError, match="it has rec1"):
        list(read_media(fresh_log, session, "rec2"))


def run(*words: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == status, done.output
    return done.stdout if status != 2 else done.stderr.replace("\n", " ")


def test_the_commands_take_a_recording_in_and_verify_names_what_is_wrong_with_it(
    fresh_log: EventLog, session: str, url: str, interview: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", url)
    asked = ("audio", "--session", session, "--file", str(interview), "--at-seq", "1")
    done = json.loads(run(*asked, "--json"))
    assert (done["new"], done["length_ms"]) == (True, 4000.0)
    assert "there already" in run(*asked)
    assert json.loads(run("verify", "--json"))["media"] == []
    path = fresh_log.media / session / done["media"] / "000000.wav"
    path.write_bytes(path.read_bytes()[:-1])
    for words in (("verify", "--json"), ("verify", "--session", session, "--json")):
        found = json.loads(run(*words, status=1))
        assert found["whole"] is False
        assert [(one["media"], one["chunk"]) for one in found["media"]] == [(done["media"], 0)]
    assert "changed after it was stored" in " ".join(run("verify", status=1).split())


def test_an_erasure_takes_recordings_transcripts_and_every_word_of_them(
    fresh_log: EventLog, session: str, interview: Path, start: Callable[..., SessionStarted], stranger
) -> None:
    fresh_log.append("s2", start(participant="P02"), key="start")
    store_chunk(fresh_log, "s2", "theirs", 0, b"stays", form="webm", start_ms=0.0)
    import_recording(fresh_log, session, interview, anchor=AT_START)
    import_transcript(fresh_log, session, f"[00:02] {SECRET}".encode())
    said = speech_of(fresh_log, session)[0]
    correct(fresh_log, session, said.id, key="c", text=f"{SECRET} and she never took it off")
    salts = [str(one.salt).encode() for one in fresh_log.stored(f"transcript:{session}")]
    receipt = erase(fresh_log, session)
    assert receipt.clean
    assert (receipt.media, receipt.sought > len(salts)) == (2, True)
    left = b"".join(path.read_bytes() for path in fresh_log.files if path.exists())
    for trace in (*salts, SECRET[:20].encode(), b"never took it off"):
        assert trace not in left
    assert pieces(fresh_log) == [Path("s2", "theirs", "000000.webm")]
    assert [row[0] for row in table(stranger)] == ["theirs"]
    assert fresh_log.verify(f"transcript:{session}").whole
    assert {record.event for record in fresh_log.read(f"transcript:{session}")} == {None}
    assert speech_of(fresh_log, session) == ()
    assert faults_in(fresh_log, session) == ()
    with pytest.raises(LogRefused, match="was erased"):
        import_recording(fresh_log, session, interview, anchor=AT_START)
    assert erase(fresh_log, session).clean, "a second time finds nothing to do"


def test_recordings_may_go_before_the_words(fresh_log: EventLog, session: str, interview: Path) -> None:
    import_recording(fresh_log, session, interview, anchor=AT_START)
    import_transcript(fresh_log, session, f"[00:02] {SECRET}".encode())
    assert erase_media(fresh_log, session) == 2
    assert erase_media(fresh_log, session) == 0
    assert pieces(fresh_log) == []
    assert faults_in(fresh_log, session) == ()
    assert [one.text for one in speech_of(fresh_log, session)] == [SECRET]
    assert len(recordings_of(fresh_log, session)) == 2, "that there was one stays known"
    with pytest.raises(LogRefused, match="was erased and takes no recording"):
        store_chunk(fresh_log, session, "rec1", 0, b"x", form="webm", start_ms=0.0)


def test_many_recorders_at_once_leave_one_piece_of_each_number(fresh_log: EventLog, session: str, stranger) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def send(job: tuple[int, int]) -> str:
        number, variant = job
        try:
            store_chunk(fresh_log, session, "rec1", number, b"%d/%d" % job, form="webm", start_ms=0.0)
        except LogRefused:
            return ""
        return f"{number}/{variant}"

    jobs = [(number, variant) for number in range(8) for variant in range(4)]
    with ThreadPoolExecutor(8) as pool:
        kept = [one for one in pool.map(send, jobs) if one]
    assert sorted(one.split("/")[0] for one in kept) == [str(number) for number in range(8)]
    assert faults_in(fresh_log, session) == ()
    assert "".join(sorted(kept)) == b"".join(read_media(fresh_log, session, "rec1")).decode()
