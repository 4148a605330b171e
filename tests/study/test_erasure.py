"""What is erased is in no file afterwards; what is left still proves order and count."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from servers import Postgresql
from sqlalchemy import make_url
from strangers import Stranger
from typer.testing import CliRunner

from core.types import TillerError, many
from study.__main__ import app
from study.acts import Act
from study.anchors import Anchor
from study.backup import back_up
from study.bench import Bench
from study.copies import copies_of
from study.database import connect
from study.erasure import Extent, erase, sessions_of
from study.exports import export_log
from study.identity import link_digest
from study.imports import import_transcript
from study.interventions import perform
from study.log import EventLog, LogRefused
from study.outlook import foresee
from study.participants import admit, find
from study.schema import record
from study.session_events import RecordErased, SessionStarted, SessionWithdrawn
from study.streams import RECEIPTS
from study.system_events import SystemExportMade
from study.task_events import ResponseSubmitted
from study.traces import found_in_file

SECRET = "my grandmother\u2019s brooch has the same badge \U0001f642 " + "and so on and on; " * 400


class Filled:
    def __init__(self, log: EventLog, bench: Bench, act: Callable[..., Act]) -> None:
        self.log = log
        self.ids = []
        for number in range(2):
            admission = admit(log, "demo")
            start = SessionStarted(study="demo", study_version="1", script_sha256="5c", participant=admission.pseudonym)
            log.append(admission.session_id, start, key="start")
            perform(log, admission.session_id, act("edit", 1, number / 4), bench)
            text = SECRET if number == 0 else "something that somebody else has said"
            log.append(admission.session_id, ResponseSubmitted(task="word", item="cause", text=text), key="answer")
            self.ids.append(admission)


@pytest.fixture
def filled(fresh_log: EventLog, bench: Bench, act: Callable[..., Act]) -> Filled:
    return Filled(fresh_log, bench, act)


@pytest.fixture
def everything(database: str, request: pytest.FixtureRequest) -> Callable[[EventLog], bytes]:
    """All bytes of the record's files, or of all the files of the server: read from the disk, not asked of it."""

    def read(log: EventLog) -> bytes:
        if database == "sqlite":
            return b"".join(path.read_bytes() for path in log.files if path.exists())
        server: Postgresql = request.getfixturevalue("postgresql")
        server.run("CHECKPOINT")
        return b"".join(path.read_bytes() for path in server.folder.rglob("*") if path.is_file())

    return read


def test_nothing_of_an_erased_session_is_left_in_any_file(
    filled: Filled, everything: Callable[[EventLog], bytes]
) -> None:
    log, (gone, stays) = filled.log, filled.ids
    salts = [str(one.salt).encode() for one in log.stored(gone.session_id)]
    held = everything(log)
    assert all(salt in held for salt in salts)
    receipt = erase(log, gone.session_id)
    left = everything(log)
    words = [SECRET[at : at + 20].encode() for at in range(0, len(SECRET), 20)]
    for trace in (*salts, *words, link_digest(gone.token).encode()):
        assert trace not in left
    assert (receipt.payloads, receipt.participants, receipt.found, receipt.settled) == (4, 1, 0, True)
    assert receipt.clean
    assert receipt.sought > len(salts)
    assert receipt.searched[0] == (log.files[0].name if log.files else "every table")
    assert b"something that somebody else has said" in left
    assert find(log, gone.token) is None
    assert find(log, stays.token) is not None


def test_the_chain_of_an_erased_session_still_verifies_and_takes_no_rows(filled: Filled) -> None:
    log, gone = filled.log, filled.ids[0].session_id
    before = [(record.seq, record.name, record.row["hash"]) for record in log.read(gone)]
    erase(log, gone)
    assert log.verify(gone).whole
    assert [(record.seq, record.name, record.row["hash"]) for record in log.read(gone)] == before
    assert {record.event for record in log.read(gone)} == {None}
    with pytest.raises(LogRefused, match="erased"):
        log.append(gone, ResponseSubmitted(task="word", item="cause", text="again"), key="later")


def test_the_receipt_stands_in_the_record_and_says_what_was_searched(filled: Filled) -> None:
    receipt = erase(filled.log, filled.ids[0].session_id)
    (record,) = filled.log.read(RECEIPTS)
    assert (record.name, record.row["target"]) == ("system.record_erased", f"session/{receipt.session}")
    assert record.event is not None
    assert record.event.searched == receipt.searched  # pyright: ignore[reportAttributeAccessIssue]
    assert filled.log.verify(RECEIPTS).whole
    assert RECEIPTS not in filled.log.sessions(), "it is nobody's session"


