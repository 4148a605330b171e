"""Exports on the server's own shelf: made behind, stopped, found by name alone, zipped, and gone with an erasure."""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from core.types import TillerError
from study import media_files
from study.erasure import erase
from study.exports import FORMATS, NOT_DATA, shelf
from study.exports.kept import Kept, delete_kept, find_kept, folder_of, kept_in, zipped
from study.exports.shelf import Shelf
from study.log import EventLog
from study.session_events import SessionStarted
from study.system_events import ExportedFile
from study.task_events import ResponseSubmitted, TaskStarted, TaskSubmitted


@pytest.fixture
def filled(
    fresh_log: EventLog, start: Callable[..., SessionStarted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> EventLog:
    monkeypatch.setattr(media_files, "_HOME", tmp_path)  # where files of a server's record lie
    for name in ("P01", "P02"):
        fresh_log.append(name, start(participant=name), TaskStarted(task="word"), key="start")
        words = ResponseSubmitted(task="word", item="cause", text=f"the words that only {name} has written")
        fresh_log.append(name, words, TaskSubmitted(task="word"), key="submit")
    return fresh_log


def made(log: EventLog, *formats: str) -> Kept:
    here = Shelf(log)
    here.start("demo", formats or ("csv",), without=NOT_DATA)
    here.wait(30)
    assert here.run is not None and here.run.state == "finished", here.run
    return kept_in(here.folder)[0]


def test_an_export_of_every_format_lies_beside_the_record(filled: EventLog) -> None:
    one = made(filled, *FORMATS)
    assert one.folder.parent == folder_of(filled)
    assert not filled.files or folder_of(filled) == filled.files[0].with_name("tiller-exports")
    assert one.name == "demo-20231114T221325Z", "the fifth reading of the clock, after 22:13:20"
    assert (one.made.year, one.made.second) == (2023, 25)
    assert set(one.formats) == set(FORMATS) and one.study == "demo" and one.sessions == {"P01", "P02"}
    for each in (*one.files, *one.manifests):
        data = (one.folder / each.file).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (each.bytes, each.sha256)
    on_disk = {str(path.relative_to(one.folder)) for path in one.folder.rglob("*") if path.is_file()}
    assert on_disk == {each.file for each in (*one.files, *one.manifests)}


def test_a_second_start_shows_the_run_under_way(filled: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(shelf, "export_log", lambda *_, **__: go_on.wait(30))
    here = Shelf(filled)
    first = here.start("demo", ["csv"], without=NOT_DATA)
    assert here.start("demo", ["jsonl"], without=NOT_DATA) is first
    go_on.set()
    here.wait(30)
    assert here.start("demo", ["jsonl"], without=NOT_DATA) is not first
    here.wait(30)


def test_a_stopped_run_leaves_nothing_and_the_next_one_is_whole(
    filled: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, here = shelf.export_log, Shelf(filled)

    def stopped_half_way(*given: object, progress: Callable[[int, int], None], **more: object) -> object:
        if here.run is not None and here.run.at == 1:
            here.stop()
        return real(*given, progress=progress, **more)  # pyright: ignore

    monkeypatch.setattr(shelf, "export_log", stopped_half_way)
    run = here.start("demo", ["csv", "jsonl"], without=NOT_DATA)
    here.wait(30)
    assert run.state == "stopped"
    assert list(here.folder.iterdir()) == []
    assert filled.read("exports:demo") == (), "the log names no file that was never handed on"
    monkeypatch.setattr(shelf, "export_log", real)
    assert made(filled, "csv", "jsonl").formats == ("csv", "jsonl")
    assert [record.row["target"] is not None for record in filled.read("exports:demo")] == [True, True]


def test_how_much_is_done_never_goes_back(filled: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    real, here, seen = shelf.export_log, Shelf(filled), list[float]()

    def watched(*given: object, progress: Callable[[int, int], None], **more: object) -> object:
        def noted(done: int, of: int) -> None:
            progress(done, of)
            assert here.run is not None
            seen.append(here.run.share)

        return real(*given, progress=noted, **more)  # pyright: ignore

    monkeypatch.setattr(shelf, "export_log", watched)
    run = here.start("demo", ["csv", "jsonl", "prov"], without=NOT_DATA)
    here.wait(30)
    assert seen == sorted(seen) and len(set(seen)) >= 3
    assert run.share == 1.0


def test_a_run_that_fails_says_why_and_leaves_nothing(filled: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise TillerError("The disk is full; make room.")

    monkeypatch.setattr(shelf, "export_log", full)
    here = Shelf(filled)
    run = here.start("demo", ["csv"], without=NOT_DATA)
    here.wait(30)
    assert (run.state, run.reason) == ("failed", "The disk is full; make room.")
    assert list(here.folder.iterdir()) == []


@pytest.mark.parametrize("formats", [[], ["csv", "docx"]])
def test_only_formats_that_there_are_can_be_ordered(filled: EventLog, formats: list[str]) -> None:
    with pytest.raises(TillerError, match="there are csv"):
        Shelf(filled).start("demo", formats, without=NOT_DATA)


def test_what_a_killed_server_left_is_swept_away_and_a_living_ones_is_not(filled: EventLog) -> None:
    folder = folder_of(filled)
    dead = folder / ".demo-20260101T000000Z.999999999.part"
    alive = folder / f".demo-20260101T000000Z.{os.getppid()}.part"
    for each in (dead, alive):
        each.mkdir(parents=True)
    made(filled)
    assert not dead.exists() and alive.exists()
    assert len(kept_in(folder)) == 1, "what is not finished is not listed"


@pytest.mark.parametrize(
    "name", ["", "..", "../tiller.db", "demo-20231114T221328Z/..", ".demo-20231114T221328Z.1.part", "demo", None, 7]
)
def test_no_name_leads_out_of_the_folder(filled: EventLog, name: object) -> None:
    made(filled)
    assert find_kept(folder_of(filled), name) is None


def test_a_folder_that_is_no_export_is_none(filled: EventLog, tmp_path: Path) -> None:
    one = made(filled)
    folder = folder_of(filled)
    (folder / "stray-20260101T000000Z").mkdir()
    (folder / "link-20260101T000000Z").symlink_to(tmp_path)
    (folder / "note.txt").write_text("mine")
    assert [each.name for each in kept_in(folder)] == [one.name]
    (one.folder / "csv" / "manifest.json").write_text(json.dumps({"exports": []}))
    assert kept_in(folder) == ()


def test_the_zip_holds_the_files_byte_for_byte(filled: EventLog) -> None:
    one = made(filled, "csv", "psych-ds")
    archive = ZipFile(io.BytesIO(b"".join(zipped(one))))
    assert archive.testzip() is None
    for each in (*one.files, *one.manifests):
        assert hashlib.sha256(archive.read(f"{one.name}/{each.file}")).hexdigest() == each.sha256
    assert len(archive.namelist()) == len(one.files) + len(one.manifests)


def test_a_zip_takes_no_more_memory_for_a_larger_export(tmp_path: Path) -> None:
    def peak(megabytes: int) -> int:
        folder = tmp_path / str(megabytes)
        (folder / "csv").mkdir(parents=True)
        (folder / "csv" / "events.csv").write_bytes(os.urandom(1 << 20) * megabytes)
        file = ExportedFile(file="csv/events.csv", bytes=megabytes << 20, sha256="", rows=1)
        one = Kept(
            name="x", study="x", folder=folder, formats=("csv",), sessions=frozenset(), files=(file,), manifests=()
        )
        tracemalloc.start()
        for piece in zipped(one):
            assert len(piece) < 1 << 20
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(24) < peak(3) + (1 << 20)


def test_deleting_takes_one_export_and_nothing_else(filled: EventLog) -> None:
    first, second = made(filled), made(filled)
    assert first.name != second.name
    delete_kept(first.folder.parent, first.name)
    beside = first.folder.parent.with_name("mine.txt")
    beside.write_text("mine")
    delete_kept(first.folder.parent, "../mine.txt")
    assert [one.name for one in kept_in(first.folder.parent)] == [second.name]
    assert beside.is_file()


def test_an_erasure_takes_the_exports_that_hold_the_session(filled: EventLog) -> None:
    one = made(filled, "csv", "jsonl")
    receipt = erase(filled, "P01")
    assert (receipt.exports, receipt.clean) == (1, True)
    assert not one.folder.exists()
    again = made(filled, "jsonl")
    assert b"only P01" not in (again.folder / "jsonl" / "events.jsonl").read_bytes()
    assert b"only P02" in (again.folder / "jsonl" / "events.jsonl").read_bytes()


def test_an_erasure_during_a_run_ends_it_without_an_export(filled: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    real, here = shelf.export_log, Shelf(filled)

    def overtaken(*given: object, **more: object) -> object:
        found = real(*given, **more)  # pyright: ignore
        erase(filled, "P01")
        return found

    monkeypatch.setattr(shelf, "export_log", overtaken)
    run = here.start("demo", ["jsonl"], without=NOT_DATA)
    here.wait(30)
    assert run.state == "failed" and "erased while" in run.reason
    assert list(here.folder.iterdir()) == []
