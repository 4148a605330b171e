"""What a search for words cannot see through is named, and never takes the search down."""

from __future__ import annotations

import struct
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from study.traces import found_in_file, sealed

WORDS = b"said in confidence " * 400


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "handed-on.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as made:
        made.writestr("talk.txt", WORDS)
    return path


def changed(path: Path, *, at_central: int, at_local: int, value: int) -> None:
    """Write `value` over two bytes of the one file's heading, in the list at the end and before its bytes."""
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + at_central, value)
    struct.pack_into("<H", data, data.index(b"PK\x03\x04") + at_local, value)
    path.write_bytes(data)


def test_a_sound_archive_is_seen_through(archive: Path) -> None:
    assert not sealed(archive)
    assert found_in_file([b"said in "], archive) == {b"said in "}


def test_a_damaged_archive_is_closed_to_the_search(archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    middle = 30 + len("talk.txt") + 12
    data[middle] ^= 0xFF
    archive.write_bytes(data)
    assert sealed(archive)


def test_an_archive_with_a_password_is_closed_to_the_search(archive: Path) -> None:
    changed(archive, at_central=8, at_local=6, value=1)
    assert sealed(archive)


def test_an_archive_of_an_unknown_compression_is_closed_to_the_search(archive: Path) -> None:
    changed(archive, at_central=10, at_local=8, value=99)
    assert sealed(archive)


def test_an_archive_within_an_archive_is_closed_to_the_search(archive: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer.zip"
    with ZipFile(outer, "w") as made:
        made.write(archive, "inner.zip")
    assert sealed(outer)