def test_receipts_are_verified_and_are_no_data(
    filled: Filled, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", url)
    erase(filled.log, filled.ids[0].session_id)
    found = json.loads(run("verify", "--json"))
    assert [one["session_id"] for one in found["sessions"]] == [*filled.log.sessions(), RECEIPTS]
    run("export", "--out", str(tmp_path / "out"))
    assert "record_erased" not in (tmp_path / "out" / "events.csv").read_text(encoding="utf-8")


def test_an_erasure_cut_short_is_finished_by_the_next(filled: Filled, stranger: Stranger) -> None:
    gone = filled.ids[0].session_id
    stranger.execute("INSERT INTO erasures VALUES (?, 'payloads', 4, 1)", [gone])
    assert erase(filled.log, gone).payloads == 4
    again = erase(filled.log, gone)
    assert (again.payloads, again.participants, again.clean) == (0, 0, True)


def test_a_server_that_had_read_the_words_forgets_them(filled: Filled, reopen: Callable[[], EventLog]) -> None:
    gone = filled.ids[0].session_id
    server = reopen()
    assert any(record.event is not None for record in server.read(gone))
    erase(filled.log, gone)
    assert {record.event for record in server.read(gone)} == {None}
    assert len(server.read(gone)) == 4


def test_a_reader_that_holds_the_log_back_is_told_and_the_next_call_ends_it(
    filled: Filled, stranger: Stranger, everything: Callable[[EventLog], bytes]
) -> None:
    gone = filled.ids[0].session_id
    stranger.execute("BEGIN")
    stranger.execute("SELECT count(*) FROM payloads").fetchone()
    held = erase(filled.log, gone, patience_s=0.2)
    assert not held.settled
    assert held.found > 0
    assert not held.clean
    stranger.execute("ROLLBACK")
    assert erase(filled.log, gone).settled
    assert SECRET[:40].encode() not in everything(filled.log)


def test_a_trace_in_an_earlier_export_is_found(filled: Filled, tmp_path: Path) -> None:
    handed_on = tmp_path / "events.csv"
    handed_on.write_text(f"cause,{SECRET}", encoding="utf-8")
    receipt = erase(filled.log, filled.ids[0].session_id, also=[handed_on])
    assert receipt.found > 0
    assert "events.csv" in receipt.searched


def test_a_trace_in_a_packed_export_is_found_or_the_file_is_named(filled: Filled, tmp_path: Path) -> None:
    with ZipFile(tmp_path / "project.qdpx", "w", ZIP_DEFLATED) as archive:
        archive.writestr("sources/one.txt", f"cause {SECRET}")
    with gzip.open(tmp_path / "events.csv.gz", "wt", encoding="utf-8") as packed:
        packed.write(SECRET)
    assert SECRET[:40].encode() not in (tmp_path / "project.qdpx").read_bytes()
    receipt = erase(filled.log, filled.ids[0].session_id, also=sorted(tmp_path.glob("*.*")))
    assert receipt.found > 0
    assert "project.qdpx" in receipt.searched
    assert "events.csv.gz" in receipt.unsearched and "events.csv.gz" not in receipt.searched


def test_exports_that_were_handed_on_are_named_wherever_they_were_made(filled: Filled, tmp_path: Path) -> None:
    here, gone = tmp_path / "here", tmp_path / "gone"
    for folder in (here, gone):
        export_log(filled.log, folder, "csv")
    shutil.rmtree(gone)
    export_log(filled.log, tmp_path / "aside", "jsonl", later=(later := []))
    later[0]()
    one, other = (admission.session_id for admission in filled.ids)
    receipt = erase(filled.log, one)
    assert [words.partition(", ")[2] for words in receipt.handed_on] == [
        f"in {here}",
        f"in {gone} then, not there now",
        "made in the app: whoever fetched it has it",
    ]
    assert all(words.startswith(("csv of 2023-", "jsonl of 2023-")) for words in receipt.handed_on)
    (kept,) = (record.event for record in filled.log.read(RECEIPTS))
    assert isinstance(kept, RecordErased) and kept.handed_on == receipt.handed_on
    late = admit(filled.log, "demo")
    start = SessionStarted(study="demo", study_version="1", script_sha256="5c", participant=late.pseudonym)
    filled.log.append(late.session_id, start, key="start")
    assert copies_of(filled.log, late.session_id) == ()
    assert len(copies_of(filled.log, other)) == 3


def test_an_export_of_an_earlier_version_is_named_for_every_session_that_had_begun(filled: Filled) -> None:
    earlier = SystemExportMade(study="demo", format="csv", files=(), rows=1, sessions=2)
    filled.log.append("exports:demo", earlier, key="exported", actor="researcher")
    for admission in filled.ids:
        (one,) = copies_of(filled.log, admission.session_id)
        assert one.words.endswith("the record does not say where")


@pytest.mark.parametrize("what", list(Extent))
def test_a_dry_run_says_what_would_go_and_changes_nothing(
    filled: Filled, everything: Callable[[EventLog], bytes], what: Extent
) -> None:
    session = filled.ids[0].session_id
    anchor = Anchor(media_ms=0.0, error_ms=1.0, seq=1)
    import_transcript(filled.log, session, b"WEBVTT\n\n00:00.000 --> 00:00.500\nso it is\n", anchor=anchor)
    before = filled.log.read(session), filled.log.read(f"transcript:{session}"), len(filled.log.read(RECEIPTS))
    outlook = foresee(filled.log, session, what)
    after = filled.log.read(session), filled.log.read(f"transcript:{session}"), len(filled.log.read(RECEIPTS))
    assert before == after
    assert SECRET[:40].encode() in everything(filled.log)
    receipt = erase(filled.log, session, what)
    for name in ("session", "what", "rows", "payloads", "participants", "media", "handed_on"):
        assert getattr(outlook, name) == getattr(receipt, name), name
    assert set(outlook.searched) <= set(receipt.searched)
    assert set(outlook.unsearched) == set(receipt.unsearched)
    with pytest.raises(TillerError, match="no such session"):
        foresee(filled.log, "nobody", what)


@pytest.mark.parametrize("before", [0, 1, 2**20 - 60, 2**20 - 7, 2**20 - 1, 2**20, 3 * 2**20 + 5])
def test_a_trace_is_found_wherever_it_lies(tmp_path: Path, before: int) -> None:
    words = [b'it was "the badge" \\ I think', b"not there"]
    for name in ("read.txt", "packed.zip"):
        path, told = tmp_path / name, b"\x00" * before + words[0] + b"\x00" * 100
        if path.suffix == ".zip":
            with ZipFile(path, "w", ZIP_DEFLATED) as archive:
                archive.writestr("held", told)
        else:
            path.write_bytes(told)
        assert found_in_file(words, path) == {words[0]}
        assert found_in_file([words[0] + b"!"], path) == set()


def test_a_trace_is_found_as_it_was_said_and_as_a_record_holds_it(filled: Filled, tmp_path: Path) -> None:
    said = 'it was "the badge" \\ I think'
    filled.log.append(filled.ids[0].session_id, ResponseSubmitted(task="word", item="more", text=said), key="more")
    for name, text in (("read.txt", said), ("held.json", json.dumps(said)[1:-1])):
        (tmp_path / name).write_bytes(b"\x00" * (2**20 - 7) + text.encode() + b"\x00" * 100)
    receipt = erase(filled.log, filled.ids[0].session_id, also=[tmp_path / "read.txt", tmp_path / "held.json"])
    assert receipt.found == 2
    (tmp_path / "near.txt").write_bytes(said.encode()[:-1])
    assert erase(filled.log, filled.ids[0].session_id, also=[tmp_path / "near.txt"]).clean


def test_what_was_typed_into_any_kind_of_event_is_searched_for(filled: Filled, tmp_path: Path) -> None:
    why = "my daughter has been taken to hospital"
    filled.log.append(filled.ids[0].session_id, SessionWithdrawn(reason=why), key="withdrawn")
    earlier = tmp_path / "earlier.csv"
    earlier.write_text(why)
    assert erase(filled.log, filled.ids[0].session_id, also=[earlier]).found == 1


def test_what_others_said_as_well_is_no_trace(filled: Filled) -> None:
    one, other = (admission.session_id for admission in filled.ids)
    for each in (one, other):
        filled.log.append(each, ResponseSubmitted(task="word", item="more", text="the printed word"), key="more")
    assert erase(filled.log, one).clean


def test_all_sessions_of_a_participant_are_found_by_pseudonym(filled: Filled) -> None:
    assert sessions_of(filled.log, "demo", filled.ids[1].pseudonym) == (filled.ids[1].session_id,)
    with pytest.raises(TillerError, match="Participant P99 of study demo was asked for"):
        sessions_of(filled.log, "demo", "P99")


def run(*words: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == status, done.output
    return done.stdout if status == 0 else done.stderr.replace("\n", " ")


def test_the_commands_erase_and_back_up(
    filled: Filled, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", url)
    before = json.loads(run("backup", "--out", str(tmp_path / "before.db"), "--json"))
    assert SECRET[:40].encode() in Path(before["file"]).read_bytes()
    pseudonym = filled.ids[0].pseudonym
    ahead = json.loads(run("erase", "--participant", pseudonym, "--study", "demo", "--dry-run", "--json"))
    assert [one["session"] for one in ahead["would_go"]] == [filled.ids[0].session_id]
    assert SECRET in str(filled.log.read(filled.ids[0].session_id))
    assert "Would be erased" in run("erase", "--session", filled.ids[0].session_id, "--dry-run")
    assert run("erase", "--expired").strip() == "There is nothing to erase."
    found = json.loads(run("erase", "--participant", pseudonym, "--study", "demo", "--json"))
    assert [(one["session"], one["clean"]) for one in found["receipts"]] == [(filled.ids[0].session_id, True)]
    after = json.loads(run("backup", "--out", str(tmp_path / "deep" / "after.db"), "--json"))
    assert SECRET[:40].encode() not in Path(after["file"]).read_bytes()
    assert "Name what to erase" in run("erase", status=2)
    assert "Name what to erase" in run("erase", "--participant", "P01", status=2)
    assert "no such session" in run("erase", "--session", "nobody", status=2)
    assert "is there already" in run("backup", "--out", str(tmp_path / "before.db"), status=2)


def test_one_is_not_counted_as_many_and_streams_are_no_sessions(
    filled: Filled, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", url)
    assert "2 sessions, none with a fault" in " ".join(run("verify").split())
    assert "1 session, none with a fault" in " ".join(run("verify", "--session", filled.ids[0].session_id).split())
    erase(filled.log, filled.ids[0].session_id)
    assert "2 sessions and 1 stream beside them, none with a fault" in " ".join(run("verify").split())
    assert [many(number, "row") for number in (0, 1, 2, 1000)] == ["0 rows", "1 row", "2 rows", "1,000 rows"]


def test_a_backup_made_while_others_write_is_one_moment_of_the_record(
    filled: Filled, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event, Thread

    log, session, over = filled.log, filled.ids[0].session_id, Event()

    def write() -> None:
        for number in range(10_000):
            if over.is_set():
                return
            answer = ResponseSubmitted(task="word", item="cause", text=f"{number}")
            log.append(session, answer, answer, key=f"answer {number}")

    writer = Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            out = tmp_path / f"{number}.db"
            monkeypatch.setenv("TILLER_DATABASE_URL", url)
            run("backup", "--out", str(out))
            monkeypatch.setenv("TILLER_DATABASE_URL", f"sqlite:///{out}")
            assert json.loads(run("verify", "--json"))["whole"]
            with closing(sqlite3.connect(out)) as copy:
                (odd,) = copy.execute("SELECT count(*) % 2 FROM events WHERE name = 'response.submitted'").fetchone()
            assert odd == 0, "half of an act was copied"
    finally:
        over.set()
        writer.join()


@pytest.mark.file
def test_a_failed_backup_leaves_nothing(
    url: str, fresh_log: EventLog, session: str, tmp_path: Path, reopen: Callable[[], EventLog]
) -> None:
    record = Path(str(make_url(url).database))
    with pytest.raises(TillerError, match="name another file"):
        back_up(fresh_log, record / "copy.db")
    erase(fresh_log, session)  # which moves all rows into the file itself
    torn = bytearray(record.read_bytes())
    for page in range(4096, len(torn), 4096):
        torn[page : page + 64] = bytes(64)
    log = reopen()
    record.write_bytes(torn)
    with pytest.raises(TillerError, match=r"could not be copied .* `tiller verify`"):
        back_up(log, tmp_path / "copy.db")
    assert list(tmp_path.glob("*copy*")) == []
    assert list(tmp_path.glob(".*copy*")) == []


def test_a_copy_can_be_restored_and_is_the_same_record(
    filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str, request: pytest.FixtureRequest
) -> None:
    log, (gone, stays) = filled.log, filled.ids
    erase(log, gone.session_id)
    copy = back_up(log, tmp_path / "copy.db")
    target = f"sqlite:///{tmp_path / 'restored.db'}" if database == "sqlite" else request.getfixturevalue("empty_url")
    monkeypatch.setenv("TILLER_DATABASE_URL", target)
    rows = json.loads(run("restore", "--from", str(copy), "--json"))["rows"]
    restored = EventLog(connect(target))
    for one in (*log.sessions(), *log.streams()):
        assert restored.read(one) == log.read(one)
        assert restored.verify(one).whole
    with closing(sqlite3.connect(copy)) as counted:
        of = {name: counted.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in record.tables}
    assert (of["events"], of["payloads"], of["participants"], of["erasures"]) == (9, 5, 1, 1)
    assert rows == sum(of.values())
    assert find(restored, stays.token) is not None
    with pytest.raises(LogRefused, match="erased"):
        restored.append(gone.session_id, ResponseSubmitted(task="word", item="cause", text="again"), key="later")
    assert "holds" in run("restore", "--from", str(copy), status=2)
    assert "no such file" in run("restore", "--from", str(tmp_path / "none.db"), status=2)
